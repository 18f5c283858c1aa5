import numpy as np
import tensorflow as tf

N = 5
lb = np.array([-1.0, 0.0])
ub = np.array([1.0, 2.0])
weights = [0.3, 0.7]
rng = np.random.RandomState(5)
A = rng.randn(2, 3)

def scaled(p):
    return 2.0 * (p - lb) / (ub - lb) - 1.0

def poly(t, coef):
    acc = t * 0.0
    for c in coef:
        acc = acc * t + c
    return acc

x = tf.placeholder(tf.float32, [None, 2])
y = tf.placeholder(tf.float32, shape=[None, 3])
W = tf.Variable(rng.randn(2, 3).astype(np.float32), name='W')
b = tf.get_variable('b', initializer=np.zeros(3, np.float32))
h = tf.tanh(tf.matmul(scaled(x), W) + b)
z = poly(h, [1.0, -0.5, 2.0])
err = z - y
# the loss
loss = tf.reduce_mean(tf.reduce_sum(err * err, axis=1)) + 0.01 * tf.reduce_sum(W * A)
g_x = tf.gradients(loss, x)[0]
g_h, = tf.gradients(loss, [h])
g_W, g_b = tf.gradients(loss, [W, b])
opt = tf.train.GradientDescentOptimizer(0.1)
train = opt.minimize(loss)

sess = tf.Session()
sess.run(tf.global_variables_initializer())
data = rng.rand(N, 2)
target = rng.rand(N, 3)
feed = {x: data, y: target}
print(sess.run(g_x, feed))
for i in range(4):
    _, l = sess.run([train, loss], feed_dict=feed)
    print(i, l)
gh, gw, gb = sess.run([g_h, g_W, g_b], feed)
print(gh.sum(), gw)
print('b', sess.run(b), 'pred', sess.run(z, {x: data[:2]}))
sess.close()
