"""Meta-SGD: the inner step sizes are learned with the initialization; tasks run under map_fn."""
from functools import partial
import numpy as np
import tensorflow as tf

FLAGS = type('Flags', (), dict(num_updates=2, meta_batch_size=4, update_batch_size=5, meta_lr=0.01, norm_limit=10.))


def build_weights(rng, hidden):
    w = {}
    w['w1'] = tf.Variable(rng.normal(0, .4, [1, hidden]).astype('f'), name='w1')
    w['b1'] = tf.Variable(rng.normal(0, .4, [hidden]).astype('f'), name='b1')
    w['w2'] = tf.Variable(rng.normal(0, .4, [hidden, 1]).astype('f'), name='w2')
    w['b2'] = tf.Variable(np.zeros([1], 'f'), name='b2')
    return w


def forward(inp, w):
    return tf.matmul(tf.nn.softplus(tf.matmul(inp, w['w1']) + w['b1']), w['w2']) + w['b2']


def mse(pred, label):
    return tf.reduce_sum(tf.square(pred - label)) / FLAGS.update_batch_size


def task_metalearn(inp, weights, alphas, first_order):
    inputa, inputb, labela, labelb = inp
    losses_b = []
    fast = dict(weights)
    for _ in range(FLAGS.num_updates):
        keys = sorted(fast)
        grads = tf.gradients(mse(forward(inputa, fast), labela), [fast[k] for k in keys])
        if first_order:
            grads = [tf.stop_gradient(g) for g in grads]
        fast = {k: fast[k] - tf.exp(alphas[k]) * g for k, g in zip(keys, grads)}
        losses_b.append(mse(forward(inputb, fast), labelb))
    return losses_b


def build(first_order):
    graph = tf.Graph()
    with graph.as_default():
        rng = np.random.RandomState(14)
        ph = [tf.placeholder(tf.float32, [FLAGS.meta_batch_size, FLAGS.update_batch_size, 1]) for _ in range(4)]
        weights = build_weights(rng, 7)
        alphas = {k: tf.Variable(np.full(v.shape.as_list(), -3.0, np.float32), name='alpha_' + k)
                  for k, v in weights.items()}
        body = partial(task_metalearn, weights=weights, alphas=alphas, first_order=first_order)
        losses = tf.map_fn(body, elems=tuple(ph), dtype=[tf.float32] * FLAGS.num_updates,
                           parallel_iterations=FLAGS.meta_batch_size)
        meta_losses = [tf.reduce_sum(l) / tf.to_float(FLAGS.meta_batch_size) for l in losses]
        opt = tf.train.AdamOptimizer(FLAGS.meta_lr)
        gvs = opt.compute_gradients(meta_losses[-1])
        gvs = [(tf.clip_by_value(g, -FLAGS.norm_limit, FLAGS.norm_limit), v) for g, v in gvs]
        train = opt.apply_gradients(gvs)
        init = tf.global_variables_initializer()
    return graph, ph, meta_losses, gvs, train, init, alphas


def batch(rng):
    n, k = FLAGS.meta_batch_size, FLAGS.update_batch_size
    amp, phase = rng.uniform(.5, 2, (n, 1, 1)), rng.uniform(0, np.pi, (n, 1, 1))
    xs = rng.uniform(-2, 2, (n, 2 * k, 1))
    ys = amp * np.sin(xs + phase)
    return xs[:, :k], xs[:, k:], ys[:, :k], ys[:, k:]


for first_order in (False, True):
    graph, ph, meta_losses, gvs, train, init, alphas = build(first_order)
    data = np.random.RandomState(1)
    with tf.Session(graph=graph) as sess:
        sess.run(init)
        print('first order' if first_order else 'full')
        for it in range(6):
            feed = dict(zip(ph, batch(data)))
            values, _ = sess.run([meta_losses, train], feed)
            print(it, values)
        for (g, v), value in zip(gvs, sess.run([g for g, _ in gvs], feed)):
            print(v.op.name, '%.5f' % np.abs(value).sum())
        print('alpha b2', np.exp(sess.run(alphas['b2'])))
