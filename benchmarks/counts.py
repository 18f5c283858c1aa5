"""How much of what the real frameworks computed the bundled faces compute: whole programs, and single operations with their gradients.

    python benchmarks/counts.py [--pairs] [DIRECTORY...]

One line for each face. A program counts when `mapper run` prints the numbers of its .expected.txt (relative 1e-3, absolute 1e-5); programs
are those of tests/programs and of every DIRECTORY that has folders `tensorflow` and `mindspore`. A pair of tests/data/op_pairs*.json counts
when value, dtype and gradients are those of the framework, or the same error is raised; the defects of one version that are not imitated do
not count. --pairs leaves the programs out. What does not match is named below the line."""
from __future__ import annotations

import argparse
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_op_pairs_mindspore as mindspore_pairs  # noqa: E402
import test_op_pairs_tensorflow as tensorflow_pairs  # noqa: E402

from mapper.verify_printed import printed_numbers  # noqa: E402


def program_matches(path: Path) -> bool:
    """Whether the program prints on its face what it printed on its framework."""
    try:
        child = subprocess.run([sys.executable, "-m", "mapper", "run", str(path)], capture_output=True, text=True, timeout=300, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return False
    got, wanted = (list(printed_numbers(text)) for text in (child.stdout, path.with_suffix(".expected.txt").read_text("utf-8")))
    return child.returncode == 0 and len(got) == len(wanted) and all(
        math.isclose(g, w, rel_tol=1e-3, abs_tol=1e-5) or (math.isnan(g) and math.isnan(w)) for g, w in zip(got, wanted))


def programs(face: str, folders: list[Path]) -> dict[str, bool]:
    paths = [path for folder in folders for path in sorted((folder / face).glob("*.py")) if path.with_suffix(".expected.txt").exists()]
    with ThreadPoolExecutor(2) as pool:
        return {str(path): agrees for path, agrees in zip(paths, pool.map(program_matches, paths))}


def pair_agrees(pair: dict[str, Any], value: Callable[[dict[str, Any]], None], error: Callable[[dict[str, Any]], None], raised: str) -> bool:
    try:
        (error if raised in pair else value)(pair)
    except (Exception, SystemExit):
        return False
    return True


def pairs(face: str) -> dict[str, bool]:
    tests = {"tensorflow": tensorflow_pairs, "mindspore": mindspore_pairs}[face]
    raised = {"tensorflow": "tf_error", "mindspore": "ms_error"}[face]
    defects = getattr(tests, "DEFECTS", {})
    return {pair["op"]: pair["op"] not in defects and pair_agrees(pair, tests.test_value_and_gradient, tests.test_errors, raised)
            for pair in tests.PAIRS}


def report(face: str, folders: list[Path], only_pairs: bool) -> None:
    found = {"operations": pairs(face)}
    if not only_pairs:
        found = {"programs": programs(face, folders), **found}
    defects = getattr(mindspore_pairs, "DEFECTS", {}) if face == "mindspore" else {}
    print(f"{face}: " + ", ".join(f"{sum(results.values())} of {len(results)} {kind} agree" for kind, results in found.items()))
    for results in found.values():
        for name in sorted((name for name, agrees in results.items() if not agrees), key=[*defects, *results].index):
            print(f"    {name}" + (f": not imitated, {defects[name]}" if name in defects else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", action="store_true", help="operations only")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIRECTORY")
    options = parser.parse_args()
    for face in ("tensorflow", "mindspore"):
        report(face, [ROOT / "tests" / "programs", *options.folders], options.pairs)


if __name__ == "__main__":
    main()
