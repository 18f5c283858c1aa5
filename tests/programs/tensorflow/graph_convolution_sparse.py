import numpy as np
import tensorflow as tf

flags = tf.flags
FLAGS = flags.FLAGS
flags.DEFINE_float('learning_rate', 0.05, 'Initial learning rate.')
flags.DEFINE_integer('hidden1', 4, 'Number of units in hidden layer 1.')
flags.DEFINE_float('weight_decay', 5e-3, 'Weight for L2 loss on embedding matrix.')
flags.DEFINE_string('optimizer', 'adam', 'which one')


def normalize_adj(a):
    a = a + np.eye(len(a))
    d = np.power(a.sum(1), -0.5)
    return a * d[:, None] * d[None, :]


def to_tuple(m):
    idx = np.argwhere(m != 0)
    return idx.astype(np.int64), m[m != 0].astype(np.float32), np.array(m.shape, np.int64)


class Layer(object):
    def __init__(self, name=None):
        self.name = name or self.__class__.__name__.lower()
        self.vars = {}

    def _call(self, inputs):
        return inputs

    def __call__(self, inputs):
        with tf.name_scope(self.name):
            return self._call(inputs)


class GraphConvolution(Layer):
    def __init__(self, support, in_dim, out_dim, act=tf.nn.relu, seed=0, **kwargs):
        super(GraphConvolution, self).__init__(**kwargs)
        self.support, self.act = support, act
        rs = np.random.RandomState(seed)
        with tf.variable_scope(self.name + '_vars'):
            self.vars['weights'] = tf.Variable(rs.uniform(-.6, .6, (in_dim, out_dim)).astype(np.float32), name='weights')

    def _call(self, inputs):
        pre_sup = tf.matmul(inputs, self.vars['weights'])
        return self.act(tf.sparse_tensor_dense_matmul(self.support, pre_sup))


def masked_softmax_cross_entropy(preds, labels, mask):
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=preds, labels=labels)
    mask = tf.cast(mask, dtype=tf.float32)
    mask /= tf.reduce_mean(mask)
    loss *= mask
    return tf.reduce_mean(loss)


rng = np.random.RandomState(8)
A = (rng.rand(7, 7) < 0.35).astype(float)
A = np.maximum(A, A.T)
np.fill_diagonal(A, 0)
idx, val, shape = to_tuple(normalize_adj(A))
support = tf.SparseTensor(indices=idx, values=tf.constant(val), dense_shape=shape)
features = tf.placeholder(tf.float32, (7, 3), name='features')
labels = tf.placeholder(tf.float32, (7, 2))
mask = tf.placeholder(tf.int32, (7,))

layers = [GraphConvolution(support, 3, FLAGS.hidden1, seed=1, name='gc1'),
          GraphConvolution(support, FLAGS.hidden1, 2, act=lambda x: x, seed=2, name='gc2')]
activations = [features]
for layer in layers:
    activations.append(layer(activations[-1]))
outputs = activations[-1]
loss = 0
for var in layers[0].vars.values():
    loss += FLAGS.weight_decay * tf.nn.l2_loss(var)
loss += masked_softmax_cross_entropy(outputs, labels, mask)
optimizers = {'adam': tf.train.AdamOptimizer, 'sgd': tf.train.GradientDescentOptimizer}
opt_op = optimizers[FLAGS.optimizer](learning_rate=FLAGS.learning_rate).minimize(loss)
saliency = tf.gradients(tf.reduce_max(outputs[0]), features)[0]
grad_values = tf.gradients(loss, support.values)[0]
dense = tf.sparse_tensor_to_dense(support)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    y = np.eye(2)[rng.randint(0, 2, 7)]
    feed_dict = {features: rng.randn(7, 3), labels: y, mask: [1, 1, 0, 1, 0, 1, 1]}
    for epoch in range(6):
        outs = sess.run([opt_op, loss], feed_dict=feed_dict)
        print('Epoch:', '%04d' % (epoch + 1), 'train_loss=', '{:.5f}'.format(outs[1]))
    print('saliency', sess.run(saliency, feed_dict))
    print('edge gradient', sess.run(grad_values, feed_dict)[:6])
    print('degree', sess.run(dense).sum())
