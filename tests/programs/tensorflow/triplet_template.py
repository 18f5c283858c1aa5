import sys
import numpy as np
import tensorflow as tf


class Base(object):
    _count = 0

    def __init__(self, name=None):
        Base._count += 1
        self.name = name or '{}_{}'.format(type(self).__name__, Base._count)
        self._losses, self._metrics = {}, []

    @property
    def loss(self):
        return tf.add_n(list(self._losses.values()), name='total')

    def register(self, key):
        def deco(fn):
            self._losses[key] = fn()
            return fn
        return deco


class Triplet(Base):
    def __init__(self, dim, margin=0.4, **kw):
        super().__init__(**kw)
        self.anchor, self.pos, self.neg = (tf.placeholder(tf.float32, [None, dim], name=n) for n in ('anchor', 'pos', 'neg'))
        self.template = tf.make_template(self.name, self.embed, out=3)
        self.ea, self.ep, self.en = map(self.template, (self.anchor, self.pos, self.neg))
        d_pos = self.distance(self.ea, self.ep)
        d_neg = self.distance(self.ea, self.en)

        @self.register('triplet')
        def _():
            return tf.reduce_mean(tf.nn.relu(d_pos - d_neg + margin))

        @self.register('decov')
        def _():
            c = self.ea - tf.reduce_mean(self.ea, axis=0, keepdims=True)
            cov = tf.matmul(c, c, transpose_a=True) / tf.to_float(tf.shape(c)[0])
            return 0.1 * 0.5 * (tf.reduce_sum(tf.square(cov)) - tf.reduce_sum(tf.square(tf.diag_part(cov))))

        self.fraction = tf.reduce_mean(tf.cast(tf.less(d_pos, d_neg), tf.float32))

    @staticmethod
    def distance(a, b):
        return tf.sqrt(tf.reduce_sum(tf.squared_difference(a, b), 1) + 1e-6)

    def embed(self, x, out):
        rs = np.random.RandomState(17)
        for i, n in enumerate([6, out]):
            m = int(x.get_shape()[1])
            w = tf.get_variable('w{}'.format(i), initializer=tf.constant(rs.randn(m, n).astype('f') * .5))
            x = tf.matmul(x, w)
            if n != out:
                x = tf.nn.selu(x)
        return tf.nn.l2_normalize(x, axis=-1)


def lr_schedule(step):
    return tf.cond(step < 3, lambda: tf.constant(0.3), lambda: 0.3 * tf.pow(0.5, tf.cast(step - 2, tf.float32)))


def main(argv=None):
    model = Triplet(4, name='triplet')
    step = tf.Variable(0, trainable=False, dtype=tf.int32)
    lr = lr_schedule(step)
    params = tf.trainable_variables(model.name)
    grads = tf.gradients(model.loss, params)
    with tf.control_dependencies([tf.assert_non_negative(model.loss), tf.assert_greater(lr, 0.0)]):
        updates = [tf.assign_sub(p, lr * g) for p, g in zip(params, grads)]
    with tf.control_dependencies(updates):
        train = step.assign_add(1)
    hardness = tf.gradients(model.loss, [model.anchor, model.neg])
    rs = np.random.RandomState(23)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for it in range(6):
            a = rs.randn(5, 4)
            fd = dict(zip([model.anchor, model.pos, model.neg], [a, a + .1 * rs.randn(5, 4), rs.randn(5, 4)]))
            total, parts, f = sess.run([model.loss, model._losses, model.fraction], fd)
            _, rate = sess.run([train, lr], fd)
            print(it, total, parts['triplet'], parts['decov'], f)
        print('step', sess.run(step), 'rate', sess.run(lr))
        print('hard', [np.linalg.norm(h) for h in sess.run(hardness, fd)])
        print(sess.run(params[1]))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
