import numpy as np
import tensorflow as tf

class Critic:
    def __init__(self, name):
        self.name = name
        self.reuse = False
    def __call__(self, x, a):
        with tf.variable_scope(self.name, reuse=self.reuse):
            rs = np.random.RandomState(len(self.name))
            h = tf.concat([x, a], -1)
            for i, n in enumerate([7, 5]):
                m = int(h.get_shape()[-1])
                W = tf.get_variable('W%d' % i, initializer=(rs.randn(m, n) * .4).astype('float32'))
                b = tf.get_variable('b%d' % i, shape=[n], initializer=tf.zeros_initializer())
                h = tf.nn.leaky_relu(tf.matmul(h, W) + b)
            W = tf.get_variable('Wo', initializer=(rs.randn(5, 1) * .4).astype('float32'))
            q = tf.matmul(h, W)
        self.reuse = True
        return q
    @property
    def vars(self):
        return [v for v in tf.trainable_variables() if v.name.startswith(self.name + '/')]

tf.reset_default_graph()
s = tf.placeholder(tf.float32, [None, 3])
a = tf.placeholder(tf.float32, [None, 1])
y = tf.placeholder(tf.float32, [None, 1])
q_net, q_target = Critic('critic'), Critic('target_critic')
q, qt = q_net(s, a), q_target(s, a)
pi_W = tf.get_variable('actor/W', [3, 1], initializer=tf.constant_initializer(0.2))
mu = tf.tanh(tf.matmul(s, pi_W))
q_pi = q_net(s, mu)
critic_loss = tf.reduce_mean(tf.square(q - y)) + sum(0.01 * tf.nn.l2_loss(v) for v in q_net.vars)
actor_loss = -tf.reduce_mean(q_pi)
critic_train = tf.train.AdamOptimizer(1e-2).minimize(critic_loss, var_list=q_net.vars)
with tf.control_dependencies([critic_train]):
    actor_train = tf.train.AdamOptimizer(1e-2).minimize(actor_loss, var_list=[pi_W])
soft = [t.assign(0.9 * t + 0.1 * v) for t, v in zip(q_target.vars, q_net.vars)]
dqda = tf.gradients(q, a)[0]
rs = np.random.RandomState(0)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for it in range(5):
        S, A = rs.randn(6, 3), rs.randn(6, 1)
        target = rs.randn(6, 1) + 0.9 * sess.run(qt, {s: S, a: A})
        sess.run(critic_train, {s: S, a: A, y: target})
        sess.run(soft)
        print(it, sess.run([critic_loss, actor_loss], {s: S, a: A, y: target}))
    sess.run(actor_train, {s: S, a: A, y: target})
    print(sess.run(pi_W).ravel())
    print(sess.run(dqda, {s: S, a: A}).ravel())
    print(len(q_net.vars), [v.op.name for v in q_target.vars][:3])
