"""Arrays for the workloads: the same for hand-written NumPy, both faces, autograd and the real frameworks."""
from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
CHAIN_STEPS = 33                # three ops a round: about 100 in the forward pass
BATCH, PINN_POINTS, WIDE = 128, 2000, 4_000_000


def draw(name: str) -> tuple[list[Array], list[Array]]:
    """(per-call data, weights) of workload `name`, float32, from a fixed seed."""
    rng = np.random.RandomState(0)

    def normal(*shape: int, scale: float = 1.0) -> Array:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    if name == "four_vectors":
        return [normal(3), normal(3)], [normal(3) for _ in range(4)]
    if name == "chain":
        return [normal(1000)], []
    if name == "mlp":
        labels = np.eye(10, dtype=np.float32)[rng.randint(0, 10, BATCH)]
        sizes = [784, 256, 256, 10]
        return [normal(BATCH, 784), labels], _layers(normal, sizes, bias_rows=False)
    if name == "pinn":
        x = rng.uniform(-1, 1, (PINN_POINTS, 1)).astype(np.float32)
        return [x, -np.sin(np.pi * x).astype(np.float32)], _layers(normal, [1, 50, 50, 50, 1], bias_rows=True)
    if name == "large_elementwise":
        return [normal(WIDE)], []
    if name == "conv_net":
        return [normal(32, 28, 28, 1)], [normal(5, 5, 1, 8, scale=0.2), normal(3, 3, 8, 16, scale=0.1),
                                         normal(1600, 10, scale=0.05)]
    if name == "hessian_vector":
        return [normal(512, 64), normal(512, 8), normal(64, 128), normal(128, 8)], [
            normal(64, 128, scale=0.1), normal(128, 8, scale=0.1)]
    raise KeyError(name)


def _layers(normal: Any, sizes: list[int], bias_rows: bool) -> list[Array]:
    weights = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        weights.append(normal(fan_in, fan_out, scale=float(np.sqrt(2 / (fan_in + fan_out)))))
        weights.append(np.zeros((1, fan_out) if bias_rows else (fan_out,), np.float32))
    return weights


NAMES = ["four_vectors", "chain", "mlp", "pinn", "large_elementwise", "conv_net", "hessian_vector"]
