"""Modules that tell what they lack, and names that have no meaning here."""
from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class Missing(NotImplementedError, AttributeError):
    """A name that this face does not have; `hasattr` and try/except fallbacks see an AttributeError."""


Missing.__module__, Missing.__qualname__ = "builtins", "NotImplementedError"          # what a traceback calls it

class Module(ModuleType):
    """A module whose missing names say so, with the caller's file and line."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__ == "mindspore" and name in GONE:
            raise AttributeError(f"module 'mindspore' has no attribute '{name}'")
        frame = sys._getframe(1)
        while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        raise Missing(f"{self.__name__}.{name} is not in mapper's runtime ({frame.f_code.co_filename}:{frame.f_lineno})")


GONE = {"ms_class", "IndexedSlices"}           # as in MindSpore 2.10: programs test for them


class Furniture:
    """Something with no meaning here: takes any arguments, has any attribute, is a context manager, and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.update(kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Furniture()
        self.__dict__[name] = made
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if len(args) == 1 and callable(args[0]) else Furniture()

    def __enter__(self) -> Furniture:
        return self

    def __exit__(self, *error: Any) -> None:
        return None


def unsupported(name: str) -> type[Any]:
    """A class that exists so that programs can import it, and says at its making that it does nothing."""
    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        frame = sys._getframe(1)
        raise NotImplementedError(f"{name} is not in mapper's runtime ({frame.f_code.co_filename}:{frame.f_lineno})")

    return type(name.rpartition(".")[2], (), {"__init__": refuse, "__module__": "mindspore"})
