"""Poisson equation with a network: Laplacian by nested GradOperation."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
from mindspore.common.initializer import initializer


class MLP(nn.Cell):
    def __init__(self, layers, seed=5):
        super().__init__()
        r = np.random.RandomState(seed)
        cells = []
        for i in range(len(layers) - 1):
            w = (r.randn(layers[i + 1], layers[i]) / np.sqrt(layers[i])).astype(np.float32)
            cells.append(nn.Dense(layers[i], layers[i + 1], weight_init=Tensor(w), bias_init="zeros"))
            if i < len(layers) - 2:
                cells.append(nn.Tanh())
        self.net = nn.SequentialCell(cells)

    def construct(self, x, y):
        return self.net(ops.concat((x, y), 1))


class Laplace(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.grad = ops.GradOperation(get_all=True)

    def first(self, x, y):
        return self.grad(self.net)(x, y)

    def construct(self, x, y):
        def u_x(x, y):
            return self.first(x, y)[0]

        def u_y(x, y):
            return self.first(x, y)[1]

        return self.grad(u_x)(x, y)[0] + self.grad(u_y)(x, y)[1]


class Residual(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net, self.laplace = net, Laplace(net)

    def construct(self, x, y, f, xb, yb):
        inner = ops.mean(ops.square(self.laplace(x, y) - f))
        border = ops.mean(ops.square(self.net(xb, yb)))
        return inner + 10.0 * border


ms.set_context(mode=ms.GRAPH_MODE)
net = MLP([2, 8, 8, 1])
loss = Residual(net)
opt = nn.Momentum(net.trainable_params(), learning_rate=0.002, momentum=0.9)
grad_fn = ops.value_and_grad(loss, None, net.trainable_params())
r = np.random.RandomState(6)
pts = r.uniform(0, 1, (16, 2)).astype(np.float32)
f = -2 * np.pi ** 2 * np.sin(np.pi * pts[:, :1]) * np.sin(np.pi * pts[:, 1:])
edge = np.array([[0, .2], [0, .7], [1, .3], [1, .9], [.4, 0], [.8, 1]], np.float32)
inputs = [Tensor(v.astype(np.float32)) for v in (pts[:, :1], pts[:, 1:], f, edge[:, :1], edge[:, 1:])]
for epoch in range(5):
    value, grads = grad_fn(*inputs)
    opt(grads)
    print("epoch", epoch, "loss", value.asnumpy())
print(net(Tensor([[0.5]], ms.float32), Tensor([[0.5]], ms.float32)))
