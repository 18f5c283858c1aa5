"""MindSpore to TensorFlow: whole programs keep their numbers; what is not converted is said; loops build their graph once."""
from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mapper

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs" / "mindspore").glob("*.py"))
GOLDEN = sorted((HERE / "golden" / "mindspore").glob("*.in.py"))
_DROPPED = re.compile(r"dtype\s*=\s*<?[\w.']+>?|shape\s*=\s*[(\[][\d\s,]*[)\]]|\b(?:np|tf|ms|mindspore)\.\w+(?=\()|\b(?:[Ff]loat|[Ii]nt)\d+\b")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|\bTrue\b|\bFalse\b")


def numbers(text: str) -> list[float]:
    return [float({"True": 1, "False": 0}.get(n, n)) for n in _NUMBER.findall(_DROPPED.sub(" ", text))]


def run(path: Path) -> str:
    """What a program prints on the bundled runtime."""
    child = subprocess.run([sys.executable, "-m", "mapper.runtime", "run", str(path)], capture_output=True, text=True, timeout=120,
                           cwd=HERE.parent)
    assert child.returncode == 0, child.stderr[-2000:]
    return child.stdout


def converted(source: str, tmp_path: Path, name: str = "converted.py") -> Path:
    conversion = mapper.convert(source, filename=name)
    assert conversion.complete, [str(f) for f in conversion.findings]
    assert "# mapper:" not in conversion.code
    target = tmp_path / name
    target.write_text(conversion.code, "utf-8")
    return target


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_prints_the_numbers_that_mindspore_printed(path: Path, tmp_path: Path) -> None:
    target = converted(path.read_text("utf-8"), tmp_path)
    expected = numbers(path.with_suffix(".expected.txt").read_text("utf-8"))
    assert numbers(run(target)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_every_gradient_site_is_reported_with_the_line_it_became(path: Path) -> None:
    source = path.read_text("utf-8")
    conversion = mapper.convert(source)
    assert conversion.sites
    lines = conversion.code.split("\n")
    for site in conversion.sites:
        assert site.converted is not None
        if site.kind != "jvp":
            assert "tf.gradients(" in lines[site.converted[0] - 1]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_every_name_of_the_output_has_a_meaning(path: Path) -> None:
    assert unbound(mapper.convert(path.read_text("utf-8")).code) == set()


def unbound(code: str) -> set[str]:
    """Names that a module reads and never binds."""
    tree = ast.parse(code)
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)} | set(dir(builtins)) | {"__file__", "__name__"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - bound


UNKNOWN = [
    "y = ops.NoSuchOperation()(x)", "net = nn.NoSuchLayer(3)", "y = ops.no_such_function(x)", "print(ms.no_such_thing)",
    "class Deep(nn.NoSuchBase):\n    pass", "def f(a=ops.no_such_default):\n    return a", "@ms.no_such_decorator\ndef f(a):\n    return a",
    "y = x.no_such_method()", "fs = [ops.no_such_function, abs]", "y = C.NoSuchGraph('a')(x)",
]


@pytest.mark.parametrize("statement", UNKNOWN)
def test_what_has_no_counterpart_is_marked_and_found(statement: str) -> None:
    source = ("import mindspore as ms\nfrom mindspore import nn, ops, Tensor\nfrom mindspore.ops import composite as C\n"
              f"x = Tensor([1.0, 2.0])\n{statement}\nprint(ms.grad(lambda v: v * v)(x))\n")
    conversion = mapper.convert(source)
    assert not conversion.complete
    assert re.search(r"^\s*# mapper: M\d{3} .+", conversion.code, re.M)


LOOP = """import numpy as np
import mindspore as ms
from mindspore import Tensor, Parameter, nn, ops

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.ones((3, 1), np.float32)), name="w")

    def construct(self, x):
        return ops.matmul(x, self.w)

net = Net()
opt = nn.Momentum(net.trainable_params(), 0.05, 0.9)

def loss_fn(x, y):
    return ((net(x) - y) ** 2).mean()

grad_fn = ms.value_and_grad(loss_fn, None, opt.parameters)

def step(x, y):
    loss, grads = grad_fn(x, y)
    opt(grads)
    return loss

rng = np.random.RandomState(0)
for i in range(STEPS):
    x = Tensor(rng.randn(4, 3).astype(np.float32))
    y = Tensor(rng.randn(4, 1).astype(np.float32))
    loss = step(x, y)
    g = ms.grad(loss_fn)(x, y)
print(loss, g.asnumpy().sum())
"""


def test_a_training_loop_does_not_grow_the_graph(tmp_path: Path) -> None:
    sizes = []
    for steps in (2, 9):
        target = converted(LOOP.replace("STEPS", str(steps)), tmp_path, f"loop{steps}.py")
        target.write_text(target.read_text("utf-8") + "\nprint(len(tf.get_default_graph().get_operations()))\n", "utf-8")
        sizes.append(run(target).split()[-1])
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name.removesuffix(".in.py"))
def test_the_output_reads_as_agreed(path: Path) -> None:
    expected = path.with_name(path.name.replace(".in.py", ".out.py"))
    assert mapper.convert(path.read_text("utf-8")).code == expected.read_text("utf-8")


def test_a_function_that_only_steps_an_optimizer_is_run_where_it_is_called() -> None:
    code = mapper.convert("import mindspore as ms\nfrom mindspore import nn, ops\nw = ms.Parameter(ms.Tensor([1.0, 2.0]), name='w')\n"
                          "def outer():\n    return ops.sum(w * w)\ndef slopes():\n"
                          "    return ops.GradOperation(get_by_list=True)(outer, ms.ParameterTuple([w]))()\n"
                          "opt = nn.SGD([w], 0.1)\ndef step():\n    opt(slopes())\nfor i in range(2):\n    print(outer().asnumpy())\n    step()\n").code
    assert "    run(step)\n" in code


def test_a_tuple_of_values_is_one_value_of_a_lambda() -> None:
    code = mapper.convert("import mindspore as ms\nfrom mindspore import ops, jacrev\ndef f(x):\n"
                          "    return ops.sum(x ** 3)\ndef newton(x, n):\n    grad = ms.grad(f)\n"
                          "    hess = jacrev(grad)\n    for i in range(n):\n        g, H = grad(x), hess(x)\n"
                          "        print(g.asnumpy(), H.asnumpy())\n        x = x - g\n"
                          "    return x\nprint(newton(ms.Tensor([1.0, 2.0]), 2).asnumpy())\n").code
    assert re.search(r"g, H = run\(lambda [^:]+: \(grad\(x\), hess\(x\)\), ", code)


_OVERLOADS = ("import mindspore.ops as ops\nfrom mindspore.ops import functional as F, composite as C\n"
              "_accumulate = C.MultitypeFuncGraph('accumulate')\n@_accumulate.register('Tensor', 'Tensor')  # first\ndef _add(acc, grad):\n"
              "    return F.assign_add(acc, grad)\n")
_MAPPED = "hyper_map = C.HyperMap()\nclass Net(nn.Cell):\n    def construct(self, x):\n        hyper_map(_accumulate, self.acc, grads)  # note\n"
ODD = {
    "an op without its arguments": ("from mindspore import ops\nclass A:\n    def f(self):\n        ops.clip_by_global_norm().x()\n", "# mapper: M302"),
    "nothing is left below an update": (_OVERLOADS + _MAPPED + "        self.grad = ops.GradOperation(get_by_list=True)\n", "        return update"),
    "one registration twice": (_OVERLOADS + _OVERLOADS.partition("e')\n")[2] + _MAPPED, "        [_accumulate(a, b) for a, b in zip(self.acc, grads)]  # note"),
    "a lone star": ("async def main():\n    import mindspore as ms\n    (z, s), gz =* ms.value_and_grad(g, 0, has_aux=True)(x, y)\n    print(z)\n", "=* run("),
}


@pytest.mark.parametrize("source, line", ODD.values(), ids=ODD)
def test_odd_programs_are_converted_or_marked(source: str, line: str) -> None:
    code = mapper.convert(source).code
    ast.parse(code)
    assert line in code
    assert code.count("# first") == source.count("# first")


def test_parts_of_a_shape_are_joined_and_compared_as_tuples(tmp_path: Path) -> None:
    source = ("import numpy as np\nimport mindspore as ms\nfrom mindspore import ops\nx = ms.Tensor(np.ones((2, 4, 5), np.float32))\ndef f(x):\n"
              "    y = ops.ones(x.shape[:1] + (3,) + ops.shape(x)[2:], ms.float32)\n    assert x.shape[1:] == (4, 5)\n"
              "    return (x[:, :3] * y).sum() * x.shape[0]\nprint(ms.grad(f)(x).asnumpy().sum())\n")
    assert numbers(run(converted(source, tmp_path))) == [60.0]


def test_a_loss_is_computed_before_the_update_that_has_a_name() -> None:
    source = (HERE / "programs/mindspore/gathered_rows_clipped.py").read_text("utf-8")
    code = mapper.convert(source, to="tensorflow").code
    assert "with tf.control_dependencies([loss]):\n            succ = self.optimizer(grads)\n" in code
