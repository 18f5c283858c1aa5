import numpy as np
import mindspore as ms
from mindspore import ops, nn, Tensor, Parameter, ParameterTuple
from functools import partial, reduce

a = Parameter(Tensor([1.0, 2.0], ms.float32), name='a')
b = Parameter(Tensor([[0.5, -1.5]], ms.float32), name='b')
plist = ParameterTuple([a, b])


def f(x):
    return ops.sum(a * x) + ops.sum(b * b * x * x)


gr = ops.GradOperation(get_by_list=True)(f, plist)
x = Tensor([0.3, -0.6], ms.float32)
grads = gr(x)


def scale(g, k):
    return g * k


map_ = ops.Map()
hyper = ops.HyperMap()
halved = hyper(ops.partial(lambda k, g: g * k, 0.5), grads)
print([h.asnumpy() for h in halved])
doubled = map_(ops.partial(scale, k=2.0), grads) if False else tuple(map(lambda g: scale(g, 2.0), grads))
print(doubled[0].asnumpy(), doubled[1].asnumpy())
total = reduce(lambda s, g: s + ops.reduce_sum(g ** 2), grads, Tensor(0.0, ms.float32))
print('norm', ops.sqrt(total))
abs_max = max(float(ops.abs(g).max()) for g in grads)
print('max %.4f' % abs_max)
clipped = ops.clip_by_global_norm(grads, 1.0)
for c, g in zip(clipped, grads):
    print(c.shape == g.shape, c.asnumpy().ravel())
by_value = ops.clip_by_value(grads, -0.5, 0.5)
print(by_value[1].asnumpy())
hyper(ops.assign, plist, halved)
print(a.asnumpy(), b.asnumpy())
named = {p.name: g for p, g in zip(plist, gr(x))}
for k in sorted(named):
    print(k, named[k].asnumpy())
