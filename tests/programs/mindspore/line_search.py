"""Backtracking line search: Python conditions on tensors, break, while."""
import numpy as np
import mindspore as ms
from mindspore import Tensor, ops

A = Tensor(np.array([[3.0, 0.5], [0.5, 1.0]], np.float32))
c = Tensor(np.array([1.0, -2.0], np.float32))


def objective(x):
    return 0.5 * ops.reduce_sum(x * ops.matmul(A, x)) - (c * x).sum() + ops.exp(-x[0])


grad_fn = ms.grad(objective)
x = Tensor(np.array([2.0, 2.0], np.float32))
iteration = 0
while True:
    g = grad_fn(x)
    norm = ops.sqrt((g * g).sum())
    if norm < 1e-2 or iteration >= 20:
        break
    t = 1.0
    f0 = objective(x)
    while objective(x - t * g) > f0 - 0.3 * t * (g * g).sum():
        t *= 0.5
        if t < 1e-6:
            break
    x = x - t * g
    iteration += 1
    if iteration % 4 == 0:
        print(iteration, t, objective(x).asnumpy())
        continue
    assert not bool(ops.isnan(f0))
print('x', x.asnumpy().round(2))
