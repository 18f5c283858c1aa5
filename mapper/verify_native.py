"""The real frameworks as judges: both programs run on TensorFlow and MindSpore themselves, and beside the bundled runtime."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mapper import source
from mapper.children import Child, ChildError, environment
from mapper.results import Agreement, Comparison, Site, SourceError
from mapper.verify_runs import Options, Run, Side, copied, stored

CHILD = Path(__file__).with_name("verify_native_child.py")
BACKENDS = ("numpy", "native", "tensorflow", "mindspore")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1", "TF_USE_LEGACY_KERAS": "1", "GLOG_v": "4",
          "PYTHONWARNINGS": "ignore"}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
_INSTALL = {"tensorflow": "pip install tensorflow-cpu tf_keras", "mindspore": "pip install mindspore 'numpy<2'"}


def framework_of(side: Side) -> str:
    """The framework that a program imports."""
    return "tensorflow" if source.direction_of(side.text, side.name) == "mindspore" else "mindspore"


def is_native(framework: str, options: Options) -> bool:
    return options.backend in ("native", framework)


def interpreters(sides: Sequence[Side], options: Options) -> dict[str, str]:
    """The interpreter for each framework that is to be the real one. Raises SourceError, with what to install, when one has it not."""
    found = {}
    for framework in sorted({framework_of(side) for side in sides}):
        if not is_native(framework, options):
            continue
        given = options.tensorflow_python if framework == "tensorflow" else options.mindspore_python
        python = given or os.environ.get("MAPPER_NATIVE_PYTHON") or sys.executable
        script = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({framework!r}) is None)"
        try:
            missing = subprocess.run([python, "-c", script], env=environment(), capture_output=True, timeout=60, cwd="/").returncode
        except (OSError, subprocess.TimeoutExpired):
            raise SourceError(f"{python}: cannot be run as a Python interpreter") from None
        if missing:
            raise SourceError(f"{framework} is not installed for {python}: run `{python} -m {_INSTALL[framework]}` there, or name an interpreter that has it "
                              f"with --{framework}-python; --backend numpy needs neither framework")
        found[framework] = python
    if not found:
        raise SourceError(f"--backend {options.backend}: neither program imports {options.backend}")
    return found


def start_native(side: Side, python: str, original: Path, options: Options, scratch: Path, initial: Mapping[str, Any]) -> Child:
    """Starts a side on its real framework; its variables begin with the values that the bundled runtime drew."""
    path, folder = copied(side, original, options, scratch, f"native-{side.label}")
    request = {"program": str(path), "record": str(scratch / f"native-{side.label}.record"), "sites": side.tagged, "framework": framework_of(side),
               "initial": stored(initial, scratch / f"native-{side.label}.npz") if initial else None}
    env = {**environment(options.env), **_QUIET, **_ONE_THREAD}
    del env["PYTHONPATH"]                # the interpreter has packages of its own
    try:
        return Child([python, str(CHILD), json.dumps(request)], options.limits, folder, env)
    except ChildError as error:
        raise SourceError(str(error)) from None


def agreements(rows: Sequence[Comparison], against_original: Sequence[Comparison], against_converted: Sequence[Comparison]) -> tuple[Agreement, ...]:
    """The three-way table: for each row the verdicts between real original and real converted, and of the bundled original with both."""
    first, second = ({row.what: row for row in side} for side in (against_original, against_converted))
    return tuple(Agreement(row.what, row.verdict, *((side[row.what].verdict if row.what in side else "not run") for side in (first, second))) for row in rows)


def versions(runs: Sequence[Run]) -> dict[str, str]:
    """What the real frameworks say of themselves."""
    found: dict[str, str] = {}
    for run in runs:
        for header, _ in run.record.others:
            if header["kind"] == "version":
                found[header["framework"]] = f"{header['version']} (Python {header['python']}, NumPy {header['numpy']})"
    return found


def same_sites(sites: Sequence[Site]) -> tuple[Site, ...]:
    """The map from a program to itself."""
    return tuple(Site(site.id, site.line, site.column, (site.line, site.column), site.kind) for site in sites)
