"""Programs that misbehave: each gets a clear verdict, within its limits, and nothing that it started lives on."""
from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import mapper
from mapper.children import _processes
from mapper.results import Verification

GRADIENT = "import tensorflow as tf\nx = tf.constant(3.0)\ng = tf.gradients(x * x, x)[0]\nwith tf.Session() as sess:\n    print(sess.run(g))\n"


def verified(folder: Path, text: str, **options: Any) -> Verification:
    """A program against itself: both sides misbehave in the same way."""
    (folder / "program.py").write_text(text)
    return mapper.verify(folder / "program.py", folder / "program.py", **options)


def alive(token: str) -> list[int]:
    """Processes whose command line holds a token."""
    found = []
    for pid in _processes():
        try:
            if token.encode() in Path("/proc", str(pid), "cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("text", "said"), [
    pytest.param("while True:\n    pass\n", "it ran longer than 1 seconds (--timeout gives it more)", id="loops for ever"),
    pytest.param("import time\ntry:\n    time.sleep(99)\nexcept BaseException:\n    time.sleep(99)\n", "it ran longer than 1 seconds", id="sleeps and catches"),
    pytest.param("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(99)\n", "it ran longer than 1 seconds", id="ignores signals"),
])
def test_a_program_that_does_not_end(tmp_path: Path, text: str, said: str) -> None:
    began = time.monotonic()
    result = verified(tmp_path, GRADIENT + text, timeout=1)
    assert said in result.problem and not result.matches
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(("text", "said"), [
    pytest.param("line = 'x' * 1000\nwhile True:\n    print(line)\n", "it printed more than 1 MB", id="prints a gigabyte"),
    pytest.param("import os\nwhile True:\n    os.write(1, b'x' * 65536)\n", "it printed more than 1 MB", id="writes a gigabyte past Python"),
    pytest.param("import sys\nwhile True:\n    sys.stderr.write('x' * 65536)\n", "it printed more than 1 MB", id="complains a gigabyte"),
    pytest.param("import sys\nsys.exit(3)\n", "ended with exit code 3", id="exits with a code"),
    pytest.param("raise ValueError('too bad')\n", "ValueError: too bad", id="raises"),
    pytest.param("import os\nos._exit(0)\n", "ended before its last line without an error", id="leaves by the back door"),
    pytest.param("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "ended by signal 11", id="crashes"),
    pytest.param("import numpy as np\nnp.ones((400, 1024, 1024))\n", "for want of memory (--memory gives it more)", id="takes all memory"),
    pytest.param("x = []\nwhile True:\n    x = [x, x * 2]\n    x.append(bytearray(1 << 20))\n", "ended", id="grows"),
    pytest.param("def f():\n    f()\nf()\n", "RecursionError", id="recurses"),
    pytest.param("input()\n", "EOFError", id="asks"),
])
def test_a_program_that_ends_badly(tmp_path: Path, text: str, said: str) -> None:
    result = verified(tmp_path, GRADIENT + text, output_mb=1, memory_mb=1500, timeout=20)
    assert said in result.problem and "program.py" in result.problem


def test_a_program_that_exits_early_but_in_order_is_compared(tmp_path: Path) -> None:
    result = verified(tmp_path, GRADIENT + "import sys\nsys.exit()\n")
    assert result.matches and result.rows[0].verdict == "exact"


@pytest.mark.parametrize("text", [
    pytest.param("print = lambda *a: None\n" + GRADIENT, id="redefines print"),
    pytest.param("import builtins\nbuiltins.print = None\n" + GRADIENT.replace("print(", "str("), id="takes print from everybody"),
    pytest.param(GRADIENT + "import sys\nsys.stdout.close()\n", id="closes its output"),
    pytest.param(GRADIENT + "import sys\nsys.stdout = None\n", id="loses its output"),
    pytest.param(GRADIENT + "import os\nos.chdir('/')\n", id="goes elsewhere"),
    pytest.param("import sys\nsys.argv.clear()\n" + GRADIENT, id="clears its arguments"),
])
def test_a_program_that_plays_with_its_surroundings_is_compared(tmp_path: Path, text: str) -> None:
    result = verified(tmp_path, text)
    assert result.matches, result.problem
    assert result.rows[0].verdict == "exact" and result.rows[0].evaluations == 1


def test_what_is_written_past_python_keeps_its_place_among_the_prints(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GRADIENT + "import os\nprint(1)\nos.write(1, b'2\\n')\nprint(3)\n")
    (tmp_path / "b.py").write_text(GRADIENT + "import os\nprint(1)\nprint(2)\nos.write(1, b'3\\n')\n")
    result = mapper.verify(tmp_path / "a.py", tmp_path / "b.py")
    assert next(r for r in result.rows if r.what == "printed numbers").verdict == "exact"


def test_forks_are_counted_and_ended(tmp_path: Path) -> None:
    result = verified(tmp_path, "import subprocess, sys, time\nfor _ in range(80):\n    subprocess.Popen(['sleep', '98.7'])\ntime.sleep(60)\n", timeout=20)
    assert "it started more than 64 processes" in result.problem
    assert not alive("98.7")


def test_what_a_program_leaves_running_is_ended_with_it_even_in_a_session_of_its_own(tmp_path: Path) -> None:
    text = GRADIENT + "import subprocess\nsubprocess.Popen(['sleep', '97.6'], start_new_session=True)\n"
    began = time.monotonic()
    result = verified(tmp_path, text)
    assert result.matches and time.monotonic() - began < 10
    assert not alive("97.6")


def test_a_forked_copy_records_nothing(tmp_path: Path) -> None:
    result = verified(tmp_path, GRADIENT.replace("    print(", "    import os\n    pid = os.fork()\n    value = (").replace("sess.run(g))", "sess.run(g))\n    "
                                "if pid == 0:\n        os._exit(0)\n    os.waitpid(pid, 0)\n    print(value)"))
    assert result.matches and result.rows[0].evaluations == 1


def test_secrets_stay_outside_unless_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "41")
    monkeypatch.setenv("SOME_OTHER", "43")
    text = GRADIENT + "import os\nraise SystemExit(f\"{os.environ.get('SOME_TOKEN')} {os.environ.get('SOME_OTHER')}\")\n"
    assert "None None" in verified(tmp_path, text).problem
    assert "41 None" in verified(tmp_path, text, env=("SOME_TOKEN",)).problem


def test_a_copied_folder_keeps_what_programs_write_apart(tmp_path: Path) -> None:
    text = GRADIENT + "import os\nprint(os.path.exists('written'), os.path.exists('data'))\nopen('written', 'w').write('x')\n"
    (tmp_path / "data").write_text("")
    result = verified(tmp_path, text, copy_folder=True)
    assert result.matches and not (tmp_path / "written").exists()
    assert verified(tmp_path, text).rows and (tmp_path / "written").exists()
