import tensorflow as tf
import numpy as np
FLAGS = dict(lr=0.05, beta=0.1, batch=6)
np.random.seed(7)
data = np.random.rand(24, 5).astype('float32')

def xavier(shape):
    lim = np.sqrt(6.0 / sum(shape))
    return tf.Variable(np.random.uniform(-lim, lim, shape), dtype=tf.float32)

x = tf.placeholder(tf.float32, [None, 5], name="x")
eps = tf.placeholder(tf.float32, [None, 2], name="eps")
We, Wm, Ws, Wd, Wo = xavier([5, 4]), xavier([4, 2]), xavier([4, 2]), xavier([2, 4]), xavier([4, 5])
h = tf.nn.tanh(tf.matmul(x, We))
mu, logvar = tf.matmul(h, Wm), tf.matmul(h, Ws)
z = mu + tf.exp(0.5 * logvar) * eps
logits = tf.matmul(tf.nn.tanh(tf.matmul(z, Wd)), Wo)
rec = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
kl = -0.5 * tf.reduce_sum(1 + logvar - tf.square(mu) - tf.exp(logvar), 1)
elbo = tf.reduce_mean(rec + FLAGS['beta'] * kl)
params = tf.trainable_variables()
grads = tf.gradients(elbo, params)
grads, norm = tf.clip_by_global_norm(grads, 1.0)
step = tf.train.RMSPropOptimizer(FLAGS['lr']).apply_gradients(zip(grads, params))
dz = tf.gradients(rec, z)[0]
init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    for epoch in range(3):
        order = np.random.permutation(24)
        for i in range(0, 24, FLAGS['batch']):
            idx = order[i:i + FLAGS['batch']]
            _, e, n = sess.run([step, elbo, norm], feed_dict={x: data[idx], eps: np.random.randn(len(idx), 2)})
        print("epoch", epoch, "elbo", e, "norm", n)
    out, g = sess.run([mu, dz], {x: data[:2], eps: np.zeros((2, 2))})
    print(out, g)
