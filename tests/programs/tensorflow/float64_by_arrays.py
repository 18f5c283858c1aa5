import numpy as np
import tensorflow as tf
rng = np.random.RandomState(5)
w = tf.Variable(rng.randn(3, 2))
b = tf.Variable(np.zeros(2))
data = rng.randn(4, 3)
y = tf.matmul(tf.constant(data), w) + b
loss = tf.reduce_mean(tf.square(y))
g = tf.gradients(loss, [w, b])
step = tf.group(w.assign_sub(0.1 * g[0]), b.assign_sub(0.1 * g[1]))
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    s.run(step)
    print(s.run(loss), s.run(g))
    print(s.run(w).dtype)
