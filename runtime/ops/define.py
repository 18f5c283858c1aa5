"""How the families define primitives: a NumPy forward, a shape rule, and one gradient line per input."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Node, Primitive, Shape, Vjp, apply

Op = Callable[..., Node]
PRIMITIVES: dict[str, Primitive] = {}


def same(x: Node, *rest: Node, **params: Any) -> tuple[Shape, Any]:
    """Shape and dtype of the first input."""
    return x.shape, x.dtype


def boolean(*nodes: Node, **params: Any) -> tuple[Shape, Any]:
    return broadcast_shapes(*(node.shape for node in nodes)), np.dtype(bool)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """NumPy's broadcasting with unknown dimensions; None when a rank is unknown.

    Raises ValueError "Dimensions must be equal, but are 3 and 2" where known dimensions disagree."""
    first = shapes[0]
    if all(shape == first for shape in shapes) and first is not None:
        return first
    if any(shape is None for shape in shapes):
        return None
    rank = max(len(shape) for shape in shapes if shape is not None)
    result: list[int | None] = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if shape is not None and len(shape) >= -axis}
        known = sizes - {1, None}
        if len(known) > 1:
            a, b = (shape[axis] for shape in shapes if shape is not None and len(shape) >= -axis
                    and shape[axis] not in (1, None))
            raise ValueError(f"Dimensions must be equal, but are {a} and {b}")
        result.append(known.pop() if known else (None if None in sizes else 1))
    return tuple(result)


def broadcast(a: Node, *rest: Node, **params: Any) -> tuple[Shape, Any]:
    return broadcast_shapes(a.shape, *(node.shape for node in rest)), a.dtype


def define(name: str, forward: Callable[..., Any], infer: Callable[..., Any] = same, *vjps: Vjp | None, outputs: int = 1,
           pure: bool = True, ufunc: Any = None, variadic: Callable[..., Vjp | None] | None = None,
           unregistered: bool = False) -> Primitive:
    """Makes a primitive and enters it in the table that the coverage test reads."""
    primitive = Primitive(name, forward, infer, outputs, pure, ufunc)
    if vjps:
        primitive.vjps = vjps
    primitive.variadic_vjp = variadic
    primitive.unregistered = unregistered
    PRIMITIVES[name] = primitive
    return primitive


def unary(name: str, forward: Callable[..., Any], vjp: Vjp | None = None, infer: Callable[..., Any] = same,
          unregistered: bool = False) -> Op:
    """An elementwise function of one array; `vjp` is `lambda g, y, x: …`."""
    primitive = define(name, forward, infer, vjp, ufunc=forward if isinstance(forward, np.ufunc) else None,
                       unregistered=unregistered)

    def op(x: Node) -> Node:
        return apply(primitive, x)

    op.__name__ = op.__qualname__ = name
    return op


def binary(name: str, forward: Callable[..., Any], vjp_a: Vjp | None = None, vjp_b: Vjp | None = None,
           infer: Callable[..., Any] = broadcast) -> Op:
    """An elementwise function of two arrays that broadcast; each vjp is `lambda g, y, a, b: …`."""
    primitive = define(name, forward, infer, vjp_a, vjp_b, ufunc=forward if isinstance(forward, np.ufunc) else None)

    def op(a: Node, b: Node) -> Node:
        return apply(primitive, a, b)

    op.__name__ = op.__qualname__ = name
    return op


def normal_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """An axis argument (None, an int, a sequence) as a sorted tuple of non-negative ints.

    Raises ValueError when an axis is outside the rank."""
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    for value in axes:
        if not -rank <= value < rank:
            raise ValueError(f"axis {value} is out of range for an array of rank {rank}")
    return tuple(sorted({int(value) % rank for value in axes}))
