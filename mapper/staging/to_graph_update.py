"""Bodies of graph-building functions: statement order where variables change.

Python runs an update where it stands; a graph runs it when something depends on it. After an optimizer call or an
assignment the rest of the body stands under `tf.control_dependencies([update])`, the update itself waits for the
tensors computed before it that are still used, and what is returned from before is handed on with `tf.identity`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mapper.staging import to_graph_branches as branches
from mapper.staging.to_graph_emit import Emitter
from mapper.staging.to_graph_values import Layer, Module, Seq, Tensor, Update, alternatives, has_tensor, is_tensor

if TYPE_CHECKING:
    from mapper.staging.to_graph_host import HostEmitter

_DEPENDS = ("ops.depend", "ops.Depend")


class Updates:
    """Emits the bodies of functions that build graph."""

    def __init__(self, emitter: Emitter, host: HostEmitter) -> None:
        self.graph = emitter
        self.host = host
        self.editor = emitter.editor
        self.program = emitter.program
        self.roles = emitter.roles

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.block(node.body, [], node.body)

    def block(self, body: Sequence[ast.stmt], before: list[ast.stmt], whole: Sequence[ast.stmt]) -> None:
        """The statements of a block; `before` ran earlier in the function."""
        for i, statement in enumerate(body):
            update = self.update_of(statement)
            if update is not None and self.roles.makes(self.roles.function_of(statement)):
                self.at_once(statement, update)
                continue
            if update is not None and statement not in self.graph.deleted:
                self.sequence(statement, update, [*before, *body[:i]], list(body[i + 1:]))
                return
            if isinstance(statement, ast.If) and is_tensor(self.program.kind(statement.test)):
                if branches.conditional(self, statement, [*before, *body[:i]], list(body[i + 1:])):
                    return
                self.graph.flush(statement)
                continue
            if isinstance(statement, ast.While) and is_tensor(self.program.kind(statement.test)):
                branches.loop(self, statement, [*before, *body[:i]], list(body[i + 1:]))
                continue
            if self.named_update(statement, [*before, *body[:i]], body[i + 1:]):
                continue
            self.statement(statement, [*before, *body[:i]])

    def statement(self, node: ast.stmt, before: list[ast.stmt]) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.host.statement(node)
            return
        if isinstance(node, ast.Expr) and self.host.dropped(node):
            self.graph.delete(node)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return
        self.header(node)
        for name in ("body", "orelse", "finalbody"):
            self.block(getattr(node, name, ()), before, ())
        for handler in getattr(node, "handlers", ()):
            self.block(handler.body, before, ())
        self.graph.flush(node)

    def header(self, node: ast.stmt) -> None:
        """The expressions of a statement itself."""
        if isinstance(node, ast.For) and is_tensor(self.program.kind(node.iter)):
            self.graph.expr(node.iter)
            self.editor.replace(node.iter, lambda: f"tf.unstack({self.graph.text(node.iter)})")
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.graph.expr(child)
            elif isinstance(child, ast.withitem):
                self.graph.expr(child.context_expr)

    # ---- updates -------------------------------------------------------------------------------------------
    def update_of(self, node: ast.stmt) -> ast.expr | None:
        """The call (or the target of an assignment) in this statement that changes variables, when something must wait for it."""
        if self.roles.stores_parameter(node):
            assert isinstance(node, (ast.Assign, ast.AugAssign))
            return node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self.roles.updates(node.value):
            called = self.roles.callees(node.value)
            runs_itself = called and not self.roles.is_update(node.value) and all(info.hosts and not info.builds for info in called)
            return None if runs_itself else node.value
        if isinstance(node, (ast.Return, ast.Assign)) and isinstance(node.value, ast.Call) and self.is_depend(
                node.value) and len(node.value.args) == 2:
            return node.value
        return None

    def at_once(self, node: ast.stmt, update: ast.expr) -> None:
        """A factory gives a variable a value: it has it when the factory returns."""
        stored = self.graph.stored_parameter(node) if self.roles.stores_parameter(node) else None
        if stored is None:
            self.graph.expr(update)
        if node not in self.graph.problems:
            name = self.graph.use("evaluate")
            self.editor.replace_statement(node, lambda: f"{name}({stored() if stored is not None else self.graph.text(update)})")
        self.graph.flush(node)

    def named_update(self, node: ast.stmt, before: list[ast.stmt], rest: Sequence[ast.stmt]) -> bool:
        """`done = optimizer(grads)`, which waits for the tensors computed before it that are still used. False for other statements."""
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not self.roles.updates(node.value):
            return False
        held = self.alive(before, rest)
        if not held or node in self.graph.deleted:
            return False
        value, targets = node.value, " = ".join(self.editor.original(t) for t in node.targets)
        waits = self.dependencies(held)
        self.graph.expr(value)
        if node not in self.graph.problems:
            self.editor.replace_statement(node, lambda: f"with tf.control_dependencies({waits}):\n    {targets} = {self.graph.text(value)}")
        self.graph.flush(node)
        return True

    def is_depend(self, node: ast.Call) -> bool:
        return any(isinstance(o, Module) and o.name in _DEPENDS or isinstance(o, Layer) and o.name in _DEPENDS
                   for o in alternatives(self.program.callees.get(node)))

    def sequence(self, node: ast.stmt, call: ast.expr, before: list[ast.stmt], rest: list[ast.stmt]) -> None:
        """One update: what waits for it, and what it waits for."""
        depends = isinstance(call, ast.Call) and self.is_depend(call)
        operation: ast.expr = call.args[1] if depends and isinstance(call, ast.Call) else call
        value: ast.expr | None = call.args[0] if depends and isinstance(call, ast.Call) else None
        stored = self.graph.stored_parameter(node) if self.roles.stores_parameter(node) else None
        if stored is None:
            self.graph.expr(operation)
        if node in self.graph.problems:
            # a marked statement is the reader's: it stays one statement, so that the marker stands above it
            self.graph.flush(node)
            self.block(rest, [*before, node], ())
            return
        if value is not None:
            self.graph.expr(value)
            self.graph.done(call.func if isinstance(call, ast.Call) else None)
        held = self.alive(before, [*rest, *([value] if value is not None else [])])
        name = self.fresh("update", before + rest)
        made = isinstance(operation, ast.Name) and stored is None
        lines: list[str] = []
        if not made:
            lines = [f"{name} = {{operation}}"]
            if held:
                lines = [f"with tf.control_dependencies({self.dependencies(held)}):", f"    {lines[0]}"]
        else:
            name = self.editor.original(operation)
        tail = self.tail(node, value, rest, name)
        if not tail and not rest:
            tail = [f"return {name}"] if self.returns_nothing(node) else []
        for later in rest:
            self.rest_statement(later, {n for n in held})

        def rendered() -> str:
            said = stored() if stored is not None else self.graph.text(operation)
            parts = ["\n".join(lines).replace("{operation}", said)] if lines else []
            inner = [line.replace("{value}", self.graph.text(value) if value is not None else "") for line in tail]
            if rest and not inner and all(s in self.graph.deleted for s in rest):
                parts.append(f"return {name}")
            elif rest or inner and inner != [f"return {name}"]:
                several = said.startswith("[") and " for " in said
                parts.append(f"with tf.control_dependencies({name if several else f'[{name}]'}):")
                parts += [f"    {line}" for line in inner]
            else:
                parts += inner
            return "\n".join(parts)

        self.editor.replace_statement(node, rendered)
        self.graph.flush(node)
        if rest:
            self.block(rest, [*before, node], ())
            self.editor.indent_block(rest)

    def rest_statement(self, node: ast.stmt, held: set[str]) -> None:
        """In what follows an update, a tensor from before it is handed on when it is returned."""
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for part in parts:
                kind = self.program.kind(part)
                if isinstance(part, ast.Name) and part.id in held and has_tensor(kind):
                    self.hand_on(part)

    def hand_on(self, part: ast.Name) -> None:
        if isinstance(self.program.kind(part), Tensor):
            self.editor.replace(part, f"tf.identity({part.id})")
        else:
            name = self.graph.use("identity")
            self.editor.replace(part, f"{name}({part.id})")

    def tail(self, node: ast.stmt, value: ast.expr | None, rest: list[ast.stmt], name: str) -> list[str]:
        """What the statement itself still does under the dependency on the update."""
        if value is None:
            return []
        handed = "tf.identity({value})"
        if not isinstance(self.program.kind(value), Tensor):
            handed = f"{self.graph.use('identity')}({{value}})"
        if isinstance(node, ast.Return):
            return [f"return {handed}"]
        assert isinstance(node, ast.Assign)
        targets = " = ".join(self.editor.original(t) for t in node.targets)
        return [f"{targets} = {handed}"]

    def returns_nothing(self, node: ast.stmt) -> bool:
        """The update is the last thing its function does: it gives the update operation."""
        parent = self.editor.parent(node)
        return isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and parent.body[-1] is node

    def alive(self, before: list[ast.stmt], after: Sequence[ast.AST]) -> list[str]:
        """Names of tensors computed earlier in the function that are used later."""
        used = {n.id for part in after for n in ast.walk(part) if isinstance(n, ast.Name)
                and isinstance(n.ctx, ast.Load)}
        found: list[str] = []
        for statement in before:
            for n in ast.walk(statement):
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id in used and n.id not in found and any(
                        isinstance(o, (Tensor, Seq)) and has_tensor(o) for o in alternatives(self.program.kind(n))):
                    found.append(n.id)
        self.kinds = {n.id: self.program.kind(n) for s in before for n in ast.walk(s)
                      if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return found

    def dependencies(self, held: list[str]) -> str:
        parts = [h if not isinstance(self.kinds.get(h), Seq) else f"*{h}" for h in held]
        return f"[{', '.join(parts)}]"

    def fresh(self, name: str, statements: Sequence[ast.stmt]) -> str:
        taken = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
        while name in taken:
            name += "_"
        return name


__all__ = ["Update", "Updates"]
