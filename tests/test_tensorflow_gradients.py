"""What a TensorFlow program can observe of gradients, variables, names, control flow and sessions, as TensorFlow 2.21 was measured."""
from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from mapper.runtime.tensorflow.api import modules

tf: Any = modules()["tensorflow"]


@pytest.fixture(autouse=True)
def own_graph() -> Any:
    with tf.Graph().as_default():
        yield


def value(fetches: Any, feed: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feed)


def raises(kind: str, words: str, action: Any) -> None:
    with pytest.raises(Exception) as caught:
        action()
    assert type(caught.value).__name__ == kind
    assert words in str(caught.value)


# ------------------------------------------------------------------------------------------------------------- structure


def test_a_list_is_given_for_every_structure_of_xs() -> None:
    x, y = tf.constant(3.0), tf.constant(4.0)
    pair = namedtuple("pair", "a b")
    for xs in (x, [x], (x, y), pair(x, y)):
        found = tf.gradients(x * y, xs)
        assert type(found) is list and len(found) == (2 if isinstance(xs, tuple) else 1)
    assert tf.gradients(x * y, []) == []
    assert tf.gradients([], x) == [None]


def test_nested_ys_are_flattened_and_other_structures_are_refused() -> None:
    a = tf.constant(3.0)
    assert value(tf.gradients([a * a, [3.0 * a]], a)) == [9.0]
    for xs in ([[a]], {"a": a}):
        raises("TypeError", "Expected any non-tensor type, but got a tensor instead", lambda xs=xs: tf.gradients(a * a, xs))
    raises("AttributeError", "'NoneType' object has no attribute 'op'", lambda: tf.gradients(a * a, [a, None]))
    raises("AttributeError", "'NoneType' object has no attribute 'op'", lambda: tf.gradients([a * a, None], a))


def test_numbers_as_xs_or_ys_are_new_constants() -> None:
    a = tf.constant(3.0)
    assert tf.gradients(a * a, 2.0) == [None]
    assert tf.gradients(np.float32(2.0), a) == [None]


def test_the_gradient_is_that_of_the_sum_of_everything() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(value(tf.gradients(x * x, x)[0]), [2, 4, 6])
    a = tf.constant(3.0)
    assert value(tf.gradients([a * a, 3.0 * a], a)) == [9.0]


def test_a_duplicated_x_gives_one_tensor_twice() -> None:
    x = tf.constant(3.0)
    first, second = tf.gradients(x * x, [x, x])
    assert first is second and value(first) == 6.0


def test_y_that_is_x_and_ys_that_depend_on_one_another() -> None:
    x = tf.constant(3.0)
    assert value(tf.gradients(x, x)) == [1.0]
    assert value(tf.gradients([x, x * x], x)) == [7.0]
    assert value(tf.gradients([x, x], x)) == [2.0]
    y = x * x
    assert value(tf.gradients([y, y * y], [x, y])) == [114.0, 19.0]
    h = x * x
    assert value(tf.gradients([h, 2.0 * h], [x, h])) == [18.0, 3.0]
    assert value(tf.gradients([h, h], [x, h])) == [12.0, 2.0]
    assert value(tf.gradients(h * h, [x, h])) == [108.0, 18.0]
    v = tf.constant([3.0, 4.0])
    assert value(tf.gradients(v, v, grad_ys=5.0)) == [5.0]


def test_what_is_made_after_y_is_not_upstream_of_it() -> None:
    x = tf.constant(3.0)
    y = x * x
    assert tf.gradients(y, tf.identity(x)) == [None]


# --------------------------------------------------------------------------------------------------------------- grad_ys


def test_grad_ys_are_taken_as_they_are() -> None:
    x = tf.constant([3.0, 4.0])
    np.testing.assert_array_equal(value(tf.gradients(x * x, x, grad_ys=5.0)[0]), [30, 40])
    np.testing.assert_array_equal(value(tf.gradients(x * x, x, grad_ys=np.array([1.0, 2.0], np.float32))[0]), [6, 16])
    np.testing.assert_array_equal(value(tf.gradients([x * x, 3.0 * x], x, grad_ys=[np.array([1.0, 2.0], np.float32), None])[0]), [9, 19])
    raises("ValueError", "Length mismatch. Passed 2 grad_ys for 1 ys", lambda: tf.gradients(x * x, x, grad_ys=[1.0, 2.0]))
    raises("ValueError", "Length mismatch. Passed 1 grad_ys for 2 ys", lambda: tf.gradients([x, x * x], x, grad_ys=[x]))
    raises("TypeError", "does not match type", lambda: tf.gradients(x * x, x, grad_ys=tf.constant([1, 2])))
    raises("TypeError", "does not match type", lambda: tf.gradients(x * x, x, grad_ys=np.array([1.0, 2.0])))


def test_gradient_with_respect_to_grad_ys_is_forward_mode() -> None:
    x = tf.constant([1.0, 2.0])
    y = x * x * x
    dummy = tf.ones_like(y)
    transposed = tf.gradients(y, x, grad_ys=dummy)[0]
    np.testing.assert_array_equal(value(tf.gradients(transposed, dummy, grad_ys=tf.constant([1.0, 0.5]))[0]), [3.0, 6.0])


# ------------------------------------------------------------------------------------------- unconnected, stop_gradients


@pytest.mark.parametrize("cut", [
    lambda x: tf.stop_gradient(x), lambda x: tf.floor(x), lambda x: tf.ceil(x), lambda x: tf.round(x), lambda x: x // 1.0,
    lambda x: tf.cast(x > 0, tf.float32), lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), lambda x: tf.cast(tf.argmax(x), tf.float32),
    lambda x: tf.zeros_like(x), lambda x: tf.ones_like(x), lambda x: tf.cast(tf.shape(x), tf.float32)])
def test_there_is_no_gradient_through(cut: Any) -> None:
    x = tf.constant([1.5, 2.5])
    assert tf.gradients(cut(x), x) == [None]
    zeros = tf.gradients(cut(x), x, unconnected_gradients=tf.UnconnectedGradients.ZERO)[0]
    np.testing.assert_array_equal(value(zeros), [0, 0])


def test_sign_has_a_gradient_of_zeros() -> None:
    x = tf.constant([1.5, -2.5])
    np.testing.assert_array_equal(value(tf.gradients(tf.sign(x), x)[0]), [0, 0])


def test_unconnected_gradients_are_named_by_word_or_by_enum() -> None:
    x, other = tf.constant(1.0), tf.constant([2, 3])
    assert tf.gradients(x, other, unconnected_gradients="none") == [None]
    zeros = tf.gradients(x, other, unconnected_gradients="zero")[0]
    assert zeros.dtype == tf.int32 and value(zeros).tolist() == [0, 0]
    raises("ValueError", "Unknown value for unconnected_gradients: 'zeros'", lambda: tf.gradients(x, x, unconnected_gradients="zeros"))


def test_partial_and_total_derivatives() -> None:
    a = tf.constant(0.0)
    b = 2.0 * a
    assert value(tf.gradients(a + b, [a, b])) == [3.0, 1.0]
    assert value(tf.gradients(a + b, [a, b], stop_gradients=[a, b])) == [1.0, 1.0]
    x = tf.constant(3.0)
    h = x * x
    y = h * x
    assert value(tf.gradients(y, [x, h])) == [27.0, 3.0]
    assert value(tf.gradients(y, [x, h], stop_gradients=h)) == [9.0, 3.0]
    assert value(tf.gradients(y, [h], stop_gradients=[x])) == [3.0]
    first, own = tf.gradients(y, [x, y], stop_gradients=[y])
    assert first is None and value(own) == 1.0
    s = tf.stop_gradient(x)
    assert value(tf.gradients(s * x, [x, s])) == [3.0, 3.0]


def test_an_operation_without_a_gradient_is_named() -> None:
    x = tf.constant([1.0, 2.0])
    raises("LookupError", "No gradient defined for operation'Unique' (op type: Unique)", lambda: tf.gradients(tf.unique(x)[0], x))
    assert tf.gradients(tf.cast(tf.is_nan(x), tf.float32), x) == [None]


# ---------------------------------------------------------------------------------------------------------------- dtypes


def test_integers_and_truth_values_have_no_gradient() -> None:
    i, x = tf.constant([1, 2]), tf.constant([1.0, 2.0])
    assert tf.gradients(i * i, i) == [None]
    assert tf.gradients(x > 1.0, x) == [None]
    assert tf.gradients(tf.cast(i, tf.float32) * x, [i, x])[0] is None


def test_gradients_have_the_dtype_of_x() -> None:
    for dtype in (tf.float16, tf.float32, tf.float64):
        x = tf.constant([1.0, 2.0], dtype)
        assert tf.gradients(tf.cast(x, tf.float32) ** 2, x)[0].dtype == dtype


def test_complex_gradients_are_conjugates() -> None:
    x = tf.constant(1 + 2j)
    assert value(tf.gradients(x * x, x, grad_ys=tf.constant(1 + 0j)))[0] == 2 - 4j
    assert value(tf.gradients(tf.real(x * x), x))[0] == 2 - 4j
    raises("TypeError", "must set grad_ys (y.dtype = complex", lambda: tf.gradients(x * x, x))


def test_dtypes_do_not_mix() -> None:
    x = tf.constant([1.0, 2.0])
    raises("TypeError", "Input 'y' of 'Mul' Op has type float64 that does not match type float32 of argument 'x'.",
           lambda: x * tf.constant([1.0, 2.0], tf.float64))
    raises("TypeError", "Expected int32 passed to parameter 'y' of op 'Mul', got 2.5 of type 'float' instead.", lambda: tf.constant([1, 2]) * 2.5)
    assert value(x * 2).tolist() == [2.0, 4.0]
    assert value(tf.constant([7, -7]) / tf.constant([2, 2])).tolist() == [3.5, -3.5]
    assert value(tf.constant([7, -7]) // 2).tolist() == [3, -4]
    assert value(tf.div(tf.constant([7, -7]), 2)).tolist() == [3, -4]


def test_constants_have_the_dtypes_of_tensorflow() -> None:
    assert tf.constant(1).dtype == tf.int32 and tf.constant([1, 2.5]).dtype == tf.float32 and tf.constant(1j).dtype == tf.complex128
    assert tf.constant(np.array([1.0])).dtype == tf.float64 and tf.constant(np.array([1])).dtype == tf.int64


# ------------------------------------------------------------------------------------------------------------- variables


def test_names_of_variables_and_their_errors() -> None:
    with tf.variable_scope("s"):
        v = tf.get_variable("v", [2])
    assert v.name == "s/v:0" and v.op.name == "s/v"
    assert [tf.Variable(0.0).name, tf.Variable(0.0).name] == ["Variable:0", "Variable_1:0"]
    assert [tf.Variable(0.0, name="a").name, tf.Variable(0.0, name="a").name] == ["a:0", "a_1:0"]
    with tf.variable_scope("s"):
        raises("ValueError", "Variable s/v already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?",
               lambda: tf.get_variable("v", [2]))
    with tf.variable_scope("s", reuse=True):
        assert tf.get_variable("v", [2]) is v
        raises("ValueError", "Variable s/q does not exist, or was not created with tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in VarScope?",
               lambda: tf.get_variable("q", [2]))


def test_shared_variables_add_up_their_gradients() -> None:
    def layer(x: Any) -> Any:
        with tf.variable_scope("l", reuse=tf.AUTO_REUSE):
            return x * tf.get_variable("w", initializer=2.0)

    y = layer(tf.constant(3.0)) + layer(tf.constant(4.0))
    assert value(tf.gradients(y, tf.trainable_variables())) == [7.0]


def test_a_variable_that_has_no_value_yet() -> None:
    w = tf.get_variable("w", [2])
    with tf.Session() as session:
        raises("FailedPreconditionError", "Attempting to use uninitialized value w", lambda: session.run(w * 2.0))


def test_assignments_give_the_new_value_and_order_is_kept() -> None:
    v = tf.Variable(1.0)
    assign = tf.assign(v, 10.0)
    with tf.control_dependencies([assign]):
        y = v * v
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.assign_add(v, 2.0)) == 3.0
        assert session.run(y) == 100.0
    assert tf.gradients(tf.assign(v, 3.0 * tf.constant(2.0)), tf.constant(1.0)) == [None]


# --------------------------------------------------------------------------------------------------------- IndexedSlices


def test_rows_that_are_looked_up_give_indexed_slices() -> None:
    table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    rows = tf.gather(table, [2, 0, 2])
    found = tf.gradients(rows, table)[0]
    assert isinstance(found, tf.IndexedSlices)
    sparse = value(found)
    assert sparse.indices.tolist() == [2, 0, 2] and sparse.values.shape == (3, 2) and sparse.dense_shape.tolist() == [3, 2]
    np.testing.assert_array_equal(value(tf.convert_to_tensor(found)), [[1, 1], [0, 0], [2, 2]])
    assert not isinstance(tf.gradients(tf.gather(table, [0], axis=1), table)[0], tf.IndexedSlices)
    assert not isinstance(tf.gradients(rows + tf.reduce_sum(table), table)[0], tf.IndexedSlices)
    assert not isinstance(tf.gradients(tf.gather(2.0 * table, [0]), table)[0], tf.IndexedSlices)
    raises("TypeError", "", lambda: found * 2.0)


# ---------------------------------------------------------------------------------------------------------- higher order


def test_orders_of_a_power() -> None:
    x = tf.constant(2.0)
    y, found = x ** 4, []
    for _ in range(5):
        y = tf.gradients(y, x)[0]
        found.append(float(value(y)))
    assert found == [32, 48, 48, 24, 0]
    y = x * x * x
    for expected in (12.0, 12.0, 6.0):
        y = tf.gradients(y, x)[0]
        assert value(y) == expected
    assert tf.gradients(y, x) == [None]
    assert tf.gradients(tf.gradients(3.0 * x, x)[0], x) == [None]


def test_hessians() -> None:
    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(value(tf.hessians(tf.reduce_sum(x ** 3), x)[0]), [[6, 0], [0, 12]])
    m = tf.constant([[1.0, 2.0]])
    assert value(tf.hessians(tf.reduce_sum(m ** 2), m)[0]).shape == (1, 2, 1, 2)
    raises("ValueError", "None values not supported.", lambda: tf.hessians(tf.reduce_sum(2.0 * x), x))


# ---------------------------------------------------------------------------------------------------------- control flow


def test_branches_and_loops() -> None:
    x, y = tf.constant(2.0), tf.constant(3.0)
    for flag, expected in ((True, [4.0, 0.0]), (False, [0.0, 1.0])):
        chosen = tf.cond(tf.constant(flag), lambda: x * x, lambda: y)
        assert value(tf.gradients(chosen, [x, y])) == expected
    raises("TypeError", "pred must not be a Python bool", lambda: tf.cond(True, lambda: x, lambda: y))
    out = tf.while_loop(lambda i, p: i < 5, lambda i, p: (i + 1, p * x), (tf.constant(0), tf.constant(1.0)))[1]
    slope = tf.gradients(out, x)[0]
    assert value(slope) == 80.0
    v = tf.constant([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(value(tf.gradients(tf.map_fn(lambda t: t ** 3, v), v)[0]), [3, 12, 27])
    np.testing.assert_array_equal(value(tf.gradients(tf.scan(lambda a, t: a * t, v), v)[0]), [9, 4, 2])
    np.testing.assert_array_equal(value(tf.gradients(tf.foldl(lambda a, t: a * t, v), v)[0]), [6, 3, 2])


def test_custom_gradients() -> None:
    @tf.custom_gradient
    def triple(x: Any) -> Any:
        return x * x, lambda dy: dy * 100.0

    x = tf.constant(3.0)
    slope = tf.gradients(triple(x), x)[0]
    assert value([triple(x), slope]) == [9.0, 100.0]
    assert tf.gradients(slope, x) == [None]


# ------------------------------------------------------------------------------------------------ other arguments, names


def test_options_that_change_nothing_and_one_that_is_wrong() -> None:
    x = tf.constant(3.0)
    for method in (None, 0, 1, 2):
        assert value(tf.gradients(x * x, x, None, "g", True, 2, method)) == [6.0]
    raises("ValueError", "Invalid `aggregation_method` specified 99", lambda: tf.gradients(x * x + x, x, aggregation_method=99))


def test_names_of_gradients() -> None:
    x = tf.constant([[1.0, 2.0]], name="x")
    y = tf.matmul(x, tf.transpose(x), name="prod")
    assert tf.gradients(y, x)[0].name.startswith("gradients/")
    assert tf.gradients(y, x)[0].name.startswith("gradients_1/")
    assert tf.gradients(y, x, name="gg")[0].name.startswith("gg/")
    with tf.name_scope("outer"):
        assert tf.gradients(y, x)[0].name.startswith("outer/gradients/")


def test_tensors_of_another_graph() -> None:
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(2.0) * 2.0
        raises("ValueError", "must be from the same graph as", lambda: tf.gradients(y, x))


# --------------------------------------------------------------------------------------------------------------- session


def test_feeds() -> None:
    x = tf.placeholder(tf.float32, [2], "x")
    raises("InvalidArgumentError", "You must feed a value for placeholder tensor 'x' with dtype float and shape [2]", lambda: value(x * 2.0))
    raises("ValueError", "Cannot feed value of shape (3,) for Tensor x:0, which has shape (2,)", lambda: value(x, {x: [1, 2, 3]}))
    raises("TypeError", "Cannot interpret feed_dict key as Tensor", lambda: value(x, {"x": [1, 2]}))
    raises("TypeError", "The value of a feed cannot be a tf.Tensor object", lambda: value(x, {x: tf.constant([1.0, 2.0])}))
    assert value(x, {"x:0": np.array([1.0, 2.0])}).dtype == np.float32


def test_any_tensor_can_be_fed() -> None:
    x = tf.constant(3.0)
    h = tf.exp(x)
    slopes = tf.gradients(h * h, [h, x])
    assert value([h * 2.0, *slopes], {h: 10.0}) == [20.0, 20.0, 200.0]


def test_fetches_keep_their_structure() -> None:
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0)
    pair = namedtuple("pair", "first second")
    assert value({"x": a, "y": [b, (a,)]}) == {"x": 1.0, "y": [2.0, (1.0,)]}
    assert value(pair(a, b)) == pair(1.0, 2.0)
    assert value([]) == [] and value("a:0") == 1.0 and value(tf.no_op()) is None
    raises("TypeError", "Argument `fetch` = None has invalid type", lambda: value([a, None]))
    raises("TypeError", 'has invalid type "float"', lambda: value(3.0))


# ---------------------------------------------------------------------------------------------- after control dependencies


def test_gradients_go_to_every_read_of_a_variable() -> None:
    """Measured: TensorFlow differentiates with respect to a variable, wherever in the order of a run it is read."""
    w, d = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 1.0])
    outside = tf.reduce_sum(w * w)
    with tf.control_dependencies([tf.assign(d, d * 2.0)]):
        found, = tf.gradients(tf.reduce_sum(w * d * w) + outside, w)
        second, = tf.gradients(tf.reduce_sum(found * found), [d])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert np.array_equal(session.run(found), [14, 12])
        assert np.array_equal(session.run(second), [104, 160])


def test_an_optimizer_starts_from_what_its_control_dependencies_left() -> None:
    """Measured: the learning rate, the variable and its slots are read when the update runs."""
    w, rate = tf.Variable([1.0, 2.0]), tf.Variable(0.1, trainable=False)
    found = tf.gradients(tf.reduce_sum(w * w), [w])
    with tf.control_dependencies([tf.assign(rate, rate / 2.0), tf.assign(w, w + 10.0)]):
        train = tf.train.GradientDescentOptimizer(rate).apply_gradients(zip(found, [w]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert np.allclose(session.run(w), [10.9, 11.8])
