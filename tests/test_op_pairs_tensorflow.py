"""Forward values and gradients of single operations, as TensorFlow 2.21 (compat.v1, graph mode) computed them."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.tensorflow.api import modules

PAIRS = json.loads((Path(__file__).parent / "data" / "op_pairs.json").read_text())["pairs"]
FORWARD, GRADIENT = 2e-5, 5e-5          # relative to max(1, largest value)


def numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, str) else value


def compute(pair: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The output, and one gradient per input that is a float, for the cotangent 1.0, 1.1, …; None where there is none."""
    tf = modules()["tensorflow"]
    with tf.Graph().as_default(), tf.Session() as session:
        values = [np.array(numbers(given["data"]), given["dtype"]).reshape(given["shape"]) for given in pair["input"]]
        inputs = [tf.constant(value) for value in values]
        names = dict(zip("abc", inputs, strict=False))
        output = eval(pair["tf_expr"], {"tf": tf, "np": np, **names})
        value = session.run(output)
        cotangent = (1 + 0.1 * np.arange(value.size)).reshape(value.shape).astype(value.dtype)
        floats = [x for x, given in zip(inputs, pair["input"], strict=True) if given["dtype"].startswith("float")]
        if not floats:
            return value, []
        gradients = tf.gradients(output, floats, grad_ys=tf.constant(cotangent)) if value.dtype.kind in "fc" else tf.gradients(output, floats)
        return value, [None if g is None else session.run(tf.convert_to_tensor(g)) for g in gradients]


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    wanted = np.array(numbers(expected), np.float64)
    if not wanted.size:
        wanted = wanted.reshape(np.shape(found))  # the record says nothing of the shape of what is empty
    assert np.shape(found) == wanted.shape
    finite = wanted[np.isfinite(wanted)]
    scale = max(1.0, np.abs(finite).max()) if finite.size else 1.0
    half = np.asarray(found).dtype == np.float16
    np.testing.assert_allclose(np.asarray(found, np.float64), wanted, rtol=0, atol=(2e-3 if half else tolerance) * scale, equal_nan=True)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if "tf_forward" in p])
def test_value_and_gradient(pair: dict[str, Any]) -> None:
    output, gradients = compute(pair)
    assert str(output.dtype) == pair["tf_dtype"]
    assert_close(output, pair["tf_forward"], FORWARD)
    if "tf_grad" in pair:
        assert len(gradients) == len(pair["tf_grad"])
    for found, expected in zip(gradients, pair.get("tf_grad", []), strict=False):
        if expected is None:
            assert found is None
        elif expected != "?":
            assert_close(found, expected, GRADIENT)


@pytest.mark.parametrize("pair", [pytest.param(p, id=p["op"]) for p in PAIRS if "tf_error" in p])
def test_errors(pair: dict[str, Any]) -> None:
    kind, _, words = pair["tf_error"].partition(": ")
    with pytest.raises(Exception) as caught:
        compute(pair)
    assert type(caught.value).__name__ == kind
    telling = words.strip("[]'\"")[:25]
    assert telling in str(caught.value)
