"""What the cells, losses and optimizers of `mindspore.nn` become: a function of tf, or a definition of the library."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mapper.staging.to_graph_values import Host, Layer, Optimizer, Seq, Value, alternatives

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
    "OneHot": ((("axis", "-1"), ("depth", "1"), ("on_value", "1.0"), ("off_value", "0.0"), ("dtype", "tf.float32")),
               "lambda i: tf.one_hot(i, {depth}, {on_value}, {off_value}, {axis}, {dtype})"),
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
    "ExponentialDecayLR": "exponential_decay", "NaturalExpDecayLR": "natural_exp_decay", "InverseDecayLR": "inverse_decay",
    "CosineDecayLR": "cosine_decay", "PolynomialDecayLR": "polynomial_decay", "WarmUpLR": "warm_up",
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
    "AdamWeightDecay": ((("params", None), ("learning_rate", "0.001"), ("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-6"), ("weight_decay", "0.0")),
                        "@AdamWithoutCorrection({learning_rate}, {beta1}, {beta2}, {eps}, {weight_decay})"),
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
    by_name = emitter.use("activation") if any(_named(emitter.kind(a)) for a in _activations(short, node)) else None

    def activated(value: ast.expr) -> str:
        return f"{by_name}({emitter.text(value)})" if by_name and _named(emitter.kind(value)) else emitter.argument(value)

    dropped = {"auto_prefix", "dtype", "weight_init_dtype"}

    def rendered() -> str:
        parts = [activated(a) if i == ACTIVATION else emitter.argument(a) for i, a in enumerate(node.args)]
        for k in node.keywords:
            if k.arg not in dropped:
                value = _activation(k) or activated(k.value) if k.arg == "activation" else emitter.text(k.value)
                parts.append(f"{k.arg}={value}" if k.arg else f"**{value}")
        return f"{name}({', '.join(parts)})"

    return rendered


ACTIVATION = 5      # nn.Dense has its activation at this position


def _activations(short: str, node: ast.Call) -> list[ast.expr]:
    """The argument that is an activation."""
    return [k.value for k in node.keywords if k.arg == "activation" and not _activation(k)] + (
        node.args[ACTIVATION:ACTIVATION + 1] if short == "Dense" else [])


def _named(kind: Value | None) -> bool:
    """May this be the name of an activation?"""
    return any(isinstance(o, Host) and not (o.known and o.literal is None) for o in alternatives(kind))


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
    adjusted = any(isinstance(n, ast.Attribute) and n.attr == "learning_rate" and any(isinstance(o, Optimizer) for o in alternatives(emitter.kind(n.value)))
                   for n in ast.walk(emitter.program.tree))
    name = emitter.use("AdjustedOptimizer" if adjusted else "Optimizer")
    own = re.match(r"@(\w+)", form)
    form = emitter.use(own[1]) + form[own.end():] if own else form
    scheduled = emitter.use("Scheduled") if _scheduled(node, spec, emitter) else None
    if adjusted and scheduled:
        return None

    def rendered() -> str:
        texts = _bound(node, spec, emitter) or {}
        rates = texts["learning_rate"]
        if scheduled is not None or adjusted:
            texts["learning_rate"] = "rate"
        rule = sgd(texts) if short == "SGD" else form.format(**texts)
        for tail in _DEFAULT_TAILS:
            rule = rule.removesuffix(tail) + ")" if rule.endswith(tail) else rule
        if scheduled is not None:
            rule = f"{scheduled}(lambda rate: {rule}, {rates})"
        if adjusted and scheduled is None:
            rule = f"lambda rate: {rule}, {rates}"
        decay = "0.0" if own else texts["weight_decay"]
        return f"{name}({texts['params']}, {rule}{'' if decay in ('0.0', '0') else f', weight_decay={decay}'})"

    return rendered


def _scheduled(node: ast.Call, spec: Sequence[tuple[str, str | None]], emitter: Emitter) -> bool:
    """Is the learning rate a list of one for each step, or a schedule?"""
    given: dict[str | None, ast.expr] = {name: value for (name, _), value in zip(spec, node.args)}
    given.update({k.arg: k.value for k in node.keywords})
    rate = given.get("learning_rate")
    return rate is not None and any(isinstance(o, Seq) or isinstance(o, Layer) and o.name.endswith("LR") for o in alternatives(emitter.kind(rate)))


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


_OBJECTS = {
    "Normal": "tf.random_normal_initializer({mean}, {sigma})", "TruncatedNormal": "tf.truncated_normal_initializer({mean}, {sigma})",
    "Uniform": "tf.random_uniform_initializer(-{scale}, {scale})", "Constant": "tf.constant_initializer({value})",
    "Zero": "tf.zeros_initializer()", "One": "tf.ones_initializer()", "XavierUniform": "tf.glorot_uniform_initializer()",
    "XavierNormal": "tf.glorot_normal_initializer()", "HeUniform": "tf.initializers.he_uniform()", "HeNormal": "tf.initializers.he_normal()",
}


def initializer_object(short: str, node: ast.Call, text: Callable[[ast.expr], str]) -> Text | None:
    """An initializer that is handed to a layer."""
    spec = _WITH_ARGUMENT.get(short, ())
    given = dict(zip((name for name, _ in spec), node.args)) | {k.arg or "**": k.value for k in node.keywords}
    if short not in _OBJECTS or len(node.args) > len(spec) or set(given) - {name for name, _ in spec}:
        return None
    return lambda: _OBJECTS[short].format(**{n: text(given[n]) if n in given else default for n, default in spec})


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
