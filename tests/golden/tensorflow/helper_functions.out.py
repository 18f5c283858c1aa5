"""Forces from a potential energy, computed by helpers that ask for gradients themselves."""
import numpy as np
import mindspore as ms
from mindspore import ops


def distance(p, q):
    return ops.sqrt(ops.sum(ops.square(p - q)))


def energy(p, q):
    r = distance(p, q)
    return 1.0 / r ** 2 - 1.0 / r


def force(p, q):
    """Minus the gradient of the energy by the first particle."""
    return -ops.GradOperation()(energy)(p, q)


def f(p, q):
    return force(p, q)


for distance_ in np.linspace(1.0, 3.0, 5):
    print(f(ms.Tensor([distance_, 0, 0], ms.float32), ms.Tensor([0, 0, 0], ms.float32)).asnumpy())
