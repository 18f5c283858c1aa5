import numpy as np
import tensorflow as tf

rs = np.random.RandomState(20)
BATCH = 4


def bn(x, name, train):
    return tf.layers.batch_normalization(x, training=train, momentum=0.8, epsilon=1e-5, name=name, fused=False)


def generator(z, train=True, reuse=None):
    with tf.variable_scope('generator', reuse=reuse):
        r = np.random.RandomState(0)
        h = tf.layers.dense(z, 2 * 2 * 4, kernel_initializer=tf.constant_initializer(r.randn(3, 16) * .4), name='proj')
        h = tf.reshape(h, [-1, 2, 2, 4])
        h = tf.nn.relu(bn(h, 'bn0', train))
        h = tf.layers.conv2d_transpose(h, 1, 3, 2, padding='same', kernel_initializer=tf.constant_initializer(r.randn(3, 3, 1, 4) * .4), name='up')
        return tf.tanh(h)


def critic(x, reuse=None):
    with tf.variable_scope('critic', reuse=reuse) as scope:
        r = np.random.RandomState(1)
        h = tf.layers.conv2d(x, 3, 3, strides=2, padding='same', kernel_initializer=tf.constant_initializer(r.randn(3, 3, 1, 3) * .4), name='c1')
        h = tf.maximum(h, 0.2 * h)
        h = tf.layers.flatten(h)
        mean, var = tf.nn.moments(h, axes=[1], keep_dims=True)
        h = tf.nn.batch_normalization(h, mean, var, None, None, 1e-5)
        return tf.layers.dense(h, 1, kernel_initializer=tf.constant_initializer(r.randn(12, 1) * .4), name='fc')


real = tf.placeholder(tf.float32, [BATCH, 4, 4, 1])
z = tf.placeholder(tf.float32, [BATCH, 3])
eps = tf.placeholder(tf.float32, [BATCH, 1, 1, 1])
fake = generator(z)
c_real, c_fake = critic(real), critic(fake, reuse=True)
x_hat = eps * real + (1 - eps) * fake
grads = tf.gradients(critic(x_hat, reuse=True), x_hat)[0]
slopes = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1, 2, 3]) + 1e-12)
gp = tf.reduce_mean(tf.square(slopes - 1.))
drift = 1e-3 * tf.reduce_mean(tf.square(c_real))
c_loss = tf.reduce_mean(c_fake) - tf.reduce_mean(c_real) + 10 * gp + drift
g_loss = -tf.reduce_mean(c_fake)
t_vars = tf.trainable_variables()
c_vars = [v for v in t_vars if v.name.startswith('critic/')]
g_vars = [v for v in t_vars if v.name.startswith('generator/')]
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope='generator')):
    g_train = tf.train.RMSPropOptimizer(5e-3).minimize(g_loss, var_list=g_vars)
c_train = tf.train.AdamOptimizer(5e-3, beta1=0., beta2=0.9).minimize(c_loss, var_list=c_vars)
sampler = generator(z, train=False, reuse=True)
clip = [v.assign(tf.clip_by_value(v, -1., 1.)) for v in c_vars]

config = tf.ConfigProto()
config.gpu_options.allow_growth = True
with tf.Session(config=config) as sess:
    sess.run(tf.global_variables_initializer())
    for it in range(4):
        for _ in range(2):
            fd = {real: rs.rand(BATCH, 4, 4, 1), z: rs.randn(BATCH, 3), eps: rs.rand(BATCH, 1, 1, 1)}
            _, cl, p = sess.run([c_train, c_loss, gp], fd)
            sess.run(clip)
        _, gl = sess.run([g_train, g_loss], {z: fd[z]})
        print(it, cl, p, gl)
    print(sess.run(sampler, {z: fd[z]})[0, :, :, 0])
    print([(v.op.name, float(np.sum(sess.run(v)))) for v in tf.global_variables() if 'moving' in v.name])
