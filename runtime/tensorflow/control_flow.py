"""cond, case, while_loop, map_fn, scan, folds, and grouping: functions traced once and run as one operation."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import core, ops
from ..core import CONSTANT, Node, apply, leaf
from ..ops.state import PLACEHOLDER, READ, UPDATE
from .dtypes import numpy_dtype
from .graph import IndexedSlices, Operation, Tensor, control_dependencies, control_node, convert, get_default_graph, wrap
from .tensor_array import TensorArray


class Traced:
    """A piece of graph between parameters and results: what it takes from outside, and how to run it on eager nodes."""

    def __init__(self, results: Sequence[Node], parameters: Sequence[Node], since: int) -> None:
        own = {id(p) for p in parameters}
        inside: dict[int, Node] = {}
        outside: dict[int, Node] = {}
        pending = list(results)
        while pending:
            node = pending.pop()
            if id(node) in own or id(node) in inside or id(node) in outside:
                continue
            if node.serial < since or node.primitive in (READ, PLACEHOLDER):
                outside[id(node)] = node
            else:
                inside[id(node)] = node
                pending.extend(node.inputs)
        self.parameters, self.results = list(parameters), list(results)
        self.captured = list(outside.values())
        self.order = sorted(inside.values(), key=lambda n: n.serial)

    def run(self, arguments: Sequence[Node], captured: dict[int, Node]) -> list[Node]:
        values = dict(captured)
        values.update((id(p), a) for p, a in zip(self.parameters, arguments, strict=True))
        for node in self.order:
            if node.primitive is CONSTANT:
                values[id(node)] = leaf(node.params["value"])
            elif node.primitive is UPDATE:
                raise NotImplementedError("assigning a variable inside a tensorflow loop is not in mapper's runtime")
            else:
                assert node.primitive is not None
                values[id(node)] = apply(node.primitive, *(values[id(source)] for source in node.inputs), **node.params)
        return [values[id(r)] for r in self.results]


def _parameters(like: Sequence[Node]) -> list[Node]:
    return [ops.state.placeholder(n.shape, n.dtype) for n in like]


def _as_tensors(nodes: Sequence[Node]) -> list[Tensor]:
    return [wrap(n, "loop_var") for n in nodes]


# --------------------------------------------------------------------------------------------------------------- structures

def flatten(structure: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts (by sorted key, as tf.nest does)."""
    if isinstance(structure, dict):
        return [leaf_ for key in sorted(structure) for leaf_ in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf_ for item in structure for leaf_ in flatten(item)]
    return [structure]


def pack_sequence_as(structure: Any, flat: Any) -> Any:
    rest = iter(flat)

    def build(part: Any) -> Any:
        if isinstance(part, dict):
            made = {key: build(part[key]) for key in sorted(part)}
            return type(part)((key, made[key]) for key in part)
        if isinstance(part, (list, tuple)):
            items = [build(item) for item in part]
            return type(part)._make(items) if hasattr(part, "_make") else type(part)(items)
        return next(rest)

    return build(structure)


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    return pack_sequence_as(structures[0], [function(*leaves) for leaves in zip(*(flatten(s) for s in structures), strict=True)])


# --------------------------------------------------------------------------------------------------------------------- cond

def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, strict: bool = False, name: Any = None, fn1: Any = None, fn2: Any = None) -> Any:
    """true_fn() or false_fn(), whichever the run decides; only that branch is computed.

    Raises TypeError "pred must not be a Python bool"."""
    if isinstance(pred, (bool, np.bool_)):
        raise TypeError("pred must not be a Python bool")
    chosen = convert(pred).node
    since = core.next_serial()
    first, second = (true_fn or fn1)(), (false_fn or fn2)()
    single = not isinstance(first, (list, tuple, dict))
    yes, no = ([convert(t) if not isinstance(t, Operation) else t for t in flatten(f)] for f in (first, second))
    if any(isinstance(t, Operation) for t in yes + no):
        return _conditional_updates(chosen, yes, no, since)
    _make_conditional(chosen, yes, since, True)
    _make_conditional(chosen, no, since, False)
    branches = [Traced([t.node for t in branch], [], since) for branch in (yes, no)]
    captured = {id(n): n for branch in branches for n in branch.captured}
    keys = list(captured)

    def body(flag: Node, *values: Node) -> list[Node]:
        branch = branches[0] if bool(flag.value) else branches[1]
        return branch.run([], dict(zip(keys, values, strict=True)))

    outputs = [(_merge(a.node.shape, b.node.shape), a.node.dtype) for a, b in zip(yes, no, strict=True)]
    merged = ops.call(body, [chosen, *captured.values()], outputs)
    updates = _updates_below([t.node for t in (*yes, *no)], since)
    for node in merged:
        node.control = (*node.control, *updates)
    results = [wrap(n, "cond/Merge") for n in merged]
    return results[0] if single else pack_sequence_as(first, results)


def _merge(a: Any, b: Any) -> Any:
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))


def _updates_below(nodes: Sequence[Node], since: int) -> list[Node]:
    seen: dict[int, Node] = {}
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if id(node) in seen or node.serial < since:
            continue
        seen[id(node)] = node
        pending.extend((*node.inputs, *node.control))
    return [n for n in seen.values() if n.primitive is UPDATE]


def _make_conditional(pred: Node, branch: Sequence[Any], since: int, when: bool) -> None:
    """Updates made by a branch happen only when it is taken; the branch's value is then the variable's."""
    for node in _updates_below([t.node for t in branch], since):
        compute = node.params["compute"]

        def guarded(old: Any, *values: Any, compute: Any = compute) -> Any:
            return compute(old, *values[:-1]) if bool(values[-1]) is when else old

        node.params = {**node.params, "compute": guarded}
        node.inputs = (*node.inputs, pred)
        node.serial = core.next_serial()


def _conditional_updates(pred: Node, yes: Sequence[Any], no: Sequence[Any], since: int) -> Operation:
    _make_conditional(pred, yes, since, True)
    _make_conditional(pred, no, since, False)
    return group(*yes, *no)


def case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: Any = None) -> Any:
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    if default is None:
        *pairs, (_, default) = pairs
    result = default
    for pred, fn in reversed(pairs):
        result = functools.partial(cond, pred, fn, result)
    return result()


# -------------------------------------------------------------------------------------------------------------------- loops

def _captures(*pieces: Traced) -> dict[int, Node]:
    return {id(n): n for piece in pieces for n in piece.captured}


def while_loop(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
               swap_memory: bool = False, name: Any = None, maximum_iterations: Any = None, return_same_structure: bool = False) -> Any:
    """Repeats body while cond holds; derivatives of any order go through the iterations that a run makes."""
    listed = isinstance(loop_vars, (list, tuple))
    given = flatten(list(loop_vars) if listed else [loop_vars])
    start = [v.flow if isinstance(v, TensorArray) else convert(v) for v in given]
    since = core.next_serial()
    shapes = [None if isinstance(v, TensorArray) else s for v, s in zip(given, _invariants(start, shape_invariants), strict=True)]
    parameters = [ops.state.placeholder(s, t.node.dtype) for s, t in zip(shapes, start, strict=True)]
    arguments = pack_sequence_as(list(loop_vars) if listed else [loop_vars], [_like(v, t) for v, t in zip(given, _as_tensors(parameters), strict=True)])
    test = Traced([convert(cond(*arguments)).node], parameters, since)
    after = body(*arguments)
    results = [t.flow if isinstance(t, TensorArray) else convert(t) for t in flatten(list(after) if isinstance(after, (list, tuple)) else [after])]
    if len(results) != len(start):
        raise ValueError("The two structures don't have the same nested structure: the loop body must return as many values as loop_vars has")
    step = Traced([ops.identity(r.node) for r in results], parameters, since)
    captured = _captures(test, step)
    keys, count = list(captured), len(start)
    limit = None if maximum_iterations is None else int(maximum_iterations)

    def run(*nodes: Node) -> list[Node]:
        state, outer = list(nodes[:count]), dict(zip(keys, nodes[count:], strict=True))
        done = 0
        while (limit is None or done < limit) and bool(test.run(state, outer)[0].value):
            state = step.run(state, outer)
            done += 1
        return state

    outputs = [(r.node.shape if isinstance(v, TensorArray) else _merge(s, r.node.shape), r.node.dtype)
               for v, s, r in zip(given, shapes, results, strict=True)]
    final = [_like(v, wrap(n, "while/Exit")) for v, n in zip(given, ops.call(run, [*(t.node for t in start), *captured.values()], outputs), strict=True)]
    return pack_sequence_as(list(loop_vars) if listed and type(loop_vars) is not tuple else loop_vars, final) if listed else final[0]


def _like(given: Any, tensor: Tensor) -> Any:
    """The tensor, or a TensorArray of it where a TensorArray was given."""
    return given._with(tensor.node) if isinstance(given, TensorArray) else tensor


def _invariants(start: Sequence[Tensor], given: Any) -> list[Any]:
    from .dtypes import as_shape

    if given is None:
        return [t.node.shape for t in start]
    return [as_shape(s) for s in (given if isinstance(given, (list, tuple)) else [given])]


def map_fn(fn: Any, elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: bool = True, swap_memory: bool = False,
           infer_shape: bool = True, name: Any = None, fn_output_signature: Any = None) -> Any:
    """fn of each slice along the first axis, stacked."""
    items = [convert(e).node for e in flatten(elems)]
    since = core.next_serial()
    parameters = [ops.state.placeholder(None if n.shape is None else n.shape[1:], n.dtype) for n in items]
    result = fn(pack_sequence_as(elems, _as_tensors(parameters)))
    outs = [convert(r).node for r in flatten(result)]
    step = Traced(outs, parameters, since)
    captured = _captures(step)
    keys, count = list(captured), len(items)

    def run(*nodes: Node) -> list[Node]:
        outer = dict(zip(keys, nodes[count:], strict=True))
        rows = [step.run([ops.take_index(n, i, 0) for n in nodes[:count]], outer) for i in range(len(nodes[0].value))]
        return [ops.stack(column) for column in zip(*rows, strict=True)]

    size = items[0].shape[0] if items[0].shape else None
    outputs = [(None if o.shape is None else (size, *o.shape), o.dtype) for o in outs]
    made = [wrap(n, "map/TensorArrayStack") for n in ops.call(run, [*items, *captured.values()], outputs)]
    return pack_sequence_as(result, made)


def _fold(fn: Any, elems: Any, initializer: Any, backwards: bool, keep: bool) -> Any:
    items = [convert(e).node for e in flatten(elems)]
    if initializer is None:
        place = -1 if backwards else 0
        start_structure = elems
        start = [ops.take_index(n, place, 0) for n in items]
        items_used = [ops.getitem(n, (slice(None, -1) if backwards else slice(1, None),)) for n in items]
    else:
        start_structure = initializer
        start, items_used = [convert(v).node for v in flatten(initializer)], items
    since_body = core.next_serial()
    state = _parameters(start)
    slices = [ops.state.placeholder(None if n.shape is None else n.shape[1:], n.dtype) for n in items]
    result = fn(pack_sequence_as(start_structure, _as_tensors(state)), pack_sequence_as(elems, _as_tensors(slices)))
    outs = [convert(r).node for r in flatten(result)]
    step = Traced([ops.identity(o) for o in outs], [*state, *slices], since_body)
    captured = _captures(step)
    keys, held, count = list(captured), len(start), len(items)

    def run(*nodes: Node) -> list[Node]:
        current, rows = list(nodes[:held]), nodes[held:held + count]
        outer = dict(zip(keys, nodes[held + count:], strict=True))
        history = [current] if keep and initializer is None else []
        order = range(len(rows[0].value))
        for i in reversed(order) if backwards else order:
            current = step.run([*current, *(ops.take_index(n, i, 0) for n in rows)], outer)
            history.append(current)
        if not keep:
            return current
        if backwards:
            history.reverse()
        return [ops.stack(column) for column in zip(*history, strict=True)]

    size = items[0].shape[0] if items[0].shape else None
    outputs = [((size, *o.shape) if keep and o.shape is not None else o.shape, o.dtype) for o in outs]
    made = [wrap(n, "scan/TensorArrayStack" if keep else "foldl/while/Exit") for n in ops.call(run, [*start, *items_used, *captured.values()], outputs)]
    return pack_sequence_as(result, made)


def scan(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
         infer_shape: bool = True, reverse: bool = False, name: Any = None) -> Any:
    return _fold(fn, elems, initializer, reverse, keep=True)


def foldl(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
          name: Any = None) -> Any:
    return _fold(fn, elems, initializer, False, keep=False)


def foldr(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
          name: Any = None) -> Any:
    return _fold(fn, elems, initializer, True, keep=False)


# ----------------------------------------------------------------------------------------------------------------- grouping

def group(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that runs all inputs (nested lists too)."""
    graph = get_default_graph()
    waits = [control_node(item) for item in flatten(list(inputs)) if item is not None]
    node = ops.state.group([*waits, *(graph.control[-1] if graph.control else ())])
    return Operation(graph, graph.unique_name(kwargs.get("name") or "group_deps"), "NoOp", node)


def no_op(name: Any = None) -> Operation:
    graph = get_default_graph()
    node = ops.state.group(graph.control[-1] if graph.control else ())
    return Operation(graph, graph.unique_name(name or "NoOp"), "NoOp", node)


def tuple_(tensors: Any, name: Any = None, control_inputs: Any = None) -> list[Any]:
    waits = [t for t in tensors if t is not None] + list(control_inputs or ())
    with control_dependencies(waits):
        return [None if t is None else t if isinstance(t, (IndexedSlices, Operation)) else wrap(_after(t), "tuple/control_dependency") for t in tensors]


def _after(value: Any) -> Node:
    return ops.identity(convert(value).node)


def with_dependencies(dependencies: Any, output: Any, name: Any = None) -> Any:
    with control_dependencies(dependencies):
        return wrap(_after(output), "control_dependency")


# ------------------------------------------------------------------------------------------------------------ Python functions

def py_func(func: Any, inp: Any, Tout: Any, stateful: bool = True, name: Any = None) -> Any:  # noqa: N803 (TensorFlow's name)
    kinds = [numpy_dtype(t) for t in (Tout if isinstance(Tout, (list, tuple)) else [Tout])]
    nodes = ops.python(lambda *a: func(*a), [convert(i).node for i in inp], [(None, k) for k in kinds])
    tensors = [wrap(n, name or "PyFunc") for n in nodes]
    return tensors if isinstance(Tout, (list, tuple)) else tensors[0]


def Print(input_: Any, data: Any, message: str | None = None, first_n: Any = None, summarize: Any = None, name: Any = None) -> Tensor:  # noqa: N802
    import sys

    def show(x: Any, *values: Any) -> Any:
        sys.stderr.write((message or "") + "".join(f"[{np.array2string(v)}]" for v in values) + "\n")
        return x

    x = convert(input_).node
    noted = ops.python(show, [x, *(convert(d).node for d in data)], [(x.shape, x.dtype)])[0]
    result = ops.identity(x)
    result.control = (noted,)
    return wrap(result, name or "Print")
