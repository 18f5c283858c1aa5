"""What an output carries at its top: the definitions of the deferred library that a program needs, and no others.

A class is taken method by method: a method that nobody calls stays out."""
from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mapper.edit import walk

FILES = ("deferred_library.py", "deferred_operations.py")
_OPERATORS = {
    ast.Add: ("__add__", "__radd__"), ast.Sub: ("__sub__", "__rsub__"), ast.Mult: ("__mul__", "__rmul__"),
    ast.Div: ("__truediv__", "__rtruediv__"), ast.FloorDiv: ("__floordiv__", "__rfloordiv__"), ast.Mod: ("__mod__", "__rmod__"),
    ast.Pow: ("__pow__", "__rpow__"), ast.MatMult: ("__matmul__", "__rmatmul__"), ast.USub: ("__neg__",), ast.Invert: ("__invert__",),
    ast.BitAnd: ("__and__",), ast.BitOr: ("__or__",), ast.Lt: ("__lt__", "__gt__"), ast.LtE: ("__le__", "__ge__"),
    ast.Gt: ("__gt__", "__lt__"), ast.GtE: ("__ge__", "__le__"),
}
_CALLED = {"abs": ("__abs__",), "sum": ("__add__", "__radd__"), "reduce": ("__add__", "__mul__")}
_ALWAYS = frozenset({"__init__", "__new__", "__call__", "__enter__", "__exit__", "__getattr__"})


@dataclass(frozen=True)
class Definition:
    """One definition of the library; for a class, `methods` are those that may be left out, by name."""

    name: str
    text: str
    uses: frozenset[str]
    methods: dict[str, tuple[str, frozenset[str], frozenset[str]]]
    head: str
    order: int
    own: frozenset[str] = frozenset()


def uses(tree: ast.AST) -> frozenset[str]:
    """The names, attributes and operators that a piece of code may reach a definition by."""
    found: set[str] = set()
    own = bound(tree)
    for node in walk(tree):
        if isinstance(node, ast.Name):
            if node.id not in own:
                found.add(node.id)
            found.update(_CALLED.get(node.id, ()))
        elif isinstance(node, ast.Attribute):
            found.add("." + node.attr)
            if node.attr == "add":
                found.update(("__add__", "__radd__"))
        elif isinstance(node, (ast.BinOp, ast.AugAssign, ast.UnaryOp)):
            found.update(_OPERATORS.get(type(node.op), ()))
        elif isinstance(node, ast.Compare):
            for operator in node.ops:
                found.update(_OPERATORS.get(type(operator), ()))
        elif isinstance(node, ast.Subscript):
            found.update(("__getitem__", "__iter__"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            found.add("'" + node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add("=" + node.arg)
    return frozenset(found)


def bound(tree: ast.AST) -> frozenset[str]:
    """The names that a function of the library has for its own: they reach no definition and keep their spelling."""
    if not isinstance(tree, ast.FunctionDef):
        return frozenset()
    names: set[str] = set()
    outer: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node is not tree:
            names.add(node.name)
        elif isinstance(node, ast.Global):
            outer.update(node.names)
    return frozenset(names - outer)


_STRING = re.compile(r'("""[\s\S]*?"""|f?"[^"\n]*")')
_FIELD = re.compile(r"\{[^{}]*\}")
_WITH = re.compile(r"^.*\S  #: (\w+)$\n", re.MULTILINE)
_DOCSTRING = re.compile(r'\A"""[\s\S]*?"""')
_TOP = re.compile(r"^(?=[A-Za-z_@])", re.MULTILINE)      # where a statement of a module begins
_LABEL = re.compile(r"(?:def|class) (\w+)|(\w+)(?:: [^=\n]+)? = ")


class Library(Mapping[str, Definition]):
    """The library's definitions by name, in the order of its files: each is read when it is asked for.

    A line that ends in `#: name` is there only if that definition is `present`."""

    def __init__(self, present: frozenset[str]) -> None:
        self.present = present

    def __getitem__(self, name: str) -> Definition:
        order, text, marks = _texts()[name]
        return _read(name, order, text, marks & self.present)

    def __contains__(self, name: object) -> bool:
        return name in _texts()

    def __iter__(self) -> Iterator[str]:
        return iter(_texts())

    def __len__(self) -> int:
        return len(_texts())


@functools.cache
def definitions(present: frozenset[str] = frozenset()) -> Library:
    """The library where these definitions are present."""
    return Library(present)


@functools.cache
def _texts() -> dict[str, tuple[int, str, frozenset[str]]]:
    """The place of each definition, its text, and the marks of lines in it."""
    found: dict[str, tuple[int, str, frozenset[str]]] = {}
    for file in FILES:
        source = Path(__file__).with_name(file).read_text(encoding="utf-8")
        for text in _TOP.split(_DOCSTRING.sub("", source)):
            if label := _LABEL.match(text):
                kept = text.rstrip().split("\n")
                while kept[-1].startswith(("#", "@")) or not kept[-1]:
                    kept.pop()
                whole = "\n".join(kept) + "\n"
                found[label[1] or label[2]] = len(found), whole, frozenset(m[1] for m in _WITH.finditer(whole))
    return found


@functools.cache
def _read(name: str, order: int, text: str, present: frozenset[str]) -> Definition:
    text = _WITH.sub(lambda line: line.group().replace(f"  #: {line[1]}", "") if line[1] in present else "", text)
    return _definition(name, ast.parse(text).body[0], text.splitlines(), order)


@functools.cache
def conditions() -> frozenset[str]:
    """The definitions that lines of others depend on."""
    return frozenset().union(*(marks for _, _, marks in _texts().values()))


def _definition(name: str, node: ast.stmt, lines: list[str], order: int) -> Definition:
    text = "\n".join(lines[node.lineno - 1:node.end_lineno])
    if not isinstance(node, ast.ClassDef):
        return Definition(name, text, uses(node), {}, text, order, bound(node))
    methods: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {}
    kept: list[ast.stmt] = []
    first = next((i for i, part in enumerate(node.body) if isinstance(part, ast.FunctionDef)), len(node.body))
    head = "\n".join(lines[node.lineno - 1:(node.body[first - 1].end_lineno if first else node.lineno)])
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            start = min([part.lineno, *(d.lineno for d in part.decorator_list)])
            methods[part.name] = "\n".join(lines[start - 1:part.end_lineno]), uses(part), bound(part)
        else:
            kept.append(part)
    outer = frozenset().union(*(uses(part) for part in [*kept, *node.bases]))
    return Definition(name, text, outer, methods, head, order)


@dataclass(frozen=True)
class Carried:
    """The text to carry, and the names of its definitions."""

    text: str
    names: frozenset[str]


def carried(program: Iterable[str], wanted: Iterable[str], renamed: dict[str, str], present: frozenset[str] = frozenset()) -> Carried:
    """The definitions named in `wanted` with all that they need; `program` is what the program's own code uses.

    `renamed` gives definitions whose names the program has for something else another one."""
    library = definitions(present)
    program, wanted = set(program), set(wanted)
    used = set(program)
    chosen: set[str] = set()
    pending = {name for name in wanted if name in library}
    methods: set[tuple[str, str]] = set()
    while pending:
        for name in pending:
            chosen.add(name)
            used |= library[name].uses
        grown = True
        while grown:
            grown = False
            for name in chosen:
                for method, (_, inner, _) in library[name].methods.items():
                    if (name, method) not in methods and ({"." + method, "'" + method, method} & used or method in _ALWAYS):
                        methods.add((name, method))
                        used |= inner
                        grown = True
        needed = set().union(*(library[name].uses for name in chosen), *(library[n].methods[m][1] for n, m in methods))
        pending = {name for name in needed if name in library} - chosen
    met = frozenset(chosen & conditions())
    if met != present:
        return carried(program, wanted, renamed, met)
    parts = [_part(library[name], {m for n, m in methods if n == name}, used, renamed) for name in sorted(chosen, key=lambda n: library[n].order)]
    text = ""
    for part in parts:
        definition = part.startswith(("def ", "class ", "@"))
        text += ("\n\n\n" if definition and text else "\n\n" if text else "") + part
    return Carried(text, frozenset(chosen))


def _part(definition: Definition, methods: set[str], used: set[str], renamed: dict[str, str]) -> str:
    if definition.name == "NO_GRADIENT":
        names = sorted(n for n in ast.literal_eval(definition.text.split("=", 1)[1].strip()) if n in used or "'" + n in used)
        return "NO_GRADIENT = {" + ", ".join(f'"{n}"' for n in names) + "}" if names else "NO_GRADIENT = set()"
    if not definition.methods:
        return renamed_text(definition.text, renamed, definition.own)
    pieces = [renamed_text(definition.head, renamed)]
    pieces += [renamed_text(text, renamed, own) for name, (text, _, own) in definition.methods.items() if name in methods]
    return "\n\n".join(pieces)


def renamed_text(text: str, renamed: dict[str, str], own: frozenset[str] = frozenset()) -> str:
    """The text of a definition with other names for some definitions; `own` are names of the definition's own."""
    names = {re.compile(rf"(?<![\w.'])(?<!    def ){re.escape(old)}\b(?!=[^=])"): new for old, new in renamed.items() if old not in own}

    def with_names(part: str) -> str:
        for name, new in names.items():
            part = name.sub(new, part)
        return part

    parts = _STRING.split(text) if names else [text]
    parts[::2] = map(with_names, parts[::2])
    parts[1::2] = [_FIELD.sub(lambda field: with_names(field[0]), part) if part.startswith("f") else part for part in parts[1::2]]
    return "".join(parts)
