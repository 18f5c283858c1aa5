"""Programs that nobody wrote: random graphs in random structures convert without a marker, verify, and survive the round trip.

MAPPER_PROPERTY_EXAMPLES=1000 tries that many of each kind, others in each run; the default is a small set that is always the same."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_verify_mutations import Server

import mapper
from mapper.source import direction_of
from mapper.verification import comparisons
from mapper.verify_compare import Tolerance
from mapper.verify_printed import printed_numbers

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = int(os.environ.get("MAPPER_PROPERTY_EXAMPLES", "0"))
TOLERANCE = Tolerance(1e-3, 1e-5)
Shape = tuple[int, ...]
VECTOR, MATRIX, SQUARE, SCALAR = (3,), (2, 3), (3, 3), ()
DATA = {
    SCALAR: ["0.7", "-0.4", "1.3"],
    VECTOR: ["[0.3, -0.8, 0.6]", "[1.1, 0.4, -0.2]", "[-0.5, 0.9, 0.1]"],
    MATRIX: ["[[0.2, -0.7, 0.5], [0.9, 0.1, -0.3]]", "[[-0.6, 0.3, 0.8], [0.4, -0.2, 0.7]]"],
    SQUARE: ["[[0.5, 0.1, -0.2], [-0.3, 0.6, 0.4], [0.2, -0.1, 0.7]]", "[[0.1, 0.9, -0.4], [0.3, -0.5, 0.2], [0.8, 0.0, 0.6]]"],
}
SHAPES = [SCALAR, VECTOR, MATRIX, SQUARE]


@dataclass(frozen=True)
class Tensor:
    """A name of a generated program: its shape, and the inputs that it has a gradient for."""

    text: str
    shape: Shape
    inputs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Operations:
    """How a framework spells operations; `{}` is a tensor. `smooth` gives one that is curved everywhere and bounded.

    Equal operands of a maximum are kept out: the frameworks share the gradient of a tie out differently."""

    unary: Sequence[str]
    smooth: Sequence[str]
    binary: Sequence[str]
    reduce: Sequence[str]
    to_vector: Sequence[str]
    to_matrix: Sequence[tuple[str, Sequence[Shape]]]
    to_square: Sequence[tuple[str, Sequence[Shape]]]
    stop: str


def combined(text: str, *parts: Tensor, shape: Shape) -> Tensor:
    return Tensor(text.format(*[p.text for p in parts]), shape, frozenset().union(*[p.inputs for p in parts]))


def expressions(draw: st.DrawFn, pool: Sequence[Tensor], ops: Operations, shape: Shape, depth: int) -> Tensor:
    """An expression of a shape from the names of the pool."""
    def part(shape: Shape) -> Tensor:
        return expressions(draw, pool, ops, shape, depth - 1)

    known = [t for t in pool if t.shape == shape]
    if depth <= 0 and known:
        return draw(st.sampled_from(known))
    if depth <= 0:
        if shape == SCALAR:
            return combined(draw(st.sampled_from(ops.reduce)), draw(st.sampled_from([t for t in pool if t.shape != SCALAR])), shape=shape)
        raise AssertionError("the pool has every shape but the scalar")
    kind = draw(st.sampled_from(["unary", "binary", "shape", "name"] if known else ["unary", "binary", "shape"]))
    if kind == "name":
        return draw(st.sampled_from(known))
    if kind == "unary":
        return combined(draw(st.sampled_from(ops.unary)), part(shape), shape=shape)
    if kind == "binary" or shape == SCALAR and depth == 1 and not known:
        other = shape if shape != MATRIX or draw(st.booleans()) else VECTOR
        return combined(draw(st.sampled_from(ops.binary)), part(shape), part(other), shape=shape)
    if shape == SCALAR:
        return combined(draw(st.sampled_from(ops.reduce)), part(draw(st.sampled_from([VECTOR, MATRIX]))), shape=shape)
    if shape == VECTOR:
        return combined(draw(st.sampled_from(ops.to_vector)), part(MATRIX), shape=shape)
    text, shapes = draw(st.sampled_from(ops.to_matrix if shape == MATRIX else ops.to_square))
    return combined(text, *[part(s) for s in shapes], shape=shape)


def curved(draw: st.DrawFn, tensor: Tensor, ops: Operations) -> Tensor:
    return combined(draw(st.sampled_from(ops.smooth)), tensor, shape=tensor.shape)


def number(ops: Operations, tensor: Tensor, draw: st.DrawFn) -> Tensor:
    """A scalar of a tensor."""
    return tensor if tensor.shape == SCALAR else combined(draw(st.sampled_from(ops.reduce)), tensor, shape=SCALAR)


# ------------------------------------------------------------------------------------------------------------- the judgement

@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def budget(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(max_examples=EXAMPLES or examples, deadline=None, derandomize=not EXAMPLES, database=None, phases=[Phase.generate],
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])


def crash(path: Path) -> str:
    """What a program that failed says."""
    done = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(path)], capture_output=True, text=True, cwd=ROOT)
    return done.stdout + done.stderr[-1500:]


def holds(program: str, server: Server, folder: Path) -> None:
    """Converts completely and once, verifies, and comes back as a program that prints the same."""
    original, target, last = (folder / f"{name}.py" for name in ("original", "converted", "back"))
    original.write_text(program, "utf-8")
    conversion = mapper.convert(program)
    assert conversion.complete and all(site.converted for site in conversion.sites), [str(f) for f in conversion.findings]
    assert mapper.convert(conversion.code, direction_of(program, "")).code == conversion.code
    target.write_text(conversion.code, "utf-8")
    left = server.run(original, program)
    assert left.outcome.code == 0, crash(original)
    right = server.run(target, conversion.code, tuple(site.converted for site in conversion.sites if site.converted))
    assert right.outcome.code == 0, crash(target)
    rows = comparisons(conversion.sites, left, right, TOLERANCE)
    assert all(row.verdict in ("exact", "close", "not run") for row in rows), [row for row in rows if row.verdict not in ("exact", "close")]
    assert len(printed_numbers(left.outcome.stdout)) > 0
    back = mapper.convert(conversion.code)
    assert back.complete, [str(f) for f in back.findings]
    last.write_text(back.code, "utf-8")
    again = server.run(last, back.code)
    assert again.outcome.code == 0, crash(last)
    assert list(printed_numbers(again.outcome.stdout)) == pytest.approx(list(printed_numbers(left.outcome.stdout)), rel=1e-3, abs=1e-5)


# ---------------------------------------------------------------------------------------------------------------- TensorFlow

TENSORFLOW = Operations(
    unary=["tf.tanh({})", "tf.sin({})", "tf.cos({})", "tf.sigmoid({})", "tf.square({})", "tf.exp(tf.tanh({}))", "tf.nn.softplus({})", "tf.nn.relu({})", "-{}",
           "tf.abs({})", "tf.log(tf.square({}) + 1.0)", "tf.sqrt(({}) ** 2 + 0.5)", "0.5 * {}", "tf.identity({})", "1.0 / (2.0 + tf.sin({}))",
           "tf.where({0} > 0.0, {0}, 0.1 * {0})", "tf.clip_by_value({}, -0.9, 0.9)", "tf.nn.elu({})"],
    smooth=["tf.sin({})", "tf.tanh({})", "tf.sigmoid({})", "tf.exp(-tf.square({}))", "tf.cos({})"],
    binary=["{} + {}", "{} - {}", "{} * {}", "{} / (tf.square({}) + 1.0)", "tf.maximum(0.93 * {}, {} - 0.0517)", "tf.add({}, {})", "tf.multiply({}, {})",
            "tf.subtract({}, {})"],
    reduce=["tf.reduce_sum({})", "tf.reduce_mean({})", "tf.reduce_mean(tf.square({}))", "tf.reduce_sum(tf.sin({}))"],
    to_vector=["tf.reduce_sum({}, axis=0)", "tf.reduce_mean({}, 0)", "({})[0]", "tf.reduce_max({}, axis=0)", "tf.squeeze(tf.slice({}, [1, 0], [1, 3]), 0)",
               "tf.unstack({}, num=2)[1]"],
    to_matrix=[("tf.matmul({}, {})", (MATRIX, SQUARE)), ("tf.nn.softmax({})", (MATRIX,)), ("tf.stack([{}, {}])", (VECTOR, VECTOR)),
               ("tf.transpose(tf.reshape({}, [3, 2]))", (MATRIX,)), ("tf.concat([({})[:1], ({})[1:]], 0)", (MATRIX, MATRIX)),
               ("tf.tile(tf.expand_dims({}, 0), [2, 1])", (VECTOR,)), ("tf.gather(tf.sin({}), [0, 2])", (SQUARE,))],
    to_square=[("tf.matmul({}, {}, transpose_a=True)", (MATRIX, MATRIX)), ("tf.matmul({}, {})", (SQUARE, SQUARE)), ("tf.transpose({})", (SQUARE,)),
               ("tf.expand_dims({}, 1) * {}", (VECTOR, VECTOR))],
    stop="tf.stop_gradient({})")


@dataclass
class Graph:
    """A TensorFlow program in the making: its statements, and the names they bind. `prefix` is `self.` in a class."""

    draw: st.DrawFn
    prefix: str = ""
    lines: list[str] = field(default_factory=list)
    pool: list[Tensor] = field(default_factory=list)
    fed: dict[str, str] = field(default_factory=dict)
    variables: list[Tensor] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

    def choose(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def bind(self, name: str, tensor: Tensor, keep: bool = False) -> Tensor:
        """A statement that gives the tensor a name."""
        full = f"{self.prefix if keep or self.prefix and self.draw(st.booleans()) else ''}{name}"
        self.lines.append(f"{full} = {tensor.text}")
        named = replace(tensor, text=full)
        self.pool.append(named)
        return named

    def expression(self, shape: Shape, depth: int = 2) -> Tensor:
        return expressions(self.draw, self.pool, TENSORFLOW, shape, depth)


def inputs(graph: Graph) -> None:
    """Placeholders and variables, so that the pool has every shape but the scalar."""
    for number_, shape in enumerate([VECTOR, MATRIX, SQUARE]):
        value, name = graph.draw(st.sampled_from(DATA[shape])), f"{'xyw'[number_]}"
        kind = graph.choose("variable", "get_variable", "placeholder") if shape != MATRIX else "placeholder"
        if kind == "placeholder":
            size = graph.choose(str(list(shape)), str([None, *shape[1:]])) if shape == MATRIX else str(list(shape))
            made = graph.bind(name, Tensor(f"tf.placeholder(tf.float32, {size}, name='{name}')", shape), True)
            graph.fed[made.text] = graph.choose(value, f"np.array({value}, np.float32)")
        elif kind == "variable":
            made = graph.bind(name, Tensor(f"tf.Variable({value}, name='{name}')", shape), True)
        else:
            made = graph.bind(name, Tensor(f"tf.get_variable('{name}', initializer=tf.constant({value}))", shape), True)
        graph.pool[-1] = made = replace(made, inputs=frozenset({made.text}))
        if kind != "placeholder":
            graph.variables.append(made)
    if graph.draw(st.booleans()):
        graph.bind("c", Tensor(f"tf.constant({graph.draw(st.sampled_from(DATA[VECTOR]))})", VECTOR))


def statements(graph: Graph) -> None:
    """Some tensors: plain ones, loops, comprehensions, helpers."""
    for n in range(graph.draw(st.integers(1, 3))):
        kind = graph.choose("plain", "plain", "loop", "sum", "helper", "scope", "lambda", "function of a function", "cond", "while")
        shape = graph.draw(st.sampled_from([VECTOR, MATRIX]))
        if kind == "loop":
            start = graph.bind(f"h{n}", graph.expression(shape))
            step = curved(graph.draw, combined(graph.choose("{} + {}", "{} * {}"), start, graph.expression(shape, 1), shape=shape), TENSORFLOW)
            graph.lines += [f"for _ in range({graph.draw(st.integers(1, 3))}):", f"    {start.text} = {step.text}"]
            graph.pool[graph.pool.index(start)] = replace(start, inputs=start.inputs | step.inputs)
        elif kind == "sum":
            one = curved(graph.draw, graph.expression(shape), TENSORFLOW)
            graph.bind(f"h{n}", replace(one, text=f"tf.add_n([{one.text} * (0.5 + i) for i in range(3)])"))
        elif kind == "helper":
            body = expressions(graph.draw, [Tensor("a", shape), Tensor("b", MATRIX), Tensor("d", SQUARE), Tensor("e", VECTOR)], TENSORFLOW, shape, 2)
            graph.helpers.append(f"def helper{n}(a, b, d, e):\n    r = {body.text}\n    return tf.tanh(r + a)\n")
            parts = [graph.expression(s, 1) for s in (shape, MATRIX, SQUARE, VECTOR)]
            first = parts[0]
            used = combined(f"helper{n}({{}}, {{}}, {{}}, {{}})", *parts, shape=shape)
            graph.bind(f"h{n}", replace(used, inputs=first.inputs))
        elif kind == "lambda":
            graph.lines.append(f"act{n} = lambda v: {graph.draw(st.sampled_from(TENSORFLOW.smooth)).format('v')}")
            graph.bind(f"h{n}", combined(f"act{n}({{}})", graph.expression(shape), shape=shape))
        elif kind == "function of a function":
            graph.helpers.append(f"def repeat{n}(f, a, n):\n    for _ in range(n):\n        a = f(a)\n    return a\n")
            function = graph.choose("tf.tanh", "tf.sin", "lambda v: 0.5 * tf.sin(v)")
            graph.bind(f"h{n}", combined(f"repeat{n}({function}, {{}}, {graph.choose('1', '2')})", graph.expression(shape), shape=shape))
        elif kind == "cond":
            one, other = curved(graph.draw, graph.expression(shape), TENSORFLOW), graph.expression(shape, 1)
            test = number(TENSORFLOW, graph.expression(VECTOR, 1), graph.draw)
            graph.bind(f"h{n}", Tensor(f"tf.cond({test.text} > 0.1, lambda: {one.text}, lambda: {other.text})", shape, one.inputs & other.inputs))
        elif kind == "while":
            start, more = graph.expression(shape, 1), graph.expression(shape, 1)
            graph.bind(f"h{n}", replace(start, text=f"tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, tf.sin(a) + {more.text}), "
                                                    f"[tf.constant(0), {start.text}])[1]"))
        elif kind == "scope":
            graph.lines.append(f"with tf.name_scope('part{n}'):")
            body = graph.expression(shape)
            graph.lines.append(f"    {graph.prefix}h{n} = {body.text}")
            graph.pool.append(replace(body, text=f"{graph.prefix}h{n}"))
            graph.fetches.append(f"{graph.prefix}h{n}")
        else:
            graph.bind(f"h{n}", graph.expression(shape))


def sites(graph: Graph) -> Tensor:
    """Gradient sites, and a scalar to train by."""
    able = [t for t in graph.pool if t.inputs]
    loss = Tensor("", SCALAR)
    for n in range(graph.draw(st.integers(1, 3))):
        inner = graph.draw(st.sampled_from(able[-3:] if n == 0 else able))
        form = graph.choose("scalar", "tensor", "several", "second", "sens", "stop", "list of ys", "helper", "norm", "each", "hessian")
        names = sorted(inner.inputs)
        x = graph.choose(*names)
        y = graph.bind(f"y{n}", number(TENSORFLOW, curved(graph.draw, inner, TENSORFLOW), graph.draw))
        loss = y
        if form == "scalar":
            made = f"tf.gradients({y.text}, {x})[0]"
        elif form == "tensor":
            made = f"tf.gradients({inner.text}, [{x}])[0]"
        elif form == "several":
            made = f"tf.gradients({y.text}, [{', '.join(names)}])"
        elif form == "second":
            first = graph.bind(f"d{n}", Tensor(f"tf.gradients({y.text}, {x})[0]", SCALAR))
            graph.pool.pop()
            made = f"tf.gradients({graph.choose(first.text, f'tf.reduce_sum({first.text} ** 2)')}, {graph.choose(x)})[0]"
        elif form == "sens":
            made = f"tf.gradients({inner.text}, {x}, grad_ys=tf.ones_like({inner.text}) * 0.5)[0]"
        elif form == "stop":
            made = f"tf.gradients({y.text} + tf.reduce_sum(tf.square({x})), {x}, stop_gradients=[{x}])[0]"
        elif form == "helper":
            graph.helpers.append(f"def slope{n}(y, x):\n    return tf.gradients(y, x)[0]\n")
            made = f"slope{n}({y.text}, {x})"
        elif form == "norm":
            made = f"tf.add_n([tf.reduce_sum(tf.square(g)) for g in tf.gradients({y.text}, [{', '.join(names)}])])"
        elif form == "each":
            made = f"[tf.gradients({y.text}, v)[0] for v in [{', '.join(names)}]]"
        elif form == "hessian":
            made = f"tf.hessians({y.text}, {x})[0]" if x.endswith("x") else f"tf.gradients({y.text}, {x})"
        else:
            made = f"tf.gradients([{y.text}, {inner.text}], {x})[0]"
        name = f"{graph.prefix}g{n}"
        if form == "several" and graph.draw(st.booleans()):
            targets = [f"{graph.prefix}g{n}_{i}" for i in range(len(names))]
            graph.lines.append(f"{', '.join(targets)}{',' if len(targets) == 1 else ''} = {made}")
            graph.fetches += targets
        else:
            graph.lines.append(f"{name} = {made}")
            graph.fetches.append(name)
    if graph.prefix:
        graph.lines.append(f"self.loss = {loss.text}")
        loss = replace(loss, text="self.loss")
    graph.fetches.append(loss.text)
    return loss


def training(graph: Graph, loss: Tensor) -> str:
    """A step, or nothing."""
    kind = graph.choose("none", "none", "sgd", "momentum", "assign", "apply")
    trained = [v for v in graph.variables if v.text in loss.inputs]
    if not trained or kind == "none":
        return ""
    name, v = f"{graph.prefix}step", graph.draw(st.sampled_from(trained))
    if kind == "sgd":
        graph.lines.append(f"{name} = tf.train.GradientDescentOptimizer(0.1).minimize({loss.text}, var_list=[{', '.join(t.text for t in trained)}])")
    elif kind == "momentum":
        graph.lines.append(f"{name} = tf.train.MomentumOptimizer(0.05, 0.9).minimize({loss.text})")
    elif kind == "assign":
        graph.lines.append(f"{name} = {v.text}.assign({v.text} - 0.1 * tf.gradients({loss.text}, {v.text})[0])")
    else:
        graph.lines += [f"{graph.prefix}opt = tf.train.GradientDescentOptimizer(0.1)",
                        f"{graph.prefix}pairs = {graph.prefix}opt.compute_gradients({loss.text}, [{v.text}])",
                        f"{name} = {graph.prefix}opt.apply_gradients({graph.prefix}pairs)"]
    return name


def indented(lines: Sequence[str], by: str = "    ") -> list[str]:
    return [by + line for line in lines]


@st.composite
def tensorflow_programs(draw: st.DrawFn) -> str:
    layout = draw(st.sampled_from(["flat", "flat", "main", "class", "builder"]))
    graph = Graph(draw, "self." if layout == "class" else "")
    inputs(graph)
    statements(graph)
    loss = sites(graph)
    step = training(graph, loss)
    feed = f", feed_dict={{{', '.join(f'{k}: {v}' for k, v in graph.fed.items())}}}"
    one = graph.choose("print(sess.run([{}]{}))", "for value in sess.run([{}]{}):\n    print(value)")
    fetch = one.format(", ".join(graph.fetches), feed).split("\n")
    run = ["sess.run(tf.global_variables_initializer())", *fetch]
    if step:
        run += ["for i in range(2):", f"    sess.run({step}{feed})", f"    print(i, sess.run({loss.text}{feed}))"]
    session = graph.choose("with", "plain")
    run = ["with tf.Session() as sess:", *indented(run)] if session == "with" else ["sess = tf.Session()", *run]
    head = ["import numpy as np", "import tensorflow as tf", "", *graph.helpers, ""]
    if layout == "main":
        body = ["def main():", *indented([*graph.lines, *run]), "", "if __name__ == '__main__':", "    main()"]
    elif layout == "class":
        inside = [line.replace("sess.", "self.sess.") for line in run] if session == "plain" else run
        inside = [line.replace("sess = ", "self.sess = ") if line.startswith("sess") else line for line in inside]
        body = ["class Model:", "    def __init__(self):", *indented(graph.lines, "        "), "", "    def report(self):", *indented(inside, "        "), "",
                "model = Model()", "model.report()"]
    elif layout == "builder":
        body = ["def build():", *indented(graph.lines), f"    return {', '.join(dict.fromkeys([*graph.fed, *graph.fetches, *([step] if step else [])]))}", "",
                f"{', '.join(dict.fromkeys([*graph.fed, *graph.fetches, *([step] if step else [])]))} = build()", *run]
    else:
        body = [*graph.lines, *run]
    return "\n".join([*head, *body]) + "\n"


@given(tensorflow_programs())
@budget(55)
def test_tensorflow_programs(server: Server, tmp_path_factory: pytest.TempPathFactory, program: str) -> None:
    holds(program, server, tmp_path_factory.getbasetemp())
