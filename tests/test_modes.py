"""The ways to convert: standard input, patches, in place, as a check; what is switched off; and converting twice."""
from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mapper
from mapper import differences, source
from mapper.cli import main
from mapper.results import SourceError

ROOT = Path(__file__).resolve().parent.parent
GOOD = "import tensorflow as tf\n\nx = tf.constant([1., 2.])\ng = tf.gradients(x * x, x)\nwith tf.Session() as sess:\n    print(sess.run(g))\n"
PARTLY = GOOD + "print(tf.contrib.never.heard_of(x))\n"
PROGRAMS = sorted([*(ROOT / "tests" / "programs").rglob("*.py"), *(ROOT / "examples").glob("*.py")])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("MAPPER_CACHE_DIR", str(tmp_path / "cache"))


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given, catch_exceptions=False)


def converted(text: str) -> str:
    return mapper.convert(text).code


# ------------------------------------------------------------------------------------------------------- standard input

def test_standard_input_to_standard_output() -> None:
    result = run("convert", "-", given=GOOD.encode())
    assert result.exit_code == 0 and result.stdout == converted(GOOD) and "<stdin>: 1 of 1" in result.stderr


def test_a_dash_for_the_output_is_standard_output() -> None:
    Path("a.py").write_text(GOOD, "utf-8")
    for given in ("a.py", "-"):
        assert run("convert", given, "-o", "-", given=GOOD.encode()).stdout == converted(GOOD)
    assert not Path("-").exists()


def test_markers_are_seen_behind_every_kind_of_line_end() -> None:
    text = "import mindspore\r" + PARTLY.replace("print(tf", "# mapper: M201 by hand\rprint(tf")
    again = mapper.convert(text)
    assert again.code == text and [(f.code, f.line) for f in again.findings] == [("M201", 9)]


@pytest.mark.parametrize("head, encoding", [("# coding: latin-1\n", "latin-1"), ("", "utf-8-sig"), ("", "utf-8")])
def test_standard_output_has_the_encoding_of_standard_input(head: str, encoding: str) -> None:
    text = head + "# café\n" + GOOD
    assert run("convert", "-", given=text.encode(encoding)).stdout_bytes == converted(text).encode(encoding)


def test_standard_input_without_a_last_line_end_and_with_crlf() -> None:
    text = GOOD.replace("\n", "\r\n")
    assert run("convert", "-", given=text.encode()).stdout_bytes == converted(text).encode()
    assert not run("convert", "-", given=(GOOD + "print(1)").encode()).stdout.endswith("\n")


def test_name_of_standard_input() -> None:
    result = run("convert", "-", "--stdin-name", "train.py", given=PARTLY.encode())
    assert result.exit_code == 1 and "train.py:7:" in result.stderr


@pytest.mark.parametrize("option", ["--in-place", "--verify"])
def test_standard_input_has_no_file(option: str) -> None:
    assert run("convert", "-", option, given=GOOD.encode()).exit_code == 2


# --------------------------------------------------------------------------------------------------------------- patches

@pytest.mark.parametrize("text, encoding", [
    (GOOD, "utf-8"), (GOOD + "print('no line end')", "utf-8"), (GOOD.replace("\n", "\r\n"), "utf-8"), ("# é\n" + GOOD, "utf-8-sig"),
    ("# coding: latin-1\n# é\n" + GOOD, "latin-1"), ("# a\fb\x0b\n" + GOOD, "utf-8"), ("# \u2028\n" + GOOD, "utf-8"),
], ids=["plain", "no last line end", "CRLF", "BOM", "latin-1", "form feed", "line separator"])
@pytest.mark.parametrize("name", ["a.py", "a folder/of mine.py"])
def test_diff_applies_with_patch(name: str, text: str, encoding: str) -> None:
    file = Path(name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode(encoding))
    expected = run("convert", file).stdout_bytes
    patch = run("convert", "--diff", file).stdout_bytes
    done = subprocess.run(["patch", "-p1", "--binary"], input=patch, capture_output=True)
    assert done.returncode == 0, done.stdout
    assert file.read_bytes() == expected


def test_diff_of_a_tree_is_one_patch() -> None:
    for name in ("a.py", "deep/b.py", "plain.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(GOOD if name != "plain.py" else "print(1)\n")
    subprocess.run(["patch", "-p1", "-s"], input=run("convert", "--diff", ".").stdout_bytes, check=True)
    assert Path("a.py").read_text() == Path("deep/b.py").read_text() == converted(GOOD) and Path("plain.py").read_text() == "print(1)\n"


def test_diff_names_an_absolute_path_below_the_folder_as_relative(tmp_path: Path) -> None:
    assert differences.shown_name(Path.cwd() / "a" / "b.py") == "a/b.py"
    assert differences.shown_name(tmp_path / "b.py") == str(tmp_path / "b.py").lstrip("/")


def test_diff_of_what_does_not_change_is_empty() -> None:
    Path("a.py").write_text(converted(GOOD))
    result = run("convert", "--diff", "--to", "mindspore", "a.py")
    assert result.exit_code == 0 and result.stdout == "" and result.stderr == ""


def on_a_terminal(*arguments: str, folder: Path | None = None, columns: int = 80, **environment: str) -> str:
    """What a command prints when its output is a terminal."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (50, columns))
    given = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    child = subprocess.Popen([sys.executable, "-m", "mapper", *arguments], stdout=follower, stderr=follower, stdin=subprocess.DEVNULL, cwd=folder,
                             env={**given, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment})
    os.close(follower)
    pieces = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    child.wait()
    os.close(leader)
    return b"".join(pieces).decode()


def test_diff_has_colours_on_a_terminal_and_none_with_no_color() -> None:
    Path("a.py").write_text(GOOD)
    assert "\x1b[31m-import tensorflow as tf\x1b[0m" in on_a_terminal("convert", "--diff", "a.py", NO_COLOR="")
    assert "\x1b" not in on_a_terminal("convert", "--diff", "a.py", NO_COLOR="1")
    assert b"\x1b" not in run("convert", "--diff", "a.py").stdout_bytes


def test_progress_bar_on_a_terminal_only() -> None:
    Path("a.py").write_text(GOOD)
    assert "converting" in on_a_terminal("convert", ".", "-o", "../out")
    result = run("convert", ".", "-o", "../out2")
    assert "converting" not in result.stderr and "1 file: 1 converted" in result.stderr
    assert "checking" in on_a_terminal("check", ".") and "checking" not in on_a_terminal("check", "a.py") and "checking" not in run("check", ".").stderr


# ------------------------------------------------------------------------------------------------- in place, and checking

@pytest.mark.parametrize("mode", [0o640, 0o755, 0o444 | 0o200])
def test_in_place_keeps_the_mode_bits(mode: int) -> None:
    file = Path("a.py")
    file.write_text(GOOD)
    file.chmod(mode)
    assert run("convert", "--in-place", file).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == mode and file.read_text() == converted(GOOD)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_in_place_keeps_the_owner() -> None:
    file = Path("a.py")
    file.write_text(GOOD)
    os.chown(file, 12345, 23456)
    assert run("convert", "--in-place", file).exit_code == 0
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_owner_that_cannot_be_kept_means_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("a.py")
    file.write_text(GOOD)
    mine = os.stat

    def stat_of_a_stranger(path: object, **options: object) -> os.stat_result:
        found = list(mine(path, **options))                 # type: ignore[call-overload]
        found[4] += 1 if str(path).startswith(str(file.absolute().parent / ".")) or str(path).startswith(".a.py") else 0
        return os.stat_result(found)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(source.os, "stat", stat_of_a_stranger)
    monkeypatch.setattr(source.os, "chown", refuse)
    with pytest.raises(SourceError, match="another user"):
        source.write(file, "x = 1\n")
    assert file.read_text() == GOOD and os.listdir() == ["a.py"]


def test_backup_keeps_every_text_once() -> None:
    file = Path("a.py")
    file.write_text(GOOD)
    file.chmod(0o600)
    assert run("convert", "--in-place", "--backup", file).exit_code == 0
    assert Path("a.py.orig").read_text() == GOOD and stat.S_IMODE(Path("a.py.orig").stat().st_mode) == 0o600
    file.write_text(PARTLY)
    assert run("convert", "--in-place", "--backup", file).exit_code == 1
    file.write_text(GOOD)
    assert run("convert", "--in-place", "--backup", file).exit_code == 0
    assert sorted(os.listdir()) == ["a.py", "a.py.orig", "a.py.orig2"] and Path("a.py.orig2").read_text() == PARTLY


def test_backup_needs_in_place() -> None:
    Path("a.py").write_text(GOOD)
    assert run("convert", "--backup", "a.py").exit_code == 2


def test_file_that_changes_meanwhile_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    from mapper import trees

    file = Path("a.py")
    file.write_text(GOOD)
    convert = trees.convert
    monkeypatch.setattr(trees, "convert", lambda program: (convert(program), file.write_text(GOOD + "# edited\n"))[0])
    result = run("convert", "--in-place", file)
    assert result.exit_code == 2 and "was changed while" in result.stderr and file.read_text() == GOOD + "# edited\n"


def test_check_says_what_would_change_and_writes_nothing() -> None:
    Path("a.py").write_text(GOOD)
    result = run("convert", "--check", "a.py")
    assert result.exit_code == 1 and result.stdout == "" and "a.py: would be converted" in result.stderr
    assert Path("a.py").read_text() == GOOD and os.listdir() == ["a.py"]
    Path("a.py").write_text(converted(GOOD))
    assert run("convert", "--check", "--to", "mindspore", "a.py").exit_code == 0


def test_in_place_with_verify_replaces_only_what_is_proven() -> None:
    good, bad = Path("good.py"), Path("bad.py")
    good.write_text(GOOD)
    bad.write_text(GOOD + "raise SystemExit(3)\n")
    result = run("convert", "--in-place", "--verify", good, bad)
    assert result.exit_code == 2 and "was not replaced" in result.stderr and "same numbers" in result.stderr
    assert good.read_text() == converted(GOOD) and bad.read_text().startswith(GOOD)


@pytest.mark.parametrize("name", ["stub.pyi", "README.md", "notes.rst"])
def test_stubs_and_texts_are_left_alone(name: str) -> None:
    Path(name).write_text("import tensorflow as tf\n")
    result = run("convert", "--in-place", name)
    assert result.exit_code == 0 and "left alone" in result.stderr and Path(name).read_text() == "import tensorflow as tf\n"


def test_character_that_the_encoding_lacks() -> None:
    with pytest.raises(SourceError, match="cannot be written in latin-1"):
        source.write(Path("a.py"), "# \u20ac\n", "latin-1")
    assert os.listdir() == []


# --------------------------------------------------------------------------------------------------------------- switches

HELD = """import tensorflow as tf
import tensorflow.keras.backend as K

x = tf.constant([1., 2.])
# mapper: off
def weird(a):
    '''two
    lines'''
    return tf.contrib.weird(a)      # stays
# mapper: on
g = tf.gradients(x * x, x)
print(tf.__version__)   # mapper: skip
with tf.Session() as sess:
    # mapper: skip
    print(tf.contrib.a(1,
                       2))
    print(sess.run(g))
"""


def test_what_is_switched_off_stays_and_keeps_its_import() -> None:
    result = mapper.convert(HELD)
    assert result.complete and [site.converted is not None for site in result.sites] == [True]
    for part in ("def weird(a):\n    '''two\n    lines'''\n    return tf.contrib.weird(a)      # stays\n", "print(tf.__version__)   # mapper: skip\n",
                 "# mapper: skip\nprint(tf.contrib.a(1,\n", "import tensorflow as tf  # mapper: skip\n"):
        assert part in result.code
    assert "keras" not in result.code and "tf.gradients" not in result.code
    line = result.code.splitlines()[result.sites[0].converted[0] - 1]           # type: ignore[index]
    assert "GradOperation" in line
    assert mapper.convert(result.code, to="mindspore").code == result.code


def test_import_over_several_lines_is_kept_as_one() -> None:
    code = mapper.convert("from mindspore import Tensor, \\\n    ops\nfrom mindspore import (nn,  # layers\n    jit)\n# mapper: off\ng = ops.grad(nn)\n").code
    assert "from mindspore import Tensor, ops  # mapper: skip\n" in code and "from mindspore import nn, jit  # mapper: skip\n" in code


@pytest.mark.parametrize("text", ["# mapper: off\n" + GOOD, GOOD.replace("\n", "  # mapper: skip\n", 1).replace("x =", "# mapper: off\nx =")],
                         ids=["the whole file", "all but a line"])
def test_switched_off_to_the_end(text: str) -> None:
    assert mapper.convert(text).code == text


@pytest.mark.parametrize("line", ["x = 1  # mapper: offline", "s = '# mapper: off'", "s = '''\n# mapper: off\n'''", "#mapper : off"])
def test_what_only_looks_like_a_switch(line: str) -> None:
    assert "tensorflow" not in mapper.convert(GOOD + line + "\n" + "y = tf.constant(1.)\n").code


def test_switches_inside_a_class() -> None:
    text = ("import tensorflow as tf\n\nclass A:\n    # mapper: off\n    def f(self):\n        return tf.weird(self)\n\n    @tf.other\n    def g(self):\n"
            "        return 1\n    # mapper: on\n    def h(self):\n        return tf.constant(2.)\n")
    code = mapper.convert(text).code
    assert "    def f(self):\n        return tf.weird(self)\n\n    @tf.other\n    def g(self):\n        return 1\n    # mapper: on\n" in code
    assert "tf.constant" not in code


APART = {
    "a line of its own, indented otherwise": "import tensorflow as tf\n  # mapper: skip\nx = tf.contrib.thing(3)\na = tf.exp(x)\n{rest}",
    "a blank line in between": "import tensorflow as tf\n# mapper: skip\n\n# more\ndef f(x):\n    return tf.exp(x)\na = tf.exp(f(1.))\n{rest}",
    "off and on": "import tensorflow as tf\n# mapper: off\n\nx = tf.contrib.thing(3)\n\n# mapper: on\na = tf.exp(x)\n{rest}",
    "off in a function": "import tensorflow as tf\ndef f():\n    # mapper: off\n\n    return tf.exp(1)  # note\n  # mapper: on\na = tf.exp(f())\n{rest}",
    "imports in between": "import tensorflow as tf\n# mapper: off\nimport tensorflow.contrib\n# mapper: on\nimport os\na = tf.exp(1.)\n{rest}",
}


@pytest.mark.parametrize("rest", ["", "for v in tf.trainable_variables():\n    print(tf.contrib.unknown(a))\n"], ids=["directly", "with a library"])
@pytest.mark.parametrize("what", APART)
def test_nothing_comes_between_a_switch_and_what_it_holds(what: str, rest: str) -> None:
    text = APART[what].format(rest=rest)
    held = text[text.index("\n") + 1:text.index("\na = ")].removesuffix("\nimport os")
    code = mapper.convert(text).code
    assert held in code and "a = tf." not in code
    assert mapper.convert(code, "mindspore").code == code


@pytest.mark.parametrize("ends", [("\r\n", "\r"), ("\n", "\r"), ("\r", "\n", "\r\n")], ids=repr)
def test_switches_in_a_text_of_mixed_line_ends(ends: tuple[str, ...]) -> None:
    """A lone \\r ends a line, whatever the other lines end with."""
    lines = ["import tensorflow as tf", "", "def f(x):", "    y = tf.exp(x)", "    return y  # note", "# mapper: off", "print(tf.one)", "# mapper: on",
             "a = tf.constant(1.)", "b = tf.two()  # mapper: skip", "c = tf.constant(2.)"]
    text = "".join(line + ends[n % len(ends)] for n, line in enumerate(lines))
    code = mapper.convert(text).code
    for kept in ("# mapper: off", "print(tf.one)", "# mapper: on", "b = tf.two()  # mapper: skip"):
        assert f"{kept}{ends[lines.index(kept) % len(ends)]}" in code
    assert "tf.exp" not in code and "tf.constant" not in code
    assert mapper.convert(code, "mindspore").code == code


# ------------------------------------------------------------------------------------------------------------------ twice

@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_converting_what_is_converted_changes_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    to = source.direction_of(text, path.name)
    once = mapper.convert(text, to)
    again = mapper.convert(once.code, to)
    assert again.code == once.code
    assert [(f.code, f.message) for f in again.findings] == [(f.code, f.message) for f in once.findings if f.level == "error"]


def test_markers_are_reported_again_and_the_program_stays() -> None:
    once = mapper.convert(PARTLY)
    again = mapper.convert(once.code)
    assert not again.complete and again.code == once.code
    line = again.findings[0].line
    assert once.code.splitlines()[line - 2].startswith("# mapper: M") and "never.heard_of" in once.code.splitlines()[line - 1]
