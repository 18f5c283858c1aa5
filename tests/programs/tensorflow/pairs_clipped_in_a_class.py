"""A network in a class that clips the pairs of compute_gradients in place."""
import numpy as np
import tensorflow as tf


class Net(object):
    def __init__(self, lr=0.1):
        r = np.random.RandomState(0)
        self.x = tf.placeholder(tf.float32, [None, 2])
        self.t = tf.placeholder(tf.float32, [None])
        self.w = tf.Variable(r.randn(2, 3).astype(np.float32) * 0.5)
        self.v = tf.Variable(r.randn(3).astype(np.float32) * 0.5)
        h = tf.tanh(tf.matmul(self.x, self.w))
        self.q = tf.reduce_sum(h * self.v, axis=1)
        self.loss = tf.reduce_mean(tf.square(self.q - self.t))
        self.optimizer = tf.train.RMSPropOptimizer(lr, decay=0.9, epsilon=0.01)
        gradients = self.optimizer.compute_gradients(self.loss)
        for i, (grad, var) in enumerate(gradients):
            if grad is not None:
                gradients[i] = (tf.clip_by_norm(grad, 0.3), var)
        self.train_op = self.optimizer.apply_gradients(gradients)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def step(self, x, t):
        loss, _ = self.sess.run([self.loss, self.train_op], feed_dict={self.x: x, self.t: t})
        return loss


net = Net()
data = np.random.RandomState(1)
for i in range(6):
    x = data.randn(5, 2)
    print(i, net.step(x, x[:, 0] * x[:, 1]))
print(net.sess.run(net.q, {net.x: np.eye(2)}))
