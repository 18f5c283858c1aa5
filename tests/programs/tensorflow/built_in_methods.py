import numpy as np
import tensorflow as tf


class Regressor:
    """A network of two layers, built in steps."""

    def __init__(self, n_in, n_hidden, lr=0.1):
        self.n_in = n_in
        self.n_hidden = n_hidden
        self.lr = lr
        self._build_inputs()
        self._build_net()
        self._build_loss()
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def _build_inputs(self):
        self.x = tf.placeholder(tf.float32, [None, self.n_in], name='x')
        self.y = tf.placeholder(tf.float32, [None], name='y')

    def _build_net(self):
        r = np.random.RandomState(1)
        with tf.variable_scope('hidden'):
            w1 = tf.get_variable('w', initializer=(0.3 * r.randn(self.n_in, self.n_hidden)).astype(np.float32))
            b1 = tf.get_variable('b', initializer=np.zeros(self.n_hidden, np.float32))
        with tf.variable_scope('out'):
            w2 = tf.get_variable('w', initializer=(0.3 * r.randn(self.n_hidden, 1)).astype(np.float32))
        layer = tf.nn.tanh(tf.matmul(self.x, w1) + b1)
        self.pred = tf.squeeze(tf.matmul(layer, w2), axis=1)
        self.theta = [w1, b1, w2]

    def _build_loss(self):
        # mean of the squares
        self.loss = tf.reduce_mean(tf.square(self.pred - self.y))
        self.grads = tf.gradients(self.loss, self.theta)
        self.train_op = tf.train.GradientDescentOptimizer(self.lr).apply_gradients(zip(self.grads, self.theta))

    def fit(self, x, y, steps):
        losses = []
        for _ in range(steps):
            _, loss = self.sess.run([self.train_op, self.loss], feed_dict={self.x: x, self.y: y})
            losses.append(loss)
        return losses

    def norms(self, x, y):
        grads = self.sess.run(self.grads, feed_dict={self.x: x, self.y: y})
        return [np.linalg.norm(g) for g in grads]


model = Regressor(3, 4)
r = np.random.RandomState(5)
x = r.uniform(-1, 1, (6, 3))
y = x.sum(axis=1)
print('losses', model.fit(x, y, 4))
print('norms', model.norms(x, y))
