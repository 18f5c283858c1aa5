"""A dense layer, its gradients by inputs and weights, and a step against them."""
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.enable_resource_variables()


sess = tf.Session()
_graphs = {}
_ready = set()


def initialize():
    """Give the variables made since the last call their initial values."""
    new = [v for v in tf.global_variables() if v.name not in _ready]
    _ready.update(v.name for v in new)
    if new:
        sess.run(tf.variables_initializer(new))


def evaluate(value):
    """The value of a tensor, or of every tensor in a tuple, list or dict, in one sess.run."""
    initialize()
    return fetch(value, {})


def fetch(value, feeds):
    """sess.run for structures that hold other things than tensors too."""
    found = []

    def replaced(part, values=None):
        if isinstance(part, dict):
            return {k: replaced(v, values) for k, v in part.items()}
        if isinstance(part, (list, tuple)):
            return type(part)(replaced(v, values) for v in part)
        if not hasattr(part, "graph"):
            return part
        if values is None:
            found.append(part)
            return None
        return next(values)

    replaced(value)
    return replaced(value, iter(sess.run(found, feeds)))


def run(build, *args):
    """build(*args) in one sess.run: arrays are fed, the graph is built once per signature of the arguments."""
    arrays = []
    args = narrowed(args)

    def signature(value):
        if isinstance(value, (np.ndarray, np.generic)):
            arrays.append(value)
            return value.shape, value.dtype.str
        if type(value) in (list, tuple):
            return (type(value), *map(signature, value))
        return type(value), value if isinstance(value, (int, float, str)) else id(value)

    def with_placeholders(value):
        if isinstance(value, (np.ndarray, np.generic)):
            feeds.append(tf.placeholder(value.dtype, value.shape))
            return feeds[-1]
        return type(value)(map(with_placeholders, value)) if type(value) in (list, tuple) else value

    owner = getattr(build, "__self__", None)
    code = getattr(build, "__code__", None)
    cells = tuple(id(c.cell_contents) for c in getattr(build, "__closure__", None) or ())
    key = (code, cells, id(owner)) if code is not None else id(build), signature(args)
    if key not in _graphs:
        feeds = []
        fetches = build(*with_placeholders(args))
        initialize()
        _graphs[key] = fetches, feeds, build, args
    fetches, feeds = _graphs[key][:2]
    return fetch(fetches, dict(zip(feeds, arrays)))


def narrowed(value):
    """NumPy's float64 scalars, which stand for Python's numbers, as float32; NumPy 1 makes them of float32 ones."""
    if type(value) in (list, tuple):
        return type(value)(map(narrowed, value))
    return np.float32(value) if isinstance(value, np.float64) else value


def parameters(cell):
    """The variables of a cell and of the cells it holds; its own come first."""
    parts = [*vars(cell).values(), *(cell if isinstance(cell, list) else ())]
    own = [p for p in parts if hasattr(p, "initializer")]
    cells = [p for p in parts if (callable(p) or isinstance(p, list)) and hasattr(p, "__dict__") and not isinstance(p, type)]
    return list(dict.fromkeys(own + [v for c in cells for v in parameters(c)]))


def trainable_variables(cell):
    """The trainable variables of a cell and of the cells it holds; its own come first."""
    return [v for v in parameters(cell) if v.trainable]


def matmul(a, b):
    """Products of matrices and vectors, with broadcast batch dimensions."""
    if a.shape.ndims == 1 and b.shape.ndims == 1:
        return tf.reduce_sum(a * b)
    if b.shape.ndims == 1:
        return tf.linalg.matvec(a, b)
    if a.shape.ndims == 1:
        return tf.squeeze(tf.matmul(tf.expand_dims(a, 0), b), -2)
    return tf.matmul(a, b)


class Net:
    def __init__(self):
        self.w = tf.Variable(np.eye(3), dtype=tf.float32, name='w')
        self.b = tf.Variable(np.zeros(3), dtype=tf.float32, name='b')

    def __call__(self, x):
        return tf.tanh(matmul(x, self.w) + self.b)


class GradNet:
    def __init__(self, net):
        self.net = net
        self.weights = trainable_variables(net)

    def __call__(self, x):
        grads = tf.gradients(self.net(x), [x, *self.weights], unconnected_gradients="zero")
        return (grads[:1], grads[1:])


net = Net()
grad_net = GradNet(net)
x = tf.constant([[0.5, -1.0, 2.0]], dtype=tf.float32)
for step in range(3):
    inputs, weights = run(grad_net, x)
    print(step, inputs[0])
    for p, g in zip(trainable_variables(net), weights):
        run(lambda p, x1: tf.assign(p, p - x1), p, 0.1 * g)
print(evaluate(net(x)))
