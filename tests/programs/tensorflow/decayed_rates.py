"""Learning rates that follow the count of steps."""
import numpy as np
import tensorflow as tf

r = np.random.RandomState(5)
X = r.randn(20, 4)
Y = X @ np.array([1.0, -2.0, 0.5, 3.0]) + 0.1
inputs = tf.placeholder(tf.float32, [None, 4])
labels = tf.placeholder(tf.float32, [None])
w = tf.Variable(tf.zeros([4]), name='weights')
b = tf.Variable(0.0, name='bias')
loss = tf.losses.mean_squared_error(labels, tf.reduce_sum(inputs * w, 1) + b)
global_step = tf.train.get_or_create_global_step()
learning_rate = tf.train.exponential_decay(0.1, global_step, 3, 0.5, staircase=True)
train_op = tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)
slow = tf.train.piecewise_constant(global_step, [2, 4], [0.1, 0.01, 0.001])
grads = tf.gradients(loss, [w, b])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(7):
        _, l, s = sess.run([train_op, loss, global_step], {inputs: X, labels: Y})
        print(i, l, sess.run(learning_rate), sess.run(slow))
    print(sess.run(w), sess.run(b))
    print(sess.run(grads, {inputs: X, labels: Y}))
