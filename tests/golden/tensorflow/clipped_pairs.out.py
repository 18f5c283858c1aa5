"""A linear model whose pairs of gradient and variable are clipped on the way to apply_gradients."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops


def norm(tensor, ord='euclidean', axis=None, keepdims=False):
    if ord == 1:
        return ops.sum(ops.abs(tensor), axis, keepdims)
    return ops.sqrt(ops.sum(tensor * tensor, axis, keepdims))


rng = np.random.RandomState(3)
w = ms.Parameter(ms.Tensor(rng.randn(3, 1).astype(np.float32)), name='w')
b = ms.Parameter(ms.Tensor(np.zeros(1, np.float32)), name='b')


def loss(x, y):
    pred = ops.matmul(x, w) + b
    return ops.mean(ops.square(pred - y))


def grads(x, y):
    return ops.GradOperation(get_by_list=True)(loss, ms.ParameterTuple([w, b]))(x, y)


opt = nn.Adam([w, b], 0.05)


def train_op(x, y):
    capped_gvs_grads = [ops.clamp(grad, -0.5, 0.5) for grad in grads(x, y)]
    opt(tuple(capped_gvs_grads))


def norms(x, y):
    return [norm(g) for g in grads(x, y)]


X = rng.randn(8, 3)
Y = X.sum(1, keepdims=True) * 0.7
for i in range(5):
    x = ms.Tensor(X, ms.float32)
    y = ms.Tensor(Y, ms.float32)
    c = loss(x, y).asnumpy()
    train_op(x, y)
    print(i, c)
print([value.asnumpy() for value in norms(ms.Tensor(X, ms.float32), ms.Tensor(Y, ms.float32))])
print([w.asnumpy().copy(), b.asnumpy().copy()])
