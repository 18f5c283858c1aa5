"""Findings and verdicts as text and JSON."""
from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mapper
from mapper.results import Comparison, Finding, Verification


def findings_text(findings: Sequence[Finding]) -> str:
    """One line a finding: file:line:column: level code message."""
    return "".join(f"{finding}\n" for finding in findings)


def check_text(findings: Sequence[Finding], sources: Mapping[str, Sequence[str]]) -> str:
    """Each finding with its line of source and a caret below the place, and how many there are."""
    pieces = []
    for finding in findings:
        pieces.append(f"{finding}\n")
        lines = sources.get(finding.file, ())
        if finding.line <= len(lines):
            line = lines[finding.line - 1]
            shown = line.expandtabs(4)
            before = len(line[:finding.column - 1].expandtabs(4))
            pieces.append(f"{finding.line:>6} | {shown}\n{'':>6} | {' ' * before}{'^' * _length(line, finding.column)}\n")
        if finding.rule:
            pieces.append(f"       = {_help(finding)}\n")
    counts = {level: sum(finding.level == level for finding in findings) for level in ("error", "warning", "note")}
    total = ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for level, number in counts.items() if number)
    return "".join([*pieces, f"{total or 'nothing to report'}\n"])


def _length(line: str, column: int) -> int:
    """How many characters the name at a column has."""
    name = re.match(r"(?:def |class )?[\w.]+", line[column - 1:])
    return max(1, len(name[0]) if name else 1)


def _help(finding: Finding) -> str:
    return f"mapper rules show {finding.rule}"


def findings_json(findings: Sequence[Finding], sources: Mapping[str, Sequence[str]] | None = None) -> str:
    """A list of objects, as docs/reference-check-json.md describes them."""
    rows = []
    for finding in findings:
        line = _line_of(finding, sources or {})
        rows.append({**dataclasses.asdict(finding), "end_column": finding.column + _length(line, finding.column), "source": line.strip(),
                     "help": _help(finding) if finding.rule else ""})
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _line_of(finding: Finding, sources: Mapping[str, Sequence[str]]) -> str:
    lines = sources.get(finding.file, ())
    return lines[finding.line - 1] if finding.line <= len(lines) else ""


def github(findings: Sequence[Finding], sources: Mapping[str, Sequence[str]] | None = None) -> str:
    """Workflow commands that GitHub shows as annotations."""
    names = {"error": "error", "warning": "warning", "note": "notice"}
    return "".join(f"::{names[f.level]} file={_property(f.file)},line={f.line},col={f.column},title={f.code}::{_data(f.message)}\n" for f in findings)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding], sources: Mapping[str, Sequence[str]] | None = None) -> str:
    """A SARIF 2.1.0 log. Columns count code points; fingerprints say what is found in which text, whatever its line."""
    from mapper.checking import CODES

    listed = sorted({f.code for f in findings})
    rules = [{"id": code, "shortDescription": {"text": CODES.get(code, code)}, "properties": {"tags": ["mapper"]}} for code in listed]
    results = []
    for finding in findings:
        line = _line_of(finding, sources or {})
        region: dict[str, Any] = {"startLine": finding.line, "startColumn": finding.column, "endColumn": finding.column + _length(line, finding.column)}
        if line:
            region["snippet"] = {"text": line}
        print_ = hashlib.sha256(f"{finding.code}\0{finding.message}\0{line.strip()}".encode()).hexdigest()[:32]
        results.append({"ruleId": finding.code, "ruleIndex": listed.index(finding.code), "level": finding.level, "message": {"text": finding.message},
                        "locations": [{"physicalLocation": {"artifactLocation": _artifact(finding.file), "region": region}}],
                        "partialFingerprints": {"mapper/v1": print_}, "properties": {"mappingRule": finding.rule}})
    driver = {"name": "mapper", "version": mapper.__version__, "semanticVersion": mapper.__version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _artifact(file: str) -> dict[str, str]:
    """A file as a URI reference: relative where it lies below the folder that mapper runs in."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix())}


FORMATS = {"text": check_text, "json": findings_json, "github": github, "sarif": sarif}


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
    lines += _three_ways(result)
    doubtful = [row.what for row in result.rows if row.verdict == "doubtful"]
    if doubtful:
        lines += ["", f"both programs agree, and both are doubtful: {', '.join(doubtful)}. Finite differences of the original say otherwise:",
                  "the gradient is blocked, defined by hand, or wrong in both frameworks; --no-finite-differences leaves this check out."]
    lines += [f"note: {note}" for note in result.notes]
    usual = {"rtol": 1e-4 if result.settings.get("backend", "numpy") == "numpy" else 1e-3, "atol": 1e-6}
    changed = [f"{name} {result.settings[name]:g} instead of {value:g}" for name, value in usual.items() if result.settings.get(name, value) != value]
    if changed:
        lines.append(f"tolerances: {', '.join(changed)}")
    lines.append(_summary(result))
    return "\n".join(lines) + "\n"


def _three_ways(result: Verification) -> list[str]:
    if not result.agreements:
        return []
    heads = ("what", "real original = real converted", "bundled original = real original", "bundled original = real converted")
    lines = ["", f"{heads[0]:<28} {heads[1]:<31} {heads[2]:<33} {heads[3]}"]
    lines += [f"{a.what[:28]:<28} {a.real:<31} {a.original:<33} {a.converted}" for a in result.agreements]
    return [*lines, *(f"{name}: {result.machine[name]}" for name in ("tensorflow", "mindspore") if name in result.machine), ""]


def _summary(result: Verification) -> str:
    sites = [row for row in result.rows if row.line]
    compared = [row for row in sites if row.verdict != "not run"]
    checked = sum(row.oracle.startswith("finite differences agree") for row in compared)
    words = f"{len(compared)} of {len(sites)} gradient sites compared" + (f", {checked} confirmed by finite differences" if checked else "")
    return ("same numbers" if result.matches else "NOT the same numbers") + (f": {words}" if sites else "")


def _line(line: int) -> str:
    return f"line {line}" if line else "-"


def _verdict(row: Comparison) -> str:
    if row.verdict == "close":
        ulp = f", {row.max_ulp:.0f} ULP" if row.max_ulp else ""
        return f"close (max abs {row.max_abs:.2g}, max rel {row.max_rel:.2g}{ulp})"
    return row.verdict


def write_page(path: Path, result: Verification) -> None:
    """Writes the verdict as an HTML page. Raises SourceError when the file cannot be written."""
    from mapper import source
    from mapper.verify_html import page

    source.write(path, page(result))


def verification_json(result: Verification) -> str:
    return json.dumps({**dataclasses.asdict(result), "matches": result.matches}, indent=2) + "\n"
