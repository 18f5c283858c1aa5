import numpy as np
import tensorflow as tf


class SaliencyMask(object):
    """Base class for saliency methods. Alone, this class doesn't do anything."""

    def __init__(self, graph, session, y, x):
        size = 1
        for shape in y.shape:
            size *= shape
        assert size == 1
        self.graph = graph
        self.session = session
        self.y = y
        self.x = x

    def GetMask(self, x_value, feed_dict={}):
        raise NotImplementedError('A derived class should implemented GetMask()')

    def GetSmoothedMask(self, x_value, feed_dict={}, stdev_spread=.15, nsamples=5, magnitude=True, seed=0):
        stdev = stdev_spread * (np.max(x_value) - np.min(x_value))
        total_gradients = np.zeros_like(x_value)
        rng = np.random.RandomState(seed)
        for i in range(nsamples):
            noise = rng.normal(0, stdev, x_value.shape)
            grad = self.GetMask(x_value + noise, feed_dict)
            total_gradients += (grad * grad) if magnitude else grad
        return total_gradients / nsamples


class GradientSaliency(SaliencyMask):
    def __init__(self, graph, session, y, x):
        super(GradientSaliency, self).__init__(graph, session, y, x)
        self.gradients_node = tf.gradients(y, x)[0]

    def GetMask(self, x_value, feed_dict={}):
        feed_dict = dict(feed_dict)
        feed_dict[self.x] = [x_value]
        return self.session.run(self.gradients_node, feed_dict=feed_dict)[0]


class IntegratedGradients(GradientSaliency):
    def GetMask(self, x_value, feed_dict={}, x_baseline=None, x_steps=20):
        if x_baseline is None:
            x_baseline = np.zeros_like(x_value)
        x_diff = x_value - x_baseline
        total_gradients = np.zeros_like(x_value)
        for alpha in np.linspace(0, 1, x_steps):
            x_step = x_baseline + alpha * x_diff
            total_gradients += super(IntegratedGradients, self).GetMask(x_step, feed_dict)
        return total_gradients * x_diff / x_steps


def cnn(images, rng):
    def var(*shape):
        return tf.Variable(rng.normal(0, 0.4, shape).astype(np.float32))
    net = tf.nn.conv2d(images, var(3, 3, 2, 4), strides=[1, 1, 1, 1], padding='SAME')
    net = tf.nn.elu(tf.nn.bias_add(net, var(4)))
    net = tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'VALID')
    net = tf.reshape(net, [-1, int(np.prod(net.get_shape()[1:]))])
    return tf.matmul(net, var(net.shape[1].value, 3)) + var(3)


graph = tf.Graph()
with graph.as_default():
    images = tf.placeholder(tf.float32, shape=(None, 6, 6, 2))
    logits = cnn(images, np.random.RandomState(55))
    probabilities = tf.nn.softmax(logits)
    neuron_selector = tf.placeholder(tf.int32)
    y = logits[0][neuron_selector]
    sess = tf.Session(graph=graph)
    sess.run(tf.global_variables_initializer())
    saliency = GradientSaliency(graph, sess, y, images)
    integrated = IntegratedGradients(graph, sess, y, images)

im = np.random.RandomState(4).uniform(0, 1, (6, 6, 2))
label = int(np.argmax(sess.run(probabilities, {images: [im]})))
print('label', label, sess.run(probabilities, {images: [im]}))
vanilla = saliency.GetMask(im, {neuron_selector: label})
print('vanilla', vanilla[:2, :, 0])
print('smooth', saliency.GetSmoothedMask(im, {neuron_selector: label}).sum(axis=2)[0])
for selected in range(3):
    mask = integrated.GetMask(im, {neuron_selector: selected})
    end, start = (sess.run(y, {images: [v], neuron_selector: selected}) for v in (im, 0 * im))
    print('integrated', selected, 'sum', mask.sum(), 'difference', end - start)
print('ig', mask[:, :, 1].sum(axis=0))
