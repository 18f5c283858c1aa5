"""Layers, penalties and a recurrence that loops of Python build."""
import numpy as np
import tensorflow as tf

r = np.random.RandomState(2)
sizes = [3, 6, 5, 1]
x = tf.placeholder(tf.float32, [None, 3])
y = tf.placeholder(tf.float32, [None, 1])
Ws = [tf.Variable(r.randn(a, b).astype(np.float32) * 0.4) for a, b in zip(sizes[:-1], sizes[1:])]
bs = [tf.Variable(np.zeros(b, np.float32)) for b in sizes[1:]]
h = x
for i, (W, b) in enumerate(zip(Ws, bs)):
    h = tf.matmul(h, W) + b
    if i < len(Ws) - 1:
        h = tf.nn.tanh(h)
loss = tf.reduce_mean(tf.square(h - y))
for W in Ws:
    loss += 0.01 * tf.nn.l2_loss(W)
grads = tf.gradients(loss, Ws)
saliency = tf.gradients(h, x)[0]
outputs = []
state = tf.zeros([4])
for t in range(3):
    state = tf.tanh(0.5 * state + x[t, 0])
    outputs.append(tf.reduce_sum(state))
total = tf.add_n(outputs)
dtotal = tf.gradients(total, x)[0]
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
X, Y = r.randn(5, 3), r.randn(5, 1)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for k in range(3):
        c, _ = sess.run([loss, train], {x: X, y: Y})
        print(k, c)
    for g in sess.run(grads, {x: X, y: Y}):
        print(g.shape, np.abs(g).sum())
    print(sess.run(saliency, {x: X[:2]}), sess.run([total, dtotal], {x: X}))
