"""What converting, checking and verifying give back."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from mapper.errors import SourceError as SourceError

Level = Literal["error", "warning", "note"]
Direction = Literal["mindspore", "tensorflow"]


@dataclass(frozen=True)
class Finding:
    """Something a person should know about one place of a program. `line` and `column` count from 1; `rule` is the id of the
    mapping rule behind it, or "" when there is none."""

    code: str
    level: Level
    file: str
    line: int
    column: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.level} {self.code} {self.message}"


@dataclass(frozen=True)
class Site:
    """A gradient site: where the original takes a gradient and where the converted program does (line, column from 1).
    `converted` is None when the site stayed as it was."""

    id: str
    line: int
    column: int
    converted: tuple[int, int] | None
    kind: str = "gradients"


@dataclass(frozen=True)
class Conversion:
    """A converted program: its text, what there is to say about it, and its gradient sites."""

    code: str
    findings: tuple[Finding, ...] = ()
    sites: tuple[Site, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing needs a person: no site or call stayed behind with a marker."""
        return not any(finding.level == "error" for finding in self.findings)


@dataclass(frozen=True)
class Sample:
    """Values of one gradient on both sides: the element that is furthest apart, and the first few, of one evaluation.

    `error` says why two values cannot be compared element by element: another shape, another dtype, None."""

    evaluation: int
    gradient: int
    original: str
    converted: str
    worst: str = ""
    max_abs: float = 0.0
    max_rel: float = 0.0
    max_ulp: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    """One thing that both programs computed: verdict "exact", "close", "doubtful" (both agree, and finite differences disagree with
    both), "differs" or "not run", and how far apart. `errors` holds the largest absolute difference of each evaluation, `cause` what
    may explain a difference, `oracle` what finite differences say."""

    what: str
    line: int
    converted_line: int
    verdict: str
    evaluations: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0
    max_ulp: float = 0.0
    detail: str = ""
    notes: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    errors: tuple[float, ...] = ()
    cause: str = ""
    oracle: str = ""


@dataclass(frozen=True)
class Agreement:
    """One line of the three-way table: the verdicts of real original against real converted, of bundled original against real original,
    and of bundled original against real converted."""

    what: str
    real: str
    original: str
    converted: str


@dataclass(frozen=True)
class Verification:
    """The verdict on a conversion. `problem` says why a side could not run; then there are no comparisons. `settings` holds the
    tolerances and options that were in force, `machine` what the programs ran on, `sources` the two texts, `agreements` the three-way
    table when real frameworks took part."""

    original: str
    converted: str
    rows: tuple[Comparison, ...] = ()
    problem: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, str] = ("", "")
    notes: tuple[str, ...] = ()
    agreements: tuple[Agreement, ...] = ()

    @property
    def matches(self) -> bool:
        return not self.problem and all(row.verdict in ("exact", "close", "not run") for row in self.rows)
