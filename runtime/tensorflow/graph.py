"""Graphs, operations, tensors, scopes, and the conversion of Python values to tensors."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import core, ops
from ..core import IndexedSlices as CoreSlices
from ..core import Node
from .dtypes import TensorShape, as_dtype, numpy_dtype


class FailedPreconditionError(Exception):
    pass


class InvalidArgumentError(Exception):
    pass


class OutOfRangeError(Exception):
    pass


class OperatorNotAllowedInGraphError(TypeError):
    pass


class Graph:
    """Operations by name, collections, and the scopes that are open while it is built."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.operations: dict[str, Operation] = {}
        self.collections: dict[Any, list[Any]] = {}
        self.variables: dict[str, Any] = {}
        self.name_stack = ""
        self.variable_scope: Any = None
        self.control: list[tuple[Node, ...]] = []
        self.seed: int | None = None
        self.random_ops = 0
        self.gradient_overrides: dict[str, str] = {}
        self.finalized = False
        self.tensors: dict[int, Tensor] = {}
        self.version = 0

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` in the open name scope, made unique as TensorFlow does: a, a_1, a_2."""
        full = f"{self.name_stack}/{name}" if self.name_stack else name
        key = full.lower()
        count = self.names.get(key, 0)
        if mark_as_used:
            self.names[key] = count + 1
        if count == 0:
            return full
        candidate = f"{full}_{count}"
        while candidate.lower() in self.names:
            count += 1
            candidate = f"{full}_{count}"
        if mark_as_used:
            self.names[key] = count + 1
            self.names[candidate.lower()] = 1
        return candidate

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        _graphs.append(self)
        try:
            yield self
        finally:
            _graphs.remove(self)

    def get_tensor_by_name(self, name: str) -> Tensor:
        found: Tensor = as_graph_element(self, name, allow_operation=False)
        return found

    def get_operation_by_name(self, name: str) -> Operation:
        if name not in self.operations:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return self.operations[name]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        return as_graph_element(self, obj, allow_operation)

    def get_operations(self) -> list[Operation]:
        return list(self.operations.values())

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        return get_collection(name, scope, self)

    def get_collection_ref(self, name: Any) -> list[Any]:
        return self.collections.setdefault(name, [])

    def add_to_collection(self, name: Any, value: Any) -> None:
        self.collections.setdefault(name, []).append(value)

    def get_all_collection_keys(self) -> list[Any]:
        return list(self.collections)

    def name_scope(self, name: str | None) -> Any:
        return name_scope(name)

    def device(self, device: Any) -> Any:
        return _nothing()

    def control_dependencies(self, inputs: Any) -> Any:
        return control_dependencies(inputs)

    def finalize(self) -> None:
        self.finalized = True

    @contextmanager
    def gradient_override_map(self, overrides: dict[str, str]) -> Iterator[None]:
        before = self.gradient_overrides
        self.gradient_overrides = {**before, **overrides}
        try:
            yield
        finally:
            self.gradient_overrides = before

    def as_graph_def(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("Graph.as_graph_def is not in mapper's runtime: it serialises no graphs")


@contextmanager
def _nothing() -> Iterator[None]:
    yield


_graphs: list[Graph] = [Graph()]


def get_default_graph() -> Graph:
    return _graphs[-1]


def reset_default_graph() -> None:
    if len(_graphs) > 1:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs.")
    _graphs[0] = Graph()


def as_graph_element(graph: Graph, obj: Any, allow_operation: bool = True) -> Any:
    """A Tensor or Operation from itself, from a variable, or from its name ("x:0" a tensor, "x" an operation).

    Raises KeyError for unknown names and TypeError for anything else."""
    if isinstance(obj, (Tensor, Operation)):
        return obj
    if hasattr(obj, "_as_tensor"):
        return obj._as_tensor()
    if isinstance(obj, str):
        name, _, output = obj.partition(":")
        if name not in graph.operations:
            raise KeyError(f"The name {obj!r} refers to a Tensor which does not exist. The operation, {name!r}, does not exist in the graph.")
        operation = graph.operations[name]
        return operation.outputs[int(output)] if output else operation
    raise TypeError(f"Can not convert a {type(obj).__name__} into a Tensor or Operation.")


class Operation:
    """An operation: a name, a type, the tensors it makes, and the node that runs it."""

    def __init__(self, graph: Graph, name: str, kind: str, node: Node) -> None:
        self.graph, self.name, self.type, self.node = graph, name, kind, node
        self.outputs: list[Tensor] = []
        self.input_tensors: tuple[Any, ...] = ()
        graph.operations[name] = self

    @property
    def inputs(self) -> list[Any]:
        return [self.graph.tensors[id(n)] for n in self.node.inputs if id(n) in self.graph.tensors]

    @property
    def control_inputs(self) -> list[Any]:
        return []

    @property
    def device(self) -> str:
        return ""

    @property
    def op(self) -> Operation:
        return self

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        from .session import default_session

        (session or default_session("run")).run(self, feed_dict)

    def get_attr(self, name: str) -> Any:
        return self.node.params.get(name)

    def values(self) -> tuple[Any, ...]:
        return tuple(self.outputs)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"


class Tensor:
    """A symbolic tensor: a node with a place in a graph."""

    __slots__ = ("node", "graph", "op", "_shape", "dtype", "index", "_uses_learning_phase", "__weakref__", "__dict__")
    __array_priority__ = 100

    def __init__(self, node: Node, graph: Graph, op: Operation) -> None:
        self.node, self.graph, self.op = node, graph, op
        self.index = len(op.outputs)
        op.outputs.append(self)
        self.dtype = as_dtype(node.dtype)
        graph.tensors[id(node)] = self

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.index}"

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.node.shape)

    @property
    def device(self) -> str:
        return ""

    @property
    def value_index(self) -> int:
        return self.index

    def get_shape(self) -> TensorShape:
        return TensorShape(self.node.shape)

    def set_shape(self, shape: Any) -> None:
        self.node.shape = TensorShape(self.node.shape).merge_with(shape)._shape

    def consumers(self) -> list[Any]:
        return [op for op in self.graph.operations.values() if any(n is self.node for n in op.node.inputs)]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        from .session import default_session

        return (session or default_session("eval")).run(self, feed_dict)

    def __str__(self) -> str:
        shape = "" if self.node.shape is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: Any) -> bool:
        return self is other

    def __bool__(self) -> bool:
        raise OperatorNotAllowedInGraphError("Using a symbolic `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` instead "
                                             "of `if t:` to test if a tensor is defined, and use TensorFlow ops such as tf.cond to execute "
                                             "subgraphs conditioned on the value of a tensor.")

    def __len__(self) -> int:
        raise TypeError(f"len is not well defined for a symbolic Tensor ({self.name}). Please call `x.shape` rather than `len(x)` for shape "
                        "information.")

    def __iter__(self) -> Any:
        raise OperatorNotAllowedInGraphError("Iterating over a symbolic `tf.Tensor` is not allowed: AutoGraph did convert this function.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that you're "
                                  "trying to pass a Tensor to a NumPy call, which is not supported.")

    __getitem__: Any                 # the operators are installed by math.py and array.py, which import this module
    __add__: Any
    __radd__: Any
    __sub__: Any
    __rsub__: Any
    __mul__: Any
    __rmul__: Any
    __truediv__: Any
    __rtruediv__: Any
    __neg__: Any
    __lt__: Any
    __le__: Any
    __gt__: Any
    __ge__: Any


class IndexedSlices:
    """A sparse gradient: rows `values` at `indices` of a tensor of shape `dense_shape`."""

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None, core: CoreSlices | None = None) -> None:
        self.values, self.indices, self.dense_shape = values, indices, dense_shape
        self._core = core

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def op(self) -> Any:
        return self.values.op

    @property
    def name(self) -> str:
        return str(self.values.name)

    @property
    def graph(self) -> Any:
        return self.values.graph

    @property
    def device(self) -> str:
        return ""

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def as_core(self) -> CoreSlices:
        """The engine's form of it."""
        values, indices = convert(self.values).node, convert(self.indices).node
        if self._core is not None and self._core.values is values:
            return self._core
        shape = ops.shape.static_value(convert(self.dense_shape).node) if self.dense_shape is not None else None
        if shape is not None:
            return CoreSlices(values, indices, core.constant(np.zeros(tuple(shape), values.dtype)))
        if self._core is not None:
            return CoreSlices(values, indices, self._core.like)
        raise ValueError("Tensor conversion requested for IndexedSlices without dense_shape")


def from_core(slices: CoreSlices, name: str = "gradients") -> IndexedSlices:
    values = ops.as_rows(slices)
    indices = ops.reshape(slices.indices, (-1,))
    like = slices.like
    return IndexedSlices(wrap(values, name), wrap(indices, name), wrap(ops.shape_of(like), name), CoreSlices(values, indices, like))


def wrap(node: Node, name: str, kind: str | None = None) -> Tensor:
    """A node as a tensor of the default graph, under a unique name; the tensor it already is, if it is one."""
    graph = _graphs[-1]
    known = graph.tensors.get(id(node))
    if known is not None and known.node is node:
        return known
    if graph.gradient_overrides and node.primitive is not None:
        from .gradients import overridden

        node = overridden(graph, "".join(word.capitalize() for word in node.primitive.name.split("_")), node)
    if graph.control and graph.control[-1]:
        node.control = node.control + graph.control[-1]
    graph.version += 1
    operation = Operation(graph, graph.unique_name(name), kind or name, node)
    return Tensor(node, graph, operation)


def wrap_outputs(nodes: Sequence[Node], name: str, kind: str | None = None) -> list[Tensor]:
    """Several outputs of one operation: name:0, name:1, …"""
    graph = _graphs[-1]
    graph.version += 1
    operation = Operation(graph, graph.unique_name(name), kind or name, nodes[0])
    return [Tensor(node, graph, operation) for node in nodes]


def convert(value: Any, dtype: Any = None, name: str | None = None, preferred: Any = None) -> Tensor:
    """A value as a tensor. A tensor keeps its dtype (TypeError "… dtype …" when another is asked for)."""
    if type(value) is Tensor:
        if dtype is not None and as_dtype(dtype) != value.dtype:
            raise ValueError(f"Tensor conversion requested dtype {as_dtype(dtype).name} for Tensor with dtype {value.dtype.name}: {value!r}")
        return value
    if hasattr(value, "_as_tensor"):
        return convert(value._as_tensor(), dtype)
    if isinstance(value, IndexedSlices):
        return wrap(ops.indexing.densify(value.as_core()), "Reshape")
    if value is None:
        raise ValueError("None values not supported.")
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        kind = dtype or next(t.dtype for t in _tensors_in(value))
        parts = [convert(item, kind) for item in value]
        return wrap(ops.stack([part.node for part in parts]), name or "packed", "Pack")
    if isinstance(value, TensorShape):
        value = np.array(value.as_list(), np.int32 if dtype is None else None)
    if isinstance(value, (list, tuple)):
        value = [int(v) if type(v).__name__ == "Dimension" else v for v in value]
    elif type(value).__name__ == "Dimension":
        value = int(value)
    return wrap(core.constant(as_array(value, dtype, preferred)), name or "Const", "Const")


def _holds_tensors(value: Any) -> bool:
    return any(type(v) is Tensor or hasattr(v, "_as_tensor") or (isinstance(v, (list, tuple)) and _holds_tensors(v)) for v in value)


def _tensors_in(value: Any) -> Iterator[Any]:
    for item in value:
        if isinstance(item, (list, tuple)):
            yield from _tensors_in(item)
        elif type(item) is Tensor or hasattr(item, "_as_tensor"):
            yield item if type(item) is Tensor else item._as_tensor()


def as_array(value: Any, dtype: Any = None, preferred: Any = None) -> np.ndarray[Any, Any]:
    """An array as tf.constant makes it: Python ints int32, floats float32, arrays as they are.

    Raises TypeError where TensorFlow would not convert (a float for an int32)."""
    kind = None if dtype is None else numpy_dtype(dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return array.astype(object if array.dtype.kind in "US" else array.dtype) if kind is None else array.astype(kind)
    array = np.asarray(value)
    if array.dtype.kind in "US":
        array = np.asarray(value, object)
    if kind is None:
        if preferred is not None and (array.dtype.kind in "iub" or numpy_dtype(preferred).kind in "fc") and array.dtype.kind != "O":
            return array.astype(numpy_dtype(preferred))
        default = {"f": np.float32, "i": np.int32 if array.size == 0 or abs(array).max() < 2 ** 31 else np.int64, "c": np.complex128}
        leaves_are_arrays = isinstance(value, (list, tuple)) and any(isinstance(v, (np.ndarray, np.generic)) for v in value)
        return array if leaves_are_arrays else array.astype(default.get(array.dtype.kind, array.dtype))
    if kind.kind in "iu" and array.dtype.kind == "f":
        raise TypeError(f"Expected {as_dtype(kind).name}, but got {value} of type 'float'.")
    return array.astype(kind)


# ------------------------------------------------------------------------------------------------------------------- scopes

@contextmanager
def name_scope(name: str | None = None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Prefixes the names of operations; a name that ends in "/" re-enters that scope, "" or None goes to the top."""
    graph = get_default_graph()
    before = graph.name_stack
    wanted = name if name is not None else default_name
    if not wanted:
        graph.name_stack = ""
    elif wanted.endswith("/"):
        graph.name_stack = wanted[:-1]
    else:
        graph.name_stack = graph.unique_name(wanted)
    try:
        yield graph.name_stack + "/" if graph.name_stack else ""
    finally:
        graph.name_stack = before


@contextmanager
def control_dependencies(inputs: Any) -> Iterator[None]:
    """Operations made inside run after `inputs`; None clears what outer blocks asked for."""
    graph = get_default_graph()
    if inputs is None:
        graph.control.append(())
    else:
        before = graph.control[-1] if graph.control else ()
        graph.control.append(before + tuple(control_node(item) for item in inputs))
    try:
        yield
    finally:
        graph.control.pop()


def control_node(item: Any) -> Node:
    """The node behind a tensor, operation or variable that others wait for. Raises TypeError for None."""
    if item is None:
        raise TypeError("Can not convert a NoneType into a Tensor or Operation.")
    if isinstance(item, (Tensor, Operation)):
        return item.node
    if isinstance(item, IndexedSlices):
        return convert(item.values).node
    return convert(item).node


def get_collection(key: Any, scope: str | None = None, graph: Graph | None = None) -> list[Any]:
    """The values of a collection, optionally those whose name starts with `scope` (a regular expression, as re.match)."""
    import re

    items = list((graph or get_default_graph()).collections.get(key, ()))
    if scope is None:
        return items
    pattern = re.compile(scope)
    return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]


def add_to_collection(key: Any, value: Any) -> None:
    get_default_graph().add_to_collection(key, value)


class GraphKeys:
    GLOBAL_VARIABLES = VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    UPDATE_OPS = "update_ops"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    GLOBAL_STEP = "global_step"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    QUEUE_RUNNERS = "queue_runners"
    SAVERS = "savers"
    INIT_OP = "init_op"
    TABLE_INITIALIZERS = "table_initializer"
    METRIC_VARIABLES = "metric_variables"


def seed_of(seed: int | None) -> tuple[int, int]:
    """(seed, operation number) of a random operation made now; without any seed the numbers still repeat from run to run
    of the program, so that two runs can be compared."""
    graph = get_default_graph()
    graph.random_ops += 1
    return (graph.seed or 0) * 1_000_003 + (seed or 0), graph.random_ops


