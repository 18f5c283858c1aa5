import numpy as np
import mindspore as ms
from mindspore import Tensor, ops
from mindspore import vjp, jvp, jacrev, jacfwd


def rosen(x):
    return ops.reduce_sum(100.0 * ops.square(x[1:] - x[:-1] ** 2) + (1.0 - x[:-1]) ** 2)


def vector_field(x, y):
    return ops.sin(x) * y, x + y * y


x = Tensor([0.5, -0.2, 1.3], ms.float32)
y = Tensor([1.0, 2.0, 0.3], ms.float32)
out, pull = vjp(vector_field, x, y)
print(out[0], out[1])
u = (Tensor([1.0, 0.0, 1.0], ms.float32), Tensor([0.1, 0.2, 0.3], ms.float32))
gx, gy = pull(*u)
print('vjp', gx, gy)

primal, tangent = jvp(lambda_free := vector_field, (x, y), (ops.ones_like(x), ops.zeros_like(y)))
print('jvp', tangent[0].asnumpy(), tangent[1].asnumpy())


def cubes(x):
    return x ** 3 + x.sum()


jac = jacrev(cubes)(x)
print('jac', jac.shape)
print(jac.asnumpy())
print('fwd', jacfwd(cubes)(x).asnumpy().diagonal())

value = rosen(x)
print('rosen', value, ms.grad(rosen)(x))
