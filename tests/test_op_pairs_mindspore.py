"""Forward values and gradients of single operations, as MindSpore 2.10 computed them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.mindspore import modules

PAIRS = json.loads((Path(__file__).parent / "data" / "op_pairs.json").read_text())["pairs"]
FORWARD, GRADIENT = 2e-5, 5e-5          # relative to max(1, largest value)

# Values or gradients that are defects of MindSpore, or of its CPU kernels: computed rightly here, and so not compared.
DEFECTS = {
    "div by zero": "the CPU kernel ignores the sign of a zero divisor",
    "log (edge points)": "the same: the derivative 1/x at -0.0",
    "lgamma (edge points)": "infinite, not NaN, derivative at the pole 0",
    "reduce_prod all": "ReduceProd without axis hands the cotangent on unchanged",
    "reduce_prod axis=[] / ()": "the same",
    "reduce_prod with one zero, one neg": "the same",
    "reduce_prod no axis [2,3,4]": "the same",
    "reduce_sum empty tensor": "uninitialised memory",
    "reduce_mean empty": "uninitialised memory",
    "selu (edge points)": "wrong derivative below zero",
    "selu negative only": "the same",
    "maximum NaN": "the CPU kernel drops a NaN of the first operand",
    "exp large": "inexact near overflow",
    "getitem 1-D a[::-1] times weights": "the gradient is silently zero; computed here",
    "roll": "no CPU kernel; computed here",
    "gather negative index": "the gradient is silently zero",
    "embedding_lookup": "the gradient has the shape of the output",
    "embedding_lookup out of range": "the same",
    "embedding_lookup EmbeddingLookup 2 of 3 rows": "the same",
    "l2_normalize zero row": "wrong gradient where epsilon is active",
    "l2_normalize small row (eps)": "the same",
    "logsumexp -inf row": "NaN for a row of -inf",
}


def namespace() -> dict[str, Any]:
    found = modules()
    return {"ms": found["mindspore"], "ops": found["mindspore.ops"], "nn": found["mindspore.nn"], "np": np,
            "Tensor": found["mindspore"].Tensor, "Parameter": found["mindspore"].Parameter}


def numbers(value: Any, dtype: Any = np.float64) -> Any:
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, str) else value


def compute(pair: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The output, and one gradient per input that is not an integer, for the cotangent 1.0, 1.1, …"""
    names = namespace()
    tensor = names["Tensor"]
    inputs = [tensor(np.array(numbers(given["data"]), given["dtype"]).reshape(given["shape"])) for given in pair["input"]]
    parameters = ", ".join("abc"[:len(inputs)])
    function = eval(f"lambda {parameters}: {pair['ms_expr']}", names)
    output = function(*inputs)
    cotangent = (1 + 0.1 * np.arange(output.size)).reshape(output.shape).astype(output.asnumpy().dtype)
    if cotangent.dtype.kind not in "fc":
        cotangent = np.ones_like(cotangent)
    gradients = names["ops"].GradOperation(get_all=True, sens_param=True)(function)(*inputs, tensor(cotangent))
    return output, [g for g, given in zip(gradients, pair["input"], strict=True) if given["dtype"].startswith("float")]


def assert_close(actual: Any, expected: Any, tolerance: float) -> None:
    wanted = np.array(numbers(expected), np.float64)
    found = np.asarray(actual.asnumpy(), np.float64)
    assert found.shape == wanted.shape
    finite = wanted[np.isfinite(wanted)]
    scale = max(1.0, np.abs(finite).max()) if finite.size else 1.0
    half = actual.asnumpy().dtype == np.float16
    np.testing.assert_allclose(found, wanted, rtol=0, atol=(2e-3 if half else tolerance) * scale, equal_nan=True)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if p["op"] not in DEFECTS and "ms_forward" in p])
def test_value_and_gradient(pair: dict[str, Any]) -> None:
    output, gradients = compute(pair)
    assert str(output.dtype).lower() == pair["ms_dtype"]
    assert_close(output, pair["ms_forward"], FORWARD)
    if "ms_grad" in pair:
        assert len(gradients) == len(pair["ms_grad"])
        for found, expected in zip(gradients, pair["ms_grad"], strict=True):
            assert_close(found, expected, GRADIENT)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if "ms_error" in p and p["op"] not in DEFECTS])
def test_errors(pair: dict[str, Any]) -> None:
    kind, _, words = pair["ms_error"].partition(": ")
    with pytest.raises(Exception) as caught:
        compute(pair)
    assert type(caught.value).__name__ == kind
    assert words[:25] in str(caught.value)


def test_the_list_of_defects_names_only_pairs_that_exist() -> None:
    assert len(DEFECTS) <= 25
    assert set(DEFECTS) <= {p["op"] for p in PAIRS}
