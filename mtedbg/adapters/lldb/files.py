"""Files of the machine where the process is, through its server's `vFile` packets.

LLDB's own file reading goes to a platform server, of which these servers know nothing.
"""

from __future__ import annotations

from mtedbg.adapters.debugger.host_files import MAX_FILE
from mtedbg.adapters.lldb.link import Link
from mtedbg.adapters.remote import files
from mtedbg.model.absent import Absent, Reason

_WIRE = files.Wire(0x700, is_escaped=False)
"""LLDB undoes escapes itself; and asks for less than half of what every server's packets hold,
should all bytes need one."""


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
    return files.piece(link.send, path, offset, length, _WIRE)
