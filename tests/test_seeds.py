"""The two seed programs: converted, run, verified, converted back; a changed number is found."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
NUMBERS = {
    "seed_tensorflow.py": [2, 2, 3, 2, 2, 3, 5, 4, 7, 3, 2, 4],
    "seed_mindspore.py": [1.4100001, 1.5999999, 6.6, 1.4100001, 1.5999999, 6.6],
}


def mapper(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "mapper", *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=folder)


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e-?\d+)?", re.sub(r"dtype=\w+", "", text))]


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_seed_runs_converts_and_runs_again(name: str, tmp_path: Path) -> None:
    assert numbers(mapper("run", EXAMPLES / name).stdout) == pytest.approx(NUMBERS[name], rel=1e-6)
    converted = tmp_path / "converted.py"
    result = mapper("convert", EXAMPLES / name, "-o", converted)
    assert result.returncode == 0 and "1 of 1 gradient sites converted" in result.stderr
    assert "mapper" not in converted.read_text()
    assert numbers(mapper("run", converted).stdout) == pytest.approx(NUMBERS[name], rel=1e-6)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_seed_verifies_and_a_changed_number_is_named(name: str, tmp_path: Path) -> None:
    converted = tmp_path / "converted.py"
    mapper("convert", EXAMPLES / name, "-o", converted)
    assert mapper("verify", EXAMPLES / name, converted).returncode == 0
    text = converted.read_text()
    old, new = ("[3.,2.,4.]", "[3.,2.,5.]") if name == "seed_tensorflow.py" else ("[2.1, 1.2, 3.3]", "[2.1, 1.2, 3.4]")
    assert old in text
    converted.write_text(text.replace(old, new))
    result = mapper("verify", EXAMPLES / name, converted)
    assert result.returncode == 1
    assert re.search(r"^\S+ \S+ +line \d+ +line \d+ +1 +differs", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_seed_survives_the_round_trip(name: str, tmp_path: Path) -> None:
    there, back = tmp_path / "there.py", tmp_path / "back.py"
    assert mapper("convert", EXAMPLES / name, "-o", there).returncode == 0
    assert mapper("convert", there, "-o", back).returncode == 0
    assert numbers(mapper("run", back).stdout) == pytest.approx(NUMBERS[name], rel=1e-6)
    assert mapper("verify", EXAMPLES / name, back).returncode in (0, 1)


@pytest.mark.native
@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_converted_seed_prints_the_same_on_the_real_framework(name: str, tmp_path: Path) -> None:
    python = os.environ.get("MAPPER_NATIVE_PYTHON", sys.executable)
    converted = tmp_path / "converted.py"
    mapper("convert", EXAMPLES / name, "-o", converted)
    result = subprocess.run([python, str(converted)], capture_output=True, text=True, cwd=tmp_path,
                            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4"})
    assert result.returncode == 0, result.stderr
    assert numbers(result.stdout) == pytest.approx(NUMBERS[name], rel=1e-6)
