"""Reports as text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.render.text import render_text
from mtedbg.report import Column, Kind, Report, Span
from tests.support import reports

COLUMNS = (
    Column("start", Kind.ADDRESS, ""),
    Column("value_raw", Kind.RAW, "", "value"),
    Column("tag", Kind.TAG, ""),
    Column("name", Kind.TEXT, ""),
    Column("hidden", Kind.FLAG, "", shown=False),
    Column("owner", Kind.TEXT, ""),
)
ROW = {
    "start": 0x1000,
    "value_raw": 0x0300_0000_0000_1000,
    "tag": 3,
    "name": "heap",
    "hidden": True,
    "owner": NOT_APPLICABLE,
}


def report(*rows, **more) -> Report:
    return reports.report(COLUMNS, *rows, **more)


def test_one_row_is_a_record_of_what_applies():
    assert render_text(report(ROW, headline="all is well", notes=("a word",))) == (
        "all is well\n"
        "start   0x1000\n"
        "value   0x0300000000001000\n"
        "tag     3\n"
        "name    heap\n"
        "hidden  yes\n"
        "note: a word\n"
    )


def test_several_rows_are_a_table_without_columns_that_apply_to_none():
    second = ROW | {"start": 0x20000, "tag": 11, "name": Absent(Reason.UNMAPPED)}
    assert render_text(report(ROW, second)) == (
        "start    value               tag  name\n"
        "0x1000   0x0300000000001000    3  heap\n"
        "0x20000  0x0300000000001000   11  <not mapped>\n"
    )


def test_a_column_that_applies_to_some_rows_stays():
    text = render_text(report(ROW, ROW | {"owner": "shared"}))
    assert text.splitlines()[0].endswith("owner")
    assert [line.split()[-1] for line in text.splitlines()[1:]] == ["-", "shared"]


def test_a_listing_of_one_is_a_table():
    assert render_text(report(ROW, is_table=True)).startswith("start   value")


def test_nothing_to_list():
    assert render_text(report(headline="none")) == "none\n"


def test_a_picture_takes_the_place_of_rows():
    picture = ((Span("=> ", "mark"), Span("3", "tag-match"), Span("  ")),)
    assert render_text(report(ROW, lines=picture)) == "=> 3\n"
    painted = render_text(report(ROW, lines=picture), color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == "=> 3\n"
    assert "\x1b[1;33m=> \x1b[0m" in painted


NESTED = (Column("list", Kind.LIST, ""), Column("map", Kind.LIST, ""))


def test_nested_values():
    row = {
        "list": (
            {"register": "x1", "value_raw": 5, "tag": 3, "distance": 1},
            {"register": "x16", "value_raw": 6, "tag": 12, "distance": NOT_APPLICABLE},
        ),
        "map": {"0": 10, "3": 4, "absent": Absent(Reason.NOT_DUMPED)},
    }
    assert render_text(reports.report(NESTED, row)) == (
        "list  x1   0x0000000000000005  tag 3   distance 1\n"
        "      x16  0x0000000000000006  tag 12  distance -\n"
        "map   0: 10  3: 4  absent <not dumped in this core>\n"
    )


def test_wide_mappings_are_shortened_in_tables_only():
    row = {"list": (), "map": {str(tag): tag for tag in range(6)}}
    listing = reports.report(NESTED, row, is_table=True)
    assert render_text(listing).splitlines()[1] == "none  0: 0  1: 1  2: 2  3: 3  … 2 more"
    record = reports.report(NESTED, row)
    assert render_text(record).splitlines()[1] == "map   0: 0  1: 1  2: 2  3: 3  4: 4  5: 5"


def test_colours_only_when_asked():
    plain = render_text(report(ROW, ROW, headline="h", notes=("n",)))
    painted = render_text(report(ROW, ROW, headline="h", notes=("n",)), color=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


@given(st.text(max_size=40), st.text(max_size=40))
def test_names_in_a_process_cannot_reach_the_terminal(name, headline):
    hostile = ROW | {"name": name}
    text = render_text(report(hostile, headline=headline, notes=(name,)))
    assert text.replace("\n", "").isprintable()
    expected = 7 if headline else 6
    assert text.count("\n") == expected


def test_control_characters_are_visible():
    text = render_text(report(ROW | {"name": "a\x1b[31m\n\u202eb"}))
    assert "name    a\\x1b[31m\\x0a\\u202eb\n" in text
