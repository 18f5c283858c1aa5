import numpy as np
import tensorflow as tf
rng = np.random.RandomState(0)
x = tf.placeholder(tf.float32, [4, 3])
labels = tf.placeholder(tf.float32, [4, 3])
ids = tf.placeholder(tf.int32, [4])
w = tf.Variable(rng.randn(3, 3), dtype=tf.float32)
h = tf.matmul(x, w)
mean, var = tf.nn.moments(h, [0])
q = tf.reduce_sum(tf.square(h))
m2 = tf.reduce_mean(h, 0)
v2 = tf.reduce_mean(tf.squared_difference(h, tf.stop_gradient(m2)), 0)
ls = [tf.reduce_sum(var) + q, tf.reduce_sum(mean) + q, tf.reduce_sum(tf.square(h - mean)) + q, tf.reduce_sum(h * tf.rsqrt(var)) + q, tf.reduce_sum(tf.square(mean * var)) + q, tf.reduce_sum(tf.square(h - mean)*labels/var) + q,
 tf.reduce_sum(h * tf.rsqrt(v2)) + q, tf.reduce_sum(h*var)+q, tf.reduce_sum(h*v2)+q]
gs = [tf.gradients(tf.reduce_sum(tf.square(tf.gradients(l, x)[0])), w)[0] for l in ls]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: rng.randn(4, 3), labels: np.eye(3)[[0, 1, 2, 1]], ids: [2, 1, 0, 1]}
    for i, g in enumerate(sess.run([g for g in gs if g is not None], feed)): print(i, g.ravel()[:4])
