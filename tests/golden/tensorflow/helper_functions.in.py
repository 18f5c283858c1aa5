"""Forces from a potential energy, computed by helpers that ask for gradients themselves."""
import numpy as np
import tensorflow as tf


def distance(p, q):
    return tf.sqrt(tf.reduce_sum(tf.square(p - q)))


def energy(p, q):
    r = distance(p, q)
    return 1.0 / r ** 2 - 1.0 / r


def force(p, q):
    """Minus the gradient of the energy by the first particle."""
    return -tf.gradients(energy(p, q), p)[0]


p = tf.placeholder(tf.float32, [3])
q = tf.placeholder(tf.float32, [3])
f = force(p, q)

with tf.Session() as sess:
    for distance_ in np.linspace(1.0, 3.0, 5):
        print(sess.run(f, feed_dict={p: [distance_, 0, 0], q: [0, 0, 0]}))
