import numpy as np
import tensorflow as tf
w = tf.Variable([1.0, -2.0], name='w')
loss = tf.reduce_sum(tf.square(w) + w)
train = tf.train.AdamOptimizer(0.1).minimize(loss)
g = tf.gradients(loss, w)[0]
init = tf.global_variables_initializer()
with tf.Session() as sess:
    for trial in range(2):
        sess.run(init)
        for _ in range(3):
            sess.run(train)
        print('trial', trial, sess.run(w))
a, b = tf.Session(), tf.Session()
a.run(init)
b.run(init)
for _ in range(2):
    a.run(train)
b.run(train)
print(a.run(w), b.run(w), a.run(g))
with b.as_default():
    print(w.eval())
a.run(train)
b.run(train)
print(a.run(w), b.run(w))
