"""Gathering, scattering, segments, sorting, searching."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf
from ..operands import node_of
from ..tensor import Tensor, wrap
from .array import ints
from .primitive import REQUIRED, primitive, primitives


def _positions(value: Any) -> Node:
    return value.node if isinstance(value, Tensor) else leaf(np.asarray(value, np.int64))


def _checked(indices: Node, size: int, name: str) -> Node:
    array = indices.value
    if array.size and (array.max() >= size or array.min() < -size):
        bad = array.reshape(-1)[np.argmax((array.reshape(-1) >= size) | (array.reshape(-1) < -size))]
        raise RuntimeError(f"For '{name}', the 'input_indices' should be in the range [0, {size}), but got {bad}")
    return indices


# ----------------------------------------------------------------------------------------------------------------- gather

def gather(input_params: Any, input_indices: Any, axis: Any, batch_dims: int = 0) -> Tensor:
    """Slices along an axis; negative indices count from the end. Raises RuntimeError for indices out of range."""
    node, where, along = node_of(input_params, "Gather"), _positions(input_indices), int(axis)
    _checked(where, node.value.shape[along], "Gather")
    return wrap(engine.gather(node, where, along % node.value.ndim, batch_dims, "wrap"))


def gather_nd(input_x: Any, indices: Any) -> Tensor:
    return wrap(engine.gather_nd(node_of(input_x, "GatherNd"), _positions(indices)))


def gather_elements(input: Any, dim: Any, index: Any) -> Tensor:
    return wrap(engine.take_along(node_of(input, "GatherD"), _positions(index), int(dim)))


def index_select(input: Any, axis: int, index: Any) -> Tensor:
    return gather(input, index, axis)


def take(input: Any, index: Any) -> Tensor:
    flat = engine.reshape(node_of(input, "take"), (-1,))
    return wrap(engine.gather(flat, _checked(_positions(index), flat.value.size, "take"), 0, mode="wrap"))


def embedding_lookup(input_params: Any, input_indices: Any, offset: int = 0) -> Tensor:
    """Rows of a table; rows outside it are zero."""
    where = engine.subtract(_positions(input_indices), leaf(np.asarray(offset, _positions(input_indices).dtype)))
    return wrap(engine.gather(node_of(input_params, "EmbeddingLookup"), where, 0, mode="zero"))


def masked_select(input: Any, mask: Any) -> Tensor:
    node, at = node_of(input, "masked_select"), node_of(mask, "masked_select")
    shape = np.broadcast_shapes(node.value.shape, at.value.shape)
    full = engine.broadcast_to(node, leaf(np.array(shape, np.int64)))
    return wrap(engine.boolean_mask(full, leaf(np.broadcast_to(at.value, shape))))


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    rows = np.argwhere(node_of(input, "nonzero").value).astype(np.int64)
    return tuple(wrap(leaf(column)) for column in rows.T) if as_tuple else wrap(leaf(rows))


# ---------------------------------------------------------------------------------------------------------------- scatter

def scatter_nd(indices: Any, updates: Any, shape: Any) -> Tensor:
    return wrap(engine.scatter_nd(_positions(indices), node_of(updates, "ScatterNd"), ints(shape)))


def _into(how: str, name: str) -> Any:
    def op(input_x: Any, indices: Any, updates: Any) -> Tensor:
        return wrap(engine.scatter_into(node_of(input_x, name), _positions(indices), node_of(updates, name), how))

    op.__name__ = name
    return op


tensor_scatter_update = _into("update", "tensor_scatter_update")
tensor_scatter_add = _into("add", "tensor_scatter_add")
tensor_scatter_sub = _into("subtract", "tensor_scatter_sub")
tensor_scatter_max = _into("maximum", "tensor_scatter_max")
tensor_scatter_min = _into("minimum", "tensor_scatter_min")
tensor_scatter_mul = _into("multiply", "tensor_scatter_mul")


def _grid(index: Node, axis: int) -> Node:
    """Index rows [..., rank] that put each element of `index` on `axis` and stay in place elsewhere."""
    array = index.value.astype(np.int64)
    grids = list(np.meshgrid(*(np.arange(n) for n in array.shape), indexing="ij"))
    grids[axis % array.ndim] = array
    return leaf(np.stack(grids, -1))


def tensor_scatter_elements(input_x: Any, indices: Any, updates: Any, axis: int = 0, reduction: str = "none") -> Tensor:
    node = node_of(input_x, "TensorScatterElements")
    where = _grid(_positions(indices), axis)
    values = updates.node if isinstance(updates, Tensor) else leaf(np.full(where.value.shape[:-1], updates, node.dtype))
    return wrap(engine.scatter_into(node, where, values, "add" if reduction == "add" else "update"))


def scatter(input: Any, axis: int, index: Any, src: Any) -> Tensor:
    return tensor_scatter_elements(input, index, src, axis)


def index_add(x: Any, indices: Any, y: Any, axis: int, use_lock: bool = True, check_index_bound: bool = True) -> Tensor:
    node, where = node_of(x, "IndexAdd"), _positions(indices)
    order = (axis, *(i for i in range(node.value.ndim) if i != axis))
    back = tuple(int(i) for i in np.argsort(order))
    moved = engine.scatter_into(engine.transpose(node, order), leaf(where.value[:, None]), engine.transpose(y.node, order), "add")
    return wrap(engine.transpose(moved, back))


# --------------------------------------------------------------------------------------------------------------- segments

def _segment(function: Any, name: str) -> Any:
    def op(input_x: Any, segment_ids: Any, num_segments: Any) -> Tensor:
        return wrap(function(node_of(input_x, name), _positions(segment_ids), int(num_segments)))

    op.__name__ = name
    return op


unsorted_segment_sum = _segment(engine.segment_sum, "unsorted_segment_sum")
unsorted_segment_max = _segment(engine.segment_max, "unsorted_segment_max")
unsorted_segment_min = _segment(engine.segment_min, "unsorted_segment_min")
unsorted_segment_prod = _segment(engine.segment_prod, "unsorted_segment_prod")


# ---------------------------------------------------------------------------------------------------------------- sorting

def sort(input_x: Any, axis: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """(values, int32 positions)."""
    node = node_of(input_x, "Sort")
    order = engine.argsort(node, axis, descending)
    return wrap(engine.take_along(node, order, axis)), wrap(order)


def argsort(input: Any, axis: int = -1, descending: bool = False) -> Tensor:
    return wrap(engine.argsort(node_of(input, "argsort"), axis, descending))


def _top(x: np.ndarray[Any, Any], k: int, largest: bool) -> Any:
    # Among equals the later positions are chosen, and listed in rising order.
    count = x.shape[-1]
    key = -x if largest else x
    backwards = np.argsort(key[..., ::-1], -1, kind="stable")[..., :k]
    chosen = np.sort(count - 1 - backwards, -1)
    order = np.argsort(np.take_along_axis(key, chosen, -1), -1, kind="stable")
    return np.take_along_axis(chosen, order, -1).astype(np.int32)


def topk(input: Any, k: int, dim: Any = None, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest along an axis and their int32 positions."""
    node = node_of(input, "TopK")
    axis = -1 if dim is None else int(dim)
    where = np.moveaxis(_top(np.moveaxis(node.value, axis, -1), int(k), largest), -1, axis)
    return wrap(engine.take_along(node, leaf(where), axis)), wrap(leaf(where))


def _topk_primitive(input_x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    return topk(input_x, k)


def unique(input: Any) -> tuple[Tensor, Tensor]:
    values, index = engine.unique(engine.reshape(node_of(input, "unique"), (-1,)))
    return wrap(values), wrap(engine.cast(engine.reshape(index, input.shape), np.int64))


def searchsorted(sorted_sequence: Any, values: Any, *, out_int32: bool = False, right: bool = False, side: Any = None,
                 sorter: Any = None) -> Tensor:
    found = engine.searchsorted(node_of(sorted_sequence, "searchsorted"), _positions(values), side or ("right" if right else "left"))
    return wrap(engine.cast(found, np.int32 if out_int32 else np.int64))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    return wrap(leaf(np.bincount(input.node.value, None if weights is None else weights.node.value, minlength).astype(np.float32)))


def in_top_k(x1: Any, x2: Any, k: int) -> Tensor:
    return wrap(engine.in_top_k(node_of(x1, "InTopK"), _positions(x2), k))


def sequence_mask(lengths: Any, maxlen: Any = None) -> Tensor:
    return wrap(engine.sequence_mask(node_of(lengths, "sequence_mask"), None if maxlen is None else int(maxlen)))


def invert_permutation(input_x: Any) -> Any:
    if isinstance(input_x, tuple):
        return tuple(int(i) for i in np.argsort(input_x))
    return wrap(engine.invert_permutation(node_of(input_x, "InvertPermutation")))


def _reverse_sequence(x: Any, seq_lengths: Any, seq_dim: int, batch_dim: int = 0) -> Tensor:
    return wrap(engine.reverse_sequence(node_of(x, "ReverseSequence"), node_of(seq_lengths, "ReverseSequence"), seq_dim, batch_dim))


P = primitives({
    "GatherNd": gather_nd, "GatherD": gather_elements, "EmbeddingLookup": embedding_lookup, "MaskedSelect": masked_select,
    "NonZero": nonzero, "ScatterNd": scatter_nd, "TensorScatterUpdate": tensor_scatter_update, "TensorScatterAdd": tensor_scatter_add,
    "TensorScatterSub": tensor_scatter_sub, "TensorScatterMax": tensor_scatter_max, "TensorScatterMin": tensor_scatter_min,
    "TensorScatterMul": tensor_scatter_mul, "UnsortedSegmentSum": unsorted_segment_sum, "UnsortedSegmentMax": unsorted_segment_max,
    "UnsortedSegmentMin": unsorted_segment_min, "UnsortedSegmentProd": unsorted_segment_prod, "Unique": unique,
    "InvertPermutation": invert_permutation,
})
P |= {
    "Gather": primitive("Gather", gather, batch_dims=0),
    "Sort": primitive("Sort", sort, axis=-1, descending=False),
    "TopK": primitive("TopK", _topk_primitive, sorted=True),
    "InTopK": primitive("InTopK", in_top_k, k=REQUIRED),
    "TensorScatterElements": primitive("TensorScatterElements", tensor_scatter_elements, axis=0, reduction="none"),
    "IndexAdd": primitive("IndexAdd", index_add, axis=REQUIRED, use_lock=True, check_index_bound=True),
    "ReverseSequence": primitive("ReverseSequence", _reverse_sequence, seq_dim=REQUIRED, batch_dim=0),
}

ALIASES = {"gather_d": gather_elements, "top_k": lambda input_x, k, sorted=True: topk(input_x, k), "reverse_sequence": _reverse_sequence, "intopk": in_top_k}
