"""The wheel holds what the tree holds: no module or rule file is forgotten in the list of packages."""
from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"mapper": "mapper", "runtime": "mapper/runtime", "rules": "mapper/rules_data"}


@pytest.mark.skipif(find_spec("setuptools") is None or find_spec("pip") is None, reason="needs pip and setuptools")
def test_wheel_holds_the_tree(tmp_path: Path) -> None:
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path), str(copy)],
                           capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    wheel, = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tree = {f"{inside}/{file.relative_to(ROOT / name)}" for name, inside in FOLDERS.items() for file in (ROOT / name).rglob("*")
            if file.suffix in (".py", ".toml") or file.name == "py.typed"}
    assert packed == tree
