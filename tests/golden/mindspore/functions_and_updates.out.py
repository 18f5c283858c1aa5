"""A function, its gradient, and a function that only updates."""
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


w = tf.Variable([1.0, -2.0], dtype=tf.float32, name='w')


def loss():
    return tf.reduce_sum(tf.cos(w) * w)


def step(rate):
    update = tf.assign(w, w - rate * tf.gradients(loss(), w, unconnected_gradients="zero")[0])
    return update


for i in range(4):
    run(step, 0.1)
    print(i, run(loss), evaluate(w))
