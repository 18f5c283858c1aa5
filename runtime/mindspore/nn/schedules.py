"""Learning rates that change: cells of the global step, and lists with a rate per step."""
from __future__ import annotations

import math as pymath
from typing import Any

import numpy as np

from ...core import leaf
from ..cell import Cell
from ..tensor import Tensor, wrap


class LearningRateSchedule(Cell):
    """A rate as a function of the global step: `construct(global_step)`."""

    def construct(self, global_step: Any) -> Any:
        raise NotImplementedError


def _step(global_step: Any) -> Any:
    return np.float32(global_step.node.value.reshape(())) if isinstance(global_step, Tensor) else np.float32(global_step)


def _rate(value: Any) -> Tensor:
    return wrap(leaf(np.asarray(value, np.float32)))


class _Decay(LearningRateSchedule):
    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        super().__init__()
        self.learning_rate, self.decay_rate, self.decay_steps, self.is_stair = learning_rate, decay_rate, decay_steps, is_stair

    def _progress(self, global_step: Any) -> Any:
        p = _step(global_step) / np.float32(self.decay_steps)
        return np.floor(p) if self.is_stair else p


class ExponentialDecayLR(_Decay):
    def construct(self, global_step: Any) -> Any:
        return _rate(self.learning_rate * np.power(np.float32(self.decay_rate), self._progress(global_step)))


class NaturalExpDecayLR(_Decay):
    def _progress(self, global_step: Any) -> Any:
        step = _step(global_step)
        return np.floor(step / self.decay_steps) * self.decay_steps if self.is_stair else step

    def construct(self, global_step: Any) -> Any:
        return _rate(self.learning_rate * np.exp(-self.decay_rate * self._progress(global_step)))


class InverseDecayLR(_Decay):
    def construct(self, global_step: Any) -> Any:
        return _rate(self.learning_rate / (1 + self.decay_rate * self._progress(global_step)))


class CosineDecayLR(LearningRateSchedule):
    def __init__(self, min_lr: float, max_lr: float, decay_steps: int) -> None:
        super().__init__()
        self.min_lr, self.max_lr, self.decay_steps = min_lr, max_lr, decay_steps

    def construct(self, global_step: Any) -> Any:
        p = min(_step(global_step), np.float32(self.decay_steps))
        return _rate(self.min_lr + 0.5 * (self.max_lr - self.min_lr) * (1 + np.cos(p * np.float32(pymath.pi / self.decay_steps))))


class PolynomialDecayLR(LearningRateSchedule):
    def __init__(self, learning_rate: float, end_learning_rate: float, decay_steps: int, power: float, update_decay_steps: bool = False) -> None:
        super().__init__()
        self.learning_rate, self.end_learning_rate, self.decay_steps, self.power = learning_rate, end_learning_rate, decay_steps, power
        self.update_decay_steps = update_decay_steps

    def construct(self, global_step: Any) -> Any:
        step, total = _step(global_step), float(self.decay_steps)
        if self.update_decay_steps:
            total *= max(1.0, pymath.ceil(step / total))
        p = min(step, np.float32(total)) / np.float32(total)
        return _rate((self.learning_rate - self.end_learning_rate) * np.power(np.float32(1) - p, np.float32(self.power)) + self.end_learning_rate)


class WarmUpLR(LearningRateSchedule):
    def __init__(self, learning_rate: float, warmup_steps: int) -> None:
        super().__init__()
        self.learning_rate, self.warmup_steps = learning_rate, warmup_steps

    def construct(self, global_step: Any) -> Any:
        return _rate(self.learning_rate * min(_step(global_step), self.warmup_steps) / self.warmup_steps)


def piecewise_constant_lr(milestone: Any, learning_rates: Any) -> list[float]:
    rates: list[float] = []
    for upto, rate in zip(milestone, learning_rates, strict=True):
        rates.extend([rate] * (upto - len(rates)))
    return rates


def _epochs(total_step: int, step_per_epoch: int) -> list[int]:
    return [i // step_per_epoch for i in range(total_step)]


def _stair(epoch: int, decay_epoch: int, is_stair: bool) -> float:
    return epoch // decay_epoch if is_stair else epoch / decay_epoch


def exponential_decay_lr(learning_rate: float, decay_rate: float, total_step: int, step_per_epoch: int, decay_epoch: int,
                         is_stair: bool = False) -> list[float]:
    return [learning_rate * decay_rate ** _stair(e, decay_epoch, is_stair) for e in _epochs(total_step, step_per_epoch)]


def natural_exp_decay_lr(learning_rate: float, decay_rate: float, total_step: int, step_per_epoch: int, decay_epoch: int,
                         is_stair: bool = False) -> list[float]:
    return [learning_rate * pymath.e ** (-decay_rate * (e // decay_epoch * decay_epoch if is_stair else e)) for e in _epochs(total_step, step_per_epoch)]


def inverse_decay_lr(learning_rate: float, decay_rate: float, total_step: int, step_per_epoch: int, decay_epoch: int, is_stair: bool = False) -> list[float]:
    return [learning_rate / (1 + decay_rate * _stair(e, decay_epoch, is_stair)) for e in _epochs(total_step, step_per_epoch)]


def cosine_decay_lr(min_lr: float, max_lr: float, total_step: int, step_per_epoch: int, decay_epoch: int) -> list[float]:
    return [min_lr + 0.5 * (max_lr - min_lr) * (1 + pymath.cos(pymath.pi * min(e, decay_epoch) / decay_epoch)) for e in _epochs(total_step, step_per_epoch)]


def polynomial_decay_lr(learning_rate: float, end_learning_rate: float, total_step: int, step_per_epoch: int, decay_epoch: int, power: float,
                        update_decay_epoch: bool = False) -> list[float]:
    rates = []
    for e in _epochs(total_step, step_per_epoch):
        whole = decay_epoch * max(pymath.ceil(e / decay_epoch), 1) if update_decay_epoch else decay_epoch
        rates.append((learning_rate - end_learning_rate) * (1 - min(e, whole) / whole) ** power + end_learning_rate)
    return rates


def warmup_lr(learning_rate: float, total_step: int, step_per_epoch: int, warmup_epoch: int) -> list[float]:
    return [learning_rate * min(e, warmup_epoch) / warmup_epoch if warmup_epoch else learning_rate for e in _epochs(total_step, step_per_epoch)]


SCHEDULES = {c.__name__: c for c in (LearningRateSchedule, ExponentialDecayLR, NaturalExpDecayLR, InverseDecayLR, CosineDecayLR, PolynomialDecayLR, WarmUpLR)}
RATES = {f.__name__: f for f in (piecewise_constant_lr, exponential_decay_lr, natural_exp_decay_lr, inverse_decay_lr, cosine_decay_lr, polynomial_decay_lr,
                                 warmup_lr)}
