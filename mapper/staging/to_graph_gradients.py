"""Gradient sites: `tf.gradients` written out where the function, the options and the inputs of a site are static.

A *creation* (`grad_op(net, weights)`, `ms.grad(f, 0)`) makes a gradient function, an *application* calls it. When every
use of a creation is an application whose inputs are known, the creation disappears and each application becomes
`tf.gradients(f(x, y), x)[0]` with the unpacking that its options ask for. Everything else keeps the generic helpers
of the library. Both kinds of site are reported with their lines.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapper.results import Site
from mapper.staging.to_graph_infer import own_nodes
from mapper.staging.to_graph_kinds import FLOAT_TYPES
from mapper.staging.to_graph_values import (
    Function,
    FunctionInfo,
    GradFunction,
    Host,
    Instance,
    Layer,
    Module,
    Param,
    Seq,
    Tensor,
    Value,
    alternatives,
    has_tensor,
    is_tensor,
)

if TYPE_CHECKING:
    from mapper.staging.to_graph_emit import Emitter

MARK = "gradients_at_site_"  # `tf.gradients` while the text is being made; the number after it says which site this is
_HELPERS = {"operation": "gradient", "grad": "value_and_gradient", "value_and_grad": "value_and_gradient", "pullback": "vjp",
            "jacobian": "one_jacobian", "step": "TrainOneStep"}
_ARITHMETIC = {"mul", "add", "sub", "square", "pow", "multiply", "subtract", "tensoradd", "neg", "reducesum", "reduce_sum", "sum"}
_CLOSED = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Inputs:
    """The arguments of an application: as the function gets them, those that are differentiated, the cotangent."""

    given: tuple[ast.expr | ast.keyword, ...]
    tensors: tuple[ast.expr, ...]
    sens: ast.expr | None = None


@dataclass(frozen=True)
class Wanted:
    """What a creation asks for. `positions` is None for no inputs, 'all', or the positions; `single` means no tuple."""

    fn: ast.expr
    weights: ast.expr | None
    positions: tuple[int, ...] | str | None
    single: bool = True
    sens: bool = False
    aux: bool = False
    value: bool = False


@dataclass
class Plan:
    """A creation, what it asks for, and where it is applied."""

    call: ast.Call
    wanted: Wanted | None
    applications: list[ast.Call] = field(default_factory=list)
    nested: list[ast.Call] = field(default_factory=list)  # creations that differentiate this one's function
    storage: ast.Assign | None = None
    flows: bool = False  # used in some other way than being called


class Gradients:
    """Plans and emits the gradient sites of a program."""

    def __init__(self, emitter: Emitter) -> None:
        self.graph = emitter
        self.program = emitter.program
        self.editor = emitter.editor
        self.sites: list[tuple[ast.Call, str]] = []
        self.direct_sites: dict[ast.Call, int] = {}
        self.plans: dict[ast.Call, Plan] = {}
        self._collect()
        self.pulled: dict[ast.Call, str] = {}  # calls of vjp that are written out, with the name of the value
        self.graph_mode: bool | None = None
        self.written: set[ast.Call] = set()
        self.gone: set[ast.Call] = set()
        self._decide()

    # ---- collecting ----------------------------------------------------------------------------------------
    def _collect(self) -> None:
        for node in ast.walk(self.program.tree):
            if isinstance(node, ast.Call):
                self._site(node)
            if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                self._use(node)

    def _site(self, node: ast.Call) -> None:
        for option in alternatives(self.program.callees.get(node)):
            if isinstance(option, GradFunction):
                self.sites.append((node, option.form))
                return
            if isinstance(option, Layer) and option.name == "nn.TrainOneStepCell" or isinstance(
                    option, Instance) and "nn.TrainOneStepCell" in option.info.base_apis and option.info.find("construct") is None:
                self.sites.append((node, "step"))
                return

    def _use(self, node: ast.expr) -> None:
        options = alternatives(self.program.kind(node))
        for option in options:
            if isinstance(option, GradFunction):
                plan = self.plans.get(option.call) or self.plans.setdefault(option.call, Plan(option.call, self._wanted(option)))
                self._classify(plan, node, len(options) == 1)

    def _classify(self, plan: Plan, node: ast.expr, only: bool) -> None:
        if node is plan.call and self._wanted_kind(plan) == "pullback":
            return
        parent = self.editor.parent(node)
        while isinstance(parent, ast.Call) and parent is not plan.call and self._transparent(parent, node):
            node, parent = parent, self.editor.parent(parent)
        if isinstance(parent, ast.Call) and parent.func is node and only:
            if parent not in plan.applications:
                plan.applications.append(parent)
        elif isinstance(parent, ast.Call) and self._fn_of(parent) is node and only:
            plan.nested.append(parent)
        elif isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(
                parent.targets[0], (ast.Name, ast.Attribute)) and (node is plan.call or self._transparent(node, plan.call)) and plan.storage in (None, parent):
            plan.storage = parent
        else:
            plan.flows = True

    def _wanted_kind(self, plan: Plan) -> str:
        return "pullback" if (self.graph.resolve(plan.call.func) or "") == "ms.vjp" else "creation"

    def _transparent(self, call: ast.AST, inner: ast.AST) -> bool:
        """`ms.jit(f)` around a gradient function."""
        return isinstance(call, ast.Call) and bool(call.args) and call.args[0] is inner and (
            self.graph.resolve(call.func) or "") in ("ms.jit", "ms.ms_function")

    def _fn_of(self, call: ast.Call) -> ast.expr | None:
        """The function that a creation differentiates, if this call is a creation."""
        for option in alternatives(self.program.kind(call)):
            if isinstance(option, GradFunction) and option.call is call and option.form != "pullback":
                wanted = self._wanted(option)
                return wanted.fn if wanted is not None else None
        return None

    def _wanted(self, function: GradFunction) -> Wanted | None:
        call = function.call
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            return None
        named = {k.arg: k.value for k in call.keywords}
        if function.form == "operation":
            names = ("fn", "weights")
            bound = _bound(names, call.args, named)
            if function.options is None or "fn" not in bound or set(bound) - set(names):
                return None
            get_all, by_list, sens = function.options
            positions: tuple[int, ...] | str | None = "all" if get_all else None if by_list else (0,)
            weights = bound.get("weights") if by_list else None
            if by_list and weights is None:
                return None
            return Wanted(bound["fn"], weights, positions, not get_all, sens)
        if function.form in ("grad", "value_and_grad"):
            return self._wanted_form(function, named)
        return None

    def _wanted_form(self, function: GradFunction, named: dict[str | None, ast.expr]) -> Wanted | None:
        names = ("fn", "grad_position", "weights", "has_aux")
        bound = _bound(names, function.call.args, named)
        if "fn" not in bound or set(bound) - set(names):
            return None
        position, aux = _constant(bound.get("grad_position"), 0), _constant(bound.get("has_aux"), False)
        weights = bound.get("weights")
        if isinstance(weights, ast.Constant) and weights.value is None:
            weights = None
        if isinstance(position, int) and not isinstance(position, bool):
            position = (position,)
        if not isinstance(aux, bool) or not (position is None or isinstance(position, tuple) and position):
            return None
        return Wanted(bound["fn"], weights, position, position is None or len(position) == 1, False, aux, function.form == "value_and_grad")

    # ---- deciding ------------------------------------------------------------------------------------------
    def _decide(self) -> None:
        """Which applications are written out, and which creations nothing is left of."""
        for plan in self.plans.values():
            if plan.wanted is not None and self._static(plan.wanted):
                self.written |= {a for a in plan.applications if self._applies(plan, a)}
        self.gone = {c for c in self.plans if self._gone(c)}

    def _static(self, wanted: Wanted) -> bool:
        inner = self._inner(wanted.fn)
        if inner is None:
            return self._static_function(wanted.fn)
        innermost = self.plans[inner].wanted
        return self._composable(inner) and innermost is not None and self._static(innermost)

    def _gone(self, creation: ast.Call) -> bool:
        plan = self.plans[creation]
        if plan.flows or plan.wanted is None or not plan.applications and not plan.nested:
            return False
        return all(a in self.written for a in plan.applications) and all(self._gone(n) for n in plan.nested)

    def _inner(self, fn: ast.expr) -> ast.Call | None:
        """The creation behind a function that is itself a gradient function."""
        options = alternatives(self.program.kind(fn))
        return next((o.call for o in options if isinstance(o, GradFunction)), None)

    def _composable(self, call: ast.Call) -> bool:
        wanted = self.plans[call].wanted
        return wanted is not None and not (wanted.sens or wanted.aux or wanted.value) and not (
            wanted.weights is not None and wanted.positions is not None)

    def _static_function(self, fn: ast.expr) -> bool:
        options = alternatives(self.program.kind(fn))
        return bool(options) and all(isinstance(o, (Function, Instance, Layer)) for o in options) and isinstance(
            fn, (ast.Name, ast.Attribute, ast.Call, ast.Lambda)) and all(self._flat(self._result(o)) for o in options)

    def _result(self, fn: Value) -> Value | None:
        if isinstance(fn, Function):
            return fn.info.result
        if isinstance(fn, Instance):
            method = fn.info.find("construct") or fn.info.find("__call__")
            return method.result if method is not None else Tensor()
        return Tensor()

    @staticmethod
    def _flat(result: Value | None) -> bool:
        """One tensor, or a tuple of tensors."""
        if isinstance(result, Seq):
            return result.items is not None and all(isinstance(v, Tensor) for v in result.items)
        return isinstance(result, (Tensor, Param))

    def _applies(self, plan: Plan, call: ast.Call) -> bool:
        wanted = plan.wanted
        assert wanted is not None
        inputs = self.inputs(wanted, call)
        if inputs is None or not self._moves(plan, call):
            return False
        if wanted.weights is not None and not self._known_weights(wanted.weights):
            return False
        mode = self.graph.roles.mode(call)
        if mode == "repeated" or self._closed(call):
            simple = all(isinstance(t, (ast.Name, ast.Attribute)) and self.whole_dtype(wanted, inputs, t) is None for t in inputs.tensors)
            both = wanted.weights is not None and wanted.positions is not None
            return mode != "repeated" and simple and not both and not wanted.aux and not wanted.value
        return True

    def _known_weights(self, node: ast.expr) -> bool:
        return all(isinstance(o, (Param, Seq)) for o in alternatives(self.program.kind(node))) and len(
            alternatives(self.program.kind(node))) == 1

    def whole_dtype(self, wanted: Wanted, inputs: Inputs, node: ast.expr) -> str | None:
        """The dtype of an integer input that the function computes with: MindSpore differentiates it, TensorFlow needs a float."""
        dtypes = {o.dtype for o in alternatives(self.program.kind(node)) if isinstance(o, Tensor)}
        dtype = next((d for d in dtypes if d is not None and d not in FLOAT_TYPES), None)
        if dtype is None or node not in inputs.given:
            return None
        position = inputs.given.index(node)
        found = any(self._computes(info, position + (info.owner is not None and not isinstance(info.node, ast.Lambda)), 0)
                    for info in self._functions(wanted.fn))
        return dtype if found else None

    def _functions(self, fn: ast.expr) -> list[FunctionInfo]:
        inner = self._inner(fn)
        if inner is not None and self.plans[inner].wanted is not None:
            return self._functions(self.plans[inner].wanted.fn)  # type: ignore[union-attr]
        return list(self.graph.roles.targets(self.program.kind(fn)))

    def _computes(self, info: FunctionInfo, position: int, depth: int) -> bool:
        """Is the parameter an operand of arithmetic (and not only an index, a label, something to be cast)?"""
        parameters = info.node.args.args
        if position >= len(parameters) or depth > 4:
            return False
        name = parameters[position].arg
        for node in own_nodes(info.node):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                parent = self.editor.parent(node)
                if isinstance(parent, (ast.BinOp, ast.UnaryOp)):
                    return True
                if isinstance(parent, ast.Call) and node in parent.args:
                    kinds = alternatives(self.program.callees.get(parent))
                    names = [o.name.rpartition(".")[2].lower() for o in kinds if isinstance(o, (Layer, Module))]
                    if any(n in _ARITHMETIC for n in names):
                        return True
                    at = parent.args.index(node)
                    if any(self._computes(i, at + (i.owner is not None), depth + 1) for i in self.graph.roles.callees(parent)):
                        return True
        return False

    def _closed(self, node: ast.AST) -> bool:
        """Does the expression stand where no statement can be put before it?"""
        current = self.editor.parent(node)
        while current is not None and not isinstance(current, ast.stmt):
            if isinstance(current, _CLOSED):
                return True
            current = self.editor.parent(current)
        return isinstance(current, ast.While)

    def inputs(self, wanted: Wanted, call: ast.Call) -> Inputs | None:
        """The arguments of an application, when it is known which of them are differentiated."""
        given: list[ast.expr | ast.keyword] = list(call.args)
        sens: ast.expr | None = None
        for keyword in call.keywords:
            if keyword.arg == "sens" and wanted.sens:
                sens = keyword.value
            elif keyword.arg is None:
                return None
            else:
                given.append(keyword)
        if wanted.sens and sens is None:
            if not call.args or isinstance(call.args[-1], ast.Starred):
                return None
            sens = call.args[-1]
            given.remove(sens)
        values = [g.value if isinstance(g, ast.keyword) else g for g in given]
        if wanted.positions is None:
            return Inputs(tuple(given), (), sens)
        if any(isinstance(v, ast.Starred) for v in values):
            starred = values[0] if len(values) == 1 and wanted.positions == "all" else None
            if isinstance(starred, ast.Starred) and isinstance(starred.value, ast.Name) and self._all_tensors(starred.value):
                return Inputs(tuple(given), (starred,), sens)
            return None
        if wanted.positions == "all":
            kinds = [self.program.kind(v) for v in values]
            if not all(isinstance(k, (Tensor, Param)) or isinstance(k, Host) and not k.array for k in kinds):
                return None
            chosen = [v for v, k in zip(values, kinds) if not isinstance(k, Host)]
        else:
            assert isinstance(wanted.positions, tuple)
            if any(not isinstance(p, int) or not 0 <= p < len(values) for p in wanted.positions):
                return None
            chosen = [values[p] for p in wanted.positions]
            if not all(isinstance(self.program.kind(v), (Tensor, Param)) for v in chosen):
                return None
        return Inputs(tuple(given), tuple(chosen), sens) if chosen else None

    def _all_tensors(self, node: ast.expr) -> bool:
        kind = self.program.kind(node)
        if not isinstance(kind, Seq):
            return False
        parts = kind.items if kind.items is not None else (kind.element,)
        return bool(parts) and all(isinstance(p, (Tensor, Param)) for p in parts)

    def _moves(self, plan: Plan, call: ast.Call) -> bool:
        """Can the function and the weights of the creation be written at the application?"""
        if call.func is plan.call and self._inner(plan.wanted.fn) is None:  # type: ignore[union-attr]
            return True
        wanted = plan.wanted
        assert wanted is not None
        parts = [p for p in (wanted.fn, wanted.weights) if p is not None]
        return all(self._movable(part, plan.call, call) for part in parts)

    def _movable(self, part: ast.expr, source: ast.Call, target: ast.Call) -> bool:
        inner = self._inner(part)
        if inner is not None:
            wanted = self.plans[inner].wanted
            return wanted is not None and all(self._movable(p, inner, target) for p in (wanted.fn, wanted.weights) if p is not None)
        if isinstance(part, ast.Call):
            cells = isinstance(part.func, ast.Attribute) and part.func.attr in ("trainable_params", "get_parameters") and not part.args
            listed = self.graph.resolve(part.func) == "ms.ParameterTuple" and len(part.args) == 1
            if not cells and not listed:
                return False
            return self._movable(part.func.value if isinstance(part.func, ast.Attribute) and cells else part.args[0], source, target)
        if isinstance(part, (ast.List, ast.Tuple)):
            return all(self._movable(e, source, target) for e in part.elts)
        if isinstance(part, ast.Attribute):
            return self._movable(part.value, source, target)
        return isinstance(part, ast.Name) and self._same_name(part, source, target)

    def _same_name(self, name: ast.Name, source: ast.AST, target: ast.AST) -> bool:
        """Does the name mean the same object at both places?"""
        names = self.program.names
        here = names.lookup(name.id, names.scope_of.get(name, names.module))
        there = names.lookup(name.id, names.scope_of.get(self.editor.statement(target), names.module))
        ours, theirs = self.graph.roles.function_of(source), self.graph.roles.function_of(target)
        if ours is not None and theirs is not None and ours is not theirs and ours.owner is not None and ours.owner is theirs.owner:
            firsts = [i.node.args.args[0].arg if i.node.args.args else "" for i in (ours, theirs)]
            if firsts[0] == firsts[1] == name.id:
                return True
        if here is None or here is not there or len(here.bindings[name.id]) != 1:
            return False
        in_loop = self.graph.roles.mode(here.bindings[name.id][0].node) == "repeated"
        return not in_loop or self.editor.statement(source) is self.editor.statement(target)

    def by_position(self, node: ast.AST) -> bool:
        """Does MindSpore run this place compiled, where inputs are told apart by position and not by identity?"""
        if self.graph_mode is None:
            self.graph_mode = any(isinstance(n, (ast.Name, ast.Attribute)) and self.graph.resolve(n) == "ms.GRAPH_MODE"
                                  for n in ast.walk(self.program.tree))
        info = self.graph.roles.function_of(node)
        decorators = getattr(info.node, "decorator_list", []) if info is not None else []
        return self.graph_mode or any((self.graph.resolve(d.func if isinstance(d, ast.Call) else d) or "") in ("ms.jit", "ms.ms_function")
                                      for d in decorators)

    def dependent(self, node: ast.Call, wanted: Wanted, inputs: Inputs) -> tuple[ast.expr, ...]:
        """The inputs, when one of them is computed from another (or from weights): MindSpore gives partial derivatives."""
        values = [g.value if isinstance(g, ast.keyword) else g for g in inputs.given]
        tensors = tuple(v for v in values if is_tensor(self.program.kind(v)) and not isinstance(v, ast.Starred))
        if self._closed(node):
            return ()
        for value in tensors:
            sources = self._sources(value, node)
            plain = ast.unparse(value)
            if any(ast.unparse(t) in sources for t in inputs.tensors if ast.unparse(t) != plain):
                return tensors
            if wanted.weights is not None and "()" in sources and self.graph.roles.mode(node) == "graph":
                return tensors
        return ()

    def captured(self, node: ast.Call, wanted: Wanted, inputs: Inputs) -> tuple[str, ...]:
        """The tensors that the function takes from the function around it and that may depend on the inputs: constants to MindSpore."""
        if self._closed(node):
            return ()
        given = {ast.unparse(t) for t in inputs.tensors}
        names = self.program.names
        here = names.scope_of.get(self.editor.statement(node))
        found: dict[str, None] = {}
        seen: set[FunctionInfo] = set()
        pending = self._functions(wanted.fn)
        while pending:
            info = pending.pop()
            if info in seen or info.owner is not None:
                continue
            seen.add(info)
            for part in ast.walk(info.node):
                if isinstance(part, ast.Call):
                    pending += self.graph.roles.callees(part)
                if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load) or part not in names.scope_of or part.id in given:
                    continue
                scope = names.lookup(part.id, names.scope_of[part])
                around = self.program.functions.get(scope.node) if scope is not None else None
                if around is None or around is info or scope is None or not self._encloses(around, info) or not is_tensor(self.program.kind(part)):
                    continue
                bound = [b.value for b in scope.bindings[part.id]]
                if any(v is None or self._sources(v, node) & (given | {"()"}) for v in bound) and here is not None and names.lookup(part.id, here) is scope:
                    found[part.id] = None
        return tuple(found)

    def _encloses(self, outer: FunctionInfo, inner: FunctionInfo) -> bool:
        return inner.node is not outer.node and any(n is inner.node for n in ast.walk(outer.node))

    def _sources(self, node: ast.expr, near: ast.AST) -> set[str]:
        """The names and attributes a tensor is computed from in its own function; "()" when a function of the program has part in it."""
        scope = self.program.names.scope_of.get(self.editor.statement(near))
        found: set[str] = set()
        pending: list[ast.AST] = [node]
        while pending:
            for part in ast.walk(pending.pop()):
                if isinstance(part, ast.Call) and any(True for _ in self.graph.roles.callees(part)):
                    found.add("()")
                if not isinstance(part, (ast.Name, ast.Attribute)) or not is_tensor(self.program.kind(part)):
                    continue
                text = ast.unparse(part)
                if text in found or self.graph.roles.rep(part) == "array":
                    continue
                found.add(text)
                if isinstance(part, ast.Name) and scope is not None and part.id in scope.bindings:
                    pending += [b.value for b in scope.bindings[part.id] if b.value is not None]
        return found

    # ---- emitting ------------------------------------------------------------------------------------------
    def creation(self, node: ast.Call) -> bool:
        """A creation that is written out elsewhere: nothing is left of it."""
        if node not in self.gone:
            return False
        self.graph.done(node)
        plan = self.plans[node]
        if plan.storage is not None:
            self.graph.delete(plan.storage)
        return True

    def application(self, node: ast.Call) -> bool:
        """An application of a creation that is written out."""
        if node in self.pulled:
            return True
        if node not in self.written:
            return False
        wanted = next(p.wanted for p in self.plans.values() if node in p.applications)
        assert wanted is not None
        inputs = self.inputs(wanted, node)
        assert inputs is not None
        for given in inputs.given:
            self.graph.expr(given.value if isinstance(given, (ast.keyword, ast.Starred)) else given)
        if inputs.sens is not None:
            self.graph.expr(inputs.sens)
        self._parts(wanted)
        self.graph.done(node.func)
        rendering = _Rendering(self, node, wanted, inputs)
        rendering.emit()
        return True

    def _parts(self, wanted: Wanted) -> None:
        """The function and weights, converted where they stand (once)."""
        inner = self._inner(wanted.fn)
        if inner is not None:
            innermost = self.plans[inner].wanted
            assert innermost is not None
            self._parts(innermost)
        else:
            self.graph.expr_once(wanted.fn)
        if wanted.weights is not None:
            self.graph.expr_once(wanted.weights)

    # ---- vjp -------------------------------------------------------------------------------------------------
    def forward(self, node: ast.Call, fetched: Callable[[str], str] | None = None) -> bool:
        """`out, pull = ms.vjp(f, x)`: `out = f(x)`, and each `pull(v)` is `tf.gradients(out, [x], v)`.

        `fetched` gives the text that fetches the value, where the program wants an array."""
        plan = self.plans.get(node)
        statement = self.editor.parent(node)
        if plan is None or not self._pulls(plan, statement):
            return False
        assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple)
        value = statement.targets[0].elts[0]
        assert isinstance(value, ast.Name)
        for part in node.args:
            self.graph.expr(part)
        rendering = _Rendering(self, node, Wanted(node.args[0], None, "all", False), Inputs(tuple(node.args[1:]), tuple(node.args[1:])))
        for tensor in rendering.inputs.tensors:
            rendering.held(tensor)
        self.graph.prelude(node, rendering.before)
        name = value.id if fetched is None else self.graph.fresh_name("value", node)
        last = "" if fetched is None else f"\n{value.id} = {fetched(name)}"
        self.editor.replace_statement(statement, lambda: f"{name} = {rendering.called()}{last}")
        self.graph.done(statement)
        for call in plan.applications:
            self._pull(call, name, rendering)
        return True

    def _pulls(self, plan: Plan, statement: ast.AST | None) -> bool:
        call = plan.call
        if not (isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1):
            return False
        target = statement.targets[0]
        if not (isinstance(target, ast.Tuple) and len(target.elts) == 2 and all(isinstance(e, ast.Name) for e in target.elts)):
            return False
        if call.keywords or any(isinstance(a, ast.Starred) for a in call.args) or not self._static_function(call.args[0]):
            return False
        home = self.graph.roles.function_of(call)
        kinds = [self.program.kind(a) for a in call.args[1:]]
        return plan.flows is False and all(isinstance(k, (Tensor, Param)) for k in kinds) and self.graph.roles.mode(call) != "repeated" and all(
            self.graph.roles.function_of(a) is home and not self._closed(a) and a.args and not a.keywords
            and self.graph.roles.mode(a) != "repeated" for a in plan.applications)

    def _pull(self, node: ast.Call, value: str, forward: _Rendering) -> None:
        """One call of the second result of vjp."""
        for part in node.args:
            self.graph.expr(part)
        name = self.site_name(node)
        self.graph.done(node.func)
        self.pulled[node] = name

        def text() -> str:
            one = len(node.args) == 1 and not isinstance(node.args[0], ast.Starred)
            sens = self.graph.text(node.args[0]) if one else f"[{', '.join(self.graph.text(a) for a in node.args)}]"
            xs = ", ".join(forward.text(t) for t in forward.inputs.tensors)
            return f'{name}({value}, [{xs}], {sens}, unconnected_gradients="zero")'

        self.graph.replace(node, text)

    def site_name(self, call: ast.Call) -> str:
        number = self.direct_sites.setdefault(call, len(self.direct_sites))
        return f"tf.{MARK}{number}_"

    # ---- the report ----------------------------------------------------------------------------------------
    def report(self, code: str) -> tuple[str, list[Site]]:
        """The text with the marks taken out, and every site with its line on both sides."""
        places: dict[int, tuple[int, int]] = {}
        lines = code.split("\n")
        for number, line in enumerate(lines):
            while (at := line.find(MARK)) >= 0:
                end = line.index("_", at + len(MARK)) + 1
                places[int(line[at + len(MARK):end - 1])] = (number + 1, at - len("tf.") + 1)
                line = line[:at] + "gradients" + line[end:]
            lines[number] = line
        text = "\n".join(lines)
        helpers = _helper_lines(text)
        found: list[Site] = []
        for call, kind in sorted(self.sites, key=lambda s: (s[0].lineno, s[0].col_offset)):
            if call in self.direct_sites:
                converted = places.get(self.direct_sites[call])
            else:
                name = _HELPERS.get(kind, kind)
                converted = helpers.get(self.graph.support_names.get(name, name))
            if self.graph.editor.statement(call) in self.graph.problems:
                converted = None
            shown = {"operation": "GradOperation", "pullback": "vjp", "step": "TrainOneStepCell"}.get(kind, kind)
            found.append(Site(str(len(found) + 1), call.lineno, call.col_offset + 1, converted, shown))
        return text, found


class _Rendering:
    """The text of one application."""

    def __init__(self, owner: Gradients, node: ast.Call, wanted: Wanted, inputs: Inputs) -> None:
        self.owner = owner
        self.graph = owner.graph
        self.node = node
        self.wanted = wanted
        self.inputs = inputs
        self.names: dict[ast.expr, str] = {}
        self.whole: dict[int, str] = {}
        self.before: list[Callable[[], str]] = []
        self.apart = owner.dependent(node, wanted, inputs)
        self.captured = owner.captured(node, wanted, inputs)

    def told_apart(self) -> None:
        """In a compiled graph, one tensor given twice is two inputs."""
        seen: set[str] = set()
        for given in self.inputs.given:
            if isinstance(given, ast.Name) and given.id in seen:
                name = self.fresh(given.id)
                self.names[given] = name
                self.before.append(functools.partial("{} = tf.identity({})".format, name, given.id))
            elif isinstance(given, ast.Name):
                seen.add(given.id)

    def emit(self) -> None:
        wanted = self.wanted
        name = self.owner.site_name(self.node)
        for tensor in dict.fromkeys((*self.inputs.tensors, *self.apart)):
            self.held(tensor)
        if self.owner.by_position(self.node):
            self.told_apart()
        ys: Callable[[], str] = self.called
        if wanted.value or wanted.aux:
            if wanted.value and self.unpacked(name):
                return
            value = self.fresh("value")
            self.before.append(lambda: f"{value} = {self.called()}")
            ys = lambda: f"{value}[0]" if wanted.aux else value  # noqa: E731
        count = len(self.inputs.tensors)
        if wanted.weights is not None and wanted.positions is not None:
            grads = self.fresh("grads")
            self.before.append(lambda: f"{grads} = {self.gradients(name, ys())}")
            first = f"{grads}[0]" if wanted.single else f"{grads}[:{count}]"
            rest = f"{count}" if self.bare_weight() else f"{count}:"
            result: Callable[[], str] = lambda: f"({first}, {grads}[{rest}])"  # noqa: E731
        else:
            result = self.cast_back(lambda: self.tupled(self.gradients(name, ys())))
        if wanted.value:
            text: Callable[[], str] = lambda: f"({value}, {result()})"  # noqa: E731
        elif wanted.aux:
            text = lambda: f"({result()}, {value}[1:])"  # noqa: E731
        else:
            text = result
        self.graph.prelude(self.node, self.before)
        self.graph.replace(self.node, text)

    def _two_targets(self, parent: ast.AST | None) -> bool:
        return isinstance(parent, ast.Assign) and parent.value is self.node and len(parent.targets) == 1 and isinstance(
            parent.targets[0], ast.Tuple) and len(parent.targets[0].elts) == 2 and not self.whole and self.graph.roles.mode(
            parent) == "graph" and isinstance(self.ys_target(parent.targets[0].elts[0]), str) and not (
            self.wanted.weights is not None and self.wanted.positions is not None)

    def ys_target(self, target: ast.expr) -> str | None:
        """What is differentiated when the value is unpacked into this target."""
        if isinstance(target, ast.Name):
            return f"{target.id}[0]" if self.wanted.aux else target.id
        if isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
            names = [e.id for e in target.elts if isinstance(e, ast.Name)]
            return names[0] if self.wanted.aux else f"[{', '.join(names)}]"
        return None

    def unpacked(self, name: str) -> bool:
        """`loss, grads = value_and_grad(f)(x)`: two statements."""
        parent = self.graph.editor.parent(self.node)
        if not self._two_targets(parent):
            return False
        assert isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple)
        first, second = parent.targets[0].elts
        ys = self.ys_target(first)
        assert ys is not None
        editor = self.graph.editor
        held = list(self.before)
        target = editor.original(first)
        if isinstance(first, ast.Tuple) and target.startswith("("):
            target = target[1:-1]
        editor.replace_statement(parent, lambda: "\n".join([
            *(line() for line in held), f"{target} = {self.called()}",
            f"{editor.original(second)} = {self.tupled(self.gradients(name, ys))}"]))
        return True

    def held(self, tensor: ast.expr) -> None:
        """An input that is not a plain name gets one: the gradient is taken of this very tensor."""
        dtype = self.owner.whole_dtype(self.wanted, self.inputs, tensor)
        plain = isinstance(tensor, (ast.Name, ast.Starred, ast.Attribute))
        constant = not isinstance(tensor, ast.Starred) and self.graph.roles.rep(tensor) == "array"
        if plain and dtype is None and not constant:
            return
        name = self.fresh("inputs" if len(self.inputs.tensors) == 1 else f"input_{len(self.names) + 1}")
        self.names[tensor] = name
        if dtype is not None:
            self.whole[self.inputs.tensors.index(tensor)] = dtype

        def line() -> str:
            text = self.graph.text(tensor)
            if constant and not text.startswith("tf.constant("):
                text = f"tf.constant({text})"
            return f"{name} = tf.cast({text}, tf.float32)" if dtype is not None else f"{name} = {text}"

        self.before.append(line)

    def cast_back(self, text: Callable[[], str]) -> Callable[[], str]:
        """Gradients of integer inputs in the inputs' dtypes."""
        if not self.whole:
            return text
        if self.wanted.single:
            return lambda: f"tf.cast({text()}, tf.{self.whole[0]})"
        grads = self.fresh("grads")
        self.before.append(lambda: f"{grads} = {text()}")
        parts = [f"tf.cast({grads}[{i}], tf.{self.whole[i]})" if i in self.whole else f"{grads}[{i}]" for i in range(len(self.inputs.tensors))]
        return lambda: f"[{', '.join(parts)}]"

    def text(self, node: ast.expr) -> str:
        return self.names.get(node) or self.graph.editor.text(node)

    def called(self) -> str:
        return self.owner_call(self.wanted)

    def owner_call(self, wanted: Wanted) -> str:
        """`f(x, y)`, or the text of the inner gradient when f is one."""
        inner = self.owner._inner(wanted.fn)
        if inner is None:
            return f"{self.graph.atom(wanted.fn)}({', '.join(self.argument(g) for g in self.inputs.given)})"
        innermost = self.owner.plans[inner].wanted
        assert innermost is not None
        values = [g.value if isinstance(g, ast.keyword) else g for g in self.inputs.given]
        chosen = innermost.positions
        xs = values if chosen == "all" else [values[p] for p in chosen] if isinstance(chosen, tuple) else []
        return self.gradients("tf.gradients", self.owner_call(innermost), innermost, [self.text(x) for x in xs], "")

    def argument(self, given: ast.expr | ast.keyword) -> str:
        if isinstance(given, ast.keyword):
            return f"{given.arg}={self.text(given.value)}"
        return self.text(given)

    def bare_weight(self) -> bool:
        assert self.wanted.weights is not None
        return isinstance(self.owner.program.kind(self.wanted.weights), Param)

    def tupled(self, text: str) -> str:
        """MindSpore gives tuples: kept where the program adds tuples of tensors."""
        several = text.endswith(")")
        return f"tuple({text})" if several and self.graph.adds_tuples else text

    def gradients(self, name: str, ys: str, wanted: Wanted | None = None, xs: list[str] | None = None, sens: str | None = None) -> str:
        """`tf.gradients(ys, xs, …)` with the subscript that a single result needs."""
        wanted = wanted or self.wanted
        if xs is None:
            xs = [self.text(t) for t in self.inputs.tensors]
        if sens is None:
            sens = f", {self.text(self.inputs.sens)}" if self.inputs.sens is not None else ""
            if self.apart or self.captured:
                sens += f", stop_gradients=[{', '.join([*(self.text(t) for t in self.apart), *self.captured])}]"
        tail = f'{sens}, unconnected_gradients="zero")'
        if wanted.weights is None:
            if wanted.single:
                return f"{name}({ys}, {xs[0]}{tail}[0]"
            if len(xs) == 1 and xs[0].startswith("*"):
                return f"{name}({ys}, list({xs[0][1:]}){tail}"
            return f"{name}({ys}, [{', '.join(xs)}]{tail}"
        weights = self.graph.text(wanted.weights)
        bare = isinstance(self.owner.program.kind(wanted.weights), Param)
        if wanted.positions is None and bare:
            return self.dense(f"{name}({ys}, {weights}{tail}[0]", True)
        if wanted.positions is None:
            return self.dense(f"{name}({ys}, {weights}{tail}", False)
        listed = weights[1:-1] if weights.startswith("[") and " for " not in weights else weights if bare else f"*{weights}"
        return self.dense(f"{name}({ys}, [{', '.join([*xs, listed])}]{tail}", False)

    def dense(self, text: str, single: bool) -> str:
        """Gradients of variables as tensors: of rows that are gathered, TensorFlow's are IndexedSlices, whose norms and updates differ."""
        if not self.graph.gathers:
            return text
        return f"tf.convert_to_tensor({text})" if single else f"[tf.convert_to_tensor(g) for g in {text}]"

    def fresh(self, name: str) -> str:
        return self.graph.fresh_name(name, self.node)


def _bound(names: Sequence[str], args: Sequence[ast.expr], named: dict[str | None, ast.expr]) -> dict[str | None, ast.expr]:
    given: dict[str | None, ast.expr] = {name: value for name, value in zip(names, args)}
    return given | named


def _constant(node: ast.expr | None, default: object) -> object:
    """The value of a literal argument; the Ellipsis for anything else."""
    if node is None:
        return default
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return ...
    return value


def _helper_lines(code: str) -> dict[str, tuple[int, int]]:
    """Where each definition of the output calls tf.gradients."""
    found: dict[str, tuple[int, int]] = {}
    for node in ast.parse(code).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "gradients":
                    found.setdefault(node.name, (call.lineno, call.col_offset + 1))
    return found


__all__ = ["Gradients", "has_tensor", "is_tensor", "own_nodes"]
