"""The plain form of TensorFlow → MindSpore: each operation it carries gives the values and gradients that TensorFlow 2.21 gave.

The numbers are those that the TensorFlow face is held against: single operations (data/op_pairs.json) and small programs of layers, cells,
distributions and data sets (test_layers_of_the_faces.py)."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapper.runtime.tensorflow.api import modules

from mapper.staging.carried import definitions
from mapper.staging.to_functions import convert_plainly
from mapper.staging.to_functions_names import TABLE

sys.path.insert(0, str(Path(__file__).parent))
from test_layers_of_the_faces import EXPECTED as LAYERS_EXPECTED  # noqa: E402
from test_layers_of_the_faces import PROGRAMS as LAYERS  # noqa: E402

PAIRS = [pair for pair in json.loads((Path(__file__).parent / "data" / "op_pairs.json").read_text("utf-8"))["pairs"] if "tf_forward" in pair]
DIFFERENT = {
    "is_nan (edge points)": "the record has no gradient",
    "maximum NaN": "a comparison with nan is false",
    "where NaN-safe gradient (sqrt)": "TensorFlow's gradient of sqrt and rsqrt at 0 is 0 where nothing arrives, MindSpore's nan",
    "where NaN-safe gradient (rsqrt): where(a>0.5, f(a), 0)": "the same",
    "zero times sqrt at 0 (upstream gradient 0)": "the same",
    "zero times rsqrt at 0 (upstream gradient 0)": "the same",
    "cumprod with zero": "TensorFlow leaves out what a division by zero would need",
    "gelu (tf default erf) vs ops.gelu default": "the expression asks which version runs it",
    "what is known of shapes": "a size of zero is tried out",
    "partition and stitch": "of several rows for one place TensorFlow sends the gradient to all",
}
NATIVE_DIFFERENT = {
    "div by zero": "the sign of a zero",
    "reduce_sum empty tensor": "MindSpore reads memory that nothing has written",
    "reduce_mean empty": "the same memory, divided by zero",
    "lgamma (edge points)": "single precision",
    "log (edge points)": "the record has no gradient at 0",
}
ABSENT = {"laplace and uniform", "image patches", "sampled losses"}
RUN = '''
import contextlib, io, json, sys
import numpy as np
if sys.argv[1] == "bundled":
    from mapper.runtime import shims
    shims.install()
found = {}
for name, code in json.load(sys.stdin).items():
    space = {"__name__": "program"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name, "exec"), space)
        found[name] = [None if v is None else [list(np.shape(v)), [float(n) for n in np.reshape(v, -1)]] for v in space["RESULTS"]]
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
'''
MEASURE = '''
def listed(value):
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in listed(value[key])]
    return [number for part in value for number in listed(part)] if isinstance(value, (list, tuple)) else [np.asarray(value)]


space = globals()
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for k, v in enumerate(tf.trainable_variables()):
        size = v.shape.as_list()
        v.load((0.5 * np.sin(np.arange(int(np.prod(size))) + k)).reshape(size).astype("float32"), session)
    if "first" in space:
        session.run(first)
    RESULTS = [v for _ in range(space.get("runs", 1)) for v in listed(session.run(results, space.get("feed")))]
'''


def numbers(value: Any) -> Any:
    return [numbers(item) for item in value] if isinstance(value, list) else float(value) if isinstance(value, str) and value != "?" else value


def program_of(pair: dict[str, Any]) -> str:
    lines = ["import tensorflow as tf", "import numpy as np", "nan, inf = np.nan, np.inf"]
    lines += [f"{name} = tf.constant(np.array({numbers(given['data'])!r}, {given['dtype']!r}).reshape({given['shape']!r}))"
              for name, given in zip("abc", pair["input"], strict=False)]
    floats = [name for name, given in zip("abc", pair["input"], strict=False) if given["dtype"].startswith("float")]
    shape = np.shape(numbers(pair["tf_forward"]))
    cotangent = f"(1 + 0.1 * np.arange({int(np.prod(shape))})).reshape({shape!r}).astype({pair['tf_dtype']!r})"
    options = f", grad_ys=tf.constant({cotangent})" if pair["tf_dtype"].startswith(("float", "complex")) else ""
    lines += [f"y = {pair['tf_expr']}", f"gs = tf.gradients(y, [{', '.join(floats)}]{options})" if floats else "gs = []"]
    return "\n".join([*lines, "with tf.Session() as s:", "    RESULTS = [s.run(y)] + [None if g is None else s.run(tf.convert_to_tensor(g)) for g in gs]\n"])


def programs() -> dict[str, str]:
    found = {pair["op"]: program_of(pair) for pair in PAIRS}
    found.update({name: f"import tensorflow as tf\nimport numpy as np\n{text}{MEASURE}" for name, text in LAYERS.items()
                  if not any(word in text for word in ("keras", "GradientTape"))})
    return found


def expected() -> dict[str, list[Any]]:
    found = {pair["op"]: [numbers(pair["tf_forward"]), *map(numbers, pair.get("tf_grad", []))] for pair in PAIRS}
    found.update({name: [np.reshape(value, shape) for _, shape, value in entry["values"]] for name, entry in LAYERS_EXPECTED.items()})
    return found


def problem(found: Any, wanted: list[Any]) -> str | None:
    if isinstance(found, str) or len(found) != len(wanted):
        return str(found)[:300]
    for number, (value, right) in enumerate(zip(found, wanted, strict=True)):
        if isinstance(right, str):
            continue
        if value is None or right is None:
            if value is not right:
                return f"value {number} is {value} for {right}"
            continue
        array, right = np.reshape(value[1], value[0]), np.array(right, np.float64)
        finite = right[np.isfinite(right)]
        scale = max(1.0, np.abs(finite).max()) if finite.size else 1.0
        if right.size and (array.shape != right.shape or not np.allclose(array, right, rtol=1e-3, atol=1e-4 * scale, equal_nan=True)):
            return f"value {number} is {array} for {right}"
    return None


def problems(python: str, framework: str) -> dict[str, str]:
    texts, absent = {}, set()
    for name, text in programs().items():
        conversion = convert_plainly(text, f"{name}.py")
        if conversion.findings:
            absent.add(name)
        else:
            texts[name] = conversion.code
    assert absent <= ABSENT | set(DIFFERENT), absent - ABSENT
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([python, "-c", RUN, framework], input=json.dumps(texts), capture_output=True, text=True, timeout=600,
                          env={**os.environ, "PYTHONPATH": str(root) if framework == "bundled" else "", "GLOG_v": "4"})
    assert done.returncode == 0, done.stderr[-3000:]
    found, right = json.loads(done.stdout.splitlines()[-1]), expected()
    return {name: why for name in texts if (why := problem(found[name], right[name])) is not None}


def test_values_and_gradients_on_the_bundled_runtime() -> None:
    found = problems(sys.executable, "bundled")
    assert {name: why for name, why in found.items() if name not in DIFFERENT} == {}
    assert len(programs()) > 350


@pytest.mark.native
def test_values_and_gradients_on_the_real_mindspore() -> None:
    found = problems(os.environ.get("MAPPER_NATIVE_PYTHON", sys.executable), "native")
    assert {name: why for name, why in found.items() if name not in DIFFERENT and name not in NATIVE_DIFFERENT} == {}


def test_every_name_has_a_definition() -> None:
    given = {"ops", "ms", "None", "open", "os", "glob", "StopIteration", "ValueError", "FileNotFoundError"}
    assert {api: text for api, text in TABLE.items() if text.split(".")[0] not in given and text.split(".")[0] not in definitions()} == {}


@pytest.mark.parametrize("form", ["tf.train.polynomial_decay", "tf.data.Dataset", "tf.TensorArray", "tf.SparseTensor", "tf.make_template"])
def test_what_the_plain_form_converts_exists_in_the_tensorflow_face(form: str) -> None:
    found: Any = modules()["tensorflow"]
    for part in form.split(".")[1:]:
        found = getattr(found, part)
    assert form in TABLE
