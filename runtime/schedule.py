"""The order in which the steps of a plan run: which of them run block by block, and which value lives in which buffer."""
from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .lowering import Layout, Step, Value, plain
from .ops.random import DRAW
from .ops.state import UPDATE

LARGE = 48 * 1024             # bytes from which a result is worth to be computed in blocks that stay in the cache
BLOCK = 16 * 1024             # elements of a block
LONGEST = 200                 # steps of a group

WRITES = frozenset(("ufunc", "cast", "where", "copy"))


@dataclass(eq=False)
class Group:
    """Steps on arrays of one shape that run together, one block of it after the other."""

    steps: list[Step]
    shape: tuple[int, ...]


Unit = Step | Group


def live_steps(steps: Sequence[Step], fetched: Iterable[Value]) -> list[Step]:
    """The steps that a fetch or an effect needs, in their order."""
    wanted = set(fetched)
    kept = []
    for step in reversed(steps):
        if step.kind == "node" or step.output in wanted:
            kept.append(step)
            wanted.update(step.inputs)
    return kept[::-1]


def in_blocks(step: Step) -> bool:
    """Whether a step can run block by block: elementwise on a large array that lies in memory in its order."""
    layout = step.output.layout
    return (step.elementwise and layout is not None and math.prod(layout.shape) * layout.dtype.itemsize >= LARGE
            and layout.strides == plain(layout.shape, layout.dtype).strides)


def arranged(steps: Sequence[Step]) -> list[Unit]:
    """The steps in an order that joins elementwise work on large arrays into groups; what has an effect keeps its place."""
    return [unit for late in (False, True) for unit in _arranged([step for step in steps if step.late == late])]


def _arranged(steps: Sequence[Step]) -> list[Unit]:
    number = {step: i for i, step in enumerate(steps)}
    waiting = [0] * len(steps)
    users: list[list[int]] = [[] for _ in steps]
    effect: int | None = None
    for i, step in enumerate(steps):
        before = {number[v.step] for v in step.inputs if v.step in number}
        if step.kind == "node":
            if effect is not None:
                before.add(effect)
            effect = i
        waiting[i] = len(before)
        for j in before:
            users[j].append(i)
    alone: list[int] = []
    large: dict[tuple[int, ...], list[int]] = {}

    def ready(i: int) -> None:
        if in_blocks(steps[i]):
            layout = steps[i].output.layout
            assert layout is not None
            heapq.heappush(large.setdefault(layout.shape, []), i)
        else:
            heapq.heappush(alone, i)

    def done(i: int) -> None:
        for j in users[i]:
            waiting[j] -= 1
            if not waiting[j]:
                ready(j)

    for i, count in enumerate(waiting):
        if not count:
            ready(i)
    result: list[Unit] = []
    while alone or large:
        if alone:
            i = heapq.heappop(alone)
            result.append(steps[i])
            done(i)
            continue
        shape = min(large, key=lambda shape: large[shape][0])
        members: list[Step] = []
        queue = large[shape]
        while queue and len(members) < LONGEST:
            i = heapq.heappop(queue)
            members.append(steps[i])
            done(i)
        if not queue:
            del large[shape]
        result.append(Group(members, shape) if len(members) > 1 else members[0])
    return result


# ---------------------------------------------------------------------------------------------------------------- buffers

@dataclass
class Memory:
    """Where values live that steps write: `places` gives the number of a buffer (of `sizes[number]` bytes) for each, `blocks` a buffer for
    one block: the size of its elements and a number. What has neither is made anew. `last` is the number of the unit that uses a value last."""

    places: dict[Value, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    blocks: dict[Value, tuple[int, int]] = field(default_factory=dict)
    last: dict[Value, int] = field(default_factory=dict)


def size_of(layout: Layout) -> int:
    return max(1, math.prod(layout.shape) * int(layout.dtype.itemsize))


def allotted(units: Sequence[Unit], fetched: Sequence[Value]) -> Memory:
    """Buffers for the values that nobody outside of the plan can see; two values share one when the first is dead before the second is made."""
    memory = Memory()
    escaping = {root for value in fetched for root in value.roots}
    home: dict[Value, int] = {}                   # values that only the group that makes them uses, and which group that is
    for at, unit in enumerate(units):
        for step in steps_of(unit):
            for value in step.inputs:
                memory.last.update(dict.fromkeys((value, *value.roots), at))
                if home.get(value, at) != at:
                    del home[value]
            memory.last.setdefault(step.output, at)
            if isinstance(unit, Group):
                home[step.output] = at
            if step.kind == "node" and step.function.primitive not in (UPDATE, DRAW):
                escaping.update(root for value in step.inputs for root in value.roots)       # who knows who keeps it
    for value in fetched:
        memory.last.update(dict.fromkeys((value, *value.roots), len(units)))
        home.pop(value, None)
    for root in escaping:
        home.pop(root, None)
    dying: dict[int, list[Value]] = {}
    for value, at in memory.last.items():
        dying.setdefault(at, []).append(value)
    free: dict[int, list[int]] = {}
    for at, unit in enumerate(units):
        if isinstance(unit, Group):
            _in_group(unit, home, memory)
        taken = _taken_over(unit, at, memory, escaping)
        for step in steps_of(unit):
            value = step.output
            if step.kind not in WRITES or value.layout is None or value in escaping or value in memory.blocks:
                continue
            size = size_of(value.layout)
            if value in taken:
                memory.places[value] = memory.places[taken[value]]
            elif free.get(size):
                memory.places[value] = free[size].pop()
            else:
                memory.places[value] = len(memory.sizes)
                memory.sizes.append(size)
        busy = {memory.places[value] for value in taken if memory.last[value] != at}
        freed = {memory.places[value] for value in dying.get(at, ()) if value in memory.places} - busy
        for place in sorted(freed):
            free.setdefault(memory.sizes[place], []).append(place)
    return memory


def steps_of(unit: Unit) -> list[Step]:
    return unit.steps if isinstance(unit, Group) else [unit]


def _taken_over(unit: Unit, at: int, memory: Memory, escaping: set[Value]) -> dict[Value, Value]:
    """Outputs that are written over an input which nobody reads after that: {output: input}. Both lie in memory alike."""
    steps = steps_of(unit)
    final: dict[Value, int] = {}
    viewed: set[Value] = set()
    for i, step in enumerate(steps):
        for value in step.inputs:
            final[value] = i
            viewed.update(value.roots - {value})
    spare = [v for v in final if v in memory.places and memory.last[v] == at and v not in viewed]
    taken: dict[Value, Value] = {}
    for i, step in enumerate(steps):
        value, layout = step.output, step.output.layout
        if step.kind not in WRITES or layout is None or value in escaping or value in memory.blocks or math.prod(layout.shape) < 2:
            continue
        for candidate in spare:
            # NumPy writes over what it reads only elementwise.
            early_enough = final[candidate] < i or (final[candidate] == i and step.kind == "ufunc" and step.elementwise)
            if early_enough and candidate.layout == layout and (isinstance(unit, Group) or step.elementwise):
                taken[value] = candidate
                spare.remove(candidate)
                break
    return taken


def _in_group(group: Group, home: dict[Value, int], memory: Memory) -> None:
    """Buffers of one block for what only the group itself needs."""
    final = {value: i for i, step in enumerate(group.steps) for value in step.inputs}
    free: dict[int, list[tuple[int, int]]] = {}
    counts: dict[int, int] = {}

    def release(i: int, step: Step) -> None:
        for value in dict.fromkeys((*step.inputs, step.output)):
            if value in memory.blocks and final.get(value, i) == i:
                free.setdefault(memory.blocks[value][0], []).append(memory.blocks[value])

    for i, step in enumerate(group.steps):
        over = step.kind == "ufunc"               # writes over what it reads; the others read it again
        if over:
            release(i, step)
        if step.output in home:
            assert step.output.layout is not None
            size = step.output.layout.dtype.itemsize
            stack = free.setdefault(size, [])
            if not stack:
                stack.append((size, counts.setdefault(size, 0)))
                counts[size] += 1
            memory.blocks[step.output] = stack.pop()
            if step.output not in final:
                stack.append(memory.blocks[step.output])
        if not over:
            release(i, step)
