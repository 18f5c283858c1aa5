"""Finite differences of a program's own graph in float64: an oracle for its gradients that shares no gradient code with them.

The nodes between xs and ys are computed again in float64 with xs moved a little in a random direction v. What the ys change by
must be what the recorded gradients say: (F(x + hv) - F(x - hv)) / 2h = sum(g * v)."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .core import Array, Node
from .ops.control import CALL
from .ops.state import GROUP, INITIALIZED, PLACEHOLDER, READ, UPDATE

STEPS = (1e-5, 1e-7)
DIRECTIONS = 3
RELATIVE = 5e-3            # float32 gradients of long programs carry errors of this size along a random direction
_OPAQUE = ("custom", "python")
_CASTS = ("cast", "cast_through")
_FIXED = ("stop_gradient",)


class NotApplicable(Exception):
    """Why finite differences cannot judge a site."""


@dataclass(frozen=True)
class Opinion:
    """What finite differences say: "agrees", "doubtful", "kink" (not differentiable at this point) or "skipped", and why."""

    verdict: str
    expected: float = 0.0
    found: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Problem:
    """A gradient site as a question: the gradients of ys weighted by cotangents (None: ones) with respect to xs, where the nodes in
    `stop` and all that is older than `since` count as constants. `order` is 2 for matrices of second derivatives."""

    ys: Sequence[Node]
    xs: Sequence[Node]
    cotangents: Sequence[Any]
    stop: Sequence[Node] = ()
    since: int | None = None
    order: int = 1


def judge(problem: Problem, gradients: Sequence[Any], value_of: Callable[[Node], Array | None]) -> Opinion:
    """Holds gradients (arrays; None counts as zeros) against finite differences. `value_of` gives the values that come from outside."""
    try:
        with np.errstate(all="ignore"):
            program = _Program(problem, value_of)
            moved = [i for i, x in enumerate(problem.xs) if x in program.reached and _float(program.base[x]) and not _repeated(problem.xs, i)]
            if not moved:
                raise NotApplicable("no x of a floating type lies before ys")
            return _verdict(program, problem, {problem.xs[i]: gradients[i] for i in moved})
    except NotApplicable as reason:
        return Opinion("skipped", why=str(reason))
    except Exception as error:
        return Opinion("skipped", why=f"the graph could not be computed in float64: {type(error).__name__}: {error}")


def _repeated(xs: Sequence[Node], index: int) -> bool:
    return any(x is xs[index] for x in xs[:index])


def _float(value: Any) -> bool:
    return type(value) is np.ndarray and value.dtype.kind == "f"


class _Program:
    """The nodes between leaves and ys, their float64 values, and the sum of cotangents times ys when xs move."""

    def __init__(self, problem: Problem, value_of: Callable[[Node], Array | None]) -> None:
        self.ys, self.xs, self.stopped = list(problem.ys), set(problem.xs), set(problem.stop)
        self.base: dict[Node, Any] = {}
        self.fixed: set[Node] = set()
        order = _ordered([*self.ys, *(g for g in problem.cotangents if g is not None)], problem.since, value_of, self.base)
        self.fixed = {node for node in order if node in self.base or _is_fixed(node)}
        for node in order:
            if node not in self.base:
                self.base[node] = _double(self._compute(node, self.base))
        moving: dict[Node, None] = {}
        for node in order:
            if node in self.xs or (node not in self.fixed and any(source in moving for source in node.inputs)):
                moving[node] = None
        self.moving = list(moving)
        self.reached = set(order)
        names = {node.primitive.name for node in moving if node.primitive is not None and node not in self.fixed}
        if names & set(_OPAQUE):
            raise NotApplicable("the program defines a gradient of its own on the way")
        self.loops = CALL.name in names
        self.weights = [np.ones(()) if g is None else self.base[g] for g in problem.cotangents or [None] * len(self.ys)]
        for y in self.ys:
            if not (_float(self.base[y]) and self.base[y].dtype == np.float64):
                raise NotApplicable(f"ys are {getattr(self.base[y], 'dtype', 'no array')}, not float64, when computed from float64")

    def _compute(self, node: Node, values: dict[Node, Any]) -> Any:
        primitive = node.primitive
        assert primitive is not None
        if primitive in (READ, PLACEHOLDER, UPDATE, GROUP, INITIALIZED):
            raise NotApplicable("the run changes a variable that ys depend on")
        arrays = [values[source] for source in node.inputs]
        params = node.params
        if primitive.name in _CASTS and arrays[0].dtype.kind in "fc" and np.dtype(params["dtype"]).kind in "fc":
            params = {"dtype": np.complex128 if np.dtype(params["dtype"]).kind == "c" else np.float64}
        value = primitive.forward(*arrays, **params)
        return value if type(value) in (np.ndarray, tuple) else np.asarray(value)

    def at(self, distance: float, direction: dict[Node, Array]) -> float:
        """sum(cotangent * y) when every x is moved by distance * direction; what is not moving keeps its value."""
        values = dict(self.base)
        for node in self.moving:
            if node not in self.fixed and node not in self.stopped:
                values[node] = self._compute(node, values)
            if node in direction:
                values[node] = values[node] + distance * direction[node]
        return float(sum(np.sum(w * values[y]) for w, y in zip(self.weights, self.ys, strict=True)))


def _is_fixed(node: Node) -> bool:
    """Whether a node keeps its value when what it is computed from moves: no derivative passes it."""
    return node.primitive is not None and (node.primitive.name in _FIXED or not node.primitive.pure)


def _double(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(_double(v) for v in value)
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array.astype(np.complex128) if array.dtype.kind == "c" else array


def _ordered(ends: Iterable[Node], since: int | None, value_of: Callable[[Node], Array | None], base: dict[Node, Any]) -> list[Node]:
    """The nodes to compute, in order; what is given from outside or older than `since` goes into `base`."""
    seen: dict[Node, None] = {}
    pending = list(ends)
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen[node] = None
        value = value_of(node)
        if since is not None and node.serial >= since and node.inputs:
            value = None                         # recorded in float32: computed again in float64
        if value is not None:
            base[node] = _double(value)
        else:
            pending.extend(node.inputs)
    return sorted(seen, key=lambda node: node.serial)


def _verdict(program: _Program, problem: Problem, gradients: dict[Node, Any]) -> Opinion:
    worst = Opinion("skipped")
    for trial in range(DIRECTIONS):
        rng = np.random.default_rng(trial + 1)
        direction = {x: rng.standard_normal(program.base[x].shape) * max(1.0, _size(program.base[x])) for x in gradients}
        opinion = _second(program, gradients, direction) if problem.order == 2 else _first(program, gradients, direction)
        if opinion.verdict == "agrees":
            return opinion
        if trial == 0 or opinion.verdict == "kink":
            worst = opinion
    if worst.verdict == "doubtful" and program.loops:
        return Opinion("skipped", worst.expected, worst.found, "the program's own loops are computed in float32, too coarse for finite differences")
    return worst


def _size(array: Array) -> float:
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 1.0


def _first(program: _Program, gradients: dict[Node, Any], direction: dict[Node, Array]) -> Opinion:
    terms = [np.zeros(1)] + [np.asarray(g, np.float64).reshape(-1) * direction[x].reshape(-1) for x, g in gradients.items() if g is not None]
    joined = np.concatenate(terms)
    expected, spread = float(joined.sum()), float(np.sqrt((joined * joined).sum()))
    if not np.isfinite(expected):
        return Opinion("skipped", why="the gradient is not finite")
    middle = program.at(0.0, direction)
    opinion = Opinion("doubtful", expected)
    for step in STEPS:
        above, below = program.at(step, direction), program.at(-step, direction)
        found = (above - below) / (2 * step)
        if not np.isfinite(found):
            return Opinion("skipped", expected, why="ys are not finite")
        noise = 1e-13 * max(abs(above), abs(below)) / step
        slack = RELATIVE * (spread + abs(expected)) + 1e-6 * abs(middle) + 1e-7 + noise
        if abs(found - expected) <= slack:
            return Opinion("agrees", expected, found)
        opinion = Opinion("doubtful", expected, found)
        right, left = (above - middle) / step, (middle - below) / step
        if abs(right - left) > 0.1 * (abs(right) + abs(left)) + 10 * noise + 1e-3 * spread:
            opinion = Opinion("kink", expected, found, f"the slope is {left:.4g} on one side and {right:.4g} on the other")
    return opinion


def _second(program: _Program, gradients: dict[Node, Any], direction: dict[Node, Array]) -> Opinion:
    """Matrices of second derivatives: v H v against the second difference, one x after the other."""
    step = 1e-4
    last = Opinion("skipped", why="no second derivative")
    for x, matrix in gradients.items():
        if matrix is None:
            continue
        v = direction[x].reshape(-1)
        square = np.asarray(matrix, np.float64).reshape(v.size, v.size)
        expected, spread = float(v @ square @ v), float(np.sqrt(((square * np.outer(v, v)) ** 2).sum()))
        alone = {x: direction[x]}
        above, middle, below = program.at(step, alone), program.at(0.0, alone), program.at(-step, alone)
        found = (above - 2 * middle + below) / step ** 2
        if not np.isfinite(found + expected):
            return Opinion("skipped", expected, found, "not finite")
        slack = RELATIVE * (spread + abs(expected)) + 1e-6 * abs(middle) + 1e-6 + 1e-14 * abs(middle) / step ** 2
        last = Opinion("agrees" if abs(found - expected) <= slack else "doubtful", expected, found)
        if last.verdict == "doubtful":
            return last
    return last
