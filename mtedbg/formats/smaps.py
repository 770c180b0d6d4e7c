"""The text of /proc/PID/smaps → regions.

Source: Linux, Documentation/filesystems/proc.rst: a header line as in /proc/PID/maps, then
`Key: value` lines, the last of which is `VmFlags:`; the flag `mt` is "arm64 MTE allocation tags
are enabled" for the mapping.
"""

import re
from typing import NamedTuple

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region

_HEADER = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-])[ps] [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ *(.*)"
)
_NO_FLAGS = Absent(Reason.UNKNOWN, "the kernel gives no VmFlags")


_ADDRESSES = 1 << 64
_LAST_LINE = b"\nVmFlags:"


class Placed(NamedTuple):
    """A mapping, and where in the text its header begins."""

    region: Region
    offset: int


class Extract(NamedTuple):
    """What a piece of the text says: all that is mapped in [start, end)."""

    start: int
    end: int
    placed: list[Placed]


def parse_smaps(text: bytes) -> list[Region]:
    """The mappings in `text`, in order of address.

    Lines that are not in the kernel's form, and mappings that overlap an earlier one, are left
    out: the text came through a connection.

    Args:
        text: the file's contents.
    """
    return [one.region for one in parse_placed(text)]


def parse_placed(text: bytes) -> list[Placed]:
    """The same, each with its place in `text`.

    Args:
        text: the file's contents.
    """
    found: list[Placed] = []
    header: re.Match[bytes] | None = None
    tagged: bool | Absent = _NO_FLAGS
    at = offset = 0

    def finish() -> None:
        if header is None:
            return
        start, end = int(header[1], 16), int(header[2], 16)
        if start < end and (not found or found[-1].region.end <= start):
            name = header[4].strip().decode(errors="replace")
            found.append(Placed(Region(start, end, header[3].decode(), name, tagged), offset))

    for line in text.split(b"\n"):
        if match := _HEADER.fullmatch(line):
            finish()
            header, tagged, offset = match, _NO_FLAGS, at
        elif line.startswith(b"VmFlags:"):
            tagged = b"mt" in line.split()[1:]
        at += len(line) + 1
    finish()
    return found


def parse_extract(piece: bytes, offset: int, *, to_the_end: bool) -> Extract | None:
    """What a piece of the file says, without the mappings that it has only a part of.

    Args:
        piece: some bytes of the file.
        offset: of the first of them in the file.
        to_the_end: whether they are its last ones.

    Returns:
        None where no mapping is whole in it.
    """
    begin = 0 if offset == 0 else piece.find(b"\n") + 1  # a header may be cut
    flags = piece.rfind(_LAST_LINE)
    end = len(piece) if to_the_end else piece.find(b"\n", flags + 1) + 1
    if flags < begin or not end:
        return None
    placed = parse_placed(piece[begin:end])
    if not placed:
        return None
    low = 0 if offset == 0 else placed[0].region.start
    high = _ADDRESSES if to_the_end else placed[-1].region.end
    return Extract(low, high, [Placed(one.region, offset + begin + one.offset) for one in placed])
