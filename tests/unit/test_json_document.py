"""docs/json.md against the program: its columns, envelopes, kinds and the keys of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mtedbg.model.absent import NOT_APPLICABLE, Reason
from mtedbg.model.cell_map import CellMap, Strip
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.render.json import render_json, render_json_all
from mtedbg.report import Answer, Kind, Record, Report
from mtedbg.reports.stop_context import stop_context
from tests.golden.cases import EXPECTED
from tests.support.json_document import DOCUMENT, document, listed, written_by_hand
from tests.support.scenes import OWN, runtime_at

TEXT = written_by_hand()
ANEW = "`python -m tests.support.json_document` writes it anew"

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
ALSO = {"text": (int,), "raw pointer": (dict,)}
"""What values may be besides: as the document says below its tables."""


def after(heading: str, first_key: str) -> dict[str, str]:
    """Key and type of each row of the table after a text whose first row is about `first_key`."""
    start = TEXT.index(heading)
    assert f"| `{first_key}` |" in TEXT[start:]
    rows = TEXT[TEXT.index(f"| `{first_key}` |", start) :].split("\n\n")[0].splitlines()
    return {row.split("|")[1].strip(" `"): row.split("|")[2].strip() for row in rows}


def fits(value: Any, types: str) -> bool:
    """Whether a value is of one of the types that a table names."""
    allowed = [one for name in types.split(" or ") for one in JSON_TYPES[name]]
    return type(value) in allowed


def an_answer() -> dict[str, Any]:
    strip = Strip(0x1000, 0x2000, "rw-", "heap", 0x1000, ((1,),))
    figure = CellMap(4096, (strip,), (NOT_APPLICABLE,) * 16, {1: 256})
    target = TargetInfo(TargetKind.CORE, TagSource.CORE, 7, "/bin/x")
    report = Report("mte-x", target, (), Answer(Record({}), figure=figure))
    found: dict[str, Any] = json.loads(render_json(report))
    return found


def test_it_lists_every_column_of_every_report() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), ANEW


def test_every_report_has_a_name_of_its_own() -> None:
    names = [name for name, _, _ in listed()]
    assert {name for name in names if names.count(name) > 1} == {"profile"}, "programs and memops"
    assert "cause" in names


@pytest.mark.parametrize(
    ("heading", "first_key", "shown"),
    [
        ("## A report", "schema", lambda: an_answer()),
        ("The target:", "kind", lambda: an_answer()["target"]),
        ("## The map", "cell", lambda: an_answer()["figure"]),
        ("Each strip:", "start", lambda: an_answer()["figure"]["strips"][0]),
        ("## Several reports", "schema", lambda: json.loads(render_json_all([]))),
    ],
)
def test_its_tables_have_the_keys_and_types(heading: str, first_key: str, shown: Any) -> None:
    found, told = shown(), after(heading, first_key)
    assert told.keys() == found.keys()
    for key, value in found.items():
        assert fits(value, told[key]), key


def test_the_stop_context() -> None:
    session = runtime_at(OWN, 0)
    found = json.loads(json.dumps(stop_context(session, session.current_thread())))
    documented = after("## Stop context", "schema")
    assert documented.keys() == found.keys()
    for key, value in found.items():
        assert fits(value, documented[key]), key
    assert set(re.findall(r"`(\w+)`", documented_line("thread"))) == {"thread", *found["thread"]}


def documented_line(key: str) -> str:
    """The row of the stop context's table about a key."""
    table = TEXT[TEXT.index("## Stop context") :]
    return next(line for line in table.splitlines() if line.startswith(f"| `{key}` |"))


def test_schemas_are_named() -> None:
    session = runtime_at(OWN, 0)
    shown = (
        an_answer(),
        json.loads(render_json_all([])),
        stop_context(session, session.current_thread()),
    )
    for one in shown:
        assert f"`{one['schema']}`" in TEXT


def test_its_words_are_those_of_the_program() -> None:
    assert list(after("## Values", "address")) == [kind.value for kind in Kind]
    reasons = {reason.value for reason in Reason} - {Reason.NOT_APPLICABLE.value}
    assert reasons <= set(re.findall(r"`([^`]*)`", TEXT.replace("\n", " ")))
    for word in (*TargetKind, *TagSource):
        assert f"`{word}`" in TEXT


def kept() -> Iterator[dict[str, Any]]:
    """Every report in the expected answers."""
    for path in sorted(EXPECTED.rglob("*.json")):
        found, _ = json.JSONDecoder().raw_decode(path.read_text("utf-8"))
        yield from found.get("reports", [found])


def test_values_are_of_their_kinds() -> None:
    types = after("## Values", "address")
    for report in kept():
        kinds = {column["key"]: column["kind"] for column in report["columns"]}
        for row in report["rows"]:
            assert row.keys() == kinds.keys(), report["command"]
            for key, value in row.items():
                if value is not None:
                    kind = kinds[key]
                    assert fits(value, types[kind]) or type(value) in ALSO.get(kind, ()), key


def objects() -> dict[tuple[str, str], str]:
    """By report and key, what the document says of the objects there."""
    rows = TEXT[TEXT.index("| `cause` | `guesses` |") :].split("\n\n")[0].splitlines()
    found = {}
    for row in rows:
        _, names, key, told, _ = row.split("|")
        for name in re.findall(r"`([\w-]+)`", names):
            found[name, key.strip(" `")] = told
    return found


def test_the_keys_of_objects_are_told() -> None:
    told = objects()
    seen = set()
    for report in kept():
        for row in report["rows"]:
            for key, value in row.items():
                items = value if isinstance(value, list) else [value]
                for one in items:
                    if isinstance(one, dict):
                        seen.add((report["command"], key))
                        assert_told(one, told[report["command"], key])
    assert len(seen) > 10


def assert_told(found: dict[str, Any], told: str) -> None:
    keys = re.findall(r"`(\w+)`", told)
    if " each, " in told:
        assert all(re.fullmatch(r"[a-z]\w+|\d+", key) for key in found)
    else:
        assert list(found) == keys


def test_the_objects_are_those_of_columns() -> None:
    columns = {(name, column.key) for name, _, every in listed() for column in every}
    assert objects().keys() <= columns
    lists = {
        (name, column.key)
        for name, _, every in listed()
        for column in every
        if column.kind is Kind.LIST
    }
    plain = {
        ("cause", "because"),
        ("mte-ctl", "gcs_enabled"),
        ("mte-ctl", "gcs_locked"),
        ("mte-set", "tags"),
        ("triage", "calls"),
        ("triage", "signatures"),
    }
    assert lists - objects().keys() == plain
