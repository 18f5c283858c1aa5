import numpy as np
import tensorflow as tf

INIT = np.linspace(-0.5, 0.5, 8, dtype=np.float32)


def encoder(x):
    """Two numbers for each row."""
    with tf.variable_scope('encoder', reuse=tf.AUTO_REUSE):
        h = tf.layers.dense(x, 4, tf.nn.tanh, kernel_initializer=tf.constant_initializer(0.3), name='hidden')
        w = tf.get_variable('w', initializer=INIT.reshape(4, 2))
        return tf.matmul(h, w)


left = tf.placeholder(tf.float32, [None, 3])
right = tf.placeholder(tf.float32, [None, 3])

# the same weights on both sides
distance = tf.reduce_sum(tf.square(encoder(left) - encoder(right)), axis=1)
loss = tf.reduce_mean(distance)
weights = [v for v in tf.trainable_variables() if v.name.startswith('encoder/hidden')]
grads = tf.gradients(loss, weights)
train = tf.train.AdamOptimizer(0.01).minimize(loss, var_list=weights)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {left: np.eye(3), right: np.ones((3, 3))}
    for v, g in zip(weights, sess.run(grads, feed)):
        print(v.op.name, g.sum())
    sess.run(train, feed)
    print(sess.run([loss, distance], feed))
