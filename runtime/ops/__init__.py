"""Every primitive as a function on nodes: `ops.tanh(x)`, `ops.matmul(a, b, transpose_a=True)`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import core
from ..core import GradientHooks, Node, lift
from . import control, elementwise, indexing, linalg, nn, random, reduction, shape, state
from .control import *  # noqa: F403
from .define import PRIMITIVES
from .elementwise import *  # noqa: F403
from .indexing import *  # noqa: F403
from .linalg import *  # noqa: F403
from .nn import *  # noqa: F403
from .reduction import *  # noqa: F403
from .shape import *  # noqa: F403

core.hooks = GradientHooks(elementwise.add_n, shape.sum_like, lambda x: shape.full_like(x, 1), elementwise.zeros_like_now,
                           indexing.densify, indexing.join_slices)


def _operator(function: Callable[[Node, Node], Node], turned: bool = False) -> Callable[[Node, Any], Node]:
    if turned:
        return lambda self, other: function(lift(other, self), self)
    return lambda self, other: function(self, other if type(other) is Node else lift(other, self))


for _name, _function in (("add", elementwise.add), ("sub", elementwise.subtract), ("mul", elementwise.multiply), ("truediv", elementwise.divide)):
    setattr(Node, f"__{_name}__", _operator(_function))
    setattr(Node, f"__r{_name}__", _operator(_function, turned=True))
Node.__pow__ = _operator(elementwise.power)
Node.__neg__ = lambda self: elementwise.negative(self)

__all__ = ["PRIMITIVES", "control", "elementwise", "indexing", "linalg", "nn", "random", "reduction", "shape", "state"]
