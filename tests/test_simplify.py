"""Idioms of TensorFlow 1 programs that are rewritten before the direct form reads them: each converts to plain MindSpore code that
prints the same numbers."""
from __future__ import annotations

from pathlib import Path

import pytest

import mapper
from mapper.staging.direct_emit import convert_directly
from mapper.staging.simplify import simplified

START = "import numpy as np\nimport tensorflow as tf\n"
RUN = "sess = tf.Session()\nsess.run(tf.global_variables_initializer())\n"

PROGRAMS = {
    "imports that are tried": """
try:
    import tensorflow.compat.v1 as tf
    tf.disable_v2_behavior()
except ImportError:
    import tensorflow as tf
import numpy as np
w = tf.Variable([1.0, 2.0], name="w")
g = tf.gradients(tf.reduce_sum(w ** 3), w)[0]
""" + RUN + "print(sess.run(g))\n",
    "gradients evaluated one by one": START + """
w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
gs = tf.gradients(tf.reduce_sum(w * w) * b, [w, b])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print([g.eval() for g in gs])
""",
    "one gradient for each row": START + """
x = tf.placeholder(tf.float32, [3])
w = tf.Variable([[1.0, 0.5, -1.0], [0.2, 2.0, 0.3]], name="w")
out = tf.tanh(tf.reduce_sum(w * x, 1))
rows = tf.stack([tf.gradients(o, x)[0] for o in tf.unstack(out)])
""" + RUN + "print(sess.run(rows, {x: [0.1, 0.2, 0.3]}))\n",
    "a helper that is given ys and xs": START + """
def derivative(y, x):
    grads = tf.gradients(y, x)
    return grads[0]

x = tf.placeholder(tf.float32, [4])
y = tf.sin(x) * x
dy = derivative(y, x)
ddy = derivative(dy, x)
""" + RUN + "print(sess.run([dy, ddy], {x: [0.1, 0.5, 1.0, 2.0]}))\n",
    "zeros where there is no gradient": START + """
a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable([3.0, 4.0], name="b")
gs = tf.gradients(tf.reduce_sum(a * a), [a, b])
filled = [g if g is not None else tf.zeros_like(v) for g, v in zip(gs, [a, b])]
""" + RUN + "print(sess.run(filled))\n",
    "hessians of a vector": START + """
w = tf.Variable([1.0, 2.0, 0.5], name="w")
hessian = tf.hessians(tf.reduce_sum(w ** 3) + w[0] * w[1], w)[0]
""" + RUN + "print(sess.run(hessian))\n",
    "a map over gradients": START + """
w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
gs = tf.gradients(tf.reduce_sum(w * w) * b, [w, b])
doubled = list(map(lambda g: 2.0 * g, gs))
""" + RUN + "print(sess.run(doubled))\n",
    "a list that a loop appends to": START + """
w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
gs = tf.gradients(tf.reduce_sum(w * w) * b, [w, b])
steps = []
for g, v in zip(gs, [w, b]):
    steps.append(tf.assign(v, v - 0.1 * g))
""" + RUN + "for _ in range(2):\n    sess.run(steps)\nprint(sess.run([w, b]))\n",
    "pairs that are clipped in a loop": START + """
w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
loss = tf.reduce_sum(w * w) * b
optimizer = tf.train.GradientDescentOptimizer(0.1)
pairs = optimizer.compute_gradients(loss, [w, b])
for i, (g, v) in enumerate(pairs):
    if g is not None:
        pairs[i] = (tf.clip_by_norm(g, 1.0), v)
train = optimizer.apply_gradients(pairs)
""" + RUN + "for _ in range(3):\n    sess.run(train)\n    print(sess.run(loss))\nprint(sess.run([w, b]))\n",
    "pairs that are written out": START + """
w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
loss = tf.reduce_sum(w * w) * b
gw, gb = tf.gradients(loss, [w, b])
train = tf.train.GradientDescentOptimizer(0.1).apply_gradients([(gw, w), (gb * 0.5, b)])
""" + RUN + "for _ in range(3):\n    sess.run(train)\n    print(sess.run(loss))\n",
    "indexed assigns": START + """
ws = [tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")]
gs = tf.gradients(tf.reduce_sum(ws[0] * ws[0]) * ws[1], ws)
updates = [tf.assign(ws[i], ws[i] - 0.1 * gs[i]) for i in range(len(ws))]
""" + RUN + "for _ in range(2):\n    sess.run(updates)\nprint(sess.run(ws))\n",
    "the end of a while_loop": START + """
w = tf.Variable([0.5, -0.7], name="w")
_, last = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.tanh(x * w)), [tf.constant(0), w * 2.0])
g = tf.gradients(tf.reduce_sum(last), w)[0]
""" + RUN + "print(sess.run([last, g]))\n",
    "two names for one placeholder": START + """
class Model:
    def __init__(self):
        self.x = x = tf.placeholder(tf.float32, [None, 2])
        self.w = w = tf.Variable([[1.0], [2.0]], name="w")
        self.out = tf.reduce_sum(tf.matmul(x, w) ** 2)
        self.slope = tf.gradients(self.out, x)[0]

model = Model()
""" + RUN + "print(sess.run([model.out, model.slope], {model.x: np.ones((2, 2))}))\n",
    "a network that a function makes twice": START + """
def network(scope):
    with tf.variable_scope(scope):
        x = tf.placeholder(tf.float32, [None, 2])
        w = tf.get_variable("w", initializer=tf.constant([[1.0], [0.5]]))
        return x, tf.reduce_sum(tf.tanh(tf.matmul(x, w)))

xa, ya = network("a")
xb, yb = network("b")
ga, gb = tf.gradients(ya, xa)[0], tf.gradients(yb * 2.0, xb)[0]
""" + RUN + "print(sess.run(ga, {xa: np.ones((1, 2))}), sess.run(gb, {xb: np.full((2, 2), 0.5)}))\n",
    "a function that builds all": START + """
def build():
    w = tf.Variable([1.0, 2.0], name="w")
    loss = tf.reduce_sum(w * w)
    return loss, tf.gradients(loss, w)[0]

loss, g = build()
""" + RUN + "print(sess.run([loss, g]))\n",
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=[name.replace(" ", "_") for name in PROGRAMS])
def test_the_idiom_becomes_plain_code_with_the_same_numbers(source: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(source)
    converted = convert_directly(source, "program.py")
    assert converted.complete and "Deferred" not in converted.code
    result = mapper.verify(path)
    assert result.matches, result


def test_what_has_no_idiom_stays_as_it_is() -> None:
    source = START + "w = tf.Variable(1.0)\nprint(tf.Session().run(tf.gradients(w * w, w), {w: 2.0}))\n"
    assert set(simplified(source)) == {source}
