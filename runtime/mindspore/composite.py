"""ops.composite and ops.functional: mapping over structures, dispatch by type, clipping, and functions that only order things."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import ops as engine
from ..core import leaf
from . import dtypes
from .ops import math, reduce
from .parameter import Parameter
from .tensor import Tensor, wrap

_KINDS: dict[str, Callable[[Any], bool]] = {
    "tensor": lambda v: isinstance(v, Tensor),
    "number": lambda v: isinstance(v, (bool, int, float, complex, np.number)),
    "bool": lambda v: isinstance(v, bool),
    "int": lambda v: isinstance(v, int),
    "float": lambda v: isinstance(v, float),
    "tuple": lambda v: isinstance(v, tuple),
    "list": lambda v: isinstance(v, list),
    "dictionary": lambda v: isinstance(v, dict),
    "string": lambda v: isinstance(v, str),
    "function": callable,
    "ref": lambda v: isinstance(v, Parameter),
    "none": lambda v: v is None,
}
_ALIASES = {"tensor_type": "tensor", "typenone": "none", "none_type": "none", "nonetype": "none", "int64": "int", "int32": "int", "float32": "float",
            "func": "function", "dict": "dictionary", "tuple_": "tuple", "list_": "list", "int_": "int", "bool_": "bool"}


def _matches(kind: Any, value: Any) -> bool:
    name = str(kind).partition("[")[0].lower()
    test = _KINDS.get(_ALIASES.get(name, name))
    return test is not None and test(value)


class MultitypeFuncGraph:
    """A function with one body per combination of argument types: `@g.register("Number", "Tensor")`."""

    def __init__(self, name: str, read_value: bool = False, doc_url: str = "") -> None:
        self.name = self.__name__ = name
        self.entries: list[tuple[tuple[Any, ...], Callable[..., Any]]] = []

    def register(self, *type_names: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorates the body for arguments of these types."""
        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            self.entries.append((type_names, function))
            return function

        return add

    def __call__(self, *args: Any) -> Any:
        for kinds, function in reversed(self.entries):
            if len(kinds) == len(args) and all(_matches(k, a) for k, a in zip(kinds, args, strict=True)):
                return function(*args)
        if len(self.entries) == 1:
            return self.entries[0][1](*args)
        raise TypeError(f"For 'MultitypeFuncGraph', cannot find fn match given args. Got (sigs, fns): {self.entries}, and (dtype, args): "
                        f"{[type(a).__name__ for a in args]}.")


class HyperMap:
    """Applies a function to the corresponding leaves of nested lists, tuples and dicts."""

    deep = True

    def __init__(self, ops: Any = None, reverse: bool = False) -> None:
        self.ops = ops
        self.reverse = reverse

    def __call__(self, *args: Any) -> Any:
        function, sequences = (self.ops, args) if self.ops is not None else (args[0], args[1:])
        return self._apply(function, sequences, True)

    def _apply(self, function: Callable[..., Any], parts: tuple[Any, ...], outer: bool) -> Any:
        first = parts[0]
        if not isinstance(first, (list, tuple, dict)) or not (outer or self.deep):
            return function(*parts)
        if isinstance(first, dict):
            return {key: self._apply(function, tuple(p[key] for p in parts), False) for key in first}
        if any(isinstance(p, (list, tuple)) and len(p) != len(first) for p in parts):
            raise ValueError(f"For '{type(self).__name__}', the length of all inputs must be the same, but got "
                             f"{[len(p) if isinstance(p, (list, tuple)) else 1 for p in parts]}.")
        rows: list[Any] = list(zip(*parts, strict=True))
        made = [self._apply(function, row, False) for row in (reversed(rows) if self.reverse else rows)]
        made = made[::-1] if self.reverse else made
        return tuple(made)


class Map(HyperMap):
    """Applies a function to the corresponding items of lists or tuples, one level deep."""

    deep = False


# ---------------------------------------------------------------------------------------------------------------- clipping

def _squared_norm(tensors: Any) -> Any:
    return reduce.reduce_sum(math.square(math.cast(tensors, dtypes.float32) if tensors.node.dtype.kind != "f" else tensors))


def global_norm(x: Any) -> Tensor:
    """The norm of all elements of a sequence of tensors."""
    total = _squared_norm(x[0])
    for t in x[1:]:
        total = math.add(total, _squared_norm(t))
    return math.sqrt(total)                                # type: ignore[no-any-return]


def clip_by_global_norm(x: Any, clip_norm: Any = 1.0, use_norm: Any = None) -> tuple[Tensor, ...]:
    """Tensors scaled by one factor so that their common norm does not exceed `clip_norm`."""
    if isinstance(clip_norm, (int, float)) and clip_norm <= 0:
        raise ValueError(f"For 'ClipByGlobalNorm', the 'clip_norm' must be greater than 0, but got {clip_norm}.")
    norm = global_norm(x)
    limit = clip_norm if isinstance(clip_norm, Tensor) else wrap(leaf(np.asarray(clip_norm, norm.node.dtype)))
    largest = math.where(math.greater_equal(norm, limit), norm, limit)
    return tuple(math.real_div(math.mul(t, limit), largest) for t in x)


def clip_by_norm(x: Any, max_norm: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """A tensor, or tensors together, scaled so that the norm does not exceed `max_norm`."""
    tensors = list(x) if isinstance(x, (list, tuple)) else [x]
    norms = [reduce.vector_norm(t, norm_type) for t in tensors]
    total = norms[0] if len(norms) == 1 else reduce.vector_norm(wrap(engine.stack([n.node for n in norms])), norm_type)
    factor = math.clamp(math.div(max_norm, math.add(total, 1e-6)), None, 1.0)
    made = [math.mul(t, factor) for t in tensors]
    return type(x)(made) if isinstance(x, (list, tuple)) else made[0]


# ----------------------------------------------------------------------------------------------- functions about functions

def depend(value: Any, expr: Any) -> Any:
    """The value; the expression has been computed, as Python computes arguments first."""
    return value


def constexpr(fn: Any = None, get_instance: bool = True, name: str | None = None, reuse_result: bool = True, check: bool = True) -> Any:
    """A decorator that leaves the function as it is."""
    return fn if fn is not None else lambda f: f


def core(fn: Any = None, **flags: Any) -> Any:
    return fn if fn is not None else lambda f: f


def vmap(fn: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """The function applied to every slice of its inputs along in_axes, the results stacked along out_axes."""
    def mapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        size = next(a.shape[axis] for a, axis in zip(args, axes, strict=True) if axis is not None)
        rows = [fn(*(a if axis is None else wrap(engine.take_index(a.node, i, axis)) for a, axis in zip(args, axes, strict=True)))
                for i in range(size)]
        return _stacked(rows, out_axes)

    return mapped


def _stacked(rows: list[Any], axis: Any) -> Any:
    if isinstance(rows[0], (tuple, list)):
        count = len(rows[0])
        axes = axis if isinstance(axis, (tuple, list)) else (axis,) * count
        return tuple(_stacked([row[i] for row in rows], axes[i]) for i in range(count))
    return wrap(engine.stack([row.node for row in rows], axis))


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    return (true_fn if pred else false_fn)(*operands)


def while_loop(cond_func: Callable[..., Any], loop_func: Callable[..., Any], init_val: Any) -> Any:
    value = init_val
    while cond_func(value):
        value = loop_func(value)
    return value


def fori_loop(lower: Any, upper: Any, loop_func: Callable[..., Any], init_val: Any) -> Any:
    value = init_val
    for i in range(int(lower), int(upper)):
        value = loop_func(i, value)
    return value


def scan(loop_func: Callable[..., Any], init: Any, xs: Any, length: Any = None) -> Any:
    carry, made = init, []
    for x in xs if xs is not None else [None] * int(length):
        carry, y = loop_func(carry, x)
        made.append(y)
    return carry, made


def print_(*input_x: Any) -> None:
    print(*input_x)


def typeof(x: Any) -> Any:
    return x.dtype if isinstance(x, Tensor) else type(x)


def is_sequence(x: Any) -> bool:
    return isinstance(x, (list, tuple))


NAMES = {"MultitypeFuncGraph": MultitypeFuncGraph, "HyperMap": HyperMap, "Map": Map, "clip_by_global_norm": clip_by_global_norm,
         "clip_by_norm": clip_by_norm, "depend": depend, "constexpr": constexpr, "_primexpr": constexpr, "core": core, "vmap": vmap, "cond": cond,
         "while_loop": while_loop, "fori_loop": fori_loop, "scan": scan, "print_": print_, "partial": partial, "typeof": typeof,
         "is_sequence": is_sequence}
