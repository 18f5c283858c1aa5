"""The seven workloads of `runtime.py` as a person would write them by hand in NumPy: forward and gradient.

Each function takes the arrays that `inputs.py` draws and returns a list of float32 gradients, in the order in which the
framework programs of `programs.py` fetch them. They are the yardstick: ratios are time / time of these functions.
"""
from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def four_vectors(a: Array, b: Array, w1: Array, w2: Array, w3: Array, w4: Array) -> list[Array]:
    """Cotangents a, b [3] of z1 = w1 + w2 + w3 and z2 = w3 + w4, pulled back to the four weights [3]."""
    return [a, a, a + b, b]


def chain(x: Array, steps: int) -> list[Array]:
    """d sum(y) / dx of `steps` rounds of y = tanh(y * 1.01 + 0.1), x [1000]."""
    scale, shift, y = np.float32(1.01), np.float32(0.1), x
    saved = []
    for _ in range(steps):
        y = np.tanh(y * scale + shift)
        saved.append(y)
    g = np.ones_like(y)
    for y in reversed(saved):
        g = g * (1 - y * y) * scale
    return [g]


def mlp(x: Array, labels: Array, *weights: Array) -> list[Array]:
    """Gradients of the mean softmax cross entropy of a 784-256-256-10 relu network; labels one-hot [batch, 10]."""
    w1, b1, w2, b2, w3, b3 = weights
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    logits = h2 @ w3 + b3
    e = np.exp(logits - logits.max(1, keepdims=True))
    g = (e / e.sum(1, keepdims=True) - labels) / np.float32(len(x))
    gw3, gb3 = h2.T @ g, g.sum(0)
    g = (g @ w3.T) * (h2 > 0)
    gw2, gb2 = h1.T @ g, g.sum(0)
    g = (g @ w2.T) * (h1 > 0)
    return [x.T @ g, g.sum(0), gw2, gb2, gw3, gb3]


def pinn(x: Array, force: Array, *weights: Array) -> list[Array]:
    """Gradients of mean((u_xx - force)^2) of a tanh network u, by derivatives carried forward and one reverse sweep."""
    layers = list(zip(weights[0::2], weights[1::2]))
    h, h1, h2 = x, np.ones_like(x), np.zeros_like(x)
    saved = []
    for w, b in layers[:-1]:
        z1, z2 = h1 @ w, h2 @ w
        inner = (h, h1, h2)
        h = np.tanh(h @ w + b)
        s = 1 - h * h
        curve = z2 - 2 * h * z1 * z1
        h1, h2 = s * z1, s * curve
        saved.append((inner, h, s, z1, curve))
    w = layers[-1][0]
    residual = h2 @ w - force
    g2 = residual * np.float32(2 / len(x))
    grads = [h2.T @ g2, np.zeros_like(layers[-1][1])]
    g0, g1, g2 = np.zeros_like(h), np.zeros_like(h), g2 @ w.T
    for (w, _), (inner, h, s, z1, curve) in zip(reversed(layers[:-1]), reversed(saved)):
        g2s = g2 * s
        gs = g1 * z1 + g2 * curve
        gz1 = g1 * s - 4 * g2s * h * z1
        gz = (g0 - 2 * g2s * z1 * z1 - 2 * gs * h) * s
        a, a1, a2 = inner
        grads = [a.T @ gz + a1.T @ gz1 + a2.T @ g2s, gz.sum(0, keepdims=True)] + grads
        g0, g1, g2 = gz @ w.T, gz1 @ w.T, g2s @ w.T
    return grads


def large_elementwise(x: Array) -> list[Array]:
    """d sum(sigmoid(x) * x^2 + exp(-x^2)) / dx for four million elements."""
    s = 1 / (1 + np.exp(-x))
    square = x * x
    return [s * (1 - s) * square + 2 * s * x - 2 * x * np.exp(-square)]


def _columns(x: Array, k: int) -> Array:
    n, h, w, c = x.shape
    out_h, out_w = h - k + 1, w - k + 1
    sn, sh, sw, sc = x.strides
    windows = np.lib.stride_tricks.as_strided(x, (n, out_h, out_w, k, k, c), (sn, sh, sw, sh, sw, sc), writeable=False)
    return windows.reshape(n * out_h * out_w, k * k * c)


def _fold(columns: Array, shape: tuple[int, ...], k: int) -> Array:
    n, h, w, c = shape
    out_h, out_w = h - k + 1, w - k + 1
    windows = columns.reshape(n, out_h, out_w, k, k, c)
    image = np.zeros(shape, columns.dtype)
    for i in range(k):
        for j in range(k):
            image[:, i:i + out_h, j:j + out_w] += windows[:, :, :, i, j]
    return image


def conv_net(x: Array, k1: Array, k2: Array, w: Array) -> list[Array]:
    """Gradients of mean(logits^2): conv 5x5 VALID, relu, 2x2 max pool, conv 3x3 VALID, relu, dense; x NHWC."""
    n = len(x)
    columns1 = _columns(x, k1.shape[0])
    size1 = x.shape[1] - k1.shape[0] + 1
    h1 = np.maximum((columns1 @ k1.reshape(-1, k1.shape[3])).reshape(n, size1, size1, -1), 0)
    tiles = h1.reshape(n, size1 // 2, 2, size1 // 2, 2, -1)
    pooled = tiles.max((2, 4))
    columns2 = _columns(pooled, k2.shape[0])
    size2 = pooled.shape[1] - k2.shape[0] + 1
    h2 = np.maximum((columns2 @ k2.reshape(-1, k2.shape[3])).reshape(n, size2, size2, -1), 0)
    flat = h2.reshape(n, -1)
    logits = flat @ w
    g = logits * np.float32(2 / logits.size)
    gw = flat.T @ g
    g2 = ((g @ w.T).reshape(h2.shape) * (h2 > 0)).reshape(-1, k2.shape[3])
    gk2 = (columns2.T @ g2).reshape(k2.shape)
    gp = _fold(g2 @ k2.reshape(-1, k2.shape[3]).T, pooled.shape, k2.shape[0])
    g1 = (tiles == pooled[:, :, None, :, None]) * gp[:, :, None, :, None]
    g1 = (g1.reshape(h1.shape) * (h1 > 0)).reshape(-1, k1.shape[3])
    return [(columns1.T @ g1).reshape(k1.shape), gk2, gw]


def hessian_vector(x: Array, y: Array, v1: Array, v2: Array, w1: Array, w2: Array) -> list[Array]:
    """Hessian-vector product of mean((tanh(x w1) w2 - y)^2) in the direction (v1, v2), by Pearlmutter's R-operator."""
    h = np.tanh(x @ w1)
    s = 1 - h * h
    scale = np.float32(2 / y.size)
    r = (h @ w2 - y) * scale
    rh = s * (x @ v1)
    rr = (rh @ w2 + h @ v2) * scale
    back = r @ w2.T
    rback = rr @ w2.T + r @ v2.T
    gz = rback * s - 2 * back * h * rh
    return [x.T @ gz, rh.T @ r + h.T @ rr]
