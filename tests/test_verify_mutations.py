"""Verify against wrong conversions: converted programs with one small error each, made automatically and by hand."""
from __future__ import annotations

import ast
import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import mapper
from mapper.children import Outcome
from mapper.verification import Run, Side, comparisons
from mapper.verify_compare import Tolerance, compare_arrays
from mapper.verify_printed import printed_numbers
from mapper.verify_records import UNKNOWN, read_record
from mapper.verify_sites import moved

ROOT = Path(__file__).resolve().parent.parent
TENSORFLOW, MINDSPORE = ROOT / "tests/programs/tensorflow", ROOT / "tests/programs/mindspore"
PROGRAMS = [ROOT / "examples/seed_tensorflow.py", ROOT / "examples/seed_mindspore.py",
            *(TENSORFLOW / f"{name}.py" for name in ("vae_clip_by_norm", "kdv_third_order", "saliency_gradcam", "influence_hvp", "dqn_target_network",
                                                     "cotangents_of_every_form", "gradients_of_expressions", "losses_and_parts", "networks_in_scopes",
                                                     "actor_critic_of_layers")),
            *(MINDSPORE / f"{name}.py" for name in ("eight_combinations", "functional_api", "hyper_map_overloads", "many_primitives", "numpy_functions",
                                                    "same_input_twice", "decorated_functions"))]
MUTATIONS = 24             # of each program, as far as there are that many
TOLERANCE = Tolerance()

# Runs programs one after the other in forks of a process that has both faces loaded: a mutation costs milliseconds.
SERVER = """
import json, os, signal, sys
from mapper.runtime import __main__ as main, shims
shims.install()
import tensorflow, mindspore
for name in [n for n in sys.modules if n.split(".")[0] in shims.FACES]:
    del sys.modules[name]
for line in sys.stdin:
    request = json.loads(line)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os.dup2(os.open(request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.chdir(request["folder"])
        code = main.record_program(request)
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Server:
    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PYTHONPATH": str(ROOT)})

    def run(self, path: Path, text: str, tagged: tuple[tuple[int, int], ...] = ()) -> Run:
        assert self.process.stdin is not None and self.process.stdout is not None
        record, printed = path.with_suffix(".record"), path.with_suffix(".out")
        request = {"program": str(path), "record": str(record), "stdout": str(printed), "folder": str(path.parent), "oracle": False, "sites": tagged,
                   "memory_mb": 8192, "file_bytes": 1 << 30}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return Run(Side(path, text, path.name, tagged), Outcome(code, printed.read_text("utf-8", "replace"), ""), read_record(record))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


# ----------------------------------------------------------------------------------------------------------- automatic ones

SWAPS = {"sin": "cos", "exp": "tanh", "tanh": "sigmoid", "sigmoid": "tanh", "square": "abs", "log": "exp", "reduce_sum": "reduce_mean", "sum": "mean",
         "mean": "sum", "reduce_mean": "reduce_sum", "maximum": "minimum", "relu": "tanh", "matmul": "multiply"}


def mutants(tree: ast.Module, first_line: int) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """(what, node, its replacement) for every small error that can be made behind a line."""
    inside_f_strings = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}       # have no true places in 3.11
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) < first_line or node in inside_f_strings:
            continue
        if isinstance(node, ast.BinOp):
            other = {ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Add(), ast.Div: ast.Mult()}.get(type(node.op))
            if other is not None:
                yield "operator", node, ast.BinOp(node.left, other, node.right)
            if isinstance(node.op, ast.Add):
                yield "dropped term", node, node.left
                yield "dropped term", node, node.right
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield "constant", node, ast.Constant(node.value * 1.5 + 0.125)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield "sign", node, node.operand
        elif isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load) \
                and not any(isinstance(part, ast.Slice) for part in node.elts):
            yield "order", node, type(node)([*node.elts[1:], node.elts[0]], ast.Load())
        elif isinstance(node, ast.Call):
            yield from _call_mutants(node)


def _call_mutants(node: ast.Call) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    if len(node.args) > 1 and not any(isinstance(a, ast.Starred) for a in node.args):
        yield "swapped arguments", node, ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name == "stop_gradient" and node.args:
        yield "stop_gradient dropped", node, node.args[0]
    if name in SWAPS and isinstance(node.func, ast.Attribute):
        yield "another function", node, ast.Call(ast.Attribute(node.func.value, SWAPS[name], ast.Load()), node.args, node.keywords)
    for keyword in node.keywords:
        if keyword.arg in ("sens_param", "get_all", "get_by_list", "grad_ys", "axis", "dim", "stop_gradients"):
            yield f"{keyword.arg} dropped", node, ast.Call(node.func, node.args, [k for k in node.keywords if k is not keyword])


def mutated(text: str, target: ast.AST, replacement: ast.AST) -> str:
    """The text with the source of one expression replaced; all other lines and columns before it stay."""
    source = ast.get_source_segment(text, target)
    assert source is not None
    lines = text.splitlines(keepends=True)
    before = len("".join(lines[:target.lineno - 1]).encode()) + target.col_offset
    data = text.encode()
    made = f"({ast.unparse(ast.fix_missing_locations(copy.deepcopy(replacement)))})" if not isinstance(replacement, (ast.Constant, ast.List, ast.Tuple)) \
        else ast.unparse(replacement)
    return (data[:before] + made.encode() + data[before + len(source.encode()):]).decode()


def own_line(original: str, converted: str) -> int:
    """The first line behind the imports of a converted program that the original has too: what stands before is carried along."""
    known = {line.strip() for line in original.splitlines() if len(line.strip()) > 8 and not line.strip().startswith(("import", "from", '"'))}
    return next((n for n, line in enumerate(converted.splitlines(), 1) if line.strip() in known), 1)


def changes_a_number(before: Run, after: Run) -> bool:
    """Whether a mutation changed a printed number or a recorded gradient: told without any pairing with the original."""
    ours, theirs = printed_numbers(before.outcome.stdout), printed_numbers(after.outcome.stdout)
    if len(ours) != len(theirs) or any(not abs(a - b) <= 1e-3 + 1e-2 * abs(a) for a, b in zip(ours, theirs, strict=True) if a == a):
        return True
    pairs = list(zip(before.record.evaluations, after.record.evaluations, strict=False))
    return any(a is not UNKNOWN and b is not UNKNOWN and a is not None and b is not None and compare_arrays(a, b, Tolerance(1e-2, 1e-3))[0] == "differs"
               for x, y in pairs for a, b in zip(x.values, y.values, strict=False))


def harm(path: Path, folder: Path, server: Server) -> list[tuple[str, bool]]:
    """(mutation, whether verify noticed) for those mutations of a program's conversion that run to the end and change a number."""
    text = path.read_text()
    conversion = mapper.convert(text, filename=str(path))
    if not conversion.complete:
        return []
    original, target = folder / f"{path.stem}.py", folder / f"{path.stem}_converted.py"
    original.write_text(text)
    target.write_text(conversion.code)
    tagged = tuple(site.converted for site in conversion.sites if site.converted)
    left, right = server.run(original, text), server.run(target, conversion.code, tagged)
    if right.outcome.code:
        return []
    assert all(row.verdict in ("exact", "close", "not run") for row in comparisons(conversion.sites, left, right, TOLERANCE)), path
    rng = random.Random(path.stem)
    options = list(mutants(ast.parse(conversion.code), own_line(text, conversion.code)))
    found = []
    for what, node, replacement in rng.sample(options, min(MUTATIONS, len(options))):
        wrong = mutated(conversion.code, node, replacement)
        target.write_text(wrong)
        sites = moved(conversion.sites, conversion.code, wrong)
        run = server.run(target, wrong, tuple(site.converted for site in sites if site.converted))
        if run.outcome.code == 0 and changes_a_number(right, run):
            rows = comparisons(sites, left, run, TOLERANCE)
            name = f"{path.stem}:{node.lineno} {what}: {ast.unparse(node)} -> {ast.unparse(replacement)}"
            found.append((name, any(row.verdict == "differs" for row in rows)))
    return found


def harm_all(paths: list[Path], folder: Path) -> list[tuple[str, bool]]:
    server = Server()
    try:
        return [mutation for path in paths for mutation in harm(path, folder, server)]
    finally:
        server.close()


def test_every_automatic_mutation_that_changes_a_number_is_noticed(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        parts = pool.map(harm_all, [PROGRAMS[0::2], PROGRAMS[1::2]], [tmp_path, tmp_path])
        found = [mutation for part in parts for mutation in part]
    missed = [what for what, noticed in found if not noticed]
    assert not missed, f"{len(missed)} of {len(found)} mutations went unnoticed:\n" + "\n".join(missed)
    assert len(found) >= 200
