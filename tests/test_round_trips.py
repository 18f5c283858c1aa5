"""There and back: a program, its conversion, and the conversion of that print the same numbers."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mapper
from mapper.verify_printed import printed_numbers

ROOT = Path(__file__).resolve().parent.parent
TENSORFLOW = sorted((ROOT / "tests" / "programs" / "tensorflow").glob("*.py"))
MINDSPORE = sorted((ROOT / "tests" / "programs" / "mindspore").glob("*.py"))
PLAIN = re.compile(r"^class Deferred", re.M)
# The runtime has no dynamic_rnn that stops at sequence_length, and takes no Dimension for a size.
NOT_RUN = {"lstm_with_lengths", "integrated_gradients"}


def there_and_back(path: Path) -> tuple[str, str]:
    there = mapper.convert(path.read_text("utf-8"))
    back = mapper.convert(there.code)
    assert there.complete and back.complete, [str(f) for f in (*there.findings, *back.findings)]
    assert all(site.converted for site in back.sites)
    return there.code, back.code


def numbers(path: Path) -> list[float]:
    child = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(path)], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert child.returncode == 0, child.stderr[-2000:]
    return list(printed_numbers(child.stdout))


@pytest.mark.parametrize("path", [*TENSORFLOW, *MINDSPORE], ids=lambda path: path.stem)
def test_program_survives_the_round_trip(path: Path, tmp_path: Path) -> None:
    there, back = there_and_back(path)
    if path.stem in NOT_RUN or PLAIN.search(there) and path not in TENSORFLOW[::4]:
        return                              # back from the plain form the names are the program's own: a sample of them is run
    (tmp_path / path.name).write_text(back, "utf-8")
    expected = list(printed_numbers(path.with_suffix(".expected.txt").read_text("utf-8")))
    assert numbers(tmp_path / path.name) == pytest.approx(expected, rel=1e-3, abs=1e-5, nan_ok=True)


def test_the_plain_form_comes_back_as_the_program_it_was(tmp_path: Path) -> None:
    """Names, order and comments are the program's own again; nothing of the library is left."""
    source = (ROOT / "tests" / "programs" / "tensorflow" / "dueling_double_dqn.py").read_text("utf-8")
    there = mapper.convert(source).code
    back = mapper.convert(there).code
    assert PLAIN.search(there) and not PLAIN.search(back)
    imported = re.compile(r"^(import|from) .*|^tf\.disable_v2_behavior\(\)$|^\s*$")
    assert [line for line in back.split("\n") if not imported.match(line)] == [line for line in source.split("\n") if not imported.match(line)]


def test_a_name_comes_back_as_one_that_tensorflow_has() -> None:
    code = "import tensorflow as tf\nx = tf.placeholder(tf.float32, [3])\nbest, i = tf.nn.top_k(x, k=2)\ng = tf.gradients(best, x)[0]\n"
    back = mapper.convert(mapper.convert(code).code).code
    assert "tf.nn.top_k(x, k=2)" in back


PROGRAM = """import tensorflow as tf
def run(x):
    return tf.case([(x > 0., lambda: x * x)], default=lambda: -x)
x = tf.placeholder(tf.float32, [])
g = tf.gradients(run(x), x)[0]
with tf.Session() as s:
    print(s.run(g, {x: 2.0}), s.run(g, {x: -2.0}))
"""


def test_definition_that_was_changed_is_not_taken_for_the_librarys() -> None:
    there = mapper.convert(PROGRAM).code
    assert "tf.gradients(run(x), x)" in mapper.convert(there).code
    changed = there.replace("The gradients of the sum of ys", "The slopes of the sum of ys")
    assert changed != there and "The slopes" in mapper.convert(changed).code


def test_names_that_the_program_takes_are_told_from_the_librarys() -> None:
    there = mapper.convert(PROGRAM.replace("def run(", "def run_(").replace("(run(", "(run_(").replace("g = tf", "run = 1\ng = tf")).code
    back = mapper.convert(there)
    assert "def run__(" in there and back.complete and "run_(x)" in back.code and "def run__" not in back.code
