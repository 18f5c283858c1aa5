"""What a child recorded: evaluations of gradient sites, and what finite differences say of them. See runtime/capture.py."""
from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNKNOWN = "?"                     # a gradient that the run had no need to compute
Place = tuple[int, int]


@dataclass(frozen=True)
class Evaluation:
    """What one run of a gradient site gave: per gradient an array, None, or UNKNOWN. `task` is the number of the task that it was
    computed for, -1 when the program itself did; `run` that of the session's run, 0 where there are no sessions."""

    line: int
    column: int
    values: tuple[Any, ...]
    task: int = -1
    run: int = 0


@dataclass(frozen=True)
class Opinion:
    """What finite differences say of a site: "agrees", "doubtful", "kink" or "skipped"."""

    verdict: str
    expected: float = 0.0
    found: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Record:
    """All that a child recorded. `finished` tells whether the program ended in an orderly way, `full` whether evaluations were left
    out because they were too many; `variables` are the last values of the program's variables,
    `initial` the random ones that they began with; `others` are records of other kinds."""

    evaluations: tuple[Evaluation, ...] = ()
    opinions: dict[Place, Opinion] = field(default_factory=dict)
    finished: bool = False
    full: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)
    others: tuple[tuple[dict[str, Any], tuple[Any, ...]], ...] = ()


def read_record(path: Path) -> Record:
    """The records in a file; a last one that was cut off is left out."""
    evaluations, opinions, variables, initial, others = [], dict[Place, Opinion](), dict[str, Any](), dict[str, Any](), []
    finished = full = False
    task = -1
    for header, values in _entries(path):
        kind = header["kind"]
        if kind == "site":
            evaluations.append(Evaluation(header["line"], header["column"], values, task, header.get("run", 0)))
        elif kind == "oracle":
            at = header["line"], header["column"]
            if at not in opinions or opinions[at].verdict in ("skipped", "kink"):
                opinions[at] = Opinion(header["verdict"], header["expected"], header["found"], header["why"])
        elif kind == "variable":
            variables[header["name"]] = values[0]
        elif kind == "initial":
            initial.setdefault(header["name"], values[0])
        elif kind == "end":
            finished, full = True, header.get("full", False)
        else:
            task = header["number"] if kind == "begin" else task
            others.append((header, values))
    return Record(tuple(evaluations), opinions, finished, full, variables, initial, tuple(others))


def _entries(path: Path) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    import numpy as np

    data = path.read_bytes() if path.exists() else b""
    position = 0
    while position + 8 <= len(data):
        start = position + 8
        position = start + int.from_bytes(data[position:start], "little")
        if position > len(data):
            return
        header = json.loads(data[start:position])
        values: list[Any] = []
        for described in header["values"]:
            if not isinstance(described, dict):
                values.append(UNKNOWN if described == UNKNOWN else None)
                continue
            dtype, shape = np.dtype(described["dtype"]), described["shape"]
            count = math.prod(shape)
            if position + count * dtype.itemsize > len(data):
                return
            values.append(np.frombuffer(data, dtype, count, position).reshape(shape))
            position += count * dtype.itemsize
        yield header, tuple(values)
