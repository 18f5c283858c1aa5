"""Primitive classes: `P.ReduceSum(keep_dims=True)(x, 1)` from the function that computes it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

REQUIRED = object()


class Primitive:
    """An operation as an object: configured when made, applied when called."""

    name = "Primitive"
    _defaults: dict[str, Any] = {}

    def __init__(self, name: str | None = None) -> None:
        if name is not None:
            self.name = name

    def __call__(self, *args: Any) -> Any:
        raise NotImplementedError(f"NotImplementedError: the primitive {self.name} is not in mapper's runtime")

    def __repr__(self) -> str:
        return f"Prim[{self.name}]<{', '.join(f'{k}={getattr(self, k)!r}' for k in self._defaults)}>"

    # Attributes that steer compilation or placement: accepted, without meaning here.

    def add_prim_attr(self, name: str, value: Any) -> Primitive:
        self.__dict__[name] = value
        return self

    def init_prim_io_names(self, inputs: Any, outputs: Any) -> None:
        self.__dict__["input_names"], self.__dict__["output_names"] = inputs, outputs

    def _same(self, *args: Any, **kwargs: Any) -> Primitive:
        return self

    del_prim_attr = set_device = set_stage = shard = recompute = set_prim_instance_name = place = set_user_data = _same


class Configured(Primitive):
    """A primitive with settings, given by position or keyword."""

    _function: Callable[..., Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = list(self._defaults)
        if len(args) > len(names):
            raise TypeError(f"{self.name}.__init__() takes {len(names) + 1} positional arguments but {len(args) + 1} were given")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self._defaults or name in given:
                raise TypeError(f"{self.name}.__init__() got an unexpected keyword argument '{name}'")
            given[name] = value
        config = {**self._defaults, **given}
        for name, value in config.items():
            if value is REQUIRED:
                raise TypeError(f"{self.name}.__init__() missing 1 required positional argument: '{name}'")
        self._config = config
        self.__dict__.update({k: v for k, v in config.items() if k != "name"})

    def __call__(self, *args: Any) -> Any:
        return type(self)._function(*args, **self._config)


def primitive(name: str, function: Callable[..., Any], /, **defaults: Any) -> type[Primitive]:
    """The class `name` of a primitive that computes `function(*inputs, **settings)`; without settings it adds no cost."""
    if not defaults:
        return type(name, (Primitive,), {"name": name, "__call__": staticmethod(function), "__init__": _no_settings,
                                         "__module__": __package__})
    return type(name, (Configured,), {"name": name, "_defaults": defaults, "_function": staticmethod(function),
                                      "__module__": __package__})


def _no_settings(self: Primitive) -> None:
    return None


def primitives(functions: dict[str, Callable[..., Any]]) -> dict[str, type[Primitive]]:
    """Classes for primitives without settings."""
    return {name: primitive(name, function) for name, function in functions.items()}
