"""A policy gradient with categorical log-probabilities and a running baseline."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, Parameter


class Policy(nn.Cell):
    def __init__(self, n_obs, n_act):
        super().__init__()
        w = np.linspace(-0.5, 0.5, n_obs * n_act).reshape(n_act, n_obs).astype(np.float32)
        self.dense = nn.Dense(n_obs, n_act, weight_init=Tensor(w), has_bias=False)
        self.log_softmax = nn.LogSoftmax(axis=-1)

    def construct(self, obs):
        return self.log_softmax(self.dense(obs))

    def act(self, obs, u):
        p = np.exp(self(Tensor(obs[None], ms.float32)).asnumpy()[0])
        return int((np.cumsum(p) < u).sum())


policy = Policy(3, 2)
baseline = Parameter(Tensor(0.0, ms.float32), name='baseline')
optim = nn.RMSProp(policy.trainable_params(), learning_rate=0.05)


def objective(obs, actions, advantages):
    logp = policy(obs)
    chosen = ops.reduce_sum(logp * ops.one_hot(actions, 2, Tensor(1.0, ms.float32), Tensor(0.0, ms.float32)), 1)
    entropy = -ops.reduce_sum(ops.exp(logp) * logp, 1)
    return -ops.mean(chosen * advantages + 0.01 * entropy)


grad_fn = ms.value_and_grad(objective, None, optim.parameters)
rs = np.random.RandomState(9)
for episode in range(5):
    obs, actions, rewards = [], [], []
    state = rs.randn(3)
    for t in range(6):
        a = policy.act(state, rs.rand())
        obs.append(state)
        actions.append(a)
        rewards.append(float(state[0] > 0) if a else 0.3)
        state = 0.8 * state + 0.3 * rs.randn(3)
    returns = np.cumsum(rewards[::-1])[::-1].astype(np.float32)
    advantages = returns - baseline.asnumpy()
    ops.assign(baseline, 0.9 * baseline + 0.1 * float(returns.mean()))
    loss, grads = grad_fn(Tensor(np.array(obs), ms.float32), Tensor(actions, ms.int32), Tensor(advantages, ms.float32))
    optim(grads)
    print(episode, 'return', returns[0], 'loss', loss, 'baseline', baseline.value())
print(policy.dense.weight.asnumpy())
