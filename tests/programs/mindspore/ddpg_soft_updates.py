import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, ParameterTuple
from mindspore.common.parameter import Parameter


class Actor(nn.Cell):
    def __init__(self, s_dim, a_dim, r):
        super().__init__()
        self.l1 = nn.Dense(s_dim, 6, bias_init='zeros', weight_init=Tensor(r.randn(6, s_dim).astype('float32') * .4), activation='relu')
        self.l2 = nn.Dense(6, a_dim, bias_init='zeros', weight_init=Tensor(r.randn(a_dim, 6).astype('float32') * .4))

    def construct(self, s):
        return ops.tanh(self.l2(self.l1(s)))


class Critic(nn.Cell):
    def __init__(self, s_dim, a_dim, r):
        super().__init__()
        self.l1 = nn.Dense(s_dim + a_dim, 6, bias_init='zeros', weight_init=Tensor(r.randn(6, s_dim + a_dim).astype('float32') * .4))
        self.l2 = nn.Dense(6, 1, bias_init='zeros', weight_init=Tensor(r.randn(1, 6).astype('float32') * .4))
        self.concat = ops.Concat(axis=1)

    def construct(self, s, a):
        return self.l2(ops.relu(self.l1(self.concat((s, a)))))


class DDPG:
    def __init__(self, seed=0, gamma=0.9, tau=0.1):
        r = np.random.RandomState(seed)
        self.actor, self.critic = Actor(3, 2, r), Critic(3, 2, r)
        self.actor_target, self.critic_target = Actor(3, 2, r), Critic(3, 2, r)
        self.soft_update(1.0)
        self.gamma, self.tau = gamma, tau
        self.actor_opt = nn.Adam(self.actor.trainable_params(), learning_rate=1e-2)
        self.critic_opt = nn.Adam(self.critic.trainable_params(), learning_rate=2e-2)
        self.critic_grad = ms.value_and_grad(self.critic_loss, None, self.critic.trainable_params())
        self.actor_grad = ms.value_and_grad(self.actor_loss, None, self.actor.trainable_params())
        self.loss = nn.MSELoss()

    def critic_loss(self, s, a, target):
        return self.loss(self.critic(s, a), target)

    def actor_loss(self, s):
        return -self.critic(s, self.actor(s)).mean()

    def soft_update(self, tau):
        for net, target in ((self.actor, self.actor_target), (self.critic, self.critic_target)):
            for p, tp in zip(net.trainable_params(), target.trainable_params()):
                ops.assign(tp, tau * p + (1 - tau) * tp)

    def learn(self, s, a, r, s2):
        target = r + self.gamma * self.critic_target(s2, self.actor_target(s2))
        target = ops.stop_gradient(target)
        c_loss, c_grads = self.critic_grad(s, a, target)
        self.critic_opt(c_grads)
        a_loss, a_grads = self.actor_grad(s)
        a_grads = ops.clip_by_global_norm(a_grads, 0.5)
        self.actor_opt(a_grads)
        self.soft_update(self.tau)
        return c_loss.asnumpy().item(), a_loss.asnumpy().item()


def main():
    agent = DDPG()
    rng = np.random.RandomState(4)
    for step in range(4):
        s, a = rng.randn(5, 3), rng.uniform(-1, 1, (5, 2))
        r = -np.abs(s).sum(1, keepdims=True)
        s2 = 0.9 * s
        batch = [Tensor(v.astype(np.float32)) for v in (s, a, r, s2)]
        print(step, *agent.learn(*batch))
    da = ops.GradOperation(get_all=True)(agent.critic)(batch[0], batch[1])[1]
    print('dq/da', da.asnumpy().mean(axis=0))
    print('policy', agent.actor(Tensor(np.eye(3), ms.float32)).asnumpy())


if __name__ == '__main__':
    main()
