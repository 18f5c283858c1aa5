"""PPO with a Gaussian policy, generalized advantage estimation and a shared gradient clip"""
import tensorflow as tf
import numpy as np
from collections import OrderedDict

EPS = 1e-8
hps = dict(clip=0.2, vf=0.5, ent=0.01, lr=3e-3, max_norm=0.5, epochs=2)


def mlp(x, sizes, rng, activation=tf.tanh, output_activation=None):
    for i, n in enumerate(sizes):
        m = x.get_shape().as_list()[-1]
        w = tf.get_variable('dense%d/kernel' % i, initializer=(rng.randn(m, n) / np.sqrt(m)).astype('float32'))
        b = tf.get_variable('dense%d/bias' % i, initializer=np.zeros(n, 'float32'))
        x = tf.nn.bias_add(tf.matmul(x, w), b)
        act = activation if i < len(sizes) - 1 else output_activation
        x = x if act is None else act(x)
    return x


def gaussian_likelihood(x, mu, log_std):
    pre_sum = -0.5 * (((x - mu) / (tf.exp(log_std) + EPS)) ** 2 + 2 * log_std + np.log(2 * np.pi))
    return tf.reduce_sum(pre_sum, axis=1)


def discount(x, gamma):
    out, acc = np.zeros(len(x)), 0.0
    for t in reversed(range(len(x))):
        acc = x[t] + gamma * acc
        out[t] = acc
    return out


class PPO:
    def __init__(self, obs_dim, act_dim, rng):
        self.ph = OrderedDict()
        self.ph['obs'] = tf.placeholder(tf.float32, (None, obs_dim))
        self.ph['act'] = tf.placeholder(tf.float32, (None, act_dim))
        for k in ('adv', 'ret', 'logp_old', 'v_old'):
            self.ph[k] = tf.placeholder(tf.float32, (None,))
        with tf.variable_scope('pi'):
            self.mu = mlp(self.ph['obs'], (8, act_dim), rng)
            self.log_std = tf.get_variable('log_std', initializer=-0.5 * np.ones(act_dim, dtype=np.float32))
        with tf.variable_scope('v'):
            self.v = tf.squeeze(mlp(self.ph['obs'], (8, 1), rng), axis=1)
        self.logp = gaussian_likelihood(self.ph['act'], self.mu, self.log_std)
        self._losses()

    def _losses(self):
        ph = self.ph
        ratio = tf.exp(self.logp - ph['logp_old'])
        clipped = tf.clip_by_value(ratio, 1 - hps['clip'], 1 + hps['clip'])
        self.pi_loss = -tf.reduce_mean(tf.minimum(ratio * ph['adv'], clipped * ph['adv']))
        v_clip = ph['v_old'] + tf.clip_by_value(self.v - ph['v_old'], -hps['clip'], hps['clip'])
        self.v_loss = 0.5 * tf.reduce_mean(tf.maximum(tf.square(self.v - ph['ret']), tf.square(v_clip - ph['ret'])))
        entropy = tf.reduce_sum(self.log_std + 0.5 * np.log(2 * np.pi * np.e))
        self.total = self.pi_loss + hps['vf'] * self.v_loss - hps['ent'] * entropy
        params = tf.trainable_variables()
        grads = tf.gradients(self.total, params)
        grads, self.norm = tf.clip_by_global_norm(grads, hps['max_norm'])
        self.train = tf.train.AdamOptimizer(hps['lr'], epsilon=1e-5).apply_gradients(list(zip(grads, params)))
        self.kl = tf.reduce_mean(ph['logp_old'] - self.logp)
        self.frac = tf.reduce_mean(tf.cast(tf.greater(tf.abs(ratio - 1.0), hps['clip']), tf.float32))


rng = np.random.RandomState(21)
agent = PPO(3, 2, rng)
sess = tf.Session()
sess.run(tf.global_variables_initializer())
T = 24
for it in range(3):
    obs = rng.randn(T, 3)
    mu, std = sess.run([agent.mu, tf.exp(agent.log_std)], {agent.ph['obs']: obs})
    act = mu + std * rng.randn(T, 2)
    rew = -np.square(act - obs[:, :2]).sum(1)
    feed = {agent.ph['obs']: obs, agent.ph['act']: act}
    v, logp = sess.run([agent.v, agent.logp], feed)
    deltas = rew[:-1] + 0.9 * v[1:] - v[:-1]
    adv = np.append(discount(deltas, 0.9 * 0.95), rew[-1] - v[-1])
    feed.update({agent.ph['ret']: discount(rew, 0.9), agent.ph['adv']: (adv - adv.mean()) / (adv.std() + 1e-6),
                 agent.ph['logp_old']: logp, agent.ph['v_old']: v})
    for e in range(hps['epochs']):
        for part in np.array_split(np.arange(T), 3):
            small = {k: np.asarray(x)[part] for k, x in feed.items()}
            sess.run(agent.train, small)
    print('it', it, 'loss', *sess.run([agent.pi_loss, agent.v_loss, agent.norm, agent.kl], feed))
print('log_std', agent.log_std.eval(session=sess))
sess.close()
