"""Arithmetic, elementwise functions, reductions and linear algebra with TensorFlow's names, argument orders and dtype rules."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import core, ops
from ..core import Node
from .dtypes import numpy_dtype
from .graph import IndexedSlices, Tensor, convert, wrap, wrap_outputs
from .variables import Variable


def _mixed(kind: str, given: Any, wanted: Any) -> TypeError:
    return TypeError(f"Input 'y' of '{kind}' Op has type {given.name} that does not match type {wanted.name} of argument 'x'.")


def operands(kind: str, x: Any, y: Any) -> tuple[Node, Node]:
    """Two arguments as nodes of one dtype. No dtype is promoted: TypeError "Input 'y' of 'Mul' Op has type …"."""
    if isinstance(x, IndexedSlices) or isinstance(y, IndexedSlices):
        x, y = (convert(v) if isinstance(v, IndexedSlices) else v for v in (x, y))
    x_known, y_known = type(x) is Tensor or isinstance(x, Variable), type(y) is Tensor or isinstance(y, Variable)
    if x_known or not y_known:
        a = convert(x)
        b = _like(kind, y, a) if not y_known else convert(y)
    else:
        b = convert(y)
        a = _like(kind, x, b)
    if a.dtype != b.dtype:
        raise _mixed(kind, b.dtype, a.dtype)
    return a.node, b.node


def _like(kind: str, value: Any, other: Tensor) -> Tensor:
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        wanted = numpy_dtype(other.dtype)
        if array.dtype != wanted and array.dtype.kind == "f" and wanted.kind in "iu":
            raise TypeError(f"Expected {other.dtype.name} passed to parameter 'y' of op '{kind}', got {value!r} of type 'ndarray' instead.")
        return convert(array.astype(wanted))
    try:
        return convert(value, other.dtype)
    except TypeError:
        raise TypeError(f"Expected {other.dtype.name} passed to parameter 'y' of op '{kind}', got {value} of type '{type(value).__name__}' "
                        f"instead. Error: Expected {other.dtype.name}, but got {value} of type '{type(value).__name__}'.") from None


def binary(name: str, function: Callable[[Node, Node], Node]) -> Callable[..., Tensor]:
    def op(x: Any, y: Any, name: Any = None) -> Tensor:
        a, b = operands(kind, x, y)
        return wrap(function(a, b), name or kind, kind)

    kind = name
    op.__name__ = op.__qualname__ = name
    return op


def unary(name: str, function: Callable[[Node], Node]) -> Callable[..., Tensor]:
    def op(x: Any, name: Any = None) -> Tensor:
        return wrap(function(convert(x).node), name or kind, kind)

    kind = name
    op.__name__ = op.__qualname__ = name
    return op


# ------------------------------------------------------------------------------------------------------------- arithmetic

add = binary("Add", ops.add)
add_v2 = binary("AddV2", ops.add)
subtract = binary("Sub", ops.subtract)
multiply = binary("Mul", ops.multiply)
maximum = binary("Maximum", ops.maximum)
minimum = binary("Minimum", ops.minimum)
floordiv = binary("FloorDiv", ops.floor_divide)
floormod = binary("FloorMod", ops.floormod)
truncatediv = binary("TruncateDiv", ops.truncatediv)
truncatemod = binary("TruncateMod", ops.truncatemod)
realdiv = binary("RealDiv", ops.divide)
squared_difference = binary("SquaredDifference", ops.squared_difference)
atan2 = binary("Atan2", ops.arctan2)
div_no_nan = binary("DivNoNan", ops.divide_no_nan)
xlogy = binary("Xlogy", ops.xlogy)
xdivy = binary("Xdivy", ops.xdivy)
less, less_equal = binary("Less", ops.less), binary("LessEqual", ops.less_equal)
greater, greater_equal = binary("Greater", ops.greater), binary("GreaterEqual", ops.greater_equal)
equal, not_equal = binary("Equal", ops.equal), binary("NotEqual", ops.not_equal)
logical_and, logical_or = binary("LogicalAnd", ops.logical_and), binary("LogicalOr", ops.logical_or)
logical_xor = binary("LogicalXor", ops.logical_xor)


def _pow(a: Node, b: Node) -> Node:
    return ops.power(a, b)


pow = binary("Pow", _pow)


def truediv(x: Any, y: Any, name: Any = None) -> Tensor:
    """True division; integers go to float64 (int8, int16 to float32)."""
    a, b = operands("RealDiv", x, y)
    if a.dtype.kind in "iu":
        wide = np.float32 if a.dtype.itemsize < 4 else np.float64
        a, b = ops.cast(a, wide), ops.cast(b, wide)
    return wrap(ops.divide(a, b), name or "truediv", "RealDiv")


def div(x: Any, y: Any, name: Any = None) -> Tensor:
    """Python 2's division: floors integers."""
    a, b = operands("Div", x, y)
    return wrap(ops.floor_divide(a, b) if a.dtype.kind in "iu" else ops.divide(a, b), name or "div", "RealDiv")


divide = truediv


def _absolute(x: Node) -> Node:
    return ops.absolute(x)


negative = unary("Neg", ops.negative)
abs = unary("Abs", _absolute)
sign = unary("Sign", ops.sign)
square, sqrt, rsqrt = unary("Square", ops.square), unary("Sqrt", ops.sqrt_zero_safe), unary("Rsqrt", ops.rsqrt_zero_safe)
exp, expm1, log, log1p = unary("Exp", ops.exp), unary("Expm1", ops.expm1), unary("Log", ops.log), unary("Log1p", ops.log1p)
sin, cos, tan = unary("Sin", ops.sin), unary("Cos", ops.cos), unary("Tan", ops.tan)
asin, acos, atan = unary("Asin", ops.arcsin), unary("Acos", ops.arccos), unary("Atan", ops.arctan)
sinh, cosh, tanh = unary("Sinh", ops.sinh), unary("Cosh", ops.cosh), unary("Tanh", ops.tanh)
asinh, acosh, atanh = unary("Asinh", ops.arcsinh), unary("Acosh", ops.arccosh), unary("Atanh", ops.arctanh)
sigmoid, log_sigmoid = unary("Sigmoid", ops.sigmoid), unary("LogSigmoid", ops.log_sigmoid)
softplus, softsign = unary("Softplus", ops.softplus), unary("Softsign", ops.softsign)
reciprocal = unary("Reciprocal", ops.reciprocal)
erf, erfc, erfinv = unary("Erf", ops.erf), unary("Erfc", ops.erfc), unary("Erfinv", ops.erfinv)
lgamma, digamma = unary("Lgamma", ops.lgamma), unary("Digamma", ops.digamma)
floor, ceil, rint, round = unary("Floor", ops.floor), unary("Ceil", ops.ceil), unary("Rint", ops.rint), unary("Round", ops.rint)
is_nan, is_inf, is_finite = unary("IsNan", ops.isnan), unary("IsInf", ops.isinf), unary("IsFinite", ops.isfinite)
logical_not = unary("LogicalNot", ops.logical_not)
real, imag, conj = unary("Real", ops.real), unary("Imag", ops.imag), unary("Conj", ops.conj)
angle = unary("Angle", ops.angle)
stop_gradient = unary("StopGradient", ops.stop_gradient)
identity = unary("Identity", ops.identity)


def complex(real: Any, imag: Any, name: Any = None) -> Tensor:
    a, b = operands("Complex", real, imag)
    return wrap(ops.complex_of(a, b), name or "Complex")


def cast(x: Any, dtype: Any, name: Any = None) -> Any:
    if isinstance(x, IndexedSlices):
        return IndexedSlices(cast(x.values, dtype), x.indices, x.dense_shape)
    tensor = convert(x)
    kind = numpy_dtype(dtype)
    return tensor if tensor.node.dtype == kind else wrap(ops.cast(tensor.node, kind), name or "Cast")


def saturate_cast(value: Any, dtype: Any, name: Any = None) -> Any:
    return cast(value, dtype, name)


def to_float(x: Any, name: Any = None) -> Any:
    return cast(x, "float32", name or "ToFloat")


def to_double(x: Any, name: Any = None) -> Any:
    return cast(x, "float64", name or "ToDouble")


def to_int32(x: Any, name: Any = None) -> Any:
    return cast(x, "int32", name or "ToInt32")


def to_int64(x: Any, name: Any = None) -> Any:
    return cast(x, "int64", name or "ToInt64")


def add_n(inputs: Any, name: Any = None) -> Tensor:
    tensors = [convert(x) for x in inputs]
    if len({t.dtype for t in tensors}) > 1 or not tensors:
        raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
    return wrap(ops.add_n([t.node for t in tensors]), name or "AddN")


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: Any = None) -> Tensor:
    return add_n(inputs, name or "AccumulateNV2")


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: Any = None) -> Any:
    if isinstance(t, IndexedSlices):
        return IndexedSlices(clip_by_value(t.values, clip_value_min, clip_value_max), t.indices, t.dense_shape)
    x = convert(t)
    high, low = operands("Minimum", x, clip_value_max)[1], operands("Maximum", x, clip_value_min)[1]
    return wrap(ops.maximum(ops.minimum(x.node, high), low), name or "clip_by_value")


def where(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Tensor:
    """Choice by element (a vector condition chooses rows), or, without x and y, the positions that are true."""
    chosen = convert(condition, "bool").node
    if x is None and y is None:
        return wrap(ops.where_positions(chosen), name or "Where")
    a, b = operands("Select", x, y)
    if chosen.shape is not None and a.shape is not None and len(chosen.shape) == 1 and len(a.shape) > 1:
        chosen = ops.reshape_to(chosen, ops.concat([ops.shape_of(chosen), core.constant(np.ones(len(a.shape) - 1, np.int32))], 0))
    return wrap(ops.where(chosen, a, b), name or "Select")


def where_v2(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Tensor:
    """Choice by element; all three broadcast."""
    if x is None and y is None:
        return where(condition)
    a, b = operands("SelectV2", x, y)
    return wrap(ops.where(convert(condition, "bool").node, a, b), name or "SelectV2")


# -------------------------------------------------------------------------------------------------------------- reductions

def _axes(axis: Any) -> Any:
    """An axis argument as an int or a tuple; None for all. An empty list reduces nothing, as in TensorFlow."""
    if isinstance(axis, (Tensor, Variable)):
        value = ops.shape.static_value(convert(axis).node)
        if value is None:
            raise NotImplementedError("tensorflow reductions over an axis that only a run can tell are not in mapper's runtime")
        axis = value
    if axis is None or isinstance(axis, (int, np.integer)):
        return axis
    axis = np.asarray(axis)
    return int(axis) if axis.ndim == 0 else tuple(int(a) for a in axis)


def _check_axes(x: Node, axis: Any) -> Any:
    if x.shape is not None and axis is not None:
        for a in (axis,) if isinstance(axis, int) else axis:
            if not -len(x.shape) <= a < len(x.shape):
                raise ValueError(f"Invalid reduction dimension {a} for input with {len(x.shape)} dimensions.")
    return axis


def reduction(name: str, function: Callable[..., Node]) -> Callable[..., Tensor]:
    def op(input_tensor: Any = None, axis: Any = None, keepdims: Any = None, name: Any = None, reduction_indices: Any = None,
           keep_dims: Any = None, input: Any = None) -> Tensor:
        x = convert(input_tensor if input_tensor is not None else input).node
        chosen = _check_axes(x, _axes(axis if axis is not None else reduction_indices))
        keep = bool(keepdims if keepdims is not None else keep_dims)
        return wrap(function(x, chosen, keep), name or kind, kind)

    kind = name
    op.__name__ = op.__qualname__ = name
    return op


reduce_sum, reduce_mean = reduction("Sum", ops.reduce_sum), reduction("Mean", ops.reduce_mean)
reduce_prod = reduction("Prod", ops.reduce_prod)
reduce_max, reduce_min = reduction("Max", ops.reduce_max), reduction("Min", ops.reduce_min)
reduce_any, reduce_all = reduction("Any", ops.reduce_any), reduction("All", ops.reduce_all)
reduce_logsumexp = reduction("LogSumExp", ops.reduce_logsumexp)


def _variance(x: Node, axis: Any, keepdims: bool) -> Node:
    return ops.reduce_mean(ops.square(x - ops.reduce_mean(x, axis, True)), axis, keepdims)


reduce_variance = reduction("variance", _variance)
reduce_std = reduction("std", lambda x, axis, keepdims: ops.sqrt_zero_safe(_variance(x, axis, keepdims)))


def count_nonzero(input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = "int64", name: Any = None, **old: Any) -> Tensor:
    x = convert(input_tensor).node
    flags = ops.cast(ops.not_equal(x, core.lift(0, x)), numpy_dtype(dtype))
    return wrap(ops.reduce_sum(flags, _axes(axis), bool(keepdims)), name or "count_nonzero")


def arg(name: str, function: Callable[..., Node]) -> Callable[..., Tensor]:
    def op(input: Any, axis: Any = None, name: Any = None, dimension: Any = None, output_type: Any = "int64") -> Tensor:
        chosen = _axes(axis if axis is not None else dimension)
        return wrap(function(convert(input).node, 0 if chosen is None else chosen, numpy_dtype(output_type)), name or kind)

    kind = name
    return op


argmax, argmin = arg("ArgMax", ops.argmax), arg("ArgMin", ops.argmin)


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.cumsum(convert(x).node, _axes(axis), exclusive, reverse), name or "Cumsum")


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.cumprod(convert(x).node, _axes(axis), exclusive, reverse), name or "Cumprod")


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: Any = None, keep_dims: Any = None) -> Tensor:
    x, chosen, keep = convert(tensor).node, _axes(axis), bool(keepdims if keepdims is not None else keep_dims)
    if ord in ("euclidean", "fro", 2):
        result = ops.sqrt_zero_safe(ops.reduce_sum(ops.multiply(x, ops.conj(x)), chosen, keep))
    elif ord == 1:
        result = ops.reduce_sum(ops.absolute(x), chosen, keep)
    elif ord == np.inf:
        result = ops.reduce_max(ops.absolute(x), chosen, keep)
    else:
        result = ops.power_fixed(ops.reduce_sum(ops.power_fixed(ops.absolute(x), float(ord)), chosen, keep), 1 / float(ord))
    return wrap(result, name or "norm")


# ----------------------------------------------------------------------------------------------------------- linear algebra

def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
           a_is_sparse: bool = False, b_is_sparse: bool = False, name: Any = None, **ignored: Any) -> Tensor:
    x, y = operands("MatMul", a, b)
    if adjoint_a:
        x = ops.conj(x)
    if adjoint_b:
        y = ops.conj(y)
    return wrap(ops.matmul(x, y, transpose_a or adjoint_a, transpose_b or adjoint_b), name or "MatMul", "MatMul")


def matvec(a: Any, b: Any, transpose_a: bool = False, name: Any = None, **ignored: Any) -> Tensor:
    x, y = operands("MatMul", a, b)
    return wrap(ops.squeeze(ops.matmul(x, ops.expand_dims(y, -1), transpose_a), -1), name or "MatVec")


def tensordot(a: Any, b: Any, axes: Any, name: Any = None) -> Tensor:
    x, y = operands("MatMul", a, b)
    return wrap(ops.tensordot(x, y, axes if isinstance(axes, int) else [list(np.atleast_1d(part)) for part in axes]), name or "Tensordot")


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    return wrap(ops.einsum(equation, *(convert(x).node for x in inputs)), kwargs.get("name") or "einsum")


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.solve(convert(matrix).node, convert(rhs).node, adjoint), name or "MatrixSolve")


def matrix_triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.triangular_solve(convert(matrix).node, convert(rhs).node, lower, adjoint), name or "MatrixTriangularSolve")


def cholesky_solve(chol: Any, rhs: Any, name: Any = None) -> Tensor:
    a = convert(chol).node
    return wrap(ops.triangular_solve(a, ops.triangular_solve(a, convert(rhs).node), adjoint=True), name or "cholesky_solve")


def matrix_inverse(input: Any, adjoint: bool = False, name: Any = None) -> Tensor:
    result = ops.inverse(convert(input).node)
    return wrap(ops.turn(result) if adjoint else result, name or "MatrixInverse")


cholesky = unary("Cholesky", ops.cholesky)
matrix_determinant = unary("MatrixDeterminant", ops.det)
trace = unary("Trace", ops.trace)
logdet = unary("LogDet", ops.log_abs_det)


def slogdet(input: Any, name: Any = None) -> Any:
    x = convert(input).node
    return tuple(wrap_outputs([ops.det_sign(x), ops.log_abs_det(x)], name or "LogMatrixDeterminant"))


def self_adjoint_eig(tensor: Any, name: Any = None) -> Any:
    return tuple(wrap_outputs(list(ops.eigh(convert(tensor).node)), name or "SelfAdjointEigV2"))


def self_adjoint_eigvals(tensor: Any, name: Any = None) -> Tensor:
    return wrap(ops.eigh(convert(tensor).node)[0], name or "SelfAdjointEigV2")


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: Any = None) -> Any:
    s, u, v = ops.svd(convert(tensor).node)
    return tuple(wrap_outputs([s, u, v], name or "Svd")) if compute_uv else wrap(s, name or "Svd")


def qr(input: Any, full_matrices: bool = False, name: Any = None) -> Any:
    return tuple(wrap_outputs(list(ops.qr(convert(input).node)), name or "Qr"))


def cross(a: Any, b: Any, name: Any = None) -> Tensor:
    x, y = operands("Cross", a, b)
    p, q = ([ops.take_index(n, i, -1) for i in range(3)] for n in (x, y))
    parts = [p[(i + 1) % 3] * q[(i + 2) % 3] - p[(i + 2) % 3] * q[(i + 1) % 3] for i in range(3)]
    return wrap(ops.stack(parts, -1), name or "Cross")


# --------------------------------------------------------------------------------------------------------------- operators

def _install() -> None:
    table: dict[str, Callable[..., Any]] = {
        "add": add_v2, "sub": subtract, "mul": multiply, "truediv": truediv, "div": div, "floordiv": floordiv, "mod": floormod, "pow": pow,
        "matmul": matmul}
    names = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "div": "div", "floordiv": "floordiv", "mod": "mod", "pow": "pow",
             "matmul": "matmul"}

    def both(function: Callable[..., Any], label: str) -> tuple[Any, Any]:
        def forward(self: Any, other: Any) -> Any:
            return NotImplemented if isinstance(other, IndexedSlices) and label == "sparse" else function(self, other, name=label)

        def backward(self: Any, other: Any) -> Any:
            return function(other, self, name=label)

        return forward, backward

    for kind in (Tensor, Variable):
        for key, function in table.items():
            forward, backward = both(function, names[key])
            setattr(kind, f"__{key}__", forward)
            setattr(kind, f"__r{key}__", backward)
        for key, function in (("lt", less), ("le", less_equal), ("gt", greater), ("ge", greater_equal)):
            setattr(kind, f"__{key}__", both(function, function.__name__)[0])
        for key, function in (("and", logical_and), ("or", logical_or), ("xor", logical_xor)):
            forward, backward = both(function, function.__name__)
            setattr(kind, f"__{key}__", forward)
            setattr(kind, f"__r{key}__", backward)
        for key, unary in (("neg", negative), ("abs", abs), ("invert", logical_not)):
            setattr(kind, f"__{key}__", _method(unary))


def _method(function: Any) -> Any:
    return lambda self: function(self)


_install()
