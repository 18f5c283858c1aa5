"""TensorFlow's dtypes and static shapes."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class DType:
    """tf.float32 and its like. Compares equal to its name and to its NumPy dtype."""

    def __init__(self, name: str, numpy: Any, ref: bool = False) -> None:
        self.name, self._numpy, self._ref = name, np.dtype(numpy), ref
        kind = self._numpy.kind
        self.is_floating, self.is_integer = kind == "f", kind in "iu"
        self.is_complex, self.is_bool = kind == "c", kind == "b"
        self.as_numpy_dtype = self._numpy.type

    @property
    def base_dtype(self) -> DType:
        return as_dtype(self._numpy)

    @property
    def real_dtype(self) -> DType:
        return as_dtype(np.empty(0, self._numpy).real.dtype)

    @property
    def min(self) -> Any:
        return np.iinfo(self._numpy).min if self.is_integer else np.finfo(self._numpy).min

    @property
    def max(self) -> Any:
        return np.iinfo(self._numpy).max if self.is_integer else np.finfo(self._numpy).max

    @property
    def size(self) -> int:
        return int(self._numpy.itemsize)

    def is_compatible_with(self, other: Any) -> bool:
        return bool(as_dtype(other)._numpy == self._numpy)

    def __eq__(self, other: Any) -> bool:
        try:
            return bool(as_dtype(other)._numpy == self._numpy)
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self._numpy)

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"


_NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64, "int8": np.int8, "int16": np.int16, "int32": np.int32,
          "int64": np.int64, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64, "bool": np.bool_,
          "complex64": np.complex64, "complex128": np.complex128, "string": np.object_}
DTYPES = {name: DType(name, numpy) for name, numpy in _NUMPY.items()}
_BY_NUMPY = {dtype._numpy: dtype for dtype in DTYPES.values()}
_ALIASES = {"float": "float32", "double": "float64", "int": "int32", "half": "float16", "float32_ref": "float32"}


def as_dtype(value: Any) -> DType:
    """The DType of a DType, a name, a NumPy dtype or a Python type. TypeError when there is none."""
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        name = _ALIASES.get(value, value)
        if name in DTYPES:
            return DTYPES[name]
    if value is float:
        return DTYPES["float32"]
    if value is int:
        return DTYPES["int32"]
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"Cannot convert the argument `type_value`: {value!r} to a TensorFlow DType.") from None
    if dtype.kind in "SU":
        return DTYPES["string"]
    if dtype not in _BY_NUMPY:
        raise TypeError(f"Cannot convert the argument `type_value`: {value!r} to a TensorFlow DType.")
    return _BY_NUMPY[dtype]


def numpy_dtype(value: Any) -> Any:
    return as_dtype(value)._numpy


class Dimension:
    """One dimension of a static shape; value None when unknown."""

    def __init__(self, value: Any) -> None:
        self.value: int | None = value.value if isinstance(value, Dimension) else None if value is None else int(value)

    def __int__(self) -> int:
        if self.value is None:
            raise TypeError("__int__ returned non-int (type NoneType)")
        return self.value

    __index__ = __int__

    def __eq__(self, other: Any) -> Any:
        other = Dimension(other)
        return None if self.value is None or other.value is None else self.value == other.value

    def __ne__(self, other: Any) -> Any:
        equal = self == other
        return None if equal is None else not equal

    def __hash__(self) -> int:
        return hash(self.value)

    def _with(self, other: Any, function: Any) -> Dimension:
        other = Dimension(other)
        return Dimension(None if self.value is None or other.value is None else function(self.value, other.value))

    def __add__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Dimension:
        return Dimension(other) - self

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b) if isinstance(other, (int, np.integer, Dimension)) or other is None else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a // b)

    def __rfloordiv__(self, other: Any) -> Dimension:
        return Dimension(other) // self

    def __mod__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a % b)

    def __rmod__(self, other: Any) -> Dimension:
        return Dimension(other) % self

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', please use // instead")

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', please use // instead")

    def __lt__(self, other: Any) -> Any:
        return None if self.value is None else self.value < int(other)

    def __gt__(self, other: Any) -> Any:
        return None if self.value is None else self.value > int(other)

    def __le__(self, other: Any) -> Any:
        return None if self.value is None else self.value <= int(other)

    def __ge__(self, other: Any) -> Any:
        return None if self.value is None else self.value >= int(other)

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"


class TensorShape:
    """A static shape; dims None when even the rank is unknown."""

    def __init__(self, dims: Any = None) -> None:
        self._shape: tuple[int | None, ...] | None
        if isinstance(dims, TensorShape):
            self._shape = dims._shape
        elif dims is None:
            self._shape = None
        elif isinstance(dims, (int, np.integer, Dimension)):
            self._shape = (Dimension(dims).value,)
        else:
            self._shape = tuple(Dimension(d).value for d in dims)

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._shape is None else [Dimension(n) for n in self._shape]

    @property
    def ndims(self) -> int | None:
        return None if self._shape is None else len(self._shape)

    rank = ndims

    def as_list(self) -> list[int | None]:
        if self._shape is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._shape)

    def is_fully_defined(self) -> bool:
        return self._shape is not None and None not in self._shape

    def assert_is_fully_defined(self) -> None:
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def num_elements(self) -> int | None:
        return int(np.prod(self._shape)) if self.is_fully_defined() else None  # type: ignore[arg-type]

    def with_rank(self, rank: int) -> TensorShape:
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def concatenate(self, other: Any) -> TensorShape:
        other = TensorShape(other)
        return TensorShape(None if self._shape is None or other._shape is None else self._shape + other._shape)

    def is_compatible_with(self, other: Any) -> bool:
        other = TensorShape(other)
        if self._shape is None or other._shape is None:
            return True
        return len(self._shape) == len(other._shape) and all(a is None or b is None or a == b for a, b in zip(self._shape, other._shape, strict=True))

    def merge_with(self, other: Any) -> TensorShape:
        other = TensorShape(other)
        if self._shape is None or other._shape is None:
            return other if self._shape is None else self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape([b if a is None else a for a, b in zip(self._shape, other._shape, strict=True)])

    def __len__(self) -> int:
        if self._shape is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._shape)

    def __bool__(self) -> bool:
        return self._shape is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._shape is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(n) for n in self._shape])

    def __getitem__(self, key: Any) -> Any:
        if self._shape is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        return TensorShape(self._shape[key]) if isinstance(key, slice) else Dimension(self._shape[key])

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: Any) -> bool:
        try:
            return bool(self._shape == TensorShape(other)._shape)
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self._shape)

    def __str__(self) -> str:
        if self._shape is None:
            return "<unknown>"
        return "(" + ", ".join("?" if n is None else str(n) for n in self._shape) + (",)" if len(self._shape) == 1 else ")")

    def __repr__(self) -> str:
        return "TensorShape(None)" if self._shape is None else f"TensorShape({[Dimension(n) for n in self._shape]})"


def as_shape(value: Any) -> tuple[int | None, ...] | None:
    """A shape argument (None, int, list, TensorShape) as the engine writes shapes."""
    return TensorShape(value)._shape
