import numpy as np
import tensorflow as tf

class Wave(object):
    def __init__(self, layers, c):
        self.c = c
        self.layers = layers
        self.params = self.build_params(layers, np.random.RandomState(9))
        self.x_ph = tf.placeholder(tf.float32, shape=(None, 1))
        self.t_ph = tf.placeholder(tf.float32, shape=(None, 1))
        self.u_ph = tf.placeholder(tf.float32, shape=(None, 1))
        self.u = self.u_net(self.x_ph, self.t_ph)
        self.f, self.flux = self.f_net(self.x_ph, self.t_ph)
        self.mse_u = tf.reduce_mean(tf.square(self.u_ph - self.u))
        self.mse_f = tf.reduce_mean(tf.square(self.f))
        self.loss = self.mse_u + self.mse_f
        self.optimizer = tf.train.MomentumOptimizer(0.01, 0.9)
        self.train_op = self.optimizer.minimize(self.loss)
        self.sess = tf.Session()
        init = tf.global_variables_initializer()
        self.sess.run(init)

    def build_params(self, layers, rng):
        params = {}
        for i in range(len(layers) - 1):
            params['w%d' % i] = tf.Variable(rng.normal(0, 0.5, (layers[i], layers[i + 1])), dtype=tf.float32)
            params['b%d' % i] = tf.Variable(np.zeros((1, layers[i + 1])), dtype=tf.float32)
        return params

    def u_net(self, x, t):
        h = tf.concat([x, t], axis=1)
        n = len(self.layers) - 1
        for i in range(n):
            z = tf.matmul(h, self.params['w%d' % i]) + self.params['b%d' % i]
            h = tf.sin(z) if i < n - 1 else z
        return h

    def f_net(self, x, t):
        u = self.u_net(x, t)
        u_x = tf.gradients(u, x)[0]
        u_xx = tf.gradients(u_x, x)[0]
        u_t = tf.gradients(u, t)[0]
        u_tt = tf.gradients(u_t, t)[0]
        u_xt = tf.gradients(u_x, t)[0]
        return u_tt - self.c ** 2 * u_xx, u_x * u_xt

    def train(self, x, t, u, n):
        for it in range(n):
            d = {self.x_ph: x, self.t_ph: t, self.u_ph: u}
            self.sess.run(self.train_op, d)
            l, lu, lf = self.sess.run([self.loss, self.mse_u, self.mse_f], d)
            print('it %d %.6f %.6f %.6f' % (it, l, lu, lf))

    def evaluate(self, x, t):
        u, f, flux = self.sess.run([self.u, self.f, self.flux], {self.x_ph: x, self.t_ph: t})
        return u, f, flux


if __name__ == '__main__':
    r = np.random.RandomState(2)
    x, t = r.uniform(0, 1, (7, 1)), r.uniform(0, 1, (7, 1))
    model = Wave([2, 6, 6, 1], 1.5)
    model.train(x, t, np.sin(np.pi * x) * np.cos(np.pi * t), 4)
    for a in model.evaluate(x[:2], t[:2]):
        print(a.flatten())
