"""Programs converted and converted back, held against the original by `verify`: what does not come back is named, with the reason.

    python benchmarks/round_trips.py [--jobs 2] [PATH...]

Without a PATH the programs of tests/programs. A program holds when both conversions leave no marker and verify finds every gradient, every
printed number and every final variable of the program that came back the same as in the original; a site that the original never
reaches is compared with nothing."""
from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mapper  # noqa: E402


def round_trip(path: Path) -> tuple[str, int]:
    """Why the program does not come back as what it was ("" when it does), and how many of its gradient sites were compared."""
    try:
        there = mapper.convert(path.read_text("utf-8"), filename=str(path))
        back = mapper.convert(there.code, filename=f"{path} converted")
    except mapper.SourceError as error:
        return f"refused: {error}", 0
    left = [f"{step}: {finding}" for step, done in (("there", there), ("back", back)) for finding in done.findings if finding.level == "error"]
    with tempfile.TemporaryDirectory() as folder:
        returned = Path(folder) / path.name
        returned.write_text(back.code, "utf-8")
        try:
            result = mapper.verify(path, returned)
        except mapper.SourceError as error:
            return f"refused: {error}", 0
    differing = [f"{row.what} of line {row.line}: {row.cause or row.detail}" for row in result.rows if row.verdict not in ("exact", "close", "not run")]
    if differing and any(row.what == "printed numbers" and row.verdict in ("exact", "close") for row in result.rows):
        differing.insert(0, "prints the same numbers")
    compared = sum(row.what not in ("printed numbers", "final variables") and row.verdict in ("exact", "close") for row in result.rows)
    return "; ".join([*left, *([result.problem.strip().splitlines()[-1]] if result.problem else []), *differing][:3]), compared


def programs(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", default=[ROOT / "tests" / "programs"])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    found = list(programs(options.paths))
    with ProcessPoolExecutor(options.jobs) as pool:
        results = dict(zip(found, pool.map(round_trip, found)))
    for folder in sorted({path.parent for path in found}):
        inside = {path: result for path, result in results.items() if path.parent == folder}
        agree = sum(not reason for reason, _ in inside.values())
        sites = sum(sites for _, sites in inside.values())
        print(f"{'/'.join(folder.parts[-3:])}: {agree} of {len(inside)} programs come back, {sites} gradient sites agree")
        for path, (reason, _) in inside.items():
            if reason:
                print(f"    {path.stem}: {reason}")


if __name__ == "__main__":
    main()
