import numpy as np
import tensorflow as tf

N_F, N_A = 4, 2
rng = np.random.RandomState(7)
K = {'a1': rng.randn(N_F, 5) * 0.4, 'a2': rng.randn(5, N_A) * 0.4, 'c1': rng.randn(N_F, 5) * 0.4, 'c2': rng.randn(5, 1) * 0.4}


class Actor(object):
    def __init__(self, sess, n_features, n_actions, lr=0.01):
        self.sess = sess
        self.s = tf.placeholder(tf.float32, [1, n_features], "state")
        self.a = tf.placeholder(tf.int32, None, "act")
        self.td_error = tf.placeholder(tf.float32, None, "td_error")

        with tf.variable_scope('Actor'):
            l1 = tf.layers.dense(
                inputs=self.s,
                units=5,    # number of hidden units
                activation=tf.nn.relu,
                kernel_initializer=tf.constant_initializer(K['a1']),    # weights
                bias_initializer=tf.constant_initializer(0.1),  # biases
                name='l1'
            )
            self.acts_prob = tf.layers.dense(inputs=l1, units=n_actions, activation=tf.nn.softmax,
                                             kernel_initializer=tf.constant_initializer(K['a2']), name='acts_prob')

        with tf.variable_scope('exp_v'):
            log_prob = tf.log(tf.reduce_sum(self.acts_prob * tf.one_hot(self.a, n_actions)))
            self.exp_v = tf.reduce_mean(log_prob * self.td_error)  # advantage (TD_error) guided loss

        with tf.variable_scope('train'):
            self.train_op = tf.train.AdamOptimizer(lr).minimize(-self.exp_v)  # minimize(-exp_v) = maximize(exp_v)

    def learn(self, s, a, td):
        s = s[np.newaxis, :]
        feed_dict = {self.s: s, self.a: a, self.td_error: td}
        _, exp_v = self.sess.run([self.train_op, self.exp_v], feed_dict)
        return exp_v

    def choose_action(self, s):
        s = s[np.newaxis, :]
        probs = self.sess.run(self.acts_prob, {self.s: s})   # get probabilities for all actions
        return int(np.argmax(probs.ravel())), probs


class Critic(object):
    def __init__(self, sess, n_features, lr=0.05):
        self.sess = sess
        self.s = tf.placeholder(tf.float32, [1, n_features], "state")
        self.v_ = tf.placeholder(tf.float32, [1, 1], "v_next")
        self.r = tf.placeholder(tf.float32, None, 'r')
        with tf.variable_scope('Critic'):
            l1 = tf.layers.dense(self.s, 5, tf.nn.relu, kernel_initializer=tf.constant_initializer(K['c1']), name='l1')
            self.v = tf.layers.dense(l1, 1, None, kernel_initializer=tf.constant_initializer(K['c2']), name='V')
        with tf.variable_scope('squared_TD_error'):
            self.td_error = self.r + 0.9 * self.v_ - self.v
            self.loss = tf.square(self.td_error)    # TD_error = (r+gamma*V_next) - V_eval
        self.dv_ds = tf.gradients(self.v, self.s)[0]
        with tf.variable_scope('train'):
            self.train_op = tf.train.AdamOptimizer(lr).minimize(self.loss)

    def learn(self, s, r, s_):
        s, s_ = s[np.newaxis, :], s_[np.newaxis, :]
        v_ = self.sess.run(self.v, {self.s: s_})
        td_error, _ = self.sess.run([self.td_error, self.train_op], {self.s: s, self.v_: v_, self.r: r})
        return td_error


sess = tf.Session()
actor = Actor(sess, n_features=N_F, n_actions=N_A, lr=0.02)
critic = Critic(sess, n_features=N_F)
sess.run(tf.global_variables_initializer())
s = rng.randn(N_F)
for t in range(5):
    a, probs = actor.choose_action(s)
    s_ = 0.8 * s + 0.1 * a + 0.1 * rng.randn(N_F)
    r = -float(np.abs(s_).sum())
    td_error = critic.learn(s, r, s_)
    print(t, a, probs, 'td', td_error.ravel(), 'exp_v', actor.learn(s, a, td_error))
    s = s_
print('dv/ds', sess.run(critic.dv_ds, {critic.s: s[np.newaxis, :]}))
