import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [3], name='x')
c = tf.placeholder(tf.float32, [], name='c')
w = tf.Variable([0.5, -0.25, 1.25])
h = tf.sin(x) * w
loss = tf.reduce_sum(tf.square(h)) * c
plain = tf.gradients(loss, [x, w])
first = tf.gradients(loss, x)[0]
norm = tf.reduce_sum(tf.square(x))
both = tf.gradients(h, [x, w])
step = w.assign_sub(0.1 * plain[1])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: [0.3, -0.8, 1.1], c: 2.0}
    for label, fetch in [('loss', loss), ('first', first), ('norm', norm), ('w', w)]:
        print(label, sess.run(fetch, feed))
        sess.run(step, feed)
    for fetch in [plain, both]:
        for i, value in enumerate(sess.run(fetch, feed_dict=feed)):
            print(i, value.tolist())
    print([sess.run(t, {x: np.arange(3.), c: 1.0}) for t in (loss, norm)])
    for t in (loss, norm):
        l, n = sess.run([t, norm], {x: np.ones(3), c: 1.0})
        print(l, n)
        print(t.eval({x: np.ones(3), c: 3.0}))
