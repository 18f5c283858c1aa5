"""Elementwise operations of MindSpore: functions, and the primitives that compute the same."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import core
from ... import ops as engine
from ...core import Node, leaf, lift
from .. import dtypes
from ..operands import as_float, binary, is_number, kind_of, named, node_of, number_node, pair, promote_like_scalar, unary
from ..tensor import Tensor, wrap
from .primitive import primitive, primitives

# ------------------------------------------------------------------------------------------------------------- arithmetic

add = binary("add", engine.add, lists=True)
sub = binary("sub", engine.subtract, lists=True)
mul = binary("mul", engine.multiply, rule=promote_like_scalar)
div = binary("div", engine.divide, floats=True, rule=promote_like_scalar)
real_div = binary("real_div", engine.divide, floats=True)
floor_divide = binary("floor_div", lambda a, b: engine.floor_divide(a, b))
floor_mod = binary("floor_mod", engine.floormod)
fmod = binary("fmod", engine.truncatemod)
truncate_div = binary("truncate_div", engine.truncatediv)
div_no_nan = binary("div_no_nan", engine.divide_no_nan)
squared_difference = binary("squared_difference", engine.squared_difference)
atan2 = binary("atan2", engine.arctan2, floats=True)
xdivy = binary("xdivy", engine.xdivy)
bitwise_and = binary("bitwise_and", engine.bitwise_and)
bitwise_or = binary("bitwise_or", engine.bitwise_or)
bitwise_xor = binary("bitwise_xor", engine.bitwise_xor)
bitwise_left_shift = binary("bitwise_left_shift", engine.left_shift)
bitwise_right_shift = binary("bitwise_right_shift", engine.right_shift)


def _xlogy(a: Node, b: Node) -> Node:
    # 0 * log(0) is NaN, unlike TensorFlow's; but the derivative for a is zero where a is.
    fixed = engine.stop_gradient(a)
    slope = engine.where(engine.equal(a, lift(0, a)), engine.zeros_like(b), engine.log(b))
    value = engine.multiply(fixed, engine.log(b))
    return engine.add(value, (a - fixed) * slope) if core.is_recording() else value


def _mod(a: Node, b: Node) -> Node:
    """C's remainder, but with the derivative of the floored one: -floor(a / b) for b."""
    if not core.is_recording() or a.dtype.kind != "f":
        return engine.truncatemod(a, b)
    fixed_a, fixed_b = engine.stop_gradient(a), engine.stop_gradient(b)
    value = engine.truncatemod(fixed_a, fixed_b) + (a - fixed_a)
    return engine.subtract(value, engine.floor_divide(fixed_a, fixed_b) * (b - fixed_b))


xlogy = binary("xlogy", _xlogy, floats=True)
maximum = binary("maximum", lambda a, b: engine.maximum(a, b, "half"))
minimum = binary("minimum", lambda a, b: engine.minimum(a, b, "half"))


def _mul_no_nan(a: Node, b: Node) -> Node:
    zero = engine.equal(b, lift(0, b))
    return engine.where(zero, engine.zeros_like(b), engine.multiply(a, b))


mul_no_nan = binary("mul_no_nan", _mul_no_nan)
hypot = binary("hypot", lambda a, b: engine.sqrt(a * a + b * b), floats=True)
logaddexp = binary("logaddexp", lambda a, b: _log_add(a, b), floats=True)


def _log_add(a: Node, b: Node) -> Node:
    return engine.add(b, engine.softplus(engine.subtract(a, b)))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, elementwise. The gradient for the exponent of a negative base is NaN."""
    if isinstance(input, Tensor) and is_number(exponent):
        node = input.node
        if node.dtype.kind in "iub":
            if isinstance(exponent, (float, np.floating)):
                node = as_float(node)
            elif node.dtype.kind != "b" and exponent >= 0:
                return wrap(_integer_power(node, int(exponent)))
        if exponent == 0:
            return wrap(engine.power_unguarded(node, lift(0, node)))          # its derivative at zero is NaN
        return wrap(engine.power_fixed(node, float(exponent)) if exponent != 1 else engine.identity(node))
    a, b = pair(input, exponent, "pow")
    return wrap(engine.power_unguarded(a, b))


def _integer_power(node: Node, exponent: int) -> Node:
    return engine.power(node, leaf(np.asarray(exponent, node.dtype)))


def addcdiv(input: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Tensor:
    return add(input, mul(div(tensor1, tensor2), value))  # type: ignore[no-any-return]


def addcmul(input: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Tensor:
    return add(input, mul(mul(tensor1, tensor2), value))  # type: ignore[no-any-return]


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    return add(input, mul(weight, sub(end, input)))       # type: ignore[no-any-return]


def addn(x: Any) -> Tensor:
    """The sum of a list or tuple of tensors."""
    return wrap(engine.add_n([node_of(t, "AddN") for t in x])) if len(x) > 1 else wrap(engine.identity(x[0].node))


def remainder(input: Any, other: Any) -> Tensor:
    return floor_mod(input, other)                        # type: ignore[no-any-return]


def truncate_mod(x: Any, y: Any) -> Tensor:
    return fmod(x, y)                                     # type: ignore[no-any-return]


def divide(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; `rounding_mode` "floor" or "trunc" rounds the quotient."""
    if rounding_mode is None:
        return div(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return trunc(div(input, other))
    raise ValueError(f"For ops.div, rounding_mode value should be None, 'floor' or 'trunc', but got {rounding_mode}.")


def subtract(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return sub(input, other if alpha == 1 else mul(other, alpha))


# ------------------------------------------------------------------------------------------------- functions of one tensor

neg = unary("neg", engine.negative)
abs = unary("abs", engine.absolute)
sign = unary("sign", engine.sign)
exp = unary("exp", engine.exp, floats=True)
expm1 = unary("expm1", engine.expm1, floats=True)
log = unary("log", engine.log, floats=True)
log1p = unary("log1p", engine.log1p, floats=True)
sqrt = unary("sqrt", engine.sqrt, floats=True)
rsqrt = unary("rsqrt", engine.rsqrt, floats=True)
square = unary("square", engine.square)
reciprocal = unary("reciprocal", engine.reciprocal, floats=True)
sin = unary("sin", engine.sin, floats=True)
cos = unary("cos", engine.cos, floats=True)
tan = unary("tan", engine.tan, floats=True)
asin = unary("asin", engine.arcsin, floats=True)
acos = unary("acos", engine.arccos, floats=True)
atan = unary("atan", engine.arctan, floats=True)
sinh = unary("sinh", engine.sinh, floats=True)
cosh = unary("cosh", engine.cosh, floats=True)
tanh = unary("tanh", engine.tanh, floats=True)
asinh = unary("asinh", engine.arcsinh, floats=True)
acosh = unary("acosh", engine.arccosh, floats=True)
atanh = unary("atanh", engine.arctanh, floats=True)
erf = unary("erf", engine.erf, floats=True)
erfc = unary("erfc", engine.erfc, floats=True)
erfinv = unary("erfinv", engine.erfinv, floats=True)
lgamma = unary("lgamma", engine.lgamma, floats=True)
digamma = unary("digamma", engine.digamma, floats=True)
floor = unary("floor", engine.floor)
ceil = unary("ceil", engine.ceil)
trunc = unary("trunc", engine.trunc)
rint = unary("rint", engine.rint)
isnan = unary("isnan", engine.isnan)
isinf = unary("isinf", engine.isinf)
isfinite = unary("isfinite", engine.isfinite)
sigmoid = unary("sigmoid", engine.sigmoid, floats=True)
log2 = unary("log2", lambda x: engine.log(x) * (1 / math.log(2)), floats=True)
log10 = unary("log10", lambda x: engine.log(x) * (1 / math.log(10)), floats=True)
exp2 = unary("exp2", lambda x: engine.exp(x * math.log(2)), floats=True)
deg2rad = unary("deg2rad", lambda x: x * (math.pi / 180), floats=True)
rad2deg = unary("rad2deg", lambda x: x * (180 / math.pi), floats=True)
frac = unary("frac", lambda x: x - engine.trunc(x))
positive = unary("positive", engine.identity)
invert = unary("invert", engine.bitwise_not)
real = unary("real", lambda x: engine.real(x) if x.dtype.kind == "c" else engine.identity(x))
imag = unary("imag", engine.imag)
conj = unary("conj", engine.conj)
angle = unary("angle", engine.angle)
sinc = unary("sinc", lambda x: _sinc(x), floats=True)


def _sinc(x: Node) -> Node:
    zero = engine.equal(x, lift(0, x))
    scaled = engine.where(zero, engine.ones_like(x), x * math.pi)
    return engine.where(zero, engine.ones_like(x), engine.sin(scaled) / scaled)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to even."""
    node = node_of(input, "round")
    if decimals == 0:
        return wrap(engine.rint(node))
    return wrap(engine.rint(node * 10.0**decimals) / 10.0**decimals)


def nan_to_num(input: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Tensor:
    node = node_of(input, "nan_to_num")
    limits = np.finfo(node.dtype)
    result = engine.where(engine.isnan(node), lift(nan or 0, node), node)
    for sign_, given, default in ((1, posinf, limits.max), (-1, neginf, limits.min)):
        at = engine.equal(node, lift(sign_ * np.inf, node))
        result = engine.where(at, lift(default if given is None else given, node), result)
    return wrap(result)


# ------------------------------------------------------------------------------------------------------ comparison and logic

def _comparison(name: str, function: Any) -> Any:
    return binary(name, function)


equal = _comparison("equal", engine.equal)
not_equal = _comparison("not_equal", engine.not_equal)
less = _comparison("less", engine.less)
less_equal = _comparison("less_equal", engine.less_equal)
greater = _comparison("greater", engine.greater)
greater_equal = _comparison("greater_equal", engine.greater_equal)
logical_and = binary("logical_and", engine.logical_and)
logical_or = binary("logical_or", engine.logical_or)
logical_xor = binary("logical_xor", engine.logical_xor)
logical_not = unary("logical_not", engine.logical_not)


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    return wrap(leaf(np.isclose(node_of(input, "isclose").value, node_of(other, "isclose").value, rtol, atol, equal_nan)))


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5) -> Tensor:
    return less(abs(sub(x, y)), tolerance)                # type: ignore[no-any-return]


# -------------------------------------------------------------------------------------------------------------- choosing

def _branch(x: Any, name: str) -> Node:
    if isinstance(x, Tensor):
        return x.node
    if is_number(x):
        return number_node(x)
    raise TypeError(f"For '{name}', the input should be a Tensor or a number, but got {kind_of(x)}.")


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """input where the condition holds, else other; numbers take the tensor's dtype, tensors promote."""
    mask = node_of(condition, "where")
    if isinstance(input, Tensor) or isinstance(other, Tensor):
        a, b = pair(input, other, "where")
    else:
        a, b = _branch(input, "where"), _branch(other, "where")
    return wrap(engine.where(engine.cast(mask, bool), a, b))


select = named("select", lambda condition, input, other: where(condition, input, other))


def masked_fill(input_x: Any, mask: Any, value: Any) -> Tensor:
    node = node_of(input_x, "masked_fill")
    fill = engine.cast(value.node, node.dtype) if isinstance(value, Tensor) else lift(value, node)
    return wrap(engine.where(node_of(mask, "masked_fill"), fill, node))


def _bound(x: Tensor, bound: Any) -> Any:
    return bound if isinstance(bound, Tensor) or bound is None else wrap(lift(bound, x.node))


def _clip_tensor(x: Any, low: Any, high: Any) -> Tensor:
    # Written as min(max(x, low), high), so that a value at a bound shares its cotangent with the bound.
    result = x
    if low is not None:
        result = maximum(result, _bound(x, low))
    if high is not None:
        result = minimum(result, _bound(x, high))
    return result  # type: ignore[no-any-return]


def clip_by_value(x: Any, clip_value_min: Any = None, clip_value_max: Any = None) -> Any:
    """x limited to an interval; a list or tuple of tensors is limited one by one. At a bound half the cotangent passes."""
    if clip_value_min is None and clip_value_max is None:
        raise ValueError("For 'clip_by_value', at least one of 'clip_value_min' or 'clip_value_max' must not be None")
    if isinstance(x, (list, tuple)):
        return type(x)(_clip_tensor(t, clip_value_min, clip_value_max) for t in x)
    return _clip_tensor(x, clip_value_min, clip_value_max)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to an interval; at a bound the whole cotangent passes."""
    if isinstance(input, (list, tuple)):
        return type(input)(clamp(t, min, max) for t in input)
    node = node_of(input, "clamp")
    if min is not None:
        node = engine.maximum(node, _bound(input, min).node)
    if max is not None:
        node = engine.minimum(node, _bound(input, max).node)
    return wrap(node)


# ------------------------------------------------------------------------------------------------------------- conversions

def cast(input: Any, dtype: Any) -> Tensor:
    """The tensor (or number) as another dtype; cotangents pass integers, truncated."""
    node = input.node if isinstance(input, Tensor) else _branch(input, "Cast")
    wanted = dtypes.as_numpy(dtype)
    return wrap(engine.identity(node) if node.dtype == wanted else engine.cast_through(node, wanted))


def type_as(input: Any, other: Any) -> Tensor:
    return cast(input, other.dtype)


def complex(real: Any, imag: Any) -> Tensor:
    return wrap(engine.complex_of(node_of(real, "Complex"), node_of(imag, "Complex")))


stop_gradient = unary("stop_gradient", engine.stop_gradient)


def identity(x: Any) -> Any:
    return wrap(engine.identity(x.node)) if isinstance(x, Tensor) else x


P = primitives({
    "Add": add, "TensorAdd": add, "Sub": sub, "Mul": mul, "RealDiv": real_div, "Div": div, "DivNoNan": div_no_nan,
    "FloorDiv": floor_divide, "FloorMod": floor_mod, "Mod": binary("mod", _mod), "TruncateDiv": truncate_div, "TruncateMod": truncate_mod,
    "Pow": pow, "Maximum": maximum, "Minimum": minimum, "SquaredDifference": squared_difference, "Atan2": atan2, "Xdivy": xdivy,
    "Xlogy": xlogy, "MulNoNan": mul_no_nan, "Hypot": hypot, "AddN": addn, "AccumulateNV2": addn, "Neg": neg, "Abs": abs,
    "Sign": sign, "Exp": exp, "Expm1": expm1, "Log": log, "Log1p": log1p, "Sqrt": sqrt, "Rsqrt": rsqrt, "Square": square,
    "Reciprocal": reciprocal, "Inv": reciprocal, "Sin": sin, "Cos": cos, "Tan": tan, "Asin": asin, "ACos": acos, "Atan": atan,
    "Sinh": sinh, "Cosh": cosh, "Tanh": tanh, "Asinh": asinh, "Acosh": acosh, "Atanh": atanh, "Erf": erf, "Erfc": erfc,
    "Erfinv": erfinv, "Lgamma": lgamma, "Digamma": digamma, "Floor": floor, "Ceil": ceil, "Trunc": trunc, "Round": round,
    "Rint": rint, "IsNan": isnan, "IsInf": isinf, "IsFinite": isfinite, "Sigmoid": sigmoid, "Invert": invert, "Real": real,
    "Imag": imag, "Conj": conj, "Angle": angle, "Sinc": sinc, "Equal": equal, "NotEqual": not_equal, "Less": less,
    "LessEqual": less_equal, "Greater": greater, "GreaterEqual": greater_equal, "LogicalAnd": logical_and, "LogicalOr": logical_or,
    "LogicalXor": logical_xor, "LogicalNot": logical_not, "BitwiseAnd": bitwise_and, "BitwiseOr": bitwise_or,
    "BitwiseXor": bitwise_xor, "Select": select, "MaskedFill": masked_fill, "Cast": cast, "Complex": complex, "Identity": identity,
    "Lerp": lerp, "Addcdiv": addcdiv, "Addcmul": addcmul, "TypeAs": type_as, "LeftShift": bitwise_left_shift,
    "RightShift": bitwise_right_shift,
})
P["ApproximateEqual"] = primitive("ApproximateEqual", approximate_equal, tolerance=1e-5)
P["IsClose"] = primitive("IsClose", isclose, rtol=1e-5, atol=1e-8, equal_nan=False)
P["NanToNum"] = primitive("NanToNum", nan_to_num, nan=None, posinf=None, neginf=None)
P["LinSpace"] = primitive("LinSpace", lambda start, stop, num: linspace(start, stop, num))


def linspace(start: Any, end: Any, steps: Any) -> Tensor:
    """`steps` values from start to end, float32 unless an end is a wider tensor; differentiable in both ends."""
    a, b = (as_float(_branch(v, "linspace")) for v in (start, end))
    count = int(steps)
    if a.dtype != b.dtype:
        a, b = pair(wrap(a), wrap(b), "linspace")
    weight = leaf(np.linspace(0, 1, count).astype(a.dtype))
    return wrap(a + (b - a) * weight)


ALIASES = {
    "tensor_add": add, "tensor_sub": sub, "tensor_mul": mul, "tensor_div": div, "tensor_pow": pow, "tensor_floordiv": floor_divide,
    "tensor_mod": floor_mod, "floor_div": floor_divide, "floordiv": floor_divide, "negative": neg, "absolute": abs, "multiply": mul, "true_divide": div,
    "eq": equal, "ne": not_equal, "lt": less, "le": less_equal, "gt": greater, "ge": greater_equal, "inverse_sqrt": rsqrt,
    "arcsin": asin, "arccos": acos, "arctan": atan, "arcsinh": asinh, "arccosh": acosh, "arctanh": atanh, "arctan2": atan2,
    "tensor_exp": exp, "tensor_expm1": expm1, "clip": clamp, "mod": fmod, "tensor_lt": less, "tensor_le": less_equal,
    "tensor_gt": greater, "tensor_ge": greater_equal, "bitwise_not": invert, "sgn": sign, "fmax": maximum, "fmin": minimum,
    "accumulate_n": addn, "div": divide, "is_nan": isnan, "is_finite": isfinite, "isinf": isinf, "inv": reciprocal,
}
