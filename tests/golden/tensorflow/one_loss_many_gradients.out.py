import numpy as np
import mindspore as ms
from mindspore import nn, ops
rs = np.random.RandomState(0)
w = ms.Parameter(ms.Tensor(rs.randn(2, 2).astype(np.float32)), name='w')
b = ms.Parameter(ms.Tensor(rs.randn(2).astype(np.float32)), name='b')


def u(x):
    return ops.tanh(ops.matmul(x, w) + b)


def u_x(x):
    def u_of_x(x):
        return u(x)

    return ops.GradOperation()(u_of_x)(x)


def data(x, y):
    return ops.mean(ops.square(u(x) - y))


@ms.jit
def loss(x, y):
    res = ops.mean(ops.square(u_x(x)))
    return res + data(x, y)


@ms.jit
def gradients_of_loss(x, y):
    return ops.GradOperation(get_by_list=True)(loss, [w, b])(x, y)


@ms.jit
def gx(x, y):
    return ops.GradOperation()(loss)(x, y)


def step_w(x, y):
    gw, gb = gradients_of_loss(x, y)
    ops.assign(w, w - 0.1 * gw)


optimizer = nn.SGD([w, b], 0.1)


@ms.jit
def loss_gradients(x, y):
    return ops.GradOperation(get_by_list=True)(loss, [w, b])(x, y)


def train(x, y):
    optimizer(tuple(loss_gradients(x, y)))


optimizer_2 = nn.Momentum([w], 0.1, 0.9)


@ms.jit
def loss_gradients_2(x, y):
    return ops.GradOperation(get_by_list=True)(loss, [w])(x, y)


def train_w(x, y):
    optimizer_2(tuple(loss_gradients_2(x, y)))


x = ms.Tensor(rs.randn(3, 2), ms.float32)
y = ms.Tensor(rs.randn(3, 2), ms.float32)
for i in range(3):
    train(x, y)
    print(loss(x, y).asnumpy(), u_x(x).asnumpy())
    print([value.asnumpy() for value in gradients_of_loss(x, y)], gx(x, y).asnumpy(), data(x, y).asnumpy())
    step_w(x, y)
    train_w(x, y)
print([w.asnumpy().copy(), b.asnumpy().copy()])
