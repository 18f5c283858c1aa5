import tensorflow.compat.v1 as tf
import numpy as np
tf.disable_v2_behavior()

class Base:
    def __init__(self, layers, rng):
        self.ws = []
        self.bs = []
        for i, (m, n) in enumerate(zip(layers[:-1], layers[1:])):
            with tf.variable_scope('layer%d' % i):
                self.ws.append(tf.get_variable('W', initializer=(rng.randn(m, n) / np.sqrt(m)).astype(np.float32)))
                self.bs.append(tf.get_variable('b', shape=[n], initializer=tf.zeros_initializer()))

    def mlp(self, h):
        for w, b in zip(self.ws[:-1], self.bs[:-1]):
            h = tf.tanh(h @ w + b)
        return h @ self.ws[-1] + self.bs[-1]

def derivative(f, x, order):
    if order == 0:
        return f
    return derivative(tf.gradients(f, x)[0], x, order - 1)

class KdV(Base):
    def __init__(self, rng):
        super().__init__([2, 10, 10, 1], rng)
        self.lambda_1 = tf.Variable([0.5], dtype=tf.float32)
        self.lambda_2 = tf.Variable([-1.0], dtype=tf.float32)
        self.x = tf.placeholder(tf.float32, shape=[None, 1])
        self.t = tf.placeholder(tf.float32, shape=[None, 1])
        self.u = tf.placeholder(tf.float32, [None, 1])
        self.pred = self.mlp(tf.concat([self.x, self.t], axis=1))
        ut = derivative(self.pred, self.t, 1)
        ux = derivative(self.pred, self.x, 1)
        uxxx = derivative(self.pred, self.x, 3)
        self.f = ut + self.lambda_1 * self.pred * ux + tf.exp(self.lambda_2) * uxxx
        self.loss = tf.reduce_sum(tf.square(self.u - self.pred)) + tf.reduce_sum(tf.square(self.f))
        self.opt = tf.train.AdamOptimizer(1e-2)
        self.train_op = self.opt.minimize(self.loss)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def fit(self, x, t, u, n):
        d = {self.x: x, self.t: t, self.u: u}
        for i in range(n):
            _, l = self.sess.run([self.train_op, self.loss], d)
            l1 = self.sess.run(self.lambda_1)
            if i % 2 == 0:
                print('%d %.5f %.5f' % (i, l, l1[0]))

rng = np.random.RandomState(4)
x = rng.uniform(-1, 1, (12, 1)); t = rng.uniform(0, 1, (12, 1))
m = KdV(rng)
m.fit(x, t, np.sin(np.pi * x) * np.exp(-t), 6)
print(m.sess.run(m.f, {m.x: x[:3], m.t: t[:3]}).ravel())
print(m.sess.run([m.lambda_1, m.lambda_2]))
