"""Mapping pages: what one rule says, as Markdown that also reads well in a terminal."""
from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from mapper.rewriting import convert
from mapper.rules import SIDES, STRATEGIES, Difference, Example, Rule, Side, Spelling, key_of
from mapper.signature import Attr, CallStep, Form, Parameter

FRAMEWORKS = {"tf": "TensorFlow", "ms": "MindSpore"}


def page(rule: Rule) -> str:
    """The page of one rule: signatures, how the arguments correspond, what differs, examples, and what to do by hand."""
    return "\n".join([f"## {rule.id}", "", *_head(rule), *_signatures(rule), *_arguments(rule), *_differences(rule), *_examples(rule)])


def documents(rules: Sequence[Rule]) -> dict[str, str]:
    """All pages, one Markdown document for each file of rules, and an index; by file name."""
    files = dict.fromkeys(rule.file for rule in rules)
    made = {f"{Path(file).stem}.md": _document(file, [rule for rule in rules if rule.file == file]) for file in files}
    lines = ["# The mapping rules", "", "Written by `mapper rules pages docs/rules` from `rules/*.toml`; do not edit.", "", "| family | rules |", "|---|---|"]
    lines += [f"| [{name.removesuffix('.md')}]({name}) | {sum(rule.file == file for rule in rules)} |" for name, file in zip(made, files, strict=True)]
    return {"index.md": "\n".join([*lines, ""]), **made}


def _document(file: str, rules: Sequence[Rule]) -> str:
    return "\n".join([f"# {Path(file).stem}", "", *(page(rule) for rule in rules)])


# ---- the parts of a page -------------------------------------------------------------------------------------------
def _head(rule: Rule) -> Iterator[str]:
    ends = [", ".join(f"`{key}`" for key in dict.fromkeys(key_of(s.text) for s in rule.side(side))) for side in SIDES]
    if rule.maps:
        arrow = {"": "and", "ms": "to", "tf": "from"}[rule.one_way]
        yield f"{ends[0]} {arrow} {ends[1]}"
    else:
        yield f"{ends[0] or ends[1]}, which has no counterpart of its own"
    if rule.why:
        yield f"The other way is not gone: {rule.why}."
    for label, text in (("Instead", rule.instead), ("By hand", rule.by_hand), ("Note", rule.note)):
        if text:
            yield f"\n{label}: {' '.join(text.split())}."
    if rule.strategy:
        yield f"\n`mapper convert` does it ({rule.strategy}): {STRATEGIES[rule.strategy]}."
    yield ""


def _signatures(rule: Rule) -> Iterator[str]:
    if any(s.form.template is None and s.form.steps for side in SIDES for s in rule.side(side)):
        yield "```python"
        for side in SIDES:
            for i, spelling in enumerate(s for s in rule.side(side) if s.form.steps or s.form.template is not None):
                yield f"{_shown(spelling.form):<72} # {FRAMEWORKS[side] if i == 0 else 'also'}{_versions(spelling)}".rstrip()
        yield "```"
        yield ""


def _versions(spelling: Spelling) -> str:
    since = f" from {'.'.join(map(str, spelling.since))}" if spelling.since else ""
    return since + (f" until {'.'.join(map(str, spelling.until))}" if spelling.until else "")


def _shown(form: Form) -> str:
    """A form as a signature of its framework, without the rule's own names."""
    if form.template is not None:
        return form.text
    text = form.api or form.subject or ""
    for step in form.steps:
        text += f".{step.name}" if isinstance(step, Attr) else _shown_call(step) if isinstance(step, CallStep) else f"[{ast.unparse(step.value)}]"
    return text


def _shown_call(step: CallStep) -> str:
    pieces: list[str] = []
    kinds = [p.kind for p in step.parameters]
    for i, parameter in enumerate(step.parameters):
        if parameter.kind == "keyword" and "rest" not in kinds[:i] and kinds.index("keyword") == i:
            pieces.append("*")
        pieces.append(_shown_parameter(parameter))
        if parameter.kind == "positional" and (i + 1 == len(kinds) or kinds[i + 1] != "positional"):
            pieces.append("/")
    return f"({', '.join(pieces)})"


def _shown_parameter(parameter: Parameter) -> str:
    star = "*" if parameter.kind == "rest" else ""
    if parameter.fixed and parameter.default is None:
        return f"{parameter.name}={ast.unparse(parameter.value)}"
    return f"{star}{parameter.name}" + (f"={ast.unparse(parameter.default)}" if parameter.default is not None else "")


def _arguments(rule: Rule) -> Iterator[str]:
    """The table of arguments of the two forms that are written."""
    if not rule.rewrites or not all(rule.side(side)[0].form.template is None for side in SIDES):
        return
    cells = {side: dict(_cells(rule.side(side)[0].form)) for side in SIDES}
    names = dict.fromkeys([*cells["tf"], *cells["ms"]])
    if not names:
        return
    yield "| TensorFlow | MindSpore |"
    yield "|---|---|"
    fixed = {name: ast.unparse(value) for name, value in rule.ms[0].fixed.items()}
    for name in names:
        left, right = cells["tf"].get(name, ""), cells["ms"].get(name, "")
        if name.startswith("_"):
            right = right or "left out"
        elif not right and name in fixed:
            right = f"always `{fixed[name]}`; other values in another form" if len(rule.ms) > 1 else f"only `{fixed[name]}`"
        yield f"| {left or 'left out'} | {right} |"
    yield ""


def _cells(form: Form) -> Iterator[tuple[str, str]]:
    if form.subject is not None:
        yield form.subject, f"`{form.subject}`"
    for parameter in form.parameters:
        default = f" = `{ast.unparse(parameter.default)}`" if parameter.default is not None else ""
        if parameter.dropped:
            yield f"_{parameter.name}", f"`{parameter.name}`{default}"
        elif parameter.fixed:
            yield f"_{parameter.name}", f"`{parameter.name}`, `{ast.unparse(parameter.value)}` only"
        elif isinstance(parameter.value, ast.Call) and isinstance(parameter.value.args[0], ast.Name):
            yield parameter.value.args[0].id, f"`{parameter.name}`{default} ({ast.unparse(parameter.value)})"
        else:
            yield ast.unparse(parameter.value), f"`{parameter.name}`{default}"


def _differences(rule: Rule) -> Iterator[str]:
    if rule.differences:
        yield "What differs:"
        yield ""
        for difference in rule.differences:
            yield f"- {_difference(difference)}"
        yield ""


def _difference(difference: Difference) -> str:
    where = f"`{difference.api}`: " if difference.api else ""
    when = f" When: `{difference.when}`." if difference.when else ""
    measured = f" Measured: {', '.join(difference.measured)}." if difference.measured else ""
    return f"{where}{difference.text}.{when}{measured}"


def _examples(rule: Rule) -> Iterator[str]:
    for example in rule.examples:
        yield "```python"
        for name, text in example.given.items():
            yield f"# {name}: {text}"
        for side, code in zip(SIDES, _both(rule, example), strict=True):
            for i, line in enumerate(code.splitlines()):
                yield f"{line:<72} # {FRAMEWORKS[side]}" if i == 0 else line
        yield "```"
        yield ""


def _both(rule: Rule, example: Example) -> tuple[str, str]:
    """The two sides of an example; what is not written follows from the rule."""
    def other(code: str, to: Side) -> str:
        return convert(ast.parse(code, mode="eval").body, to)

    return example.tf or other(example.ms, "tf"), example.ms or other(example.tf, "ms")
