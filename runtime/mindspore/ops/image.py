"""Convolution, pooling and resizing of [n, c, h, w] images; the engine works on [n, h, w, c]."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf
from ..operands import node_of
from ..tensor import Tensor, wrap
from .array import ints
from .primitive import REQUIRED, primitive

LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def channels_last(x: Node) -> Node:
    return engine.transpose(x, LAST)


def channels_first(x: Node) -> Node:
    return engine.transpose(x, FIRST)


def two(value: Any) -> tuple[int, int]:
    """A setting for height and width: an int, a pair, or the middle of an NCHW 4-tuple."""
    values = ints(value)
    if len(values) == 1:
        return values[0], values[0]
    return (values[0], values[1]) if len(values) == 2 else (values[2], values[3])


def padding_of(pad_mode: str, pad: Any) -> Any:
    """Padding as the engine takes it: a word, or ((top, bottom), (left, right))."""
    if pad_mode.lower() != "pad":
        return pad_mode.upper()
    values = ints(pad)
    if len(values) == 1:
        return ((values[0],) * 2,) * 2
    return ((values[0],) * 2, (values[1],) * 2) if len(values) == 2 else (values[:2], values[2:])


def convolved(x: Node, weight: Node, stride: Any, pad_mode: str, pad: Any, dilation: Any, group: int) -> Node:
    kernel = engine.transpose(weight, (2, 3, 1, 0))
    return channels_first(engine.conv2d(channels_last(x), kernel, two(stride), padding_of(pad_mode, pad), two(dilation), group))


def conv2d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Tensor:
    """Convolution of [n, c, h, w] with [out, c / groups, kh, kw]."""
    y = convolved(node_of(input, "Conv2D"), node_of(weight, "Conv2D"), stride, pad_mode, padding, dilation, groups)
    return wrap(y if bias is None else y + engine.reshape(bias.node, (-1, 1, 1)))


def conv1d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Tensor:
    pad = ints(padding)
    flat = (0, 0, pad[0], pad[-1])
    y = convolved(engine.expand_dims(node_of(input, "Conv1D"), 2), engine.expand_dims(node_of(weight, "Conv1D"), 2), (1, ints(stride)[-1]),
                  pad_mode, flat, (1, ints(dilation)[-1]), groups)
    result = engine.squeeze(y, 2)
    return wrap(result if bias is None else result + engine.reshape(bias.node, (-1, 1)))


def _conv_primitive(x: Any, weight: Any, out_channel: int, kernel_size: Any, mode: int = 1, pad_mode: str = "valid", pad: Any = 0,
                    stride: Any = 1, dilation: Any = 1, group: int = 1, data_format: str = "NCHW") -> Tensor:
    if data_format == "NHWC":
        kernel = engine.transpose(node_of(weight, "Conv2D"), (1, 2, 3, 0))
        return wrap(engine.conv2d(node_of(x, "Conv2D"), kernel, two(stride), padding_of(pad_mode, pad), two(dilation), group))
    return conv2d(x, weight, None, stride, pad_mode, pad, dilation, group)


def transposed(g: Node, weight: Node, size: Any, stride: Any, pad_mode: str, pad: Any, dilation: Any, group: int) -> Node:
    """The adjoint of a convolution: [n, out, h, w] back to an image of shape `size`, with the convolution's weight."""
    n, c, h, w = ints(size)
    like = leaf(np.zeros((n, h, w, c), g.dtype))
    kernel = engine.transpose(weight, (2, 3, 1, 0))
    return channels_first(engine.conv2d_input(channels_last(g), like, kernel, two(stride), padding_of(pad_mode, pad), two(dilation), group))


def _conv_transpose_primitive(dout: Any, weight: Any, input_size: Any, out_channel: int, kernel_size: Any, pad_mode: str = "valid",
                              pad: Any = 0, pad_list: Any = None, mode: int = 1, stride: Any = 1, dilation: Any = 1, group: int = 1,
                              data_format: str = "NCHW") -> Tensor:
    return wrap(transposed(node_of(dout, "Conv2DTranspose"), node_of(weight, "Conv2DTranspose"), input_size, stride, pad_mode, pad,
                           dilation, group))


def bias_add(input_x: Any, bias: Any, data_format: str = "NCHW") -> Tensor:
    """x + bias along axis 1 (NCHW) or the last axis (NHWC)."""
    node, b = node_of(input_x, "BiasAdd"), node_of(bias, "BiasAdd")
    if b.value.ndim != 1:
        raise ValueError(f"For 'BiasAdd', the dimension of bias must be equal to 1, but got {b.value.ndim}.")
    if data_format == "NHWC":
        return wrap(node + b)
    if node.value.shape[1] != b.value.shape[0]:
        raise ValueError(f"For 'BiasAdd', bias[0] shape must be equal to input_x[1] shape when data_format is NCHW, but got "
                         f"bias shape: {b.value.shape}, input_x shape: {node.value.shape}.")
    return wrap(node + engine.reshape(b, (-1, *(1,) * (node.value.ndim - 2))))


# ----------------------------------------------------------------------------------------------------------------- pooling

def max_pooled(x: Node, kernel: Any, stride: Any, pad_mode: str, pad: Any = 0) -> Node:
    return channels_first(engine.max_pool(channels_last(x), two(kernel), two(stride), padding_of(pad_mode, pad)))


def avg_pooled(x: Node, kernel: Any, stride: Any, pad_mode: str, pad: Any = 0, count_padding: bool = False) -> Node:
    return channels_first(engine.avg_pool(channels_last(x), two(kernel), two(stride), padding_of(pad_mode, pad), count_padding))


def _max_pool_primitive(x: Any, kernel_size: Any, strides: Any, pad_mode: str, data_format: str) -> Tensor:
    return wrap(max_pooled(node_of(x, "MaxPool"), kernel_size, strides, pad_mode))


def _avg_pool_primitive(x: Any, kernel_size: Any, strides: Any, pad_mode: str, data_format: str) -> Tensor:
    return wrap(avg_pooled(node_of(x, "AvgPool"), kernel_size, strides, pad_mode))


def max_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
               ceil_mode: bool = False) -> Tensor:
    return wrap(max_pooled(node_of(x, "max_pool2d"), kernel_size, kernel_size if stride is None else stride, "pad", padding))


def avg_pool2d(input_x: Any, kernel_size: Any = 1, stride: Any = 1, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int = 0) -> Tensor:
    return wrap(avg_pooled(node_of(input_x, "avg_pool2d"), kernel_size, stride, "pad", padding, count_include_pad))


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """Means over the cells of an even grid, differentiable."""
    node = node_of(input, "AdaptiveAvgPool2D")
    sizes = node.value.shape[-2:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    rows, columns = (_cells(s, s if o is None else int(o), node.dtype) for s, o in zip(sizes, wanted, strict=True))
    batched = node if node.value.ndim == 4 else engine.expand_dims(node, 0)
    result = engine.einsum("nchw,ih,jw->ncij", batched, rows, columns)
    return wrap(result if node.value.ndim == 4 else engine.squeeze(result, 0))


def _cells(size: int, count: int, dtype: Any) -> Node:
    weights = np.zeros((count, size), dtype)
    for i in range(count):
        start, stop = i * size // count, -(-(i + 1) * size // count)
        weights[i, start:stop] = 1 / (stop - start)
    return leaf(weights)


# ---------------------------------------------------------------------------------------------------------------- resizing

def _bilinear(size: int, wanted: int, align: bool, half: bool, dtype: Any) -> Node:
    return leaf(engine.nn.bilinear_weights(size, wanted, align, half, dtype))


def resize_bilinear(x: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False) -> Tensor:
    node = node_of(x, "ResizeBilinear")
    (h, w), (oh, ow) = node.value.shape[-2:], ints(size)
    return wrap(engine.einsum("nchw,ih,jw->ncij", node, _bilinear(h, oh, align_corners, half_pixel_centers, node.dtype),
                              _bilinear(w, ow, align_corners, half_pixel_centers, node.dtype)))


def resize_nearest(x: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False) -> Tensor:
    node = node_of(x, "ResizeNearestNeighbor")
    for axis, wanted in zip((-2, -1), ints(size), strict=True):
        have = node.value.shape[axis]
        places = engine.nn.nearest_places(have, wanted, align_corners, half_pixel_centers)
        node = engine.gather(node, leaf(places), node.value.ndim + axis, mode="wrap")
    return wrap(node)


def interpolate(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
                recompute_scale_factor: Any = None) -> Tensor:
    """Resizes [n, c, h, w] in mode "nearest" or "bilinear". Raises NotImplementedError for other modes."""
    if size is None:
        scales = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
        size = tuple(int(n * s) for n, s in zip(input.shape[-2:], scales, strict=True))
    if mode == "nearest":
        return resize_nearest(input, size)
    if mode == "bilinear":
        return resize_bilinear(input, size, bool(align_corners), not align_corners)
    raise NotImplementedError(f"NotImplementedError: mindspore.ops.interpolate mode {mode!r} is not in mapper's runtime")


def space_to_depth(x: Any, block_size: int) -> Tensor:
    n, c, h, w = x.shape
    b = block_size
    parts = engine.reshape(node_of(x, "SpaceToDepth"), (n, c, h // b, b, w // b, b))
    return wrap(engine.reshape(engine.transpose(parts, (0, 3, 5, 1, 2, 4)), (n, c * b * b, h // b, w // b)))


def depth_to_space(x: Any, block_size: int) -> Tensor:
    n, c, h, w = x.shape
    b = block_size
    parts = engine.reshape(node_of(x, "DepthToSpace"), (n, b, b, c // (b * b), h, w))
    return wrap(engine.reshape(engine.transpose(parts, (0, 3, 4, 1, 5, 2)), (n, c // (b * b), h * b, w * b)))


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    n, c, h, w = input.shape
    r = upscale_factor
    parts = engine.reshape(node_of(input, "pixel_shuffle"), (n, c // (r * r), r, r, h, w))
    return wrap(engine.reshape(engine.transpose(parts, (0, 1, 4, 2, 5, 3)), (n, c // (r * r), h * r, w * r)))


P = {
    "Conv2D": primitive("Conv2D", _conv_primitive, out_channel=REQUIRED, kernel_size=REQUIRED, mode=1, pad_mode="valid", pad=0,
                        stride=1, dilation=1, group=1, data_format="NCHW"),
    "Conv2DTranspose": primitive("Conv2DTranspose", _conv_transpose_primitive, out_channel=REQUIRED, kernel_size=REQUIRED,
                                 pad_mode="valid", pad=0, pad_list=None, mode=1, stride=1, dilation=1, group=1, data_format="NCHW"),
    "BiasAdd": primitive("BiasAdd", bias_add, data_format="NCHW"),
    "MaxPool": primitive("MaxPool", _max_pool_primitive, kernel_size=1, strides=1, pad_mode="valid", data_format="NCHW"),
    "AvgPool": primitive("AvgPool", _avg_pool_primitive, kernel_size=1, strides=1, pad_mode="VALID", data_format="NCHW"),
    "AdaptiveAvgPool2D": primitive("AdaptiveAvgPool2D", adaptive_avg_pool2d, output_size=REQUIRED),
    "ResizeBilinearV2": primitive("ResizeBilinearV2", resize_bilinear, align_corners=False, half_pixel_centers=False),
    "ResizeNearestNeighbor": primitive("ResizeNearestNeighbor", resize_nearest, size=REQUIRED, align_corners=False,
                                       half_pixel_centers=False),
    "ResizeNearestNeighborV2": primitive("ResizeNearestNeighborV2", resize_nearest, align_corners=False, half_pixel_centers=False),
    "SpaceToDepth": primitive("SpaceToDepth", space_to_depth, block_size=REQUIRED),
    "DepthToSpace": primitive("DepthToSpace", depth_to_space, block_size=REQUIRED),
}
P["Conv2DBackpropInput"] = P["Conv2DTranspose"]

ALIASES = {"upsample": interpolate}
