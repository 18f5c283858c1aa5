"""Convolution, pooling, softmax and losses. Images are [batch, height, width, channels], kernels [height, width, in / groups, out]."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Array, Node, Primitive, Shape, apply
from .define import define
from .elementwise import exp, greater_equal, log1p, negative, sqrt, square, where, zeros_like_now
from .reduction import reduce_mean, reduce_sum
from .shape import expand_dims, one_hot, squeeze

Pads = tuple[tuple[int, int], tuple[int, int]]


def window_padding(size: int, kernel: int, stride: int, dilation: int, padding: Any) -> tuple[int, int]:
    """(before, after) for one axis: "SAME" as TensorFlow computes it (the odd one after), "VALID", or a given pair."""
    if not isinstance(padding, str):
        return int(padding[0]), int(padding[1])
    if padding.upper() == "VALID":
        return 0, 0
    if padding.upper() != "SAME":
        raise ValueError(f"Unknown padding {padding!r}. Accepted values are 'SAME' and 'VALID'.")
    reach = (kernel - 1) * dilation + 1
    total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def _out_size(size: int | None, kernel: int, stride: int, dilation: int, padding: Any) -> int | None:
    if size is None:
        return None
    before, after = window_padding(size, kernel, stride, dilation, padding)
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1


def _padding_of(padding: Any, axis: int) -> Any:
    return padding if isinstance(padding, str) else padding[axis]


def _pads(shape: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], padding: Any) -> Pads:
    pairs = [window_padding(shape[1 + i], kernel[i], strides[i], dilations[i], _padding_of(padding, i)) for i in range(2)]
    return pairs[0], pairs[1]


def _windows(x: Array, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Pads, fill: Any = 0) -> Array:
    """A view [n, out_h, out_w, kernel_h, kernel_w, channels]."""
    if pads != ((0, 0), (0, 0)):
        x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    n, h, w, c = x.shape
    (kh, kw), (sh, sw), (dh, dw) = kernel, strides, dilations
    out_h, out_w = (h - (kh - 1) * dh - 1) // sh + 1, (w - (kw - 1) * dw - 1) // sw + 1
    a, b, d, e = x.strides
    return np.lib.stride_tricks.as_strided(x, (n, out_h, out_w, kh, kw, c), (a, b * sh, d * sw, b * dh, d * dw, e), writeable=False)


def _unwindow(parts: Array, shape: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Pads) -> Array:
    """The adjoint of `_windows`: windows added up where they overlap."""
    n, h, w, c = shape
    (top, bottom), (left, right) = pads
    result = np.zeros((n, h + top + bottom, w + left + right, c), parts.dtype)
    out_h, out_w, kh, kw = parts.shape[1:5]
    (sh, sw), (dh, dw) = strides, dilations
    for i in range(kh):
        for j in range(kw):
            result[:, i * dh:i * dh + (out_h - 1) * sh + 1:sh, j * dw:j * dw + (out_w - 1) * sw + 1:sw] += parts[:, :, :, i, j]
    return result[:, top:top + h, left:left + w]


# ------------------------------------------------------------------------------------------------------------- convolution

def _conv(x: Array, k: Array, strides: Any, padding: Any, dilations: Any, groups: int) -> Any:
    windows = _windows(x, k.shape[:2], strides, dilations, _pads(x.shape, k.shape, strides, dilations, padding))
    n, oh, ow = windows.shape[:3]
    per_in, out = k.shape[2], k.shape[3] // groups
    pieces = [windows[..., g * per_in:(g + 1) * per_in].reshape(n * oh * ow, -1) @ k[..., g * out:(g + 1) * out].reshape(-1, out)
              for g in range(groups)]
    return (pieces[0] if groups == 1 else np.concatenate(pieces, 1)).reshape(n, oh, ow, k.shape[3])


def _conv_infer(x: Node, k: Node, strides: Any, padding: Any, dilations: Any, groups: int) -> tuple[Shape, Any]:
    if x.shape is None or k.shape is None or None in k.shape[:2]:
        return (None,) * 4, x.dtype
    sizes = [_out_size(x.shape[1 + i], k.shape[i] or 1, strides[i], dilations[i], _padding_of(padding, i)) for i in range(2)]
    return (x.shape[0], *sizes, k.shape[3]), x.dtype


def _conv_input(g: Array, x: Array, k: Array, strides: Any, padding: Any, dilations: Any, groups: int) -> Any:
    n, oh, ow = g.shape[:3]
    per_in, out = k.shape[2], k.shape[3] // groups
    parts = [(g[..., i * out:(i + 1) * out].reshape(-1, out) @ k[..., i * out:(i + 1) * out].reshape(-1, out).T)
             .reshape(n, oh, ow, k.shape[0], k.shape[1], per_in) for i in range(groups)]
    whole = parts[0] if groups == 1 else np.concatenate(parts, -1)
    return _unwindow(whole, x.shape, strides, dilations, _pads(x.shape, k.shape, strides, dilations, padding))


def _conv_filter(g: Array, x: Array, k: Array, strides: Any, padding: Any, dilations: Any, groups: int) -> Any:
    windows = _windows(x, k.shape[:2], strides, dilations, _pads(x.shape, k.shape, strides, dilations, padding))
    rows = math.prod(windows.shape[:3])
    per_in, out = k.shape[2], k.shape[3] // groups
    parts = [(windows[..., i * per_in:(i + 1) * per_in].reshape(rows, -1).T @ g[..., i * out:(i + 1) * out].reshape(rows, out))
             .reshape(*k.shape[:3], out) for i in range(groups)]
    return parts[0] if groups == 1 else np.concatenate(parts, -1)


_CONV = define("conv2d", _conv, _conv_infer,
               lambda g, y, x, k, **how: apply(_CONV_INPUT, g, x, k, **how), lambda g, y, x, k, **how: apply(_CONV_FILTER, g, x, k, **how))
_CONV_INPUT: Primitive = define("conv2d_input", _conv_input, lambda g, x, k, **how: (x.shape, g.dtype),
                     lambda c, y, g, x, k, **how: apply(_CONV, c, k, **how), None, lambda c, y, g, x, k, **how: apply(_CONV_FILTER, g, c, k, **how))
_CONV_FILTER: Primitive = define("conv2d_filter", _conv_filter, lambda g, x, k, **how: (k.shape, g.dtype),
                      lambda c, y, g, x, k, **how: apply(_CONV, x, c, **how), lambda c, y, g, x, k, **how: apply(_CONV_INPUT, g, x, c, **how), None)


def conv2d(x: Node, k: Node, strides: Sequence[int] = (1, 1), padding: Any = "VALID", dilations: Sequence[int] = (1, 1), groups: int = 1) -> Node:
    """Cross-correlation, as both frameworks call convolution."""
    return apply(_CONV, x, k, strides=tuple(strides), padding=padding, dilations=tuple(dilations), groups=groups)


def conv2d_input(g: Node, like: Node, k: Node, strides: Sequence[int] = (1, 1), padding: Any = "VALID", dilations: Sequence[int] = (1, 1),
                 groups: int = 1) -> Node:
    """The adjoint of conv2d in its image: a transposed convolution with the shape of `like`."""
    return apply(_CONV_INPUT, g, like, k, strides=tuple(strides), padding=padding, dilations=tuple(dilations), groups=groups)


# ----------------------------------------------------------------------------------------------------------------- pooling

def _pool_infer(x: Node, kernel: Any, strides: Any, padding: Any, **params: Any) -> tuple[Shape, Any]:
    if x.shape is None:
        return (None,) * 4, x.dtype
    sizes = [_out_size(x.shape[1 + i], kernel[i], strides[i], 1, _padding_of(padding, i)) for i in range(2)]
    return (x.shape[0], *sizes, x.shape[3]), x.dtype


def _pool_positions(x: Array, kernel: Any, strides: Any, padding: Any) -> Any:
    pads = _pads(x.shape, kernel, strides, (1, 1), padding)
    windows = _windows(x, kernel, strides, (1, 1), pads, -np.inf)
    n, oh, ow, kh, kw, c = windows.shape
    best = windows.reshape(n, oh, ow, kh * kw, c).argmax(3)
    rows = best // kw + (np.arange(oh) * strides[0] - pads[0][0])[:, None, None]
    columns = best % kw + (np.arange(ow) * strides[1] - pads[1][0])[:, None]
    images = np.arange(n)[:, None, None, None]
    return ((images * x.shape[1] + rows) * x.shape[2] + columns) * c + np.arange(c)


_POSITIONS = define("max_pool_positions", _pool_positions, lambda x, **how: (_pool_infer(x, **how)[0], np.dtype(np.int64)), None)
_TAKE_FLAT = define("take_flat", lambda x, positions: x.reshape(-1)[positions], lambda x, positions: (positions.shape, x.dtype),
                    lambda g, y, x, positions: apply(_PUT_FLAT, g, x, positions), None)
def _put_flat(g: Array, like: Array, positions: Array) -> Array:
    return np.bincount(positions.reshape(-1), g.reshape(-1), like.size).astype(g.dtype).reshape(like.shape)


_PUT_FLAT: Primitive = define("put_flat", _put_flat,
                   lambda g, like, positions: (like.shape, g.dtype), lambda c, y, g, like, positions: apply(_TAKE_FLAT, c, positions), None, None)


def max_pool(x: Node, kernel: Sequence[int], strides: Sequence[int], padding: Any) -> Node:
    """The first largest element of each window."""
    positions = apply(_POSITIONS, x, kernel=tuple(kernel), strides=tuple(strides), padding=padding)
    return apply(_TAKE_FLAT, x, positions)


def _pool_counts(shape: Sequence[int], kernel: Any, strides: Any, padding: Any, whole: bool) -> Any:
    if whole:
        return float(kernel[0] * kernel[1])
    ones = np.ones((1, shape[1], shape[2], 1), np.float32)
    return _windows(ones, kernel, strides, (1, 1), _pads(shape, kernel, strides, (1, 1), padding)).sum((3, 4))


def _avg(x: Array, kernel: Any, strides: Any, padding: Any, whole: bool) -> Any:
    windows = _windows(x, kernel, strides, (1, 1), _pads(x.shape, kernel, strides, (1, 1), padding))
    return (windows.sum((3, 4), dtype=x.dtype) / _pool_counts(x.shape, kernel, strides, padding, whole)).astype(x.dtype)


def _avg_back(g: Array, x: Array, kernel: Any, strides: Any, padding: Any, whole: bool) -> Any:
    shared = (g / _pool_counts(x.shape, kernel, strides, padding, whole)).astype(g.dtype)
    parts = np.broadcast_to(shared[:, :, :, None, None, :], (*g.shape[:3], *kernel, g.shape[3]))
    return _unwindow(parts, x.shape, strides, (1, 1), _pads(x.shape, kernel, strides, (1, 1), padding))


_AVG = define("avg_pool", _avg, _pool_infer, lambda g, y, x, **how: apply(_AVG_BACK, g, x, **how))
_AVG_BACK: Primitive = define("avg_pool_back", _avg_back, lambda g, x, **how: (x.shape, g.dtype), lambda c, y, g, x, **how: apply(_AVG, c, **how), None)


def avg_pool(x: Node, kernel: Sequence[int], strides: Sequence[int], padding: Any, count_padding: bool = False) -> Node:
    """Means of windows; padded places count only when asked."""
    return apply(_AVG, x, kernel=tuple(kernel), strides=tuple(strides), padding=padding, whole=count_padding)


# ----------------------------------------------------------------------------------------------------------------- softmax

def _softmax(x: Array, axis: int) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True, dtype=x.dtype)


def _log_softmax(x: Array, axis: int) -> Any:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True, dtype=x.dtype))


def _same(x: Node, axis: int) -> tuple[Shape, Any]:
    return x.shape, x.dtype


_SOFTMAX = define("softmax", _softmax, _same, lambda g, y, x, axis: (g - reduce_sum(g * y, axis, True)) * y)
_LOG_SOFTMAX = define("log_softmax", _log_softmax, _same, lambda g, y, x, axis: g - exp(y) * reduce_sum(g, axis, True))


def softmax(x: Node, axis: int = -1) -> Node:
    return apply(_SOFTMAX, x, axis=int(axis))


def log_softmax(x: Node, axis: int = -1) -> Node:
    return apply(_LOG_SOFTMAX, x, axis=int(axis))


_CROSS_ENTROPY = define(
    "softmax_cross_entropy", lambda logits, labels: -(labels * _log_softmax(logits, -1)).sum(-1, dtype=logits.dtype),
    lambda logits, labels: (None if logits.shape is None else logits.shape[:-1], logits.dtype),
    lambda g, y, logits, labels: expand_dims(g, -1) * (softmax(logits) - labels),
    lambda g, y, logits, labels: expand_dims(g, -1) * -log_softmax(logits))


def softmax_cross_entropy(logits: Node, labels: Node) -> Node:
    """Cross entropy per row, [..., classes] to [...]. The gradient for the logits takes labels to sum to one, as both frameworks do."""
    return apply(_CROSS_ENTROPY, logits, labels)


def sparse_softmax_cross_entropy(logits: Node, labels: Node) -> Node:
    """Cross entropy per row for integer class labels."""
    depth = logits.shape[-1] if logits.shape is not None else None
    if depth is None:
        raise ValueError("sparse softmax cross entropy needs a known number of classes")
    return softmax_cross_entropy(logits, one_hot(labels, depth, dtype=logits.dtype))


def sigmoid_cross_entropy(logits: Node, labels: Node) -> Node:
    """max(x, 0) - x z + log(1 + exp(-|x|)) as TensorFlow computes it, elementwise."""
    zeros = zeros_like_now(logits)
    positive = greater_equal(logits, zeros)
    top = where(positive, logits, zeros)
    minus = where(positive, negative(logits), logits)
    return top - logits * labels + log1p(exp(minus))


def moments(x: Node, axes: Any, keepdims: bool) -> tuple[Node, Node]:
    """Mean and variance over axes."""
    mean = reduce_mean(x, axes, True)
    variance = reduce_mean(square(x - mean), axes, True)
    return (mean, variance) if keepdims else (squeeze(mean, axes), squeeze(variance, axes))


def normalize(x: Node, mean: Node, variance: Node, offset: Node | None, scale: Node | None, epsilon: float) -> Node:
    """(x - mean) / sqrt(variance + epsilon), then scaled and shifted."""
    result = (x - mean) / sqrt(variance + epsilon)
    if scale is not None:
        result = result * scale
    return result if offset is None else result + offset




# ---------------------------------------------------------------------------------------------------------------- resizing

def bilinear_weights(size: int, wanted: int, align_corners: bool, half_pixel_centers: bool, dtype: Any) -> Array:
    """The [wanted, size] matrix that resizes one axis linearly."""
    places = np.arange(wanted)
    if align_corners:
        origin = places * ((size - 1) / max(wanted - 1, 1))
    elif half_pixel_centers:
        origin = np.maximum((places + 0.5) * (size / wanted) - 0.5, 0)
    else:
        origin = places * (size / wanted)
    low = np.minimum(np.floor(origin).astype(int), size - 1)
    part = origin - low
    weights = np.zeros((wanted, size), dtype)
    np.add.at(weights, (places, low), 1 - part)
    np.add.at(weights, (places, np.minimum(low + 1, size - 1)), part)
    return weights


def nearest_places(size: int, wanted: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """For each of `wanted` places the position that the nearest-neighbour rule takes it from."""
    if align_corners:
        places = np.floor(np.arange(wanted) * ((size - 1) / max(wanted - 1, 1)) + 0.5)
    else:
        places = np.floor((np.arange(wanted) + (0.5 if half_pixel_centers else 0)) * (size / wanted))
    return np.asarray(np.minimum(places, size - 1).astype(np.int64))
