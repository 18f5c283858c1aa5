"""python -m mapper.runtime run FILE [ARGS…]: runs a program on the bundled faces."""
from __future__ import annotations

import gc
import os
import sys
import traceback
from types import ModuleType
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))


def record_program(record: str, path: str) -> int:
    """Runs a program and stores what its gradient sites computed in the file `record`."""
    from . import capture

    capture.start(os.path.abspath(path))
    try:
        return run_program(path, [])
    finally:
        capture.store(record)


def run_program(path: str, arguments: list[str]) -> int:
    """Runs a file as __main__ would be run, and returns its exit code; tracebacks leave out the runtime's own frames."""
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
        exec(compile(source, full, "exec"), main.__dict__)
    except SystemExit as stop:
        return _exit_code(stop.code)
    except BaseException as error:
        _show(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
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
    if len(sys.argv) == 4 and sys.argv[1] == "record":
        gc.freeze()
        return record_program(sys.argv[2], sys.argv[3])
    sys.stderr.write("usage: python -m mapper.runtime run FILE [ARGS…]\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
