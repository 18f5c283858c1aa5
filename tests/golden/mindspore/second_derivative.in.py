import numpy as np
import mindspore as ms
from mindspore import Tensor, ops


def f(x):
    return ops.sin(x) * x


first = ops.GradOperation()(f)
second = ops.GradOperation()(first)
for value in np.linspace(0.0, 1.0, 3):
    x = Tensor(value, ms.float32)
    print(f(x), first(x), second(x))
