import os
import shutil
import tempfile
import numpy as np
import tensorflow as tf

workdir = tempfile.mkdtemp()
ckpt = os.path.join(workdir, 'model.ckpt')


class Net(object):
    def __init__(self, lr):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self._build(lr)
            self.saver = tf.train.Saver(tf.trainable_variables(), max_to_keep=3)
            self.session = tf.Session(graph=self.graph)
            self.session.run(tf.global_variables_initializer())

    def _build(self, lr):
        rs = np.random.RandomState(3)
        self.x = tf.placeholder(tf.float32, [None, 3], 'x')
        self.y = tf.placeholder(tf.float32, [None, 1], 'y')
        h = tf.layers.dense(self.x, 5, tf.nn.tanh, kernel_initializer=tf.constant_initializer(rs.randn(3, 5) * .5), name='fc')
        out = tf.layers.dense(h, 1, kernel_initializer=tf.constant_initializer(rs.randn(5, 1) * .5), name='out')
        self.loss = tf.losses.mean_squared_error(self.y, out)
        self.gs = tf.train.get_or_create_global_step()
        self.opt = tf.train.AdamOptimizer(lr)
        gv = self.opt.compute_gradients(self.loss)
        self.train = self.opt.apply_gradients(gv, global_step=self.gs)
        self.jac = tf.gradients(out, self.x)[0]
        writer_summary = tf.summary.scalar('loss', self.loss)
        self.merged = tf.summary.merge_all()
        self.reset_opt = tf.variables_initializer(self.opt.variables())

    def fit(self, X, Y, steps):
        for _ in range(steps):
            _, l, step = self.session.run([self.train, self.loss, self.gs], {self.x: X, self.y: Y})
        return l, self.session.run(self.gs)

    def save(self):
        return self.saver.save(self.session, ckpt, global_step=self.session.run(self.gs))

    def restore(self):
        path = tf.train.latest_checkpoint(workdir)
        self.saver.restore(self.session, path)


rs = np.random.RandomState(0)
X = rs.randn(10, 3)
Y = np.sin(X.sum(1, keepdims=True))
first = Net(0.05)
print('fit', *first.fit(X, Y, 5))
first.save()
before = first.session.run(first.jac, {first.x: X[:1]})
print('more', *first.fit(X, Y, 5))
second = Net(0.01)
second.restore()
print('restored', np.allclose(before, second.session.run(second.jac, {second.x: X[:1]})))
print('second', *second.fit(X, Y, 3))
first.restore()
first.session.run(first.reset_opt)
print('first again', *first.fit(X, Y, 3))
for net in (first, second):
    net.session.close()
shutil.rmtree(workdir)
