"""Files of the machine where a server is: looked at, then read, by `vFile` packets.

GDB's own `remote get` copies whatever there is, of any size, and waits for a pipe.

Source: GDB manual, "Host I/O Packets" (`vFile:stat`, `open`, `fstat`, `pread`, `close`) and
"struct stat" in "Protocol-specific Representation of Datatypes": big endian; binary data is
escaped as in "Binary Data".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from mtedbg.adapters.debugger.host_files import why_not_believed
from mtedbg.model.absent import Absent, Reason

_MOST_STATUS = 1 << 16
_STAT = struct.Struct(">8xI4xI8xQ")
_ANSWER = re.compile(rb"F(-?[0-9a-fA-F]{1,16})(?:,[0-9a-fA-F]+)?(?:;(.*))?", re.DOTALL)
_ESCAPED = re.compile(rb"\}(.)", re.DOTALL)
_OWNER = re.compile(rb"^Uid:\t\d+\t(\d+)\t", re.MULTILINE)

Send = Callable[[str], bytes]
"""The server's answer to a packet; empty where it does not know the packet."""


class Wire(NamedTuple):
    """How answers come from whoever sends.

    Attributes:
        most: bytes that a packet asks for; a server whose packets are shorter gives fewer.
        is_escaped: whether they are as the server sent them.
    """

    most: int
    is_escaped: bool


AS_SENT = Wire(0x3800, is_escaped=True)


def read_of_process(send: Send, path: str, pid: int, most: int) -> bytes | Absent:
    """The contents of a regular file that root or the owner of a process wrote.

    Args:
        send: to the server.
        path: absolute, on the server's machine; it may have been made by anybody.
        pid: of the process there.
        most: bytes; a longer file is absent.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    status = _contents(send, f"/proc/{pid}/status", _MOST_STATUS)
    owner = None if isinstance(status, Absent) else _OWNER.search(status)
    if owner is None:
        return Absent(Reason.UNKNOWN, "the server does not tell whose the process is")
    # Newer servers tell before the file is opened: a pipe would be waited for.
    _, known = _ask(send, f"vFile:stat:{path.encode().hex()}")
    if known and (why := _why_not(known, path, int(owner[1]), most)):
        return Absent(Reason.NOT_BELIEVED, why)
    return _contents(send, path, most, int(owner[1]))


def piece(send: Send, path: str, offset: int, length: int, wire: Wire = AS_SENT) -> bytes | Absent:
    """As many bytes of a file as there are, up to `length`, from an offset on.

    Args:
        send: to the server.
        path: absolute, on the server's machine: of the system's own, not made by anybody.
        offset: of the first byte.
        length: in bytes.
        wire: how `send` gives answers.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    number, _ = _ask(send, f"vFile:open:{path.encode().hex()},0,0")
    if number is None or number < 0:
        return Absent(Reason.UNKNOWN, f"the server does not give {path}")
    try:
        return _read(send, path, number, offset, offset + length, wire)
    finally:
        _ask(send, f"vFile:close:{number:x}")


def _why_not(status: bytes, path: str, owner: int, most: int) -> str:
    """Why a file is not read; nothing where it is."""
    if len(status) < _STAT.size:
        return f"the server does not tell whose {path} is"
    mode, uid, size = _STAT.unpack_from(status)
    if size > most:
        return f"{path} is too long"
    return why_not_believed(path, mode, uid, owner)


def _contents(send: Send, path: str, most: int, owner: int | None = None) -> bytes | Absent:
    number, _ = _ask(send, f"vFile:open:{path.encode().hex()},0,0")
    if number is None or number < 0:
        return Absent(Reason.UNKNOWN, f"the server does not give {path}")
    try:
        if owner is not None:
            _, status = _ask(send, f"vFile:fstat:{number:x}")
            if why := _why_not(status, path, owner, most):
                return Absent(Reason.NOT_BELIEVED, why)
        data = _read(send, path, number, 0, most + 1)
    finally:
        _ask(send, f"vFile:close:{number:x}")
    too_long = not isinstance(data, Absent) and len(data) > most
    return Absent(Reason.UNKNOWN, f"{path} is too long") if too_long else data


def _read(
    send: Send, path: str, number: int, offset: int, end: int, wire: Wire = AS_SENT
) -> bytes | Absent:
    """The bytes [offset, end) of an open file, fewer where it ends before."""
    data = bytearray()
    while (at := offset + len(data)) < end:
        wanted = min(wire.most, end - at)
        count, found = _ask(send, f"vFile:pread:{number:x},{wanted:x},{at:x}", wire)
        if count is None or count < 0 or count != len(found) or count > wanted:
            return Absent(Reason.UNKNOWN, f"the server does not give all of {path}")
        if not count:
            break
        data += found
    return bytes(data)


def _ask(send: Send, packet: str, wire: Wire = AS_SENT) -> tuple[int | None, bytes]:
    """The number that the server answers, and the data after it."""
    found = _ANSWER.fullmatch(send(packet))
    if found is None:
        return None, b""
    data = found[2] or b""
    if wire.is_escaped:
        data = _ESCAPED.sub(lambda one: bytes([one[1][0] ^ 0x20]), data)
    return int(found[1], 16), data
