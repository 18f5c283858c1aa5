import numpy as np
import mindspore.nn as nn
import mindspore.ops as ops
import mindspore as ms
from mindspore import Tensor


class ClipGrad(nn.Cell):
    """Identity forwards, clipped backwards."""
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def construct(self, x):
        return x

    def bprop(self, x, out, dout):
        return (ops.clip_by_value(dout, Tensor(-self.limit, ms.float32), Tensor(self.limit, ms.float32)),)


class Sign(nn.Cell):
    def construct(self, x, scale):
        return ops.sign(x) * scale

    def bprop(self, x, scale, out, dout):
        mask = ops.cast(ops.abs(x) <= 1.0, ms.float32)
        return dout * mask * scale, (dout * ops.sign(x)).sum()


class Model(nn.Cell):
    def __init__(self):
        super().__init__()
        self.guard = ClipGrad(0.4)
        self.sign = Sign()

    def construct(self, x, s):
        h = self.guard(x * 3.0)
        return (self.sign(h, s) * h).sum()


x = Tensor([0.1, -0.2, 0.9, -1.4], ms.float32)
s = Tensor(0.7, ms.float32)
model = Model()
print(model(x, s).asnumpy())
gx, gs = ops.GradOperation(get_all=True)(model)(x, s)
print(gx.asnumpy())
print(gs.asnumpy())
