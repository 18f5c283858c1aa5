"""Primitives that move elements about, and the `*_like` primitives that gradient lines use so as not to need static shapes."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import core
from ..core import Array, Node, Primitive, Shape, apply, pick
from .define import broadcast_shapes, define, normal_axes
from .elementwise import zeros_like_now


def _like(x: Node, like: Node, **params: Any) -> tuple[Shape, Any]:
    return like.shape, x.dtype


# ------------------------------------------------------------------------------------------------ shapes taken from a node

def sum_axes(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes over which an array of `shape` is summed to have the shape `wanted` but for axes of size one; None when it is the smaller one."""
    extra = len(shape) - len(wanted)
    if extra < 0 or any(m == 1 and n != 1 for m, n in zip(shape[extra:], wanted, strict=True)):
        return None
    return tuple(range(extra)) + tuple(i + extra for i, n in enumerate(wanted) if n == 1 and shape[i + extra] != 1)


def _sum_to(x: Array, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    axes = sum_axes(x.shape, shape)
    if axes is None:
        return np.broadcast_to(x, shape)          # a cotangent that was given smaller than its tensor
    return x.sum(axis=axes, keepdims=True, dtype=x.dtype).reshape(shape)


_SUM_LIKE = define("sum_like", lambda x, like: _sum_to(x, like.shape), _like,
                   lambda g, y, x, like: broadcast_like(g, x), None)


def sum_like(x: Node, like: Node) -> Node:
    """x summed over the axes along which `like` was broadcast to x's shape."""
    if x.shape == like.shape and x.shape is not None and None not in x.shape:
        return x
    return apply(_SUM_LIKE, x, like)


_BROADCAST_LIKE = define("broadcast_like", lambda x, like: np.broadcast_to(x, like.shape), _like,
                         lambda g, y, x, like: sum_like(g, x), None)


def broadcast_like(x: Node, like: Node) -> Node:
    """x broadcast to the shape of `like`."""
    return apply(_BROADCAST_LIKE, x, like)


def _spread(x: Array, like: Array, axis: Any) -> Any:
    shape = list(like.shape)
    for position in normal_axes(axis, like.ndim):
        shape[position] = 1
    return np.broadcast_to(x.reshape(shape), like.shape)


_SPREAD_LIKE = define("spread_like", _spread, _like, lambda g, y, x, like, axis: reshape_like(_sum_axes(g, axis), x), None)


def spread_like(x: Node, like: Node, axis: Any) -> Node:
    """The result of a reduction of `like` over axis (with or without kept dimensions), spread over those axes again."""
    return apply(_SPREAD_LIKE, x, like, axis=axis)


def _sum_axes(x: Node, axis: Any) -> Node:
    from .reduction import reduce_sum

    return reduce_sum(x, axis, True)


_RESHAPE_LIKE = define("reshape_like", lambda x, like: x.reshape(like.shape), _like, lambda g, y, x, like: reshape_like(g, x), None)


def reshape_like(x: Node, like: Node) -> Node:
    if x.shape == like.shape and x.shape is not None and None not in x.shape:
        return x
    return apply(_RESHAPE_LIKE, x, like)


_FULL_LIKE = define("full_like", lambda x, value, dtype: np.full(x.shape, value, dtype), lambda x, value, dtype: (x.shape, dtype), None)


def full_like(x: Node, value: Any, dtype: Any = None) -> Node:
    return apply(_FULL_LIKE, x, value=value, dtype=np.dtype(dtype or x.dtype))


def zeros_like(x: Node, dtype: Any = None) -> Node:
    return full_like(x, 0, dtype)


def ones_like(x: Node, dtype: Any = None) -> Node:
    return full_like(x, 1, dtype)


_SHAPE_OF = define("shape_of", lambda x, dtype: np.array(x.shape, dtype), lambda x, dtype: ((None if x.shape is None else len(x.shape),), dtype), None)
_SIZE_OF = define("size_of", lambda x, dtype: np.array(x.size, dtype), lambda x, dtype: ((), dtype), None)
_RANK_OF = define("rank_of", lambda x: np.array(x.ndim, np.int32), lambda x: ((), np.dtype(np.int32)), None)


def shape_of(x: Node, dtype: Any = np.int32) -> Node:
    return apply(_SHAPE_OF, x, dtype=np.dtype(dtype))


def size_of(x: Node, dtype: Any = np.int32) -> Node:
    return apply(_SIZE_OF, x, dtype=np.dtype(dtype))


def rank_of(x: Node) -> Node:
    return apply(_RANK_OF, x)


# --------------------------------------------------------------------------------------------------------- static reshaping

def _reshape_infer(x: Node, shape: tuple[int, ...]) -> tuple[Shape, Any]:
    if -1 not in shape:
        known = None if x.shape is None or None in x.shape else math.prod(x.shape)  # type: ignore[arg-type]
        if known is not None and known != math.prod(shape):
            raise ValueError(f"Cannot reshape a tensor with {known} elements to shape {list(shape)} ({math.prod(shape)} elements)")
        return shape, x.dtype
    rest = math.prod(n for n in shape if n != -1)
    unknown = x.shape is None or None in x.shape
    total = None if unknown or rest == 0 else math.prod(x.shape) // rest            # type: ignore[arg-type]
    return tuple(total if n == -1 else n for n in shape), x.dtype


_RESHAPE = define("reshape", lambda x, shape: x.reshape(shape), _reshape_infer, lambda g, y, x, shape: reshape_like(g, x))


def reshape(x: Node, shape: Sequence[int]) -> Node:
    """x with another shape, of which one entry may be -1."""
    return apply(_RESHAPE, x, shape=tuple(int(n) for n in shape))


def static_value(node: Node) -> Array | None:
    """The value of a node when it is known before a run: constants, shapes that are fully known, arithmetic on those."""
    if node.value is not None:
        return node.value                                    # type: ignore[no-any-return]
    primitive = node.primitive
    if primitive is core.CONSTANT:
        return node.params["value"]                          # type: ignore[no-any-return]
    if primitive is _SHAPE_OF:
        shape = node.inputs[0].shape
        return None if shape is None or None in shape else np.array(shape, node.dtype)
    if primitive is _RANK_OF:
        return None if node.inputs[0].shape is None else np.array(len(node.inputs[0].shape), np.int32)
    if primitive is _SIZE_OF:
        shape = node.inputs[0].shape
        return None if shape is None or None in shape else np.array(math.prod(shape), node.dtype)  # type: ignore[arg-type]
    if primitive is None or not primitive.pure or not node.inputs or primitive.outputs != 1 or primitive.name in ("placeholder", "call"):
        return None
    values = [static_value(source) for source in node.inputs]
    if any(value is None for value in values):
        return None
    return np.asarray(primitive.forward(*values, **node.params))


def partial_shape(node: Node) -> Shape:
    """What is known of the shape that an integer vector describes: entries that only a run can tell are None."""
    value = static_value(node)
    if value is not None:
        return tuple(None if n < 0 else int(n) for n in value)
    primitive = node.primitive
    if primitive is _SHAPE_OF:
        return node.inputs[0].shape
    if primitive is _STACK:
        entries = [_static_entry(source) for source in node.inputs]
        return tuple(None if entry is None or entry < 0 else int(entry) for entry in entries)
    if primitive is _CONCAT:
        parts = [partial_shape(source) for source in node.inputs]
        return None if any(part is None for part in parts) else tuple(n for part in parts if part is not None for n in part)
    if node.shape is not None and len(node.shape) == 1 and node.shape[0] is not None:
        return (None,) * node.shape[0]
    return None


def _static_entry(node: Node) -> Array | None:
    """The value of one entry of a shape, also where the rest of the shape it is taken from is unknown."""
    if node.primitive is _TAKE and node.inputs[0].primitive is _SHAPE_OF:
        shape = node.inputs[0].inputs[0].shape
        size = None if shape is None else shape[node.params["index"]]
        return None if size is None else np.array(size, node.dtype)
    return static_value(node)


def _shape_argument(x: Node, shape: Node) -> tuple[Shape, Any]:
    return partial_shape(shape), x.dtype


_RESHAPE_TO = define("reshape_to", lambda x, shape: x.reshape(tuple(int(n) for n in shape)), _shape_argument,
                     lambda g, y, x, shape: reshape_like(g, x), None)
_BROADCAST_TO = define("broadcast_to_node", lambda x, shape: np.broadcast_to(x, tuple(int(n) for n in shape)), _shape_argument,
                       lambda g, y, x, shape: sum_like(g, x), None)


def reshape_to(x: Node, shape: Node) -> Node:
    """x with the shape that an integer vector tells when it runs."""
    return apply(_RESHAPE_TO, x, shape)


def broadcast_to(x: Node, shape: Node) -> Node:
    """x broadcast to the shape that an integer vector tells; fills when x is a scalar."""
    return apply(_BROADCAST_TO, x, shape)


def _expand_infer(x: Node, axis: int) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, x.dtype
    at = axis % (len(x.shape) + 1)
    return x.shape[:at] + (1,) + x.shape[at:], x.dtype


_EXPAND = define("expand_dims", lambda x, axis: np.expand_dims(x, axis), _expand_infer, lambda g, y, x, axis: reshape_like(g, x))


def expand_dims(x: Node, axis: int) -> Node:
    return apply(_EXPAND, x, axis=axis)


def _squeeze_infer(x: Node, axis: Any) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, x.dtype
    if axis is None:
        return (None if None in x.shape else tuple(n for n in x.shape if n != 1)), x.dtype
    axes = normal_axes(axis, len(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype


_SQUEEZE = define("squeeze", lambda x, axis: np.squeeze(x, axis=axis), _squeeze_infer, lambda g, y, x, axis: reshape_like(g, x))


def squeeze(x: Node, axis: Any = None) -> Node:
    return apply(_SQUEEZE, x, axis=None if axis is None else axis if isinstance(axis, int) else tuple(axis))


def _transpose_infer(x: Node, perm: tuple[int, ...] | None) -> tuple[Shape, Any]:
    if x.shape is None:
        return (None if perm is None else (None,) * len(perm)), x.dtype
    order = perm if perm is not None else tuple(reversed(range(len(x.shape))))
    return tuple(x.shape[i] for i in order), x.dtype


_TRANSPOSE = define("transpose", lambda x, perm: np.transpose(x, perm), _transpose_infer,
                    lambda g, y, x, perm: transpose(g, None if perm is None else tuple(int(i) for i in np.argsort(perm))))


def transpose(x: Node, perm: Sequence[int] | None = None) -> Node:
    return apply(_TRANSPOSE, x, perm=None if perm is None else tuple(int(i) for i in perm))


# ------------------------------------------------------------------------------------------------------- joining and cutting

def _concat_infer(*xs: Node, axis: int) -> tuple[Shape, Any]:
    known = [x.shape for x in xs if x.shape is not None]
    if not known:
        return None, xs[0].dtype
    at = axis % len(known[0])
    sizes = [None if x.shape is None else x.shape[at] for x in xs]
    rest = [next((shape[i] for shape in known if shape[i] is not None), None) for i in range(len(known[0]))]
    rest[at] = None if None in sizes else sum(sizes)         # type: ignore[arg-type]
    return tuple(rest), xs[0].dtype


def _concat_vjp(position: int) -> Any:
    return lambda g, y, *xs, axis: apply(_CONCAT_PART, g, *xs, axis=axis, position=position)


def _concat_part(g: Array, *xs: Array, axis: int, position: int) -> Any:
    sizes = [x.shape[axis] for x in xs]
    start = sum(sizes[:position])
    at = axis % g.ndim
    return g[(slice(None),) * at + (slice(start, start + sizes[position]),)]


def _concat_part_vjp(position: int) -> Any:
    if position:
        return None
    return lambda g, y, whole, *xs, axis, position: concat(
        [g if i == position else zeros_like_now(x) for i, x in enumerate(xs)], axis)


_CONCAT = define("concat", lambda *xs, axis: np.concatenate(xs, axis), _concat_infer, variadic=_concat_vjp)
_CONCAT_PART = define("concat_part", _concat_part, lambda g, *xs, axis, position: (xs[position].shape, g.dtype), variadic=_concat_part_vjp)


def concat(xs: Sequence[Node], axis: int) -> Node:
    return apply(_CONCAT, *xs, axis=int(axis))


def _stack_infer(*xs: Node, axis: int) -> tuple[Shape, Any]:
    shape = next((x.shape for x in xs if x.shape is not None), None)
    if shape is None:
        return None, xs[0].dtype
    at = axis % (len(shape) + 1)
    return shape[:at] + (len(xs),) + shape[at:], xs[0].dtype


_STACK = define("stack", lambda *xs, axis: np.stack(xs, axis), _stack_infer,
                variadic=lambda position: lambda g, y, *xs, axis: take_index(g, position, axis))


def stack(xs: Sequence[Node], axis: int = 0) -> Node:
    return apply(_STACK, *xs, axis=int(axis))


def _take_infer(x: Node, index: int, axis: int) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, x.dtype
    at = axis % len(x.shape)
    return x.shape[:at] + x.shape[at + 1:], x.dtype


def _take(x: Array, index: int, axis: int) -> Any:
    return x[(slice(None),) * (axis % x.ndim) + (index,)]


def _put_index(g: Array, like: Array, index: int, axis: int) -> Any:
    result = np.zeros(like.shape, g.dtype)
    result[(slice(None),) * (axis % like.ndim) + (index,)] = g
    return result


_TAKE = define("take_index", _take, _take_infer, lambda g, y, x, index, axis: apply(_PUT, g, x, index=index, axis=axis))
_PUT: Primitive = define("put_index", _put_index, _like, lambda g, y, x, like, index, axis: take_index(g, index, axis), None)


def take_index(x: Node, index: int, axis: int) -> Node:
    """The slice at one position of an axis, without that axis."""
    return apply(_TAKE, x, index=index, axis=axis)


def unstack(x: Node, count: int, axis: int = 0) -> list[Node]:
    return [take_index(x, index, axis) for index in range(count)]


def _split_infer(x: Node, sizes: tuple[int, ...], axis: int) -> Any:
    if x.shape is None:
        return [(None, x.dtype) for _ in sizes]
    at = axis % len(x.shape)
    return [(x.shape[:at] + (size if size >= 0 else None,) + x.shape[at + 1:], x.dtype) for size in sizes]


def _split(x: Array, sizes: tuple[int, ...], axis: int) -> Any:
    if sizes and sizes[0] < 0:
        return tuple(np.split(x, len(sizes), axis))
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


_SPLIT = define("split", _split, _split_infer, lambda gs, y, x, sizes, axis: concat(gs, axis), outputs=0)


def split(x: Node, sizes: Sequence[int], axis: int) -> list[Node]:
    """Pieces of the given sizes along an axis; sizes of -1 mean equal pieces of a size known when it runs."""
    whole = apply(_SPLIT, x, sizes=tuple(int(n) for n in sizes), axis=int(axis))
    return [pick(whole, index) for index in range(len(sizes))]


# ---------------------------------------------------------------------------------------------------- tiling, padding, order

def _tile_infer(x: Node, multiples: tuple[int, ...]) -> tuple[Shape, Any]:
    if x.shape is None:
        return (None,) * len(multiples), x.dtype
    shape = (1,) * (len(multiples) - len(x.shape)) + x.shape
    return tuple(None if n is None else n * m for n, m in zip(shape, multiples, strict=True)), x.dtype


def _untile(g: Array, like: Array, multiples: tuple[int, ...]) -> Any:
    shape = (1,) * (len(multiples) - like.ndim) + like.shape
    split_shape = [n for m, size in zip(multiples, shape, strict=True) for n in (m, size)]
    return g.reshape(split_shape).sum(axis=tuple(range(0, 2 * len(shape), 2)), dtype=g.dtype).reshape(like.shape)


_TILE = define("tile", lambda x, multiples: np.tile(x, multiples), _tile_infer,
               lambda g, y, x, multiples: apply(_UNTILE, g, x, multiples=multiples))
_UNTILE: Primitive = define("untile", _untile, _like, lambda g, y, x, like, multiples: tile(g, multiples), None)


def tile(x: Node, multiples: Sequence[int]) -> Node:
    return apply(_TILE, x, multiples=tuple(int(n) for n in multiples))


_TILE_BY = define("tile_by", lambda x, multiples: np.tile(x, tuple(int(n) for n in multiples)),
                  lambda x, multiples: (_tiled_shape(x.shape, partial_shape(multiples)), x.dtype),
                  lambda g, y, x, multiples: apply(_UNTILE_BY, g, x, multiples), None)
_UNTILE_BY: Primitive = define("untile_by", lambda g, like, multiples: _untile(g, like, tuple(int(n) for n in multiples)),
                    lambda g, like, multiples: (like.shape, g.dtype), lambda g, y, x, like, multiples: tile_by(g, multiples), None, None)


def _tiled_shape(shape: Shape, multiples: Shape) -> Shape:
    if shape is None or multiples is None:
        return None if multiples is None and shape is None else (None,) * len(shape or multiples or ())
    return tuple(None if n is None or m is None else n * m for n, m in zip(shape, multiples, strict=True))


def tile_by(x: Node, multiples: Node) -> Node:
    return apply(_TILE_BY, x, multiples)


_PAD_MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


def _pad(x: Array, paddings: Any, mode: str, value: Any) -> Any:
    if mode == "CONSTANT":
        return np.pad(x, paddings, constant_values=x.dtype.type(value))
    return np.pad(x, paddings, mode=_PAD_MODES[mode])        # type: ignore[call-overload]


def _pad_infer(x: Node, paddings: Any, mode: str, value: Any) -> tuple[Shape, Any]:
    if x.shape is None:
        return (None,) * len(paddings), x.dtype
    return tuple(None if n is None else n + a + b for n, (a, b) in zip(x.shape, paddings, strict=True)), x.dtype


def _unpad(g: Array, like: Array, paddings: Any, mode: str) -> Any:
    if mode == "CONSTANT":
        return g[tuple(slice(a, a + n) for n, (a, _) in zip(like.shape, paddings, strict=True))]
    source = _pad(np.arange(like.size).reshape(like.shape), paddings, mode, 0)
    return np.bincount(source.reshape(-1), g.reshape(-1), like.size).astype(g.dtype).reshape(like.shape)


_PAD = define("pad", _pad, _pad_infer, lambda g, y, x, paddings, mode, value: apply(_UNPAD, g, x, paddings=paddings, mode=mode))
_UNPAD: Primitive = define("unpad", _unpad, _like,
                lambda g, y, x, like, paddings, mode: pad(g, paddings, mode, 0), None)


def pad(x: Node, paddings: Any, mode: str = "CONSTANT", value: Any = 0) -> Node:
    """x with `paddings[i] = (before, after)` elements added along axis i; mode CONSTANT, REFLECT or SYMMETRIC."""
    return apply(_PAD, x, paddings=tuple((int(a), int(b)) for a, b in paddings), mode=mode, value=value)


# Amounts that only a run can tell; always with zeros.
_PAD_BY = define("pad_by", lambda x, paddings: np.pad(x, paddings),
                 lambda x, paddings: (_padded_shape(x.shape, static_columns(paddings)), x.dtype),
                 lambda g, y, x, paddings: apply(_UNPAD_BY, g, x, paddings), None)
_UNPAD_BY: Primitive = define("unpad_by", lambda g, like, paddings: _unpad(g, like, paddings, "CONSTANT"), lambda g, like, paddings: (like.shape, g.dtype),
                              lambda g, y, x, like, paddings: pad_by(g, paddings), None, None)


def static_columns(paddings: Node) -> list[int | None] | None:
    """How much each row of a [rank, 2] integer node adds up to, None where only a run can tell; None when the rank is unknown."""
    if paddings.primitive is _STACK and paddings.params["axis"] == 0:
        rows = [static_value(row) for row in paddings.inputs]
        return [None if row is None else int(row.sum()) for row in rows]
    return None if paddings.shape is None or paddings.shape[0] is None else [None] * paddings.shape[0]


def _padded_shape(shape: Shape, added: list[int | None] | None) -> Shape:
    if shape is None or added is None:
        return None if shape is None else (None,) * len(shape)
    return tuple(None if n is None or m is None else n + m for n, m in zip(shape, added, strict=True))


def pad_by(x: Node, paddings: Node) -> Node:
    """x with paddings[i] = (before, after) zeros added along axis i."""
    return apply(_PAD_BY, x, paddings)


_REVERSE = define("reverse", lambda x, axis: np.flip(x, axis), lambda x, axis: (x.shape, x.dtype),
                  lambda g, y, x, axis: reverse(g, axis))


def reverse(x: Node, axis: Any) -> Node:
    return apply(_REVERSE, x, axis=axis if isinstance(axis, int) else tuple(axis))


_ROLL = define("roll", lambda x, shift, axis: np.roll(x, shift, axis), lambda x, shift, axis: (x.shape, x.dtype),
               lambda g, y, x, shift, axis: roll(g, -shift if isinstance(shift, int) else tuple(-n for n in shift), axis))


def roll(x: Node, shift: Any, axis: Any) -> Node:
    return apply(_ROLL, x, shift=shift, axis=axis)


# ------------------------------------------------------------------------------------------------------------------ indexing

class Hole:
    """In the static part of an index: "the next index array stands here"."""

    def __repr__(self) -> str:
        return "hole"


HOLE = Hole()


def _fill(index: tuple[Any, ...], arrays: Sequence[Array], in_slices: bool = False) -> tuple[Any, ...]:
    rest = iter(arrays)

    def part(item: Any) -> Any:
        if item is HOLE:
            array = next(rest)
            return int(array) if array.ndim == 0 and array.dtype.kind in "iu" else array
        if isinstance(item, slice):
            return slice(*(int(next(rest)) if v is HOLE else v for v in (item.start, item.stop, item.step)))
        return item

    return tuple(part(item) for item in index)


def _getitem_infer(x: Node, *arrays: Node, index: tuple[Any, ...]) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, x.dtype
    if not arrays and not any(isinstance(item, np.ndarray) for item in index):
        return _slice_shape(x.shape, index), x.dtype
    if any(a.shape is None or None in a.shape for a in arrays) or None in x.shape or any(
            isinstance(item, slice) and HOLE in (item.start, item.stop, item.step) for item in index):
        return _unknown_getitem(x.shape, arrays, index), x.dtype
    if any(a.dtype.kind == "b" for a in arrays):
        return (None,) + x.shape[1:], x.dtype
    dummy = np.broadcast_to(np.zeros((), np.int8), x.shape)  # type: ignore[arg-type]
    zeros = [np.zeros(a.shape, np.int64) for a in arrays]  # type: ignore[type-var]
    return dummy[_fill(index, zeros)].shape, x.dtype


def _unknown_getitem(shape: tuple[int | None, ...], arrays: Sequence[Node], index: tuple[Any, ...]) -> Shape:
    if any(item is HOLE for item in index) and any(a.shape != () for a in arrays):
        return None
    return _slice_shape(shape, tuple(0 if item is HOLE else item for item in index))


def _slice_shape(shape: tuple[int | None, ...], index: tuple[Any, ...]) -> Shape:
    """The shape of a slice without index arrays; unknown along axes that are cut at places that only a run can tell."""
    consumed = sum(1 for item in index if item is not None and item is not Ellipsis)
    result: list[int | None] = []
    position = 0
    for item in index if Ellipsis in index else (*index, Ellipsis):
        if item is None:
            result.append(1)
        elif item is Ellipsis:
            take = len(shape) - consumed
            result.extend(shape[position:position + take])
            position += take
        elif isinstance(item, slice):
            size = shape[position]
            known = size is not None and HOLE not in (item.start, item.stop, item.step)
            result.append(len(range(*item.indices(size))) if known else None)  # type: ignore[arg-type]
            position += 1
        else:
            size = shape[position]
            if size is not None and item != 0 and not -size <= item < size:
                raise ValueError(f"slice index {item} of dimension {position} out of bounds.")
            position += 1
    return tuple(result)


def _scatter_back(g: Array, like: Array, *arrays: Array, index: tuple[Any, ...]) -> Any:
    result = np.zeros(like.shape, g.dtype)
    where = _fill(index, arrays)
    if any(isinstance(item, np.ndarray) and item.dtype.kind != "b" for item in where):
        np.add.at(result, where, g)
    else:
        result[where] = g
    return result


def _getitem_vjp(position: int) -> Any:
    return None if position else lambda g, y, x, *arrays, index: apply(_SCATTER, g, x, *arrays, index=index)


def _scatter_vjp(position: int) -> Any:
    return None if position else lambda g, y, part, like, *arrays, index: getitem(g, index, arrays)


_GETITEM = define("getitem", lambda x, *arrays, index: x[_fill(index, arrays)], _getitem_infer, variadic=_getitem_vjp)
_SCATTER = define("getitem_back", _scatter_back, lambda g, like, *arrays, index: (like.shape, g.dtype), variadic=_scatter_vjp)


def getitem(x: Node, index: tuple[Any, ...], arrays: Sequence[Node] = ()) -> Node:
    """x[index] with NumPy's meaning; each `HOLE` in the index (or in one of its slices) is taken from `arrays` in turn."""
    return apply(_GETITEM, x, *arrays, index=index)


# ---------------------------------------------------------------------------------------------------- diagonals and triangles

def _band(x: Array, lower: int, upper: int) -> Any:
    rows, columns = np.ogrid[:x.shape[-2], :x.shape[-1]]
    keep = ((lower < 0) | (rows - columns <= lower)) & ((upper < 0) | (columns - rows <= upper))
    return np.where(keep, x, np.zeros((), x.dtype))


_BAND = define("matrix_band_part", _band, lambda x, lower, upper: (x.shape, x.dtype),
               lambda g, y, x, lower, upper: matrix_band_part(g, lower, upper))


def matrix_band_part(x: Node, lower: int, upper: int) -> Node:
    """The last two axes with everything outside a band set to zero; a negative number keeps that whole triangle."""
    return apply(_BAND, x, lower=int(lower), upper=int(upper))


def _triangle(x: Array, k: int, upper: bool) -> Any:
    return np.triu(x, k) if upper else np.tril(x, k)


_TRIANGLE: Primitive = define("triangle", _triangle, lambda x, k, upper: (x.shape, x.dtype), lambda g, y, x, k, upper: apply(_TRIANGLE, g, k=k, upper=upper))


def tril(x: Node, k: int = 0) -> Node:
    return apply(_TRIANGLE, x, k=k, upper=False)


def triu(x: Node, k: int = 0) -> Node:
    return apply(_TRIANGLE, x, k=k, upper=True)


def _diag(x: Array) -> Any:
    result = np.zeros((*x.shape, x.shape[-1]), x.dtype)
    position = np.arange(x.shape[-1])
    result[..., position, position] = x
    return result


_DIAG = define("matrix_diag", _diag, lambda x: (None if x.shape is None else (*x.shape, x.shape[-1]), x.dtype),
               lambda g, y, x: matrix_diag_part(g))


def _diag_part_infer(x: Node) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, x.dtype
    a, b = x.shape[-2:]
    return (*x.shape[:-2], None if a is None or b is None else min(a, b)), x.dtype


def _diag_back(g: Array, like: Array) -> Any:
    result = np.zeros(like.shape, g.dtype)
    position = np.arange(g.shape[-1])
    result[..., position, position] = g
    return result


_DIAG_PART = define("matrix_diag_part", lambda x: np.diagonal(x, axis1=-2, axis2=-1), _diag_part_infer,
                    lambda g, y, x: apply(_DIAG_BACK, g, x))
_DIAG_BACK: Primitive = define("matrix_diag_back", _diag_back, _like, lambda g, y, x, like: matrix_diag_part(g), None)


def matrix_diag(x: Node) -> Node:
    """Square matrices with the last axis of x on their diagonals."""
    return apply(_DIAG, x)


def matrix_diag_part(x: Node) -> Node:
    """The diagonals of the last two axes."""
    return apply(_DIAG_PART, x)


def _one_hot(x: Array, depth: int, on: Any, off: Any, axis: int, dtype: Any) -> Any:
    hot = x[..., None] == np.arange(depth)
    result = np.where(hot, dtype.type(on), dtype.type(off))
    return result if axis == -1 else np.moveaxis(result, -1, axis)


def _one_hot_infer(x: Node, depth: int, on: Any, off: Any, axis: int, dtype: Any) -> tuple[Shape, Any]:
    if x.shape is None:
        return None, dtype
    at = len(x.shape) if axis == -1 else axis
    return x.shape[:at] + (depth,) + x.shape[at:], dtype


_ONE_HOT = define("one_hot", _one_hot, _one_hot_infer, None)


def one_hot(x: Node, depth: int, on: Any = 1, off: Any = 0, axis: int = -1, dtype: Any = np.float32) -> Node:
    return apply(_ONE_HOT, x, depth=int(depth), on=on, off=off, axis=axis, dtype=np.dtype(dtype))


_RANGE = define("range", lambda start, limit, delta: np.arange(start, limit, delta, dtype=start.dtype),
                lambda start, limit, delta: (_range_shape(start, limit, delta), start.dtype), None, None, None)


def _range_shape(start: Node, limit: Node, delta: Node) -> Shape:
    values = [static_value(node) for node in (start, limit, delta)]
    return (None,) if any(v is None for v in values) else np.arange(*[v.item() for v in values if v is not None]).shape


def range_(start: Node, limit: Node, delta: Node) -> Node:
    return apply(_RANGE, start, limit, delta)


def shape_after_broadcast(*nodes: Node) -> Shape:
    return broadcast_shapes(*(node.shape for node in nodes))
