"""Edits by position: what changes, what stays byte for byte, and that no comment is lost."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from mapper.edit import Editor


def expression(editor: Editor, text: str) -> ast.expr:
    for node in ast.walk(editor.tree):
        if isinstance(node, ast.expr) and ast.unparse(node) == text:
            return node
    raise LookupError(text)


def statement(editor: Editor, start: str) -> ast.stmt:
    for node in ast.walk(editor.tree):
        if isinstance(node, ast.stmt) and editor.original(node).startswith(start):
            return node
    raise LookupError(start)


@pytest.mark.parametrize("source", [
    pytest.param("x = 1\r\ny = 2\r\n", id="CRLF"),
    pytest.param("if x:\n\ty = 2  # two\n", id="tabs"),
    pytest.param("\ufeffx = 1\n", id="BOM"),
    pytest.param("x = 1", id="no final newline"),
    pytest.param("", id="empty file"),
    pytest.param("x = 'ä'\n", id="not ASCII"),
])
def test_without_edits_every_byte_stays(source: str) -> None:
    assert Editor(source).result() == source


Change = Callable[[Editor], None]


@pytest.mark.parametrize(("source", "change", "expected"), [
    pytest.param("y = f(x)  # call\r\nz = 1\r\n", lambda e: e.replace(expression(e, "f(x)"), "g(x)"),
                 "y = g(x)  # call\r\nz = 1\r\n", id="expression in a CRLF file"),
    pytest.param("\ufeffy = 'ä' + f(x)", lambda e: e.replace(expression(e, "f(x)"), "g(x)"), "\ufeffy = 'ä' + g(x)",
                 id="after a character of two bytes, BOM, no final newline"),
    pytest.param("y = f(x) * 2\n", lambda e: e.replace(expression(e, "f(x)"), "a + b"), "y = (a + b) * 2\n",
                 id="parentheses where the surroundings need them"),
    pytest.param("y = f(x)[0]\n", lambda e: e.replace(expression(e, "f(x)"), "-a"), "y = (-a)[0]\n",
                 id="parentheses under a subscript"),
    pytest.param("y = g(f(x))\n", lambda e: e.replace(expression(e, "f(x)"), "a + b"), "y = g(a + b)\n",
                 id="no parentheses inside a call"),
    pytest.param("y = f(\n    x,  # first\n    1)\n", lambda e: e.replace(expression(e, "f(x, 1)"), "g(x)"),
                 "# first\ny = g(x)\n", id="a comment inside a replaced call is kept"),
    pytest.param("x = 1\ny = 2  # why\nz = 3\n", lambda e: e.delete(statement(e, "y")), "x = 1\n# why\nz = 3\n",
                 id="a deleted statement leaves its comment"),
    pytest.param("x = 1\n\ny = 2\n\nz = 3\n", lambda e: e.delete(statement(e, "y")), "x = 1\n\nz = 3\n",
                 id="no two blank lines after a deletion"),
    pytest.param("if a:\n    y = 2\nz = 3\n", lambda e: e.delete(statement(e, "y")), "if a:\n    pass\nz = 3\n",
                 id="an emptied block gets pass"),
    pytest.param("a = 1; b = 2; c = 3\n", lambda e: e.insert_before(statement(e, "b"), "new()"),
                 "a = 1\nnew()\nb = 2\nc = 3\n", id="insertion on a line of several statements"),
    pytest.param("if a: b = 2\n", lambda e: e.insert_after(statement(e, "b"), "new()"),
                 "if a:\n    b = 2\n    new()\n", id="insertion in a block on the line of its header"),
    pytest.param("def f():\n    # about x\n    x = 1\n", lambda e: e.insert_before(statement(e, "x"), "a = 0\nb = 0"),
                 "def f():\n    a = 0\n    b = 0\n    # about x\n    x = 1\n", id="insertion above the comments"),
    pytest.param("def f():\n\tx = 1", lambda e: e.insert_after(statement(e, "x"), "y = 2"),
                 "def f():\n\tx = 1\n\ty = 2", id="insertion at the end without a final newline"),
    pytest.param("def f():\n    # about x\n    x = 1\n", lambda e: e.mark(statement(e, "x"), "M101", "no\nrule"),
                 "def f():\n    # about x\n    # mapper: M101 no rule\n    x = 1\n", id="marker"),
    pytest.param("with s() as t:  # open\n    # one\n    a = f(1)\n    b = '''x\n  y'''\nc = 1\n",
                 lambda e: e.unwrap(statement(e, "with")),
                 "# open\n# one\na = f(1)\nb = '''x\n  y'''\nc = 1\n", id="dedent keeps comments and strings"),
    pytest.param("with s() as t:\n    a = f(1)\n",
                 lambda e: (e.unwrap(statement(e, "with"), header="t = s()"), e.replace(expression(e, "f(1)"), "g")),
                 "t = s()\na = g\n", id="dedent with edits inside, made afterwards"),
    pytest.param("from m import a, b as c, d\n",
                 lambda e: e.remove_names(e.tree.body[0], e.tree.body[0].names[1:2]),
                 "from m import a, d\n", id="one name of an import"),
    pytest.param("'''doc'''\nfrom __future__ import x\n\ny = 1\n", lambda e: e.add_imports(["import z"]),
                 "'''doc'''\nfrom __future__ import x\n\nimport z\ny = 1\n", id="import after docstring and future"),
    pytest.param("@d\ndef f():\n    pass\n", lambda e: e.delete(statement(e, "@d")), "", id="decorated definition"),
])
def test_changes(source: str, change: Change, expected: str) -> None:
    editor = Editor(source)
    change(editor)
    code = editor.result()
    ast.parse(code.lstrip("\ufeff"))
    assert code == expected


def test_statements_move_with_comments_and_edits() -> None:
    editor = Editor("if a:\n    # one\n    x = f(1)  # tail\n    y = 2\nz = 3\n")
    moved = [statement(editor, "x"), statement(editor, "y")]
    editor.replace(expression(editor, "f(1)"), "g(1)")
    text = editor.block(moved, "")
    for each in moved:
        editor.delete(each, comments=False)
    editor.insert_after(statement(editor, "z"), text)
    assert editor.result() == "if a:\n    pass\nz = 3\n# one\nx = g(1)  # tail\ny = 2\n"


def test_outer_text_is_built_from_edited_children() -> None:
    editor = Editor("y = f(g(x), h(x))\n")
    call = expression(editor, "f(g(x), h(x))")
    assert isinstance(call, ast.Call)
    editor.replace(call, lambda: f"k({editor.text(call.args[1])})")
    editor.replace(call.args[1], "m(x)")
    assert editor.result() == "y = k(m(x))\n"


def test_marks_that_end_no_line_stay_in_a_comment() -> None:
    import mapper

    text = ("import tensorflow as tf\nX = tf.placeholder(tf.float32, [None, 2])\nw = tf.Variable([[1.0], [2.0]])\ncost = tf.reduce_sum(tf.matmul(X, w) ** 2)\n"
            "g = tf.gradients(cost, X)[0]  # \u00e9 \u2028 \u00a0\nwith tf.Session() as s:\n    s.run(tf.global_variables_initializer())\n"
            "    print(s.run(g, {X: [[1.0, 2.0]]}))\n")
    assert "# \u00e9" in mapper.convert(text).code


@pytest.mark.parametrize("line", ["hess = tf.gradients(y)[0]", "train = self.opt.minimize(y)"], ids=["no xs", "no optimizer"])
def test_a_program_that_could_not_run_is_converted_or_marked(line: str) -> None:
    import mapper

    text = f"import tensorflow as tf\nclass A:\n    def __init__(self):\n        x = tf.placeholder(tf.float32)\n        y = x * x\n        {line}\n"
    assert mapper.convert(text).code


def test_scopes_whose_statements_move_into_functions_leave_nothing_behind() -> None:
    import mapper

    text = ("import tensorflow as tf\n"
            "def main():\n    y = tf.placeholder(tf.float32, [3])\n    with tf.name_scope('a'):\n        h0 = tf.sin(y)  # read by nobody\n"
            "    with tf.name_scope('b'):\n        h1 = tf.exp(y)\n    y0 = tf.reduce_mean(tf.sin(h1))\n    g0 = tf.gradients(y0, [y])\n"
            "    with tf.Session() as sess:\n        print(sess.run([g0, y0], feed_dict={y: [1.0, 2.0, 3.0]}))  # run\nmain()\n")
    code = mapper.convert(text).code
    assert "tf." not in code and "class Deferred" not in code
    assert code.count("# read by nobody") == code.count("# run") == 1


def test_definitions_are_set_apart_by_blank_lines() -> None:
    from mapper.staging.direct_emit import set_apart

    assert set_apart("x = 1\n# why\ndef f():\n    def g():\n        pass\n    return g\ny = 2\n", set()) == \
        "x = 1\n\n\n# why\ndef f():\n    def g():\n        pass\n\n    return g\n\n\ny = 2\n"
    assert set_apart("x = 1\r\ndef f():\r\n    pass\r\n", set()) == "x = 1\r\n\r\n\r\ndef f():\r\n    pass\r\n"
    assert set_apart("x = 1\rdef f():\r    pass\r", set()) == "x = 1\rdef f():\r    pass\r"
    assert set_apart("x = 1\ndef f():\n    pass\n", {"f"}) == "x = 1\ndef f():\n    pass\n"


def test_a_marker_stands_directly_above_its_statement_whatever_else_is_put_there() -> None:
    editor = Editor("x = 1\ny = 2\n")
    editor.mark(editor.tree.body[1], "M201", "by hand")
    editor.insert_before(editor.tree.body[1], "z = 0")
    assert editor.result() == "x = 1\nz = 0\n# mapper: M201 by hand\ny = 2\n"


def test_what_follows_a_statement_whose_last_lines_are_removed_is_kept() -> None:
    editor = Editor("class A:\n    def f(self):\n        x = 1\n        y = 2\n        z = 3\n")
    method = editor.tree.body[0].body[0]  # type: ignore[attr-defined]
    editor.insert_after(method, "def g(self):\n    pass")
    editor.delete(method.body[1])
    editor.delete(method.body[2])
    assert editor.result() == "class A:\n    def f(self):\n        x = 1\n    def g(self):\n        pass\n"


def test_what_precedes_a_statement_that_is_removed_is_kept() -> None:
    editor = Editor("def f(self):\n    x = 1\n    y = 2\n")
    first = editor.tree.body[0].body[0]  # type: ignore[attr-defined]
    editor.insert_before(first, "a = 0\nb = 0")
    editor.delete(first)
    assert editor.result() == "def f(self):\n    a = 0\n    b = 0\n    y = 2\n"
