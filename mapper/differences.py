"""Changes as a patch that `patch -p1` applies, and as a person likes to see them."""
from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

_COLOURS = {"---": "1", "+++": "1", "@": "36", "-": "31", "+": "32"}
_ENDS = re.compile(r"[^\n]*\n|[^\n]+")


def unified(file: Path, before: str, after: str) -> str:
    """A unified diff of one file; its name is relative to the current folder where it lies below it."""
    name = shown_name(file)
    end = "\t" if " " in name else ""                   # as git does: patch reads a name to the first blank unless a tab ends it
    lines = difflib.unified_diff(_ENDS.findall(before), _ENDS.findall(after), f"a/{name}{end}", f"b/{name}{end}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def shown_name(file: Path) -> str:
    """A path as patches have it: relative, with slashes."""
    try:
        return Path(os.path.relpath(file)).as_posix() if Path(os.path.abspath(file)).is_relative_to(Path.cwd()) else file.absolute().as_posix().lstrip("/")
    except ValueError:
        return file.as_posix()


def coloured(text: str) -> str:
    """A diff with colours for a terminal."""
    return "".join(_line(line) for line in _ENDS.findall(text))


def _line(line: str) -> str:
    colour = next((code for start, code in _COLOURS.items() if line.startswith(start)), None)
    return f"\x1b[{colour}m{line[:-1]}\x1b[0m\n" if colour else line
