"""Third derivatives by nested GradOperation, compiled."""
import numpy as np
import mindspore as ms
from mindspore import ops, Tensor, nn

grad = ops.GradOperation()


def poly(t):
    return t * t * t * t - 2.0 * t * t + ops.exp(0.5 * t)


def d1(t):
    return grad(poly)(t)


def d2(t):
    return grad(d1)(t)


@ms.jit
def d3(t):
    return grad(d2)(t)


class Grad(nn.Cell):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
        self.grad = ops.GradOperation(get_all=True)

    def construct(self, *args):
        return self.grad(self.fn)(*args)


class Field(nn.Cell):
    def construct(self, x, y):
        return ops.sin(x) * y * y + x * ops.exp(-y)


class Dx(nn.Cell):
    def __init__(self, f, k):
        super().__init__()
        self.inner = Grad(f)
        self.k = k

    def construct(self, x, y):
        return self.inner(x, y)[self.k]


t = Tensor([-1.0, 0.5, 2.0], ms.float32)
print('d1', d1(t))
print('d3', d3(t))
f = Field()
x = Tensor([0.1, 0.7], ms.float32)
y = Tensor([1.1, -0.4], ms.float32)
fx, fy = Grad(f)(x, y)
print(fx.asnumpy(), fy.asnumpy())
fxx, fxy = Grad(Dx(f, 0))(x, y)
print('%s %s' % (fxx, fxy))
fyy = Grad(Dx(f, 1))(x, y)[1]
print(f'{fyy}')
lap = fxx + fyy
print('laplacian', lap.asnumpy().tolist())
