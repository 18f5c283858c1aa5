"""What a converted program may carry at its top: tensors that wait for `run`, as functions of what is fed.

This module is never imported by mapper: `carried` takes from its text the definitions that a program needs, and no others.
A `Deferred` is a function (`apply`) and the tensors it is applied to. `run` computes; `gradients` finds the function
between two tensors and gives it to `ops.GradOperation`.
"""
# ruff: noqa
from __future__ import annotations

import math
import re

import numpy as np

import mindspore as ms
from mindspore import nn
from mindspore.common import initializer as init


# --------------------------------------------------------------------------------------------------------------- tensors


class Deferred:
    """A tensor that is computed when it is run: `apply` of the values of `inputs`, once the operations `after` have run."""

    serial = 0
    __array_ufunc__ = None

    def __init__(self, apply, inputs=(), label="", dtype=None, name=None):
        Deferred.serial += 1
        self.serial = Deferred.serial
        self.apply, self.inputs, self.label = apply, list(inputs), label
        self.after = list(waiting)
        self.dtype = dtype if dtype is not None else next((t.dtype for t in self.inputs if t.dtype is not None), None)
        self.name = (name or f"{graph.space}{label or 'Tensor'}_{self.serial}") + ":0"

    def compute(self, *values):
        return self.apply(*values)

    def traced(self):
        return self.apply

    def __add__(self, other):
        return binary(add, self, other)

    def __radd__(self, other):
        return binary(add, other, self)

    def __sub__(self, other):
        return binary(subtract, self, other)

    def __rsub__(self, other):
        return binary(subtract, other, self)

    def __mul__(self, other):
        return binary(multiply, self, other)

    def __rmul__(self, other):
        return binary(multiply, other, self)

    def __truediv__(self, other):
        return binary(divide, self, other)

    def __rtruediv__(self, other):
        return binary(divide, other, self)

    def __floordiv__(self, other):
        return binary(floor_divide, self, other)

    def __rfloordiv__(self, other):
        return binary(floor_divide, other, self)

    def __mod__(self, other):
        return binary(floor_modulo, self, other)

    def __rmod__(self, other):
        return binary(floor_modulo, other, self)

    def __pow__(self, other):
        return binary(power, self, other)

    def __rpow__(self, other):
        return binary(power, other, self)

    def __matmul__(self, other):
        return binary(ms.ops.matmul, self, other)

    def __rmatmul__(self, other):
        return binary(ms.ops.matmul, other, self)

    def __neg__(self):
        return node(ms.ops.neg, self)

    def __abs__(self):
        return node(ms.ops.abs, self)

    def __invert__(self):
        return node(ms.ops.logical_not, self)

    def __and__(self, other):
        return node(ms.ops.logical_and, self, other)

    def __or__(self, other):
        return node(ms.ops.logical_or, self, other)

    def __lt__(self, other):
        return binary(less, self, other)

    def __le__(self, other):
        return binary(less_equal, self, other)

    def __gt__(self, other):
        return binary(greater, self, other)

    def __ge__(self, other):
        return binary(greater_equal, self, other)

    def __getitem__(self, index):
        return node(getitem, self, *(index if isinstance(index, tuple) else (index,)))

    def __iter__(self):
        raise TypeError("Iterating over a tensor that waits for run is not possible: use unstack")

    def __bool__(self):
        raise TypeError("A tensor that waits for run has no truth value yet: use cond")

    def eval(self, feed_dict=None, session=None):
        return run(self, feed_dict) if session is None else session.run(self, feed_dict)

    @property
    def shape(self):
        return static_shape(self)

    def get_shape(self):
        return static_shape(self)

    def set_shape(self, shape):
        pass

    @property
    def op(self):
        return Operation(self)

    @property
    def graph(self):
        return graph


class Operation:
    """What is known of the operation behind a tensor."""

    def __init__(self, tensor):
        self.tensor, self.name, self.type = tensor, tensor.name[:-2], tensor.label
        self.inputs, self.outputs = tensor.inputs, [tensor]


class Action(Deferred):
    """Something that is done when it is run and has no value, or whose value is the new value of a variable."""

    def run(self, feed_dict=None, session=None):
        self.eval(feed_dict, session)


class Placeholder(Deferred):
    """A tensor whose value is given to `run`."""

    def __init__(self, dtype, shape, name, default=None):
        super().__init__(self.default_value, label="Placeholder", dtype=dtype, name=name and graph.space + name)
        self.dims, self.default = shape, default
        graph.placeholders.append(self)

    def default_value(self):
        if self.default is None:
            raise ValueError(f"You must feed a value for placeholder tensor '{self.name[:-2]}'")
        return ms.Tensor(self.default, self.dtype)


class Shape(tuple):
    """A static shape: ints, and None for what is known only when it is run."""

    def as_list(self):
        return list(self)

    @property
    def ndims(self):
        return len(self)

    @property
    def rank(self):
        return len(self)

    @property
    def dims(self):
        return list(self)

    def num_elements(self):
        return None if None in self else math.prod(self)

    def is_fully_defined(self):
        return None not in self

    def is_compatible_with(self, other):
        return len(self) == len(other) and all(a == b or a is None or b is None for a, b in zip(self, other))

    def __getitem__(self, index):
        found = tuple.__getitem__(self, index)
        return Shape(found) if isinstance(index, slice) else found


def static_shape(tensor):
    """The shape of a tensor; dimensions that follow what is fed are None."""
    if isinstance(tensor, Variable):
        return Shape(tensor.parameter.shape)
    if isinstance(tensor, Placeholder):
        return Shape(tensor.dims)
    small, large = sampled(tensor, 2).shape, sampled(tensor, 3).shape
    return Shape(a if a == b else None for a, b in zip(small, large))


def sampled(tensor, unknown):
    """A value of a tensor when zeros are fed, with this size where a size is not known."""
    values = {}
    for leaf in ancestors([tensor]):
        if isinstance(leaf, Placeholder):
            values[leaf] = ms.ops.zeros(tuple(unknown if d is None else d for d in leaf.dims or ()), leaf.dtype)
        elif isinstance(leaf, Local):  #: Local
            values[leaf] = sampled(leaf.like, unknown)  #: Local
    return evaluate([tensor], values)[0]


def slots(part, inputs):
    """How an argument is put together again from the values of the tensors in it, which join `inputs`."""
    if isinstance(part, Deferred):
        inputs.append(part)
        return "slot", len(inputs) - 1
    if isinstance(part, (list, tuple)) and holds_tensor(part):
        return "list", tuple([slots(p, inputs) for p in part])
    if isinstance(part, slice) and holds_tensor([part.start, part.stop, part.step]):
        return "slice", tuple([slots(p, inputs) for p in (part.start, part.stop, part.step)])
    if isinstance(part, np.ndarray) or isinstance(part, list) and holds_array(part):
        return "constant", as_tensor(part)
    return "constant", part


def holds_tensor(part):
    return isinstance(part, Deferred) or isinstance(part, (list, tuple)) and any(map(holds_tensor, part))


def holds_array(part):
    return isinstance(part, np.ndarray) or isinstance(part, (list, tuple)) and any(map(holds_array, part))


def place(part, values):
    kind, content = part
    if kind == "slot":
        return values[content]
    if kind == "list":
        return [place(p, values) for p in content]
    if kind == "slice":
        ends = [place(p, values) for p in content]
        return slice(*[int(end) if isinstance(end, ms.Tensor) else end for end in ends])
    return content


def arranged(fn, args, kwargs):
    def apply(*values):
        return fn(*[place(a, values) for a in args], **{k: place(a, values) for k, a in kwargs})

    return apply


def node(fn, *args, **kwargs):
    """The tensor fn(*args, **kwargs), to be computed when it is run."""
    inputs = []
    args = tuple([slots(a, inputs) for a in args])
    kwargs = tuple([(k, slots(a, inputs)) for k, a in kwargs.items()])
    return Deferred(arranged(fn, args, kwargs), inputs, getattr(fn, "__name__", type(fn).__name__))


def binary(fn, a, b):
    """fn(a, b) where one may be an array, a list or a number, which takes the dtype of the other."""
    dtype = a.dtype if isinstance(a, Deferred) else b.dtype
    found = node(fn, as_operand(a, dtype), as_operand(b, dtype))
    return found


def as_operand(value, dtype):
    if isinstance(value, (np.ndarray, list, tuple)) and not holds_tensor(value):
        return ms.Tensor(np.asarray(value), dtype or ms.float32)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return stack(value)
    return value


def as_tensor(value, dtype=None):
    """A Tensor with the dtype that TensorFlow gives: float32 and int32 for Python's numbers."""
    array = np.asarray(value)
    if dtype is None and array.dtype == np.float64:
        dtype = ms.float32
    if dtype is None and array.dtype == np.int64:
        dtype = ms.int32
    return ms.Tensor(array, dtype_of(dtype)) if dtype is not None else ms.Tensor(array)


class Deferring:
    """MindSpore's operations of one tensor, applied when they are run."""

    def __getattr__(self, name):
        fn = getattr(ms.ops, name)

        def deferred(x, name=None):
            found = node(fn, convert_to_tensor(x))
            found = overridden(found)  #: RegisterGradient
            return found

        return deferred


ops = Deferring()


def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def multiply(a, b):
    return a * b


def divide(a, b):
    return a / b


def floor_divide(a, b):
    return ms.ops.floor_div(a, b)


def floor_modulo(a, b):
    return ms.ops.floor_mod(a, b)


def less(a, b):
    return a < b


def less_equal(a, b):
    return a <= b


def greater(a, b):
    return a > b


def greater_equal(a, b):
    return a >= b


def power(a, b):
    if isinstance(b, (int, float)) and b in (2, 3, 4):
        return a * a if b == 2 else a * a * a if b == 3 else (a * a) * (a * a)
    if isinstance(b, ms.Tensor) and isinstance(a, ms.Tensor) and b.dtype in FLOATS:
        fixed = ms.ops.stop_gradient(b)  # where a is not above zero, b has no gradient
        return a ** fixed * ms.ops.exp((b - fixed) * ms.ops.log(ms.ops.where(a > 0, a, ms.ops.ones_like(a))))
    return a ** b


def getitem(x, *index):
    if len(index) == 1 and isinstance(index[0], ms.Tensor) and index[0].ndim == 0:
        return ms.ops.gather(x, index[0].expand_dims(0), 0).squeeze(0)  # x[i] has no gradient for a tensor i
    if any(isinstance(part, slice) and isinstance(part.step, int) and part.step < 0 for part in index):  #: turned_round
        x, index = turned_round(x, index)  #: turned_round
    return x[index]


def turned_round(x, index):
    """x taken backwards where a step is negative, which MindSpore's own indexing refuses, and the rest of the index."""
    index, axis = list(index), 0
    for at, part in enumerate(index):
        if part is Ellipsis:
            axis = x.ndim - sum(1 for p in index[at + 1:] if p is not None)
        elif part is not None:
            if isinstance(part, slice) and isinstance(part.step, int) and part.step < 0:
                places = range(*part.indices(x.shape[axis]))
                x, index[at] = ms.ops.gather(x, ms.Tensor(list(places), ms.int32), axis), slice(None)
            axis += 1
    return x, tuple(index)


def identity(x, name=None):
    return node(ms.ops.deepcopy, convert_to_tensor(x))


def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor of fixed value."""
    if isinstance(value, np.ndarray) and dtype is None:
        found = ms.Tensor(value)
    else:
        found = as_tensor(value, dtype)
    if shape is not None:
        found = filled(found, tuple(shape))

    def value_of():
        return found

    return Deferred(value_of, label="Const", dtype=found.dtype, name=name)


def filled(values, shape):
    array, size = values.asnumpy().reshape(-1), math.prod(shape)
    return ms.Tensor(np.concatenate([array, np.full(size - array.size, array[-1], array.dtype)]).reshape(shape), values.dtype)


def convert_to_tensor(value, dtype=None, name=None):
    if isinstance(value, IndexedSlices):  #: gather
        return value.inputs[0]  #: gather
    if isinstance(value, Deferred):
        return value
    return stack(value) if holds_tensor(value) else constant(value, dtype)


def dtype_of(name):
    """A dtype, given itself, by its name, or as one of NumPy's."""
    if isinstance(name, np.dtype) or isinstance(name, type) and issubclass(name, np.generic):
        name = np.dtype(name).name
    return {"float": ms.float32, "double": ms.float64, "int": ms.int32, "bool": ms.bool_}.get(name) or getattr(ms, name) \
        if isinstance(name, str) else name


def is_floating(dtype):
    return dtype in (ms.float16, ms.float32, ms.float64, ms.bfloat16)


def is_integer(dtype):
    return dtype in (ms.int8, ms.int16, ms.int32, ms.int64, ms.uint8, ms.uint16, ms.uint32, ms.uint64)


def is_complex(dtype):
    return dtype in (ms.complex64, ms.complex128)


def is_bool(dtype):
    return dtype == ms.bool_


def dtype_name(dtype):
    return str(dtype).lower()


def numpy_dtype(dtype):
    return ms.dtype_to_nptype(dtype)


def placeholder(dtype, shape=None, name=None):
    """A tensor that is fed."""
    return Placeholder(dtype_of(dtype), None if shape is None else tuple(shape), name)


def placeholder_with_default(input, shape, name=None):
    """A tensor that may be fed."""
    value = as_tensor(run(input) if isinstance(input, Deferred) else input)
    return Placeholder(value.dtype, tuple(shape), name, value.asnumpy())


# ----------------------------------------------------------------------------------------------------------- variables

waiting = []


class Graph:
    """What a program builds: its variables, in order, and its collections."""

    def __init__(self):
        self.variables, self.collections, self.scopes, self.names = [], {}, [("", None, None)], {}
        self.opened = {}  #: variable_scope
        self.optimizers = []  #: Optimizer
        self.overrides = {}  #: RegisterGradient
        self.space, self.placeholders = "", []

    def as_default(self):
        return DefaultGraph(self)

    def finalize(self):
        pass

    def gradient_override_map(self, op_type_map):
        return GradientOverrides(op_type_map)

    def get_tensor_by_name(self, name):
        return next(v for v in [*self.variables, *self.placeholders] if v.name == name)


class GradientOverrides:
    """Operations made inside have registered gradients."""

    def __init__(self, overrides):
        self.overrides = overrides

    def __enter__(self):
        self.graph, self.outer = graph, graph.overrides
        graph.overrides = {**graph.overrides, **self.overrides}

    def __exit__(self, *exception):
        self.graph.overrides = self.outer


registered_gradients = {}


class RegisterGradient:
    """Decorator: a gradient that operations may be given by name."""

    def __init__(self, op_type):
        self.op_type = op_type

    def __call__(self, f):
        registered_gradients[self.op_type] = f
        return f


def overridden(tensor):
    """The tensor with the gradient that its operation has been given."""
    name = graph.overrides.get(tensor.label.capitalize())
    if name is None:
        return tensor

    def with_gradient(*inputs):
        value = node(tensor.apply, *inputs)
        operation = Operation(value)

        def gradient(cotangent):
            outer, graph.overrides = graph.overrides, {}
            found = registered_gradients[name](operation, cotangent)
            graph.overrides = outer
            return found

        return value, gradient

    return custom_gradient(with_gradient)(*tensor.inputs)


class DefaultGraph:
    def __init__(self, new):
        self.new = new

    def __enter__(self):
        global graph
        self.outer, graph = graph, self.new
        return self.new

    def __exit__(self, *exception):
        global graph
        graph = self.outer


graph = Graph()


def get_default_graph():
    return graph


def reset_default_graph():
    global graph
    graph = Graph()


class Variable(Deferred):
    """A Parameter whose value is read when it is run."""

    def __init__(self, initial_value=None, trainable=True, collections=None, validate_shape=True, caching_device=None,
                 name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
                 full_name=None, use_resource=None):
        if full_name is None:
            full_name = unique_name(graph.space + (name or "Variable"))
        if callable(initial_value):
            initial_value = initial_value()
        start = getattr(initial_value, "drawn_as", None)
        if start is not None:
            value = start(dtype)
        elif isinstance(initial_value, Deferred):
            value = evaluate([initial_value], {})[0]
        elif isinstance(initial_value, ms.Tensor):
            value = initial_value
        elif isinstance(initial_value, (np.ndarray, np.generic)) and dtype is None:
            value = ms.Tensor(initial_value)
        else:
            value = as_tensor(initial_value, dtype)
        self.parameter = ms.Parameter(value, name=full_name, requires_grad=trainable)
        self.start = self.parameter.asnumpy().copy()
        super().__init__(self.read, label="VariableV2", dtype=self.parameter.dtype, name=full_name)
        self.after = []
        self.trainable = trainable
        graph.variables.append(self)
        for key in collections or ():
            graph.collections.setdefault(key, []).append(self)

    def read(self):
        return ms.ops.deepcopy(self.parameter)  # a copy of what is not trained has no gradient

    def read_value(self):
        return self

    def value(self):
        return self

    def initialized_value(self):
        return self

    @property
    def initial_value(self):
        return constant(self.start)

    @property
    def initializer(self):
        return variables_initializer([self])

    def load(self, value, session=None):
        put(self.parameter, ms.Tensor(value, self.dtype))

    def assign(self, value, use_locking=None, name=None, read_value=True):
        return Assign(self, value, replaced)

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        return Assign(self, delta, added)

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        return Assign(self, delta, subtracted)


def put(parameter, value):
    """Changes a Parameter in place: after set_data an optimizer that was used before goes on with what it had."""
    ms.ops.assign(parameter, value)


def replaced(old, new):
    return new


def added(old, new):
    return old + new


def subtracted(old, new):
    return old - new


class Assign(Action):
    """Gives a variable a new value, which is the value of this tensor."""

    def __init__(self, variable, value, change):
        value = value if isinstance(value, Deferred) else constant(value, variable.dtype)
        super().__init__(None, [value], "Assign", variable.dtype)
        self.variable, self.change = variable, change

    def compute(self, value):
        new = self.change(self.variable.read(), value)
        put(self.variable.parameter, new.astype(self.variable.dtype))
        return self.variable.read()


def assign(ref, value, validate_shape=None, use_locking=None, name=None):
    return ref.assign(value)


def assign_add(ref, value, use_locking=None, name=None):
    return ref.assign_add(value)


def assign_sub(ref, value, use_locking=None, name=None):
    return ref.assign_sub(value)


class Scatter(Action):
    """Changes rows of a variable."""

    def __init__(self, variable, indices, updates, sign):
        super().__init__(None, [convert_to_tensor(indices), convert_to_tensor(updates)], "Scatter", variable.dtype)
        self.variable, self.sign = variable, sign

    def compute(self, indices, updates):
        array = self.variable.parameter.asnumpy().copy()
        if self.sign:
            np.add.at(array, indices.asnumpy(), self.sign * updates.asnumpy())
        else:
            array[indices.asnumpy()] = updates.asnumpy()
        put(self.variable.parameter, ms.Tensor(array))
        return self.variable.read()


def scatter_sub(ref, indices, updates, use_locking=False, name=None):
    return Scatter(ref, indices, updates, -1)


def scatter_add(ref, indices, updates, use_locking=False, name=None):
    return Scatter(ref, indices, updates, 1)


def scatter_update(ref, indices, updates, use_locking=True, name=None):
    return Scatter(ref, indices, updates, 0)


class Initialize(Action):
    """Gives variables their initial values."""

    def __init__(self, variables):
        super().__init__(None, [], "Initialize")
        self.variables, self.owner = variables, graph

    def compute(self):
        for variable in self.owner.variables if self.variables is None else self.variables:
            if isinstance(variable, Variable):
                put(variable.parameter, ms.Tensor(variable.start))
        for optimizer in self.owner.optimizers:  #: Optimizer
            optimizer.forget(self.variables)  #: Optimizer


def global_variables_initializer():
    return Initialize(None)


def variables_initializer(var_list, name="init"):
    return Initialize(list(var_list))


def group(*inputs, name=None):
    """The operation that does all of the inputs."""
    inputs = [t for part in inputs for t in (part if isinstance(part, (list, tuple)) else [part])]

    def nothing(*values):
        return None

    return Action(nothing, inputs, "group")


def no_op(name=None):
    return group()


def tuple_of(tensors, name=None, control_inputs=None):
    return list(tensors)


class control_dependencies:
    """Tensors made inside are computed after these operations."""

    def __init__(self, control_inputs):
        self.operations = [t for t in control_inputs or () if isinstance(t, Deferred)]

    def __enter__(self):
        waiting.extend(self.operations)

    def __exit__(self, *exception):
        del waiting[len(waiting) - len(self.operations):]


def unique_name(name):
    count = graph.names.get(name, 0)
    graph.names[name] = count + 1
    return f"{name}_{count}" if count else name


def scope_prefix():
    return graph.scopes[-1][0]


AUTO_REUSE = "reuse or make"


class variable_scope:
    """Variables made inside have the scope's name before theirs; with `reuse` those that exist are taken."""

    def __init__(self, name_or_scope=None, default_name=None, values=None, initializer=None, regularizer=None,
                 caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None, use_resource=None,
                 constraint=None, auxiliary_name_scope=True):
        self.given, self.initializer, self.wanted = name_or_scope, initializer, reuse
        self.default_name = default_name

    def __enter__(self):
        prefix, reuse, initializer = graph.scopes[-1]
        if isinstance(self.given, variable_scope):
            prefix, reuse = self.given.prefix, reuse or self.given.reuse
        else:
            name, count = self.default_name if self.given is None else self.given, 0
            while self.given is None and graph.opened.get(prefix + name):
                count += 1
                name = f"{self.default_name}_{count}"
            prefix = prefix + name + "/" if name else prefix
        self.prefix, self.reuse = prefix, self.wanted if self.wanted is not None else reuse
        self.name = self.original_name_scope = prefix[:-1]
        graph.opened[self.name] = graph.opened.get(self.name, 0) + 1
        self.counts = dict(graph.opened)
        graph.scopes.append((prefix, self.reuse, self.initializer or initializer))
        self.outer_space = graph.space
        if len(prefix) > len(graph.scopes[-2][0]):
            graph.space = unique_name(graph.space + prefix[len(graph.scopes[-2][0]):-1]) + "/"
        return self

    def __exit__(self, *exception):
        graph.scopes.pop()
        graph.space = self.outer_space
        if isinstance(self.given, variable_scope):
            graph.opened = self.counts
        else:  # names inside start again when the scope is opened again
            graph.opened = {name: count for name, count in graph.opened.items() if not name.startswith(self.prefix or "/")}

    def reuse_variables(self):
        self.reuse = True
        for i, (prefix, reuse, initializer) in enumerate(graph.scopes):
            if prefix == self.prefix:
                graph.scopes[i] = prefix, True, initializer


def get_variable_scope():
    current = variable_scope("")
    current.prefix, current.reuse, current.initializer = graph.scopes[-1]
    current.name = current.prefix[:-1]
    return current


def get_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, collections=None,
                 caching_device=None, partitioner=None, validate_shape=True, use_resource=None, custom_getter=None,
                 constraint=None):
    """The variable of this name in the current scope, made when it does not exist."""
    prefix, reuse, default = graph.scopes[-1]
    full_name = prefix + name
    if reuse:
        for variable in graph.variables:
            if variable.name == full_name + ":0":
                return variable
        if reuse is True:
            raise ValueError(f"Variable {full_name} does not exist, or was not made by get_variable.")
    if any(variable.name == full_name + ":0" for variable in graph.variables):
        raise ValueError(f"Variable {full_name} already exists, disallowed. Did you mean to set reuse=True?")
    graph.names.setdefault(full_name, 1)
    dtype = dtype or (None if initializer is not None and not callable(initializer) else ms.float32)
    initializer = initializer if initializer is not None else default
    if initializer is None:
        initializer = glorot_uniform_initializer()
    if isinstance(initializer, type):
        initializer = initializer()
    value = initializer
    if callable(initializer):
        value = initializer(tuple(shape) if isinstance(shape, (list, tuple)) else (shape,), dtype)
    found = Variable(value, trainable, collections, dtype=dtype, full_name=full_name)
    if regularizer is not None:
        graph.collections.setdefault("regularization_losses", []).append(regularizer(found))
    return found


def trainable_variables(scope=None):
    return [v for v in graph.variables if v.trainable and (scope is None or re.match(scope, v.name))]


def global_variables(scope=None):
    return [v for v in graph.variables if scope is None or re.match(scope, v.name)]


def no_tensors(scope=None):
    return []


def get_collection(key, scope=None):
    if key == "trainable_variables":
        return trainable_variables(scope)
    if key in ("variables", "model_variables"):
        return global_variables(scope)
    found = graph.collections.get(key, [])
    return [t for t in found if scope is None or re.match(scope, t.name)]


def get_collection_ref(key):
    return graph.collections.setdefault(key, [])


def add_to_collection(name, value):
    graph.collections.setdefault(name, []).append(value)


class GraphKeys:
    TRAINABLE_VARIABLES = "trainable_variables"
    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    SUMMARIES = "summaries"
    GLOBAL_STEP = "global_step"


# ---------------------------------------------------------------------------------------------------- initial values


def constant_initializer(value=0, dtype=None, verify_shape=False):
    def values(shape, dtype=ms.float32, partition_info=None):
        return filled(as_tensor(value, dtype), shape)

    return values


def zeros_initializer(shape=None, dtype=ms.float32, partition_info=None):
    return zeros_initializer if shape is None else ms.ops.zeros(tuple(shape), dtype)


def ones_initializer(shape=None, dtype=ms.float32, partition_info=None):
    return ones_initializer if shape is None else ms.ops.ones(tuple(shape), dtype)


def random_normal_initializer(mean=0.0, stddev=1.0, seed=None, dtype=None):
    def values(shape, dtype=ms.float32, partition_info=None):
        return init.initializer(init.Normal(stddev, mean), shape, dtype)

    return values


def truncated_normal_initializer(mean=0.0, stddev=1.0, seed=None, dtype=None):
    def values(shape, dtype=ms.float32, partition_info=None):
        return init.initializer(init.TruncatedNormal(stddev, mean), shape, dtype)

    return values


def random_uniform_initializer(minval=0.0, maxval=1.0, seed=None, dtype=None):
    def values(shape, dtype=ms.float32, partition_info=None):
        if minval == -maxval:
            return init.initializer(init.Uniform(maxval), shape, dtype)
        return ms.Tensor(np.random.uniform(minval, maxval, shape), dtype)

    return values


def fans(shape):
    """The numbers of inputs and outputs of a kernel whose last two dimensions are input and output."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def glorot_uniform_initializer(seed=None, dtype=None, uniform=True):
    def values(shape, dtype=ms.float32, partition_info=None):
        fan_in, fan_out = fans(shape)
        if not uniform:
            return init.initializer(init.TruncatedNormal(math.sqrt(2 / (fan_in + fan_out)) / 0.87962566103423978), shape, dtype)
        return init.initializer(init.Uniform(math.sqrt(6 / (fan_in + fan_out))), shape, dtype)

    return values


def glorot_normal_initializer(seed=None, dtype=None):
    return glorot_uniform_initializer(uniform=False)


def xavier_initializer(uniform=True, seed=None, dtype=None):
    return glorot_uniform_initializer(uniform=uniform)


def variance_scaling_initializer(scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, dtype=None,
                                 factor=None, uniform=None):
    def values(shape, dtype=ms.float32, partition_info=None):
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode.lower()]
        variance = (scale if factor is None else factor) / max(1.0, fan)
        if distribution == "uniform" or uniform:
            return init.initializer(init.Uniform(math.sqrt(3 * variance)), shape, dtype)
        if distribution == "untruncated_normal":
            return init.initializer(init.Normal(math.sqrt(variance)), shape, dtype)
        return init.initializer(init.TruncatedNormal(math.sqrt(variance) / 0.87962566103423978), shape, dtype)

    return values


def contrib_variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=None):
    return variance_scaling_initializer(factor, mode, "uniform" if uniform else "truncated_normal")


def he_normal(seed=None):
    return variance_scaling_initializer(2.0)


def he_uniform(seed=None):
    return variance_scaling_initializer(2.0, distribution="uniform")


# -------------------------------------------------------------------------------------------------------------- running


def ancestors(targets, stop=(), waits=True):
    """The tensors that the targets need, in an order in which they can be computed; `stop` are taken as given.

    With waits=False those are left out that the targets only wait for."""
    order, done, stack = [], set(stop), list(reversed(targets))
    while stack:
        tensor = stack[-1]
        if tensor in done:
            stack.pop()
            continue
        missing = [t for t in (*(tensor.after if waits else ()), *tensor.inputs) if t not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        done.add(tensor)
        order.append(stack.pop())
    return order


def evaluate(targets, values):
    """The values of the targets, given values of some tensors. Variables change after all that does not wait for it."""
    order = ancestors(targets, values)
    late = set()
    for tensor in order:
        if isinstance(tensor, Action) or not late.isdisjoint(tensor.inputs) or not late.isdisjoint(tensor.after):
            late.add(tensor)
    for tensor in [t for t in order if t not in late] + [t for t in order if t in late]:
        if tensor.after:
            arguments = [t.read() if isinstance(t, Variable) and t.after == [] else values[t] for t in tensor.inputs]
        else:
            arguments = [values[t] for t in tensor.inputs]
        if isinstance(tensor, Choice):  #: Choice
            tensor.known = values  #: Choice
        values[tensor] = tensor.compute(*arguments)
    return [values[t] for t in targets]


def flatten(structure):
    if isinstance(structure, dict):
        return [t for part in structure.values() for t in flatten(part)]
    if isinstance(structure, (list, tuple)):
        return [t for part in structure for t in flatten(part)]
    return [structure]


def packed(structure, values):
    if isinstance(structure, dict):
        return type(structure)((k, packed(part, values)) for k, part in structure.items())
    if isinstance(structure, (list, tuple)):
        parts = [packed(part, values) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    return next(values)


def to_numpy(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(to_numpy, value))
    return value.asnumpy()[()] if isinstance(value, ms.Tensor) else value


def run(fetches, feed_dict=None, options=None, run_metadata=None):
    """The values of the fetched tensors as arrays, given what is fed."""
    values = {}
    for tensor, value in (feed_dict or {}).items():
        tensor = graph.get_tensor_by_name(tensor) if isinstance(tensor, str) else tensor
        pairs = zip(tensor, value) if isinstance(tensor, (list, tuple)) else [(tensor, value)]
        for key, part in pairs:
            if isinstance(key, SparseTensor):  #: sparse_placeholder
                values.update({t: ms.Tensor(np.asarray(p), t.dtype) for t, p in zip((key.indices, key.values, key.dense_shape), part)})  #: sparse_placeholder
                continue  #: sparse_placeholder
            values[key] = ms.Tensor(np.asarray(part), key.dtype)
    fetches = with_rows(fetches)  #: gather
    found = evaluate(flatten(fetches), values)
    return packed(fetches, iter([to_numpy(value) for value in found]))


class Session:
    """Runs what the program has built. Each session has its own values of the variables."""

    latest = None

    def __init__(self, target="", graph=None, config=None):
        self.graph, self.kept = graph or get_default_graph(), {}
        self.kept_steps = {}  #: Optimizer

    def turn(self):
        """Makes the variables have this session's values."""
        other = Session.latest
        if other is self:
            return
        if other is not None and other.graph is self.graph:
            other.kept = {v: v.parameter.asnumpy().copy() for v in self.graph.variables}
            for variable, value in self.kept.items():
                put(variable.parameter, ms.Tensor(value))
            for optimizer in self.graph.optimizers:  #: Optimizer
                other.kept_steps[optimizer], optimizer.made = optimizer.made, self.kept_steps.get(optimizer, {})  #: Optimizer
        Session.latest = self

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        self.turn()
        return run(fetches, feed_dict)

    def partial_run(self, handle, fetches, feed_dict=None):
        return run(fetches, feed_dict)

    def make_callable(self, fetches, feed_list=None, accept_options=False):
        return lambda *values: self.run(fetches, dict(zip(feed_list or (), values)))

    def close(self):
        pass

    def as_default(self):
        self.turn()
        return self

    def __enter__(self):
        self.turn()
        return self

    def __exit__(self, *exception):
        pass


class InteractiveSession(Session):
    """The same; `eval` and `run` of a tensor use it without being told."""

    def __init__(self, target="", graph=None, config=None):
        super().__init__(target, graph, config)
        self.turn()


def get_default_session():
    return Session.latest or Session()


# ------------------------------------------------------------------------------------------------------------ gradients


NO_GRADIENT = {"stop_gradient", "floor", "ceil", "round", "rint", "floor_divide", "floor_div", "less", "less_equal", "greater",
               "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not", "argmax", "argmin", "shape",
               "size", "rank", "zeros_like", "ones_like", "py_func", "shape_of", "size_of", "rank_of", "one_hot", "in_top_k",
               "isnan", "isinf", "isfinite", "argsort", "where_true", "unique", "sequence_mask", "random_like", "bernoulli"}
FLOATS = (ms.float16, ms.float32, ms.float64, ms.bfloat16, ms.complex64, ms.complex128)


def differentiable(tensor):
    return tensor.label not in NO_GRADIENT and (tensor.dtype is None or tensor.dtype in FLOATS)


def closure_of(outs, given, inside):
    """The function from the values of `given` and of the other tensors it needs to the outs; and those other tensors.

    `inside` tells which tensors belong to the function. Those that are in `given` and inside are shifted by what is given."""
    steps, outer, index = [], [], {t: i for i, t in enumerate(given)}
    order = ancestors(outs, [t for t in given if not inside(t)], waits=False)
    body = [t for t in order if inside(t)]
    for tensor in [u for t in body for u in t.inputs] + list(outs):
        if tensor not in index and not inside(tensor):
            index[tensor] = len(given) + len(outer)
            outer.append(tensor)
    count = len(given) + len(outer)
    for tensor in body:
        steps.append((tensor.traced(), tuple([index[t] for t in tensor.inputs])))
        if tensor in given:
            steps.append((add, (count + len(steps) - 1, index[tensor])))
        index[tensor] = count + len(steps) - 1
    places = tuple([index[t] for t in outs])
    steps = tuple(steps)

    def function(values):
        for apply, arguments in steps:
            values = values + [apply(*[values[i] for i in arguments])]
        return tuple([values[i] for i in places])

    return function, outer


LINEAR = {"add", "subtract", "neg", "negated", "sum_over", "mean_over", "reshaped", "reshape_to", "expand_dims", "squeeze", "turned", "concat",
          "stack", "item", "piece", "repeated", "tile", "padded", "getitem", "cut", "total", "biased", "deepcopy", "broadcast_to", "running"}
PRODUCTS = {"multiply", "matmul", "product"}


def linked(path, xs):
    """The tensors whose values the gradient along a path reads; for the others there is no gradient of it."""
    moving, found = path | set(xs), set()
    pending = []
    for tensor in path:
        inputs = [t for t in tensor.inputs if t in moving]
        if tensor.label in PRODUCTS:
            pending += [t for t in tensor.inputs if inputs != [t]]
        elif tensor.label not in LINEAR:
            pending += getattr(tensor, "links", tensor.inputs)
    while pending:
        tensor = pending.pop()
        if tensor not in found:
            found.add(tensor)
            pending += tensor.inputs if tensor in path else []
    return found


class Gradient(Deferred):
    """The gradients of the sum of ys, a tuple. `total` are those of the xs that other xs lead to."""

    def __init__(self, ys, xs, grad_ys, path):
        path = set(path)
        shifted = [x for x in xs if x in path]
        function, outer = closure_of(ys, xs, path.__contains__)
        cotangents = grad_ys if any(g is not None for g in grad_ys) else []
        cotangents = [ones_like(y) if g is None else g for y, g in zip(ys, cotangents)]
        self.shifts = [x in path for x in xs]
        super().__init__(gradient_function(function, len(xs), len(xs) + len(outer), len(ys)), [*xs, *outer, *cotangents],
                         "Gradient", xs[0].dtype)
        self.links = linked(path, xs).union(cotangents).intersection(self.inputs)  #: linked

    def compute(self, *values):
        values = list(values)
        for i, shift in enumerate(self.shifts):
            values[i] = ms.ops.zeros_like(values[i]) if shift else values[i].copy()
        return self.apply(*values)

    def traced(self):
        # A gradient inside a gradient is right when the inner one is compiled, anew for each that is taken of it.
        return ms.jit(shifted_by(self.apply, tuple(self.shifts)))


def shifted_by(gradient, shifts):
    def function(*values):
        start = [ms.ops.zeros_like(v) if shift else v for v, shift in zip(values, shifts)]
        return gradient(*start, *values[len(shifts):])

    return function


def gradient_function(function, count, end, outs):
    """The gradients of function with respect to its first `count` inputs, given those from `end` on as cotangents."""
    def gradient(*values):
        def forward(*xs):
            ys = function(list(xs) + list(values[count:end]))
            if outs == 1:
                return ys[0]
            return ys

        if end == len(values):
            return ms.ops.GradOperation(get_all=True)(forward)(*values[:count])
        if outs == 1:
            return ms.ops.GradOperation(get_all=True, sens_param=True)(forward)(*values[:count], values[end])
        return ms.ops.GradOperation(get_all=True, sens_param=True)(forward)(*values[:count], tuple(values[end:]))

    return gradient


def item(values, i):
    return values[i]


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def gradients(ys, xs, grad_ys=None, name="gradients", colocate_gradients_with_ops=False, gate_gradients=False,
              aggregation_method=None, stop_gradients=None, unconnected_gradients="none"):
    """The gradients of the sum of ys for each of xs; None for those that ys do not depend on."""
    ys, xs = [convert_to_tensor(y) for y in flatten([ys])], [convert_to_tensor(x) for x in as_list(xs)]
    grad_ys = [None] * len(ys) if grad_ys is None else [None if g is None else convert_to_tensor(g) for g in as_list(grad_ys)]
    fixed = set(as_list(stop_gradients)) if stop_gradients is not None else set()
    reached, path = {x for x in xs if x.dtype is None or x.dtype in FLOATS}, []
    order = ancestors(ys)
    for tensor in order:
        inputs = tensor.inputs
        inputs = getattr(tensor, "links", inputs)  #: linked
        if tensor not in fixed and differentiable(tensor) and not reached.isdisjoint(inputs):
            reached.add(tensor)
            path.append(tensor)
    useful, path_set = {y for y in ys if y in reached}, set(path)
    for tensor in reversed(order):
        inputs = tensor.inputs
        inputs = getattr(tensor, "links", inputs)  #: linked
        if tensor in useful and tensor in path_set:
            useful.update(t for t in inputs if t in reached)
    path = [t for t in path if t in useful]
    wanted = [x for x in dict.fromkeys(xs) if x in useful]
    looked_up = {x: lookups(x, ys, path) for x in wanted}  #: gather
    wanted += [t for found in looked_up.values() for t in found if t not in wanted]  #: gather
    found = {}
    if wanted:
        pairs = [(y, g) for y, g in zip(ys, grad_ys) if y in useful]
        both = Gradient([y for y, _ in pairs], wanted, [g for _, g in pairs], path)
        for i, x in enumerate(wanted):
            found[x] = node(item, both, i)
            found[x].dtype = x.dtype
        found.update({x: indexed_slices(x, rows, found) for x, rows in looked_up.items() if rows})  #: gather
    if str(unconnected_gradients).lower().endswith("zero"):
        return [found[x] if x in found else zeros_like(x) for x in xs]
    return [found.get(x) for x in xs]


class UnconnectedGradients:
    NONE = "none"
    ZERO = "zero"


def hessians(ys, xs, name="hessians", **options):
    """The matrices of second derivatives of the sum of ys for each of xs."""
    found = []
    for x in as_list(xs):
        shape = tuple(static_shape(x))
        count = math.prod(shape)
        gradient = reshape(gradients(ys, x)[0], [count])
        rows = [gradients(gradient[i], x)[0] for i in range(count)]
        found.append(reshape(stack(rows), shape + shape))
    return found


def stop_gradient(input, name=None):
    return node(ms.ops.stop_gradient, input)


# ------------------------------------------------------------------------------------------------------------ optimizers


class Optimizer:
    """Updates variables by an optimizer of MindSpore, which `make` makes from a list of parameters."""

    def __init__(self, make, learning_rate):
        self.make, self.learning_rate, self.made = make, learning_rate, {}
        graph.optimizers.append(self)

    def forget(self, variables):
        """Starts anew where all the variables of a step get their initial values."""
        for updated in list(self.made):
            if variables is None or set(updated) <= set(variables) or any(isinstance(v, Slots) and v.optimizer is self for v in variables):
                del self.made[updated]

    def variables(self):
        """What it remembers between steps, for an initializer."""
        return [Slots(self)]

    def get_name(self):
        return "Optimizer"

    def made_for(self, variables):
        """MindSpore's optimizer of these variables. It knows no float64: those are followed by float32 copies."""
        if variables not in self.made:
            weights = [v.parameter if v.dtype != ms.float64 else ms.Parameter(v.parameter.astype(ms.float32), name=v.parameter.name) for v in variables]
            made = self.make(weights, 0.1 if isinstance(self.learning_rate, Deferred) else self.learning_rate)
            for _, other in self.made.values():  #: AdamOptimizer
                made.beta1_power, made.beta2_power = other.beta1_power, other.beta2_power  #: AdamOptimizer
            self.made[variables] = weights, made
        return self.made[variables]

    def minimize(self, loss, global_step=None, var_list=None, gate_gradients=1, aggregation_method=None,
                 colocate_gradients_with_ops=False, name=None, grad_loss=None):
        return self.apply_gradients(self.compute_gradients(loss, var_list, grad_loss=grad_loss), global_step)

    def compute_gradients(self, loss, var_list=None, gate_gradients=1, aggregation_method=None,
                          colocate_gradients_with_ops=False, grad_loss=None):
        variables = list(var_list) if var_list is not None else trainable_variables()
        return list(zip(gradients(loss, variables, grad_loss), variables))

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        return Update(self, [(g, v) for g, v in grads_and_vars if g is not None], global_step)


class Slots:
    """What an optimizer remembers between steps."""

    def __init__(self, optimizer):
        self.optimizer, self.name = optimizer, "Slots:0"


class Update(Action):
    """One step of an optimizer."""

    def __init__(self, optimizer, pairs, global_step):
        rate = optimizer.learning_rate
        self.varying = isinstance(rate, Deferred)
        named = []
        named = [g.indices for g, _ in pairs if isinstance(g, IndexedSlices)]  #: gather
        super().__init__(None, [convert_to_tensor(g) for g, _ in pairs] + named + ([rate] if self.varying else []), "Update")
        self.given, self.variables, self.global_step = optimizer, tuple([v for _, v in pairs]), global_step
        self.looked_up = [v for g, v in pairs if isinstance(g, IndexedSlices)]  #: gather

    def compute(self, *values):
        weights, optimizer = self.given.made_for(self.variables)
        if self.varying:
            ms.ops.assign(optimizer.learning_rate, values[-1].astype(ms.float32))
        kept = other_rows(optimizer, self.looked_up, values[len(self.variables):])  #: gather
        before = [w.asnumpy().astype(np.float64) if w is not v.parameter else None for v, w in zip(self.variables, weights)]
        optimizer(tuple([g.astype(w.dtype) for w, g in zip(weights, values)]))
        for variable, weight, old in zip(self.variables, weights, before):
            if old is not None:
                put(variable.parameter, ms.Tensor(variable.parameter.asnumpy() + (weight.asnumpy() - old)))
                put(weight, variable.parameter.astype(ms.float32))
        for parameter, rows, before in kept:  #: gather
            ms.ops.assign(parameter, ms.Tensor(np.where(rows, before, parameter.asnumpy())))  #: gather
        if self.global_step is not None:
            put(self.global_step.parameter, self.global_step.read() + 1)


def GradientDescentOptimizer(learning_rate, use_locking=False, name=None):
    return Optimizer(lambda weights, rate: nn.SGD(weights, rate), learning_rate)


def MomentumOptimizer(learning_rate, momentum, use_locking=False, name=None, use_nesterov=False):
    if use_nesterov:
        return Optimizer(lambda weights, rate: nn.SGD(weights, rate, momentum, nesterov=True), learning_rate)
    return Optimizer(lambda weights, rate: nn.Momentum(weights, rate, momentum), learning_rate)


def AdamOptimizer(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name=None):
    return Optimizer(lambda weights, rate: nn.Adam(weights, rate, max(beta1, 1e-30), beta2, epsilon), learning_rate)


def RMSPropOptimizer(learning_rate, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, centered=False, name=None):
    return Optimizer(lambda weights, rate: nn.RMSProp(weights, rate, decay, momentum, epsilon, centered=centered), learning_rate)


def AdagradOptimizer(learning_rate, initial_accumulator_value=0.1, use_locking=False, name=None):
    return Optimizer(lambda weights, rate: nn.Adagrad(weights, initial_accumulator_value, rate), learning_rate)


def AdadeltaOptimizer(learning_rate=0.001, rho=0.95, epsilon=1e-8, use_locking=False, name=None):
    return Optimizer(lambda weights, rate: nn.Adadelta(weights, rate, rho, epsilon), learning_rate)


def FtrlOptimizer(learning_rate, learning_rate_power=-0.5, initial_accumulator_value=0.1, l1_regularization_strength=0.0,
                  l2_regularization_strength=0.0, use_locking=False, name=None):
    return Optimizer(lambda weights, rate: nn.FTRL(weights, initial_accumulator_value, rate, learning_rate_power, l1=l1_regularization_strength,
                                                   l2=l2_regularization_strength), learning_rate)


def rate_after(rule, learning_rate, global_step, *values):
    """A learning rate that follows the step; what `rule` takes after rate and step may be tensors too."""
    found = node(rule, convert_to_tensor(learning_rate, ms.float32), cast(global_step, ms.float32), *[convert_to_tensor(v, ms.float32) for v in values])
    found.dtype = ms.float32
    return found


def exponential_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    def rule(rate, step, steps, factor):
        turns = step / steps
        return rate * ms.ops.pow(factor, ms.ops.floor(turns) if staircase else turns)

    return rate_after(rule, learning_rate, global_step, decay_steps, decay_rate)


def natural_exp_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    def rule(rate, step, steps, factor):
        turns = step / steps
        return rate * ms.ops.exp(-factor * (ms.ops.floor(turns) if staircase else turns))

    return rate_after(rule, learning_rate, global_step, decay_steps, decay_rate)


def inverse_time_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    def rule(rate, step, steps, factor):
        turns = step / steps
        return rate / (1 + factor * (ms.ops.floor(turns) if staircase else turns))

    return rate_after(rule, learning_rate, global_step, decay_steps, decay_rate)


def polynomial_decay(learning_rate, global_step, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False, name=None):
    def rule(rate, step, steps, end):
        if cycle:
            steps = steps * ms.ops.maximum(ms.ops.ceil(step / steps), 1.0)
        return (rate - end) * ms.ops.pow(1 - ms.ops.minimum(step, steps) / steps, power) + end

    return rate_after(rule, learning_rate, global_step, decay_steps, end_learning_rate)


def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0, name=None):
    def rule(rate, step, steps):
        return rate * ((1 - alpha) * 0.5 * (1 + ms.ops.cos(math.pi * ms.ops.minimum(step, steps) / steps)) + alpha)

    return rate_after(rule, learning_rate, global_step, decay_steps)


def piecewise_constant(x, boundaries, values, name=None):
    """The first of the values while x is at most the first boundary, and so on; the last value beyond the last boundary."""
    found = convert_to_tensor(values[-1])
    for boundary, value in reversed(list(zip(boundaries, values))):
        found = where(convert_to_tensor(x) <= boundary, convert_to_tensor(value), found)
    return found


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    return node(ms.ops.clamp, convert_to_tensor(t), clip_value_min, clip_value_max)


def global_norm(t_list, name=None):
    """The norm of all the tensors together; None entries do not count."""
    t_list = [t.values if isinstance(t, IndexedSlices) else t for t in t_list]  #: gather
    def norm(*values):
        return ms.ops.sqrt(sum([ms.ops.sum(v * v) for v in values]))

    return node(norm, *[t for t in t_list if t is not None])


def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """The tensors scaled down to a norm of at most clip_norm, and their norm before."""
    total = global_norm(t_list) if use_norm is None else use_norm

    def scaled(t, clip, norm):
        return t * (clip / ms.ops.maximum(norm, clip))

    limit = convert_to_tensor(clip_norm, ms.float32)
    clipped = [None if t is None else node(scaled, t, limit, total) for t in t_list]
    for i, t in enumerate(t_list):  #: gather
        if isinstance(t, IndexedSlices):  #: gather
            clipped[i] = IndexedSlices(node(scaled, t.values, limit, total), t.indices, t.dense_shape, clipped[i])  #: gather
    return clipped, total


def clip_by_norm(t, clip_norm, axes=None, name=None):
    def scaled(t, limit):
        norm = ms.ops.sqrt(ms.ops.sum(t * t, axes, True))
        return t * limit / ms.ops.maximum(norm, limit)

    return node(scaled, convert_to_tensor(t), clip_norm)


# ---------------------------------------------------------------------------------------------------------- control flow


class Local(Deferred):
    """A tensor that stands for a value inside a loop."""

    def __init__(self, like):
        super().__init__(None, [], "Local", like.dtype)
        self.like = like


def traced_call(fn, *arguments):
    """What fn gives for tensors, and the test for tensors made meanwhile."""
    start = Deferred.serial
    outs = fn(*arguments)
    return outs, lambda t: t.serial > start and not isinstance(t, (Local, Variable, Placeholder))


def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
    """What true_fn gives where pred is true, and what false_fn gives otherwise; only one is computed."""
    yes, inside_yes = traced_call(true_fn or fn1)
    no, inside_no = traced_call(false_fn or fn2)
    flat_yes, flat_no = [convert_to_tensor(t) for t in flatten(yes)], [convert_to_tensor(t) for t in flatten(no)]
    if isinstance(flat_yes[0], Action):
        return Choice(pred, flat_yes, flat_no)
    yes_function, yes_outer = closure_of(flat_yes, [], inside_yes)
    no_function, no_outer = closure_of(flat_no, [], inside_no)
    count = len(yes_outer)

    def choose(pred, *values):
        if pred:
            return yes_function(list(values[:count]))
        return no_function(list(values[count:]))

    both = Deferred(choose, [convert_to_tensor(pred), *yes_outer, *no_outer], "cond", flat_yes[0].dtype)
    actions = [[t for t in ancestors(flat) if isinstance(t, Action) and inside(t)] for flat, inside in ((flat_yes, inside_yes), (flat_no, inside_no))]
    if any(actions):
        both.after = [*both.after, Choice(pred, *actions)]
    outs = [node(item, both, i) for i in range(len(flat_yes))]
    return packed(yes, iter(outs))


class Choice(Action):
    """Does one of two operations."""

    def __init__(self, pred, yes, no):
        super().__init__(None, [pred], "cond")
        self.yes, self.no, self.known = yes, no, {}

    def compute(self, pred):
        evaluate(self.yes if pred else self.no, self.known)


def standing(local):
    """What a loop's functions are given for a loop variable."""
    if isinstance(local.like, TensorArray):  #: TensorArray
        return as_array(node(unchanged, local), local.like)  #: TensorArray
    return local


def unchanged(value):
    return value


def while_loop(cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
               name=None, maximum_iterations=None, return_same_structure=False):
    """The loop variables after body has been applied as long as cond holds."""
    start = [convert_to_tensor(t) for t in flatten(loop_vars)]
    inner = [Local(t) for t in start]
    test, inside_test = traced_call(lambda: cond(*packed(loop_vars, map(standing, inner))))
    new, inside_new = traced_call(lambda: body(*packed(loop_vars, map(standing, inner))))
    test_function, test_outer = closure_of([convert_to_tensor(test)], inner, inside_test)
    new_function, new_outer = closure_of([convert_to_tensor(t) for t in flatten(new)], inner, inside_new)
    count, middle = len(start), len(start) + len(test_outer)

    limit = [] if maximum_iterations is None else [convert_to_tensor(maximum_iterations)]

    def loop(*values):
        left = math.inf if maximum_iterations is None else int(values[-1])
        around = values[count:len(values) - len(limit)]
        state, around_test, around_new = list(values[:count]), list(around[:middle - count]), list(around[middle - count:])
        while left > 0 and test_function(state + around_test)[0]:
            state, left = list(new_function(state + around_new)), left - 1
        return tuple(state)

    both = Deferred(loop, [*start, *test_outer, *new_outer, *limit], "while", ms.float32)
    outs = []
    for i, t in enumerate(start):
        outs.append(node(item, both, i))
        outs[-1].dtype = t.dtype
        if isinstance(t, TensorArray):  #: TensorArray
            outs[-1] = as_array(outs[-1], t)  #: TensorArray
    found = packed(loop_vars, iter(outs))
    return found[0] if len(outs) == 1 and not return_same_structure else found


def map_fn(fn, elems, dtype=None, parallel_iterations=None, back_prop=True, swap_memory=False, infer_shape=True, name=None):
    """fn applied to each part of elems along the first axis."""
    start = [convert_to_tensor(t) for t in flatten(elems)]
    inner = [Local(t[0]) for t in start]
    outs, inside = traced_call(fn, packed(elems, iter(inner)) if isinstance(elems, (list, tuple)) else inner[0])
    flat = [convert_to_tensor(t) for t in flatten(outs)]
    function, outer = closure_of(flat, inner, inside)
    count = len(start)

    def mapped(*values):
        parts = [function([v[i] for v in values[:count]] + list(values[count:])) for i in range(values[0].shape[0])]
        return tuple([ms.ops.stack([p[k] for p in parts]) for k in range(len(parts[0]))])

    both = Deferred(mapped, [*start, *outer], "map", flat[0].dtype)
    return packed(outs, iter([node(item, both, i) for i in range(len(flat))]))


def scan(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, infer_shape=True,
         reverse=False, name=None, last_only=False):
    """All the results of fn(result so far, part of elems) along the first axis."""
    start = [convert_to_tensor(t) for t in flatten(elems)]
    first = [convert_to_tensor(t) for t in flatten(initializer)] if initializer is not None else [t[-1 if reverse else 0] for t in start]
    skip = 0 if initializer is not None else 1
    carried, inner = [Local(t) for t in first], [Local(t[0]) for t in start]
    state = carried[0] if not isinstance(initializer, (list, tuple)) else packed(initializer, iter(carried))
    outs, inside = traced_call(fn, state, packed(elems, iter(inner)) if isinstance(elems, (list, tuple)) else inner[0])
    flat = [convert_to_tensor(t) for t in flatten(outs)]
    function, outer = closure_of(flat, carried + inner, inside)
    count, many = len(first), len(start)

    def scanned(*values):
        now, parts, around = list(values[:count]), values[count:count + many], list(values[count + many:])
        results = [now] if skip else []
        size = parts[0].shape[0]
        places = list(range(size - skip) if reverse else range(skip, size))
        for i in reversed(places) if reverse else places:
            now = list(function(now + [p[i] for p in parts] + around))
            results.append(now)
        if last_only:
            return tuple(now)
        results = results[::-1] if reverse else results
        return tuple([ms.ops.stack([r[k] for r in results]) for k in range(count)])

    both = Deferred(scanned, [*first, *start, *outer], "scan", first[0].dtype)
    return packed(outs, iter([node(item, both, i) for i in range(len(flat))]))


def foldl(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    return scan(fn, elems, initializer, last_only=True)


def foldr(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    return scan(fn, elems, initializer, reverse=True, last_only=True)


def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if default is None:
        default = pairs.pop()[1]
    for pred, fn in reversed(pairs):
        default = chosen(pred, fn, default)
    return default()


def chosen(pred, fn, default):
    return lambda: cond(pred, fn, default)


def custom_gradient(f):
    """f gives a value and the function from its cotangent to those of the inputs."""
    def apply(*inputs):
        inner = [Local(convert_to_tensor(t)) for t in inputs]
        (value, grad), inside = traced_call(f, *inner)
        function, outer = closure_of([convert_to_tensor(value)], inner, inside)
        cotangent = Local(value)
        back, inside_back = traced_call(grad, cotangent)
        back = [convert_to_tensor(t) for t in as_list(back)]
        inside_both = lambda t: inside(t) or inside_back(t)
        back_function, back_outer = closure_of(back, [*inner, cotangent], inside_both)
        count, middle = len(inner), len(inner) + len(outer)

        class Custom(nn.Cell):
            def construct(self, *values):
                return function(list(values[:middle]))[0]

            def bprop(self, *values):
                xs, dout = values[:count], values[-1]
                return (*back_function([*xs, dout, *values[middle:-2]]),
                        *[ms.ops.zeros_like(v) for v in values[count:-2]])

        return Deferred(Custom(), [*map(convert_to_tensor, inputs), *outer, *back_outer], "custom")

    return apply


def py_func(func, inp, Tout, stateful=True, name=None):
    def call(*values):
        found = func(*[v.asnumpy() for v in values])
        return tuple([ms.Tensor(np.asarray(f), t) for f, t in zip(found, Tout)]) if isinstance(Tout, (list, tuple)) \
            else ms.Tensor(np.asarray(found), Tout)

    found = node(call, *inp)
    found.label = "py_func"
    return [node(item, found, i) for i in range(len(Tout))] if isinstance(Tout, (list, tuple)) else found
