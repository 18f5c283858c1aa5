import tensorflow as tf
import numpy as np

# Gaussian process regression: marginal likelihood gradients through the Cholesky factor
np.random.seed(0)
N = 6
X = np.sort(np.random.uniform(-3, 3, (N, 1)), axis=0).astype(np.float32)
Y = (np.sin(X) + 0.1 * np.random.randn(N, 1)).astype(np.float32)


def positive(name, value):
    raw = tf.get_variable(name + '_raw', initializer=tf.constant(np.log(np.expm1(value)), tf.float32))
    return tf.nn.softplus(raw), raw


def sqdist(A, B):
    ra = tf.reduce_sum(A * A, 1)
    rb = tf.reduce_sum(B * B, 1)
    return tf.reshape(ra, [-1, 1]) - 2 * tf.matmul(A, B, transpose_b=True) + tf.reshape(rb, [1, -1])


def rbf(A, B, variance, lengthscale):
    return variance * tf.exp(-0.5 * sqdist(A, B) / tf.square(lengthscale))


x_ph = tf.placeholder(tf.float32, [None, 1])
y_ph = tf.placeholder(tf.float32, [None, 1])
xs_ph = tf.placeholder(tf.float32, [None, 1])
variance, raw_v = positive('variance', 1.0)
length, raw_l = positive('length', 0.8)
noise, raw_n = positive('noise', 0.2)

n = tf.shape(x_ph)[0]
K = rbf(x_ph, x_ph, variance, length) + (noise + 1e-4) * tf.eye(N)
L = tf.cholesky(K)
alpha = tf.matrix_triangular_solve(tf.transpose(L), tf.matrix_triangular_solve(L, y_ph, lower=True), lower=False)
nlml = 0.5 * tf.squeeze(tf.matmul(y_ph, alpha, transpose_a=True)) \
    + tf.reduce_sum(tf.log(tf.diag_part(L))) + 0.5 * tf.cast(n, tf.float32) * np.log(2 * np.pi)
via_chol_solve = tf.cholesky_solve(L, y_ph)

Ks = rbf(xs_ph, x_ph, variance, length)
mu = tf.matmul(Ks, alpha)
V = tf.matrix_triangular_solve(L, tf.transpose(Ks))
var = variance - tf.reduce_sum(tf.square(V), axis=0)
slope = tf.gradients(mu, xs_ph)[0]
var_slope = tf.gradients(var, xs_ph)[0]
acquisition = mu[:, 0] + 2.0 * tf.sqrt(tf.maximum(var, 1e-6))
acq_grad, = tf.gradients(acquisition, [xs_ph])

hyper = [raw_v, raw_l, raw_n]
grads = tf.gradients(nlml, hyper)
steps = [tf.assign_sub(p, 0.05 * g) for p, g in zip(hyper, grads)]

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    data = {x_ph: X, y_ph: Y}
    print('nlml', sess.run(nlml, data), 'grads', sess.run(grads, data))
    a1, a2 = sess.run([alpha, via_chol_solve], data)
    print('solves agree', np.allclose(a1, a2, atol=1e-3))
    for i in range(10):
        sess.run(steps, data)
    print('trained', sess.run([variance, length, noise]), sess.run(nlml, data))
    data[xs_ph] = [[-1.0], [0.25], [2.0]]
    m, v = sess.run([mu, var], data)
    print('mean', m.ravel(), 'var', v)
    print('slopes', sess.run([slope, var_slope], data))
    x_try = np.array([[0.0], [1.0]])
    for i in range(5):
        g = sess.run(acq_grad, {x_ph: X, y_ph: Y, xs_ph: x_try})
        x_try = x_try + 0.1 * g
    print('next points', x_try.ravel())
