"""Why two gradients may differ: what their values look like beside each other, and what the rules know of the calls before a site."""
from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from mapper.results import Site
from mapper.verify_compare import Values, paired

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_CLOSE = 1e-3


def excerpt(text: str, line: int, name: str, around: int = 2) -> str:
    """The lines about a site, with an arrow at its own."""
    lines = text.splitlines()
    if not 1 <= line <= len(lines):
        return f"  {name}: the site has no line there"
    shown = range(max(1, line - around), min(len(lines), line + around) + 1)
    return "\n".join([f"  {name}, line {line}:", *(f"  {'>' if n == line else ' '} {n:>4} {lines[n - 1]}" for n in shown)])


def cause_of(text: str, site: Site, ours: Values, theirs: Values, oracle: str) -> str:
    """What probably makes the two differ, or nothing."""
    point = list(_by_point(oracle))
    # What the rules only note, because the converter writes what agrees, matters at ties and bounds.
    levels = ("warning", "note") if point else ("warning",)
    causes = list(_by_values(ours, theirs)) or [*point, *islice(dict.fromkeys(_by_rules(text, site, levels)), 3)]
    return "; ".join(causes)


def _by_point(oracle: str) -> Iterator[str]:
    if oracle.startswith("not differentiable"):
        yield f"a tie or a bound: {oracle}"


def _by_values(ours: Values, theirs: Values) -> Iterator[str]:
    import numpy as np

    try:
        pairs = [(a, b) for _, a, b in paired(ours, theirs)]
    except ValueError:
        yield f"{len(ours)} gradients against {len(theirs)}: get_all, get_by_list or the list of xs is not the same"
        return
    if any((a is None) != (b is None) for a, b in pairs):
        yield "an x is connected to ys in one program only: a stop_gradient, or a value that left the graph, stands on one side"
    arrays = [(a, b) for a, b in pairs if a is not None and b is not None]
    if any(a.dtype != b.dtype for a, b in arrays):
        yield "the dtypes differ: a cast stands on one side only"
    lefts, rights = [a for a, _ in arrays], [b for _, b in arrays]
    if len(arrays) > 1 and not _all_like(lefts, rights) and all(any(_like(a, b) for b in rights) for a in lefts):
        yield "the same gradients in another order: the xs stand in another order"
        return
    for index, (a, b) in enumerate(arrays):
        if len(arrays) > 1 and a.any() != b.any():
            which, other = ("converted program", "original") if a.any() else ("original", "converted program")
            yield f"gradient {index} is zeros in the {which} alone: there ys do not depend on that x, or the gradient is stopped; in the {other} it flows"
    same = [(a, b) for a, b in arrays if a.shape == b.shape and a.dtype.kind in "fc" and b.dtype.kind in "fc" and a.size]
    for a, b in arrays:
        if a.shape != b.shape and a.size == b.size and a.shape == b.shape[::-1] and _like(a.T, b):
            yield "one is the transpose of the other"
        elif a.shape != b.shape and b.ndim > a.ndim and _like(a, b.sum(tuple(range(b.ndim - a.ndim)))):
            yield "one is the sum of the other over its first axis: gradients per example against their sum"
    if same and len(same) == len(arrays):
        with np.errstate(all="ignore"):
            joined = tuple(np.concatenate([np.asarray(side, np.complex128).reshape(-1) for side in sides]) for sides in zip(*same, strict=True))
        yield from _ratio(joined[0], joined[1])


def _all_like(ours: list[Array], theirs: list[Array]) -> bool:
    return all(_like(a, b) for a, b in zip(ours, theirs, strict=True))


def _like(a: Array, b: Array) -> bool:
    import numpy as np

    return bool(a.shape == b.shape and np.allclose(a, b, rtol=_CLOSE, atol=1e-6, equal_nan=True))


def _ratio(a: Array, b: Array) -> Iterator[str]:
    import numpy as np

    if not np.isfinite(a).all() or not np.isfinite(b).all():
        wrong = "the converted program" if np.isfinite(a).all() else "the original"
        if np.isfinite(a).all() != np.isfinite(b).all():
            yield f"{wrong} gives inf or NaN: a function at the end of its domain (sqrt, log, division, norm at 0)"
        return
    if not b.any():
        yield "the converted program gives zeros: its function does not depend on the x, or the gradient is stopped"
        return
    if not a.any():
        yield "the original gives zeros: a gradient that it stops flows in the converted program"
        return
    kept = np.abs(a) > 1e-6 * np.abs(a).max()
    factor = np.median((b[kept] / a[kept]).real)
    if factor and np.allclose(b, factor * a, rtol=_CLOSE, atol=1e-6 * float(np.abs(a).max())):
        if abs(factor + 1) < _CLOSE:
            yield "the sign is the opposite one"
        else:
            whole = factor if abs(factor) > 1 else 1 / factor
            counted = abs(whole - round(whole)) < 1e-3 * abs(whole)
            hint = ": a mean against a sum, or a constant factor" if counted else ": a cotangent (grad_ys, sens) or a constant"
            yield f"the converted program's gradient is {factor:.6g} times the original's{hint}"


# ------------------------------------------------------------------------------------------------------------------ rules

def _by_rules(text: str, site: Site, levels: tuple[str, ...]) -> Iterator[str]:
    """What the rules say differs in the calls that the site's gradient goes through."""
    from mapper import rules
    from mapper.names import read_names
    from mapper.rewriting import differences, recognise
    from mapper.signature import Mismatch

    tree = ast.parse(text)
    names = read_names(tree)
    for call in _calls_before(tree, site):
        api = names.resolve(call.func)
        side = rules.side_of(api) if api else None
        if api is None or side is None:
            continue
        for rule in rules.lookup(api, side):
            if rule.strategy:                      # its remarks are about how a program is written, not about numbers
                continue
            found = recognise(rule, api, call, side)
            for difference in differences(rule, api, None if isinstance(found, Mismatch) else found):
                if difference.level in levels:
                    yield f"line {call.lineno}, {api}: {difference.text}"


def _calls_before(tree: ast.Module, site: Site) -> list[ast.Call]:
    """The calls in the statements that give the names in a site's statement their values, the nearest first.

    Names are followed as names, whatever their scope: a hint may name a call too many."""
    blocks = (ast.ClassDef, ast.If, ast.For, ast.While, ast.With, ast.Try)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and not isinstance(node, blocks)]
    here = [node for node in statements if node.lineno <= site.line <= (node.end_lineno or node.lineno)]
    pending = here[-1:]
    seen: dict[ast.stmt, None] = {}
    while pending:
        statement = pending.pop()
        if statement in seen:
            continue
        seen[statement] = None
        wanted = _named(statement)
        pending += [other for other in statements if other not in seen and wanted & _bound(other)]
    calls = {node for statement in seen for node in ast.walk(statement) if isinstance(node, ast.Call)}
    return sorted(calls, key=lambda call: (abs(call.lineno - site.line), call.col_offset))


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return set[str]().union(*map(_named, statement.targets))
    return _named(statement.target) if isinstance(statement, (ast.AugAssign, ast.AnnAssign)) else set()


def _named(tree: ast.AST) -> set[str]:
    return {node.id if isinstance(node, ast.Name) else node.attr for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute))}
