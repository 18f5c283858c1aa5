"""Random numbers: one stream per seed, and the seeds of MindSpore."""
from __future__ import annotations

import numpy as np

_seed: int | None = None
_rng: np.random.Generator | None = None


def set_seed(seed: int) -> None:
    """Restarts MindSpore's stream and NumPy's, and lets parameters draw their initial values afresh.

    Raises TypeError or ValueError for anything but an int >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"The argument 'seed' must be type of int, but got {type(seed)}.")
    if seed < 0:
        raise ValueError("The argument 'seed' must be a non-negative integer.")
    global _seed, _rng
    _seed, _rng = int(seed), np.random.default_rng(int(seed))
    np.random.seed(int(seed) & 0xFFFFFFFF)
    from . import initializer

    initializer.forget_names()


def get_seed() -> int | None:
    return _seed


def generator() -> np.random.Generator:
    """The stream that random operations draw from; without a seed it is a fixed one, so that runs repeat."""
    global _rng
    if _rng is None:
        _rng = np.random.default_rng(0)
    return _rng
