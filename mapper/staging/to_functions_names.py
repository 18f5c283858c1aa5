"""What each TensorFlow name becomes in MindSpore code whose tensors wait for `run`.

`ops.x` is an operation of MindSpore with one input; other texts are definitions of the deferred library, which take
TensorFlow's arguments, or expressions."""
from __future__ import annotations

_UNARY = """abs exp log sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc log1p expm1 floor ceil
sign reciprocal digamma lgamma round rint"""

_SAME = """gradients hessians stop_gradient placeholder placeholder_with_default constant convert_to_tensor identity Variable get_variable
variable_scope get_variable_scope trainable_variables global_variables get_collection get_collection_ref add_to_collection GraphKeys AUTO_REUSE
assign assign_add assign_sub scatter_sub scatter_add scatter_update group no_op control_dependencies Session Graph
get_default_graph reset_default_graph get_default_session global_variables_initializer variables_initializer
constant_initializer zeros_initializer ones_initializer random_normal_initializer truncated_normal_initializer
random_uniform_initializer glorot_uniform_initializer glorot_normal_initializer variance_scaling_initializer
UnconnectedGradients AggregationMethod IndexedSlices Operation clip_by_value clip_by_global_norm clip_by_norm global_norm cond while_loop
map_fn scan foldl foldr case custom_gradient py_func square maximum minimum squared_difference div div_no_nan add_n equal
not_equal logical_xor cast to_float to_double to_int32 to_int64 where reduce_sum reduce_mean reduce_prod reduce_max
reduce_min reduce_all reduce_any reduce_logsumexp cumsum cumprod argmax argmin norm reshape expand_dims squeeze transpose
concat stack unstack split tile pad zeros ones fill zeros_like ones_like linspace eye diag diag_part matrix_diag trace
matrix_band_part meshgrid broadcast_to reverse gather gather_nd strided_slice one_hot boolean_mask scatter_nd segment_sum segment_mean
unsorted_segment_sum sequence_mask matmul tensordot einsum matrix_inverse matrix_determinant matrix_solve cholesky
random_normal truncated_normal random_uniform set_random_seed random_shuffle multinomial name_scope device"""

_OTHER = {
    "tf.add": "plus", "tf.subtract": "minus", "tf.multiply": "times", "tf.divide": "over", "tf.realdiv": "over", "tf.truediv": "over",
    "tf.floordiv": "floor_over", "tf.floor_div": "floor_over", "tf.mod": "modulo", "tf.floormod": "modulo", "tf.pow": "raised",
    "tf.mul": "times", "tf.sub": "minus", "tf.negative": "negated", "tf.neg": "negated", "tf.less": "less_than",
    "tf.less_equal": "at_most", "tf.greater": "more_than", "tf.greater_equal": "at_least", "tf.logical_and": "both_true",
    "tf.logical_or": "either_true", "tf.logical_not": "not_true", "tf.is_nan": "ops.isnan", "tf.is_inf": "ops.isinf",
    "tf.is_finite": "ops.isfinite", "tf.range": "arange", "tf.shape": "shape_of", "tf.size": "size_of", "tf.rank": "rank_of",
    "tf.slice": "slice_of", "tf.tuple": "tuple_of", "tf.pack": "stack", "tf.unpack": "unstack", "tf.batch_matmul": "matmul",
    "tf.initialize_all_variables": "global_variables_initializer", "tf.all_variables": "global_variables",
    "tf.InteractiveSession": "InteractiveSession", "tf.initialize_variables": "variables_initializer", "tf.select": "where",
    "tf.lin_space": "linspace", "tf.arg_max": "argmax", "tf.arg_min": "argmin", "tf.Tensor": "Deferred", "tf.matrix_diag_part": "diag_part",
    "tf.tensor_diag": "diag", "tf.inv": "ops.reciprocal", "tf.Print": "print_when_run", "tf.matrix_transpose": "matrix_transposed",
    "tf.VariableScope": "variable_scope", "tf.local_variables_initializer": "no_op", "tf.stop_gradients": "stop_gradient",
    "tf.train.GradientDescentOptimizer": "GradientDescentOptimizer", "tf.train.MomentumOptimizer": "MomentumOptimizer",
    "tf.train.AdamOptimizer": "AdamOptimizer", "tf.train.RMSPropOptimizer": "RMSPropOptimizer",
    "tf.train.AdagradOptimizer": "AdagradOptimizer", "tf.train.exponential_decay": "exponential_decay", "tf.train.Optimizer": "Optimizer",
    "tf.train.ExponentialMovingAverage": "ExponentialMovingAverage", "tf.train.Saver": "Saver", "tf.train.SaverDef": "Saver",
    "tf.train.get_or_create_global_step": "get_or_create_global_step", "tf.train.create_global_step": "get_or_create_global_step",
    "tf.train.get_global_step": "get_or_create_global_step",
    "tf.train.AdadeltaOptimizer": "AdadeltaOptimizer", "tf.train.FtrlOptimizer": "FtrlOptimizer",
    "tf.nn.relu": "ops.relu", "tf.nn.elu": "elu", "tf.nn.relu6": "relu6", "tf.nn.leaky_relu": "leaky_relu", "tf.nn.selu": "selu",
    "tf.nn.softplus": "softplus", "tf.nn.softsign": "softsign", "tf.nn.softmax": "softmax", "tf.nn.log_softmax": "log_softmax",
    "tf.softplus": "softplus",
    "tf.nn.bias_add": "bias_add", "tf.nn.l2_loss": "l2_loss", "tf.nn.l2_normalize": "l2_normalize", "tf.nn.moments": "moments",
    "tf.nn.xw_plus_b": "xw_plus_b", "tf.nn.relu_layer": "relu_layer", "tf.nn.conv2d": "conv2d", "tf.nn.max_pool": "max_pool",
    "tf.nn.avg_pool": "avg_pool", "tf.nn.max_pool2d": "max_pool", "tf.nn.avg_pool2d": "avg_pool", "tf.nn.dropout": "dropout",
    "tf.nn.embedding_lookup": "embedding_lookup", "tf.nn.top_k": "top_k", "tf.nn.batch_normalization": "batch_normalization",
    "tf.nn.softmax_cross_entropy_with_logits": "softmax_cross_entropy_with_logits",
    "tf.nn.softmax_cross_entropy_with_logits_v2": "softmax_cross_entropy_with_logits_v2",
    "tf.nn.sparse_softmax_cross_entropy_with_logits": "sparse_softmax_cross_entropy_with_logits",
    "tf.nn.sigmoid_cross_entropy_with_logits": "sigmoid_cross_entropy_with_logits",
    "tf.nn.weighted_cross_entropy_with_logits": "weighted_cross_entropy_with_logits", "tf.nn.zero_fraction": "zero_fraction",
    "tf.losses.mean_squared_error": "mean_squared_error", "tf.losses.absolute_difference": "absolute_difference",
    "tf.losses.softmax_cross_entropy": "losses_softmax_cross_entropy", "tf.losses.huber_loss": "huber_loss",
    "tf.losses.sparse_softmax_cross_entropy": "losses_sparse_softmax_cross_entropy", "tf.losses.log_loss": "log_loss",
    "tf.losses.sigmoid_cross_entropy": "losses_sigmoid_cross_entropy", "tf.losses.get_losses": "get_losses",
    "tf.losses.get_regularization_losses": "get_regularization_losses", "tf.losses.get_total_loss": "get_total_loss",
    "tf.losses.get_regularization_loss": "get_regularization_loss",
    "tf.layers.dense": "dense", "tf.layers.conv2d": "layers_conv2d", "tf.layers.max_pooling2d": "max_pooling2d",
    "tf.layers.conv2d_transpose": "layers_conv2d_transpose",
    "tf.layers.average_pooling2d": "average_pooling2d", "tf.layers.flatten": "flattened", "tf.layers.dropout": "layers_dropout",
    "tf.contrib.layers.flatten": "flattened", "tf.contrib.layers.fully_connected": "fully_connected",
    "tf.contrib.layers.xavier_initializer": "xavier_initializer", "tf.contrib.layers.xavier_initializer_conv2d": "xavier_initializer",
    "tf.contrib.layers.variance_scaling_initializer": "contrib_variance_scaling_initializer",
    "tf.contrib.layers.l2_regularizer": "l2_regularizer", "tf.contrib.layers.l1_regularizer": "l1_regularizer",
    "tf.keras.initializers.he_normal": "he_normal", "tf.keras.initializers.he_uniform": "he_uniform",
    "tf.initializers.he_normal": "he_normal", "tf.initializers.he_uniform": "he_uniform",
    "tf.keras.initializers.glorot_uniform": "glorot_uniform_initializer", "tf.keras.initializers.glorot_normal": "glorot_normal_initializer",
    "tf.initializers.constant": "constant_initializer", "tf.initializers.zeros": "zeros_initializer",
    "tf.initializers.ones": "ones_initializer", "tf.initializers.random_normal": "random_normal_initializer",
    "tf.initializers.random_uniform": "random_uniform_initializer", "tf.initializers.variance_scaling": "variance_scaling_initializer",
    "tf.initializers.truncated_normal": "truncated_normal_initializer", "tf.keras.regularizers.l2": "keras_l2",
    "tf.random.normal": "random_normal", "tf.random.uniform": "random_uniform", "tf.random.truncated_normal": "truncated_normal",
    "tf.random.shuffle": "random_shuffle", "tf.random.categorical": "multinomial", "tf.random.multinomial": "multinomial",
    "tf.random.set_random_seed": "set_random_seed", "tf.linalg.trace": "trace", "tf.linalg.cholesky": "cholesky",
    "tf.linalg.inv": "matrix_inverse", "tf.linalg.det": "matrix_determinant", "tf.linalg.solve": "matrix_solve",
    "tf.linalg.diag": "matrix_diag", "tf.linalg.diag_part": "diag_part", "tf.linalg.tensor_diag": "diag", "tf.linalg.eye": "eye",
    "tf.linalg.norm": "norm", "tf.linalg.matmul": "matmul", "tf.linalg.transpose": "matrix_transposed",
    "tf.linalg.band_part": "matrix_band_part", "tf.linalg.matvec": "matvec", "tf.linalg.tensordot": "tensordot",
    "tf.linalg.einsum": "einsum", "tf.linalg.l2_normalize": "l2_normalize", "tf.summary.merge_all": "no_summaries",
    "tf.summary.merge": "no_merged_summary",
    "tf.ConfigProto": "Settings", "tf.GPUOptions": "Settings", "tf.RunOptions": "Settings", "tf.RunMetadata": "Settings",
    "tf.GraphOptions": "Settings", "tf.OptimizerOptions": "Settings", "tf.summary.FileWriter": "Settings",
    **{f"tf.OptimizerOptions.{name}": "None" for name in ("L0", "L1", "OFF", "ON_1", "ON_2", "DEFAULT")},
    **{f"tf.RunOptions.{name}": "None" for name in ("NO_TRACE", "SOFTWARE_TRACE", "HARDWARE_TRACE", "FULL_TRACE")},
    "tf.train.Coordinator": "Coordinator", "tf.summary.scalar": "no_summary", "tf.summary.histogram": "no_summary",
    "tf.summary.image": "no_summary", "tf.AUTO_REUSE": "AUTO_REUSE", "tf.newaxis": "None", "tf.__version__": "ms.__version__", "tf.VERSION": "ms.__version__",
    "tf.math.reduce_variance": "reduce_variance", "tf.math.reduce_std": "reduce_std", "tf.nn.tanh": "ops.tanh",
    "tf.nn.sigmoid": "ops.sigmoid", "tf.nn.conv2d_transpose": "conv2d_transpose", "tf.accumulate_n": "add_n",
    "tf.nn.rnn_cell.BasicRNNCell": "BasicRNNCell", "tf.nn.rnn_cell.GRUCell": "GRUCell", "tf.nn.rnn_cell.BasicLSTMCell": "BasicLSTMCell",
    "tf.nn.rnn_cell.LSTMCell": "LSTMCell", "tf.nn.rnn_cell.MultiRNNCell": "MultiRNNCell", "tf.nn.rnn_cell.DropoutWrapper": "DropoutWrapper",
    "tf.nn.rnn_cell.LSTMStateTuple": "LSTMStateTuple", "tf.nn.rnn_cell.RNNCell": "RNNCell",
    "tf.contrib.rnn.BasicRNNCell": "BasicRNNCell", "tf.contrib.rnn.GRUCell": "GRUCell", "tf.contrib.rnn.BasicLSTMCell": "BasicLSTMCell",
    "tf.contrib.rnn.LSTMCell": "LSTMCell", "tf.contrib.rnn.MultiRNNCell": "MultiRNNCell", "tf.contrib.rnn.DropoutWrapper": "DropoutWrapper",
    "tf.contrib.rnn.LSTMStateTuple": "LSTMStateTuple", "tf.contrib.rnn.static_rnn": "static_rnn", "tf.nn.static_rnn": "static_rnn",
    "tf.nn.dynamic_rnn": "dynamic_rnn", "tf.layers.batch_normalization": "layers_batch_normalization", "tf.layers.Dense": "Dense",
    "tf.keras.layers.Dense": "Dense", "tf.depth_to_space": "depth_to_space", "tf.nn.depth_to_space": "depth_to_space",
    "tf.nn.conv1d": "conv1d", "tf.sort": "sort", "tf.argsort": "argsort", "tf.contrib.framework.sort": "sort",
    "tf.distributions.Normal": "Normal", "tf.contrib.distributions.Normal": "Normal", "tf.distributions.Categorical": "Categorical",
    "tf.contrib.distributions.Categorical": "Categorical", "tf.distributions.kl_divergence": "kl_divergence",
    "tf.contrib.distributions.kl_divergence": "kl_divergence", "tf.flags.FLAGS": "FLAGS", "tf.flags.DEFINE_string": "define_string",
    "tf.flags.DEFINE_integer": "define_integer", "tf.flags.DEFINE_float": "define_float", "tf.flags.DEFINE_boolean": "define_boolean",
    "tf.flags.DEFINE_bool": "define_boolean", "tf.flags.DEFINE_enum": "define_string", "tf.app.run": "run_main", "tf.app.flags.FLAGS": "FLAGS",
    "tf.app.flags.DEFINE_string": "define_string", "tf.app.flags.DEFINE_integer": "define_integer",
    "tf.app.flags.DEFINE_float": "define_float", "tf.app.flags.DEFINE_boolean": "define_boolean", "tf.app.flags.DEFINE_bool": "define_boolean",
    "tf.contrib.opt.ScipyOptimizerInterface": "ScipyOptimizerInterface", "tf.nest.flatten": "flattened_nest",
    "tf.nest.pack_sequence_as": "packed_nest", "tf.contrib.framework.nest.flatten": "flattened_nest", "tf.as_dtype": "dtype_of",
    "tf.TensorShape": "Shape", "tf.gfile.Open": "open", "tf.gfile.GFile": "open", "tf.gfile.FastGFile": "open", "tf.gfile.Exists": "os.path.exists",
    "tf.gfile.MakeDirs": "os.makedirs", "tf.gfile.Glob": "glob.glob", "tf.errors.OutOfRangeError": "StopIteration",
    "tf.errors.InvalidArgumentError": "ValueError", "tf.errors.NotFoundError": "FileNotFoundError",
    "tf.assert_less": "no_check", "tf.assert_less_equal": "no_check", "tf.assert_greater": "no_check", "tf.assert_greater_equal": "no_check",
    "tf.assert_positive": "no_check", "tf.assert_non_negative": "no_check", "tf.assert_rank": "no_check", "tf.assert_type": "no_check",
    "tf.train.SessionRunHook": "Settings", "tf.train.ClusterSpec": "Settings",
    "tf.assert_equal": "no_check", "tf.Assert": "no_check", "tf.verify_tensor_all_finite": "first_of", "tf.check_numerics": "first_of",
    "tf.test.is_gpu_available": "never", "tf.is_variable_initialized": "always_true", "tf.report_uninitialized_variables": "no_op",
}
_OTHER.update({name: text for text, names in {
    "polynomial_decay": "tf.train.polynomial_decay", "cosine_decay": "tf.train.cosine_decay", "inverse_time_decay": "tf.train.inverse_time_decay",
    "natural_exp_decay": "tf.train.natural_exp_decay", "piecewise_constant": "tf.train.piecewise_constant tf.train.piecewise_constant_decay",
    "matrix_triangular_solve": "tf.matrix_triangular_solve tf.linalg.triangular_solve", "slogdet": "tf.slogdet tf.linalg.slogdet",
    "cholesky_solve": "tf.cholesky_solve tf.linalg.cholesky_solve", "logdet": "tf.logdet tf.linalg.logdet", "cross": "tf.cross tf.linalg.cross",
    "log_sigmoid": "tf.log_sigmoid tf.nn.log_sigmoid", "swish": "tf.nn.swish tf.nn.silu", "gelu": "tf.nn.gelu", "crelu": "tf.nn.crelu",
    "softsign": "tf.softsign", "atan2": "tf.atan2", "xlogy": "tf.xlogy", "xdivy": "tf.xdivy", "count_nonzero": "tf.count_nonzero",
    "roll": "tf.roll tf.manip.roll", "saturate_cast": "tf.saturate_cast", "ensure_shape": "tf.ensure_shape", "matvec": "tf.matvec tf.linalg.matvec",
    "SparseTensor": "tf.SparseTensor tf.sparse.SparseTensor", "SparseTensorValue": "tf.SparseTensorValue tf.compat.v1.SparseTensorValue",
    "sparse_placeholder": "tf.sparse_placeholder tf.sparse.placeholder",
    "sparse_tensor_dense_matmul": "tf.sparse_tensor_dense_matmul tf.sparse.sparse_dense_matmul tf.sparse.matmul",
    "sparse_tensor_to_dense": "tf.sparse_tensor_to_dense tf.sparse.to_dense", "sparse_reduce_sum": "tf.sparse_reduce_sum tf.sparse.reduce_sum",
    "sparse_transpose": "tf.sparse_transpose tf.sparse.transpose", "segment_max": "tf.segment_max", "segment_min": "tf.segment_min",
    "segment_prod": "tf.segment_prod", "unsorted_segment_mean": "tf.unsorted_segment_mean", "unsorted_segment_max": "tf.unsorted_segment_max",
    "dynamic_partition": "tf.dynamic_partition", "dynamic_stitch": "tf.dynamic_stitch", "unique": "tf.unique",
    "invert_permutation": "tf.invert_permutation", "batch_gather": "tf.batch_gather",
    "tensor_scatter_add": "tf.tensor_scatter_add tf.tensor_scatter_nd_add",
    "tensor_scatter_update": "tf.tensor_scatter_update tf.tensor_scatter_nd_update", "reverse_sequence": "tf.reverse_sequence",
    "in_top_k": "tf.nn.in_top_k", "space_to_depth": "tf.space_to_depth tf.nn.space_to_depth",
    "depthwise_conv2d": "tf.nn.depthwise_conv2d tf.nn.depthwise_conv2d_native", "separable_conv2d": "tf.nn.separable_conv2d",
    "local_response_normalization": "tf.nn.local_response_normalization tf.nn.lrn", "resize_bilinear": "tf.image.resize_bilinear",
    "resize_nearest_neighbor": "tf.image.resize_nearest_neighbor", "resize_images": "tf.image.resize_images tf.image.resize",
    "ResizeMethod": "tf.image.ResizeMethod", "flip_left_right": "tf.image.flip_left_right", "flip_up_down": "tf.image.flip_up_down",
    "total_variation": "tf.image.total_variation", "hinge_loss": "tf.losses.hinge_loss", "cosine_distance": "tf.losses.cosine_distance",
    "add_loss": "tf.losses.add_loss", "weighted_loss": "tf.losses.compute_weighted_loss", "Reduction": "tf.losses.Reduction",
    "layers_conv1d": "tf.layers.conv1d", "RegisterGradient": "tf.RegisterGradient", "latest_checkpoint": "tf.train.latest_checkpoint",
    "get_checkpoint_state": "tf.train.get_checkpoint_state", "TensorArray": "tf.TensorArray", "make_template": "tf.make_template",
    "complex_of": "tf.complex tf.dtypes.complex", "real_part": "tf.real",
    "imaginary_part": "tf.imag", "conjugate": "tf.conj", "phase": "tf.angle", "keras_l1": "tf.keras.regularizers.l1", "where_v2": "tf.where_v2",
    "truncatediv": "tf.truncatediv", "truncatemod": "tf.truncatemod",
    "fused_batch_norm": "tf.nn.fused_batch_norm", "Bernoulli": "tf.distributions.Bernoulli tf.contrib.distributions.Bernoulli",
    "MultivariateNormalDiag": "tf.distributions.MultivariateNormalDiag tf.contrib.distributions.MultivariateNormalDiag",
    "ResidualWrapper": "tf.nn.rnn_cell.ResidualWrapper tf.contrib.rnn.ResidualWrapper",
    "static_bidirectional_rnn": "tf.nn.static_bidirectional_rnn tf.contrib.rnn.static_bidirectional_rnn", "Convolution": "tf.layers.Conv2D",
    "flatten_layer": "tf.layers.Flatten", "dropout_layer": "tf.layers.Dropout", "max_pooling_layer": "tf.layers.MaxPooling2D",
    "average_pooling_layer": "tf.layers.AveragePooling2D",
    "Dataset": "tf.data.Dataset", "DatasetIterator": "tf.data.Iterator", "device": "tf.colocate_with", "no_tensors": "tf.local_variables",
    "bidirectional_dynamic_rnn": "tf.nn.bidirectional_dynamic_rnn", "RNNCell": "tf.contrib.rnn.RNNCell", "first_of": "tf.debugging.check_numerics",
    "reduce_variance": "tf.reduce_variance", "reduce_std": "tf.reduce_std",
    "no_check": " ".join(f"tf.{at}assert_{what}" for at in ("", "debugging.") for what in (
        "equal", "greater", "greater_equal", "less", "less_equal", "positive", "negative", "non_negative", "non_positive", "rank", "rank_at_least",
        "integer", "type", "none_equal", "near", "rank_in")),
}.items() for name in names.split()})
_TYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128 string bfloat16".split()

# What says nothing in MindSpore: the statement goes.
FURNITURE = frozenset({
    "tf.logging.set_verbosity", "tf.disable_v2_behavior", "tf.disable_eager_execution", "tf.enable_resource_variables", "tf.logging.info",
    "tf.logging.warn", "tf.logging.debug", "tf.logging.error", "tf.train.write_graph", "tf.train.start_queue_runners", "tf.disable_resource_variables",
    "tf.disable_v2_tensorshape", "tf.disable_control_flow_v2", "tf.enable_control_flow_v2", "tf.add_check_numerics_ops", "tf.get_logger",
    "tf.config.optimizer.set_jit", "tf.compat.v1.disable_v2_behavior", "tf.get_logger.setLevel",
})


def _table() -> dict[str, str]:
    found = {f"tf.{name}": name for name in _SAME.split()}
    for name in _UNARY.split():
        found[f"tf.{name}"] = f"ops.{'round' if name == 'rint' else name}"
    found.update(_OTHER)
    for name in _TYPES:
        found[f"tf.{name}"] = "ms." + {"bool": "bool_", "string": "string"}.get(name, name)
    for name, text in list(found.items()):
        parts = name.split(".")
        if len(parts) == 2:
            found.setdefault(f"tf.math.{parts[1]}", text)
    found["tf.reset_default_graph"] = "reset_default_graph"
    found["tf.math.log_softmax"], found["tf.math.l2_normalize"] = "log_softmax", "l2_normalize"
    found["tf.math.top_k"], found["tf.math.softmax"], found["tf.math.softplus"] = "top_k", "softmax", "softplus"
    return found


TABLE = _table()
_WITH_PARTS = frozenset({"GraphKeys", "UnconnectedGradients", "AggregationMethod", "Variable", "Session", "Settings", "Graph", "FLAGS", "Reduction",
                         "ResizeMethod", "Dataset", "DatasetIterator"})


def meaning(api: str) -> str | None:
    """The text that stands for a TensorFlow name, or None when there is none."""
    while api.startswith(("tf.compat.v1.", "tf.compat.")):
        api = "tf." + api.removeprefix("tf.compat.v1." if api.startswith("tf.compat.v1.") else "tf.compat.")
    if api in TABLE:
        return TABLE[api]
    owner, _, last = api.rpartition(".")
    if owner in TABLE and TABLE[owner] in _WITH_PARTS:
        return f"{TABLE[owner]}.{last}"
    return None
