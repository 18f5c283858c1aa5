import numpy as np
import tensorflow as tf


class Bandit(object):
    """Chooses between arms; the session comes from outside."""

    def __init__(self, sess, n_arms, rate=0.1):
        self.sess = sess
        self.n_arms = n_arms
        self._build(rate)

    def _build(self, rate):
        self.arm = tf.placeholder(tf.int32, [None])
        self.reward = tf.placeholder(tf.float32, [None])
        with tf.variable_scope('policy'):
            logits = tf.get_variable('logits', [self.n_arms], initializer=tf.zeros_initializer())
        self.probs = tf.nn.softmax(logits)
        chosen = tf.reduce_sum(tf.one_hot(self.arm, self.n_arms) * tf.log(self.probs), axis=1)
        # the gradient of the expected reward
        self.gain = tf.gradients(tf.reduce_mean(chosen * self.reward), logits)[0]
        self.update = logits.assign_add(rate * self.gain)

    def learn(self, arm, reward):
        feed = {self.arm: arm, self.reward: reward}
        gain = self.sess.run(self.gain, feed)
        self.sess.run(self.update, feed)
        return gain


with tf.Session() as sess:
    agent = Bandit(sess, 3)
    sess.run(tf.global_variables_initializer())
    for step in range(3):
        print(step, agent.learn([0, 2], [1.0, -0.5 * step]))
    print(sess.run(agent.probs))
