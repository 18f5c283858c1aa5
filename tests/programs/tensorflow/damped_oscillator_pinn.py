import numpy as np
import tensorflow as tf

class Oscillator:
    """damped oscillator, inverse problem"""
    def __init__(self, t_train, y_train, width=8):
        rs = np.random.RandomState(3)
        self.t_train = t_train
        self.y_train = y_train
        self.W1 = tf.Variable(rs.randn(1, width) * 0.5, dtype=tf.float32, name='W1')
        self.b1 = tf.Variable(tf.zeros([width]), name='b1')
        self.W2 = tf.Variable(rs.randn(width, 1).astype(np.float32), name='W2')
        self.k = tf.Variable(2.0, name='k')
        self.t = tf.placeholder(tf.float32, [None, 1], name='t')
        self.y = tf.placeholder(tf.float32, [None, 1], name='y')
        self.pred = self.net(self.t)
        self.residual = self.physics(self.t)
        data_loss = tf.reduce_mean(tf.square(self.pred - self.y))
        # weight of the physics
        phys_loss = tf.reduce_mean(tf.square(self.residual))
        self.loss = data_loss + 0.1 * phys_loss
        self.opt = tf.train.AdamOptimizer(0.01)
        self.train_op = self.opt.minimize(self.loss)
        self.grad_k = tf.gradients(self.loss, self.k)[0]
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def net(self, t):
        h = tf.tanh(tf.matmul(t, self.W1) + self.b1)
        return tf.matmul(h, self.W2)

    def physics(self, t):
        y = self.net(t)
        y_t = tf.gradients(y, t)[0]
        y_tt = tf.gradients(y_t, t)[0]
        return y_tt + 0.3 * y_t + self.k * y

    def fit(self, epochs):
        feed = {self.t: self.t_train, self.y: self.y_train}
        for e in range(epochs):
            _, l = self.sess.run([self.train_op, self.loss], feed_dict=feed)
            if e % 4 == 0:
                print('epoch', e, 'loss %.6f' % l)
        print('dk', self.sess.run(self.grad_k, feed))

    def predict(self, t):
        return self.sess.run([self.pred, self.residual], feed_dict={self.t: t})

t = np.linspace(0, 2, 9)[:, None]
m = Oscillator(t, np.exp(-0.2 * t) * np.cos(1.3 * t))
m.fit(9)
p, r = m.predict(np.array([[0.5], [1.5]]))
print(p.ravel(), r.ravel())
print('k', m.sess.run(m.k))
