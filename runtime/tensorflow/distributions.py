"""tf.distributions (and tf.contrib.distributions): densities that gradients flow through."""
from __future__ import annotations

import math as numbers
from typing import Any

import numpy as np

from . import array, math, nn
from .graph import convert


def _float(value: Any) -> Any:
    found = convert(value)
    return found if found.dtype.is_floating else math.cast(found, "float32")


class Distribution:
    """What all share: prob, cross entropies from log densities, and sample by way of `draw(shape)`."""

    def prob(self, value: Any, name: Any = None) -> Any:
        return math.exp(self.log_prob(value))

    def log_prob(self, value: Any, name: Any = None) -> Any:
        raise NotImplementedError

    def stddev(self, name: Any = None) -> Any:
        return math.sqrt(self.variance())

    def variance(self, name: Any = None) -> Any:
        raise NotImplementedError

    def kl_divergence(self, other: Any, name: Any = None) -> Any:
        return kl_divergence(self, other)


def _lead(sample_shape: Any) -> list[int]:
    return [int(n) for n in np.atleast_1d(np.asarray(sample_shape, int))]


class Normal(Distribution):
    """A normal distribution of mean `loc` and deviation `scale`."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal") -> None:
        self.loc, self.scale = _float(loc), _float(scale)

    def log_prob(self, value: Any, name: Any = None) -> Any:
        z: Any = (_float(value) - self.loc) / self.scale
        return -0.5 * math.square(z) - (0.5 * numbers.log(2 * numbers.pi) + math.log(self.scale))

    def cdf(self, value: Any, name: Any = None) -> Any:
        z: Any = (_float(value) - self.loc) / self.scale
        return 0.5 * (1.0 + math.erf(z / numbers.sqrt(2)))

    def entropy(self, name: Any = None) -> Any:
        spread: Any = math.log(self.scale) + 0.5 * numbers.log(2 * numbers.pi * numbers.e)
        return spread + array.zeros_like(self.loc)

    def mean(self, name: Any = None) -> Any:
        return self.loc + array.zeros_like(self.scale)

    mode = mean

    def variance(self, name: Any = None) -> Any:
        return math.square(self.scale) + array.zeros_like(self.loc)

    def sample(self, sample_shape: Any = (), seed: Any = None, name: Any = None) -> Any:
        like: Any = self.loc + array.zeros_like(self.scale)
        shape = array.concat([np.array(_lead(sample_shape), np.int32), array.shape(like)], 0) if _lead(sample_shape) else array.shape(like)
        return nn.random_normal(shape, dtype=self.loc.dtype, seed=seed) * self.scale + self.loc


class MultivariateNormalDiag(Normal):
    """Independent normals along the last axis, as one event."""

    def __init__(self, loc: Any = None, scale_diag: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "") -> None:
        given: Any = _float(scale_diag if scale_diag is not None else array.ones_like(loc))
        super().__init__(loc if loc is not None else array.zeros_like(given), given)

    def log_prob(self, value: Any, name: Any = None) -> Any:
        return math.reduce_sum(super().log_prob(value), -1)

    def entropy(self, name: Any = None) -> Any:
        return math.reduce_sum(super().entropy(), -1)


class Laplace(Distribution):
    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace") -> None:
        self.loc, self.scale = _float(loc), _float(scale)

    def log_prob(self, value: Any, name: Any = None) -> Any:
        return -math.abs(_float(value) - self.loc) / self.scale - numbers.log(2) - math.log(self.scale)

    def entropy(self, name: Any = None) -> Any:
        return math.log(self.scale) + 1.0 + numbers.log(2) + array.zeros_like(self.loc)

    def mean(self, name: Any = None) -> Any:
        return self.loc + array.zeros_like(self.scale)

    def variance(self, name: Any = None) -> Any:
        return 2.0 * math.square(self.scale) + array.zeros_like(self.loc)


class Uniform(Distribution):
    def __init__(self, low: Any = 0.0, high: Any = 1.0, **ignored: Any) -> None:
        self.low, self.high = _float(low), _float(high)

    def log_prob(self, value: Any, name: Any = None) -> Any:
        x: Any = _float(value)
        inside = math.logical_and(x >= self.low, x < self.high)
        dense: Any = -math.log(self.high - self.low) + array.zeros_like(x)
        return math.where_v2(inside, dense, array.zeros_like(dense) - np.float32(np.inf))

    def sample(self, sample_shape: Any = (), seed: Any = None, name: Any = None) -> Any:
        span: Any = self.high - self.low
        shape = array.concat([np.array(_lead(sample_shape), np.int32), array.shape(span)], 0) if _lead(sample_shape) else array.shape(span)
        return nn.random_uniform(shape, dtype=self.low.dtype, seed=seed) * span + self.low


class Bernoulli(Distribution):
    """Of `logits`, or of `probs`."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = "int32", **ignored: Any) -> None:
        self.logits: Any = _float(logits) if logits is not None else math.log(_float(probs)) - math.log1p(-_float(probs))
        self.probs: Any = _float(probs) if probs is not None else math.sigmoid(self.logits)
        self.dtype = dtype

    def log_prob(self, value: Any, name: Any = None) -> Any:
        return -nn.sigmoid_cross_entropy_with_logits(labels=math.cast(value, self.logits.dtype), logits=self.logits)

    def entropy(self, name: Any = None) -> Any:
        return -self.logits * (math.sigmoid(self.logits) - 1.0) + math.softplus(-self.logits)

    def mean(self, name: Any = None) -> Any:
        return self.probs

    def variance(self, name: Any = None) -> Any:
        return self.probs * (1.0 - self.probs)

    def sample(self, sample_shape: Any = (), seed: Any = None, name: Any = None) -> Any:
        shape = array.concat([np.array(_lead(sample_shape), np.int32), array.shape(self.probs)], 0) if _lead(sample_shape) else array.shape(self.probs)
        drawn: Any = nn.random_uniform(shape, dtype=self.probs.dtype, seed=seed)
        return math.cast(drawn < self.probs, self.dtype)


class Categorical(Distribution):
    """Of `logits`, or of `probs`, along the last axis."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = "int32", **ignored: Any) -> None:
        self.logits: Any = _float(logits) if logits is not None else math.log(_float(probs))
        self.probs: Any = _float(probs) if probs is not None else nn.softmax(self.logits)
        self.dtype = dtype

    def log_prob(self, value: Any, name: Any = None) -> Any:
        return -nn.sparse_softmax_cross_entropy_with_logits(labels=value, logits=self.logits)

    def entropy(self, name: Any = None) -> Any:
        logs: Any = nn.log_softmax(self.logits)
        return -math.reduce_sum(math.exp(logs) * logs, -1)

    def mode(self, name: Any = None) -> Any:
        return math.cast(math.argmax(self.logits, -1), self.dtype)

    def sample(self, sample_shape: Any = (), seed: Any = None, name: Any = None) -> Any:
        single = len(self.logits.node.shape or ()) == 1
        rows = array.expand_dims(self.logits, 0) if single else self.logits
        drawn = nn.multinomial(rows, int(np.prod(_lead(sample_shape) or [1])), seed)
        if single:
            return math.cast(array.reshape(drawn, _lead(sample_shape)), self.dtype)
        turned = array.transpose(drawn)
        return math.cast(turned if _lead(sample_shape) else array.squeeze(turned, 0), self.dtype)


def kl_divergence(p: Any, q: Any, allow_nan_stats: bool = True, name: Any = None) -> Any:
    """The divergence of p from q, for two distributions of one kind."""
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio: Any = math.square(p.scale / q.scale)
        each: Any = math.square(p.loc - q.loc) / (2.0 * math.square(q.scale)) + 0.5 * (ratio - 1.0 - math.log(ratio))
        return math.reduce_sum(each, -1) if isinstance(p, MultivariateNormalDiag) else each
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return math.reduce_sum(nn.softmax(p.logits) * (nn.log_softmax(p.logits) - nn.log_softmax(q.logits)), -1)
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        return (p.probs * (math.softplus(-q.logits) - math.softplus(-p.logits))
                + (1.0 - p.probs) * (math.softplus(q.logits) - math.softplus(p.logits)))
    raise NotImplementedError(f"tensorflow.distributions.kl_divergence of {type(p).__name__} and {type(q).__name__} is not in mapper's runtime")
