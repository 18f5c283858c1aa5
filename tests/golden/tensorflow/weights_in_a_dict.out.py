import numpy as np
import mindspore as ms
from mindspore import nn, ops
r = np.random.RandomState(0)
W = {'h': ms.Parameter(ms.Tensor(r.randn(2, 3), ms.float32)), 'out': ms.Parameter(ms.Tensor(r.randn(3, 1), ms.float32))}
b = [ms.Parameter(ops.zeros((n,), ms.float32)) for n in (3, 1)]
def net(x):
    h = ops.sigmoid(ops.add(ops.matmul(x, W['h']), b[0]))
    return ops.matmul(h, W['out']) + b[1]


def loss(x, y):
    pred = net(x)
    parts = [ops.mean(ops.square(pred - y) * s) for s in (1.0, 0.5)]
    return ops.addn(parts)


def gx(x, y):
    return ops.GradOperation()(loss)(x, y)


optimizer = nn.SGD([*W.values(), *b], 0.1)


def train(x, y):
    optimizer(ops.GradOperation(get_by_list=True)(loss, [*W.values(), *b])(x, y))


X, Y = r.randn(5, 2), r.randn(5, 1)
for k in range(5):
    train(ms.Tensor(X, ms.float32), ms.Tensor(Y, ms.float32))
print(loss(ms.Tensor(X, ms.float32), ms.Tensor(Y, ms.float32)).asnumpy(), gx(ms.Tensor(X, ms.float32), ms.Tensor(Y, ms.float32)).asnumpy())
print(W['out'].asnumpy().copy(), b[0].asnumpy().copy())
