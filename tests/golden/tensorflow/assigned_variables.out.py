"""Newton's method on one variable, and a counter."""
import mindspore as ms
from mindspore import ops

x = ms.Parameter(ms.Tensor(2.0, ms.float32), name='x')
steps = ms.Parameter(ms.Tensor(0.0, ms.float32), name='steps', requires_grad=False)


def f():
    return x ** 3 - 2.0 * x - 5.0


def both():
    slope = ops.GradOperation(get_by_list=True)(f, x)()
    new_x = x - f() / slope
    new_steps = steps + ms.Tensor(1.0, ms.float32)
    ops.assign(x, new_x)
    ops.assign(steps, new_steps)


while abs(f().asnumpy()) > 1e-4:
    both()
print('root', x.asnumpy().copy(), 'after', steps.asnumpy().copy())
