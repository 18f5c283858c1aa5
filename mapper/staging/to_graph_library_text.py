"""The library of definitions as text: which ones a set of names needs, under which names."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path


@functools.cache
def _definitions() -> dict[str, tuple[str, frozenset[str]]]:
    """Name -> (its text, the other library names in it), in the order of the file."""
    path = Path(__file__).with_name("to_graph_library.py")
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, tuple[str, ast.stmt]] = {}
    for node in ast.parse(source).body:
        text = "\n".join(lines[node.lineno - 1:node.end_lineno])
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = text, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = text, node
    return {name: (text, frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in found
                                   and n.id != name)) for name, (text, node) in found.items()}


def library_names() -> list[str]:
    return list(_definitions())


def library_text(names: set[str], renamed: dict[str, str]) -> str:
    """The definitions of `names` and of what they use, in the library's order, two blank lines between functions."""
    definitions = _definitions()
    needed: set[str] = set()
    pending = [n for n in names if n in definitions]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += definitions[name][1]
    parts: list[str] = []
    for name, (text, uses) in definitions.items():
        if name in needed:
            for other in {name, *uses} & set(renamed):
                text = re.sub(rf"(?<![\w.]){re.escape(other)}\b(?!=)", renamed[other], text)
            parts.append(text)
    out = ""
    for part in parts:
        definition = part.startswith(("def ", "class "))
        out += ("\n\n\n" if definition and out else "\n" if out and not definition else "") + part
    return out
