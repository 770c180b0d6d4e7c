"""Reports as JSON: a promise."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.render import without_surrogates
from mtedbg.render.json import render_json, render_json_all, to_object
from mtedbg.report import Column, Kind
from tests.support.reports import report

COLUMNS = (
    Column("start", Kind.ADDRESS, "first address"),
    Column("value_raw", Kind.RAW, "with its tag"),
    Column("tag", Kind.TAG, "its tag"),
    Column("ok", Kind.FLAG, "whether"),
    Column("list", Kind.LIST, "things"),
)
ROW = {
    "start": 0x1000,
    "value_raw": 0x0300_0000_0000_1000,
    "tag": 3,
    "ok": True,
    "list": ({"address": 16, "value_raw": 5, "tag": Absent(Reason.UNMAPPED)},),
}


def test_the_whole_object():
    found = report(COLUMNS, ROW, notes=("a note",), headline="all is well")
    assert json.loads(render_json(found)) == {
        "schema": "mtedbg/report/1",
        "command": "mte-x",
        "target": {"kind": "core", "tag_source": "core", "executable": "/bin/x", "pid": None},
        "partial": True,
        "headline": "all is well",
        "columns": [
            {"key": "start", "kind": "address", "help": "first address"},
            {"key": "value_raw", "kind": "raw pointer", "help": "with its tag"},
            {"key": "tag", "kind": "tag", "help": "its tag"},
            {"key": "ok", "kind": "flag", "help": "whether"},
            {"key": "list", "kind": "list", "help": "things"},
        ],
        "rows": [
            {
                "start": "0x1000",
                "value_raw": "0x0300000000001000",
                "tag": 3,
                "ok": True,
                "list": [{"address": "0x10", "value_raw": "0x0000000000000005", "tag": None}],
            }
        ],
        "notes": ["a note", "list[0].tag: not mapped"],
    }


def notes_of(*tags: int | Absent) -> list[str]:
    columns = (Column("tag", Kind.TAG, ""),)
    notes = to_object(report(columns, *({"tag": tag} for tag in tags)))["notes"]
    assert isinstance(notes, list)
    return notes


def test_reasons_are_told_once():
    hole, other = Absent(Reason.UNMAPPED), Absent(Reason.NOT_TAGGED)
    assert notes_of(hole, hole) == ["tag: not mapped"]
    assert notes_of(hole, 1, hole, hole, other) == [
        "tag: not mapped (row 0, 2 to 3)",
        "tag: not tagged memory (row 4)",
    ]
    many = notes_of(*[hole, 1] * 30)
    assert many == ["tag: not mapped (row 0, 2, 4, 6, 8, 10, 12, 14, … (30 in all))"]


def test_what_does_not_apply_is_null_but_no_hole():
    answer = to_object(report((Column("tag", Kind.TAG, ""),), {"tag": NOT_APPLICABLE}))
    assert answer["rows"] == [{"tag": None}]
    assert answer["partial"] is False
    assert answer["notes"] == ["tag: does not apply"]


def test_a_cut_report_is_partial():
    assert to_object(report(COLUMNS, incomplete=True))["partial"] is True


def test_several_reports():
    answer = json.loads(render_json_all([to_object(report(COLUMNS))] * 2))
    assert answer["schema"] == "mtedbg/reports/1"
    assert [one["command"] for one in answer["reports"]] == ["mte-x", "mte-x"]


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_any_name_is_plain_ascii_json(name):
    columns = (Column("name", Kind.TEXT, ""),)
    text = render_json(report(columns, {"name": name}))
    assert text.isascii()
    assert json.loads(text)["rows"][0]["name"] == without_surrogates(name)
