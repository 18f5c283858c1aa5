"""Writes docs/reference.md from the commands themselves: python docs/make_reference.py"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mapper.cli import main  # noqa: E402

HEAD = """# Reference of the commands

What `mapper COMMAND --help` prints, written by `python docs/make_reference.py`; a test compares it with the commands.
`mapper check --format json` is described in [reference-check-json.md](reference-check-json.md).

Environment: `NO_COLOR` turns colours off. `MAPPER_CACHE_DIR` is where conversions of trees are kept (by default `mapper` in
`XDG_CACHE_HOME` or `~/.cache`). `MAPPER_NATIVE_PYTHON` is an interpreter with the real frameworks. `MAPPER_DEBUG=1` shows where the
converter failed, if it ever does.
"""


def sections(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """The help of a command and of the commands below it, 100 columns wide whatever the terminal is."""
    context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=100, max_content_width=100)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from sections(command.commands[inner], inner, context)


def reference() -> str:
    """The whole page."""
    return HEAD + "".join(sections(main, "mapper"))


if __name__ == "__main__":
    (ROOT / "docs" / "reference.md").write_text(reference(), "utf-8")
