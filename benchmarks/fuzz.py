"""Feeds mutated programs to the converter and counts what must never happen.

    python benchmarks/fuzz.py --count 20000 --seed 1 [--jobs 2]

Each input is a program of tests/programs or examples with one to four mutations of its bytes, lines, tokens or structure. It is an
error when the converter ends with anything but a SourceError, reports a defect of its own, writes text that does not parse, changes
what it has converted when asked again, mixes line ends, loses a comment, or takes more than ten seconds."""
from __future__ import annotations

import argparse
import ast
import collections
import hashlib
import io
import json
import random
import re
import sys
import time
import tokenize
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mapper  # noqa: E402
from mapper import source  # noqa: E402
from mapper.results import SourceError  # noqa: E402

SLOW = 10.0
PROGRAMS = [path.read_text("utf-8") for path in sorted([*(ROOT / "tests" / "programs").rglob("*.py"), *(ROOT / "examples").glob("*.py")])]
WORDS = sorted({word for text in PROGRAMS for word in re.findall(r"[\w.]+", text)})
Mutation = Callable[[str, random.Random], str]


def _lines(text: str, pick: random.Random, change: Callable[[list[str], int, int], None]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    low = pick.randrange(len(lines))
    change(lines, low, min(len(lines), low + pick.randint(1, 4)))
    return "".join(lines)


def delete_lines(text: str, pick: random.Random) -> str:
    return _lines(text, pick, lambda lines, a, b: lines.__delitem__(slice(a, b)))


def double_lines(text: str, pick: random.Random) -> str:
    return _lines(text, pick, lambda lines, a, b: lines.__setitem__(slice(a, a), lines[a:b]))


def move_lines(text: str, pick: random.Random) -> str:
    def move(lines: list[str], a: int, b: int) -> None:
        moved = lines[a:b]
        del lines[a:b]
        at = pick.randint(0, len(lines))
        lines[at:at] = moved

    return _lines(text, pick, move)


def splice(text: str, pick: random.Random) -> str:
    other = pick.choice(PROGRAMS).splitlines(keepends=True)
    low = pick.randrange(len(other))
    return _lines(text, pick, lambda lines, a, b: lines.__setitem__(slice(a, a), other[low:low + pick.randint(1, 12)]))


def swap_words(text: str, pick: random.Random) -> str:
    found = list(re.finditer(r"[\w.]+", text))
    if not found:
        return text
    where = pick.choice(found)
    return text[:where.start()] + pick.choice(WORDS) + text[where.end():]


def drop_argument(text: str, pick: random.Random) -> str:
    found = list(re.finditer(r", [\w.=\[\]'\"]+(?=[,)])", text))
    if not found:
        return text
    where = pick.choice(found)
    return text[:where.start()] + text[where.end():]


def wrap(text: str, pick: random.Random) -> str:
    header = pick.choice(["def main():", "class A:", "if True:", "for i in range(2):", "while True:", "try:", "with open('x') as f:", "async def main():",
                          "match x:\n  case 1:"])
    body = "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))
    return f"{header}\n{body}" + ("\nexcept Exception:\n    pass\n" if header == "try:" else "\n")


def comment(text: str, pick: random.Random) -> str:
    words = pick.choice(["# note", "# mapper: off", "# mapper: on", "# mapper: skip", "# mapper: M201 x", "#", "# é \u2028 \u00a0"])

    def put(lines: list[str], a: int, b: int) -> None:
        line = lines[a].rstrip("\r\n")
        lines[a] = f"{line}  {words}{lines[a][len(line):]}" if pick.random() < 0.5 else f"{words}\n{lines[a]}"

    return _lines(text, pick, put)


def spaces(text: str, pick: random.Random) -> str:
    old, new = pick.choice([("    ", "\t"), ("    ", "  "), ("\n", "\r\n"), ("\n", "\r"), ("\n\n", "\n\f\n"), (" ", "\u00a0"), (" = ", "="), (", ", ",\\\n"),
                            ("(", "(\n"), ("\n", "\n\n\n"), ("\n", ";", ) if pick.random() < 0.1 else ("\n", " \n")])
    return text.replace(old, new) if pick.random() < 0.5 else text.replace(old, new, pick.randint(1, 5))


def characters(text: str, pick: random.Random) -> str:
    letters = list(text)
    for _ in range(pick.randint(1, 3)):
        at = pick.randrange(len(letters) + 1)
        change = pick.randrange(3)
        if change == 0 and at < len(letters):
            del letters[at]
        else:
            letters.insert(at, pick.choice("()[]{}:,.=+-*#\"'\\\n\t 0aé\u4e2d\f\0\ufeff"))
    return "".join(letters)


def join_statements(text: str, pick: random.Random) -> str:
    def join(lines: list[str], a: int, b: int) -> None:
        lines[a:b] = ["; ".join(line.strip() for line in lines[a:b]) + "\n"]

    return _lines(text, pick, join)


def cut(text: str, pick: random.Random) -> str:
    return text[:pick.randint(0, len(text))]


MUTATIONS: list[Mutation] = [delete_lines, double_lines, move_lines, splice, swap_words, swap_words, drop_argument, wrap, comment, comment, spaces, characters,
                             join_statements, cut]


def mutated(seed: int) -> bytes:
    """The input of a seed."""
    pick = random.Random(seed)
    text = pick.choice(PROGRAMS)
    for _ in range(pick.randint(1, 4)):
        text = pick.choice(MUTATIONS)(text, pick)
    data = text.encode(pick.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1"]), "replace")
    if pick.random() < 0.02:
        at = pick.randint(0, len(data))
        data = data[:at] + bytes(pick.randrange(256) for _ in range(3)) + data[at:]
    return data


def comments(text: str) -> collections.Counter[str]:
    try:
        return collections.Counter(t.string.rstrip() for t in tokenize.generate_tokens(io.StringIO(text, newline="").readline) if t.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError):
        return collections.Counter()


def attempt(seed: int) -> tuple[str, str]:
    """(what became of an input, details of what must not happen)."""
    started = time.perf_counter()
    try:
        program = source.decode(mutated(seed), Path("fuzz.py"))
        conversion = mapper.convert(program.text, filename="fuzz.py")
    except SourceError as error:
        return ("defect reported", str(error).split(";")[0]) if "converter failed" in str(error) else ("refused", "")
    except BaseException as error:
        return "crash", f"{type(error).__name__}: {error}"
    if time.perf_counter() - started > SLOW:
        return "slow", f"{time.perf_counter() - started:.0f} s"
    if conversion.code == program.text:
        return "left as it is", ""
    try:
        ast.parse(conversion.code.removeprefix("\ufeff"))
    except (SyntaxError, ValueError) as error:
        return "does not parse", str(error)
    ends = set(re.findall(r"\r\n|\r|\n", program.text))
    if len(ends) == 1 and set(re.findall(r"\r\n|\r|\n", conversion.code)) - ends:
        return "mixed line ends", repr(ends)
    lost = comments(program.text) - comments(conversion.code)
    if lost:
        return "lost a comment", repr(next(iter(lost)))
    to = source.direction_of(program.text, "fuzz.py") if len(source.imports(program.text)) == 1 else "mindspore"
    try:
        if mapper.convert(conversion.code, to, filename="fuzz.py").code != conversion.code:
            return "changes again", ""
    except SourceError as error:
        return "not convertible again", str(error)
    return ("converted" if conversion.complete else "converted with markers"), ""


FINE = {"converted", "converted with markers", "refused", "left as it is"}


def batch(seeds: range) -> tuple[collections.Counter[str], list[tuple[int, str, str]], int]:
    warnings.simplefilter("ignore")
    counts: collections.Counter[str] = collections.Counter()
    bad, different = [], set()
    for seed in seeds:
        verdict, detail = attempt(seed)
        counts[verdict] += 1
        different.add(hashlib.md5(mutated(seed)).digest())
        if verdict not in FINE:
            bad.append((seed, verdict, detail))
    return counts, bad, len(different)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first input; input n has the seed SEED + n")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, help="print the input of this seed and stop")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    chosen = parser.parse_args()
    if chosen.show is not None:
        sys.stdout.buffer.write(mutated(chosen.show))
        return
    started = time.perf_counter()
    seeds = range(chosen.seed, chosen.seed + chosen.count)
    counts: collections.Counter[str] = collections.Counter()
    bad: list[tuple[int, str, str]] = []
    different = 0
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for found, wrong, distinct in pool.map(batch, [seeds[i:i + 200] for i in range(0, len(seeds), 200)]):
            counts += found
            bad += wrong
            different += distinct
    print(f"{chosen.count} inputs, {different} of them different, {time.perf_counter() - started:.0f} s")
    for verdict, number in counts.most_common():
        print(f"{number:>8}  {verdict}{'' if verdict in FINE else '   <- must not happen'}")
    kinds = collections.Counter((verdict, re.sub(r"\d+", "N", detail)[:150]) for _, verdict, detail in bad)
    for (verdict, detail), number in kinds.most_common(40):
        example = next(seed for seed, v, d in bad if v == verdict and re.sub(r"\d+", "N", d)[:150] == detail)
        print(f"{number:>8}  {verdict}: {detail} (seed {example})")
    if chosen.json:
        chosen.json.write_text(json.dumps({"count": chosen.count, "counts": counts, "bad": bad}, indent=1), "utf-8")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
