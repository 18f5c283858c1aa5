"""Serves `import tensorflow` and `import mindspore` from the bundled faces, in this process only."""
from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

FACES = ("tensorflow", "mindspore")


class FaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of a face, which is loaded when it is first imported."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        face = fullname.partition(".")[0]
        if face not in FACES:
            return None
        known = importlib.import_module(f".{face}", __package__).modules()
        if fullname not in known:
            if face != fullname:
                raise ModuleNotFoundError(f"No module named {fullname!r} in mapper's runtime", name=fullname)
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        module: ModuleType = importlib.import_module(f".{spec.name.partition('.')[0]}", __package__).modules()[spec.name]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


def install() -> None:
    """Puts the faces before everything else on the import path of this process."""
    if not any(isinstance(finder, FaceFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, FaceFinder())
