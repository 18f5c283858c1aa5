"""Control flow: a Python function on eager nodes as one primitive, differentiable to any order by running it again."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import core
from ..core import Array, Node, apply, leaf, pick, source
from .define import define
from .elementwise import zeros_like_now

Body = Callable[..., Sequence[Node]]


def _call(*arrays: Array, body: Body, outputs: tuple[Any, ...]) -> Any:
    return tuple(node.value for node in body(*(leaf(a) for a in arrays)))


def _call_infer(*inputs: Node, body: Body, outputs: tuple[Any, ...]) -> Any:
    return list(outputs)


def _call_vjp(position: int) -> Any:
    return lambda gs, y, *inputs, body, outputs: pick(_backward(gs, y, inputs, body, outputs), position)


def _backward(gs: Sequence[Node], y: Node, inputs: tuple[Node, ...], body: Body, outputs: tuple[Any, ...]) -> Node:
    """One node that computes the cotangents of all inputs; shared by the gradient lines of the inputs through y.tag."""
    key = tuple(id(g) for g in gs)
    cached = y.tag
    if isinstance(cached, tuple) and cached[0] == key:
        return cached[2]                                       # type: ignore[no-any-return]
    count = len(inputs)

    def reverse(*nodes: Node) -> list[Node]:
        arguments, cotangents = nodes[:count], nodes[count:]
        with core.recording():
            fresh = [apply(_FRESH, a) for a in arguments]
            results = body(*fresh)
            live = [i for i, r in enumerate(results) if core.differentiable(r.dtype)]
            found = core.gradients([results[i] for i in live], fresh, [cotangents[i] for i in live])
        dense = [core.densify(f) for f in found]
        return [zeros_like_now(a) if d is None else d for a, d in zip(arguments, dense, strict=True)]

    result = apply(CALL, *inputs, *gs, body=reverse, outputs=tuple((n.shape, n.dtype) for n in inputs))
    y.tag = (key, list(gs), result)
    return result


_FRESH = define("fresh", lambda x: x, lambda x: (x.shape, x.dtype), lambda g, y, x: g)
CALL = define("call", _call, _call_infer, outputs=0, variadic=_call_vjp)


def fresh(x: Node) -> Node:
    """The same value as a node of its own: an argument that must not be taken for the tensor it came from."""
    return apply(_FRESH, x)


def call(body: Body, inputs: Sequence[Node], outputs: Sequence[tuple[Any, Any]]) -> list[Node]:
    """`body(*eager nodes) -> eager nodes` as one operation on nodes.

    `outputs` gives the static (shape, dtype) of each result. Its gradient runs `body` again under recording, as a call in turn."""
    node = apply(CALL, *inputs, body=body, outputs=tuple(outputs))
    return [pick(node, index) for index in range(len(outputs))]


def _python(*arrays: Array, function: Callable[..., Any], outputs: tuple[Any, ...]) -> Any:
    results = function(*arrays)
    if not isinstance(results, (list, tuple)):
        results = [results]
    return tuple(np.asarray(r, dtype) for r, (_, dtype) in zip(results, outputs, strict=True))


PYTHON = define("python", _python, lambda *inputs, function, outputs: list(outputs), outputs=0, pure=False,
                variadic=lambda position: None)


def python(function: Callable[..., Any], inputs: Sequence[Node], outputs: Sequence[tuple[Any, Any]]) -> list[Node]:
    """A Python function on arrays, without a derivative, run once per evaluation; without inputs too it waits for one."""
    given = {"function": function, "outputs": tuple(outputs)}
    node = apply(PYTHON, *inputs, **given) if inputs else source(PYTHON, **given)
    return [pick(node, index) for index in range(len(outputs))]


def _custom_vjp(position: int) -> Any:
    # The first `count` inputs are the results of the forward function, the rest its arguments.
    def vjp(gs: Sequence[Node], y: Node, *inputs: Node, count: int, backward: Callable[..., Any]) -> Any:
        cached = y.tag
        key = tuple(id(g) for g in gs)
        if not (isinstance(cached, tuple) and cached[0] == key):
            given = backward(*gs)
            y.tag = cached = (key, list(gs), list(given) if isinstance(given, (list, tuple)) else [given])
        return cached[2][position - count]

    return vjp



_CUSTOM = define("custom", lambda *arrays, count, backward: tuple(arrays[:count]),
                 lambda *nodes, count, backward: [(n.shape, n.dtype) for n in nodes[:count]], outputs=0, variadic=None)


def _custom_line(position: int) -> Any:
    vjp = _custom_vjp(position)
    return lambda gs, y, *inputs, count, backward: None if position < count else vjp(gs, y, *inputs, count=count, backward=backward)


_CUSTOM.variadic_vjp = _custom_line


def custom(results: Sequence[Node], arguments: Sequence[Node], backward: Callable[..., Any]) -> list[Node]:
    """`results` with a gradient of their own: `backward(*cotangents)` gives the cotangents of `arguments`, and nothing flows
    through the way they were computed."""
    node = apply(_CUSTOM, *results, *arguments, count=len(results), backward=backward)
    return [pick(node, index) for index in range(len(results))]
