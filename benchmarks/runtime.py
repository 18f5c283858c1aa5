"""Times gradients through the bundled faces against hand-written NumPy, autograd and the real frameworks where they import.

    python benchmarks/runtime.py                        the table for docs/benchmarks.md
    python benchmarks/runtime.py --native PYTHON        also the real frameworks, in that interpreter

The rounds of hand-written NumPy and of the bundled faces are interleaved in one process, so that a ratio compares neighbours in
time; every other library runs in a process of its own, beside hand-written NumPy again. All have one thread of their own; the
processor time of the best round counts. "plan alone" is the TensorFlow face without what `Session.run` does for feeds and fetches.
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
HWM = Path("/proc/self/status")
REACH = {"four_vectors": 1.5, "chain": 0.8, "mlp": 1.05, "pinn": 1.0, "large_elementwise": 0.6, "conv_net": 1.1,
         "hessian_vector": 1.0}


def best_times(steps: dict[str, Any], seconds: float) -> dict[str, float]:
    """Least processor time per call of each step, in seconds; rounds of all steps are interleaved for about `seconds`."""
    repeats, best = {}, {}
    for name, step in steps.items():
        step()
        start = time.process_time()
        step()
        once = time.process_time() - start
        repeats[name], best[name] = max(1, int(0.02 / max(once, 1e-7))), float("inf")
    end = time.perf_counter() + seconds * len(steps)
    while time.perf_counter() < end:
        for name, step in steps.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                step()
            best[name] = min(best[name], (time.process_time() - start) / repeats[name])
    return best


def measure(workload: str, libraries: list[str], seconds: float) -> dict[str, Any]:
    """Times, peak memory and agreement with hand-written NumPy of `libraries` on one workload, in this process."""
    sys.path.insert(0, str(HERE))
    import numpy as np
    import programs

    if {"bundled", "bundled-tensorflow"} & set(libraries):
        sys.path.insert(0, str(HERE.parent))
        from mapper.runtime import shims

        shims.install()
    names = {"bundled": ["tensorflow", "mindspore"], "bundled-tensorflow": ["tensorflow"]}
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
    if "bundled" in libraries and "tensorflow" in steps:
        steps["plan alone"] = plan_alone(steps["tensorflow"])
    times = best_times(steps, seconds)
    return {"times": times, "skipped": skipped, "wrong": wrong, "peak_mb": peak_memory() / 1024}


def plan_alone(step: Any) -> Any:
    """What `step` has the evaluator do, as a function: no feeds are checked, no fetches are read."""
    from mapper.runtime import evaluate

    calls: list[tuple[Any, ...]] = []
    run = evaluate.Prepared.run

    def noted(*arguments: Any) -> Any:
        calls.append(arguments)
        return run(*arguments)

    evaluate.Prepared.run = noted                       # type: ignore[method-assign]
    step()
    evaluate.Prepared.run = run                         # type: ignore[method-assign]
    (prepared, feeds, state), = calls
    return lambda: prepared.run(feeds, state)


def peak_memory() -> int:
    """The most kilobytes that this process has had; ru_maxrss would begin with those of the process that started it."""
    return int(HWM.read_text().split("VmHWM:")[1].split()[0]) if HWM.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def in_child(workload: str, libraries: list[str], seconds: float, python: str) -> dict[str, Any]:
    environment = {**os.environ, **THREADS, "TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_v": "4"}
    command = [python, __file__, "--child", workload, "--libraries", ",".join(libraries), "--seconds", str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        return {"times": {}, "skipped": {libraries[0]: done.stderr.strip().splitlines()[-1:]}, "wrong": {}, "peak_mb": 0.0}
    return json.loads(done.stdout.splitlines()[-1])      # type: ignore[no-any-return]


def report(workloads: list[str], seconds: float, native: str | None) -> str:
    rows = ["| workload | NumPy by hand | TensorFlow face | reach | plan alone | MindSpore face | autograd | real TensorFlow | real MindSpore |"
            " MB, by hand | MB, TensorFlow face |", "|---|" + "---:|" * 10]
    for workload in workloads:
        alone = {"bundled": in_child(workload, ["hand", "bundled"], seconds, sys.executable),
                 "autograd": in_child(workload, ["hand", "autograd"], seconds, sys.executable)}
        alone |= {name: in_child(workload, ["hand", name], seconds, native) for name in ("tensorflow", "mindspore") if native}
        peaks = [in_child(workload, [name], 0.2, sys.executable)["peak_mb"] for name in ("hand", "bundled-tensorflow")]

        def ratio(process: str, name: str) -> str:
            times = alone.get(process, {"times": {}})["times"]
            return f"{times[name] / times['hand']:.2f}" if name in times else "–"

        cells = [workload, f"{alone['bundled']['times']['hand'] * 1e6:.1f} µs", ratio("bundled", "tensorflow"), str(REACH[workload]),
                 ratio("bundled", "plan alone"), ratio("bundled", "mindspore"), ratio("autograd", "autograd"),
                 ratio("tensorflow", "tensorflow"), ratio("mindspore", "mindspore"), *(f"{peak:.0f}" for peak in peaks)]
        rows.append("| " + " | ".join(cells) + " |")
        print(rows[-1], file=sys.stderr)
        for process, child in alone.items():
            for name, problem in [*child["wrong"].items(), *child["skipped"].items()]:
                print(f"{workload}: {name} beside {process}: {problem}", file=sys.stderr)
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
