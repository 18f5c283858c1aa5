import numpy as np
import tensorflow as tf

np.random.seed(0)

def xavier(shape):
    lim = np.sqrt(6.0 / sum(shape))
    return np.random.uniform(-lim, lim, shape).astype(np.float32)

class VAE:
    def __init__(self, x_dim=6, h_dim=5, z_dim=2):
        self.x = tf.placeholder(tf.float32, [None, x_dim])
        self.eps = tf.placeholder(tf.float32, [None, z_dim])
        self.params = {}
        h = self.fc(self.x, x_dim, h_dim, 'enc', tf.nn.relu)
        self.mu = self.fc(h, h_dim, z_dim, 'mu')
        self.logvar = self.fc(h, h_dim, z_dim, 'logvar')
        self.z = self.mu + tf.exp(0.5 * self.logvar) * self.eps
        hd = self.fc(self.z, z_dim, h_dim, 'dec', tf.nn.softplus)
        self.out = self.fc(hd, h_dim, x_dim, 'out')
        rec = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=self.x, logits=self.out), 1)
        kl = -0.5 * tf.reduce_sum(1 + self.logvar - tf.square(self.mu) - tf.exp(self.logvar), 1)
        self.loss = tf.reduce_mean(rec + kl)
        opt = tf.train.RMSPropOptimizer(1e-2, decay=0.9)
        gv = opt.compute_gradients(self.loss)
        gv = [(tf.clip_by_value(g, -0.5, 0.5), v) for g, v in gv if g is not None]
        self.step = opt.apply_gradients(gv)
        self.dz = tf.gradients(rec, self.z)[0]

    def fc(self, x, n, m, name, act=None):
        W = tf.Variable(xavier([n, m]), name=name + '_W')
        b = tf.Variable(tf.zeros([m]), name=name + '_b')
        self.params[name] = (W, b)
        y = tf.matmul(x, W) + b
        return y if act is None else act(y)

vae = VAE()
data = (np.random.rand(7, 6) > 0.5).astype(np.float32)
sess = tf.InteractiveSession()
tf.global_variables_initializer().run()
for i in range(5):
    e = np.random.randn(7, 2)
    _, l = sess.run([vae.step, vae.loss], feed_dict={vae.x: data, vae.eps: e})
    print(i, l)
print(vae.dz.eval({vae.x: data[:2], vae.eps: e[:2]}))
for k in sorted(vae.params):
    W, b = vae.params[k]
    print(k, W.eval().sum(), b.eval())
