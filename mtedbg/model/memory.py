"""Mappings and the allocation tags in them."""

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import GRANULE


@dataclass(frozen=True, slots=True)
class Region:
    """One mapping.

    Attributes:
        start: first address.
        end: one past the last address.
        perms: "rwx" with "-" for what is missing, as in /proc/PID/maps; "???" where not known.
        name: file or pseudo name, empty for anonymous memory.
        tagged: whether it is mapped with PROT_MTE (`mt` in smaps, or a tag segment in a core).
        dumped: whether its bytes are in the core; always true on a live target.
    """

    start: int
    end: int
    perms: str
    name: str
    tagged: bool | Absent
    dumped: bool = True


ZERO_TAGS = bytes(1 << 20)
"""Tags of as many granules, all 0: a hole in a file. Who gets this object need not look at it."""


@dataclass(frozen=True, slots=True)
class TagPiece:
    """The allocation tags of one range of memory, or the reason why they are not there.

    Attributes:
        start: first address, a multiple of 16.
        end: one past the last address, a multiple of 16.
        tags: one byte (0 to 15) a granule, `(end - start) / 16` of them; or the hole's reason.
    """

    start: int
    end: int
    tags: bytes | Absent

    @property
    def granules(self) -> int:
        """How many granules the range has."""
        return (self.end - self.start) // GRANULE


def size_text(size: int) -> str:
    """A size as people say it: "64 KiB"."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} byte{'' if size == 1 else 's'}"
