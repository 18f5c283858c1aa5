import numpy as np
import mindspore as ms
from mindspore import Tensor, ops, Parameter
from mindspore.ops import composite as C
from mindspore.ops import operations as P
from mindspore.ops import functional as F
import mindspore.nn as nn


class Attention(nn.Cell):
    def __init__(self, size):
        super(Attention, self).__init__()
        r = np.random.RandomState(2)
        self.wq = Parameter(Tensor(r.randn(size, size).astype(np.float32) * 0.4), 'wq')
        self.wk = Parameter(Tensor(r.randn(size, size).astype(np.float32) * 0.4), 'wk')
        self.matmul = P.MatMul()
        self.matmul_t = P.MatMul(transpose_b=True)
        self.softmax = P.Softmax(-1)
        self.sum = P.ReduceSum(keep_dims=False)
        self.scale = Tensor(1.0 / np.sqrt(size), ms.float32)

    def construct(self, x, mask):
        q = self.matmul(x, self.wq)
        k = self.matmul(x, self.wk)
        scores = self.matmul_t(q, k) * self.scale + (1.0 - mask) * -1e4
        weights = self.softmax(scores)
        return self.sum(F.square(self.matmul(weights, x)), 1)


grad_all = C.GradOperation(get_all=True, sens_param=True)
grad_list = C.GradOperation(get_by_list=True, sens_param=True)
net = Attention(3)
x = Tensor(np.random.RandomState(4).randn(4, 3).astype(np.float32))
mask = Tensor(np.tril(np.ones((4, 4), np.float32)))
sens = Tensor(np.array([1, 0.5, 0.25, 2], np.float32))
out = net(x, mask)
print(out.asnumpy())
gx, gm = grad_all(net)(x, mask, sens)
print(gx.asnumpy())
print(gm.shape, P.ReduceMax()(P.Abs()(gm)).asnumpy() > 0)
gw = grad_list(net, ms.ParameterTuple(net.trainable_params()))(x, mask, sens)
for p, g in zip(net.trainable_params(), gw):
    print(p.name, g.shape, np.round(g.asnumpy(), 5).tolist())
clipped = C.clip_by_global_norm(gw, 0.5)
print([float(F.reduce_sum(F.square(c)).asnumpy()) for c in clipped])
