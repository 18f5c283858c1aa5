"""tf.keras.backend, losses, and the optimizers that hand out updates: other names for this face's functions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import array, control_flow, dtypes, gradients, graph, math, nn, session, train, variables
from .graph import GraphKeys, Tensor, convert, get_collection

EPSILON = 1e-7
_state: dict[str, Any] = {"session": None, "phase": 0}


def get_session(op_input_list: Any = ()) -> Any:
    """The default session, or one of Keras' own; variables that have no value yet get their initial ones."""
    found = session.get_default_session()
    if found is None:
        held = _state["session"]
        if held is None or held.graph is not graph.get_default_graph():
            held = _state["session"] = session.Session()
        found = held
    fresh = [v.initializer for v in get_collection(GraphKeys.GLOBAL_VARIABLES) if v.key not in found.state]
    if fresh:
        found.run(fresh)
    return found


def set_session(new: Any) -> None:
    _state["session"] = new


def clear_session() -> None:
    _state["session"] = None
    graph.reset_default_graph()


def function(inputs: Any, outputs: Any, updates: Any = None, name: Any = None, **ignored: Any) -> Callable[..., Any]:
    """A callable that runs `outputs` in the session of Keras; the order of `updates` is after them."""
    def call(values: Any) -> Any:
        listed = values if isinstance(inputs, (list, tuple)) else [values]
        feeds = dict(zip(control_flow.flatten(inputs), listed, strict=True))
        return get_session().run([outputs, list(updates or ())], feeds)[0]

    return call


def _reduced(name: str) -> Callable[..., Tensor]:
    function_ = getattr(math, name)
    return lambda x, axis=None, keepdims=False: function_(_floats(x), axis, keepdims)


def _floats(x: Any) -> Any:
    found = convert(x)
    return math.cast(found, "float32") if found.dtype.name == "bool" else found


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return math.sqrt(var(x, axis, keepdims))


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    found: Any = _floats(x)
    return math.reduce_mean(math.square(found - math.reduce_mean(found, axis, True)), axis, keepdims)


def variable(value: Any, dtype: Any = None, name: Any = None, constraint: Any = None) -> Any:
    return variables.Variable(np.asarray(value, dtypes.numpy_dtype(dtype or "float32")), name=name or "Variable")


def placeholder(shape: Any = None, ndim: Any = None, dtype: Any = None, name: Any = None, **ignored: Any) -> Any:
    return array.placeholder(dtype or "float32", shape if shape is not None else [None] * ndim if ndim else None, name)


def dot(x: Any, y: Any) -> Any:
    a, b = convert(x), convert(y)
    ranks = len(a.node.shape or ()), len(b.node.shape or ())
    return math.matmul(a, b) if ranks == (2, 2) else math.tensordot(a, b, [[ranks[0] - 1], [max(ranks[1] - 2, 0)]])


def batch_flatten(x: Any) -> Any:
    found = convert(x)
    sizes: Any = (found.node.shape or ())[1:]
    return array.reshape(found, [-1, int(np.prod(sizes))])


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    if from_logits:
        return nn.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    p: Any = math.clip_by_value(convert(output), EPSILON, 1.0 - EPSILON)
    t: Any = convert(target, p.dtype)
    return -(t * math.log(p + EPSILON) + (1.0 - t) * math.log(1.0 - p + EPSILON))


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    if from_logits:
        return nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=output, axis=axis)
    p: Any = convert(output)
    p = math.clip_by_value(p / math.reduce_sum(p, axis, True), EPSILON, 1.0 - EPSILON)
    return -math.reduce_sum(convert(target, p.dtype) * math.log(p), axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    logits = output if from_logits else math.log(math.clip_by_value(convert(output), EPSILON, 1.0 - EPSILON))
    labels = math.cast(array.reshape(target, [-1]), "int64")
    return nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    if callable(then_expression):
        return control_flow.cond(condition, then_expression, else_expression)
    return math.where_v2(condition, then_expression, else_expression)


def int_shape(x: Any) -> Any:
    shape = convert(x).node.shape
    return None if shape is None else tuple(shape)


def _set_value(x: Any, value: Any) -> None:
    x.load(np.asarray(value), get_session())


def _learning_phase(value: Any) -> None:
    _state["phase"] = value


def names() -> dict[str, Any]:
    """tf.keras.backend."""
    made: dict[str, Any] = {short: _reduced(f"reduce_{short}") for short in ("sum", "mean", "max", "min", "prod", "any", "all", "logsumexp")}
    made.update({name: getattr(math, name) for name in ("abs", "square", "sqrt", "exp", "log", "pow", "sign", "round", "maximum", "minimum", "equal",
                                                       "not_equal", "greater", "greater_equal", "less", "less_equal", "cast", "sin", "cos", "tanh",
                                                       "sigmoid", "softplus", "softsign", "cumsum", "cumprod")})
    made.update({name: getattr(array, name) for name in ("reshape", "transpose", "stack", "tile", "gather", "zeros_like", "ones_like", "expand_dims",
                                                        "squeeze", "shape", "one_hot", "reverse", "constant")})
    made.update({name: globals()[name] for name in ("get_session", "set_session", "clear_session", "function", "std", "var", "variable", "placeholder",
                                                   "dot", "batch_flatten", "binary_crossentropy", "categorical_crossentropy", "switch", "int_shape",
                                                   "sparse_categorical_crossentropy")})
    made.update(elu=nn.elu, softmax=nn.softmax, relu=nn.relu, argmax=lambda x, axis=-1: math.argmax(x, axis), argmin=lambda x, axis=-1: math.argmin(x, axis),
                clip=math.clip_by_value, flatten=lambda x: array.reshape(x, [-1]), concatenate=lambda tensors, axis=-1: array.concat(list(tensors), axis),
                permute_dimensions=lambda x, pattern: array.transpose(x, pattern), l2_normalize=lambda x, axis=None: nn.l2_normalize(x, axis),
                gradients=lambda loss, variables: gradients.gradients(loss, variables),
                stop_gradient=math.stop_gradient, ndim=lambda x: len(int_shape(x) or ()),
                zeros=lambda shape, dtype=None, name=None: variable(np.zeros(shape), dtype, name), eval=lambda x: get_session().run(x),
                ones=lambda shape, dtype=None, name=None: variable(np.ones(shape), dtype, name), get_value=lambda x: get_session().run(x), set_value=_set_value,
                learning_phase=lambda: _state["phase"], set_learning_phase=_learning_phase, image_data_format=lambda: "channels_last", epsilon=lambda: EPSILON,
                floatx=lambda: "float32", set_floatx=lambda value: None, set_image_data_format=lambda value: None, identity=math.identity,
                random_normal=lambda shape, mean=0.0, stddev=1.0, dtype=None, seed=None: nn.random_normal(shape, mean, stddev, dtype or "float32", seed),
                random_uniform=lambda shape, minval=0.0, maxval=1.0, dtype=None, seed=None: nn.random_uniform(
                    shape, minval, maxval, dtype or "float32", seed),
                update=lambda x, new_x: x.assign(new_x), update_add=lambda x, increment: x.assign_add(increment), backend=lambda: "tensorflow",
                update_sub=lambda x, decrement: x.assign_sub(decrement),
                dropout=lambda x, level, noise_shape=None, seed=None: nn.dropout(x, rate=level, seed=seed),
                name_scope=graph.name_scope, is_keras_tensor=lambda x: isinstance(x, Tensor))
    return made


# ------------------------------------------------------------------------------------------------------------------ losses

def _mean_of(compute: Callable[..., Any], averaged: bool = True) -> Callable[..., Any]:
    """A loss per row: the mean along the last axis of what `compute(true, predicted)` gives, or that itself."""
    def loss(y_true: Any, y_pred: Any, **options: Any) -> Any:
        found = compute(convert(y_true), convert(y_pred), **options)
        return math.reduce_mean(found, -1) if averaged else found

    return loss


def _loss_class(loss: Callable[..., Any]) -> type:
    class Loss:
        def __init__(self, from_logits: Any = None, reduction: Any = None, name: Any = None, **ignored: Any) -> None:
            self.options = {} if from_logits is None else {"from_logits": from_logits}

        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            found = loss(y_true, y_pred, **self.options)
            return math.reduce_mean(found if sample_weight is None else found * sample_weight)

    return Loss


def losses() -> dict[str, Any]:
    """tf.keras.losses: functions per row, and classes that average over the batch."""
    squared, absolute = _mean_of(lambda t, p: math.squared_difference(p, t)), _mean_of(lambda t, p: math.abs(p - t))
    binary = _mean_of(lambda t, p, from_logits=False: binary_crossentropy(t, p, from_logits))
    categorical = _mean_of(lambda t, p, from_logits=False: categorical_crossentropy(t, p, from_logits), averaged=False)
    sparse = _mean_of(lambda t, p, from_logits=False: sparse_categorical_crossentropy(t, p, from_logits), averaged=False)
    made: dict[str, Any] = {"mean_squared_error": squared, "mse": squared, "MSE": squared, "mean_absolute_error": absolute, "mae": absolute, "MAE": absolute,
                            "binary_crossentropy": binary, "categorical_crossentropy": categorical, "sparse_categorical_crossentropy": sparse}
    made.update(MeanSquaredError=_loss_class(squared), MeanAbsoluteError=_loss_class(absolute), BinaryCrossentropy=_loss_class(binary),
                CategoricalCrossentropy=_loss_class(categorical), SparseCategoricalCrossentropy=_loss_class(sparse))
    return made


# --------------------------------------------------------------------------------------------------------------- optimizers

class _Updates:
    """What Keras' optimizers have beside apply_gradients: the updates of a loss as a list of operations."""

    apply_gradients: Callable[..., Any]

    def get_gradients(self, loss: Any, params: Any) -> Any:
        return gradients.gradients(loss, params)

    def get_updates(self, loss: Any, params: Any) -> list[Any]:
        return [self.apply_gradients(list(zip(self.get_gradients(loss, params), params, strict=True)))]


class Adam(_Updates, train.AdamOptimizer):
    def __init__(self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float = EPSILON, lr: Any = None, **ignored: Any) -> None:
        train.AdamOptimizer.__init__(self, learning_rate if lr is None else lr, beta_1, beta_2, epsilon)


class SGD(_Updates, train.MomentumOptimizer):
    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, lr: Any = None, **ignored: Any) -> None:
        train.MomentumOptimizer.__init__(self, learning_rate if lr is None else lr, momentum, use_nesterov=nesterov)
