"""Newton's method on one variable, and a counter."""
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

x = tf.Variable(2.0, name='x')
steps = tf.Variable(0.0, trainable=False, name='steps')
f = x ** 3 - 2.0 * x - 5.0
slope = tf.gradients(f, x)[0]
update = tf.assign(x, x - f / slope)
count = tf.assign_add(steps, 1.0)
both = tf.group(update, count)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    while abs(sess.run(f)) > 1e-4:
        sess.run(both)
    print('root', sess.run(x), 'after', sess.run(steps))
