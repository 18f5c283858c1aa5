"""DQN-like targets: two networks, soft updates, stop_gradient, Huber loss."""
import copy
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
from mindspore.ops import stop_gradient as sg


class QNet(nn.Cell):
    def __init__(self, seed):
        super().__init__()
        r = np.random.RandomState(seed)
        self.hidden = nn.Dense(3, 5, weight_init=Tensor(r.randn(5, 3).astype('float32')), activation=nn.Tanh())
        self.out = nn.Dense(5, 2, weight_init=Tensor(r.randn(2, 5).astype('float32')), bias_init='ones')
        self.hidden.bias.set_data(Tensor(r.randn(5).astype('float32')))

    def construct(self, s):
        return self.out(self.hidden(s))


online, target = QNet(1), QNet(2)
for p, q in zip(target.get_parameters(), online.get_parameters()):
    ops.assign(p, q)
huber = nn.SmoothL1Loss(beta=1.0, reduction='mean')
opt = nn.Adam(online.trainable_params(), 0.05)
tau, gamma = 0.3, 0.95


def td_loss(s, a, r, s2, done):
    q = online(s).gather_elements(1, a.expand_dims(1)).squeeze(1)
    nxt = target(s2).max(axis=1)
    y = sg(r + gamma * (1.0 - done) * nxt)
    return huber(q, y)


grad = ms.value_and_grad(td_loss, None, opt.parameters)


def soft_update():
    for p, q in zip(target.trainable_params(), online.trainable_params()):
        p.set_data((1 - tau) * p + tau * q)


rng = np.random.RandomState(31)
for i in range(5):
    s, s2 = [Tensor(rng.randn(6, 3), ms.float32) for _ in range(2)]
    a = Tensor(rng.randint(0, 2, 6), ms.int64)
    r = Tensor(rng.randn(6), ms.float32)
    done = Tensor((rng.rand(6) < 0.2).astype(np.float32))
    loss, gs = grad(s, a, r, s2, done)
    opt(gs)
    if i % 2:
        soft_update()
    print(i, loss.asnumpy(), float(online(s).mean()), float(target(s).mean()))
