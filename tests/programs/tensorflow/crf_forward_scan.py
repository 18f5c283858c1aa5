import numpy as np
import tensorflow as tf


class CRF(object):
    """Linear chain: log Z by tf.scan, score by gather, posterior as gradient of log Z."""

    def __init__(self, num_tags, steps):
        self.num_tags = num_tags
        self.steps = steps
        rs = np.random.RandomState(17)
        self.transitions = tf.get_variable('transitions', shape=[num_tags, num_tags],
                                           initializer=tf.constant_initializer(rs.uniform(-.5, .5, (num_tags, num_tags))))
        self.project = tf.get_variable('project', shape=[4, num_tags],
                                       initializer=tf.constant_initializer(rs.uniform(-.5, .5, (4, num_tags))))
        self.x = tf.placeholder(tf.float32, [None, steps, 4], name='features')
        self.y = tf.placeholder(tf.int32, [None, steps], name='tags')
        flat = tf.matmul(tf.reshape(self.x, [-1, 4]), self.project)
        self.unary = tf.reshape(flat, [-1, steps, num_tags])

    def sequence_score(self):
        hot = tf.one_hot(self.y, self.num_tags)
        unary = tf.reduce_sum(self.unary * hot, axis=[1, 2])
        pairs = self.y[:, :-1] * self.num_tags + self.y[:, 1:]
        binary = tf.reduce_sum(tf.gather(tf.reshape(self.transitions, [-1]), pairs), axis=1)
        return unary + binary

    def log_partition(self):
        first = self.unary[:, 0]
        rest = tf.transpose(self.unary[:, 1:], [1, 0, 2])

        def forward(alpha, emit):
            joint = tf.expand_dims(alpha, 2) + tf.expand_dims(self.transitions, 0)
            return tf.reduce_logsumexp(joint, axis=1) + emit

        alphas = tf.scan(forward, rest, initializer=first)
        return tf.reduce_logsumexp(alphas[-1], axis=1)

    def viterbi(self):
        back = []
        delta = self.unary[:, 0]
        for t in range(1, self.steps):
            joint = delta[:, :, None] + self.transitions[None]
            back.append(tf.argmax(joint, axis=1, output_type=tf.int32))
            delta = tf.reduce_max(joint, axis=1) + self.unary[:, t]
        return tf.argmax(delta, axis=1), delta, back

    def build(self, lr):
        self.logZ = self.log_partition()
        self.nll = tf.reduce_mean(self.logZ - self.sequence_score())
        self.marginals = tf.gradients(self.logZ, self.unary)[0]
        self.pair_counts = tf.gradients(self.logZ, self.transitions)[0]
        opt = tf.train.GradientDescentOptimizer(lr)
        gvs = opt.compute_gradients(self.nll, [self.transitions, self.project])
        self.grad_map = {v.op.name: g for g, v in gvs}
        self.train = opt.apply_gradients(gvs)
        return self


crf = CRF(num_tags=3, steps=5).build(lr=0.5)
last, best, back = crf.viterbi()
data = np.random.RandomState(3)
x = data.randn(2, 5, 4)
y = data.randint(0, 3, (2, 5))
with tf.Session() as s:
    s.run(tf.initialize_all_variables())
    feed = {crf.x: x, crf.y: y}
    m = s.run(crf.marginals, feed)
    print('marginals', m[0])
    print('sum to one', np.allclose(m.sum(-1), 1, atol=1e-4))
    print('pair counts', s.run(crf.pair_counts, feed))
    for k in sorted(crf.grad_map):
        print(k, s.run(crf.grad_map[k], feed))
    for step in range(5):
        _, nll = s.run([crf.train, crf.nll], feed)
        print('step', step, nll)
    print('viterbi', s.run([last, best, back[-1]], feed))
