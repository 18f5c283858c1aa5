import numpy as np
import tensorflow as tf

r = np.random.RandomState(3)
START = {'w1': r.randn(3, 4) * 0.5, 'w2': r.randn(4, 2) * 0.5}


class QNet:
    """A network whose variables have a scope of their own."""

    def __init__(self, sess, scope, n_in=3, n_out=2):
        self.sess = sess
        self.scope = scope
        with tf.variable_scope(scope):
            self.x = tf.placeholder(tf.float32, [None, n_in])
            self.target = tf.placeholder(tf.float32, [None])
            self.action = tf.placeholder(tf.int32, [None])
            with tf.variable_scope('hidden'):
                w1 = tf.get_variable('w', initializer=START['w1'].astype(np.float32))
                b1 = tf.get_variable('b', [4], initializer=tf.zeros_initializer())
                h = tf.nn.tanh(tf.matmul(self.x, w1) + b1)
            w2 = tf.get_variable('w2', initializer=START['w2'].astype(np.float32))
            self.q = tf.matmul(h, w2)
        self.picked = tf.reduce_sum(self.q * tf.one_hot(self.action, n_out), axis=1)
        self.loss = tf.reduce_mean(tf.square(self.target - self.picked))
        self.params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)
        self.grads = tf.gradients(self.loss, self.params)
        self.train = tf.train.AdamOptimizer(0.05).apply_gradients(zip(self.grads, self.params))

    def predict(self, x):
        return self.sess.run(self.q, {self.x: x})

    def update(self, x, a, y):
        loss, _ = self.sess.run([self.loss, self.train], {self.x: x, self.action: a, self.target: y})
        return loss


with tf.Session() as sess:
    online = QNet(sess, 'online')
    frozen = QNet(sess, 'frozen')
    sess.run(tf.global_variables_initializer())
    for k in range(3):
        x = r.randn(5, 3)
        y = frozen.predict(x).max(axis=1) * 0.9 + 1.0
        print(k, online.update(x, r.randint(0, 2, 5), y))
    print(online.predict(x))
    print(frozen.predict(x))
