"""The HTML report in a real browser: no complaint, nothing asked for, nothing too wide."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.dataclass import replace
from mtedbg.model.cause import Cause, Hypothesis
from mtedbg.model.figure import SegmentMap, Timeline
from mtedbg.render.html import render_html
from mtedbg.report import Answer, Line, Part, Record, Row, Table
from mtedbg.reports.postmortem import parts
from mtedbg.reports.section import Medium
from mtedbg.session import Session
from tests.golden.cases import unpacked
from tests.support.browser import Browser, browser

CORES = ("heap", "async", "runtime-thunk", "runtime-lockstep", "runtime-patch")
PHONE, DESK, PAPER = 360, 1100, 720
EVIL = (
    "</title><script>fetch('http://evil.test/')</script>\u202e\x1b[31m\"'>"
    "<img src=x onerror=alert(1)>"
)

WIDTH = "document.documentElement.scrollWidth"
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(one =>
  !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1
).map(one => one.outerHTML.slice(0, 80))
"""
# A heading that is squeezed until its letters stand below each other.
TALL_HEADS = """
[...document.querySelectorAll('th')].filter(one => {
  const range = document.createRange()
  range.selectNodeContents(one)
  return new Set([...range.getClientRects()].map(line => line.top)).size > 2
}).map(one => one.textContent)
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports of frozen cores, by name."""
    found = {}
    for name in CORES:
        folder = tmp_path_factory.mktemp(name)
        found[name] = folder / "report.html"
        core = unpacked(name, folder)
        words = ["core", str(core), "--sysroot", str(folder / "empty")]
        assert main([*words, "--html", str(found[name])]) == 0
    return found


@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize(
    ("width", "scheme", "media"),
    [(PHONE, "light", ""), (PHONE, "dark", ""), (DESK, "dark", ""), (PAPER, "light", "print")],
)
def test_it_fits_and_is_silent(
    page: Browser, written: dict[str, Path], name: str, width: int, scheme: str, media: str
) -> None:
    page.open(written[name], width, scheme, media)
    assert page.complaints == []
    assert {one.partition(":")[0] for one in page.requests} <= {"file", "data"}
    assert page.value(WIDTH) <= width
    assert page.value(TOO_WIDE) == []
    assert page.value(TALL_HEADS) == []
    paper = page.value("getComputedStyle(document.body).backgroundColor")
    dark = scheme == "dark" and media != "print"
    assert paper == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")


def test_the_pictures_are_there(page: Browser, written: dict[str, Path]) -> None:
    page.open(written["runtime-thunk"])
    assert page.value("document.querySelector('figure img').naturalWidth") > 500
    granules = page.value("document.querySelectorAll('svg.grid rect[fill]').length")
    assert granules == 5 * 16, "five lines of the map, sixteen granules each"
    assert page.value("document.querySelector('svg.grid .frame title').textContent") == (
        "0xffffb910d000"
    )
    marks = "document.querySelectorAll('svg.drawing path.{}').length"
    assert page.value(marks.format("Fault")) == 3
    assert page.value(marks.format("Patch")) == 2
    assert page.value("document.querySelectorAll('svg.drawing rect.BaselineTier').length") == 1
    page.open(written["runtime-lockstep"])
    assert page.value(marks.format("pc")) == 1, "the thread died in translated code"


def test_the_timeline_zooms_without_a_script(page: Browser, written: dict[str, Path]) -> None:
    page.open(written["runtime-thunk"])
    assert page.value("document.scripts.length") == 0
    width = "document.querySelector('#timeline-1').parentElement.querySelector('svg.drawing')"
    width += ".getBoundingClientRect().width"
    before = page.value(width)
    page.value("document.querySelector('label[for=timeline-8]').click()")
    assert page.value(width) == pytest.approx(8 * before, rel=0.01)
    assert page.value(WIDTH) <= DESK
    other = "document.querySelector('#code-1').parentElement.querySelector('svg.drawing')"
    assert page.value(f"{other}.getBoundingClientRect().width") == pytest.approx(before, rel=0.01)


def test_drawings_are_on_paper_and_buttons_are_not(page: Browser, written: dict[str, Path]) -> None:
    page.open(written["runtime-thunk"], PAPER, media="print")
    heights = "[...document.querySelectorAll('{}')].map(one => one.getBoundingClientRect().height)"
    drawings = page.value(heights.format("svg.drawing, svg.grid, figure img"))
    assert len(drawings) == 4
    assert min(drawings) > 40
    assert set(page.value(heights.format(".zoom label, nav"))) == {0}


def test_it_prints(page: Browser, written: dict[str, Path]) -> None:
    page.open(written["runtime-thunk"])
    document = base64.b64decode(page.ask("Page.printToPDF", printBackground=True)["data"])
    assert document.startswith(b"%PDF-")
    assert 2 <= document.count(b"/Type /Page\n") <= 12


def test_what_a_core_says_is_text_and_nothing_else(page: Browser, tmp_path: Path) -> None:
    """Every text of every part is hostile, and the page says it letter by letter."""
    session = Session(CoreTarget(unpacked("runtime-thunk", tmp_path), sysroot="/nonexistent"))
    hostile = [_hostile(part) for part in parts(session, Medium.PAGE)]
    path = tmp_path / "hostile.html"
    path.write_text(render_html(EVIL, hostile, EVIL), "utf-8")
    page.open(path, PHONE)
    assert page.complaints == []
    assert {one.partition(":")[0] for one in page.requests} <= {"file", "data"}
    assert page.value("document.scripts.length") == 0
    assert page.value("document.querySelectorAll('img:not(figure img)').length") == 0
    assert page.value("document.querySelector('h1').textContent") == (
        EVIL.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
    )
    assert page.value(WIDTH) <= PHONE


def _hostile(part: Part) -> Part:
    """The same part, which says nothing but `EVIL`; what is drawn of it stays."""
    report, figure = part.report, part.figure
    assert report is not None
    answer = report.answer
    if isinstance(answer.body, Record):
        body: Record | Table = Record(_evil_row(answer.body.row), _evil_lines(answer.body.lines))
    else:
        body = Table(tuple(map(_evil_row, answer.body.rows)), _evil_lines(answer.body.lines))
    if isinstance(figure, Cause):
        figure = replace(
            figure, reasons=(EVIL,), function=EVIL, hypotheses=(Hypothesis(EVIL, (EVIL,)),)
        )
    if isinstance(figure, Timeline):
        marks = (replace(mark, event=EVIL, words=EVIL) for mark in figure.marks)
        figure = Timeline(tuple(marks))
    if isinstance(figure, SegmentMap):
        figure = replace(figure, blocks=tuple(replace(one, kind=EVIL) for one in figure.blocks))
    report = replace(report, answer=Answer(body, EVIL, (EVIL,)))
    return Part(EVIL, EVIL, report, figure=figure)


def _evil_row(row: Row) -> Row:
    return {key: EVIL if isinstance(value, str) else value for key, value in row.items()}


def _evil_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(tuple(replace(span, text=EVIL) for span in line) for line in lines)
