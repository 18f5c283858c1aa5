"""The map between the gradient sites of a program and of its conversion: made, saved, and found again after a person edited."""
from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mapper.results import Site, SourceError

VERSION = 1


def save_map(path: Path, original: str, converted: str, sites: Sequence[Site]) -> None:
    """Writes the map of sites of two texts as JSON. Raises SourceError when the file cannot be written."""
    from mapper import source

    table = {"version": VERSION, "original": _digest(original), "converted": _digest(converted), "converted_lines": converted.splitlines(),
             "sites": [asdict(site) for site in sites]}
    source.write(path, json.dumps(table, indent=1) + "\n")


def load_map(path: Path, original: str, converted: str) -> tuple[Site, ...]:
    """The sites of a saved map, moved to where an edited converted text has them.

    Raises SourceError when the map is unreadable or belongs to another original."""
    try:
        table = json.loads(path.read_text("utf-8"))
        version, digest, lines = table["version"], table["original"], table["converted_lines"]
        sites = tuple(Site(**{**site, "converted": tuple(site["converted"]) if site["converted"] else None}) for site in table["sites"])
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path}: is not a map of sites ({error}); `mapper verify --save-map` writes one") from None
    if version != VERSION:
        raise SourceError(f"{path}: is a map of version {version}, not {VERSION}; write it anew with --save-map")
    if digest != _digest(original):
        raise SourceError(f"{path}: belongs to another text of the original; convert it again and write the map anew with --save-map")
    return sites if table["converted"] == _digest(converted) else moved(sites, "\n".join(lines), converted)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def moved(sites: Sequence[Site], ours: str, theirs: str) -> tuple[Site, ...]:
    """Sites of the text `ours` where they stand in `theirs`, which a person made from it.

    A call is found again by its own text, by the name that its result gets and the definition around it, or by its place among lines
    that stayed. One that is found nowhere has no counterpart."""
    if ours == theirs:
        return tuple(sites)
    old, new = _calls(ours), _calls(theirs)
    lines = _kept_lines(ours.splitlines(), theirs.splitlines())
    taken: set[tuple[int, int]] = set()
    result = []
    for site in sites:
        place = None if site.converted is None else _found(site.converted, old, new, lines, taken if site.converted in old else set())
        if place is not None:
            taken.add(place)
        result.append(Site(site.id, site.line, site.column, place, site.kind))
    if any(site.converted is None for site in result):
        result = _in_order(result, new)
    shared = {site.converted: moved_site.converted for site, moved_site in zip(sites, result, strict=True) if moved_site.converted}
    return tuple(Site(s.id, s.line, s.column, r.converted or shared.get(s.converted), s.kind) for s, r in zip(sites, result, strict=True))


_GRADIENTS = ("GradOperation", "grad", "value_and_grad", "vjp", "gradients", "hessians")


def _in_order(sites: list[Site], calls: dict[tuple[int, int], tuple[str, ...]]) -> list[Site]:
    """When nothing else is left to tell and the gradient calls are as many as the sites, they correspond in their order."""
    places = sorted(at for at, (_, _, _, function) in calls.items() if function.rpartition(".")[2] in _GRADIENTS)
    if len(places) != len(sites):
        return sites
    order = sorted(range(len(sites)), key=lambda i: (sites[i].line, sites[i].column))
    paired = dict(zip(order, places, strict=True))
    if any(site.converted not in (None, paired[i]) for i, site in enumerate(sites)):
        return sites
    return [Site(site.id, site.line, site.column, paired[i], site.kind) for i, site in enumerate(sites)]


def _found(place: tuple[int, int], old: dict[tuple[int, int], tuple[str, ...]], new: dict[tuple[int, int], tuple[str, ...]],
           lines: dict[int, int], taken: set[tuple[int, int]]) -> tuple[int, int] | None:
    if place not in old:
        return None
    text, target, scope, function = old[place]
    expected = lines.get(place[0], place[0])
    free = {at: key for at, key in new.items() if at not in taken}
    for parts, wanted in ((slice(0, 4), (text, target, scope, function)), (slice(1, 4), (target, scope, function)), (slice(0, 1), (text,)),
                          (slice(2, 4), (scope, function))):
        near = [at for at, key in free.items() if key[parts] == wanted]
        if near:
            return min(near, key=lambda at: (abs(at[0] - expected), abs(at[1] - place[1])))
    return None


def _kept_lines(ours: list[str], theirs: list[str]) -> dict[int, int]:
    """Line numbers of `ours` in `theirs`, for lines that stayed and, roughly, for those between them."""
    result: dict[int, int] = {}
    for _, a0, a1, b0, b1 in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for offset in range(a1 - a0):
            result[a0 + offset + 1] = min(b0 + offset, max(b1 - 1, b0)) + 1
    return result


def _calls(text: str) -> dict[tuple[int, int], tuple[str, ...]]:
    """Every outermost call by its place: its text, the names that its statement binds, the definition it stands in, the function called."""
    result: dict[tuple[int, int], tuple[str, ...]] = {}

    def visit(node: ast.AST, scope: str, target: str) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope, target = f"{scope}.{node.name}", ""
        elif isinstance(node, ast.Assign):
            target = " ".join(ast.unparse(t) for t in node.targets)
        elif isinstance(node, ast.stmt):
            target = type(node).__name__ if isinstance(node, ast.Return) else ""
        elif isinstance(node, ast.Call):
            result.setdefault((node.lineno, node.col_offset + 1), (ast.unparse(node), target, scope, ast.unparse(_function(node))))
        for child in ast.iter_child_nodes(node):
            visit(child, scope, target)

    visit(ast.parse(text), "", "")
    return result


def _function(call: ast.Call) -> ast.expr:
    """What is called first in f(…)(…)(…)."""
    function = call.func
    while isinstance(function, ast.Call):
        function = function.func
    return function


def map_of(original: str, name: str, converted: str) -> tuple[Site, ...]:
    """The sites of the conversion that mapper would make of `original`, where `converted` has them."""
    import mapper

    try:
        conversion = mapper.convert(original, filename=name)
    except SourceError:
        return ()
    return moved(conversion.sites, conversion.code, converted)
