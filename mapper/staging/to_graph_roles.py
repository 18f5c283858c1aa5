"""Binding times: which functions build graph and which are host code, and what host names hold.

A *builder* gets tensors and returns tensors. *Host* code prints, fetches, loops over training steps. Code that makes
cells and variables (`__init__`, factories) is run by Python while the graph is built. Host code runs *once* (module
level, or a function called from one such place) or *repeatedly* (loops, comprehensions, other functions).
A host name holds a graph tensor (rep 'graph') or the NumPy array that was fetched (rep 'array').
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from mapper.edit import Editor
from mapper.names import Scope
from mapper.staging.to_graph_infer import Program, own_nodes
from mapper.staging.to_graph_kinds import TENSOR_HOST_ATTRIBUTES, TENSOR_HOST_METHODS, TENSOR_TO_HOST, UPDATE_PRIMITIVES, UPDATES
from mapper.staging.to_graph_values import (
    UPDATE,
    Class,
    Dict,
    Either,
    Function,
    FunctionInfo,
    GradFunction,
    GradOperation,
    Host,
    Instance,
    Layer,
    Method,
    Module,
    MultiFunction,
    Optimizer,
    Param,
    Partial,
    Seq,
    Tensor,
    Update,
    Value,
    alternatives,
    has_tensor,
    is_tensor,
)

_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_PURE_NUMPY = {"array", "ones", "zeros", "eye", "asarray", "full", "linspace", "arange", "float32", "int32", "float64",
               "ones_like", "zeros_like", "sqrt", "prod", "int64", "bool_"}
_HOST_BUILTINS = {"print", "float", "int", "bool", "str", "repr", "format", "round", "input", "open"}
Key = tuple[object, str]


class Roles:
    """The binding time of every piece of a program."""

    def __init__(self, program: Program, editor: Editor) -> None:
        self.program = program
        self.editor = editor
        self.home: dict[ast.AST, FunctionInfo] = {}
        for info in program.functions.values():
            for node in own_nodes(info.node):
                self.home[node] = info
        self.once: set[FunctionInfo] = set()
        self._find_updates()
        self._find_builders()
        self._find_operations()
        self._find_once()
        self.arrays: set[Key] = set()
        self._choose_reps()

    # ---- functions -----------------------------------------------------------------------------------------
    def function_of(self, node: ast.AST) -> FunctionInfo | None:
        """The function whose body holds `node` (a nested function's own node belongs to the outer one)."""
        return self.home.get(node)

    def callees(self, call: ast.Call) -> list[FunctionInfo]:
        """The program's own functions that a call may run."""
        return list(self._targets(self.program.callees.get(call)))

    def targets(self, value: Value | None) -> Iterable[FunctionInfo]:
        """The program's own functions that calling a value may run."""
        return self._targets(value)

    def _targets(self, value: Value | None) -> Iterable[FunctionInfo]:
        for option in alternatives(value):
            if isinstance(option, Function):
                yield option.info
            elif isinstance(option, Instance):
                method = (option.info.find("construct") if option.info.is_cell else None) or option.info.find(
                    "__call__")
                if method is not None:
                    yield method
            elif isinstance(option, (GradFunction, Partial)):
                yield from self._targets(option.fn)
            elif isinstance(option, MultiFunction):
                for function in option.functions:
                    yield from self._targets(function)
            elif isinstance(option, Layer):
                for inner in option.inner:
                    yield from self._targets(inner)

    def is_update(self, call: ast.Call) -> bool:
        """Does this call itself (not a function of the program) change variables?"""
        for option in alternatives(self.program.callees.get(call)):
            if isinstance(option, Optimizer):
                return True
            if isinstance(option, Layer) and option.name.rpartition(".")[2] in {*UPDATE_PRIMITIVES,
                                                                               "TrainOneStepCell"}:
                return True
            if isinstance(option, Module) and option.name in UPDATES:
                return True
            if isinstance(option, Method) and option.name in ("set_data", "assign_value") and isinstance(
                    option.of, (Param, Tensor)):
                return True
        return False

    def stores_parameter(self, node: ast.AST) -> bool:
        """`self.p = value` or `self.p += value` where p is a Parameter: its value changes."""
        if not isinstance(node, (ast.Assign, ast.AugAssign)):
            return False
        target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
        if not isinstance(target, ast.Attribute):
            return False
        stored = {o for owner in alternatives(self.program.kind(target.value)) if isinstance(owner, Instance)
                  for cls in owner.info.mro() for o in alternatives(cls.attributes.get(target.attr))}
        given = alternatives(self.program.kind(node.value))
        return stored == {Param()} and (isinstance(node, ast.AugAssign) or bool(given) and all(isinstance(o, Tensor) for o in given))

    def updates(self, call: ast.Call) -> bool:
        """Does running this call change variables?"""
        mapped = self.mapped(call)
        assigns = any(isinstance(o, Module) and o.name in UPDATES for o in alternatives(mapped))
        return assigns or self.is_update(call) or any(info.updates for info in [*self.callees(call), *self._targets(mapped)])

    def mapped(self, call: ast.Call) -> Value | None:
        """The function that `hyper_map(function, …)` calls for each element."""
        maps = any(isinstance(o, Layer) and o.name in ("ops.HyperMap", "ops.Map") for o in alternatives(self.program.callees.get(call)))
        return self.program.kind(call.args[0]) if maps and call.args else None

    def _find_updates(self) -> None:
        infos = list(self.program.functions.values())
        for _ in range(len(infos) + 1):
            changed = False
            for info in infos:
                if not info.updates and not self.makes(info) and any(isinstance(n, ast.Call) and self.updates(n) or self.stores_parameter(n)
                                            for n in own_nodes(info.node)):
                    info.updates = changed = True
            if not changed:
                break
        self.program_updates = any(isinstance(n, ast.Call) and self.updates(n) or self.stores_parameter(n)
                                   for n in ast.walk(self.program.tree))

    def _find_builders(self) -> None:
        infos = list(self.program.functions.values())
        forced = [i for i in infos if i.differentiated or self._is_construct(i) and not self._boundary(i, set(), True)]
        seen: set[FunctionInfo] = set()
        while forced:
            info = forced.pop()
            if info in seen:
                continue
            seen.add(info)
            for node in own_nodes(info.node):
                if isinstance(node, ast.Call):
                    forced += [c for c in self.callees(node) if c.name != "__init__"]
                if isinstance(node, _FUNCTIONS) and node in self.program.functions:
                    forced.append(self.program.functions[node])
        for info in seen:
            info.builds = True
        hosts: set[FunctionInfo] = set()
        for _ in range(len(infos) + 1):
            found = {i for i in infos if not i.builds and i not in hosts and i.name != "__init__"
                     and self._boundary(i, hosts, False)}
            if not found:
                break
            hosts |= found
        for info in infos:
            info.hosts = info in hosts
            changes = info.updates and info.name != "__init__"
            if not info.hosts and not info.builds and (changes or self._touches_tensors(info)):
                info.builds = True

    def _find_operations(self) -> None:
        """A builder that changes variables and returns nothing gives the operation that does."""
        for info in self.program.functions.values():
            silent = info.updates and info.builds and not info.hosts and isinstance(info.node, ast.FunctionDef)
            if silent and not any(isinstance(n, ast.Return) and n.value is not None for n in own_nodes(info.node)):
                for call in info.calls:
                    self.program.values[call] = UPDATE

    def _is_construct(self, info: FunctionInfo) -> bool:
        return info.owner is not None and info.name == "construct" and info.owner.is_cell

    def _touches_tensors(self, info: FunctionInfo) -> bool:
        return any(has_tensor(v) for v in info.parameters.values()) or has_tensor(info.result) or any(
            isinstance(n, ast.expr) and is_tensor(self.program.kind(n)) for n in own_nodes(info.node))

    def makes(self, info: FunctionInfo | None) -> bool:
        """Python runs this function while the graph is built, and what it changes is changed then: `__init__`, a factory."""
        return info is not None and (info.name == "__init__" or self._makes_parts(info))

    def _makes_parts(self, info: FunctionInfo) -> bool:
        """A factory: its result is a cell, a variable, an optimizer or a list of them, not a tensor."""
        return any(isinstance(o, (Layer, Instance, Optimizer, Param, Function, GradFunction, Class)) or
                   isinstance(o, Seq) and isinstance(o.each(), (Layer, Instance, Param))
                   for o in alternatives(info.result))

    def _boundary(self, info: FunctionInfo, hosts: set[FunctionInfo], strict: bool) -> bool:
        """Does a tensor become host data in this function (or host data of each call a tensor)?"""
        factory = self._makes_parts(info)
        return any(self._is_boundary(node, info, hosts, factory or strict) for node in own_nodes(info.node))

    def _is_boundary(self, node: ast.AST, info: FunctionInfo, hosts: set[FunctionInfo], factory: bool) -> bool:
        kind = self.program.kind
        if isinstance(node, ast.Call):
            return self._call_boundary(node, info, hosts, factory)
        if isinstance(node, ast.FormattedValue):
            return has_tensor(kind(node.value))
        if isinstance(node, (ast.If, ast.While)):
            decides = is_tensor(kind(node.test)) and not self._is_construct(info)
            return decides or isinstance(node, ast.While) and self._trains(node)
        if isinstance(node, ast.For):
            return self._trains(node)
        return isinstance(node, (ast.Yield, ast.YieldFrom))

    def _trains(self, loop: ast.For | ast.While) -> bool:
        return any(isinstance(n, ast.Call) and self.updates(n) for s in loop.body for n in ast.walk(s))

    def _call_boundary(self, node: ast.Call, info: FunctionInfo, hosts: set[FunctionInfo], factory: bool) -> bool:
        tensors = any(has_tensor(self.program.kind(a)) for a in [*node.args, *(k.value for k in node.keywords)])
        for option in alternatives(self.program.callees.get(node)):
            if isinstance(option, Method) and option.name in TENSOR_TO_HOST and has_tensor(option.of):
                return True
            if isinstance(option, Function) and option.info in hosts:
                return True
            if isinstance(option, Instance) and any(t in hosts for t in self._targets(option)):
                return True
            if isinstance(option, Module):
                root, _, short = option.name.rpartition(".")
                if root == "builtins" and (short == "print" or short in _HOST_BUILTINS and tensors):
                    return True
                if option.name.startswith(("np.", "math.")) and tensors:
                    return True
                if option.name == "ms.Tensor" and not factory and not self._static(node.args[0] if node.args else None,
                                                                                   info):
                    return True
            unknown = isinstance(option, Host) or isinstance(option, Method) and isinstance(option.of, Host)
            if unknown and not factory and has_tensor(info.result):
                return True
        return False

    def _static(self, node: ast.expr | None, info: FunctionInfo) -> bool:
        """Host data that is the same whenever the function is called with the same arguments."""
        if node is None or isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.Name):
            return node.id in info.parameters or has_tensor(self.program.kind(node)) or self._module_constant(node)
        if isinstance(node, ast.Call):
            path = self.program.names.resolve(node.func) or ""
            pure = path.startswith("np.") and path[3:] in _PURE_NUMPY or path.startswith("math.") or has_tensor(
                self.program.kind(node))
            return pure and all(self._static(a, info) for a in [*node.args, *(k.value for k in node.keywords)])
        if isinstance(node, (ast.List, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.Attribute, ast.Subscript, ast.Starred,
                             ast.Slice, ast.IfExp, ast.Compare)):
            return all(self._static(c, info) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr))
        return False

    def _module_constant(self, node: ast.Name) -> bool:
        names = self.program.names
        scope = names.lookup(node.id, names.scope_of[node])
        return scope is names.module and len(scope.bindings[node.id]) == 1

    # ---- where code runs -----------------------------------------------------------------------------------
    def _find_once(self) -> None:
        hosts = [i for i in self.program.functions.values() if i.hosts]
        for _ in range(len(hosts) + 1):
            found = {i for i in hosts if i not in self.once and len(i.calls) == 1
                     and self.mode(next(iter(i.calls))) == "once" and not self._escapes(i)}
            if not found:
                break
            self.once |= found

    def _escapes(self, info: FunctionInfo) -> bool:
        """Is the function used other than by its one call?"""
        if isinstance(info.node, ast.Lambda):
            return True
        uses = [n for n in ast.walk(self.program.tree) if isinstance(n, (ast.Name, ast.Attribute))
                and (n.id if isinstance(n, ast.Name) else n.attr) == info.name]
        return len(uses) > 1

    def mode(self, node: ast.AST) -> str:
        """'graph' (builders, code that makes cells), 'once' or 'repeated' (host code)."""
        repeated = False
        child: ast.AST = node
        parent = self.editor.parent(node)
        while parent is not None:
            if isinstance(parent, _LOOPS) and self._in_loop(parent, child):
                repeated = True
            elif isinstance(parent, _COMPREHENSIONS) and child is not parent.generators[0]:
                repeated = True
            elif isinstance(parent, ast.comprehension) and child is not parent.iter:
                repeated = True
            elif isinstance(parent, _FUNCTIONS) and parent in self.program.functions and self._inside(parent, child):
                info = self.program.functions[parent]
                if not info.hosts:
                    return "graph"
                return "repeated" if repeated or info not in self.once else "once"
            child, parent = parent, self.editor.parent(parent)
        return "repeated" if repeated else "once"

    @staticmethod
    def _in_loop(loop: ast.AST, child: ast.AST) -> bool:
        return child in getattr(loop, "body", ()) or child is getattr(loop, "test", None)

    @staticmethod
    def _inside(function: ast.AST, child: ast.AST) -> bool:
        body = getattr(function, "body", None)
        return child is body or isinstance(body, list) and child in body

    # ---- what host names hold ------------------------------------------------------------------------------
    def key(self, node: ast.Name | ast.Attribute) -> Key | None:
        """The variable a name stands for; for `self.x`, the attribute of the class."""
        if isinstance(node, ast.Name):
            scope = self.program.names.lookup(node.id, self.program.names.scope_of.get(node, self.program.names.module))
            return None if scope is None else (scope, node.id)
        for option in alternatives(self.program.kind(node.value)):
            if isinstance(option, Instance):
                return option.info, node.attr
        return None

    def _choose_reps(self) -> None:
        names = [n for n in ast.walk(self.program.tree) if isinstance(n, (ast.Name, ast.Attribute))
                 and self.fetchable(self.program.kind(n))]
        unpacking = [n for n in ast.walk(self.program.tree) if isinstance(n, ast.Assign) and isinstance(n.targets[0], (ast.Tuple, ast.List))
                     and not isinstance(n.value, (ast.Tuple, ast.List))]
        for _ in range(4):
            before = len(self.arrays)
            for node in names:
                self._choose(node)
            for statement in unpacking:
                self._choose_together(statement)
            if len(self.arrays) == before:
                break

    def _choose_together(self, statement: ast.Assign) -> None:
        """What is unpacked from one value is fetched together."""
        target = statement.targets[0]
        keys = [self.key(part) for part in ast.walk(target) if isinstance(part, (ast.Name, ast.Attribute)) and self.fetchable(self.program.kind(part))]
        if self.mode(statement) != "graph" and any(key in self.arrays for key in keys):
            self.arrays.update(key for key in keys if key is not None)

    def _choose(self, node: ast.Name | ast.Attribute) -> None:
        key = self.key(node)
        if key is None or key in self.arrays:
            return
        mode = self.mode(node)
        if isinstance(node, ast.Name) and isinstance(key[0], Scope):
            owner = self.program.functions.get(key[0].node)
            if owner is not None and not owner.hosts:
                return
            if isinstance(key[0].node, _COMPREHENSIONS):
                if mode != "graph":
                    self.arrays.add(key)
                return
            if owner is not None and owner not in self.once or owner is not None and node.id in owner.parameters:
                self.arrays.add(key)
                return
        if isinstance(node.ctx, ast.Store):
            if mode == "repeated" or mode == "once" and isinstance(node, ast.Name) and not self._kept(node, key):
                self.arrays.add(key)

    def _kept(self, node: ast.Name, key: Key) -> bool:
        """May a name bound in code that runs once stay a graph tensor?"""
        scope = key[0]
        assert isinstance(scope, Scope)
        loads = [n for n in ast.walk(scope.node) if isinstance(n, ast.Name) and n.id == key[1]
                 and isinstance(n.ctx, ast.Load) and self.key(n) == key]
        statement = self.editor.statement(node)
        constant = isinstance(statement, (ast.Assign, ast.AnnAssign)) and self._constant(statement.value, node,
                                                                                         statement)
        if constant:
            return any(self.symbolic(n) for n in loads)
        if self.program_updates or isinstance(statement, (ast.For, ast.With)):
            return False
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None and self.rep(statement.value) == "array":
            return False        # what is computed from fetched arrays is one
        if len(loads) == 1 and isinstance(statement, ast.Assign) and node in statement.targets and len(scope.bindings[key[1]]) == 1 and isinstance(
                self.program.kind(loads[0]), Tensor) and self.mode(loads[0]) == "once":
            return True
        return all(self.symbolic(n) for n in loads) and bool(loads)

    def _constant(self, value: ast.expr | None, node: ast.Name, statement: ast.stmt) -> bool:
        """Is the name bound to a Tensor made on the spot?"""
        if isinstance(value, (ast.Tuple, ast.List)) and isinstance(statement, ast.Assign):
            target = statement.targets[0]
            if isinstance(target, (ast.Tuple, ast.List)) and node in target.elts and len(target.elts) == len(
                    value.elts):
                value = value.elts[target.elts.index(node)]
        return isinstance(value, ast.Call) and any(
            isinstance(o, Module) and o.name in ("ms.Tensor", "ops.ones", "ops.zeros", "ops.full", "ops.arange",
                                                 "ops.eye", "ops.linspace", "ms.numpy.array")
            for o in alternatives(self.program.callees.get(value)))

    def symbolic(self, node: ast.expr) -> bool:
        """Is this use of a tensor one that a graph tensor can serve without being fetched here?"""
        child: ast.expr = node
        while True:
            parent = self.editor.parent(child)
            if isinstance(parent, ast.Call) and parent.func is not child:
                return self.takes_graph(parent)
            if isinstance(parent, ast.keyword):
                call = self.editor.parent(parent)
                return isinstance(call, ast.Call) and self.takes_graph(call)
            if isinstance(parent, ast.Attribute):
                if parent.attr in TENSOR_HOST_ATTRIBUTES | TENSOR_HOST_METHODS:
                    return True
                call = self.editor.parent(parent)
                if isinstance(call, ast.Call) and call.func is parent:
                    if parent.attr in TENSOR_TO_HOST:
                        return False
                    parent = call
            elif isinstance(parent, ast.Starred):
                pass
            elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
                return True
            elif not isinstance(parent, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Tuple, ast.List)) and not (
                    isinstance(parent, ast.Subscript) and parent.value is child):
                mode = self.mode(child)
                return mode == "graph"
            assert isinstance(parent, ast.expr)
            child = parent

    def takes_graph(self, call: ast.Call) -> bool:
        """Is this a call to which graph tensors are given: a builder, a cell, an op, a cell's or optimizer's class?"""
        for option in alternatives(self.program.callees.get(call)):
            if isinstance(option, Function):
                return not option.info.hosts
            if isinstance(option, (Layer, GradFunction, Class, Optimizer, GradOperation, MultiFunction, Partial)):
                return True
            if isinstance(option, Instance):
                return not any(t.hosts for t in self._targets(option))
            if isinstance(option, Module):
                return option.name.split(".")[0] in ("ops", "nn", "ms")
            if isinstance(option, Method):
                return isinstance(option.of, (Tensor, Param))
        return False

    def fetchable(self, kind: Value | None) -> bool:
        """Is this a tensor, or a structure with tensors in it (Parameters alone stay variables)?"""
        for option in alternatives(kind):
            if isinstance(option, (Tensor, Update)):
                return True
            if isinstance(option, Seq) and (any(self.fetchable(v) for v in option.items) if option.items is not None
                                            else self.fetchable(option.element)):
                return True
            if isinstance(option, Dict) and self.fetchable(option.element):
                return True
        return False

    def rep(self, node: ast.expr) -> str:
        """'graph', 'array' or 'host': what the expression gives in host code."""
        kind = self.program.kind(node)
        if not has_tensor(kind):
            return "host"
        if self.mode(node) == "graph":
            return "graph"
        if isinstance(node, (ast.Name, ast.Attribute)) and not isinstance(kind, Module):
            return self._rep_of_name(node, kind)
        if isinstance(node, ast.Call):
            return self._rep_of_call(node)
        if isinstance(node, ast.Subscript):
            return self.rep(node.value)
        if isinstance(node, ast.Starred):
            return self.rep(node.value)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
            return "graph" if not self.fetchable(kind) else "array"
        parts = [self.rep(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
        return "graph" if "graph" in parts else "array" if "array" in parts else "host"

    def _rep_of_name(self, node: ast.Name | ast.Attribute, kind: Value | None) -> str:
        if not self.fetchable(kind):
            return "graph"
        key = self.key(node)
        if key is not None:
            return "array" if key in self.arrays else "graph"
        if isinstance(node, ast.Attribute):
            return self.rep(node.value)
        return "graph"

    def _rep_of_call(self, node: ast.Call) -> str:
        options = alternatives(self.program.callees.get(node))
        for option in options:
            if isinstance(option, Function):
                return "array" if option.info.hosts and self.fetchable(self.program.kind(node)) else "graph"
            if isinstance(option, Instance) and any(t.hosts for t in self._targets(option)):
                return "array"
            if isinstance(option, Method) and isinstance(option.of, Tensor) and isinstance(node.func, ast.Attribute):
                return self.rep(node.func.value)
            if isinstance(option, Method) and isinstance(node.func, ast.Attribute) and isinstance(option.of,
                                                                                                  (Seq, Dict)):
                return self.rep(node.func.value)
            if isinstance(option, Module) and option.name == "ms.Tensor":
                return "array" if self._tensor_is_array(node) else "graph"
            if isinstance(option, Module) and option.name.startswith("builtins."):
                reps = [self.rep(a) for a in node.args]
                return "graph" if "graph" in reps and not any(self.fetchable(self.program.kind(a))
                                                              for a in node.args) else "array"
        return "graph"

    def _tensor_is_array(self, node: ast.Call) -> bool:
        """In host code, `Tensor(data)` is made of an array when it runs repeatedly or is kept under an array name."""
        if self.mode(node) == "repeated":
            return True
        parent = self.editor.parent(node)
        if isinstance(parent, (ast.Tuple, ast.List)) and isinstance(self.editor.parent(parent), ast.Assign):
            assign = self.editor.parent(parent)
            assert isinstance(assign, ast.Assign)
            target = assign.targets[0]
            if isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(parent.elts):
                name = target.elts[parent.elts.index(node)]
                return isinstance(name, ast.Name) and self.key(name) in self.arrays
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            return self.key(parent.targets[0]) in self.arrays
        return not self.symbolic(node)


__all__ = ["Either", "Roles"]
