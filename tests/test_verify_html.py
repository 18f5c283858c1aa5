"""The page that verify --html writes: its structure, and how a browser takes it where there is one."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import mapper
from mapper.results import Agreement, Comparison, Sample, Verification
from mapper.verify_html import page

ROOT = Path(__file__).resolve().parent.parent
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "link", "br", "line", "circle", "polyline", "input"}


class Reader(HTMLParser):
    """Checks that tags close in order; collects ids, links and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.others: list[str] = []
        self.outside: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if values.get("data-other"):
            self.others.append(str(values["data-other"]))
        self.outside += [str(v) for name, v in attrs if name in ("src", "href") and v and not str(v).startswith(("#", "data:"))]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def example() -> Verification:
    """One row of every verdict, with names that HTML must not take for its own."""
    rows = (
        Comparison("gradients G1", 2, 3, "exact", 3, oracle="finite differences agree: 1 and 1", samples=(Sample(0, 0, "float32[1] 1", "float32[1] 1"),),
                   errors=(0.0, 0.0, 0.0)),
        Comparison("gradients G2", 3, 4, "close", 40, 1e-6, 2e-7, 3.0, errors=tuple(1e-7 * (1 + i % 7) * (i % 3) for i in range(40)), notes=("a <note>",)),
        Comparison("gradients G3", 4, 4, "differs", 2, float("inf"), 1.0, 2.0, detail="  <b>wrong</b>", cause="the sign & more", errors=(0.5, float("inf")),
                   samples=(Sample(1, 0, "float32[2] 1 2", "float32[2] -1 -2", "[1]: 2 against -2", 4.0, 2.0, 1e9),)),
        Comparison("gradients G4", 5, 0, "not run", notes=("neither program reached it",)),
        Comparison("gradients G5", 6, 5, "doubtful", 1, oracle="finite differences disagree with both: 1 and 2"),
        Comparison("printed numbers", 0, 0, "exact", 12),
    )
    sources = "\n".join(f"a{n} = '<script>{n}</script>' & b" for n in range(8)), "\n".join(f"c{n} < d" for n in range(6))
    return Verification("a<b>.py", "c&d.py", rows, settings={"rtol": 1e-4}, machine={"NumPy": "2.0"}, sources=sources, notes=("something <else>",),
                        agreements=(Agreement("gradients G1", "exact", "close", "differs"),))


def test_the_page_is_well_formed_stands_alone_and_its_links_lead_somewhere() -> None:
    text = page(example())
    reader = read(text)
    assert len(set(reader.ids)) == len(reader.ids)
    assert reader.links and {link[1:] for link in reader.links} | set(reader.others) <= set(reader.ids)
    assert not reader.outside and "http" not in re.sub(r"http://www.w3.org\S*", "", text)
    assert "<script>3" not in text and "'<script>3</script>' & b" in reader.text


def test_sites_are_coloured_by_the_worst_verdict_and_linked_to_the_other_side() -> None:
    text = page(example())
    for line, kind in (("o-2", "exact"), ("o-3", "close"), ("o-4", "differs"), ("o-5", "notrun"), ("o-6", "doubtful"), ("c-4", "differs")):
        assert f'<div id="{line}" class="site {kind}">' in text
    assert re.search(r'id="o-2".*?href="#c-3" data-other="o-2"', text)
    assert re.search(r'id="c-3".*?href="#o-2" data-other="c-3"', text)


def test_values_errors_causes_and_settings_are_there() -> None:
    text = page(example())
    for said in ("float32[2] -1 -2", "[1]: 2 against -2", "the sign &amp; more", "finite differences disagree with both",
                 "&lt;b&gt;wrong&lt;/b&gt;", "a &lt;note&gt;", "NumPy", "rtol", "NOT the same numbers", "something &lt;else&gt;",
                 "bundled original, real converted"):
        assert said in text
    assert text.count('class="errors"') == 2                     # nothing to draw where all is equal
    assert text.count("<circle") == 42


def test_a_problem_has_a_page_too() -> None:
    text = page(Verification("a.py", "b.py", problem="a.py: it ran <longer>"))
    read(text)
    assert "could not verify" in text and "it ran &lt;longer&gt;" in text


def test_the_command_writes_it(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    seed = ROOT / "examples/seed_tensorflow.py"
    done = subprocess.run([sys.executable, "-m", "mapper", "verify", str(seed), "--html", str(target)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0
    reader = read(target.read_text())
    assert "same numbers" in reader.text and seed.read_text().splitlines()[0] in reader.text
    assert {link[1:] for link in reader.links} | set(reader.others) <= set(reader.ids)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_browser_shows_it_without_complaint(tmp_path: Path) -> None:
    result = mapper.verify(ROOT / "tests/programs/mindspore/functional_api.py")
    (tmp_path / "page.html").write_text(page(result))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync",
               "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--window-size=1400,1600",
               f"--screenshot={tmp_path / 'page.png'}", "--virtual-time-budget=2000", "--dump-dom")
    done = subprocess.run([str(BROWSER), *options, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=60)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    reader = read(re.sub(r"<(line|circle|polyline)([^>]*)></\1>", r"<\1\2>", done.stdout))
    assert "7 of 7 gradient sites compared" in reader.text and (tmp_path / "page.png").stat().st_size > 10_000
