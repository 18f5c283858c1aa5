"""Poisson equation -(u_xx + u_yy) = f on the unit square, zero boundary values."""
import tensorflow as tf
import numpy as np


class Net(object):
    """A dense net with tanh; values are handed out by the child classes."""

    def __init__(self, sizes, seed):
        rng = np.random.RandomState(seed)
        self.params = []
        for i, (n, m) in enumerate(zip(sizes[:-1], sizes[1:])):
            w = tf.Variable((rng.randn(n, m) / np.sqrt(n)).astype(np.float32), name='w%d' % i)
            b = tf.Variable(np.zeros(m, dtype=np.float32), name='b%d' % i)
            self.params += [(w, b)]

    def __call__(self, *coords):
        h = tf.concat(coords, axis=1)
        for w, b in self.params[:-1]:
            h = tf.tanh(tf.matmul(h, w) + b)
        w, b = self.params[-1]
        return tf.matmul(h, w) + b


class PDE(object):
    order = 2

    def __init__(self, net):
        self.net = net

    def diff(self, y, x, order=1):
        """order-th derivative of y with respect to the column x"""
        if order == 0:
            return y
        return self.diff(tf.gradients(y, x)[0], x, order - 1)

    def residual(self, x, y):
        raise NotImplementedError

    def loss(self, interior, boundary):
        res = self.residual(*interior)
        edge = self.solution(*boundary)
        return tf.reduce_mean(tf.square(res)) + 10.0 * tf.reduce_mean(tf.square(edge))

    def solution(self, x, y):
        return self.net(x, y)


class Poisson(PDE):
    def __init__(self, net, source):
        super(Poisson, self).__init__(net)
        self.source = source

    def residual(self, x, y):
        u = self.solution(x, y)
        laplacian = self.diff(u, x, self.order) + self.diff(u, y, self.order)
        return laplacian + self.source(x, y)


class HardPoisson(Poisson):
    """the boundary condition is built in"""

    def solution(self, x, y):
        return x * (1 - x) * y * (1 - y) * super(HardPoisson, self).solution(x, y)


def source(x, y):
    return 2 * np.pi ** 2 * tf.sin(np.pi * x) * tf.sin(np.pi * y)


def grid(n):
    t = (np.arange(n) + 0.5) / n
    a, b = np.meshgrid(t, t)
    return a.reshape(-1, 1), b.reshape(-1, 1)


def edges(n):
    t = np.linspace(0, 1, n)
    z, o = np.zeros(n), np.ones(n)
    return (np.concatenate([t, t, z, o])[:, None], np.concatenate([z, o, t, t])[:, None])


def run(cls, steps):
    tf.reset_default_graph()
    x, y = [tf.placeholder(tf.float32, (None, 1)) for _ in 'xy']
    xb, yb = [tf.placeholder(tf.float32, (None, 1)) for _ in 'xy']
    problem = cls(Net([2, 10, 10, 1], 11), source)
    u = problem.solution(x, y)
    loss = problem.loss((x, y), (xb, yb))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    gx, gy = grid(5)
    ex, ey = edges(6)
    feed = {x: gx, y: gy, xb: ex, yb: ey}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(steps):
            _, l = sess.run([train, loss], feed)
            if i % 10 == 0:
                print(cls.__name__, i, 'loss %.5f' % l)
        print('u', sess.run(u, {x: [[0.5], [0.25]], y: [[0.5], [0.75]]}).ravel())


for c in (Poisson, HardPoisson):
    run(c, 30)
