"""What was converted before: one file for each tree, in the user's cache folder, by the hash of text, options and mapper itself."""
from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from mapper.results import Conversion, Finding, Site, SourceError


def folder() -> Path:
    """Where caches lie: MAPPER_CACHE_DIR, or `mapper` in the user's cache folder."""
    chosen = os.environ.get("MAPPER_CACHE_DIR")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mapper"


@cache
def _version() -> str:
    """Changes whenever a file of mapper or of its rules does."""
    home = Path(__file__).resolve().parent
    files = [home, home / "staging", home / "rules_data", home.parent / "rules"]
    stats = [(str(f), f.stat().st_mtime_ns, f.stat().st_size) for d in files if d.is_dir() for f in sorted(d.iterdir()) if f.suffix in (".py", ".toml")]
    return hashlib.sha256(repr(stats).encode()).hexdigest()


class Cache:
    """The conversions of one tree. What cannot be read counts as absent, and what cannot be written is not kept."""

    def __init__(self, root: Path) -> None:
        self._file = folder() / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:24]}.json"
        self._kept: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        try:
            found = json.loads(self._file.read_text("utf-8"))
            if found.get("version") == _version():
                self._known = found["conversions"]
        except (OSError, ValueError, KeyError, AttributeError):
            pass

    @staticmethod
    def key(text: str, *options: str | None) -> str:
        return hashlib.sha256(repr((text, options)).encode("utf-8", "surrogatepass")).hexdigest()

    def get(self, key: str) -> Conversion | None:
        """The conversion kept for a key."""
        row = self._known.get(key)
        if row is None:
            return None
        self._kept[key] = row
        sites = (Site(**{**site, "converted": tuple(site["converted"]) if site["converted"] else None}) for site in row["sites"])
        return Conversion(row["code"], tuple(Finding(**finding) for finding in row["findings"]), tuple(sites))

    def put(self, key: str, conversion: Conversion) -> None:
        """Keeps a conversion for the next run."""
        self._kept[key] = dataclasses.asdict(conversion)

    def save(self) -> None:
        """Writes what this run has asked for and put in; the rest is forgotten."""
        from mapper.source import write

        if self._kept.keys() == self._known.keys():
            return
        try:
            write(self._file, json.dumps({"version": _version(), "conversions": self._kept}))
        except SourceError:
            pass
