import collections
import random
import numpy as np
import tensorflow as tf

Transition = collections.namedtuple('Transition', 'state action reward next_state done')
GAMMA = 0.95
N_STATES, N_ACTIONS, HIDDEN = 4, 3, 12


def weight(rng, shape, name):
    bound = np.sqrt(6. / np.sum(shape))
    return tf.get_variable(name, shape, initializer=tf.constant_initializer(rng.uniform(-bound, bound, shape)))


class QNetwork(object):
    """value and advantage streams"""

    def __init__(self, scope, seed):
        self.scope = scope
        rng = np.random.RandomState(seed)
        with tf.variable_scope(scope):
            self.state = tf.placeholder(tf.float32, [None, N_STATES], name='state')
            w = weight(rng, [N_STATES, HIDDEN], 'w')
            b = tf.get_variable('b', [HIDDEN], initializer=tf.constant_initializer(0.1))
            h = tf.nn.relu(tf.matmul(self.state, w) + b)
            with tf.variable_scope('value'):
                self.value = tf.matmul(h, weight(rng, [HIDDEN, 1], 'w'))
            with tf.variable_scope('advantage'):
                self.advantage = tf.matmul(h, weight(rng, [HIDDEN, N_ACTIONS], 'w'))
            self.q = self.value + (self.advantage - tf.reduce_mean(self.advantage, axis=1, keep_dims=True))
            self.best = tf.argmax(self.q, 1)

    @property
    def variables(self):
        return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=self.scope)


class Agent(object):
    def __init__(self, sess, clip=1.0):
        self.sess = sess
        self.online = QNetwork('online', 0)
        self.target = QNetwork('target', 1)
        self.action = tf.placeholder(tf.int32, [None])
        self.y = tf.placeholder(tf.float32, [None])
        self.weights_is = tf.placeholder(tf.float32, [None])
        rows = tf.range(tf.shape(self.action)[0])
        picked = tf.gather_nd(self.online.q, tf.stack([rows, self.action], axis=1))
        self.td_error = self.y - picked
        huber = tf.where(tf.abs(self.td_error) < clip, 0.5 * tf.square(self.td_error),
                         clip * (tf.abs(self.td_error) - 0.5 * clip))
        self.loss = tf.reduce_mean(self.weights_is * huber)
        optimizer = tf.train.RMSPropOptimizer(0.005, decay=0.9, momentum=0.1, epsilon=1e-2)
        gvs = optimizer.compute_gradients(self.loss, var_list=self.online.variables)
        self.grad_norm = tf.global_norm([g for g, _ in gvs])
        for i, (grad, var) in enumerate(gvs):
            if grad is not None:
                gvs[i] = (tf.clip_by_norm(grad, 0.5), var)
        self.train_op = optimizer.apply_gradients(gvs)
        self.sync = [t.assign(o) for t, o in zip(self.target.variables, self.online.variables)]

    def learn(self, batch):
        batch = Transition(*map(np.array, zip(*batch)))
        best, = self.sess.run([self.online.best], {self.online.state: batch.next_state})
        q_next = self.sess.run(self.target.q, {self.target.state: batch.next_state})
        target = batch.reward + GAMMA * (1 - batch.done) * q_next[np.arange(len(best)), best]
        feed = {self.online.state: batch.state, self.action: batch.action, self.y: target}
        td = self.sess.run(self.td_error, feed)
        w = 1.0 / (0.5 + np.abs(td))
        feed[self.weights_is] = w / w.max()
        loss, norm, _ = self.sess.run([self.loss, self.grad_norm, self.train_op], feed_dict=feed)
        return loss, norm


def environment(rng, n):
    memory = collections.deque(maxlen=50)
    s = rng.uniform(-1, 1, N_STATES)
    for i in range(n):
        a = int(rng.randint(N_ACTIONS))
        s2 = np.clip(0.8 * s + 0.3 * (a - 1) * np.array([1., -1., .5, 0.]), -1, 1)
        memory.append(Transition(s, a, -np.square(s2).sum(), s2, float(i % 7 == 6)))
        s = s2 if i % 7 != 6 else rng.uniform(-1, 1, N_STATES)
    return memory


if __name__ == '__main__':
    rng = np.random.RandomState(10)
    memory = environment(rng, 40)
    with tf.Session() as sess:
        agent = Agent(sess)
        sess.run(tf.global_variables_initializer())
        sess.run(agent.sync)
        for step in range(12):
            batch = [memory[i] for i in rng.choice(len(memory), 8, replace=False)]
            loss, norm = agent.learn(batch)
            if step % 4 == 3:
                sess.run(agent.sync)
                print('step {} loss {:.5f} norm {:.5f}'.format(step, loss, norm))
        print(sess.run(agent.online.q, {agent.online.state: np.eye(4)}))
        print([v.op.name for v in agent.target.variables])
