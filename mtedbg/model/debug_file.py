"""A file with debug information of an image in a process."""

from __future__ import annotations

from mtedbg.dataclass import dataclass
from mtedbg.model.buffer import Buffer


@dataclass(frozen=True, slots=True)
class DebugFile:
    """An ELF file whose sections may have debug information.

    Attributes:
        path: of the file; empty where it was unpacked from another one.
        data: the whole file.
        bias: what is added to its addresses to have those of the process.
    """

    path: str
    data: Buffer
    bias: int
