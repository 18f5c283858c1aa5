"""tf.train: optimizers with their slots, learning rate schedules, moving averages, savers and other session furniture."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import core, ops
from ..core import Node
from .control_flow import group
from .gradients import gradients
from .graph import GraphKeys, IndexedSlices, Operation, Tensor, control_dependencies, convert, get_collection, get_default_graph, name_scope, wrap
from .variables import Variable, get_variable


def _slot(variable: Variable, name: str, optimizer: str, value: Any = 0.0, shape: Any = None) -> Variable:
    graph = get_default_graph()
    before, graph.name_stack = graph.name_stack, ""
    sizes = [int(n or 0) for n in (variable._read.shape or ())] if shape is None else shape
    made = Variable(np.full(sizes, value, variable._read.dtype), trainable=False, name=f"{variable.op.name}/{optimizer}")
    graph.name_stack = before
    return made


class Optimizer:
    """Gradients of a loss, and the updates that they make. Subclasses say which slots a variable has and how they change."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2
    slot_names: tuple[str, ...] = ()
    by_rows = False  # whether an IndexedSlices leaves the rows that it does not name, and their slots, as they are
    slot_start: dict[str, float] = {}

    def __init__(self, learning_rate: Any = 0.001, name: str = "Optimizer", use_locking: bool = False) -> None:
        self._lr, self._name = learning_rate, name
        self._learning_rate = learning_rate
        self._slots: dict[str, dict[Variable, Variable]] = {}
        self._waiting: dict[Variable, Node] = {}

    def get_name(self) -> str:
        return self._name

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: Any = 1, aggregation_method: Any = None,
                 colocate_gradients_with_ops: bool = False, name: Any = None, grad_loss: Any = None) -> Any:
        """compute_gradients, then apply_gradients. ValueError when no variable has a gradient."""
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(g is None for g, _ in pairs):
            raise ValueError(f"No gradients provided for any variable, check your graph for ops that do not support gradients, between variables "
                             f"{[str(v) for _, v in pairs]} and loss {loss}.")
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: Any = 1, aggregation_method: Any = None,
                          colocate_gradients_with_ops: bool = False, grad_loss: Any = None) -> list[Any]:
        variables = list(var_list) if isinstance(var_list, (list, tuple)) else [var_list] if var_list is not None else (
            get_collection(GraphKeys.TRAINABLE_VARIABLES))
        if not variables:
            raise ValueError("No variables to optimize.")
        return list(zip(gradients(loss, variables, grad_loss), variables, strict=True))

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        used = [(g, v) for g, v in pairs if g is not None]
        if not used:
            raise ValueError(f"No gradients provided for any variable: {[v.name for _, v in pairs]}.")
        graph = get_default_graph()
        with name_scope(name or self._name):
            control = graph.control[-1] if graph.control else ()
            self._prepare(used)
            self._waiting = {}
            updates = [u for g, v in used for u in self._apply(v, _dense(g), control, _touched(g, v) if self.by_rows else None)]
            updates += self._finish((*control, *(u.node for u in updates)) if control else (), updates)
            if global_step is None:
                return group(*updates, name=name or self._name)
            with control_dependencies(updates):
                return global_step.assign_add(1)

    def _prepare(self, pairs: Sequence[tuple[Any, Variable]]) -> None:
        for _, variable in pairs:
            for slot in self.slot_names:
                self._slots.setdefault(slot, {})
                if variable not in self._slots[slot]:
                    place = self.slot_names.index(slot)
                    label = f"{self._name}_{place}" if place else self._name
                    self._slots[slot][variable] = _slot(variable, slot, label, self.slot_start.get(slot, 0.0))

    def _rate(self, like: Node) -> Node:
        value = self._learning_rate() if callable(self._learning_rate) else self._learning_rate
        return _number(value, like)

    def _now(self, variable: Variable) -> Node:
        """The value that an update starts from: as it is once the control dependencies have run, and before any of these updates."""
        if variable not in self._waiting:
            self._waiting[variable] = variable._as_tensor().node
        return self._waiting[variable]

    def _apply(self, variable: Variable, gradient: Node, control: tuple[Node, ...], touched: Node | None = None) -> list[Any]:
        """Updates of one variable and its slots, in the rows that are `touched`."""
        read = self._now(variable)
        slots = [self._slots[name][variable] for name in self.slot_names]
        new_value, *new_slots = self.rule(read, gradient, self._rate(read), *(self._now(s) for s in slots))
        changed = [*zip(slots, new_slots, strict=True), (variable, new_value)]
        if touched is not None:
            changed = [(v, ops.where(touched, new, self._now(v))) for v, new in changed]
        return [_store(v, n, control) for v, n in changed]

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        """The new value and the new slots. Users' subclasses define _apply_dense instead."""
        raise NotImplementedError(f"tensorflow.train.{type(self).__name__} without an update rule is not in mapper's runtime")

    def _finish(self, control: tuple[Node, ...], updates: list[Any]) -> list[Any]:
        return []

    def get_slot(self, var: Any, name: str) -> Any:
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        return [slot for slots in self._slots.values() for slot in slots.values()]


def _number(value: Any, like: Node) -> Node:
    if isinstance(value, (Tensor, Variable)):
        return ops.cast(convert(value).node, like.dtype)
    return core.constant(np.asarray(value, like.dtype))


def _dense(gradient: Any) -> Node:
    return convert(gradient).node


def _touched(gradient: Any, variable: Variable) -> Node | None:
    """Which rows of a variable an IndexedSlices changes, bool [rows, 1, …]; None for a dense gradient."""
    shape = variable._read.shape
    if not isinstance(gradient, IndexedSlices) or not shape or shape[0] is None:
        return None
    rows = core.constant(np.arange(shape[0]))
    named = ops.reshape(ops.cast(convert(gradient.indices).node, rows.dtype), (-1, 1))
    return ops.reshape(ops.reduce_any(ops.equal(named, rows), 0, False), (-1, *(1 for _ in shape[1:])))


def _store(variable: Variable, value: Node, control: tuple[Node, ...]) -> Operation:
    graph = get_default_graph()
    node = ops.state.update(variable.key, [value], lambda _, new: new, variable._read.shape, variable._read.dtype, control)
    return Operation(graph, graph.unique_name(f"update_{variable.op.name}"), "Apply", node)


class GradientDescentOptimizer(Optimizer):
    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(learning_rate, name)

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        return [value - rate * gradient]


class MomentumOptimizer(Optimizer):
    by_rows = True
    slot_names: tuple[str, ...] = ("momentum",)

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum", use_nesterov: bool = False) -> None:
        super().__init__(learning_rate, name)
        self._momentum, self._nesterov = momentum, use_nesterov

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        momentum = _number(self._momentum, value)
        velocity = slots[0] * momentum + gradient
        step = gradient + velocity * momentum if self._nesterov else velocity
        return [value - rate * step, velocity]


class AdamOptimizer(Optimizer):
    slot_names: tuple[str, ...] = ("m", "v")

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: float = 1e-8, use_locking: bool = False,
                 name: str = "Adam") -> None:
        super().__init__(learning_rate, name)
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        self._powers: list[Variable] = []

    def _prepare(self, pairs: Sequence[tuple[Any, Variable]]) -> None:
        if not self._powers:
            graph = get_default_graph()
            before, graph.name_stack = graph.name_stack, ""
            kind = pairs[0][1]._read.dtype
            self._powers = [Variable(np.asarray(_static(b), kind), trainable=False, name=n)
                            for b, n in ((self._beta1, "beta1_power"), (self._beta2, "beta2_power"))]
            graph.name_stack = before
        super()._prepare(pairs)

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        beta1, beta2 = _number(self._beta1, value), _number(self._beta2, value)
        power1, power2 = (self._now(p) for p in self._powers)
        m = slots[0] + (gradient - slots[0]) * (1.0 - beta1)
        v = slots[1] + (gradient * gradient - slots[1]) * (1.0 - beta2)
        scaled = rate * ops.sqrt(1.0 - power2) / (1.0 - power1)
        return [value - scaled * m / (ops.sqrt(v) + self._epsilon), m, v]

    def variables(self) -> list[Any]:
        return [*self._powers, *super().variables()]

    def _finish(self, control: tuple[Node, ...], updates: list[Any]) -> list[Any]:
        return [_store(p, self._now(p) * _number(b, p._read), control) for p, b in zip(self._powers, (self._beta1, self._beta2), strict=True)]


def _static(value: Any) -> Any:
    if isinstance(value, (Tensor, Variable)):
        return ops.shape.static_value(convert(value).node)
    return value


class RMSPropOptimizer(Optimizer):
    by_rows = True
    slot_names: tuple[str, ...] = ("rms", "momentum")
    slot_start = {"rms": 1.0}

    def __init__(self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0, epsilon: float = 1e-10, use_locking: bool = False,
                 centered: bool = False, name: str = "RMSProp") -> None:
        super().__init__(learning_rate, name)
        self._decay, self._momentum, self._epsilon, self._centered = decay, momentum, epsilon, centered
        if centered:
            self.slot_names = ("rms", "mg", "momentum")

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        decay = _number(self._decay, value)
        rms = slots[0] + (gradient * gradient - slots[0]) * (1.0 - decay)
        below, extra = rms, []
        if self._centered:
            mg = slots[1] + (gradient - slots[1]) * (1.0 - decay)
            below, extra = rms - mg * mg, [mg]
        momentum = slots[-1] * _number(self._momentum, value) + rate * gradient * ops.rsqrt(below + self._epsilon)
        return [value - momentum, rms, *extra, momentum]


class AdagradOptimizer(Optimizer):
    slot_names: tuple[str, ...] = ("accumulator",)

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False, name: str = "Adagrad") -> None:
        super().__init__(learning_rate, name)
        self.slot_start = {"accumulator": initial_accumulator_value}

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        total = slots[0] + gradient * gradient
        return [value - rate * gradient * ops.rsqrt(total), total]


class AdadeltaOptimizer(Optimizer):
    by_rows = True
    slot_names: tuple[str, ...] = ("accum", "accum_update")

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-8, use_locking: bool = False, name: str = "Adadelta") -> None:
        super().__init__(learning_rate, name)
        self._rho, self._epsilon = rho, epsilon

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        total = slots[0] * self._rho + gradient * gradient * (1 - self._rho)
        step = ops.sqrt(slots[1] + self._epsilon) * ops.rsqrt(total + self._epsilon) * gradient
        return [value - rate * step, total, slots[1] * self._rho + step * step * (1 - self._rho)]


class FtrlOptimizer(Optimizer):
    by_rows = True
    slot_names: tuple[str, ...] = ("accum", "linear")

    def __init__(self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, use_locking: bool = False, name: str = "Ftrl", **ignored: Any) -> None:
        super().__init__(learning_rate, name)
        self._power, self._l1, self._l2 = learning_rate_power, l1_regularization_strength, l2_regularization_strength
        self.slot_start = {"accum": initial_accumulator_value}

    def rule(self, value: Node, gradient: Node, rate: Node, *slots: Node) -> list[Node]:
        total = slots[0] + gradient * gradient
        old, new = (ops.power_fixed(a, -self._power) for a in (slots[0], total))
        linear = slots[1] + gradient - (new - old) / rate * value
        quadratic = new / rate + 2 * self._l2
        shrunk = ops.sign(linear) * self._l1 - linear
        active = ops.greater(ops.absolute(linear), core.lift(self._l1, linear))
        return [ops.where(active, shrunk / quadratic, ops.zeros_like(value)), total, linear]


class ProximalGradientDescentOptimizer(GradientDescentOptimizer):
    pass


# -------------------------------------------------------------------------------------------------------- learning rate rules

def _decay(learning_rate: Any, global_step: Any, formula: Callable[[Node, Node], Node], name: str) -> Tensor:
    rate = convert(learning_rate).node
    step = ops.cast(convert(global_step).node, rate.dtype)
    return wrap(formula(rate, step), name)


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False, name: Any = None) -> Tensor:
    def formula(rate: Node, step: Node) -> Node:
        p = step / _number(decay_steps, rate)
        return rate * ops.power(_number(decay_rate, rate), ops.floor(p) if staircase else p)

    return _decay(learning_rate, global_step, formula, name or "ExponentialDecay")


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False, name: Any = None) -> Tensor:
    def formula(rate: Node, step: Node) -> Node:
        p = step / _number(decay_steps, rate)
        return rate * ops.exp(-_number(decay_rate, rate) * (ops.floor(p) if staircase else p))

    return _decay(learning_rate, global_step, formula, name or "NaturalExpDecay")


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False, name: Any = None) -> Tensor:
    def formula(rate: Node, step: Node) -> Node:
        p = step / _number(decay_steps, rate)
        return rate / (1.0 + _number(decay_rate, rate) * (ops.floor(p) if staircase else p))

    return _decay(learning_rate, global_step, formula, name or "InverseTimeDecay")


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: float = 1.0, cycle: bool = False,
                     name: Any = None) -> Tensor:
    def formula(rate: Node, step: Node) -> Node:
        total = _number(decay_steps, rate)
        if cycle:
            total = total * ops.maximum(core.lift(1, rate), ops.ceil(step / total))
        fraction = ops.minimum(step, total) / total
        end = _number(end_learning_rate, rate)
        return (rate - end) * ops.power_fixed(1.0 - fraction, float(power)) + end

    return _decay(learning_rate, global_step, formula, name or "PolynomialDecay")


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: Any = None) -> Tensor:
    def formula(rate: Node, step: Node) -> Node:
        fraction = ops.minimum(step, _number(decay_steps, rate)) / _number(decay_steps, rate)
        return rate * ((1 - alpha) * 0.5 * (1.0 + ops.cos(fraction * float(np.pi))) + alpha)

    return _decay(learning_rate, global_step, formula, name or "CosineDecay")


def piecewise_constant(x: Any, boundaries: Any, values: Any, name: Any = None) -> Tensor:
    step = convert(x).node
    result = convert(values[-1]).node
    for limit, value in reversed(list(zip(boundaries, values[:-1], strict=True))):
        result = ops.where(ops.less_equal(step, core.lift(limit, step)), convert(value).node, result)
    return wrap(result, name or "PiecewiseConstant")


# --------------------------------------------------------------------------------------------------------------- global step

def create_global_step(graph: Any = None) -> Variable:
    step = get_variable("global_step", shape=[], dtype="int64", initializer=_zero, trainable=False)
    get_default_graph().add_to_collection(GraphKeys.GLOBAL_STEP, step)
    return step


def _zero(shape: Any, dtype: Any = None) -> Any:
    return np.zeros(shape, np.int64)


def get_global_step(graph: Any = None) -> Any:
    known = get_collection(GraphKeys.GLOBAL_STEP) or [v for v in get_collection(GraphKeys.GLOBAL_VARIABLES) if v.name == "global_step:0"]
    return known[0] if known else None


def get_or_create_global_step(graph: Any = None) -> Any:
    return get_global_step() or create_global_step()


class ExponentialMovingAverage:
    """Shadow variables: shadow -= (1 - decay) * (shadow - variable)."""

    def __init__(self, decay: float, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage") -> None:
        self._decay, self._updates, self._name = decay, num_updates, name
        self._averages: dict[Any, Variable] = {}

    def apply(self, var_list: Any = None) -> Any:
        variables = list(var_list) if var_list is not None else get_collection(GraphKeys.TRAINABLE_VARIABLES)
        updates = []
        for v in variables:
            if v not in self._averages:
                start = v.initial_value if isinstance(v, Variable) else wrap(ops.zeros_like(convert(v).node), "zeros")
                graph = get_default_graph()
                before, graph.name_stack = graph.name_stack, ""
                self._averages[v] = Variable(start, trainable=False, name=f"{v.op.name}/{self._name}")
                graph.name_stack = before
            shadow = self._averages[v]
            decay = core.constant(np.asarray(self._decay, shadow._read.dtype))
            if self._updates is not None:
                n = ops.cast(convert(self._updates).node, shadow._read.dtype)
                decay = ops.minimum(decay, (1.0 + n) / (10.0 + n))
            current = convert(v).node
            updates.append(shadow.assign_sub(wrap((shadow._read - current) * (1.0 - decay), "difference")))
        return group(*updates)

    def average(self, var: Any) -> Any:
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        return f"{var.op.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        return {self.average_name(v): v for v in self._averages}


# ----------------------------------------------------------------------------------------------------------------- furniture

class Saver:
    """Saves the variables of a session as path.npz and restores them."""

    def __init__(self, var_list: Any = None, max_to_keep: int = 5, **ignored: Any) -> None:
        self._variables = var_list
        self.last_checkpoints: list[str] = []

    def _named(self) -> list[tuple[str, Any]]:
        if isinstance(self._variables, dict):
            return list(self._variables.items())
        chosen = self._variables if self._variables is not None else get_collection(GraphKeys.GLOBAL_VARIABLES)
        return [(v.op.name, v) for v in chosen]

    def save(self, sess: Any, save_path: str, global_step: Any = None, **ignored: Any) -> str:
        step = "" if global_step is None else f"-{sess.run(global_step) if isinstance(global_step, (Tensor, Variable)) else int(global_step)}"
        path = save_path + step
        np.savez(path + ".npz", **{name: sess.state[v.key] for name, v in self._named()})
        self.last_checkpoints.append(path)
        return path

    def restore(self, sess: Any, save_path: str) -> None:
        with np.load(save_path + ".npz") as stored:
            for name, v in self._named():
                sess.state[v.key] = stored[name]

    def export_meta_graph(self, *args: Any, **kwargs: Any) -> None:
        pass


class Coordinator:
    """Inert: there are no queue threads to stop."""

    def __init__(self, **ignored: Any) -> None:
        self._stop = False

    def should_stop(self) -> bool:
        return self._stop

    def request_stop(self, *args: Any) -> None:
        self._stop = True

    def join(self, *args: Any, **kwargs: Any) -> None:
        pass


def start_queue_runners(*args: Any, **kwargs: Any) -> list[Any]:
    return []


def latest_checkpoint(checkpoint_dir: str, latest_filename: Any = None) -> Any:
    from pathlib import Path

    found = sorted(Path(checkpoint_dir).glob("*.npz"), key=lambda p: p.stat().st_mtime) if Path(checkpoint_dir).is_dir() else []
    return str(found[-1])[:-4] if found else None


def get_checkpoint_state(checkpoint_dir: str, latest_filename: Any = None) -> Any:
    from types import SimpleNamespace

    path = latest_checkpoint(checkpoint_dir)
    return SimpleNamespace(model_checkpoint_path=path, all_model_checkpoint_paths=[path]) if path else None


