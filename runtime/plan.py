"""Plans as Python source: one line for each call of NumPy, with buffers that are kept from run to run."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .core import Array, Node
from .lowering import Layout, Step, Value, lower
from .schedule import BLOCK, Group, Memory, Unit, allotted, arranged, live_steps, steps_of

PART = 400                    # calls of one function: Python compiles very long ones slowly
_DROPPED = 1 << 14            # bytes from which an array is given back before the function ends

Run = Callable[[Sequence[Array], Any], "list[Any] | None"]
Execute = Callable[[Node, Sequence[Any], Any], Any]


def compiled(early: Sequence[Node], late: Sequence[Node], fed: Sequence[Node], fetches: Sequence[Node], layouts: dict[int, Layout | None],
             execute: Execute) -> Run:
    """A function run(feeds, state) that gives the values of the fetches, or None when feeds or variables have other shapes or dtypes
    than those of `layouts`, which tells for the id of each node what a run made of it.

    Not to be entered again while it runs: it writes into its own buffers, of which nothing is in what it gives, in variables, or in what
    other code is called with. `execute(node, arrays, state)` runs the nodes that have effects, and raises what they raise."""
    draft, sources, reads, fetched = lower(early, late, fed, fetches, layouts, lambda node, arrays: execute(node, arrays, {}))
    units = arranged(live_steps(draft.steps, fetched))
    writer = _Writer(units, allotted(units, fetched), execute)
    return writer.written(sources, reads, fetched)


class _Writer:
    """Writes the source of one plan; `names` holds what the source refers to."""

    def __init__(self, units: Sequence[Unit], memory: Memory, execute: Execute) -> None:
        self.units, self.memory = units, memory
        self.names: dict[str, Any] = {"empty": np.empty, "copyto": np.copyto, "where": np.where, "execute": execute}
        self.bound: dict[int, str] = {}
        self.numbers: dict[Value, int] = {}
        self.buffers = [np.empty(size, np.uint8) for size in memory.sizes]
        self.blocks: dict[tuple[int, int], Array] = {}
        self.parts = _parts(units)
        self.shared = len(self.parts) > 1                 # values pass from one function to the next through a list
        self.dying: dict[int, list[Value]] = {}
        for value, at in memory.last.items():
            self.dying.setdefault(at, []).append(value)

    def bind(self, thing: Any) -> str:
        """The name of a constant, a function or a buffer in the source."""
        name = self.bound.get(id(thing))
        if name is None:
            name = self.bound[id(thing)] = f"k{len(self.bound)}"
            self.names[name] = thing
        return name

    def name(self, value: Value) -> str:
        if value.constant is not None:
            return self.bind(value.constant)
        number = self.numbers.setdefault(value, len(self.numbers))
        if value in self.memory.places:
            key = f"b{number}"
            if key not in self.names:
                self.names[key] = self.held(value)
            return key
        return f"s[{number}]" if self.shared else f"v{number}"

    def held(self, value: Value) -> Array:
        """The buffer of a value, as an array of its layout."""
        layout = value.layout
        assert layout is not None
        return np.ndarray(layout.shape, layout.dtype, self.buffers[self.memory.places[value]], 0, layout.strides)

    def written(self, sources: Sequence[Value], reads: Sequence[Value], fetched: Sequence[Value]) -> Run:
        head = self.guards(sources, reads)
        bodies, at = [], 0
        for part in self.parts:
            lines: list[str] = []
            for unit in part:
                lines += self.group(unit) if isinstance(unit, Group) else self.step(unit, [self.name(v) for v in unit.inputs])
                lines += [f"{self.name(v)} = None" for v in self.dying.get(at, ()) if self.droppable(v)]
                at += 1
            bodies.append(lines)
        answer = f"return [{', '.join(self.name(v) for v in fetched)}]"
        if self.shared:
            calls = [f"part{i}(s, state)" for i in range(len(bodies))]
            text = [f"def part{i}(s, state):\n    " + "\n    ".join(lines) for i, lines in enumerate(bodies)]
            head = [f"s = [None] * {len(self.numbers)}", *head]
        else:
            calls, text = [line for lines in bodies for line in lines], []
        for source in [*text, "def run(feeds, state):\n    " + "\n    ".join([*head, *calls, answer])]:
            exec(compile(source, "<plan>", "exec"), self.names)
        run: Run = self.names["run"]
        return run

    def droppable(self, value: Value) -> bool:
        """Whether a variable of the source holds memory of its own that is worth to be given back."""
        if value.step is None or value.constant is not None or value in self.memory.places or value in self.memory.blocks:
            return False
        return value in self.numbers and (value.layout is None or math.prod(value.layout.shape) * value.layout.dtype.itemsize >= _DROPPED)

    def guards(self, sources: Sequence[Value], reads: Sequence[Value]) -> list[str]:
        lines = [f"{', '.join(self.name(v) for v in sources)}, = feeds"] if sources else []
        lines += [f"{self.name(v)} = state.get({self.bind(v.source.params['key'])})" for v in reads]
        for value in (*sources, *reads):
            layout, name = value.layout, self.name(value)
            assert layout is not None
            absent = f"{name} is None or " if value in reads else ""
            lines.append(f"if {absent}{name}.shape != {layout.shape} or {name}.dtype is not {self.bind(layout.dtype)}: return None")
        return lines

    # -- one step after the other

    def step(self, step: Step, inputs: Sequence[str], target: str | None = None) -> list[str]:
        """The lines of one step; `target` is the array it writes into, when it has one."""
        value, layout = step.output, step.output.layout
        if step.kind == "node":
            return [f"{self.name(value)} = execute({self.bind(step.function)}, [{', '.join(inputs)}], state)"]
        if step.kind == "call":
            constants = {f"c{i}": self.bind(thing) for i, thing in enumerate(step.constants)}
            return [f"{self.name(value)} = {step.text.format(*inputs, **constants)}"]
        assert layout is not None
        lines = []
        if target is None:
            target = self.name(value)
            if value not in self.memory.places:
                if step.kind == "ufunc" and layout.shape:
                    return [f"{target} = {self.bind(step.function)}({', '.join(inputs)})"]
                lines = [f"{target} = empty({layout.shape}, {self.bind(layout.dtype)})"]
        if step.kind == "ufunc":
            # By position is faster, but of these two it is deprecated.
            out = f"out={target}" if step.function in (np.maximum, np.minimum) else target
            return [*lines, f"{self.bind(step.function)}({', '.join(inputs)}, {out})"]
        if step.kind == "where":
            return [*lines, f"copyto({target}, {inputs[2]})", f"copyto({target}, {inputs[1]}, 'same_kind', {inputs[0]})"]
        return [*lines, f"copyto({target}, {inputs[0]}, 'unsafe')"]

    # -- a group, block by block

    def group(self, group: Group) -> list[str]:
        """A loop over blocks: of elements when all arrays have the shape of the group, else of its first axis."""
        made = {step.output for step in group.steps}
        inputs = [v for v in dict.fromkeys(v for step in group.steps for v in step.inputs) if v not in made]
        flat = all(_shape(v) == group.shape or math.prod(_shape(v)) == 1 for v in inputs)
        length = math.prod(group.shape) if flat else group.shape[0]
        rest = () if flat else group.shape[1:]
        count = max(1, BLOCK // max(1, math.prod(rest)))
        pieces = [slice(i, min(i + count, length)) for i in range(0, length, count)]
        before, in_loop, kept = [], [], []
        local: dict[Value, str] = {}
        columns: list[tuple[str, list[Array]]] = []

        def cut(value: Value, name: str) -> None:
            """`name` stands for the piece of a value that belongs to a block."""
            local[value] = name
            if value in self.memory.places or value.constant is not None:
                array = value.constant if value.constant is not None else self.held(value)
                array = array.reshape(-1) if flat else array
                columns.append((name, [array[piece] for piece in pieces]))
            else:
                before.append(f"{name}w = {self.name(value)}{'.reshape(-1)' if flat else ''}")
                in_loop.append(f"{name} = {name}w[piece]")
                kept.append(name)

        for i, value in enumerate(inputs):
            shape = _shape(value)
            if math.prod(shape) == 1 and shape:
                local[value] = f"x{i}"
                before.append(f"x{i} = {self.name(value)}.reshape(())")
            elif shape and (flat or (len(shape) == len(group.shape) and shape[0] == length)):
                cut(value, f"x{i}")
            else:
                local[value] = self.name(value)
        lines = []
        for i, step in enumerate(group.steps):
            value, layout = step.output, step.output.layout
            assert layout is not None
            if value in self.memory.blocks:
                local[value] = f"t{i}"
                columns.append((f"t{i}", _pieces(self.block(value, count * math.prod(rest)).view(layout.dtype), pieces, rest)))
            else:
                if value not in self.memory.places:
                    before.append(f"{self.name(value)} = empty({layout.shape}, {self.bind(layout.dtype)})")
                cut(value, f"y{i}")
            lines += self.step(step, [local[v] for v in step.inputs], local[value])
        table = list(zip(pieces, *(arrays for _, arrays in columns), strict=True))
        names = ", ".join(["piece", *(name for name, _ in columns)])
        self.names[key := f"g{len(self.names)}"] = table
        after = [f"{name} = {name}w = None" for name in kept]
        return [*before, f"for {names}, in {key}:", *(f"    {line}" for line in in_loop + lines), *after]


    def block(self, value: Value, count: int) -> Array:
        """The buffer for blocks of `count` elements of a value; groups share them."""
        key = self.memory.blocks[value]
        size = count * key[0]
        if key not in self.blocks or self.blocks[key].size < size:
            self.blocks[key] = np.empty(size, np.uint8)
        return self.blocks[key][:size]


def _parts(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units for one function each."""
    parts: list[list[Unit]] = [[]]
    size = 0
    for unit in units:
        if size >= PART:
            parts.append([])
            size = 0
        parts[-1].append(unit)
        size += len(steps_of(unit))
    return parts


def _shape(value: Value) -> tuple[int, ...]:
    assert value.layout is not None
    return value.layout.shape


def _pieces(block: Array, pieces: Sequence[slice], rest: tuple[int, ...]) -> list[Array]:
    """The buffer of a block as an array for each piece; all but the last are of one size."""
    row = math.prod(rest)
    whole = block[:(pieces[0].stop - pieces[0].start) * row].reshape(-1, *rest) if rest else block
    return [whole[:piece.stop - piece.start] for piece in pieces]
