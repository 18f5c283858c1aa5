"""Gathering, scattering, segments, sorting."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import Array, IndexedSlices, Node, Primitive, Shape, apply, pick
from .define import Op, define
from .elementwise import cast, equal, where, zeros_like_now
from .shape import concat, sum_like

# ------------------------------------------------------------------------------------------------------------------ gather

def _gather(x: Array, indices: Array, axis: int, batch_dims: int, mode: str) -> Any:
    size = x.shape[axis]
    if mode == "error":
        if indices.size and (indices.min() < 0 or indices.max() >= size):
            at = np.argwhere((indices < 0) | (indices >= size))[0]
            place = f"[{','.join(map(str, at))}]" if len(at) else ""
            raise IndexError(f"indices{place} = {indices[tuple(at)]} is not in [0, {size})")
    elif mode == "zero":
        inside = (indices >= 0) & (indices < size)
        rows = np.take(x, np.where(inside, indices, 0), axis)
        return rows * inside.reshape(inside.shape + (1,) * (rows.ndim - inside.ndim)).astype(x.dtype)
    if batch_dims:
        return np.stack([_gather(a, i, axis - 1, batch_dims - 1, mode) for a, i in zip(x, indices, strict=True)])
    return np.take(x, indices, axis)


def _gather_infer(x: Node, indices: Node, axis: int, batch_dims: int, mode: str) -> tuple[Shape, Any]:
    if x.shape is None or indices.shape is None:
        return None, x.dtype
    at = axis % len(x.shape)
    return x.shape[:at] + indices.shape[batch_dims:] + x.shape[at + 1:], x.dtype


def _gather_vjp(g: Node, y: Node, x: Node, indices: Node, axis: int, batch_dims: int, mode: str) -> Any:
    if axis == 0 and batch_dims == 0 and mode == "error":
        return IndexedSlices(g, indices, x)
    return apply(_GATHER_BACK, g, x, indices, axis=axis, batch_dims=batch_dims, mode=mode)


def _gather_back(g: Array, x: Array, indices: Array, axis: int, batch_dims: int, mode: str) -> Any:
    if batch_dims:
        return np.stack([_gather_back(a, b, i, axis - 1, batch_dims - 1, mode) for a, b, i in zip(g, x, indices, strict=True)])
    result = np.zeros(x.shape, g.dtype)
    if mode == "zero":
        inside = (indices >= 0) & (indices < x.shape[axis])
        g, indices = g * inside.reshape(inside.shape + (1,) * (g.ndim - inside.ndim)).astype(g.dtype), np.where(inside, indices, 0)
    np.add.at(result, (slice(None),) * (axis % x.ndim) + (indices,), g)  # type: ignore[arg-type]
    return result


_GATHER = define("gather", _gather, _gather_infer, _gather_vjp, None)
_GATHER_BACK = define("gather_back", _gather_back, lambda g, x, indices, **params: (x.shape, g.dtype),
                      lambda g, y, part, x, indices, axis, batch_dims, mode: apply(_GATHER, g, indices, axis=axis, batch_dims=batch_dims, mode=mode),
                      None, None)


def gather(x: Node, indices: Node, axis: int = 0, batch_dims: int = 0, mode: str = "error") -> Node:
    """Slices of x along an axis. An index outside is an IndexError, counts from the end ("wrap") or gives zeros ("zero")."""
    return apply(_GATHER, x, indices, axis=int(axis), batch_dims=int(batch_dims), mode=mode)


def densify(slices: IndexedSlices) -> Node:
    """IndexedSlices as an array of its full shape, repeated rows summed."""
    return apply(_GATHER_BACK, slices.values, slices.like, slices.indices, axis=0, batch_dims=0, mode="error")


def join_slices(parts: Sequence[IndexedSlices]) -> IndexedSlices:
    """One IndexedSlices with the rows of all."""
    from .shape import reshape

    values = [_rows(part) for part in parts]
    indices = [reshape(part.indices, (-1,)) for part in parts]
    return IndexedSlices(concat(values, 0), concat(indices, 0), parts[0].like)


def _rows(part: IndexedSlices) -> Node:
    return apply(_AS_ROWS, part.values, part.indices)


_AS_ROWS = define("as_rows", lambda v, i: v.reshape((-1, *v.shape[i.ndim:])),
                  lambda v, i: (None if v.shape is None or i.shape is None else (_product(i.shape), *v.shape[len(i.shape):]), v.dtype),
                  lambda g, y, v, i: sum_like(_reshape_like(g, v), v), None)


def _reshape_like(g: Node, v: Node) -> Node:
    from .shape import reshape_like

    return reshape_like(g, v)


def _product(shape: tuple[int | None, ...]) -> int | None:
    return None if None in shape else math.prod(shape)       # type: ignore[arg-type]


as_rows = _rows


def _nd(indices: Array) -> tuple[Array, ...]:
    return tuple(np.moveaxis(indices, -1, 0))


def _gather_nd_infer(x: Node, indices: Node) -> tuple[Shape, Any]:
    if x.shape is None or indices.shape is None or indices.shape[-1] is None:
        return None, x.dtype
    return indices.shape[:-1] + x.shape[indices.shape[-1]:], x.dtype


_GATHER_ND = define("gather_nd", lambda x, indices: x[_nd(indices)], _gather_nd_infer, lambda g, y, x, indices: apply(_ND_BACK, g, x, indices), None)


def _nd_back(g: Array, x: Array, indices: Array) -> Any:
    result = np.zeros(x.shape, g.dtype)
    np.add.at(result, _nd(indices), g)
    return result


_ND_BACK: Primitive = define("gather_nd_back", _nd_back, lambda g, x, indices: (x.shape, g.dtype),
                             lambda g, y, part, x, indices: gather_nd(g, indices), None, None)


def gather_nd(x: Node, indices: Node) -> Node:
    """x[i, j, …] for each row (i, j, …) on the last axis of indices."""
    return apply(_GATHER_ND, x, indices)


def _scatter_nd(indices: Array, updates: Array, shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape, updates.dtype)
    np.add.at(result, _nd(indices), updates)
    return result


_SCATTER_ND = define("scatter_nd", _scatter_nd, lambda indices, updates, shape: (shape, updates.dtype), None,
                     lambda g, y, indices, updates, shape: gather_nd(g, indices))


def scatter_nd(indices: Node, updates: Node, shape: Sequence[int]) -> Node:
    return apply(_SCATTER_ND, indices, updates, shape=tuple(int(n) for n in shape))


def _scatter_into(x: Array, indices: Array, updates: Array, how: str) -> Any:
    result = x.copy()
    place = _nd(indices)
    if how == "update":
        result[place] = updates
    else:
        getattr(np, how).at(result, place, updates)
    return result


def _scatter_x(g: Node, y: Node, x: Node, indices: Node, updates: Node, how: str) -> Node:
    return g if how != "update" else apply(_SCATTER_INTO, g, indices, zeros_like_now(updates), how="update")


def _scatter_updates(g: Node, y: Node, x: Node, indices: Node, updates: Node, how: str) -> Node:
    picked = gather_nd(g, indices)
    return -picked if how == "subtract" else picked


_SCATTER_INTO = define("scatter_into", _scatter_into, lambda x, indices, updates, how: (x.shape, x.dtype), _scatter_x, None, _scatter_updates)


def scatter_into(x: Node, indices: Node, updates: Node, how: str) -> Node:
    """A copy of x with entries replaced ("update"), added ("add") or subtracted ("subtract") at index rows."""
    return apply(_SCATTER_INTO, x, indices, updates, how=how)


# ---------------------------------------------------------------------------------------------------------------- segments

def _segment(name: str, function: Callable[..., Any], vjp: Any) -> Op:
    def forward(x: Array, ids: Array, count: int | None) -> Any:
        size = count if count is not None else (int(ids.max()) + 1 if ids.size else 0)
        return function(x.reshape((ids.size, *x.shape[ids.ndim:])), ids.reshape(-1), size)

    def infer(x: Node, ids: Node, count: int | None) -> tuple[Shape, Any]:
        if x.shape is None or ids.shape is None:
            return None, x.dtype
        return (count, *x.shape[len(ids.shape):]), x.dtype

    primitive = define(name, forward, infer, vjp, None)

    def op(x: Node, ids: Node, count: int | None = None) -> Node:
        return apply(primitive, x, ids, count=count)

    op.__name__ = name
    return op


def _fold_rows(ufunc: Any, start: Any) -> Callable[[Array, Array, int], Array]:
    def fold(x: Array, ids: Array, size: int) -> Array:
        fill = start(x.dtype) if callable(start) else start
        result = np.full((size, *x.shape[1:]), fill, x.dtype)
        inside = ids >= 0
        ufunc.at(result, ids[inside], x[inside])
        return result

    return fold


def _mean_rows(x: Array, ids: Array, size: int) -> Array:
    counts = np.maximum(np.bincount(ids[ids >= 0], minlength=size), 1).astype(x.dtype)
    total = _fold_rows(np.add, 0)(x, ids, size)
    return np.asarray(total / counts.reshape((-1,) + (1,) * (x.ndim - 1)))


def _back_to_rows(g: Node, ids: Node) -> Node:
    return gather(g, ids, mode="zero")


def _mean_weights(x: Array, ids: Array) -> Any:
    flat = ids.reshape(-1)
    weights = 1 / np.bincount(flat[flat >= 0])[flat].astype(x.dtype)
    return weights.reshape(ids.shape + (1,) * (x.ndim - ids.ndim)).astype(x.dtype)


_MEAN_WEIGHTS = define("segment_mean_weights", _mean_weights, lambda x, ids: (x.shape, x.dtype), None, None)


def _lowest(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else np.finfo(dtype).min


def _highest(dtype: Any) -> Any:
    return np.iinfo(dtype).max if dtype.kind in "iu" else np.finfo(dtype).max


def _extreme_rows(g: Node, y: Node, x: Node, ids: Node, count: int | None) -> Node:
    hit = cast(equal(x, _back_to_rows(y, ids)), g.dtype)
    ties = segment_sum(hit, ids, count)
    return hit * _back_to_rows(g / where(equal(ties, zeros_like_now(ties)), ties + 1.0, ties), ids)


segment_sum = _segment("segment_sum", _fold_rows(np.add, 0), lambda g, y, x, ids, count: _back_to_rows(g, ids))
segment_mean = _segment("segment_mean", _mean_rows, lambda g, y, x, ids, count: _back_to_rows(g, ids) * apply(_MEAN_WEIGHTS, x, ids))
segment_max = _segment("segment_max", _fold_rows(np.maximum, _lowest), _extreme_rows)
segment_min = _segment("segment_min", _fold_rows(np.minimum, _highest), _extreme_rows)
segment_prod = _segment("segment_prod", _fold_rows(np.multiply, 1),
                        lambda g, y, x, ids, count: _back_to_rows(g, ids) * apply(_SEGMENT_OTHERS, x, ids, count=count))


def _segment_others(x: Array, ids: Array, count: int | None) -> Any:
    flat, places = x.reshape((ids.size, *x.shape[ids.ndim:])), ids.reshape(-1)
    size = count if count is not None else (int(ids.max()) + 1 if ids.size else 0)
    zero = flat == 0
    zeros = _fold_rows(np.add, 0)(zero.astype(np.int64), places, size)[places]
    product = _fold_rows(np.multiply, 1)(np.where(zero, np.ones((), x.dtype), flat), places, size)[places]
    others = np.where(zeros == zero, product / np.where(zero, np.ones((), x.dtype), flat), np.zeros((), x.dtype))
    return (others * (places >= 0).reshape((-1,) + (1,) * (flat.ndim - 1))).reshape(x.shape).astype(x.dtype)


def _segment_others_grad(g: Node, y: Node, x: Node, ids: Node, count: int | None) -> Node:
    # As for the product over an axis: through the quotient where x is not zero.
    safe = where(equal(x, zeros_like_now(x)), zeros_like_now(x) + 1e-20, x)
    return (_back_to_rows(segment_sum(g * y, ids, count), ids) - g * y) / safe


_SEGMENT_OTHERS: Primitive = define("segment_prod_of_others", _segment_others, lambda x, ids, count: (x.shape, x.dtype), _segment_others_grad, None)


# ----------------------------------------------------------------------------------------------------------------- sorting

def _order(x: Array, axis: int, descending: bool) -> Any:
    return np.argsort(-x if descending else x, axis, kind="stable").astype(np.int32)


_ARGSORT = define("argsort", _order, lambda x, axis, descending: (x.shape, np.dtype(np.int32)), None)


def argsort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    return apply(_ARGSORT, x, axis=axis, descending=descending)


def _along_back(g: Array, like: Array, indices: Array, axis: int) -> Any:
    result = np.zeros(like.shape, g.dtype)
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis % like.ndim] = indices
    np.add.at(result, tuple(grid), g)
    return result


_TAKE_ALONG = define("take_along", lambda x, indices, axis: np.take_along_axis(x, indices.astype(np.int64), axis),
                     lambda x, indices, axis: (indices.shape, x.dtype), lambda g, y, x, indices, axis: apply(_ALONG_BACK, g, x, indices, axis=axis), None)
_ALONG_BACK: Primitive = define("take_along_back", _along_back, lambda g, like, indices, axis: (like.shape, g.dtype),
                     lambda g, y, part, like, indices, axis: take_along(g, indices, axis), None, None)


def take_along(x: Node, indices: Node, axis: int) -> Node:
    return apply(_TAKE_ALONG, x, indices, axis=axis)


def sort(x: Node, axis: int = -1, descending: bool = False) -> Node:
    return take_along(x, argsort(x, axis, descending), axis)


_TOP_POSITIONS = define("top_positions", lambda x, k: _order(x, -1, True)[..., :k],
                        lambda x, k: (None if x.shape is None else (*x.shape[:-1], k), np.dtype(np.int32)), None)


def top_k(x: Node, k: int) -> tuple[Node, Node]:
    """The k largest of the last axis, in falling order (the earlier first among equals), and their positions."""
    positions = apply(_TOP_POSITIONS, x, k=int(k))
    return take_along(x, positions, -1), positions


def _in_top(predictions: Array, targets: Array, k: int) -> Any:
    chosen = np.take_along_axis(predictions, targets[:, None].astype(np.int64), 1)
    return (predictions > chosen).sum(1) < k


_IN_TOP = define("in_top_k", _in_top, lambda p, t, k: (t.shape, np.dtype(bool)), None, None)


def in_top_k(predictions: Node, targets: Node, k: int) -> Node:
    return apply(_IN_TOP, predictions, targets, k=int(k))


# --------------------------------------------------------------------------------------------- shapes that the data decide

_POSITIONS = define("where_positions", lambda c: np.argwhere(c).astype(np.int64),
                    lambda c: ((None, None if c.shape is None else len(c.shape)), np.dtype(np.int64)), None)


def where_positions(condition: Node) -> Node:
    """The index rows at which the condition holds, [n, rank] int64."""
    return apply(_POSITIONS, condition)


_MASK = define("boolean_mask", lambda x, mask: x[mask], lambda x, mask: (_masked_shape(x, mask), x.dtype),
               lambda g, y, x, mask: apply(_UNMASK, g, x, mask), None)


def _masked_shape(x: Node, mask: Node) -> Shape:
    return None if x.shape is None or mask.shape is None else (None, *x.shape[len(mask.shape):])


def _unmask(g: Array, like: Array, mask: Array) -> Any:
    result = np.zeros(like.shape, g.dtype)
    result[mask] = g
    return result


_UNMASK: Primitive = define("unmask", _unmask, lambda g, like, mask: (like.shape, g.dtype), lambda g, y, part, like, mask: boolean_mask(g, mask), None, None)


def boolean_mask(x: Node, mask: Node) -> Node:
    return apply(_MASK, x, mask)


def _unique(x: Array) -> Any:
    values, first, inverse = np.unique(x, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return values[order], rank[inverse.reshape(-1)].astype(np.int32)


_UNIQUE = define("unique", _unique, lambda x: [((None,), x.dtype), (x.shape, np.dtype(np.int32))], outputs=2, unregistered=True)


def unique(x: Node) -> tuple[Node, Node]:
    """Values of a vector in the order of their first appearance, and for each element the position of its value."""
    result = apply(_UNIQUE, x)
    return pick(result, 0), pick(result, 1)


_SEARCH = define("searchsorted", lambda a, v, side: np.searchsorted(a, v, side).astype(np.int32), lambda a, v, side: (v.shape, np.dtype(np.int32)), None, None)
_BINCOUNT = define("bincount", lambda x: np.bincount(x.reshape(-1)).astype(np.int32), lambda x: ((None,), np.dtype(np.int32)), None, unregistered=True)
_SEQUENCE_MASK = define("sequence_mask", lambda n, size: np.arange(size if size is not None else int(n.max())) < n[..., None],
                        lambda n, size: (None if n.shape is None else (*n.shape, size), np.dtype(bool)), None)
_INVERT = define("invert_permutation", lambda p: np.argsort(p).astype(p.dtype), lambda p: (p.shape, p.dtype), None)


def searchsorted(a: Node, v: Node, side: str = "left") -> Node:
    return apply(_SEARCH, a, v, side=side)


def bincount(x: Node) -> Node:
    return apply(_BINCOUNT, x)


def sequence_mask(lengths: Node, size: int | None = None) -> Node:
    return apply(_SEQUENCE_MASK, lengths, size=size)


def invert_permutation(p: Node) -> Node:
    return apply(_INVERT, p)


def _reverse_rows(x: Array, lengths: Array, axis: int, batch_axis: int) -> Any:
    moved = np.moveaxis(x, (batch_axis, axis), (0, 1))
    steps = np.arange(moved.shape[1])
    place = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return np.moveaxis(moved[np.arange(len(moved))[:, None], place], (0, 1), (batch_axis, axis))


_REVERSE_SEQUENCE = define("reverse_sequence", _reverse_rows, lambda x, lengths, axis, batch_axis: (x.shape, x.dtype),
                           lambda g, y, x, lengths, axis, batch_axis: reverse_sequence(g, lengths, axis, batch_axis), None)


def reverse_sequence(x: Node, lengths: Node, axis: int, batch_axis: int) -> Node:
    """x with the first lengths[b] elements along `axis` turned around for each row b of `batch_axis`."""
    return apply(_REVERSE_SEQUENCE, x, lengths, axis=axis, batch_axis=batch_axis)
