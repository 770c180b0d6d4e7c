"""A file of a translated program, as its runtime names it."""

from mtedbg.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class GuestProgram:
    """A program or library whose code a runtime translates.

    Attributes:
        name: for people.
        path: of its file, where it ran; empty where the runtime does not tell.
        build_id: of its GNU note; empty where it has none.
        bias: the guest's addresses less those in the file.
        begin: first guest address of its code.
        end: one past the last.
    """

    name: str
    path: str
    build_id: bytes
    bias: int
    begin: int
    end: int
