"""Discrete time model with an implicit Runge-Kutta scheme: many outputs, one input, so
derivatives are taken in forward mode by differentiating twice."""
import tensorflow as tf
import numpy as np

q = 3
dt = np.float32(0.4)
lb, ub = -1.0, 1.0
# Gauss-Legendre, q = 3
s15 = np.sqrt(15.0)
IRK_A = np.array([[5 / 36., 2 / 9. - s15 / 15, 5 / 36. - s15 / 30],
                  [5 / 36. + s15 / 24, 2 / 9., 5 / 36. - s15 / 24],
                  [5 / 36. + s15 / 30, 2 / 9. + s15 / 15, 5 / 36.]])
IRK_b = np.array([[5 / 18., 4 / 9., 5 / 18.]])
IRK_weights = np.vstack([IRK_A, IRK_b]).astype(np.float32)


class Model:
    def __init__(self, layers, seed):
        r = np.random.RandomState(seed)
        self.W = [tf.Variable(np.sqrt(2.0 / (a + b)) * r.randn(a, b), dtype=tf.float32)
                  for a, b in zip(layers[:-1], layers[1:])]
        self.b = [tf.Variable(0.05 * r.randn(1, b), dtype=tf.float32) for b in layers[1:]]
        self.x0 = tf.placeholder(tf.float32, [None, 1])
        self.x1 = tf.placeholder(tf.float32, [None, 1])
        self.u0 = tf.placeholder(tf.float32, [None, 1])
        self.dummy_x0 = tf.placeholder(tf.float32, shape=(None, q))
        self.dummy_x1 = tf.placeholder(tf.float32, shape=(None, q + 1))
        self.U0_pred = self.net_U0(self.x0)
        self.U1_pred, self.U1_x_pred = self.net_U1(self.x1)
        self.loss = tf.reduce_sum(tf.square(self.u0 - self.U0_pred)) + \
            tf.reduce_sum(tf.square(self.U1_pred[0, :] - self.U1_pred[1, :])) + \
            tf.reduce_sum(tf.square(self.U1_x_pred[0, :] - self.U1_x_pred[1, :]))
        self.train_op = tf.train.AdamOptimizer(learning_rate=0.01).minimize(self.loss)

    def net(self, X):
        H = 2.0 * (X - lb) / (ub - lb) - 1.0
        for W, b in list(zip(self.W, self.b))[:-1]:
            H = tf.tanh(tf.add(tf.matmul(H, W), b))
        return tf.add(tf.matmul(H, self.W[-1]), self.b[-1])

    def fwd_gradients_0(self, U, x):
        g = tf.gradients(U, x, grad_ys=self.dummy_x0)[0]
        return tf.gradients(g, self.dummy_x0)[0]

    def fwd_gradients_1(self, U, x):
        g = tf.gradients(U, x, grad_ys=self.dummy_x1)[0]
        return tf.gradients(g, self.dummy_x1)[0]

    def net_U0(self, x):
        U1 = self.net(x)
        U = U1[:, :-1]
        U_x = self.fwd_gradients_0(U, x)
        self.U_xx = U_xx = self.fwd_gradients_0(U_x, x)
        F = 5.0 * U - 5.0 * U ** 3 + 0.01 * U_xx
        return U1 - dt * tf.matmul(F, IRK_weights.T)

    def net_U1(self, x):
        U1 = self.net(x)
        U1_x = self.fwd_gradients_1(U1, x)
        return U1, U1_x


model = Model([1, 8, 8, q + 1], 2020)
x0 = np.linspace(-0.9, 0.9, 9)[:, None]
u0 = x0 ** 2 * np.cos(np.pi * x0)
feed = {model.x0: x0, model.u0: u0, model.x1: np.vstack((lb, ub)),
        model.dummy_x0: np.ones((x0.shape[0], q)), model.dummy_x1: np.ones((2, q + 1))}
with tf.Session() as sess:
    tf.global_variables_initializer().run()
    print('second derivatives', sess.run(model.U_xx, feed)[::4])
    for it in range(40):
        _, value = sess.run((model.train_op, model.loss), feed)
        if it % 8 == 0:
            print(it, value)
    print(sess.run(model.U1_pred, {model.x1: [[0.0], [0.5]]}))
    print(sess.run(model.U1_x_pred, feed))
