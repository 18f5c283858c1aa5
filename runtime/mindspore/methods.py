"""Puts operators, indexing and methods on `Tensor`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import core
from .. import ops as engine
from ..core import Node, leaf
from . import dtypes, operands
from .ops import activation, array, index, linalg, math, reduce, variable
from .tensor import Tensor, wrap

# ---------------------------------------------------------------------------------------------------------------- indexing


def _bound(value: Any) -> Any:
    return None if value is None else int(value)


def index_node(node: Node, key: Any) -> Node:
    """node[key] for ints, slices, None, Ellipsis, tensors, arrays and lists, alone or in a tuple."""
    if type(key) is int:
        shape = node.value.shape
        if not shape:
            raise IndexError("Invalid index of a 0-dim tensor. Use tensor.item() to convert a 0-dim Tensor to a Python number.")
        if not -shape[0] <= key < shape[0]:
            raise IndexError(f"index {key} is out of bounds for dimension with size {shape[0]}")
        return engine.take_index(node, key, 0)
    arrays: list[Node] = []
    parts = tuple(_part(item, arrays) for item in (key if isinstance(key, tuple) else (key,)))
    return engine.getitem(node, parts, arrays)


def _part(item: Any, arrays: list[Node]) -> Any:
    if isinstance(item, Tensor):
        if item.node.value.ndim == 0 and item.node.dtype.kind in "iu":
            return int(item)
        arrays.append(item.node)
        return engine.HOLE
    if isinstance(item, (np.ndarray, list, tuple, range)):
        arrays.append(leaf(np.asarray([int(i) if isinstance(i, Tensor) else i for i in item] if isinstance(item, list) else item)))
        return engine.HOLE
    if isinstance(item, slice):
        return slice(_bound(item.start), _bound(item.stop), _bound(item.step))
    if isinstance(item, (bool, np.bool_)):
        arrays.append(leaf(np.asarray(item)))
        return engine.HOLE
    if isinstance(item, (int, np.integer)):
        return int(item)
    if item is None or item is Ellipsis:
        return item
    raise IndexError(f"For 'Tensor.__getitem__', the index should be int, slice, None, Ellipsis, bool, Tensor, list or tuple, but got {item!r}")


def _getitem(self: Tensor, key: Any) -> Tensor:
    return wrap(index_node(self.node, key))


def _plain(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_plain(part) for part in key)
    if isinstance(key, slice):
        return slice(_bound(key.start), _bound(key.stop), _bound(key.step))
    return key.node.value if isinstance(key, Tensor) else key


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    node = self.node
    given = value.node if isinstance(value, Tensor) else leaf(np.asarray(value))
    plain = _plain(key)
    if not core.is_recording():
        fresh = node.value.copy()
        fresh[plain] = given.value
        variable._stored(self, fresh) if hasattr(self, "store") else setattr(self, "node", leaf(fresh))
        return
    positions = np.arange(node.value.size).reshape(node.value.shape)[plain]
    filled = engine.broadcast_like(engine.cast_through(given, node.dtype), leaf(np.zeros(np.shape(positions), node.dtype)))
    flat = engine.reshape(node, (-1,))
    made = engine.scatter_into(flat, leaf(np.reshape(positions, (-1, 1))), engine.reshape(filled, (-1,)), "update")
    self.node = engine.reshape(made, node.value.shape)


# --------------------------------------------------------------------------------------------------------------- operators

def _operator(function: Callable[..., Any], turned: bool = False) -> Callable[..., Any]:
    if turned:
        return lambda self, other: function(other, self)
    return lambda self, other: function(self, other)


_BINARY = {"add": math.add, "sub": math.sub, "mul": math.mul, "truediv": math.div, "floordiv": math.floor_divide, "mod": math.floor_mod,
           "pow": math.pow}
_LOGIC = {"and": (math.logical_and, math.bitwise_and), "or": (math.logical_or, math.bitwise_or), "xor": (math.logical_xor, math.bitwise_xor)}
_COMPARE = {"lt": math.less, "le": math.less_equal, "gt": math.greater, "ge": math.greater_equal}


def _logic(on_bools: Callable[..., Any], on_ints: Callable[..., Any]) -> Callable[..., Any]:
    def op(self: Tensor, other: Any) -> Any:
        return (on_bools if self.node.dtype.kind == "b" else on_ints)(self, other)

    return op


def _eq(self: Tensor, other: Any) -> Any:
    if isinstance(other, Tensor) or operands.is_number(other):
        return math.equal(self, other)
    return False


def _ne(self: Tensor, other: Any) -> Any:
    if isinstance(other, Tensor) or operands.is_number(other):
        return math.not_equal(self, other)
    return True


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def op(self: Tensor, other: Any) -> Any:
        return function(self, other)

    return op


# ----------------------------------------------------------------------------------------- methods unlike their functions

def _sizes(shape: tuple[Any, ...]) -> Any:
    return shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    return array.reshape(self, _sizes(shape))


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    order = _sizes(axes) if axes else tuple(range(self.ndim))[::-1]
    if len(axes) == 2 and self.ndim != 2:
        return array.swapaxes(self, *axes)
    return array.transpose(self, order)


def _permute(self: Tensor, *axes: Any) -> Tensor:
    return array.transpose(self, _sizes(axes))


def _sum(self: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, *, dim: Any = None, keepdim: bool = False) -> Tensor:
    made = reduce.sum(self, axis if dim is None else dim, keepdims or keepdim, dtype=dtype)
    return made if initial is None else math.add(made, initial)  # type: ignore[no-any-return]


def _mean(self: Tensor, axis: Any = None, keep_dims: bool = False, *, dtype: Any = None) -> Tensor:
    return reduce.reduce_mean(self if dtype is None else math.cast(self, dtype), axis, keep_dims)


def _extreme(function: Callable[..., Any], whole: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None, return_indices: bool = False) -> Any:
        if axis is None or isinstance(axis, (tuple, list)):
            return whole(self, axis, keepdims)
        made = function(self, axis, keepdims, initial=initial, where=where)
        return made if return_indices else made[0]

    return method


def _astype(self: Tensor, dtype: Any, copy: bool = True) -> Tensor:
    return math.cast(self, dtype)


def _repeat(self: Tensor, repeats: Any, axis: Any = None) -> Tensor:
    return array.repeat_interleave(self, repeats, axis)


def _flatten(self: Tensor, order: str = "C", *, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    return array.flatten(self, order, start_dim=start_dim, end_dim=end_dim)


def _split(self: Tensor, split_size_or_sections: Any, axis: int = 0) -> Any:
    return array.split(self, split_size_or_sections, axis)


def _item(self: Tensor, index: Any = None) -> Any:
    if index is not None:
        return self.node.value.item(*(index if isinstance(index, tuple) else (index,)))
    if self.size != 1:
        raise ValueError(f"The tensor should have only one element, but got {self.size}, more than one element is ambiguous.")
    return self.node.value.item()


def _itemset(self: Tensor, *args: Any) -> Tensor:
    fresh = self.node.value.copy()
    fresh.reshape(-1)[args[0] if len(args) == 2 and isinstance(args[0], int) else 0] = args[-1]
    return wrap(leaf(fresh))


def _copy(self: Tensor) -> Tensor:
    return wrap(engine.identity(self.node) if core.is_recording() else leaf(self.node.value.copy()))


def _new(fill: float) -> Callable[..., Any]:
    def method(self: Tensor, size: Any, dtype: Any = None) -> Tensor:
        return array._filled(size, fill, self.node.dtype if dtype is None else dtypes.as_numpy(dtype))

    return method


def _expand(self: Tensor, *size: Any) -> Tensor:
    return array.broadcast_to(self, _sizes(size))


def _tile(self: Tensor, *reps: Any) -> Tensor:
    return array.tile(self, _sizes(reps))


def _squeeze(self: Tensor, axis: Any = None) -> Tensor:
    return array.squeeze(self, axis)


def _register_hook(self: Tensor, hook_fn: Callable[..., Any]) -> Any:
    self.node = variable._insert_gradient(self, hook_fn).node
    return None


def _fill_in_place(self: Tensor, value: Any) -> Tensor:
    return array.full_like(self, value)


def _argument(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, axis=None, keepdims=False: function(self, axis, keepdims)


def _to(self: Tensor, dtype: Any = None, *args: Any, **kwargs: Any) -> Tensor:
    return self if dtype is None or isinstance(dtype, str) else math.cast(self, dtype)


def _index_fill(self: Tensor, axis: int, index: Any, value: Any) -> Tensor:
    positions = np.zeros(self.shape[axis], bool)
    positions[index.node.value] = True
    shape = [1] * self.ndim
    shape[axis] = -1
    return math.masked_fill(self, wrap(leaf(positions.reshape(shape))), value)


SAME = {
    math: ("abs", "absolute", "add", "sub", "subtract", "mul", "multiply", "div", "divide", "floor_divide", "floor", "ceil", "exp", "expm1", "log", "log1p",
           "log2", "log10",
           "sqrt", "rsqrt", "square", "pow", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh",
           "arcsin", "arccos", "arctan", "atan2", "arctan2", "erf", "erfc", "neg", "negative", "reciprocal", "sign", "round", "trunc", "sigmoid", "clamp",
           "clip",
           "maximum", "minimum", "equal", "not_equal", "ne", "eq", "less", "lt", "less_equal", "le", "greater", "gt", "greater_equal", "ge", "logical_and",
           "logical_or", "logical_not", "logical_xor", "isnan", "isinf", "isfinite", "isclose", "fmod", "remainder", "hypot", "lerp",
           "addcdiv", "addcmul", "masked_fill", "select", "where", "cast", "type_as", "true_divide", "xlogy", "lgamma", "digamma", "frac",
           "positive", "bitwise_and", "bitwise_or", "bitwise_xor", "nan_to_num", "deg2rad", "rad2deg", "erfinv", "logaddexp", "float_power", "conj",
           "real", "imag", "stop_gradient"),
    array: ("expand_dims", "unsqueeze", "swapaxes", "swapdims", "moveaxis", "movedim", "ravel", "broadcast_to", "expand_as", "repeat_interleave", "flip",
            "fliplr",
            "flipud", "roll", "unbind", "unstack", "chunk", "tensor_split", "narrow", "diag", "diagonal", "tril", "triu", "t"),
    reduce: ("prod", "all", "any", "amax", "amin", "var", "std", "logsumexp", "cumsum", "cumprod", "cummax", "cummin", "norm", "median", "nansum",
             "count_nonzero"),
    index: ("gather", "gather_nd", "gather_elements", "index_select", "take", "masked_select", "nonzero", "scatter", "sort", "argsort", "topk", "unique",
            "bincount", "tensor_scatter_update", "scatter_nd", "index_add", "searchsorted"),
    linalg: ("matmul", "mm", "mv", "bmm", "dot", "inner", "outer", "ger", "inverse", "det", "slogdet", "logdet", "cholesky", "trace", "svd", "qr",
             "matrix_power",
             "cross", "addmm", "addmv", "baddbmm"),
    activation: ("softmax", "log_softmax", "relu", "hardshrink", "softshrink"),
}
OWN: dict[str, Any] = {
    "__getitem__": _getitem, "__setitem__": _setitem, "__eq__": _eq, "__ne__": _ne, "__neg__": lambda self: math.neg(self),
    "__pos__": lambda self: self, "__abs__": lambda self: math.abs(self),
    "__invert__": lambda self: math.logical_not(self) if self.node.dtype.kind == "b" else math.invert(self),
    "__matmul__": linalg.matmul, "__rmatmul__": lambda self, other: linalg.matmul(other, self), "__imatmul__": linalg.matmul,
    "reshape": _reshape, "view": _reshape, "transpose": _transpose, "permute": _permute, "sum": _sum, "mean": _mean,
    "max": _extreme(reduce.max, reduce.reduce_max), "min": _extreme(reduce.min, reduce.reduce_min), "argmax": _argument(reduce.argmax),
    "argmin": _argument(reduce.argmin), "astype": _astype, "to": _to, "type": lambda self, dtype=None: self.dtype if dtype is None else math.cast(self, dtype),
    "repeat": _repeat, "flatten": _flatten, "split": _split, "item": _item, "itemset": _itemset, "copy": _copy, "clone": _copy,
    "detach": lambda self: math.stop_gradient(self),
    "new_zeros": _new(0), "new_ones": _new(1), "expand": _expand, "tile": _tile, "squeeze": _squeeze, "register_hook": _register_hook, "fill": _fill_in_place,
    "view_as": lambda self, other: array.reshape(self, other.shape), "reshape_as": lambda self, other: array.reshape(self, other.shape),
    "T": property(lambda self: array.transpose(self, tuple(range(self.ndim))[::-1])), "mT": property(lambda self: array.swapaxes(self, -1, -2)),
    "H": property(lambda self: array.swapaxes(self, 0, 1)), "float": lambda self: math.cast(self, dtypes.float32),
    "half": lambda self: math.cast(self, dtypes.float16),
    "double": lambda self: math.cast(self, dtypes.float64), "int": lambda self: math.cast(self, dtypes.int32),
    "long": lambda self: math.cast(self, dtypes.int64),
    "bool": lambda self: math.cast(self, dtypes.bool_), "byte": lambda self: math.cast(self, dtypes.uint8), "ptp": lambda self, axis=None,
    keepdims=False: math.sub(
        reduce.reduce_max(self, axis, keepdims), reduce.reduce_min(self, axis, keepdims)),
    "new_tensor": lambda self, data, dtype=None: Tensor(data, dtype or self.dtype), "index_fill": _index_fill, "numel": lambda self: self.size,
    "diff": lambda self, n=1, axis=-1: _diff(self, n, axis), "sgn": math.sign,
}


def _diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        size = x.shape[axis]
        x = math.sub(array.narrow(x, axis, 1, size - 1), array.narrow(x, axis, 0, size - 1))
    return x


def _named(name: str, module: Any) -> Any:
    return getattr(module, name, None) or getattr(module, "ALIASES", {}).get(name)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _where_method(self: Tensor, condition: Any, y: Any) -> Tensor:
    return math.where(condition, self, y)


def _select_method(self: Tensor, condition: Any, y: Any) -> Tensor:
    return math.where(condition, self, y)


def install() -> None:
    """Gives `Tensor` everything that is defined here."""
    for module, names in SAME.items():
        for name in names:
            function = _named(name, module)
            if function is not None:
                setattr(Tensor, name, _method(function))
    for name, function in OWN.items():
        if function is not None:
            setattr(Tensor, name, function)
    Tensor.where, Tensor.select = _where_method, _select_method  # type: ignore[attr-defined]
    for name, function in _BINARY.items():
        setattr(Tensor, f"__{name}__", _operator(function))
        setattr(Tensor, f"__r{name}__", _operator(function, turned=True))
        setattr(Tensor, f"__i{name}__", _in_place(function))
    for name, pair in _LOGIC.items():
        setattr(Tensor, f"__{name}__", _logic(*pair))
        setattr(Tensor, f"__r{name}__", _logic(*pair))
    for name, function in _COMPARE.items():
        setattr(Tensor, f"__{name}__", _operator(function))


install()
