import numpy as np
import tensorflow as tf

graph = tf.Graph()
with graph.as_default():
    x = tf.placeholder(tf.float32, [3])
    w = tf.Variable([0.5, -0.25, 1.25])
    loss = tf.reduce_sum(tf.square(w * x))
    grad = tf.gradients(loss, w)[0]
    init = tf.global_variables_initializer()

with tf.Session(graph=graph, config=tf.ConfigProto(allow_soft_placement=True)) as sess:
    sess.run(init)
    print(sess.run([loss, grad], {x: [1., 2., 3.]}))
