"""Reductions, cumulative operations and norms of MindSpore."""
from __future__ import annotations

import math as pymath
from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf, lift
from .. import dtypes
from ..operands import as_float, node_of
from ..tensor import Tensor, wrap
from . import math
from .primitive import REQUIRED, primitive

INT64, INT32 = np.dtype(np.int64), np.dtype(np.int32)


def axes_of(axis: Any) -> Any:
    """MindSpore's axis argument: () and None mean all axes."""
    if isinstance(axis, Tensor):
        axis = axis.node.value.tolist()
    if axis is None or (isinstance(axis, (tuple, list)) and len(axis) == 0):
        return None
    return tuple(int(a) for a in axis) if isinstance(axis, (tuple, list)) else int(axis)


def _summed(node: Node, dtype: Any) -> Node:
    if dtype is not None:
        return engine.cast_through(node, dtypes.as_numpy(dtype))
    return engine.cast_through(node, INT64) if node.dtype.kind in "iub" else node


def reduce_sum(x: Any, axis: Any = (), keep_dims: bool = False, skip_mode: bool = False) -> Tensor:
    """The sum over axes, in x's dtype."""
    node = node_of(x, "ReduceSum")
    if skip_mode and isinstance(axis, (tuple, list)) and not axis:
        return wrap(engine.identity(node))
    return wrap(engine.reduce_sum(node, axes_of(axis), keep_dims))


def reduce_mean(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    return wrap(engine.reduce_mean(node_of(x, "ReduceMean"), axes_of(axis), keep_dims))


def reduce_max(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    """The largest element over axes; equal ones share the cotangent."""
    return wrap(engine.reduce_max(node_of(x, "ReduceMax"), axes_of(axis), keep_dims))


def reduce_min(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    return wrap(engine.reduce_min(node_of(x, "ReduceMin"), axes_of(axis), keep_dims))


def reduce_prod(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    return wrap(engine.reduce_prod(node_of(x, "ReduceProd"), axes_of(axis), keep_dims))


def reduce_all(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    return wrap(engine.reduce_all(node_of(x, "ReduceAll"), axes_of(axis), keep_dims))


def reduce_any(x: Any, axis: Any = (), keep_dims: bool = False) -> Tensor:
    return wrap(engine.reduce_any(node_of(x, "ReduceAny"), axes_of(axis), keep_dims))


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dims; integers and booleans are summed as int64."""
    return wrap(engine.reduce_sum(_summed(node_of(input, "sum"), dtype), axes_of(dim), keepdim))


def mean(x: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    return reduce_mean(x, axis, keep_dims)


def prod(input: Any, axis: Any = None, keep_dims: bool = False, dtype: Any = None) -> Tensor:
    return wrap(engine.reduce_prod(_summed(node_of(input, "prod"), dtype), axes_of(axis), keep_dims))


def amax(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Tensor:
    return reduce_max(_prepared(input, initial, where, -np.inf), axis, keepdims)


def amin(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Tensor:
    return reduce_min(_prepared(input, initial, where, np.inf), axis, keepdims)


def _prepared(input: Any, initial: Any, where: Any, default: float) -> Any:
    if where is None:
        return input
    fill = default if initial is None else initial
    return math.where(where, input, fill)


def all(input: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    return reduce_all(math.cast(input, dtypes.bool_), axis, keep_dims)


def any(input: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    return reduce_any(math.cast(input, dtypes.bool_), axis, keep_dims)


# ---------------------------------------------------------------------------------------------------- values with positions

def _with_index(input: Any, axis: Any, keepdims: bool, largest: bool, dtype: Any) -> tuple[Tensor, Tensor]:
    node = node_of(input, "max" if largest else "min")
    if node.shape == ():
        return wrap(engine.identity(node)), wrap(leaf(np.zeros((), dtype)))
    reduce, find = (engine.reduce_max, engine.argmax) if largest else (engine.reduce_min, engine.argmin)
    return wrap(reduce(node, axis, keepdims, "first")), wrap(find(node, axis, dtype, keepdims))


def max(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Any:
    """(values, indices) along an axis, the first winner taking the cotangent; without an axis (value, 0)."""
    input = _prepared(input, initial, where, -np.inf)
    if axis is None:
        return reduce_max(input), wrap(leaf(np.zeros((), INT64)))
    return _with_index(input, int(axis), keepdims, True, INT64)


def min(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Any:
    input = _prepared(input, initial, where, np.inf)
    if axis is None:
        return reduce_min(input), wrap(leaf(np.zeros((), INT64)))
    return _with_index(input, int(axis), keepdims, False, INT64)


def arg_max_with_value(x: Any, axis: int = 0, keep_dims: bool = False) -> tuple[Tensor, Tensor]:
    value, index = _with_index(x, axis, keep_dims, True, INT64)
    return index, value


def arg_min_with_value(x: Any, axis: int = 0, keep_dims: bool = False) -> tuple[Tensor, Tensor]:
    value, index = _with_index(x, axis, keep_dims, False, INT64)
    return index, value


def argmax(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Positions of the largest, int64; of the flattened tensor when dim is None."""
    return wrap(engine.argmax(node_of(input, "argmax"), None if dim is None else int(dim), INT64, keepdim and dim is not None))


def argmin(input: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Positions of the smallest, int32."""
    return wrap(engine.argmin(node_of(input, "argmin"), None if axis is None else int(axis), INT32, keepdims and axis is not None))


def _argmax_primitive(x: Any, axis: int = -1, output_type: Any = dtypes.int32) -> Tensor:
    return wrap(engine.argmax(node_of(x, "Argmax"), axis, dtypes.as_numpy(output_type)))


def _argmin_primitive(x: Any, axis: int = -1, output_type: Any = dtypes.int32) -> Tensor:
    return wrap(engine.argmin(node_of(x, "Argmin"), axis, dtypes.as_numpy(output_type)))


def count_nonzero(x: Any, axis: Any = (), keep_dims: bool = False, dtype: Any = dtypes.int32) -> Tensor:
    return wrap(leaf(np.asarray(np.count_nonzero(node_of(x, "count_nonzero").value, axes_of(axis), keepdims=keep_dims)
                                ).astype(dtypes.as_numpy(dtype))))


# ---------------------------------------------------------------------------------------------------------------- moments

def var(input: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Tensor:
    """The variance over axes; `ddof` is taken from the count."""
    node, axes = as_float(node_of(input, "var")), axes_of(axis)
    mean_node = engine.reduce_mean(node, axes, True)
    squares = engine.square(node - mean_node)
    if not ddof:
        return wrap(engine.reduce_mean(squares, axes, keepdims))
    total = engine.reduce_sum(squares, axes, keepdims)
    count = node.value.size // total.value.size
    return wrap(total / float(count - int(ddof)))


def std(input: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Tensor:
    return wrap(engine.sqrt(var(input, axis, ddof, keepdims).node))


def var_mean(input: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    return var(input, axis, ddof, keepdims), reduce_mean(input, axis, keepdims)


def std_mean(input: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    return std(input, axis, ddof, keepdims), reduce_mean(input, axis, keepdims)


def logsumexp(input: Any, axis: Any, keep_dims: bool = False) -> Tensor:
    """log(sum(exp(x))) without overflow."""
    return wrap(engine.reduce_logsumexp(as_float(node_of(input, "logsumexp")), axes_of(axis), keep_dims))


def nansum(input: Any, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    return sum(math.where(math.isnan(input), 0, input), axis, keepdims, dtype=dtype)


def median(input: Any, axis: Any = -1, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """(values, indices) of the lower median along an axis."""
    node = node_of(input, "median")
    order = engine.argsort(node, axis)
    middle = leaf(np.take(order.value, [(node.value.shape[axis] - 1) // 2], axis).astype(np.int64))
    values = engine.take_along(node, middle, axis)
    return (wrap(values), wrap(middle)) if keepdims else (wrap(engine.squeeze(values, axis)), wrap(engine.squeeze(middle, axis)))


# -------------------------------------------------------------------------------------------------------------- cumulative

def cumsum(x: Any, axis: Any, dtype: Any = None) -> Tensor:
    node = node_of(x, "cumsum")
    return wrap(engine.cumsum(node if dtype is None else engine.cast_through(node, dtypes.as_numpy(dtype)), int(axis)))


def cumprod(input: Any, dim: Any, dtype: Any = None) -> Tensor:
    """Running products; the gradient is NaN where a factor is zero."""
    node = node_of(input, "cumprod")
    if dtype is not None:
        node = engine.cast_through(node, dtypes.as_numpy(dtype))
    return wrap(engine.cumprod(node, int(dim), at_zero="nan"))


def _cumsum_primitive(x: Any, axis: Any, exclusive: bool = False, reverse: bool = False) -> Tensor:
    return wrap(engine.cumsum(node_of(x, "CumSum"), int(axis), exclusive, reverse))


def _cumprod_primitive(x: Any, axis: Any, exclusive: bool = False, reverse: bool = False) -> Tensor:
    return wrap(engine.cumprod(node_of(x, "CumProd"), int(axis), exclusive, reverse, "nan"))


def _running(x: Any, axis: int, largest: bool) -> tuple[Tensor, Tensor]:
    value = node_of(x, "cummax").value
    moved = np.moveaxis(value, axis, 0)
    index = np.zeros(moved.shape, np.int64)
    for i in range(1, len(moved)):
        kept = np.take_along_axis(moved, index[i - 1:i], 0)[0]
        better = moved[i] >= kept if largest else moved[i] <= kept
        index[i] = np.where(better, i, index[i - 1])
    where = leaf(np.moveaxis(index, 0, axis))
    return wrap(engine.take_along(x.node, where, axis)), wrap(where)


def cummax(input: Any, axis: int) -> tuple[Tensor, Tensor]:
    return _running(input, axis, True)


def cummin(input: Any, axis: int) -> tuple[Tensor, Tensor]:
    return _running(input, axis, False)


# ------------------------------------------------------------------------------------------------------------------- norms

def vector_norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """The p-norm of vectors along axes (of the flattened tensor when axis is None)."""
    node, axes = as_float(node_of(x, "norm")), axes_of(axis)
    if ord in (None, 2, 2.0):
        return wrap(engine.sqrt(engine.reduce_sum(engine.square(node), axes, keepdims)))
    size = engine.absolute(node)
    if ord == pymath.inf:
        return wrap(engine.reduce_max(size, axes, keepdims))
    if ord == -pymath.inf:
        return wrap(engine.reduce_min(size, axes, keepdims))
    if ord == 0:
        return wrap(engine.reduce_sum(engine.cast(engine.not_equal(node, lift(0, node)), node.dtype), axes, keepdims))
    if ord == 1:
        return wrap(engine.reduce_sum(size, axes, keepdims))
    return wrap(engine.power_fixed(engine.reduce_sum(engine.power_fixed(size, float(ord)), axes, keepdims), 1 / float(ord)))


def matrix_norm(A: Any, ord: Any = "fro", axis: Any = (-2, -1), keepdims: bool = False, *, dtype: Any = None) -> Tensor:  # noqa: N803
    """Frobenius, nuclear, 1, 2 and infinity norms of matrices. Raises ValueError for others."""
    node = as_float(node_of(A, "norm"))
    rows, columns = axis
    if ord in ("fro", None):
        return vector_norm(A, 2, axis, keepdims)
    if ord in (1, -1, pymath.inf, -pymath.inf):
        first, second = (rows, columns) if ord in (1, -1) else (columns, rows)
        sums = engine.reduce_sum(engine.absolute(node), first, True)
        reduce = engine.reduce_max if ord > 0 else engine.reduce_min
        result = reduce(sums, second, True)
        return wrap(result if keepdims else engine.squeeze(result, tuple(axis)))
    if ord in (2, -2, "nuc"):
        values = engine.svd(node)[0]
        if ord == "nuc":
            return wrap(engine.reduce_sum(values, -1))
        return wrap(engine.reduce_max(values, -1) if ord == 2 else engine.reduce_min(values, -1))
    raise ValueError(f"For 'norm', the ord mode must be in one of ['fro', 'nuc', inf, -inf, 1, -1, 2, -2], but got {ord}.")


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:  # noqa: N803
    """Vector norm without `ord` (over all elements, or over dim), matrix norm for two dims with `ord`."""
    if dim is None and ord is not None and A.ndim == 2:
        return matrix_norm(A, ord, (0, 1), keepdim)
    if isinstance(dim, (tuple, list)) and len(dim) == 2 and ord is not None:
        return matrix_norm(A, ord, tuple(dim), keepdim)
    return vector_norm(A, 2 if ord is None or ord == "fro" else ord, dim, keepdim)


def _lp_norm(x: Any, axis: Any, p: Any = 2, keep_dims: bool = False, epsilon: float = 1e-12) -> Tensor:
    return vector_norm(x, p, axis, keep_dims)


def l2_loss(input_x: Any) -> Tensor:
    return wrap(engine.reduce_sum(engine.square(node_of(input_x, "L2Loss"))) * 0.5)


def l2_normalize(x: Any, axis: Any = 0, epsilon: float = 1e-4) -> Tensor:
    """x / sqrt(max(sum(x²), epsilon))."""
    node = node_of(x, "L2Normalize")
    total = engine.reduce_sum(engine.square(node), axes_of(axis), True)
    return wrap(node / engine.sqrt(engine.maximum(total, lift(epsilon, node))))


P = {name: primitive(name, function, keep_dims=False) for name, function in (
    ("ReduceMean", reduce_mean), ("ReduceMax", reduce_max), ("ReduceMin", reduce_min), ("ReduceProd", reduce_prod),
    ("ReduceAll", reduce_all), ("ReduceAny", reduce_any))}
P |= {
    "ReduceSum": primitive("ReduceSum", reduce_sum, keep_dims=False, skip_mode=False),
    "ReduceStd": primitive("ReduceStd", lambda x, axis, unbiased, keep_dims: std_mean(x, axis, int(unbiased), keep_dims),
                           axis=(), unbiased=True, keep_dims=False),
    "Argmax": primitive("Argmax", _argmax_primitive, axis=-1, output_type=dtypes.int32),
    "Argmin": primitive("Argmin", _argmin_primitive, axis=-1, output_type=dtypes.int32),
    "ArgMaxWithValue": primitive("ArgMaxWithValue", arg_max_with_value, axis=0, keep_dims=False),
    "ArgMinWithValue": primitive("ArgMinWithValue", arg_min_with_value, axis=0, keep_dims=False),
    "CumSum": primitive("CumSum", _cumsum_primitive, exclusive=False, reverse=False),
    "CumProd": primitive("CumProd", _cumprod_primitive, exclusive=False, reverse=False),
    "Cummax": primitive("Cummax", cummax, axis=REQUIRED),
    "Cummin": primitive("Cummin", cummin, axis=REQUIRED),
    "CountNonZero": primitive("CountNonZero", lambda x, dims: count_nonzero(x, () if dims is None else dims), dims=None),
    "LpNorm": primitive("LpNorm", _lp_norm, axis=REQUIRED, p=2, keep_dims=False, epsilon=1e-12),
    "EuclideanNorm": primitive("EuclideanNorm", lambda x, axis, keep_dims: vector_norm(x, 2, axis, keep_dims), keep_dims=False),
    "L2Loss": primitive("L2Loss", l2_loss),
    "L2Normalize": primitive("L2Normalize", l2_normalize, axis=0, epsilon=1e-4),
}

ALIASES = {"tensor_reduce_sum": reduce_sum}
