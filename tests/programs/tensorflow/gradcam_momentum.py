import numpy as np
import tensorflow as tf

def conv(x, shape, rs, stride=1):
    W = tf.Variable(rs.normal(0, .3, shape), dtype=tf.float32)
    b = tf.Variable(tf.zeros(shape[-1:]))
    return tf.nn.relu(tf.nn.conv2d(x, W, [1, stride, stride, 1], 'SAME') + b)

rs = np.random.RandomState(1)
img = tf.placeholder(tf.float32, [None, 8, 8, 1], name='img')
lab = tf.placeholder(tf.float32, [None, 3])
keep = tf.placeholder_with_default(1.0, ())
c1 = conv(img, [3, 3, 1, 4], rs)
p1 = tf.nn.max_pool(c1, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')
c2 = conv(p1, [3, 3, 4, 5], rs, 2)
flat = tf.reshape(c2, [-1, 2 * 2 * 5])
flat = tf.nn.dropout(flat, keep_prob=keep)
Wf = tf.Variable(rs.normal(0, .3, (20, 3)).astype('f'))
logits = tf.matmul(flat, Wf)
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=lab, logits=logits))
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(lab, 1))
acc = tf.reduce_mean(tf.cast(correct, tf.float32))
# grad-CAM
score = tf.reduce_sum(logits * lab, 1)
dA = tf.gradients(score, c2)[0]
weights = tf.reduce_mean(dA, axis=[1, 2], keepdims=True)
cam = tf.nn.relu(tf.reduce_sum(weights * c2, axis=3))
guided = tf.gradients(score, img)[0]
lr = tf.train.exponential_decay(0.1, tf.Variable(0, trainable=False, name='gs'), 2, 0.5, staircase=True)
train = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
X = rs.rand(6, 8, 8, 1); Y = np.eye(3)[rs.randint(0, 3, 6)]
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(3):
        _, l, a = sess.run([train, loss, acc], feed_dict={img: X, lab: Y})
        print('%d %.5f %.3f' % (i, l, a))
    c, g = sess.run([cam, guided], {img: X[:2], lab: Y[:2]})
    print(c.reshape(2, -1))
    print(np.abs(g).sum(axis=(1, 2, 3)))
