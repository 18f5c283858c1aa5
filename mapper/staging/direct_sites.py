"""Code that computes on values: its operations become MindSpore's where they stand, and a gradient inside it is taken of the
function that its own statements between x and y make."""
from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mapper.edit import reindent, walk
from mapper.names import Binding
from mapper.staging.direct_layers import is_reuse, scope_argument
from mapper.staging.direct_program import CONSTANTS, Function, NotDirect, Program, children, loop_names

Block = list[ast.stmt]
_ORDER = ("ys", "xs", "grad_ys", "name")


@dataclass(eq=False)
class LocalSite:
    """A gradient in a function: what is differentiated by what, the statements between, and the names of a loop around that y reads."""

    call: ast.Call
    ys: list[ast.expr]
    xs: list[str]
    sens: list[ast.expr]
    between: list[ast.stmt]
    each: list[str]


class LocalSites:
    """Converts the functions of a program that compute on values. `fresh` makes names that the program does not have."""

    def __init__(self, program: Program, fresh: Callable[[str], str]) -> None:
        self.program, self.editor, self.fresh = program, program.editor, fresh
        self.placed: dict[ast.Call, str] = {}
        self.sites: dict[ast.Call, LocalSite] = {}
        self.removed: set[ast.stmt] = set()
        self.callables: dict[ast.Call, tuple[str, list[str]]] = {}
        self.inside = 0
        self.shadowed: set[str] = set()
        self.deep: dict[ast.AST, bool] = {}

    def convert(self, function: Function) -> None:
        """Registers the edits of one function. Raises NotDirect."""
        self.read(function, function.body)
        self.choose_removed(function)
        self.block(function.body)

    def nested(self, node: ast.AST) -> bool:
        """Whether a piece of code, with what it calls, takes a gradient of something that holds a gradient."""
        program = self.program
        for inner in walk(node):
            if not isinstance(inner, ast.Call):
                continue
            if program.api(inner.func) == "tf.gradients":
                site = self.sites.get(inner)
                parts: list[ast.AST] = [*site.between, *site.ys] if site is not None else list(inner.args[:1])
                if any(program.asks(part) for part in parts):
                    return True
            target = program.callee(inner)
            if isinstance(target, Function):
                if target not in self.deep:
                    self.deep[target] = False
                    self.deep[target] = self.nested(target)
                if self.deep[target]:
                    return True
        return False

    # --------------------------------------------------------------------------------------------------------------- reading

    def read(self, function: Function, block: Block) -> None:
        for at, statement in enumerate(block):
            for inner in blocks(statement):
                self.read(function, inner)
            for call in own_calls(statement):
                if self.program.api(call.func) == "tf.gradients":
                    self.sites[call] = self.site(function, block, at, call)

    def site(self, function: Function, block: Block, at: int, call: ast.Call) -> LocalSite:
        given = dict(zip(_ORDER, call.args))
        given.update({k.arg: k.value for k in call.keywords if k.arg})
        if set(given) - set(_ORDER) or not {"ys", "xs"} <= set(given) or len(call.args) > len(_ORDER) or any(k.arg is None for k in call.keywords):
            raise NotDirect("options of tf.gradients")
        ys, xs = listed(given["ys"]), listed(given["xs"])
        each = loop_names(self.around(call), ys)
        names = [x.id for x in xs if isinstance(x, ast.Name) and self.local(function, x)]
        if len(names) != len(xs) or len(set(names)) != len(names):
            raise NotDirect("xs that are no names of the function")
        if each and (len(xs) > 1 or set(each) & set(names)):
            raise NotDirect("tf.gradients in a comprehension")
        sens = [] if "grad_ys" not in given else listed(given["grad_ys"])
        if sens and (len(sens) != len(ys) or any(self.program.kind(s) != "tensor" for s in sens)):
            raise NotDirect("grad_ys")
        if any(not self.program.mentions(y) and isinstance(y, ast.Call) and self.program.callee(y) is None for y in ys):
            raise NotDirect("a function that is not known")
        if self.program.deep:  # compiled code gives no gradient for a constant
            self.program.varied.update(b.value for x in xs if isinstance(x, ast.Name) for b in self.program.names.bindings(x)
                                       if isinstance(b.value, ast.Call) and self.program.api(b.value.func) in CONSTANTS)
        return LocalSite(call, ys, names, sens, self.between(block, at, ys, names), each)

    def around(self, node: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        current = self.editor.parent(node)
        while current is not None and not isinstance(current, ast.stmt):
            found.append(current)
            current = self.editor.parent(current)
        return found

    def local(self, function: Function, name: ast.Name) -> bool:
        scope = self.program.names.lookup(name.id, self.program.names.scope_of[name])
        if scope is None or scope.node is not function:
            return False
        calls = self.program.calls.get(function, [])
        given = [self.program.argument(function, call, name.id) for call in calls]
        return not any(isinstance(g, ast.expr) and self.variable(g) for g in given)

    def variable(self, node: ast.expr) -> bool:
        """Whether an expression is a variable itself: a Parameter is not an input."""
        program = self.program
        values = [b.value for b in program.bindings(node)] if isinstance(node, ast.Name) else \
            list(program.attribute_values(program.class_around(node), node.attr)) if isinstance(node, ast.Attribute) else []
        return any(isinstance(v, ast.Call) and program.api(v.func) in ("tf.Variable", "tf.get_variable") for v in values)

    def between(self, block: Block, at: int, ys: Sequence[ast.expr], xs: Sequence[str]) -> list[ast.stmt]:
        """The statements of the block that lead from xs to ys. Raises NotDirect when ys come from elsewhere."""
        reads = self.reads
        bound = {x: max((i for i in range(at) if x in writes(block[i])), default=-1) for x in xs}
        for x, place in bound.items():
            tainted = {x}
            for i in range(place + 1, at):
                if reads(block[i]) & tainted:
                    tainted |= writes(block[i])
                if any(other in tainted and bound[other] == i for other in xs if other != x):
                    raise NotDirect(f"an x that depends on {x}")
        tainted, members = set(xs), []
        for statement in block[max(bound.values()) + 1:at]:
            if reads(statement) & tainted:
                tainted |= writes(statement)
                members.append(statement)
            else:
                tainted -= writes(statement)
        wanted = set().union(*(names_in(y) for y in ys))
        if not wanted & tainted:
            raise NotDirect(f"what {', '.join(sorted(wanted)) or 'y'} is made of")
        found: list[ast.stmt] = []
        for statement in reversed(members):
            if writes(statement) & wanted:
                found.insert(0, statement)
                wanted |= reads(statement)
        made = set().union(*(writes(s) for s in found))
        for statement in found:
            if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For)):
                raise NotDirect(f"{type(statement).__name__} between x and y")
            if mutated(statement) - (set().union(*(names_stored(s) for s in found if s is not statement))):
                raise NotDirect("a container that is changed between x and y")
            if any(isinstance(s, (ast.Return, ast.Break, ast.Continue)) for s in walk(statement)):
                raise NotDirect("a loop that ends early between x and y")
        # a name that is read before the function makes it has its value from outside, which Python would not find
        known: set[str] = set(xs)
        for statement in found:
            if (self.reads(statement) & made) - known - (writes(statement) if isinstance(statement, ast.For) else set()):
                raise NotDirect("a name that changes between x and y")
            known |= writes(statement)
        return found

    def reads(self, statement: ast.AST) -> set[str]:
        """The names that a statement takes a value from: of a gradient's y, only what its function does not make itself."""
        sites = [self.sites[n] for n in walk(statement) if isinstance(n, ast.Call) and n in self.sites]
        inner = {n for site in sites for y in site.ys for n in walk(y)}
        loops = {n.id for c in walk(statement) if isinstance(c, ast.comprehension) for n in walk(c.target) if isinstance(n, ast.Name)}
        found = {n.id for n in walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n not in inner} - loops
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            found.add(statement.target.id)
        for site in sites:
            made = set(site.xs).union(*(writes(s) for s in site.between))
            found |= set(site.xs) | {n for part in [*site.between, *site.ys] for n in self.reads(part) if n not in made}
        return found

    def choose_removed(self, function: Function) -> None:
        """The statements that only the functions of sites need any more."""
        removed = {s for site in self.sites.values() for s in site.between if self.program.within.get(s) is function}
        inner = {n for site in self.sites.values() for y in site.ys for n in walk(y)}
        while True:
            used: set[str] = set()
            for node in walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in inner \
                        and not any(node in walk(s) for s in removed):
                    used.add(node.id)
            kept = {s for s in removed if writes(s) & used or mutated(s)}
            if not kept:
                break
            removed -= kept
        self.removed |= removed

    # --------------------------------------------------------------------------------------------------------------- writing

    def block(self, block: Block) -> None:
        for statement in block:
            if statement in self.removed:
                self.editor.delete(statement, comments=False)
            elif isinstance(statement, ast.With) and all(self.program.api(getattr(i.context_expr, "func", None)) == "tf.name_scope"
                                                         or scope_argument(self.program, i) is not None for i in statement.items):
                self.block(statement.body)
                self.editor.unwrap(statement)
            elif isinstance(statement, ast.Expr) and is_reuse(self.program, statement.value):
                self.editor.delete(statement)
            elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                pass  # converted for itself
            elif inner := blocks(statement):
                for child in children(statement):
                    if isinstance(child, ast.expr):
                        self.in_place(child)
                for part in inner:
                    self.block(part)
            else:
                self.statement(statement)

    def in_place(self, node: ast.expr) -> None:
        text = self.program.render(node, self.put)
        if text != self.editor.original(node):
            self.editor.replace(node, text)

    def statement(self, statement: ast.stmt) -> None:
        lines = self.lines(statement)
        if "\n".join(lines) != self.editor.original(statement):
            self.editor.replace_statement(statement, "\n".join(lines))

    def lines(self, statement: ast.stmt) -> list[str]:
        """A statement with its sites converted: the functions that they need, then itself."""
        before: list[str] = []
        for call in own_calls(statement):
            if call in self.sites and (lines := self.define(self.sites[call])):
                before += [*([""] if self.follows(statement) else []), *lines]
        self.program.check(statement)
        text = self.program.spliced(statement, self.put)
        if isinstance(statement, ast.Assign) and (site := self.alone(statement)) is not None:
            text = f"{self.editor.original(statement.targets[0].elts[0])} = {self.gradient(site, alone=True)}"  # type: ignore[attr-defined]
        indent = self.editor.indent(statement)
        return [*before, *reindent(text, indent, "").split("\n")]

    def follows(self, statement: ast.stmt) -> bool:
        """Whether a statement has others before it in its block."""
        parent = self.editor.parent(statement)
        return parent is not None and all(block[0] is not statement for block in blocks(parent) or [getattr(parent, "body", [None])])  # type: ignore[arg-type]

    def alone(self, statement: ast.Assign) -> LocalSite | None:
        """The site of `g, = tf.gradients(y, x)`."""
        target = statement.targets[0]
        if isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == 1 and isinstance(statement.value, ast.Call):
            return self.sites.get(statement.value)
        return None

    def define(self, site: LocalSite) -> list[str]:
        """The function that a site differentiates; no lines when the program has it already."""
        program = self.program
        if not site.each and (ready := self.ready(site)) is not None:
            self.callables[site.call] = ready
            return []
        if site.call in self.callables and not self.free(site) & self.shadowed:
            return []
        y = site.ys[0].id if len(site.ys) == 1 and isinstance(site.ys[0], ast.Name) else "y"
        name = self.fresh(f"{y}_of_{'_'.join(site.xs)}")
        shadowed = self.shadowed
        self.callables[site.call] = name, [*site.xs, *site.each]
        known = dict(self.callables)
        self.inside += 1
        self.shadowed = shadowed.union(site.xs, *(writes(s) for s in site.between))
        body: list[str] = []
        result = [program.render(y, self.put) for y in site.ys]
        for statement in site.between:
            last = statement is site.between[-1] and isinstance(statement, ast.Assign) and len(result) == 1 \
                and result[0] == self.editor.original(statement.targets[0]) and len(statement.targets) == 1
            if last and isinstance(statement, ast.Assign):
                *before, text = self._last(statement)
                body += before
                result = [text]
            else:
                body += self.lines(statement)
        self.inside -= 1
        self.shadowed, self.callables = shadowed, known
        body.append(f"return {', '.join(result)}")
        unit = self.editor.unit()
        return [f"def {name}({', '.join([*site.xs, *site.each])}):", *((unit + line).rstrip() for part in body for line in part.split("\n")), ""]

    def free(self, site: LocalSite) -> set[str]:
        """The names that the function of a site takes from around it."""
        made = set(site.xs).union(*(writes(s) for s in site.between))
        return {n for part in [*site.between, *site.ys] for n in self.reads(part) if n not in made}

    def _last(self, statement: ast.Assign) -> list[str]:
        """A statement whose value is what a function gives: the lines before it, and the value."""
        before: list[str] = []
        for call in own_calls(statement):
            if call in self.sites:
                before += self.define(self.sites[call])
        self.program.check(statement)
        text = reindent(self.program.render(statement.value, self.put), self.editor.indent(statement), "")
        return [*before, text if "\n" not in text or text.startswith("(") else f"({text})"]

    def ready(self, site: LocalSite) -> tuple[str, list[str]] | None:
        """`f` and its arguments where y is `f(x, …)` for a function of the program and the one x is its first argument only."""
        if len(site.ys) != 1 or len(site.xs) != 1 or len(site.between) > 1:
            return None
        y = site.ys[0]
        if site.between:
            statement = site.between[0]
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or not isinstance(y, ast.Name) \
                    or not isinstance(statement.targets[0], ast.Name) or statement.targets[0].id != y.id:
                return None
            y = statement.value
        # compiled code cannot differentiate a bound method, only a function that calls it
        if not isinstance(y, ast.Call) or not isinstance(self.program.callee(y), Function) or y.keywords or not y.args \
                or not isinstance(y.func, ast.Name) or self.program.callee(y) in self.program.owner:
            return None
        if self.program.deep and (len(y.args) > 1 or self.reads_state(y)):
            return None  # MindSpore 2.10 does not compile a call of a function that reads Parameters after its own gradient
        first, *others = y.args
        if not isinstance(first, ast.Name) or first.id != site.xs[0] or any(site.xs[0] in names_in(a) for a in others):
            return None
        if not all(isinstance(a, (ast.Name, ast.Attribute, ast.Constant)) for a in others):
            return None
        return self.editor.original(y.func), [self.editor.original(a) for a in y.args]

    def reads_state(self, call: ast.Call) -> bool:
        """Whether a function of the program reads more than its arguments, plain numbers, and functions that do not either."""
        program, seen, pending = self.program, set[ast.AST](), [self.program.callee(call)]
        while pending:
            function = pending.pop()
            if not isinstance(function, Function) or function in seen:
                continue
            seen.add(function)
            inside = set(walk(function))
            for node in inside:
                if isinstance(node, ast.Call):
                    pending.append(program.callee(node))
                elif isinstance(node, ast.Name) and node in program.names.scope_of:
                    scope = program.names.lookup(node.id, program.names.scope_of[node])
                    if scope is not None and scope.node not in inside and any(self.holds_state(b) for b in scope.bindings[node.id]):
                        return True
        return False

    @staticmethod
    def holds_state(binding: Binding) -> bool:
        """Whether a name may stand for more than a module, a definition or a plain number."""
        return binding.path is None and not isinstance(binding.node, (ast.FunctionDef, ast.ClassDef)) and not isinstance(binding.value, ast.Constant)

    def put(self, node: ast.expr) -> str | None:
        """The text of a gradient where it stands."""
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call) and node.value in self.sites \
                and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            site = self.sites[node.value]
            if len(site.xs) == 1 and node.slice.value == 0:
                return self.gradient(site, alone=True)
            return f"{self.gradient(site, alone=False)}[{node.slice.value}]"
        if isinstance(node, ast.Call) and node in self.sites:
            return self.gradient(self.sites[node], alone=False)
        return None

    def gradient(self, site: LocalSite, alone: bool) -> str:
        program = self.program
        program.imports.add("from mindspore import ops")
        options = ([] if alone else ["get_all=True"]) + (["sens_param=True"] if site.sens else [])
        sens = [program.render(part, self.put) for part in site.sens]
        function, given = self.callables[site.call]
        arguments = [*given, *([sens[0] if len(sens) == 1 else f"({', '.join(sens)})"] if sens else [])]
        text = f"ops.GradOperation({', '.join(options)})({function})({', '.join(arguments)})"
        if not self.inside or site.call not in self.placed:
            self.placed[site.call] = text
        return text


def blocks(statement: ast.stmt) -> list[Block]:
    """The blocks inside a statement; those of a definition belong to itself."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return []
    found = [getattr(statement, name) for name in ("body", "orelse", "finalbody") if getattr(statement, name, None)]
    return found + [h.body for h in getattr(statement, "handlers", [])]


def own_calls(statement: ast.stmt) -> list[ast.Call]:
    """The calls in a statement, not those of its blocks or of definitions in it, in the order of the source."""
    found: list[ast.Call] = []
    pending: list[ast.AST] = [c for c in ast.iter_child_nodes(statement) if not isinstance(c, ast.stmt)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            found.append(node)
        if not isinstance(node, (ast.stmt, ast.ExceptHandler)):
            pending += ast.iter_child_nodes(node)
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return []
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def listed(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, (ast.List, ast.Tuple)) else [node]


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, ast.Name)}


def names_stored(node: ast.AST) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def mutated(node: ast.AST) -> set[str]:
    """The names of what a statement changes without binding it: `a[i] = …`, `a.append(…)`."""
    found: set[str] = set()
    for inner in walk(node):
        target = None
        if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
            target = inner.value
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in ("append", "extend", "update", "insert", "pop"):
            target = inner.func.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return found


def writes(node: ast.AST) -> set[str]:
    return names_stored(node) | mutated(node)
