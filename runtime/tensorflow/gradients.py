"""tf.gradients with all its arguments, and what is built on it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import capture, core, ops
from ..core import IndexedSlices as CoreSlices
from ..core import Node
from ..oracle import Problem
from .graph import Graph, IndexedSlices, Operation, Tensor, convert, from_core, get_default_graph, name_scope, wrap
from .variables import Variable


class UnconnectedGradients:
    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def _flat(values: Any) -> list[Any]:
    if isinstance(values, (list, tuple)):
        return [item for value in values for item in _flat(value)]
    return [values]


def _tensor(value: Any) -> Tensor:
    """A y or an x. Operations are no tensors, None has no op."""
    if isinstance(value, Variable):
        return value._tensor
    if value is None:
        raise AttributeError("'NoneType' object has no attribute 'op'")
    if isinstance(value, Operation):
        raise TypeError(f"can't convert Operation '{value.name}' to Tensor")
    if isinstance(value, dict):
        raise TypeError("Expected any non-tensor type, but got a tensor instead.")
    return convert(value)


def _tensors(values: Any, nested: bool) -> list[Tensor]:
    items = list(values) if isinstance(values, (list, tuple)) else [values]
    if nested:
        items = _flat(items)
    elif any(isinstance(item, (list, tuple)) for item in items):
        raise TypeError("Expected any non-tensor type, but got a tensor instead.")
    return [_tensor(item) for item in items]


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: Any = False, gate_gradients: Any = False,
              aggregation_method: Any = None, stop_gradients: Any = None, unconnected_gradients: Any = "none", **ignored: Any) -> list[Any]:
    """The sum over ys of dy/dx for each x, a list like xs; None (or zeros) where no y depends on x.

    Raises the errors of tf.gradients: ValueError for lengths and unknown options, TypeError for dtypes, LookupError for
    operations without a gradient."""
    if aggregation_method not in (None, 0, 1, 2):
        raise ValueError(f"Invalid `aggregation_method` specified {aggregation_method}. Accepted values are [0, 1, 2].")
    if unconnected_gradients not in ("none", "zero"):
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")
    y_tensors, x_tensors = _tensors(ys, nested=True), _tensors(xs, nested=False)
    at = capture.site()
    if not y_tensors:
        return [None] if not isinstance(xs, (list, tuple)) else [None] * len(x_tensors)
    _same_graph(y_tensors, x_tensors)
    cotangents = _cotangents(y_tensors, grad_ys)
    stop = _tensors(stop_gradients, nested=True) if stop_gradients is not None else []
    live = [i for i, y in enumerate(y_tensors) if y.node.dtype.kind in "fc"]
    if y_tensors[0].dtype.name == "string":
        raise TypeError("Expected string, but got 1 of type 'int'.")
    with y_tensors[0].graph.as_default(), name_scope(name):
        later = [_later_reads(x) for x in (xs if isinstance(xs, (list, tuple)) else [xs])]
        found = core.gradients([y_tensors[i].node for i in live], [x.node for x in x_tensors] + [node for nodes in later for node in nodes],
                               [cotangents[i] for i in live], stop=[t.node for t in stop] + [n for t in _flat(stop_gradients) for n in _later_reads(t)],
                               unregistered=_unregistered) if live else [None] * len(x_tensors)
        if live and any(later):
            found = _with_later_reads(found, later)
        made: dict[int, Any] = {}
        results = [_result(x, g, unconnected_gradients, made) for x, g in zip(x_tensors, found, strict=True)]
    if at is not None:
        capture.declare(y_tensors[0].graph, at, [_recorded(r) for r in results], Problem([y.node for y in y_tensors], [x.node for x in x_tensors],
                                                                                         cotangents, [t.node for t in stop]))
    return results


def _later_reads(value: Any) -> list[Node]:
    return value.later_reads if isinstance(value, Variable) else []


def _with_later_reads(found: list[Any], later: list[list[Node]]) -> list[Any]:
    """The gradients of xs, each with those of the nodes that read the same variable under control dependencies."""
    rest = iter(found[len(later):])
    summed = []
    for gradient, nodes in zip(found, later, strict=False):
        parts = [part for part in (gradient, *(next(rest) for _ in nodes)) if part is not None]
        summed.append(core.accumulate(parts, keep_sparse=True) if parts else None)
    return summed


def _recorded(result: Any) -> Any:
    """What verify records of a gradient: its node; for rows their dense form, and the nodes that a run must have reached for it."""
    if result is None or not isinstance(result, IndexedSlices):
        return None if result is None else result.node
    return result._core and (ops.indexing.densify(result._core), (result.values.node, result.indices.node))


def _same_graph(ys: list[Tensor], xs: list[Tensor]) -> None:
    for x in xs:
        if x.graph is not ys[0].graph:
            raise ValueError(f"{x} must be from the same graph as {ys[0]} (graphs are {x.graph} and {ys[0].graph}).")


def _cotangents(ys: list[Tensor], grad_ys: Any) -> list[Any]:
    if grad_ys is None:
        given: list[Any] = [None] * len(ys)
    elif isinstance(grad_ys, (list, tuple)):
        given = _flat(grad_ys) if any(isinstance(g, (Tensor, Variable)) for g in _flat(grad_ys)) else list(grad_ys)
    else:
        given = [grad_ys]
    if len(given) != len(ys):
        raise ValueError(f"Length mismatch. Passed {len(given)} grad_ys for {len(ys)} ys")
    return [_cotangent(y, g) for y, g in zip(ys, given, strict=True)]


def _cotangent(y: Tensor, given: Any) -> Any:
    if given is None:
        if y.dtype.is_complex:
            raise TypeError(f"Gradients of complex tensors ({y}) must set grad_ys (y.dtype = {y.dtype.name})")
        return None
    if isinstance(given, IndexedSlices):
        return ops.indexing.densify(given.as_core())
    tensor = convert(given)
    if y.dtype.is_floating and tensor.dtype != y.dtype or y.dtype.is_complex and not tensor.dtype.is_complex:
        raise TypeError(f"Input 'y' of 'Mul' Op has type {y.dtype.name} that does not match type {tensor.dtype.name} of argument 'x'."
                        if not y.dtype.is_complex else f"Gradient type {tensor.dtype.name} generated for complex tensor {y}")
    _check_size(y, tensor)
    return tensor.node


def _check_size(y: Tensor, g: Tensor) -> None:
    """A cotangent may be smaller than its y and broadcast, but not larger."""
    a, b = y.node.shape, g.node.shape
    if a is None or b is None or None in a or None in b:
        return
    if len(b) > len(a):
        raise ValueError(f"Incompatible shapes between op input and calculated input gradient. Forward operation: {y.op.type}. Input index: 0. "
                         f"Original input shape: {y.shape}. Calculated input gradient shape: {g.shape}")
    for m, n in zip(a[len(a) - len(b):], b, strict=True):
        if m != n and n != 1:
            raise ValueError(f"Dimensions must be equal, but are {n} and {m} for '{{{{node gradients/{y.op.name}_grad/Mul}}}} = Mul"
                             f"[T=DT_FLOAT](gradients/grad_ys_0, {y.op.name})'")


def _unregistered(node: Node) -> Exception:
    assert node.primitive is not None
    kind = "".join(word.capitalize() for word in node.primitive.name.split("_"))
    tensor = get_default_graph().tensors.get(id(node))
    name = tensor.op.name if tensor is not None else kind
    return LookupError(f"No gradient defined for operation'{name}' (op type: {kind}). In general every operation must have an associated "
                       "`@tf.RegisterGradient` for correct autodiff.")


def _result(x: Tensor, found: Any, unconnected: str, made: dict[int, Any]) -> Any:
    """The tensor, IndexedSlices, zeros or None for one x; the same object for the same x."""
    if id(x) in made:
        return made[id(x)]
    if found is None or x.node.dtype.kind not in "fc":
        result: Any = wrap(ops.zeros_like(x.node), "zeros_like") if unconnected == "zero" else None
    elif isinstance(found, CoreSlices):
        result = from_core(found)
    else:
        primitive = found.primitive
        result = wrap(found, f"{primitive.name}_grad/{primitive.name}" if primitive is not None else "grad")
    made[id(x)] = result
    return result


def hessians(ys: Any, xs: Any, name: str = "hessians", **options: Any) -> list[Tensor]:
    """Second derivatives of the summed ys, one tensor of shape x.shape + x.shape per x.

    Raises ValueError "None values not supported." where there is no second derivative."""
    items = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    at = capture.site()
    result = []
    for x, first in zip(items, capture.unseen(gradients, ys, items), strict=True):
        if first is None:
            raise ValueError("None values not supported.")
        tensor = _tensor(x)
        flat = ops.reshape(convert(first).node, (-1,))
        size = flat.shape[0] if flat.shape else None
        if size is None:
            raise NotImplementedError("tensorflow.hessians of a shape that only a run can tell is not in mapper's runtime")
        rows = []
        for index in range(size):
            row = core.gradients([ops.take_index(flat, index, 0)], [tensor.node])[0]
            if row is None:
                raise ValueError("None values not supported.")
            rows.append(core.densify(row))
        shape = [int(n or 0) for n in tensor.node.shape or ()]
        stacked = ops.reshape(ops.stack([r for r in rows if r is not None]), shape + shape)
        result.append(wrap(stacked, name))
    if at is not None:
        summed = [t.node for t in _tensors(ys, nested=True)]
        capture.declare(get_default_graph(), at, [r.node for r in result], Problem(summed, [_tensor(x).node for x in items], [None] * len(summed), order=2))
    return result


# ---------------------------------------------------------------------------------------------------------- custom gradients

def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """f(*args) gives (result, grad_fn); derivatives of the result are grad_fn(*cotangents)."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        arguments = [convert(a) for a in args]
        result, grad_fn = f(*arguments, **kwargs)
        many = isinstance(result, (list, tuple))
        results = [convert(r) for r in (result if many else [result])]

        def backward(*cotangents: Node) -> list[Node | None]:
            given = grad_fn(*(wrap(c, "grad") for c in cotangents))
            given = list(given) if isinstance(given, (list, tuple)) else [given]
            if len(given) != len(arguments):
                raise ValueError(f'Num gradients {len(given)} generated for op name: "IdentityN" do not match num inputs {len(arguments)}')
            return [None if g is None else convert(g).node for g in given]

        outs = ops.custom([r.node for r in results], [a.node for a in arguments], backward)
        tensors = [wrap(o, "IdentityN") for o in outs]
        return type(result)(tensors) if many else tensors[0]

    wrapped.__name__ = getattr(f, "__name__", "wrapped")
    wrapped.__doc__ = f.__doc__
    return wrapped


_registry: dict[str, Callable[..., Any]] = {}


class RegisterGradient:
    """Decorator: the gradient function of operations overridden to this name."""

    def __init__(self, op_type: str) -> None:
        self.op_type = op_type

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        if self.op_type in _registry:
            raise KeyError(f"Registering two gradient with name '{self.op_type}'! (Previous registration was in register)")
        _registry[self.op_type] = f
        return f


def NoGradient(op_type: str) -> None:  # noqa: N802 (TensorFlow's name)
    _registry[op_type] = lambda op, *grads: None


def overridden(graph: Graph, kind: str, node: Node) -> Node:
    """The node with the gradient that an open gradient_override_map gives its operation type."""
    name = graph.gradient_overrides.get(kind)
    if name is None:
        return node

    def backward(*cotangents: Node) -> list[Node | None]:
        if name not in _registry:
            raise LookupError(f"No gradient defined for operation '{kind}' (op type: {name}).")
        operation = _Override(node, graph)
        given = _registry[name](operation, *(wrap(c, "grad") for c in cotangents))
        given = list(given) if isinstance(given, (list, tuple)) else [given]
        return [None if g is None else convert(g).node for g in given]

    return ops.custom([node], list(node.inputs), backward)[0]


class _Override:
    """The `op` that a registered gradient function receives."""

    def __init__(self, node: Node, graph: Graph) -> None:
        self.inputs = [graph.tensors[id(n)] if id(n) in graph.tensors else wrap(n, "input") for n in node.inputs]
        self.outputs = [wrap(node, "output")]


