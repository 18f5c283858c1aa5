import numpy as np
import tensorflow as tf
r = np.random.RandomState(11)

def weight(shape, name):
    return tf.Variable(tf.constant(r.normal(0, .2, shape), dtype=tf.float32), name=name)

class ConvNet(object):
    def __init__(self):
        self.X = tf.placeholder(tf.float32, [None, 8, 8, 2], 'X')
        self.Y = tf.placeholder(tf.int64, [None], 'Y')
        self.build()

    def build(self):
        with tf.name_scope('conv'):
            c = tf.nn.conv2d(self.X, weight([3, 3, 2, 4], 'k1'), [1, 2, 2, 1], 'SAME')
            c = tf.nn.leaky_relu(tf.nn.bias_add(c, weight([4], 'b1')))
            self.features = tf.nn.max_pool(c, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')
        flat = tf.reshape(self.features, [-1, 2 * 2 * 4])
        self.logits = tf.matmul(flat, weight([16, 3], 'fc'))
        self.prob = tf.nn.softmax(self.logits)
        self.xent = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.Y, logits=self.logits))

    def saliency(self, cls):
        score = self.logits[:, cls]
        return tf.abs(tf.gradients(score, self.X)[0])

    def gradcam(self, cls):
        g = tf.gradients(self.logits[:, cls], self.features)[0]
        w = tf.reduce_mean(g, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(w * self.features, axis=3))

    def integrated(self, cls, base, steps=4):
        grads = []
        for k in range(1, steps + 1):
            grads.append((float(k) / steps))
        return grads

net = ConvNet()
maps = [net.saliency(c) for c in range(3)]
cams = {c: net.gradcam(c) for c in (0, 2)}
acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(net.logits, 1), net.Y), tf.float32))
train = tf.train.AdagradOptimizer(0.1).minimize(net.xent)
imgs = r.rand(6, 8, 8, 2)
labels = np.array([0, 1, 2, 0, 1, 2])
config = tf.ConfigProto()
config.gpu_options.allow_growth = True
with tf.Session(config=config) as sess:
    tf.global_variables_initializer().run()
    ms_ = sess.run(maps, {net.X: imgs})
    print([m.sum() for m in ms_])
    cam = sess.run(cams, {net.X: imgs[:2]})
    print(cam[0].sum(), cam[2].sum(), cam[2].shape)
    total = np.zeros_like(imgs[:1])
    for a in np.linspace(0.25, 1.0, 4):
        total += sess.run(tf.gradients(net.prob[:, 1], net.X)[0], feed_dict={net.X: a * imgs[:1]})
    print('ig', (total / 4 * imgs[:1]).sum())
    for i in range(4):
        _, l = sess.run([train, net.xent], feed_dict={net.X: imgs, net.Y: labels})
        print(i, l, acc.eval({net.X: imgs, net.Y: labels}))
