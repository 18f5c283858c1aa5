import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
x = tf.placeholder(tf.float32, [2, 3])
v = tf.placeholder(tf.float32, [2, 2])
w = tf.get_variable('w', initializer=rng.uniform(-1, 1, (3, 2)).astype(np.float32))
y1 = tf.matmul(x, w)
y2 = tf.square(y1)
y3 = tf.reduce_sum(tf.sin(x), axis=1)
cot = np.array([[1., 2.], [-1., 0.5]], dtype=np.float32)
a = tf.gradients([y1, y3], x, grad_ys=[tf.constant(cot), None])[0]
b = tf.gradients([y1, y2], [x, w], [None, v])
c = tf.gradients(y2, w, grad_ys=cot)
d = tf.gradients(y2, w, grad_ys=[[[1., 2.], [3., 4.]]])[0]
e = tf.gradients(y2, [w], v, 'named', False, True)
f = tf.gradients([y1, y2], w, grad_ys=[cot, tf.ones_like(y2)])

with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    feed = {x: rng.uniform(-1, 1, (2, 3)), v: rng.randn(2, 2)}
    for name, op in [('a', a), ('d', d)]:
        print(name, s.run(op, feed))
    for op in (b, c, e, f):
        print(s.run(op, feed))
