"""The workloads as programs of each library: `tensorflow(name)` and so on return a function of no arguments that computes
the gradients once and returns them as a list of arrays. The frameworks are whatever `import` finds: the bundled faces or the real ones."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import inputs
import numpy as np

Array = np.ndarray[Any, Any]
Step = Callable[[], list[Array]]


def hand(name: str) -> Step:
    import handwritten

    data, weights = inputs.draw(name)
    function = getattr(handwritten, name)
    if name == "chain":
        return lambda: function(*data, inputs.CHAIN_STEPS)
    return lambda: function(*data, *weights)


def tensorflow(name: str) -> Step:
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    data, weights = inputs.draw(name)
    fed = [tf.placeholder(tf.float32, a.shape) for a in data]
    held = [tf.Variable(w) for w in weights]
    fetches = _TENSORFLOW[name](tf, fed, held)
    session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))
    session.run(tf.global_variables_initializer())
    feed = dict(zip(fed, data))
    return lambda: session.run(fetches, feed)      # type: ignore[no-any-return]


def _tf_four_vectors(tf: Any, fed: Any, held: Any) -> Any:
    w1, w2, w3, w4 = held
    return tf.gradients([w1 + w2 + w3, w3 + w4], held, grad_ys=fed)


def _tf_chain(tf: Any, fed: Any, held: Any) -> Any:
    y = fed[0]
    for _ in range(inputs.CHAIN_STEPS):
        y = tf.tanh(y * 1.01 + 0.1)
    return tf.gradients(y, fed)


def _tf_mlp(tf: Any, fed: Any, held: Any) -> Any:
    x, labels = fed
    h1 = tf.nn.relu(tf.matmul(x, held[0]) + held[1])
    h2 = tf.nn.relu(tf.matmul(h1, held[2]) + held[3])
    logits = tf.matmul(h2, held[4]) + held[5]
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.stop_gradient(labels), logits=logits))
    return tf.gradients(loss, held)


def _tf_pinn(tf: Any, fed: Any, held: Any) -> Any:
    x, force = fed
    h = x
    for w, b in zip(held[0:-2:2], held[1:-2:2]):
        h = tf.tanh(tf.matmul(h, w) + b)
    u = tf.matmul(h, held[-2]) + held[-1]
    u_x = tf.gradients(u, x)[0]
    u_xx = tf.gradients(u_x, x)[0]
    return tf.gradients(tf.reduce_mean(tf.square(u_xx - force)), held, unconnected_gradients="zero")


def _tf_large_elementwise(tf: Any, fed: Any, held: Any) -> Any:
    x = fed[0]
    square = x * x
    return tf.gradients(tf.sigmoid(x) * square + tf.exp(-square), x)


def _tf_conv_net(tf: Any, fed: Any, held: Any) -> Any:
    k1, k2, w = held
    h = tf.nn.relu(tf.nn.conv2d(fed[0], k1, [1, 1, 1, 1], "VALID"))
    h = tf.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    h = tf.nn.relu(tf.nn.conv2d(h, k2, [1, 1, 1, 1], "VALID"))
    logits = tf.matmul(tf.reshape(h, [-1, 1600]), w)
    return tf.gradients(tf.reduce_mean(tf.square(logits)), held)


def _tf_hessian_vector(tf: Any, fed: Any, held: Any) -> Any:
    x, y, v1, v2 = fed
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, held[0])), held[1]) - y))
    g1, g2 = tf.gradients(loss, held)
    return tf.gradients(tf.reduce_sum(g1 * v1) + tf.reduce_sum(g2 * v2), held)


_TENSORFLOW = {name: globals()["_tf_" + name] for name in inputs.NAMES}


def mindspore(name: str) -> Step:
    import mindspore as ms

    data, weights = inputs.draw(name)
    tensors = [ms.Tensor(a) for a in data]
    held = [ms.Parameter(ms.Tensor(w), name=f"w{i}") for i, w in enumerate(weights)]
    gradient = _MINDSPORE[name](ms, held)
    return lambda: [g.asnumpy() for g in gradient(*tensors)]


def _ms_four_vectors(ms: Any, held: Any) -> Any:
    w1, w2, w3, w4 = held

    def forward() -> Any:
        return w1 + w2 + w3, w3 + w4

    gradient = ms.ops.GradOperation(get_by_list=True, sens_param=True)(forward, ms.ParameterTuple(held))
    return lambda a, b: gradient((a, b))


def _ms_chain(ms: Any, held: Any) -> Any:
    def forward(y: Any) -> Any:
        for _ in range(inputs.CHAIN_STEPS):
            y = ms.ops.tanh(y * 1.01 + 0.1)
        return y

    return ms.ops.GradOperation(get_all=True)(forward)


def _ms_mlp(ms: Any, held: Any) -> Any:
    def forward(x: Any, labels: Any) -> Any:
        h1 = ms.ops.relu(ms.ops.matmul(x, held[0]) + held[1])
        h2 = ms.ops.relu(ms.ops.matmul(h1, held[2]) + held[3])
        logits = ms.ops.matmul(h2, held[4]) + held[5]
        return -(labels * ms.ops.log_softmax(logits, -1)).sum(1).mean()

    return ms.ops.GradOperation(get_by_list=True)(forward, ms.ParameterTuple(held))


def _ms_pinn(ms: Any, held: Any) -> Any:
    def u(x: Any) -> Any:
        h = x
        for i in range(0, len(held) - 2, 2):
            h = ms.ops.tanh(ms.ops.matmul(h, held[i]) + held[i + 1])
        return ms.ops.matmul(h, held[-2]) + held[-1]

    @ms.jit                             # nested gradients are wrong in MindSpore's PyNative mode
    def u_x(x: Any) -> Any:
        return ms.ops.GradOperation()(u)(x)

    @ms.jit
    def u_xx(x: Any) -> Any:
        return ms.ops.GradOperation()(u_x)(x)

    def loss(x: Any, force: Any) -> Any:
        return ms.ops.square(u_xx(x) - force).mean()

    return ms.ops.GradOperation(get_by_list=True)(loss, ms.ParameterTuple(held))


def _ms_large_elementwise(ms: Any, held: Any) -> Any:
    def forward(x: Any) -> Any:
        square = x * x
        return ms.ops.sigmoid(x) * square + ms.ops.exp(-square)

    return ms.ops.GradOperation(get_all=True)(forward)


def _ms_conv_net(ms: Any, held: Any) -> Any:
    k1, k2 = (ms.Parameter(ms.Tensor(k.asnumpy().transpose(3, 2, 0, 1)), name=k.name + "t") for k in held[:2])
    w = held[2]
    conv1, conv2 = ms.ops.Conv2D(8, 5), ms.ops.Conv2D(16, 3)
    pool = ms.ops.MaxPool(kernel_size=2, strides=2)

    def forward(x: Any) -> Any:
        h = pool(ms.ops.relu(conv1(ms.ops.transpose(x, (0, 3, 1, 2)), k1)))
        h = ms.ops.transpose(ms.ops.relu(conv2(h, k2)), (0, 2, 3, 1))
        return ms.ops.square(ms.ops.matmul(h.reshape(-1, 1600), w)).mean()

    gradient = ms.ops.GradOperation(get_by_list=True)(forward, ms.ParameterTuple([k1, k2, w]))

    def in_tensorflow_layout(x: Any) -> Any:
        g1, g2, g3 = gradient(x)
        return ms.ops.transpose(g1, (2, 3, 1, 0)), ms.ops.transpose(g2, (2, 3, 1, 0)), g3

    return in_tensorflow_layout


def _ms_hessian_vector(ms: Any, held: Any) -> Any:
    w1, w2 = held

    def loss(x: Any, y: Any) -> Any:
        return ms.ops.square(ms.ops.matmul(ms.ops.tanh(ms.ops.matmul(x, w1)), w2) - y).mean()

    @ms.jit
    def gradient(x: Any, y: Any) -> Any:
        return ms.ops.GradOperation(get_by_list=True)(loss, held)(x, y)

    def directional(x: Any, y: Any, v1: Any, v2: Any) -> Any:
        g1, g2 = gradient(x, y)
        return (g1 * v1).sum() + (g2 * v2).sum()

    return ms.ops.GradOperation(get_by_list=True)(directional, ms.ParameterTuple(held))


_MINDSPORE = {name: globals()["_ms_" + name] for name in inputs.NAMES}


def autograd(name: str) -> Step:
    import autograd.numpy as anp
    from autograd import grad

    data, weights = inputs.draw(name)
    loss, argnums = _AUTOGRAD[name](anp, grad, data)
    step = grad(loss, argnums)
    arguments = [*data, *weights]
    return lambda: list(step(*arguments))


def _ag_four_vectors(np_: Any, grad: Any, data: Any) -> Any:
    def loss(a: Any, b: Any, w1: Any, w2: Any, w3: Any, w4: Any) -> Any:
        return np_.sum(a * (w1 + w2 + w3)) + np_.sum(b * (w3 + w4))

    return loss, (2, 3, 4, 5)


def _ag_chain(np_: Any, grad: Any, data: Any) -> Any:
    def loss(y: Any) -> Any:
        for _ in range(inputs.CHAIN_STEPS):
            y = np_.tanh(y * np.float32(1.01) + np.float32(0.1))
        return np_.sum(y)

    return loss, (0,)


def _ag_mlp(np_: Any, grad: Any, data: Any) -> Any:
    def loss(x: Any, labels: Any, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any) -> Any:
        h = np_.maximum(np_.dot(np_.maximum(np_.dot(x, w1) + b1, 0), w2) + b2, 0)
        logits = np_.dot(h, w3) + b3
        top = np_.max(logits, 1, keepdims=True)
        return -np_.mean(np_.sum(labels * (logits - top - np_.log(np_.sum(np_.exp(logits - top), 1, keepdims=True))), 1))

    return loss, tuple(range(2, 8))


def _ag_pinn(np_: Any, grad: Any, data: Any) -> Any:
    def u_sum(x: Any, *weights: Any) -> Any:
        h = x
        for i in range(0, len(weights) - 2, 2):
            h = np_.tanh(np_.dot(h, weights[i]) + weights[i + 1])
        return np_.sum(np_.dot(h, weights[-2]) + weights[-1])

    u_x = grad(u_sum)
    u_xx = grad(lambda x, *weights: np_.sum(u_x(x, *weights)))

    def loss(x: Any, force: Any, *weights: Any) -> Any:
        return np_.mean((u_xx(x, *weights) - force) ** 2)

    return loss, tuple(range(2, 10))


def _ag_large_elementwise(np_: Any, grad: Any, data: Any) -> Any:
    return lambda x: np_.sum(x * x / (1 + np_.exp(-x)) + np_.exp(-(x * x))), (0,)


def _ag_hessian_vector(np_: Any, grad: Any, data: Any) -> Any:
    def loss(x: Any, y: Any, w1: Any, w2: Any) -> Any:
        return np_.mean((np_.dot(np_.tanh(np_.dot(x, w1)), w2) - y) ** 2)

    inner = grad(loss, (2, 3))

    def directional(x: Any, y: Any, v1: Any, v2: Any, w1: Any, w2: Any) -> Any:
        g1, g2 = inner(x, y, w1, w2)
        return np_.sum(g1 * v1) + np_.sum(g2 * v2)

    return directional, (4, 5)


_AUTOGRAD = {name: globals()["_ag_" + name] for name in inputs.NAMES if name != "conv_net"}
