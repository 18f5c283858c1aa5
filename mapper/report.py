"""Findings and verdicts as text and JSON."""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from mapper.results import Comparison, Finding, Verification


def findings_text(findings: Sequence[Finding]) -> str:
    """One line a finding: file:line:column: level code message."""
    return "".join(f"{finding}\n" for finding in findings)


def findings_json(findings: Sequence[Finding]) -> str:
    return json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2) + "\n"


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands that GitHub shows as annotations."""
    names = {"error": "error", "warning": "warning", "note": "notice"}
    return "".join(f"::{names[f.level]} file={_property(f.file)},line={f.line},col={f.column},title={f.code}::{_data(f.message)}\n" for f in findings)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> str:
    """A SARIF 2.1.0 log."""
    rules = sorted({f.code for f in findings})
    results = [{"ruleId": f.code, "ruleIndex": rules.index(f.code), "level": f.level, "message": {"text": f.message}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": f.file}, "region": {"startLine": f.line, "startColumn": f.column}}}]} for f in findings]
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
           "runs": [{"tool": {"driver": {"name": "mapper", "rules": [{"id": code} for code in rules]}}, "results": results}]}
    return json.dumps(log, indent=2) + "\n"


FORMATS = {"text": findings_text, "json": findings_json, "github": github, "sarif": sarif}


def verification_text(result: Verification) -> str:
    """The verdict table, then the first difference in full."""
    lines = []
    if result.rows:
        lines.append(f"{'what':<28} {'original':>9} {'converted':>9} {'times':>6}  verdict")
    for row in result.rows:
        lines.append(f"{row.what[:28]:<28} {_line(row.line):>9} {_line(row.converted_line):>9} {row.evaluations:>6}  {_verdict(row)}")
        remarks = (*row.notes, *([row.oracle] if row.oracle and not row.oracle.startswith("finite differences agree") else []))
        lines += [f"{'':<28} note: {note}" for note in remarks]
    if result.problem:
        return "\n".join([*lines, f"could not verify: {result.problem}", ""])
    first = next((row for row in result.rows if row.verdict == "differs"), None)
    if first is not None:
        lines += ["", f"first difference: {first.what}", first.detail]
        if first.cause:
            lines.append(f"  probable cause: {first.cause}")
    doubtful = [row.what for row in result.rows if row.verdict == "doubtful"]
    if doubtful:
        lines += ["", f"both programs agree, and both are doubtful: {', '.join(doubtful)}. Finite differences of the original say otherwise:",
                  "the gradient is blocked, defined by hand, or wrong in both frameworks; --no-finite-differences leaves this check out."]
    lines += [f"note: {note}" for note in result.notes]
    changed = [f"{name} {result.settings[name]:g} instead of {usual:g}" for name, usual in _TOLERANCES.items() if result.settings.get(name, usual) != usual]
    if changed:
        lines.append(f"tolerances: {', '.join(changed)}")
    lines.append(_summary(result))
    return "\n".join(lines) + "\n"


_TOLERANCES = {"rtol": 1e-4, "atol": 1e-6}


def _summary(result: Verification) -> str:
    sites = [row for row in result.rows if row.line]
    checked = sum(row.oracle.startswith("finite differences agree") for row in sites)
    reached = sum(row.verdict != "not run" for row in sites)
    words = f"{reached} of {len(sites)} gradient sites compared" + (f", {checked} confirmed by finite differences" if checked else "")
    return ("same numbers" if result.matches else "NOT the same numbers") + (f": {words}" if sites else "")


def _line(line: int) -> str:
    return f"line {line}" if line else "-"


def _verdict(row: Comparison) -> str:
    if row.verdict == "close":
        ulp = f", {row.max_ulp:.0f} ULP" if row.max_ulp else ""
        return f"close (max abs {row.max_abs:.2g}, max rel {row.max_rel:.2g}{ulp})"
    return row.verdict


def verification_json(result: Verification) -> str:
    return json.dumps({**dataclasses.asdict(result), "matches": result.matches}, indent=2) + "\n"
