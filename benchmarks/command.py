"""How long the command takes to say something, beside what it takes to import click.

    python benchmarks/command.py [--runs 30] [--native PYTHON]

Processes are started in turn, so that all meet the same machine; the smallest processor time of each counts, its children's with it, and
the wall time that belongs to it. Budgets: --help and --version within 10 ms of `import click`, one small program within 60 ms of it; with
--native, verify of a small program under a quarter of what that Python needs to import TensorFlow."""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "examples" / "seed_tensorflow.py"
BACK = ROOT / "examples" / "seed_mindspore.py"
SCRIPT = ["-c", "import sys; from mapper.cli import main; sys.exit(main())"]          # what the installed command is
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import click'": ["-c", "import click"],
    "mapper --version": [*SCRIPT, "--version"],
    "mapper --help": [*SCRIPT, "--help"],
    "mapper convert seed_tensorflow.py": [*SCRIPT, "convert", str(SEED)],
    "mapper convert seed_mindspore.py": [*SCRIPT, "convert", str(BACK)],
    "mapper check seed_tensorflow.py": [*SCRIPT, "check", str(SEED)],
}
VERIFY, IMPORT = "mapper verify seed_tensorflow.py", "python -c 'import tensorflow'"
BUDGETS = {"mapper --version": 10, "mapper --help": 10, "mapper convert seed_tensorflow.py": 60, "mapper convert seed_mindspore.py": 60}


def once(command: list[str], compiled: str) -> tuple[float, float]:
    """(processor, wall) milliseconds of a Python; `compiled` is where Python keeps compiled modules."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": compiled, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, _, used = os.wait4(process.pid, 0)
    return 1000 * (used.ru_utime + used.ru_stime), 1000 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--native", help="interpreter that has tensorflow")
    options = parser.parse_args()
    commands = {name: [sys.executable, *arguments] for name, arguments in COMMANDS.items()}
    slow = {VERIFY: [sys.executable, *SCRIPT, "verify", str(SEED)], **({IMPORT: [options.native, "-c", "import tensorflow"]} if options.native else {})}
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as compiled:
        turns = [row for turn in range(options.runs) for row in (*commands.items(), *(slow.items() if turn % 6 == 0 else ()))]
        for name, command in turns:
            best[name] = min(best.get(name, (1e9, 1e9)), once(command, compiled))
    base = best["python -c 'import click'"][0]
    print(f"{'command':<36} {'CPU ms':>7} {'wall ms':>8} {'over click':>11}  budget")
    for name, (cpu, wall) in best.items():
        budget = BUDGETS.get(name)
        verdict = "" if budget is None else f"{budget} ms: {'kept' if cpu - base <= budget else 'exceeded'}"
        if name == VERIFY and IMPORT in best:
            verdict = f"a quarter of the import: {'kept' if cpu <= best[IMPORT][0] / 4 else 'exceeded'} ({cpu / best[IMPORT][0]:.2f})"
        print(f"{name:<36} {cpu:>7.1f} {wall:>8.1f} {cpu - base:>+11.1f}  {verdict}")


if __name__ == "__main__":
    main()
