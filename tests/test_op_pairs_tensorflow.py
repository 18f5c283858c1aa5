"""Forward values and gradients of single operations, as TensorFlow 2.21 computed them in graph mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.tensorflow import modules

PAIRS = json.loads((Path(__file__).parent / "data" / "op_pairs.json").read_text())["pairs"]
FORWARD, GRADIENT = 2e-5, 5e-5          # relative to max(1, largest value)

# Values or gradients that are defects of TensorFlow, or of its CPU kernels: computed rightly here, and so not compared.
DEFECTS = {
    "top_k indices ties": "the positions hand zeros on to the values; None here, as for every other integer",
}


def numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, str) else value


def compute(pair: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The output, and one gradient (or None) per input that is a float, for the cotangent 1.0, 1.1, …"""
    tf = modules()["tensorflow.compat.v1"]
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = [tf.constant(np.array(numbers(given["data"]), given["dtype"]).reshape(given["shape"])) for given in pair["input"]]
        output = eval(pair["tf_expr"], {"tf": tf, "np": np, **dict(zip("abc", inputs))})
        value = sess.run(output)
        assert output.shape.is_compatible_with(value.shape)
        if value.dtype.kind != "f":
            return value, [None] * len([x for x in inputs if x.dtype.is_floating])
        cotangent = tf.constant((1 + 0.1 * np.arange(value.size)).reshape(value.shape).astype(value.dtype))
        found = tf.gradients(output, [x for x in inputs if x.dtype.is_floating], [cotangent])
        return value, [None if g is None else sess.run(tf.convert_to_tensor(g)) for g in found]


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    wanted = np.array(numbers(expected), np.float64)
    assert found.size == wanted.size
    assert found.shape == wanted.shape or not wanted.size
    finite = wanted[np.isfinite(wanted)]
    scale = max(1.0, np.abs(finite).max()) if finite.size else 1.0
    half = found.dtype == np.float16
    np.testing.assert_allclose(found.astype(np.float64).reshape(wanted.shape), wanted, rtol=0, atol=(2e-3 if half else tolerance) * scale, equal_nan=True)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if p["op"] not in DEFECTS and "tf_forward" in p])
def test_value_and_gradient(pair: dict[str, Any]) -> None:
    value, gradients = compute(pair)
    assert value.dtype.name == pair["tf_dtype"]
    assert list(value.shape) == pair["tf_shape"]
    assert_close(value, pair["tf_forward"], FORWARD)
    if "tf_grad" in pair:
        assert [g is None for g in gradients] == [g is None for g in pair["tf_grad"]]
        for found, expected in zip(gradients, pair["tf_grad"], strict=True):
            if expected is not None:
                assert_close(found, expected, GRADIENT)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if "tf_error" in p and p["op"] not in DEFECTS])
def test_errors(pair: dict[str, Any]) -> None:
    kind, _, words = pair["tf_error"].partition(": ")
    with pytest.raises(Exception) as caught:
        compute(pair)
    assert type(caught.value).__name__ == kind
    assert words.strip("[]'")[:40] in str(caught.value)


def test_the_list_of_defects_names_only_pairs_that_exist() -> None:
    assert len(DEFECTS) <= 25
    assert set(DEFECTS) <= {p["op"] for p in PAIRS}
