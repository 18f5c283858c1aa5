"""Jupyter notebooks: the code cells are one program; what is not code, and every cell that stays the same, keeps its bytes.

nbformat would write the whole file anew. Only the `source` of changed cells is to change, so the places of these values are found
in the text with the decoder of the standard library, and their new texts are written in the manner of the old ones."""
from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mapper.results import Conversion, Direction, Finding, SourceError

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_MAGIC = re.compile(r"^[ \t]*(?:[%!?]|[\w.]+[ \t]*=[ \t]*[%!](?![=]))|^[ \t]*[%\w.]+\?{1,2}[ \t]*$")
_PYTHON_CELL = re.compile(r"^%%(?:time|timeit|capture|prun|memit|mprun|debug)\b")
_CODE_IN_MAGIC = re.compile(r"^[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?%(?:time|timeit|prun|memit|mprun)\b")
_CELL = "'''mapper: cell {}'''"
_CELLS = re.compile(r"^'''mapper: cell (\d+)'''\n?", re.M)
_HELD = re.compile(r"^([ \t]*)'''mapper: magic (\d+)\n*'''", re.M)


@dataclass(frozen=True)
class Cell:
    """A code cell: its number in the notebook from 1, its text, and where its `source` value stands in the file."""

    number: int
    text: str
    start: int
    end: int


def convert_notebook(text: str, to: Direction | None, target: str | None, filename: str) -> Conversion:
    """Converts the code cells of a notebook. Findings name the cell and the line in it. Raises SourceError."""
    import mapper

    cells = list(code_cells(text, filename))
    magics: list[str] = []
    pieces = [_program(cell, magics, filename) for cell in cells]
    program = "\n".join(f"{_CELL.format(i)}\n{piece}" for i, piece in enumerate(pieces)) + "\n"
    conversion = mapper.convert(program, to, target, filename)
    first_lines = _first_lines(pieces)
    findings = [_placed(finding, cells, first_lines, filename) for finding in conversion.findings]
    findings += _code_in_magics(cells, filename) if conversion.code != program else []
    after = _split(conversion.code, len(cells), filename)
    code, position = [], 0
    for cell, piece, new in zip(cells, pieces, after):
        if new == piece:
            continue
        whole = _HELD.sub(lambda match: match[1] + magics[int(match[2])].lstrip(" \t"), new.strip("\n"))
        code += [text[position:cell.start], _written(whole, text[cell.start:cell.end])]
        position = cell.end
    return replace(conversion, code="".join([*code, text[position:]]), findings=tuple(findings))


def check_notebook(text: str, filename: str) -> tuple[list[Finding], dict[str, list[str]]]:
    """What `check` finds in the code cells of a notebook, and the lines of each cell by the name it has in findings. Raises SourceError."""
    import mapper
    from mapper.source import imports

    if not is_python(text, filename):
        return [], {}
    cells = list(code_cells(text, filename))
    magics: list[str] = []
    pieces = [_program(cell, magics, filename) for cell in cells]
    program = "\n" + "\n\n".join(pieces) + "\n"                # the lines where _first_lines has them
    if not imports(program):
        return [], {}
    first_lines = _first_lines(pieces)
    findings = [_placed(finding, cells, first_lines, filename) for finding in mapper.check(program, filename=filename)]
    return findings, {f"{filename}:cell {cell.number}": cell.text.split("\n") for cell in cells}


def is_python(text: str, filename: str) -> bool:
    """Whether a notebook is written in Python, as far as it says."""
    metadata = _parsed(text, filename).get("metadata", {})
    named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language") or "python"
    return str(named).lower().startswith(("python", "ipython"))


def _parsed(text: str, filename: str) -> dict[str, Any]:
    try:
        book = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{filename}: not a notebook: {error}") from None
    if not isinstance(book, dict) or not isinstance(book.get("cells"), list):
        raise SourceError(f"{filename}: not a notebook of format 4; open and save it with a current Jupyter, which brings it up to date")
    return book


# ---- the file -----------------------------------------------------------------------------------------------------------

def code_cells(text: str, filename: str) -> Iterator[Cell]:
    """The code cells of a notebook, in order. Raises SourceError when it is none, or is not of format 4."""
    _parsed(text, filename)
    for key, at in _members(text, _BLANK.match(text).end()):        # type: ignore[union-attr]
        if key != "cells":
            continue
        for number, start in enumerate(_items(text, at), start=1):
            places = dict(_members(text, start))
            kind = _DECODER.raw_decode(text, places["cell_type"])[0] if "cell_type" in places else None
            if kind == "code" and "source" in places:
                source, end = _DECODER.raw_decode(text, places["source"])
                yield Cell(number, source if isinstance(source, str) else "".join(source), places["source"], end)


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """(key, offset of its value) of the JSON object that begins at an offset."""
    for start in _items(text, at):
        key, end = _DECODER.raw_decode(text, start)
        yield key, _skip(text, _skip(text, end) + 1)


def _items(text: str, at: int) -> Iterator[int]:
    """Offsets of the items of the JSON array, or of the keys of the object, that begins at an offset."""
    keyed, at = text[at] == "{", _skip(text, at + 1)
    while text[at] not in "]}":
        yield at
        end = _DECODER.raw_decode(text, at)[1]
        if keyed:
            end = _DECODER.raw_decode(text, _skip(text, _skip(text, end) + 1))[1]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None
    return found.end()


def _written(new: str, old: str) -> str:
    """A cell's text as JSON in the manner of the old value: one text or a list of lines, its indentation, its escapes."""
    ascii_only = "\\u" in old and old.isascii()
    if not old.startswith("["):
        return json.dumps(new, ensure_ascii=ascii_only)
    lines = [json.dumps(line, ensure_ascii=ascii_only) for line in new.splitlines(keepends=True)]
    lead = re.match(r"\[([ \t\r\n]*)", old)
    tail = re.search(r"([ \t\r\n]*)\]\Z", old)
    between = re.search(r'"(,[ \t\r\n]*)"', old)
    assert lead is not None and tail is not None
    return f"[{lead[1]}{(between[1] if between else ',' + (lead[1] or ' ')).join(lines)}{tail[1]}]"


# ---- the program --------------------------------------------------------------------------------------------------------

def _program(cell: Cell, magics: list[str], filename: str) -> str:
    """A cell as Python: magics become constants of as many lines, and a cell in another language becomes one."""
    try:
        ast.parse(cell.text)
        return cell.text
    except SyntaxError:
        pass
    first = cell.text.lstrip("\n")
    if first.startswith("%%") and not _PYTHON_CELL.match(first):
        return _magic(cell.text, magics)
    lines: list[str] = []
    pending: list[str] = []
    for line in cell.text.split("\n"):
        if pending or _MAGIC.match(line):
            pending.append(line)
            if not line.endswith("\\"):
                lines.append(_magic("\n".join(pending), magics))
                pending = []
        else:
            lines.append(line)
    program = "\n".join([*lines, *pending])
    try:
        ast.parse(program)
    except SyntaxError as error:
        raise SourceError(f"{filename}:cell {cell.number}:{error.lineno or 1}: syntax error: {error.msg}; correct it before converting") from None
    return program


def _magic(text: str, magics: list[str]) -> str:
    magics.append(text)
    indent = text[:len(text) - len(text.lstrip(" \t"))]
    newlines = "\n" * text.count("\n")
    return f"{indent}'''mapper: magic {len(magics) - 1}{newlines}'''"


def _first_lines(pieces: list[str]) -> list[int]:
    """The line of the program that each cell's first line is."""
    found, line = [], 1
    for piece in pieces:
        found.append(line + 1)
        line += piece.count("\n") + 2
    return found


def _placed(finding: Finding, cells: list[Cell], first_lines: list[int], filename: str) -> Finding:
    index = max((i for i, line in enumerate(first_lines) if line <= finding.line), default=0)
    return replace(finding, file=f"{filename}:cell {cells[index].number}", line=finding.line - first_lines[index] + 1)


def _code_in_magics(cells: list[Cell], filename: str) -> list[Finding]:
    """Magics with a statement in them: that statement is not converted."""
    return [Finding("M201", "error", f"{filename}:cell {cell.number}", number, 1, "", "the statement in this magic is not converted: write it by hand, or put "
                    "it on lines of its own below %%time")
            for cell in cells for number, line in enumerate(cell.text.split("\n"), start=1) if _CODE_IN_MAGIC.match(line) and len(line.split()) > 1]


def _split(code: str, count: int, filename: str) -> list[str]:
    """The converted program by cells. Raises SourceError when the conversion did not keep them apart."""
    marks = list(_CELLS.finditer(code))
    if [int(mark[1]) for mark in marks] != list(range(count)):
        raise SourceError(f"{filename}: the converted program cannot be cut into the same cells; export it as a program (jupyter nbconvert --to python)")
    ends = [*(mark.start() for mark in marks[1:]), len(code)]
    texts = [code[mark.end():end] for mark, end in zip(marks, ends)]
    texts = [text[:-1] if text.endswith("\n") else text for text in texts]
    return [code[:marks[0].start()] + texts[0], *texts[1:]] if marks else []
