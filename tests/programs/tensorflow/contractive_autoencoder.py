"""Contractive autoencoder, penalty from the encoder's Jacobian."""
import functools
import numpy as np
import tensorflow as tf


def lazy_property(function):
    attribute = '_cache_' + function.__name__

    @property
    @functools.wraps(function)
    def decorator(self):
        if not hasattr(self, attribute):
            with tf.variable_scope(function.__name__):
                setattr(self, attribute, function(self))
        return getattr(self, attribute)

    return decorator


class ContractiveAutoencoder:
    def __init__(self, data, n_hidden, lam=0.1, seed=3):
        self.data = data
        self.lam = lam
        rng = np.random.RandomState(seed)
        n_in = int(data.shape[1])
        self.W = tf.Variable(rng.randn(n_in, n_hidden) * 0.3, dtype=tf.float32, name='W')
        self.bh = tf.Variable(tf.zeros([n_hidden]), name='bh')
        self.bv = tf.Variable(tf.zeros([n_in]), name='bv')
        self.code
        self.reconstruction
        self.penalty
        self.cost
        self.optimize

    @lazy_property
    def code(self):
        return tf.sigmoid(tf.matmul(self.data, self.W) + self.bh)

    @lazy_property
    def reconstruction(self):
        return tf.matmul(self.code, self.W, transpose_b=True) + self.bv

    @lazy_property
    def penalty(self):
        rows = []
        for unit in tf.unstack(self.code, axis=1):
            rows.append(tf.gradients(unit, self.data)[0])
        jac = tf.stack(rows, axis=1)
        return tf.reduce_mean(tf.reduce_sum(jac ** 2, axis=[1, 2]))

    @lazy_property
    def cost(self):
        err = tf.reduce_sum(tf.squared_difference(self.reconstruction, self.data), axis=1)
        return tf.reduce_mean(err) + self.lam * self.penalty

    @lazy_property
    def optimize(self):
        opt = tf.train.GradientDescentOptimizer(0.05)
        gvs = opt.compute_gradients(self.cost)
        gvs = [(tf.clip_by_norm(g, 1.0), v) for g, v in gvs if g is not None]
        return opt.apply_gradients(gvs)


if __name__ == '__main__':
    x = tf.placeholder(tf.float32, [None, 5], name='x')
    model = ContractiveAutoencoder(x, 3)
    batch = np.random.RandomState(0).rand(6, 5)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(5):
            _, c, p = sess.run([model.optimize, model.cost, model.penalty], {x: batch})
            print(i, 'cost %.5f penalty %.5f' % (c, p))
        print('W', sess.run(model.W))
