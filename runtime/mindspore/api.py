"""The modules that `import mindspore` finds: names gathered from the rooms of this face."""
from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from . import cell, composite, context, dtypes, gradients, initializer, methods, numpy, parameter, randomness, serialization, tensor
from .furniture import Furniture, Module, unsupported
from .nn import layers, losses, metrics, optimizers, recurrent, schedules, wrappers
from .ops import activation, array, image, index, linalg, loss, math, primitive, reduce, sample, variable

ROOMS = (math, array, reduce, linalg, index, activation, image, loss, variable, sample)
_modules: dict[str, ModuleType] = {}


def _module(name: str, names: dict[str, Any]) -> Module:
    made = Module(name)
    made.__dict__.update(names)
    made.__dict__["__path__"] = []
    _modules[name] = made
    return made


def _public(room: ModuleType) -> dict[str, Any]:
    """The functions that a room defines itself, or makes with a helper."""
    return {name: value for name, value in vars(room).items()
            if not name.startswith("_") and callable(value) and not isinstance(value, type) and name not in _HELPERS}


_HELPERS = {"primitive", "primitives", "node_of", "unary", "binary", "wrap", "leaf", "lift", "pair", "named", "as_float", "is_number", "kind_of", "number_node",
            "promoted", "promote_like_scalar", "array_of", "ints", "axes_of", "two", "padding_of", "channels_first", "channels_last", "as_array_argument"}


def _primitives() -> dict[str, Any]:
    made: dict[str, Any] = {"Primitive": primitive.Primitive, "PrimitiveWithInfer": primitive.Primitive, "PrimitiveWithCheck": primitive.Primitive,
                            "ReduceOp": ReduceOp,
                            "Partial": lambda: functools.partial, "CTCLoss": unsupported("mindspore.ops.CTCLoss"),
                            "Custom": unsupported("mindspore.ops.Custom"),
                            "GradOperation": gradients.GradOperation, "HyperMap": composite.HyperMap, "Map": composite.Map,
                            "MultitypeFuncGraph": composite.MultitypeFuncGraph}
    for room in ROOMS:
        made.update(room.P)
    return made


class ReduceOp:
    SUM, MAX, MIN, PROD = "sum", "max", "min", "prod"


def _gradient_names() -> dict[str, Any]:
    return {name: getattr(gradients, name) for name in ("GradOperation", "grad", "value_and_grad", "get_grad", "vjp", "jvp", "jacrev", "jacfwd",
                                                        "derivative")} | {
        "jet": unsupported("mindspore.ops.jet"), "custom_vjp": gradients.custom_vjp}


def _scalars() -> dict[str, Any]:
    made = {"scalar_add": math.add, "scalar_sub": math.sub, "scalar_mul": math.mul, "scalar_div": math.div}
    plain = {"scalar_eq": lambda x, y: x == y, "scalar_ne": lambda x, y: x != y, "scalar_lt": lambda x, y: x < y, "scalar_le": lambda x, y: x <= y,
             "scalar_gt": lambda x, y: x > y, "scalar_ge": lambda x, y: x >= y, "bool_not": lambda x: not x, "bool_and": lambda x, y: x and y,
             "bool_or": lambda x, y: x or y, "tuple_getitem": lambda x, i: x[i], "list_getitem": lambda x, i: x[i], "tuple_len": len,
             "make_tuple": lambda *x: x,
             "make_list": lambda *x: list(x), "in_dict": lambda x, d: x in d, "is_": lambda x, y: x is y, "isinstance_": isinstance,
             "tuple_setitem": lambda x, i, v: (
                 *x[:i], v, *x[i + 1:]), "scalar_cast": lambda x, dtype: dtypes.as_numpy(dtype).type(x).item(), "issubclass_": dtypes.issubclass_,
             "string_concat": lambda x, y: x + y, "same_type_shape": lambda x, y: x, "is_tensor": tensor.is_tensor, "check_bprop": lambda x, y: x}
    return {**made, **plain}


def _ops_names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for room in reversed(ROOMS):
        names.update(_public(room))
    for room in ROOMS:
        names.update(room.ALIASES)
    names.update(_primitives())
    names.update(composite.NAMES)
    names.update(_gradient_names())
    for name, value in _scalars().items():
        names.setdefault(name, value)
    names.update({"is_tensor": tensor.is_tensor, "tensor": tensor.tensor, "zeros_like_leaf": array.zeros_like, "shape_mul": lambda shape: int(np.prod(shape)),
                  "partial": functools.partial, "GeLU": names["GeLU"], "print_": composite.print_, "get_default_dtype": lambda: dtypes.float32,
                  "DistributedGradReducer": wrappers.DistributedGradReducer, "op_info_register": Furniture(), "prim_attr_register": lambda fn: fn,
                  "custom_info_register": Furniture(), "kernel": Furniture(), "clip_by_value": math.clip_by_value, "all_finite": variable.all_finite})
    return names


def _nn_names() -> dict[str, Any]:
    names: dict[str, Any] = {"Cell": cell.Cell, "GraphCell": unsupported("mindspore.nn.GraphCell"), "SequentialCell": cell.SequentialCell,
                             "CellList": cell.CellList,
                             "CellDict": cell.CellDict, "get_activation": layers.activation_of}
    for table in (layers.CELLS, layers.LAYERS, losses.LOSSES, wrappers.WRAPPERS, schedules.SCHEDULES, schedules.RATES, optimizers.OPTIMIZERS,
                  recurrent.RECURRENT,
                  metrics.METRICS):
        names.update(table)
    names["PipelineCell"] = wrappers.MicroBatchInterleaved
    return names


def _dtype_names() -> dict[str, Any]:
    names: dict[str, Any] = {d.spelled: d for d in (*dtypes.SIZED, dtypes.bfloat16, dtypes.string) if d is not dtypes.bool_}
    names.update({name: getattr(dtypes, name) for name in (
        "bool_", "half", "single", "double", "float_", "int_", "byte", "short", "intc", "long", "intp", "ubyte", "ushort", "uintc", "uint", "uintp", "number",
        "list_",
        "tuple_", "type_none", "TensorType", "Int", "Float", "Number", "Type", "dtype_to_nptype", "dtype_to_pytype", "pytype_to_dtype", "get_py_obj_dtype",
        "issubclass_")})
    names.update(tensor_type=dtypes.tensor, tensor=dtypes.tensor, float_type=(dtypes.float16, dtypes.float32, dtypes.float64), QuantDtype=Furniture(),
                 int_type=tuple(d for d in dtypes.SIZED if d.np is not None and d.np.kind in "iu"), number_type=dtypes.SIZED)
    return names


def _initializer_names() -> dict[str, Any]:
    return {name: value for name, value in vars(initializer).items() if name == "initializer" or (isinstance(value, type) and issubclass(
        value, initializer.Initializer))}


def _top_names() -> dict[str, Any]:
    names = {k: v for k, v in _dtype_names().items() if k not in ("tensor", "number", "list_", "tuple_")}
    names.update(context.NAMES)
    names.update({name: value for name, value in _gradient_names().items() if name not in ("GradOperation", "derivative", "jet")})
    names.update(Tensor=tensor.Tensor, tensor=tensor.tensor, is_tensor=tensor.is_tensor, from_numpy=tensor.Tensor.from_numpy, Parameter=parameter.Parameter,
                 ParameterTuple=parameter.ParameterTuple, set_seed=randomness.set_seed, get_seed=randomness.get_seed, jit=gradients.jit,
                 ms_function=gradients.jit, jit_class=lambda cls: cls,
                 vmap=composite.vmap, mutable=lambda value, dynamic_len=False: value, data_sink=lambda fn, dataset, **k: fn,
                 save_checkpoint=serialization.save_checkpoint,
                 load_checkpoint=serialization.load_checkpoint, load_param_into_net=serialization.load_param_into_net, export=serialization.export,
                 constexpr=composite.constexpr, ms_memory_recycle=lambda: None, JitConfig=Furniture, Profiler=Furniture,
                 COOTensor=unsupported("mindspore.COOTensor"),
                 CSRTensor=unsupported("mindspore.CSRTensor"), RowTensor=unsupported("mindspore.RowTensor"), SparseTensor=unsupported("mindspore.SparseTensor"),
                 Model=unsupported("mindspore.Model"), run_check=lambda: None, set_device=lambda device_target,
                 device_id=0: context.set_context(device_target=device_target), version="2.10.0", __version__="2.10.0", dtype_to_nptype=dtypes.dtype_to_nptype,
                 get_level=lambda: "3", set_level=lambda level: None, lazy_inline=lambda fn=None, *a, **k: fn if fn is not None else (lambda f: f),
                 no_recursive=lambda fn: fn,
                 recompute=lambda fn, *a, **k: fn(*a, **k), build_train_network=unsupported("mindspore.build_train_network"), Generator=Furniture,
                 Symbol=Furniture,
                 set_deterministic=lambda flag: None, manual_seed=randomness.set_seed, set_recursion_limit=lambda n=1000: None,
                 async_ckpt_thread_status=lambda: False)
    return names


class Callback:
    """A base that programs extend; training loops of this runtime do not call it."""

    def __enter__(self) -> Callback:
        return self

    def __exit__(self, *error: Any) -> None:
        return None


def _train_names() -> dict[str, Any]:
    made: dict[str, Any] = {name: type(name, (Callback,), {"__init__": lambda self, *a, **k: None}) for name in (
        "LossMonitor", "TimeMonitor", "ModelCheckpoint", "SummaryCollector", "EarlyStopping", "LearningRateScheduler", "History", "LambdaCallback")}
    return made | {"Callback": Callback, "Model": unsupported("mindspore.Model"), "CheckpointConfig": Furniture, "RunContext": Furniture,
                   "ParallelMode": context.ParallelMode, "load_checkpoint": serialization.load_checkpoint,
                   "load_param_into_net": serialization.load_param_into_net,
                   "save_checkpoint": serialization.save_checkpoint, "export": serialization.export, **metrics.METRICS}


class DynamicLossScaler:
    """Scales losses by a factor that halves on overflow and doubles after `scale_window` good steps."""

    def __init__(self, scale_value: float, scale_factor: int, scale_window: int) -> None:
        self.scale_value, self.scale_factor, self.scale_window, self.counter = tensor.Tensor(float(scale_value)), scale_factor, scale_window, 0

    def scale(self, inputs: Any) -> Any:
        return composite.HyperMap()(lambda t: t * self.scale_value, inputs)

    def unscale(self, inputs: Any) -> Any:
        return composite.HyperMap()(lambda t: t / self.scale_value, inputs)

    def adjust(self, grads_finite: Any) -> bool:
        finite = bool(grads_finite)
        value = float(self.scale_value)
        self.counter = self.counter + 1 if finite else 0
        if not finite:
            self.scale_value = tensor.Tensor(max(value / self.scale_factor, 1.0))
        elif self.counter == self.scale_window:
            self.scale_value, self.counter = tensor.Tensor(value * self.scale_factor), 0
        return True


class StaticLossScaler(DynamicLossScaler):
    def __init__(self, scale_value: float) -> None:
        super().__init__(scale_value, 1, 0)

    def adjust(self, grads_finite: Any) -> bool:
        return False


def _amp_names() -> dict[str, Any]:
    return {"DynamicLossScaler": DynamicLossScaler, "StaticLossScaler": StaticLossScaler, "all_finite": variable.all_finite,
            "auto_mixed_precision": lambda network, *a, **k: network,
            "build_train_network": lambda network, optimizer, loss_fn=None, *a, **k: wrappers.TrainOneStepCell(
                network if loss_fn is None else wrappers.WithLossCell(network, loss_fn), optimizer).set_train(),
                "init_status": lambda: variable._zeros_of_shape((8,)),
            "FixedLossScaleManager": Furniture, "DynamicLossScaleManager": Furniture, "LossScaler": DynamicLossScaler, "_config_level": {},
            "_add_loss_network": lambda net, loss_fn, *a: wrappers.WithLossCell(
                net, loss_fn), "_do_keep_batchnorm_fp32": lambda net: net, "custom_mixed_precision": lambda net, *a, **k: net}


def _communication() -> dict[str, Any]:
    return {"init": lambda backend_name=None: None, "get_rank": lambda group=None: 0, "get_group_size": lambda group=None: 1, "release": lambda: None,
            "get_local_rank": lambda group=None: 0,
            "get_local_rank_size": lambda group=None: 1, "create_group": lambda *a, **k: None, "GlobalComm": Furniture(),
            "HCCL_WORLD_COMM_GROUP": "hccl_world_group",
            "NCCL_WORLD_COMM_GROUP": "nccl_world_group"}


def _log() -> dict[str, Any]:
    import logging

    logger = logging.getLogger("mindspore")
    return {name: getattr(logger, name) for name in ("debug", "info", "warning", "error", "critical")} | {"get_level": lambda: "3", "get_log_config": dict}


def modules() -> dict[str, ModuleType]:
    """Every importable module of the MindSpore face, by its dotted name."""
    if _modules:
        return _modules
    np.seterr(all="ignore")                     # infinities and NaN are values here, as they are in MindSpore's kernels
    methods.install()
    ops, nn, dtype, top = _ops_names(), _nn_names(), _dtype_names(), _top_names()
    parallel = {"_get_parallel_mode": lambda: "stand_alone", "_get_gradients_mean": lambda: False, "_get_device_num": lambda: 1,
                "_is_pynative_parallel": lambda: False,
                "_get_global_rank": lambda: 0, "_get_enable_parallel_optimizer": lambda: False, "_get_stage_device_num": lambda: 1}
    validator = {"Validator": Furniture(), "check_int": lambda value, *a, **k: value, "twice": lambda x: (x, x) if isinstance(x, int) else tuple(x),
                 "Rel": Furniture(),
                 "validator": Furniture(), "args_type_check": lambda *a, **k: (lambda f: f), "check_positive_int": lambda value, *a: value}
    common: dict[str, dict[str, Any]] = {
        "common.dtype": dtype, "common.initializer": _initializer_names(), "common.parameter": {**top, "Parameter": parameter.Parameter,
            "ParameterTuple": parameter.ParameterTuple},
        "common.tensor": {"Tensor": tensor.Tensor, "tensor": tensor.tensor}, "common.api": {"jit": gradients.jit, "ms_function": gradients.jit,
            "_pynative_executor": Furniture(), "_cell_graph_executor": Furniture(),
                                                                                           "ms_memory_recycle": lambda: None, "_executor": Furniture()},
        "common.seed": {"set_seed": randomness.set_seed, "get_seed": randomness.get_seed, "_get_graph_seed": lambda *a: (0, 0)},
        "common": {**top, "initializer": None},
        "ops.operations": ops, "ops.composite": ops, "ops.functional": ops, "ops.primitive": ops, "ops.function": ops, "ops": ops,
        "ops.op_info_register": ops, "ops._grad": {},
        "ops.operations.math_ops": ops, "ops.operations.array_ops": ops, "ops.operations.nn_ops": ops, "ops.operations._inner_ops": ops,
        "ops.operations._grad_ops": ops,
        "ops.operations.random_ops": ops, "ops._utils": ops, "ops._primitive_cache": {"_get_cache_prim": lambda cls: cls}, "ops.auto_generate": ops,
        "ops.operations.other_ops": ops,
        "ops.function.math_func": ops, "ops.function.array_func": ops, "ops.function.nn_func": ops, "ops.composite.base": ops,
        "ops.composite.multitype_ops": ops,
        "nn": nn, "nn.cell": {"Cell": cell.Cell}, "nn.layer": nn, "nn.layer.activation": nn, "nn.layer.basic": nn, "nn.layer.conv": nn, "nn.layer.pooling": nn,
        "nn.layer.normalization": nn, "nn.layer.container": nn, "nn.layer.embedding": nn, "nn.layer.combined": nn, "nn.loss": nn, "nn.loss.loss": nn,
        "nn.optim": nn,
        "nn.optim.optimizer": nn, "nn.optim.adam": nn, "nn.optim.sgd": nn, "nn.optim.momentum": nn, "nn.wrap": nn, "nn.wrap.cell_wrapper": {
            **nn, "_VirtualDatasetCell": lambda net: net}, "nn.wrap.loss_scale": nn, "nn.wrap.grad_reducer": nn, "nn.learning_rate_schedule": nn,
            "nn.dynamic_lr": nn, "nn.metrics": nn,
        "nn.utils": {"no_init_parameters": Furniture}, "nn.layer.rnns": nn, "nn.layer.rnn_cells": nn, "nn.layer.math": nn,
        "nn.probability": {}, "nn.probability.distribution": {name: unsupported(f"mindspore.nn.probability.distribution.{name}") for name in (
            "Categorical", "Normal", "Uniform", "Bernoulli", "Distribution", "Exponential", "Gamma", "Beta")},
        "numpy": numpy.names(), "context": context.NAMES, "amp": _amp_names(), "train": _train_names(), "train.callback": _train_names(),
        "train.serialization": _train_names(),
        "train.model": _train_names(), "train.amp": _amp_names(), "train.loss_scale_manager": _amp_names(), "train.metrics": nn,
        "communication": _communication(),
        "communication.management": _communication(), "parallel": {}, "parallel._utils": parallel,
        "parallel._auto_parallel_context": {"auto_parallel_context": lambda: Furniture(
            get_all_reduce_fusion_split_indices=lambda *a: [])}, "parallel.auto_parallel": {"AutoParallel": lambda network, parallel_mode="semi_auto": network},
        "dataset": {name: unsupported(f"mindspore.dataset.{name}") for name in ("MnistDataset", "GeneratorDataset", "Cifar10Dataset", "NumpySlicesDataset",
            "ImageFolderDataset", "MindDataset", "TFRecordDataset")} | {"config": Furniture()},
        "dataset.vision": {name: unsupported(f"mindspore.dataset.vision.{name}") for name in ("Rescale", "HWC2CHW", "Normalize", "Resize", "RandomCrop",
            "RandomHorizontalFlip", "Inter", "Decode")},
        "dataset.transforms": {name: unsupported(f"mindspore.dataset.transforms.{name}") for name in ("TypeCast", "OneHot", "Compose")}, "scipy": {},
        "scipy.linalg": {}, "runtime": {"set_memory": lambda **k: None, "launch_blocking": lambda: None, "synchronize": lambda: None}, "mint": {},
        "hal": {}, "profiler": {"Profiler": Furniture}, "log": _log(), "_checkparam": validator, "utils": {}, "boost": {}, "rewrite": {}, "experimental": {},
        "device_context": {},
        "_c_expression": {"Tensor": tensor.Tensor, "Cell_": cell.Cell}, "version": {}, "experimental.optim": {}, "_extends": {},
    }
    common["dataset.vision.c_transforms"] = common["dataset.vision.transforms"] = common["dataset.vision.py_transforms"] = common["dataset.vision"]
    common["dataset.transforms.c_transforms"] = common["dataset.transforms"]
    root = _module("mindspore", top)
    for name in sorted(common):
        _module(f"mindspore.{name}", dict(common[name]))
    _modules["mindspore.dtype"] = _modules["mindspore.common.dtype"]
    for name, made in sorted(_modules.items()):
        parent, _, last = name.rpartition(".")
        if parent and (last not in vars(_modules[parent]) or vars(_modules[parent])[last] is None or not callable(vars(_modules[parent])[last])):
            setattr(_modules[parent], last, made)
    setattr(_modules["mindspore.common"], "initializer", _modules["mindspore.common.initializer"])
    vars(root)["parameter"] = _modules["mindspore.common.parameter"]
    return _modules
