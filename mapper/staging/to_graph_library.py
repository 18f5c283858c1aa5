# mypy: ignore-errors
"""TensorFlow 1 code that converted programs get a copy of: each definition here is copied, with those it uses, only
into the programs that need it. It is read as text and never imported by mapper.
"""

import numpy as np
import tensorflow.compat.v1 as tf

sess = tf.Session()
_graphs = {}
_ready = set()
_names = {}


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


def parameters_and_names(cell, prefix="", seen=None):
    """(path, variable) for every variable of a cell and of the cells it holds; its own come first."""
    seen = set() if seen is None else seen
    parts = list(zip(getattr(cell, "names", None) or range(len(cell)), cell)) if isinstance(cell, (list, tuple)) else list(vars(cell).items())
    found = []
    for name, part in parts:
        if hasattr(part, "initializer") and id(part) not in seen:
            seen.add(id(part))
            found.append((f"{prefix}{name}", part))
    for name, part in parts:
        if (callable(part) or isinstance(part, list)) and hasattr(part, "__dict__") and id(part) not in seen:
            seen.add(id(part))
            found += parameters_and_names(part, f"{prefix}{name}.", seen)
    return found


class CellList(list):
    """A list whose cells belong to the cell that holds it."""

    def __init__(self, *cells):
        named = cells[0] if len(cells) == 1 and isinstance(cells[0], dict) else {}
        self.names = list(named)
        super().__init__(named.values() or (cells[0] if len(cells) == 1 and isinstance(cells[0], (list, tuple)) else cells))


class Sequential(CellList):
    """Cells called one after the other."""

    def __call__(self, x):
        for cell in self:
            x = cell(x)
        return x


def cloned(variables, prefix="", init="same"):
    """New variables like these, with the values that these have or with others."""
    return [tf.Variable(evaluate(v) if init == "same" else initial_value(init, v.shape.as_list(), None), name=f"{prefix}.{v.op.name}")
            for v in variables]


def initial_value(value, shape, default):
    """An initial value given as an array, a number, or the name of an initializer."""
    value = default if value is None else value
    if value == "zeros" if isinstance(value, str) else value is None:
        return tf.zeros(shape)
    if isinstance(value, str):
        fan_out, fan_in = shape[0] * int(np.prod(shape[2:])), int(np.prod(shape[1:]))
        limits = {"xavier_uniform": (6 / (fan_in + fan_out)) ** 0.5, "he_uniform": (1 / fan_in) ** 0.5,
                  "uniform": 0.07, "fan_in": (1 / fan_in) ** 0.5}
        if value == "ones":
            return tf.ones(shape)
        if value in limits:
            return tf.random_uniform(shape, -limits[value], limits[value])
        return tf.random_normal(shape, stddev=0.01)
    if isinstance(value, (int, float)):
        return tf.fill(shape, float(value))
    return value(shape) if callable(value) else value


class Dense:
    """y = activation(x wᵀ + b) with w of shape [out_channels, in_channels]."""

    def __init__(self, in_channels, out_channels, weight_init=None, bias_init=None, has_bias=True, activation=None):
        self.weight = tf.Variable(initial_value(weight_init, [out_channels, in_channels], "he_uniform"), name="weight")
        self.bias = None
        if has_bias:
            limit = in_channels ** -0.5
            default = bias_init if bias_init is not None else tf.random_uniform([out_channels], -limit, limit)
            self.bias = tf.Variable(initial_value(default, [out_channels], None), name="bias")
        self.activation = activation

    def __call__(self, x):
        rank = x.shape.ndims
        if rank is not None and rank > 2:
            y = tf.tensordot(x, self.weight, [[rank - 1], [1]])
        else:
            y = tf.matmul(x, self.weight, transpose_b=True)
        if self.bias is not None:
            y = y + self.bias
        return y if self.activation is None else self.activation(y)


def activation(name):
    """The function behind an activation that is given by name."""
    named = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "relu6": tf.nn.relu6, "elu": tf.nn.elu, "softmax": tf.nn.softmax,
             "logsoftmax": tf.nn.log_softmax, "softplus": tf.nn.softplus, "leakyrelu": tf.nn.leaky_relu, "gelu": gelu_tanh}
    return named[name.lower()] if isinstance(name, str) else name


def set_train(cell, mode=True):
    """Training or inference, for a cell and the cells it holds."""
    cell.training = mode
    for part in [*vars(cell).values(), *(cell if isinstance(cell, list) else ())]:
        if (callable(part) or isinstance(part, list)) and hasattr(part, "__dict__") and not isinstance(part, type):
            set_train(part, mode)


class Conv2d:
    """Convolution of [batch, channels, height, width] with a weight of [out, in // group, kernel, kernel]."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, pad_mode="same", padding=0, dilation=1,
                 group=1, has_bias=False, weight_init=None, bias_init=None, data_format="NCHW"):
        size = pair(kernel_size)
        shape = [out_channels, in_channels // group, *size]
        self.weight = tf.Variable(initial_value(weight_init, shape, "he_uniform"), name="weight")
        self.bias = tf.Variable(initial_value(bias_init, [out_channels], "zeros"), name="bias") if has_bias else None
        self.stride, self.dilation, self.group = pair(stride), pair(dilation), group
        self.pad_mode, self.padding = pad_mode, padding

    def __call__(self, x):
        x = tf.transpose(x, [0, 2, 3, 1])
        if self.pad_mode == "pad":
            top, bottom, left, right = self.padding if isinstance(self.padding, tuple) else [self.padding] * 4
            x = tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]])
        padding = "SAME" if self.pad_mode == "same" else "VALID"
        kernel = tf.transpose(self.weight, [2, 3, 1, 0])
        parts = zip(tf.split(x, self.group, 3), tf.split(kernel, self.group, 3))
        y = tf.concat([tf.nn.conv2d(part, filters, strides=[1, *self.stride, 1], padding=padding,
                                    dilations=[1, *self.dilation, 1]) for part, filters in parts], 3)
        if self.bias is not None:
            y = y + self.bias
        return tf.transpose(y, [0, 3, 1, 2])


def pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


class MaxPool2d:
    """Maximum over windows of [batch, channels, height, width]."""

    def __init__(self, kernel_size=1, stride=1, pad_mode="valid", padding=0):
        self.size, self.stride, self.padding = pair(kernel_size), pair(stride), pad_mode.upper()

    def __call__(self, x):
        y = tf.nn.max_pool(tf.transpose(x, [0, 2, 3, 1]), ksize=[1, *self.size, 1], strides=[1, *self.stride, 1],
                           padding=self.padding)
        return tf.transpose(y, [0, 3, 1, 2])


class AvgPool2d:
    """Mean over windows of [batch, channels, height, width]."""

    def __init__(self, kernel_size=1, stride=1, pad_mode="valid", padding=0):
        self.size, self.stride, self.padding = pair(kernel_size), pair(stride), pad_mode.upper()

    def __call__(self, x):
        y = tf.nn.avg_pool(tf.transpose(x, [0, 2, 3, 1]), ksize=[1, *self.size, 1], strides=[1, *self.stride, 1],
                           padding=self.padding)
        return tf.transpose(y, [0, 3, 1, 2])


def conv2d(x, kernel, pad_mode, padding, stride, dilation, group, bias=None):
    """Convolution of [batch, channels, height, width] with a kernel of [out, in // group, height, width]."""
    x = tf.transpose(x, [0, 2, 3, 1])
    if pad_mode == "pad":
        top, bottom, left, right = padding if isinstance(padding, tuple) and len(padding) == 4 else [pair(padding)[0]] * 2 + [pair(padding)[1]] * 2
        x = tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]])
    kernel = tf.transpose(kernel, [2, 3, 1, 0])
    parts = zip(tf.split(x, group, 3), tf.split(kernel, group, 3))
    y = tf.concat([tf.nn.conv2d(part, filters, strides=[1, *pair(stride), 1], padding="SAME" if pad_mode == "same" else "VALID",
                                dilations=[1, *pair(dilation), 1]) for part, filters in parts], 3)
    return tf.transpose(y if bias is None else y + bias, [0, 3, 1, 2])


def layer_norm(x, gamma, beta, axis, epsilon):
    """Normalization over the dimensions from `axis` on: the result, the mean, the variance."""
    mean, variance = tf.nn.moments(x, list(range(axis % x.shape.ndims, x.shape.ndims)), keep_dims=True)
    return (x - mean) * tf.rsqrt(variance + epsilon) * gamma + beta, mean, variance


def flatten(x):
    """All dimensions but the first in one."""
    size = int(np.prod(x.shape.as_list()[1:]))
    return tf.reshape(x, [-1, size])


class LayerNorm:
    """Normalization over the last dimensions with a trained scale and shift."""

    def __init__(self, normalized_shape, begin_norm_axis=-1, begin_params_axis=-1, gamma_init="ones",
                 beta_init="zeros", epsilon=1e-7):
        shape = list(normalized_shape)
        self.gamma = tf.Variable(initial_value(gamma_init, shape, "ones"), name="gamma")
        self.beta = tf.Variable(initial_value(beta_init, shape, "zeros"), name="beta")
        self.axis, self.epsilon = begin_norm_axis, epsilon

    def __call__(self, x):
        axes = list(range(self.axis % x.shape.ndims, x.shape.ndims))
        mean, variance = tf.nn.moments(x, axes, keep_dims=True)
        return (x - mean) * tf.rsqrt(variance + self.epsilon) * self.gamma + self.beta


class Embedding:
    """Rows of a table."""

    def __init__(self, vocab_size, embedding_size, use_one_hot=False, embedding_table="normal"):
        table = initial_value(embedding_table, [vocab_size, embedding_size], "normal")
        self.embedding_table = tf.Variable(table, name="embedding_table")

    def __call__(self, ids):
        return tf.gather(self.embedding_table, ids)


class Dropout:
    """Inactive until trained: the identity."""

    def __init__(self, keep_prob=0.5, p=None):
        self.rate = 1 - keep_prob if p is None else p
        self.training = False

    def __call__(self, x):
        return tf.nn.dropout(x, rate=self.rate) if self.training else x


class BatchNorm:
    """Normalization by the moving mean and variance, over every dimension but the channels (the second)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.9, affine=True, gamma_init="ones", beta_init="zeros",
                 moving_mean_init="zeros", moving_var_init="ones", use_batch_statistics=None):
        shape = [num_features]
        self.gamma = tf.Variable(initial_value(gamma_init, shape, "ones"), name="gamma", trainable=affine)
        self.beta = tf.Variable(initial_value(beta_init, shape, "zeros"), name="beta", trainable=affine)
        self.moving_mean = tf.Variable(initial_value(moving_mean_init, shape, "zeros"), trainable=False)
        self.moving_variance = tf.Variable(initial_value(moving_var_init, shape, "ones"), trainable=False)
        self.eps, self.momentum, self.batch = eps, momentum, use_batch_statistics
        self.training = False

    def __call__(self, x):
        shape = [1, -1] + [1] * (x.shape.ndims - 2)
        mean, variance = self.moving_mean, self.moving_variance
        if self.batch or (self.batch is None and self.training):
            mean, variance = tf.nn.moments(x, [0] + list(range(2, x.shape.ndims)))
            count = tf.cast(tf.size(x) / tf.size(mean), x.dtype)
            updates = [tf.assign_sub(moving, (1 - self.momentum) * (moving - new)) for moving, new in (
                (self.moving_mean, mean), (self.moving_variance, variance * count / (count - 1)))]
            with tf.control_dependencies(updates):
                mean, variance = tf.identity(mean), tf.identity(variance)
        mean, variance, gamma, beta = (tf.reshape(v, shape) for v in (mean, variance, self.gamma, self.beta))
        return (x - mean) * tf.rsqrt(variance + self.eps) * gamma + beta


class GroupNorm:
    """Normalization over groups of channels, with a trained scale and shift per channel."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, gamma_init="ones", beta_init="zeros"):
        self.gamma = tf.Variable(initial_value(gamma_init, [num_channels], "ones"), name="gamma", trainable=affine)
        self.beta = tf.Variable(initial_value(beta_init, [num_channels], "zeros"), name="beta", trainable=affine)
        self.groups, self.eps = num_groups, eps

    def __call__(self, x):
        grouped = tf.reshape(x, [x.shape.as_list()[0], self.groups, -1])
        mean, variance = tf.nn.moments(grouped, [2], keep_dims=True)
        normal = tf.reshape((grouped - mean) * tf.rsqrt(variance + self.eps), tf.shape(x))
        return normal * tf.reshape(self.gamma, [1, -1, 1, 1]) + tf.reshape(self.beta, [1, -1, 1, 1])


class PReLU:
    """x where it is positive, w * x elsewhere; w is trained."""

    def __init__(self, channel=1, w=0.25):
        self.w = tf.Variable(initial_value(w, [channel], None), name="a")

    def __call__(self, x):
        w = self.w if x.shape.ndims < 2 else tf.reshape(self.w, [1, -1] + [1] * (x.shape.ndims - 2))
        return tf.nn.relu(x) - w * tf.nn.relu(-x)


class Conv1d:
    """Convolution of [batch, channels, width] with a weight of [out, in // group, 1, kernel]."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, pad_mode="same", padding=0, dilation=1, group=1,
                 has_bias=False, weight_init=None, bias_init=None):
        if hasattr(weight_init, "graph"):
            weight_init = tf.expand_dims(weight_init, 2)
        padding = (0, 0, padding, padding) if isinstance(padding, int) else padding
        self.conv = Conv2d(in_channels, out_channels, (1, kernel_size), (1, stride), pad_mode, padding, (1, dilation), group,
                           has_bias, weight_init, bias_init)

    def __call__(self, x):
        return tf.squeeze(self.conv(tf.expand_dims(x, 2)), axis=2)


class Conv2dTranspose:
    """The transpose of a convolution, for [batch, channels, height, width]; weight [in, out, kernel, kernel]."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, pad_mode="same", padding=0, output_padding=0, dilation=1,
                 group=1, has_bias=False, weight_init=None, bias_init=None):
        self.weight = tf.Variable(initial_value(weight_init, [in_channels, out_channels, *pair(kernel_size)], "he_uniform"), name="weight")
        self.bias = tf.Variable(initial_value(bias_init, [out_channels], "zeros"), name="bias") if has_bias else None
        self.size, self.stride, self.channels, self.pad_mode, self.padding = pair(kernel_size), pair(stride), out_channels, pad_mode, padding

    def __call__(self, x):
        batch, _, *extent = x.shape.as_list()
        if self.pad_mode == "same":
            shape = [n * s for n, s in zip(extent, self.stride)]
        else:
            shape = [n * s + max(k - s, 0) for n, s, k in zip(extent, self.stride, self.size)]
        y = tf.nn.conv2d_transpose(tf.transpose(x, [0, 2, 3, 1]), tf.transpose(self.weight, [2, 3, 1, 0]), [batch, *shape, self.channels],
                                   strides=[1, *self.stride, 1], padding="SAME" if self.pad_mode == "same" else "VALID")
        if self.pad_mode == "pad":
            p = self.padding if isinstance(self.padding, int) else self.padding[0]
            y = y[:, p:shape[0] - p, p:shape[1] - p]
        return tf.transpose(y if self.bias is None else y + self.bias, [0, 3, 1, 2])


def norm_cell(axis=(), keep_dims=False):
    """The length of vectors along an axis, or of everything."""
    return lambda x: tf.sqrt(tf.reduce_sum(tf.square(x), None if axis == () else axis, keepdims=keep_dims))


def clip_by_norm_cell(axis=None):
    """Tensors made no longer than a norm."""
    return lambda x, norm: tf.clip_by_norm(x, tf.reshape(norm, []), axis)


def array(value, dtype=None):
    """A tensor of numbers, of arrays or of tensors; Python floats are float32."""
    if hasattr(value, "graph"):
        return value if dtype is None else tf.cast(value, dtype)
    value = np.asarray(value)
    return tf.constant(value, dtype if dtype is not None else tf.float32 if value.dtype == np.float64 else value.dtype)


def full(shape, value, dtype=None):
    return tf.cast(tf.fill(shape, value), dtype) if dtype is not None else tf.fill(shape, value)


def arange(start, end=None, step=1, dtype=None):
    start, end = (0, start) if end is None else (start, end)
    values = tf.range(start, end, step)
    return tf.cast(values, dtype if dtype is not None else tf.int64 if values.dtype.is_integer else values.dtype)


def matmul(a, b):
    """Products of matrices and vectors, with broadcast batch dimensions."""
    if a.shape.ndims == 1 and b.shape.ndims == 1:
        return tf.reduce_sum(a * b)
    if b.shape.ndims == 1:
        return tf.linalg.matvec(a, b)
    if a.shape.ndims == 1:
        return tf.squeeze(tf.matmul(tf.expand_dims(a, 0), b), -2)
    return tf.matmul(a, b)


def dot(a, b):
    """The last dimension of a with the last but one of b; vectors and scalars too."""
    if 0 in (a.shape.ndims, b.shape.ndims):
        return a * b
    return tf.tensordot(a, b, [[-1], [-2 if b.shape.ndims > 1 else 0]])


def bias_add(x, bias):
    """A bias on the second dimension."""
    return x + tf.reshape(bias, [1, -1] + [1] * (x.shape.ndims - 2))


def clip(x, low, high):
    """Values below low become low, above high high; either may be None. Also for a list of tensors."""
    if isinstance(x, (list, tuple)):
        return [clip(part, low, high) for part in x]
    x = x if low is None else where(x < low, tf.cast(low, x.dtype), x)
    return x if high is None else where(x > high, tf.cast(high, x.dtype), x)


def where(condition, x, y):
    """x where the condition holds, else y; the three are broadcast."""
    dtype = x.dtype if hasattr(x, "graph") else y.dtype if hasattr(y, "graph") else None
    x, y = tf.convert_to_tensor(x, dtype), tf.convert_to_tensor(y, dtype)
    zeros = tf.zeros_like(x) + tf.zeros_like(y) + tf.zeros_like(tf.cast(condition, x.dtype))
    return tf.where(tf.logical_or(condition, tf.cast(zeros, tf.bool)), x + zeros, y + zeros)


def argmax(x, axis=None):
    return tf.argmax(tf.reshape(x, [-1]), 0) if axis is None else tf.argmax(x, axis)


def argmin(x, axis=None):
    return tf.argmin(tf.reshape(x, [-1]), 0) if axis is None else tf.argmin(x, axis)


def max_with_index(x, axis=None, keepdims=False):
    """The maximum and where it is."""
    index = argmax(x, axis)
    return tf.reduce_max(x, axis, keepdims=keepdims), tf.expand_dims(index, axis) if keepdims and axis is not None else index


def min_with_index(x, axis=None, keepdims=False):
    """The minimum and where it is."""
    index = argmin(x, axis)
    return tf.reduce_min(x, axis, keepdims=keepdims), tf.expand_dims(index, axis) if keepdims and axis is not None else index


def var(x, axis=None, ddof=0, keepdims=False):
    """The variance, divided by the number of elements minus ddof."""
    squares = tf.square(x - tf.reduce_mean(x, axis, keepdims=True))
    mean = tf.reduce_mean(squares, axis, keepdims=keepdims)
    if not ddof:
        return mean
    count = tf.cast(tf.size(squares) / tf.size(mean), x.dtype)
    return mean * count / (count - int(ddof))


def std(x, axis=None, ddof=0, keepdims=False):
    return tf.sqrt(var(x, axis, ddof, keepdims))


def split(x, size, axis=0):
    """Pieces of a size, or of several sizes."""
    if isinstance(size, (list, tuple)):
        return tf.split(x, list(size), axis)
    length = x.shape.as_list()[axis]
    return tf.split(x, [min(size, length - start) for start in range(0, length, size)], axis)


def tile(x, multiples):
    """Repetition of dimensions; missing ones are counted from the front."""
    multiples = list(multiples) if isinstance(multiples, (list, tuple)) else [multiples]
    missing = len(multiples) - x.shape.ndims
    x = tf.reshape(x, [1] * missing + x.shape.as_list()) if missing > 0 else x
    return tf.tile(x, [1] * -min(missing, 0) + multiples)


def one_hot(indices, depth, on=1, off=0, axis=-1):
    """`on` at the index, `off` elsewhere."""
    dtype = on.dtype if hasattr(on, "graph") else tf.int64 if isinstance(on, int) else tf.float32
    return tf.one_hot(indices, depth, axis=axis, dtype=dtype) * (on - off) + off


def swapaxes(x, a, b):
    order = list(range(x.shape.ndims))
    order[a], order[b] = order[b], order[a]
    return tf.transpose(x, order)


def hstack(parts):
    return tf.concat(parts, 0 if parts[0].shape.ndims == 1 else 1)


def sort(x, axis=-1, descending=False):
    """The sorted values and where they were."""
    direction = "DESCENDING" if descending else "ASCENDING"
    return tf.sort(x, axis, direction), tf.argsort(x, axis, direction)


def gather_elements(x, axis, index):
    """Elements of x, taken along one axis at the places that index says."""
    places = tf.meshgrid(*(tf.range(n) for n in index.shape.as_list()), indexing="ij")
    places[axis] = tf.cast(index, tf.int32)
    return tf.gather_nd(x, tf.stack(places, -1))


def pad(x, padding, mode="constant", value=None):
    """Padding given from the last dimension on: (left, right, top, bottom, …)."""
    pairs = [[0, 0]] * (x.shape.ndims - len(padding) // 2) + [list(padding[i:i + 2]) for i in range(len(padding) - 2, -1, -2)]
    return tf.pad(x, pairs, {"constant": "CONSTANT", "reflect": "REFLECT"}[mode], constant_values=value or 0)


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + tf.erf(x / np.float32(np.sqrt(2))))


def gelu_tanh(x):
    return gelu(x, "tanh")


def kl_div(logits, labels, reduction):
    """The divergence of labels from exp(logits)."""
    loss = where(labels > 0, labels * (tf.log(where(labels > 0, labels, 1.0)) - logits), 0.0)
    return tf.reduce_sum(loss) / tf.cast(tf.shape(logits)[0], loss.dtype) if reduction == "batchmean" else reduced(loss, reduction)


def cosine_similarity(a, b, axis, epsilon):
    norms = tf.norm(a, axis=axis) * tf.norm(b, axis=axis)
    return tf.reduce_sum(a * b, axis) / tf.maximum(norms, epsilon)


def bce_with_logits(logits, labels, weight=None, pos_weight=None, reduction="mean"):
    """Cross entropy of sigmoid(logits) with labels in [0, 1], weighted."""
    log_weight = 1.0 if pos_weight is None else 1 + (pos_weight - 1) * labels
    loss = (1 - labels) * logits + log_weight * tf.nn.softplus(-logits)
    return reduced(loss if weight is None else loss * weight, reduction)


def softmax_cross_entropy_and_gradient(logits, labels):
    """The loss of each row and its gradient, as the primitive gives them; no gradient flows to the labels."""
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    return loss, tf.nn.softmax(logits) - labels


def dropout_with_mask(x, keep_prob):
    return tf.nn.dropout(x, rate=1 - keep_prob), tf.ones_like(x)


class Loss:
    """A loss from the elementwise loss of two tensors."""

    def __init__(self, elementwise, reduction="mean"):
        self.elementwise, self.reduction = elementwise, reduction

    def __call__(self, *inputs):
        return reduced(self.elementwise(*inputs), self.reduction)


def reduced(loss, reduction):
    return tf.reduce_mean(loss) if reduction == "mean" else tf.reduce_sum(loss) if reduction == "sum" else loss


def mse_loss(reduction="mean"):
    """Mean (or sum) of the squared differences."""
    return Loss(lambda logits, labels: tf.square(logits - labels), reduction)


def l1_loss(reduction="mean"):
    """Mean (or sum) of the absolute differences."""
    return Loss(lambda logits, labels: tf.abs(logits - labels), reduction)


def smooth_l1_loss(beta=1.0, reduction="none"):
    """Squared below beta, linear above."""
    def elementwise(logits, labels):
        distance = tf.abs(logits - labels)
        return tf.where(distance < beta, 0.5 * tf.square(distance) / beta, distance - 0.5 * beta)
    return Loss(elementwise, reduction)


def huber_loss(reduction="mean", delta=1.0):
    """Squared below delta, linear above."""
    def elementwise(logits, labels):
        distance = tf.abs(logits - labels)
        return tf.where(distance < delta, 0.5 * tf.square(distance), delta * (distance - 0.5 * delta))
    return Loss(elementwise, reduction)


def softmax_cross_entropy(sparse=False, reduction="none"):
    """Cross entropy of softmax(logits) with class numbers (sparse) or with distributions."""
    def elementwise(logits, labels):
        if sparse:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        return tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    return Loss(elementwise, reduction)


def cross_entropy(reduction="mean", label_smoothing=0.0):
    """Cross entropy of softmax(logits) with class numbers or with distributions."""
    def elementwise(logits, labels):
        if not labels.dtype.is_integer and not label_smoothing:
            return tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        if not label_smoothing:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels)
        classes = logits.shape.as_list()[1]
        targets = tf.one_hot(labels, classes) if labels.dtype.is_integer else labels
        targets = targets * (1 - label_smoothing) + label_smoothing / classes
        return tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=targets)
    return Loss(elementwise, reduction)


def nll_loss(reduction="mean"):
    """Minus the log-probability of the labelled class."""
    return Loss(lambda logits, labels: -tf.reduce_sum(logits * tf.one_hot(labels, logits.shape.as_list()[1]), 1),
                reduction)


def binary_cross_entropy(reduction="mean"):
    """Cross entropy of probabilities with labels in [0, 1]."""
    def elementwise(logits, labels):
        return -(labels * tf.log(logits) + (1 - labels) * tf.log(1 - logits))
    return Loss(elementwise, reduction)


def binary_cross_entropy_with_logits(reduction="mean"):
    """Cross entropy of sigmoid(logits) with labels in [0, 1]."""
    return Loss(lambda logits, labels: tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels),
                reduction)


def kl_div_loss(reduction="mean"):
    return lambda logits, labels: kl_div(logits, labels, reduction)


def rmse_loss():
    return lambda logits, labels: tf.sqrt(tf.reduce_mean(tf.square(logits - labels)))


def soft_margin_loss(reduction="mean"):
    """log(1 + exp(-label * logit)) for labels 1 and -1."""
    return Loss(lambda logits, labels: tf.log(1 + tf.exp(-labels * logits)), reduction)


class WithGrad:
    """The gradients of a network's loss for its trainable variables."""

    def __init__(self, network, loss_fn=None, sens=None):
        self.network, self.sens = network if loss_fn is None else WithLoss(network, loss_fn), sens

    def __call__(self, *inputs):
        grads = tf.gradients(self.network(*inputs), trainable_variables(self.network), self.sens, unconnected_gradients="zero")
        return tuple([tf.convert_to_tensor(g) for g in grads])


class AdamWithoutCorrection:
    """Adam whose moments are used as they are, with a weight decay beside the gradient."""

    def __init__(self, learning_rate, beta1, beta2, epsilon, weight_decay):
        self.rate, self.beta1, self.beta2, self.epsilon, self.weight_decay = learning_rate, beta1, beta2, epsilon, weight_decay
        self.moments = None

    def apply_gradients(self, pairs, global_step=None):
        pairs = list(pairs)
        if self.moments is None:
            self.moments = [[tf.Variable(tf.zeros(p.shape), trainable=False) for _ in range(2)] for _, p in pairs]
        steps = []
        for (g, p), (m, v) in zip(pairs, self.moments):
            first = self.beta1 * m + (1 - self.beta1) * g
            second = self.beta2 * v + (1 - self.beta2) * tf.square(g)
            decay = 0.0 if "beta" in p.op.name or "gamma" in p.op.name else self.weight_decay
            new = p - self.rate * (first / (tf.sqrt(second) + self.epsilon) + decay * p)
            with tf.control_dependencies([first, second, new]):
                steps += [tf.assign(m, first), tf.assign(v, second), tf.assign(p, new)]
        with tf.control_dependencies(steps):
            return tf.no_op() if global_step is None else tf.assign_add(global_step, 1)


def exponential_decay(learning_rate, decay_rate, decay_steps, is_stair=False):
    return lambda step: learning_rate * decay_rate ** whole(step / decay_steps, is_stair)


def natural_exp_decay(learning_rate, decay_rate, decay_steps, is_stair=False):
    return lambda step: learning_rate * tf.exp(-decay_rate * (whole(step / decay_steps, True) * decay_steps if is_stair else step))


def inverse_decay(learning_rate, decay_rate, decay_steps, is_stair=False):
    return lambda step: learning_rate / (1 + decay_rate * whole(step / decay_steps, is_stair))


def whole(x, wanted):
    return tf.floor(x) if wanted else x


def cosine_decay(min_lr, max_lr, decay_steps):
    return lambda step: min_lr + 0.5 * (max_lr - min_lr) * (1 + tf.cos(np.pi * tf.minimum(step, decay_steps) / decay_steps))


def polynomial_decay(learning_rate, end_learning_rate, decay_steps, power, update_decay_steps=False):
    def rate(step):
        steps = decay_steps * tf.maximum(tf.ceil(step / decay_steps), 1.0) if update_decay_steps else decay_steps
        return (learning_rate - end_learning_rate) * (1 - tf.minimum(step, steps) / steps) ** power + end_learning_rate
    return rate


def warm_up(learning_rate, warmup_steps):
    return lambda step: learning_rate * tf.minimum(step, warmup_steps) / warmup_steps


class Scheduled:
    """A tf.train optimizer whose learning rate follows a list or a schedule; it counts its own steps."""

    def __init__(self, rule, rates):
        self.step = tf.Variable(0, trainable=False, name="step")
        self.rule = rule(scheduled_rate(rates, self.step))

    def apply_gradients(self, pairs):
        return self.rule.apply_gradients(pairs, self.step)


def scheduled_rate(rates, step):
    if isinstance(rates, (int, float)):
        return rates
    if callable(rates):
        return rates(tf.cast(step, tf.float32))
    return tf.gather(tf.constant(rates, tf.float32), tf.minimum(step, len(rates) - 1))


def exponential_decay_lr(learning_rate, decay_rate, total_step, step_per_epoch, decay_epoch, is_stair=False):
    epochs = [i // step_per_epoch / decay_epoch for i in range(total_step)]
    return [learning_rate * decay_rate ** (e // 1 if is_stair else e) for e in epochs]


def cosine_decay_lr(min_lr, max_lr, total_step, step_per_epoch, decay_epoch):
    epochs = [min(i // step_per_epoch, decay_epoch) for i in range(total_step)]
    return [min_lr + 0.5 * (max_lr - min_lr) * (1 + np.cos(np.pi * e / decay_epoch)) for e in epochs]


def piecewise_constant_lr(milestone, learning_rates):
    return [rate for rate, start, end in zip(learning_rates, [0, *milestone], milestone) for _ in range(start, end)]


class WithLoss:
    """The loss of a network's output."""

    def __init__(self, backbone, loss_fn):
        self._backbone, self._loss_fn = backbone, loss_fn

    def __call__(self, data, label):
        return self._loss_fn(self._backbone(data), label)


class TrainOneStep:
    """One step of an optimizer: gives the loss before the update."""

    def __init__(self, network, optimizer, sens=1.0):
        self.network, self.optimizer, self.sens, self.weights = network, optimizer, sens, optimizer.parameters

    def __call__(self, *inputs):
        loss = self.network(*inputs)
        sens = tf.fill(tf.shape(loss), tf.cast(self.sens, loss.dtype))
        grads = [tf.convert_to_tensor(g) for g in tf.gradients(loss, self.optimizer.parameters, sens, unconnected_gradients="zero")]
        with tf.control_dependencies([loss]):
            update = self.optimizer(grads)
        with tf.control_dependencies([update]):
            return tf.identity(loss)


class Optimizer:
    """A tf.train optimizer with the variables it updates; called with gradients, it gives the update operation."""

    def __init__(self, parameters, rule, weight_decay=0.0):
        self.parameters, self.rule, self.weight_decay = list(parameters), rule, weight_decay

    def __call__(self, grads):
        grads = list(grads)
        if self.weight_decay:
            decays = [0 if "beta" in p.op.name or "gamma" in p.op.name else self.weight_decay for p in self.parameters]
            grads = [g + decay * p for g, p, decay in zip(grads, self.parameters, decays)]
        with tf.control_dependencies(grads):
            return self.rule.apply_gradients(zip(grads, self.parameters))


class AdjustedOptimizer(Optimizer):
    """One whose learning rate is a variable."""

    def __init__(self, parameters, make, learning_rate, weight_decay=0.0):
        self.learning_rate = tf.Variable(learning_rate, dtype=tf.float32, trainable=False, name="learning_rate")
        super().__init__(parameters, make(self.learning_rate), weight_decay)


def depend(value, operation):
    """`value`, handed on after `operation` has run."""
    with tf.control_dependencies([operation]):
        return identity(value)


def identity(value):
    """tf.identity of a tensor, or of every tensor in a tuple or list."""
    if isinstance(value, (tuple, list)):
        return type(value)(identity(part) for part in value)
    return tf.identity(value) if hasattr(value, "graph") else value


def with_bprop(call):
    """The `__call__` of a cell, whose gradients its bprop gives from the inputs, the output and the output's gradient."""
    def wrapped(self, *inputs):
        at = [i for i, x in enumerate(inputs) if hasattr(x, "graph")]

        @tf.custom_gradient
        def known(*tensors):
            values = list(inputs)
            for i, tensor in zip(at, tensors):
                values[i] = tensor
            out = call(self, *values)

            def backward(*douts, variables=()):
                grads = self.bprop(*values, out, douts if isinstance(out, (tuple, list)) else douts[0])
                grads = [as_list(grads)[i] for i in at]
                return (grads, [tf.zeros_like(v) for v in variables]) if variables else grads
            return out, backward

        return known(*[inputs[i] for i in at])
    return wrapped


def as_dtype_of(x, other):
    return x if x.dtype == other.dtype else tf.cast(x, other.dtype)


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


def value_and_gradient(fn, position=0, weights=None, has_aux=False):
    """The function that gives fn's value and its gradients: of the inputs at `position`, of weights, or of both."""
    def evaluate_both(*inputs):
        inputs = [tf.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
        xs = [] if position is None else [inputs[i] for i in as_list(position)]
        value = fn(*inputs)
        loss = value[0] if has_aux else value
        grads = [tf.convert_to_tensor(g) for g in tf.gradients(loss, xs + as_list(weights), unconnected_gradients="zero")]
        first = tuple(grads[:len(xs)]) if len(xs) > 1 else grads[0]
        if weights is None:
            return value, first
        second = tuple(grads[len(xs):]) if isinstance(weights, (tuple, list)) else grads[-1]
        return value, second if position is None else (first, second)
    return evaluate_both


def gradient_at(fn, position=0, weights=None, has_aux=False):
    """The function that gives fn's gradients of the inputs at `position`, of weights, or of both."""
    def gradients(*inputs):
        value, grads = value_and_gradient(fn, position, weights, has_aux)(*inputs)
        return (grads, tuple(value[1:])) if has_aux else grads
    return gradients


def vjp(fn, *inputs, weights=None):
    """fn's value, and the function from its cotangent to those of its inputs."""
    inputs = [tf.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
    value = fn(*inputs)

    def pullback(*cotangents):
        sens = list(cotangents) if isinstance(value, (tuple, list)) else cotangents[0]
        grads = tuple(tf.gradients(value, inputs, sens, unconnected_gradients="zero"))
        if weights is None:
            return grads
        of_weights = tf.gradients(value, as_list(weights), sens, unconnected_gradients="zero")
        return grads, tuple([tf.convert_to_tensor(g) for g in of_weights])
    return value, pullback


def jvp(fn, inputs, tangents):
    """fn's value and its directional derivative: the gradient of the gradient in the (unused) cotangent."""
    inputs = [tf.convert_to_tensor(x) for x in as_list(inputs)]
    value = fn(*inputs)
    results = []
    for y in as_list(value):
        cotangent = tf.zeros_like(y)
        grads = tf.gradients(y, inputs, cotangent, unconnected_gradients="zero")
        results.append(tf.gradients(grads, cotangent, as_list(tangents), unconnected_gradients="zero")[0])
    return value, tuple(results) if isinstance(value, (tuple, list)) else results[0]


def jacobian(fn, position=0):
    """The function that gives the derivatives of every output element, with shape output + input."""
    def jacobians(*inputs):
        inputs = [tf.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
        chosen = [inputs[i] for i in (position if isinstance(position, tuple) else (position,))]
        value = fn(*inputs)
        found = [tuple(one_jacobian(y, x) for x in chosen) for y in as_list(value)]
        found = [part if isinstance(position, tuple) else part[0] for part in found]
        return tuple(found) if isinstance(value, (tuple, list)) else found[0]
    return jacobians


def one_jacobian(y, x):
    shape = y.shape.as_list() + x.shape.as_list()
    rows = tf.unstack(tf.reshape(y, [-1]), num=int(np.prod(y.shape.as_list(), dtype=int)))
    return tf.reshape(tf.stack([tf.gradients(row, x, unconnected_gradients="zero")[0] for row in rows]), shape)
