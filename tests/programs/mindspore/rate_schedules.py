import math
import numpy as np
import mindspore as ms
from mindspore import nn, Tensor, ops

ms.set_seed(0)


def cosine(lr_min, lr_max, total, warm):
    out = []
    for i in range(total):
        if i < warm:
            out.append(lr_max * (i + 1) / warm)
        else:
            out.append(lr_min + 0.5 * (lr_max - lr_min) * (1 + math.cos(math.pi * (i - warm) / (total - warm))))
    return out


class Quad(nn.Cell):
    def __init__(self):
        super().__init__()
        self.p = ms.Parameter(Tensor(np.array([1.0, -2.0, 3.0], np.float32)), name='p')

    def construct(self, scale):
        return (self.p * self.p * scale).sum()


scale = Tensor([1.0, 0.5, 0.1], ms.float32)


def run(name, schedule, make):
    net = Quad()
    opt = make(net.trainable_params(), schedule)
    step = nn.TrainOneStepCell(net, opt)
    losses = [step(scale).asnumpy() for _ in range(6)]
    print(name, np.array(losses).round(5), net.p.asnumpy())


run('cosine', cosine(0.01, 0.3, 6, 2), lambda p, s: nn.SGD(p, learning_rate=s))
run('decay', nn.ExponentialDecayLR(0.2, 0.5, 2, is_stair=False), lambda p, s: nn.Momentum(p, s, 0.5))
run('piece', nn.piecewise_constant_lr([2, 6], [0.2, 0.05]), lambda p, s: nn.SGD(p, s))
run('poly', nn.PolynomialDecayLR(0.3, 0.01, 5, 1.0), lambda p, s: nn.Adam(p, learning_rate=s))
