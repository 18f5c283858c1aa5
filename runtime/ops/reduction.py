"""Reductions, cumulative sums, and positions of extremes."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import core
from ..core import Array, Node, Shape, apply
from .define import Op, define, normal_axes
from .elementwise import cast, equal, exp, multiply, where, zeros_like_now
from .shape import size_of, spread_like


def _freeze(axis: Any) -> Any:
    return axis if axis is None or isinstance(axis, int) else int(axis) if isinstance(axis, np.integer) else tuple(int(a) for a in axis)


def reduced_shape(shape: Shape, axis: Any, keepdims: bool) -> Shape:
    if shape is None:
        return () if axis is None and not keepdims else None
    axes = normal_axes(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _infer(x: Node, axis: Any, keepdims: bool, **params: Any) -> tuple[Shape, Any]:
    return reduced_shape(x.shape, axis, keepdims), x.dtype


def _reduction(name: str, forward: Any, vjp: Any, infer: Any = _infer) -> Op:
    primitive = define(name, forward, infer, vjp)

    def op(x: Node, axis: Any = None, keepdims: bool = False) -> Node:
        return apply(primitive, x, axis=_freeze(axis), keepdims=keepdims)

    op.__name__ = op.__qualname__ = name
    return op


def _bool_infer(x: Node, axis: Any, keepdims: bool) -> tuple[Shape, Any]:
    return reduced_shape(x.shape, axis, keepdims), np.dtype(bool)


def _mean(x: Array, axis: Any, keepdims: bool) -> Any:
    if x.dtype.kind in "iu":
        return (x.sum(axis, keepdims=keepdims) // max(1, x.size // max(1, x.sum(axis).size))).astype(x.dtype)
    with np.errstate(all="ignore"):
        return np.mean(x, axis, dtype=x.dtype, keepdims=keepdims) if x.size else np.full(x.sum(axis, keepdims=keepdims).shape, np.nan, x.dtype)


reduce_sum = _reduction("reduce_sum", lambda x, axis, keepdims: x.sum(axis, dtype=x.dtype, keepdims=keepdims),
                        lambda g, y, x, axis, keepdims: spread_like(g, x, axis))
reduce_mean = _reduction("reduce_mean", _mean, lambda g, y, x, axis, keepdims: spread_like(g / _count(x, y), x, axis))
reduce_any = _reduction("reduce_any", lambda x, axis, keepdims: np.any(x, axis, keepdims=keepdims), None, _bool_infer)
reduce_all = _reduction("reduce_all", lambda x, axis, keepdims: np.all(x, axis, keepdims=keepdims), None, _bool_infer)


def _count(x: Node, y: Node) -> Node:
    """How many elements of x went into one of y, in x's dtype."""
    if x.value is not None and y.value is not None or _known(x) and _known(y):
        size, out = (math.prod(n.shape) for n in (x, y))     # type: ignore[arg-type]
        return core.lift(size / max(out, 1), x)
    return cast(size_of(x), x.dtype) / cast(size_of(y), x.dtype)


def _known(x: Node) -> bool:
    return x.shape is not None and None not in x.shape


# The product of all others: without dividing, so that zeros are right (and differentiable again).

def _prod_of_others(x: Array, axis: Any) -> Any:
    axes = normal_axes(axis, x.ndim)
    moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    flat = moved.reshape(moved.shape[:x.ndim - len(axes)] + (-1,))
    ones = np.ones((*flat.shape[:-1], 1), x.dtype)
    left = np.concatenate([ones, np.cumprod(flat[..., :-1], -1)], -1)
    right = np.concatenate([np.cumprod(flat[..., :0:-1], -1)[..., ::-1], ones], -1)
    return np.moveaxis((left * right).reshape(moved.shape), range(x.ndim - len(axes), x.ndim), axes)


def _others_grad(g: Node, y: Node, x: Node, axis: Any) -> Node:
    # sum over i of g_i * d(prod_{j != i} x_j)/dx_k, by the product over pairs: through the quotient where x is not zero.
    safe = where(equal(x, core.lift(0, x)), core.lift(1e-20, x), x)
    total = reduce_sum(multiply(g, y), axis, True)
    return (total - g * y) / safe


_OTHERS = define("product_of_others", _prod_of_others, lambda x, axis: (x.shape, x.dtype), _others_grad)
reduce_prod = _reduction("reduce_prod", lambda x, axis, keepdims: x.prod(axis, dtype=x.dtype, keepdims=keepdims),
                         lambda g, y, x, axis, keepdims: spread_like(g, x, axis) * apply(_OTHERS, x, axis=axis))


# --------------------------------------------------------------------------------------------------------------- extremes

def _extreme_grad(g: Node, y: Node, x: Node, axis: Any, keepdims: bool, ties: str) -> Node:
    return spread_like(g, x, axis) * apply(_WINNERS, x, y, axis=axis, ties=ties)


def _winners(x: Array, y: Array, axis: Any, ties: str) -> Any:
    axes = normal_axes(axis, x.ndim)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    hit = x == y.reshape(shape)
    if ties == "first":
        moved = np.moveaxis(hit, axes, range(x.ndim - len(axes), x.ndim))
        flat = moved.reshape(moved.shape[:x.ndim - len(axes)] + (-1,))
        first = np.zeros(flat.shape, x.dtype)
        np.put_along_axis(first, flat.argmax(-1)[..., None], 1, -1)
        return np.moveaxis(first.reshape(moved.shape), range(x.ndim - len(axes), x.ndim), axes)
    return (hit / hit.sum(axes, keepdims=True)).astype(x.dtype)


_WINNERS = define("winners", _winners, lambda x, y, axis, ties: (x.shape, x.dtype), None, None)


def _extreme(name: str, ufunc: Any) -> Op:
    primitive = define(name, lambda x, axis, keepdims, ties: ufunc(x, axis, keepdims=keepdims), _infer, _extreme_grad)

    def op(x: Node, axis: Any = None, keepdims: bool = False, ties: str = "share") -> Node:
        return apply(primitive, x, axis=_freeze(axis), keepdims=keepdims, ties=ties)

    op.__name__ = name
    op.__doc__ = "Reduction; equal winners share the cotangent (ties='share') or the first takes it all ('first')."
    return op


reduce_max = _extreme("reduce_max", np.max)
reduce_min = _extreme("reduce_min", np.min)


def _position(name: str, function: Any) -> Op:
    def infer(x: Node, axis: Any, dtype: Any, keepdims: bool) -> tuple[Shape, Any]:
        return reduced_shape(x.shape, axis, keepdims), dtype

    primitive = define(name, lambda x, axis, dtype, keepdims: np.asarray(function(x, axis, keepdims=keepdims)).astype(dtype), infer, None)

    def op(x: Node, axis: int | None, dtype: Any = np.int64, keepdims: bool = False) -> Node:
        return apply(primitive, x, axis=axis, dtype=np.dtype(dtype), keepdims=keepdims)

    op.__name__ = name
    return op


argmax = _position("argmax", np.argmax)
argmin = _position("argmin", np.argmin)


def _logsumexp(x: Array, axis: Any, keepdims: bool) -> Any:
    top = np.max(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    result = np.log(np.sum(np.exp(x - top), axis, keepdims=True)) + top
    return result if keepdims else result.reshape(np.sum(x, axis).shape)


reduce_logsumexp = _reduction("reduce_logsumexp", _logsumexp,
                              lambda g, y, x, axis, keepdims: spread_like(g, x, axis) * exp(x - spread_like(y, x, axis)))


# -------------------------------------------------------------------------------------------------------------- cumulative

def _along(function: Any, x: Array, axis: int, exclusive: bool, backwards: bool, start: int) -> Any:
    if backwards:
        x = np.flip(x, axis)
    result = function(x, axis, dtype=x.dtype)
    if exclusive:
        first = (slice(None),) * (axis % x.ndim)
        shifted = np.full_like(result, start)
        shifted[(*first, slice(1, None))] = result[(*first, slice(None, -1))]
        result = shifted
    return np.flip(result, axis) if backwards else result


def _same(x: Node, **params: Any) -> tuple[Shape, Any]:
    return x.shape, x.dtype


_CUMSUM = define("cumsum", lambda x, axis, exclusive, backwards: _along(np.cumsum, x, axis, exclusive, backwards, 0), _same,
                 lambda g, y, x, axis, exclusive, backwards: cumsum(g, axis, exclusive, not backwards))


def cumsum(x: Node, axis: int = 0, exclusive: bool = False, backwards: bool = False) -> Node:
    """Running sums; `exclusive` leaves an element out of its own sum, `backwards` runs from the end."""
    return apply(_CUMSUM, x, axis=int(axis), exclusive=exclusive, backwards=backwards)


def _cumprod_grad(g: Node, y: Node, x: Node, axis: int, exclusive: bool, backwards: bool) -> Node:
    summed = cumsum(y * g, axis, exclusive, not backwards)
    quotient = summed / x
    return where(equal(x, core.lift(0, x)), zeros_like_now(x), quotient)


_CUMPROD = define("cumprod", lambda x, axis, exclusive, backwards: _along(np.cumprod, x, axis, exclusive, backwards, 1), _same,
                  _cumprod_grad)
_CUMPROD_NAN = define("cumprod_quotient", lambda x, axis, exclusive, backwards: _along(np.cumprod, x, axis, exclusive, backwards, 1),
                      _same, lambda g, y, x, axis, exclusive, backwards: cumsum(y * g, axis, exclusive, not backwards) / x)


def cumprod(x: Node, axis: int = 0, exclusive: bool = False, backwards: bool = False, at_zero: str = "zero") -> Node:
    """Running products. At a zero element neither framework's gradient is exact: `at_zero` is "zero" (TensorFlow) or "nan"."""
    return apply(_CUMPROD if at_zero == "zero" else _CUMPROD_NAN, x, axis=int(axis), exclusive=exclusive, backwards=backwards)




