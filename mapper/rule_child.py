"""Runs pieces of code of one framework and stores their values and gradients: a program for the bundled runtime or for the real
framework, called as `rule_child.py tensorflow|mindspore JOBS.json RESULTS.npz`. It imports nothing of mapper."""
from __future__ import annotations

import ast
import importlib
import json
import re
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_GIVEN = re.compile(r"(variable |)(\w+)\[([\d, ]*)\]\s*(.*)")


def given_array(name: str, text: str) -> np.ndarray[Any, Any]:
    """The array that `float32[2, 3] in (-1, 1)` or `int32[2] = [0, 1]` describes; random ones are seeded by name and text."""
    match = _GIVEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} describes no array")
    _, dtype, shape, rest = match.groups()
    size = tuple(int(n) for n in shape.replace(" ", "").split(",") if n)
    if rest.startswith("="):
        values: Any = eval(rest[1:], {"__builtins__": {}, "inf": np.inf, "nan": np.nan})
        return np.asarray(np.array(values, dtype).reshape(size))
    random = np.random.default_rng(zlib.crc32(f"{name} {text}".encode()))
    if dtype == "bool":
        return np.asarray(random.random(size) > 0.5)
    if rest.startswith("in"):
        low, high = ast.literal_eval(rest[2:].strip())
        return np.asarray(random.random(size) * (high - low) + low).astype(dtype)
    if rest.startswith("positive"):
        return np.asarray(random.random(size) + 0.5).astype(dtype)
    return np.asarray(random.standard_normal(size) if dtype.startswith("float") else random.integers(1, 9, size)).astype(dtype)


def is_variable(text: str) -> bool:
    return text.startswith("variable ")


def cotangent(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    return np.asarray(1.0 + 0.1 * np.arange(int(np.prod(shape))).reshape(shape)).astype(dtype)


def flat(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)) and not hasattr(value, "dense_shape"):
        return [item for part in value for item in flat(part)]
    return [value]


def evaluate(code: str, names: dict[str, Any]) -> Any:
    """The value of the last expression of a piece of code."""
    tree = ast.parse(code)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(tree, "<example>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<example>", "eval"), names)


def run_tensorflow(job: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        names: dict[str, Any] = {"tf": tf, "np": np, "__name__": "__main__"}
        feed, inputs = {}, []
        for name, text in job["given"].items():
            array = given_array(name, text)
            if is_variable(text):
                names[name] = tf.Variable(array, name=name)
                continue
            names[name] = tf.placeholder(array.dtype.name, array.shape)
            feed[names[name]] = array
            if array.dtype.kind == "f":
                inputs.append(names[name])
        results = [tf.convert_to_tensor(r) if hasattr(r, "dense_shape") else r for r in flat(evaluate(job["code"], names))]
        results = [r.value() if isinstance(r, tf.Variable) else r for r in results]
        gradients: list[Any] = []
        floats = [r for r in results if isinstance(r, tf.Tensor) and r.dtype.is_floating] if job["gradient"] else []
        if floats and inputs:
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                values = session.run(floats, feed)
            seeds = [tf.constant(cotangent(v.shape, v.dtype)) for v in values]
            found = tf.gradients(floats, inputs, seeds)
            gradients = [tf.zeros_like(x) if g is None else tf.convert_to_tensor(g) for x, g in zip(inputs, found, strict=True)]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            waiting = [r for r in results if isinstance(r, tf.Tensor)]
            fetched = iter(session.run(waiting, feed))
            values = [next(fetched) if isinstance(r, tf.Tensor) else r for r in results]
            return values, session.run(gradients, feed)


def run_mindspore(job: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    ms = importlib.import_module("mindspore")
    ops, nn = importlib.import_module("mindspore.ops"), importlib.import_module("mindspore.nn")
    for module in ("mindspore.numpy", "mindspore.common.initializer", "mindspore.scipy.linalg"):
        try:
            importlib.import_module(module)
        except ImportError:
            pass
    ms.set_context(pynative_synchronize=True)      # else an error comes while the code after it runs
    ms.set_seed(1)
    names: dict[str, Any] = {"ms": ms, "ops": ops, "nn": nn, "np": np, "__name__": "__main__"}
    tensors = {}
    for name, text in job["given"].items():
        array = given_array(name, text)
        if is_variable(text):
            names[name] = ms.Parameter(ms.Tensor(array), name=name)
        else:
            tensors[name] = ms.Tensor(array)

    def plain(*inputs: Any) -> Any:
        return evaluate(job["code"], {**names, **dict(zip(tensors, inputs, strict=True))})

    def floating(*inputs: Any) -> Any:
        kept = tuple(r for r in flat(plain(*inputs)) if isinstance(r, ms.Tensor) and r.dtype in (ms.float16, ms.float32, ms.float64))
        return kept if len(kept) > 1 else kept[0]

    results = flat(plain(*tensors.values()))
    values = [r.asnumpy() if isinstance(r, ms.Tensor) else r for r in results]
    floats = [v for v, r in zip(values, results, strict=True) if isinstance(r, ms.Tensor) and v.dtype.kind == "f"] if job["gradient"] else []
    if not floats or not any(t.asnumpy().dtype.kind == "f" for t in tensors.values()):
        return values, []
    seeds = tuple(ms.Tensor(cotangent(v.shape, v.dtype)) for v in floats)
    found = ops.GradOperation(get_all=True, sens_param=True)(floating)(*tensors.values(), seeds if len(seeds) > 1 else seeds[0])
    return values, [g.asnumpy() for g, t in zip(found, tensors.values(), strict=True) if t.asnumpy().dtype.kind == "f"]


def main(framework: str, jobs: str, results: str) -> None:
    run = run_tensorflow if framework == "tensorflow" else run_mindspore
    stored: dict[str, Any] = {}
    errors: dict[str, str] = {}
    with open(jobs, encoding="utf-8") as file:
        listed = json.load(file)
    for number, job in enumerate(listed):
        try:
            values, gradients = run(job)
            stored.update({f"{number}/value/{i}": np.asarray(v) for i, v in enumerate(values)})
            stored.update({f"{number}/gradient/{i}": np.asarray(g) for i, g in enumerate(gradients)})
        except Exception as error:
            errors[str(number)] = f"{type(error).__name__}: {error}".split("\n")[0][:300]
    stored["errors"] = np.asarray(json.dumps(errors))
    np.savez(results, **stored)


if __name__ == "__main__":
    main(*sys.argv[1:])
