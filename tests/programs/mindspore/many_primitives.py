"""A cell that holds two dozen primitives with options of their own."""
import mindspore.common.dtype as mstype
import mindspore.nn as nn
import mindspore.ops.operations as P
import numpy as np
from mindspore import Tensor, ops


class Net(nn.Cell):
    def __init__(self):
        super(Net, self).__init__()
        self.concat = P.Concat(axis=1)
        self.split = P.Split(axis=1, output_num=2)
        self.transpose = P.Transpose()
        self.reshape = P.Reshape()
        self.softmax = P.Softmax(axis=-1)
        self.log = P.Log()
        self.exp = P.Exp()
        self.pow = P.Pow()
        self.mean = P.ReduceMean(keep_dims=True)
        self.sum = P.ReduceSum(keep_dims=False)
        self.tile = P.Tile()
        self.gather = P.Gather()
        self.expand = P.ExpandDims()
        self.squeeze = P.Squeeze(0)
        self.cast = P.Cast()
        self.stack = P.Stack(axis=0)
        self.onehot = P.OneHot()
        self.on, self.off = Tensor(1.0, mstype.float32), Tensor(0.0, mstype.float32)
        self.sqrt = P.Sqrt()
        self.div = P.Div()
        self.maximum = P.Maximum()
        self.slice = P.StridedSlice()
        self.pad = P.Pad(((1, 0), (0, 1)))

    def construct(self, x, idx):
        a, b = self.split(x)
        c = self.concat((b, a))
        t = self.transpose(c, (1, 0))
        s = self.softmax(t)
        m = self.mean(s, 1)
        r = self.reshape(self.log(s + 1.0), (-1,))
        g = self.gather(r, idx, 0)
        o = self.onehot(idx, 4, self.on, self.off)
        e = self.expand(self.exp(g), 0)
        q = self.squeeze(e)
        k = self.stack((q, q * 2))
        p = self.pow(k, 2.0)
        tl = self.tile(m, (1, 3))
        mx = self.maximum(tl, 0.3)
        st = self.slice(t, (0, 0), (2, 2), (1, 1))
        return (self.sum(p, ()) + self.sum(self.div(mx, 2.0), ()) + self.sum(self.pad(st) * 0.5)
                + self.sum(o * 0.1) + self.sqrt(self.sum(x * x)))


class GradNet(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.grad = ops.GradOperation(get_all=True)

    def construct(self, x, idx):
        return self.grad(self.net)(x, idx)


net = Net()
x = Tensor(np.arange(8).reshape(2, 4) / 7.0, mstype.float32)
idx = Tensor(np.array([1, 3, 2]), mstype.int32)
print(net(x, idx))
print(GradNet(net)(x, idx)[0])
