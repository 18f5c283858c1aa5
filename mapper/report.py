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
    if result.problem:
        return f"could not verify: {result.problem}\n"
    lines = [f"{'what':<28} {'original':>9} {'converted':>9} {'times':>6}  verdict"]
    for row in result.rows:
        lines.append(f"{row.what[:28]:<28} {_line(row.line):>9} {_line(row.converted_line):>9} {row.evaluations:>6}  {_verdict(row)}")
        lines += [f"{'':<28} note: {note}" for note in row.notes]
    worst = next((row for row in result.rows if row.verdict == "differs"), None)
    if worst is not None:
        lines += ["", f"first difference: {worst.what}", worst.detail]
    lines.append("same numbers" if result.matches else "NOT the same numbers")
    return "\n".join(lines) + "\n"


def _line(line: int) -> str:
    return f"line {line}" if line else "-"


def _verdict(row: Comparison) -> str:
    if row.verdict == "close":
        return f"close (max abs {row.max_abs:.2g}, max rel {row.max_rel:.2g}, {row.max_ulp:.0f} ULP)"
    return row.verdict


def verification_json(result: Verification) -> str:
    return json.dumps({**dataclasses.asdict(result), "matches": result.matches}, indent=2) + "\n"
