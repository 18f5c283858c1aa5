"""Runs a program and its conversion side by side, and judges every gradient site and every printed number."""
from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mapper import source
from mapper.children import wait
from mapper.results import Comparison, Site, SourceError, Verification
from mapper.verify_causes import cause_of, excerpt
from mapper.verify_compare import Judgement, Tolerance, Values, judge_site, samples
from mapper.verify_exercise import exercised
from mapper.verify_native import BACKENDS, agreements, framework_of, interpreters, same_sites, start_native, versions
from mapper.verify_printed import compare_printed, compare_variables
from mapper.verify_records import Opinion
from mapper.verify_runs import Options, Run, Side, finish, foreign_start, machine, start, trouble
from mapper.verify_sites import load_map, map_of, save_map


def verify_files(original: Path, converted: Path | None = None, **options: Any) -> Verification:
    """See mapper.verify. Raises SourceError for files that cannot be read or converted."""
    chosen = Options(**options)
    if chosen.backend not in BACKENDS:
        raise SourceError(f"backend {chosen.backend!r} is not one of: {', '.join(BACKENDS)}")
    program = source.read(original)
    source.parse(program.text, str(original))
    with tempfile.TemporaryDirectory(prefix="mapper-") as name:
        scratch = Path(name)
        left = Side(original, program.text, str(original))
        first = start(left, original, chosen, scratch)                          # runs while the conversion is made
        try:
            sites, right = _converted(program, original, converted, chosen, scratch)
            children = [first, start(right, original, chosen, scratch)]
        except BaseException:
            first.close()
            raise
        runs = [finish(*pair, scratch) for pair in zip((left, right), wait(children), strict=True)]
        initial = foreign_start(*runs)
        if initial:
            runs[1] = finish(right, wait([start(right, original, chosen, scratch, None, initial)])[0], scratch)
        result = _verification(runs[0], runs[1], sites, chosen)
        if chosen.call or chosen.inputs or (chosen.generated_inputs and not result.problem and any(r.verdict == "not run" for r in result.rows)):
            result = exercised(result, sites, runs[0], runs[1], original, chosen, scratch)
        if chosen.backend != "numpy" and not result.problem:
            result = _on_real_frameworks(result, runs, sites, original, chosen, scratch)
    if not result.problem and not any(row.evaluations for row in result.rows):
        problem = "it computed no gradient and printed no number, so nothing was compared; name a function with --call, and its arguments with --inputs"
        result = replace(result, problem=f"{original}: {problem}")
    return result


def _converted(program: source.SourceFile, original: Path, converted: Path | None, options: Options, scratch: Path) -> tuple[Sequence[Site], Side]:
    """The map of sites, and the program to run on the other side."""
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
    return sites, Side(target, text, shown, tuple(site.converted for site in sites if site.converted), True)


# ------------------------------------------------------------------------------------------------------------ the verdict

def _verification(left: Run, right: Run, sites: Sequence[Site], options: Options) -> Verification:
    settings = {"backend": options.backend, "rtol": options.tolerance.rtol, "atol": options.tolerance.atol, "timeout": options.timeout,
                "memory_mb": options.memory_mb, "finite_differences": options.finite_differences}
    result = Verification(left.side.name, right.side.name, settings=settings, machine=machine(), sources=(left.side.text, right.side.text))
    problem = trouble(left) or trouble(right)
    if problem:
        return replace(result, problem=problem)
    full = left.record.full or right.record.full             # what was left out cannot be missed
    rows = comparisons(sites, left, right, options.tolerance, full)
    notes = [f"{run.side.name}: more evaluations than are kept were recorded; the first ones were compared" for run in (left, right) if run.record.full]
    return replace(result, rows=tuple(rows), notes=tuple(notes))


def _on_real_frameworks(bundled: Verification, runs: Sequence[Run], sites: Sequence[Site], original: Path, options: Options, scratch: Path) -> Verification:
    """The verdict of the real frameworks, with the bundled runtime's as a third opinion."""
    pythons = interpreters([run.side for run in runs], options)
    children = {}
    for run in runs:
        python = pythons.get(framework_of(run.side))
        if python:
            children[run.side.label] = start_native(run.side, python, original, options, scratch, run.record.initial)
    outcomes = dict(zip(children, wait(list(children.values())), strict=True))
    left, right = (finish(run.side, outcomes[run.side.label], scratch, native=True) if run.side.label in outcomes else run for run in runs)
    result = replace(bundled, machine={**bundled.machine, **versions([left, right])})
    problem = trouble(left) or trouble(right)
    if problem:
        return replace(result, problem=f"on the real framework: {problem}")
    told = {row.what: row for row in bundled.rows}
    rows = tuple(replace(row, oracle=told[row.what].oracle if row.what in told else "") for row in comparisons(sites, left, right, options.tolerance, True))
    original_too = comparisons(same_sites(sites), runs[0], left, options.tolerance, True)
    table = agreements(rows, original_too, comparisons(sites, runs[0], right, options.tolerance, True))
    return replace(result, rows=rows, agreements=table)


def comparisons(sites: Sequence[Site], left: Run, right: Run, tolerance: Tolerance, hidden: bool = False) -> list[Comparison]:
    """All rows of the verdict on two runs that came to their end. On a real framework some evaluations are `hidden` in compiled functions."""
    variables = compare_variables(left.record, right.record, tolerance)
    return [*site_rows(sites, left, right, tolerance, hidden), compare_printed(left.outcome, right.outcome, tolerance), *([variables] if variables else [])]


def site_rows(sites: Sequence[Site], left: Run, right: Run, tolerance: Tolerance, hidden: bool = False) -> list[Comparison]:
    """A row for every gradient site of the original, in the order of its lines."""
    claimed = {site.converted[0] for site in sites if site.converted}
    others = [e.values for e in right.record.evaluations if e.line not in claimed]
    rows = []
    for (line, column), same in _by_place(sites).items():
        ours = [e for e in left.record.evaluations if (e.line, e.column) == (line, column)]
        theirs = [e for e in right.record.evaluations if (e.line, e.column) in {site.converted for site in same}]
        # the side with sessions knows what belongs together
        runs = [e.run for e in (ours if any(e.run for e in ours) else theirs)]
        rows.append(_row(same[0], [e.values for e in ours], [e.values for e in theirs], others, left.record.opinions.get((line, column)), left, right,
                         tolerance, hidden, runs))
    return rows


def _by_place(sites: Sequence[Site]) -> dict[tuple[int, int], list[Site]]:
    """Sites by where they are in the original; one written out several times has all its counterparts."""
    found: dict[tuple[int, int], list[Site]] = {}
    for site in sorted(sites, key=lambda s: (s.line, s.column, s.converted is None)):
        found.setdefault((site.line, site.column), []).append(site)
    return found


def _row(site: Site, ours: list[Values], theirs: list[Values], others: list[Values], opinion: Opinion | None, left: Run, right: Run,
         tolerance: Tolerance, hidden: bool, runs: Sequence[int]) -> Comparison:
    row = Comparison(f"{site.kind} {site.id}", site.line, site.converted[0] if site.converted else 0, "not run")
    if not ours:
        who = "neither program reached it" if not theirs else "the original did not reach it, though the converted program did"
        return replace(row, notes=(who,))
    judged = judge_site(ours, theirs, others, tolerance, site.kind == "hessians", hidden, runs)
    if hidden and judged.verdict == "differs" and not theirs:
        return replace(row, notes=("it cannot be seen in the converted program (a compiled function, or a record that is full); what comes of it is compared",))
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
