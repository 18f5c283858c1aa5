"""Activations, softmax, dropout and normalisation."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf, lift
from .. import randomness
from ..operands import node_of, unary
from ..tensor import Tensor, wrap
from . import math
from .primitive import primitive, primitives


def relu(input: Any, inplace: bool = False) -> Tensor:
    return wrap(engine.relu(node_of(input, "ReLU")))


relu6 = unary("relu6", lambda x: engine.relu6(x, 1.0))
softsign = unary("softsign", engine.softsign, floats=True)
selu = unary("selu", engine.selu)
silu = unary("silu", lambda x: x * engine.sigmoid(x), floats=True)
mish = unary("mish", lambda x: x * engine.tanh(engine.softplus(x)), floats=True)
hardsigmoid = unary("hardsigmoid", lambda x: engine.relu6(x + 3.0) / 6.0)
hardswish = unary("hardswish", lambda x: x * engine.relu6(x + 3.0) / 6.0)
logsigmoid = unary("logsigmoid", engine.log_sigmoid, floats=True)
tanhshrink = unary("tanhshrink", lambda x: x - engine.tanh(x), floats=True)


def leaky_relu(input: Any, alpha: float = 0.2) -> Tensor:
    """max(alpha x, x); at zero the slope is the mean of the two."""
    return wrap(engine.leaky_relu(node_of(input, "leaky_relu"), alpha, (1 + alpha) / 2))


def _above(node: Node, bound: float) -> Node:
    return engine.greater(node, lift(bound, node))


def elu(input_x: Any, alpha: float = 1.0) -> Tensor:
    if alpha != 1.0:
        raise ValueError(f"For 'Elu', the 'alpha' must be equal to 1.0, but got {alpha}.")
    return wrap(engine.elu(node_of(input_x, "Elu")))


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    node = node_of(x, "CeLU")
    low = engine.expm1(engine.minimum(node, lift(0, node)) / alpha) * alpha
    return wrap(engine.where(_above(node, 0), node, low))


def gelu(input: Any, approximate: str = "none") -> Tensor:
    if approximate not in ("none", "tanh"):
        raise ValueError(f"For ops.gelu, approximate value should be either 'none' or 'tanh', but got {approximate}")
    return wrap(engine.gelu(node_of(input, "GeLU"), approximate == "tanh"))


def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Tensor:
    node = node_of(input, "Softplus")
    return wrap(engine.softplus(node) if beta == 1 else engine.softplus(node * float(beta)) / float(beta))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    return math.clamp(input, min_val, max_val)            # type: ignore[no-any-return]


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    node = node_of(input, "SoftShrink")
    inner = engine.where(engine.less(node, lift(-lambd, node)), node + lambd, engine.zeros_like(node))
    return wrap(engine.where(_above(node, lambd), node - lambd, inner))


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    node = node_of(input, "HShrink")
    return wrap(engine.where(_above(engine.absolute(node), lambd), node, engine.zeros_like(node)))


def threshold(input: Any, thr: float, value: float) -> Tensor:
    node = node_of(input, "threshold")
    return wrap(engine.where(_above(node, thr), node, lift(value, node)))


def prelu(input: Any, weight: Any) -> Tensor:
    """x where positive, else weight * x; one weight, or one per channel (axis 1)."""
    node, slope = node_of(input, "PReLU"), node_of(weight, "PReLU")
    if slope.value.size > 1 and node.value.ndim > 2:
        slope = engine.reshape(slope, (-1, *(1,) * (node.value.ndim - 2)))
    return wrap(engine.where(_above(node, 0), node, slope * node))


def glu(x: Any, axis: int = -1) -> Tensor:
    a, b = engine.split(node_of(x, "GLU"), [x.shape[axis] // 2] * 2, axis)
    return wrap(a * engine.sigmoid(b))


def softmax(input: Any, axis: Any = -1, *, dtype: Any = None) -> Tensor:
    node = node_of(input if dtype is None else math.cast(input, dtype), "Softmax")
    return wrap(engine.softmax(node, axis[0] if isinstance(axis, (tuple, list)) else axis))


def log_softmax(logits: Any, axis: int = -1) -> Tensor:
    return wrap(engine.log_softmax(node_of(logits, "LogSoftmax"), axis))


def softmin(x: Any, axis: int = -1, *, dtype: Any = None) -> Tensor:
    return softmax(math.neg(x), axis, dtype=dtype)


# ----------------------------------------------------------------------------------------------------------------- dropout

def _mask(shape: tuple[int, ...], keep: float, dtype: Any) -> Any:
    return (randomness.generator().random(shape) < keep).astype(dtype)


def dropped(x: Any, keep: float, shape: tuple[int, ...] | None = None) -> tuple[Tensor, Tensor]:
    """x / keep where a random mask is one, else zero; and the mask."""
    node = node_of(x, "Dropout")
    mask = leaf(_mask(shape or node.value.shape, keep, node.dtype))
    return wrap(node * mask / keep), wrap(mask)


def dropout(input: Any, p: float = 0.5, training: bool = True, seed: Any = None) -> Tensor:
    """Zeroes elements with probability p and scales the rest by 1 / (1 - p)."""
    if not training or p == 0:
        return wrap(engine.identity(node_of(input, "dropout")))
    return dropped(input, 1 - p)[0]


def dropout1d(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    return _channels_dropped(input, p, training)


dropout2d = dropout3d = dropout1d


def _channels_dropped(x: Any, p: float, training: bool) -> Tensor:
    if not training or p == 0:
        return wrap(engine.identity(node_of(x, "dropout")))
    return dropped(x, 1 - p, x.shape[:2] + (1,) * (x.ndim - 2))[0]


# ----------------------------------------------------------------------------------------------------------- normalisation

def layer_norm(input_x: Any, normalized_shape: Any = None, gamma: Any = None, beta: Any = None, eps: float = 1e-5) -> Tensor:
    begin = input_x.ndim - len(normalized_shape if normalized_shape is not None else gamma.shape)
    return _layer_norm(input_x, gamma, beta, begin, begin, eps)[0]


def _layer_norm(input_x: Any, gamma: Any, beta: Any, begin_norm_axis: int = 1, begin_params_axis: int = 1,
                epsilon: float = 1e-7) -> tuple[Tensor, Tensor, Tensor]:
    """(normalised, mean, variance) over the axes from begin_norm_axis on."""
    node = node_of(input_x, "LayerNorm")
    axes = tuple(range(begin_norm_axis % node.value.ndim, node.value.ndim))
    mean, variance = engine.nn.moments(node, axes, True)
    result = engine.nn.normalize(node, mean, variance, None if beta is None else beta.node, None if gamma is None else gamma.node, epsilon)
    return wrap(result), wrap(mean), wrap(variance)


def _per_channel(node: Node, rank: int, channel: int) -> Node:
    return engine.reshape(node, tuple(-1 if i == channel else 1 for i in range(rank)))


def batch_normalized(x: Node, scale: Node | None, offset: Node | None, mean: Node, variance: Node, epsilon: float, channel: int) -> Node:
    """Normalised with statistics given per channel."""
    rank = len(x.value.shape)
    mean, variance = _per_channel(mean, rank, channel), _per_channel(variance, rank, channel)
    return engine.nn.normalize(x, mean, variance, None if offset is None else _per_channel(offset, rank, channel),
                               None if scale is None else _per_channel(scale, rank, channel), epsilon)


def channel_moments(x: Node, channel: int) -> tuple[Node, Node]:
    return engine.nn.moments(x, tuple(i for i in range(len(x.value.shape)) if i != channel), False)


def update_statistics(mean: Any, variance: Any, batch_mean: Node, batch_variance: Node, count: int, momentum: float) -> None:
    """Moves running statistics towards a batch's by `momentum`; the running variance is the unbiased one."""
    for holder, fresh in ((mean, batch_mean.value), (variance, batch_variance.value * (count / max(count - 1, 1)))):
        old = holder.node.value
        holder.assign_value(wrap(leaf((old * old.dtype.type(1 - momentum) + fresh * old.dtype.type(momentum)).astype(old.dtype))))


def _batch_norm(input_x: Any, scale: Any, bias: Any, mean: Any, variance: Any, is_training: bool = False, epsilon: float = 1e-5,
                momentum: float = 0.1, data_format: str = "NCHW") -> tuple[Tensor, ...]:
    node = node_of(input_x, "BatchNorm")
    channel = 1 if data_format == "NCHW" else node.value.ndim - 1
    if not is_training:
        y = batch_normalized(node, scale.node, bias.node, mean.node, variance.node, epsilon, channel)
        return wrap(y), mean, variance, mean, variance
    batch_mean, batch_variance = channel_moments(node, channel)
    y = batch_normalized(node, scale.node, bias.node, batch_mean, batch_variance, epsilon, channel)
    update_statistics(mean, variance, batch_mean, batch_variance, node.value.size // node.value.shape[channel], momentum)
    return wrap(y), wrap(batch_mean), wrap(batch_variance), wrap(batch_mean), wrap(batch_variance)


def batch_norm(input_x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
               momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    return _batch_norm(input_x, weight, bias, running_mean, running_var, training, eps, momentum)[0]


def lrn(x: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5,
        norm_region: str = "ACROSS_CHANNELS") -> Tensor:
    """Local response normalisation over neighbouring channels of [n, c, h, w]."""
    node = node_of(x, "LRN")
    channels = node.value.shape[1]
    near = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels))) <= depth_radius
    total = engine.einsum("nchw,cd->ndhw", engine.square(node), leaf(near.astype(node.dtype)))
    return wrap(node / engine.power_fixed(total * alpha + bias, beta))


P = primitives({
    "ReLU": relu, "ReLU6": relu6, "SeLU": selu, "Elu": elu, "Softplus": softplus, "Softsign": softsign, "HSigmoid": hardsigmoid,
    "HSwish": hardswish, "Mish": mish, "GeLU": lambda x: gelu(x, "tanh"), "Gelu": lambda x: gelu(x, "tanh"), "FastGeLU": lambda x: fast_gelu(x),
    "PReLU": prelu, "SiLU": silu, "LogSigmoid": logsigmoid,
})
P |= {
    "Softmax": primitive("Softmax", softmax, axis=-1),
    "LogSoftmax": primitive("LogSoftmax", log_softmax, axis=-1),
    "SoftShrink": primitive("SoftShrink", softshrink, lambd=0.5),
    "HShrink": primitive("HShrink", hardshrink, lambd=0.5),
    "CeLU": primitive("CeLU", celu, alpha=1.0),
    "GLU": primitive("GLU", glu, axis=-1),
    "Dropout": primitive("Dropout", lambda x, keep_prob, Seed0, Seed1: dropped(x, keep_prob), keep_prob=0.5, Seed0=0, Seed1=0),  # noqa: N803
    "LayerNorm": primitive("LayerNorm", _layer_norm, begin_norm_axis=1, begin_params_axis=1, epsilon=1e-7),
    "BatchNorm": primitive("BatchNorm", _batch_norm, is_training=False, epsilon=1e-5, momentum=0.1, data_format="NCHW"),
    "LRN": primitive("LRN", lrn, depth_radius=5, bias=1.0, alpha=1.0, beta=0.5, norm_region="ACROSS_CHANNELS"),
    "Elu": primitive("Elu", elu, alpha=1.0),
}


def fast_gelu(x: Any) -> Tensor:
    return wrap(x.node * engine.sigmoid(x.node * 1.702))


ALIASES = {"swish": silu, "log_sigmoid": logsigmoid, "soft_shrink": softshrink}
