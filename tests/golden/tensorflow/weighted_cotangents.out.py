import mindspore as ms
from mindspore import ops

w = ms.Parameter(ms.Tensor([1.0, 2.0, 3.0], ms.float32), name='w')


def scaled(x):
    return x * w


def total(x):
    return ops.sum(scaled(x) ** 2)


weights = ms.Tensor([1.0, 0.0, -1.0], ms.float32)


def along(x):
    return ops.GradOperation(sens_param=True)(scaled)(x, weights)


def gradients_of_total(x):
    input_grads, weight_grads = ops.GradOperation(get_all=True, get_by_list=True)(total, ms.ParameterTuple([w]))(x)
    return input_grads[0], weight_grads[0]


for value in ([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]):
    print(along(ms.Tensor(value, ms.float32)).asnumpy(), [value.asnumpy() for value in gradients_of_total(ms.Tensor(value, ms.float32))])
