"""Operations with TensorFlow's names and arguments on tensors that wait for `run`: the second part of what outputs may carry.

Like `deferred_library`, this text is taken apart and never imported. The function inside each definition computes on Tensors;
it is written so that `ms.jit` can compile it."""
# ruff: noqa
from __future__ import annotations

import math
import sys

import numpy as np

import mindspore as ms
from mindspore import nn

from .deferred_library import *


# ----------------------------------------------------------------------------------------------------------- elementwise


def square(x, name=None):
    def squared(x):
        return x * x

    return node(squared, convert_to_tensor(x))


def maximum(x, y, name=None):
    def larger(x, y):
        return ms.ops.where(x >= y, x, y)

    return binary(larger, convert_to_tensor(x) if not isinstance(y, Deferred) else x, y)


def minimum(x, y, name=None):
    def smaller(x, y):
        return ms.ops.where(x <= y, x, y)

    return binary(smaller, convert_to_tensor(x) if not isinstance(y, Deferred) else x, y)


def relu6(features, name=None):
    def clipped(x):
        return ms.ops.where(x < 6, ms.ops.relu(x), ms.ops.zeros_like(x) + 6)

    return node(clipped, convert_to_tensor(features))


def leaky_relu(features, alpha=0.2, name=None):
    def leaky(x):
        return ms.ops.where(x > 0, x, x * alpha)

    return node(leaky, convert_to_tensor(features))


def elu(features, name=None):
    def linear_above_zero(x):
        return ms.ops.where(x > 0, x, ms.ops.exp(ms.ops.where(x > 0, ms.ops.zeros_like(x), x)) - 1)

    return node(linear_above_zero, convert_to_tensor(features))


def selu(features, name=None):
    def scaled(x):
        below = 1.6732632423543772 * (ms.ops.exp(ms.ops.where(x < 0, x, ms.ops.zeros_like(x))) - 1)
        return 1.0507009873554805 * ms.ops.where(x < 0, below, x)

    return node(scaled, convert_to_tensor(features))


def softplus(features, name=None):
    def smooth(x):
        return ms.ops.where(x >= 0, x, ms.ops.zeros_like(x)) + ms.ops.log1p(ms.ops.exp(ms.ops.where(x >= 0, -x, x)))

    return node(smooth, convert_to_tensor(features))


def softsign(features, name=None):
    def soft(x):
        return x / (1 + ms.ops.abs(x))

    return node(soft, convert_to_tensor(features))


def squared_difference(x, y, name=None):
    def squared(x, y):
        return (x - y) * (x - y)

    return binary(squared, convert_to_tensor(x), y)


def div_no_nan(x, y, name=None):
    def divided(x, y):
        return ms.ops.where(y == 0, ms.ops.zeros_like(x * y), x / ms.ops.where(y == 0, ms.ops.ones_like(y), y))

    return node(divided, convert_to_tensor(x), convert_to_tensor(y))


def plus(x, y, name=None):
    return convert_to_tensor(x) + y if not isinstance(y, Deferred) else x + y


def minus(x, y, name=None):
    return convert_to_tensor(x) - y if not isinstance(y, Deferred) else x - y


def times(x, y, name=None):
    return convert_to_tensor(x) * y if not isinstance(y, Deferred) else x * y


def over(x, y, name=None):
    return convert_to_tensor(x) / y if not isinstance(y, Deferred) else x / y


def floor_over(x, y, name=None):
    return convert_to_tensor(x) // y if not isinstance(y, Deferred) else x // y


def modulo(x, y, name=None):
    return convert_to_tensor(x) % y if not isinstance(y, Deferred) else x % y


def raised(x, y, name=None):
    return convert_to_tensor(x) ** y if not isinstance(y, Deferred) else x ** y


def div(x, y, name=None):
    """x / y, rounded down for integers."""
    x, y = convert_to_tensor(x) if not isinstance(y, Deferred) else x, y
    dtype = x.dtype if isinstance(x, Deferred) else y.dtype
    return x / y if dtype in FLOATS else x // y


def add_n(inputs, name=None):
    def total(*values):
        result = values[0]
        for value in values[1:]:
            result = result + value
        return result

    return node(total, *map(convert_to_tensor, inputs))


def less_than(x, y, name=None):
    return convert_to_tensor(x) < y if not isinstance(y, Deferred) else x < y


def at_most(x, y, name=None):
    return convert_to_tensor(x) <= y if not isinstance(y, Deferred) else x <= y


def more_than(x, y, name=None):
    return convert_to_tensor(x) > y if not isinstance(y, Deferred) else x > y


def at_least(x, y, name=None):
    return convert_to_tensor(x) >= y if not isinstance(y, Deferred) else x >= y


def truth(fn, x, y):
    found = binary(fn, convert_to_tensor(x) if not isinstance(y, Deferred) else x, y)
    found.dtype = ms.bool_
    return found


def equal(x, y, name=None):
    return truth(ms.ops.equal, x, y)


def not_equal(x, y, name=None):
    return truth(ms.ops.not_equal, x, y)


def logical_xor(x, y, name=None):
    return truth(ms.ops.logical_xor, x, y)


def cast(x, dtype, name=None):
    dtype = dtype_of(dtype)

    def converted(x):
        return x.astype(dtype)

    found = node(converted, convert_to_tensor(x))
    found.dtype = dtype
    return found


def to_float(x, name=None):
    return cast(x, ms.float32)


def to_double(x, name=None):
    return cast(x, ms.float64)


def to_int32(x, name=None):
    return cast(x, ms.int32)


def to_int64(x, name=None):
    return cast(x, ms.int64)


def where(condition, x=None, y=None, name=None):
    if x is None:
        return where_true(condition)

    def chosen(condition, x, y):
        if condition.ndim == 1 and x.ndim > 1:
            condition = condition.reshape((-1,) + (1,) * (x.ndim - 1))
        return ms.ops.where(condition, x, y)

    found = node(chosen, convert_to_tensor(condition), convert_to_tensor(x), convert_to_tensor(y))
    found.dtype = convert_to_tensor(x).dtype
    return found


def where_v2(condition, x=None, y=None, name=None):
    if x is None:
        return where_true(condition)
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    found = node(ms.ops.where, convert_to_tensor(condition), x, y)
    found.dtype = x.dtype
    return found


def truncatediv(x, y, name=None):
    def towards_zero(x, y):
        return (ms.ops.abs(x) // ms.ops.abs(y)) * ms.ops.sign(x) * ms.ops.sign(y)

    return node(towards_zero, convert_to_tensor(x), convert_to_tensor(y))


def truncatemod(x, y, name=None):
    return x - y * truncatediv(x, y)


def where_true(condition):
    def indices(condition):
        return ms.ops.nonzero(condition)

    found = node(indices, convert_to_tensor(condition))
    found.label, found.dtype = "where_true", ms.int64
    return found


# -------------------------------------------------------------------------------------------------------------- reductions


def reduced(fn, x, axis, keepdims, reduction_indices=None, keep_dims=None):
    x = convert_to_tensor(x)
    axis = axis if axis is not None else reduction_indices
    keepdims = bool(keepdims if keep_dims is None else keep_dims)
    if isinstance(axis, (list, tuple)):
        axis = tuple([int(a) for a in axis])
        if not axis:
            return x

    def over_axes(x):
        return fn(x, axis, keepdims)

    over_axes.__name__ = fn.__name__  #: linked
    return node(over_axes, x)


def sum_over(x, axis, keepdims):
    return ms.ops.sum(x, axis, keepdims)


def mean_over(x, axis, keepdims):
    return ms.ops.mean(x, axis, keepdims)


def prod_over(x, axis, keepdims):
    if axis is None:
        found = ms.ops.prod(x.reshape((-1,)), 0)
        return found.reshape((1,) * x.ndim) if keepdims else found
    if isinstance(axis, tuple):
        for a in sorted([a % x.ndim for a in axis], reverse=True):
            x = ms.ops.prod(x, a, keepdims)
        return x
    return ms.ops.prod(x, axis, keepdims)


def max_over(x, axis, keepdims):
    return ms.ops.amax(x, () if axis is None else axis, keepdims)


def min_over(x, axis, keepdims):
    return ms.ops.amin(x, () if axis is None else axis, keepdims)


def all_over(x, axis, keepdims):
    return ms.ops.all(x, axis, keepdims)


def any_over(x, axis, keepdims):
    return ms.ops.any(x, axis, keepdims)


def logsumexp_over(x, axis, keepdims):
    axes = tuple(range(x.ndim)) if axis is None else axis
    top = ms.ops.stop_gradient(ms.ops.amax(x, axes, True))
    top = ms.ops.where(ms.ops.isfinite(top), top, ms.ops.zeros_like(top))
    found = ms.ops.log(ms.ops.sum(ms.ops.exp(x - top), axes, True)) + top
    return found if keepdims else found.squeeze(axes)


def reduce_sum(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(sum_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_mean(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(mean_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_prod(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(prod_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_max(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(max_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_min(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(min_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_all(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(all_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_any(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(any_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def reduce_logsumexp(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
    return reduced(logsumexp_over, input_tensor, axis, keepdims, reduction_indices, keep_dims)


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    def running(x):
        values = ms.ops.flip(x, (axis,)) if reverse else x
        values = ms.ops.cumsum(values, axis) - values if exclusive else ms.ops.cumsum(values, axis)
        return ms.ops.flip(values, (axis,)) if reverse else values

    return node(running, convert_to_tensor(x))


def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
    def running(x):
        """Product by product: MindSpore's own gradient divides by what may be zero."""
        size = x.shape[axis]
        parts = [ms.ops.narrow(x, axis, i, 1) for i in (range(size)[::-1] if reverse else range(size))]
        found = [ms.ops.ones_like(parts[0])] if exclusive else [parts[0]]
        for part in parts[:-1] if exclusive else parts[1:]:
            found.append(found[-1] * part)
        return ms.ops.concat(found[::-1] if reverse else found, axis)

    running.__name__ = "cumprod"
    return node(running, convert_to_tensor(x))


def index_of(fn, x, axis, dtype):
    def found_index(x):
        return fn(x, axis).astype(dtype)

    found = node(found_index, convert_to_tensor(x))
    found.label, found.dtype = "argmax", dtype
    return found


def argmax(input, axis=None, name=None, dimension=None, output_type=ms.int64):
    return index_of(ms.ops.argmax, input, (dimension or 0) if axis is None else axis, output_type)


def argmin(input, axis=None, name=None, dimension=None, output_type=ms.int64):
    return index_of(ms.ops.argmin, input, (dimension or 0) if axis is None else axis, output_type)


def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):
    def length(x):
        axes = tuple(range(x.ndim)) if axis is None else axis
        keep = bool(keepdims or keep_dims)
        if ord == 1:
            return ms.ops.sum(ms.ops.abs(x), axes, keep)
        if ord == np.inf:
            return ms.ops.amax(ms.ops.abs(x), axes, keep)
        if ord in ("euclidean", "fro", 2):
            return ms.ops.sqrt(ms.ops.sum(x * x, axes, keep))
        return ms.ops.pow(ms.ops.sum(ms.ops.pow(ms.ops.abs(x), ord), axes, keep), 1 / ord)

    return node(length, convert_to_tensor(tensor))


def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
    x = convert_to_tensor(x)
    keep = bool(keepdims or keep_dims)
    mean = reduce_mean(x, axes, True)
    variance = reduce_mean(square(x - stop_gradient(mean)), axes, keep)
    return mean if keep else reduce_mean(x, axes), variance


# ------------------------------------------------------------------------------------------------------------------ shapes


def reshape(tensor, shape, name=None):
    tensor = convert_to_tensor(tensor)
    if holds_tensor(shape):
        def reshaped(x, shape):
            return x.reshape(ints(shape))

        return node(reshaped, tensor, shape)
    shape = tuple([int(d) for d in (shape if isinstance(shape, (list, tuple, np.ndarray)) else [shape])])

    def reshape_to(x):
        return x.reshape(shape)

    return node(reshape_to, tensor)


def ints(shape):
    """A shape of ints from what has been computed."""
    if isinstance(shape, ms.Tensor):
        shape = shape.asnumpy().reshape(-1)
    return tuple([int(d) for d in shape])


def shape_of(input, name=None, out_type=ms.int32):
    def dims(x):
        return ms.Tensor(x.shape, out_type)

    found = node(dims, convert_to_tensor(input))
    found.label, found.dtype = "shape_of", out_type
    return found


def size_of(input, name=None, out_type=ms.int32):
    def count(x):
        return ms.Tensor(x.size, out_type)

    found = node(count, convert_to_tensor(input))
    found.label, found.dtype = "size_of", out_type
    return found


def rank_of(input, name=None):
    def rank(x):
        return ms.Tensor(x.ndim, ms.int32)

    found = node(rank, convert_to_tensor(input))
    found.label, found.dtype = "rank_of", ms.int32
    return found


def expand_dims(input, axis=None, name=None, dim=None):
    return node(ms.ops.expand_dims, convert_to_tensor(input), dim if axis is None else axis)


def squeeze(input, axis=None, name=None, squeeze_dims=None):
    axis = squeeze_dims if axis is None else axis
    if axis is None:
        return node(ms.ops.squeeze, convert_to_tensor(input))
    return node(ms.ops.squeeze, convert_to_tensor(input), tuple(axis) if isinstance(axis, (list, tuple)) else axis)


def transpose(a, perm=None, name=None, conjugate=False):
    def turned(x, perm):
        return ms.ops.transpose(x, tuple(range(x.ndim))[::-1] if perm is None else ints(perm))

    return node(turned, convert_to_tensor(a), perm if perm is None or holds_tensor(perm) else ints(perm))


def concat(values, axis, name=None):
    if isinstance(values, int):
        values, axis = axis, values
    return node(ms.ops.concat, [convert_to_tensor(v) for v in values], axis)


def stack(values, axis=0, name=None):
    if isinstance(values, Deferred):
        return values
    dtype = next((v.dtype for v in values if isinstance(v, Deferred)), None)
    return node(ms.ops.stack, [v if isinstance(v, Deferred) else stack(v) if holds_tensor(v) else constant(v, dtype)
                               for v in values], axis)


def unstack(value, num=None, axis=0, name="unstack"):
    value = convert_to_tensor(value)
    count = num if num is not None else static_shape(value)[axis]
    axis = axis % len(static_shape(value))
    return [value[(slice(None),) * axis + (i,)] for i in range(count)]


def split(value, num_or_size_splits=None, axis=0, num=None, name="split", split_dim=None, num_split=None):
    if isinstance(value, int):
        value, num_or_size_splits, axis = axis if isinstance(axis, Deferred) else num_or_size_splits, num_split, value
    value = convert_to_tensor(value)
    rank = len(static_shape(value))

    def piece(x, i, sizes):
        size = x.shape[axis]
        start = size // sizes * i if isinstance(sizes, int) else sum(sizes[:i])
        end = start + (size // sizes if isinstance(sizes, int) else sizes[i])
        return x[(slice(None),) * (axis % rank) + (slice(start, end),)]

    sizes = num_or_size_splits if isinstance(num_or_size_splits, int) else tuple(num_or_size_splits)
    return [node(piece, value, i, sizes) for i in range(sizes if isinstance(sizes, int) else len(sizes))]


def tile(input, multiples, name=None):
    if holds_tensor(multiples):
        def repeated(x, multiples):
            return ms.ops.tile(x, ints(multiples))

        return node(repeated, convert_to_tensor(input), multiples)
    return node(ms.ops.tile, convert_to_tensor(input), tuple([int(m) for m in multiples]))


def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    def padded(x, paddings):
        for axis, (before, after) in enumerate(paddings):
            before, after = int(before), int(after)
            if mode.upper() == "CONSTANT":
                x = framed(x, axis, before, after, constant_values)
            elif before or after:
                places = np.pad(np.arange(x.shape[axis]), (before, after), mode.lower()).tolist()
                x = ms.ops.concat([ms.ops.narrow(x, axis, place, 1) for place in places], axis)
        return x

    return node(padded, convert_to_tensor(tensor), paddings if holds_tensor(paddings) else [(int(before), int(after)) for before, after in paddings])


def framed(x, axis, before, after, value=0.0):
    """x with rows of `value` before and after it along an axis. MindSpore's own pad has wrong second derivatives."""
    def rows(count):
        return [ms.ops.full(x.shape[:axis] + (count,) + x.shape[axis + 1:], value, dtype=x.dtype)] if count else []

    return ms.ops.concat([*rows(before), x, *rows(after)], axis) if before or after else x


def strided_slice(input_, begin, end, strides=None, name=None):
    """The part x[begin:end:strides] of each of the first dimensions."""
    steps = [1] * len(begin) if strides is None else strides
    return convert_to_tensor(input_)[tuple([slice(int(b), int(e), int(s)) for b, e, s in zip(begin, end, steps)])]


def slice_of(input_, begin, size, name=None):
    if holds_tensor(begin) or holds_tensor(size):
        def cut(x, begin, size):
            begin, size = ints(begin), ints(size)
            return x[tuple([slice(b, None if s == -1 else b + s) for b, s in zip(begin, size)])]

        return node(cut, convert_to_tensor(input_), begin, size)
    return convert_to_tensor(input_)[tuple([slice(b, None if s == -1 else b + s) for b, s in zip(begin, size)])]


def filled_like(value, dtype):
    return dtype if dtype is not None else ms.float32


def zeros(shape, dtype=ms.float32, name=None):
    return fill(shape, 0, dtype=dtype)


def ones(shape, dtype=ms.float32, name=None):
    return fill(shape, 1, dtype=dtype)


def fill(dims, value, name=None, dtype=None):
    if not isinstance(value, Deferred):
        value = constant(value, dtype)
    if holds_tensor(dims):
        def filled_with(value, dims):
            return ms.ops.broadcast_to(value, ints(dims))

        return node(filled_with, value, dims)
    dims = tuple([int(d) for d in (dims if isinstance(dims, (list, tuple, np.ndarray)) else [dims])])
    return node(ms.ops.broadcast_to, value, dims) if dims else value


def zeros_like(tensor, dtype=None, name=None, optimize=True):
    def zeros_for(x):
        return ms.ops.zeros_like(x, dtype=dtype)

    found = node(zeros_for, convert_to_tensor(tensor))
    found.label, found.dtype = "zeros_like", dtype or found.dtype
    return found


def ones_like(tensor, dtype=None, name=None, optimize=True):
    def ones_for(x):
        return ms.ops.ones_like(x, dtype=dtype)

    found = node(ones_for, convert_to_tensor(tensor))
    found.label, found.dtype = "ones_like", dtype or found.dtype
    return found


def arange(start, limit=None, delta=1, dtype=None, name="range"):
    if limit is None:
        start, limit = 0, start
    if holds_tensor([start, limit, delta]):
        def counted(start, limit, delta):
            return ms.Tensor(np.arange(int(start), int(limit), int(delta)), dtype or ms.int32)

        found = node(counted, start, limit, delta)
        found.dtype = dtype or ms.int32
        return found
    return constant(np.arange(start, limit, delta), dtype or as_tensor(start + delta).dtype)


def linspace(start, stop, num, name=None):
    if holds_tensor([start, stop]):
        return start + (stop - start) * constant(np.linspace(0, 1, num), ms.float32)
    return constant(np.linspace(start, stop, num), ms.float32)


def eye(num_rows, num_columns=None, batch_shape=None, dtype=ms.float32, name=None):
    def identity_matrix(rows, columns, batch):
        found = np.eye(int(rows), None if columns is None else int(columns))
        return ms.Tensor(np.broadcast_to(found, (*ints(batch), *found.shape)).copy(), dtype)

    if not holds_tensor([num_rows, num_columns, batch_shape]):
        return constant(identity_matrix(num_rows, num_columns, batch_shape or ()).asnumpy())
    found = node(identity_matrix, num_rows, num_columns, batch_shape or ())
    found.label, found.dtype = "ones_like", dtype
    return found


def diag(diagonal, name=None):
    return matrix_diag(diagonal)


def diag_part(input, name=None):
    def diagonal(x):
        return ms.ops.sum(x * ms.ops.eye(x.shape[-2], x.shape[-1], x.dtype), -1)

    return node(diagonal, convert_to_tensor(input))


def matrix_diag(diagonal, name=None):
    def spread(x):
        return ms.ops.expand_dims(x, -1) * ms.ops.eye(x.shape[-1], x.shape[-1], x.dtype)

    return node(spread, convert_to_tensor(diagonal))


def trace(x, name=None):
    def total(x):
        return ms.ops.sum(x * ms.ops.eye(x.shape[-2], x.shape[-1], x.dtype), (-2, -1))

    return node(total, convert_to_tensor(x))


def matrix_band_part(input, num_lower, num_upper, name=None):
    def banded(x):
        rows, columns = np.indices(x.shape[-2:])
        mask = ((num_lower < 0) | (rows - columns <= num_lower)) & ((num_upper < 0) | (columns - rows <= num_upper))
        return x * ms.Tensor(mask.astype(np.float32), x.dtype)

    return node(banded, convert_to_tensor(input))


def meshgrid(*args, indexing="xy", **kwargs):
    def grid(i, line, *sizes):
        axes = list(range(len(sizes)))
        if indexing == "xy" and len(sizes) > 1:
            axes[0], axes[1] = 1, 0
        shape = [0] * len(sizes)
        for axis, size in zip(axes, sizes):
            shape[axis] = int(size)
        return ms.ops.broadcast_to(line.reshape(tuple([-1 if axis == axes[i] else 1 for axis in range(len(sizes))])), tuple(shape))

    lines = [convert_to_tensor(a) for a in args]
    found = [node(grid, i, line, *map(size_of, lines)) for i, line in enumerate(lines)]
    for tensor, line in zip(found, lines):
        tensor.label, tensor.dtype = "broadcast_to", line.dtype
    return found


def broadcast_to(input, shape, name=None):
    def spread(x, shape):
        return ms.ops.broadcast_to(x, ints(shape))

    spread.__name__ = "broadcast_to"
    return node(spread, convert_to_tensor(input), shape if holds_tensor(shape) else tuple(shape))


def reverse(tensor, axis, name=None):
    return node(ms.ops.flip, convert_to_tensor(tensor), tuple(axis) if isinstance(axis, (list, tuple)) else (axis,))


# ----------------------------------------------------------------------------------------------------------------- indices


def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """Parts of params along an axis."""
    def taken(params, indices):
        return ms.ops.gather(params, indices, axis)

    def taken_of_each(params, indices):
        if batch_dims == 1:
            return ms.ops.stack([ms.ops.gather(params[i], indices[i], axis - 1) for i in range(params.shape[0])])
        raise NotImplementedError("gather with more than one batch dimension")

    axis = axis or batch_dims
    params = convert_to_tensor(params)
    found = node(taken_of_each if batch_dims else taken, params, convert_to_tensor(indices))
    found.dtype, found.label = params.dtype, "gather" if axis == 0 and not batch_dims else "gather_axis"
    return found


def embedding_lookup(params, ids, partition_strategy="mod", name=None, validate_indices=True, max_norm=None):
    return gather(params, ids)


class IndexedSlices(Deferred):
    """The gradient of a tensor of which only rows were looked up: the whole, and its rows as they were looked up."""

    def __init__(self, values, indices, dense_shape=None, dense=None):
        if dense is None and dense_shape is not None:
            dense = unsorted_segment_sum(values, indices, convert_to_tensor(dense_shape)[0])
        super().__init__(ms.ops.deepcopy, [values if dense is None else dense], "IndexedSlices")
        self.values, self.indices, self.dense_shape = values, indices, dense_shape


def lookups(x, ys, path):
    """The tensors looked up in x, if nothing else is made of it."""
    consumers = [t for t in path if x in t.inputs]
    if x in ys or any(t.label != "gather" or t.inputs[0] is not x for t in consumers):
        return []
    return consumers


def indexed_slices(x, rows, found):
    rest = list(static_shape(x))[1:]
    values = [reshape(found[t], [-1] + rest) for t in rows]
    indices = [reshape(t.inputs[1], [-1]) for t in rows]
    values, indices = (concat(values, 0), concat(indices, 0)) if len(rows) > 1 else (values[0], indices[0])
    return IndexedSlices(values, indices, shape_of(x), found[x])


def other_rows(optimizer, variables, indices):
    """The rows that were not looked up, in variables and their slots: a step that is given rows leaves the others as they are."""
    found = []
    for variable, named in zip(variables, indices):
        if not isinstance(optimizer, nn.Adam):
            slots = [p for p in optimizer.get_parameters() if p.name.endswith("." + variable.parameter.name) and not p.name.startswith("stat.")]
            rows = np.ones([variable.shape[0]] + [1] * (len(variable.shape) - 1), bool)
            rows[named.asnumpy()] = False
            found += [(p, rows, p.asnumpy().copy()) for p in [variable.parameter, *slots]]
    return found


def with_rows(fetches):
    """The fetches with the parts of each IndexedSlices in its place."""
    if isinstance(fetches, IndexedSlices):
        return IndexedSlicesValue(fetches.values, fetches.indices, fetches.dense_shape)
    if isinstance(fetches, dict):
        return {k: with_rows(part) for k, part in fetches.items()}
    if isinstance(fetches, (list, tuple)) and not hasattr(fetches, "_fields"):
        return type(fetches)([with_rows(part) for part in fetches])
    return fetches


IndexedSlicesValue = collections.namedtuple("IndexedSlicesValue", "values indices dense_shape")


def gather_nd(params, indices, name=None):
    def gathered(x, indices):
        if indices.ndim == 1:
            return ms.ops.gather_nd(x, indices.expand_dims(0))[0]
        return ms.ops.gather_nd(x, indices)

    params = convert_to_tensor(params)
    found = node(gathered, params, convert_to_tensor(indices))
    found.dtype = params.dtype
    return found


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    def encoded(indices, depth):
        on = ms.Tensor(1 if on_value is None else on_value, dtype or ms.float32)
        off = ms.Tensor(0 if off_value is None else off_value, dtype or ms.float32)
        return ms.ops.one_hot(indices, int(depth), on, off, -1 if axis is None else axis)

    found = node(encoded, convert_to_tensor(indices), depth)
    found.label, found.dtype = "one_hot", dtype or ms.float32
    return found


def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
    def masked(x, mask):
        places = ms.ops.nonzero(mask)
        return ms.ops.gather_nd(x, places)

    tensor = convert_to_tensor(tensor)
    found = node(masked, tensor, convert_to_tensor(mask))
    found.dtype = tensor.dtype
    return found


def scatter_nd(indices, updates, shape, name=None):
    def scattered(indices, updates, shape):
        return ms.ops.scatter_nd(indices, updates, ints(shape))

    updates = convert_to_tensor(updates)
    found = node(scattered, convert_to_tensor(indices), updates, shape if isinstance(shape, Deferred) else list(shape))
    found.dtype = updates.dtype
    return found


def top_k(input, k=1, sorted=True, name=None):
    """The largest values along the last axis, and their indices."""
    def largest(x, count):
        """One after the other, so that of equal ones the first comes first."""
        rest, places = ms.ops.stop_gradient(x), []
        for _ in range(int(count)):
            places.append(ms.ops.argmax(rest, -1).astype(ms.int32))
            taken = ms.ops.arange(x.shape[-1]).astype(ms.int32) == places[-1].expand_dims(-1)
            rest = ms.ops.where(taken, ms.ops.zeros_like(rest) - 3.4e38, rest)
        places = ms.ops.stack(places, -1)
        return ms.ops.gather_elements(x, -1, places), places

    both = node(largest, convert_to_tensor(input), k)
    indices = node(item, both, 1)
    indices.label, indices.dtype = "argmax", ms.int32
    return TopK(node(item, both, 0), indices)


TopK = collections.namedtuple("TopK", "values indices")


def segment_sum(data, segment_ids, name=None):
    def summed(data, ids):
        return ms.ops.unsorted_segment_sum(data, ids, int(ids.max()) + 1)

    found = node(summed, convert_to_tensor(data), convert_to_tensor(segment_ids))
    found.dtype = convert_to_tensor(data).dtype
    return found


def segment_mean(data, segment_ids, name=None):
    def averaged(data, ids):
        count = int(ids.max()) + 1
        total = ms.ops.unsorted_segment_sum(data, ids, count)
        return total / ms.ops.unsorted_segment_sum(ms.ops.ones_like(data), ids, count)

    return node(averaged, convert_to_tensor(data), convert_to_tensor(segment_ids))


def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    def summed(data, ids, count):
        return ms.ops.unsorted_segment_sum(data, ids, int(count))

    data = convert_to_tensor(data)
    found = node(summed, data, convert_to_tensor(segment_ids), num_segments)
    found.dtype = data.dtype
    return found


def segments(data, segment_ids, num_segments, fn, empty=0.0):
    """fn of the rows of each segment, and `empty` where a segment has none."""
    def collected(data, ids, count):
        rows = data.reshape((ids.size,) + data.shape[ids.ndim:])
        groups = [np.flatnonzero(ids.asnumpy().reshape(-1) == i).astype(np.int32) for i in range(int(ids.max()) + 1 if count is None else int(count))]
        return ms.ops.stack([fn(ms.ops.gather(rows, ms.Tensor(g), 0)) if g.size else ms.ops.zeros_like(fn(rows)) + empty for g in groups])

    data = convert_to_tensor(data)
    found = node(collected, data, convert_to_tensor(segment_ids), num_segments)
    found.dtype = data.dtype
    return found


def segment_max(data, segment_ids, name=None):
    return segments(data, segment_ids, None, lambda rows: ms.ops.amax(rows, 0))


def segment_min(data, segment_ids, name=None):
    return segments(data, segment_ids, None, lambda rows: ms.ops.amin(rows, 0))


def segment_prod(data, segment_ids, name=None):
    return segments(data, segment_ids, None, lambda rows: ms.ops.prod(rows, 0))


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    return segments(data, segment_ids, num_segments, lambda rows: ms.ops.mean(rows, 0))


def unsorted_segment_max(data, segment_ids, num_segments, name=None):
    return segments(data, segment_ids, num_segments, lambda rows: ms.ops.amax(rows, 0), np.finfo(np.float32).min)


def dynamic_partition(data, partitions, num_partitions, name=None):
    """The rows of each partition."""
    return [boolean_mask(data, equal(partitions, i)) for i in range(num_partitions)]


def dynamic_stitch(indices, data, name=None):
    """One tensor of the rows, each put where its index says; of several for one place the last counts."""
    def stitched(indices, data):
        places = np.concatenate([i.asnumpy().reshape(-1) for i in indices])
        rows = ms.ops.concat([d.reshape((i.size,) + d.shape[i.ndim:]) for i, d in zip(indices, data)])
        last = {int(place): at for at, place in enumerate(places)}
        rows = ms.ops.concat([rows, ms.ops.zeros_like(rows[:1])])
        return ms.ops.gather(rows, ms.Tensor([last.get(place, len(places)) for place in range(max(last) + 1)], ms.int32), 0)

    data = [convert_to_tensor(d) for d in data]
    found = node(stitched, [convert_to_tensor(i) for i in indices], data)
    found.dtype = data[0].dtype
    return found


def unique(x, out_idx=ms.int32, name=None):
    """The different values in the order in which they come, and the place of each element among them."""
    def different(x):
        values, first, places = np.unique(x.asnumpy(), return_index=True, return_inverse=True)
        order = np.argsort(first)
        return ms.Tensor(values[order]), ms.Tensor(np.argsort(order)[places.reshape(-1)], out_idx)

    x = convert_to_tensor(x)
    both = node(different, x)
    both.label = "unique"
    values, places = node(item, both, 0), node(item, both, 1)
    values.label = places.label = "unique"
    values.dtype, places.dtype = x.dtype, out_idx
    return Unique(values, places)


Unique = collections.namedtuple("Unique", "y idx")


def invert_permutation(x, name=None):
    def inverted(x):
        return ms.Tensor(np.argsort(x.asnumpy()), x.dtype)

    found = node(inverted, convert_to_tensor(x))
    found.label = "argsort"
    return found


def batch_gather(params, indices, name=None):
    """params[i, indices[i]] for each i, over all but the last of the dimensions of indices."""
    def taken(params, indices):
        count = math.prod(indices.shape[:-1])
        rows, places = params.reshape((count,) + params.shape[indices.ndim - 1:]), indices.reshape((count, -1))
        return ms.ops.stack([ms.ops.gather(rows[i], places[i], 0) for i in range(count)]).reshape(indices.shape + params.shape[indices.ndim:])

    params = convert_to_tensor(params)
    found = node(taken, params, convert_to_tensor(indices))
    found.dtype = params.dtype
    return found


def tensor_scatter(tensor, indices, updates, added):
    """The tensor with updates in these places, or added to them."""
    tensor, updates = convert_to_tensor(tensor), convert_to_tensor(updates)
    fresh = scatter_nd(indices, updates, shape_of(tensor))
    if added:
        return tensor + fresh
    return where(scatter_nd(indices, ones_like(updates), shape_of(tensor)) > 0, fresh, tensor)


def tensor_scatter_add(tensor, indices, updates, name=None):
    return tensor_scatter(tensor, indices, updates, True)


def tensor_scatter_update(tensor, indices, updates, name=None):
    return tensor_scatter(tensor, indices, updates, False)


def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None):
    """The first entries of each sequence, as many as its length, in reverse order."""
    time, batch = (seq_dim if seq_axis is None else seq_axis), (batch_dim if batch_axis is None else batch_axis) or 0

    def reversed_of_each(x, lengths):
        order = ms.ops.arange(x.shape[time])
        parts = []
        for i in range(x.shape[batch]):
            places = ms.ops.where(order < lengths[i], lengths[i] - 1 - order, order)
            part = ms.ops.narrow(x, batch, i, 1)
            parts.append(ms.ops.gather(part, places, time))
        return ms.ops.concat(parts, batch)

    input = convert_to_tensor(input)
    found = node(reversed_of_each, input, cast(seq_lengths, ms.int64))
    found.dtype = input.dtype
    return found


def in_top_k(predictions, targets, k, name=None):
    def among_first(scores, targets):
        own = ms.ops.gather_nd(scores, ms.ops.stack([ms.ops.arange(scores.shape[0]), targets.astype(ms.int64)], 1))
        return ms.ops.sum((scores > own.expand_dims(1)).astype(ms.float32), 1) < k

    found = node(among_first, convert_to_tensor(predictions), convert_to_tensor(targets))
    found.label, found.dtype = "in_top_k", ms.bool_
    return found


def sequence_mask(lengths, maxlen=None, dtype=ms.bool_, name=None):
    def mask(lengths, maxlen):
        longest = int(lengths.max()) if maxlen is None else int(maxlen)
        return (ms.ops.arange(longest) < ms.ops.expand_dims(lengths, -1)).astype(dtype)

    found = node(mask, convert_to_tensor(lengths), maxlen)
    found.label, found.dtype = "sequence_mask", dtype
    return found


# ---------------------------------------------------------------------------------------------------------- linear algebra


def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False, b_is_sparse=False,
           name=None):
    """The matrix product of the last two dimensions."""
    if not (transpose_a or transpose_b or adjoint_a or adjoint_b):
        return node(ms.ops.matmul, convert_to_tensor(a), convert_to_tensor(b))

    def product(a, b):
        a = ms.ops.swapaxes(a, -1, -2) if transpose_a or adjoint_a else a
        b = ms.ops.swapaxes(b, -1, -2) if transpose_b or adjoint_b else b
        return ms.ops.matmul(a, b)

    return node(product, convert_to_tensor(a), convert_to_tensor(b))


def xw_plus_b(x, weights, biases, name=None):
    return matmul(x, weights) + biases


def tensordot(a, b, axes, name=None):
    """The sums of products over axes of a and of b: the last of a and first of b when a number."""
    def product(a, b):
        if isinstance(axes, int):
            first, second = list(range(a.ndim - axes, a.ndim)), list(range(axes))
        else:
            first = [i % a.ndim for i in (axes[0] if isinstance(axes[0], (list, tuple)) else [axes[0]])]
            second = [i % b.ndim for i in (axes[1] if isinstance(axes[1], (list, tuple)) else [axes[1]])]
        left = [i for i in range(a.ndim) if i not in first]
        right = [i for i in range(b.ndim) if i not in second]
        shape = tuple([a.shape[i] for i in left] + [b.shape[i] for i in right])
        size = math.prod([a.shape[i] for i in first])
        a = ms.ops.transpose(a, tuple(left + first)).reshape((-1, size))
        b = ms.ops.transpose(b, tuple(second + right)).reshape((size, -1))
        return ms.ops.matmul(a, b).reshape(shape)

    return node(product, convert_to_tensor(a), convert_to_tensor(b))


def einsum(equation, *inputs, **options):
    """Sums of products, by transposing, multiplying and summing."""
    terms, result = equation.replace(" ", "").split("->") if "->" in equation else (equation.replace(" ", ""), None)
    terms = terms.split(",")
    letters = sorted(set("".join(terms)))
    if result is None:
        result = "".join(c for c in letters if "".join(terms).count(c) == 1)
    order = list(result) + [c for c in letters if c not in result]

    def summed(*values):
        total = None
        for term, value in zip(terms, values):
            value = ms.ops.transpose(value, tuple([term.index(c) for c in order if c in term]))
            shape = iter(value.shape)
            value = value.reshape(tuple([next(shape) if c in term else 1 for c in order]))
            total = value if total is None else total * value
        axes = tuple(range(len(result), len(order)))
        return ms.ops.sum(total, axes) if axes else total

    return node(summed, *map(convert_to_tensor, inputs))


def inverse_of(matrix):
    """MindSpore's own refuses matrices of one number."""
    return ms.ops.inverse(matrix) if matrix.shape[-1] > 1 else 1 / matrix


def matrix_inverse(input, adjoint=False, name=None):
    found = node(inverse_of, convert_to_tensor(input))
    return matrix_transposed(found) if adjoint else found


def matrix_determinant(input, name=None):
    def determinant(matrix):
        return ms.ops.det(matrix) if matrix.shape[-1] > 1 else matrix[..., 0, 0]

    return node(determinant, convert_to_tensor(input))


def matrix_solve(matrix, rhs, adjoint=False, name=None):
    """The solution of matrix @ x = rhs."""
    def solved(matrix, rhs):
        return ms.ops.matmul(inverse_of(ms.ops.swapaxes(matrix, -1, -2) if adjoint else matrix), rhs)

    return node(solved, convert_to_tensor(matrix), convert_to_tensor(rhs))


def cholesky(input, name=None):
    """The lower triangular factor, column by column so that it has derivatives of any order."""
    def factor(a):
        a, size = (a + ms.ops.swapaxes(a, -1, -2)) / 2, a.shape[-1]
        columns = []
        for j in range(size):
            column = a[..., :, j:j + 1]
            for c in columns:
                column = column - c * c[..., j:j + 1, :]
            pivot = ms.ops.sqrt(column[..., j:j + 1, :])
            mask = ms.Tensor((np.arange(size) >= j).astype(np.float32).reshape(-1, 1), a.dtype)
            columns.append(column / pivot * mask)
        return ms.ops.concat(columns, -1)

    return node(factor, convert_to_tensor(input))


def matrix_triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """The solution of matrix @ x = rhs, where only one triangle of the matrix is looked at."""
    return matrix_solve(matrix_band_part(matrix, -1, 0) if lower else matrix_band_part(matrix, 0, -1), rhs, adjoint)


def cholesky_solve(chol, rhs, name=None):
    """The solution of chol @ chol^T @ x = rhs."""
    return matrix_triangular_solve(chol, matrix_triangular_solve(chol, rhs), adjoint=True)


def logdet(matrix, name=None):
    return 2.0 * reduce_sum(ops.log(diag_part(cholesky(matrix))), [-1])


def slogdet(input, name=None):
    """The sign of the determinant and the logarithm of its size."""
    found = matrix_determinant(input)
    return ops.sign(found), ops.log(abs(found))


# ---------------------------------------------------------------------------------------------------------- sparse tensors


class SparseTensor:
    """The values of a tensor at some places; the rest is zero."""

    def __init__(self, indices, values, dense_shape):
        self.indices, self.values = convert_to_tensor(indices, ms.int64), convert_to_tensor(values)
        self.dense_shape, self.dtype = convert_to_tensor(dense_shape, ms.int64), self.values.dtype

    def get_shape(self):
        return Shape([int(d) for d in run(self.dense_shape)])

    @property
    def shape(self):
        return self.get_shape()


SparseTensorValue = collections.namedtuple("SparseTensorValue", "indices values dense_shape")


def sparse_placeholder(dtype, shape=None, name=None):
    """A sparse tensor that is fed, as its indices, values and shape."""
    rank = None if shape is None else len(shape)
    return SparseTensor(placeholder(ms.int64, [None, rank]), placeholder(dtype, [None]), placeholder(ms.int64, [rank]))


def sparse_tensor_to_dense(sp_input, default_value=0, validate_indices=True, name=None):
    return scatter_nd(sp_input.indices, sp_input.values, sp_input.dense_shape)


def sparse_tensor_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    return matmul(sparse_tensor_to_dense(sp_a), b, transpose_a=adjoint_a, transpose_b=adjoint_b)


def sparse_reduce_sum(sp_input, axis=None, keepdims=None, name=None, reduction_axes=None, keep_dims=None):
    return reduce_sum(sparse_tensor_to_dense(sp_input), axis, bool(keepdims), None, reduction_axes, keep_dims)


def sparse_transpose(sp_input, perm=None, name=None):
    def turned(indices):
        return ms.ops.stack([indices[:, i] for i in (range(indices.shape[1])[::-1] if perm is None else perm)], 1)

    order = reverse(sp_input.dense_shape, [0]) if perm is None else gather(sp_input.dense_shape, list(perm))
    return SparseTensor(node(turned, sp_input.indices), sp_input.values, order)


# --------------------------------------------------------------------------------------------------------- neural networks


def softmax(logits, axis=None, name=None, dim=None):
    return node(ms.ops.softmax, convert_to_tensor(logits), (-1 if dim is None else dim) if axis is None else axis)


def log_softmax(logits, axis=None, name=None, dim=None):
    over = (-1 if dim is None else dim) if axis is None else axis

    def normalized(x):
        return log_softmax_over(x, over)

    return node(normalized, convert_to_tensor(logits))


def log_sigmoid(x, name=None):
    return -softplus(-convert_to_tensor(x))


def swish(features, name=None):
    features = convert_to_tensor(features)
    return features * ops.sigmoid(features)


def gelu(features, approximate=False, name=None):
    x = convert_to_tensor(features)
    if approximate:
        return 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))


def crelu(features, name=None, axis=-1):
    x = convert_to_tensor(features)
    return ops.relu(concat([x, -x], axis))


def atan2(y, x, name=None):
    return binary(ms.ops.atan2, convert_to_tensor(y), x)


def zero_where_zero(x, values):
    return where(equal(x, 0.0), zeros_like(values), values)


def xlogy(x, y, name=None):
    x = convert_to_tensor(x)
    return zero_where_zero(x, x * ops.log(where(equal(x, 0.0), ones_like(x * y), y * ones_like(x))))


def xdivy(x, y, name=None):
    x = convert_to_tensor(x)
    return zero_where_zero(x, x / where(equal(x, 0.0), ones_like(x * y), y * ones_like(x)))


def complex_of(real, imag, name=None):
    found = node(ms.ops.Complex(), convert_to_tensor(real), convert_to_tensor(imag))
    found.dtype = ms.complex64
    return found


def part_of(fn, value):
    value = convert_to_tensor(value)
    found = node(fn, value)
    found.dtype = ms.float32 if value.dtype == ms.complex64 else ms.float64 if value.dtype == ms.complex128 else value.dtype
    return found


def real_part(input, name=None):
    return part_of(ms.ops.real, input) if is_complex(convert_to_tensor(input).dtype) else convert_to_tensor(input)


def imaginary_part(input, name=None):
    return part_of(ms.ops.imag, input)


def conjugate(x, name=None):
    x = convert_to_tensor(x)
    return node(ms.ops.conj, x) if is_complex(x.dtype) else x


def phase(input, name=None):
    return atan2(imaginary_part(input), real_part(input))


def count_nonzero(input_tensor, axis=None, keepdims=None, dtype=ms.int64, name=None, reduction_indices=None, keep_dims=None):
    different = not_equal(convert_to_tensor(input_tensor), 0)
    return cast(reduced(sum_over, cast(different, ms.float32), axis, bool(keepdims or keep_dims), reduction_indices), dtype)


def roll(input, shift, axis, name=None):
    shifts, axes = [list(v) if isinstance(v, (list, tuple)) else [v] for v in (shift, axis)]

    def rolled(x):
        for by, along in zip(shifts, axes):
            size = x.shape[along]
            if by % size:
                last = ms.ops.narrow(x, along, size - by % size, by % size)
                x = ms.ops.concat([last, ms.ops.narrow(x, along, 0, size - by % size)], along)
        return x

    return node(rolled, convert_to_tensor(input))


def cross(a, b, name=None):
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    ax, ay, az = [a[..., i] for i in range(3)]
    bx, by, bz = [b[..., i] for i in range(3)]
    return stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def saturate_cast(value, dtype, name=None):
    limits = np.iinfo(numpy_dtype(dtype)) if is_integer(dtype) else np.finfo(numpy_dtype(dtype))
    return cast(clip_by_value(value, limits.min, limits.max), dtype)


def ensure_shape(x, shape, name=None):
    return convert_to_tensor(x)


def log_softmax_over(x, axis):
    """Written out, because MindSpore's own has no second derivative."""
    shifted = x - ms.ops.stop_gradient(ms.ops.amax(x, axis, True))
    return shifted - ms.ops.log(ms.ops.sum(ms.ops.exp(shifted), axis, True))


def bias_add(value, bias, data_format=None, name=None):
    def biased(x, b):
        if data_format == "NCHW":
            return x + b.reshape((1, -1) + (1,) * (x.ndim - 2))
        return x + b

    return node(biased, convert_to_tensor(value), convert_to_tensor(bias))


def l2_loss(t, name=None):
    def half(x):
        return ms.ops.sum(x * x) / 2

    return node(half, convert_to_tensor(t))


def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    axis = dim if axis is None else axis

    def unit(x):
        total = ms.ops.sum(x * x, axis, True) if axis is not None else ms.ops.sum(x * x)
        return x * ms.ops.rsqrt(ms.ops.maximum(total, epsilon))

    return node(unit, convert_to_tensor(x))


def softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, dim=-1, name=None, axis=None):
    if _sentinel is not None:
        labels, logits = _sentinel, labels
    return cross_entropy(stop_gradient(convert_to_tensor(labels)), convert_to_tensor(logits), dim if axis is None else axis)


def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
    return cross_entropy(convert_to_tensor(labels), convert_to_tensor(logits), -1 if axis is None else axis)


def cross_entropy(labels, logits, axis):
    def entropy(labels, logits):
        return -ms.ops.sum(labels * log_softmax_over(logits, axis), axis)

    return node(entropy, labels if labels.dtype in FLOATS else cast(labels, logits.dtype or ms.float32), logits)


def sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    def entropy(logits, labels):
        logs = log_softmax_over(logits, -1)
        chosen = ms.ops.one_hot(labels, logits.shape[-1], ms.Tensor(1, logs.dtype), ms.Tensor(0, logs.dtype))
        return -ms.ops.sum(logs * chosen, -1)

    return node(entropy, convert_to_tensor(logits), convert_to_tensor(labels))


def sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    def entropy(labels, logits):
        positive = ms.ops.where(logits >= 0, logits, ms.ops.zeros_like(logits))
        return positive - logits * labels + ms.ops.log1p(ms.ops.exp(ms.ops.where(logits >= 0, -logits, logits)))

    return node(entropy, convert_to_tensor(labels), convert_to_tensor(logits))


def weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, name=None, targets=None):
    def entropy(labels, logits, weight):
        scale = 1 + (weight - 1) * labels
        return (1 - labels) * logits + scale * (ms.ops.log1p(ms.ops.exp(-ms.ops.abs(logits))) + ms.ops.relu(-logits))

    return node(entropy, convert_to_tensor(targets if labels is None else labels), convert_to_tensor(logits), pos_weight)


def weighted_loss(losses, weights=1.0, scope=None, loss_collection="losses", reduction="weighted_sum_by_nonzero_weights"):
    """The losses times their weights, reduced: to the mean over those whose weight is not zero; it joins the losses of the program."""
    if isinstance(weights, (int, float)) and weights == 1:
        weighted, count = losses, None
    else:
        weights = convert_to_tensor(weights) * ones_like(losses)
        weighted, count = losses * weights, reduce_sum(cast(not_equal(weights, 0.0), ms.float32))
    if reduction == "none":
        loss = weighted
    elif reduction == "weighted_sum":
        loss = reduce_sum(weighted)
    elif reduction == "weighted_sum_over_batch_size" or count is None:
        loss = reduce_mean(weighted)
    elif reduction == "weighted_mean":
        loss = reduce_sum(weighted) / reduce_sum(weights)
    else:
        loss = reduce_sum(weighted) / maximum(count, 1.0)
    if loss_collection is not None:
        add_to_collection(loss_collection, loss)
    return loss


class Reduction:
    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


def mean_squared_error(labels, predictions, weights=1.0, scope=None, **how):
    return weighted_loss(squared_difference(predictions, labels), weights, **how)


def absolute_difference(labels, predictions, weights=1.0, scope=None, **how):
    return weighted_loss(abs(convert_to_tensor(predictions) - labels), weights, **how)


def losses_softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None, **how):
    if label_smoothing:
        onehot_labels = cast(onehot_labels, ms.float32)
        onehot_labels = onehot_labels * (1 - label_smoothing) + label_smoothing / static_shape(onehot_labels)[-1]
    return weighted_loss(softmax_cross_entropy_with_logits(labels=onehot_labels, logits=logits), weights, **how)


def losses_sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, **how):
    return weighted_loss(sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), weights, **how)


def losses_sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None, **how):
    labels = cast(multi_class_labels, ms.float32)
    if label_smoothing:
        labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
    return weighted_loss(sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), weights, **how)


def huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, **how):
    error = abs(convert_to_tensor(predictions) - labels)
    quadratic = minimum(error, delta)
    return weighted_loss(0.5 * quadratic * quadratic + delta * (error - quadratic), weights, **how)


def log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, **how):
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    return weighted_loss(-labels * ops.log(predictions + epsilon) - (1 - labels) * ops.log(1 - predictions + epsilon), weights, **how)


def hinge_loss(labels, logits, weights=1.0, scope=None, **how):
    signs = 2 * convert_to_tensor(labels) - 1
    return weighted_loss(ops.relu(1 - signs * logits), weights, **how)


def cosine_distance(labels, predictions, axis=None, weights=1.0, scope=None, dim=None, **how):
    both = convert_to_tensor(labels) * convert_to_tensor(predictions)
    return weighted_loss(1 - reduce_sum(both, dim if axis is None else axis, True), weights, **how)


def add_loss(loss, loss_collection="losses"):
    add_to_collection(loss_collection, loss)


def get_regularization_losses(scope=None):
    return get_collection("regularization_losses", scope)


def get_regularization_loss(scope=None, name=None):
    return add_n(get_collection("regularization_losses", scope))


def get_losses(scope=None, loss_collection="losses"):
    return get_collection("losses", scope)


def get_total_loss(add_regularization_losses=True, name=None, scope=None):
    return add_n(get_collection("losses") + (get_collection("regularization_losses") if add_regularization_losses else []))


def l2_regularizer(scale, scope=None):
    return lambda weights: scale * l2_loss(weights)


def keras_l2(l=0.01):
    return lambda weights: l * reduce_sum(square(weights))


def keras_l1(l=0.01):
    return lambda weights: l * reduce_sum(abs(weights))


def l1_regularizer(scale, scope=None):
    return lambda weights: scale * reduce_sum(abs(weights))


def same_padding(size, kernel, stride, dilation=1):
    """What TensorFlow's SAME puts before and after."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def channels_first(x, data_format):
    return x if data_format == "NCHW" else ms.ops.transpose(x, (0, 3, 1, 2))


def channels_as_given(x, data_format):
    return x if data_format == "NCHW" else ms.ops.transpose(x, (0, 2, 3, 1))


def of_image(sizes, data_format):
    """Height and width of [1, h, w, 1], [h, w] or a number."""
    if isinstance(sizes, int):
        return sizes, sizes
    sizes = list(sizes)
    if len(sizes) == 4:
        sizes = sizes[2:] if data_format == "NCHW" else sizes[1:3]
    return (sizes[0], sizes[0]) if len(sizes) == 1 else tuple(sizes)


def padded_image(x, padding, kernel, stride, dilation, value=0.0):
    """An image in NCHW with the padding that the window needs."""
    if isinstance(padding, str):
        if padding.upper() == "VALID":
            return x
        top = same_padding(x.shape[2], kernel[0], stride[0], dilation[0])
        left = same_padding(x.shape[3], kernel[1], stride[1], dilation[1])
    else:
        top, left = tuple(padding[1]), tuple(padding[2])
    return framed(framed(x, 2, top[0], top[1], value), 3, left[0], left[1], value)


def conv2d(input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format="NHWC", dilations=(1, 1, 1, 1),
           name=None, filters=None):
    """Convolution of images in TensorFlow's layout by filters [height, width, in, out]."""
    stride, dilation = of_image(strides, data_format), of_image(dilations, data_format)

    def convolved(x, weights):
        x, weights = channels_first(x, data_format), ms.ops.transpose(weights, (3, 2, 0, 1))
        x = padded_image(x, padding, weights.shape[2:], stride, dilation)
        found = ms.ops.conv2d(x, weights, None, stride, "valid", 0, dilation)
        return channels_as_given(found, data_format)

    return node(convolved, convert_to_tensor(input), convert_to_tensor(filters if filter is None else filter))


def conv2d_transpose(value=None, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NHWC", name=None,
                     input=None, filters=None, dilations=None):
    """The transpose of conv2d: filters are [height, width, out, in], and output_shape is the shape that conv2d would take."""
    stride, rows = of_image(strides, data_format), 2 if data_format == "NCHW" else 1

    def spread(x, axis, step, kernel, size):
        """Zeros between the rows of x and around them, as many as rows of the output need."""
        before = kernel - 1 - (same_padding(size, kernel, step)[0] if padding.upper() == "SAME" else 0)
        x = ms.ops.expand_dims(x, axis + 1)
        x = ms.ops.concat([x, *[ms.ops.zeros_like(x)] * (step - 1)], axis + 1)
        x = ms.ops.reshape(x, x.shape[:axis] + (x.shape[axis] * step,) + x.shape[axis + 2:])
        length = size + kernel - 1 - before
        x = ms.ops.narrow(x, axis, 0, length) if x.shape[axis] > length else x
        return framed(x, axis, before, length - x.shape[axis])

    def spread_out(x, weights, size):
        size = ints(size)[rows:rows + 2]
        x, weights = channels_first(x, data_format), ms.ops.transpose(weights, (2, 3, 0, 1))
        for axis in (2, 3):
            x = spread(x, axis, stride[axis - 2], weights.shape[axis], size[axis - 2])
        return channels_as_given(ms.ops.conv2d(x, ms.ops.flip(weights, (2, 3))), data_format)

    return node(spread_out, convert_to_tensor(input if value is None else value), convert_to_tensor(filters if filter is None else filter),
                output_shape)


def pooled(input, ksize, strides, padding, data_format, mean):
    """The mean or the largest of each window, from what the window sees at all its places: this has derivatives of any order."""
    kernel, stride = of_image(ksize, data_format), of_image(strides, data_format)

    def windows(x, value):
        """What the window sees at all its places. Strides are taken by a reshape: MindSpore's gradient of a strided slice fails."""
        x = padded_image(x, padding, kernel, stride, (1, 1), value)
        rows, columns = (x.shape[2] - kernel[0]) // stride[0] + 1, (x.shape[3] - kernel[1]) // stride[1] + 1
        x = framed(framed(x, 2, 0, stride[0] - 1, value), 3, 0, stride[1] - 1, value)
        found = []
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                part = x[:, :, i:i + rows * stride[0], j:j + columns * stride[1]]
                part = part.reshape(x.shape[:2] + (rows, stride[0], columns, stride[1]))
                found.append(part[:, :, :, 0:1, :, 0:1].reshape(x.shape[:2] + (rows, columns)))
        return found

    def pool(x):
        x = channels_first(x, data_format)
        if mean:
            return channels_as_given(sum(windows(x, 0.0)) / sum(windows(ms.ops.ones_like(x), 0.0)), data_format)
        found, *others = windows(x, -3.4e38)
        for part in others:
            found = ms.ops.where(found >= part, found, part)
        return channels_as_given(found, data_format)

    return node(pool, convert_to_tensor(input))


def max_pool(value=None, ksize=None, strides=None, padding=None, data_format="NHWC", name=None, input=None):
    return pooled(input if value is None else value, ksize, strides, padding, data_format, False)


def avg_pool(value=None, ksize=None, strides=None, padding=None, data_format="NHWC", name=None, input=None):
    return pooled(input if value is None else value, ksize, strides, padding, data_format, True)


def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    x = convert_to_tensor(x)
    keep = 1 - rate if keep_prob is None else keep_prob
    mask = random_uniform_like(x)
    return x / keep * cast(mask < keep, ms.float32)


def random_uniform_like(x):
    def drawn(x):
        return ms.Tensor(np.random.uniform(size=x.shape), ms.float32)

    found = node(drawn, x)
    found.label = "random_like"
    return found


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    factor = ops.rsqrt(variance + variance_epsilon)
    factor = factor if scale is None else factor * scale
    return x * factor + ((-mean * factor) if offset is None else offset - mean * factor)


def fused_batch_norm(x, scale, offset, mean=None, variance=None, epsilon=0.001, data_format="NHWC", is_training=True, name=None):
    """The normalized images, and the mean and variance they were normalized by."""
    if is_training:
        mean, spread = moments(x, [0, 1, 2])
        return batch_normalization(x, mean, spread, offset, scale, epsilon), mean, unbiased(spread, x)
    return batch_normalization(x, mean, variance, offset, scale, epsilon), mean, variance


def layer_scope(name, default, reuse=None):
    """The scope of a layer: of its name, or of a default name that is not in use in the current scope."""
    return variable_scope(name or (default if reuse else None), default, reuse=reuse)


def dense(inputs, units, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=zeros_initializer,
          kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
          bias_constraint=None, trainable=True, name=None, reuse=None):
    """A fully connected layer, with variables `kernel` and `bias` in a scope of its name."""
    inputs = convert_to_tensor(inputs)
    with layer_scope(name, "dense", reuse):
        kernel = get_variable("kernel", [static_shape(inputs)[-1], units], ms.float32, kernel_initializer, kernel_regularizer, trainable)
        found = tensordot(inputs, kernel, 1) if len(static_shape(inputs)) > 2 else matmul(inputs, kernel)
        if use_bias:
            found = found + get_variable("bias", [units], ms.float32, bias_initializer, bias_regularizer, trainable)
    return found if activation is None else activation(found)


def fully_connected(inputs, num_outputs, activation_fn=None, normalizer_fn=None, normalizer_params=None,
                    weights_initializer=None, weights_regularizer=None, biases_initializer=zeros_initializer,
                    biases_regularizer=None, reuse=None, variables_collections=None, outputs_collections=None,
                    trainable=True, scope=None):
    """A fully connected layer, with variables `weights` and `biases` in a scope of its name."""
    inputs = convert_to_tensor(inputs)
    with layer_scope(scope, "fully_connected", reuse):
        weights = get_variable("weights", [static_shape(inputs)[-1], num_outputs], ms.float32, weights_initializer,
                               weights_regularizer, trainable)
        found = matmul(inputs, weights)
        if biases_initializer is not None:
            found = found + get_variable("biases", [num_outputs], ms.float32, biases_initializer, biases_regularizer, trainable)
    return found if activation_fn is None else activation_fn(found)


def layers_conv2d(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                  dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
                  bias_initializer=zeros_initializer, kernel_regularizer=None, bias_regularizer=None,
                  activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                  reuse=None):
    """A convolutional layer, with variables `kernel` and `bias` in a scope of its name."""
    with layer_scope(name, "conv2d", reuse):
        found = layers_conv2d_here(inputs, filters, kernel_size, strides, padding, data_format, dilation_rate, use_bias, kernel_initializer,
                                   bias_initializer, kernel_regularizer, bias_regularizer, trainable)
    return found if activation is None else activation(found)


def layers_conv1d(inputs, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1, activation=None,
                  use_bias=True, kernel_initializer=None, bias_initializer=zeros_initializer, kernel_regularizer=None, bias_regularizer=None,
                  activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None, reuse=None):
    """A convolutional layer over [batch, length, channels], with variables `kernel` and `bias` in a scope of its name."""
    size, stride, dilation = [int(np.ravel(value)[0]) for value in (kernel_size, strides, dilation_rate)]
    inputs = convert_to_tensor(inputs)
    with layer_scope(name, "conv1d", reuse):
        kernel = get_variable("kernel", [size, static_shape(inputs)[-1], filters], ms.float32, kernel_initializer, kernel_regularizer, trainable)
        image = conv2d(expand_dims(inputs, 1), expand_dims(kernel, 0), (1, stride), padding.upper(), dilations=(1, dilation))
        found = squeeze(image, [1])
        if use_bias:
            found = found + get_variable("bias", [filters], ms.float32, bias_initializer, bias_regularizer, trainable)
    return found if activation is None else activation(found)


def layers_conv2d_here(inputs, filters, kernel_size, strides, padding, data_format, dilation_rate, use_bias, kernel_initializer, bias_initializer,
                       kernel_regularizer=None, bias_regularizer=None, trainable=True):
    """A convolutional layer with its variables in the current scope."""
    inputs = convert_to_tensor(inputs)
    layout = "NCHW" if data_format == "channels_first" else "NHWC"
    size = of_image(kernel_size, layout)
    shape = [*size, static_shape(inputs)[1 if layout == "NCHW" else 3], filters]
    kernel = get_variable("kernel", shape, ms.float32, kernel_initializer, kernel_regularizer, trainable)
    found = conv2d(inputs, kernel, of_image(strides, layout), padding.upper(), True, layout, of_image(dilation_rate, layout))
    if use_bias:
        found = bias_add(found, get_variable("bias", [filters], ms.float32, bias_initializer, bias_regularizer, trainable), layout)
    return found


def layers_conv2d_transpose(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last", activation=None,
                            use_bias=True, kernel_initializer=None, bias_initializer=zeros_initializer, kernel_regularizer=None,
                            bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                            trainable=True, name=None, reuse=None):
    """A transposed convolutional layer, with variables `kernel` and `bias` in a scope of its name."""
    inputs = convert_to_tensor(inputs)
    layout = "NCHW" if data_format == "channels_first" else "NHWC"
    size, stride, rows = of_image(kernel_size, layout), of_image(strides, layout), 2 if layout == "NCHW" else 1
    known = static_shape(inputs)
    with layer_scope(name, "conv2d_transpose", reuse):
        kernel = get_variable("kernel", [*size, filters, known[1 if rows == 2 else 3]], ms.float32, kernel_initializer, kernel_regularizer, trainable)
        image = [n * s + (max(k - s, 0) if padding.upper() == "VALID" else 0) for n, s, k in zip(known[rows:rows + 2], stride, size)]
        shape = [known[0] or shape_of(inputs)[0], *([filters, *image] if rows == 2 else [*image, filters])]
        found = conv2d_transpose(inputs, kernel, shape, stride, padding, layout)
        if use_bias:
            found = bias_add(found, get_variable("bias", [filters], ms.float32, bias_initializer, bias_regularizer, trainable), layout)
    return found if activation is None else activation(found)


def max_pooling2d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
    return pooled(inputs, pool_size, strides, padding, "NCHW" if data_format == "channels_first" else "NHWC", False)


def average_pooling2d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
    return pooled(inputs, pool_size, strides, padding, "NCHW" if data_format == "channels_first" else "NHWC", True)


def flattened(inputs, name=None, data_format=None):
    inputs = convert_to_tensor(inputs)
    sizes = list(static_shape(inputs))[1:]
    return reshape(inputs, [-1, int(np.prod(sizes))])


# ------------------------------------------------------------------------------------------------------------------ random


def drawn(shape, draw, initializer=None, dtype=ms.float32):
    """A tensor that is drawn anew in each run."""
    if holds_tensor(shape):
        def draw_for(shape):
            return ms.Tensor(draw(ints(shape)), dtype)

        found = node(draw_for, shape)
    else:
        size = tuple([int(d) for d in shape])

        def draw_now():
            return ms.Tensor(draw(size), dtype)

        found = Deferred(draw_now, label="random")
    found.dtype = dtype
    if initializer is not None and not holds_tensor(shape):
        found.drawn_as = lambda dtype=None: init.initializer(initializer, tuple(shape), dtype or ms.float32)
    return found


def random_normal(shape, mean=0.0, stddev=1.0, dtype=ms.float32, seed=None, name=None):
    return drawn(shape, lambda size: np.random.normal(mean, stddev, size), init.Normal(stddev, mean), dtype)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=ms.float32, seed=None, name=None):
    def draw(size):
        values = np.random.normal(size=size)
        while (np.abs(values) > 2).any():
            values = np.where(np.abs(values) > 2, np.random.normal(size=size), values)
        return mean + stddev * values

    return drawn(shape, draw, init.TruncatedNormal(stddev, mean), dtype)


def random_uniform(shape, minval=0, maxval=None, dtype=ms.float32, seed=None, name=None):
    top = 1.0 if maxval is None else maxval
    start = init.Uniform(top) if isinstance(top, (int, float)) and minval == -top else None
    if dtype in FLOATS:
        return drawn(shape, lambda size: np.random.uniform(minval, top, size), start, dtype)
    return drawn(shape, lambda size: np.random.randint(minval, top, size), None, dtype)


def set_random_seed(seed):
    ms.set_seed(seed)


def random_shuffle(value, seed=None, name=None):
    def shuffled(x):
        return x[ms.Tensor(np.random.permutation(x.shape[0]), ms.int32)]

    return node(shuffled, convert_to_tensor(value))


def multinomial(logits, num_samples, seed=None, name=None, output_dtype=ms.int64):
    def sampled(logits):
        scores = logits.asnumpy()[:, None, :] + np.random.gumbel(size=(logits.shape[0], num_samples, logits.shape[1]))
        return ms.Tensor(scores.argmax(-1), output_dtype)

    found = node(sampled, convert_to_tensor(logits))
    found.label, found.dtype = "argmax", output_dtype
    return found


def print_when_run(input_, data, message=None, first_n=None, summarize=None, name=None):
    def printed(value, *shown):
        print(message or "", *[s.asnumpy() for s in shown])
        return value

    return node(printed, convert_to_tensor(input_), *data)


class ExponentialMovingAverage:
    """Averages of variables, updated by the operation that apply gives."""

    def __init__(self, decay, num_updates=None, zero_debias=False, name="ExponentialMovingAverage"):
        self.decay, self.averages, self.name = decay, {}, name
        if num_updates is not None:
            steps = cast(num_updates, ms.float32)
            self.decay = minimum((1 + steps) / (10 + steps), decay)

    def apply(self, var_list=None):
        updates = []
        for variable in trainable_variables() if var_list is None else var_list:
            if variable not in self.averages:
                start = variable.start if isinstance(variable, Variable) else np.zeros(static_shape(variable), np.float32)
                self.averages[variable] = Variable(start, trainable=False, full_name=self.average_name(variable))
            average = self.averages[variable]
            updates.append(average.assign_sub((average - variable) * (1 - self.decay)))
        return group(*updates)

    def average(self, var):
        return self.averages.get(var)

    def average_name(self, var):
        return f"{var.op.name}/{self.name}"

    def variables_to_restore(self, moving_avg_variables=None):
        return {self.average_name(v): self.averages.get(v, v) for v in [*self.averages, *(moving_avg_variables or [])]}


def get_or_create_global_step(graph=None):
    for variable in global_variables():
        if variable.name == "global_step:0":
            return variable
    return Variable(0, trainable=False, name="global_step", dtype=ms.int32)


class AggregationMethod:
    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def negated(x, name=None):
    return -convert_to_tensor(x)


def both_true(x, y, name=None):
    return truth(ms.ops.logical_and, x, y)


def either_true(x, y, name=None):
    return truth(ms.ops.logical_or, x, y)


def not_true(x, name=None):
    found = node(ms.ops.logical_not, convert_to_tensor(x))
    found.dtype = ms.bool_
    return found


def matrix_transposed(a, name=None):
    return node(ms.ops.swapaxes, convert_to_tensor(a), -1, -2)


def matvec(a, b, name=None):
    return squeeze(matmul(a, expand_dims(b, -1)), -1)


def zero_fraction(value, name=None):
    return reduce_mean(cast(equal(value, 0.0), ms.float32))


def relu_layer(x, weights, biases, name=None):
    return ops.relu(matmul(x, weights) + biases)


def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    x = convert_to_tensor(input_tensor)
    return reduce_mean(square(x - reduce_mean(x, axis, True)), axis, keepdims)


def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    return ops.sqrt(reduce_variance(input_tensor, axis, keepdims))


def space_to_depth(input, block_size, name=None, data_format="NHWC"):
    def gathered(x):
        n, h, w, c = x.shape
        x = x.reshape((n, h // block_size, block_size, w // block_size, block_size, c))
        return ms.ops.transpose(x, (0, 1, 3, 2, 4, 5)).reshape((n, h // block_size, w // block_size, c * block_size ** 2))

    return node(gathered, convert_to_tensor(input))


def depthwise_conv2d(input=None, filter=None, strides=None, padding=None, rate=None, name=None, data_format="NHWC", dilations=None, filters=None):
    """Each channel by its own filters [height, width, channels, multiplier]."""
    stride, dilation = of_image(strides, data_format), of_image(rate or dilations or (1, 1), data_format)

    def convolved(x, weights):
        x = channels_first(x, data_format)
        height, width, channels, each = weights.shape
        x = padded_image(x, padding, (height, width), stride, dilation)
        parts = []
        for c in range(channels):
            kernel = ms.ops.transpose(weights[:, :, c:c + 1, :], (3, 2, 0, 1))
            parts.append(ms.ops.conv2d(x[:, c:c + 1], kernel, None, stride, "valid", 0, dilation))
        return channels_as_given(ms.ops.concat(parts, 1), data_format)

    return node(convolved, convert_to_tensor(input), convert_to_tensor(filters if filter is None else filter))


def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None, data_format="NHWC", dilations=None):
    between = depthwise_conv2d(input, depthwise_filter, strides, padding, rate, None, data_format, dilations)
    return conv2d(between, pointwise_filter, [1, 1, 1, 1], "VALID", True, data_format)


def local_response_normalization(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
    def normalized(x):
        squares, channels = x * x, x.shape[-1]
        near = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels))) <= depth_radius
        total = ms.ops.matmul(squares.reshape((-1, channels)), ms.Tensor(near.astype(np.float32), x.dtype)).reshape(x.shape)
        return x / ms.ops.pow(bias + alpha * total, beta)

    return node(normalized, convert_to_tensor(input))


def resized(images, size, places):
    """Images of another height and width, each row and column a mixture of old ones."""
    def resize(x, size):
        height, width = ints(size)
        rows, columns = [ms.Tensor(places(old, new), x.dtype) for old, new in ((x.shape[-3], height), (x.shape[-2], width))]
        x = ms.ops.matmul(ms.ops.swapaxes(x, -1, -2), ms.ops.swapaxes(columns, 0, 1))
        x = ms.ops.swapaxes(x, -1, -2)
        shape = x.shape
        x = ms.ops.matmul(rows, x.reshape(shape[:-2] + (shape[-2] * shape[-1],)))
        return x.reshape(shape[:-3] + (height,) + shape[-2:])

    return node(resize, convert_to_tensor(images), size if holds_tensor(size) else list(size))


def resize_bilinear(images, size, align_corners=False, name=None, half_pixel_centers=False):
    def mixture(old, new):
        at = np.arange(new) * ((old - 1) / (new - 1) if align_corners and new > 1 else old / new)
        if half_pixel_centers:
            at = np.maximum((np.arange(new) + 0.5) * old / new - 0.5, 0)
        low = np.minimum(np.floor(at).astype(int), old - 1)
        found = np.zeros((new, old), np.float32)
        found[np.arange(new), low] += 1 - (at - low)
        found[np.arange(new), np.minimum(low + 1, old - 1)] += at - low
        return found

    return resized(cast(images, ms.float32), size, mixture)


def resize_nearest_neighbor(images, size, align_corners=False, name=None, half_pixel_centers=False):
    def choice(old, new):
        at = np.arange(new) * ((old - 1) / (new - 1) if align_corners and new > 1 else old / new)
        at = (np.arange(new) + 0.5) * old / new if half_pixel_centers else np.floor(at + 0.5) if align_corners else at
        return np.eye(old, dtype=np.float32)[np.minimum(np.floor(at).astype(int), old - 1)]

    return resized(images, size, choice)


def resize_images(images, size, method=0, align_corners=False, preserve_aspect_ratio=False, name=None):
    return (resize_nearest_neighbor if method == 1 else resize_bilinear)(images, size, align_corners)


class ResizeMethod:
    BILINEAR, NEAREST_NEIGHBOR = 0, 1


def flip_left_right(image):
    return reverse(image, [-2])


def flip_up_down(image):
    return reverse(image, [-3])


def total_variation(images, name=None):
    images = convert_to_tensor(images)
    down, right = images[..., 1:, :, :] - images[..., :-1, :, :], images[..., :, 1:, :] - images[..., :, :-1, :]
    return reduce_sum(abs(down), [-3, -2, -1]) + reduce_sum(abs(right), [-3, -2, -1])


def layers_dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None):
    if isinstance(training, Deferred):
        return cond(training, lambda: dropout(inputs, 1 - rate), lambda: identity(inputs))
    return dropout(inputs, 1 - rate) if training else convert_to_tensor(inputs)


def first_of(tensor, *ignored, **more):
    return convert_to_tensor(tensor)


def never(*ignored, **more):
    return False


def always_true(variable):
    return constant(True)


def no_summary(*ignored, **more):
    """Summaries have no meaning here."""
    return no_op()


def no_merged_summary(inputs=None, collections=None, name=None):
    return no_op()


def no_summaries(key=None, scope=None, name=None):
    return no_op()


def no_check(*ignored, **more):
    """What TensorFlow asserts when it runs is not looked at."""
    return no_op()


class Settings:
    """Settings, writers and coordinators of TensorFlow, without meaning here."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        found = Settings()
        object.__setattr__(self, name, found)
        return found

    def __call__(self, *args, **kwargs):
        return Settings()


def latest_checkpoint(checkpoint_dir, latest_filename=None):
    """The path of what was saved last in a folder, for `restore`."""
    files = sorted(glob.glob(os.path.join(checkpoint_dir, "*.npz")), key=os.path.getmtime)
    return files[-1][:-len(".npz")] if files else None


class CheckpointState:
    def __init__(self, path):
        self.model_checkpoint_path = path


def get_checkpoint_state(checkpoint_dir, latest_filename=None):
    path = latest_checkpoint(checkpoint_dir)
    return CheckpointState(path) if path else None


class Coordinator:
    """Nothing runs beside the program here, so it is never told to stop."""

    def __init__(self, **options):
        self.stopped = False

    def should_stop(self):
        return self.stopped

    def request_stop(self, ex=None):
        self.stopped = True

    def join(self, threads=None, **options):
        for thread in threads or ():
            thread.join()

    def clear_stop(self):
        self.stopped = False


class Saver:
    """Keeps the values of variables in a file."""

    def __init__(self, var_list=None, **options):
        self.var_list = var_list

    def variables(self):
        found = self.var_list if self.var_list is not None else global_variables()
        return found if isinstance(found, dict) else {v.name[:-2]: v for v in found}

    def save(self, sess, save_path, global_step=None, **options):
        path = save_path if global_step is None else f"{save_path}-{global_step}"
        np.savez(path + ".npz", **{name.replace("/", "|"): run(v) for name, v in self.variables().items()})
        return path

    def restore(self, sess, save_path):
        stored = np.load(save_path + ".npz")
        for name, variable in self.variables().items():
            variable.load(stored[name.replace("/", "|")])


class device:
    """Where tensors are computed is not for the program to say here."""

    def __init__(self, *names):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def make_template(name_, func_, create_scope_now_=False, unique_name_=None, custom_getter_=None, **kwargs):
    """A function whose variables are made in a scope of its own when it is first called, and taken again afterwards."""
    opened = []

    def template(*args, **more):
        with variable_scope(opened[0], reuse=True) if opened else variable_scope(None, name_) as scope:
            found = func_(*args, **{**kwargs, **more})
        opened.append(scope)
        return found

    return template


class name_scope:
    """Variables made inside have the scope's name before theirs."""

    def __init__(self, name, default_name=None, values=None):
        self.name = name or default_name

    def __enter__(self):
        self.outer = graph.space
        graph.space = unique_name(graph.space + self.name) + "/"
        return graph.space

    def __exit__(self, *exception):
        graph.space = self.outer


# ------------------------------------------------------------------------------------------------------- recurrent layers


class LSTMStateTuple(tuple):
    """The cell state and the output of an LSTM cell."""

    _fields = ("c", "h")

    def __new__(cls, c, h):
        return tuple.__new__(cls, (c, h))

    @property
    def c(self):
        return self[0]

    @property
    def h(self):
        return self[1]


class RNNCell:
    """One step of a recurrent layer; its variables are made in a scope of its name when it is first called."""

    label = "rnn_cell"

    def __init__(self, num_units=None, activation=None, reuse=None, name=None, **options):
        self.num_units, self.activation = num_units, activation or ops.tanh
        label = self.label if self.label != RNNCell.label else re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.reuse, self.name, self.options, self.prefix = reuse, name or label, options, None

    @property
    def output_size(self):
        return self.num_units

    @property
    def state_size(self):
        return self.num_units

    def zero_state(self, batch_size, dtype=ms.float32):
        return zero_states(self.state_size, batch_size, dtype)

    def __call__(self, inputs, state, scope=None):
        reuse = True if self.prefix == scope_prefix() else self.reuse
        self.prefix = scope_prefix()
        with variable_scope(scope or self.name, reuse=reuse):
            return self.step(convert_to_tensor(inputs), state)

    def step(self, inputs, state):
        return self.call(inputs, state)

    def weights(self, name, inputs, state, size, bias=None):
        """[inputs, state] @ kernel + bias."""
        both = concat([inputs, state], 1)
        kernel = get_variable(name + "kernel", [static_shape(both)[-1], size], initializer=self.options.get("kernel_initializer"))
        start = self.options.get("bias_initializer") or (zeros_initializer if bias is None else constant_initializer(bias))
        return matmul(both, kernel) + get_variable(name + "bias", [size], initializer=start)


def zero_states(size, batch_size, dtype):
    if isinstance(size, (list, tuple)):
        parts = [zero_states(part, batch_size, dtype) for part in size]
        return type(size)(*parts) if hasattr(size, "_fields") else tuple(parts)
    return zeros([batch_size, size], dtype)


class BasicRNNCell(RNNCell):
    label = "basic_rnn_cell"

    def step(self, inputs, state):
        output = self.activation(self.weights("", inputs, state, self.num_units))
        return output, output


class GRUCell(RNNCell):
    label = "gru_cell"

    def step(self, inputs, state):
        with variable_scope("gates"):
            r, u = split(ops.sigmoid(self.weights("", inputs, state, 2 * self.num_units, 1.0)), 2, 1)
        with variable_scope("candidate"):
            c = self.activation(self.weights("", inputs, r * state, self.num_units))
        new = u * state + (1 - u) * c
        return new, new


class BasicLSTMCell(RNNCell):
    label = "basic_lstm_cell"

    def __init__(self, num_units, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None, name=None, **options):
        super().__init__(num_units, activation, reuse, name, **options)
        self.forget_bias = forget_bias

    @property
    def state_size(self):
        return LSTMStateTuple(self.num_units, self.num_units)

    def step(self, inputs, state):
        c, h = state
        i, j, f, o = split(self.weights("", inputs, h, 4 * self.num_units), 4, 1)
        c = c * ops.sigmoid(f + self.forget_bias) + ops.sigmoid(i) * self.activation(j)
        h = self.activation(c) * ops.sigmoid(o)
        return h, LSTMStateTuple(c, h)


class LSTMCell(BasicLSTMCell):
    label = "lstm_cell"

    def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None, proj_clip=None, num_unit_shards=None,
                 num_proj_shards=None, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None, name=None, dtype=None):
        super().__init__(num_units, forget_bias, True, activation, reuse, name, kernel_initializer=initializer)
        self.peepholes, self.cell_clip, self.num_proj, self.proj_clip = use_peepholes, cell_clip, num_proj, proj_clip

    @property
    def output_size(self):
        return self.num_proj or self.num_units

    @property
    def state_size(self):
        return LSTMStateTuple(self.num_units, self.output_size)

    def seen(self, gate, c):
        """What a gate sees of the cell state."""
        start = self.options.get("kernel_initializer")
        return get_variable(f"w_{gate}_diag", [self.num_units], initializer=start) * c if self.peepholes else 0.0

    def step(self, inputs, state):
        c, h = state
        i, j, f, o = split(self.weights("", inputs, h, 4 * self.num_units), 4, 1)
        forget, take = f + self.forget_bias + self.seen("f", c), i + self.seen("i", c)
        c = c * ops.sigmoid(forget) + ops.sigmoid(take) * self.activation(j)
        c = c if self.cell_clip is None else clip_by_value(c, -self.cell_clip, self.cell_clip)
        h = self.activation(c) * ops.sigmoid(o + self.seen("o", c))
        if self.num_proj:
            with variable_scope("projection"):
                h = matmul(h, get_variable("kernel", [self.num_units, self.num_proj], initializer=self.options.get("kernel_initializer")))
            h = h if self.proj_clip is None else clip_by_value(h, -self.proj_clip, self.proj_clip)
        return h, LSTMStateTuple(c, h)


class MultiRNNCell:
    """Cells one above the other."""

    def __init__(self, cells, state_is_tuple=True):
        self.cells = list(cells)

    @property
    def state_size(self):
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self):
        return self.cells[-1].output_size

    def zero_state(self, batch_size, dtype=ms.float32):
        return zero_states(self.state_size, batch_size, dtype)

    def __call__(self, inputs, state, scope=None):
        states = []
        with variable_scope(scope or "multi_rnn_cell"):
            for i, cell in enumerate(self.cells):
                with variable_scope(f"cell_{i}"):
                    inputs, new = cell(inputs, state[i])
                states.append(new)
        return inputs, tuple(states)


class ResidualWrapper:
    """A cell whose inputs are added to its outputs."""

    def __init__(self, cell, residual_fn=None):
        self.cell, self.residual_fn = cell, residual_fn
        self.state_size, self.output_size, self.zero_state = cell.state_size, cell.output_size, cell.zero_state

    def __call__(self, inputs, state, scope=None):
        output, state = self.cell(inputs, state, scope)
        return output + inputs if self.residual_fn is None else self.residual_fn(inputs, output), state


class DropoutWrapper:
    """A cell whose inputs and outputs are dropped at random."""

    def __init__(self, cell, input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=1.0, **options):
        self.cell, self.keep_in, self.keep_out = cell, input_keep_prob, output_keep_prob
        self.state_size, self.output_size, self.zero_state = cell.state_size, cell.output_size, cell.zero_state

    def __call__(self, inputs, state, scope=None):
        output, state = self.cell(self.kept(inputs, self.keep_in), state, scope)
        return self.kept(output, self.keep_out), state

    def kept(self, values, keep):
        return values if isinstance(keep, (int, float)) and keep >= 1 else dropout(values, keep)


def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    """The outputs of a cell for each of the inputs, and its last state."""
    state = initial_state if initial_state is not None else cell.zero_state(shape_of(inputs[0])[0], ms.float32)
    outputs = []
    with variable_scope(scope or "rnn"):
        for time, step in enumerate(inputs):
            output, new = cell(step, state)
            if sequence_length is not None:
                output, new = while_alive(convert_to_tensor(sequence_length) > time, output, new, state)
            state = new
            outputs.append(output)
    return outputs, state


def static_bidirectional_rnn(cell_fw, cell_bw, inputs, initial_state_fw=None, initial_state_bw=None, dtype=None, sequence_length=None, scope=None):
    """The outputs of both cells side by side, and their last states."""
    def turned(steps):
        if sequence_length is None:
            return list(steps)[::-1]
        return unstack(reverse_sequence(stack(list(steps)), sequence_length, 0, 1), len(steps))

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forwards:
            outputs_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, forwards)
        with variable_scope("bw") as backwards:
            outputs_bw, state_bw = static_rnn(cell_bw, turned(inputs), initial_state_bw, dtype, sequence_length, backwards)
    return [concat([f, b], 1) for f, b in zip(outputs_fw, turned(outputs_bw))], state_fw, state_bw


def while_alive(alive, output, new, old):
    """Past its sequence's length an output is zero and a state stays as it is."""
    alive = cast(expand_dims(alive, 1), ms.float32)
    return output * alive, packed(new, iter([n * alive + o * (1 - alive) for n, o in zip(flatten(new), flatten(old))]))


def dynamic_rnn(cell, inputs, sequence_length=None, initial_state=None, dtype=None, parallel_iterations=None, swap_memory=False,
                time_major=False, scope=None):
    """The outputs of a cell for [batch, time, size], and its last state; past its sequence's length a state stays as it is."""
    inputs = convert_to_tensor(inputs)
    steps = inputs if time_major else transpose(inputs, [1, 0, 2])
    state = initial_state if initial_state is not None else cell.zero_state(shape_of(steps)[1], ms.float32)
    first = (zeros([shape_of(steps)[1], cell.output_size]), state, constant(0))

    def step(before, part):
        old, state, time = before
        output, new = cell(part, state)
        if sequence_length is not None:
            output, new = while_alive(convert_to_tensor(sequence_length) > time, output, new, state)
        return output, new, time + 1

    with variable_scope(scope or "rnn"):
        outputs, states, _ = scan(step, steps, first)
    last = packed(state, iter([s[-1] for s in flatten(states)]))
    return outputs if time_major else transpose(outputs, [1, 0, 2]), last


def bidirectional_dynamic_rnn(cell_fw, cell_bw, inputs, sequence_length=None, initial_state_fw=None, initial_state_bw=None, dtype=None,
                              parallel_iterations=None, swap_memory=False, time_major=False, scope=None):
    """The outputs of one cell that goes forwards and one that goes backwards, and their last states."""
    def turned(x):
        if sequence_length is None:
            return reverse(x, [0 if time_major else 1])
        return reverse_sequence(x, sequence_length, 0 if time_major else 1, 1 if time_major else 0)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forwards:
            output_fw, state_fw = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, dtype, time_major=time_major, scope=forwards)
        with variable_scope("bw") as backwards:
            output_bw, state_bw = dynamic_rnn(cell_bw, turned(inputs), sequence_length, initial_state_bw, dtype, time_major=time_major, scope=backwards)
    return (output_fw, turned(output_bw)), (state_fw, state_bw)


# ----------------------------------------------------------------------------------------------------------- tensor arrays


class TensorArray(Deferred):
    """Rows that are written one by one: its value is a tuple of them. Each change gives a new TensorArray."""

    def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None, flow=None, infer_shape=True,
                 element_shape=None, colocate_with_first_write_call=True, name=None):
        def empty(*count):
            return (None,) * int(count[0] if count else size or 0)

        super().__init__(empty, [size] if isinstance(size, Deferred) else [], "TensorArray", dtype_of(dtype))
        self.dtype = dtype_of(dtype)

    @property
    def flow(self):
        return self

    def write(self, index, value, name=None):
        def put(rows, index, value):
            rows, index = list(rows), int(index)
            rows += [None] * (index + 1 - len(rows))
            rows[index] = value
            return tuple(rows)

        return as_array(node(put, self, index, convert_to_tensor(value, self.dtype)), self)

    def read(self, index, name=None):
        def row(rows, index):
            return rows[int(index)]

        return node(row, self, index)

    def stack(self, name=None):
        def stacked(rows):
            return ms.ops.stack(list(rows))

        return node(stacked, self)

    def gather(self, indices, name=None):
        return gather(self.stack(), indices)

    def concat(self, name=None):
        def joined(rows):
            return ms.ops.concat(list(rows))

        return node(joined, self)

    def unstack(self, value, name=None):
        def rows(value):
            return tuple([value[i] for i in range(value.shape[0])])

        return as_array(node(rows, convert_to_tensor(value, self.dtype)), self)

    def size(self, name=None):
        def count(rows):
            return ms.Tensor(len(rows), ms.int32)

        found = node(count, self)
        found.label, found.dtype = "size", ms.int32
        return found

    def identity(self):
        return self

    def close(self, name=None):
        return no_op()


def as_array(tensor, like):
    """A TensorArray of what the tensor gives."""
    found = TensorArray(like.dtype)
    found.apply, found.inputs, found.label = tensor.apply, tensor.inputs, "rows"
    return found


# -------------------------------------------------------------------------------------------------------------- data sets


class Element(Placeholder):
    """One part of the element that an iterator is at."""

    def __init__(self, pulled, i, shape, dtype):
        super().__init__(dtype, shape, "IteratorGetNext")
        self.inputs, self.part, self.after = [pulled], i, []

    def compute(self, pulled):
        return pulled[self.part]


def of_tensors(structure):
    """The structure with tensors for arrays and lists; tuples and dicts hold parts."""
    if isinstance(structure, dict):
        return {k: of_tensors(part) for k, part in structure.items()}
    return tuple(map(of_tensors, structure)) if isinstance(structure, tuple) else convert_to_tensor(structure)


class Dataset:
    """Elements that `rows` yields as lists of arrays, given the values of `inputs`; `structure` and `specs` tell their form."""

    def __init__(self, rows, structure, specs, inputs=()):
        self.rows, self.structure, self.specs, self.inputs = rows, structure, specs, list(inputs)

    def changed(self, rows, specs=None):
        return Dataset(rows, self.structure, specs or self.specs, self.inputs)

    @staticmethod
    def from_tensor_slices(tensors):
        structure = of_tensors(tensors)
        parts = flatten(structure)

        def rows(values):
            return map(list, zip(*values))

        return Dataset(rows, structure, [(list(static_shape(t))[1:], t.dtype) for t in parts], parts)

    @staticmethod
    def from_tensors(tensors):
        structure = of_tensors(tensors)
        parts = flatten(structure)
        return Dataset(lambda values: iter([values]), structure, [(static_shape(t), t.dtype) for t in parts], parts)

    @staticmethod
    def from_generator(generator, output_types, output_shapes=None, args=None):
        kinds = flatten(output_types)
        shapes = [None] * len(kinds) if output_shapes is None else [output_shapes] if len(kinds) == 1 else list(output_shapes)

        def rows(values):
            for element in generator():
                yield [np.asarray(part, numpy_dtype(kind)) for part, kind in zip(element if isinstance(element, tuple) else (element,), kinds)]

        return Dataset(rows, output_types, list(zip(shapes, kinds)))

    @staticmethod
    def range(*args):
        return Dataset.from_tensor_slices(np.arange(*args, dtype=np.int64))

    @staticmethod
    def zip(datasets):
        counts = [len(d.inputs) for d in datasets]

        def rows(values):
            parts = [d.rows(values[sum(counts[:i]):sum(counts[:i + 1])]) for i, d in enumerate(datasets)]
            return ([x for row in joined for x in row] for joined in zip(*parts))

        return Dataset(rows, tuple([d.structure for d in datasets]), [spec for d in datasets for spec in d.specs], [t for d in datasets for t in d.inputs])

    def batch(self, batch_size, drop_remainder=False):
        def rows(values):
            group = []
            for row in self.rows(values):
                group.append(row)
                if len(group) == batch_size:
                    yield [np.stack(column) for column in zip(*group)]
                    group = []
            if group and not drop_remainder:
                yield [np.stack(column) for column in zip(*group)]

        return self.changed(rows, [([batch_size if drop_remainder else None, *(shape or [])], dtype) for shape, dtype in self.specs])

    def repeat(self, count=None):
        def rows(values):
            turn = 0
            while count in (None, -1) or turn < count:
                yield from self.rows(values)
                turn += 1

        return self.changed(rows)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        drawn_from = np.random.RandomState(seed)

        def rows(values):
            held = []
            for row in self.rows(values):
                held.append(row)
                if len(held) == buffer_size:
                    yield held.pop(drawn_from.randint(len(held)))
            while held:
                yield held.pop(drawn_from.randint(len(held)))

        return self.changed(rows)

    def take(self, count):
        return self.changed(lambda values: (row for _, row in zip(range(count), self.rows(values))))

    def skip(self, count):
        return self.changed(lambda values: (row for i, row in enumerate(self.rows(values)) if i >= count))

    def applied(self, fn):
        """What fn gives for tensors of the form of an element, and the function that computes it for an element."""
        given = [Placeholder(dtype, shape, None) for shape, dtype in self.specs]
        parts = packed(self.structure, iter(given))
        found = of_tensors(fn(*parts) if isinstance(parts, tuple) else fn(parts))
        flat = flatten(found)

        def computed(row):
            values = {t: ms.Tensor(np.asarray(part), t.dtype) for t, part in zip(given, row)}
            return [value.asnumpy() for value in evaluate(flat, values)]

        return found, flat, computed

    def map(self, map_func, num_parallel_calls=None):
        found, flat, computed = self.applied(map_func)
        specs = [(static_shape(t), t.dtype) for t in flat]
        return Dataset(lambda values: map(computed, self.rows(values)), found, specs, self.inputs)

    def filter(self, predicate):
        _, _, computed = self.applied(predicate)
        return self.changed(lambda values: (row for row in self.rows(values) if computed(row)[0]))

    @property
    def output_types(self):
        return packed(self.structure, iter([dtype for _, dtype in self.specs]))

    @property
    def output_shapes(self):
        return packed(self.structure, iter([Shape(shape) for shape, _ in self.specs]))

    def prefetch(self, buffer_size=None):
        return self

    def cache(self, filename=""):
        return self

    def make_one_shot_iterator(self):
        iterator = DatasetIterator(self)
        run(iterator.initializer)
        return iterator

    def make_initializable_iterator(self, shared_name=None):
        return DatasetIterator(self)


class DatasetIterator:
    """A way through a data set; each run takes the next element."""

    def __init__(self, dataset):
        self.structure, self.specs, self.left = dataset.structure, dataset.specs, None
        self.initializer = self.make_initializer(dataset)

    @staticmethod
    def from_structure(output_types, output_shapes=None, shared_name=None, output_classes=None):
        kinds = flatten(output_types)
        shapes = [None] * len(kinds) if output_shapes is None else list(output_shapes) if isinstance(output_types, tuple) else [output_shapes]
        return DatasetIterator(Dataset(lambda values: iter(()), output_types, list(zip(shapes, kinds))))

    def make_initializer(self, dataset, name=None):
        def start(*values):
            self.left = dataset.rows([value.asnumpy() for value in values])

        return Action(start, dataset.inputs, "MakeIterator")

    def pull(self):
        """The next element. Raises StopIteration when there is none."""
        if self.left is None:
            raise RuntimeError("GetNext() failed because the iterator has not been initialized.")
        return [ms.Tensor(np.asarray(part), dtype) for part, (_, dtype) in zip(next(self.left), self.specs)]

    def get_next(self, name=None):
        pulled = Deferred(self.pull, label="IteratorGetNext")
        return packed(self.structure, iter([Element(pulled, i, shape, dtype) for i, (shape, dtype) in enumerate(self.specs)]))


# ---------------------------------------------------------------------------------------------------------- more layers


def layers_batch_normalization(inputs, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer=zeros_initializer,
                               gamma_initializer=ones_initializer, moving_mean_initializer=zeros_initializer,
                               moving_variance_initializer=ones_initializer, beta_regularizer=None, gamma_regularizer=None,
                               beta_constraint=None, gamma_constraint=None, training=False, trainable=True, name=None, reuse=None,
                               renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None):
    """Normalization over all axes but the last; what updates the moving averages joins the collection `update_ops`."""
    inputs = convert_to_tensor(inputs)
    rank = len(static_shape(inputs))
    size, axes = [static_shape(inputs)[-1]], list(range(rank - 1))
    with layer_scope(name, "batch_normalization", reuse):
        gamma = get_variable("gamma", size, initializer=gamma_initializer, trainable=trainable) if scale else None
        beta = get_variable("beta", size, initializer=beta_initializer, trainable=trainable) if center else None
        moving_mean = get_variable("moving_mean", size, initializer=moving_mean_initializer, trainable=False)
        moving_variance = get_variable("moving_variance", size, initializer=moving_variance_initializer, trainable=False)
    if training is False:
        return batch_normalization(inputs, moving_mean, moving_variance, beta, gamma, epsilon)
    mean = reduce_mean(inputs, axes)
    variance = reduce_mean(square(inputs - stop_gradient(mean)), axes)
    kept = 1 - momentum
    if isinstance(training, Deferred):
        now = cast(training, ms.float32)
        kept = kept * now
        used_mean, used_variance = mean * now + moving_mean * (1 - now), variance * now + moving_variance * (1 - now)
    else:
        used_mean, used_variance = mean, variance
    spread = unbiased(variance, inputs) if rank == 4 and fused is not False else variance
    for average, value in ((moving_mean, mean), (moving_variance, spread)):
        add_to_collection("update_ops", average.assign(average - (average - stop_gradient(value)) * kept))
    return batch_normalization(inputs, used_mean, used_variance, beta, gamma, epsilon)


def unbiased(variance, inputs):
    def corrected(variance, x):
        count = math.prod(x.shape[:-1])
        return variance * (count / max(count - 1, 1))

    return node(corrected, variance, inputs)


class Dense:
    """A fully connected layer whose variables are made when it is first called."""

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=zeros_initializer, name=None, **options):
        self.units, self.activation, self.use_bias, self.name = units, activation, use_bias, name
        self.starts, self.kernel, self.bias = (kernel_initializer, bias_initializer), None, None

    def __call__(self, inputs):
        inputs = convert_to_tensor(inputs)
        if self.kernel is None:
            with layer_scope(self.name, "dense"):
                self.kernel = get_variable("kernel", [static_shape(inputs)[-1], self.units], initializer=self.starts[0])
                self.bias = get_variable("bias", [self.units], initializer=self.starts[1]) if self.use_bias else None
        found = tensordot(inputs, self.kernel, 1) if len(static_shape(inputs)) > 2 else matmul(inputs, self.kernel)
        found = found if self.bias is None else found + self.bias
        chosen = {"relu": ops.relu, "tanh": ops.tanh, "sigmoid": ops.sigmoid, "linear": None}.get(self.activation, self.activation) \
            if isinstance(self.activation, str) else self.activation
        return found if chosen is None else chosen(found)

    def apply(self, inputs):
        return self(inputs)

    @property
    def trainable_variables(self):
        return [v for v in (self.kernel, self.bias) if v is not None]

    @property
    def trainable_weights(self):
        return self.trainable_variables

    @property
    def variables(self):
        return self.trainable_variables

    @property
    def weights(self):
        return self.trainable_variables


class Convolution:
    """A convolutional layer whose variables are made when it is first called, and taken again afterwards."""

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last", dilation_rate=(1, 1), activation=None,
                 use_bias=True, kernel_initializer=None, bias_initializer=zeros_initializer, name=None, **options):
        self.settings = dict(filters=filters, kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format,
                             dilation_rate=dilation_rate, use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer)
        self.activation, self.name, self.scope, self.trainable_variables = activation, name, None, []

    def __call__(self, inputs):
        before = len(graph.variables)
        with layer_scope(self.name, "conv2d") if self.scope is None else variable_scope(self.scope, reuse=True) as scope:
            with variable_scope(scope, reuse=self.scope is not None):
                found = layers_conv2d_here(inputs, **self.settings)
        if self.scope is None:
            self.scope, self.trainable_variables = scope, graph.variables[before:]
        return found if self.activation is None else self.activation(found)

    def apply(self, inputs):
        return self(inputs)

    @property
    def trainable_weights(self):
        return self.trainable_variables

    @property
    def variables(self):
        return self.trainable_variables

    @property
    def weights(self):
        return self.trainable_variables


def flatten_layer(**options):
    return flattened


def dropout_layer(rate=0.5, **options):
    return lambda inputs, training=False: layers_dropout(inputs, rate, training=training)


def max_pooling_layer(pool_size, strides, padding="valid", data_format="channels_last", name=None):
    return lambda inputs: max_pooling2d(inputs, pool_size, strides, padding, data_format)


def average_pooling_layer(pool_size, strides, padding="valid", data_format="channels_last", name=None):
    return lambda inputs: average_pooling2d(inputs, pool_size, strides, padding, data_format)


def depth_to_space(input, block_size, name=None, data_format="NHWC"):
    def spread(x):
        n, h, w, c = x.shape
        x = x.reshape((n, h, w, block_size, block_size, c // block_size ** 2))
        return ms.ops.transpose(x, (0, 1, 3, 2, 4, 5)).reshape((n, h * block_size, w * block_size, c // block_size ** 2))

    return node(spread, convert_to_tensor(input))


def conv1d(value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None, name=None, input=None):
    """Convolution of [batch, length, channels] by filters [length, in, out]."""
    image = expand_dims(convert_to_tensor(input if value is None else value), 1)
    return squeeze(conv2d(image, expand_dims(convert_to_tensor(filters), 0), [1, 1, stride, 1], padding), [1])


def sort(values, axis=-1, direction="ASCENDING", name=None):
    def ordered(x):
        return ms.ops.sort(x, axis, direction == "DESCENDING")[0]

    return node(ordered, convert_to_tensor(values))


def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    def order(x):
        return ms.ops.sort(x, axis, direction == "DESCENDING")[1].astype(ms.int32)

    found = node(order, convert_to_tensor(values))
    found.label, found.dtype = "argsort", ms.int32
    return found


# ----------------------------------------------------------------------------------------------------------- distributions


class Normal:
    """The normal distribution."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
        self.loc, self.scale = convert_to_tensor(loc), convert_to_tensor(scale)

    def log_prob(self, value, name=None):
        z = (convert_to_tensor(value) - self.loc) / self.scale
        return -0.5 * z * z - ops.log(self.scale) - 0.5 * math.log(2 * math.pi)

    def prob(self, value, name=None):
        return ops.exp(self.log_prob(value))

    def entropy(self, name=None):
        return 0.5 + 0.5 * math.log(2 * math.pi) + ops.log(self.scale) + zeros_like(self.loc)

    def mean(self):
        return self.loc

    def stddev(self):
        return self.scale

    def variance(self):
        return square(self.scale)

    def cdf(self, value, name=None):
        return 0.5 * (1 + ops.erf((convert_to_tensor(value) - self.loc) / (self.scale * math.sqrt(2))))

    def log_cdf(self, value, name=None):
        return ops.log(self.cdf(value))

    def mode(self):
        return self.loc

    def kl_divergence(self, other):
        ratio, shift = square(self.scale / other.scale), square((self.loc - other.loc) / other.scale)
        return 0.5 * (shift + ratio - 1 - ops.log(ratio))

    def sample(self, sample_shape=(), seed=None, name=None):
        count = tuple(sample_shape) if isinstance(sample_shape, (list, tuple)) else (sample_shape,)

        def drawn_now(loc, scale):
            return loc + scale * ms.Tensor(np.random.normal(size=count + np.broadcast_shapes(loc.shape, scale.shape)), ms.float32)

        return node(drawn_now, self.loc, self.scale)


class MultivariateNormalDiag(Normal):
    """Independent normal distributions along the last axis."""

    def __init__(self, loc=None, scale_diag=None, validate_args=False, allow_nan_stats=True, name="MultivariateNormalDiag", **options):
        super().__init__(zeros_like(scale_diag) if loc is None else loc, ones_like(loc) if scale_diag is None else scale_diag)

    def log_prob(self, value, name=None):
        return reduce_sum(super().log_prob(value), -1)

    def entropy(self, name=None):
        return reduce_sum(super().entropy(), -1)

    def kl_divergence(self, other):
        return reduce_sum(super().kl_divergence(other), -1)


class Bernoulli:
    """The distribution over 0 and 1 with the given logits or probabilities."""

    def __init__(self, logits=None, probs=None, dtype=ms.int32, validate_args=False, allow_nan_stats=True, name="Bernoulli"):
        probs = None if probs is None else convert_to_tensor(probs)
        self.logits = convert_to_tensor(logits) if probs is None else ops.log(probs) - ops.log1p(-probs)
        self.probs, self.dtype = ops.sigmoid(self.logits) if probs is None else probs, dtype

    def log_prob(self, value, name=None):
        return -sigmoid_cross_entropy_with_logits(labels=cast(value, ms.float32), logits=self.logits)

    def prob(self, value, name=None):
        return ops.exp(self.log_prob(value))

    def entropy(self, name=None):
        return softplus(self.logits) - self.logits * ops.sigmoid(self.logits)

    def mean(self):
        return self.probs

    def variance(self):
        return self.probs * (1 - self.probs)

    def kl_divergence(self, other):
        difference = other.logits - self.logits
        return ops.sigmoid(self.logits) * -difference + softplus(other.logits) - softplus(self.logits)

    def sample(self, sample_shape=(), seed=None, name=None):
        count = tuple(sample_shape) if isinstance(sample_shape, (list, tuple)) else (sample_shape,)

        def drawn_now(probs):
            return ms.Tensor(np.random.uniform(size=count + probs.shape) < probs.asnumpy(), self.dtype)

        found = node(drawn_now, self.probs)
        found.label, found.dtype = "bernoulli", self.dtype
        return found


class Categorical:
    """The distribution over classes with the given logits or probabilities."""

    def __init__(self, logits=None, probs=None, dtype=ms.int32, validate_args=False, allow_nan_stats=True, name="Categorical"):
        self.logits = convert_to_tensor(logits) if logits is not None else ops.log(convert_to_tensor(probs))

    @property
    def probs(self):
        return softmax(self.logits)

    def log_prob(self, value, name=None):
        return -sparse_softmax_cross_entropy_with_logits(labels=convert_to_tensor(value), logits=self.logits)

    def prob(self, value, name=None):
        return ops.exp(self.log_prob(value))

    def mode(self):
        return argmax(self.logits, -1, output_type=ms.int32)

    def kl_divergence(self, other):
        return reduce_sum(softmax(self.logits) * (log_softmax(self.logits) - log_softmax(other.logits)), -1)

    def entropy(self, name=None):
        return -reduce_sum(softmax(self.logits) * log_softmax(self.logits), -1)

    def sample(self, sample_shape=(), seed=None, name=None):
        return multinomial(self.logits, 1)[:, 0]


def kl_divergence(distribution_a, distribution_b, allow_nan_stats=True, name=None):
    return distribution_a.kl_divergence(distribution_b)


# --------------------------------------------------------------------------------------------------- programs as commands


class Flags:
    """The program's options with their defaults, or with what the command line says."""

    def __getattr__(self, name):
        raise AttributeError(f"the option {name} is not defined")

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


FLAGS = Flags()


def define_flag(convert):
    def define(name, default, help=None, short_name=None, **options):
        given = [a.split("=", 1)[1] for a in sys.argv[1:] if a.startswith(f"--{name}=")]
        object.__setattr__(FLAGS, name, convert(given[-1]) if given else default)

    return define


def truth_of(text):
    return text.lower() in ("true", "t", "1", "yes")


define_string = define_flag(str)
define_integer = define_flag(int)
define_float = define_flag(float)
define_boolean = define_flag(truth_of)


def run_main(main=None, argv=None):
    """Calls main with the program's arguments."""
    sys.exit((main or sys.modules["__main__"].main)(argv or sys.argv))


def flattened_nest(structure, expand_composites=False):
    return flatten(structure)


def packed_nest(structure, flat_sequence, expand_composites=False):
    return packed(structure, iter(flat_sequence))


class ScipyOptimizerInterface:
    """Minimizes a loss by scipy.optimize.minimize, whose options are TensorFlow's."""

    def __init__(self, loss, var_list=None, equalities=None, inequalities=None, var_to_bounds=None, method="L-BFGS-B", options=None, **more):
        self.loss, self.variables = loss, list(var_list) if var_list is not None else trainable_variables()
        self.method, self.options = method, dict(options or {})
        self.gradients = gradients(loss, self.variables, unconnected_gradients="zero")

    def minimize(self, session=None, feed_dict=None, fetches=None, step_callback=None, loss_callback=None, **more):
        from scipy.optimize import minimize

        shapes = [tuple(static_shape(v)) for v in self.variables]

        def put(flat):
            at = 0
            for variable, shape in zip(self.variables, shapes):
                size = math.prod(shape)
                variable.load(flat[at:at + size].reshape(shape))
                at += size

        def value_and_slope(flat):
            put(flat)
            loss, slopes, *seen = run([self.loss, self.gradients, *(fetches or [])], feed_dict)
            if loss_callback is not None:
                loss_callback(*seen)
            return float(loss), np.concatenate([np.reshape(s, -1) for s in slopes]).astype(np.float64)

        start = np.concatenate([np.reshape(run(v), -1) for v in self.variables]).astype(np.float64)
        options = {k: v for k, v in self.options.items() if k not in ("ftol", "gtol")}
        put(minimize(value_and_slope, start, jac=True, method=self.method, callback=step_callback, tol=self.options.get("ftol"), options=options).x)
