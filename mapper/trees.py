"""Many programs at once: found, read, and converted here or by any executor of concurrent.futures."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import mapper
from mapper import discovery, source
from mapper.results import Conversion, Direction, SourceError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from mapper.cache import Cache

_BATCH = 8


@dataclass(frozen=True)
class Program:
    """A program of a tree: what it says, and how to convert it. `concerns` is False when it imports neither framework."""

    file: Path
    text: str = ""
    encoding: str = "utf-8"
    concerns: bool = True
    to: Direction | None = None
    target: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """A program with its conversion, or with the reason why there is none."""

    program: Program
    conversion: Conversion | None = None
    problem: str = ""

    @property
    def changed(self) -> bool:
        return self.conversion is not None and self.conversion.code != self.program.text


def convert_tree(paths: Path | str | Sequence[Path | str], executor: Executor | None = None, to: Direction | None = None, target: str | None = None,
                 exclude: Sequence[str] = ()) -> list[Outcome]:
    """Converts the programs of files and folders and writes nothing. `executor` may be any that has `submit` of concurrent.futures.

    Without `to`, a folder with TensorFlow programs goes to MindSpore, and any other to TensorFlow."""
    outcomes: list[Outcome] = []
    for path in [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]:
        programs = directed(read_all(discovery.find(path, exclude).files), to, target, path.is_dir())
        outcomes += convert_all(programs, executor)
    return outcomes


def read_all(files: Iterable[Path]) -> Iterator[Program]:
    """Reads programs; what cannot be read has a problem."""
    for file in files:
        try:
            yield read(file)
        except SourceError as error:
            yield Program(file, problem=str(error))


def read(file: Path) -> Program:
    """Reads a program and sees whether it concerns us. Raises SourceError."""
    data = source.read_bytes(file)
    if b"tensorflow" not in data and b"mindspore" not in data:
        return Program(file, concerns=False)
    decoded = source.decode(data, file)
    return Program(file, decoded.text, decoded.encoding, bool(_frameworks(file, decoded.text)))


def _frameworks(file: Path, text: str) -> set[str]:
    if file.suffix != ".ipynb":
        return source.imports(text)
    from mapper.notebooks import code_cells, is_python

    if not is_python(text, str(file)):
        return set()
    return source.imports("\n".join(cell.text for cell in code_cells(text, str(file))))


def directed(programs: Iterable[Program], to: Direction | None, target: str | None, whole_tree: bool) -> list[Program]:
    """Programs with the direction of their tree: without `to`, one for all, so that nothing goes back that has been converted."""
    found = list(programs)
    if to is None and whole_tree:
        named = [_frameworks(program.file, program.text) for program in found if program.concerns and not program.problem]
        if {"tensorflow"} in named:
            to = "mindspore"
        elif {"mindspore"} in named:
            to = "tensorflow"
    return [replace(program, to=to, target=target) for program in found]


def convert_all(programs: Sequence[Program], executor: Executor | None = None, cache: Cache | None = None) -> Iterator[Outcome]:
    """Converts programs, in their order. With an executor, up to eight that follow each other are one piece of work."""
    known = [_known(program, cache) for program in programs]
    pending = [program for program, outcome in zip(programs, known) if outcome is None]
    fresh = _submitted(pending, executor) if executor is not None else map(_convert, pending)
    for outcome in known:
        if outcome is None:
            outcome = next(fresh)
            if cache is not None and outcome.conversion is not None:
                cache.put(_key(cache, outcome.program), outcome.conversion)
        yield outcome


def _known(program: Program, cache: Cache | None) -> Outcome | None:
    if program.problem or not program.concerns:
        return Outcome(program, problem=program.problem)
    conversion = cache.get(_key(cache, program)) if cache is not None else None
    return Outcome(program, conversion) if conversion is not None else None


def _key(cache: Cache, program: Program) -> str:
    return cache.key(program.text, str(program.file), program.to, program.target)


def _submitted(programs: Sequence[Program], executor: Executor) -> Iterator[Outcome]:
    batches: list[Future[list[Outcome]]] = [executor.submit(_convert_batch, programs[i:i + _BATCH]) for i in range(0, len(programs), _BATCH)]
    for batch in batches:
        yield from batch.result()


def _convert_batch(programs: Sequence[Program]) -> list[Outcome]:
    return [_convert(program) for program in programs]


def _convert(program: Program) -> Outcome:
    try:
        return Outcome(program, convert(program))
    except SourceError as error:
        return Outcome(program, problem=str(error))


def convert(program: Program) -> Conversion:
    """Converts one program or notebook. Raises SourceError."""
    name = str(program.file)
    if program.file.suffix != ".ipynb":
        return mapper.convert(program.text, program.to, program.target, name)
    from mapper.notebooks import convert_notebook, is_python

    if not is_python(program.text, name):
        return Conversion(program.text)
    return convert_notebook(program.text, program.to, program.target, name)
