"""Loops, a scan, a fold and a branch of the graph, and gradients through them."""
import numpy as np
import tensorflow as tf


def rollout(x0, w, n):
    """Fixed number of Euler steps, in the graph."""
    def condition(step, x, total):
        return step < n

    def body(step, x, total):
        x = x + 0.1 * tf.tanh(x * w)
        return step + 1, x, total + tf.reduce_sum(tf.square(x))

    _, last, total = tf.while_loop(condition, body, [0, x0, 0.0])
    return last, total


x = tf.placeholder(tf.float32, [2], name='x')
w = tf.Variable([0.5, -0.7], name='w')
last, total = rollout(x, w, 4)
gw = tf.gradients(total, w)[0]
gx = tf.gradients(last, x)[0]
path = tf.scan(lambda a, e: a * 0.9 + e, x, initializer=tf.constant(0.5))
gpath = tf.gradients(tf.reduce_sum(path ** 2), x)[0]
folded = tf.foldl(lambda a, e: a + e * e, x, initializer=tf.constant(0.0))
loss = total + tf.cond(tf.reduce_sum(x) > 0, lambda: folded, lambda: tf.reduce_sum(w))
train = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
mapped = tf.map_fn(lambda e: (e * 2.0, e + 1.0), x, dtype=(tf.float32, tf.float32))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for value in ([1.0, 2.0], [-1.0, 0.3]):
        feed = {x: value}
        print(sess.run([last, total, gw, gx], feed_dict=feed))
        print(sess.run(path, feed), sess.run(gpath, feed), sess.run(mapped[0], feed))
        sess.run(train, feed)
        print(sess.run(w))
