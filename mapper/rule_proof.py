"""The self-test of the rules: every example is converted both ways by its rule, and both sides run and must agree.

From one example follow many: every form of the rule that can say the example's values is written out, recognised again and run,
and so is the call with nothing but its required arguments. All of it runs in one child process per framework."""
from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapper import rule_programs
from mapper.children import environment
from mapper.rewriting import convert, names_of, recognise, spell
from mapper.rules import SIDES, Example, Rule, RuleError, Side, Spelling, folder, lookup, problems, rules
from mapper.signature import Binding, Bound, Parameter, SignatureError

FRAMEWORKS: Mapping[Side, str] = {"tf": "tensorflow", "ms": "mindspore"}
OTHER: Mapping[Side, Side] = {"tf": "ms", "ms": "tf"}
FORWARD, BACKWARD = 2e-5, 5e-5
ABSENT = "is not in mapper's runtime"
SECONDS = 300.0


@dataclass(frozen=True)
class Job:
    """One piece of code to run, and whose example it is. `about` says how it came about."""

    rule: str
    number: int
    side: Side
    code: str
    about: str
    example: Example
    group: str = ""
    """What is compared with each other: the example itself, or one call of it with nothing but its required arguments."""


@dataclass
class Outcome:
    values: list[npt.NDArray[np.generic]] = field(default_factory=list)
    gradients: list[npt.NDArray[np.generic]] = field(default_factory=list)
    error: str = ""


@dataclass
class Tally:
    """What the self-test counts, and what is wrong."""

    failures: list[str] = field(default_factory=list)
    examples: int = 0
    both_ways: int = 0
    jobs: int = 0
    proven: set[str] = field(default_factory=set)
    absent: dict[tuple[str, str], None] = field(default_factory=dict)
    programs: int = 0
    shown: int = 0
    without: int = 0


# ---- from examples to pieces of code -------------------------------------------------------------------------------
def jobs_of(rule: Rule, tally: Tally) -> Iterator[Job]:
    """All that is to run for a rule; the first job of each example is what the others are compared with."""
    unsaid = {(side, s.text) for side in SIDES for s in rule.side(side) if rule.rewrites and not s.until}
    for number, example in enumerate(rule.examples):
        tally.examples += 1
        try:
            made: dict[tuple[Side, str, str], Job] = {}
            for job in _of_example(rule, number, example, unsaid, tally):
                made.setdefault((job.side, job.code, job.group), job)
        except (ValueError, SyntaxError, RuleError, SignatureError) as error:
            tally.failures.append(f"{rule.file}: {rule.id}: example {number + 1}: {error}")
            continue
        yield from made.values()
    for side, text in sorted(unsaid) if rule.examples else ():
        if rule.goes(OTHER[side]) or rule.goes(side):
            tally.failures.append(f"{rule.file}: {rule.id}: no example can be said as {text}")


def _of_example(rule: Rule, number: int, example: Example, unsaid: set[tuple[Side, str]], tally: Tally) -> Iterator[Job]:
    start: Side = "tf" if example.tf and rule.goes("ms") or not example.ms else "ms"
    code = {"tf": example.tf, "ms": example.ms}[start]
    yield Job(rule.id, number, start, code, "as written", example)
    if not rule.rewrites:
        yield Job(rule.id, number, OTHER[start], {"tf": example.tf, "ms": example.ms}[OTHER[start]], "as written", example)
        return
    expression = ast.parse(code, mode="eval").body
    other = convert(expression, OTHER[start])
    written = {"tf": example.tf, "ms": example.ms}[OTHER[start]]
    if written and ast.unparse(ast.parse(written)) != ast.unparse(ast.parse(other)):
        raise ValueError(f"{code} becomes {other}, and {written} is what stands there")
    yield Job(rule.id, number, OTHER[start], other, f"from {code}", example)
    if rule.goes(start):
        back = convert(ast.parse(other, mode="eval").body, start)
        tally.both_ways += 1
        yield Job(rule.id, number, start, back, f"from {other}", example)
    yield from _variants(rule, number, example, start, expression, unsaid)


def _variants(rule: Rule, number: int, example: Example, start: Side, expression: ast.expr, unsaid: set[tuple[Side, str]]) -> Iterator[Job]:
    """The example in every form that the rule has for it."""
    place, binding = next(_places(rule, expression, start), (None, None))
    if place is None or binding is None:
        raise ValueError(f"{ast.unparse(expression)} is no form of the rule")
    for side in SIDES:
        for spelling in rule.side(side):
            text = spell(spelling, binding.values, side, ast.unparse if side == start else lambda node: convert(node, OTHER[start]))
            if not isinstance(text, str):
                continue
            unsaid.discard((side, spelling.text))
            if spelling.until:
                continue
            whole = _replaced(expression, place, text, None if side == start else side)
            yield Job(rule.id, number, side, whole, f"{spelling.text}", example)
            if spelling.form.template is None and rule.goes(OTHER[side]):
                yield Job(rule.id, number, OTHER[side], convert(ast.parse(whole, mode="eval").body, OTHER[side]), f"from {whole}", example)
                if example.defaults:
                    yield from _bare(rule, number, example, spelling, side, binding.values, start, (expression, place, text))


def _bare(rule: Rule, number: int, example: Example, spelling: Spelling, side: Side, values: Mapping[str, Bound], start: Side,
          whole: tuple[ast.expr, ast.expr, str]) -> Iterator[Job]:
    """The form with nothing but its required arguments, and what that becomes: the defaults of both sides have to agree."""
    expression, place, full = whole
    optional = {name for p in spelling.form.parameters if p.default is not None for name in _values_of(p)}
    required = {name: bound for name, bound in values.items() if name not in optional or name == spelling.form.subject}
    text = spell(spelling, required, side, ast.unparse if side == start else lambda node: convert(node, OTHER[start]))
    if not isinstance(text, str) or text == full:
        return
    bare = _replaced(expression, place, text, None if side == start else side)
    try:
        other = convert(ast.parse(bare, mode="eval").body, OTHER[side])
    except ValueError:
        return                           # a default that the other side cannot say is refused, not guessed
    group = f"{number} {side} {text}"
    yield Job(rule.id, number, side, bare, "required arguments alone", example, group)
    yield Job(rule.id, number, OTHER[side], other, f"from {bare}", example, group)


def _values_of(parameter: Parameter) -> list[str]:
    """The names of the values that an argument holds."""
    return [node.id for node in ast.walk(parameter.value) if isinstance(node, ast.Name)]


def _places(rule: Rule, expression: ast.expr, side: Side) -> Iterator[tuple[ast.expr, Binding]]:
    """The parts of an expression that the rule is about."""
    for node in ast.walk(expression):
        if isinstance(node, ast.expr):
            for name in names_of(node):
                binding = recognise(rule, name, node, side) if rule in lookup(name, side) else None
                if isinstance(binding, Binding):
                    yield node, binding


def _replaced(expression: ast.expr, place: ast.expr, text: str, to: Side | None) -> str:
    """The expression with other text in a place; `to`: the rest of it is converted."""
    marker = "replaced_"
    source = ast.unparse(expression)
    holed = ast.unparse(_Hole(place, marker).visit(ast.parse(source, mode="eval").body if expression is not place else ast.Name(marker, ast.Load())))
    whole = convert(ast.parse(holed, mode="eval").body, to) if to else holed
    return whole.replace(marker, text)


class _Hole(ast.NodeTransformer):
    """Puts a name in the place of the first expression that reads as another does."""

    def __init__(self, place: ast.expr, marker: str) -> None:
        self.text, self.marker = ast.unparse(place), marker

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and ast.unparse(node) == self.text:
            return ast.Name(self.marker, ast.Load())
        return self.generic_visit(node)


# ---- running -------------------------------------------------------------------------------------------------------
def run(jobs: Sequence[Job], python: Sequence[str]) -> list[Outcome]:
    """What each job computes. `python` runs a program, as `python -m mapper.runtime run` does."""
    outcomes = [Outcome() for _ in jobs]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda side: _run_side(side, jobs, outcomes, python, Path(folder)), SIDES))
    return outcomes


def _run_side(side: Side, jobs: Sequence[Job], outcomes: list[Outcome], python: Sequence[str], where: Path) -> None:
    mine = [i for i, job in enumerate(jobs) if job.side == side]
    listed, stored = where / f"{side}.json", where / f"{side}.npz"
    listed.write_text(json.dumps([{"code": jobs[i].code, "given": dict(jobs[i].example.given), "gradient": jobs[i].example.gradient} for i in mine]))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4", "TF_USE_LEGACY_KERAS": "1"}
    child = subprocess.run([*python, str(Path(__file__).with_name("rule_child.py")), FRAMEWORKS[side], str(listed), str(stored)],
                           env={**environment(), **quiet}, capture_output=True, text=True, timeout=SECONDS)
    if not stored.exists():
        raise RuleError(f"the {FRAMEWORKS[side]} side ended with {child.returncode}: {child.stderr[-2000:]}")
    with np.load(stored) as found:
        errors = json.loads(str(found["errors"]))
        for key in found.files:
            if key != "errors":
                number, kind, _ = key.split("/")
                getattr(outcomes[mine[int(number)]], "values" if kind == "value" else "gradients").append(found[key])
    for number, error in errors.items():
        outcomes[mine[int(number)]].error = error


def disagreement(one: Outcome, other: Outcome, dtype: bool) -> str:
    """How two results differ, or nothing."""
    if one.error or other.error:
        return other.error or one.error
    for kind, tolerance, a, b in (("value", FORWARD, one.values, other.values), ("gradient", BACKWARD, one.gradients, other.gradients)):
        if len(a) != len(b):
            return f"{len(a)} {kind}s and {len(b)}"
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            if x.shape != y.shape:
                return f"{kind} {i} has shape {x.shape} and {y.shape}"
            if dtype and x.dtype != y.dtype:
                return f"{kind} {i} is {x.dtype} and {y.dtype}"
            if x.dtype.kind in "fiubc" and y.dtype.kind in "fiubc":
                scale = max(1.0, float(np.max(np.abs(x.astype(np.float64)), initial=0.0))) if x.dtype.kind != "c" else 1.0
                if not np.allclose(x, y, rtol=0.0, atol=tolerance * scale, equal_nan=True):
                    return f"{kind} {i} is {np.array2string(x, threshold=6, precision=5)} and {np.array2string(y, threshold=6, precision=5)}".replace("\n", "")
    return ""


def native_python() -> list[str]:
    """The interpreter that has the real frameworks: what MAPPER_NATIVE_PYTHON names, or this one."""
    return [os.environ.get("MAPPER_NATIVE_PYTHON") or sys.executable]


# ---- the report ----------------------------------------------------------------------------------------------------
def prove(base: Iterable[Rule], python: Sequence[str] | None = None) -> tuple[str, bool]:
    """Runs all examples; the report, and whether every one agrees."""
    base = tuple(base)
    tally = Tally(failures=problems(base))
    if tally.failures:
        return "\n".join([*tally.failures, ""]), False
    jobs = [job for rule in base for job in jobs_of(rule, tally)]
    tally.jobs = len(jobs)
    outcomes = run(jobs, python or [sys.executable, "-m", "mapper.runtime", "run"])
    _compare(jobs, outcomes, tally)
    unproven = [f"{rule.file}: {rule.id}: it maps, and has no example" for rule in base if rule.rewrites and not rule.examples]
    tally.failures += unproven
    if base == tuple(rules()):
        programs, without = rule_programs.read_programs()
        tally.failures += rule_programs.missing(base, programs, without)
        tally.failures += rule_programs.prove_programs(programs, python or rule_programs.main_python(), python is not None)
        tally.programs, tally.shown, tally.without = len(programs), len({name for p in programs for name in p.rules}), len(without)
    lines = [*tally.failures, *counts(base, tally, "the real frameworks" if python else "the bundled runtime")]
    return "\n".join([*lines, ""]), not tally.failures


def _compare(jobs: Sequence[Job], outcomes: Sequence[Outcome], tally: Tally) -> None:
    first: dict[tuple[str, int, str], int] = {}
    failed: set[str] = set()
    ran: dict[str, set[Side]] = {}
    for i, job in enumerate(jobs):
        if outcomes[i].error.endswith(ABSENT) or ABSENT + " (" in outcomes[i].error:
            tally.absent[job.rule, outcomes[i].error.removeprefix("Missing: ").split(" is not ")[0]] = None
            continue
        ran.setdefault(job.rule, set()).add(job.side)
        start = first.setdefault((job.rule, job.number, job.group), i)
        problem = disagreement(outcomes[start], outcomes[i], job.example.dtype)
        if job.group and outcomes[start].error and (i == start or outcomes[i].error):
            continue                     # the example's inputs do not fit the defaults, and both sides say so
        if problem:
            failed.add(job.rule)
            tally.failures.append(f"{job.rule}: example {job.number + 1}: {job.code} ({job.about}): {problem}")
    tally.proven |= {rule for rule, sides in ran.items() if len(sides) == 2} - failed


def counts(base: Sequence[Rule], tally: Tally, backend: str) -> list[str]:
    """What the rule base covers."""
    both = sum(rule.rewrites and not rule.one_way for rule in base)
    measured = {name for rule in base for difference in rule.differences for name in difference.measured}
    strategic = sum(bool(rule.strategy) for rule in base)
    lines = [
        f"rules: {len(base)} ({both} calls both ways, {sum(rule.rewrites and bool(rule.one_way) for rule in base)} one way, {strategic} with a strategy, "
        f"{sum(bool(rule.by_hand) for rule in base)} by hand, {sum(bool(rule.instead and not rule.strategy) for rule in base)} without a counterpart)",
        f"examples: {tally.examples}, converted both ways: {tally.both_ways}, pieces of code run: {tally.jobs}",
        f"rules proven on {backend}: {len(tally.proven)} of {sum(bool(rule.examples) for rule in base)} with examples",
        *_unrun("not proven, because this backend has none of", [(r, n) for r, n in tally.absent if r not in tally.proven]),
        *_unrun("proven but for forms that this backend does not have", [(r, n) for r, n in tally.absent if r in tally.proven]),
        f"differences noted: {sum(len(rule.differences) for rule in base)}, measured pairs among them: {len(measured)}",
    ]
    if base == rules():
        lines.append(f"rules shown by whole programs on {backend}: {tally.shown}, by {tally.programs} programs")
        lines.append(f"rules that no program can show, each with its reason: {tally.without}")
        for name, covered, total in coverage():
            lines.append(f"{name}: {covered} of {total} covered")
    return lines


def _unrun(what: str, absent: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {what}: {', '.join(dict.fromkeys(name.removeprefix('tensorflow.').removeprefix('mindspore.') for _, name in absent))}"] if absent else []


def coverage() -> list[tuple[str, int, int]]:
    """The official tables and the frequency lists: how many rows a rule speaks of."""
    return [(name, total - len(missing), total) for name, total, missing in uncovered()]


def uncovered() -> list[tuple[str, int, list[str]]]:
    table = tomllib.loads((folder() / "coverage.toml").read_text(encoding="utf-8"))
    found = []
    for name, rows in table["official"].items():
        missing = [row for row in rows if not _paired(*row.split(" "))]
        found.append((f"official mapping {name}", len(rows), missing))
    for name, names in table["frequent"].items():
        found.append((f"most used names, {name}", len(names), [n for n in names if not lookup(n)]))
    return found


def _paired(tf: str, ms: str) -> bool:
    return any(rule in lookup(ms, "ms") for rule in lookup(tf, "tf"))
