"""Which kind of value each expression of a MindSpore module has: abstract interpretation, whole module, no execution.

The module is walked in program order; calls of its own functions join their arguments' kinds into the parameters and
give back the joined result; attributes are joined per class. The walk is repeated until nothing changes.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mapper.names import Names, canonical
from mapper.staging import to_graph_kinds as kinds
from mapper.staging.to_graph_values import (
    ARRAY,
    CELL_BASES,
    FLOAT,
    HOST,
    NO_CALL,
    NONE,
    TENSOR,
    UPDATE,
    Class,
    ClassInfo,
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
    join,
    join_all,
)

Env = dict[str, Value | None]
_PASSES = 6


class Program:
    """A module with the kind of every expression in it (`kind(node)`), its functions and its classes."""

    def __init__(self, tree: ast.Module, names: Names) -> None:
        self.tree = tree
        self.names = names
        self.values: dict[ast.AST, Value | None] = {}
        self.functions: dict[ast.AST, FunctionInfo] = {}
        self.classes: dict[ast.AST, ClassInfo] = {}
        self.globals: Env = {}
        self.callees: dict[ast.Call, Value | None] = {}
        self.changed = False

    def kind(self, node: ast.AST) -> Value | None:
        return self.values.get(node)


def infer(tree: ast.Module, names: Names) -> Program:
    """Interpret a module; every expression that can be reached (all functions are) gets its kind."""
    program = Program(tree, names)
    for _ in range(_PASSES):
        program.changed = False
        program.values = {}
        for info in program.functions.values():
            info.active = False
        walker = _Walker(program)
        walker.body(tree.body, program.globals, None)
        walker.leftovers()
        if not program.changed:
            break
    return program


class _Walker:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = program.names
        self.returns: list[Value | None] = []
        self.done: set[FunctionInfo] = set()
        self.function: FunctionInfo | None = None
        self.cls: ClassInfo | None = None

    # ---- statements ----------------------------------------------------------------------------------------
    def body(self, statements: Sequence[ast.stmt], env: Env, function: FunctionInfo | None) -> None:
        for statement in statements:
            self.statement(statement, env)

    def statement(self, node: ast.stmt, env: Env) -> None:
        method = getattr(self, f"do_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node, env)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, env)
            elif isinstance(child, ast.stmt):
                self.statement(child, env)

    def do_assign(self, node: ast.Assign, env: Env) -> None:
        value = self.value(node.value, env)
        for target in node.targets:
            self.assign(target, value, env)

    def do_annassign(self, node: ast.AnnAssign, env: Env) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value, env), env)

    def do_augassign(self, node: ast.AugAssign, env: Env) -> None:
        old = self.value(_loaded(node.target), env)
        new = kinds.binary(old, self.value(node.value, env), node.op)
        self.program.values[node.target] = join(self.program.values.get(node.target), old)
        if isinstance(node.target, (ast.Name, ast.Attribute)):
            self.assign(node.target, new, env)

    def do_expr(self, node: ast.Expr, env: Env) -> None:
        self.value(node.value, env)

    def do_return(self, node: ast.Return, env: Env) -> None:
        self.returns.append(self.value(node.value, env) if node.value is not None else NONE)

    def do_functiondef(self, node: ast.FunctionDef, env: Env) -> None:
        info = self.function_info(node)
        value: Value | None = Function(info)
        for decorator in node.decorator_list:
            made = self.value(decorator, env)
            if isinstance(made, GradFunction) or isinstance(made, MultiFunction):
                value = made
            if isinstance(made, Method) and made.name == "register" and isinstance(made.of, MultiFunction):
                value = made.of
            if isinstance(decorator, ast.Call):
                self.register(decorator, Function(info), env)
            if isinstance(made, Class) or (isinstance(made, Function) and made.info.node is not node):
                value = self.call_value(made, [Function(info)], {}, None) or value
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.value(default, env)
        self.bind(node.name, value, env)

    do_asyncfunctiondef = do_functiondef

    def register(self, decorator: ast.Call, function: Function, env: Env) -> None:
        """`@clip.register("Number", "Tensor")` adds a function to a MultitypeFuncGraph."""
        target = decorator.func
        if isinstance(target, ast.Attribute) and target.attr == "register" and isinstance(target.value, ast.Name):
            graph = self.value(target.value, env)
            if isinstance(graph, MultiFunction) and function not in graph.functions:
                self.bind(target.value.id, MultiFunction(graph.key, (*graph.functions, function)), env, replace=True)

    def do_classdef(self, node: ast.ClassDef, env: Env) -> None:
        info = self.program.classes.setdefault(node, ClassInfo(node))
        info.bases, info.api_bases = [], []
        for base in node.bases:
            value = self.value(base, env)
            if isinstance(value, Class):
                info.bases.append(value.info)
            elif isinstance(value, Module):
                info.api_bases.append(value.name)
        self.bind(node.name, Class(info), env)
        outer, self.cls = self.cls, info
        inner: Env = dict(env)
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                method = self.function_info(statement)
                method.owner = info
                info.methods[statement.name] = method
                for decorator in statement.decorator_list:
                    self.value(decorator, inner)
            else:
                self.statement(statement, inner)
        for name in self.program.names.scopes[node].bindings:
            if name in inner and (name not in env or env[name] is not inner[name]):
                self.attribute_joined(info, name, inner[name])
        self.cls = outer

    def do_if(self, node: ast.If, env: Env) -> None:
        self.value(node.test, env)
        self.branches([node.body, node.orelse], env)

    def do_try(self, node: ast.Try, env: Env) -> None:
        self.body(node.body, env, self.function)
        self.branches([h.body for h in node.handlers] + [node.orelse], env)
        self.body(node.finalbody, env, self.function)

    def branches(self, blocks: list[list[ast.stmt]], env: Env) -> None:
        ends: list[Env] = []
        for block in blocks:
            copy = dict(env)
            self.body(block, copy, self.function)
            ends.append(copy)
        for name in {n for end in ends for n in end}:
            env[name] = join_all(end.get(name, env.get(name)) for end in ends)

    def do_for(self, node: ast.For, env: Env) -> None:
        element = self.element(self.value(node.iter, env))
        for _ in range(2):
            before = dict(env)
            self.assign(node.target, element, env)
            self.body(node.body, env, self.function)
            for name in list(env):
                env[name] = join(before.get(name), env[name])
        self.body(node.orelse, env, self.function)

    do_asyncfor = do_for

    def do_while(self, node: ast.While, env: Env) -> None:
        for _ in range(2):
            before = dict(env)
            self.value(node.test, env)
            self.body(node.body, env, self.function)
            for name in list(env):
                env[name] = join(before.get(name), env[name])
        self.body(node.orelse, env, self.function)

    def do_with(self, node: ast.With, env: Env) -> None:
        for item in node.items:
            value = self.value(item.context_expr, env)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, env)
        self.body(node.body, env, self.function)

    def do_import(self, node: ast.Import, env: Env) -> None:
        for alias in node.names:
            env[alias.asname or alias.name.split(".")[0]] = Module(
                canonical(alias.name if alias.asname else alias.name.split(".")[0]))

    def do_importfrom(self, node: ast.ImportFrom, env: Env) -> None:
        for alias in node.names:
            if alias.name != "*":
                path = "." * node.level + (f"{node.module}." if node.module else "") + alias.name
                name = alias.asname or alias.name
                new = Module(canonical(path))
                env[name] = env[name] if isinstance(env.get(name), Module) and self._fallback(node) else new

    def _fallback(self, node: ast.ImportFrom) -> bool:
        return any(isinstance(h, ast.ExceptHandler) and node in h.body for h in self._handlers())

    def _handlers(self) -> list[ast.AST]:
        return [h for n in self.program.tree.body if isinstance(n, ast.Try) for h in n.handlers]

    # ---- binding -------------------------------------------------------------------------------------------
    def assign(self, target: ast.expr, value: Value | None, env: Env) -> None:
        self.program.values[target] = join(self.program.values.get(target), value)
        if isinstance(target, ast.Name):
            self.bind(target.id, value, env)
        elif isinstance(target, ast.Attribute):
            for owner in alternatives(self.value(target.value, env)):
                if isinstance(owner, Instance) and not (isinstance(value, Tensor) and self.instance_attribute(owner, target.attr) == Param()):
                    self.attribute_joined(owner.info, target.attr, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.unpack(target.elts, value, env)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, Seq(element=self.element(value), tuple_=False), env)
        elif isinstance(target, ast.Subscript):
            self.store_item(target, value, env)

    def unpack(self, targets: list[ast.expr], value: Value | None, env: Env) -> None:
        parts: list[list[Value | None]] = [[] for _ in targets]
        for option in alternatives(value):
            exact = isinstance(option, Seq) and option.items is not None and len(option.items) == len(targets)
            for i, part in enumerate(parts):
                part.append(option.items[i] if exact else self.element(option))  # type: ignore[union-attr,index]
        for target, part in zip(targets, parts):
            self.assign(target, join_all(part), env)

    def store_item(self, target: ast.Subscript, value: Value | None, env: Env) -> None:
        self.value(target.slice, env)
        container = self.value(target.value, env)
        if isinstance(container, Dict):
            self.widen(target.value, Dict(join(container.element, value)), env)
        elif isinstance(container, Seq):
            self.widen(target.value, Seq(element=join(container.each(), value), tuple_=False), env)

    def widen(self, node: ast.expr, value: Value, env: Env) -> None:
        """A container held by a name or attribute now also holds something else."""
        if isinstance(node, ast.Name):
            self.bind(node.id, value, env, replace=True)
        elif isinstance(node, ast.Attribute):
            for owner in alternatives(self.value(node.value, env)):
                if isinstance(owner, Instance):
                    self.attribute_joined(owner.info, node.attr, value)

    def bind(self, name: str, value: Value | None, env: Env, replace: bool = False) -> None:
        env[name] = value
        if self.function is None:
            target = self.program.globals
        else:
            target = self.function.locals
            scope = self.names.scopes.get(self.function.node)
            if scope is not None and scope.elsewhere.get(name) == "global":
                target = self.program.globals
        if env is target:
            return
        joined = value if replace else join(target.get(name), value)
        if joined != target.get(name):
            target[name] = joined
            self.program.changed = True

    def attribute_joined(self, info: ClassInfo, name: str, value: Value | None) -> None:
        joined = join(info.attributes.get(name), value)
        if joined != info.attributes.get(name):
            info.attributes[name] = joined
            self.program.changed = True

    # ---- expressions ---------------------------------------------------------------------------------------
    def value(self, node: ast.expr, env: Env) -> Value | None:
        method = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if method is not None:
            value: Value | None = method(node, env)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.value(child, env)
            value = HOST
        values = self.program.values
        values[node] = join(values.get(node), value)
        return value

    def of_constant(self, node: ast.Constant, env: Env) -> Value:
        return Host(known=True, literal=node.value, floating=isinstance(node.value, float))

    def of_name(self, node: ast.Name, env: Env) -> Value | None:
        if node.id in env:
            return env[node.id]
        scope = self.names.scope_of.get(node)
        home = self.names.lookup(node.id, scope) if scope is not None else None
        if home is not None and home.node in self.program.functions:
            return self.program.functions[home.node].locals.get(node.id)
        if node.id in self.program.globals:
            return self.program.globals[node.id]
        path = self.names.resolve(node)
        if path is not None:
            return Module(path)
        return Module(f"builtins.{node.id}") if home is None else None

    def of_attribute(self, node: ast.Attribute, env: Env) -> Value | None:
        path = self.names.resolve(node)
        base = self.value(node.value, env)
        if path is not None and isinstance(base, Module):
            return Module(path)
        return join_all(self.attribute(option, node.attr) for option in alternatives(base))

    def attribute(self, of: Value, name: str) -> Value | None:
        if isinstance(of, Method) and of.name == "super" and name == "__init__":
            return Method(of.of, "super_init")
        if isinstance(of, (Tensor, Param)):
            return kinds.tensor_attribute(of, name) or Method(of, name)
        if isinstance(of, Instance):
            return self.instance_attribute(of, name)
        if isinstance(of, Class):
            method = of.info.find(name)
            return Function(method) if method else of.info.attributes.get(name)
        if isinstance(of, Module):
            return Module(canonical(f"{of.name}.{name}"))
        if isinstance(of, Optimizer) and name == "learning_rate":
            return Param()
        if isinstance(of, Optimizer):
            return Seq(element=Param()) if name in ("parameters", "params", "_parameters") else Method(of, name)
        if isinstance(of, Layer):
            return self.layer_attribute(of, name)
        if isinstance(of, Host):
            return kinds.host_attribute(of, name)
        return Method(of, name)

    def instance_attribute(self, of: Instance, name: str) -> Value | None:
        for cls in of.info.mro():
            if name in cls.methods:
                found = cls.methods[name]
                decorators = {ast.unparse(d) for d in found.node.decorator_list} if isinstance(
                    found.node, ast.FunctionDef) else set()
                if "property" in decorators:
                    return self.call_function(Function(found, of), [], {}, None)
                return Function(found, None if "staticmethod" in decorators else of)
        stored = join_all(cls.attributes.get(name) for cls in of.info.mro())
        for base in self.derived(of.info):
            stored = join(stored, base.attributes.get(name))
        if stored is not None:
            return stored
        known = kinds.framework_attribute(of.info.base_apis, name)
        if known is not None:
            return known
        return Method(of, name) if of.info.is_cell or of.info.api_bases else None

    def derived(self, info: ClassInfo) -> list[ClassInfo]:
        return [c for c in self.program.classes.values() if c.bases and c is not info and info in c.mro()]

    def layer_attribute(self, of: Layer, name: str) -> Value | None:
        if name in ("weight", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embedding_table"):
            return Param()
        return Method(of, name)

    def of_binop(self, node: ast.BinOp, env: Env) -> Value | None:
        return kinds.binary(self.value(node.left, env), self.value(node.right, env), node.op)

    def of_unaryop(self, node: ast.UnaryOp, env: Env) -> Value | None:
        value = self.value(node.operand, env)
        if isinstance(node.op, ast.Not):
            return Tensor("bool_") if is_tensor(value) else HOST
        if isinstance(value, Param):
            return TENSOR
        if isinstance(value, Host) and value.known and isinstance(value.literal, (int, float)):
            return Host(known=True, literal=-value.literal, floating=value.floating) if isinstance(
                node.op, ast.USub) else value
        return value

    def of_compare(self, node: ast.Compare, env: Env) -> Value | None:
        sides = [self.value(node.left, env), *(self.value(c, env) for c in node.comparators)]
        if any(isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for op in node.ops):
            return HOST
        if any(is_tensor(s) for s in sides):
            return Tensor("bool_")
        return ARRAY if any(isinstance(s, Host) and s.array for s in sides) else HOST

    def of_boolop(self, node: ast.BoolOp, env: Env) -> Value | None:
        return join_all(self.value(v, env) for v in node.values)

    def of_ifexp(self, node: ast.IfExp, env: Env) -> Value | None:
        self.value(node.test, env)
        return join(self.value(node.body, env), self.value(node.orelse, env))

    def of_tuple(self, node: ast.Tuple, env: Env) -> Value | None:
        return self.sequence(node.elts, env, True)

    def of_list(self, node: ast.List, env: Env) -> Value | None:
        return self.sequence(node.elts, env, False)

    def sequence(self, elements: list[ast.expr], env: Env, tuple_: bool) -> Value:
        values = [self.value(e.value if isinstance(e, ast.Starred) else e, env) for e in elements]
        if any(isinstance(e, ast.Starred) for e in elements):
            parts = [self.element(v) if isinstance(e, ast.Starred) else v for e, v in zip(elements, values)]
            return Seq(element=join_all(parts), tuple_=tuple_)
        return Seq(items=tuple(v or HOST for v in values), tuple_=tuple_) if elements else Seq(tuple_=tuple_)

    def of_dict(self, node: ast.Dict, env: Env) -> Value | None:
        for key in node.keys:
            if key is not None:
                self.value(key, env)
        return Dict(join_all(self.value(v, env) for v in node.values))

    def of_starred(self, node: ast.Starred, env: Env) -> Value | None:
        return self.value(node.value, env)

    def of_subscript(self, node: ast.Subscript, env: Env) -> Value | None:
        self.value(node.slice, env)
        index = self.program.values.get(node.slice)
        return join_all(self.item(option, index, node.slice) for option in alternatives(self.value(node.value, env)))

    def item(self, of: Value, index: Value | None, slice_: ast.expr) -> Value | None:
        if isinstance(of, (Tensor, Param)):
            return Tensor(of.dtype if isinstance(of, Tensor) else None)
        if isinstance(of, Seq):
            if isinstance(slice_, ast.Slice):
                return Seq(element=of.each(), tuple_=of.tuple_)
            exact = isinstance(index, Host) and index.known and isinstance(index.literal, int)
            if of.items is not None and exact and -len(of.items) <= index.literal < len(of.items):  # type: ignore
                return of.items[index.literal]  # type: ignore[index,union-attr]
            return of.each()
        if isinstance(of, Dict):
            return of.element
        if isinstance(of, Layer) and of.inner:
            return join_all(of.inner)
        if isinstance(of, Host) and of.array:
            return Host(array=True, dtype=of.dtype)
        return Host(floating=True)

    def of_slice(self, node: ast.Slice, env: Env) -> Value | None:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.value(part, env)
        return HOST

    def of_joinedstr(self, node: ast.JoinedStr, env: Env) -> Value | None:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.value(part.value, env)
        return HOST

    def of_lambda(self, node: ast.Lambda, env: Env) -> Value | None:
        return Function(self.function_info(node))

    def of_namedexpr(self, node: ast.NamedExpr, env: Env) -> Value | None:
        value = self.value(node.value, env)
        self.assign(node.target, value, env)
        return value

    def of_listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, env: Env) -> Value | None:
        return Seq(element=self.value(node.elt, self.generators(node.generators, env)), tuple_=False)

    of_generatorexp = of_listcomp
    of_setcomp = of_listcomp

    def of_dictcomp(self, node: ast.DictComp, env: Env) -> Value | None:
        inner = self.generators(node.generators, env)
        self.value(node.key, inner)
        return Dict(self.value(node.value, inner))

    def generators(self, generators: list[ast.comprehension], env: Env) -> Env:
        inner = dict(env)
        function = self.function
        for generator in generators:
            element = self.element(self.value(generator.iter, inner))
            self.target_only(generator.target, element, inner)
            for condition in generator.ifs:
                self.value(condition, inner)
        self.function = function
        return inner

    def target_only(self, target: ast.expr, value: Value | None, env: Env) -> None:
        """Bind a comprehension's variable: visible in its own environment only."""
        self.program.values[target] = join(self.program.values.get(target), value)
        if isinstance(target, ast.Name):
            env[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for i, part in enumerate(target.elts):
                exact = isinstance(value, Seq) and value.items is not None and len(value.items) == len(target.elts)
                self.target_only(part, value.items[i] if exact else self.element(value), env)  # type: ignore

    def element(self, of: Value | None) -> Value | None:
        """What iterating over a value gives."""
        found: list[Value | None] = []
        for option in alternatives(of):
            if isinstance(option, Seq):
                found.append(option.each())
            elif isinstance(option, (Tensor, Param)):
                found.append(Tensor(option.dtype if isinstance(option, Tensor) else None))
            elif isinstance(option, Dict):
                found.append(HOST)
            elif isinstance(option, Layer) and option.inner:
                found.append(join_all(option.inner))
            elif isinstance(option, Instance):
                found.append(self.iterated(option))
            else:
                found.append(Host(array=True, dtype=option.dtype) if isinstance(option, Host) and option.array else HOST)
        return join_all(found)

    def iterated(self, of: Instance) -> Value | None:
        for name in ("__iter__", "__getitem__"):
            method = of.info.find(name)
            if method is not None:
                result = self.call_function(Function(method, of), [HOST], {}, None)
                return result if name == "__getitem__" else self.element(result)
        return HOST

    # ---- calls ---------------------------------------------------------------------------------------------
    def of_call(self, node: ast.Call, env: Env) -> Value | None:
        callee = self.value(node.func, env)
        args: list[Value | None] = []
        for arg in node.args:
            value = self.value(arg, env)
            if isinstance(arg, ast.Starred):
                spread = value.items if isinstance(value, Seq) and value.items is not None else None
                args += list(spread) if spread is not None else [self.element(value)]
            else:
                args.append(value)
        keywords = {k.arg or "**": self.value(k.value, env) for k in node.keywords}
        self.program.callees[node] = join(self.program.callees.get(node), callee)
        if isinstance(node.func, ast.Name) and node.func.id == "super" and self.names.resolve(node.func) is None:
            return self.super_value(node)
        star = next((i for i, a in enumerate(node.args) if isinstance(a, ast.Starred)), None)
        if isinstance(callee, Method) and callee.name == "super_init" and isinstance(callee.of, Instance):
            self.framework_parts(callee.of, args, keywords)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("append", "insert", "extend", "add"):
            self.grow(node, args, env)
        return join_all(self.call_value(option, args, keywords, node, star) for option in alternatives(callee))

    def super_value(self, node: ast.Call) -> Value | None:
        function = self.function
        while function is not None and function.owner is None:
            function = function.outer
        if function is None or function.owner is None:
            return HOST
        if function.owner.bases:
            return Instance(function.owner.bases[0])
        return Method(Instance(function.owner), "super")

    def framework_parts(self, of: Instance, args: list[Value | None], keywords: dict[str, Value | None]) -> None:
        """The attributes that a training or loss cell of the framework sets in its `__init__`."""
        for base, names in kinds.FRAMEWORK_PARTS.items():
            if base in of.info.base_apis:
                for name, keyword, value in zip(names[0], names[1], [*args, *[None] * len(names[0])]):
                    given = value if value is not None else keywords.get(keyword)
                    if given is not None:
                        self.attribute_joined(of.info, name, given)

    def grow(self, node: ast.Call, args: list[Value | None], env: Env) -> None:
        """`list.append(x)` and the like: the container's element kind widens."""
        assert isinstance(node.func, ast.Attribute)
        container = self.value(node.func.value, env)
        if not isinstance(container, Seq) or not args:
            return
        added = self.element(args[-1]) if node.func.attr == "extend" else args[-1]
        grown = Seq(element=join(container.each(), added), tuple_=False)
        if grown != container:
            self.widen(node.func.value, grown, env)

    def call_value(self, callee: Value, args: list[Value | None], keywords: dict[str, Value | None],
                   node: ast.Call | None, star: int | None = None) -> Value | None:
        if isinstance(callee, Function):
            return self.call_function(callee, args, keywords, node)
        if isinstance(callee, Class):
            return self.construct(callee.info, args, keywords, node)
        if isinstance(callee, Module):
            return self.call_module(callee.name, args, keywords, node)
        if isinstance(callee, Instance):
            return self.call_instance(callee, args, keywords, node)
        if isinstance(callee, Layer):
            return self.call_layer(callee, args, keywords)
        if isinstance(callee, Optimizer):
            return UPDATE
        if isinstance(callee, GradOperation):
            fn = args[0] if args else keywords.get("fn")
            return GradFunction("operation", fn, node or NO_CALL, callee.options)
        if isinstance(callee, GradFunction):
            return self.call_gradient(callee, args, keywords)
        if isinstance(callee, Partial):
            return join_all(self.call_value(f, [*callee.args, *args], keywords, node) for f in alternatives(callee.fn))
        if isinstance(callee, MultiFunction):
            return join_all(self.call_value(f, args, keywords, node) for f in callee.functions)
        if isinstance(callee, Method):
            return self.call_method(callee, args, keywords, node)
        if isinstance(callee, Host):
            for value in [*args, *keywords.values()]:
                self.escape(value)
            return HOST if not callee.array else ARRAY
        return HOST

    def escape(self, value: Value | None) -> None:
        """A function handed to code we cannot see is called with host data."""

    def call_instance(self, callee: Instance, args: list[Value | None], keywords: dict[str, Value | None],
                      node: ast.Call | None) -> Value | None:
        method = (callee.info.find("construct") if callee.info.is_cell else None) or callee.info.find("__call__")
        if method is not None:
            return self.call_function(Function(method, callee), args, keywords, node)
        if "nn.SequentialCell" in callee.info.base_apis or callee.info.is_cell:
            return TENSOR
        return HOST

    def call_function(self, callee: Function, args: list[Value | None], keywords: dict[str, Value | None],
                      node: ast.Call | None) -> Value | None:
        info = callee.info
        if node is not None:
            info.calls.add(node)
        given = [callee.bound, *args] if callee.bound is not None else args
        if info.owner is not None and callee.bound is None and isinstance(info.node, ast.FunctionDef) and any(
                ast.unparse(d) == "classmethod" for d in info.node.decorator_list):
            given = [Class(info.owner), *args]
        self.bind_arguments(info, given, keywords)
        return self.run_function(info)

    def bind_arguments(self, info: FunctionInfo, args: list[Value | None], keywords: dict[str, Value | None]) -> None:
        spec = info.node.args
        named = [a.arg for a in [*spec.posonlyargs, *spec.args]]
        for name, value in zip(named, args):
            self.parameter(info, name, value)
        if spec.vararg is not None:
            rest = args[len(named):]
            old = info.parameters.get(spec.vararg.arg)
            self.parameter(info, spec.vararg.arg, Seq(items=tuple(v or HOST for v in rest)) if old is None and rest
                           else join(old, Seq(items=tuple(v or HOST for v in rest)) if rest else Seq()))
        for name, value in keywords.items():
            if name in named or any(a.arg == name for a in spec.kwonlyargs):
                self.parameter(info, name, value)
            elif name != "**" and spec.kwarg is not None:
                self.parameter(info, spec.kwarg.arg, Dict(value))

    def parameter(self, info: FunctionInfo, name: str, value: Value | None) -> None:
        joined = join(info.parameters.get(name), value)
        if joined != info.parameters.get(name):
            info.parameters[name] = joined
            self.program.changed = True
            self.done.discard(info)

    def run_function(self, info: FunctionInfo) -> Value | None:
        if info.active or info in self.done:
            return info.result
        self.done.add(info)
        info.active = True
        saved = self.function, self.returns, self.cls
        self.function, self.returns = info, []
        env: Env = {}
        self.defaults(info)
        for name, value in info.parameters.items():
            env[name] = value
            info.locals[name] = join(info.locals.get(name), value)
        if isinstance(info.node, ast.Lambda):
            self.returns.append(self.value(info.node.body, env))
        else:
            self.body(info.node.body, env, info)
            if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own_nodes(info.node)):
                self.returns.append(Seq(element=join_all(
                    self.program.values.get(n.value) for n in own_nodes(info.node)
                    if isinstance(n, ast.Yield) and n.value is not None), tuple_=False))
            elif not self.returns:
                self.returns.append(NONE)
        result = join_all(self.returns)
        self.function, self.returns, self.cls = saved
        info.active = False
        joined = join(info.result, result)
        if joined != info.result:
            info.result = joined
            self.program.changed = True
        return info.result

    def defaults(self, info: FunctionInfo) -> None:
        spec = info.node.args
        positional = [*spec.posonlyargs, *spec.args]
        pairs = list(zip(positional[len(positional) - len(spec.defaults):], spec.defaults))
        pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults) if d is not None]
        outer_env: Env = dict(info.outer.locals) if info.outer is not None else {}
        for arg, default in pairs:
            self.parameter(info, arg.arg, self.value(default, outer_env))
        self.done.add(info)

    def construct(self, info: ClassInfo, args: list[Value | None], keywords: dict[str, Value | None],
                  node: ast.Call | None) -> Value:
        instance = Instance(info)
        if node is not None:
            info.sites.add(node)
        init = info.find("__init__")
        if init is not None:
            self.call_function(Function(init, instance), args, keywords, node)
        return instance

    def call_layer(self, callee: Layer, args: list[Value | None], keywords: dict[str, Value | None]) -> Value | None:
        short = callee.name.rpartition(".")[2]
        if callee.name.startswith("ops.") and short in kinds.MAPS:
            return self.call_map(callee, args)
        for inner in callee.inner:
            for option in alternatives(inner):
                if isinstance(option, (Instance, Function)):
                    self.call_value(option, list(args) if short != "WithLossCell" else [TENSOR], {}, None)
        if short == "TrainOneStepCell":
            return TENSOR
        return kinds.layer_call(callee, args)

    def call_map(self, callee: Layer, args: list[Value | None]) -> Value | None:
        function = callee.inner[0] if callee.inner else args[0] if args else None
        sequences = args if callee.inner else args[1:]
        results = [self.call_value(f, [self.element(s) for s in sequences], {}, None) for f in alternatives(function)]
        return Seq(element=join_all(results))

    def call_gradient(self, callee: GradFunction, args: list[Value | None],
                      keywords: dict[str, Value | None]) -> Value | None:
        sens = callee.form == "operation" and callee.options is not None and callee.options[2]
        inputs = args[:-1] if sens and "sens" not in keywords else args
        inputs = [TENSOR if isinstance(v, Host) and v.array else v for v in inputs]
        output: Value | None = None
        for fn in alternatives(callee.fn):
            if isinstance(fn, Function):
                fn.info.differentiated = True
            if isinstance(fn, Instance) and (construct := fn.info.find("construct")) is not None:
                construct.differentiated = True
            output = join(output, self.call_value(fn, inputs, {k: v for k, v in keywords.items() if k != "sens"},
                                                  None))
        weights = self.weight_part(callee.call)
        if callee.form == "operation":
            return _operation_result(callee.options, inputs, weights)
        if callee.form == "value_and_grad":
            return Seq(items=(output or TENSOR, _grad_result(callee.call, weights)))
        if callee.form == "pullback":
            return pullback_result(callee.call)
        if callee.form == "grad":
            return _grad_result(callee.call, weights)
        return TENSOR

    def weight_part(self, creation: ast.Call) -> Value:
        """The gradients of the weights that a gradient function was made with: a tensor where they are one Parameter, else a tuple."""
        weights = next((k.value for k in creation.keywords if k.arg in ("weights", "weight")), None)
        position = 1 if self.program.callees.get(creation) is None or isinstance(self.program.callees.get(creation), GradOperation) else 2
        if weights is None and len(creation.args) > position:
            weights = creation.args[position]
        kinds = alternatives(self.program.kind(weights)) if weights is not None else ()
        return TENSOR if kinds and all(isinstance(k, Param) for k in kinds) else Seq(element=TENSOR)

    def call_module(self, name: str, args: list[Value | None], keywords: dict[str, Value | None],
                    node: ast.Call | None) -> Value | None:
        if name.startswith("builtins."):
            return self.call_builtin(name[9:], args, keywords, node)
        if name == "ms.vjp" and args:
            fn = args[0]
            output = join_all(self.call_value(f, list(args[1:]), {}, None) for f in alternatives(fn))
            return Seq(items=(output or TENSOR, GradFunction("pullback", fn, node or NO_CALL)))
        if name == "ms.jvp" and args:
            inputs = args[1] if isinstance(args[1], Seq) else Seq(items=(args[1] or TENSOR,))
            for f in alternatives(args[0]):
                self.call_value(f, list(inputs.items or (inputs.each(),)), {}, None)
            return Seq(items=(TENSOR, TENSOR))
        if node is None:
            return kinds.handed_on(name)
        return kinds.api_call(name, node, args, keywords)

    def call_builtin(self, name: str, args: list[Value | None], keywords: dict[str, Value | None],
                     node: ast.Call | None) -> Value | None:
        first = args[0] if args else None
        if name == "zip":
            return Seq(element=Seq(items=tuple(self.element(a) or HOST for a in args)), tuple_=False)
        if name == "enumerate":
            return Seq(element=Seq(items=(HOST, self.element(first) or HOST)), tuple_=False)
        if name in ("list", "tuple", "reversed", "sorted", "iter", "set", "filter"):
            source = args[-1] if name == "filter" else first
            if isinstance(source, Seq) and source.items is not None and name in ("list", "tuple"):
                return Seq(items=source.items, tuple_=name == "tuple")
            return Seq(element=self.element(source), tuple_=name == "tuple")
        if name == "map":
            return Seq(element=join_all(self.call_value(f, [self.element(a) for a in args[1:]], {}, None)
                                        for f in alternatives(first)), tuple_=False)
        if name in ("sum", "max", "min", "next", "abs", "pow", "round"):
            element = first if name in ("abs", "pow", "round") else self.element(first)
            if len(args) > 1 and name in ("max", "min"):
                element = join_all(args)
            return element if element is not None else HOST
        if name == "getattr" and len(args) > 1:
            return self.get_attribute(args)
        if name == "dict":
            return Dict(join_all(keywords.values()))
        if name == "range":
            return Seq(element=HOST, tuple_=False)
        if name in ("float",):
            return FLOAT
        return HOST

    def get_attribute(self, args: list[Value | None]) -> Value | None:
        name = args[1]
        if isinstance(name, Host) and name.known and isinstance(name.literal, str):
            return join_all(self.attribute(o, name.literal) for o in alternatives(args[0]))
        found: Value | None = None
        for option in alternatives(args[0]):
            if isinstance(option, Instance):
                found = join(found, join_all(option.info.attributes.values()))
        return found if found is not None else HOST

    def call_method(self, callee: Method, args: list[Value | None], keywords: dict[str, Value | None],
                    node: ast.Call | None) -> Value | None:
        of = callee.of
        if isinstance(of, (Tensor, Param)):
            return kinds.tensor_method(callee.name)
        if callee.name in kinds.PARAMETER_LISTS:
            return Seq(element=Param(), tuple_=False)
        if callee.name == "parameters_and_names":
            return Seq(element=Seq(items=(HOST, Param())))
        if callee.name == "parameters_dict":
            return Dict(Param())
        if callee.name in ("set_train", "set_grad", "to_float", "recompute") and isinstance(of, (Instance, Layer)):
            return of
        if isinstance(of, Seq) and callee.name == "clone":
            return Seq(element=Param())
        if isinstance(of, Seq):
            return of.each() if callee.name == "pop" else Method(of, "super") if callee.name == "super" else HOST
        if isinstance(of, Dict):
            if callee.name == "items":
                return Seq(element=Seq(items=(HOST, of.element or HOST)), tuple_=False)
            return Seq(element=of.element, tuple_=False) if callee.name == "values" else (
                of.element if callee.name in ("get", "pop", "setdefault") else HOST)
        if isinstance(of, MultiFunction):
            return callee
        if isinstance(of, Host):
            return kinds.host_method(of, callee.name, args, keywords)
        return HOST

    # ---- functions -----------------------------------------------------------------------------------------
    def function_info(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> FunctionInfo:
        info = self.program.functions.get(node)
        if info is None:
            info = self.program.functions[node] = FunctionInfo(node, outer=self.function)
            self.program.changed = True
        return info

    def leftovers(self) -> None:
        """Functions that nothing in the module calls are still converted: tensors in if they are graph code."""
        for cls in list(self.program.classes.values()):
            for name, info in cls.methods.items():
                if info not in self.done:
                    tensors = cls.is_cell and name not in ("__init__",)
                    self.assumed(info, Instance(cls), TENSOR if tensors else None)
        for info in list(self.program.functions.values()):
            if info not in self.done:
                self.assumed(info, None, TENSOR if self.names_framework(info.node) else None)

    def assumed(self, info: FunctionInfo, bound: Value | None, kind: Value | None) -> None:
        spec = info.node.args
        named = [a.arg for a in [*spec.posonlyargs, *spec.args]]
        if info.owner is not None and bound is not None and named:
            self.parameter(info, named[0], bound)
            named = named[1:]
        defaults = len(spec.defaults)
        for name in named[:len(named) - defaults] if defaults else named:
            if info.parameters.get(name) is None:
                self.parameter(info, name, kind or HOST)
        if spec.vararg is not None and info.parameters.get(spec.vararg.arg) is None:
            self.parameter(info, spec.vararg.arg, Seq(element=kind or HOST))
        self.run_function(info)

    def names_framework(self, node: ast.AST) -> bool:
        """Does the function use the framework's functions directly, without creating tensors or fetching them?"""
        uses = False
        for child in ast.walk(node):
            if isinstance(child, ast.Attribute) and child.attr == "asnumpy":
                return False
            if isinstance(child, (ast.Attribute, ast.Name)):
                path = self.names.resolve(child)
                if path == "ms.Tensor":
                    return False
                uses = uses or (path or "").startswith(("ops.", "nn."))
        return uses


def own_nodes(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function's body without those of functions nested in it."""
    found: list[ast.AST] = []
    stack = list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))
    return found


def _loaded(target: ast.expr) -> ast.expr:
    return target


def pullback_result(call: ast.Call) -> Value:
    """What the second result of `vjp(fn, x, y, weights=…)` gives: a tuple with a tensor for each input, then the weights' part."""
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    first = Seq(element=TENSOR) if starred else Seq(items=(TENSOR,) * (len(call.args) - 1))
    return Seq(items=(first, Seq(element=TENSOR))) if any(k.arg == "weights" for k in call.keywords) else first


def _operation_result(options: tuple[bool, bool, bool] | None, inputs: list[Value | None], weight_part: Value) -> Value:
    if options is None:
        return Either(frozenset({TENSOR, Seq(element=TENSOR)}))
    get_all, by_list, _ = options
    tensors = sum(1 for v in inputs if v is None or is_tensor(v) or isinstance(v, Seq))
    input_part: Value = Seq(items=(TENSOR,) * tensors)
    if get_all and by_list:
        return Seq(items=(input_part, weight_part))
    return weight_part if by_list else input_part if get_all else TENSOR


def _grad_result(call: ast.Call, weight_part: Value) -> Value:
    """What `grad(fn, position, weights, has_aux)` returns, read from the call's literals."""
    position: ast.expr | None = call.args[1] if len(call.args) > 1 else None
    weights: ast.expr | None = call.args[2] if len(call.args) > 2 else None
    for keyword in call.keywords:
        position = keyword.value if keyword.arg == "grad_position" else position
        weights = keyword.value if keyword.arg in ("weights", "weight") else weights
    no_weights = weights is None or (isinstance(weights, ast.Constant) and weights.value is None)
    no_position = isinstance(position, ast.Constant) and position.value is None
    several = isinstance(position, ast.Tuple) and len(position.elts) > 1
    first: Value = Seq(items=(TENSOR,) * len(position.elts)) if several else TENSOR  # type: ignore[union-attr]
    if no_weights:
        return first
    return weight_part if no_position else Seq(items=(first, weight_part))


__all__ = ["ARRAY", "CELL_BASES", "FLOAT", "Program", "Update", "has_tensor", "infer", "own_nodes"]
