"""Operations of TensorFlow that MindSpore has no single call for, as functions of tensors with TensorFlow's names and arguments.

The text of this module is taken apart by `value_library`, which gives a program those that it needs; it is never imported.
Each is written so that `ms.jit` can compile it and that its derivatives of any order are TensorFlow's."""
# ruff: noqa
import mindspore as ms
from mindspore import ops
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


def square(x):
    return x * x


def maximum(x, y):
    return ops.where(x >= y, x, y)


def minimum(x, y):
    return ops.where(x <= y, x, y)


def where(condition, x, y):
    """x where the condition holds, else y; a condition of one axis chooses rows."""
    if condition.ndim == 1 and x.ndim > 1:
        condition = condition.reshape((-1,) + (1,) * (x.ndim - 1))
    return ops.where(condition, x, y)


def argmax(input, axis=0):
    return ops.argmax(input, axis).astype(ms.int64)


def argmin(input, axis=0):
    return ops.argmin(input, axis).astype(ms.int64)


def gather(params, indices, axis=0):
    return ops.gather(params, indices, axis)


def squeeze(input, axis=None):
    return input.squeeze() if axis is None else input.squeeze(tuple(axis) if isinstance(axis, (list, tuple)) else axis)


def relu6(features):
    return ops.where(features < 6, ops.relu(features), ops.zeros_like(features) + 6)


def leaky_relu(features, alpha=0.2):
    return ops.where(features > 0, features, features * alpha)


def elu(features):
    return ops.where(features > 0, features, ops.exp(ops.minimum(features, 0)) - 1)


def log_softmax(logits, axis=-1):
    shifted = logits - ops.stop_gradient(ops.amax(logits, axis, True))
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis, True))


def selu(features):
    return 1.0507009873554805 * ops.where(features > 0, features, 1.6732632423543772 * (ops.exp(ops.minimum(features, 0)) - 1))


def softplus(features):
    return ops.where(features >= 0, features, ops.zeros_like(features)) + ops.log1p(ops.exp(ops.where(features >= 0, -features, features)))


def softsign(features):
    return features / (1 + ops.abs(features))


def squared_difference(x, y):
    return (x - y) * (x - y)


def l2_loss(t):
    return ops.sum(t * t) / 2


def l2_normalize(x, axis=None, epsilon=1e-12):
    total = ops.sum(x * x, axis, True)
    return x * ops.rsqrt(ops.where(total >= epsilon, total, ops.zeros_like(total) + epsilon))


def reduce_logsumexp(input_tensor, axis=None, keepdims=False):
    axes = tuple(range(input_tensor.ndim)) if axis is None else axis
    top = ops.stop_gradient(ops.amax(input_tensor, axes, True))
    found = ops.log(ops.sum(ops.exp(input_tensor - top), axes, True)) + top
    return found if keepdims else found.squeeze(axes)


def reduce_prod(input_tensor, axis=None):
    return ops.prod(input_tensor.reshape((-1,)), 0) if axis is None else ops.prod(input_tensor, axis)


def clip_by_norm(t, clip_norm, axes=None):
    norm = ops.sqrt(ops.sum(t * t, axes, True))
    return t * clip_norm / maximum(norm, ops.zeros_like(norm) + clip_norm)


def clip_by_global_norm(t_list, clip_norm):
    """The tensors scaled so that their common norm is at most clip_norm, and the norm before."""
    norm = ops.sqrt(sum(ops.sum(t * t) for t in t_list))
    scale = clip_norm / ops.maximum(norm, ops.full((), float(clip_norm), dtype=norm.dtype))
    return [t * scale for t in t_list], norm


def global_norm(t_list):
    return ops.sqrt(sum(ops.sum(t * t) for t in t_list))


def xw_plus_b(x, weights, biases):
    return ops.matmul(x, weights) + biases


def tensordot(a, b, axes):
    """The product over the last axis of a and the first of b: axes=1."""
    found = ops.matmul(a.reshape((-1, a.shape[-1])), b.reshape((b.shape[0], -1)))
    return found.reshape(a.shape[:-1] + b.shape[1:])


def matrix_solve(matrix, rhs):
    return ops.matmul(ops.inverse(matrix), rhs)


def one_hot(indices, depth, on_value=1.0, off_value=0.0, axis=-1):
    return ops.one_hot(indices, depth, ms.Tensor(on_value, ms.float32), ms.Tensor(off_value, ms.float32), axis)


def softmax_cross_entropy_with_logits(labels, logits):
    return -ops.sum(labels * log_softmax(logits), -1)


def sparse_softmax_cross_entropy_with_logits(labels, logits):
    chosen = one_hot(labels, logits.shape[-1])
    return -ops.sum(chosen * log_softmax(logits), -1)


def sigmoid_cross_entropy_with_logits(labels, logits):
    zeros = ops.zeros_like(logits)
    return ops.where(logits >= 0, logits, zeros) - logits * labels + ops.log1p(ops.exp(ops.where(logits >= 0, -logits, logits)))


def mean_squared_error(labels, predictions):
    return ops.mean((predictions - labels) * (predictions - labels))


def same_padding(size, kernel, stride):
    """What TensorFlow's SAME puts before and after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def framed(x, axis, before, after, value=0.0):
    """x with rows of `value` before and after it along an axis. MindSpore's own pad has wrong second derivatives."""
    def rows(count):
        return [ops.full(tuple(x.shape[:axis]) + (count,) + tuple(x.shape[axis + 1:]), value, dtype=x.dtype)] if count else []

    return ops.concat([*rows(before), x, *rows(after)], axis) if before or after else x


def padded_image(x, padding, kernel, stride, value=0.0):
    """An image [batch, channels, height, width] with the padding that the window needs."""
    if padding == "VALID":
        return x
    top, left = same_padding(x.shape[2], kernel[0], stride[0]), same_padding(x.shape[3], kernel[1], stride[1])
    return framed(framed(x, 2, top[0], top[1], value), 3, left[0], left[1], value)


def conv2d(input, filter, strides, padding):
    """Convolution of images [batch, height, width, channels] by filters [height, width, in, out]."""
    x, weights = ops.transpose(input, (0, 3, 1, 2)), ops.transpose(filter, (3, 2, 0, 1))
    x = padded_image(x, padding, weights.shape[2:], strides[1:3])
    return ops.transpose(ops.conv2d(x, weights, None, tuple(strides[1:3]), "valid"), (0, 2, 3, 1))


def windows(x, ksize, strides, value):
    """What a pooling window sees at all its places, for images [batch, channels, height, width].

    Strides are taken by a reshape: MindSpore's gradient of a strided slice fails."""
    rows, columns = (x.shape[2] - ksize[1]) // strides[1] + 1, (x.shape[3] - ksize[2]) // strides[2] + 1
    x = framed(framed(x, 2, 0, strides[1] - 1, value), 3, 0, strides[2] - 1, value)
    found = []
    for i in range(ksize[1]):
        for j in range(ksize[2]):
            part = x[:, :, i:i + rows * strides[1], j:j + columns * strides[2]]
            part = part.reshape(tuple(x.shape[:2]) + (rows, strides[1], columns, strides[2]))
            found.append(ops.transpose(part[:, :, :, 0:1, :, 0:1].reshape(tuple(x.shape[:2]) + (rows, columns)), (0, 2, 3, 1)))
    return found


def padded_windows(x, ksize, strides, padding, value):
    return windows(padded_image(ops.transpose(x, (0, 3, 1, 2)), padding, ksize[1:3], strides[1:3], value), ksize, strides, value)


def max_pool(value, ksize, strides, padding):
    first, *others = padded_windows(value, ksize, strides, padding, -3.4e38)
    for part in others:
        first = ops.where(first >= part, first, part)
    return first


def avg_pool(value, ksize, strides, padding):
    total = sum(padded_windows(value, ksize, strides, padding, 0.0))
    return total / sum(padded_windows(ops.ones_like(value), ksize, strides, padding, 0.0))


def unstack(value, axis=0):
    return [part.squeeze(axis) for part in ops.split(value, 1, axis)]


def moments(x, axes):
    mean = ops.mean(x, tuple(axes), True)
    return ops.mean(x, tuple(axes)), ops.mean((x - ops.stop_gradient(mean)) * (x - ops.stop_gradient(mean)), tuple(axes))


def softmax_cross_entropy_with_labels(labels, logits):
    """The cross entropy of labels that have no gradient."""
    return softmax_cross_entropy_with_logits(ops.stop_gradient(labels), logits)


def softmax_cross_entropy(onehot_labels, logits):
    return ops.mean(softmax_cross_entropy_with_labels(onehot_labels, logits))


def sparse_softmax_cross_entropy(labels, logits):
    return ops.mean(sparse_softmax_cross_entropy_with_logits(labels, logits))


def sigmoid_cross_entropy(multi_class_labels, logits):
    return ops.mean(sigmoid_cross_entropy_with_logits(multi_class_labels, logits))


def absolute_difference(labels, predictions):
    return ops.mean(ops.abs(predictions - labels))


def huber_loss(labels, predictions, delta=1.0):
    error = ops.abs(predictions - labels)
    quadratic = ops.where(error <= delta, error, ops.zeros_like(error) + delta)
    return ops.mean(0.5 * quadratic * quadratic + delta * (error - quadratic))


def log_loss(labels, predictions, epsilon=1e-7):
    return ops.mean(-labels * ops.log(predictions + epsilon) - (1 - labels) * ops.log(1 - predictions + epsilon))


def norm(tensor, ord='euclidean', axis=None, keepdims=False):
    if ord == 1:
        return ops.sum(ops.abs(tensor), axis, keepdims)
    return ops.sqrt(ops.sum(tensor * tensor, axis, keepdims))


def split(value, num_or_size_splits, axis=0):
    count = num_or_size_splits if isinstance(num_or_size_splits, int) else len(num_or_size_splits)
    sizes = [value.shape[axis] // count] * count if isinstance(num_or_size_splits, int) else list(num_or_size_splits)
    before = (slice(None),) * (axis if axis >= 0 else axis + value.ndim)
    return [value[before + (slice(sum(sizes[:i]), sum(sizes[:i + 1])),)] for i in range(count)]


def pad(tensor, paddings):
    for axis, (before, after) in enumerate(paddings):
        tensor = framed(tensor, axis, before, after)
    return tensor


def diag(diagonal):
    return ops.expand_dims(diagonal, -1) * ops.eye(diagonal.shape[-1], diagonal.shape[-1], diagonal.dtype)


def diag_part(input):
    return ops.sum(input * ops.eye(input.shape[-2], input.shape[-1], input.dtype), -1)


def trace(x):
    return ops.sum(x * ops.eye(x.shape[-2], x.shape[-1], x.dtype), (-2, -1))


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon):
    factor = ops.rsqrt(variance + variance_epsilon)
    factor = factor if scale is None else factor * scale
    return x * factor + (-mean * factor if offset is None else offset - mean * factor)


def log_sigmoid(x):
    return -softplus(-x)


def swish(features):
    return features * ops.sigmoid(features)


def div(x, y):
    """x / y; of whole numbers, rounded down."""
    return ops.floor_div(x, y) if x.dtype in (ms.int32, ms.int64) else ops.div(x, y)


def to_float(x):
    return ops.cast(x, ms.float32)


def to_int32(x):
    return ops.cast(x, ms.int32)


def reciprocal(x):
    return 1 / x


def cond(pred, true_fn, false_fn):
    return true_fn() if pred else false_fn()


def while_loop(cond, body, loop_vars):
    """The loop variables after body has been applied to them for as long as cond holds; alone if there is one."""
    values = [ms.Tensor(v, ms.int32 if isinstance(v, int) else ms.float32) if isinstance(v, (int, float)) else v for v in loop_vars]
    while cond(*values):
        found = body(*values)
        values = list(found) if isinstance(found, (list, tuple)) else [found]
    return values if len(values) > 1 else values[0]


def map_fn(fn, elems, dtype=None):
    """fn of each row of elems, or of each row of several."""
    rows = zip(*elems) if isinstance(elems, (list, tuple)) else elems
    found = [fn(row) for row in rows]
    return tuple([ops.stack(part) for part in zip(*found)]) if isinstance(found[0], (list, tuple)) else ops.stack(found)


def scan(fn, elems, initializer=None):
    """fn of what came before and a row, for every row; without an initializer the first row is what comes first."""
    rows = list(elems)
    found = [rows.pop(0) if initializer is None else initializer]
    for row in rows:
        found.append(fn(found[-1], row))
    return ops.stack(found if initializer is None else found[1:])


def foldl(fn, elems, initializer=None):
    """The last of what scan gives."""
    rows = list(elems)
    found = rows.pop(0) if initializer is None else initializer
    for row in rows:
        found = fn(found, row)
    return found


def exponential_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False):
    """learning_rate * decay_rate ** (global_step / decay_steps), with whole exponents only for a staircase."""
    passed = global_step.astype(ms.float32) / decay_steps
    return learning_rate * ops.pow(decay_rate, ops.floor(passed) if staircase else passed)


def natural_exp_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False):
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    passed = global_step.astype(ms.float32) / decay_steps
    return learning_rate * ops.exp(-decay_rate * (ops.floor(passed) if staircase else passed))


def inverse_time_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False):
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    passed = global_step.astype(ms.float32) / decay_steps
    return learning_rate / (1 + decay_rate * (ops.floor(passed) if staircase else passed))


def piecewise_constant(x, boundaries, values):
    """The first of values up to the first boundary, then the second, and so on."""
    found = ms.Tensor(values[0], ms.float32)
    for boundary, value in zip(boundaries, values[1:]):
        found = ops.where(x > boundary, ms.Tensor(value, ms.float32), found)
    return found


def polynomial_decay(learning_rate, global_step, decay_steps, end_learning_rate=0.0001, power=1.0):
    """From learning_rate to end_learning_rate in decay_steps."""
    passed = ops.clamp(global_step.astype(ms.float32) / decay_steps, 0.0, 1.0)
    return (learning_rate - end_learning_rate) * ops.pow(1 - passed, power) + end_learning_rate


def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0):
    """From learning_rate to alpha * learning_rate along half a cosine."""
    passed = ops.clamp(global_step.astype(ms.float32) / decay_steps, 0.0, 1.0)
    return learning_rate * ((1 - alpha) * 0.5 * (1 + ops.cos(3.141592653589793 * passed)) + alpha)
