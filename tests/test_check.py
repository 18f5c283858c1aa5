"""`mapper check`: what it finds and what it leaves alone, in every format, with settings, comments and baselines."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import mapper
from mapper.checking import CODES
from mapper.cli import main
from mapper.results import Finding, SourceError

ROOT = Path(__file__).resolve().parent.parent
TF = "import tensorflow as tf\n"
MS = "import numpy as np\nimport mindspore as ms\nfrom mindspore import Tensor, Parameter, ParameterTuple, nn, ops\nfrom mindspore.ops import operations as P\n"
NET = "class Net(nn.Cell):\n    def construct(self, x):\n        return x * x\nnet = Net()\ndef f(x):\n    return ops.sum(x * x)\nt = Tensor([1.0, 2.0])\n"


def found(source: str) -> list[Finding]:
    return [f for f in mapper.check(source) if f.level != "note"]


def codes(source: str) -> list[str]:
    return [f.code for f in found(source)]


def check(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["check", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# ---- TensorFlow ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", [
    "x = tf.placeholder(tf.float32, [None, 3])\nloss = tf.reduce_mean(tf.square(tf.matmul(x, w)))\ng = tf.gradients(loss, x)[0]\n",
    "with tf.Session(config=tf.ConfigProto()) as sess:\n    sess.run(tf.global_variables_initializer())\n",
    "y = tf.nn.conv2d(x, w, [1, 1, 1, 1], 'SAME')\n",
    "y = tf.maximum(x, 0.0) + tf.clip_by_value(x, 0.0, 1.0) + tf.argmax(x)\n",
    "train = tf.train.AdamOptimizer(1e-3).minimize(loss)\n",
    "def f(tf):\n    return tf.never_heard_of(1)\n",
    "w = tf.get_variable('w', [3], tf.float32, tf.contrib.layers.xavier_initializer())\n",
], ids=["a gradient", "a session", "a convolution that the converter lays out anew", "ties and defaults that the converter keeps", "an optimizer",
        "a parameter that happens to be called tf", "an initializer of contrib"])
def test_what_the_converter_takes_care_of_is_no_warning(code: str) -> None:
    assert found(TF + code) == []


@pytest.mark.parametrize(("code", "expected", "message"), [
    ("y = tf.contrib.never.heard_of(x)\n", "M201", "tf.contrib.never.heard_of has no counterpart"),
    ("tf.import_graph_def(g)\n", "M201", "write the network as a Cell"),
    ("y = tf.keras.backend.abs(a)\n", "M203", "write ops.abs(a)"),
    ("from tensorflow import import_graph_def as load\nload(g)\n", "M201", "tf.import_graph_def"),
    ("from tensorflow.python.framework import importer\ny = tf.nn.sampled_softmax_loss(w, b, l, i, 5, 100)\n", "M201", "gather their weights"),
    ("v = tf.compat.v1.FIFOQueue(3, [tf.float32])\n", "M201", "GeneratorDataset"),
], ids=["an unknown name", "a name that says what to do instead", "a call that a rule can write", "an imported name", "a loss", "a compat name"])
def test_what_has_no_counterpart_is_reported_with_what_to_do(code: str, expected: str, message: str) -> None:
    (finding,) = found(TF + code)
    assert finding.code == expected and message in finding.message


def test_functions_that_use_something_unsupported_are_marked_and_so_are_their_callers() -> None:
    source = TF + ("def inner(x):\n    return tf.contrib.never(x)\n\ndef outer(x):\n    return inner(x)\n\ndef other(x):\n    return tf.exp(x)\n\n"
                   "class Model:\n    def build(self):\n        return outer(1)\n    def run(self):\n        return self.build()\n")
    marked = [re.findall(r"function (\w+) (uses|calls) ([\w.]+)", f.message)[0] for f in found(source) if f.code == "M204"]
    assert marked == [("inner", "uses", "tf.contrib.never"), ("outer", "calls", "inner"), ("build", "calls", "outer"), ("run", "calls", "build")]


def test_a_difference_that_stays_in_the_converted_program_is_a_warning_where_it_is_met() -> None:
    (finding,) = found(TF + "y = tf.where(x > 0, tf.sqrt(x), tf.zeros_like(x))\n")
    assert finding.code == "M401" and "NaN" in finding.message
    assert found(TF + "y = tf.where(x > 0, x, tf.zeros_like(x)) + tf.sqrt(x)\n") == []


def test_notes_say_what_each_reference_becomes() -> None:
    notes = {f.message.split(":")[0]: f for f in mapper.check(TF + "x = tf.placeholder(tf.float32)\ny = tf.reduce_sum(x, 1, keepdims=True)\n")}
    assert "tf.reduce_sum becomes ops.sum(x, 1, keepdim=True)" in notes
    assert notes["tf.placeholder"].code == "M102" and notes["tf.float32 becomes ms.float32"].rule == "float32"


# ---- differences ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("code", "message"), [
    ("y = ops.GeLU()(t)\n", "tanh approximation"),
    ("y = ops.SparseSoftmaxCrossEntropyWithLogits()(t, i)\n", "mean over the batch"),
    ("y = ops.slice(t, (0, 0), (-1, 2))\n", "size of -1"),
    ("mod = P.Mod()\ny = mod(t, t)\n", "sign of the dividend"),
], ids=["an approximation", "a mean", "an argument of this call", "a primitive that was stored"])
def test_numbers_that_will_differ_are_a_warning(code: str, message: str) -> None:
    assert any(f.code in ("M401", "M203") and message in f.message for f in found(MS + NET + code)), found(MS + NET + code)


@pytest.mark.parametrize("code", ["y = ops.one_hot(i, 4, Tensor(1.0), Tensor(0.0))\n", "y = ops.slice(t, (0, 0), (1, 2))\n", "y = ops.gelu(t)\n",
                                  "y = ops.ReduceProd()(t, 0)\n", "opt = nn.Momentum(ps, 0.1, 0.9)\n"],
                         ids=["values are given", "a length", "the exact form", "an axis", "without nesterov"])
def test_a_call_that_does_not_meet_the_condition_is_left_alone(code: str) -> None:
    assert [f for f in found(MS + NET + code) if f.code in ("M401", "M501")] == []


PAIRS = [pair for pair in json.loads((ROOT / "tests" / "data" / "op_pairs.json").read_text(encoding="utf-8"))["pairs"] if pair["verdict"] == "differ"]
# An operator alone says nothing of its operands' types and values, on which these differences depend.
OPERATORS = [pair for pair in PAIRS if not re.search(r"\w\(|\[::", pair["ms_expr"])]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in OPERATORS], ids=lambda pair: pair["op"])
def test_each_pair_that_was_measured_to_differ_is_spoken_of_on_one_side_at_least(pair: dict[str, Any]) -> None:
    names = ", ".join("abcdef"[:len(pair["input"])])
    sides = [f"{TF}{names}, = tf.placeholder(tf.float32), \ny = {pair['tf_expr']}\n",
             f"{MS}def f({names}):\n    return {pair['ms_expr']}\ng = ms.grad(f)(x_)\n"]
    said = [f for source in sides for f in mapper.check(source) if f.code in ("M401", "M402", "M501", "M505", "M507")]
    assert said, sides


# ---- silent defects of MindSpore -----------------------------------------------------------------------------------
DEFECTS = {
    "a wrong gradient": ("M501", "def h(x):\n    return ops.selu(x)\n"),
    "a wrong gradient of a function that is handed on": ("M501", "layer = Net(activation=ops.selu)\n"),
    "a wrong gradient of a stored primitive": ("M501", "class A(nn.Cell):\n    def __init__(self):\n        self.prod = P.ReduceProd()\n"
                                               "    def construct(self, x):\n        return self.prod(x)\n"),
    "an unsafe where": ("M501", "y = ops.where(t > 0, ops.sqrt(t), 0.0)\n"),
    "an unsafe where by name": ("M501", "def h(x):\n    root = ops.sqrt(x)\n    return ops.where(x > 0, root, x)\n"),
    "nesterov": ("M501", "opt = nn.Momentum(ps, 0.1, 0.9, use_nesterov=True)\n"),
    "a nested gradient by name": ("M502", "def loss(x):\n    return ops.sum(ms.grad(f)(x) ** 2)\ng = ms.grad(loss)(t)\n"),
    "a nested gradient in a cell": ("M502", "class A(nn.Cell):\n    def __init__(self, u):\n        self.u = u\n        self.du = ops.GradOperation()(u)\n"
                                    "    def construct(self, x):\n        return ops.sum(self.du(x) ** 2)\n"
                                    "a = A(f)\ng = ops.GradOperation(get_by_list=True)(a, ps)(t)\n"),
    "a nested gradient a call away": ("M502", "def du(x):\n    return ms.grad(f)(x)\ndef loss(x):\n    return ops.sum(du(x))\n"
                                      "g = ms.value_and_grad(loss, None, ps)\n"),
    "one tensor twice": ("M503", "def m(a, b):\n    return a * b\ng = ops.GradOperation(get_all=True)(m)(t, t)\n"),
    "one tensor twice, gradient stored": ("M503", "def m(a, b):\n    return a * b\ng = ops.GradOperation(get_all=True)(m)\nprint(g(t, t))\n"),
    "an input that is captured": ("M503", "def m(a):\n    return a * t\ng = ms.grad(m)(t)\n"),
    "weights that are not named": ("M504", "g = ops.GradOperation(get_by_list=True)(net)(t)\n"),
    "weights that are not named, stored": ("M504", "grad_op = ops.GradOperation(get_by_list=True)\ng = grad_op(net)(t)\n"),
    "a negative step": ("M505", "def m(a):\n    return a[::-1] * a\ng = ms.grad(m)(t)\n"),
    "whole numbers": ("M506", "g = ms.grad(f)(Tensor([1, 2]))\n"),
    "whole numbers by dtype": ("M506", "i = Tensor(np.array([1]), ms.int32)\ng = ms.grad(f)(i)\n"),
    "a primitive as the function": ("M507", "g = ms.grad(ops.ReLU())(t)\n"),
    "a partial function": ("M507", "from functools import partial\nh = partial(f)\ng = ms.grad(h)(t)\n"),
    "a cut": ("M508", "def m(a):\n    b = Tensor(a.asnumpy())\n    return a * b\ng = ms.grad(m)(t)\n"),
    "an array on the right": ("M507", "w = np.ones(2)\ndef m(a):\n    return a * w\ng = ms.grad(m)(t)\n"),
    "an array on the left": ("M508", "w = np.ones(2)\ndef m(a):\n    return w * a\ng = ms.grad(m)(t)\n"),
    "parameters without names": ("M509", "a = Parameter(t)\nb = Parameter(t)\n"),
    "a compiled function for inputs and for weights": ("M511", "@ms.jit\ndef m(a):\n    return a * a\ng = ops.GradOperation()(m)(t)\n"
                                                       "h = ops.GradOperation(get_by_list=True)(m, ps)(t)\n"),
    "an input that is a number": ("M510", "g = ms.grad(f)(3.0)\n"),
}
FINE = {
    "a nested gradient under jit": "def loss(x):\n    return ops.sum(ms.grad(f)(x) ** 2)\n@ms.jit\ndef step(x):\n    return ms.grad(loss)(x)\n",
    "a nested gradient in graph mode": "ms.set_context(mode=ms.GRAPH_MODE)\ndef loss(x):\n    return ops.sum(ms.grad(f)(x) ** 2)\ng = ms.grad(loss)(t)\n",
    "two gradients beside each other": "a = ms.grad(f)(t)\nb = ms.grad(f)(t)\n",
    "two tensors": "s = Tensor([1.0, 2.0])\ndef m(a, b):\n    return a * b\ng = ops.GradOperation(get_all=True)(m)(t, s)\n",
    "a copy": "def m(a, b):\n    return a * b\ng = ops.GradOperation(get_all=True)(m)(t, t + 0)\n",
    "a parameter of the same name": "def m(t):\n    return t * t\ng = ms.grad(m)(t)\n",
    "weights that are named": "g = ops.GradOperation(get_by_list=True)(net, ParameterTuple(net.trainable_params()))(t)\n",
    "a negative step outside of gradients": "names = ['a', 'b'][::-1]\ng = ms.grad(f)(t)\n",
    "a positive step": "def m(a):\n    return a[::2] * 2\ng = ms.grad(m)(t)\n",
    "labels of whole numbers": "def m(a, b):\n    return a * b\ng = ops.GradOperation(get_all=True)(m)(t, Tensor([1, 2]))\n",
    "floats with a dtype": "i = Tensor([1, 2], ms.float32)\ng = ms.grad(f)(i)\n",
    "a value that is printed": "def m(a):\n    print(a.asnumpy())\n    return a * a\ng = ms.grad(m)(t)\n",
    "an array as a tensor": "w = np.ones(2)\ndef m(a):\n    return Tensor(w) * a + len(w) * a\ng = ms.grad(m)(t)\n",
    "a value fetched outside": "g = ms.grad(f)(t).asnumpy()\n",
    "parameters of a cell": "class A(nn.Cell):\n    def __init__(self):\n        self.a = Parameter(t)\n        self.b = Parameter(t)\n",
    "parameters in a dict": "d = {}\nd['a'] = Parameter(t)\nd['b'] = Parameter(t)\n",
    "a primitive with an axis, stored": "class A(nn.Cell):\n    def __init__(self):\n        self.prod = P.ReduceProd()\n"
                                        "    def construct(self, x):\n        return self.prod(x, -1)\n",
    "a primitive with an axis": "def h(x):\n    return ops.ReduceProd()(x, 0)\n",
    "a root outside of where": "def h(x):\n    root = ops.sqrt(x)\n    return ops.where(x > 0, x, 0.0) + root\n",
    "a primitive that is only named": "known = [P.ReduceProd, P.SeLU]\n",
    "parameters with names": "a = Parameter(t, name='a')\nb = Parameter(t, 'b')\n",
    "a compiled function for one thing": "@ms.jit\ndef m(a):\n    return a * a\ng = ops.GradOperation()(m)(t)\nh = ops.GradOperation()(m)(t + 1)\n",
    "compiled gradients of a compiled function": "@ms.jit\ndef m(a):\n    return a * a\n@ms.jit\ndef both(a):\n"
                                                "    return ops.GradOperation()(m)(a), ops.GradOperation(get_by_list=True)(m, ps)(a)\n",
    "a sens that is a number": "g = ops.GradOperation(sens_param=True)(f)(t, 3.0)\n",
}


@pytest.mark.parametrize("name", FINE)
def test_code_without_a_defect_is_left_alone(name: str) -> None:
    assert [str(f) for f in found(MS + NET + FINE[name]) if f.code.startswith("M5")] == []


@pytest.mark.parametrize("name", DEFECTS)
def test_a_silent_defect_is_found(name: str) -> None:
    expected, code = DEFECTS[name]
    assert {f.code for f in found(MS + NET + code) if f.code.startswith("M5")} == {expected}


def test_a_defect_is_shown_where_it_is_also_behind_non_ascii_text() -> None:
    (finding,) = found(MS + NET + "é = 'ü'; g = ms.grad(f)(3.0)\n")
    line = (MS + NET + "é = 'ü'; g = ms.grad(f)(3.0)\n").splitlines()[finding.line - 1]
    assert line[finding.column - 1:].startswith("3.0")


# ---- whole programs ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [*sorted((ROOT / "tests" / "programs" / "tensorflow").glob("*.py")), *sorted((ROOT / "examples").glob("*tensorflow*.py"))],
                         ids=lambda path: path.stem)
def test_programs_that_convert_whole_have_no_errors(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert mapper.convert(source).complete
    assert found(source) == []


def test_checking_needs_neither_libcst_nor_numpy() -> None:
    code = f"import sys, mapper; mapper.check({TF + MS + NET!r}); print([m for m in ('numpy', 'libcst') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.stdout == "[]\n", result.stdout + result.stderr


def test_what_cannot_be_parsed_is_an_error() -> None:
    with pytest.raises(SourceError, match="Python 2"):
        mapper.check(TF + "print 'x'\n")


def test_one_framework_can_be_left_out() -> None:
    source = TF + MS + NET + "y = tf.contrib.never(1)\nz = ms.never_heard_of(2)\n"
    assert {f.code for f in mapper.check(source, to="mindspore") if f.level == "error"} == {"M201"}
    assert {f.code for f in mapper.check(source, to="tensorflow") if f.level == "error"} == {"M301"}


# ---- formats -------------------------------------------------------------------------------------------------------
BAD = TF + "y = tf.contrib.never(1)\n\n\ndef f(x):\n\treturn tf.import_graph_def(x)\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad program.py"
    file.write_text(BAD, encoding="utf-8")
    return file


def test_text_has_the_line_and_a_caret_and_the_count(bad: Path) -> None:
    result = check(bad)
    assert result.exit_code == 1
    assert "     2 | y = tf.contrib.never(1)\n       |     ^^^^^^^^^^^^^^^^\n" in result.stdout
    assert "     6 |     return tf.import_graph_def(x)\n       |            ^^^^^^^^^^^^^^^^^^^\n       = mapper rules show import_graph_def\n" in result.stdout
    assert result.stdout.endswith("2 errors, 1 warning\n")


def test_nothing_to_report(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(TF + "y = tf.exp(1.0)\n")
    (tmp_path / "other.py").write_text("print('hello')\n")
    assert check(tmp_path).exit_code == 0 and check(tmp_path).stdout == "nothing to report\n"
    assert json.loads(check(tmp_path, "--format", "json").stdout) == []
    assert "tf.exp becomes ops.exp(1.0)" in check(tmp_path, "--notes").stdout
    assert check(tmp_path, "--notes").exit_code == 0


def test_json_has_the_documented_keys(bad: Path) -> None:
    rows = json.loads(check(bad, "--format", "json").stdout)
    documented = re.findall(r"^\| `(\w+)` \| (string|integer) \|", (ROOT / "docs" / "reference-check-json.md").read_text(encoding="utf-8"), re.M)
    assert [sorted(row) for row in rows] == [sorted(name for name, _ in documented)] * 3
    kinds = {"string": str, "integer": int}
    assert all(isinstance(row[name], kinds[kind]) for row in rows for name, kind in documented)
    assert rows[0]["source"][rows[0]["column"] - 1:rows[0]["end_column"] - 1] == "tf.contrib.never"


def test_every_code_is_documented_and_every_reported_one_is_known() -> None:
    documented = set(re.findall(r"^\| `(M\d+)` \|", (ROOT / "docs" / "reference-check-json.md").read_text(encoding="utf-8"), re.M))
    assert documented == set(CODES)


def valid(value: Any, schema: Any, root: Any) -> bool:
    """Whether a JSON value is what a draft-04 schema says, as far as the SARIF schema goes."""
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return valid(value, target, root)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        if not set(schema.get("required", ())) <= value.keys() or extra is False and not value.keys() <= known.keys():
            return False
        others = extra if isinstance(extra, dict) else {}
        if not all(valid(part, known.get(key, others), root) for key, part in value.items()):
            return False
    if isinstance(value, list):
        if not all(valid(part, schema.get("items", {}), root) for part in value) or len(value) < schema.get("minItems", 0):
            return False
        if schema.get("uniqueItems") and any(part in value[:i] for i, part in enumerate(value)):
            return False
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return False
    types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float), "null": type(None)}
    wanted = schema.get("type", [])
    if wanted and not any(isinstance(value, types[name]) for name in ([wanted] if isinstance(wanted, str) else wanted)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    return ("anyOf" not in schema or any(valid(value, part, root) for part in schema["anyOf"])) \
        and ("oneOf" not in schema or sum(valid(value, part, root) for part in schema["oneOf"]) == 1)


def test_sarif_is_what_the_published_schema_says(bad: Path) -> None:
    schema = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    log = json.loads(check(bad, "--notes", "--format", "sarif").stdout)
    assert valid(log, schema, schema)
    results = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert len(results) >= 3 and all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("bad%20program.py") and place["region"]["snippet"]["text"] == "y = tf.contrib.never(1)"
    for wrong in ({**log, "version": "2.0.0"}, {**log, "more": 1}, {"version": "2.1.0"}, {**log, "runs": [{"results": results}]}):
        assert not valid(wrong, schema, schema)


def test_github_annotations(bad: Path) -> None:
    lines = check(bad, "--format", "github").stdout.splitlines()
    assert len(lines) == 3 and lines[0].startswith("::error file=") and ",line=2,col=5,title=M201::tf.contrib.never has no counterpart" in lines[0]
    assert lines[1].startswith("::warning ")


# ---- what is wanted ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("options", "expected"), [
    ([], ["M201", "M204", "M201"]),
    (["--select", "M201"], ["M201", "M201"]),
    (["--ignore", "M2"], []),
    (["--ignore", "M2", "--select", "M204"], ["M204"]),
    (["--select", "M2", "--ignore", "M204"], ["M201", "M201"]),
    (["--select", "M204,M201"], ["M201", "M204", "M201"]),
    (["--select", "M1"], []),
], ids=["all", "selected", "ignored", "the longer prefix selects", "the longer prefix ignores", "several in one text", "a code that does not occur"])
def test_codes_are_selected_and_ignored(bad: Path, options: list[str], expected: list[str]) -> None:
    assert [row["code"] for row in json.loads(check(bad, "--format", "json", *options).stdout)] == expected


def test_a_selected_code_is_reported_even_as_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TF + "y = tf.exp(1.0)\n")
    assert [row["level"] for row in json.loads(check(tmp_path, "--format", "json", "--select", "M101").stdout)] == ["note"]


def test_a_code_that_does_not_exist_is_refused(bad: Path) -> None:
    result = check(bad, "--select", "X1")
    assert result.exit_code == 2 and "there is no code 'X1'" in result.stderr


@pytest.mark.parametrize(("comment", "expected"), [
    ("# mapper: ignore", []), ("# mapper: ignore[M201]", []), ("# mapper: ignore[M2]", []), ("#mapper:ignore[M5, M201]", []),
    ("# mapper: ignore[M204]", ["M201"]), ("# ignore", ["M201"]), ("", ["M201"]),
], ids=["all", "a code", "a prefix", "several", "another code", "another comment", "none"])
def test_comments_silence_a_line(tmp_path: Path, comment: str, expected: list[str]) -> None:
    file = tmp_path / "a.py"
    file.write_text(f"{TF}y = tf.contrib.never(1)  {comment}\n")
    assert [row["code"] for row in json.loads(check(file, "--format", "json").stdout)] == expected


def test_settings_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mapper]\nselect = ["M2"]\nignore = ["M204"]\nexclude = ["old"]\n'
                                             '[tool.mapper.per-file-ignores]\n"tests/*" = ["M201"]\n')
    for folder in ("src", "tests", "old"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text(BAD)
    rows = json.loads(check(tmp_path, "--format", "json").stdout)
    assert [(Path(row["file"]).parent.name, row["code"]) for row in rows] == [("src", "M201"), ("src", "M201")]


@pytest.mark.parametrize(("text", "message"), [
    ("[tool.mapper]\nselct = []\n", "no setting 'selct'"), ("[tool.mapper]\nselect = 'M2'\n", "is not a list of texts"),
    ("[tool.mapper]\nselect = ['M9']\n", "there is no code 'M9'"), ("[tool.mapper\n", "pyproject.toml"), ("[tool]\nmapper = 3\n", "is not a table"),
], ids=["a key", "a type", "a code", "TOML", "no table"])
def test_settings_that_cannot_be_used_are_refused(bad: Path, text: str, message: str) -> None:
    (bad.parent / "pyproject.toml").write_text(text)
    result = check(bad)
    assert result.exit_code == 2 and message in result.stderr and "pyproject.toml" in result.stderr


def test_a_baseline_holds_what_was_there_and_lets_new_findings_through(bad: Path) -> None:
    baseline = bad.parent / "known.json"
    assert check(bad, "--write-baseline", baseline).exit_code == 0
    assert check(bad, "--baseline", baseline).exit_code == 0
    bad.write_text("# moved down\n\n" + BAD + "z = tf.contrib.never(1)\ny = tf.contrib.never(1)\n", encoding="utf-8")
    rows = json.loads(check(bad, "--baseline", baseline, "--format", "json").stdout)
    assert [row["source"] for row in rows] == ["z = tf.contrib.never(1)", "y = tf.contrib.never(1)"]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"findings": [{}]}'], ids=["absent", "no JSON", "a list", "rows without keys"])
def test_a_baseline_that_cannot_be_read_is_refused(bad: Path, text: str | None) -> None:
    baseline = bad.parent / "known.json"
    if text is not None:
        baseline.write_text(text)
    result = check(bad, "--baseline", baseline)
    assert result.exit_code == 2 and "known.json" in result.stderr and "--write-baseline" in result.stderr


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_checked(bad: Path) -> None:
    (bad.parent / "broken.py").write_text(TF + "def f(:\n")
    result = check(bad.parent)
    assert result.exit_code == 2 and "broken.py:2:" in result.stderr and "M201" in result.stdout
