import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 2], name='x')
w = tf.Variable([[0.5], [-1.0]], name='w')
u = tf.tanh(tf.matmul(x, w))            # u(x)
u_x = tf.gradients(u, x)[0]             # du/dx
loss = tf.reduce_mean(tf.square(u_x))
grad_w, = tf.gradients(loss, [w])
step = w.assign(w - 0.1 * grad_w)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(3):
        points = np.array([[0.1 * i, 0.2], [0.3, -0.1]])
        print(i, sess.run(loss, {x: points}))
        sess.run(step, {x: points})
