"""Layers as objects: tf.layers.Dense and its like, tf.keras.layers, and Sequential. Each makes its variables at the first call and shares them."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from . import array, layers, math, nn, variables
from .control_flow import Traced, flatten, pack_sequence_as
from .graph import GraphKeys, Tensor, convert, get_collection, get_default_graph, wrap

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "relu": nn.relu, "relu6": nn.relu6, "elu": nn.elu, "selu": nn.selu, "tanh": math.tanh, "sigmoid": math.sigmoid, "softplus": math.softplus,
    "softsign": math.softsign, "softmax": nn.softmax, "swish": nn.swish, "gelu": nn.gelu, "exponential": math.exp, "linear": math.identity,
}
INITIALIZERS: dict[str, Callable[..., Any]] = {
    "zeros": variables.Zeros, "ones": variables.Ones, "glorot_uniform": variables.GlorotUniform, "glorot_normal": variables.GlorotNormal,
    "he_normal": variables.he_normal, "he_uniform": variables.he_uniform, "orthogonal": variables.Orthogonal,
    "random_normal": lambda: variables.RandomNormal(stddev=0.05), "random_uniform": lambda: variables.RandomUniform(-0.05, 0.05),
    "truncated_normal": lambda: variables.TruncatedNormal(stddev=0.05), "uniform": lambda: variables.RandomUniform(-0.05, 0.05),
    "lecun_normal": lambda: variables.VarianceScaling(1.0, "fan_in", "truncated_normal"),
    "lecun_uniform": lambda: variables.VarianceScaling(1.0, "fan_in", "uniform"),
}


def activation_of(value: Any) -> Any:
    """A Keras activation argument as a function: a function, a name, or None."""
    if isinstance(value, str):
        if value not in ACTIVATIONS:
            raise ValueError(f"Unknown activation function: {value}")
        return None if value == "linear" else ACTIVATIONS[value]
    return value


def initializer_of(value: Any) -> Any:
    """A Keras initializer argument as an initializer: an object, a class, a name, or None."""
    if isinstance(value, str):
        if value.lower() not in INITIALIZERS:
            raise ValueError(f"Unknown initializer: {value}")
        return INITIALIZERS[value.lower()]()
    return value() if isinstance(value, type) else value


class Layer:
    """A layer: options now, variables at the first call. `run(x, training, **scope)` is a function of layers.py, or a user's `call`."""

    default_name = "layer"

    def __init__(self, name: str | None = None, trainable: bool = True, dtype: Any = None, input_shape: Any = None, input_dim: Any = None,
                 batch_input_shape: Any = None, dynamic: bool = False, **options: Any) -> None:
        for key in ("kernel_initializer", "bias_initializer", "beta_initializer", "gamma_initializer", "moving_mean_initializer",
                    "moving_variance_initializer", "embeddings_initializer"):
            if key in options:
                options[key] = initializer_of(options[key])
        if "activation" in options:
            options["activation"] = activation_of(options["activation"])
        self.options, self.trainable = options, trainable
        self.name = name or _unique(self.default_name)
        self.dtype = dtype or "float32"
        self.built = False
        self.outer: Any = None
        self._weights: list[Any] = []
        self.updates: list[Any] = []
        given = input_shape if input_shape is not None else (input_dim,) if input_dim is not None else batch_input_shape and batch_input_shape[1:]
        self.first_shape = None if given is None else tuple(given)

    def run(self, x: Any, training: Any, **scope: Any) -> Any:
        raise NotImplementedError(f"tensorflow.keras.layers.{type(self).__name__} without call() is not in mapper's runtime")

    def build(self, input_shape: Any) -> None:
        """For subclasses that make their variables with add_weight."""
        self.built = True

    def add_weight(self, name: str = "weight", shape: Any = (), dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                   trainable: bool = True, **ignored: Any) -> Any:
        made = variables.get_variable(name, list(shape), dtype or self.dtype, initializer_of(initializer), regularizer, trainable)
        self._weights.append(made)
        return made

    add_variable = add_weight

    def __call__(self, inputs: Any, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        noted = len(get_collection(GraphKeys.UPDATE_OPS))
        self.outer = self.outer or variables.get_variable_scope()
        # A layer that is called again elsewhere uses the variables of its first call.
        with variables.variable_scope(self.outer, auxiliary_name_scope=False):
            result = self._called(inputs, *args, **kwargs, **({} if training is None else {"training": training}))
        self.updates += get_collection(GraphKeys.UPDATE_OPS)[noted:]
        return result

    def _called(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        graph = get_default_graph()
        if hasattr(self, "call"):
            with variables.variable_scope(self.name):
                if not self.built:
                    self.build(None if isinstance(inputs, (list, tuple)) else convert(inputs).get_shape())
                    self.built = True
                return self.call(inputs, *args, **kwargs)
        before = set(graph.variables)
        result = self.run(inputs, kwargs.get("training"), name=self.name, reuse=self.built or None)
        self.built = True
        self._weights += [v for key, v in graph.variables.items() if key not in before]
        return result

    apply = __call__

    @property
    def weights(self) -> list[Any]:
        inner = [w for value in list(vars(self).values()) for part in _parts(value) if isinstance(part, Layer) for w in part.weights]
        return list({id(w): w for w in [*self._weights, *inner]}.values())

    variables = weights

    @property
    def trainable_weights(self) -> list[Any]:
        return [w for w in self.weights if w.trainable] if self.trainable else []

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        return [w for w in self.weights if not w.trainable]

    @property
    def losses(self) -> list[Any]:
        return [loss for loss in get_collection(GraphKeys.REGULARIZATION_LOSSES) if loss.name.startswith(self.name + "/")]

    def __getattr__(self, name: str) -> Any:
        # The variables of a layer that makes them itself; a program's own layers set such attributes as they like.
        if name in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings"):
            return next((w for w in self.__dict__.get("_weights", ()) if w.op.name.rsplit("/", 1)[-1] == name), None)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def count_params(self) -> int:
        return int(sum(np.prod([int(n or 0) for n in w.shape.as_list()]) for w in self.weights))

    def get_weights(self) -> list[Any]:
        from .session import default_session

        found: list[Any] = default_session("eval").run(self.weights)
        return found

    def set_weights(self, values: Any) -> None:
        for w, value in zip(self.weights, values, strict=True):
            w.load(value)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _unique(name: str) -> str:
    counts = get_default_graph().__dict__.setdefault("layer_counts", {})
    outer = variables.get_variable_scope().name
    count = counts.get(f"{outer}/{name}", 0)
    counts[f"{outer}/{name}"] = count + 1
    return name if count == 0 else f"{name}_{count}"


def _positional(kind: type[Layer], names: tuple[str, ...], function: Callable[..., Any], rename: dict[str, str] | None = None,
                wants_training: bool = False, default: str = "layer", defaults: dict[str, Any] | None = None) -> None:
    """Gives a layer class the arguments `names` by position and `function(x, **options)` as what it computes."""
    def start(self: Any, *args: Any, **kwargs: Any) -> None:
        given = {**(defaults or {}), **dict(zip(names, args)), **kwargs}
        own = {name: given.pop(name) for name in names if name == "input_dim" and name in given}
        Layer.__init__(self, **given)
        self.options.update(own)

    def run(self: Any, x: Any, training: Any, **scope: Any) -> Any:
        options = {(rename or {}).get(key, key): value for key, value in self.options.items()}
        if wants_training:
            options["training"] = False if training is None else training
        return function(convert(x), **options, **scope)

    setattr(kind, "__init__", start)
    setattr(kind, "run", run)
    kind.default_name = default


class Dense(Layer):
    pass


class Conv2D(Layer):
    pass


class Conv2DTranspose(Layer):
    pass


class BatchNormalization(Layer):
    pass


class Dropout(Layer):
    pass


class Flatten(Layer):
    pass


class MaxPooling2D(Layer):
    pass


class AveragePooling2D(Layer):
    pass


class Activation(Layer):
    pass


class Reshape(Layer):
    pass


class Embedding(Layer):
    pass


class Lambda(Layer):
    pass


class GlobalAveragePooling2D(Layer):
    pass


class ReLU(Layer):
    pass


class LeakyReLU(Layer):
    pass


class ELU(Layer):
    pass


class Softmax(Layer):
    pass


def _pooled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def pool(x: Tensor, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", data_format: Any = None, name: Any = None,
             reuse: Any = None) -> Tensor:
        return function(x, pool_size, pool_size if strides is None else strides, padding, data_format or "channels_last", name)

    return pool


def _embedding(x: Tensor, input_dim: int, output_dim: int, embeddings_initializer: Any = None, name: Any = None, reuse: Any = None, **ignored: Any) -> Tensor:
    with variables.variable_scope(name, reuse=reuse):
        table = variables.get_variable("embeddings", [input_dim, output_dim], initializer=embeddings_initializer or variables.RandomUniform(-0.05, 0.05))
    return array.embedding_lookup(table, math.cast(x, "int32"))


def _reshaped(x: Tensor, target_shape: Any, name: Any = None, reuse: Any = None) -> Tensor:
    return array.reshape(x, [-1 if x.node.shape is None or x.node.shape[0] is None else x.node.shape[0], *target_shape])


def _norm(x: Tensor, **options: Any) -> Tensor:
    options.pop("renorm", None)
    return layers.batch_normalization(x, **options)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, name=None, reuse=None, **options: function(x, **options)


_DENSE = ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer")
_CONV = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias", "kernel_initializer", "bias_initializer")
_positional(Dense, _DENSE, layers.dense, default="dense")
_positional(Conv2D, _CONV, lambda x, data_format=None, **o: layers.conv2d(x, data_format=data_format or "channels_last", **o), default="conv2d")
_positional(Conv2DTranspose, _CONV[:4], layers.conv2d_transpose, default="conv2d_transpose")
_positional(BatchNormalization, ("axis", "momentum", "epsilon", "center", "scale"), _norm, wants_training=True, default="batch_normalization")
_positional(Dropout, ("rate", "noise_shape", "seed"), lambda x, reuse=None, **o: layers.dropout(x, **o), wants_training=True, default="dropout")
_positional(Flatten, ("data_format",), lambda x, name=None, reuse=None, data_format=None: layers.flatten(x), default="flatten")
_positional(MaxPooling2D, ("pool_size", "strides", "padding", "data_format"), _pooled(layers.max_pooling2d), default="max_pooling2d")
_positional(AveragePooling2D, ("pool_size", "strides", "padding", "data_format"), _pooled(layers.average_pooling2d), default="average_pooling2d")
_positional(Activation, ("activation",), lambda x, activation=None, **o: x if activation is None else activation(x), default="activation")
_positional(Reshape, ("target_shape",), _reshaped, default="reshape")
_positional(Embedding, ("input_dim", "output_dim", "embeddings_initializer"), _embedding, default="embedding")
_positional(Lambda, ("function",), lambda x, function, name=None, reuse=None, **o: function(x), default="lambda")
_positional(GlobalAveragePooling2D, ("data_format",), _plain(lambda x, data_format=None: math.reduce_mean(x, [1, 2])), default="global_average_pooling2d")
_positional(ReLU, (), _plain(nn.relu), default="re_lu")
_positional(LeakyReLU, ("alpha",), _plain(nn.leaky_relu), default="leaky_re_lu", defaults={"alpha": 0.3})
_positional(ELU, (), _plain(nn.elu), default="elu")
_positional(Softmax, ("axis",), _plain(nn.softmax), default="softmax")


def concatenate(inputs: Any, axis: int = -1, **ignored: Any) -> Tensor:
    return array.concat(list(inputs), axis)


def add(inputs: Any, **ignored: Any) -> Tensor:
    return math.add_n(list(inputs))


class Model(Layer):
    """Keras' model: a subclass with `call`, or `Model(inputs, outputs)` of tensors. Training by fit() is not here: programs with tf.gradients
    run their own steps."""

    default_name = "model"

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **options: Any) -> None:
        kind = type(self).__name__
        super().__init__(name or _unique(snake(kind) if kind != "Model" else "model"), **options)
        if outputs is None:
            return
        self.inputs, self.outputs = flatten(inputs), flatten(outputs)
        self.input, self.output = inputs, outputs
        self._piece = Traced([t.node for t in self.outputs], [t.node for t in self.inputs], -1)
        reads = {id(n) for n in self._piece.captured}
        self._weights = [v for v in get_collection(GraphKeys.GLOBAL_VARIABLES) if id(v._read) in reads]

    def _called(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "_piece"):
            return super()._called(inputs, *args, **kwargs)
        given = [convert(x).node for x in flatten(inputs)]
        made = self._piece.run(given, {id(n): n for n in self._piece.captured})
        return pack_sequence_as(self.output, [wrap(n, self.name) for n in made])

    def predict(self, x: Any, **ignored: Any) -> Any:
        from .session import default_session

        return default_session("eval").run(self.output, dict(zip(self.inputs, flatten(x), strict=True)))

    def compile(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("tensorflow.keras.Model.compile is not in mapper's runtime")

    def fit(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("tensorflow.keras.Model.fit is not in mapper's runtime")


def snake(name: str) -> str:
    """LeakyReLU as leaky_re_lu: Keras' names of layers."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()


class Sequential(Model):
    """Layers one after another."""

    def __init__(self, layers: Any = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.layers: list[Any] = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        first = not self.layers
        self.layers.append(layer)
        if first and isinstance(layer, InputLayer):
            self.layers.clear()
            self.input = self.output = layer.tensor
        elif first and getattr(layer, "first_shape", None) is not None:
            self.input = Input(layer.first_shape, name=f"{layer.name}_input")
            self.output = layer(self.input)
        elif hasattr(self, "output"):
            self.output = layer(self.output)
        if hasattr(self, "output"):
            self.inputs, self.outputs = [self.input], [self.output]

    def _called(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        current = inputs
        for layer in self.layers:
            current = layer(current, **kwargs) if isinstance(layer, Layer) else layer(current)
        return current


def Input(shape: Any = None, batch_size: Any = None, name: str | None = None, dtype: Any = None, tensor: Any = None, batch_shape: Any = None,  # noqa: N802
          **ignored: Any) -> Tensor:
    """A placeholder of [batch_size, *shape]."""
    if tensor is not None:
        return convert(tensor)
    sizes = list(batch_shape) if batch_shape is not None else [batch_size, *(shape if isinstance(shape, (list, tuple)) else [shape])]
    return array.placeholder(dtype or "float32", sizes, name or _unique("input"))


class InputLayer(Layer):
    def __init__(self, input_shape: Any = None, name: str | None = None, dtype: Any = None, **ignored: Any) -> None:
        super().__init__(name or _unique("input"), dtype=dtype)
        self.tensor = Input(input_shape, name=self.name, dtype=dtype)


def l2(l: float = 0.01) -> Callable[[Any], Any]:
    """Keras' regularizer: l times the sum of squares (no half)."""
    return lambda weights: wrap(ops.reduce_sum(ops.square(convert(weights).node)) * float(l), "l2")


def l1(l: float = 0.01) -> Callable[[Any], Any]:
    return lambda weights: wrap(ops.reduce_sum(ops.absolute(convert(weights).node)) * float(l), "l1")


def to_categorical(y: Any, num_classes: Any = None, dtype: Any = "float32") -> Any:
    """Class numbers as one-hot NumPy rows."""
    labels = np.asarray(y, int)
    labels = labels.reshape(labels.shape[:-1]) if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    return np.eye(int(num_classes or labels.max() + 1), dtype=dtype)[labels]


def modules() -> dict[str, dict[str, Any]]:
    """The names of tf.keras and of its parts, by the part's name ("" for tf.keras itself)."""
    from . import keras_backend, train

    kinds = {name: value for name, value in globals().items() if isinstance(value, type) and issubclass(value, Layer) and value not in (Model, Sequential)}
    optimizers = {"Adam": keras_backend.Adam, "SGD": keras_backend.SGD, "Optimizer": train.Optimizer}
    initial = {**INITIALIZERS, "Zeros": variables.Zeros, "Ones": variables.Ones, "Constant": variables.Constant, "RandomNormal": variables.RandomNormal,
               "RandomUniform": variables.RandomUniform, "TruncatedNormal": variables.TruncatedNormal, "VarianceScaling": variables.VarianceScaling,
               "GlorotUniform": variables.GlorotUniform, "GlorotNormal": variables.GlorotNormal, "Orthogonal": variables.Orthogonal}
    model = {"Model": Model, "Sequential": Sequential, "Input": Input}
    return {"": model, "models": model, "layers": {**kinds, "Input": Input, "concatenate": concatenate, "add": add}, "backend": keras_backend.names(),
            "optimizers": optimizers, "losses": keras_backend.losses(), "initializers": initial, "regularizers": {"l2": l2, "l1": l1},
            "activations": ACTIVATIONS, "utils": {"to_categorical": to_categorical}}
