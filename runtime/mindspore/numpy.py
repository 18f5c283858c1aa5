"""mindspore.numpy: NumPy's names for tensors, from the operations of this face."""
from __future__ import annotations

import math as pymath
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import leaf
from . import dtypes
from .ops import array, index, linalg, math, reduce
from .tensor import Tensor, array_of, wrap


def as_tensor(value: Any, dtype: Any = None) -> Tensor:
    """A tensor from what NumPy takes: float32 for Python floats, int32 for ints."""
    if isinstance(value, Tensor):
        return value if dtype is None else math.cast(value, dtype)
    made = array_of(value, None if dtype is None else dtypes.as_dtype(dtype))
    if dtype is None and not isinstance(value, np.ndarray) and made.dtype == np.int64:
        made = made.astype(np.int32)
    return wrap(leaf(made))


def array_(obj: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Tensor:
    made = as_tensor(obj, dtype)
    return made if made.ndim >= ndmin else array.reshape(made, (1,) * (ndmin - made.ndim) + made.shape)


def _created(function: Callable[..., Any]) -> Callable[..., Any]:
    def make(shape: Any, dtype: Any = None) -> Tensor:
        return wrap(leaf(function(array.ints(shape), dtypes.as_numpy(dtype or dtypes.float32))))

    return make


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    value = as_tensor(fill_value, dtype)
    return array.broadcast_to(value, array.ints(shape))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    first, last = (0, start) if stop is None else (start, stop)
    by = 1 if step is None else step
    kind = np.float32 if any(isinstance(v, float) for v in (first, last, by)) else np.int32
    return wrap(leaf(np.arange(first, last, by).astype(kind if dtype is None else dtypes.as_numpy(dtype))))


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0) -> Any:
    made = wrap(leaf(np.linspace(_plain(start), _plain(stop), num, endpoint).astype(dtypes.as_numpy(dtype or dtypes.float32))))
    return (made, wrap(leaf(np.float32((_plain(stop) - _plain(start)) / max(num - endpoint, 1))))) if retstep else made


def _plain(value: Any) -> Any:
    return value.node.value if isinstance(value, Tensor) else value


def eye(N: int, M: Any = None, k: int = 0, dtype: Any = None) -> Tensor:  # noqa: N803 (NumPy's names)
    return wrap(leaf(np.eye(N, M, k, dtypes.as_numpy(dtype or dtypes.float32))))


def _of_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dtype=None, **ignored: _cast(function(as_tensor(x)), dtype)


def _of_two(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x1, x2, dtype=None, **ignored: _cast(function(as_tensor(x1), as_tensor(x2) if not isinstance(x2, (int, float)) else x2), dtype)


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else math.cast(x, dtype)


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce_(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, **ignored: Any) -> Tensor:
        return _cast(function(as_tensor(a), axis, keepdims), dtype)  # type: ignore[no-any-return]

    return reduce_


def mean(a: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    x = as_tensor(a)
    return reduce.reduce_mean(x if x.node.dtype.kind == "f" else math.cast(x, dtypes.float32), axis, keepdims)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return index.nonzero(as_tensor(condition), as_tuple=True)
    return math.where(as_tensor(condition), x, y)


def concatenate(arrays: Any, axis: Any = 0) -> Tensor:
    listed = [as_tensor(a) for a in arrays]
    return array.concat([array.reshape(a, (-1,)) for a in listed], 0) if axis is None else array.concat(listed, axis)


def stack(arrays: Any, axis: int = 0) -> Tensor:
    return array.stack([as_tensor(a) for a in arrays], axis)


def transpose(a: Any, axes: Any = None) -> Tensor:
    x = as_tensor(a)
    return array.transpose(x, tuple(range(x.ndim))[::-1] if axes is None else axes)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.vector_norm(as_tensor(x), 2 if ord is None else ord, axis, keepdims)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return array.tensor_split(as_tensor(x), indices_or_sections, axis)


def tile(a: Any, reps: Any) -> Tensor:
    return array.tile(as_tensor(a), reps)


def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy") -> Any:
    return array.meshgrid(*(as_tensor(x) for x in xi), indexing=indexing)


def squeeze(a: Any, axis: Any = None) -> Tensor:
    return array.squeeze(as_tensor(a), axis)


def names() -> dict[str, Any]:
    """Everything in mindspore.numpy."""
    one = ("abs", "absolute", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin",
           "arccos", "arctan",
           "arcsinh", "arccosh", "arctanh", "sign", "floor", "ceil", "rint", "negative", "reciprocal", "isnan", "isinf", "isfinite", "logical_not", "trunc",
           "deg2rad", "rad2deg", "positive", "invert", "exp2")
    two = ("add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "maximum", "minimum", "equal", "not_equal", "less", "less_equal", "greater",
           "greater_equal", "logical_and", "logical_or", "logical_xor", "arctan2", "hypot", "logaddexp", "remainder", "fmod", "bitwise_and", "bitwise_or",
           "bitwise_xor")

    def found(name: str) -> Any:
        return getattr(math, name, None) or math.ALIASES[name]

    made: dict[str, Any] = {name: _of_one(found(name)) for name in one} | {name: _of_two(found(name)) for name in two}
    made["power"] = made["float_power"] = lambda x1, x2, dtype=None: _cast(math.pow(as_tensor(x1), x2), dtype)
    made["mod"] = made["remainder"]
    made["divide"] = made["true_divide"] = _of_two(math.div)
    made["subtract"] = _of_two(math.sub)
    for name, function in (("sum", lambda a, axis, keep: reduce.reduce_sum(a, axis, keep)), ("prod", lambda a, axis, keep: reduce.reduce_prod(a, axis, keep)),
                           ("max", reduce.reduce_max), ("amax", reduce.reduce_max), ("min", reduce.reduce_min), ("amin", reduce.reduce_min),
                           ("all", reduce.all), ("any", reduce.any)):
        made[name] = _reduction(function)
    made |= {"array": array_, "asarray": as_tensor, "asfarray": lambda a, dtype=dtypes.float32: as_tensor(a, dtype), "zeros": _created(np.zeros),
             "ones": _created(np.ones),
             "empty": _created(np.zeros), "full": full, "arange": arange, "linspace": linspace, "eye": eye, "identity": lambda n,
             dtype=None: eye(n, dtype=dtype),
             "zeros_like": lambda a, dtype=None, **k: array.zeros_like(as_tensor(a), dtype=dtype), "ones_like": lambda a, dtype=None,
             **k: array.ones_like(as_tensor(a), dtype=dtype),
             "full_like": lambda a, fill_value, dtype=None, **k: array.full_like(as_tensor(a), fill_value, dtype=dtype), "mean": mean, "where": where,
             "average": mean, "concatenate": concatenate, "stack": stack, "transpose": transpose, "norm": norm, "split": split, "tile": tile,
             "meshgrid": meshgrid,
             "squeeze": squeeze, "reshape": lambda x, new_shape: array.reshape(as_tensor(x), new_shape), "expand_dims": lambda a,
             axis: array.expand_dims(as_tensor(a), axis),
             "ravel": lambda x: array.ravel(as_tensor(x)), "vstack": array.vstack, "hstack": array.hstack, "flip": lambda m, axis=None: array.flip(
                 m, tuple(range(m.ndim)) if axis is None else axis), "roll": array.roll, "repeat": array.repeat_interleave, "swapaxes": array.swapaxes,
             "moveaxis": array.moveaxis, "broadcast_to": array.broadcast_to, "matmul": lambda x1, x2, dtype=None: linalg.matmul(as_tensor(x1), as_tensor(x2)),
             "dot": lambda a, b: linalg.dot(as_tensor(a), as_tensor(b)), "outer": lambda a, b: linalg.outer(array.ravel(as_tensor(a)),
                 array.ravel(as_tensor(b))),
             "inner": linalg.inner, "tensordot": linalg.tensor_dot, "einsum": linalg.einsum, "trace": linalg.trace, "cross": lambda a, b,
             axis=-1: linalg.cross(a, b, axis),
             "clip": lambda x, xmin, xmax, **k: math.clip_by_value(as_tensor(x), xmin, xmax), "cumsum": lambda a, axis=None, dtype=None: reduce.cumsum(
                 array.ravel(as_tensor(a)) if axis is None else as_tensor(a), axis or 0, dtype), "argmax": lambda a,
                 axis=None: reduce.argmax(as_tensor(a), axis),
             "argmin": lambda a, axis=None: reduce.argmin(as_tensor(a), axis), "var": lambda x, axis=None, ddof=0,
             keepdims=False: reduce.var(as_tensor(x), axis, ddof, keepdims),
             "std": lambda x, axis=None, ddof=0, keepdims=False: reduce.std(as_tensor(x), axis, ddof, keepdims), "diag": lambda v,
             k=0: array.diag(as_tensor(v)),
             "diagonal": array.diagonal, "tril": array.tril, "triu": array.triu, "take": lambda a, indices, axis=None,
             mode="clip": index.take(a, indices) if axis is None
             else index.gather(a, indices, axis), "atleast_1d": lambda a: a if a.ndim else array.reshape(a, (1,)),
        "copy": lambda a: wrap(leaf(as_tensor(a).node.value.copy())),
             # type: ignore[attr-defined]
             "sort": lambda a, axis=-1: index.sort(a, axis)[0], "argsort": index.argsort, "unique": lambda x, **k: wrap(leaf(np.unique(x.node.value))),
             "shape": lambda a: as_tensor(a).shape, "ndim": lambda a: as_tensor(a).ndim, "size": lambda a: as_tensor(a).size, "pi": pymath.pi, "e": pymath.e,
             "inf": np.inf,
             "nan": np.nan, "newaxis": None, "isclose": math.isclose, "column_stack": lambda tup: array.stack(list(tup), 1),
             "vander": lambda x, N=None, increasing=False: wrap(leaf(np.vander(x.node.value, N, increasing))), "round": lambda a,  # noqa: N803
             decimals=0: math.round(a, decimals=decimals),
             "pad": lambda a, pad_width, mode="constant", constant_values=0: wrap(leaf(np.pad(a.node.value, pad_width, mode)))}
    for dtype in (*dtypes.SIZED, dtypes.bool_):
        made[dtype.spelled] = dtype
    made["bool_"] = dtypes.bool_
    del made["bool"]
    return made
