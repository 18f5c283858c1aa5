"""MAML for a sine regression, written with functions of weights."""
import numpy as np
import mindspore as ms
from mindspore import ops, Tensor

r = np.random.RandomState(7)
w1 = Tensor(0.5 * r.randn(1, 6), ms.float32)
b1 = Tensor(np.zeros(6), ms.float32)
w2 = Tensor(0.5 * r.randn(6, 1), ms.float32)


def predict(x, w1, b1, w2):
    return ops.matmul(ops.tanh(ops.matmul(x, w1) + b1), w2)


def loss_fn(w1, b1, w2, x, y):
    return ops.mean((predict(x, w1, b1, w2) - y) ** 2)


inner_grad = ms.grad(loss_fn, (0, 1, 2))


def adapt(w1, b1, w2, x, y, lr=0.1):
    g = inner_grad(w1, b1, w2, x, y)
    return w1 - lr * g[0], b1 - lr * g[1], w2 - lr * g[2]


@ms.jit
def meta_loss(w1, b1, w2, xa, ya, xb, yb):
    fast = adapt(w1, b1, w2, xa, ya)
    return loss_fn(fast[0], fast[1], fast[2], xb, yb)


meta_grad = ms.value_and_grad(meta_loss, (0, 1, 2))
for it in range(4):
    phase = 0.3 * it
    xa, xb = r.uniform(-2, 2, (5, 1)), r.uniform(-2, 2, (5, 1))
    data = [Tensor(v, ms.float32) for v in (xa, np.sin(xa + phase), xb, np.sin(xb + phase))]
    value, grads = meta_grad(w1, b1, w2, *data)
    w1, b1, w2 = [w - 0.05 * g for w, g in zip((w1, b1, w2), grads)]
    print(it, value, [g.asnumpy().sum() for g in grads])
print(w1.asnumpy(), w2.asnumpy().ravel())
