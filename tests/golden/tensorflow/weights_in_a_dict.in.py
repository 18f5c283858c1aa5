import numpy as np
import tensorflow as tf
r = np.random.RandomState(0)
W = {'h': tf.Variable(r.randn(2, 3), dtype=tf.float32), 'out': tf.Variable(r.randn(3, 1), dtype=tf.float32)}
b = [tf.Variable(tf.zeros([n])) for n in (3, 1)]
x = tf.placeholder(tf.float32, [None, 2])
y = tf.placeholder(tf.float32, [None, 1])
def net(x):
    h = tf.nn.sigmoid(tf.nn.bias_add(tf.matmul(x, W['h']), b[0]))
    return tf.matmul(h, W['out']) + b[1]
pred = net(x)
parts = [tf.reduce_mean(tf.square(pred - y) * s) for s in (1.0, 0.5)]
loss = tf.add_n(parts)
gx = tf.gradients(loss, x)[0]
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
X, Y = r.randn(5, 2), r.randn(5, 1)
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    for k in range(5):
        s.run(train, {x: X, y: Y})
    print(s.run(loss, {x: X, y: Y}), s.run(gx, {x: X, y: Y}))
    print(s.run(W['out']), s.run(b[0]))
