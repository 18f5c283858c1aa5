# skip-gram with negative sampling
import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer('vocab', 11, 'words')
flags.DEFINE_integer('dim', 4, 'size')
flags.DEFINE_float('lr', 0.3, 'rate')
FLAGS = flags.FLAGS


class Word2Vec(object):
    def __init__(self, session):
        self._session = session
        self.build_graph()

    def forward(self, center, context, negatives):
        r = np.random.RandomState(2)
        emb = tf.Variable(r.uniform(-0.5, 0.5, (FLAGS.vocab, FLAGS.dim)).astype(np.float32), name='emb')
        self._emb = emb
        sm_w = tf.Variable(r.uniform(-0.5, 0.5, (FLAGS.vocab, FLAGS.dim)).astype(np.float32), name='sm_w')
        sm_b = tf.Variable(tf.zeros([FLAGS.vocab]), name='sm_b')
        self.global_step = tf.Variable(0, name='global_step', trainable=False)
        c = tf.nn.embedding_lookup(emb, center)
        true_w = tf.nn.embedding_lookup(sm_w, context)
        true_b = tf.nn.embedding_lookup(sm_b, context)
        neg_w = tf.nn.embedding_lookup(sm_w, negatives)
        neg_b = tf.nn.embedding_lookup(sm_b, negatives)
        true_logits = tf.reduce_sum(tf.multiply(c, true_w), 1) + true_b
        neg_logits = tf.matmul(c, neg_w, transpose_b=True) + neg_b
        return true_logits, neg_logits

    def nce_loss(self, true_logits, neg_logits):
        true_xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(true_logits), logits=true_logits)
        neg_xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros_like(neg_logits), logits=neg_logits)
        return (tf.reduce_sum(true_xent) + tf.reduce_sum(neg_xent)) / 4.

    def build_graph(self):
        self.center = tf.placeholder(tf.int32, [4])
        self.context = tf.placeholder(tf.int32, [4])
        self.neg = tf.placeholder(tf.int32, [3])
        true_logits, neg_logits = self.forward(self.center, self.context, self.neg)
        self.loss = self.nce_loss(true_logits, neg_logits)
        tvars = tf.trainable_variables()
        grads = tf.gradients(self.loss, tvars)
        self.sparse = [isinstance(g, tf.IndexedSlices) for g in grads]
        grads, self.norm = tf.clip_by_global_norm(grads, 1.0)
        opt = tf.train.AdagradOptimizer(FLAGS.lr)
        self.train_op = opt.apply_gradients(zip(grads, tvars), global_step=self.global_step)
        ema = tf.train.ExponentialMovingAverage(decay=0.9)
        with tf.control_dependencies([self.train_op]):
            self.train_and_average = ema.apply([self._emb])
        self.average = ema.average(self._emb)
        nemb = tf.nn.l2_normalize(self._emb, 1)
        self.sim = tf.matmul(nemb, nemb, transpose_b=True)
        tf.global_variables_initializer().run()

    def train(self, center, context, neg):
        _, loss, norm, step = self._session.run([self.train_and_average, self.loss, self.norm, self.global_step],
                                                {self.center: center, self.context: context, self.neg: neg})
        return loss, norm, step


def main(_):
    rng = np.random.RandomState(9)
    with tf.Graph().as_default(), tf.Session() as session:
        model = Word2Vec(session)
        print(model.sparse)
        for epoch in range(4):
            loss, norm, step = model.train(rng.randint(0, 11, 4), rng.randint(0, 11, 4), [1, 5, 7])
            print(epoch, '%.4f %.4f' % (loss, norm))
        sim = session.run(model.sim)
        print('nearest', (-sim[3]).argsort()[1:4], sim[3].max())
        print('average', session.run(model.average)[:2])


if __name__ == "__main__":
    tf.app.run()
