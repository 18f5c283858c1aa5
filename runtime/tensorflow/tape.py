"""tf.GradientTape in a graph, and functions made with Defun."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import core, ops
from ..core import Node
from .control_flow import flatten, pack_sequence_as
from .dtypes import as_dtype
from .graph import Tensor, convert, from_core, get_default_graph, name_scope, wrap
from .variables import Variable


class GradientTape:
    """Notes what is computed from watched tensors and trainable variables while it is open; gradient() differentiates that."""

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent, self._variables = persistent, watch_accessed_variables
        self._watched: dict[int, tuple[Node, int]] = {}
        self._opened = 0
        self._closed: int | None = None
        self._used = False

    def __enter__(self) -> GradientTape:
        if self._opened and self._closed is None:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._opened, self._closed = core.next_serial(), None
        return self

    def __exit__(self, *error: Any) -> None:
        self._closed = core.next_serial()

    def watch(self, tensor: Any) -> None:
        for item in flatten(tensor):
            node = convert(item).node
            self._watched[id(node)] = (node, core.next_serial())

    def _since(self, source: Any) -> int | None:
        """The serial from which on the tape follows a source; None when it is not watched."""
        known = self._watched.get(id(convert(source).node))
        if known is not None:
            return known[1]
        return self._opened if isinstance(source, Variable) and self._variables and source.trainable else None

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = "none") -> Any:
        """The derivatives of the summed targets by the sources, in their structure; None for what is not watched or not connected.

        Raises RuntimeError at the second call unless the tape is persistent."""
        if self._used and not self._persistent:
            raise RuntimeError("A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)")
        self._used = True
        end = self._closed if self._closed is not None else core.next_serial()
        ys = [y for y in (convert(t).node for t in flatten(target)) if y.serial < end]
        given = None if output_gradients is None else [None if g is None else convert(g).node for g in flatten(output_gradients)]
        with name_scope("gradient_tape"):
            found = [self._by(source, ys, given, unconnected_gradients) for source in flatten(sources)]
        return pack_sequence_as(sources, found)

    def _by(self, source: Any, ys: list[Node], given: Any, unconnected: Any) -> Any:
        x, since = convert(source).node, self._since(source)
        result = None
        if since is not None and ys:
            result = core.gradients(ys, [x], given, since=min(since, x.serial + 1) if x.primitive is None else since)[0]
        if result is None:
            return wrap(ops.zeros_like(x), "zeros_like") if unconnected == "zero" else None
        return wrap(result, "grad") if isinstance(result, Node) else from_core(result)

    def watched_variables(self) -> tuple[Any, ...]:
        collected = get_default_graph().get_collection("trainable_variables")
        return tuple(v for v in collected if self._variables or id(convert(v).node) in self._watched)


class _Operation:
    """The `op` that a gradient function of Defun receives."""

    def __init__(self, name: str, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self.name, self.type, self.inputs, self.outputs = name, name, inputs, outputs


class Defun:
    """Decorator of a function on tensors of the given dtypes; `python_grad_func(op, *grads)` or the Defun `grad_func(*inputs, *grads)`
    takes the place of its derivative."""

    def __init__(self, *input_types: Any, **options: Any) -> None:
        self._types = [as_dtype(kind) for kind in input_types]
        self._options = options

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        python_grad, grad = self._options.get("python_grad_func"), self._options.get("grad_func")

        def called(*args: Any, **ignored: Any) -> Any:
            if self._types and len(args) != len(self._types):
                raise ValueError(f"Expected number of arguments: {len(self._types)}, received: {len(args)}")
            inputs = [convert(a, kind) for a, kind in zip(args, self._types, strict=True)] if self._types else [convert(a) for a in args]
            fresh = [wrap(ops.identity(t.node), "Arg") for t in inputs]
            given = f(*fresh)
            many = isinstance(given, (list, tuple))
            outputs = [convert(o) for o in (given if many else [given])]
            if python_grad is None and grad is None:
                return given

            def backward(*cotangents: Node) -> list[Node | None]:
                grads = [wrap(c, "grad") for c in cotangents]
                operation = _Operation(getattr(f, "__name__", "function"), inputs, outputs)
                made = grad(*inputs, *grads) if python_grad is None else python_grad(operation, *grads)  # type: ignore[misc]
                made = list(made) if isinstance(made, (list, tuple)) else [made]
                return [None if g is None else convert(g).node for g in made]

            nodes = ops.custom([o.node for o in outputs], [t.node for t in inputs], backward)
            tensors = [wrap(n, getattr(f, "__name__", "function")) for n in nodes]
            return type(given)(tensors) if many else tensors[0]

        called.__name__ = getattr(f, "__name__", "function")
        return called
