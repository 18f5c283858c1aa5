import numpy as np
import tensorflow as tf

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_integer('steps', 6, 'number of steps')
flags.DEFINE_float('lr', 0.05, 'learning rate')

rng = np.random.RandomState(0)

class Policy(object):
    def __init__(self, sess, n_s, n_a, scope='pi'):
        self.sess = sess
        with tf.variable_scope(scope):
            self.s = tf.placeholder(tf.float32, [None, n_s], 's')
            self.a = tf.placeholder(tf.int32, [None], 'a')
            self.adv = tf.placeholder(tf.float32, [None], 'adv')
            l1 = tf.layers.dense(self.s, 8, tf.nn.tanh, kernel_initializer=tf.constant_initializer(rng.randn(n_s, 8) * 0.3), name='l1')
            logits = tf.layers.dense(l1, n_a, kernel_initializer=tf.constant_initializer(rng.randn(8, n_a) * 0.3), name='l2')
            self.probs = tf.nn.softmax(logits)
            neg_log = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=self.a)
            entropy = -tf.reduce_sum(self.probs * tf.log(self.probs + 1e-8), 1)
            self.loss = tf.reduce_mean(neg_log * self.adv - 0.01 * entropy)
        self.params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)
        self.grads = tf.gradients(self.loss, self.params)
        clipped, self.norm = tf.clip_by_global_norm(self.grads, 0.5)
        self.train_op = tf.train.AdamOptimizer(FLAGS.lr).apply_gradients(zip(clipped, self.params))

    def act(self, s):
        return self.sess.run(self.probs, {self.s: s[np.newaxis, :]})[0]

    def learn(self, s, a, adv):
        _, loss, norm = self.sess.run([self.train_op, self.loss, self.norm],
                                      feed_dict={self.s: np.vstack(s), self.a: np.array(a), self.adv: np.array(adv)})
        return loss, norm

def main(_):
    sess = tf.Session()
    pi = Policy(sess, 3, 2)
    sess.run(tf.global_variables_initializer())
    for step in range(FLAGS.steps):
        ss, aa, rr = [], [], []
        for t in range(5):
            s = rng.uniform(-1, 1, 3)
            p = pi.act(s)
            a = int(rng.rand() < p[1])
            ss.append(s); aa.append(a); rr.append(float(s[0] > 0) if a else 0.3)
        loss, norm = pi.learn(ss, aa, rr)
        print('%d loss %.5f norm %.5f' % (step, loss, norm))
    print(pi.act(np.ones(3)))
    print([v.name for v in pi.params])

if __name__ == '__main__':
    try:
        tf.app.run()
    except SystemExit:
        pass
