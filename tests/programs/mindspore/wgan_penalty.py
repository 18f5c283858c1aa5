"""WGAN-GP with gradient penalty under jit."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor


def dense(i, o, seed, act=None):
    r = np.random.RandomState(seed)
    return nn.Dense(i, o, weight_init=Tensor(r.randn(o, i).astype(np.float32) * 0.4), bias_init='zeros', activation=act)


class Generator(nn.Cell):
    def __init__(self):
        super().__init__()
        self.net = nn.SequentialCell(dense(2, 6, 0, 'relu'), dense(6, 2, 1))

    def construct(self, z):
        return self.net(z)


class Critic(nn.Cell):
    def __init__(self):
        super().__init__()
        self.l1 = dense(2, 8, 2)
        self.l2 = nn.Dense(8, 1, weight_init=Tensor(np.random.RandomState(3).randn(1, 8).astype(np.float32)), has_bias=False)
        self.act = nn.Tanh()

    def construct(self, x):
        return self.l2(self.act(self.l1(x)))


G, D = Generator(), Critic()
g_opt = nn.Adam(G.trainable_params(), learning_rate=1e-2, beta1=0.5, beta2=0.9)
d_opt = nn.SGD(D.trainable_params(), learning_rate=1e-2)
LAMBDA = 10.0


def gradient_penalty(real, fake, eps):
    mix = eps * real + (1 - eps) * fake
    grads = ops.grad(D)(mix)
    norms = ops.sqrt(ops.reduce_sum(ops.square(grads), 1) + 1e-12)
    return ops.mean((norms - 1.0) ** 2)


def d_loss(real, z, eps):
    fake = ops.stop_gradient(G(z))
    wasserstein = D(fake).mean() - D(real).mean()
    return wasserstein + LAMBDA * gradient_penalty(real, fake, eps), wasserstein


def g_loss(z):
    return -D(G(z)).mean()


@ms.jit
def d_step(real, z, eps):
    (loss, w), grads = ms.value_and_grad(d_loss, None, d_opt.parameters, has_aux=True)(real, z, eps)
    loss = ops.depend(loss, d_opt(grads))
    return loss, w


@ms.jit
def g_step(z):
    loss, grads = ms.value_and_grad(g_loss, None, g_opt.parameters)(z)
    return ops.depend(loss, g_opt(grads))


rng = np.random.RandomState(42)


def noise():
    return Tensor(rng.randn(8, 2).astype(np.float32))


for it in range(4):
    for _ in range(2):
        real = Tensor((rng.randn(8, 2) + [2.0, 0.0]).astype(np.float32))
        dl, w = d_step(real, noise(), Tensor(rng.rand(8, 1).astype(np.float32)))
    gl = g_step(noise())
    print(f'{it} d {dl.asnumpy():.4f} w {w.asnumpy():.4f} g {gl.asnumpy():.4f}')
print(G(Tensor(np.ones((2, 2), np.float32))))
