"""`mindspore.Parameter` and `ParameterTuple`: named tensors that gradients are taken for and optimizers change."""
from __future__ import annotations

import weakref
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np

from .. import core
from ..core import Node, leaf
from . import dtypes
from .initializer import InitTensor
from .tensor import Tensor, array_of, wrap

DEFAULT_NAME = "Parameter"
_unnamed = count(2)
_alive: weakref.WeakValueDictionary[int, Parameter] = weakref.WeakValueDictionary()


def alive() -> list[Parameter]:
    """Every parameter that still exists and has a value, the oldest first."""
    return [p for _, p in sorted(_alive.items()) if not p.undrawn]


class Parameter(Tensor):
    """A tensor with a name. Random initial values are drawn when the value is first needed: by then the name is the one that
    the parameter has in its network."""

    node: Node

    def __init__(self, default_input: Any = None, name: str | None = None, requires_grad: bool = True, layerwise_parallel: bool = False,
                 parallel_optimizer: bool = True, storage_format: str = "", device: Any = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"The type of the Parameter's name should be 'string' or 'None', but got {type(name)}.")
        self.unnamed = not name or name.isspace()
        self.name = f"{DEFAULT_NAME}#{next(_unnamed)}" if not name or name.isspace() else name
        self.requires_grad = requires_grad
        self.layerwise_parallel, self.parallel_optimizer = layerwise_parallel, parallel_optimizer
        self.comm_fusion, self.is_init, self.key = 1, True, None
        self._pending: InitTensor | None = None
        self._exposed = False
        _alive[core.next_serial()] = self
        if isinstance(default_input, (bool, np.bool_)):
            raise ValueError("Parameter data can not be `bool`")
        if isinstance(default_input, InitTensor):
            self._pending = default_input
        elif isinstance(default_input, int):
            self.node = leaf(np.asarray(default_input, np.int32))
        else:
            self.node = leaf(array_of(default_input))

    def __getattr__(self, name: str) -> Any:
        if name == "node" and self.__dict__.get("_pending") is not None:
            pending, self._pending = self._pending, None
            assert pending is not None
            self.node = leaf(pending.draw(self.name))
            return self.node
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    # ------------------------------------------------------------------------------------------------------- description

    @property
    def shape(self) -> tuple[int, ...]:
        return self._pending.shape if self._pending is not None else self.node.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> dtypes.DType:
        return self._pending.dtype if self._pending is not None else dtypes.OF_NUMPY[self.node.dtype]

    @property
    def undrawn(self) -> bool:
        """Whether the initial value is still to be drawn."""
        return self._pending is not None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def data(self) -> Parameter:
        return self

    @property
    def param_info(self) -> Parameter:
        return self

    @property
    def sliced(self) -> bool:
        return False

    def value(self) -> Tensor:
        return wrap(self.node)

    def asnumpy(self) -> Any:
        """The parameter's memory: assignments and optimizers write into it."""
        self._exposed = True
        return super().asnumpy()

    numpy = asnumpy

    # ------------------------------------------------------------------------------------------------------------- change

    def store(self, array: Any) -> None:
        """Gives the parameter a new value of its own dtype, in the memory that earlier `asnumpy()` calls returned."""
        if self._pending is not None:
            dtype = self._pending.dtype.np
            self._pending = None
            self.node = leaf(np.array(array, dtype))
            return
        old = self.node
        if not self._exposed or np.shape(array) != old.value.shape:
            self.node = leaf(np.array(array, old.dtype))
            return
        memory = old.value
        fresh = np.array(array, old.dtype)
        old.value = memory.copy()                  # what was recorded with the old value keeps it
        memory[...] = fresh
        self.node = leaf(memory)

    def set_data(self, data: Any, slice_shape: bool = False) -> Parameter:
        """Replaces the value, cast to this parameter's dtype; the shape may change.

        Raises TypeError for anything but tensors and numbers."""
        if isinstance(data, InitTensor):
            self.store(data.draw(self.name))
            return self
        if not isinstance(data, (Tensor, int, float)):
            raise TypeError("Parameter data must be [`Tensor`, `int`, `float`] or a kind of `Tensor` (like `Tensor`). But with type "
                            f"{type(data)}.")
        self.store(data.node.value if isinstance(data, Tensor) else np.full(self.shape, data))
        return self

    def assign_value(self, value: Any) -> Parameter:
        self.store(value.node.value if isinstance(value, Tensor) else value)
        return self

    def init_data(self, *ignored: Any, **more: Any) -> Parameter:
        _ = self.node
        return self

    def set_dtype(self, dtype: Any) -> Parameter:
        self.node = leaf(self.node.value.astype(dtypes.as_numpy(dtype)))
        return self

    def clone(self, init: Any = "same") -> Parameter:
        """A new parameter like this one; `init` may be "same" or an initializer's name, a number or an Initializer."""
        if init == "same":
            return Parameter(wrap(leaf(self.node.value.copy())), self.name, self.requires_grad)
        from .initializer import initializer

        return Parameter(initializer(init, self.shape, self.dtype), self.name, self.requires_grad)

    def copy(self) -> Any:
        return wrap(leaf(self.node.value.copy()))

    def __copy__(self) -> Parameter:
        return self.clone()

    def __deepcopy__(self, memo: Any) -> Parameter:
        made = memo[id(self)] = self.clone()
        return made

    def __reduce__(self) -> Any:
        return Parameter, (Tensor(self.node.value), self.name, self.requires_grad)

    def __hash__(self) -> int:
        return id(self)

    def __str__(self) -> str:
        return f"Parameter (name={self.name}, shape={self.shape}, dtype={self.dtype}, requires_grad={self.requires_grad})"

    __repr__ = __str__


class ParameterTuple(tuple):  # type: ignore[type-arg]
    """A tuple of parameters with different names. Raises TypeError for other things, ValueError where two share a name."""

    def __new__(cls, iterable: Iterable[Any]) -> ParameterTuple:
        parameters = tuple(iterable)
        names: dict[str, Any] = {}
        for p in parameters:
            if not isinstance(p, Parameter):
                raise TypeError(f"For ParameterTuple initialization, ParameterTuple input should be 'Parameter' collection, but got a {type(p)}. ")
            if p.name in names and names[p.name] is not p:
                raise ValueError(f"The value {p} , its name '{p.name}' already exists. Please set a unique name for the parameter.")
            names[p.name] = p
        return super().__new__(cls, parameters)

    def clone(self, prefix: str, init: Any = "same") -> ParameterTuple:
        """Clones of all, their names behind a prefix."""
        made = []
        for p in self:
            copy = p.clone(init)
            copy.name = f"{prefix}.{p.name}"
            made.append(copy)
        return ParameterTuple(made)

    def __reduce__(self) -> Any:
        return ParameterTuple, (tuple(self),)
