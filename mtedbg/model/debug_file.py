"""A file with debug information of an image in a process."""

from __future__ import annotations

from typing import Any

from mtedbg.dataclass import dataclass, field
from mtedbg.model.buffer import Buffer


@dataclass(frozen=True, slots=True)
class DebugFile:
    """An ELF file whose sections may have debug information.

    Attributes:
        path: of the file; empty where it was unpacked from another one.
        data: the whole file.
        bias: what is added to its addresses to have those of the process.
        made: what was made of the file, by name; whoever reads many dead processes keeps it.
    """

    path: str
    data: Buffer
    bias: int
    made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
