"""Converting and checking files and directories: what the commands `convert` and `check` do."""
from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mapper
from mapper import report, source
from mapper.results import Conversion, Finding, SourceError

Say = Callable[[str], Any]


def convert_paths(
    paths: Sequence[Path], output: Path | None, to: Any, in_place: bool, diff: bool, verified: bool, target: str | None, say: Say, tell: Say,
) -> int:
    """Converts files and trees; the program or diff goes to `say`, the report to `tell`. Returns the exit code 0 or 1.

    Raises SourceError when an argument itself cannot be read or written; a file of a directory that cannot is reported and
    makes the exit code 2."""
    _refuse_contradictions(paths, output, in_place)
    worst = 0
    for path in paths:
        whole_tree = path.is_dir()
        if whole_tree and output is None and not in_place and not diff:
            raise SourceError(f"{path}: a directory needs -o OUT, --in-place or --diff")
        for file in source.discover(path):
            try:
                worst = max(worst, _convert_file(file, _target(path, file, output, in_place), to, diff, verified, target, say, tell, whole_tree))
            except SourceError as error:
                if not whole_tree:
                    raise
                tell(f"mapper: {error}")
                worst = 2
    return worst


def _refuse_contradictions(paths: Sequence[Path], output: Path | None, in_place: bool) -> None:
    if output is not None and in_place:
        raise SourceError(f"-o {output} and --in-place are two places to write to; give one of them")
    if output is not None and len(paths) > 1 and not output.is_dir():
        raise SourceError(f"{output}: not a directory, and {len(paths)} paths are to be written to it; make it first, or convert them one by one")


def _target(path: Path, file: Path, output: Path | None, in_place: bool) -> Path | None:
    if in_place:
        return file
    if output is None:
        return None
    if path.is_dir():
        return output / file.relative_to(path)
    return output / file.name if output.is_dir() else output


def _convert_file(file: Path, target: Path | None, to: Any, diff: bool, verified: bool, version: str | None, say: Say, tell: Say, in_tree: bool) -> int:
    program = source.read(file)
    source.parse(program.text, str(file))
    if in_tree and not source.imports(program.text):
        if target is not None and target != file and not diff:
            source.write(target, program.text, program.encoding)
        return 0
    conversion = mapper.convert(program.text, to, version, str(file))
    if diff:
        say(_difference(file, program.text, conversion.code).rstrip("\n"))
    elif target is not None:
        source.write(target, conversion.code, program.encoding)
    else:
        say(conversion.code[:-1] if conversion.code.endswith("\n") else conversion.code)
    _tell(conversion, file, tell)
    if verified:
        verdict = mapper.verify(file, target if target is not None and target != file else None)
        tell(report.verification_text(verdict).rstrip("\n"))
        if verdict.problem:
            return 2
        if not verdict.matches:
            return 1
    return 0 if conversion.complete else 1


def _tell(conversion: Conversion, file: Path, tell: Say) -> None:
    text = report.findings_text(conversion.findings)
    if text:
        tell(text.rstrip("\n"))
    done = sum(1 for site in conversion.sites if site.converted is not None)
    tell(f"{file}: {done} of {len(conversion.sites)} gradient sites converted" + ("" if conversion.complete else "; the rest is marked `# mapper:`"))


def _difference(file: Path, before: str, after: str) -> str:
    name = str(file).lstrip("/")
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines with their ends, where only a line feed ends one: a form feed inside a line is none."""
    return io.StringIO(text, newline="\n").readlines()


def check_paths(paths: Sequence[Path], form: str, say: Say, tell: Say, select: Sequence[str] = (), ignore: Sequence[str] = (), notes: bool = False,
                baseline: Path | None = None, write_baseline: Path | None = None) -> int:
    """Checks files and trees: the findings go to `say` in the asked form. Returns the exit code.

    Raises SourceError for a path that cannot be read; a file of a directory that cannot goes to `tell` and makes the exit code 2."""
    from mapper import check_settings

    settings = check_settings.merged(check_settings.settings_for(paths[0]), select, ignore, notes, baseline)
    findings: list[Finding] = []
    sources: dict[str, list[str]] = {}
    unread = False
    for path in paths:
        for file in source.discover(path):
            if path.is_dir() and settings.excludes(file):
                continue
            try:
                findings += filter(settings.wants, _check_file(file, sources))
            except SourceError as error:
                if not path.is_dir():
                    raise
                tell(f"mapper: {error}")
                unread = True
    if write_baseline is not None:
        source.write(write_baseline, check_settings.baseline_text(findings, sources, write_baseline.parent))
        tell(f"{write_baseline}: {len(findings)} findings are taken as known")
        return 2 if unread else 0
    if settings.baseline is not None:
        findings = check_settings.beyond_baseline(findings, sources, settings.baseline)
    say(report.FORMATS[form](findings, sources))
    worst = 1 if any(finding.level in ("error", "warning") for finding in findings) else 0
    return 2 if unread else worst


def _check_file(file: Path, sources: dict[str, list[str]]) -> list[Finding]:
    """The findings of a file that its comments do not silence; its lines go into `sources`."""
    from mapper import check_settings, checking

    program = source.read(file)
    if not source.imports(program.text):
        source.parse(program.text, str(file))
        return []
    lines = sources[str(file)] = checking.split_lines(program.text)
    return list(check_settings.unsilenced(mapper.check(program.text, filename=str(file)), lines))
