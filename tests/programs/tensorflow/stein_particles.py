from __future__ import division, print_function
import numpy as np
import tensorflow as tf
sess = tf.Session()

class Stein:
    """SVGD with an RBF kernel: gradients of the kernel by tf.gradients."""
    def __init__(self, n, dim):
        self.theta = tf.Variable(np.random.RandomState(4).randn(n, dim).astype(np.float32), name='particles')
        mean = tf.constant([1.0, -1.0])
        self.logp = -0.5 * tf.reduce_sum((self.theta - mean) ** 2, axis=1)
        self.dlogp, = tf.gradients(self.logp, self.theta)
        K, dK = self.kernel(self.theta, 0.8)
        phi = (tf.matmul(K, self.dlogp) + dK) / n
        self.update = self.theta.assign(self.theta + 0.5 * phi)
        self.K = K

    def kernel(self, x, h):
        xx = tf.expand_dims(tf.reduce_sum(x * x, 1), 1)
        dist = xx - 2.0 * tf.matmul(x, tf.transpose(x)) + tf.transpose(xx)
        K = tf.exp(-dist / h ** 2 / 2.0)
        dK = -tf.matmul(K, x)
        s = tf.expand_dims(tf.reduce_sum(K, axis=1), 1)
        dK = tf.add(dK, tf.multiply(x, s)) / (h ** 2)
        return K, dK

st = Stein(5, 2)
x0 = tf.placeholder(tf.float32, [2])
k0 = tf.exp(-tf.reduce_sum(tf.square(tf.expand_dims(x0, 0) - st.theta), 1))
gk = tf.gradients(k0, [x0, st.theta])
jac = [tf.gradients(k0[i], x0)[0] for i in range(5)]
with sess.as_default():
    tf.global_variables_initializer().run()
    for i in range(4):
        sess.run(st.update)
    print(st.theta.eval())
    a, b = sess.run(gk, {x0: [0.2, 0.1]})
    print(a, b.sum(0))
    print(np.array(sess.run(jac, feed_dict={x0: [0.2, 0.1]})))
    print(st.K.eval().trace())
