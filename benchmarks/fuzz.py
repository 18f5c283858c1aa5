"""Feeds mutated programs to the converter and counts what must never happen.

    python benchmarks/fuzz.py --count 20000 --seed 1 [--jobs 2]

Each input is a program of tests/programs or examples with one to four mutations of its bytes, lines, tokens or structure; half of
those that Python cannot read are mutated anew, so that most inputs are programs. Into those a statement is put that has nothing to do
with either framework. It is an error when the converter ends with anything but a SourceError, refuses a program that Python can read
and that imports one framework, reports a defect of its own, writes text that does not parse, changes one byte of the statement, loses
a comment, mixes line ends, leaves a name of the old framework behind without a marker, does not count a call of tf.gradients, calls a
program complete of which a site is left, changes what it has converted when asked again, or takes more than ten seconds."""
from __future__ import annotations

import argparse
import ast
import collections
import hashlib
import io
import itertools
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
from mapper import held, source  # noqa: E402
from mapper.results import Conversion, Direction, SourceError  # noqa: E402

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
    header = pick.choice(["def wrapped():", "class A:", "if True:", "for i in range(2):", "while True:", "try:", "with open('x') as f:", "async def wrapped():",
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
    for _ in range(6):
        original = text = pick.choice(PROGRAMS)
        for _ in range(pick.randint(1, 4)):
            text = pick.choice(MUTATIONS)(text, pick)
        if pick.random() < 0.5 or text != original and tree_of(text) is not None:
            break
    text = with_bystander(text, pick)
    data = text.encode(pick.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1"]), "replace")
    if pick.random() < 0.02:
        at = pick.randint(0, len(data))
        data = data[:at] + bytes(pick.randrange(256) for _ in range(3)) + data[at:]
    return data


# ---------------------------------------------------------------------------------------------------------------- what must hold

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BYSTANDER = "bystander_ = {'a' :1,   # kept  as it is\n\t  'b': [ 2,3 ], 'tf.gradients': (4 ,) }"
NEWLINE = re.compile(r"\r\n|\r|\n")


def tree_of(text: str) -> ast.Module | None:
    try:
        return ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def with_bystander(text: str, pick: random.Random) -> str:
    """The text with the bystander above one of its top-level statements, where it parses."""
    tree = tree_of(text)
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in tree.body if node.col_offset == 0] if tree else []
    if not starts:
        return text
    ends = [0, *(found.end() for found in NEWLINE.finditer(text))]
    at = ends[pick.choice(starts) - 1]
    found = NEWLINE.search(text)
    new = text[:at] + (BYSTANDER + "\n").replace("\n", found[0] if found else "\n") + text[at:]
    return new if tree_of(new) is not None else text


def framework_names(tree: ast.Module, framework: str) -> dict[str, set[str]]:
    """The names that imports of a framework bind, and in which functions; "" is the whole program. Those in a class are seen by nobody else, and left out."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[ast.AST, str | None]] = [(tree, "")]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)) and inside is not None:
            for alias in node.names:
                if (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0] == framework:
                    found.setdefault(alias.asname or alias.name.split(".")[0], set()).add(inside)
        inside = node.name if isinstance(node, FUNCTIONS) else None if isinstance(node, ast.ClassDef) else inside
        waiting += [(child, inside) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]
    return found


def bound_names(tree: ast.Module) -> set[str]:
    """The names that anything but an import binds."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found |= {node.id} if not isinstance(node.ctx, ast.Load) else set()
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            found |= {node.name} if node.name else set()
    return found


def held_lines(text: str) -> list[tuple[int, int]]:
    """The first and last lines of what comments hold."""
    return [(len(NEWLINE.findall(text, 0, s.start)) + 1, len(NEWLINE.findall(text, 0, s.end)) + 1) for s in held.switched_off(text)]


def unaccounted(program: str, conversion: Conversion, framework: str) -> str:
    """A name of the old framework that stands in the output, neither below a marker nor held; or a site that nobody speaks of."""
    before, after = ast.parse(program.removeprefix("\ufeff")), ast.parse(conversion.code.removeprefix("\ufeff"))
    if conversion.complete and any(site.converted is None for site in conversion.sites):
        return "complete, and a site is left"
    held_before, held_after, lines = held_lines(program), held_lines(conversion.code), NEWLINE.split(conversion.code)
    kept = {alias.asname or alias.name.split(".")[0] for node in ast.walk(before) if isinstance(node, (ast.Import, ast.ImportFrom))
            and any(a <= node.lineno <= b for a, b in held_before) for alias in node.names}
    other = "mindspore" if framework == "tensorflow" else "tensorflow"
    taken = {*bound_names(before), *bound_names(after), *framework_names(after, other), *kept}
    names = {name: places for name, places in framework_names(before, framework).items() if name not in taken}

    def excused(statement: ast.stmt) -> bool:
        top = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
        above = itertools.takewhile(lambda line: line.lstrip().startswith("#") or not line.strip(), (lines[n] for n in range(top - 2, -1, -1)))
        return any("# mapper: M" in line for line in above) or any(a <= top and (statement.end_lineno or 0) <= b for a, b in held_after)

    suspects = any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(after))
    waiting: list[tuple[ast.AST, frozenset[str]]] = [(after, frozenset({""}))] if suspects else []
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.stmt) and excused(node):
            continue
        if isinstance(node, ast.Name) and not inside.isdisjoint(names.get(node.id, ())):
            return f"{node.id} in line {node.lineno}"
        inside |= {node.name} if isinstance(node, FUNCTIONS) else set()
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
    if framework == "tensorflow":
        known = {site.line for site in conversion.sites} | {finding.line for finding in conversion.findings}
        for node in ast.walk(before):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "gradients" and isinstance(node.func.value, ast.Name) \
                    and "" in names.get(node.func.value.id, ()) and not any(a <= node.lineno <= b for a, b in held_before) \
                    and known.isdisjoint(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
                return f"a call of tf.gradients that no site speaks of, line {node.lineno}"
    return ""


def comments(text: str) -> collections.Counter[str]:
    try:
        return collections.Counter(t.string.rstrip() for t in tokenize.generate_tokens(io.StringIO(text, newline="").readline) if t.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError):
        return collections.Counter()


REFUSALS = {"syntax error": "refused: no Python", "Python 2 code": "refused: no Python", "cannot be parsed": "refused: no Python",
            "neither tensorflow nor mindspore": "refused: neither framework", "both tensorflow and mindspore": "refused: both frameworks",
            "a binary file": "refused: not text", "UTF-16": "refused: not text", "is not UTF-8": "refused: not text", "coding line": "refused: not text",
            "nested too deeply": "refused: nested too deeply", "cannot stay where it is": "refused: what is held cannot stay"}


def refusal(message: str, text: str | None) -> tuple[str, str]:
    """What a refusal is: fine when the text is none that could be converted."""
    if "converter failed" in message:
        return "defect reported", message.split(";")[0]
    kind = next((kind for words, kind in REFUSALS.items() if words in message), "")
    if not kind or kind == "refused: no Python" and text is not None and tree_of(text) is not None:
        return "refused without a reason", message
    return kind, ""


def attempt(seed: int) -> tuple[str, str]:
    """(what became of an input, details of what must not happen)."""
    started, program = time.perf_counter(), None
    try:
        program = source.decode(mutated(seed), Path("fuzz.py"))
        conversion = mapper.convert(program.text, filename="fuzz.py")
    except SourceError as error:
        return refusal(str(error), program.text if program else None)
    except BaseException as error:
        return "crash", f"{type(error).__name__}: {error}"
    if time.perf_counter() - started > SLOW:
        return "slow", f"{time.perf_counter() - started:.0f} s"
    if conversion.code == program.text:
        return "left as it is", ""
    if tree_of(conversion.code) is None:
        return "does not parse", ""
    ends = set(NEWLINE.findall(program.text))
    if len(ends) == 1 and set(NEWLINE.findall(conversion.code)) - ends:
        return "mixed line ends", repr(ends)
    stays = {shape for end in ("\n", "\r\n", "\r") if (shape := BYSTANDER.replace("\n", end)) in program.text}
    if any(shape not in conversion.code for shape in stays):
        return "changed what it should not touch", ""
    lost = comments(program.text) - comments(conversion.code)
    if lost:
        return "lost a comment", repr(next(iter(lost)))
    stretches = held.switched_off(program.text)
    found = source.imports(held.hold(program.text, stretches)) or source.imports(program.text)
    to: Direction = "mindspore" if found == {"tensorflow"} else "tensorflow"
    left = unaccounted(program.text, conversion, "tensorflow" if to == "mindspore" else "mindspore")
    if left:
        return "not accounted for", left
    try:
        if mapper.convert(conversion.code, to, filename="fuzz.py").code != conversion.code:
            return "changes again", ""
    except SourceError as error:
        return "not convertible again", str(error)
    return ("converted" if conversion.complete else "converted with markers"), ""


FINE = {"converted", "converted with markers", "left as it is", *REFUSALS.values()}


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
