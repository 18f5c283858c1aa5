"""jit, ms_function behind a guard, and gradients of decorated functions and methods."""
import mindspore as ms
from mindspore import Tensor, jit, nn, ops

try:
    from mindspore import ms_function
except ImportError:
    from mindspore import jit as ms_function

ms.set_context(mode=ms.PYNATIVE_MODE)


@jit
def f(x):
    return ops.sin(x) * x


@ms_function
def g(x, y):
    return f(x) + y


class Net(nn.Cell):
    @jit
    def construct(self, x):
        return g(x, x * 2)


x = Tensor([0.5, 1.0], ms.float32)
net = Net()
net.set_grad(True)
print(net(x), ms.grad(net)(x))
step = ms.jit(ms.grad(f))
print(step(x))


@ms.jit
def train(x):
    loss, grad = ms.value_and_grad(f)(x)
    return loss, grad


value, grad = train(x)
print(value, grad)
