"""Every primitive of the engine against finite differences in float64: first and second order, eagerly and as a graph.

A case differentiates a function of nodes along random directions. The second order holds the gradient, contracted with random
numbers, against differences of itself, so that a primitive's gradient line is differentiated too.
"""
from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from mapper.runtime import core, ops
from mapper.runtime.core import Node, Primitive
from mapper.runtime.evaluate import Prepared
from mapper.runtime.ops import PRIMITIVES
from mapper.runtime.ops.state import placeholder
from mapper.runtime.tensorflow import tensor_array  # noqa: F401  it defines primitives of its own

STEP, RTOL, ATOL = 1e-5, 2e-6, 2e-7


class Case(NamedTuple):
    """`function` on nodes of `inputs`; those of floating or complex numbers are differentiated."""

    primitive: str
    label: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    order: int = 2


CASES: list[Case] = []


# ------------------------------------------------------------------------------------------------------------- the checker

def differentiable(array: Any) -> bool:
    return array.dtype.kind in "fc"


def outputs_of(result: Any) -> list[Node]:
    nodes = list(result) if isinstance(result, (list, tuple)) else [result]
    return [node for node in nodes if node.dtype.kind in "fc"]


def pairing(a: Any, b: Any) -> float:
    """The real inner product: a complex gradient holds the derivatives by real and by imaginary part."""
    return float(np.sum(np.real(np.conj(a) * b)))


def random_like(rng: np.random.Generator, array: Any) -> Any:
    values = rng.uniform(0.5, 1.5, array.shape) * rng.choice([-1.0, 1.0], array.shape)
    return values + 1j * rng.uniform(-1, 1, array.shape) if array.dtype.kind == "c" else values


def value_and_gradient(function: Callable[..., Any], arrays: Sequence[Any], weights: Sequence[Any] | None = None) -> tuple[list[Any], list[Any]]:
    """Outputs and, given weights for them, gradients by the floating inputs; zeros where no path leads."""
    with core.recording():
        nodes = [core.leaf(array) for array in arrays]
        ys = outputs_of(function(*nodes))
        if weights is None:
            return [y.value for y in ys], []
        xs = [node for node in nodes if differentiable(node)]
        found = [core.densify(g) for g in core.gradients(ys, xs, [core.leaf(w) for w in weights])]
    for g, x in zip(found, xs, strict=True):
        assert g is None or (g.shape == x.shape and g.dtype == x.dtype), f"gradient {g} of {x}"
    return [y.value for y in ys], [np.zeros_like(x.value) if g is None else g.value for g, x in zip(found, xs, strict=True)]


def gradient_function(function: Callable[..., Any], weights: Sequence[Any]) -> Callable[..., Any]:
    """The gradients of the weighted outputs as a function on nodes, for the next order."""
    def result(*nodes: Node) -> list[Node]:
        fresh = [ops.control.fresh(node) for node in nodes]
        xs = [node for node in fresh if differentiable(node)]
        ys = outputs_of(function(*fresh))
        found = core.gradients(ys, xs, [core.lift(w, y) for w, y in zip(weights, ys, strict=True)])
        return [g for g in map(core.densify, found) if g is not None]

    return result


def moved(arrays: Sequence[Any], directions: Sequence[Any], step: float) -> list[Any]:
    rest = iter(directions)
    return [array + step * next(rest) if differentiable(array) else array for array in arrays]


def check_first(function: Callable[..., Any], arrays: Sequence[Any], rng: np.random.Generator, what: str = "first order") -> list[Any]:
    """Gradients along random directions against central differences. Returns the weights of the outputs."""
    values, _ = value_and_gradient(function, arrays)
    weights = [random_like(rng, value) for value in values]
    _, found = value_and_gradient(function, arrays, weights)
    floating = [array for array in arrays if differentiable(array)]
    for _ in range(2):
        directions = [random_like(rng, array) for array in floating]
        there, back = (value_and_gradient(function, moved(arrays, directions, sign * STEP))[0] for sign in (1, -1))
        terms = [pairing(w, (a - b) / (2 * STEP)) for w, a, b in zip(weights, there, back, strict=True)]
        products = [pairing(g, v) for g, v in zip(found, directions, strict=True)]
        expected, got = sum(terms), sum(products)
        size = max([1.0, *(float(np.max(np.abs(g), initial=0)) for g in found)])
        assert abs(expected - got) <= RTOL * abs(expected) + ATOL * size, f"{what}: {got} instead of {expected}"
    return weights


def check(function: Callable[..., Any], arrays: Sequence[Any], order: int = 2, seed: int = 0) -> None:
    """AssertionError where a gradient of the first or second order is not that of finite differences."""
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        weights = check_first(function, arrays, rng)
        if order == 2:
            gradient = gradient_function(function, weights)
            if value_and_gradient(gradient, arrays)[0]:
                check_first(gradient, arrays, rng, "second order")


def check_graph(function: Callable[..., Any], arrays: Sequence[Any], unknown: bool) -> None:
    """The same function and its gradient as a graph give what they give eagerly, with the shapes that were foretold."""
    rng = np.random.default_rng(1)
    with np.errstate(all="ignore"):
        values, _ = value_and_gradient(function, arrays)
        weights = [random_like(rng, value) for value in values]
        _, expected = value_and_gradient(function, arrays, weights)
    fed = [placeholder((None,) * a.ndim if unknown else a.shape, a.dtype) for a in arrays]
    ys = outputs_of(function(*fed))
    xs = [node for node in fed if differentiable(node)]
    found = [core.densify(g) for g in core.gradients(ys, xs, [core.constant(w) for w in weights])]
    present = [g for g in found if g is not None]
    results = Prepared([*ys, *present], fed).run(list(arrays), {})
    for node, value in zip([*ys, *present], results, strict=True):
        assert node.dtype == value.dtype, f"{node} is {value.dtype}"
        assert node.shape is None or (len(node.shape) == value.ndim and all(n in (None, m) for n, m in zip(node.shape, value.shape, strict=True))), \
            f"{node} has shape {value.shape}"
    computed = iter(results[len(ys):])
    for a, b in zip(results, values, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for g, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.zeros_like(wanted) if g is None else next(computed), wanted, rtol=1e-10, atol=1e-10)


# --------------------------------------------------------------------------------------------------------------- the table

RNG = np.random.default_rng(20)


def normal(*shape: int) -> Any:
    return np.asarray(RNG.normal(size=shape))


def away(*shape: int) -> Any:
    """Both signs, never near zero."""
    return np.asarray(RNG.uniform(0.3, 1.6, shape) * RNG.choice([-1.0, 1.0], shape))


def between(low: float, high: float, *shape: int) -> Any:
    return np.asarray(RNG.uniform(low, high, shape))


def positive(*shape: int) -> Any:
    return between(0.4, 2.2, *shape)


def inside(*shape: int) -> Any:
    return between(-0.8, 0.8, *shape)


def distinct(*shape: int) -> Any:
    """Numbers far enough apart that no order among them changes."""
    size = int(np.prod(shape))
    return np.asarray(RNG.permutation(size).reshape(shape) * 0.37 - 0.18 * size + 0.11)


def complex_(*shape: int) -> Any:
    """Both parts positive, so that no branch cut is near."""
    return np.asarray(positive(*shape) + 1j * positive(*shape))


def definite(*shape: int) -> Any:
    root = normal(*shape)
    return root @ np.swapaxes(root, -1, -2) + 2 * np.eye(shape[-1])


def ints(*values: Any) -> Any:
    return np.array(values[0] if len(values) == 1 else values, np.int32)


def bools(*values: Any) -> Any:
    return np.array(values[0] if len(values) == 1 else values, bool)


def case(primitive: str, function: Callable[..., Any], *inputs: Any, label: str = "", order: int = 2) -> None:
    CASES.append(Case(primitive, label or " ".join("x".join(map(str, np.shape(a))) or "scalar" for a in inputs), function, inputs, order))


def prim(name: str, *nodes: Node, **params: Any) -> Node:
    return core.apply(PRIMITIVES[name], *nodes, **params)


def of(name: str, **params: Any) -> Callable[..., Node]:
    """The primitive as a function of its arrays."""
    return lambda *nodes: prim(name, *nodes, **params)


def unary_cases() -> None:
    everywhere = ("negative", "square", "exp", "expm1", "sigmoid", "softplus", "log_sigmoid", "sin", "cos", "arctan", "sinh", "cosh", "tanh",
                  "arcsinh", "erf", "erfc", "identity", "fresh")
    domains: dict[str, Callable[..., Any]] = {name: normal for name in everywhere}
    domains |= {name: positive for name in ("log", "log1p", "sqrt", "rsqrt", "sqrt_zero_safe", "rsqrt_zero_safe", "lgamma", "digamma")}
    domains |= {name: inside for name in ("tan", "arcsin", "arccos", "arctanh", "erfinv")}
    domains |= {name: away for name in ("reciprocal", "softsign", "absolute", "sign", "relu", "step", "elu", "selu")}
    domains["arccosh"] = lambda *shape: between(1.3, 3.0, *shape)
    for name, domain in domains.items():
        for shape in ((), (3,), (2, 3), (0, 2)):
            case(name, of(name), domain(*shape))
    for name in ("negative", "square", "exp", "expm1", "sin", "cos", "tan", "tanh", "sinh", "cosh", "log", "log1p", "sqrt", "rsqrt", "reciprocal",
                 "sigmoid", "sqrt_zero_safe", "rsqrt_zero_safe", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"):
        case(name, of(name), complex_(3) * 0.4, label="complex")
    case("lgamma", of("lgamma"), np.array([-2.4, -0.3, 0.2, 14.0]), label="poles between")
    case("digamma", of("digamma"), np.array([-2.4, -0.3, 0.2, 14.0]), label="poles between")
    for count in (1, 2, 3):
        case("polygamma", of("polygamma", order=count), np.array([-1.7, 0.3, 1.2, 11.0]), label=f"order {count}")
    for exponent in (0.5, 2.0, 3.0, -1.0):
        case("power_fixed", of("power_fixed", exponent=exponent), positive(2, 3), label=f"exponent {exponent}")
    case("power_fixed", of("power_fixed", exponent=3.0), -positive(3), label="negative base")
    for at_six in (0.0, 1.0):
        case("relu6", of("relu6", at_six=at_six), np.array([-1.0, 0.5, 5.5, 7.0]), label=f"at_six {at_six}")
    for alpha in (0.01, 0.3):
        case("leaky_relu", of("leaky_relu", alpha=alpha, at_zero=alpha), away(2, 3), label=f"alpha {alpha}")
    case("cast", of("cast", dtype=np.dtype(np.float64)), normal(2, 3), label="float")
    case("cast", of("cast", dtype=np.dtype(np.complex128)), normal(2, 3), label="to complex")
    case("cast_through", of("cast_through", dtype=np.dtype(np.float64)), normal(2, 3))
    for name in ("real", "imag", "conj", "angle", "absolute_complex"):
        case(name, of(name), complex_(2, 3))
    for factor in (1, 1j):
        case("to_complex", of("to_complex", dtype=np.dtype(np.complex128), factor=factor), normal(3), label=f"factor {factor}")


def binary_cases() -> None:
    pairs = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ()), ((4, 1, 2), (3, 1)), ((0, 3), (3,))]
    domains: dict[str, tuple[Any, Any]] = {name: (normal, normal) for name in ("add", "subtract", "multiply", "squared_difference")}
    domains |= {"divide": (normal, away), "divide_no_nan": (normal, away), "power": (positive, normal), "power_unguarded": (positive, normal),
                "arctan2": (away, away), "xdivy": (away, positive), "xlogy": (away, positive)}
    for name, (left, right) in domains.items():
        for a, b in pairs:
            case(name, of(name), left(*a), right(*b))
    for name in ("add", "subtract", "multiply", "divide", "divide_no_nan", "power"):
        case(name, of(name), complex_(2, 3), complex_(3), label="complex")
    for a, b in pairs:
        case("complex", of("complex"), normal(*a), normal(*b))
        quotient = RNG.integers(1, 4, np.broadcast_shapes(a, b)) + between(0.3, 0.7, *np.broadcast_shapes(a, b))
        for name in ("floormod", "truncatemod"):
            divisor = positive(*b)
            case(name, of(name), quotient * divisor, divisor)
            case(name, of(name), -quotient * divisor, divisor, label=f"negative {a} {b}")
    for name in ("maximum", "minimum"):
        for ties in ("first", "half"):
            for a, b in pairs:
                left, right = distinct(*a), distinct(*b) + 0.185
                case(name, of(name, ties=ties), left, right, label=f"{ties} {a} {b}")
    condition = bools([[True, False, True], [False, True, True]])
    for shapes in (((2, 3), (2, 3)), ((3,), (2, 1)), ((), (2, 3))):
        case("where", of("where"), condition, normal(*shapes[0]), normal(*shapes[1]))
    case("where", of("where"), bools([[True], [False]]), normal(2, 3), normal(3), label="condition broadcasts")
    for count in (1, 2, 4):
        case("add_n", of("add_n"), *(normal(2, 3) for _ in range(count)))


def control_cases() -> None:
    def body(x: Node, y: Node) -> list[Node]:
        return [ops.tanh(x * y), ops.reduce_sum(x * x * y, 0)]

    case("call", lambda x, y: ops.control.call(body, [x, y], [(x.shape, x.dtype), (x.shape[1:] if x.shape else None, x.dtype)]), normal(2, 3), normal(2, 3))

    def looped(x: Node) -> list[Node]:
        y = x
        for _ in range(3):
            y = ops.sin(y) * x
        return [y]

    case("call", lambda x: ops.control.call(looped, [x], [(x.shape, x.dtype)]), normal(3), label="loop")

    def cubed(x: Node) -> list[Node]:
        return ops.control.custom([x * x * x], [x], lambda g: 3.0 * g * x * x)

    case("custom", cubed, normal(2, 3))


def shape_cases() -> None:
    for shape, like in (((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((4, 2, 3), (2, 3))):
        case("sum_like", of("sum_like"), normal(*shape), normal(*like))
        case("broadcast_like", of("broadcast_like"), normal(*like), normal(*shape))
    for axis, small in ((None, ()), (0, (3, 2)), ((0, 2), (3,)), (-1, (4, 3)), ((1,), (4, 1, 2))):
        case("spread_like", of("spread_like", axis=axis), normal(*small), normal(4, 3, 2), label=f"axis {axis} {small}")
    case("reshape_like", of("reshape_like"), normal(2, 6), normal(3, 4))
    for wanted in ((6,), (3, -1), (1, 2, 3), (-1,)):
        case("reshape", of("reshape", shape=wanted), normal(2, 3), label=str(wanted))
        case("reshape_to", of("reshape_to"), normal(2, 3), np.array(wanted, np.int32), label=str(wanted))
    for shape, wanted in (((3,), (2, 3)), ((), (2, 3)), ((2, 1), (4, 2, 3))):
        case("broadcast_to_node", of("broadcast_to_node"), normal(*shape), np.array(wanted, np.int32))
    for axis in (0, 1, -1, 2):
        case("expand_dims", of("expand_dims", axis=axis), normal(2, 3), label=f"axis {axis}")
    for axis in (None, 1, -1, (1, 3)):
        case("squeeze", of("squeeze", axis=axis), normal(2, 1, 3, 1), label=f"axis {axis}")
    for perm in (None, (2, 0, 1), (0, 2, 1), (1, 0, 2)):
        case("transpose", of("transpose", perm=perm), normal(2, 3, 4), label=f"perm {perm}")
    for axis in (0, 1, -1):
        sizes = [(2, 3), (4, 3) if axis == 0 else (2, 4), (1, 3) if axis == 0 else (2, 1)]
        case("concat", of("concat", axis=axis), *(normal(*size) for size in sizes), label=f"axis {axis}")
        whole = normal(7, 3) if axis == 0 else normal(2, 8)
        for position in range(3):
            case("concat_part", of("concat_part", axis=axis, position=position), whole, *(normal(*size) for size in sizes),
                 label=f"axis {axis} position {position}")
        case("stack", of("stack", axis=axis), normal(2, 3), normal(2, 3), normal(2, 3), label=f"axis {axis}")
        case("take_index", of("take_index", index=1, axis=axis), normal(2, 3), label=f"axis {axis}")
        case("put_index", of("put_index", index=1, axis=axis), normal(3 if axis == 0 else 2), normal(2, 3), label=f"axis {axis}")
    for sizes, axis in (((1, 2, 3), 1), ((-1, -1), 0), ((-1, -1, -1), -1), ((2, 0), 0)):
        case("split", lambda x, sizes=sizes, axis=axis: ops.split(x, sizes, axis), normal(2, 6), label=f"{sizes} axis {axis}")
    for multiples in ((2, 3), (1, 2), (2, 1, 3)):
        case("tile", of("tile", multiples=multiples), normal(2, 3), label=str(multiples))
        out = np.tile(np.zeros((2, 3)), multiples).shape
        case("untile", of("untile", multiples=multiples), normal(*out), normal(2, 3), label=str(multiples))
    case("tile_by", of("tile_by"), normal(2, 3), ints(2, 3))
    case("untile_by", of("untile_by"), normal(4, 9), normal(2, 3), ints(2, 3))
    for mode, paddings in (("CONSTANT", ((1, 2), (0, 3))), ("REFLECT", ((1, 0), (2, 1))), ("SYMMETRIC", ((1, 2), (3, 0)))):
        case("pad", of("pad", paddings=paddings, mode=mode, value=0.5), normal(2, 3), label=mode)
        padded = [n + a + b for n, (a, b) in zip((2, 3), paddings, strict=True)]
        case("unpad", of("unpad", paddings=paddings, mode=mode), normal(*padded), normal(2, 3), label=mode)
    case("pad_by", of("pad_by"), normal(2, 3), ints([1, 0], [0, 2]))
    case("unpad_by", of("unpad_by"), normal(3, 5), normal(2, 3), ints([1, 0], [0, 2]))
    for axis in (0, 1, -1, (0, 1)):
        case("reverse", of("reverse", axis=axis), normal(2, 3), label=f"axis {axis}")
    for shift, axis in ((1, 0), (-2, 1), ((1, 2), (0, 1)), (1, None)):
        case("roll", of("roll", shift=shift, axis=axis), normal(2, 3), label=f"{shift} axis {axis}")
    hole = ops.shape.HOLE
    for index in ((slice(1, None),), (1, Ellipsis, slice(None, None, -1)), (None, slice(None), 0), (Ellipsis, -1), (slice(0, 3, 2), slice(-3, -1))):
        like = normal(3, 4, 2)
        case("getitem", of("getitem", index=index), like, label=str(index))
        case("getitem_back", of("getitem_back", index=index), normal(*like[index].shape), like, label=str(index))
    for index, arrays in (((hole,), [ints(2, 0, 0)]), ((slice(None), hole), [ints([[1, 3], [3, 3]])]), ((hole, hole), [ints(0, 2), ints(1, 1)]),
                          ((hole,), [ints(1)]), ((slice(hole, hole),), [ints(1), ints(3)]),
                          ((hole,), [bools(True, False, True)])):
        like = normal(3, 4)
        case("getitem", of("getitem", index=index), like, *arrays, label=f"{index} {[a.tolist() for a in arrays]}")
        part = np.zeros(like[ops.shape._fill(index, arrays)].shape)
        case("getitem_back", of("getitem_back", index=index), normal(*part.shape), like, *arrays, label=f"{index} {[a.tolist() for a in arrays]}")
    for lower, upper in ((0, -1), (-1, 0), (1, 1), (0, 0)):
        case("matrix_band_part", of("matrix_band_part", lower=lower, upper=upper), normal(2, 3, 4), label=f"{lower} {upper}")
    for k in (-1, 0, 1):
        case("triangle", of("triangle", k=k, upper=k > 0), normal(2, 3, 3), label=f"k {k}")
    for shape in ((3,), (2, 3)):
        case("matrix_diag", of("matrix_diag"), normal(*shape))
    for shape in ((3, 3), (2, 3, 4), (4, 2)):
        case("matrix_diag_part", of("matrix_diag_part"), normal(*shape))
        case("matrix_diag_back", of("matrix_diag_back"), normal(*shape[:-2], min(shape[-2:])), normal(*shape))


def indexing_cases() -> None:
    for axis, batch_dims, mode, indices in ((0, 0, "error", ints(2, 0, 0)), (1, 0, "error", ints([[1, 0], [3, 3]])), (-1, 0, "error", ints(1, 1)),
                                            (0, 0, "wrap", ints(-1, 0, -1)), (0, 0, "zero", ints(-1, 1, 5, 1)), (1, 0, "zero", ints(-1, 1, 9)),
                                            (1, 1, "error", ints([0, 1, 1], [3, 3, 2], [0, 0, 0]))):
        like = normal(3, 4, 2)
        params = {"axis": axis, "batch_dims": batch_dims, "mode": mode}
        case("gather", of("gather", **params), like, indices, label=str(params))
        rows = ops.indexing._gather(like, indices, **params)
        case("gather_back", of("gather_back", **params), normal(*rows.shape), like, indices, label=str(params))
    case("gather", lambda x, i, j: [ops.gather(x, i), ops.gather(x, j)], normal(3, 2), ints(2, 0, 0), ints([[1], [2]]), label="rows joined")
    for row in (0, 2, 4):                   # a row that is there, the last one, one beyond
        case("tensor_array_write", of("tensor_array_write"), normal(3, 2), ints(row), normal(2), label=str(row))
        case("tensor_array_kept", of("tensor_array_kept"), normal(max(3, row + 1), 2), normal(3, 2), ints(row), label=str(row))
    case("as_rows", of("as_rows"), normal(2, 3, 4), ints([[0, 1, 0], [2, 2, 1]]))
    for indices in (ints([[0, 1], [2, 0], [2, 0]]), ints([[2], [2]]), ints([[[0, 1]], [[1, 1]]])):
        like = normal(3, 2, 2)
        part = like[tuple(np.moveaxis(indices, -1, 0))]
        case("gather_nd", of("gather_nd"), like, indices)
        case("gather_nd_back", of("gather_nd_back"), normal(*part.shape), like, indices)
        case("scatter_nd", of("scatter_nd", shape=like.shape), indices, normal(*part.shape))
        for how in ("add", "subtract"):
            case("scatter_into", of("scatter_into", how=how), like, indices, normal(*part.shape), label=f"{how} {indices.shape}")
    case("scatter_into", of("scatter_into", how="update"), normal(3, 2), ints([[0], [2]]), normal(2, 2), label="update")
    for name in ("segment_sum", "segment_mean", "segment_max", "segment_min", "segment_prod", "segment_prod_of_others"):
        for ids, count in ((ints(0, 0, 1, 1), None), (ints(2, 0, 2, 2), 4), (ints(0, -1, 1, 0), 2)):
            value = distinct(4, 2) if name in ("segment_max", "segment_min") else away(4, 2)
            case(name, of(name, count=count), value, ids, label=f"{ids.tolist()} {count}")
        case(name, of(name, count=3), distinct(2, 2) if name in ("segment_max", "segment_min") else away(2, 2), ints([0, 2], [2, 0]), label="ids of rank 2")
    case("segment_prod", of("segment_prod", count=2), np.array([0.0, 2.0, 3.0, 0.0, 0.0, 1.5]), ints(0, 0, 0, 1, 1, 1), label="zeros", order=1)
    for axis, indices in ((-1, ints([[2, 0, 0], [1, 1, 2]])), (0, ints([[1, 0, 0]]))):
        case("take_along", of("take_along", axis=axis), normal(2, 3), indices)
        case("take_along_back", of("take_along_back", axis=axis), normal(*indices.shape), normal(2, 3), indices)
    case("take_along", lambda x: ops.sort(x, 0, True), distinct(4, 2), label="sort")
    case("take_along", lambda x: ops.top_k(x, 2)[0], distinct(2, 4), label="top_k")
    mask = bools([[True, False, True], [False, False, True]])
    case("boolean_mask", of("boolean_mask"), normal(2, 3, 2), mask)
    case("unmask", of("unmask"), normal(3, 2), normal(2, 3, 2), mask)
    for axis, batch in ((1, 0), (0, 1), (2, 0)):
        case("reverse_sequence", of("reverse_sequence", axis=axis, batch_axis=batch), normal(3, 3, 3), ints(2, 3, 0), label=f"{axis} {batch}")


def linalg_cases() -> None:
    for ta in (False, True):
        for tb in (False, True):
            for batch_a, batch_b in (((), ()), ((2,), (2,)), ((2,), ()), ((4, 1), (2,))):
                a = (*batch_a, *((3, 2) if ta else (2, 3)))
                b = (*batch_b, *((4, 3) if tb else (3, 4)))
                case("matmul", of("matmul", transpose_a=ta, transpose_b=tb), normal(*a), normal(*b), label=f"{ta} {tb} {batch_a} {batch_b}")
    case("matmul", of("matmul", transpose_a=False, transpose_b=False), complex_(2, 3), complex_(3, 2), label="complex")
    for equation, shapes in (("ij,jk->ik", ((2, 3), (3, 4))), ("ij,ij->", ((2, 3), (2, 3))), ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))),
                             ("ij->ji", ((2, 3),)), ("ij->j", ((2, 3),)), ("i,j->ij", ((2,), (3,))), ("ij,jk,k->i", ((2, 3), (3, 4), (4,))),
                             ("ij,k->ik", ((2, 3), (4,))), ("ii->i", ((3, 3),)), ("ii->", ((3, 3),)), ("iij,j->i", ((3, 3, 2), (2,))),
                             ("...ij,...jk->...ik", ((2, 2, 3), (2, 3, 4))), ("...ij,jk->...ik", ((2, 5, 3), (3, 4))), ("...i->...", ((2, 3),))):
        case("einsum", lambda *xs, equation=equation: ops.einsum(equation, *xs), *(normal(*shape) for shape in shapes), label=equation)
    square = np.eye(3) * 2 + inside(2, 3, 3) * 0.7
    for name in ("inverse", "det", "log_abs_det"):
        case(name, of(name), square)
        case(name, of(name), square[0])
    case("inverse", of("inverse"), complex_(2, 2) + np.eye(2) * 3, label="complex")
    for adjoint in (False, True):
        case("solve", of("solve", adjoint=adjoint), square, normal(2, 3, 2), label=f"adjoint {adjoint}")
        for lower in (False, True):
            case("triangular_solve", of("triangular_solve", lower=lower, adjoint=adjoint), square, normal(2, 3, 2), label=f"{lower} {adjoint}")
    for shape in ((3, 3), (2, 2, 2)):
        def symmetric(x: Node) -> Node:
            return (x + ops.linalg.turn(x)) * 0.5

        case("cholesky", lambda x: ops.cholesky(symmetric(x)), definite(*shape))
        gaps = np.diag(np.arange(1.0, shape[-1] + 1)) + 0.2 * definite(*shape)
        case("eigh", lambda x: ops.eigh(symmetric(x)), gaps)
    for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
        case("svd", ops.svd, spread(*shape))
        case("qr", ops.qr, spread(*shape))


def spread(*shape: int) -> Any:
    """Matrices whose singular values lie apart."""
    u, _, v = np.linalg.svd(normal(*shape), full_matrices=False)
    return (u * np.arange(1.0, min(shape[-2:]) + 1)) @ v


def reduction_cases() -> None:
    for axis in (None, 0, -1, (0, 2), (1,)):
        for keepdims in (False, True):
            params = {"axis": axis, "keepdims": keepdims}
            for name in ("reduce_sum", "reduce_mean", "reduce_prod", "reduce_logsumexp"):
                case(name, of(name, **params), away(2, 3, 2), label=f"{axis} {keepdims}")
            for name in ("reduce_max", "reduce_min"):
                for ties in ("share", "first"):
                    case(name, of(name, ties=ties, **params), distinct(2, 3, 2), label=f"{axis} {keepdims} {ties}")
        case("product_of_others", of("product_of_others", axis=axis), away(2, 3, 2), label=f"{axis}")
    case("reduce_prod", of("reduce_prod", axis=1, keepdims=False), np.array([[0.0, 2.0, 3.0], [0.0, 1.0, 0.0]]), label="zeros", order=1)
    case("reduce_mean", of("reduce_mean", axis=0, keepdims=False), complex_(3, 2), label="complex")
    for axis in (0, 1, -1):
        for exclusive in (False, True):
            for backwards in (False, True):
                params = {"axis": axis, "exclusive": exclusive, "backwards": backwards}
                case("cumsum", of("cumsum", **params), normal(2, 4), label=str(params))
                for name in ("cumprod", "cumprod_quotient"):
                    case(name, of(name, **params), away(2, 4), label=str(params))


def nn_cases() -> None:
    hows = [{"strides": strides, "padding": padding, "dilations": dilations, "groups": groups}
            for strides, padding, dilations, groups in (((1, 1), "VALID", (1, 1), 1), ((2, 1), "SAME", (1, 1), 1), ((1, 1), "SAME", (2, 2), 1),
                                                        ((1, 2), ((1, 0), (2, 1)), (1, 1), 1), ((2, 2), "VALID", (1, 2), 2))]
    for how in hows:
        x, k = normal(2, 5, 6, 2), normal(3, 2, 2 // how["groups"], 4)
        y = ops.nn._conv(x, k, **how)
        case("conv2d", of("conv2d", **how), x, k, label=str(how))
        case("conv2d_input", of("conv2d_input", **how), normal(*y.shape), x, k, label=str(how))
        case("conv2d_filter", of("conv2d_filter", **how), normal(*y.shape), x, k, label=str(how))
    for kernel, strides, padding in (((2, 2), (2, 2), "VALID"), ((3, 2), (1, 2), "SAME"), ((2, 3), (1, 1), "SAME"), ((2, 2), (1, 1), ((1, 0), (0, 1)))):
        label = f"{kernel} {strides} {padding}"
        case("take_flat", lambda x, a=kernel, b=strides, c=padding: ops.max_pool(x, a, b, c), distinct(2, 4, 5, 2), label=label)
        for whole in (False, True):
            params = {"kernel": kernel, "strides": strides, "padding": padding, "whole": whole}
            x = normal(2, 4, 5, 2)
            case("avg_pool", of("avg_pool", **params), x, label=f"{label} {whole}")
            case("avg_pool_back", of("avg_pool_back", **params), normal(*ops.nn._avg(x, **params).shape), x, label=f"{label} {whole}")
    case("put_flat", of("put_flat"), normal(2, 2), normal(2, 3), ints([0, 3], [3, 5]))
    for axis in (0, 1, -1):
        case("softmax", of("softmax", axis=axis), normal(2, 3, 2), label=f"axis {axis}")
        case("log_softmax", of("log_softmax", axis=axis), normal(2, 3, 2), label=f"axis {axis}")
    for shape in ((3,), (2, 4), (2, 2, 3)):
        # Both frameworks take labels to sum to one, so the labels of the case do.
        case("softmax_cross_entropy", lambda logits, z: ops.softmax_cross_entropy(logits, ops.softmax(z)), normal(*shape), normal(*shape))


for fill in (unary_cases, binary_cases, control_cases, shape_cases, indexing_cases, linalg_cases, reduction_cases, nn_cases):
    fill()

# Why a primitive has no gradient at all.
INTEGERS = "its result is not a floating number"
CONSTANT = "its result does not change with small changes of its inputs"
SHAPES = "its result depends on shapes alone"
OUTSIDE = "its value comes from outside: gradients end here"
WITHOUT = {
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
                     "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "left_shift", "right_shift", "isnan", "isinf",
                     "isfinite", "reduce_any", "reduce_all", "argmax", "argmin", "argsort", "top_positions", "in_top_k", "where_positions",
                     "searchsorted", "bincount", "sequence_mask", "invert_permutation", "max_pool_positions", "categorical"), INTEGERS),
    **dict.fromkeys(("floor_divide", "truncatediv", "floor", "ceil", "rint", "trunc", "leaky_relu_slope", "share_first", "winners", "det_sign",
                     "segment_mean_weights", "one_hot"), CONSTANT),
    **dict.fromkeys(("ones_like", "zeros_like", "full_like", "shape_of", "size_of", "rank_of"), SHAPES),
    **dict.fromkeys(("placeholder", "read", "update", "group", "is_initialized", "constant", "draw", "shuffle"), OUTSIDE),
    "stop_gradient": "that is its purpose",
    "python": "a Python function has no derivative (tf.py_func without gradient)",
    "range": "both frameworks give range no gradient",
    "unique": "TensorFlow has no gradient for it, and says so",
}
# Gradients that are zero everywhere they exist: a factor does not show in them.
ZERO = {"sign", "step"}
# Inputs of which only the shape is used, or which are constant between jumps, beside inputs that have gradients.
SHAPE_ONLY = {("sum_like", 1), ("broadcast_like", 1), ("spread_like", 1), ("reshape_like", 1), ("put_index", 1), ("untile", 1), ("untile_by", 1),
              ("unpad", 1), ("unpad_by", 1), ("matrix_diag_back", 1), ("gather_back", 1), ("gather_nd_back", 1), ("take_along_back", 1), ("unmask", 1),
              ("tensor_array_kept", 1), ("conv2d_input", 1), ("conv2d_filter", 2), ("avg_pool_back", 1), ("put_flat", 1)}


def has_gradient(primitive: Primitive) -> bool:
    if primitive.variadic_vjp is not None:
        return any(primitive.vjp_of(i) is not None for i in range(3)) or primitive.name == "custom"
    return any(vjp is not None for vjp in primitive.vjps or ())


def ids(entry: Case) -> str:
    return f"{entry.primitive}: {entry.label}"


def seed_of(entry: Case) -> int:
    return zlib.crc32(ids(entry).encode())


GROUPED = {name: [entry for entry in CASES if entry.primitive == name] for name in dict.fromkeys(entry.primitive for entry in CASES)}


@pytest.mark.parametrize("name", GROUPED)
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    for entry in GROUPED[name]:
        try:
            check(entry.function, entry.inputs, entry.order, seed_of(entry))
        except Exception as error:
            raise AssertionError(f"{ids(entry)}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("unknown", [False, True], ids=["known shapes", "unknown sizes"])
def test_graph_computes_what_is_computed_at_once(name: str, unknown: bool) -> None:
    for entry in GROUPED[name]:
        try:
            check_graph(entry.function, entry.inputs, unknown)
        except Exception as error:
            raise AssertionError(f"{ids(entry)}: {type(error).__name__}: {error}") from error


@contextmanager
def scaled(primitive: Primitive, position: int, factor: float) -> Iterator[None]:
    """The primitive with one gradient line off by a factor."""
    vjps, variadic = primitive.vjps, primitive.variadic_vjp

    def off(vjp: Any) -> Any:
        def line(*arguments: Any, **params: Any) -> Any:
            g = core.densify(vjp(*arguments, **params))
            return None if g is None else g * factor

        return vjp and line

    if variadic is not None:
        primitive.variadic_vjp = lambda i: off(variadic(i)) if i == position else variadic(i)
    else:
        primitive.vjps = tuple(off(vjp) if i == position else vjp for i, vjp in enumerate(vjps or ()))
    try:
        yield
    finally:
        primitive.vjps, primitive.variadic_vjp = vjps, variadic


def first_failure(name: str) -> str:
    for entry in GROUPED[name]:
        try:
            check(entry.function, entry.inputs, 1, seed_of(entry))
        except AssertionError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("name", sorted(set(GROUPED) - ZERO))
def test_checker_catches_a_gradient_wrong_by_a_thousandth(name: str) -> None:
    """Every gradient line of every primitive, at every input that has one."""
    primitive = PRIMITIVES[name]
    count = len(primitive.vjps) if primitive.vjps is not None else max(len(entry.inputs) for entry in GROUPED[name])
    positions = [i for i in range(count) if primitive.vjp_of(i) is not None]
    if name == "custom":
        positions = [1]                     # its first input is the result of the forward function
    assert positions
    for position in positions:
        with scaled(primitive, position, 1.001):
            assert first_failure(name).startswith("first order"), position


def test_checker_catches_a_second_derivative_wrong_by_a_thousandth() -> None:
    wrong = Primitive("wrong", np.square, lambda x: (x.shape, x.dtype))
    slope = Primitive("slope", lambda x: 2 * x, lambda x: (x.shape, x.dtype))
    wrong.vjps = (lambda g, y, x: g * core.apply(slope, x),)
    slope.vjps = (lambda g, y, x: g * 2.002,)
    with pytest.raises(AssertionError, match="second order"):
        check(lambda x: core.apply(wrong, x), [normal(3)])
    slope.vjps = (lambda g, y, x: g * 2.0,)
    check(lambda x: core.apply(wrong, x), [normal(3)])


def test_checker_catches_a_missing_gradient() -> None:
    missing = Primitive("missing", np.square, lambda x: (x.shape, x.dtype))
    with pytest.raises(AssertionError, match="first order: 0"):
        check(lambda x: core.apply(missing, x), [normal(3)])


def test_every_primitive_is_checked_or_has_no_gradient_for_a_reason() -> None:
    with_gradient = {name for name, primitive in PRIMITIVES.items() if has_gradient(primitive)}
    assert with_gradient - set(GROUPED) == set(), "a case is missing"
    assert set(GROUPED) - with_gradient == set(), "a case of a primitive without gradient"
    assert set(PRIMITIVES) - with_gradient == set(WITHOUT) - {"constant"}


def test_every_input_that_can_have_a_gradient_has_one() -> None:
    """An input of floating numbers without a gradient line stands in the list above."""
    missing = set()
    for entry in CASES:
        primitive = PRIMITIVES[entry.primitive]
        if primitive.variadic_vjp is None:
            missing |= {(entry.primitive, i) for i, array in enumerate(entry.inputs[:len(primitive.vjps or ())])
                        if differentiable(array) and primitive.vjp_of(i) is None}
    assert missing == SHAPE_ONLY


def test_case_contains_its_primitive() -> None:
    for entry in CASES:
        with core.recording(), np.errstate(all="ignore"):
            nodes = [core.leaf(array) for array in entry.inputs]
            pending, seen = outputs_of(entry.function(*nodes)), set()
            while pending:
                node = pending.pop()
                seen.add(node.primitive and node.primitive.name)
                pending.extend(node.inputs)
        assert entry.primitive in seen, ids(entry)


@pytest.mark.parametrize("name", sorted(name for name, reason in WITHOUT.items() if reason is CONSTANT and name not in ("one_hot", "segment_mean_weights")))
def test_what_has_no_gradient_is_constant_nearby(name: str) -> None:
    params = {"leaky_relu_slope": {"alpha": 0.2, "at_zero": 0.2}, "share_first": {"ties": "first", "least": False},
              "winners": {"axis": 0, "ties": "share"}}.get(name, {})
    x = np.array([[0.3, 2.6, -1.7], [1.4, -0.2, 3.3], [2.2, 0.7, 0.4]])
    arrays = {"winners": [x, x.max(0)], "det_sign": [x]}.get(name, [x, np.full((3, 3), 0.37)][:len(PRIMITIVES[name].vjps or (None,))])
    rng = np.random.default_rng(0)
    moves = [1e-6 * rng.normal(size=a.shape) for a in arrays]
    if name == "winners":
        moves[1] = np.take_along_axis(moves[0], x.argmax(0)[None], 0)[0]
    before, after = (PRIMITIVES[name].forward(*(a + s * m for a, m in zip(arrays, moves, strict=True)), **params) for s in (0, 1))
    np.testing.assert_array_equal(before, after)
