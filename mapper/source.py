"""Programs as files: decoding, line ends, what they import, and writing that never leaves half a file."""
from __future__ import annotations

import ast
import codecs
import io
import itertools
import os
import re
import stat
import threading
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mapper.results import Direction, SourceError

# Before 3.11.8 and 3.12.2 CPython counts the depth of a tree that `ast` builds for all threads together: two at a time are a SystemError
# (python/cpython#106905). Conversion computes in Python alone, so that threads gain nothing from working on two texts at once.
ONE_TEXT = threading.RLock()
MAX_BYTES = 16 * 1024 * 1024
MAX_NOTEBOOK_BYTES = 256 * 1024 * 1024          # notebooks hold pictures
_PY2 = [
    (re.compile(r"^\s*print\s+[^\s(=]"), "a print statement: write print(…)"),
    (re.compile(r"^\s*exec\s+[^\s(=]"), "an exec statement: write exec(…)"),
    (re.compile(r"^\s*except\s+[\w.()\s,]+,\s*\w+\s*:"), "`except E, name:`: write `except E as name:`"),
    (re.compile(r"^\s*raise\s+[\w.]+\s*,"), "`raise E, value`: write `raise E(value)`"),
    (re.compile(r"(?<![\w'\"])0[0-7]+\b(?![.'\"])"), "an octal number such as 0777: write 0o777"),
    (re.compile(r"(?<![\w'\"])\d+[lL]\b"), "a long number such as 10L: write 10"),
    (re.compile(r"<>"), "the operator <>: write !="),
    (re.compile(r"`[^`]+`"), "backquotes: write repr(…)"),
]


@dataclass(frozen=True)
class SourceFile:
    """A program as text with "\\n" line ends, and what is needed to write it back as it was."""

    path: Path
    text: str
    encoding: str
    bom: bool


def read(path: Path) -> SourceFile:
    """Reads and decodes a Python file; line ends are kept as they are.

    Raises SourceError for anything that is not a readable Python text."""
    return decode(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises SourceError when it cannot be read, or is larger than a program may be."""
    try:
        if path.is_symlink() and not path.exists():
            raise SourceError(f"{path}: a symbolic link that leads nowhere ({os.readlink(path)}); remove it or name the file it should be")
        if path.is_dir():
            raise SourceError(f"{path}: a directory where a file is needed")
        size = path.stat().st_size
        most = MAX_NOTEBOOK_BYTES if path.suffix == ".ipynb" else MAX_BYTES
        if size > most:
            raise SourceError(f"{path}: {size} bytes, more than the {most} that a program may have; exclude it if it is generated")
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None


def decode(data: bytes, path: Path) -> SourceFile:
    """Text of a Python file by its BOM or coding line, else UTF-8. Raises SourceError with the line of a bad byte."""
    bom = data.startswith(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(f"{path}:1: UTF-16 text; save the file as UTF-8")
    if b"\0" in data[:65536]:
        raise SourceError(f"{path}: a binary file, not a Python program")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        named = re.search(rb"coding[:=]\s*([-\w.]+)", data[:400])
        if named is None:
            raise SourceError(_bad_byte(data, path)) from None
        raise SourceError(f"{path}:1: {error.msg}; correct the coding line ({named[1].decode(errors='replace')})") from None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise SourceError(_bad_byte(data, path, encoding)) from None
    return SourceFile(path, text, encoding, bom)


def _bad_byte(data: bytes, path: Path, encoding: str = "utf-8") -> str:
    try:
        data.decode(encoding)
        position = 0
    except UnicodeDecodeError as error:
        position = error.start
    line = data.count(b"\n", 0, position) + 1
    return (f"{path}:{line}: byte 0x{data[position]:02x} is not {encoding.upper()}; save the file as UTF-8, or add a coding line such as "
            "`# -*- coding: latin-1 -*-` as its first line")


def parse(text: str, filename: str) -> ast.Module:
    """The syntax tree of a program. Raises SourceError with file:line and advice for Python 2 or broken code."""
    try:
        return ast.parse(text.removeprefix("\ufeff"), filename)
    except SyntaxError as error:
        line = error.lineno or 1
        old = python2_reason(text, line)
        if old is not None:
            raise SourceError(f"{filename}:{old[0]}: Python 2 code: {old[1]}. Modernise the file first (for example with 2to3 or python-modernize), "
                              "then convert it") from None
        raise SourceError(f"{filename}:{line}:{error.offset or 1}: syntax error: {error.msg}; correct it before converting") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"{filename}: cannot be parsed: {type(error).__name__}: {error}") from None


def python2_reason(text: str, line: int) -> tuple[int, str] | None:
    """(line, what is Python 2 there) when the syntax error at or before `line` is code that Python 2 would take."""
    lines = text.splitlines()
    for number in (line, line - 1):
        if 1 <= number <= len(lines):
            for pattern, reason in _PY2:
                if pattern.search(lines[number - 1]):
                    return number, reason
    return None


_IMPORT = re.compile(r"(?:\A\ufeff?|(?<=[\r\n;:]))[ \t\f]*(?:from|import)[ \t]+(?:[\w.]+[ \t]*(?:as[ \t]+\w+[ \t]*)?,[ \t]*)*(tensorflow|mindspore)\b")


def imports(text: str) -> set[str]:
    """Which of the two frameworks a program imports: a text search first, and its tree where that finds something, since text
    may stand in a comment or a docstring. Of a program that does not parse, what the search finds."""
    found = {match[1] for match in _IMPORT.finditer(text)} if "tensorflow" in text or "mindspore" in text else set()
    if not found:
        return found
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    return {name for node in _statements(tree) for name in _imported(node) if name in found}


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The statements of a program and those inside of them; no expressions, which are most of a tree."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, ())
            if isinstance(inner, list):
                waiting += inner


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [(node.module or "").split(".")[0]] if isinstance(node, ast.ImportFrom) and node.level == 0 else []


def direction_of(text: str, filename: str) -> Direction:
    """The framework to convert to, by what is imported. SourceError when that is neither or both."""
    found = imports(text)
    if found == {"tensorflow"}:
        return "mindspore"
    if found == {"mindspore"}:
        return "tensorflow"
    if found:
        raise SourceError(f"{filename}: imports both tensorflow and mindspore; say which way with --to mindspore or --to tensorflow")
    raise SourceError(f"{filename}: imports neither tensorflow nor mindspore; nothing to convert")


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Writes a whole file or nothing: a temporary file beside it takes its place when complete. Keeps mode bits and owner.

    Raises SourceError when the target cannot be written."""
    write_bytes(path, encode(text, encoding, path))


def encode(text: str, encoding: str, path: Path) -> bytes:
    """A program's text in its encoding. Raises SourceError for a character that the encoding does not have."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise SourceError(f"{path}: {text[error.start]!r} cannot be written in {encoding}; save the file as UTF-8 first. Nothing was changed") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a whole file or nothing, as `write` does. A link stays a link: what it leads to is written."""
    target = path.resolve() if path.is_symlink() else path
    try:
        if target.is_dir():
            raise SourceError(f"{path}: a directory where a file is to be written")
        if target.exists() and not os.access(target, os.W_OK):
            raise SourceError(f"{path}: is read-only; nothing was written")
        old = target.stat() if target.exists() else None
        import tempfile

        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:200]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if old is not None:
                _keep_owner(name, old, path)
            os.chmod(name, stat.S_IMODE(old.st_mode) if old is not None else 0o666 & ~_umask())
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error.strerror}; nothing was changed") from None


def _keep_owner(name: str, old: os.stat_result, path: Path) -> None:
    new = os.stat(name)
    if os.name == "posix" and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.chown(name, old.st_uid, old.st_gid)
        except PermissionError:
            raise SourceError(f"{path}: belongs to another user or group, which cannot be kept; nothing was changed. Convert it with -o") from None


def back_up(path: Path) -> Path:
    """Copies a file to NAME.orig beside it, or to .orig2 and so on where another text is already kept. Returns the copy's path."""
    data = read_bytes(path)
    for number in itertools.count(1):
        copy = path.with_name(f"{path.name}.orig{number if number > 1 else ''}")
        if not copy.exists():
            write_bytes(copy, data)
            copy.chmod(stat.S_IMODE(path.stat().st_mode))
            return copy
        if copy.read_bytes() == data:
            return copy
    raise AssertionError("numbers do not end")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
