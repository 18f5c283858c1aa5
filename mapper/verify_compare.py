"""Judges what a gradient site gave in two programs: arrays, evaluations, and the pairing of evaluations."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mapper.results import Sample
from mapper.verify_records import UNKNOWN

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Values = tuple[Any, ...]
Distance = tuple[float, float, float]                 # max abs, max rel, max ULP
NOWHERE: Distance = (0.0, 0.0, 0.0)
FAR: Distance = (float("inf"),) * 3
ZEROS = "None in TensorFlow is zeros in MindSpore"
INTEGERS = "gradients of integers are integers in MindSpore only; the values are equal"


@dataclass(frozen=True)
class Tolerance:
    """Values are close when |a - b| <= atol + rtol * max(|a|, floor * largest |a|): a gradient is judged at its own scale, for elements that
    cancel to nothing carry the rounding of the others."""

    rtol: float = 1e-4
    atol: float = 1e-6
    floor: float = 1e-2


@dataclass(frozen=True)
class Judgement:
    """Whether two evaluations, or all of a site, agree: verdict, how far apart, remarks, and the distance of each evaluation.

    `unmatched` is the first evaluation of the original without a counterpart, and what comes nearest to it."""

    verdict: str
    distance: Distance = NOWHERE
    notes: frozenset[str] = frozenset()
    errors: tuple[float, ...] = ()
    unmatched: tuple[int, Values, Values] | None = None


def compare_arrays(a: Array, b: Array, tolerance: Tolerance) -> tuple[str, Distance]:
    """Verdict and (max abs, max rel, max ULP) for two arrays; another shape or dtype differs, NaN equals NaN."""
    import numpy as np

    if a.shape != b.shape or a.dtype != b.dtype:
        return "differs", FAR
    if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
        return "exact", NOWHERE
    if a.dtype.kind not in "fc":
        return "differs", (float(np.abs(a.astype(np.float64) - b).max()), float("inf"), float("inf"))
    if not np.array_equal(np.isfinite(a), np.isfinite(b)) or not np.array_equal(a[~np.isfinite(a)], b[~np.isfinite(b)], equal_nan=True):
        return "differs", FAR
    mask = np.isfinite(a)
    x, y = a[mask].astype(np.complex128 if a.dtype.kind == "c" else np.float64), b[mask]
    gap, size = np.abs(x - y), np.maximum(np.abs(x), np.abs(y))
    spacing = np.spacing(np.maximum(np.abs(a[mask]), np.abs(b[mask]))) if a.dtype.kind == "f" else np.ones(1)
    with np.errstate(all="ignore"):
        distance = float(gap.max()), float(np.nanmax(gap / size)), float((gap / spacing).max())
    close = bool((gap <= tolerance.atol + tolerance.rtol * np.maximum(np.abs(x), tolerance.floor * np.abs(x).max())).all())
    return ("close" if close else "differs"), distance


def paired(ours: Values, theirs: Values) -> Iterator[tuple[int, Any, Any]]:
    """(index, value here, value there) of the gradients that both evaluations know. Raises ValueError when they do not pair up."""
    if len(ours) != len(theirs):
        # MindSpore's functions give no None: what is not connected may have been left out.
        ours, theirs = (tuple(v for v in side if v is not None) for side in (ours, theirs))
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a is not UNKNOWN and b is not UNKNOWN:
            yield index, a, b


def judge(ours: Values, theirs: Values, tolerance: Tolerance) -> Judgement:
    """One evaluation against another."""
    verdict, worst, notes = "exact", NOWHERE, set[str]()
    try:
        pairs = list(paired(ours, theirs))
    except ValueError:
        return Judgement("differs", FAR)
    if not pairs and (ours or theirs):
        return Judgement("differs", FAR)               # they know nothing in common
    for _, a, b in pairs:
        if a is None or b is None:
            other = b if a is None else a
            if other is None:
                continue
            if other.any():
                return Judgement("differs", FAR)
            notes.add(ZEROS)
            continue
        if {a.dtype.kind, b.dtype.kind} == {"i", "f"} and a.shape == b.shape and (a == b).all():
            notes.add(INTEGERS)
            continue
        found, distance = compare_arrays(a, b, tolerance)
        worst = _worse(worst, distance)
        if found != "exact":
            verdict = found if verdict != "differs" else verdict
    return Judgement(verdict, worst, frozenset(notes), (worst[0],))


def _worse(a: Distance, b: Distance) -> Distance:
    return max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2])


def judge_site(ours: Sequence[Values], theirs: Sequence[Values], others: Sequence[Values], tolerance: Tolerance, matrix: bool = False,
               hidden: bool = False, runs: Sequence[int] = ()) -> Judgement:
    """All evaluations of a site in the original against those in the converted program.

    Equally many are compared in their order, or in any order within a run when one place stands for several gradients; `runs` has for each
    evaluation the run it belongs to, where that is known. Otherwise an evaluation may
    answer for several equal ones. What the converted program computes in a definition that serves several sites is among `others`,
    where each gradient must be found; `matrix` says that it is made of rows there. `hidden` says that either program may compute what cannot
    be seen: then it is enough that most of what is seen on both sides agrees."""
    if matrix:
        theirs = _rows_together(ours, theirs)
    if len(ours) == len(theirs):
        judged = [judge(a, b, tolerance) for a, b in zip(ours, theirs, strict=True)]
        if all(j.verdict != "differs" for j in judged):
            return _together(judged)
    matches = [_best(values, _nearby(theirs, i * len(theirs) / len(ours)), tolerance) for i, values in enumerate(ours)]
    missing = [i for i, match in enumerate(matches) if match is None]
    if not missing:
        taken = _assigned(ours, theirs, tolerance, runs) if len(ours) == len(theirs) else None
        if len(ours) != len(theirs) or taken is not None:
            return _together([match for match in (taken or matches) if match is not None])
        missing = [next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if judge(a, b, tolerance).verdict == "differs")]
    # What stands at the site itself must be right; only what is computed elsewhere may be looked for elsewhere.
    wrong = [values for values in theirs if not any(judge(other, values, tolerance).verdict != "differs" for other in ours)]
    elsewhere = [] if wrong or len(theirs) >= len(ours) else [_among(ours[i], others, tolerance, matrix) for i in missing]
    if elsewhere and all(found is not None for found in elsewhere):
        return _together([match for match in (*matches, *elsewhere) if match is not None])
    if hidden and theirs and len(ours) - len(missing) >= max(1, min(len(ours), len(theirs)) // 2):
        seen = _together([match for match in matches if match is not None])
        return replace(seen, notes=seen.notes | {f"{len(missing)} of {len(ours)} evaluations were seen on one side only"})
    index = missing[0] if not elsewhere else missing[next(i for i, found in enumerate(elsewhere) if found is None)]
    pool = list(theirs) or list(others)
    nearest = pool[index] if len(ours) == len(pool) else min(pool, key=lambda values: _far(ours[index], values, tolerance)) if pool else ()
    return Judgement("differs", judge(ours[index], nearest, tolerance).distance, frozenset(), _errors(ours, pool, tolerance), (index, ours[index], nearest))


def _rows_together(ours: Sequence[Values], theirs: Sequence[Values]) -> Sequence[Values]:
    """The rows of matrices that were computed one after the other, as matrices; other values as they are."""
    import numpy as np

    whole = ours[0][0] if ours and len(ours[0]) == 1 else None
    if not isinstance(whole, np.ndarray) or whole.ndim < 2 or not all(len(v) == 1 and isinstance(v[0], np.ndarray) and v[0].shape == whole.shape[1:]
                                                                      for v in theirs):
        return theirs
    count = len(whole)
    return [(np.stack([v[0] for v in theirs[i:i + count]]),) for i in range(0, len(theirs) - count + 1, count)]  # type: ignore[misc]


def _together(judged: Sequence[Judgement]) -> Judgement:
    distance = NOWHERE
    for one in judged:
        distance = _worse(distance, one.distance)
    verdict = "close" if any(one.verdict == "close" for one in judged) else "exact"
    return Judgement(verdict, distance, frozenset[str]().union(*(one.notes for one in judged)), tuple(one.distance[0] for one in judged))


def _nearby(pool: Sequence[Values], place: float) -> list[Values]:
    """The pool, beginning with what was computed at about the same time."""
    return [pool[i] for i in sorted(range(len(pool)), key=lambda i: abs(i - place))]


def _best(values: Values, pool: Sequence[Values], tolerance: Tolerance) -> Judgement | None:
    """The first of the pool that agrees exactly, else the first that is close."""
    close = None
    for other in pool:
        found = judge(values, other, tolerance)
        if found.verdict == "exact":
            return found
        if found.verdict == "close" and close is None:
            close = found
    return close


def _assigned(ours: Sequence[Values], theirs: Sequence[Values], tolerance: Tolerance, runs: Sequence[int]) -> list[Judgement | None] | None:
    """Each of ours with one of theirs of its own, in whatever order within a run; None when that does not come out even."""
    free = list(range(len(theirs)))
    result: list[Judgement | None] = []
    for index, values in enumerate(ours):
        near = [i for i in free if runs[i] == runs[index]] if len(runs) == len(ours) else free
        for place in sorted(near, key=lambda i: abs(i - index)):
            found = judge(values, theirs[place], tolerance)
            if found.verdict != "differs":
                result.append(found)
                free.remove(place)
                break
        else:
            return None
    return result


def _among(values: Values, others: Sequence[Values], tolerance: Tolerance, matrix: bool) -> Judgement | None:
    """The gradients of one evaluation among those of another place, in any order; zeros for what is not connected are not taken anywhere."""
    wanted = [v for v in values if v is not None and v is not UNKNOWN and v.any()]
    if matrix:
        return _contained([row for v in wanted for row in _rows(v)], [array for other in others for array in other], tolerance)
    judged = (_contained(wanted, other, tolerance) for other in others)
    return min((j for j in judged if j is not None), key=lambda j: j.distance, default=None)


def _rows(matrix: Array) -> list[Array]:
    """The gradients that make up a matrix of second derivatives with shape s + s."""
    shape = matrix.shape[len(matrix.shape) // 2:]
    return list(matrix.reshape((-1, *shape)))


def _contained(wanted: Sequence[Any], others: Sequence[Any], tolerance: Tolerance) -> Judgement | None:
    judged = []
    for array in wanted:
        found = [compare_arrays(array, other, tolerance) for other in others if other is not None and other is not UNKNOWN]
        best = min((one for one in found if one[0] != "differs"), key=lambda one: one[1], default=None)
        if best is None:
            return None
        judged.append(Judgement(*best))
    return _together(judged)


def _far(ours: Values, theirs: Values, tolerance: Tolerance) -> tuple[float, ...]:
    return abs(len(ours) - len(theirs)), *judge(ours, theirs, tolerance).distance


def _errors(ours: Sequence[Values], theirs: Sequence[Values], tolerance: Tolerance) -> tuple[float, ...]:
    return tuple(judge(a, b, tolerance).distance[0] for a, b in zip(ours, theirs, strict=False))


# ------------------------------------------------------------------------------------------------------------ side by side

def samples(evaluation: int, ours: Values, theirs: Values, tolerance: Tolerance, count: int = 6) -> tuple[Sample, ...]:
    """The gradients of one evaluation side by side."""
    try:
        pairs = list(paired(ours, theirs))
    except ValueError:
        return (Sample(evaluation, 0, "; ".join(shown(v, count) for v in ours), "; ".join(shown(v, count) for v in theirs),
                       error=f"{len(ours)} gradients against {len(theirs)}"),)
    return tuple(_sample(evaluation, index, a, b, tolerance, count) for index, a, b in pairs)


def _sample(evaluation: int, index: int, a: Any, b: Any, tolerance: Tolerance, count: int) -> Sample:
    left, right = shown(a, count), shown(b, count)
    if a is None or b is None:
        other = b if a is None else a
        wrong = other is not None and bool(other.any())
        return Sample(evaluation, index, left, right, error="None against values that are not zero" if wrong else "")
    if a.shape != b.shape:
        return Sample(evaluation, index, left, right, error=f"shape {list(a.shape)} against {list(b.shape)}")
    if a.dtype != b.dtype:
        return Sample(evaluation, index, left, right, error=f"dtype {a.dtype} against {b.dtype}")
    return Sample(evaluation, index, left, right, _worst_element(a, b), *compare_arrays(a, b, tolerance)[1])


def _worst_element(a: Array, b: Array) -> str:
    import numpy as np

    with np.errstate(all="ignore"):
        gap = np.abs(a.astype(np.complex128) - b)
    if not gap.size or np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
        return ""
    place = np.unravel_index(int(np.argmax(np.where(np.isnan(gap), np.inf, gap))), gap.shape)
    where = f"[{', '.join(str(int(i)) for i in place)}]" if place else "the value"
    return f"{where}: {_number(a[place])} against {_number(b[place])}"


def shown(value: Any, count: int = 6) -> str:
    """A gradient in a few words: dtype, shape and the first values."""
    if value is None or value is UNKNOWN:
        return "None" if value is None else "not computed"
    flat = value.reshape(-1)
    more = " …" if flat.size > count else ""
    return f"{value.dtype}{list(value.shape)} " + " ".join(_number(x) for x in flat[:count]) + more


def _number(x: Any) -> str:
    return f"{x:.7g}" if x.dtype.kind != "b" else str(bool(x))
