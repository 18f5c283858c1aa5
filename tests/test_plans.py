"""Compiled plans give, to the bit, what executing node after node gives, and nothing outside of a plan ever sees its buffers."""
from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from mapper.runtime import core, evaluate, lowering, ops, plan, schedule
from mapper.runtime.core import Node, constant
from mapper.runtime.evaluate import Prepared
from mapper.runtime.ops import random as random_ops
from mapper.runtime.ops import state as state_ops
from mapper.runtime.ops.control import python
from mapper.runtime.ops.state import placeholder, read, update

F32 = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are compiled in the third run."""
    monkeypatch.setattr(evaluate, "patience", lambda steps, elements: 3)


def normal(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check(fetches: list[Node], fed: list[Node], arrays: list[Any], state: dict[Any, Any] | None = None) -> Prepared:
    """The interpreter's results, and those of three runs of the plan, the first of them after the others as well."""
    prepared = Prepared(fetches, fed)
    state = {} if state is None else state
    expected = prepared.interpret(arrays, dict(state))
    for _ in range(3):
        prepared.run(arrays, dict(state))
    fast, = prepared.idle
    first = fast(arrays, dict(state))
    assert first is not None, "the guards let nothing pass"
    kept = [np.array(value) for value in first]
    second = fast(arrays, dict(state))
    assert second is not None
    for wanted, one, then, two in zip(expected, first, kept, second, strict=True):
        assert same_bits(wanted, one)
        assert same_bits(then, one), "a later run changed what an earlier one gave"
        assert same_bits(wanted, two)
    return prepared


def steps_of(fetches: list[Node], fed: list[Node], arrays: list[Any], state: dict[Any, Any] | None = None) -> list[lowering.Step]:
    """The steps that a plan of these consists of."""
    prepared = Prepared(fetches, fed)
    layouts: list[Any] = [None] * len(prepared.slot)
    prepared.interpret(arrays, dict(state or {}), lambda slot, array: layouts.__setitem__(slot, lowering.Layout(array.shape, array.dtype, array.strides)))
    draft, _, _, fetched = lowering.lower(prepared.early, prepared.late, fed, fetches, {key: layouts[slot] for key, slot in prepared.slot.items()},
                                          lambda node, values: evaluate._execute(node, values, {}))
    return schedule.live_steps(draft.steps, fetched)


def functions(steps: list[lowering.Step]) -> list[Any]:
    return [step.text if step.kind == "call" else step.function for step in steps]


# ------------------------------------------------------------------------------------------------ what is left out

def test_what_is_made_of_constants_is_computed_once():
    x = placeholder((3,), F32)
    y = x * (ops.exp(constant(2.0, F32)) + constant(1.0, F32))
    assert functions(steps_of([y], [x], [normal(3)])) == [np.multiply]
    check([y], [x], [normal(3)])


def test_shapes_of_arrays_are_constants_of_a_plan():
    x = placeholder((None, 2), F32)
    mean = ops.reduce_mean(x, 0)
    g, = core.gradients([mean], [x])
    assert np.true_divide not in functions(steps_of([g], [x], [normal(5, 2)]))
    check([mean, g], [x], [normal(5, 2)])


def test_equal_operations_run_once():
    x = placeholder((3,), F32)
    y = ops.tanh(x) + ops.tanh(x)
    assert functions(steps_of([y], [x], [normal(3)])) == [np.tanh, np.add]


def test_the_derivative_of_tanh_reuses_its_output():
    x = placeholder((3,), F32)
    first, = core.gradients([ops.tanh(x)], [x])
    second, = core.gradients([ops.tanh(x)], [x])
    assert functions(steps_of([first + second], [x], [normal(3)])).count(np.tanh) == 1


def test_operations_with_other_parameters_are_not_equal():
    x = placeholder((2, 3), F32)
    fetches = [ops.reduce_sum(x, 0, True), ops.reduce_sum(x, 0, False), ops.reduce_sum(x, 1, True), ops.full_like(x, 0.0), ops.full_like(x, -0.0)]
    check(fetches, [x], [normal(2, 3)])


def test_random_numbers_are_drawn_as_often_as_the_program_says():
    zero, one = constant(0.0, F32), constant(1.0, F32)
    a, b = (random_ops.draw("normal", (4,), F32, zero, one, 7, 1) for _ in range(2))
    c = random_ops.draw("normal", (4,), F32, zero, one, 7, 2)
    steps = steps_of([a - b, a - c], [], [])
    assert sum(step.kind == "node" for step in steps) == 3
    prepared = check([a - c], [], [])
    random_ops.begin_run(1)
    before = prepared.run([], {})[0]
    random_ops.begin_run(2)
    assert not same_bits(before, prepared.run([], {})[0])


def test_equal_updates_both_happen():
    w = read("w", (2,), F32)
    more = [update("w", [constant([1.0, 1.0], F32)], lambda old, new: old + new, (2,), F32) for _ in range(2)]
    prepared = Prepared([w, *more], [])
    state = {"w": np.zeros(2, F32)}
    for run in range(4):
        assert same_bits(prepared.run([], state)[0], np.full(2, 2 * run, F32)), "a read gives the value from before the updates"
    assert same_bits(state["w"], np.full(2, 8, F32))


def test_a_read_that_waits_for_an_update_is_not_the_read_before_it():
    before = read("w", (), F32)
    step = update("w", [constant(1.0, F32)], lambda old, new: old + new, (), F32)
    after = read("w", (), F32, [step])
    prepared = Prepared([before + 0.0, after + 0.0, step], [])
    state = {"w": np.zeros((), F32)}
    for run in range(4):
        assert [float(v) for v in prepared.run([], state)[:2]] == [run, run + 1]


def test_python_functions_are_called_in_every_run_with_equal_arguments():
    calls = []
    x = placeholder((2,), F32)
    outs = [python(lambda a: calls.append(1) or a, [x], [((2,), F32)])[0] for _ in range(2)]
    prepared = Prepared([outs[0] + outs[1]], [x])
    for _ in range(4):
        prepared.run([normal(2)], {})
    assert len(calls) == 8


def test_only_what_changes_no_bit_is_left_out():
    x = placeholder((4,), F32)
    special = np.array([-0.0, 0.0, np.inf, np.nan], F32)
    one, zero = constant(1.0, F32), constant(0.0, F32)
    fetches = [ops.tanh(x) * one, ops.tanh(x) / one, ops.tanh(x) - zero, ops.negative(-ops.tanh(x)), ops.tanh(x) + zero, ops.tanh(x) * zero, zero - ops.tanh(x)]
    check(fetches, [x], [special])
    assert functions(steps_of(fetches[:1], [x], [special])) == [np.tanh]
    assert functions(steps_of(fetches[2:3], [x], [special])) == [np.tanh]
    assert functions(steps_of(fetches[4:5], [x], [special])) == [np.tanh, np.add]
    assert functions(steps_of(fetches[5:6], [x], [special])) == [np.tanh, np.multiply]


def test_what_is_only_spread_out_stays_small():
    x = placeholder((50, 40), F32)
    g, = core.gradients([ops.reduce_mean(ops.tanh(x) * x)], [x])
    shapes = {step.output.layout.shape for step in steps_of([g], [x], [normal(50, 40)]) if step.kind == "copy" or not step.inputs}
    assert not shapes, "nothing of the full shape but what x makes"
    check([g], [x], [normal(50, 40)])


# ------------------------------------------------------------------------------------------------------------- buffers

def net(x: Node, w: Node) -> list[Node]:
    h = ops.tanh(ops.matmul(x, w))
    k = ops.sigmoid(h) * h
    loss = ops.reduce_mean(ops.square(k - 0.5))
    return [loss, *[core.densify(g) for g in core.gradients([loss], [w, x])], h, k]  # type: ignore[list-item]


def test_no_fetch_is_a_buffer():
    x, w = placeholder((6, 5), F32), placeholder((5, 4), F32)
    prepared = check(net(x, w), [x, w], [normal(6, 5), normal(5, 4, seed=1)])
    one = prepared.run([normal(6, 5), normal(5, 4, seed=1)], {})
    kept = [np.array(v) for v in one]
    prepared.run([normal(6, 5, seed=8), normal(5, 4, seed=9)], {})
    assert all(same_bits(a, b) for a, b in zip(one, kept, strict=True))


@pytest.mark.parametrize("view", [lambda h: ops.reshape(h, (-1,)), lambda h: ops.transpose(h), lambda h: ops.expand_dims(h, 0),
                                  lambda h: ops.take_index(h, 1, 0), lambda h: ops.identity(h), lambda h: ops.split(h, (2, 4), 0)[1],
                                  lambda h: ops.broadcast_like(h, ops.stack([h, h]))],
                         ids=["reshape", "transpose", "expand_dims", "take_index", "identity", "split", "broadcast"])
def test_no_fetch_is_a_view_of_a_buffer(view):
    x = placeholder((6, 5), F32)
    h = ops.tanh(x)
    shown = view(h)
    more = ops.exp(ops.exp(ops.exp(h * 0.1) * 0.1))
    prepared = check([shown, more], [x], [normal(6, 5)])
    one = prepared.run([normal(6, 5)], {})[0]
    kept = np.array(one)
    prepared.run([normal(6, 5, seed=4)], {})
    assert same_bits(one, kept)


def test_a_view_keeps_the_buffer_that_it_looks_into():
    x = placeholder((6, 6), F32)
    turned = ops.transpose(ops.tanh(x))
    deep = x
    for _ in range(6):
        deep = ops.exp(deep * 0.1)
    check([deep + turned], [x], [normal(6, 6)])


def test_fetches_of_equal_operations_are_arrays_of_their_own():
    x = placeholder((3,), F32)
    prepared = check([ops.tanh(x), ops.tanh(x), ops.tanh(x) * 1.0], [x], [normal(3)])
    first, second, third = prepared.run([normal(3)], {})
    assert not np.shares_memory(first, second) and not np.shares_memory(first, third)


def test_what_a_program_writes_into_a_fetched_constant_does_not_last():
    x = placeholder((3,), F32)
    folded = ops.exp(constant([1.0, 2.0, 3.0], F32))
    prepared = check([folded, x], [x], [normal(3)])
    first = prepared.run([normal(3)], {})[0]
    first[:] = 0
    assert prepared.run([normal(3)], {})[0].all()


def test_no_variable_is_a_buffer():
    x, w = placeholder((3,), F32), read("w", (3,), F32)
    step = ops.tanh(x) - 0.5 * w
    updates = [update(key, [value], lambda old, new: new, shape, F32) for key, value, shape in (("w", step, (3,)), ("v", ops.reshape(step, (3, 1)), (3, 1)))]
    prepared = Prepared(updates, [x])
    state: dict[Any, Any] = {"w": np.zeros(3, F32)}
    history = []
    for run in range(6):
        prepared.run([normal(3, seed=run)], state)
        history.append((state["w"], state["w"].copy(), state["v"], state["v"].copy()))
    assert prepared.compiled
    assert all(same_bits(a, b) and same_bits(c, d) for a, b, c, d in history)


def test_what_a_python_function_keeps_is_no_buffer():
    kept: list[Any] = []
    x = placeholder((4,), F32)
    h = ops.tanh(x) * 2.0
    out, = python(lambda a: kept.append((a, a.copy())) or a, [h], [((4,), F32)])
    prepared = Prepared([ops.exp(out), ops.exp(ops.exp(h))], [x])
    for run in range(5):
        prepared.run([normal(4, seed=run)], {})
    assert all(same_bits(a, b) for a, b in kept)


def test_feeds_and_variables_are_never_written():
    x, w = placeholder((300, 300), F32), read("w", (300, 300), F32)
    array, variable = normal(300, 300), normal(300, 300, seed=1)
    copies = array.copy(), variable.copy()
    check([ops.tanh(x * w) + w * x], [x], [array], {"w": variable})
    assert same_bits(array, copies[0]) and same_bits(variable, copies[1])


def test_a_run_within_a_run_has_memory_of_its_own():
    x = placeholder((4,), F32)
    inner: list[Any] = []
    depth = [0]

    def again(a: Any) -> Any:
        if depth[0] < 1:
            depth[0] += 1
            inner.append(prepared.run([np.zeros(4, F32)], {})[0])
            depth[0] -= 1
        return a

    h = ops.exp(x)
    out, = python(again, [x], [((4,), F32)])
    prepared = Prepared([ops.exp(h * 0.5) + out], [x])
    expected = np.exp(np.exp(normal(4)) * F32.type(0.5)) + normal(4)
    for _ in range(4):
        assert same_bits(prepared.run([normal(4)], {})[0], expected)
    assert len(inner) == 4 and all(same_bits(a, inner[0]) for a in inner)


def test_threads_do_not_share_buffers():
    x = placeholder((200, 200), F32)
    y = x
    for _ in range(8):
        y = ops.tanh(y * 1.1 + x)
    prepared = Prepared([y], [x])
    feeds = [normal(200, 200, seed=seed) for seed in range(4)]
    expected = [prepared.interpret([f], {})[0] for f in feeds]
    wrong = []

    def work(number: int) -> None:
        for _ in range(10):
            if not same_bits(prepared.run([feeds[number]], {})[0], expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --------------------------------------------------------------------------------------------------------------- blocks

def elementwise_mess(x: Node, row: Node, column: Node, number: Node) -> list[Node]:
    h = ops.tanh(x * row + column)
    picked = ops.where(ops.greater(h, x), h * number, ops.relu(x) - column)
    y = ops.sigmoid(picked) * ops.square(h) + ops.exp(-ops.square(x)) / (ops.absolute(row) + 1.0)
    return [y, ops.add_n([y, h, x]), ops.cast(ops.less(y, h), F32), *[core.densify(g) for g in core.gradients([y], [x, row, column])]]  # type: ignore[list-item]


@pytest.mark.parametrize("shape", [(7, 5), (64, 3), (1, 40), (33, 1), (3, 4, 5)], ids=str)
@pytest.mark.parametrize("block", [1, 4, 16, 1000])
def test_blocks_give_what_whole_arrays_give(shape, block, monkeypatch):
    monkeypatch.setattr(schedule, "LARGE", 8)
    monkeypatch.setattr(plan, "BLOCK", block)
    arrays = [normal(*shape), normal(*shape[1:], seed=1), normal(shape[0], *[1] * (len(shape) - 1), seed=2), normal(seed=3)]
    fed = [placeholder(a.shape, F32) for a in arrays]
    check(elementwise_mess(*fed), fed, arrays)


def test_large_chains_run_in_blocks(monkeypatch):
    x = placeholder((100000,), F32)
    square = x * x
    y = ops.sigmoid(x) * square + ops.exp(-square)
    steps = steps_of([y], [x], [normal(100000)])
    groups = [unit for unit in schedule.arranged(steps) if isinstance(unit, schedule.Group)]
    assert len(groups) == 1 and len(groups[0].steps) == len(steps) > 4
    check([y, *core.gradients([y], [x])], [x], [normal(100000)])  # type: ignore[list-item]


def test_what_lies_otherwise_in_memory_is_read_in_its_order(monkeypatch):
    monkeypatch.setattr(schedule, "LARGE", 8)
    monkeypatch.setattr(plan, "BLOCK", 4)
    x, z = placeholder((6, 5), F32), placeholder((5, 6), F32)
    y = ops.tanh(x * ops.transpose(z)) + ops.transpose(ops.exp(z))
    check([y * x, ops.matmul(y, z)], [x, z], [np.asfortranarray(normal(6, 5)), normal(10, 12)[::2, ::2]])


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.int64, np.uint8, np.bool_, np.complex64])
def test_other_dtypes(dtype, monkeypatch):
    monkeypatch.setattr(schedule, "LARGE", 8)
    monkeypatch.setattr(plan, "BLOCK", 4)
    a, b = ((normal(5, 3, seed=s) * 3).astype(dtype) for s in range(2))
    x, z = placeholder((5, 3), dtype), placeholder((5, 3), dtype)
    fetches = [x + z, ops.equal(x, z), ops.where(ops.equal(x, z), x, z)]
    if np.dtype(dtype).kind != "b":
        fetches += [x * z * z, ops.reduce_sum(x * z, 0), ops.cast(x * z, np.complex64 if np.dtype(dtype).kind == "c" else np.float32)]
    if np.dtype(dtype).kind in "fc":
        fetches += [ops.tanh(x) / z, ops.reduce_mean(x, 1), ops.matmul(x, z, True, False)]
    check(fetches, [x, z], [a, b])


# --------------------------------------------------------------------------------------------------------------- guards

def test_feeds_of_other_shapes_have_other_plans():
    x = placeholder((None, 3), F32)
    y = ops.reduce_mean(ops.tanh(x) * x, 0)
    prepared = Prepared([y, ops.shape_of(x)], [x])
    for run in range(12):
        array = normal(2 + run % 3, 3, seed=run)
        value, shape = prepared.run([array], {})
        assert same_bits(value, prepared.interpret([array], {})[0]) and shape[0] == len(array)
    assert sum(known.run is not None for known in prepared.plans.values()) == 3


def test_there_are_not_more_plans_than_are_kept():
    x = placeholder((None,), F32)
    prepared = Prepared([ops.tanh(x) * 2.0], [x])
    for size in range(40):
        for _ in range(4):
            prepared.run([normal(size)], {})
    assert len(prepared.plans) <= evaluate.SHAPES


def test_feeds_of_another_dtype_are_not_taken_for_those_of_the_plan():
    x = placeholder((3,), F32)
    prepared = check([ops.tanh(x) * 2.0], [x], [normal(3)])
    assert prepared.run([normal(3, dtype=np.float64)], {})[0].dtype == np.float64


def test_variables_of_another_shape_or_without_a_value():
    w = read("w", None, F32)
    prepared = check([ops.tanh(w) * w], [], [], {"w": normal(3)})
    for shape in ((2, 2), (), (3,), (1,)):
        array = normal(*shape)
        assert same_bits(prepared.run([], {"w": array})[0], np.tanh(array) * array)
    with pytest.raises(state_ops.Uninitialized):
        prepared.run([], {})


def test_shapes_that_values_decide_are_not_foretold():
    x, n = placeholder((6,), F32), placeholder((), np.dtype(np.int32))
    picked = ops.boolean_mask(x, ops.greater(x, constant(0.0, F32)))
    rows = ops.broadcast_to(x, ops.stack([n, constant(6, np.int32)]))
    fetches = [ops.tanh(picked) * 2.0, ops.exp(rows) + x]
    prepared = check(fetches, [x, n], [normal(6), np.array(2, np.int32)])
    for seed in range(1, 5):
        feeds = [normal(6, seed=seed), np.array(seed, np.int32)]
        for a, b in zip(prepared.run(feeds, {}), prepared.interpret(feeds, {}), strict=True):
            assert same_bits(a, b)


def test_errors_are_those_of_the_nodes():
    x, i = placeholder((3,), F32), placeholder((), np.dtype(np.int32))
    prepared = check([ops.gather(ops.tanh(x), i)], [x, i], [normal(3), np.array(1, np.int32)])
    with pytest.raises(IndexError, match="not in"):
        prepared.run([normal(3), np.array(3, np.int32)], {})
    assert same_bits(prepared.run([normal(3), np.array(2, np.int32)], {})[0], np.tanh(normal(3))[2])


@pytest.mark.filterwarnings("error")
def test_plans_are_as_quiet_as_nodes_and_leave_numpy_as_it_was():
    x = placeholder((2,), F32)
    before = np.geterr()
    check([ops.log(x) / x], [x], [np.array([0.0, -1.0], F32)])
    assert np.geterr() == before


# --------------------------------------------------------------------------------------------------------- long, and when

def test_long_chains_become_several_functions():
    x = placeholder((3,), F32)
    y = x
    for _ in range(3 * plan.PART):
        y = ops.tanh(y) + x
    g, = core.gradients([y], [x])
    check([y, core.densify(g)], [x], [normal(3)])  # type: ignore[list-item]


def test_values_that_pass_between_functions(monkeypatch):
    monkeypatch.setattr(plan, "PART", 2)
    monkeypatch.setattr(schedule, "LARGE", 8)
    monkeypatch.setattr(schedule, "LONGEST", 3)
    arrays = [normal(7, 5), normal(5, seed=1), normal(7, 1, seed=2), normal(seed=3)]
    fed = [placeholder(a.shape, F32) for a in arrays]
    check(elementwise_mess(*fed), fed, arrays)


def test_nothing_to_do_is_done_any_number_of_times(monkeypatch):
    monkeypatch.undo()
    x = placeholder((3,), F32)
    for fetches, fed in (([], []), ([x], [x]), ([constant(1.0, F32)], [])):
        prepared = Prepared(fetches, fed)
        for _ in range(5):
            assert len(prepared.run([normal(3)][:len(fed)], {})) == len(fetches)


def test_what_runs_once_is_not_compiled(monkeypatch):
    monkeypatch.undo()
    x = placeholder((3,), F32)
    prepared = Prepared([ops.tanh(x) + x], [x])
    for _ in range(evaluate.COMPILE - 2):
        prepared.run([normal(3)], {})
    assert not prepared.compiled
    for _ in range(2):
        prepared.run([normal(3)], {})
    assert prepared.compiled
    assert evaluate.patience(10, 10 ** 7) <= 2, "what takes long is compiled at once"
