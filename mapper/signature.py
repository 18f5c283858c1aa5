"""The one-line call grammar of the rules: parse a form, match an expression against it, build an expression from it.

A form is written as a Python signature whose annotations name the values that both sides of a rule share:

    tf.reduce_sum(input_tensor: x, axis=None, keepdims: keep = False, name: _ = None)
    ops.ReduceSum(keep_dims: keep = False)(x, axis=(), /)
    x.get_shape().as_list()

An argument `keepdims: keep = False` is called `keepdims` in this API and holds the rule's value `keep`; without an annotation
both have one name. `_` (or `_why`) is dropped; a constant (`mode: 'mean'`, `dtype: ms.float32`) is fixed; a call
(`p: complement(keep)`) is a transform of the value. `/` and `*` mean what they mean in Python. A value may stand for several
spellings (`axis=None, reduction_indices: axis = None`); the first one is written. One-letter values (and `xs`, `ys`) are
tensors. What is no signature is a template, which can be written but not recognised: `ops.square(x - y)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

ROOTS = frozenset({"tf", "ops", "nn", "ms", "mnp", "np", "math", "initializer", "contrib", "mindflow", "mindquantum"})
TENSOR_VALUES = frozenset("abcdefghijklmnopqrstuvwxyz") | {"xs", "ys"}

Kind = Literal["positional", "either", "rest", "keyword"]
Step = "Attr | CallStep | Index"


class SignatureError(ValueError):
    """A form that is not written in the grammar; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a form. `value` is what it holds; `default` is None for a required one."""

    name: str
    value: ast.expr
    default: ast.expr | None
    kind: Kind

    @property
    def plain(self) -> str | None:
        """The value's name when the argument holds it as it is."""
        return self.value.id if isinstance(self.value, ast.Name) else None

    @property
    def dropped(self) -> bool:
        return isinstance(self.value, ast.Name) and self.value.id.startswith("_")

    @property
    def fixed(self) -> bool:
        return isinstance(self.value, (ast.Constant, ast.Attribute, ast.UnaryOp, ast.Tuple, ast.List))


@dataclass(frozen=True, slots=True)
class Attr:
    name: str


@dataclass(frozen=True, slots=True)
class CallStep:
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Index:
    value: ast.expr


@dataclass(frozen=True, slots=True)
class Form:
    """A parsed form: an API (`api`) or a value (`subject`) followed by calls, attributes and indices, or a template."""

    text: str
    api: str | None = None
    subject: str | None = None
    steps: tuple[Attr | CallStep | Index, ...] = ()
    template: ast.expr | None = None

    @property
    def calls(self) -> tuple[CallStep, ...]:
        return tuple(step for step in self.steps if isinstance(step, CallStep))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for call in self.calls for parameter in call.parameters)

    @property
    def key(self) -> str | None:
        """What the form is looked up by: the API's name, `.get_shape.as_list` for methods, `/` for an operator."""
        if self.api is not None:
            return self.api
        if self.subject is not None:
            return "." + ".".join(_step_key(step) for step in self.steps if not isinstance(step, CallStep))
        return operator_key(self.template) if self.template is not None else None

    def values(self) -> frozenset[str]:
        """The names of all values the form speaks of."""
        if self.template is not None:
            return frozenset(_value_names(self.template))
        found = {name for p in self.parameters for name in _value_names(p.value)}
        found.update(name for s in self.steps if isinstance(s, Index) for name in _value_names(s.value))
        return frozenset(found | ({self.subject} if self.subject else set()))


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value is in the code that was matched. `through` is the transform it went through, to be undone."""

    node: ast.expr
    given: bool
    positional: bool = False
    through: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A form found in code: the values by name, and the dropped arguments that were given."""

    form: Form
    values: Mapping[str, Bound]
    dropped: Mapping[str, ast.expr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why an expression is not what a form describes, in words for the person whose code it is."""

    reason: str

    def __bool__(self) -> bool:
        return False


# ---- parsing ---------------------------------------------------------------------------------------------------
_ROOT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_OPENING = {"(": ")", "[": "]", "{": "}"}


@lru_cache(maxsize=4096)
def parse_form(text: str) -> Form:
    """Parse a form. Raises SignatureError."""
    text = " ".join(text.split())
    parts = _split(text)
    if parts is not None:
        root, rest = parts
        form = _signature(text, root, rest)
        if form is not None:
            return form
    try:
        return Form(text, template=ast.parse(text, mode="eval").body)
    except SyntaxError as error:
        raise SignatureError(f"not a form: {text!r} ({error.msg})") from None


def _split(text: str) -> tuple[str, list[str]] | None:
    """`a.b(c)(d).e[0]` as `a.b` and ["(c)", "(d)", ".e", "[0]"], or None when it has another shape."""
    match = _ROOT.match(text)
    if match is None:
        return None
    rest, at = [], match.end()
    while at < len(text):
        if text[at] == ".":
            name = re.compile(r"\.\w+").match(text, at)
            if name is None:
                return None
            end = name.end()
        elif text[at] in "([":
            end = _closing(text, at)
            if end < 0:
                return None
        else:
            return None
        rest.append(text[at:end])
        at = end
    return match.group(), rest


def _closing(text: str, start: int) -> int:
    stack: list[str] = []
    quote = ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _OPENING:
            stack.append(_OPENING[char])
        elif stack and char == stack[-1]:
            stack.pop()
            if not stack:
                return at + 1
    return -1


def _signature(text: str, root: str, rest: list[str]) -> Form | None:
    names = root.split(".")
    is_api = names[0] in ROOTS
    steps: list[Attr | CallStep | Index] = [] if is_api else [Attr(name) for name in names[1:]]
    for part in rest:
        if part[0] == ".":
            steps.append(Attr(part[1:]))
        elif part[0] == "[":
            steps.append(Index(ast.parse(f"_{part}", mode="eval").body.slice))  # type: ignore[attr-defined]
        else:
            parameters = _parameters(part)
            if parameters is None:
                return None
            steps.append(CallStep(parameters))
    if is_api:
        return Form(text, api=root, steps=tuple(steps))
    if not steps or len(names) == 1 and isinstance(steps[0], CallStep):
        return None  # a bare value or a transform of one: a template
    return Form(text, subject=names[0], steps=tuple(steps))


def _parameters(part: str) -> tuple[Parameter, ...] | None:
    try:
        definition = ast.parse(f"def _{part}: 0").body[0]
    except SyntaxError:
        return None
    assert isinstance(definition, ast.FunctionDef)
    args = definition.args
    if args.kwarg is not None:
        return None
    ordered: list[tuple[ast.arg, Kind]] = [(a, "positional") for a in args.posonlyargs]
    ordered += [(a, "either") for a in args.args]
    defaults: list[ast.expr | None] = [None] * (len(ordered) - len(args.defaults)) + list(args.defaults)
    if args.vararg is not None:
        ordered.append((args.vararg, "rest"))
        defaults.append(None)
    ordered += [(a, "keyword") for a in args.kwonlyargs]
    defaults += args.kw_defaults
    return tuple(Parameter(a.arg, a.annotation or ast.Name(a.arg, ast.Load()), default, kind)
                 for (a, kind), default in zip(ordered, defaults))


def _step_key(step: Attr | Index | CallStep) -> str:
    return step.name if isinstance(step, Attr) else "[]"


def operator_key(node: ast.expr) -> str | None:
    """`operator.Div` for x / y, `operator.Subscript` for x[i], None for what is no operator."""
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return f"operator.{type(node.op).__name__}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return f"operator.{type(node.ops[0]).__name__}"
    return "operator.Subscript" if isinstance(node, ast.Subscript) else None


def method_keys(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Keys under which the methods and attributes at the end of an expression may be known, longest chain first, each with the
    expression they are asked of: for `x.get_shape().as_list()` (".get_shape.as_list", x) and (".as_list", x.get_shape())."""
    chain: list[tuple[str, ast.expr]] = []
    names: list[str] = []
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func
        if isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
        elif isinstance(node, ast.Subscript) and names:
            names.insert(0, "[]")
        else:
            break
        node = node.value
        chain.append(("." + ".".join(names), node))
    yield from reversed(chain)


def _value_names(node: ast.expr) -> list[str]:
    """Names of values in an annotation or template: not API roots, not names of transforms, not dropped ones."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called and n.id not in ROOTS
            and not n.id.startswith("_") and n.id not in bound]


# ---- matching --------------------------------------------------------------------------------------------------
Resolve = Callable[[ast.expr], "str | None"]


def match(form: Form, node: ast.expr, construct: ast.Call | None = None, resolve: Resolve | None = None) -> Binding | Mismatch:
    """Match an expression against a form.

    `node` is the whole expression (`tf.reduce_sum(x, 0)`, `x.get_shape().as_list()`). For a form with two calls
    (`ops.ReduceSum(keep)(x)`) whose instance was stored, `construct` is the call that made the instance and `node` the call of
    it. The caller has looked the API's name up; `resolve` gives the canonical name of fixed API constants (`ms.float32`)."""
    matching = _Matching(form, resolve)
    if form.template is not None:
        problem = matching.structure(form.template, node)
    else:
        problem = matching.steps(node, construct)
    return Binding(form, matching.values, matching.dropped) if problem is None else problem


class _Matching:
    def __init__(self, form: Form, resolve: Resolve | None) -> None:
        self.form = form
        self.resolve = resolve
        self.values: dict[str, Bound] = {}
        self.dropped: dict[str, ast.expr] = {}

    def steps(self, node: ast.expr, construct: ast.Call | None) -> Mismatch | None:
        for step in reversed(self.form.steps):
            if isinstance(step, CallStep):
                if not isinstance(node, ast.Call):
                    return Mismatch(f"{self.form.key} is used without being called")
                problem = self.arguments(step, node)
                node = node.func
                if construct is not None and not isinstance(node, ast.Call):
                    node, construct = construct, None
            elif isinstance(step, Attr):
                if not isinstance(node, ast.Attribute) or node.attr != step.name:
                    return Mismatch(f"this is not {self.form.text}")
                problem, node = None, node.value
            else:
                if not isinstance(node, ast.Subscript):
                    return Mismatch(f"this is not {self.form.text}")
                problem, node = self.structure(step.value, node.slice), node.value
            if problem is not None:
                return problem
        if self.form.subject is not None:
            self.values[self.form.subject] = Bound(node, True, True)
        elif not isinstance(node, (ast.Attribute, ast.Name)):
            return Mismatch(f"{self.form.api} is called another number of times than in {self.form.text}")
        return None

    def arguments(self, step: CallStep, call: ast.Call) -> Mismatch | None:
        given: dict[Parameter, tuple[ast.expr, bool]] = {}
        slots = [p for p in step.parameters if p.kind in ("positional", "either")]
        rest = next((p for p in step.parameters if p.kind == "rest"), None)
        if any(isinstance(a, ast.Starred) for a in call.args) and not (rest is not None and not slots):
            return Mismatch("it is called with *arguments, whose number is not known here")
        if len(call.args) > len(slots) and rest is None:
            return Mismatch(f"it has {len(call.args)} positional arguments and {self.form.api or self.form.key} takes {len(slots)}")
        for parameter, argument in zip(slots, call.args):
            given[parameter] = argument, True
        if rest is not None:
            given[rest] = ast.Tuple(list(call.args[len(slots):]), ast.Load()), True
        by_name = {p.name: p for p in step.parameters if p.kind in ("either", "keyword")}
        for keyword in call.keywords:
            if keyword.arg is None:
                return Mismatch("it is called with **arguments, whose names are not known here")
            named = by_name.get(keyword.arg)
            if named is None:
                return Mismatch(f"{self.form.api or self.form.key} has no argument {keyword.arg!r}")
            if named in given:
                return Mismatch(f"argument {keyword.arg!r} is given twice")
            given[named] = keyword.value, False
        for parameter in sorted(step.parameters, key=lambda p: p not in given):     # what is given may be another spelling of what is not
            problem = self.bind(parameter, given.get(parameter))
            if problem is not None:
                return problem
        return None

    def bind(self, parameter: Parameter, given: tuple[ast.expr, bool] | None) -> Mismatch | None:
        if given is not None and same(given[0], parameter.default):
            given = None                  # a default that is written out says nothing more than one that is not
        if given is None and parameter.default is None:
            if parameter.plain in self.values:
                return None
            return Mismatch(f"argument {parameter.name!r} of {self.form.api or self.form.key} is missing")
        node = given[0] if given else parameter.default
        assert node is not None
        if parameter.dropped:
            if given and not same(node, parameter.default):
                self.dropped[parameter.name] = node
            return None
        if parameter.fixed:
            if same(node, parameter.value) or self.resolve is not None and self.resolve(node) == ast.unparse(parameter.value):
                return None
            return Mismatch(f"argument {parameter.name!r} is {ast.unparse(node)}, not {ast.unparse(parameter.value)}")
        name, through = parameter.plain, None
        if name is None:
            if not (isinstance(parameter.value, ast.Call) and isinstance(parameter.value.func, ast.Name)
                    and len(parameter.value.args) == 1 and isinstance(parameter.value.args[0], ast.Name)):
                return Mismatch(f"{self.form.text} can be written but not recognised")
            name, through = parameter.value.args[0].id, parameter.value.func.id
        before = self.values.get(name)
        if before is not None and before.given:
            if given and not same(node, parameter.default):
                return Mismatch(f"argument {parameter.name!r} is given under two names")
            return None
        if before is None or given:
            self.values[name] = Bound(node, given is not None, bool(given and given[1]), through)
        return None

    def structure(self, pattern: ast.AST, node: ast.AST) -> Mismatch | None:
        """Bind the names of a template to what stands in their place in an expression of the same structure."""
        if isinstance(pattern, ast.Name) and pattern.id not in ROOTS and isinstance(node, ast.expr):
            if pattern.id.startswith("_"):
                return None
            before = self.values.get(pattern.id)
            if before is not None and ast.dump(before.node) != ast.dump(node):
                return Mismatch(f"this is not {self.form.text}")
            self.values[pattern.id] = Bound(node, True, True)
            return None
        if isinstance(pattern, ast.Attribute) and isinstance(node, ast.expr) and self.resolve is not None \
                and self.resolve(node) == ast.unparse(pattern):
            return None
        if type(pattern) is not type(node):
            return Mismatch(f"this is not {self.form.text}")
        for name in pattern._fields:
            ours, theirs = getattr(pattern, name, None), getattr(node, name, None)
            if isinstance(ours, ast.AST) and isinstance(theirs, ast.AST):
                problem = self.structure(ours, theirs)
            elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
                problem = next((p for a, b in zip(ours, theirs) if (p := self.structure(a, b)) is not None), None)
            else:
                problem = None if ours == theirs or name in ("kind", "ctx") else Mismatch(f"this is not {self.form.text}")
            if problem is not None:
                return problem
        return None


_UNKNOWN = object()


def literal(node: ast.expr | None) -> object:
    """The value of a literal expression; `UNKNOWN` (see `known`) for anything else."""
    if node is None:
        return _UNKNOWN
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _UNKNOWN


def known(value: object) -> bool:
    return value is not _UNKNOWN


def same(one: ast.expr | None, other: ast.expr | None) -> bool:
    """Whether two expressions are surely the same value: equal literals of one type, or equal text."""
    if one is None or other is None:
        return False
    a, b = literal(one), literal(other)
    if known(a) and known(b):
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
            return list(a) == list(b)
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool) and not isinstance(b, bool)
        return a == b and (numbers or type(a) is type(b))
    return not known(a) and not known(b) and ast.dump(one) == ast.dump(other)


# ---- building --------------------------------------------------------------------------------------------------
_LEVELS: dict[type[ast.AST], int] = {
    ast.NamedExpr: 0, ast.Lambda: 1, ast.IfExp: 2, ast.Or: 3, ast.And: 4, ast.Not: 5, ast.Compare: 6, ast.BitOr: 7, ast.BitXor: 8,
    ast.BitAnd: 9, ast.LShift: 10, ast.RShift: 10, ast.Add: 11, ast.Sub: 11, ast.Mult: 12, ast.Div: 12, ast.FloorDiv: 12,
    ast.Mod: 12, ast.MatMult: 12, ast.UAdd: 13, ast.USub: 13, ast.Invert: 13, ast.Pow: 14, ast.Await: 15,
}
ATOM = 16


def precedence(text: str) -> int:
    """How tightly an expression's text holds together: ATOM for a name, a call or anything in brackets."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:  # `*xs`, `yield`, or an expression that needs brackets for its line breaks
        try:
            node = ast.parse(f"({text})", mode="eval").body
        except SyntaxError:
            return 0
        return min(_level(node), 2)
    return _level(node)


def _level(node: ast.expr) -> int:
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp)):
        return _LEVELS[type(node.op)]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return ATOM - 1  # `1.real`: a number is no atom before a dot
    if isinstance(node, ast.Tuple) and node.elts and node.col_offset == node.elts[0].col_offset:
        return 0  # a tuple without brackets
    return _LEVELS.get(type(node), ATOM)


def wrap(text: str, at_least: int) -> str:
    """The text, in brackets when it holds together less than its place needs."""
    return text if precedence(text) >= at_least else f"({text})"


@dataclass(frozen=True, slots=True)
class Argument:
    """A piece of target code: its text, and the literal or source expression behind it where that says more."""

    text: str
    node: ast.expr | None = None


def build_call(function: str, parameters: Sequence[Parameter], arguments: Mapping[str, Argument], positional: frozenset[str]) -> str:
    """`function(...)` with the given arguments by parameter name.

    Required arguments go by position, and so do those in `positional` (what the author wrote by position) as long as no argument
    before them is left out; the others go by keyword. Defaults are filled in where a later argument has no keyword."""
    last = max((i for i, p in enumerate(parameters) if p.kind == "positional" and p.name in arguments), default=-1)
    pieces: list[str] = []
    unbroken = True
    for i, parameter in enumerate(parameters):
        argument = arguments.get(parameter.name)
        if argument is None:
            if i < last and parameter.default is not None:
                pieces.append(ast.unparse(parameter.default))
            elif parameter.kind != "rest":
                unbroken = False
            continue
        by_position = parameter.kind == "either" and unbroken and (parameter.default is None or parameter.name in positional)
        if parameter.kind == "rest":
            pieces.append(_spread(argument))
        elif parameter.kind == "positional" or by_position:
            pieces.append(wrap(argument.text, 1))
        else:
            unbroken = False
            pieces.append(f"{parameter.name}={wrap(argument.text, 1)}")
    return f"{function}({', '.join(piece for piece in pieces if piece)})"


def _spread(argument: Argument) -> str:
    """A sequence as the arguments of a call."""
    node = ast.parse(argument.text.strip(), mode="eval").body if argument.text.strip() else None
    if isinstance(node, (ast.Tuple, ast.List)):
        source = argument.text.strip()
        return ", ".join(ast.get_source_segment(source, element) or "" for element in node.elts)
    return f"*{wrap(argument.text, 7)}"


def fill(template: ast.expr, arguments: Mapping[str, str]) -> str:
    """A template's text with the arguments' texts in the places of their names, in brackets where the place needs them."""
    text = ast.unparse(_Marked(arguments).visit(_copy(template)))
    marked = ast.parse(text, mode="eval")
    parents = {id(child): parent for parent in ast.walk(marked) for child in ast.iter_child_nodes(parent)}
    places = sorted((n for n in ast.walk(marked) if isinstance(n, ast.Name) and n.id.startswith(_MARK)),
                    key=lambda n: (n.lineno, n.col_offset), reverse=True)
    data = text.encode()                  # positions of the syntax tree count bytes
    for place in places:
        argument = arguments[place.id.removeprefix(_MARK)]
        piece = wrap(argument, _needed(place, parents[id(place)]))
        data = data[:place.col_offset] + piece.encode() + data[place.col_offset + len(place.id):]
    return data.decode()


_MARK = "mapper_value_"


class _Marked(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:  # noqa: N802
        return ast.Name(_MARK + node.id, node.ctx) if node.id in self.names else node


def _needed(place: ast.expr, parent: ast.AST) -> int:
    """The precedence that the place of an operand asks for."""
    if isinstance(parent, ast.BinOp):
        level = _LEVELS[type(parent.op)]
        right = parent.right is place
        if isinstance(parent.op, ast.Pow):
            return level - 1 if right else ATOM - 1
        return level + 1 if right else level
    if isinstance(parent, ast.UnaryOp):
        return _LEVELS[type(parent.op)]
    if isinstance(parent, ast.BoolOp):
        return _LEVELS[type(parent.op)] + 1
    if isinstance(parent, ast.Compare):
        return 7
    if isinstance(parent, ast.IfExp):
        return 3
    if isinstance(parent, (ast.Attribute, ast.Starred)) or isinstance(parent, (ast.Call, ast.Subscript)) and _is_head(parent, place):
        return ATOM
    return 0 if isinstance(parent, (ast.Expression, ast.Subscript)) else 1


def _is_head(parent: ast.Call | ast.Subscript, place: ast.expr) -> bool:
    return (parent.func if isinstance(parent, ast.Call) else parent.value) is place


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body
