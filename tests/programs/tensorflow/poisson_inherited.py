import numpy as np
import tensorflow as tf

class Base(object):
    """holds the session and runs the loop"""
    def __init__(self, n):
        self.n = n
        self.history = []
        self.x = tf.placeholder(tf.float32, [None, 1])
        self.build()
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())

    def build(self):
        raise NotImplementedError

    def loop(self, data, iters=4):
        for i in range(iters):
            loss = self.step(data)
            self.history.append(loss)
        return self.history

class Poisson(Base):
    def build(self):
        r = np.random.RandomState(0)
        self.w = [tf.Variable(r.randn(1, self.n), dtype=tf.float32), tf.Variable(r.randn(self.n, 1), dtype=tf.float32)]
        self.c = [tf.Variable(r.randn(1, self.n) * .1, dtype=tf.float32), tf.Variable([[0.0]])]
        self.u = self.ansatz(self.x)
        du = tf.gradients(self.u, self.x)[0]
        d2u = tf.gradients(du, self.x)[0]
        f = -np.pi ** 2 * tf.sin(np.pi * self.x)
        self.res = d2u - f
        bc = tf.square(self.ansatz(tf.constant([[0.0], [1.0]])))
        self.loss = tf.reduce_mean(tf.square(self.res)) + tf.reduce_sum(bc)
        self.opt = tf.train.AdamOptimizer(0.02)
        gv = self.opt.compute_gradients(self.loss)
        self.norms = [tf.norm(g) for g, v in gv]
        self.train = self.opt.apply_gradients(gv)

    def ansatz(self, x):
        h = tf.sigmoid(tf.matmul(x, self.w[0]) + self.c[0])
        return tf.matmul(h, self.w[1]) + self.c[1]

    def step(self, data):
        _, l = self.session.run((self.train, self.loss), {self.x: data})
        return l

p = Poisson(6)
pts = np.linspace(0, 1, 8).reshape(-1, 1)
for l in p.loop(pts):
    print('%.4f' % l)
print(p.session.run(p.norms, {p.x: pts}))
print(p.session.run(p.u, {p.x: pts[2:4]}).T, p.session.run(p.res, {p.x: pts[2:4]}).T)
