"""The way back from the plain form: a program that carries definitions of the deferred library becomes the TensorFlow program
whose names they stand for.

The definitions are known by their text. One that somebody has changed is no longer the library's, and the whole program is then
converted as any other."""
from __future__ import annotations

import ast
import functools
import re

from mapper.edit import Editor
from mapper.names import Names, read_names
from mapper.results import Conversion, Site
from mapper.staging.carried import Definition, bound, conditions, definitions
from mapper.staging.to_functions_names import TABLE

_ROOT = "Deferred"
_TAKEN = re.compile(r"'([A-Za-z]\w*?)_+'")
_HOLE = re.compile(r"^((?:import|from) .*\n)\n{3,}", re.M)
_LIBRARY_IMPORTS = frozenset({"collections", "glob", "math", "mindspore", "mindspore.common", "numpy", "os", "re", "sys"})
# Where several names of TensorFlow became one, that which takes what any of them was given.
_CHOSEN = {
    "no_op": "tf.no_op", "modulo": "tf.floormod", "over": "tf.divide", "floor_over": "tf.floordiv", "first_of": "tf.identity",
    "no_summary": "tf.summary.histogram", "ops.round": "tf.round", "diag_part": "tf.diag_part", "multinomial": "tf.multinomial",
}
# Definitions that are Python alone: they stay as they are.
_STAYS = frozenset({"Settings", "never"})


def recover(source: str) -> Conversion | None:
    """The TensorFlow program that a program in the plain form stands for, or None when it is none.

    Raises SyntaxError when `source` does not parse."""
    if f"class {_ROOT}" not in source:
        return None
    editor = Editor(source)
    found = _definitions(editor)
    if found is None or not any(isinstance(s, ast.Import) and any(a.name == "mindspore" for a in s.names) for s in editor.tree.body):
        return None
    names = read_names(editor.tree)
    program = [s for s in editor.tree.body if s not in found]
    labels = {_bound(statement): label for statement, label in found.items()}
    edits: list[tuple[ast.expr, str]] = []
    sites: list[ast.Call] = []
    stays: set[str] = set()
    for statement in program:
        for node in ast.walk(statement):
            if not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
                continue
            said = _said(node, names, labels)
            if said is None or isinstance(parent := editor.parent(node), ast.Attribute) and _said(parent, names, labels) in _names():
                continue
            text = _names().get(said)
            if text is not None:
                edits.append((node, text))
                if text in ("tf.gradients", "tf.hessians") and isinstance(parent, ast.Call) and parent.func is node:
                    sites.append(parent)
            elif said in _STAYS:
                stays.add(said)
            elif not isinstance(node, ast.Attribute) or _said(node.value, names, labels) not in _names():
                return None
    for node, text in edits:
        editor.replace(node, text)
    kept = {s for s, label in found.items() if label in stays}
    for definition in found:
        if definition not in kept:
            editor.delete(definition, comments=False)
    _imports(editor, names, program, kept)
    code = _HOLE.sub(r"\1\n\n", editor.result(), count=1)
    return Conversion(code, (), tuple(_sites(editor, sites, code)))


@functools.cache
def _names() -> dict[str, str]:
    """TensorFlow's name for each text of the plain form."""
    found: dict[str, str] = {}
    for api, text in TABLE.items():
        head = text.split(".")[0]
        if text in _STAYS or head not in definitions() and head != "ms":
            continue
        if text not in found or api.rpartition(".")[2] == text and found[text].rpartition(".")[2] != text:
            found[text] = api
    return found | _CHOSEN


def _said(node: ast.expr, names: Names, labels: dict[str, str]) -> str | None:
    """The text of the plain form that an expression is: a definition, an operation, or an attribute of one."""
    if isinstance(node, ast.Attribute):
        owner = _said(node.value, names, labels)
        return f"{owner}.{node.attr}" if owner is not None else None
    if not isinstance(node, ast.Name) or node not in names.scope_of:
        return None
    scope = names.lookup(node.id, names.scope_of[node])
    if scope is None or not isinstance(scope.node, ast.Module):
        return None
    if node.id in labels:
        return labels[node.id]
    return "ms" if names.resolve(node) == "ms" else None


def _definitions(editor: Editor) -> dict[ast.stmt, str] | None:
    """The statements that are definitions of the library, each with its name there; None when there are none, or one has been changed."""
    labels = {statement: label for statement in editor.tree.body if (label := _label(statement)) is not None}
    library = definitions(frozenset(labels.values()) & conditions())
    copies = {statement: label for statement, label in labels.items() if _is_copy(statement, library[label])}
    # Where the program says the same as the library, as `graph = Graph()`, the library's is the one that makes way.
    known = {label: max((s for s in copies if copies[s] == label), key=lambda s: len(_bound(s))) for label in copies.values()}
    found = {statement: label for label, statement in known.items()}
    present = set(known)
    reads = {name.rstrip("_") for statement in found for name in _reads(statement)}
    if _ROOT not in present or reads & set(library) - present:
        return None
    return found


def _label(statement: ast.stmt) -> str | None:
    bound = _bound(statement)
    return bound if bound in definitions() else bound.rstrip("_") if bound.rstrip("_") in definitions() else None


def _bound(statement: ast.stmt) -> str:
    """The name that a definition binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return statement.name
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""


def _is_copy(statement: ast.stmt, definition: Definition) -> bool:
    """Whether a statement is what the library would be carried as; a class may have fewer methods, and this set fewer names."""
    if definition.name == "NO_GRADIENT":
        return isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Set, ast.Call))
    text = definition.text
    if isinstance(statement, ast.ClassDef) and definition.methods:
        names = [part.name for part in statement.body if isinstance(part, ast.FunctionDef)]
        if not set(names) <= set(definition.methods):
            return False
        text = "\n\n".join([definition.head, *(definition.methods[name][0] for name in names)])
    return _shape(statement) == _shape(ast.parse(text).body[0])


def _shape(statement: ast.stmt) -> str:
    """A statement without its layout and without what tells names of the library from the program's."""
    return _TAKEN.sub(r"'\1'", ast.dump(statement))


def _reads(statement: ast.AST) -> set[str]:
    if isinstance(statement, ast.ClassDef):
        return {name for part in [*statement.body, *statement.bases] for name in _reads(part)}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)} - bound(statement)


def _imports(editor: Editor, names: Names, program: list[ast.stmt], kept: set[ast.stmt]) -> None:
    """TensorFlow is imported where MindSpore was; modules that only the library used go."""
    used = {n.id for s in [*program, *kept] for n in ast.walk(s) if isinstance(n, ast.Name)}
    place = next((s for s in program if isinstance(s, ast.Import) and any(a.name == "mindspore" for a in s.names)), None)
    assert place is not None
    before = program[:program.index(place)]
    added = []
    for statement in reversed(before):
        if not isinstance(statement, ast.Import) or len(statement.names) != 1 or statement.names[0].name not in _LIBRARY_IMPORTS:
            break
        added.append(statement)
    for statement in added:
        if (statement.names[0].asname or statement.names[0].name) not in used:
            editor.delete(statement)
    for statement in program:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == "mindspore":
            editor.delete(statement)
    editor.replace_statement(place, "import tensorflow.compat.v1 as tf\n\ntf.disable_v2_behavior()")


def _sites(editor: Editor, calls: list[ast.Call], code: str) -> list[Site]:
    """The gradient calls, with where they stand now: their order is the same."""
    found = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
             and isinstance(n.func.value, ast.Name) and n.func.value.id == "tf" and n.func.attr in ("gradients", "hessians")]
    places = sorted((n.lineno, n.col_offset + 1) for n in found)
    ordered = sorted(calls, key=lambda c: (c.lineno, c.col_offset))
    return [Site(f"G{i + 1}", call.lineno, call.col_offset + 1, place) for i, (call, place) in enumerate(zip(ordered, places, strict=True))]
