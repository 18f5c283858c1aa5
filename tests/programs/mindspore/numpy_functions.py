"""mindspore.numpy, also inside a lambda that is differentiated in place."""
import mindspore as ms
import mindspore.numpy as mnp
import mindspore.ops as ops


def energy(x, y):
    d = mnp.sqrt(mnp.square(x) + mnp.square(y))
    return mnp.sum(mnp.exp(-d) * mnp.where(x > y, x, y)) + mnp.mean(mnp.dot(x, y))


x = mnp.array([0.5, 1.0, 2.0])
y = mnp.array([1.5, 0.2, 0.3])
print(energy(x, y))
dx, dy = ops.GradOperation(get_all=True)(energy)(x, y)
print(dx)
print(dy)
z = mnp.linspace(0, 1, 5)
print(ms.grad(lambda t: mnp.sum(mnp.tanh(t) * mnp.arange(5).astype(mnp.float32)))(z))
