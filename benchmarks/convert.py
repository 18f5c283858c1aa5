"""Lines a second of the converter beside libcst's round trip of the same files, its growth with the program, and its memory.

    python benchmarks/convert.py [--runs 3] [--lines 5000 50000]

Everything is measured in processor time, on one core, in turn in one process; memory in a process of its own. The mixed tree is what a
repository looks like: programs of TensorFlow and MindSpore between files that concern neither (modules of Python's library)."""
from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import libcst

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mapper  # noqa: E402
from mapper import trees  # noqa: E402

LIBRARY = ("argparse ast asyncio/base_events bdb calendar cmd codecs configparser copy csv dataclasses difflib dis doctest email/message enum "
           "fractions ftplib functools gettext heapq http/client inspect json/decoder logging/__init__ mailbox").split()
PART = """
def loss_{n}(x, y):
    w = tf.get_variable('w_{n}', shape=[3, 3])
    h = tf.tanh(tf.matmul(x, w))
    # the square of what is left over
    loss = tf.reduce_mean(tf.square(h - y))
    grads = tf.gradients(loss, [x, w])
    table = {{'loss': loss, 'grads': grads}}
    return loss, grads, table


def report_{n}(values, name="report"):
    total = 0.0
    for i, value in enumerate(values):
        if value is None:
            continue
        total += float(value) * {n}
    return f"{{name}}: {{total:.3f}} of {{len(values)}}"

"""
CLASSES = """
class Model_{n}(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(3, 3)
        self.scale = ms.Parameter(ms.Tensor([1.0], ms.float32), name='scale_{n}')

    def construct(self, x):
        h = ops.tanh(self.dense(x))
        return ops.reduce_mean(h * self.scale)


def gradient_{n}(x):
    return ops.GradOperation()(Model_{n}())(x)

"""


def programs() -> list[str]:
    folder = ROOT / "tests" / "programs"
    return [path.read_text("utf-8") for path in sorted([*folder.rglob("*.py"), *(ROOT / "examples").glob("*.py")])]


def library() -> list[str]:
    home = Path(argparse.__file__).parent
    return [path.read_text("utf-8") for path in (home / f"{name}.py" for name in LIBRARY) if path.exists()]


def long_program(lines: int, part: str = PART) -> str:
    """A program of about so many lines, made of many small functions."""
    head = "import tensorflow as tf\n" if part is PART else "import mindspore as ms\nfrom mindspore import nn, ops\n"
    return head + "".join(part.format(n=n) for n in range(lines // part.count("\n")))


def spent(work: Callable[[], object], runs: int) -> float:
    """The least processor time of several runs, in seconds."""
    times = []
    for _ in range(runs):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def row(name: str, texts: Sequence[str], runs: int) -> None:
    """One line of the table: both tools on the same texts."""
    lines = sum(text.count("\n") for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"p{n}.py" for n in range(len(texts))]
        for file, text in zip(files, texts):
            file.write_text(text, "utf-8")
        ours = spent(lambda: [outcome for outcome in trees.convert_all(list(trees.read_all(files)))], runs)
    theirs = spent(lambda: [libcst.parse_module(text).code for text in texts], runs)
    print(f"| {name} | {len(texts)} | {lines:,} | {lines / ours:,.0f} | {lines / theirs:,.0f} | {theirs / ours:.2f} |", flush=True)


def growth(lines: Sequence[int], part: str, runs: int) -> None:
    """Seconds and memory for programs of several lengths."""
    for wanted in lines:
        text = long_program(wanted, part)
        real = text.count("\n")
        seconds = spent(lambda text=text: mapper.convert(text), 1 if wanted > 10000 else runs)      # type: ignore[misc]
        code = f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'benchmarks')]!r}; import convert; convert.peak({wanted}, {part is PART})"
        memory = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        print(f"| {'TensorFlow' if part is PART else 'MindSpore'} | {real:,} | {seconds:.2f} | {real / seconds:,.0f} | {memory} |", flush=True)


def peak(lines: int, tensorflow: bool) -> None:
    """Prints the megabytes that this process needs for a conversion beyond those for the start."""
    text = long_program(lines, PART if tensorflow else CLASSES)
    before = _most()
    mapper.convert(text)
    print((_most() - before) // 1024)


def _most() -> int:
    """The most kilobytes that this process has had; unlike ru_maxrss it begins anew with each program."""
    status = Path("/proc/self/status")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) if status.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, nargs="*", default=[5000, 50000])
    chosen = parser.parse_args()
    ours, others = programs(), library()
    for text in ours:
        mapper.convert(text)                                   # imports and tables that are made once
    print("| files | number | lines | mapper, lines/s | libcst round trip, lines/s | ratio |\n|---|---:|---:|---:|---:|---:|")
    row("mixed tree", [*ours, *others], chosen.runs)
    row("programs of both frameworks only", ours, chosen.runs)
    row("TensorFlow, functions", [long_program(1000)], chosen.runs)
    row("MindSpore, classes", [long_program(1000, CLASSES)], chosen.runs)
    print("\n| program | lines | seconds | lines/s | MB |\n|---|---:|---:|---:|---:|")
    growth(chosen.lines, PART, chosen.runs)
    growth(chosen.lines, CLASSES, chosen.runs)


if __name__ == "__main__":
    main()
