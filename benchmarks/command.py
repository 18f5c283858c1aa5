"""How long the command takes to say something, beside what it takes to import click.

    python benchmarks/command.py [--runs 30]

Processes are started in turn, so that all meet the same machine; the smallest processor time of each counts, and the wall time
that belongs to it. Budgets: --help and --version within 10 ms of `import click`, one small program within 60 ms of it."""
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
BUDGETS = {"mapper --version": 10, "mapper --help": 10, "mapper convert seed_tensorflow.py": 60, "mapper convert seed_mindspore.py": 60}


def once(arguments: list[str], compiled: str) -> tuple[float, float]:
    """(processor, wall) milliseconds of one process; `compiled` is where Python keeps compiled modules."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, _, used = os.wait4(process.pid, 0)
    return 1000 * (used.ru_utime + used.ru_stime), 1000 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as compiled:
        for name, arguments in (row for _ in range(runs) for row in COMMANDS.items()):
            best[name] = min(best.get(name, (1e9, 1e9)), once(arguments, compiled))
    base = best["python -c 'import click'"][0]
    print(f"{'command':<36} {'CPU ms':>7} {'wall ms':>8} {'over click':>11}  budget")
    for name, (cpu, wall) in best.items():
        budget = BUDGETS.get(name)
        verdict = "" if budget is None else f"{budget} ms: {'kept' if cpu - base <= budget else 'exceeded'}"
        print(f"{name:<36} {cpu:>7.1f} {wall:>8.1f} {cpu - base:>+11.1f}  {verdict}")


if __name__ == "__main__":
    main()
