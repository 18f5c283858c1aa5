"""Runs of the session in the direct form: the values themselves, or calls of the functions that they have become."""
from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapper.edit import walk
from mapper.staging.direct import Graph, NotDirect, Step

if TYPE_CHECKING:
    from mapper.staging.direct_emit import _Writer

Feed = dict[Step, str]


@dataclass(eq=False)
class Run:
    """One call of run or eval: what is fetched, and the texts of what is fed."""

    call: ast.Call
    fetch: ast.expr
    feed: Feed = field(default_factory=dict)


class Runs:
    """The runs of a program."""

    def __init__(self, graph: Graph, writer: _Writer) -> None:
        self.graph, self.writer, self.editor, self.program = graph, writer, graph.editor, graph.program
        self.found: list[Run] = []
        self.fetched_steps: set[Step] = set()
        self.feeds: dict[tuple[ast.AST, str], list[ast.Assign]] = {}
        self.names: dict[tuple[ast.AST, Step], str] = {}
        self.loads: list[ast.Call] = []
        self.options: dict[Step, list[ast.expr]] = {}
        self.offered: dict[ast.expr, Step] = {}

    def find(self) -> None:
        """The runs of the session and the evals of tensors, with what they fetch and feed. Raises NotDirect."""
        graph = self.graph
        for node in walk(graph.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if graph.is_run(node):
                given = dict(zip(("fetches", "feed_dict"), node.args))
                given.update({str(k.arg): k.value for k in node.keywords})
                if set(given) - {"fetches", "feed_dict"} or "fetches" not in given:
                    raise NotDirect("the arguments of a run")
                if not self.writer.is_initializer(given["fetches"]):
                    self.choices(given["fetches"])
                    self.found.append(Run(node, given["fetches"], self.feed(node, given.get("feed_dict"))))
            elif node.func.attr in ("eval", "run") and (step := graph.find(owner) or self.choices(owner)) is not None \
                    and step.kind in ("tensor", "variable", "gradient", "action", "choice"):
                given = {str(k.arg): k.value for k in node.keywords}
                given.update(zip(("feed_dict", "session"), node.args))
                if node.args and graph.is_session(node.args[0]):
                    raise NotDirect("the arguments of eval")
                self.found.append(Run(node, owner, self.feed(node, given.get("feed_dict"))))
            elif node.func.attr == "load" and ((step := graph.find(owner)) is not None and step.kind == "variable" or self.each_variable(owner)):
                self.loads.append(node)
                graph.changes = True
        for run in self.found:
            self.fetched_steps.update(self.steps_in(run.fetch))
            if any(isinstance(n, ast.Call) and graph.action(n) is not None for n in walk(run.fetch)):
                raise NotDirect("an update that is made where it is run")

    def each_variable(self, node: ast.expr) -> bool:
        """Whether a name stands for one variable after the other of a list that is written out, in a loop."""
        loop: ast.AST | None = self.editor.parent(node)
        while loop is not None and not isinstance(loop, ast.For):
            loop = None if isinstance(loop, (ast.FunctionDef, ast.ClassDef)) else self.editor.parent(loop)
        if not isinstance(loop, ast.For) or not isinstance(node, ast.Name):
            return False
        zipped = isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Name) and loop.iter.func.id == "zip"
        sources = loop.iter.args if zipped else [loop.iter]  # type: ignore[attr-defined]
        targets = loop.target.elts if zipped and isinstance(loop.target, ast.Tuple) else [loop.target]
        for target, source in zip(targets, sources):
            if isinstance(target, ast.Name) and target.id == node.id:
                if self.graph.holds_variables(source):
                    return True
                listed = source.elts if isinstance(source, (ast.List, ast.Tuple)) else []
                if listed and all((s := self.graph.find(e)) is not None and s.kind == "variable" and s.owner is None for e in listed):
                    self.writer.settled.update(walk(source))
                    return True
        return False

    def choices(self, node: ast.expr) -> Step | None:
        """Takes down the variables of loops over tensors that an expression reads, as in `for name, op in [("loss", loss), ("grad", grad)]`.

        Gives back the step of the expression itself."""
        graph = self.graph
        for name in walk(node):
            if not isinstance(name, ast.Name) or name not in graph.names.scope_of or graph.find(name) is not None:
                continue
            parts = self.chosen(name)
            steps = [graph.find(part) for part in parts]
            found = [s for s in steps if s is not None and s.kind in ("tensor", "gradient", "variable")]
            if not parts or len(found) != len(parts) or len({s.holds for s in found}) > 1:
                continue
            step = self.offered.get(parts[0])
            if step is None:
                step = self.offered[parts[0]] = graph.step(self.editor.statement(parts[0]), "choice", [], name)
                step.items, step.holds = list(dict.fromkeys(found)), found[0].holds
                self.options[step] = parts
            graph.meaning[name] = step
        return graph.find(node)

    def chosen(self, name: ast.Name) -> list[ast.expr]:
        """What the variable of a loop over something that is written out stands for in turn."""
        current: ast.AST | None = self.editor.parent(name)
        while current is not None:
            loops = [current] if isinstance(current, ast.For) else getattr(current, "generators", [])
            for loop in loops:
                targets = loop.target.elts if isinstance(loop.target, (ast.Tuple, ast.List)) else [loop.target]
                at = next((i for i, t in enumerate(targets) if isinstance(t, ast.Name) and t.id == name.id), None)
                if at is None:
                    continue
                bound = [n for n in walk(current) if isinstance(n, ast.Name) and n.id == name.id and not isinstance(n.ctx, ast.Load)]
                if len(bound) > 1 or not isinstance(loop.iter, (ast.List, ast.Tuple)):
                    return []
                parts = [e.elts[at] if isinstance(e, (ast.List, ast.Tuple)) and len(e.elts) > at else e for e in loop.iter.elts]
                return list(loop.iter.elts) if targets == [loop.target] else parts
            current = None if isinstance(current, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) else self.editor.parent(current)
        return []

    def offer(self, choice: Step) -> None:
        """Writes what a loop goes over: functions of the same arguments, or values."""
        taken = self.taken(choice)
        for part in self.options[choice]:
            step = self.graph.find(part)
            assert step is not None
            if self.calls(choice):
                alone = step in self.writer.wanted and self.writer.parameters(step) == taken and len(step.targets) == 1
                inner = self.value(part, {p: p.names[0] for p in taken})
                head = " ".join(["lambda", ", ".join(p.names[0] for p in taken)]).rstrip()
                self.editor.replace(part, inner.partition("(")[0] if alone else f"{head}: {inner}")
            else:
                self.writer.needed.add(step)
            self.writer.settled.update(walk(part))

    def calls(self, choice: Step) -> bool:
        return any(step in self.writer.wanted for step in choice.items)

    def taken(self, choice: Step) -> list[Step]:
        """The placeholders that the functions a loop goes over take together."""
        found = {p for step in choice.items if step in self.writer.wanted for p in self.writer.parameters(step)}
        if any(self.writer.default(p) is not None for p in found):
            raise NotDirect("a placeholder with a default in a loop")
        return sorted(found, key=lambda s: s.place)

    def value(self, node: ast.expr, feed: Feed) -> str:
        """The tensor or tensors of a step, where it has become a function by a call."""
        step = self.graph.find(node)
        assert step is not None
        if step not in self.writer.wanted:
            self.writer.needed.add(step)
            return ast.unparse(node)
        key = self.graph.key(node)
        pick = f"[{step.targets.index(key)}]" if len(step.targets) > 1 and key in step.targets else ""
        return self.called(node, feed) + pick

    def fetched_choice(self, step: Step, node: ast.expr, feed: Feed) -> str:
        taken = self.taken(step)
        if any(p not in feed for p in taken):
            raise NotDirect("what is fed")
        text = f"{ast.unparse(node)}({', '.join(feed[p] for p in taken)})" if self.calls(step) else ast.unparse(node)
        if step.holds == "tensors":
            return f"[value.asnumpy() for value in {text}]"
        return f"{text}.asnumpy()" + (".copy()" if self.graph.changes and any(s.kind == "variable" for s in step.items) else "")

    def steps_in(self, node: ast.expr) -> list[Step]:
        found: list[Step] = []
        for inner in walk(node):
            if isinstance(inner, (ast.Name, ast.Attribute)) and (step := self.graph.find(inner)) is not None and step.kind != "session":
                found += step.items or [step]
        return found

    # ---------------------------------------------------------------------------------------------------------------- feeds

    def feed(self, run: ast.Call, node: ast.expr | None) -> Feed:
        """The texts of the tensors that are fed, by placeholder."""
        if node is None or isinstance(node, ast.Constant) and node.value is None:
            return {}
        if isinstance(node, ast.Dict):
            return {step: self.fed(step, value) for step, value in self.entries(node)}
        if (pair := self.zipped(node)) is not None:
            return {pair[0]: self.fed(*pair)}
        if isinstance(node, ast.Name) and (key := self.graph.key(node)) is not None:
            if key not in self.feeds:
                self.feeds[key] = self.feed_dicts(node, key)
            feed: Feed = {}
            for statement in self.feeds[key]:
                target = statement.targets[0]
                steps = [self.placeholder(target.slice)] if isinstance(target, ast.Subscript) else \
                    [step for step, _ in self.entries(statement.value)]  # type: ignore[arg-type]
                feed.update({step: self.name(key[0], step) for step in steps})
            return feed
        raise NotDirect("what is fed")

    def zipped(self, node: ast.expr) -> tuple[Step, ast.expr] | None:
        """The list of placeholders that `dict(zip(holders, arrays))` feeds, and the arrays."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "dict" or len(node.args) != 1 or node.keywords:
            return None
        inner = node.args[0]
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or inner.func.id != "zip" or len(inner.args) != 2:
            return None
        step = self.graph.find(inner.args[0])
        return (step, inner.args[1]) if step is not None and step.kind == "placeholder" and step.holds == "tensors" else None

    def feed_dicts(self, node: ast.Name, key: tuple[ast.AST, str]) -> list[ast.Assign]:
        """The statements that fill a dict of feeds, which is used for nothing else."""
        bound = self.graph.names.bindings(node)
        statements = [self.editor.statement(b.node) for b in bound]
        if not bound or not all(isinstance(b.value, ast.Dict) and isinstance(s, ast.Assign) and len(s.targets) == 1 for b, s in zip(bound, statements)):
            raise NotDirect("what is fed")
        found = [s for s in statements if isinstance(s, ast.Assign)]
        for other in walk(self.graph.tree):
            if isinstance(other, ast.Name) and other.id == node.id and isinstance(other.ctx, ast.Load) and self.graph.key(other) == key:
                parent = self.editor.parent(other)
                if isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
                    statement = self.editor.statement(parent)
                    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                        raise NotDirect("a dict of feeds that is changed")
                    found.append(statement)
                elif not (isinstance(parent, ast.Call) and self.feeds_run(parent) and other in parent.args[1:]
                          or isinstance(parent, ast.Call) and self.feeds_run(parent) and parent.func.attr == "eval"  # type: ignore[attr-defined]
                          or isinstance(parent, ast.keyword) and parent.arg == "feed_dict"):
                    raise NotDirect("a dict of feeds that is used for more")
        return sorted(found, key=lambda s: s.lineno)

    def feeds_run(self, call: ast.Call) -> bool:
        return self.graph.is_run(call) or isinstance(call.func, ast.Attribute) and call.func.attr in ("eval", "run")

    def name(self, home: ast.AST, step: Step) -> str:
        """The name in a scope for what is fed."""
        if (home, step) not in self.names:
            name = step.names[0]
            free = step.home is home and step.targets[0][0] is home
            used = [n for n, label in self.names.items() if n[0] is home and label == name]
            bound = name in self.graph.names.scopes[home].bindings if home in self.graph.names.scopes else True
            clash = bound and not free or name in self.writer.labels.values() or used
            self.names[home, step] = self.writer.fresh(f"{name}_value") if clash else name
        return self.names[home, step]

    def entries(self, node: ast.Dict) -> list[tuple[Step, ast.expr]]:
        return [(self.placeholder(key), value) for key, value in zip(node.keys, node.values)]

    def placeholder(self, key: ast.expr | None) -> Step:
        step = self.graph.find(key) if key is not None else None
        if step is None or step.kind != "placeholder":
            raise NotDirect("what is fed")
        return step

    def fed(self, step: Step, value: ast.expr) -> str:
        self.check_host(value)
        if step.holds == "tensors":
            return f"[ms.Tensor(value, {step.text}) for value in {self.editor.original(value)}]"
        return f"ms.Tensor({self.editor.original(value)}, {step.text})"

    def check_host(self, value: ast.expr) -> None:
        if any(isinstance(n, ast.Call) and (self.graph.is_run(n) or isinstance(n.func, ast.Attribute) and n.func.attr == "eval") for n in walk(value)):
            raise NotDirect("a run that is fed")

    # ----------------------------------------------------------------------------------------------------------------- runs

    def write(self) -> None:
        """Registers the edits of the runs, of the dicts of feeds and of variables that are given values."""
        for run in self.found:
            statement = self.editor.statement(run.call)
            before = self.fed_once(run, statement)
            items = run.fetch.elts if isinstance(run.fetch, (ast.List, ast.Tuple)) else [run.fetch]
            actions = [e for e in items if (s := self.graph.find(e)) is not None and s.kind == "action"]
            if actions and (len(items) > 1 or not isinstance(statement, ast.Expr)):
                self.editor.replace_statement(statement, "\n".join([*before, *self.mixed(run, statement, items)]))
            elif actions:
                self.editor.replace(run.call, self.called(actions[0], run.feed))
            elif len(items) > 1 and (lines := self.one_by_one(run, statement, items)):
                self.editor.replace_statement(statement, "\n".join([*before, *lines]))
            else:
                if before:
                    self.editor.insert_before(statement, "\n".join(before))
                self.editor.replace(run.call, self.fetched(run.fetch, run.feed))
            self.writer.settled.update(walk(run.call))
        for choice in self.options:
            self.offer(choice)
        for (home, _), statements in self.feeds.items():
            for statement in statements:
                self.fill(home, statement)
        for call in self.loads:
            self.program.imports.add("from mindspore import ops")
            self.check_host(call.args[0])
            text = f"ops.assign({self.editor.original(call.func.value)}, ms.Tensor({self.editor.original(call.args[0])}, ms.float32))"  # type: ignore[attr-defined]
            self.editor.replace(call, text)
            self.writer.settled.update(n for n in walk(call))

    def fill(self, home: ast.AST, statement: ast.Assign) -> None:
        """`feed = {x: a, y: b}` as the tensors x and y."""
        target = statement.targets[0]
        if isinstance(target, ast.Subscript):
            pairs = [(self.placeholder(target.slice), statement.value)]
        else:
            assert isinstance(statement.value, ast.Dict)
            pairs = self.entries(statement.value)
        lines = [f"{self.name(home, step)} = {self.fed(step, value)}" for step, value in pairs]
        self.editor.replace_statement(statement, "\n".join(lines))
        keys = [target] if isinstance(target, ast.Subscript) else [k for k in statement.value.keys if k is not None]  # type: ignore[attr-defined]
        self.writer.settled.update(n for key in keys for n in walk(key))

    def one_by_one(self, run: Run, statement: ast.stmt, items: Sequence[ast.expr]) -> list[str]:
        """`a, b = sess.run([x, y], feed)` as one assignment for each value, where that is the same."""
        if not isinstance(statement, ast.Assign) or statement.value is not run.call or not isinstance(statement.targets[0], ast.Tuple):
            return []
        targets = statement.targets[0].elts
        texts = [self.editor.original(t) for t in targets]
        if len(targets) != len(items) or not all(isinstance(t, ast.Name) for t in targets):
            return []
        if any(isinstance(n, ast.Name) and n.id in texts for part in [*run.call.args[1:], *run.call.keywords] for n in walk(part)):
            return []
        lines, at = [], 0
        while at < len(items):
            step = self.graph.find(items[at])
            group = step.targets if step is not None and step in self.writer.wanted and len(step.targets) > 1 else []
            if group and [self.graph.key(e) for e in items[at:at + len(group)]] == group:
                lines.append(f"{', '.join(texts[at:at + len(group)])} = [grad.asnumpy() for grad in {self.called(items[at], run.feed)}]")
                at += len(group)
            else:
                lines.append(f"{texts[at]} = {self.fetched(items[at], run.feed)}")
                at += 1
        return lines

    def mixed(self, run: Run, statement: ast.stmt, items: Sequence[ast.expr]) -> list[str]:
        """`_, c = sess.run([train, cost], feed)`: the values first, then what changes them."""
        if not isinstance(statement, (ast.Assign, ast.Return)) or statement.value is not run.call:
            raise NotDirect("values and updates in one run")
        if isinstance(statement, ast.Return) or not isinstance(statement.targets[0], ast.Tuple):
            return self.mixed_list(run, statement, items)
        targets = statement.targets[0].elts
        kept, calls = [], []
        if len(targets) != len(items):
            raise NotDirect("values and updates in one run")
        for target, item in zip(targets, items):
            if (step := self.graph.find(item)) is not None and step.kind == "action":
                if not isinstance(target, ast.Name) or target.id != "_":
                    raise NotDirect("the value of an update")
                calls.append(self.called(item, run.feed))
            else:
                kept.append(f"{self.editor.original(target)} = {self.fetched(item, run.feed)}")
        return [*kept, *calls]

    def mixed_list(self, run: Run, statement: ast.Assign | ast.Return, items: Sequence[ast.expr]) -> list[str]:
        """`return sess.run([cost, train], feed)`: the values, then what changes them, then the list, with None for an update."""
        kept, calls, names = [], [], []
        for item in items:
            step = self.graph.find(item)
            if step is not None and step.kind == "action":
                calls.append(self.called(item, run.feed))
                names.append("None")
            else:
                name = self.value_name(self.program.within.get(run.call, self.graph.tree), step.names[0] if step is not None and step.names else "value")
                names.append(name)
                kept.append(f"{name} = {self.fetched(item, run.feed)}")
        head = "return" if isinstance(statement, ast.Return) else f"{self.editor.original(statement.targets[0])} ="
        return [*kept, *calls, f"{head} [{', '.join(names)}]"]

    def value_name(self, home: ast.AST, name: str) -> str:
        """A name in a scope for a value of a run."""
        bound = name in self.graph.names.scopes[home].bindings or home is self.graph.tree or name in self.program.classes
        read = any(isinstance(n, ast.Name) and n.id == name for n in walk(home))
        return self.writer.fresh(f"{name}_value") if bound or read or name in self.writer.labels.values() and name in self.graph.names.module.bindings else name

    def fed_once(self, run: Run, statement: ast.stmt) -> list[str]:
        """What is fed and computed for it gets a name where several functions take it: a call may give something else each time."""
        wants = run.fetch.elts if isinstance(run.fetch, (ast.List, ast.Tuple)) else run.fetch.values if isinstance(run.fetch, ast.Dict) else [run.fetch]
        steps = [s for part in wants for s in ([part] if self.graph.find(part) in self.options else self.steps_in(part))]
        if len(steps) < 2 and not any(s.kind == "list" for part in wants if (s := self.graph.find(part)) is not None):
            return []
        dicts = [n for part in [*run.call.args[1:], *(k.value for k in run.call.keywords)] for n in [part] if isinstance(n, ast.Dict)]
        lines: list[str] = []
        for node in dicts:
            for step, value in self.entries(node):
                computed = any(isinstance(n, (ast.Call, ast.NamedExpr)) for n in walk(value))
                several = sum(step in self.writer.parameters(s) for s in dict.fromkeys(steps) if s in self.writer.wanted) > 1
                if computed or several:
                    home = self.program.within.get(run.call, self.graph.tree)
                    if not isinstance(statement, (ast.Assign, ast.Expr, ast.Return, ast.AugAssign)) or self.repeated_inside(run.call, statement):
                        if not computed:
                            continue
                        raise NotDirect("a value that is computed for a run")
                    name = self.name(home, step) if not self.only_fed(home, value, run.call) else value.id  # type: ignore[attr-defined]
                    lines.append(f"{name} = {self.fed(step, value)}")
                    run.feed[step] = name
        return lines

    def only_fed(self, home: ast.AST, value: ast.expr, run: ast.Call) -> bool:
        """Whether a value is an argument of a function that is used for nothing but a run."""
        if not isinstance(value, ast.Name) or not isinstance(home, ast.FunctionDef) or len(self.program.bindings(value)) != 1 \
                or not isinstance(self.program.bindings(value)[0].node, ast.arg):
            return False
        inside = set(walk(run))
        uses = [n for n in walk(home) if isinstance(n, ast.Name) and n.id == value.id]
        return sum(n in inside for n in uses) == 1 == len(uses)

    def repeated_inside(self, node: ast.AST, statement: ast.stmt) -> bool:
        """Whether an expression stands in a comprehension or a lambda of its statement."""
        current = self.editor.parent(node)
        while current is not None and current is not statement:
            if isinstance(current, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Lambda)):
                return True
            current = self.editor.parent(current)
        return False

    def called(self, node: ast.expr, feed: Feed) -> str:
        """The call of the function that a tensor has become, with what is fed."""
        step = self.graph.find(node)
        assert step is not None
        pieces, named = [], False
        for parameter in self.writer.parameters(step):
            if parameter not in feed:
                if self.writer.default(parameter) is None:
                    raise NotDirect(f"{parameter.names[0]} is not fed")
                named = True
            else:
                pieces.append(f"{parameter.names[0]}={feed[parameter]}" if named else feed[parameter])
        owner = f"{self.editor.original(node.value)}." if isinstance(node, ast.Attribute) else ""
        return f"{owner}{self.writer.labels[step]}({', '.join(pieces)})"

    def fetched(self, node: ast.expr, feed: Feed) -> str:
        """The arrays of what is fetched."""
        graph = self.graph
        if isinstance(node, (ast.List, ast.Tuple)):
            if node.elts and (step := graph.find(node.elts[0])) is not None and step in self.writer.wanted \
                    and [graph.key(e) for e in node.elts] == step.targets and len(step.targets) > 1:
                return f"[value.asnumpy() for value in {self.called(node.elts[0], feed)}]"
            inner = ", ".join(self.fetched(e, feed) for e in node.elts)
            return f"[{inner}]" if isinstance(node, ast.List) else f"({inner}{',' if len(node.elts) == 1 else ''})"
        step = graph.find(node)
        if step is not None:
            return self.fetched_step(step, node, feed)
        if isinstance(node, ast.Subscript) and (step := graph.find(node.value)) is not None and step.holds in ("tensors", "list", "dict") \
                and not self.steps_in(node.slice):
            picked = self.editor.original(node.slice)
            if step in self.writer.wanted:
                return f"{self.called(node.value, feed)}[{picked}].asnumpy()"
            self.writer.needed.add(step)
            return f"{self.editor.original(node)}.asnumpy()" + (".copy()" if step.kind == "variables" and graph.changes else "")
        return self.fetched_expression(node, feed)

    def fetched_step(self, step: Step, node: ast.expr, feed: Feed) -> str:
        graph = self.graph
        if step.kind == "list":
            parts = []
            for item in step.items:
                name: ast.expr = ast.Name(id=item.names[0], ctx=ast.Load())
                if item.owner is not None and isinstance(node, ast.Attribute):
                    name = ast.Attribute(value=node.value, attr=item.names[0], ctx=ast.Load())
                    if item.targets[0][0] is not item.owner:
                        raise NotDirect("a list of what __init__ knows")
                graph.meaning[name] = item
                parts.append(self.fetched_step(item, name, feed))
            return "[" + ", ".join(parts) + "]"
        if step.kind == "choice":
            return self.fetched_choice(step, node, feed)
        waits = step in self.writer.wanted
        text = self.called(node, feed) if waits and step.kind != "variable" else ast.unparse(node)
        if step.kind == "variable":
            return f"{text}.asnumpy().copy()" if graph.changes else f"{text}.asnumpy()"
        if step.kind == "variables":
            copied = ".copy()" if graph.changes else ""
            return f"[weight.asnumpy(){copied} for weight in {text}]" if step.holds == "list" else \
                f"{{name: weight.asnumpy(){copied} for name, weight in {text}.items()}}"
        if step.kind not in ("tensor", "gradient"):
            raise NotDirect("what is fetched")
        if not waits:
            self.writer.needed.add(step)
        if step.holds == "tensors":
            word = "grad" if step.kind == "gradient" else "value"
            return f"[{word}.asnumpy() for {word} in {text}]"
        key = graph.key(node)
        pick = f"[{step.targets.index(key)}]" if waits and len(step.targets) > 1 and key in step.targets else ""
        return f"{text}{pick}.asnumpy()"

    def fetched_expression(self, node: ast.expr, feed: Feed) -> str:
        """An expression of tensors that is made where it is run."""
        graph, writer = self.graph, self.writer
        if any(isinstance(n, (ast.ListComp, ast.GeneratorExp, ast.Dict, ast.DictComp, ast.Lambda)) for n in walk(node)):
            raise NotDirect("what is fetched")
        self.program.check(node)
        steps = self.steps_in(node)
        if not steps and not self.program.mentions(node):
            raise NotDirect("what is fetched")

        def put(part: ast.expr) -> str | None:
            step = graph.find(part) if isinstance(part, (ast.Name, ast.Attribute)) else None
            if step is None:
                return None
            if step in writer.wanted:
                if len(step.targets) > 1:
                    return f"{self.called(part, feed)}[{step.targets.index(graph.key(part))}]"  # type: ignore[arg-type]
                return self.called(part, feed)
            writer.needed.add(step)
            return None

        text = self.program.render(node, put)
        return f"{text}.asnumpy()" if isinstance(node, (ast.Call, ast.Subscript)) else f"({text}).asnumpy()"

