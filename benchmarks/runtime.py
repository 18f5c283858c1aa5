"""Times gradients through the bundled faces against hand-written NumPy, autograd and the real frameworks where they import.

    python benchmarks/runtime.py                        the table for docs/benchmarks.md
    python benchmarks/runtime.py --native PYTHON        also the real frameworks, in that interpreter

Every library runs in a process of its own, one thread each. The rounds of hand-written NumPy and of the bundled faces are
interleaved in one process, so that a ratio compares neighbours in time; the best of the rounds counts.
"""
from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
REACH = {"four_vectors": 1.5, "chain": 0.8, "mlp": 1.05, "pinn": 1.0, "large_elementwise": 0.6, "conv_net": 1.1,
         "hessian_vector": 1.0}


def best_times(steps: dict[str, Any], seconds: float) -> dict[str, float]:
    """Best time per call of each step, in seconds; rounds of all steps are interleaved for about `seconds`."""
    repeats, best = {}, {}
    for name, step in steps.items():
        step()
        start = time.perf_counter()
        step()
        once = time.perf_counter() - start
        repeats[name], best[name] = max(1, int(0.02 / max(once, 1e-7))), float("inf")
    end = time.perf_counter() + seconds * len(steps)
    while time.perf_counter() < end:
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                step()
            best[name] = min(best[name], (time.perf_counter() - start) / repeats[name])
    return best


def measure(workload: str, libraries: list[str], seconds: float) -> dict[str, Any]:
    """Times, peak memory and agreement with hand-written NumPy of `libraries` on one workload, in this process."""
    sys.path.insert(0, str(HERE))
    import numpy as np
    import programs

    if "bundled" in libraries:
        sys.path.insert(0, str(HERE.parent))
        from mapper.runtime import shims

        shims.install()
    names = {"hand": ["hand"], "bundled": ["tensorflow", "mindspore"]}
    steps, skipped = {}, {}
    for library in libraries:
        for name in names.get(library, [library]):
            try:
                steps[name] = getattr(programs, name)(workload)
            except (KeyError, ImportError, NotImplementedError) as error:
                skipped[name] = f"{type(error).__name__}: {error}"
    expected = programs.hand(workload)()
    wrong = {}
    for name, step in steps.items():
        got = [np.asarray(value) for value in step()]
        if not all(np.allclose(g, e, rtol=2e-3, atol=2e-4 * max(1e-3, float(np.abs(e).max())))
                   for g, e in zip(got, expected, strict=True)):
            wrong[name] = "gradients differ from hand-written NumPy"
    times = best_times(steps, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"times": times, "skipped": skipped, "wrong": wrong, "peak_mb": peak}


def in_child(workload: str, libraries: list[str], seconds: float, python: str) -> dict[str, Any]:
    environment = {**os.environ, **THREADS, "TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4"}
    command = [python, __file__, "--child", workload, "--libraries", ",".join(libraries), "--seconds", str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        return {"times": {}, "skipped": {libraries[0]: done.stderr.strip().splitlines()[-1:]}, "wrong": {}, "peak_mb": 0.0}
    return json.loads(done.stdout.splitlines()[-1])      # type: ignore[no-any-return]


def report(workloads: list[str], seconds: float, native: str | None) -> str:
    rows = ["| workload | NumPy by hand | TensorFlow face | reach | MindSpore face | autograd | real TensorFlow | real MindSpore |"
            " peak MB, by hand | peak MB, TensorFlow face |", "|---" * 10 + "|"]
    for workload in workloads:
        main = in_child(workload, ["hand", "bundled"], seconds, sys.executable)
        other = in_child(workload, ["autograd"], seconds, sys.executable)
        real = [in_child(workload, [name], seconds, native) if native else {"times": {}} for name in ("tensorflow", "mindspore")]
        peaks = [in_child(workload, [name], 0.2, sys.executable)["peak_mb"] for name in ("hand", "bundled-tensorflow")]
        hand = main["times"]["hand"]

        def ratio(times: dict[str, float], name: str, hand: float = hand) -> str:
            return f"{times[name] / hand:.2f}" if name in times else "–"

        cells = [workload, f"{hand * 1e6:.1f} µs", ratio(main["times"], "tensorflow"), str(REACH[workload]),
                 ratio(main["times"], "mindspore"), ratio(other["times"], "autograd"),
                 ratio(real[0]["times"], "tensorflow"), ratio(real[1]["times"], "mindspore"),
                 *(f"{peak:.0f}" for peak in peaks)]
        rows.append("| " + " | ".join(cells) + " |")
        for problem in [*main["wrong"].items(), *main["skipped"].items()]:
            rows.append(f"<!-- {workload}: {problem} -->")
        print("\n".join(rows[-1:]), file=sys.stderr)
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="interpreter that has tensorflow and mindspore")
    parser.add_argument("--seconds", type=float, default=2.0, help="per library and workload")
    parser.add_argument("--only", action="append", help="a workload; may be repeated")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--libraries", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.libraries.split(","), options.seconds)))
        return
    print(report(options.only or list(REACH), options.seconds, options.native))


if __name__ == "__main__":
    main()
