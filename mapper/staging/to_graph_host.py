"""Host code: where tensors are fetched, what runs as one step, and the definitions that build graph."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from mapper.names import Scope
from mapper.staging.to_graph_emit import Emitter, bind, strip_parentheses, tensor_arguments, whole_numbers
from mapper.staging.to_graph_kinds import TENSOR_TO_HOST, dtype_name
from mapper.staging.to_graph_update import Updates
from mapper.staging.to_graph_values import (
    Class,
    ClassInfo,
    Function,
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
    Value,
    alternatives,
    has_tensor,
    is_tensor,
)

# Tensor methods that NumPy arrays have under the same name and with the same meaning.
_SAME_METHODS = {"sum", "mean", "max", "min", "prod", "reshape", "argmax", "argmin", "squeeze", "flatten", "copy",
                 "all", "any", "std", "var", "cumsum", "ravel", "transpose", "swapaxes", "round", "clip", "item",
                 "tolist", "repeat", "trace", "diagonal", "dot"}
# Other tensor methods and functions of ops, as functions of NumPy.
_NUMPY = {"abs": "abs", "exp": "exp", "log": "log", "sqrt": "sqrt", "square": "square", "sin": "sin", "cos": "cos",
          "tan": "tan", "tanh": "tanh", "sign": "sign", "floor": "floor", "ceil": "ceil", "expand_dims": "expand_dims",
          "maximum": "maximum", "minimum": "minimum", "isnan": "isnan", "zeros_like": "zeros_like",
          "ones_like": "ones_like", "pow": "power", "matmul": "matmul", "add": "add", "sub": "subtract",
          "mul": "multiply", "div": "divide", "isfinite": "isfinite", "logical_and": "logical_and",
          "logical_or": "logical_or", "logical_not": "logical_not", "equal": "equal", "negative": "negative"}
_REDUCTIONS = {"reduce_sum": "sum", "reduce_mean": "mean", "mean": "mean", "sum": "sum"}
_DROPPED_CALLS = {
    "ms.set_context", "ms.set_device", "ms.set_seed", "ms.reset_auto_parallel_context", "ms.set_auto_parallel_context",
    "ms.set_deterministic", "ms.runtime.launch_blocking",
}


class HostEmitter:
    """Registers the edits of a whole module, statement by statement in program order."""

    def __init__(self, emitter: Emitter) -> None:
        self.graph = emitter
        emitter.host = self
        self.program = emitter.program
        self.roles = emitter.roles
        self.editor = emitter.editor
        self.updates = Updates(emitter, self)
        self.needs_session = False
        self.session_at: ast.stmt | None = None  # the statement of the module where a session is first needed
        self.session_inside = False  # a function of the program needs one
        self.pending = False  # variables made since the last initialization, in code that runs once
        self.starts: list[ast.stmt] = []
        self.simple = not self.roles.program_updates

    # ---- statements ----------------------------------------------------------------------------------------
    def module(self) -> None:
        self.block(self.program.tree.body)

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.function(node)
        elif isinstance(node, ast.ClassDef):
            self.class_(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass)):
            return
        elif isinstance(node, ast.Expr) and self.dropped(node):
            self.graph.delete(node)
        else:
            self.plain(node)
            self.graph.flush(node)

    def dropped(self, node: ast.Expr) -> bool:
        """Settings of MindSpore that mean nothing for the graph."""
        if not isinstance(node.value, ast.Call):
            return False
        path = self.graph.resolve(node.value.func) or ""
        if path.startswith("ms.communication.") or path == "ms.context":
            return True
        if path == "ms.set_seed" and node.value.args:
            return False
        return path in _DROPPED_CALLS

    def plain(self, node: ast.stmt) -> None:
        if self.roles.stores_parameter(node):
            self.stored(node)
        elif isinstance(node, ast.Assign) and self.pulled_back(node):
            pass
        elif isinstance(node, ast.Assign) and self.stays_graph(node):
            self.graph.expr(node.value)
        elif isinstance(node, ast.AugAssign) and self.roles.rep(node.target) == "array" and isinstance(
                node.target, ast.Name):
            self.augmented(node)
        elif isinstance(node, (ast.If, ast.While)):
            self.condition(node.test)
        elif isinstance(node, ast.Return) and node.value is not None:
            self.expr(node.value)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr) and not isinstance(getattr(child, "ctx", None), ast.Store):
                    self.expr(child)
                elif isinstance(child, ast.expr):
                    self.target(child)
                elif isinstance(child, ast.withitem):
                    self.expr(child.context_expr)
        self.note_variables(node)
        for name in ("body", "orelse", "finalbody"):
            self.block(getattr(node, name, ()))
        for handler in getattr(node, "handlers", ()):
            self.block(handler.body)

    def stored(self, node: ast.stmt) -> None:
        """A Parameter gets a value in host code."""
        assert isinstance(node, (ast.Assign, ast.AugAssign))
        self.needs(node)
        if self.roles.mode(node) == "repeated":
            run, head, args = self.parametrized(node.value)
            text = self.graph.stored_parameter(node)
            self.editor.replace_statement(node, lambda: f"{run}({', '.join([f'{head}: {text()}', *args()])})")
            return
        text = self.graph.stored_parameter(node)
        name = self.graph.use("evaluate")
        self.editor.replace_statement(node, lambda: f"{name}({text()})")
        self.tensors_from_arrays(node.value)

    def pulled_back(self, node: ast.Assign) -> bool:
        """`out, pull = ms.vjp(f, x)` where the value is wanted as an array."""
        call, target = node.value, node.targets[0]
        if not (isinstance(call, ast.Call) and self.graph.resolve(call.func) == "ms.vjp" and isinstance(target, ast.Tuple)):
            return False
        fetched = self.roles.rep(target.elts[0]) == "array"
        if not self.graph.gradients.forward(call, self.fetched if fetched else None):
            return False
        if fetched:
            self.needs(node)
            self.tensors_from_arrays(call)
            if self.simple:
                self.before_run(node)
        return True

    def fetched(self, text: str) -> str:
        return f"sess.run({text})" if self.simple else f"{self.graph.use('evaluate')}({text})"

    def needs(self, statement: ast.stmt) -> None:
        """A session is needed here."""
        self.needs_session = True
        if statement in self.program.tree.body or self.top(statement) in self.program.tree.body:
            self.session_at = self.session_at or self.top(statement)
        else:
            self.session_inside = True

    def note_variables(self, node: ast.stmt) -> None:
        parts = [node.value] if isinstance(node, (ast.Assign, ast.Expr, ast.AnnAssign)) and node.value else []
        if any(self.makes_variables(p) for p in parts) and self.roles.mode(node) == "once":
            self.pending = True

    def target(self, node: ast.expr) -> None:
        """The expressions inside an assignment's target: `a[i]`, `obj.x`."""
        if isinstance(node, ast.Subscript):
            self.expr(node.value)
            self.expr(node.slice)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for element in node.elts:
                self.target(element)

    def stays_graph(self, node: ast.Assign) -> bool:
        """Is a graph tensor (or something that holds variables) assigned to a name that keeps it as it is?"""
        if self.roles.rep(node.value) != "graph":
            return False
        if not self.roles.fetchable(self.program.kind(node.value)):
            return True
        targets = [t for target in node.targets for t in _names(target)]
        return bool(targets) and all(self.roles.rep(t) == "graph" for t in targets
                                     if self.roles.fetchable(self.program.kind(t)))

    def augmented(self, node: ast.AugAssign) -> None:
        """`x += y` on a fetched array makes a new array, as it makes a new tensor in the original."""
        self.expr(node.value)
        operators = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//",
                     ast.Mod: "%", ast.MatMult: "@"}
        symbol = operators.get(type(node.op))
        if symbol is None:
            return
        simple = isinstance(node.value, (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant))
        name = self.editor.original(node.target)

        def rendered() -> str:
            value = self.editor.text(node.value)
            return f"{name} = {name} {symbol} {value if simple else f'({value})'}"

        self.editor.replace_statement(node, rendered)

    # ---- definitions ---------------------------------------------------------------------------------------
    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        info = self.program.functions.get(node)
        self.decorators(node)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.graph.expr(default)
        self.annotations(node)
        if info is not None and info.hosts:
            self.block(node.body)
        else:
            self.updates.function(node)

    def annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        args = node.args
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if arg is not None and arg.annotation is not None:
                self.annotation(arg.annotation)
        if node.returns is not None:
            self.annotation(node.returns)

    def annotation(self, node: ast.expr) -> None:
        for part in ast.walk(node):
            if isinstance(part, (ast.Name, ast.Attribute)):
                path = self.graph.resolve(part)
                if path in ("ms.Tensor", "ms.Parameter"):
                    self.graph.replace(part, "tf.Tensor" if path == "ms.Tensor" else "tf.Variable", part)
                elif path is not None and path.split(".")[0] in ("nn", "ops", "ms"):
                    self.graph.replace(part, "object", part)

    def decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            base = decorator.func if isinstance(decorator, ast.Call) else decorator
            path = self.graph.resolve(base) or ""
            registers = isinstance(base, ast.Attribute) and base.attr == "register" and any(
                isinstance(o, MultiFunction) for o in alternatives(self.program.kind(base.value)))
            if path.rpartition(".")[2] in ("jit", "ms_function", "constexpr", "jit_class", "ms_class", "lazy_inline",
                                           "_no_grad", "no_grad") or registers:
                self.editor.delete_decorator(decorator)
                self.graph.done(decorator)
            elif path in ("ms.grad", "ms.value_and_grad"):
                self.graph.problem(node, "M308", "a gradient function as a decorator: apply it to the function instead")
            else:
                self.expr(decorator)

    def class_(self, node: ast.ClassDef) -> None:
        info = self.program.classes[node]
        for decorator in node.decorator_list:
            if (self.graph.resolve(decorator) or "").startswith(("ms.", "ops.")):
                self.editor.delete_decorator(decorator)
                self.graph.done(decorator)
        if len(node.bases) == 1 and not node.keywords and self.graph.resolve(node.bases[0]) in ("nn.Cell", "nn.GraphCell"):
            self.plain_class(node)
        else:
            for base in node.bases:
                self.base(base)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                if info.is_cell:
                    self.cell_method(statement, info)
                self.function(statement)
                self.empty_constructor(statement, node)
            else:
                self.statement(statement)

    def empty_constructor(self, node: ast.FunctionDef, owner: ast.ClassDef) -> None:
        """An `__init__` of which nothing is left is nothing."""
        alone = len(node.args.args) == 1 and not (node.args.vararg or node.args.kwarg or node.args.kwonlyargs)
        if node.name == "__init__" and alone and all(s in self.graph.deleted for s in node.body) and len(owner.body) > 1:
            self.graph.delete(node)

    def plain_class(self, node: ast.ClassDef) -> None:
        """`class Net(nn.Cell):` is `class Net:`."""
        base = node.bases[0]
        start, end = self.editor.span(base)
        opening = self.editor.source.rindex("(", 0, start)
        closing = self.editor.source.index(")", end)
        self.editor.replace_span(opening, closing + 1, "")
        self.graph.done(base)

    def base(self, node: ast.expr) -> None:
        path = self.graph.resolve(node)
        known = {"nn.Cell": "object", "nn.GraphCell": "object", "nn.SequentialCell": "Sequential",
                 "nn.CellList": "CellList", "nn.WithLossCell": "WithLoss", "nn.TrainOneStepCell": "TrainOneStep",
                 "nn.LossBase": "LossBase", "nn.Dense": "Dense"}
        if path in known:
            name = known[path]
            self.graph.replace(node, name if name == "object" else self.graph.use(name), node)
        elif path is not None and path.startswith("nn."):
            self.graph.problem(node, "M306", f"a class derived from {path} has no counterpart here")

    def cell_method(self, node: ast.FunctionDef, info: ClassInfo) -> None:
        if node.name == "construct":
            self.editor.rename_definition(node, "__call__")
            if info.find("bprop") is not None:
                self.editor.insert_before(node, f"@{self.graph.use('with_bprop')}")
            if node.args.args and node.args.args[0].arg != "self" and not node.args.args[0].arg:
                return
        direct = set(info.api_bases) <= {"nn.Cell", "nn.GraphCell"} and not info.bases
        for statement in node.body:
            if isinstance(statement, ast.Expr) and _is_super_init(statement.value):
                assert isinstance(statement.value, ast.Call)
                if direct:
                    self.graph.delete(statement)
                else:
                    self.strip_prefix(statement.value)

    def strip_prefix(self, call: ast.Call) -> None:
        """`auto_prefix=False` says nothing to a plain class."""
        if any(k.arg in ("auto_prefix", "flags") for k in call.keywords):
            parts = [self.editor.original(a) for a in call.args]
            parts += [f"{k.arg}={self.editor.original(k.value)}" for k in call.keywords
                      if k.arg not in ("auto_prefix", "flags")]
            self.editor.replace(call, f"{self.editor.original(call.func)}({', '.join(parts)})")

    # ---- expressions in host code --------------------------------------------------------------------------
    def expr(self, node: ast.expr) -> None:
        """Register the edits of a host expression: what is computed in the graph is fetched."""
        if isinstance(node, ast.Starred):
            self.expr(node.value)
            return
        kind = self.program.kind(node)
        if self.roles.mode(node) == "graph":
            self.graph.expr(node)
        elif self.roles.rep(node) == "graph":
            if self.roles.fetchable(kind):
                self.fetch(node)
            else:
                self.graph.expr(node)
        elif isinstance(node, ast.Call):
            self.call(node)
        elif isinstance(node, ast.Attribute):
            self.attribute(node)
        elif isinstance(node, ast.Name):
            if not self.graph.reference_host(node):
                self.graph.on_name(node)
        elif isinstance(node, ast.Lambda):
            self.lambda_(node)
        elif isinstance(node, ast.JoinedStr):
            self.formatted(node)
        elif isinstance(node, ast.IfExp):
            self.condition(node.test)
            self.expr(node.body)
            self.expr(node.orelse)
        else:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and not isinstance(getattr(child, "ctx", None), ast.Store):
                self.expr(child)
            elif isinstance(child, (ast.keyword, ast.comprehension, ast.FormattedValue)):
                self.children(child)

    def condition(self, node: ast.expr) -> None:
        """A test in host code: a variable on its own is fetched too."""
        if isinstance(self.program.kind(node), Param):
            self.fetch(node)
        else:
            self.expr(node)

    def lambda_(self, node: ast.Lambda) -> None:
        info = self.program.functions.get(node)
        if info is not None and info.hosts:
            self.expr(node.body)
        else:
            self.graph.on_lambda(node)

    def formatted(self, node: ast.JoinedStr) -> None:
        """f-strings print a tensor as str() does; NumPy scalars need `!s` for that."""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                tensor = is_tensor(self.program.kind(part.value))
                before = len(self.editor._edits)
                self.expr(part.value)
                if part.format_spec is None and part.conversion == -1 and tensor:
                    _, end = self.editor.span(part.value)
                    if self.editor.source[end:end + 1] == "}":
                        self.editor.replace_span(end, end, "!s")
                if len(self.editor._edits) > before and not self.trusted(part.value):
                    del self.editor._edits[before:]
                    self.graph.problem(node, "M309", "a tensor in this f-string: fetch it before")
                if part.format_spec is not None:
                    self.expr(part.format_spec)

    def trusted(self, node: ast.expr) -> bool:
        """Does the source hold this expression at its recorded place? (Old parsers err inside f-strings.)"""
        try:
            parsed = ast.parse(f"({self.editor.original(node)})", mode="eval").body
        except SyntaxError:
            return False
        return ast.dump(parsed) == ast.dump(node)

    def attribute(self, node: ast.Attribute) -> None:
        if self.graph.reference_host(node):
            return
        base = self.program.kind(node.value)
        if is_tensor(base) and self.roles.rep(node.value) == "graph":
            self.graph.tensor_attribute(node)
        elif is_tensor(base) and node.attr == "T":
            self.expr(node.value)
        elif is_tensor(base) and node.attr == "data":
            self.expr(node.value)
            self.graph.replace(node, lambda: self.graph.text(node.value))
        else:
            if not self.graph.reference(node):
                self.expr(node.value)

    # ---- calls in host code --------------------------------------------------------------------------------
    def call(self, node: ast.Call) -> None:
        for option in alternatives(self.program.callees.get(node)):
            if isinstance(option, Method) and isinstance(node.func, ast.Attribute):
                if isinstance(option.of, (Tensor, Param)):
                    self.tensor_method(node, node.func)
                    return
                if isinstance(option.of, (Instance, Layer, Optimizer)) and self.cell_method_call(node, option):
                    return
            if isinstance(option, Module) and self.module_call(node, option.name):
                return
            if isinstance(option, (Class, Layer, GradOperation, Optimizer, GradFunction)):
                self.graph.expr(node)
                return
        self.children(node)

    def cell_method_call(self, node: ast.Call, option: Method) -> bool:
        assert isinstance(node.func, ast.Attribute)
        return self.graph.cell_method(node, node.func, option) if option.name in (
            "set_train", "set_grad", "trainable_params", "get_parameters", "parameters_and_names", "parameters_dict", "untrainable_params",
            "to_float", "recompute", "compile", "update_parameters_name", "add_flags", "check_names", "set_comm_fusion") else False

    def module_call(self, node: ast.Call, name: str) -> bool:
        root = name.split(".")[0]
        if name == "ms.Tensor":
            self.array(node)
            return True
        if name == "ms.set_seed":
            self.expr(node.args[0])
            self.graph.imports.add("import numpy as np")
            self.graph.replace(node, lambda: f"np.random.seed({self.graph.text(node.args[0])})", node.func)
            return True
        if name.startswith("builtins.") or root == "np":
            for part in [*node.args, *(k.value for k in node.keywords)]:
                if isinstance(self.program.kind(part), Param) and (root == "np" or name[9:] in (
                        "float", "int", "bool", "str", "format")):
                    self.fetch(part)
                else:
                    self.expr(part)
            self.expr(node.func)
            return True
        if root in ("ms", "nn", "ops"):
            self.graph.expr(node)
            return True
        return False

    def tensor_method(self, node: ast.Call, func: ast.Attribute) -> None:
        """A method of something fetched, or one that fetches."""
        for arg in [*node.args, *(k.value for k in node.keywords)]:
            self.expr(arg)
        base = func.value
        if func.attr in TENSOR_TO_HOST:
            if self.roles.rep(base) == "graph":
                self.fetch(base)
            else:
                self.expr(base)
            if func.attr in ("asnumpy", "numpy"):
                self.graph.replace(node, lambda: self.graph.atom(base))
            return
        if func.attr == "value" and isinstance(self.program.kind(base), Param):
            self.fetch(base)
            self.graph.replace(node, lambda: self.graph.atom(base))
            return
        self.expr(base)
        if func.attr in _SAME_METHODS:
            return
        if func.attr == "astype" and node.args:
            return
        if func.attr in _NUMPY:
            self.graph.imports.add("import numpy as np")
            rest = [*node.args]
            self.graph.replace(node, lambda: f"np.{_NUMPY[func.attr]}(" + ", ".join(
                [self.graph.text(base), *(self.graph.text(a) for a in rest)]) + ")")
        elif func.attr == "view":
            self.graph.replace(node, lambda: f"{self.graph.atom(base)}.reshape(" + ", ".join(
                self.graph.text(a) for a in node.args) + ")")
        else:
            self.graph.problem(node, "M301", f"no counterpart for Tensor.{func.attr} on a fetched value")

    def array(self, node: ast.Call) -> None:
        """`Tensor(data, dtype)` in host code that runs more than once: an array, to be fed."""
        data, dtype = tensor_arguments(node)
        if data is None:
            self.graph.problem(node, "M302", "Tensor without data: give its value")
            return
        self.expr(data)
        self.graph.imports.add("import numpy as np")
        suffix = self.array_dtype(data, dtype)
        named = isinstance(self.editor.parent(node), ast.Assign)
        function = "np.array" if named else "np.asarray"
        self.graph.done(dtype)
        self.graph.replace(node, lambda: f"{function}({self.graph.text(data)}{suffix})", node.func)

    def array_dtype(self, data: ast.expr, dtype: ast.expr | None) -> str:
        if dtype is not None:
            name = dtype_name(self.graph.resolve(dtype))
            return f", np.{name}" if name is not None else f", {self.editor.original(dtype)}"
        kind = self.program.kind(data)
        if whole_numbers(data):
            return ", np.int64"
        if isinstance(kind, Host) and kind.array or dtype_known(kind):
            return ""
        if isinstance(kind, Host) and kind.floating or isinstance(data, (ast.List, ast.Tuple)):
            return ", np.float32"
        return ""

    # ---- fetching ------------------------------------------------------------------------------------------
    def fetch(self, node: ast.expr) -> None:
        """Wrap a graph expression in host code so that it gives its value."""
        mode = self.roles.mode(node)
        statement = self.editor.statement(node)
        self.needs(statement)
        if mode == "repeated":
            self.fetch_repeated(node)
            return
        self.graph.expr(node)
        if not self.simple:
            name = self.graph.use("evaluate")
            self.graph.replace(node, lambda: f"{name}({self.graph.text(node)})")
        elif not self.makes_variables(node):
            self.before_run(statement)
            self.editor.replace(node, lambda: f"sess.run({self.graph.text(node)})")
        elif self.top(statement) is statement:
            self.named_first(node)
        else:
            name = self.graph.use("evaluate")
            self.graph.replace(node, lambda: f"{name}({self.graph.text(node)})")
        self.tensors_from_arrays(node)

    def named_first(self, node: ast.expr) -> None:
        """An expression that makes variables gets a name: they are initialized before it is fetched."""
        name = self.graph.fresh_name("result", node)
        edit = self.editor.replace(node, lambda: f"sess.run({name})")
        self.graph.prelude(node, [lambda: f"{name} = {strip_parentheses(self.editor.text(node, under=edit))}",
                                  lambda: "sess.run(tf.global_variables_initializer())"])
        self.pending = False

    def before_run(self, statement: ast.stmt) -> None:
        if self.pending:
            self.starts.append(self.top(statement))
            self.pending = False

    def top(self, statement: ast.stmt) -> ast.stmt:
        """The statement in the block (of a module or function) that holds it, past `if` and `with`."""
        current: ast.stmt = statement
        parent = self.editor.parent(current)
        while isinstance(parent, (ast.If, ast.With, ast.Try, ast.For, ast.While)):
            current, parent = parent, self.editor.parent(parent)
        return current

    def makes_variables(self, node: ast.AST) -> bool:
        """Does evaluating this make variables (a Parameter, a layer, a cell that has some, an optimizer)?"""
        return any(isinstance(n, ast.Call) and self.call_makes_variables(n, 0) for n in ast.walk(node))

    def call_makes_variables(self, node: ast.Call, depth: int) -> bool:
        if depth > 8:
            return True
        for option in alternatives(self.program.callees.get(node)):
            if isinstance(option, Module) and (option.name == "ms.Parameter" or option.name.startswith("nn.")):
                return True
            infos = []
            if isinstance(option, Class):
                init = option.info.find("__init__")
                infos = [init] if init is not None else []
            elif isinstance(option, Function):
                infos = [option.info]
            for info in infos:
                if any(isinstance(n, ast.Call) and self.call_makes_variables(n, depth + 1)
                       for n in ast.walk(info.node)):
                    return True
        return False

    def tensors_from_arrays(self, node: ast.expr) -> None:
        """Fetched arrays that a graph expression uses become tensors again where a tensor is needed."""
        for part in ast.walk(node):
            if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(getattr(part, "ctx", None), ast.Load):
                if self.roles.rep(part) != "array" or self.inside_fetch(part, node):
                    continue
                parent = self.editor.parent(part)
                if isinstance(parent, (ast.BinOp, ast.Compare)) and self.roles.rep(parent) == "graph" or isinstance(parent, ast.Subscript) and isinstance(
                        self.program.kind(part), Seq) or isinstance(self.program.kind(part), Seq):
                    continue
                if isinstance(parent, ast.Attribute) and parent.value is part and is_tensor(
                        self.program.kind(part)) and isinstance(part, ast.Attribute):
                    continue
                self.wrap_constant(part)

    def wrap_constant(self, part: ast.expr) -> None:
        self.editor.replace(part, lambda: f"tf.constant({self.graph.text(part)})")

    def inside_fetch(self, part: ast.expr, stop: ast.expr) -> bool:
        """Is the name part of a larger array expression, or the base of a call that is host code itself?"""
        current = self.editor.parent(part)
        while current is not None and current is not stop:
            if isinstance(current, (ast.Lambda, ast.ListComp, ast.GeneratorExp)):
                return True
            current = self.editor.parent(current)
        return False

    # ---- steps: code that runs repeatedly ------------------------------------------------------------------
    def fetch_repeated(self, node: ast.expr) -> None:
        """`run(build, …)`: the graph of the expression is built once, what varies is fed."""
        index: ast.expr = node
        while isinstance(index, ast.Subscript) and not has_tensor(self.program.kind(index.slice)) and isinstance(
                self.program.kind(index.value), Seq):
            index = index.value
        if index is not node:
            self.slices(node, index)
            node = index
        if isinstance(node, ast.Call) and self.direct(node):
            self.run_direct(node)
        elif isinstance(self.program.kind(node), Param) or isinstance(node, (ast.Name, ast.Attribute)):
            self.graph.expr(node)
            name = self.graph.use("evaluate")
            self.graph.use("fetch")
            self.editor.replace(node, lambda: f"{name}({self.graph.text(node)})")
        else:
            self.run_lambda(node)

    def slices(self, node: ast.expr, stop: ast.expr) -> None:
        while node is not stop and isinstance(node, ast.Subscript):
            self.expr(node.slice)
            node = node.value

    def direct(self, node: ast.Call) -> bool:
        """A call of a builder by name with host values: `run(builder, …)`."""
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            return False
        if not all(isinstance(o, (Instance, Function, Layer, GradFunction, Optimizer))
                   for o in alternatives(self.program.callees.get(node))):
            return False
        if isinstance(self.program.callees.get(node), Layer) and self.inlined_layer(node):
            return False
        return self.stable(node.func) and all(self.passed(a) for a in node.args)

    def inlined_layer(self, node: ast.Call) -> bool:
        layer = self.program.callees.get(node)
        return isinstance(layer, Layer) and layer.name.startswith("ops.")

    def stable(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return isinstance(self.program.kind(node), GradFunction) and all(self.stable(a) or isinstance(
                a, (ast.Constant, ast.Tuple)) for a in node.args)
        return isinstance(node, ast.Name) or isinstance(node, ast.Attribute) and self.stable(node.value)

    def passed(self, node: ast.expr) -> bool:
        """Can the argument be handed to `run` as it is: fetched or host data, or a graph tensor by name?"""
        rep = self.roles.rep(node)
        return rep in ("array", "host") or isinstance(node, ast.Name)

    def run_direct(self, node: ast.Call) -> None:
        self.graph.expr(node.func)
        for arg in node.args:
            if self.roles.rep(arg) == "graph":
                self.graph.expr(arg)
            else:
                self.expr(arg)
        name = self.graph.use("run")
        self.graph.replace(node, lambda: f"{name}({self.graph.text(node.func)}" + "".join(
            f", {self.argument(a)}" for a in node.args) + ")")

    def argument(self, node: ast.expr) -> str:
        """An argument of `run`: a Python float that varies is fed like an array."""
        kind = self.program.kind(node)
        text = self.editor.text(node)
        if isinstance(kind, Host) and kind.floating and not kind.array and not kind.known and self.varies(node):
            self.graph.imports.add("import numpy as np")
            return f"np.float32({self.graph.text(node)})"
        return text

    def varies(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and not self.fixed(n) for n in ast.walk(node))

    def fixed(self, node: ast.Name) -> bool:
        """A module-level name bound once, outside loops: the same object whenever the code runs."""
        names = self.program.names
        scope = names.lookup(node.id, names.scope_of.get(node, names.module))
        if scope is None:
            return True
        if scope is not names.module:
            return False
        bindings = scope.bindings[node.id]
        binding = bindings[0].node
        looped = isinstance(binding, ast.Name) and isinstance(self.editor.statement(binding), (ast.For, ast.AsyncFor)) and not isinstance(
            binding.ctx, ast.Load)
        return len(bindings) == 1 and self.roles.mode(binding) == "once" and not looped

    def run_lambda(self, node: ast.expr) -> None:
        """A graph expression as a function of everything in it that is not fixed."""
        run, head, args = self.parametrized(node)
        self.graph.expr(node)
        bare = isinstance(node, ast.Tuple) and node.elts and (node.lineno, node.col_offset) == (node.elts[0].lineno, node.elts[0].col_offset)

        def body() -> str:
            return f"({self.graph.text(node)})" if bare else self.graph.text(node)

        self.editor.replace(node, lambda: f"{run}({', '.join([f'{head}: {body()}', *args()])})")

    def parametrized(self, node: ast.expr) -> tuple[str, str, Callable[[], list[str]]]:
        """The name of `run`, the head of a lambda over what varies in an expression, and the arguments it is called with."""
        lifted: dict[str, tuple[ast.expr, str | None]] = {}
        self.lift(node, lifted, self.bound_inside(node))
        edits = {}
        for name, (part, _) in lifted.items():
            if not isinstance(part, ast.Name):
                self.expr(part)
                edits[name] = self.editor.replace(part, name)
                self.graph.lifted[part] = name

        def arguments() -> list[str]:
            return [self.lifted_argument(part, self.editor.text(part, under=edits[name]) if name in edits else name)
                    for name, (part, _) in lifted.items()]

        return self.graph.use("run"), f"lambda {', '.join(lifted)}" if lifted else "lambda", arguments

    def lifted_argument(self, part: ast.expr, text: str) -> str:
        kind = self.program.kind(part)
        if isinstance(kind, Host) and kind.floating and not kind.array and not kind.known:
            self.graph.imports.add("import numpy as np")
            return f"np.float32({text})"
        return text

    def bound_inside(self, node: ast.expr) -> set[str]:
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | {
            a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}

    def lift(self, node: ast.expr, lifted: dict[str, tuple[ast.expr, str | None]], bound: set[str]) -> None:
        """Collect the parts of a graph expression that become parameters of its function."""
        if isinstance(node, ast.Starred):
            self.lift(node.value, lifted, bound)        # the star stays with the call: what is fed is the sequence
            return
        if isinstance(node, ast.Name):
            if node.id not in bound and not self.fixed(node) or self.roles.rep(node) == "array":
                lifted.setdefault(node.id, (node, None))
            return
        rep = self.roles.rep(node)
        computed = rep == "array" or rep == "host" and isinstance(node, ast.Call) and not self.builds_parts(node)
        if computed and not (bound & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}):
            lifted[self.fresh(lifted, node)] = (node, None)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.lift(child, lifted, bound)
            elif isinstance(child, (ast.keyword, ast.comprehension)):
                for part in ast.iter_child_nodes(child):
                    if isinstance(part, ast.expr):
                        self.lift(part, lifted, bound)

    def builds_parts(self, node: ast.Call) -> bool:
        return any(isinstance(o, (Instance, Layer, GradFunction, GradOperation, Partial, Optimizer, Function))
                   for o in alternatives(self.program.kind(node)))

    def fresh(self, lifted: dict[str, tuple[ast.expr, str | None]], node: ast.expr) -> str:
        taken = {n.id for n in ast.walk(self.editor.statement(node)) if isinstance(n, ast.Name)} | set(lifted)
        for i in range(1, 100):
            if f"x{i}" not in taken:
                return f"x{i}"
        return "x_"


def dtype_known(kind: Value | None) -> bool:
    return isinstance(kind, Host) and kind.dtype is not None


def _is_super_init(node: ast.expr) -> bool:
    """`super().__init__(…)`, `super(X, self).__init__(…)`, `nn.Cell.__init__(self)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "__init__" and (
        isinstance(node.func.value, ast.Call) and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super" or isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "Cell")


def _names(target: ast.expr) -> list[ast.Name | ast.Attribute]:
    if isinstance(target, (ast.Name, ast.Attribute)):
        return [target]
    if isinstance(target, (ast.Tuple, ast.List)):
        return [n for e in target.elts for n in _names(e)]
    if isinstance(target, ast.Starred):
        return _names(target.value)
    return []


__all__ = ["HostEmitter", "Scope", "bind"]
