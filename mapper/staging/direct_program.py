"""A TensorFlow program as the direct form sees it: its functions and what they are for, what its expressions hold, and the
MindSpore text of code that computes on values."""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

from mapper.edit import Editor, walk
from mapper.names import Binding, read_names
from mapper.staging.direct_calls import UNARY, direct_call, has_form
from mapper.staging.value_library import CONTROL, provides, value_call

Kind = Literal["tensor", "tensors", "array", "list", "number", "scalar", "host", "unknown", "cycle"]
Role = Literal["host", "value", "maker", "layer", "graph"]
Put = Callable[[ast.expr], str | None]
Function = ast.FunctionDef
Node = TypeVar("Node", bound=ast.AST)

TYPES = {f"tf.{name}": f"ms.{name}" for name in ("float16", "float32", "float64", "int32", "int64")} | {"tf.bool": "ms.bool_"}
VARIABLES = frozenset({"tf.Variable", "tf.get_variable"})
SCOPES = frozenset({"tf.name_scope", "tf.device"})
# What initial values are drawn from, with the arguments in order.
DRAWS = {
    "tf.random_normal": ("Normal", ("shape", "mean", "stddev", "dtype", "seed")),
    "tf.random.normal": ("Normal", ("shape", "mean", "stddev", "dtype", "seed")),
    "tf.truncated_normal": ("TruncatedNormal", ("shape", "mean", "stddev", "dtype", "seed")),
    "tf.random.truncated_normal": ("TruncatedNormal", ("shape", "mean", "stddev", "dtype", "seed")),
    "tf.random_uniform": ("Uniform", ("shape", "minval", "maxval", "dtype", "seed")),
    "tf.random.uniform": ("Uniform", ("shape", "minval", "maxval", "dtype", "seed")),
    "tf.random_normal_initializer": ("Normal", ("mean", "stddev", "seed", "dtype")),
    "tf.truncated_normal_initializer": ("TruncatedNormal", ("mean", "stddev", "seed", "dtype")),
    "tf.random_uniform_initializer": ("Uniform", ("minval", "maxval", "seed", "dtype")),
}
GLOROT = frozenset({"tf.glorot_uniform_initializer", "tf.contrib.layers.xavier_initializer", "tf.initializers.glorot_uniform",
                     "tf.keras.initializers.glorot_uniform"})
_SEVERAL = frozenset({"tf.while_loop", "tf.gradients", "tf.unstack", "tf.split", "tf.trainable_variables", "tf.get_collection", "tf.global_variables"})
SESSIONS = frozenset({"tf.Session", "tf.InteractiveSession", "tf.get_default_session"})
# What makes variables by name.
_NAMED = frozenset({"tf.get_variable", "tf.layers.dense", "tf.variable_scope", "tf.AUTO_REUSE", "tf.get_variable_scope"})
# What a function that computes on values may say besides operations.
_VALUE_WORDS = frozenset({"tf.constant", "tf.convert_to_tensor", "tf.gradients", "tf.name_scope", "tf.newaxis"}) | frozenset(TYPES)
_SCALAR = frozenset({"sqrt", "exp", "log", "float32", "float64", "int32", "int64", "sin", "cos", "tanh", "prod", "abs", "power"})
_WHOLE = frozenset({"sum", "prod", "mean", "max", "min", "std", "var", "argmax", "argmin", "size"})
_ARRAYS = frozenset({"astype", "reshape", "randn", "rand", "uniform", "normal", "standard_normal", "choice", "randint", "dot", "copy", "ravel",
                     "flatten", "transpose", "cumsum", "permutation", "random_sample", "multivariate_normal"})
CONSTANTS = frozenset({"tf.constant", "tf.convert_to_tensor", "tf.zeros", "tf.ones", "tf.zeros_like", "tf.ones_like", "tf.fill", "tf.eye", "tf.range",
                       "tf.linspace"})
_OF_NUMBERS = frozenset({"tf.reshape", "tf.zeros", "tf.ones", "tf.eye", "tf.cast", "tf.one_hot", "tf.tile", "tf.transpose"})
_NUMBERS = frozenset({"len", "int", "float", "round", "ord"})


STARTS = frozenset({"tf.zeros_initializer", "tf.ones_initializer", "tf.constant_initializer"})


class NotDirect(Exception):
    """Why a program has no direct form."""


class Program:
    """One module: names resolved, functions found, kinds of expressions told."""

    def __init__(self, source: str) -> None:
        self.editor = Editor(source)
        self.tree = self.editor.tree
        self.names = read_names(self.tree)
        self.imports = {"import mindspore as ms"}
        self.carried: set[str] = set()
        self.hoisted: dict[str, str] = {}
        self.varied: set[ast.AST] = set()  # constants that a gradient is taken at
        self.taken = {n for scope in self.names.scopes.values() for n in scope.bindings}
        self.by_type: dict[type, list[ast.AST]] = {}
        for node in walk(self.tree):
            self.by_type.setdefault(type(node), []).append(node)
        self.classes = {n.name: n for n in self.every(ast.ClassDef)}
        self.owner: dict[ast.AST, ast.ClassDef] = {f: c for c in self.classes.values() for f in c.body if isinstance(f, Function)}
        self.within: dict[ast.AST, Function] = {}
        for function in self.every(Function):
            for inner in walk(function):
                if inner is not function:
                    self.within[inner] = function  # walked from the outside in: the innermost stays
        self.roles: dict[ast.AST, Role] = {}
        self.attributes: dict[ast.ClassDef, dict[str, list[tuple[ast.expr, int | None]]]] = {}
        self.sites_in: dict[ast.AST, bool] = {}
        self.calls: dict[ast.AST, list[ast.Call]] = {}
        for call in self.every(ast.Call):
            if (target := self.callee(call)) is not None:
                self.calls.setdefault(target, []).append(call)
        asks = [n for n in self.every(ast.Call) if (self.api(n.func) in ("tf.gradients", "tf.hessians")
                or isinstance(n.func, ast.Attribute) and n.func.attr in ("minimize", "compute_gradients"))]
        self.orders = len(asks)
        self.deep = len(asks) > 1  # a gradient may be taken of a gradient
        self.thrice = False
        self.homes: set[ast.AST | None] = {None}
        self.kinds: dict[ast.AST, Kind] = {}
        self.handed: dict[ast.AST, bool] = {}
        self.asked: set[ast.AST] = set()
        self.open = False
        self.layered = False
        self.unsaid = False  # whether the dtype of some variable is that of an array which may be float64

    # ----------------------------------------------------------------------------------------------------------------- names

    def every(self, kind: type[Node]) -> list[Node]:
        """The nodes of one type in the program as it was read."""
        return self.by_type.get(kind, [])  # type: ignore[return-value]

    def api(self, node: ast.AST | None) -> str | None:
        """The TensorFlow name that an expression refers to."""
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        path = self.names.resolve(node)
        return path if path is not None and path.startswith("tf.") else None

    def mentions(self, node: ast.AST) -> bool:
        return any(self.api(n) is not None for n in walk(node))

    def ends(self, node: ast.AST) -> bool:
        """Whether a reference to TensorFlow is not the beginning of a longer one."""
        parent = self.editor.parent(node)
        return not isinstance(parent, ast.Attribute) or self.api(parent) is None

    def bindings(self, node: ast.Name) -> list[Binding]:
        return self.names.bindings(node) if node in self.names.scope_of else []

    def self_name(self, node: ast.AST) -> str | None:
        """The name that the method around a node has for its object."""
        function = self.within.get(node)
        while function is not None and function not in self.owner:
            function = self.within.get(function)
        if function is None or not function.args.args or any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list):
            return None
        return function.args.args[0].arg

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        function = self.within.get(node)
        while function is not None and function not in self.owner:
            function = self.within.get(function)
        return self.owner[function] if function is not None else None

    def attribute_of_self(self, node: ast.AST) -> str | None:
        """`x` of `self.x`."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self.self_name(node):
            return node.attr
        return None

    def method(self, owner: ast.ClassDef, name: str) -> Function | None:
        for part in owner.body:
            if isinstance(part, Function) and part.name == name:
                return part
        for base in owner.bases:
            if isinstance(base, ast.Name) and base.id in self.classes and (found := self.method(self.classes[base.id], name)) is not None:
                return found
        return None

    def instance(self, node: ast.expr) -> ast.ClassDef | None:
        """The class of the program that an expression is an object of."""
        if isinstance(node, ast.Name):
            if node.id == self.self_name(node):
                return self.class_around(node)
            bound = self.bindings(node)
            value = bound[0].value if len(bound) == 1 else None
        elif (name := self.attribute_of_self(node)) is not None:
            values = self.attribute_values(self.class_around(node), name)
            value = values[0] if len(values) == 1 else None
        else:
            value = node if isinstance(node, ast.Call) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            return self.classes.get(value.func.id)
        return None

    def callee(self, call: ast.Call) -> Function | ast.ClassDef | None:
        """The function or class of the program that a call calls."""
        target = call.func
        if isinstance(target, ast.Name):
            bound = self.bindings(target)
            if len(bound) == 1 and isinstance(bound[0].node, (ast.FunctionDef, ast.ClassDef)):
                return bound[0].node
            owner = self.instance(target)
            return self.method(owner, "__call__") if owner is not None and target.id != self.self_name(target) else None
        if isinstance(target, ast.Attribute):
            owner = self.instance(target.value)
            if owner is not None and (found := self.method(owner, target.attr)) is not None:
                return found
            owner = self.instance(target)
            return self.method(owner, "__call__") if owner is not None else None
        return None

    def attribute_values(self, owner: ast.ClassDef | None, name: str) -> list[ast.expr]:
        """The expressions that are assigned to an attribute of a class's objects; a part of an unpacked one is given as the whole."""
        return [value for value, _ in self.attribute_parts(owner, name)]

    def attribute_parts(self, owner: ast.ClassDef | None, name: str) -> list[tuple[ast.expr, int | None]]:
        """The same with the index at which a value is unpacked."""
        if owner is None:
            return []
        if owner not in self.attributes:
            found = self.attributes[owner] = {}
            for node in walk(owner):
                if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value is not None:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        for part, value in unpacked(target, node.value):
                            if (attribute := self.attribute_of_self(part)) is not None:
                                outer = self.editor.parent(part)
                                whole = value is node.value and isinstance(outer, (ast.Tuple, ast.List))
                                found.setdefault(attribute, []).append((value, outer.elts.index(part) if whole else None))  # type: ignore[union-attr]
        return self.attributes[owner].get(name, [])

    # ----------------------------------------------------------------------------------------------------------------- roles

    def role(self, function: Function | ast.ClassDef) -> Role:
        """What a function is for: it computes on values, makes variables, builds or runs the graph, or none of these."""
        if isinstance(function, ast.ClassDef):
            start = self.method(function, "__init__")
            return self.role(start) if start is not None else "host"
        if function not in self.roles:
            self.roles[function] = "host"
            self.roles[function] = self._role(function)
        return self.roles[function]

    def _role(self, function: Function) -> Role:
        found: set[Role] = set()
        named, unnamed = False, False
        for node in walk(function):
            if isinstance(node, (ast.Name, ast.Attribute)) and (api := self.api(node)) is not None and self.ends(node):
                named, unnamed = named or api in _NAMED, unnamed or api == "tf.Variable"
                if api in VARIABLES or api in DRAWS or api in GLOROT or api in STARTS or api in _NAMED:
                    found.add("maker")
                elif api in _VALUE_WORDS or has_form(api) or provides(api):
                    found.add("value")
                else:
                    found.add("graph")
            elif isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute) and node.func.attr == "run" and self.api(node.func) is None:
                    found.add("graph")
                target = self.callee(node)
                if target is not None and target is not function:
                    found.add(self.role(target))
        if "graph" not in found and (named or "layer" in found) and self.on_tensors(function):
            return "graph" if unnamed else "layer"
        if "layer" in found or named and "maker" not in found:
            return "graph"
        for role in ("graph", "maker", "value"):
            if role in found:
                return role  # type: ignore[return-value]
        return "host"

    def on_tensors(self, function: Function) -> bool:
        """Whether some call of a function gives it tensors."""
        return any(self.kind(a) in ("tensor", "tensors") for call in self.calls.get(function, []) for a in [*call.args, *(k.value for k in call.keywords)])

    def has_sites(self, function: Function) -> bool:
        """Whether a function asks for gradients, itself or in what it calls."""
        if function not in self.sites_in:
            self.sites_in[function] = False
            self.sites_in[function] = self.asks(function)
        return self.sites_in[function]

    def asks(self, node: ast.AST) -> bool:
        """Whether a piece of code asks for gradients, itself or in what it calls."""
        for inner in walk(node):
            if isinstance(inner, ast.Call):
                if self.api(inner.func) == "tf.gradients":
                    return True
                target = self.callee(inner)
                if isinstance(target, Function) and self.has_sites(target):
                    return True
        return False

    # ----------------------------------------------------------------------------------------------------------------- kinds

    def kind(self, node: ast.expr) -> Kind:
        """What an expression holds: a tensor or several, an array, a list of numbers, a number, a NumPy scalar, or something else.

        "cycle" says that this follows from the rest of what is being asked."""
        if node in self.kinds:
            return self.kinds[node]
        if node in self.asked:
            self.open = True
            return "cycle"
        outer, self.open = self.open, False
        self.asked.add(node)
        found = self._kind(node)
        self.asked.discard(node)
        if not self.open or not self.asked:
            self.kinds[node] = found = "unknown" if found == "cycle" else found
        self.open = outer or self.open
        return found

    def _kind(self, node: ast.expr) -> Kind:
        if isinstance(node, ast.Constant):
            return "number" if isinstance(node.value, (int, float)) else "host"
        if isinstance(node, (ast.List, ast.Dict)) and not getattr(node, "elts", None) and not getattr(node, "keys", None):
            return self._filled(node)
        if isinstance(node, ast.Dict):
            return "tensors" if any(self.kind(v) in ("tensor", "tensors") for v in node.values) else "host"
        if isinstance(node, (ast.List, ast.Tuple)):
            return "tensors" if any(self.kind(e) in ("tensor", "tensors") for e in node.elts) else "list"
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return {"tensor": "tensors", "tensors": "tensors", "number": "list", "scalar": "list"}.get(self.kind(node.elt), "unknown")  # type: ignore[return-value]
        if isinstance(node, ast.UnaryOp):
            return self.kind(node.operand)
        if isinstance(node, ast.BinOp):
            return _arithmetic(self.kind(node.left), self.kind(node.right))
        if isinstance(node, ast.Compare):
            return _arithmetic(self.kind(node.left), self.kind(node.comparators[0]))
        if isinstance(node, ast.IfExp):
            return _joined([self.kind(node.body), self.kind(node.orelse)])
        if isinstance(node, ast.Subscript):
            if (entry := self.entry(node)) is not None:
                return self.kind(entry)
            owner_kind = self.kind(node.value)
            if owner_kind == "tensors" and isinstance(node.slice, ast.Slice):
                return "tensors"
            return {"tensors": "tensor", "list": "number" if not isinstance(node.slice, ast.Slice) else "list"}.get(owner_kind, owner_kind)  # type: ignore[return-value]
        if isinstance(node, ast.Call):
            return self._kind_of_call(node)
        if isinstance(node, ast.Attribute):
            if (self.names.resolve(node) or "") in ("np.pi", "np.e", "math.pi", "math.e"):
                return "number"
            if node.attr in ("shape", "dtype", "ndim", "size"):
                return "host"
            if node.attr == "T":
                return self.kind(node.value)
            owner = self.instance(node.value)
            if owner is not None:
                return _joined([self._part(v, i) for v, i in self.attribute_parts(owner, node.attr)])
            return "unknown"
        if isinstance(node, ast.Name):
            return _joined([self._kind_of_binding(node, b) for b in self.bindings(node)])
        return "unknown"

    def entry(self, node: ast.Subscript) -> ast.expr | None:
        """What a dict that is written out has under a key that is written out."""
        if not isinstance(node.value, ast.Name) or not isinstance(node.slice, ast.Constant):
            return None
        bound = self.bindings(node.value)
        made = bound[0].value if len(bound) == 1 else None
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id == "dict" and not made.args:
            return next((k.value for k in made.keywords if k.arg == node.slice.value), None)
        if isinstance(made, ast.Dict):
            return next((v for k, v in zip(made.keys, made.values) if isinstance(k, ast.Constant) and k.value == node.slice.value), None)
        return None

    def _filled(self, node: ast.expr) -> Kind:
        """The kind of a container that is made empty: by what is put into it."""
        target = self.editor.parent(node)
        if isinstance(target, ast.Tuple):
            position, target = target.elts.index(node), self.editor.parent(target)
            names = target.targets[0].elts if isinstance(target, ast.Assign) and isinstance(target.targets[0], ast.Tuple) else []
            name = names[position] if position < len(names) else None
        else:
            name = target.targets[0] if isinstance(target, ast.Assign) else None
        if not isinstance(name, (ast.Name, ast.Attribute)):
            return "unknown"
        said = ast.unparse(name)
        around: ast.AST = self.within.get(node, self.tree)
        kinds: list[Kind] = []
        for inner in walk(around):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "append" and ast.unparse(inner.func.value) == said:
                kinds.append(self.kind(inner.args[0]))
            elif isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Subscript) and ast.unparse(inner.targets[0].value) == said:
                kinds.append(self.kind(inner.value))
        found = _joined(kinds)
        return {"tensor": "tensors", "tensors": "tensors", "number": "list", "scalar": "list"}.get(found, "unknown")  # type: ignore[return-value]

    def _part(self, value: ast.expr, index: int | None) -> Kind:
        """The kind of a value, or of the part of it that is unpacked at an index."""
        if index is None:
            return self.kind(value)
        if isinstance(value, ast.Call) and self.api(value.func) == "tf.clip_by_global_norm":
            return "tensor" if index else "tensors"
        if isinstance(value, ast.Call) and isinstance(function := self.callee(value), Function):
            found = [r.elts[index] if isinstance(r, ast.Tuple) and index < len(r.elts) else r for r in returns(function)]
            return _joined([self.kind(f) if f is not r else _element(self.kind(r)) for f, r in zip(found, returns(function))])
        return _element(self.kind(value))

    def _kind_of_call(self, node: ast.Call) -> Kind:
        api = self.api(node.func)
        if api is not None:
            return "tensors" if api in _SEVERAL else "tensor"
        path = self.names.resolve(node.func) or ""
        if path.startswith("math."):
            return "number"
        if path.startswith("np."):
            last = path.rpartition(".")[2]
            kinds = [self.kind(a) for a in node.args]
            if last in _SCALAR and kinds and all(k in ("number", "scalar") for k in kinds):
                return "scalar"
            if last in _WHOLE and len(node.args) == 1 and not node.keywords:
                return "scalar"
            return "number" if path in ("np.pi", "np.e") else "array"
        if isinstance(node.func, ast.Name) and node.func.id in _NUMBERS and not self.bindings(node.func):
            return "number"
        if isinstance(node.func, ast.Name) and node.func.id in ("max", "min", "sum", "abs") and node.args and not self.bindings(node.func):
            found = self.kind(node.args[0])
            return "tensor" if found == "tensors" and node.func.id == "sum" else found if found in ("number", "tensor") else "unknown"
        target = self.callee(node)
        if isinstance(target, Function):
            return _joined([self.kind(r) for r in returns(target)])
        if self.is_shape(node):
            return "host"
        if self.is_start(node):
            return "tensor"
        if isinstance(node.func, ast.Attribute):
            owner = self.kind(node.func.value)
            if node.func.attr in _WHOLE and owner == "array":
                return "array" if node.args or node.keywords else "scalar"
            if node.func.attr in _ARRAYS:
                return "array" if node.args or node.keywords or node.func.attr not in ("randn", "rand", "normal", "uniform") else "scalar"
        return "unknown"

    def _kind_of_binding(self, name: ast.Name, binding: Binding) -> Kind:
        node = binding.node
        if isinstance(node, ast.arg):
            return self._kind_of_parameter(name, node)
        if binding.value is not None:
            return self.kind(binding.value)
        loop = self.editor.parent(node)
        if isinstance(loop, ast.AugAssign) and loop.target is node:
            more = self.kind(loop.value)
            return more if more in ("tensor", "tensors", "array") else "cycle"
        if isinstance(loop, (ast.Tuple, ast.List)) and isinstance(node, ast.expr):
            index, above = loop.elts.index(node), self.editor.parent(loop)
            if isinstance(above, ast.Assign):
                return self._part(above.value, index)
            path = [index]
            while isinstance(above, (ast.Tuple, ast.List)):
                path.insert(0, above.elts.index(loop))  # type: ignore[arg-type]
                loop, above = above, self.editor.parent(above)
            return self._turn(above.iter, path) if isinstance(above, (ast.For, ast.comprehension)) else "unknown"
        if isinstance(loop, (ast.For, ast.comprehension)) and loop.target is node:
            if isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Name) and loop.iter.func.id == "range":
                return "number"
            return _element(self.kind(loop.iter))
        return "unknown"

    def _turn(self, node: ast.expr, path: list[int]) -> Kind:
        """The kind of what a loop over an expression binds at a place in its target."""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self._turn(node.value, path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args and path:
            if node.func.id in ("list", "reversed", "tuple"):
                return self._turn(node.args[0], path)
            if node.func.id == "enumerate":
                return "number" if path[0] == 0 else self._turn(node.args[0], path[1:])
            if node.func.id == "zip" and path[0] < len(node.args):
                return self._turn(node.args[path[0]], path[1:])
        if len(path) == 1 and isinstance(node, (ast.List, ast.Tuple)):
            parts = [e.elts[path[0]] for e in node.elts if isinstance(e, (ast.List, ast.Tuple)) and len(e.elts) > path[0]]
            return _joined([self.kind(part) for part in parts]) if len(parts) == len(node.elts) else "unknown"
        return "unknown" if path else _element(self.kind(node))

    def _kind_of_parameter(self, name: ast.Name, node: ast.arg) -> Kind:
        scope = self.names.lookup(name.id, self.names.scope_of[name])
        function = scope.node if scope is not None else None
        if function is not None and self.is_handed_on(function):
            return "tensor"
        if not isinstance(function, Function):
            return "unknown"
        owner = self.owner.get(function)
        if owner is not None and function.args.args and node is function.args.args[0]:
            return "host"
        calls = self.calls.get(function, []) + (self.calls.get(owner, []) if owner is not None and function.name == "__init__" else [])
        given = [self.argument(function, call, node.arg) for call in calls]
        found = [self.kind(g) for g in given if g is not None]
        default = self.default(function, node.arg)
        if default is not None and any(g is None for g in given) or not calls and default is not None:
            found.append(self.kind(default))
        return _joined(found)

    def is_handed_on(self, function: ast.AST) -> bool:
        """Whether a function or a lambda is given to an operation that calls it with tensors."""
        if function not in self.handed:
            uses: list[ast.AST] = [function]
            if isinstance(function, Function):
                uses = [n for n in self.every(ast.Name) if n.id == function.name and isinstance(n.ctx, ast.Load)
                        and any(b.node is function for b in self.bindings(n))]
            calls = [self.editor.parent(u) for u in uses]
            calls = [self.editor.parent(c) if isinstance(c, ast.keyword) else c for c in calls]
            self.handed[function] = bool(calls) and any(isinstance(c, ast.Call) and self.api(c.func) in CONTROL for c in calls)
        return self.handed[function]

    def argument(self, function: Function, call: ast.Call, name: str) -> ast.expr | None:
        """What a call gives for a parameter; None when that is the default."""
        parameters = [a.arg for a in function.args.args]
        if function in self.owner and not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list):
            parameters = parameters[1:]
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
        at = parameters.index(name) if name in parameters else -1
        return call.args[at] if 0 <= at < len(call.args) else None

    def default(self, function: Function, name: str) -> ast.expr | None:
        parameters = function.args.args
        defaults = dict(zip([a.arg for a in parameters[len(parameters) - len(function.args.defaults):]], function.args.defaults))
        defaults.update({a.arg: d for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults) if d is not None})
        return defaults.get(name)

    # ------------------------------------------------------------------------------------------------------------- rendering

    def check(self, node: ast.AST) -> None:
        """Raises NotDirect for what is in code that computes on values and has no form."""
        starts: set[ast.AST] = set()
        for inner in walk(node):
            if inner in starts:
                continue
            if isinstance(inner, ast.Call):
                api = self.api(inner.func)
                if self.layered and self.holds_initializer(inner):
                    starts.update(walk(inner))
                    continue
                if api in _NAMED and self.layered:
                    parts = [inner] if api != "tf.layers.dense" else [inner.func, *(k.value for k in inner.keywords if str(k.arg).endswith("initializer"))]
                    starts.update(n for part in parts for n in walk(part))
                    continue
                if api is not None and api not in _VALUE_WORDS:
                    if not has_form(api) and not provides(api):
                        raise NotDirect(api)
                    if self.call_text(api, inner, lambda n: "x") is None:
                        raise NotDirect(f"the arguments of {api}")
                elif api is None:
                    self._check_call(inner)
            elif isinstance(inner, (ast.Name, ast.Attribute)) and self.api(inner) is not None and self.ends(inner):
                parent = self.editor.parent(inner)
                if not (isinstance(parent, ast.Call) and parent.func is inner) and self.api(inner) not in TYPES and not self.passed(inner):
                    raise NotDirect(str(self.api(inner)))
            elif isinstance(inner, ast.BinOp):
                self.beside(inner)

    def passed(self, node: ast.AST) -> bool:
        """Whether a name stands for an operation of one tensor that is handed on, as in `activation=tf.nn.tanh`."""
        return self.passed_text(node) is not None

    def passed_text(self, node: ast.AST) -> str | None:
        """The function of one tensor that such a name becomes."""
        api = self.api(node) or ""
        call = ast.Call(func=ast.Name("f", ast.Load()), args=[ast.Name("x", ast.Load())], keywords=[])
        if direct_call(api, call, lambda n: "x") == f"ops.{api.rpartition('.')[2]}(x)":
            return f"ops.{api.rpartition('.')[2]}"
        carried = value_call(api, call, lambda n: "x", self.deep)
        return carried[0] if carried is not None and carried[1] == f"{carried[0]}(x)" else None

    def is_shape(self, node: ast.AST) -> bool:
        """Whether an expression is the shape of a tensor, or a part of it."""
        if isinstance(node, ast.Subscript):
            return self.is_shape(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            return node.func.attr == "get_shape" and self.kind(node.func.value) == "tensor" or node.func.attr == "as_list" and self.is_shape(node.func.value)
        return isinstance(node, ast.Attribute) and node.attr == "shape" and self.kind(node.value) == "tensor"

    def shape_text(self, node: ast.expr, put: Put) -> str | None:
        """What `x.get_shape()`, `x.shape.as_list()` and `x.shape[1].value` become; None for other expressions."""
        if isinstance(node, ast.Attribute) and node.attr == "value" and isinstance(node.value, ast.Subscript) and self.is_shape(node.value):
            return self.render(node.value, put)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and self.is_shape(node):
            inner = self.render(node.func.value, put)
            return f"{inner}.shape" if node.func.attr == "get_shape" else f"list({inner})"
        return None

    def is_start(self, node: ast.AST) -> bool:
        """Whether an expression is `v.initialized_value()`: what v holds where the graph is built."""
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "initialized_value" \
            and not node.args and not node.keywords and self.kind(node.func.value) == "tensor"

    def _check_call(self, call: ast.Call) -> None:
        if self.is_shape(call) or self.is_start(call):
            return
        if isinstance(call.func, ast.Attribute) and self.kind(call.func.value) == "tensor" and self.callee(call) is None:
            raise NotDirect(f"the method {call.func.attr} of a tensor")
        path = self.names.resolve(call.func) or ""
        if path.startswith("np.") and any(self.kind(a) in ("tensor", "tensors") for a in call.args):
            raise NotDirect("NumPy on tensors")

    def beside(self, node: ast.BinOp) -> tuple[bool, bool]:
        """Which sides of an operation have to become tensors because the other one is."""
        left, right = self.kind(node.left), self.kind(node.right)
        foreign = ("array", "list")
        if {left, right} & {"unknown", "cycle"} and {left, right} & {"tensor", "array", "list"}:
            raise NotDirect(f"{ast.unparse(node)} may mix tensors and arrays")
        return left in foreign and right == "tensor", right in foreign and left == "tensor"

    def render(self, node: ast.AST, put: Put) -> str:
        """The MindSpore text of an expression on values; what `put` gives for a part stands in its place."""
        if node in self.varied:
            self.varied.discard(node)
            constant = self.render(node, put)
            self.varied.add(node)
            return f"ms.mutable({constant})"
        if isinstance(node, ast.expr) and (text := put(node)) is not None:
            return text
        if isinstance(node, (ast.Name, ast.Attribute)) and (api := self.api(node) if node in self.names.scope_of or isinstance(node, ast.Attribute) else None):
            if api in TYPES:
                return TYPES[api]
            if api == "tf.newaxis":
                return "None"
            if (text := self.passed_text(node)) is not None:
                if text.startswith("ops."):
                    self.imports.add("from mindspore import ops")
                else:
                    self.carried.add(text)
                return text
            if self.ends(node):
                raise NotDirect(api)
        if isinstance(node, ast.BinOp):
            return self._binary(node, put)
        if isinstance(node, (ast.Attribute, ast.Call)) and (text := self.shape_text(node, put)) is not None:
            return text
        if isinstance(node, ast.Call):
            api = self.api(node.func)
            if self.is_start(node):
                return self.render(node.func.value, put)  # type: ignore[attr-defined]
            if self.layered:
                from mapper.staging.direct_layers import layer_text

                if (made := layer_text(self, node, put)) is not None:
                    return made
            if api in ("tf.constant", "tf.convert_to_tensor"):
                return self.constant(node, put)
            if api is not None:
                text = self.call_text(api, node, lambda part: self._operand(part, put, api))
                if text is None:
                    raise NotDirect(api)
                return text
        return self.spliced(node, put)

    def call_text(self, api: str, call: ast.Call, text: Callable[[ast.expr], str]) -> str | None:
        """The call on values for one of TensorFlow's, or None."""
        thrice = api in ("tf.square", "tf.math.square") and (self.thrice or self.orders > 2 and self.within.get(call) not in self.homes)
        found = None if thrice else direct_call(api, call, text)  # MindSpore's square has no third derivative
        if found is not None:
            if "ops." in found:
                self.imports.add("from mindspore import ops")
            return found
        carried = value_call(api, call, text, self.deep)
        if api == "tf.div" and (not call.args or self.kind(call.args[0]) != "tensor"):
            return None
        if carried is not None:
            if carried[0].startswith("ops."):
                self.imports.add("from mindspore import ops")
            else:
                self.carried.add(carried[0])
            return carried[1]
        return None

    def _binary(self, node: ast.BinOp, put: Put) -> str:
        left, right = self.render(node.left, put), self.render(node.right, put)
        wrap_left, wrap_right = self.beside(node)
        if wrap_right:
            right = self.as_tensor(node.right, right)
        elif wrap_left:
            left = self.as_tensor(node.left, left)
        elif self.kind(node.left) == "scalar" and self.kind(node.right) == "tensor":
            left = f"float({left})"
        source, (start, end) = self.editor.source, self.editor.span(node)
        left_end, right_start = self.editor.span(node.left)[1], self.editor.span(node.right)[0]
        first, last = self.editor.span(node.left)[0], self.editor.span(node.right)[1]
        return source[start:first] + left + source[left_end:right_start] + right + source[last:end]

    def _operand(self, node: ast.expr, put: Put, api: str) -> str:
        text = self.render(node, put)
        if api in _OF_NUMBERS or isinstance(node, (ast.List, ast.Tuple)):
            return text
        if self.kind(node) in ("number", "scalar") and api.rpartition(".")[2] in UNARY:
            return f"ms.Tensor({text}, ms.float32)"
        return self.as_tensor(node, text) if self.kind(node) in ("array", "list") else text

    def as_tensor(self, node: ast.expr, text: str) -> str:
        """A float32 Tensor of a host value."""
        return self.made_outside(node, f"ms.Tensor({text}, ms.float32)")

    def made_outside(self, node: ast.expr, text: str) -> str:
        """A Tensor of a host value `node`. Compiled code cannot make one of the program's arrays: it is made where these are."""
        names = [n for n in walk(node) if isinstance(n, ast.Name) and not (self.names.resolve(n) or "").startswith("np")]
        homes = {scope.node if (scope := self.names.lookup(n.id, self.names.scope_of[n])) is not None else None for n in names}
        if self.deep and names and len(homes) == 1 and homes <= self.homes:
            bound = [self.bindings(n) for n in names]
            places = [self.editor.statement(b[0].node) for b in bound if len(b) == 1 and isinstance(b[0].node, ast.Name)]
            home = homes.pop()
            if len(places) == len(names) and all(p in getattr(home, "body", ()) for p in places):
                said = ast.unparse(node)
                if text not in self.hoisted:
                    self.hoisted[text] = self.fresh(f"{said}_tensor" if said.isidentifier() else "constant")
                    self.editor.insert_after(max(places, key=lambda p: p.lineno), f"{self.hoisted[text]} = {text}")
                return self.hoisted[text]
        return text

    def is_session(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether an expression is a session of TensorFlow, by what its name is bound to or given."""
        if isinstance(node, ast.Call):
            return self.api(node.func) in SESSIONS
        if depth > 5:
            return False
        if isinstance(node, ast.Attribute):
            values = self.attribute_values(self.class_around(node), node.attr) if self.attribute_of_self(node) is not None else []
            return bool(values) and all(self.is_session(v, depth + 1) for v in values)
        if not isinstance(node, ast.Name) or node not in self.names.scope_of:
            return False
        found: list[bool] = []
        for binding in self.bindings(node):
            if isinstance(binding.node, ast.arg):
                found += [self.is_session(part, depth + 1) for part in self.given(node, binding.node)]
            else:
                item = self.editor.parent(binding.node)
                value = item.context_expr if isinstance(item, ast.withitem) else binding.value
                found.append(self.is_session(value, depth + 1))
        return bool(found) and all(found)

    def session_parameters(self) -> dict[Function, list[ast.arg]]:
        """The parameters that functions get a session by."""
        found: dict[Function, list[ast.arg]] = {}
        for name in walk(self.tree):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load) and name in self.names.scope_of and self.is_session(name):
                for binding in self.bindings(name):
                    function = self.editor.parent(self.editor.parent(binding.node)) if isinstance(binding.node, ast.arg) else None  # type: ignore[arg-type]
                    if isinstance(function, Function) and isinstance(binding.node, ast.arg) and binding.node not in found.setdefault(function, []):
                        found[function].append(binding.node)
        return {function: arguments for function, arguments in found.items() if arguments}

    def holds_initializer(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether an expression is one of TensorFlow's initializers, which becomes a function of the shape."""
        if isinstance(node, ast.Call):
            api = self.api(node.func) or ""
            function = self.callee(node)
            if isinstance(function, Function) and depth < 5:
                return bool(ends := returns(function)) and all(self.holds_initializer(part, depth + 1) for part in ends)
            return api in STARTS or api in GLOROT or api in DRAWS and api.endswith("initializer")
        if isinstance(node, ast.Name) and depth < 5:
            found: list[ast.expr | None] = []
            for binding in self.bindings(node):
                found += self.given(node, binding.node) if isinstance(binding.node, ast.arg) else [binding.value]
            return bool(found) and all(self.holds_initializer(part, depth + 1) for part in found)
        return False

    def use_numpy(self) -> None:
        """Makes sure that `np` is NumPy in the output."""
        if "np" not in self.taken:
            self.imports.add("import numpy as np")
        elif not all(b.path == "numpy" for scope in self.names.scopes.values() for b in scope.bindings.get("np", ())):
            raise NotDirect("np is something else")

    def fresh(self, name: str) -> str:
        """A name like this one that the program does not have."""
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found

    def spliced(self, node: ast.AST, put: Put) -> str:
        """The text of a node as it stands in the source, with its parts rendered."""
        source, (start, end) = self.editor.source, self.editor.span(node)  # type: ignore[arg-type]
        pieces, at = [], start
        for child in children(node):
            left, right = self.editor.span(child)  # type: ignore[arg-type]
            if left < at:
                continue
            pieces += [source[at:left], self.render(child, put) if isinstance(child, ast.expr) else self.spliced(child, put)]
            at = right
        return "".join(pieces) + source[at:end]

    def constant(self, call: ast.Call, put: Put) -> str:
        """`ms.Tensor(...)` for tf.constant and tf.convert_to_tensor."""
        names = ("value", "dtype", "shape") if self.api(call.func) == "tf.constant" else ("value", "dtype", "name")
        values = dict(zip(names, call.args))
        values.update({k.arg: k.value for k in call.keywords if k.arg and k.arg != "name"})
        value, shape = values["value"], values.get("shape")
        if set(values) - {"value", "dtype", "shape"} or self.mentions(value) or self.kind(value) in ("tensor", "tensors"):
            raise NotDirect("the arguments of tf.constant")
        kind = self.dtype(values.get("dtype"))
        if shape is not None:
            if self.kind(value) != "number":
                raise NotDirect("the shape of tf.constant")
            self.imports.add("from mindspore import ops")
            size = self.editor.original(shape)
            filled = kind or ("ms.float32" if "." in self.editor.original(value) else "ms.int32")
            return f"ops.full({_tupled(shape, size)}, {self.editor.original(value)}, dtype={filled})"
        text = self.tensor_text(value, kind, put)
        return self.made_outside(value, text) if self.within.get(call) not in self.homes else text

    def dtype(self, node: ast.expr | None) -> str | None:
        """The MindSpore dtype that an argument names; None when there is no argument. Raises NotDirect."""
        if node is None:
            return None
        name = str(node.value) if isinstance(node, ast.Constant) else ""
        found = TYPES.get(self.api(node) or f"tf.{ {'float': 'float32', 'int': 'int32'}.get(name, name)}")
        if found is None:
            raise NotDirect("a dtype")
        return found

    def number_type(self, node: ast.expr | None, depth: int = 0) -> type | None:
        """`float` or `int` where a number can only be that, by the constants that it comes from."""
        if node is None or depth > 6:
            return None
        if isinstance(node, ast.Constant):
            return type(node.value) if type(node.value) in (int, float) else None
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return self.number_type(node.operand, depth + 1)
        if isinstance(node, ast.BinOp):
            kinds = {self.number_type(node.left, depth + 1), self.number_type(node.right, depth + 1)}
            return None if None in kinds else float if float in kinds or isinstance(node.op, ast.Div) else int
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Attribute) and (name := self.attribute_of_self(node)) is not None:
            found = list(self.attribute_values(self.class_around(node), name))
        elif isinstance(node, ast.Name):
            for binding in self.bindings(node):
                found += self.given(node, binding.node) if isinstance(binding.node, ast.arg) else [binding.value]
        kinds = {self.number_type(part, depth + 1) for part in found}
        return kinds.pop() if len(kinds) == 1 else None

    def given(self, name: ast.Name, parameter: ast.arg) -> list[ast.expr | None]:
        """What the calls of a function give for one of its parameters, or its default."""
        scope = self.names.lookup(name.id, self.names.scope_of[name])
        function = scope.node if scope is not None else None
        if not isinstance(function, Function):
            return [None]
        owner = self.owner.get(function)
        calls = self.calls.get(function, []) + (self.calls.get(owner, []) if owner is not None and function.name == "__init__" else [])
        said = [self.argument(function, call, parameter.arg) for call in calls]
        default = self.default(function, parameter.arg)
        return [default if part is None else part for part in said] or [default]

    def tensor_text(self, value: ast.expr, kind: str | None, put: Put = lambda node: None) -> str:
        """`ms.Tensor(...)` of a host value with the dtype TensorFlow gives it."""
        text = self.render(value, put)
        if kind is None and self.kind(value) in ("number", "list"):
            numbers = [n.value for n in walk(value) if isinstance(n, ast.Constant)]
            if not any(isinstance(n, (ast.Name, ast.Call, ast.Attribute)) for n in walk(value)):
                kind = "ms.float32" if any(isinstance(n, float) for n in numbers) else "ms.int32" if all(type(n) is int for n in numbers) else None
            elif self.kind(value) == "number":
                kind = {float: "ms.float32", int: "ms.int32"}.get(self.number_type(value))  # type: ignore[arg-type]
            if kind is None and not any(isinstance(n, bool) for n in numbers):
                raise NotDirect("a constant whose dtype is not plain")
        return f"ms.Tensor({text}, {kind})" if kind else f"ms.Tensor({text})"


def returns(function: Function) -> list[ast.expr]:
    """What a function gives back, at each of its ends."""
    found: list[ast.expr] = []
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Return) and node.value is not None:
            found.append(node.value)
        elif not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
    return found


def loop_names(around: Sequence[ast.AST], ys: Sequence[ast.expr]) -> list[str]:
    """The variables of a comprehension around a gradient that its ys read. Raises NotDirect for what gives no list."""
    if any(isinstance(n, (ast.Lambda, ast.DictComp, ast.SetComp)) for n in around):
        raise NotDirect("tf.gradients in a lambda")
    loops = [g for n in around if isinstance(n, (ast.ListComp, ast.GeneratorExp)) for g in n.generators]
    names = {n.id for g in loops for n in walk(g.target) if isinstance(n, ast.Name)}
    return [name for name in dict.fromkeys(n.id for y in ys for n in walk(y) if isinstance(n, ast.Name)) if name in names]


def unpacked(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The single targets of an assignment with their values, where those can be told apart; otherwise with the whole value."""
    if isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            for part, inner in zip(target.elts, value.elts):
                yield from unpacked(part, inner)
        else:
            for part in target.elts:
                yield from unpacked(part, value)
    else:
        yield target, value


def children(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that have positions, in the order of the source."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if hasattr(child, "lineno"):
            found.append(child)
        elif not isinstance(child, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)):
            found += children(child)
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))  # type: ignore[attr-defined]


def _element(kind: Kind) -> Kind:
    return {"tensors": "tensor", "tensor": "tensor", "array": "array", "list": "number", "cycle": "cycle"}.get(kind, "unknown")  # type: ignore[return-value]


def _arithmetic(left: Kind, right: Kind) -> Kind:
    if "tensor" in (left, right):
        return "tensor"
    if "array" in (left, right):
        return "array"
    if {left, right} <= {"number", "scalar"}:
        return "scalar" if "scalar" in (left, right) else "number"
    if "cycle" in (left, right):
        return "cycle"
    return "list" if {left, right} <= {"list", "number"} else "unknown"


def _joined(kinds: list[Kind]) -> Kind:
    found = set(kinds)
    if found == {"cycle"}:
        return "cycle"
    found.discard("cycle")
    if not found:
        return "unknown"
    if len(found) == 1:
        return found.pop()
    return "scalar" if found <= {"number", "scalar"} else "unknown"


def _tupled(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.List) and text.startswith("["):
        return f"({text[1:-1]},)" if len(node.elts) == 1 else f"({text[1:-1]})"
    return text
