"""Variables, variable scopes, initializers."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import initial, ops
from .dtypes import TensorShape, as_dtype, as_shape, numpy_dtype
from .graph import (
    Graph,
    GraphKeys,
    Operation,
    Tensor,
    convert,
    get_collection,
    get_default_graph,
    name_scope,
    wrap,
)


class Variable:
    """A variable: a key of the session's state, an initial value, and a tensor that reads it."""

    __array_priority__ = 100

    def __init__(self, initial_value: Any = None, trainable: bool | None = True, collections: Any = None, validate_shape: bool = True,
                 caching_device: Any = None, name: str | None = None, variable_def: Any = None, dtype: Any = None, expected_shape: Any = None,
                 import_scope: Any = None, constraint: Any = None, use_resource: Any = None, shape: Any = None, **ignored: Any) -> None:
        graph = get_default_graph()
        self.graph, self.trainable, self.constraint = graph, trainable is not False, constraint
        full = graph.unique_name(name or "Variable")
        self._prepare(full, initial_value, dtype, validate_shape, None)
        for key in {GraphKeys.GLOBAL_VARIABLES} if collections is None else collections:
            graph.add_to_collection(key, self)
        if self.trainable and (collections is None or GraphKeys.TRAINABLE_VARIABLES not in collections):
            graph.add_to_collection(GraphKeys.TRAINABLE_VARIABLES, self)

    def _prepare(self, full: str, initial_value: Any, dtype: Any, validate_shape: bool, scope_name: str | None) -> None:
        graph = self.graph
        before, graph.name_stack = graph.name_stack, full
        control, graph.control = graph.control, []
        self._name = full
        if callable(initial_value):
            initial_value = initial_value()
        if isinstance(initial_value, Tensor) and dtype is not None and initial_value.dtype != as_dtype(dtype):
            from .math import cast

            initial_value = cast(initial_value, dtype)
        self.initial_value = convert(initial_value, dtype, "initial_value")
        node = self.initial_value.node
        self.key = (full, id(graph), object())
        self.dtype = self.initial_value.dtype
        self._read = ops.state.read(self.key, node.shape if validate_shape else None, node.dtype)
        self._read.tag = self
        self.later_reads: list[Any] = []  # nodes that read it under control dependencies: a gradient with respect to it goes there too
        operation = Operation(graph, full, "VariableV2", self._read)
        self._tensor = Tensor(self._read, graph, operation)
        initialize = ops.state.update(self.key, [node], lambda _, value: value, node.shape, node.dtype)
        self.initializer = Operation(graph, f"{full}/Assign", "Assign", initialize)
        graph.name_stack, graph.control = before, control

    # -- reading
    def _as_tensor(self) -> Tensor:
        graph = get_default_graph()
        if graph.control and graph.control[-1]:
            read = ops.state.read(self.key, self._read.shape, self._read.dtype, graph.control[-1])
            self.later_reads.append(read)
            return wrap(read, f"{self._name.rsplit('/', 1)[-1]}/read")
        return self._tensor

    def value(self) -> Tensor:
        return self._as_tensor()

    def read_value(self) -> Tensor:
        return wrap(ops.identity(self._as_tensor().node), "Identity")

    def initialized_value(self) -> Tensor:
        return self.initial_value

    def eval(self, session: Any = None, feed_dict: Any = None) -> Any:
        return self._tensor.eval(feed_dict, session)

    def load(self, value: Any, session: Any = None) -> None:
        from .session import default_session

        (session or default_session("load")).state[self.key] = np.array(value, self._read.dtype)

    @property
    def name(self) -> str:
        return self._name + ":0"

    @property
    def op(self) -> Operation:
        return self._tensor.op

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._read.shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        self._tensor.set_shape(shape)

    @property
    def device(self) -> str:
        return ""

    # -- writing
    def _update(self, compute: Any, value: Any, name: str) -> Tensor:
        graph = get_default_graph()
        values = [] if value is None else [convert(value, self.dtype).node]
        control = graph.control[-1] if graph.control else ()
        before, graph.control = graph.control, []
        node = ops.state.update(self.key, values, compute, self._read.shape, self._read.dtype, control)
        result = wrap(node, name)
        graph.control = before
        return result

    def assign(self, value: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True) -> Tensor:
        return self._update(lambda _, new: new, value, name or "Assign")

    def assign_add(self, delta: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True) -> Tensor:
        return self._update(lambda old, new: old + new, delta, name or "AssignAdd")

    def assign_sub(self, delta: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True) -> Tensor:
        return self._update(lambda old, new: old - new, delta, name or "AssignSub")

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: Any) -> bool:
        return self is other

    def __iter__(self) -> Any:
        raise TypeError("'Variable' object is not iterable.")

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}_ref>"

    __getitem__: Any


# --------------------------------------------------------------------------------------------------------- variable scopes

class _AutoReuse:
    def __repr__(self) -> str:
        return "_ReuseMode.AUTO_REUSE"


AUTO_REUSE = _AutoReuse()


class VariableScope:
    """The prefix, the reuse mode and the default initializer of the variables made in it."""

    def __init__(self, name: str, reuse: Any = False, initializer: Any = None, regularizer: Any = None, original_name_scope: str = "",
                 dtype: Any = None) -> None:
        self.name, self.reuse, self.initializer, self.regularizer = name, reuse, initializer, regularizer
        self.original_name_scope, self.dtype = original_name_scope, dtype or as_dtype("float32")

    def reuse_variables(self) -> None:
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self.regularizer = regularizer

    def get_collection(self, key: Any) -> list[Any]:
        return get_collection(key, self.name + "/" if self.name else None)

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def get_variable(self, *args: Any, **kwargs: Any) -> Variable:
        return get_variable(*args, **kwargs)


def get_variable_scope() -> VariableScope:
    graph = get_default_graph()
    if graph.variable_scope is None:
        graph.variable_scope = VariableScope("")
    scope: VariableScope = graph.variable_scope
    return scope


@contextmanager
def variable_scope(name_or_scope: Any = None, default_name: str | None = None, values: Any = None, initializer: Any = None, regularizer: Any = None,
                   caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None, reuse: Any = None, dtype: Any = None,
                   use_resource: Any = None, constraint: Any = None, auxiliary_name_scope: bool = True) -> Iterator[VariableScope]:
    """Opens a scope by name (nested in the one around it) or re-opens a VariableScope."""
    graph = get_default_graph()
    outer = get_variable_scope()
    if isinstance(name_or_scope, VariableScope):
        full, last = name_or_scope.name, name_or_scope.name.rsplit("/", 1)[-1]
        inherited = name_or_scope
    else:
        if name_or_scope is None:
            last = _unique_scope(graph, outer, default_name or "scope")
        else:
            last = str(name_or_scope)
        full = f"{outer.name}/{last}" if outer.name else last
        inherited = outer
    mode = reuse if reuse is not None else (outer.reuse if not isinstance(name_or_scope, VariableScope) else (outer.reuse or name_or_scope.reuse))
    if outer.reuse is True:
        mode = True
    counts = _opened(graph)
    counts[full] = counts.get(full, 0) + 1
    before = dict(counts)
    scope = VariableScope(full, mode or False, initializer or inherited.initializer, regularizer or inherited.regularizer, dtype=dtype or inherited.dtype)
    graph.variable_scope = scope
    try:
        if auxiliary_name_scope and last:
            with name_scope(last) as opened:
                scope.original_name_scope = opened
                yield scope
        else:
            yield scope
    finally:
        graph.variable_scope = outer
        counts.update({name: 0 for name in counts if name.startswith(f"{full}/")})
        if isinstance(name_or_scope, VariableScope):
            counts.update(before)


def _opened(graph: Graph) -> dict[str, int]:
    """How often each scope has been opened since the one around it was (variable_scopes_count of TensorFlow's store)."""
    found: dict[str, int] = graph.__dict__.setdefault("opened_scopes", {})
    return found


def _unique_scope(graph: Graph, outer: VariableScope, name: str) -> str:
    prefix, counts, times = f"{outer.name}/" if outer.name else "", _opened(graph), 0
    candidate = name
    while counts.get(prefix + candidate, 0):
        times += 1
        candidate = f"{name}_{times}"
    return candidate


def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: bool | None = None,
                 collections: Any = None, caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True, use_resource: Any = None,
                 custom_getter: Any = None, constraint: Any = None, **ignored: Any) -> Variable:
    """The variable of that name in the open scope: a new one, or the existing one under reuse.

    Raises ValueError "Variable … already exists, disallowed. …" and "Variable … does not exist, …"."""
    graph, scope = get_default_graph(), get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    existing = graph.variables.get(full)
    if existing is not None:
        if not scope.reuse:
            raise ValueError(f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?")
        if shape is not None and not existing.shape.is_compatible_with(shape):
            raise ValueError(f"Trying to share variable {full}, but specified shape {TensorShape(shape)} and found shape {existing.shape}.")
        return existing                                   # type: ignore[no-any-return]
    if scope.reuse is True:
        raise ValueError(f"Variable {full} does not exist, or was not created with tf.get_variable(). Did you mean to set "
                         "reuse=tf.AUTO_REUSE in VarScope?")
    before, graph.name_stack = graph.name_stack, ""
    try:
        start = scope.initializer if initializer is None else initializer
        variable = _new_variable(graph, full, shape, dtype, start, trainable, collections, validate_shape, scope)
    finally:
        graph.name_stack = before
    graph.variables[full] = variable
    regularizer = regularizer or scope.regularizer
    if regularizer is not None:
        loss = regularizer(variable)
        if loss is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return variable


def _new_variable(graph: Graph, full: str, shape: Any, dtype: Any, initializer: Any, trainable: Any, collections: Any, validate_shape: bool,
                  scope: VariableScope) -> Variable:
    kind = as_dtype(dtype) if dtype is not None else None
    if isinstance(initializer, type):
        initializer = initializer()
    if initializer is None:
        if shape is None or not TensorShape(shape).is_fully_defined():
            raise ValueError(f"Shape of a new variable ({full}) must be fully defined, but instead was {TensorShape(shape)}.")
        default = kind or scope.dtype
        initializer = GlorotUniform() if as_dtype(default).is_floating else Zeros()
    if callable(initializer):
        if shape is not None and not TensorShape(shape).is_fully_defined():
            raise ValueError(f"Shape of a new variable ({full}) must be fully defined, but instead was {TensorShape(shape)}.")
        chosen, given = initializer, [int(n or 0) for n in as_shape(shape) or ()]
        wanted = kind or as_dtype(scope.dtype)

        def initializer() -> Any:                          # the name keys the random numbers, so it has to be known first
            return chosen.for_variable(full, given, wanted) if hasattr(chosen, "for_variable") else _call_initializer(chosen, given, wanted)
    elif shape is not None and not isinstance(initializer, (Tensor, Variable)):
        raise ValueError("If initializer is a constant, do not specify shape.")
    return Variable(initializer, trainable=trainable is not False, collections=collections, name=full, dtype=kind, validate_shape=validate_shape)


def _call_initializer(initializer: Any, shape: list[int], dtype: Any) -> Any:
    try:
        return initializer(shape, dtype=dtype)
    except TypeError:
        return initializer(shape)


# ------------------------------------------------------------------------------------------------------------ initializers

class Initializer:
    """Called with a shape it gives a tensor; for a variable it draws numbers keyed by the variable's name."""

    kind = "constant"

    def __init__(self, seed: Any = None, dtype: Any = None, **ignored: Any) -> None:
        self.seed, self.dtype = seed, as_dtype(dtype or "float32")

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        raise NotImplementedError

    def for_variable(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.asarray(self.values(name, shape, numpy_dtype(dtype)), numpy_dtype(dtype))

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **ignored: Any) -> Tensor:
        graph = get_default_graph()
        graph.random_ops += 1
        sizes = [int(n or 0) for n in as_shape(shape) or ()]
        under = graph.name_stack if graph.name_stack else f"initializer_{graph.random_ops}"
        return convert(self.for_variable(under, sizes, as_dtype(dtype or self.dtype)))

    def get_config(self) -> dict[str, Any]:
        return dict(vars(self))


class Zeros(Initializer):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """A value for all elements, or a list that fills them in order, the last repeated."""

    def __init__(self, value: Any = 0, dtype: Any = None, verify_shape: bool = False) -> None:
        super().__init__(dtype=dtype)
        self.value = value

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        flat = np.asarray(self.value, dtype).reshape(-1)
        size = int(np.prod(shape)) if shape else 1
        if flat.size > size:
            raise ValueError(f"Too many elements provided. Needed at most {size}, but received {flat.size}")
        if flat.size < size:
            flat = np.concatenate([flat, np.full(size - flat.size, flat[-1] if flat.size else 0, dtype)])
        return flat.reshape(shape)


class RandomUniform(Initializer):
    def __init__(self, minval: float = 0.0, maxval: float | None = None, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(seed, dtype)
        self.low, self.high = minval, 1.0 if maxval is None else maxval

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, "uniform", shape, dtype, self.low, self.high)


class RandomNormal(Initializer):
    kind = "normal"

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(seed, dtype)
        self.mean, self.stddev = mean, stddev

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        return initial.draw(name, self.kind, shape, dtype, self.mean, self.stddev)


class TruncatedNormal(RandomNormal):
    kind = "truncated_normal"


class VarianceScaling(Initializer):
    """Deviation sqrt(scale / fan); `mode` fan_in, fan_out or fan_avg; `distribution` uniform, normal or truncated_normal."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None, dtype: Any = None) -> None:
        super().__init__(seed, dtype)
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        fan_in, fan_out = initial.fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = float(np.sqrt(3 * variance))
            return initial.draw(name, "uniform", shape, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return initial.draw(name, "normal", shape, dtype, 0.0, float(np.sqrt(variance)))
        # 0.8796… is the deviation of a standard normal cut at two deviations.
        return initial.draw(name, "truncated_normal", shape, dtype, 0.0, float(np.sqrt(variance)) / 0.87962566103423978)


class GlorotUniform(VarianceScaling):
    def __init__(self, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class GlorotNormal(VarianceScaling):
    def __init__(self, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def he_uniform(seed: Any = None) -> Initializer:
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def he_normal(seed: Any = None) -> Initializer:
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = None) -> Initializer:
    """tf.contrib's: glorot, with an untruncated normal."""
    return GlorotUniform(seed, dtype) if uniform else VarianceScaling(1.0, "fan_avg", "truncated_normal", seed, dtype)


class Orthogonal(Initializer):
    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = None) -> None:
        super().__init__(seed, dtype)
        self.gain = gain

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        rows = int(np.prod(shape[:-1]))
        flat = initial.draw(name, "normal", (max(rows, shape[-1]), min(rows, shape[-1])), np.float64)
        q, r = np.linalg.qr(flat)
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < shape[-1] else q).reshape(shape)


class IdentityInitializer(Initializer):
    def __init__(self, gain: float = 1.0, dtype: Any = None) -> None:
        super().__init__(None, dtype)
        self.gain = gain

    def values(self, name: str, shape: list[int], dtype: Any) -> Any:
        rows, columns = shape
        return self.gain * np.eye(rows, columns)


def make_template(name_: str, func_: Callable[..., Any], create_scope_now_: bool = False, unique_name_: str | None = None, custom_getter_: Any = None,
                  **kwargs: Any) -> Callable[..., Any]:
    """The function with variables of its own: made in the first call, taken again in the others."""
    opened: list[Any] = []

    def template(*args: Any, **more: Any) -> Any:
        with variable_scope(opened[0], reuse=True) if opened else variable_scope(unique_name_, name_) as scope:
            found = func_(*args, **{**kwargs, **more})
        opened.append(scope)
        return found

    return template
