"""HTML of reports that a test makes up: what is escaped, what is drawn, and its limits."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from mtedbg.errors import UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import TargetInfo
from mtedbg.render.html import render_html
from mtedbg.render.html_body import MOST_ROWS, SHOWN_ROWS, body
from mtedbg.render.html_code import code_map
from mtedbg.render.html_tags import grid
from mtedbg.render.html_timeline import MOST_EVENTS, timeline
from mtedbg.report import Column, Kind, Part, Report, Row, Span, flat

INFO = TargetInfo("core", "core", 7, "/bin/<b>guilty</b>")
EVIL = "\"'><script>alert(1)</script>\u202e\x1b[31m\x00&"
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


def report(rows: list[Row], *columns: Column, **more: object) -> Report:
    return flat("x", INFO, columns, tuple(rows), **more)  # type: ignore[arg-type]


NAME = Column("name", Kind.TEXT, EVIL)
NUMBER = Column("number", Kind.COUNT, "a number")


def event(time: int, thread: int | Absent, name: str, **more: int | str) -> Row:
    row: dict[str, int | str | Absent] = dict.fromkeys(
        ("memop", "address", "old", "new", "core"), NOT_APPLICABLE
    )
    return row | {"time": time, "thread": thread, "event": name} | more


def log(*rows: Row) -> Report:
    return flat("memop-log", INFO, (), rows)


def test_whatever_came_from_a_process_is_text():
    made = report(
        [{"name": EVIL, "number": 1}], NAME, NUMBER, headline=EVIL, notes=(EVIL,), listing=True
    )
    drawn = report([], picture=((Span(EVIL, "address"), Span(EVIL, EVIL)),))
    failed = Part(EVIL, EVIL, None, UsageError(EVIL))
    page = render_html(EVIL, [Part(EVIL, EVIL, made), Part(EVIL, "", drawn), failed], EVIL)
    words = checked(page)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\x1b[31m\\x00&" in words
    assert "alert(1)" in words
    assert re.search(r"(src|href)=\"(?!data:|#)", page) is None


def test_a_policy_forbids_what_could_load_or_run():
    page = render_html("core", [], "1")
    assert "default-src 'none'" in page
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    checked(page)


def test_a_long_table_is_folded_and_a_longer_one_cut():
    rows: list[Row] = [{"name": f"row{n}", "number": n} for n in range(MOST_ROWS + 5)]
    html = body(report(rows, NAME, NUMBER, listing=True), "rows")
    words = checked(html)
    assert f"{MOST_ROWS - SHOWN_ROWS} more rows" in words
    assert "5 more rows are in the JSON only" in words
    assert f"row{MOST_ROWS - 1} " in words
    assert f"row{MOST_ROWS} " not in words


def test_holes_say_why_and_what_does_not_apply_is_left_out():
    hole = Absent(Reason.NOT_DUMPED)
    one = body(report([{"name": hole, "number": NOT_APPLICABLE}], NAME, NUMBER), "one")
    assert "not dumped in this core" in checked(one)
    assert "number" not in checked(one)
    rows: list[Row] = [{"name": "a", "number": NOT_APPLICABLE}, {"name": hole, "number": 3}]
    assert "not dumped" in checked(body(report(rows, NAME, NUMBER, listing=True), "two"))


def test_a_timeline_has_a_lane_a_thread_and_a_mark_an_event():
    html = timeline(
        log(
            event(1000, NOT_APPLICABLE, "TierCommit", old=1, new="Baseline"),
            event(1500, 2, "Fault", memop=31, address=0x402000, old=1, new=0, core=1),
            event(3000, 1, "Migration", old=1, new=2, core=2),
            event(3000, 1, EVIL),
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
    assert timeline(log()) == ""
    assert 'x="50%"' in timeline(log(event(5, 1, "Fault")))
    many = timeline(log(*(event(n, n % 500, "Fault") for n in range(MOST_EVENTS + 100))))
    assert many.count('class="Fault"') <= MOST_EVENTS + 1
    assert many.count("guest thread") < 70
    checked(many)


def block(number: int, base: int, size: int, state: str = "Published") -> Row:
    return {"id": number, "kind": "BaselineTier", "base": base, "size": size, "state": state}


def code(blocks: list[Row], threads: list[Row] | None = None, used: int = 0x1000) -> str:
    segment: Row = {"base": 0x10000, "capacity": 0x100000, "used": used}
    told = None if threads is None else flat("threads", INFO, (), tuple(threads))
    return code_map(
        flat("jit-segments", INFO, (), (segment,)),
        flat("jit-blocks", INFO, (), tuple(blocks)),
        told,
    )


def test_a_code_map_has_its_blocks_and_where_threads_stood():
    html = code(
        [block(1, 0x10000, 0x440), block(2, 0x10440, 0x440, "Retired"), block(3, 0x9000, 16)],
        [
            {"thread": 4, "pc": 0x10220},
            {"thread": 5, "pc": 0x1},
            {"thread": 6, "pc": NOT_APPLICABLE},
        ],
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
    html = code([block(1, 0x10000, 1 << 60), block(2, 0x1FFFF, 0)], used=used)
    checked(html)
    assert max(float(width) for width in re.findall(r'width="([\d.]+)%"', html)) <= 100


def test_nothing_is_drawn_of_nothing():
    nothing = flat("jit-segments", INFO, ())
    assert code_map(nothing, flat("jit-blocks", INFO, ()), None) == ""
    assert grid(flat("mte-tags", INFO, ()), 5) == ""
    hole: Row = {"start": 0, "end": 16, "tag": Absent(Reason.NOT_DUMPED), "owner": NOT_APPLICABLE}
    assert grid(flat("mte-tags", INFO, (), (hole,)), 5) == ""


def test_the_grid_frames_the_granule_and_shared_memory_has_no_colour():
    rows: tuple[Row, ...] = (
        {"start": 0x1000, "end": 0x1020, "tag": 15, "owner": "shared"},
        {"start": 0x1020, "end": 0x1030, "tag": 3, "owner": 3},
        {"start": 0x1030, "end": 0x1040, "tag": Absent(Reason.NOT_DUMPED), "owner": NOT_APPLICABLE},
    )
    html = grid(flat("mte-tags", INFO, (), rows), 0x1028)
    checked(html)
    assert html.count('fill="#9aa3ad"') == 2
    assert html.count('class="none"') == 1
    assert html.count('class="frame"') == 1
    endless: Row = {"start": 0, "end": 1 << 60, "tag": 1, "owner": NOT_APPLICABLE}
    assert grid(flat("mte-tags", INFO, (), (endless,)), None).count("<rect") == 512
