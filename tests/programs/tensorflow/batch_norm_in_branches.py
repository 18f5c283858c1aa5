import numpy as np
import tensorflow as tf


def batch_norm(x, n_out, phase_train, scope='bn'):
    with tf.variable_scope(scope):
        beta = tf.Variable(tf.constant(0.0, shape=[n_out]), name='beta', trainable=True)
        gamma = tf.Variable(tf.constant(1.0, shape=[n_out]), name='gamma', trainable=True)
        mean_run = tf.Variable(tf.zeros([n_out]), trainable=False, name='mean')
        var_run = tf.Variable(tf.ones([n_out]), trainable=False, name='var')
        batch_mean, batch_var = tf.nn.moments(x, [0], name='moments')

        def mean_var_with_update():
            up_m = tf.assign(mean_run, 0.5 * mean_run + 0.5 * batch_mean)
            up_v = tf.assign(var_run, 0.5 * var_run + 0.5 * batch_var)
            with tf.control_dependencies([up_m, up_v]):
                return tf.identity(batch_mean), tf.identity(batch_var)

        mean, var = tf.cond(phase_train, mean_var_with_update, lambda: (mean_run, var_run))
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)


def inference(x, phase, keep):
    r = np.random.RandomState(17)
    w1 = tf.get_variable('w1', initializer=r.randn(4, 6).astype('float32') * 0.5)
    w2 = tf.get_variable('w2', initializer=r.randn(6, 3).astype('float32') * 0.5)
    h = tf.matmul(x, w1)
    h = batch_norm(h, 6, phase)
    h = tf.nn.leaky_relu(h, alpha=0.1)
    h = tf.nn.dropout(h, keep_prob=keep)
    return tf.matmul(h, w2), [w1, w2]


x = tf.placeholder(tf.float32, shape=[None, 4])
y = tf.placeholder(tf.int64, shape=[None])
phase = tf.placeholder(tf.bool, name='phase_train')
keep_prob = tf.placeholder_with_default(1.0, shape=())

logits, ws = inference(x, phase, keep_prob)
xent = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
l2 = tf.add_n([tf.nn.l2_loss(w) for w in ws])
total = xent + 1e-2 * l2

# adversarial direction (virtual adversarial training style)
g, = tf.gradients(xent, [x])
adv = x + 0.2 * tf.stop_gradient(g / (1e-6 + tf.norm(g, axis=1, keepdims=True)))
correct = tf.equal(tf.argmax(logits, 1), y)
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
opt = tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True)
train_op = opt.minimize(total)

rng = np.random.RandomState(23)
data = rng.randn(12, 4)
label = (data[:, 0] > 0).astype(np.int64) + (data[:, 1] > 0.5)

init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    for epoch in range(5):
        feed = {x: data, y: label, phase: True}
        _, t = sess.run([train_op, total], feed_dict=feed)
        a = sess.run(adv, feed_dict={x: data, y: label, phase: False})
        print('epoch', epoch, 'train', t, 'adv mean', a.mean())
    print('acc', sess.run(accuracy, feed_dict={x: data, y: label, phase: False}))
    print('running', sess.run([v for v in tf.global_variables() if 'bn/' in v.name and 'Momentum' not in v.name]))
