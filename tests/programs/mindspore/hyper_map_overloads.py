"""MultitypeFuncGraph with HyperMap: clipping, scaling, and global norm clipping of the result."""
import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops import composite as C
from mindspore.ops import functional as F

clip_grad = C.MultitypeFuncGraph("clip_grad")


@clip_grad.register("Number", "Number", "Tensor")
def _clip_grad(clip_type, clip_value, grad):
    if clip_type not in (0, 1):
        return grad
    dt = F.dtype(grad)
    if clip_type == 0:
        new_grad = C.clip_by_value(grad, F.cast(F.tuple_to_array((-clip_value,)), dt), F.cast(F.tuple_to_array((clip_value,)), dt))
    else:
        new_grad = nn.ClipByNorm()(grad, F.cast(F.tuple_to_array((clip_value,)), dt))
    return new_grad


grad_scale = C.MultitypeFuncGraph("grad_scale")


@grad_scale.register("Tensor", "Tensor")
def tensor_grad_scale(scale, grad):
    return grad * ops.Reciprocal()(scale)


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.array([1.0, 2.0, 3.0], np.float32)), name='w')
        self.v = Parameter(Tensor(np.array([0.5, 0.5, 0.5], np.float32)), name='v')

    def construct(self, x):
        return ops.reduce_sum(self.w * x * x) + ops.reduce_sum(self.v * x)


class ClipGrad(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.weights = ms.ParameterTuple(net.trainable_params())
        self.grad = C.GradOperation(get_by_list=True)
        self.hyper_map = C.HyperMap()
        self.scale = Tensor(4.0, ms.float32)

    def construct(self, x):
        grads = self.grad(self.net, self.weights)(x)
        clipped = self.hyper_map(F.partial(clip_grad, 0, 1.5), grads)
        scaled = self.hyper_map(F.partial(grad_scale, self.scale), grads)
        return clipped, scaled


net = ClipGrad(Net())
clipped, scaled = net(Tensor(np.array([1.0, 2.0, -3.0], np.float32)))
print([c.asnumpy() for c in clipped])
print([s.asnumpy() for s in scaled])
norm = ops.clip_by_global_norm(scaled, 1.0)
print(norm[0], norm[1])
