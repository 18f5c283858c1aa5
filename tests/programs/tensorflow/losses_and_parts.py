import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
x = tf.placeholder(tf.float32, [4, 3])
labels = tf.placeholder(tf.float32, [4, 3])
ids = tf.placeholder(tf.int32, [4])
w = tf.Variable(rng.randn(3, 3), dtype=tf.float32)
h = tf.matmul(x, w)
a, b = tf.split(h, 2, axis=0)
c, d, e = tf.split(h, [1, 1, 1], 1)
l1 = tf.losses.softmax_cross_entropy(labels, h) + tf.losses.sparse_softmax_cross_entropy(ids, h) + tf.losses.sigmoid_cross_entropy(labels, h)
l2 = tf.losses.absolute_difference(labels, h) + tf.losses.huber_loss(labels, h) + tf.losses.log_loss(labels, tf.nn.sigmoid(h))
l3 = tf.norm(h) + tf.reduce_sum(tf.norm(h, axis=1)) + tf.reduce_sum(tf.square(a - b)) + tf.reduce_sum(c * d * e)
padded = tf.pad(h, [[1, 0], [2, 1]])
l4 = tf.reduce_sum(tf.square(padded)) + tf.trace(w) + tf.reduce_sum(tf.square(tf.diag_part(w))) + tf.reduce_sum(tf.diag(w[0]) * w)
mean, var = tf.nn.moments(h, [0])
l5 = tf.reduce_sum(tf.square(tf.nn.batch_normalization(h, mean, var, None, None, 1e-3)) * labels) + tf.reduce_sum(tf.log_sigmoid(h) * tf.to_float(ids > 0)[:, None])
l6 = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(x), logits=h)) + tf.reduce_sum(tf.nn.swish(h))
total = l1 + l2 + l3 + l4 + l5 + l6
gx, gw = tf.gradients(total, [x, w])
pen = tf.reduce_sum(tf.square(tf.gradients(l1 + l2 + l3 + l4 + l5 + l6, x)[0]))
gpen = tf.gradients(pen, w)[0]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: rng.randn(4, 3), labels: np.eye(3)[[0, 1, 2, 1]], ids: [2, 1, 0, 1]}
    print(sess.run([l1, l2, l3, l4, l5, l6], feed))
    print(sess.run(gx, feed))
    print(sess.run(gw, feed))
    print(sess.run([pen, gpen], feed))
