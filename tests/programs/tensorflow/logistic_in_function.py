import tensorflow as tf
import numpy as np

def run():
    x = tf.placeholder(tf.float32, shape=[None, 3])
    target = tf.placeholder(tf.float32, shape=[None])
    w = tf.Variable(np.array([0.1, -0.2, 0.3], dtype=np.float32), name='weights')
    bias = tf.Variable(0.5, name='bias')
    out = tf.reduce_sum(x * w, axis=1) + bias
    prob = tf.sigmoid(out)
    loss = -tf.reduce_mean(target * tf.log(prob + 1e-6) + (1.0 - target) * tf.log(1.0 - prob + 1e-6))
    reg = 0.01 * tf.nn.l2_loss(w)
    loss += reg
    gw, gb = tf.gradients(loss, [w, bias])
    hess_row = tf.gradients(gw[0], w)[0]
    train_w = tf.assign(w, w - 0.5 * gw)
    train_b = bias.assign_sub(0.5 * gb)
    train = tf.group(train_w, train_b)
    rs = np.random.RandomState(1)
    X = rs.randn(8, 3)
    T = (X[:, 0] > 0).astype(np.float32)
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    fd = {x: X, target: T}
    for step in range(5):
        value = sess.run(loss, feed_dict=fd)
        sess.run(train, feed_dict=fd)
        print(step, value)
    print(sess.run([w, bias]))
    print('hessian row', sess.run(hess_row, fd))
    acc = np.mean((sess.run(prob, {x: X}) > 0.5) == T)
    print('accuracy', acc)
    sess.close()

run()
