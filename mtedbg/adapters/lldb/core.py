"""The core that LLDB has loaded."""

from __future__ import annotations

from mtedbg.adapters.debugger.loaded_core import LoadedCore
from mtedbg.errors import NotOnThisTargetError


class Core(LoadedCore):
    """A core as a source."""

    moves = False

    def write_tags(self, _start: int, _end: int, _tags: bytes) -> None:
        """Refused."""
        raise NotOnThisTargetError("a core file cannot be written to")
