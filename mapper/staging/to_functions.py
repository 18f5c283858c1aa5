"""TensorFlow 1 to MindSpore: a whole module.

Every TensorFlow tensor of the program becomes a value that waits for `run`: a function of what is fed. Names are replaced
where they stand; the definitions behind them are put at the top."""
from __future__ import annotations

import ast
import re

from mapper.edit import Editor, walk
from mapper.names import Names, read_names
from mapper.results import Conversion, Finding, Site
from mapper.staging.carried import carried, definitions, uses
from mapper.staging.direct import NotDirect
from mapper.staging.direct_emit import convert_directly
from mapper.staging.to_functions_names import FURNITURE, TABLE, meaning

_IMPORTS = (ast.Import, ast.ImportFrom)
_DTYPES = {api: text for api, text in TABLE.items() if text.startswith("ms.") and text.removeprefix("ms.").rstrip("_") in api}
_OF_DTYPES = {"is_floating": "is_floating", "is_integer": "is_integer", "is_complex": "is_complex", "is_bool": "is_bool", "base_dtype": "dtype_of",
              "as_numpy_dtype": "numpy_dtype", "name": "dtype_name"}
_GRADIENTS = frozenset({"tf.gradients", "tf.hessians"})


class _Program:
    """The module being converted, and what has been decided about it."""

    def __init__(self, source: str, filename: str) -> None:
        self.editor = Editor(source)
        self.tree = self.editor.tree
        self.names: Names = read_names(self.tree)
        self.filename = filename
        self.wanted: set[str] = set()
        self.problems: dict[ast.stmt, list[str]] = {}
        self.sites: list[tuple[ast.Call, str]] = []
        self.dropped: set[ast.AST] = set()
        self.renamed: dict[str, str] = {}
        self.modules: set[str] = set()

    def api(self, node: ast.expr) -> str | None:
        """The TensorFlow name an expression stands for, as `tf.x`."""
        path = self.names.resolve(node)
        return path if path is not None and (path == "tf" or path.startswith("tf.")) else None


def convert_module(source: str, filename: str, target: str | None = None) -> Conversion:
    """Converts a TensorFlow 1 program: in the direct form where it has one, else in the plain form.

    Raises SyntaxError when `source` does not parse."""
    try:
        return convert_directly(source, filename)
    except NotDirect:
        return convert_plainly(source, filename)


def convert_plainly(source: str, filename: str) -> Conversion:
    """The plain form: every tensor waits for `run`."""
    program = _Program(source, filename)
    taken = {name for scope in program.names.scopes.values() for name, bound in scope.bindings.items()
             if not all((b.path or "").startswith("tensorflow") for b in bound)}
    for name in [*definitions(), "ms", "nn", "init"]:
        if name in taken:
            program.renamed[name] = next(n for n in (name + "_" * i for i in range(1, 9)) if n not in taken)
    imports = _framework_imports(program)
    _drop_furniture(program)
    for node in walk(program.tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            _reference(program, node)
        elif isinstance(node, ast.Attribute) and (api := program.api(node)) is not None:
            reason = f"{api} is given another meaning, which code that is converted does not see: write this by hand"
            program.problems.setdefault(program.editor.statement(node), []).append(reason)
    findings = []
    for statement, reasons in program.problems.items():
        for reason in dict.fromkeys(reasons):
            program.editor.mark(statement, "M201", reason)
            findings.append(Finding("M201", "error", filename, statement.lineno, statement.col_offset + 1, "", reason))
    place, text = _carry(program, imports)
    code, tree = program.editor.parsed()
    after = code[:code.index(place)].count("\n") + 1 if text else 0
    sites = _sites(program, tree, after, text.count("\n"))
    return Conversion(code.replace(place, text, 1) if text else code, tuple(sorted(findings, key=lambda f: (f.line, f.column))), tuple(sites))


# ------------------------------------------------------------------------------------------------------------- references


def _reference(program: _Program, node: ast.Name | ast.Attribute) -> None:
    """Replaces one name of TensorFlow by what it becomes."""
    if node in program.dropped:
        return
    editor = program.editor
    if isinstance(node, ast.Attribute) and node.attr == "value" and _of_shape(program, node.value):
        editor.replace(node, lambda: editor.text(node.value))
        return
    if isinstance(node, ast.Attribute) and node.attr in _OF_DTYPES and isinstance(node.value, ast.Attribute) and node.value.attr == "dtype":
        question = _OF_DTYPES[node.attr]
        program.wanted.add(question)
        editor.replace(node, lambda: f"{program.renamed.get(question, question)}({editor.text(node.value)})")
        return
    api = program.api(node)
    if api is None or api == "tf" and isinstance(editor.parent(node), ast.Attribute):
        return
    parent = editor.parent(node)
    if isinstance(parent, ast.Attribute) and program.api(parent) is not None and (meaning(program.api(parent) or "") is not None or meaning(api) is None):
        return
    if isinstance(parent, ast.Call) and parent.args[:1] == [node] and len(parent.args) == 2 and _asks_for_a_name(program, parent):
        name = parent.args[1].value  # type: ignore[attr-defined]
        known = any(full == f"{api}.{name}" or full.startswith(f"{api}.{name}.") for full in TABLE)
        editor.replace(parent, str(known))
        return
    text = meaning(api)
    statement = editor.statement(node)
    if text is None and _only_a_name(program, node, api):
        program.dropped.update(walk(statement))
        editor.delete(statement)
        return
    if text is None:
        program.problems.setdefault(statement, []).append(f"{api} has no counterpart here: write this by hand")
        return
    head = text.split(".")[0]
    if head in definitions() or head in ("ops", "nn"):
        program.wanted.add(head)
    if head in ("glob", "os"):
        program.modules.add(head)
    if isinstance(parent, ast.Call) and parent.func is node:
        _call(program, parent, api, text)
    program.editor.replace(node, ".".join([program.renamed.get(head, head), *text.split(".")[1:]]))


def _asks_for_a_name(program: _Program, call: ast.Call) -> bool:
    """Whether a call is `hasattr(tf, "name")`."""
    return isinstance(call.func, ast.Name) and call.func.id == "hasattr" and not program.names.bindings(call.func) \
        and isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)


def _only_a_name(program: _Program, node: ast.expr, api: str) -> bool:
    """Whether a statement gives a short name to a module of TensorFlow, as in `flags = tf.flags`."""
    statement = program.editor.parent(node)
    return isinstance(statement, ast.Assign) and statement.value is node and len(statement.targets) == 1 \
        and isinstance(statement.targets[0], ast.Name) and any(known.startswith(api + ".") for known in TABLE)


def _call(program: _Program, call: ast.Call, api: str, text: str) -> None:
    for part in [*call.args, *(k.value for k in call.keywords)]:
        path = program.names.resolve(part) or ""
        if path.startswith("np.") and f"tf.{path[3:]}" in _DTYPES and api != "tf.py_func":
            program.editor.replace(part, _DTYPES[f"tf.{path[3:]}"])
    if api in _GRADIENTS:
        program.sites.append((call, api.removeprefix("tf.")))


def _of_shape(program: _Program, node: ast.AST, depth: int = 4) -> bool:
    """Whether an expression is a dimension: `x.shape[i]`, or the `d` of `for d in x.get_shape()`."""
    if isinstance(node, ast.Subscript):
        return not isinstance(node.slice, ast.Slice) and _is_shape(program, node.value, depth - 1)
    if not isinstance(node, ast.Name) or depth <= 0:
        return False
    found = program.names.bindings(node)
    return bool(found) and all(_of_shape(program, b.value, depth - 1) if b.value is not None else _is_shape(program, _iterated(program, b.node), depth - 1)
                               for b in found)


def _is_shape(program: _Program, node: ast.AST | None, depth: int) -> bool:
    """Whether an expression is a static shape: `x.get_shape()`, a part of one, or a name of one."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and _is_shape(program, node.value, depth)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("list", "tuple", "reversed") and node.args:
            return _is_shape(program, node.args[0], depth)
        return isinstance(node.func, ast.Attribute) and node.func.attr == "get_shape"
    if isinstance(node, ast.Name) and depth > 0:
        found = program.names.bindings(node)
        return bool(found) and all(_is_shape(program, b.value, depth - 1) for b in found)
    return isinstance(node, ast.Attribute) and node.attr in ("shape", "dims")


def _iterated(program: _Program, target: ast.AST) -> ast.expr | None:
    """What a name takes one after the other: of a loop, a comprehension, an unpacked assignment, or a lambda given to map."""
    parent = program.editor.parent(target)
    if isinstance(parent, (ast.Tuple, ast.List)):
        whole = program.editor.parent(parent)
        return whole.value if isinstance(whole, ast.Assign) and parent in whole.targets else None
    if isinstance(parent, (ast.For, ast.comprehension)):
        return parent.iter
    function = program.editor.parent(parent) if isinstance(parent, ast.arguments) else None
    call = program.editor.parent(function) if isinstance(function, ast.Lambda) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "map" and call.args[:1] == [function] and len(call.args) == 2:
        return call.args[1]
    return None


# --------------------------------------------------------------------------------------------------------------- furniture


def _drop_furniture(program: _Program) -> None:
    """Statements that mean nothing in MindSpore go; `with tf.device(...)` gives way to its body."""
    for node in walk(program.tree):
        if isinstance(node, ast.Assign) and program.api(node.value) in ("tf", "tf.compat.v1") or _chooses_version(program, node):
            program.dropped.update(walk(node))
            program.editor.delete(node)  # type: ignore[arg-type]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            api = program.api(node.value.func)
            base = node.value.func.value if isinstance(node.value.func, ast.Attribute) else None
            inner = program.api(base.func) if isinstance(base, ast.Call) else None
            if api in FURNITURE or inner in FURNITURE or api is not None and (api.startswith("tf.summary.") or api.startswith("tf.compat.v1.logging")):
                program.dropped.update(walk(node))
                program.editor.delete(node)
        elif isinstance(node, ast.With) and all(_is_device(program, item) for item in node.items):
            for item in node.items:
                program.dropped.update(walk(item))
            program.editor.unwrap(node)


def _chooses_version(program: _Program, node: ast.AST) -> bool:
    """Whether a statement only picks the imports and switches for a version of TensorFlow."""
    if not isinstance(node, ast.If) or not any(program.api(n) in ("tf.__version__", "tf.VERSION") for n in walk(node.test) if isinstance(n, ast.expr)):
        return False
    inner = [*node.body, *node.orelse]
    return all(isinstance(s, (*_IMPORTS, ast.Pass)) or isinstance(s, ast.Assign) and program.api(s.value) in ("tf", "tf.compat.v1")
               or isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and program.api(s.value.func) in FURNITURE for s in inner)


def _is_device(program: _Program, item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and item.optional_vars is None and program.api(call.func) in ("tf.device", "tf.colocate_with")


# ------------------------------------------------------------------------------------------------- imports and definitions


def _framework_imports(program: _Program) -> list[ast.stmt]:
    """The statements that import TensorFlow, in the order of the program; what is inside them is settled."""
    found: list[ast.stmt] = []
    for node in walk(program.tree):
        if isinstance(node, _IMPORTS) and any(_is_tensorflow(node, alias) for alias in node.names):
            found.append(node)
    return found


def _is_tensorflow(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and (node.module or "").split(".")[0] in ("tensorflow", "tensorflow_core")
    return alias.name.split(".")[0] in ("tensorflow", "tensorflow_core")


def _carry(program: _Program, imports: list[ast.stmt]) -> tuple[str, str]:
    """Puts the imports that the converted program needs where it imported TensorFlow, and a comment after them. Gives that comment, and the
    definitions that take its place: they are long, and need not be parsed with the program."""
    editor = program.editor
    if not program.problems:
        _remove_imports(program, imports)
    if not program.wanted and not any(True for _ in imports):
        return "", ""
    program_uses = set().union(*(uses(statement) for statement in program.tree.body)) if program.tree.body else set()
    if "gradients" in program.editor.source and any(isinstance(n, (ast.Is, ast.IsNot)) for n in walk(program.tree)):
        program.wanted.add("linked")  # whether a gradient is None is asked for
    if any(isinstance(n, ast.Slice) and n.step is not None and not isinstance(n.step, ast.Constant) for n in walk(program.tree)):
        program.wanted.add("turned_round")  # a negative step, or one that may be
    support = carried(program_uses, program.wanted, program.renamed)
    text = support.text
    lines = []
    if "np." in text and not _imports_numpy(program):
        lines.append("import numpy as np")
    for module in ("collections", "glob", "math", "os", "re", "sys"):
        if (module in program.modules or re.search(rf"(?<![\w.]){module}\.", text)) and not _has_import(program, module):
            lines.append(f"import {module}")
    lines = sorted(lines, key=lambda line: (line == "import numpy as np", line))
    lines.append("import mindspore as ms")
    if f"{program.renamed.get('nn', 'nn')}." in text:
        lines.append("from mindspore import nn")
    if f"{program.renamed.get('init', 'init')}." in text:
        lines.append("from mindspore.common import initializer as init")
    for old in ("ms", "nn", "init"):
        if old in program.renamed:
            lines = [line.replace(f" as {old}", f" as {program.renamed[old]}") if line.endswith(f" as {old}")
                     else line + f" as {program.renamed[old]}" if line.endswith(f"import {old}") else line for line in lines]
    first = next((s for s in program.tree.body if s in imports or _is_import_block(s, imports)), None)
    if first is None:
        editor.add_imports(lines)
    else:
        editor.insert_before(first, "\n".join(lines))
    following = _after_imports(program.tree.body)
    place = "# definitions"
    while place in editor.source:
        place += "_"
    if text and following is None:
        editor.add_imports(["", place])
    elif text and following is not None:
        editor.insert_before(following, "\n" + place + "\n\n")
    return place, text


def _is_import_block(statement: ast.stmt, imports: list[ast.stmt]) -> bool:
    return isinstance(statement, (ast.Try, ast.If)) and any(node in imports for node in walk(statement))


def _remove_imports(program: _Program, imports: list[ast.stmt]) -> None:
    editor = program.editor
    for statement in program.tree.body:
        if isinstance(statement, ast.Try) and _only_imports(statement, imports):
            program.dropped.update(walk(statement))
            editor.delete(statement)
    for node in imports:
        if node in program.dropped:
            continue                        # it goes with the statement that holds it
        assert isinstance(node, _IMPORTS)
        editor.remove_names(node, [alias for alias in node.names if _is_tensorflow(node, alias)])


def _only_imports(statement: ast.Try, imports: list[ast.stmt]) -> bool:
    blocks = [statement.body, *(handler.body for handler in statement.handlers), statement.orelse, statement.finalbody]
    return all(s in imports or isinstance(s, (ast.Pass, ast.Expr)) for block in blocks for s in block) and any(s in imports for s in statement.body)


def _imports_numpy(program: _Program) -> bool:
    return any(isinstance(s, ast.Import) and any(a.name == "numpy" and a.asname == "np" for a in s.names) for s in program.tree.body)


def _has_import(program: _Program, module: str) -> bool:
    return any(isinstance(s, ast.Import) and any(a.name == module and a.asname is None for a in s.names) for s in program.tree.body)


def _after_imports(body: list[ast.stmt]) -> ast.stmt | None:
    """The first statement after the imports at the top of a module."""
    last = -1
    for i, statement in enumerate(body):
        if isinstance(statement, _IMPORTS) or isinstance(statement, ast.Try) and any(isinstance(s, _IMPORTS) for s in statement.body):
            last = i
        elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)) or last >= 0 and i > last + 6:
            break
    rest = body[last + 1:]
    return rest[0] if rest else None


def _sites(program: _Program, tree: ast.Module, after: int, lines: int) -> list[Site]:
    """Where each gradient of the original stands in the output, of which `tree` is what `lines` more follow a line of: the n-th call of
    `gradients` is the n-th."""
    marked = set(program.problems)
    converted: list[tuple[int, int]] = []
    text = {name: program.renamed.get(name, name) for name in ("gradients", "hessians")}
    for node in walk(tree) if program.sites else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in text.values():
            converted.append((node.lineno + lines * (node.lineno > after), node.col_offset + 1))
    converted.sort()
    found: list[Site] = []
    position = 0
    for call, kind in sorted(program.sites, key=lambda s: (s[0].lineno, s[0].col_offset)):
        place = None
        if program.editor.statement(call) not in marked and position < len(converted):
            place = converted[position]
        position += 1
        found.append(Site(f"G{len(found) + 1}", call.lineno, call.col_offset + 1, place, kind))
    return found
