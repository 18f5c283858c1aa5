"""Random initial values, keyed by the variable's name: the same variable starts equal in both frameworks' programs."""
from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


heard: Callable[[str, Array], None] | None = None        # is told of every draw while a program is recorded
chosen: Callable[[str, Array], Array] | None = None      # puts another program's draw in the place of one


def generator(name: str) -> np.random.Generator:
    """A generator that depends on nothing but the name."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def draw(name: str, kind: str, shape: Sequence[int], dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
    """Values for the variable `name`: "uniform" in [low, high), "normal" or "truncated_normal" with mean low and deviation high."""
    rng = generator(name)
    if kind == "uniform":
        values = rng.random(tuple(shape)) * (high - low) + low
    elif kind == "normal":
        values = rng.standard_normal(tuple(shape)) * high + low
    else:
        values = rng.standard_normal(tuple(shape))
        while (outside := np.abs(values) > 2).any():
            values = np.where(outside, rng.standard_normal(tuple(shape)), values)
        values = values * high + low
    drawn: Array = np.asarray(values, dtype)
    if chosen is not None:
        drawn = chosen(name, drawn)
    if heard is not None:
        heard(name, drawn)
    return drawn


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """(fan in, fan out) of a TensorFlow weight: [n] has n and n, kernels count their receptive field."""
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)
