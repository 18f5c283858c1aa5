"""Nodes as steps on arrays whose shapes are known: what a compiled plan consists of.

On the way constants are folded, equal pure operations merged, values that are only spread out over a shape kept small, and
compound elementwise operations taken apart into NumPy's functions. Every rewriting gives the same bits as the primitives."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .core import CONSTANT, PICK, Array, Node, Primitive
from .ops.random import DRAW
from .ops.shape import sum_axes
from .ops.state import PLACEHOLDER, READ, UPDATE

FOLD_BYTES = 1 << 16          # what is larger is computed in every run, not held for ever

# Primitives whose shape and dtype follow from the shapes and dtypes of what they are given, never from values.
_STABLE = frozenset("""
    negative add subtract multiply divide reciprocal square squared_difference floor_divide floormod truncatediv truncatemod divide_no_nan
    power power_unguarded power_fixed add_n exp expm1 log log1p sqrt rsqrt sqrt_zero_safe rsqrt_zero_safe sigmoid softplus softsign
    log_sigmoid sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh arctan2 erf erfc erfinv polygamma digamma lgamma xdivy
    xlogy absolute absolute_complex sign floor ceil rint trunc relu step relu6 leaky_relu_slope leaky_relu elu selu equal not_equal less
    less_equal greater greater_equal logical_and logical_or logical_xor logical_not isnan isinf isfinite where share_first maximum minimum
    ones_like zeros_like cast cast_through conj full_like matmul einsum reduce_sum reduce_mean reduce_any reduce_all reduce_prod reduce_max
    reduce_min reduce_logsumexp product_of_others winners argmax argmin cumsum cumprod cumprod_quotient conv2d conv2d_input conv2d_filter
    max_pool_positions put_flat avg_pool avg_pool_back softmax log_softmax softmax_cross_entropy concat stack put_index gather gather_back
    gather_nd gather_nd_back one_hot unpad pad untile tile scatter_into take_along take_along_back take_flat unmask getitem_back
    identity stop_gradient fresh sum_like broadcast_like spread_like reshape_like reshape expand_dims squeeze transpose concat_part take_index
    split pick""".split())
# Of those, the ones whose result may be a view of what they are given, or that itself.
_VIEWS = frozenset("""identity stop_gradient fresh sum_like broadcast_like spread_like reshape_like reshape expand_dims squeeze transpose
    concat_part take_index split pick unpad untile einsum add_n""".split())
_SAME = frozenset(("identity", "stop_gradient", "fresh"))
_SIZE = {"shape_of", "size_of", "rank_of"}


@dataclass(frozen=True)
class Layout:
    """What an array is like: its shape, dtype and strides."""

    shape: tuple[int, ...]
    dtype: Any
    strides: tuple[int, ...]


@dataclass(eq=False)
class Value:
    """What a step makes. `layout` is None unless every run that passes the guards has it; `roots` are the values whose memory it
    may lie in; `thin` is a smaller value that this one is when it is spread out."""

    layout: Layout | None = None
    source: Any = None                   # where it comes from, when no step makes it: a node that is fed or read
    constant: Array | None = None
    step: Step | None = None
    thin: Value | None = None
    spread: bool = False                 # the primitives give a view of the thin value
    whole: dict[bool, Value] = field(default_factory=dict)
    stable: bool = False                 # several arrays whose layouts are those that were seen
    roots: frozenset[Value] = frozenset()


@dataclass(eq=False)
class Step:
    """One call. `kind` is "ufunc" (also matmul), "cast", "where" or "copy", which can write into a given array; "call", an
    expression in `text` with the inputs as {0}, {1} …; or "node", which the evaluator executes with its effects."""

    kind: str
    function: Any
    inputs: tuple[Value, ...]
    output: Value
    late: bool
    elementwise: bool = False
    text: str = ""
    constants: tuple[Any, ...] = ()


@dataclass
class Draft:
    """Steps in an order that can run, and what has been said before."""

    steps: list[Step] = field(default_factory=list)
    known: dict[Any, Value] = field(default_factory=dict)
    late: bool = False


def lower(early: Sequence[Node], late: Sequence[Node], fed: Sequence[Node], fetches: Sequence[Node], layouts: dict[int, Layout | None],
          execute: Callable[..., Any]) -> tuple[Draft, list[Value], list[Value], list[Value]]:
    """(the steps, the values that are fed, those that are read from variables, the fetches).

    `layouts` tells for the id of each node what a run made of it; `execute(node, arrays)` computes a pure node."""
    draft = Draft()
    values: dict[int, Value] = {}
    given = {id(node) for node in fed}
    sources = [_outside(node, layouts[id(node)]) for node in fed]
    values.update(zip(map(id, fed), sources, strict=True))
    reads: list[Value] = []
    for nodes, draft.late in ((early, False), (late, True)):
        for node in nodes:
            if id(node) in given:
                continue
            if node.primitive is READ and not node.control:
                key = ("read", node.params["key"])
                if key not in draft.known:
                    draft.known[key] = _outside(node, layouts[id(node)])
                    reads.append(draft.known[key])
                values[id(node)] = draft.known[key]
                continue
            values[id(node)] = _lowered(draft, node, [values[id(source)] for source in node.inputs], layouts[id(node)], execute)
    return draft, sources, reads, _fetched(draft, fetches, values, given)


def _outside(node: Node, layout: Layout | None) -> Value:
    value = Value(layout, source=node)
    value.roots = frozenset((value,))
    return value


def _fetched(draft: Draft, fetches: Sequence[Node], values: dict[int, Value], given: set[int]) -> list[Value]:
    """The values of the fetches, each in memory of its own where the primitives would have made it so."""
    owner: dict[Value, Node] = {}
    result = []
    for node in fetches:
        while id(node) not in given and node.primitive is not None and node.primitive.name in _SAME:
            node = node.inputs[0]
        value = whole(draft, values[id(node)], dense=True)
        outside = value.step is None and not (id(node) in given or node.primitive is READ)
        if owner.setdefault(value, node) is not node or outside:
            value = _call(draft, "{0}.copy()", (), (value,), value.layout)
        result.append(value)
    return result


# ------------------------------------------------------------------------------------------------------------ making values

def _constant(draft: Draft, array: Array) -> Value:
    key = None
    if array.nbytes <= FOLD_BYTES and array.dtype.kind != "O":
        key = ("constant", array.dtype, array.shape, array.tobytes())
        if key in draft.known:
            return draft.known[key]
    value = Value(Layout(array.shape, array.dtype, array.strides), constant=array)
    value.roots = frozenset((value,))
    if key is not None:
        draft.known[key] = value
    return value


def _folded(draft: Draft, result: Any, dtype: Any = None) -> Value:
    """A constant that nobody can write into: a fetch of it gets a copy."""
    array = np.array(result, dtype)
    array.flags.writeable = False
    return _constant(draft, array)


def _scalar(draft: Draft, number: float, dtype: Any) -> Value:
    return _folded(draft, number, dtype)


def _made(draft: Draft, kind: str, function: Any, inputs: Sequence[Value], layout: Layout | None, *, elementwise: bool = False, text: str = "",
          constants: tuple[Any, ...] = (), views: bool = False) -> Value:
    value = Value(layout)
    value.roots = frozenset((value,)).union(*(source.roots for source in inputs)) if views else frozenset((value,))
    value.step = Step(kind, function, tuple(inputs), value, draft.late, elementwise, text, constants)
    draft.steps.append(value.step)
    return value


def _call(draft: Draft, text: str, constants: tuple[Any, ...], inputs: Sequence[Value], layout: Layout | None, views: bool = False) -> Value:
    return _made(draft, "call", None, inputs, layout, text=text, constants=constants, views=views)


def _dense(layout: Layout) -> bool:
    """Whether the elements fill a piece of memory, in whatever order of the axes."""
    size = layout.dtype.itemsize
    for stride, n in sorted(zip(layout.strides, layout.shape, strict=True)):
        if n != 1 and stride != size:
            return False
        size *= n
    return bool(size)


def _c_strides(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    strides, size = [], dtype.itemsize
    for n in reversed(shape):
        strides.append(size)
        size *= max(n, 1)
    return tuple(reversed(strides))


def plain(shape: tuple[int, ...], dtype: Any) -> Layout:
    return Layout(shape, dtype, _c_strides(shape, dtype))


def _spread(draft: Draft, thin: Value, shape: tuple[int, ...], view: bool = False) -> Value:
    """`thin` spread out over a shape, when somebody asks for all of it: as a `view`, if that is what the primitives make of it."""
    if thin.layout is not None and thin.layout.shape == shape:
        return thin
    thin = thin.thin or thin
    layout = thin.layout
    assert layout is not None
    if all(n == 1 for n in layout.shape):
        thin = _reshaped(draft, thin, ())
    key = ("spread", thin, shape, view)
    if key not in draft.known:
        draft.known[key] = Value(plain(shape, layout.dtype), thin=thin, spread=view)
    return draft.known[key]


def whole(draft: Draft, value: Value, dense: bool = False) -> Value:
    """The value as an array of its full shape; `dense` when a view that repeats elements will not do."""
    if value.thin is None:
        return value
    view = value.spread and not dense
    if view not in value.whole:
        layout, thin = value.layout, value.thin
        assert layout is not None
        if thin.constant is not None and (view or math.prod(layout.shape) * layout.dtype.itemsize <= FOLD_BYTES):
            array = np.broadcast_to(thin.constant, layout.shape)
            made = Value(layout, constant=array if view else array.copy())
            if made.constant is not None:
                made.constant.flags.writeable = False
            made.roots = frozenset((made,))
        elif view:
            made = _call(draft, "{c0}({0}, {c1})", (np.broadcast_to, layout.shape), (thin,), layout, views=True)
        else:
            made = _made(draft, "copy", None, (thin,), layout, elementwise=True)
        value.whole[view] = made
    return value.whole[view]


def _reshaped(draft: Draft, value: Value, shape: tuple[int, ...]) -> Value:
    layout = value.layout
    assert layout is not None
    if layout.shape == shape:
        return value
    if value.thin is not None and value.thin.layout is not None and not value.thin.layout.shape:
        return _spread(draft, value.thin, shape)
    if value.constant is not None:
        return _folded(draft, value.constant.reshape(shape))
    source = whole(draft, value)
    key = ("reshape", source, shape)
    if key not in draft.known:
        # Strides matter only for what a step writes; nothing writes into a view.
        draft.known[key] = _call(draft, "{0}.reshape({c0})", (shape,), (source,), plain(shape, layout.dtype), views=True)
    return draft.known[key]


_ADD: Any = np.add.reduce
_DUMMIES: dict[Any, bool] = {}


def _gives(function: Any, values: Sequence[Value], dtype: Any) -> bool:
    """Whether a ufunc on these gives the dtype: 0-d arrays count less than others in NumPy 1."""
    kinds = tuple((v.layout.dtype, bool(v.layout.shape)) for v in values if v.layout is not None)
    key = (function, kinds, dtype)
    if key not in _DUMMIES:
        try:
            _DUMMIES[key] = function(*(np.ones(1 if array else (), d) for d, array in kinds)).dtype == dtype
        except TypeError:
            _DUMMIES[key] = False
    return _DUMMIES[key]


_COMMUTES = frozenset((np.add, np.multiply))


def elementwise(draft: Draft, function: Any, inputs: Sequence[Value], dtype: Any, layout: Layout | None = None) -> Value | None:
    """A ufunc (or "where", "cast") on values with layouts; None when it would not give this dtype.

    `layout` is the layout of the result where it is known; what is only spread out enters in its thin form."""
    shape = np.broadcast_shapes(*(v.layout.shape for v in inputs if v.layout is not None))
    operands = [v.thin or v for v in inputs]
    small = np.broadcast_shapes(*(v.layout.shape for v in operands if v.layout is not None))
    if isinstance(function, np.ufunc):
        if not _gives(function, operands, dtype):
            return None
        same = _unchanged(function, operands, dtype, small)
        if same is not None:
            return _spread(draft, same, shape)
    if all(v.constant is not None for v in operands) and math.prod(small) * dtype.itemsize <= FOLD_BYTES:
        arrays = [v.constant for v in operands]
        with np.errstate(all="ignore"):
            return _spread(draft, _folded(draft, arrays[0] if function == "cast" else np.where(*arrays) if function == "where"  # type: ignore[arg-type]
                                          else function(*arrays), dtype), shape)
    key = (function, dtype, *(sorted(operands, key=id) if function in _COMMUTES else operands))
    if key not in draft.known:
        if layout is None or layout.shape != shape or small != shape or not _dense(layout):
            layout = plain(small, dtype)
        elif layout.dtype != dtype:
            layout = Layout(shape, dtype, tuple(n // layout.dtype.itemsize * dtype.itemsize for n in layout.strides))
        kind = "ufunc" if isinstance(function, np.ufunc) else function
        draft.known[key] = _made(draft, kind, function, operands, layout, elementwise=True)
    return _spread(draft, draft.known[key], shape)


def _unchanged(function: Any, operands: Sequence[Value], dtype: Any, shape: tuple[int, ...]) -> Value | None:
    """The operand that is the result to the bit: x * 1, x / 1, x - 0, -(-x)."""
    if function is np.multiply or function is np.true_divide:
        pairs = [(operands[0], operands[1])] + ([(operands[1], operands[0])] if function is np.multiply else [])
        for x, other in pairs:
            if other.constant is not None and other.constant.size == 1 and other.constant.item() == 1 and _is(x, dtype, shape):
                return x
    if function is np.subtract:
        x, other = operands
        if other.constant is not None and other.constant.size == 1 and other.constant.item() == 0 and not np.signbit(other.constant.real).any() \
                and dtype.kind in "fiu" and _is(x, dtype, shape):
            return x
    if function is np.negative and operands[0].step is not None and operands[0].step.function is np.negative:
        return operands[0].step.inputs[0]
    return None


def _is(value: Value, dtype: Any, shape: tuple[int, ...]) -> bool:
    return value.layout is not None and value.layout.dtype == dtype and value.layout.shape == shape


# --------------------------------------------------------------------------------------------------- one node after the other

def _lowered(draft: Draft, node: Node, inputs: list[Value], layout: Layout | None, execute: Callable[..., Any]) -> Value:
    primitive = node.primitive
    if primitive is None:
        return _constant(draft, node.value)
    if primitive is CONSTANT:
        return _constant(draft, node.params["value"])
    if primitive is PLACEHOLDER and node.params["default"] is not None:
        return _constant(draft, node.params["default"])
    if not primitive.pure or primitive.name in ("call", "custom"):
        arrays = [whole(draft, value) for value in inputs]
        known = layout if primitive is DRAW and node.params.get("shape") is not None else None
        return _made(draft, "node", node, arrays, known, views=primitive not in (UPDATE, DRAW))
    if primitive.name in _SAME:
        return inputs[0]
    params = _frozen(node.params)
    # A layout was seen in one run; it holds in every run when shapes decide it.
    fixed = inputs[0].stable if primitive is PICK else primitive.name in _STABLE and all(v.layout is not None for v in inputs)
    known = layout if fixed else None
    if params is None:
        return _generic(draft, node, primitive, inputs, known)
    key = (primitive, params, *inputs)
    if key not in draft.known:
        draft.known[key] = _folding(draft, node, primitive, inputs, execute) or (_fast(draft, node, primitive, inputs, known) if known else None) \
            or _generic(draft, node, primitive, inputs, known)
    return draft.known[key]


def _folding(draft: Draft, node: Node, primitive: Primitive, inputs: list[Value], execute: Callable[..., Any]) -> Value | None:
    if primitive.outputs != 1 or any(v.layout is None for v in inputs):
        return None
    if primitive.name in _SIZE:
        shape = inputs[0].layout.shape                       # type: ignore[union-attr]
        return _folded(draft, execute(node, [np.broadcast_to(np.zeros((), np.int8), shape)]))
    if not inputs or any((v.thin or v).constant is None for v in inputs):
        return None
    size = sum(math.prod(v.layout.shape) * v.layout.dtype.itemsize for v in inputs)         # type: ignore[union-attr]
    if size > FOLD_BYTES:
        return None
    with np.errstate(all="ignore"):
        try:
            result = execute(node, [whole(draft, v).constant for v in inputs])
        except (IndexError, ValueError, np.linalg.LinAlgError):
            return None                                      # the run says so, when it comes to it
    return _folded(draft, result) if type(result) is np.ndarray and result.nbytes <= FOLD_BYTES else None


def _generic(draft: Draft, node: Node, primitive: Primitive, inputs: list[Value], layout: Layout | None) -> Value:
    arrays = [whole(draft, value) for value in inputs]
    if primitive is PICK:
        return _call(draft, "{0}[{c0}]", (node.params["index"],), arrays, layout, views=True)
    text = "{c0}(" + ", ".join(f"{{{i}}}" for i in range(len(arrays))) + ")"
    function = _bound(primitive.forward, node.params)
    constants: tuple[Any, ...]
    if layout is None or not layout.shape:
        text, constants = "{c1}(" + text + ", {c2})", (function, as_array, node.dtype)
    else:
        constants = (function,)
    made = _call(draft, text, constants, arrays, layout, views=primitive.name in _VIEWS or primitive.name not in _STABLE)
    made.stable = primitive.outputs != 1 and primitive.name in _STABLE and all(v.layout is not None for v in inputs)
    return made


def as_array(value: Any, dtype: Any) -> Any:
    """What a primitive's forward gave, as the evaluator hands it on: NumPy's scalars become arrays of the node's dtype."""
    if type(value) is np.ndarray or type(value) is tuple:
        return value
    result = np.asarray(value)
    return result if dtype is None or result.dtype == dtype else result.astype(dtype)


def _bound(function: Callable[..., Any], params: dict[str, Any]) -> Callable[..., Any]:
    if not params:
        return function
    return lambda *arrays: function(*arrays, **params)


def _fast(draft: Draft, node: Node, primitive: Primitive, inputs: list[Value], layout: Layout) -> Value | None:
    """A node by NumPy's own functions, where this module knows how."""
    name = primitive.name
    if primitive.ufunc is not None:
        return elementwise(draft, primitive.ufunc, inputs, layout.dtype, layout) if layout.dtype.kind in "fiubc" else None
    rule = _RULES.get(name)
    return rule(draft, node, inputs, layout) if rule is not None else None


def _fixed_shape(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    return _reshaped(draft, inputs[0], layout.shape)


def _sum_like(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    x = inputs[0]
    assert x.layout is not None
    if x.layout.shape == layout.shape:
        return x
    axes = sum_axes(x.layout.shape, layout.shape)
    if axes is None:
        return None
    return _reshaped(draft, _summed(draft, whole(draft, x), axes, True), layout.shape)


def _summed(draft: Draft, x: Value, axis: Any, keepdims: bool) -> Value:
    assert x.layout is not None
    axes = range(len(x.layout.shape)) if axis is None else [a % len(x.layout.shape) for a in ((axis,) if isinstance(axis, int) else axis)]
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.layout.shape) if keepdims or i not in axes)
    key = ("sum", x, axis, keepdims)
    if key not in draft.known:
        text = "{c0}({0}, {c1}, {c2}, None, {c3})"
        draft.known[key] = _call(draft, text if shape else "{c4}(" + text + ")", (_ADD, axis, x.layout.dtype, keepdims, np.asarray), (x,),
                                 plain(shape, x.layout.dtype))
    return draft.known[key]


def _reduce_sum(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    return _summed(draft, whole(draft, inputs[0]), node.params["axis"], node.params["keepdims"]) if layout.dtype.kind == "f" else None


def _reduce_mean(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    x = whole(draft, inputs[0])
    assert x.layout is not None
    size, out = (math.prod(shape) for shape in (x.layout.shape, layout.shape))
    if layout.dtype.kind != "f" or not size:
        return None
    return _call(draft, "{c0}({0}, {c1}, {c2}, {c3})", (_mean, node.params["axis"], node.params["keepdims"], np.intp(size // out)), (x,), layout)


def _mean(x: Array, axis: Any, keepdims: bool, count: Any) -> Any:
    """What np.mean does, without what it asks first."""
    total = _ADD(x, axis, x.dtype, None, keepdims)
    if isinstance(total, np.ndarray):
        return np.true_divide(total, count, total, casting="unsafe")
    return np.asarray(x.dtype.type(total / count))


def _spread_like(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    axis = node.params["axis"]
    rank = len(layout.shape)
    axes = range(rank) if axis is None else [a % rank for a in ((axis,) if isinstance(axis, (int, np.integer)) else axis)]
    kept = tuple(1 if i in axes else n for i, n in enumerate(layout.shape))
    return _spread(draft, _reshaped(draft, inputs[0], kept), layout.shape, view=True)


def _broadcast_like(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    return _spread(draft, inputs[0], layout.shape, view=True)


def _full_like(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    number = node.params["value"]
    return _spread(draft, _scalar(draft, number, layout.dtype), layout.shape) if isinstance(number, (int, float)) else None


def _matmul(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    if layout.dtype.kind not in "fc":
        return None
    whole_ones = [whole(draft, x, dense=True) for x in inputs]
    turned = [_turned(draft, x) if node.params[f"transpose_{which}"] else x for x, which in zip(whole_ones, "ab", strict=True)]
    return _made(draft, "ufunc", np.matmul, turned, plain(layout.shape, layout.dtype)) if _gives_matrix(turned, layout.dtype) else None


def _gives_matrix(values: Sequence[Value], dtype: Any) -> bool:
    return all(v.layout is not None and v.layout.dtype == dtype for v in values)


def _turned(draft: Draft, x: Value) -> Value:
    assert x.layout is not None
    shape = (*x.layout.shape[:-2], x.layout.shape[-1], x.layout.shape[-2])
    return _call(draft, "{0}.T" if len(shape) == 2 else "{0}.swapaxes(-1, -2)", (), (x,), plain(shape, x.layout.dtype), views=True)


def _transpose(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    return _call(draft, "{0}.transpose({c0})", (node.params["perm"],), (whole(draft, inputs[0]),), layout, views=True)


def _cast(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    x = inputs[0]
    assert x.layout is not None
    return elementwise(draft, "cast", [x], layout.dtype, layout) if layout.dtype.kind + x.layout.dtype.kind in ("ff", "fb", "fi", "fu") else None


def _where(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    dtypes = [v.layout.dtype for v in inputs if v.layout is not None]
    return elementwise(draft, "where", inputs, layout.dtype, layout) if dtypes == [np.dtype(bool), layout.dtype, layout.dtype] else None


def _add_n(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
    total: Value | None = inputs[0]
    for x in inputs[1:]:
        assert total is not None
        total = elementwise(draft, np.add, [total, x], layout.dtype, layout)
        if total is None:
            return None
    return total


def _real(formula: Callable[..., Value | None]) -> Callable[..., Value | None]:
    """A rule for floating arrays: `formula(f, x, …)`, where f(ufunc, …) takes values and numbers."""
    def rule(draft: Draft, node: Node, inputs: list[Value], layout: Layout) -> Value | None:
        dtypes = {v.layout.dtype for v in inputs if v.layout is not None}
        if dtypes != {layout.dtype} or layout.dtype.kind != "f":
            return None

        def f(function: Any, *operands: Any) -> Value:
            made = elementwise(draft, function, [o if isinstance(o, Value) else _scalar(draft, o, layout.dtype) for o in operands],
                               np.dtype(bool) if function is np.greater else layout.dtype, layout)
            assert made is not None                # floating arrays of one dtype give that dtype
            return made

        return formula(f, *inputs)

    return rule


_RULES: dict[str, Callable[[Draft, Node, list[Value], Layout], Value | None]] = {
    "reshape": _fixed_shape, "reshape_like": _fixed_shape, "expand_dims": _fixed_shape, "squeeze": _fixed_shape, "sum_like": _sum_like,
    "reduce_sum": _reduce_sum, "reduce_mean": _reduce_mean, "spread_like": _spread_like, "broadcast_like": _broadcast_like,
    "full_like": _full_like, "matmul": _matmul, "transpose": _transpose, "cast": _cast, "cast_through": _cast, "where": _where, "add_n": _add_n,
    "ones_like": lambda draft, node, inputs, layout: _spread(draft, _scalar(draft, 1, layout.dtype), layout.shape),
    "zeros_like": lambda draft, node, inputs, layout: _spread(draft, _scalar(draft, 0, layout.dtype), layout.shape),
    "reciprocal": _real(lambda f, x: f(np.true_divide, 1, x)),
    "rsqrt": _real(lambda f, x: f(np.true_divide, 1, f(np.sqrt, x))),
    "rsqrt_zero_safe": _real(lambda f, x: f(np.true_divide, 1, f(np.sqrt, x))),
    "squared_difference": _real(lambda f, a, b: f(np.square, f(np.subtract, a, b))),
    "sigmoid": _real(lambda f, x: f(np.add, f(np.multiply, f(np.tanh, f(np.multiply, x, 0.5)), 0.5), 0.5)),
    "softplus": _real(lambda f, x: f(np.logaddexp, x, 0)),
    "log_sigmoid": _real(lambda f, x: f(np.negative, f(np.logaddexp, f(np.negative, x), 0))),
    "softsign": _real(lambda f, x: f(np.true_divide, x, f(np.add, 1, f(np.absolute, x)))),
    "relu": _real(lambda f, x: f(np.maximum, x, 0)),
    "step": _real(lambda f, x: f("cast", f(np.greater, x, 0))),
    "maximum": _real(lambda f, a, b: f(np.maximum, a, b)),
    "minimum": _real(lambda f, a, b: f(np.minimum, a, b)),
    "power": _real(lambda f, a, b: f(np.power, a, b)),
    "power_unguarded": _real(lambda f, a, b: f(np.power, a, b)),
}


# ------------------------------------------------------------------------------------------------------- parameters as keys

class _NotComparable(Exception):
    pass


def _frozen(params: dict[str, Any]) -> Any:
    """Parameters as a key that tells 0.0 from -0.0 and 1 from True; None when they hold what can change or what is code."""
    try:
        return tuple((name, _key(value)) for name, value in params.items())
    except _NotComparable:
        return None


def _key(value: Any) -> Any:
    if isinstance(value, float):
        return "float", value.hex()
    if value is None or isinstance(value, (bool, int, str, bytes)) or value is Ellipsis:
        return type(value), value
    if isinstance(value, (np.dtype, type)):
        return "dtype", value
    if isinstance(value, (tuple, list)):
        return type(value), tuple(_key(item) for item in value)
    if isinstance(value, slice):
        return "slice", _key(value.start), _key(value.stop), _key(value.step)
    if isinstance(value, (np.ndarray, np.generic)) and value.nbytes <= FOLD_BYTES and value.dtype.kind != "O":
        return value.dtype, value.shape, value.tobytes()
    raise _NotComparable
