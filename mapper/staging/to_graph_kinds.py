"""What MindSpore's own functions, methods and layers return: a tensor, several, host data, or a callable."""

from __future__ import annotations

import ast

from mapper.staging.to_graph_values import (
    ARRAY, FLOAT, HOST, TENSOR, UPDATE, GradFunction, GradOperation, Host, Layer, Module, MultiFunction, Optimizer,
    Param, Partial, Seq, Tensor, Value, alternatives, has_tensor, is_tensor, join_all,
)

OPTIMIZERS = {"SGD", "Momentum", "Adam", "AdamWeightDecay", "RMSProp", "Adagrad", "FTRL", "ProximalAdagrad", "Lamb",
              "LazyAdam", "AdaMax", "ASGD", "Rprop", "Adadelta", "LARS", "AdamOffload"}
GRAD_FORMS = {"ms.grad": "grad", "ms.value_and_grad": "value_and_grad", "ms.jacrev": "jacobian",
              "ms.jacfwd": "jacobian", "ops.derivative": "derivative"}
SEVERAL = {"split", "Split", "unstack", "Unstack", "Unpack", "unbind", "chunk", "meshgrid", "Meshgrid", "topk", "TopK",
           "tensor_split", "hsplit", "vsplit", "ArgMaxWithValue", "ArgMinWithValue", "max_with_index", "unique",
           "Unique", "svd", "qr", "slogdet", "sort", "Sort", "SoftmaxCrossEntropyWithLogits_", "cummax", "cummin"}
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
    return name if root in ("ms", "np", "tf") and name in known else None


def api_call(name: str, call: ast.Call, args: list[Value | None], keywords: dict[str, Value | None]) -> Value | None:
    """What a call of the framework (or of NumPy, …) by canonical name gives."""
    root, _, short = name.rpartition(".")
    if name == "ms.Tensor":
        return Tensor(_dtype_argument(args, keywords))
    if name == "ms.Parameter":
        return Param()
    if name in ("ms.ParameterTuple",):
        return Seq(element=Param())
    if name == "ops.GradOperation":
        return GradOperation(_options(call, args, keywords))
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
        return TENSOR
    if root.split(".")[0] in ("ops",):
        return TENSOR
    if name.startswith(("np.", "numpy.")):
        return FLOAT if short in ("float32", "float64", "sqrt") and not any(_is_array(a) for a in args) else ARRAY
    if name.startswith("math."):
        return FLOAT
    return HOST


def _is_array(value: Value | None) -> bool:
    return isinstance(value, Host) and value.array


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
        return HOST
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
        return args[0]
    if short == "clip_by_norm" and args and isinstance(args[0], Seq):
        return args[0]
    if short in ("depend", "stop_gradient", "identity"):
        return args[0] if args else TENSOR
    return TENSOR


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
    if name in ("T", "mT", "H", "real", "imag", "value", "data", "grad"):
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
    return TENSOR


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
                    or _float(right))
    return HOST if not (has_tensor(left) or has_tensor(right)) else TENSOR


def _float(value: Host) -> bool:
    return isinstance(value.literal, float)


def _fold(a: object, b: object, operator: ast.operator) -> Host:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return Host(floating=isinstance(a, float) or isinstance(b, float) or isinstance(operator, ast.Div))
    return HOST
