import tensorflow as tf
import numpy as np
rs = np.random.RandomState(3)
T, B, D, H = 4, 3, 2, 5
tokens = tf.placeholder(tf.float32, [B, T, D])
lengths = tf.placeholder(tf.int32, [B])
target = tf.placeholder(tf.float32, [B, 1])
with tf.variable_scope('enc', initializer=tf.constant_initializer(0.1)):
    cell = tf.nn.rnn_cell.LSTMCell(H)
    outputs, state = tf.nn.dynamic_rnn(cell, tokens, sequence_length=lengths, dtype=tf.float32)
with tf.variable_scope('head'):
    w = tf.get_variable('w', initializer=rs.randn(H, 1).astype(np.float32))
pred = tf.matmul(state.h, w)
loss = tf.losses.mean_squared_error(target, pred)
tvars = tf.trainable_variables()
grads, gnorm = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
lr = tf.Variable(0.0, trainable=False)
opt = tf.train.GradientDescentOptimizer(lr)
train = opt.apply_gradients(zip(grads, tvars), global_step=tf.train.get_or_create_global_step())
new_lr = tf.placeholder(tf.float32, [])
set_lr = tf.assign(lr, new_lr)
dx = tf.gradients(loss, tokens)[0]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    x, l, y = rs.randn(B, T, D), np.array([4, 2, 3]), rs.randn(B, 1)
    for e in range(4):
        sess.run(set_lr, {new_lr: 0.5 / (e + 1)})
        lv, nv, _ = sess.run([loss, gnorm, train], {tokens: x, lengths: l, target: y})
        print(e, lv, nv)
    print(sess.run(dx, {tokens: x, lengths: l, target: y})[1])
    print(sess.run(outputs, {tokens: x, lengths: l})[1])
    for v in tvars:
        print(v.name, v.shape.as_list())
