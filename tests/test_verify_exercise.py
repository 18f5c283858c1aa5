"""Verify on programs that define and do not run: generated inputs, --call, --inputs, and equal initial values."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mapper
from mapper import report
from mapper.results import Comparison, SourceError, Verification

FUNCTIONS = """\
import tensorflow as tf
def saliency(image, weights):
    score = tf.reduce_sum(tf.maximum(tf.matmul(image, weights), 0.0))
    return tf.gradients(score, image)[0]
"""
GRAPH = """\
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 3], name='x')
w = tf.get_variable('w', [3, 2])
loss = tf.reduce_sum(tf.tanh(tf.matmul(x, w)))
gx, gw = tf.gradients(loss, [x, w])
"""
NETWORK = """\
import numpy as np
import mindspore as ms
from mindspore import nn, ops
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(3, 3)
        self.b = nn.Dense(3, 3, has_bias=False)
        self.c = nn.Dense(3, 1)
    def construct(self, x):
        return self.c(ops.tanh(self.b(ops.tanh(self.a(x))))).sum()
"""


def verified(folder: Path, text: str, converted: str | None = None, **options: Any) -> Verification:
    (folder / "program.py").write_text(text)
    if converted is not None:
        (folder / "converted.py").write_text(converted)
    return mapper.verify(folder / "program.py", folder / "converted.py" if converted is not None else None, **options)


def row(result: Verification, what: str = "gradients G1") -> Comparison:
    assert not result.problem, result.problem
    return next(r for r in result.rows if r.what == what)


@pytest.mark.parametrize("text", [FUNCTIONS, GRAPH], ids=["a function", "a graph without a session"])
def test_what_is_never_run_is_run_with_random_values_and_where_functions_are_not_smooth(tmp_path: Path, text: str) -> None:
    result = verified(tmp_path, text)
    found = row(result)
    assert result.matches and found.verdict in ("exact", "close") and found.evaluations == 4
    assert "reached with random, zeros, ties, bounds inputs" in found.notes
    assert "finite differences agree" in found.oracle


@pytest.mark.parametrize(("text", "old", "new"), [
    (FUNCTIONS, "tf.maximum(tf.matmul(image, weights), 0.0)", "tf.maximum(0.0, tf.matmul(image, weights))"),
    (GRAPH, "tf.tanh(tf.matmul(x, w))", "tf.sin(tf.matmul(x, w))"),
], ids=["a tie that goes to the other side", "another function"])
def test_a_wrong_conversion_of_what_is_never_run_differs(tmp_path: Path, text: str, old: str, new: str) -> None:
    wrong = mapper.convert(text.replace(old, new)).code
    result = verified(tmp_path, text, wrong)
    assert row(result).verdict == "differs" and not result.matches


def test_a_function_that_arrays_cannot_be_given_to_is_listed_with_the_reason(tmp_path: Path) -> None:
    text = FUNCTIONS + "def penalty(critic, x):\n    return tf.gradients(critic(x), x)\n"
    result = verified(tmp_path, text)
    assert row(result, "gradients G2").verdict == "not run"
    assert any("penalty cannot be called with generated arrays" in note for note in row(result, "gradients G2").notes)
    assert "1 of 2 gradient sites compared" in report.verification_text(result)


def test_no_generated_inputs(tmp_path: Path) -> None:
    result = verified(tmp_path, FUNCTIONS, generated_inputs=False)
    assert "nothing was compared" in result.problem


def test_call_with_inputs_from_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", image=np.full((2, 5), 0.5, np.float32), weights=np.arange(10, dtype=np.float32).reshape(5, 2))
    result = verified(tmp_path, FUNCTIONS, call=("saliency",), inputs=tmp_path / "data.npz")
    assert row(result, "call saliency").verdict == "exact" and row(result, "call saliency").evaluations == 1
    wrong = mapper.convert(FUNCTIONS.replace("[0]", "[0] * 2.0")).code
    assert row(verified(tmp_path, FUNCTIONS, wrong, call=("saliency",), inputs=tmp_path / "data.npz"), "call saliency").verdict == "differs"


def test_a_call_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    result = verified(tmp_path, FUNCTIONS + "print(1)\n", call=("nobody",))
    assert "the program has no function nobody" in result.problem
    with pytest.raises(SourceError, match="no such file"):
        verified(tmp_path, FUNCTIONS, inputs=tmp_path / "none.npz")


def test_random_initial_values_are_equal_whatever_the_variables_are_called(tmp_path: Path) -> None:
    """MindSpore's a.weight is TensorFlow's weight_1 or whatever the converter calls it."""
    result = verified(tmp_path, NETWORK + "net = Net()\nprint(ops.GradOperation()(net)(ms.Tensor(np.ones((2, 3)), ms.float32)))\n")
    assert row(result, "GradOperation 1").verdict in ("exact", "close") and result.matches
    result = verified(tmp_path, NETWORK + "def f(x):\n    return ops.GradOperation()(Net())(x)\n")
    assert row(result, "GradOperation 1").verdict in ("exact", "close") and result.matches


def test_what_the_graph_draws_for_a_variable_is_what_the_parameter_begins_with(tmp_path: Path) -> None:
    """tf.random_normal draws from the graph's stream, initializer(Normal(…)) by the Parameter's name; the variables have the same names."""
    (tmp_path / "drawn.py").write_text("import tensorflow as tf\nw = tf.Variable(tf.random_normal([3], stddev=0.5), name='w')\n"
                                       "v = tf.Variable(tf.truncated_normal([3]), name='v')\ny = tf.reduce_sum(tf.exp(w) * v)\ng = tf.gradients(y, [w, v])\n"
                                       "with tf.Session() as s:\n    s.run(tf.global_variables_initializer())\n    print(s.run(g))\n")
    result = mapper.verify(tmp_path / "drawn.py")
    assert "initializer(Normal(0.5)" in result.sources[1] and result.matches, result.rows
