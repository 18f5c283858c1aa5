"""The verdict as one page that needs nothing else: both programs side by side, sites linked and coloured, values, errors, settings."""
from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from mapper.results import Comparison, Sample, Verification

_STYLE = """
:root { color-scheme: light dark; --line: #c8ccd0; --soft: #f4f6f8; --text: #1c2024; --faint: #68707a; --page: #ffffff;
  --exact: #1a7f4b; --close: #2b6cb0; --doubtful: #9a5b00; --differs: #c0262d; --notrun: #68707a; }
@media (prefers-color-scheme: dark) { :root { --line: #3a4149; --soft: #20262c; --text: #e6e9ec; --faint: #9aa3ad; --page: #15191d;
  --exact: #4cc38a; --close: #6fb1f0; --doubtful: #f0b429; --differs: #ff7b80; --notrun: #9aa3ad; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 2rem 4rem; max-width: 110rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; } h3 { font-size: 1rem; margin: 0 0 .4rem; }
p { margin: .3rem 0; } a { color: inherit; }
code, pre, td.n, .src { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 13px; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--faint); } td.n, th.n { text-align: right; white-space: nowrap; }
.badge { display: inline-block; padding: 0 .5rem; border: 1px solid currentColor; border-radius: .6rem; font-size: 13px; font-weight: 600;
  white-space: nowrap; }
.exact { color: var(--exact); } .close { color: var(--close); } .doubtful { color: var(--doubtful); } .differs { color: var(--differs); }
.notrun { color: var(--notrun); }
.faint { color: var(--faint); } .verdict { font-size: 1.1rem; font-weight: 600; }
.panes { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; }
.pane h3 { overflow-wrap: anywhere; }
.src { max-height: 34rem; overflow: auto; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft); padding: .4rem 0; margin: 0; }
.src div { display: flex; white-space: pre; min-width: max-content; padding-right: 1rem; }
.src i { flex: none; width: 4rem; padding-right: .8rem; text-align: right; font-style: normal; color: var(--faint); user-select: none; }
.src .site { border-left: 4px solid currentColor; background: color-mix(in srgb, currentColor 12%, transparent); }
.src .site i { width: calc(4rem - 4px); } .src .site span { color: var(--text); } .src .site a { margin-left: 1rem; font-weight: 600; }
.src div:target, tr:target, section:target { outline: 2px solid currentColor; outline-offset: -2px; }
section { border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem; margin: 0 0 1rem; }
pre { background: var(--soft); border-radius: .3rem; padding: .6rem .8rem; overflow: auto; margin: .5rem 0; }
svg { display: block; max-width: 100%; height: auto; margin: .5rem 0; } svg text { font: 12px system-ui, sans-serif; fill: var(--faint); }
.scroll { overflow-x: auto; }
@media (max-width: 60rem) { .panes { grid-template-columns: minmax(0, 1fr); } .src { max-height: 20rem; } body { padding: 1rem; } }
"""

_SCRIPT = """
function show(line) {
  var pane = line && line.closest('.src');
  if (pane) { pane.scrollTop = line.offsetTop - pane.offsetTop - pane.clientHeight / 3; }
}
document.querySelectorAll('.src').forEach(function (pane) { show(pane.querySelector('.differs') || pane.querySelector('.site')); });
document.addEventListener('click', function (event) {
  var link = event.target.closest('a[data-other]');
  if (!link) { return; }
  var other = document.getElementById(link.dataset.other), here = document.getElementById(link.getAttribute('href').slice(1));
  show(other);
  show(here);
});
"""


def page(result: Verification) -> str:
    """A whole HTML page about a verification."""
    parts = [_head(result), _table(result), _three_ways(result), _sources(result), *(_section(i, row) for i, row in enumerate(result.rows)), _settings(result)]
    title = f"mapper verify: {escape(result.original)}"
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
            + "\n".join(part for part in parts if part) + f"\n<script>{_SCRIPT}</script>\n</body>\n</html>\n")


def _kind(verdict: str) -> str:
    return verdict.replace(" ", "")


def _badge(verdict: str) -> str:
    return f'<span class="badge {_kind(verdict)}">{escape(verdict)}</span>'


def _head(result: Verification) -> str:
    sites = [row for row in result.rows if row.line]
    reached = sum(row.verdict != "not run" for row in sites)
    confirmed = sum(row.oracle.startswith("finite differences agree") for row in sites)
    verdict = "same numbers" if result.matches else "could not verify" if result.problem else "NOT the same numbers"
    colour = "exact" if result.matches else "differs"
    lines = ["<header>", f"<h1>{escape(result.original)} <span class=\"faint\">against</span> {escape(result.converted)}</h1>",
             f'<p class="verdict {colour}">{verdict}</p>',
             f"<p>{reached} of {len(sites)} gradient sites compared, {confirmed} confirmed by finite differences.</p>"]
    if result.problem:
        lines.append(f"<pre>{escape(result.problem)}</pre>")
    return "\n".join([*lines, *(f"<p>{escape(note)}</p>" for note in result.notes), "</header>"])


def _table(result: Verification) -> str:
    if not result.rows:
        return ""
    rows = []
    for index, row in enumerate(result.rows):
        rows.append(f'<tr id="row-{index}"><td><a href="#detail-{index}">{escape(row.what)}</a></td><td>{_link(row, "o")}</td><td>{_link(row, "c")}</td>'
                    f'<td class="n">{row.evaluations}</td><td>{_badge(row.verdict)}</td>{_distances(row)}</tr>')
    heads = _heads("what", "original", "converted", "times", "verdict", "max abs", "max rel", "ULP")
    return f'<h2>Verdicts</h2>\n<div class="scroll"><table class="verdicts"><thead><tr>{heads}</tr></thead>\n<tbody>{"".join(rows)}</tbody></table></div>'


def _link(row: Comparison, side: str) -> str:
    line = row.line if side == "o" else row.converted_line
    opposite = _opposite(side, row)
    other = f' data-other="{opposite}"' if opposite else ""
    return f'<a href="#{side}-{line}"{other}>line {line}</a>' if line else '<span class="faint">-</span>'


_NUMBERS = {"times", "evaluation", "gradient", "max abs", "max rel", "ULP"}


def _heads(*names: str) -> str:
    return "".join(f'<th class="n">{name}</th>' if name in _NUMBERS else f"<th>{name}</th>" for name in names)


def _distances(one: Comparison | Sample) -> str:
    return "".join(f'<td class="n">{_size(value)}</td>' for value in (one.max_abs, one.max_rel, one.max_ulp))


def _size(value: float) -> str:
    return "0" if not value else f"{value:.2g}" if math.isfinite(value) else "∞"


def _three_ways(result: Verification) -> str:
    if not result.agreements:
        return ""
    heads = _heads("what", "real original, real converted", "bundled original, real original", "bundled original, real converted")
    rows = "".join(f"<tr><td>{escape(a.what)}</td><td>{_badge(a.real)}</td><td>{_badge(a.original)}</td><td>{_badge(a.converted)}</td></tr>"
                   for a in result.agreements)
    return f'<h2>Bundled runtime and real frameworks</h2>\n<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


# ----------------------------------------------------------------------------------------------------------------- sources

def _sources(result: Verification) -> str:
    if not any(result.sources):
        return ""
    panes = [_pane(name, text, side, result.rows) for name, text, side in zip((result.original, result.converted), result.sources, "oc", strict=True)]
    return f'<h2>Programs</h2>\n<div class="panes">{"".join(panes)}</div>'


def _pane(name: str, text: str, side: str, rows: Sequence[Comparison]) -> str:
    found: dict[int, list[tuple[int, Comparison]]] = {}
    for index, row in enumerate(rows):
        line = row.line if side == "o" else row.converted_line
        if line:
            found.setdefault(line, []).append((index, row))
    lines = [_source_line(number, line, side, found.get(number, [])) for number, line in enumerate(text.splitlines(), 1)]
    return f'<div class="pane"><h3>{escape(name)}</h3><div class="src" tabindex="0" role="region" aria-label="{escape(name)}">{"".join(lines)}</div></div>'


def _source_line(number: int, text: str, side: str, sites: Sequence[tuple[int, Comparison]]) -> str:
    body = f"<i>{number}</i><span>{escape(text)}</span>"
    if not sites:
        return f'<div id="{side}-{number}">{body}</div>'
    worst = max((row.verdict for _, row in sites), key=("not run", "exact", "close", "doubtful", "differs").index)
    links = "".join(f'<a href="#{_opposite(side, row)}" data-other="{side}-{number}" title="the other side">{escape(row.what)}: {row.verdict}</a>'
                    for _, row in sites if _opposite(side, row))
    return f'<div id="{side}-{number}" class="site {_kind(worst)}">{body}{links}</div>'


def _opposite(side: str, row: Comparison) -> str:
    line = row.converted_line if side == "o" else row.line
    return f"{'c' if side == 'o' else 'o'}-{line}" if line else ""


# ----------------------------------------------------------------------------------------------------------------- details

def _section(index: int, row: Comparison) -> str:
    parts = [f'<section id="detail-{index}" class="{_kind(row.verdict)}"><h3>{escape(row.what)} {_badge(row.verdict)}</h3>']
    if index == 0:
        parts.insert(0, "<h2>Details</h2>")
    parts.append('<div style="color: var(--text)">')
    if row.line:
        parts.append(f"<p>original {_link(row, 'o')}, converted {_link(row, 'c')}, {row.evaluations} evaluations</p>")
    if row.cause:
        parts.append(f'<p><strong>Probable cause:</strong> {escape(row.cause)}</p>')
    parts += [f"<p>{escape(remark)}</p>" for remark in (row.oracle, *row.notes) if remark]
    parts += [_samples(row.samples), _plot(row.errors), f"<pre>{escape(row.detail)}</pre>" if row.detail else "", "</div></section>"]
    return "\n".join(part for part in parts if part)


def _samples(samples: Iterable[Sample]) -> str:
    rows = [f'<tr><td class="n">{s.evaluation + 1}</td><td class="n">{s.gradient}</td><td><code>{escape(s.original)}</code></td>'
            f'<td><code>{escape(s.converted)}</code></td>{_distances(s)}<td>{escape(s.error or s.worst)}</td></tr>' for s in samples]
    heads = _heads("evaluation", "gradient", "original", "converted", "max abs", "max rel", "ULP", "furthest apart")
    return f'<div class="scroll"><table class="values"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>' if rows else ""


_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 170, 60, 12, 30


def _plot(errors: Sequence[float]) -> str:
    """The largest difference of each evaluation, on a logarithmic scale; evaluations that are equal stand on the ground."""
    known = [e for e in errors if math.isfinite(e) and e > 0]
    if not errors or not known and all(math.isfinite(e) for e in errors):
        return ""
    low = math.floor(math.log10(min(known))) - 1 if known else -1
    high = max(math.ceil(math.log10(max(known))), low + 2) if known else 1
    ground = _HEIGHT - _BOTTOM
    step = (_WIDTH - _LEFT - 20) / max(len(errors) - 1, 1)

    def height(error: float) -> float:
        if not error:
            return float(ground)
        level = high if not math.isfinite(error) else min(max(math.log10(error), low), high)
        return ground - (level - low) / (high - low) * (ground - _TOP)

    marks = "".join(f'<circle cx="{_LEFT + i * step:.1f}" cy="{height(e):.1f}" r="3" fill="currentColor"><title>evaluation {i + 1}: {_size(e)}</title></circle>'
                    for i, e in enumerate(errors))
    path = " ".join(f"{_LEFT + i * step:.1f},{height(e):.1f}" for i, e in enumerate(errors))
    grid = "".join(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{height(10.0 ** n):.1f}" y2="{height(10.0 ** n):.1f}" stroke="var(--line)"/>'
                   f'<text x="{_LEFT - 8}" y="{height(10.0 ** n) + 4:.1f}" text-anchor="end">1e{n}</text>'
                   for n in range(low, high + 1, max(1, (high - low) // 4)))
    label = f"largest absolute difference of each of {len(errors)} evaluations"
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return (f'<svg class="errors" {size} role="img" aria-label="{label}" style="color: var(--close)">{grid}'
            f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="1.5"/>{marks}'
            f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{label}</text></svg>')


def _settings(result: Verification) -> str:
    pairs = [*result.settings.items(), *result.machine.items()]
    rows = "".join(f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>" for name, value in pairs)
    return f'<h2>Settings and machine</h2>\n<table class="settings"><tbody>{rows}</tbody></table>'
