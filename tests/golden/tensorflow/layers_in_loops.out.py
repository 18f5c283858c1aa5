"""Layers, penalties and a recurrence that loops of Python build."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops


def l2_loss(t):
    return ops.sum(t * t) / 2


r = np.random.RandomState(2)
sizes = [3, 6, 5, 1]
Ws = [ms.Parameter(ms.Tensor(r.randn(a, b).astype(np.float32) * 0.4)) for a, b in zip(sizes[:-1], sizes[1:])]
bs = [ms.Parameter(ms.Tensor(np.zeros(b, np.float32))) for b in sizes[1:]]


def h(x):
    h = x
    for i, (W, b) in enumerate(zip(Ws, bs)):
        h = ops.matmul(h, W) + b
        if i < len(Ws) - 1:
            h = ops.tanh(h)
    return h


def loss(x, y):
    loss = ops.mean(ops.square(h(x) - y))
    for W in Ws:
        loss += 0.01 * l2_loss(W)
    return loss


def grads(x, y):
    return ops.GradOperation(get_by_list=True)(loss, ms.ParameterTuple(Ws))(x, y)


def saliency(x):
    return ops.GradOperation()(h)(x)


def total(x):
    outputs = []
    state = ops.zeros((4,), ms.float32)
    for t in range(3):
        state = ops.tanh(0.5 * state + x[t, 0])
        outputs.append(ops.sum(state))
    return ops.addn(outputs)


def dtotal(x):
    return ops.GradOperation()(total)(x)


optimizer = nn.SGD(Ws + bs, 0.1)


def train(x, y):
    optimizer(ops.GradOperation(get_by_list=True)(loss, Ws + bs)(x, y))


X, Y = r.randn(5, 3), r.randn(5, 1)
for k in range(3):
    x = ms.Tensor(X, ms.float32)
    y = ms.Tensor(Y, ms.float32)
    c = loss(x, y).asnumpy()
    train(x, y)
    print(k, c)
for g in [grad.asnumpy() for grad in grads(ms.Tensor(X, ms.float32), ms.Tensor(Y, ms.float32))]:
    print(g.shape, np.abs(g).sum())
x = ms.Tensor(X, ms.float32)
print(saliency(ms.Tensor(X[:2], ms.float32)).asnumpy(), [total(x).asnumpy(), dtotal(x).asnumpy()])
