"""Verify on small pairs of programs written by hand: verdicts, exit codes, pairing of evaluations, finite differences, maps."""
from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mapper
from mapper import report
from mapper.results import Comparison, Site, SourceError, Verification
from mapper.verify_compare import FAR, Tolerance, compare_arrays, judge, judge_site
from mapper.verify_printed import printed_numbers
from mapper.verify_records import UNKNOWN
from mapper.verify_sites import load_map, moved, save_map

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = Tolerance()

TF = """\
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, [3])
w = tf.Variable([1.0, 2.0, 3.0], name="w")
y = tf.reduce_sum(x * x * w)
g = tf.gradients(y, [x, w])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for k in range(3):
        a, b = sess.run(g, {x: [1.0, 2.0, float(k)]})
        print(a, b)
"""
MS = """\
import numpy as np
import mindspore as ms
from mindspore import ops
w = ms.Parameter(ms.Tensor([1.0, 2.0, 3.0], ms.float32), name="w")
def y(x, w):
    return ops.sum(x * x * w)
for k in range(3):
    x = ms.Tensor([1.0, 2.0, float(k)], ms.float32)
    a, b = ops.GradOperation(get_all=True)(y)(x, w.value())
    print(a.asnumpy(), b.asnumpy())
"""


def calls(text: str, marker: str) -> list[tuple[int, int]]:
    """Places of the outermost calls on lines that contain a marker."""
    lines = text.splitlines()
    found: dict[int, tuple[int, int]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and marker in (ast.get_source_segment(text, node) or "") and marker in lines[node.lineno - 1]:
            innermost = (node.lineno, node.col_offset + 1)
            found[node.lineno] = max(found.get(node.lineno, (0, 0)), innermost) if marker == "tf.gradients" else innermost
    return [found[line] for line in sorted(found)]


def verified(folder: Path, tf: str, ms: str, **options: Any) -> Verification:
    """The verdict on a TensorFlow program and its MindSpore counterpart, whose gradient calls correspond in their order."""
    original, converted = folder / "original.py", folder / "converted.py"
    original.write_text(tf)
    converted.write_text(ms)
    places = zip(calls(tf, "tf.gradients"), calls(ms, "GradOperation"), strict=True)
    sites = [Site(f"G{i}", a[0], a[1], b) for i, (a, b) in enumerate(places, 1)]
    save_map(folder / "sites.map", tf, ms, sites)
    return mapper.verify(original, converted, map_file=folder / "sites.map", **options)


def row(result: Verification, what: str = "gradients G1") -> Comparison:
    assert not result.problem, result.problem
    return next(r for r in result.rows if r.what == what)


# --------------------------------------------------------------------------------------------------------------- verdicts

def test_equal_programs_are_exact_at_every_evaluation_and_confirmed(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS)
    assert result.matches
    found = row(result)
    assert (found.verdict, found.evaluations, found.errors) == ("exact", 3, (0.0, 0.0, 0.0))
    assert found.oracle.startswith("finite differences agree")
    assert row(result, "printed numbers").verdict == "exact"
    assert report.verification_text(result).endswith("same numbers: 1 of 1 gradient sites compared, 1 confirmed by finite differences\n")


def test_rounding_is_close_with_its_distances(tmp_path: Path) -> None:
    found = row(verified(tmp_path, TF, MS.replace("x * x * w", "(x + 0.1 - 0.1) * x * w")))
    assert found.verdict == "close"
    assert 0 < found.max_abs < 1e-5 and 0 < found.max_rel < 1e-5 and 0 < found.max_ulp < 100


@pytest.mark.parametrize(("old", "new", "cause"), [
    pytest.param("x * x * w", "x * x", "zeros", id="a dropped factor"),
    pytest.param("ops.sum(x * x * w)", "-ops.sum(x * x * w)", "sign", id="the wrong sign"),
    pytest.param("ops.sum(x * x * w)", "ops.mean(x * x * w)", "0.333333 times", id="a mean for a sum"),
    pytest.param("(x, w.value())", "(x, w.value())[::-1]", "order", id="xs swapped"),
    pytest.param("x * x * w", "x * ops.stop_gradient(x) * w", "", id="a stopped gradient"),
    pytest.param("x * x * w", "x * x * x * w", "", id="another power"),
])
def test_an_error_differs_and_its_cause_is_named(tmp_path: Path, old: str, new: str, cause: str) -> None:
    ms = MS.replace(old, new)
    if "[::-1]" in new:
        ms = MS.replace("def y(x, w)", "def y(w, x)").replace("(x, w.value())", "(w.value(), x)")
    result = verified(tmp_path, TF, ms)
    found = row(result)
    assert found.verdict == "differs" and not result.matches
    assert cause in found.cause
    assert "original, line 6" in found.detail and ">    6 g = tf.gradients" in found.detail and "converted, line" in found.detail


def test_a_tie_is_explained_by_the_point_and_by_the_rule(tmp_path: Path) -> None:
    tf = ("import tensorflow as tf\nx = tf.constant([1.0, 2.0])\nw = tf.constant([1.0, 5.0])\ny = tf.reduce_sum(tf.maximum(x, w))\n"
          "g = tf.gradients(y, [x, w])\nprint(tf.Session().run(g))\n")
    ms = ("import mindspore as ms\nfrom mindspore import ops\nx = ms.Tensor([1.0, 2.0], ms.float32)\nw = ms.Tensor([1.0, 5.0], ms.float32)\n"
          "def f(a, b):\n    return ops.sum(ops.maximum(a, b))\nprint(ops.GradOperation(get_all=True)(f)(x, w))\n")
    (tmp_path / "o.py").write_text(tf)
    (tmp_path / "c.py").write_text(ms)
    found = row(mapper.verify(tmp_path / "o.py", tmp_path / "c.py"))          # no map: one gradient here, one there
    assert found.verdict == "differs" and found.converted_line == 7
    assert "a tie or a bound" in found.cause and "line 4, tf.maximum: equal elements" in found.cause


def test_the_first_wrong_evaluation_is_shown_with_the_element_furthest_apart(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS.replace("float(k)]", "float(k) + (k == 1)]"))
    found = row(result)
    assert found.verdict == "differs"
    assert "evaluation 2 of 3" in found.detail
    assert "furthest apart at [2]" in found.detail
    assert found.max_abs == 6.0 and found.errors == (0.0, 6.0, 0.0)


def test_sens_left_out_differs(tmp_path: Path) -> None:
    tf = TF.replace("tf.gradients(y, [x, w])", "tf.gradients(x * w, [x, w], grad_ys=[tf.constant([2.0, 3.0, 4.0])])")
    ms = MS.replace("ops.sum(x * x * w)", "x * w").replace("get_all=True)(y)(x, w.value())", "get_all=True, sens_param=True)(y)(x, w.value(), "
                                                           "ms.Tensor([2.0, 3.0, 4.0], ms.float32))")
    assert row(verified(tmp_path, tf, ms)).verdict == "exact"
    assert row(verified(tmp_path, tf, ms.replace(", sens_param=True", "").replace(", ms.Tensor([2.0, 3.0, 4.0], ms.float32))", ")"))).verdict == "differs"


def test_another_dtype_or_shape_differs(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS.replace("ms.float32", "ms.float64"))
    assert row(result).verdict == "differs" and "dtype float32 against float64" in row(result).detail
    result = verified(tmp_path, TF, MS.replace("float(k)]", "float(k)] * 1").replace("ms.Tensor([1.0, 2.0, float(k)] * 1, ms.float32)",
                                                                                  "ms.Tensor([[1.0, 2.0, float(k)]], ms.float32)"))
    assert row(result).verdict == "differs" and "shape [3] against [1, 3]" in row(result).detail


def test_none_is_zeros_in_mindspore_and_nothing_else(tmp_path: Path) -> None:
    tf = TF.replace("x * x * w", "x * x").replace("g = tf.gradients(y, [x, w])", "g = tf.gradients(y, [x, w])\ng = [g[0], tf.zeros([3])]")
    found = row(verified(tmp_path, tf, MS.replace("x * x * w", "x * x")))
    assert (found.verdict, found.notes) == ("exact", ("None in TensorFlow is zeros in MindSpore",))
    found = row(verified(tmp_path, tf, MS.replace("x * x * w", "x * x + w")))
    assert found.verdict == "differs" and "connected to ys in one program only" in found.cause


def test_only_printed_numbers_differ(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS.replace("print(a.asnumpy()", "print(a.asnumpy() + 1"))
    assert row(result).verdict == "exact" and not result.matches
    assert row(result, "printed numbers").verdict == "differs"
    assert "number 1 of the output: 2 in the original, 3 in the converted program" in row(result, "printed numbers").detail


def test_only_a_variable_that_stays_behind_differs(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS + "w.set_data(ms.Tensor([9.0, 2.0, 3.0], ms.float32))\n")
    assert row(result, "final variables").verdict == "differs" and not result.matches


# ---------------------------------------------------------------------------------------------------------- which runs count

def test_a_run_that_fetches_some_gradients_is_compared_with_what_the_other_side_knows(tmp_path: Path) -> None:
    tf = TF.replace("        a, b = sess.run(g,", "        a = sess.run(g[0], {x: [1.0, 2.0, float(k)]})\n        b = sess.run(g[1],")
    result = verified(tmp_path, tf, MS)
    assert row(result).verdict == "exact" and row(result).evaluations == 6
    wrong = verified(tmp_path, tf, MS.replace("def y(x, w):", "def y(x, v):\n    w = ops.stop_gradient(v) + 0 * v"))
    assert row(wrong).verdict == "differs"


def test_a_site_that_nobody_reaches_is_listed_and_does_not_fail(tmp_path: Path) -> None:
    idle_tf = TF + "def never(z):\n    return tf.gradients(z * z, z)\n"
    idle_ms = MS + "def never(z):\n    return ops.GradOperation()(y)(z, z)\n"
    result = verified(tmp_path, idle_tf, idle_ms, generated_inputs=False)
    assert result.matches
    assert row(result, "gradients G2").verdict == "not run" and row(result, "gradients G2").notes
    assert "1 of 2 gradient sites compared" in report.verification_text(result)


def test_a_site_that_only_the_original_reaches_differs(tmp_path: Path) -> None:
    ms = MS.replace("    a, b = ops", "    if k > 5:\n        ops")
    ms = ms.replace("    print(a.asnumpy(), b.asnumpy())", "    print(2 * x.asnumpy() * w.asnumpy(), x.asnumpy() ** 2)")
    result = verified(tmp_path, TF, ms)
    assert row(result, "printed numbers").verdict == "exact"
    assert row(result).verdict == "differs" and "never computed this gradient" in row(result).detail


def test_a_loop_that_stops_early_differs_unless_what_it_leaves_out_is_a_repetition(tmp_path: Path) -> None:
    ms = MS.replace("range(3)", "range(2)")
    assert row(verified(tmp_path, TF, ms)).verdict == "differs"
    assert row(verified(tmp_path, TF.replace("float(k)", "0.0"), ms.replace("float(k)", "0.0"))).verdict == "exact"


def test_two_sites_on_one_line_are_told_apart(tmp_path: Path) -> None:
    tf = ("import tensorflow as tf\nx = tf.constant(3.0)\na, b = tf.gradients(x * x, x)[0], tf.gradients(x * 5.0, x)[0]\n"
          "print(tf.Session().run([a, b]))\n")
    original, converted = tmp_path / "o.py", tmp_path / "c.py"
    original.write_text(tf)
    ms = ("import mindspore as ms\nfrom mindspore import ops\nx = ms.Tensor(3.0, ms.float32)\ndef f(x):\n    return x * x\ndef g(x):\n    return x * 5.0\n"
          "a, b = ops.GradOperation()(f)(x), ops.GradOperation()(g)(x)\nprint(a, b)\n")
    converted.write_text(ms)
    line = ms.splitlines()[7]
    first, second = (8, line.index("ops") + 1), (8, line.rindex("ops") + 1)
    tf_line = tf.splitlines()[2]
    places = (3, tf_line.index("tf.") + 1), (3, tf_line.rindex("tf.") + 1)
    for pair, verdict in (((first, second), "exact"), ((second, first), "differs")):
        save_map(tmp_path / "m", tf, ms, [Site(f"G{i}", *place, other) for i, (place, other) in enumerate(zip(places, pair, strict=True), 1)])
        result = mapper.verify(original, converted, map_file=tmp_path / "m")
        assert [r.verdict for r in result.rows[:2]] == [verdict] * 2


# ------------------------------------------------------------------------------------------------------ finite differences

THROUGH_INTEGERS = """\
import mindspore as ms
from mindspore import ops
def f(x):
    return (x.astype(ms.int32).astype(ms.float32) * 3.0).sum()
print(ops.GradOperation()(f)(ms.Tensor([1.25, 2.5], ms.float32)))
"""


def test_where_both_agree_and_finite_differences_do_not_both_are_doubtful(tmp_path: Path) -> None:
    """MindSpore passes a gradient through integers, where the function is a staircase."""
    (tmp_path / "a.py").write_text(THROUGH_INTEGERS)
    result = mapper.verify(tmp_path / "a.py", tmp_path / "a.py")
    found = next(r for r in result.rows if r.line)
    assert found.verdict == "doubtful" and not result.matches
    assert "both programs agree, and both are doubtful" in report.verification_text(result)
    result = mapper.verify(tmp_path / "a.py", tmp_path / "a.py", finite_differences=False)
    assert result.matches and next(r for r in result.rows if r.line).verdict == "exact"


@pytest.mark.parametrize(("y", "start", "said"), [
    ("tf.reduce_sum(tf.maximum(x, w))", "1.0, 2.0", "not differentiable"),
    ("tf.reduce_sum(tf.stop_gradient(x) * w * x)", "1.0, 2.0", "finite differences agree"),
    ("tf.reduce_sum(tf.floor(x) * w)", "1.5, 2.5", "finite differences agree"),
    ("tf.reduce_sum(tf.abs(x - w))", "5.0, 5.0", "finite differences agree"),
    ("tf.gradients(tf.reduce_sum(x * x * w * w), x)[0]", "1.5, 2.5", "finite differences agree"),
    ("tf.reduce_sum(custom(x) * w)", "1.5, 2.5", "no finite differences: the program defines a gradient of its own"),
])
def test_what_finite_differences_say(tmp_path: Path, y: str, start: str, said: str) -> None:
    (tmp_path / "a.py").write_text("import tensorflow as tf\n@tf.custom_gradient\ndef custom(x):\n    return x, lambda g: 7.0 * g\n"
                                   f"x = tf.constant([{start}])\nw = tf.constant([1.0, 2.0])\ny = {y}\n"
                                   "print(tf.Session().run([g for g in tf.gradients(y, [x, w]) if g is not None]))\n")
    result = mapper.verify(tmp_path / "a.py", tmp_path / "a.py")
    assert said in [r for r in result.rows if r.line][-1].oracle


# ------------------------------------------------------------------------------------------------------------- the command

def command(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mapper", "verify", *map(str, arguments)], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_exit_codes_and_json(tmp_path: Path) -> None:
    seed = ROOT / "examples" / "seed_tensorflow.py"
    done = command(seed, "--json")
    assert done.returncode == 0
    table = json.loads(done.stdout)
    assert table["matches"] and table["settings"]["rtol"] == 1e-4 and table["machine"]["NumPy"] == np.__version__
    assert table["rows"][0]["verdict"] == "exact" and table["rows"][0]["oracle"].startswith("finite differences agree")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(mapper.convert(seed.read_text()).code.replace("+", "-"))
    assert command(seed, wrong).returncode == 1
    (tmp_path / "raises.py").write_text("import tensorflow as tf\nraise ValueError('too bad')\n")
    done = command(tmp_path / "raises.py", seed)
    assert done.returncode == 2 and "too bad" in done.stdout
    assert command(tmp_path / "missing.py").returncode == 2


def test_wider_tolerances_are_in_the_report(tmp_path: Path) -> None:
    result = verified(tmp_path, TF, MS.replace("x * x * w", "1.01 * x * x * w"), rtol=0.1)
    assert row(result).verdict == "close"
    assert "tolerances: rtol 0.1 instead of 0.0001" in report.verification_text(result)


def test_nothing_computed_and_nothing_printed_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import tensorflow as tf\nx = 1\n")
    result = mapper.verify(tmp_path / "a.py", tmp_path / "a.py")
    assert "nothing was compared" in result.problem and not result.matches


# -------------------------------------------------------------------------------------------------------------------- maps

def test_a_saved_map_is_found_beside_the_converted_program_and_survives_an_edit(tmp_path: Path) -> None:
    seed = ROOT / "examples" / "seed_tensorflow.py"
    text = seed.read_text()
    converted = tmp_path / "c.py"
    code = mapper.convert(text).code
    converted.write_text(code)
    assert command(seed, converted, "--save-map", tmp_path / "c.py.map").returncode == 0
    before = load_map(tmp_path / "c.py.map", text, code)
    edited = "# a person was here\n\n" + code.replace("import mindspore as ms", "import mindspore as ms\n\n# and here\n")
    after = load_map(tmp_path / "c.py.map", text, edited)
    assert [s.converted[0] + 5 for s in before if s.converted] == [s.converted[0] for s in after if s.converted]
    converted.write_text(edited)
    assert "1 of 1 gradient sites compared" in command(seed, converted).stdout
    with pytest.raises(SourceError, match="belongs to another text"):
        load_map(tmp_path / "c.py.map", text + "\n", code)
    (tmp_path / "c.py.map").write_text("no map")
    done = command(seed, converted)
    assert done.returncode == 2 and "is not a map of sites" in done.stderr


@pytest.mark.parametrize(("edited", "line"), [
    ("import a\nx = 1\ndef f():\n    g = grad(p)(q)\n", 4),
    ("def f():\n    gg = grad(p)(q)\n", 2),
    ("def f():\n    g = grad(other)(q, 3)\n", 2),
    ("def f():\n    pass\n", None),
])
def test_sites_are_found_again_in_edited_text(edited: str, line: int | None) -> None:
    site = Site("G1", 1, 1, (2, 9))
    found = moved([site], "def f():\n    g = grad(p)(q)\n", edited)[0].converted
    assert (found and found[0]) == line


# --------------------------------------------------------------------------------------------------------------- the parts

def array(*values: float, dtype: Any = np.float32) -> Any:
    return np.array(values, dtype)


@pytest.mark.parametrize(("a", "b", "verdict"), [
    (array(1, 2), array(1, 2), "exact"),
    (array(1, np.nan), array(1, np.nan), "exact"),
    (array(1, 2), array(1, 2 + 1e-6), "close"),
    (array(1, 2), array(1, 2.1), "differs"),
    (array(1, np.inf), array(1, -np.inf), "differs"),
    (array(1, np.nan), array(1, 2), "differs"),
    (array(0, 0), array(0, 5e-7), "close"),
    (array(1e6, 0), array(1e6, 0.5), "close"),
    (array(1, 2), array(1, 2, dtype=np.float64), "differs"),
    (array(1, 2), array(1, 2).reshape(2, 1), "differs"),
    (array(1, 2, dtype=np.int32), array(1, 3, dtype=np.int32), "differs"),
    (array(), array(), "exact"),
])
def test_arrays(a: Any, b: Any, verdict: str) -> None:
    assert compare_arrays(a, b, TOLERANCE)[0] == verdict
    assert compare_arrays(b, a, TOLERANCE)[0] == verdict


def test_ulp_counts_steps_between_neighbours() -> None:
    one = np.float32(1)
    three = np.nextafter(np.nextafter(np.nextafter(one, np.float32(2)), np.float32(2)), np.float32(2))
    assert compare_arrays(np.array([one]), np.array([three]), TOLERANCE)[1][2] == 3


def test_unknown_gradients_are_left_out_but_nothing_in_common_proves_nothing() -> None:
    a, b = array(1), array(2)
    assert judge((a, UNKNOWN), (a, b), TOLERANCE).verdict == "exact"
    assert judge((UNKNOWN, b), (a, b), TOLERANCE).verdict == "exact"
    assert judge((UNKNOWN, b), (a, a), TOLERANCE).verdict == "differs"
    assert judge((UNKNOWN, b), (a, UNKNOWN), TOLERANCE) .distance == FAR


def test_evaluations_of_one_place_may_come_in_another_order_but_each_only_once() -> None:
    a, b, c = ((array(v),) for v in (1, 2, 3))
    assert judge_site([a, b], [b, a], [], TOLERANCE).verdict == "exact"
    assert judge_site([a, b], [b, a], [], TOLERANCE, runs=[1, 1]).verdict == "exact"
    assert judge_site([a, b], [b, a], [], TOLERANCE, runs=[1, 2]).verdict == "differs"
    assert judge_site([a, a], [a, b], [], TOLERANCE).verdict == "differs"
    assert judge_site([a, a, a], [a], [], TOLERANCE).verdict == "exact"
    assert judge_site([a, b], [a], [], TOLERANCE).verdict == "differs"
    assert judge_site([a, b], [a], [b], TOLERANCE).verdict == "exact"
    assert judge_site([a, b], [c], [a, b], TOLERANCE).verdict == "differs"
    assert judge_site([a], [], [c, a], TOLERANCE).verdict == "exact"
    assert judge_site([a], [], [c], TOLERANCE).verdict == "differs"


@pytest.mark.parametrize(("text", "numbers"), [
    ("loss 1.5 [2. 3e-4]", [1.5, 2.0, 3e-4]),
    ("array([1, 2], dtype=float32) w1:0 True", [1, 2, 1]),
    ("np.float32(0.5) nan -inf", [0.5, None, -float("inf")]),
])
def test_printed_numbers(text: str, numbers: list[float | None]) -> None:
    found = printed_numbers(text)
    assert len(found) == len(numbers)
    assert all(b is None and a != a or a == b for a, b in zip(found, numbers, strict=True))
