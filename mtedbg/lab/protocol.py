"""The frames that the host and the VM's init exchange; see `guest/init.c` for their meaning."""

import struct
from collections.abc import Iterator

from mtedbg.errors import LabError

HEADER = struct.Struct("<cI")
MAX_PAYLOAD = 4 << 20

MOUNT, NETWORK, JOB, KILL, OFF = b"M", b"N", b"J", b"K", b"O"
READY, DONE, FAILED, STDOUT, STDERR, EXIT = b"R", b"A", b"F", b"o", b"e", b"X"
FROM_VM = frozenset((READY, DONE, FAILED, STDOUT, STDERR, EXIT))


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame.

    Raises:
        LabError: the payload is longer than the VM takes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise LabError(
            "arguments and environment are longer than 4 MiB", "shorten the command, or use a file"
        )
    return HEADER.pack(kind, len(payload)) + payload


def words(*parts: bytes) -> bytes:
    """The parts, each with a zero byte after it.

    Raises:
        LabError: one of them holds a zero byte itself.
    """
    if any(b"\0" in part for part in parts):
        raise LabError("an argument, a path or a variable contains a zero byte")
    return b"".join(part + b"\0" for part in parts)


class Splitter:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Takes what arrived; yields the kind and payload of each frame that is whole.

        Raises:
            LabError: what arrived is no frame.
        """
        self._rest += data
        at = 0
        while len(self._rest) >= (start := at + HEADER.size):
            kind, size = HEADER.unpack_from(self._rest, at)
            if kind not in FROM_VM or size > MAX_PAYLOAD:
                raise LabError("the VM's init sent an invalid frame")
            if len(self._rest) < start + size:
                break
            at = start + size
            yield kind, bytes(self._rest[start:at])
        del self._rest[:at]
