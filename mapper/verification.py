"""Runs a program and its conversion side by side, and judges every gradient site and every printed number."""
from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mapper import source
from mapper.children import Child, ChildError, Limits, Outcome, environment, wait
from mapper.results import Comparison, Site, SourceError, Verification
from mapper.verify_causes import cause_of, excerpt
from mapper.verify_compare import Judgement, Tolerance, Values, judge_site, samples
from mapper.verify_printed import compare_printed, compare_variables
from mapper.verify_records import Opinion, Record, read_record
from mapper.verify_sites import load_map, map_of, save_map

_LIBRARY_FRAMES = 12                 # lines of a traceback that are shown


@dataclass(frozen=True)
class Options:
    """How to verify. `env` names variables that the programs get besides what Python needs, `map_file` holds the sites of a conversion
    that was made earlier, `save_map` is where to write them."""

    rtol: float = 1e-4
    atol: float = 1e-6
    timeout: float = 120.0
    memory_mb: int = 8192
    output_mb: int = 64
    finite_differences: bool = True
    env: tuple[str, ...] = ()
    copy_folder: bool = False
    map_file: Path | None = None
    save_map: Path | None = None

    @property
    def tolerance(self) -> Tolerance:
        return Tolerance(self.rtol, self.atol)

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


@dataclass(frozen=True)
class Run:
    """What a side did."""

    side: Side
    outcome: Outcome
    record: Record


def verify_files(original: Path, converted: Path | None = None, **options: Any) -> Verification:
    """See mapper.verify. Raises SourceError for files that cannot be read or converted."""
    chosen = Options(**options)
    program = source.read(original)
    source.parse(program.text, str(original))
    with tempfile.TemporaryDirectory(prefix="mapper-") as name:
        scratch = Path(name)
        first = _start(Side(original, program.text, str(original)), original, chosen, scratch, "original")    # runs while the conversion is made
        children = [first]
        try:
            sites, target, shown = _converted(program, original, converted, chosen, scratch)
            second = Side(target, source.read(target).text, shown, tuple(site.converted for site in sites if site.converted))
            children.append(_start(second, original, chosen, scratch, "converted"))
            outcomes = wait(children)
        except ChildError as error:
            raise SourceError(str(error)) from None
        finally:
            for child in children:
                if not child.ended:
                    child.close()
        sides = Side(original, program.text, str(original)), second
        records = [read_record(scratch / f"{label}.record") for label in ("original", "converted")]
    runs = [Run(*parts) for parts in zip(sides, outcomes, records, strict=True)]
    return _verification(runs[0], runs[1], sites, chosen)


def _start(side: Side, original: Path, options: Options, scratch: Path, label: str) -> Child:
    folder = original.resolve().parent
    path = side.path.resolve()
    if options.copy_folder:
        folder = scratch / label
        shutil.copytree(original.resolve().parent, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        path = folder / path.name if path.parent == original.resolve().parent else path
    request = {"program": str(path), "record": str(scratch / f"{label}.record"), "oracle": options.finite_differences and label == "original",
               "sites": side.tagged, "memory_mb": options.limits.memory_mb, "file_bytes": options.limits.file_bytes}
    return Child([sys.executable, "-m", "mapper.runtime", "record", json.dumps(request)], options.limits, folder, environment(options.env))


def _converted(program: source.SourceFile, original: Path, converted: Path | None, options: Options, scratch: Path) -> tuple[Sequence[Site], Path, str]:
    """The map of sites, the file to run on the other side, and its name."""
    import mapper

    if converted is not None:
        text = source.read(converted).text
        source.parse(text, str(converted))
        beside = converted.with_name(converted.name + ".map")
        known = options.map_file or (beside if beside.exists() else None)
        sites: Sequence[Site] = load_map(known, program.text, text) if known else map_of(program.text, str(original), text)
        target, shown = converted, str(converted)
    else:
        conversion = mapper.convert(program.text, filename=str(original))
        if not conversion.complete:
            first = next(f for f in conversion.findings if f.level == "error")
            raise SourceError(f"{original}: not converted completely, so there is nothing to compare: {first}")
        target = scratch / (original.stem + "_converted.py")
        target.write_text(conversion.code, "utf-8")
        text, sites, shown = conversion.code, conversion.sites, f"{original} (converted)"
    if options.save_map is not None:
        save_map(options.save_map, program.text, text, sites)
    return sites, target, shown


# ------------------------------------------------------------------------------------------------------------ the verdict

def _verification(left: Run, right: Run, sites: Sequence[Site], options: Options) -> Verification:
    settings = {"backend": "numpy", "rtol": options.rtol, "atol": options.atol, "timeout": options.timeout, "memory_mb": options.memory_mb,
                "finite_differences": options.finite_differences}
    result = Verification(left.side.name, right.side.name, settings=settings, machine=machine(), sources=(left.side.text, right.side.text))
    problem = next((p for p in (_problem(run) for run in (left, right)) if p), "")
    if problem:
        return replace(result, problem=problem)
    rows = comparisons(sites, left, right, options.tolerance)
    if not any(row.evaluations for row in rows):
        return replace(result, rows=tuple(rows), problem=f"{left.side.name}: it computed no gradient and printed no number, so nothing was compared; "
                                                         "call what it defines, or name a function with --call")
    notes = [f"{run.side.name}: more evaluations than are kept were recorded; the first ones were compared" for run in (left, right) if run.record.full]
    return replace(result, rows=tuple(rows), notes=tuple(notes))


def machine() -> dict[str, str]:
    """What the programs ran on."""
    import numpy as np

    import mapper

    return {"mapper": mapper.__version__, "Python": platform.python_version(), "NumPy": np.__version__, "system": f"{platform.system()} {platform.machine()}"}


def _problem(run: Run) -> str:
    """Why a side's run proves nothing, or nothing."""
    outcome, name = run.outcome, run.side.name
    if outcome.stopped:
        return f"{name}: {outcome.stopped}"
    tail = "\n".join(outcome.stderr.strip().splitlines()[-_LIBRARY_FRAMES:])
    if outcome.code:
        how = f"ended by signal {-outcome.code}" if outcome.code < 0 else f"ended with exit code {outcome.code}"
        if "MemoryError" in tail:
            how += " for want of memory (--memory gives it more)"
        return f"{name}: {how}" + (f"\n{tail}" if tail else "")
    if not run.record.finished:
        return f"{name}: ended before its last line without an error (os._exit?), so what it computed is not known" + (f"\n{tail}" if tail else "")
    return ""


def comparisons(sites: Sequence[Site], left: Run, right: Run, tolerance: Tolerance) -> list[Comparison]:
    """All rows of the verdict on two runs that came to their end."""
    variables = compare_variables(left.record, right.record, tolerance)
    return [*site_rows(sites, left, right, tolerance), compare_printed(left.outcome, right.outcome, tolerance), *([variables] if variables else [])]


def site_rows(sites: Sequence[Site], left: Run, right: Run, tolerance: Tolerance) -> list[Comparison]:
    """A row for every gradient site of the original, in the order of its lines."""
    claimed = {site.converted[0] for site in sites if site.converted}
    others = [e.values for e in right.record.evaluations if e.line not in claimed]
    rows = []
    for site in sorted(sites, key=lambda s: (s.line, s.column)):
        ours = [e.values for e in left.record.evaluations if (e.line, e.column) == (site.line, site.column)]
        theirs = [e.values for e in right.record.evaluations if (e.line, e.column) == site.converted]
        opinion = left.record.opinions.get((site.line, site.column))
        rows.append(_row(site, ours, theirs, others, opinion, left, right, tolerance))
    return rows


def _row(site: Site, ours: list[Values], theirs: list[Values], others: list[Values], opinion: Opinion | None, left: Run, right: Run,
         tolerance: Tolerance) -> Comparison:
    row = Comparison(f"{site.kind} {site.id}", site.line, site.converted[0] if site.converted else 0, "not run")
    if not ours:
        who = "neither program reached it" if not theirs else "the original did not reach it, the converted program did"
        return replace(row, notes=(f"{who} in this run; --call or --inputs may",))
    judged = judge_site(ours, theirs, others, tolerance, site.kind == "hessians")
    row = replace(row, verdict=judged.verdict, evaluations=len(ours), errors=judged.errors, notes=tuple(sorted(judged.notes)))
    row = replace(row, max_abs=judged.distance[0], max_rel=judged.distance[1], max_ulp=judged.distance[2], oracle=_said(opinion))
    if judged.verdict == "differs":
        return _explained(row, site, judged, ours, left, right, tolerance)
    shown = theirs[0] if theirs else next((o for o in others), ())
    row = replace(row, samples=samples(0, ours[0], shown, tolerance) if theirs else ())
    return replace(row, verdict="doubtful") if opinion is not None and opinion.verdict == "doubtful" else row


def _said(opinion: Opinion | None) -> str:
    """What finite differences say, in words."""
    if opinion is None:
        return ""
    numbers = f"{opinion.found:.6g} along a random direction, the gradient says {opinion.expected:.6g}"
    return {"agrees": f"finite differences agree: {numbers}", "doubtful": f"finite differences disagree with both: {numbers}",
            "kink": f"not differentiable at this point: {opinion.why}", "skipped": f"no finite differences: {opinion.why}"}[opinion.verdict]


def _explained(row: Comparison, site: Site, judged: Judgement, ours: list[Values], left: Run, right: Run, tolerance: Tolerance) -> Comparison:
    assert judged.unmatched is not None
    index, mine, other = judged.unmatched
    if not other:
        detail = f"{excerpt(left.side.text, site.line, 'original')}\n  the converted program never computed this gradient"
        return replace(row, detail=detail, cause="the converted program does not reach the site, or the site was edited away")
    shown = samples(index, mine, other, tolerance)
    lines = [excerpt(left.side.text, site.line, "original"), excerpt(right.side.text, row.converted_line, "converted"),
             f"  evaluation {index + 1} of {len(ours)}:"]
    for sample in shown:
        lines.append(f"    gradient {sample.gradient}: {sample.original}\n     converted: {sample.converted}")
        if sample.error:
            lines.append(f"                {sample.error}")
        elif sample.worst:
            apart = f"max abs {sample.max_abs:.3g}, max rel {sample.max_rel:.3g}, {sample.max_ulp:.3g} ULP"
            lines.append(f"                furthest apart at {sample.worst} ({apart})")
    cause = cause_of(left.side.text, site, mine, other, row.oracle)
    return replace(row, detail="\n".join(lines), samples=shown, cause=cause)
