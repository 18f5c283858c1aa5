"""The one-line grammar of the rules: what a form says, which calls it is, and how a call is written from it."""
from __future__ import annotations

import ast

import pytest

from mapper.signature import Argument, Binding, Mismatch, SignatureError, build_call, fill, match, parse_form, same, wrap

SUM = "tf.reduce_sum(input_tensor: x, axis=None, keepdims: keep = False, name: _ = None)"


def bound(form: str, code: str) -> dict[str, str]:
    found = match(parse_form(form), ast.parse(code, mode="eval").body, resolve=ast.unparse)
    assert isinstance(found, Binding), found
    return {name: ast.unparse(value.node) for name, value in found.values.items()}


def refusal(form: str, code: str) -> str:
    found = match(parse_form(form), ast.parse(code, mode="eval").body, resolve=ast.unparse)
    assert isinstance(found, Mismatch), found
    return found.reason


@pytest.mark.parametrize(("text", "key"), [
    (SUM, "tf.reduce_sum"),
    ("ops.ReduceSum(keep_dims: keep = False)(x, axis=())", "ops.ReduceSum"),
    ("x.get_shape().as_list()", ".get_shape.as_list"),
    ("x.T", ".T"),
    ("x / y", "operator.Div"),
    ("x[k]", ".[]"),
    ("-x", "operator.USub"),
    ("ms.float32", "ms.float32"),
    ("ops.square(x - y)", None),
], ids=["a function", "a primitive that is made and then called", "a chain of methods", "an attribute", "an operator", "a subscript", "a sign",
        "a constant", "a template is looked up by nothing"])
def test_a_form_is_looked_up_by(text: str, key: str | None) -> None:
    assert parse_form(text).key == key


def test_values_are_what_a_form_speaks_of_without_what_it_drops() -> None:
    assert parse_form(SUM).values() == {"x", "axis", "keep"}
    assert parse_form("nn.Dropout(p: complement(keep) = 0.5)(x)").values() == {"keep", "x"}
    assert parse_form("ops.cast(x, ms.float32)").values() == {"x"}


@pytest.mark.parametrize("text", ["tf.f(x", "tf.f(x y)", "f(**)", "tf.f(a: b: c)"])
def test_what_is_no_form_says_so(text: str) -> None:
    with pytest.raises(SignatureError, match="not a form"):
        parse_form(text)


@pytest.mark.parametrize(("form", "code", "values"), [
    (SUM, "tf.reduce_sum(a)", {"x": "a", "axis": "None", "keep": "False"}),
    (SUM, "tf.reduce_sum(a, 1, True)", {"x": "a", "axis": "1", "keep": "True"}),
    (SUM, "tf.reduce_sum(keepdims=k, input_tensor=f(a), name='s')", {"x": "f(a)", "axis": "None", "keep": "k"}),
    ("ops.ReduceSum(keep_dims: keep = False)(x, axis=())", "ops.ReduceSum(True)(a, 1)", {"keep": "True", "x": "a", "axis": "1"}),
    ("x.transpose(*perm)", "f(a).transpose(1, 0)", {"x": "f(a)", "perm": "(1, 0)"}),
    ("tf.f(x, axis=None, dim: axis = None)", "tf.f(a, dim=2)", {"x": "a", "axis": "2"}),
    ("tf.f(x, mode: 'mean' = 'mean')", "tf.f(a, mode='mean')", {"x": "a"}),
    ("x - y", "a * b - f(c)", {"x": "a * b", "y": "f(c)"}),
], ids=["defaults", "by position", "by name, a name dropped", "made and called", "the rest", "two spellings of one value", "a fixed value", "an operator"])
def test_a_call_is_a_form(form: str, code: str, values: dict[str, str]) -> None:
    assert bound(form, code) == values


@pytest.mark.parametrize(("form", "code", "why"), [
    (SUM, "tf.reduce_sum()", "'input_tensor' of tf.reduce_sum is missing"),
    (SUM, "tf.reduce_sum(a, axes=1)", "has no argument 'axes'"),
    (SUM, "tf.reduce_sum(a, 1, True, 'n', 5)", "5 positional arguments"),
    (SUM, "tf.reduce_sum(*a)", "whose number is not known"),
    (SUM, "tf.reduce_sum(a, **k)", "whose names are not known"),
    (SUM, "tf.reduce_sum(a, input_tensor=b)", "given twice"),
    ("tf.f(x, mode: 'mean' = 'mean')", "tf.f(a, 'sum')", "'sum', not 'mean'"),
    ("tf.f(x, axis=None, dim: axis = None)", "tf.f(a, 1, 2)", "under two names"),
    ("ops.ReduceSum(keep_dims: keep = False)(x)", "ops.ReduceSum(True)", "used without being called"),
], ids=["an argument is missing", "an argument it does not have", "too many", "spread arguments", "spread names", "given twice", "another fixed value",
        "two spellings at once", "not called yet"])
def test_a_call_is_not_a_form_and_says_why(form: str, code: str, why: str) -> None:
    assert why in refusal(form, code)


def test_one_call_made_of_pieces_keeps_positions_and_fills_no_gaps() -> None:
    step = parse_form("ops.f(x, axis=None, keep=False)").calls[0].parameters
    pieces = {"x": Argument("a if b else c"), "keep": Argument("True")}
    assert build_call("ops.f", step, pieces, frozenset({"keep"})) == "ops.f(a if b else c, keep=True)"
    assert build_call("ops.f", step, {**pieces, "axis": Argument("1")}, frozenset({"axis", "keep"})) == "ops.f(a if b else c, 1, True)"


@pytest.mark.parametrize(("template", "values", "text"), [
    ("ops.square(x - y)", {"x": "a - b", "y": "c - d"}, "ops.square(a - b - (c - d))"),
    ("x * y", {"x": "a + b", "y": "-c"}, "(a + b) * -c"),
    ("x ** 2", {"x": "-a"}, "(-a) ** 2"),
    ("x.T", {"x": "a + b"}, "(a + b).T"),
    ("f(x)", {"x": "lambda: 0"}, "f(lambda: 0)"),
    ("x + 1", {"x": "'é' + s"}, "'é' + s + 1"),
], ids=["differences", "a sum in a product", "a sign under a power", "an attribute of a sum", "a lambda as an argument", "bytes and characters"])
def test_a_template_gets_brackets_where_it_needs_them(template: str, values: dict[str, str], text: str) -> None:
    assert fill(ast.parse(template, mode="eval").body, values) == text


def test_brackets_hold_what_would_fall_apart() -> None:
    assert wrap("a", 16) == "a"
    assert wrap("a or b", 16) == "(a or b)"


@pytest.mark.parametrize(("one", "other", "equal"), [
    ("1", "1.0", True), ("1", "True", False), ("(1, 2)", "[1, 2]", True), ("a.b", "a.b", True), ("a", "b", False)])
def test_sameness_of_values(one: str, other: str, equal: bool) -> None:
    assert same(ast.parse(one, mode="eval").body, ast.parse(other, mode="eval").body) is equal
