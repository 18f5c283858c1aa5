import numpy as np
import tensorflow as tf


class Siamese:
    def __init__(self, margin=1.0):
        self.x1 = tf.placeholder(tf.float32, [None, 3])
        self.x2 = tf.placeholder(tf.float32, [None, 3])
        self.y = tf.placeholder(tf.float32, [None])
        self.margin = margin
        self.w = tf.Variable(np.arange(6.0).reshape(3, 2) / 5, dtype=tf.float32)
        self.o1 = self.network(self.x1)
        self.o2 = self.network(self.x2)
        self.loss = self.spring_loss()
        self.grads = tf.gradients(self.loss, [self.w])

    def network(self, x):
        return tf.tanh(tf.matmul(x, self.w))

    def spring_loss(self):
        # distances
        d2 = tf.reduce_sum(tf.square(self.o1 - self.o2), 1)
        d = tf.sqrt(d2 + 1e-6)
        pos = self.y * d2
        neg = (1.0 - self.y) * tf.square(tf.maximum(self.margin - d, 0.0))
        return tf.reduce_mean(pos + neg)


net = Siamese()
r = np.random.RandomState(0)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {net.x1: r.randn(4, 3), net.x2: r.randn(4, 3), net.y: [1., 0., 0., 1.]}
    print(sess.run(net.loss, feed))
    print(sess.run(net.grads, feed)[0])
    print(sess.run(net.o1, {net.x1: r.randn(2, 3)}))
