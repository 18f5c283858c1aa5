"""Runs symbolic nodes: prunes, orders, executes, and frees values as soon as nobody needs them."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from .core import CONSTANT, Array, Node
from .lowering import Layout
from .ops import state as state_ops
from .ops.state import PLACEHOLDER, READ, UPDATE
from .plan import compiled

State = MutableMapping[Any, Array]
SHAPES = 8                    # combinations of shapes that a program has plans for
COMPILE = 50                  # how much longer it takes to compile a step than to execute it


class Prepared:
    """A program for one set of fetches and fed nodes: run it with `run(feeds, state)`.

    At first its nodes are executed one after the other. Once it has taken as long as its compilation takes, it is compiled for the
    shapes and dtypes that feeds and variables have."""

    def __init__(self, fetches: Sequence[Node], fed: Sequence[Node]) -> None:
        self.early, self.late = execution_order(fetches, {id(node) for node in fed})
        order = self.early + self.late
        self.slot = {id(node): index for index, node in enumerate(order)}
        for node in fed:
            self.slot.setdefault(id(node), len(self.slot))
        self.fed = [self.slot[id(node)] for node in fed]
        self.fetched = [self.slot[id(node)] for node in fetches]
        self.inputs, self.fetches = fed, fetches       # with the order, they keep ids from being reused
        self.steps = self._steps(order, {id(node) for node in fed})
        self.read = list(dict.fromkeys(node.params["key"] for node in order if node.primitive is READ and not node.control))
        self.plans: dict[Any, _Specialised] = {}
        self.compiled = False
        self.idle: list[Callable[..., list[Any] | None]] = []            # the plan that ran last, unless it is running

    def _steps(self, order: Sequence[Node], fed: set[int]) -> list[tuple[Any, ...]]:
        """For each node its slot, itself, the slots of its inputs, and those of them that nobody needs after it."""
        slot, used = self.slot, bytearray(len(self.slot))
        for fetched in self.fetched:
            used[fetched] = 1
        steps: list[tuple[Any, ...]] = []
        for node in reversed(order):
            if id(node) not in fed:
                sources = tuple([slot[id(source)] for source in node.inputs])
                dead: list[int] = []
                for source in sources:
                    if not used[source]:
                        used[source] = 1
                        dead.append(source)
                steps.append((slot[id(node)], node, sources, tuple(dead)))
        return steps[::-1]

    def run(self, feeds: Sequence[Array], state: State) -> list[Any]:
        """Values of the fetches, given one array per fed node.

        Raises state_ops.Unfed and state_ops.Uninitialized."""
        # A plan writes into buffers of its own: whoever comes while it runs (a thread, a function that it calls) finds none.
        try:
            fast = self.idle.pop()
        except IndexError:
            return self._interpret_or_compile(feeds, state)
        try:
            found = fast(feeds, state)
            if found is None:
                known = self.plans.get(self._signature(feeds, state))
                if known is not None and known.run is not None:
                    fast = known.run
                    found = fast(feeds, state)
        finally:
            self.idle.append(fast)
        return self._interpret_or_compile(feeds, state) if found is None else found

    def _interpret_or_compile(self, feeds: Sequence[Array], state: State) -> list[Any]:
        signature = self._signature(feeds, state)
        if signature is None:
            return self.interpret(feeds, state)
        known = self.plans.get(signature)
        if known is None:
            while len(self.plans) >= SHAPES:
                del self.plans[next(iter(self.plans))]
            known = self.plans[signature] = _Specialised()
        known.runs += 1
        if known.runs == 2:
            sizes: list[int] = []
            found = self.interpret(feeds, state, lambda slot, array: sizes.append(array.size))
            known.patience = patience(len(self.steps), sum(sizes))
            return found
        if known.run is not None or known.runs < 2 or known.runs < known.patience:
            return self.interpret(feeds, state)
        layouts: list[Layout | None] = [None] * len(self.slot)

        def note(slot: int, array: Array) -> None:
            layouts[slot] = Layout(array.shape, array.dtype, array.strides)

        found = self.interpret(feeds, state, note)
        known.run = self.compile(layouts)
        if not self.compiled:
            self.compiled = True
            self.idle.append(known.run)
        return found

    def _signature(self, feeds: Sequence[Array], state: State) -> Any:
        """What a plan is made for; None when a variable has no value."""
        arrays = [*feeds, *map(state.get, self.read)]
        return None if any(a is None for a in arrays) else tuple((a.shape, a.dtype) for a in arrays if a is not None)

    def compile(self, layouts: Sequence[Layout | None]) -> Callable[..., list[Any] | None]:
        """The plan for the layouts that one run noted for all slots."""
        run = compiled(self.early, self.late, self.inputs, self.fetches, {key: layouts[slot] for key, slot in self.slot.items()}, _execute)
        # Code of the program must see the settings that the program makes, which a context of our own would hide.
        return quietly(run, any(node.primitive is not None and node.primitive.name in ("python", "call", "custom") for node in self.early + self.late))

    def interpret(self, feeds: Sequence[Array], state: State, note: Callable[[int, Array], None] | None = None) -> list[Any]:
        """Runs node after node; `note` is told the slot and the value of each that is an array."""
        values: list[Any] = [None] * len(self.slot)
        for slot, array in zip(self.fed, feeds, strict=True):
            values[slot] = array
            if note is not None:
                note(slot, array)
        with np.errstate(all="ignore"):
            for slot, node, sources, dead in self.steps:
                value = values[slot] = _execute(node, [values[s] for s in sources], state)
                if note is not None and type(value) is np.ndarray:
                    note(slot, value)
                for gone in dead:
                    values[gone] = None
        return [values[slot] for slot in self.fetched]


@dataclass
class _Specialised:
    """What is known of runs with feeds and variables of certain shapes: how many there were, and the plan for them."""

    runs: int = 0
    patience: int = 0
    run: Callable[..., list[Any] | None] | None = None


def patience(steps: int, elements: int) -> int:
    """After how many runs of so many steps on so many elements a plan has cost what its compilation costs: estimated, so that the clock
    decides nothing."""
    return math.ceil(COMPILE * steps / (steps + elements / 1000)) if steps else 0


def quietly(run: Callable[..., list[Any] | None], calls_out: bool) -> Callable[..., list[Any] | None]:
    """`run` without NumPy's warnings. Entering a context is faster than np.errstate, but only NumPy 2 keeps its settings in it."""
    if calls_out or int(np.__version__.split(".")[0]) < 2:
        def warned(feeds: Any, state: Any) -> Any:
            with np.errstate(all="ignore"):
                return run(feeds, state)

        return warned
    context = copy_context()
    context.run(np.seterr, all="ignore")
    return partial(context.run, run)


def _execute(node: Node, arrays: Sequence[Any], state: State) -> Any:
    primitive = node.primitive
    params = node.params
    if primitive is None:
        return node.value
    if primitive is CONSTANT:
        return params["value"]
    if primitive is READ:
        value = state.get(params["key"])
        if value is None:
            raise state_ops.Uninitialized(params["key"])
        return value
    if primitive is UPDATE:
        stored = np.asarray(params["compute"](state.get(params["key"]), *arrays), params["dtype"])
        if any(stored is array or stored.base is not None for array in arrays):
            stored = stored.copy()
        state[params["key"]] = stored
        return stored
    if primitive is PLACEHOLDER:
        if params["default"] is None:
            raise state_ops.Unfed(node)
        return params["default"]
    if primitive is state_ops.INITIALIZED:
        return np.array(params["key"] in state)
    value = primitive.forward(*arrays, **params)
    if type(value) is np.ndarray or type(value) is tuple:
        return value
    result = np.asarray(value)
    return result if node.dtype is None or result.dtype == node.dtype else result.astype(node.dtype)


def execution_order(fetches: Sequence[Node], fed: set[int]) -> tuple[list[Node], list[Node]]:
    """The nodes that the fetches need, in the order in which they must run, in two parts.

    Everything that depends on no update comes first, so that values and gradients are those from before the updates of the
    run; the updates follow in the second part, and what waits for them."""
    needed: dict[int, Node] = {}
    pending = list(fetches)
    waiting = updating = False
    while pending:
        node = pending.pop()
        if id(node) not in needed:
            needed[id(node)] = node
            if id(node) not in fed:
                pending.extend(node.inputs)
                if node.control:
                    pending.extend(node.control)
                    waiting = True
                updating = updating or node.primitive is UPDATE
    order = _topological(needed, fed) if waiting else sorted(needed.values(), key=attrgetter("serial"))
    if not updating:
        return order, []
    after: set[int] = set()
    early, late = [], []
    for node in order:
        sources = () if id(node) in fed else (*node.inputs, *node.control)
        if (node.primitive is UPDATE and id(node) not in fed) or any(id(source) in after for source in sources):
            after.add(id(node))
            late.append(node)
        else:
            early.append(node)
    return early, late


def _topological(needed: Mapping[int, Node], fed: set[int]) -> list[Node]:
    ordered = sorted(needed.values(), key=attrgetter("serial"))
    if all(source.serial < node.serial for node in ordered if node.control and id(node) not in fed for source in node.control):
        return ordered
    # A control input may be younger than its node: sort by depth first, without recursion.
    done: set[int] = set()
    result: list[Node] = []
    for root in ordered:
        stack = [(root, False)]
        while stack:
            node, expanded = stack.pop()
            if id(node) in done:
                continue
            if expanded:
                done.add(id(node))
                result.append(node)
                continue
            stack.append((node, True))
            if id(node) not in fed:
                stack.extend((source, False) for source in (*node.inputs, *node.control) if id(source) not in done)
    return result
