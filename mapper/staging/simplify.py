"""TensorFlow 1 programs as simpler TensorFlow 1 programs with the same meaning, for which the direct form has words.

Each function here looks for one idiom and registers the edits that write it in another way; `simplified` applies them one after
the other. What comes out is only ever read by the direct form."""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mapper.edit import Editor, walk
from mapper.staging.direct_program import VARIABLES, Function, NotDirect, Program, returns

_MAKERS = VARIABLES | {"tf.placeholder", "tf.placeholder_with_default"}
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
Pass = Callable[[Program], bool]


def simplified(source: str) -> Iterator[str]:
    """Simpler and simpler programs: what is simpler in any case, then with all idioms rewritten, then also with the functions that are
    called once, to build or run a part of the graph, where they are called, then with those that make variables as well."""
    passes: list[tuple[str, Pass]] = [
        (r"compat|__version__", _imported), (r"\.eval\(", _evaluated), ("unstack", _unstacked), *[("gradients|hessians", _helpers)] * 8,
        (r"\bNone\b", _connected), ("hessians", _hessians), (r"\bmap\(", _mapped), (r"\.append\(", _appended), ("compute_gradients", _computed),
        ("compute_gradients", _computed), ("assign|apply_gradients", _indexed), (r"assign.*\bzip\(", _lists_named),
        ("apply_gradients", _pairs_apart), (r"\w, *\w.*=", _apart),
        ("placeholder|Variable|get_variable", _counted), ("=", _chained), ("placeholder", _placeholders_out)]
    source = _rewritten(source, [("while_loop", _last_of_loop)])
    yield source
    source = _rewritten(source, passes)
    yield source
    for inlined in (_inlined, _all_inlined):
        before, source = source, _rewritten(source, [("def ", inlined)] * 6)
        if source != before:
            source = _rewritten(source, passes)
            yield source


def with_places(source: str) -> str:
    """The program with its places as the names of the gradients and Hessians it asks for: `places` finds them again when it is rewritten."""
    program = Program(source)
    edits: list[tuple[int, int, str]] = []
    for call in program.every(ast.Call):
        api = program.api(call.func)
        if api not in ("tf.gradients", "tf.hessians") or _in_text(program, call) or not call.args and not call.keywords:
            continue
        place = f"'{api[3:]}_at_{call.lineno}_{call.col_offset + 1}'"
        named = next((k.value for k in call.keywords if k.arg == "name"), None)
        if named is not None:
            edits.append((*program.editor.span(named), place))
            continue
        end = program.editor.span(call)[1] - 1
        last = max([program.editor.span(part)[1] for part in call.args] + [program.editor.span(part)[1] for part in call.keywords])
        comma = "," if "," not in re.sub(r"#.*", "", source[last:end]) else ""
        edits.append((end, end, f"{comma} name={place}"))
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def places(source: str) -> dict[tuple[int, int], tuple[int, int, str]]:
    """Where a rewritten program asks for the gradients of `with_places`: line and column there to line, column and kind in the program."""
    found: dict[tuple[int, int], tuple[int, int, str]] = {}
    for call in walk(ast.parse(source)):
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            said = keyword.value.value if keyword.arg == "name" and isinstance(keyword.value, ast.Constant) else None
            if isinstance(said, str) and (match := re.fullmatch(r"(gradients|hessians)_at_(\d+)_(\d+)", said)):
                found[call.lineno, call.col_offset + 1] = int(match[2]), int(match[3]), match[1]  # type: ignore[attr-defined]
    return found


def _rewritten(source: str, passes: Sequence[tuple[str, Pass]]) -> str:
    """The program after several passes, each where the source has the words that it looks for."""
    program: Program | None = None
    idle: set[Pass] = set()
    for words, rewrite in passes:
        if rewrite in idle or not re.search(words, source):
            continue
        program = program or Program(source)
        if rewrite(program):
            source, program = program.editor.result(), None
        else:
            idle.add(rewrite)
    return source


def _touches_text(program: Program, node: ast.AST) -> bool:
    """Whether a node is inside an f-string, or has one inside."""
    return _in_text(program, node) or any(isinstance(n, ast.JoinedStr) for n in walk(node))


def _in_text(program: Program, node: ast.AST) -> bool:
    """Whether a node is inside an f-string, whose parts have no places before Python 3.12."""
    current = program.editor.parent(node)
    while current is not None and not isinstance(current, ast.stmt):
        if isinstance(current, ast.JoinedStr):
            return True
        current = program.editor.parent(current)
    return False


# --------------------------------------------------------------------------------------------------------------------- imports

def _imported(program: Program) -> bool:
    """One import of TensorFlow for those that try several versions, or that go on to `tf.compat.v1`."""
    found, editor = False, program.editor
    for node in program.tree.body:
        if isinstance(node, ast.Try) and not node.orelse and not node.finalbody and _imports_only(node.body) and all(
                _imports_only(h.body) for h in node.handlers) and any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in node.body):
            editor.replace_statement(node, editor.block(node.body, ""))
        elif isinstance(node, ast.If) and "__version__" in ast.unparse(node.test) and _imports_only([*node.body, *node.orelse]):
            editor.delete(node, comments=False)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and ast.unparse(node.value).endswith(".compat.v1"):
            if ast.unparse(node.value) == f"{node.targets[0].id}.compat.v1":
                editor.delete(node, comments=False)
            else:
                editor.replace_statement(node, f"import tensorflow.compat.v1 as {node.targets[0].id}")
        else:
            continue
        found = True
    return found


def _imports_only(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements only import TensorFlow, or turn its second version off."""
    for node in statements:
        if isinstance(node, ast.Import) and all(a.name.split(".")[0] == "tensorflow" for a in node.names) or isinstance(node, ast.Pass):
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tensorflow":
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ".disable_" in ast.unparse(node.value.func):
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".compat.v1"):
            continue
        return False
    return True


# ----------------------------------------------------------------------------------------------------------------- expressions

def _mapped(program: Program) -> bool:
    """`list(map(lambda g: f(g), grads))` as `[f(g) for g in grads]`."""
    found = False
    for call in program.every(ast.Call):
        if not _named(call, "list") or len(call.args) != 1 or call.keywords or _touches_text(program, call):
            continue
        inner = call.args[0]
        if isinstance(inner, ast.Call) and _named(inner, "map") and len(inner.args) == 2 and isinstance(inner.args[0], ast.Lambda):
            head, source = inner.args[0], inner.args[1]
            if len(head.args.args) == 1 and not head.args.defaults and not head.args.vararg:
                texts = [program.editor.original(part) for part in (head.body, source)]
                program.editor.replace(call, f"[{texts[0]} for {head.args.args[0].arg} in {texts[1]}]")
                found = True
    return found


def _indexed(program: Program) -> bool:
    """`[a[i].assign(b[i]) for i in range(len(a))]` as `[x.assign(y) for x, y in zip(a, b)]`, and the same of enumerate."""
    found = False
    for node in program.every(ast.ListComp):
        if len(node.generators) != 1 or node.generators[0].ifs or not (
                _assigns(program, node.elt) or isinstance(node.elt, ast.Tuple) and _applied(program, node)) or _touches_text(program, node):
            continue
        loop = node.generators[0]
        call, index, item = loop.iter, loop.target, None
        if not isinstance(call, ast.Call) or call.keywords or len(call.args) != 1:
            continue
        if _named(call, "enumerate") and isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2:
            index, item = loop.target.elts
            lists = {ast.unparse(call.args[0]): program.editor.original(item)}
        elif _named(call, "range") and isinstance(call.args[0], ast.Call) and _named(call.args[0], "len"):
            lists = {}
        else:
            continue
        if not isinstance(index, ast.Name):
            continue
        parts = [n for n in walk(node.elt) if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Name) and n.slice.id == index.id]
        if len([n for n in walk(node.elt) if isinstance(n, ast.Name) and n.id == index.id]) != len(parts) or not parts:
            continue
        for part in parts:
            said = ast.unparse(part.value)
            if said not in lists:
                lists[said] = _unused(program, _singular(said.rpartition(".")[2]), lists.values(), node)
            program.editor.replace(part, lists[said])
        program.editor.replace(loop.target, ", ".join(lists.values()))
        program.editor.replace(call, f"zip({', '.join(lists)})")
        found = True
    return found


def _lists_named(program: Program) -> bool:
    """`[x.assign(y) for x, y in zip([a, b], …)]` with a name for the list."""
    found = False
    for node in program.every(ast.ListComp):
        iterated, statement = node.generators[0].iter, program.editor.statement(node)
        if not _assigns(program, node.elt) or not isinstance(iterated, ast.Call) or not _named(iterated, "zip") or _touches_text(program, node) \
                or program.editor.parent(node) is not statement:
            continue
        for part in iterated.args:
            if isinstance(part, (ast.List, ast.Tuple)) and part.elts and all(isinstance(e, (ast.Name, ast.Attribute)) for e in part.elts):
                name = program.fresh("variables")
                program.editor.insert_before(statement, f"{name} = {program.editor.original(part)}")
                program.editor.replace(part, name)
                found = True
    return found


def _apart(program: Program) -> bool:
    """`a, b = tf.…, tf.…` as two statements, where none reads what another one binds."""
    found = False
    for node in program.every(ast.Assign):
        target, value = node.targets[0], node.value
        if len(node.targets) != 1 or not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple) or len(target.elts) != len(value.elts) \
                or not all(isinstance(t, (ast.Name, ast.Attribute)) for t in target.elts) or not any(program.mentions(v) for v in value.elts) \
                or _touches_text(program, node):
            continue
        bound = {ast.unparse(t) for t in target.elts}
        if not any(isinstance(n, (ast.Name, ast.Attribute)) and ast.unparse(n) in bound for n in walk(value)):
            text = program.editor.original
            program.editor.replace_statement(node, "\n".join(f"{text(t)} = {text(v)}" for t, v in zip(target.elts, value.elts)))
            found = True
    return found


def _applied(program: Program, node: ast.expr) -> bool:
    """Whether an expression is what an optimizer applies."""
    call = program.editor.parent(node)
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "apply_gradients" and call.args[:1] == [node]


def _pairs_apart(program: Program) -> bool:
    """`apply_gradients([(f(g), v) for g, v in zip(grads, weights)])` as `apply_gradients(zip([f(g) for …], weights))`."""
    found = False
    lists: list[ast.List | ast.ListComp] = [*program.every(ast.List), *program.every(ast.ListComp)]
    for node in lists:
        if not _applied(program, node) or _touches_text(program, node):
            continue
        if isinstance(node, ast.List):
            pairs = [e for e in node.elts if isinstance(e, ast.Tuple) and len(e.elts) == 2]
            if len(pairs) != len(node.elts) or not pairs:
                continue
            grads, weights = (", ".join(program.editor.original(e.elts[i]) for e in pairs) for i in (0, 1))
            program.editor.replace(node, f"zip([{grads}], [{weights}])")
            found = True
            continue
        pair, loop = node.elt, node.generators[0]
        zipped = isinstance(loop.iter, ast.Call) and _named(loop.iter, "zip")
        if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2 or not isinstance(pair.elts[1], ast.Name) or len(node.generators) != 1 or loop.ifs \
                or not zipped or not isinstance(loop.target, ast.Tuple):
            continue
        sources = [s for t, s in zip(loop.target.elts, loop.iter.args) if isinstance(t, ast.Name) and t.id == pair.elts[1].id]  # type: ignore[attr-defined]
        if len(sources) == 1:
            whole, (start, _) = program.editor.original(node), program.editor.span(node)
            left, right = (at - start for at in program.editor.span(pair))
            grads = f"{whole[:left]}{program.editor.original(pair.elts[0])}{whole[right:]}"
            read = {n.id for n in walk(pair.elts[0]) if isinstance(n, ast.Name)}
            alone = [(t, s) for t, s in zip(loop.target.elts, loop.iter.args) if ast.unparse(t) in read]  # type: ignore[attr-defined]
            if len(alone) == 1:
                grads = f"[{program.editor.original(pair.elts[0])} for {ast.unparse(alone[0][0])} in {program.editor.original(alone[0][1])}]"
            program.editor.replace(node, f"zip({grads}, {program.editor.original(sources[0])})")
            found = True
    return found


def _assigns(program: Program, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and (isinstance(node.func, ast.Attribute) and node.func.attr in ("assign", "assign_add", "assign_sub")
                                           or program.api(node.func) in ("tf.assign", "tf.assign_add", "tf.assign_sub"))


def _unused(program: Program, name: str, others: Iterable[str], inside: ast.AST) -> str:
    """A name for the variable of a comprehension, which nothing inside it reads."""
    read = {n.id for n in walk(inside) if isinstance(n, ast.Name)}
    return program.fresh(name) if name in read or name in others else name


def _singular(name: str) -> str:
    """A name for an element of what has this name."""
    short = name.removesuffix("_vars").removesuffix("_params").removesuffix("_variables")
    return short if short != name and short else name[:-1] if name.endswith("s") and len(name) > 2 else f"{name}_item"


def _evaluated(program: Program) -> bool:
    """`[g.eval(feed) for g in grads]` as one run of the list."""
    found, tf = False, _tensorflow(program)
    for node in program.every(ast.ListComp):
        if len(node.generators) != 1 or node.generators[0].ifs or tf is None or _touches_text(program, node):
            continue
        call, loop = node.elt, node.generators[0]
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "eval" and isinstance(call.func.value, ast.Name) \
                and isinstance(loop.target, ast.Name) and call.func.value.id == loop.target.id and isinstance(loop.iter, (ast.Name, ast.Attribute)) \
                and len(call.args) <= 1 and all(k.arg == "feed_dict" for k in call.keywords):
            given = "".join(f", {program.editor.original(a)}" for a in [*call.args, *(k.value for k in call.keywords)])
            program.editor.replace(node, f"{tf}.get_default_session().run({program.editor.original(loop.iter)}{given})")
            found = True
    return found


def _last_of_loop(program: Program) -> bool:
    """`_, v = tf.while_loop(…)` as `v = tf.while_loop(…)[1]`."""
    found = False
    for node in program.every(ast.Assign):
        if isinstance(call := node.value, ast.Call) and program.api(call.func) == "tf.while_loop" \
                and len(node.targets) == 1 and isinstance(target := node.targets[0], ast.Tuple):
            kept = [(i, t) for i, t in enumerate(target.elts) if not (isinstance(t, ast.Name) and t.id == "_")]
            if len(kept) == 1 and len(target.elts) > 1:
                at, name = kept[0]
                program.editor.replace_statement(node, f"{program.editor.original(name)} = {program.editor.original(call)}[{at}]")
                found = True
    return found


def _unstacked(program: Program) -> bool:
    """`for part in tf.unstack(y)` in a comprehension as `for i in range(y.shape[0])`, with `y[i]` for the part."""
    found = False
    comprehensions: list[ast.ListComp | ast.GeneratorExp] = [*program.every(ast.ListComp), *program.every(ast.GeneratorExp)]
    for node in comprehensions:
        if len(node.generators) != 1 or _touches_text(program, node) or not any(
                isinstance(n, ast.Call) and program.api(n.func) == "tf.gradients" for n in walk(node.elt)):
            continue
        loop = node.generators[0]
        call = loop.iter
        if not isinstance(call, ast.Call) or program.api(call.func) != "tf.unstack" or len(call.args) != 1 or call.keywords \
                or not isinstance(loop.target, ast.Name) or not isinstance(call.args[0], (ast.Name, ast.Attribute)):
            continue
        said, index = program.editor.original(call.args[0]), _unused(program, "i", (), node)
        for use in walk(node.elt):
            if isinstance(use, ast.Name) and use.id == loop.target.id:
                program.editor.replace(use, f"{said}[{index}]")
        program.editor.replace(loop.target, index)
        program.editor.replace(call, f"range({said}.shape[0])")
        found = True
    return found


def _hessians(program: Program) -> bool:
    """`tf.hessians(f, x)[0]` of a vector x as the gradients of the parts of a gradient."""
    found, tf = False, _tensorflow(program)
    for call in program.every(ast.Call):
        if program.api(call.func) != "tf.hessians" or len(call.args) != 2 or any(k.arg != "name" for k in call.keywords) or tf is None:
            continue
        place = "".join(f", {program.editor.original(k)}" for k in call.keywords)
        outer, x = program.editor.parent(call), call.args[1]
        x = x.elts[0] if isinstance(x, (ast.List, ast.Tuple)) and len(x.elts) == 1 else x
        statement = program.editor.statement(call)
        if not isinstance(x, (ast.Name, ast.Attribute)) or not isinstance(statement, ast.Assign) or not _is_vector(program, x):
            continue
        unpacked = outer is statement and isinstance(t := statement.targets[0], ast.Tuple) and len(t.elts) == 1
        if not unpacked and not (isinstance(outer, ast.Subscript) and isinstance(outer.slice, ast.Constant) and outer.slice.value == 0):
            continue
        y, said = (program.editor.original(part) for part in (call.args[0], x))
        slope, index = program.fresh(f"slope_of_{y}" if y.isidentifier() else "slope"), _unused(program, "i", (), statement)
        rows = f"{tf}.stack([{tf}.gradients({slope}[{index}], {said}{place})[0] for {index} in range({said}.shape[0])])"
        program.editor.insert_before(statement, f"{slope} = {tf}.gradients({y}, {said})[0]")
        if unpacked:
            program.editor.replace_statement(statement, f"{program.editor.original(statement.targets[0].elts[0])} = {rows}")  # type: ignore[attr-defined]
        else:
            assert isinstance(outer, ast.Subscript)
            program.editor.replace(outer, rows)
        found = True
    return found


def _is_vector(program: Program, x: ast.expr) -> bool:
    """Whether a variable or a placeholder is of one axis, by how it is made."""
    made = program.attribute_values(program.class_around(x), x.attr) if isinstance(x, ast.Attribute) else [b.value for b in program.bindings(x)]  # type: ignore[arg-type]
    call = made[0] if len(made) == 1 else None
    if not isinstance(call, ast.Call):
        return False
    said = {str(k.arg): k.value for k in call.keywords}
    if program.api(call.func) in ("tf.get_variable", "tf.placeholder"):
        shape = said.get("shape", call.args[1] if len(call.args) > 1 else None)
        if isinstance(shape, (ast.List, ast.Tuple)):
            return len(shape.elts) == 1
        start = said.get("initializer")
    else:
        start = said.get("initial_value", call.args[0] if call.args else None)
    if program.api(call.func) not in VARIABLES:
        return False
    if isinstance(start, ast.Call) and start.args:
        path = program.api(start.func) or program.names.resolve(start.func) or ""
        if path in ("np.zeros", "np.ones", "tf.zeros", "tf.ones"):
            size = start.args[0]
            return len(size.elts) == 1 if isinstance(size, (ast.List, ast.Tuple)) else not isinstance(size, ast.Name) or program.kind(size) == "number"
        if path in ("np.array", "tf.constant"):
            start = start.args[0]
    return isinstance(start, ast.List) and all(program.kind(e) == "number" for e in start.elts)


def _counted(program: Program) -> bool:
    """`a, b = [tf.placeholder(…) for _ in range(2)]` with each of them written out."""
    found = False
    for node in program.every(ast.Assign):
        if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Tuple):
            continue
        value = node.value
        if not isinstance(value, (ast.ListComp, ast.GeneratorExp)) or len(value.generators) != 1 or value.generators[0].ifs or _touches_text(program, value):
            continue
        loop, made = value.generators[0], value.elt
        values = _values(loop.iter)
        if not isinstance(made, ast.Call) or program.api(made.func) not in _MAKERS or not isinstance(loop.target, ast.Name) \
                or len(values) != len(node.targets[0].elts):
            continue
        uses = [n for n in walk(made) if isinstance(n, ast.Name) and n.id == loop.target.id]
        start = program.editor.span(made)[0]
        texts = []
        for said in values:
            text = program.editor.original(made)
            for use in sorted(uses, key=lambda n: program.editor.span(n)[0], reverse=True):
                left, right = (at - start for at in program.editor.span(use))
                text = text[:left] + said + text[right:]
            texts.append(text)
        targets = [program.editor.original(t) for t in node.targets[0].elts]
        program.editor.replace_statement(node, "\n".join(f"{target} = {text}" for target, text in zip(targets, texts)))
        found = True
    return found


def _values(node: ast.expr) -> list[str]:
    """The texts of what a loop goes over, where that is written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [repr(letter) for letter in node.value]
    if isinstance(node, (ast.List, ast.Tuple)) and all(isinstance(e, ast.Constant) for e in node.elts):
        return [ast.unparse(e) for e in node.elts]
    if isinstance(node, ast.Call) and _named(node, "range") and len(node.args) == 1 and isinstance(count := node.args[0], ast.Constant):
        return [str(i) for i in range(count.value)] if isinstance(count.value, int) and count.value < 20 else []
    return []


def _chained(program: Program) -> bool:
    """`self.x = x = tf.…` under one name."""
    found = False
    for node in program.every(ast.Assign):
        if len(node.targets) != 2 or not program.mentions(node.value) and program.kind(node.value) != "tensor":
            continue
        kept = next((t for t in node.targets if isinstance(t, ast.Attribute)), node.targets[0])
        other = next(t for t in node.targets if t is not kept)
        if not isinstance(other, ast.Name) or not isinstance(kept, (ast.Name, ast.Attribute)) or len(program.bindings(other)) != 1 \
                or any(_in_text(program, use) for use in _uses(program, other)):
            continue
        for use in _uses(program, other):
            if use is not other:
                program.editor.replace(use, ast.unparse(kept))
        program.editor.replace_statement(node, f"{ast.unparse(kept)} = {program.editor.original(node.value)}")
        found = True
    return found


def _uses(program: Program, name: ast.Name) -> list[ast.Name]:
    """Where the name that this one is stands, in its scope and in those inside it."""
    scope = program.names.lookup(name.id, program.names.scope_of[name])
    return [n for n in program.every(ast.Name) if n.id == name.id and n in program.names.scope_of
            and program.names.lookup(n.id, program.names.scope_of[n]) is scope]


def _named(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == name


# ------------------------------------------------------------------------------------------------------ gradients and variables

def _appended(program: Program) -> bool:
    """`a = []` and `for x in xs: a.append(f(x))` as `a = [f(x) for x in xs]`, where f(x) is for the graph."""
    found = False
    for loop in program.every(ast.For):
        if loop.orelse or len(loop.body) != 1:
            continue
        inner, test = loop.body[0], ""
        if isinstance(inner, ast.If) and not inner.orelse and len(inner.body) == 1:
            test, inner = f" if {program.editor.original(inner.test)}", inner.body[0]
        call = inner.value if isinstance(inner, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "append" or len(call.args) != 1 \
                or not isinstance(call.func.value, ast.Name) or call.func.value not in program.names.scope_of:
            continue
        uses = _uses(program, call.func.value)
        starts = [n for n in uses if isinstance(n.ctx, ast.Store)]
        start = program.editor.statement(starts[0]) if len(starts) == 1 else None
        block = getattr(program.editor.parent(loop), "body", [])
        if not isinstance(start, ast.Assign) or ast.unparse(start.value) != "[]" or start.targets != starts or start not in block or loop not in block \
                or any(isinstance(p := program.editor.parent(n), ast.Attribute) and p.attr in ("append", "extend", "insert") and p is not call.func
                       for n in uses):
            continue
        names = {n.id for n in walk(loop.target) if isinstance(n, ast.Name)}
        after = [n for name in walk(loop.target) if isinstance(name, ast.Name) for n in _uses(program, name) if n not in set(walk(loop))]
        if any(isinstance(n.ctx, ast.Load) for n in after) or call.func.value.id in names or any(
                program.editor.span(n)[0] < program.editor.span(loop)[0] for n in uses if n not in starts):
            continue
        if not program.mentions(call.args[0]) and program.kind(call.args[0]) not in ("tensor", "tensors"):
            continue
        said, target, source = (program.editor.original(part) for part in (call.args[0], loop.target, loop.iter))
        program.editor.replace_statement(loop, f"{call.func.value.id} = [{said} for {target} in {source}{test}]")
        program.editor.delete(start)
        found = True
    return found


@dataclass(frozen=True)
class _Pairs:
    """Pairs of gradients and variables: the texts of the two lists."""

    grads: str
    weights: str


def _computed(program: Program) -> bool:
    """`opt.compute_gradients(loss, weights)` as `tf.gradients(loss, weights)`, and the pairs it gives as two lists."""
    for call in program.every(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "compute_gradients":
            parent = program.editor.parent(call)
            node = parent if isinstance(parent, ast.Assign) else _unzipped(program, parent) if isinstance(parent, ast.Starred) else None
            if node is not None and len(node.targets) == 1 and _compute(program, node, call):
                return True
    return False


def _compute(program: Program, node: ast.Assign, call: ast.Call) -> bool:
    given = dict(zip(("loss", "var_list"), call.args)) | {str(k.arg): k.value for k in call.keywords}
    target, tf = node.targets[0], _tensorflow(program)
    if set(given) - {"loss", "var_list"} or "loss" not in given or tf is None:
        return False
    if isinstance(target, ast.Tuple):
        names = [program.editor.original(t) for t in target.elts]
        said = program.editor.original(given["var_list"]) if "var_list" in given else f"{tf}.trainable_variables()"
        loss = program.editor.original(given["loss"])
        program.editor.replace_statement(node, f"{names[1]} = {said}\n{names[0]} = {tf}.gradients({loss}, {names[1]})")
        return True
    if not isinstance(target, (ast.Name, ast.Attribute)):
        return False
    owner = f"{ast.unparse(target.value)}." if isinstance(target, ast.Attribute) else ""
    lines = []
    weights = program.editor.original(given["var_list"]) if "var_list" in given else f"{tf}.trainable_variables()"
    if not isinstance(given.get("var_list"), (ast.Name, ast.Attribute)):
        name = owner + _free(program, "weights")
        lines.append(f"{name} = {weights}")
        weights = name
    grads = owner + _free(program, "grads")
    lines.append(f"{grads} = {tf}.gradients({program.editor.original(given['loss'])}, {weights})")
    edits: list[tuple[ast.AST, str]] = [(node, "\n".join(lines))]
    if not _spread(program, target, _Pairs(grads, weights), edits):
        return False
    for part, text in edits:
        if isinstance(part, ast.stmt):
            program.editor.replace_statement(part, text)
        else:
            assert isinstance(part, ast.expr)
            program.editor.replace(part, text)
    return True


def _tensorflow(program: Program) -> str | None:
    """The name that the module has for TensorFlow."""
    return next((n.id for n in program.every(ast.Name) if n in program.names.scope_of
                 and program.names.resolve(n) == "tf"), None)


def _free(program: Program, name: str) -> str:
    """A name like this one that neither a scope nor an object of the program has."""
    attributes = {n.attr for n in program.every(ast.Attribute)}
    while name in program.taken or name in attributes:
        name += "_"
    program.taken.add(name)
    return name


def _spread(program: Program, target: ast.expr, pairs: _Pairs, edits: list[tuple[ast.AST, str]]) -> bool:
    """Notes the edits for everything that reads a list of pairs. False when something is read that has no place in two lists."""
    inside = {id(n) for part, _ in edits for n in walk(part)}
    if isinstance(target, ast.Name):
        uses: list[ast.expr] = [n for n in _uses(program, target) if isinstance(n.ctx, ast.Load)]
        if len(program.bindings(target)) != 1:
            return False
    else:
        assert isinstance(target, ast.Attribute)
        uses = [n for n in program.every(ast.Attribute) if n.attr == target.attr and isinstance(n.ctx, ast.Load)]
    for use in sorted(uses, key=lambda n: (n.lineno, n.col_offset)):
        if id(use) in inside:
            continue
        parent = program.editor.parent(use)
        here = pairs
        if isinstance(use, ast.Attribute) and isinstance(target, ast.Attribute):
            there, now = f"{ast.unparse(target.value)}.", f"{ast.unparse(use.value)}."
            here = _Pairs(*(now + text.removeprefix(there) if text.startswith(there) else text for text in (pairs.grads, pairs.weights)))
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "apply_gradients":
            edits.append((use, f"zip({here.grads}, {here.weights})"))
        elif isinstance(parent, ast.Starred) and (lists := _unzipped(program, parent)) is not None:
            names = [program.editor.original(t) for t in lists.targets[0].elts]  # type: ignore[attr-defined]
            edits.append((lists, f"{names[0]} = {here.grads}\n{names[1]} = {here.weights}"))
        elif isinstance(parent, ast.comprehension) and isinstance(parent.target, ast.Tuple) and len(parent.target.elts) == 2:
            if not _spread_comprehension(program, parent, here, edits):
                return False
        elif isinstance(parent, ast.comprehension) and isinstance(parent.target, ast.Name):
            around = program.editor.parent(parent)
            reads = [n for n in walk(around) if isinstance(n, ast.Name) and n.id == parent.target.id and n is not parent.target]  # type: ignore[arg-type]
            parts = [program.editor.parent(n) for n in reads]
            if not all(isinstance(p, ast.Subscript) and isinstance(p.slice, ast.Constant) and p.slice.value in (0, 1) for p in parts):
                return False
            alone = {p.slice.value for p in parts}  # type: ignore[union-attr]
            lists_of = (here.grads, here.weights)
            edits += [(p, ("grad", "weight")[p.slice.value]) for p in parts]  # type: ignore[union-attr,misc]
            single = next(iter(alone)) if len(alone) == 1 else None
            edits.append((parent.target, "grad, weight" if single is None else ("grad", "weight")[single]))
            edits.append((use, f"zip({here.grads}, {here.weights})" if single is None else lists_of[single]))
        elif isinstance(parent, ast.For) and parent.iter is use and isinstance(parent.target, ast.Tuple):
            edits.append((use, f"zip({here.grads}, {here.weights})"))
        elif isinstance(parent, ast.Call) and _named(parent, "enumerate") and isinstance(loop := program.editor.parent(parent), ast.For) \
                and (change := _changed_pairs(loop, ast.unparse(use))) is not None:
            grad, new = change
            name = pairs.grads.rpartition(".")[0] + "." * ("." in pairs.grads) + _free(program, "clipped")
            edits.append((loop, f"{name} = [{program.editor.original(new)} for {grad} in {here.grads}]"))
            inside |= {id(n) for n in walk(loop)}
            pairs = _Pairs(name, pairs.weights)
        else:
            return False
    return True


def _unzipped(program: Program, star: ast.Starred) -> ast.Assign | None:
    """The statement `grads, weights = zip(*pairs)`."""
    call = program.editor.parent(star)
    statement = program.editor.parent(call) if isinstance(call, ast.Call) and _named(call, "zip") and len(call.args) == 1 else None
    fits = isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(t := statement.targets[0], ast.Tuple) and len(t.elts) == 2
    return statement if fits else None  # type: ignore[return-value]


def _changed_pairs(loop: ast.For, said: str) -> tuple[str, ast.expr] | None:
    """The gradient and the new one of `for i, (g, v) in enumerate(pairs): pairs[i] = (f(g), v)`, also where g is not None."""
    inner = loop.body[0] if len(loop.body) == 1 and not loop.orelse else None
    if isinstance(inner, ast.If) and not inner.orelse and len(inner.body) == 1 and _is_test(inner.test):
        inner = inner.body[0]
    index, pair = loop.target.elts if isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2 else (None, None)
    if not isinstance(inner, ast.Assign) or not isinstance(pair, ast.Tuple) or not isinstance(index, ast.Name) or len(pair.elts) != 2:
        return None
    new = inner.value
    if ast.unparse(inner.targets[0]) != f"{said}[{index.id}]" or not isinstance(new, ast.Tuple) or len(new.elts) != 2 \
            or ast.unparse(new.elts[1]) != ast.unparse(pair.elts[1]):
        return None
    read = {n.id for n in walk(new.elts[0]) if isinstance(n, ast.Name)}
    return None if read & {index.id, ast.unparse(pair.elts[1])} else (ast.unparse(pair.elts[0]), new.elts[0])


def _is_test(node: ast.expr) -> bool:
    """`g is not None`: of a variable that nothing depends on the gradient is zero here, which changes it as little."""
    return isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and isinstance(node.ops[0], ast.IsNot) \
        and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value is None


def _spread_comprehension(program: Program, loop: ast.comprehension, pairs: _Pairs, edits: list[tuple[ast.AST, str]]) -> bool:
    """A comprehension over pairs: of one of the two, of both, or one that gives new pairs."""
    around = program.editor.parent(loop)
    grad, weight = (ast.unparse(t) for t in loop.target.elts)  # type: ignore[attr-defined]
    if not isinstance(around, (ast.ListComp, ast.GeneratorExp)) or len(around.generators) != 1:
        return False
    tests = [t for t in loop.ifs if not (_is_test(t) and isinstance(around.elt, ast.Tuple))]
    statement = program.editor.parent(around)
    new = around.elt
    gives_pairs = isinstance(new, ast.Tuple) and len(new.elts) == 2 and ast.unparse(new.elts[1]) == weight
    result = new.elts[0] if gives_pairs and isinstance(new, ast.Tuple) else new
    read = {n.id for part in [result, *tests] for n in walk(part) if isinstance(n, ast.Name)}
    if tests:
        return False
    if weight not in read:
        head, source = grad, pairs.grads
    elif grad not in read:
        head, source = weight, pairs.weights
    else:
        head, source = f"{grad}, {weight}", f"zip({pairs.grads}, {pairs.weights})"
    text = f"[{program.editor.original(result)} for {head} in {source}]"
    if isinstance(around, ast.GeneratorExp):
        text = f"({text[1:-1]})"
    if not gives_pairs:
        edits.append((around, text))
        return True
    if _applied(program, around):
        edits.append((around, f"zip({text}, {pairs.weights})"))
        return True
    if not isinstance(statement, ast.Assign) or statement.value is not around or len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    if not isinstance(target, (ast.Name, ast.Attribute)):
        return False
    name = f"{ast.unparse(target)}_grads" if "grad" not in ast.unparse(target) else f"new_{ast.unparse(target)}"
    if isinstance(target, ast.Attribute):
        name = f"{ast.unparse(target.value)}.{name.rpartition('.')[2]}"
    edits.append((statement, f"{name} = {text}"))
    return _spread(program, target, _Pairs(name, pairs.weights), edits)


# ------------------------------------------------------------------------------------------------------------------- functions

def _placeholders_out(program: Program) -> bool:
    """A function that makes a placeholder, and gives it back with what it builds, is given the placeholder."""
    found = False
    for function in program.every(Function):
        calls, ends = program.calls.get(function, []), returns(function)
        result = ends[0] if len(ends) == 1 else None
        if len(calls) < 2 or not isinstance(result, ast.Tuple) or function.args.vararg or function.args.kwarg or function.decorator_list:
            continue
        made = {s.targets[0].id: s for s in walk(function) if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name)
                and isinstance(s.value, ast.Call) and program.api(s.value.func) == "tf.placeholder" and program.within.get(s) is function}
        names = [e.id for e in result.elts if isinstance(e, ast.Name) and e.id in made and _fixed(program, function, made[e.id].value)]
        statements = [program.editor.statement(call) for call in calls]
        if not names or len(names) == len(result.elts) or len(set(names)) != len(names) or not all(
                isinstance(s, ast.Assign) and s.value is call and len(s.targets) == 1 and isinstance(t := s.targets[0], ast.Tuple)
                and len(t.elts) == len(result.elts) and all(isinstance(e, (ast.Name, ast.Attribute)) for e in t.elts)
                for s, call in zip(statements, calls)):
            continue
        places = [i for i, e in enumerate(result.elts) if isinstance(e, ast.Name) and e.id in names]
        first = function.args.args[0] if function in program.owner and function.args.args else None
        at = program.editor.span(first)[1] if first is not None else _opening(program.editor, function)
        given = ", ".join(names)
        more = len(function.args.args) > (first is not None)
        program.editor.replace_span(at, at, f", {given}" if first is not None else f"{given}, " if more else given)
        for name in names:
            program.editor.delete(made[name])
        program.editor.replace(result, _listed([program.editor.original(e) for i, e in enumerate(result.elts) if i not in places]))
        for statement, call in zip(statements, calls):
            assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple)
            targets = [program.editor.original(e) for e in statement.targets[0].elts]
            lines = [f"{targets[i]} = {program.editor.original(made[name].value)}" for i, name in zip(places, names)]
            said = [*(targets[i] for i in places), *(program.editor.original(a) for a in [*call.args, *call.keywords])]  # type: ignore[arg-type]
            left = [t for i, t in enumerate(targets) if i not in places]
            lines.append(f"{', '.join(left)} = {program.editor.original(call.func)}({', '.join(said)})")
            program.editor.replace_statement(statement, "\n".join(lines))
        found = True
    return found


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts)


def _opening(editor: Editor, function: Function) -> int:
    """Where the parameters of a function begin."""
    start = editor.span(function)[0]
    return editor.source.index("(", editor.source.index(function.name, editor.source.index("def", start))) + 1


def _fixed(program: Program, function: Function, value: ast.expr) -> bool:
    """Whether an expression means the same in a function and where it is called: it reads nothing of the function but its object."""
    for node in walk(value):
        if isinstance(node, ast.Name) and node in program.names.scope_of:
            scope = program.names.lookup(node.id, program.names.scope_of[node])
            if scope is not None and scope.node is function and node.id != program.self_name(value):
                return False
    return True


def _helpers(program: Program) -> bool:
    """A function that takes gradients of what it is given stands where it is called: its ys are values, not functions."""
    for function in [n for n in program.tree.body if isinstance(n, Function)]:
        parameters = {a.arg for a in function.args.args}
        sites = [n for n in walk(function) if isinstance(n, ast.Call) and program.api(n.func) in ("tf.gradients", "tf.hessians") and n.args]
        given = [n for site in sites for n in walk(site.args[0]) if isinstance(n, ast.Name) and n.id in parameters]
        calls = program.calls.get(function, [])
        if given and calls and _fits(program, function) and sum(
                n.id == function.name for n in program.every(ast.Name)) == len(calls):
            outer = [c for c in calls if program.within.get(c) is not function]
            if outer and _put_in(program, function, outer[0], last=len(outer) == 1):
                return True
    return False


def _fits(program: Program, function: Function) -> bool:
    """Whether a function is a few assignments, choices by what is None, and one value at its end."""
    ends, arguments = returns(function), function.args
    if any(isinstance(n, ast.JoinedStr) for n in walk(function)):
        return False
    if len(ends) != 1 or not isinstance(function.body[-1], ast.Return) or function.decorator_list or arguments.vararg or arguments.kwarg:
        return False
    start = isinstance(function.body[0], ast.Expr) and isinstance(function.body[0].value, ast.Constant)
    def fits(node: ast.stmt) -> bool:
        chosen = isinstance(node, ast.If) and _none_test(node.test) and all(isinstance(i, ast.Assign) for i in [*node.body, *node.orelse])
        return chosen or isinstance(node, (ast.Assign, ast.For)) and not any(isinstance(n, ast.Return) for n in walk(node))

    return all(map(fits, function.body[start:-1]))


def _none_test(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and isinstance(test.ops[0], (ast.Is, ast.IsNot)) \
        and isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None


def _put_in(program: Program, function: Function, call: ast.Call, last: bool) -> bool:
    """Puts the body of a function where one of its calls is; the function goes with the `last` of them."""
    editor, statement = program.editor, program.editor.statement(call)
    around, current = [], editor.parent(call)
    while current is not None and current is not statement:
        around.append(current)
        current = editor.parent(current)
    own, home = program.names.scopes[function].bindings, program.within.get(statement, program.tree)
    inside = set(walk(function))
    there = {n.id for n in walk(home) if isinstance(n, ast.Name) and n not in inside} | set(program.names.scopes[home].bindings)
    there |= set(program.names.module.bindings)
    texts: dict[str, str] = {}
    before: list[str] = []
    for parameter in function.args.args:
        given = program.argument(function, call, parameter.arg) or program.default(function, parameter.arg)
        if given is None or len(own[parameter.arg]) != 1:
            return False
        if isinstance(given, (ast.Name, ast.Attribute, ast.Constant)):
            texts[parameter.arg] = editor.original(given)
        else:
            texts[parameter.arg] = program.fresh(parameter.arg) if parameter.arg in there else parameter.arg
            before.append(f"{texts[parameter.arg]} = {editor.original(given)}")
    locals_ = [name for name, bound in own.items() if name not in texts and all(isinstance(b.node, ast.Name) for b in bound)]
    if len(locals_) + len(texts) != len(own):
        return False
    texts.update({name: program.fresh(name) if name in there else name for name in locals_})
    source = editor.source
    lines = [*before]
    for inner in function.body[:-1]:
        for part in _chosen(inner, texts):
            lines.append(_substituted(program, part, function, texts, source))
    end = function.body[-1]
    assert isinstance(end, ast.Return) and end.value is not None
    value = _substituted(program, end.value, function, texts, source)
    if lines and any(isinstance(n, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)) for n in around) \
            or not isinstance(statement, (ast.Assign, ast.Return, ast.Expr)):
        return False
    if lines:
        editor.insert_before(statement, "\n".join(lines))
    editor.replace(call, value)
    if last:
        editor.delete(function, comments=False)
    return True


def _chosen(statement: ast.stmt, texts: dict[str, str]) -> list[ast.stmt]:
    """A statement, or those of the branch that a test for None takes; no docstring."""
    if isinstance(statement, ast.Expr):
        return []
    if isinstance(statement, ast.If):
        assert isinstance(statement.test, ast.Compare) and isinstance(statement.test.left, ast.Name)
        none = texts.get(statement.test.left.id) == "None"
        return statement.body if none == isinstance(statement.test.ops[0], ast.Is) else statement.orelse
    return [statement]


def _substituted(program: Program, node: ast.expr | ast.stmt, function: Function, texts: dict[str, str], source: str) -> str:
    """The text of a piece of a function with its names replaced."""
    start, end = program.editor.span(node)
    found = source[start:end]
    names = [n for n in walk(node) if isinstance(n, ast.Name) and n.id in texts and n in program.names.scope_of
             and (scope := program.names.lookup(n.id, program.names.scope_of[n])) is not None and scope.node is function]
    for name in sorted(names, key=lambda n: program.editor.span(n)[0], reverse=True):
        left, right = (at - start for at in program.editor.span(name))
        found = found[:left] + texts[name.id] + found[right:]
    return found if isinstance(node, ast.stmt) or "\n" not in found else f"({found})"


def _connected(program: Program) -> bool:
    """`g if g is not None else tf.zeros_like(v)` as `g`: what comes out as None there is zero here, or has no direct form."""
    found = False
    for node in program.every(ast.IfExp):
        if _none_test(node.test) and isinstance(node.test, ast.Compare):
            kept, other = (node.body, node.orelse) if isinstance(node.test.ops[0], ast.IsNot) else (node.orelse, node.body)
            if isinstance(other, ast.Call) and program.api(other.func) == "tf.zeros_like" and ast.unparse(kept) == ast.unparse(node.test.left):
                program.editor.replace(node, program.editor.original(kept))
                found = True
    return found


def _inlined(program: Program, roles: Sequence[str] = ("graph",)) -> bool:
    """A function of the module that builds or runs a part of the graph, and is called once, stands where it is called."""
    for function in [n for n in program.tree.body if isinstance(n, Function)]:
        calls = program.calls.get(function, [])
        if len(calls) == 1 and program.role(function) in roles and not program.editor.changed and _inline(program, function, calls[0]):
            return True
    return False


def _all_inlined(program: Program) -> bool:
    return _inlined(program, ("graph", "maker", "layer"))


def _inline(program: Program, function: Function, call: ast.Call) -> bool:
    editor, ends, arguments = program.editor, returns(function), function.args
    statement = editor.statement(call)
    if function.decorator_list or arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs or len(ends) > 1 \
            or ends and not isinstance(function.body[-1], ast.Return) or any(isinstance(a, ast.Starred) for a in call.args):
        return False
    if any(isinstance(n, (ast.JoinedStr, ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom)) or isinstance(n, ast.Return) and n.value is None
           for n in walk(function)):
        return False
    if sum(n.id == function.name for n in program.every(ast.Name)) != 1 or _repeated(editor, statement):
        return False
    home = program.within.get(statement, program.tree)
    if isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1 and ends:
        pairs = _pairs(statement.targets[0], ends[0])
    elif isinstance(statement, ast.Expr) and statement.value is call:
        pairs = []
    else:
        return False
    if pairs is None or _is_guarded(editor, statement):
        return False
    there = {n.id for n in walk(home) if isinstance(n, ast.Name)} | set(program.names.scopes[home].bindings)
    if home is program.tree:
        there = set(program.names.module.bindings)
    there |= {n.id for target, _ in pairs for n in walk(target) if isinstance(n, ast.Name)}
    own = program.names.scopes[function].bindings
    texts: dict[str, str] = {}
    for target, value in pairs:
        if isinstance(value, ast.Name) and value.id in own and value.id not in texts and _only_assigned(program, function, value.id) \
                and (not isinstance(target, ast.Name) or len(program.bindings(target)) == 1):
            texts[value.id] = ast.unparse(target)
    before: list[str] = []
    for parameter in arguments.args:
        given = program.argument(function, call, parameter.arg) or program.default(function, parameter.arg)
        if given is None:
            return False
        if isinstance(given, (ast.Name, ast.Attribute, ast.Constant)) and len(own[parameter.arg]) == 1:
            texts[parameter.arg] = editor.original(given)
        else:
            texts[parameter.arg] = program.fresh(parameter.arg) if parameter.arg in there else parameter.arg
            before.append(f"{texts[parameter.arg]} = {editor.original(given)}")
    for name, bound in own.items():
        if name not in texts and name in there:
            if any(not isinstance(b.node, ast.Name) for b in bound):
                return False
            texts[name] = program.fresh(name)
    for node in walk(function):
        if isinstance(node, ast.Name) and node.id in texts and node in program.names.scope_of:
            scope = program.names.lookup(node.id, program.names.scope_of[node])
            if scope is not None and scope.node is function:
                editor.replace(node, texts[node.id])
    after = [f"{ast.unparse(target)} = {editor.text(value)}" for target, value in pairs
             if not (isinstance(value, ast.Name) and texts.get(value.id) == ast.unparse(target))]
    documented = isinstance(function.body[0], ast.Expr) and isinstance(function.body[0].value, ast.Constant)
    body = function.body[documented:len(function.body) - bool(ends)]
    text = editor.block(body, "") if body else ""
    editor.replace_statement(statement, "\n".join([*before, *([text] if text else []), *after]))
    editor.delete(function, comments=False)
    return True


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]] | None:
    """What is bound to what when a function's result is given to a target; None where that is not written out."""
    if isinstance(target, (ast.Name, ast.Attribute)):
        return None if isinstance(value, (ast.Tuple, ast.List, ast.Dict)) else [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts) \
            and all(isinstance(t, (ast.Name, ast.Attribute)) for t in target.elts):
        return list(zip(target.elts, value.elts))
    return None


def _only_assigned(program: Program, function: Function, name: str) -> bool:
    """Whether a name of a function is bound by plain assignments alone."""
    for binding in program.names.scopes[function].bindings[name]:
        parent = program.editor.parent(binding.node)
        while isinstance(parent, (ast.Tuple, ast.List)):
            parent = program.editor.parent(parent)
        if not isinstance(binding.node, ast.Name) or not isinstance(parent, (ast.Assign, ast.AugAssign)):
            return False
    return True


def _repeated(editor: Editor, statement: ast.stmt) -> bool:
    """Whether a statement stands in a loop."""
    current = editor.parent(statement)
    while current is not None and not isinstance(current, _SCOPES):
        if isinstance(current, (ast.For, ast.While, ast.Try)):
            return True
        current = editor.parent(current)
    return False


def _is_guarded(editor: Editor, statement: ast.stmt) -> bool:
    """Whether a statement is `main()` under `if __name__ == …`, which a program keeps as it is."""
    parent = editor.parent(statement)
    return isinstance(parent, ast.If) and isinstance(parent.test, ast.Compare) and isinstance(parent.test.left, ast.Name) \
        and parent.test.left.id == "__name__"


__all__ = ["NotDirect", "places", "simplified", "with_places"]
