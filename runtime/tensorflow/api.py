"""The modules that `import tensorflow` finds: names gathered from the rooms of this face."""
from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from .. import ops
from . import (
    array,
    candidates,
    control_flow,
    data,
    distributions,
    dtypes,
    external_optimizer,
    gradients,
    graph,
    images,
    keras,
    layers,
    math,
    nn,
    recurrent,
    session,
    sparse,
    tape,
    tensor_array,
    train,
    variables,
)
from .graph import GraphKeys, convert, get_collection, wrap


class Missing(NotImplementedError, AttributeError):
    """A name that this face does not have; `hasattr` and try/except fallbacks see an AttributeError."""


Missing.__module__, Missing.__qualname__ = "builtins", "NotImplementedError"          # what a traceback calls it

_GONE = {"mul", "sub", "neg", "pack", "unpack", "select", "batch_matmul", "batch_normalization"}


class Module(ModuleType):
    """A module whose missing names say so, with the caller's file and line."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        frame = sys._getframe(1)
        at = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        if self.__name__ in ("tensorflow", "tensorflow.compat.v1") and name in _GONE:
            raise AttributeError(f"module 'tensorflow' has no attribute '{name}' ({at})")
        raise Missing(f"{self.__name__.replace('.compat.v1', '')}.{name} is not in mapper's runtime ({at})")


class Furniture:
    """Something with no meaning here: takes any arguments, has any attribute, is a context manager, and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.update(kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Furniture()
        self.__dict__[name] = made
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Furniture()

    def __enter__(self) -> Furniture:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


def _options(name: str, **values: Any) -> type[Furniture]:
    """Furniture with the constants of a protocol buffer's enumeration."""
    return type(name, (Furniture,), values)


@contextmanager
def _inert(*args: Any, **kwargs: Any) -> Any:
    yield None


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items()
            if not name.startswith("_") and not isinstance(value, ModuleType) and getattr(value, "__module__", module.__name__).startswith(__package__ or "")}


def _initialize(kind: str) -> Any:
    def initializer(name: Any = None) -> Any:
        return variables_initializer(get_collection(kind), name or "init")

    return initializer


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that gives the variables their initial values; a value that is another variable's comes after that one."""
    listed = list(var_list)
    own = {v._read: v.initializer.node for v in listed}
    for v in listed:
        node = v.initializer.node
        waits, pending, seen = [], list(node.inputs), set()
        while pending:
            source = pending.pop()
            if id(source) in seen:
                continue
            seen.add(id(source))
            if source in own and own[source] is not node:
                waits.append(own[source])
                source.control = tuple({id(w): w for w in (*source.control,)}.values())
            pending.extend(source.inputs)
        node.control = tuple(waits)
    return control_flow.group(*[v.initializer for v in listed], name=name)


def set_random_seed(seed: Any) -> None:
    graph.get_default_graph().seed = int(seed)


def is_variable_initialized(variable: Any) -> Any:
    return wrap(ops.state.is_initialized(variable.key), "IsVariableInitialized")


def _assign(method: str) -> Any:
    def assign(ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: Any = None) -> Any:
        return getattr(ref, method)(value, name=name)

    return assign


def _scatter(how: str) -> Any:
    def scatter(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
        at = convert(indices).node

        def compute(old: Any, places: Any, values: Any) -> Any:
            result = old.copy()
            if how == "update":
                result[places] = values
            else:
                getattr(np, how).at(result, places, values)
            return result

        value = convert(updates, ref.dtype).node
        control = graph.get_default_graph().control
        node = ops.state.update(ref.key, [at, value], compute, ref._read.shape, ref._read.dtype, control[-1] if control else ())
        return wrap(node, name or f"Scatter{how.title()}")

    return scatter


def _function(*args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and callable(args[0]) and not kwargs:
        return args[0]
    return lambda f: f



def _test_module() -> Module:
    import unittest

    class Case(unittest.TestCase):
        def session(self, graph: Any = None, **ignored: Any) -> Any:
            return session.Session(graph=graph)

        test_session = cached_session = session

        def evaluate(self, tensors: Any) -> Any:
            return session.default_session("eval").run(tensors)

        def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None) -> None:  # noqa: N802
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol, atol)

        def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

        def assertNear(self, a: float, b: float, err: float, msg: Any = None) -> None:  # noqa: N802
            self.assertTrue(abs(a - b) <= err, msg)

    Case.test_session = Case.cached_session = Case.session  # type: ignore[method-assign]
    return _module("tensorflow.test", {"TestCase": Case, "main": unittest.main, "is_gpu_available": lambda *a, **k: False,
                                       "is_built_with_cuda": lambda: False})


_modules: dict[str, ModuleType] = {}


def _module(name: str, names: dict[str, Any]) -> Module:
    module = Module(name)
    module.__dict__.update(names)
    module.__path__ = []
    _modules[name] = module
    return module


def _app_run(main: Any = None, argv: Any = None) -> None:
    chosen = main or sys.modules["__main__"].main
    sys.exit(chosen(argv if argv is not None else sys.argv))


class _Flags:
    """tf.app.flags: DEFINE_* with defaults, overridden by --name=value on the command line."""

    def __init__(self) -> None:
        self.__dict__["values"] = {}

    def define(self, kind: Any) -> Any:
        def add(name: str, default: Any, help: Any = "", **ignored: Any) -> None:
            value = default
            for argument in sys.argv[1:]:
                key, _, text = argument.lstrip("-").partition("=")
                if key == name:
                    value = kind(text) if kind is not bool else text.lower() not in ("false", "0", "no")
            self.__dict__["values"][name] = value

        return add

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["values"][name] = value


def _flags_module(name: str) -> Module:
    flags = _Flags()
    kinds = {"string": str, "integer": int, "float": float, "bool": bool, "boolean": bool}
    return _module(name, {"FLAGS": flags, **{f"DEFINE_{kind}": flags.define(function) for kind, function in kinds.items()}})


def _logging() -> Module:
    def say(level: str) -> Any:
        return lambda message, *args: sys.stderr.write(f"{level}:tensorflow:{message % args if args else message}\n")

    levels = {"DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
    return _module("tensorflow.logging", {**levels, "set_verbosity": lambda level: None, "get_verbosity": lambda: 30, "info": say("INFO"),
                                          "warn": say("WARNING"), "warning": say("WARNING"), "error": say("ERROR"), "debug": lambda *a: None,
                                          "fatal": say("FATAL"), "log": lambda level, *a: say("LOG")(*a), "vlog": lambda *a: None})


def _math_names() -> dict[str, Any]:
    names = _public(math)
    names.update({"mod": math.floormod, "l2_normalize": nn.l2_normalize, "top_k": array.top_k, "in_top_k": array.in_top_k, "softmax": nn.softmax,
                  "log_softmax": nn.log_softmax, "unsorted_segment_sum": array.segment("UnsortedSegmentSum", ops.segment_sum, True),
                  "add": math.add, "divide": math.truediv, "invert_permutation": array.invert_permutation,
                  "segment_sum": array.segment("SegmentSum", ops.segment_sum, False), "segment_mean": array.segment("SegmentMean", ops.segment_mean, False),
                  "segment_max": array.segment("SegmentMax", ops.segment_max, False), "segment_min": array.segment("SegmentMin", ops.segment_min, False),
                  "segment_prod": array.segment("SegmentProd", ops.segment_prod, False),
                  "unsorted_segment_mean": array.segment("UnsortedSegmentMean", ops.segment_mean, True),
                  "unsorted_segment_max": array.segment("UnsortedSegmentMax", ops.segment_max, True),
                  "unsorted_segment_min": array.segment("UnsortedSegmentMin", ops.segment_min, True),
                  "unsorted_segment_prod": array.segment("UnsortedSegmentProd", ops.segment_prod, True)})
    return names


def _nn_names() -> dict[str, Any]:
    names = {name: value for name, value in _public(nn).items() if not name.startswith("random_")}
    for name in ("tanh", "sigmoid", "softplus", "softsign"):
        names[name] = getattr(math, name)
    names.update({"embedding_lookup": array.embedding_lookup, "top_k": array.top_k, "in_top_k": array.in_top_k, "dynamic_rnn": recurrent.dynamic_rnn,
                  "static_rnn": recurrent.static_rnn, "bidirectional_dynamic_rnn": recurrent.bidirectional_dynamic_rnn,
                  "static_bidirectional_rnn": recurrent.static_bidirectional_rnn, "zero_fraction": lambda value, name=None: math.reduce_mean(math.cast(math.equal(value, 0), "float32")),
                  "max_pool2d": nn.max_pool, "avg_pool2d": nn.avg_pool, "local_response_normalization": nn.lrn, "silu": nn.swish,
                  "sampled_softmax_loss": candidates.sampled_softmax_loss, "nce_loss": candidates.nce_loss,
                  "log_uniform_candidate_sampler": candidates.log_uniform_candidate_sampler,
                  "convolution": lambda input, filter, padding, strides=(1, 1), **k: nn.conv2d(input, filter, strides, padding),
                  "conv2d_backprop_input": lambda input_sizes, filter, out_backprop, strides, padding, **k: nn.conv2d_transpose(
                      out_backprop, filter, input_sizes, strides, padding),
                  "log_sigmoid": math.log_sigmoid, "rnn_cell": _rnn_cells()})
    return names


def _rnn_cells() -> Module:
    names = {name: getattr(recurrent, name) for name in ("RNNCell", "BasicRNNCell", "GRUCell", "BasicLSTMCell", "LSTMCell", "MultiRNNCell", "LSTMStateTuple",
                                                        "DropoutWrapper", "ResidualWrapper")}
    return _module("tensorflow.nn.rnn_cell", names)


def _initializers() -> dict[str, Any]:
    v = variables
    return {"zeros_initializer": v.Zeros, "ones_initializer": v.Ones, "constant_initializer": v.Constant, "random_uniform_initializer": v.RandomUniform,
            "random_normal_initializer": v.RandomNormal, "truncated_normal_initializer": v.TruncatedNormal,
            "variance_scaling_initializer": v.VarianceScaling, "glorot_uniform_initializer": v.GlorotUniform,
            "glorot_normal_initializer": v.GlorotNormal, "orthogonal_initializer": v.Orthogonal, "uniform_unit_scaling_initializer": v.VarianceScaling}


_CHECKS = ("equal", "greater", "greater_equal", "less", "less_equal", "positive", "negative", "non_negative", "non_positive", "rank", "rank_at_least",
           "integer", "type", "none_equal", "near", "rank_in")


def _top_names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    names.update({name: value for name, value in _math_names().items() if name not in ("operands", "binary", "unary", "reduction", "arg", "softmax", "l2_normalize",
                                                                                        "log_softmax", "top_k", "in_top_k")})
    names.update(_public(array))
    for private in ("builtin_range", "segment", "tensor_scatter", "top_k", "in_top_k", "slice_", "getitem", "operands"):
        names.pop(private, None)
    names.update({name: getattr(control_flow, name) for name in ("cond", "case", "while_loop", "map_fn", "scan", "foldl", "foldr", "group", "no_op",
                                                                  "py_func", "Print")})
    names.update({name: getattr(graph, name) for name in ("Graph", "Operation", "Tensor", "IndexedSlices", "GraphKeys", "get_default_graph",
                                                           "reset_default_graph", "name_scope", "control_dependencies", "get_collection", "add_to_collection")})
    names.update({name: getattr(gradients, name) for name in ("gradients", "hessians", "custom_gradient", "RegisterGradient", "NoGradient",
                                                               "UnconnectedGradients", "AggregationMethod")})
    names.update({name: getattr(variables, name) for name in ("Variable", "VariableScope", "AUTO_REUSE", "get_variable", "get_variable_scope", "variable_scope")})
    names.update({name: getattr(session, name) for name in ("Session", "InteractiveSession", "get_default_session")})
    names.update({name: getattr(nn, name) for name in ("clip_by_global_norm", "clip_by_norm", "clip_by_average_norm", "global_norm", "random_uniform", "random_normal",
                                                        "truncated_normal", "random_gamma", "random_shuffle", "multinomial", "space_to_depth", "depth_to_space")})
    names.update({name: dtype for name, dtype in dtypes.DTYPES.items() if name not in ("bool",)})
    names.update(_initializers())
    names.update(bool=dtypes.DTYPES["bool"], double=dtypes.DTYPES["float64"], half=dtypes.DTYPES["float16"], string=dtypes.DTYPES["string"],
                 DType=dtypes.DType, as_dtype=dtypes.as_dtype, TensorShape=dtypes.TensorShape, Dimension=dtypes.Dimension, mod=math.floormod,
                 slice=array.slice_, TensorArray=tensor_array.TensorArray, make_template=variables.make_template, tuple=control_flow.tuple_, newaxis=None, variable_op_scope=variables.variable_scope, op_scope=graph.name_scope,
                 assign=_assign("assign"), assign_add=_assign("assign_add"), assign_sub=_assign("assign_sub"), scatter_update=_scatter("update"),
                 scatter_add=_scatter("add"), scatter_sub=_scatter("subtract"), scatter_nd_update=_scatter("update"), diag=array.diag, diag_part=array.diag_part,
                 matrix_diag=array.diag, matrix_diag_part=array.diag_part, lin_space=array.linspace, set_random_seed=set_random_seed,
                 tensor_scatter_nd_update=array.tensor_scatter("update"), tensor_scatter_nd_add=array.tensor_scatter("add"),
                 tensor_scatter_update=array.tensor_scatter("update"), tensor_scatter_add=array.tensor_scatter("add"),
                 variables_initializer=variables_initializer, initialize_variables=variables_initializer, global_variables_initializer=_initialize(GraphKeys.GLOBAL_VARIABLES),
                 initialize_all_variables=_initialize(GraphKeys.GLOBAL_VARIABLES), local_variables_initializer=_initialize(GraphKeys.LOCAL_VARIABLES),
                 tables_initializer=lambda name=None: control_flow.no_op(name), is_variable_initialized=is_variable_initialized,
                 trainable_variables=lambda scope=None: get_collection(GraphKeys.TRAINABLE_VARIABLES, scope),
                 global_variables=lambda scope=None: get_collection(GraphKeys.GLOBAL_VARIABLES, scope),
                 all_variables=lambda: get_collection(GraphKeys.GLOBAL_VARIABLES), local_variables=lambda scope=None: get_collection(GraphKeys.LOCAL_VARIABLES, scope),
                 get_collection_ref=lambda key: graph.get_default_graph().get_collection_ref(key), device=_inert, colocate_with=_inert,
                 function=_function, ConfigProto=Furniture, GPUOptions=Furniture,
                 OptimizerOptions=_options("OptimizerOptions", L0=-1, L1=0, DEFAULT=0, OFF=-1, ON_1=1, ON_2=2), GraphOptions=Furniture,
                 RunOptions=_options("RunOptions", NO_TRACE=0, SOFTWARE_TRACE=1, HARDWARE_TRACE=2, FULL_TRACE=3), RunMetadata=Furniture,
                 GradientTape=tape.GradientTape, SparseTensor=sparse.SparseTensor, sparse_tensor_dense_matmul=sparse.sparse_tensor_dense_matmul,
                 sparse_tensor_to_dense=sparse.sparse_tensor_to_dense, sparse_reduce_sum=sparse.sparse_reduce_sum, sparse_transpose=sparse.sparse_transpose,
                 disable_v2_behavior=lambda: None, disable_eager_execution=lambda: None, enable_resource_variables=lambda: None, disable_resource_variables=lambda: None,
                 disable_control_flow_v2=lambda: None, enable_control_flow_v2=lambda: None, executing_eagerly=lambda: False, eager=None,
                 no_gradient=gradients.NoGradient, NotDifferentiable=gradients.NoGradient, is_tensor=lambda x: isinstance(x, (graph.Tensor, variables.Variable)),
                 print=lambda *a, **k: control_flow.no_op(), __version__="1.15.0", VERSION="1.15.0", unsorted_segment_sum=array.segment("UnsortedSegmentSum", ops.segment_sum, True),
                 AttrValue=Furniture, GraphDef=Furniture, **{f"assert_{what}": lambda *a, **k: control_flow.no_op() for what in _CHECKS}, VariableAggregation=Furniture(),
                 Assert=lambda condition, data, summarize=None, name=None: control_flow.no_op(),
                 check_numerics=lambda tensor, message, name=None: convert(tensor), verify_tensor_all_finite=lambda t, msg=None, name=None, **k: convert(t),
                 add_check_numerics_ops=lambda: control_flow.no_op(), matrix_solve_ls=None)
    for absent in ("eager", "matrix_solve_ls"):
        names.pop(absent)
    return names


def modules() -> dict[str, ModuleType]:
    """Every importable module of the TensorFlow face, by its dotted name."""
    if _modules:
        return _modules
    top = _top_names()
    optimizers = {name: value for name, value in _public(train).items() if name[0].isupper()}
    schedules = {name: value for name, value in _public(train).items() if name[0].islower()}
    furniture = {"Coordinator": train.Coordinator, "QueueRunner": Furniture, "SessionRunHook": Furniture, "Checkpoint": Furniture, "write_graph": lambda *a, **k: None,
                 "add_queue_runner": lambda *a, **k: None}
    subs: dict[str, dict[str, Any]] = {
        "nn": _nn_names(), "train": {**optimizers, **schedules, **furniture}, "math": _math_names(), "layers": {
            name: getattr(layers, name) for name in ("dense", "conv1d", "conv2d", "conv2d_transpose", "max_pooling2d", "average_pooling2d", "flatten", "dropout", "batch_normalization")},
        "losses": {name: getattr(nn, name) for name in ("mean_squared_error", "absolute_difference", "huber_loss", "log_loss", "hinge_loss", "softmax_cross_entropy",
                                                         "sparse_softmax_cross_entropy", "sigmoid_cross_entropy", "cosine_distance", "get_losses", "get_total_loss",
                                                         "get_regularization_losses", "get_regularization_loss", "compute_weighted_loss", "Reduction")}
        | {"add_loss": lambda loss, loss_collection=GraphKeys.LOSSES: graph.add_to_collection(loss_collection, loss)},
        "initializers": {name.replace("_initializer", ""): value for name, value in _initializers().items()}
        | {"global_variables": top["global_variables_initializer"], "he_normal": variables.he_normal, "he_uniform": variables.he_uniform, "identity": variables.IdentityInitializer},
        "linalg": {name: getattr(math, name) for name in ("matmul", "norm", "cholesky", "slogdet", "logdet", "svd", "qr", "trace", "einsum", "tensordot", "cross", "matvec")}
        | {"det": math.matrix_determinant, "inv": math.matrix_inverse, "solve": math.matrix_solve, "triangular_solve": math.matrix_triangular_solve, "eigh": math.self_adjoint_eig,
           "eigvalsh": math.self_adjoint_eigvals, "band_part": array.matrix_band_part, "diag": array.diag, "diag_part": array.diag_part, "eye": array.eye,
           "transpose": array.matrix_transpose, "cholesky_solve": math.cholesky_solve, "l2_normalize": nn.l2_normalize, "global_norm": nn.global_norm,
           "tensor_diag": array.diag, "tensor_diag_part": array.diag_part},
        "random": {"uniform": nn.random_uniform, "normal": nn.random_normal, "truncated_normal": nn.truncated_normal, "set_random_seed": set_random_seed, "shuffle": nn.random_shuffle,
                   "gamma": nn.random_gamma, "multinomial": nn.multinomial, "categorical": lambda logits, num_samples, dtype=None, seed=None, name=None: nn.multinomial(
                       logits, num_samples, seed, name, dtype)},
        "errors": {"InvalidArgumentError": graph.InvalidArgumentError, "FailedPreconditionError": graph.FailedPreconditionError, "OutOfRangeError": graph.OutOfRangeError,
                   "OperatorNotAllowedInGraphError": graph.OperatorNotAllowedInGraphError},
        "summary": {name: (lambda *a, **k: control_flow.no_op()) for name in ("scalar", "histogram", "image", "text", "audio", "merge", "merge_all")} | {
            "FileWriter": Furniture, "Summary": Furniture},
        "strings": {}, "gfile": {"Exists": lambda path: __import__("os").path.exists(path), "MakeDirs": lambda path: __import__("os").makedirs(path, exist_ok=True),
                                  "Open": open, "GFile": open, "FastGFile": open, "IsDirectory": lambda path: __import__("os").path.isdir(path)},
        "nest": {"flatten": control_flow.flatten, "pack_sequence_as": control_flow.pack_sequence_as, "map_structure": control_flow.map_structure},
        "compat": {"as_bytes": lambda s: s if isinstance(s, bytes) else s.encode(), "as_str": lambda s: s if isinstance(s, str) else s.decode(),
                   "as_text": lambda s: s if isinstance(s, str) else s.decode(), "as_str_any": str},
        "manip": {"roll": array.roll}, "sets": {}, "bitwise": {}, "debugging": {"check_numerics": top["check_numerics"],
                                                                                   **{f"assert_{what}": top[f"assert_{what}"] for what in _CHECKS}},
        "distributions": _distributions(), "data": {"Dataset": data.Dataset, "Iterator": data.DatasetIterator}, "config": {},
        "estimator": {"ModeKeys": _options("ModeKeys", TRAIN="train", EVAL="eval", PREDICT="infer")},
        "sparse": {"SparseTensor": sparse.SparseTensor, "to_dense": sparse.sparse_tensor_to_dense, "sparse_dense_matmul": sparse.sparse_tensor_dense_matmul,
                   "matmul": sparse.sparse_tensor_dense_matmul, "reduce_sum": sparse.sparse_reduce_sum, "transpose": sparse.sparse_transpose},
        "image": _public(images),
    }
    subs["layers"].update({name: getattr(keras, name) for name in ("Dense", "Conv2D", "Conv2DTranspose", "BatchNormalization", "Dropout", "Flatten", "MaxPooling2D",
                                                                   "AveragePooling2D", "Layer")})
    made = {name: _module(f"tensorflow.{name}", names) for name, names in subs.items()}
    made["test"], made["logging"] = _test_module(), _logging()
    made["app"] = _module("tensorflow.app", {"run": _app_run})
    made["flags"] = _flags_module("tensorflow.flags")
    _modules["tensorflow.app.flags"] = made["flags"]
    setattr(made["app"], "flags", made["flags"])
    made["contrib"] = _contrib()
    made["keras"] = _keras()
    root = _module("tensorflow", {**top, **made})
    v1 = _module("tensorflow.compat.v1", {**top, **made})
    setattr(made["compat"], "v1", v1)
    for name, module in made.items():
        _modules[f"tensorflow.compat.v1.{name}"] = module
    _python_modules(root)
    return _modules


def _distributions() -> dict[str, Any]:
    return {name: getattr(distributions, name) for name in ("Distribution", "Normal", "MultivariateNormalDiag", "Laplace", "Uniform", "Bernoulli", "Categorical",
                                                           "kl_divergence")}


def _keras() -> Module:
    parts = keras.modules()
    made = _module("tensorflow.keras", parts.pop(""))
    for name, names in parts.items():
        setattr(made, name, _module(f"tensorflow.keras.{name}", names))
    return made


def _contrib() -> Module:
    initial = {"xavier_initializer": variables.xavier_initializer, "xavier_initializer_conv2d": variables.xavier_initializer,
               "variance_scaling_initializer": lambda factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=None: variables.VarianceScaling(
                   factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)}
    contrib_layers = _module("tensorflow.contrib.layers", {**initial, "fully_connected": layers.fully_connected, "linear": lambda *a, **k: layers.fully_connected(
        *a, **{"activation_fn": None, **k}), "flatten": layers.flatten, "l2_regularizer": layers.l2_regularizer, "l1_regularizer": layers.l1_regularizer,
        "batch_norm": layers.batch_normalization})
    rnn = _module("tensorflow.contrib.rnn", {**vars(_rnn_cells()), "static_rnn": recurrent.static_rnn, "static_bidirectional_rnn": recurrent.static_bidirectional_rnn})
    framework = _module("tensorflow.contrib.framework", {"nest": SimpleNamespace(flatten=control_flow.flatten, pack_sequence_as=control_flow.pack_sequence_as,
                                                                                map_structure=control_flow.map_structure),
                                                         "get_variables": lambda scope=None, **k: get_collection(GraphKeys.GLOBAL_VARIABLES, scope)})
    opt = _module("tensorflow.contrib.opt", {"ScipyOptimizerInterface": external_optimizer.ScipyOptimizerInterface})
    editor = _module("tensorflow.contrib.graph_editor", {"filter_ops": _filter_ops, "filter_ops_from_regex": _filter_ops_from_regex})
    return _module("tensorflow.contrib", {"layers": contrib_layers, "rnn": rnn, "framework": framework, "opt": opt, "graph_editor": editor,
                                             "distributions": _module("tensorflow.contrib.distributions", _distributions())})


def _filter_ops(ops: Any, positive_filter: Any = None) -> list[Any]:
    """The operations of a list or of a graph that a predicate accepts."""
    listed = ops.get_operations() if isinstance(ops, graph.Graph) else ops if isinstance(ops, (list, tuple)) else [ops]
    return [op for op in listed if positive_filter is None or positive_filter(op)]


def _filter_ops_from_regex(ops: Any, regex: Any) -> list[Any]:
    return _filter_ops(ops, lambda op: re.search(regex, op.name))


def _python_modules(root: Module) -> None:
    """tensorflow.python…: internal paths that programs import from; each offers every public name."""
    names = {**vars(root), "gradients": gradients.gradients, "flatten": control_flow.flatten, "with_dependencies": control_flow.with_dependencies}
    python = _module("tensorflow.python", names)
    inner = {"ops": ("gradients_impl", "gradients", "math_ops", "array_ops", "nn_ops", "control_flow_ops", "variables", "variable_scope", "init_ops", "state_ops", "random_ops",
                     "linalg_ops", "clip_ops", "gen_math_ops", "gen_array_ops", "nn", "gradients_util"),
             "framework": ("ops", "dtypes", "constant_op", "tensor_shape", "tensor_util", "errors"), "client": ("session",), "util": ("nest",),
             "platform": ("tf_logging", "test"), "training": ("optimizer", "training", "adam", "gradient_descent", "moving_averages")}
    for package, members in inner.items():
        parent = _module(f"tensorflow.python.{package}", dict(names))
        setattr(python, package, parent)
        for member in members:
            child = _module(f"tensorflow.python.{package}.{member}", dict(names))
            setattr(parent, member, child)
    setattr(root, "python", python)
    parts = _modules["tensorflow.python.util.nest"].__dict__
    parts.update(pack_sequence_as=control_flow.pack_sequence_as, map_structure=control_flow.map_structure)
    function = _module("tensorflow.python.framework.function", {**names, "Defun": tape.Defun})
    setattr(_modules["tensorflow.python.framework"], "function", function)
    enums = _options("RewriterConfig", DEFAULT=0, ON=1, OFF=2, AGGRESSIVE=3)
    protobuf = _module("tensorflow.core.protobuf", {
        "rewriter_config_pb2": _module("tensorflow.core.protobuf.rewriter_config_pb2", {"RewriterConfig": enums}),
        "config_pb2": _module("tensorflow.core.protobuf.config_pb2", {name: names[name] for name in (
            "ConfigProto", "GPUOptions", "OptimizerOptions", "GraphOptions", "RunOptions", "RunMetadata")})})
    setattr(root, "core", _module("tensorflow.core", {"protobuf": protobuf}))
    _modules["tensorflow.python.framework.ops"].__dict__["convert_to_tensor"] = array.convert_to_tensor
