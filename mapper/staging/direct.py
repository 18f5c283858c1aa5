"""TensorFlow 1 to MindSpore in the direct form: the functions behind the values, written as functions.

What depends on no placeholder and no changing variable is computed where it stands. What does becomes a function of its
placeholders (a method, where a class keeps it on `self`); a run of the session becomes a call. A gradient site becomes a
GradOperation applied to the function that holds the statements between xs and ys. A program that has more than this form can
say raises NotDirect; it is converted in the plain form."""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mapper.edit import walk
from mapper.staging.direct_layers import Piece, filtered, is_layered, is_reuse, joined, makes, pieces_of, prefix_at, registry_text, scope_argument
from mapper.staging.direct_program import DRAWS, GLOROT, SESSIONS, VARIABLES, Function, Kind, NotDirect, Program, Put, loop_names, returns

__all__ = ["Graph", "NotDirect", "Site", "Step"]

Key = tuple[ast.AST, str]
_CUTS = frozenset({"tf.stop_gradient", "tf.floor", "tf.ceil", "tf.sign", "tf.zeros_like", "tf.ones_like", "tf.cast", "tf.argmax", "tf.one_hot"})
_NEVER = _CUTS - {"tf.cast", "tf.sign"}
INITIALIZERS = frozenset({"tf.global_variables_initializer", "tf.initialize_all_variables"})
OPTIMIZERS = {"tf.train.GradientDescentOptimizer": "nn.SGD", "tf.train.AdamOptimizer": "nn.Adam",
              "tf.train.AdagradOptimizer": "nn.Adagrad", "tf.train.MomentumOptimizer": "nn.Momentum", "tf.train.RMSPropOptimizer": "nn.RMSProp"}
STEP_COUNTERS = frozenset({"tf.train.get_or_create_global_step", "tf.train.create_global_step", "tf.contrib.framework.get_or_create_global_step"})
FURNITURE = frozenset({"tf.reset_default_graph", "tf.disable_v2_behavior", "tf.disable_eager_execution", "tf.logging.set_verbosity",
                       "tf.compat.v1.disable_v2_behavior", "tf.compat.v1.disable_eager_execution"})
_ORDER = ("ys", "xs", "grad_ys", "name", "colocate_gradients_with_ops", "gate_gradients", "aggregation_method", "stop_gradients")
_SETTINGS = frozenset({"name", "colocate_gradients_with_ops", "gate_gradients", "aggregation_method"})
VALUES = ("tensor", "gradient")


@dataclass(eq=False)
class Step:
    """A statement of the graph: what it binds (`targets`), what it reads, and the placeholders it depends on.

    `holds` is "tensor", or "tensors" for a list of them; `items` are those of a list that is written out; `parts` are the calls that
    make the variables of a container, with what they become; an `inner` one stands inside another's expression. A loop is one step; the
    lists that it fills are made empty by `starts`."""

    node: ast.stmt
    kind: str
    targets: list[Key]
    value: ast.expr
    place: int
    owner: ast.ClassDef | None
    home: ast.AST
    reads: list[Step] = field(default_factory=list)
    deps: frozenset[Step] = frozenset()
    varies: bool = False
    site: Site | None = None
    text: str = ""
    holds: str = "tensor"
    items: list[Step] = field(default_factory=list)
    parts: list[tuple[ast.Call, str]] = field(default_factory=list)
    inner: bool = False
    layered: bool = False
    starts: list[ast.Assign] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.targets]


@dataclass(eq=False)
class Site:
    """One call of tf.gradients: its arguments, and `pick`, the index taken from its result.

    `loop` is the comprehension that it stands in, and `each` the variables of that which ys read. `stops` are held constant; of the
    xs that are `shifted`, which depend on others, the function adds what it is given to what it computes. `asked` are all xs where some
    are not connected, whose gradients are None, or zeros."""

    call: ast.Call
    ys: list[ast.expr]
    xs: list[Step]
    sens: list[ast.expr] | None
    pick: int | None
    loop: ast.ListComp | None = None
    each: list[str] = field(default_factory=list)
    stops: list[Step] = field(default_factory=list)
    shifted: list[Step] = field(default_factory=list)
    asked: list[Step] = field(default_factory=list)
    zeros: bool = False


class Graph:
    """What a program builds and runs: its steps, and the step that each expression refers to."""

    def __init__(self, source: str) -> None:
        self.program = Program(source)
        self.editor = self.program.editor
        self.tree = self.program.tree
        self.names = self.program.names
        self.env: dict[Key, Step] = {}
        self.steps: list[Step] = []
        self.meaning: dict[ast.AST, Step] = {}
        self.changes = False
        self.unwrapped: list[ast.With] = []
        self.furniture: list[ast.stmt] = []
        self.parts: dict[Function, ast.stmt | None] = {}
        self.graphs: set[str] = set()
        self.asked: dict[ast.Call, ast.Name] = {}
        self.home: ast.AST = self.tree
        self.owner: ast.ClassDef | None = None
        self.prefix: list[Piece] = []

    # ------------------------------------------------------------------------------------------------------------- reading

    def read(self) -> None:
        """Finds out what every statement of the graph is. Raises NotDirect."""
        program = self.program
        program.layered = is_layered(program)
        if program.layered and any(isinstance(n, ast.Compare) and is_none(n.comparators[0]) and self.may_be_gradient(n.left) for n in walk(self.tree)):
            raise NotDirect("gradients that may be None")
        if any(program.api(n) in ("tf.float64", "tf.double", "tf.float16") for n in walk(self.tree)):
            raise NotDirect("another dtype than float32")
        for owner in program.classes.values():
            start = program.method(owner, "__init__")
            if start is None or program.owner.get(start) is not owner or program.role(start) not in ("graph", "value"):
                continue
            if any(isinstance(b, ast.Name) and b.id in program.classes for b in owner.bases):
                raise NotDirect("a class that inherits its graph")
            self.enter(start, owner)
        functions = [n for n in walk(self.tree) if isinstance(n, Function) and program.role(n) == "graph" and n not in {s.home for s in self.steps}]
        for function in functions:
            if function not in program.owner:
                self.enter(function, None)
        self.enter(self.tree, None)
        known: dict[Step, int] = {}
        program.thrice = any(self.order(s, known) > 2 for s in self.steps)
        for function in functions:
            if function in program.owner and function.name != "__init__":
                self.home, self.owner = function, program.owner[function]
                self.sessions(function.body)

    def order(self, step: Step, known: dict[Step, int]) -> int:
        """How many gradients, one inside the other, a step is made of."""
        if step not in known:
            known[step] = max((self.order(s, known) for s in step.reads), default=0) + (step.site is not None)
        return known[step]

    def enter(self, home: ast.Module | Function, owner: ast.ClassDef | None) -> None:
        self.home, self.owner = home, owner
        self.program.homes.add(home)
        self.body(home.body)

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.top(statement)

    def top(self, node: ast.stmt) -> None:
        program = self.program
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
            return
        if isinstance(node, ast.With):
            self.within(node)
        elif isinstance(node, ast.If) and _is_main(node):
            self.body(node.body)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and program.api(node.value.func) in FURNITURE:
            self.furniture.append(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and program.api(node.value.func) == "tf.set_random_seed":
            self.editor.replace(node.value.func, "ms.set_seed")
            self.furniture.append(node)
        elif isinstance(node, ast.Expr) and is_reuse(program, node.value):
            self.furniture.append(node)
        elif isinstance(node, ast.Expr) and (part := self.part(node.value)) is not None:
            self.enter_part(part, node)
        elif isinstance(node, ast.AugAssign) and self.tensors(node.target):
            self.changed_in_place(node)
        elif isinstance(node, ast.For) and self.builds(node):
            self.loop(node)
        elif isinstance(node, ast.Assign):
            self.assignment(node)
        else:
            self.sessions([node])

    def part(self, node: ast.expr, ends: int = 0) -> Function | None:
        """The method whose statements are a part of the `__init__` that calls it, as in `self._build_net()`: nobody else calls it.

        `ends` is how often it gives something back, which has to be its last statement."""
        if not isinstance(node, ast.Call) or self.owner is None or not isinstance(node.func, ast.Attribute):
            return None
        given = [*node.args, *(k.value for k in node.keywords)]
        if self.tensors(node) or any(self.program.is_session(a) or isinstance(a, (ast.Starred, ast.Call)) for a in given):
            return None
        function = self.program.callee(node)
        if not isinstance(function, Function) or self.program.owner.get(function) is not self.owner or self.program.role(function) == "host":
            return None
        if function.args.vararg or function.args.kwarg or function.decorator_list or len(self.program.calls.get(function, ())) != 1:
            return None
        if len(returns(function)) != ends or ends and not isinstance(function.body[-1], ast.Return):
            return None
        return function

    def enter_part(self, part: Function, node: ast.stmt, target: ast.expr | None = None) -> None:
        """Reads the statements of such a method; what it gives back at its end is the value of `target`."""
        outer, self.home = self.home, part
        self.parts[part] = node if target is None else None
        self.program.homes.add(part)
        end = part.body[-1]
        self.body(part.body if target is None else part.body[:-1])
        if target is not None:
            assert isinstance(end, ast.Return) and end.value is not None and isinstance(node, ast.Assign)
            known = len(self.steps)
            self.single(node, target, end.value)
            if len(self.steps) == known or any(not s.deps or s.kind not in VALUES for s in self.steps[known:]):
                raise NotDirect("what a method gives back")
            self.furniture.append(end)
        self.home = outer

    def sessions(self, statements: Sequence[ast.stmt]) -> None:
        """Finds the sessions in code that is no part of the graph."""
        for statement in statements:
            if isinstance(statement, ast.With) and any(isinstance(i.context_expr, ast.Call) and self.program.api(i.context_expr.func) in SESSIONS
                                                       for i in statement.items):
                self.within(statement, self.sessions)
                continue
            value = statement.value if isinstance(statement, ast.Assign) else None
            if isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and self.program.api(value.func) in SESSIONS:
                self.assignment(statement)
            elif not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                for name in ("body", "orelse", "finalbody"):
                    self.sessions(getattr(statement, name, []))

    def within(self, node: ast.With, read: Callable[[Sequence[ast.stmt]], None] | None = None) -> None:
        """`with` for a session or a scope: its statements are the program's own."""
        outer = self.prefix
        for item in node.items:
            call, target = item.context_expr, item.optional_vars
            api = self.program.api(call.func) if isinstance(call, ast.Call) else None
            if isinstance(call, ast.Call) and api in SESSIONS and self.is_plain_session(call):
                if target is not None:
                    key = self.key(target)
                    if key is None:
                        raise NotDirect("with")
                    self.env[key] = self.step(node, "session", [key], call)
            elif api == "tf.variable_scope" and (name := scope_argument(self.program, item)) is not None:
                self.prefix = [*self.prefix, *pieces_of(self.program, name), (True, "/")]
            elif isinstance(call, ast.Call) and self.is_graph(call) and target is None:
                self.graphs.add(ast.unparse(call.func.value))  # type: ignore[attr-defined]
                if len(self.graphs) > 1:
                    raise NotDirect("several graphs")
            elif api not in ("tf.name_scope", "tf.device") or target is not None:
                if self.program.mentions(node):
                    raise NotDirect("with")
                return
        self.unwrapped.append(node)
        (read or self.body)(node.body)
        self.prefix = outer

    def is_plain_session(self, call: ast.Call) -> bool:
        """Whether a session is one of the program's only graph, with settings that have no meaning for MindSpore."""
        given = dict(zip(("target", "graph", "config"), call.args)) | {str(k.arg): k.value for k in call.keywords}
        graph, config = given.pop("graph", None), given.pop("config", None)
        step = self.find(graph) if graph is not None else None
        known = graph is None or step is not None and step.kind == "graph" or is_none(graph)
        return not given and known and (config is None or isinstance(config, ast.Call) and self.program.api(config.func) == "tf.ConfigProto")

    def is_graph(self, call: ast.Call) -> bool:
        """Whether a call is `tf.Graph().as_default()`, also of a graph that has a name."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "as_default" or call.args or call.keywords:
            return False
        graph = call.func.value
        step = self.find(graph)
        return isinstance(graph, ast.Call) and self.program.api(graph.func) == "tf.Graph" or step is not None and step.kind == "graph"

    def key(self, node: ast.AST) -> Key | None:
        """What a name or an attribute of an object of the program's is known by."""
        if isinstance(node, ast.Name) and node in self.names.scope_of:
            scope = self.names.lookup(node.id, self.names.scope_of[node])
            return (scope.node, node.id) if scope is not None else None
        if isinstance(node, ast.Attribute):
            owner = self.program.instance(node.value)
            return (owner, node.attr) if owner is not None else None
        return None

    def find(self, node: ast.AST) -> Step | None:
        """The step that an expression refers to by name."""
        if node in self.meaning:
            return self.meaning[node]
        key = self.key(node)
        return self.env.get(key) if key is not None else None

    def step(self, node: ast.stmt, kind: str, targets: list[Key], value: ast.expr) -> Step:
        found = Step(node, kind, targets, value, len(self.steps), self.owner, self.home)
        return found

    def add(self, step: Step) -> Step:
        step.place = len(self.steps)
        self.steps.append(step)
        for key in step.targets:
            if key in self.env and self.env[key].kind not in VALUES:
                raise NotDirect(f"{key[1]} is assigned more than once")
            self.env[key] = step
        return step

    def targets(self, node: ast.expr) -> list[Key]:
        parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
        keys = [self.key(p) for p in parts]
        found = [k for k in keys if k is not None]
        if len(found) != len(parts):
            raise NotDirect("what is assigned to")
        return found

    def changed_in_place(self, node: ast.AugAssign) -> None:
        """`loss += more`, which is an assignment of a sum."""
        before = self.find(node.target)
        if before is None or before.kind != "tensor":
            raise NotDirect("a value that changes in place")
        self.meaning[node.target] = before
        self.program.check(node.value)
        step = self.step(node, "tensor", self.targets(node.target), node.value)
        self.read_from(step, [node.target, node.value])
        self.add(step)

    def builds(self, node: ast.For) -> bool:
        """Whether a loop only computes tensors."""
        program = self.program
        if not (program.mentions(node) or self.computes(node) or any(s.kind in VALUES for s in self.tensors(node))):
            return False
        for inner in walk(node):
            if isinstance(inner, (ast.Return, ast.Break, ast.Continue, ast.While, ast.With, ast.FunctionDef, ast.Lambda, ast.Try, ast.Assert)):
                return False
            if isinstance(inner, ast.Call):
                api = program.api(inner.func)
                if api in VARIABLES | {"tf.placeholder", "tf.gradients", "tf.hessians", "tf.assign", "tf.assign_add", "tf.assign_sub"} \
                        or self.is_run(inner) or isinstance(inner.func, ast.Attribute) and inner.func.attr in (
                            "eval", "run", "minimize", "apply_gradients", "compute_gradients", "assign", "assign_add", "assign_sub", "load") \
                        or isinstance(inner.func, ast.Name) and inner.func.id == "print":
                    return False
        return not makes(program, node)

    def loop(self, node: ast.For) -> None:
        """Takes down a loop as one step, which gives what later statements read of what it binds or fills."""
        inside = set(walk(node))
        own = {n.id for loop in inside if isinstance(loop, (ast.For, ast.comprehension)) for n in walk(loop.target) if isinstance(n, ast.Name)}
        written: dict[Key, ast.expr] = {}
        filled: dict[Key, ast.expr] = {}
        for inner in walk(node):
            if isinstance(inner, (ast.Name, ast.Attribute)) and isinstance(inner.ctx, ast.Store) and not (isinstance(inner, ast.Name) and inner.id in own):
                if (key := self.key(inner)) is None:
                    raise NotDirect("what a loop assigns to")
                written.setdefault(key, inner)
            elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "append" \
                    and (key := self.key(inner.func.value)) is not None:
                filled.setdefault(key, inner.func.value)
            elif isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
                raise NotDirect("what a loop assigns to")
        later = {self.key(n) for n in walk(self.tree) if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load) and n not in inside}
        starts = [self.start_of(key, part) for key, part in filled.items() if key not in written and ast.unparse(part) not in own]
        targets = [key for key in {**written, **filled} if key in later]
        if not targets:
            raise NotDirect("a loop that gives nothing")
        self.program.check(node)
        step = self.step(node, "tensor", targets, node)  # type: ignore[arg-type]
        step.starts = [s for s in starts if s is not None]
        kinds = [self.program.kind({**written, **filled}[key]) for key in targets]
        if any(kind not in ("tensor", "tensors") for kind in kinds):
            raise NotDirect("a loop that gives more than tensors")
        step.holds = kinds[0] if len(kinds) == 1 else "tensor"
        self.read_from(step, [node])
        self.add(step)

    def start_of(self, key: Key, name: ast.expr) -> ast.Assign | None:
        """The statement that makes a list empty which a loop fills. Raises NotDirect when there is more to it."""
        found = [n for n in walk(self.tree) if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Store) and self.key(n) == key]
        start = self.editor.statement(found[0]) if len(found) == 1 else None
        if not isinstance(start, ast.Assign) or len(start.targets) != 1 or start.targets[0] is not found[0] or ast.unparse(start.value) != "[]":
            raise NotDirect("a list that a loop fills")
        return start

    def assignment(self, node: ast.Assign) -> None:
        """Takes down an assignment, if it belongs to the graph."""
        program, value = self.program, node.value
        if len(node.targets) != 1:
            if program.mentions(value) or self.tensors(value):
                raise NotDirect("a chain of assignments")
            return
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            kinds = [isinstance(v, ast.Call) and program.api(v.func) in (*VARIABLES, "tf.placeholder") for v in value.elts]
            if any(kinds):
                if not all(kinds):
                    raise NotDirect("values and variables side by side")
                for part, inner in zip(target.elts, value.elts):
                    self.single(node, part, inner)
                return
            makers = [isinstance(v, ast.Call) and (f := program.callee(v)) is not None and program.role(f) == "maker" for v in value.elts]
            if all(makers):
                for part, inner in zip(target.elts, value.elts):
                    self.maker(node, self.targets(part), inner)
                return
        self.single(node, target, value)

    def single(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> None:
        program = self.program
        call = value if isinstance(value, ast.Call) else None
        api = program.api(call.func) if call is not None else None
        if self.is_feed(value) or self.runs_only(value):
            return
        if not isinstance(target, ast.Tuple) and (part := self.part(value, 1)) is not None:
            self.enter_part(part, node, target)
        elif isinstance(value, (ast.Name, ast.Attribute)) and self.program.is_session(value):
            self.add(self.step(node, "session", self.targets(target), value))
        elif call is not None and api in SESSIONS:
            if not self.is_plain_session(call):
                raise NotDirect("session settings")
            self.add(self.step(node, "session", self.targets(target), value))
        elif call is not None and api == "tf.Graph" and not call.args and not call.keywords:
            if any(s.kind == "graph" for s in self.steps):
                raise NotDirect("several graphs")
            self.add(self.step(node, "graph", self.targets(target), value))
        elif call is not None and api in OPTIMIZERS:
            self.add(self.step(node, "optimizer", self.targets(target), value))
        elif api in INITIALIZERS or api == "tf.variables_initializer":
            self.add(self.step(node, "initializer", self.targets(target), value))
        elif call is not None and api in ("tf.placeholder", "tf.placeholder_with_default"):
            step = self.step(node, "placeholder", self.targets(target), value)
            step.deps = frozenset({step})
            step.text = self.placeholder_dtype(call)
            self.add(step)
        elif isinstance(value, ast.ListComp) and isinstance(value.elt, ast.Call) and program.api(value.elt.func) == "tf.placeholder":
            step = self.step(node, "placeholder", self.targets(target), value)
            step.deps, step.holds = frozenset({step}), "tensors"
            step.text = self.placeholder_dtype(value.elt)
            self.add(step)
        elif call is not None and api in STEP_COUNTERS:
            step = self.step(node, "variable", self.targets(target), value)
            step.varies, step.text = True, "ms.Parameter(ms.Tensor(0, ms.int64), name='global_step', requires_grad=False)"
            self.add(step)
        elif call is not None and api in VARIABLES:
            step = self.step(node, "variable", self.targets(target), value)
            step.varies, step.text = True, self.parameter(call, step)
            self.add(step)
        elif (calls := self.variables_in(value)) is not None:
            step = self.step(node, "variables", self.targets(target), value)
            step.varies, step.holds, step.text = True, "dict" if isinstance(value, ast.Dict) else "list", "made"
            step.parts = [(inner, parameter_text(program, inner, None, self.prefix)) for inner in calls]
            self.add(step)
        elif isinstance(value, ast.ListComp) and (site := self.looped_site(value)) is not None:
            self.take_site(node, target, site)
        elif (site := self.gradient_site(value, isinstance(target, (ast.Tuple, ast.List)))) is not None:
            self.take_site(node, target, site)
        elif call is not None and self.take_action(node, target, call) or self.take_actions(node, target, value):
            self.changes = True
        elif program.layered and (edits := filtered(program, value, self.holds_variables)) is not None:
            step = self.step(node, "variables", self.targets(target), value)
            step.varies, step.holds, step.text, step.layered, step.parts = True, "list", "made", True, edits  # type: ignore[assignment]
            self.add(step)
        elif api == "tf.trainable_variables" and call is not None and not call.args and not call.keywords:
            self.listed(node, target, value, self.variables())
        elif call is not None and (function := program.callee(call)) is not None and program.role(function) == "maker":
            self.maker(node, self.targets(target), value)
        elif isinstance(value, (ast.List, ast.Tuple)) and value.elts \
                and all((s := self.find(e)) is not None and s.kind in ("tensor", "gradient", "variable", "placeholder") for e in value.elts):
            self.listed(node, target, value, [s for e in value.elts if (s := self.find(e)) is not None])
        elif program.kind(value) == "number" and not program.mentions(value) and all(s.kind == "variables" for s in self.tensors(value)):
            return  # how many variables there are
        elif program.mentions(value) or self.tensors(value) or self.computes(value):
            self.sites_inside(node, value)
            self.tensor(node, target, value)

    def listed(self, node: ast.Assign, target: ast.expr, value: ast.expr, items: list[Step]) -> None:
        """Takes down a list of what has names. One of variables that loops go over is kept; others stand for their items."""
        kept = all(s.kind in ("variable", "variables") for s in items) and not isinstance(target, ast.Tuple) and self.looped_over(target)
        step = self.step(node, "variables" if kept else "list", self.targets(target), value)
        step.items = items
        if kept:
            step.varies, step.holds, step.text = True, "list", "made"
        self.add(step)

    def looped_over(self, target: ast.expr) -> bool:
        """Whether the program goes over a list, or takes parts of it, elsewhere than for an optimizer."""
        key = self.key(target)
        for node in walk(self.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and node is not target and self.key(node) == key:
                parent = self.editor.parent(node)
                if isinstance(parent, (ast.comprehension, ast.For)) and parent.iter is node or isinstance(parent, ast.Subscript):
                    return True
                if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in ("zip", "enumerate", "len", "reversed"):
                    outer = self.editor.parent(parent)
                    if not (isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute) and outer.func.attr == "apply_gradients"):
                        return True
        return False

    def may_be_gradient(self, node: ast.expr) -> bool:
        """Whether what is compared with None may come from a list of gradients: it is no argument and no attribute."""
        if isinstance(node, ast.Name):
            return any(b.value is None and not isinstance(b.node, ast.arg) for b in self.program.bindings(node))
        return isinstance(node, ast.Subscript)

    def holds_variables(self, node: ast.expr) -> bool:
        step = self.find(node)
        return step is not None and step.kind == "variables" and step.holds == "list"

    def sites_inside(self, node: ast.Assign, value: ast.expr) -> None:
        """The gradients in an expression, as in `-tf.gradients(y, x)[0]`, become values of their own that the expression reads."""
        done: set[ast.AST] = set()
        for inner in list(walk(value)):
            if inner in done:
                continue
            if isinstance(inner, ast.ListComp) and inner is not value and (rows := self.looped_site(inner)) is not None:
                self.name_site(node, inner, rows, "tensors")
                done.update(walk(inner))
                continue
            picked = isinstance(inner, ast.Subscript) and isinstance(inner.value, ast.Call) and self.program.api(inner.value.func) == "tf.gradients"
            looped = isinstance(inner, ast.Call) and self.program.api(inner.func) == "tf.gradients" and self.is_looped(inner)
            if not isinstance(inner, (ast.Subscript, ast.Call)) or not picked and not looped:
                continue
            site, parent = self.gradient_site(inner), self.editor.parent(inner)
            around = [node for node in self.around(inner, value) if not looped or node is not self.editor.parent(parent)]  # type: ignore[arg-type]
            if site is None or parent is None or any(isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.Lambda)) for node in around):
                raise NotDirect("tf.gradients inside an expression")
            self.name_site(node, inner, site, "tensors" if looped else "tensor")

    def name_site(self, node: ast.Assign, inner: ast.expr, site: Site, kind: Kind) -> None:
        """Puts a name in the place of a gradient inside a statement."""
        parent = self.editor.parent(inner)
        assert parent is not None
        y = self.find(site.ys[0]) if len(site.ys) == 1 else None
        name = ast.copy_location(ast.Name(self.program.fresh(f"{y.names[0]}_grad" if y is not None else "rows" if site.loop else "grad"), ast.Load()), inner)
        for field_name, child in ast.iter_fields(parent):
            if child is inner:
                setattr(parent, field_name, name)
            elif isinstance(child, list) and inner in child:
                child[child.index(inner)] = name
        self.editor.adopt(name, parent)
        self.names.scope_of[name] = self.names.scope_of[site.call.func.value if isinstance(site.call.func, ast.Attribute) else site.call.func]
        self.program.kinds[name] = kind
        self.take_site(node, ast.Name(name.id, ast.Store()), site, (self.home, name.id))
        self.meaning[name] = self.steps[-1]
        self.steps[-1].inner = True

    def looped_site(self, node: ast.ListComp) -> Site | None:
        """The site of `[tf.gradients(y[i], x)[0] for i in range(n)]`, one gradient for each turn."""
        loop = node.generators[0]
        if len(node.generators) != 1 or loop.ifs or self.tensors(loop.iter) and not self.is_counted(loop.iter):
            return None
        site = self.gradient_site(node.elt)
        if site is None:
            return None
        if site.pick != 0 or len(site.xs) != 1 or site.sens is not None or site.xs[0].kind == "variables":
            raise NotDirect("tf.gradients in a comprehension")
        site.loop, site.each = node, loop_names([node], site.ys)
        return site

    def is_counted(self, node: ast.expr) -> bool:
        """Whether a loop goes over `range` of a part of a shape."""
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and all(self.program.is_shape(a) for a in node.args)

    def is_looped(self, node: ast.expr) -> bool:
        """Whether a comprehension goes over an expression: `[f(g) for g in node]`."""
        loop = self.editor.parent(node)
        return isinstance(loop, ast.comprehension) and loop.iter is node and isinstance(around := self.editor.parent(loop), (ast.ListComp, ast.GeneratorExp)) \
            and around.generators[0] is loop

    def around(self, node: ast.AST, stop: ast.AST) -> list[ast.AST]:
        """What a node stands in, up to an expression."""
        found: list[ast.AST] = []
        current = self.editor.parent(node)
        while current is not None and current is not stop:
            found.append(current)
            current = self.editor.parent(current)
        return [*found, stop]

    def variables_in(self, node: ast.expr) -> list[ast.Call] | None:
        """The calls that make variables in a list, a comprehension or a dict of nothing else; None for other expressions."""
        if isinstance(node, ast.ListComp):
            parts: list[ast.expr] = [node.elt]
            if any(self.tensors(g.iter) and not self.holds_variables(g.iter) or self.program.mentions(g) for g in node.generators):
                return None
        elif isinstance(node, ast.Dict) and node.values and all(k is not None for k in node.keys):
            parts = node.values
        elif isinstance(node, ast.List) and node.elts:
            parts = node.elts
        else:
            return None
        calls = [p for p in parts if isinstance(p, ast.Call) and self.program.api(p.func) in VARIABLES]
        return calls if len(calls) == len(parts) else None

    def computes(self, node: ast.AST) -> bool:
        """Whether an expression calls a function that computes on values."""
        program = self.program
        return program.layered and makes(program, node) or any(isinstance(n, ast.Call) and (f := program.callee(n)) is not None
                                                               and program.role(f) == "value" for n in walk(node))

    def tensor(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> None:
        program = self.program
        for inner in walk(value):
            if isinstance(inner, (ast.DictComp, ast.SetComp, ast.Lambda, ast.JoinedStr, ast.Dict)) and not program.is_handed_on(inner):
                raise NotDirect(type(inner).__name__)
            if isinstance(inner, ast.Call) and program.api(inner.func) in VARIABLES | {"tf.placeholder", "tf.gradients"}:
                raise NotDirect(f"{program.api(inner.func)} inside an expression")
            if isinstance(inner, ast.Call) and (function := program.callee(inner)) is not None and program.role(function) == "graph":
                raise NotDirect("a function that builds a part of the graph")
        program.check(value)
        step = self.step(node, "tensor", self.targets(target), value)
        step.layered = program.layered and makes(program, value)
        if step.layered and prefix_at(program, value) != self.prefix:
            raise NotDirect("a scope around a method")
        step.varies = step.varies or step.layered
        step.holds = "tensors" if program.kind(value) == "tensors" and not isinstance(target, ast.Tuple) else "tensor"
        self.read_from(step, [value])
        self.add(step)

    def maker(self, node: ast.Assign, targets: list[Key], value: ast.expr) -> None:
        """A call of a function that makes variables."""
        assert isinstance(value, ast.Call)
        function = self.program.callee(value)
        if isinstance(function, ast.ClassDef):
            return  # an object with variables of its own
        assert function is not None
        if any((s := self.find(n)) is not None and s.kind in ("tensor", "placeholder") for a in value.args for n in walk(a)):
            raise NotDirect("a layer that makes its own variables")
        found = [self.made(function, r) for r in returns(function)]
        if not found or any(f != found[0] for f in found):
            raise NotDirect("what a function makes")
        shapes = found[0]
        if len(shapes) != len(targets):
            if len(targets) != 1:
                raise NotDirect("what a function makes")
            raise NotDirect("variables in a tuple")
        for key, shape in zip(targets, shapes):
            step = self.step(node, "variables" if shape else "variable", [key], value)
            step.varies, step.holds, step.text = True, shape, "made"
            self.add(step)

    def made(self, function: Function, value: ast.expr) -> list[str]:
        """For each value that a maker gives back: "list" or "dict" of variables, or "" for one of them."""
        if isinstance(value, ast.Tuple):
            return [shape for part in value.elts for shape in self.made(function, part)]
        if isinstance(value, ast.Call):
            if self.program.api(value.func) in VARIABLES:
                return [""]
            inner = self.program.callee(value)
            if isinstance(inner, Function) and self.program.role(inner) == "maker":
                return [s for r in returns(inner)[:1] for s in self.made(inner, r)]
        if isinstance(value, (ast.List, ast.ListComp)):
            return ["list"]
        if isinstance(value, ast.Dict):
            return ["dict"]
        if isinstance(value, ast.Name):
            bound = [b.value for b in self.program.bindings(value)]
            if len(bound) == 1 and bound[0] is not None:
                if isinstance(bound[0], ast.Tuple):
                    raise NotDirect("what a function makes")
                return self.made_empty(function, bound[0])
        raise NotDirect("what a function makes")

    def made_empty(self, function: Function, value: ast.expr) -> list[str]:
        parent = self.editor.parent(value)
        if isinstance(parent, ast.Tuple):
            return ["list"] if isinstance(value, ast.List) else ["dict"] if isinstance(value, ast.Dict) else self.made(function, value)
        return self.made(function, value)

    def variables(self) -> list[Step]:
        found = [s for s in self.steps if s.kind in ("variable", "variables") and not s.items]
        if any(s.owner is not self.owner for s in found):
            raise NotDirect("variables of several parts of the program")
        return [s for s in found if "trainable=False" not in self.editor.original(s.value)]

    # --------------------------------------------------------------------------------------------------------- what is read

    def tensors(self, node: ast.AST) -> list[Step]:
        """The steps that an expression reads, in order, each once; lists stand for their items."""
        found: list[Step] = []
        for inner in ordered(node):
            if isinstance(inner, (ast.Name, ast.Attribute)) and (step := self.find(inner)) is not None:
                found += step.items if step.kind == "list" else [step] if step.kind in ("tensor", "variable", "variables", "placeholder", "gradient") else []
        return list(dict.fromkeys(found))

    def read_from(self, step: Step, parts: Sequence[ast.AST]) -> None:
        """Notes what a step reads, in its own expressions and in the functions that they call."""
        for part in parts:
            for inner in walk(part):
                if isinstance(inner, (ast.Name, ast.Attribute)) and (other := self.find(inner)) is not None:
                    self.meaning[inner] = other
        step.reads = list(dict.fromkeys(s for part in parts for s in self.tensors(part)))
        for part in parts:
            for call in walk(part):
                if isinstance(function := self.program.callee(call) if isinstance(call, ast.Call) else self.handed(call), Function):
                    inside = self.captured(function, set())
                    if any(s.kind not in ("variable", "variables") and (s.deps or s.varies or s.kind not in ("tensor", "list")) for s in inside):
                        raise NotDirect("a function that reads the graph around it")
                    step.reads += [s for s in inside if s not in step.reads]
                    step.varies = step.varies or self.program.owner.get(function) is not self.owner and function in self.program.owner
        step.deps = frozenset(d for s in step.reads for d in s.deps)
        step.varies = step.varies or any(s.varies for s in step.reads)

    def handed(self, node: ast.AST) -> Function | None:
        """The function that a name stands for where it is given to an operation."""
        bound = self.program.bindings(node) if isinstance(node, ast.Name) else []
        function = bound[0].node if len(bound) == 1 else None
        return function if isinstance(function, Function) and self.program.is_handed_on(function) else None

    def captured(self, function: Function, seen: set[ast.AST]) -> list[Step]:
        """The steps that a function reads without being given them."""
        if function in seen:
            return []
        seen.add(function)
        found: list[Step] = []
        for node in walk(function):
            if isinstance(node, (ast.Name, ast.Attribute)) and (step := self.find(node)) is not None and step.kind != "session":
                found += step.items or [step]
            if isinstance(node, ast.Call) and isinstance(inner := self.program.callee(node), Function):
                found += self.captured(inner, seen)
        return list(dict.fromkeys(found))

    # ------------------------------------------------------------------------------------------------------ gradient sites

    def gradient_site(self, node: ast.expr, apart: bool = False) -> Site | None:
        """The site that an expression is; `apart` says that its gradients are unpacked."""
        pick = None
        call: ast.expr = node
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            call, pick = node.value, node.slice.value
        if not isinstance(call, ast.Call) or self.program.api(call.func) != "tf.gradients":
            return None
        given = dict(zip(_ORDER, call.args))
        given.update({k.arg: k.value for k in call.keywords if k.arg})
        zeros = given.pop("unconnected_gradients", None)
        word = "none" if zeros is None else str(zeros.value) if isinstance(zeros, ast.Constant) else self.program.api(zeros) or ""
        word = word.rpartition(".")[2].lower()
        if word not in ("zero", "none"):
            raise NotDirect("unconnected_gradients")
        if set(given) - {"ys", "xs", "grad_ys", "stop_gradients"} - _SETTINGS or not {"ys", "xs"} <= set(given):
            raise NotDirect("options of tf.gradients")
        ys = self.several(given["ys"])
        for expression in ys:
            self.program.check(expression)
        said = self.several(given["xs"], apart or pick is not None)
        xs = [s for x in said for s in [self.find(x)] if s is not None]
        if len(xs) != len(said) or any(
                s.kind not in ("tensor", "variable", "variables", "placeholder") or len(s.targets) > 1 for s in xs):
            raise NotDirect("xs that are no names")
        if any("requires_grad=False" in s.text for s in xs):
            raise NotDirect("the gradient of what is not trained")
        if len(set(xs)) != len(xs):
            raise NotDirect("an x twice")
        sens = None
        if "grad_ys" in given and not is_none(given["grad_ys"]):
            sens = given["grad_ys"].elts if isinstance(given["grad_ys"], (ast.List, ast.Tuple)) else self.several(given["grad_ys"])
            if len(sens) != len(ys):
                raise NotDirect("grad_ys")
            for expression in sens:
                if not is_none(expression) and self.program.kind(expression) not in ("tensor", "array", "list"):
                    raise NotDirect("grad_ys")
                self.program.check(expression)
            sens = None if all(is_none(part) for part in sens) else sens
        stops: list[Step] = []
        if "stop_gradients" in given and not is_none(given["stop_gradients"]):
            held = [self.find(part) for part in self.several(given["stop_gradients"], apart=True)]
            stops = [s for s in held if s is not None]
            if len(stops) != len(held) or any(s.kind not in ("tensor", "variable", "placeholder", "gradient") or len(s.targets) > 1 for s in stops):
                raise NotDirect("stop_gradients")
        return Site(call, ys, xs, sens, pick, stops=[s for s in stops if s.kind in VALUES], zeros=word == "zero")

    def is_list(self, node: ast.expr) -> bool:
        """Whether an expression is a list of tensors or of variables."""
        if isinstance(node, ast.Call):
            return self.program.api(node.func) in ("tf.trainable_variables", "tf.get_collection")
        step = self.find(node)
        return isinstance(node, ast.List) or step is not None and step.kind in ("list", "variables")

    def several(self, node: ast.expr, apart: bool = False) -> list[ast.expr]:
        """The parts of a list of tensors; with `apart` also those of a list that is kept under a name."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return [part for e in node.elts for part in self.several(e, apart)]
        items: list[Step] = []
        if self.program.layered and isinstance(node, ast.Call) and self.program.api(node.func) in ("tf.trainable_variables", "tf.get_collection"):
            return [self.registered(node)]
        if isinstance(node, ast.Call) and self.program.api(node.func) == "tf.trainable_variables":
            items = self.variables()
        elif (step := self.find(node)) is not None and (step.kind == "list" or apart and step.items):
            items = step.items
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and self.is_list(node.left) and self.is_list(node.right):
            return [*self.several(node.left, apart), *self.several(node.right, apart)]
        else:
            return [node]
        found: list[ast.expr] = []
        for item in items:
            name = ast.Name(id=item.names[0], ctx=ast.Load())
            self.meaning[name] = item
            found.append(name)
        return found

    def registered(self, call: ast.Call) -> ast.expr:
        """A name for the variables that an expression asks for where it stands."""
        if call in self.asked:
            return self.asked[call]
        name = self.asked[call] = ast.copy_location(ast.Name(self.program.fresh("weights"), ast.Load()), call)
        step = self.step(self.editor.statement(call), "variables", [(self.home, name.id)], call)
        step.varies, step.holds, step.layered, step.inner, step.text = True, "list", True, True, registry_text(self.program, call)
        self.add(step)
        self.meaning[name] = step
        return name

    def take_site(self, node: ast.Assign, target: ast.expr, site: Site, key: Key | None = None) -> None:
        targets = self.targets(target) if key is None else [key]
        self.name_of_y(node, site)
        single = not isinstance(target, (ast.Tuple, ast.List))
        if not (single and site.pick is None) and any(x.kind == "variables" for x in site.xs):
            raise NotDirect("gradients of variables in a container, one by one")
        if not single and len(targets) != len(site.xs) or site.pick is not None and (site.pick >= len(site.xs) or not single):
            raise NotDirect("the shape of a result")
        absent = [x for x in site.xs if not self.connected(site.ys, x, site.stops, certain=True)] if not self.program.layered else []
        if absent and (len(absent) == len(site.xs) or site.loop is not None or any(x.kind == "variables" for x in site.xs)):
            raise NotDirect(f"{absent[0].names[0]} is not connected")
        if absent:
            site.asked, site.xs = site.xs, [x for x in site.xs if x not in absent]
        for x in site.xs:
            if x.kind == "tensor" and x not in site.stops and self.leads_to(x, [other for other in site.xs if other is not x]):
                if site.loop is not None or isinstance(x.node, ast.AugAssign):
                    raise NotDirect(f"{x.names[0]} depends on another x")
                site.shifted.append(x)
            if not self.connected(site.ys, x, site.stops):
                raise NotDirect(f"{x.names[0]} may not be connected")
        step = self.step(node, "gradient", targets, site.call)
        step.site, step.holds = site, "tensors" if single and site.pick is None or site.loop is not None else "tensor"
        self.read_from(step, [*site.ys, *(site.sens or ()), *([site.loop.generators[0].iter] if site.loop is not None else ())])
        step.reads = list(dict.fromkeys([*step.reads, *site.xs]))
        step.deps = step.deps.union(*(x.deps for x in site.xs))
        step.varies = step.varies or any(x.varies for x in site.xs)
        self.add(step)

    def name_of_y(self, node: ast.Assign, site: Site) -> None:
        """Makes a value of its own of a y that is an expression of what is fed: it can share the functions of what it reads."""
        if len(site.ys) != 1 or site.loop is not None or isinstance(site.ys[0], (ast.Name, ast.Attribute)) or any(x.kind == "tensor" for x in site.xs):
            return
        y = site.ys[0]
        if not any(s.deps for s in self.tensors(y)) or self.program.asks(y) or self.computes(y):
            return
        site.ys[0] = self.named_value(node, y, "forward")

    def named_value(self, node: ast.Assign, value: ast.expr, like: str) -> ast.Name:
        """A name for the value of an expression inside of a statement, which becomes a step of its own."""
        name = ast.copy_location(ast.Name(self.program.fresh(like), ast.Load()), value)
        step = self.step(node, "tensor", [(self.home, name.id)], value)
        self.read_from(step, [value])
        self.add(step)
        step.inner = True
        self.meaning[name] = step
        self.program.kinds[name] = "tensor"
        return name

    def name_loss(self, node: ast.Assign, call: ast.Call) -> None:
        """Makes a value of its own of what an optimizer minimizes, where that is an expression."""
        if isinstance(call.func, ast.Attribute) and call.func.attr == "minimize" and call.args and self.optimizer(call.func.value) is not None \
                and not isinstance(call.args[0], (ast.Name, ast.Attribute)) and any(s.deps for s in self.tensors(call.args[0])):
            self.program.check(call.args[0])
            call.args[0] = self.named_value(node, call.args[0], "loss_to_minimize")

    def connected(self, ys: Sequence[ast.expr], x: Step, stops: Sequence[Step] = (), certain: bool = False) -> bool:
        """Whether every operation between x and ys is differentiable, on some path; with `certain` it is not only when that is sure."""
        def reaches(node: ast.AST, seen: set[Step]) -> bool:
            for step in self.smooth(node, _NEVER if certain else _CUTS):
                if step is x or step in x.items or x.layered and x.kind == "variables" and trained(step):
                    return True
                if step in seen or step.kind not in VALUES or step in stops:
                    continue
                seen.add(step)
                if step.site is not None:
                    # a second derivative can vanish: only the plain form knows
                    if any(reaches(y, set()) for y in step.site.ys) and (certain or self.curved(step.site)):
                        return True
                    if any(reaches(part, seen) for part in step.site.sens or ()):
                        return True
                elif reaches(step.value, seen) or isinstance(step.node, ast.AugAssign) and reaches(step.node.target, seen):
                    return True
                elif any(part in step.reads and part not in self.tensors(step.value) for part in [x, *x.items]) \
                        or step.layered and x.layered and x.kind == "variables":
                    return True  # read by a function that is called
            return False

        return any(reaches(y, set()) for y in ys) or any(part in self.reads_of(y) for y in ys for part in [x, *x.items])

    def reads_of(self, node: ast.AST) -> list[Step]:
        """The variables that the functions called in an expression read."""
        functions = [self.program.callee(call) for call in walk(node) if isinstance(call, ast.Call)]
        return [s for function in functions if isinstance(function, Function) for s in self.captured(function, set())]

    def curved(self, site: Site) -> bool:
        """Whether a gradient may still depend on something: there is more than sums and constants between."""
        texts = [n for s in self.slice(site) for n in walk(s.value)] + [n for y in site.ys for n in walk(y)]
        return any(isinstance(n, (ast.Pow, ast.Mult, ast.Div, ast.Call)) for n in texts)

    def smooth(self, node: ast.AST, cuts: frozenset[str]) -> list[Step]:
        if isinstance(node, (ast.Name, ast.Attribute)):
            step = self.find(node)
            if step is not None:
                return step.items or [step]
        if isinstance(node, ast.Compare) or isinstance(node, ast.Call) and self.program.api(node.func) in cuts:
            return []
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.FloorDiv, ast.Mod)):
            return []
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.expr, ast.keyword)) or isinstance(node, ast.stmt)]
        return [s for child in children for s in self.smooth(child, cuts)]

    def waits(self, step: Step) -> bool:
        """Whether a tensor is known only when it is run."""
        return bool(step.deps) or step.varies and self.changes

    def slice(self, site: Site) -> list[Step]:
        """The statements that compute the ys of a site from its xs and from what depends on them, in order."""
        found: set[Step] = set()
        pending = [s for y in site.ys for s in self.tensors(y)]
        while pending:
            step = pending.pop()
            if step in site.stops or step in site.xs and step not in site.shifted or step in found or step.kind not in VALUES \
                    or not self.leads_to(step, site.xs):
                continue
            found.add(step)
            pending += self.outer_reads(step)
        return sorted(found, key=lambda s: s.place)

    def outer_reads(self, step: Step) -> list[Step]:
        """What the statements of a step read: for a site, what its inner function does not compute itself."""
        site = step.site
        if site is None:
            return step.reads
        inner = self.slice(site)
        bound = {*inner, *site.xs}
        outer = [r for s in inner for r in self.outer_reads(s)] + [s for y in site.ys for s in self.tensors(y)]
        sens = [s for part in site.sens or () for s in self.tensors(part)]
        return list(dict.fromkeys([*site.xs, *(s for s in outer if s not in bound), *sens]))

    def leads_to(self, step: Step, xs: Sequence[Step]) -> bool:
        """Whether a statement depends on one of xs."""
        seen: set[Step] = set()
        pending = [step]
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if any(x in current.reads or any(item in current.reads for item in x.items) or x.layered and x.kind == "variables"
                   and (current.layered or any(map(trained, current.reads))) for x in xs):
                return True
            pending += current.reads
        return False

    # ------------------------------------------------------------------------------------------------ variables and actions

    def placeholder_dtype(self, call: ast.Call) -> str:
        if self.program.api(call.func) == "tf.placeholder_with_default":
            if not call.args or self.program.kind(call.args[0]) != "number":
                raise NotDirect("the default of a placeholder")
            return "ms.float32" if "." in self.editor.original(call.args[0]) else "ms.int32"
        dtype = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "dtype"), None)
        found = self.program.dtype(dtype)
        if found is None:
            raise NotDirect("the dtype of a placeholder")
        return found

    def parameter(self, call: ast.Call, step: Step) -> str:
        """The Parameter for a variable that is made where the graph is built, with the name TensorFlow gives it."""
        label = None
        if self.program.api(call.func) == "tf.Variable" and not any(k.arg == "name" for k in call.keywords) and self.home is self.tree:
            count = sum(1 for s in self.steps if s.kind == "variable" and "name='Variable" in s.text)
            label = joined([*self.prefix, (True, f"Variable{f'_{count}' if count else ''}")])
        return parameter_text(self.program, call, label, self.prefix)

    def take_action(self, node: ast.Assign, target: ast.expr, call: ast.Call) -> bool:
        """Takes down what changes variables: an assignment, a group, one step of an optimizer."""
        self.name_loss(node, call)
        self.name_members(node, call)
        operands = self.action(call)
        if operands is None:
            return False
        step = self.step(node, "action", self.targets(target), call)
        self.read_from(step, operands)
        parts = [s for a in operands if (s := self.find(a)) is not None and s.kind == "action"]
        step.deps = step.deps.union(*(part.deps for part in parts))
        self.add(step)
        return True

    def name_members(self, node: ast.Assign, call: ast.Call) -> None:
        """Makes steps of their own of the assignments in a `tf.group(w.assign(…), …)`."""
        if self.program.api(call.func) != "tf.group" or call.keywords:
            return
        for at, part in enumerate(call.args):
            if isinstance(part, ast.Call) and (operands := self.action(part)) is not None:
                name = ast.copy_location(ast.Name(self.program.fresh("update"), ast.Load()), part)
                step = self.step(node, "action", [(self.home, name.id)], part)
                self.read_from(step, operands)
                self.add(step)
                step.inner = True
                self.meaning[name] = step
                call.args[at] = name

    def take_actions(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> bool:
        """Takes down assignments to each variable of a list, as in `[t.assign(e) for t, e in zip(targets, sources)]`."""
        if not isinstance(value, ast.ListComp) or len(value.generators) != 1 or value.generators[0].ifs or not isinstance(value.elt, ast.Call):
            return False
        loop, (variable, new) = value.generators[0], self.assigned(value.elt)
        zipped = isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Name) and loop.iter.func.id == "zip"
        sources = loop.iter.args if zipped else [loop.iter]  # type: ignore[attr-defined]
        targets = loop.target.elts if zipped and isinstance(loop.target, ast.Tuple) else [loop.target]
        names = {t.id: s for t, s in zip(targets, sources) if isinstance(t, ast.Name)}
        if variable is None or new is None or len(names) != len(sources):
            return False
        if not isinstance(variable, ast.Name) or variable.id not in names or not self.holds_variables(names[variable.id]):
            raise NotDirect("what is assigned to")
        if any(not self.holds_variables(s) and self.program.kind(s) != "tensors" for s in names.values()):
            raise NotDirect("what is assigned")
        others = [ast.unparse(s) for n, s in names.items() if n != variable.id]
        if ast.unparse(names[variable.id]) in others:
            raise NotDirect("variables that are assigned to one another")
        self.program.check(new)
        step = self.step(node, "action", self.targets(target), value)
        self.read_from(step, [new, loop.iter])
        self.add(step)
        return True

    def assigned(self, call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
        """The variable and the operand of `tf.assign(v, x)` and `v.assign(x)`, and of those that add and subtract."""
        if call.keywords:
            return None, None
        if self.program.api(call.func) in ("tf.assign", "tf.assign_add", "tf.assign_sub") and len(call.args) == 2:
            return call.args[0], call.args[1]
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("assign", "assign_add", "assign_sub") and len(call.args) == 1 \
                and self.program.api(call.func) is None:
            return call.func.value, call.args[0]
        return None, None

    def action(self, call: ast.Call) -> list[ast.expr] | None:
        """The operands of something that changes variables."""
        api = self.program.api(call.func)
        if api in ("tf.assign", "tf.assign_add", "tf.assign_sub") and len(call.args) == 2 and not call.keywords:
            self.program.check(call.args[1])
            return call.args
        if not isinstance(call.func, ast.Attribute):
            return None
        owner = self.find(call.func.value)
        if call.func.attr in ("assign", "assign_add", "assign_sub") and owner is not None and owner.kind == "variable" \
                and len(call.args) == 1 and not call.keywords:
            self.program.check(call.args[0])
            return [call.func.value, call.args[0]]
        if call.func.attr == "minimize" and self.optimizer(call.func.value) is not None:
            loss = call.args[0] if call.args else None
            if len(call.args) != 1 or any(k.arg not in ("var_list", "name", "global_step") for k in call.keywords) or loss is None \
                    or self.find(loss) is None:
                raise NotDirect("the arguments of minimize")
            return [loss, *self.counted(call), *self.rate(call)]
        if call.func.attr == "apply_gradients" and self.optimizer(call.func.value) is not None:
            return [self.applied(call)[0], *self.counted(call), *self.rate(call)]
        if api == "tf.group" and not call.keywords and call.args and all((s := self.find(a)) is not None and s.kind == "action" for a in call.args):
            return list(call.args)
        return None

    def applied(self, call: ast.Call) -> tuple[ast.expr, list[Step]]:
        """The gradients and the variables of `opt.apply_gradients(zip(grads, variables))`."""
        pairs = call.args[0] if len(call.args) == 1 and all(k.arg in ("name", "global_step") for k in call.keywords) else None
        if isinstance(pairs, ast.Call) and isinstance(pairs.func, ast.Name) and pairs.func.id == "list" and len(pairs.args) == 1:
            pairs = pairs.args[0]
        if not (isinstance(pairs, ast.Call) and isinstance(pairs.func, ast.Name) and pairs.func.id == "zip" and len(pairs.args) == 2):
            raise NotDirect("the arguments of apply_gradients")
        variables = [self.find(v) for v in self.several(pairs.args[1])]
        found = [v for v in variables if v is not None and v.kind in ("variable", "variables")]
        if len(found) != len(variables) or self.program.kind(pairs.args[0]) != "tensors":
            raise NotDirect("the arguments of apply_gradients")
        return pairs.args[0], found

    def counted(self, call: ast.Call) -> list[ast.expr]:
        """The variable that counts the steps of an optimizer."""
        found = [k.value for k in call.keywords if k.arg == "global_step" and not is_none(k.value)]
        if any((s := self.find(v)) is None or s.kind != "variable" for v in found):
            raise NotDirect("what counts the steps")
        return found

    def rate(self, call: ast.Call) -> list[ast.expr]:
        """The learning rate of the optimizer whose step a call is, where that is a tensor."""
        made = self.optimizer(call.func.value) if isinstance(call.func, ast.Attribute) else None
        if made is None:
            return []
        said = next((k.value for k in made.keywords if k.arg == "learning_rate"), made.args[0] if made.args else None)
        step = self.find(said) if said is not None else None
        if said is None or step is None:
            return []
        if step.kind not in ("tensor", "variable", "placeholder") or step.holds != "tensor":
            raise NotDirect("a learning rate")
        return [said]

    def trained(self, call: ast.Call) -> list[Step] | None:
        """The variables that `minimize(loss, var_list=…)` or `apply_gradients` says; None when it says none."""
        if isinstance(call.func, ast.Attribute) and call.func.attr == "apply_gradients":
            return self.applied(call)[1]
        said = next((k.value for k in call.keywords if k.arg == "var_list"), None)
        if said is None:
            return None
        found = [self.find(v) for v in self.several(said)]
        variables = [v for v in found if v is not None and v.kind in ("variable", "variables")]
        if len(variables) != len(found):
            raise NotDirect("the variables of minimize")
        return variables

    def optimizer(self, node: ast.expr) -> ast.Call | None:
        """The call that makes an optimizer, given itself or by the name it was bound to."""
        if isinstance(node, ast.Call) and self.program.api(node.func) in OPTIMIZERS:
            return node
        step = self.find(node)
        return self.optimizer(step.value) if step is not None and step.kind == "optimizer" else None

    def optimizer_text(self, call: ast.Call, weights: str) -> str:
        """The optimizer of MindSpore for one of TensorFlow's."""
        api = str(self.program.api(call.func))
        if self.program.unsaid:
            raise NotDirect("an optimizer for variables that may be float64, which MindSpore's refuse")
        if any(k.arg == "beta1" and isinstance(k.value, ast.Constant) and not k.value.value for k in call.keywords):
            raise NotDirect("Adam without a first moment, which MindSpore refuses")
        rate = next((k.value for k in call.keywords if k.arg == "learning_rate"), call.args[0] if call.args else None)
        varies = rate is not None and self.find(rate) is not None  # it is set before each step
        others = [part for part in [*call.args, *(k.value for k in call.keywords)] if part is not rate or not varies]
        if any(map(self.tensors, others)) or len(call.args) > (1 if api.endswith("RMSPropOptimizer") else 4):
            raise NotDirect("the arguments of an optimizer")
        parts = [self.editor.original(a) if a is not rate or not varies else "0.1" for a in call.args]
        renamed = {"tf.train.AdamOptimizer": {"epsilon": "eps"}, "tf.train.AdagradOptimizer": {"initial_accumulator_value": "accum"}}.get(api, {})
        if api == "tf.train.AdagradOptimizer":
            parts = [f"{name}={part}" for name, part in zip(("learning_rate", "accum"), parts)]
        for keyword in call.keywords:
            if keyword.arg not in ("name", "use_locking"):
                name = renamed.get(str(keyword.arg), str(keyword.arg))
                parts.append(f"{name}={self.editor.original(keyword.value) if keyword.value is not rate or not varies else '0.1'}")
        return f"{OPTIMIZERS[api]}({', '.join([weights, *parts])})"

    # ---------------------------------------------------------------------------------------------------------------- runs

    def is_session(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return self.program.api(node.func) == "tf.get_default_session"
        step = self.find(node)
        return step is not None and step.kind == "session" or self.program.is_session(node)

    def is_run(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Attribute) and node.func.attr == "run" and self.is_session(node.func.value)

    def runs_only(self, node: ast.expr) -> bool:
        """Whether an expression reads the graph only by running it."""
        runs = [n for n in walk(node) if isinstance(n, ast.Call) and (self.is_run(n) or self.is_eval(n))]
        inside = {n for run in runs for n in walk(run)}
        return bool(runs) and not any(n not in inside and isinstance(n, (ast.Name, ast.Attribute)) and (self.program.api(n) is not None
                                      or (s := self.find(n)) is not None and s.kind != "session") for n in walk(node))

    def is_eval(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Attribute) and node.func.attr == "eval" and self.find(node.func.value) is not None

    def is_feed(self, node: ast.expr) -> bool:
        keys = node.keys if isinstance(node, ast.Dict) else []
        return bool(keys) and all(k is not None and (s := self.find(k)) is not None and s.kind == "placeholder" for k in keys)


def parameter_text(program: Program, call: ast.Call, label: str | None, prefix: Sequence[Piece] = ()) -> str:
    """`ms.Parameter(...)` for a call of tf.Variable or tf.get_variable; `label` is its name, where the call says none. Raises NotDirect."""
    return variable_text(program, call, label, list(prefix))


def variable_text(program: Program, call: ast.Call, label: str | None, prefix: list[Piece], put: Put = lambda node: None) -> str:
    """The same, with the pieces of the prefix that its name has; in a program with layers, by a function that knows the name."""
    api = program.api(call.func)
    order = ("initial_value", "trainable") if api == "tf.Variable" else ("name", "shape", "dtype", "initializer")
    given = dict(zip(order, call.args))
    given.update({k.arg: k.value for k in call.keywords if k.arg})
    if len(call.args) > len(order) or set(given) - {"initial_value", "name", "dtype", "shape", "initializer", "trainable"}:
        raise NotDirect("the arguments of a variable")
    name, trainable = given.get("name"), given.get("trainable")
    if name is not None:
        label = joined([*prefix, *pieces_of(program, name, put)])
    if trainable is not None and not isinstance(trainable, ast.Constant):
        raise NotDirect("a variable that may be trainable")
    fixed = isinstance(trainable, ast.Constant) and not trainable.value
    if program.layered and not fixed:
        if label is None:
            raise NotDirect("a variable without a name among layers")
        program.carried.add("get_parameter")
        if set(given) == {"name"}:
            return f"parameters[{label}]"
        return f"get_parameter({label}, lambda: {_value_text(program, call, given)})"
    end = (f", name={label}" if label else "") + (", requires_grad=False" if fixed else "")
    return f"ms.Parameter({_value_text(program, call, given)}{end})"


def _value_text(program: Program, call: ast.Call, given: dict[str, ast.expr]) -> str:
    """What a variable starts with."""
    dtype = program.dtype(given.get("dtype"))
    if program.api(call.func) == "tf.Variable":
        return _initial(program, given["initial_value"], dtype)
    if "initializer" in given:
        start, shape = given["initializer"], given.get("shape")
        text = _initialized(program, start, shape, dtype or "ms.float32", program.editor.original(shape) if shape is not None else None)
        return text or _initial(program, start, dtype)
    shape = given.get("shape")
    if not isinstance(shape, (ast.List, ast.Tuple)) or dtype not in (None, "ms.float32"):
        raise NotDirect("a shape that is not written out")
    text = program.editor.original(shape)
    if len(shape.elts) >= 2:
        program.imports.add("from mindspore.common.initializer import initializer")
        return f"initializer('xavier_uniform', {text})"
    if len(shape.elts) != 1:
        raise NotDirect("a scalar without a value")
    program.imports.add("from mindspore.common.initializer import Uniform, initializer")
    size = program.editor.original(shape.elts[0])
    limit = repr((3 / int(size)) ** 0.5) if size.isdigit() and int(size) else f"(3 / {size}) ** 0.5"
    return f"initializer(Uniform({limit}), {text})"


def start_text(program: Program, start: ast.expr, shape: ast.expr, size: str) -> str:
    """The initial value that an initializer gives for a shape whose text is `size`. Raises NotDirect."""
    text = _initialized(program, start, shape, "ms.float32", size)
    if text is None:
        raise NotDirect("an initializer")
    return text


def _initialized(program: Program, start: ast.expr, shape: ast.expr | None, dtype: str, size: str | None) -> str | None:
    """The initial value that an initializer gives; None when `start` is a value itself."""
    made = isinstance(start, ast.Call) and program.callee(start) is not None
    if (made or isinstance(start, ast.Name)) and size is not None and program.layered and program.holds_initializer(start):
        return f"{program.editor.original(start)}({size})"
    api = program.api(start.func if isinstance(start, ast.Call) else start)
    words = {"tf.zeros_initializer": "zeros", "tf.ones_initializer": "ones"}
    if api in words and size is not None and not (isinstance(start, ast.Call) and (start.args or start.keywords)):
        program.imports.add("from mindspore.common.initializer import initializer")
        return f"initializer('{words[api]}', {size}, {dtype})"
    if api == "tf.constant_initializer" and isinstance(start, ast.Call) and len(start.args) == 1 and not start.keywords and size is not None:
        kind, text = program.kind(start.args[0]), program.editor.original(start.args[0])
        if kind == "number":
            program.imports.add("from mindspore.common.initializer import initializer")
            return f"initializer({text}, {size}, {dtype})"
        if kind == "array":
            return f"ms.Tensor({text}, {dtype})"
        if kind not in ("tensor", "tensors") and not program.mentions(start.args[0]):
            program.use_numpy()
            return f"ms.Tensor(np.resize({text}, {size}), {dtype})"
    if isinstance(start, ast.Call) and (drawn := _drawn(program, start, shape, size)) is not None:
        return drawn
    if api is not None and (isinstance(start, ast.Call) and api.endswith("initializer") or not isinstance(start, ast.Call)):
        raise NotDirect("an initializer")
    return None


def _drawn(program: Program, call: ast.Call, shape: ast.expr | None, size: str | None) -> str | None:
    """`initializer(…)` for an initial value that is drawn; None for other calls. Raises NotDirect for what MindSpore does not draw."""
    api = program.api(call.func)
    if api in GLOROT and shape is not None and not call.args and all(k.arg in ("seed", "dtype") for k in call.keywords):
        if size is None or isinstance(shape, (ast.List, ast.Tuple)) and len(shape.elts) != 2:
            raise NotDirect("an initializer")
        program.imports.add("from mindspore.common.initializer import initializer")
        return f"initializer('xavier_uniform', {size}, ms.float32)"
    if api not in DRAWS:
        return None
    name, order = DRAWS[api]
    given = dict(zip(order, call.args))
    given.update({str(k.arg): k.value for k in call.keywords})
    if "shape" in given:
        shape, size = given["shape"], program.editor.original(given["shape"])
    dtype = program.dtype(given.get("dtype")) or "ms.float32"
    if shape is None or set(given) - {*order, "name"} or any(program.mentions(v) for k, v in given.items() if k != "dtype"):
        raise NotDirect("an initial value that is drawn")

    def said(key: str, default: str) -> str:
        return program.editor.original(given[key]) if key in given else default

    if name == "Uniform":
        low, high = said("minval", "0"), said("maxval", "1")
        if low not in (f"-{high}", f"-({high})"):
            raise NotDirect("a uniform distribution that is not centred")
        made = f"Uniform({high})"
    else:
        mean = said("mean", "0.0")
        made = f"{name}({said('stddev', '1.0')}" + (f", {mean})" if mean not in ("0", "0.0", "0.") else ")")
    if name in program.taken:
        raise NotDirect("a name of MindSpore is taken")
    program.imports.add(f"from mindspore.common.initializer import {name}, initializer")
    return f"initializer({made}, {size}, {dtype})"


def _initial(program: Program, value: ast.expr, dtype: str | None) -> str:
    api = program.api(value.func) if isinstance(value, ast.Call) else None
    if isinstance(value, ast.Call) and (drawn := _drawn(program, value, None, None)) is not None:
        return drawn
    if api in ("tf.zeros", "tf.ones", "tf.constant", "tf.zeros_like", "tf.ones_like"):
        program.check(value)
        return program.render(value, lambda node: None)
    if program.is_start(value):
        return f"{program.render(value, lambda node: None)}.copy()"
    if program.mentions(value):
        raise NotDirect("an initial value")
    if dtype is None and program.kind(value) == "unknown" and not isinstance(value, (ast.Subscript, ast.Name, ast.Attribute)):
        raise NotDirect("an initial value of a dtype that is not said")
    if dtype is None and program.kind(value) in ("array", "unknown", "scalar") and not _says_float32(program, value):
        program.unsaid = True
    return program.tensor_text(value, dtype)


def _says_float32(program: Program, value: ast.expr) -> bool:
    """Whether an array, or what its names are bound to, is made as float32."""
    if "float32" in program.editor.original(value):
        return True
    bound = [b.value for n in walk(value) if isinstance(n, ast.Name) and n in program.names.scope_of for b in program.bindings(n)]
    return any(b is not None and "float32" in program.editor.original(b) for b in bound)


def ordered(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, in the order of the source."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from ordered(child)


def trained(step: Step) -> bool:
    """Whether a step is a variable that optimizers change, or several."""
    return step.kind in ("variable", "variables") and "requires_grad=False" not in step.text


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_main(node: ast.If) -> bool:
    test = node.test
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__" and not node.orelse

