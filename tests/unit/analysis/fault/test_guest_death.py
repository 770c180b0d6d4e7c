"""What is said of the calls of a guest that died."""

from __future__ import annotations

from mtedbg.analysis.fault.guest_death import called_from, place_of
from mtedbg.analysis.stacks.guest_calls import GuestLevel
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.guest_program import GuestProgram

UNKNOWN = Absent(Reason.UNKNOWN)
LIBC = GuestProgram(
    "libc.so.6", "/lib/libc.so.6", b"", 0x7F0000000000, 0x7F0000001000, 0x7F0000009000
)
MADE = GuestProgram("[anonymous]", "", b"", 0, 0x10000, 0x20000)


def level(rip: int, name: str = "", of: GuestProgram = LIBC, *, guess: bool = False) -> GuestLevel:
    function = name or UNKNOWN
    return GuestLevel(rip, function, 4 if name else UNKNOWN, UNKNOWN, of, hypothesis=guess)


def test_a_guess_is_told_as_that() -> None:
    assert called_from(level(0x7F0000001004, "read")) == "called from read"
    assert called_from(level(0x7F0000001004, "read", guess=True)) == "perhaps called from read"
    assert called_from(level(0, "a", guess=True), "a ← b") == "perhaps called from a ← b"


def test_a_function_without_a_name_is_a_place_in_its_file() -> None:
    """Of memory of no file: the address, as there is nothing else."""
    assert place_of(level(0x7F0000001004)) == str(level(0x7F0000001004)) == "libc.so.6+0x1004"
    assert place_of(level(0x10004, of=MADE)) == "0x10004 of [anonymous]"
    assert str(level(0x10004, of=MADE)) == "[anonymous]"
    assert str(level(0x7F0000001004, "read")) == "read+0x4"
