"""Hessian-vector products, vjp, jvp and conjugate gradients."""
import numpy as np
import mindspore as ms
from mindspore import ops, Tensor


def rosen(x):
    return ops.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


grad = ms.grad(rosen)


def hvp(x, v):
    def directional(x):
        return ops.reduce_sum(grad(x) * v)
    return ms.grad(directional)(x)


def cg(x, b, iters=4):
    p = r = b
    z = ops.zeros_like(b)
    rr = ops.reduce_sum(r * r)
    for _ in range(iters):
        ap = hvp(x, p)
        alpha = rr / ops.reduce_sum(p * ap)
        z = z + alpha * p
        r = r - alpha * ap
        new = ops.reduce_sum(r * r)
        p = r + (new / rr) * p
        rr = new
    return z


def wave(t):
    return ops.sin(t) * t


x = Tensor([1.2, 1.1, 0.9], ms.float32)
print('f', rosen(x), 'g', grad(x))
for k in range(2):
    step = cg(x, grad(x), 3)
    x = x - step
    print(k, rosen(x).asnumpy(), x.asnumpy())
value, pull = ms.vjp(rosen, Tensor([0.5, 0.4, 0.3], ms.float32))
print(value, pull(Tensor(2.0, ms.float32)))
out, tangent = ms.jvp(wave, x, Tensor([1.0, 0.0, 2.0], ms.float32))
print(out, tangent)
