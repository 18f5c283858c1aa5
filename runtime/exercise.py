"""Runs what a program defines and never runs: its functions with generated arguments, its graph with generated feeds.

The original decides what is run, and with which arrays; the converted program is then given the same tasks."""
from __future__ import annotations

import ast
import inspect
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import capture
from .core import Node
from .ops.state import PLACEHOLDER

Array = np.ndarray[Any, Any]
SHAPES: tuple[tuple[int, ...], ...] = ((4, 3), (3,), (), (3, 2), (4, 1), (2, 6, 6, 3))
ATTEMPTS = 60
UNKNOWN_DIMENSION = 4


@dataclass(frozen=True)
class Task:
    """One thing to run: the function `name` called with arrays, or (kind "feed") the graph's gradients `sites` with placeholders fed.

    `point` says what kind of values the arrays have."""

    kind: str
    name: str
    point: str
    arrays: Mapping[str, Array]
    sites: tuple[capture.Place, ...] = ()


def points(shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, Any], given: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    """Random values, and values where functions are not smooth: zeros, ties, bounds. Given arrays stay as they are."""
    rng = np.random.default_rng(20)
    makers: list[tuple[str, Callable[[tuple[int, ...]], Any]]] = [
        ("random", rng.standard_normal), ("zeros", np.zeros), ("ties", np.ones), ("bounds", lambda shape: np.resize([-1.0, 0.0, 1.0, 6.0], shape))]
    for name, make in makers:
        arrays = {key: given[key] if key in given else np.asarray(make(shape)).astype(dtypes.get(key, np.float32)) for key, shape in shapes.items()}
        yield name, arrays
        if all(key in given for key in shapes):
            return


def exercise(main: Mapping[str, Any], path: str, wishes: Mapping[str, Any]) -> None:
    """Carries out wishes in the module that was run: {"tasks": file} as told, or else finds tasks for {"call", "sites", "inputs"}."""
    if wishes.get("tasks"):
        for number, task in enumerate(_read(wishes["tasks"])):
            _attempt(number, task, main, path)
        return
    given: dict[str, Array] = {}
    if wishes.get("inputs"):
        with np.load(wishes["inputs"], allow_pickle=False) as stored:
            given = {name: stored[name] for name in stored.files}
    unreached = [tuple(place) for place in wishes["sites"]]
    for n, task in enumerate([*_calls(main, path, wishes["call"], unreached, given), *_feeds(main, unreached, given)]):
        capture.write("task", task.arrays.values(), number=n, task=task.kind, name=task.name, point=task.point, names=list(task.arrays), sites=task.sites)
        _attempt(n, task, main, path)


def _read(path: str) -> Iterator[Task]:
    with np.load(path, allow_pickle=False) as stored:
        for index, entry in enumerate(json.loads(bytes(stored["tasks"]).decode())):
            arrays = {name: stored[f"t{index}_{i}"] for i, name in enumerate(entry["names"])}
            yield Task(entry["task"], entry["name"], entry["point"], arrays, tuple((line, column) for line, column in entry["sites"]))


def _attempt(number: int, task: Task, main: Mapping[str, Any], path: str) -> None:
    """Runs a task, and records what it returned, or why it could not run."""
    capture.write("begin", number=number)
    capture.begin_again()
    try:
        values = _call(task, main) if task.kind == "call" else _feed(task, main, path)
    except Exception as error:
        capture.write("failed", number=number, why=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return
    capture.flush()
    capture.write("returned", values, number=number)


# -------------------------------------------------------------------------------------------------------------- functions

def _calls(main: Mapping[str, Any], path: str, names: Sequence[str], unreached: Sequence[Any], given: Mapping[str, Array]) -> Iterator[Task]:
    """Calls of the named functions, else of those that hold sites which nothing reached."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    held = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)
            and any(node.lineno <= line <= (node.end_lineno or node.lineno) for line, _ in unreached)]
    for name in dict.fromkeys([*names, *(held if not names else [])]):
        function = main.get(name)
        if not callable(function):
            capture.write("failed", number=-1, name=name, why=f"the program has no function {name}")
            continue
        shapes, why = _shapes(name, function, main, given)
        if shapes is None:
            capture.write("failed", number=-1, name=name, why=f"{name} cannot be called with generated arrays: {why}")
            continue
        for point, arrays in points(shapes, {}, given):
            yield Task("call", name, point, arrays)


def _shapes(name: str, function: Any, main: Mapping[str, Any], given: Mapping[str, Array]) -> tuple[dict[str, tuple[int, ...]] | None, str]:
    """Shapes for the parameters without a default, the first ones with which the function runs."""
    needed = [p.name for p in inspect.signature(function).parameters.values()
              if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    free = [key for key in needed if key not in given]
    why = ""
    for shapes in itertools.islice(_combinations(len(free)), ATTEMPTS):
        chosen = {key: given[key].shape if key in given else () for key in needed} | dict(zip(free, shapes, strict=True))
        arrays = next(points(chosen, {}, given))[1]
        try:
            capture.unseen(_call, Task("call", name, "random", arrays), main)
            return chosen, ""
        except Exception as error:
            why = why or f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None, why


def _combinations(count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Shapes for so many parameters: all alike first."""
    yield from ((shape,) * count for shape in SHAPES)
    if count > 1:
        yield from (shapes for shapes in itertools.product(SHAPES[:4], repeat=count) if len(set(shapes)) > 1)


def _call(task: Task, main: Mapping[str, Any]) -> list[Any]:
    function = main[task.name]
    if "tensorflow" in sys.modules:
        import tensorflow as tf  # type: ignore[import-not-found,import-untyped,unused-ignore]

        # In a graph of its own its variables get the names that they get in every other call; what it takes from the module is in the
        # graph of the module.
        with suppress(ValueError), tf.Graph().as_default() as fresh:
            return _fetched(function(**{key: tf.constant(value) for key, value in task.arrays.items()}), fresh)
        graph = tf.get_default_graph()
        before = len(graph.__dict__.get("gradient_sites", ()))
        return _fetched(function(**{key: tf.constant(value) for key, value in task.arrays.items()}), graph, before)
    from .mindspore.initializer import forget_names

    forget_names()
    import mindspore as ms  # type: ignore[import-not-found,import-untyped,unused-ignore]

    make = _waiting(main["Deferred"]) if "Deferred" in main else ms.Tensor
    result = function(**{key: make(value) for key, value in task.arrays.items()})
    known: dict[int, Any] = {}
    values = [value for leaf in _leaves(result) if (value := _array(_computed(leaf, known))) is not None]
    if not values:
        raise LookupError(f"{task.name} returned nothing that can be compared")
    return values


def _waiting(kind: Any) -> Callable[[Array], Any]:
    """Makes tensors of the class with which a converted program defers what it computes."""
    import mindspore as ms

    def make(array: Array) -> Any:
        tensor = ms.Tensor(array)
        return kind(lambda: tensor, (), "Const", tensor.dtype)

    return make


def _computed(tensor: Any, known: dict[int, Any]) -> Any:
    """The value of a tensor that waits for its inputs; other things as they are."""
    compute = getattr(tensor, "compute", None) or getattr(tensor, "apply", None)
    if not (callable(compute) and hasattr(tensor, "inputs")):
        return tensor
    if id(tensor) not in known:
        known[id(tensor)] = compute(*[_computed(source, known) for source in tensor.inputs])
    return known[id(tensor)]


def _leaves(result: Any) -> list[Any]:
    if isinstance(result, dict):
        return [leaf for key in result for leaf in _leaves(result[key])]
    return [leaf for part in result for leaf in _leaves(part)] if isinstance(result, (list, tuple)) else [result]


def _array(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic, float, int)):
        return np.asarray(value)
    node = getattr(value, "node", None)
    return node.value if isinstance(node, Node) else None


# ------------------------------------------------------------------------------------------------------------------ graphs

def _fetched(result: Any, graph: Any, before: int = 0) -> list[Any]:
    """Values of the tensors in a result, and of the gradients that the graph got since."""
    tensors = [t for t in _leaves(result) if hasattr(t, "graph")]
    made = [g[0] for one in graph.__dict__.get("gradient_sites", ())[before:] for g in one.gradients if g is not None]
    session = _session(graph)
    values = session._evaluate([*(t.node for t in tensors), *made], [], []) if tensors or made else []
    others = [array for leaf in _leaves(result) if not hasattr(leaf, "graph") and (array := _array(leaf)) is not None]
    return [*values[:len(tensors)], *others]


def _session(graph: Any) -> Any:
    """A session that goes on with the variables' last values and gives the rest their initial ones."""
    import tensorflow as tf

    session = tf.Session(graph=graph)
    for state in capture.states():
        session.state.update({key: value for key, value in state.items() if key[1] == id(graph)})
    with graph.as_default():
        for variable in tf.global_variables():
            if variable.key not in session.state:
                session.run(variable.initializer)
    return session


def _feeds(main: Mapping[str, Any], unreached: Sequence[Any], given: Mapping[str, Array]) -> Iterator[Task]:
    """Feeds for the gradients of the graph that nothing fetched."""
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    graph = tf.get_default_graph()
    declared = [one for one in graph.__dict__.get("gradient_sites", ()) if one.at in unreached]
    if not declared:
        return
    names = _names(main)
    needed = _placeholders([g[0] for one in declared for g in one.gradients if g is not None])
    keys = {names.get(id(n)) or graph.tensors[id(n)].op.name: n for n in needed}
    shapes = {key: tuple(UNKNOWN_DIMENSION if d is None else d for d in n.shape or ()) for key, n in keys.items()}
    for point, arrays in points(shapes, {key: n.dtype for key, n in keys.items()}, given):
        yield Task("feed", "the graph", point, arrays, tuple(one.at for one in declared))


def _placeholders(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in capture.before(nodes) if n.primitive is PLACEHOLDER and n.params["default"] is None]


def _names(main: Mapping[str, Any]) -> dict[int, str]:
    """What the program calls its placeholders: a variable of the module, or an attribute of an object in one."""
    found: dict[int, str] = {}
    owners = [value for value in main.values() if hasattr(value, "__dict__") and not inspect.ismodule(value) and not isinstance(value, type)]
    for name, value in [*main.items(), *(item for owner in owners for item in vars(owner).items())]:
        node = getattr(value, "node", None)
        if isinstance(node, Node):
            found.setdefault(id(node), name)
    return found


def _feed(task: Task, main: Mapping[str, Any], path: str) -> list[Any]:
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        graph = tf.get_default_graph()
        nodes = [g[0] for one in graph.__dict__["gradient_sites"] if one.at in task.sites for g in one.gradients if g is not None]
        names = _names(main)
        fed = _placeholders(nodes)
        _session(graph)._evaluate(nodes, fed, [task.arrays[names.get(id(n)) or graph.tensors[id(n)].op.name] for n in fed])
        return []
    for place in task.sites:
        _reach(place, task.arrays, main, path)
    return []


def _reach(place: capture.Place, arrays: Mapping[str, Array], main: Mapping[str, Any], path: str) -> None:
    """Evaluates a site of a MindSpore program: by running the tensors that wait there, or by calling the function around it."""
    import mindspore as ms

    waiting = capture.tagged(place)
    if waiting:
        known = {id(main[key]): ms.Tensor(value) for key, value in arrays.items()}
        for tensor in waiting:
            _computed(tensor, known)
        return
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        owner = node if isinstance(node, ast.ClassDef) else None
        for function in owner.body if owner else [node]:
            if isinstance(function, ast.FunctionDef) and function.lineno <= place[0] <= (function.end_lineno or 0):
                bound = main[function.name] if owner is None else getattr(_instance(main, owner.name), function.name)
                bound(**{key: ms.Tensor(arrays[key]) for key in inspect.signature(bound).parameters if key in arrays})
                return
    raise LookupError(f"line {place[0]} stands in no function")


def _instance(main: Mapping[str, Any], name: str) -> Any:
    kind = main[name]
    return next((value for value in main.values() if isinstance(value, kind)), None) or kind()
