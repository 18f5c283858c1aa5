"""Elementwise primitives: NumPy forward and one gradient line per input.

In a gradient line g is the cotangent of the result y; then come the inputs. Constants in gradient lines are Python numbers:
arithmetic on nodes gives them the dtype of the node."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import core
from ..core import Array, Node, apply
from .define import Op, binary, boolean, broadcast, broadcast_shapes, define, same, unary

_quiet = np.errstate(all="ignore")


def _by_element(function: Any) -> Any:
    ufunc = np.frompyfunc(function, 1, 1)
    return lambda x: np.asarray(ufunc(np.asarray(x, np.float64)), np.float64).astype(x.dtype)


# ------------------------------------------------------------------------------------------------------------- arithmetic

negative = unary("negative", np.negative, lambda g, y, x: -g)
add = binary("add", np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = binary("subtract", np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = binary("multiply", np.multiply, lambda g, y, a, b: g * conj(b), lambda g, y, a, b: g * conj(a))
divide = binary("divide", np.true_divide, lambda g, y, a, b: g / conj(b), lambda g, y, a, b: -g * conj(a / b) / conj(b))
reciprocal = unary("reciprocal", lambda x: 1 / x, lambda g, y, x: -g * conj(y * y))
square = unary("square", np.square, lambda g, y, x: g * (2.0 * conj(x)))
squared_difference = binary("squared_difference", lambda a, b: np.square(a - b),
                            lambda g, y, a, b: 2.0 * g * (a - b), lambda g, y, a, b: -2.0 * g * (a - b))
floor_divide = binary("floor_divide", np.floor_divide)
floormod = binary("floormod", np.mod, lambda g, y, a, b: g, lambda g, y, a, b: -g * floor_divide(a, b))
truncatediv = binary("truncatediv", lambda a, b: np.trunc(a / b).astype(a.dtype))
truncatemod = binary("truncatemod", np.fmod, lambda g, y, a, b: g, lambda g, y, a, b: -g * trunc(a / b))
divide_no_nan: Op = binary("divide_no_nan", lambda a, b: np.where(b == 0, np.zeros((), a.dtype), a / np.where(b == 0, 1, b).astype(a.dtype)),
                       lambda g, y, a, b: divide_no_nan(g, conj(b)), lambda g, y, a, b: -divide_no_nan(g * conj(divide_no_nan(a, b)), conj(b)))


def _power(a: Array, b: Array) -> Any:
    if a.dtype.kind in "iu":
        return np.power(a, b).astype(a.dtype)
    return np.power(a, b)


def _power_exponent(g: Node, y: Node, a: Node, b: Node) -> Node:
    zero = core.lift(0, a)
    positive = not_equal(a, zero) if a.dtype.kind == "c" else greater(a, zero)
    return g * conj(y * log(where(positive, a, core.lift(1, a)))) * cast(positive, g.dtype)


power: Op = binary("power", _power, lambda g, y, a, b: g * conj(b * power(a, b - 1.0)), _power_exponent)


def _exponent_or_nan(g: Node, y: Node, a: Node, b: Node) -> Node:
    zero = equal(a, core.lift(0, a))
    return where(zero, zeros_like_now(a), g * y * log(where(zero, core.lift(1, a), a)))


power_unguarded: Op = binary("power_unguarded", _power, lambda g, y, a, b: g * b * power_unguarded(a, b - 1.0), _exponent_or_nan)


def _fixed_power_grad(g: Node, y: Node, x: Node, exponent: float) -> Node | None:
    return None if exponent == 0 else g * (exponent * power_fixed(x, exponent - 1))


_POWER_FIXED = define("power_fixed", lambda x, exponent: x ** x.dtype.type(exponent), same, _fixed_power_grad)


def power_fixed(x: Node, exponent: float) -> Node:
    """x to a power known beforehand; no derivative is taken of the exponent, and x may be negative or zero."""
    return x if exponent == 1 else apply(_POWER_FIXED, x, exponent=exponent)


def _shape_of_all(*nodes: Node) -> Any:
    return broadcast_shapes(*(node.shape for node in nodes)), nodes[0].dtype


def _sum_arrays(*arrays: Array) -> Any:
    total = arrays[0] + arrays[1] if len(arrays) > 1 else arrays[0]
    for array in arrays[2:]:
        total = total + array
    return total


_ADD_N = define("add_n", _sum_arrays, _shape_of_all, variadic=lambda position: lambda g, y, *xs: g)


def add_n(xs: Any) -> Node:
    """The sum of at least one node."""
    return xs[0] if len(xs) == 1 else (add(*xs) if len(xs) == 2 else apply(_ADD_N, *xs))


# ------------------------------------------------------------------------------------------------- exponentials and roots

exp = unary("exp", np.exp, lambda g, y, x: g * conj(y))
expm1 = unary("expm1", np.expm1, lambda g, y, x: g * conj(y + 1.0))
log = unary("log", np.log, lambda g, y, x: g / conj(x))
log1p = unary("log1p", np.log1p, lambda g, y, x: g / conj(1.0 + x))
sqrt = unary("sqrt", np.sqrt, lambda g, y, x: g * 0.5 / conj(y))
rsqrt = unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda g, y, x: g * -0.5 * conj(y * y * y))
# TensorFlow's SqrtGrad and RsqrtGrad give zero for a zero cotangent, whatever the point.
sqrt_zero_safe = unary("sqrt_zero_safe", np.sqrt, lambda g, y, x: _unless_zero(g, g * 0.5 / conj(y)))
rsqrt_zero_safe = unary("rsqrt_zero_safe", lambda x: 1 / np.sqrt(x), lambda g, y, x: _unless_zero(g, g * -0.5 * conj(y * y * y)))


def _unless_zero(g: Node, value: Node) -> Node:
    return where(equal(g, core.lift(0, g)), zeros_like_now(g), value)


sigmoid = unary("sigmoid", lambda x: _sigmoid(x), lambda g, y, x: g * conj(y * (1.0 - y)))
softplus = unary("softplus", lambda x: np.logaddexp(x, np.zeros((), x.dtype)), lambda g, y, x: g * sigmoid(x))
softsign = unary("softsign", lambda x: x / (1 + np.abs(x)), lambda g, y, x: g / square(1.0 + absolute(x)))
log_sigmoid = unary("log_sigmoid", lambda x: -np.logaddexp(-x, np.zeros((), x.dtype)), lambda g, y, x: g * sigmoid(-x))


def _sigmoid(x: Array) -> Any:
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    half = x.dtype.type(0.5)
    return np.tanh(x * half) * half + half


# ------------------------------------------------------------------------------------------------------------ trigonometry

sin = unary("sin", np.sin, lambda g, y, x: g * conj(cos(x)))
cos: Op = unary("cos", np.cos, lambda g, y, x: -g * conj(sin(x)))
tan = unary("tan", np.tan, lambda g, y, x: g * conj(1.0 + y * y))
arcsin = unary("arcsin", np.arcsin, lambda g, y, x: g * conj(rsqrt(1.0 - x * x)))
arccos = unary("arccos", np.arccos, lambda g, y, x: -g * conj(rsqrt(1.0 - x * x)))
arctan = unary("arctan", np.arctan, lambda g, y, x: g / conj(1.0 + x * x))
sinh = unary("sinh", np.sinh, lambda g, y, x: g * conj(cosh(x)))
cosh: Op = unary("cosh", np.cosh, lambda g, y, x: g * conj(sinh(x)))
tanh = unary("tanh", np.tanh, lambda g, y, x: g * conj(1.0 - y * y))
arcsinh = unary("arcsinh", np.arcsinh, lambda g, y, x: g * conj(rsqrt(x * x + 1.0)))
arccosh = unary("arccosh", np.arccosh, lambda g, y, x: g * conj(rsqrt(x * x - 1.0)))
arctanh = unary("arctanh", np.arctanh, lambda g, y, x: g / conj(1.0 - x * x))
arctan2 = binary("arctan2", np.arctan2, lambda g, y, a, b: g * b / (a * a + b * b), lambda g, y, a, b: -g * a / (a * a + b * b))

# ------------------------------------------------------------------------------------------------------- special functions

erf = unary("erf", _by_element(math.erf), lambda g, y, x: g * (2 / math.sqrt(math.pi)) * exp(-(x * x)))
erfc = unary("erfc", _by_element(math.erfc), lambda g, y, x: -g * (2 / math.sqrt(math.pi)) * exp(-(x * x)))


def _erfinv_scalar(y: float) -> float:
    if not -1 < y < 1:
        return math.copysign(math.inf, y) if abs(y) == 1 else math.nan
    # Winitzki's closed form, then Newton steps on erf.
    log_term = math.log1p(-y * y)
    first = 2 / (math.pi * 0.147) + log_term / 2
    x = math.copysign(math.sqrt(math.sqrt(first * first - log_term / 0.147) - first), y)
    for _ in range(3):
        x -= (math.erf(x) - y) / (2 / math.sqrt(math.pi) * math.exp(-x * x))
    return x


erfinv = unary("erfinv", _by_element(_erfinv_scalar), lambda g, y, x: g * (math.sqrt(math.pi) / 2) * exp(y * y))


def _lgamma_scalar(x: float) -> float:
    try:
        return math.lgamma(x)
    except ValueError:
        return math.inf


def _digamma_scalar(x: float) -> float:
    if x <= 0 and x == math.floor(x):
        return math.nan
    if x < 0:
        return _digamma_scalar(1 - x) - math.pi / math.tan(math.pi * x)
    shift = 0.0
    while x < 10:
        shift -= 1 / x
        x += 1
    w = 1 / (x * x)
    return shift + math.log(x) - 0.5 / x - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132))))


# The even Bernoulli numbers over (2k)!: the asymptotic series of the polygamma functions.
_BERNOULLI = [b / math.factorial(2 * k + 2) for k, b in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510))]


def _polygamma(x: Array, order: int) -> Any:
    value = np.array(x, np.float64)
    total = np.zeros_like(value)
    while (low := value < 16 + order).any():
        total += np.where(low, math.factorial(order) / value ** (order + 1), 0)
        value += low
    total += math.factorial(order - 1) / value ** order + math.factorial(order) / (2 * value ** (order + 1))
    for k, coefficient in enumerate(_BERNOULLI):
        total += coefficient * math.factorial(2 * k + 1 + order) / value ** (2 * k + 2 + order)
    return (total if order % 2 else -total).astype(x.dtype)


_POLYGAMMA = define("polygamma", _polygamma, same, lambda g, y, x, order: g * polygamma(x, order + 1))


def polygamma(x: Node, order: int) -> Node:
    """The derivative number `order` (at least 1) of the digamma function."""
    return apply(_POLYGAMMA, x, order=order)


digamma = unary("digamma", _by_element(_digamma_scalar), lambda g, y, x: g * polygamma(x, 1))
lgamma = unary("lgamma", _by_element(_lgamma_scalar), lambda g, y, x: g * digamma(x))


def _xlogy(a: Array, b: Array) -> Any:
    safe = np.where(a == 0, np.ones((), b.dtype), b)
    return np.where(a == 0, np.zeros((), a.dtype), a * np.log(safe)).astype(a.dtype)


def _xdivy(a: Array, b: Array) -> Any:
    safe = np.where(a == 0, np.ones((), b.dtype), b)
    return np.where(a == 0, np.zeros((), a.dtype), a / safe).astype(a.dtype)


def _where_nonzero(a: Node, value: Node) -> Node:
    return where(equal(a, core.lift(0, a)), zeros_like_now(value), value)


xdivy: Op = binary("xdivy", _xdivy, lambda g, y, a, b: g * _where_nonzero(a, 1.0 / b), lambda g, y, a, b: -g * xdivy(a, b * b))
xlogy: Op = binary("xlogy", _xlogy, lambda g, y, a, b: g * xlogy(cast(not_equal(a, core.lift(0, a)), g.dtype), b),
               lambda g, y, a, b: g * xdivy(a, b))

# ----------------------------------------------------------------------------------------------- piecewise linear functions

absolute_real = unary("absolute", np.abs, lambda g, y, x: g * sign(x))


def _abs_infer(x: Node) -> Any:
    return x.shape, np.empty(0, x.dtype).real.dtype


absolute_complex = unary("absolute_complex", np.abs, lambda g, y, x: to_complex(g, x.dtype) * divide_no_nan(x, to_complex(y, x.dtype)), _abs_infer)


def absolute(x: Node) -> Node:
    return absolute_complex(x) if x.dtype.kind == "c" else absolute_real(x)


def _sign(x: Array) -> Any:
    if x.dtype.kind == "c":
        size = np.abs(x)
        return np.where(size == 0, 0, x / np.where(size == 0, 1, size)).astype(x.dtype)
    return np.sign(x)


sign: Op = unary("sign", _sign, lambda g, y, x: zeros_like_now(g))
floor = unary("floor", np.floor)
ceil = unary("ceil", np.ceil)
rint = unary("rint", np.rint)
trunc: Op = unary("trunc", np.trunc)
relu = unary("relu", lambda x: np.maximum(x, x.dtype.type(0)), lambda g, y, x: g * step(y))
step: Op = unary("step", lambda x: (x > 0).astype(x.dtype), lambda g, y, x: zeros_like_now(g))


def _relu6_grad(g: Node, y: Node, x: Node, at_six: float) -> Node:
    inside = cast(logical_and(greater(x, core.lift(0, x)), less(x, core.lift(6, x))), g.dtype)
    return g * inside if at_six == 0 else g * (inside + at_six * cast(equal(x, core.lift(6, x)), g.dtype))


_RELU6 = define("relu6", lambda x, at_six: np.clip(x, x.dtype.type(0), x.dtype.type(6)), same, _relu6_grad)


def relu6(x: Node, at_six: float = 0.0) -> Node:
    """min(max(x, 0), 6); `at_six` is the derivative at 6 (TensorFlow 0, MindSpore 1)."""
    return apply(_RELU6, x, at_six=at_six)


def _leaky(x: Array, alpha: float, at_zero: float) -> Any:
    return np.where(x > 0, x, x * x.dtype.type(alpha))


def _leaky_slope(x: Array, alpha: float, at_zero: float) -> Any:
    kind = x.dtype.type
    return np.where(x > 0, kind(1), np.where(x == 0, kind(at_zero), kind(alpha)))


_LEAKY_SLOPE = define("leaky_relu_slope", _leaky_slope, same)
_LEAKY = define("leaky_relu", _leaky, same,
                lambda g, y, x, alpha, at_zero: g * apply(_LEAKY_SLOPE, x, alpha=alpha, at_zero=at_zero))


def leaky_relu(x: Node, alpha: float, at_zero: float | None = None) -> Node:
    """x for x > 0, else alpha x; `at_zero` is the derivative at 0 (TensorFlow alpha, MindSpore (1 + alpha) / 2)."""
    return apply(_LEAKY, x, alpha=alpha, at_zero=alpha if at_zero is None else at_zero)


def _elu_like(name: str, scale: float, alpha: float) -> Op:
    def forward(x: Array) -> Any:
        kind = x.dtype.type
        return np.where(x > 0, x * kind(scale), kind(scale * alpha) * np.expm1(np.minimum(x, kind(0))))

    def grad(g: Node, y: Node, x: Node) -> Node:
        return g * where(less(x, core.lift(0, x)), y + scale * alpha, ones_like_now(x) * scale)

    return unary(name, forward, grad)


elu = _elu_like("elu", 1.0, 1.0)
selu = _elu_like("selu", 1.0507009873554805, 1.6732632423543772)


def gelu(x: Node, approximate: bool) -> Node:
    """Gaussian error linear unit; `approximate` for the tanh form."""
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1.0 + tanh(inner))
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


# ------------------------------------------------------------------------------------------------------ choice and extremes

equal = binary("equal", np.equal, infer=boolean)
not_equal: Op = binary("not_equal", np.not_equal, infer=boolean)
less = binary("less", np.less, infer=boolean)
less_equal = binary("less_equal", np.less_equal, infer=boolean)
greater = binary("greater", np.greater, infer=boolean)
greater_equal = binary("greater_equal", np.greater_equal, infer=boolean)
logical_and = binary("logical_and", np.logical_and, infer=boolean)
logical_or = binary("logical_or", np.logical_or, infer=boolean)
logical_xor = binary("logical_xor", np.logical_xor, infer=boolean)
logical_not = unary("logical_not", np.logical_not, infer=boolean)
bitwise_and = binary("bitwise_and", np.bitwise_and)
bitwise_or = binary("bitwise_or", np.bitwise_or)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor)
bitwise_not = unary("bitwise_not", np.invert)
left_shift = binary("left_shift", np.left_shift)
right_shift = binary("right_shift", np.right_shift)
isnan = unary("isnan", np.isnan, infer=boolean, unregistered=True)
isinf = unary("isinf", np.isinf, infer=boolean, unregistered=True)
isfinite = unary("isfinite", np.isfinite, infer=boolean, unregistered=True)


def _where_infer(condition: Node, a: Node, b: Node) -> Any:
    return broadcast_shapes(condition.shape, a.shape, b.shape), a.dtype


_WHERE = define("where", np.where, _where_infer, None, lambda g, y, c, a, b: where(c, g, zeros_like_now(g)),
                lambda g, y, c, a, b: where(c, zeros_like_now(g), g))


def where(condition: Node, a: Node, b: Node) -> Node:
    """a where the condition holds, else b; all three broadcast."""
    return apply(_WHERE, condition, a, b)


def _share_first(a: Array, b: Array, ties: str, least: bool) -> Any:
    wins = a < b if least else a > b
    return np.where(a == b, 1.0 if ties == "first" else 0.5, wins).astype(a.dtype if a.dtype.kind == "f" else np.float32)


_SHARE = define("share_first", _share_first, lambda a, b, ties, least: broadcast(a, b), None, None)


def _extreme(name: str, ufunc: Any, least: bool) -> Op:
    def grad_a(g: Node, y: Node, a: Node, b: Node, ties: str) -> Node:
        return g * cast(apply(_SHARE, a, b, ties=ties, least=least), g.dtype)

    def grad_b(g: Node, y: Node, a: Node, b: Node, ties: str) -> Node:
        return g * (1.0 - cast(apply(_SHARE, a, b, ties=ties, least=least), g.dtype))

    primitive = define(name, lambda a, b, ties: ufunc(a, b), broadcast, grad_a, grad_b)

    def op(a: Node, b: Node, ties: str = "first") -> Node:
        return apply(primitive, a, b, ties=ties)

    op.__name__ = name
    op.__doc__ = "Elementwise; where a equals b the cotangent goes to a (ties='first', TensorFlow) or half each ('half')."
    return op


maximum = _extreme("maximum", np.maximum, least=False)
minimum = _extreme("minimum", np.minimum, least=True)


def clip(x: Node, low: Node, high: Node) -> Node:
    """x limited to [low, high]; at a bound the cotangent goes to x, high wins where low > high."""
    return minimum(maximum(x, low), high)


# ---------------------------------------------------------------------------------------------------------- types and flow

identity = unary("identity", lambda x: x, lambda g, y, x: g)
stop_gradient = unary("stop_gradient", lambda x: x)
_ONES = define("ones_like", np.ones_like, same, None)
_ZEROS = define("zeros_like", np.zeros_like, same, None)


def zeros_like_now(x: Node) -> Node:
    """Zeros of x's shape and dtype, without a derivative."""
    return apply(_ZEROS, x)


def ones_like_now(x: Node) -> Node:
    """Ones of x's shape and dtype, without a derivative."""
    return apply(_ONES, x)


def _cast_grad(g: Node, y: Node, x: Node, dtype: Any) -> Node | None:
    if y.dtype.kind not in "fc" or x.dtype.kind not in "fc":
        return None
    if x.dtype.kind == "f" and g.dtype.kind == "c":
        g = real(g)
    return cast(g, x.dtype)


_CAST = define("cast", lambda x, dtype: x.astype(dtype), lambda x, dtype: (x.shape, dtype), _cast_grad)
_CAST_THROUGH = define("cast_through", lambda x, dtype: x.astype(dtype), lambda x, dtype: (x.shape, dtype),
                       lambda g, y, x, dtype: cast_through(g, x.dtype))


def cast(x: Node, dtype: Any) -> Node:
    """x as dtype; derivatives stop at integers and booleans."""
    dtype = np.dtype(dtype)
    return x if x.dtype == dtype else apply(_CAST, x, dtype=dtype)


def cast_through(x: Node, dtype: Any) -> Node:
    """x as dtype; cotangents pass integers, truncated, as MindSpore's do."""
    dtype = np.dtype(dtype)
    return x if x.dtype == dtype else apply(_CAST_THROUGH, x, dtype=dtype)


def _real_infer(x: Node) -> Any:
    return x.shape, np.empty(0, x.dtype).real.dtype


real = unary("real", lambda x: np.array(np.real(x)), lambda g, y, x: to_complex(g, x.dtype), _real_infer)
imag = unary("imag", lambda x: np.array(np.imag(x)), lambda g, y, x: to_complex(g, x.dtype, imaginary=True), _real_infer)
conj_complex = unary("conj", np.conj, lambda g, y, x: conj(g))
# Of a real number the angle is 0 or pi, without a derivative.
angle = unary("angle", np.angle, lambda g, y, x: to_complex(g, x.dtype, imaginary=True) / conj(x) if x.dtype.kind == "c" else None, _real_infer)
_TO_COMPLEX = define("to_complex", lambda x, dtype, factor: (x * factor).astype(dtype), lambda x, dtype, factor: (x.shape, dtype),
                     lambda g, y, x, dtype, factor: real(g) if factor == 1 else imag(g))
complex_of = binary("complex", lambda a, b: (a + 1j * b).astype(np.complex64 if a.dtype == np.float32 else np.complex128),
                    lambda g, y, a, b: real(g), lambda g, y, a, b: imag(g),
                    infer=lambda a, b: (broadcast(a, b)[0], np.dtype(np.complex64 if a.dtype == np.float32 else np.complex128)))


def conj(x: Node) -> Node:
    return conj_complex(x) if x.dtype.kind == "c" else x


def to_complex(x: Node, dtype: Any, imaginary: bool = False) -> Node:
    """A real array as complex, on the real or on the imaginary axis."""
    return apply(_TO_COMPLEX, x, dtype=np.dtype(dtype), factor=1j if imaginary else 1)
