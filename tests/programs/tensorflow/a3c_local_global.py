import numpy as np
import tensorflow as tf

GLOBAL_NET_SCOPE = 'Global_Net'
N_S, N_A = 4, 2
ENTROPY_BETA = 0.01
GAMMA = 0.9
rs = np.random.RandomState(8)
SESS = tf.Session()
OPT_A = tf.train.RMSPropOptimizer(0.002, name='RMSPropA')
OPT_C = tf.train.RMSPropOptimizer(0.004, name='RMSPropC')


class ACNet(object):
    def __init__(self, scope, globalAC=None):
        if scope == GLOBAL_NET_SCOPE:
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
                    log_prob = tf.reduce_sum(tf.log(self.a_prob + 1e-5) * tf.one_hot(self.a_his, N_A, dtype=tf.float32),
                                             axis=1, keep_dims=True)
                    exp_v = log_prob * tf.stop_gradient(td)
                    entropy = -tf.reduce_sum(self.a_prob * tf.log(self.a_prob + 1e-5), axis=1, keep_dims=True)
                    self.exp_v = ENTROPY_BETA * entropy + exp_v
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

    def _layer(self, x, n, activation, name):
        m = x.get_shape()[-1].value
        with tf.variable_scope(name):
            w = tf.get_variable('w', [m, n], initializer=tf.constant_initializer(rs.normal(0, .3, [m, n])))
            b = tf.get_variable('b', [n], initializer=tf.zeros_initializer())
        z = tf.nn.xw_plus_b(x, w, b)
        return activation(z) if activation else z

    def _build_net(self, scope):
        with tf.variable_scope('actor'):
            l_a = self._layer(self.s, 10, tf.nn.relu6, 'la')
            a_prob = self._layer(l_a, N_A, tf.nn.softmax, 'ap')
        with tf.variable_scope('critic'):
            l_c = self._layer(self.s, 8, tf.nn.relu6, 'lc')
            v = self._layer(l_c, 1, None, 'v')
        a_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope + '/actor')
        c_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope + '/critic')
        return a_prob, v, a_params, c_params

    def update_global(self, feed_dict):
        SESS.run([self.update_a_op, self.update_c_op], feed_dict)

    def pull_global(self):
        SESS.run([self.pull_a_params_op, self.pull_c_params_op])


class Worker(object):
    def __init__(self, name, globalAC, seed):
        self.name = name
        self.rng = np.random.RandomState(seed)
        self.AC = ACNet(name, globalAC)

    def work(self, episodes):
        for ep in range(episodes):
            s = self.rng.uniform(-1, 1, (6, N_S))
            a = self.rng.randint(0, N_A, 6)
            r = np.where(a == (s[:, 0] > 0), 1.0, -1.0)
            v_s_ = SESS.run(self.AC.v, {self.AC.s: s[-1:]})[0, 0]
            buffer_v_target = []
            for reward in r[::-1]:
                v_s_ = reward + GAMMA * v_s_
                buffer_v_target.append(v_s_)
            buffer_v_target.reverse()
            feed = {self.AC.s: s, self.AC.a_his: a, self.AC.v_target: np.vstack(buffer_v_target)}
            self.AC.update_global(feed)
            self.AC.pull_global()
            print(self.name, ep, SESS.run([self.AC.a_loss, self.AC.c_loss], feed))


if __name__ == '__main__':
    with tf.device('/cpu:0'):
        GLOBAL_AC = ACNet(GLOBAL_NET_SCOPE)
        workers = [Worker('W_%i' % i, GLOBAL_AC, 100 + i) for i in range(2)]
    SESS.run(tf.global_variables_initializer())
    for w in workers:
        w.AC.pull_global()
    for _ in range(2):
        for w in workers:
            w.work(2)
    print([v.name for v in workers[1].AC.a_params])
    print(SESS.run(GLOBAL_AC.c_params[-2]).ravel())
    print(sum(np.abs(p).sum() for p in SESS.run(GLOBAL_AC.a_params)))
