"""Matrix products and linear algebra."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops as engine
from ...core import Node, leaf
from ..operands import node_of, refuse
from ..tensor import Tensor, wrap
from .primitive import REQUIRED, primitive, primitives


def _same_type(a: Node, b: Node, name: str) -> None:
    if a.dtype != b.dtype:
        from ..dtypes import OF_NUMPY

        raise TypeError(f"For '{name}', the type of 'x2' should be same as 'x1', but got 'x1' with type Tensor[{OF_NUMPY[a.dtype]}] "
                        f"and 'x2' with type Tensor[{OF_NUMPY[b.dtype]}].")



def mat_mul(x: Any, y: Any, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """The product of two matrices. Raises TypeError for unequal dtypes, ValueError for other ranks or sizes that do not fit."""
    a, b = node_of(x, "MatMul"), node_of(y, "MatMul")
    _same_type(a, b, "MatMul")
    if a.value.ndim != 2 or b.value.ndim != 2:
        raise ValueError("MatMul inputs should have the same dimension size and equal to 2.")
    inner, other = a.value.shape[0 if transpose_a else 1], b.value.shape[1 if transpose_b else 0]
    if inner != other:
        raise ValueError(f"For 'MatMul' the input dimensions must be equal, but got 'x1_col': {inner} and 'x2_row': {other}.")
    return wrap(engine.matmul(a, b, transpose_a, transpose_b))


def batch_mat_mul(x: Any, y: Any, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    a, b = node_of(x, "BatchMatMul"), node_of(y, "BatchMatMul")
    _same_type(a, b, "BatchMatMul")
    return wrap(engine.matmul(a, b, transpose_a, transpose_b))


def matmul(input: Any, other: Any) -> Tensor:
    """NumPy's matmul: vectors are rows or columns, leading axes broadcast."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise refuse("MatMulExt", input, other)
    a, b = input.node, other.node
    _same_type(a, b, "MatMulExt")
    if a.value.ndim >= 2 and b.value.ndim >= 2:
        return wrap(engine.matmul(a, b))
    if not a.value.ndim or not b.value.ndim:
        raise ValueError("For 'MatMulExt', inputs must be at least 1-D.")
    drop = []
    if b.value.ndim == 1:
        b, drop = engine.expand_dims(b, 1), [-1]
    if a.value.ndim == 1:
        a, drop = engine.expand_dims(a, 0), [*drop, -2]
    return wrap(engine.squeeze(engine.matmul(a, b), tuple(drop)))


def tensor_dot(x1: Any, x2: Any, axes: Any) -> Tensor:
    a, b = node_of(x1, "tensor_dot"), node_of(x2, "tensor_dot")
    return wrap(engine.tensordot(a, b, axes if isinstance(axes, int) else [list(p) if isinstance(p, (list, tuple)) else p for p in axes]))


def dot(input: Any, other: Any) -> Tensor:
    if input.ndim == 0 or other.ndim == 0:
        return input * other                              # type: ignore[no-any-return]
    if input.ndim <= 2 and other.ndim <= 2:
        return matmul(input, other)
    return tensor_dot(input, other, ((-1,), (-2 if other.ndim > 1 else 0,)))


def inner(input: Any, other: Any) -> Tensor:
    return tensor_dot(input, other, ((-1,), (-1,))) if input.ndim and other.ndim else input * other


def outer(input: Any, vec2: Any) -> Tensor:
    return wrap(engine.expand_dims(node_of(input, "outer"), 1) * engine.expand_dims(node_of(vec2, "outer"), 0))


def einsum(equation: str, *operands: Any) -> Tensor:
    return wrap(engine.einsum(equation, *(node_of(x, "einsum") for x in (operands[0] if isinstance(operands[0], (list, tuple)) else operands))))


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * input + alpha * matmul(mat1, mat2)


def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * input + alpha * matmul(mat, vec)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * input + alpha * batch_mat_mul(batch1, batch2)


def inverse(input: Any) -> Tensor:
    return wrap(engine.inverse(node_of(input, "inverse")))


def det(input: Any) -> Tensor:
    return wrap(engine.det(node_of(input, "det")))


def slogdet(input: Any) -> tuple[Tensor, Tensor]:
    node = node_of(input, "slogdet")
    return wrap(engine.det_sign(node)), wrap(engine.log_abs_det(node))


def logdet(input: Any) -> Tensor:
    return wrap(engine.log(engine.det(node_of(input, "logdet"))))


def cholesky(input_x: Any, upper: bool = False) -> Tensor:
    factor = engine.cholesky(node_of(input_x, "cholesky"))
    return wrap(engine.linalg.turn(factor) if upper else factor)


def trace(input: Any) -> Tensor:
    return wrap(engine.trace(node_of(input, "trace")))


def svd(input: Any, full_matrices: bool = False, compute_uv: bool = True) -> Any:
    s, u, v = engine.svd(node_of(input, "svd"))
    return (wrap(s), wrap(u), wrap(v)) if compute_uv else wrap(s)


def qr(input: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    q, r = engine.qr(node_of(input, "qr"))
    return wrap(q), wrap(r)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False) -> Tensor:
    return wrap(engine.solve(node_of(matrix, "MatrixSolve"), node_of(rhs, "MatrixSolve"), adjoint))


def triangular_solve(a: Any, b: Any, lower: bool = True, adjoint: bool = False) -> Tensor:
    return wrap(engine.triangular_solve(node_of(a, "MatrixTriangularSolve"), node_of(b, "MatrixTriangularSolve"), lower, adjoint))


def matrix_power(input: Any, n: int) -> Tensor:
    base = inverse(input) if n < 0 else input
    result = wrap(leaf(np.broadcast_to(np.eye(input.shape[-1], dtype=input.node.dtype), input.shape).copy()))
    for _ in range(abs(n)):
        result = matmul(result, base)
    return result


def batch_dot(x1: Any, x2: Any, axes: Any = None) -> Tensor:
    """Products of the examples of two batches, contracted over one axis of each (the last of x1, the second-last of x2)."""
    a, b = node_of(x1, "batch_dot"), node_of(x2, "batch_dot")
    rank_a, rank_b = a.value.ndim, b.value.ndim
    first, second = (rank_a - 1, rank_b - 2 if rank_b > 2 else rank_b - 1) if axes is None else (axes, axes) if isinstance(axes, int) else axes
    letters = "abcdefghijklm"
    left = ["z", *letters[:rank_a - 1]]
    right = ["z", *letters[rank_a:rank_a + rank_b - 1]]
    left[first] = right[second] = "k"
    kept = "".join(x for x in left[1:] + right[1:] if x != "k")
    made = engine.einsum(f"{''.join(left)},{''.join(right)}->z{kept}", a, b)
    return wrap(engine.expand_dims(made, 1) if not kept else made)


def cross(input: Any, other: Any, dim: Any = None) -> Tensor:
    a, b = node_of(input, "cross"), node_of(other, "cross")
    axis = a.value.shape.index(3) if dim is None else int(dim)
    (a0, a1, a2), (b0, b1, b2) = engine.unstack(a, 3, axis), engine.unstack(b, 3, axis)
    return wrap(engine.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis))


P = primitives({
    "MatrixInverse": inverse, "MatrixDeterminant": det, "LogMatrixDeterminant": slogdet, "Trace": trace, "Ger": outer,
})
P |= {
    "MatMul": primitive("MatMul", mat_mul, transpose_a=False, transpose_b=False),
    "BatchMatMul": primitive("BatchMatMul", batch_mat_mul, transpose_a=False, transpose_b=False),
    "Cholesky": primitive("Cholesky", cholesky, upper=False),
    "Einsum": primitive("Einsum", lambda xs, equation: einsum(equation, *xs), equation=REQUIRED),
    "MatrixSolve": primitive("MatrixSolve", matrix_solve, adjoint=False),
    "MatrixTriangularSolve": primitive("MatrixTriangularSolve", triangular_solve, lower=True, adjoint=False),
    "Svd": primitive("Svd", lambda x, full_matrices, compute_uv: svd(x, full_matrices, compute_uv), full_matrices=False, compute_uv=True),
    "Qr": primitive("Qr", lambda x, full_matrices: qr(x), full_matrices=False),
    "Cross": primitive("Cross", lambda a, b, dim: cross(a, b, None if dim == -65530 else dim), dim=-65530),
    "MatrixPower": primitive("MatrixPower", matrix_power, n=REQUIRED),
}

ALIASES = {"bmm": batch_mat_mul, "mm": matmul, "mv": matmul, "ger": outer, "matrix_determinant": det, "solve": matrix_solve,
           "tensordot": tensor_dot, "log_matrix_determinant": slogdet, "batch_matmul": batch_mat_mul}
