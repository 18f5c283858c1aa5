import numpy as np
import tensorflow as tf

class DQN:
    def __init__(self, n_s, n_a, lr=0.05, gamma=0.9):
        self.n_a = n_a
        self.gamma = gamma
        self.rs = np.random.RandomState(7)
        self.s = tf.placeholder(tf.float32, [None, n_s], name='s')
        self.q_target = tf.placeholder(tf.float32, [None, n_a], name='Q_target')
        self.s_ = tf.placeholder(tf.float32, [None, n_s], name='s_')
        with tf.variable_scope('eval_net'):
            c_names = ['eval_net_params', tf.GraphKeys.GLOBAL_VARIABLES]
            self.q_eval = self._net(self.s, c_names)
        with tf.variable_scope('loss'):
            self.loss = tf.reduce_mean(tf.squared_difference(self.q_target, self.q_eval))
        with tf.variable_scope('train'):
            self._train_op = tf.train.RMSPropOptimizer(lr).minimize(self.loss)
        with tf.variable_scope('target_net'):
            c_names = ['target_net_params', tf.GraphKeys.GLOBAL_VARIABLES]
            self.q_next = self._net(self.s_, c_names)
        t_params = tf.get_collection('target_net_params')
        e_params = tf.get_collection('eval_net_params')
        self.replace = [tf.assign(t, e) for t, e in zip(t_params, e_params)]
        self.dq_ds = tf.gradients(tf.reduce_max(self.q_eval, axis=1), self.s)[0]
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def _net(self, s, names):
        w0 = 0.4 * self.rs.randn(int(s.get_shape()[1]), 6)
        with tf.variable_scope('l1'):
            w1 = tf.get_variable('w1', [s.shape[1], 6], initializer=tf.constant_initializer(w0), collections=names)
            b1 = tf.get_variable('b1', [1, 6], initializer=tf.constant_initializer(0.1), collections=names)
            l1 = tf.nn.relu(tf.matmul(s, w1) + b1)
        with tf.variable_scope('l2'):
            w2 = tf.get_variable('w2', [6, self.n_a], initializer=tf.constant_initializer(0.3 * self.rs.randn(6, self.n_a)), collections=names)
            return tf.matmul(l1, w2)

    def learn(self, batch, step):
        s, a, r, s2 = batch
        if step % 2 == 0:
            self.sess.run(self.replace)
        q_next, q_eval = self.sess.run([self.q_next, self.q_eval], feed_dict={self.s_: s2, self.s: s})
        target = q_eval.copy()
        target[np.arange(len(a)), a] = r + self.gamma * np.max(q_next, axis=1)
        _, cost = self.sess.run([self._train_op, self.loss], feed_dict={self.s: s, self.q_target: target})
        return cost

agent = DQN(3, 2)
rs = np.random.RandomState(1)
for k in range(6):
    batch = (rs.randn(5, 3), rs.randint(0, 2, 5), rs.randn(5), rs.randn(5, 3))
    print('cost', agent.learn(batch, k))
print(agent.sess.run(agent.dq_ds, {agent.s: rs.randn(2, 3)}))
