"""Canonical API names through every style of import, alias and shadowing."""

from __future__ import annotations

import ast

import pytest

from mapper.names import read_names


def resolved(source: str, known: object = None) -> str | None:
    """What the expression of the last statement (or of the last `return`/lambda body in it) refers to."""
    tree = ast.parse(source)
    names = read_names(tree)
    last = [n for n in ast.walk(tree) if isinstance(n, ast.Expr)][-1]
    return names.resolve(last.value)


@pytest.mark.parametrize(("source", "expected"), [
    pytest.param("import tensorflow as tf\ntf.reduce_sum", "tf.reduce_sum", id="the usual alias"),
    pytest.param("import tensorflow\ntensorflow.reduce_sum", "tf.reduce_sum", id="no alias"),
    pytest.param("import tensorflow.compat.v1 as tf\ntf.nn.relu", "tf.nn.relu", id="compat.v1 alias"),
    pytest.param("import tensorflow.compat.v1\ntensorflow.compat.v1.log", "tf.log", id="compat.v1 in full"),
    pytest.param("import tensorflow as tf\ntf.compat.v1.log", "tf.log", id="compat.v1 through the package"),
    pytest.param("import tensorflow as tf\ntf = tf.compat.v1\ntf.log", "tf.log", id="alias rebound to its own part"),
    pytest.param("from tensorflow import gradients as g\ng", "tf.gradients", id="one function, renamed"),
    pytest.param("from tensorflow.python.ops import math_ops\nmath_ops.tanh", "tf.tanh", id="internal ops module"),
    pytest.param("from tensorflow.python.ops import gradients_impl as gi\ngi.gradients", "tf.gradients",
                 id="internal gradients module"),
    pytest.param("from tensorflow.python.framework import ops\nops.Tensor", "tf.Tensor", id="tensorflow's own ops"),
    pytest.param("from tensorflow.python.ops import nn_ops\nnn_ops.relu", "tf.nn.relu", id="internal nn module"),
    pytest.param("import mindspore as ms\nms.Tensor", "ms.Tensor", id="mindspore"),
    pytest.param("import mindspore\nmindspore.ops.ReduceSum", "ops.ReduceSum", id="ops through the package"),
    pytest.param("import mindspore.ops.operations as P\nP.Add", "ops.Add", id="operations"),
    pytest.param("from mindspore.ops import composite as C\nC.GradOperation", "ops.GradOperation", id="composite"),
    pytest.param("from mindspore.ops import functional as F\nF.depend", "ops.depend", id="functional"),
    pytest.param("from mindspore import ops\nops.composite.GradOperation", "ops.GradOperation",
                 id="composite through ops"),
    pytest.param("from mindspore.ops.composite import GradOperation\nGradOperation", "ops.GradOperation",
                 id="from composite"),
    pytest.param("from mindspore.nn.cell import Cell\nCell", "nn.Cell", id="a cell from its file"),
    pytest.param("from mindspore.common.parameter import Parameter\nParameter", "ms.Parameter", id="Parameter"),
    pytest.param("from mindspore.common import dtype as mstype\nmstype.float32", "ms.float32", id="dtype module"),
    pytest.param("from mindspore import dtype as mstype\nmstype.float32", "ms.float32", id="dtype from the package"),
    pytest.param("from mindspore import context\ncontext.set_context", "ms.set_context", id="context"),
    pytest.param("import mindspore as ms\nms.context.GRAPH_MODE", "ms.GRAPH_MODE", id="context attribute"),
    pytest.param("from mindspore.ops import grad\ngrad", "ms.grad", id="grad of ops is grad"),
    pytest.param("import mindspore.ops as ops\nops.value_and_grad", "ms.value_and_grad", id="value_and_grad of ops"),
    pytest.param("from mindspore import ops\nP = ops\nQ = P\nQ.Add", "ops.Add", id="alias of an alias"),
    pytest.param("import mindspore as ms\nT = ms.Tensor\nT", "ms.Tensor", id="alias of a name"),
    pytest.param("try:\n    from mindspore import jit\nexcept ImportError:\n    from mindspore import ms_function as jit"
                 "\njit", "ms.jit", id="try/except import: the first choice"),
    pytest.param("try:\n    import tensorflow.compat.v1 as tf\nexcept ImportError:\n    import tensorflow as tf\ntf.log",
                 "tf.log", id="try/except import: one meaning"),
    pytest.param("try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\ntf.log", "tf.log",
                 id="try/except import: None"),
    pytest.param("def f():\n    import tensorflow as t\n    t.log", "tf.log", id="function-local import"),
    pytest.param("from mindspore.ops import *\nReduceSum", "ops.ReduceSum", id="star import"),
    pytest.param("import numpy as np\nnp.linalg.norm", "np.linalg.norm", id="numpy"),
    pytest.param("import tensorflow as tf\nclass A:\n    tf = 1\n    def f(self):\n        tf.log", "tf.log",
                 id="a class attribute does not shadow inside methods"),
    pytest.param("import tensorflow as tf\n[tf for x in y]\n(lambda q: q)\ntf.log", "tf.log",
                 id="comprehensions keep the outer name"),
])
def test_resolves(source: str, expected: str) -> None:
    assert resolved(source) == expected


@pytest.mark.parametrize("source", [
    pytest.param("def f(tf):\n    tf.log", id="a parameter called tf"),
    pytest.param("import tensorflow as tf\ndef f():\n    tf = object()\n    tf.log", id="a local called tf"),
    pytest.param("import tensorflow as tf\nfor tf in x:\n    pass\ntf.log", id="rebound by a loop"),
    pytest.param("x.reduce_sum", id="an unknown object"),
    pytest.param("from mindspore.ops import *\nprint", id="a builtin beside a star import"),
    pytest.param("import tensorflow as tf\ntf().log", id="an attribute of a call"),
    pytest.param("import tensorflow as tf\ndef g():\n    global tf\n    tf = 3\ntf.log", id="rebound through global"),
])
def test_stays_unresolved(source: str) -> None:
    assert resolved(source) is None


def test_walrus_binds_outside_the_comprehension() -> None:
    tree = ast.parse("def f(xs):\n    [y := x for x in xs]\n    return y")
    names = read_names(tree)
    scope = names.scopes[tree.body[0]]
    assert "y" in scope.bindings and "x" not in scope.bindings


def test_nonlocal_binds_in_the_enclosing_function() -> None:
    tree = ast.parse("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n = 1\n")
    names = read_names(tree)
    assert len(names.scopes[tree.body[0]].bindings["n"]) == 2
