import numpy as np
import tensorflow as tf


def get_params(scope):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)


class LSGAN(object):
    """one optimizer object for both nets, EMA of the generator, accumulated gradients"""

    def __init__(self, lr=0.01, accumulate=2, seed=0):
        self.rs = np.random.RandomState(seed)
        self.x = tf.placeholder(tf.float32, [None, 2], name='x')
        self.z = tf.placeholder(tf.float32, [None, 2], name='z')
        with tf.variable_scope('gen'):
            self.fake = self.mlp(self.z, [5, 2])
        with tf.variable_scope('disc') as scope:
            self.real_logit = self.mlp(self.x, [5, 1])
            scope.reuse_variables()
            self.fake_logit = self.mlp(self.fake, [5, 1])
        self.d_loss = 0.5 * tf.reduce_mean(tf.square(self.real_logit - 1)) + 0.5 * tf.reduce_mean(tf.square(self.fake_logit))
        self.g_loss = 0.5 * tf.reduce_mean(tf.square(self.fake_logit - 1))
        opt = tf.train.AdamOptimizer(lr, beta1=0.5)
        self.d_vars, self.g_vars = get_params('disc'), get_params('gen')
        self.d_op = opt.minimize(self.d_loss, var_list=self.d_vars)
        # accumulate the generator's gradients over some batches
        self.accum = [tf.Variable(tf.zeros_like(v.initialized_value()), trainable=False, name='acc') for v in self.g_vars]
        grads = tf.gradients(self.g_loss, self.g_vars)
        self.zero = [a.assign(tf.zeros_like(a)) for a in self.accum]
        self.add = [a.assign_add(g) for a, g in zip(self.accum, grads)]
        apply_g = opt.apply_gradients([(a / accumulate, v) for a, v in zip(self.accum, self.g_vars)])
        ema = tf.train.ExponentialMovingAverage(decay=0.9)
        with tf.control_dependencies([apply_g]):
            self.g_op = ema.apply(self.g_vars)
        self.averages = [ema.average(v) for v in self.g_vars]
        self.accumulate = accumulate

    def mlp(self, h, sizes):
        for i, n in enumerate(sizes):
            m = h.shape.as_list()[-1]
            w = tf.get_variable('w%d' % i, [m, n], initializer=tf.constant_initializer(self.rs.randn(m, n) * .5))
            b = tf.get_variable('b%d' % i, [n], initializer=tf.constant_initializer(0.))
            h = tf.matmul(h, w) + b
            if i < len(sizes) - 1:
                h = tf.maximum(0.2 * h, h)
        return h


def batches(rs, n):
    for _ in range(n):
        t = rs.uniform(0, 2 * np.pi, 8)
        yield np.stack([np.cos(t), np.sin(t)], 1), rs.normal(size=(8, 2))


tf.reset_default_graph()
gan = LSGAN()
rs = np.random.RandomState(2)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(3):
        sess.run(gan.zero)
        for xb, zb in batches(rs, gan.accumulate):
            _, d = sess.run([gan.d_op, gan.d_loss], {gan.x: xb, gan.z: zb})
            sess.run(gan.add, {gan.z: zb})
        sess.run(gan.g_op)
        print('epoch', epoch, 'd', d, 'g', sess.run(gan.g_loss, {gan.z: zb}))
    print('average', sess.run(gan.averages[0]))
    print('weights', sess.run(gan.g_vars[0]))
    print('accumulated', np.concatenate([a.ravel() for a in sess.run(gan.accum)]))
