"""perf's map of a process."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.formats import perf_map
from mtedbg.formats.perf_map import MAX_NAME, PerfMap, path_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSpan

PATH = path_of(7)


def symbol(text: bytes, pc: int) -> CodeSpan:
    return PerfMap(text, PATH).at(pc).symbol


def test_lines_as_jits_write_them():
    text = b"1000 10 first\n1010 20 a name, with (spaces) \n0x2000 0x8 prefixed\n3000 4 last"
    assert symbol(text, 0x100F) == CodeSpan(0x1000, 0x1010, "first")
    assert symbol(text, 0x102F) == CodeSpan(0x1010, 0x1030, "a name, with (spaces) ")
    assert symbol(text, 0x2000) == CodeSpan(0x2000, 0x2008, "prefixed")
    assert symbol(text, 0x3003) == CodeSpan(0x3000, 0x3004, "last")
    assert symbol(text, 0x1030) == NOT_APPLICABLE


def test_the_last_line_counts_where_memory_is_used_again():
    text = b"1000 100 old\n1040 10 new\n"
    assert symbol(text, 0x1040).name == "new"
    assert symbol(text, 0x1050).name == "old"
    found = PerfMap(text, PATH).at(0x1040)
    assert (found.number, found.notes) == (2, (f"from {PATH}",))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0" * 100,
        b"1000\n",
        b"1000 10\n",
        b"xyz 10 name\n",
        b"1000 -10 name\n",
        b"1000 0 empty\n",
        b"ffffffffffffff00 200 wraps\n",
        b"11111111111111111 10 too long a number\n",
        b" 1000 10 indented\n",
    ],
)
def test_what_is_no_line_is_left_out(text):
    assert len(PerfMap(text, PATH)) == 0


def test_a_long_name_is_cut_and_bad_bytes_are_replaced():
    assert symbol(b"1000 10 " + b"n" * 100_000, 0x1000).name == "n" * MAX_NAME
    assert symbol(b"1000 10 \xff\xfe\n", 0x1000).name == "\ufffd\ufffd"


def test_too_many_lines_are_said(monkeypatch):
    monkeypatch.setattr(perf_map, "MAX_LINES", 3)
    found = PerfMap(b"".join(b"%x 10 f\n" % (0x1000 + 0x10 * n) for n in range(5)), PATH)
    assert len(found) == 3
    assert any("first 3 lines" in note for note in found.at(0x1000).notes)
    assert found.at(0x1030).block == Absent(Reason.UNKNOWN, "only its first 3 lines were read")
    assert found.listed().cut == "only its first 3 lines were read"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_anything_may_stand_in_it(text):
    PerfMap(text, PATH).at(0x1000)


def test_box64_counts_instructions_and_in_decimal():
    """Its blocks have room between them: 12 instructions are 48 bytes, before the next at 64."""
    data = b"0x7f0000001000 12 first\n0x7f0000001040 100 second\n"
    found = PerfMap(data, "it", decimal=True)
    assert found.at(0x7F000000102F).symbol == CodeSpan(0x7F0000001000, 0x7F0000001030, "first")
    assert found.at(0x7F0000001030).block == NOT_APPLICABLE
    assert found.at(0x7F0000001040 + 399).symbol.name == "second"


def test_decimal_bytes_are_those_where_instructions_would_not_fit():
    data = b"0x7f0000001000 48 first\n0x7f0000001040 100 second\n"
    found = PerfMap(data, "it", decimal=True)
    assert found.at(0x7F000000102F).symbol == CodeSpan(0x7F0000001000, 0x7F0000001030, "first")
    assert found.at(0x7F0000001030).block == NOT_APPLICABLE
