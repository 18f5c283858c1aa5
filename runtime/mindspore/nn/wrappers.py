"""Cells around networks: with a loss, with a gradient, one step of training."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...core import leaf
from ..cell import Cell
from ..composite import HyperMap
from ..gradients import GradOperation
from ..ops import array, math, variable
from ..parameter import Parameter, ParameterTuple
from ..tensor import Tensor, wrap


class WithLossCell(Cell):
    """loss_fn(backbone(data), label)."""

    def __init__(self, backbone: Any, loss_fn: Any) -> None:
        super().__init__(auto_prefix=False)
        self._backbone = backbone
        self._loss_fn = loss_fn

    def construct(self, data: Any, label: Any) -> Any:
        return self._loss_fn(self._backbone(data), label)

    @property
    def backbone_network(self) -> Any:
        return self._backbone


class WithEvalCell(Cell):
    def __init__(self, network: Any, loss_fn: Any, add_cast_fp32: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self._network, self._loss_fn = network, loss_fn

    def construct(self, data: Any, label: Any) -> Any:
        outputs = self._network(data)
        return self._loss_fn(outputs, label), outputs, label


class ForwardValueAndGrad(Cell):
    """(value, gradients) of a network for its weights and, with get_all, its inputs."""

    def __init__(self, network: Any, weights: Any = None, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self.network, self.weights = network, weights
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param
        self.grad = GradOperation(get_all, get_by_list, sens_param)

    def construct(self, *inputs: Any) -> Any:
        weights = self.weights
        if isinstance(self.network, Cell) and weights is None:
            weights = ParameterTuple(self.network.trainable_params())
        inner = inputs[:-1] if self.sens_param else inputs
        value = self.network(*inner)
        if self.get_by_list:
            return value, self.grad(self.network, weights)(*inputs)
        return value, self.grad(self.network)(*inputs)


class WithGradCell(Cell):
    """The gradients of a network with a loss, for the network's trainable parameters."""

    def __init__(self, network: Any, loss_fn: Any = None, sens: Any = None) -> None:
        super().__init__(auto_prefix=False)
        self.network, self.loss_fn, self.sens = network, loss_fn, sens
        self.weights = ParameterTuple(network.trainable_params())
        self.grad = GradOperation(get_by_list=True, sens_param=sens is not None)
        self.network_with_loss = network if loss_fn is None else WithLossCell(network, loss_fn)
        self.network_with_loss.set_train()

    def construct(self, *inputs: Any) -> Any:
        given = inputs if self.sens is None else (*inputs, self.sens)
        return self.grad(self.network_with_loss, self.weights)(*given)


class TrainOneStepCell(Cell):
    """One step: the loss, its gradients times sens, the optimizer. Returns the loss."""

    def __init__(self, network: Any, optimizer: Any, sens: Any = None, return_grad: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.optimizer = optimizer
        self.weights = self.optimizer.parameters
        self.grad = GradOperation(get_by_list=True, sens_param=True)
        self.sens = 1.0 if sens is None else sens
        self.return_grad = return_grad
        self.reducer_flag, self.grad_reducer = False, _same

    def construct(self, *inputs: Any) -> Any:
        loss = self.network(*inputs)
        sens = _filled_like(loss, self.sens)
        grads = self.grad(self.network, self.weights)(*inputs, sens)
        self.optimizer(self.grad_reducer(grads))
        return (loss, {p.name: g for p, g in zip(self.weights, grads, strict=True)}) if self.return_grad else loss


def _same(grads: Any) -> Any:
    return grads


def _filled_like(value: Any, fill: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_filled_like(v, fill) for v in value)
    number = fill.node.value if isinstance(fill, Tensor) else fill
    return wrap(leaf(np.full(value.shape, number, value.node.dtype)))


class TrainOneStepWithLossScaleCell(TrainOneStepCell):
    """One step with a scaled loss. Returns (loss, whether gradients overflowed, scale)."""

    def __init__(self, network: Any, optimizer: Any, scale_sense: Any) -> None:
        super().__init__(network, optimizer)
        self.hyper_map = HyperMap()
        self.loss_scaling_manager = scale_sense if isinstance(scale_sense, Cell) else None
        value = scale_sense.get_loss_scale() if isinstance(scale_sense, Cell) else scale_sense
        self.scale_sense = Parameter(Tensor(value.asnumpy() if isinstance(value, Tensor) else np.float32(value)), name="scale_sense", requires_grad=False)

    def construct(self, *inputs: Any) -> Any:
        loss = self.network(*inputs)
        scale = self.scale_sense.value()
        grads = self.grad(self.network, self.weights)(*inputs, _filled_like(loss, scale))
        grads = self.hyper_map(lambda g: math.div(g, math.cast(scale, g.dtype)), grads)
        overflow = not bool(variable.all_finite(grads))
        if self.loss_scaling_manager is not None:
            self.loss_scaling_manager(self.scale_sense, overflow)
        if not overflow:
            self.optimizer(grads)
        return loss, Tensor(overflow), scale


class FixedLossScaleUpdateCell(Cell):
    def __init__(self, loss_scale_value: Any) -> None:
        super().__init__()
        self.loss_scale_value = loss_scale_value

    def get_loss_scale(self) -> Any:
        return self.loss_scale_value

    def construct(self, scale: Any, overflow: Any) -> Any:
        return overflow


class DynamicLossScaleUpdateCell(Cell):
    def __init__(self, loss_scale_value: Any, scale_factor: int, scale_window: int) -> None:
        super().__init__()
        self.loss_scale_value, self.scale_factor, self.scale_window, self.good = loss_scale_value, scale_factor, scale_window, 0

    def get_loss_scale(self) -> Any:
        return self.loss_scale_value

    def construct(self, scale: Any, overflow: Any) -> Any:
        self.good = 0 if overflow else self.good + 1
        if overflow:
            variable.assign(scale, max(float(scale) / self.scale_factor, 1.0))
        elif self.good >= self.scale_window:
            variable.assign(scale, float(scale) * self.scale_factor)
            self.good = 0
        return overflow




class MicroBatchInterleaved(Cell):
    def __init__(self, network: Any, interleave_num: int = 2) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, *inputs: Any) -> Any:
        return self.network(*inputs)


class DistributedGradReducer(Cell):
    """One process: the gradients are those of all."""

    def __init__(self, parameters: Any, mean: Any = None, degree: Any = None, **ignored: Any) -> None:
        super().__init__(auto_prefix=False)

    def construct(self, grads: Any) -> Any:
        return grads


class ParameterUpdate(Cell):
    def __init__(self, param: Any) -> None:
        super().__init__(auto_prefix=False)
        self._param = param

    def construct(self, x: Any) -> Any:
        return variable.assign(self._param, x)


class TimeDistributed(Cell):
    """Applies a layer to every step along an axis."""

    def __init__(self, layer: Any, time_axis: int, reshape_with_axis: Any = None) -> None:
        super().__init__()
        self.layer, self.time_axis = layer, time_axis

    def construct(self, inputs: Any) -> Any:
        return array.stack([self.layer(part) for part in array.unstack(inputs, self.time_axis)], self.time_axis)


WRAPPERS = {c.__name__: c for c in (WithLossCell, WithEvalCell, ForwardValueAndGrad, WithGradCell, TrainOneStepCell, TrainOneStepWithLossScaleCell,
                                    FixedLossScaleUpdateCell, DynamicLossScaleUpdateCell, MicroBatchInterleaved, DistributedGradReducer, ParameterUpdate,
                                    TimeDistributed)}
