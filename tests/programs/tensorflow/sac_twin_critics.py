try:
    import tensorflow.compat.v1 as tf
    tf.disable_v2_behavior()
except ImportError:
    import tensorflow as tf
import numpy as np

# Soft actor-critic losses for one batch; the noise of the reparametrisation is fed.
LOG_STD_MAX, LOG_STD_MIN = 2, -5
D_OBS, D_ACT, BATCH = 3, 2, 10


def placeholder(dim=None):
    return tf.placeholder(dtype=tf.float32, shape=(None, dim) if dim else (None,))


def placeholders(*args):
    return [placeholder(dim) for dim in args]


def dense(x, units, rng, name):
    n = int(x.shape[-1])
    init = (rng.uniform(-1, 1, (n, units)) / np.sqrt(n)).astype(np.float32)
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        return tf.matmul(x, tf.get_variable('k', initializer=init)) + tf.get_variable('b', [units], initializer=tf.zeros_initializer)


def actor(obs, noise, rng):
    h = tf.nn.relu(dense(obs, 12, rng, 'h'))
    mu = dense(h, D_ACT, rng, 'mu')
    log_std = tf.tanh(dense(h, D_ACT, rng, 'log_std'))
    log_std = LOG_STD_MIN + 0.5 * (LOG_STD_MAX - LOG_STD_MIN) * (log_std + 1)
    pi = mu + noise * tf.exp(log_std)
    logp = tf.reduce_sum(-0.5 * (noise ** 2 + 2 * log_std + np.log(2 * np.pi)), axis=1)
    # correction of the squashing
    logp -= tf.reduce_sum(2 * (np.log(2) - pi - tf.nn.softplus(-2 * pi)), axis=1)
    return tf.tanh(mu), tf.tanh(pi), logp


def critic(obs, act, rng):
    h = tf.nn.relu(dense(tf.concat([obs, act], -1), 12, rng, 'h'))
    return tf.squeeze(dense(h, 1, rng, 'q'), axis=1)


def get_vars(scope):
    return [x for x in tf.global_variables() if scope in x.name]


def model(seed):
    rng = [np.random.RandomState(seed + k) for k in range(3)]
    with tf.variable_scope('main', reuse=tf.AUTO_REUSE):
        with tf.variable_scope('pi'):
            mu, pi, logp = actor(x, eps, rng[0])
            _, pi2, logp2 = actor(x2, eps2, np.random.RandomState(seed))
        qs = []
        for k in (1, 2):
            with tf.variable_scope('q%d' % k):
                qs.append((critic(x, a, rng[k]), critic(x, pi, rng[k])))
    with tf.variable_scope('target'):
        q_targ = []
        for k in (1, 2):
            with tf.variable_scope('q%d' % k):
                q_targ.append(critic(x2, pi2, np.random.RandomState(seed + k)))
    return mu, pi, logp, pi2, logp2, qs, q_targ


x, a, x2, r, d, eps, eps2 = placeholders(D_OBS, D_ACT, D_OBS, None, None, D_ACT, D_ACT)
mu, pi, logp, pi2, logp2, ((q1, q1_pi), (q2, q2_pi)), q_targ = model(40)
log_alpha = tf.get_variable('log_alpha', dtype=tf.float32, initializer=-1.0)
alpha = tf.exp(log_alpha)
min_targ = tf.minimum(*q_targ)
backup = tf.stop_gradient(r + 0.99 * (1 - d) * (min_targ - alpha * logp2))
pi_loss = tf.reduce_mean(tf.stop_gradient(alpha) * logp - tf.minimum(q1_pi, q2_pi))
value_loss = 0.5 * tf.reduce_mean((backup - q1) ** 2) + 0.5 * tf.reduce_mean((backup - q2) ** 2)
alpha_loss = -tf.reduce_mean(log_alpha * tf.stop_gradient(logp + -float(D_ACT)))

train_pi_op = tf.train.AdamOptimizer(3e-3).minimize(pi_loss, var_list=get_vars('main/pi'))
with tf.control_dependencies([train_pi_op]):
    train_value_op = tf.train.AdamOptimizer(3e-3).minimize(value_loss, var_list=get_vars('main/q'))
alpha_op = tf.train.AdamOptimizer(1e-2).minimize(alpha_loss, var_list=[log_alpha])
with tf.control_dependencies([train_value_op, alpha_op]):
    target_update = tf.group([tf.assign(v_targ, 0.9 * v_targ + 0.1 * v_main)
                              for v_main, v_targ in zip(get_vars('main/q'), get_vars('target/q'))])
dq_da = tf.gradients([q1, q2], a)[0]
unused = tf.gradients(value_loss, get_vars('main/pi'))
print('policy gets a value gradient:', any(g is not None for g in unused))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run([tf.assign(t, m) for m, t in zip(get_vars('main/q'), get_vars('target/q'))])
    rng = np.random.RandomState(9)
    for step in range(8):
        s, act = rng.randn(BATCH, D_OBS), rng.uniform(-1, 1, (BATCH, D_ACT))
        feed = {x: s, a: act, x2: 0.9 * s, r: -np.abs(act - s[:, :2]).sum(1), d: (np.arange(BATCH) % 5 == 0),
                eps: rng.randn(BATCH, D_ACT), eps2: rng.randn(BATCH, D_ACT)}
        out = sess.run([pi_loss, value_loss, alpha, target_update], feed)
        if step % 2 == 1:
            print(step, 'pi %.5f value %.5f alpha %.6f' % tuple(out[:3]))
    print('dq/da', sess.run(dq_da, feed)[:3])
    print('mu', mu.eval({x: [[0.1, 0.2, -0.3]]}))
