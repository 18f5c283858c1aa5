import numpy as np
import tensorflow as tf

rng = np.random.RandomState(4)
INITIAL = {"one": rng.randn(3, 4) * 0.5, "two": rng.randn(4, 1)}


def dense(x, n_in, n_out, name, activation=None):
    with tf.variable_scope(name):
        w = tf.get_variable('w', [n_in, n_out], initializer=tf.constant_initializer(INITIAL[name]))
        b = tf.get_variable('b', [n_out], initializer=tf.zeros_initializer())
    y = tf.matmul(x, w) + b
    return activation(y) if activation is not None else y


def critic(x, reuse=False):
    with tf.variable_scope('critic', reuse=reuse):
        h = dense(x, 3, 4, 'one', tf.nn.tanh)
        return dense(h, 4, 1, 'two')


x = tf.placeholder(tf.float32, [None, 3])
z = tf.placeholder(tf.float32, [None, 3])
real = critic(x)
fake = critic(z, reuse=True)
loss = tf.reduce_mean(real) - tf.reduce_mean(tf.square(fake))
c_vars = [v for v in tf.trainable_variables() if v.name.startswith('critic')]
grads = tf.gradients(loss, c_vars)
gx = tf.gradients(real, x)[0]
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: rng.randn(4, 3), z: rng.randn(5, 3)}
    for v, g in zip(c_vars, sess.run(grads, feed)):
        print(v.op.name, np.abs(g).sum())
    for _ in range(3):
        _, l = sess.run([train, loss], feed)
        print(l)
    print(sess.run(gx, feed))
