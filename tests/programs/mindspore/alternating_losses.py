"""GAN-like alternating updates with two optimizers and parameter filters."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, Parameter, ParameterTuple


class Generator(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([[0.5, -0.3]], ms.float32), name="g_w")
        self.b = Parameter(Tensor([0.1, 0.0], ms.float32), name="g_b")

    def construct(self, z):
        return ops.tanh(ops.matmul(z, self.w) + self.b)


class Discriminator(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([[0.2], [0.4]], ms.float32), name="d_w")

    def construct(self, x):
        return ops.sigmoid(ops.matmul(x, self.w))


class DLoss(nn.Cell):
    def __init__(self, g, d):
        super().__init__(auto_prefix=False)
        self.g, self.d = g, d

    def construct(self, real, z):
        fake = ops.stop_gradient(self.g(z))
        return -ops.reduce_mean(ops.log(self.d(real)) + ops.log(1 - self.d(fake)))


class GLoss(nn.Cell):
    def __init__(self, g, d):
        super().__init__(auto_prefix=False)
        self.g, self.d = g, d

    def construct(self, z):
        return -ops.reduce_mean(ops.log(self.d(self.g(z))))


class TrainStep(nn.Cell):
    def __init__(self, loss, params, lr):
        super().__init__(auto_prefix=False)
        self.loss = loss
        self.weights = ParameterTuple(params)
        self.opt = nn.SGD(self.weights, learning_rate=lr)
        self.grad = ops.GradOperation(get_by_list=True)

    def construct(self, *inputs):
        value = self.loss(*inputs)
        grads = self.grad(self.loss, self.weights)(*inputs)
        self.opt(grads)
        return value


g, d = Generator(), Discriminator()
train_d = TrainStep(DLoss(g, d), d.trainable_params(), 0.2)
train_g = TrainStep(GLoss(g, d), g.trainable_params(), 0.1)
rs = np.random.RandomState(11)
for step in range(6):
    real = Tensor(rs.normal(0.5, 0.1, (8, 2)), ms.float32)
    z = Tensor(rs.normal(size=(8, 1)), ms.float32)
    dl = train_d(real, z)
    gl = train_g(z)
    print("step %d d %.5f g %.5f" % (step, float(dl.asnumpy()), gl.asnumpy()))
print(g.w.asnumpy(), g.b.value(), d.w.asnumpy().T)
