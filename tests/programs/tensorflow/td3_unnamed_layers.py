import numpy as np
import tensorflow as tf

class Agent:
    """TD3-like: twin critics, delayed actor, target smoothing, soft updates, gradient wrt the action."""
    def __init__(self, obs_dim, act_dim, hidden=(6,), gamma=.95, polyak=.9):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x_ph, self.a_ph, self.x2_ph, self.r_ph, self.d_ph = self._placeholders(obs_dim, act_dim, obs_dim, None, None)
            self.noise = tf.placeholder(tf.float32, (None, act_dim))
            with tf.variable_scope('main'):
                pi, q1, q2, q1_pi = self._actor_critic(self.x_ph, self.a_ph, hidden, act_dim)
            with tf.variable_scope('target'):
                pi_targ, _, _, _ = self._actor_critic(self.x2_ph, self.a_ph, hidden, act_dim)
            with tf.variable_scope('target', reuse=True):
                a2 = tf.clip_by_value(pi_targ + tf.clip_by_value(self.noise, -.5, .5), -1., 1.)
                _, q1_targ, q2_targ, _ = self._actor_critic(self.x2_ph, a2, hidden, act_dim)
            min_q = tf.minimum(q1_targ, q2_targ)
            backup = tf.stop_gradient(self.r_ph + gamma * (1 - self.d_ph) * min_q)
            self.pi_loss = -tf.reduce_mean(q1_pi)
            self.q_loss = tf.reduce_mean((q1 - backup) ** 2) + tf.reduce_mean((q2 - backup) ** 2)
            self.dq_da = tf.gradients(q1, self.a_ph)[0]
            pi_opt, q_opt = tf.train.AdamOptimizer(1e-2), tf.train.AdamOptimizer(2e-2)
            self.train_pi = pi_opt.minimize(self.pi_loss, var_list=self.get_vars('main/pi'))
            self.train_q = q_opt.minimize(self.q_loss, var_list=self.get_vars('main/q'))
            self.target_update = tf.group([tf.assign(vt, polyak * vt + (1 - polyak) * vm)
                                           for vm, vt in zip(self.get_vars('main'), self.get_vars('target'))])
            target_init = tf.group([tf.assign(vt, vm) for vm, vt in zip(self.get_vars('main'), self.get_vars('target'))])
            self.pi, self.q1 = pi, q1
            self.sess = tf.Session()
            self.sess.run(tf.global_variables_initializer())
            self.sess.run(target_init)

    @staticmethod
    def _placeholders(*dims):
        def combined(dim):
            return (None,) if dim is None else (None, dim)
        return [tf.placeholder(dtype=tf.float32, shape=combined(d)) for d in dims]

    @staticmethod
    def get_vars(scope):
        return [x for x in tf.global_variables() if scope in x.name]

    def _mlp(self, x, hidden_sizes, activation=tf.tanh, output_activation=None):
        for h in hidden_sizes[:-1]:
            x = tf.layers.dense(x, units=h, activation=activation, kernel_initializer=tf.constant_initializer(np.linspace(-.6, .7, int(x.shape[1]) * h).reshape(-1, h)))
        h = hidden_sizes[-1]
        return tf.layers.dense(x, units=h, activation=output_activation, kernel_initializer=tf.constant_initializer(np.linspace(.5, -.4, int(x.shape[1]) * h)))

    def _actor_critic(self, x, a, hidden, act_dim):
        with tf.variable_scope('pi'):
            pi = self._mlp(x, list(hidden) + [act_dim], tf.nn.relu, tf.tanh)
        with tf.variable_scope('q1'):
            q1 = tf.squeeze(self._mlp(tf.concat([x, a], axis=-1), list(hidden) + [1]), axis=1)
        with tf.variable_scope('q2'):
            q2 = tf.squeeze(self._mlp(tf.concat([x, a], axis=-1), list(hidden) + [1], tf.nn.relu), axis=1)
        with tf.variable_scope('q1', reuse=True):
            q1_pi = tf.squeeze(self._mlp(tf.concat([x, pi], axis=-1), list(hidden) + [1]), axis=1)
        return pi, q1, q2, q1_pi

    def step(self, batch, j, rng):
        feed = {self.x_ph: batch['obs1'], self.x2_ph: batch['obs2'], self.a_ph: batch['acts'], self.r_ph: batch['rews'],
                self.d_ph: batch['done'], self.noise: .2 * rng.randn(*batch['acts'].shape)}
        outs = self.sess.run([self.q_loss, self.q1, self.train_q], feed)
        if j % 2 == 0:
            pi_loss, _, _ = self.sess.run([self.pi_loss, self.train_pi, self.target_update], feed)
            print('pi_loss', pi_loss)
        return outs[0], outs[1].mean()


rng = np.random.RandomState(4)
agent = Agent(3, 2)
for j in range(4):
    batch = dict(obs1=rng.randn(5, 3), obs2=rng.randn(5, 3), acts=rng.uniform(-1, 1, (5, 2)), rews=rng.randn(5), done=(rng.rand(5) < .3).astype(float))
    print(j, agent.step(batch, j, rng))
print(agent.sess.run(agent.dq_da, {agent.x_ph: batch['obs1'], agent.a_ph: batch['acts']}))
print(agent.sess.run(agent.pi, {agent.x_ph: np.eye(3)}))
