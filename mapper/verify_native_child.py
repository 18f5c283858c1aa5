"""Runs a program on the real TensorFlow or MindSpore and records its gradient sites: `verify_native_child.py OPTIONS`, in an interpreter
that has the framework. It imports nothing of mapper, which need not be there; records are those of runtime/capture.py."""
from __future__ import annotations

import ast
import builtins
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from importlib import import_module
from itertools import islice
from types import FunctionType, ModuleType
from typing import IO, Any

import numpy as np

UNKNOWN = "?"
Place = tuple[int, int]
_settings: dict[str, Any] = {}
_file: IO[bytes] | None = None
_forced: dict[str, Any] = {}


# ----------------------------------------------------------------------------------------------------------------- records

def write(kind: str, values: Sequence[Any] = (), **header: Any) -> None:
    if _file is None or os.getpid() != _settings["pid"]:
        return
    described: list[Any] = []
    arrays = []
    for value in values:
        if value is None or value is UNKNOWN:
            described.append(value)
            continue
        array = np.asarray(value)
        array = np.ascontiguousarray(array.astype(np.float32) if array.dtype.kind not in "fciub" else array).reshape(array.shape)
        described.append({"dtype": array.dtype.str, "shape": array.shape})
        arrays.append(array)
    text = json.dumps({"kind": kind, **header, "values": described}).encode()
    _file.write(b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in arrays)]))


def site() -> Place | None:
    """(line, column) where the innermost call in the program starts."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _settings["program"]:
            line, _, column, _ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
            return line or frame.f_lineno, (column or 0) + 1
        frame = frame.f_back
    return None


def record(at: Place | None, values: Sequence[Any]) -> None:
    if at is not None:
        write("site", values, line=at[0], column=at[1])


# -------------------------------------------------------------------------------------------------------------- TensorFlow

def serve_tensorflow() -> None:
    """Makes `import tensorflow` give compat.v1 with graphs, and its sites and initial values ours.

    Variables are resource variables: with reference variables an update may overtake the gradient of the same run."""
    import logging

    logging.getLogger("tensorflow").setLevel(logging.FATAL)
    import tensorflow as real  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from tensorflow.python.client.session import BaseSession  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from tensorflow.python.ops import resource_variable_ops  # type: ignore[import-not-found,import-untyped,unused-ignore]

    v1 = real.compat.v1
    v1.logging.set_verbosity(v1.logging.FATAL)
    v1.disable_v2_behavior()
    v1.enable_resource_variables()
    v1.disable_v2_behavior = lambda: None
    resource_variable_ops.BaseResourceVariable.initialized_value = lambda self: v1.cond(
        v1.is_variable_initialized(self), self.read_value, lambda: self.initial_value)
    compat = ModuleType("tensorflow.compat")
    compat.v1, compat.v2 = v1, real  # type: ignore[attr-defined]
    for name in ("as_bytes", "as_text", "as_str", "as_str_any"):
        if hasattr(v1.compat, name):
            setattr(compat, name, getattr(v1.compat, name))
    v1.compat = compat               # `import tensorflow.compat.v1 as tf` goes by attributes
    sys.modules.update({"tensorflow": v1, "tensorflow.compat": compat, "tensorflow.compat.v1": v1})
    for sub in ("nn", "train", "losses", "math", "linalg", "logging", "app", "flags", "initializers"):
        sys.modules.setdefault(f"tensorflow.{sub}", getattr(v1, sub))
    if "layers" in _settings["text"]:
        sys.modules.setdefault("tensorflow.layers", v1.layers)
    _declare(v1, "gradients")
    _declare(v1, "hessians")
    _watch(v1, BaseSession)


_sites: dict[int, tuple[Any, list[Any]]] = {}       # by graph, which cannot hold them itself


def _declare(v1: Any, name: str) -> None:
    original = getattr(v1, name)

    def declared(*args: Any, **kwargs: Any) -> Any:
        at = site()
        result = original(*args, **kwargs)
        if at is not None and result:
            graph = next((g.graph for g in result if g is not None), None)
            if graph is not None:
                dense = [(v1.convert_to_tensor(g), [g.values.op, g.indices.op]) if isinstance(g, v1.IndexedSlices)
                         else None if g is None else (g, [g.op]) for g in result]
                _sites.setdefault(id(graph), (graph, []))[1].append((at, dense))
        return result

    setattr(v1, name, declared)


def _watch(v1: Any, session: Any) -> None:
    original = session.run
    known: dict[Any, Any] = {}

    def run(self: Any, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        sites = _sites.get(id(self.graph), (None, ()))[1]
        if not sites and not _forced:
            return original(self, fetches, feed_dict, options, run_metadata)
        ends = list(_ops(v1, self.graph, fetches))
        key = (tuple(map(id, ends)), tuple(map(id, feed_dict or ())), self.graph.version, len(sites))
        if key not in known:
            known[key] = _plan(v1, self.graph, ends, feed_dict or {}, sites), ends, list(feed_dict or ())
        extra, places, starts = known[key][0]
        feeds = {**(feed_dict or {}), **{tensor: _forced[name] for name, tensor in starts}}
        values, found = original(self, [fetches, extra], feeds, options, run_metadata)
        for at, parts in places:
            record(at, [part if part is None or part is UNKNOWN else found[part] for part in parts])
        return values

    session.run = run


def _ops(v1: Any, graph: Any, fetches: Any) -> Iterator[Any]:
    if isinstance(fetches, dict):
        fetches = list(fetches.values())
    if isinstance(fetches, (list, tuple)):
        for part in fetches:
            yield from _ops(v1, graph, part)
    elif isinstance(fetches, str):
        element = graph.as_graph_element(fetches)
        yield element if isinstance(element, v1.Operation) else element.op
    elif isinstance(fetches, v1.IndexedSlices):
        yield fetches.values.op
        yield fetches.indices.op
    elif isinstance(fetches, v1.Operation):
        yield fetches
    elif fetches is not None:
        yield v1.convert_to_tensor(fetches).op if not hasattr(fetches, "op") else fetches.op


def _plan(v1: Any, graph: Any, ends: Sequence[Any], fed: Any, sites: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """What to fetch besides, which of it belongs to which site, and the initial values to feed."""
    stop = {getattr(tensor, "op", None) for tensor in fed}
    reached, pending = set(), list(ends)
    while pending:
        op = pending.pop()
        if op not in reached:
            reached.add(op)
            if op not in stop:
                pending += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    extra: list[Any] = []
    places = []
    for at, gradients in sites:
        parts: list[Any] = []
        for g in gradients:
            if g is None:
                parts.append(None)
            elif all(op in reached for op in g[1]) and graph.is_fetchable(g[0].op):
                parts.append(len(extra))
                extra.append(g[0])
            else:
                parts.append(UNKNOWN)
        if any(isinstance(part, int) for part in parts):
            places.append((at, parts))
    variables = graph.get_collection("variables")
    starts = [(v.op.name, v.initializer.inputs[1]) for v in variables if v.initializer in reached and v.op.name in _forced]
    usable = [(name, tensor) for name, tensor in starts if tensor.shape.is_compatible_with(_forced[name].shape) and graph.is_feedable(tensor)]
    return extra, places, usable


# --------------------------------------------------------------------------------------------------------------- MindSpore

_late: list[Any] = []                # parameters that wait for the name they get in their network


def serve_mindspore() -> None:
    """Lets MindSpore's gradient functions record, and parameters begin with our values."""
    import mindspore as ms  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from mindspore.ops.composite import base  # type: ignore[import-not-found,import-untyped,unused-ignore]

    # Compiled functions read a gradient operation as it is and never come here: what they compute cannot be seen.
    for kind in (base.GradOperation, getattr(base, "_Grad", None)):
        if kind is not None:
            kind.__call__ = _seen(kind.__call__)
    ms.jit = _compiling(ms.jit)
    _compiled_as_made()
    begun = ms.Parameter.__init__

    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        begun(self, *args, **kwargs)
        _late.append(self)
        if kwargs.get("name") in _forced:
            settle()                     # the program may look at the value at once

    ms.Parameter.__init__ = begin
    called = ms.nn.Cell.__call__

    def cell_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        settle()
        return called(self, *args, **kwargs)

    ms.nn.Cell.__call__ = cell_call


def settle() -> None:
    """Gives parameters whose names are known by now the values to begin with."""
    if not _late:
        return
    import mindspore as ms

    waiting, _late[:] = _late[:], []
    for parameter in waiting:
        value = _forced.get(parameter.name)
        if value is not None and tuple(parameter.shape) == value.shape:
            parameter.set_data(ms.Tensor(value))


def _seen(call: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient operation whose functions record. One that has `pynative_` is the inside of another."""
    def made(self: Any, *args: Any, **kwargs: Any) -> Any:
        function = call(self, *args, **kwargs)
        if getattr(self, "pynative_", False):
            return function
        part = 1 if getattr(self, "get_value", False) else 0 if getattr(self, "has_aux", False) else None

        def after_grad(*inputs: Any, **options: Any) -> Any:
            settle()
            at = site()
            result = function(*inputs, **options)
            gradients = result if part is None else result[part]
            record(at, [array for array in map(_array, _flat(gradients)) if array is not None])
            return result

        after_grad.__mapper_inside__ = function  # type: ignore[attr-defined]
        return after_grad

    return made


def _compiling(jit: Callable[..., Any]) -> Callable[..., Any]:
    """jit, which gets a gradient function as MindSpore made it: it could not compile one that records."""
    @wraps(jit)
    def compiling(function: Any = None, *args: Any, **kwargs: Any) -> Any:
        return jit(getattr(function, "__mapper_inside__", function), *args, **kwargs)

    return compiling


def _compiled_as_made() -> None:
    """The same for the gradient functions that compiled code finds under a name: a global, a closure's, a cell's attribute."""
    for module in ("mindspore.graph._parse.namespace", "mindspore._extends.parse.namespace"):
        try:
            namespace = import_module(module)
        except ImportError:
            continue
        for kind in {namespace.Namespace, *namespace.Namespace.__subclasses__()}:
            if "__getitem__" in vars(kind):
                kind.__getitem__ = _inside(kind.__getitem__)
        return


def _inside(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def found(self: Any, name: str) -> Any:
        value = lookup(self, name)
        return vars(value).get("__mapper_inside__", value) if isinstance(value, FunctionType) else value

    return found


def _flat(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _flat(part)] if isinstance(value, (list, tuple)) else [value]


def _array(value: Any) -> Any:
    if not hasattr(value, "asnumpy"):
        return None
    name = str(value.dtype)
    return value.float().asnumpy() if name == "BFloat16" else np.array(value.asnumpy(), copy=True)


# ------------------------------------------------------------------------------------------- tensors that compute themselves

_groups: dict[Place, list[Any]] = {}
_runner: list[Any] = [None]


def flush() -> None:
    for at, values in _groups.items():
        record(at, values)
    _groups.clear()


def tag(line: int, column: int, result: Any) -> Any:
    """See runtime/capture.py."""
    items = result if isinstance(result, (list, tuple)) else [result]
    empty = [None if item is None else UNKNOWN for item in items]
    for item in {id(item): item for item in items}.values():
        compute = getattr(item, "compute", None)
        if callable(compute) and hasattr(item, "inputs"):
            item.compute = _told(compute, (line, column), [i for i, other in enumerate(items) if other is item], empty)
    return result


def _told(compute: Callable[..., Any], at: Place, indices: list[int], empty: list[Any]) -> Callable[..., Any]:
    def recorded(*values: Any) -> Any:
        result = compute(*values)
        array = _array(result)
        if array is not None:
            runner = sys._getframe(1)
            if runner is not _runner[0]:
                flush()
                _runner[0] = runner
            for index in indices:
                _groups.setdefault(at, list(empty))[index] = array
        return result

    return recorded


# --------------------------------------------------------------------------------------------------------------------- run

def tagged(source: bytes, path: str, sites: Sequence[Sequence[int]]) -> Any:
    """The program as code in which the calls at `sites` hand their results to `tag` first."""
    tree = ast.parse(source, path)
    wanted = {(line, column) for line, column in sites}

    class Wrap(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802 (ast's name)
            at = node.lineno, node.col_offset + 1
            outermost = at in wanted
            wanted.discard(at)
            self.generic_visit(node)
            if not outermost:
                return node
            call = ast.Call(ast.Name("__mapper_tag__", ast.Load()), [ast.Constant(at[0]), ast.Constant(at[1]), node], [])
            return ast.fix_missing_locations(ast.copy_location(call, node))

    setattr(builtins, "__mapper_tag__", tag)
    return compile(Wrap().visit(tree), path, "exec")


def main() -> int:
    global _file
    _settings.update(json.loads(sys.argv[1]), pid=os.getpid())
    path = _settings["program"]
    with open(path, "rb") as file:
        source = file.read()
    _settings["text"] = source.decode("utf-8", "replace")
    _file = open(_settings["record"], "wb", buffering=0)
    if _settings["initial"]:
        with np.load(_settings["initial"], allow_pickle=False) as stored:
            _forced.update({name: stored[f"v{i}"] for i, name in enumerate(json.loads(bytes(stored["names"]).decode()))})
    framework = _settings["framework"]
    (serve_tensorflow if framework == "tensorflow" else serve_mindspore)()
    version = sys.modules[framework].__version__
    write("version", framework=framework, version=version, numpy=np.__version__, python=sys.version.split()[0])
    sys.argv = [path]
    sys.path[0] = os.path.dirname(path)
    module = ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = module
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    code = 0
    try:
        exec(tagged(source, path, _settings["sites"]) if framework == "mindspore" else compile(source, path, "exec"), module.__dict__)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    flush()
    write("end", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
