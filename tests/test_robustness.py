"""Text in every shape: nothing crashes, what is not changed keeps its bytes, the output parses; and nothing is ever half written."""
from __future__ import annotations

import ast
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mapper
from mapper import source
from mapper.results import Conversion, Site, SourceError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import fuzz  # noqa: E402

GOOD = "import tensorflow as tf\n\nx = tf.constant([1., 2.])\ng = tf.gradients(x * x, x)\nwith tf.Session() as sess:\n    print(sess.run(g))\n"
PINN = (ROOT / "tests" / "programs" / "tensorflow" / "damped_oscillator_pinn.py").read_text("utf-8")
CELL = (ROOT / "examples" / "seed_mindspore.py").read_text("utf-8")

SHAPES = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "a form feed between parts": lambda text: text.replace("\n\n", "\n\f\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "a coding line": lambda text: "# -*- coding: utf-8 -*-\n" + text,
    "no last line end": lambda text: text.rstrip("\n"),
    "blanks at the end of lines": lambda text: re.sub(r"(?<=[^\s\\,(\[])\n", "  \n", text),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", [GOOD, PINN, CELL], ids=["seed", "pinn", "cell"])
def test_shape_of_the_text_is_kept(shape: str, text: str) -> None:
    shaped = SHAPES[shape](text)
    result = mapper.convert(shaped)
    plain = mapper.convert(text)
    assert result.complete == plain.complete
    assert re.sub(r"\s+", "", result.code.removeprefix("\ufeff").removeprefix("# -*- coding: utf-8 -*-\n")) == re.sub(r"\s+", "", plain.code)
    if shape in ("CRLF", "CR", "a byte order mark"):
        assert result.code == SHAPES[shape](plain.code)


def test_tabs_stay_tabs() -> None:
    code = mapper.convert(PINN.replace("    ", "\t")).code
    ast.parse(code)
    assert "\n\t\t" in code and "\n        self." not in code


@pytest.mark.parametrize("text", ["import numpy as np  # note; import tensorflow as tf\n", "'''\nimport tensorflow as tf\n'''\n",
                                  "if 1:\n    x = '''\n    import mindspore\n'''\n"])
def test_an_import_in_a_comment_or_a_string_is_none(text: str) -> None:
    assert source.imports(text) == set()
    assert mapper.convert(text, "mindspore").code == text and mapper.convert(text, "tensorflow").code == text


@pytest.mark.parametrize("line", ["import numpy, tensorflow as tf", "if 1: import tensorflow.keras", "from tensorflow.keras import (\n    layers)",
                                  "try:\n    pass\n"
                                  "except A:\n    import tensorflow", "match 1:\n    case 1:\n        import tensorflow", "print 1; import tensorflow"])
def test_imports_in_every_place_are_seen(line: str) -> None:
    assert source.imports("\ufeff" + line) == source.imports(f"# x\n{line}\r\n") == {"tensorflow"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1251", "gbk", "euc-jp", "koi8-r"])
def test_encoding_named_in_the_program(encoding: str, tmp_path: Path) -> None:
    word = {"latin-1": "café", "cp1251": "привет", "koi8-r": "привет", "gbk": "梯度", "euc-jp": "勾配", "utf-8": "∇"}[encoding]
    file = tmp_path / "a.py"
    file.write_bytes(f"# coding: {encoding}\n# {word}\n{GOOD}s = '{word}'\n".encode(encoding))
    read = source.read(file)
    source.write(file, mapper.convert(read.text).code, read.encoding)
    text = file.read_bytes().decode(encoding)
    assert text.startswith(f"# coding: {encoding}\n# {word}\n") and text.endswith(f"s = '{word}'\n") and "tensorflow" not in text


OTHER_LINES = [
    "x  =1 ;y= 2", "if  (a :=10) > 5 : pass", "def f(a, /, b, *, c): ...", "print(f'{a!r:>{b}} {a=}')",
    "async def g():\n    async with a as b, c as d:\n        await b", "with (open('a') as f, open('b') as h):\n    pass",
    "match a:\n    case {'k': [1, *rest], **other} if rest:\n        pass\n    case A(b=1) | None:\n        pass",
    "try:\n    pass\nexcept* ValueError as e:\n    pass", "@a[0].b(lambda: 1)\nclass B(metaclass=M): x: int = 1", "lambda *a, **k: (yield)",
    "a[b, *c]", "x: 'T' = ...", "print(*a, **b, sep='')", "a = yield_ = 1_000j", "def f(): return *a, 1", "type X[T] = list[T]",
    "def f[T: int = str](a: T) -> T: ...", "class C[*Ts, **P]: ...", "print(f'{a['b']}')", "try:\n    pass\nexcept A, B:\n    pass",
    "x = t'hello {name}'", "for x in *a, *b: pass", "nonlocal_ = global_ = 0x_ff", "'a' \"b\" '''c\nd'''", "if 1:\n\tx = 1\n\n\ty = 2",
    "x = (  # note\n    1,\n    # more\n)", "assert a, \\\n    b", "del a[0], (b, c)", "global z; z = 1", "def f() -> 'é': return Ünïcode",
]


@pytest.mark.parametrize("line", OTHER_LINES)
@pytest.mark.parametrize("place", ["above", "below"])
def test_syntax_of_every_python(line: str, place: str) -> None:
    text = f"{line}\n{GOOD}" if place == "above" else f"{GOOD}{line}\n"
    try:
        ast.parse(text)
    except SyntaxError:
        with pytest.raises(SourceError, match=r"<string>:\d+"):
            mapper.convert(text)
        return
    result = mapper.convert(text)
    ast.parse(result.code)
    assert line in result.code and result.complete


DEEP = {
    "parentheses": "y = " + "(" * 90 + "x" + ")" * 90, "calls": "y = " + "tf.exp(" * 80 + "x" + ")" * 80,
    "a long sum": "y = " + " + ".join(["x"] * 900), "too long a sum": "y = " + " + ".join(["x"] * 9000),
    "too many brackets": "y = " + "[" * 5000 + "]" * 5000,
    "blocks": "".join("    " * n + f"if x{n}:\n" for n in range(60)) + "    " * 60 + "pass",
    "functions": "".join("    " * n + f"def f{n}():\n" for n in range(60)) + "    " * 60 + "return tf.constant(1.)",
    "lambdas": "y = " + "lambda: " * 300 + "1", "attributes": "y = x" + ".a" * 800, "subscripts": "y = z" + "[0]" * 800,
    "strings": "s = " + "'a' " * 20000, "conditions": "y = " + "1 if z else " * 300 + "2", "a chain of elif": "if z: pass\n" + "elif z: pass\n" * 300,
}


@pytest.mark.parametrize("what", DEEP)
def test_deep_nesting_is_converted_or_refused(what: str) -> None:
    try:
        result = mapper.convert(GOOD + DEEP[what] + "\n")
    except SourceError as error:
        assert "defect" not in str(error) and str(error).count("\n") == 0 and len(str(error)) < 300
    else:
        ast.parse(result.code)


LONG = {
    "numbers": "data = [" + "1234567, " * 22000 + "]", "text": "s = '" + "x" * 200000 + "'", "a comment": "# " + "y" * 200000,
    "blanks": "a =" + " " * 200000 + "1", "a name": "n" * 200000 + " = 1", "bytes": "b = b'" + "\\x00" * 50000 + "'",
}


@pytest.mark.parametrize("what", LONG)
def test_line_of_200000_characters_stays(what: str) -> None:
    result = mapper.convert(GOOD.replace("x = tf", LONG[what] + "\nx = tf"))
    assert LONG[what] in result.code and result.complete


@given(st.text(max_size=200))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_converted_or_refused(text: str) -> None:
    try:
        result = mapper.convert("import tensorflow as tf\n" + text)
    except SourceError as error:
        assert "defect" not in str(error)
    else:
        ast.parse(result.code)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        read = source.decode(data, Path("a.py"))
    except SourceError as error:
        assert str(error).startswith("a.py")
    else:
        assert source.encode(read.text, read.encoding, read.path) == data


names = st.sampled_from(["a", "b", "c", "data", "n"])
values = st.sampled_from(["1", "[1, 2]", "'tf.gradients'", "n + 1", "np.ones(3)", "{'x': 1}", "print", "lambda x: x", "f'{n}'"])
statements = st.one_of(
    st.builds("{} = {}".format, names, values), st.builds("# {} é".format, names), st.just(""), st.builds("def {}():\n    return {}".format, names, values),
    st.builds("for {} in range(3):\n    pass  # {}".format, names, names), st.builds("'''{}\n  tf.x\n'''".format, names),
    st.builds("{}; {}".format, values, values))


@given(st.lists(statements, max_size=6), st.lists(statements, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_statements_around_a_gradient_keep_their_bytes(above: list[str], below: list[str], end: str) -> None:
    text = "\n".join([*above, "import tensorflow as tf", "x_ = tf.constant([1., 2.])", *below, "g_ = tf.gradients(x_ * x_, x_)", *above, ""]).replace("\n", end)
    result = mapper.convert(text)
    for statement in (*above, *below):
        assert statement.replace("\n", end) in result.code
    assert result.complete and mapper.convert(result.code, "mindspore").code == result.code


@pytest.mark.parametrize("first", range(7_000_000, 7_000_060, 20))
def test_mutated_programs(first: int) -> None:
    found = {seed: verdict for seed in range(first, first + 20) if (verdict := fuzz.attempt(seed))[0] not in fuzz.FINE}
    assert found == {}, f"python benchmarks/fuzz.py --show {next(iter(found))}"


WATCHED = f"{fuzz.BYSTANDER}\n{GOOD}# note\n".replace("import tensorflow", "import numpy as np\nimport tensorflow")
DAMAGES = {
    "does not parse": lambda code: code + "(",
    "mixed line ends": lambda code: code + "\r\n",
    "changed what it should not touch": lambda code: code.replace("{'a' :1", "{'a': 1"),
    "lost a comment": lambda code: code.replace("# note", ""),
    "not accounted for": lambda code: code + "tf.exp(1.)\n",
    "changes again": lambda code: f"# {code.count('#')}\n{code}",
}


@pytest.mark.parametrize("verdict", DAMAGES)
def test_fuzzer_sees_what_must_not_happen(verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "mutated", lambda seed: WATCHED.encode())
    assert fuzz.attempt(0) == ("converted", "")
    convert = mapper.convert
    monkeypatch.setattr(mapper, "convert", lambda text, *rest, **options: replace(done := convert(text, *rest, **options), code=DAMAGES[verdict](done.code)))
    assert fuzz.attempt(0)[0] == verdict


ENDS = {"crash": KeyError("xs"), "crash ": SystemExit(1), "defect reported": SourceError("a.py: the converter failed: x; y"),
        "refused without a reason": SourceError("a.py: no"), "refused without a reason ": SourceError("a.py:1: syntax error: x"),
        "refused: nested too deeply": SourceError("a.py: nested too deeply")}


@pytest.mark.parametrize("verdict", ENDS)
def test_fuzzer_asks_why_a_program_is_refused(verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ENDS[verdict]

    monkeypatch.setattr(fuzz, "mutated", lambda seed: WATCHED.encode())
    monkeypatch.setattr(mapper, "convert", refuse)
    assert fuzz.attempt(0)[0] == verdict.strip()


@pytest.mark.parametrize("text, conversion, left", [
    ("import tensorflow as tf\ntf.one()\n", Conversion("# mapper: M201 x\ntf.one()\n"), ""),
    ("import tensorflow as tf\ntf.one()\n", Conversion("# mapper: M201 x\nif 1:\n    tf.one()\n"), ""),
    ("import tensorflow as tf\ntf.one()\n", Conversion("if 1:\n    tf.one()\n"), "tf in line 2"),
    ("import tensorflow as tf\ntf.one()\n", Conversion("tf.one = 1\n"), "tf in line 1"),
    ("import tensorflow as tf\n# mapper: off\ntf.one()\n", Conversion("# mapper: off\ntf.one()\n"), ""),
    ("import tensorflow as tf\ntf = 1\ntf.one()\n", Conversion("tf.one()\n"), ""),
    ("def f():\n    import tensorflow as tf\n    tf.one()\n", Conversion("def f():\n    tf.one()\n"), "tf in line 2"),
    ("def f():\n    import tensorflow as tf\ntf.one()\n", Conversion("tf.one()\n"), ""),
    ("import tensorflow as tf\ng = tf.gradients(x, y)\n", Conversion("g = 1\n"), "a call of tf.gradients that no site speaks of, line 2"),
    ("import tensorflow as tf\ng = tf.gradients(x, y)\n", Conversion("g = 1\n", (), (Site("G1", 2, 5, None),)), "complete, and a site is left"),
    ("import tensorflow as tf\ng = tf.gradients(x, y)\n", Conversion("g = 1\n", (), (Site("G1", 2, 5, (1, 1)),)), ""),
])
def test_fuzzer_counts_what_is_left(text: str, conversion: Conversion, left: str) -> None:
    assert fuzz.unaccounted(text, conversion, "tensorflow") == left


# ---------------------------------------------------------------------------------------------------------------- kill -9

def test_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    texts = ["# old\n" * 20000, "# new\n" * 30000]
    file.write_text(texts[0])
    code = f"from pathlib import Path\nfrom mapper import source\nwhile True:\n  for t in ({texts[1][:6]!r} * 30000, {texts[0][:6]!r} * 20000):\n" \
           f"    source.write(Path({str(file)!r}), t)\n    print('.', flush=True)\n"
    pick = random.Random(0)
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(pick.random() * 0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert file.read_text() in texts
    assert all(name == "a.py" or name.startswith(".a.py.") and not name.endswith(".py") for name in os.listdir(tmp_path))


def test_killed_command_leaves_whole_files(tmp_path: Path) -> None:
    new = mapper.convert(GOOD).code
    for n in range(60):
        (tmp_path / f"p{n}.py").write_text(GOOD)
    command = [sys.executable, "-m", "mapper", "convert", "--in-place", "--no-cache", "-j", "1", "--to", "mindspore", str(tmp_path)]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    assert child.stderr is not None
    child.stderr.readline()                                    # the first file is written
    child.send_signal(signal.SIGKILL)
    child.communicate()
    found = [file.read_text() for file in tmp_path.glob("p*.py")]
    assert len(found) == 60 and set(found) <= {GOOD, new} and new in found
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True).returncode == 0
    assert {file.read_text() for file in tmp_path.glob("p*.py")} == {new}
