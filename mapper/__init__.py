from __future__ import annotations

from pathlib import Path

if not (Path(__file__).parent / "runtime").exists():
    __path__.append(str(Path(__file__).resolve().parent.parent))
