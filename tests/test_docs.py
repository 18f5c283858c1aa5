"""What docs/ shows is what happens: commands are run and their output is compared, files are what they are said to be.

In a page, `<!-- file: NAME -->` above a block makes a file of it, `<!-- append: NAME -->` lengthens a file, `<!-- shows: NAME -->` compares it
with a file, and every block of `console` is run, in the folder of the page's files: the lines after `$ command` are what it prints on both
streams. `…` stands for any text, and as a line for any lines; numbers with a decimal point may differ by a thousandth, since other versions of
NumPy round differently. `python` is run. What a page shows in another language has to be known to a test: see KINDS.
MAPPER_UPDATE_DOCS=1 writes what the commands print into the pages."""
from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import xml.dom.minidom
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from mapper.cli import main

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
KINDS = {"console", "python", "toml", "yaml", "json", "text"}
BLOCK = re.compile(r"(?:^<!-- (file|append|shows|needs): (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.S | re.M)
STEP = re.compile(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", re.M)
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e[-+]\d+)?(?![\w.]*\.py)|(?<![\w.])\d+e[-+]\d+|\d+(?= ULP)")
UPDATE = bool(os.environ.get("MAPPER_UPDATE_DOCS"))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


def surroundings(folder: Path, compiled: Path) -> dict[str, str]:
    """The environment of a reader who has `mapper` and `python`."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "NO_COLOR")}
    environment.update(PYTHONPATH=f"{ROOT}:{folder.parent / 'modules'}", PATH=f"{folder.parent / 'bin'}:{environment['PATH']}",
                       PYTHONPYCACHEPREFIX=str(compiled), COLUMNS="100", MAPPER_CACHE_DIR=str(folder.parent / "cache"), LC_ALL="C.UTF-8",
                       GIT_CONFIG_GLOBAL="/dev/null", CHECKOUT=str(ROOT))
    return environment


def run(command: str, folder: Path, compiled: Path) -> str:
    """What a command prints."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=surroundings(folder, compiled), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=180)
    return "".join(line.rstrip() + "\n" for line in done.stdout.replace(str(folder) + "/", "").splitlines())


def matches(expected: str, printed: str) -> bool:
    numbers: list[str] = []
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
            continue
        start = 0
        for found in NUMBER.finditer(line := line.rstrip()):
            pattern += re.escape(line[start:found.start()]).replace("…", ".*") + f"({NUMBER.pattern})"
            numbers.append(found[0] if not re.search(r"(max abs|max rel) $", line[:found.start()]) and " ULP" not in line[found.end():found.end() + 4] else "")
            start = found.end()
        pattern += re.escape(line[start:]).replace("…", ".*") + "\n"
    got = re.fullmatch(pattern, printed)
    return got is not None and all(not shown or math.isclose(float(shown), float(other), rel_tol=1e-3, abs_tol=1e-6)
                                   for shown, other in zip(numbers, got.groups(), strict=True))


def prepare(folder: Path) -> None:
    """The reader's programs, beside `folder`."""
    (folder.parent / "bin").mkdir()
    for name, code in (("mapper", "from mapper.cli import main; main(prog_name='mapper')"), ("python", None)):
        script = folder.parent / "bin" / name
        script.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {'-c ' + shlex.quote(code) if code else ''} \"$@\"\n")
        script.chmod(0o755)
    if importlib.util.find_spec("dask") is None:
        stand_in = folder.parent / "modules" / "dask" / "distributed.py"
        stand_in.parent.mkdir(parents=True)
        stand_in.write_text(DASK, "utf-8")


DASK = '''
"""As much of Dask as the page uses, where it is not installed."""
from concurrent.futures import ProcessPoolExecutor


class Client:
    def __init__(self, address=None, n_workers=2):
        self.pool = ProcessPoolExecutor(n_workers)

    def get_executor(self):
        return self.pool

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.pool.shutdown()
'''
NEEDS = {"native": False, "zsh": shutil.which("zsh") is not None, "fish": shutil.which("fish") is not None}


class Page:
    """A page whose blocks are run one after the other, and its text with what they print now."""

    def __init__(self, path: Path, folder: Path, compiled: Path) -> None:
        self.path, self.folder, self.compiled = path, folder, compiled
        self.text = path.read_text("utf-8")

    def run(self) -> str:
        pieces, end = [], 0
        for block in BLOCK.finditer(self.text):
            pieces += [self.text[end:block.start(4)], self.block(block)]
            end = block.end(4)
        return "".join([*pieces, self.text[end:]])

    def block(self, block: re.Match[str]) -> str:
        """Runs one block. Returns what should stand in it."""
        kind, name, language, body = block.groups()
        assert language in KINDS, f"{self.path.name}: a block of {language or 'no language'} is run by nobody"
        file = self.folder / (name or "")
        if kind in ("file", "append"):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a" if kind == "append" else "w", encoding="utf-8", newline="") as stream:
                stream.write(body)
        elif kind == "shows":
            return self.same(file.read_text("utf-8"), body, name)
        elif kind == "needs" and not NEEDS[name]:
            return body
        elif language == "console":
            return STEP.sub(lambda step: f"$ {step[1]}" + self.same(run(step[1].strip(), self.folder, self.compiled), step[2], step[1].strip()), body)
        elif language == "python":
            (self.folder / "block.py").write_text(f"if __name__ == '__main__':\n{re.sub('^(?=.)', '    ', body, flags=re.M)}", "utf-8")
            printed = run("python block.py || echo failed", self.folder, self.compiled)
            assert "failed" not in printed, f"{self.path.name}: {body}{printed}"
        elif language == "yaml":
            for command in re.findall(r"- run: (.*mapper .*?)(?:\s+#.*)?$", body, re.M):
                if "pip install" not in command:
                    printed = run(f"({command}); echo exit code $?", self.folder, self.compiled)
                    assert re.search(r"^exit code [01]$", printed, re.M), f"{self.path.name}: {command}\n{printed}"
        elif language == "toml":
            tomllib.loads(body)
        elif language == "json":
            json.loads(body)
        return body

    def same(self, printed: str, expected: str, what: str) -> str:
        if matches(expected, printed):
            return expected
        assert UPDATE, f"{self.path.name}: {what}\n{printed}"
        return printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_shows_what_happens(page: Path, tmp_path: Path, compiled: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    text = Page(page, folder, compiled).run()
    if UPDATE:
        page.write_text(text, "utf-8")


@pytest.mark.native
@pytest.mark.parametrize("page", [page for page in PAGES if "<!-- needs: native -->" in page.read_text("utf-8")], ids=lambda page: page.stem)
def test_page_shows_what_happens_on_the_real_frameworks(page: Path, tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEEDS, "native", True)
    test_page_shows_what_happens(page, tmp_path, compiled)


def test_what_matches_what() -> None:
    assert matches("a 1.5 (max abs 1e-07, 3 ULP)\n…\nend …\n", "a 1.50001 (max abs 2.5e-06, 12 ULP)\nx\ny\nend here\n")
    assert not matches("a 1.5\n", "a 1.6\n") and not matches("a\n…\n", "b\n") and not matches("1 of 2\n", "1 of 3\n")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_is_what_the_commands_say() -> None:
    assert (DOCS / "reference.md").read_text("utf-8") == load("make_reference").reference(), "python docs/make_reference.py"


COMMANDS: list[list[str]] = [[], ["convert"], ["check"], ["verify"], ["run"], ["rules"], *(["rules", name] for name in ("list", "show", "pages", "test"))]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_fits_in_100_columns(command: list[str]) -> None:
    for width in (100, 200):
        text = CliRunner().invoke(main, [*command, "--help"], terminal_width=None, env={"COLUMNS": str(width)}).output
        assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_examples_and_exit_codes(command: list[str]) -> None:
    """The examples are commands that exist with options that exist."""
    text = CliRunner().invoke(main, [*command, "--help"]).output
    examples = re.findall(r"^    mapper (.*?)(?:  .*)?$", text[text.index("Examples:"):], re.M)
    assert examples
    for example in examples:
        name, *rest = shlex.split(example.split(" | ")[0].split(" < ")[0].split(" > ")[0])
        inner = main.commands[name]
        if name == "rules":
            inner, rest = inner.commands[rest[0]], rest[1:]             # type: ignore[attr-defined]
        known = {option for parameter in inner.params for option in parameter.opts}
        rest = rest[:1] if name == "run" else rest                      # what follows are the program's own
        assert {option for option in rest if option.startswith("-") and len(option) > 1} <= known, example
    if command not in ([], ["rules"]):
        assert re.search(r"Exit code:\n    0  ", text)


def test_version() -> None:
    import mapper

    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"mapper {mapper.__version__}\n" and result.exit_code == 0


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_index() -> None:
    seen, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += [(page.parent / name).resolve() for name in re.findall(r"\]\(([\w./-]+\.md)", page.read_text("utf-8"))]
    assert set(PAGES) <= seen


@pytest.mark.parametrize("picture", sorted((DOCS / "pictures").glob("*.svg")), ids=lambda path: path.stem)
def test_pictures_are_drawn(picture: Path) -> None:
    drawing = xml.dom.minidom.parse(str(picture))
    assert drawing.getElementsByTagName("title") and drawing.documentElement.getAttribute("viewBox")
    assert any(f"pictures/{picture.name}" in page.read_text("utf-8") for page in PAGES)


# ------------------------------------------------------------------------------------------------- shells, hooks, codemods

@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    environment = {"_MAPPER_COMPLETE": f"{shell}_complete", "COMP_WORDS": "mapper con", "COMP_CWORD": "con" if shell == "fish" else "1"}
    output = CliRunner().invoke(main, [], prog_name="mapper", env=environment).output
    assert "convert" in output


def test_codemod_converts_like_the_command(tmp_path: Path) -> None:
    import libcst
    from libcst.codemod import CodemodContext, SkipFile

    import mapper
    from mapper.codemod import Convert

    text = (ROOT / "examples" / "seed_tensorflow.py").read_text("utf-8")
    context = CodemodContext(filename="a.py")
    assert Convert(context).transform_module(libcst.parse_module(text)).code == mapper.convert(text).code
    partly = text + "tf.contrib.never.heard_of(1)\n"
    assert "M201" in Convert(context).transform_module(libcst.parse_module(partly)).code and "M201" in context.warnings[0]
    for other in ("print(1)\n", mapper.convert(text).code):
        with pytest.raises(SkipFile):
            Convert(context).transform_module(libcst.parse_module(other))


def hooks() -> Iterator[tuple[str, list[str]]]:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    for hook, entry in re.findall(r"- id: (\S+)\n(?:  .*\n)*?  entry: mapper (.*)\n", text):
        yield hook, entry.split()


def test_hooks_are_commands_that_work(tmp_path: Path, compiled: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    found = dict(hooks())
    assert set(found) == {"mapper-check", "mapper-convert"}
    shutil.copy(ROOT / "examples" / "seed_tensorflow.py", folder / "a.py")
    assert run(f"mapper {shlex.join(found['mapper-check'])} a.py", folder, compiled) == "nothing to report\n"
    assert "1 of 1 gradient sites" in run(f"mapper {shlex.join(found['mapper-convert'])} a.py", folder, compiled)
    assert "mindspore" in (folder / "a.py").read_text() and "tensorflow" not in (folder / "a.py").read_text()
    named = set(re.findall(r"- id: (\S+)", (DOCS / "how-to-ci.md").read_text("utf-8")))
    assert named == set(found)


# -------------------------------------------------------------------------------------------------------- on a terminal

@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not here")
def test_session_on_a_terminal(tmp_path: Path, compiled: Path) -> None:
    """docs/session.txt is what tmux shows; MAPPER_UPDATE_DOCS=1 writes it."""
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    shown = DOCS / "session.txt"
    captured = load("make_session").captured(folder, surroundings(folder, compiled))
    if UPDATE and not matches(shown.read_text("utf-8") if shown.exists() else "", captured):
        shown.write_text(captured, "utf-8")
    assert matches(shown.read_text("utf-8"), captured), captured
    assert max(len(line) for line in captured.splitlines()) <= 100


LONG = "import mindspore as ms\nfrom mindspore import ops\n\nx = ms.Tensor([1, 2], ms.int32)\nprint(ops.GradOperation()(lambda x: x * x)(x))\n"


def test_messages_fit_in_100_columns_on_a_terminal_and_are_one_line_in_a_pipe(tmp_path: Path, compiled: Path) -> None:
    from test_modes import on_a_terminal

    (tmp_path / "a.py").write_text(LONG)
    piped = CliRunner().invoke(main, ["check", str(tmp_path / "a.py")]).output
    assert any(len(line) > 100 and re.match(r".*:\d+:\d+: warning M506 ", line) for line in piped.splitlines())
    shown = on_a_terminal("check", "a.py", folder=tmp_path, columns=160).replace("\r", "")
    assert "M506" in shown and max(len(line) for line in shown.splitlines()) <= 100
    narrow = on_a_terminal("check", "a.py", folder=tmp_path, columns=60).replace("\r", "")
    assert max(len(line) for line in narrow.splitlines() if " | " not in line) <= 60
