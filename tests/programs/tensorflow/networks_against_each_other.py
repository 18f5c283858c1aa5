import numpy as np
import tensorflow as tf

# a generative network: placeholders in functions, helper layers, two optimizers
rng = np.random.RandomState(5)
SHAPES = {'g_w1': (2, 6), 'g_w2': (6, 2), 'd_w1': (2, 6), 'd_w2': (6, 1)}
VALUES = {name: (rng.randn(*shape) * 0.5).astype(np.float32) for name, shape in SHAPES.items()}


def generator(z):
    with tf.variable_scope('gen', reuse=tf.AUTO_REUSE):
        w1 = tf.get_variable('w1', initializer=VALUES['g_w1'])
        w2 = tf.get_variable('w2', initializer=VALUES['g_w2'])
        h = tf.nn.relu(tf.matmul(z, w1))
        return tf.matmul(h, w2)


def discriminator(x):
    with tf.variable_scope('disc', reuse=tf.AUTO_REUSE):
        w1 = tf.get_variable('w1', initializer=VALUES['d_w1'])
        w2 = tf.get_variable('w2', initializer=VALUES['d_w2'])
        return tf.matmul(tf.nn.leaky_relu(tf.matmul(x, w1)), w2)


def cross_entropy(logits, target):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=target * tf.ones_like(logits)))


x = tf.placeholder(tf.float32, [None, 2], name='x')
z = tf.placeholder(tf.float32, [None, 2], name='z')
fake = generator(z)
d_loss = cross_entropy(discriminator(x), 1.0) + cross_entropy(discriminator(fake), 0.0)
g_loss = cross_entropy(discriminator(fake), 1.0)
d_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope='disc')
g_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope='gen')
# gradients by hand, clipped
d_grads = [tf.clip_by_value(g, -0.1, 0.1) for g in tf.gradients(d_loss, d_vars)]
d_step = tf.train.GradientDescentOptimizer(0.5).apply_gradients(zip(d_grads, d_vars))
g_step = tf.train.AdamOptimizer(0.01).minimize(g_loss, var_list=g_vars)
penalty = tf.reduce_mean(tf.square(tf.norm(tf.gradients(discriminator(x), x)[0], axis=1) - 1.0))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for k in range(4):
        batch, noise = rng.randn(4, 2) + 1.0, rng.uniform(-1, 1, (4, 2))
        _, dl = sess.run([d_step, d_loss], {x: batch, z: noise})
        _, gl = sess.run([g_step, g_loss], {z: noise})
        print(k, dl, gl, sess.run(penalty, {x: batch}))
    print(sess.run(fake, {z: noise}))
