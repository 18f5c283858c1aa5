"""How tensors print: `str` is NumPy's, `repr` is MindSpore's own layout."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Write = Callable[[Any], str]

EDGE = 3                # elements shown on each side of an ellipsis
SHORT = 1000            # a tensor of more elements is abbreviated
PER_LINE = {"f": 12, "b": 12}                            # of a vector; other kinds have 24


def _scalar(value: Any) -> str:
    if np.iscomplexobj(value):
        return f"{value.real:.6g}{value.imag:+.6g}j"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    return f"{value:.6g}" if isinstance(value, np.floating) else str(value)


def _writer(x: Array) -> Write:
    kind = x.dtype.kind
    if kind == "f":
        digits, width = (4, 11) if x.dtype == np.float16 else (8, 15)
        return lambda value: f"{value:.{digits}e}".rjust(width)
    if kind == "c":
        return _scalar
    width = 5 if kind == "b" else max(len(str(x.min())), len(str(x.max())))
    return lambda value: str(value).rjust(width)


def _vector(x: Array, write: Write, wrap: int) -> str:
    text = ""
    for i, value in enumerate(x):
        text += write(value) + (", " if i + 1 < len(x) else "")
        if wrap and (i + 1) % wrap == 0:
            text += "\n "
    return text


def _rows(x: Array, write: Write, indent: str, short: bool, wrap: int = 0) -> str:
    abbreviated = short and len(x) > 2 * EDGE
    if x.ndim == 1:
        if abbreviated:
            return f"[{_vector(x[:EDGE], write, 0)} ... {_vector(x[-EDGE:], write, 0)}]"
        return f"[{_vector(x, write, wrap)}]"
    gap = ",\n" + indent + " "
    shown = [_rows(row, write, indent + " ", short) for row in ((*x[:EDGE], *x[-EDGE:]) if abbreviated else x)]
    if abbreviated:
        return f"[{gap.join(shown[:EDGE])}{gap}...\n{indent} {gap.join(shown[EDGE:])}]"
    return f"[{gap.join(shown)}]"


def represent(x: Array, dtype: str) -> str:
    """`Tensor(shape=[2], dtype=Float32, value= [ 1.00000000e+00,  2.00000000e+00])`."""
    lead = "\n" if x.ndim > 1 else " "
    if x.ndim == 0:
        body = _scalar(x[()])
    elif x.size == 0:
        body = ""
    else:
        body = _rows(x, _writer(x), "", x.size > SHORT, PER_LINE.get(x.dtype.kind, 24))
    return f"Tensor(shape={list(x.shape)}, dtype={dtype}, value={lead}{body})"
