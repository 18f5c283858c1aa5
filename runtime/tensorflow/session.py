"""Sessions: fetch structures, feeds, and the state of variables."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import capture
from ..core import Node
from ..evaluate import Prepared
from ..ops import random as random_ops
from ..ops import state as state_ops
from .control_flow import flatten
from .dtypes import TensorShape
from .graph import FailedPreconditionError, Graph, IndexedSlices, InvalidArgumentError, Operation, Tensor, as_graph_element, get_default_graph
from .variables import Variable

_sessions: list[BaseSession] = []


class IndexedSlicesValue:
    """What a run gives for an IndexedSlices."""

    def __init__(self, values: Any, indices: Any, dense_shape: Any) -> None:
        self.values, self.indices, self.dense_shape = values, indices, dense_shape

    def __iter__(self) -> Iterator[Any]:
        return iter((self.values, self.indices, self.dense_shape))

    def __getitem__(self, index: int) -> Any:
        return (self.values, self.indices, self.dense_shape)[index]

    def __repr__(self) -> str:
        return f"IndexedSlicesValue(values={self.values!r}, indices={self.indices!r}, dense_shape={self.dense_shape!r})"


def _fits(shape: tuple[int, ...], wanted: Any) -> bool:
    """Whether an array of a shape can be fed where `wanted` is known of it."""
    return shape == wanted or wanted is None or (len(shape) == len(wanted) and all(m is None or n == m for n, m in zip(shape, wanted)))


class BaseSession:
    """Runs nodes of one graph and keeps its variables' values in `state`."""

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None) -> None:
        self.graph = graph or get_default_graph()
        self.state: dict[Any, Any] = {}
        self.runs = 0
        self._prepared: dict[Any, tuple[Any, ...]] = {}
        self._fetched: dict[Any, tuple[Any, ...]] = {}
        self._closed = False
        self._contexts: list[Any] = []

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Values of the fetches in the structure given: lists, tuples, namedtuples, dicts, tensors, variables, operations, names."""
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self.graph.operations:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        kind = type(fetches)
        simple = kind is list or kind is tuple
        # Whatever a list holds when it is fetched again: these ids are those of things that the entry keeps alive.
        key: Any = (kind, *map(id, fetches)) if simple else id(fetches)
        known = self._fetched.get(key)
        if known is None:
            nodes: list[Node] = []
            build = _parse(self.graph, fetches, nodes)
            items = list(fetches) if simple else [fetches]
            if all(isinstance(item, (Tensor, Variable, Operation)) for item in items):
                known = self._fetched[key] = (nodes, [_finish(item) for item in items], items)
        fed, arrays = self._feeds(feed_dict) if feed_dict else ([], [])
        if known is None:
            return build(iter(self._evaluate(nodes, fed, arrays)))
        values = self._evaluate(known[0], fed, arrays)
        if not simple:
            return known[1][0](values[0])
        found = [finish(value) for finish, value in zip(known[1], values)]
        return found if kind is list else tuple(found)

    def _evaluate(self, nodes: list[Node], fed: list[Node], arrays: list[Any]) -> list[Any]:
        key = (self.graph.version, *map(id, nodes), None, *map(id, fed))
        known = self._prepared.get(key)
        recorded = capture.active()
        if known is None:
            watched = capture.watch(self.graph, nodes, fed) if recorded else None
            known = (Prepared([*nodes, *(watched.nodes if watched else ())], fed), watched)
            self._prepared[key] = known
        prepared, watched = known
        before = dict(self.state) if watched else {}
        if recorded:
            capture.variables_of(self.state)
        self.runs += 1
        random_ops.begin_run(self.runs)
        try:
            values = prepared.run(arrays, self.state)
        except state_ops.Unfed as error:
            tensor = self.graph.tensors[id(error.args[0])]
            shape = "" if tensor.node.shape is None else f" and shape [{','.join('?' if n is None else str(n) for n in tensor.node.shape)}]"
            kind = {"float32": "float", "float64": "double"}.get(tensor.dtype.name, tensor.dtype.name)
            raise InvalidArgumentError(f"You must feed a value for placeholder tensor '{tensor.op.name}' with dtype {kind}{shape}") from None
        except state_ops.Uninitialized as error:
            raise FailedPreconditionError(f"Attempting to use uninitialized value {error.args[0][0]}") from None
        except (IndexError, np.linalg.LinAlgError) as error:
            raise InvalidArgumentError(str(error)) from error
        if recorded:
            capture.initialised(self.graph, self.state)
        if watched:
            capture.ran(watched, values[len(nodes):], fed, arrays, before)
        found: list[Any] = values if len(values) == len(nodes) else values[:len(nodes)]
        return found

    def _feeds(self, feed_dict: Any) -> tuple[list[Node], list[Any]]:
        fed: list[Node] = []
        arrays: list[Any] = []
        for key, value in feed_dict.items():
            if type(key) is Tensor and type(value) is np.ndarray:
                node = key.node
                if value.dtype == node.dtype and (value.shape == node.shape or _fits(value.shape, node.shape)):
                    fed.append(node)
                    arrays.append(value)
                    continue
            self._feed(key, value, fed, arrays)
        return fed, arrays

    def _feed(self, key: Any, value: Any, fed: list[Node], arrays: list[Any]) -> None:
        """Adds a feed of any kind; a key of several tensors, such as the state of a cell, is fed as many values."""
        pairs = zip(flatten(key), flatten(value), strict=True) if isinstance(key, (list, tuple)) else [(key, value)]
        for key, value in pairs:
            tensor = self._fed_tensor(key)
            if isinstance(value, (Tensor, Variable)):
                raise TypeError("The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, lists, "
                                "numpy ndarrays, or TensorHandles. For reference, the tensor object was " + str(value) + " which was passed to "
                                f"the feed with key {key}.")
            if isinstance(tensor, IndexedSlices):
                fed += [tensor.values.node, tensor.indices.node]
                arrays += [np.asarray(value[0]), np.asarray(value[1])]
                continue
            node = tensor.node
            array = np.asarray(np.nan if value is None else value)
            if array.dtype != node.dtype:
                array = array.astype(node.dtype)
            if not _fits(array.shape, node.shape):
                raise ValueError(f"Cannot feed value of shape {array.shape} for Tensor {tensor.name}, which has shape "
                                 f"{str(TensorShape(node.shape))}")
            fed.append(node)
            arrays.append(array)

    def _fed_tensor(self, key: Any) -> Any:
        if type(key) is Tensor or isinstance(key, IndexedSlices):
            return key
        try:
            element = as_graph_element(self.graph, key)
        except (KeyError, TypeError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
        if isinstance(element, Operation):
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: The name {key!r} refers to an Operation, not a Tensor. Tensor names must "
                            'be of the form "<op_name>:<output_index>".')
        return element

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Callable[..., Any]:
        keys = list(feed_list or ())
        return lambda *values: self.run(fetches, dict(zip(keys, values, strict=True)))

    def partial_run_setup(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("tensorflow.Session.partial_run is not in mapper's runtime")

    def close(self) -> None:
        self._closed = True

    def list_devices(self) -> list[Any]:
        return []

    @contextmanager
    def as_default(self) -> Iterator[Any]:
        _sessions.append(self)
        try:
            with self.graph.as_default():
                yield self
        finally:
            _sessions.remove(self)


class Session(BaseSession):
    def __enter__(self) -> Session:
        context = self.as_default()
        context.__enter__()
        self._contexts.append(context)
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(*error)
        self.close()

    def reset(self, *args: Any) -> None:
        pass


class InteractiveSession(BaseSession):
    """A session that is the default one from the start."""

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        context = self.as_default()
        context.__enter__()
        self._contexts.append(context)

    def close(self) -> None:
        super().close()
        if self._contexts:
            self._contexts.pop().__exit__(None, None, None)


def get_default_session() -> Any:
    return _sessions[-1] if _sessions else None


def default_session(what: str) -> Any:
    """The innermost default session. ValueError "Cannot evaluate tensor using `eval()`: No default session …" when there is none."""
    if not _sessions:
        raise ValueError(f"Cannot evaluate tensor using `{what}()`: No default session is registered. Use `with sess.as_default()` or pass an "
                         f"explicit session to `{what}(session=sess)`")
    return _sessions[-1]


def _parse(graph: Graph, fetches: Any, nodes: list[Node]) -> Callable[[Iterator[Any]], Any]:
    """Collects the nodes of a fetch structure; the result puts their values back into it."""
    if isinstance(fetches, (Tensor, Variable, Operation)):
        nodes.append(fetches._tensor.node if isinstance(fetches, Variable) else fetches.node)
        finish = _finish(fetches)
        return lambda values: finish(next(values))
    if isinstance(fetches, IndexedSlices):
        parts = [_parse(graph, part, nodes) for part in (fetches.values, fetches.indices, fetches.dense_shape) if part is not None]
        return lambda values: IndexedSlicesValue(*([part(values) for part in parts] + [None] * (3 - len(parts))))
    if isinstance(fetches, (list, tuple)):
        parts = [_parse(graph, item, nodes) for item in fetches]
        if type(fetches) is list:
            return lambda values: [part(values) for part in parts]
        make = type(fetches)._make if hasattr(fetches, "_make") else type(fetches)
        return lambda values: make([part(values) for part in parts])
    if hasattr(fetches, "items"):
        keyed = [(key, _parse(graph, item, nodes)) for key, item in fetches.items()]
        return lambda values: type(fetches)((key, part(values)) for key, part in keyed)
    if isinstance(fetches, str):
        try:
            return _parse(graph, as_graph_element(graph, fetches), nodes)
        except KeyError as error:
            raise ValueError(f"Fetch argument {fetches!r} cannot be interpreted as a Tensor. ({error.args[0]})") from None
    if hasattr(fetches, "_as_tensor"):
        return _parse(graph, fetches._as_tensor(), nodes)
    if fetches is None:
        raise TypeError("Argument `fetch` = None has invalid type \"NoneType\". Cannot be None")
    raise TypeError(f'Argument `fetch` = {fetches} has invalid type "{type(fetches).__name__}" must be a string or Tensor. (Can not convert a '
                    f"{type(fetches).__name__} into a Tensor or Operation.)")


def _finish(fetch: Any) -> Callable[[Any], Any]:
    """What makes of a fetch's value what a run gives: nothing of an operation, an array of its own of a variable."""
    if isinstance(fetch, Operation):
        return lambda value: None
    if isinstance(fetch, Variable):
        return lambda value: value[()] if value.ndim == 0 else value.copy()
    return _scalar if fetch.node.dtype.kind != "O" else _string


def _scalar(value: Any) -> Any:
    """Scalars come back as NumPy scalars, everything else as an array of its own."""
    return value[()] if value.ndim == 0 else (value if value.base is None and value.flags.writeable else value.copy())


def _string(value: Any) -> Any:
    encoded = np.vectorize(lambda s: s.encode() if isinstance(s, str) else s, otypes=[object])(value)
    return encoded[()] if value.ndim == 0 else encoded
