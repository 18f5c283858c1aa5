"""What two programs leave behind: the numbers that they print, in their order, and the last values of their variables."""
from __future__ import annotations

import re

from mapper.children import Outcome
from mapper.results import Comparison
from mapper.verify_compare import NOWHERE, Tolerance, compare_arrays, samples
from mapper.verify_records import Record

_DROPPED = re.compile(r"dtype\s*=\s*<?[\w.']+>?|shape\s*=\s*[(\[][\d\s,]*[)\]]|(?<=\w):0(?![\d.])|\b(?:np|numpy|tf|ms|mindspore)\.\w+(?=\()")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])|(?<![\w.])[-+]?(?:inf|nan)\b|\bTrue\b|\bFalse\b")
WHAT = "printed numbers"
_COUNTERS = ("beta1_power", "beta2_power", "global_step")         # the optimizers of the two frameworks count from different starts


def printed_numbers(text: str) -> list[float]:
    """Every number of a program's output, in order; True and False count as 1 and 0, names and dtypes do not count."""
    words = {"True": 1.0, "False": 0.0}
    return [words[word] if word in words else float(word) for word in _NUMBER.findall(_DROPPED.sub(" ", text))]


def compare_printed(original: Outcome, converted: Outcome, tolerance: Tolerance) -> Comparison:
    """The verdict on what both programs printed."""
    if original.stdout == converted.stdout:
        return Comparison(WHAT, 0, 0, "exact", len(printed_numbers(original.stdout)))
    ours, theirs = printed_numbers(original.stdout), printed_numbers(converted.stdout)
    worst_abs = worst_rel = 0.0
    for index, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if a == b or (a != a and b != b):
            continue
        gap = abs(a - b)
        # Printed digits are rounded, so the last one may differ by one.
        if not gap <= 10 * (tolerance.atol + tolerance.rtol * abs(a)):
            return Comparison(WHAT, 0, 0, "differs", len(ours), gap, gap / max(abs(a), 1e-30),
                              detail=f"  number {index + 1} of the output: {a:g} in the original, {b:g} in the converted program")
        worst_abs, worst_rel = max(worst_abs, gap), max(worst_rel, gap / max(abs(a), 1e-30))
    if len(ours) != len(theirs):
        return Comparison(WHAT, 0, 0, "differs", len(ours), detail=f"  the original printed {len(ours)} numbers, the converted program {len(theirs)}")
    return Comparison(WHAT, 0, 0, "close" if worst_abs else "exact", len(ours), worst_abs, worst_rel)


def compare_variables(original: Record, converted: Record, tolerance: Tolerance) -> Comparison | None:
    """The verdict on the variables that have the same name and shape in both programs; None when there are none."""
    what, verdict, worst = "final variables", "exact", NOWHERE
    ours, theirs = original.variables, converted.variables
    common = [name for name, value in ours.items() if name in theirs and not name.endswith(_COUNTERS)
              and (value.shape, value.dtype) == (theirs[name].shape, theirs[name].dtype)]
    # Many steps of training lie behind a variable, as behind a printed number.
    wider = Tolerance(10 * tolerance.rtol, 10 * tolerance.atol, tolerance.floor)
    for name in common:
        found, distance = compare_arrays(ours[name], theirs[name], wider)
        if found == "differs":
            shown = samples(0, (ours[name],), (theirs[name],), tolerance)
            detail = f"  variable {name}: {shown[0].original}\n         converted: {shown[0].converted}"
            return Comparison(what, 0, 0, "differs", len(common), *distance, detail=detail, samples=shown)
        verdict = "close" if found == "close" else verdict
        worst = max(worst, distance)
    return Comparison(what, 0, 0, verdict, len(common), *worst) if common else None
