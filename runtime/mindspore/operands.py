"""Operands: tensors, Python numbers and lists as nodes of one dtype, by MindSpore's promotion rules."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops as engine
from ..core import Node, leaf
from .tensor import Tensor, wrap

Pair = tuple[Node, Node]
Function = Callable[..., Any]
FLOAT32, INT64, BOOL = np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.bool_)
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def promoted(a: Any, b: Any) -> Any:
    """The dtype of an operation on two tensors: float beats integer whatever the widths, within a kind the wider wins."""
    rank_a, rank_b = _RANK[a.kind], _RANK[b.kind]
    if rank_a == rank_b or rank_b + rank_a > 4:
        return np.promote_types(a, b)
    return a if rank_a > rank_b else b


def promote(a: Node, b: Node) -> Pair:
    """Two nodes cast to their common dtype; cotangents pass the casts, truncated where the source is an integer."""
    dtype = promoted(a.dtype, b.dtype)
    return engine.cast_through(a, dtype), engine.cast_through(b, dtype)


def promote_like_scalar(a: Node, b: Node) -> Pair:
    """As `promote`, but a 0-d tensor does not widen a tensor of its own kind (multiplication and division)."""
    if (a.shape == ()) != (b.shape == ()) and _RANK[a.dtype.kind] == _RANK[b.dtype.kind]:
        dtype = b.dtype if a.shape == () else a.dtype
        return engine.cast_through(a, dtype), engine.cast_through(b, dtype)
    return promote(a, b)


def scalar_dtype(value: Any, dtype: Any) -> Any:
    """The dtype in which a Python number meets a tensor of `dtype`."""
    if isinstance(value, (bool, np.bool_)):
        return dtype
    if isinstance(value, (int, np.integer)):
        return INT64 if dtype.kind == "b" else dtype
    if isinstance(value, (float, np.floating)):
        return dtype if dtype.kind in "fc" else FLOAT32
    return np.promote_types(dtype, np.complex64)


def is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.number, np.bool_))


def kind_of(value: Any) -> str:
    """How MindSpore's messages name the type of an argument."""
    if isinstance(value, Tensor):
        return "Tensor"
    if isinstance(value, (bool, int, float)):
        return type(value).__name__
    if value is None or isinstance(value, str):
        return "None" if value is None else "string"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__.capitalize()}<{', '.join(kind_of(item) for item in value)}>"
    return str(type(value))


def shown_name(name: str) -> str:
    """The name of an operation as messages have it: floor_div is FloorDiv."""
    return name if name[0].isupper() else "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def refuse(name: str, *values: Any) -> TypeError:
    shown = shown_name(name)
    given = ", ".join(f"{word}={kind_of(value)}" for word, value in zip(("input", "other"), values, strict=False))
    return TypeError(f'Failed calling {shown} with "{shown}()({given})".')


def not_broadcast(name: str, a: Node, b: Node) -> ValueError:
    return ValueError(f"For '{shown_name(name)}', input.shape and other.shape need to broadcast, but got input.shape = {list(a.value.shape)} and "
                      f"other.shape = {list(b.value.shape)}")


def number_node(value: Any) -> Node:
    """A lone Python number: int is int64, float is float32."""
    dtype = BOOL if isinstance(value, (bool, np.bool_)) else INT64 if isinstance(value, (int, np.integer)) else (
        FLOAT32 if isinstance(value, (float, np.floating)) else np.complex64)
    return leaf(np.asarray(value, dtype))


def node_of(x: Any, name: str) -> Node:
    """The node of a tensor. Raises TypeError for anything else, as the primitives do."""
    if isinstance(x, Tensor):
        return x.node
    raise refuse(name, x)


def pair(x: Any, y: Any, name: str, lists: bool = False, rule: Callable[[Node, Node], Pair] = promote) -> Pair:
    """Two operands as nodes of one dtype. Raises TypeError for what is neither tensor nor number (nor list, if allowed)."""
    if isinstance(x, Tensor):
        a = x.node
        if isinstance(y, Tensor):
            b = y.node
        elif is_number(y):
            dtype = scalar_dtype(y, a.dtype)
            return engine.cast_through(a, dtype), leaf(np.asarray(y, dtype))
        elif lists and isinstance(y, (list, tuple)):
            b = Tensor(y).node
        else:
            raise refuse(name, x, y)
    elif isinstance(y, Tensor):
        b = y.node
        if is_number(x):
            dtype = scalar_dtype(x, b.dtype)
            return leaf(np.asarray(x, dtype)), engine.cast_through(b, dtype)
        if not (lists and isinstance(x, (list, tuple))):
            raise refuse(name, y, x)
        a = Tensor(x).node
    elif is_number(x) and is_number(y):
        a, b = number_node(x), number_node(y)
    else:
        raise refuse(name, x, y)
    return (a, b) if a.dtype == b.dtype else rule(a, b)


def as_float(node: Node) -> Node:
    """Integers as float32, floats as they are."""
    return node if node.dtype.kind in "fc" else engine.cast_through(node, FLOAT32)


def named(name: str, function: Function, doc: str | None = None) -> Any:
    function.__name__ = function.__qualname__ = name
    if doc:
        function.__doc__ = doc
    return function


def binary(name: str, function: Function, floats: bool = False, lists: bool = False,
           rule: Callable[[Node, Node], Pair] = promote) -> Any:
    """A MindSpore function of two operands from an engine function of two nodes of one dtype.

    `floats` divides integers as float32, `lists` accepts Python lists, `rule` promotes two tensors."""

    def op(input: Any, other: Any) -> Tensor:
        if input.__class__ is Tensor and other.__class__ is Tensor:
            a, b = input.node, other.node
            if a.dtype is not b.dtype:
                a, b = rule(a, b)
        else:
            a, b = pair(input, other, name, lists, rule)
        if floats:
            a, b = as_float(a), as_float(b)
        try:
            return wrap(function(a, b))
        except ValueError:
            try:
                np.broadcast_shapes(a.value.shape, b.value.shape)
            except ValueError:
                raise not_broadcast(name, a, b) from None
            raise

    return named(name, op)


def unary(name: str, function: Function, floats: bool = False) -> Any:
    """A MindSpore function of one tensor from an engine function of one node; `floats` computes integers as float32."""

    def op(input: Any) -> Tensor:
        node = input.node if input.__class__ is Tensor else node_of(input, name)
        return wrap(function(as_float(node) if floats else node))

    return named(name, op)
