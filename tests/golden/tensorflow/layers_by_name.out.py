import numpy as np
import mindspore as ms
from mindspore import nn, ops
from mindspore.common.initializer import initializer


parameters = {}


def get_parameter(name, value):
    """The Parameter of a name, made with value() when it is asked for first."""
    if name not in parameters:
        parameters[name] = ms.Parameter(value(), name=name)
    return parameters[name]


def dense_layer(inputs, units, name, activation=None, use_bias=True, kernel=None, bias=None):
    """A dense layer whose Parameters have a name; kernel and bias give their initial values for a shape."""
    start = kernel or (lambda shape: initializer('xavier_uniform', shape, ms.float32))
    outputs = ops.matmul(inputs, get_parameter(name + '/kernel', lambda: start((inputs.shape[-1], units))))
    if use_bias:
        zero = bias or (lambda shape: initializer('zeros', shape, ms.float32))
        outputs = outputs + get_parameter(name + '/bias', lambda: zero((units,)))
    return outputs if activation is None else activation(outputs)


INIT = np.linspace(-0.5, 0.5, 8, dtype=np.float32)


def encoder(x):
    """Two numbers for each row."""
    h = dense_layer(x, 4, 'encoder/hidden', activation=ops.tanh, kernel=lambda shape: initializer(0.3, shape, ms.float32))
    w = get_parameter('encoder/w', lambda: ms.Tensor(INIT.reshape(4, 2)))
    return ops.matmul(h, w)


# the same weights on both sides
def distance(left, right):
    return ops.sum(ops.square(encoder(left) - encoder(right)), 1)


distance(ops.zeros((1, 3), ms.float32), ops.zeros((1, 3), ms.float32))  # makes its Parameters


def loss(left, right):
    return ops.mean(distance(left, right))


weights = [v for v in list(parameters.values()) if v.name.startswith('encoder/hidden')]


def grads(left, right):
    return ops.GradOperation(get_by_list=True)(loss, ms.ParameterTuple(weights))(left, right)


optimizer = nn.Adam(weights, 0.01)


def train(left, right):
    optimizer(ops.GradOperation(get_by_list=True)(loss, weights)(left, right))


left = ms.Tensor(np.eye(3), ms.float32)
right = ms.Tensor(np.ones((3, 3)), ms.float32)
for v, g in zip(weights, [grad.asnumpy() for grad in grads(left, right)]):
    print(v.name, g.sum())
train(left, right)
print([loss(left, right).asnumpy(), distance(left, right).asnumpy()])
