"""Creating, shaping, joining and cutting tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import core
from ... import ops as engine
from ...core import Node, leaf
from .. import dtypes
from ..operands import INT64, is_number, node_of, number_node, promoted
from ..tensor import Tensor, array_of, wrap
from .primitive import REQUIRED, primitive, primitives


def ints(value: Any) -> tuple[int, ...]:
    """A shape-like argument (int, tuple, list, tensor, array, entries may be tensors) as a tuple of ints."""
    if isinstance(value, Tensor):
        value = value.node.value.tolist()
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(int(n) for n in value) if isinstance(value, (tuple, list)) else (int(value),)


# --------------------------------------------------------------------------------------------------------------- creation

def _filled(shape: Any, value: Any, dtype: Any) -> Tensor:
    return wrap(leaf(np.full(ints(shape), value, dtype)))


def zeros(size: Any, dtype: Any = None) -> Tensor:
    return _filled(size, 0, dtypes.as_numpy(dtype or dtypes.float32))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    return _filled(shape, 1, dtypes.as_numpy(dtype or dtypes.float32))


def _scalar(value: Any) -> Any:
    return value.node.value.item() if isinstance(value, Tensor) else value


def fill(type: Any, shape: Any, value: Any) -> Tensor:
    return _filled(shape, _scalar(value), dtypes.as_numpy(type))


def full(size: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    """A filled tensor; without dtype the value is truncated to int64, as the original's is."""
    return _filled(size, _scalar(fill_value), INT64 if dtype is None else dtypes.as_numpy(dtype))


def fill_v2(shape: Any, value: Any) -> Tensor:
    node = value.node if isinstance(value, Tensor) else number_node(value)
    return broadcast_to(wrap(node), shape)


def zeros_like(input: Any, *, dtype: Any = None) -> Tensor:
    node = node_of(input, "zeros_like")
    return wrap(leaf(np.zeros(node.value.shape, node.dtype if dtype is None else dtypes.as_numpy(dtype))))


def ones_like(input: Any, *, dtype: Any = None) -> Tensor:
    node = node_of(input, "ones_like")
    return wrap(leaf(np.ones(node.value.shape, node.dtype if dtype is None else dtypes.as_numpy(dtype))))


def full_like(input: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    node = node_of(input, "full_like")
    return wrap(leaf(np.full(node.value.shape, fill_value, node.dtype if dtype is None else dtypes.as_numpy(dtype))))


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """start, start + step, … below end; int64 for integers, float32 with a float among them."""
    bounds = [_scalar(v) for v in ((0, start) if end is None else (start, end))] + [_scalar(step)]
    if dtype is not None:
        kind = dtypes.as_numpy(dtype)
    else:
        given = [v.node.dtype for v in (start, end, step) if isinstance(v, Tensor)]
        floats = [np.dtype(np.float32)] if any(isinstance(v, float) for v in bounds) else [INT64]
        kind = given[0] if given else floats[0]
    return wrap(leaf(np.arange(*bounds).astype(kind)))


def range_(start: Any, end: Any = None, step: Any = 1, maxlen: int = 1000000) -> Tensor:
    return arange(start, end, step)


def eye(n: Any, m: Any = None, dtype: Any = None) -> Tensor:
    return wrap(leaf(np.eye(int(n), None if m is None else int(m), dtype=dtypes.as_numpy(dtype or dtypes.float32))))


def scalar_to_tensor(input_x: Any, dtype: Any = dtypes.float32) -> Tensor:
    return Tensor(input_x, dtypes.as_dtype(dtype))


def tuple_to_array(input_x: Any) -> Tensor:
    return wrap(leaf(np.array([_scalar(v) for v in input_x], np.float32 if isinstance(input_x[0], float) else np.int32)))


def logspace(start: Any, end: Any, steps: int, base: Any = 10, *, dtype: Any = dtypes.float32) -> Tensor:
    return wrap(leaf(np.logspace(_scalar(start), _scalar(end), steps, base=base).astype(dtypes.as_numpy(dtype))))


# ------------------------------------------------------------------------------------------------------------ description

def shape(input_x: Any) -> tuple[int, ...]:
    return node_of(input_x, "Shape").value.shape  # type: ignore[no-any-return]


def tensor_shape(input_x: Any) -> Tensor:
    return wrap(leaf(np.array(node_of(input_x, "TensorShape").value.shape, np.int64)))


def size(input_x: Any) -> int:
    return node_of(input_x, "Size").value.size  # type: ignore[no-any-return]


def rank(input_x: Any) -> int:
    return node_of(input_x, "Rank").value.ndim  # type: ignore[no-any-return]


def dtype(input_x: Any) -> Any:
    node_of(input_x, "DType")
    return input_x.dtype


# ---------------------------------------------------------------------------------------------------------------- shaping

def reshape(input: Any, shape: Any) -> Tensor:
    return wrap(engine.reshape(node_of(input, "Reshape"), ints(shape)))


def expand_dims(input_x: Any, axis: Any) -> Tensor:
    node = node_of(input_x, "ExpandDims")
    axis = int(axis)
    if not -node.value.ndim - 1 <= axis <= node.value.ndim:
        raise ValueError(f"For 'ExpandDims', the axis must be in the range [{-node.value.ndim - 1}, {node.value.ndim}], but got {axis}")
    return wrap(engine.expand_dims(node, axis))


def squeeze(input: Any, axis: Any = None) -> Tensor:
    """x without its axes of size 1, or without those named; a named axis of another size stays."""
    node = node_of(input, "Squeeze")
    if axis is None or axis == ():
        return wrap(engine.squeeze(node))
    axes = [a % node.value.ndim for a in ints(axis)] if node.value.ndim else []
    return wrap(engine.squeeze(node, tuple(a for a in axes if node.value.shape[a] == 1)))


def transpose(input: Any, dims: Any) -> Tensor:
    node = node_of(input, "Transpose")
    perm = ints(dims)
    if len(perm) != node.value.ndim:
        raise ValueError("For 'Transpose', the size of 'perm' should equal the rank of the input, but got "
                         f"{len(perm)} and {node.value.ndim}.")
    return wrap(engine.transpose(node, tuple(p % len(perm) for p in perm)))


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    order = list(range(input.ndim))
    order[axis0], order[axis1] = order[axis1], order[axis0]
    return transpose(input, tuple(order))


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    return transpose(x, _moved(x.ndim, ints(source), ints(destination)))


def _moved(ndim: int, source: Sequence[int], destination: Sequence[int]) -> tuple[int, ...]:
    source, destination = [s % ndim for s in source], [d % ndim for d in destination]
    order = [i for i in range(ndim) if i not in source]
    for d, s in sorted(zip(destination, source, strict=True)):
        order.insert(d, s)
    return tuple(order)


def flatten(input: Any, order: str = "C", *, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim … end_dim as one; by default all but the first."""
    dims = node_of(input, "flatten").value.shape
    if not dims:
        return reshape(input, (1,))
    first, last = start_dim % len(dims) if start_dim < 0 else start_dim, end_dim % len(dims)
    if first > last:
        return reshape(input, (*dims, 1) if len(dims) == 1 else dims)
    return reshape(input, (*dims[:first], int(np.prod(dims[first:last + 1])), *dims[last + 1:]))


def _flatten_primitive(input_x: Any) -> Tensor:
    dims = node_of(input_x, "Flatten").value.shape
    return reshape(input_x, (dims[0] if dims else 1, int(np.prod(dims[1:]))))


def ravel(input: Any) -> Tensor:
    return reshape(input, (-1,))


def broadcast_to(input: Any, shape: Any) -> Tensor:
    node = node_of(input, "BroadcastTo")
    wanted = ints(shape)
    have = (1,) * (len(wanted) - node.value.ndim) + node.value.shape
    full = tuple(h if w == -1 else w for w, h in zip(wanted, have, strict=True))
    return wrap(engine.broadcast_to(node, leaf(np.array(full, np.int64))))


def expand_as(input: Any, other: Any) -> Tensor:
    return broadcast_to(input, other.shape)


def tile(input: Any, dims: Any) -> Tensor:
    node = node_of(input, "Tile")
    multiples = ints(dims)
    return wrap(engine.tile(node, (1,) * (node.value.ndim - len(multiples)) + multiples))


def repeat_interleave(input: Any, repeats: Any, axis: Any = None) -> Tensor:
    node = node_of(input, "repeat_interleave")
    if axis is None:
        node, axis = engine.reshape(node, (-1,)), 0
    counts = repeats.node.value if isinstance(repeats, Tensor) else repeats
    return wrap(engine.gather(node, leaf(np.repeat(np.arange(node.value.shape[axis]), counts)), axis, mode="wrap"))


def repeat_elements(x: Any, rep: int, axis: int = 0) -> Tensor:
    return repeat_interleave(x, rep, axis)


def flip(input: Any, dims: Any) -> Tensor:
    return wrap(engine.reverse(node_of(input, "flip"), ints(dims)))


def deepcopy(input_x: Any) -> Tensor:
    """The same value in memory of its own."""
    node = node_of(input_x, "deepcopy")
    return wrap(engine.identity(node) if core.is_recording() else leaf(node.value.copy()))


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last axis on their diagonals."""
    node = node_of(input, "diag_embed")
    if offset or (dim1, dim2) != (-2, -1):
        raise NotImplementedError("mindspore.ops.diag_embed with offset or dims is not in mapper's runtime")
    return wrap(engine.matrix_diag(node))


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Blocks of [n, c, h, w] as columns: [n, c * kh * kw, blocks]."""
    n, c, h, w = input.shape
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (ints(v) * (2 if len(ints(v)) == 1 else 1) for v in (kernel_size, dilation, padding, stride))
    grown = engine.pad(node_of(input, "unfold"), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    rows = np.arange(kh)[:, None] * dh + np.arange((h + 2 * ph - dh * (kh - 1) - 1) // sh + 1) * sh
    columns = np.arange(kw)[:, None] * dw + np.arange((w + 2 * pw - dw * (kw - 1) - 1) // sw + 1) * sw
    picked = engine.getitem(grown, (slice(None), slice(None), engine.HOLE, engine.HOLE),
                            (leaf(rows[:, None, :, None]), leaf(columns[None, :, None, :])))
    return wrap(engine.reshape(picked, (n, c * kh * kw, -1)))


def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    node = node_of(input, "roll")
    if dims is None:
        return wrap(engine.reshape_like(engine.roll(engine.reshape(node, (-1,)), int(shifts), 0), node))
    single = isinstance(shifts, int) and isinstance(dims, int)
    return wrap(engine.roll(node, shifts if single else ints(shifts), dims if single else ints(dims)))


# -------------------------------------------------------------------------------------------------------- joining, cutting

def _nodes(tensors: Any, name: str) -> list[Node]:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"For '{name}', the input should be a list or tuple of tensors, but got {type(tensors).__name__}.")
    return [node_of(t, name) for t in tensors]


def concat(tensors: Any, axis: Any = 0) -> Tensor:
    nodes = _nodes(tensors, "Concat")
    common = nodes[0].dtype
    for node in nodes[1:]:
        common = common if node.dtype == common else promoted(common, node.dtype)
    return wrap(engine.concat([engine.cast_through(node, common) for node in nodes], int(axis)))


def stack(tensors: Any, axis: Any = 0) -> Tensor:
    if isinstance(tensors, Tensor):
        tensors = tuple(tensors)
    nodes = _nodes(tensors, "Stack")
    if any(node.dtype != nodes[0].dtype for node in nodes):
        raise TypeError("All input must have the same data type!input[1] data type")
    return wrap(engine.stack(nodes, int(axis)))


def hstack(tensors: Any) -> Tensor:
    return concat([t if t.ndim else reshape(t, (1,)) for t in tensors], 0 if tensors[0].ndim < 2 else 1)


def vstack(inputs: Any) -> Tensor:
    return concat([t if t.ndim > 1 else reshape(t, (1, -1)) for t in inputs], 0)


def unstack(input_x: Any, axis: int = 0, num: Any = None) -> tuple[Tensor, ...]:
    node = node_of(input_x, "Unstack")
    return tuple(wrap(n) for n in engine.unstack(node, node.value.shape[axis], axis))


def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    return unstack(input, dim)


def split(tensor: Any, split_size_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a size (the last may be smaller), or of the given sizes."""
    node = node_of(tensor, "split")
    total = node.value.shape[axis]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        sizes = [min(step, total - i) for i in range(0, total, step)]
    else:
        sizes = list(split_size_or_sections)
    return tuple(wrap(n) for n in engine.split(node, sizes, axis))


def _split_primitive(input_x: Any, axis: int = 0, output_num: int = 1) -> tuple[Tensor, ...]:
    length = node_of(input_x, "Split").value.shape[axis]
    if length % output_num:
        raise ValueError(f"For 'Split', the length of the axis ({length}) must be divisible by 'output_num' ({output_num}).")
    return split(input_x, length // output_num, axis)


def chunk(input: Any, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
    return split(input, -(-input.shape[axis] // chunks), axis)


def tensor_split(input: Any, indices_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    edges = [len(part) for part in np.array_split(np.arange(input.shape[axis]), indices_or_sections)]
    return split(input, edges, axis)


def slice_(input_x: Any, begin: Any, size: Any) -> Tensor:
    """A block from `begin` of the given sizes; -1 means to the end."""
    node = node_of(input_x, "Slice")
    start, count = ints(begin), ints(size)
    index = tuple(slice(b, None if n == -1 else b + n) for b, n in zip(start, count, strict=True))
    return wrap(engine.getitem(node, index))


def strided_slice(input_x: Any, begin: Any, end: Any, strides: Any, begin_mask: int = 0, end_mask: int = 0,
                  ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0) -> Tensor:
    index: list[Any] = []
    for i, (b, e, s) in enumerate(zip(ints(begin), ints(end), ints(strides), strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(b)
        else:
            index.append(slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return wrap(engine.getitem(node_of(input_x, "StridedSlice"), tuple(index)))


def narrow(input: Any, axis: int, start: int, length: int) -> Tensor:
    return wrap(engine.getitem(node_of(input, "narrow"), (slice(None),) * (axis % input.ndim) + (slice(start, start + length),)))


# ---------------------------------------------------------------------------------------------------------------- padding

_MODES = {"constant": "CONSTANT", "reflect": "REFLECT", "symmetric": "SYMMETRIC"}


def pad(input_x: Any, padding: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """Pads from the last axis backwards: [left, right, top, bottom, …]."""
    node = node_of(input_x, "pad")
    flat = ints(padding)
    pairs = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]
    full = [(0, 0)] * (node.value.ndim - len(pairs)) + pairs[::-1]
    if mode == "replicate" or mode == "circular":
        return _pad_by_index(node, full, "edge" if mode == "replicate" else "wrap")
    cut = [(min(a, 0), min(b, 0)) for a, b in full]
    grown = engine.pad(node, [(max(a, 0), max(b, 0)) for a, b in full], _MODES[mode], 0 if value is None else _scalar(value))
    if all(c == (0, 0) for c in cut):
        return wrap(grown)
    return wrap(engine.getitem(grown, tuple(slice(-a, b if b else None) for a, b in cut)))


def _pad_by_index(node: Node, pairs: Any, mode: Any) -> Tensor:
    for axis, pair in enumerate(pairs):
        if pair != (0, 0):
            positions = np.pad(np.arange(node.value.shape[axis]), pair, mode=mode)
            node = engine.gather(node, leaf(positions), axis, mode="wrap")
    return wrap(node)


def _pad_primitive(input_x: Any, paddings: Any) -> Tensor:
    return wrap(engine.pad(node_of(input_x, "Pad"), [tuple(p) for p in paddings]))


def mirror_pad(input_x: Any, paddings: Any, mode: str) -> Tensor:
    pairs = paddings.node.value.tolist() if isinstance(paddings, Tensor) else paddings
    return wrap(engine.pad(node_of(input_x, "MirrorPad"), pairs, mode.upper()))


# --------------------------------------------------------------------------------------------------- diagonals, triangles

def diag(input: Any) -> Tensor:
    node = node_of(input, "diag")
    return wrap(engine.matrix_diag(node) if node.value.ndim == 1 else engine.matrix_diag_part(node))


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    node = node_of(input, "diagonal")
    n, m = node.value.shape[dim1], node.value.shape[dim2]
    rows, columns = (np.arange(0, min(n, m - offset)), np.arange(offset, offset + min(n, m - offset))) if offset >= 0 else (
        np.arange(-offset, -offset + min(n + offset, m)), np.arange(0, min(n + offset, m)))
    last = engine.transpose(node, _moved(node.value.ndim, (dim1, dim2), (-2, -1)))
    return wrap(engine.getitem(last, (Ellipsis, engine.HOLE, engine.HOLE), (leaf(rows), leaf(columns))))


def tril(input: Any, diagonal: int = 0) -> Tensor:
    return wrap(engine.tril(node_of(input, "tril"), diagonal))


def triu(input: Any, diagonal: int = 0) -> Tensor:
    return wrap(engine.triu(node_of(input, "triu"), diagonal))


def matrix_band_part(x: Any, lower: Any, upper: Any) -> Tensor:
    return wrap(engine.matrix_band_part(node_of(x, "matrix_band_part"), int(_scalar(lower)), int(_scalar(upper))))


def meshgrid(*inputs: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinate grids of vectors, differentiable in the vectors."""
    vectors = inputs[0] if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)) else inputs
    count = len(vectors)
    sizes = [v.shape[0] for v in vectors]
    grid = list(range(count))
    if indexing == "xy" and count > 1:
        grid[0], grid[1] = 1, 0
    full = [0] * count
    for i, position in enumerate(grid):
        full[position] = sizes[i]
    return tuple(broadcast_to(reshape(v, [sizes[i] if p == grid[i] else 1 for p in range(count)]), full)
                 for i, v in enumerate(vectors))


def one_hot(indices: Any, depth: Any, on_value: Any = 1, off_value: Any = 0, axis: int = -1) -> Tensor:
    """Rows with on_value at the index; the dtype is that of the values (int64 for Python ints)."""
    on = on_value.node.value if isinstance(on_value, Tensor) else array_of(on_value)
    off = off_value.node.value if isinstance(off_value, Tensor) else array_of(off_value)
    node = node_of(indices, "OneHot")
    return wrap(engine.one_hot(node, int(_scalar(depth)), on.item(), off.item(), axis, on.dtype))


def as_array_argument(value: Any) -> Tensor:
    """A tensor from a tensor, a number or a list."""
    return value if isinstance(value, Tensor) else wrap(number_node(value)) if is_number(value) else Tensor(value)


P = primitives({
    "Zeros": zeros, "Ones": ones, "Fill": fill, "FillV2": fill_v2, "Fills": lambda x, value: full_like(x, _scalar(value)),
    "ZerosLike": zeros_like, "OnesLike": ones_like, "Range": range_, "Eye": eye, "Shape": shape, "TensorShape": tensor_shape,
    "DynamicShape": tensor_shape, "Size": size, "Rank": rank, "DType": dtype, "Reshape": reshape, "ExpandDims": expand_dims, "Transpose": transpose,
    "Flatten": _flatten_primitive, "Tile": tile, "Slice": slice_, "ScalarToTensor": scalar_to_tensor, "TupleToArray": tuple_to_array,
    "Diag": diag, "DiagPart": diag, "MatrixBandPart": matrix_band_part, "Tril": tril, "Triu": triu,
})
P |= {
    "Squeeze": primitive("Squeeze", squeeze, axis=()),
    "Concat": primitive("Concat", concat, axis=0),
    "Stack": primitive("Stack", stack, axis=0),
    "Pack": primitive("Pack", stack, axis=0),
    "Unstack": primitive("Unstack", unstack, axis=0, num=None),
    "Unpack": primitive("Unpack", unstack, axis=0, num=None),
    "Split": primitive("Split", _split_primitive, axis=0, output_num=1),
    "BroadcastTo": primitive("BroadcastTo", broadcast_to, shape=REQUIRED),
    "ReverseV2": primitive("ReverseV2", lambda x, axis: flip(x, axis), axis=REQUIRED),
    "Roll": primitive("Roll", lambda x, shift, axis: roll(x, shift, axis), shift=REQUIRED, axis=REQUIRED),
    "Pad": primitive("Pad", _pad_primitive, paddings=REQUIRED),
    "MirrorPad": primitive("MirrorPad", mirror_pad, mode="REFLECT"),
    "Meshgrid": primitive("Meshgrid", lambda inputs, indexing: meshgrid(*inputs, indexing=indexing), indexing="xy"),
    "OneHot": primitive("OneHot", one_hot, axis=-1),
    "StridedSlice": primitive("StridedSlice", strided_slice, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                              shrink_axis_mask=0),
}
P["TrilIndices"] = primitive("TrilIndices", lambda row, col, offset, dtype: wrap(leaf(np.array(np.tril_indices(row, offset, col)))),
                             row=REQUIRED, col=REQUIRED, offset=0, dtype=dtypes.int32)

ALIASES = {
    "cat": concat, "slice": slice_, "tensor_slice": slice_, "range": range_, "unsqueeze": expand_dims, "permute": transpose, "swapdims": swapaxes,
    "movedim": moveaxis, "reverse": flip, "numel": size, "shape_": shape, "dyn_shape": tensor_shape, "fills": full_like,
    "ones_like_": ones_like, "matrix_diag_part": diagonal, "tensor_range": range_,
}
ALIASES["fliplr"] = lambda input: flip(input, (1,))
ALIASES["flipud"] = lambda input: flip(input, (0,))
ALIASES["t"] = lambda input: transpose(input, (1, 0)) if input.ndim == 2 else input
