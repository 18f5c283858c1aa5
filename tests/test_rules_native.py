"""The signatures in the rules against those of the installed frameworks: names, order, defaults, as tf_upgrade_v2 does with its own."""
from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mapper.rules import SIDES, Spelling, rules
from mapper.signature import CallStep, Parameter

# Runs where the frameworks are: the parameters of each name as [name, kind, default], of a class also those of its instances' call.
PROBE = r"""
import inspect, json, sys
import tensorflow.compat.v1 as tf
import mindspore as ms, mindspore.numpy, mindspore.dataset.vision, mindspore.common.initializer
from mindspore import nn, ops
tf.disable_v2_behavior()

def parameters(function):
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    return [[p.name, p.kind.name, None if p.default is p.empty else text(p.default)] for p in found if p.name != 'self']

def text(value):
    if isinstance(value, tf.DType):
        return 'tf.' + value.name
    if type(value).__module__.startswith('mindspore') or 'mindspore' in repr(value):
        return 'ms.' + str(value).lower().replace('mindspore.', '').replace('bool', 'bool_')
    return repr(value)

answer = {}
for name in json.load(sys.stdin):
    thing = {'tf': tf, 'ms': ms, 'nn': nn, 'ops': ops}[name.split('.')[0]]
    try:
        for part in name.split('.')[1:]:
            thing = getattr(thing, part)
    except Exception:
        answer[name] = None
        continue
    call = None
    if inspect.isclass(thing):
        for owner in thing.__mro__:
            method = owner.__dict__.get('construct') or (owner.__dict__.get('__call__') if owner.__module__.startswith('mindspore.ops') else None)
            if method is not None:
                call = parameters(method) if owner.__name__ not in ('Cell', 'Primitive', 'PrimitiveWithInfer', 'PrimitiveWithCheck') else None
                break
    answer[name] = [parameters(thing), call]
print('ANSWER' + json.dumps(answer))
"""


def spellings() -> Iterator[tuple[str, Spelling]]:
    """Every signature of an API that the newest releases are to have."""
    for rule in rules():
        for side in SIDES:
            for spelling in rule.side(side):
                if spelling.form.api is not None and spelling.form.calls and not spelling.until and spelling.form.template is None:
                    yield f"{rule.file}: {rule.id}", spelling


def complaints(place: str, spelling: Spelling, step: CallStep, real: list[Any]) -> Iterator[str]:
    names = {name for name, _, _ in real}
    ordered = [(name, default) for name, kind, default in real if kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    loose = {kind for _, kind, _ in real}
    slots = [p for p in step.parameters if p.kind in ("positional", "either")]
    for i, parameter in enumerate(slots):
        if i >= len(ordered):
            if "VAR_POSITIONAL" not in loose:
                yield f"{place}: {spelling.text}: {parameter.name} is one argument too many"
            continue
        name, default = ordered[i]
        if parameter.kind == "either" and parameter.name != name:
            yield f"{place}: {spelling.text}: argument {i + 1} is called {name!r}, not {parameter.name!r}"
        else:
            yield from _default(place, spelling, parameter, default)
    for parameter in step.parameters:
        if parameter.kind == "keyword":
            if parameter.name not in names and "VAR_KEYWORD" not in loose:
                yield f"{place}: {spelling.text}: there is no argument {parameter.name!r}"
            yield from _default(place, spelling, parameter, next((d for n, _, d in real if n == parameter.name), None))


def _default(place: str, spelling: Spelling, parameter: Parameter, real: str | None) -> Iterator[str]:
    if parameter.default is None or parameter.dropped:
        return
    ours = ast.unparse(parameter.default)
    if real is None:
        yield f"{place}: {spelling.text}: {parameter.name} has no default"
    elif not _same(ours, real):
        yield f"{place}: {spelling.text}: {parameter.name} is {real} by default, not {ours}"


def _same(ours: str, real: str) -> bool:
    """Whether two defaults are one. None stands for what a function decides inside; the proof of the rules compares what that is."""
    if real == "None":
        return True
    try:
        return bool(ast.literal_eval(ours) == ast.literal_eval(real))
    except (ValueError, SyntaxError):
        return ours == real or real.startswith("<")


@pytest.mark.native
def test_signatures_are_those_of_the_frameworks() -> None:
    listed = list(spellings())
    names = sorted({spelling.form.api or "" for _, spelling in listed})
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4", "TF_USE_LEGACY_KERAS": "1"}
    result = subprocess.run([os.environ.get("MAPPER_NATIVE_PYTHON") or sys.executable, "-c", PROBE], input=json.dumps(names), capture_output=True, text=True,
                            env={**os.environ, **quiet}, timeout=300)
    assert "ANSWER" in result.stdout, result.stderr[-2000:]
    answer = json.loads(result.stdout.split("ANSWER")[1])
    found, compared = [], 0
    for place, spelling in listed:
        real = answer[spelling.form.api or ""]
        if real is None:
            continue                     # of another release: TensorFlow 1.15's contrib and the like
        for step, parameters in zip(spelling.form.calls, real, strict=False):
            if parameters is not None and not all(kind.startswith("VAR_") for _, kind, _ in parameters):
                compared += 1
                found += complaints(place, spelling, step, parameters)
    assert not found, "\n".join(found)
    assert compared > 400


def test_a_wrong_signature_is_told_from_a_right_one() -> None:
    real = [["x", "POSITIONAL_OR_KEYWORD", None], ["axis", "POSITIONAL_OR_KEYWORD", "0"], ["name", "POSITIONAL_OR_KEYWORD", "None"]]

    def said(text: str) -> list[str]:
        spelling = Spelling(text)
        return [complaint.rpartition(": ")[2] for complaint in complaints("f.toml: r", spelling, spelling.form.calls[0], real)]

    assert said("tf.f(x, axis=0, name: _ = None)") == []
    assert said("tf.f(x, axis=1)") == ["axis is 0 by default, not 1"]
    assert said("tf.f(x, dim: axis = 0)") == ["argument 2 is called 'axis', not 'dim'"]
    assert said("tf.f(x, *, dim: axis = 0)") == ["there is no argument 'dim'", "dim has no default"]
    assert said("tf.f(x, axis, name, y)") == ["y is one argument too many"]
    assert said("tf.f(x=3)") == ["x has no default"]
