"""Tests marked `native` run where the real frameworks are: in this interpreter, or in the one MAPPER_NATIVE_PYTHON names."""
from __future__ import annotations

import importlib.util
import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    present = "MAPPER_NATIVE_PYTHON" in os.environ or all(importlib.util.find_spec(name) for name in ("tensorflow", "mindspore"))
    if present:
        return
    absent = pytest.mark.skip(reason="the real TensorFlow and MindSpore are not here: pip install -e '.[native]', or set MAPPER_NATIVE_PYTHON")
    for item in items:
        if item.get_closest_marker("native"):
            item.add_marker(absent)
