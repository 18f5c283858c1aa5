"""Losses over sampled classes."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import random as random_ops
from . import array, math, nn
from .graph import Tensor, convert, get_default_graph, wrap, wrap_outputs


def log_uniform_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None,
                                  name: Any = None) -> Any:
    """Classes drawn with P(c) = (log(c + 2) - log(c + 1)) / log(range_max + 1), and how often true and drawn classes are expected."""
    classes = convert(true_classes)
    graph = get_default_graph()
    first, second = (graph.seed or 0) if seed is None else int(seed), len(graph.operations)
    chances = np.diff(np.log(np.arange(1, range_max + 2))) / np.log(range_max + 1)

    def expected(tries: int, chosen: Any) -> Any:
        p = chances[chosen]
        return (-np.expm1(tries * np.log1p(-p)) if unique else p * tries).astype(np.float32)

    def draw(true: Any) -> Any:
        rng = random_ops.generator(first, second)
        drawn: list[int] = []
        tries = 0
        while len(drawn) < num_sampled:
            tries += 1
            one = int(np.exp(rng.random() * np.log(range_max + 1)) - 1) % range_max
            if not unique or one not in drawn:
                drawn.append(one)
        return np.array(drawn, np.int64), expected(tries, true), expected(tries, drawn)

    kinds = [((num_sampled,), np.dtype(np.int64)), (classes.node.shape, np.dtype(np.float32)), ((num_sampled,), np.dtype(np.float32))]
    return tuple(wrap_outputs(ops.control.python(draw, [classes.node], kinds), name or "LogUniformCandidateSampler"))


def _sampled_logits(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int, sampled_values: Any,
                    remove_accidental_hits: bool, seed: Any) -> tuple[Tensor, Tensor]:
    labels = math.cast(convert(labels), "int64")
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
    sampled, true_count, sampled_count = (math.stop_gradient(convert(v)) for v in sampled_values)
    sampled = math.cast(sampled, "int64")
    flat = array.reshape(labels, [-1])
    inputs = convert(inputs)
    wide = inputs.node.shape[-1] if inputs.node.shape else None
    true_w = array.reshape(array.embedding_lookup(weights, flat), [-1, num_true, wide])
    true_b = array.reshape(array.embedding_lookup(biases, flat), [-1, num_true])
    true_logits = math.reduce_sum(array.expand_dims(inputs, 1) * true_w, 2) + true_b - math.log(true_count)
    sampled_logits = math.matmul(inputs, array.embedding_lookup(weights, sampled), transpose_b=True) + array.embedding_lookup(biases, sampled)
    if remove_accidental_hits:
        hit = math.reduce_any(math.equal(array.expand_dims(labels, 2), array.reshape(sampled, [1, 1, -1])), 1)
        sampled_logits = sampled_logits + math.cast(hit, "float32") * float(np.finfo(np.float32).min)
    sampled_logits = sampled_logits - math.log(sampled_count)
    targets = array.concat([array.ones_like(true_logits) / num_true, array.zeros_like(sampled_logits)], 1)
    return array.concat([true_logits, sampled_logits], 1), math.stop_gradient(targets)


def sampled_softmax_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
                         sampled_values: Any = None, remove_accidental_hits: bool = True, partition_strategy: str = "mod",
                         name: str = "sampled_softmax_loss", seed: Any = None) -> Tensor:
    logits, targets = _sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits, seed)
    return wrap(ops.softmax_cross_entropy(logits.node, targets.node), name)


def nce_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1, sampled_values: Any = None,
             remove_accidental_hits: bool = False, partition_strategy: str = "mod", name: str = "nce_loss") -> Tensor:
    logits, targets = _sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits, None)
    return math.reduce_sum(nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits), 1, name=name)
