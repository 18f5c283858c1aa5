"""TensorFlow to MindSpore: whole programs keep their numbers; every reference to TensorFlow is converted or marked."""
from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import mapper
from mapper.staging.to_functions import convert_plainly

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted((ROOT / "tests" / "programs" / "tensorflow").glob("*.py"))
_DROPPED = re.compile(r"dtype\s*=\s*[\w.]+|(?<=\w):0(?![\d.])|\b(?:np|numpy)\.\w+(?=\()")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|(?<![\w.])[-+]?(?:inf|nan)\b|\bTrue\b|\bFalse\b")


def numbers(text: str) -> list[float]:
    return [{"True": 1.0, "False": 0.0}.get(n) if n in ("True", "False") else float(n) for n in _NUMBER.findall(_DROPPED.sub(" ", text))]  # type: ignore[misc]


def run_bundled(path: Path) -> str:
    result = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(path)], capture_output=True, text=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=path.parent, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_converted_program_prints_the_numbers_of_the_real_tensorflow(path: Path, tmp_path: Path) -> None:
    conversion = mapper.convert(path.read_text(), filename=str(path))
    assert conversion.complete and not conversion.findings
    assert "# mapper:" not in conversion.code
    assert all(site.converted is not None for site in conversion.sites)
    converted = tmp_path / path.name
    converted.write_text(conversion.code)
    expected = numbers(path.with_suffix(".expected.txt").read_text())
    assert numbers(run_bundled(converted)) == pytest.approx(expected, rel=1e-3, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_no_reference_to_tensorflow_is_left(path: Path) -> None:
    code = mapper.convert(path.read_text(), filename=str(path)).code
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    said = " ".join(token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.STRING))
    assert not re.search(r"\btf \.|\bimport tensorflow", said)


@pytest.mark.native
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_converted_program_prints_the_same_on_the_real_mindspore(path: Path, tmp_path: Path) -> None:
    converted = tmp_path / path.name
    converted.write_text(mapper.convert(path.read_text(), filename=str(path)).code)
    python = os.environ.get("MAPPER_NATIVE_PYTHON", sys.executable)
    result = subprocess.run([python, str(converted)], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "GLOG_v": "4"}, timeout=300)
    assert result.returncode == 0, result.stderr
    expected = numbers(path.with_suffix(".expected.txt").read_text())
    assert numbers(result.stdout) == pytest.approx(expected, rel=1e-3, abs=1e-5, nan_ok=True)


BODY = """
x = {tf}placeholder({tf}float32, [2])
y = {tf}reduce_sum(x * x)
g = {gradients}(y, x)[0]
with {tf}Session() as session:
    print(session.run(g, {{x: [1., 2.]}}))
"""
STYLES = {
    "plain import": ("import tensorflow", "tensorflow.", "tensorflow.gradients"),
    "compat.v1": ("import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()", "tf.", "tf.gradients"),
    "one name": ("from tensorflow import gradients as g_\nimport tensorflow as tf", "tf.", "g_"),
    "inner module": ("from tensorflow.python.ops import gradients_impl\nimport tensorflow as tf", "tf.", "gradients_impl.gradients"),
    "fallback": ("try:\n    import tensorflow.compat.v1 as tf\n    tf.disable_v2_behavior()\n"
                 "except ImportError:\n    import tensorflow as tf", "tf.", "tf.gradients"),
    "by version": ("import tensorflow as tf\nif tf.__version__.startswith('2'):\n    import tensorflow.compat.v1 as tf", "tf.", "tf.gradients"),
    "alias of an alias": ("import tensorflow as tf\ntf = tf.compat.v1\ntf.disable_v2_behavior()", "tf.", "tf.gradients"),
    "a local variable called tf": ("import tensorflow as tf\ndef plus(tf):\n    return tf + 1\nassert plus(1) == 2", "tf.", "tf.gradients"),
    "several modules in one line": ("import sys, numpy as np, tensorflow as tf", "tf.", "tf.gradients"),
}


@pytest.mark.parametrize("style", STYLES)
def test_import_styles(style: str, tmp_path: Path) -> None:
    imports, prefix, gradients = STYLES[style]
    conversion = mapper.convert(imports + "\n" + BODY.format(tf=prefix, gradients=gradients))
    assert conversion.complete and "tensorflow" not in conversion.code
    path = tmp_path / "program.py"
    path.write_text(conversion.code)
    assert numbers(run_bundled(path)) == [2.0, 4.0]


def test_a_name_without_counterpart_is_marked_and_the_rest_converted() -> None:
    conversion = mapper.convert("import tensorflow as tf\nx = tf.constant(2.0)\ny = tf.quantum_leap(x)\nz = tf.gradients(x * x, x)[0]\n")
    assert not conversion.complete
    (finding,) = conversion.findings
    assert finding.line == 3 and "tf.quantum_leap" in finding.message
    lines = conversion.code.splitlines()
    at = next(i for i, line in enumerate(lines) if "quantum_leap(x)" in line)
    assert lines[at - 1].startswith("# mapper: M201 tf.quantum_leap")


GOLDEN = sorted((Path(__file__).parent / "golden" / "tensorflow").glob("*.in.py"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name.removesuffix(".in.py"))
def test_the_output_reads_as_agreed(path: Path) -> None:
    """`NAME.out.py` was read and found to be what a MindSpore engineer would have written."""
    expected = path.with_name(path.name.replace(".in.py", ".out.py"))
    assert mapper.convert(path.read_text("utf-8")).code == expected.read_text("utf-8")


def test_forms_know_every_argument_before_the_name() -> None:
    """A positional argument that a form does not know would be taken for the name and dropped."""
    import inspect

    from mapper.runtime.tensorflow import api

    from mapper.staging.direct_calls import _forms

    for path, form in _forms().items():
        function = api.modules()["tensorflow"]
        try:
            for part in path.split(".")[1:]:
                function = getattr(function, part)
        except NotImplementedError:
            continue
        known = list(inspect.signature(function).parameters)
        for i, spellings in enumerate(form.parameters):
            if spellings == ("name",):
                break
            assert known[i] in spellings, f"{path}: argument {i + 1} is {known[i]}"
        assert "name" not in known or ("name",) not in form.parameters or known.index("name") <= form.parameters.index(("name",)), path


@pytest.mark.parametrize("statement", ["tf.gradients = checkpoints.gradients", "for tf.nn.moments in [1, 2]:\n    pass", "del tf.foo",
                                       "a, tf.exp = 1, 2", "with open('a') as tf.minimum:\n    pass", "b = [1 for tf.x in [1]]"])
def test_a_name_of_tensorflow_that_is_given_another_meaning_is_marked(statement: str) -> None:
    text = f"import tensorflow as tf\nx = tf.constant([1., 2.])\n{statement}\ng = tf.gradients(x * x, x)\nwith tf.Session() as sess:\n    print(sess.run(g))\n"
    conversion = mapper.convert(text)
    assert [(f.code, f.line) for f in conversion.findings] == [("M201", 3)]
    lines = conversion.code.splitlines()
    assert lines[lines.index(statement.splitlines()[0]) - 1].startswith("# mapper: M201 tf.")


@pytest.mark.parametrize("name, known", [("gradients", True), ("contrib", True), ("nn", True), ("quantum_leap", False)])
def test_a_question_for_a_name_of_tensorflow_is_answered(name: str, known: bool) -> None:
    text = f"import tensorflow as tf\nx = tf.constant(1.)\nuse = x if hasattr(tf, {name!r}) else tf.square(x)\nprint(tf.gradients(use, x))\n"
    conversion = convert_plainly(text, "program.py")
    assert not conversion.findings and f"use = x if {known} else square(x)" in conversion.code


def test_a_place_beside_a_scope_stays_a_scope(tmp_path: Path) -> None:
    text = ("import tensorflow as tf\nwith tf.device('/cpu:0'), tf.name_scope('a'):\n    w = tf.Variable(2.0, name='w')\n"
            "print(w.name)\nwith tf.Session() as s:\n    s.run(tf.global_variables_initializer())\n    print(s.run(tf.gradients(w * w, w)[0]))\n")
    path = tmp_path / "program.py"
    path.write_text(convert_plainly(text, "program.py").code)
    assert run_bundled(path).split() == ["a/w:0", "4.0"]


def test_slices_that_only_a_run_can_tell(tmp_path: Path) -> None:
    text = ("import tensorflow as tf\nx, n = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [])\ny = tf.reduce_sum(x[1:n] ** 2) + x[::-1][0]\n"
            "g = tf.gradients(y, x)[0]\nwith tf.Session() as s:\n    print(s.run(g, {x: [1., 2., 3., 4.], n: 3}))\n")
    path = tmp_path / "program.py"
    path.write_text(convert_plainly(text, "program.py").code)
    assert numbers(run_bundled(path)) == [0.0, 4.0, 6.0, 1.0]


def test_steps_after_an_assignment_change_the_parameter_in_place() -> None:
    """On MindSpore 2.10 the steps of an optimizer that ran before set_data are lost."""
    text = ("import tensorflow as tf\nw = tf.Variable(1.0)\nstep = tf.train.AdamOptimizer(0.1).minimize(w * w)\nput = w.assign(3.0)\n"
            "with tf.Session() as s:\n    s.run(tf.global_variables_initializer())\n    s.run(step)\n    s.run(put)\n    s.run(step)\n    print(s.run(w))\n")
    code = convert_plainly(text, "program.py").code
    assert ".set_data(" not in code and "assign_value" not in code
