"""The MindSpore face of the engine."""
from __future__ import annotations

from .api import modules

__all__ = ["modules"]
