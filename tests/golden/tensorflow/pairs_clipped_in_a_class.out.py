"""A network in a class that clips the pairs of compute_gradients in place."""
import numpy as np
import mindspore as ms
from mindspore import nn, ops


def maximum(x, y):
    return ops.where(x >= y, x, y)


def clip_by_norm(t, clip_norm, axes=None):
    norm = ops.sqrt(ops.sum(t * t, axes, True))
    return t * clip_norm / maximum(norm, ops.zeros_like(norm) + clip_norm)


class Net(object):
    def __init__(self, lr=0.1):
        r = np.random.RandomState(0)
        self.w = ms.Parameter(ms.Tensor(r.randn(2, 3).astype(np.float32) * 0.5))
        self.v = ms.Parameter(ms.Tensor(r.randn(3).astype(np.float32) * 0.5))
        self.optimizer = nn.RMSProp([self.w, self.v], lr, decay=0.9, epsilon=0.01)

    def q(self, x):
        h = ops.tanh(ops.matmul(x, self.w))
        return ops.sum(h * self.v, 1)

    def loss(self, x, t):
        return ops.mean(ops.square(self.q(x) - t))

    def train_op(self, x, t):
        grads = ops.GradOperation(get_by_list=True)(self.loss, ms.ParameterTuple([self.w, self.v]))(x, t)
        clipped = [clip_by_norm(grad, 0.3) for grad in grads]
        self.optimizer(tuple(clipped))

    def step(self, x, t):
        x = ms.Tensor(x, ms.float32)
        t = ms.Tensor(t, ms.float32)
        loss = self.loss(x, t).asnumpy()
        self.train_op(x, t)
        return loss


net = Net()
data = np.random.RandomState(1)
for i in range(6):
    x = data.randn(5, 2)
    print(i, net.step(x, x[:, 0] * x[:, 1]))
print(net.q(ms.Tensor(np.eye(2), ms.float32)).asnumpy())
