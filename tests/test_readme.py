"""What the README shows is what the tool does."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mapper

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def test_the_example_is_the_file_and_its_conversion() -> None:
    example, converted = blocks("python")
    assert example == (ROOT / "examples" / "slope.py").read_text()
    assert converted == mapper.convert(example).code


def test_the_first_command_prints_what_is_shown() -> None:
    command = blocks("sh")[0].split("&&")[-1].split()
    assert command[0] == ".venv/bin/mapper"
    result = subprocess.run([sys.executable, "-m", "mapper", *command[1:]], capture_output=True, text=True, cwd=ROOT,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert result.stdout == blocks("text")[0]
    assert result.returncode == 0


def test_the_second_command_is_what_the_gate_runs() -> None:
    command = blocks("sh")[1].split("&&")[-1].split("/python ")[1].strip()
    assert command in (ROOT / ".ci" / "run").read_text()
