"""HTML of reports that a test makes up: what is escaped, what is drawn, and its limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from mtedbg.dataclass import replace
from mtedbg.errors import UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.cause import Cause, CauseKind, Hypothesis
from mtedbg.model.cell_map import CellMap, Strip
from mtedbg.model.code import Block, Segment
from mtedbg.model.figure import (
    Figure,
    Mark,
    OrderMap,
    OrderOfModule,
    SegmentMap,
    TagGrid,
    ThreadAt,
    Timeline,
)
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.render.html import _templates, render_html
from mtedbg.render.html.contents import MOST_ROWS, SHOWN_ROWS
from mtedbg.render.html.order import order_drawing
from mtedbg.render.html.timeline import MOST_EVENTS
from mtedbg.report import HERE, Answer, Column, Kind, Part, Record, Report, Row, Span, Table

INFO = TargetInfo(TargetKind.CORE, TagSource.CORE, 7, "/bin/<b>guilty</b>")
EVIL = "\"'><script>alert(1)</script>\u202e\x1b[31m\x00&"
NOBODYS = (NOT_APPLICABLE,) * 16
VOID = {"meta", "link", "img", "input", "br"}


class Checker(HTMLParser):
    """Tags closed in the order that they were opened, and no script."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def checked(html: str) -> str:
    """The words of well-formed HTML."""
    parser = Checker()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return " ".join(parser.words)


NAME = Column("name", Kind.TEXT, EVIL)
NUMBER = Column("number", Kind.COUNT, "a number")


def part_of(answer: Answer, *columns: Column, title: str = "x") -> Part:
    return Part(title, title, Report("x", INFO, columns, answer))


def table_of(*rows: Row) -> Part:
    return part_of(Answer(Table(rows)), NAME, NUMBER)


def page_of(*parts: Part) -> str:
    """The page without its style."""
    return re.sub(r"<style>.*?</style>", "", render_html("core", parts, "1"), flags=re.DOTALL)


def drawn(figure: Figure) -> str:
    """What is drawn of it."""
    return page_of(Part("x", "", Report("x", INFO), figure=figure))


def test_whatever_came_from_a_process_is_text():
    rows = part_of(
        Answer(Table(({"name": EVIL, "number": 1},)), EVIL, (EVIL,)), NAME, NUMBER, title=EVIL
    )
    record = part_of(Answer(Record({"name": EVIL, "number": 1})), NAME, NUMBER, title=EVIL)
    lines = part_of(Answer(Table(lines=((Span(EVIL, "address"), Span(EVIL, EVIL)),))))
    failed = Part(EVIL, EVIL, None, UsageError(EVIL))
    cause = Cause(
        CauseKind.FAULT, EVIL, (EVIL,), function=EVIL, hypotheses=(Hypothesis(EVIL, (EVIL, EVIL)),)
    )
    events = Timeline((Mark(1, 2, EVIL, EVIL),))
    bad_block = replace(block(1, 0x10000, 0x440), kind=EVIL, state=EVIL)
    granules = TagGrid(0, {0: 1, 16: Absent(Reason.UNMAPPED, EVIL)}, (EVIL,) * 16)
    strip = Strip(0, 4096, EVIL, EVIL, 0, ((1,),))
    cells = CellMap(4096, (strip,), (EVIL,) * 16, {1: 256})
    figures = (cause, events, segments_of([bad_block]), granules, cells)
    parts = [
        rows, record, lines, failed, *(replace(rows, figure=figure) for figure in figures),
    ]  # fmt: skip
    page = render_html(EVIL, parts, EVIL)
    words = checked(page)
    assert page.replace("\n", "").isprintable()
    assert "\\x1b[31m\\x00&" in words
    assert "alert(1)" in words
    assert re.search(r"(src|href)=\"(?!data:|#)", page) is None
    assert "script>" not in page


@pytest.mark.parametrize(
    ("in_order", "owned", "said"),
    [
        (0, 5, "5 executed accesses, none needs order"),
        (1, 9999, "10000 executed accesses, less than 0.1 % need order"),
        (7, 993, "1000 executed accesses, 0.7 % need order"),
        (99_999, 1, "100000 executed accesses, 99.9 % need order"),
        (5, 0, "5 executed accesses, 100.0 % need order"),
    ],
)
def test_shares_of_order_promise_no_more_than_they_are(
    in_order: int, owned: int, said: str
) -> None:
    module = OrderOfModule("module", owned, in_order, 0, 0, 1)
    assert f"module: {said}" in checked(drawn(OrderMap((module,))))


def widths_of(*modules: OrderOfModule) -> list[dict[str, float]]:
    """The shares of each bar, in per cent of the picture, by their classes."""
    drawing = order_drawing(OrderMap(modules))
    assert drawing is not None
    found = []
    for bar in drawing.modules:
        places = [(float(one.x[:-1]), float(one.width[:-1])) for one in bar.shares]
        assert all(x + width == pytest.approx(after) for (x, width), (after, _) in pairwise(places))
        assert sum(places[-1]) <= 100.0001
        found.append({one.style: width for one, (_, width) in zip(bar.shares, places, strict=True)})
    return found


def test_a_bar_that_is_hardly_there_has_the_shares_that_it_has():
    """Beside a module with a million times its executions."""
    large = OrderOfModule("large", 10**9, 1, 0, 0, 1)
    small = OrderOfModule("small", 10, 990, 0, 0, 1)
    first, second = widths_of(large, small)
    assert first["in-order"] == pytest.approx(0.2)
    assert first["in-order"] + first["owned"] == pytest.approx(100)
    assert second["in-order"] > 8 * second["owned"]
    assert second["in-order"] + second["owned"] == pytest.approx(2)
    (even,) = widths_of(OrderOfModule("even", 25, 25, 50, 0, 1))
    assert even == pytest.approx({"in-order": 25, "unknown": 50, "owned": 25})


def test_a_long_name_leaves_room_for_the_numbers():
    page = checked(drawn(OrderMap((OrderOfModule("a" * 100 + "b" * 100, 5, 0, 0, 0, 1),))))
    assert f"{'a' * 24}…{'b' * 23}: 5 executed accesses" in page


def test_a_template_that_asks_for_what_is_not_there_fails():
    with pytest.raises(UndefinedError, match="headline"):
        _templates().get_template("page.html").render()


def test_nothing_is_marked_as_html_by_hand():
    """Only a template's own text is HTML: there is no way around the escaping."""
    package = Path(render_html.__code__.co_filename).parent
    for path in (*package.rglob("*.html"), *package.rglob("*.py")):
        source = path.read_text()
        assert re.search(r"\|\s*safe|Markup\(|autoescape (?!=)", source) is None, path


def test_a_policy_forbids_what_could_load_or_run():
    page = render_html("core", [], "1")
    assert "default-src 'none'" in page
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    checked(page)


def test_a_long_table_is_folded_and_a_longer_one_cut():
    rows: list[Row] = [{"name": f"row{n}", "number": n} for n in range(MOST_ROWS + 5)]
    words = checked(page_of(table_of(*rows)))
    assert f"{MOST_ROWS - SHOWN_ROWS} more rows" in words
    assert "5 more rows are in the JSON only" in words
    assert f"row{MOST_ROWS - 1} " in words
    assert f"row{MOST_ROWS} " not in words


def test_holes_say_why_and_what_does_not_apply_is_left_out():
    hole = Absent(Reason.NOT_DUMPED)
    record = Record({"name": hole, "number": NOT_APPLICABLE})
    one = checked(page_of(part_of(Answer(record), NAME, NUMBER)))
    assert "not dumped in this core" in one
    assert "number" not in one
    two = table_of({"name": "a", "number": NOT_APPLICABLE}, {"name": hole, "number": 3})
    assert "not dumped" in checked(page_of(two))


def test_the_row_that_something_is_at_is_marked():
    rows: tuple[Row, ...] = tuple({"name": name, "number": 1} for name in "abc")
    page = page_of(part_of(Answer(Table(rows, here=1)), NAME, NUMBER))
    assert re.findall(r'<tr class="here"><td[^>]*>(.)</td>', page) == ["b"]
    assert '<tr class="here">' not in page_of(table_of(*rows))


def test_lines_keep_their_breaks_and_spaces():
    lines = ((Span("  a", "dim"), Span(" b ", "unknown")), (HERE, Span("c")))
    page = page_of(part_of(Answer(Table(lines=lines))))
    assert (
        '<pre><span class="dim">  a</span> b \n'
        '<span class="here"><span class="mark">=&gt; </span>c</span>\n</pre>' in page
    )


def test_the_cause_is_told_once():
    cause = Cause(
        CauseKind.STALE_PAIR, "why", ("a reason",), code="host", function="main",
        hypotheses=(Hypothesis("a guess", ("one", "two")),),
    )  # fmt: skip
    answer = Answer(Record({"name": "not shown", "number": 1}), "why")
    page = page_of(replace(part_of(answer, NAME, NUMBER), figure=cause))
    words = checked(page)
    assert '<span class="kind">stale-pair</span>' in page
    assert re.sub(r"\s+", " ", words).count("why") == 2, "title and heading"
    assert "main, host" in words
    assert "a reason" in words
    assert "<strong>a guess</strong>: one; two" in page
    assert "not shown" not in words


def mark(time: int, lane: int, event: str, words: str = "") -> Mark:
    return Mark(time, lane, event, f"{event}{words}")


def test_a_timeline_has_a_lane_a_thread_and_a_mark_an_event():
    html = drawn(
        Timeline(
            (
                mark(1000, 0, "TierCommit", ": 1 → Baseline"),
                mark(1500, 2, "Fault", " memop 31 0x402000: 1 → 0, core 1"),
                mark(3000, 1, "Migration", ": 1 → 2, core 2"),
                mark(3000, 1, EVIL),
            )
        )
    )
    words = checked(html)
    assert "process" in words
    assert words.index("guest thread 1") < words.index("guest thread 2")
    assert "+500 ns Fault memop 31 0x402000: 1 → 0, core 1" in words
    assert html.count('<path class="Migration"') == 2, "the mark, and its sample"
    assert '<svg x="1.2%"' in html
    assert '<svg x="98.8%"' in html
    assert "4 events of 3 lanes in 2 µs" in words


def test_a_timeline_of_one_moment_and_of_too_much():
    assert "<svg" not in drawn(Timeline(()))
    assert 'x="50%"' in drawn(Timeline((mark(5, 1, "Fault"),)))
    events = (mark(n, n % 500, "Fault") for n in range(MOST_EVENTS + 100))
    many = drawn(Timeline(tuple(events)))
    assert many.count('class="Fault"') <= MOST_EVENTS + 1
    assert many.count("guest thread") < 70
    checked(many)


def block(number: int, base: int, size: int, state: str = "Published") -> Block:
    return Block(base, size, number, 0, 0, 0, 0, "BaselineTier", state=state)


def segments_of(
    blocks: Sequence[Block], threads: Sequence[ThreadAt] = (), used: int = 0x1000
) -> SegmentMap:
    segment = Segment(1, 0x10000, 0x100000, used)
    return SegmentMap((segment,), tuple(blocks), tuple(threads))


def test_a_code_map_has_its_blocks_and_where_threads_stood():
    html = drawn(
        segments_of(
            [block(1, 0x10000, 0x440), block(2, 0x10440, 0x440, "Retired"), block(3, 0x9000, 16)],
            [ThreadAt(4, 0x10220), ThreadAt(5, 0x1)],
        )
    )
    words = checked(html)
    assert "block 1, BaselineTier, Published: 0x10000, 1.1 KiB" in words
    assert "block 3" not in words, "of another segment"
    assert html.count("retired") == 1
    assert "thread 4: 0x10220" in words
    assert "thread 5" not in words
    assert "4 KiB of 1 MiB used" in words


@pytest.mark.parametrize("used", [0, 1, 0x100000, 1 << 62])
def test_a_code_map_of_nonsense(used):
    html = drawn(segments_of([block(1, 0x10000, 1 << 60), block(2, 0x1FFFF, 0)], used=used))
    checked(html)
    assert max(float(width) for width in re.findall(r'width="([\d.]+)%"', html)) <= 100


def test_nothing_is_drawn_of_nothing():
    assert "<svg" not in drawn(SegmentMap((), (), ()))
    assert "<svg" not in drawn(TagGrid(5, {}, NOBODYS))
    assert "<svg" not in drawn(TagGrid(5, {0: Absent(Reason.NOT_DUMPED)}, NOBODYS))


def test_the_grid_frames_the_granule_and_shared_memory_has_no_colour():
    tags: dict[int, int | Absent] = {0x1000: 15, 0x1010: 15, 0x1020: 3}
    tags[0x1030] = Absent(Reason.NOT_DUMPED)
    html = drawn(TagGrid(0x1028, tags, (*NOBODYS[:15], "shared")))
    checked(html)
    assert html.count('fill="#9aa3ad"') == 2
    assert html.count('class="none"') == 1
    assert html.count('class="frame"') == 1
    endless = dict.fromkeys(range(0, 1 << 16, 16), 1)
    far = drawn(TagGrid(1 << 40, endless, NOBODYS))
    assert far.count("<rect") == 512
    assert 'class="frame"' not in far
