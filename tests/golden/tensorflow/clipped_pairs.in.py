"""A linear model whose pairs of gradient and variable are clipped on the way to apply_gradients."""
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
x = tf.placeholder(tf.float32, [None, 3], name='x')
y = tf.placeholder(tf.float32, [None, 1], name='y')
w = tf.Variable(rng.randn(3, 1).astype(np.float32), name='w')
b = tf.Variable(np.zeros(1, np.float32), name='b')
pred = tf.matmul(x, w) + b
loss = tf.reduce_mean(tf.square(pred - y))
opt = tf.train.AdamOptimizer(0.05)
gvs = opt.compute_gradients(loss)
capped_gvs = [(tf.clip_by_value(grad, -0.5, 0.5), var) for grad, var in gvs if grad is not None]
train_op = opt.apply_gradients(capped_gvs)
norms = [tf.norm(g) for g, _ in gvs]
X = rng.randn(8, 3)
Y = X.sum(1, keepdims=True) * 0.7
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(5):
        _, c = sess.run([train_op, loss], feed_dict={x: X, y: Y})
        print(i, c)
    print(sess.run(norms, {x: X, y: Y}))
    print(sess.run([w, b]))
