"""tf.TensorArray: rows that are written one by one, kept as one array along a first axis."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..core import Array, Node, Primitive, apply
from ..ops.define import define
from .dtypes import numpy_dtype
from .graph import Tensor, convert, wrap


def _written(flow: Array, row: Array, value: Array) -> Array:
    count = max(len(flow), int(row) + 1)
    found = np.zeros((count, *value.shape), value.dtype)
    if flow.shape[1:] == value.shape:                          # an array that nothing was written to has no rows' shape yet
        found[:len(flow)] = flow
    found[int(row)] = value
    return found


def _kept(g: Array, flow: Array, row: Array) -> Array:
    if flow.ndim != g.ndim:
        return np.zeros(flow.shape, g.dtype)
    found = np.zeros((len(flow), *g.shape[1:]), g.dtype)       # a write may have made the array longer
    both = min(len(flow), len(g))
    found[:both] = g[:both]
    found[int(row):int(row) + 1] = 0
    return found


_KEPT: Primitive = define("tensor_array_kept", _kept, lambda g, flow, row: (flow.shape, g.dtype),
                          lambda g, y, upstream, flow, row: apply(_KEPT, g, upstream, row), None, None)
_WRITE = define("tensor_array_write", _written, lambda flow, row, value: (None if value.shape is None else (None, *value.shape), value.dtype),
                lambda g, y, flow, row, value: apply(_KEPT, g, flow, row), None, lambda g, y, flow, row, value: ops.gather(g, row))


class TensorArray:
    """Each change gives a new TensorArray; the old one stays as it is."""

    def __init__(self, dtype: Any, size: Any = None, dynamic_size: Any = None, clear_after_read: Any = None, tensor_array_name: Any = None,
                 handle: Any = None, flow: Any = None, infer_shape: bool = True, element_shape: Any = None, colocate_with_first_write_call: bool = True,
                 name: Any = None) -> None:
        self.dtype, self.element_shape = dtype, element_shape
        count = convert(0 if size is None else size, "int32").node
        self._node: Node = ops.zeros_like(ops.range_(*(convert(n, "int32").node if isinstance(n, int) else n for n in (0, count, 1))), numpy_dtype(dtype))

    def _with(self, node: Node) -> TensorArray:
        found = object.__new__(TensorArray)
        found.dtype, found.element_shape, found._node = self.dtype, self.element_shape, node
        return found

    @property
    def flow(self) -> Tensor:
        return wrap(self._node, "TensorArray")

    def write(self, index: Any, value: Any, name: Any = None) -> TensorArray:
        return self._with(apply(_WRITE, self._node, convert(index).node, convert(value, self.dtype).node))

    def read(self, index: Any, name: Any = None) -> Tensor:
        return wrap(ops.gather(self._node, convert(index).node), name or "TensorArrayReadV3")

    def gather(self, indices: Any, name: Any = None) -> Tensor:
        return wrap(ops.gather(self._node, convert(indices).node), name or "TensorArrayGatherV3")

    def stack(self, name: Any = None) -> Tensor:
        found = wrap(ops.identity(self._node), name or "TensorArrayV2Stack")
        if self.element_shape is not None:
            found.set_shape([None, *self.element_shape])
        return found

    def concat(self, name: Any = None) -> Tensor:
        shape = self._node.shape
        rest: Callable[[], Any] = (lambda: tuple(shape[2:])) if shape is not None else tuple
        return wrap(ops.reshape(self._node, (-1, *rest())), name or "TensorArrayConcatV3")

    def unstack(self, value: Any, name: Any = None) -> TensorArray:
        return self._with(convert(value, self.dtype).node)

    def scatter(self, indices: Any, value: Any, name: Any = None) -> TensorArray:
        found, places, rows = self, convert(indices), convert(value, self.dtype)
        for i in range(int(places.shape[0])):
            found = found.write(places[i], rows[i])
        return found

    def size(self, name: Any = None) -> Tensor:
        return wrap(ops.take_index(ops.shape_of(self._node), 0, 0), name or "TensorArraySizeV3")

    def identity(self) -> TensorArray:
        return self._with(ops.identity(self._node))

    def close(self, name: Any = None) -> None:
        return None
