"""`mindspore.Tensor`: a node of the engine that holds a value, with MindSpore's constructor, protocols and printing.

Operators and methods are installed by `methods`, which knows the operations."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import Node, leaf
from . import dtypes, text

Array = np.ndarray[Any, Any]
_new = object.__new__
_INPUTS = "['TensorPy', 'Tensor', 'ndarray', 'str_', 'list', 'tuple', 'float', 'int', 'bool', 'complex', 'bytes']"


class Tensor:
    """An array with a dtype. `Tensor(data, dtype=None, shape=None, init=None)`; an ndarray is copied.

    Python floats become float32, ints int64. Raises TypeError for data of other types."""

    __slots__ = ("node", "__weakref__")
    __hash__ = object.__hash__
    node: Node

    def __init__(self, input_data: Any = None, dtype: Any = None, shape: Any = None, init: Any = None, const_arg: bool = False,
                 device: Any = None, **ignored: Any) -> None:
        if init is not None:
            from .initializer import values

            self.node = leaf(values(init, shape, dtype))
            return
        if input_data is None and "internal" in ignored:
            input_data = 0.0
        if dtype is not None and not isinstance(dtype, dtypes.DType):
            raise TypeError(f"For 'Tensor', the 'dtype' should be one of {list(dtypes.SIZED)}, but got {dtype}.")
        self.node = leaf(array_of(input_data, dtype))

    # ------------------------------------------------------------------------------------------------------- description

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> dtypes.DType:
        return dtypes.OF_NUMPY[self.node.dtype]

    @property
    def ndim(self) -> int:
        return self.node.value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self.node.value.size  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        return self.node.value.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self.node.value.nbytes  # type: ignore[no-any-return]

    @property
    def strides(self) -> tuple[int, ...]:
        return np.ascontiguousarray(self.node.value).strides

    @property
    def data(self) -> Tensor:
        return self

    @property
    def device(self) -> str:
        return "CPU"

    @property
    def has_init(self) -> bool:
        return False

    # ---------------------------------------------------------------------------------------------------------- to Python

    def asnumpy(self) -> Array:
        """The array of this tensor; writing to it changes the tensor."""
        value = self.node.value
        if not value.flags.writeable:
            value = self.node.value = value.copy()
        return value  # type: ignore[no-any-return]

    numpy = asnumpy

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        value = self.asnumpy()
        return value if dtype is None else value.astype(dtype)

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError(f"The tensor should have only one element, but got {self.size}, more than one element is ambiguous.")
        return self.node.value.item()

    def tolist(self) -> Any:
        return self.node.value.tolist()

    def _scalar(self) -> Any:
        if self.size != 1:
            raise ValueError("Only one element tensors can be converted to Python scalars")
        return self.node.value.reshape(())[()]

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        value = self._scalar()
        if self.node.dtype.kind not in "iub":
            raise TypeError("Only integer tensors of a single element can be converted to an index.")
        return int(value)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("Not support len of a 0-D tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self.shape[0])])  # type: ignore[index]

    def __contains__(self, element: Any) -> bool:
        return bool((self.node.value == (element.asnumpy() if isinstance(element, Tensor) else element)).any())

    # ------------------------------------------------------------------------------------------------------------ copying

    def __copy__(self) -> Tensor:
        return wrap(self.node)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return wrap(leaf(self.node.value.copy()))

    def __reduce__(self) -> Any:
        return Tensor, (self.node.value,)

    @staticmethod
    def from_numpy(array: Array) -> Tensor:
        """A tensor that shares the array's memory. Raises TypeError for other things."""
        if not isinstance(array, np.ndarray):
            raise TypeError(f"The input of from_numpy must be a ndarray, but got {type(array)}.")
        return wrap(leaf(array))

    # ----------------------------------------------------------------------------------------------------------- printing

    def __str__(self) -> str:
        value = self.node.value
        return "[]" if value.size == 0 else str(value)

    def __repr__(self) -> str:
        return text.represent(self.node.value, str(self.dtype))

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError("unsupported format string passed to Tensor.__format__")
        return str(self)

    # -------------------------------------------------------------------------------------------------------- small change

    def init_data(self, *ignored: Any, **more: Any) -> Tensor:
        return self

    def value(self) -> Tensor:
        return self

    def is_contiguous(self) -> bool:
        return True

    def contiguous(self) -> Tensor:
        return self

    def dim(self) -> int:
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        return self.size

    nelement = numel

    def is_floating_point(self) -> bool:
        return bool(self.node.dtype.kind == "f")

    def is_complex(self) -> bool:
        return bool(self.node.dtype.kind == "c")

    def is_signed(self) -> bool:
        return self.node.dtype.kind in "ifc"

    def set_const_arg(self, const_arg: bool = True) -> Tensor:
        return self

    def flush_from_cache(self) -> None:
        return None

    def assign_value(self, value: Any) -> Tensor:
        self.node = leaf(np.array(value.node.value if isinstance(value, Tensor) else value, self.node.dtype))
        return self


def wrap(node: Node) -> Tensor:
    """A tensor around an eager node."""
    tensor = _new(Tensor)
    tensor.node = node
    return tensor


def array_of(data: Any, dtype: Any = None) -> Array:
    """A new array from tensor data, with the dtypes that `Tensor(data, dtype)` has."""
    wanted = None if dtype is None else dtypes.as_numpy(dtype)
    if isinstance(data, Tensor):
        return np.array(data.node.value, wanted)
    if isinstance(data, (np.ndarray, np.generic)):
        if data.dtype.kind not in "biufcSU":
            raise TypeError(f"For 'Tensor', the type of 'input_data' should be one of '{_INPUTS}', but got {data.dtype}")
        return np.array(data, wanted)
    if isinstance(data, (bool, int, float, complex)) or isinstance(data, (list, tuple)):
        return _from_python(data, wanted)
    raise TypeError(f"For 'Tensor', the type of 'input_data' should be one of '{_INPUTS}', but got type "
                    f"'{type(data).__name__}'.")


def _plain(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_plain(item) for item in data]
    return data.node.value if isinstance(data, Tensor) else data


def _only_python(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return all(_only_python(item) for item in data)
    return not isinstance(data, (Tensor, np.ndarray, np.generic))


def _from_python(data: Any, wanted: Any) -> Array:
    try:
        result = np.array(_plain(data))
    except ValueError:                                     # NumPy refuses ragged lists
        result = np.array(None)
    if result.dtype.kind == "O":
        raise TypeError(f"For Tensor, the input_data is {data!r} that contain unsupported element.")
    if wanted is not None:
        return result.astype(wanted)
    if result.dtype == np.float64 and _only_python(data):
        return result.astype(np.float32)
    if result.dtype == np.complex128 and _only_python(data):
        return result.astype(np.complex64)
    return result


def is_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor)


def tensor(input_data: Any = None, dtype: Any = None, shape: Any = None, init: Any = None, const_arg: bool = False,
           device: Any = None) -> Tensor:
    """`mindspore.tensor`: a new Tensor."""
    return Tensor(input_data, dtype, shape, init, const_arg)
