import tensorflow as tf
import numpy as np


def make_params(rng, sizes, scope):
    params = []
    with tf.variable_scope(scope):
        for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])):
            params.append(tf.get_variable('W%d' % i, initializer=(rng.randn(a, b) / np.sqrt(a)).astype(np.float32)))
            params.append(tf.get_variable('b%d' % i, initializer=np.zeros(b, np.float32)))
    return params


def mlp(params, x):
    for i in range(0, len(params) - 2, 2):
        x = tf.sin(tf.matmul(x, params[i]) + params[i + 1])
    return tf.matmul(x, params[-2]) + params[-1]


class Reptile:
    """Interpolates variables towards task solutions, with a VariableState like openai/supervised-reptile."""

    def __init__(self, session, variables, transductive=False):
        self.session = session
        self._placeholders = [tf.placeholder(v.dtype.base_dtype, shape=v.get_shape()) for v in variables]
        assigns = [tf.assign(v, p) for v, p in zip(variables, self._placeholders)]
        self._assign_op = tf.group(*assigns)
        self.variables = variables

    def export(self):
        return self.session.run(self.variables)

    def load(self, values):
        self.session.run(self._assign_op, feed_dict=dict(zip(self._placeholders, values)))

    def step(self, tasks, x, y, op, inner, eps):
        old = self.export()
        new = []
        for xs, ys in tasks:
            for _ in range(inner):
                self.session.run(op, feed_dict={x: xs, y: ys})
            new.append(self.export())
            self.load(old)
        mean = [np.mean(vs, axis=0) for vs in zip(*new)]
        self.load([o + eps * (m - o) for o, m in zip(old, mean)])


rng = np.random.RandomState(42)
x, y = tf.placeholder(tf.float32, [None, 1]), tf.placeholder(tf.float32, [None, 1])
xq, yq = tf.placeholder_with_default(np.zeros((1, 1), np.float32), [None, 1]), tf.placeholder(tf.float32, [None, 1])
theta = make_params(rng, [1, 8, 1], 'theta')
log_alpha = [tf.Variable(np.full(p.get_shape().as_list(), -3.0, np.float32), name=p.op.name + '_alpha') for p in theta]
mse = lambda p, a, b: tf.reduce_mean(tf.squared_difference(mlp(p, a), b))
inner_loss = mse(theta, x, y)
inner_op = tf.train.GradientDescentOptimizer(0.05).minimize(inner_loss, var_list=theta)

adapted = theta
for _ in range(2):
    grads = tf.gradients(mse(adapted, x, y), adapted)
    adapted = [p - tf.exp(a) * g for p, a, g in zip(adapted, log_alpha, grads)]
outer = mse(adapted, xq, yq)
meta_vars = theta + log_alpha
meta_grads = tf.gradients(outer, meta_vars)
first_order = tf.gradients(outer, adapted)
meta_opt = tf.train.AdamOptimizer(0.01)
meta_op = meta_opt.apply_gradients([(tf.clip_by_value(g, -1., 1.), v) for g, v in zip(meta_grads, meta_vars)])


def tasks(n, k):
    for _ in range(n):
        amp, ph = rng.uniform(.5, 2), rng.uniform(0, 3)
        xs = rng.uniform(-2, 2, (k, 1))
        yield xs, amp * np.sin(xs + ph)


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    reptile = Reptile(sess, theta)
    for it in range(2):
        reptile.step(list(tasks(2, 5)), x, y, inner_op, 3, 0.5)
        (a, b), = tasks(1, 4)
        print('reptile', it, sess.run(inner_loss, {x: a, y: b}))
    for it in range(4):
        (a, b), (c, d) = tasks(2, 5)
        fd = {x: a, y: b, xq: c, yq: d}
        _, o = sess.run([meta_op, outer], fd)
        print('meta', it, o)
    diff = [np.abs(m - f).max() for m, f in zip(sess.run(meta_grads[:len(theta)], fd), sess.run(first_order, fd))]
    print('second order part', np.array(diff))
    print('alpha', np.exp(sess.run(log_alpha[-1])), 'b', sess.run(theta[-1]))
