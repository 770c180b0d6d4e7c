"""A target of which only memory can be asked.

For a debugger in the middle of a backtrace: frames, registers and expressions are what is being
made there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import TagSource, TargetInfo, TargetKind

if TYPE_CHECKING:
    from mtedbg.model.debug_file import DebugFile
    from mtedbg.model.memory import Region, TagPiece
    from mtedbg.model.process import SignalInfo, Symbol, Thread


class MemoryAlone:
    """The port over memory.

    Args:
        read: all bytes of a range, or None.
        dead: whether it is a core.
        regions: the mappings, where they are known.
        symbol: what is known of symbols; where None there are none.
        guest_files: the files of a translated program at an address; where None there are none.
        pac_mask: the bits of an address that may be an authentication code.
    """

    def __init__(
        self,
        read: Callable[[int, int], bytes | None],
        *,
        dead: bool,
        regions: Sequence[Region] | Absent = NOT_APPLICABLE,
        symbol: Callable[[str], int | Absent] | None = None,
        guest_files: Callable[[int], Sequence[DebugFile]] | None = None,
        pac_mask: int = 0,
    ) -> None:
        self._read = read
        self._dead = dead
        self._regions = regions
        self._symbol = symbol
        self._guest_files = guest_files
        self._pac_mask = pac_mask

    def info(self) -> TargetInfo:
        """What is known; see the port."""
        kind = TargetKind.CORE if self._dead else TargetKind.LIVE
        return TargetInfo(kind, TagSource.NONE, NOT_APPLICABLE, pac_mask=self._pac_mask)

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """All bytes; see the port."""
        data = self._read(address, length)
        return Absent(Reason.UNREADABLE) if data is None else data

    def symbol_address(self, name: str) -> int | Absent:
        """What is known."""
        return Absent(Reason.UNKNOWN) if self._symbol is None else self._symbol(name)

    def guest_files_at(self, address: int) -> Sequence[DebugFile]:
        """Those that are known; see `GuestFileFinder`."""
        return () if self._guest_files is None else self._guest_files(address)

    def read_tags(self, _start: int, _end: int) -> Sequence[TagPiece]:
        """None."""
        return ()

    def regions(self) -> Sequence[Region] | Absent:
        """Those that were given."""
        return self._regions

    def threads(self) -> Sequence[Thread]:
        """None."""
        return ()

    def registers(self, _thread: Thread) -> Mapping[str, int] | Absent:
        """Not known."""
        return NOT_APPLICABLE

    def signal(self, _thread: Thread) -> SignalInfo | Absent:
        """Not known."""
        return NOT_APPLICABLE

    def symbol_at(self, _address: int) -> Symbol | Absent:
        """Not known."""
        return NOT_APPLICABLE

    def evaluate(self, _expression: str) -> int:
        """Nothing."""
        return 0
