"""The library of definitions as text: which ones a set of names needs, under which names."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

_NAME = re.compile(r"^(?:(?:def|class) (\w+)|(\w+)(?:: [^=\n]+)? = )", re.M)


@functools.cache
def _source() -> str:
    return Path(__file__).with_name("to_graph_library.py").read_text(encoding="utf-8")


@functools.cache
def _texts() -> dict[str, str]:
    """Name -> its text, in the order of the file."""
    source = _source()
    starts = [(found.start(), found[1] or found[2]) for found in _NAME.finditer(source)]
    ends = [*(start for start, _ in starts[1:]), len(source)]
    return {name: re.sub(r"(?:\n(?:#.*)?)+\Z", "", source[start:end]) for (start, name), end in zip(starts, ends)}


@functools.cache
def _uses(name: str) -> frozenset[str]:
    """The other library names in a definition."""
    found = {node.id for node in ast.walk(ast.parse(_texts()[name])) if isinstance(node, ast.Name)}
    return frozenset(found & _texts().keys() - {name})


def library_names() -> list[str]:
    return list(_texts())


def library_text(names: set[str], renamed: dict[str, str]) -> str:
    """The definitions of `names` and of what they use, in the library's order, two blank lines between functions."""
    definitions = _texts()
    needed: set[str] = set()
    pending = [n for n in names if n in definitions]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += _uses(name)
    parts: list[str] = []
    for name, text in definitions.items():
        if name in needed:
            for other in {name, *_uses(name)} & set(renamed):
                text = re.sub(rf"(?<![\w.]){re.escape(other)}\b(?!=)", renamed[other], text)
            parts.append(text)
    out = ""
    for part in parts:
        definition = part.startswith(("def ", "class "))
        out += ("\n\n\n" if definition and out else "\n" if out and not definition else "") + part
    return out
