"""The rule base: what of TensorFlow is what of MindSpore, read from `rules/*.toml`.

A rule has two sides, each a list of forms (see mapper.signature); the first form that can say a call is written, all are
recognised. Rules are data: one file per family, and nothing is registered anywhere else.

    [expand_dims]
    tf = ["tf.expand_dims(input: x, axis=None, name: _ = None)"]
    ms = ["ops.expand_dims(input_x: x, axis)", "ops.ExpandDims()(x, axis)"]
    example = [{ code = "tf.expand_dims(a, 1)", given = { a = "float32[2, 3]" } }]

A form may be a table: `with` fixes values that it leaves unsaid, `when` is a condition on the values, `since` and `until` name the
versions that have it. `for` makes
a family: its rules differ in the words that stand in braces, and are called what `id` says or what they are listed under. A rule
that goes one way says why; what has no counterpart says what to do instead; a `strategy` names the part of the converter that
does what no single call can say."""
from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mapper.signature import ROOTS, Form, Mismatch, SignatureError, parse_form

Side = Literal["tf", "ms"]
SIDES: tuple[Side, Side] = ("tf", "ms")
STRATEGIES = {
    "gradients": "the function between xs and ys is found first, and becomes the argument of the gradient operation",
    "variables": "a variable of the graph becomes a parameter that the program holds, and the other way round",
    "session": "what run fetches is computed where it is asked for",
    "functions": "a tensor that waits to be fed becomes an argument of a function",
    "cells": "a cell is a Python class whose construct builds the graph",
    "control": "the branches and the body become Python functions that are called where they are needed",
    "optimizers": "the optimizer's step becomes an assignment of gradients to variables, or takes the gradients as an argument",
    "layers": "the layer keeps its weights itself, so that it is made once and then called",
    "initializers": "the initial value is written where the variable is made",
    "furniture": "it says how the program runs and nothing about its numbers, and is left out",
    "values": "the value behind a tensor is computed where it is asked for",
}
RESERVED = {"aliases.toml", "coverage.toml", "programs.toml"}


class RuleError(ValueError):
    """A rule that cannot be used; the message says file, rule and why."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One form of one side. `fixed` holds the values that the form leaves unsaid."""

    text: str
    fixed: Mapping[str, ast.expr] = field(default_factory=dict)
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    when: str = ""
    """A condition on the values: the form is for calls of which it is surely true."""

    @property
    def form(self) -> Form:
        return parse_form(self.text)

    @property
    def values(self) -> frozenset[str]:
        return self.form.values() | frozenset(self.fixed)

    def there(self, version: tuple[int, ...] | None) -> bool:
        """Whether a version has it; None is the newest."""
        if version is None:
            return not self.until
        return self.since <= version and (not self.until or version < self.until)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs although the names match: when (a condition on the call's values), for which API, and the pairs measured."""

    text: str
    when: str = ""
    api: str = ""
    level: Literal["warning", "note"] = "warning"
    measured: tuple[str, ...] = ()
    defect: bool = False
    """Whether it is MindSpore that is wrong, also for those who stay with it."""
    stays: bool = False
    """Whether a converted TensorFlow program meets it too: elsewhere the converter writes what agrees."""


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code and what it is given. Either side may be left out where the rule itself gives it."""

    tf: str = ""
    ms: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    gradient: bool = True
    dtype: bool = True
    defaults: bool = True
    """Whether the defaults are proven too: not where they make the call random."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the two sides of one mapping are, and what is known about it."""

    id: str
    file: str
    tf: tuple[Spelling, ...] = ()
    ms: tuple[Spelling, ...] = ()
    note: str = ""
    differences: tuple[Difference, ...] = ()
    examples: tuple[Example, ...] = ()
    strategy: str = ""
    one_way: Side | Literal[""] = ""
    why: str = ""
    by_hand: str = ""
    instead: str = ""

    def side(self, side: Side) -> tuple[Spelling, ...]:
        return self.tf if side == "tf" else self.ms

    @property
    def maps(self) -> bool:
        """Whether both frameworks have it."""
        return bool(self.tf and self.ms)

    @property
    def rewrites(self) -> bool:
        """Whether one call becomes another by this rule alone."""
        return self.maps and not self.strategy and not self.by_hand

    def goes(self, to: Side) -> bool:
        return self.maps and self.one_way in ("", to)


# ---- reading ---------------------------------------------------------------------------------------------------
_KEYS = {"tf", "ms", "note", "difference", "example", "strategy", "one_way", "why", "by_hand", "instead", "for"}
_FORM_KEYS = {"form", "with", "since", "until", "when"}
_DIFFERENCE_KEYS = {"text", "when", "api", "level", "measured", "defect", "stays"}
_EXAMPLE_KEYS = {"tf", "ms", "given", "gradient", "dtype", "defaults"}


def folder() -> Path:
    """Where the rules lie: inside an installed package, beside it in a checkout."""
    inside = Path(__file__).resolve().parent / "rules_data"
    return inside if inside.is_dir() else inside.parent.parent / "rules"


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the files and of the lines in them. Raises RuleError."""
    return read(folder())


def read(where: Path) -> tuple[Rule, ...]:
    found: dict[str, Rule] = {}
    for path in sorted(where.glob("*.toml")):
        if path.name in RESERVED:
            continue
        for rule in read_file(path):
            if rule.id in found:
                raise RuleError(f"{path.name}: {rule.id}: {found[rule.id].file} has a rule of this name")
            found[rule.id] = rule
    return tuple(found.values())


def read_file(path: Path) -> Iterator[Rule]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{path.name}: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise RuleError(f"{path.name}: {name}: a rule is a table")
        for identity, member in _members(path.name, name, table):
            yield _rule(path.name, identity, member)


def _members(file: str, name: str, table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rule itself, or the rules of a family, with the words of each in the places of their names in braces."""
    if "for" not in table:
        yield name, table
        return
    common = {key: value for key, value in table.items() if key not in ("for", "id")}
    for key, value in table["for"].items():
        given = value if isinstance(value, dict) else {"to": value}
        words = {"name": key, **{k: v for k, v in given.items() if isinstance(v, str)}}
        own = {k: v for k, v in given.items() if k in _KEYS}
        try:
            yield _filled(table.get("id", "{name}"), words).replace(".", "_"), _filled({**common, **own}, words)
        except KeyError as error:
            raise RuleError(f"{file}: {name}: {key} says no {error}") from None


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda m: words[m.group(1)], value)
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, words) for key, item in value.items()}
    return value


def _rule(file: str, name: str, table: Mapping[str, Any]) -> Rule:
    place = f"{file}: {name}"
    _known(place, table, _KEYS)
    differences = tuple(_difference(place, d) for d in _listed(table.get("difference", ())))
    examples = tuple(_example(place, e) for e in _listed(table.get("example", ())))
    rule = Rule(name, file, _spellings(place, table.get("tf", ())), _spellings(place, table.get("ms", ())), table.get("note", ""), differences, examples,
                table.get("strategy", ""), table.get("one_way", ""), table.get("why", ""), table.get("by_hand", ""), table.get("instead", ""))
    if rule.strategy and rule.strategy not in STRATEGIES:
        raise RuleError(f"{place}: there is no strategy {rule.strategy!r}")
    if rule.one_way not in ("", "tf", "ms"):
        raise RuleError(f"{place}: one_way is the side that it goes to, tf or ms")
    if bool(rule.one_way) != bool(rule.why):
        raise RuleError(f"{place}: a rule that goes one way says why")
    if rule.maps and rule.instead or not rule.maps and not rule.instead:
        raise RuleError(f"{place}: either both sides have forms, or `instead` says what to do")
    return rule


def _known(place: str, table: Mapping[str, Any], keys: set[str]) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise RuleError(f"{place}: unknown key {unknown[0]!r}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, (str, dict)) else list(value)


def _spellings(place: str, value: Any) -> tuple[Spelling, ...]:
    found = []
    for item in _listed(value):
        if isinstance(item, str):
            found.append(Spelling(item))
            continue
        _known(place, item, _FORM_KEYS)
        fixed = {name: ast.parse(repr(given) if not isinstance(given, str) else given, mode="eval").body for name, given in item.get("with", {}).items()}
        found.append(Spelling(item["form"], fixed, version(item.get("since", "")), version(item.get("until", "")),
                              item.get("when", "")))
    return tuple(found)


def _difference(place: str, item: Any) -> Difference:
    if isinstance(item, str):
        return Difference(item)
    _known(place, item, _DIFFERENCE_KEYS)
    return Difference(item["text"], item.get("when", ""), item.get("api", ""), item.get("level", "warning"), tuple(item.get("measured", ())),
                      item.get("defect", False), item.get("stays", False))


def _example(place: str, item: Any) -> Example:
    _known(place, item, _EXAMPLE_KEYS)
    return Example(item.get("tf", ""), item.get("ms", ""), item.get("given", {}), item.get("gradient", True), item.get("dtype", True),
                   item.get("defaults", True))


def version(text: str) -> tuple[int, ...]:
    """`2.10` as (2, 10)."""
    return tuple(int(part) for part in text.split(".")) if text else ()


# ---- checking --------------------------------------------------------------------------------------------------
def problems(base: tuple[Rule, ...]) -> list[str]:
    """What is wrong with a rule base that could be read: forms that do not parse, values of one side only, forms that two rules have."""
    from mapper.rewriting import TRANSFORMS

    found: list[str] = []
    seen: dict[tuple[Side, str, str], Rule] = {}
    for rule in base:
        place = f"{rule.file}: {rule.id}"
        try:
            found += [f"{place}: {problem}" for problem in _own_problems(rule, TRANSFORMS)]
        except SignatureError as error:
            found.append(f"{place}: {error}")
            continue
        for side in SIDES:
            if not rule.rewrites or not rule.goes("ms" if side == "tf" else "tf"):
                continue
            for spelling in rule.side(side):
                key = side, " ".join(spelling.text.split()), repr({k: ast.unparse(v) for k, v in spelling.fixed.items()})
                other = seen.setdefault(key, rule)
                if other is not rule:
                    found.append(f"{place}: {spelling.text} is a form of {other.id} too")
    return found


def _own_problems(rule: Rule, transforms: Mapping[str, object]) -> Iterator[str]:
    every: dict[Side, set[str]] = {"tf": set(), "ms": set()}
    for side in SIDES:
        for spelling in rule.side(side):
            form = spelling.form
            root = (form.key or "").split(".")[0]
            if form.api is not None and (root == "tf") != (side == "tf"):
                yield f"{spelling.text} stands on the wrong side"
            for parameter in form.parameters:
                if isinstance(parameter.value, ast.Call) and isinstance(parameter.value.func, ast.Name) and parameter.value.func.id not in transforms:
                    yield f"there is no transform {parameter.value.func.id!r}"
                if parameter.dropped and parameter.default is None and parameter.kind != "rest":
                    yield f"{parameter.name} of {spelling.text} is dropped but has no default"
            every[side] |= spelling.values
    keys = {key_of(spelling.text) for side in SIDES for spelling in rule.side(side)}
    for difference in rule.differences:
        if difference.api and canonical(difference.api) not in keys:
            yield f"a difference is about {difference.api}, which is none of its forms"
    if not rule.rewrites:
        return
    for side in SIDES:
        for spelling in rule.side(side):
            missing = sorted((every["tf"] | every["ms"]) - spelling.values)
            if missing:
                yield f"value {missing[0]!r} occurs on one side only: {spelling.text} does not say it"


# ---- looking up ------------------------------------------------------------------------------------------------
def side_of(api: str) -> Side | None:
    """The framework that an API's canonical name belongs to."""
    root = api.split(".")[0]
    return "tf" if root in ("tf", "tfp") else "ms" if root in ROOTS and root not in ("np", "math", "contrib") else None


@cache
def aliases() -> Mapping[str, str]:
    """Other names of the same API, each with the name that its rule has."""
    table = tomllib.loads((folder() / "aliases.toml").read_text(encoding="utf-8"))
    return {**table["tf"], **table["ms"]}


def canonical(api: str) -> str:
    """The name that rules know an API by."""
    for prefix in ("tf.compat.v1.", "tf.compat.v2."):
        if api.startswith(prefix):
            api = "tf." + api.removeprefix(prefix)
    for prefix in ("ms.Tensor.", "tf.Tensor."):
        if api.startswith(prefix):
            return "." + api.removeprefix(prefix)
    return aliases().get(api, api)


def key_of(text: str) -> str:
    """A form's key, read off its text where that is enough."""
    match = re.match(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", text)
    if match and match.group().split(".")[0] in ROOTS and re.match(r"[(\s]|$", text[match.end():]):
        return canonical(match.group())
    return canonical(parse_form(text).key or text)


@cache
def _index() -> Mapping[tuple[Side, str], tuple[Rule, ...]]:
    found: dict[tuple[Side, str], list[Rule]] = {}
    for rule in rules():
        for side in SIDES:
            for key in dict.fromkeys(key_of(spelling.text) for spelling in rule.side(side)):
                found.setdefault((side, key), []).append(rule)
    return {key: tuple(value) for key, value in found.items()}


def lookup(api: str, side: Side | None = None) -> tuple[Rule, ...]:
    """The rules that speak of an API (`tf.reduce_sum`), a method (`.get_shape.as_list`) or an operator (`operator.Div`)."""
    name = canonical(api)
    sides = (side,) if side else SIDES
    return tuple(rule for s in sides for rule in _index().get((s, name), ()))


def rewrite_call(api: str, call: ast.expr, to: Side, text: Callable[[ast.expr], str], **options: Any) -> str | Mismatch:
    """The text of a call, a name or a method in the other framework, or why no rule gives it; see mapper.rewriting."""
    from mapper.rewriting import rewrite

    source: Side = "tf" if to == "ms" else "ms"
    found = lookup(api, source)
    if not found:
        return Mismatch(f"no rule speaks of {api}")
    return rewrite(found, api, call, to, text, **options)


# ---- the command -----------------------------------------------------------------------------------------------
def list_rules() -> str:
    """One line per rule: its name, both APIs, and what kind of rule it is."""
    lines = []
    for rule in rules():
        ends = [", ".join(dict.fromkeys(key_of(s.text) for s in rule.side(side))) for side in SIDES]
        arrow = "<->" if rule.maps and not rule.one_way else "-->" if rule.one_way == "ms" else "<--" if rule.one_way == "tf" else "  x"
        kind = f"  ({rule.strategy})" if rule.strategy else "  (by hand)" if rule.by_hand else "  (no counterpart)" if rule.instead else ""
        lines.append(f"{rule.id:<34} {ends[0] or '-':<48} {arrow} {ends[1] or '-'}{kind}")
    return "\n".join([*lines, f"{len(lines)} rules", ""])


def show(api: str) -> str | None:
    """The mapping page of an API or of a rule, or None when no rule speaks of it."""
    from mapper.rule_pages import page

    found = lookup(api) or tuple(rule for rule in rules() if rule.id == api)
    return "\n".join(page(rule) for rule in found) if found else None


def documents() -> dict[str, str]:
    """The mapping pages of all rules as Markdown documents, by file name."""
    from mapper.rule_pages import documents

    return documents(rules())


def self_test(backend: str = "numpy") -> tuple[str, bool]:
    """Proves every example of every rule on the bundled runtime or on the real frameworks: the report, and whether all is well."""
    from mapper.rule_proof import native_python, prove

    return prove(rules(), native_python() if backend == "native" else None)
