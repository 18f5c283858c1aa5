import numpy as np
import tensorflow as tf
rs = np.random.RandomState(0)
x = tf.placeholder(tf.float32, [None, 4, 3])
y = tf.placeholder(tf.float32, [None, 2])
with tf.variable_scope('rnn', initializer=tf.constant_initializer(0.1)):
    cell = tf.nn.rnn_cell.BasicLSTMCell(5)
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
with tf.variable_scope('g', initializer=tf.constant_initializer(0.05)):
    gru = tf.nn.rnn_cell.GRUCell(4)
    out2, st2 = tf.nn.static_rnn(gru, tf.unstack(x, axis=1), dtype=tf.float32)
last = tf.concat([outputs[:, -1, :], out2[-1]], 1)
logits = tf.layers.dense(last, 2, kernel_initializer=tf.constant_initializer(rs.randn(9, 2)), name='out')
loss = tf.reduce_mean(tf.square(logits - y))
tv = tf.trainable_variables()
for v in tv:
    print(v.name, v.get_shape().as_list())
grads, norm = tf.clip_by_global_norm(tf.gradients(loss, tv), 0.5)
train = tf.train.GradientDescentOptimizer(0.3).apply_gradients(zip(grads, tv))
dx = tf.gradients(loss, x)[0]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    fd = {x: rs.randn(3, 4, 3), y: rs.randn(3, 2)}
    for i in range(3):
        l, n, _ = sess.run([loss, norm, train], fd)
        print(i, l, n)
    print(sess.run(state.h, fd))
    print(sess.run(dx, fd)[0, :2])
