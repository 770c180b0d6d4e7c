"""Files of the machine where the process is, through its server's `vFile` packets.

Source: GDB manual, "File-I/O Remote Protocol Extension", packets `vFile:open`, `pread`, `close`:
numbers hexadecimal; the answer is `F` and a number, then the data after `;`.
LLDB's own file reading goes to a platform server, of which these servers know nothing.
"""

from __future__ import annotations

import re

from mtedbg.adapters.debugger.host_files import MAX_FILE
from mtedbg.adapters.lldb.link import Link
from mtedbg.model.absent import Absent, Reason

_PIECE = 0x700
"""Bytes a packet asks for: less than half of what every server's packets hold, should all of them
need an escape."""

_ANSWER = re.compile(rb"F(-?[0-9a-f]+)(?:,[0-9a-f]+)?(?:;(.*))?", re.DOTALL)


def read_file(link: Link, path: str, most: int = MAX_FILE) -> bytes | Absent:
    """The contents of a text file.

    Args:
        link: to the server.
        path: on the process's machine, without zero bytes in the file.
        most: bytes; a longer file is absent.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    data = piece(link, path, 0, most + 1)
    too_long = not isinstance(data, Absent) and len(data) > most
    return Absent(Reason.UNKNOWN, f"{path} is too long") if too_long else data


def piece(link: Link, path: str, offset: int, length: int) -> bytes | Absent:
    """As many bytes of a text file as there are, up to `length`, from an offset on.

    Args:
        link: to the server.
        path: as for `read_file`.
        offset: of the first byte.
        length: in bytes.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    number, _ = _ask(link, f"vFile:open:{path.encode().hex()},0,0")
    if number is None or number < 0:
        return Absent(Reason.UNKNOWN, f"the server does not give {path}")
    try:
        return _contents(link, path, number, offset, offset + length)
    finally:
        _ask(link, f"vFile:close:{number:x}")


def _contents(link: Link, path: str, number: int, offset: int, end: int) -> bytes | Absent:
    data = bytearray()
    while (at := offset + len(data)) < end:
        wanted = min(_PIECE, end - at)
        count, found = _ask(link, f"vFile:pread:{number:x},{wanted:x},{at:x}")
        if count is None or count < 0 or count != len(found) or count > wanted:
            return Absent(Reason.UNKNOWN, f"the server does not give all of {path}")
        if not count:
            break
        data += found
    return bytes(data)


def _ask(link: Link, packet: str) -> tuple[int | None, bytes]:
    match = _ANSWER.fullmatch(link.send(packet))
    return (int(match[1], 16), match[2] or b"") if match else (None, b"")
