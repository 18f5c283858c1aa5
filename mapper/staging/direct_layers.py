"""Layers in the direct form: functions that make their variables by name. In MindSpore the Parameters are made when they are asked
for first, and known by the names that TensorFlow gives them."""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from mapper.edit import walk
from mapper.staging.direct_program import Function, NotDirect, Program, Put

DENSE = "tf.layers.dense"
REUSE = frozenset({"reuse_variables"})
_DENSE_ORDER = ("inputs", "units", "activation", "use_bias", "kernel_initializer", "bias_initializer")
_PURE = frozenset(f"np.{name}" for name in ("zeros", "ones", "full", "eye", "array", "asarray", "sqrt", "linspace", "arange", "float32"))
_VIEWS = frozenset({"reshape", "astype", "copy", "transpose", "ravel", "flatten", "dot"})  # methods of arrays that draw nothing
Piece = tuple[bool, str]  # whether it is literal text, and the text


def is_layered(program: Program) -> bool:
    """Whether a program keeps its variables by name: it has functions that make some for the tensors they are given, or asks for some by name."""
    for node in walk(program.tree):
        if isinstance(node, Function) and program.role(node) == "layer":
            return True
        if isinstance(node, ast.Call) and program.api(node.func) == "tf.get_collection" or isinstance(node, ast.comprehension) and any(
                isinstance(n, ast.Attribute) and n.attr in ("name", "op") for test in node.ifs for n in walk(test)):
            return True
        if isinstance(node, ast.Call) and (program.api(node.func) == DENSE or program.api(node.func) == "tf.variable_scope"
                                           and any(k.arg == "reuse" for k in node.keywords) or is_reuse(program, node)):
            return True
    return False


def is_reuse(program: Program, node: ast.AST) -> bool:
    """`scope.reuse_variables()`, which has no meaning where a name is enough."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REUSE and not node.args and not node.keywords


def reuses(program: Program) -> bool:
    """Whether a program asks for variables that are there already."""
    return any(isinstance(n, ast.keyword) and n.arg == "reuse" or is_reuse(program, n) for n in walk(program.tree))


def check_start(program: Program, start: ast.expr) -> None:
    """Raises NotDirect when an initial value is drawn in a layer that is called again for the same variables: TensorFlow draws again."""
    for call in walk(start):
        if isinstance(call, ast.Call) and program.api(call.func) is None and (program.names.resolve(call.func) or "") not in _PURE \
                and not (isinstance(call.func, ast.Attribute) and call.func.attr in _VIEWS) and layer_around(program, call) is not None and reuses(program):
            raise NotDirect("initial values that are drawn in a layer")


def makes(program: Program, node: ast.AST) -> bool:
    """Whether code calls something that makes variables by name."""
    return any(isinstance(n, ast.Call) and (program.api(n.func) == DENSE or isinstance(f := program.callee(n), Function) and program.role(f) == "layer")
               for n in walk(node))


# ----------------------------------------------------------------------------------------------------------------------- scopes

def scope_argument(program: Program, item: ast.withitem) -> ast.expr | None:
    """The name of the scope that `with tf.variable_scope(...)` opens; None for something else. Raises NotDirect."""
    call = item.context_expr
    if not isinstance(call, ast.Call) or program.api(call.func) != "tf.variable_scope":
        return None
    if len(call.args) != 1 or any(k.arg != "reuse" for k in call.keywords):
        raise NotDirect("the arguments of tf.variable_scope")
    if item.optional_vars is not None:
        name = item.optional_vars
        uses = [n for n in walk(program.tree) if isinstance(name, ast.Name) and isinstance(n, ast.Name) and n.id == name.id
                and isinstance(n.ctx, ast.Load) and program.names.lookup(n.id, program.names.scope_of[n]) is
                program.names.lookup(name.id, program.names.scope_of[name])]
        if not isinstance(name, ast.Name) or any(not isinstance(a := program.editor.parent(n), ast.Attribute) or a.attr not in REUSE for n in uses):
            raise NotDirect("a scope with a name")
    return call.args[0]


def scopes_around(program: Program, node: ast.AST) -> list[ast.expr]:
    """The names of the variable scopes around a node in its function, from the outside in."""
    found: list[ast.expr] = []
    inner, current = node, program.editor.parent(node)
    while current is not None and not isinstance(current, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
        if isinstance(current, ast.With) and not any(inner is item for item in current.items):
            found = [name for item in current.items if (name := scope_argument(program, item)) is not None] + found
        inner, current = current, program.editor.parent(current)
    return found


def takes_scope(program: Program, function: ast.AST, seen: frozenset[ast.AST] = frozenset()) -> bool:
    """Whether some call of a layer is inside of a scope, whose name it has to know then."""
    for call in program.calls.get(function, []) if function not in seen else ():
        home = layer_around(program, call)
        if scopes_around(program, call) or home is not None and takes_scope(program, home, seen | {function}):
            return True
    return False


def layer_around(program: Program, node: ast.AST) -> Function | None:
    function = program.within.get(node)
    return function if function is not None and program.role(function) == "layer" else None


def scope_name(program: Program, function: Function) -> str:
    """The name of the argument that tells a layer the scope it is called in."""
    bound = program.names.scopes[function].bindings if function in program.names.scopes else {}
    return next(name for name in ("scope", "prefix", "outer_scope", "name_prefix") if name not in bound)


def prefix_at(program: Program, node: ast.AST, put: Put = lambda node: None) -> list[Piece]:
    """The pieces of the prefix that the variables made at a node have; `put` gives the text of parts of names that stand for something else."""
    pieces: list[Piece] = []
    function = layer_around(program, node)
    if function is not None and takes_scope(program, function):
        pieces.append((False, scope_name(program, function)))
    for name in scopes_around(program, node):
        pieces += [*pieces_of(program, name, put), (True, "/")]
    return pieces


def pieces_of(program: Program, node: ast.expr, put: Put = lambda node: None) -> list[Piece]:
    """A name as pieces of literal text and of code. Raises NotDirect."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [(True, node.value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*pieces_of(program, node.left, put), *pieces_of(program, node.right, put)]
    if isinstance(node, ast.JoinedStr):
        # the places of what is inside are not known before Python 3.12
        found: list[Piece] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                found.append((True, str(part.value)))
            elif isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None and isinstance(part.value, ast.Name):
                found.append((False, part.value.id if put(part.value) is None else str(put(part.value))))
            else:
                raise NotDirect("the name of a scope")
        return found
    if program.mentions(node) or any(isinstance(n, ast.JoinedStr) for n in walk(node)):
        raise NotDirect("the name of a scope")
    return [(False, program.render(node, put))]


def joined(pieces: list[Piece]) -> str:
    """The expression of a name made of pieces."""
    if all(literal for literal, _ in pieces):
        return repr("".join(text for _, text in pieces))
    if len(pieces) == 1:
        return pieces[0][1]
    if all(literal or text.replace(".", "_").isidentifier() for literal, text in pieces):
        inner = "".join(text.replace("{", "{{").replace("}", "}}") if literal else f"{{{text}}}" for literal, text in pieces)
        return f"f{inner!r}"
    merged: list[Piece] = []
    for literal, text in pieces:
        if literal and merged and merged[-1][0]:
            merged[-1] = True, merged[-1][1] + text
        else:
            merged.append((literal, text))
    return " + ".join(repr(text) if literal else text if text.replace(".", "_").isidentifier() else f"({text})" for literal, text in merged)


# ------------------------------------------------------------------------------------------------------------------------ text

def layer_text(program: Program, call: ast.Call, put: Put) -> str | None:
    """The text of a call that makes variables by name; None for other calls. Raises NotDirect."""
    api = program.api(call.func)
    if api == "tf.get_variable":
        from mapper.staging.direct import variable_text

        for part in [*call.args[1:], *(k.value for k in call.keywords)]:
            check_start(program, part)
        return variable_text(program, call, None, prefix_at(program, call, put), put)
    if api == DENSE:
        return _dense(program, call, put)
    if program.holds_initializer(call) and program.callee(call) is None:
        from mapper.staging.direct import start_text

        size = _size_name(call)
        return f"lambda {size}: {start_text(program, call, ast.Name(size, ast.Load()), size)}"
    function = program.callee(call)
    if isinstance(function, Function) and program.role(function) == "layer":
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            raise NotDirect("a layer that is given its arguments in a list")
        text = program.spliced(call, put)
        pieces = prefix_at(program, call, put)
        if takes_scope(program, function) and pieces:
            end = ", " if call.args or call.keywords else ""
            return f"{text.rstrip()[:-1].rstrip().removesuffix(',')}{end}{scope_name(program, function)}={joined(pieces)})"
        return text
    return None


def _dense(program: Program, call: ast.Call, put: Put) -> str:
    """`dense_layer(...)` for tf.layers.dense."""
    from mapper.staging.direct import start_text

    given = dict(zip(_DENSE_ORDER, call.args)) | {str(k.arg): k.value for k in call.keywords}
    name = given.pop("name", None)
    if len(call.args) > len(_DENSE_ORDER) or set(given) - {*_DENSE_ORDER, "reuse"} or name is None or not {"inputs", "units"} <= set(given):
        raise NotDirect("the arguments of tf.layers.dense")
    parts = [program.render(given["inputs"], put), program.render(given["units"], put)]
    parts.append(joined([*prefix_at(program, call, put), *pieces_of(program, name, put)]))
    if "activation" in given and not (isinstance(given["activation"], ast.Constant) and given["activation"].value is None):
        parts.append(f"activation={program.render(given['activation'], put)}")
    if "use_bias" in given:
        parts.append(f"use_bias={program.editor.original(given['use_bias'])}")
    for key, short in (("kernel_initializer", "kernel"), ("bias_initializer", "bias")):
        if key in given:
            start = given[key]
            check_start(program, start)
            known = (isinstance(start, ast.Name) or program.api(getattr(start, "func", None)) is None) and program.holds_initializer(start)
            parts.append(f"{short}={program.editor.original(start)}" if known else
                         f"{short}=lambda {_size_name(start)}: {start_text(program, start, ast.Name(_size_name(start), ast.Load()), _size_name(start))}")
    program.carried.add("dense_layer")
    return f"dense_layer({', '.join(parts)})"


def _size_name(start: ast.expr) -> str:
    """A name for the shape that an initial value is made for, which its expression does not read."""
    read = {n.id for n in walk(start) if isinstance(n, ast.Name)}
    return next(name for name in ("shape", "size", "dims", "extent") if name not in read)


def header_edit(program: Program, function: Function) -> None:
    """Gives a layer the argument that tells it the scope it is called in."""
    if not takes_scope(program, function):
        return
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        raise NotDirect("a layer with any number of arguments")
    known: list[ast.expr | ast.arg] = [*arguments.args, *arguments.defaults]
    last = max(program.editor.span(n)[1] for n in known)
    program.editor.replace_span(last, last, f", {scope_name(program, function)}=''")


def filtered(program: Program, node: ast.expr, known: Callable[[ast.expr], bool]) -> list[tuple[ast.expr, str]] | None:
    """What changes in a choice of variables by their names, as in `[v for v in tf.trainable_variables() if v.name.startswith("a")]`.

    None for other expressions; `known` tells what holds variables."""
    if program.api(getattr(node, "func", None)) in ("tf.trainable_variables", "tf.get_collection"):
        return [(node, registry_text(program, node))]  # type: ignore[arg-type]
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return [] if known(node.value) else filtered(program, node.value, known)
    if not isinstance(node, ast.ListComp) or len(node.generators) != 1:
        return None
    loop = node.generators[0]
    if not isinstance(loop.target, ast.Name) or not isinstance(node.elt, ast.Name) or node.elt.id != loop.target.id:
        return None
    inner = [] if known(loop.iter) else filtered(program, loop.iter, known)
    if inner is None:
        return None
    return [*inner, *(edit for test in loop.ifs for edit in attributes(program, test, loop.target.id, compared=True))]


def attributes(program: Program, node: ast.AST, name: str, compared: bool = False) -> Iterator[tuple[ast.expr, str]]:
    """What the attributes of a variable called `name` become in code of the program; `compared` says that they choose variables.

    Raises NotDirect for what Parameters do not have."""
    for inner in walk(node):
        if not isinstance(inner, ast.Name) or inner.id != name or not isinstance(inner.ctx, ast.Load):
            continue
        parent = program.editor.parent(inner)
        if not isinstance(parent, ast.Attribute):
            if compared:
                raise NotDirect("a choice of variables")
            continue
        outer = program.editor.parent(parent)
        if parent.attr == "op" and isinstance(outer, ast.Attribute) and outer.attr == "name":
            yield outer, f"{name}.name"
        elif parent.attr in ("get_shape", "shape") and not compared:
            call = outer if parent.attr == "get_shape" and isinstance(outer, ast.Call) else parent
            above = program.editor.parent(call)
            listed = program.editor.parent(above) if isinstance(above, ast.Attribute) and above.attr == "as_list" else None
            yield (listed, f"list({name}.shape)") if isinstance(listed, ast.Call) else (call, f"{name}.shape")
        elif parent.attr == "initialized_value" and isinstance(outer, ast.Call):
            yield outer, name
        elif parent.attr == "name" and not compared:
            yield parent, f"({name}.name + ':0')"
        elif parent.attr != "name" or not _asks_for_a_part(parent, outer) or any(isinstance(n, ast.Constant) and ":" in str(n.value) for n in walk(node)):
            raise NotDirect(f"the attribute {parent.attr} of a variable")


def _asks_for_a_part(name: ast.expr, outer: ast.AST | None) -> bool:
    """Whether a name is asked only for how it begins or what is in it."""
    if isinstance(outer, ast.Attribute):
        return outer.attr == "startswith"
    return isinstance(outer, ast.Compare) and outer.comparators == [name] and isinstance(outer.ops[0], (ast.In, ast.NotIn))


def _updates_before(program: Program, call: ast.Call) -> bool:
    """Whether an optimizer may have made variables of its own, or the program some that are not trained, before a call."""
    return any(isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in ("minimize", "apply_gradients") and n.lineno < call.lineno
               or isinstance(n, ast.keyword) and n.arg == "trainable" for n in walk(program.tree))


def registry_text(program: Program, call: ast.Call) -> str:
    """The Parameters for tf.trainable_variables() or tf.get_collection of them."""
    given = dict(zip(("key", "scope"), call.args)) | {str(k.arg): k.value for k in call.keywords}
    if program.api(call.func) == "tf.trainable_variables":
        given = dict(zip(("scope",), call.args)) | {str(k.arg): k.value for k in call.keywords}
    elif (key := program.api(given.pop("key", None))) != "tf.GraphKeys.TRAINABLE_VARIABLES" and not (
            key == "tf.GraphKeys.GLOBAL_VARIABLES" and "scope" in given and not _updates_before(program, call)):
        raise NotDirect("a collection")
    scope = given.pop("scope", None)
    if given:
        raise NotDirect("the arguments of a collection")
    program.carried.add("get_parameter")
    if scope is None:
        return "list(parameters.values())"
    return f"[weight for name, weight in parameters.items() if name.startswith({program.editor.original(scope)})]"
