"""Momentum with a learning rate that is fed, and all gradients clipped by their common norm."""
import tensorflow as tf
import numpy as np

W = tf.Variable([[1.0, -0.5], [0.3, 0.8]], name='W')
c = tf.Variable([0.1, 0.2], name='c')
X = tf.placeholder(tf.float32, shape=[None, 2])
out = tf.nn.sigmoid(tf.matmul(X, W) + c)
cost = tf.reduce_sum(tf.square(out - 0.5))
lr = tf.placeholder(tf.float32, shape=[])
optimizer = tf.train.MomentumOptimizer(lr, 0.9)
gradients, variables = zip(*optimizer.compute_gradients(cost))
gradients, norm = tf.clip_by_global_norm(gradients, 0.7)
step = tf.Variable(0, trainable=False, name='global_step')
train = optimizer.apply_gradients(zip(gradients, variables), global_step=step)

batch = np.array([[0.5, 1.0], [-1.0, 0.2], [0.3, 0.3]])
sess = tf.Session()
sess.run(tf.global_variables_initializer())
for k in range(4):
    sess.run(train, {X: batch, lr: 0.1 / (k + 1)})
    print(sess.run(step), sess.run([cost, norm], {X: batch}))
print(sess.run(W))
sess.close()
