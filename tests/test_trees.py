"""Whole trees: what is read and what is passed over, who does the work, what is remembered, and what is said at the end."""
from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mapper
from mapper import discovery, trees
from mapper.cache import Cache
from mapper.cli import main

GOOD = "import tensorflow as tf\n\nx = tf.constant([1., 2.])\ng = tf.gradients(x * x, x)\nwith tf.Session() as sess:\n    print(sess.run(g))\n"
BACK = mapper.convert(GOOD).code
PARTLY = GOOD + "print(tf.contrib.never.heard_of(x))\n"
PLAIN = "print('é')\n"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPPER_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def make(tree: Path, *names: str, text: str = GOOD) -> None:
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, "utf-8")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def names(tree: Path, **options: object) -> list[str]:
    return [str(file.relative_to(tree)) for file in discovery.find(tree, **options).files]      # type: ignore[arg-type]


def below(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in sorted(folder.rglob("*")) if file.is_file()}


# ----------------------------------------------------------------------------------------------------------------- finding

def test_programs_and_notebooks_in_the_order_of_their_names(tree: Path) -> None:
    make(tree, "b.py", "a/z.py", "a/n.ipynb", "c.pyi", "README.md", "data.txt", "a.py")
    assert names(tree) == ["a.py", "b.py", "a/n.ipynb", "a/z.py"]


NOBODYS = [".git", ".venv", "venv", "node_modules", "build", "third_party", "vendor", "generated", "my.egg-info", ".tox", "__pycache__"]


@pytest.mark.parametrize("folder", NOBODYS)
def test_folders_that_are_nobodys_own_are_skipped(folder: str, tree: Path) -> None:
    make(tree, "a.py", f"deep/{folder}/b.py")
    assert names(tree) == ["a.py"]
    assert discovery.find(tree).skipped == (tree / "deep" / folder,)
    assert names(tree / "deep" / folder) == ["b.py"]                   # but it is read when it is named


def test_environment_is_known_by_what_is_in_it_not_by_its_name(tree: Path) -> None:
    make(tree, "env/maze.py", "myenv/pyvenv.cfg", "myenv/lib/a.py", "conda/conda-meta/x.json", "conda/lib/b.py")
    assert names(tree) == ["env/maze.py"]


def test_generated_files_are_skipped(tree: Path) -> None:
    make(tree, "a.py", "model_pb2.py", "model_pb2_grpc.py")
    assert names(tree) == ["a.py"]


def test_gitignore_as_git_reads_it(tree: Path) -> None:
    everything = ["a.py", "b.py", "keep/b.py", "keep/c.py", "logs/x.py", "deep/logs/x.py", "deep/only/x.py", "only/x.py", "deep/q.py", "deep/er/q.py",
                  "tmp1.py", "tmpa.py"]
    make(tree, *everything)
    make(tree, ".gitignore", text="# comment\n\nb.py\nlogs/\n/only\ntmp[0-9].py\ndeep/**/q.py\n")
    make(tree, "keep/.gitignore", text="!b.py\nc.py\n")
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    make(tree, ".git/info/exclude", text="a.py\n")
    listed = subprocess.run(["git", "ls-files", "-o", "--exclude-standard", "*.py"], cwd=tree, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(names(tree)) == sorted(listed) == ["deep/only/x.py", "keep/b.py", "tmpa.py"]
    assert names(tree / "deep") == ["only/x.py"]                # the rules above the folder hold too


def test_exclude_has_the_same_grammar(tree: Path) -> None:
    make(tree, "a.py", "b.py", "old/c.py", "new/old/d.py", "new/e.py")
    assert names(tree, exclude=["/old", "b.*"]) == ["a.py", "new/e.py", "new/old/d.py"]
    result = run("convert", tree, "-o", tree.parent / "out", "--exclude", "old/", "--exclude", "[ab].py")
    assert result.exit_code == 0 and list(below(tree.parent / "out")) == ["new/e.py"]


def test_no_link_leads_out_of_the_tree(tree: Path) -> None:
    make(tree.parent / "outside", "secret.py")
    make(tree, "real.py")
    (tree / "out.py").symlink_to(tree.parent / "outside" / "secret.py")
    (tree / "folder").symlink_to(tree.parent / "outside")
    (tree / "loop").symlink_to(tree)
    (tree / "same.py").symlink_to("real.py")
    assert names(tree) == ["real.py", "same.py"]
    assert run("convert", "--in-place", tree).exit_code == 0
    assert (tree.parent / "outside" / "secret.py").read_text() == GOOD
    assert (tree / "same.py").is_symlink() and (tree / "real.py").read_text() == BACK


def test_output_inside_the_tree_is_not_read(tree: Path) -> None:
    make(tree, "a.py")
    for _ in range(2):
        assert run("convert", tree, "-o", tree / "out").exit_code == 0
    assert list(below(tree)) == ["a.py", "out/a.py"]


# --------------------------------------------------------------------------------------------------------------- direction

def test_second_run_changes_nothing(tree: Path) -> None:
    make(tree, "a.py", "b.py")
    make(tree, "c.py", text=PARTLY)
    make(tree, "d.py", text=BACK)
    make(tree, "plain.py", text=PLAIN)
    first = run("convert", "--in-place", tree)
    once = below(tree)
    assert first.exit_code == 1 and once["a.py"] == BACK and once["d.py"] == BACK and once["plain.py"] == PLAIN
    times = {file: file.stat().st_mtime_ns for file in tree.iterdir()}
    second = run("convert", "--in-place", tree)
    assert below(tree) == once and second.exit_code in (0, 1)
    third = run("convert", "--in-place", "--to", "mindspore", tree)
    assert below(tree) == once and third.exit_code == 1 and "c.py" in third.stderr
    assert times == {file: file.stat().st_mtime_ns for file in tree.iterdir()}


def test_check_of_a_converted_tree_is_clean(tree: Path) -> None:
    make(tree, "a.py")
    assert run("convert", "--check", tree).exit_code == 1
    make(tree, "a.py", text=BACK)
    assert run("convert", "--check", tree).exit_code == 0
    assert run("convert", "--check", "--to", "tensorflow", tree).exit_code == 1


def test_mindspore_tree_goes_to_tensorflow_in_another_folder(tree: Path) -> None:
    make(tree, "a.py", text=BACK)
    assert run("convert", tree, "-o", tree.parent / "out").exit_code == 0
    assert "tensorflow" in below(tree.parent / "out")["a.py"]


# ----------------------------------------------------------------------------------------------------------------- workers

@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, ProcessPoolExecutor], ids=["here", "threads", "processes"])
def test_any_executor_gives_the_same(pool: type | None, tree: Path) -> None:
    make(tree, *(f"p{i:02}.py" for i in range(20)))
    make(tree, "bad.py", text="import tensorflow as tf\nprint 'x'\n")
    make(tree, "plain.py", text=PLAIN)
    if pool is None:
        outcomes = mapper.convert_tree(tree)
    else:
        with pool(2) as executor:
            outcomes = mapper.convert_tree([tree], executor)
    assert [outcome.program.file.name for outcome in outcomes] == ["bad.py", *(f"p{i:02}.py" for i in range(20)), "plain.py"]
    assert "bad.py:2:" in outcomes[0].problem and outcomes[0].conversion is None
    assert all(outcome.conversion is not None and outcome.conversion.code == BACK for outcome in outcomes[1:-1])
    assert outcomes[-1].conversion is None and not outcomes[-1].changed


def test_jobs_do_not_change_what_is_written_or_said(tree: Path) -> None:
    make(tree, *(f"p{i}.py" for i in range(6)))
    make(tree, "q.py", text=PARTLY)
    one, two = run("convert", tree, "-o", tree.parent / "one", "-j", 1), run("convert", tree, "-o", tree.parent / "two", "-j", 2, "--no-cache")
    assert below(tree.parent / "one") == below(tree.parent / "two") and one.stderr == two.stderr and one.exit_code == two.exit_code == 1


def test_what_an_executor_is_given_needs_no_file(tree: Path) -> None:
    make(tree, "a.py")
    program, = trees.read_all(discovery.find(tree).files)
    (tree / "a.py").unlink()
    outcome, = trees.convert_all([program])
    assert outcome.conversion is not None and outcome.conversion.code == BACK


# ------------------------------------------------------------------------------------------------------------------- cache

def test_second_run_of_an_unchanged_tree_converts_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tree, "a.py", "b.py")
    first = run("convert", tree, "-o", tree.parent / "out")
    written = {f: f.stat().st_mtime_ns for f in (tree.parent / "out").iterdir()}
    asked: list[Path] = []
    convert = trees.convert
    monkeypatch.setattr(trees, "convert", lambda program: (asked.append(program.file), convert(program))[1])
    second = run("convert", tree, "-o", tree.parent / "out")
    assert asked == [] and second.stderr == first.stderr
    assert written == {f: f.stat().st_mtime_ns for f in (tree.parent / "out").iterdir()}
    make(tree, "b.py", text=GOOD + "# more\n")
    run("convert", tree, "-o", tree.parent / "out")
    assert asked == [tree / "b.py"] and below(tree.parent / "out")["b.py"] == mapper.convert(GOOD + "# more\n").code
    run("convert", tree, "-o", tree.parent / "out", "--no-cache")
    assert len(asked) == 3
    run("convert", tree, "-o", tree.parent / "out", "--to", "tensorflow")
    assert len(asked) == 5


def test_broken_cache_is_no_cache(tree: Path) -> None:
    make(tree, "a.py")
    for text in ("", "[]", "{", '{"version": 1}', '\0'):
        run("convert", tree, "-o", tree.parent / "out")
        for file in (tree.parent / "cache").iterdir():
            file.write_text(text)
        assert run("convert", tree, "-o", tree.parent / "out").exit_code == 0


def test_cache_that_cannot_be_written_does_no_harm(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tree, "a.py")
    (tree.parent / "file").write_text("")
    monkeypatch.setenv("MAPPER_CACHE_DIR", str(tree.parent / "file" / "cache"))
    assert run("convert", tree, "-o", tree.parent / "out").exit_code == 0


def test_cache_keeps_only_what_the_tree_still_holds(tree: Path) -> None:
    make(tree, "a.py", "b.py")
    run("convert", tree, "-o", tree.parent / "out")
    (tree / "b.py").unlink()
    run("convert", tree, "-o", tree.parent / "out")
    kept, = (tree.parent / "cache").iterdir()
    assert len(json.loads(kept.read_text())["conversions"]) == 1
    assert Cache(tree).get(Cache.key(GOOD, str(tree / "a.py"), "mindspore", None)) == mapper.convert(GOOD, filename=str(tree / "a.py"))


# ----------------------------------------------------------------------------------------------------------------- summary

def test_summary_has_rates_by_sites_by_files_and_by_proof(tree: Path) -> None:
    make(tree, "a.py", "vendor/x.py")
    make(tree, "b.py", text=PARTLY)
    make(tree, "plain.py", text=PLAIN)
    result = run("convert", tree, "-o", tree.parent / "out", "--verify")
    assert result.exit_code == 1
    for line in ("3 files: 2 converted, 1 left as they are; 1 path skipped", "gradient sites converted: 2 of 2 (100.0 %)",
                 "files without a marker: 1 of 2 (50.0 %)", "files verified: 1 of 2 (50.0 %)"):
        assert line in result.stderr.splitlines()


def test_empty_tree(tree: Path) -> None:
    result = run("convert", tree, "-o", tree.parent / "out")
    assert result.exit_code == 0 and result.stderr.startswith("0 files: 0 converted")


def test_unreadable_file_of_a_tree_is_reported_and_the_rest_is_done(tree: Path) -> None:
    make(tree, "a.py", "c.py")
    (tree / "b.py").write_bytes(b"import tensorflow as tf\n# \xff\n")
    result = run("convert", "--in-place", tree)
    assert result.exit_code == 2 and "b.py:2:" in result.stderr and "1 unreadable" in result.stderr and (tree / "c.py").read_text() == BACK


# --------------------------------------------------------------------------------------------------------- checking a tree

def test_check_reads_what_convert_reads(tree: Path) -> None:
    make(tree, "a.py", "old/b.py", "deep/old/c.py", "vendor/d.py", "gone.py", text=PARTLY)
    make(tree, ".gitignore", text="gone.py\n")
    make(tree, "stub.pyi", "README.md", text="import tensorflow as tf\n")
    result = run("check", tree, "--exclude", "/old", "--format", "json")
    assert {str(Path(row["file"]).relative_to(tree)) for row in json.loads(result.stdout)} == {"a.py", "deep/old/c.py"} and result.exit_code == 1
    alone = run("check", tree / "stub.pyi")
    assert alone.exit_code == 0 and "left alone" in alone.stderr


def test_jobs_do_not_change_what_check_says(tree: Path) -> None:
    make(tree, *(f"p{i:02}.py" for i in range(40)), text=PARTLY)
    make(tree, "bad.py", text="import tensorflow as tf\nprint 'x'\n")
    one, two = run("check", tree, "-j", 1), run("check", tree, "-j", 2)
    assert (one.stdout, one.stderr, one.exit_code) == (two.stdout, two.stderr, two.exit_code)
    assert one.stdout.count("M201") == 40 and "bad.py:2:" in one.stderr and one.exit_code == 2


# ------------------------------------------------------------------------------------------------------------- two at once

def test_two_processes_on_one_tree(tree: Path) -> None:
    make(tree, *(f"p{i}.py" for i in range(12)))
    command = [sys.executable, "-m", "mapper", "convert", "--in-place", "-j", "1", str(tree)]
    environment = {**os.environ, "PYTHONPATH": str(Path(mapper.__file__).parent.parent)}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert set(below(tree).values()) == {BACK}, said
    assert all("Traceback" not in text for text in said)


class Interrupting:
    """Lets another thread go on wherever the collector finds it, as any finalizer of a program may."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0.0005)


@pytest.fixture
def interruptions() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(100)
    yield
    gc.set_threshold(*usual)


@pytest.mark.usefixtures("interruptions")
@pytest.mark.parametrize("work", [mapper.convert, mapper.check])
def test_threads_work_side_by_side(work: Callable[[str], object]) -> None:
    """Two syntax trees built at once fail on CPython before 3.11.8."""
    def interrupted(text: str) -> object:
        Interrupting()
        return work(text)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(interrupted, [GOOD * 8 + f"# {i}\n" for i in range(48)]))) == 48
