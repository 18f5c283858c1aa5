"""Converting and checking files and directories: what the commands `convert` and `check` do."""
from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import mapper
from mapper import discovery, source, trees
from mapper.results import Direction, Finding, SourceError, Verification
from mapper.trees import Outcome, Program

if TYPE_CHECKING:
    from concurrent.futures import Executor

Say = Callable[[str | bytes], Any]
Tell = Callable[[str], Any]
_Done = TypeVar("_Done")
_WORTH_A_POOL, _WORTH_A_POOL_OF_CHECKS = 16, 128


@dataclass(frozen=True)
class Wishes:
    """What the command line of `convert` asks for."""

    output: Path | None = None
    to: Direction | None = None
    target: str | None = None
    in_place: bool = False
    backup: bool = False
    diff: bool = False
    check: bool = False
    verify: bool = False
    exclude: tuple[str, ...] = ()
    jobs: int = 0
    cached: bool = True
    coloured: bool = False
    stdin_name: str = "<stdin>"


def convert_paths(paths: Sequence[Path], wishes: Wishes, say: Say, tell: Tell) -> int:
    """Converts files and trees; the program or diff goes to `say`, the report to `tell`. Returns the exit code 0, 1 or 2.

    Raises SourceError when an argument itself cannot be read or written; a file of a directory that cannot is reported and
    makes the exit code 2."""
    _refuse_contradictions(paths, wishes)
    if wishes.output == Path("-"):
        wishes = replace(wishes, output=None)
    worst = 0
    for path in paths:
        if str(path) == "-":
            worst = max(worst, _convert_stdin(wishes, say, tell))
        elif path.is_dir():
            worst = max(worst, _convert_folder(path, wishes, say, tell))
        elif path.suffix in discovery.LEFT_ALONE:
            tell(f"{path}: no program; left alone")
        else:
            program = replace(trees.read(path), to=wishes.to, target=wishes.target)
            if not program.concerns:
                read = source.read(path)
                program = replace(program, text=read.text, encoding=read.encoding)
            outcome = Outcome(program, trees.convert(program))
            worst = max(worst, _finish(outcome, _target(path, path, wishes), wishes, say, tell, _verified(path, outcome, wishes)))
    return worst


def _refuse_contradictions(paths: Sequence[Path], wishes: Wishes) -> None:
    output = wishes.output
    if output is not None and wishes.in_place:
        raise SourceError(f"-o {output} and --in-place are two places to write to; give one of them")
    if output is not None and len(paths) > 1 and not output.is_dir():
        raise SourceError(f"{output}: not a directory, and {len(paths)} paths are to be written to it; make it first, or convert them one by one")
    if wishes.backup and not wishes.in_place:
        raise SourceError("--backup keeps what --in-place replaces; give both")
    if Path("-") in paths and (wishes.in_place or wishes.verify):
        raise SourceError(f"standard input cannot be {'replaced' if wishes.in_place else 'run'}; write the program to a file")


def _target(path: Path, file: Path, wishes: Wishes) -> Path | None:
    if wishes.in_place:
        return file
    if wishes.output is None:
        return None
    if path.is_dir():
        return wishes.output / file.relative_to(path)
    return wishes.output / file.name if wishes.output.is_dir() else wishes.output


def _convert_stdin(wishes: Wishes, say: Say, tell: Tell) -> int:
    name = Path(wishes.stdin_name)
    read = source.decode(sys.stdin.buffer.read(), name)
    program = Program(name, read.text, read.encoding, to=wishes.to, target=wishes.target)
    return _finish(Outcome(program, trees.convert(program)), wishes.output, wishes, say, tell, None)


# ------------------------------------------------------------------------------------------------------------------ trees

def _convert_folder(path: Path, wishes: Wishes, say: Say, tell: Tell) -> int:
    if wishes.output is None and not (wishes.in_place or wishes.diff or wishes.check):
        raise SourceError(f"{path}: a directory needs -o OUT, --in-place, --diff or --check")
    found = discovery.find(path, wishes.exclude, but=wishes.output)
    programs = trees.directed(trees.read_all(_once(found.files) if wishes.in_place else found.files), wishes.to, wishes.target, True)
    if programs and programs[0].to == "tensorflow" and wishes.to is None and (wishes.in_place or wishes.check):
        tell(f"{path}: only MindSpore programs, maybe converted ones; --to tensorflow converts them")
        return 0
    from mapper.cache import Cache

    cache = Cache(path) if wishes.cached else None
    worst, seen = 0, []
    work = sum(program.concerns for program in programs)
    with _processes(wishes.jobs, work, wishes.verify or work >= _WORTH_A_POOL) as executor:
        outcomes = list(_watched(trees.convert_all(programs, executor, cache), len(programs), "converting"))
        judge = partial(_verified, wishes=wishes)
        files = [outcome.program.file for outcome in outcomes]
        verdicts = executor.map(judge, files, outcomes) if executor is not None and wishes.verify else map(judge, files, outcomes)
        for outcome, verdict in zip(outcomes, verdicts):
            seen.append((outcome, verdict))
            try:
                worst = max(worst, _finish(outcome, _target(path, outcome.program.file, wishes), wishes, say, tell, verdict))
            except SourceError as error:
                tell(f"mapper: {error}")
                worst = 2
    if cache is not None:
        cache.save()
    tell(_summary(seen, len(found.skipped)))
    return worst


def _once(files: Sequence[Path]) -> list[Path]:
    """Files without the links that lead to others of them."""
    real = {file.resolve() for file in files if not file.is_symlink()}
    return [file for file in files if not file.is_symlink() or file.resolve() not in real]


@contextlib.contextmanager
def _processes(jobs: int, work: int, enough: bool) -> Iterator[Executor | None]:
    """Processes for so many programs, when somebody asks for them or they are `enough`; jobs 0 is one for each core."""
    number = min(jobs or os.cpu_count() or 1, work)
    if number < 2 or not (jobs or enough):
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(number) as executor:
        yield executor


def _watched(done: Iterator[_Done], total: int, label: str) -> Iterator[_Done]:
    """The same, with a progress bar where a person sees it."""
    if not sys.stderr.isatty():
        yield from done
        return
    import click

    with click.progressbar(done, total, label=label, file=sys.stderr) as bar:
        yield from bar


def _verified(file: Path, outcome: Outcome, wishes: Wishes) -> Verification | None:
    """What comes out when both programs run; None when that was not asked for, or there is nothing to run."""
    conversion = outcome.conversion
    if not wishes.verify or conversion is None or not outcome.changed or not conversion.complete or file.suffix == ".ipynb":
        return None
    try:
        return mapper.verify(file)
    except SourceError as error:
        return Verification(str(file), "", problem=str(error))


def _summary(seen: Sequence[tuple[Outcome, Verification | None]], skipped: int) -> str:
    """How many files and sites, and how much of them is done."""
    conversions = [outcome.conversion for outcome, _ in seen if outcome.conversion is not None and (outcome.changed or outcome.conversion.findings)]
    sites = [site for conversion in conversions for site in conversion.sites]
    verdicts = [verdict for _, verdict in seen if verdict is not None]
    problems = sum(bool(outcome.problem) for outcome, _ in seen)
    changed = sum(outcome.changed for outcome, _ in seen)
    lines = [f"{_count(len(seen), 'file')}: {changed} converted, {len(seen) - changed - problems} left as they are"
             + (f", {problems} unreadable" if problems else "") + (f"; {_count(skipped, 'path')} skipped" if skipped else "")]
    lines.append(f"gradient sites converted: {_rate(sum(site.converted is not None for site in sites), len(sites))}")
    lines.append(f"files without a marker: {_rate(sum(conversion.complete for conversion in conversions), len(conversions))}")
    if verdicts:
        lines.append(f"files verified: {_rate(sum(verdict.matches for verdict in verdicts), len(conversions))}")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _rate(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")


# -------------------------------------------------------------------------------------------------------------- one program

def _finish(outcome: Outcome, target: Path | None, wishes: Wishes, say: Say, tell: Tell, verdict: Verification | None) -> int:
    """Writes or shows what became of a program, and reports on it. Returns the exit code. Raises SourceError."""
    program, conversion = outcome.program, outcome.conversion
    if outcome.problem:
        raise SourceError(outcome.problem)
    if conversion is None:
        if target is not None and target != program.file and not (wishes.diff or wishes.check):
            _write(target, source.read_bytes(program.file))
        return 0
    wrong = verdict is not None and not verdict.matches
    if wishes.diff:
        _show_difference(outcome, wishes, say)
    elif wishes.check:
        if outcome.changed:
            tell(f"{program.file}: would be converted")
    elif target is None:
        say(_encoded(program, conversion.code))
    elif not (wishes.in_place and (wrong or not outcome.changed)):
        _replace(outcome, target, wishes)
    if outcome.changed or conversion.findings:
        _report(outcome, tell)
    if verdict is not None:
        from mapper import report

        tell(report.verification_text(verdict).rstrip("\n"))
        if wrong and wishes.in_place and not wishes.diff:
            tell(f"{program.file}: was not replaced, because the numbers were not proven to be the same")
        if wrong:
            return 2 if verdict.problem else 1
    return 0 if conversion.complete and not (wishes.check and outcome.changed) else 1


def _replace(outcome: Outcome, target: Path, wishes: Wishes) -> None:
    """Writes the converted program; a file that was changed in the meantime is not overwritten."""
    program = outcome.program
    assert outcome.conversion is not None
    if wishes.in_place:
        if source.read(target).text != program.text:
            raise SourceError(f"{target}: was changed while it was being converted; nothing was written")
        if wishes.backup:
            source.back_up(target)
    _write(target, _encoded(program, outcome.conversion.code))


def _write(target: Path, data: bytes) -> None:
    """Writes a file unless it holds just that already."""
    if not (target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data):
        source.write_bytes(target, data)


def _encoded(program: Program, text: str) -> bytes:
    return source.encode(text, program.encoding, program.file)


def _show_difference(outcome: Outcome, wishes: Wishes, say: Say) -> None:
    from mapper import differences

    assert outcome.conversion is not None
    mark = "\ufeff" if outcome.program.encoding == "utf-8-sig" else ""
    text = differences.unified(outcome.program.file, mark + outcome.program.text, mark + outcome.conversion.code)
    if text:
        encoding = "utf-8" if mark else outcome.program.encoding
        say(differences.coloured(text) if wishes.coloured else source.encode(text, encoding, outcome.program.file))


def _report(outcome: Outcome, tell: Tell) -> None:
    assert outcome.conversion is not None
    sites, findings = outcome.conversion.sites, outcome.conversion.findings
    for finding in findings:
        tell(str(finding))
    done = sum(1 for site in sites if site.converted is not None)
    rest = "" if outcome.conversion.complete else "; the rest is marked `# mapper:`"
    tell(f"{outcome.program.file}: {done} of {len(sites)} gradient sites converted{rest}")


# ------------------------------------------------------------------------------------------------------------------- checks

@dataclass(frozen=True)
class _Checked:
    """The findings of a file that its comments do not silence, the lines they speak of by the name they have in them, and why it was not read."""

    findings: tuple[Finding, ...] = ()
    lines: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""


def check_paths(paths: Sequence[Path], form: str, say: Tell, tell: Tell, select: Sequence[str] = (), ignore: Sequence[str] = (), notes: bool = False,
                baseline: Path | None = None, write_baseline: Path | None = None, exclude: Sequence[str] = (), jobs: int = 0) -> int:
    """Checks files and trees: the findings go to `say` in the asked form. Returns the exit code.

    Raises SourceError for a path that cannot be read; a file of a directory that cannot goes to `tell` and makes the exit code 2."""
    from mapper import check_settings, report

    settings = check_settings.merged(check_settings.settings_for(paths[0]), select, ignore, notes, baseline)
    findings: list[Finding] = []
    sources: dict[str, list[str]] = {}
    unread = False
    for path in paths:
        if path.suffix in discovery.LEFT_ALONE and not path.is_dir():
            tell(f"{path}: no program; left alone")
            continue
        files = [file for file in discovery.find(path, exclude).files if not path.is_dir() or not settings.excludes(file)]
        with _processes(jobs, len(files), len(files) >= _WORTH_A_POOL_OF_CHECKS) as executor:
            found = map(_check_file, files) if executor is None else executor.map(_check_file, files, chunksize=_WORTH_A_POOL)
            for checked in _watched(found, len(files), "checking") if path.is_dir() else found:
                if checked.problem and not path.is_dir():
                    raise SourceError(checked.problem)
                if checked.problem:
                    tell(f"mapper: {checked.problem}")
                    unread = True
                findings += filter(settings.wants, checked.findings)
                sources.update(checked.lines)
    if write_baseline is not None:
        source.write(write_baseline, check_settings.baseline_text(findings, sources, write_baseline.parent))
        tell(f"{write_baseline}: {len(findings)} findings are taken as known")
        return 2 if unread else 0
    if settings.baseline is not None:
        findings = check_settings.beyond_baseline(findings, sources, settings.baseline)
    say(report.FORMATS[form](findings if form in ("text", "json") else list(map(_of_a_file, findings)), sources))
    worst = 1 if any(finding.level in ("error", "warning") for finding in findings) else 0
    return 2 if unread else worst


def _of_a_file(finding: Finding) -> Finding:
    """The finding for readers that look the file up, and know no cells of notebooks."""
    file, cell, number = finding.file.partition(".ipynb:cell ")
    return replace(finding, file=f"{file}.ipynb", line=1, column=1, message=f"cell {number}, line {finding.line}: {finding.message}") if cell else finding


def _check_file(file: Path) -> _Checked:
    from mapper import check_settings, checking

    try:
        program = source.read(file)
        if file.suffix == ".ipynb":
            from mapper.notebooks import check_notebook

            findings, lines = check_notebook(program.text, str(file))
        elif source.imports(program.text):
            findings, lines = mapper.check(program.text, filename=str(file)), {str(file): checking.split_lines(program.text)}
        else:
            source.parse(program.text, str(file))
            return _Checked()
    except SourceError as error:
        return _Checked(problem=str(error))
    return _Checked(tuple(finding for name in lines for finding in check_settings.unsilenced((f for f in findings if f.file == name), lines[name])), lines)
