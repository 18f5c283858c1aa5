"""Matrix products, decompositions and solvers. Batched over leading axes like NumPy's."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Array, Node, Shape, apply, pick
from .define import broadcast_shapes, define
from .elementwise import conj, reciprocal, square, subtract
from .shape import (
    HOLE,
    concat,
    expand_dims,
    getitem,
    matrix_band_part,
    matrix_diag,
    matrix_diag_part,
    ones_like,
    shape_of,
    spread_like,
    take_index,
    transpose,
    tril,
)


def _turn(x: Array, turned: bool) -> Array:
    if 0 in x.strides:
        x = x.copy()              # NumPy multiplies matrices of repeated elements without BLAS
    return np.swapaxes(x, -1, -2) if turned else x


def _matmul_infer(a: Node, b: Node, transpose_a: bool, transpose_b: bool) -> tuple[Shape, Any]:
    if a.shape is None or b.shape is None:
        return None, a.dtype
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise ValueError(f"Shape must be rank 2 but is rank {min(len(a.shape), len(b.shape))} for '{{{{node MatMul}}}} = MatMul' with input shapes: "
                         f"{list(a.shape)}, {list(b.shape)}.")
    rows, inner = (a.shape[-1], a.shape[-2]) if transpose_a else (a.shape[-2], a.shape[-1])
    other, columns = (b.shape[-1], b.shape[-2]) if transpose_b else (b.shape[-2], b.shape[-1])
    if inner is not None and other is not None and inner != other:
        raise ValueError(f"Dimensions must be equal, but are {inner} and {other} for a matrix product of input shapes: "
                         f"{list(a.shape)}, {list(b.shape)}")
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return (None if batch is None else (*batch, rows, columns)), a.dtype


def _matmul_a(g: Node, y: Node, a: Node, b: Node, transpose_a: bool, transpose_b: bool) -> Node:
    b = conj(b)
    return matmul(b, g, transpose_b, True) if transpose_a else matmul(g, b, False, not transpose_b)


def _matmul_b(g: Node, y: Node, a: Node, b: Node, transpose_a: bool, transpose_b: bool) -> Node:
    a = conj(a)
    return matmul(g, a, True, transpose_a) if transpose_b else matmul(a, g, not transpose_a, False)


_MATMUL = define("matmul", lambda a, b, transpose_a, transpose_b: np.matmul(_turn(a, transpose_a), _turn(b, transpose_b)),
                 _matmul_infer, _matmul_a, _matmul_b)


def matmul(a: Node, b: Node, transpose_a: bool = False, transpose_b: bool = False) -> Node:
    """The product over the last two axes, [..., n, k] by [..., k, m]; leading axes broadcast."""
    return apply(_MATMUL, a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def turn(x: Node) -> Node:
    """x with its last two axes exchanged."""
    rank = len(x.shape) if x.shape is not None else 2
    return transpose(x, (*range(rank - 2), rank - 1, rank - 2))


# ------------------------------------------------------------------------------------------------------------------ einsum

def _einsum_terms(equation: str) -> tuple[list[str], str]:
    left, _, right = equation.replace(" ", "").partition("->")
    return left.split(","), right


def _einsum_infer(*xs: Node, equation: str) -> tuple[Shape, Any]:
    terms, out = _einsum_terms(equation)
    if any(x.shape is None for x in xs):
        return None, xs[0].dtype
    sizes: dict[str, int | None] = {}
    for term, x in zip(terms, xs, strict=True):
        for letter, size in zip(term, x.shape or (), strict=True):
            sizes[letter] = size if sizes.get(letter) in (None, 1) else sizes[letter]
    return tuple(sizes[letter] for letter in out), xs[0].dtype


def _einsum_vjp(position: int) -> Any:
    def vjp(g: Node, y: Node, *xs: Node, equation: str) -> Node:
        terms, out = _einsum_terms(equation)
        rest = [(term, x) for i, (term, x) in enumerate(zip(terms, xs, strict=True)) if i != position]
        present = set(out).union(*(term for term, _ in rest)) if rest else set(out)
        kept = "".join(letter for letter in terms[position] if letter in present)
        names = ",".join([out, *(term for term, _ in rest)])
        result = einsum(f"{names}->{kept}", g, *(x for _, x in rest))
        if kept == terms[position]:
            return result
        missing = [i for i, letter in enumerate(terms[position]) if letter not in present]
        return spread_like(result, xs[position], tuple(missing))

    return vjp


_EINSUM = define("einsum", lambda *xs, equation: np.einsum(equation, *xs, optimize=len(xs) > 2), _einsum_infer, variadic=_einsum_vjp)


def einsum(equation: str, *xs: Node) -> Node:
    """Einstein summation. The right-hand side may be missing, "..." stands for leading axes that broadcast, and a letter that
    occurs twice in one term takes a diagonal."""
    equation = equation.replace(" ", "")
    if "->" not in equation:
        letters = equation.replace(",", "").replace(".", "")
        dots = "..." if "..." in equation else ""
        equation += f"->{dots}" + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    if "..." in equation:
        equation = _without_dots(equation, xs)
    left, _, right = equation.partition("->")
    terms, operands = left.split(","), list(xs)
    spare = [letter for letter in _LETTERS if letter not in equation]
    for position, x in enumerate(xs):
        term = terms[position]
        for i, letter in enumerate(term):
            if letter in term[:i]:
                other = spare.pop()
                terms[position] = terms[position][:i] + other + terms[position][i + 1:]
                terms.append(letter + other)
                operands.append(matrix_diag(ones_like(take_line(x, i))))
    return apply(_EINSUM, *operands, equation=f"{','.join(terms)}->{right}")


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def take_line(x: Node, axis: int) -> Node:
    """Some vector along an axis of x."""
    from .reduction import reduce_sum

    return reduce_sum(x, tuple(i for i in range(len(x.shape or ())) if i != axis))


def _without_dots(equation: str, xs: Sequence[Node]) -> str:
    """The equation with letters for what its dots stand for."""
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if any(x.shape is None for x in xs):
        raise ValueError(f"einsum of {equation!r} needs operands of known rank")
    counts = [len(x.shape or ()) - len(term.replace("...", "")) if "..." in term else 0 for term, x in zip(terms, xs, strict=True)]
    spare = "".join(letter for letter in reversed(_LETTERS) if letter not in equation)[:max(counts)]
    filled = [term.replace("...", spare[len(spare) - count:]) for term, count in zip(terms, counts, strict=True)]
    return f"{','.join(filled)}->{right.replace('...', spare)}"


def tensordot(a: Node, b: Node, axes: int | Sequence[Sequence[int]]) -> Node:
    """NumPy's tensordot, by einsum."""
    rank_a, rank_b = len(a.shape or ()), len(b.shape or ())
    if isinstance(axes, int):
        left, right = list(range(rank_a - axes, rank_a)), list(range(axes))
    else:
        left, right = ([axis % rank for axis in ([part] if isinstance(part, int) else part)]
                       for part, rank in zip(axes, (rank_a, rank_b), strict=True))
    letters = "abcdefghijklmnopqrstuvwxyz"
    term_a, term_b = list(letters[:rank_a]), list(letters[rank_a:rank_a + rank_b])
    for i, j in zip(left, right, strict=True):
        term_b[j] = term_a[i]
    out = [c for i, c in enumerate(term_a) if i not in left] + [c for j, c in enumerate(term_b) if j not in right]
    return einsum(f"{''.join(term_a)},{''.join(term_b)}->{''.join(out)}", a, b)


# ----------------------------------------------------------------------------------------------- solvers and decompositions

def _same(x: Node, *rest: Node, **params: Any) -> tuple[Shape, Any]:
    return x.shape, x.dtype


_INVERSE = define("inverse", np.linalg.inv, _same, lambda g, y, x: -matmul(matmul(conj(y), g, True), conj(y), False, True))


def inverse(x: Node) -> Node:
    return apply(_INVERSE, x)


def _solve(a: Array, b: Array, adjoint: bool) -> Any:
    return np.linalg.solve(_turn(a, adjoint), b)


_SOLVE = define("solve", _solve, lambda a, b, adjoint: (b.shape, b.dtype),
                lambda g, y, a, b, adjoint: (-matmul(y, solve(a, g, not adjoint), False, True) if adjoint
                                             else -matmul(solve(a, g, not adjoint), y, False, True)),
                lambda g, y, a, b, adjoint: solve(a, g, not adjoint))


def solve(a: Node, b: Node, adjoint: bool = False) -> Node:
    """x in a x = b (aᵀ x = b when adjoint); b is a matrix of right-hand sides."""
    return apply(_SOLVE, a, b, adjoint=adjoint)


def _triangular(a: Array, b: Array, lower: bool, adjoint: bool) -> Any:
    return np.linalg.solve(_turn(np.tril(a) if lower else np.triu(a), adjoint), b)


def _triangular_a(g: Node, y: Node, a: Node, b: Node, lower: bool, adjoint: bool) -> Node:
    back = triangular_solve(a, g, lower, not adjoint)
    full = -matmul(y, back, False, True) if adjoint else -matmul(back, y, False, True)
    return matrix_band_part(full, -1, 0) if lower else matrix_band_part(full, 0, -1)


_TRIANGULAR = define("triangular_solve", _triangular, lambda a, b, lower, adjoint: (b.shape, b.dtype), _triangular_a,
                     lambda g, y, a, b, lower, adjoint: triangular_solve(a, g, lower, not adjoint))


def triangular_solve(a: Node, b: Node, lower: bool = True, adjoint: bool = False) -> Node:
    return apply(_TRIANGULAR, a, b, lower=lower, adjoint=adjoint)


def _halve_diagonal(x: Node) -> Node:
    return tril(x) - matrix_diag(matrix_diag_part(x)) * 0.5


def _cholesky_grad(g: Node, y: Node, x: Node) -> Node:
    # Murray (2016), "Differentiation of the Cholesky decomposition", eq. 10.
    middle = _halve_diagonal(matmul(y, tril(g), True))
    left = triangular_solve(y, middle, True, True)
    full = turn(triangular_solve(y, turn(left), True, True))
    return (full + turn(full)) * 0.5


_CHOLESKY = define("cholesky", np.linalg.cholesky, _same, _cholesky_grad)


def cholesky(x: Node) -> Node:
    """The lower triangular factor of a symmetric positive definite matrix; the gradient is symmetric."""
    return apply(_CHOLESKY, x)


def _spread_matrix(g: Node) -> Node:
    return expand_dims(expand_dims(g, -1), -1)


_DET = define("det", np.linalg.det, lambda x: (None if x.shape is None else x.shape[:-2], x.dtype),
              lambda g, y, x: _spread_matrix(g * y) * turn(inverse(x)))
_LOGDET = define("log_abs_det", lambda x: np.linalg.slogdet(x)[1], lambda x: (None if x.shape is None else x.shape[:-2], x.dtype),
                 lambda g, y, x: _spread_matrix(g) * turn(inverse(x)))
_DETSIGN = define("det_sign", lambda x: np.linalg.slogdet(x)[0], lambda x: (None if x.shape is None else x.shape[:-2], x.dtype), None)


def det(x: Node) -> Node:
    return apply(_DET, x)


def log_abs_det(x: Node) -> Node:
    return apply(_LOGDET, x)


def det_sign(x: Node) -> Node:
    return apply(_DETSIGN, x)


def trace(x: Node) -> Node:
    from .reduction import reduce_sum

    return reduce_sum(matrix_diag_part(x), -1)


def _pair_gaps(w: Node) -> Node:
    """1 / (w_j - w_i) off the diagonal, 0 on it."""
    gaps = subtract(expand_dims(w, -2), expand_dims(w, -1))
    eye = matrix_diag(ones_like(w))
    return reciprocal(gaps + eye) - eye


def _eigh_grad(gs: Sequence[Node], y: Node, x: Node) -> Node:
    w, v = pick(y, 0), pick(y, 1)
    inner = _pair_gaps(w) * matmul(v, gs[1], True) + matrix_diag(gs[0])
    full = matmul(matmul(v, inner), v, False, True)
    return (full + turn(full)) * 0.5


def _eigh_infer(x: Node) -> Any:
    return [(None if x.shape is None else x.shape[:-1], x.dtype), (x.shape, x.dtype)]


_EIGH = define("eigh", lambda x: tuple(np.linalg.eigh(x)), _eigh_infer, _eigh_grad, outputs=2)


def eigh(x: Node) -> tuple[Node, Node]:
    """Eigenvalues, ascending, and eigenvectors (columns) of a symmetric matrix."""
    result = apply(_EIGH, x)
    return pick(result, 0), pick(result, 1)


def _svd(x: Array) -> Any:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return s, u, np.swapaxes(vt, -1, -2).copy()


def _svd_infer(x: Node) -> Any:
    if x.shape is None:
        return [(None, x.dtype)] * 3
    *batch, m, n = x.shape
    k = None if m is None or n is None else min(m, n)
    return [((*batch, k), x.dtype), ((*batch, m, k), x.dtype), ((*batch, n, k), x.dtype)]


def _svd_grad(gs: Sequence[Node], y: Node, x: Node) -> Node:
    # Townsend (2016), "Differentiating the singular value decomposition".
    s, u, v = (pick(y, i) for i in range(3))
    squared = square(s)
    gaps = _pair_gaps(squared)
    row, column = expand_dims(s, -2), expand_dims(s, -1)
    left = gaps * (matmul(u, gs[1], True) - turn(matmul(u, gs[1], True))) * row
    right = column * (gaps * (matmul(v, gs[2], True) - turn(matmul(v, gs[2], True))))
    result = matmul(matmul(u, left + right + matrix_diag(gs[0])), v, False, True)
    m, n = (x.shape or (None, None))[-2:]
    # Where the sizes are unknown, what follows is zero if the matrix turns out square.
    inverse_s = expand_dims(reciprocal(s), -2)
    if m is None or n is None or m > n:
        scaled = gs[1] * inverse_s
        result = result + matmul(scaled - matmul(u, matmul(u, scaled, True)), v, False, True)
    if m is None or n is None or n > m:
        scaled = gs[2] * inverse_s
        result = result + matmul(u, scaled - matmul(v, matmul(v, scaled, True)), False, True)
    return result


_SVD = define("svd", _svd, _svd_infer, _svd_grad, outputs=3)


def svd(x: Node) -> tuple[Node, Node, Node]:
    """Singular values, left and right singular vectors (columns), of the thin decomposition."""
    result = apply(_SVD, x)
    return pick(result, 0), pick(result, 1), pick(result, 2)


def _qr_infer(x: Node) -> Any:
    if x.shape is None:
        return [(None, x.dtype)] * 2
    *batch, m, n = x.shape
    k = None if m is None or n is None else min(m, n)
    return [((*batch, m, k), x.dtype), ((*batch, k, n), x.dtype)]


def _qr_grad(gs: Sequence[Node], y: Node, x: Node) -> Node:
    q, r = pick(y, 0), pick(y, 1)
    if r.shape is not None and r.shape[-1] is not None and r.shape[-1] == r.shape[-2]:
        return _qr_deep_grad(gs, q, r)
    # More columns than rows: the square part decides q, the columns after it only r. There are none where it is not so after all.
    rows = [take_index(shape_of(r), -2, 0)]
    first, rest = (Ellipsis, slice(None, HOLE)), (Ellipsis, slice(HOLE, None))
    later = getitem(gs[1], rest, rows)
    by_q = gs[0] + matmul(getitem(x, rest, rows), later, False, True)
    return concat([_qr_deep_grad([by_q, getitem(gs[1], first, rows)], q, getitem(r, first, rows)), matmul(q, later)], -1)


def _qr_deep_grad(gs: Sequence[Node], q: Node, r: Node) -> Node:
    m = matmul(r, gs[1], False, True) - matmul(gs[0], q, True)
    lower = matrix_band_part(m, -1, 0)
    symmetric = lower + turn(lower) - matrix_diag(matrix_diag_part(m))
    return turn(triangular_solve(r, turn(gs[0] + matmul(q, symmetric)), False, False))


_QR = define("qr", lambda x: tuple(np.linalg.qr(x)), _qr_infer, _qr_grad, outputs=2)


def qr(x: Node) -> tuple[Node, Node]:
    result = apply(_QR, x)
    return pick(result, 0), pick(result, 1)


