"""Layers: dense, convolution, pooling, normalisation, embedding, dropout, and the activations as cells."""
from __future__ import annotations

import math as pymath
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import ops as engine
from ...core import leaf
from .. import dtypes
from ..cell import Cell
from ..initializer import HeUniform, Uniform, initializer
from ..operands import node_of
from ..ops import activation, array, image, index, linalg, math, reduce
from ..parameter import Parameter
from ..tensor import Tensor, wrap


def activation_of(name: Any) -> Any:
    """An activation cell from its name, or the cell or function itself; None for None."""
    if name is None or callable(name):
        return name
    if name not in BY_NAME:
        raise KeyError(f"For 'get_activation', the 'name' must be in {list(BY_NAME)}, but got {name}.")
    return BY_NAME[name]()


class Dense(Cell):
    """x W^T + b over the last axis."""

    def __init__(self, in_channels: int, out_channels: int, weight_init: Any = None, bias_init: Any = None, has_bias: bool = True, activation: Any = None,
                 dtype: Any = dtypes.float32) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.has_bias = in_channels, out_channels, has_bias
        if isinstance(weight_init, Tensor) and weight_init.shape != (out_channels, in_channels):
            raise ValueError(f"For 'Dense', weight init shape error. The ndim of 'weight_init' should be equal to 2, and the first dim must be "
                             f"equal to 'out_channels', "
                             f"and the second dim must be equal to 'in_channels'. But got 'weight_init': {weight_init.shape}, 'out_channels': {out_channels}, "
                             f"'in_channels': {in_channels}.")
        self.weight = Parameter(initializer(HeUniform(pymath.sqrt(5)) if weight_init is None else weight_init, [out_channels, in_channels], dtype),
                                name="weight")
        self.bias = None
        if has_bias:
            if isinstance(bias_init, Tensor) and bias_init.shape != (out_channels,):
                raise ValueError(f"For 'Dense', bias init shape error. The ndim of 'bias_init' should be equal to 1, and the first dim must be "
                                 f"equal to 'out_channels'. But got 'bias_init': {bias_init.shape}, 'out_channels': {out_channels}.")
            bound = 1 / pymath.sqrt(in_channels)
            self.bias = Parameter(initializer(Uniform(bound) if bias_init is None else bias_init, [out_channels], dtype), name="bias")
        self.activation = activation_of(activation)
        self.activation_flag = self.activation is not None

    def construct(self, x: Any) -> Any:
        node = node_of(x, "Dense")
        flat = node if node.value.ndim == 2 else engine.reshape(node, (-1, node.value.shape[-1]))
        linalg._same_type(flat, self.weight.node, "MatMul")
        y = engine.matmul(flat, self.weight.node, False, True)
        if self.bias is not None:
            y = y + self.bias.node
        if node.value.ndim != 2:
            y = engine.reshape(y, (*node.value.shape[:-1], self.out_channels))
        return wrap(y) if self.activation is None else self.activation(wrap(y))

    def extend_repr(self) -> str:
        shown = f"input_channels={self.in_channels}, output_channels={self.out_channels}"
        return shown + (f", has_bias={self.has_bias}" if self.has_bias else "") + (f", activation={self.activation}" if self.activation_flag else "")


class _Conv(Cell):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, pad_mode: str = "same", padding: Any = 0, dilation: Any = 1,
                 group: int = 1, has_bias: bool = False, weight_init: Any = None, bias_init: Any = None, data_format: str = "NCHW",
                 dtype: Any = dtypes.float32) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.group, self.has_bias = in_channels, out_channels, group, has_bias
        self.kernel_size, self.stride, self.dilation = self._pair(kernel_size), self._pair(stride), self._pair(dilation)
        self.pad_mode, self.padding, self.data_format = pad_mode, padding, data_format
        shape = self._weight_shape()
        fan_in = pymath.prod(shape[1:])
        self.weight = Parameter(initializer(HeUniform(pymath.sqrt(5)) if weight_init is None else weight_init, shape, dtype), name="weight")
        self.bias = None
        if has_bias:
            self.bias = Parameter(initializer(Uniform(1 / pymath.sqrt(fan_in)) if bias_init is None else bias_init, [out_channels], dtype), name="bias")

    def _pair(self, value: Any) -> tuple[int, ...]:
        return image.two(value)

    def _weight_shape(self) -> list[int]:
        return [self.out_channels, self.in_channels // self.group, *self.kernel_size]

    def extend_repr(self) -> str:
        return (f"input_channels={self.in_channels}, output_channels={self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
                f"pad_mode={self.pad_mode}, padding={self.padding}, dilation={self.dilation}, group={self.group}, has_bias={self.has_bias}, "
                f"format={self.data_format}")


class Conv2d(_Conv):
    """Convolution of [n, c, h, w]."""

    def construct(self, x: Any) -> Any:
        if self.data_format == "NHWC":
            x = array.transpose(x, (0, 3, 1, 2))
        y = image.conv2d(x, self.weight, self.bias, self.stride, self.pad_mode, self.padding, self.dilation, self.group)
        return array.transpose(y, (0, 2, 3, 1)) if self.data_format == "NHWC" else y


class Conv1d(_Conv):
    """Convolution of [n, c, w]; the kernel is stored with a height of one."""

    def _pair(self, value: Any) -> tuple[int, ...]:
        return (1, int(value))

    def construct(self, x: Any) -> Any:
        pad = array.ints(self.padding)
        y = image.conv2d(array.expand_dims(x, 2), self.weight, self.bias, self.stride, self.pad_mode, (0, 0, pad[0], pad[-1]), self.dilation, self.group)
        return array.squeeze(y, 2)


class Conv2dTranspose(_Conv):
    """The adjoint of a convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, pad_mode: str = "same", padding: Any = 0,
                 output_padding: Any = 0,
                 dilation: Any = 1, group: int = 1, has_bias: bool = False, weight_init: Any = None, bias_init: Any = None,
                 dtype: Any = dtypes.float32) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, pad_mode, padding, dilation, group, has_bias, weight_init, bias_init, "NCHW", dtype)
        self.output_padding = image.two(output_padding)

    def _weight_shape(self) -> list[int]:
        return [self.in_channels, self.out_channels // self.group, *self.kernel_size]

    def construct(self, x: Any) -> Any:
        n, _, h, w = x.shape
        pads = image.padding_of("pad", self.padding) if self.pad_mode == "pad" else ((0, 0), (0, 0))
        sizes = []
        for length, kernel, stride, dilation, pad, extra in zip((h, w), self.kernel_size, self.stride, self.dilation, pads, self.output_padding, strict=True):
            reach = dilation * (kernel - 1) + 1
            if self.pad_mode == "same":
                sizes.append(length * stride)
            elif self.pad_mode == "valid":
                sizes.append(length * stride + max(reach - stride, 0))
            else:
                sizes.append((length - 1) * stride - sum(pad) + reach + extra)
        y = image.transposed(x.node, self.weight.node, (n, self.out_channels, *sizes), self.stride, self.pad_mode, self.padding, self.dilation, self.group)
        return wrap(y if self.bias is None else y + engine.reshape(self.bias.node, (-1, 1, 1)))


class _Pool(Cell):
    def __init__(self, kernel_size: Any = 1, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
                 ceil_mode: bool = False, data_format: str = "NCHW", count_include_pad: bool = True, divisor_override: Any = None) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.pad_mode, self.padding = kernel_size, stride, pad_mode, padding
        self.count_include_pad = count_include_pad

    def extend_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode.upper()}"


class MaxPool2d(_Pool):
    def construct(self, x: Any) -> Any:
        return wrap(image.max_pooled(x.node, self.kernel_size, self.stride, self.pad_mode, self.padding))


class AvgPool2d(_Pool):
    def __init__(self, kernel_size: Any = 1, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True,
                 divisor_override: Any = None, data_format: str = "NCHW") -> None:
        super().__init__(kernel_size, stride, pad_mode, padding, count_include_pad=count_include_pad)

    def construct(self, x: Any) -> Any:
        return wrap(image.avg_pooled(x.node, self.kernel_size, self.stride, self.pad_mode, self.padding, self.pad_mode == "pad" and self.count_include_pad))


class MaxPool1d(_Pool):
    def construct(self, x: Any) -> Any:
        pooled = image.max_pooled(engine.expand_dims(x.node, 2), (1, self.kernel_size), (1, self.stride), self.pad_mode, (0, 0, self.padding, self.padding))
        return wrap(engine.squeeze(pooled, 2))


class AvgPool1d(AvgPool2d):
    def construct(self, x: Any) -> Any:
        pooled = image.avg_pooled(engine.expand_dims(x.node, 2), (1, self.kernel_size), (1, self.stride), self.pad_mode, (0, 0, self.padding, self.padding))
        return wrap(engine.squeeze(pooled, 2))


class AdaptiveAvgPool2d(Cell):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def construct(self, x: Any) -> Any:
        return image.adaptive_avg_pool2d(x, self.output_size)


class _BatchNorm(Cell):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.9, affine: bool = True, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 moving_mean_init: Any = "zeros", moving_var_init: Any = "ones", use_batch_statistics: Any = None, data_format: str = "NCHW",
                 dtype: Any = dtypes.float32) -> None:
        super().__init__()
        if num_features < 1:
            raise ValueError(f"For '{type(self).__name__}', the 'num_features' must be at least 1, but got {num_features}.")
        self.num_features, self.eps, self.momentum, self.use_batch_statistics = num_features, eps, 1.0 - momentum, use_batch_statistics
        self.data_format = data_format
        self.moving_mean = Parameter(initializer(moving_mean_init, num_features, dtype), name="mean", requires_grad=False)
        self.moving_variance = Parameter(initializer(moving_var_init, num_features, dtype), name="variance", requires_grad=False)
        self.gamma = Parameter(initializer(gamma_init, num_features, dtype), name="gamma", requires_grad=affine)
        self.beta = Parameter(initializer(beta_init, num_features, dtype), name="beta", requires_grad=affine)

    def construct(self, x: Any) -> Any:
        batch = self.training if self.use_batch_statistics is None else self.use_batch_statistics
        return activation._batch_norm(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, batch, self.eps, self.momentum, self.data_format)[0]

    def extend_repr(self) -> str:
        return (f"num_features={self.num_features}, eps={self.eps}, momentum={1.0 - self.momentum}, gamma={self.gamma}, beta={self.beta}, "
                f"moving_mean={self.moving_mean}, moving_variance={self.moving_variance}")


class BatchNorm1d(_BatchNorm):
    pass


class BatchNorm2d(_BatchNorm):
    pass


class BatchNorm3d(_BatchNorm):
    pass


class LayerNorm(Cell):
    def __init__(self, normalized_shape: Any, begin_norm_axis: int = -1, begin_params_axis: int = -1, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 epsilon: float = 1e-7, dtype: Any = dtypes.float32) -> None:
        super().__init__()
        if not isinstance(normalized_shape, (tuple, list)):
            raise TypeError(f"For 'LayerNorm', the type of 'normalized_shape' must be tuple[int] or list[int], but got {normalized_shape} and the type is "
                            f"{type(normalized_shape)}.")
        self.normalized_shape = tuple(normalized_shape)
        self.begin_norm_axis, self.begin_params_axis, self.epsilon = begin_norm_axis, begin_params_axis, epsilon
        self.gamma = Parameter(initializer(gamma_init, self.normalized_shape, dtype), name="gamma")
        self.beta = Parameter(initializer(beta_init, self.normalized_shape, dtype), name="beta")

    def construct(self, input_x: Any) -> Any:
        return activation._layer_norm(input_x, self.gamma, self.beta, self.begin_norm_axis, self.begin_params_axis, self.epsilon)[0]

    def extend_repr(self) -> str:
        return (f"normalized_shape={self.normalized_shape}, begin_norm_axis={self.begin_norm_axis}, begin_params_axis={self.begin_params_axis}, "
                f"gamma{self.gamma}, beta={self.beta}")


class GroupNorm(Cell):
    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 dtype: Any = dtypes.float32) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"For 'GroupNorm', the 'num_channels' must be divided by 'num_groups', but got 'num_channels': {num_channels}, "
                             f"'num_groups': {num_groups}.")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.gamma = Parameter(initializer(gamma_init, num_channels, dtype), name="gamma", requires_grad=affine)
        self.beta = Parameter(initializer(beta_init, num_channels, dtype), name="beta", requires_grad=affine)

    def construct(self, x: Any) -> Any:
        shape = x.shape
        grouped = engine.reshape(x.node, (shape[0], self.num_groups, -1))
        mean, variance = engine.nn.moments(grouped, (2,), True)
        flat = engine.reshape(engine.nn.normalize(grouped, mean, variance, None, None, self.eps), shape)
        per_channel = (1, -1, *(1,) * (len(shape) - 2))
        return wrap(flat * engine.reshape(self.gamma.node, per_channel) + engine.reshape(self.beta.node, per_channel))


class InstanceNorm2d(Cell):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, gamma_init: Any = "ones", beta_init: Any = "zeros",
                 dtype: Any = dtypes.float32) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = Parameter(initializer(gamma_init, num_features, dtype), name="gamma", requires_grad=affine)
        self.beta = Parameter(initializer(beta_init, num_features, dtype), name="beta", requires_grad=affine)

    def construct(self, x: Any) -> Any:
        mean, variance = engine.nn.moments(x.node, (2, 3), True)
        scale, offset = engine.reshape(self.gamma.node, (1, -1, 1, 1)), engine.reshape(self.beta.node, (1, -1, 1, 1))
        return wrap(engine.nn.normalize(x.node, mean, variance, offset, scale, self.eps))


class Dropout(Cell):
    """Drops with probability p (or 1 - keep_prob) while training."""

    def __init__(self, keep_prob: float = 0.5, p: float | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__()
        if p is None and not 0 < keep_prob <= 1:
            raise ValueError(f"For 'Dropout', the 'keep_prob' must be a number in range (0, 1], but got {keep_prob}.")
        if p is not None and not 0 <= p < 1:
            raise ValueError(f"For 'Dropout', the 'p' must be a number in range [0, 1), but got {p}.")
        self.keep_prob, self.p = keep_prob, p

    def construct(self, x: Any) -> Any:
        drop = 1 - self.keep_prob if self.p is None else self.p
        return activation.dropped(x, 1 - drop)[0] if self.training and drop else x

    def extend_repr(self) -> str:
        return f"keep_prob={self.keep_prob}" if self.p is None else f"p={self.p}"


class Dropout2d(Cell):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def construct(self, x: Any) -> Any:
        return activation.dropout2d(x, self.p, self.training)


class Embedding(Cell):
    """Rows of a table, by index."""

    def __init__(self, vocab_size: int, embedding_size: int, use_one_hot: bool = False, embedding_table: Any = "normal", dtype: Any = dtypes.float32,
                 padding_idx: Any = None) -> None:
        super().__init__()
        self.vocab_size, self.embedding_size, self.use_one_hot, self.padding_idx, self.dtype = vocab_size, embedding_size, use_one_hot, padding_idx, dtype
        table = initializer(embedding_table, [vocab_size, embedding_size], dtype)
        if padding_idx is not None:
            values = np.array(table.node.value)
            values[padding_idx] = 0
            table = Tensor(values)
        self.embedding_table = Parameter(table, name="embedding_table")

    def construct(self, ids: Any) -> Any:
        flat = array.reshape(ids, (-1,))
        if self.use_one_hot:
            rows = wrap(engine.matmul(engine.one_hot(flat.node, self.vocab_size, dtype=self.embedding_table.node.dtype), self.embedding_table.node))
        else:
            rows = index.gather(self.embedding_table, flat, 0)
        return array.reshape(rows, (*ids.shape, self.embedding_size))

    def extend_repr(self) -> str:
        return (f"vocab_size={self.vocab_size}, embedding_size={self.embedding_size}, use_one_hot={self.use_one_hot}, "
                f"embedding_table={self.embedding_table}, dtype={self.dtype}, padding_idx={self.padding_idx}")


class EmbeddingLookup(Embedding):
    def __init__(self, vocab_size: int, embedding_size: int, param_init: Any = "normal", target: str = "CPU", **ignored: Any) -> None:
        super().__init__(vocab_size, embedding_size, False, param_init)


class Flatten(Cell):
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def construct(self, x: Any) -> Any:
        return array.flatten(x, start_dim=self.start_dim, end_dim=self.end_dim)


class Identity(Cell):
    def construct(self, x: Any) -> Any:
        return x


class PReLU(Cell):
    def __init__(self, channel: int = 1, w: Any = 0.25) -> None:
        super().__init__()
        self.w = Parameter(w if isinstance(w, Tensor) else initializer(w, [channel]), name="a")

    def construct(self, x: Any) -> Any:
        return activation.prelu(x, self.w)


class Moments(Cell):
    def __init__(self, axis: Any = None, keep_dims: Any = None) -> None:
        super().__init__()
        self.axis, self.keep_dims = axis, bool(keep_dims)

    def construct(self, x: Any) -> Any:
        mean = reduce.reduce_mean(x, self.axis, True)
        variance = reduce.reduce_mean(math.square(math.sub(x, math.stop_gradient(mean))), self.axis, self.keep_dims)
        return reduce.reduce_mean(x, self.axis, self.keep_dims), variance


def _cell(name: str, function: Callable[..., Any], **defaults: Any) -> type[Cell]:
    """A cell `name` that computes `function(x, **settings)`."""
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        Cell.__init__(self)
        given = dict(zip(defaults, args, strict=False)) | kwargs
        for key in given:
            if key not in defaults:
                raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{key}'")
        for key, value in (defaults | given).items():
            setattr(self, key, value)

    def construct(self: Any, *inputs: Any) -> Any:
        return function(*inputs, **{key: getattr(self, key) for key in defaults})

    return type(name, (Cell,), {"__init__": init, "construct": construct, "__module__": __package__})


def _pad(x: Any, paddings: Any, mode: str) -> Any:
    if mode == "CONSTANT":
        return array._pad_primitive(x, paddings)
    return wrap(engine.pad(x.node, [tuple(p) for p in paddings], mode))


def _clip_by_norm(x: Any, clip_norm: Any = 1.0, axis: Any = None) -> Any:
    norm = math.sqrt(reduce.reduce_sum(math.square(x), axis, True))
    return math.div(math.mul(x, clip_norm), math.maximum(norm, clip_norm if isinstance(clip_norm, Tensor) else wrap(leaf(np.asarray(clip_norm, x.node.dtype)))))


def _one_hot(indices: Any, axis: int, depth: int, on_value: float, off_value: float, dtype: Any) -> Any:
    return array.one_hot(indices, depth, Tensor(on_value, dtype), Tensor(off_value, dtype), axis)


def _matmul(a: Any, b: Any, transpose_x1: bool, transpose_x2: bool) -> Any:
    return linalg.matmul(array.swapaxes(a, -1, -2) if transpose_x1 else a, array.swapaxes(b, -1, -2) if transpose_x2 else b)


class ClipByNorm(Cell):
    def __init__(self, axis: Any = None) -> None:
        super().__init__()
        self.axis = axis

    def construct(self, x: Any, clip_norm: Any) -> Any:
        return _clip_by_norm(x, clip_norm, self.axis)


CELLS = {
    "ReLU": _cell("ReLU", activation.relu), "ReLU6": _cell("ReLU6", activation.relu6), "Tanh": _cell("Tanh", math.tanh),
    "Sigmoid": _cell("Sigmoid", math.sigmoid),
    "LeakyReLU": _cell("LeakyReLU", lambda x, alpha: activation.leaky_relu(x, alpha), alpha=0.2), "ELU": _cell("ELU", activation.elu, alpha=1.0),
    "SeLU": _cell("SeLU", activation.selu), "SiLU": _cell("SiLU", activation.silu), "Mish": _cell("Mish", activation.mish),
    "HSwish": _cell("HSwish", activation.hardswish),
    "HSigmoid": _cell("HSigmoid", activation.hardsigmoid), "Hardtanh": _cell("Hardtanh", activation.hardtanh, min_val=-1.0, max_val=1.0),
    "GELU": _cell("GELU", lambda x, approximate: activation.gelu(x, "tanh" if approximate else "none"), approximate=True),
    "FastGelu": _cell("FastGelu", activation.fast_gelu), "LogSigmoid": _cell("LogSigmoid", activation.logsigmoid),
    "Softsign": _cell("Softsign", activation.softsign),
    "SoftShrink": _cell("SoftShrink", activation.softshrink, lambd=0.5), "HShrink": _cell("HShrink", activation.hardshrink, lambd=0.5),
    "Tanhshrink": _cell("Tanhshrink", activation.tanhshrink), "Threshold": _cell("Threshold", lambda x, threshold,
        value: activation.threshold(x, threshold, value),
                                                                                   threshold=0.0, value=0.0),
    "CELU": _cell("CELU", activation.celu, alpha=1.0), "GLU": _cell("GLU", activation.glu, axis=-1),
    "Softmax": _cell("Softmax", lambda x, axis: activation.softmax(x, axis), axis=-1), "Softmin": _cell("Softmin", lambda x,
        axis: activation.softmin(x, axis), axis=-1),
    "LogSoftmax": _cell("LogSoftmax", activation.log_softmax, axis=-1), "Pad": _cell("Pad", _pad, paddings=(), mode="CONSTANT"),
    "Norm": _cell("Norm", lambda x, axis, keep_dims: reduce.vector_norm(x, 2, axis, keep_dims), axis=(), keep_dims=False),
    "OneHot": _cell("OneHot", _one_hot, axis=-1, depth=1, on_value=1.0, off_value=0.0, dtype=dtypes.float32),
    "MatMul": _cell("MatMul", _matmul, transpose_x1=False, transpose_x2=False), "L1Regularizer": _cell("L1Regularizer", lambda x, scale: math.mul(
        reduce.reduce_sum(math.abs(x)), scale), scale=1.0), "ReduceLogSumExp": _cell("ReduceLogSumExp", reduce.logsumexp, axis=None, keep_dims=False),
    "PixelShuffle": _cell("PixelShuffle", image.pixel_shuffle, upscale_factor=1),
    "Tril": _cell("Tril", lambda x, k=0: array.tril(x, k)), "Triu": _cell("Triu", lambda x, k=0: array.triu(x, k)), "Unflatten": _cell(
        "Unflatten", lambda x, axis, unflattened_size: array.reshape(x, (*x.shape[:axis], *unflattened_size, *x.shape[axis % x.ndim + 1:])), axis=0,
        unflattened_size=()),
    "ZeroPad2d": _cell("ZeroPad2d", lambda x, padding: array.pad(x, padding if isinstance(padding, (tuple, list)) else (padding,) * 4), padding=0),
    "SpaceToDepth": _cell("SpaceToDepth", image.space_to_depth, block_size=2), "Range": _cell("Range", lambda start, limit, delta: array.arange(
        start, limit, delta), start=0, limit=None, delta=1),
}
LAYERS = {c.__name__: c for c in (Dense, Conv2d, Conv1d, Conv2dTranspose, MaxPool2d, AvgPool2d, MaxPool1d, AvgPool1d, AdaptiveAvgPool2d, BatchNorm1d,
                                  BatchNorm2d,
                                  BatchNorm3d, LayerNorm, GroupNorm, InstanceNorm2d, Dropout, Dropout2d, Embedding, EmbeddingLookup, Flatten, Identity, PReLU,
                                  Moments, ClipByNorm)}
BY_NAME = {"softmax": CELLS["Softmax"], "logsoftmax": CELLS["LogSoftmax"], "relu": CELLS["ReLU"], "relu6": CELLS["ReLU6"], "tanh": CELLS["Tanh"],
           "gelu": CELLS["GELU"],
           "elu": CELLS["ELU"], "sigmoid": CELLS["Sigmoid"], "leakyrelu": CELLS["LeakyReLU"], "prelu": PReLU, "hswish": CELLS["HSwish"],
           "hsigmoid": CELLS["HSigmoid"],
           "logsigmoid": CELLS["LogSigmoid"], "softsign": CELLS["Softsign"], "silu": CELLS["SiLU"], "mish": CELLS["Mish"], "selu": CELLS["SeLU"]}
