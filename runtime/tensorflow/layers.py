"""tf.layers and the common part of tf.contrib.layers: functions that make their own variables."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import core, ops
from . import array, math, nn
from .graph import GraphKeys, Tensor, add_to_collection, convert, wrap
from .variables import GlorotUniform, Ones, Variable, Zeros, get_variable, variable_scope


def _scope(name: str | None, default: str, reuse: Any) -> Any:
    """The variable scope of a layer: its name, or a default that is not in use in the scope around it."""
    return variable_scope(name or (default if reuse else None), default, reuse=reuse)


def _size(x: Tensor, axis: int = -1) -> int:
    size = None if x.node.shape is None else x.node.shape[axis]
    if size is None:
        raise ValueError("The last dimension of the inputs to a Dense layer should be defined. Found None.")
    return int(size)


def dense(inputs: Any, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None,
          kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
          bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None, _scope_default: str = "dense") -> Tensor:
    x = convert(inputs)
    with _scope(name, _scope_default, reuse):
        kernel = get_variable("kernel", [_size(x), int(units)], x.dtype, kernel_initializer, kernel_regularizer, trainable)
        rank = len(x.node.shape or ())
        product = math.matmul(x, kernel) if rank == 2 else math.tensordot(x, kernel, [[rank - 1], [0]])
        if use_bias:
            product = nn.bias_add(product, get_variable("bias", [int(units)], x.dtype, bias_initializer or Zeros(), bias_regularizer, trainable))
        return product if activation is None else activation(product)


def conv2d(inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str = "channels_last",
           dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None,
           kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
           bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None) -> Tensor:
    x = convert(inputs)
    layout = "NCHW" if data_format == "channels_first" else "NHWC"
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    with _scope(name, "conv2d", reuse):
        shape = [int(kh), int(kw), _size(x, 1 if layout == "NCHW" else -1), int(filters)]
        kernel = get_variable("kernel", shape, x.dtype, kernel_initializer, kernel_regularizer, trainable)
        steps = [strides, strides] if isinstance(strides, int) else list(strides)
        spread = [dilation_rate, dilation_rate] if isinstance(dilation_rate, int) else list(dilation_rate)
        result = nn.conv2d(x, kernel, steps, padding.upper(), data_format=layout, dilations=spread)
        if use_bias:
            result = nn.bias_add(result, get_variable("bias", [int(filters)], x.dtype, bias_initializer or Zeros(), bias_regularizer, trainable), layout)
        return result if activation is None else activation(result)


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (list, tuple)) else value)


def conv1d(inputs: Any, filters: Any, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str = "channels_last",
           dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None,
           kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
           bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None) -> Tensor:
    x = convert(inputs)
    if data_format != "channels_last":
        raise NotImplementedError("tensorflow.layers.conv1d with channels first is not in mapper's runtime")
    with _scope(name, "conv1d", reuse):
        kernel = get_variable("kernel", [_one(kernel_size), _size(x, -1), int(filters)], x.dtype, kernel_initializer, kernel_regularizer, trainable)
        image, window = wrap(ops.expand_dims(x.node, 1), "ExpandDims"), wrap(ops.expand_dims(convert(kernel).node, 0), "ExpandDims")
        found = nn.conv2d(image, window, [1, _one(strides)], padding.upper(), dilations=[1, _one(dilation_rate)])
        result = wrap(ops.squeeze(found.node, (1,)), "conv1d")
        if use_bias:
            result = nn.bias_add(result, get_variable("bias", [int(filters)], x.dtype, bias_initializer or Zeros(), bias_regularizer, trainable))
        return result if activation is None else activation(result)


def conv2d_transpose(inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str = "channels_last",
                     activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None, trainable: bool = True,
                     name: Any = None, reuse: Any = None, kernel_regularizer: Any = None, **ignored: Any) -> Tensor:
    x = convert(inputs)
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    sh, sw = (strides, strides) if isinstance(strides, int) else strides
    with _scope(name, "conv2d_transpose", reuse):
        kernel = get_variable("kernel", [int(kh), int(kw), int(filters), _size(x)], x.dtype, kernel_initializer, kernel_regularizer, trainable)
        n, h, w = (x.node.shape or (None,) * 4)[:3]
        same = padding.lower() == "same"
        height, width = ((size or 0) * step + (0 if same else max(k - step, 0)) for size, step, k in ((h, sh, kh), (w, sw, kw)))
        batch = array.shape(x)[0] if n is None else n
        result = nn.conv2d_transpose(x, kernel, array.stack([batch, height, width, int(filters)]) if n is None else [n, height, width, int(filters)],
                                     [1, sh, sw, 1], padding.upper())
        if use_bias:
            result = nn.bias_add(result, get_variable("bias", [int(filters)], x.dtype, bias_initializer or Zeros(), None, trainable))
        return result if activation is None else activation(result)


def _pool(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def pool(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last", name: Any = None) -> Tensor:
        layout = "NCHW" if data_format == "channels_first" else "NHWC"
        size, step = ([v, v] if isinstance(v, int) else list(v) for v in (pool_size, strides))
        return function(inputs, size, step, padding.upper(), layout, name)

    return pool


max_pooling2d, average_pooling2d = _pool(nn.max_pool), _pool(nn.avg_pool)


def flatten(inputs: Any, name: Any = None, data_format: Any = None, scope: Any = None, outputs_collections: Any = None) -> Tensor:
    x = convert(inputs)
    sizes = (x.node.shape or ())[1:]
    if None in sizes:
        raise NotImplementedError("tensorflow.layers.flatten of unknown inner dimensions is not in mapper's runtime")
    return array.reshape(x, [-1, int(np.prod(sizes))], name or "flatten/Reshape")  # type: ignore[arg-type]


def dropout(inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False, name: Any = None) -> Tensor:
    from .control_flow import cond

    if isinstance(training, Tensor):
        result: Tensor = cond(training, lambda: nn.dropout(inputs, rate=rate, seed=seed), lambda: math.identity(inputs))
        return result
    return nn.dropout(inputs, rate=rate, seed=seed) if training else math.identity(inputs)


def batch_normalization(inputs: Any, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                        beta_initializer: Any = None, gamma_initializer: Any = None, moving_mean_initializer: Any = None,
                        moving_variance_initializer: Any = None, training: Any = False, trainable: bool = True, name: Any = None, reuse: Any = None,
                        fused: Any = None, **ignored: Any) -> Tensor:
    from .control_flow import cond

    x = convert(inputs)
    size = _size(x, axis)
    with _scope(name, "batch_normalization", reuse):
        gamma = get_variable("gamma", [size], x.dtype, gamma_initializer or Ones(), None, trainable) if scale else None
        beta = get_variable("beta", [size], x.dtype, beta_initializer or Zeros(), None, trainable) if center else None
        mean = get_variable("moving_mean", [size], x.dtype, moving_mean_initializer or Zeros(), None, False)
        variance = get_variable("moving_variance", [size], x.dtype, moving_variance_initializer or Ones(), None, False)

        if training is False or training in (0, None):
            return nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        rank = len(x.node.shape or ())
        over = tuple(range(rank - 1))
        fused_here = rank == 4 and fused is not False
        exact = ops.moments(x.node, over, False) if fused_here else ()
        current = (wrap(exact[0], "mean"), wrap(exact[1], "variance")) if exact else nn.moments(x, list(over))
        stored = current
        if fused_here:
            # The fused kernel, which images get, stores the unbiased variance.
            count = ops.cast(ops.size_of(x.node), x.node.dtype) / float(size)
            stored = (current[0], wrap(current[1].node * count / ops.maximum(count - 1.0, core.lift(1, count)), "unbiased"))
        if isinstance(training, (Tensor, Variable)):
            current, stored = (tuple(cond(training, lambda new=new: new, lambda old=old: old.value()) for new, old in zip(pair, (mean, variance)))
                               for pair in (current, stored))
        pairs: list[tuple[Any, Any]] = list(zip((mean, variance), stored))
        for moving, new in pairs:
            add_to_collection(GraphKeys.UPDATE_OPS, moving.assign_sub((moving - new) * (1 - momentum)))
        return nn.batch_normalization(x, *current, beta, gamma, epsilon)


def fully_connected(inputs: Any, num_outputs: Any, activation_fn: Any = nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
                    weights_initializer: Any = None, weights_regularizer: Any = None, biases_initializer: Any = False, biases_regularizer: Any = None,
                    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None) -> Tensor:
    """tf.contrib.layers.fully_connected: relu by default, variables `weights` and `biases`."""
    x = convert(inputs)
    with _scope(scope, "fully_connected", reuse):
        weights = get_variable("weights", [_size(x), int(num_outputs)], x.dtype, weights_initializer or GlorotUniform(), weights_regularizer, trainable)
        result = math.matmul(x, weights)
        if normalizer_fn is not None:
            result = normalizer_fn(result, **(normalizer_params or {}))
        elif biases_initializer is not None:
            result = nn.bias_add(result, get_variable("biases", [int(num_outputs)], x.dtype, biases_initializer or Zeros(), biases_regularizer, trainable))
        return result if activation_fn is None else activation_fn(result)


def l2_regularizer(scale: float, scope: Any = None) -> Callable[[Any], Any]:
    return lambda weights: None if scale == 0 else wrap(nn.l2_loss(weights).node * float(scale), "l2_regularizer")


def l1_regularizer(scale: float, scope: Any = None) -> Callable[[Any], Any]:
    return lambda weights: None if scale == 0 else wrap(ops.reduce_sum(ops.absolute(convert(weights).node)) * float(scale), "l1_regularizer")
