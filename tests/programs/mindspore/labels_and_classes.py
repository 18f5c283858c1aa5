from functools import partial
import numpy as np
import mindspore
from mindspore import Tensor, Parameter, value_and_grad, grad, ops, nn

mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
w = Parameter(Tensor(np.array([[0.2, -0.4], [0.6, 0.1], [0.3, 0.3]], np.float32)), name="w")
b = Parameter(Tensor(np.zeros(2, np.float32)), name="b")


def logits_of(x):
    return ops.matmul(x, w) + b


def loss_fn(x, labels):
    z = logits_of(x)
    loss = ops.cross_entropy(z, labels)
    accuracy = (ops.argmax(z, 1) == labels).astype(mindspore.float32).mean()
    return loss, accuracy, z


x = Tensor(np.random.RandomState(0).randn(8, 3).astype(np.float32))
labels = Tensor(np.array([0, 1, 1, 0, 1, 0, 0, 1]), mindspore.int32)

fn = value_and_grad(loss_fn, grad_position=None, weights=[w, b], has_aux=True)
for i in range(3):
    (loss, acc, _), (gw, gb) = fn(x, labels)
    w.set_data(w - 0.5 * gw)
    b.set_data(b - 0.5 * gb)
    print(f"step {i}: loss={loss.asnumpy():.5f} acc={float(acc):.3f}")

both = value_and_grad(loss_fn, 0, (w,), True)
value, (gx, gws) = both(x, labels)
print(gx.asnumpy()[0], gws[0].asnumpy())
print(value[2].shape)
g = grad(loss_fn, 0, weights=b, has_aux=True)(x, labels)
print(len(g), type(g).__name__)
(gx, gb), aux = g
print(gx.asnumpy().sum(0), gb.asnumpy(), float(aux[0]))


def energy(a, c, scale=2.0):
    return scale * (a * c).sum() + (a ** 3).sum()


a = Tensor([1.0, 2.0], mindspore.float32)
c = Tensor([3.0, -1.0], mindspore.float32)
v, (ga, gc) = value_and_grad(energy, (0, 1))(a, c)
print(v, ga, gc)
v2, g1 = mindspore.value_and_grad(energy, grad_position=1)(a, c)
print(v2.asnumpy(), g1.asnumpy())
print(grad(energy, (1, 0))(a, c, 0.5))
