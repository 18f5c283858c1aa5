import numpy as np
import tensorflow as tf


class Pinn:
    def __init__(self, lr):
        rs = np.random.RandomState(0)
        self.w = tf.Variable(rs.randn(1, 4).astype(np.float32), name='w')
        self.b = tf.Variable(rs.randn(4).astype(np.float32), name='b')
        self.v = tf.Variable(rs.randn(4, 1).astype(np.float32), name='v')
        self.x = tf.placeholder(tf.float32, [None, 1])
        self.x0 = tf.placeholder(tf.float32, [None, 1])
        self.u0 = tf.placeholder(tf.float32, [None, 1])
        self.f = self.residual(self.x)
        self.pred = self.net(self.x0)
        self.loss = tf.reduce_mean(tf.square(self.f)) + tf.reduce_mean(tf.square(self.pred - self.u0))
        self.train_op = tf.train.AdamOptimizer(lr).minimize(self.loss)
        self.sens = tf.gradients(self.loss, self.u0)[0]
        self.grad_v = tf.gradients(self.loss, self.v)[0]
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def net(self, x):
        return tf.matmul(tf.tanh(tf.matmul(x, self.w) + self.b), self.v)

    def residual(self, x):
        u = self.net(x)
        u_x = tf.gradients(u, x)[0]
        u_xx = tf.gradients(u_x, x)[0]
        return u_xx + tf.sin(x)

    def fit(self, n):
        feed = {self.x: np.linspace(0, 1, 5)[:, None], self.x0: [[0.0], [1.0]], self.u0: [[0.0], [0.5]]}
        for i in range(n):
            self.sess.run(self.train_op, feed)
            print(i, self.sess.run(self.loss, feed))
            print(self.sess.run(self.sens, feed).ravel(), self.sess.run(self.grad_v, feed).ravel())

    def predict(self, x):
        return self.sess.run([self.pred], {self.x0: x})[0], self.sess.run(self.f, {self.x: x})


model = Pinn(0.05)
model.fit(4)
print(model.predict(np.array([[0.3], [0.7]])))
