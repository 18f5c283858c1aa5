from __future__ import division, print_function
import functools
import numpy as np
import tensorflow as tf
from tensorflow import gradients as grad_of

rs = np.random.RandomState(0)
def lazy(name, *shape):
    return tf.get_variable(name, initializer=tf.constant((rs.randn(*shape) * 0.3).astype('f4')))

def encoder(x, n_z):
    with tf.variable_scope("enc"):
        h = tf.nn.softplus(tf.matmul(x, lazy("w", 6, 5)) + lazy("b", 5))
        mu = tf.matmul(h, lazy("wm", 5, n_z))
        log_sigma = tf.clip_by_value(tf.matmul(h, lazy("ws", 5, n_z)), -3., 3.)
    return mu, log_sigma

def decoder(z):
    with tf.variable_scope("dec"):
        h = tf.nn.elu(tf.matmul(z, lazy("w", 2, 5)))
        return tf.matmul(h, lazy("wo", 5, 6))

x = tf.placeholder(tf.float32, [None, 6])
eps = tf.placeholder(tf.float32, [None, 2])
mu, ls = encoder(x, n_z=2)
z = mu + tf.exp(ls) * eps
logits = decoder(z)
rec = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), axis=1)
kl = -0.5 * tf.reduce_sum(1 + 2 * ls - mu ** 2 - tf.exp(2 * ls), 1)
elbo = -tf.reduce_mean(rec + kl)
tv = tf.trainable_variables()
gs = grad_of(-elbo, tv)
sq = functools.partial(tf.reduce_sum, axis=None)
norms = {v.op.name: tf.sqrt(sq(tf.square(g))) for g, v in zip(gs, tv)}
clipped = [tf.clip_by_norm(g, 0.1) for g in gs]
opt = tf.train.MomentumOptimizer(0.5, momentum=0.8)
step = opt.apply_gradients(list(zip(clipped, tv)))
mean, var = tf.nn.moments(z, axes=[0])
data = (rs.rand(10, 6) > 0.5).astype(np.float32)
noise = rs.randn(10, 2)
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    fd = {x: data, eps: noise}
    out = s.run(norms, feed_dict=fd)
    for k in sorted(out):
        print(k, out[k])
    for i in range(5):
        e, _ = s.run((elbo, step), fd)
        print(i, 'elbo', e)
    m, v = s.run([mean, var], fd)
    print(m, v)
    print(s.run(logits, {z: [[0.5, -0.5]]}))
