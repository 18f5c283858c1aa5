"""What each name in a module refers to.

A scope table of our own over `ast`: module, class, function, lambda and comprehension scopes, `global` and
`nonlocal`, shadowing, and imports of both frameworks in every style. `Names.resolve` turns an expression such as
`P.ReduceSum` or `math_ops.reduce_sum` into the canonical API name the rules use (`ops.ReduceSum`,
`tf.reduce_sum`), following aliases of aliases, and answers None for a local variable that happens to be called `tf`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Dotted prefix -> canonical prefix. The longest prefix wins; what follows it is kept.
_PREFIXES = {
    "tensorflow": "tf",
    "tensorflow.compat.v1": "tf",
    "tensorflow.python.framework": "tf",
    "tensorflow.python.training": "tf.train",
    "tensorflow.python.client": "tf",
    "tensorflow.python.platform": "tf",
    "tensorflow.python.ops": "tf",
    "tensorflow.python.ops.nn": "tf.nn",
    "tensorflow.python.ops.nn_ops": "tf.nn",
    "tensorflow.python.ops.nn_impl": "tf.nn",
    "tensorflow.python.ops.embedding_ops": "tf.nn",
    "tensorflow.python.ops.rnn": "tf.nn",
    "tensorflow.python.ops.rnn_cell": "tf.nn.rnn_cell",
    "tensorflow.python.ops.rnn_cell_impl": "tf.nn.rnn_cell",
    "tensorflow.python.ops.linalg": "tf.linalg",
    "tensorflow.python.ops.losses": "tf.losses",
    "tensorflow_core": "tf",
    "mindspore": "ms",
    "mindspore.context": "ms",
    "mindspore.common": "ms",
    "mindspore.common.initializer": "ms.common.initializer",
    "mindspore.train.serialization": "ms",
    "mindspore.ops": "ops",
    "mindspore.nn": "nn",
    "mindspore.numpy": "ms.numpy",
    "numpy": "np",
}

# Modules between a prefix and the name that say only where the name is written, not what it is.
_FILING = {
    "tf": {
        "array_ops", "math_ops", "gradients_impl", "gradients_util", "control_flow_ops", "variables",
        "variable_scope", "init_ops", "random_ops", "clip_ops", "state_ops", "check_ops", "data_flow_ops",
        "linalg_ops", "logging_ops", "script_ops", "functional_ops", "map_fn", "tensor_array_ops", "string_ops",
        "sparse_ops", "custom_gradient", "resource_variable_ops", "gen_math_ops", "gen_array_ops", "gen_nn_ops",
        "while_loop", "cond", "ops", "dtypes", "constant_op", "tensor_shape", "tensor_util", "random_seed",
        "session", "tensor", "special_math_ops", "confusion_matrix", "histogram_ops", "summary_ops_v2", "stack",
    },
    "tf.nn": {"nn", "nn_ops", "nn_impl", "rnn"},
    "tf.linalg": {"linalg", "linalg_impl"},
    "tf.train": {
        "adam", "gradient_descent", "momentum", "rmsprop", "adagrad", "adadelta", "ftrl", "optimizer", "training",
        "saver", "training_util", "moving_averages", "learning_rate_decay",
    },
    "tf.losses": {"losses_impl", "losses"},
    "ops": {
        "operations", "functional", "composite", "function", "primitive", "_primitive_cache", "auto_generate",
        "math_ops", "array_ops", "nn_ops", "random_ops", "other_ops", "image_ops", "linalg_ops", "sparse_ops",
        "clip_ops", "inner_ops", "comm_ops", "control_ops", "debug_ops", "math_func", "array_func", "nn_func",
        "parameter_func", "clip_func", "random_func", "linalg_func", "other_func", "grad_func", "grad", "base",
        "multitype_ops", "vmap", "operations_", "_inner_ops", "_grad_ops",
    },
    "nn": {
        "layer", "loss", "optim", "cell", "wrap", "grad", "activation", "basic", "container", "conv", "embedding",
        "normalization", "pooling", "rnns", "rnn_cells", "math", "image", "padding", "dense", "cell_wrapper",
        "loss_scale", "grad_reducer", "sgd", "momentum", "adam", "rmsprop", "adagrad", "optimizer", "lamb", "ftrl",
        "lazyadam", "adadelta", "adamax", "asgd", "rprop", "thor", "dynamic_lr", "learning_rate_schedule", "metrics",
    },
    "ms": {"dtype", "tensor", "parameter", "api", "seed", "context", "common", "sparse_tensor", "ops_"},
}

# The same object under another name: one spelling for the rules.
_SAME = {
    "ops.value_and_grad": "ms.value_and_grad", "ops.vjp": "ms.vjp", "ops.jvp": "ms.jvp", "ops.jacrev": "ms.jacrev",
    "ops.jacfwd": "ms.jacfwd", "ms.ops": "ops", "ms.nn": "nn", "ms.composite": "ops", "ops.operations": "ops",
    "tf.gradients_v2": "tf.gradients", "nn.Parameter": "ms.Parameter", "nn.ParameterTuple": "ms.ParameterTuple",
    "ops.Tensor": "ms.Tensor", "nn.Tensor": "ms.Tensor",
}
_GRAD_FUNCTIONS = {"mindspore.ops.grad", "mindspore.ops.function.grad", "mindspore.ops.functional.grad",
                   "mindspore.ops.function.grad.grad_func.grad", "mindspore.ops.composite.grad"}

_BUILTINS = frozenset(dir(builtins))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def canonical(dotted: str) -> str:
    """The rules' name for a dotted path as imported: `mindspore.ops.operations.Add` is `ops.Add`."""
    if dotted in _GRAD_FUNCTIONS:
        return "ms.grad"
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        prefix = _PREFIXES.get(".".join(parts[:length]))
        if prefix is not None:
            rest = parts[length:]
            filing: set[str] = _FILING.get(prefix, set())
            while len(rest) > 1 and rest[0] in filing:
                del rest[0]
            if len(rest) == 1 and rest[0] in filing and prefix not in ("tf", "nn", "ms") and rest[0] != "base":
                rest = []
            name = ".".join([prefix, *rest])
            return _SAME.get(name, name)
    return dotted


@dataclass(eq=False, slots=True)
class Binding:
    """One place where a name gets its meaning: an import (`path`), an assigned expression (`value`), or neither."""

    node: ast.AST
    path: str | None = None
    value: ast.expr | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A scope and the names bound in it. `node` is the Module, ClassDef, function, lambda or comprehension."""

    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)  # name -> "global" | "nonlocal"

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


class Names:
    """The scope table of one module. Build it with `read_names(tree)`."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.module = Scope(tree, None)
        self.scopes: dict[ast.AST, Scope] = {tree: self.module}
        self.scope_of: dict[ast.AST, Scope] = {}  # every Name and every statement -> the scope it stands in
        self.stars: list[str] = []  # modules of `from m import *`, in order
        self.known: Callable[[str], bool] | None = None  # decides which star import a free name comes from

    # ---- questions -----------------------------------------------------------------------------------------
    def lookup(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds `name` as seen from `scope`, or None (a builtin, or from a star import)."""
        current: Scope | None = scope
        while current is not None:
            where = current.elsewhere.get(name)
            if where == "global":
                return self.module if name in self.module.bindings else None
            if where is None and name in current.bindings and (current is scope or not current.is_class):
                return current
            current = current.parent
        return None

    def bindings(self, name: ast.Name) -> list[Binding]:
        """All bindings of the variable that this Name refers to (empty for builtins and free names)."""
        scope = self.lookup(name.id, self.scope_of[name])
        return scope.bindings[name.id] if scope is not None else []

    def resolve(self, node: ast.expr, scope: Scope | None = None) -> str | None:
        """The canonical API name an expression refers to, or None when it is no imported thing."""
        path = self.path(node, scope)
        return None if path is None else canonical(path)

    def path(self, node: ast.expr, scope: Scope | None = None) -> str | None:
        """The dotted path an expression refers to, as imported: `tensorflow.python.ops.math_ops.tanh`."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        root = self._root(node.id, scope or self.scope_of.get(node, self.module), frozenset())
        return None if root is None else ".".join([root, *reversed(attributes)])

    # ---- inside --------------------------------------------------------------------------------------------
    def _root(self, name: str, scope: Scope, seen: frozenset[Binding]) -> str | None:
        home = self.lookup(name, scope)
        if home is None:
            return self._from_star(name)
        found: list[str] = []
        usable = [b for b in home.bindings[name] if b not in seen]
        for binding in usable:
            path = binding.path
            if path is None and binding.value is not None:
                if isinstance(binding.value, ast.Constant) and binding.value.value is None:
                    continue  # `jit = None` in an except branch says only that the import failed
                path = self._value_path(binding, home, seen | {binding})
            if path is None:
                return None
            found.append(path)
        if not found:
            return None
        # `import tensorflow as tf; tf = tf.compat.v1`, or a try/except fallback: one meaning, or the first choice
        return found[0] if len({canonical(p) for p in found}) > 1 else found[-1]

    def _value_path(self, binding: Binding, home: Scope, seen: frozenset[Binding]) -> str | None:
        attributes: list[str] = []
        node = binding.value
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        root = self._root(node.id, self.scope_of.get(node, home), seen)
        return None if root is None else ".".join([root, *reversed(attributes)])

    def _from_star(self, name: str) -> str | None:
        if not self.stars or name in _BUILTINS:
            return None
        for module in reversed(self.stars):
            if self.known is None or self.known(canonical(f"{module}.{name}")):
                return f"{module}.{name}"
        return None


def read_names(tree: ast.Module) -> Names:
    """Read a module's scopes in one pass."""
    names = Names(tree)
    _Reader(names).body(tree.body, names.module)
    return names


class _Reader:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.scope_of = names.scope_of

    def body(self, statements: list[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self.visit(statement, scope)

    def visit(self, node: ast.AST, scope: Scope) -> None:
        method = _VISITORS.get(type(node))
        if isinstance(node, ast.stmt):
            self.scope_of[node] = scope
        if method is not None:
            method(self, node, scope)
        else:
            self.children(node, scope)

    def children(self, node: ast.AST, scope: Scope) -> None:
        for child in _children(node):
            self.visit(child, scope)

    def bind(self, name: str, scope: Scope, binding: Binding) -> None:
        where = scope.elsewhere.get(name)
        if where == "global":
            scope = self.names.module
        elif where == "nonlocal":
            scope = self.names.lookup(name, scope.parent) or scope if scope.parent else scope
        scope.bindings.setdefault(name, []).append(binding)

    def open(self, node: ast.AST, parent: Scope) -> Scope:
        scope = self.names.scopes[node] = Scope(node, parent)
        return scope

    # ---- one method per kind of node that binds or opens a scope -------------------------------------------
    def name(self, node: ast.Name, scope: Scope) -> None:
        self.scope_of[node] = scope
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id, scope, Binding(node))

    def import_(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            if alias.asname:
                self.bind(alias.asname, scope, Binding(node, path=alias.name))
            else:
                root = alias.name.split(".")[0]
                self.bind(root, scope, Binding(node, path=root))

    def import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.names.stars.append(module)
            else:
                path = f"{module}.{alias.name}" if node.module else module + alias.name
                self.bind(alias.asname or alias.name, scope, Binding(node, path=path))

    def assign(self, node: ast.Assign, scope: Scope) -> None:
        self.visit(node.value, scope)
        for target in node.targets:
            self.target(target, node.value, scope)

    def target(self, target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            self.scope_of[target] = scope
            self.bind(target.id, scope, Binding(target, value=value))
        elif (isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))
              and len(target.elts) == len(value.elts) and not any(isinstance(e, ast.Starred) for e in target.elts)):
            for part, part_value in zip(target.elts, value.elts):
                self.target(part, part_value, scope)
        else:
            self.visit(target, scope)

    def annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        self.visit(node.annotation, scope)
        if node.value is not None:
            self.visit(node.value, scope)
            self.target(node.target, node.value, scope)
        else:
            self.visit(node.target, scope)

    def walrus(self, node: ast.NamedExpr, scope: Scope) -> None:
        self.visit(node.value, scope)
        home = scope
        while isinstance(home.node, _COMPREHENSIONS) and home.parent is not None:
            home = home.parent
        self.target(node.target, node.value, home)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        self.bind(node.name, scope, Binding(node))
        for decorator in node.decorator_list:
            self.visit(decorator, scope)
        if node.returns is not None:
            self.visit(node.returns, scope)
        inner = self.open(node, scope)
        self.arguments(node.args, scope, inner)
        self.body(node.body, inner)

    def lambda_(self, node: ast.Lambda, scope: Scope) -> None:
        inner = self.open(node, scope)
        self.arguments(node.args, scope, inner)
        self.visit(node.body, inner)

    def arguments(self, args: ast.arguments, outer: Scope, inner: Scope) -> None:
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self.visit(default, outer)
        for arg in [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]:
            if arg is not None:
                if arg.annotation is not None:
                    self.visit(arg.annotation, outer)
                inner.bindings.setdefault(arg.arg, []).append(Binding(arg))

    def class_(self, node: ast.ClassDef, scope: Scope) -> None:
        self.bind(node.name, scope, Binding(node))
        for expression in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(expression, scope)
        self.body(node.body, self.open(node, scope))

    def comprehension(self, node: ast.expr, scope: Scope) -> None:
        inner = self.open(node, scope)
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        for i, generator in enumerate(generators):
            self.visit(generator.iter, inner if i else scope)
            self.visit(generator.target, inner)
            for condition in generator.ifs:
                self.visit(condition, inner)
        for child in _children(node):
            if not isinstance(child, ast.comprehension):
                self.visit(child, inner)

    def handler(self, node: ast.ExceptHandler, scope: Scope) -> None:
        if node.name:
            self.bind(node.name, scope, Binding(node))
        self.children(node, scope)

    def declare(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        for name in node.names:
            scope.elsewhere[name] = "global" if isinstance(node, ast.Global) else "nonlocal"

    def match_name(self, node: ast.MatchAs | ast.MatchStar, scope: Scope) -> None:
        if node.name:
            self.bind(node.name, scope, Binding(node))
        self.children(node, scope)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    yield item


_VISITORS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: _Reader.name, ast.Import: _Reader.import_, ast.ImportFrom: _Reader.import_from,
    ast.Assign: _Reader.assign, ast.AnnAssign: _Reader.annotated, ast.NamedExpr: _Reader.walrus,
    ast.FunctionDef: _Reader.function, ast.AsyncFunctionDef: _Reader.function, ast.Lambda: _Reader.lambda_,
    ast.ClassDef: _Reader.class_, ast.ListComp: _Reader.comprehension, ast.SetComp: _Reader.comprehension,
    ast.DictComp: _Reader.comprehension, ast.GeneratorExp: _Reader.comprehension,
    ast.ExceptHandler: _Reader.handler, ast.Global: _Reader.declare, ast.Nonlocal: _Reader.declare,
    ast.MatchAs: _Reader.match_name, ast.MatchStar: _Reader.match_name,
}
