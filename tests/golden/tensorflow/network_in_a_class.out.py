"""A network that learns exp(-x), with a penalty on its slope."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops
from mindspore.common.initializer import Normal, initializer


class Network:
    def __init__(self, sizes):
        self.weights = [ms.Parameter(initializer(Normal(0.4), [m, n], ms.float32)) for m, n in zip(sizes[:-1], sizes[1:])]
        self.optimizer = nn.Adam(self.weights, 0.02)

    # what the network says
    def out(self, x):
        return self.forward(x)

    def slope(self, x):
        return ops.GradOperation()(self.out)(x)

    @ms.jit
    def loss(self, x, target):
        out_value = self.out(x)
        return ops.mean(ops.square(out_value - target)) + 0.1 * ops.mean(ops.square(self.slope(x) + out_value))

    def train(self, x, target):
        self.optimizer(ops.GradOperation(get_by_list=True)(self.loss, self.weights)(x, target))

    def forward(self, h):
        for w in self.weights[:-1]:
            h = ops.tanh(ops.matmul(h, w))
        return ops.matmul(h, self.weights[-1])

    def fit(self, x, y, steps):
        x_value = ms.Tensor(x, ms.float32)
        target = ms.Tensor(y, ms.float32)
        for step in range(steps):
            self.train(x_value, target)
        return self.loss(x_value, target).asnumpy()

    def predict(self, x):
        x = ms.Tensor(x, ms.float32)
        return [self.out(x).asnumpy(), self.slope(x).asnumpy()]


xs = np.linspace(0, 1, 11)[:, None]
network = Network([1, 8, 1])
print('loss', network.fit(xs, np.exp(-xs), 100))
u, u_x = network.predict(xs[:3])
print(u.ravel(), u_x.ravel())
