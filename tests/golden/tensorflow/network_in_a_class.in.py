"""A network that learns exp(-x), with a penalty on its slope."""
import numpy as np
import tensorflow as tf


class Network:
    def __init__(self, sizes):
        self.weights = [tf.Variable(tf.random_normal([m, n], stddev=0.4)) for m, n in zip(sizes[:-1], sizes[1:])]
        self.x = tf.placeholder(tf.float32, [None, 1], name='x')
        self.target = tf.placeholder(tf.float32, [None, 1], name='target')
        # what the network says
        self.out = self.forward(self.x)
        self.slope = tf.gradients(self.out, self.x)[0]
        self.loss = tf.reduce_mean(tf.square(self.out - self.target)) + 0.1 * tf.reduce_mean(tf.square(self.slope + self.out))
        self.train = tf.train.AdamOptimizer(0.02).minimize(self.loss)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def forward(self, h):
        for w in self.weights[:-1]:
            h = tf.tanh(tf.matmul(h, w))
        return tf.matmul(h, self.weights[-1])

    def fit(self, x, y, steps):
        feed = {self.x: x, self.target: y}
        for step in range(steps):
            self.sess.run(self.train, feed)
        return self.sess.run(self.loss, feed)

    def predict(self, x):
        return self.sess.run([self.out, self.slope], {self.x: x})


xs = np.linspace(0, 1, 11)[:, None]
network = Network([1, 8, 1])
print('loss', network.fit(xs, np.exp(-xs), 100))
u, u_x = network.predict(xs[:3])
print(u.ravel(), u_x.ravel())
