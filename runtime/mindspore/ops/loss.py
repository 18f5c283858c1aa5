"""Loss functions, and the primitives of the cross entropies."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf, lift
from ..operands import node_of
from ..tensor import Tensor, wrap
from . import math
from .primitive import primitive


def reduced(loss: Node, reduction: str, name: str = "loss") -> Tensor:
    """"mean", "sum" or "none" of elementwise losses. Raises ValueError for other words."""
    if reduction == "mean":
        return wrap(engine.reduce_mean(loss))
    if reduction == "sum":
        return wrap(engine.reduce_sum(loss))
    if reduction == "none":
        return wrap(loss)
    raise ValueError(f"For '{name}', the 'reduction' must be in ['none', 'mean', 'sum'], but got {reduction}.")


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    return reduced(math.square(math.sub(input, target)).node, reduction, "mse_loss")


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    return reduced(math.abs(math.sub(input, target)).node, reduction, "l1_loss")


def smooth_l1_loss(input: Any, target: Any, beta: float = 1.0, reduction: str = "none") -> Tensor:
    """0.5 d² / beta where |d| < beta, else |d| - 0.5 beta."""
    distance = engine.absolute(math.sub(input, target).node)
    near = engine.less(distance, lift(beta, distance))
    return reduced(engine.where(near, engine.square(distance) * (0.5 / beta), distance - 0.5 * beta), reduction, "smooth_l1_loss")


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    distance = engine.absolute(math.sub(input, target).node)
    near = engine.less_equal(distance, lift(delta, distance))
    return reduced(engine.where(near, engine.square(distance) * 0.5, (distance - 0.5 * delta) * delta), reduction, "huber_loss")


def _weighted(loss: Node, weight: Any) -> Node:
    return loss if weight is None else loss * weight.node


def binary_cross_entropy(logits: Any, labels: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """Cross entropy of probabilities; logarithms of less than 1e-12 are cut off."""
    p, y = node_of(logits, "BinaryCrossEntropy"), node_of(labels, "BinaryCrossEntropy")
    floor = lift(1e-12, p)
    loss = engine.negative(y * engine.log(engine.maximum(p, floor)) + (1.0 - y) * engine.log(engine.maximum(1.0 - p, floor)))
    return reduced(_weighted(loss, weight), reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(logits: Any, label: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> Tensor:
    x, y = node_of(logits, "BCEWithLogitsLoss"), node_of(label, "BCEWithLogitsLoss")
    loss = (1.0 - y) * x + engine.softplus(engine.negative(x)) * (1.0 if pos_weight is None else 1.0 + (pos_weight.node - 1.0) * y)
    return reduced(_weighted(loss, weight), reduction, "binary_cross_entropy_with_logits")


def kl_div(logits: Any, labels: Any, reduction: str = "mean") -> Tensor:
    """labels * (log(labels) - logits); no gradient flows to the labels."""
    x, y = node_of(logits, "KLDivLoss"), engine.stop_gradient(node_of(labels, "KLDivLoss"))
    zero = engine.less_equal(y, lift(0, y))
    loss = engine.where(zero, engine.zeros_like(y), y * (engine.log(engine.where(zero, engine.ones_like(y), y)) - x))
    if reduction == "batchmean":
        return wrap(engine.reduce_sum(loss) / float(x.value.shape[0]))
    return reduced(loss, reduction, "kl_div")


def nll_loss(inputs: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Negative log likelihood of class indices; the classes are on axis 1."""
    node, classes = node_of(inputs, "nll_loss"), node_of(target, "nll_loss")
    axis = 1 if node.value.ndim > 1 else 0
    places = classes.value
    kept = places != ignore_index
    count = node.value.shape[axis]
    hot = np.moveaxis(np.eye(count, dtype=node.dtype)[np.where(kept, places, 0)], -1, axis)
    scale = np.ones(count, node.dtype) if weight is None else weight.node.value
    per_class = scale.reshape([-1 if i == axis else 1 for i in range(node.value.ndim)])
    hot = hot * np.expand_dims(kept, axis)
    picked = engine.reduce_sum(node * leaf((hot * per_class).astype(node.dtype)), axis) * -1.0
    weights = (scale[np.where(kept, places, 0)] * kept).astype(node.dtype)
    if label_smoothing:
        smooth = engine.reduce_sum(node * leaf((per_class * np.expand_dims(kept, axis)).astype(node.dtype)), axis) * (-label_smoothing / count)
        picked = picked * (1.0 - label_smoothing) + smooth
    if reduction == "mean":
        return wrap(engine.reduce_sum(picked) / lift(weights.sum(), node))
    return reduced(picked, reduction, "nll_loss")


def cross_entropy(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Cross entropy of logits with class indices, or with probabilities of the logits' shape."""
    node = node_of(input, "cross_entropy")
    axis = 1 if node.value.ndim > 1 else 0
    log_p = engine.log_softmax(node, axis)
    if target.node.dtype.kind in "iu":
        return nll_loss(wrap(log_p), target, weight, ignore_index, reduction, label_smoothing)
    probabilities = target.node
    if label_smoothing:
        probabilities = probabilities * (1.0 - label_smoothing) + label_smoothing / node.value.shape[axis]
    if weight is not None:
        log_p = log_p * engine.reshape(weight.node, tuple(-1 if i == axis else 1 for i in range(node.value.ndim)))
    loss = engine.negative(engine.reduce_sum(log_p * probabilities, axis))
    if reduction == "mean":
        return wrap(engine.reduce_sum(loss) / float(max(node.value.size // node.value.shape[axis], 1)))
    return reduced(loss, reduction, "cross_entropy")


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    return reduced(engine.softplus(engine.negative(math.mul(input, target).node)), reduction, "soft_margin_loss")


def hinge_embedding_loss(inputs: Any, targets: Any, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    x, y = node_of(inputs, "hinge_embedding_loss"), node_of(targets, "hinge_embedding_loss")
    positive = engine.greater(y, lift(0, y))
    return reduced(engine.where(positive, x, engine.relu(margin - x)), reduction, "hinge_embedding_loss")


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Tensor:
    return reduced(engine.relu(math.mul(math.neg(target), math.sub(input1, input2)).node + margin), reduction, "margin_ranking_loss")


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-08) -> Tensor:
    a, b = node_of(x1, "cosine_similarity"), node_of(x2, "cosine_similarity")
    lengths = [engine.sqrt(engine.reduce_sum(engine.square(n), dim)) for n in (a, b)]
    return wrap(engine.reduce_sum(a * b, dim) / engine.maximum(lengths[0] * lengths[1], lift(eps, a)))


def gaussian_nll_loss(x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    spread = engine.maximum(node_of(var, "gaussian_nll_loss"), lift(eps, var.node))
    loss = (engine.log(spread) + engine.square(math.sub(x, target).node) / spread) * 0.5
    return reduced(loss + 0.5 * float(np.log(2 * np.pi)) if full else loss, reduction, "gaussian_nll_loss")


# ------------------------------------------------------------------------------------------------------------- primitives

def softmax_cross_entropy_with_logits(logits: Any, labels: Any) -> tuple[Tensor, Tensor]:
    """(losses, softmax - labels); no gradient flows to the labels."""
    x, y = node_of(logits, "SoftmaxCrossEntropyWithLogits"), engine.stop_gradient(node_of(labels, "SoftmaxCrossEntropyWithLogits"))
    return wrap(engine.softmax_cross_entropy(x, y)), wrap(engine.stop_gradient(engine.softmax(x) - y))


def sparse_softmax_cross_entropy_with_logits(logits: Any, labels: Any, is_grad: bool = False) -> Tensor:
    """The mean loss over the rows, or its gradient."""
    x, y = node_of(logits, "SparseSoftmaxCrossEntropyWithLogits"), node_of(labels, "SparseSoftmaxCrossEntropyWithLogits")
    if is_grad:
        hot = engine.one_hot(y, x.value.shape[-1], dtype=x.dtype)
        return wrap((engine.softmax(x) - hot) / float(x.value.shape[0]))
    return wrap(engine.reduce_mean(engine.nn.sparse_softmax_cross_entropy(x, y)))


def sigmoid_cross_entropy_with_logits(logits: Any, label: Any) -> Tensor:
    """Elementwise; no gradient flows to the labels."""
    x, y = node_of(logits, "SigmoidCrossEntropyWithLogits"), engine.stop_gradient(node_of(label, "SigmoidCrossEntropyWithLogits"))
    return wrap(engine.sigmoid_cross_entropy(x, y))


P = {
    "SoftmaxCrossEntropyWithLogits": primitive("SoftmaxCrossEntropyWithLogits", softmax_cross_entropy_with_logits),
    "SparseSoftmaxCrossEntropyWithLogits": primitive("SparseSoftmaxCrossEntropyWithLogits", sparse_softmax_cross_entropy_with_logits, is_grad=False),
    "SigmoidCrossEntropyWithLogits": primitive("SigmoidCrossEntropyWithLogits", sigmoid_cross_entropy_with_logits),
    "SmoothL1Loss": primitive("SmoothL1Loss", smooth_l1_loss, beta=1.0, reduction="none"),
    "BinaryCrossEntropy": primitive("BinaryCrossEntropy", lambda x, y, weight=None, reduction="mean": binary_cross_entropy(x, y, weight, reduction),
                                    reduction="mean"),
    "BCEWithLogitsLoss": primitive("BCEWithLogitsLoss", lambda x, y, weight, pos_weight, reduction: binary_cross_entropy_with_logits(
        x, y, weight, pos_weight, reduction), reduction="mean"),
    "KLDivLoss": primitive("KLDivLoss", kl_div, reduction="mean"),
    "L1Loss": primitive("L1Loss", l1_loss, reduction="mean"),
}

ALIASES: dict[str, Any] = {}
