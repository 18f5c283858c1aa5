"""How building, differentiating and running grow with the number of operations: ten times as many may take twelve times as long.

    python benchmarks/growth.py [--sizes 1000 10000 100000] [--runs 3]

Least processor time of several runs of the bundled faces, each in a process of its own. The program is a chain, which is as deep as a program of so many
operations can be: what recursed anywhere would end here."""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = 12


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def measure(size: int) -> dict[str, float]:
    """Seconds for each stage of a chain of `size` operations."""
    sys.path.insert(0, str(ROOT))
    from mapper.runtime import shims

    shims.install()
    import mindspore as ms
    import numpy as np
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [3])

    def chain(value: Any, tanh: Callable[[Any], Any]) -> Any:
        for _ in range(size // 2):
            value = tanh(value) + x if tanh is tf.tanh else tanh(value) * 0.5
        return value

    point = np.ones(3, np.float32)
    build, y = timed(lambda: chain(x, tf.tanh))
    gradients, slope = timed(lambda: tf.gradients(y, x))
    session = tf.Session()
    first, _ = timed(lambda: session.run(slope, {x: point}))
    again, _ = timed(lambda: session.run(slope, {x: point}))
    gradient = ms.ops.GradOperation()(lambda value: chain(value, ms.ops.tanh))
    gradient(ms.Tensor(point))
    eager, _ = timed(lambda: gradient(ms.Tensor(point)).asnumpy())
    return {"TensorFlow: building": build, "tf.gradients": gradients, "first run": first, "second run": again, "MindSpore: GradOperation": eager}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10000, 100000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child)))
        return
    found: list[dict[str, float]] = [{} for _ in options.sizes]
    for _ in range(options.runs):
        for least, size in zip(found, options.sizes):
            child = subprocess.run([sys.executable, __file__, "--child", str(size)], capture_output=True, text=True, check=True)
            least.update({stage: min(seconds, least.get(stage, seconds)) for stage, seconds in json.loads(child.stdout).items()})
    print("| stage | " + " | ".join(f"{size:,} operations, ms" for size in options.sizes) + " | most for 10× |\n|---|" + "---:|" * (len(found) + 1))
    for stage in found[0]:
        times = [one[stage] for one in found]
        steps = [late / early * 10 * small / large for early, late, small, large in zip(times, times[1:], options.sizes, options.sizes[1:])]
        verdict = f"{max(steps):.1f}" + ("" if max(steps) <= ALLOWED else f" (over {ALLOWED})") if steps else ""
        print(f"| {stage} | " + " | ".join(f"{1000 * seconds:,.1f}" for seconds in times) + f" | {verdict} |")


if __name__ == "__main__":
    main()
