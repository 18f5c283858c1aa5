import numpy as np
import tensorflow as tf
from functools import partial, reduce

n = 3
X = np.random.RandomState(1).randn(12, n).astype(np.float32)
Y = (X @ np.array([[1.], [-2.], [0.5]], np.float32) + 0.1).astype(np.float32)
x, y = tf.constant(X), tf.constant(Y)
theta = {'w': tf.Variable(tf.zeros([n, 1])), 'b': tf.Variable(tf.zeros([1]))}
names = sorted(theta)

def predict(p, inp):
    return tf.matmul(inp, p['w']) + p['b']

def loss_fn(p, inp, out, l2=0.0):
    mse = tf.reduce_mean(tf.squared_difference(predict(p, inp), out))
    return mse + l2 * reduce(tf.add, [tf.reduce_sum(v ** 2) for v in p.values()])

def inner_update(p, rate, steps=2):
    for _ in range(steps):
        g = tf.gradients(loss_fn(p, x[:6], y[:6]), [p[k] for k in names])
        p = {k: p[k] - rate * gk for k, gk in zip(names, g)}
    return p

rate = tf.placeholder_with_default(0.1, [])
adapted = inner_update(theta, rate)
meta = partial(loss_fn, inp=x[6:], out=y[6:], l2=0.01)(adapted)
meta_grads = tf.gradients(meta, [theta[k] for k in names] + [rate])
hvp = tf.gradients([tf.reduce_sum(g) for g in meta_grads[:2]], theta['w'])[0]
updates = [theta[k].assign_sub(0.2 * g) for k, g in zip(names, meta_grads)]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(3):
        m, g = sess.run([meta, meta_grads])
        print(i, m, [np.round(v, 5).ravel().tolist() for v in g])
        sess.run(updates)
    print(sess.run(meta, {rate: 0.0}))
    print(sess.run(hvp).ravel())
    print({k: sess.run(v).ravel().tolist() for k, v in theta.items()})
