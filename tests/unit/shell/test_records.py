"""GDB's machine interface as data."""

from __future__ import annotations

import pytest
from pygdbmi import gdbmiparser

from mtedbg.shell.records import parsed, plain, quoted


def test_a_record() -> None:
    record = parsed(b'7^error,msg="a\\nb"')
    assert (record["type"], record["message"], record["token"]) == ("result", "error", 7)
    assert record["payload"] == {"msg": "a\nb"}


@pytest.mark.parametrize(
    "line",
    [
        b'~"\\342\\232\\240 x"',  # escaped whole
        b'~"\xe2\x9a\xa0 x"',  # not at all
        b'~"\xe2\\232\xa0 x"',  # in part, as GDB 18 at its start
    ],
)
def test_characters_beyond_ascii(line: bytes) -> None:
    assert parsed(line)["payload"] == "\u26a0 x"


@pytest.mark.parametrize(
    "line", [b"", b"hello", b"abc7^done", b'~"open', b"\xff\xfe", b"12", "été".encode(), b"=a{]"]
)
def test_a_programs_output_is_no_record(line: bytes) -> None:
    record = parsed(line)
    assert record["type"] in ("output", "notify")
    if record["type"] == "output":
        assert record["payload"] == line.decode(errors="replace")


def test_quoting_is_undone_by_the_parser() -> None:
    text = 'p "a\\n"\nend\r'
    assert gdbmiparser.parse_response(f"~{quoted(text)}")["payload"] == text
    assert "\n" not in quoted(text)


def test_colours_are_taken_out() -> None:
    assert plain("use \x1b[39;49;1mfile\x1b[m") == "use file"
