"""Every program of the tests, and what it becomes, compute the same: each gradient that is evaluated, and what is printed."""
from __future__ import annotations

from pathlib import Path

import pytest

import mapper

HERE = Path(__file__).parent
PROGRAMS = sorted([*(HERE / "programs").glob("*/*.py"), *(HERE / "golden").glob("*/*.in.py")])
# The runtime has no dynamic_rnn that stops at sequence_length, and does not know the shape that integrated_gradients asks for.
NOT_RUN = {"lstm_with_lengths", "integrated_gradients"}


@pytest.mark.parametrize("path", [p for p in PROGRAMS if p.stem not in NOT_RUN], ids=lambda p: p.stem)
def test_program_verifies(path: Path) -> None:
    verification = mapper.verify(path, finite_differences=False)
    assert verification.matches, (verification.problem, verification.rows)
    assert any(row.verdict in ("exact", "close") for row in verification.rows)
