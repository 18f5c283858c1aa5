"""Placeholders, variables and updates: what an evaluation reads from outside and leaves behind."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Node, Primitive, Shape, source
from .define import define


class Unfed(Exception):
    """A placeholder was needed and not fed; args[0] is its node."""


class Uninitialized(Exception):
    """A variable was read before it had a value; args[0] is its key."""


def _not_evaluated(*arrays: Any, **params: Any) -> Any:
    raise RuntimeError("this primitive only runs in an evaluator that knows the feeds and the state")


PLACEHOLDER = define("placeholder", _not_evaluated, lambda shape, dtype, default=None: (shape, dtype), pure=False)
READ = define("read", _not_evaluated, lambda key, shape, dtype: (shape, dtype), pure=False)
UPDATE = define("update", _not_evaluated, lambda *values, key, shape, dtype, compute: (shape, dtype), pure=False, variadic=lambda i: None)
GROUP = define("group", lambda *arrays: np.zeros((), np.bool_), lambda *nodes: ((), np.dtype(bool)), pure=False, variadic=lambda i: None)
INITIALIZED = define("is_initialized", _not_evaluated, lambda key: ((), np.dtype(bool)), pure=False)


def placeholder(shape: Shape, dtype: Any, default: Any = None) -> Node:
    """A node whose value is fed; `default` is an array to use when it is not."""
    return source(PLACEHOLDER, shape=shape, dtype=np.dtype(dtype), default=default)


def read(key: Any, shape: Shape, dtype: Any, control: Sequence[Node] = ()) -> Node:
    """The value of a variable. Without control inputs: its value from before any update of the same run."""
    node = source(READ, key=key, shape=shape, dtype=np.dtype(dtype))
    node.control = tuple(control)
    return node


def update(key: Any, values: Sequence[Node], compute: Any, shape: Shape, dtype: Any, control: Sequence[Node] = ()) -> Node:
    """Stores `compute(current array or None, *values)` under key; the node's value is what was stored."""
    node = Node(UPDATE, tuple(values), {"key": key, "shape": shape, "dtype": np.dtype(dtype), "compute": compute}, shape, np.dtype(dtype))
    node.control = tuple(control)
    return node


def group(control: Sequence[Node]) -> Node:
    """A node that does nothing but wait for others."""
    node = Node(GROUP, (), {}, (), np.dtype(bool))
    node.control = tuple(control)
    return node


def is_initialized(key: Any) -> Node:
    return source(INITIALIZED, key=key)


def is_update(primitive: Primitive | None) -> bool:
    return primitive is UPDATE


