"""Sparse tensors: indices, values and a shape."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import core, ops
from ..ops.shape import partial_shape, static_value
from .array import scatter_nd, segment
from .dtypes import DType, TensorShape
from .graph import Tensor, convert, wrap


class SparseTensor:
    """Values at index rows of an array of `dense_shape` that is zero elsewhere."""

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices, self.dense_shape = convert(indices, "int64"), convert(dense_shape, "int64")
        self.values = convert(values)

    @property
    def dtype(self) -> DType:
        return self.values.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(partial_shape(self.dense_shape.node))

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def graph(self) -> Any:
        return self.values.graph

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.indices, self.values, self.dense_shape))

    def __repr__(self) -> str:
        return f"SparseTensor(indices={self.indices}, values={self.values}, dense_shape={self.dense_shape})"


def _of(sparse: Any) -> SparseTensor:
    if not isinstance(sparse, SparseTensor):
        raise TypeError(f"Input must be a SparseTensor, got {type(sparse).__name__}")
    return sparse


def sparse_tensor_dense_matmul(sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: Any = None) -> Tensor:
    """A sparse matrix times a dense one; differentiable by the values and by b."""
    a, right = _of(sp_a), convert(b).node
    rows, columns = (ops.take_index(a.indices.node, axis, 1) for axis in ((1, 0) if adjoint_a else (0, 1)))
    right = ops.conj(ops.turn(right)) if adjoint_b else right
    values = ops.conj(a.values.node) if adjoint_a else a.values.node
    products = ops.expand_dims(values, -1) * ops.gather(right, columns, mode="wrap")
    count = wrap(ops.take_index(a.dense_shape.node, 1 if adjoint_a else 0, 0), "size")
    total: Tensor = segment("UnsortedSegmentSum", ops.segment_sum, True)(wrap(products, "products"), wrap(rows, "rows"), count,
                                                                         name=name or "SparseTensorDenseMatMul")
    return total


def sparse_tensor_to_dense(sp_input: Any, default_value: Any = 0, validate_indices: bool = True, name: Any = None) -> Tensor:
    """The dense array, `default_value` where no index row leads."""
    sparse = _of(sp_input)
    if isinstance(default_value, (int, float)) and default_value == 0:
        return scatter_nd(sparse.indices, sparse.values, sparse.dense_shape, name=name or "SparseToDense")
    base = ops.broadcast_to(core.constant(np.asarray(default_value, sparse.values.node.dtype)), sparse.dense_shape.node)
    return wrap(ops.scatter_into(base, sparse.indices.node, sparse.values.node, "update"), name or "SparseToDense")


def sparse_reduce_sum(sp_input: Any, axis: Any = None, keepdims: Any = None, name: Any = None, **old: Any) -> Tensor:
    dense = sparse_tensor_to_dense(sp_input).node
    return wrap(ops.reduce_sum(dense, axis, bool(keepdims or old.get("keep_dims"))), name or "SparseReduceSum")


def sparse_transpose(sp_input: Any, perm: Any = None, name: Any = None) -> SparseTensor:
    sparse = _of(sp_input)
    rank = sparse.indices.node.shape[-1] if sparse.indices.node.shape else None
    order = [int(p) for p in perm] if perm is not None else list(reversed(range(int(rank or 0))))
    places = core.constant(np.array(order, np.int32))
    indices = ops.gather(sparse.indices.node, places, 1)
    key = static_value(indices)
    values = sparse.values.node
    if key is not None:                                      # rows in their canonical order, as TensorFlow gives them
        ranked = core.constant(np.lexsort(key.T[::-1]).astype(np.int32))
        indices, values = ops.gather(indices, ranked), ops.gather(values, ranked)
    return SparseTensor(wrap(indices, "indices"), wrap(values, "values"), wrap(ops.gather(sparse.dense_shape.node, places), "shape"))
