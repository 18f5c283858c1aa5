import numpy as np
import tensorflow as tf
rs = np.random.RandomState(0)
w = tf.Variable(rs.randn(1, 4).astype(np.float32), name='w')
v = tf.Variable(rs.randn(4, 1).astype(np.float32), name='v')
xc = tf.constant(np.linspace(0, 1, 6)[:, None], tf.float32)


def net(x):
    return tf.matmul(tf.tanh(tf.matmul(x, w)), v)


def residual(x):
    u = net(x)
    u_x = tf.gradients(u, x)[0]
    u_xx = tf.gradients(u_x, x)[0]
    return u_xx + u_x


f = residual(xc)
x0 = tf.constant([[0.0], [1.0]])
loss = tf.reduce_mean(tf.square(f)) + tf.reduce_mean(tf.square(net(x0) - 1.0))
train = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(3):
        sess.run(train)
        print(i, sess.run(loss))
    print(sess.run(f).ravel())
