"""Runs a program and its conversion side by side, and judges every gradient site and every printed number."""
from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapper import source
from mapper.children import Child, Limits, Outcome
from mapper.results import Comparison, Conversion, Site, SourceError, Verification

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tolerance:
    """Values are close when |a - b| <= atol + rtol * |a|."""

    rtol: float = 1e-4
    atol: float = 1e-6


@dataclass(frozen=True)
class Evaluation:
    """What one run of a gradient site gave: an array, or None, per gradient."""

    line: int
    values: tuple[Any, ...]


def verify_files(original: Path, converted: Path | None, backend: str = "numpy", rtol: float = 1e-4, atol: float = 1e-6, timeout: float = 120.0,
                 memory_mb: int = 8192) -> Verification:
    """See mapper.verify. Raises SourceError for files that cannot be read or converted."""
    if backend != "numpy":
        raise SourceError(f"backend {backend!r} is not one of: numpy")
    program = source.read(original)
    tree = source.parse(program.text, str(original))
    del tree
    limits, tolerance = Limits(timeout, memory_mb), Tolerance(rtol, atol)
    settings = {"rtol": rtol, "atol": atol, "backend": backend, "timeout": timeout}
    with tempfile.TemporaryDirectory(prefix="mapper-") as folder:
        records = Path(folder, "original.npz"), Path(folder, "converted.npz")
        first = Child(original, limits, records[0])          # runs while the conversion is being made
        try:
            sites, target = _converted(program, original, converted, Path(folder))
        except BaseException:
            first.stop()
            raise
        second = Child(target, limits, records[1], original.resolve().parent)
        outcomes = first.wait(), second.wait()
        shown = str(converted) if converted is not None else f"{original} (converted)"
        problem = _problem(outcomes, (str(original), shown))
        if problem:
            return Verification(str(original), shown, problem=problem, settings=settings)
        left, right = (_evaluations(record) for record in records)
        texts = program.text.splitlines(), target.read_text("utf-8", "replace").splitlines()
    rows = [*_site_rows(sites, left, right, tolerance, texts), _printed_row(outcomes, tolerance)]
    return Verification(str(original), shown, tuple(rows), settings=settings)


def _converted(program: source.SourceFile, original: Path, converted: Path | None, folder: Path) -> tuple[Sequence[Site], Path]:
    """The map of sites, and the file to run on the other side."""
    import mapper

    if converted is not None:
        source.parse(source.read(converted).text, str(converted))
        return _map_of(program, original, converted), converted
    conversion = mapper.convert(program.text, filename=str(original))
    if not conversion.complete:
        first = next(f for f in conversion.findings if f.level == "error")
        raise SourceError(f"{original}: not converted completely, so there is nothing to compare: {first}")
    target = folder / (original.stem + "_converted.py")
    target.write_text(conversion.code, "utf-8")
    return conversion.sites, target


def _map_of(program: source.SourceFile, original: Path, converted: Path) -> Sequence[Site]:
    """The sites of the conversion that mapper would make: right for its own output, and for one that was edited in place."""
    import mapper

    try:
        conversion: Conversion = mapper.convert(program.text, filename=str(original))
    except SourceError:
        return ()
    ours, theirs = conversion.code.splitlines(), source.read(converted).text.splitlines()
    return conversion.sites if len(ours) == len(theirs) else tuple(_moved(site, ours, theirs) for site in conversion.sites)


def _moved(site: Site, ours: Sequence[str], theirs: Sequence[str]) -> Site:
    """A site whose line stands elsewhere in the edited file."""
    if site.converted is None or site.converted[0] > len(ours):
        return site
    text = ours[site.converted[0] - 1]
    lines = [i + 1 for i, line in enumerate(theirs) if line == text]
    if not lines:
        return Site(site.id, site.line, site.column, None, site.kind)
    nearest = min(lines, key=lambda n: abs(n - site.converted[0]))  # type: ignore[index]
    return Site(site.id, site.line, site.column, (nearest, site.converted[1]), site.kind)


def _problem(outcomes: tuple[Outcome, Outcome], names: tuple[str, str]) -> str:
    for outcome, name in zip(outcomes, names, strict=True):
        if outcome.stopped:
            return f"{name}: {outcome.stopped}"
        if outcome.code:
            how = f"ended by signal {-outcome.code}" if outcome.code < 0 else f"ended with exit code {outcome.code}"
            tail = "\n".join(outcome.stderr.strip().splitlines()[-12:])
            return f"{name}: {how}" + (f"\n{tail}" if tail else "")
    return ""


def _evaluations(record: Path) -> list[Evaluation]:
    import numpy as np

    if not record.exists():
        return []
    with np.load(record) as stored:
        index = json.loads(bytes(stored["index"]).decode())
        return [Evaluation(entry["line"], tuple(None if name is None else stored[name] for name in entry["values"])) for entry in index]


# ------------------------------------------------------------------------------------------------------------------- sites

def _site_rows(sites: Sequence[Site], left: list[Evaluation], right: list[Evaluation], tolerance: Tolerance, texts: tuple[list[str], list[str]]) -> list[Comparison]:
    rows = []
    claimed = {site.converted[0] for site in sites if site.converted}
    shared = [e.values for e in right if e.line not in claimed]
    for site in sorted(sites, key=lambda s: (s.line, s.column)):
        line = site.converted[0] if site.converted else 0
        ours = [e.values for e in left if e.line == site.line]
        theirs = [e.values for e in right if e.line == line]
        if ours and not theirs and shared and site.converted:
            rows.append(_shared_row(site, line, ours, shared, tolerance, texts))
        else:
            rows.append(_site_row(site, line, ours, theirs, tolerance, texts))
    return rows


def _shared_row(site: Site, line: int, ours: list[tuple[Any, ...]], shared: list[tuple[Any, ...]], tolerance: Tolerance,
                texts: tuple[list[str], list[str]]) -> Comparison:
    """A site whose gradients the converted program takes in a definition that serves several sites: each must be found there."""
    what, verdict, worst = f"{site.kind} {site.id}", "exact", (0.0, 0.0, 0.0)
    for values in ours:
        wanted = [v for v in values if v is not None and v.any()]      # zeros for what is not connected are not taken anywhere
        if site.kind == "hessians":
            pool = [array for others in shared for array in others]
            judged = [_contained([row for v in wanted for row in _rows(v)], pool, tolerance)]
        else:
            judged = [_contained(wanted, others, tolerance) for others in shared]
        best = min((j for j in judged if j[0] != "differs"), key=lambda j: j[1], default=None)
        if best is None:
            nearest = min(shared, key=lambda others: abs(len(others) - len(wanted)))
            return Comparison(what, site.line, line, "differs", len(ours), detail=_detail(site.line, line, texts, values, nearest))
        verdict = "close" if "close" in (verdict, best[0]) else "exact"
        worst = tuple(max(a, b) for a, b in zip(worst, best[1], strict=True))  # type: ignore[assignment]
    return Comparison(what, site.line, line, verdict, len(ours), *worst)


def _rows(matrix: Array) -> list[Array]:
    """The gradients that make up a matrix of second derivatives with shape s + s."""
    shape = matrix.shape[len(matrix.shape) // 2:]
    return list(matrix.reshape((-1, *shape)))


def _contained(wanted: Sequence[Any], others: Sequence[Any], tolerance: Tolerance) -> tuple[str, tuple[float, float, float]]:
    """Whether every wanted array is among the others: the verdict of the worst of them."""
    verdict, worst = "exact", (0.0, 0.0, 0.0)
    for array in wanted:
        judged = [compare_arrays(array, other, tolerance) for other in others if other is not None]
        best = min((j for j in judged if j[0] != "differs"), key=lambda j: j[1], default=None)
        if best is None:
            return "differs", (float("inf"),) * 3
        verdict = "close" if "close" in (verdict, best[0]) else "exact"
        worst = tuple(max(a, b) for a, b in zip(worst, best[1], strict=True))  # type: ignore[assignment]
    return verdict, worst


def _site_row(site: Site, line: int, ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]], tolerance: Tolerance,
              texts: tuple[list[str], list[str]]) -> Comparison:
    what = f"{site.kind} {site.id}"
    if not ours or not theirs:
        missing = "neither program" if not ours and not theirs else "the original" if not ours else "the converted program"
        return Comparison(what, site.line, line, "not run", notes=(f"{missing} did not evaluate it in this run",))
    position, verdict, worst, notes = 0, "exact", (0.0, 0.0, 0.0), set[str]()
    for values in ours:
        judged = [(i, _judge(values, other, tolerance)) for i, other in enumerate(theirs[position:], position)]
        agreeing = next(((i, j) for i, j in judged if j[0] != "differs"), None)
        if agreeing is None:
            shown = theirs[min(position, len(theirs) - 1)]
            detail = _detail(site.line, line, texts, values, shown)
            distance = _judge(values, shown, tolerance)[1]
            return Comparison(what, site.line, line, "differs", len(ours), *distance, detail=detail)
        at, (found, distance, said) = agreeing
        position = at + (1 if len(theirs) >= len(ours) else 0)
        verdict = "close" if "close" in (verdict, found) else "exact"
        worst = tuple(max(a, b) for a, b in zip(worst, distance, strict=True))  # type: ignore[assignment]
        notes |= said
    return Comparison(what, site.line, line, verdict, len(ours), *worst, notes=tuple(sorted(notes)))


Judgement = tuple[str, tuple[float, float, float], set[str]]


def _judge(ours: tuple[Any, ...], theirs: tuple[Any, ...], tolerance: Tolerance) -> Judgement:
    """One evaluation against another: verdict, (max abs, max rel, max ULP), notes."""
    inf = float("inf")
    if len(ours) != len(theirs):
        ours, theirs = (tuple(v for v in side if v is not None) for side in (ours, theirs))
        if len(ours) != len(theirs):
            return "differs", (inf, inf, inf), set()
    verdict, worst, notes = "exact", (0.0, 0.0, 0.0), set[str]()
    for a, b in zip(ours, theirs, strict=True):
        if a is None or b is None:
            other = b if a is None else a
            if other is None or not other.any():
                if other is not None:
                    notes.add("None in TensorFlow is zeros in MindSpore")
                continue
            return "differs", (inf, inf, inf), set()
        found, distance = compare_arrays(a, b, tolerance)
        if found == "differs":
            return found, distance, set()
        verdict = "close" if "close" in (verdict, found) else verdict
        worst = tuple(max(p, q) for p, q in zip(worst, distance, strict=True))  # type: ignore[assignment]
    return verdict, worst, notes


def compare_arrays(a: Array, b: Array, tolerance: Tolerance) -> tuple[str, tuple[float, float, float]]:
    """Verdict and (max abs, max rel, max ULP) for two arrays; another shape or dtype differs, NaN equals NaN."""
    import numpy as np

    inf = float("inf")
    if a.shape != b.shape or a.dtype != b.dtype:
        return "differs", (inf, inf, inf)
    if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
        return "exact", (0.0, 0.0, 0.0)
    if a.dtype.kind not in "fc":
        return "differs", (float(np.abs(a.astype(np.float64) - b).max()), inf, inf)
    if not np.array_equal(np.isfinite(a), np.isfinite(b)) or not np.array_equal(a[~np.isfinite(a)], b[~np.isfinite(b)], equal_nan=True):
        return "differs", (inf, inf, inf)
    mask = np.isfinite(a)
    x, y = a[mask].astype(np.complex128 if a.dtype.kind == "c" else np.float64), b[mask]
    gap = np.abs(x - y)
    spacing = np.spacing(np.maximum(np.abs(a[mask]), np.finfo(a.dtype).tiny)) if a.dtype.kind == "f" else np.ones(1)
    with np.errstate(all="ignore"):
        distance = float(gap.max()), float(np.nanmax(gap / np.maximum(np.abs(x), 1e-30))), float((gap / spacing).max())
    # A gradient is judged at its own scale: elements that cancel to nothing carry the rounding of the others.
    scale = float(np.abs(x).max())
    close = bool((gap <= tolerance.atol + tolerance.rtol * np.maximum(np.abs(x), 1e-2 * scale)).all())
    return ("close" if close else "differs"), distance


def _detail(line: int, converted_line: int, texts: tuple[list[str], list[str]], ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> str:
    def excerpt(lines: list[str], number: int) -> str:
        return lines[number - 1].strip() if 1 <= number <= len(lines) else ""

    def shown(values: tuple[Any, ...]) -> str:
        return "; ".join("None" if v is None else f"{v.dtype}{list(v.shape)} " + " ".join(f"{float(x):.6g}" for x in v.real.reshape(-1)[:6]) for v in values[:4])

    return (f"  original line {line}: {excerpt(texts[0], line)}\n    {shown(ours)}\n"
            f"  converted line {converted_line}: {excerpt(texts[1], converted_line)}\n    {shown(theirs)}")


# ---------------------------------------------------------------------------------------------------------- printed numbers

_DROPPED = re.compile(r"dtype\s*=\s*<?[\w.']+>?|shape\s*=\s*[(\[][\d\s,]*[)\]]|(?<=\w):0(?![\d.])|\b(?:np|numpy|tf|ms|mindspore)\.\w+(?=\()")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])|(?<![\w.])[-+]?(?:inf|nan)\b|\bTrue\b|\bFalse\b")


def printed_numbers(text: str) -> list[float]:
    """Every number of a program's output, in order; True and False count as 1 and 0, names and dtypes do not count."""
    words = {"True": 1.0, "False": 0.0}
    return [words[word] if word in words else float(word) for word in _NUMBER.findall(_DROPPED.sub(" ", text))]


def _printed_row(outcomes: tuple[Outcome, Outcome], tolerance: Tolerance) -> Comparison:
    ours, theirs = (printed_numbers(outcome.stdout) for outcome in outcomes)
    if outcomes[0].stdout == outcomes[1].stdout:
        return Comparison("printed numbers", 0, 0, "exact", len(ours))
    worst_abs = worst_rel = 0.0
    for index, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if a == b or (a != a and b != b):
            continue
        gap = abs(a - b)
        # Printed digits are rounded, so the last one may differ by one.
        if not gap <= 10 * (tolerance.atol + tolerance.rtol * abs(a)):
            return Comparison("printed numbers", 0, 0, "differs", len(ours), gap, gap / max(abs(a), 1e-30),
                              detail=f"  number {index + 1} of the output: {a:g} in the original, {b:g} in the converted program")
        worst_abs, worst_rel = max(worst_abs, gap), max(worst_rel, gap / max(abs(a), 1e-30))
    if len(ours) != len(theirs):
        return Comparison("printed numbers", 0, 0, "differs", len(ours), detail=f"  the original printed {len(ours)} numbers, the converted program {len(theirs)}")
    return Comparison("printed numbers", 0, 0, "close" if worst_abs else "exact", len(ours), worst_abs, worst_rel)
