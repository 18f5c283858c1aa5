import numpy as np
import tensorflow as tf

r = np.random.RandomState(3)


class DecoderCell(tf.nn.rnn_cell.RNNCell):
    """A GRU written as a subclass, with layer norm on the candidate"""

    def __init__(self, units, n_in):
        super(DecoderCell, self).__init__()
        self._units = units
        self._k = r.randn(n_in + units, 2 * units).astype(np.float32) * .3
        self._c = r.randn(n_in + units, units).astype(np.float32) * .3

    @property
    def state_size(self):
        return self._units

    @property
    def output_size(self):
        return self._units

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or type(self).__name__, reuse=tf.AUTO_REUSE):
            wk = tf.get_variable('wk', initializer=self._k)
            wc = tf.get_variable('wc', initializer=self._c)
            gamma = tf.get_variable('gamma', [self._units], initializer=tf.ones_initializer())
            gates = tf.sigmoid(tf.matmul(tf.concat([inputs, state], 1), wk))
            z, rr = tf.split(gates, 2, axis=1)
            c = tf.matmul(tf.concat([inputs, rr * state], 1), wc)
            m, v = tf.nn.moments(c, axes=[1], keep_dims=True)
            c = tf.tanh(gamma * (c - m) * tf.rsqrt(v + 1e-5))
            new = z * state + (1. - z) * c
        return new, new


tokens = tf.placeholder(tf.int32, [2, None], 'tokens')
emb = tf.get_variable('emb', initializer=r.randn(6, 3).astype(np.float32) * .5)
cell = DecoderCell(4, 3)
x = tf.nn.embedding_lookup(emb, tokens)
outputs, last = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
proj = tf.get_variable('proj', initializer=r.randn(4, 6).astype(np.float32) * .5)
logits = tf.tensordot(outputs, proj, [[2], [0]])
T = tf.shape(tokens)[1]
labels = tf.concat([tokens[:, 1:], tf.zeros([2, 1], tf.int32)], 1)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))

# greedy decoding in a while_loop with a TensorArray
ta = tf.TensorArray(tf.int32, size=0, dynamic_size=True)


def cond(t, tok, state, out):
    return tf.logical_and(t < 5, tf.reduce_any(tf.not_equal(tok, 0)))


def body(t, tok, state, out):
    o, state = cell(tf.gather(emb, tok), state, scope='rnn/DecoderCell')
    tok = tf.argmax(tf.matmul(o, proj), axis=1, output_type=tf.int32)
    return t + 1, tok, state, out.write(t, tok)


steps, _, _, ta = tf.while_loop(cond, body, [tf.constant(0), tokens[:, 0], last, ta])
decoded = tf.transpose(ta.stack())
tv = tf.trainable_variables()
grads = tf.gradients(loss, tv)
norms = {v.op.name: tf.norm(tf.convert_to_tensor(g)) for g, v in zip(grads, tv)}
train = tf.train.AdagradOptimizer(0.3).apply_gradients(zip(grads, tv))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print([v.op.name for v in tv])
    fd = {tokens: [[1, 2, 3, 4], [2, 2, 5, 1]]}
    for i in range(4):
        n, l, _ = sess.run([norms, loss, train], fd)
        print(i, l, [n[k] for k in sorted(n)])
    s, d = sess.run([steps, decoded], fd)
    print('decoded', s, d)
