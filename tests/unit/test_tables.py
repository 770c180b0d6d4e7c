"""CSV and Markdown: what a name in a core holds stays a name."""

from __future__ import annotations

import csv
import io

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.render.tables import render_csv, render_markdown
from mtedbg.report import Answer, Column, Kind, Report, Table

COLUMNS = (
    Column("count", Kind.COUNT, "how many"),
    Column("name", Kind.TEXT, "a name"),
    Column("members", Kind.LIST, "files", shown=False),
    Column("memop", Kind.TEXT, "of none"),
)
EVIL = '=HYPERLINK("x")|<img>\n\x1b[31m`*'


def report() -> Report:
    rows = (
        {"count": 2, "name": EVIL, "members": ["a, b", "c"], "memop": NOT_APPLICABLE},
        {"count": 1, "name": "main", "members": [], "memop": NOT_APPLICABLE},
    )
    target = TargetInfo(TargetKind.CORES, TagSource.CORE, NOT_APPLICABLE)
    return Report("triage", target, COLUMNS, Answer(Table(rows), "2 files", ("a | note",)))


def test_csv_has_every_column_and_no_formula() -> None:
    heads, first, second = csv.reader(io.StringIO(render_csv(report())))
    assert heads == ["count", "name", "members", "memop"]
    assert first[1].startswith("'=HYPERLINK")
    assert first[1].isprintable()
    assert (first[2], second) == ("a, b, c", ["1", "main", "none", ""])


def test_markdown_has_what_text_shows_and_nothing_active() -> None:
    lines = render_markdown(report()).splitlines()
    assert lines[:4] == ["2 files", "", "| count | name |", "| ---: | --- |"]
    assert lines[4] == '| 2 | =HYPERLINK("x")\\|\\<img\\>\\\\x0a\\\\x1b\\[31m\\`\\* |'
    assert lines[-1] == "- a \\| note"
