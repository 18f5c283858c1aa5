"""The same of MindSpore programs: functions, cells, lambdas, loops and training steps around GradOperation and its relatives."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_properties import DATA, MATRIX, SCALAR, SQUARE, VECTOR, Operations, Shape, Tensor, budget, combined, curved, expressions, holds, indented, number
from test_properties import server as server
from test_verify_mutations import Server

MINDSPORE = Operations(
    unary=["ops.tanh({})", "ops.sin({})", "ops.cos({})", "ops.sigmoid({})", "ops.square({})", "ops.exp(ops.tanh({}))", "ops.softplus({})", "ops.relu({})",
           "-{}", "ops.abs({})", "ops.log(ops.square({}) + 1.0)", "ops.sqrt(({}) ** 2 + 0.5)", "0.5 * {}", "1.0 / (2.0 + ops.sin({}))", "ops.Tanh()({})",
           "({}).sin()", "ops.where({0} > 0.0, {0}, 0.1 * {0})", "ops.clamp({}, -0.9, 0.9)", "ops.select({0} > 0.0, {0}, ops.zeros_like({0}))"],
    smooth=["ops.sin({})", "ops.tanh({})", "ops.sigmoid({})", "ops.exp(-ops.square({}))", "ops.cos({})"],
    binary=["{} + {}", "{} - {}", "{} * {}", "{} / (ops.square({}) + 1.0)", "ops.maximum(0.93 * {}, {} - 0.0517)",
            "ops.add({}, {})", "ops.mul({}, {})", "ops.sub({}, {})"],
    reduce=["ops.sum({})", "ops.mean({})", "ops.ReduceSum()({})", "ops.mean(ops.square({}))", "({}).sum()", "({}).mean()"],
    to_vector=["ops.sum({}, 0)", "ops.mean({}, 0)", "({})[0]", "ops.ReduceMean()({}, 0)", "ops.squeeze(({})[1:], 0)"],
    to_matrix=[("ops.matmul({}, {})", (MATRIX, SQUARE)), ("ops.softmax({}, -1)", (MATRIX,)), ("ops.stack([{}, {}])", (VECTOR, VECTOR)),
               ("ops.transpose(ops.reshape({}, (3, 2)), (1, 0))", (MATRIX,)), ("ops.cat([({})[:1], ({})[1:]], 0)", (MATRIX, MATRIX)),
               ("ops.tile(ops.expand_dims({}, 0), (2, 1))", (VECTOR,)), ("ops.MatMul()({}, {})", (MATRIX, SQUARE))],
    to_square=[("ops.matmul(ops.transpose({}, (1, 0)), {})", (MATRIX, MATRIX)), ("ops.matmul({}, {})", (SQUARE, SQUARE)), ("({}).T", (SQUARE,)),
               ("ops.expand_dims({}, 1) * {}", (VECTOR, VECTOR))],
    stop="ops.stop_gradient({})")
ALL = [VECTOR, MATRIX, SQUARE]


@dataclass
class Program:
    """A MindSpore program in the making: its lines, tensors to give to functions, constants and weights for functions to read."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    printed: int = 0

    def choose(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def of(self, shape: Shape, place: int = 0) -> str:
        """A tensor for an input: other inputs get other tensors."""
        return [t.text for t in self.tensors if t.shape == shape][place]

    def report(self, value: str, parts: int) -> None:
        """Prints a gradient, or each of several."""
        name = f"r{self.printed}"
        self.printed += 1
        self.lines.append(f"{name} = {value}")
        if parts == 0:
            self.lines.append(f"print({name}.asnumpy())")
        elif self.draw(st.booleans()):
            self.lines += [f"for part in {name}:", "    print(part.asnumpy())"]
        else:
            self.lines.append(f"print({', '.join(f'{name}[{i}].asnumpy()' for i in range(parts))})")


def body(program: Program, parameters: Sequence[Tensor], weights: Sequence[Tensor], scalar: bool) -> tuple[list[str], str]:
    """The statements of a function and what it returns, which depends on all of its parameters and weights in a curved way."""
    draw, lines = program.draw, []
    pool = [*parameters, *weights, *program.constants]
    for n in range(draw(st.integers(0, 2))):
        made = expressions(draw, pool, MINDSPORE, draw(st.sampled_from([VECTOR, MATRIX])), 2)
        kind = program.choose("plain", "loop", "sum")
        lines.append(f"h{n} = {made.text}")
        if kind == "loop":
            lines += [f"for _ in range({draw(st.integers(1, 3))}):", f"    h{n} = {draw(st.sampled_from(MINDSPORE.smooth)).format(f'h{n}')}"]
        elif kind == "sum":
            term = draw(st.sampled_from(MINDSPORE.smooth)).format(made.text)
            lines += [f"for i in range({draw(st.integers(1, 3))}):", f"    h{n} = h{n} + {term} * (0.5 + i)"]
        pool.append(Tensor(f"h{n}", made.shape))
    last = expressions(draw, pool, MINDSPORE, MATRIX, 2)
    terms = [last, *[combined("ops.sum({})", curved(draw, p, MINDSPORE), shape=SCALAR) for p in (*parameters, *weights)]]
    total = combined(" + ".join("{}" for _ in terms), *terms, shape=MATRIX)
    result = number(MINDSPORE, curved(draw, total, MINDSPORE), draw) if scalar else curved(draw, total, MINDSPORE)
    return lines, result.text


def function(program: Program, n: int) -> tuple[str, list[Tensor], bool, list[Tensor]]:
    """A function or cell of one or two inputs; its name, inputs, whether it gives a scalar, and the weights it reads."""
    draw = program.draw
    shapes = draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=2))
    parameters = [Tensor("xy"[i], shape) for i, shape in enumerate(shapes)]
    scalar, kind = draw(st.booleans()), program.choose("function", "function", "cell", "cell with weights", "lambda")
    names = ", ".join(p.text for p in parameters)
    weights = draw(st.lists(st.sampled_from(program.weights), max_size=2, unique=True)) if kind == "function" and program.weights else []
    if kind == "cell with weights":
        own = [Tensor(f"self.{w}", s) for w, s in zip("wb", draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=2)))]
        lines, result = body(program, parameters, own, scalar)
        made = [f"{w.text} = ms.Parameter(ms.Tensor({draw(st.sampled_from(DATA[w.shape]))}, ms.float32), name='{w.text[5:]}{n}')" for w in own]
        program.lines += [f"class Net{n}(nn.Cell):", "    def __init__(self):", "        super().__init__()", *indented(made, "        "), "",
                          f"    def construct(self, {names}):", *indented(lines, "        "), f"        return {result}", "", "", f"f{n} = Net{n}()"]
        weights = [replace(w, text=f"f{n}.{w.text[5:]}") for w in own]
    elif kind == "cell":
        lines, result = body(program, parameters, [], scalar)
        program.lines += [f"class Net{n}(nn.Cell):", f"    def construct(self, {names}):", *indented(lines, "        "), f"        return {result}", "", "",
                          f"f{n} = Net{n}()"]
    elif kind == "lambda":
        result = number(MINDSPORE, curved(draw, expressions(draw, [*parameters, *program.constants], MINDSPORE, MATRIX, 2), MINDSPORE), draw).text
        scalar = True
        rest = "".join(f" + ops.sum(ops.sin({p.text}))" for p in parameters)
        program.lines += [f"def f{n}({names}):", f"    term = lambda v: v * {result}", f"    return term(1.5){rest}", "", ""]
    else:
        lines, result = body(program, parameters, weights, scalar)
        program.lines += [f"def f{n}({names}):", *indented(lines), f"    return {result}", "", ""]
    return f"f{n}", parameters, scalar, weights


def gradient(program: Program, name: str, parameters: Sequence[Tensor], scalar: bool, weights: Sequence[Tensor], n: int) -> None:
    """A gradient of the function in one of MindSpore's spellings, printed."""
    draw, count = program.draw, len(parameters)
    given = ", ".join(program.of(p.shape, i) for i, p in enumerate(parameters))
    form = program.choose("first", "all", "grad", "value_and_grad", "wrapper", "second", "cell", *([] if scalar else ["sens"]),
                          *(["weights", "both", "by function"] if weights else []))
    listed = f"ms.ParameterTuple([{', '.join(w.text for w in weights)}])"
    if form == "first":
        program.report(f"ops.GradOperation()({name})({given})", 0)
    elif form == "all":
        program.report(f"ops.GradOperation(get_all=True)({name})({given})", count)
    elif form == "grad":
        position = draw(st.integers(0, count - 1))
        program.report(f"ms.grad({name}, {position})({given})" if position else f"ms.grad({name})({given})", 0)
    elif form == "value_and_grad":
        program.lines.append(f"value{n}, slope{n} = ms.value_and_grad({name})({given})")
        program.lines.append(f"print(value{n}.asnumpy(), slope{n}.asnumpy())")
    elif form == "wrapper":
        names = ", ".join("abc"[i] for i in range(count))
        program.lines += [f"def slope{n}({names}):", f"    return ops.GradOperation()({name})({names})", "", ""]
        program.report(f"slope{n}({given})", 0)
    elif form == "cell":
        names = ", ".join("abc"[i] for i in range(count))
        program.lines += [f"class Slope{n}(nn.Cell):", "    def __init__(self, net):", "        super().__init__()", "        self.net = net",
                          "        self.grad = ops.GradOperation(get_all=True)", "", f"    def construct(self, {names}):",
                          f"        return self.grad(self.net)({names})", "", ""]
        program.report(f"Slope{n}({name})({given})", count)
    elif form == "second":
        names = ", ".join("abc"[i] for i in range(count))
        program.lines += ["@ms.jit", f"def slope{n}({names}):", f"    return ops.sum(ops.GradOperation()({name})({names}) ** 2)", "", ""]
        program.report(f"ops.GradOperation()(slope{n})({given})", 0)
    elif form == "sens":
        program.report(f"ops.GradOperation(sens_param=True)({name})({given}, {program.of(MATRIX)})", 0)
    elif form == "weights":
        program.report(f"ops.GradOperation(get_by_list=True)({name}, {listed})({given})", len(weights))
    elif form == "by function":
        program.report(f"ms.grad({name}, None, {listed})({given})", len(weights))
    else:
        program.lines.append(f"of_inputs{n}, of_weights{n} = ops.GradOperation(get_all=True, get_by_list=True)({name}, {listed})({given})")
        program.lines.append(f"print(of_inputs{n}[0].asnumpy(), of_weights{n}[0].asnumpy())")


def training(program: Program, name: str, parameters: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
    """Steps of an optimizer in a loop."""
    given = ", ".join(program.of(p.shape, i) for i, p in enumerate(parameters))
    listed = ", ".join(w.text for w in weights)
    optimizer = program.choose("nn.SGD([{}], 0.1)", "nn.Momentum([{}], 0.05, 0.9)").format(listed)
    program.lines += [f"optimizer = {optimizer}"]
    if program.draw(st.booleans()):
        program.lines += [f"step = ops.GradOperation(get_by_list=True)({name}, ms.ParameterTuple([{listed}]))", "for i in range(2):",
                          f"    optimizer(step({given}))", f"    print(i, {name}({given}).asnumpy())"]
    else:
        program.lines += [f"step = ms.value_and_grad({name}, None, optimizer.parameters)", "for i in range(2):", f"    loss, grads = step({given})",
                          "    optimizer(grads)", "    print(i, loss.asnumpy())"]


@st.composite
def mindspore_programs(draw: st.DrawFn) -> str:
    program = Program(draw)
    for n, shape in enumerate([*ALL, *ALL]):
        value = draw(st.sampled_from(DATA[shape]))
        program.lines.append(f"t{n} = ms.Tensor({program.choose(value, f'np.array({value})')}, ms.float32)")
        program.tensors.append(Tensor(f"t{n}", shape))
    for n, shape in enumerate(ALL):                             # what functions capture is not what they are given: MindSpore tells tensors by identity
        program.lines.append(f"k{n} = ms.Tensor({draw(st.sampled_from(DATA[shape]))}, ms.float32)")
        program.constants.append(Tensor(f"k{n}", shape))
    for n, shape in enumerate(draw(st.lists(st.sampled_from(ALL), max_size=2))):
        program.lines.append(f"p{n} = ms.Parameter(ms.Tensor({draw(st.sampled_from(DATA[shape]))}, ms.float32), name='p{n}')")
        program.weights.append(Tensor(f"p{n}", shape))
    program.lines += ["", ""]
    for n in range(draw(st.integers(1, 3))):
        name, parameters, scalar, weights = function(program, n)
        gradient(program, name, parameters, scalar, weights, n)
    if scalar and weights and draw(st.booleans()):
        training(program, name, parameters, weights)
    return "\n".join(["import numpy as np", "import mindspore as ms", "from mindspore import nn, ops", "", *program.lines]) + "\n"


@given(mindspore_programs())
@budget(50)
def test_mindspore_programs(server: Server, tmp_path_factory: pytest.TempPathFactory, program: str) -> None:
    holds(program, server, tmp_path_factory.getbasetemp())
