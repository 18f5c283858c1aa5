"""Writing the direct form: functions for what is fed and for gradient sites, calls for runs of the session."""
from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mapper.edit import reindent, walk
from mapper.names import Binding
from mapper.results import Conversion
from mapper.results import Site as Place
from mapper.staging.direct import INITIALIZERS, Graph, NotDirect, Site, Step, is_none
from mapper.staging.direct_layers import attributes, header_edit, layer_text, makes, prefix_at
from mapper.staging.direct_program import CONSTANTS, Function, returns
from mapper.staging.direct_runs import Runs
from mapper.staging.direct_sites import LocalSites
from mapper.staging.simplify import places, simplified, with_places
from mapper.staging.value_library import CONTROL, value_definitions

_RESERVED = frozenset({"ms", "ops", "nn"})
Part = ast.expr | ast.keyword | ast.arg


def convert_directly(source: str, filename: str) -> Conversion:
    """The direct form of a program, or of a simpler one that means the same. Raises NotDirect when it has none, SyntaxError when
    `source` does not parse."""
    first, tried = None, ""
    if "while_loop" not in source:      # a loop's end has simpler words, even where the direct form has some for the program as it is
        try:
            return _converted(source)
        except NotDirect as problem:
            first, tried = problem, with_places(source)
    for simpler in simplified(tried or with_places(source)):
        if simpler != tried:
            tried = simpler
            try:
                return _placed(_converted(simpler), simpler)
            except NotDirect as problem:
                first = first or problem
    assert first is not None
    raise first


def _converted(source: str) -> Conversion:
    graph = Graph(source)
    graph.read()
    return _Writer(graph).write()


def _placed(conversion: Conversion, simpler: str) -> Conversion:
    """A conversion of a simpler program with the places that its sites have in the program itself, where they are gradients there."""
    known = places(simpler)
    sites = [replace(site, line=at[0], column=at[1], kind=at[2]) for site in conversion.sites if (at := known.get((site.line, site.column)))]
    sites.sort(key=lambda s: (s.line, s.column))
    return replace(conversion, sites=tuple(replace(site, id=f"G{i + 1}") for i, site in enumerate(sites)))


@dataclass(eq=False)
class Context:
    """Where an expression is written: in a function of `step` (None: where the program has it), whose other statements are
    `local`, and in which `given` are the texts of some steps."""

    step: Step | None = None
    local: set[Step] = field(default_factory=set)
    given: dict[Step, str] = field(default_factory=dict)

    def without(self, steps: Sequence[Step]) -> Context:
        return Context(self.step, self.local | set(steps), {s: t for s, t in self.given.items() if s not in steps})


class _Writer:
    """Registers the edits of one module."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.program, self.editor = graph, graph.program, graph.editor
        if _RESERVED & self.program.taken:
            raise NotDirect("a name of MindSpore is taken")
        self.program.taken |= _RESERVED
        self.fresh = self.program.fresh
        self.local_sites = LocalSites(self.program, self.fresh)
        self.runs = Runs(graph, self)
        self.sites: dict[ast.Call, str] = {}
        self.needed: set[Step] = set()
        self.wanted: set[Step] = set()
        self.labels: dict[Step, str] = {}
        self.settled: set[ast.AST] = set()
        self.dropped: set[ast.stmt] = set()
        self.updaters: dict[Step, tuple[str, str]] = {}
        self.made: set[tuple[str, ast.ClassDef | None]] = set()
        self.methods: dict[ast.ClassDef, list[str]] = {}
        self.promoted: dict[tuple[ast.AST, str], None] = {}
        self.inside = 0
        self.apart: set[Step] = set()
        self.shielded: set[Step] = set()
        self.restarted: set[Step] = set()
        self.before: dict[Step, list[str]] = {}
        self.pair: tuple[str, str] | None = None
        self.remembered: dict[tuple[ast.AST, str], Binding] = {}
        self.first_calls: dict[Step, frozenset[str]] = {}
        self.speaker: ast.ClassDef | None = None  # whose methods are being written

    def write(self) -> Conversion:
        graph = self.graph
        self.runs.find()
        self.functions()
        self.choose()
        self.runs.write()
        self.in_place()
        for step in graph.steps:
            self.emit(step)
        self.empty_parts()
        self.remember()
        self.insert_methods()
        self.furniture()
        self.session_arguments()
        self.variables_in_loops()
        self.known_before_a_run()
        self.check_left()
        self.imports()
        code = set_apart(tidy(self.editor.result(), self.editor.source), {n.name for n in walk(graph.tree) if isinstance(n, Function)})
        self.check_names(code)
        return Conversion(code, (), tuple(self.places(code)))

    # ------------------------------------------------------------------------------------------------------------ functions

    def choose(self) -> None:
        """The tensors that become functions: what is fetched, what is differentiated, and what several of them need."""
        graph = self.graph
        for step in self.runs.fetched_steps:
            if step.kind == "action" or step.kind in ("tensor", "gradient") and graph.waits(step):
                self.wanted.add(step)
        for step in graph.steps:
            if step.kind == "action":
                self.wanted.add(step)
                if (loss := self.loss_of(step)) is not None:
                    self.wanted.add(loss)
            if step.site is not None and graph.waits(step) and (whole := self.whole(step.site)) is not None:
                self.wanted.add(whole)
            if step.site is not None and graph.waits(step):
                self.wanted.update(self.shared(step.site))
        self.wanted.update(s for s in graph.steps if s.layered and s.kind == "tensor" and s.deps)
        moved = self.moved()
        self.wanted.update(s for s in graph.steps if s.kind in ("tensor", "gradient") and graph.waits(s) and s not in moved)
        while True:
            users: dict[Step, int] = {}
            for step in self.wanted:
                for inner in self.closure(step):
                    users[inner] = users.get(inner, 0) + 1
            shared = {step for step, count in users.items() if count > 1}
            if not shared:
                break
            self.wanted |= shared
        self.take_apart()
        for step in sorted(self.wanted, key=lambda s: s.place):
            if not graph.waits(step) and step.kind != "action":
                raise NotDirect("a value that is also a function")
            self.labels[step] = self.label(step)
        self.shield()
        if any(map(self.compiled, self.wanted)) and any(isinstance(n, (ast.Name, ast.Attribute)) and self.program.api(n) in CONTROL
                                                        for n in walk(graph.tree)):
            raise NotDirect("branches and loops that compiled code takes")

    def take_apart(self) -> None:
        """A compiled function whose gradients are taken for different things outside of compiled code gives wrong ones from the second
        time on (MindSpore 2.10): each of them becomes a compiled function."""
        uses: dict[Step, dict[tuple[Step, ...], list[Step]]] = {}
        for step in self.graph.steps:
            whole = self.loss_of(step) or (self.whole(step.site) if step.site is not None and self.graph.waits(step) else None)
            if whole is not None and self.compiled(whole):
                what = tuple(step.site.xs if step.site is not None else self.graph.trained(step.value) or ())  # type: ignore[arg-type]
                uses.setdefault(whole, {}).setdefault(what, []).append(step)
        for patterns in uses.values():
            if len(patterns) > 1:
                found = {s for steps in patterns.values() for s in steps}
                self.apart |= found
                self.wanted |= found

    def shield(self) -> None:
        """The functions that compiled code calls after it has taken their gradient, where it does not call them itself.

        MindSpore 2.10 does not compile a call of a function that reads Parameters after the gradient of that very function."""
        for step in self.wanted:
            if self.compiled(step):
                reach = self.reached(step)
                calls, grads = {s for r in reach for s in self.called(r)}, {s for r in reach for s in self.differentiates(r)}
                self.shielded |= calls & grads - self.called(step)

    def called(self, step: Step) -> set[Step]:
        """The functions that the function of a step calls."""
        return {n for s in [step, *self.closure(step)] for n in self.reads(s) if n in self.wanted and n is not step and n.kind != "action"}

    def differentiates(self, step: Step) -> set[Step]:
        """The functions whose gradients the function of a step takes."""
        wholes = [self.whole(s.site) for s in [step, *self.closure(step)] if s.site is not None]
        return {w for w in wholes if w is not None}

    def reached(self, step: Step) -> set[Step]:
        """The functions that run when that of a step does."""
        found: set[Step] = set()
        pending = [step]
        while pending:
            current = pending.pop()
            if current not in found:
                found.add(current)
                pending += [*self.called(current), *self.differentiates(current)]
        return found

    def label(self, step: Step) -> str:
        name = step.names[0]
        if len(step.targets) > 1:
            ys = [s.names[0] for y in (step.site.ys if step.site is not None else []) if (s := self.graph.find(y)) is not None]
            return self.fresh(f"gradients_of_{ys[0]}" if len(ys) == 1 else "_and_".join(step.names))
        earlier = [s for s, label in self.labels.items() if label == name and s.owner is step.owner and s.home is step.home]
        if earlier:
            return self.fresh(f"{name}_{len(earlier) + 1}")
        if step.owner is not None and self.program.method(step.owner, name) is not None:
            raise NotDirect(f"a method is called {name} too")
        return name

    def moved(self) -> set[Step]:
        """The statements that some function holds."""
        found = {inner for step in self.wanted for inner in self.closure(step)}
        for step in self.graph.steps:
            if step.site is not None:
                found.update(self.graph.slice(step.site))
        return found | self.wanted

    def loss_of(self, step: Step) -> Step | None:
        call = step.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "minimize":
            return self.graph.find(call.args[0])
        return None

    def steps_optimizer(self, step: Step) -> bool:
        """Whether an action is a step of an optimizer."""
        call = step.value
        return step.kind == "action" and isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) \
            and call.func.attr in ("minimize", "apply_gradients")

    def whole(self, site: Site) -> Step | None:
        """The tensor y whose function a site can differentiate as it is: its xs are placeholders and variables."""
        if len(site.ys) != 1 or not isinstance(site.ys[0], (ast.Name, ast.Attribute)) or site.stops:
            return None
        step = self.graph.find(site.ys[0])
        if step is None or step.kind != "tensor" or not self.graph.waits(step) or len(step.targets) > 1:
            return None
        return step if all(x.kind in ("placeholder", "variable", "variables") for x in site.xs) else None

    def shared(self, site: Site) -> list[Step]:
        """The tensors whose functions a gradient in a comprehension differentiates: its x is a placeholder or a variable."""
        if site.loop is None or any(x.kind not in ("placeholder", "variable") for x in site.xs):
            return []
        found = [s for y in site.ys for s in self.graph.tensors(y) if s.kind in ("tensor", "gradient")]
        apart = not any(x in self.graph.tensors(y) for x in site.xs for y in site.ys)
        return found if apart and all(self.graph.waits(s) and len(s.targets) == 1 for s in found) else []

    def reads(self, step: Step) -> list[Step]:
        """What the function of a step needs the values of: for a site, what its inner function does not compute itself."""
        if step.kind == "action" and self.loss_of(step) is not None:
            return [s for part in self.graph.rate(step.value) for s in self.graph.tensors(part)]  # type: ignore[arg-type]
        if step.kind == "action":
            return step.reads
        if step.site is None:
            return step.reads
        if self.whole(step.site) is not None:
            return [s for part in step.site.sens or () for s in self.graph.tensors(part)]
        if self.shared(step.site):
            return [s for s in self.graph.tensors(step.site.loop.generators[0].iter) if s.kind in ("tensor", "gradient")]  # type: ignore[union-attr]
        return self.graph.outer_reads(step)

    def closure(self, step: Step) -> list[Step]:
        """The statements that the function of a step holds besides its own, in order."""
        found: set[Step] = set()
        pending = list(self.reads(step))
        while pending:
            inner = pending.pop()
            if inner in found or inner in self.wanted or inner is step or inner.kind not in ("tensor", "gradient") or not self.graph.waits(inner):
                continue
            found.add(inner)
            pending += self.reads(inner)
        return sorted(found, key=lambda s: s.place)

    def parameters(self, step: Step) -> list[Step]:
        """The placeholders that a function takes; those with a default come last."""
        return sorted(step.deps, key=lambda s: (self.default(s) is not None, s.place))

    def default(self, step: Step) -> str | None:
        if isinstance(step.value, ast.Call) and self.program.api(step.value.func) == "tf.placeholder_with_default":
            return f"ms.Tensor({self.editor.original(step.value.args[0])}, {step.text})"
        return None

    def signature(self, step: Step) -> str:
        parts = ["self"] if step.owner is not None else []
        for parameter in self.parameters(step):
            default = self.default(parameter)
            parts.append(parameter.names[0] + (f"={default}" if default is not None else ""))
        return ", ".join(parts)

    def reference(self, step: Step) -> str:
        return f"{self.object_of(step.owner)}.{self.labels[step]}" if step.owner is not None else self.labels[step]

    def object_of(self, owner: ast.ClassDef) -> str:
        """What the code that is being written calls the object of a class."""
        if self.speaker is owner:
            return "self"
        names = [name for name, bound in self.graph.names.module.bindings.items() if len(bound) == 1 and isinstance(bound[0].value, ast.Call)
                 and self.program.callee(bound[0].value) is owner]
        if len(names) != 1 or len(self.program.calls.get(owner, ())) != 1:
            raise NotDirect("an object without a name")
        return names[0]

    def call(self, step: Step) -> str:
        """The call of a function from another one that has its parameters."""
        return f"{self.reference(step)}({', '.join(p.names[0] for p in self.parameters(step))})"

    def holds_gradient(self, step: Step) -> bool:
        """Whether the function of a step takes a gradient, itself or in what it calls."""
        seen: set[Step] = set()
        pending = [step]
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if current.site is not None or self.program.asks(current.value):
                return True
            pending += [s for s in self.reads(current) if s.kind in ("tensor", "gradient") and self.graph.waits(s)]
        return False

    def differentiated(self, step: Step) -> bool:
        """Whether some gradient is taken of what a step's function computes."""
        for other in self.graph.steps:
            if self.loss_of(other) is step:
                return True
            if other.site is not None:
                whole = self.whole(other.site) if self.graph.waits(other) else None
                if whole is step or step in self.graph.slice(other.site):
                    return True
        return any(self.leads(other, step) for other in self.wanted if other is not step and self._is_target(other))

    def _is_target(self, step: Step) -> bool:
        return any(self.loss_of(o) is step or o.site is not None and self.graph.waits(o) and self.whole(o.site) is step for o in self.graph.steps)

    def leads(self, step: Step, inner: Step) -> bool:
        return self.graph.leads_to(step, [inner])

    def compiled(self, step: Step) -> bool:
        """Whether the function has to be compiled: MindSpore's gradient of a gradient is right only then."""
        held = [step, *self.closure(step)]
        if step in self.apart and step.kind != "action":
            return True
        if any(self.local_sites.nested(s.value) if s.site is None else self.deep(s.site) for s in held):
            return True
        return step.kind == "tensor" and self.holds_gradient(step) and self.differentiated(step)

    def deep(self, site: Site) -> bool:
        """Whether what a site differentiates holds a gradient."""
        if self.whole(site) is not None:
            return False  # a function of its own, which is compiled itself
        inner = self.graph.slice(site)
        return any(s.site is not None or self.program.asks(s.value) for s in inner) or any(self.program.asks(y) for y in site.ys)

    def define(self, step: Step) -> list[str]:
        """The function that a waiting tensor or an action becomes."""
        inner = self.closure(step)
        context = Context(step, {*inner, *self.parameters(step)})
        lines: list[str] = []
        reads = [n for s in [*inner, step] for n in self.reads(s)]
        first = {s for r in self.reached(step) for s in self.differentiates(r)} if self.holds_gradient(step) else set()
        for other in sorted(dict.fromkeys(reads), key=lambda s: (s not in first, s.place if s in first else 0)):
            if other in self.wanted and other is not step and other.kind != "action":
                lines += self.bring(other, context, [*inner, step], reads, other in first)
        for part in inner:
            lines += self.written(part, context)
        lines += self.last(step, context)
        unit = self.editor.unit()
        head = ["@ms.jit"] if self.compiled(step) else []
        head.append(f"def {self.labels[step]}({self.signature(step)}):")
        return [*self.before.get(step, []), *head, *((unit + line).rstrip() for part in lines for line in part.split("\n")), ""]

    def bring(self, other: Step, context: Context, users: Sequence[Step], reads: Sequence[Step], first: bool) -> list[str]:
        """The value of another function: called where it is used, or first when that is more than once or its gradient is taken too."""
        call = self.call(other)
        if len(other.targets) > 1:
            names = [n if n not in self.labels.values() else self.fresh(f"{n}_value") for n in other.names]
            context.local.add(other)
            if names != other.names:
                raise NotDirect("several values of a function that have the names of functions")
            return [f"{', '.join(names)} = {call}"]
        count = sum(self.graph.find(n) is other for s in users for n in walk(s.node) if isinstance(n, (ast.Name, ast.Attribute)))
        held = any(s.site is not None and other in s.site.stops for s in users)  # computed outside of what is differentiated
        if first or held or count > 1 or reads.count(other) > 1:
            context.given[other] = self.fresh(f"{other.names[0]}_value")
            return [f"{context.given[other]} = {call}"]
        context.given[other] = call
        return []

    def written(self, step: Step, context: Context) -> list[str]:
        """The statement of a step inside a function."""
        before = self.comments(step)
        comment = self.editor.trailing_comment(step.node) if self.gone(step) else ""
        if step.site is not None:
            *lines, last = self.gradient(step, context)
            return [*before, *lines, f"{last}  {comment}" if comment else last]
        self.no_late_names(step)
        if isinstance(step.node, ast.For):
            return [*before, *self.looped(step, context)]
        if isinstance(step.node, ast.AugAssign):
            old = self.graph.meaning[step.node.target]
            operator, more = self.operator(step.node), self.factor(step.value, self.render(step.value, context))
            return [*before, f"{step.names[0]} = {self.text_of(old, step.node.target, context)} {operator} {more}"]
        text = f"{', '.join(step.names)} = {self.render(step.value, context)}"
        return [*before, *(f"{text}  {comment}" if comment else text).split("\n")]

    def carried_into(self, step: Step) -> list[Step]:
        """What a loop binds anew that has a value before it."""
        if not isinstance(step.node, ast.For):
            return []
        bound = {n.id for n in walk(step.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return [s for s in step.reads if s.kind in ("tensor", "gradient", "placeholder") and len(s.targets) == 1 and s.names[0] in bound]

    def looped(self, step: Step, context: Context) -> list[str]:
        """The lines of a loop in a function: what it fills starts empty, what it goes on with starts with its value."""
        assert isinstance(step.node, ast.For)
        if any(key[0] is not step.home for key in step.targets):
            raise NotDirect("a loop that binds attributes")
        lines = [self.editor.original(start) for start in step.starts]
        inner = Context(context.step, set(context.local), dict(context.given))
        for other in self.carried_into(step):
            if other not in context.local and not self.graph.waits(other):
                lines.append(f"{other.names[0]} = {self.render(other.value, context)}")
            elif (text := self.text_of(other, None, context)) != other.names[0]:
                lines.append(f"{other.names[0]} = {text}")
            inner.given[other] = other.names[0]
        text = self.render(step.node, inner)
        return [*lines, *reindent(text, self.editor.indent(step.node), "").split("\n")]

    def operator(self, node: ast.AugAssign) -> str:
        symbols = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
        if type(node.op) not in symbols:
            raise NotDirect("a value that changes in place")
        return symbols[type(node.op)]

    def last(self, step: Step, context: Context) -> list[str]:
        """The end of the function of a step."""
        if step.site is not None:
            lines = self.gradient(step, context)
            target = ", ".join(step.names)
            head, _, tail = lines[-1].rpartition("\n") if f"\n{target} = " in lines[-1] else ("", "", lines[-1])
            lines[-1] = (head + "\n" if head else "") + "return " + tail.removeprefix(f"{target} = ") if not lines[-1].startswith(f"{target} = ") \
                else "return " + lines[-1].removeprefix(f"{target} = ")
            return lines
        if step.kind == "action":
            return self.act(step, context)
        self.no_late_names(step)
        if isinstance(step.node, ast.For):
            return [*self.looped(step, context), f"return {', '.join(step.names)}"]
        if isinstance(step.node, ast.AugAssign):
            return [self.written(step, context)[-1].replace(f"{step.names[0]} = ", "return ", 1)]
        text = self.render(step.value, context)
        return [f"return {text}" if "\n" not in text or text.startswith("(") else f"return ({text})"]

    def no_late_names(self, step: Step) -> None:
        """A function reads the program's own names when it is called: they must still mean the same then."""
        own = {n.id for n in walk(step.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} if isinstance(step.node, ast.For) else set()
        own |= {start.targets[0].id for start in step.starts if isinstance(start.targets[0], ast.Name)}
        for node in walk(step.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and self.graph.find(node) is None and node in self.graph.names.scope_of \
                    and node.id not in own:
                scope = self.graph.names.lookup(node.id, self.graph.names.scope_of[node])
                if scope is not None and scope.node is step.home and len(scope.bindings[node.id]) > 1:
                    raise NotDirect(f"{node.id} changes after the graph is built")

    def act(self, step: Step, context: Context) -> list[str]:
        """The statements of something that changes variables."""
        call = step.value
        self.program.imports.add("from mindspore import ops")
        if isinstance(call, ast.ListComp):
            return self.act_on_each(call, context)
        assert isinstance(call, ast.Call)
        loss = self.loss_of(step)
        if loss is None and self.steps_optimizer(step):
            grads = self.graph.applied(call)[0]
            found = self.graph.find(grads)
            text = self.render(grads, context)
            whole = found is not None and found.kind == "gradient" and not (found in self.wanted and self.compiled(found))
            return [*self.rated(step, context), f"{self.updaters[step][0]}({text if whole else f'tuple({text})'})", *self.count(step, context)]
        if loss is not None:
            updater, weights = self.updaters[step]
            arguments = ", ".join(p.names[0] for p in self.parameters(loss))  # those of the step may be more, for its learning rate
            gradient = f"ops.GradOperation(get_by_list=True)({self.reference(loss)}, {weights})({arguments})"
            if step in self.apart:
                name = self.fresh(f"{self.labels[loss]}_gradients")
                self.before[step] = ["@ms.jit", f"def {name}({self.signature(loss)}):", f"{self.editor.unit()}return {gradient}", ""]
                gradient = f"tuple({'self.' if step.owner is not None else ''}{name}({arguments}))"  # compiled code gives a list for a list
            return [*self.rated(step, context), f"{updater}({gradient})", *self.count(step, context)]
        api = self.program.api(call.func)
        if api == "tf.group":
            return self.group(call)
        ref, value = (call.args[0], call.args[1]) if api else (call.func.value, call.args[0])  # type: ignore[attr-defined]
        variable = self.graph.find(ref)
        if variable is None:
            raise NotDirect("what is assigned to")
        name = self.text_of(variable, ref, context)
        kind = api.rpartition(".")[2] if api else call.func.attr  # type: ignore[attr-defined]
        text = on_one_line(self.render(value, context))
        if self.program.kind(value) in ("number", "list", "array", "scalar"):
            text = f"ms.Tensor({text}, ms.float32)"
        if kind == "assign":
            return [f"ops.assign({name}, {text})"]
        return [f"ops.assign({name}, {name} {'+' if kind == 'assign_add' else '-'} {self.factor(value, text)})"]

    def rated(self, step: Step, context: Context) -> list[str]:
        """Sets the learning rate of an optimizer that is a tensor."""
        assert isinstance(step.value, ast.Call)
        return [f"ops.assign({self.updaters[step][0]}.learning_rate, {self.render(rate, context)})" for rate in self.graph.rate(step.value)]

    def count(self, step: Step, context: Context) -> list[str]:
        """Counts a step of an optimizer in the program's own variable."""
        assert isinstance(step.value, ast.Call)
        names = [self.render(counter, context) for counter in self.graph.counted(step.value)]
        return [f"ops.assign({name}, {name} + 1)" for name in names]

    def act_on_each(self, node: ast.ListComp, context: Context) -> list[str]:
        """The loop that gives each variable of a list a new value."""
        loop = node.generators[0]
        assert isinstance(node.elt, ast.Call)
        variable, new = self.graph.assigned(node.elt)
        assert variable is not None and new is not None
        targets = ", ".join(map(self.editor.original, loop.target.elts)) if isinstance(loop.target, ast.Tuple) else self.editor.original(loop.target)
        head = f"for {targets} in {self.render(loop.iter, context)}:"
        name, text = self.editor.original(variable), on_one_line(self.render(new, context))
        kind = (self.program.api(node.elt.func) or ast.unparse(node.elt.func)).rpartition(".")[2]
        if kind != "assign":
            text = f"{name} {'+' if kind == 'assign_add' else '-'} {self.factor(new, text)}"
        return [head, f"{self.editor.unit()}ops.assign({name}, {text})"]

    def factor(self, node: ast.expr, text: str) -> str:
        binds_tighter = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow, ast.MatMult))
        return text if binds_tighter or not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare)) else f"({text})"

    def group(self, call: ast.Call) -> list[str]:
        """All new values are computed before the first variable changes."""
        lines, ends = [], []
        users = [r for part in call.args if (s := self.graph.find(part)) is not None for i in [*self.closure(s), s] for r in dict.fromkeys(self.reads(i))]
        shared: dict[Step, str] = {}
        for other in dict.fromkeys(users):
            if other in self.wanted and other.kind != "action" and users.count(other) > 1 and len(other.targets) == 1:
                shared[other] = self.fresh(f"{other.names[0]}_value")
                lines.append(f"{shared[other]} = {self.call(other)}")
        for part in call.args:
            inner = self.graph.find(part)
            if inner is None or self.steps_optimizer(inner) or self.program.api(inner.value.func) == "tf.group":  # type: ignore[attr-defined]
                raise NotDirect("a group of optimizer steps")
            *before, end = self.act_with_closure(inner, shared)
            lines += [line for line in before if line not in lines]
            target, value = end.removeprefix("ops.assign(").removesuffix(")").split(", ", 1)
            fresh = self.fresh(f"new_{target.rpartition('.')[2]}")
            lines.append(f"{fresh} = {value}")
            ends.append(f"ops.assign({target}, {fresh})")
        return lines + ends

    def act_with_closure(self, step: Step, shared: dict[Step, str]) -> list[str]:
        """The statements of an action with those that compute its operands; `shared` gives the names of values that are computed already."""
        inner = self.closure(step)
        context = Context(step, {*inner, *self.parameters(step)})
        lines: list[str] = []
        for other in dict.fromkeys(n for s in [*inner, step] for n in self.reads(s)):
            if other in self.wanted and other.kind != "action" and other is not step:
                if len(other.targets) > 1:
                    context.local.add(other)
                    lines.append(f"{', '.join(other.names)} = {self.call(other)}")
                else:
                    context.given[other] = shared.get(other) or self.call(other)
        for part in inner:
            lines += self.written(part, context)
        return [*lines, *self.act(step, context)]

    # ---------------------------------------------------------------------------------------------------------------- steps

    def in_place(self) -> None:
        """The tensors that are computed where they stand: those that somebody needs outside of the functions of sites."""
        graph = self.graph
        for step in graph.steps:
            if step.site is not None and not graph.waits(step):
                self.needed.update(graph.outer_reads(step))
            if graph.waits(step):
                restarted = [s for s in self.carried_into(step) if not graph.waits(s)]
                self.needed.update(s for s in self.reads(step) if s not in restarted)
                self.restarted.update(restarted)
        for step in reversed(graph.steps):
            if step.kind == "tensor" and not graph.waits(step) and step in self.needed:
                self.needed.update(step.reads)

    def emit(self, step: Step) -> None:
        graph = self.graph
        here = Context()
        self.speaker = step.owner
        if step.inner:
            self.emit_inner(step)
        elif step.kind in ("variable", "variables"):
            for call, text in step.parts:
                self.editor.replace(call, text)
                self.settled.update(walk(call))
            if step.items and step.text == "made":
                self.editor.replace(step.value, listing([self.several_text(item, here) for item in step.items]))
                self.settled.update(walk(step.value))
            elif step.text != "made":
                self.editor.replace(step.value, step.text)
                self.settled.update(walk(step.value))
            elif not step.text:
                raise NotDirect("a variable")
            self.promote_target(step)
        elif step.kind in ("placeholder", "list", "optimizer", "session", "graph", "initializer"):
            if isinstance(step.node, ast.stmt) and step.node not in self.dropped and not isinstance(step.node, ast.With):
                self.drop(step.node)
            return
        elif step in self.wanted:
            self.emit_function(step)
        elif graph.waits(step):
            for empty in step.starts:
                self.remove(empty)
            self.remove(step.node)
        elif step.kind == "tensor":
            if self.local_sites.nested(step.value):
                raise NotDirect("a gradient of a gradient that is computed where it stands")
            if step in self.needed or step not in self.moved() and step not in self.restarted:
                self.in_place_text(step, here)
            else:
                self.remove(step.node)
        elif step.kind == "gradient":
            if step.owner is not None:
                raise NotDirect("a gradient that is computed in __init__")
            self.editor.replace_statement(step.node, self.spaced(step.node, self.gradient(step, here)))
        self.settled.update(walk(step.node) if step.kind not in ("variable", "variables") else ())

    def emit_inner(self, step: Step) -> None:
        """What stood inside an expression of a statement stands before it."""
        if step.kind == "action":
            return  # a member of a group
        if step.kind == "variables":
            name = f"self.{step.names[0]}" if step.owner is not None else step.names[0]
            self.editor.insert_before(step.node, f"{name} = {step.text}")
            self.promote_target(step)
            return
        if step in self.wanted:
            text = "\n".join([*self.define(step), *self.built(step)])
            if step.owner is not None and self.built(step):
                raise NotDirect("a layer inside an expression")
            if step.owner is not None:
                self.methods.setdefault(step.owner, []).append(text)
            else:
                self.editor.insert_before(step.node, text)
        elif not self.graph.waits(step):
            if step.owner is not None or step.site is None:
                raise NotDirect("tf.gradients inside an expression")
            self.editor.insert_before(step.node, "\n".join(self.gradient(step, Context())))

    def in_place_text(self, step: Step, context: Context) -> None:
        if isinstance(step.node, ast.AugAssign):
            raise NotDirect("a value that changes in place")
        if isinstance(step.node, ast.For):
            self.editor.replace_statement(step.node, reindent(self.render(step.node, context), self.editor.indent(step.node), ""))
            return
        text = self.render(step.value, context)
        if text != self.editor.original(step.value):
            self.editor.replace(step.value, text)
        self.promote_target(step)

    def promote_target(self, step: Step) -> None:
        """What __init__ keeps in a name of its own and methods read becomes an attribute."""
        if step.owner is not None:
            for key in step.targets:
                if key[0] is step.home:
                    self.promoted[key] = None

    def emit_function(self, step: Step) -> None:
        for empty in step.starts:
            self.remove(empty)
        start = self.make_optimizer(step) if self.steps_optimizer(step) else self.built(step) if step.owner is not None else []
        if step.kind == "action" and self.grouped(step):
            self.remove(step.node)
        elif step.owner is not None:
            lines = self.define(step)
            if (comment := self.editor.trailing_comment(step.node)) and not any(comment in line for line in lines):
                head = next(i for i, line in enumerate(lines) if line.startswith("def "))
                lines[head] += "  " + comment
            self.methods.setdefault(step.owner, []).append("\n".join([*self.own_comments(step), *lines]))
            if start:
                self.editor.replace_statement(step.node, start[0])
            else:
                self.remove(step.node)
        else:
            lines = [*start, *self.define(step), *self.built(step)]
            if comment := self.editor.trailing_comment(step.node):
                head = next(i for i, line in enumerate(lines) if line.startswith("def "))
                lines[head] += "  " + comment
            self.editor.replace_statement(step.node, self.spaced(step.node, lines), comment=False)

    def empty_parts(self) -> None:
        """The methods that built a part of the graph go where nothing is left of them."""
        for part, call in self.graph.parts.items():
            if self.emptied(part.body) and not self.stray_comments(part):
                self.remove(part)
                if call is not None:
                    self.drop(call)
            elif call is None:
                statement = self.editor.statement(self.program.calls[part][0])
                self.editor.insert_after(statement, self.editor.original(self.program.calls[part][0]))

    def built(self, step: Step) -> list[str]:
        """The first call of a function that makes variables, where TensorFlow makes them: with zeros for what is fed."""
        if not step.layered or step.kind != "tensor":
            return []
        if step not in self.first_calls:
            known = set().union(*self.first_calls.values())
            self.first_calls[step] = frozenset() if (calls := self.layers_of(step)) <= known else calls
        if not self.first_calls[step]:
            return []
        zeros = []
        for parameter in self.parameters(step):
            call = parameter.value
            assert isinstance(call, ast.Call)
            shape = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "shape"), None)
            if not isinstance(shape, (ast.List, ast.Tuple)) or self.program.api(call.func) != "tf.placeholder" or any(
                    isinstance(n, ast.Name) and (k := self.graph.key(n)) is not None and k[0] is not self.graph.tree and k[0] is not step.home
                    and n.id != self.program.self_name(n) for n in walk(shape)):
                raise NotDirect("the shape of what a layer is given")
            sizes = ["1" if isinstance(e, ast.Constant) and e.value is None else self.editor.original(e) for e in shape.elts]
            self.program.imports.add("from mindspore import ops")
            zeros.append(f"ops.zeros(({', '.join(sizes)}{',' if len(sizes) == 1 else ''}), {parameter.text})")
        return [f"{self.reference(step)}({', '.join(zeros)})  # makes its Parameters"]

    def layers_of(self, step: Step) -> frozenset[str]:
        """The layers that a step calls, with what tells their variables: the scope, and the arguments that are no tensors."""
        found = set()
        for call in walk(step.value):
            if isinstance(call, ast.Call) and makes(self.program, ast.Call(call.func, [], [])):
                parts = [*call.args, *(k.value for k in call.keywords if k.arg != "reuse")]
                given = [self.editor.original(a) for a in parts if self.program.kind(a) not in ("tensor", "tensors")]
                found.add(f"{self.program.callee(call) or id(call)} {prefix_at(self.program, call)} {given}")
        return frozenset(found)

    def insert_methods(self) -> None:
        for owner, texts in self.methods.items():
            start = self.program.method(owner, "__init__")
            assert start is not None
            later = [s for s in owner.body[owner.body.index(start) + 1:] if s not in self.dropped]
            text = "\n".join(texts)
            if later:
                self.editor.insert_before(later[0], text)
            else:
                self.editor.insert_after(start, "\n" + text.rstrip("\n"))
        for home, name in self.promoted:
            assert isinstance(home, Function)
            for node in walk(home):
                if isinstance(node, ast.Name) and node.id == name and (node not in self.settled or isinstance(node.ctx, ast.Store)) \
                        and self.graph.key(node) == (home, name):
                    self.editor.replace(node, f"self.{name}")
            owner = self.program.owner[home]
            if self.program.attribute_values(owner, name) or self.program.method(owner, name) is not None:
                raise NotDirect(f"self.{name} is something else")

    def spaced(self, node: ast.stmt, lines: list[str]) -> str:
        """The text of lines that may begin or end with a definition, with blank lines around it as far as there are none."""
        source, (start, end) = self.editor.source, self.editor.span(node)
        before = source[:start].split("\n")[-2:-1]
        after = source[end:].split("\n")[1:2]
        if lines[0].startswith(("def ", "@")) and before and before[0].strip() and not before[0].lstrip().startswith("#"):
            lines = ["", *lines]
        if lines[-1] == "" and after and not after[0].strip():
            lines = lines[:-1]
        return "\n".join(lines)

    def grouped(self, step: Step) -> bool:
        """Whether an action happens only as a part of a group."""
        groups = [s for s in self.graph.steps if s.kind == "action" and isinstance(s.value, ast.Call) and self.program.api(s.value.func) == "tf.group"]
        return step not in self.runs.fetched_steps and any(self.graph.find(a) is step for s in groups for a in s.value.args)  # type: ignore[attr-defined]

    def make_optimizer(self, step: Step) -> list[str]:
        call, loss = step.value, self.loss_of(step)
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        self.program.imports.update(("from mindspore import nn", "from mindspore import ops"))
        said = self.graph.trained(call)
        if said is None and self.program.layered:
            weights = "list(parameters.values())"
        elif said is None:
            assert loss is not None
            weights = self.weights(loss)
        else:
            weights = listing([self.several_text(v, Context(step)) for v in said])
        made = self.graph.optimizer(call.func.value)
        if made is None:
            raise NotDirect("an optimizer that is not known")
        named = self.graph.find(call.func.value)
        name = named.names[0] if named is not None else self.optimizer_name(step)
        if (name, step.owner) in self.made:
            raise NotDirect("an optimizer with two losses")
        self.made.add((name, step.owner))
        text = f"self.{name}" if step.owner is not None else name
        self.updaters[step] = (text, weights if said is not None or not self.program.layered else f"{text}.parameters")
        return [f"{text} = {self.graph.optimizer_text(made, weights)}", ""]

    def optimizer_name(self, step: Step) -> str:
        """A name for an optimizer that the program gives none: each object has its own."""
        known = {name for name, owner in self.made if owner is step.owner}
        taken = step.owner is None or self.program.attribute_values(step.owner, "optimizer") or self.program.method(step.owner, "optimizer")
        return self.fresh("optimizer") if taken or "optimizer" in known else "optimizer"

    def weights(self, loss: Step) -> str:
        """The list of the variables that a loss depends on, in the order in which they were made."""
        pieces: list[str] = []
        here = Context(loss)
        for step in self.graph.steps:
            if step.kind not in ("variable", "variables") or step.items or not self.graph.leads_to(loss, [step]) and step not in loss.reads:
                continue
            if "requires_grad=False" in step.text:
                continue
            if step.owner is not loss.owner:
                raise NotDirect("variables of several parts of the program")
            pieces.append(self.several_text(step, here))
        if not pieces or any(self.hidden_variables(s) for s in [loss, *self.closure(loss)]):
            raise NotDirect("variables that are not seen")
        return listing(pieces)

    def several_text(self, step: Step, context: Context) -> str:
        """A variable, or the variables of a container, as they stand in a list."""
        text = self.text_of(step, None, context)
        return f"*{text}" if step.holds == "list" else f"*{text}.values()" if step.holds == "dict" else text

    def hidden_variables(self, step: Step) -> bool:
        """Whether a step calls an object that keeps variables of its own."""
        for call in walk(step.value):
            if isinstance(call, ast.Call) and isinstance(function := self.program.callee(call), Function):
                owner = self.program.owner.get(function)
                if owner is not None and owner is not step.owner:
                    return True
        return False

    # ----------------------------------------------------------------------------------------------------------- expressions

    def render(self, node: ast.AST, context: Context) -> str:
        """The text of an expression in a context."""
        def put(part: ast.expr) -> str | None:
            if isinstance(part, ast.Call) and self.program.api(part.func) in CONSTANTS and self.runs_compiled(context) and self.differentiable(part):
                return f"ms.mutable({self.program.render(part, lambda n: None if n is part else put(n))})"
            if not isinstance(part, (ast.Name, ast.Attribute)) or not isinstance(part.ctx, ast.Load):
                return None
            step = self.graph.find(part)
            if step is not None:
                if self.constant(step, context) and self.differentiable(part):
                    return f"ms.mutable({self.text_of(step, part, context)})"
                return self.text_of(step, part, context) if step.kind not in ("session",) else None
            return self.host_text(part, context)

        text = self.program.render(node, put)
        return text

    def text_of(self, step: Step, node: ast.AST | None, context: Context) -> str:
        """The text by which a step's value is had."""
        if step in context.given:
            return context.given[step]
        key = self.graph.key(node) if node is not None else None
        name = key[1] if key is not None and key in step.targets else step.names[0]
        if step.kind == "placeholder":
            return name
        if step.kind == "list":
            return "[" + ", ".join(self.text_of(s, None, context) for s in step.items) + "]"
        if self.graph.waits(step) and step.kind in ("tensor", "gradient"):
            if step in context.local:
                return name
            raise NotDirect(f"{name} where it is not computed")
        if step in context.local and step.kind in ("tensor", "gradient"):
            return name
        if step.owner is not None:
            target = key if key is not None and key in step.targets else step.targets[0]
            if target[0] is step.home:
                self.promoted[target] = None
            if isinstance(node, (ast.Name, type(None))) or target[0] is step.home:
                return f"{self.object_of(step.owner)}.{name}"
            return self.editor.original(node)  # type: ignore[arg-type]
        return name if not isinstance(node, ast.Attribute) else self.editor.original(node)

    def runs_compiled(self, context: Context) -> bool:
        """Whether what is written in a context runs in compiled code."""
        return context.step is not None and any(self.compiled(s) and context.step in self.reached(s) for s in self.wanted)

    def constant(self, step: Step, context: Context) -> bool:
        """Whether a tensor is a constant of compiled code, which gives no gradient for one."""
        if step.kind == "tensor" and isinstance(step.value, ast.Call) and self.program.api(step.value.func) in CONSTANTS:
            return self.runs_compiled(context)
        here = step not in context.local and step not in context.given
        return here and step.kind == "tensor" and not self.graph.waits(step) and self.runs_compiled(context)

    def differentiable(self, node: ast.expr) -> bool:
        """Whether an expression is handed to a function of the program that takes gradients."""
        call = self.editor.parent(node)
        call = self.editor.parent(call) if isinstance(call, ast.keyword) else call
        return isinstance(call, ast.Call) and call.func is not node and isinstance(function := self.program.callee(call), Function) \
            and self.program.has_sites(function)

    def host_text(self, node: ast.expr, context: Context) -> str | None:
        """A name of __init__ that a method reads: what the object keeps of it."""
        if context.step is None or context.step.owner is None or not isinstance(node, ast.Name):
            return None
        home = context.step.home
        if self.graph.key(node) != (home, node.id) or node.id == self.program.self_name(node):
            return None
        owner = context.step.owner
        values = [(part, value) for statement in walk(home) if isinstance(statement, ast.Assign) for part, value in self.kept(statement)]
        for part, value in values:
            if isinstance(value, ast.Name) and value.id == node.id and isinstance(part, ast.Attribute) \
                    and len(self.program.attribute_values(owner, part.attr)) == 1:
                return f"self.{part.attr}"
        bound = self.program.bindings(node)
        taken = {s.names[0] for s in self.graph.steps if s.owner is owner} | {label for s, label in self.labels.items() if s.owner is owner}
        if len(bound) != 1 or self.program.attribute_values(owner, node.id) or self.program.method(owner, node.id) is not None or node.id in taken:
            raise NotDirect(f"{node.id} is known in __init__ only")
        if isinstance(bound[0].node, ast.arg) or bound[0].value is not None and bound[0].path is None and isinstance(bound[0].node, ast.Name):
            self.remembered.setdefault((home, node.id), bound[0])
            return f"self.{node.id}"
        raise NotDirect(f"{node.id} is known in __init__ only")

    def remember(self) -> None:
        """What methods need of the names of `__init__` is kept on the object."""
        for (home, name), binding in self.remembered.items():
            assert isinstance(home, Function)
            text = f"self.{name} = {name}"
            if isinstance(binding.node, ast.arg):
                documented = isinstance(home.body[0], ast.Expr) and isinstance(home.body[0].value, ast.Constant) and len(home.body) > 1
                self.editor.insert_before(home.body[1 if documented else 0], text)
            else:
                self.editor.insert_after(self.editor.statement(binding.node), text)

    def kept(self, statement: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
        from mapper.staging.direct_program import unpacked

        return [pair for target in statement.targets for pair in unpacked(target, statement.value)]

    # ------------------------------------------------------------------------------------------------------- gradient sites

    def gradient(self, step: Step, context: Context) -> list[str]:
        """The statements that take the gradients of a site."""
        site = step.site
        assert site is not None
        weights = [x for x in site.xs if x.kind in ("variable", "variables")]
        inputs = [x for x in site.xs if x not in weights]
        names = [x.names[0] for x in inputs]
        whole = self.whole(site) if self.graph.waits(step) else None
        arguments, extra = list(inputs), ""
        lines: list[str] = []
        if whole is not None:
            parameters = self.parameters(whole)
            direct = inputs in ([], parameters) or inputs == parameters[:1] and not weights
            if direct and whole not in self.shielded:
                name, arguments = self.reference(whole), parameters
            else:
                if direct:
                    arguments, names = parameters, [p.names[0] for p in parameters]
                name = self.fresh(f"{self.labels[whole]}_of_{'_'.join(names)}" if names else f"compute_{self.labels[whole]}")
                lines = [f"def {name}({', '.join(names)}):", f"{self.editor.unit()}return {self.call(whole)}", ""]
        else:
            name = self.function_name(site, names)
            shared = self.shared(site) if self.graph.waits(step) else []
            arguments = [*inputs, *([] if shared else self.outer_inputs(site))]
            lines = self.function(name, arguments, site, context, shared)
        alone = len(site.xs) == 1 and (site.pick is not None or not self.listed(step) or bool(site.asked)) and site.xs[0].kind != "variables"
        only = not alone and len(site.xs) == 1 and inputs and len(arguments) > 1 and not weights  # a list of one, of a function of several
        if inputs and len(arguments) > len(inputs) and not alone and not only:
            extra = f"[:{len(inputs)}]"
            if weights:
                raise NotDirect("weights and some of the inputs")
        options = ["get_all=True"] if inputs and (weights or not alone and not only) else []
        options += ["get_by_list=True"] * bool(weights) + ["sens_param=True"] * bool(site.sens)
        self.program.imports.add("from mindspore import ops")
        call = f"ops.GradOperation({', '.join(options)})({name}"
        if weights:
            texts = [self.several_text(w, context) for w in weights]
            compiled = self.inside or self.runs_compiled(context)
            call += f", {texts[0]}" if alone else f", {listing(texts)}" if compiled else f", ms.ParameterTuple({listing(texts)})"
        sens = [self.cotangent(part, context) for part in site.sens or ()]
        texts = [self.text_of(a, None, context) for a in arguments]
        given = [f"ms.mutable({text})" if self.constant(a, context) else text for a, text in zip(arguments, texts)]
        given = [f"ops.zeros_like({text})" if a in site.shifted else text for a, text in zip(arguments, given)]
        given += site.each
        given += [] if not sens else sens if len(sens) == 1 else [f"({', '.join(sens)})"]
        call += f")({', '.join(given)})" + extra
        call = f"({call},)" if only else call
        if len(call) + len(", ".join(step.names)) > 96:
            head = call.index("(", call.index("GradOperation(") + len("GradOperation("))
            call = call[:head + 1] + "\n" + self.editor.unit() + call[head + 1:]
        if site.asked:
            lines += self.filled(step, call, inputs, weights, alone)
        else:
            lines.append(self.result(step, call, inputs, weights, alone, context))
        if not self.inside or site.call not in self.sites:
            self.sites[site.call] = call
        return lines

    def cotangent(self, node: ast.expr, context: Context) -> str:
        """The text of one of grad_ys; for None, that of the sum which the function gives instead of its y."""
        if is_none(node):
            return "ms.Tensor(1.0, ms.float32)"
        text = self.render(node, context)
        return text if self.program.kind(node) == "tensor" else self.program.as_tensor(node, text)

    def outer_inputs(self, site: Site) -> list[Step]:
        """The xs of gradients inside the function of a site that come from outside of it.

        A compiled function takes what it captures for constants, and the gradient for a constant is not the right one."""
        inner = self.graph.slice(site)
        bound = {*inner, *site.xs}
        found = [x for s in inner if s.site is not None for x in s.site.xs if x not in bound and x.kind != "variable"]
        return list(dict.fromkeys(found))

    def listed(self, step: Step) -> bool:
        return step.holds == "tensors" or step.site is not None and step.site.pick is not None

    def filled(self, step: Step, call: str, inputs: list[Step], weights: list[Step], alone: bool) -> list[str]:
        """The gradients for all that is asked for: None, or zeros, for what is not connected."""
        site = step.site
        assert site is not None
        lines: list[str] = []
        found: dict[Step, str] = {}
        if alone:
            found[site.xs[0]] = call
        elif inputs and weights:
            first, second = self.pair = self.pair or (self.fresh("input_grads"), self.fresh("weight_grads"))
            lines.append(f"{first}, {second} = {call}")
            found.update({x: f"{first}[{i}]" for i, x in enumerate(inputs)})
            found.update({w: f"{second}[{i}]" for i, w in enumerate(weights)})
        else:
            name = self.fresh("found")
            lines.append(f"{name} = {call}")
            found.update({x: f"{name}[{i}]" for i, x in enumerate(site.xs)})
        texts = [found[x] if x in found else f"ops.zeros_like({self.text_of(x, None, Context(step))})" if site.zeros else "None" for x in site.asked]
        target = ", ".join(step.names)
        value = texts[site.pick] if site.pick is not None else ("[%s]" if self.listed(step) else "%s") % ", ".join(texts)
        return [*lines, f"{target} = {value}"]

    def result(self, step: Step, call: str, inputs: list[Step], weights: list[Step], alone: bool, context: Context) -> str:
        site = step.site
        assert site is not None
        target = ", ".join(step.names)
        if inputs and weights:
            self.pair = self.pair or (self.fresh("input_grads"), self.fresh("weight_grads"))
            first, second = self.pair
            if any(x.kind == "variables" for x in weights):
                if list(site.xs) != [*inputs, *weights] or site.pick is not None:
                    raise NotDirect("variables of a container between other xs")
                return f"{first}, {second} = {call}\n{target} = [*{first}, *{second}]"
            order = [f"{first}[{inputs.index(x)}]" if x in inputs else f"{second}[{weights.index(x)}]" for x in site.xs]
            value = order[site.pick] if site.pick is not None else ("[%s]" if self.listed(step) else "%s") % ", ".join(order)
            return f"{first}, {second} = {call}\n{target} = {value}"
        if site.loop is not None:
            loop = site.loop.generators[0]
            said = self.render(loop.iter, context)
            return f"{target} = [{call} for {self.editor.original(loop.target)} in {said}]"
        if site.pick is not None and not alone:
            return f"{target} = {call}[{site.pick}]"
        return f"{target} = {call}"

    def function_name(self, site: Site, inputs: Sequence[str]) -> str:
        steps = [self.graph.find(y) for y in site.ys]
        y = steps[0].names[0] if len(steps) == 1 and steps[0] is not None and isinstance(site.ys[0], (ast.Name, ast.Attribute)) else ""
        if not y and site.loop is not None:
            return self.fresh("part")
        if not y:
            return self.fresh("forward")
        return self.fresh(f"{y}_of_{'_'.join(inputs)}" if inputs else f"compute_{y}")

    def function(self, name: str, inputs: Sequence[Step], site: Site, outer: Context, shared: Sequence[Step] = ()) -> list[str]:
        """The function from the inputs to ys: the statements between, where they came from, or calls of the functions `shared`."""
        inner = self.graph.slice(site) if not shared else []
        context = outer.without([*inputs, *inner, *shared])
        context.given.update({step: self.call(step) for step in shared})
        body: list[str] = []
        sums = [site.sens is not None and is_none(part) for part in site.sens or site.ys]
        result = [f"ops.sum({self.render(y, context)})" if summed else self.render(y, context) for y, summed in zip(site.ys, sums)]
        shifts = {x: self.fresh(f"{x.names[0]}_shift") for x in site.shifted}
        for step in inner:
            if step in shifts:
                lines = self.written(step, context)
                plain = isinstance(step.value, (ast.BinOp, ast.Call, ast.Name)) and "\n" not in lines[-1] and "#" not in lines[-1]
                body += [*lines[:-1], f"{lines[-1]} + {shifts[step]}"] if plain else [*lines, f"{step.names[0]} = {step.names[0]} + {shifts[step]}"]
            elif step.site is not None:
                self.inside += 1
                body += self.gradient(step, context)
                self.inside -= 1
            elif step is inner[-1] and len(result) == 1 and result[0] == step.names[0] and len(step.targets) == 1 \
                    and not isinstance(step.node, (ast.AugAssign, ast.For)):
                self.no_late_names(step)
                result = [self.render(step.value, context)]
                body += self.comments(step)
            else:
                body += self.written(step, context)
        if "\n" in result[0] and not result[0].startswith("("):
            result = [f"({result[0]})"] if len(result) == 1 else result
        unit = self.editor.unit()
        nested = self.deep(site)
        lines = ["@ms.jit"] if nested and outer.step is None else []
        lines.append(f"def {name}({', '.join([*(shifts.get(x, x.names[0]) for x in inputs), *site.each])}):")
        lines += [(unit + line).rstrip() for part in [*body, f"return {', '.join(result)}"] for line in part.split("\n")]
        return [*lines, ""]

    def comments(self, step: Step) -> list[str]:
        """The comment lines above a statement that moves."""
        return self.own_comments(step) if self.gone(step) else []

    def gone(self, step: Step) -> bool:
        """Whether a statement no longer stands where it stood, so that its comments move with it."""
        return not step.inner and step not in self.wanted and (step not in self.needed or self.graph.waits(step))

    def own_comments(self, step: Step) -> list[str]:
        start = self.editor.span(step.node)[0]
        lines = self.editor.source[:start].split("\n")[:-1]
        found: list[str] = []
        while lines and lines[-1].strip().startswith("#"):
            found.insert(0, lines.pop().strip())
        return found

    # ------------------------------------------------------------------------------------------------------- the rest of it

    def functions(self) -> None:
        """The functions that compute on values or make variables."""
        from mapper.staging.direct import parameter_text

        program = self.program
        homes = {s.home for s in self.graph.steps if s.kind != "session"}
        for function in [n for n in walk(self.graph.tree) if isinstance(n, Function)]:
            role = program.role(function)
            if function in homes or role == "graph" or role == "host" and not program.on_tensors(function):
                continue
            if role in ("value", "host", "layer"):
                if role == "layer":
                    header_edit(program, function)
                self.local_sites.convert(function)
                self.settled.update(walk(function))
            else:
                for call in [n for n in walk(function) if isinstance(n, ast.Call)]:
                    api = program.api(call.func)
                    if api in ("tf.Variable", "tf.get_variable"):
                        self.editor.replace(call, parameter_text(program, call, None))
                        self.settled.update(walk(call))
                for start in returns(function):
                    starts = isinstance(start, ast.Call) and program.layered and program.holds_initializer(start)
                    if isinstance(start, ast.Call) and starts and (text := layer_text(program, start, lambda n: None)):
                        self.editor.replace(start, text)
                        self.settled.update(walk(start))
        self.sites |= self.local_sites.placed

    def furniture(self) -> None:
        """The session, the initializer and their statements go."""
        graph = self.graph
        for statement in graph.furniture:
            self.settled.update(walk(statement))
            if "set_random_seed" not in self.editor.original(statement):
                self.drop(statement)
        for node in walk(graph.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                call = node.value
                closes = isinstance(call.func, ast.Attribute) and call.func.attr == "close" and graph.is_session(call.func.value)
                starts = graph.is_run(call) and len(call.args) == 1 and self.is_initializer(call.args[0])
                starts = starts or isinstance(call.func, ast.Attribute) and call.func.attr == "run" and self.is_initializer(call.func.value)
                if closes or starts:
                    self.drop(node)
        for statement in graph.unwrapped:
            self.settled.update(n for item in statement.items for n in walk(item))
            self.editor.unwrap(statement)

    def emptied(self, body: Sequence[ast.stmt]) -> bool:
        graph = self.graph
        return all(s in self.dropped or s in graph.furniture or isinstance(s, ast.With) and s in graph.unwrapped and self.emptied(s.body) for s in body)

    def stray_comments(self, part: Function) -> bool:
        """Whether a function holds comments that went nowhere with its statements."""
        moved = [c for s in self.graph.steps if s.home is part for c in [*self.own_comments(s), self.editor.trailing_comment(s.node)] if c]
        return len(self.editor.comments(part)) > len(moved)

    def is_initializer(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return self.program.api(node.func) in (*INITIALIZERS, "tf.variables_initializer")
        step = self.graph.find(node)
        return step is not None and step.kind == "initializer"

    def remove(self, node: ast.stmt) -> None:
        """Takes a statement away that functions hold now, with its comments."""
        self.dropped.add(node)
        self.editor.delete(node, comments=False)

    def drop(self, node: ast.stmt) -> None:
        self.settled.update(walk(node))
        self.dropped.add(node)
        self.editor.delete(node)

    def session_arguments(self) -> None:
        """Sessions are no longer handed on."""
        for function, parameters in self.program.session_parameters().items():
            arguments = function.args
            if arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
                raise NotDirect("a session among any number of arguments")
            owner = self.program.owner.get(function)
            calls = self.program.calls.get(function, []) + (self.program.calls.get(owner, []) if owner is not None and function.name == "__init__" else [])
            for parameter in parameters:
                at = len(arguments.args) - arguments.args.index(parameter)
                defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + list(arguments.defaults)
                self.take_out([(a, d or a) for a, d in zip(arguments.args, defaults)], len(arguments.args) - at)
                for call in calls:
                    listed: list[Part] = [*call.args, *call.keywords]
                    parts = [(p, p) for p in listed]
                    given = self.program.argument(function, call, parameter.arg)
                    place = next((i for i, (p, _) in enumerate(parts) if p is given or isinstance(p, ast.keyword) and p.value is given), None)
                    if place is None or any(isinstance(p, ast.Starred) for p, _ in parts):
                        raise NotDirect("a session that is handed on")
                    self.take_out(parts, place)
                    self.settled.update(walk(parts[place][0]))

    def take_out(self, parts: Sequence[tuple[Part, Part]], at: int) -> None:
        """Removes one of the parts of a list of arguments with its comma; each is given by what it begins and ends with."""
        spans = [(self.editor.span(first)[0], self.editor.span(last)[1]) for first, last in parts]  # type: ignore[arg-type]
        if at + 1 < len(spans):
            self.editor.replace_span(spans[at][0], spans[at + 1][0], "")
        elif at > 0:
            self.editor.replace_span(spans[at - 1][1], spans[at][1], "")
        else:
            self.editor.replace_span(*spans[at], "")

    def check_left(self) -> None:
        """Raises NotDirect for what of the graph or of TensorFlow is still there."""
        for node in walk(self.graph.tree):
            if isinstance(node, ast.Call) and node not in self.settled and isinstance(node.func, ast.Attribute) \
                    and node.func.attr in ("assign", "assign_add", "assign_sub") and self.program.kind(node.func.value) not in ("array", "number"):
                raise NotDirect("an update in host code")
            if node in self.settled or not isinstance(node, (ast.Name, ast.Attribute)):
                continue
            if self.program.api(node) is not None:
                raise NotDirect(f"{self.program.api(node)} outside of the graph")
            if isinstance(node.ctx, ast.Load) and self.program.is_session(node):
                raise NotDirect("a session in host code")
            step = self.graph.find(node)
            if step is not None and isinstance(node.ctx, ast.Load) and step.kind not in ("variables",) and not self.promotes(node):
                raise NotDirect(f"{step.names[0]} in host code")

    def known_before_a_run(self) -> None:
        """What the program asks of gradients without running them: whether one is None, and how many there are."""
        for node in walk(self.graph.tree):
            if node in self.settled:
                continue
            if isinstance(node, ast.Compare) and is_none(node.comparators[0]) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
                asked, owner = node.left, node.left
                at = None
                if isinstance(asked, ast.Subscript) and isinstance(asked.slice, ast.Constant) and isinstance(asked.slice.value, int):
                    owner, at = asked.value, asked.slice.value
                step = self.graph.find(owner)
                if step is None or step.site is None or (step.holds == "tensors") != (at is not None):
                    continue
                every = step.site.asked or step.site.xs
                one = step.site.pick if at is None else at
                if one is None and len(every) == len(step.targets) > 1:
                    one = next(i for i, key in enumerate(step.targets) if key == self.graph.key(owner))
                if any(x.kind == "variables" for x in every) or one is None and len(every) > 1 or not 0 <= (one or 0) < len(every):
                    continue
                absent = every[one or 0] not in step.site.xs and not step.site.zeros
                self.editor.replace(node, str(absent == isinstance(node.ops[0], ast.Is)))
                self.settled.update(walk(node))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1 \
                    and (count := self.count_of(self.graph.find(node.args[0]))) is not None:
                self.editor.replace(node, str(count))
                self.settled.update(walk(node))

    def count_of(self, step: Step | None) -> int | None:
        """How many gradients a list holds, where that is known: all that are asked for, or those that are not None."""
        if step is None or step.holds != "tensors":
            return None
        if step.site is not None:
            every = step.site.asked or step.site.xs
            return None if step.site.loop is not None or any(x.kind == "variables" for x in every) else len(every)
        value = step.value
        if isinstance(value, ast.ListComp) and len(value.generators) == 1 and (inner := self.graph.find(value.generators[0].iter)) is not None:
            tests = [ast.unparse(t) for t in value.generators[0].ifs]
            if inner.site is not None and not inner.site.zeros and tests == [f"{ast.unparse(value.generators[0].target)} is not None"] \
                    and not any(x.kind == "variables" for x in inner.site.xs):
                return len(inner.site.xs)
        return None

    def check_names(self, code: str) -> None:
        """Raises NotDirect when the output reads a name that TensorFlow's imports gave."""
        tree = ast.parse(code)
        bound = {n.id for n in walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        bound |= {a.asname or a.name.split(".")[0] for n in walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
        bound |= {a.arg for a in walk(tree) if isinstance(a, ast.arg)}
        gone = {a.asname or a.name.split(".")[0] for n in walk(self.graph.tree) if isinstance(n, (ast.Import, ast.ImportFrom)) and _is_tensorflow(n)
                for a in n.names if isinstance(n, ast.ImportFrom) or a.name.split(".")[0] == "tensorflow"}
        if any(isinstance(n, ast.Name) and n.id in gone - bound for n in walk(tree)):
            raise NotDirect("a part of the graph that no function holds")

    def variables_in_loops(self) -> None:
        """What loops over variables say of them."""
        chosen = {n for s in self.graph.steps if s.kind == "variables" for n in walk(s.value)}
        for node in walk(self.graph.tree):
            if not isinstance(node, (ast.For, ast.comprehension)) or node in chosen:
                continue
            zipped = isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "zip"
            sources = node.iter.args if zipped else [node.iter]  # type: ignore[attr-defined]
            targets = node.target.elts if zipped and isinstance(node.target, (ast.Tuple, ast.List)) else [node.target]
            for source, target in zip(sources, targets):
                if self.graph.holds_variables(source) and isinstance(target, ast.Name) and source not in self.settled:
                    for part, text in attributes(self.program, node if isinstance(node, ast.For) else self.editor.parent(node), target.id):  # type: ignore[arg-type]
                        self.editor.replace(part, text)

    def promotes(self, node: ast.AST) -> bool:
        return self.graph.key(node) in self.promoted

    def imports(self) -> None:
        tree = self.graph.tree
        old = [n for n in walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) and _is_tensorflow(n)]
        if any(n not in tree.body for n in old):
            raise NotDirect("an import inside a block")
        if self.program.carried & self.program.taken:
            raise NotDirect("a name that the program has for something else")
        if self.program.carried:
            self.program.imports.add("from mindspore import ops")
        if "dense_layer" in self.program.carried:
            self.program.imports.add("from mindspore.common.initializer import initializer")
        lines = merged(self.program.imports)
        if self.program.carried:
            last = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))][-1]
            definitions = value_definitions(self.program.carried)
            if last in old and len(old) == 1 and len(last.names) == 1:
                lines += ["", "", *definitions.split("\n"), ""]
            else:
                self.editor.insert_after(last, "\n\n" + definitions + "\n")
        first = old[0]
        if all(isinstance(first, ast.ImportFrom) or a.name.split(".")[0] == "tensorflow" for a in first.names):
            self.editor.replace_statement(first, "\n".join(lines))
            del old[0]
        else:
            self.editor.insert_before(first, "\n".join(lines))
        for node in old:
            self.editor.remove_names(node, [a for a in node.names if isinstance(node, ast.ImportFrom) or a.name.split(".")[0] == "tensorflow"])

    def places(self, code: str) -> list[Place]:
        """The sites with where they went: the call of GradOperation whose text was written for them."""
        lines = code.split("\n")
        found: list[Place] = []
        used: set[tuple[int, int]] = set()
        for call, text in sorted(self.sites.items(), key=lambda s: (s[0].lineno, s[0].col_offset)):
            said = [part.strip() for part in text.split("\n")]
            spots = [(i + 1, line.index(said[0]) + 1) for i, line in enumerate(lines) if said[0] in line
                     and "\n".join(said) in "\n".join(part.strip() for part in lines[i:i + len(said)])]
            place = next((spot for spot in spots if spot not in used), spots[-1] if spots else None)
            if place is not None:
                used.add(place)
            found.append(Place(f"G{len(found) + 1}", call.lineno, call.col_offset + 1, place))
        return found


def on_one_line(text: str) -> str:
    """An expression whose lines were aligned with what stood before it, on one line where that has room and nothing is lost."""
    joined = re.sub(r"[ \t]*\r?\n[ \t]*", " ", text)
    return joined if len(joined) < 90 and "#" not in text and "\'\'\'" not in text and '"""' not in text else text


def listing(pieces: list[str]) -> str:
    """A list of variables; of containers alone, their sum."""
    if len(pieces) > 1 and all(p.startswith("*") and not p.endswith(")") for p in pieces):
        return " + ".join(p[1:] for p in pieces)
    return pieces[0][1:] if len(pieces) == 1 and pieces[0].startswith("*") and not pieces[0].endswith(")") else f"[{', '.join(pieces)}]"


def merged(lines: set[str]) -> list[str]:
    """Import statements with those of one module as one, MindSpore's own first."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, imported = line.removeprefix("from ").partition(" import ")
        if imported:
            names.setdefault(module, set()).update(imported.split(", "))
    return [*sorted(line for line in lines if not line.startswith("from ")),
            *(f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items()))]


def tidy(code: str, source: str) -> str:
    """The code without the runs of blank lines that statements left which are gone."""
    if not re.search(r"^[ \t]+$", source, re.M):
        code = re.sub(r"^[ \t]+$", "", code, flags=re.M)
    opened = re.compile(r"^([ \t]*(?:def|class)\b[^\n]*:[ \t]*\r?\n)(?:[ \t]*\r?\n)+", re.M)
    if not opened.search(source):
        code = opened.sub(r"\1", code)
    for indent, most in (("[ \\t]", 1), ("[^\\s]", 2)):
        run = max((len(m[1]) for m in re.finditer(rf"\n(\n+)(?={indent})", source)), default=0)
        code = re.sub(rf"\n\n{{{max(run, most) + 1},}}(?={indent})", "\n" * (max(run, most) + 1), code)
    return code


def set_apart(code: str, known: set[str]) -> str:
    """The code with blank lines around the definitions that are not `known`: two at the top level, one elsewhere."""
    if re.search(r"\r(?!\n)", code):
        return code
    lines = code.split("\n")
    empty = "\r" if lines[0].endswith("\r") else ""
    wanted: dict[int, int] = {}
    for parent in walk(ast.parse(code)):
        block = getattr(parent, "body", None)
        if not isinstance(block, list):
            continue
        for i, node in enumerate(block):
            if not isinstance(node, Function) or node.name in known:
                continue
            blank = 2 if isinstance(parent, ast.Module) else 1
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            while start > 0 and lines[start - 1].lstrip().startswith("#"):
                start -= 1
            if i > 0:
                wanted[start] = blank
            if i + 1 < len(block):
                after = node.end_lineno or node.lineno
                while after < len(lines) and not lines[after].strip():
                    after += 1
                wanted[after] = blank
    for at, blank in sorted(wanted.items(), reverse=True):
        there = 0
        while there < at and not lines[at - there - 1].strip():
            there += 1
        lines[at:at] = [empty] * (blank - there)
    return "\n".join(lines)


def _is_tensorflow(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and (node.module or "").split(".")[0] == "tensorflow"
    return any(alias.name.split(".")[0] == "tensorflow" for alias in node.names)
