"""Stretches of a program that the converter must not touch: `# mapper: off` to `# mapper: on`, and `# mapper: skip`.

A stretch is held: before the conversion a text constant of as many lines stands in its place, afterwards the stretch stands there
again, byte for byte. So it keeps its place, and line numbers stay true. The comments that switch belong to the stretch: nothing that
the converter writes comes between them and what they hold."""
from __future__ import annotations

import ast
import bisect
import io
import itertools
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mapper.edit import Editor, reindent
from mapper.results import SourceError

_SWITCH = re.compile(r"#\s*mapper:\s*(off|on|skip)\b")
_PLACEHOLDER = re.compile(r"(?<![^\r\n])([ \t\f]*)'''mapper: held (\d+)[\r\n]*'''")
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Stretch:
    """A held piece of text by its offsets, without the indentation of its first line; `indent` is that of its statements. A `whole` one
    begins with a comment, whose line it has from the first character on: comments may be indented as they like."""

    start: int
    end: int
    indent: str
    whole: bool = False


def hold(text: str, stretches: Sequence[Stretch]) -> str:
    """The text with a constant of as many lines in the place of each stretch."""
    pieces, position = [], 0
    for number, stretch in enumerate(stretches):
        newlines = _NEWLINE.findall(text, stretch.start, stretch.end)
        indent = stretch.indent if stretch.whole else ""
        pieces += [text[position:stretch.start], f"{indent}'''mapper: held {number}{''.join(newlines)}'''"]
        position = stretch.end
    return "".join([*pieces, text[position:]])


def release(code: str, text: str, stretches: Sequence[Stretch], filename: str) -> str:
    """Converted code with the held stretches of `text` in it again. Raises SourceError when they cannot keep their places."""
    if [int(number) for _, number in _PLACEHOLDER.findall(code)] != list(range(len(stretches))):
        line = len(_NEWLINE.findall(text, 0, stretches[0].start)) + 1
        raise SourceError(f"{filename}:{line}: what `# mapper: off` or `skip` holds cannot stay where it is when the code around it is converted; "
                          "hold the whole definition or the whole file")

    def put(match: re.Match[str]) -> str:
        stretch = stretches[int(match[2])]
        held = text[stretch.start:stretch.end]
        if stretch.whole and match[1] == stretch.indent:
            return held
        return match[1] + reindent(held.lstrip(" \t\f") if stretch.whole else held, stretch.indent, match[1])

    return _PLACEHOLDER.sub(put, code)


def switched_off(text: str) -> list[Stretch]:
    """The stretches that the comments of a program hold. `text` parses."""
    if not _SWITCH.search(text):
        return []
    comments = list(_switches(text))
    if not comments:
        return []
    editor = Editor(text)
    lines = _NEWLINE.split(text)
    ranges = list(_ranges(comments, len(lines)))
    skipped = {_code_line(lines, line) if alone else line for line, word, alone in comments if word == "skip"}
    shift = len(editor.bom)
    alone = {line: word for line, word, by_itself in comments if by_itself}
    starts = [0, *(found.end() for found in _NEWLINE.finditer(editor.source))]
    return [_with_comments(Stretch(start, end, indent), editor.source, lines, starts, alone, shift)
            for start, end, indent in _runs(editor, editor.tree.body, ranges, skipped)]


def _with_comments(stretch: Stretch, text: str, lines: Sequence[str], starts: Sequence[int], switches: Mapping[int, str], shift: int) -> Stretch:
    """The stretch from the `off` or `skip` above it to the `on` below it, where they have lines to themselves; `starts` are those of the lines."""
    def is_code(line: int) -> bool:
        return bool(lines[line - 1].strip()) and not lines[line - 1].lstrip().startswith("#")

    first, last = bisect.bisect(starts, stretch.start), bisect.bisect(starts, stretch.end)
    above = itertools.takewhile(lambda line: not is_code(line) and switches.get(line) != "on", range(first - 1, 0, -1))
    below = itertools.takewhile(lambda line: not is_code(line) and switches.get(line) in (None, "on"), range(last + 1, len(lines) + 1))
    top = min((line for line in above if line in switches), default=None)
    bottom = next((line for line in below if line in switches), None)
    end = stretch.end if bottom is None else starts[bottom - 1] + len(lines[bottom - 1].rstrip())
    if top is None or text[starts[first - 1]:stretch.start].strip():
        return Stretch(stretch.start + shift, end + shift, stretch.indent)
    return Stretch(starts[top - 1] + shift, end + shift, stretch.indent, whole=True)


def _switches(text: str) -> Iterator[tuple[int, str, bool]]:
    """(line, word, whether it has the line to itself) of each comment that is a switch."""
    lines = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))          # a lone \r ends a line for the syntax tree, but not for tokenize
    try:
        for token in tokenize.generate_tokens(io.StringIO(lines).readline):
            found = _SWITCH.match(token.string) if token.type == tokenize.COMMENT else None
            if found:
                yield token.start[0], found[1], not token.line[:token.start[1]].strip()
    except (tokenize.TokenError, SyntaxError):
        return


def _code_line(lines: Sequence[str], line: int) -> int:
    """The first line below a comment that holds code."""
    return next((number for number in range(line + 1, len(lines) + 1) if lines[number - 1].strip() and not lines[number - 1].lstrip().startswith("#")), line)


def _ranges(comments: Sequence[tuple[int, str, bool]], last: int) -> Iterator[tuple[int, int]]:
    """(first line, last line) between each `off` and its `on`; to the end of the program when there is none."""
    since: int | None = None
    for line, word, _ in comments:
        if word == "off" and since is None:
            since = line
        elif word == "on" and since is not None:
            yield since, line
            since = None
    if since is not None:
        yield since, last


def _runs(editor: Editor, block: Sequence[ast.stmt], ranges: Sequence[tuple[int, int]], skipped: set[int]) -> Iterator[tuple[int, int, str]]:
    """(start, end, indentation) of the runs of held statements of a block and of the blocks in it, in the order of the text."""
    for held, group in itertools.groupby(block, lambda statement: _is_held(statement, ranges, skipped)):
        statements = list(group)
        if held:
            (start, _), (_, end) = editor.span(statements[0]), editor.span(statements[-1])
            yield start, end, editor.indent(statements[0])
        else:
            for inner in (inner for statement in statements for inner in _blocks(statement)):
                yield from _runs(editor, inner, ranges, skipped)


def _is_held(statement: ast.stmt, ranges: Sequence[tuple[int, int]], skipped: set[int]) -> bool:
    first = min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", ()))])
    last = statement.end_lineno or first
    body = getattr(statement, "body", None)
    header = max(statement.lineno, body[0].lineno - 1) if body else last
    return any(a <= first and last <= b for a, b in ranges) or any(first <= line <= header for line in skipped)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for item in getattr(statement, name, ()):
            if isinstance(item, ast.stmt):
                yield getattr(statement, name)
                break
            yield item.body
