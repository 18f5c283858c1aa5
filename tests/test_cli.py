"""The commands on bad input and on every way of writing: a clear message, the right exit code, nothing half written."""
from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "examples" / "seed_tensorflow.py"
GOOD = "import tensorflow as tf\n\nx = tf.constant([1., 2.])\ng = tf.gradients(x * x, x)\nwith tf.Session() as sess:\n    print(sess.run(g))\n"
COMMANDS = (["convert"], ["convert", "--diff"], ["check"], ["verify"], ["run"])


def mapper(*arguments: object, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run([sys.executable, "-m", "mapper", *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=120,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "MAPPER_CACHE_DIR": f"{os.devnull}/none",
                                 **environment})
    assert "Traceback" not in result.stderr or arguments[0] == "run", result.stderr
    return result


def refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2, and one message on stderr that says where and what."""
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert result.stdout == ""
    assert result.stderr.startswith("mapper: ")
    for part in parts:
        assert part in result.stderr


BAD = {
    "a syntax error": (b"import tensorflow as tf\nx = (1,\ny = 2 2\n", ["bad.py:", "syntax error"]),
    "a print statement of Python 2": (b"import tensorflow as tf\nprint 'hello'\n", ["bad.py:2:", "Python 2", "print("]),
    "an except clause of Python 2": (b"import tensorflow as tf\ntry:\n    pass\nexcept ValueError, e:\n    pass\n", ["bad.py:4:", "Python 2", "as"]),
    "a binary file": (b"\x7fELF\x02\x01\x00\x00\x00\x00", ["bad.py", "binary"]),
    "latin-1 without a coding line": ("import tensorflow as tf\n# caf\xe9\n".encode("latin-1"), ["bad.py:2:", "0xe9", "coding"]),
    "a coding line that names no encoding": (b"# -*- coding: klingon -*-\nimport tensorflow as tf\n", ["bad.py:1:", "klingon"]),
    "a coding line that lies": ("# -*- coding: ascii -*-\nimport tensorflow as tf\n# caf\xe9\n".encode(), ["bad.py:3:", "ASCII"]),
    "UTF-16": ("import tensorflow as tf\n".encode("utf-16"), ["bad.py", "UTF-16"]),
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", sorted(BAD))
def test_unreadable_program_is_refused_with_its_line(what: str, command: list[str], tmp_path: Path) -> None:
    data, parts = BAD[what]
    file = tmp_path / "bad.py"
    file.write_bytes(data)
    refused(mapper(*command, file), *parts)
    assert file.read_bytes() == data and os.listdir(tmp_path) == ["bad.py"]


@pytest.mark.parametrize("command", [["convert"], ["check"], ["verify"]], ids=" ".join)
@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "import numpy as np\nprint(np.ones(3))\n"], ids=["empty", "blank", "a comment", "numpy only"])
def test_program_of_neither_framework_is_named_as_such(text: str, command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(text)
    if command == ["check"]:
        assert mapper(*command, file).returncode == 0
    else:
        refused(mapper(*command, file), "plain.py", "neither tensorflow nor mindspore")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_path_that_is_not_there(command: list[str], tmp_path: Path) -> None:
    refused(mapper(*command, tmp_path / "missing.py"), "missing.py", "no such file")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_link_that_leads_nowhere(command: list[str], tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to("gone.py")
    refused(mapper(*command, link), "link.py", "gone.py")


@pytest.mark.parametrize("command", [["verify"], ["run"]], ids=" ".join)
def test_directory_where_a_program_is_needed(command: list[str], tmp_path: Path) -> None:
    refused(mapper(*command, tmp_path), "directory")


def test_directory_without_a_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD)
    refused(mapper("convert", tmp_path), "-o OUT")


def test_both_frameworks_need_a_direction(tmp_path: Path) -> None:
    file = tmp_path / "both.py"
    file.write_text("import tensorflow as tf\nimport mindspore as ms\n")
    refused(mapper("convert", file), "both.py", "--to")


# ------------------------------------------------------------------------------------------------------------------ writing

def test_program_goes_to_standard_output_and_the_report_to_standard_error(tmp_path: Path) -> None:
    result = mapper("convert", SEED)
    assert result.returncode == 0
    compile(result.stdout, "converted", "exec")
    assert "import mindspore as ms" in result.stdout and "tensorflow" not in result.stdout
    assert "1 of 1 gradient sites converted" in result.stderr


def test_output_file_holds_what_standard_output_shows(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "out.py"
    result = mapper("convert", SEED, "-o", file)
    assert result.returncode == 0 and result.stdout == ""
    assert file.read_text() == mapper("convert", SEED).stdout
    assert os.listdir(file.parent) == ["out.py"]


def test_in_place_keeps_the_mode_and_leaves_no_other_file(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(GOOD)
    file.chmod(0o750)
    assert mapper("convert", "--in-place", file).returncode == 0
    assert "mindspore" in file.read_text() and "tensorflow" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o750
    assert os.listdir(tmp_path) == ["program.py"]


def test_diff_shows_changes_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(GOOD)
    for extra in ([], ["--in-place"], ["-o", tmp_path / "out.py"]):
        result = mapper("convert", "--diff", file, *extra)
        assert result.returncode == 0
        assert result.stdout.startswith("--- a/") and "-import tensorflow as tf" in result.stdout and "+import mindspore as ms" in result.stdout
    assert file.read_text() == GOOD and os.listdir(tmp_path) == ["program.py"]


def test_diff_is_a_patch(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(GOOD.rstrip("\n"))
    patch = mapper("convert", "--diff", "program.py", folder=tmp_path).stdout
    done = subprocess.run(["patch", "-p1"], input=patch, text=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout + patch
    (tmp_path / "again.py").write_text(GOOD.rstrip("\n"))
    assert (tmp_path / "program.py").read_text() == mapper("convert", "again.py", "-o", "new.py", folder=tmp_path).stdout + (tmp_path / "new.py").read_text()


def test_directory_is_mirrored(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    (tree / "package" / "a.py").write_text(GOOD)
    (tree / "plain.py").write_text("print('é')\n")
    (tree / ".venv").mkdir()
    (tree / ".venv" / "b.py").write_text(GOOD)
    assert mapper("convert", tree, "-o", tmp_path / "out").returncode == 0
    written = sorted(str(f.relative_to(tmp_path / "out")) for f in (tmp_path / "out").rglob("*.py"))
    assert written == ["package/a.py", "plain.py"]
    assert (tmp_path / "out" / "plain.py").read_text() == "print('é')\n"


def test_bad_file_of_a_tree_does_not_stop_the_others(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a_bad.py").write_bytes(b"import tensorflow as tf\nprint 'x'\n")
    (tree / "b_good.py").write_text(GOOD)
    (tree / "c_link.py").symlink_to("nowhere")
    result = mapper("convert", tree, "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "a_bad.py:2:" in result.stderr and "c_link.py" in result.stderr
    assert os.listdir(tmp_path / "out") == ["b_good.py"]


@pytest.mark.parametrize("flags", [["-o", "x.py", "--in-place"]], ids=" ".join)
def test_options_that_exclude_each_other(flags: list[str], tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(GOOD)
    refused(mapper("convert", file, *flags, folder=tmp_path), "--in-place")
    assert os.listdir(tmp_path) == ["program.py"]


def test_two_programs_need_two_places(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(GOOD)
    refused(mapper("convert", "a.py", "b.py", "-o", "out.py", folder=tmp_path), "out.py")
    assert not (tmp_path / "out.py").exists()
    assert mapper("convert", "a.py", "b.py", "-o", "out", folder=tmp_path).returncode == 2
    (tmp_path / "out").mkdir()
    assert mapper("convert", "a.py", "b.py", "-o", "out", folder=tmp_path).returncode == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["a.py", "b.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_target_that_may_not_be_written(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    refused(mapper("convert", SEED, "-o", locked / "out.py"), "out.py", "cannot be written")
    assert os.listdir(locked) == []


def test_target_below_a_file_or_on_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(mapper("convert", SEED, "-o", tmp_path / "file" / "out.py"), "out.py", "cannot be written")
    (tmp_path / "folder").mkdir()
    assert mapper("convert", SEED, "-o", tmp_path / "folder").returncode == 0
    assert os.listdir(tmp_path / "folder") == [SEED.name]


def test_in_place_through_a_link_changes_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(GOOD)
    (tmp_path / "link.py").symlink_to("real.py")
    assert mapper("convert", "--in-place", tmp_path / "link.py").returncode == 0
    assert (tmp_path / "link.py").is_symlink() and "mindspore" in (tmp_path / "real.py").read_text()


@pytest.mark.parametrize("encoding, head", [("latin-1", "# -*- coding: latin-1 -*-\n"), ("utf-8", ""), ("utf-8-sig", ""), ("cp1252", "# coding: cp1252\n")])
def test_encoding_survives(encoding: str, head: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_bytes((head + "# café\n" + GOOD).encode(encoding))
    assert mapper("convert", "--in-place", file).returncode == 0
    data = file.read_bytes()
    assert data.decode(encoding).startswith(head + "# café\n") and data.startswith((head + "# café\n").encode(encoding))


@pytest.mark.parametrize("ends", ["\r\n", "\n"], ids=["CRLF", "LF"])
def test_line_ends_survive(ends: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_bytes(GOOD.replace("\n", ends).encode())
    assert mapper("convert", "--in-place", file).returncode == 0
    data = file.read_bytes()
    assert data.count(b"\n") == data.count(ends.encode()) and (b"\r" in data) == (ends == "\r\n")


# ------------------------------------------------------------------------------------------------------------------ verdicts

def test_verify_of_a_good_conversion(tmp_path: Path) -> None:
    result = mapper("verify", SEED)
    assert result.returncode == 0 and "same numbers" in result.stdout and "exact" in result.stdout


def test_verify_finds_another_number(tmp_path: Path) -> None:
    original, other = tmp_path / "a.py", tmp_path / "b.py"
    original.write_text(GOOD)
    mapper("convert", original, "-o", other)
    other.write_text(other.read_text().replace("2.", "2.5"))
    result = mapper("verify", original, other)
    assert result.returncode == 1 and "NOT the same numbers" in result.stdout
    as_json = json.loads(mapper("verify", "--json", original, other).stdout)
    assert as_json["matches"] is False and any(row["verdict"] == "differs" for row in as_json["rows"])


def test_wider_tolerance_is_recorded(tmp_path: Path) -> None:
    found = json.loads(mapper("verify", "--json", "--rtol", "0.5", SEED).stdout)
    assert found["settings"]["rtol"] == 0.5


@pytest.mark.parametrize("body, part", [
    ("raise ValueError('no luck')\n", "no luck"),
    ("import sys\nsys.exit(3)\n", "exit code 3"),
    ("import os\nos.abort()\n", "signal"),
    ("import not_a_module_of_anybody\n", "not_a_module_of_anybody"),
], ids=["an exception", "an exit code", "a signal", "a missing module"])
def test_verify_of_a_program_that_fails(body: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "fails.py"
    file.write_text(GOOD + body)
    result = mapper("verify", file)
    assert result.returncode == 2 and part in result.stdout + result.stderr


def test_verify_stops_a_program_that_does_not_end(tmp_path: Path) -> None:
    file = tmp_path / "forever.py"
    file.write_text(GOOD + "while True:\n    pass\n")
    result = mapper("verify", "--timeout", "2", file)
    assert result.returncode == 2 and "2 seconds" in result.stdout and "--timeout" in result.stdout


def test_verify_stops_a_program_that_wants_too_much_memory(tmp_path: Path) -> None:
    file = tmp_path / "huge.py"
    file.write_text(GOOD + "data = b'x' * (3 << 30)\n")
    result = mapper("verify", "--memory", "2048", file)
    assert result.returncode == 2 and "MemoryError" in result.stdout


def test_verify_ends_what_the_program_started(tmp_path: Path) -> None:
    file = tmp_path / "parent.py"
    file.write_text(GOOD + f"import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 3; touch {tmp_path}/survivor'])\n")
    assert mapper("verify", file).returncode == 0
    subprocess.run(["sleep", "3.5"], check=True)
    assert not (tmp_path / "survivor").exists()


def test_verify_gives_the_program_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "curious.py"
    file.write_text(GOOD + f"import os\nopen({str(tmp_path / 'seen')!r}, 'w').write(str('A_SECRET_TOKEN' in os.environ))\n")
    assert mapper("verify", file, A_SECRET_TOKEN="x").returncode == 0
    assert (tmp_path / "seen").read_text() == "False"


def test_verify_refuses_what_is_not_converted_completely(tmp_path: Path) -> None:
    file = tmp_path / "partly.py"
    file.write_text(GOOD + "print(tf.contrib.never.heard_of(x))\n")
    result = mapper("convert", file)
    assert result.returncode == 1 and "# mapper:" in result.stdout and "partly.py:7:" in result.stderr
    assert mapper("verify", file).returncode == 2


def test_run_passes_arguments_and_the_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("import sys\nimport tensorflow as tf\nprint(sys.argv[1:])\nsys.exit(7)\n")
    result = mapper("run", file, "--flag", "value")
    assert result.returncode == 7 and result.stdout == "['--flag', 'value']\n"


# ------------------------------------------------------------------------------------------------------------------- reports

def test_check_reports_in_every_format(tmp_path: Path) -> None:
    file = tmp_path / "partly.py"
    file.write_text(GOOD + "print(tf.contrib.never.heard_of(x))\n")
    assert "partly.py:7:" in (text := mapper("check", file)).stdout and text.returncode == 1
    found = json.loads(mapper("check", "--format", "json", file).stdout)
    assert found[0]["line"] == 7 and found[0]["level"] == "error"
    log = json.loads(mapper("check", "--format", "sarif", file).stdout)
    result = log["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7 and result["level"] == "error"
    annotation = mapper("check", "--format", "github", file).stdout
    assert annotation.startswith("::error file=") and ",line=7," in annotation and annotation.count("\n") == len(found)
    assert file.read_text().startswith(GOOD)


def test_annotation_escapes_what_github_would_read_as_its_own() -> None:
    from mapper.report import github
    from mapper.results import Finding

    text = github([Finding("M201", "error", "a,b:c.py", 1, 1, "", "100% of\nthe line")])
    assert text == "::error file=a%2Cb%3Ac.py,line=1,col=1,title=M201::100%25 of%0Athe line\n"


def test_help_does_not_import_what_it_does_not_need() -> None:
    code = "import sys; from mapper.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n" \
        "print([m for m in ('numpy', 'libcst', 'tomllib') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert result.stdout.endswith("[]\n"), result.stdout + result.stderr


def test_defect_of_the_converter_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "deep.py"
    file.write_text("import tensorflow as tf\nx = tf.constant(1.)\ny = " + "+".join(["x"] * 3000) + "\n")
    result = mapper("convert", file)
    assert result.returncode in (0, 1) or result.stderr.startswith("mapper: ") and result.stderr.count("\n") == 1


def test_check_of_a_tree_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"import tensorflow as tf\nprint 'x'\n")
    (tmp_path / "b.py").write_text(GOOD + "print(tf.contrib.never.heard_of(x))\n")
    result = mapper("check", tmp_path)
    assert result.returncode == 2 and "a.py:2:" in result.stderr and "b.py:7:" in result.stdout
