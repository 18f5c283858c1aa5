"""Losses as cells, and the cells that join a network with a loss."""
from __future__ import annotations

from typing import Any

from ... import ops as engine
from ..cell import Cell
from ..ops import activation, array, loss, math, reduce
from ..tensor import wrap


class LossBase(Cell):
    """The base of losses that programs write: `get_loss(x, weights)` reduces as `reduction` says."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"For '{type(self).__name__}', the 'reduction' must be in ['mean', 'sum', 'none'], but got {reduction}.")
        self.reduction = reduction
        self.average, self.reduce = reduction == "mean", reduction != "none"

    def get_axis(self, x: Any) -> tuple[int, ...]:
        return tuple(range(x.ndim))

    def get_loss(self, x: Any, weights: Any = 1.0) -> Any:
        return loss.reduced(math.mul(weights, x).node, self.reduction, type(self).__name__)

    def construct(self, *inputs: Any) -> Any:
        raise NotImplementedError


class MSELoss(LossBase):
    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.mse_loss(logits, labels, self.reduction)


class L1Loss(LossBase):
    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.l1_loss(logits, labels, self.reduction)


class MAELoss(L1Loss):
    pass


class RMSELoss(LossBase):
    def __init__(self) -> None:
        super().__init__()

    def construct(self, logits: Any, label: Any) -> Any:
        return math.sqrt(loss.mse_loss(logits, label))


class SmoothL1Loss(LossBase):
    def __init__(self, beta: float = 1.0, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.beta = beta

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.smooth_l1_loss(logits, labels, self.beta, self.reduction)


class HuberLoss(LossBase):
    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.huber_loss(logits, labels, self.reduction, self.delta)


class SoftmaxCrossEntropyWithLogits(LossBase):
    def __init__(self, sparse: bool = False, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.sparse = sparse

    def construct(self, logits: Any, labels: Any) -> Any:
        if self.sparse:
            if self.reduction == "mean":
                return loss.sparse_softmax_cross_entropy_with_logits(logits, labels)
            labels = wrap(engine.one_hot(labels.node, logits.shape[-1], dtype=logits.node.dtype))
        return loss.reduced(loss.softmax_cross_entropy_with_logits(logits, labels)[0].node, self.reduction)


class CrossEntropyLoss(LossBase):
    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index, self.label_smoothing = weight, ignore_index, label_smoothing

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.cross_entropy(logits, labels, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(LossBase):
    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = weight, ignore_index

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.nll_loss(logits, labels, self.weight, self.ignore_index, self.reduction)


class BCELoss(LossBase):
    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = weight

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.binary_cross_entropy(logits, labels, self.weight, self.reduction)


class BCEWithLogitsLoss(LossBase):
    def __init__(self, reduction: str = "mean", weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight, self.pos_weight = weight, pos_weight

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.binary_cross_entropy_with_logits(logits, labels, self.weight, self.pos_weight, self.reduction)


class KLDivLoss(LossBase):
    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.kl_div(logits, labels, self.reduction)


class SoftMarginLoss(LossBase):
    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.soft_margin_loss(logits, labels, self.reduction)


class MarginRankingLoss(LossBase):
    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def construct(self, input1: Any, input2: Any, target: Any) -> Any:
        return loss.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class HingeEmbeddingLoss(LossBase):
    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def construct(self, logits: Any, labels: Any) -> Any:
        return loss.hinge_embedding_loss(logits, labels, self.margin, self.reduction)


class CosineEmbeddingLoss(LossBase):
    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def construct(self, logits_x1: Any, logits_x2: Any, labels: Any) -> Any:
        cosine = loss.cosine_similarity(logits_x1, logits_x2, 1)
        positive = math.sub(1.0, cosine)
        negative = activation.relu(math.sub(cosine, self.margin))
        return self.get_loss(math.where(math.equal(labels, 1), positive, negative))


class GaussianNLLLoss(LossBase):
    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def construct(self, logits: Any, labels: Any, var: Any) -> Any:
        return loss.gaussian_nll_loss(logits, labels, var, self.full, self.eps, self.reduction)


class FocalLoss(LossBase):
    def __init__(self, weight: Any = None, gamma: float = 2.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight, self.gamma = weight, gamma

    def construct(self, logits: Any, labels: Any) -> Any:
        log_p = activation.log_softmax(logits, 1)
        hot = wrap(engine.one_hot(array.squeeze(labels, 1).node, logits.shape[1], axis=1, dtype=logits.node.dtype)) if labels.shape != logits.shape else labels
        picked = reduce.reduce_sum(math.mul(log_p, hot), 1)
        return self.get_loss(math.neg(math.mul(math.pow(math.sub(1.0, math.exp(picked)), self.gamma), picked)))


class DiceLoss(LossBase):
    def __init__(self, smooth: float = 1e-5) -> None:
        super().__init__()
        self.smooth = smooth

    def construct(self, logits: Any, label: Any) -> Any:
        together = reduce.reduce_sum(math.mul(logits, label))
        sizes = math.add(reduce.reduce_sum(math.mul(logits, logits)), reduce.reduce_sum(math.mul(label, label)))
        return math.sub(1.0, math.div(math.mul(together, 2.0), math.add(sizes, self.smooth)))


LOSSES = {c.__name__: c for c in (LossBase, MSELoss, L1Loss, MAELoss, RMSELoss, SmoothL1Loss, HuberLoss, SoftmaxCrossEntropyWithLogits, CrossEntropyLoss,
                                  NLLLoss,
                                  BCELoss, BCEWithLogitsLoss, KLDivLoss, SoftMarginLoss, MarginRankingLoss, HingeEmbeddingLoss, CosineEmbeddingLoss,
                                  GaussianNLLLoss, FocalLoss, DiceLoss)}
LOSSES["_Loss"] = LossBase
