"""What a program will meet when it moves to the other framework, read off its text: nothing is run, and nothing but `ast` is needed.

Each reference to a framework is looked up in the rules: what it becomes, what differs about this call, and what has no counterpart.
Functions that call something without a counterpart are marked too. Defects of MindSpore that stay silent are looked for in
mapper.checking_defects."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, islice
from typing import Any, Literal, TypeVar

from mapper.names import Names, read_names
from mapper.results import Direction, Finding, Level
from mapper.rewriting import differences, holds, recognise, rewrite
from mapper.rules import Difference, Rule, Side, canonical, lookup, rules, side_of
from mapper.signature import Binding
from mapper.source import parse

CODES = {
    "M101": "a call that becomes another by a rule",
    "M102": "a reference that the converter takes care of",
    "M103": "furniture that is left out",
    "M201": "a name of TensorFlow without a counterpart",
    "M202": "a call whose arguments no rule can say",
    "M203": "a call that a person has to write",
    "M204": "a function that calls something without a counterpart",
    "M301": "a name of MindSpore without a counterpart",
    "M401": "numbers that will differ",
    "M402": "numbers that can differ in rare cases, or that the converter keeps equal",
    "M501": "a MindSpore operation with a wrong gradient",
    "M502": "a nested gradient in PyNative mode",
    "M503": "one tensor that is an input twice, or an input and a captured variable",
    "M504": "gradients of weights that are not named",
    "M505": "a negative step under a gradient",
    "M506": "a gradient for whole numbers",
    "M507": "a function that MindSpore cannot differentiate",
    "M508": "a gradient that is cut by NumPy",
    "M509": "Parameters of one name",
    "M510": "an input that is no tensor, and is left out",
    "M511": "a compiled function whose gradients are taken for different things",
}
OTHER: dict[Side, Side] = {"tf": "ms", "ms": "tf"}
NAMES: dict[Side, str] = {"tf": "TensorFlow", "ms": "MindSpore"}
N = TypeVar("N", bound=ast.AST)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What the converter to TensorFlow speaks of outside of its tables.
_SPOKEN = frozenset("""
ops.Shape ops.DType ops.Rank ops.Depend ops.shape ops.dtype ops.rank ops.depend ops.HyperMap ops.Map ops.MultitypeFuncGraph ops.partial
ops.GradOperation ops.clip_by_global_norm ops.assign ops.assign_add ops.assign_sub ops.Assign ops.AssignAdd ops.AssignSub ops.clip_by_value
ops.clamp ops.clip ops.Tensor ops.cast ops.Cast ops.size ops.Size ops.constexpr ops.derivative ops.Partial ms.Tensor ms.tensor ms.Parameter
ms.ParameterTuple ms.jit ms.ms_function ms.vjp ms.jvp ms.grad ms.value_and_grad ms.jacrev ms.jacfwd ms.common.initializer.initializer
ms.set_seed ms.set_context ms.set_device ms.get_context
""".split())


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that names a framework's API. `call` is the call of it, `construct` the call that made the instance that `call` calls."""

    node: ast.expr
    api: str
    side: Side
    call: ast.Call | None = None
    construct: ast.Call | None = None

    @property
    def whole(self) -> ast.expr:
        return self.call or self.node


@dataclass
class Program:
    """A module to be checked: its tree, its names, and which node stands in which."""

    tree: ast.Module
    filename: str
    lines: Sequence[str]
    names: Names = field(init=False)
    parents: dict[ast.AST, ast.AST] = field(init=False, default_factory=dict)
    kinds: dict[type, list[Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = read_names(self.tree)
        waiting: list[ast.AST] = [self.tree]
        parents, kinds = self.parents, self.kinds
        for node in waiting:                      # the list grows while it is read: one pass over the tree, and the only one
            kinds.setdefault(type(node), []).append(node)
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, ast.AST):
                    parents[value] = node
                    waiting.append(value)
                elif isinstance(value, list):
                    for item in value:
                        if isinstance(item, ast.AST):
                            parents[item] = node
                            waiting.append(item)

    def all(self, kind: type[N]) -> Iterator[N]:
        """The nodes of a kind."""
        yield from self.kinds.get(kind, ())

    @cached_property
    def graph_mode(self) -> bool:
        """Whether GRAPH_MODE is set somewhere."""
        return any(self.api(part) == "ms.GRAPH_MODE" for part in chain(self.all(ast.Name), self.all(ast.Attribute)) if _ending(part) == "GRAPH_MODE")

    def api(self, node: ast.AST | None) -> str | None:
        """The canonical name of what an expression refers to."""
        return self.names.resolve(node) if isinstance(node, (ast.Name, ast.Attribute)) else None

    def canonical(self, node: ast.AST) -> str:
        """The name that the rules have for what an expression refers to, or nothing."""
        return canonical(self.api(node) or "")

    def around(self, node: ast.AST, *kinds: type) -> Iterator[ast.AST]:
        """The nodes of some kinds that a node stands in, innermost first."""
        current: ast.AST | None = self.parents.get(node)
        while current is not None:
            if isinstance(current, kinds):
                yield current
            current = self.parents.get(current)

    def finding(self, code: str, level: Level, node: ast.AST, rule: str, message: str) -> Finding:
        """A finding at a node; columns count characters, where the tree counts bytes."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return Finding(code, level, self.filename, line, column + 1, rule, message)

    @cached_property
    def instances(self) -> dict[str, ast.Call]:
        """Primitives and layers that were made and stored, by the name or the attribute of self that holds them; one meaning each."""
        found: dict[str, ast.Call] = {}
        several: set[str] = set()
        for node in self.all(ast.Assign):
            if isinstance(node.value, ast.Call):
                for target in node.targets:
                    key = self.holder(target)
                    if key is not None:
                        several |= {key} & found.keys()
                        found[key] = node.value
        return {key: call for key, call in found.items() if key not in several}

    def holder(self, node: ast.AST) -> str | None:
        """`name`, or `Class.self.name` for an attribute of self."""
        if isinstance(node, ast.Name):
            owner = next(self.around(node, *_FUNCTIONS), None)
            return f"{getattr(owner, 'name', '')}:{node.id}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            owner = next(self.around(node, ast.ClassDef), None)
            return f"{getattr(owner, 'name', '')}.self.{node.attr}"
        return None


def check_source(source: str, filename: str, to: Direction | None = None) -> list[Finding]:
    """Everything there is to say about a program's text, notes included, in the order of its lines. Raises SourceError.

    `to` leaves out what belongs to the framework that is moved to."""
    from mapper.checking_defects import defects

    program = Program(parse(source, filename), filename, split_lines(source))
    away: Side | None = None if to is None else "tf" if to == "mindspore" else "ms"
    found: list[Finding] = []
    refused: list[tuple[ast.AST, str]] = []
    for reference in references(program):
        if away not in (None, reference.side):
            continue
        for finding in about(program, reference):
            found.append(finding)
            if finding.level == "error":
                refused.append((reference.node, reference.api))
    found += marked_functions(program, refused)
    found += defects(program)
    return sorted(dict.fromkeys(found), key=lambda f: (f.line, f.column, f.code))


def split_lines(source: str) -> list[str]:
    """A program's lines as Python counts them: a form feed ends none."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


# ---- references ----------------------------------------------------------------------------------------------------
def references(program: Program) -> Iterator[Reference]:
    """Every place where a name of a framework is used, with the call that it is part of."""
    chains: list[ast.Name | ast.Attribute] = [*program.all(ast.Name), *program.all(ast.Attribute)]
    for node in chains:
        if isinstance(node.ctx, ast.Load):
            parent = program.parents.get(node)
            if isinstance(parent, ast.Attribute) or isinstance(node, ast.Attribute) and not _plain(node):
                continue
            found = _known(program, node)
            if found is not None:
                yield found
    for call in program.all(ast.Call):
        made = program.instances.get(program.holder(call.func) or "")
        api = program.api(made.func) if made is not None else None
        side = side_of(api) if api else None
        if api and side == "ms" and re.match(r"(ops|nn)\.[A-Z]", api):
            yield Reference(call.func, api, side, call, made)


def _ending(node: ast.expr) -> str:
    """The last part of a chain of names."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _plain(node: ast.Attribute) -> bool:
    """Whether it is a chain of names: `a.b.c`."""
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name)


def _known(program: Program, node: ast.Name | ast.Attribute) -> Reference | None:
    """The longest part of a chain of names that a rule or the converter knows, or the whole of it."""
    api = program.api(node)
    side = side_of(api) if api else None
    if api is None or side is None or "." not in api:
        return None
    part: ast.expr = node
    name = api
    while True:
        if lookup(name, side) or converts(name, side):
            break
        if not isinstance(part, ast.Attribute):
            part, name = node, api
            break
        part = part.value
        name = program.api(part) or ""
        if name.count(".") == 0:
            part, name = node, api
            break
    if part is node and not (lookup(name, side) or converts(name, side)) and _is_module(name):
        return None
    return Reference(part, name, side, *_calls(program, part))


def _calls(program: Program, node: ast.expr) -> tuple[ast.Call | None, ast.Call | None]:
    """The call of a name, and, for a primitive that is called where it is made, the call that made it."""
    call = program.parents.get(node)
    if not (isinstance(call, ast.Call) and call.func is node):
        return None, None
    outer = program.parents.get(call)
    return (outer, None) if isinstance(outer, ast.Call) and outer.func is call else (call, None)


@cache
def _modules() -> frozenset[str]:
    from mapper.rules import key_of

    names = {key_of(s.text) for rule in rules() for side in OTHER for s in rule.side(side)}
    return frozenset(name[:i] for name in names for i, char in enumerate(name) if char == ".")


def _is_module(name: str) -> bool:
    """Whether it is but the beginning of names: `tf.nn`, `ops`."""
    return name in _modules() or name in ("tf", "ms", "nn", "ops", "tf.contrib", "tf.python", "ms.common", "ms.numpy") or name.startswith("tf.compat")


@cache
def _holds_names(api: str) -> bool:
    """Whether the converter knows names inside a module of TensorFlow, such as those of `tf.app.flags`."""
    from mapper.staging.to_functions_names import TABLE

    return any(name.startswith(f"{api}.") for name in TABLE)


@cache
def converts(api: str, side: Side) -> bool:
    """Whether the converter has its own way with a name, whatever the rules say."""
    if side == "tf":
        from mapper.staging.to_functions_names import FURNITURE, meaning

        return meaning(api) is not None or api in FURNITURE
    from mapper.staging import to_graph_layers as layers
    from mapper.staging.to_graph_ops import _table

    short = api.removeprefix("nn.")
    tables = (layers.FUNCTIONS, layers.LAMBDAS, layers.LIBRARY, layers.OPTIMIZERS)
    return api in _SPOKEN or api in _table() or api.startswith("nn.") and any(short in table for table in tables)


# ---- what there is to say about one --------------------------------------------------------------------------------
def about(program: Program, reference: Reference) -> Iterator[Finding]:
    """What one reference becomes, and what differs."""
    api, side = reference.api, reference.side
    found = lookup(api, side)
    if reference.construct is None:
        yield _becomes(program, reference, found)
    elif not any(rule.maps or rule.instead for rule in found):
        return
    bound: dict[str, Binding] = {}
    if reference.call is not None:
        for rule in found:
            binding = recognise(rule, api, reference.whole, side, reference.construct, program.api)
            if isinstance(binding, Binding):
                bound[rule.id] = binding
    if not bound and _made_only(reference) and (reference.call is None or reference.construct is None and _is_kept(program, reference.whole)):
        return                           # what is made here is called elsewhere, and spoken of there
    told: set[str] = set()
    for rule in found:
        if bound and rule.id not in bound:
            continue
        for difference in differences(rule, api, bound.get(rule.id)):
            if difference.text not in told and (bound or not difference.when):
                told.add(difference.text)
                yield _difference(program, reference, rule, difference, _surely(program, reference, difference, bound.get(rule.id)))


def _surely(program: Program, reference: Reference, difference: Difference, binding: Binding | None) -> bool:
    """Whether a call surely meets a difference; `inside(tf.where)` asks what the value goes into."""
    around = re.fullmatch(r"inside\(([\w., ]+)\)", difference.when)
    if around is None:
        return holds(difference, binding) is True
    return _goes_into(program, reference.whole, frozenset(around[1].replace(" ", "").split(",")))


def _goes_into(program: Program, node: ast.expr, apis: frozenset[str]) -> bool:
    """Whether a value is part of a call of one of some APIs, at once or by the name that it is given in the same function."""
    if _within(program, node, apis):
        return True
    statement = next(program.around(node, ast.stmt), None)
    held = {target.id for target in statement.targets if isinstance(target, ast.Name)} if isinstance(statement, ast.Assign) else set()
    owner = next(program.around(node, *_FUNCTIONS), None)
    return bool(held) and any(part.id in held and isinstance(part.ctx, ast.Load) and next(program.around(part, *_FUNCTIONS), None) is owner
                              and _within(program, part, apis) for part in program.all(ast.Name))


def _within(program: Program, node: ast.expr, apis: frozenset[str]) -> bool:
    return any(isinstance(call, ast.Call) and program.canonical(call.func) in apis for call in program.around(node, ast.Call))


def _made_only(reference: Reference) -> bool:
    return bool(re.match(r"(ops|nn)\.[A-Z]", reference.api))


def _is_kept(program: Program, node: ast.expr) -> bool:
    parent = program.parents.get(node)
    return isinstance(parent, ast.Assign) and any(program.holder(target) in program.instances for target in parent.targets)


def _becomes(program: Program, reference: Reference, found: Sequence[Rule]) -> Finding:
    api, side, node = reference.api, reference.side, reference.node
    to = OTHER[side]
    handled = converts(api, side) or side == "tf" and _holds_names(api)
    unsupported = "M201" if side == "tf" else "M301"
    if not found:
        if handled:
            return program.finding("M102", "note", node, "", f"{api} is converted")
        return program.finding(unsupported, "error", node, "", f"{api} has no counterpart that is known here: write this by hand")
    rule = found[0]
    why = ""
    if reference.call is not None:
        text = rewrite(found, api, reference.whole, to, ast.unparse, resolve=program.api)
        if isinstance(text, str) and not handled:
            return program.finding("M203", "warning", node, rule.id, f"{api} is left as it is by convert: write {_short(text)}")
        if isinstance(text, str):
            return program.finding("M101", "note", node, rule.id, f"{api} becomes {_short(text)}")
        why = text.reason
    elif rule.rewrites:
        return program.finding("M101", "note", node, rule.id, f"{api} becomes {rule.side(to)[0].form.key or rule.side(to)[0].text}")
    strategic = next((r for r in found if r.strategy), None)
    if strategic is not None and not handled and (side == "tf" or strategic.strategy == "variables"):
        return program.finding("M203", "warning", node, strategic.id, f"{api} is left as it is by convert: {_one_line(strategic.instead or strategic.note)}")
    if strategic is not None:
        code = "M103" if strategic.strategy == "furniture" else "M102"
        return program.finding(code, "note", node, strategic.id, f"{api}: {_one_line(strategic.instead or strategic.note or 'is converted')}")
    if handled:
        return program.finding("M102", "note", node, rule.id, f"{api} is converted" + (f" ({_one_line(why)})" if rule.by_hand and why else ""))
    if rule.instead:
        return program.finding(unsupported, "error", node, rule.id, f"{api} has no counterpart: {_one_line(rule.instead)}")
    if rule.by_hand:
        return program.finding("M203", "warning", node, rule.id, f"{api} is written by hand: {_one_line(rule.by_hand)}")
    if _made_only(reference) and isinstance(program.parents.get(reference.whole), (ast.Assign, ast.keyword, ast.Call, ast.Return, ast.List, ast.Tuple)):
        return program.finding("M101", "note", node, rule.id, f"{api} becomes {rule.side(to)[0].form.key or rule.side(to)[0].text} where it is called")
    return program.finding("M202", "warning", node, rule.id, f"{api} in this form is not known: {_one_line(why)}")


def _difference(program: Program, reference: Reference, rule: Rule, difference: Difference, sure: bool) -> Finding:
    if difference.defect and reference.side == "ms" and difference.level == "warning" and sure:
        return program.finding("M501", "warning", reference.node, rule.id, f"{reference.api}: {_one_line(difference.text)}")
    kept = reference.side == "tf" and not difference.stays and _keeps(reference.api)
    level: Literal["warning", "note"] = "note" if kept or not sure else difference.level
    return program.finding("M401" if level == "warning" else "M402", level, reference.node, rule.id,
                           f"{reference.api}: {_one_line(difference.text)}" + ("; the converted program keeps TensorFlow's numbers" if kept else ""))


def _keeps(api: str) -> bool:
    """Whether the converter writes a definition of its own, with TensorFlow's meaning, for a name."""
    from mapper.staging.to_functions_names import meaning

    text = meaning(api)
    return text is not None and not text.startswith(("ops.", "nn."))


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= 100 else line[:97] + "..."


# ---- functions that cannot be converted ----------------------------------------------------------------------------
def marked_functions(program: Program, refused: Sequence[tuple[ast.AST, str]]) -> Iterator[Finding]:
    """The functions that use what has no counterpart, and the functions that call them."""
    reasons: dict[ast.AST, str] = {}
    for node, api in refused:
        owner = next(program.around(node, *_FUNCTIONS), None)
        if owner is not None:
            reasons.setdefault(owner, f"uses {api} (line {getattr(node, 'lineno', 0)})")
    waiting = list(reasons)
    callers = _callers(program) if reasons else {}
    while waiting:
        callee = waiting.pop()
        for caller, line in callers.get(callee, ()):
            if caller not in reasons:
                reasons[caller] = f"calls {getattr(callee, 'name', '')} (line {line})"
                waiting.append(caller)
    for function, reason in reasons.items():
        name = getattr(function, "name", "")
        yield program.finding("M204", "warning", function, "", f"function {name} {reason}, which has no counterpart: it will not run as it is converted")


def _callers(program: Program) -> dict[ast.AST, list[tuple[ast.AST, int]]]:
    found: dict[ast.AST, list[tuple[ast.AST, int]]] = {}
    methods = {(owner.name, part.name): part for owner in program.all(ast.ClassDef) for part in owner.body if isinstance(part, _FUNCTIONS)}
    for call in program.all(ast.Call):
        for caller in islice(program.around(call, *_FUNCTIONS), 1):
            for callee in _callees(program, call, methods):
                found.setdefault(callee, []).append((caller, call.lineno))
    return found


def _callees(program: Program, call: ast.Call, methods: dict[tuple[str, str], ast.FunctionDef | ast.AsyncFunctionDef]) -> Iterator[ast.AST]:
    if isinstance(call.func, ast.Name):
        yield from (b.node for b in program.names.bindings(call.func) if isinstance(b.node, _FUNCTIONS))
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "self":
        owner = next(program.around(call, ast.ClassDef), None)
        method = methods.get((getattr(owner, "name", ""), call.func.attr))
        if method is not None:
            yield method
