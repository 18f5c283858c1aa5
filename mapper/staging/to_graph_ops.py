"""Ops: a MindSpore call as the TensorFlow call that the table of forms gives for it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mapper.edit import precedence
from mapper.staging import to_graph_forms as forms
from mapper.staging.to_graph_values import Value

Render = Callable[[Callable[[ast.expr], str]], str]
class Ops:
    """The forms, looked up by canonical name; `use` is told which definitions of the library a form needs."""

    def __init__(self, use: Callable[[str], str]) -> None:
        self.forms = _table()
        self.use = use

    def call(self, name: str, made: ast.Call | None, node: ast.Call) -> Render | None:
        form = self.forms.get(name)
        if form is None:
            return None
        bound = _bind(form.inputs, node)
        options = _bind(form.options, made) if made is not None else {}
        if bound is None or options is None:
            return None
        return self.render(form, {**options, **bound})

    def render(self, form: Form, given: dict[str, ast.expr]) -> Render:
        template = re.sub(r"@(\w+)", lambda m: self.use(m.group(1)), form.template)
        return lambda text: _fill(template, [*form.options, *form.inputs], given, text)

    def function(self, name: str, made: ast.Call | None = None) -> str | None:
        """A primitive or function as a value: the function of tf that it is, or a lambda."""
        form = self.forms.get(name)
        if form is None:
            return None
        given = (_bind(form.options, made) or {}) if made is not None else {}
        names = [p for p, d in form.inputs if d is None]
        plain = re.match(r"([\w.]+)\(" + ", ".join(rf"\{{{n}\}}" for n in names) + r"(\[|\))", form.template)
        if plain and not given:
            return plain.group(1)
        filled = {n: ast.parse(n.lstrip("*"), mode="eval").body for n in names}
        return f"lambda {', '.join(names)}: {self.render(form, {**given, **filled})(ast.unparse)}"

    def method(self, name: str, base: ast.expr, node: ast.Call, kind: Value | None) -> Render | None:
        if name in ("reshape", "view"):
            whole = len(node.args) == 1 and not is_number(node.args[0])
            return lambda t: f"tf.reshape({t(base)}, " + (t(node.args[0]) if whole else f"[{', '.join(map(t, node.args))}]") + ")"
        if name in ("transpose",):
            return lambda t: f"tf.transpose({t(base)}" + (")" if not node.args else ", " + (t(node.args[0]) if len(
                node.args) == 1 else f"[{', '.join(map(t, node.args))}]") + ")")
        form = self.forms.get(f"Tensor.{name}")
        if form is not None:
            given = _bind(form.inputs, node)
            if given is not None:
                return self.render(form, {**given, "self": base})
        plain = self.forms.get(f"ops.{name}")
        if plain is not None and plain.inputs:
            given = _bind(plain.inputs, ast.Call(node.func, [base, *node.args], node.keywords))
            if given is not None:
                return self.render(plain, given)
        return None


def is_number(node: ast.expr) -> bool:
    """A number as it stands, with or without a sign."""
    return isinstance(node, ast.Constant) or isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


Params = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Form:
    """One line of the table: the parameters of the primitive and its inputs as they stand there, and what it becomes."""

    primitive: str
    parameters: str
    template: str

    @functools.cached_property
    def options(self) -> Params:
        return _params(self.primitive)

    @functools.cached_property
    def inputs(self) -> Params:
        return _params(self.parameters)


@functools.cache
def _table() -> dict[str, Form]:
    table: dict[str, Form] = {}
    for words, prefix in ((forms.ELEMENTWISE, "tf."), (forms.NN, "tf.nn.")):
        for ms, tf in _pairs(words):
            for name in (f"ops.{ms}", f"ops.{_snake(ms)}", f"ms.numpy.{_snake(ms)}"):
                table[name] = Form("", "x", f"{'tf.' if tf == 'log_sigmoid' else prefix}{tf}({{x}})")
    for ms, tf in _pairs(forms.BINARY):
        for name in (f"ops.{ms}", f"ops.{_snake(ms)}", f"ms.numpy.{_snake(ms)}"):
            table[name] = Form("", "a, b", f"tf.{tf}({{a}}, {{b}})")
    for alias, ms in [*_pairs(forms.ALIASES), *_pairs(forms.BINARY_ALIASES)]:
        for module in ("ops", "ms.numpy"):
            table[f"{module}.{alias}"] = table[f"ops.{ms}"]
    for line in [*forms.FORMS.splitlines(), *forms.NUMPY.splitlines()]:
        if line:
            name, form = _form(line)
            table[name] = form
    for line in forms.METHODS.splitlines():
        if line:
            name, form = _form(line)
            table[f"Tensor.{name}"] = form
    return table


def _pairs(words: str) -> list[tuple[str, str]]:
    return [(a, b) for a, _, b in (word.partition(":") for word in words.split())]


def _form(line: str) -> tuple[str, Form]:
    signature, _, template = line.partition(" => ")
    # The parameters are read as those of a definition: `a, b=1, *c`.
    match = re.fullmatch(r"([\w.]+)\((.*?)\)(?:\((.*)\))?", signature)
    assert match is not None, line
    name, first, second = match.groups()
    return name, Form(first if second is not None else "", second if second is not None else first, template)


def _snake(name: str) -> str:
    known = {"ReLU": "relu", "ReLU6": "relu6", "StopGradient": "stop_gradient", "RealDiv": "true_divide", "ACos": "acos", "SeLU": "selu",
             "LogSigmoid": "logsigmoid"}
    return known.get(name, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower())


def _params(text: str) -> Params:
    """(name, text of the default or None) of each parameter; `*name` takes the rest."""
    function = ast.parse(f"def f({text}): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    args = function.args
    plain = [a.arg for a in args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + [ast.unparse(d) for d in args.defaults]
    found: Params = list(zip(plain, defaults))
    if args.vararg is not None:
        found.append((f"*{args.vararg.arg}", None))
    return found + [(a.arg, ast.unparse(d) if d is not None else None) for a, d in zip(args.kwonlyargs, args.kw_defaults)]


# MindSpore's keyword spellings of the inputs, where they are not those of the table.
_KEYWORDS = {"input": 0, "x": 0, "input_x": 0, "tensor": 0, "tensors": 0, "logits": 0, "inputs": 0, "self": 0, "other": 1, "y": 1, "input_y": 1,
             "labels": 1, "label": 1, "target": 1, "mat2": 1, "exponent": 1, "size": "s", "shape": "shape", "dtype": "t", "type": "t", "axis": "axis",
             "input_perm": 1, "input_indices": 1, "indices": 1, "index": 1, "min": "lo", "max": "hi", "clip_value_min": "lo", "clip_value_max": "hi",
             "dim": "axis", "keepdim": "keepdims", "keep_dims": "keepdims", "on_value": "on", "off_value": "off", "condition": 0, "fill_value": "value",
             "reps": 1, "dims": 1, "multiples": 1, "cond": 0, "start": 0, "steps": 2, "num": 2, "vec1": 0, "vec2": 1}


def _bind(params: Params, node: ast.Call) -> dict[str, ast.expr] | None:
    """A call's arguments by parameter name; None when they do not fit."""
    names = [p for p, _ in params]
    rest = next((i for i, n in enumerate(names) if n.startswith("*")), None)
    positional = node.args if rest is None else node.args[:rest]
    if len(positional) > len(names) or any(isinstance(a, ast.Starred) for a in positional):
        return None
    bound = dict(zip(names, positional))
    if rest is not None:
        bound[names[rest]] = ast.Tuple(list(node.args[rest:]), ast.Load())
    for k in node.keywords:
        known = _KEYWORDS.get(k.arg or "")
        name = k.arg if k.arg in names else names[known] if isinstance(known, int) and known < len(names) else known if isinstance(known, str) else None
        if name is None or name not in names or name in bound:
            return None
        bound[name] = k.value
    missing = [n for n, d in params if d is None and n not in bound and not n.startswith("*")]
    return bound if not missing else None


def _fill(template: str, params: Params, given: dict[str, ast.expr], text: Callable[[ast.expr], str]) -> str:
    defaults = dict(params)

    def value(name: str) -> str:
        if f"*{name}" in given:
            listed = given[f"*{name}"]
            assert isinstance(listed, ast.Tuple)
            return ", ".join(text(e) for e in listed.elts)
        if name in given:
            return text(given[name])
        default = defaults.get(name) or "None"
        return default.strip("'") if default.startswith("'tf.") else default

    def shown(match: re.Match[str]) -> str:
        found = value(match.group(1))
        return f"({found})" if match.group(2) and precedence(ast.parse(found, mode="eval").body) < 20 else found

    def optional(match: re.Match[str]) -> str:
        name = re.search(r"\{(\w+)!?\}", match.group(1))
        assert name is not None
        key = name.group(1)
        default = defaults.get(key)
        said = value(key)
        return "" if key not in given or said == default or said == "()" else match.group(1)

    template = re.sub(r"\[((?:, |\w+=\{)[^\]]*)\]", optional, template)
    return re.sub(r"\{(\w+)(!?)\}", shown, template)


__all__ = ["Ops", "Sequence"]
