"""TensorFlow calls as MindSpore calls on values, for code whose functions are known: `tf.reduce_mean(x, 1)` is `ops.mean(x, 1)`.

One line of `_FORMS` is one API: TensorFlow's arguments in order (`a|b`: two spellings of one), an arrow, and MindSpore's
call with the arguments' names; `name=argument` is passed by keyword. Arguments that are not on the right are dropped when
they are only labels (`name`), otherwise the call has no direct form."""
from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from dataclasses import dataclass

_LABELS = frozenset({"name", "use_cudnn_on_gpu", "validate_indices"})
_FORMS = """
tf.reduce_sum x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.sum x dim=axis keepdim=keepdims
tf.reduce_mean x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.mean x axis=axis keep_dims=keepdims
tf.reduce_max x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.amax x axis=axis keepdims=keepdims
tf.reduce_min x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.amin x axis=axis keepdims=keepdims
tf.matmul a b transpose_a transpose_b adjoint_a adjoint_b a_is_sparse b_is_sparse name -> ops.matmul a b
tf.add x y name -> ops.add x y
tf.subtract x y name -> ops.sub x y
tf.multiply x y name -> ops.mul x y
tf.divide x y name -> ops.div x y
tf.realdiv x y name -> ops.div x y
tf.truediv x y name -> ops.div x y
tf.negative x name -> ops.neg x
tf.pow x y name -> ops.pow x y
tf.square x name -> ops.square x
tf.squared_difference x y name -> ops.square x-y
tf.concat values axis name -> ops.concat values axis
tf.stack values axis name -> ops.stack values axis
tf.expand_dims x|input axis|dim name -> ops.expand_dims x axis
tf.reshape x|tensor shape name -> ops.reshape x tuple(shape)
tf.nn.bias_add x|value b|bias data_format name -> ops.add x b
tf.matrix_determinant x|input name -> ops.det x
tf.matrix_inverse x|input adjoint name -> ops.inverse x
tf.linalg.det x|input name -> ops.det x
tf.linalg.inv x|input adjoint name -> ops.inverse x
tf.cholesky x|input name -> ops.cholesky x
tf.linalg.cholesky x|input name -> ops.cholesky x
tf.zeros_like x|tensor dtype name -> ops.zeros_like x
tf.ones_like x|tensor dtype name -> ops.ones_like x
tf.stop_gradient x|input name -> ops.stop_gradient x
tf.identity x|input name -> ops.deepcopy x
tf.cast x dtype name -> ops.cast x dtype
tf.nn.softmax x|logits axis|dim name -> ops.softmax x axis=axis
tf.nn.relu x|features name -> ops.relu x
tf.clip_by_value x|t low|clip_value_min high|clip_value_max name -> ops.clamp x low high
tf.zeros shape dtype name -> ops.zeros tuple(shape) float(dtype)
tf.ones shape dtype name -> ops.ones tuple(shape) float(dtype)
tf.eye n|num_rows num_columns batch_shape dtype name -> ops.eye n
tf.add_n inputs name -> ops.addn inputs
tf.less x y name -> ops.less x y
tf.less_equal x y name -> ops.less_equal x y
tf.greater x y name -> ops.greater x y
tf.greater_equal x y name -> ops.greater_equal x y
tf.equal x y name -> ops.equal x y
tf.not_equal x y name -> ops.not_equal x y
tf.logical_and x y name -> ops.logical_and x y
tf.logical_or x y name -> ops.logical_or x y
tf.logical_not x name -> ops.logical_not x
tf.transpose x|a perm name -> ops.transpose x tuple(perm)
tf.tile x|input multiples name -> ops.tile x tuple(multiples)
tf.cumsum x axis exclusive reverse name -> ops.cumsum x axis
tf.reduce_any x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.any x axis=axis keep_dims=keepdims
tf.reduce_all x|input_tensor axis|reduction_indices keepdims|keep_dims name -> ops.all x axis=axis keep_dims=keepdims
tf.shape x|input name -> x.shape
"""
_NEEDS = {"ops.transpose": ("perm",), "ops.cumsum": ("axis",)}  # arguments that MindSpore does not do without
UNARY = """abs exp log sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh sigmoid erf log1p expm1 floor ceil sign relu""".split()


@dataclass(frozen=True)
class _Form:
    parameters: tuple[tuple[str, ...], ...]
    target: str
    arguments: tuple[str, ...]


@functools.cache
def _forms() -> dict[str, _Form]:
    found: dict[str, _Form] = {}
    lines = _FORMS.strip().splitlines() + [f"tf.{name} x name -> ops.{name} x" for name in UNARY if name != "relu"]
    for line in lines:
        left, right = line.split(" -> ")
        api, *parameters = left.split()
        target, *arguments = right.split()
        found[api] = _Form(tuple(tuple(p.split("|")) for p in parameters), target, tuple(arguments))
    for name in ("tanh", "sigmoid"):
        found[f"tf.nn.{name}"] = found[f"tf.{name}"]
    for api in list(found):
        if api.count(".") == 1:
            found.setdefault("tf.math." + api[3:], found[api])
    return found


def has_form(api: str) -> bool:
    return api in _forms()


def direct_call(api: str, call: ast.Call, text: Callable[[ast.expr], str]) -> str | None:
    """The MindSpore call for a TensorFlow call, or None; `text` gives the converted text of an argument."""
    if api == "tf.matmul" and (turned := _turned_product(call, text)):
        return turned
    form = _forms().get(api)
    if form is None or any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None
    given: dict[str, ast.expr] = {}
    if len(call.args) > len(form.parameters):
        return None
    for names, value in zip(form.parameters, call.args, strict=False):
        given[names[0]] = value
    for keyword in call.keywords:
        meant = next((names for names in form.parameters if keyword.arg in names), None)
        if meant is None or meant[0] in given:
            return None
        given[meant[0]] = keyword.value
    if form.target == "x.shape":
        return _operand(given["x"], text) + form.target[1:]
    if form.target == "ops.cumsum" and set(given) <= {"x", "name"}:
        return f"ops.cumsum({text(given['x'])}, 0)"
    if form.target in _NEEDS and not set(_NEEDS[form.target]) <= set(given):
        return None
    pieces, skipped, used = [], False, set(_LABELS)
    for argument in form.arguments:
        keyword_name, _, name = argument.rpartition("=")
        wrapper, inner = ("", name) if "(" not in name else (name[:name.index("(")], name[name.index("(") + 1:-1])
        if "-" in inner:
            a, b = inner.split("-")
            if a not in given or b not in given:
                return None
            pieces.append(f"{_operand(given[a], text)} - {_operand(given[b], text)}")
            used |= {a, b}
            continue
        used.add(inner)
        if inner not in given:
            if wrapper == "float":
                pieces.append("ms.float32")
            skipped = True
            continue
        said = text(given[inner])
        if wrapper == "tuple" or inner == "axis" and isinstance(given[inner], ast.List):
            said = _as_tuple(given[inner], said)
        pieces.append(f"{keyword_name}={said}" if keyword_name and skipped else said)
    return f"{form.target}({', '.join(pieces)})" if set(given) <= used else None


def _turned_product(call: ast.Call, text: Callable[[ast.expr], str]) -> str | None:
    """`tf.matmul(a, b, transpose_a=True)` with the transposition written out."""
    options = {k.arg: k.value for k in call.keywords if k.arg != "name"}
    if len(call.args) != 2 or not options or set(options) - {"transpose_a", "transpose_b"}:
        return None
    if not all(isinstance(v, ast.Constant) for v in options.values()):
        return None
    turned = {name for name, value in options.items() if isinstance(value, ast.Constant) and value.value}
    a, b = (_operand(part, text) + (".swapaxes(-1, -2)" if name in turned else "")
            for part, name in zip(call.args, ("transpose_a", "transpose_b"), strict=True))
    return f"ops.matmul({a}, {b})"


def _as_tuple(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.List) and text.startswith("[") and text.endswith("]"):
        return f"({text[1:-1]},)" if len(node.elts) == 1 else f"({text[1:-1]})"
    return text


def _operand(node: ast.expr, text: Callable[[ast.expr], str]) -> str:
    simple = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant))
    return text(node) if simple else f"({text(node)})"
