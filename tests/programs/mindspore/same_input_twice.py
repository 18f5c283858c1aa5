"""One tensor given twice, and a tensor computed from another input."""
import mindspore.ops as ops
import numpy as np
from mindspore import Tensor, nn


class Mul(nn.Cell):
    def __init__(self):
        super().__init__()
        self.mul = ops.Mul()

    def construct(self, x, y):
        return self.mul(x * x, y)


class Both(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.grad = ops.GradOperation(get_all=True)

    def construct(self, x):
        h = x * 2
        return self.grad(self.net)(x, h)


x = Tensor(np.array([1.0, 2.0, 3.0], np.float32))
net = Mul()
gx, gy = ops.GradOperation(get_all=True)(net)(x, x)
print(gx, gy)
print(ops.GradOperation()(net)(x, x))
print(ops.GradOperation()(net)(x, x + 0))
h = ops.exp(x)
a, b = ops.GradOperation(get_all=True)(net)(x, h)
print(a, b)
c, d = Both(net)(x)
print(c, d)
