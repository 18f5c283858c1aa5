"""python -m mapper.runtime run FILE [ARGS…]: runs a program on the bundled faces."""
from __future__ import annotations

import ast
import builtins
import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def record_program(options: dict[str, Any]) -> int:
    """Runs a program as `options` say and records what its gradient sites compute.

    "program" and "record" are files, "oracle" tells whether finite differences are taken, "sites" lists [line, column] of calls whose
    results wait to be computed, "memory_mb" and "file_bytes" are limits, "exercise" tells what else to run (see exercise.py), "initial" is an .npz file
    with initial values to begin with."""
    from . import capture

    _limit(options)
    path = os.path.abspath(options["program"])
    capture.start(path, options["record"], options["oracle"])
    if options.get("initial"):
        with np.load(options["initial"], allow_pickle=False) as stored:
            capture.force(json.loads(bytes(stored["names"]).decode()), [stored[f"v{i}"] for i in range(len(stored.files) - 1)])
    _each_line_at_once()
    code = run_program(path, options.get("arguments", []), lambda source: _tagged(source, path, options["sites"], capture.tag))
    capture.flush()
    if not code and options.get("exercise"):
        from .exercise import exercise

        exercise(sys.modules["__main__"].__dict__, path, options["exercise"])
    capture.finish(code)
    return code


def _limit(options: dict[str, Any]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, size in ((resource.RLIMIT_AS, options["memory_mb"] << 20), (resource.RLIMIT_FSIZE, options["file_bytes"])):
        _, hard = resource.getrlimit(kind)
        allowed = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _each_line_at_once() -> None:
    """What Python prints keeps its place among what the program writes past Python."""
    try:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        pass


def _tagged(source: bytes, path: str, sites: Sequence[Sequence[int]], tag: Callable[..., Any]) -> Any:
    """The program as code in which the calls at `sites` hand their results to `tag` first."""
    tree = ast.parse(source, path)
    wanted = {(line, column) for line, column in sites}

    class Wrap(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            at = node.lineno, node.col_offset + 1
            outermost = at in wanted
            wanted.discard(at)
            self.generic_visit(node)
            if not outermost:
                return node
            call = ast.Call(ast.Name("__mapper_tag__", ast.Load()), [ast.Constant(at[0]), ast.Constant(at[1]), node], [])
            return ast.fix_missing_locations(ast.copy_location(call, node))

    code = compile(Wrap().visit(tree) if wanted else tree, path, "exec")
    builtins.__dict__["__mapper_tag__"] = tag
    return code


def run_program(path: str, arguments: list[str], prepare: Callable[[bytes], Any] | None = None) -> int:
    """Runs a file as __main__ would be run, and returns its exit code; tracebacks leave out the runtime's own frames.

    `prepare` makes the code of the source; by default it is compiled as it is."""
    from . import shims

    with open(path, "rb") as file:
        source = file.read()
    full = os.path.abspath(path)
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(full)
    shims.install()
    main = ModuleType("__main__")
    main.__dict__.update(__file__=full, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    try:
        exec(prepare(source) if prepare else compile(source, full, "exec"), main.__dict__)
    except SystemExit as stop:
        return _exit_code(stop.code)
    except BaseException as error:
        _show(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        with suppress(AttributeError, OSError, ValueError):          # the program may have closed or replaced it
            sys.stdout.flush()
    return 0


def _exit_code(code: Any) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def _show(error: BaseException) -> None:
    if os.environ.get("MAPPER_DEBUG"):
        traceback.print_exception(error)
        return
    shown = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = shown
    while part is not None:
        part.stack = traceback.StackSummary.from_list([frame for frame in part.stack if not frame.filename.startswith(HERE)])
        part = part.__cause__ or part.__context__
    sys.stderr.write("".join(shown.format()))


def main() -> int:
    if len(sys.argv) >= 3 and sys.argv[1] == "run":
        gc.freeze()
        return run_program(sys.argv[2], sys.argv[3:])
    if len(sys.argv) == 3 and sys.argv[1] == "record":
        gc.freeze()
        return record_program(json.loads(sys.argv[2]))
    sys.stderr.write("usage: python -m mapper.runtime run FILE [ARGS…]\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
