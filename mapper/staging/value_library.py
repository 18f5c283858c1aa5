"""What a program in the direct form may carry: functions of tensors for operations that MindSpore has no single call for."""
from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_DROPPED = frozenset({"name", "use_cudnn_on_gpu", "data_format", "validate_indices", "_sentinel", "scope", "parallel_iterations", "swap_memory",
                      "back_prop", "infer_shape", "shape_invariants", "strict"})
_SPELLINGS = {"dim": "axis", "reduction_indices": "axis", "keep_dims": "keepdims", "filters": "filter", "squeeze_dims": "axis", "dimension": "axis"}
_DEFAULTS = {"data_format": ("NHWC",), "use_cudnn_on_gpu": (True, False)}
_NAMES = {
    "tf.where": "where", "tf.argmax": "argmax", "tf.argmin": "argmin", "tf.gather": "gather", "tf.squeeze": "squeeze",
    "tf.maximum": "maximum", "tf.minimum": "minimum", "tf.nn.relu6": "relu6", "tf.nn.leaky_relu": "leaky_relu", "tf.nn.selu": "selu",
    "tf.nn.softplus": "softplus", "tf.nn.softsign": "softsign", "tf.squared_difference": "squared_difference", "tf.nn.l2_loss": "l2_loss",
    "tf.nn.elu": "elu", "tf.nn.log_softmax": "log_softmax", "tf.square": "square",
    "tf.nn.l2_normalize": "l2_normalize", "tf.reduce_logsumexp": "reduce_logsumexp", "tf.reduce_prod": "reduce_prod",
    "tf.clip_by_norm": "clip_by_norm", "tf.clip_by_global_norm": "clip_by_global_norm",
    "tf.global_norm": "global_norm", "tf.nn.xw_plus_b": "xw_plus_b", "tf.tensordot": "tensordot", "tf.matrix_solve": "matrix_solve",
    "tf.linalg.solve": "matrix_solve", "tf.one_hot": "one_hot", "tf.nn.conv2d": "conv2d", "tf.nn.max_pool": "max_pool",
    "tf.nn.avg_pool": "avg_pool", "tf.unstack": "unstack", "tf.nn.moments": "moments",
    "tf.nn.softmax_cross_entropy_with_logits_v2": "softmax_cross_entropy_with_logits",
    "tf.nn.sparse_softmax_cross_entropy_with_logits": "sparse_softmax_cross_entropy_with_logits",
    "tf.nn.softmax_cross_entropy_with_logits": "softmax_cross_entropy_with_labels", "tf.losses.softmax_cross_entropy": "softmax_cross_entropy",
    "tf.losses.sparse_softmax_cross_entropy": "sparse_softmax_cross_entropy", "tf.losses.sigmoid_cross_entropy": "sigmoid_cross_entropy",
    "tf.losses.absolute_difference": "absolute_difference", "tf.losses.huber_loss": "huber_loss", "tf.losses.log_loss": "log_loss",
    "tf.norm": "norm", "tf.linalg.norm": "norm", "tf.split": "split", "tf.pad": "pad", "tf.diag": "diag", "tf.matrix_diag": "diag",
    "tf.diag_part": "diag_part", "tf.matrix_diag_part": "diag_part", "tf.linalg.diag": "diag", "tf.linalg.diag_part": "diag_part", "tf.trace": "trace",
    "tf.linalg.trace": "trace", "tf.nn.batch_normalization": "batch_normalization", "tf.log_sigmoid": "log_sigmoid", "tf.nn.swish": "swish",
    "tf.cond": "cond", "tf.while_loop": "while_loop", "tf.map_fn": "map_fn", "tf.scan": "scan", "tf.foldl": "foldl",
    "tf.train.exponential_decay": "exponential_decay", "tf.train.inverse_time_decay": "inverse_time_decay",
    "tf.train.natural_exp_decay": "natural_exp_decay", "tf.train.piecewise_constant": "piecewise_constant",
    "tf.train.polynomial_decay": "polynomial_decay", "tf.train.cosine_decay": "cosine_decay",
    "tf.div": "div", "tf.to_float": "to_float", "tf.to_int32": "to_int32", "tf.reciprocal": "reciprocal",
    "tf.nn.sigmoid_cross_entropy_with_logits": "sigmoid_cross_entropy_with_logits", "tf.losses.mean_squared_error": "mean_squared_error",
}


@dataclass(frozen=True)
class _Function:
    text: str
    parameters: tuple[str, ...]
    required: int
    uses: frozenset[str]


@functools.cache
def _functions() -> dict[str, _Function]:
    source = Path(__file__).with_name("value_functions.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, _Function] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            own = {a.arg for a in node.args.args} | {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - own
            parameters = tuple(a.arg for a in node.args.args)
            found[node.name] = _Function("\n".join(lines[node.lineno - 1:node.end_lineno]), parameters,
                                         len(parameters) - len(node.args.defaults), frozenset(uses))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = _Function(lines[node.lineno - 1], (), 0, frozenset())
    return found


_ONCE = {"elu": "ops.elu", "log_softmax": "ops.log_softmax"}  # MindSpore's own have no second derivative


# What is given functions: MindSpore runs it as Python does, in code that is not compiled.
CONTROL = frozenset({"tf.cond", "tf.while_loop", "tf.map_fn", "tf.scan", "tf.foldl"})


def control_name(definition: ast.stmt) -> str | None:
    """TensorFlow's name for a definition that is the library's function for one of these."""
    if not isinstance(definition, ast.FunctionDef) or (api := f"tf.{definition.name}") not in CONTROL:
        return None
    return api if ast.dump(ast.parse(_functions()[definition.name].text).body[0]) == ast.dump(definition) else None


def provides(api: str) -> bool:
    """Whether the library has a function for a TensorFlow name."""
    return _name(api) is not None


def _name(api: str) -> str | None:
    return _NAMES.get(api) or _NAMES.get(api.replace("tf.math.", "tf.", 1)) or _NAMES.get(api.replace("tf.math.", "tf.nn.", 1))


def value_call(api: str, call: ast.Call, text: Callable[[ast.expr], str], deep: bool) -> tuple[str, str] | None:
    """The function for a TensorFlow name and the call of it, or None; `text` gives the converted text of an argument.

    `deep` says that the program takes gradients of gradients."""
    name = _name(api)
    if name is None or any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None
    function = _functions()[name]
    if len(call.args) > len(function.parameters):
        return None
    if name == "tensordot" and not any(isinstance(a, ast.Constant) and a.value == 1 for a in [*call.args[2:], *(k.value for k in call.keywords)]):
        return None
    if name == "norm" and not all(isinstance(a, ast.Constant) and a.value in (1, 2, "euclidean")
                                  for a in [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "ord")]):
        return None
    pieces = [text(a) for a in call.args]
    given = set(function.parameters[:len(call.args)])
    for keyword in call.keywords:
        said = _SPELLINGS.get(str(keyword.arg), str(keyword.arg))
        if said in _DROPPED:
            if said in _DEFAULTS and not (isinstance(keyword.value, ast.Constant) and keyword.value.value in _DEFAULTS[said]):
                return None
            continue
        if said not in function.parameters or said in given:
            return None
        given.add(said)
        pieces.append(f"{said}={text(keyword.value)}")
    if not set(function.parameters[:function.required]) <= given:
        return None
    if name in _ONCE and not deep:
        return _ONCE[name], f"{_ONCE[name]}({', '.join(pieces)})"
    return name, f"{name}({', '.join(pieces)})"


def value_definitions(names: Iterable[str]) -> str:
    """The text of these functions and of those that they call."""
    functions = _functions()
    wanted: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in functions and name not in wanted:
            wanted.add(name)
            pending += functions[name].uses
    return "\n\n\n".join(function.text for name, function in functions.items() if name in wanted)
