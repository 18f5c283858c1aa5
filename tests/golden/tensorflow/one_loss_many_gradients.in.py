import numpy as np
import tensorflow as tf
rs = np.random.RandomState(0)
w = tf.Variable(rs.randn(2, 2).astype(np.float32), name='w')
b = tf.Variable(rs.randn(2).astype(np.float32), name='b')
x = tf.placeholder(tf.float32, [None, 2])
y = tf.placeholder(tf.float32, [None, 2])
u = tf.tanh(tf.matmul(x, w) + b)
u_x = tf.gradients(u, x)[0]
data = tf.reduce_mean(tf.square(u - y))
res = tf.reduce_mean(tf.square(u_x))
loss = res + data
gw, gb = tf.gradients(loss, [w, b])
gx = tf.gradients(loss, x)[0]
step_w = w.assign(w - 0.1 * gw)
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
train_w = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, var_list=[w])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: rs.randn(3, 2), y: rs.randn(3, 2)}
    for i in range(3):
        sess.run(train, feed)
        print(sess.run(loss, feed), sess.run(u_x, feed))
        print(sess.run([gw, gb], feed), sess.run(gx, feed), sess.run(data, feed))
        sess.run(step_w, feed)
        sess.run(train_w, feed)
    print(sess.run([w, b]))
