"""Silent defects of MindSpore, found in MindSpore code: gradients that come out wrong without an error.

What is looked for was measured on MindSpore 2.10. Each finding says what happens and what to write instead."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mapper.checking import Program
from mapper.results import Finding
from mapper.signature import known, literal

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DIRECT = frozenset({"ms.grad", "ms.value_and_grad"})
_FIRST = _DIRECT | {"ms.vjp", "ms.jvp", "ms.jacrev", "ms.jacfwd"}
_COMPILED = frozenset({"ms.jit", "ms.ms_function"})
_INTEGERS = frozenset({"ms.int8", "ms.int16", "ms.int32", "ms.int64", "ms.uint8", "ms.bool_"})
_ARRAYS = frozenset(f"np.{name}" for name in ("array", "asarray", "ones", "zeros", "full", "eye", "arange", "linspace", "random.randn", "random.rand"))
_CUTS = frozenset({"asnumpy", "item", "numpy"})


@dataclass(frozen=True)
class Gradient:
    """A gradient function: where it is made, the function that it differentiates, and how it was asked for."""

    node: ast.Call
    function: ast.expr
    options: dict[str, ast.expr]
    weights: bool


def defects(program: Program) -> Iterator[Finding]:
    """All silent defects that a module's text shows."""
    if "ms" not in {name.split(".")[0] for name in _roots(program)}:
        return
    gradients = list(gradient_functions(program))
    bodies = {g.node: list(_bodies(program, g.function)) for g in gradients}
    for gradient in gradients:
        yield from _about_function(program, gradient, bodies[gradient.node])
        yield from _about_calls(program, gradient, bodies[gradient.node])
        yield from _nested(program, gradient, bodies, gradients)
    yield from _several_gradients(program, gradients)
    yield from _unnamed_parameters(program)


def _roots(program: Program) -> Iterator[str]:
    for bound in program.names.module.bindings.values():
        for binding in bound:
            if binding.path and binding.path.split(".")[0] == "mindspore":
                yield "ms"
    if any(star.split(".")[0] == "mindspore" for star in program.names.stars):
        yield "ms"
    for scope in program.names.scopes.values():
        if any((b.path or "").startswith("mindspore") for bound in scope.bindings.values() for b in bound):
            yield "ms"
            return


# ---- gradient functions and what they differentiate ----------------------------------------------------------------
def gradient_functions(program: Program) -> Iterator[Gradient]:
    """Every `GradOperation(…)(f)` and `ms.grad(f)` of a module; the GradOperation may have been stored before."""
    for call in program.all(ast.Call):
        if program.api(call.func) in _FIRST and call.args:
            yield Gradient(call, call.args[0], {}, True)
            continue
        made = call.func if isinstance(call.func, ast.Call) else program.instances.get(program.holder(call.func) or "")
        if isinstance(made, ast.Call) and program.api(made.func) == "ops.GradOperation" and call.args:
            names = ("get_all", "get_by_list", "sens_param")
            options = {**dict(zip(names, made.args)), **{k.arg: k.value for k in made.keywords if k.arg}}
            weights = len(call.args) > 1 or any(k.arg == "weights" for k in call.keywords)
            yield Gradient(call, call.args[0], options, weights)


def _bodies(program: Program, function: ast.expr, depth: int = 3) -> Iterator[ast.AST]:
    """The definitions behind the function of a gradient, and those of the module that they call."""
    seen: set[ast.AST] = set()
    waiting: list[tuple[ast.AST, int]] = [(body, depth) for body in _definitions(program, function)]
    while waiting:
        body, left = waiting.pop()
        if body in seen:
            continue
        seen.add(body)
        yield body
        if left:
            for call in ast.walk(body):
                if isinstance(call, ast.Call):
                    waiting += [(inner, left - 1) for inner in _definitions(program, call.func)]


def _definitions(program: Program, node: ast.expr) -> Iterator[ast.AST]:
    """The functions of the module that an expression may stand for: by name, as a method, as the construct of a cell."""
    if isinstance(node, ast.Lambda):
        yield node
    elif isinstance(node, ast.Name) and node in program.names.scope_of:
        for binding in program.names.bindings(node):
            if isinstance(binding.node, _FUNCTIONS):
                yield binding.node
            elif isinstance(binding.value, ast.Lambda):
                yield binding.value
            elif isinstance(binding.value, ast.Call):
                yield from _constructs(program, binding.value)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        owner = next(program.around(node, ast.ClassDef), None)
        if isinstance(owner, ast.ClassDef):
            yield from (part for part in owner.body if isinstance(part, _FUNCTIONS) and part.name == node.attr)
        made = program.instances.get(program.holder(node) or "")
        if made is not None:
            yield from _constructs(program, made)
    elif isinstance(node, ast.Call):
        yield from _constructs(program, node)


def _constructs(program: Program, call: ast.Call) -> Iterator[ast.AST]:
    """The construct of the class that a call makes an object of."""
    if isinstance(call.func, ast.Name) and call.func in program.names.scope_of:
        for binding in program.names.bindings(call.func):
            if isinstance(binding.node, ast.ClassDef):
                yield from (part for part in binding.node.body if isinstance(part, _FUNCTIONS) and part.name == "construct")


def _compiled(program: Program, node: ast.AST) -> bool:
    """Whether a place runs as a compiled graph: GRAPH_MODE is set somewhere, or a decorator says so."""
    return program.graph_mode or any(program.api(d.func if isinstance(d, ast.Call) else d) in _COMPILED for f in (node, *program.around(node, *_FUNCTIONS))
               for d in getattr(f, "decorator_list", ()))


# ---- what is wrong with one ----------------------------------------------------------------------------------------
def _about_function(program: Program, gradient: Gradient, bodies: list[ast.AST]) -> Iterator[Finding]:
    function, node = gradient.function, gradient.node
    if isinstance(function, ast.Name) and function in program.names.scope_of:
        values = [b.value for b in program.names.bindings(function) if b.value is not None]
        function = values[0] if len(values) == 1 and isinstance(values[0], ast.Call) else function
    made = (program.api(function.func) if isinstance(function, ast.Call) else None) or ""
    if made in ("functools.partial", "ops.partial", "ops.Partial") or re.match(r"ops\.[A-Z]", made) and made != "ops.GradOperation":
        yield program.finding("M507", "warning", node, "gradients",
                              f"{ast.unparse(function)} as the function of a gradient: MindSpore refuses partial objects and primitives; write a def around it")
    if _true(gradient.options.get("get_by_list")) and not gradient.weights:
        yield program.finding("M504", "warning", node, "gradients", "get_by_list=True without weights: all trainable parameters in PyNative mode, none in "
                              "GRAPH_MODE; give ParameterTuple(net.trainable_params())")
    for body in bodies:
        for part in ast.walk(body):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in _CUTS and not part.args and _used(program, part):
                yield program.finding("M508", "warning", part, "gradients", f".{part.func.attr}() inside a function that is differentiated cuts the gradient: "
                                      "what follows from it counts as a constant; keep to tensors")
            elif isinstance(part, ast.BinOp) and _is_array(program, part.left) and not _is_array(program, part.right) and not known(literal(part.right)):
                yield program.finding("M508", "warning", part.left, "add", f"{ast.unparse(part.left)} is an array on the left of an operator: "
                                      "with a tensor on the right the result is an array, and the gradient is cut; write ms.Tensor(…)")
            elif isinstance(part, ast.BinOp) and _is_array(program, part.right) and not _is_array(program, part.left) and not known(literal(part.left)):
                yield program.finding("M507", "warning", part.right, "add", f"{ast.unparse(part.right)} is an array on the right of an operator: "
                                      "with a tensor on the left MindSpore raises TypeError; write ms.Tensor(…)")
            elif isinstance(part, ast.Subscript) and _negative_step(part.slice):
                yield program.finding("M505", "warning", part, "subscript", f"{ast.unparse(part)} under a gradient: MindSpore's gradient through a negative "
                                      "step is zero for a vector and an error for a matrix; use ops.flip")


def _is_array(program: Program, node: ast.expr) -> bool:
    """Whether an expression is surely an array of NumPy's: a call of its functions that make one, or a name that holds one."""
    if isinstance(node, ast.Name) and node in program.names.scope_of:
        values = [binding.value for binding in program.names.bindings(node)]
        return len(values) == 1 and isinstance(values[0], ast.Call) and program.api(values[0].func) in _ARRAYS
    return isinstance(node, ast.Call) and program.api(node.func) in _ARRAYS


def _used(program: Program, call: ast.Call) -> bool:
    """Whether a value goes on into the computation, and is not only printed or kept."""
    return not any(isinstance(around, ast.Call) and isinstance(around.func, ast.Name) and around.func.id in ("print", "append", "float", "str")
                   or isinstance(around, (ast.JoinedStr, ast.Expr)) for around in _within_statement(program, call))


def _within_statement(program: Program, node: ast.AST) -> Iterator[ast.AST]:
    current = program.parents.get(node)
    while current is not None:
        yield current
        if isinstance(current, ast.stmt):
            return
        current = program.parents.get(current)


def _negative_step(node: ast.expr) -> bool:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(part, ast.Slice) and isinstance(step := literal(part.step), int) and step < 0 for part in parts)


def _true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _about_calls(program: Program, gradient: Gradient, bodies: list[ast.AST]) -> Iterator[Finding]:
    for call in _calls_of(program, gradient):
        tensors = [a for a in call.args if isinstance(a, ast.Name)]
        names = [a.id for a in tensors]
        twice = next((a for i, a in enumerate(tensors) if a.id in names[:i]), None)
        if twice is not None and not _compiled(program, call):
            yield program.finding("M503", "warning", twice, "gradients", f"{twice.id} is given twice: PyNative mode tells tensors apart by identity, and each "
                                  f"of the two gradients is the sum of both; pass a copy, such as {twice.id} + 0")
        for tensor in dict.fromkeys(names):
            captured = next((p for body in bodies for p in ast.walk(body) if isinstance(p, ast.Name) and p.id == tensor and isinstance(p.ctx, ast.Load)
                             and _same_variable(program, p, next(a for a in tensors if a.id == tensor))), None)
            if captured is not None and not _compiled(program, call):
                yield program.finding("M503", "warning", captured, "gradients", f"{tensor} is captured here and is an input of the gradient (line "
                                      f"{call.lineno}) too: PyNative mode counts both uses; make it a parameter or pass a copy")
        yield from _about_arguments(program, gradient, call)


def _calls_of(program: Program, gradient: Gradient) -> Iterator[ast.Call]:
    """Where a gradient function is called: at once, or by the name that holds it."""
    parent = program.parents.get(gradient.node)
    if isinstance(parent, ast.Call) and parent.func is gradient.node:
        yield parent
    elif isinstance(parent, ast.Assign):
        held = {program.holder(target) for target in parent.targets} - {None}
        for call in program.all(ast.Call):
            if program.holder(call.func) in held and program.instances.get(program.holder(call.func) or "") is gradient.node:
                yield call


def _same_variable(program: Program, inner: ast.Name, outer: ast.Name) -> bool:
    names = program.names
    if inner not in names.scope_of or outer not in names.scope_of:
        return False
    return names.lookup(inner.id, names.scope_of[inner]) is names.lookup(outer.id, names.scope_of[outer]) is not None


def _about_arguments(program: Program, gradient: Gradient, call: ast.Call) -> Iterator[Finding]:
    for i, argument in enumerate(call.args):
        value = literal(argument)
        everything = _true(gradient.options.get("get_all"))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not _true(gradient.options.get("sens_param")) and (everything or i == 0):
            yield program.finding("M510", "warning", argument, "gradients", f"{ast.unparse(argument)} is no tensor: MindSpore leaves it out of the gradients, "
                                  "and gives an empty tuple when it is the only input; pass ms.Tensor(…)")
        elif i == 0 and _whole_numbers(program, argument):
            yield program.finding("M506", "warning", argument, "gradients", f"{ast.unparse(argument)} holds whole numbers: MindSpore differentiates them and "
                                  "cuts the gradient to whole numbers; give it a float dtype")


def _whole_numbers(program: Program, node: ast.expr) -> bool:
    if isinstance(node, ast.Name) and node in program.names.scope_of:
        values = [b.value for b in program.names.bindings(node)]
        if len(values) != 1 or values[0] is None:
            return False
        node = values[0]
    if not (isinstance(node, ast.Call) and program.api(node.func) in ("ms.Tensor", "ms.tensor") and node.args):
        return False
    dtype = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "dtype"), None)
    if dtype is not None:
        return program.api(dtype) in _INTEGERS
    value = literal(node.args[0])
    numbers = list(_leaves(value))
    return bool(numbers) and all(isinstance(n, int) for n in numbers)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _nested(program: Program, gradient: Gradient, bodies: dict[ast.Call, list[ast.AST]], gradients: list[Gradient]) -> Iterator[Finding]:
    """A gradient inside a function that is itself differentiated, outside of compiled code."""
    if _compiled(program, gradient.node) or any(_compiled(program, body) for body in bodies[gradient.node]):
        return
    for body in bodies[gradient.node]:
        inside = set(ast.walk(body))
        inner = next((g for g in gradients if g is not gradient and (g.node in inside or _is_called(program, g, inside))), None)
        if inner is not None:
            yield program.finding("M502", "warning", gradient.node, "gradients",
                                  f"the function contains another gradient (line {inner.node.lineno}): in PyNative mode (2.10) the second derivative silently "
                                  "misses what goes through sums, reshapes, concat, transpose and matmul; put @ms.jit on the step, or set GRAPH_MODE")
            return


def _is_called(program: Program, gradient: Gradient, inside: set[ast.AST]) -> bool:
    return any(call in inside for call in _calls_of(program, gradient))


def _several_gradients(program: Program, gradients: list[Gradient]) -> Iterator[Finding]:
    """Gradients of one compiled function for different things, outside of compiled code."""
    asked: dict[ast.AST, tuple[str, int]] = {}
    for gradient in gradients:
        if _compiled(program, gradient.node):
            continue
        weights = [ast.unparse(a) for a in gradient.node.args[1:]] + [ast.unparse(k.value) for k in gradient.node.keywords]
        what = str(sorted((name, ast.unparse(value)) for name, value in gradient.options.items() if name != "sens_param") + weights)
        for function in _definitions(program, gradient.function):
            if not isinstance(function, _FUNCTIONS) or not any(program.api(d.func if isinstance(d, ast.Call) else d) in _COMPILED
                                                               for d in function.decorator_list):
                continue
            before, line = asked.setdefault(function, (what, gradient.node.lineno))
            if before != what:
                yield program.finding("M511", "warning", gradient.node, "gradients",
                                      f"{function.name} is compiled, and its gradient is taken for something else in line {line}: from the second time on "
                                      "one of the two is zero, or an old one (2.10); give each a compiled function of its own")


def _unnamed_parameters(program: Program) -> Iterator[Finding]:
    """Parameters outside of cells that have no name: they all get the same."""
    unnamed = []
    for call in program.all(ast.Call):
        named = len(call.args) > 1 or any(k.arg in ("name", None) for k in call.keywords)
        if program.api(call.func) == "ms.Parameter" and not named:
            parent = program.parents.get(call)
            of_its_own = isinstance(parent, ast.Assign) and all(isinstance(t, ast.Name) for t in parent.targets)
            if of_its_own or isinstance(parent, (ast.List, ast.Tuple)):
                unnamed.append(call)
    for call in unnamed if len(unnamed) > 1 else ():
        yield program.finding("M509", "warning", call, "variable", "a Parameter without a name: all such Parameters outside of cells are called the same, and "
                              "an optimizer or a ParameterTuple refuses two of one name; give name=")
