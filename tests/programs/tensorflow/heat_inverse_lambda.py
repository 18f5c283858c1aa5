from __future__ import print_function
import sys
import numpy as np
import tensorflow as tf

# u_t = lambda_1 u_xx - lambda_2 u : both coefficients are unknown
np.random.seed(1)


class HeatInverse:
    def __init__(self, X, u, layers):
        self.lb = X.min(0)
        self.ub = X.max(0)
        self.x = X[:, 0:1]
        self.t = X[:, 1:2]
        self.u = u
        self.layers = layers
        self.rs = np.random.RandomState(77)
        self.weights, self.biases = self.initialize_NN(layers)

        self.sess = tf.Session(config=tf.ConfigProto(allow_soft_placement=True, log_device_placement=False))

        self.lambda_1 = tf.Variable([0.0], dtype=tf.float32)
        self.lambda_2 = tf.Variable([-1.0], dtype=tf.float32)

        self.x_tf = tf.placeholder(tf.float32, shape=[None, self.x.shape[1]])
        self.t_tf = tf.placeholder(tf.float32, shape=[None, self.t.shape[1]])
        self.u_tf = tf.placeholder(tf.float32, shape=[None, self.u.shape[1]])

        self.u_pred = self.net_u(self.x_tf, self.t_tf)
        self.f_pred = self.net_f(self.x_tf, self.t_tf)
        self.loss = tf.reduce_sum(tf.square(self.u_tf - self.u_pred)) + \
                    0.01 * tf.reduce_sum(tf.square(self.f_pred))

        self.optimizer_Adam = tf.train.AdamOptimizer()
        self.train_op_Adam = self.optimizer_Adam.minimize(self.loss)
        self.lambda_grads = tf.gradients(self.loss, [self.lambda_1, self.lambda_2])

        init = tf.global_variables_initializer()
        self.sess.run(init)

    def initialize_NN(self, layers):
        weights = []
        biases = []
        num_layers = len(layers)
        for l in range(0, num_layers-1):
            W = self.xavier_init(size=[layers[l], layers[l+1]])
            b = tf.Variable(tf.zeros([1, layers[l+1]], dtype=tf.float32), dtype=tf.float32)
            weights.append(W)
            biases.append(b)
        return weights, biases

    def xavier_init(self, size):
        in_dim = size[0]
        out_dim = size[1]
        xavier_stddev = np.sqrt(2/(in_dim + out_dim))
        return tf.Variable(xavier_stddev*self.rs.randn(in_dim, out_dim), dtype=tf.float32)

    def neural_net(self, X, weights, biases):
        num_layers = len(weights) + 1
        H = 2.0*(X - self.lb)/(self.ub - self.lb) - 1.0
        for l in range(0, num_layers-2):
            W = weights[l]
            b = biases[l]
            H = tf.sin(tf.add(tf.matmul(H, W), b))
        W = weights[-1]
        b = biases[-1]
        Y = tf.add(tf.matmul(H, W), b)
        return Y

    def net_u(self, x, t):
        u = self.neural_net(tf.concat([x, t], 1), self.weights, self.biases)
        return u

    def net_f(self, x, t):
        lambda_1 = self.lambda_1
        lambda_2 = tf.exp(self.lambda_2)
        u = self.net_u(x, t)
        u_t = tf.gradients(u, t)[0]
        u_x = tf.gradients(u, x)[0]
        u_xx = tf.gradients(u_x, x)[0]
        f = u_t - lambda_1*u_xx + lambda_2*u
        return f

    def callback(self, it, loss, lambda_1, lambda_2):
        print('It: %d, Loss: %.4e, l1: %.5f, l2: %.5f' % (it, loss, lambda_1, np.exp(lambda_2)))

    def train(self, nIter):
        tf_dict = {self.x_tf: self.x, self.t_tf: self.t, self.u_tf: self.u}
        for it in range(nIter):
            self.sess.run(self.train_op_Adam, tf_dict)
            if it % 20 == 0:
                loss_value, lambda_1_value, lambda_2_value = self.sess.run(
                    [self.loss, self.lambda_1, self.lambda_2], tf_dict)
                self.callback(it, loss_value, lambda_1_value[0], lambda_2_value[0])
        print('lambda gradients', np.concatenate(self.sess.run(self.lambda_grads, tf_dict)))

    def predict(self, X_star):
        tf_dict = {self.x_tf: X_star[:, 0:1], self.t_tf: X_star[:, 1:2]}
        u_star = self.sess.run(self.u_pred, tf_dict)
        f_star = self.sess.run(self.f_pred, tf_dict)
        return u_star, f_star


if __name__ == "__main__":
    rng = np.random.RandomState(3)
    x, t = rng.uniform(0, np.pi, (25, 1)), rng.uniform(0, 1, (25, 1))
    u = np.exp(-0.9 * t) * np.sin(x)
    model = HeatInverse(np.hstack([x, t]), u, [2, 8, 8, 1])
    model.train(81)
    u_pred, f_pred = model.predict(np.array([[1.0, 0.2], [2.0, 0.9]]))
    print(u_pred, f_pred)
    sys.stdout.flush()
