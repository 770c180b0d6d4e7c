"""The text of /proc/PID/smaps → regions.

Source: Linux, Documentation/filesystems/proc.rst: a header line as in /proc/PID/maps, then
`Key: value` lines, the last of which is `VmFlags:`; the flag `mt` is "arm64 MTE allocation tags
are enabled" for the mapping.
"""

import re

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region

_HEADER = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-])[ps] [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ *(.*)"
)
_NO_FLAGS = Absent(Reason.UNKNOWN, "the kernel gives no VmFlags")


def parse_smaps(text: bytes) -> list[Region]:
    """The mappings in `text`, in order of address.

    Lines that are not in the kernel's form, and mappings that overlap an earlier one, are left
    out: the text came through a connection.

    Args:
        text: the file's contents.
    """
    regions: list[Region] = []
    header: re.Match[bytes] | None = None
    tagged: bool | Absent = _NO_FLAGS

    def finish() -> None:
        if header is None:
            return
        start, end = int(header[1], 16), int(header[2], 16)
        if start < end and (not regions or regions[-1].end <= start):
            name = header[4].strip().decode(errors="replace")
            regions.append(Region(start, end, header[3].decode(), name, tagged))

    for line in text.splitlines():
        if match := _HEADER.fullmatch(line):
            finish()
            header, tagged = match, _NO_FLAGS
        elif line.startswith(b"VmFlags:"):
            tagged = b"mt" in line.split()[1:]
    finish()
    return regions
