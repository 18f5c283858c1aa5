"""MindSpore to TensorFlow 1: a whole module.

`convert_module` parses, finds out what every expression is (`to_graph_infer`) and when it runs (`to_graph_roles`),
registers the edits (`to_graph_emit` for graph code, `to_graph_host` for host code), and puts the imports and the
library definitions that the program needs at the top.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mapper.edit import Editor
from mapper.names import read_names
from mapper.results import Conversion, Finding
from mapper.staging.to_graph_emit import FRAMEWORK, Emitter
from mapper.staging.to_graph_host import HostEmitter
from mapper.staging.to_graph_infer import infer
from mapper.staging.to_graph_library_text import library_names, library_text
from mapper.staging.to_graph_ops import Ops
from mapper.staging.to_graph_roles import Roles

_IMPORTS = (ast.Import, ast.ImportFrom)


def convert_module(source: str, filename: str, target: str | None = None) -> Conversion:
    """Convert a MindSpore program. Raises SyntaxError when `source` does not parse."""
    editor = Editor(source)
    names = read_names(editor.tree)
    program = infer(editor.tree, names)
    roles = Roles(program, editor)
    taken = {name for scope in names.scopes.values() for name in scope.bindings}
    renamed = {name: f"{name}_" for name in library_names() if name in taken}
    emitter = Emitter(program, roles, editor, Ops(names), renamed)
    host = HostEmitter(emitter)
    host.module()
    _leftovers(emitter)
    findings = _mark(emitter, filename)
    _imports(emitter, host, bool(findings))
    code, sites = emitter.gradients.report(editor.result())
    return Conversion(code, tuple(findings), tuple(sites))


def _leftovers(emitter: Emitter) -> None:
    """Every reference to MindSpore is converted, or its statement is marked."""
    for node in ast.walk(emitter.program.tree):
        if not isinstance(node, (ast.Name, ast.Attribute)) or node in emitter.handled:
            continue
        parent = emitter.editor.parent(node)
        if isinstance(parent, ast.Attribute) and emitter.resolve(parent) is not None:
            continue
        path = emitter.resolve(node)
        if path is None or path.split(".")[0] not in FRAMEWORK or isinstance(node.ctx, ast.Store):
            continue
        statement = emitter.editor.statement(node)
        if statement not in emitter.problems and statement not in emitter.deleted:
            emitter.problem(node, "M301", f"{path} has no counterpart here")


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
    if first is None:
        editor.add_imports(lines)
    else:
        editor.insert_before(first, "\n".join(lines))
    for node in old:
        aliases = [a for a in node.names if isinstance(node, ast.ImportFrom) or a.name.split(".")[0] == "mindspore"]
        if not keep:
            editor.remove_names(node, aliases)
    _prelude(emitter, host, definitions)


def _prelude(emitter: Emitter, host: HostEmitter, definitions: str) -> None:
    """After the imports: the switch to graph mode, and what the converted code uses."""
    editor = emitter.editor
    body = editor.tree.body
    text = "tf.disable_v2_behavior()"
    if emitter.roles.program_updates:
        text += "\ntf.enable_resource_variables()"
    start = "sess = tf.Session()"
    if host.needs_session and not ({"run", "evaluate"} & emitter.support):
        text += f"\n{start}"
    if definitions:
        text += f"\n\n\n{definitions}"
    following = _after_imports(body, emitter.deleted)
    if following is None:
        editor.add_imports([text])
    else:
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
