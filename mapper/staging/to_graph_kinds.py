"""What MindSpore's own functions, methods and layers return: a tensor, several, host data, or a callable."""

from __future__ import annotations

import ast

from mapper.staging.to_graph_values import (
    ARRAY,
    FLOAT,
    HOST,
    TENSOR,
    UPDATE,
    GradFunction,
    GradOperation,
    Host,
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
    join_all,
)

OPTIMIZERS = {"SGD", "Momentum", "Adam", "AdamWeightDecay", "RMSProp", "Adagrad", "FTRL", "ProximalAdagrad", "Lamb",
              "LazyAdam", "AdaMax", "ASGD", "Rprop", "Adadelta", "LARS", "AdamOffload"}
GRAD_FORMS = {"ms.grad": "grad", "ms.value_and_grad": "value_and_grad", "ms.jacrev": "jacobian",
              "ms.jacfwd": "jacobian", "ops.derivative": "derivative"}
SEVERAL = {"split", "Split", "unstack", "Unstack", "Unpack", "unbind", "chunk", "meshgrid", "Meshgrid", "topk", "TopK",
           "tensor_split", "hsplit", "vsplit", "ArgMaxWithValue", "ArgMinWithValue", "max_with_index", "unique",
           "Unique", "svd", "qr", "max", "min", "LayerNorm", "slogdet", "sort", "Sort", "SoftmaxCrossEntropyWithLogits_", "cummax", "cummin"}
HOST_OPS = {"shape", "Shape", "dtype", "DType", "rank", "Rank", "size", "Size", "is_tensor", "isinstance_",
            "ScalarToTensor_", "typeof", "print_"}
MAPS = {"HyperMap", "Map"}
TENSOR_TO_HOST = {"asnumpy", "item", "tolist", "numpy", "asnumpy_of_slice_persistent"}
TENSOR_HOST_ATTRIBUTES = {"shape", "dtype", "ndim", "size", "itemsize", "nbytes", "name", "strides", "has_init",
                          "requires_grad", "layerwise_parallel"}
TENSOR_HOST_METHODS = {"dim", "ndimension", "numel", "is_floating_point", "is_complex", "is_contiguous", "dtype"}
TENSOR_SEVERAL = {"split", "unbind", "chunk", "topk", "tensor_split", "sort", "svd"}
UPDATES = {"ops.assign", "ops.assign_add", "ops.assign_sub"}
UPDATE_PRIMITIVES = {"Assign", "AssignAdd", "AssignSub", "ScatterUpdate", "ScatterAdd"}
PARAMETER_LISTS = {"trainable_params", "get_parameters", "untrainable_params", "parameters_broadcast_dict"}
FLOAT_TYPES = {"float16", "float32", "float64", "bfloat16"}


def dtype_name(canonical: str | None) -> str | None:
    """`float32` for ms.float32, np.float32; None for anything else."""
    if canonical is None or "." not in canonical:
        return None
    root, _, name = canonical.rpartition(".")
    known = {"float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16",
             "uint32", "uint64", "bool_", "complex64", "complex128"}
    return name if root in ("ms", "np", "tf", "ms.numpy") and name in known else None


def api_call(name: str, call: ast.Call, args: list[Value | None], keywords: dict[str, Value | None]) -> Value | None:
    """What a call of the framework (or of NumPy, …) by canonical name gives."""
    root, _, short = name.rpartition(".")
    if name == "ms.Tensor":
        return Tensor(_dtype_argument(args, keywords) or tensor_dtype(args[0] if args else keywords.get("input_data")))
    if name == "ms.Parameter":
        return Param()
    if name in ("ms.ParameterTuple",):
        return Seq(element=Param())
    if name == "ops.GradOperation":
        return GradOperation(_options(call, args, keywords), call)
    if name in GRAD_FORMS:
        return GradFunction(GRAD_FORMS[name], args[0] if args else keywords.get("fn"), call)
    if name in ("ms.vjp", "ms.jvp"):
        return Seq(items=(TENSOR, GradFunction("pullback", args[0] if args else None, call))) if name == "ms.vjp" \
            else Seq(items=(TENSOR, TENSOR))
    if name in ("ms.jit", "ms.ms_function"):
        return args[0] if args else HOST
    if name in ("functools.partial", "ops.partial", "ops.Partial"):
        return Partial(args[0], tuple(args[1:])) if args else HOST
    if name == "ops.MultitypeFuncGraph":
        return MultiFunction(call)
    if name in ("ms.common.initializer.initializer",):
        return TENSOR
    if root == "ms.common.initializer":
        return HOST
    if root == "nn":
        return _nn_call(short, call, args, keywords)
    if root == "ops":
        return _ops_call(short, call, args)
    if root == "ms.numpy":
        return _numpy_like(short, args, keywords)
    if root.split(".")[0] in ("ops",):
        return TENSOR
    if name.startswith(("np.", "numpy.")):
        return _numpy_call(short, args, keywords)
    if name.startswith("math."):
        return FLOAT
    return HOST


def handed_on(name: str) -> Value:
    """What a function of the framework gives that is called by others: by a map, by a helper of the program."""
    root, _, short = name.rpartition(".")
    if name in UPDATES:
        return UPDATE
    return TENSOR if root == "ops" and short[:1].islower() and short not in HOST_OPS | SEVERAL else HOST


def _numpy_like(short: str, args: list[Value | None], keywords: dict[str, Value | None]) -> Value:
    """A function of mindspore.numpy."""
    if short in ("shape", "ndim", "size"):
        return HOST
    if short in ("split", "meshgrid", "unique"):
        return Seq(element=TENSOR)
    named = next((d for d in (dtype_of(v) for v in [*args[1:], *keywords.values()]) if d is not None), None)
    return Tensor(named or tensor_dtype(args[0] if args and short in ("array", "asarray") else None))


# The attributes that a cell of the framework gives a class derived from it: from its arguments, and of its own.
FRAMEWORK_PARTS = {
    "nn.TrainOneStepCell": (("network", "optimizer", "sens"), ("network", "optimizer", "sens")),
    "nn.WithLossCell": (("_backbone", "_loss_fn"), ("backbone", "loss_fn")),
}


def framework_attribute(bases: set[str], name: str) -> Value | None:
    """What a class has from a training cell of the framework."""
    if "nn.TrainOneStepCell" in bases:
        known: dict[str, Value] = {"weights": Seq(element=Param()), "grad": GradOperation((False, True, True)), "sens": FLOAT,
                                   "reducer_flag": Host(known=True, literal=False), "grad_reducer": Module("ops.identity")}
        return known.get(name)
    return None


def _is_array(value: Value | None) -> bool:
    return isinstance(value, Host) and value.array


_FLOAT64_MAKERS = {"randn", "rand", "normal", "uniform", "random", "random_sample", "standard_normal", "linspace", "sample",
                   "exponential", "gamma", "beta", "laplace", "logspace"}
_INT64_MAKERS = {"randint", "argmax", "argmin", "argsort", "nonzero", "integers"}
_KEEPS_DTYPE = {"reshape", "transpose", "sum", "max", "min", "copy", "squeeze", "flatten", "ravel", "repeat", "clip", "cumsum",
                "dot", "swapaxes", "take", "concatenate", "stack", "vstack", "hstack", "tile", "expand_dims", "abs", "maximum",
                "minimum", "matmul", "zeros_like", "ones_like", "sort", "roll", "flip", "ascontiguousarray", "asarray", "array"}
_FLOATS = {"mean", "std", "var", "exp", "log", "sqrt", "sin", "cos", "tanh", "tan", "log1p", "expm1", "sinh", "cosh"}


def _numpy_call(short: str, args: list[Value | None], keywords: dict[str, Value | None]) -> Value:
    """A function of NumPy: an array (or NumPy scalar) of the dtype that follows from its arguments."""
    first = args[0] if args else None
    named = dtype_of(keywords.get("dtype"))
    if named is None and short in ("array", "asarray", "zeros", "ones", "arange", "zeros_like", "ones_like"):
        named = next((d for d in map(dtype_of, args[1:]) if d is not None), None)
    if named is None and short == "full" and len(args) > 2:
        named = dtype_of(args[2])
    if short in ("float32", "float64", "int32", "int64", "float16"):
        return Host(array=_is_array(first) or isinstance(first, Seq), floating=short.startswith("float") and not _is_array(first), dtype=short)
    if short in ("sqrt",) and not any(_is_array(a) for a in args):
        return FLOAT
    if named is not None:
        return Host(array=True, dtype=named)
    if short in _FLOAT64_MAKERS or short in ("zeros", "ones", "eye"):
        return Host(array=True, dtype="float64")
    if short in _INT64_MAKERS:
        return Host(array=True, dtype="int64")
    if short == "arange":
        return Host(array=True, dtype="float64" if any(isinstance(a, Host) and a.floating for a in args) else
                    "int64" if all(isinstance(a, Host) and isinstance(a.literal, int) for a in args) else None)
    if short in _KEEPS_DTYPE:
        return Host(array=True, dtype=array_dtype(first))
    if short in _FLOATS and isinstance(first, Host) and first.dtype in FLOAT_TYPES:
        return Host(array=True, dtype=first.dtype)
    return ARRAY


def dtype_of(value: Value | None) -> str | None:
    """The dtype that an argument names: np.float32, ms.float32, "float32", float, int."""
    if isinstance(value, Module):
        builtin = {"builtins.float": "float64", "builtins.int": "int64", "builtins.bool": "bool_"}
        return builtin.get(value.name) or dtype_name(value.name)
    if isinstance(value, Host) and isinstance(value.literal, str):
        return dtype_name(f"np.{value.literal}")
    return None


def array_dtype(value: Value | None) -> str | None:
    """The dtype of np.array(value)."""
    if isinstance(value, Seq):
        found = {array_dtype(v) for v in (value.items if value.items is not None else (value.element,))}
        return found.pop() if len(found) == 1 else "float64" if found == {"float64", "int64"} else None
    if isinstance(value, Host):
        if value.array or value.dtype:
            return value.dtype
        if isinstance(value.literal, bool):
            return "bool_"
        return "int64" if isinstance(value.literal, int) else "float64" if value.floating else None
    return None


def tensor_dtype(value: Value | None) -> str | None:
    """The dtype of Tensor(value): Python floats give float32, arrays keep theirs."""
    found = array_dtype(value)
    if found == "float64" and not (isinstance(value, Host) and (value.array or value.dtype)) and not _holds_arrays(value):
        return "float32"
    return found if not isinstance(value, Tensor) else value.dtype


def _holds_arrays(value: Value | None) -> bool:
    return isinstance(value, Host) and (value.array or value.dtype is not None) or isinstance(value, Seq) and any(
        _holds_arrays(v) for v in (value.items if value.items is not None else (value.element,)))


def host_attribute(of: Host, name: str) -> Value:
    """An attribute of host data: of an array, or of something unknown."""
    if not of.array:
        return HOST
    if name in ("T", "real", "imag"):
        return of
    if name == "shape":
        return Seq(element=HOST)
    return HOST if name in ("size", "ndim", "dtype", "nbytes") else Method(of, name)


def host_method(of: Host, name: str, args: list[Value | None], keywords: dict[str, Value | None]) -> Value:
    """A method of an array (or of a random generator, which passes for one)."""
    if name == "astype":
        return Host(array=True, dtype=dtype_of(args[0] if args else keywords.get("dtype")))
    if name in ("item", "tolist"):
        return FLOAT if of.dtype in FLOAT_TYPES and name == "item" else HOST
    if name in _FLOAT64_MAKERS:
        return Host(array=True, dtype="float64")
    if name in _INT64_MAKERS:
        return Host(array=True, dtype="int64")
    if name in _KEEPS_DTYPE or name in ("mean", "std", "var") and of.dtype in FLOAT_TYPES:
        return Host(array=True, dtype=of.dtype)
    return ARRAY if name not in ("copy",) else of


def _dtype_argument(args: list[Value | None], keywords: dict[str, Value | None]) -> str | None:
    given = args[1] if len(args) > 1 else keywords.get("dtype")
    return dtype_name(given.name) if isinstance(given, Module) else None


def _options(call: ast.Call, args: list[Value | None],
             keywords: dict[str, Value | None]) -> tuple[bool, bool, bool] | None:
    values: list[bool] = []
    for i, key in enumerate(("get_all", "get_by_list", "sens_param")):
        given = args[i] if i < len(args) else keywords.get(key)
        if i >= len(args) and key not in keywords:
            values.append(False)
        elif isinstance(given, Host) and given.known and isinstance(given.literal, bool):
            values.append(given.literal)
        else:
            return None
    if any(k.arg is None for k in call.keywords):
        return None
    return values[0], values[1], values[2]


def _nn_call(short: str, call: ast.Call, args: list[Value | None], keywords: dict[str, Value | None]) -> Value:
    if short in OPTIMIZERS:
        return Optimizer(f"nn.{short}", call)
    if short == "CellList":
        return Seq(element=join_all(a.each() if isinstance(a, Seq) else a for a in args), tuple_=False)
    if short and short[0].islower():
        return Seq(element=FLOAT, tuple_=False) if short.endswith("_lr") else HOST
    inner: list[Value | None] = []
    for a in args:
        inner += list(a.items) if isinstance(a, Seq) and a.items is not None else [a.each()] if isinstance(a, Seq) \
            else [a]
    return Layer(f"nn.{short}", call, tuple(inner))


def _ops_call(short: str, call: ast.Call, args: list[Value | None]) -> Value | None:
    if short in MAPS or (short[:1].isupper()):
        return Layer(f"ops.{short}", call, tuple(args))
    if f"ops.{short}" in UPDATES:
        return UPDATE
    if short in HOST_OPS:
        return HOST
    if short in SEVERAL:
        return Seq(element=TENSOR)
    if short == "clip_by_global_norm" or (short == "clip_by_value" and args and isinstance(args[0], Seq)):
        return args[0] if args else Seq(element=TENSOR)
    if short == "clip_by_norm" and args and isinstance(args[0], Seq):
        return args[0]
    if short in ("depend", "stop_gradient", "identity"):
        return args[0] if args else TENSOR
    return Tensor("int64") if short in ("argmax", "argmin") else TENSOR


def layer_call(layer: Layer, args: list[Value | None]) -> Value | None:
    """What calling a framework cell or primitive gives."""
    short = layer.name.rpartition(".")[2]
    if layer.name.startswith("ops."):
        if short in HOST_OPS:
            return HOST
        if short in SEVERAL:
            return Seq(element=TENSOR)
        if short in UPDATE_PRIMITIVES:
            return UPDATE
        if short == "Depend" and args:
            return args[0]
        if short == "SoftmaxCrossEntropyWithLogits":
            return Seq(items=(TENSOR, TENSOR))
        if short in ("IsInstance",):
            return HOST
        return TENSOR
    if short in ("LSTM", "GRU", "RNN"):
        return Seq(items=(TENSOR, TENSOR))
    if short == "ClipByNorm":
        return TENSOR
    return TENSOR


def tensor_attribute(of: Value, name: str) -> Value | None:
    """An attribute of a tensor that is not called."""
    if name in TENSOR_HOST_ATTRIBUTES:
        return Seq(element=HOST) if name in ("shape", "strides") else HOST
    if name == "data":
        return of
    if name in ("T", "mT", "H", "real", "imag", "grad"):
        return TENSOR
    return None


def tensor_method(name: str) -> Value:
    if name in TENSOR_TO_HOST:
        return ARRAY if name in ("asnumpy", "numpy") else HOST
    if name in TENSOR_HOST_METHODS:
        return HOST
    if name in ("set_data", "assign_value"):
        return UPDATE
    if name in TENSOR_SEVERAL:
        return Seq(element=TENSOR)
    return Tensor("int64") if name in ("argmax", "argmin") else TENSOR


def binary(left: Value | None, right: Value | None, operator: ast.operator) -> Value | None:
    """The kind of `left op right`."""
    if isinstance(left, Seq) and isinstance(right, Seq) and isinstance(operator, ast.Add):
        if left.items is not None and right.items is not None:
            return Seq(items=left.items + right.items, tuple_=left.tuple_)
        return Seq(element=join_all((left.each(), right.each())), tuple_=left.tuple_)
    if isinstance(left, Seq) and isinstance(operator, ast.Mult):
        return Seq(element=left.each(), tuple_=left.tuple_)
    if is_tensor(left) or is_tensor(right):
        dtypes = {v.dtype for side in (left, right) for v in alternatives(side) if isinstance(v, Tensor)}
        return Tensor(dtypes.pop() if len(dtypes) == 1 else None)
    if left is None or right is None:
        return left or right
    if isinstance(left, Host) and isinstance(right, Host):
        if left.known and right.known:
            return _fold(left.literal, right.literal, operator)
        return Host(array=left.array or right.array,
                    floating=left.floating or right.floating or isinstance(operator, ast.Div) or _float(left)
                    or _float(right), dtype=_binary_dtype(left, right, operator))
    return HOST if not (has_tensor(left) or has_tensor(right)) else TENSOR


def _binary_dtype(left: Host, right: Host, operator: ast.operator) -> str | None:
    arrays = [v for v in (left, right) if v.array or v.dtype]
    if not arrays or any(v.dtype is None for v in arrays):
        return None
    dtypes = {v.dtype for v in arrays}
    if len(arrays) == 2:
        return dtypes.pop() if len(dtypes) == 1 and (arrays[0].dtype in FLOAT_TYPES or not isinstance(operator, ast.Div)) else None
    other = right if arrays[0] is left else left
    if arrays[0].dtype in FLOAT_TYPES:
        return arrays[0].dtype
    return "float64" if other.floating or isinstance(operator, ast.Div) else arrays[0].dtype


def _float(value: Host) -> bool:
    return isinstance(value.literal, float)


def _fold(a: object, b: object, operator: ast.operator) -> Host:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return Host(floating=isinstance(a, float) or isinstance(b, float) or isinstance(operator, ast.Div))
    return HOST
