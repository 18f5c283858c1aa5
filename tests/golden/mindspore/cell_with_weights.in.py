"""A dense layer, its gradients by inputs and weights, and a step against them."""
import numpy as np
import mindspore as ms
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.eye(3), ms.float32), name='w')
        self.b = Parameter(Tensor(np.zeros(3), ms.float32), name='b')

    def construct(self, x):
        return ops.tanh(ops.matmul(x, self.w) + self.b)


class GradNet(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.weights = ParameterTuple(net.trainable_params())
        self.grad = ops.GradOperation(get_all=True, get_by_list=True)

    def construct(self, x):
        return self.grad(self.net, self.weights)(x)


net = Net()
grad_net = GradNet(net)
x = Tensor([[0.5, -1.0, 2.0]], ms.float32)
for step in range(3):
    inputs, weights = grad_net(x)
    print(step, inputs[0].asnumpy())
    for p, g in zip(net.trainable_params(), weights):
        ops.assign(p, p - 0.1 * g)
print(net(x).asnumpy())
