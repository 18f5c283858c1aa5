"""What a MindSpore program sees of the bundled runtime besides gradients: names, parameters, tensors, printing, training."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.mindspore import modules

ms: Any = modules()["mindspore"]
ops: Any = modules()["mindspore.ops"]
nn: Any = modules()["mindspore.nn"]
initial: Any = modules()["mindspore.common.initializer"]
Tensor, Parameter, ParameterTuple = ms.Tensor, ms.Parameter, ms.ParameterTuple
ROOT = Path(__file__).parent.parent

# The names that public MindSpore programs use most, the most frequent first.
FREQUENT = (
    "nn.Cell Tensor ops.GradOperation float32 context.set_context context.GRAPH_MODE Parameter ops.depend int32 context.PYNATIVE_MODE jit "
    "nn.Dense ParameterTuple set_seed nn.ReLU nn.Adam context.ParallelMode.DATA_PARALLEL value_and_grad ops.DType "
    "context.ParallelMode.HYBRID_PARALLEL ops.Concat ops.value_and_grad ops.ReduceSum ops.Shape ops.Cast GRAPH_MODE ops.HyperMap ops.Fill "
    "nn.wrap.grad_reducer.DistributedGradReducer save_checkpoint nn.SequentialCell ops.MatMul nn.Conv2d common.initializer.initializer "
    "ops.MultitypeFuncGraph nn.Flatten nn.DistributedGradReducer nn.CrossEntropyLoss nn.SGD dataset.vision.Rescale ops.partial set_context "
    "float16 dataset.transforms.TypeCast dataset.vision.HWC2CHW context.get_auto_parallel_context ops.cast ops.Mul "
    "communication.management.get_group_size ops.ReLU ops.ReduceMean context.get_context dataset.vision.Normalize ops.Reshape ops.ExpandDims "
    "dataset.MnistDataset ops.Add ops.Softmax ops.clip_by_value communication.init ops.Transpose parallel._utils._get_parallel_mode ops.dtype "
    "parallel._utils._get_gradients_mean parallel._utils._get_device_num ops.tuple_to_array ops.Squeeze nn.CellList ops.identity "
    "ops.stop_gradient parallel._auto_parallel_context.auto_parallel_context data_sink ops.Reciprocal grad nn.SoftmaxCrossEntropyWithLogits "
    "ops.Sigmoid ops.clip_by_global_norm ops.grad nn.MSELoss amp.DynamicLossScaler nn.BatchNorm2d nn.MaxPool2d PYNATIVE_MODE "
    "dataset.GeneratorDataset ops.Log load_checkpoint ops.Sqrt nn.Sigmoid nn.Momentum nn.ClipByNorm set_auto_parallel_context amp.all_finite "
    "ops.square ops.AddN load_param_into_net int64 nn.Optimizer ops.AllReduce ops.RealDiv ops.Pow ops.Tile amp.auto_mixed_precision "
    "common.initializer.Normal ops.zeros_like ops.mean ops.concat ops.matmul ops.ones_like train.serialization.load_param_into_net nn.LeakyReLU "
    "ops.Exp ops.constexpr ops.reshape ops.FloatStatus nn.Norm ops.LessEqual ops.Less ops.OneHot ops.Equal parallel.auto_parallel.AutoParallel "
    "nn.utils.no_init_parameters ParallelMode.DATA_PARALLEL common.set_seed ops.Tanh ops.BiasAdd ops.SigmoidCrossEntropyWithLogits "
    "ops.reduce_sum ops.log nn.Tanh ops.expand_dims COOTensor ops.norm ops.ZerosLike ops.Assign ops.Square context.ParallelMode.STAND_ALONE "
    "nn.Dropout common.initializer.HeUniform ops.UniformReal train.serialization.load_checkpoint ops.assign ops.Stack ops.zeros "
    "nn.TrainOneStepCell communication.get_rank communication.get_group_size ops.Flatten ops.CTCLoss train.callback.Callback ops.Minimum "
    "ops.Maximum ops.Select nn.SmoothL1Loss ops.fill bfloat16 ops.sum ops.Gather ops.randn bool_ ops.exp ops.stack ops.sqrt ops.Abs ops.Split "
    "ops.squeeze Model ops.pow nn.BatchNorm1d ops.max ops.abs ops.ReduceMax ops.Sub nn.Embedding nn.WithLossCell ops.BatchMatMul "
    "ops.NPUAllocFloatStatus ops.NPUGetFloatStatus ops.NPUClearFloatStatus ops.scalar_to_tensor ops.Sin common.initializer.TruncatedNormal "
    "ops.reduce_mean nn.probability.distribution.Categorical nn.BCELoss ops.ArgMaxWithValue ops.Depend runtime.set_memory ops.Print ops.vmap "
    "nn.Moments ops.vjp nn.Conv2dTranspose ops.sin ops.cos float64 common.mutable ops.Argmax ops.ResizeNearestNeighbor ops.Div "
    "train.model.ParallelMode.SEMI_AUTO_PARALLEL train.model.ParallelMode.AUTO_PARALLEL common.initializer.Uniform get_auto_parallel_context "
    "ops.softmax ops.LogSoftmax numpy.where train.model.ParallelMode.DATA_PARALLEL train.model.ParallelMode.HYBRID_PARALLEL ops.OnesLike "
    "context.ParallelMode.AUTO_PARALLEL ops.shape context.ParallelMode.MODE_LIST nn.cosine_decay_lr dataset.Cifar10Dataset dataset.vision.Resize "
    "dataset.vision.RandomCrop dataset.vision.RandomHorizontalFlip ops.sigmoid ops.cat numpy.stack ops.mul nn.Softmax "
    "ParallelMode.SEMI_AUTO_PARALLEL nn.MAELoss train.model.Model train.amp._config_level train.amp._add_loss_network "
    "nn.wrap.cell_wrapper._VirtualDatasetCell train.amp._do_keep_batchnorm_fp32 numpy.ones numpy.arange common.initializer.Zero mutable ops.Neg "
    "ops.eye numpy.norm nn.GroupNorm common.initializer.XavierUniform communication.management.init ops.Softplus ops.GatherD "
).split()


@pytest.fixture(autouse=True)
def pynative() -> Iterator[None]:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


def t(*values: Any, dtype: Any = None) -> Any:
    return Tensor(list(values), dtype or ms.float32)


def names(cell: Any) -> list[str]:
    return [p.name for p in cell.get_parameters()]


def run(tmp_path: Path, source: str) -> subprocess.CompletedProcess[str]:
    program = tmp_path / "program.py"
    program.write_text(source)
    return subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(program)], capture_output=True, text=True, timeout=60,
                          cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""})


# ----------------------------------------------------------------------------------------------------------- names, modules

@pytest.mark.parametrize("name", FREQUENT)
def test_frequent_names_exist(name: str) -> None:
    found: Any = ms
    for part in name.split("."):
        found = getattr(found, part)


def test_an_unknown_name_tells_file_and_line(tmp_path: Path) -> None:
    done = run(tmp_path, "import mindspore as ms\n\nms.ops.frobnicate(1)\n")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "mindspore.ops.frobnicate is not in mapper's runtime" in last and "program.py:3" in last


def test_an_unknown_name_can_be_tested_for(tmp_path: Path) -> None:
    done = run(tmp_path, "import mindspore as ms\nprint(hasattr(ms, 'frobnicate'))\n"
                         "try:\n    from mindspore import ms_class\nexcept ImportError:\n    print('no')\n")
    assert done.stdout == "False\nno\n"


def test_the_usual_import_lines(tmp_path: Path) -> None:
    done = run(tmp_path, """
import mindspore as ms
import mindspore.nn as nn
import mindspore.ops as ops
import mindspore.numpy as mnp
import mindspore.context as context
import mindspore.common.dtype as mstype
from mindspore import Tensor, Parameter, ParameterTuple, context, set_seed, jit, dtype, load_param_into_net
from mindspore.common.initializer import initializer, Normal, XavierUniform
from mindspore.common.api import jit
from mindspore.common.parameter import Parameter, ParameterTuple
from mindspore.common.tensor import Tensor
from mindspore.nn import Cell, WithLossCell, TrainOneStepCell
from mindspore.ops import operations as P, composite as C, functional as F
from mindspore.ops.composite import GradOperation
from mindspore.ops.operations import MatMul
from mindspore.train.serialization import load_checkpoint
from mindspore.nn.wrap.grad_reducer import DistributedGradReducer
print(mstype.float32, P.MatMul is ops.MatMul, C.GradOperation is ops.GradOperation, F.grad is ops.grad)
""")
    assert (done.stdout, done.returncode) == ("Float32 True True True\n", 0), done.stderr


def test_modules_can_be_listed_and_imported() -> None:
    found = modules()
    assert found["mindspore.nn"] is ms.nn and found["mindspore.numpy"] is ms.numpy
    assert all(module.__name__ == name or module is found["mindspore.common.dtype"] for name, module in found.items())
    assert importlib.import_module("mapper.runtime.mindspore").modules() is found


def test_an_unknown_context_setting() -> None:
    with pytest.raises(ValueError, match="the keyword argument enable_foo is not recognized!"):
        ms.set_context(enable_foo=True)
    assert (ms.get_context("mode"), ms.GRAPH_MODE, ms.PYNATIVE_MODE) == (1, 0, 1)


# --------------------------------------------------------------------------------------------------------------- parameters

class Net(nn.Cell):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Dense(2, 3)
        self.a = Parameter(t(1.0), name="given")
        self.b = Parameter(t(1.0))
        self.pair = ParameterTuple([Parameter(t(1.0), name="q1"), Parameter(t(1.0), name="q2")])


def test_own_parameters_come_first_and_a_top_level_cell_keeps_names() -> None:
    assert names(Net()) == ["given", "b", "q1", "q2", "fc.weight", "fc.bias"]


def test_nesting_replaces_names_by_attribute_paths() -> None:
    class Outer(nn.Cell):  # type: ignore[misc]
        def __init__(self, net: Any) -> None:
            super().__init__()
            self.net = net
            self.weights = ParameterTuple(net.trainable_params())

    assert names(Outer(Net())) == ["net.a", "net.b", "net.q1", "net.q2", "net.fc.weight", "net.fc.bias"]


def test_wrapping_cells_do_not_rename() -> None:
    net = Net()
    with_loss = nn.WithLossCell(net, nn.MSELoss())
    assert names(with_loss) == names(Net())
    assert [path for path, _ in with_loss.parameters_and_names()][0] == "_backbone.a"


def test_containers_name_by_position() -> None:
    assert names(nn.SequentialCell([nn.Dense(2, 2), nn.ReLU(), nn.Dense(2, 1)])) == ["0.weight", "0.bias", "2.weight", "2.bias"]

    class Holder(nn.Cell):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.CellList([nn.Dense(2, 2, has_bias=False)])
            self.layers.append(nn.Dense(2, 2, has_bias=False))

    assert names(Holder()) == ["layers.0.weight", "layers.1.weight"]


def test_optimizers_hold_their_state_as_parameters() -> None:
    net = nn.Dense(2, 1)
    assert names(nn.Adam(net.trainable_params())) == ["global_step", "learning_rate", "weight", "bias", "beta1_power", "beta2_power", "moment1.weight",
                                                      "moment1.bias", "moment2.weight", "moment2.bias"]


def test_two_parameters_of_one_name() -> None:
    with pytest.raises(ValueError, match="its name 'w' already exists. Please set a unique name for the parameter."):
        ParameterTuple([Parameter(t(1.0), name="w"), Parameter(t(1.0), name="w")])


def test_parameters_print_without_values() -> None:
    p = Parameter(Tensor(np.ones((2, 2), np.float32)), name="w")
    assert str(p) == repr(p) == "Parameter (name=w, shape=(2, 2), dtype=Float32, requires_grad=True)"
    assert Parameter(3, name="n").dtype == ms.int32


def test_asnumpy_shares_the_memory_of_a_parameter() -> None:
    p = Parameter(t(1.0, 2.0), name="p")
    view = p.asnumpy()
    p.set_data(t(5.0, 6.0))
    assert view.tolist() == [5, 6]
    ops.assign(p, t(7.0, 8.0))
    assert view.tolist() == [7, 8]
    nn.SGD([p], 1.0)((t(1.0, 1.0),))
    assert view.tolist() == [6, 7]
    ops.assign_add(p, t(1.0, 1.0))
    assert view.tolist() == [7, 8]
    view[0] = 0
    assert float(p[0]) == 0


def test_set_data_casts_and_may_change_the_shape_but_refuses_arrays() -> None:
    p = Parameter(t(1.0, 2.0), name="p")
    p.set_data(Tensor(np.array([1, 2, 3], np.int64)))
    assert (p.shape, p.dtype) == ((3,), ms.float32)
    with pytest.raises(TypeError, match="Parameter data must be"):
        p.set_data(np.ones(3, np.float32))


def test_load_param_into_net() -> None:
    net = nn.Dense(2, 1)
    assert ms.load_param_into_net(net, {"weight": Parameter(t(3.0, 4.0).reshape(1, 2), name="weight")}) == (["bias"], [])
    assert net.weight.asnumpy().tolist() == [[3, 4]]


def test_cells_say_what_is_missing() -> None:
    with pytest.raises(AttributeError, match="For 'Cell', the method 'construct' is not defined."):
        nn.Cell()(1)
    with pytest.raises(AttributeError, match="The 'Net' object has no attribute 'foo'."):
        _ = Net().foo

    class Early(nn.Cell):  # type: ignore[misc]
        def __init__(self) -> None:
            self.p = Parameter(t(1.0))

    with pytest.raises(AttributeError, match="please call Cell.__init__"):
        Early()


def test_the_repr_of_cells() -> None:
    net = nn.SequentialCell(nn.Dense(2, 3), nn.ReLU())
    assert repr(net) == "SequentialCell(\n  (0): Dense(input_channels=2, output_channels=3, has_bias=True)\n  (1): ReLU()\n)"


# ------------------------------------------------------------------------------------------------------------ initial values

def test_initial_values_follow_the_name() -> None:
    ms.set_seed(1)
    first = Net().fc.weight.asnumpy().copy()
    ms.set_seed(2)
    assert (Net().fc.weight.asnumpy() == first).all()
    assert not (Net().fc.weight.asnumpy() == first).all()
    assert np.abs(first).max() <= 1 / np.sqrt(2)


def test_a_value_once_seen_stays_when_the_name_changes() -> None:
    net = nn.Dense(2, 2)
    before = net.weight.asnumpy().copy()
    outer = nn.SequentialCell(net)
    assert outer[0].weight.name == "0.weight" and (outer[0].weight.asnumpy() == before).all()


def test_initializers() -> None:
    assert initial.initializer("ones", [2]).asnumpy().tolist() == [1, 1]
    assert initial.initializer(3, [2], ms.int32).asnumpy().tolist() == [3, 3]
    assert np.abs(initial.initializer("xavier_uniform", [300, 500]).asnumpy()).max() <= np.sqrt(6 / 800)
    for unknown in ("glorot_uniform", "truncated_normal"):
        with pytest.raises(ValueError, match=f"the class corresponding to '{unknown}' was not found."):
            initial.initializer(unknown, [2, 2])


def test_set_seed_seeds_numpy_and_wants_a_natural_number() -> None:
    ms.set_seed(3)
    assert np.random.rand() == np.random.RandomState(3).rand()
    first = ops.randn(3).asnumpy()
    ms.set_seed(3)
    assert (ops.randn(3).asnumpy() == first).all()
    with pytest.raises(TypeError):
        ms.set_seed(1.5)
    with pytest.raises(ValueError):
        ms.set_seed(-1)


# ------------------------------------------------------------------------------------------------------------------ tensors

@pytest.mark.parametrize(("value", "text", "shown"), [
    (Tensor([[1.0, 2.0], [3.0, 4.0]]), "[[1. 2.]\n [3. 4.]]",
     "Tensor(shape=[2, 2], dtype=Float32, value=\n[[ 1.00000000e+00,  2.00000000e+00],\n [ 3.00000000e+00,  4.00000000e+00]])"),
    (Tensor([1.0, 2.5, 1e-8]), "[1.0e+00 2.5e+00 1.0e-08]", "Tensor(shape=[3], dtype=Float32, value= [ 1.00000000e+00,  2.50000000e+00,  9.99999994e-09])"),
    (Tensor(1.5), "1.5", "Tensor(shape=[], dtype=Float32, value= 1.5)"), (Tensor(3.0), "3.0", "Tensor(shape=[], dtype=Float32, value= 3)"),
    (Tensor([1, 2]), "[1 2]", "Tensor(shape=[2], dtype=Int64, value= [1, 2])"),
    (Tensor([True, False]), "[ True False]", "Tensor(shape=[2], dtype=Bool, value= [ True, False])"),
])
def test_printing(value: Any, text: str, shown: str) -> None:
    assert (str(value), repr(value), f"{value}") == (text, shown, text)


def test_formats() -> None:
    value = Tensor(1 / 3, ms.float32)
    with pytest.raises(TypeError, match="unsupported format string passed to Tensor.__format__"):
        format(value, ".3f")
    assert "%.4f" % value == "0.3333"  # noqa: UP031 (what programs write)
    assert f"{value.asnumpy():.3f}" == "0.333" and float(value) == value.item()
    assert value.asnumpy().shape == ()


def test_dtypes() -> None:
    assert (str(ms.float32), repr(ms.float32)) == ("Float32", "mindspore.float32")
    assert [Tensor(v).dtype for v in (1.0, 1, True, np.array([1.0]))] == [ms.float32, ms.int64, ms.bool_, ms.float64]
    assert Tensor([1.0]).shape == (1,) and type(Tensor([1.0]).shape) is tuple


@pytest.mark.parametrize(("left", "right", "expected"), [
    (ms.float32, ms.float64, ms.float64), (ms.float32, ms.int32, ms.float32), (ms.int32, ms.int64, ms.int64), (ms.float16, ms.int64, ms.float16),
    (ms.bool_, ms.int32, ms.int32), (ms.uint8, ms.int8, ms.int16),
])
def test_promotion(left: Any, right: Any, expected: Any) -> None:
    a, b = Tensor(np.array([1, 1]), left), Tensor(np.array([1, 1]), right)
    assert (a + b).dtype == (b + a).dtype == expected


def test_arrays_and_lists_beside_tensors() -> None:
    x = t(1.0, 2.0)
    assert type(np.ones(2, np.float32) * x) is np.ndarray
    assert (x + [1.0, 2.0]).asnumpy().tolist() == [2, 4]
    for wrong in (lambda: x * np.ones(2, np.float32), lambda: x * [1.0, 2.0], lambda: ops.add(x, np.ones(2)), lambda: ops.exp(np.ones(2)), lambda: x + "a"):
        with pytest.raises(TypeError, match="Failed calling"):
            wrong()
    with pytest.raises(ValueError, match="need to broadcast"):
        _ = x + t(1.0, 2.0, 3.0)


def test_comparison_and_truth() -> None:
    x = t(1.0, 2.0)
    assert (x == None) is False and (x != None) is True  # noqa: E711 (what programs write)
    assert (x > 1).asnumpy().tolist() == [False, True]
    with pytest.raises(ValueError, match="more than one element is ambiguous"):
        bool(x)
    assert hash(x) != hash(t(1.0, 2.0))


def test_indexing_and_assignment() -> None:
    m = Tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert m[0].shape == (3,) and m[:, 1].asnumpy().tolist() == [1, 4] and m[..., None].shape == (2, 3, 1)
    assert m[Tensor([1, 0])].asnumpy()[0].tolist() == [3, 4, 5] and m[m > 3].asnumpy().tolist() == [4, 5]
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension with size 2"):
        m[5]
    m[0] = 9.0
    m[1, 1:] = t(7.0, 8.0)
    assert m.asnumpy().tolist() == [[9, 9, 9], [3, 7, 8]]


def test_assignment_inside_a_gradient() -> None:
    def f(x: Any) -> Any:
        y = x * 1
        y[0] = x[1] * 10
        return y

    assert ops.GradOperation()(f)(t(1.0, 2.0)).asnumpy().tolist() == [0, 11]


def test_tensors_copy_arrays_and_from_numpy_shares() -> None:
    array = np.ones(2, np.float32)
    copied, shared = Tensor(array), Tensor.from_numpy(array)
    array[0] = 5
    assert copied.asnumpy()[0] == 1 and shared.asnumpy()[0] == 5


@pytest.mark.parametrize("data", ["abc", None, [[1, 2], [3]], {"a": 1}])
def test_what_no_tensor_is_made_of(data: Any) -> None:
    with pytest.raises(TypeError):
        Tensor(data)


# ---------------------------------------------------------------------------------------------------------------- training

STEPS = {  # parameters after four steps from (3, -1) with gradient 2 p + 0.5, as MindSpore's CPU computed them
    "SGD": (lambda p: nn.SGD(p, 0.1), [1.0811998844146729, -0.557200014591217]),
    "SGD nesterov": (lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True), [-1.30567467212677, -0.006382778286933899]),
    "SGD dampening": (lambda p: nn.SGD(p, 0.1, momentum=0.9, dampening=0.1, weight_decay=0.01), [-1.1028307676315308, -0.05125966668128967]),
    "Momentum": (lambda p: nn.Momentum(p, 0.1, 0.9), [-1.2529497146606445, -0.018550008535385132]),
    "Momentum nesterov": (lambda p: nn.Momentum(p, 0.1, 0.9, use_nesterov=True), [-1.2529497146606445, -0.018550008535385132]),
    "Momentum decay": (lambda p: nn.Momentum(p, 0.1, 0.9, weight_decay=0.1, loss_scale=2.0), [0.2993593215942383, -0.35336771607398987]),
    "Adam": (lambda p: nn.Adam(p, 0.1), [2.600832462310791, -0.6062319278717041]),
    "Adam nesterov": (lambda p: nn.Adam(p, 0.1, use_nesterov=True), [2.428332567214966, -0.46479588747024536]),
    "Adam decay": (lambda p: nn.Adam(p, 0.1, weight_decay=0.1), [2.6008360385894775, -0.6060705780982971]),
    "AdamWeightDecay": (lambda p: nn.AdamWeightDecay(p, 0.1, weight_decay=0.1), [1.1546179056167603, 0.2912178337574005]),
    "RMSProp": (lambda p: nn.RMSProp(p, 0.1), [2.18441104888916, -0.5758252739906311]),
    "RMSProp centered": (lambda p: nn.RMSProp(p, 0.1, centered=True, momentum=0.3), [1.8400908708572388, -0.4561726450920105]),
    "Adagrad": (lambda p: nn.Adagrad(p, learning_rate=0.1), [2.725982666015625, -0.7450926303863525]),
    "Adadelta": (lambda p: nn.Adadelta(p, 0.1), [2.998694896697998, -0.9986953139305115]),
    "AdaMax": (lambda p: nn.AdaMax(p, 0.1), [2.609282970428467, -0.6411482691764832]),
    "FTRL": (lambda p: nn.FTRL(p, learning_rate=0.1), [2.5835742950439453, -0.5705185532569885]),
}


@pytest.mark.parametrize("name", STEPS)
def test_optimizer_steps(name: str) -> None:
    make, expected = STEPS[name]
    p = Parameter(t(3.0, -1.0), name="p")
    optimizer = make([p])
    for _ in range(4):
        optimizer((p * 2 + 0.5,))
    np.testing.assert_allclose(p.asnumpy(), expected, rtol=1e-4)


@pytest.mark.parametrize(("schedule", "expected"), [
    (lambda: nn.ExponentialDecayLR(0.1, 0.5, 2), [0.1, 0.0707107, 0.05]), (lambda: nn.PolynomialDecayLR(0.1, 0.01, 4, 1.0), [0.1, 0.0775, 0.055]),
    (lambda: nn.CosineDecayLR(0.01, 0.1, 4), [0.1, 0.0868198, 0.055]), (lambda: nn.InverseDecayLR(0.1, 0.5, 2, True), [0.1, 0.1, 0.0666667]),
    (lambda: nn.WarmUpLR(0.1, 2), [0.0, 0.05, 0.1]), (lambda: [0.1, 0.2, 0.3], [0.1, 0.2, 0.3]),
])
def test_learning_rate_schedules(schedule: Any, expected: list[float]) -> None:
    p = Parameter(t(0.0), name="p")
    optimizer = nn.SGD([p], schedule())
    seen = []
    for _ in expected:
        before = float(p)
        optimizer((t(1.0),))
        seen.append(before - float(p))
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_train_one_step_cell() -> None:
    net = nn.Dense(2, 1, weight_init=t(1.0, -1.0).reshape(1, 2), bias_init="zeros")
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.01))
    step.set_train()
    x, y = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[0.0], [1.0]])
    losses = [float(step(x, y)) for _ in range(3)]
    assert losses[0] == pytest.approx(2.5) and losses[2] < losses[0]


def test_dropout_only_while_training() -> None:
    layer, x = nn.Dropout(p=0.5), Tensor(np.ones((50, 50), np.float32))
    assert (layer(x).asnumpy() == 1).all()
    layer.set_train()
    assert set(np.unique(layer(x).asnumpy())) == {0, 2}


def test_batch_norm_moves_its_statistics_only_while_training() -> None:
    layer, x = nn.BatchNorm1d(2), Tensor([[1.0, 2.0], [3.0, 6.0]])
    layer(x)
    assert layer.moving_mean.asnumpy().tolist() == [0, 0]
    layer.set_train()
    layer(x)
    np.testing.assert_allclose(layer.moving_mean.asnumpy(), [0.2, 0.4], rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.asnumpy(), [1.1, 1.7], rtol=1e-5)


def test_multitype_graphs_and_maps() -> None:
    clip = ops.MultitypeFuncGraph("clip")

    @clip.register("Number", "Tensor")
    def _clip_tensor(limit: float, g: Any) -> Any:
        return ops.clip_by_value(g, -limit, limit)

    @clip.register("Number", "Tuple")
    def _clip_tuple(limit: float, gs: Any) -> Any:
        return gs

    mapped = ops.HyperMap()(ops.partial(clip, 1.0), (t(5.0, -5.0), (t(0.5),)))
    assert [m.asnumpy().tolist() for m in (mapped[0], mapped[1][0])] == [[1, -1], [0.5]]
    assert clip(1.0, (1,)) == (1,)
    with pytest.raises(TypeError, match="cannot find fn match given args"):
        clip("a")
    assert ops.Map()(lambda a, b: a + b, (1, 2), (10, 20)) == (11, 22)


def test_primitives_say_what_is_wrong() -> None:
    with pytest.raises(TypeError, match="the type of 'x2' should be same as 'x1'"):
        ops.MatMul()(Tensor(np.ones((2, 2), np.float32)), Tensor(np.ones((2, 2))))
    with pytest.raises(ValueError, match="MatMul inputs should have the same dimension size and equal to 2."):
        ops.MatMul()(t(1.0), t(1.0))
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        ops.ReduceSum(keepdims=True)
