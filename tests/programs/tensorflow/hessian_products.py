import numpy as np
import tensorflow as tf
from tensorflow import gradients as grad

A = np.array([[2.0, 0.5], [0.5, 1.0]], dtype=np.float32)
c = [1.0, -1.0]

x = tf.Variable([0.0, 0.0], name='x')
with tf.name_scope('objective'):
    quad = 0.5 * tf.reduce_sum(x * tf.reduce_sum(A * x, 1))
    f = quad - tf.reduce_sum(c * x) + tf.reduce_sum(tf.cos(x))
g = grad(f, x)[0]
norm = tf.sqrt(tf.reduce_sum(g * g))
update = x.assign(x - 0.3 * g)
v = tf.placeholder(tf.float32, [2])
hv = grad(tf.reduce_sum(g * v), x)[0]

sess = tf.Session()
sess.run(tf.global_variables_initializer())
for i in range(6):
    fv, nv = sess.run([f, norm])
    print('%d f=%.5f |g|=%.5f' % (i, fv, nv))
    sess.run(update)
print('x', sess.run(x))
H = np.stack([sess.run(hv, {v: e}) for e in np.eye(2)])
print('H', H)
print('eig', np.linalg.eigvalsh(H))
