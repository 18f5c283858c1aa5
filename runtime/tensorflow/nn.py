"""tf.nn: activations, convolutions, pooling, normalisation, cross entropies, clipping, and tf.losses."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import core, ops
from ..core import Node
from .dtypes import numpy_dtype
from .graph import GraphKeys, IndexedSlices, Tensor, add_to_collection, convert, get_collection, seed_of, wrap
from .math import operands, unary

relu, elu, selu = unary("Relu", ops.relu), unary("Elu", ops.elu), unary("Selu", ops.selu)
relu6 = unary("Relu6", lambda x: ops.relu6(x, 0.0))


def leaky_relu(features: Any, alpha: float = 0.2, name: Any = None) -> Tensor:
    return wrap(ops.leaky_relu(convert(features).node, float(alpha)), name or "LeakyRelu")


def gelu(features: Any, approximate: bool = False, name: Any = None) -> Tensor:
    return wrap(ops.gelu(convert(features).node, approximate), name or "Gelu")


def crelu(features: Any, name: Any = None, axis: int = -1) -> Tensor:
    x = convert(features).node
    return wrap(ops.relu(ops.concat([x, -x], axis)), name or "CRelu")


def swish(features: Any, beta: float = 1.0) -> Tensor:
    x = convert(features).node
    return wrap(x * ops.sigmoid(x * beta), "swish_f32")


def softmax(logits: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Tensor:
    chosen = axis if axis is not None else dim
    return wrap(ops.softmax(convert(logits).node, -1 if chosen is None else int(chosen)), name or "Softmax")


def log_softmax(logits: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Tensor:
    chosen = axis if axis is not None else dim
    return wrap(ops.log_softmax(convert(logits).node, -1 if chosen is None else int(chosen)), name or "LogSoftmax")


def bias_add(value: Any, bias: Any, data_format: Any = None, name: Any = None) -> Tensor:
    x, b = operands("BiasAdd", value, bias)
    if data_format == "NCHW" or data_format == "NCDHW":
        b = ops.reshape(b, (-1, *(1,) * (len(x.shape or ()) - 2)))
    return wrap(ops.add(x, b), name or "BiasAdd")


def xw_plus_b(x: Any, weights: Any, biases: Any, name: Any = None) -> Tensor:
    a, w = operands("MatMul", x, weights)
    return wrap(ops.add(ops.matmul(a, w), convert(biases).node), name or "xw_plus_b")


def relu_layer(x: Any, weights: Any, biases: Any, name: Any = None) -> Tensor:
    return wrap(ops.relu(xw_plus_b(x, weights, biases).node), name or "relu_layer")


def l2_loss(t: Any, name: Any = None) -> Tensor:
    return wrap(ops.reduce_sum(ops.square(convert(t).node)) * 0.5, name or "L2Loss")


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None, dim: Any = None) -> Tensor:
    node = convert(x).node
    total = ops.reduce_sum(ops.square(node), axis if axis is not None else dim, True)
    return wrap(node * ops.rsqrt_zero_safe(ops.maximum(total, core.lift(epsilon, total))), name or "l2_normalize")


def moments(x: Any, axes: Any, shift: Any = None, name: Any = None, keep_dims: Any = None, keepdims: Any = None) -> tuple[Tensor, Tensor]:
    node, over = convert(x).node, tuple(int(a) for a in np.atleast_1d(axes))
    mean = ops.reduce_mean(node, over, True)
    variance = ops.reduce_mean(ops.square(node - ops.stop_gradient(mean)), over, True)  # as TensorFlow: seen in second derivatives
    if not (keepdims or keep_dims):
        mean, variance = ops.squeeze(mean, over), ops.squeeze(variance, over)
    return wrap(mean, "moments/mean"), wrap(variance, "moments/variance")


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: Any = None) -> Tensor:
    parts = [None if p is None else convert(p).node for p in (offset, scale)]
    node = convert(x).node
    inverse = ops.rsqrt_zero_safe(convert(variance).node + variance_epsilon)
    if parts[1] is not None:
        inverse = inverse * parts[1]
    result = node * inverse - convert(mean).node * inverse
    return wrap(result if parts[0] is None else result + parts[0], name or "batchnorm")


def fused_batch_norm(x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001, data_format: str = "NHWC",
                     is_training: bool = True, name: Any = None, exponential_avg_factor: float = 1.0) -> Any:
    node = convert(x).node
    if data_format == "NCHW":
        node = ops.transpose(node, (0, 2, 3, 1))
    center, spread = ops.moments(node, (0, 1, 2), False) if is_training else (convert(mean).node, convert(variance).node)
    result = ops.normalize(node, center, spread, convert(offset).node, convert(scale).node, epsilon)
    if data_format == "NCHW":
        result = ops.transpose(result, (0, 3, 1, 2))
    return wrap(result, name or "FusedBatchNorm"), wrap(center, "FusedBatchNorm_mean"), wrap(spread, "FusedBatchNorm_variance")


def dropout(x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: Any = None, rate: Any = None) -> Tensor:
    """Scaled dropout; the mask is drawn once per run and its gradient uses the same."""
    node = convert(x).node
    keep = convert(keep_prob, node.dtype).node if rate is None else 1.0 - convert(rate, node.dtype).node
    if ops.shape.static_value(keep) is not None and float(ops.shape.static_value(keep)) == 1.0:  # type: ignore[arg-type]
        return convert(x)
    zero, one = core.constant(np.zeros((), node.dtype)), core.constant(np.ones((), node.dtype))
    drawn = ops.random.draw("uniform", ops.shape_of(node), node.dtype, zero, one, *seed_of(seed))
    found = wrap(node / keep * ops.floor(drawn + keep), name or "dropout")
    found.set_shape(convert(x).shape)                                                # whatever is known of keep_prob's
    return found


# ----------------------------------------------------------------------------------------------------- images

def _pair(value: Any, data_format: str) -> tuple[int, int]:
    if isinstance(value, (int, np.integer)):
        return int(value), int(value)
    items = [int(v) for v in value]
    if len(items) == 1:
        return items[0], items[0]
    if len(items) == 2:
        return items[0], items[1]
    return (items[2], items[3]) if data_format == "NCHW" else (items[1], items[2])


def _pads(padding: Any, data_format: str) -> Any:
    if isinstance(padding, str):
        return padding
    return (tuple(padding[2]), tuple(padding[3])) if data_format == "NCHW" else (tuple(padding[1]), tuple(padding[2]))


def _in_nhwc(x: Node, data_format: Any, run: Callable[[Node], Node]) -> Node:
    if data_format in (None, "NHWC"):
        return run(x)
    return ops.transpose(run(ops.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


def conv2d(input: Any, filter: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True, data_format: Any = "NHWC",
           dilations: Any = (1, 1, 1, 1), name: Any = None, filters: Any = None) -> Tensor:
    x, k = operands("Conv2D", input, filter if filter is not None else filters)
    layout = data_format or "NHWC"
    result = _in_nhwc(x, layout, lambda n: ops.conv2d(n, k, _pair(strides, layout), _pads(padding, layout), _pair(dilations, layout)))
    return wrap(result, name or "Conv2D")


def conv1d(value: Any = None, filters: Any = None, stride: Any = None, padding: Any = None, use_cudnn_on_gpu: Any = None, data_format: Any = None,
           name: Any = None, input: Any = None, dilations: Any = None) -> Tensor:
    x, k = operands("Conv1D", value if value is not None else input, filters)
    if data_format in ("NCW", "NCHW"):
        x = ops.transpose(x, (0, 2, 1))
    step = int(stride[1]) if isinstance(stride, (list, tuple)) and len(stride) > 1 else int(np.atleast_1d(stride)[0])
    result = ops.squeeze(ops.conv2d(ops.expand_dims(x, 1), ops.expand_dims(k, 0), (1, step), padding), 1)
    return wrap(ops.transpose(result, (0, 2, 1)) if data_format in ("NCW", "NCHW") else result, name or "conv1d")


def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: Any, rate: Any = None, name: Any = None, data_format: Any = None,
                     dilations: Any = None) -> Tensor:
    x, k = operands("DepthwiseConv2dNative", input, filter)
    layout = data_format or "NHWC"
    h, w, c, m = (int(n or 0) for n in k.shape or ())
    kernel = ops.reshape(k, (h, w, 1, c * m))
    spread = rate or dilations or (1, 1)
    result = _in_nhwc(x, layout, lambda n: ops.conv2d(n, kernel, _pair(strides, layout), _pads(padding, layout), _pair(spread, layout), groups=c))
    return wrap(result, name or "depthwise")


def separable_conv2d(input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, rate: Any = None, name: Any = None,
                     data_format: Any = None, dilations: Any = None) -> Tensor:
    middle = depthwise_conv2d(input, depthwise_filter, strides, padding, rate, None, data_format, dilations)
    return conv2d(middle, pointwise_filter, [1, 1, 1, 1], "VALID", data_format=data_format, name=name or "separable_conv2d")


def conv2d_transpose(value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None, padding: Any = "SAME",
                     data_format: Any = "NHWC", name: Any = None, input: Any = None, filters: Any = None, dilations: Any = None) -> Tensor:
    g, k = operands("Conv2DBackpropInput", value if value is not None else input, filter if filter is not None else filters)
    layout = data_format or "NHWC"
    shape = convert(output_shape).node if not isinstance(output_shape, (list, tuple)) or any(isinstance(n, Tensor) for n in output_shape) else None
    target = shape if shape is not None else core.constant(np.array([int(n) for n in output_shape], np.int32))
    like = ops.broadcast_to(core.constant(np.zeros((), g.dtype)), target)
    if layout == "NCHW":
        like = ops.transpose(like, (0, 2, 3, 1))
    result = _in_nhwc(g, layout, lambda n: ops.conv2d_input(n, like, k, _pair(strides, layout), _pads(padding, layout)))
    return wrap(result, name or "conv2d_transpose")


def max_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: Any = "NHWC", name: Any = None,
             input: Any = None) -> Tensor:
    x, layout = convert(value if value is not None else input).node, data_format or "NHWC"
    result = _in_nhwc(x, layout, lambda n: ops.max_pool(n, _pair(ksize, layout), _pair(strides, layout), _pads(padding, layout)))
    return wrap(result, name or "MaxPool")


def avg_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: Any = "NHWC", name: Any = None,
             input: Any = None) -> Tensor:
    x, layout = convert(value if value is not None else input).node, data_format or "NHWC"
    result = _in_nhwc(x, layout, lambda n: ops.avg_pool(n, _pair(ksize, layout), _pair(strides, layout), _pads(padding, layout)))
    return wrap(result, name or "AvgPool")


def lrn(input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5, name: Any = None) -> Tensor:
    x = convert(input).node
    squared = ops.pad(ops.square(x), [(0, 0)] * 3 + [(depth_radius, depth_radius)])
    depth = (x.shape or (0,))[-1] or 0
    total = ops.add_n([ops.getitem(squared, (Ellipsis, slice(i, i + depth))) for i in range(2 * depth_radius + 1)])
    return wrap(x * ops.power_fixed(total * alpha + bias, -float(beta)), name or "LRN")


def space_to_depth(input: Any, block_size: int, name: Any = None, data_format: str = "NHWC") -> Tensor:
    x = convert(input).node
    n, h, w, c = x.shape or (None,) * 4
    b = block_size
    parts = ops.reshape(x, (-1 if n is None else n, (h or 0) // b, b, (w or 0) // b, b, c or 0))
    shape = (-1 if n is None else n, (h or 0) // b, (w or 0) // b, b * b * (c or 0))
    return wrap(ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), shape), name or "SpaceToDepth")


def depth_to_space(input: Any, block_size: int, name: Any = None, data_format: str = "NHWC") -> Tensor:
    x = convert(input).node
    n, h, w, c = x.shape or (None,) * 4
    b, lead = block_size, -1 if n is None else n
    parts = ops.reshape(x, (lead, h or 0, w or 0, b, b, (c or 0) // (b * b)))
    return wrap(ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (lead, (h or 0) * b, (w or 0) * b, (c or 0) // (b * b))), name or "DepthToSpace")


def embedding_lookup_sparse(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("tensorflow.nn.embedding_lookup_sparse is not in mapper's runtime")


# ----------------------------------------------------------------------------------------------------------- cross entropies

def softmax_cross_entropy_with_logits_v2(labels: Any = None, logits: Any = None, axis: Any = None, name: Any = None, dim: Any = None) -> Tensor:
    x, z = operands("SoftmaxCrossEntropyWithLogits", logits, labels)
    at = axis if axis is not None else dim
    rank = len(x.shape or ())
    if at not in (None, -1, rank - 1):
        order = [i for i in range(rank) if i != at % rank] + [at % rank]
        x, z = ops.transpose(x, order), ops.transpose(z, order)
    return wrap(ops.softmax_cross_entropy(x, z), name or "softmax_cross_entropy_with_logits")


def softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, dim: Any = -1, name: Any = None, axis: Any = None,
                                      _sentinel: Any = None) -> Tensor:
    """The first version: no derivative for the labels."""
    stopped = wrap(ops.stop_gradient(operands("SoftmaxCrossEntropyWithLogits", logits, labels)[1]), "labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(stopped, logits, axis if axis is not None else dim, name)


def sparse_softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None, _sentinel: Any = None) -> Tensor:
    return wrap(ops.sparse_softmax_cross_entropy(convert(logits).node, convert(labels).node), name or "SparseSoftmaxCrossEntropyWithLogits")


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None, _sentinel: Any = None) -> Tensor:
    x, z = operands("SigmoidCrossEntropyWithLogits", logits, labels)
    return wrap(ops.sigmoid_cross_entropy(x, z), name or "logistic_loss")


def weighted_cross_entropy_with_logits(labels: Any = None, logits: Any = None, pos_weight: Any = None, name: Any = None, targets: Any = None) -> Tensor:
    x, z = operands("logistic", logits, labels if labels is not None else targets)
    weight = 1.0 + (convert(pos_weight, x.dtype).node - 1.0) * z
    return wrap((1.0 - z) * x + weight * (ops.log1p(ops.exp(-ops.absolute(x))) + ops.relu(-x)), name or "logistic_loss")


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: Any = None) -> Tensor:
    x, z = operands("log_poisson", log_input, targets)
    return wrap(ops.exp(x) - x * z, name or "log_poisson_loss")


# ------------------------------------------------------------------------------------------------------------------ clipping

def global_norm(t_list: Any, name: Any = None) -> Tensor:
    halves = [l2_loss(t.values if isinstance(t, IndexedSlices) else t).node for t in t_list if t is not None]
    return wrap(ops.sqrt_zero_safe(ops.reduce_sum(ops.stack(halves)) * 2.0), name or "global_norm")


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: Any = None) -> tuple[list[Any], Tensor]:
    norm = global_norm(t_list) if use_norm is None else convert(use_norm)
    limit = convert(clip_norm, norm.dtype).node
    scale = limit * ops.minimum(1.0 / norm.node, 1.0 / limit)

    def scaled(t: Any) -> Any:
        if t is None:
            return None
        if isinstance(t, IndexedSlices):
            return IndexedSlices(wrap(t.values.node * scale, "clip"), t.indices, t.dense_shape, t._core)
        return wrap(convert(t).node * scale, name or "clip_by_global_norm")

    return [scaled(t) for t in t_list], norm


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: Any = None) -> Any:
    sparse = isinstance(t, IndexedSlices)
    x = (t.values if sparse else convert(t)).node
    total = ops.reduce_sum(ops.square(x), axes, True)
    positive = ops.greater(total, core.lift(0, total))
    safe = ops.where(positive, total, ops.ones_like(total))
    norm = ops.where(positive, ops.sqrt_zero_safe(safe), total)
    limit = convert(clip_norm, x.dtype).node
    result = wrap(x * limit / ops.maximum(norm, limit), name or "clip_by_norm")
    return IndexedSlices(result, t.indices, t.dense_shape, t._core) if sparse else result


def clip_by_average_norm(t: Any, clip_norm: Any, name: Any = None) -> Tensor:
    x = convert(t).node
    norm = ops.sqrt_zero_safe(ops.reduce_sum(ops.square(x)))
    count = ops.cast(ops.size_of(x), x.dtype)
    return wrap(x * convert(clip_norm, x.dtype).node * ops.minimum(count / norm, 1.0 / convert(clip_norm, x.dtype).node), name or "clip_by_average_norm")


# -------------------------------------------------------------------------------------------------------------- tf.losses

class Reduction:
    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    loss = convert(losses).node
    w = ops.cast(convert(weights).node, loss.dtype)
    weighted = loss * w
    if reduction == Reduction.NONE:
        result = weighted
    elif reduction == Reduction.SUM:
        result = ops.reduce_sum(weighted)
    else:
        spread = ops.broadcast_like(w, weighted)
        count = ops.reduce_sum(ops.cast(ops.not_equal(spread, core.lift(0, spread)), loss.dtype)) if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS else (
            ops.reduce_sum(spread) if reduction == Reduction.MEAN else ops.cast(ops.size_of(weighted), loss.dtype))
        result = ops.divide_no_nan(ops.reduce_sum(weighted), count)
    tensor = wrap(result, "value")
    if loss_collection:
        add_to_collection(loss_collection, tensor)
    return tensor


def _loss(compute: Callable[..., Node]) -> Callable[..., Tensor]:
    def loss(labels: Any = None, predictions: Any = None, weights: Any = 1.0, scope: Any = None, loss_collection: Any = GraphKeys.LOSSES,
             reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, **options: Any) -> Tensor:
        p = convert(predictions)
        z = ops.cast(convert(labels).node, p.node.dtype) if isinstance(labels, Tensor) else convert(labels, p.dtype).node
        return compute_weighted_loss(wrap(compute(p.node, z, **options), "loss"), weights, scope, loss_collection, reduction)

    return loss


def _huber(p: Node, z: Node, delta: float = 1.0) -> Node:
    error = ops.absolute(p - z)
    quadratic = ops.minimum(error, core.lift(delta, error))
    return 0.5 * quadratic * quadratic + delta * (error - quadratic)


mean_squared_error = _loss(lambda p, z: ops.squared_difference(p, z))
absolute_difference = _loss(lambda p, z: ops.absolute(p - z))
huber_loss = _loss(_huber)
log_loss = _loss(lambda p, z, epsilon=1e-7: -z * ops.log(p + epsilon) - (1.0 - z) * ops.log(1.0 - p + epsilon))


def hinge_loss(labels: Any = None, logits: Any = None, weights: Any = 1.0, scope: Any = None, loss_collection: Any = GraphKeys.LOSSES,
               reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    x = convert(logits).node
    z = 2.0 * ops.cast(convert(labels).node, x.dtype) - 1.0
    return compute_weighted_loss(wrap(ops.relu(1.0 - z * x), "hinge"), weights, scope, loss_collection, reduction)


def softmax_cross_entropy(onehot_labels: Any = None, logits: Any = None, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None,
                          loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    x = convert(logits).node
    z = ops.stop_gradient(ops.cast(convert(onehot_labels).node, x.dtype))
    if label_smoothing:
        classes = float((z.shape or (1,))[-1] or 1)
        z = z * (1 - label_smoothing) + label_smoothing / classes
    return compute_weighted_loss(wrap(ops.softmax_cross_entropy(x, z), "xentropy"), weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(labels: Any = None, logits: Any = None, weights: Any = 1.0, scope: Any = None,
                                 loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    losses = sparse_softmax_cross_entropy_with_logits(labels, logits)
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sigmoid_cross_entropy(multi_class_labels: Any = None, logits: Any = None, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None,
                          loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    x = convert(logits).node
    z = ops.cast(convert(multi_class_labels).node, x.dtype)
    if label_smoothing:
        z = z * (1 - label_smoothing) + 0.5 * label_smoothing
    return compute_weighted_loss(wrap(ops.sigmoid_cross_entropy(x, z), "xentropy"), weights, scope, loss_collection, reduction)


def cosine_distance(labels: Any = None, predictions: Any = None, axis: Any = None, weights: Any = 1.0, scope: Any = None,
                    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, dim: Any = None) -> Tensor:
    p, z = operands("Mul", predictions, labels)
    losses = 1.0 - ops.reduce_sum(p * z, axis if axis is not None else dim, True)
    return compute_weighted_loss(wrap(losses, "cosine"), weights, scope, loss_collection, reduction)


def get_losses(scope: Any = None, loss_collection: Any = GraphKeys.LOSSES) -> list[Any]:
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: Any = None) -> list[Any]:
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: Any = None, name: str = "total_regularization_loss") -> Tensor:
    losses = get_regularization_losses(scope)
    return wrap(ops.add_n([convert(x).node for x in losses]) if losses else core.constant(np.float32(0)), name)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: Any = None) -> Tensor:
    losses = get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else [])
    return wrap(ops.add_n([convert(x).node for x in losses]), name)


# ---------------------------------------------------------------------------------------------------------------- random

def random_uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None) -> Tensor:
    kind = numpy_dtype(dtype)
    high = 1 if maxval is None else maxval
    return _random("integer" if kind.kind in "iu" else "uniform", shape, kind, minval, high, seed, name or "random_uniform")


def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None) -> Tensor:
    return _random("normal", shape, numpy_dtype(dtype), mean, stddev, seed, name or "random_normal")


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None) -> Tensor:
    return _random("truncated_normal", shape, numpy_dtype(dtype), mean, stddev, seed, name or "truncated_normal")


def random_gamma(shape: Any, alpha: Any, beta: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None) -> Tensor:
    return _random("gamma", shape, numpy_dtype(dtype), alpha, 1.0 if beta is None else beta, seed, name or "random_gamma")


def _random(kind: str, shape: Any, dtype: Any, a: Any, b: Any, seed: Any, name: str) -> Tensor:
    from .array import _shape_node

    static, node = _shape_node(shape)
    low, high = (convert(v, dtype).node for v in (a, b))
    size = static if static is not None else node
    assert size is not None
    drawn = ops.random.draw(kind, size, dtype, low, high, *seed_of(seed))
    return wrap(drawn, name)


def multinomial(logits: Any, num_samples: Any, seed: Any = None, name: Any = None, output_dtype: Any = None) -> Tensor:
    drawn = ops.random.categorical(convert(logits).node, int(num_samples), *seed_of(seed))
    return wrap(drawn if output_dtype is None else ops.cast(drawn, numpy_dtype(output_dtype)), name or "Multinomial")


def random_shuffle(value: Any, seed: Any = None, name: Any = None) -> Tensor:
    return wrap(ops.random.shuffle(convert(value).node, *seed_of(seed)), name or "RandomShuffle")
