import numpy as np
import tensorflow as tf


class PointerNet(object):
    """Attention over inputs with masking of visited ones, REINFORCE with a rollout baseline; greedy decode by python loop."""

    def __init__(self, n_nodes=5, dim=6, seed=0):
        rs = np.random.RandomState(seed)
        self.n = n_nodes
        self.coords = tf.placeholder(tf.float32, [None, n_nodes, 2], 'coords')
        self.noise = tf.placeholder(tf.float32, [n_nodes, None, n_nodes], 'gumbel')
        init = lambda *shape: tf.constant_initializer(rs.uniform(-.5, .5, shape))
        with tf.variable_scope('embed'):
            self.emb = tf.layers.conv1d(self.coords, dim, 1, kernel_initializer=init(1, 2, dim), name='conv')
        with tf.variable_scope('decode'):
            self.Wq = tf.get_variable('Wq', [dim, dim], initializer=init(dim, dim))
            self.Wr = tf.get_variable('Wr', [dim, dim], initializer=init(dim, dim))
            self.v = tf.get_variable('v', [dim], initializer=init(dim))
            self.start = tf.get_variable('start', [dim], initializer=init(dim))
        self.tour, self.logp, self.entropy = self.decode(sample=True)
        self.greedy, _, _ = self.decode(sample=False)
        self.length = self.tour_length(self.tour)
        self.baseline = tf.stop_gradient(self.tour_length(self.greedy))
        self.loss = tf.reduce_mean(tf.stop_gradient(self.length - self.baseline) * self.logp) - 0.01 * tf.reduce_mean(self.entropy)
        self.vars = tf.trainable_variables()
        self.grads = tf.gradients(self.loss, self.vars)
        lr = tf.train.natural_exp_decay(0.05, tf.train.get_or_create_global_step(), 2, 0.5)
        self.train = tf.train.AdamOptimizer(lr).apply_gradients(zip(self.grads, self.vars), global_step=tf.train.get_global_step())

    def decode(self, sample):
        batch = tf.shape(self.coords)[0]
        mask = tf.zeros([batch, self.n])
        query = tf.tile(tf.expand_dims(self.start, 0), [batch, 1])
        ref = tf.tensordot(self.emb, self.Wr, axes=[[2], [0]])
        picks, logp, entropy = [], 0., 0.
        for t in range(self.n):
            u = tf.reduce_sum(self.v * tf.tanh(ref + tf.expand_dims(tf.matmul(query, self.Wq), 1)), axis=-1)
            logits = 5. * tf.tanh(u) - 1e6 * mask
            logprob = tf.nn.log_softmax(logits)
            pick = tf.argmax(logits + self.noise[t] if sample else logits, axis=1, output_type=tf.int32)
            hot = tf.one_hot(pick, self.n)
            logp += tf.reduce_sum(hot * tf.where(hot > 0, logprob, tf.zeros_like(logprob)), 1)
            p = tf.exp(logprob)
            entropy -= tf.reduce_sum(p * tf.maximum(logprob, -20.), 1)
            query = tf.gather_nd(self.emb, tf.stack([tf.range(batch), pick], axis=1))
            mask = mask + hot
            picks.append(pick)
        return tf.stack(picks, axis=1), logp, entropy

    def tour_length(self, tour):
        batch = tf.shape(tour)[0]
        idx = tf.stack([tf.tile(tf.range(batch)[:, None], [1, self.n]), tour], axis=2)
        ordered = tf.gather_nd(self.coords, idx)
        rolled = tf.concat([ordered[:, 1:], ordered[:, :1]], axis=1)
        return tf.reduce_sum(tf.sqrt(tf.reduce_sum((ordered - rolled) ** 2, 2)), 1)


model = PointerNet()
rs = np.random.RandomState(4)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for it in range(4):
        fd = {model.coords: rs.rand(3, 5, 2), model.noise: rs.gumbel(size=(5, 3, 5))}
        tour, length, base, loss, _ = sess.run([model.tour, model.length, model.baseline, model.loss, model.train], fd)
        print(it, 'tour', tour[0], 'length', length, 'greedy', base, 'loss', loss)
    for v, g in zip(model.vars, sess.run(model.grads, fd)):
        print(v.op.name, np.linalg.norm(g))
