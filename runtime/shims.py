"""Serves `import tensorflow` and `import mindspore` from the bundled faces, in this process only."""
from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

FACES = ("tensorflow", "mindspore")


class MissingModule(ModuleNotFoundError, NotImplementedError):
    """A module that a face does not have; try/except fallbacks see an ImportError."""


MissingModule.__module__, MissingModule.__qualname__ = "builtins", "NotImplementedError"       # what a traceback calls it


def _missing(name: str) -> MissingModule:
    """The error for a module, with the file and line that import it."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    # Without its `name`, or `from package import module` would take it for a name that the package lacks and say less.
    return MissingModule(f"{name} is not in mapper's runtime ({frame.f_code.co_filename}:{frame.f_lineno})")


class FaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of a face, which is loaded when it is first imported."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        face = fullname.partition(".")[0]
        if face not in FACES:
            return None
        known = importlib.import_module(f".{face}", __package__).modules()
        if fullname not in known:
            if face != fullname:
                raise _missing(fullname)
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        module: ModuleType = importlib.import_module(f".{spec.name.partition('.')[0]}", __package__).modules()[spec.name]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


def install() -> None:
    """Puts the faces before everything else on the import path of this process."""
    # A graph only grows: to look through all of it again and again finds nothing. What dies young is found as before.
    gc.set_threshold(*gc.get_threshold()[:2], 1000)
    if not any(isinstance(finder, FaceFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, FaceFinder())
