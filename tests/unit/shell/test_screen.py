"""What is printed where, without a prompt."""

from __future__ import annotations

import io

from mtedbg.errors import ConnectionLostError
from mtedbg.shell.debuggee import how_ended
from mtedbg.shell.screen import MAX_LINE, Screen


def screen(*, color: bool = False) -> tuple[Screen, io.StringIO, io.StringIO]:
    out, errors = io.StringIO(), io.StringIO()
    return Screen(out, errors, color=color), out, errors


def test_a_program_prints_whole_lines() -> None:
    it, out, _ = screen()
    it.guest(b"one\ntw")
    assert out.getvalue() == "guest| one\n"
    it.guest(b"o\r\nrest")
    it.guest_so_far()
    it.guest_so_far()
    assert out.getvalue() == "guest| one\nguest| two\nguest| rest\n"


def test_a_program_does_not_tear_a_line() -> None:
    it, out, _ = screen()
    it.write("no end")
    it.guest(b"x\n")
    assert out.getvalue() == "no end\nguest| x\n"


def test_a_line_without_end_is_shown_in_pieces() -> None:
    it, out, _ = screen()
    it.guest(b"x" * (MAX_LINE + 1))
    assert out.getvalue().count("x") == MAX_LINE + 1


def test_a_program_does_not_steer_the_terminal() -> None:
    it, out, _ = screen(color=True)
    it.guest(b"\x1b]0;title\x07\tx\xff\n")
    assert "\x1b]" not in out.getvalue()
    assert "\\x1b]0;title\\x07" in out.getvalue()


def test_trouble_says_what_to_do() -> None:
    it, out, errors = screen()
    it.trouble(ConnectionLostError("it is gone", "get it back"))
    assert errors.getvalue() == "mtedbg: it is gone\n        get it back\n"
    assert not out.getvalue()


def test_how_a_process_ended() -> None:
    assert how_ended(3) == "ended with status 3"
    assert how_ended(-9) == "was killed by SIGKILL"
    assert how_ended(-200) == "was killed by signal 200"
