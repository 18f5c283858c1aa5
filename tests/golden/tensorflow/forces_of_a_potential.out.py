import numpy as np
import mindspore as ms
from mindspore import ops
K = ms.Tensor([[2.0, 0.5], [0.5, 1.0]], ms.float32)
centre = np.array([0.5, -0.5], np.float32)
centre_tensor = ms.Tensor(centre, ms.float32)
def potential(q):
    d = q - centre_tensor
    return 0.5 * ops.sum(d * ops.sum(K * d, 1)) + 0.1 * ops.sum(ops.square(d)) ** 2
mass = ms.Parameter(ms.Tensor(2.0, ms.float32), name='Variable')


# what pulls
def E(q):
    return potential(q)


def acceleration(q):
    E_grad = ops.GradOperation()(E)(q)
    return -E_grad / mass


def power(q):
    acceleration_value = acceleration(q)
    E_grad_2 = ops.GradOperation()(E)(q)
    return ops.sum(acceleration_value * E_grad_2)


x, v = np.zeros(2), np.ones(2)
for k in range(4):
    v = v + 0.1 * acceleration(ms.Tensor(x, ms.float32)).asnumpy()
    x = x + 0.1 * v
    print(k, x, E(ms.Tensor(x, ms.float32)).asnumpy(), power(ms.Tensor(x, ms.float32)).asnumpy())
