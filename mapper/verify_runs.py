"""Programs as processes: how verify starts one side, and what it holds of it afterwards."""
from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mapper.children import Child, ChildError, Limits, Outcome, environment
from mapper.results import SourceError
from mapper.verify_compare import Tolerance
from mapper.verify_records import Record, read_record

_SHOWN = 12                          # lines of a traceback


USUAL = {"numpy": Tolerance(1e-4, 1e-6), "native": Tolerance(1e-3, 1e-6, 1.0)}


@dataclass(frozen=True)
class Options:
    """How to verify.

    `backend` is "numpy", "native" (both real frameworks), "tensorflow" or "mindspore" (one of them), which the interpreters
    `tensorflow_python` and `mindspore_python` have. `env` names variables that the programs get besides what Python needs. `call` names
    functions to call, `inputs` is an .npz file with arrays by name, and `generated_inputs` lets verify make up inputs for gradient sites that
    the program itself does not reach. `map_file` holds the sites of a conversion that was made earlier, `save_map` is where to write them."""

    backend: str = "numpy"
    rtol: float | None = None
    atol: float | None = None
    timeout: float = 120.0
    memory_mb: int = 8192
    output_mb: int = 64
    finite_differences: bool = True
    env: tuple[str, ...] = ()
    copy_folder: bool = False
    call: tuple[str, ...] = ()
    inputs: Path | None = None
    generated_inputs: bool = True
    tensorflow_python: str | None = None
    mindspore_python: str | None = None
    map_file: Path | None = None
    save_map: Path | None = None

    @property
    def tolerance(self) -> Tolerance:
        """What was asked for, else what fits: two frameworks round differently, and training makes more of it."""
        usual = USUAL["numpy" if self.backend == "numpy" else "native"]
        return Tolerance(usual.rtol if self.rtol is None else self.rtol, usual.atol if self.atol is None else self.atol,
                         usual.floor)

    @property
    def limits(self) -> Limits:
        return Limits(self.timeout, self.memory_mb, self.output_mb << 20)


@dataclass(frozen=True)
class Side:
    """One program to run: its file, its text, the name to show, and the calls whose results wait to be computed."""

    path: Path
    text: str
    name: str
    tagged: tuple[tuple[int, int], ...] = ()
    converted: bool = False

    @property
    def label(self) -> str:
        return "converted" if self.converted else "original"


@dataclass(frozen=True)
class Run:
    """What a side did."""

    side: Side
    outcome: Outcome
    record: Record


def start(side: Side, original: Path, options: Options, scratch: Path, wishes: Mapping[str, Any] | None = None,
          initial: Mapping[str, Any] | None = None) -> Child:
    """Starts a side on the bundled runtime. `wishes` say what else to run (see runtime/exercise.py), `initial` are values for variables
    to begin with.

    Raises SourceError when it cannot be started."""
    path, folder = copied(side, original, options, scratch, side.label)
    request = {"program": str(path), "record": str(scratch / f"{side.label}.record"), "oracle": options.finite_differences and not side.converted,
               "sites": side.tagged, "memory_mb": options.limits.memory_mb, "file_bytes": options.limits.file_bytes, "exercise": wishes,
               "initial": stored(initial, scratch / "initial.npz") if initial else None}
    command = [sys.executable, "-m", "mapper.runtime", "record", json.dumps(request)]
    try:
        return Child(command, options.limits, folder, environment(options.env))
    except ChildError as error:
        raise SourceError(str(error)) from None


def copied(side: Side, original: Path, options: Options, scratch: Path, name: str) -> tuple[Path, Path]:
    """The file to run and the folder to run it in: a copy of the original's folder when that is asked for."""
    home = original.resolve().parent
    path = side.path.resolve()
    if not options.copy_folder:
        return path, home
    folder = scratch / name
    shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    return folder / path.name if path.parent == home else path, folder


def stored(initial: Mapping[str, Any], path: Path) -> str:
    """Writes initial values for a child."""
    import numpy as np

    np.savez(path, names=np.frombuffer(json.dumps(list(initial)).encode(), np.uint8), **{f"v{i}": value for i, value in enumerate(initial.values())})
    return str(path)


def foreign_start(left: Run, right: Run) -> dict[str, Any] | None:
    """The random initial values of the original when the converted program drew others: its variables have other names, or the original
    drew them by an operation of its graph."""
    import numpy as np

    ours, theirs = left.record.initial, right.record.initial
    same = all(name in ours and np.array_equal(ours[name], value) for name, value in theirs.items())
    return ours if ours and theirs and not same else None


def finish(side: Side, outcome: Outcome, scratch: Path, native: bool = False) -> Run:
    """What a side did, read from its record."""
    return Run(side, outcome, read_record(scratch / f"{'native-' if native else ''}{side.label}.record"))


def machine() -> dict[str, str]:
    """What the programs ran on."""
    import numpy as np

    import mapper

    return {"mapper": mapper.__version__, "Python": platform.python_version(), "NumPy": np.__version__, "system": f"{platform.system()} {platform.machine()}"}


def trouble(run: Run) -> str:
    """Why a side's run proves nothing, or nothing."""
    outcome, name = run.outcome, run.side.name
    if outcome.stopped:
        return f"{name}: {outcome.stopped}"
    tail = "\n".join(outcome.stderr.strip().splitlines()[-_SHOWN:])
    if outcome.code:
        how = f"ended by signal {-outcome.code}" if outcome.code < 0 else f"ended with exit code {outcome.code}"
        if "MemoryError" in tail:
            how += " for want of memory (--memory gives it more)"
        return f"{name}: {how}" + (f"\n{tail}" if tail else "")
    if not run.record.finished:
        return f"{name}: ended before its last line without an error (os._exit?), so what it computed is not known" + (f"\n{tail}" if tail else "")
    return ""
