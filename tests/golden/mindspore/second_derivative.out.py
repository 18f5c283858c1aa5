import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


sess = tf.Session()
_graphs = {}
_ready = set()


def initialize():
    """Give the variables made since the last call their initial values."""
    new = [v for v in tf.global_variables() if v.name not in _ready]
    _ready.update(v.name for v in new)
    if new:
        sess.run(tf.variables_initializer(new))


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


def as_list(value):
    return [] if value is None else list(value) if isinstance(value, (tuple, list)) else [value]


def gradient(fn, weights=None, get_all=False, get_by_list=False, sens_param=False):
    """The function that gives the gradients of fn: of its first input, of all inputs, of weights, or of both."""
    def gradients(*inputs, sens=None):
        inputs = [tf.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
        if sens_param and sens is None:
            sens = inputs.pop()
        tensors = [x for x in inputs if hasattr(x, "graph")]
        xs = tensors if get_all else [] if get_by_list else tensors[:1]
        variables = as_list(weights) if get_by_list else []
        grads = [tf.convert_to_tensor(g) for g in tf.gradients(fn(*inputs), xs + variables, sens, unconnected_gradients="zero")]
        first = tuple(grads[:len(xs)]) if get_all else grads[0]
        second = tuple(grads[len(xs):]) if isinstance(weights, (tuple, list)) else grads[-1]
        return (first, second) if get_all and get_by_list else second if get_by_list else first
    return gradients


def f(x):
    return tf.sin(x) * x


first = gradient(f)
second = gradient(first)
for value in np.linspace(0.0, 1.0, 3):
    x = np.array(value, np.float32)
    print(run(f, x), run(first, x), run(second, x))
