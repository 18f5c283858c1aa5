"""The engine: nodes, the graph they form, and reverse-mode gradients over it.

A `Node` is a primitive applied to nodes. When every input carries a value the primitive runs at once (the MindSpore face, loop
bodies); otherwise the node is symbolic and an evaluator runs it later (the TensorFlow face). The gradient of a primitive is
written with primitives, so the gradient of a gradient needs nothing more, in either mode.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple, Union

import numpy as np

Array = np.ndarray[Any, Any]
Shape = Union[tuple[Union[int, None], ...], None]     # None stands for an unknown dimension, or for an unknown rank
Vjp = Callable[..., "Cotangent"]

_serials = count()
_recording = 0


class Primitive:
    """An operation with its NumPy forward, its shape rule and its gradient.

    `forward(*arrays, **params)` returns an array (a tuple of arrays when `outputs` > 1, None meaning "as many as params say").
    `infer(*nodes, **params)` returns (shape, dtype), or a list of them. `vjps` holds one function per input, or None for an
    input that has no derivative; `vjp_of(i)` generalises to primitives of any number of inputs. `pure` is False when two runs
    may differ (random numbers, state)."""

    __slots__ = ("name", "forward", "infer", "vjps", "variadic_vjp", "outputs", "pure", "unregistered", "ufunc")

    def __init__(self, name: str, forward: Callable[..., Any], infer: Callable[..., Any], outputs: int = 1, pure: bool = True,
                 ufunc: Any = None) -> None:
        self.name, self.forward, self.infer = name, forward, infer
        self.outputs, self.pure, self.ufunc = outputs, pure, ufunc
        self.vjps: tuple[Vjp | None, ...] | None = None
        self.variadic_vjp: Callable[..., Vjp | None] | None = None
        self.unregistered = False         # TensorFlow raises LookupError when a gradient meets such an operation

    def vjp_of(self, position: int) -> Vjp | None:
        """The gradient line of the input at `position`, or None."""
        if self.variadic_vjp is not None:
            return self.variadic_vjp(position)
        if self.vjps is None:
            return None
        return self.vjps[position]

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


class Node:
    """A primitive applied to inputs. `value` is None while symbolic; `serial` grows, so it is a topological order.

    `control` lists nodes that must run before this one; `params` are static. Leaves have primitive None."""

    __slots__ = ("primitive", "inputs", "params", "shape", "dtype", "value", "serial", "control", "tag", "__weakref__")

    def __init__(self, primitive: Primitive | None, inputs: tuple[Node, ...], params: dict[str, Any], shape: Shape,
                 dtype: Any, value: Any = None) -> None:
        self.primitive, self.inputs, self.params = primitive, inputs, params
        self.shape, self.dtype, self.value = shape, dtype, value
        self.serial = next(_serials)
        self.control: tuple[Node, ...] = ()
        self.tag: Any = None              # for the faces: the operation or variable that the node belongs to

    def __repr__(self) -> str:
        name = self.primitive.name if self.primitive else "leaf"
        return f"<node {self.serial} {name} shape={self.shape} dtype={self.dtype}>"

    # Arithmetic, so that gradient lines read like the formulas they are. `ops` installs the bodies.
    __add__: Callable[[Node, Any], Node]
    __radd__: Callable[[Node, Any], Node]
    __sub__: Callable[[Node, Any], Node]
    __rsub__: Callable[[Node, Any], Node]
    __mul__: Callable[[Node, Any], Node]
    __rmul__: Callable[[Node, Any], Node]
    __truediv__: Callable[[Node, Any], Node]
    __rtruediv__: Callable[[Node, Any], Node]
    __pow__: Callable[[Node, Any], Node]
    __neg__: Callable[[Node], Node]


class IndexedSlices(NamedTuple):
    """A gradient that is zero but for some rows: `values[i]` belongs to row `indices[i]` of an array shaped like `like`.
    Rows that occur twice add up."""

    values: Node
    indices: Node
    like: Node


Cotangent = Union[Node, IndexedSlices, None]


def next_serial() -> int:
    """A serial greater than that of every node made so far: the `since` of `gradients`."""
    return next(_serials)


@contextmanager
def recording() -> Iterator[None]:
    """Within it, eager nodes keep their inputs, so that `gradients` can walk them."""
    global _recording
    _recording += 1
    try:
        yield
    finally:
        _recording -= 1


def is_recording() -> bool:
    return _recording > 0


def leaf(value: Any) -> Node:
    """An eager node that holds an array."""
    value = np.asarray(value)
    return Node(None, (), {}, value.shape, value.dtype, value)


def apply(primitive: Primitive, *inputs: Node, **params: Any) -> Node:
    """A primitive on nodes: at once when all inputs have values, symbolically otherwise.

    A primitive with several outputs gives one node whose value is a tuple; `pick` selects from it."""
    arrays = []
    for node in inputs:
        value = node.value
        if value is None:
            return _apply_symbolic(primitive, inputs, params)
        arrays.append(value)
    value = primitive.forward(*arrays, **params)
    if type(value) is tuple:
        return Node(primitive, inputs if _recording else (), params, None, None, value)
    if type(value) is not np.ndarray:
        value = as_array(value, arrays)
    return Node(primitive if _recording else None, inputs if _recording else (), params, value.shape, value.dtype, value)


def as_array(value: Any, arrays: Sequence[Array]) -> Array:
    """A NumPy scalar that came out of 0-d arrays, as an array of their precision: NumPy 1 computes those in float64."""
    result = np.asarray(value)
    if result.dtype == np.float64 and arrays and all(a.dtype != np.float64 for a in arrays) and arrays[0].dtype.kind == "f":
        return result.astype(arrays[0].dtype)
    return result


def source(primitive: Primitive, **params: Any) -> Node:
    """A symbolic node of a primitive that takes no inputs (a random number, a variable's value)."""
    return _apply_symbolic(primitive, (), params)


def _apply_symbolic(primitive: Primitive, inputs: tuple[Node, ...], params: dict[str, Any]) -> Node:
    inferred = primitive.infer(*inputs, **params)
    if type(inferred) is list:
        return Node(primitive, inputs, params, tuple(inferred), None)
    return Node(primitive, inputs, params, inferred[0], inferred[1])


def _pick_infer(node: Node, index: int) -> Any:
    assert node.shape is not None
    return node.shape[index]


PICK = Primitive("pick", lambda values, index: values[index], _pick_infer)


def pick(node: Node, index: int) -> Node:
    """Output number `index` of a node with several outputs."""
    return apply(PICK, node, index=index)


def constant(value: Any, dtype: Any = None) -> Node:
    """A symbolic node that holds an array in params["value"]: it can be fed like any other."""
    value = np.array(value, dtype=dtype)
    return Node(CONSTANT, (), {"value": value}, value.shape, value.dtype)


CONSTANT = Primitive("constant", lambda value: value, lambda value: (value.shape, value.dtype))


def lift(value: Any, like: Node) -> Node:
    """A Python scalar or array as a node of `like`'s dtype, eager exactly when `like` is."""
    if type(value) is Node:
        return value
    array = np.asarray(value, like.dtype)
    return leaf(array) if like.value is not None else constant(array)


# --------------------------------------------------------------------------------------------------------------- gradients

class GradientHooks(NamedTuple):
    """What `ops` lends to the backward loop (set by `ops`, which imports this module)."""

    add_n: Callable[[Sequence[Node]], Node]
    sum_like: Callable[[Node, Node], Node]
    ones_like: Callable[[Node], Node]
    zeros_like: Callable[[Node], Node]
    densify: Callable[[IndexedSlices], Node]
    join: Callable[[Sequence[IndexedSlices]], IndexedSlices]


hooks: GradientHooks = None  # type: ignore[assignment]  # the operations set it: gradients are made of them


def differentiable(dtype: Any) -> bool:
    """Whether values of this dtype can carry a cotangent."""
    return dtype is not None and dtype.kind in "fc"


def densify(cotangent: Cotangent) -> Node | None:
    """The dense form of a gradient: repeated rows summed."""
    return hooks.densify(cotangent) if isinstance(cotangent, IndexedSlices) else cotangent


def gradients(ys: Sequence[Node], xs: Sequence[Node], grad_ys: Sequence[Cotangent] | None = None, *, stop: Iterable[Node] = (),
              since: int | None = None, through_integers: bool = False,
              unregistered: Callable[[Node], Exception] | None = None) -> list[Cotangent]:
    """The sum over ys of cotangent times dy/dx, for each x; None where no path of derivatives leads from x to any y.

    Linear in the number of nodes between, without recursion. `stop` nodes count as constants, `since` cuts everything made
    before that serial (the inside of a function), `through_integers` lets cotangents pass integer nodes, `unregistered` makes
    the exception for a primitive that has no gradient on the way (default: no derivative)."""
    stopped = {id(node) for node in stop}
    wanted = {id(x) for x in xs}
    between = _between(ys, wanted, stopped, since, through_integers, unregistered)
    collected: dict[int, list[Cotangent]] = {}
    slots: dict[int, dict[int, list[Cotangent]]] = {}
    for position, y in enumerate(ys):
        given = grad_ys[position] if grad_ys is not None else None
        collected.setdefault(id(y), []).append(hooks.ones_like(y) if given is None else given)
    for node in between:
        key = id(node)
        if node.primitive is not None and node.primitive.outputs != 1:
            picked = slots.pop(key, None)
            if picked is not None and key not in stopped:
                _send(node, _by_output(node, picked), between, collected, through_integers, since)
            continue
        terms = collected.get(key)
        if not terms:
            continue
        total = accumulate(terms, keep_sparse=key in wanted)
        if key in wanted:
            collected[key] = [total]
        else:
            del collected[key]
        if key in stopped or not node.inputs or (since is not None and node.serial < since):
            continue
        dense = densify(total)
        if node.primitive is PICK:
            slots.setdefault(id(node.inputs[0]), {}).setdefault(node.params["index"], []).append(dense)
        else:
            _send(node, dense, between, collected, through_integers, since)
    return [accumulate(collected[id(x)], keep_sparse=True) if collected.get(id(x)) else None for x in xs]


def _between(ys: Sequence[Node], wanted: set[int], stopped: set[int], since: int | None, through_integers: bool,
             unregistered: Callable[[Node], Exception] | None) -> dict[Node, None]:
    """The nodes that lie on a path of derivatives from a wanted x to a y, latest first."""
    seen: dict[int, Node] = {}
    pending = list(ys)
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        if id(node) in stopped or (since is not None and node.serial < since):
            continue
        pending.extend(node.inputs)
    reaches: dict[int, bool] = {}
    ordered = sorted(seen.values(), key=lambda node: node.serial)
    for node in ordered:
        reached = id(node) in wanted
        primitive = node.primitive
        if primitive is not None and id(node) not in stopped and node.inputs:
            via = [i for i, source in enumerate(node.inputs) if reaches.get(id(source))]
            if via and _carries(node, through_integers):
                if primitive.unregistered and unregistered is not None:
                    raise unregistered(node)
                reached = reached or primitive is PICK or any(primitive.vjp_of(i) is not None for i in via)
        reaches[id(node)] = reached
    return {node: None for node in reversed(ordered) if reaches[id(node)]}


def _carries(node: Node, through_integers: bool) -> bool:
    return node.dtype is None or through_integers or differentiable(node.dtype)


def _send(node: Node, cotangent: Any, between: dict[Node, None], collected: dict[int, list[Cotangent]],
          through_integers: bool, since: int | None) -> None:
    primitive = node.primitive
    assert primitive is not None
    for position, source in enumerate(node.inputs):
        if source not in between or not _carries(source, through_integers):
            continue
        vjp = primitive.vjp_of(position)
        if vjp is None:
            continue
        term = vjp(cotangent, node, *node.inputs, **node.params)
        if term is not None:
            collected.setdefault(id(source), []).append(_shaped_like(term, source))


def _shaped_like(term: Any, source: Node) -> Any:
    if type(term) is Node and source.dtype is not None:
        shape = source.shape
        if term.shape != shape or shape is None or None in shape:
            return hooks.sum_like(term, source)
    return term


def _by_output(node: Node, picked: dict[int, list[Cotangent]]) -> list[Node]:
    """One cotangent per output of a node with several; outputs that nobody used get zeros."""
    outputs = len(node.value) if node.value is not None else len(node.shape or ())
    result = []
    for index in range(outputs):
        terms = picked.get(index)
        total = densify(accumulate(terms, keep_sparse=False)) if terms else hooks.zeros_like(pick(node, index))
        assert total is not None
        result.append(total)
    return result


def accumulate(terms: Sequence[Cotangent], keep_sparse: bool) -> Cotangent:
    """The sum of cotangents of one node, at least one; IndexedSlices only when all are and it is asked for."""
    if len(terms) == 1:
        return terms[0]
    sparse = [term for term in terms if isinstance(term, IndexedSlices)]
    if keep_sparse and len(sparse) == len(terms):
        return hooks.join(sparse)
    dense = [densify(term) for term in terms]
    return hooks.add_n([term for term in dense if term is not None])
