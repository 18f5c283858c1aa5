"""Recurrent cells and layers: RNN, LSTM, GRU."""
from __future__ import annotations

import math as pymath
from collections.abc import Callable
from typing import Any

from ... import ops as engine
from ...core import Node, leaf
from ..cell import Cell
from ..initializer import Uniform, initializer
from ..ops import array
from ..parameter import Parameter
from ..tensor import wrap


def _rnn_step(x: Node, h: Node, c: Any, w: tuple[Node, Node, Any, Any], act: Callable[[Node], Node]) -> tuple[Node, Any]:
    return act(_affine(x, w[0], w[2]) + _affine(h, w[1], w[3])), c


def _affine(x: Node, w: Node, b: Any) -> Node:
    y = engine.matmul(x, w, False, True)
    return y if b is None else y + b


def _lstm_step(x: Node, h: Node, c: Any, w: tuple[Node, Node, Any, Any], act: Any) -> tuple[Node, Any]:
    size = h.value.shape[-1]
    i, f, g, o = engine.split(_affine(x, w[0], w[2]) + _affine(h, w[1], w[3]), [size] * 4, -1)
    c = engine.sigmoid(f) * c + engine.sigmoid(i) * engine.tanh(g)
    return engine.sigmoid(o) * engine.tanh(c), c


def _gru_step(x: Node, h: Node, c: Any, w: tuple[Node, Node, Any, Any], act: Any) -> tuple[Node, Any]:
    size = h.value.shape[-1]
    ri, zi, ni = engine.split(_affine(x, w[0], w[2]), [size] * 3, -1)
    rh, zh, nh = engine.split(_affine(h, w[1], w[3]), [size] * 3, -1)
    update = engine.sigmoid(zi + zh)
    new = engine.tanh(ni + engine.sigmoid(ri + rh) * nh)
    return new + update * (h - new), c


_STEPS: dict[str, tuple[int, Any]] = {"RNN": (1, _rnn_step), "LSTM": (4, _lstm_step), "GRU": (3, _gru_step)}
_NONLINEAR = {"tanh": engine.tanh, "relu": engine.relu}


def _parameter(shape: list[int], bound: float, name: str) -> Parameter:
    return Parameter(initializer(Uniform(bound), shape), name=name)


class _CellBase(Cell):
    kind = "RNN"

    def __init__(self, input_size: int, hidden_size: int, has_bias: bool = True, nonlinearity: str = "tanh", dtype: Any = None) -> None:
        super().__init__()
        gates, bound = _STEPS[self.kind][0], 1 / pymath.sqrt(hidden_size)
        self.hidden_size, self.has_bias, self.nonlinearity = hidden_size, has_bias, nonlinearity
        self.weight_ih = _parameter([gates * hidden_size, input_size], bound, "weight_ih")
        self.weight_hh = _parameter([gates * hidden_size, hidden_size], bound, "weight_hh")
        self.bias_ih: Any = _parameter([gates * hidden_size], bound, "bias_ih") if has_bias else None
        self.bias_hh: Any = _parameter([gates * hidden_size], bound, "bias_hh") if has_bias else None

    def _run(self, x: Any, h: Any, c: Any = None) -> tuple[Node, Any]:
        weights = (self.weight_ih.node, self.weight_hh.node, self.bias_ih.node if self.has_bias else None, self.bias_hh.node if self.has_bias else None)
        made: tuple[Node, Any] = _STEPS[self.kind][1](x.node, h.node, None if c is None else c.node, weights, _NONLINEAR[self.nonlinearity])
        return made

    def construct(self, x: Any, hx: Any) -> Any:
        return wrap(self._run(x, hx)[0])


class RNNCell(_CellBase):
    pass


class GRUCell(_CellBase):
    kind = "GRU"

    def __init__(self, input_size: int, hidden_size: int, has_bias: bool = True, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, has_bias)


class LSTMCell(_CellBase):
    kind = "LSTM"

    def __init__(self, input_size: int, hidden_size: int, has_bias: bool = True, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, has_bias)

    def construct(self, x: Any, hx: Any) -> Any:
        h, c = self._run(x, *hx)
        return wrap(h), wrap(c)


class _Recurrent(Cell):
    kind = "RNN"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        names: tuple[str, ...] = ("input_size", "hidden_size", "num_layers", "has_bias", "batch_first", "dropout", "bidirectional", "dtype")
        if self.kind == "RNN":
            names = ("input_size", "hidden_size", "num_layers", "nonlinearity", *names[3:])
        given: dict[str, Any] = {
            "num_layers": 1, "nonlinearity": "tanh", "has_bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False} | dict(
            zip(names, args, strict=False)) | kwargs
        self.hidden_size, self.num_layers, self.batch_first = given["hidden_size"], given["num_layers"], given["batch_first"]
        self.has_bias, self.nonlinearity, self.directions = given["has_bias"], given["nonlinearity"], 2 if given["bidirectional"] else 1
        gates, bound = _STEPS[self.kind][0], 1 / pymath.sqrt(self.hidden_size)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if self.has_bias else ("weight_ih", "weight_hh"):
            for layer in range(self.num_layers):
                for direction in ("", "_reverse")[:self.directions]:
                    width = given["input_size"] if layer == 0 else self.hidden_size * self.directions
                    shape = [gates * self.hidden_size] if part.startswith("bias") else [
                        gates * self.hidden_size, width if part == "weight_ih" else self.hidden_size]
                    name = f"{part}_l{layer}{direction}"
                    setattr(self, name, _parameter(shape, bound, name))

    def _weights(self, suffix: str) -> tuple[Node, Node, Any, Any]:
        return tuple(getattr(self, f"{part}_l{suffix}").node if self.has_bias or part.startswith("weight") else None
                     for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))  # type: ignore[return-value]

    def construct(self, x: Any, hx: Any = None, seq_length: Any = None) -> Any:
        if self.batch_first:
            x = array.transpose(x, (1, 0, 2))
        steps = engine.unstack(x.node, x.shape[0], 0)
        lstm = self.kind == "LSTM"
        if hx is None:
            hx = array.zeros((self.num_layers * self.directions, x.shape[1], self.hidden_size), x.dtype)
            hx = (hx, hx) if lstm else hx
        starts = [t.node for t in (hx if lstm else (hx,))]
        finals: list[list[Node]] = [[] for _ in starts]
        lengths = None if seq_length is None else seq_length.node.value
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self.directions):
                state = [engine.take_index(s, layer * self.directions + direction, 0) for s in starts]
                made = self._sweep(steps, state, f"{layer}{'_reverse' if direction else ''}", bool(direction), lengths)
                outputs.append(made[0])
                for kept, last in zip(finals, made[1], strict=True):
                    kept.append(last)
            steps = outputs[0] if len(outputs) == 1 else [engine.concat([a, b], -1) for a, b in zip(*outputs, strict=True)]
        result: Any = wrap(engine.stack(steps, 0))
        if self.batch_first:
            result = array.transpose(result, (1, 0, 2))
        ends = tuple(wrap(engine.stack(kept, 0)) for kept in finals)
        return result, ends if lstm else ends[0]

    def _sweep(self, steps: list[Node], state: list[Node], suffix: str, backwards: bool, lengths: Any) -> tuple[list[Node], list[Node]]:
        weights, step = self._weights(suffix), _STEPS[self.kind][1]
        outputs: dict[int, Node] = {}
        for t in range(len(steps))[::-1] if backwards else range(len(steps)):
            h, c = step(steps[t], state[0], state[1] if len(state) > 1 else None, weights, _NONLINEAR[self.nonlinearity])
            new = [h] if len(state) == 1 else [h, c]
            if lengths is not None:
                live = leaf((t < lengths)[:, None])
                state = [engine.where(live, n, s) for n, s in zip(new, state, strict=True)]
                outputs[t] = engine.where(live, h, engine.zeros_like(h))
            else:
                state, outputs[t] = new, h
        return [outputs[t] for t in range(len(steps))], state


class RNN(_Recurrent):
    pass


class LSTM(_Recurrent):
    kind = "LSTM"


class GRU(_Recurrent):
    kind = "GRU"


RECURRENT = {c.__name__: c for c in (RNNCell, GRUCell, LSTMCell, RNN, LSTM, GRU)}
