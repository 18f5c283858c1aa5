"""Gradients of integer inputs, which MindSpore gives in the input's dtype."""
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

x = Tensor([1, 2, 3], ms.int32)
k = Tensor(np.array([2.0, 3.0, 4.0], np.float32))


class Sq(nn.Cell):
    def construct(self, x):
        return x * x


print(ops.GradOperation()(Sq())(x))
grads = ops.GradOperation(get_all=True)(lambda a, b: a * b)(x, k)
print(grads[0], grads[1])
print(ms.grad(Sq())(Tensor([4, 5])))
