"""Optimizers: cells called with gradients, which change the parameters in place."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core import leaf
from ..cell import Cell
from ..initializer import initializer
from ..parameter import Parameter, ParameterTuple
from ..tensor import Tensor, wrap
from .schedules import LearningRateSchedule

Array = Any
F32 = np.float32




def _clones(parameters: ParameterTuple, prefix: str, fill: Any = "zeros") -> ParameterTuple:
    made = []
    for p in parameters:
        made.append(Parameter(initializer(fill, p.shape, p.dtype), f"{prefix}.{p.name}"))
    return ParameterTuple(made)


def _number(value: Any) -> Any:
    return value.node.value.reshape(()).item() if isinstance(value, Tensor) else value


class Optimizer(Cell):
    """The base: parameters (alone or in groups with settings of their own), learning rates, weight decay, loss scale.

    Raises ValueError for no parameters."""

    def __init__(self, learning_rate: Any, parameters: Any, weight_decay: Any = 0.0, loss_scale: float = 1.0) -> None:
        super().__init__(auto_prefix=False)
        listed = list(parameters) if not isinstance(parameters, Parameter) else [parameters]
        if not listed:
            raise ValueError("For 'Optimizer', the argument parameters must not be empty.")
        self.is_group = isinstance(listed[0], dict)
        groups: list[Any] = listed if self.is_group else [{"params": listed}]
        self.global_step = Parameter(Tensor(np.array([0], np.int32)), name="global_step")
        flat: list[Parameter] = []
        rates: list[Any] = []
        decays: list[float] = []
        order: Any = None
        for group in groups:
            if "order_params" in group:
                order = list(group["order_params"])
                continue
            for p in group["params"]:
                if not isinstance(p, Parameter):
                    raise TypeError(f"For 'Optimizer', the argument parameters must be Iterable type of Parameter, but got {type(p)}.")
                if any(p is q for q in flat):
                    raise RuntimeError(f"The {p.name} parameter already exists, it does not support repeated setting. Please check whether the "
                                       f"optimizer parameter has been set multiple times.")
                flat.append(p)
                rates.append(_rates(group.get("lr", learning_rate)))
                decays.append(float(_number(group.get("weight_decay", weight_decay))))
        if order is not None:
            places = [next(i for i, p in enumerate(flat) if p is q) for q in order]
            flat, rates, decays = [flat[i] for i in places], [rates[i] for i in places], [decays[i] for i in places]
        self.learning_rate = rates[0] if isinstance(rates[0], LearningRateSchedule) else Parameter(
            Tensor(np.asarray(rates[0], F32)), name="learning_rate")
        self._rates, self._decays = rates, decays
        self.parameters = self._parameters = ParameterTuple(flat)
        self.loss_scale = loss_scale
        self.weight_decay = weight_decay
        self.grad_centralization, self.use_parallel, self.dynamic_lr = False, False, not np.isscalar(rates[0])
        self.param_length = len(flat)
        self.exec_weight_decay = any(decays)
        self.is_group_lr = self.is_group

    def _rate(self, index: int) -> Any:
        rate = self._rates[index]
        step = self.global_step.node.value
        if isinstance(rate, LearningRateSchedule):
            return F32(rate(wrap(leaf(step.copy()))).node.value.reshape(()))
        if isinstance(rate, np.ndarray):
            return F32(rate[min(int(step[0]), len(rate) - 1)])
        if index == 0 or all(r == self._rates[0] for r in self._rates if np.isscalar(r)):
            held = self.learning_rate
            if isinstance(held, Parameter) and held.ndim == 0 and not self.is_group:
                return F32(held.node.value)
        return F32(rate)

    def get_lr(self) -> Any:
        """The rate of this step (a tuple in groups); counts the step."""
        rates = [wrap(leaf(np.asarray(self._rate(i)))) for i in range(len(self.parameters))]
        self._count()
        return tuple(rates) if self.is_group else rates[0]

    def get_lr_parameter(self, param: Any) -> Any:
        return self.learning_rate

    def get_weight_decay(self) -> Any:
        return tuple(self._decays) if self.is_group else self._decays[0]

    def _count(self) -> None:
        self.global_step.store(self.global_step.node.value + np.int32(1))

    def scale_grad(self, gradients: Any) -> Any:
        return gradients if self.loss_scale == 1.0 else tuple(g / self.loss_scale for g in gradients)

    def decay_weight(self, gradients: Any) -> Any:
        return tuple(g + p * d if d and _decays_weight(p) else g for g, p, d in zip(gradients, self.parameters, self._decays, strict=True))

    def flatten_gradients(self, gradients: Any) -> Any:
        return gradients

    def gradients_centralization(self, gradients: Any) -> Any:
        return gradients

    def _prepared(self, gradients: Any) -> list[tuple[Parameter, Array, Any, int]]:
        """(parameter, its gradient with loss scale and weight decay, its rate, its number)."""
        listed: Sequence[Any] = gradients if isinstance(gradients, (list, tuple)) else [gradients]
        if len(listed) != len(self.parameters):
            raise ValueError(f"For '{type(self).__name__}', the number of gradients ({len(listed)}) must be that of the parameters ({len(self.parameters)}).")
        made = []
        for i, (p, g) in enumerate(zip(self.parameters, listed, strict=True)):
            dtype = p.node.dtype
            array = g.node.value.astype(dtype, copy=False)
            if self.loss_scale != 1.0:
                array = array / dtype.type(self.loss_scale)
            if self._decays[i] and self.couples_decay and _decays_weight(p):
                array = array + p.node.value * dtype.type(self._decays[i])
            made.append((p, array, self._rate(i), i))
        return made

    couples_decay = True

    def construct(self, gradients: Any) -> Any:
        prepared = self._prepared(gradients)
        self.begin()
        for p, g, rate, i in prepared:
            value = p.node.value
            p.store(self.updated(value, g, value.dtype.type(rate), i))
        self._count()
        return True

    def begin(self) -> None:
        """What a step does once, before the parameters."""

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        raise NotImplementedError


def _decays_weight(p: Parameter) -> bool:
    return "beta" not in p.name and "gamma" not in p.name


def _rates(value: Any) -> Any:
    if isinstance(value, LearningRateSchedule):
        return value
    if isinstance(value, Tensor):
        return float(value.node.value) if value.ndim == 0 else np.asarray(value.node.value, F32)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"For 'Optimizer', the argument 'learning_rate' must be non-negative, but got {value}.")
        return float(value)
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "__iter__"):
        return np.asarray(list(value), F32)
    raise TypeError(f"For 'Optimizer', the argument 'learning_rate' must be int, float, Iterable, Tensor or LearningRateSchedule, but got {type(value)}.")


class SGD(Optimizer):
    def __init__(self, params: Any, learning_rate: Any = 0.1, momentum: float = 0.0, dampening: float = 0.0, weight_decay: Any = 0.0, nesterov: bool = False,
                 loss_scale: float = 1.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        if nesterov and (momentum <= 0 or dampening):
            raise ValueError("For 'SGD', if 'nesterov' is true, 'momentum' must be > 0.0 and 'dampening' must equal to 0.0, but got 'momentum' "
                             f"{momentum}, 'dampening' {dampening}.")
        self.dampening, self.nesterov = dampening, nesterov
        self.momentum = Parameter(Tensor(F32(momentum)), name="momentum", requires_grad=False)
        self.accum = _clones(self.parameters, "accum")
        self.stat = _clones(self.parameters, "stat", "ones")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        factor = p.dtype.type(self.momentum.node.value)
        if not factor:
            return p - lr * g
        first = self.stat[i].node.value.reshape(-1)[:1].any()
        accum = g if first else self.accum[i].node.value * factor + g * p.dtype.type(1 - self.dampening)
        self.accum[i].store(accum)
        if first:
            self.stat[i].store(np.zeros_like(p))
        return p - lr * (g + accum * factor if self.nesterov else accum)


class Momentum(Optimizer):
    """The CPU's kernel ignores use_nesterov, and so does this."""

    def __init__(self, params: Any, learning_rate: Any, momentum: Any, weight_decay: Any = 0.0, loss_scale: float = 1.0, use_nesterov: bool = False) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.momentum = Parameter(Tensor(F32(_number(momentum))), name="momentum", requires_grad=False)
        self.moments = _clones(self.parameters, "moments")
        self.use_nesterov = use_nesterov

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        accum = self.moments[i].node.value * p.dtype.type(self.momentum.node.value) + g
        self.moments[i].store(accum)
        return p - lr * accum


class Adam(Optimizer):
    def __init__(self, params: Any, learning_rate: Any = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, use_locking: bool = False,
                 use_nesterov: bool = False, weight_decay: Any = 0.0, loss_scale: float = 1.0, use_amsgrad: bool = False, **ignored: Any) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        _check_beta(type(self).__name__, beta1, beta2)
        self.beta1, self.beta2, self.eps, self.use_nesterov, self.use_amsgrad = beta1, beta2, eps, use_nesterov, use_amsgrad
        self.beta1_power = Parameter(Tensor(F32(1)), name="beta1_power")
        self.beta2_power = Parameter(Tensor(F32(1)), name="beta2_power")
        self.moment1 = _clones(self.parameters, "moment1")
        self.moment2 = _clones(self.parameters, "moment2")
        if use_amsgrad:
            self.vhat = _clones(self.parameters, "vhat")

    def begin(self) -> None:
        self.beta1_power.store(self.beta1_power.node.value * F32(self.beta1))
        self.beta2_power.store(self.beta2_power.node.value * F32(self.beta2))

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        b1, b2 = real(self.beta1), real(self.beta2)
        one = real(1)
        m = self.moment1[i].node.value + (g - self.moment1[i].node.value) * (one - b1)
        v = self.moment2[i].node.value + (g * g - self.moment2[i].node.value) * (one - b2)
        self.moment1[i].store(m)
        self.moment2[i].store(v)
        if self.use_amsgrad:
            v = np.maximum(self.vhat[i].node.value, v)
            self.vhat[i].store(v)
        rate = lr * np.sqrt(one - real(self.beta2_power.node.value)) / (one - real(self.beta1_power.node.value))
        step = b1 * m + (one - b1) * g if self.use_nesterov else m
        return p - rate * step / (np.sqrt(v) + real(self.eps))


LazyAdam = type("LazyAdam", (Adam,), {"__module__": __package__})


def _check_beta(name: str, beta1: Any, beta2: Any) -> None:
    for which, value in (("beta1", beta1), ("beta2", beta2)):
        if not isinstance(value, float):
            raise TypeError(f"For '{name}', the type of '{which}' must be float, but got {type(value).__name__}.")
        if not 0 < value < 1:
            raise ValueError(f"For '{name}', the '{which}' must be in range (0, 1), but got {value}.")


class AdamWeightDecay(Optimizer):
    """Adam without bias correction, its weight decay apart from the moments."""

    couples_decay = False

    def __init__(self, params: Any, learning_rate: Any = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6, weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay)
        _check_beta("AdamWeightDecay", beta1, beta2)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.moments1 = _clones(self.parameters, "adam_m")
        self.moments2 = _clones(self.parameters, "adam_v")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        m = self.moments1[i].node.value * real(self.beta1) + g * real(1 - self.beta1)
        v = self.moments2[i].node.value * real(self.beta2) + g * g * real(1 - self.beta2)
        self.moments1[i].store(m)
        self.moments2[i].store(v)
        step = m / (np.sqrt(v) + real(self.eps))
        if self._decays[i] and _decays_weight(self.parameters[i]):
            step = step + real(self._decays[i]) * p
        return p - lr * step


class RMSProp(Optimizer):
    """The mean square starts at ones, as TensorFlow's does."""

    def __init__(self, params: Any, learning_rate: Any = 0.1, decay: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-10, use_locking: bool = False,
                 centered: bool = False, loss_scale: float = 1.0, weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.decay, self.momentum, self.epsilon, self.centered = decay, momentum, epsilon, centered
        if centered:
            self.mg = _clones(self.parameters, "mean_grad")
        self.ms = _clones(self.parameters, "mean_square", "ones")
        self.moment = _clones(self.parameters, "moment")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        old, new = real(self.decay), real(1 - self.decay)
        square = self.ms[i].node.value * old + g * g * new
        self.ms[i].store(square)
        spread = square
        if self.centered:
            mean = self.mg[i].node.value * old + g * new
            self.mg[i].store(mean)
            spread = square - mean * mean
        moment = self.moment[i].node.value * real(self.momentum) + lr * g / np.sqrt(spread + real(self.epsilon))
        self.moment[i].store(moment)
        return p - moment


class Adagrad(Optimizer):
    def __init__(self, params: Any, accum: float = 0.1, learning_rate: Any = 0.001, update_slots: bool = True, loss_scale: float = 1.0,
                 weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.accum = _clones(self.parameters, "accum", accum)
        self.update_slots = update_slots

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        accum = self.accum[i].node.value
        if self.update_slots:
            accum = accum + g * g
            self.accum[i].store(accum)
        return p - lr * g / np.sqrt(accum)


class Adadelta(Optimizer):
    def __init__(self, params: Any, learning_rate: Any = 1.0, rho: float = 0.9, epsilon: float = 1e-6, loss_scale: float = 1.0,
                 weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.rho, self.epsilon = rho, epsilon
        self.accum = _clones(self.parameters, "accum")
        self.accum_update = _clones(self.parameters, "accum_update")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        old, new, eps = real(self.rho), real(1 - self.rho), real(self.epsilon)
        accum = self.accum[i].node.value * old + g * g * new
        past = self.accum_update[i].node.value
        step = np.sqrt(past + eps) / np.sqrt(accum + eps) * g
        self.accum[i].store(accum)
        self.accum_update[i].store(past * old + step * step * new)
        return p - lr * step


class AdaMax(Optimizer):
    def __init__(self, params: Any, learning_rate: Any = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: Any = 0.0,
                 loss_scale: float = 1.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.beta1_power = Parameter(Tensor(F32(1)), name="beta1_power")
        self.moment1 = _clones(self.parameters, "moment1")
        self.moment2 = _clones(self.parameters, "moment2")

    def begin(self) -> None:
        self.beta1_power.store(self.beta1_power.node.value * F32(self.beta1))

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        m = self.moment1[i].node.value * real(self.beta1) + g * real(1 - self.beta1)
        u = np.maximum(self.moment2[i].node.value * real(self.beta2), np.abs(g))
        self.moment1[i].store(m)
        self.moment2[i].store(u)
        return p - lr / (real(1) - real(self.beta1_power.node.value)) * m / (u + real(self.eps))


class FTRL(Optimizer):
    def __init__(self, params: Any, initial_accum: float = 0.1, learning_rate: float = 0.001, lr_power: float = -0.5, l1: float = 0.0, l2: float = 0.0,
                 use_locking: bool = False, loss_scale: float = 1.0, weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.lr_power, self.l1, self.l2 = lr_power, l1, l2
        self.moments = _clones(self.parameters, "moments", initial_accum)
        self.linear = _clones(self.parameters, "linear")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        old = self.moments[i].node.value
        new = old + g * g
        power = real(-self.lr_power)
        linear = self.linear[i].node.value + g - (new ** power - old ** power) / lr * p
        self.moments[i].store(new)
        self.linear[i].store(linear)
        shrunk = np.clip(linear, -real(self.l1), real(self.l1)) - linear
        return shrunk / (new ** power / lr + real(2 * self.l2))


class Lamb(Optimizer):
    couples_decay = False

    def __init__(self, params: Any, learning_rate: Any, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6, weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.moments1 = _clones(self.parameters, "lamb_m")
        self.moments2 = _clones(self.parameters, "lamb_v")

    def updated(self, p: Array, g: Array, lr: Any, i: int) -> Array:
        real = p.dtype.type
        t = int(self.global_step.node.value[0]) + 1
        m = self.moments1[i].node.value * real(self.beta1) + g * real(1 - self.beta1)
        v = self.moments2[i].node.value * real(self.beta2) + g * g * real(1 - self.beta2)
        self.moments1[i].store(m)
        self.moments2[i].store(v)
        step = m / real(1 - self.beta1 ** t) / (np.sqrt(v / real(1 - self.beta2 ** t)) + real(self.eps)) + real(self._decays[i]) * p
        length, size = np.linalg.norm(p), np.linalg.norm(step)
        return p - lr * (real(length / size) if length > 0 and size > 0 else real(1)) * step


OPTIMIZERS = {c.__name__: c for c in (Optimizer, SGD, Momentum, Adam, LazyAdam, AdamWeightDecay, RMSProp, Adagrad, Adadelta, AdaMax, FTRL, Lamb)}
