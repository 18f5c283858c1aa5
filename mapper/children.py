"""Child processes that run programs: the one place where user code is executed, with limits on what it may use."""
from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = str(Path(__file__).resolve().parent.parent)
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHASHSEED", "OMP_NUM_THREADS",
         "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MAPPER_DEBUG")
_MARK = "MAPPER_CHILD"                 # names a child in the environment of everything that it starts
_LOOK_SECONDS = 0.25
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds of wall time, megabytes of address space, bytes that it prints and bytes of one file that it
    writes, and how many processes there may be at a time."""

    seconds: float = 120.0
    memory_mb: int = 8192
    output_bytes: int = 64 * 1024 * 1024
    file_bytes: int = 1024 * 1024 * 1024
    processes: int = 64


@dataclass(frozen=True)
class Outcome:
    """How a child ended: exit code (negative for a signal), its output, why it was stopped, if it was, and how long it ran."""

    code: int
    stdout: str
    stderr: str
    stopped: str = ""
    seconds: float = 0.0


def environment(more: Sequence[str] = ()) -> dict[str, str]:
    """The child's environment: what Python needs, nothing secret, and the variables that `more` names."""
    kept = {name: os.environ[name] for name in (*_KEPT, *more) if name in os.environ}
    return {**kept, "PYTHONPATH": ROOT, "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", "")}


def run_program(path: Path, arguments: Sequence[str]) -> int:
    """Runs a program with this terminal's input and output; its exit code."""
    extra = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.call([sys.executable, "-m", "mapper.runtime", "run", str(path), *arguments], env={**os.environ, "PYTHONPATH": extra})


class Child:
    """A process with limits, in a session of its own; `wait` collects what it prints and how it ends."""

    def __init__(self, command: Sequence[str], limits: Limits, folder: Path, env: Mapping[str, str]) -> None:
        self.limits, self.mark = limits, secrets.token_hex(12)
        self.output: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.stopped, self.ended = "", False
        self.began = time.monotonic()
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**env, _MARK: self.mark},
                                            start_new_session=True, cwd=folder)
        except OSError as error:
            raise ChildError(f"{command[0]}: cannot be started: {error.strerror}") from None
        for pipe in self.pipes():
            os.set_blocking(pipe.fileno(), False)

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self.process.stdout is not None and self.process.stderr is not None
        return self.process.stdout, self.process.stderr

    def stop(self, why: str = "") -> None:
        """Ends the child and everything that it started."""
        self.stopped = self.stopped or why
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in _marked(self.mark):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the child without looking at what it did."""
        self.stop()
        self.process.wait()
        for pipe in self.pipes():
            pipe.close()

    def outcome(self) -> Outcome:
        code = self.process.wait()
        stopped = self.stopped
        if code == -signal.SIGXFSZ and not stopped:
            stopped = f"it wrote a file of more than {_size(self.limits.file_bytes)}"
        texts = [bytes(text).decode("utf-8", "replace") for text in self.output.values()]
        return Outcome(code, texts[0], texts[1], stopped, time.monotonic() - self.began)


class ChildError(Exception):
    """A child that could not be started."""


def wait(children: Sequence[Child]) -> list[Outcome]:
    """Waits until all children have ended, or ends those that exceed a limit."""
    with closing(selectors.DefaultSelector()) as selector:
        for child in children:
            for name, pipe in zip(child.output, child.pipes(), strict=True):
                selector.register(pipe, selectors.EVENT_READ, (child, name))
            with suppress(OSError, AttributeError):            # where there is no pidfd, looking around now and then finds the end
                selector.register(os.pidfd_open(child.process.pid), selectors.EVENT_READ, (child, None))
        look = time.monotonic() + _LOOK_SECONDS
        while running := [child for child in children if not child.ended]:
            now = time.monotonic()
            until = min([look, *(child.began + child.limits.seconds for child in running)])
            for key, _ in selector.select(max(0.0, until - now)):
                _take(selector, key)
            now = time.monotonic()
            for child in running:
                if now > child.began + child.limits.seconds:
                    child.stop(f"it ran longer than {child.limits.seconds:g} seconds (--timeout gives it more)")
            if now >= look:
                look = now + _LOOK_SECONDS
                _look_around(running)
            for child in running:
                if not child.ended and child.process.poll() is not None:
                    _end(selector, child)
    for child in children:
        for pipe in child.pipes():
            pipe.close()
    return [child.outcome() for child in children]


def _take(selector: selectors.BaseSelector, key: Any) -> None:
    child, name = key.data
    if name is None:
        selector.unregister(key.fd)
        os.close(key.fd)
        return
    try:
        data = os.read(key.fd, 1 << 16)
    except BlockingIOError:
        return
    if not data:
        selector.unregister(key.fileobj)
        return
    held = child.output[name]
    if len(held) + len(data) > child.limits.output_bytes:
        child.stop(f"it printed more than {_size(child.limits.output_bytes)}")
        del data
    else:
        held += data


def _end(selector: selectors.BaseSelector, child: Child) -> None:
    """The program has ended: what it left running goes with it, and what is still in the pipes is read."""
    child.ended = True
    child.stop()
    until = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < until:
        keys = [key for key in selector.get_map().values() if key.data[0] is child]
        for key in keys:
            if key.data[1] is None:
                _take(selector, key)
        mine = {key.fd for key in keys if key.data[1] is not None}
        if not mine:
            return
        for key, _ in selector.select(0.05):
            _take(selector, key)


def _look_around(children: Sequence[Child]) -> None:
    sessions: dict[int, int] = {}
    for pid in _processes():
        with suppress(OSError, ValueError, IndexError):
            fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
            session = int(fields[3])
            sessions[session] = sessions.get(session, 0) + 1
    for child in children:
        if sessions.get(child.process.pid, 0) > child.limits.processes:
            child.stop(f"it started more than {child.limits.processes} processes")


def _processes() -> Iterator[int]:
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                yield int(name)


def _marked(mark: str) -> list[int]:
    """The processes that carry a child's mark, also those that have left its session."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for pid in _processes():
        with suppress(OSError):
            if wanted in Path("/proc", str(pid), "environ").read_bytes():
                found.append(pid)
    return found


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count} bytes"
