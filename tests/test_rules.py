"""The rule base: it loads or says what is wrong with it, every example proves, and a wrong rule is caught."""
from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import mapper
from mapper import rule_programs
from mapper import rules as base
from mapper.rewriting import convert
from mapper.rule_proof import prove, uncovered
from mapper.rules import RuleError, lookup, problems, read, rewrite_call, rules
from mapper.signature import Mismatch

ROOT = Path(__file__).resolve().parent.parent
# What a program shows by what it does, not by a name: an index, a function of the framework's module, what several gradients are together.
UNSPOKEN = {"subscript", "module", "tensor_class", "jvp", "jacobian", "second_order_cell", "depend", "asnumpy", "global_variables_initializer_run"}
ADD = '[add]\ntf = "tf.add(x, y, name: _ = None)"\nms = "ops.add(input: x, other: y)"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "family.toml").write_text(text, encoding="utf-8")
    return folder


# ---- the base that is shipped --------------------------------------------------------------------------------------
def test_every_example_proves_on_the_bundled_runtime() -> None:
    report, ok = base.self_test()
    assert ok, report


def test_every_official_row_and_every_frequent_name_has_a_rule() -> None:
    assert [(name, missing) for name, _, missing in uncovered() if missing] == []


def test_every_program_speaks_of_the_rules_that_it_shows() -> None:
    known = {rule.id: rule for rule in rules()}
    for program in rule_programs.read_programs()[0]:
        for name in program.rules:
            spoken = {form.split("(")[0].rpartition(".")[2] for side in ("tf", "ms") for form in (s.text for s in known[name].side(side))}
            assert {*spoken, name} & set(re.findall(r"\w+", program.code)) or name in UNSPOKEN, (name, spoken)


def test_a_program_whose_conversion_gives_other_numbers_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    code = ("import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()\nx = tf.constant([1.0, 2.0])\n"
            "with tf.Session() as s:\n    print(s.run(tf.gradients(x * x, x)))\n")
    good = rule_programs.RuleProgram(("Session",), "tf", code)
    assert rule_programs.prove_programs([good], rule_programs.main_python(), False) == []
    right = mapper.convert
    monkeypatch.setattr(mapper, "convert", lambda *a, **k: replace(c := right(*a, **k), code=c.code.replace("x * x", "x * 2")))
    found = rule_programs.prove_programs([good], rule_programs.main_python(), False)
    assert len(found) == 1 and "4.0 and 2.0" in found[0]


def test_a_rule_that_nothing_shows_is_named() -> None:
    programs, without = rule_programs.read_programs()
    less = {name: why for name, why in without.items() if name != "saving"}
    assert [line.split(": ")[1] for line in rule_programs.missing(rules(), programs, less)] == ["saving"]
    assert rule_programs.missing(rules(), programs, {**without, "Session": "no", "no_such": "no"}) == [
        "programs.toml: there is no rule no_such", "programs.toml: Session is shown by a program, and said to have none"]


def test_each_measured_difference_is_one_of_a_rule() -> None:
    pairs = json.loads((ROOT / "tests" / "data" / "op_pairs.json").read_text(encoding="utf-8"))["pairs"]
    differing = {pair["op"] for pair in pairs if pair["verdict"] == "differ"}
    noted = {name for rule in rules() for difference in rule.differences for name in difference.measured}
    assert noted == differing
    assert len(differing) == 86


def test_every_condition_of_a_difference_can_be_read() -> None:
    for rule in rules():
        for difference in rule.differences:
            if difference.when:
                ast.parse(difference.when, mode="eval")


def test_other_names_of_an_api_have_its_rule() -> None:
    table = tomllib.loads((ROOT / "rules" / "aliases.toml").read_text(encoding="utf-8"))["tf"]
    shared = [alias for alias, name in table.items() if lookup(name)]
    assert len(shared) > 100
    assert all(lookup(alias) == lookup(table[alias]) for alias in shared)


@pytest.mark.parametrize(("code", "to", "expected"), [
    ("tf.reduce_sum(a, axis=[0, 1], keepdims=True)", "ms", "ops.sum(a, dim=(0, 1), keepdim=True)"),
    ("tf.reduce_sum(a, reduction_indices=1)", "ms", "ops.sum(a, dim=1)"),
    ("tf.math.add(tf.exp(a), b, name='s')", "ms", "ops.add(ops.exp(a), b)"),
    ("ops.ReduceSum(True)(a, 1)", "tf", "tf.reduce_sum(a, 1, True)"),
    ("tf.nn.dropout(a, keep_prob=0.9)", "ms", "ops.dropout(a, p=0.1)"),
    ("tf.nn.softmax(a)", "ms", "ops.softmax(a)"),
    ("tf.split(a, 3, 1)", "ms", "ops.Split(1, 3)(a)"),
    ("tf.split(a, [1, 2])", "ms", "ops.split(a, [1, 2])"),
    ("ops.expand_dims(a, 1)", "tf", "tf.expand_dims(a, 1)"),
    ("tf.zeros([2, n], tf.int32)", "ms", "ops.zeros((2, n), ms.int32)"),
    ("tf.one_hot(i, 3)", "ms", "nn.OneHot(depth=3)(i)"),
    ("a.get_shape().as_list()", "ms", "list(a.shape)"),
], ids=["a tuple for a list", "an old keyword", "an alias, nested, a name dropped", "a primitive", "a complement", "a default of another name",
        "a number of pieces", "lengths of pieces", "the other way", "a type", "a layer without weights", "a chain of methods"])
def test_one_call_becomes_another(code: str, to: base.Side, expected: str) -> None:
    assert convert(ast.parse(code, mode="eval").body, to) == expected


def test_a_release_of_its_time_is_written_for() -> None:
    call = ast.parse("tf.reduce_sum(a, 1)", mode="eval").body
    assert rewrite_call("tf.reduce_sum", call, "ms", ast.unparse, version=(1, 8)) == "ops.ReduceSum()(a, 1)"
    assert rewrite_call("tf.reduce_sum", call, "ms", ast.unparse, version=(2, 3)) == "ops.sum(a, 1)"


def test_what_no_rule_gives_says_why() -> None:
    call = ast.parse("tf.import_graph_def(g)", mode="eval").body
    found = rewrite_call("tf.import_graph_def", call, "ms", ast.unparse)
    assert isinstance(found, Mismatch) and "write the network as a Cell" in found.reason


# ---- rules that cannot be used -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "message"), [
    ("[add\n", "family.toml: "),
    ("add = 3\n", "a rule is a table"),
    (ADD + "notes = 'n'\n", "add: unknown key 'notes'"),
    ('[add]\ntf = "tf.add(x, y)"\n', "either both sides have forms, or `instead`"),
    (ADD + "instead = 'nothing'\n", "either both sides have forms, or `instead`"),
    (ADD + "strategy = 'magic'\n", "there is no strategy 'magic'"),
    (ADD + "one_way = 'ms'\n", "a rule that goes one way says why"),
    (ADD + "one_way = 'up'\nwhy = 'w'\n", "one_way is the side that it goes to"),
    (ADD + "example = [{ tf = 'tf.add(a, b)', give = {} }]\n", "unknown key 'give'"),
    ('[two]\ntf = "tf.{name}(x)"\nms = "ops.{to}(x)"\n[two.for]\nexp = { at = "exp" }\n', "exp says no 'to'"),
], ids=["TOML", "no table", "a key", "one side alone", "both and instead", "a strategy", "one way without a reason", "a way",
        "a key of an example", "a word of a family"])
def test_a_rule_that_cannot_be_read_says_file_and_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RuleError, match="family.toml") as raised:
        read(written(tmp_path, text))
    assert message in str(raised.value)


@pytest.mark.parametrize(("text", "message"), [
    (ADD.replace("other: y", "other: z"), "occurs on one side only"),
    (ADD.replace("ops.add", "tf.add"), "stands on the wrong side"),
    (ADD.replace("other: y", "other: twisted(y)"), "there is no transform 'twisted'"),
    (ADD.replace("name: _ = None", "name: _"), "is dropped but has no default"),
    (ADD.replace("tf.add(x", "tf.add(x y"), "not a form"),
    (ADD + ADD.replace("[add]", "[plus]"), "is a form of add too"),
    (ADD + "difference = [{ text = 't', api = 'ops.sub' }]\n", "a difference is about ops.sub, which is none of its forms"),
], ids=["a value of one side", "a side", "a transform", "dropped without a default", "no form", "two rules of one form", "a difference of another API"])
def test_a_rule_that_makes_no_sense_says_why(tmp_path: Path, text: str, message: str) -> None:
    found = problems(read(written(tmp_path, text)))
    assert any(message in problem and problem.startswith("family.toml: ") for problem in found), found


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(ADD, encoding="utf-8")
    with pytest.raises(RuleError, match="family.toml has a rule of this name"):
        read(written(tmp_path, ADD))


# ---- rules that are wrong ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("find", "change", "example"), [
    ("ops.sub(input: x, other: y)", "ops.sub(input: y, other: x)", "tf.subtract(a, b)"),
    ("epsilon=1e-12, name", "epsilon=1e-2, name", "tf.nn.l2_normalize(a, 1)"),
    ("ops.expand_dims(input_x: x, axis)", "ops.expand_dims(input_x: x, axis: negative(axis))", "tf.expand_dims(a, 1)"),
], ids=["arguments swapped", "a default", "an axis"])
def test_a_wrong_rule_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, find: str, change: str, example: str) -> None:
    changed = 0
    for file in (ROOT / "rules").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        changed += text.count(find)
        (tmp_path / file.name).write_text(text.replace(find, change), encoding="utf-8")
    assert changed
    result = subprocess.run([sys.executable, "-c", f"""
import sys
from pathlib import Path
import mapper.rules as base
base.folder = lambda: Path({str(tmp_path)!r})
text, ok = base.self_test()
print(text)
sys.exit(0 if ok else 1)
"""], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120)
    assert result.returncode == 1, result.stdout + result.stderr
    failures = [line for line in result.stdout.splitlines() if ": example " in line]
    assert failures and example.split("(")[0] in " ".join(failures), result.stdout


def test_a_rule_without_an_example_is_no_proof(tmp_path: Path) -> None:
    report, ok = prove(read(written(tmp_path, ADD)))
    assert not ok and "it maps, and has no example" in report


# ---- the pages -----------------------------------------------------------------------------------------------------
def test_a_page_shows_signatures_arguments_differences_and_examples() -> None:
    text = base.show("tf.reduce_sum")
    assert text is not None
    for part in ("tf.reduce_sum(input_tensor, axis=None, keepdims=False, name=None)", "ops.ReduceSum(keep_dims=False)(x, axis=(), /)",
                 "| `input_tensor` | `input` |", "What differs:", "axis=[] reduces nothing", "ops.sum(a, dim=(0, 2), keepdim=True)"):
        assert part in text
    assert base.show("ops.ReduceSum") == base.show("tf.math.reduce_sum") == text
    assert "Instead: a parameter of the function" in (base.show("tf.placeholder") or "")
    assert base.show("tf.nonsense") is None


def test_the_pages_in_docs_are_those_of_the_rules() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "rules").glob("*.md")}
    assert stored == base.documents(), "run `python -m mapper rules pages docs/rules`"


# ---- the real frameworks -------------------------------------------------------------------------------------------
@pytest.mark.native
def test_every_example_proves_on_the_real_frameworks() -> None:
    report, ok = base.self_test("native")
    assert ok, report
