"""Assigning to parameters, and operations that only order, print or stop."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import leaf
from ..operands import node_of
from ..tensor import Tensor, wrap
from .array import ints
from .primitive import primitive, primitives


def _array(value: Any) -> Any:
    return value.node.value if isinstance(value, Tensor) else value


def _stored(variable: Any, array: Any) -> Any:
    if hasattr(variable, "store"):
        variable.store(array)
    else:
        variable.assign_value(array)
    return variable


def assign(variable: Any, value: Any) -> Any:
    """Gives a parameter a value. Returns the parameter."""
    array = _array(value)
    if isinstance(value, Tensor) and value.shape not in (variable.shape, ()) and value.size != variable.size:
        raise ValueError(f"For 'Assign', the shape of 'variable' and 'value' must be equal, but got {variable.shape} and {value.shape}.")
    return _stored(variable, np.broadcast_to(np.reshape(array, variable.shape) if np.size(array) == variable.size else array, variable.shape))


def assign_add(variable: Any, value: Any) -> Any:
    return _stored(variable, node_of(variable, "AssignAdd").value + np.asarray(_array(value), variable.node.dtype))


def assign_sub(variable: Any, value: Any) -> Any:
    return _stored(variable, node_of(variable, "AssignSub").value - np.asarray(_array(value), variable.node.dtype))


def _scatter(how: str) -> Any:
    def op(input_x: Any, indices: Any, updates: Any) -> Any:
        result = node_of(input_x, "Scatter").value.copy()
        places = _array(indices)
        if how == "update":
            result[places] = _array(updates)
        else:
            getattr(np, how).at(result, places, _array(updates))
        return _stored(input_x, result)

    op.__name__ = f"scatter_{how}"
    return op


scatter_update = _scatter("update")
scatter_add = _scatter("add")
scatter_sub = _scatter("subtract")
scatter_max = _scatter("maximum")
scatter_min = _scatter("minimum")
scatter_mul = _scatter("multiply")
scatter_div = _scatter("divide")


def scatter_nd_update(input_x: Any, indices: Any, updates: Any) -> Any:
    return _stored(input_x, engine.scatter_into(leaf(input_x.node.value), indices.node, updates.node, "update").value)


def scatter_nd_add(input_x: Any, indices: Any, updates: Any) -> Any:
    return _stored(input_x, engine.scatter_into(leaf(input_x.node.value), indices.node, updates.node, "add").value)


def scatter_nd_sub(input_x: Any, indices: Any, updates: Any) -> Any:
    return _stored(input_x, engine.scatter_into(leaf(input_x.node.value), indices.node, updates.node, "subtract").value)


def apply_gradient_descent(var: Any, alpha: Any, delta: Any) -> Any:
    return assign_sub(var, _array(alpha) * _array(delta))


def apply_momentum(variable: Any, accumulation: Any, learning_rate: Any, gradient: Any, momentum: Any) -> Any:
    """accumulation = accumulation * momentum + gradient; variable -= learning_rate * accumulation."""
    assign(accumulation, wrap(leaf(accumulation.node.value * _array(momentum) + _array(gradient))))
    return assign_sub(variable, _array(learning_rate) * accumulation.node.value)


def apply_adam(var: Any, m: Any, v: Any, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any, gradient: Any) -> Any:
    """One step of Adam, with the powers of the betas given."""
    b1, b2, g = _array(beta1), _array(beta2), _array(gradient)
    _stored(m, m.node.value + (g - m.node.value) * (1 - b1))
    _stored(v, v.node.value + (g * g - v.node.value) * (1 - b2))
    rate = _array(lr) * np.sqrt(1 - _array(beta2_power)) / (1 - _array(beta1_power))
    return assign_sub(var, rate * m.node.value / (np.sqrt(v.node.value) + _array(epsilon))), m, v


def _insert_gradient(x: Any, f: Any) -> Tensor:
    """x, whose cotangent goes through `f`."""
    def backward(g: Any) -> Any:
        made = f(wrap(g))
        return [g if made is None else made.node]

    return wrap(engine.custom([x.node], [x.node], backward)[0])


def hook_backward(args: Any, hook_fn: Any, cell_id: str = "") -> Any:
    tensors = args if isinstance(args, tuple) else (args,)

    def backward(*gs: Any) -> Any:
        made = hook_fn(tuple(wrap(g) for g in gs))
        if made is None:
            return list(gs)
        return [m.node for m in (made if isinstance(made, tuple) else (made,))]

    nodes = engine.custom([t.node for t in tensors], [t.node for t in tensors], backward)
    return tuple(wrap(n) for n in nodes) if isinstance(args, tuple) else wrap(nodes[0])


def _print(*args: Any) -> None:
    print(*args)


def check_valid(bboxes: Any, img_metas: Any) -> Tensor:
    height, width, ratio = (float(v) for v in img_metas.node.value[:3])
    b = bboxes.node.value
    return wrap(leaf((b[:, 0] >= 0) & (b[:, 1] >= 0) & (b[:, 2] <= width * ratio - 1) & (b[:, 3] <= height * ratio - 1)))


def _zeros_of_shape(shape: Any) -> Tensor:
    return wrap(leaf(np.zeros(ints(shape), np.float32)))


def _finite_status(x: Any) -> Tensor:
    return wrap(leaf(np.array([0.0 if np.isfinite(x.node.value).all() else 1.0], np.float32)))


def all_finite(inputs: Any) -> Tensor:
    """Whether every element of every tensor is finite."""
    listed = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    return wrap(leaf(np.array(all(bool(np.isfinite(t.node.value).all()) for t in listed))))


P = primitives({
    "Assign": assign, "AssignAdd": assign_add, "AssignSub": assign_sub, "ScatterUpdate": scatter_update, "ScatterAdd": scatter_add,
    "ScatterSub": scatter_sub, "ScatterMax": scatter_max, "ScatterMin": scatter_min, "ScatterMul": scatter_mul,
    "ScatterNdUpdate": scatter_nd_update, "ScatterNdAdd": scatter_nd_add, "Depend": lambda value, expr: value, "Print": _print,
    "FloatStatus": _finite_status, "NPUAllocFloatStatus": lambda: _zeros_of_shape((8,)), "NPUGetFloatStatus": lambda x: x,
    "NPUClearFloatStatus": lambda x: _zeros_of_shape((8,)), "CheckValid": check_valid, "Load": lambda x, u=None: x,
    "ApplyGradientDescent": apply_gradient_descent,
})
P["ApplyMomentum"] = primitive("ApplyMomentum", lambda *args, **settings: apply_momentum(*args), use_nesterov=False, use_locking=False,
                               gradient_scale=1.0)
P["Adam"] = primitive("Adam", lambda *args, **settings: apply_adam(*args), use_locking=False, use_nesterov=False)
for _name in ("ScatterUpdate", "ScatterAdd", "ScatterSub", "ScatterMax", "ScatterMin", "ScatterMul", "ScatterNdUpdate", "ScatterNdAdd"):
    _function = P[_name].__call__
    P[_name] = primitive(_name, lambda x, indices, updates, use_locking, function=_function: function(x, indices, updates), use_locking=True)
P["InsertGradientOf"] = primitive("InsertGradientOf", _insert_gradient, f=lambda g: g)
P["HookBackward"] = primitive("HookBackward", lambda *args, hook_fn, cell_id: hook_backward(args if len(args) > 1 else args[0], hook_fn), hook_fn=None,
                              cell_id="")
for _name in ("AllReduce", "AllGather", "ReduceScatter", "Broadcast", "Receive", "Send"):
    # One process: what is collected from all is what this one has.
    P[_name] = primitive(_name, lambda x, **settings: x, op="sum", group="hccl_world_group", root_rank=0)

ALIASES: dict[str, Any] = {}
