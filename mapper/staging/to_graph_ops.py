"""Ops through the rules: a MindSpore call as the TensorFlow call that the rule base gives for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from mapper.names import Names
from mapper.staging.to_graph_values import Value

Render = Callable[[Callable[[ast.expr], str]], str]
_ELEMENTWISE = """Abs:abs Exp:exp Log:log Log1p:log1p Expm1:expm1 Sqrt:sqrt Rsqrt:rsqrt Square:square Sin:sin Cos:cos Tan:tan
Tanh:tanh Sigmoid:sigmoid Sign:sign Floor:floor Ceil:ceil Round:round Neg:negative Reciprocal:reciprocal Erf:erf
Erfc:erfc Lgamma:lgamma Sinh:sinh Cosh:cosh Asin:asin Acos:acos Atan:atan Asinh:asinh Acosh:acosh Atanh:atanh
ZerosLike:zeros_like OnesLike:ones_like LogicalNot:logical_not IsNan:is_nan IsInf:is_inf IsFinite:is_finite
StopGradient:stop_gradient Identity:identity Rint:rint Inv:reciprocal"""
_NN = "ReLU:relu ReLU6:relu6 Elu:elu Softplus:softplus Softsign:softsign SeLU:selu"
_BINARY = """Add:add TensorAdd:add Sub:subtract Mul:multiply Div:divide RealDiv:divide Pow:pow
SquaredDifference:squared_difference Equal:equal NotEqual:not_equal Less:less LessEqual:less_equal Greater:greater
GreaterEqual:greater_equal LogicalAnd:logical_and LogicalOr:logical_or FloorDiv:floordiv FloorMod:floormod
Atan2:atan2 DivNoNan:div_no_nan Xdivy:xdivy Xlogy:xlogy"""
_FORMS: dict[str, str] = {
    "ops.MatMul(transpose_a=False, transpose_b=False)(a, b)":
        "tf.matmul({a}, {b}[, transpose_a={transpose_a}][, transpose_b={transpose_b}])",
    "ops.BatchMatMul(transpose_a=False, transpose_b=False)(a, b)":
        "tf.matmul({a}, {b}[, transpose_a={transpose_a}][, transpose_b={transpose_b}])",
    "ops.matmul(a, b)": "tf.matmul({a}, {b})", "ops.bmm(a, b)": "tf.matmul({a}, {b})",
    "ops.mm(a, b)": "tf.matmul({a}, {b})",
    "ops.BiasAdd(data_format='NCHW')(x, b)": "tf.nn.bias_add({x}, {b})",
    "ops.bias_add(x, b)": "tf.nn.bias_add({x}, {b})",
    "ops.ReduceSum(keep_dims=False)(x, axis=())": "tf.reduce_sum({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.ReduceMean(keep_dims=False)(x, axis=())": "tf.reduce_mean({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.ReduceMax(keep_dims=False)(x, axis=())": "tf.reduce_max({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.ReduceMin(keep_dims=False)(x, axis=())": "tf.reduce_min({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.ReduceProd(keep_dims=False)(x, axis=())": "tf.reduce_prod({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.reduce_sum(x, axis=None, keep_dims=False)": "tf.reduce_sum({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.reduce_mean(x, axis=None, keep_dims=False)": "tf.reduce_mean({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.sum(x, dim=None, keepdim=False)": "tf.reduce_sum({x}[, {dim}][, keepdims={keepdim}])",
    "ops.mean(x, axis=None, keep_dims=False)": "tf.reduce_mean({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.prod(x, axis=None, keep_dims=False)": "tf.reduce_prod({x}[, {axis}][, keepdims={keep_dims}])",
    "ops.amax(x, axis=None, keepdims=False)": "tf.reduce_max({x}[, {axis}][, keepdims={keepdims}])",
    "ops.amin(x, axis=None, keepdims=False)": "tf.reduce_min({x}[, {axis}][, keepdims={keepdims}])",
    "ops.Concat(axis=0)(x)": "tf.concat({x}, {axis})", "ops.concat(x, axis=0)": "tf.concat({x}, {axis})",
    "ops.cat(x, axis=0)": "tf.concat({x}, {axis})", "ops.Stack(axis=0)(x)": "tf.stack({x}[, {axis}])",
    "ops.stack(x, axis=0)": "tf.stack({x}[, {axis}])", "ops.Pack(axis=0)(x)": "tf.stack({x}[, {axis}])",
    "ops.Softmax(axis=-1)(x)": "tf.nn.softmax({x}[, axis={axis}])",
    "ops.softmax(x, axis=-1)": "tf.nn.softmax({x}[, axis={axis}])",
    "ops.LogSoftmax(axis=-1)(x)": "tf.nn.log_softmax({x}[, axis={axis}])",
    "ops.log_softmax(x, axis=-1)": "tf.nn.log_softmax({x}[, axis={axis}])",
    "ops.Reshape()(x, shape)": "tf.reshape({x}, {shape})", "ops.reshape(x, shape)": "tf.reshape({x}, {shape})",
    "ops.Transpose()(x, perm)": "tf.transpose({x}, {perm})", "ops.transpose(x, perm)": "tf.transpose({x}, {perm})",
    "ops.ExpandDims()(x, axis)": "tf.expand_dims({x}, {axis})",
    "ops.expand_dims(x, axis)": "tf.expand_dims({x}, {axis})", "ops.unsqueeze(x, axis)": "tf.expand_dims({x}, {axis})",
    "ops.Squeeze(axis=())(x)": "tf.squeeze({x}[, axis={axis}])",
    "ops.squeeze(x, axis=None)": "tf.squeeze({x}[, axis={axis}])",
    "ops.Tile()(x, n)": "tf.tile({x}, {n})", "ops.tile(x, n)": "tf.tile({x}, {n})",
    "ops.Cast()(x, t)": "tf.cast({x}, {t})", "ops.cast(x, t)": "tf.cast({x}, {t})",
    "ops.Fill()(t, shape, value)": "tf.fill({shape}, tf.cast({value}, {t}))",
    "ops.fill(t, shape, value)": "tf.fill({shape}, tf.cast({value}, {t}))",
    "ops.Maximum()(a, b)": "tf.maximum({a}, {b})", "ops.maximum(a, b)": "tf.maximum({a}, {b})",
    "ops.Minimum()(a, b)": "tf.minimum({a}, {b})", "ops.minimum(a, b)": "tf.minimum({a}, {b})",
    "ops.clip_by_value(x, lo, hi)": "tf.clip_by_value({x}, {lo}, {hi})", "ops.clamp(x, lo, hi)": "tf.clip_by_value({x}, {lo}, {hi})",
    "ops.Select()(c, a, b)": "tf.where({c}, {a}, {b})", "ops.where(c, a, b)": "tf.where({c}, {a}, {b})",
    "ops.select(c, a, b)": "tf.where({c}, {a}, {b})", "ops.ones(s, t='tf.float32')": "tf.ones({s}, {t})",
    "ops.zeros(s, t='tf.float32')": "tf.zeros({s}, {t})", "ops.Zeros()(s, t)": "tf.zeros({s}, {t})",
    "ops.Ones()(s, t)": "tf.ones({s}, {t})", "ops.AddN()(x)": "tf.add_n({x})", "ops.addn(x)": "tf.add_n({x})",
    "ops.Gather()(x, i, axis)": "tf.gather({x}, {i}, axis={axis})", "ops.gather(x, i, axis)": "tf.gather({x}, {i}, axis={axis})",
    "ops.pow(a, b)": "tf.pow({a}, {b})", "ops.L2Loss()(x)": "tf.nn.l2_loss({x})",
    "ops.einsum(e, *x)": "tf.einsum({e}, {x})",
}
_METHODS: dict[str, str] = {
    "sum(axis=None, dtype=None, keepdims=False)": "tf.reduce_sum({self}[, {axis}][, keepdims={keepdims}])",
    "mean(axis=None, keep_dims=False)": "tf.reduce_mean({self}[, {axis}][, keepdims={keep_dims}])",
    "prod(axis=None, keep_dims=False)": "tf.reduce_prod({self}[, {axis}][, keepdims={keep_dims}])",
    "max(axis=None, keepdims=False)": "tf.reduce_max({self}[, {axis}][, keepdims={keepdims}])",
    "min(axis=None, keepdims=False)": "tf.reduce_min({self}[, {axis}][, keepdims={keepdims}])",
    "argmax(axis=None)": "tf.argmax({self}, {axis})", "argmin(axis=None)": "tf.argmin({self}, {axis})",
    "astype(t)": "tf.cast({self}, {t})", "to(t)": "tf.cast({self}, {t})", "expand_dims(a)": "tf.expand_dims({self}, {a})",
    "unsqueeze(a)": "tf.expand_dims({self}, {a})", "squeeze(axis=None)": "tf.squeeze({self}[, axis={axis}])",
    "pow(e)": "tf.pow({self}, {e})", "matmul(b)": "tf.matmul({self}, {b})", "clip(lo, hi)": "tf.clip_by_value({self}, {lo}, {hi})",
    "float()": "tf.cast({self}, tf.float32)", "int()": "tf.cast({self}, tf.int32)", "flatten()": "tf.reshape({self}, [-1])",
    "ravel()": "tf.reshape({self}, [-1])", "swapaxes(a, b)": "",
}


class Ops:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.forms = _table()

    def call(self, name: str, made: ast.Call | None, node: ast.Call) -> Render | None:
        form = self.forms.get(name)
        if form is None:
            return None
        (ctor, params, template) = form
        given = {}
        if made is not None:
            given.update(_bind(ctor, made) or {})
        bound = _bind(params, node)
        if bound is None:
            return None
        given.update(bound)
        return lambda text: _fill(template, [*ctor, *params], given, text)

    def function(self, name: str, made: ast.Call | None = None) -> str | None:
        form = self.forms.get(name)
        if form is None:
            return None
        ctor, params, template = form
        given = _bind(ctor, made) or {} if made is not None else {}
        names = [p for p, d in params if d is None]
        if re.fullmatch(r"([\w.]+)\(" + ", ".join(r"\{%s\}" % n for n in names) + r"\)", template):
            return template.split("(")[0]
        def text(n: ast.expr) -> str:
            return ast.unparse(n)
        filled = {n: ast.parse(n, mode="eval").body for n in names}
        return f"lambda {', '.join(names)}: {_fill(template, [*ctor, *params], {**given, **filled}, text)}"

    def method(self, name: str, base: ast.expr, node: ast.Call, kind: Value | None) -> Render | None:
        if name in ("reshape", "view"):
            return lambda t: f"tf.reshape({t(base)}, " + (t(node.args[0]) if len(node.args) == 1 else
                                                          f"[{', '.join(map(t, node.args))}]") + ")"
        if name in ("transpose",):
            return lambda t: f"tf.transpose({t(base)}" + (")" if not node.args else ", " + (t(node.args[0]) if len(
                node.args) == 1 else f"[{', '.join(map(t, node.args))}]") + ")")
        form = self.forms.get(f"Tensor.{name}")
        if form is not None:
            given = _bind(form[1], node)
            if given is not None:
                return lambda text: _fill(form[2], form[1], {**given, "self": base}, text)
        plain = self.forms.get(f"ops.{name}")
        if plain is not None and not node.args and not node.keywords:
            return lambda text: _fill(plain[2], plain[1], {plain[1][0][0]: base}, text)
        return None


Params = list[tuple[str, str | None]]


def _table() -> dict[str, tuple[Params, Params, str]]:
    table: dict[str, tuple[Params, Params, str]] = {}
    for words, prefix in ((_ELEMENTWISE, "tf."), (_NN, "tf.nn.")):
        for word in words.split():
            ms, tf = word.split(":")
            for name in (f"ops.{ms}", f"ops.{_snake(ms)}"):
                table[name] = [], [("x", None)], f"{prefix}{tf}({{x}})"
    for word in _BINARY.split():
        ms, tf = word.split(":")
        for name in (f"ops.{ms}", f"ops.{_snake(ms)}"):
            table[name] = [], [("a", None), ("b", None)], f"tf.{tf}({{a}}, {{b}})"
    for signature, template in _FORMS.items():
        call = ast.parse(signature, mode="eval").body
        assert isinstance(call, ast.Call)
        made = call.func if isinstance(call.func, ast.Call) else None
        name = ast.unparse(made.func if made else call.func)
        table[name] = _params(made) if made else [], _params(call), template
    for signature, template in _METHODS.items():
        call = ast.parse(signature, mode="eval").body
        assert isinstance(call, ast.Call)
        table[f"Tensor.{ast.unparse(call.func)}"] = [], _params(call), template
    return table


def _snake(name: str) -> str:
    return {"ReLU": "relu", "ReLU6": "relu6", "StopGradient": "stop_gradient", "RealDiv": "true_divide"}.get(
        name, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower())


def _params(call: ast.Call) -> Params:
    return [(ast.unparse(a), None) for a in call.args] + [(k.arg or "", ast.unparse(k.value)) for k in call.keywords]


def _bind(params: Params, node: ast.Call) -> dict[str, ast.expr] | None:
    names = [p for p, _ in params]
    if len(node.args) > len(names):
        return None
    bound = dict(zip(names, node.args))
    known = {"input": names[0] if names else "", "shape": "shape", "dtype": "t", "axis": "axis"}
    for k in node.keywords:
        name = k.arg if k.arg in names else known.get(k.arg or "")
        if not name or name not in names:
            return None
        bound[name] = k.value
    return bound


def _fill(template: str, params: Params, given: dict[str, ast.expr], text: Callable[[ast.expr], str]) -> str:
    defaults = dict(params)

    def value(name: str) -> str:
        return text(given[name]) if name in given else (defaults.get(name) or "None").strip("'")

    def optional(match: re.Match[str]) -> str:
        name = re.search(r"\{(\w+)\}", match.group(1))
        assert name is not None
        shown = value(name.group(1))
        default = defaults.get(name.group(1))
        return "" if name.group(1) not in given or shown == default else match.group(1)

    return re.sub(r"\{(\w+)\}", lambda m: value(m.group(1)), re.sub(r"\[(, [^\]]*)\]", optional, template))


__all__ = ["Ops", "Sequence"]
