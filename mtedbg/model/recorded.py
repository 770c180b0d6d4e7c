"""What the writer of a dead process's file noted by itself, beside registers and memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotedCall:
    """One level of a backtrace that was made on the spot.

    Attributes:
        pc: without tag and PAC bits.
        function: its name; empty where it was not known.
        function_offset: of the PC in it.
        file: path of the file that is mapped there.
        offset: of the PC in that file's own addresses.
        build_id: of the file, hexadecimal; may be empty.
    """

    pc: int
    function: str
    function_offset: int
    file: str
    offset: int
    build_id: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that it says.

    Attributes:
        about: "cause", "abort message", "allocated by thread 7", …
        text: in its words.
        calls: the backtrace that belongs to it, the innermost first.
    """

    about: str
    text: str
    calls: tuple[NotedCall, ...] = ()
