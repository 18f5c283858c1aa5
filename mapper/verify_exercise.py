"""Sites that a program itself does not reach: reached with given and with generated inputs, on both sides alike."""
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mapper.children import wait
from mapper.results import Comparison, Site, SourceError, Verification
from mapper.verify_compare import judge_site, samples
from mapper.verify_records import Record
from mapper.verify_runs import Options, Run, finish, start, trouble


@dataclass(frozen=True)
class Done:
    """A task that a side carried out or failed at: what it returned, or why it failed."""

    name: str
    point: str
    values: tuple[Any, ...] | None = None
    why: str = ""


def exercised(result: Verification, sites: Sequence[Site], left: Run, right: Run, original: Path, options: Options, scratch: Path) -> Verification:
    """The verdict with what generated and given inputs add to it."""
    from mapper.verification import site_rows

    if options.inputs is not None and not options.inputs.is_file():
        raise SourceError(f"{options.inputs}: no such file")
    unreached = [site for site in sites if any(r.verdict == "not run" and r.what == f"{site.kind} {site.id}" for r in result.rows)]
    wishes = {"call": options.call, "inputs": str(options.inputs.resolve()) if options.inputs else None,
              "sites": [[site.line, site.column] for site in unreached]}
    ours = finish(left.side, wait([start(left.side, original, options, scratch, wishes)])[0], scratch)
    if trouble(ours):
        return replace(result, problem=result.problem or trouble(ours))
    tasks = _tasks(ours.record, sites)
    done = _done(ours.record)
    failures = [header["why"] for header, _ in ours.record.others if header["kind"] == "failed"]
    usable = [(number, *task) for number, task in tasks.items() if done[number].values is not None]
    if not usable:
        return _missed(result, options, failures)
    theirs = finish(right.side, wait([start(right.side, original, options, scratch, _told(usable, scratch), ours.record.initial)])[0], scratch)
    if trouble(theirs):
        return replace(result, problem=result.problem or trouble(theirs))
    answers = _done(theirs.record)
    pairs = [(done[number], answers.get(place, Done("", "", None, "it was not carried out"))) for place, (number, _, _) in enumerate(usable)]
    ran = [(place, number) for place, (number, _, _) in enumerate(usable) if pairs[place][1].values is not None]
    calls = [row for name in dict.fromkeys(mine.name for mine, _ in pairs) if (row := _call_row(name, pairs, options))]
    rows = {row.what: row for row in site_rows(unreached, _only(ours, {number: number for _, number in ran}), _only(theirs, dict(ran)), options.tolerance)}
    reached = {what: _noted(row, pairs) for what, row in rows.items() if row.evaluations}
    failed = [f"with {mine.point} inputs the converted program fails: {other.why}" for mine, other in pairs if other.values is None][:1]
    why = tuple(dict.fromkeys([*failures, *failed]))
    merged = [reached.get(row.what) or (replace(row, notes=(*row.notes, *why)) if row.verdict == "not run" else row) for row in result.rows]
    return replace(result, rows=(*merged, *calls), problem=result.problem)


def _tasks(record: Record, sites: Sequence[Site]) -> dict[int, tuple[dict[str, Any], tuple[Any, ...]]]:
    """The tasks that the original found, in terms of the converted program."""
    places = {(site.line, site.column): site.converted for site in sites}
    found = {}
    for header, values in record.others:
        if header["kind"] == "task":
            there = [places.get((line, column)) for line, column in header["sites"]]
            told = {key: header[key] for key in ("task", "name", "point", "names")}
            found[header["number"]] = ({**told, "sites": [place for place in there if place]}, values)
    return found


def _done(record: Record) -> dict[int, Done]:
    told = {header["number"]: header for header, _ in record.others if header["kind"] == "task"}
    found = {}
    for header, values in record.others:
        task = told.get(header.get("number"), {"name": "", "point": ""})
        if header["kind"] == "returned":
            found[header["number"]] = Done(task["name"], task["point"], values)
        elif header["kind"] == "failed" and header["number"] >= 0:
            found[header["number"]] = Done(task["name"], task["point"], None, header["why"])
    return found


def _told(usable: Sequence[tuple[int, dict[str, Any], tuple[Any, ...]]], scratch: Path) -> dict[str, Any]:
    """Writes tasks for the converted program."""
    import numpy as np

    arrays = {f"t{place}_{i}": value for place, (_, _, values) in enumerate(usable) for i, value in enumerate(values)}
    told = json.dumps([task for _, task, _ in usable]).encode()
    np.savez(scratch / "tasks.npz", tasks=np.frombuffer(told, np.uint8), **arrays)
    return {"tasks": str(scratch / "tasks.npz")}


def _only(run: Run, numbers: dict[int, int]) -> Run:
    """A run with no evaluations but those of some tasks."""
    kept = tuple(e for e in run.record.evaluations if e.task in numbers)
    return replace(run, record=replace(run.record, evaluations=kept))


def _missed(result: Verification, options: Options, failures: Sequence[str]) -> Verification:
    if options.call and not result.problem:
        return replace(result, problem="; ".join(failures) or f"{options.call[0]}: nothing came of the call")
    rows = tuple(replace(row, notes=(*row.notes, *failures)) if row.verdict == "not run" else row for row in result.rows)
    return replace(result, rows=rows)


def _call_row(name: str, pairs: Sequence[tuple[Done, Done]], options: Options) -> Comparison | None:
    """The verdict on what a function returned at all points."""
    mine = [(a, b) for a, b in pairs if a.name == name and a.values]
    if not mine:
        return None
    broken = next((b for _, b in mine if b.values is None), None)
    if broken is not None:
        if name not in options.call:
            return None                    # a function that nobody asked for, whose arguments were a guess
        return Comparison(f"call {name}", 0, 0, "differs", len(mine), detail=f"  {name} runs in the original; in the converted program: {broken.why}")
    judged = judge_site([a.values or () for a, _ in mine], [b.values or () for _, b in mine], [], options.tolerance)
    notes = (f"with {', '.join(a.point for a, _ in mine)} inputs",)
    row = Comparison(f"call {name}", 0, 0, judged.verdict, len(mine), *judged.distance, notes=notes, errors=judged.errors)
    if judged.unmatched is None:
        return row
    index, a, b = judged.unmatched
    shown = samples(index, a, b, options.tolerance)
    lines = [f"  {name} with {mine[index][0].point} inputs:", *(f"    result {s.gradient}: {s.original}\n   converted: {s.converted}" for s in shown)]
    return replace(row, detail="\n".join(lines), samples=shown)


def _noted(row: Comparison, pairs: Sequence[tuple[Done, Done]]) -> Comparison:
    points = dict.fromkeys(a.point for a, b in pairs if b.values is not None)
    return replace(row, notes=(*row.notes, f"reached with {', '.join(points)} inputs"))
