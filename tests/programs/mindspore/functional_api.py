"""grad, value_and_grad, vjp and jvp with positions and auxiliary results."""
import mindspore as ms
import numpy as np
from mindspore import Tensor, ops


def f(x, y):
    return x ** 2 * y + ops.exp(y)


def g(x, y):
    z = x * y
    return z, ops.sum(z ** 2)


x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), ms.float32)
y = Tensor(np.array([[0.5, -0.5], [0.2, 0.1]]), ms.float32)

print(ms.grad(f)(x, y))
print(ms.grad(f, grad_position=1)(x, y))
dx, dy = ms.grad(f, (0, 1))(x, y)
print(dx.asnumpy(), dy.asnumpy())
value, grads = ms.value_and_grad(f, (0, 1))(x, y)
print(value, grads[0], grads[1])
(z, s), gz = ms.value_and_grad(g, 0, has_aux=True)(x, y)
print('aux', z, s, gz)
grad_g, (aux,) = ms.grad(g, has_aux=True)(x, y)
print('grad aux', grad_g, aux)
out, pull = ms.vjp(f, x, y)
a, b = pull(ops.ones_like(out) * 2)
print('vjp', out, a, b)
out, tangent = ms.jvp(f, (x, y), (ops.ones_like(x), ops.zeros_like(y)))
print('jvp', out, tangent)
