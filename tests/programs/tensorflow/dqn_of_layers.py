import numpy as np
import tensorflow as tf

np.random.seed(2)
N_S, N_A = 4, 3
TAU = 0.3
W = {k: np.random.RandomState(i).randn(*s) * 0.5 for i, (k, s) in enumerate({'l1': (N_S, 6), 'out': (6, N_A)}.items())}


class DQN:
    def __init__(self, lr=0.05, gamma=0.9):
        self.lr = lr
        self.gamma = gamma
        self.learn_step = 0
        self._build_net()
        t_params = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope='target_net')
        e_params = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope='eval_net')
        self.replace_op = [tf.assign(t, e) for t, e in zip(t_params, e_params)]
        self.soft_op = [t.assign((1 - TAU) * t + TAU * e) for t, e in zip(t_params, e_params)]
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())
        self.sess.run(self.replace_op)

    def _net(self, s, scope, trainable):
        with tf.variable_scope(scope):
            init = tf.zeros_initializer()
            h = tf.layers.dense(s, 6, tf.nn.relu, kernel_initializer=tf.constant_initializer(W['l1']), name='l1')
            return tf.layers.dense(h, N_A, kernel_initializer=tf.constant_initializer(W['out']), name='q')

    def _build_net(self):
        self.s = tf.placeholder(tf.float32, [None, N_S], name='s')
        self.s_ = tf.placeholder(tf.float32, [None, N_S], name='s_')
        self.r = tf.placeholder(tf.float32, [None, ], name='r')
        self.a = tf.placeholder(tf.int32, [None, ], name='a')
        self.q_eval = self._net(self.s, 'eval_net', True)
        self.q_next = self._net(self.s_, 'target_net', False)
        with tf.variable_scope('q_target'):
            q_target = self.r + self.gamma * tf.reduce_max(self.q_next, axis=1, name='Qmax_s_')
            self.q_target = tf.stop_gradient(q_target)
        with tf.variable_scope('q_eval'):
            self.q_a = tf.reduce_sum(self.q_eval * tf.one_hot(self.a, N_A), axis=1)
        with tf.variable_scope('loss'):
            self.loss = tf.reduce_mean(tf.squared_difference(self.q_target, self.q_a, name='TD_error'))
        self.ds = tf.gradients(self.loss, self.s)[0]
        with tf.variable_scope('train'):
            self.train_op = tf.train.RMSPropOptimizer(self.lr).minimize(self.loss)

    def learn(self, s, a, r, s_):
        if self.learn_step % 2 == 0:
            self.sess.run(self.soft_op)
        _, cost = self.sess.run([self.train_op, self.loss], feed_dict={self.s: s, self.a: a, self.r: r, self.s_: s_})
        self.learn_step += 1
        return cost


agent = DQN()
rng = np.random.RandomState(0)
for k in range(4):
    s, s_ = rng.randn(5, N_S), rng.randn(5, N_S)
    a, r = rng.randint(0, N_A, 5), rng.rand(5)
    print('cost', agent.learn(s, a, r, s_))
print(agent.sess.run(agent.q_eval, {agent.s: s}))
print(agent.sess.run(agent.q_next, {agent.s_: s}))
print(agent.sess.run(agent.ds, {agent.s: s, agent.a: a, agent.r: r, agent.s_: s_}))
