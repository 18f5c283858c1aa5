"""One wrapping cell, its options given by the caller, and every way to take the result apart."""
import mindspore.nn as nn
import mindspore.ops as ops
import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.array([0.5, -1.5, 2.0], np.float32)), name='w')
        self.b = Parameter(Tensor(np.array([0.1], np.float32)), name='b')

    def construct(self, x, y):
        return ops.sin(x * self.w) * y + self.b * x


class Grad(nn.Cell):
    def __init__(self, net, get_all=False, get_by_list=False, sens_param=False):
        super(Grad, self).__init__()
        self.net = net
        self.params = ParameterTuple(net.trainable_params())
        self.get_by_list = get_by_list
        self.op = ops.GradOperation(get_all=get_all, get_by_list=get_by_list, sens_param=sens_param)

    def construct(self, *args):
        if self.get_by_list:
            return self.op(self.net, self.params)(*args)
        return self.op(self.net)(*args)


net = Net()
x = Tensor(np.array([1.0, 2.0, 3.0], np.float32))
y = Tensor(np.array([0.3, 0.2, 0.1], np.float32))
sens = Tensor(np.array([1.0, 10.0, 100.0], np.float32))
print('none', Grad(net)(x, y).asnumpy())
dx, dy = Grad(net, get_all=True)(x, y)
print('all', dx.asnumpy(), dy.asnumpy())
dw, db = Grad(net, get_by_list=True)(x, y)
print('list', dw.asnumpy(), db.asnumpy())
(dx, dy), (dw, db) = Grad(net, True, True)(x, y)
print('both', dx, dy, dw, db)
print('sens', Grad(net, sens_param=True)(x, y, sens))
g = Grad(net, get_all=True, sens_param=True)(x, y, sens)
print('all sens', g[0], g[1])
g = Grad(net, get_by_list=True, sens_param=True)(x, y, sens)
for part in g:
    print('list sens', part)
inputs, weights = Grad(net, get_all=True, get_by_list=True, sens_param=True)(x, y, sens)
print('everything', [i.asnumpy() for i in inputs], [w.asnumpy() for w in weights])
