"""Runs symbolic nodes: prunes, orders, executes, and frees values as soon as nobody needs them."""
from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from .core import CONSTANT, Array, Node
from .ops import state as state_ops
from .ops.state import PLACEHOLDER, READ, UPDATE

State = MutableMapping[Any, Array]
Step = tuple[int, Callable[..., Any], tuple[int, ...], dict[str, Any], tuple[int, ...]]


class Prepared:
    """An ordered program for one set of fetches and fed nodes: run it with `run(feeds, state)`."""

    def __init__(self, fetches: Sequence[Node], fed: Sequence[Node]) -> None:
        order = execution_order(fetches, {id(node) for node in fed})
        self.slot = {id(node): index for index, node in enumerate(order)}
        for node in fed:
            self.slot.setdefault(id(node), len(self.slot))
        self.fed = [self.slot[id(node)] for node in fed]
        self.fetched = [self.slot[id(node)] for node in fetches]
        self.nodes = (*order, *fetches, *fed)          # keeps ids from being reused
        self.steps = self._steps(order, {id(node) for node in fed})

    def _steps(self, order: Sequence[Node], fed: set[int]) -> list[tuple[Any, ...]]:
        last: dict[int, int] = {}
        for position, node in enumerate(order):
            if id(node) not in fed:
                for source in node.inputs:
                    last[self.slot[id(source)]] = position
        kept = set(self.fetched)
        dead: dict[int, list[int]] = {}
        for slot, position in last.items():
            if slot not in kept:
                dead.setdefault(position, []).append(slot)
        return [(self.slot[id(node)], node, tuple(self.slot[id(source)] for source in node.inputs), tuple(dead.get(position, ())))
                for position, node in enumerate(order) if id(node) not in fed]

    def run(self, feeds: Sequence[Array], state: State) -> list[Any]:
        """Values of the fetches, given one array per fed node.

        Raises state_ops.Unfed and state_ops.Uninitialized."""
        values: list[Any] = [None] * len(self.slot)
        for slot, array in zip(self.fed, feeds, strict=True):
            values[slot] = array
        with np.errstate(all="ignore"):
            for slot, node, sources, dead in self.steps:
                values[slot] = _execute(node, [values[s] for s in sources], state)
                for gone in dead:
                    values[gone] = None
        return [values[slot] for slot in self.fetched]


def _execute(node: Node, arrays: list[Any], state: State) -> Any:
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


def execution_order(fetches: Sequence[Node], fed: set[int]) -> list[Node]:
    """The nodes that the fetches need, in the order in which they must run.

    Everything that depends on no update comes first, so that values and gradients are those from before the updates of the
    run; the updates follow, and what waits for them."""
    needed: dict[int, Node] = {}
    pending = list(fetches)
    while pending:
        node = pending.pop()
        if id(node) not in needed:
            needed[id(node)] = node
            if id(node) not in fed:
                pending.extend(node.inputs)
                pending.extend(node.control)
    after: set[int] = set()
    early, late = [], []
    for node in _topological(needed, fed):
        sources = () if id(node) in fed else (*node.inputs, *node.control)
        if (node.primitive is UPDATE and id(node) not in fed) or any(id(source) in after for source in sources):
            after.add(id(node))
            late.append(node)
        else:
            early.append(node)
    return early + late


def _topological(needed: Mapping[int, Node], fed: set[int]) -> list[Node]:
    ordered = sorted(needed.values(), key=lambda node: node.serial)
    position = {id(node): i for i, node in enumerate(ordered)}
    if all(position[id(source)] < i for i, node in enumerate(ordered) if id(node) not in fed for source in node.control):
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
