"""The schema's text: what is well formed, and every way of not being so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.errors import LayoutError
from mtedbg.layout.schema import MAX_SIZE, Field, parse_schema
from tests.support.runtime_image import BASE, image

GOOD = """mtedbg-schema 1
type Block 16
Block.base : u64 @ 0
Block.kind : Kind @ 8
Kind.One = 1
Kind.Two = 2
contract range.base = block
register frame = x28
"""


def test_a_schema_is_parsed() -> None:
    schema = parse_schema(GOOD.encode())
    assert schema.records["Block"].size == 16
    assert schema.records["Block"].fields == {"base": Field("u64", 0), "kind": Field("Kind", 8)}
    assert schema.enums == {"Kind": {1: "One", 2: "Two"}}
    assert schema.contracts == {"range.base": "block"}
    assert schema.registers == {"frame": "x28"}


def test_the_headers_own_schema_is_parsed() -> None:
    made = image()
    start = made.places["schema"] - BASE
    length = int.from_bytes(made.data[20:24], "little")
    schema = parse_schema(made.data[start : start + length])
    assert {"Block", "Range", "Memop", "GuestFrame", "Record"} <= schema.records.keys()
    assert schema.enums["Mode"] == {1: "Local", 2: "Shared", 3: "Either"}
    assert schema.registers["rdi"] == "x7"


def test_what_is_not_known_is_ignored() -> None:
    more = GOOD + "colour blue\ntype Later 8\nLater.what : f80 @ 0\n"
    assert (
        parse_schema(more.encode()).records["Block"] == parse_schema(GOOD.encode()).records["Block"]
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("mtedbg-schema 1", "mtedbg-schema 2", "version 2"),
        ("mtedbg-schema 1", "something else", "does not begin"),
    ],
)
def test_another_schema_is_refused(old: str, new: str, problem: str) -> None:
    with pytest.raises(LayoutError, match=problem):
        parse_schema(GOOD.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new", "problem", "lost"),
    [
        ("Block.base : u64 @ 0", "Block.base : u64 @ 9", "outside of its record", "Block"),
        ("Block.kind : Kind @ 8", "Block.kind : Kind @ 13", "outside of its record", "Block"),
        ("Block.base : u64 @ 0", "Block.base : u64 @ 99999999", "outside", "Block"),
        ("Block.base : u64 @ 0", "Block.base : u64 @ -8", "line 3", "Block"),
        ("Block.base : u64 @ 0", "Block.base : u64", "line 3", "Block"),
        ("type Block 16", "type Block", "line 2", "Block"),
        ("type Block 16", "type Block 0", "size of 0", "Block"),
        ("type Block 16", "type Block 999999", "size of 999999", "Block"),
        ("type Block 16\n", "", "no size", "Block"),
        ("Kind.Two = 2", "Kind.Two = 1", "repeats", "Kind"),
        ("Kind.Two = 2", "Kind.Two = two", "line 6", "Kind"),
        ("Block.kind", "Block.base", "repeats", "Block"),
        ("contract range.base = block", "contract range.base", "line 7", "range.base"),
        ("register frame = x28", "register frame", "line 8", "frame"),
        ("register frame = x28", "register frame = x28 \x1b[31m", "line 8", "frame"),
        ("register frame = x28", "register frame = x28\nregister frame = x28", "repeats", "frame"),
        ("caller pc = [x29+8]", "caller pc = [x29+8", "line 9", "pc"),
        ("caller pc = [x29+8]", "caller lr = [x29+8]", "line 9", "pc"),
    ],
)
def test_a_malformed_line_costs_what_it_is_about(
    old: str, new: str, problem: str, lost: str
) -> None:
    whole = GOOD + "caller pc = [x29+8]\ncaller sp = x29+16\ntype Other 8\nOther.id : u64 @ 0\n"
    schema = parse_schema(whole.replace(old, new).encode())
    assert any(problem in one for one in schema.problems)
    said = {
        **schema.records, **schema.enums, **schema.contracts, **schema.registers, **schema.caller
    }  # fmt: skip
    every = {"Block", "Kind", "range.base", "frame", "pc", "sp", "Other"}
    gone = {"pc", "sp"} if lost == "pc" else {lost}
    assert set(said) == every - gone


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "does not begin"),
        (b"mtedbg-schema 1\n\xff\n", "not text"),
        (b"mtedbg-schema 1\n" + b"x" * MAX_SIZE, "bytes, more than"),
        (b"mtedbg-schema 1\n" + b"\n" * 5000, "lines, more than"),
    ],
)
def test_what_is_no_schema_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(LayoutError, match=problem):
        parse_schema(text)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_any_bytes_are_parsed_or_refused(noise: bytes, at: int) -> None:
    text = GOOD.encode()
    try:
        parse_schema(text[:at] + noise + text[at:])
    except LayoutError as error:
        problem = error.message
    else:
        problem = ""
    assert "\n" not in problem
