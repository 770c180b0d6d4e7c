"""What the system recorded of a death, next to registers and memory."""

from __future__ import annotations

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One level of a backtrace that the system recorded.

    Attributes:
        pc: without tag and PAC bits; absent where only its place in the file was recorded.
        function: its name; empty where it was not known.
        function_offset: of the PC in it.
        file: path of the file that is mapped there.
        offset: of the PC in that file's own addresses.
        build_id: of the file, hexadecimal; may be empty.
    """

    pc: int | Absent
    function: str
    function_offset: int
    file: str
    offset: int
    build_id: str

    @property
    def place(self) -> str:
        """Function and offset; without a name, the offset in the file."""
        if not self.function:
            return f"{self.offset:#x}"
        return (
            f"{self.function}+{self.function_offset:#x}" if self.function_offset else self.function
        )


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """One thing that the system recorded.

    Attributes:
        about: "cause", "abort message", "allocated by thread 7", …
        text: in the system's words.
        calls: the backtrace that belongs to it, the innermost first.
    """

    about: str
    text: str
    calls: tuple[RecordedCall, ...] = ()
