"""tf.image: resizing, flipping, patches."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import core, ops
from .array import _static_int, concat, slice_
from .graph import Tensor, convert, wrap
from .math import cast


def _sizes(x: Any, size: Any) -> tuple[int, int, int, int]:
    _, height, width, _ = x.shape or (None,) * 4
    known = size if isinstance(size, (list, tuple, np.ndarray)) else ops.shape.static_value(convert(size).node)
    if height is None or width is None or known is None:
        raise NotImplementedError("tensorflow.image resizing of an image whose size only a run can tell is not in mapper's runtime")
    rows, columns = (_static_int(n) for n in known)
    return int(height), int(width), rows, columns


def resize_bilinear(images: Any, size: Any, align_corners: bool = False, name: Any = None, half_pixel_centers: bool = False) -> Tensor:
    x = convert(cast(images, "float32")).node
    h, w, rows, columns = _sizes(x, size)
    left, right = (core.constant(ops.nn.bilinear_weights(n, m, align_corners, half_pixel_centers, x.dtype)) for n, m in ((h, rows), (w, columns)))
    return wrap(ops.einsum("nhwc,ih,jw->nijc", x, left, right), name or "ResizeBilinear")


def resize_nearest_neighbor(images: Any, size: Any, align_corners: bool = False, name: Any = None, half_pixel_centers: bool = False) -> Tensor:
    x = convert(images).node
    h, w, rows, columns = _sizes(x, size)
    for axis, have, wanted in ((1, h, rows), (2, w, columns)):
        x = ops.gather(x, core.constant(ops.nn.nearest_places(have, wanted, align_corners, half_pixel_centers)), axis, mode="wrap")
    return wrap(x, name or "ResizeNearestNeighbor")


def resize_images(images: Any, size: Any, method: int = 0, align_corners: bool = False, preserve_aspect_ratio: bool = False, name: Any = None) -> Tensor:
    """Bilinear (method 0) or nearest neighbour (1), of one image or a batch."""
    if method not in (0, 1):
        raise NotImplementedError(f"tensorflow.image.resize_images with method {method} is not in mapper's runtime")
    x = convert(images)
    single = len(x.node.shape or ()) == 3
    batch = wrap(ops.expand_dims(x.node, 0), "expand") if single else x
    result = (resize_bilinear, resize_nearest_neighbor)[method](batch, size, align_corners)
    return wrap(ops.squeeze(result.node, 0), "squeeze") if single else result


def flip_left_right(image: Any) -> Tensor:
    return wrap(ops.reverse(convert(image).node, (-2,)), "flip_left_right")


def flip_up_down(image: Any) -> Tensor:
    return wrap(ops.reverse(convert(image).node, (-3,)), "flip_up_down")


def total_variation(images: Any, name: Any = None) -> Tensor:
    """The sum of the absolute differences of neighbouring pixels, one number per image of a batch."""
    x = convert(images).node
    axes = tuple(range(len(x.shape or ())))[-3:]
    down = ops.getitem(x, (Ellipsis, slice(1, None), slice(None), slice(None))) - ops.getitem(x, (Ellipsis, slice(None, -1), slice(None), slice(None)))
    across = ops.getitem(x, (Ellipsis, slice(1, None), slice(None))) - ops.getitem(x, (Ellipsis, slice(None, -1), slice(None)))
    return wrap(ops.reduce_sum(ops.absolute(down), axes, False) + ops.reduce_sum(ops.absolute(across), axes, False), name or "total_variation")


def per_image_standardization(image: Any) -> Tensor:
    """(x - mean) / max(deviation, 1 / sqrt(size)), over the last three axes."""
    x = convert(cast(image, "float32")).node
    shape = x.shape or ()
    axes = tuple(range(len(shape)))[-3:]
    count = float(np.prod([int(n or 1) for n in shape[-3:]]))
    mean = ops.reduce_mean(x, axes, True)
    deviation = ops.sqrt_zero_safe(ops.reduce_mean(ops.square(x - mean), axes, True))
    return wrap((x - mean) / ops.maximum(deviation, core.lift(count ** -0.5, deviation)), "per_image_standardization")


def extract_image_patches(images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: str = "VALID", name: Any = None,
                          sizes: Any = None) -> Tensor:
    """Patches of [n, h, w, c], each flattened along the last axis: [n, rows, columns, kh * kw * c]."""
    x = convert(images).node
    _, kh, kw, _ = ksizes if ksizes is not None else sizes
    _, sh, sw, _ = strides
    _, rh, rw, _ = rates or (1, 1, 1, 1)
    if padding.upper() == "SAME":
        amounts = []
        for have, k, s, r in zip((x.shape or ())[1:3], (kh, kw), (sh, sw), (rh, rw), strict=True):
            size = int(have or 0)
            total = max((-(-size // s) - 1) * s + (k - 1) * r + 1 - size, 0)
            amounts.append((total // 2, total - total // 2))
        x = ops.pad(x, [(0, 0), *amounts, (0, 0)])
    height, width = (int(n or 0) for n in (x.shape or ())[1:3])
    rows, columns = (height - (kh - 1) * rh - 1) // sh + 1, (width - (kw - 1) * rw - 1) // sw + 1
    pieces = [ops.getitem(x, (slice(None), slice(i * rh, i * rh + (rows - 1) * sh + 1, sh), slice(j * rw, j * rw + (columns - 1) * sw + 1, sw)))
              for i in range(kh) for j in range(kw)]
    return wrap(ops.concat(pieces, 3) if len(pieces) > 1 else pieces[0], name or "ExtractImagePatches")


def crop_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int) -> Tensor:
    x = convert(image)
    lead = [0] if len(x.node.shape or ()) == 4 else []
    return slice_(x, [*lead, offset_height, offset_width, 0], [*(-1 for _ in lead), target_height, target_width, -1])


def grayscale_to_rgb(images: Any, name: Any = None) -> Tensor:
    return concat([images] * 3, -1)


def rgb_to_grayscale(images: Any, name: Any = None) -> Tensor:
    x = convert(images).node
    weights = core.constant(np.array([0.2989, 0.5870, 0.1140], x.dtype))
    return wrap(ops.reduce_sum(x * weights, -1, True), name or "rgb_to_grayscale")
