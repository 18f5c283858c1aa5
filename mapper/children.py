"""Child processes that run programs on the bundled runtime: the one place where user code is executed."""
from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = str(Path(__file__).resolve().parent.parent)
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHASHSEED", "OMP_NUM_THREADS",
         "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MAPPER_DEBUG")


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds of wall time, megabytes of address space, bytes of output."""

    seconds: float = 120.0
    memory_mb: int = 8192
    output_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """How a child ended: exit code (negative for a signal), its output, and why it was stopped, if it was."""

    code: int
    stdout: str
    stderr: str
    stopped: str = ""


def environment() -> dict[str, str]:
    """The child's environment: what Python needs, and nothing secret."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": ROOT, "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", "")}


def run_program(path: Path, arguments: Sequence[str]) -> int:
    """Runs a program with this terminal's input and output; its exit code."""
    extra = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.call([sys.executable, "-m", "mapper.runtime", "run", str(path), *arguments], env={**os.environ, "PYTHONPATH": extra})


class Child:
    """A program running with limits and with its gradient sites recorded to a file."""

    def __init__(self, path: Path, limits: Limits, record: Path, folder: Path | None = None) -> None:
        self.limits = limits
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen([sys.executable, "-m", "mapper.runtime", "record", str(record), str(path.resolve())], stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, env=environment(), start_new_session=True, cwd=folder or path.resolve().parent, preexec_fn=self._limit)

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (self.limits.memory_mb * 1024 * 1024,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.limits.output_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def wait(self) -> Outcome:
        """Waits until the child ends, or ends it and everything it started when its time is up."""
        stopped = ""
        try:
            self.process.wait(self.limits.seconds)
        except subprocess.TimeoutExpired:
            stopped = f"it ran longer than {self.limits.seconds:g} seconds (--timeout gives it more)"
        self._kill()
        code = self.process.wait()
        if code == -signal.SIGXFSZ and not stopped:
            stopped = f"it wrote more than {self.limits.output_bytes} bytes"
        return Outcome(code, _text(self.out), _text(self.err), stopped)

    def stop(self) -> None:
        """Ends the child without looking at what it did."""
        self._kill()
        self.process.wait()

    def _kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")
