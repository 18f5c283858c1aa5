"""What share of the gradient sites of a source tree converts, what share of its files converts whole, and what stands in the way.

    python benchmarks/coverage.py [--files] [--reasons 15] DIRECTORY...

Of every folder (a repository, say) the Python files that take gradients of TensorFlow 1.x or MindSpore are converted, in memory. A site is
what the converter calls one: `tf.gradients`, `tf.hessians`, a call of what `GradOperation`, `grad`, `value_and_grad` and their like give. That
none is overlooked is checked against the syntax tree of the output: these names, where they are left in it ("left"). A site is converted when
it is written for the other framework; a file is whole when no marker and no such name is left in it. Files of the same text count once, files that name
these functions only in texts and comments not at all. --files prints a line for each file."""
from __future__ import annotations

import argparse
import ast
import hashlib
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mapper  # noqa: E402

SITES = {"mindspore": re.compile(r"\b(?:tf|tensorflow)\.(?:compat\.v1\.)?(?:gradients|hessians)\b|\bimport\s+(?:gradients|hessians)\b"),
         "tensorflow": re.compile(r"\b(?:GradOperation|value_and_grad)\b|\b(?:ms|mindspore|ops|F|C)\.(?:grad|vjp|jvp|jacrev|jacfwd)\s*\(")}
IMPORTED = {"mindspore": re.compile(r"^\s*(?:import|from)\s+tensorflow\b", re.M), "tensorflow": re.compile(r"^\s*(?:import|from)\s+mindspore\b", re.M)}
SECONDS = 120


@dataclass
class File:
    """What became of one file; `refused` says why it was not converted at all."""

    path: Path
    sites: int = 0
    converted: int = 0
    left: int = 0
    whole: bool = False
    refused: str = ""
    reasons: list[str] = field(default_factory=list)


class TooLong(Exception):
    """A file took longer than it may."""


def too_long(*_: Any) -> None:
    raise TooLong


def direction(text: str) -> str | None:
    return next((to for to, sites in SITES.items() if sites.search(text) and IMPORTED[to].search(text)), None)


def named(text: str, to: str) -> int:
    """How often the names that make sites stand in the code; -1 in what Python cannot read."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return -1
    names = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name)))
    return sum(re.fullmatch(r"[\w.]+", name) is not None and SITES[to].search(name + "(") is not None for name in names)


def convert(path: Path, text: str, to: Any) -> File:
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    try:
        done = mapper.convert(text, to=to, filename=str(path))
    except mapper.SourceError as error:
        said = str(error).removeprefix(f"{path}:").strip()
        return File(path, refused="Python 2" if "Python 2" in said else said, sites=len(SITES[to].findall(text)))
    except TooLong:
        return File(path, refused=f"takes longer than {SECONDS} s", sites=named(text, to))
    finally:
        signal.alarm(0)
    reasons = [f"{finding.code} {finding.message}" for finding in done.findings if finding.level == "error"]
    left = named(done.code, to)
    return File(path, len(done.sites), sum(site.converted is not None for site in done.sites), left, done.complete and not left, reasons=reasons)


def files_of(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Path, text and direction of each file that takes gradients."""
    seen = set()
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8-sig", errors="replace")
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in seen and (to := direction(text)) and named(text, to):
            seen.add(digest)
            yield path, text, to


def generalised(reason: str) -> str:
    """A reason without what differs from place to place."""
    return re.sub(r"\b\d+\b", "N", re.sub(r"\s+", " ", reason))


def row(name: str, files: list[File]) -> str:
    read = [file for file in files if not file.refused]
    sites, converted = sum(file.sites for file in read), sum(file.converted for file in read)
    return (f"| {name} | {len(files)} | {len(read)} | {sites} | {converted} | {sum(file.left for file in read)} | "
            f"{sum(file.whole for file in read)} | {sum(len(file.reasons) for file in read)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIRECTORY")
    parser.add_argument("--files", action="store_true", help="a line for each file")
    parser.add_argument("--reasons", type=int, default=15, help="how many reasons to print")
    options = parser.parse_args()
    found = {folder: [convert(*one) for one in files_of(folder)] for folder in options.folders}
    every = [file for files in found.values() for file in files]
    print("| folder | files | read | sites | converted | left | whole files | markers |\n|---|" + "---:|" * 7)
    for folder, files in found.items():
        if files:
            print(row(folder.name.replace("+", "/"), files))
    print(row("all", every))
    if options.files:
        print()
        for folder, files in found.items():
            for file in files:
                what = f"not read: {file.refused}" if file.refused else f"{file.converted} of {file.sites} sites, {len(file.reasons)} markers"
                print(f"{folder.name.replace('+', '/')}/{file.path.relative_to(folder)}: {what}")
    refused = Counter(generalised(file.refused) for file in every if file.refused)
    reasons = Counter(generalised(reason) for file in every for reason in file.reasons)
    holders = Counter(generalised(reason) for file in every for reason in set(file.reasons))
    for title, counted in (("not read", refused), ("markers (files)", reasons)):
        if counted:
            print(f"\n{title}:")
            for reason, times in counted.most_common(options.reasons):
                print(f"{times:5} " + (f"({holders[reason]}) " if title != "not read" else "") + reason)


if __name__ == "__main__":
    main()
