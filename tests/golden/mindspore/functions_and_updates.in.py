"""A function, its gradient, and a function that only updates."""
import mindspore as ms
from mindspore import ops

w = ms.Parameter(ms.Tensor([1.0, -2.0], ms.float32), name='w')


def loss():
    return ops.reduce_sum(ops.cos(w) * w)


def step(rate):
    ops.assign(w, w - rate * ops.GradOperation(get_by_list=True)(loss, w)())


for i in range(4):
    step(0.1)
    print(i, loss().asnumpy(), w.asnumpy())
