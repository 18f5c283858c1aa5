"""mindspore.common.initializer: distributions whose numbers are keyed by the parameter's name."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import initial
from ..core import leaf
from . import dtypes
from .tensor import Tensor

_drawn: dict[str, int] = {}


def forget_names() -> None:
    """Lets every name start over, as after a new seed."""
    _drawn.clear()


class InitTensor(Tensor):
    """What `initializer(...)` gives: a tensor whose values are drawn when they are needed, or when a parameter takes them under
    its own name."""

    def __init__(self, init: Initializer, shape: tuple[int, ...], dtype: Any) -> None:
        self.init, self._shape, self._dtype = init, shape, dtypes.as_dtype(dtype)

    def __getattr__(self, name: str) -> Any:
        if name == "node":
            self.node = leaf(self.draw("tensor"))
            return self.node
        raise AttributeError(f"'Tensor' object has no attribute '{name}'")

    def draw(self, name: str) -> Any:
        """The values of the variable `name`; a second variable of that name gets others."""
        count = _drawn[name] = _drawn.get(name, 0) + 1
        key = name if count == 1 else f"{name}#{count}"
        return np.array(self.init.values(key, list(self._shape), self._dtype.np), self._dtype.np)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> dtypes.DType:
        return self._dtype

    @property
    def has_init(self) -> bool:
        return True


class Initializer:
    """values(name, shape, dtype): the array for a parameter of that name."""

    def __init__(self, **settings: Any) -> None:
        self.__dict__.update(settings)

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        array = np.zeros(shape, dtype)
        self._initialize(array)
        return array

    def _initialize(self, arr: Any) -> None:
        """What a program's own initializer overrides: fills the array."""
        arr[...] = self.values("tensor", list(arr.shape), arr.dtype)

    def __call__(self, arr: Any) -> Any:
        return self._initialize(arr)


class Zero(Initializer):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.zeros(shape, dtype)


class One(Initializer):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.ones(shape, dtype)


class Constant(Initializer):
    def __init__(self, value: Any) -> None:
        self.value = value

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.broadcast_to(np.asarray(self.value, dtype), shape).copy()


class Uniform(Initializer):
    def __init__(self, scale: float = 0.07) -> None:
        self.scale = scale

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, "uniform", shape, dtype, -self.scale, self.scale)


class Normal(Initializer):
    kind = "normal"

    def __init__(self, sigma: float = 0.01, mean: float = 0.0) -> None:
        self.sigma, self.mean = sigma, mean

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, self.kind, shape, dtype, self.mean, self.sigma)


class TruncatedNormal(Normal):
    kind = "truncated_normal"

    def __init__(self, sigma: float = 0.01, mean: float = 0.0, a: float = -2.0, b: float = 2.0) -> None:
        super().__init__(sigma, mean)


def _fans(shape: list[int]) -> tuple[float, float]:
    """MindSpore's fans: the first axis of a weight counts the outputs. ValueError for fewer than two dimensions."""
    if len(shape) < 2:
        raise ValueError(f"For initializer, the dimension of the tensor to be initialized should be at least 2, but got {len(shape)}.")
    field = math.prod(shape[2:])
    return float(shape[1] * field), float(shape[0] * field)


class XavierUniform(Initializer):
    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        limit = self.gain * math.sqrt(6 / sum(_fans(shape)))
        return initial.draw(name, "uniform", shape, dtype, -limit, limit)


class XavierNormal(XavierUniform):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, "normal", shape, dtype, 0.0, self.gain * math.sqrt(2 / sum(_fans(shape))))


class HeUniform(Initializer):
    def __init__(self, negative_slope: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> None:
        self.slope, self.mode, self.nonlinearity = negative_slope, mode, nonlinearity

    def deviation(self, shape: list[int]) -> float:
        fan_in, fan_out = _fans(shape)
        gain = {"relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + self.slope ** 2)), "tanh": 5 / 3}.get(self.nonlinearity, 1.0)
        return gain / math.sqrt(fan_in if self.mode == "fan_in" else fan_out)

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        limit = math.sqrt(3) * self.deviation(shape)
        return initial.draw(name, "uniform", shape, dtype, -limit, limit)


class HeNormal(HeUniform):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, "normal", shape, dtype, 0.0, self.deviation(shape))


class Orthogonal(Initializer):
    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(initial.draw(name, "normal", (max(rows, columns), min(rows, columns)), np.float64))
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


class Identity(Initializer):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.eye(*shape, dtype=dtype)


class Dirac(Initializer):
    def __init__(self, groups: int = 1) -> None:
        self.groups = groups

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        array = np.zeros(shape, dtype)
        per_group = shape[0] // self.groups
        for group in range(self.groups):
            for i in range(min(per_group, shape[1])):
                array[(group * per_group + i, i, *(n // 2 for n in shape[2:]))] = 1
        return array


class VarianceScaling(Initializer):
    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> None:
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        fan_in, fan_out = _fans(shape)
        variance = self.scale / max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return initial.draw(name, "uniform", shape, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return initial.draw(name, "normal", shape, dtype, 0.0, math.sqrt(variance))
        return initial.draw(name, "truncated_normal", shape, dtype, 0.0, math.sqrt(variance) / 0.87962566103423978)


_NAMES: dict[str, type[Any]] = {"zeros": Zero, "zero": Zero, "ones": One, "one": One, "uniform": Uniform, "normal": Normal,
          "truncatednormal": TruncatedNormal, "xavier_uniform": XavierUniform, "xavieruniform": XavierUniform,
          "xavier_normal": XavierNormal, "xaviernormal": XavierNormal, "he_uniform": HeUniform, "heuniform": HeUniform,
          "he_normal": HeNormal, "henormal": HeNormal, "orthogonal": Orthogonal, "identity": Identity, "dirac": Dirac,
          "variancescaling": VarianceScaling}


def as_initializer(init: Any) -> Initializer:
    """An Initializer from itself, a name or a number. ValueError for a name that MindSpore does not have."""
    if isinstance(init, Initializer):
        return init
    if isinstance(init, str):
        if init.lower() not in _NAMES:
            raise ValueError(f"For 'initializer', the class corresponding to '{init}' was not found.")
        made: Initializer = _NAMES[init.lower()]()
        return made
    return Constant(init)


def initializer(init: Any, shape: Any = None, dtype: Any = dtypes.float32) -> Any:
    """A tensor of a distribution, drawn when its Parameter has a name; a Tensor as init is itself."""
    if isinstance(init, Tensor):
        return init
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in (shape or ()))
    return InitTensor(as_initializer(init), sizes, dtype)


def values(init: Any, shape: Any, dtype: Any) -> Any:
    """The array of `Tensor(shape=…, dtype=…, init=…)`."""
    made = initializer(init, shape, dtype or dtypes.float32)
    return made.draw("tensor") if isinstance(made, InitTensor) else made.node.value
