"""What the cells, losses and optimizers of `mindspore.nn` become: a function of tf, or a definition of the library."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mapper.staging.to_graph_values import Seq, alternatives

if TYPE_CHECKING:
    from mapper.staging.to_graph_emit import Emitter

Text = Callable[[], str]

# Cells without variables that are a function of tf as they stand.
FUNCTIONS = {
    "ReLU": "tf.nn.relu", "Tanh": "tf.tanh", "Sigmoid": "tf.sigmoid", "ReLU6": "tf.nn.relu6", "ELU": "tf.nn.elu",
    "SeLU": "tf.nn.selu", "Softsign": "tf.nn.softsign", "LogSigmoid": "tf.log_sigmoid", "Identity": "tf.identity",
    "SiLU": "tf.nn.swish", "Softplus": "tf.nn.softplus",
}
# Cells with one option: parameters and a lambda.
LAMBDAS: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "Softmax": ((("axis", "-1"),), "lambda x: tf.nn.softmax(x, axis={axis})"),
    "LogSoftmax": ((("axis", "-1"),), "lambda x: tf.nn.log_softmax(x, axis={axis})"),
    "LeakyReLU": ((("alpha", "0.2"),), "lambda x: tf.nn.leaky_relu(x, alpha={alpha})"),
    "HSigmoid": ((), "lambda x: tf.nn.relu6(x + 3) / 6"),
    "HSwish": ((), "lambda x: x * tf.nn.relu6(x + 3) / 6"),
    "Mish": ((), "lambda x: x * tf.tanh(tf.nn.softplus(x))"),
}
# Cells that the library defines under these names (with the library names those need).
LIBRARY = {
    "Dense": "Dense", "Conv2d": "Conv2d", "MaxPool2d": "MaxPool2d", "AvgPool2d": "AvgPool2d",
    "LayerNorm": "LayerNorm", "Embedding": "Embedding", "Dropout": "Dropout", "BatchNorm2d": "BatchNorm",
    "BatchNorm1d": "BatchNorm", "SequentialCell": "Sequential", "CellList": "CellList", "MSELoss": "mse_loss",
    "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
    "SoftmaxCrossEntropyWithLogits": "softmax_cross_entropy", "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss", "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "WithLossCell": "WithLoss", "TrainOneStepCell": "TrainOneStep", "PReLU": "PReLU", "WithGradCell": "WithGrad",
    "Conv1d": "Conv1d", "GroupNorm": "GroupNorm", "BatchNorm3d": "BatchNorm", "Norm": "norm_cell",
    "ClipByNorm": "clip_by_norm_cell", "Conv2dTranspose": "Conv2dTranspose", "KLDivLoss": "kl_div_loss", "MAELoss": "l1_loss",
    "RMSELoss": "rmse_loss", "SoftMarginLoss": "soft_margin_loss", "exponential_decay_lr": "exponential_decay_lr",
    "cosine_decay_lr": "cosine_decay_lr", "piecewise_constant_lr": "piecewise_constant_lr",
}
# Optimizers: parameters with defaults, and the tf.train optimizer.
OPTIMIZERS: dict[str, tuple[tuple[tuple[str, str | None], ...], str]] = {
    "SGD": ((("params", None), ("learning_rate", "0.1"), ("momentum", "0.0"), ("dampening", "0.0"),
             ("weight_decay", "0.0"), ("nesterov", "False"), ("loss_scale", "1.0")), ""),
    "Momentum": ((("params", None), ("learning_rate", None), ("momentum", None), ("weight_decay", "0.0"),
                  ("loss_scale", "1.0"), ("use_nesterov", "False")),
                 "tf.train.MomentumOptimizer({learning_rate}, {momentum})"),
    "Adam": ((("params", None), ("learning_rate", "0.001"), ("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8"),
              ("use_locking", "False"), ("use_nesterov", "False"), ("weight_decay", "0.0"), ("loss_scale", "1.0")),
             "tf.train.AdamOptimizer({learning_rate}, {beta1}, {beta2}, {eps})"),
    "RMSProp": ((("params", None), ("learning_rate", "0.1"), ("decay", "0.9"), ("momentum", "0.0"),
                 ("epsilon", "1e-10"), ("use_locking", "False"), ("centered", "False"), ("loss_scale", "1.0"),
                 ("weight_decay", "0.0")),
                "tf.train.RMSPropOptimizer({learning_rate}, {decay}, {momentum}, {epsilon}, centered={centered})"),
    "Adagrad": ((("params", None), ("accum", "0.1"), ("learning_rate", "0.001"), ("update_slots", "True"),
                 ("loss_scale", "1.0"), ("weight_decay", "0.0")),
                "tf.train.AdagradOptimizer({learning_rate}, {accum})"),
    "FTRL": ((("params", None), ("initial_accum", "0.1"), ("learning_rate", "0.001"), ("lr_power", "-0.5"),
              ("l1", "0.0"), ("l2", "0.0"), ("use_locking", "False"), ("loss_scale", "1.0"), ("weight_decay", "0.0")),
             "tf.train.FtrlOptimizer({learning_rate}, {lr_power}, {initial_accum}, {l1}, {l2})"),
    "Adadelta": ((("params", None), ("learning_rate", "1.0"), ("rho", "0.9"), ("epsilon", "1e-6"),
                  ("loss_scale", "1.0"), ("weight_decay", "0.0")),
                 "tf.train.AdadeltaOptimizer({learning_rate}, {rho}, {epsilon})"),
}
_DEFAULT_TAILS = (", 0.9, 0.999, 1e-8)", ", 0.9, 0.0, 1e-10, centered=False)", ", centered=False)", ", -0.5, 0.1, 0.0, 0.0)")


def layer(short: str, node: ast.Call, emitter: Emitter) -> Text | str | None:
    """The text for `nn.<short>(…)`, or None when there is none. The arguments are already converted."""
    if short in OPTIMIZERS:
        return optimizer(short, node, emitter)
    if short in FUNCTIONS and not node.args and not node.keywords:
        return FUNCTIONS[short]
    if short == "Flatten" and not node.args and not node.keywords:
        return emitter.use("flatten")
    if short == "GELU":
        approximate = not any(isinstance(a, ast.Constant) and a.value is False
                              for a in [*node.args, *(k.value for k in node.keywords)])
        return emitter.use("gelu_tanh" if approximate else "gelu")
    if short in LAMBDAS:
        return _lambda(short, node, emitter)
    if short in LIBRARY:
        return _library(short, node, emitter)
    return None


def _library(short: str, node: ast.Call, emitter: Emitter) -> Text:
    name = emitter.use(LIBRARY[short])
    dropped = {"auto_prefix", "dtype", "weight_init_dtype"}

    def rendered() -> str:
        parts = [emitter.argument(a) for a in node.args]
        parts += [f"{k.arg}={_activation(k) or emitter.text(k.value)}" if k.arg else f"**{emitter.text(k.value)}"
                  for k in node.keywords if k.arg not in dropped]
        return f"{name}({', '.join(parts)})"

    return rendered


_ACTIVATIONS = {"relu": "tf.nn.relu", "tanh": "tf.tanh", "sigmoid": "tf.sigmoid", "relu6": "tf.nn.relu6", "elu": "tf.nn.elu",
                "softmax": "tf.nn.softmax", "logsoftmax": "tf.nn.log_softmax", "softplus": "tf.nn.softplus", "leakyrelu": "tf.nn.leaky_relu"}


def _activation(keyword: ast.keyword) -> str | None:
    """The function behind an activation given by name."""
    named = keyword.arg == "activation" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    return _ACTIVATIONS.get(keyword.value.value.lower()) if named else None  # type: ignore[attr-defined]


def _bound(node: ast.Call, spec: Sequence[tuple[str, str | None]], emitter: Emitter) -> dict[str, str] | None:
    """Argument texts by parameter name with defaults filled in; None when the call does not fit."""
    given: dict[str, ast.expr] = {}
    for (name, _), arg in zip(spec, node.args):
        given[name] = arg
    for keyword in node.keywords:
        if keyword.arg is None:
            return None
        given[keyword.arg] = keyword.value
    if set(given) - {name for name, _ in spec}:
        return None
    texts: dict[str, str] = {}
    for name, default in spec:
        if name in given:
            texts[name] = emitter.text(given[name])
        elif default is None:
            return None
        else:
            texts[name] = default
    return texts


def _lambda(short: str, node: ast.Call, emitter: Emitter) -> Text | None:
    spec, form = LAMBDAS[short]
    if _bound(node, spec, emitter) is None:
        return None
    return lambda: form.format(**(_bound(node, spec, emitter) or {}))


def optimizer(short: str, node: ast.Call, emitter: Emitter) -> Text | None:
    spec, form = OPTIMIZERS[short]
    probe = _bound(node, spec, emitter)
    if probe is None or probe.get("loss_scale", "1.0") != "1.0" or probe.get("dampening", "0.0") not in ("0.0", "0"):
        return None
    if short == "Adam" and probe["use_nesterov"] != "False":
        return None
    name = emitter.use("Optimizer")
    rates = emitter.use("learning_rates") if _scheduled(node, spec, emitter) else None

    def rendered() -> str:
        texts = _bound(node, spec, emitter) or {}
        if rates is not None:
            texts["learning_rate"] = f"{rates}({texts['learning_rate']})"
        rule = sgd(texts) if short == "SGD" else form.format(**texts)
        for tail in _DEFAULT_TAILS:
            rule = rule.removesuffix(tail) + ")" if rule.endswith(tail) else rule
        decay = texts["weight_decay"]
        return f"{name}({texts['params']}, {rule}{'' if decay in ('0.0', '0') else f', weight_decay={decay}'})"

    return rendered


def _scheduled(node: ast.Call, spec: Sequence[tuple[str, str | None]], emitter: Emitter) -> bool:
    """Is the learning rate a list of one for each step?"""
    given: dict[str | None, ast.expr] = {name: value for (name, _), value in zip(spec, node.args)}
    given.update({k.arg: k.value for k in node.keywords})
    rate = given.get("learning_rate")
    return rate is not None and any(isinstance(o, Seq) for o in alternatives(emitter.kind(rate)))


def sgd(texts: dict[str, str]) -> str:
    if texts["momentum"] in ("0.0", "0"):
        return f"tf.train.GradientDescentOptimizer({texts['learning_rate']})"
    nesterov = "" if texts["nesterov"] == "False" else f", use_nesterov={texts['nesterov']}"
    return f"tf.train.MomentumOptimizer({texts['learning_rate']}, {texts['momentum']}{nesterov})"


_INITIALIZERS = {
    "zeros": "tf.zeros({shape}{dtype})", "ones": "tf.ones({shape}{dtype})", "zero": "tf.zeros({shape}{dtype})",
    "one": "tf.ones({shape}{dtype})",
    "normal": "tf.random_normal({shape}, stddev=0.01{dtype})", "uniform": "tf.random_uniform({shape}, -0.07, 0.07{dtype})",
    "xavier_uniform": "tf.glorot_uniform_initializer()({shape}{dtype})",
    "XavierUniform": "tf.glorot_uniform_initializer()({shape}{dtype})",
    "he_uniform": "tf.initializers.he_uniform()({shape}{dtype})", "HeUniform": "tf.initializers.he_uniform()({shape}{dtype})",
    "he_normal": "tf.initializers.he_normal()({shape}{dtype})", "HeNormal": "tf.initializers.he_normal()({shape}{dtype})",
    "Zero": "tf.zeros({shape}{dtype})", "One": "tf.ones({shape}{dtype})",
}
_WITH_ARGUMENT = {
    "Normal": (("sigma", "0.01"), ("mean", "0.0")), "Uniform": (("scale", "0.07"),), "Constant": (("value", "0"),),
    "TruncatedNormal": (("sigma", "0.01"), ("mean", "0.0")),
}
_FORMS = {
    "Normal": "tf.random_normal({{shape}}, {mean}, {sigma}{{dtype}})",
    "TruncatedNormal": "tf.truncated_normal({{shape}}, {mean}, {sigma}{{dtype}})",
    "Uniform": "tf.random_uniform({{shape}}, -{scale}, {scale}{{dtype}})",
    "Constant": "tf.constant({value}, shape={{shape}}{{dtype}})",
}


def initializer(init: ast.expr, resolve: Callable[[ast.expr], str | None], text: Callable[[ast.expr], str]
                ) -> str | None:
    """A form with {shape} and {dtype} for an initializer given as a name or an initializer object."""
    if isinstance(init, ast.Constant) and isinstance(init.value, str):
        return _INITIALIZERS.get(init.value.lower())
    if isinstance(init, ast.Call):
        short = (resolve(init.func) or "").rpartition(".")[2]
        if short in _WITH_ARGUMENT:
            spec = _WITH_ARGUMENT[short]
            given = dict(zip((n for n, _ in spec), map(text, init.args)))
            given.update({k.arg: text(k.value) for k in init.keywords if k.arg})
            return _FORMS[short].format(**{n: given.get(n, d) for n, d in spec})
        if not init.args and not init.keywords:
            return _INITIALIZERS.get(short)
    return None
