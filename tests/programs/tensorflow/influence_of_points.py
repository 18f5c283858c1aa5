# influence of training points on a test loss
import numpy as np
import tensorflow as tf

class LogisticRegression(object):
    def __init__(self, num_features, weight_decay, initial):
        self.weight_decay = weight_decay
        self.input_placeholder = tf.placeholder(tf.float32, shape=(None, num_features), name='input')
        self.labels_placeholder = tf.placeholder(tf.int32, shape=(None,), name='labels')
        self.logits = self.inference(self.input_placeholder, num_features, initial)
        self.total_loss, self.loss_no_reg = self.loss(self.logits, self.labels_placeholder)
        self.params = self.get_all_params()
        self.grad_total_loss_op = tf.gradients(self.total_loss, self.params)
        self.grad_loss_no_reg_op = tf.gradients(self.loss_no_reg, self.params)
        self.v_placeholder = [tf.placeholder(tf.float32, shape=a.get_shape()) for a in self.params]
        self.hessian_vector = self.hessian_vector_product(self.total_loss, self.params, self.v_placeholder)
        self.grad_loss_wrt_input_op = tf.gradients(self.total_loss, self.input_placeholder)
        self.train_op = tf.train.GradientDescentOptimizer(0.3).minimize(self.total_loss)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def inference(self, x, num_features, initial):
        with tf.variable_scope('softmax_linear'):
            weights = tf.get_variable('weights', [num_features, 2], initializer=tf.constant_initializer(initial))
            logits = tf.matmul(x, weights)
        return logits

    def get_all_params(self):
        return tf.trainable_variables()

    def loss(self, logits, labels):
        one_hot = tf.one_hot(labels, depth=2)
        cross_entropy = -tf.reduce_sum(tf.multiply(one_hot, tf.nn.log_softmax(logits)), reduction_indices=1)
        self.indiv_loss_no_reg = cross_entropy
        loss_no_reg = tf.reduce_mean(cross_entropy, name='xentropy_mean')
        reg = self.weight_decay * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
        return loss_no_reg + reg, loss_no_reg

    def hessian_vector_product(self, ys, xs, v):
        grads = tf.gradients(ys, xs)
        elemwise_products = [tf.multiply(grad_elem, tf.stop_gradient(v_elem))
                             for grad_elem, v_elem in zip(grads, v) if grad_elem is not None]
        return [g for g in tf.gradients(elemwise_products, xs)]

    def fill(self, X, Y):
        return {self.input_placeholder: X, self.labels_placeholder: Y}

    def train(self, X, Y, n):
        for _ in range(n):
            self.sess.run(self.train_op, feed_dict=self.fill(X, Y))
        return self.sess.run(self.total_loss, feed_dict=self.fill(X, Y))

    def hvp(self, X, Y, vec):
        feed = self.fill(X, Y)
        for pl, block in zip(self.v_placeholder, vec):
            feed[pl] = block
        return self.sess.run(self.hessian_vector, feed_dict=feed)

rs = np.random.RandomState(0)
X = rs.randn(20, 3); Y = (X[:, 0] - X[:, 1] > 0).astype(np.int32)
model = LogisticRegression(3, 0.05, rs.randn(3, 2) * 0.1)
print('loss', model.train(X, Y, 15))
g = model.sess.run(model.grad_loss_no_reg_op, model.fill(X[:2], Y[:2]))
s = [np.array(v) for v in g]
for _ in range(5):
    h = model.hvp(X, Y, s)
    s = [gi + si - hi for gi, si, hi in zip(g, s, h)]
print('s_test', s[0])
for i in range(3):
    gi = model.sess.run(model.grad_total_loss_op, model.fill(X[i:i + 1], Y[i:i + 1]))
    print('influence', i, np.sum(s[0] * gi[0]))
print(model.sess.run(model.grad_loss_wrt_input_op, model.fill(X[:2], Y[:2]))[0])
