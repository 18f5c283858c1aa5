"""TensorFlow 1 to MindSpore in the direct form: the functions behind the values of a module, written as functions.

What depends on no placeholder and no changing variable is computed where it stands. What does becomes a function of its
placeholders; a run of the session becomes a call. A gradient site becomes a GradOperation applied to the function that holds
the statements between xs and ys. A program that has more than this form can say raises NotDirect; it is converted in the plain form."""
from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mapper.edit import Editor
from mapper.names import read_names
from mapper.staging.direct_calls import direct_call, has_form

_CUTS = frozenset({"tf.stop_gradient", "tf.floor", "tf.ceil", "tf.sign", "tf.zeros_like", "tf.ones_like", "tf.cast"})
_TYPES = {f"tf.{name}": f"ms.{name}" for name in ("float16", "float32", "float64", "int32", "int64")}
_INITIALIZERS = frozenset({"tf.global_variables_initializer", "tf.initialize_all_variables"})
_OPTIMIZERS = {"tf.train.GradientDescentOptimizer": "nn.SGD", "tf.train.AdamOptimizer": "nn.Adam",
               "tf.train.MomentumOptimizer": "nn.Momentum", "tf.train.RMSPropOptimizer": "nn.RMSProp"}


_SCALAR = frozenset({"sqrt", "exp", "log", "float32", "float64", "int32", "int64", "sin", "cos", "tanh", "prod", "abs", "power"})
_ARRAYS = frozenset({"astype", "reshape", "randn", "rand", "uniform", "normal", "standard_normal", "choice", "randint", "dot", "copy", "ravel",
                     "flatten", "transpose", "cumsum"})


class NotDirect(Exception):
    """Why a program has no direct form."""


@dataclass(eq=False)
class Step:
    """A statement of the graph: what it binds, and what it reads."""

    node: ast.Assign
    kind: str
    targets: list[str]
    reads: list[str]
    place: int
    deps: frozenset[str] = frozenset()
    varies: bool = False
    site: Site | None = None
    text: str = ""


@dataclass(eq=False)
class Site:
    """One call of tf.gradients: its arguments, and `pick`, the index taken from its result."""

    call: ast.Call
    ys: list[ast.expr]
    xs: list[str]
    sens: list[ast.expr] | None
    pick: int | None
    listed: bool


@dataclass(eq=False)
class Value:
    """What a name of the module is: host, tensor, variable, placeholder, list, action, initializer, session, optimizer."""

    kind: str
    step: Step | None = None
    items: list[str] = field(default_factory=list)


class Direct:
    """The direct form of one module, or NotDirect."""

    def __init__(self, source: str) -> None:
        self.editor = Editor(source)
        self.tree = self.editor.tree
        self.names = read_names(self.tree)
        self.env: dict[str, Value] = {}
        self.steps: list[Step] = []
        self.functions: dict[str, ast.FunctionDef] = {}
        self.pure: set[str] = set()
        self.wanted: set[Step] = set()
        self.imports: set[str] = {"import mindspore as ms"}
        self.changes = False
        self.variables: list[str] = []
        self.site_order: list[ast.Call] = []
        self.settled: set[ast.AST] = set()

    def api(self, node: ast.AST) -> str | None:
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        path = self.names.resolve(node)
        return path if path is not None and path.startswith("tf.") else None

    # ------------------------------------------------------------------------------------------------------------ reading

    def read(self) -> None:
        """Finds out what each name of the module is. Raises NotDirect."""
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
                if self.mentions(node):
                    self.read_function(node)
        bound: dict[str, int] = {}
        for part in ast.walk(self.tree):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and self.names.scope_of.get(part) is self.names.module:
                bound[part.id] = bound.get(part.id, 0) + 1
        self.bound = bound
        if any(self.api(n) in ("tf.float64", "tf.double", "tf.float16") for n in ast.walk(self.tree)):
            raise NotDirect("another dtype than float32")
        for node in self.tree.body:
            self.top(node)
        for name, value in self.env.items():
            if value.kind in ("tensor", "placeholder", "variable", "action", "list") and bound.get(name, 0) > 1:
                raise NotDirect(f"{name} is assigned more than once")

    def read_function(self, node: ast.FunctionDef) -> None:
        """A function that computes on values can be called on values: it makes no variable, runs nothing and asks no gradient."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                api = self.api(inner.func)
                if api is not None and not has_form(api) and api != "tf.constant":
                    raise NotDirect(f"{api} in a function")
            elif isinstance(inner, (ast.Name, ast.Attribute)) and self.api(inner) is not None and api_end(self, inner):
                parent = self.editor.parent(inner)
                called = isinstance(parent, ast.Call) and parent.func is inner
                if not called and self.api(inner) not in _TYPES:
                    raise NotDirect(f"{self.api(inner)} in a function")
        self.pure.add(node.name)

    def mentions(self, node: ast.AST) -> bool:
        return any(self.api(n) is not None for n in ast.walk(node))

    def top(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
            return
        if isinstance(node, ast.ClassDef):
            if self.mentions(node):
                raise NotDirect("a class")
            return
        if isinstance(node, ast.Assign) and self.graph_statement(node):
            return
        if isinstance(node, ast.With):
            if self.session_of(node) is None:
                raise NotDirect("with")
            return
        self.host(node)

    def session_of(self, node: ast.With) -> str | None:
        """The name a `with tf.Session() as name:` binds; "" when it binds none."""
        if len(node.items) != 1:
            return None
        call, target = node.items[0].context_expr, node.items[0].optional_vars
        if not isinstance(call, ast.Call) or self.api(call.func) != "tf.Session" or call.args or call.keywords:
            return None
        if target is not None and not isinstance(target, ast.Name):
            return None
        if target is None:
            return ""
        self.env[target.id] = Value("session")
        return target.id

    def host(self, node: ast.stmt) -> None:
        """A statement of the program's host side: its runs are found later."""

    def graph_statement(self, node: ast.Assign) -> bool:
        """Takes down an assignment that belongs to the graph; False for one of the host."""
        if len(node.targets) != 1:
            if self.mentions(node.value) or self.tensor_names(node.value):
                raise NotDirect("a chain of assignments")
            return False
        target, value = node.targets[0], node.value
        if isinstance(value, ast.Call) and self.is_run(value):
            return False
        if isinstance(value, ast.Dict) and value.keys and all(isinstance(k, ast.Name) and self.kind(k.id) == "placeholder" for k in value.keys):
            return False
        names = [target.id] if isinstance(target, ast.Name) else \
            [e.id for e in target.elts if isinstance(e, ast.Name)] if isinstance(target, (ast.Tuple, ast.List)) else []
        api = self.api(value.func) if isinstance(value, ast.Call) else None
        site = self.gradient_site(value)
        if site is not None:
            self.take_site(node, names, isinstance(target, ast.Name), site)
            return True
        if api is None and not self.mentions(value) and not self.tensor_names(value):
            return False
        if not isinstance(target, ast.Name):
            raise NotDirect("unpacked tensors")
        name = target.id
        if isinstance(value, ast.Call) and api in ("tf.Session", "tf.InteractiveSession"):
            if value.args or value.keywords:
                raise NotDirect("session settings")
            self.env[name] = Value("session", Step(node, "session", [name], [], len(self.steps)))
            return True
        if api in _OPTIMIZERS:
            if api == "tf.train.RMSPropOptimizer" and isinstance(value, ast.Call) and len(value.args) > 1:
                raise NotDirect("the arguments of an optimizer")
            self.env[name] = Value("optimizer", Step(node, "optimizer", [name], [], len(self.steps)))
            return True
        if api in _INITIALIZERS:
            self.env[name] = Value("initializer", Step(node, "initializer", [name], [], len(self.steps)))
            return True
        if isinstance(value, ast.Call) and api == "tf.placeholder":
            self.add(node, "placeholder", name, [], frozenset({name}), False)
            self.placeholder_dtype(value)
            return True
        if isinstance(value, ast.Call) and api in ("tf.Variable", "tf.get_variable"):
            step = self.add(node, "variable", name, [], frozenset(), True)
            step.text = self.parameter(api, value)
            self.variables.append(name)
            return True
        if isinstance(value, ast.Call) and (action := self.action(value)):
            self.changes = True
            step = self.add_from(node, "action", name, action)
            parts = [s for a in action if isinstance(a, ast.Name) and (s := self.env[a.id].step) is not None and s.kind == "action"]
            step.deps = step.deps.union(*(part.deps for part in parts))
            return True
        if api == "tf.trainable_variables":
            self.env[name] = Value("list", Step(node, "list", [name], [], len(self.steps)), list(self.variables))
            return True
        if isinstance(value, (ast.List, ast.Tuple)):
            items = self.plain_names(value)
            self.env[name] = Value("list", Step(node, "list", [name], [], len(self.steps)), items)
            return True
        self.check(value)
        self.add_from(node, "tensor", name, [value])
        return True

    def plain_names(self, node: ast.List | ast.Tuple) -> list[str]:
        found = [e.id for e in node.elts if isinstance(e, ast.Name) and e.id in self.env]
        if len(found) != len(node.elts):
            raise NotDirect("a list of expressions")
        return found

    def add(self, node: ast.Assign, kind: str, name: str, reads: list[str], deps: frozenset[str], varies: bool) -> Step:
        step = Step(node, kind, [name], reads, len(self.steps), deps, varies)
        self.steps.append(step)
        self.env[name] = Value(kind, step)
        return step

    def add_from(self, node: ast.Assign, kind: str, name: str, parts: Sequence[ast.expr]) -> Step:
        reads = [n for part in parts for n in self.tensor_names(part)]
        deps, varies = self.joined(reads)
        varies = varies or any(isinstance(n, ast.Name) and n.id in self.pure and self.reads_variables(n.id)
                               for part in parts for n in ast.walk(part))
        return self.add(node, kind, name, reads, deps, varies)

    def reads_variables(self, name: str) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.variables for n in ast.walk(self.functions[name]))

    def joined(self, reads: Sequence[str]) -> tuple[frozenset[str], bool]:
        steps = [s for name in reads if (s := self.env[name].step) is not None]
        deps = frozenset(d for s in steps for d in s.deps)
        return deps, any(s.varies for s in steps)

    def tensor_names(self, node: ast.AST) -> list[str]:
        """The names of tensors in an expression, in order, each once; lists stand for their items."""
        found: list[str] = []
        for inner in ordered(node):
            if isinstance(inner, ast.Name) and inner.id in self.env and self.names.lookup(inner.id, self.names.scope_of[inner]) is self.names.module:
                value = self.env[inner.id]
                if value.kind in ("tensor", "variable", "placeholder", "gradient", "gradients"):
                    found.append(inner.id)
                elif value.kind == "list":
                    found += value.items
        return list(dict.fromkeys(found))

    def check(self, node: ast.expr) -> None:
        """Raises NotDirect for what is in an expression of tensors and has no form."""
        for inner in ast.walk(node):
            if isinstance(inner, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Lambda, ast.IfExp, ast.JoinedStr, ast.Dict)):
                raise NotDirect(type(inner).__name__)
            if isinstance(inner, ast.Call):
                api = self.api(inner.func)
                if api is not None and api != "tf.constant" and not has_form(api) and api != "tf.convert_to_tensor":
                    raise NotDirect(api)
                if api is not None and has_form(api) and direct_call(api, inner, lambda n: "x") is None:
                    raise NotDirect(f"the arguments of {api}")
                if api is None and isinstance(inner.func, ast.Name) and inner.func.id in self.functions and inner.func.id not in self.pure \
                        and self.tensor_names(inner):
                    if self.mentions(self.functions[inner.func.id]):
                        raise NotDirect(f"{inner.func.id} is called on tensors")
                    self.pure.add(inner.func.id)
                if api is None and isinstance(inner.func, ast.Attribute) and self.tensor_names(inner.func):
                    raise NotDirect(f"the method {inner.func.attr} of a tensor")
                if api is None and self.names.resolve(inner.func) is not None and (self.names.resolve(inner.func) or "").startswith("np.") \
                        and self.tensor_names(inner):
                    raise NotDirect("NumPy on tensors")
            elif isinstance(inner, (ast.Name, ast.Attribute)) and self.api(inner) is not None and api_end(self, inner):
                parent = self.editor.parent(inner)
                if not (isinstance(parent, ast.Call) and parent.func is inner) and self.api(inner) not in _TYPES:
                    raise NotDirect(str(self.api(inner)))

    # ------------------------------------------------------------------------------------------------------ gradient sites

    def gradient_site(self, node: ast.expr) -> Site | None:
        pick = None
        call: ast.expr = node
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            call, pick = node.value, node.slice.value
        if not isinstance(call, ast.Call) or self.api(call.func) != "tf.gradients":
            return None
        given = dict(zip(("ys", "xs", "grad_ys", "name", "colocate_gradients_with_ops", "gate_gradients", "aggregation_method"), call.args, strict=False))
        given.update({k.arg: k.value for k in call.keywords if k.arg})
        if set(given) - {"ys", "xs", "grad_ys", "name"}:
            raise NotDirect("options of tf.gradients")
        ys = self.several(given["ys"])
        xs = self.several(given["xs"])
        for expression in ys:
            self.check(expression)
        names = [x.id for x in xs if isinstance(x, ast.Name)]
        if len(names) != len(xs) or any(n not in self.env or self.env[n].kind not in ("tensor", "variable", "placeholder") for n in names):
            raise NotDirect("xs that are no names")
        if len(set(names)) != len(names):
            raise NotDirect("an x twice")
        sens = None
        if "grad_ys" in given and not (isinstance(given["grad_ys"], ast.Constant) and given["grad_ys"].value is None):
            sens = self.several(given["grad_ys"])
            if len(sens) != len(ys) or any(isinstance(s, ast.Constant) for s in sens):
                raise NotDirect("grad_ys")
            for expression in sens:
                if not self.tensor_names(expression) and not self.mentions(expression):
                    raise NotDirect("grad_ys that are arrays")
                self.check(expression)
        return Site(call, ys, names, sens, pick, True)

    def several(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, (ast.List, ast.Tuple)):
            return [part for e in node.elts for part in self.several(e)]
        if isinstance(node, ast.Call) and self.api(node.func) == "tf.trainable_variables":
            return [ast.Name(id=name, ctx=ast.Load()) for name in self.variables]
        if isinstance(node, ast.Name) and node.id in self.env and self.env[node.id].kind == "list":
            return [ast.Name(id=name, ctx=ast.Load()) for name in self.env[node.id].items]
        return [node]

    def take_site(self, node: ast.Assign, names: list[str], single: bool, site: Site) -> None:
        reads = [n for y in site.ys for n in self.tensor_names_of(y)] + site.xs
        reads += [n for s in site.sens or () for n in self.tensor_names(s)]
        reads = list(dict.fromkeys(reads))
        if not single and len(names) != len(site.xs) or site.pick is not None and site.pick >= len(site.xs):
            raise NotDirect("the shape of a result")
        if not single and site.pick is not None:
            raise NotDirect("an unpacked entry")
        for x in site.xs:
            inner = self.env[x].step
            if inner is not None and inner.kind == "tensor" and self.leads_to(inner, [other for other in site.xs if other != x]):
                raise NotDirect(f"{x} depends on another x")
            if not self.connected(site.ys, x):
                raise NotDirect(f"{x} may not be connected")
        deps, varies = self.joined(reads)
        step = Step(node, "gradient", names, reads, len(self.steps), deps, varies, site)
        self.steps.append(step)
        listed = single and site.pick is None
        for name in names:
            self.env[name] = Value("gradients" if listed else "gradient", step)
        self.site_order.append(site.call)

    def tensor_names_of(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Name) and node not in self.names.scope_of:
            return [node.id]
        return self.tensor_names(node)

    def connected(self, ys: Sequence[ast.expr], x: str) -> bool:
        """Whether every operation between x and ys is differentiable, on some path."""
        def reaches(node: ast.expr, seen: set[str]) -> bool:
            for name in self.smooth_names(node):
                if name == x:
                    return True
                step = self.env[name].step
                if name in seen or step is None or step.kind not in ("tensor", "gradient"):
                    continue
                seen.add(name)
                if step.site is not None:
                    # a second derivative can vanish: only the plain form knows
                    if any(reaches(y, set()) for y in step.site.ys) and self.curved(step.site, x):
                        return True
                elif reaches(step.node.value, seen):
                    return True
            return False

        return any(reaches(y, set()) for y in ys)

    def curved(self, site: Site, x: str) -> bool:
        """Whether a gradient still depends on x: there is something besides sums and constants between."""
        between = [s for s in self.slice(site.ys, site.xs)]
        texts = [n for s in between for n in ast.walk(s.node.value)] + [n for y in site.ys for n in ast.walk(y)]
        return any(isinstance(n, (ast.Pow, ast.Mult, ast.Div)) or isinstance(n, ast.Call) for n in texts)

    def smooth_names(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Name):
            return self.tensor_names_of(node)
        if isinstance(node, ast.Compare) or isinstance(node, ast.Call) and self.api(node.func) in _CUTS:
            return []
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.FloorDiv, ast.Mod)):
            return []
        return [n for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr) for n in self.smooth_names(child)]

    # ------------------------------------------------------------------------------------------------ variables and actions

    def placeholder_dtype(self, call: ast.Call) -> str:
        dtype = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "dtype"), None)
        if isinstance(dtype, ast.Constant) and dtype.value in ("float", "float32"):
            return "ms.float32"
        text = _TYPES.get(self.api(dtype) or "") if dtype is not None else None
        if text is None:
            raise NotDirect("the dtype of a placeholder")
        return text

    def parameter(self, api: str, call: ast.Call) -> str:
        """The Parameter for a variable, with the name TensorFlow gives it."""
        order = ("initial_value", "trainable") if api == "tf.Variable" else ("name", "shape", "dtype", "initializer")
        given = dict(zip(order, call.args, strict=False))
        given.update({k.arg: k.value for k in call.keywords if k.arg})
        if len(call.args) > len(order) or set(given) - {"initial_value", "name", "dtype", "shape", "initializer"}:
            raise NotDirect("the arguments of a variable")
        name = given.get("name")
        if name is not None and not isinstance(name, ast.Constant):
            raise NotDirect("a variable's computed name")
        if api == "tf.Variable":
            count = sum(1 for s in self.steps if s.kind == "variable" and "name='Variable" in s.text)
            label = repr(name.value) if name is not None else f"'Variable{f'_{count}' if count else ''}'"
            return f"ms.Parameter({self.initial(given['initial_value'], given.get('dtype'))}, name={label})"
        assert name is not None
        label = self.editor.original(name)
        if "initializer" in given:
            if self.api(given["initializer"]) or isinstance(given["initializer"], ast.Call) and self.api(given["initializer"].func):
                raise NotDirect("an initializer")
            return f"ms.Parameter({self.initial(given['initializer'], given.get('dtype'))}, name={label})"
        shape = given.get("shape")
        if not isinstance(shape, (ast.List, ast.Tuple)) or "dtype" in given and self.api(given["dtype"]) != "tf.float32":
            raise NotDirect("a shape that is not written out")
        text = self.editor.original(shape)
        if len(shape.elts) >= 2:
            self.imports.add("from mindspore.common.initializer import initializer")
            return f"ms.Parameter(initializer('xavier_uniform', {text}), name={label})"
        if len(shape.elts) != 1:
            raise NotDirect("a scalar without a value")
        self.imports.add("from mindspore.common.initializer import Uniform, initializer")
        size = self.editor.original(shape.elts[0])
        limit = repr((3 / int(size)) ** 0.5) if size.isdigit() and int(size) else f"(3 / {size}) ** 0.5"
        return f"ms.Parameter(initializer(Uniform({limit}), {text}), name={label})"

    def initial(self, value: ast.expr, dtype: ast.expr | None) -> str:
        if isinstance(value, ast.Call) and self.api(value.func) in ("tf.zeros", "tf.ones", "tf.constant"):
            self.check(value)
            return self.render(value, {})
        if self.mentions(value):
            raise NotDirect("an initial value")
        kind = _TYPES.get(self.api(dtype) or "") if dtype is not None else None
        if dtype is not None and kind is None:
            raise NotDirect("a dtype")
        return self.tensor_text(value, kind)

    def tensor_text(self, value: ast.expr, kind: str | None) -> str:
        """`ms.Tensor(...)` of a host value with the dtype TensorFlow gives it."""
        text = self.editor.original(value)
        if kind is None and not any(isinstance(n, (ast.Name, ast.Call)) for n in ast.walk(value)):
            numbers = [n.value for n in ast.walk(value) if isinstance(n, ast.Constant)]
            kind = "ms.float32" if any(isinstance(n, float) for n in numbers) else "ms.int32" if all(type(n) is int for n in numbers) else None
        return f"ms.Tensor({text}, {kind})" if kind else f"ms.Tensor({text})"

    def action(self, call: ast.Call) -> list[ast.expr] | None:
        """The operands of something that changes variables: an assignment, a group, one step of an optimizer."""
        api = self.api(call.func)
        if api in ("tf.assign", "tf.assign_add", "tf.assign_sub") and len(call.args) == 2 and not call.keywords:
            self.check(call.args[1])
            return call.args
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.attr in ("assign", "assign_add", "assign_sub") \
                and self.kind(call.func.value.id) == "variable" and len(call.args) == 1 and not call.keywords:
            self.check(call.args[0])
            return [call.func.value, call.args[0]]
        if isinstance(call.func, ast.Attribute) and call.func.attr == "minimize" and (loss := self.minimized(call)) is not None:
            return [loss]
        if api == "tf.group" and not call.keywords and all(isinstance(a, ast.Name) and self.kind(a.id) == "action" for a in call.args):
            return list(call.args)
        return None

    def minimized(self, call: ast.Call) -> ast.expr | None:
        """The loss of `optimizer.minimize(loss)`."""
        assert isinstance(call.func, ast.Attribute)
        if self.optimizer(call.func.value) is None:
            return None
        if len(call.args) != 1 or call.keywords or not isinstance(call.args[0], ast.Name):
            raise NotDirect("the arguments of minimize")
        return call.args[0]

    def optimizer(self, node: ast.expr) -> ast.Call | None:
        """The call that makes an optimizer, given itself or by the name it was bound to."""
        if isinstance(node, ast.Call) and self.api(node.func) in _OPTIMIZERS:
            return node
        value = self.env.get(node.id) if isinstance(node, ast.Name) else None
        if value is not None and value.kind == "optimizer" and value.step is not None:
            return self.optimizer(value.step.node.value)
        return None

    def optimizer_text(self, call: ast.Call, weights: str) -> str:
        """The optimizer of MindSpore for one of TensorFlow's."""
        api = str(self.api(call.func))
        parts = [self.editor.original(a) for a in call.args]
        for keyword in call.keywords:
            if keyword.arg == "name":
                continue
            name = {"epsilon": "eps"}.get(str(keyword.arg), str(keyword.arg))
            parts.append(f"{name}={self.editor.original(keyword.value)}")
        if any(self.tensor_names(a) for a in [*call.args, *(k.value for k in call.keywords)]) or len(call.args) > 4:
            raise NotDirect("a learning rate that changes")
        return f"{_OPTIMIZERS[api]}({', '.join([weights, *parts])})"

    def kind(self, name: str) -> str:
        return self.env[name].kind if name in self.env else "host"

    # ---------------------------------------------------------------------------------------------------------------- runs

    def is_run(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Attribute) and node.func.attr == "run" and isinstance(node.func.value, ast.Name) \
            and self.kind(node.func.value.id) == "session"

    # ----------------------------------------------------------------------------------------------------------- rendering

    def waits(self, step: Step) -> bool:
        """Whether a tensor is known only when it is run."""
        return bool(step.deps) or step.varies and self.changes

    def slice(self, ys: Sequence[ast.expr], xs: Sequence[str]) -> list[Step]:
        """The statements that compute ys from xs and from what does not depend on them, in order."""
        found: set[Step] = set()
        pending = [n for y in ys for n in self.tensor_names_of(y)]
        while pending:
            name = pending.pop()
            step = self.env[name].step
            if name in xs or step is None or step in found or step.kind not in ("tensor", "gradient"):
                continue
            if not self.leads_to(step, xs):
                continue
            found.add(step)
            pending += self.outer_reads(step)
        return sorted(found, key=lambda s: s.place)

    def outer_reads(self, step: Step) -> list[str]:
        """What the statements of a step read: for a site, what its inner function does not compute itself."""
        site = step.site
        if site is None:
            return step.reads
        inner = self.slice(site.ys, site.xs)
        bound = {name for s in inner for name in s.targets} | set(site.xs)
        outer = [n for s in inner for n in self.outer_reads(s)] + [n for y in site.ys for n in self.tensor_names_of(y)]
        sens = [n for part in site.sens or () for n in self.tensor_names(part)]
        return list(dict.fromkeys([*site.xs, *(n for n in outer if n not in bound), *sens]))

    def leads_to(self, step: Step, xs: Sequence[str]) -> bool:
        """Whether a statement depends on one of xs."""
        seen: set[Step] = set()
        pending = [step]
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if any(name in xs for name in current.reads):
                return True
            pending += [s for name in current.reads if (s := self.env[name].step) is not None]
        return False

    def render(self, node: ast.AST, given: dict[str, str]) -> str:
        """The converted text of an expression; `given` has texts for names."""
        if isinstance(node, ast.Name):
            if node.id in given and isinstance(node.ctx, ast.Load):
                return given[node.id]
            api = self.api(node) if node in self.names.scope_of else None
            return _TYPES.get(api or "", node.id)
        if isinstance(node, ast.Attribute) and self.api(node) in _TYPES:
            return _TYPES[str(self.api(node))]
        if isinstance(node, ast.BinOp):
            return self.binary(node, given)
        if isinstance(node, ast.Call):
            api = self.api(node.func)
            if api in ("tf.constant", "tf.convert_to_tensor"):
                return self.constant(node, given)
            if api is not None:
                text = direct_call(api, node, lambda part: self.operand(part, given, api))
                if text is None:
                    raise NotDirect(api)
                if "ops." in text:
                    self.imports.add("from mindspore import ops")
                return text
        return self.spliced(node, given)

    def binary(self, node: ast.BinOp, given: dict[str, str]) -> str:
        """An operation on tensors; arrays and lists beside a tensor become tensors, which MindSpore does not do by itself."""
        left, right = self.render(node.left, given), self.render(node.right, given)
        if self.tensorish(node.left) and self.foreign(node.right):
            right = f"ms.Tensor({right}, ms.float32)"
        elif self.tensorish(node.right) and self.foreign(node.left):
            left = f"ms.Tensor({left}, ms.float32)"
        source, (start, end) = self.editor.source, self.editor.span(node)
        left_end, right_start = self.editor.span(node.left)[1], self.editor.span(node.right)[0]
        first, last = self.editor.span(node.left)[0], self.editor.span(node.right)[1]
        return source[start:first] + left + source[left_end:right_start] + right + source[last:end]

    def operand(self, node: ast.expr, given: dict[str, str], api: str) -> str:
        """An argument of an operation."""
        text = self.render(node, given)
        if api in ("tf.reshape", "tf.zeros", "tf.ones", "tf.eye", "tf.cast") or isinstance(node, (ast.List, ast.Tuple)):
            return text
        return f"ms.Tensor({text}, ms.float32)" if self.host_kind(node) in ("array", "list") else text

    def tensorish(self, node: ast.expr) -> bool:
        """Whether an expression is a tensor, as far as can be told from what it is made of."""
        if self.tensor_names(node):
            return True
        if isinstance(node, ast.Name):
            binding = self.names.bindings(node)
            if len(binding) == 1 and binding[0].value is not None and isinstance(binding[0].node, ast.Name):
                return self.tensorish_value(binding[0].value, {node.id})
            return any(isinstance(b.node, ast.arg) for b in binding)
        return self.tensorish_value(node, set())

    def tensorish_value(self, node: ast.expr, seen: set[str]) -> bool:
        if isinstance(node, ast.Call):
            return self.api(node.func) is not None or isinstance(node.func, ast.Name) and node.func.id in self.pure
        if isinstance(node, ast.Name):
            return node.id not in seen and self.tensorish(node)
        if isinstance(node, ast.Subscript):
            return self.tensorish_value(node.value, seen)
        return any(self.tensorish_value(c, seen) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)) \
            if isinstance(node, (ast.BinOp, ast.UnaryOp)) else False

    def foreign(self, node: ast.expr) -> bool:
        """Whether a host value may be an array or a list, which does not mix with a tensor."""
        kind = self.host_kind(node)
        if kind in ("array", "list"):
            return True
        return kind == "unknown" and not self.tensorish(node) and not self.in_function(node)

    def in_function(self, node: ast.expr) -> bool:
        return any(self.names.scope_of.get(n) is not self.names.module for n in ast.walk(node) if isinstance(n, ast.Name))

    def host_kind(self, node: ast.expr) -> str:
        """What a host expression is: "number", "array", "list" or "unknown"."""
        if isinstance(node, ast.Constant):
            return "number" if isinstance(node.value, (int, float)) else "unknown"
        if isinstance(node, (ast.List, ast.Tuple)):
            return "unknown" if self.tensor_names(node) else "list"
        if isinstance(node, ast.UnaryOp):
            return self.host_kind(node.operand)
        if isinstance(node, ast.BinOp):
            if self.tensorish(node.left) or self.tensorish(node.right):
                return "unknown"
            kinds = {self.host_kind(node.left), self.host_kind(node.right)}
            return "number" if kinds == {"number"} else "array" if "array" in kinds else "unknown"
        if isinstance(node, ast.Call):
            path = self.names.resolve(node.func) or ""
            if isinstance(node.func, ast.Name) and node.func.id in ("len", "int", "float", "round", "max", "min", "abs", "sum"):
                return "number"
            if path.startswith("math."):
                return "number"
            if path.startswith("np."):
                return "number" if all(self.host_kind(a) == "number" for a in node.args) and path.rpartition(".")[2] in _SCALAR else "array"
            if isinstance(node.func, ast.Attribute) and node.func.attr in _ARRAYS:
                return "array"
            return "unknown"
        if isinstance(node, ast.Attribute):
            return "number" if (self.names.resolve(node) or "") in ("np.pi", "np.e", "math.pi", "math.e") else "unknown"
        if isinstance(node, ast.Name):
            bindings = self.names.bindings(node)
            values = [b.value for b in bindings]
            if bindings and all(v is not None for v in values) and all(isinstance(b.node, ast.Name) for b in bindings):
                kinds = {self.host_kind(v) for v in values if v is not None}
                return kinds.pop() if len(kinds) == 1 else "unknown"
        return "unknown"

    def spliced(self, node: ast.AST, given: dict[str, str]) -> str:
        source, (start, end) = self.editor.source, self.editor.span(node)  # type: ignore[arg-type]
        pieces, at = [], start
        for child in children(node):
            left, right = self.editor.span(child)  # type: ignore[arg-type]
            if left < at:
                continue
            pieces += [source[at:left], self.render(child, given) if isinstance(child, ast.expr) else self.spliced(child, given)]
            at = right
        return "".join(pieces) + source[at:end]

    def constant(self, call: ast.Call, given: dict[str, str]) -> str:
        values = dict(zip(("value", "dtype", "shape"), call.args, strict=False))
        values.update({k.arg: k.value for k in call.keywords if k.arg and k.arg != "name"})
        if set(values) - {"value", "dtype"} or self.tensor_names(values["value"]) or self.mentions(values["value"]):
            raise NotDirect("the arguments of tf.constant")
        dtype = values.get("dtype")
        kind = _TYPES.get(self.api(dtype) or "") if dtype is not None else None
        if dtype is not None and kind is None:
            raise NotDirect("a dtype")
        return self.tensor_text(values["value"], kind)


def api_end(direct: Direct, node: ast.AST) -> bool:
    """Whether a reference is not the beginning of a longer one."""
    parent = direct.editor.parent(node)
    return not isinstance(parent, ast.Attribute) or direct.api(parent) is None


def ordered(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from ordered(child)


def children(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that have positions, in the order of the source."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if hasattr(child, "lineno"):
            found.append(child)
        elif not isinstance(child, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)):
            found += children(child)
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))  # type: ignore[attr-defined]
