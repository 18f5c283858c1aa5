import numpy as np
import tensorflow as tf
K = tf.constant([[2.0, 0.5], [0.5, 1.0]])
centre = np.array([0.5, -0.5], np.float32)
def potential(q):
    d = q - centre
    return 0.5 * tf.reduce_sum(d * tf.reduce_sum(K * d, 1)) + 0.1 * tf.reduce_sum(tf.square(d)) ** 2
q = tf.placeholder(tf.float32, [2])
mass = tf.Variable(2.0)
# what pulls
E = potential(q)
acceleration = -tf.gradients(E, q)[0] / mass
power = tf.reduce_sum(acceleration * tf.gradients(E, q)[0])
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    x, v = np.zeros(2), np.ones(2)
    for k in range(4):
        v = v + 0.1 * s.run(acceleration, {q: x})
        x = x + 0.1 * v
        print(k, x, s.run(E, {q: x}), s.run(power, {q: x}))
