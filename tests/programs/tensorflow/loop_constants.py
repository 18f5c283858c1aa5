import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [3], name='x')
a = tf.constant([1.0, 2.0, 3.0])
s = 0.0
for k in range(3):
    s = s + a[k] * x[k] ** (k + 1)
y = tf.exp(-s) + tf.reduce_max(x)
dy = tf.gradients(y, x)[0]
z = tf.stack([tf.reduce_sum(x), tf.reduce_prod(x)])
dz = tf.gradients(z, x)
dw = tf.gradients(z, x, grad_ys=tf.constant([0.5, -2.0]))
w = tf.where(x > 0.2, x * x, -x)
dwh = tf.gradients(w, x)[0]
with tf.Session() as sess:
    for v in ([0.1, 0.2, 0.3], [0.5, -0.4, 0.9]):
        f = {x: v}
        print(sess.run(y, f), sess.run(dy, f))
        print(sess.run(dz, f)[0], sess.run(dw, f)[0])
        print(sess.run([w, dwh], feed_dict=f))
