import numpy as np
import tensorflow as tf

class Net:
    def __init__(self, seed=1):
        rs = np.random.RandomState(seed)
        self.w = tf.Variable(rs.randn(2, 5).astype(np.float32) * 0.7)
        self.v = tf.Variable(rs.randn(5, 1).astype(np.float32))

    def __call__(self, inputs):
        return tf.matmul(tf.nn.elu(tf.matmul(inputs, self.w)), self.v)

def divergence(f, x):
    y = f(x)
    d = tf.gradients(y, x)[0]
    return tf.reduce_sum(d, axis=1)

def penalty(f, a, b, t):
    mid = t * a + (1. - t) * b
    out = f(mid)
    g, = tf.gradients(out, [mid])
    return tf.reduce_mean(tf.square(tf.sqrt(tf.reduce_sum(tf.square(g), axis=1) + 1e-8) - 1.))

net = Net()
xa = tf.placeholder(tf.float32, [None, 2])
xb = tf.placeholder(tf.float32, [None, 2])
eps = tf.placeholder(tf.float32, [None, 1])
score = net(xa)
div = divergence(net, xa)
gp = penalty(net, xa, xb, eps)
total = tf.reduce_mean(score) + 10. * gp
g_in = tf.gradients(total, xa)[0]

rs = np.random.RandomState(7)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    A, B, E = rs.randn(4, 2), rs.randn(4, 2), rs.rand(4, 1)
    print(sess.run(score, {xa: A}).ravel())
    print(sess.run(div, {xa: A}))
    feed = {xa: A, xb: B, eps: E}
    print(sess.run([gp, total], feed))
    print(sess.run(g_in, feed))
