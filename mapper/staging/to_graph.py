"""MindSpore to TensorFlow 1: a whole module.

`convert_module` parses, finds out what every expression is (`to_graph_infer`) and when it runs (`to_graph_roles`),
registers the edits (`to_graph_emit` for graph code, `to_graph_host` for host code), and puts the imports and the
library definitions that the program needs at the top.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from mapper.edit import Editor
from mapper.names import read_names
from mapper.results import Conversion, Finding
from mapper.staging.recovered import recover
from mapper.staging.to_graph_emit import Emitter
from mapper.staging.to_graph_host import HostEmitter
from mapper.staging.to_graph_infer import infer
from mapper.staging.to_graph_library_text import library_names, library_text
from mapper.staging.to_graph_roles import Roles
from mapper.staging.value_library import control_name

_IMPORTS = (ast.Import, ast.ImportFrom)


def convert_module(source: str, filename: str, target: str | None = None) -> Conversion:
    """Convert a MindSpore program. Raises SyntaxError when `source` does not parse."""
    if (recovered := recover(source)) is not None:
        return recovered
    editor = Editor(source)
    names = read_names(editor.tree)
    program = infer(editor.tree, names)
    roles = Roles(program, editor)
    taken = {name for scope in names.scopes.values() for name in scope.bindings}
    renamed = {name: f"{name}_" for name in library_names() if name in taken}
    emitter = Emitter(program, roles, editor, renamed)
    host = HostEmitter(emitter)
    for statement in editor.tree.body:
        if isinstance(statement, ast.FunctionDef) and (api := control_name(statement)) is not None:
            emitter.deleted.add(statement)
            editor.replace_statement(statement, f"{statement.name} = {api}")
    host.module()
    _leftovers(emitter)
    findings = _mark(emitter, filename)
    _imports(emitter, host, bool(findings))
    code, sites = emitter.gradients.report(_spaced(editor.result()))
    return Conversion(code, tuple(findings), tuple(sites))


def _leftovers(emitter: Emitter) -> None:
    """No reference to MindSpore may stay unsaid: what the edited text of a statement still holds is marked."""
    for statement in (n for n in ast.walk(emitter.program.tree) if isinstance(n, ast.stmt)):
        if statement in emitter.problems or isinstance(statement, _IMPORTS) or _inside_deleted(emitter, statement):
            continue
        path = _remaining(emitter, statement)
        if path is not None:
            emitter.problem(statement, "M301", f"{path} has no counterpart here: write it by hand")


def _spaced(code: str) -> str:
    """At most two blank lines below the switch to graph mode."""
    return re.sub(r"(tf\.(?:disable_v2_behavior|enable_resource_variables)\(\)(\r?\n))(?:\r?\n){3,}", r"\1\2\2", code, count=1)


def _own_nodes(statement: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement itself, not those of the statements in it."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        found.append(node)
        pending.extend(c for c in ast.iter_child_nodes(node) if not isinstance(c, (ast.stmt, ast.ExceptHandler)))
    return found


def _remaining(emitter: Emitter, statement: ast.stmt) -> str | None:
    """A name of MindSpore that is still in the edited text of a statement (of its header, when it holds others)."""
    named = {}
    for node in _own_nodes(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            path = emitter.program.names.path(node)
            if path is not None and path.split(".")[0] == "mindspore":
                named[node.id] = _longest(emitter, node)
    if not named:
        return None
    left = _free_words(emitter.editor.header(statement))
    return next((path for name, path in named.items() if name in left), None)


def _free_words(text: str) -> set[str]:
    """The names in a piece of code that are no attributes."""
    found: set[str] = set()
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and before != ".":
                found.add(token.string)
            before = token.string
    except (tokenize.TokenError, IndentationError):
        pass
    return found


def _longest(emitter: Emitter, node: ast.expr) -> str:
    """The dotted name that a name is the root of."""
    parent = emitter.editor.parent(node)
    while isinstance(parent, ast.Attribute):
        node, parent = parent, emitter.editor.parent(parent)
    return emitter.resolve(node) or ast.unparse(node)


def _inside_deleted(emitter: Emitter, statement: ast.AST | None) -> bool:
    while statement is not None:
        if statement in emitter.deleted:
            return True
        statement = emitter.editor.parent(statement)
    return False


def _mark(emitter: Emitter, filename: str) -> list[Finding]:
    findings = []
    for statement, reasons in emitter.problems.items():
        for code, reason in reasons:
            emitter.editor.mark(statement, code, reason)
            findings.append(Finding(code, "error", filename, statement.lineno, statement.col_offset + 1, "", reason))
    return sorted(findings, key=lambda f: (f.line, f.column))


def _imports(emitter: Emitter, host: HostEmitter, keep: bool) -> None:
    """MindSpore's imports go; TensorFlow's, the session and the library definitions come."""
    editor = emitter.editor
    old = [n for n in ast.walk(emitter.program.tree) if isinstance(n, _IMPORTS) and _is_mindspore(n)]
    first = next((n for n in old if n in editor.tree.body), None)
    lines = sorted(i for i in emitter.imports if not _imported(editor.tree, i))
    definitions = library_text(emitter.support, emitter.support_names)
    if definitions and "np." in definitions and not _imported(editor.tree, "import numpy as np"):
        lines = sorted({*lines, "import numpy as np"})
    lines.append("import tensorflow.compat.v1 as tf")
    switch = "tf.disable_v2_behavior()" + ("\ntf.enable_resource_variables()" if emitter.roles.program_updates else "")
    body = editor.tree.body
    imports = [s for s in body[:_header(body)] if isinstance(s, _IMPORTS)]
    kept = [s for s in imports if keep or not _is_mindspore(s)]
    last = kept[-1] if kept and first in imports and (keep or imports.index(kept[-1]) > imports.index(first)) else None  # type: ignore[arg-type]
    if first is None:
        editor.add_imports([*lines, "", switch])
    elif last is not None:
        editor.insert_before(first, "\n".join(lines))
        editor.insert_after(last, f"\n{switch}" + ("\n\n" if keep and definitions else ""))
    else:
        editor.insert_before(first, "\n".join([*lines, "", switch]))
    for node in old:
        aliases = [a for a in node.names if isinstance(node, ast.ImportFrom) or a.name.split(".")[0] == "mindspore"]
        if not keep:
            editor.remove_names(node, aliases)
    _prelude(emitter, host, definitions)


def _prelude(emitter: Emitter, host: HostEmitter, definitions: str) -> None:
    """After the imports: the switch to graph mode, and what the converted code uses."""
    editor = emitter.editor
    body = editor.tree.body
    text = ""
    own = host.needs_session and not ({"run", "evaluate"} & emitter.support)
    late = host.session_at if own and not host.session_inside else None
    if own and late is None:
        text = "sess = tf.Session()"
    if late is not None:
        editor.insert_before(late, "sess = tf.Session()")
    if definitions:
        text += f"\n\n\n{definitions}" if text else definitions
    following = _after_imports(body, emitter.deleted)
    if text and following is None:
        editor.add_imports([text])
    elif text and following is not None:
        definition = isinstance(following, (ast.FunctionDef, ast.ClassDef))
        editor.insert_before(following, text + ("\n\n" if definition or definitions else "\n"))
    for statement in host.starts:
        editor.insert_before(statement, "sess.run(tf.global_variables_initializer())")


def _after_imports(body: list[ast.stmt], deleted: set[ast.stmt]) -> ast.stmt | None:
    """The first statement that stays after the imports at the top of the module."""
    seen = False
    for statement in body:
        if isinstance(statement, _IMPORTS) or isinstance(statement, ast.Try) and any(
                isinstance(s, _IMPORTS) for s in statement.body):
            seen = True
        elif seen and statement not in deleted:
            return statement
    return None


def _header(body: list[ast.stmt]) -> int:
    """How many statements at the top are imports (with the docstring and what guards an import)."""
    for i, statement in enumerate(body):
        docstring = i == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (docstring or isinstance(statement, (*_IMPORTS, ast.Try))):
            return i
    return len(body)


def _is_mindspore(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.Import):
        return any(a.name.split(".")[0] == "mindspore" for a in node.names)
    return node.level == 0 and (node.module or "").split(".")[0] == "mindspore"


def _imported(tree: ast.Module, line: str) -> bool:
    wanted = ast.dump(ast.parse(line).body[0])
    return any(isinstance(n, _IMPORTS) and ast.dump(n) == wanted for n in tree.body)


def library_path() -> Path:
    """Where the definitions that outputs get a copy of are kept."""
    return Path(__file__).with_name("to_graph_library.py")
