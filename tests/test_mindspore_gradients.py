"""GradOperation and its relatives: structures, numbers and errors as measured on MindSpore 2.10."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mapper.runtime.mindspore import modules

ms: Any = modules()["mindspore"]
ops: Any = modules()["mindspore.ops"]
nn: Any = modules()["mindspore.nn"]
Tensor, Parameter, ParameterTuple = ms.Tensor, ms.Parameter, ms.ParameterTuple
G = ops.GradOperation


@pytest.fixture(autouse=True)
def pynative() -> Iterator[None]:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(params=["pynative", "graph"])
def mode(request: pytest.FixtureRequest) -> str:
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    return str(request.param)


def t(*values: Any, dtype: Any = None) -> Any:
    return Tensor(list(values), dtype or ms.float32)


def scalar(value: float) -> Any:
    return Tensor(value, ms.float32)


def plain(value: Any) -> Any:
    """Tensors as lists, tuples as tuples: the structure and the numbers."""
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    return np.round(value.asnumpy().astype(np.float64), 4).tolist()


def f1(x: Any) -> Any:
    return x * x


def f2(x: Any, y: Any) -> Any:
    return x * x * y


class Quadratic(nn.Cell):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(t(5.0, 6.0), name="w")
        self.b = Parameter(scalar(1.0), name="b")

    def construct(self, x: Any) -> Any:
        return self.w * x * x + self.b


X, Y = (1.0, 2.0), (3.0, 4.0)


# --------------------------------------------------------------------------------------------------- the eight combinations

def test_default_gives_the_gradient_of_the_first_input(mode: str) -> None:
    assert plain(G()(f2)(t(*X), t(*Y))) == [6, 16]


def test_get_all_gives_a_tuple_of_all_inputs(mode: str) -> None:
    assert plain(G(get_all=True)(f2)(t(*X), t(*Y))) == ([6, 16], [1, 4])
    assert plain(G(get_all=True)(f1)(t(*X))) == ([2, 4],)


def test_sens_scales(mode: str) -> None:
    assert plain(G(sens_param=True)(f2)(t(*X), t(*Y), t(10, 100))) == [60, 1600]
    assert plain(G(sens_param=True)(f2)(t(*X), t(*Y), sens=t(10, 100))) == [60, 1600]
    assert plain(G(get_all=True, sens_param=True)(f2)(t(*X), t(*Y), t(10, 100))) == ([60, 1600], [10, 400])


def test_a_cell_without_weights(mode: str) -> None:
    assert plain(G()(Quadratic())(t(*X))) == [10, 24]


def test_get_by_list(mode: str) -> None:
    net = Quadratic()
    weights = ParameterTuple(net.trainable_params())
    assert plain(G(get_by_list=True)(net, weights)(t(*X))) == ([1, 4], 2)
    assert plain(G(get_by_list=True, sens_param=True)(net, weights)(t(*X), t(10, 100))) == ([10, 400], 110)


def test_all_and_by_list(mode: str) -> None:
    net = Quadratic()
    weights = ParameterTuple(net.trainable_params())
    assert plain(G(get_all=True, get_by_list=True)(net, weights)(t(*X))) == (([10, 24],), ([1, 4], 2))
    assert plain(G(True, True, True)(net, weights)(t(*X), t(10, 100))) == (([100, 2400],), ([10, 400], 110))


def test_several_outputs_are_summed(mode: str) -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y, x + y

    assert plain(G()(f)(t(*X), t(*Y))) == [4, 5]
    assert plain(G(sens_param=True)(f)(t(*X), t(*Y), (t(10, 100), t(1, 2)))) == [31, 402]


def test_one_object_serves_several_functions() -> None:
    g = G()
    assert plain(g(f1)(t(*X))) == [2, 4]
    assert plain(g(f2)(t(*X), t(*Y))) == [6, 16]


@pytest.mark.parametrize("argument", ["get_all", "get_by_list", "sens_param"])
def test_arguments_are_bools(argument: str) -> None:
    with pytest.raises(TypeError, match=f"For 'GradOperation', the '{argument}' should be bool, but got int"):
        G(**{argument: 1})


def test_what_is_not_a_function() -> None:
    with pytest.raises(TypeError, match="The fn should be callable, but got float"):
        G()(3.0)

    class Callable:
        def __call__(self, x: Any) -> Any:
            return x * x

    for fn in (Callable(), functools.partial(f2, t(*X)), ops.ReLU()):
        with pytest.raises(AttributeError, match="object has no attribute '__name__'"):
            G()(fn)(t(*X))


def test_methods_closures_functions_and_cells_work() -> None:
    class Holder:
        def method(self, x: Any) -> Any:
            return x * 3

    k = scalar(2.0)
    assert plain(G()(Holder().method)(t(*X))) == [3, 3]
    assert plain(G()(lambda x: k * x)(t(*X))) == [2, 2]
    assert plain(G()(ops.square)(t(*X))) == [2, 4]
    assert plain(G()(nn.ReLU())(t(-1, 2))) == [0, 1]


# ----------------------------------------------------------------------------------------------------------------- weights

def test_a_bare_parameter_gives_a_bare_tensor(mode: str) -> None:
    net = Quadratic()
    assert plain(G(get_by_list=True)(net, net.w)(t(*X))) == [1, 4]
    assert plain(G(get_all=True, get_by_list=True)(net, net.w)(t(*X))) == (([10, 24],), [1, 4])


def test_lists_and_tuples_of_weights() -> None:
    net = Quadratic()
    assert plain(G(get_by_list=True)(net, [net.b, net.w])(t(*X))) == (2, [1, 4])
    assert plain(G(get_by_list=True)(net, (net.b,))(t(*X))) == (2,)
    assert G(get_by_list=True)(net, [])(t(*X)) == ()
    assert G(get_by_list=True)(net, ParameterTuple([]))(t(*X)) == ()


def test_weights_left_out() -> None:
    net = Quadratic()
    assert plain(G(get_by_list=True)(net)(t(*X))) == ([1, 4], 2)
    assert plain(G(get_by_list=True)(lambda x: net.w * x)(t(*X))) == ([1, 2],)
    ms.set_context(mode=ms.GRAPH_MODE)
    assert G(get_by_list=True)(net)(t(*X)) == ()


def test_an_unused_weight_gets_zeros(mode: str) -> None:
    other = Parameter(t(1.0, 2.0, 3.0), name="other")
    assert plain(G(get_by_list=True)(Quadratic(), [other])(t(*X))) == ([0, 0, 0],)


def test_weights_are_ignored_without_get_by_list() -> None:
    net = Quadratic()
    assert plain(G()(net, net.w)(t(*X))) == [10, 24]


def test_a_word_as_weight() -> None:
    with pytest.raises(TypeError, match="The weights you provided is expected to be a tensor, or a list or tuple"):
        G(get_by_list=True)(Quadratic(), "w")(t(*X))


def test_a_frozen_weight_gets_zeros_in_pynative_and_its_gradient_in_graph_mode() -> None:
    net = Quadratic()
    net.w.requires_grad = False
    assert plain(G(get_by_list=True)(net, [net.w])(t(*X))) == ([0, 0],)
    ms.set_context(mode=ms.GRAPH_MODE)
    assert plain(G(get_by_list=True)(net, [net.w])(t(*X))) == ([1, 4],)


def test_a_global_parameter_of_a_function(mode: str) -> None:
    w = Parameter(t(2.0, 3.0), name="w")
    assert plain(G(get_by_list=True)(lambda x: w * x, w)(t(*X))) == [1, 2]


def test_a_parameter_as_input_gets_an_input_gradient() -> None:
    w = Parameter(t(2.0, 3.0), name="w")
    assert plain(G()(lambda p: p * p)(w)) == [4, 6]
    assert plain(G()(lambda p: p * w)(w)) == [4, 6]


# ------------------------------------------------------------------------------------------------- the same tensor used twice

def test_the_same_tensor_twice_is_one_tensor_in_pynative() -> None:
    x = t(*X)
    assert plain(G(get_all=True)(f2)(x, x)) == ([3, 12], [3, 12])
    assert plain(ms.grad(f2, (0, 1))(x, x)) == ([3, 12], [3, 12])
    assert plain(G()(lambda y: x * y)(x)) == [2, 4]
    for copy in (x + 0, x.copy(), Tensor(x.asnumpy())):
        assert plain(G(get_all=True)(f2)(x, copy)) == ([2, 8], [1, 4])


def test_the_same_tensor_twice_is_two_arguments_in_graph_mode_and_under_jit() -> None:
    x = t(*X)
    jitted = ms.jit(lambda a, b: G(get_all=True)(f2)(a, b))
    assert plain(jitted(x, x)) == ([2, 8], [1, 4])
    ms.set_context(mode=ms.GRAPH_MODE)
    assert plain(G(get_all=True)(f2)(x, x)) == ([2, 8], [1, 4])
    assert plain(G()(lambda y: x * y)(x)) == [1, 2]


# -------------------------------------------------------------------------------------------------------------------- sens

def test_sens_missing() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        G(sens_param=True)(f1)(t(*X))


def test_an_argument_too_many() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        G()(f1)(t(*X), t(*X))


def test_sens_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"The shape should be \[const vector\]\{2\}, but got \[const vector\]\{3\}"):
        G(sens_param=True)(f1)(t(*X), t(1, 1, 1))
    with pytest.raises(ValueError, match="The shape should be"):
        G(sens_param=True)(f1)(t(*X), t(3))
    with pytest.raises(RuntimeError, match="grad tensor should be broadcast to expected shape"):
        G(sens_param=True)(f1)(t(*X), scalar(3))


def test_sens_broadcasts_in_graph_mode() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    assert plain(G(sens_param=True)(f1)(t(*X), t(3))) == [6, 12]
    assert plain(G(sens_param=True)(f1)(t(*X), scalar(5))) == [10, 20]


def test_sens_of_another_dtype() -> None:
    for dtype, shown in ((ms.float64, "Float64"), (ms.float16, "Float16"), (ms.int32, "Int32")):
        with pytest.raises(TypeError, match=f"The dtype should be Float32, but got {shown}"):
            G(sens_param=True)(f1)(t(*X), t(1, 1, dtype=dtype))


def test_sens_for_tuple_outputs() -> None:
    def pair(x: Any) -> Any:
        return x * x, x

    assert plain(G(sens_param=True)(pair)(t(*X), [t(1, 1), t(1, 1)])) == [3, 5]
    for wrong in (t(1, 1), (t(1, 1), t(1, 1), t(1, 1))):
        with pytest.raises(RuntimeError, match="The given sens gradient's size should be same as out of network!"):
            G(sens_param=True)(pair)(t(*X), wrong)
    assert plain(G(sens_param=True)(f1)(t(*X), (t(1, 1),))) == [2, 4]


def test_sens_that_is_no_tensor() -> None:
    assert plain(G(sens_param=True)(lambda x: (x * x).sum())(t(*X), 2.0)) == [4, 8]
    for wrong in (np.ones(2, np.float32), 2.0):
        with pytest.raises(TypeError):
            G(sens_param=True)(f1)(t(*X), wrong)


# ------------------------------------------------------------------------------------------------------------------ inputs

@pytest.mark.parametrize("fn", [
    pytest.param(lambda x: ops.floor(x), id="floor"), pytest.param(lambda x: x > 1, id="comparison"),
    pytest.param(lambda x: ops.argmax(x), id="argmax"), pytest.param(lambda x: ops.stop_gradient(x * x), id="stop_gradient"),
    pytest.param(lambda x: Tensor(3.0), id="constant"), pytest.param(lambda x: None, id="None"),
])
def test_zeros_where_nothing_flows(fn: Any) -> None:
    assert plain(G()(fn)(t(*X))) == [0, 0]
    assert plain(G(get_all=True)(lambda x, y: x * 2)(t(*X), t(*Y))) == ([2, 2], [0, 0])


def test_integer_and_bool_inputs_are_differentiated() -> None:
    for dtype in (ms.int32, ms.int64):
        g = G()(f1)(t(1, 2, dtype=dtype))
        assert g.dtype == dtype and plain(g) == [2, 4]
    g = G()(lambda x: ops.cast(x, ms.float32) * 3)(Tensor([True, False]))
    assert g.dtype == ms.bool_ and g.asnumpy().tolist() == [True, True]


def test_gradients_have_the_dtype_of_the_input() -> None:
    a, b = G(get_all=True)(lambda x, y: x * y)(t(*X), t(*Y, dtype=ms.float64))
    assert (a.dtype, b.dtype) == (ms.float32, ms.float64)
    a, b = G(get_all=True)(lambda x, y: x * y)(t(*X), t(3, 4, dtype=ms.int32))
    assert (a.dtype, b.dtype) == (ms.float32, ms.int32)
    assert (t(1, 2, dtype=ms.int32) * 2.5).dtype == ms.float32
    assert (t(1, 2, dtype=ms.int32) / t(1, 2, dtype=ms.int32)).dtype == ms.float32


def test_complex_numbers_have_no_gradient() -> None:
    with pytest.raises(TypeError, match="For 'Mul', gradient not support for complex type currently."):
        G()(f1)(Tensor(np.array([1 + 2j], np.complex64)))


def test_inputs_that_are_no_tensors_are_left_out() -> None:
    assert plain(G(get_all=True)(f2)(t(*X), 3.0)) == ([6, 12],)
    assert plain(G(get_all=True)(lambda x, ys: x * ys[0])(t(*X), (t(*Y),))) == ([3, 4],)
    assert G()(lambda k, x: k * x)(3.0, t(*X)) == ()
    assert G()(lambda: t(1.0))() == ()


def test_keywords_count_after_positionals() -> None:
    assert plain(G(get_all=True)(f2)(t(*X), y=t(*Y))) == ([6, 16], [1, 4])
    assert plain(ms.grad(f2, 1)(t(*X), y=t(*Y))) == [1, 4]


def test_structures_and_mixed_outputs() -> None:
    assert plain(G()(lambda x: {"a": x * x, "b": [x, (x * 3,)]})(t(*X))) == [6, 8]
    assert plain(G()(lambda x: (x * x, ops.argmax(x), ops.cast(x, ms.int32)))(t(*X))) == [2, 4]


# --------------------------------------------------------------------------------------------- control flow, order, bprop

def test_python_control_flow_on_tensors(mode: str) -> None:
    def f(x: Any) -> Any:
        y = x
        while y.sum() < 20:
            y = y * 2
        return y * 3 if y.sum() > 0 else -y

    assert plain(G()(f)(scalar(3.0))) == 24


def test_the_function_runs_once_per_gradient() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x * x

    G()(f)(t(*X))
    assert len(calls) == 1


def test_asnumpy_cuts_the_graph() -> None:
    assert plain(G()(lambda a: Tensor(a.asnumpy()) * a)(t(*X))) == [1, 2]
    assert isinstance(np.ones(2, np.float32) * t(*X), np.ndarray)


def test_higher_orders_end_in_zeros(mode: str) -> None:
    def orders(fn: Any, count: int) -> list[float]:
        found = []
        for _ in range(count):
            fn = G()(fn)
            found.append(float(fn(scalar(2.0))))
        return found

    assert orders(lambda x: x * x * x, 4) == [12, 12, 6, 0]
    assert orders(lambda x: ops.pow(x, 4.0), 5) == [32, 48, 48, 24, 0]


@pytest.mark.parametrize(("fn", "expected"), [
    pytest.param(lambda x: ops.square(ops.expand_dims(x, 0)).sum(), [2, 2, 2], id="expand_dims"),
    pytest.param(lambda x: ops.pow(ops.concat((x, x)), 3.0).sum(), [3.6, -8.4, 13.2], id="concat"),
    pytest.param(lambda x: ops.log(ops.exp(x).sum()), [0, 0, 0], id="logsumexp"),
])
def test_second_order_is_right_where_pynative_is_silently_wrong(fn: Any, expected: list[float]) -> None:
    x = t(0.3, -0.7, 1.1)
    np.testing.assert_allclose(plain(G()(lambda y: G()(fn)(y).sum())(x)), expected, atol=1e-3)


def test_gradients_inside_construct() -> None:
    class Inner(nn.Cell):  # type: ignore[misc]
        def construct(self, x: Any) -> Any:
            return x * x * x

    class Outer(nn.Cell):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = Inner()

        def construct(self, x: Any) -> Any:
            return G()(self.net)(x) * x

    assert plain(G()(Outer())(scalar(2.0))) == 36


def test_a_cells_own_bprop() -> None:
    class Mine(nn.Cell):  # type: ignore[misc]
        def construct(self, x: Any, y: Any) -> Any:
            return x * y

        def bprop(self, x: Any, y: Any, out: Any, dout: Any) -> Any:
            return dout * 100, dout * 7

    assert plain(G(get_all=True)(Mine())(t(*X), t(*Y))) == ([100, 100], [7, 7])
    assert plain(G()(lambda x: G()(Mine())(x, t(*Y)))(t(*X))) == [0, 0]


def test_a_bprop_may_return_a_bare_tensor() -> None:
    class Mine(nn.Cell):  # type: ignore[misc]
        def construct(self, x: Any) -> Any:
            return x * 1

        def bprop(self, x: Any, out: Any, dout: Any) -> Any:
            return dout * 5

    assert plain(G()(Mine())(t(*X))) == [5, 5]


def test_the_gradient_of_gather_is_dense() -> None:
    g = G()(lambda x: ops.gather(x, Tensor([0, 0, 2], ms.int32), 0))(t(1, 2, 3))
    assert plain(g) == [2, 0, 1]


def test_assignment_happens_once_per_call_and_keeps_earlier_values() -> None:
    p = Parameter(t(1.0, 1.0), name="p")
    p.asnumpy()

    def f(x: Any) -> Any:
        y = p * x * x
        ops.assign(p, p + 1)
        return y

    assert plain(G()(f)(t(*X))) == [2, 4]
    assert p.asnumpy().tolist() == [2, 2]


# -------------------------------------------------------------------------------------------- grad, value_and_grad, jacobians

def test_ops_grad_is_ms_grad() -> None:
    assert ops.grad is ms.grad


def test_positions() -> None:
    x, y = t(*X), t(*Y)
    assert plain(ms.grad(f2)(x, y)) == [6, 16]
    assert plain(ms.grad(f2, 1)(x, y)) == [1, 4]
    assert plain(ms.grad(f2, (0,))(x, y)) == [6, 16]
    assert plain(ms.grad(f2, (0, 1))(x, y)) == ([6, 16], [1, 4])
    assert plain(ms.grad(f2, (1, 0))(x, y)) == ([1, 4], [6, 16])


def test_positions_and_weights() -> None:
    net = Quadratic()
    assert plain(ms.grad(net, 0, net.trainable_params())(t(*X))) == ([10, 24], ([1, 4], 2))
    assert plain(ms.grad(net, None, net.w)(t(*X))) == [1, 4]
    assert plain(ms.grad(net, None, [net.w])(t(*X))) == ([1, 4],)


@pytest.mark.parametrize(("position", "error", "words"), [
    (-1, ValueError, "grad_position must be >= 0."), (5, RuntimeError, "Position index 5 is exceed input size."),
    ((0, 0), ValueError, "There are duplicate positions in `grad_position`"), ([0, 1], TypeError, "the 'grad_position' must be int or tuple."),
    (1.0, TypeError, "the 'grad_position' must be int or tuple."), (None, ValueError, "`grad_position` and `weight` can not be None at the same time."),
    ((), RuntimeError, "grad_position"),
])
def test_wrong_positions(position: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ms.grad(f2, position)(t(*X), t(*Y))


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        return x * x, x + 1, x + 2

    assert plain(ms.grad(f, has_aux=True)(t(*X))) == ([2, 4], ([2, 3], [3, 4]))
    assert plain(ms.value_and_grad(f, has_aux=True)(t(*X))) == (([1, 4], [2, 3], [3, 4]), [2, 4])
    with pytest.raises(ValueError, match="When has_aux is True, origin fn requires more than one outputs."):
        ms.grad(f1, has_aux=True)(t(*X))


def test_return_ids() -> None:
    position, g = ms.grad(f1, return_ids=True)(t(*X))
    assert position == 0 and plain(g) == [2, 4]
    net = Quadratic()
    inputs, weights = ms.grad(net, 0, net.trainable_params(), return_ids=True)(t(*X))
    assert inputs[0] == 0 and [name for name, _ in weights] == ["w", "b"]
    assert plain(ms.get_grad((inputs, weights), net.b)) == 2


def test_value_and_grad() -> None:
    assert plain(ms.value_and_grad(f1)(t(*X))) == ([1, 4], [2, 4])
    assert plain(ms.value_and_grad(lambda x: (x * x, x))(t(*X))) == (([1, 4], [1, 2]), [3, 5])
    net = Quadratic()
    value, (inputs, weights) = ms.value_and_grad(net, (0,), net.trainable_params())(t(*X))
    assert plain(value) == [6, 25]
    assert (plain(inputs), plain(weights)) == ([10, 24], ([1, 4], 2))


def test_jacobians() -> None:
    assert plain(ms.jacrev(f1)(t(*X))) == [[2, 0], [0, 4]]
    assert plain(ms.jacfwd(f1)(t(*X))) == [[2, 0], [0, 4]]
    assert plain(ms.jacrev(f2, (0, 1))(t(*X), t(*Y))) == ([[6, 0], [0, 16]], [[1, 0], [0, 4]])
    assert len(ms.jacrev(lambda x: (x, x * x))(t(*X))) == 2

    def cubes(x: Any) -> Any:
        return (x * x * x).sum()

    for hessian in (ms.jacfwd(ms.jacrev(cubes)), ms.jacrev(ms.jacrev(cubes)), ms.jacrev(ms.grad(cubes))):
        assert plain(hessian(t(*X))) == [[6, 0], [0, 12]]


def test_jvp_and_vjp() -> None:
    assert plain(ms.jvp(f1, t(*X), t(10, 100))) == ([1, 4], [20, 400])
    assert plain(ms.jvp(f1, t(*X), t(10))) == ([1, 4], [20, 40])
    value, back = ms.vjp(f2, t(*X), t(*Y))
    assert plain(value) == [3, 16] and plain(back(t(1, 10))) == ([6, 160], [1, 40])
    net = Quadratic()
    _, back = ms.vjp(net, t(*X), weights=ParameterTuple(net.trainable_params()))
    assert plain(back(t(1, 1))) == (([10, 24],), ([1, 4], 2))


def test_tensors_have_no_backward_and_no_requires_grad() -> None:
    assert not hasattr(t(1), "backward") and not hasattr(t(1), "requires_grad")


def test_vmap_and_custom_vjp() -> None:
    rows = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert plain(ms.vmap(lambda x: (x * x).sum())(rows)) == [5, 25]
    assert plain(G()(lambda r: ms.vmap(lambda x: (x * x).sum())(r))(rows)) == [[2, 4], [6, 8]]
