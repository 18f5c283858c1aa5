"""tf.nn.rnn_cell, the unrolled and the dynamic recurrent networks, and their bidirectional forms."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import ops
from . import array, math, nn
from .control_flow import flatten, map_structure, scan
from .dtypes import TensorShape
from .graph import Tensor, convert, wrap
from .variables import Ones, Zeros, get_variable, get_variable_scope, variable_scope


class LSTMStateTuple(NamedTuple):
    c: Any
    h: Any


class RNNCell:
    """A cell: (output, state) of (input, state), with variables made at the first call and shared afterwards.

    Subclasses give state_size and output_size, and either `call` (with `build`) or `__call__`."""

    name: Any = None
    built = False
    scope: Any = None
    reuse: Any = None

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, _reuse: Any = None, **ignored: Any) -> None:
        self.name, self.reuse, self.dtype = name, _reuse, dtype

    @property
    def state_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def weights(self) -> list[Any]:
        own = list(self.__dict__.get("made", {}).values())
        inner = [cell for value in vars(self).values() for cell in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(cell, RNNCell)]
        return own + [w for cell in inner for w in cell.weights]

    @property
    def trainable_weights(self) -> list[Any]:
        return [w for w in self.weights if w.trainable]

    variables = weights
    trainable_variables = trainable_weights

    def build(self, inputs_shape: Any) -> None:
        """For subclasses that make their variables with add_weight."""

    def add_weight(self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, **options: Any) -> Any:
        """The variable of that name in the cell's scope: made at the first call, the same at later ones."""
        made: dict[str, Any] = self.__dict__.setdefault("made", {})
        if name not in made:
            made[name] = get_variable(name, shape, dtype, initializer, **options)
        return made[name]

    add_variable = add_weight

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros of shape [batch_size, …] in the structure of state_size."""
        def zeros(size: Any) -> Tensor:
            inner = TensorShape(size).as_list() if isinstance(size, TensorShape) else [int(size)]
            return array.zeros(array.stack([batch_size, *inner]) if isinstance(batch_size, Tensor) else [int(batch_size), *inner], dtype)

        return map_structure(zeros, self.state_size)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(self).__name__).lower()
        with variable_scope(self.scope or scope or self.name, kind, reuse=True if self.built else self.reuse) as opened:
            self.scope = self.scope or opened
            x = inputs if isinstance(inputs, (list, tuple)) else convert(inputs)
            if not self.built:
                self.build(None if isinstance(x, (list, tuple)) else x.get_shape())
            result = self.call(x, state)
            self.built = True
            return result

    def call(self, inputs: Any, state: Any) -> Any:
        raise NotImplementedError("a cell of tensorflow.nn.rnn_cell needs call()")


def _width(x: Tensor) -> int:
    size = None if x.node.shape is None else x.node.shape[-1]
    if size is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {TensorShape(x.node.shape)}")
    return int(size)


class _Sized(RNNCell):
    """A cell whose output and state are vectors of `num_units`."""

    def __init__(self, num_units: Any, activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None, **ignored: Any) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse)
        self.units, self.activation = int(num_units), activation or math.tanh

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> Any:
        return self.units

    def affine(self, x: Tensor, prefix: str, units: int, kernel_initializer: Any = None, bias_initializer: Any = None) -> Tensor:
        kernel = self.add_weight(f"{prefix}kernel", [_width(x), units], x.dtype, kernel_initializer)
        return nn.bias_add(math.matmul(x, kernel), self.add_weight(f"{prefix}bias", [units], x.dtype, bias_initializer or Zeros()))


class BasicRNNCell(_Sized):
    def call(self, inputs: Tensor, state: Any) -> Any:
        output = self.activation(self.affine(array.concat([inputs, state], 1), "", self.units))
        return output, output


class GRUCell(_Sized):
    def __init__(self, num_units: Any, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None, bias_initializer: Any = None,
                 name: Any = None, dtype: Any = None, **ignored: Any) -> None:
        super().__init__(num_units, activation, reuse, name, dtype)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def call(self, inputs: Any, state: Any) -> Any:
        start = self.kernel_initializer, self.bias_initializer
        gates = math.sigmoid(self.affine(array.concat([inputs, state], 1), "gates/", 2 * self.units, start[0], start[1] or Ones()))
        r, u = array.split(gates, 2, 1)
        candidate = self.activation(self.affine(array.concat([inputs, r * state], 1), "candidate/", self.units, *start))
        output = u * state + (1 - u) * candidate
        return output, output


class LSTMCell(_Sized):
    """With peepholes, clipping and a projection as options; the gates stand in the kernel in the order i, j, f, o."""

    def __init__(self, num_units: Any, use_peepholes: bool = False, cell_clip: Any = None, initializer: Any = None, num_proj: Any = None,
                 proj_clip: Any = None, num_unit_shards: Any = None, num_proj_shards: Any = None, forget_bias: float = 1.0, state_is_tuple: bool = True,
                 activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None, **ignored: Any) -> None:
        super().__init__(num_units, activation, reuse, name, dtype)
        self.use_peepholes, self.cell_clip, self.initializer, self.num_proj, self.proj_clip = use_peepholes, cell_clip, initializer, num_proj, proj_clip
        self.forget_bias, self.state_is_tuple = forget_bias, state_is_tuple

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self.units, self.output_size) if self.state_is_tuple else self.units + self.output_size

    @property
    def output_size(self) -> Any:
        return int(self.num_proj) if self.num_proj else self.units

    def call(self, inputs: Tensor, state: Any) -> Any:
        c, h = state if self.state_is_tuple else array.split(state, [self.units, self.output_size], 1)
        i, j, f, o = array.split(self.affine(array.concat([inputs, h], 1), "", 4 * self.units, self.initializer), 4, 1)
        peep = {gate: self.add_weight(f"w_{gate}_diag", [self.units], inputs.dtype, self.initializer) for gate in "fio"} if self.use_peepholes else None
        if peep:
            i, f = i + peep["i"] * c, f + peep["f"] * c
        new_c = c * math.sigmoid(f + self.forget_bias) + math.sigmoid(i) * self.activation(j)
        if self.cell_clip is not None:
            new_c = math.clip_by_value(new_c, -self.cell_clip, self.cell_clip)
        new_h = math.sigmoid(o + peep["o"] * new_c if peep else o) * self.activation(new_c)
        if self.num_proj:
            new_h = math.matmul(new_h, self.add_weight("projection/kernel", [self.units, self.output_size], inputs.dtype, self.initializer))
            if self.proj_clip is not None:
                new_h = math.clip_by_value(new_h, -self.proj_clip, self.proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self.state_is_tuple else array.concat([new_c, new_h], 1)


class BasicLSTMCell(LSTMCell):
    def __init__(self, num_units: Any, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None, reuse: Any = None,
                 name: Any = None, dtype: Any = None, **ignored: Any) -> None:
        super().__init__(num_units, forget_bias=forget_bias, state_is_tuple=state_is_tuple, activation=activation, reuse=reuse, name=name, dtype=dtype)


class MultiRNNCell(RNNCell):
    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        super().__init__()
        if not state_is_tuple:
            raise NotImplementedError("tensorflow.nn.rnn_cell.MultiRNNCell with state_is_tuple=False is not in mapper's runtime")
        self.cells = list(cells)

    @property
    def state_size(self) -> Any:
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self) -> Any:
        return self.cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return tuple(cell.zero_state(batch_size, dtype) for cell in self.cells)

    def call(self, inputs: Any, state: Any) -> Any:
        states, current = [], inputs
        for index, (cell, part) in enumerate(zip(self.cells, state, strict=True)):
            with variable_scope(f"cell_{index}"):
                current, after = cell(current, part)
            states.append(after)
        return current, tuple(states)


class _Wrapper(RNNCell):
    """A cell around another: it has no variables and opens no scope of its own."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.cell = cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self.cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self.call(inputs, state)


class DropoutWrapper(_Wrapper):
    def __init__(self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0, variational_recurrent: bool = False,
                 input_size: Any = None, dtype: Any = None, seed: Any = None, **ignored: Any) -> None:
        super().__init__(cell)
        if variational_recurrent:
            raise NotImplementedError("tensorflow.nn.rnn_cell.DropoutWrapper with variational_recurrent is not in mapper's runtime")
        self.keep, self.seed = (input_keep_prob, output_keep_prob, state_keep_prob), seed

    def call(self, inputs: Any, state: Any) -> Any:
        def drop(x: Any, keep: Any) -> Any:
            return x if isinstance(keep, (int, float)) and keep >= 1 else nn.dropout(x, keep, seed=self.seed)

        output, after = self.cell(drop(inputs, self.keep[0]), state)
        # The cell state c of an LSTM is never dropped.
        kept = LSTMStateTuple(after.c, drop(after.h, self.keep[2])) if isinstance(after, LSTMStateTuple) else map_structure(
            lambda part: drop(part, self.keep[2]), after)
        return drop(output, self.keep[1]), kept


class ResidualWrapper(_Wrapper):
    def call(self, inputs: Any, state: Any) -> Any:
        output, after = self.cell(inputs, state)
        return output + inputs, after


# ----------------------------------------------------------------------------------------------------------- over sequences

def _batch(x: Tensor, axis: int = 0) -> Any:
    size = None if x.node.shape is None else x.node.shape[axis]
    return array.shape(x)[axis] if size is None else size


def _start(cell: Any, batch: Any, initial_state: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return initial_state
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch, dtype)


def _until(lengths: Any, time: Any, new: Any, old: Any) -> Any:
    """`new` for the rows whose sequence goes on at `time`, `old` for the others."""
    def pick(a: Any, b: Any) -> Tensor:
        x = convert(a)
        rows = math.less(time, lengths)
        goes_on = array.reshape(rows, [-1, *[1] * (len(x.node.shape or (0, 0)) - 1)])
        return wrap(ops.where(goes_on.node, x.node, convert(b, x.dtype).node), "Select")

    return map_structure(pick, new, old)


def _masked(cell: Any, lengths: Any, x: Any, state: Any, time: Any) -> Any:
    output, after = cell(x, state)
    if lengths is None:
        return output, after
    return _until(lengths, time, output, map_structure(array.zeros_like, output)), _until(lengths, time, after, state)


def static_rnn(cell: Any, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None) -> Any:
    """(outputs of each step, final state); after a row's length its outputs are zeros and its state stays.

    Raises ValueError "If there is no initial_state, you must give a dtype."."""
    with variable_scope(scope or "rnn"):
        state = _start(cell, _batch(convert(flatten(inputs[0])[0])), initial_state, dtype)
        lengths = None if sequence_length is None else math.cast(sequence_length, "int32")
        outputs = []
        for time, x in enumerate(inputs):
            if time:
                get_variable_scope().reuse_variables()
            output, state = _masked(cell, lengths, x, state, time)
            outputs.append(output)
        return outputs, state


def dynamic_rnn(cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None, parallel_iterations: Any = None,
                swap_memory: bool = False, time_major: bool = False, scope: Any = None) -> Any:
    """(outputs stacked along the axis of time, final state), over a number of steps that the graph or the run knows."""
    x = convert(inputs)
    axis = 0 if time_major else 1
    rank = len(x.node.shape or (0, 0, 0))
    order = [1, 0, *range(2, rank)]
    if x.node.shape is not None and x.node.shape[axis] is not None:
        outputs, state = static_rnn(cell, array.unstack(x, axis=axis), initial_state, dtype, sequence_length, scope or "rnn")
        return map_structure(lambda *parts: array.stack(parts, axis), *outputs), state
    with variable_scope(scope or "rnn"):
        state = _start(cell, _batch(x, 1 - axis), initial_state, dtype)
        lengths = None if sequence_length is None else math.cast(sequence_length, "int32")
        rows = x if time_major else array.transpose(x, order)
        first, _ = cell(rows[0], state)          # what an output looks like; no run computes it
        zeros = map_structure(array.zeros_like, first)

        def step(carried: Any, item: Any) -> Any:
            row, time = item
            return _masked(cell, lengths, row, carried[1], time)

        outputs, states = scan(step, (rows, array.range(array.shape(rows)[0])), (zeros, state))
        turned = map_structure(lambda part: part if time_major else array.transpose(part, order), outputs)
        return turned, map_structure(lambda part: part[-1], states)


def _reversed(x: Any, lengths: Any, time_axis: int) -> Tensor:
    if lengths is None:
        return array.reverse(x, [time_axis])
    return array.reverse_sequence(x, lengths, time_axis, 1 - time_axis)


def bidirectional_dynamic_rnn(cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None, initial_state_fw: Any = None,
                              initial_state_bw: Any = None, dtype: Any = None, parallel_iterations: Any = None, swap_memory: bool = False,
                              time_major: bool = False, scope: Any = None) -> Any:
    """((outputs forward, outputs backward), (final state forward, final state backward))."""
    axis = 0 if time_major else 1
    with variable_scope(scope or "bidirectional_rnn"):
        forward = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, dtype, time_major=time_major, scope="fw")
        turned = _reversed(inputs, sequence_length, axis)
        outputs, state = dynamic_rnn(cell_bw, turned, sequence_length, initial_state_bw, dtype, time_major=time_major, scope="bw")
        backward = map_structure(lambda part: _reversed(part, sequence_length, axis), outputs)
        return (forward[0], backward), (forward[1], state)


def static_bidirectional_rnn(cell_fw: Any, cell_bw: Any, inputs: Any, initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None,
                             sequence_length: Any = None, scope: Any = None) -> Any:
    """(the two outputs of each step side by side, final state forward, final state backward)."""
    def turn(steps: Sequence[Any]) -> list[Any]:
        return list(steps)[::-1] if sequence_length is None else array.unstack(_reversed(array.stack(steps), sequence_length, 0))

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as opened:
            forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, opened)
        with variable_scope("bw") as opened:
            backward, state_bw = static_rnn(cell_bw, turn(inputs), initial_state_bw, dtype, sequence_length, opened)
        return [array.concat([a, b], 1) for a, b in zip(forward, turn(backward), strict=True)], state_fw, state_bw
