"""Verify on the real frameworks: agreement with the bundled runtime, equal initial values, and what is said where one is missing."""
from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mapper
from mapper import report
from mapper.results import SourceError, Verification

ROOT = Path(__file__).resolve().parent.parent
TENSORFLOW, MINDSPORE = ROOT / "tests/programs/tensorflow", ROOT / "tests/programs/mindspore"
RANDOM_START = {
    "tensorflow": """\
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 3], name='x')
with tf.variable_scope('net'):
    w = tf.get_variable('w', [3, 4])
    u = tf.get_variable('u', [4, 1], initializer=tf.truncated_normal_initializer(stddev=0.5))
loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, w)), u)))
grads = tf.gradients(loss, [w, u])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for k in range(3):
        print(sess.run([loss, grads[k % 2]], {x: np.full((2, 3), 0.1 + 0.2 * k)}))
""",
    "mindspore": """\
import numpy as np
import mindspore as ms
from mindspore import nn, ops
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(3, 4)
        self.b = nn.Dense(4, 1, has_bias=False)
    def construct(self, x):
        return self.b(ops.tanh(self.a(x))).sum()
net = Net()
for k in range(2):
    print(ops.GradOperation()(net)(ms.Tensor(np.full((2, 3), 0.5 + k), ms.float32)))
""",
}


def agreed(path: Path, **options: Any) -> Verification:
    """The three-way verdict on a program, which must be agreement."""
    result = mapper.verify(path, backend="native", **options)
    assert result.matches, report.verification_text(result)
    for line in result.agreements:
        assert {line.real, line.original, line.converted} <= {"exact", "close", "not run"}, report.verification_text(result)
    return result


@pytest.mark.native
@pytest.mark.parametrize("path", [ROOT / "examples/seed_tensorflow.py", ROOT / "examples/seed_mindspore.py", MINDSPORE / "functional_api.py",
                                  MINDSPORE / "eight_combinations.py", MINDSPORE / "maml_functions.py", TENSORFLOW / "influence_hvp.py"],
                         ids=lambda path: path.stem)
def test_bundled_original_real_original_and_real_converted_agree(path: Path) -> None:
    result = agreed(path)
    assert "tensorflow" in result.machine and "mindspore" in result.machine
    assert any(row.line and row.verdict in ("exact", "close") for row in result.rows)


@pytest.mark.native
def test_every_program_agrees_on_the_real_frameworks() -> None:
    """Every eighth program of these folders, and all of those beside the checkout, where they are."""
    shared = sorted((ROOT.parent / "shared/programs").glob("*/*.py"))
    paths = [*shared, *sorted(TENSORFLOW.glob("*.py"))[::8], *sorted(MINDSPORE.glob("*.py"))[::8]]

    def verdict(path: Path) -> str:
        try:
            result = agreed(path)
        except (AssertionError, SourceError) as error:
            return f"{path.stem}: {error}"
        seen = [row.verdict for row in result.rows if row.line]
        return "" if set(seen) <= {"exact", "close", "not run"} else f"{path.stem}: {seen}"

    with ThreadPoolExecutor(2) as pool:
        wrong = [line for line in pool.map(verdict, paths) if line]
    assert len(paths) > 15 and not wrong, "\n".join(wrong)


@pytest.mark.native
@pytest.mark.parametrize("framework", ["tensorflow", "mindspore"])
def test_random_initial_values_are_equal_on_all_sides(framework: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(RANDOM_START[framework])
    result = agreed(tmp_path / "program.py")
    assert all(row.verdict in ("exact", "close") for row in result.rows)


@pytest.mark.native
def test_one_real_framework_against_the_bundled_other(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(RANDOM_START["tensorflow"])
    result = mapper.verify(tmp_path / "program.py", backend="tensorflow")
    assert result.matches and "tensorflow" in result.machine and "mindspore" not in result.machine


@pytest.mark.native
def test_a_wrong_conversion_differs_on_the_real_frameworks(tmp_path: Path) -> None:
    text = RANDOM_START["tensorflow"]
    (tmp_path / "program.py").write_text(text)
    (tmp_path / "wrong.py").write_text(mapper.convert(text.replace("tf.tanh", "tf.sin")).code)
    result = mapper.verify(tmp_path / "program.py", tmp_path / "wrong.py", backend="native")
    assert not result.matches and "bundled original = real original" in report.verification_text(result)


def test_a_missing_framework_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAPPER_NATIVE_PYTHON", raising=False)
    bare = tmp_path / "bare"
    bare.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S \"$@\"\n")
    bare.chmod(0o755)
    with pytest.raises(SourceError, match=r"mindspore is not installed for .*bare: run `.*bare -m pip install mindspore 'numpy<2'`.*--mindspore-python"):
        mapper.verify(ROOT / "examples/seed_tensorflow.py", backend="native", mindspore_python=str(bare), tensorflow_python=str(bare))
    with pytest.raises(SourceError, match="cannot be run as a Python interpreter"):
        mapper.verify(ROOT / "examples/seed_tensorflow.py", backend="native", mindspore_python=str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="is not one of: numpy, native, tensorflow, mindspore"):
        mapper.verify(ROOT / "examples/seed_tensorflow.py", backend="torch")
