import numpy as np
import tensorflow as tf

def hvp(ys, xs, v):
    g = tf.gradients(ys, xs)
    prods = [tf.multiply(a, tf.stop_gradient(b)) for a, b in zip(g, v) if a is not None]
    hv = tf.gradients(prods, xs)
    return [h if h is not None else tf.zeros_like(x) for x, h in zip(xs, hv)]

class LogReg:
    def __init__(self, d, wd):
        self.params = []
        self.wd = wd
        self.x, self.y = self.inputs(d)
        self.logits = self.inference(self.x, d)
        self.loss_no_reg, self.loss = self.losses()
        self.grad_total_loss_op = tf.gradients(self.loss, self.params)
        self.grad_loss_no_reg_op = tf.gradients(self.loss_no_reg, self.params)
        self.v_placeholder = [tf.placeholder(tf.float32, shape=a.get_shape()) for a in self.params]
        self.hessian_vector = hvp(self.loss, self.params, self.v_placeholder)
        self.grad_wrt_input = tf.gradients(self.loss, self.x)
        flat = [tf.reduce_sum(tf.multiply(a, tf.stop_gradient(b))) for a, b in zip(self.grad_loss_no_reg_op, self.v_placeholder)]
        self.influence_op = tf.add_n(flat)
        self.grad_influence_wrt_input = tf.gradients(self.influence_op, self.x)[0]
        self.sess = tf.Session()
        self.sess.run(tf.initialize_all_variables())

    def inputs(self, d):
        return tf.placeholder(tf.float32, (None, d)), tf.placeholder(tf.float32, (None,))

    def inference(self, x, d):
        w = tf.Variable(np.linspace(-0.5, 0.7, d).astype(np.float32), name='w')
        b = tf.Variable(0.1, name='b')
        self.params += [w, b]
        return tf.reduce_sum(x * w, 1) + b

    def losses(self):
        ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=self.y, logits=self.logits)
        m = tf.reduce_mean(ce, name='ce')
        return m, m + self.wd * tf.nn.l2_loss(self.params[0])

    def cg(self, b, feed, n=6):
        x = [np.zeros_like(bi) for bi in b]
        r = [bi.copy() for bi in b]
        p = [ri.copy() for ri in r]
        rs = sum((ri * ri).sum() for ri in r)
        for _ in range(n):
            fd = dict(feed)
            for ph, pi in zip(self.v_placeholder, p):
                fd[ph] = pi
            ap = self.sess.run(self.hessian_vector, feed_dict=fd)
            ap = [a + 0.01 * pi for a, pi in zip(ap, p)]
            alpha = rs / sum((pi * a).sum() for pi, a in zip(p, ap))
            x = [xi + alpha * pi for xi, pi in zip(x, p)]
            r = [ri - alpha * a for ri, a in zip(r, ap)]
            new = sum((ri * ri).sum() for ri in r)
            p = [ri + new / rs * pi for ri, pi in zip(r, p)]
            rs = new
        return x

rng = np.random.RandomState(12)
X = rng.randn(12, 4); Y = (rng.rand(12) > .5) * 1.
m = LogReg(4, 0.05)
feed = {m.x: X, m.y: Y}
g = m.sess.run(m.grad_loss_no_reg_op, {m.x: X[:1], m.y: Y[:1]})
ihvp = m.cg([np.asarray(a) for a in g], feed)
print('ihvp', ihvp[0], ihvp[1])
for i in range(3):
    fd = {m.x: X[i:i+1], m.y: Y[i:i+1]}
    fd.update({ph: v for ph, v in zip(m.v_placeholder, ihvp)})
    print('influence', i, m.sess.run(m.influence_op, fd), m.sess.run(m.grad_influence_wrt_input, fd))
print(m.sess.run(m.grad_wrt_input, feed)[0][:2])
