"""Random numbers: MindSpore's functions and primitives, all drawing from the seeded stream."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...core import leaf
from .. import dtypes, randomness
from ..tensor import Tensor, wrap
from .array import ints
from .primitive import primitive


def _made(array: Any, dtype: Any = None) -> Tensor:
    return wrap(leaf(np.asarray(array, dtypes.as_numpy(dtype or dtypes.float32))))


def _value(x: Any) -> Any:
    return x.node.value if isinstance(x, Tensor) else x


def _shape(size: tuple[Any, ...]) -> tuple[int, ...]:
    return ints(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else ints(size)


def rand(*size: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    return _made(randomness.generator().random(_shape(size)), dtype)


def randn(*size: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    return _made(randomness.generator().standard_normal(_shape(size)), dtype)


def rand_like(input: Any, seed: Any = None, *, dtype: Any = None) -> Tensor:
    return _made(randomness.generator().random(input.shape), dtype or input.dtype)


def randn_like(input: Any, seed: Any = None, *, dtype: Any = None) -> Tensor:
    return _made(randomness.generator().standard_normal(input.shape), dtype or input.dtype)


def randint(low: Any, high: Any, size: Any, seed: Any = None, *, dtype: Any = None) -> Tensor:
    return _made(randomness.generator().integers(int(low), int(high), ints(size)), dtype or dtypes.int64)


def randperm(n: Any, seed: int = 0, offset: int = 0, dtype: Any = dtypes.int64) -> Tensor:
    return _made(randomness.generator().permutation(int(n)), dtype)


def standard_normal(shape: Any, seed: Any = None) -> Tensor:
    return _made(randomness.generator().standard_normal(ints(shape)))


def uniform_real(shape: Any) -> Tensor:
    return _made(randomness.generator().random(ints(shape)))


def normal(shape: Any, mean: Any, stddev: Any, seed: Any = None) -> Tensor:
    return _made(randomness.generator().standard_normal(ints(shape)) * _value(stddev) + _value(mean))


def uniform(shape: Any, minval: Any, maxval: Any, seed: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    low, high = _value(minval), _value(maxval)
    if dtypes.as_numpy(dtype).kind == "i":
        return _made(randomness.generator().integers(int(low), int(high), ints(shape)), dtype)
    return _made(randomness.generator().random(ints(shape)) * (np.asarray(high) - low) + low, dtype)


def gamma(shape: Any, alpha: Any, beta: Any, seed: Any = None) -> Tensor:
    return _made(randomness.generator().gamma(np.asarray(_value(alpha)), 1 / np.asarray(_value(beta)), ints(shape)))


def poisson(shape: Any, mean: Any, seed: Any = None) -> Tensor:
    return _made(randomness.generator().poisson(np.asarray(_value(mean)), ints(shape)))


def bernoulli(input: Any, p: Any = 0.5, seed: Any = None) -> Tensor:
    return _made(randomness.generator().random(input.shape) < _value(p), input.dtype)


def multinomial(input: Any, num_samples: int, replacement: bool = True, seed: Any = None) -> Tensor:
    rows = np.atleast_2d(input.node.value)
    rng = randomness.generator()
    made = np.stack([rng.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows])
    return _made(made if input.ndim > 1 else made[0], dtypes.int32)


def random_categorical(logits: Any, num_sample: int, seed: int = 0, dtype: Any = dtypes.int64) -> Tensor:
    noise = randomness.generator().gumbel(size=(*logits.shape[:-1], num_sample, logits.shape[-1]))
    return _made((logits.node.value[..., None, :] + noise).argmax(-1), dtype)


def shuffle(x: Any, seed: Any = None) -> Tensor:
    return wrap(leaf(x.node.value[randomness.generator().permutation(len(x.node.value))]))


P = {
    "StandardNormal": primitive("StandardNormal", lambda shape, seed, seed2: standard_normal(shape), seed=0, seed2=0),
    "UniformReal": primitive("UniformReal", lambda shape, seed, seed2: uniform_real(shape), seed=0, seed2=0),
    "UniformInt": primitive("UniformInt", lambda shape, low, high, seed, seed2: randint(_value(low), _value(high), shape, dtype=dtypes.int32), seed=0, seed2=0),
    "Gamma": primitive("Gamma", lambda shape, alpha, beta, seed, seed2: gamma(shape, alpha, beta), seed=0, seed2=0),
    "Poisson": primitive("Poisson", lambda shape, mean, seed, seed2: poisson(shape, mean), seed=0, seed2=0),
    "Multinomial": primitive("Multinomial", lambda x, n, seed, seed2, dtype: multinomial(x, n), seed=0, seed2=0, dtype=dtypes.int32),
    "RandomShuffle": primitive("RandomShuffle", lambda x, seed, seed2: shuffle(x), seed=0, seed2=0),
    "Bernoulli": primitive("Bernoulli", lambda x, p, seed, offset: bernoulli(x, p), seed=-1, offset=0),
}
P["RandomCategorical"] = primitive("RandomCategorical", lambda logits, n, seed=0, dtype=dtypes.int64: random_categorical(logits, n, seed, dtype),
                                   dtype=dtypes.int64)

ALIASES: dict[str, Any] = {"random_poisson": poisson, "random_gamma": gamma}
