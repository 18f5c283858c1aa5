"""Loops, a scan, a fold and a branch of the graph, and gradients through them."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops


def square(x):
    return x * x


def cond(pred, true_fn, false_fn):
    return true_fn() if pred else false_fn()


def while_loop(cond, body, loop_vars):
    """The loop variables after body has been applied to them for as long as cond holds; alone if there is one."""
    values = [ms.Tensor(v, ms.int32 if isinstance(v, int) else ms.float32) if isinstance(v, (int, float)) else v for v in loop_vars]
    while cond(*values):
        found = body(*values)
        values = list(found) if isinstance(found, (list, tuple)) else [found]
    return values if len(values) > 1 else values[0]


def map_fn(fn, elems, dtype=None):
    """fn of each row of elems, or of each row of several."""
    rows = zip(*elems) if isinstance(elems, (list, tuple)) else elems
    found = [fn(row) for row in rows]
    return tuple([ops.stack(part) for part in zip(*found)]) if isinstance(found[0], (list, tuple)) else ops.stack(found)


def scan(fn, elems, initializer=None):
    """fn of what came before and a row, for every row; without an initializer the first row is what comes first."""
    rows = list(elems)
    found = [rows.pop(0) if initializer is None else initializer]
    for row in rows:
        found.append(fn(found[-1], row))
    return ops.stack(found if initializer is None else found[1:])


def foldl(fn, elems, initializer=None):
    """The last of what scan gives."""
    rows = list(elems)
    found = rows.pop(0) if initializer is None else initializer
    for row in rows:
        found = fn(found, row)
    return found


def rollout(x0, w, n):
    """Fixed number of Euler steps, in the graph."""
    def condition(step, x, total):
        return step < n

    def body(step, x, total):
        x = x + 0.1 * ops.tanh(x * w)
        return step + 1, x, total + ops.sum(square(x))

    _, last, total = while_loop(condition, body, [0, x0, 0.0])
    return last, total


w = ms.Parameter(ms.Tensor([0.5, -0.7], ms.float32), name='w')


def last_and_total(x):
    return rollout(x, w, 4)


def gw(x):
    def compute_last():
        last, total = rollout(x, w, 4)
        return total

    return ops.GradOperation(get_by_list=True)(compute_last, w)()


def gx(x):
    def last_of_x(x):
        last, total = rollout(x, w, 4)
        return last

    return ops.GradOperation()(last_of_x)(x)


def path(x):
    return scan(lambda a, e: a * 0.9 + e, x, initializer=ms.Tensor(0.5, ms.float32))


def forward(x):
    return ops.sum(path(x) ** 2)


def gpath(x):
    return ops.GradOperation()(forward)(x)


def loss(x):
    last, total = last_and_total(x)
    folded = foldl(lambda a, e: a + e * e, x, initializer=ms.Tensor(0.0, ms.float32))
    return total + cond(ops.sum(x) > 0, lambda: folded, lambda: ops.sum(w))


optimizer = nn.SGD([w], 0.05)


def train(x):
    optimizer(ops.GradOperation(get_by_list=True)(loss, [w])(x))


def mapped(x):
    return map_fn(lambda e: (e * 2.0, e + 1.0), x, dtype=(ms.float32, ms.float32))


for value in ([1.0, 2.0], [-1.0, 0.3]):
    x = ms.Tensor(value, ms.float32)
    print([last_and_total(x)[0].asnumpy(), last_and_total(x)[1].asnumpy(), gw(x).asnumpy(), gx(x).asnumpy()])
    print(path(x).asnumpy(), gpath(x).asnumpy(), mapped(x)[0].asnumpy())
    train(x)
    print(w.asnumpy().copy())
