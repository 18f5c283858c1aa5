"""MindSpore's dtype objects and how they relate to NumPy's and to the names people write."""
from __future__ import annotations

from typing import Any

import numpy as np


class DType:
    """A dtype: `str` gives Float32, `repr` gives mindspore.float32."""

    __slots__ = ("name", "spelled", "np")

    def __init__(self, name: str, spelled: str, numpy_type: Any) -> None:
        self.name, self.spelled = name, spelled
        self.np = None if numpy_type is None else np.dtype(numpy_type)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return "mindspore." + self.spelled

    def __reduce__(self) -> Any:
        return by_name, (self.spelled,)


def _make(spelled: str, name: str, numpy_type: Any) -> DType:
    return DType(name, spelled, numpy_type)


bool_ = _make("bool", "Bool", np.bool_)
int8, int16, int32, int64 = (_make(f"int{n}", f"Int{n}", f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (_make(f"uint{n}", f"UInt{n}", f"uint{n}") for n in (8, 16, 32, 64))
float16, float32, float64 = (_make(f"float{n}", f"Float{n}", f"float{n}") for n in (16, 32, 64))
complex64, complex128 = (_make(f"complex{n}", f"Complex{n}", f"complex{n}") for n in (64, 128))
bfloat16 = _make("bfloat16", "BFloat16", None)          # a name only: NumPy has no such arrays
string = _make("string", "String", np.str_)

SIZED = (bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64, complex64, complex128)
OF_NUMPY: dict[Any, DType] = {d.np: d for d in SIZED} | {np.dtype(np.str_): string}
FLOATS = (float16, float32, float64, bfloat16)

half, single, double, float_, int_, byte, short, intc, long, intp = (
    float16, float32, float64, float64, int64, int8, int16, int32, int64, int64)
ubyte, ushort, uintc, uint, uintp = uint8, uint16, uint32, uint64, uint64


class Kind:
    """The dtypes that stand for a kind of value: `tensor_type`, `number`, …"""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name


tensor = Kind("Tensor")
number = Kind("Number")
list_ = Kind("List")
tuple_ = Kind("Tuple")
type_none = Kind("TypeNone")


class TensorType(Kind):
    """`mindspore.TensorType(float32)`, which appears in annotations."""

    def __init__(self, element: Any = None) -> None:
        super().__init__(f"Tensor[{element}]")


Int = Float = Number = Type = DType

_PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128, str: string}
_NAMES: dict[str, DType] = {d.spelled: d for d in (*SIZED, bfloat16)} | {"bool_": bool_}


def by_name(name: str) -> DType:
    return _NAMES[name]


def as_dtype(value: Any) -> DType:
    """A dtype from what people pass for one: the object, its name, a NumPy type or a Python type.

    Raises TypeError for anything else."""
    if type(value) is DType:
        return value
    if isinstance(value, str):
        if value.lower() in _NAMES:
            return _NAMES[value.lower()]
    elif value in _PYTHON:
        return {bool: bool_, int: int64, float: float32}.get(value, _PYTHON[value])
    else:
        try:
            return OF_NUMPY[np.dtype(value)]
        except (TypeError, KeyError):
            pass
    raise TypeError(f"For 'Cast', the dtype should be a mindspore dtype, but got {value!r}.")


def as_numpy(value: Any) -> np.dtype[Any]:
    """The NumPy dtype of what `as_dtype` accepts. Raises NotImplementedError for bfloat16."""
    dtype = as_dtype(value)
    if dtype.np is None:
        raise NotImplementedError(f"NotImplementedError: tensors of {dtype!r} are not in mapper's runtime")
    made: np.dtype[Any] = dtype.np
    return made


def dtype_to_nptype(type_: Any) -> Any:
    return as_numpy(type_).type


def dtype_to_pytype(type_: Any) -> Any:
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[as_numpy(type_).kind]


def pytype_to_dtype(obj: Any) -> DType:
    """The dtype of a Python or NumPy type. Raises NotImplementedError for others, as the original does."""
    if isinstance(obj, DType):
        return obj
    if obj in _PYTHON:
        return _PYTHON[obj]
    try:
        return OF_NUMPY[np.dtype(obj)]
    except (TypeError, KeyError):
        raise NotImplementedError(f"Unsupported convert python type {obj} to MindSpore type.") from None


def get_py_obj_dtype(obj: Any) -> Any:
    if isinstance(obj, type):
        return pytype_to_dtype(obj)
    return getattr(obj, "dtype", None) or pytype_to_dtype(type(obj))


def issubclass_(type_: Any, dtype: Any) -> bool:
    """Whether a dtype is (of the kind) `dtype`."""
    return type_ is dtype or (dtype in (number, Float) and isinstance(type_, DType))
