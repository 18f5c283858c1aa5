"""Records what a program's gradient sites compute, so that two runs can be compared. Idle unless `start` was called.

Records go to a file one after the other as they are made, so that a program that ends early leaves what it did: eight bytes with
the length of a JSON header, the header, and the bytes of the arrays that the header lists."""
from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple

import numpy as np

from . import initial
from .core import CONSTANT, Node
from .ops.state import PLACEHOLDER, READ
from .oracle import Opinion, Problem, judge

Place = tuple[int, int]
UNKNOWN = "?"                      # a gradient that a run had no need to compute

_program: str | None = None
_file: IO[bytes] | None = None
_owner = 0
_left = 0
_oracle = False
_oracle_seconds = 0.0
_attempts: dict[Place, int] = {}
_decided: set[Place] = set()
_silent = 0


def start(program: str, record: str, oracle: bool, limit_bytes: int = 256 * 1024 * 1024, oracle_seconds: float = 5.0) -> None:
    """Records evaluations of the gradient sites called from the file `program` into the file `record`; with `oracle` each site
    is held against finite differences too, as long as that takes no more than `oracle_seconds` in all."""
    global _program, _file, _owner, _left, _oracle, _oracle_seconds
    _program, _file, _owner = program, open(record, "wb", buffering=0), os.getpid()
    _left, _oracle, _oracle_seconds = limit_bytes, oracle, oracle_seconds
    initial.heard = _heard


def active() -> bool:
    return _program is not None


def site() -> Place | None:
    """(line, column) where the innermost call in the recorded program starts, 1-based; None when idle or called from elsewhere."""
    if _program is None or _silent:
        return None
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _program:
            line, _, column, _ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
            return line or frame.f_lineno, (column or 0) + 1
        frame = frame.f_back  # type: ignore[assignment]
    return None


def unseen(function: Callable[..., Any], *args: Any) -> Any:
    """What function(*args) gives, without its gradient sites counting as the program's."""
    global _silent
    _silent += 1
    try:
        return function(*args)
    finally:
        _silent -= 1


def write(kind: str, values: Iterable[Any] = (), **header: Any) -> None:
    """One record: arrays, None, or UNKNOWN as values, and whatever JSON can say as header."""
    global _left
    if _file is None or os.getpid() != _owner:       # a process that the program forked is not the program
        return
    described: list[Any] = []
    arrays = []
    for value in values:
        if value is None or value is UNKNOWN:
            described.append(value)
            continue
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        if array.dtype.kind not in "fciub":
            array = array.astype(np.float32) if array.dtype.name == "bfloat16" else np.frombuffer(repr(array.tolist()).encode(), np.uint8)
        described.append({"dtype": array.dtype.str, "shape": array.shape})
        arrays.append(array)
    text = json.dumps({"kind": kind, **header, "values": described}).encode()
    _left -= len(text) + sum(array.nbytes for array in arrays)
    if _left < 0 and kind in ("site", "variable"):
        return
    _file.write(b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in arrays)]))


def record(at: Place | None, values: Sequence[Any], run: int = 0) -> None:
    """One evaluation of the site `at`: an array, None or UNKNOWN per gradient; `run` is the number of the session's run, 0 outside of runs."""
    if at is not None:
        write("site", values, line=at[0], column=at[1], run=run)


_runs = 0
_states: dict[int, dict[Any, Any]] = {}


def variables_of(state: dict[Any, Any]) -> None:
    """Notes the variables of a session, whose last values are recorded in the end."""
    _states[id(state)] = state


# ---------------------------------------------------------------------------------------------------------- initial values

_forced: list[tuple[str, Any]] = []     # initial values that the other program drew, in their order
_unused: list[tuple[str, Any]] = []
_draws: dict[bytes, None] = {}          # the bytes of what was drawn for variables of a graph
_known: dict[int, set[Any]] = {}


def force(names: Sequence[str], arrays: Sequence[Any]) -> None:
    """Lets variables with random initial values begin with these: by their name, else by shape in the order of their making."""
    _forced.extend(zip(names, arrays, strict=True))
    initial.chosen = _drawn_otherwise
    begin_again()


def begin_again() -> None:
    """Lets forced initial values serve again, for variables that are made anew."""
    _unused[:] = _forced


def _heard(name: str, value: Any) -> None:
    if "tensorflow" in sys.modules:
        _draws[value.tobytes()] = None           # which variable it is for shows when that is initialised
    else:
        write("initial", [value], name=name)


def initialised(graph: Any, state: dict[Any, Any]) -> None:
    """Looks at variables that a run gave their first value; those with random ones are recorded, and forced."""
    known = _known.setdefault(id(state), set())
    if len(known) == len(state):
        return
    for variable in graph.collections.get("variables", ()):
        if variable.key in state and variable.key not in known and _is_random(variable.initial_value.node, state[variable.key]):
            name = variable.key[0]
            state[variable.key] = _chosen(name, state[variable.key])
            write("initial", [state[variable.key]], name=name)
    known.update(state)


def _is_random(node: Node, value: Any) -> bool:
    impure = (n.primitive is not None and not n.primitive.pure and n.primitive is not READ for n in before([node]))
    return any(impure) or value.tobytes() in _draws


def _drawn_otherwise(name: str, value: Any) -> Any:
    """What a MindSpore parameter begins with; TensorFlow's variables are looked at when they are initialised."""
    return value if "tensorflow" in sys.modules else _chosen(name, value)


def _chosen(name: str, value: Any) -> Any:
    fitting = [i for i, (_, array) in enumerate(_unused) if array.shape == value.shape]
    if not fitting:
        return value
    return _unused.pop(next((i for i in fitting if _unused[i][0] == name), fitting[0]))[1].astype(value.dtype)


def states() -> list[dict[Any, Any]]:
    """The variables of all sessions that ran."""
    return list(_states.values())


def finish(code: int) -> None:
    """The program ended in an orderly way: its variables are recorded, and that nothing is missing."""
    found = {key[0]: value for state in _states.values() for key, value in state.items()}
    face = sys.modules.get(f"{__package__}.mindspore.parameter")
    if face is not None:
        found.update({p.name: p.node.value for p in face.alive()})
    for name, value in found.items():
        write("variable", [value], name=name)
    write("end", code=code, full=_left < 0)


# ------------------------------------------------------------------------------------------------------ sites of a graph

class Declared(NamedTuple):
    """A site of a graph: where it is, and per gradient the node to fetch and the nodes that a run must reach to have it."""

    at: Place
    gradients: list[tuple[Node, tuple[Node, ...]] | None]
    problem: Problem


class Watch(NamedTuple):
    """What a run computes of declared sites: the nodes to fetch besides, and per site which of them are its gradients."""

    nodes: list[Node]
    sites: list[tuple[Declared, list[Any]]]


def declare(graph: Any, at: Place | None, gradients: Sequence[Any], problem: Problem) -> None:
    """Notes a site of a graph. A gradient is None, a node, or a node with the nodes that it is made of."""
    if at is not None:
        known = [None if g is None else (g, (g,)) if isinstance(g, Node) else g for g in gradients]
        graph.__dict__.setdefault("gradient_sites", []).append(Declared(at, known, problem))


def watch(graph: Any, fetches: Sequence[Node], fed: Sequence[Node]) -> Watch | None:
    """The sites that a run of these fetches evaluates, in part or whole; None when there are none."""
    declared = graph.__dict__.get("gradient_sites")
    if not declared:
        return None
    reached = {id(node) for node in before(fetches, fed)}
    nodes: list[Node] = []
    sites = []
    for one in declared:
        if not any(g is not None and all(id(need) in reached for need in g[1]) for g in one.gradients):
            continue
        places: list[Any] = []
        for g in one.gradients:
            if g is None:
                places.append(None)
            elif all(id(need) in reached for need in g[1]):
                places.append(len(nodes))
                nodes.append(g[0])
            else:
                places.append(UNKNOWN)
        sites.append((one, places))
    return Watch(nodes, sites) if sites else None


def before(fetches: Sequence[Node], fed: Sequence[Node] = ()) -> list[Node]:
    """All nodes that a run of these fetches computes."""
    stop, seen, pending = {id(n) for n in fed}, dict[int, Node](), list(fetches)
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            if id(node) not in stop:
                pending.extend(node.inputs)
                pending.extend(node.control)
    return list(seen.values())


def ran(watched: Watch, values: Sequence[Any], fed: Sequence[Node], arrays: Sequence[Any], state: dict[Any, Any]) -> None:
    """Records what a run gave for the watched sites; `state` holds the variables from before the run."""
    global _runs
    _runs += 1
    for declared, places in watched.sites:
        found = [place if place is None or place is UNKNOWN else values[place] for place in places]
        record(declared.at, found, _runs)
        if _wanted(declared.at):
            feeds = dict(zip(fed, arrays, strict=True))
            _consult(declared.at, _known_part(declared.problem, found), [f for f in found if f is not UNKNOWN], lambda node: _given(node, feeds, state))


def _known_part(problem: Problem, found: Sequence[Any]) -> Problem:
    xs = [x for x, f in zip(problem.xs, found, strict=True) if f is not UNKNOWN]
    return Problem(problem.ys, xs, problem.cotangents, problem.stop, problem.since, problem.order)


def _given(node: Node, feeds: dict[Node, Any], state: dict[Any, Any]) -> Any:
    """The value that a run got from outside: fed, read from a variable, constant. None for what it computed."""
    if node in feeds:
        return feeds[node]
    if node.primitive is READ and not node.control:
        return state[node.params["key"]]
    if node.primitive is PLACEHOLDER:
        return node.params["default"]
    return node.params["value"] if node.primitive is CONSTANT else node.value


# ------------------------------------------------------------------------------------------------------------- the oracle

def derived(problem: Callable[[], Problem], found: Sequence[Any]) -> None:
    """Holds gradients that were computed at once against finite differences."""
    at = site() if _oracle else None
    if at is not None and _wanted(at):
        _consult(at, problem(), found, lambda node: node.value)


def _wanted(at: Place) -> bool:
    return _oracle and at not in _decided and _attempts.get(at, 0) < 5 and _oracle_seconds > 0


def _consult(at: Place, problem: Problem, found: Sequence[Any], value_of: Callable[[Node], Any]) -> None:
    global _oracle_seconds
    began = time.perf_counter()
    opinion: Opinion = judge(problem, found, value_of)
    _oracle_seconds -= time.perf_counter() - began
    _attempts[at] = _attempts.get(at, 0) + 1
    # Agreement about nothing but zeros is little; another run may say more.
    if opinion.verdict == "doubtful" or (opinion.verdict == "agrees" and abs(opinion.found) > 1e-6):
        _decided.add(at)
    write("oracle", line=at[0], column=at[1], verdict=opinion.verdict, expected=opinion.expected, found=opinion.found, why=opinion.why)


# ------------------------------------------------------------------------------------------- tensors that compute themselves

class _Group:
    """The gradients of one site that one run computes."""

    def __init__(self, at: Place, empty: list[Any]) -> None:
        self.at, self.empty = at, empty
        self.values = list(empty)


_tagged: dict[Place, list[Any]] = {}
_pending: list[_Group] = []             # the sites that the run which is going on has computed something of
_runner: Any = None                     # the frame that computes one tensor after the other: one run


def _computed(group: _Group, indices: Sequence[int], value: Any, runner: Any) -> None:
    global _runner
    if runner is not _runner:
        flush()
        _runner = runner
    if group not in _pending:
        _pending.append(group)
    for index in indices:
        group.values[index] = value


def flush() -> None:
    """Writes what the last run computed of tagged tensors."""
    for group in _pending:
        record(group.at, group.values)
        group.values = list(group.empty)
    _pending.clear()


def tagged(at: Place) -> list[Any]:
    """The tensors that wait to be computed at a site."""
    return [item for item in _tagged.get(at, ()) if callable(getattr(item, "compute", None))]


def tag(line: int, column: int, result: Any) -> Any:
    """Lets the tensors that wait to be computed, in the result of a converted gradient call, record what they give."""
    items = result if isinstance(result, (list, tuple)) else [result]
    group = _Group((line, column), [None if item is None else UNKNOWN for item in items])
    _tagged.setdefault(group.at, []).extend(item for item in items if item is not None)
    for item in {id(item): item for item in items}.values():
        # A program that never runs anything carries no `compute`: what it would do is then `apply`.
        compute = getattr(item, "compute", None) or getattr(item, "apply", None)
        if callable(compute) and hasattr(item, "inputs"):
            item.compute = _recording(compute, group, [i for i, other in enumerate(items) if other is item])
    return result


def _recording(compute: Callable[..., Any], group: _Group, indices: list[int]) -> Callable[..., Any]:
    def recorded(*values: Any) -> Any:
        result = compute(*values)
        node = getattr(result, "node", None)
        if isinstance(node, Node) and node.value is not None:
            # A copy: the program may write into the array that it gets.
            _computed(group, indices, node.value.copy(), sys._getframe(1))
        return result

    return recorded
