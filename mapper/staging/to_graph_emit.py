"""Graph code: expressions and statements that build the graph, re-written from MindSpore's API to TensorFlow's."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mapper.edit import Editor
from mapper.staging import to_graph_layers as layers
from mapper.staging.to_graph_gradients import Gradients
from mapper.staging.to_graph_infer import Program, own_nodes
from mapper.staging.to_graph_kinds import GRAD_FORMS, PARAMETER_LISTS, TENSOR_HOST_ATTRIBUTES, TENSOR_TO_HOST, UPDATE_PRIMITIVES, dtype_name
from mapper.staging.to_graph_ops import Ops
from mapper.staging.to_graph_roles import Roles
from mapper.staging.to_graph_values import (
    Class,
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
    Update,
    Value,
    alternatives,
    has_tensor,
    is_tensor,
)

if TYPE_CHECKING:
    from mapper.staging.to_graph_host import HostEmitter

SUPPORT_GRADIENTS = {"grad": "gradient_at", "value_and_grad": "value_and_gradient", "jacobian": "jacobian"}
# What a program for several devices asks, answered for one.
SINGLE_DEVICE = {"parallel_mode": '"stand_alone"', "gradients_mean": "False", "device_num": "1", "global_rank": "0"}
STANDALONE = {
    "ms.communication.management.get_group_size": "1", "ms.communication.get_group_size": "1", "ms.communication.get_rank": "0",
    "ms.communication.management.get_rank": "0", "ms.parallel._utils._get_parallel_mode": '"stand_alone"',
    "ms.parallel._utils._get_gradients_mean": "False", "ms.parallel._utils._get_device_num": "1",
    "nn.DistributedGradReducer": "(lambda grads: grads)", "nn.wrap.grad_reducer.DistributedGradReducer": "(lambda grads: grads)",
    "ms.get_context": "None",
}
FRAMEWORK = ("ms", "ops", "nn", "mindspore")
ASSIGNMENTS = {"ops.assign": "tf.assign", "ops.assign_add": "tf.assign_add", "ops.assign_sub": "tf.assign_sub"}

_GATHERS = {"Gather", "GatherV2", "SparseGatherV2", "gather", "GatherNd", "gather_nd", "Embedding", "EmbeddingLookup", "embedding", "take", "index_select"}


class Emitter:
    """Registers the edits that turn graph code into TensorFlow; `support` collects the library names it uses."""

    def __init__(self, program: Program, roles: Roles, editor: Editor, names: dict[str, str]) -> None:
        self.program = program
        self.roles = roles
        self.editor = editor
        self.ops = Ops(self.use)
        self.support_names = names
        self.support: set[str] = set()
        self.imports: set[str] = set()
        self.handled: set[ast.AST] = set()
        self.problems: dict[ast.stmt, list[tuple[str, str]]] = {}
        self.notes: list[tuple[ast.AST, str]] = []
        self.lifted: dict[ast.AST, str] = {}
        self.deleted: set[ast.stmt] = set()
        self.visited: set[ast.expr] = set()
        self.taken: dict[object, set[str]] = {}
        self.preludes: dict[ast.stmt, list[Callable[[], str]]] = {}
        self.host: HostEmitter | None = None
        self.gradients = Gradients(self)

    # ---- small things --------------------------------------------------------------------------------------
    def text(self, node: ast.expr) -> str:
        return strip_parentheses(self.editor.text(node))

    def use(self, name: str) -> str:
        """The name under which the output has a definition of the library."""
        self.support.add(name)
        return self.support_names.get(name, name)

    def kind(self, node: ast.AST) -> Value | None:
        return self.program.kind(node)

    def resolve(self, node: ast.expr) -> str | None:
        return self.program.names.resolve(node)

    def problem(self, node: ast.AST, code: str, reason: str) -> None:
        """Mark the statement around `node`."""
        found = self.problems.setdefault(self.editor.statement(node), [])
        if (code, reason) not in found:
            found.append((code, reason))

    def done(self, *nodes: ast.AST | None) -> None:
        """These references to the framework are taken care of."""
        for node in nodes:
            if node is not None:
                self.handled.update(ast.walk(node))

    def replace(self, node: ast.expr, text: Callable[[], str] | str, *gone: ast.AST | None) -> None:
        self.editor.replace(node, text)
        self.done(*gone)

    def delete(self, statement: ast.stmt) -> None:
        if statement not in self.deleted:
            self.deleted.add(statement)
            self.editor.delete(statement)
            self.done(statement)

    def prelude(self, node: ast.AST, lines: Sequence[Callable[[], str]]) -> None:
        """Statements that must run before the one around `node`; `flush` writes them."""
        if lines:
            self.preludes.setdefault(self.editor.statement(node), []).extend(lines)

    def flush(self, statement: ast.stmt) -> None:
        """Write the statements collected for this one, which has all its own edits."""
        lines = self.preludes.pop(statement, None)
        if lines is not None:
            self.editor.precede(statement, lambda: "\n".join(line() for line in lines))

    def fresh_name(self, name: str, near: ast.AST) -> str:
        """A name that nothing in the function (or module) around `near` has."""
        info = self.roles.function_of(near)
        taken = self.taken.setdefault(info, {n.id for n in ast.walk(info.node if info else self.program.tree) if isinstance(n, ast.Name)} | (
            {a.arg for a in ast.walk(info.node) if isinstance(a, ast.arg)} if info else set()))
        number = 1
        fresh = name
        while fresh in taken:
            number += 1
            fresh = f"{name}_{number}"
        taken.add(fresh)
        return fresh

    @functools.cached_property
    def gathers(self) -> bool:
        """Does the program take rows of tensors by their numbers?"""
        return any(isinstance(n, (ast.Name, ast.Attribute)) and (n.attr if isinstance(n, ast.Attribute) else n.id) in _GATHERS
                   for n in ast.walk(self.program.tree))

    @functools.cached_property
    def adds_tuples(self) -> bool:
        """Does the program join tuples of tensors with `+`?"""
        return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add) and any(
            isinstance(o, Seq) and has_tensor(o) for side in (n.left, n.right) for o in alternatives(self.kind(side)))
            for n in ast.walk(self.program.tree))

    # ---- expressions ---------------------------------------------------------------------------------------
    def expr_once(self, node: ast.expr) -> None:
        """`expr` for a part that several places share."""
        if node not in self.visited:
            self.visited.add(node)
            self.expr(node)

    def expr(self, node: ast.expr) -> None:
        """Register the edits of one expression that builds graph."""
        if node in self.lifted:
            return
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
        else:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expr(child)
            elif isinstance(child, (ast.keyword, ast.comprehension, ast.arguments)):
                self.children(child)

    def on_lambda(self, node: ast.Lambda) -> None:
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.expr(default)
        self.expr(node.body)

    def on_name(self, node: ast.Name) -> None:
        kind = self.kind(node)
        if isinstance(kind, MultiFunction) and isinstance(node.ctx, ast.Load):
            self.multi_name(node, kind)
        elif isinstance(node.ctx, ast.Load):
            self.reference(node)

    def multi_name(self, node: ast.Name, kind: MultiFunction) -> None:
        """A MultitypeFuncGraph is its function; one of several is chosen by what it is called with."""
        functions = [f for f in kind.functions if isinstance(f, Function)]
        chosen = functions if len(functions) == 1 else [f for f in functions if self.matches(f, node)]
        if len(chosen) == 1:
            self.replace(node, chosen[0].info.name)
        elif not (isinstance(parent := self.editor.parent(node), ast.Attribute) and parent.attr == "register"):
            self.problem(node, "M310", "which function of this MultitypeFuncGraph is meant depends on the types of the arguments: call one by name")

    def matches(self, function: Function, node: ast.Name) -> bool:
        """Do the types that a function is registered for fit the partial or map that `node` is given to?"""
        parent = self.editor.parent(node)
        call = parent
        while isinstance(call, ast.Call) and not isinstance(self.program.callees.get(call), Layer):
            call = self.editor.parent(call)
        given: list[Value | None] = []
        if isinstance(parent, ast.Call) and isinstance(self.kind(parent), Partial):
            given = [self.kind(a) for a in parent.args[1:]]
        if isinstance(call, ast.Call):
            rest = call.args if node in ast.walk(call.func) else call.args[1:]
            given += [o.each() for a in rest for o in alternatives(self.kind(a))[:1] if isinstance(o, Seq)]
        registered = [d for d in getattr(function.info.node, "decorator_list", []) if isinstance(d, ast.Call)]
        types = [a.value for d in registered for a in d.args if isinstance(a, ast.Constant)]
        return len(types) == len(given) and all(fits_type(str(t), k) for t, k in zip(types, given))

    def reference(self, node: ast.Name | ast.Attribute) -> bool:
        """A name of the framework used as a value: a dtype, or a function passed on."""
        path = self.resolve(node)
        if path is None or path.split(".")[0] not in FRAMEWORK:
            return False
        dtype = dtype_name(path)
        if dtype is not None:
            self.replace(node, f"tf.{dtype.rstrip('_')}", node)
            return True
        if ".ParallelMode." in path:
            self.replace(node, f'"{path.rpartition(".")[2].lower()}"', node)
            return True
        function = ASSIGNMENTS.get(path) or self.ops.function(path)
        if function is not None:
            self.replace(node, function, node)
            return True
        return False

    def reference_host(self, node: ast.Name | ast.Attribute) -> bool:
        """A dtype named in host code, where NumPy's serves both NumPy and TensorFlow."""
        dtype = dtype_name(path) if (path := self.resolve(node)) and path.startswith("ms.") else None
        if dtype is None:
            return False
        self.imports.add("import numpy as np")
        self.replace(node, f"np.{dtype}", node)
        return True

    def on_attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.expr(node.value)
            return
        if self.resolve(node) is not None and self.reference(node):
            return
        base = self.kind(node.value)
        if is_tensor(base):
            self.tensor_attribute(node)
            return
        if node.attr == "construct" and any(isinstance(o, (Instance, Layer, Method)) for o in alternatives(base)):
            self.expr(node.value)
            self.replace(node, lambda: f"{self.text(node.value)}.__call__")
            return
        self.expr(node.value)

    def tensor_attribute(self, node: ast.Attribute) -> None:
        self.expr(node.value)
        forms = {
            "ndim": "{0}.shape.ndims", "T": "tf.transpose({0})",
            "size": "{0}.shape.num_elements()", "mT": "tf.matrix_transpose({0})", "name": "{0}.op.name",
            "requires_grad": "{0}.trainable", "data": "{0}",
        }
        form = self.shape_form(node) if node.attr == "shape" else forms.get(node.attr)
        if form is not None:
            self.replace(node, lambda: form.format(self.atom(node.value) if form.startswith("{0}.") or "({0}." in form
                                                   else self.text(node.value)))

    def atom(self, node: ast.expr) -> str:
        """The text of an expression as the base of an attribute."""
        text = self.text(node)
        simple = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) or text.startswith("(")
        return text if simple else f"({text})"

    def on_compare(self, node: ast.Compare) -> None:
        self.children(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)) and is_tensor(self.kind(node)):
            function = "tf.equal" if isinstance(node.ops[0], ast.Eq) else "tf.not_equal"
            right = node.comparators[0]
            alike = self.use("as_dtype_of") if self.differ(node.left, right) else ""
            self.replace(node, lambda: f"{function}({self.text(node.left)}, " + (
                f"{alike}({self.text(right)}, {self.text(node.left)})" if alike else self.text(right)) + ")")

    def differ(self, left: ast.expr, right: ast.expr) -> bool:
        """May two tensors that are compared be of different types, one of them whole numbers?"""
        dtypes = []
        for side in (left, right):
            if not all(isinstance(o, (Tensor, Param)) for o in alternatives(self.kind(side))):
                return False
            dtypes.append({o.dtype if isinstance(o, Tensor) else "float32" for o in alternatives(self.kind(side))})
        whole = any(d is not None and d.startswith(("int", "uint")) for side in dtypes for d in side)
        return whole and (dtypes[0] != dtypes[1] or None in dtypes[0])

    def on_unaryop(self, node: ast.UnaryOp) -> None:
        self.children(node)
        if isinstance(node.op, ast.Not) and is_tensor(self.kind(node.operand)):
            self.replace(node, lambda: f"tf.logical_not({self.text(node.operand)})")

    def on_boolop(self, node: ast.BoolOp) -> None:
        self.children(node)
        if all(is_tensor(self.kind(v)) for v in node.values):
            function = "tf.logical_and" if isinstance(node.op, ast.And) else "tf.logical_or"

            def rendered() -> str:
                text = self.text(node.values[0])
                for value in node.values[1:]:
                    text = f"{function}({text}, {self.text(value)})"
                return text

            self.replace(node, rendered)

    def on_ifexp(self, node: ast.IfExp) -> None:
        if self.host is not None and self.roles.mode(node) != "graph":
            self.host.condition(node.test)
            self.expr(node.body)
            self.expr(node.orelse)
            return
        self.children(node)
        if is_tensor(self.kind(node.test)):
            self.replace(node, lambda: f"tf.cond({self.text(node.test)}, lambda: {self.text(node.body)}, lambda: {self.text(node.orelse)})")

    def on_subscript(self, node: ast.Subscript) -> None:
        self.children(node)
        if not is_tensor(self.kind(node.value)) or not isinstance(node.ctx, ast.Load):
            return
        index = self.kind(node.slice)
        if isinstance(index, Tensor) and index.dtype == "bool_":
            self.replace(node, lambda: f"tf.boolean_mask({self.text(node.value)}, {self.text(node.slice)})")
        elif isinstance(index, (Tensor, Seq)) and not isinstance(node.slice, ast.Tuple) and has_tensor(index):
            self.replace(node, lambda: f"tf.gather({self.text(node.value)}, {self.text(node.slice)})")
        elif isinstance(node.slice, ast.List):
            self.replace(node, lambda: f"tf.gather({self.text(node.value)}, {self.text(node.slice)})")

    # ---- calls ---------------------------------------------------------------------------------------------
    def on_call(self, node: ast.Call) -> None:
        for option in alternatives(self.program.callees.get(node)):
            if self.call(node, option):
                return
        self.children(node)

    def call(self, node: ast.Call, callee: Value) -> bool:
        """Convert a call of one kind of thing; False leaves it to the default (its parts are converted)."""
        if isinstance(callee, Module):
            return self.module_call(node, callee.name)
        if isinstance(callee, Layer) and callee.name.startswith("ops."):
            return self.primitive_call(node, callee)
        if isinstance(callee, Method):
            return self.method_call(node, callee)
        if isinstance(callee, GradOperation):
            return self.gradients.creation(node) or self.gradient_of(node, callee)
        if isinstance(callee, GradFunction):
            return self.gradients.application(node)
        return False

    def module_call(self, node: ast.Call, name: str) -> bool:
        root, _, short = name.rpartition(".")
        special = {
            "ms.Tensor": self.tensor_call, "ms.Parameter": self.parameter_call,
            "ms.ParameterTuple": self.parameter_tuple, "ops.GradOperation": self.grad_operation,
            "ms.jit": self.unwrapped, "ms.ms_function": self.unwrapped, "ops.depend": self.depend_call,
            "ops.partial": self.partial_call, "ops.Partial": self.partial_call,
            "ms.common.initializer.initializer": self.initializer_call, "ops.MultitypeFuncGraph": self.multitype,
            "ms.vjp": self.vjp_call, "ms.jvp": self.forward_call, "ops.clip_by_global_norm": self.clip_global,
            "ops.assign": self.assign_call, "ops.assign_add": self.assign_call, "ops.assign_sub": self.assign_call,
            "ops.clip_by_value": self.clip_call, "ops.clamp": self.clip_call, "ops.clip": self.clip_call,
            "ops.Tensor": self.tensor_call, "ops.shape": self.shape_call, "ops.dtype": self.dtype_call, "ops.rank": self.rank_call,
        }
        if name in special:
            special[name](node)
            return True
        if name in STANDALONE:
            self.replace(node, STANDALONE[name], node)
            return True
        if name == "ms.get_auto_parallel_context" and node.args and isinstance(node.args[0], ast.Constant):
            self.replace(node, SINGLE_DEVICE.get(str(node.args[0].value), "None"), node)
            return True
        if name in ("builtins.float", "builtins.int", "builtins.bool", "builtins.str") and self.host is not None and self.roles.mode(node) != "graph":
            return self.host.module_call(node, name)
        if name in GRAD_FORMS:
            return self.gradients.creation(node) or self.gradient_form(node, GRAD_FORMS[name])
        if root == "ms.common.initializer" and (made := layers.initializer_object(short, node, self.text)) is not None:
            self.arguments(node)
            self.replace(node, made, node.func)
            return True
        if root == "nn":
            return self.layer_call(node, short)
        if root == "ops" and short[:1].isupper():
            return self.primitive(node, name)
        if root.split(".")[0] in ("ops", "ms"):
            self.op_call(node)
            return True
        return False

    def multitype(self, node: ast.Call) -> None:
        """The functions registered with a MultitypeFuncGraph are called themselves."""
        self.delete_or_keep(node)
        self.done(node)

    def unwrapped(self, node: ast.Call) -> None:
        self.children(node)
        if node.args and self.editor.statement(node) not in self.deleted:
            self.replace(node, lambda: self.text(node.args[0]), node.func)

    def op_call(self, node: ast.Call) -> None:
        """An op by its rule."""
        self.arguments(node)
        name = self.resolve(node.func)
        if name is None and not node.keywords:
            self.expr(node.func)  # a function that was handed on: what it became takes the same tensors
            return
        text = self.ops.call(name or "", None, node)
        if text is None:
            self.problem(node, "M301", f"no rule for {name or ast.unparse(node)}: write its TensorFlow counterpart by hand")
            return
        self.replace(node, lambda: text(self.operand), node.func)

    def clip_call(self, node: ast.Call) -> None:
        """Between two bounds it is tf.clip_by_value; with one bound, or for several tensors, a definition of the library."""
        bounds = bind(node, ("x", "low", "high"))
        known = {"x", "input", "low", "high", "min", "max", "clip_value_min", "clip_value_max"}
        given = [a for key, a in bounds.items() if not (isinstance(a, ast.Constant) and a.value is None)]
        if len(given) == 3 and not node.keywords and set(bounds) <= known and not isinstance(self.kind(node.args[0]), Seq):
            self.arguments(node)
            self.replace(node, lambda: f"tf.clip_by_value({', '.join(self.text(a) for a in node.args)})", node.func)
        else:
            self.op_call(node)

    def operand(self, node: ast.expr) -> str:
        return self.text(node)

    def arguments(self, node: ast.Call) -> None:
        for arg in node.args:
            self.expr(arg)
        for keyword in node.keywords:
            self.expr(keyword.value)

    def primitive_call(self, node: ast.Call, callee: Layer) -> bool:
        """`self.matmul(a, b)`: by the rule, with the arguments the primitive was made with."""
        short = callee.name[4:]
        self.arguments(node)
        if isinstance(node.func, ast.Call):
            self.arguments(node.func)
        if short in ("HyperMap", "Map"):
            return self.map_call(node, callee)
        simple = {"Shape": self.shape_call, "DType": self.dtype_call, "Rank": self.rank_call,
                  "Depend": self.depend_call}
        if short in simple:
            simple[short](node)
            self.done(node.func)
            return True
        if short in UPDATE_PRIMITIVES:
            self.assign_call(node)
            return True
        if not self.inlined(callee.call, node):
            self.expr(node.func)
            return True
        text = self.ops.call(callee.name, callee.call, node)
        if text is None:
            self.problem(node, "M301", f"no rule for {callee.name}: write its TensorFlow counterpart by hand")
            return True
        self.replace(node, lambda: text(self.operand), node.func)
        return True

    def inlined(self, made: ast.Call, used: ast.Call) -> bool:
        """Can the primitive's own arguments be written at the place of the call?"""
        if used.func is made:
            return True
        options = alternatives(self.program.callees.get(used))
        return len(options) == 1 and self.constant_call(made) and made in self.inlinable

    @property
    def inlinable(self) -> set[ast.Call]:
        """Primitives (and gradient operations) whose every use is a plain call: they are written out there."""
        cached: set[ast.Call] | None = self.__dict__.get("_inlinable")
        if cached is None:
            cached = self.__dict__["_inlinable"] = self._find_inlinable()
        return cached

    def _find_inlinable(self) -> set[ast.Call]:
        made: dict[ast.Call, bool] = {}
        nodes = list(ast.walk(self.program.tree))
        for node in nodes:
            if isinstance(node, ast.Call):
                for option in alternatives(self.kind(node)):
                    if isinstance(option, Layer) and option.call is node and option.name.startswith("ops."):
                        statement = self.editor.parent(node)
                        plain = isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(
                            statement.targets[0], (ast.Name, ast.Attribute))
                        made[node] = plain and self.constant_call(node)
        for node in nodes:
            if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Load):
                options = [o for o in alternatives(self.kind(node)) if isinstance(o, (Layer, Seq))]
                parent = self.editor.parent(node)
                called = isinstance(parent, ast.Call) and parent.func is node and len(
                    alternatives(self.kind(node))) == 1
                for option in options:
                    for layer in alternatives(option.each()) if isinstance(option, Seq) else [option]:
                        if isinstance(layer, Layer) and layer.call in made and not (called and layer is option):
                            made[layer.call] = False
        return {node for node, ok in made.items() if ok}

    def constant_call(self, made: ast.Call) -> bool:
        return all(constant_expression(a, self.resolve) for a in [*made.args, *(k.value for k in made.keywords)])

    def primitive(self, node: ast.Call, name: str) -> bool:
        """`ops.MatMul(transpose_b=True)` made but not called here."""
        if node in self.inlinable:
            statement = self.editor.statement(node)
            self.delete(statement)
            return True
        self.arguments(node)
        if name[4:] in ("HyperMap", "Map", "Depend"):
            self.delete_or_keep(node)
            return True
        text = self.ops.function(name, node)
        if text is None:
            self.problem(node, "M301", f"no rule for {name}: write its TensorFlow counterpart by hand")
            return True
        self.replace(node, text if isinstance(text, str) else (lambda: text), node.func)
        return True

    def delete_or_keep(self, node: ast.Call) -> None:
        statement = self.editor.statement(node)
        if isinstance(statement, ast.Assign) and statement.value is node:
            self.delete(statement)

    # ---- tensors, variables --------------------------------------------------------------------------------
    def tensor_call(self, node: ast.Call) -> None:
        data, dtype = tensor_arguments(node)
        self.arguments(node)
        if data is None:
            self.problem(node, "M302", "Tensor without data: give its value")
            return
        if has_tensor(self.kind(data)):
            given = dtype
            if given is not None:
                self.replace(node, lambda: f"tf.cast({self.text(data)}, {self.text(given)})", node.func)
            elif isinstance(self.kind(data), Seq):
                self.replace(node, lambda: f"tf.convert_to_tensor({self.text(data)})", node.func)
            else:
                self.replace(node, lambda: self.text(data), node.func)
            return
        suffix = self.dtype_suffix(data, dtype)
        if dtype is not None and self.is_argument(data):
            self.replace(node, lambda: f"tf.cast({self.text(data)}, {self.text(dtype)})", node.func)  # it may be fed
            return
        self.replace(node, lambda: f"tf.constant({self.text(data)}{suffix()})", node.func)

    def is_argument(self, node: ast.expr) -> bool:
        """Whether a name is an argument of its function."""
        return isinstance(node, ast.Name) and any(isinstance(b.node, ast.arg) for b in self.program.names.bindings(node))

    def dtype_suffix(self, data: ast.expr, dtype: ast.expr | None) -> Callable[[], str]:
        if dtype is not None:
            given = dtype
            return lambda: f", dtype={self.text(given)}"
        whole = whole_numbers(data)
        return lambda: ", dtype=tf.int64" if whole else ""

    def parameter_call(self, node: ast.Call) -> None:
        arguments = bind(node, ("default_input", "name", "requires_grad"))
        data = arguments.get("default_input") or arguments.get("value")
        name, trainable = arguments.get("name"), arguments.get("requires_grad")
        if data is None:
            self.problem(node, "M302", "Parameter without data: give its value")
            return
        dtype: ast.expr | None = None
        inner: ast.expr = data
        if isinstance(data, ast.Call) and self.resolve(data.func) == "ms.Tensor":
            value, dtype = tensor_arguments(data)
            if value is not None and not has_tensor(self.kind(value)):
                inner = value
                self.done(data.func)
            else:
                dtype = None
        for part in (inner, dtype, name, trainable):
            if part is not None:
                self.expr(part)
        suffix = self.dtype_suffix(inner, dtype) if inner is not data else (lambda: "")
        now = self.use("evaluate") if self.reads_variables(inner) else ""

        def initial() -> str:
            return (f"{now}({self.text(inner)})" if now else self.text(inner)) + suffix()

        self.replace(node, lambda: "tf.Variable(" + initial() + "".join(
            f", {key}={self.text(value)}" for key, value in (("name", name), ("trainable", trainable))
            if value is not None and not (isinstance(value, ast.Constant) and value.value in (None, True))) + ")",
            node.func)

    def reads_variables(self, node: ast.expr) -> bool:
        """Is a tensor computed here from variables, whose values of this moment are meant?"""
        if not is_tensor(self.kind(node)):
            return False
        for part in ast.walk(node):
            parent = self.editor.parent(part)
            if any(isinstance(o, Param) for o in alternatives(self.kind(part))) and not (
                    isinstance(parent, ast.Attribute) and parent.attr in TENSOR_HOST_ATTRIBUTES):
                return True
        return False

    def parameter_tuple(self, node: ast.Call) -> None:
        self.arguments(node)
        if len(node.args) == 1:
            arg = node.args[0]
            plain = isinstance(arg, (ast.List, ast.ListComp)) or isinstance(arg, ast.Call)
            self.replace(node, lambda: self.text(arg) if plain else f"list({self.text(arg)})", node.func)

    def initializer_call(self, node: ast.Call) -> None:
        arguments = bind(node, ("init", "shape", "dtype"))
        init, shape, dtype = arguments.get("init"), arguments.get("shape"), arguments.get("dtype")
        if init is None or shape is None:
            self.problem(node, "M302", "initializer without a shape")
            return
        self.expr(shape)
        if dtype is not None:
            self.expr(dtype)
        form = layers.initializer(init, self.resolve, self.text)
        if form is None:
            if isinstance(init, ast.Constant) and isinstance(init.value, (int, float)):
                form = f"tf.fill({{shape}}, float({init.value}))"
            else:
                self.expr(init)
                name = self.use("initial_value")
                self.replace(node, lambda: f"{name}({self.text(init)}, {self.text(shape)}, None)", node.func)
                return
        self.done(init)
        self.replace(node, lambda: form.format(shape=self.text(shape), dtype=f", dtype={self.text(dtype)}" if dtype is not None else ""), node.func)

    def assign_call(self, node: ast.Call) -> None:
        """ops.assign(p, v), P.Assign()(p, v), p.set_data(v)."""
        name = self.resolve(node.func) or ""
        made = next((o.name for o in alternatives(self.program.callees.get(node)) if isinstance(o, Layer)), "")
        kind = "tf.assign_add" if "add" in (name + made).lower() else "tf.assign_sub" if "sub" in (
            name + made).lower() else "tf.assign"
        self.arguments(node)
        if len(node.args) == 2:
            self.replace(node, lambda: f"{kind}({self.text(node.args[0])}, {self.text(node.args[1])})", node.func)
        else:
            self.problem(node, "M302", "assign needs a variable and a value")

    def stored_parameter(self, node: ast.stmt) -> Callable[[], str]:
        """`self.p = v` and `self.p += v` on a Parameter give it a value."""
        target: ast.expr
        if isinstance(node, ast.AugAssign):
            function = {ast.Add: "tf.assign_add", ast.Sub: "tf.assign_sub"}.get(type(node.op))
            target, value = node.target, node.value
            symbol = {ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}.get(type(node.op), "*")
        else:
            assert isinstance(node, ast.Assign)
            function, target, value, symbol = "tf.assign", node.targets[0], node.value, ""
        self.expr(value)
        name = self.editor.original(target)
        if function is not None:
            return lambda: f"{function}({name}, {self.text(value)})"
        return lambda: f"tf.assign({name}, {name} {symbol} {self.atom(value)})"

    # ---- methods -------------------------------------------------------------------------------------------
    def method_call(self, node: ast.Call, callee: Method) -> bool:
        assert isinstance(callee, Method)
        if not isinstance(node.func, ast.Attribute):
            return False
        if isinstance(callee.of, (Tensor, Param)):
            return self.tensor_method(node, node.func)
        if isinstance(callee.of, (Instance, Layer, Seq, Optimizer)):
            return self.cell_method(node, node.func, callee)
        return False

    def tensor_method(self, node: ast.Call, func: ast.Attribute) -> bool:
        self.expr(func.value)
        self.arguments(node)
        name = func.attr
        if name in ("set_data", "assign_value") and node.args:
            self.replace(node, lambda: f"tf.assign({self.text(func.value)}, {self.text(node.args[0])})")
            return True
        if name in ("copy", "value", "contiguous", "read_value"):
            self.replace(node, lambda: f"tf.identity({self.text(func.value)})")
            return True
        if name in TENSOR_TO_HOST:
            self.problem(node, "M303", f".{name}() inside a function that builds graph: the value is known only when "
                                       "it is run")
            return True
        text = self.ops.method(name, func.value, node, self.kind(func.value))
        if text is None:
            self.problem(node, "M301", f"no rule for Tensor.{name}: write its TensorFlow counterpart by hand")
            return True
        self.replace(node, lambda: text(self.operand))
        return True

    def cell_method(self, node: ast.Call, func: ast.Attribute, callee: Method) -> bool:
        name = callee.name
        self.expr(func.value)
        self.arguments(node)
        if name in PARAMETER_LISTS:
            function = self.use("trainable_variables" if name == "trainable_params" else "parameters")
            self.replace(node, lambda: f"{function}({self.text(func.value)})")
            return True
        if name == "parameters_and_names":
            function = self.use("parameters_and_names")
            self.replace(node, lambda: f"{function}({self.text(func.value)})")
            return True
        if name == "clone" and isinstance(callee.of, Seq):
            function = self.use("cloned")
            given = bind(node, ("prefix", "init"))
            self.replace(node, lambda: f"{function}({', '.join([self.text(func.value), *(f'{k}={self.text(v)}' for k, v in given.items())])})")
            return True
        if name == "parameters_dict":
            function = self.use("parameters_and_names")
            self.replace(node, lambda: f"dict({function}({self.text(func.value)}))")
            return True
        if name in ("set_train", "set_grad", "to_float", "recompute", "add_flags", "update_parameters_name",
                    "set_comm_fusion", "compile", "check_names", "requires_grad", "phase"):
            self.dropped_method(node, func, name)
            return True
        return True

    def dropped_method(self, node: ast.Call, func: ast.Attribute, name: str) -> None:
        statement = self.editor.statement(node)
        if isinstance(statement, ast.Expr) and statement.value is node:
            if name == "set_train" and self.trains_layers():
                function = self.use("set_train")
                args = [*node.args, *(k.value for k in node.keywords)]
                self.replace(node, lambda: ", ".join([f"{function}({self.text(func.value)}",
                                                      *(self.text(a) for a in args)]) + ")")
                return
            self.delete(statement)
        else:
            self.replace(node, lambda: self.text(func.value))

    def trains_layers(self) -> bool:
        """Does the program have layers that behave differently in training?"""
        return any(isinstance(o, Layer) and o.name in ("nn.Dropout", "nn.BatchNorm2d", "nn.BatchNorm1d",
                                                       "nn.BatchNorm3d", "nn.Dropout2d")
                   for n in ast.walk(self.program.tree) if isinstance(n, ast.Call) for o in alternatives(self.kind(n)))

    def shape_form(self, node: ast.expr) -> str:
        """A shape is a list where one number of it is read, or a part that nothing joins to or compares with a tuple."""
        part = self.editor.parent(node)
        if not isinstance(part, ast.Subscript):
            return "tuple({0}.shape.as_list())"
        whole = isinstance(part.slice, ast.Slice) and isinstance(self.editor.parent(part), (ast.BinOp, ast.Compare))
        return "tuple({0}.shape.as_list())" if whole else "{0}.shape.as_list()"

    def shape_call(self, node: ast.Call) -> None:
        self.arguments(node)
        form = self.shape_form(node)
        self.replace(node, lambda: form.format(self.atom(node.args[0])), node.func)

    def dtype_call(self, node: ast.Call) -> None:
        self.arguments(node)
        self.replace(node, lambda: f"{self.atom(node.args[0])}.dtype", node.func)

    def rank_call(self, node: ast.Call) -> None:
        self.arguments(node)
        self.replace(node, lambda: f"{self.atom(node.args[0])}.shape.ndims", node.func)

    # ---- functions of functions ----------------------------------------------------------------------------
    def partial_call(self, node: ast.Call) -> None:
        self.arguments(node)
        self.imports.add("import functools")
        self.replace(node, lambda: f"functools.partial({', '.join(self.text(a) for a in node.args)})", node.func)

    def map_call(self, node: ast.Call, callee: Layer) -> bool:
        """`hyper_map(partial(f, a), grads)` -> `[f(a, grad) for grad in grads]`."""
        sequences = node.args if callee.inner else node.args[1:]
        function = node.args[0] if not callee.inner else (callee.call.args[0] if callee.call.args else None)
        if function is None or not sequences or node.keywords:
            self.problem(node, "M304", "HyperMap: write it as a list comprehension")
            return True
        given: list[ast.expr] = []
        target = function
        if isinstance(function, ast.Call) and isinstance(self.kind(function), Partial):
            target, given = function.args[0], list(function.args[1:])
        elements = self.element_names(node, len(sequences))

        def rendered() -> str:
            args = ", ".join([*(self.text(a) for a in given), *elements])
            source = self.text(sequences[0]) if len(sequences) == 1 else (
                f"zip({', '.join(self.text(s) for s in sequences)})")
            return f"[{self.function_text(target)}({args}) for {', '.join(elements)} in {source}]"

        self.replace(node, rendered, node.func, function.func if isinstance(function, ast.Call) else None)
        return True

    def function_text(self, node: ast.expr) -> str:
        """The text of a function that is called."""
        return f"({self.text(node)})" if isinstance(node, ast.Lambda) else self.text(node)

    def element_names(self, node: ast.Call, count: int) -> list[str]:
        taken = {n.id for n in ast.walk(self.editor.statement(node)) if isinstance(n, ast.Name)}
        names = ["g" if count == 1 else x for x in ("a", "b", "c", "d", "e")[:count]]
        return [name if name not in taken else f"{name}_" for name in names]

    def clip_global(self, node: ast.Call) -> None:
        self.arguments(node)
        arguments = bind(node, ("x", "clip_norm", "use_norm"))
        values, norm = arguments.get("x"), arguments.get("clip_norm")
        if values is None:
            self.problem(node, "M302", "clip_by_global_norm without tensors")
            return
        self.replace(node, lambda: f"tf.clip_by_global_norm({self.text(values)}, "
                                   f"{self.text(norm) if norm is not None else '1.0'})[0]", node.func)

    def depend_call(self, node: ast.Call) -> None:
        self.arguments(node)
        name = self.use("depend")
        self.use("identity")
        self.replace(node, lambda: f"{name}({', '.join(self.text(a) for a in node.args)})", node.func)

    def vjp_call(self, node: ast.Call) -> None:
        if not self.gradients.forward(node):
            self.forward_call(node)

    def forward_call(self, node: ast.Call) -> None:
        self.arguments(node)
        short = (self.resolve(node.func) or "").rpartition(".")[2]
        self.use("as_list")
        self.replace(node.func, self.use(short), node.func)

    # ---- gradients -----------------------------------------------------------------------------------------
    def grad_operation(self, node: ast.Call) -> None:
        """The GradOperation object itself: written out where it is applied, a partial function otherwise."""
        statement = self.editor.parent(node)
        if isinstance(statement, ast.Assign) and statement.value is node and self.only_applied(statement):
            self.delete(statement)
            return
        self.arguments(node)
        self.imports.add("import functools")
        name = self.use("gradient")
        names = ("get_all", "get_by_list", "sens_param")

        def rendered() -> str:
            given = [f"{n}={self.text(a)}" for n, a in zip(names, node.args)]
            given += [f"{k.arg}={self.text(k.value)}" for k in node.keywords]
            return f"functools.partial({', '.join([name, *given])})"

        self.replace(node, rendered, node.func)

    def only_applied(self, statement: ast.Assign) -> bool:
        """Is the GradOperation of this assignment, with known options, only ever called directly by its name?"""
        target = statement.targets[0]
        kind = self.kind(statement.value)
        if not isinstance(kind, GradOperation) or kind.options is None or len(statement.targets) > 1 or not isinstance(
                target, (ast.Name, ast.Attribute)):
            return False
        for node in ast.walk(self.program.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                options = alternatives(self.kind(node))
                if kind not in options:
                    continue
                parent = self.editor.parent(node)
                if not (isinstance(parent, ast.Call) and parent.func is node and len(options) == 1):
                    return False
        return True

    def gradient_of(self, node: ast.Call, callee: GradOperation) -> bool:
        """`grad(fn, weights)` of a GradOperation with known options."""
        options = alternatives(self.program.callees.get(node))
        if callee.options is None or len(options) > 1:
            return False
        self.arguments(node)
        name = self.use("gradient")
        keys = ("get_all", "get_by_list", "sens_param")
        flags = [f"{key}=True" for key, on in zip(keys, callee.options) if on]
        given = {**dict(zip(("fn", "weights"), node.args)), **{k.arg or "": k.value for k in node.keywords}}
        if callee.options[1] and "weights" not in given and "fn" in given:
            variables = self.use("trainable_variables")
            flags.insert(0, f"{variables}({{fn}})")
        self.replace(node, lambda: f"{name}({', '.join([*(self.argument(a) for a in given.values()), *flags])})".replace(
            "{fn}", self.text(given["fn"]) if "fn" in given else ""), node.func)
        return True

    def argument(self, node: ast.expr) -> str:
        return self.editor.text(node)

    def gradient_form(self, node: ast.Call, form: str) -> bool:
        name = SUPPORT_GRADIENTS.get(form)
        if name is None:
            return False
        self.arguments(node)
        known = {"fn": "fn", "grad_position": "position", "weights": "weights", "weight": "weights",
                 "has_aux": "has_aux"}
        if any(k.arg not in known for k in node.keywords):
            self.problem(node, "M305", f"an option of {form} that has no counterpart here")
            return True
        emitted = self.use(name)

        def rendered() -> str:
            parts = [self.argument(a) for a in node.args]
            parts += [f"{known[k.arg or '']}={self.text(k.value)}" for k in node.keywords]
            return f"{emitted}({', '.join(parts)})"

        self.replace(node, rendered, node.func)
        return True

    # ---- layers --------------------------------------------------------------------------------------------
    def layer_call(self, node: ast.Call, short: str) -> bool:
        self.arguments(node)
        rendered = layers.layer(short, node, self)
        if rendered is None:
            self.problem(node, "M306", f"nn.{short} has no counterpart here: write it by hand")
            return True
        self.replace(node, rendered, node.func)
        return True


def fits_type(name: str, kind: Value | None) -> bool:
    """Is a value of this kind one of MindSpore's registered type `name`?"""
    if name in ("Tensor", "RowTensor", "MapTensor"):
        return name == "Tensor" and is_tensor(kind)
    if name in ("Tuple", "List"):
        return isinstance(kind, Seq)
    return isinstance(kind, (Host, Function))


def tensor_arguments(node: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """(data, dtype) of a Tensor(…) call."""
    arguments = bind(node, ("input_data", "dtype", "shape", "init"))
    return arguments.get("input_data"), arguments.get("dtype")


def bind(node: ast.Call, names: Sequence[str]) -> dict[str, ast.expr]:
    """A call's arguments by parameter name."""
    bound = dict(zip(names, node.args))
    bound.update({k.arg: k.value for k in node.keywords if k.arg is not None})
    return bound


def constant_expression(node: ast.expr, resolve: Callable[[ast.expr], str | None]) -> bool:
    """A value that can be written elsewhere: constants, dtypes, and tuples, lists and negatives of them."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(constant_expression(e, resolve) for e in node.elts)
    if isinstance(node, ast.UnaryOp):
        return constant_expression(node.operand, resolve)
    return isinstance(node, (ast.Name, ast.Attribute)) and dtype_name(resolve(node)) is not None


def whole_numbers(node: ast.expr) -> bool:
    """Python integers only, so that MindSpore makes int64 of them."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int) and not isinstance(node.value, bool)
    if isinstance(node, (ast.Tuple, ast.List)):
        return bool(node.elts) and all(whole_numbers(e) for e in node.elts)
    return isinstance(node, ast.UnaryOp) and whole_numbers(node.operand)


def strip_parentheses(text: str) -> str:
    """The text without one pair of parentheses that only surrounds it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for i, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and i < len(text) - 1:
            return text
    try:
        inner = ast.parse(text, mode="eval").body
    except SyntaxError:
        return text
    return text if isinstance(inner, (ast.Tuple, ast.GeneratorExp)) or "\n" in text else text[1:-1]


__all__ = ["Class", "Emitter", "GradFunction", "Host", "Update", "own_nodes"]
