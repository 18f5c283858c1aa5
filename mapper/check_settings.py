"""What a team wants to hear: codes that are selected and ignored, comments that silence a line, and findings that were there before."""
from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from mapper.checking import CODES
from mapper.results import Finding, SourceError

_KEYS = {"select", "ignore", "baseline", "exclude", "per-file-ignores"}
_COMMENT = re.compile(r"#\s*mapper:\s*ignore(?:\[([\w\s,]+)\])?")


@dataclass(frozen=True)
class Settings:
    """What `check` is to report. Codes are prefixes: `M4` stands for M401 and M402."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    notes: bool = False
    baseline: Path | None = None
    exclude: tuple[str, ...] = ()
    per_file: Mapping[str, tuple[str, ...]] | None = None
    folder: Path = Path()

    def wants(self, finding: Finding) -> bool:
        """Whether a finding is to be reported. Where a code is both selected and ignored, the longer prefix decides."""
        chosen = _longest(finding.code, self.select)
        if self.select and not chosen or not chosen and finding.level == "note" and not self.notes:
            return False
        per_file = [codes for pattern, codes in (self.per_file or {}).items() if _matches(finding.file, pattern, self.folder)]
        ignored = _longest(finding.code, [*self.ignore, *(code for codes in per_file for code in codes)])
        return ignored < chosen if chosen else not ignored

    def excludes(self, path: Path) -> bool:
        return any(_matches(str(path), pattern, self.folder) for pattern in self.exclude)


def _longest(code: str, prefixes: Iterable[str]) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)


def _matches(path: str, pattern: str, folder: Path) -> bool:
    try:
        short = Path(path).resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        short = Path(path).as_posix()
    return fnmatch(short, pattern) or fnmatch(short, f"{pattern.rstrip('/')}/*") or fnmatch(Path(path).name, pattern)


# ---- pyproject.toml ------------------------------------------------------------------------------------------------
def settings_for(path: Path) -> Settings:
    """The `[tool.mapper]` table of the nearest pyproject.toml that has one. Raises SourceError for a table that cannot be used."""
    start = path.resolve()
    for folder in [start, *start.parents] if start.is_dir() else start.parents:
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("mapper")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SourceError(f"{file}: {error}") from None
        if table is not None:
            return _read(file, table)
    return Settings()


def _read(file: Path, table: object) -> Settings:
    if not isinstance(table, dict):
        raise SourceError(f"{file}: tool.mapper is not a table")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise SourceError(f"{file}: tool.mapper has no setting {unknown[0]!r}; it has {', '.join(sorted(_KEYS))}")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise SourceError(f"{file}: tool.mapper.per-file-ignores is not a table of lists of codes")
    baseline = table.get("baseline")
    return Settings(codes(_texts(file, "select", table), file), codes(_texts(file, "ignore", table), file),
                    baseline=file.parent / str(baseline) if baseline else None, exclude=_texts(file, "exclude", table),
                    per_file={pattern: codes(_texts(file, pattern, per_file), file) for pattern in per_file}, folder=file.parent)


def _texts(file: Path, key: str, table: Mapping[str, object]) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SourceError(f"{file}: tool.mapper: {key} is not a list of texts")
    return tuple(value)


def codes(given: Iterable[str], where: object = "") -> tuple[str, ...]:
    """Codes and prefixes of codes, of which several may stand in one text. Raises SourceError for one that is none."""
    found = tuple(code for text in given for code in re.split(r"[,\s]+", text.strip()) if code)
    for code in found:
        if not any(known.startswith(code) for known in CODES):
            raise SourceError(f"{where}{': ' if where else ''}there is no code {code!r}; the codes are {', '.join(CODES)}")
    return found


# ---- comments ------------------------------------------------------------------------------------------------------
def unsilenced(findings: Iterable[Finding], lines: Sequence[str]) -> Iterator[Finding]:
    """The findings whose line has no `# mapper: ignore` or `# mapper: ignore[M201]`."""
    for finding in findings:
        comment = _COMMENT.search(lines[finding.line - 1]) if finding.line <= len(lines) else None
        silenced = comment and (comment[1] is None or any(finding.code.startswith(code.strip()) for code in comment[1].split(",") if code.strip()))
        if not silenced:
            yield finding


# ---- baselines -----------------------------------------------------------------------------------------------------
def _identity(finding: Finding, lines: Sequence[str], folder: Path) -> tuple[str, str, str]:
    """A finding by what it says of which text, not by its line number, which changes with every edit above it."""
    try:
        file = Path(finding.file).resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        file = Path(finding.file).as_posix()
    text = lines[finding.line - 1].strip() if finding.line <= len(lines) else ""
    return file, finding.code, text


def baseline_text(findings: Iterable[Finding], sources: Mapping[str, Sequence[str]], folder: Path) -> str:
    """The findings as a baseline file: later runs report only what is not in it."""
    counted = Counter(_identity(f, sources.get(f.file, ()), folder) for f in findings)
    rows = [{"file": file, "code": code, "text": text, "count": count} for (file, code, text), count in sorted(counted.items())]
    return json.dumps({"version": 1, "findings": rows}, indent=1, ensure_ascii=False) + "\n"


def beyond_baseline(findings: Iterable[Finding], sources: Mapping[str, Sequence[str]], file: Path) -> list[Finding]:
    """The findings that a baseline does not hold. Raises SourceError when it cannot be read."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["findings"]
        left = Counter({(row["file"], row["code"], row["text"]): int(row["count"]) for row in rows})
    except OSError as error:
        raise SourceError(f"{file}: the baseline cannot be read: {error.strerror}; write it with --write-baseline") from None
    except (ValueError, KeyError, TypeError):
        raise SourceError(f"{file}: not a baseline; write it with --write-baseline") from None
    new = []
    for finding in findings:
        key = _identity(finding, sources.get(finding.file, ()), file.parent)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(finding)
    return new


def merged(settings: Settings, select: Sequence[str], ignore: Sequence[str], notes: bool, baseline: Path | None) -> Settings:
    """Settings with what the command line says: a selection there takes the place of that in the file, ignored codes are added."""
    ignored = (*settings.ignore, *codes(ignore))
    return replace(settings, select=codes(select) or settings.select, ignore=ignored, notes=notes, baseline=baseline or settings.baseline)
