"""A call of one framework as the call of the other that a rule gives for it."""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mapper.rules import Difference, Rule, Side, Spelling, canonical, key_of, lookup, side_of
from mapper.signature import (
    ATOM,
    Argument,
    Attr,
    Binding,
    Bound,
    CallStep,
    Form,
    Mismatch,
    Parameter,
    Resolve,
    build_call,
    fill,
    known,
    literal,
    match,
    method_keys,
    same,
    wrap,
)

Text = Callable[[ast.expr], str]


# ---- values that change their form between the frameworks ---------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Transform:
    """How a value is written in a form that says it in another way, and how it is read from there. None: it cannot."""

    write: Callable[[str], str | None]
    read: Callable[[str], str | None]
    absent: str = ""
    """What None stands for in MindSpore's form, in MindSpore's words."""


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None


def _complement(text: str) -> str:
    node = _expression(text)
    value = literal(node)
    if isinstance(value, (int, float)):
        return repr(round(1.0 - value, 12))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and literal(node.left) in (1, 1.0):
        return ast.unparse(node.right)
    return f"1.0 - {wrap(text, 12)}"


def _tuple(text: str) -> str:
    node = _expression(text)
    if isinstance(node, ast.List):
        return f"({text.strip()[1:-1].rstrip().rstrip(',')}{',' if len(node.elts) == 1 else ''})"
    return text


def _list(text: str) -> str:
    node = _expression(text)
    if isinstance(node, ast.Tuple) and text.strip().startswith("("):
        return f"[{text.strip()[1:-1].rstrip().rstrip(',')}]"
    return text


def _word(change: Callable[[str], str]) -> Callable[[str], str | None]:
    def changed(text: str) -> str | None:
        value = literal(_expression(text))
        return repr(change(value)) if isinstance(value, str) else None
    return changed


def _unless(*values: object) -> Callable[[str], str | None]:
    return lambda text: None if literal(_expression(text)) in values else text


def _flat_pads(text: str) -> str | None:
    """Pairs per axis as MindSpore's flat list from the last axis."""
    value = literal(_expression(text))
    if not isinstance(value, (list, tuple)) or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value):
        return None
    return repr([n for pair in reversed(value) for n in pair])


def _paired_pads(text: str) -> str | None:
    return None  # the rank, and so the axes that are not padded, is not in the list


def _middle(text: str) -> str | None:
    """`[1, 2, 2, 1]` of NHWC as `(2, 2)`."""
    value = literal(_expression(text))
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, (list, tuple)) and len(value) == 4 and value[0] == value[3] == 1:
        return repr(value[1] if value[1] == value[2] else (value[1], value[2]))
    return None


def _surrounded(text: str) -> str | None:
    value = literal(_expression(text))
    if isinstance(value, int):
        return repr([1, value, value, 1])
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return repr([1, *value, 1])
    return None


def _everything(text: str) -> str | None:
    """An axis where `()` stands for all of them."""
    value = literal(_expression(text))
    return "()" if value is None else None if value in ([], ()) else _tuple(text)


def _not_everything(text: str) -> str:
    return "None" if literal(_expression(text)) == () else _list(text)


def _norm_order(text: str) -> str:
    return "None" if literal(_expression(text)) == "euclidean" else text


def _named_norm(text: str) -> str:
    return "'euclidean'" if literal(_expression(text)) is None else text


def _as_it_is(text: str) -> str:
    return text


def _list_of_dims(text: str) -> str:
    """A shape, where a number stands for a shape of one dimension."""
    return f"[{text}]" if isinstance(literal(_expression(text)), int) else _list(text)


def _only(*kinds: type) -> Callable[[str], str | None]:
    """A value that is surely of one of some types."""
    return lambda text: text if isinstance(literal(_expression(text)), kinds) else None


def _for_none(replacement: str) -> Callable[[str], str | None]:
    return lambda text: replacement if literal(_expression(text)) is None else text


TRANSFORMS: Mapping[str, Transform] = {
    "complement": Transform(_complement, _complement),
    "rate": Transform(_complement, _complement),
    "tuple": Transform(_tuple, _list),
    "lower": Transform(_word(str.lower), _word(str.upper)),
    "said": Transform(_unless(None), _as_it_is),
    "pads": Transform(_flat_pads, _paired_pads),
    "everything": Transform(_everything, _not_everything),
    "norm_order": Transform(_norm_order, _named_norm),
    "middle": Transform(_middle, _surrounded),
    "dims": Transform(_tuple, _list_of_dims),
    "count": Transform(_only(int), _only(int)),
    "sizes": Transform(_only(list, tuple), _only(list, tuple)),
    "some": Transform(_as_it_is, _unless(None)),
    "last": Transform(_for_none("-1"), _as_it_is),
    "one": Transform(_for_none("1.0"), _as_it_is),
    "zero": Transform(_for_none("0.0"), _as_it_is),
    "float": Transform(_for_none("ms.float32"), _as_it_is),
    "written": Transform(_as_it_is, _as_it_is, "ms.float32"),
    "negative": Transform(lambda text: f"-{wrap(text, 13)}", lambda text: f"-{wrap(text, 13)}"),
}


# ---- rewriting -------------------------------------------------------------------------------------------------
def rewrite(rules: Sequence[Rule], api: str, call: ast.expr, to: Side, text: Text, construct: ast.Call | None = None,
            resolve: Resolve | None = None, version: tuple[int, ...] | None = None) -> str | Mismatch:
    """The text of the other framework by the first of the rules that has the call among its forms.

    `text` gives the converted text of an argument; `construct` is the call that made the instance that `call` calls; `resolve`
    gives canonical names of constants; `version` is the release that is written for (None: the newest)."""
    refusal = Mismatch(f"no rule has this call of {api} among its forms")
    for rule in rules:
        if rule.instead:
            refusal = Mismatch(rule.instead)
        elif not rule.goes(to):
            refusal = Mismatch(rule.why)
        elif not rule.rewrites:
            refusal = Mismatch(rule.by_hand or f"this takes more than one call: see the strategy {rule.strategy!r}")
        else:
            bound = recognise(rule, api, call, "ms" if to == "tf" else "tf", construct, resolve)
            result = write(rule, bound, to, text, version) if isinstance(bound, Binding) else bound
            if isinstance(result, str):
                return result
            refusal = result
    return refusal


def recognise(rule: Rule, api: str, call: ast.expr, side: Side, construct: ast.Call | None = None, resolve: Resolve | None = None) -> Binding | Mismatch:
    """The values of a call of an API in the words of a rule."""
    refusal = Mismatch(f"{api} is no form of {rule.id}")
    for spelling in rule.side(side):
        if key_of(spelling.text) != canonical(api):
            continue
        found = match(spelling.form, call, construct, resolve or dotted)
        if isinstance(found, Binding):
            whole = Binding(found.form, {**{name: Bound(node, False) for name, node in spelling.fixed.items()}, **found.values}, found.dropped)
            if _suits(spelling, whole):
                return whole
            continue
        refusal = found
    return refusal


def write(rule: Rule, binding: Binding, to: Side, text: Text, version: tuple[int, ...] | None = None) -> str | Mismatch:
    """The first form of a side that can say the values."""
    refusal = Mismatch(f"{rule.id} has no form for this version")
    for spelling in sorted(rule.side(to), key=_of_its_time) if to == "ms" and version is not None and version < (2,) else rule.side(to):
        if not spelling.there(version):
            continue
        result = spell(spelling, binding.values, to, text)
        if isinstance(result, str):
            return result
        refusal = result
    return refusal


def _of_its_time(spelling: Spelling) -> bool:
    """MindSpore 1.x had its primitives long before their functions: `ops.ReduceSum()(x)` is there, `ops.sum(x)` is not yet."""
    return not re.match(r"(ops|nn)\.[A-Z]", spelling.text)


def spell(spelling: Spelling, values: Mapping[str, Bound], to: Side, text: Text) -> str | Mismatch:
    """One form with the values in their places."""
    form = spelling.form
    if not _suits(spelling, Binding(form, values)):
        return Mismatch(f"{form.text} is for other values")
    said: dict[str, Argument] = {}
    for name, bound in values.items():
        argument = _argument(name, bound, to, text)
        if isinstance(argument, Mismatch):
            return argument
        said[name] = argument
    for name, node in spelling.fixed.items():
        if name in said and not _equal(said[name].text, ast.unparse(node)):
            return Mismatch(f"{form.key} has no way to say {name}={said[name].text}")
    missing = [name for name in form.values() if name not in said and (name == form.subject or form.template is not None)]
    if missing:
        return Mismatch(f"{form.key} needs {missing[0]!r}")
    if form.template is not None:
        return _filled(form, {name: argument.text for name, argument in said.items()})
    return _chain(spelling, values, said)


def _filled(form: Form, texts: Mapping[str, str]) -> str | Mismatch:
    """A template with the values in their places, those in transforms transformed."""
    assert form.template is not None
    template, values = ast.parse(form.text, mode="eval").body, dict(texts)
    for node in ast.walk(template):
        for field, child in ast.iter_fields(node):
            for place in child if isinstance(child, list) else [child]:
                if isinstance(place, ast.Call) and isinstance(place.func, ast.Name) and place.func.id in TRANSFORMS and isinstance(place.args[0], ast.Name):
                    changed = TRANSFORMS[place.func.id].write(texts[place.args[0].id])
                    if changed is None:
                        return Mismatch(f"{place.args[0].id} cannot be {texts[place.args[0].id]} in {form.text}")
                    key = f"{place.func.id}_{place.args[0].id}"
                    values[key] = changed
                    name = ast.Name(key, ast.Load())
                    if isinstance(child, list):
                        child[child.index(place)] = name
                    else:
                        setattr(node, field, name)
    return fill(template, values)


def _chain(spelling: Spelling, values: Mapping[str, Bound], said: Mapping[str, Argument]) -> str | Mismatch:
    form = spelling.form
    result = form.api if form.api is not None else wrap(said[form.subject or ""].text, ATOM)
    for step in form.steps:
        if isinstance(step, Attr):
            result += f".{step.name}"
        elif isinstance(step, CallStep):
            arguments, positional = {}, set()
            written: set[str] = set()
            for parameter in step.parameters:
                argument = _parameter(form.key or "", parameter, values, said, written)
                if isinstance(argument, Mismatch):
                    return argument
                if argument is not None:
                    arguments[parameter.name] = argument
                    name = _value(parameter)
                    if name and name in values and values[name].positional:
                        positional.add(parameter.name)
            result = build_call(result, step.parameters, arguments, frozenset(positional))
        else:
            result += f"[{ast.unparse(step.value)}]"
    return result


def _value(parameter: Parameter) -> str | None:
    """The name of the value that an argument holds, as it is or transformed."""
    if isinstance(parameter.value, ast.Call) and isinstance(parameter.value.args[0], ast.Name):
        return parameter.value.args[0].id
    return None if parameter.dropped else parameter.plain


def _parameter(api: str, parameter: Parameter, values: Mapping[str, Bound], said: Mapping[str, Argument], written: set[str]) -> Argument | Mismatch | None:
    if parameter.dropped:
        return None
    if parameter.fixed:
        return None if same(parameter.value, parameter.default) else Argument(ast.unparse(parameter.value), parameter.value)
    name = _value(parameter)
    if name is None or name not in said:
        return None if parameter.default is not None or parameter.kind == "rest" else Mismatch(f"{api} needs {parameter.name!r}")
    if name in written:
        return None
    written.add(name)
    argument = said[name]
    if isinstance(parameter.value, ast.Call) and isinstance(parameter.value.func, ast.Name):
        default = None if parameter.default is None else _default(parameter.value.func.id, ast.unparse(parameter.default))
        if not values[name].given and _equal(argument.text, default):
            return None
        changed = TRANSFORMS[parameter.value.func.id].write(argument.text)
        if changed is None:
            return Mismatch(f"argument {parameter.name!r} of {api} cannot be {argument.text}")
        argument = Argument(changed, _expression(changed))
    if not values[name].given and parameter.default is not None and _equal(argument.text, ast.unparse(parameter.default)):
        return None
    return argument


def _read(transform: str, text: str) -> str | None:
    return TRANSFORMS[transform].read(text)


def _default(transform: str, text: str) -> str | None:
    """What a form's default stands for, in the words of the form's own side."""
    return TRANSFORMS[transform].absent if text == "None" and TRANSFORMS[transform].absent else _read(transform, text)


def _argument(name: str, bound: Bound, to: Side, text: Text) -> Argument | Mismatch:
    piece = text(bound.node) if bound.given else convert_constants(bound.node, to)
    if bound.through is not None:
        absent = TRANSFORMS[bound.through].absent
        read = convert_constants(ast.parse(absent, mode="eval").body, to) if absent and piece == "None" else _read(bound.through, piece)
        if read is None:
            return Mismatch(f"{name}={piece} has no counterpart")
        piece = read
    return Argument(piece, _expression(piece))


def _equal(one: str, other: str | None) -> bool:
    if other is None:
        return False
    return same(_expression(one), _expression(other))


# ---- plain expressions -----------------------------------------------------------------------------------------
def dotted(node: ast.expr) -> str | None:
    """The name that an expression is, when it is written in the rules' own words (`ms.float32`)."""
    text = ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""
    return canonical(text) if text and side_of(text) else None


def convert_constants(node: ast.expr, to: Side) -> str:
    """A default of one framework in the words of the other."""
    return convert(node, to, strict=False)


def convert(node: ast.expr, to: Side, strict: bool = True, version: tuple[int, ...] | None = None) -> str:
    """A whole expression, written in the rules' own words, converted by rules alone. Raises ValueError where none applies."""
    source: Side = "tf" if to == "ms" else "ms"

    def text(part: ast.expr) -> str:
        return convert(part, to, strict, version)

    for name in names_of(node):
        found = lookup(name, source)
        if found:
            result = rewrite(found, name, node, to, text, version=version)
            if isinstance(result, str):
                return result
            if strict and not isinstance(node, ast.Subscript):
                raise ValueError(f"{ast.unparse(node)}: {result.reason}")
        elif side_of(name) == source and strict and not isinstance(node, ast.Subscript):
            raise ValueError(f"no rule speaks of {name}")
    pieces = {}
    copy = ast.parse(ast.unparse(node), mode="eval").body
    for number, (parent, field, index, child) in enumerate(_operands(copy)):
        key = f"piece_{number}_"
        pieces[key] = text(child)
        place = ast.Name(key, ast.Load())
        if index is None:
            setattr(parent, field, place)
        else:
            getattr(parent, field)[index] = place
    return fill(copy, pieces) if pieces else ast.unparse(node)


def _operands(node: ast.expr) -> Iterator[tuple[ast.AST, str, int | None, ast.expr]]:
    """The expressions directly inside an expression, with the places they stand in."""
    for parent in [node, *(child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.keyword, ast.Slice)))]:
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.expr) and not isinstance(value, ast.Slice):
                if not (isinstance(node, ast.Lambda) and field == "args"):
                    yield parent, field, None, value
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield parent, field, index, item


def names_of(node: ast.expr) -> Iterator[str]:
    """What an expression written in the rules' own words may be looked up by: an API's name, or those of methods."""
    root = node
    while isinstance(root, (ast.Call, ast.Subscript)):
        root = root.func if isinstance(root, ast.Call) else root.value
    name = dotted(root) if isinstance(root, ast.Attribute) else None
    if name is not None:
        yield name
    elif isinstance(node, (ast.Call, ast.Attribute)):
        yield from (key for key, _ in method_keys(node))


def _suits(spelling: Spelling, binding: Binding) -> bool:
    return not spelling.when or _holds(_condition(spelling.when), binding) is True


# ---- differences -----------------------------------------------------------------------------------------------
def differences(rule: Rule, api: str, binding: Binding | None) -> Iterator[Difference]:
    """The differences that a call can meet; without a binding, all that concern the API."""
    for difference in rule.differences:
        if difference.api and canonical(difference.api) != canonical(api):
            continue
        if holds(difference, binding) is not False:
            yield difference


def holds(difference: Difference, binding: Binding | None) -> bool | None:
    """Whether a call surely meets a difference (True), surely does not (False), or may (None)."""
    if not difference.when:
        return True
    return None if binding is None else _holds(_condition(difference.when), binding)


@cache
def _condition(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _holds(node: ast.expr, binding: Binding) -> bool | None:
    """Whether a condition is true of a call; None when that is not known."""
    if isinstance(node, ast.BoolOp):
        parts = [_holds(part, binding) for part in node.values]
        decisive = isinstance(node.op, ast.Or)
        return decisive if decisive in parts else None if None in parts else not decisive
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _holds(node.operand, binding)
        return None if inner is None else not inner
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and isinstance(node.args[0], ast.Name):
        return _QUESTIONS[node.func.id](node.args[0].id, binding, *node.args[1:])
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and len(node.ops) == 1:
        bound = binding.values.get(node.left.id)
        value, other = literal(bound.node if bound else None), literal(node.comparators[0])
        if not known(value):
            return None
        equal = value in other if isinstance(node.ops[0], ast.In) and isinstance(other, (tuple, list)) else value == other
        return not equal if isinstance(node.ops[0], ast.NotEq) else equal
    return None


def _given(name: str, binding: Binding) -> bool:
    bound = binding.values.get(name)
    return bound is not None and bound.given


def _absent(name: str, binding: Binding) -> bool:
    return name not in binding.dropped and not _given(name, binding)


def _node(name: str, binding: Binding) -> ast.expr | None:
    bound = binding.values.get(name)
    return bound.node if bound is not None else None


def _is_lambda(name: str, binding: Binding) -> bool:
    return isinstance(_node(name, binding), ast.Lambda)


def _is_int(name: str, binding: Binding) -> bool | None:
    value = literal(_node(name, binding))
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, int) and not isinstance(value, bool) if known(value) else None


def _is_number(name: str, binding: Binding) -> bool:
    return isinstance(literal(_node(name, binding)), (int, float))


def _contains(name: str, binding: Binding, part: ast.expr) -> bool | None:
    value, wanted = literal(_node(name, binding)), literal(part)
    if isinstance(value, (list, tuple)):
        return wanted in value
    node = _node(name, binding)
    return any(literal(item) == wanted for item in node.elts) if isinstance(node, (ast.List, ast.Tuple)) else None


def _negative_step(name: str, binding: Binding) -> bool:
    node = _node(name, binding)
    return any(isinstance(part, ast.Slice) and isinstance(part.step, ast.UnaryOp) for part in ast.walk(node)) if node is not None else False


# What a condition may ask of a call: `given(axis)`, `contains(size, -1)`.
_QUESTIONS: Mapping[str, Callable[..., bool | None]] = {
    "given": _given, "absent": _absent, "is_lambda": _is_lambda, "is_int": _is_int, "is_number": _is_number, "contains": _contains,
    "negative_step": _negative_step,
}
