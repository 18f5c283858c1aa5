"""Whole programs as proofs of rules that no single call can show: sessions, variables, layers, what is dropped.

Each program of `rules/programs.toml` is converted; the program and its conversion run, and must print the same numbers."""
from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mapper.children import environment
from mapper.rules import Rule, RuleError, Side, folder
from mapper.verify_printed import printed_numbers

FRAMEWORKS: Mapping[Side, str] = {"tf": "tensorflow", "ms": "mindspore"}
OTHER: Mapping[Side, Side] = {"tf": "ms", "ms": "tf"}
SECONDS = 600.0
TOLERANCE, FLOOR = 1e-3, 1e-5
_IMPORT = re.compile(r"^import tensorflow as tf$", re.M)


@dataclass(frozen=True)
class RuleProgram:
    """A program of one side, and the rules that it is an example of."""

    rules: tuple[str, ...]
    side: Side
    code: str


def read_programs() -> tuple[tuple[RuleProgram, ...], dict[str, str]]:
    """The programs, and the rules that none can show with the reasons. Raises RuleError when the file says something else."""
    path = folder() / "programs.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        programs = tuple(RuleProgram(tuple(p["rules"]), p["side"], p["code"].strip() + "\n") for p in table["program"])
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path.name}: {error}") from None
    return programs, dict(table.get("without", {}))


def wants_program(rule: Rule) -> bool:
    """Whether a rule maps, by the converter or by hand of a strategy, and has no example of its own."""
    return not rule.examples and bool(rule.strategy) and not rule.by_hand and bool(rule.tf or rule.ms)


def missing(base: Iterable[Rule], programs: Sequence[RuleProgram], without: Mapping[str, str]) -> list[str]:
    """What is wrong with the list of programs itself."""
    known = {rule.id: rule for rule in base}
    shown = {name for program in programs for name in program.rules}
    found = [f"programs.toml: there is no rule {name}" for name in sorted((shown | set(without)) - set(known))]
    found += [f"programs.toml: {name} is shown by a program, and said to have none" for name in sorted(shown & set(without))]
    found += [f"{rule.file}: {rule.id}: it has no example, no program shows it, and programs.toml does not say why"
              for rule in known.values() if wants_program(rule) and rule.id not in shown | set(without)]
    return found


def prove_programs(programs: Sequence[RuleProgram], python: Sequence[str], native: bool) -> list[str]:
    """Converts and runs all programs; what does not hold, a line each."""
    import mapper

    failures: list[str] = []
    texts: dict[Side, dict[str, str]] = {"tf": {}, "ms": {}}
    for number, program in enumerate(programs, start=1):
        conversion = mapper.convert(program.code, to="mindspore" if program.side == "tf" else "tensorflow", filename=f"program {number}")
        failures += [f"programs.toml: program {number}: {finding}" for finding in conversion.findings]
        for side, text in ((program.side, program.code), (OTHER[program.side], conversion.code)):
            texts[side][str(number)] = _IMPORT.sub("import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()", text) if native else text
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(texts, pool.map(lambda side: _printed(side, texts[side], python), texts), strict=True))
    for number, program in enumerate(programs, start=1):
        ours, theirs = (found[side].get(str(number), {"error": "it did not run"}) for side in (program.side, OTHER[program.side]))
        problem = _difference(ours, theirs)
        if problem:
            failures.append(f"programs.toml: program {number} ({', '.join(program.rules[:3])} …): {problem}")
    return failures


def _difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    if "error" in ours or "error" in theirs:
        return f"original: {ours['error']}" if "error" in ours else f"converted: {theirs['error']}"
    a, b = (list(printed_numbers(side["printed"])) for side in (ours, theirs))
    if not a or len(a) != len(b):
        return f"{len(a)} numbers and {len(b)}"
    return next((f"{x} and {y}" for x, y in zip(a, b, strict=True) if not abs(x - y) <= FLOOR + TOLERANCE * abs(x)), "")


# Run by the interpreter of a framework: each program in a namespace of its own, what it prints kept.
_DRIVER = """
import contextlib, io, json, runpy, sys
found = {}
for name, text in json.load(open(sys.argv[1])).items():
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            path = "program_" + name + ".py"                    # compiled code is read from its file
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            runpy.run_path(path, run_name="__main__")
        found[name] = {"printed": out.getvalue()}
    except BaseException as error:
        found[name] = {"error": type(error).__name__ + ": " + str(error)[:300]}
    if "tensorflow" in sys.modules:
        import tensorflow.compat.v1 as tf
        session = tf.get_default_session()
        if session is not None:
            session.close()
        with contextlib.suppress(Exception):
            tf.reset_default_graph()
json.dump(found, open(sys.argv[2], "w"))
"""


def _printed(side: Side, texts: Mapping[str, str], python: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the programs of one side print."""
    with tempfile.TemporaryDirectory() as where:
        driver, listed, stored = Path(where, "driver.py"), Path(where, "programs.json"), Path(where, "printed.json")
        driver.write_text(_DRIVER, "utf-8")
        listed.write_text(json.dumps(texts), "utf-8")
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4", "TF_USE_LEGACY_KERAS": "1"}
        child = subprocess.run([*python, str(driver), str(listed), str(stored)], env={**environment(), **quiet}, cwd=where,
                               capture_output=True, text=True, timeout=SECONDS)
        if not stored.exists():
            raise RuleError(f"the programs of {FRAMEWORKS[side]} ended with {child.returncode}: {child.stderr[-2000:]}")
        printed: dict[str, dict[str, str]] = json.loads(stored.read_text("utf-8"))
        return printed


def main_python() -> list[str]:
    """The command that runs a program on the bundled runtime."""
    return [sys.executable, "-m", "mapper.runtime", "run"]
