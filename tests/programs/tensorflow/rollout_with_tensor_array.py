"""Policy gradient through a differentiable simulator rolled out by tf.while_loop with TensorArrays, and tf.case."""
import numpy as np
import tensorflow as tf

HORIZON = 5
rs = np.random.RandomState(0)
K = tf.get_variable('gain', initializer=np.array([[0.2], [0.1]], np.float32))
sigma = tf.get_variable('sigma', shape=[], initializer=tf.constant_initializer(0.3))
x0 = tf.placeholder(tf.float32, [None, 2], name='x0')
eps = tf.placeholder(tf.float32, [HORIZON, None, 1], name='eps')
mode = tf.placeholder(tf.int32, [], name='mode')
A = tf.constant([[1.0, 0.1], [0.0, 0.95]])
B = tf.constant([[0.0, 0.1]])


def cost(x, u):
    quadratic = lambda: tf.reduce_sum(x ** 2, 1) + 0.1 * tf.squeeze(u, 1) ** 2
    absolute = lambda: tf.reduce_sum(tf.abs(x), 1) + 0.1 * tf.abs(tf.squeeze(u, [1]))
    smooth = lambda: tf.reduce_sum(tf.sqrt(1 + x ** 2) - 1, 1)
    return tf.case([(tf.equal(mode, 0), quadratic), (tf.equal(mode, 1), absolute)], default=smooth, exclusive=True)


def body(t, x, total, logp, trace):
    mean = -tf.matmul(x, K)
    u = mean + sigma * eps[t]
    logp += tf.reduce_sum(-0.5 * tf.square((tf.stop_gradient(u) - mean) / sigma) - tf.log(sigma), axis=1)
    c = cost(x, u)
    trace = trace.write(t, c)
    x_next = tf.matmul(x, A, transpose_b=True) + tf.matmul(u, B)
    return t + 1, x_next, total + c, logp, trace


trace = tf.TensorArray(tf.float32, size=HORIZON)
n = tf.shape(x0)[0]
_, xT, total, logp, trace = tf.while_loop(lambda t, *_: t < HORIZON, body, (0, x0, tf.zeros([n]), tf.zeros([n]), trace))
costs = trace.stack()
J = tf.reduce_mean(total)
pathwise = tf.gradients(J, [K, sigma])
score = tf.gradients(tf.reduce_mean(logp * tf.stop_gradient(total - tf.reduce_mean(total))), [K, sigma])
togo = tf.cumsum(costs, axis=0, reverse=True)
dx0 = tf.gradients(total, x0)[0]
train = tf.train.GradientDescentOptimizer(0.1).minimize(J, var_list=[K])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for m in range(3):
        fd = {x0: rs.randn(4, 2), eps: rs.randn(HORIZON, 4, 1), mode: m}
        j, p, s = sess.run([J, pathwise, score], fd)
        print('mode', m, 'J', j)
        print('pathwise', p[0].ravel(), p[1], 'score', s[0].ravel(), s[1])
        print('costs to go', sess.run(togo, fd)[0], 'dx0', sess.run(dx0, fd)[0])
    fd[mode] = 0
    for _ in range(5):
        sess.run(train, fd)
    print('gain', sess.run(K).ravel(), 'J', sess.run(J, fd))
