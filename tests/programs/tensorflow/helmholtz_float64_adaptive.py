import os
import sys
import time
import numpy as np
import tensorflow as tf

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
np.random.seed(1234)
tf.set_random_seed(1234)

DTYPE = tf.float64


class Wave2D:
    """Helmholtz in two dimensions with hard boundary conditions, adaptive weights (Wang et al.) and Fourier features"""

    def __init__(self, layers, k=2.0, mode='M1'):
        self.k, self.mode = k, mode
        self.B = tf.Variable(np.random.normal(size=[2, layers[0] // 2]), dtype=DTYPE, trainable=False)
        self.weights = [self.xavier(layers[i], layers[i + 1]) for i in range(len(layers) - 1)]
        self.biases = [tf.Variable(tf.zeros([1, n], dtype=DTYPE), dtype=DTYPE) for n in layers[1:]]
        self.x_r, self.y_r, self.x_b, self.y_b, self.u_b = (tf.placeholder(DTYPE, shape=(None, 1)) for _ in range(5))
        self.adaptive = tf.placeholder(DTYPE, shape=())
        self.adaptive_val = np.array(1.0)
        self.r_pred = self.net_r(self.x_r, self.y_r)
        self.u_pred = self.net_u(self.x_b, self.y_b)
        self.loss_res = tf.reduce_mean(tf.square(self.r_pred))
        self.loss_bc = tf.reduce_mean(tf.square(self.u_pred - self.u_b))
        self.loss = self.loss_res + self.adaptive * self.loss_bc
        self.global_step = tf.Variable(0, trainable=False)
        self.learning_rate = tf.train.exponential_decay(1e-2, self.global_step, 5, 0.9, staircase=False)
        self.train_op = tf.train.AdamOptimizer(self.learning_rate).minimize(self.loss, global_step=self.global_step)
        self.grad_res, self.grad_bc = [], []
        for W in self.weights[:-1]:
            self.grad_res.append(tf.gradients(self.loss_res, W)[0])
            self.grad_bc.append(tf.gradients(self.loss_bc, W)[0])
        self.max_grad_res = tf.reduce_max([tf.reduce_max(tf.abs(g)) for g in self.grad_res])
        self.mean_grad_bc = tf.reduce_mean(tf.stack([tf.reduce_mean(tf.abs(g)) for g in self.grad_bc]))
        self.adaptive_constant = self.max_grad_res / self.mean_grad_bc
        self.sess = tf.Session(config=tf.ConfigProto(log_device_placement=False))
        self.saver = tf.train.Saver()
        self.sess.run(tf.global_variables_initializer())

    def xavier(self, m, n):
        return tf.Variable(np.random.randn(m, n) / np.sqrt((m + n) / 2.), dtype=DTYPE)

    def features(self, x, y):
        proj = tf.matmul(tf.concat([x, y], axis=1), self.B)
        return tf.concat([tf.sin(proj), tf.cos(proj)], axis=1)

    def net_u(self, x, y):
        H = self.features(x, y)
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            H = tf.nn.tanh(tf.add(tf.matmul(H, W), b))
        return tf.add(tf.matmul(H, self.weights[-1]), self.biases[-1])

    def net_r(self, x, y):
        u = self.net_u(x, y)
        u_x, u_y = tf.gradients(u, x)[0], tf.gradients(u, y)[0]
        u_xx, u_yy = tf.gradients(u_x, x)[0], tf.gradients(u_y, y)[0]
        f = (-np.pi ** 2 + self.k ** 2) * tf.sin(np.pi * x)
        return u_xx + u_yy + self.k ** 2 * u - f

    def train(self, n, batch):
        rs = np.random.RandomState(0)
        for it in range(n):
            Xr, t = rs.uniform(-1, 1, (batch, 2)), rs.uniform(-1, 1, (batch, 1))
            fd = {self.x_r: Xr[:, :1], self.y_r: Xr[:, 1:], self.x_b: np.sign(t), self.y_b: t, self.u_b: np.zeros((batch, 1)),
                  self.adaptive: self.adaptive_val}
            self.sess.run(self.train_op, fd)
            if it % 2 == 0:
                lv, lb, lr = self.sess.run([self.loss, self.loss_bc, self.loss_res], fd)
                if self.mode == 'M2':
                    value = self.sess.run(self.adaptive_constant, fd)
                    self.adaptive_val = value * 0.1 + 0.9 * self.adaptive_val
                print('It: %d, Loss: %.4e, bc: %.3e, res: %.3e, adaptive: %.3f' % (it, lv, lb, lr, self.adaptive_val))


model = Wave2D([6, 8, 8, 1], mode='M2')
start_time = time.time()
model.train(7, 10)
assert time.time() - start_time < 1e5
print('lr', model.sess.run(model.learning_rate), 'bias', model.sess.run(model.biases[0]).ravel()[:4])
print(model.sess.run(model.u_pred, {model.x_b: [[0.1], [0.2]], model.y_b: [[0.], [.5]]}).dtype)
sys.stdout.flush()
