"""The core that LLDB has loaded."""

from __future__ import annotations

import lldb

from mtedbg.adapters.loaded_core import LoadedCore
from mtedbg.errors import NotOnThisTargetError
from mtedbg.model.absent import Absent


class Core(LoadedCore):
    """A core, read without LLDB, whose files LLDB may know better.

    Args:
        target: LLDB's.
        path: of the core file.

    Raises:
        FileFormatError: it is no AArch64 core.
    """

    def __init__(self, target: lldb.SBTarget, path: str) -> None:
        super().__init__(path)
        self._target = target

    def write_tags(self, _start: int, _end: int, _tags: bytes) -> None:
        """Refused."""
        raise NotOnThisTargetError("a core cannot be written to")

    def not_in_process(self, start: int, size: int) -> bytes | None:
        """What the core leaves out: from the files that LLDB has, or those that the core names."""
        error = lldb.SBError()
        place = self._target.ResolveLoadAddress(start)
        data = self._target.ReadMemory(place, size, error)
        if error.Success() and data is not None and len(data) == size:
            return bytes(data)
        found = self.read_memory(start, size)
        return None if isinstance(found, Absent) else found
