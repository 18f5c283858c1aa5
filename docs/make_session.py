"""What a terminal shows when a program is converted, compared, checked and verified, as tmux captures it; a test compares it with
docs/session.txt."""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

COMMANDS = ["cp $CHECKOUT/examples/slope.py $CHECKOUT/tests/programs/mindspore/integer_inputs.py .",
            "mapper convert slope.py -o slope_ms.py", "mapper convert --diff slope.py", "mapper check slope.py", "mapper check integer_inputs.py",
            "mapper verify slope.py", "mapper run slope_ms.py"]
_SECONDS = 60.0


def captured(folder: Path, environment: Mapping[str, str]) -> str:
    """The text on a terminal of 100 columns after the commands were typed in `folder`, without colours.

    Raises TimeoutError when a command does not come to its end."""
    server = [shutil.which("tmux") or "tmux", "-L", f"mapper-{os.getpid()}", "-f", "/dev/null"]
    inside = {**environment, "TERM": "screen", "HISTFILE": "/dev/null"}
    subprocess.run([*server, "new-session", "-d", "-x", "100", "-y", "300", "-c", str(folder), "PS1='$ ' exec bash --norc --noprofile"], env=inside, check=True)
    try:
        _prompt(server, 1)
        for number, command in enumerate(COMMANDS):
            subprocess.run([*server, "send-keys", "-l", command], check=True)
            subprocess.run([*server, "send-keys", "Enter"], check=True)
            lines = _prompt(server, number + 2)
    finally:
        subprocess.run([*server, "kill-server"], check=False)
    return "".join(f"{line}\n" for line in lines[:-1])


def _prompt(server: list[str], count: int) -> list[str]:
    """The lines on the terminal when the shell waits for its command number `count`."""
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        text = subprocess.run([*server, "capture-pane", "-p", "-J"], stdout=subprocess.PIPE, text=True, check=True).stdout
        lines = [line.rstrip() for line in text.rstrip().splitlines()]
        if lines and lines[-1] == "$" and sum(line.startswith("$") for line in lines) == count:
            return lines
        time.sleep(0.02)
    raise TimeoutError(f"command {count - 1} did not end")
