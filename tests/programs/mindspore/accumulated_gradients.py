"""Gradient processing with HyperMap, MultitypeFuncGraph, partial; accumulation in cloned parameters."""
import numpy as np
import mindspore as ms
import mindspore.ops as ops
from mindspore import Tensor, nn, ParameterTuple
from mindspore.ops import functional as F, composite as C

_clip = C.MultitypeFuncGraph("clip")


@_clip.register("Number", "Tensor")
def _clip_by_norm(limit, grad):
    norm = ops.sqrt(ops.reduce_sum(grad * grad))
    return grad * ops.minimum(limit / (norm + 1e-6), Tensor(1.0, ms.float32))


_accumulate = C.MultitypeFuncGraph("accumulate")


@_accumulate.register("Tensor", "Tensor")
def _add(acc, grad):
    return F.assign_add(acc, grad)


hyper_map = C.HyperMap()


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(3, 2, weight_init=Tensor(np.arange(6).reshape(2, 3) / 6.0, ms.float32), bias_init=Tensor([0.1, -0.1], ms.float32))

    def construct(self, x, y):
        return F.reduce_sum((self.fc(x) - y) ** 2)


class Accumulator(nn.Cell):
    def __init__(self, net, limit):
        super().__init__()
        self.net = net
        self.weights = ParameterTuple(net.trainable_params())
        self.acc = self.weights.clone(prefix="acc", init="zeros")
        self.grad = ops.GradOperation(get_by_list=True)
        self.limit = limit

    def construct(self, x, y):
        loss = self.net(x, y)
        grads = self.grad(self.net, self.weights)(x, y)
        grads = hyper_map(F.partial(_clip, self.limit), grads)
        hyper_map(_accumulate, self.acc, grads)
        return loss


net = Net()
acc = Accumulator(net, 1.5)
rs = np.random.RandomState(3)
for i in range(4):
    x, y = Tensor(rs.rand(2, 3), ms.float32), Tensor(rs.rand(2, 2), ms.float32)
    print(i, acc(x, y).asnumpy())
for p in acc.acc:
    print(p.name, p.asnumpy().ravel().round(5).tolist())
