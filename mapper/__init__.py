"""Moves gradient code between TensorFlow 1.x and MindSpore, and proves that the numbers stay.

    conversion = mapper.convert(source)           # text in, text out; never runs the program
    outcomes = mapper.convert_tree("src")         # programs and notebooks of a folder
    findings = mapper.check(source)
    verification = mapper.verify("program.py")    # runs both programs on the bundled runtime
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from mapper.results import Comparison, Conversion, Direction, Finding, Site, SourceError, Verification
    from mapper.trees import Outcome

__version__ = "0.1.0"
__all__ = ["Comparison", "Conversion", "Finding", "Site", "SourceError", "Verification", "check", "convert", "convert_tree", "verify"]

if not os.path.exists(os.path.join(os.path.dirname(__file__), "runtime")):      # a plain checkout: runtime/ and rules/ lie beside this folder
    __path__.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def __getattr__(name: str) -> Any:
    """The result types, imported when somebody asks for one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mapper import results

    return getattr(results, name)


def convert(source: str, to: Direction | None = None, target: str | None = None, filename: str = "<string>") -> Conversion:
    """Converts the text of one program to the other framework.

    `to` is "mindspore" or "tensorflow"; by default the direction follows from the imports. `target` names a version to write for,
    such as "mindspore=1.8". Raises SourceError when the text is not a Python 3 program, or when it imports neither framework or
    both and `to` is not given, and when the converter itself fails. A program that does not import the framework it would be
    converted from comes back as it is."""
    from mapper.converting import convert_text
    from mapper.source import ONE_TEXT

    with ONE_TEXT:
        return convert_text(source, to, target, filename)


def convert_tree(paths: str | Path | list[str | Path], executor: Executor | None = None, to: Direction | None = None, target: str | None = None,
                 exclude: tuple[str, ...] = ()) -> list[Outcome]:
    """Converts the programs of files and folders, in this process or by any executor of concurrent.futures; writes nothing.

    What the command skips is skipped. Without `to`, a folder with TensorFlow programs goes to MindSpore, and any other to
    TensorFlow. An outcome has `program`, `conversion` (None when the program concerns neither framework) and `problem`."""
    from mapper import trees

    return trees.convert_tree(paths, executor, to, target, exclude)


def check(source: str, to: Direction | None = None, filename: str = "<string>") -> list[Finding]:
    """What a program will meet in the other framework, and what MindSpore gets silently wrong: see mapper.checking.CODES.

    Nothing is converted and nothing is run. `to` leaves out the framework that is moved to. Raises SourceError."""
    from mapper.checking import check_source
    from mapper.source import ONE_TEXT

    with ONE_TEXT:
        return check_source(source, filename, to)


def verify(original: str | Path, converted: str | Path | None = None, backend: str = "numpy", **options: Any) -> Verification:
    """Runs a program and its conversion (made here when not given) and compares every gradient, then what they print.

    Both run as child processes with limits on time, memory and output, on the bundled runtime ("numpy") or on the real frameworks ("native",
    "tensorflow", "mindspore"); `options` are the other fields of mapper.verify_runs.Options. Raises SourceError for files that cannot be read
    or converted, and where a real framework is missing."""
    from pathlib import Path

    from mapper.verification import verify_files

    return verify_files(Path(original), None if converted is None else Path(converted), backend=backend, **options)
