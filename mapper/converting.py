"""The conversion of one text: what is held is put aside, the direction is found, the staging does the work, imports are kept for what is held."""
from __future__ import annotations

import ast
import gc
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mapper.edit import Editor
from mapper.held import Stretch, hold, release, switched_off
from mapper.results import Conversion, Direction, Finding, SourceError
from mapper.source import direction_of, imports, parse

_MARKER = re.compile(r"(?<![^\r\n])([ \t]*)# mapper: (M\d{3}) ([^\r\n]*)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_STACK_BYTES, _DEPTH = 512 * 1024 * 1024, 60_000
_SOURCE: dict[Direction, str] = {"mindspore": "tensorflow", "tensorflow": "mindspore"}


def convert_text(source: str, to: Direction | None, target: str | None, filename: str) -> Conversion:
    """See mapper.convert. The byte order mark and line ends other than a line feed are put aside for the time of the conversion."""
    with _seldom_collecting():
        return _convert(source, to, target, filename)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Syntax trees hold no cycles: the garbage collector would look through all of them again and again and find nothing."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _convert(source: str, to: Direction | None, target: str | None, filename: str) -> Conversion:
    bom = "\ufeff" if source.startswith("\ufeff") else ""
    ends = set(_LINE_END.findall(source)) if "\r" in source else set()
    if not bom and (len(ends) != 1 or ends == {"\n"}):
        return _convert_plain(source, to, target, filename)
    end = ends.pop() if len(ends) == 1 else "\n"
    conversion = _convert_plain(source.removeprefix(bom).replace(end, "\n"), to, target, filename)
    return replace(conversion, code=bom + conversion.code.replace("\n", end))


def _convert_plain(source: str, to: Direction | None, target: str | None, filename: str) -> Conversion:
    parse(source, filename)
    stretches = switched_off(source)
    text = hold(source, stretches) if stretches else source
    if stretches:
        parse(text, filename)
    found = imports(text)
    if len(found) == 2 and _MARKER.search(text):
        return Conversion(source, tuple(_marked(text, filename)))
    direction = to or direction_of(text if found else source, filename)
    if _SOURCE[direction] not in found:
        return Conversion(source)
    conversion = _staged(text, direction, target, filename)
    return _released(conversion, source, stretches, filename, _SOURCE[direction]) if stretches else conversion


def _staged(text: str, direction: Direction, target: str | None, filename: str) -> Conversion:
    if direction == "mindspore":
        from mapper.staging.to_functions import convert_module
    else:
        from mapper.staging.to_graph import convert_module
    try:
        try:
            return convert_module(text, filename, target)
        except RecursionError:
            return _with_room(lambda: convert_module(text, filename, target))
    except (SourceError, KeyboardInterrupt):
        raise
    except RecursionError:
        raise SourceError(f"{filename}: an expression is nested too deeply to be converted; cut it into several statements") from None
    except Exception as error:
        if os.environ.get("MAPPER_DEBUG"):
            raise
        raise SourceError(f"{filename}: the converter failed: {type(error).__name__}: {error}; this is a defect of mapper, "
                          "MAPPER_DEBUG=1 shows where") from error


def _with_room(work: Callable[[], Conversion]) -> Conversion:
    """The same in a thread with a stack for deeply nested programs."""
    from concurrent.futures import ThreadPoolExecutor

    usual, size = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
    sys.setrecursionlimit(_DEPTH)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()
    finally:
        sys.setrecursionlimit(usual)
        threading.stack_size(size)


def _marked(text: str, filename: str) -> list[Finding]:
    """What an earlier conversion left to a person, by its markers: such a program is not converted again."""
    findings: list[Finding] = []
    lines = _LINE_END.split(text)
    for number, line in enumerate(lines):
        marker = _MARKER.match(line)
        if marker:
            below = next((n for n in range(number + 1, len(lines)) if not _MARKER.match(lines[n])), number)
            findings.append(Finding(marker[2], "error", filename, below + 1, len(marker[1]) + 1, "", marker[3]))
    return findings


def _released(conversion: Conversion, source: str, stretches: Sequence[Stretch], filename: str, framework: str) -> Conversion:
    """The conversion with the held stretches in it, and the imports of the old framework that they use."""
    code = release(conversion.code, source, stretches, filename)
    names = {node.id for stretch in stretches for node in _nodes(source, stretch) if isinstance(node, ast.Name)}
    bound = {name for node in ast.walk(parse(code, filename)) for name in _bound(node)}
    lines = []
    editor = Editor(source)
    for node in ast.walk(editor.tree):
        if framework in _modules(node) and names & _bound(node) - bound:
            assert isinstance(node, (ast.Import, ast.ImportFrom))
            lines.append(f"{ast.unparse(node)}  # mapper: skip")
    if not lines:
        return replace(conversion, code=code)
    output = Editor(code)
    output.add_imports(list(dict.fromkeys(lines)))
    new = output.result()
    before, after = _LINE_END.split(code), _LINE_END.split(new)
    added = len(after) - len(before)
    first = next((n for n, (a, b) in enumerate(zip(before, after), start=1) if a != b), 1)
    sites = [replace(s, converted=(s.converted[0] + added, s.converted[1])) if s.converted and s.converted[0] >= first else s for s in conversion.sites]
    return replace(conversion, code=new, sites=tuple(sites))


def _nodes(source: str, stretch: Stretch) -> list[ast.AST]:
    text = stretch.indent + source[stretch.start:stretch.end]
    try:
        return list(ast.walk(ast.parse(f"if 1:\n{text}" if stretch.indent else text)))
    except SyntaxError:
        return []


def _modules(node: ast.AST) -> set[str]:
    """The top-level packages that an import statement imports from."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) and node.level == 0 else set()


def _bound(node: ast.AST) -> set[str]:
    """The names that an import statement binds."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return set()
    return {alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name) for alias in node.names}
