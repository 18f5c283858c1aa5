import numpy as np
import tensorflow as tf

GLOBAL = 'Global_Net'
N_S, N_A = 3, 2
rng = np.random.RandomState(11)
VALUES = {'la': rng.randn(N_S, 6) * .3, 'ap': rng.randn(6, N_A) * .3, 'lc': rng.randn(N_S, 5) * .3, 'v': rng.randn(5, 1) * .3}


def const(name):
    return tf.constant_initializer(VALUES[name])


class ACNet(object):
    def __init__(self, scope, globalAC=None):
        if scope == GLOBAL:
            with tf.variable_scope(scope):
                self.s = tf.placeholder(tf.float32, [None, N_S], 'S')
                self.a_params, self.c_params = self._build_net(scope)[-2:]
        else:
            with tf.variable_scope(scope):
                self.s = tf.placeholder(tf.float32, [None, N_S], 'S')
                self.a_his = tf.placeholder(tf.int32, [None, ], 'A')
                self.v_target = tf.placeholder(tf.float32, [None, 1], 'Vtarget')
                self.a_prob, self.v, self.a_params, self.c_params = self._build_net(scope)
                td = tf.subtract(self.v_target, self.v, name='TD_error')
                with tf.name_scope('c_loss'):
                    self.c_loss = tf.reduce_mean(tf.square(td))
                with tf.name_scope('a_loss'):
                    log_prob = tf.reduce_sum(tf.log(self.a_prob + 1e-5) * tf.one_hot(self.a_his, N_A, dtype=tf.float32), axis=1, keep_dims=True)
                    exp_v = log_prob * tf.stop_gradient(td)
                    entropy = -tf.reduce_sum(self.a_prob * tf.log(self.a_prob + 1e-5), axis=1, keep_dims=True)
                    self.exp_v = 0.01 * entropy + exp_v
                    self.a_loss = tf.reduce_mean(-self.exp_v)
                with tf.name_scope('local_grad'):
                    self.a_grads = tf.gradients(self.a_loss, self.a_params)
                    self.c_grads = tf.gradients(self.c_loss, self.c_params)
            with tf.name_scope('sync'):
                with tf.name_scope('pull'):
                    self.pull_a_params_op = [l_p.assign(g_p) for l_p, g_p in zip(self.a_params, globalAC.a_params)]
                    self.pull_c_params_op = [l_p.assign(g_p) for l_p, g_p in zip(self.c_params, globalAC.c_params)]
                with tf.name_scope('push'):
                    self.update_a_op = OPT_A.apply_gradients(zip(self.a_grads, globalAC.a_params))
                    self.update_c_op = OPT_C.apply_gradients(zip(self.c_grads, globalAC.c_params))

    def _build_net(self, scope):
        with tf.variable_scope('actor'):
            l_a = tf.layers.dense(self.s, 6, tf.nn.relu6, kernel_initializer=const('la'), name='la')
            a_prob = tf.layers.dense(l_a, N_A, tf.nn.softmax, kernel_initializer=const('ap'), name='ap')
        with tf.variable_scope('critic'):
            l_c = tf.layers.dense(self.s, 5, tf.nn.relu6, kernel_initializer=const('lc'), name='lc')
            v = tf.layers.dense(l_c, 1, kernel_initializer=const('v'), name='v')
        a_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope + '/actor')
        c_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope + '/critic')
        return a_prob, v, a_params, c_params

    def update_global(self, feed_dict):
        SESS.run([self.update_a_op, self.update_c_op], feed_dict)

    def pull_global(self):
        SESS.run([self.pull_a_params_op, self.pull_c_params_op])

    def choose_action(self, s):
        prob_weights = SESS.run(self.a_prob, feed_dict={self.s: s[np.newaxis, :]})
        return int(np.argmax(prob_weights.ravel()))


class Worker(object):
    def __init__(self, name, globalAC):
        self.name = name
        self.AC = ACNet(name, globalAC)

    def work(self, episodes):
        buffer_s, buffer_a, buffer_r = [], [], []
        s = np.ones(N_S) * 0.1
        for t in range(episodes):
            a = self.AC.choose_action(s)
            r = float(s[a] - 0.2 * t)
            buffer_s.append(s)
            buffer_a.append(a)
            buffer_r.append(r)
            s = np.tanh(s * 1.3 + (0.2 if a else -0.3))
        v_s_ = SESS.run(self.AC.v, {self.AC.s: s[np.newaxis, :]})[0, 0]
        targets = []
        for r in buffer_r[::-1]:
            v_s_ = r + 0.9 * v_s_
            targets.append(v_s_)
        targets.reverse()
        fd = {self.AC.s: np.vstack(buffer_s), self.AC.a_his: np.array(buffer_a), self.AC.v_target: np.vstack(targets)}
        self.AC.update_global(fd)
        self.AC.pull_global()
        return SESS.run([self.AC.a_loss, self.AC.c_loss], fd)


if __name__ == "__main__":
    SESS = tf.Session()
    with tf.device("/cpu:0"):
        OPT_A = tf.train.RMSPropOptimizer(0.01, name='RMSPropA')
        OPT_C = tf.train.RMSPropOptimizer(0.02, name='RMSPropC')
        GLOBAL_AC = ACNet(GLOBAL)
        workers = [Worker('W_%i' % i, GLOBAL_AC) for i in range(2)]
    COORD = tf.train.Coordinator()
    SESS.run(tf.global_variables_initializer())
    for rnd in range(3):
        for w in workers:
            if not COORD.should_stop():
                print(rnd, w.name, w.work(4))
    print(SESS.run(GLOBAL_AC.a_params[0]))
    print([v.name for v in GLOBAL_AC.c_params])
