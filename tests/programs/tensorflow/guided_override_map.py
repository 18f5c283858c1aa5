import numpy as np
import tensorflow as tf


@tf.RegisterGradient("GuidedRelu")
def _guided(op, grad):
    return tf.where(0. < grad, tf.nn.relu(grad) * tf.cast(op.outputs[0] > 0., tf.float32), tf.zeros_like(grad))


@tf.RegisterGradient("StraightThrough")
def _straight(op, grad):
    return tf.clip_by_value(grad, -1., 1.)


def net(x, scope):
    rs = np.random.RandomState(1)
    with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
        w1 = tf.get_variable('w1', [4, 6], initializer=tf.constant_initializer(rs.randn(4, 6)))
        w2 = tf.get_variable('w2', [6, 2], initializer=tf.constant_initializer(rs.randn(6, 2)))
    h = tf.nn.relu(tf.matmul(x, w1))
    return tf.matmul(h, w2)


x = tf.placeholder(tf.float32, [None, 4], name='input')
plain = net(x, 'net')
graph = tf.get_default_graph()
with graph.gradient_override_map({'Relu': 'GuidedRelu'}):
    guided = net(x, 'net')
with graph.gradient_override_map({'Sign': 'StraightThrough'}):
    code = tf.sign(plain)
binary_loss = tf.reduce_sum(tf.square(code - 0.5))
named = tf.identity(guided, name='guided_out')
g1 = tf.gradients(plain[:, 0], x)[0]
g2 = tf.gradients(guided[:, 0], x)[0]
g3 = tf.gradients(binary_loss, tf.trainable_variables())
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    data = np.random.RandomState(0).randn(3, 4)
    by_name = graph.get_tensor_by_name('input:0')
    print('plain', sess.run(g1, {by_name: data}))
    print('guided', sess.run(g2, {x: data}))
    print('same forward', np.allclose(*sess.run([plain, named], {x: data})))
    print('codes', sess.run(code, {x: data}))
    print('through', [np.abs(g).sum() for g in sess.run(g3, {'input:0': data})])
