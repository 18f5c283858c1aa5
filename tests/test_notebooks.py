"""Notebooks: code cells are converted, and every byte that need not change stays."""
from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapper.cli import main
from mapper.notebooks import code_cells, convert_notebook, is_python
from mapper.results import SourceError


def cell(text: str, kind: str = "code", as_list: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": ["é"]}, "source": text.splitlines(keepends=True) if as_list else text}
    if kind == "code":
        found.update(execution_count=3, outputs=[{"name": "stdout", "output_type": "stream", "text": ["tf.gradients é\n"]}])
    return found


CELLS = [
    cell("# Gradients\nimport tensorflow as tf\n", "markdown"),
    cell("%matplotlib inline\nimport numpy as np\nimport tensorflow as tf\n!pip install \\\n    something\nfiles = !ls"),
    cell("x = tf.placeholder(tf.float32, [3], name='x')\ny = tf.reduce_sum(x ** 3)\ng = tf.gradients(y, x)[0]"),
    cell("%%bash\necho import tensorflow"), cell(""), cell("print('the same');  # stays"), cell("?print"), cell("np.ones?"),
    cell("%%time\nwith tf.Session() as sess:\n    %precision 3\n    print(sess.run(g, {x: [1., 2., 3.]}))", as_list=False),
    cell("raw tf.gradients", "raw"),
]


def notebook(cells: list[dict[str, Any]] = CELLS, **form: Any) -> str:
    book = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, **{"indent": 1, "ensure_ascii": False, **form}) + "\n"


def texts(book: str) -> list[str]:
    return ["".join(c["source"]) for c in json.loads(book)["cells"]]


FORMS = [{}, {"indent": None}, {"indent": 4}, {"indent": "\t"}, {"indent": None, "separators": (",", ":")}, {"ensure_ascii": True}]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_only_the_text_of_changed_cells_changes(form: dict[str, Any]) -> None:
    before = notebook(**form)
    after = convert_notebook(before, None, None, "n.ipynb").code
    old, new = json.loads(before), json.loads(after)
    for one, other in zip(old["cells"], new["cells"]):
        assert {**one, "source": 0} == {**other, "source": 0}
        assert isinstance(one["source"], list) == isinstance(other["source"], list)
    changed = [i for i, (one, other) in enumerate(zip(texts(before), texts(after))) if one != other]
    assert changed == [1, 2, 8]
    if not form:
        touched = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
        assert not any("outputs" in line or "metadata" in line or "execution" in line or "pip" in line for line in touched)
    restored = json.loads(after)
    for i in changed:
        restored["cells"][i]["source"] = old["cells"][i]["source"]
    assert restored == old and json.dumps(restored, **{"indent": 1, "ensure_ascii": False, **form}) + "\n" == before


def test_magics_stay_and_code_is_converted() -> None:
    after = texts(convert_notebook(notebook(), None, None, "n.ipynb").code)
    assert after[1].startswith("%matplotlib inline\nimport numpy as np\nimport mindspore as ms\n")
    assert after[1].endswith("!pip install \\\n    something\nfiles = !ls")
    assert "tf." not in after[2] and "GradOperation" in after[2] and not after[2].endswith("\n")
    assert after[8].startswith("%%time\n%precision 3\nprint(")
    program = "\n".join(line for i in (1, 2, 8) for line in after[i].splitlines() if not line.startswith(("%", "!", "    something", "files")))
    compile(program, "converted", "exec")


def test_findings_name_the_cell_and_its_line() -> None:
    book = notebook([cell("text", "markdown"), cell("import tensorflow as tf\nx = tf.constant(1.)"), cell("a = 1\nb = tf.contrib.never(x)")])
    finding, = convert_notebook(book, None, None, "n.ipynb").findings
    assert (finding.file, finding.line) == ("n.ipynb:cell 3", 2)


def test_statement_in_a_magic_is_reported() -> None:
    book = notebook([cell("import tensorflow as tf\nx = tf.constant(1.)"), cell("%time y = tf.exp(x)")])
    result = convert_notebook(book, None, None, "n.ipynb")
    assert not result.complete and result.findings[-1].file == "n.ipynb:cell 2" and texts(result.code)[1] == "%time y = tf.exp(x)"


def test_percent_that_is_no_magic() -> None:
    book = notebook([cell("import tensorflow as tf\nx = (7\n% 4)\ns = '''\n%time\n!ls\n'''\ny = tf.constant(1.)")])
    assert "s = '''\n%time\n!ls\n'''" in texts(convert_notebook(book, None, None, "n.ipynb").code)[0]


def test_switches_work_across_cells() -> None:
    book = notebook([cell("import tensorflow as tf\n# mapper: off"), cell("a = tf.one()"), cell("# mapper: on\nb = tf.constant(2.)")])
    after = texts(convert_notebook(book, None, None, "n.ipynb").code)
    assert after[1] == "a = tf.one()" and "tf.constant" not in after[2]


def test_converted_notebook_is_left_as_it_is() -> None:
    once = convert_notebook(notebook(), None, None, "n.ipynb").code
    assert convert_notebook(once, "mindspore", None, "n.ipynb").code == once


@pytest.mark.parametrize("text, part", [("{", "not a notebook"), ("[]", "not a notebook"), ('{"worksheets": [], "nbformat": 3}', "format 4"),
                                        (notebook([cell("import tensorflow as tf"), cell("x = (")]), "n.ipynb:cell 2:1: syntax error")])
def test_what_is_no_notebook_is_refused(text: str, part: str) -> None:
    with pytest.raises(SourceError, match=part.replace("(", "\\(")):
        convert_notebook(text, None, None, "n.ipynb")


def test_other_languages_are_left_alone(tmp_path: Path) -> None:
    book = notebook([cell("import tensorflow as tf")]).replace('"python"', '"julia"')
    assert not is_python(book, "n.ipynb")
    (tmp_path / "n.ipynb").write_text(book, "utf-8")
    result = CliRunner().invoke(main, ["convert", "--in-place", "--to", "mindspore", str(tmp_path / "n.ipynb")])
    assert result.exit_code == 0 and (tmp_path / "n.ipynb").read_text("utf-8") == book


def test_commands_on_a_notebook(tmp_path: Path) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(notebook(), "utf-8")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "n.ipynb").write_text(notebook(), "utf-8")
    shown = CliRunner().invoke(main, ["convert", str(file)])
    assert shown.exit_code == 0 and shown.stdout == convert_notebook(notebook(), None, None, "n.ipynb").code
    done = CliRunner().invoke(main, ["convert", "--in-place", "--no-cache", str(tmp_path)])
    assert done.exit_code == 0 and file.read_text("utf-8") == shown.stdout
    assert (tmp_path / ".ipynb_checkpoints" / "n.ipynb").read_text("utf-8") == notebook()


CHECKED = [cell("text", "markdown"), cell("%matplotlib inline\nimport tensorflow as tf"), cell("!ls"),
           cell("x = tf.constant(1.)\n%time 1\nprint(tf.contrib.never(x))\ny = tf.contrib.known(x)  # mapper: ignore")]


def test_check_names_the_cell_and_shows_its_line(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(notebook(CHECKED), "utf-8")
    for path in (tmp_path / "n.ipynb", tmp_path):
        shown = CliRunner().invoke(main, ["check", str(path)])
        assert shown.exit_code == 1
        assert shown.stdout.splitlines()[0].startswith(f"{tmp_path / 'n.ipynb'}:cell 4:3:7: error M201 tf.contrib.never")
        assert shown.stdout.splitlines()[1:3] == ["     3 | print(tf.contrib.never(x))", "       |       ^^^^^^^^^^^^^^^^"]
        assert shown.stdout.splitlines()[-1] == "1 error"


def test_check_names_the_file_where_cells_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(notebook(CHECKED), "utf-8")
    said = CliRunner().invoke(main, ["check", "--format", "github", str(tmp_path / "n.ipynb")]).stdout
    assert said.startswith(f"::error file={tmp_path / 'n.ipynb'},line=1,col=1,title=M201::cell 4, line 3: tf.contrib.never")
    log = json.loads(CliRunner().invoke(main, ["check", "--format", "sarif", str(tmp_path / "n.ipynb")]).stdout)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/n.ipynb") and place["region"]["startLine"] == 1


@pytest.mark.parametrize("book", [notebook([cell("import numpy")]), notebook(CHECKED).replace('"python"', '"julia"')], ids=["neither framework", "Julia"])
def test_check_of_a_notebook_that_does_not_concern_us(book: str, tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(book, "utf-8")
    assert CliRunner().invoke(main, ["check", str(tmp_path / "n.ipynb")]).exit_code == 0


@pytest.mark.parametrize("command", [["check"], ["verify"], ["run"]], ids=" ".join)
def test_what_cannot_be_done_with_a_notebook_is_said(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text("{" if command == ["check"] else notebook(), "utf-8")
    result = CliRunner().invoke(main, [*command, str(tmp_path / "n.ipynb")])
    assert result.exit_code == 2 and result.stderr.startswith("mapper: ") and "notebook" in result.stderr and result.stderr.count("\n") == 1


def test_cells_are_found_in_any_layout() -> None:
    text = (' {"metadata":{"cells":[1]},\n"cells":[ {"source":"a","cell_type":"code"},{"cell_type":"code","source":[]}, '
            '{"cell_type":"markdown","source":"x"} ] }')
    assert [(c.number, c.text, text[c.start:c.end]) for c in code_cells(text, "n.ipynb")] == [(1, "a", '"a"'), (2, "", "[]")]
