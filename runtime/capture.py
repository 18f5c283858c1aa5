"""Records what a program's gradient sites compute, so that two runs can be compared. Idle unless `start` was called."""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

_program: str | None = None
_evaluations: list[dict[str, Any]] = []
_limit = 0


def start(program: str, limit: int = 10_000) -> None:
    """Records up to `limit` evaluations of gradient sites called from the file `program`."""
    global _program, _limit
    _program, _limit = program, limit


def active() -> bool:
    return _program is not None


def site() -> tuple[int, int] | None:
    """(line, column) of the innermost call in the recorded program, 1-based; None when idle or called from elsewhere."""
    if _program is None:
        return None
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _program:
            positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
            return frame.f_lineno, (positions[2] or 0) + 1
        frame = frame.f_back  # type: ignore[assignment]
    return None


def record(at: tuple[int, int] | None, values: list[Any]) -> None:
    """One evaluation of the site `at`: an array, or None, per gradient."""
    if at is not None and len(_evaluations) < _limit:
        _evaluations.append({"line": at[0], "column": at[1],
                             "values": [None if v is None else np.array(v, copy=True) for v in values]})


def store(path: str) -> None:
    """Writes all evaluations to an .npz file: the arrays, and an index of them as JSON under "index"."""
    arrays: dict[str, Any] = {}
    index = []
    for entry in _evaluations:
        names = []
        for value in entry["values"]:
            name = None if value is None else f"a{len(arrays)}"
            names.append(name)
            if name is not None:
                arrays[name] = value
        index.append({"line": entry["line"], "column": entry["column"], "values": names})
    np.savez(path, index=np.frombuffer(json.dumps(index).encode(), np.uint8), **arrays)


def evaluations() -> list[dict[str, Any]]:
    return _evaluations
