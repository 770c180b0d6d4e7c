"""Readers made from a schema, and what commands require of one."""

from __future__ import annotations

from typing import ClassVar

import pytest

from mtedbg.dataclass import dataclass
from mtedbg.errors import LayoutError
from mtedbg.layout.records import Layout, Requirements
from mtedbg.layout.schema import parse_schema
from mtedbg.model.runtime import NOT_KEPT


@dataclass(frozen=True, slots=True)
class Thing:
    RECORD: ClassVar[str] = "Thing"

    first: int
    second: int
    kind: str
    later: int | object = NOT_KEPT


def layout(*lines: str) -> Layout:
    return Layout(parse_schema("\n".join(["mtedbg-schema 1", "Kind.One = 1", *lines]).encode()))


GOOD = (
    "type Thing 24",
    "Thing.second : u16 @ 2",
    "Thing.kind : Kind @ 12",
    "Thing.first : u64 @ 16",
)


def test_fields_are_found_wherever_they_are() -> None:
    reader = layout(*GOOD).reader(Thing)
    data = bytes(2) + b"\x22\x02" + bytes(8) + b"\1\0\0\0" + (7).to_bytes(8, "little")
    assert reader.one(data) == Thing(7, 0x222, "One", NOT_KEPT)
    assert list(reader.many(data * 3, 24)) == [reader.one(data)] * 3
    assert list(reader.many((data + bytes(8)) * 2, 32)) == [reader.one(data)] * 2


def test_an_unknown_enum_value_is_shown_as_it_is() -> None:
    data = bytes(12) + b"\x09\0\0\0" + bytes(8)
    assert layout(*GOOD).reader(Thing).one(data).kind == "unknown (9)"


def test_a_field_with_a_default_may_be_there() -> None:
    reader = layout("Thing.later : u8 @ 4", *GOOD).reader(Thing)
    assert reader.one(bytes(4) + b"\5" + bytes(19)).later == 5


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Thing.first", "Thing.fist", "no field Thing.first"),
        ("Thing.first : u64", "Thing.first : u128", "unknown kind (u128) for Thing.first"),
        ("Thing.first : u64", "Thing.first : Kind", "unknown kind (Kind) for Thing.first"),
        ("Thing.kind : Kind", "Thing.kind : u32", "unknown kind (u32) for Thing.kind"),
        ("Thing.second : u16 @ 2", "Thing.second : u16 @ 13", "overlap"),
    ],
)
def test_what_is_required_and_missing_is_told(old: str, new: str, problem: str) -> None:
    with pytest.raises(LayoutError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        layout(*"\n".join(GOOD).replace(old, new).split("\n")).reader(Thing)


def test_a_command_fails_for_its_own_needs_only() -> None:
    made = layout(*GOOD, "contract end = exclusive", "register frame = x28")
    made.require(Requirements((Thing,), {"end": "exclusive"}, ("frame",)))
    for needs, problem in (
        (Requirements(contracts={"end": "inclusive"}), "end is exclusive, this reads inclusive"),
        (Requirements(contracts={"codemap": "1"}), "no contract codemap"),
        (Requirements(registers=("address",)), "does not say where address is"),
    ):
        with pytest.raises(LayoutError, match=problem):
            made.require(needs)


def test_requirements_add_up() -> None:
    both = Requirements((Thing,), {"a": "1"}, ("x",)) | Requirements((Thing,), {"b": "2"}, ("y",))
    assert both == Requirements((Thing,), {"a": "1", "b": "2"}, ("x", "y"))
