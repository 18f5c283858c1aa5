"""Python's `if` and `while` on tensors, in code that builds the graph: tf.cond and tf.while_loop.

The blocks become functions. What a block changes is what its function returns; a name that a block reads before it
changes it is handed in as a default argument, so that it means the tensor from before.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mapper.staging.to_graph_values import is_tensor

if TYPE_CHECKING:
    from mapper.staging.to_graph_update import Updates


def conditional(owner: Updates, node: ast.If, before: list[ast.stmt], rest: list[ast.stmt]) -> bool:
    """Convert an `if` that a tensor decides; True when the statements after it went into its other branch."""
    owner.graph.expr(node.test)
    if _returns(node.body) and (_returns(node.orelse) or not node.orelse and _returns(rest)):
        _returned(owner, node, before, node.orelse or rest, bool(node.orelse))
        return not node.orelse
    if any(isinstance(n, (ast.Return, ast.Break, ast.Continue)) for s in [*node.body, *node.orelse] for n in ast.walk(s)):
        owner.graph.problem(node, "M307", "a tensor decides here whether the function returns: use tf.cond")
        return False
    _assigned(owner, node, before, rest)
    return False


def test_text(owner: Updates, test: ast.expr) -> str:
    text = owner.graph.text(test)
    logical = isinstance(test, (ast.Compare, ast.BoolOp)) or isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return text if logical else f"tf.cast({text}, tf.bool)"


def _returns(block: Sequence[ast.stmt]) -> bool:
    """Does the block end with its only return?"""
    found = [n for s in block for n in ast.walk(s) if isinstance(n, ast.Return)]
    return bool(block) and len(found) == 1 and found[0] is block[-1] and found[0].value is not None


def _returned(owner: Updates, node: ast.If, before: list[ast.stmt], other: list[ast.stmt], inside: bool) -> None:
    editor = owner.editor
    for block in (node.body, other):
        owner.block(block, before, ())
    first, second = node.body[-1], other[-1]
    if len(node.body) == len(other) == 1 and isinstance(first, ast.Return) and isinstance(second, ast.Return):
        values = first.value, second.value
        assert values[0] is not None and values[1] is not None

        def rendered() -> str:
            assert values[0] is not None and values[1] is not None
            return f"return tf.cond({test_text(owner, node.test)}, lambda: {owner.graph.text(values[0])}, lambda: {owner.graph.text(values[1])})"
    else:
        names = owner.fresh("if_true", before + other), owner.fresh("if_false", before + other)

        def rendered() -> str:
            parts = [_function(owner, name, "", block, None) for name, block in zip(names, (node.body, other))]
            return "\n\n".join([*parts, f"return tf.cond({test_text(owner, node.test)}, {names[0]}, {names[1]})"])
    editor.replace_statements([node] if inside else [node, *other], rendered)


def _assigned(owner: Updates, node: ast.If, before: list[ast.stmt], rest: list[ast.stmt]) -> None:
    names = _targets([*node.body, *node.orelse])
    if names is None:
        owner.graph.problem(node, "M307", "a tensor decides here what is stored: use tf.cond")
        return
    bound = _bound(owner, node, before)
    both = set(_targets(node.body) or ()) & set(_targets(node.orelse) or ())
    used = {n.id for s in rest for n in ast.walk(s) if isinstance(n, ast.Name)}
    kept = [n for n in names if n in bound or n in both]
    if any(n in used and n not in kept for n in names) or not kept:
        owner.graph.problem(node, "M307", "a tensor decides here which names exist: use tf.cond")
        return
    for block in (node.body, node.orelse):
        owner.block(block, before, ())
    values = [_single_value(block, kept) for block in (node.body, node.orelse)]
    if values[0] is not None and (values[1] is not None or not node.orelse):
        first, second = values

        def rendered() -> str:
            assert first is not None
            other = owner.graph.text(second) if second is not None else kept[0]
            return f"{kept[0]} = tf.cond({test_text(owner, node.test)}, lambda: {owner.graph.text(first)}, lambda: {other})"
    else:
        functions = owner.fresh("if_true", before + rest), owner.fresh("if_false", before + rest)

        def rendered() -> str:
            parts = []
            for name, block in zip(functions, (node.body, node.orelse)):
                handed = [n for n in _targets(block) or [] if n in bound]
                parts.append(_function(owner, name, ", ".join(f"{n}={n}" for n in handed), block, kept))
            return "\n\n".join([*parts, f"{', '.join(kept)} = tf.cond({test_text(owner, node.test)}, {functions[0]}, {functions[1]})"])
    owner.editor.replace_statements([node], rendered)


def loop(owner: Updates, node: ast.While, before: list[ast.stmt], rest: list[ast.stmt]) -> None:
    """A `while` that a tensor decides."""
    names = _targets(node.body)
    broken = any(isinstance(n, (ast.Return, ast.Break, ast.Continue)) for s in node.body for n in ast.walk(s))
    if names is None or broken or node.orelse:
        owner.graph.problem(node, "M307", "a tensor decides here how often the loop runs: use tf.while_loop")
        return
    owner.graph.expr(node.test)
    owner.block(node.body, before, ())
    bound = _bound(owner, node, before)
    carried = [n for n in names if n in bound]
    functions = owner.fresh("unfinished", before + rest), owner.fresh("step", before + rest)

    def rendered() -> str:
        listed = ", ".join(carried)
        body = _function(owner, functions[1], listed, node.body, carried)
        return (f"def {functions[0]}({listed}):\n    return {test_text(owner, node.test)}\n\n{body}\n\n"
                f"{listed} = tf.while_loop({functions[0]}, {functions[1]}, [{listed}])")

    owner.editor.replace_statements([node], rendered)


def _function(owner: Updates, name: str, parameters: str, block: Sequence[ast.stmt], results: list[str] | None) -> str:
    """A block as a function that returns `results` (its own return, when there are none)."""
    lines = [owner.editor.block([s], "    ") for s in block if s not in owner.graph.deleted]
    if results is not None:
        lines.append(f"return {', '.join(results)}")
    return f"def {name}({parameters}):\n" + "\n".join("    " + line for line in lines)


def _targets(block: Sequence[ast.stmt]) -> list[str] | None:
    """The names that a block assigns, in order; None when it stores something else."""
    found: list[str] = []
    for statement in block:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
                return None
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in found:
                found.append(node.id)
    return found


def _bound(owner: Updates, node: ast.stmt, before: list[ast.stmt]) -> set[str]:
    info = owner.roles.function_of(node)
    parameters = {a.arg for a in ast.walk(info.node.args) if isinstance(a, ast.arg)} if info is not None else set()
    return parameters | {n.id for s in before for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _single_value(block: Sequence[ast.stmt], kept: list[str]) -> ast.expr | None:
    """The value of `name = value`, when that is all a block does."""
    if len(block) == 1 and isinstance(block[0], ast.Assign) and len(kept) == 1:
        target = block[0].targets[0]
        if isinstance(target, ast.Name) and target.id == kept[0] and len(block[0].targets) == 1:
            return block[0].value
    return None


__all__ = ["conditional", "is_tensor", "loop"]
