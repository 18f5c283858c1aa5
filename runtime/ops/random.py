"""Random numbers. Every draw is keyed by (seed, number of the operation, run), so that runs repeat and never share a stream."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Node, apply
from .define import define
from .shape import partial_shape

_run = 0


def begin_run(number: int) -> None:
    """Tells the draws that follow which run of the session they belong to."""
    global _run
    _run = number


def generator(seed: int, operation: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[(seed & 0xFFFFFFFF) << 32 | (operation & 0xFFFFFFFF), _run]))


def sample(rng: np.random.Generator, kind: str, shape: tuple[int, ...], dtype: Any, a: Any, b: Any) -> Any:
    """An array of `kind`: uniform in [a, b), normal or truncated normal with mean a and deviation b, integer in [a, b), …"""
    if kind == "uniform":
        return (rng.random(shape) * (np.asarray(b) - a) + a).astype(dtype)
    if kind == "normal":
        return (rng.standard_normal(shape) * b + a).astype(dtype)
    if kind == "truncated_normal":
        values = rng.standard_normal(shape)
        while (outside := np.abs(values) > 2).any():
            values = np.where(outside, rng.standard_normal(shape), values)
        return (values * b + a).astype(dtype)
    if kind == "integer":
        return rng.integers(int(a), int(b), shape).astype(dtype)
    if kind == "gamma":
        return (rng.gamma(np.broadcast_to(a, shape), 1 / np.broadcast_to(b, shape))).astype(dtype)
    if kind == "poisson":
        return rng.poisson(np.broadcast_to(a, shape)).astype(dtype)
    raise ValueError(kind)


def _draw(*arrays: Any, kind: str, seed: int, operation: int, dtype: Any, shape: Any = None) -> Any:
    given = shape if shape is not None else tuple(int(n) for n in arrays[0])
    a, b = arrays[-2:]
    return sample(generator(seed, operation), kind, given, dtype, a, b)


def _draw_infer(*nodes: Node, kind: str, seed: int, operation: int, dtype: Any, shape: Any = None) -> Any:
    return (shape if shape is not None else partial_shape(nodes[0])), dtype


DRAW = define("draw", _draw, _draw_infer, pure=False, variadic=lambda position: None)


def draw(kind: str, shape: Sequence[int] | Node, dtype: Any, a: Node, b: Node, seed: int, operation: int) -> Node:
    """Random numbers of a static shape, or of one that a node tells."""
    params = {"kind": kind, "seed": seed, "operation": operation, "dtype": np.dtype(dtype)}
    if isinstance(shape, Node):
        return apply(DRAW, shape, a, b, **params)
    return apply(DRAW, a, b, shape=tuple(shape), **params)


def _categorical(logits: Any, count: int, seed: int, operation: int) -> Any:
    noise = generator(seed, operation).gumbel(size=(*logits.shape[:-1], count, logits.shape[-1]))
    return (logits[..., None, :] + noise).argmax(-1).astype(np.int64)


_CATEGORICAL = define("categorical", _categorical, lambda x, count, seed, operation: (
    None if x.shape is None else (*x.shape[:-1], count), np.dtype(np.int64)), None, pure=False)
_SHUFFLE = define("shuffle", lambda x, seed, operation: x[generator(seed, operation).permutation(len(x))],
                  lambda x, seed, operation: (x.shape, x.dtype), None, pure=False)


def categorical(logits: Node, count: int, seed: int, operation: int) -> Node:
    return apply(_CATEGORICAL, logits, count=int(count), seed=seed, operation=operation)


def shuffle(x: Node, seed: int, operation: int) -> Node:
    return apply(_SHUFFLE, x, seed=seed, operation=operation)


