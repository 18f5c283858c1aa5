"""Neural style: gram matrices, total variation, L-BFGS like loop by hand."""
import numpy as np
import tensorflow as tf

CONTENT_LAYERS = ['relu2']
STYLE_LAYERS = ('relu1', 'relu2')


def _conv_layer(input, weights, bias):
    conv = tf.nn.conv2d(input, tf.constant(weights), strides=(1, 1, 1, 1), padding='SAME')
    return tf.nn.bias_add(conv, bias)


def _pool_layer(input):
    return tf.nn.avg_pool(input, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding='SAME')


def net_preloaded(weights, input_image):
    net = {}
    current = input_image
    for i, name in enumerate(('conv1', 'relu1', 'pool1', 'conv2', 'relu2')):
        kind = name[:4]
        if kind == 'conv':
            kernels, bias = weights[name]
            current = _conv_layer(current, kernels, bias)
        elif kind == 'relu':
            current = tf.nn.relu(current)
        elif kind == 'pool':
            current = _pool_layer(current)
        net[name] = current
    assert len(net) == 5
    return net


def _tensor_size(tensor):
    from operator import mul
    from functools import reduce
    return reduce(mul, (d.value for d in tensor.get_shape()), 1)


def gram(features):
    _, h, w, c = map(lambda i: i.value, features.get_shape())
    f = tf.reshape(features, (-1, c))
    return tf.matmul(tf.transpose(f), f) / (h * w * c)


def stylize(content, style, initial, iterations, weights, content_weight=5., style_weight=100., tv_weight=0.1, lr=0.05):
    shape = (1,) + content.shape
    content_features, style_features = {}, {}
    g = tf.Graph()
    with g.as_default(), tf.Session() as sess:
        image = tf.placeholder('float', shape=shape)
        net = net_preloaded(weights, image)
        for layer in CONTENT_LAYERS:
            content_features[layer] = net[layer].eval(feed_dict={image: content[None]})
        for layer in STYLE_LAYERS:
            style_features[layer] = gram(net[layer]).eval(feed_dict={image: style[None]})

    with tf.Graph().as_default():
        image = tf.Variable(initial[None].astype('float32'))
        net = net_preloaded(weights, image)
        content_losses = []
        for layer in CONTENT_LAYERS:
            content_losses.append(content_weight * (2 * tf.nn.l2_loss(net[layer] - content_features[layer]) / content_features[layer].size))
        content_loss = sum(content_losses)
        style_losses = []
        for layer in STYLE_LAYERS:
            style_losses.append(2 * tf.nn.l2_loss(gram(net[layer]) - style_features[layer]) / style_features[layer].size)
        style_loss = style_weight * tf.reduce_sum(style_losses) if False else style_weight * sum(style_losses)
        tv_y_size = _tensor_size(image[:, 1:, :, :])
        tv_loss = tv_weight * 2 * (tf.nn.l2_loss(image[:, 1:, :, :] - image[:, :shape[1] - 1, :, :]) / tv_y_size)
        loss = content_loss + style_loss + tv_loss
        grad, = tf.gradients(loss, [image])
        train_step = tf.train.AdamOptimizer(lr, beta1=0.9, beta2=0.999).minimize(loss)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            print('grad', sess.run(grad).std())
            for i in range(iterations):
                train_step.run()
                yield i, loss.eval(), (content_loss.eval(), style_loss.eval(), tv_loss.eval())
            yield iterations, sess.run(loss), image.eval().reshape(content.shape).mean((0, 1))


def main():
    rs = np.random.RandomState(42)
    weights = {'conv1': ((rs.randn(3, 3, 3, 4) * .3).astype('f'), np.full(4, .1, 'f')),
               'conv2': ((rs.randn(3, 3, 4, 5) * .3).astype('f'), np.zeros(5, 'f'))}
    content, style, init = rs.rand(6, 6, 3), rs.rand(6, 6, 3), rs.rand(6, 6, 3)
    for it, total, parts in stylize(content, style, init, 3, weights):
        print(it, total, parts)


if __name__ == '__main__':
    main()
