"""What is at the other end of GDB's connection, and the files of the process there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

import gdb

from mtedbg.adapters.debugger.host_files import read_regular
from mtedbg.adapters.gdb.console import captured
from mtedbg.errors import ConnectionLostError
from mtedbg.model.absent import Absent, Reason

MAX_FILE = 256 << 20
"""Bytes of a file of /proc that are taken in; a million mappings have less in smaps."""

_CORE_LINE = re.compile(r"^\s*`(.*)', file type elf", re.MULTILINE)
# This word of the answer is the same in every language.
_ENABLED = re.compile(r"\benabled\b")


class Kind(Enum):
    """What serves the program to GDB."""

    NATIVE = "native"
    SERVER = "gdbserver, or another server after its manner"
    QEMU = "QEMU's stub"
    CORE = "core"
    OTHER = "other"


def kind_of(connection: gdb.TargetConnection | None) -> Kind:
    """What is at the other end.

    QEMU tells itself by its own query, `qemu.sstepbits`: it has answered that since long before
    it knew memory tags, and every other server must answer a query that bears another vendor's
    name with an empty packet (GDB manual, "Remote Protocol: Overview"). No tag is asked for to
    find out: a wrong question would cost the connection or the program.
    """
    if connection is None:
        return Kind.OTHER
    if connection.type in ("remote", "extended-remote"):
        is_qemu = send(connection, "qqemu.sstepbits").startswith(b"ENABLE=")
        return Kind.QEMU if is_qemu else Kind.SERVER
    return {"native": Kind.NATIVE, "core": Kind.CORE}.get(connection.type, Kind.OTHER)


def send(connection: gdb.RemoteTargetConnection, packet: str) -> bytes:
    """The server's answer to `packet`; empty where it does not know it.

    Raises:
        ConnectionLostError: the connection broke.
    """
    try:
        # GDB 13 says None for an empty answer.
        return bytes(connection.send_packet(packet) or b"")
    except gdb.error as error:
        raise ConnectionLostError(f"the server does not answer: {error}", "connect again") from None


def sender(connection: gdb.RemoteTargetConnection) -> Callable[[str], bytes]:
    """`send` to this connection."""
    return partial(send, connection)


def serves_tags() -> bool:
    """Whether GDB and the server agreed on `memory-tagging` when they met.

    GDB tells it without asking the server again.
    """
    shown = captured("show remote memory-tagging-feature-packet")
    return _ENABLED.search(shown) is not None


def core_file(inferior: gdb.Inferior) -> Path | Absent:
    """The core that is loaded in `inferior`, which is the selected one."""
    core = getattr(inferior, "corefile", None)  # GDB 17 and newer
    if core is not None:
        return Path(core.filename)
    shown = captured("info files")
    match = _CORE_LINE.search(shown.partition("Local core dump file:")[2])
    return Path(match[1]) if match else Absent(Reason.UNKNOWN, "GDB does not name the core")


def process_file(inferior: gdb.Inferior, name: str) -> bytes | Absent:
    """The contents of /proc/PID/NAME, on the machine where the process is.

    Args:
        inferior: a process, native or behind a server.
        name: "smaps".
    """
    return read_file(inferior, f"/proc/{inferior.pid}/{name}", MAX_FILE)


def read_file(inferior: gdb.Inferior, path: str, most: int) -> bytes | Absent:
    """The contents of a file on the machine where the process is.

    Args:
        inferior: a process, native or behind a server.
        path: absolute.
        most: bytes; a longer file is absent.
    """
    connection = inferior.connection
    if connection is None or connection.type == "native":
        return read_regular(path, most)
    try:
        # GDB's own command knows what each server can do, and how its answers are escaped.
        with tempfile.NamedTemporaryFile(prefix="mtedbg-") as copy:
            captured(f"remote get {path} {copy.name}")
            return read_regular(copy.name, most)
    except (gdb.error, OSError) as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error}")
