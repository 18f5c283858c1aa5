"""Making, shaping, cutting, joining and gathering tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import core, ops
from ..core import Node
from ..ops.shape import HOLE, static_value
from .dtypes import TensorShape, as_dtype, as_shape, numpy_dtype
from .graph import Tensor, convert, wrap, wrap_outputs
from .math import operands
from .variables import Variable


def placeholder(dtype: Any, shape: Any = None, name: Any = None) -> Tensor:
    return wrap(ops.state.placeholder(as_shape(shape), numpy_dtype(dtype)), name or "Placeholder", "Placeholder")


def placeholder_with_default(input: Any, shape: Any, name: Any = None) -> Tensor:
    given = convert(input)
    value = static_value(given.node)
    if value is None:
        raise NotImplementedError("tensorflow.placeholder_with_default of a computed default is not in mapper's runtime")
    return wrap(ops.state.placeholder(as_shape(shape), given.node.dtype, value), name or "PlaceholderWithDefault", "PlaceholderWithDefault")


def constant(value: Any, dtype: Any = None, shape: Any = None, name: Any = "Const", verify_shape: bool = False) -> Tensor:
    if isinstance(value, Tensor):
        return value
    from .graph import as_array

    array = as_array(value, dtype)
    if shape is not None:
        sizes = tuple(int(n or 0) for n in as_shape(shape) or ())
        if array.size == int(np.prod(sizes)):
            array = array.reshape(sizes)
        elif array.size == 1:
            array = np.full(sizes, array.reshape(-1)[0], array.dtype)
        elif array.size < int(np.prod(sizes)):
            flat = array.reshape(-1)
            array = np.concatenate([flat, np.full(int(np.prod(sizes)) - flat.size, flat[-1], flat.dtype)]).reshape(sizes)
        else:
            raise ValueError(f"Too many elements provided. Needed at most {int(np.prod(sizes))}, but received {array.size}")
    return wrap(core.constant(array), name or "Const", "Const")


def convert_to_tensor(value: Any, dtype: Any = None, name: Any = None, preferred_dtype: Any = None, dtype_hint: Any = None) -> Tensor:
    return convert(value, dtype, name, preferred_dtype or dtype_hint)


def _shape_node(shape: Any) -> tuple[tuple[int, ...] | None, Node | None]:
    """A shape argument: (static shape, None) or (None, the node that tells it)."""
    if isinstance(shape, (Tensor, Variable)):
        node = convert(shape).node
        value = static_value(node)
        return (tuple(int(n) for n in value.reshape(-1)), None) if value is not None else (None, node)
    if isinstance(shape, TensorShape):
        if not shape.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        return tuple(shape.as_list()), None                   # type: ignore[arg-type]
    if isinstance(shape, (int, np.integer)) or type(shape).__name__ == "Dimension":
        return (int(shape),), None
    items = list(shape)
    if any(isinstance(item, (Tensor, Variable)) for item in items):
        nodes = [ops.cast(convert(item).node, np.int32) for item in items]
        values = [static_value(node) for node in nodes]
        if all(value is not None for value in values):
            return tuple(int(value) for value in values if value is not None), None
        return None, ops.stack(nodes)
    if any(item is None or getattr(item, "value", 0) is None for item in items):
        raise TypeError("Cannot convert a shape with unknown dimensions to a Tensor.")
    return tuple(int(item) for item in items), None


def _filled(value: Any, shape: Any, dtype: Any, name: str) -> Tensor:
    static, node = _shape_node(shape)
    kind = numpy_dtype(dtype)
    if static is not None:
        return wrap(core.constant(np.full(static, value, kind)), name, "Const")
    assert node is not None
    return wrap(ops.broadcast_to(core.constant(np.asarray(value, kind)), node), name, "Fill")


def zeros(shape: Any, dtype: Any = "float32", name: Any = None) -> Tensor:
    return _filled(0, shape, dtype, name or "zeros")


def ones(shape: Any, dtype: Any = "float32", name: Any = None) -> Tensor:
    return _filled(1, shape, dtype, name or "ones")


def fill(dims: Any, value: Any, name: Any = None) -> Tensor:
    static, node = _shape_node(dims)
    target = node if node is not None else core.constant(np.array(static, np.int32))
    return wrap(ops.broadcast_to(convert(value).node, target), name or "Fill")


def zeros_like(tensor: Any, dtype: Any = None, name: Any = None, optimize: bool = True) -> Tensor:
    return wrap(ops.zeros_like(convert(tensor).node, None if dtype is None else numpy_dtype(dtype)), name or "zeros_like")


def ones_like(tensor: Any, dtype: Any = None, name: Any = None, optimize: bool = True) -> Tensor:
    return wrap(ops.ones_like(convert(tensor).node, None if dtype is None else numpy_dtype(dtype)), name or "ones_like")


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = "float32", name: Any = None) -> Tensor:
    rows = _size(num_rows)
    if not isinstance(rows, int):
        if num_columns is not None or batch_shape is not None:
            raise NotImplementedError("tensorflow.eye of other than square matrices whose size only a run can tell is not in mapper's runtime")
        return wrap(ops.matrix_diag(ops.broadcast_to(core.constant(np.ones((), numpy_dtype(dtype))), ops.stack([rows]))), name or "eye")
    value = np.eye(rows, rows if num_columns is None else _static_int(num_columns), dtype=numpy_dtype(dtype))
    if batch_shape is not None:
        value = np.broadcast_to(value, (*[int(n) for n in batch_shape], *value.shape))
    return wrap(core.constant(value), name or "eye")


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = "range") -> Tensor:
    if limit is None:
        start, limit = 0, start
    parts = [convert(v, dtype) if not isinstance(v, (Tensor, Variable)) else convert(v) for v in (start, limit, delta)]
    kind = max((p.node.dtype for p in parts), key=lambda d: (d.kind == "f", d.itemsize))
    return wrap(ops.range_(*(ops.cast(p.node, kind) for p in parts)), name or "range")


def linspace(start: Any, stop: Any, num: Any, name: Any = None, axis: int = 0) -> Tensor:
    a, b = operands("LinSpace", start, stop)
    count = _static_int(num)
    steps = core.constant(np.linspace(0, 1, count, dtype=a.dtype))
    return wrap(a + (b - a) * steps, name or "LinSpace")


def _size(value: Any) -> int | Node:
    """A size: a number, or the node that tells it in a run."""
    if isinstance(value, (Tensor, Variable)):
        node = convert(value).node
        known = static_value(node)
        return int(known) if known is not None else ops.cast(node, np.int32)
    return int(value)


def _static_int(value: Any) -> int:
    size = _size(value)
    if not isinstance(size, int):
        raise NotImplementedError("a size that only a run can tell is not in mapper's runtime here")
    return size


# ------------------------------------------------------------------------------------------------------------------- shapes

def shape(input: Any, name: Any = None, out_type: Any = "int32") -> Tensor:
    return wrap(ops.shape_of(convert(input).node, numpy_dtype(out_type)), name or "Shape")


def size(input: Any, name: Any = None, out_type: Any = "int32") -> Tensor:
    return wrap(ops.size_of(convert(input).node, numpy_dtype(out_type)), name or "Size")


def rank(input: Any, name: Any = None) -> Tensor:
    return wrap(ops.rank_of(convert(input).node), name or "Rank")


def reshape(tensor: Any, shape: Any, name: Any = None) -> Tensor:
    x = convert(tensor).node
    static, node = _shape_node(shape)
    if static is not None:
        return wrap(ops.reshape(x, static), name or "Reshape")
    assert node is not None
    return wrap(ops.reshape_to(x, node), name or "Reshape")


def expand_dims(input: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Tensor:
    return wrap(ops.expand_dims(convert(input).node, _static_int(axis if axis is not None else dim)), name or "ExpandDims")


def squeeze(input: Any, axis: Any = None, name: Any = None, squeeze_dims: Any = None) -> Tensor:
    chosen = axis if axis is not None else squeeze_dims
    if isinstance(chosen, (list, tuple)):
        chosen = tuple(int(a) for a in chosen) or None
    x = convert(input).node
    if chosen is not None and x.shape is not None:
        for a in (chosen,) if isinstance(chosen, int) else chosen:
            if x.shape[a] not in (1, None):
                raise ValueError(f"Can not squeeze dim[{a}], expected a dimension of 1, got {x.shape[a]}")
    return wrap(ops.squeeze(x, chosen), name or "Squeeze")


def transpose(a: Any, perm: Any = None, name: Any = "transpose", conjugate: bool = False) -> Tensor:
    x = convert(a).node
    order = None
    if perm is not None:
        known = static_value(convert(perm).node)
        if known is None:
            raise NotImplementedError("tensorflow.transpose by an order that only a run can tell is not in mapper's runtime")
        order = known.tolist()
    return wrap(ops.transpose(ops.conj(x) if conjugate else x, order), name or "transpose")


def matrix_transpose(a: Any, name: Any = "matrix_transpose", conjugate: bool = False) -> Tensor:
    return wrap(ops.turn(convert(a).node), name or "matrix_transpose")


def broadcast_to(input: Any, shape: Any, name: Any = None) -> Tensor:
    static, node = _shape_node(shape)
    return wrap(ops.broadcast_to(convert(input).node, node if node is not None else core.constant(np.array(static, np.int32))), name or "BroadcastTo")


def tile(input: Any, multiples: Any, name: Any = None) -> Tensor:
    static, node = _shape_node(multiples)
    x = convert(input).node
    return wrap(ops.tile(x, static) if static is not None else ops.tile_by(x, node), name or "Tile")  # type: ignore[arg-type]


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: Any = None, constant_values: Any = 0) -> Tensor:
    pairs = static_value(convert(paddings).node)
    if pairs is None:
        if mode.upper() != "CONSTANT" or not isinstance(constant_values, (int, float)) or constant_values != 0:
            raise NotImplementedError("tensorflow.pad by amounts that only a run can tell, with other than zeros, is not in mapper's runtime")
        return wrap(ops.pad_by(convert(tensor).node, convert(paddings).node), name or "Pad")
    return wrap(ops.pad(convert(tensor).node, pairs.tolist(), mode.upper(), constant_values), name or "Pad")


def reverse(tensor: Any, axis: Any, name: Any = None) -> Tensor:
    return wrap(ops.reverse(convert(tensor).node, tuple(int(a) for a in np.atleast_1d(axis))), name or "ReverseV2")


def reverse_sequence(input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: Any = None, seq_dim: Any = None,
                     batch_dim: Any = None) -> Tensor:
    axis, batch = seq_axis if seq_axis is not None else seq_dim, batch_axis if batch_axis is not None else batch_dim
    return wrap(ops.reverse_sequence(convert(input).node, _ints(seq_lengths), int(axis), int(batch or 0)), name or "ReverseSequence")


def roll(input: Any, shift: Any, axis: Any, name: Any = None) -> Tensor:
    return wrap(ops.roll(convert(input).node, shift, axis), name or "Roll")


# -------------------------------------------------------------------------------------------------------- joining and cutting

def _alike(values: Any) -> list[Node]:
    known = next((v for v in values if isinstance(v, (Tensor, Variable))), None)
    kind = convert(known).dtype if known is not None else None
    return [(convert(v) if isinstance(v, (Tensor, Variable)) else convert(v, kind)).node for v in values]


def concat(values: Any, axis: Any, name: Any = "concat") -> Tensor:
    if isinstance(values, (Tensor, Variable)):
        values = [values]
    if isinstance(axis, (list, tuple)) and not isinstance(values, (list, tuple)):
        raise TypeError("Expected int32, got list containing Tensors of type '_Message' instead.")
    nodes = _alike(list(values))
    if len({n.dtype for n in nodes}) > 1:
        raise TypeError(f"Tensors in list passed to 'values' of 'ConcatV2' Op have types [{', '.join(as_dtype(n.dtype).name for n in nodes)}] "
                        "that don't all match.")
    return wrap(ops.concat(nodes, _static_int(axis)) if len(nodes) > 1 else ops.identity(nodes[0]), name or "concat", "ConcatV2")


def stack(values: Any, axis: int = 0, name: Any = "stack") -> Tensor:
    return wrap(ops.stack(_alike(list(values)), axis), name or "stack", "Pack")


def unstack(value: Any, num: Any = None, axis: int = 0, name: Any = "unstack") -> list[Tensor]:
    x = convert(value).node
    count = num if num is not None else (None if x.shape is None else x.shape[axis])
    if count is None:
        raise ValueError(f"Cannot infer argument `num` from shape {TensorShape(x.shape)}")
    return wrap_outputs(ops.unstack(x, int(count), axis), name or "unstack", "Unpack")


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: Any = "split") -> list[Tensor]:
    x, at = convert(value).node, _static_int(axis)
    sizes = num_or_size_splits
    if isinstance(sizes, (int, np.integer)) or type(sizes).__name__ == "Dimension":
        count = int(sizes)
        total = None if x.shape is None else x.shape[at]
        if total is not None and total % count:
            raise ValueError(f"Dimension size must be evenly divisible by {count} but is {total}")
        pieces: Sequence[int] = [-1 if total is None else total // count] * count
    else:
        pieces = [_static_int(n) for n in sizes]
        if -1 in pieces and x.shape is not None and x.shape[at] is not None:
            pieces = [x.shape[at] - sum(n for n in pieces if n >= 0) if n < 0 else n for n in pieces]  # type: ignore[operator]
    return wrap_outputs(ops.split(x, pieces, at), name or "split", "Split")


def slice_(input_: Any, begin: Any, size: Any, name: Any = None) -> Tensor:
    x = convert(input_)
    starts: list[Any] = [convert(b) if isinstance(b, Tensor) else int(b) for b in (_listed(begin))]
    sizes: list[Any] = [convert(s) if isinstance(s, Tensor) else int(s) for s in (_listed(size))]
    key = tuple(slice(b, None if isinstance(s, int) and s == -1 else b + s) for b, s in zip(starts, sizes, strict=True))
    result = getitem(x, key, name or "Slice")
    result.set_shape([s if isinstance(s, int) and s >= 0 else None for s in sizes])
    return result


def _listed(value: Any) -> Any:
    if isinstance(value, (Tensor, Variable)):
        node = convert(value).node
        known = static_value(node)
        return [int(v) for v in known] if known is not None else unstack(value)
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, name: Any = None, **masks: Any) -> Tensor:
    if any(masks.values()):
        raise NotImplementedError("tensorflow.strided_slice with masks is not in mapper's runtime")
    steps = strides if strides is not None else [1] * len(begin)
    return getitem(convert(input_), tuple(slice(int(b), int(e), int(s)) for b, e, s in zip(begin, end, steps, strict=True)), name)


def getitem(self: Any, key: Any, name: Any = None) -> Tensor:
    """x[key] for ints, slices, None, Ellipsis, and tensors in their places."""
    x = convert(self).node
    items = key if isinstance(key, tuple) else (key,)
    arrays: list[Node] = []

    def part(item: Any) -> Any:
        if isinstance(item, (Tensor, Variable)):
            node = convert(item).node
            known = static_value(node)
            if known is not None and known.ndim == 0:
                return int(known)
            arrays.append(node)
            return HOLE
        if isinstance(item, slice):
            return slice(*(part(v) if v is not None else None for v in (item.start, item.stop, item.step)))
        if item is None or item is Ellipsis:
            return item
        if isinstance(item, (np.ndarray, list)):
            raise TypeError(f"Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid "
                            f"indices, got {item!r}")
        return int(item)

    index = tuple(part(item) for item in items)
    if len(arrays) == 1 and index == (HOLE,) and arrays[0].dtype.kind == "b":
        return wrap(ops.boolean_mask(x, arrays[0]), name or "boolean_mask")
    return wrap(ops.getitem(x, index, arrays), name or "strided_slice", "StridedSlice")


Tensor.__getitem__ = getitem
Variable.__getitem__ = getitem


def boolean_mask(tensor: Any, mask: Any, name: Any = "boolean_mask", axis: Any = None) -> Tensor:
    return wrap(ops.boolean_mask(convert(tensor).node, convert(mask, "bool").node), name or "boolean_mask")


# ----------------------------------------------------------------------------------------------------- gathering, scattering

def _ints(value: Any) -> Node:
    node = convert(value).node
    return node


def gather(params: Any, indices: Any, validate_indices: Any = None, name: Any = None, axis: Any = None, batch_dims: int = 0) -> Tensor:
    at = _static_int(axis) if axis is not None else batch_dims
    return wrap(ops.gather(convert(params).node, _ints(indices), at, batch_dims), name or "GatherV2")


def embedding_lookup(params: Any, ids: Any, partition_strategy: Any = "mod", name: Any = None, validate_indices: bool = True, max_norm: Any = None) -> Tensor:
    table = params[0] if isinstance(params, (list, tuple)) else params
    return wrap(ops.gather(convert(table).node, _ints(ids)), name or "embedding_lookup")


def gather_nd(params: Any, indices: Any, name: Any = None, batch_dims: int = 0) -> Tensor:
    return wrap(ops.gather_nd(convert(params).node, _ints(indices)), name or "GatherNd")


def batch_gather(params: Any, indices: Any, name: Any = None) -> Tensor:
    rank_of_indices = len(convert(indices).node.shape or ())
    return wrap(ops.gather(convert(params).node, _ints(indices), rank_of_indices - 1, rank_of_indices - 1), name or "batch_gather")


def scatter_nd(indices: Any, updates: Any, shape: Any, name: Any = None) -> Tensor:
    static, told = _shape_node(shape)
    if static is None:
        assert told is not None
        values = convert(updates).node
        empty = ops.broadcast_to(core.constant(np.zeros((), values.dtype)), told)
        return wrap(ops.scatter_into(empty, _ints(indices), values, "add"), name or "ScatterNd")
    return wrap(ops.scatter_nd(_ints(indices), convert(updates).node, static), name or "ScatterNd")


def tensor_scatter(how: str) -> Any:
    def op(tensor: Any, indices: Any, updates: Any, name: Any = None) -> Tensor:
        x = convert(tensor)
        return wrap(ops.scatter_into(x.node, _ints(indices), convert(updates, x.dtype).node, how), name or f"TensorScatter{how.title()}")

    return op


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None, name: Any = None) -> Tensor:
    kind = numpy_dtype(dtype) if dtype is not None else np.dtype(np.float32)
    on, off = (default if v is None else v for v, default in ((on_value, 1), (off_value, 0)))
    count = _size(depth)
    if not isinstance(count, int):
        if axis not in (None, -1):
            raise NotImplementedError("tensorflow.one_hot of a depth that only a run can tell, along another axis than the last, is not in mapper's runtime")
        places = ops.range_(core.constant(np.int32(0)), count, core.constant(np.int32(1)))
        hot = ops.equal(ops.expand_dims(ops.cast(_ints(indices), np.int32), -1), places)
        return wrap(ops.where(hot, core.constant(np.asarray(on, kind)), core.constant(np.asarray(off, kind))), name or "one_hot")
    return wrap(ops.one_hot(_ints(indices), count, on, off, -1 if axis is None else int(axis), kind), name or "one_hot")


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: Any = None) -> Tensor:
    return wrap(ops.matrix_band_part(convert(input).node, _static_int(num_lower), _static_int(num_upper)), name or "MatrixBandPart")


def diag(diagonal: Any, name: Any = None, **ignored: Any) -> Tensor:
    return wrap(ops.matrix_diag(convert(diagonal).node), name or "Diag")


def diag_part(input: Any, name: Any = None, **ignored: Any) -> Tensor:
    return wrap(ops.matrix_diag_part(convert(input).node), name or "DiagPart")


def segment(name: str, function: Any, counted: bool) -> Any:
    def op(data: Any, segment_ids: Any, num_segments: Any = None, name: Any = None) -> Tensor:
        count = None if num_segments is None else _size(num_segments)
        if isinstance(count, Node):
            if function is not ops.segment_sum:
                raise NotImplementedError(f"tensorflow {kind} into a number of rows that only a run can tell is not in mapper's runtime")
            return wrap(_sum_rows(convert(data).node, _ints(segment_ids), count), name or kind)
        return wrap(function(convert(data).node, _ints(segment_ids), count), name or kind)

    kind = name
    return op


def _sum_rows(data: Node, ids: Node, count: Node) -> Node:
    """Sums of rows with the same id into `count` rows; a negative id drops its row."""
    rank = len(ids.shape or ())
    lengths = ops.shape_of(data)
    rest = [ops.take_index(lengths, axis, 0) for axis in builtin_range(rank, len(data.shape or ()))]
    empty = ops.broadcast_to(core.constant(np.zeros((), data.dtype)), ops.stack([count, *rest]))
    return core.apply(ops.PRIMITIVES["gather_back"], data, empty, ids, axis=0, batch_dims=0, mode="zero")


def dynamic_partition(data: Any, partitions: Any, num_partitions: Any, name: Any = None) -> list[Tensor]:
    x, ids = convert(data).node, _ints(partitions)
    parts = [ops.boolean_mask(x, ops.equal(ids, core.constant(np.asarray(i, ids.dtype)))) for i in builtin_range(int(num_partitions))]
    return wrap_outputs(parts, name or "DynamicPartition")


def dynamic_stitch(indices: Any, data: Any, name: Any = None) -> Tensor:
    """Rows of the data at their indices; a later piece wins over an earlier one."""
    nodes = [(_ints(i), convert(d).node) for i, d in zip(indices, data, strict=True)]
    places = ops.concat([ops.reshape(i, (-1,)) for i, _ in nodes], 0)
    rows = ops.concat([ops.indexing.as_rows(core.IndexedSlices(d, i, d)) for i, d in nodes], 0)
    known = static_value(places)
    top = core.constant(np.int32(known.max() + 1)) if known is not None else ops.cast(ops.reduce_max(places), np.int32) + 1
    size = ops.concat([ops.stack([top]), ops.getitem(ops.shape_of(rows), (slice(1, None),))], 0)
    empty = ops.broadcast_to(core.constant(np.zeros((), rows.dtype)), size)
    return wrap(ops.scatter_into(empty, ops.expand_dims(places, -1), rows, "update"), name or "DynamicStitch")


def ensure_shape(x: Any, shape: Any, name: Any = None) -> Tensor:
    """x, whose shape must be compatible with `shape`: now as far as it is known, and when it runs."""
    from .graph import InvalidArgumentError

    wanted = TensorShape(shape)
    given = convert(x)
    if not given.shape.is_compatible_with(wanted):
        raise ValueError(f"Shapes must be equal: {given.shape} and {wanted}")

    def check(value: Any) -> Any:
        if not wanted.is_compatible_with(value.shape):
            raise InvalidArgumentError(f"Shape of tensor {given.op.name} {list(value.shape)} is not compatible with expected shape {wanted}.")
        return np.bool_(True)

    tested = ops.control.python(check, [given.node], [((), np.dtype(bool))])[0]
    node = ops.identity(given.node)
    node.shape = given.shape.merge_with(wanted)._shape
    node.control = (tested,)
    return wrap(node, name or "EnsureShape")


def extract_image_patches(images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None, name: Any = None,
                          sizes: Any = None) -> Tensor:
    """Patches laid out along the channels, rows of the patch first: a convolution with a kernel of ones and zeros."""
    x = convert(images).node
    _, height, width, _ = ksizes if ksizes is not None else sizes
    channels = int((x.shape or (None,))[-1])                  # type: ignore[arg-type]
    depth = height * width * channels
    kernel = core.constant(np.eye(depth, dtype=x.dtype).reshape(height, width, channels, depth))
    return wrap(ops.conv2d(x, kernel, tuple(strides[1:3]), padding, tuple(rates[1:3])), name or "ExtractImagePatches")


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: Any = None) -> Any:
    from collections import namedtuple

    TopKV2 = namedtuple("TopKV2", ["values", "indices"])  # noqa: N806
    return TopKV2(*wrap_outputs(list(ops.top_k(convert(input).node, _static_int(k))), name or "TopKV2"))


def in_top_k(predictions: Any, targets: Any, k: Any, name: Any = None) -> Tensor:
    return wrap(ops.in_top_k(convert(predictions).node, _ints(targets), _static_int(k)), name or "InTopK")


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: Any = None) -> Tensor:
    return wrap(ops.sort(convert(values).node, axis, direction == "DESCENDING"), name or "sort")


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.argsort(convert(values).node, axis, direction == "DESCENDING"), name or "argsort")


def unique(x: Any, out_idx: Any = "int32", name: Any = None) -> Any:
    from collections import namedtuple

    Unique = namedtuple("Unique", ["y", "idx"])  # noqa: N806
    return Unique(*wrap_outputs(list(ops.unique(convert(x).node)), name or "Unique"))


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: Any = None) -> Tensor:
    longest = None if maxlen is None else _size(maxlen)
    if isinstance(longest, Node):
        steps = ops.range_(*(core.constant(np.asarray(n, np.int32)) if isinstance(n, int) else n for n in (0, longest, 1)))
        mask = ops.less(steps, ops.cast(ops.expand_dims(_ints(lengths), -1), np.int32))
    else:
        mask = ops.sequence_mask(_ints(lengths), longest)
    return wrap(ops.cast(mask, numpy_dtype(dtype)), name or "SequenceMask")


def invert_permutation(x: Any, name: Any = None) -> Tensor:
    return wrap(ops.invert_permutation(convert(x).node), name or "InvertPermutation")


def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    nodes = [convert(a).node for a in args]
    indexing = kwargs.get("indexing", "xy")
    count = len(nodes)
    places = list(builtin_range(count))
    if indexing == "xy" and count > 1:
        places[0], places[1] = 1, 0
    shaped = [ops.reshape(n, [-1 if i == places[k] else 1 for i in builtin_range(count)]) for k, n in enumerate(nodes)]
    total = shaped[0]
    for other in shaped[1:]:
        total = total + ops.zeros_like(other, total.dtype)
    return [wrap(ops.broadcast_like(s, total), "meshgrid") for s in shaped]


def builtin_range(*limits: int) -> Any:
    import builtins

    return builtins.range(*limits)


