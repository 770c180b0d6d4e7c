"""What is at the other end of GDB's connection, and the files of the process there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gdb

from mtedbg.adapters.debugger import host_files
from mtedbg.adapters.debugger.host_files import MAX_FILE, read_regular
from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.remote import files
from mtedbg.adapters.remote.peer import server_kind
from mtedbg.errors import ConnectionLostError
from mtedbg.model.absent import Absent, Reason

_CORE_LINE = re.compile(r"^\s*`(.*)', file type elf", re.MULTILINE)
# This word of the answer is the same in every language.
_ENABLED = re.compile(r"\benabled\b")


def peer_of(connection: gdb.TargetConnection | None) -> Peer:
    """What is at the other end."""
    if connection is None:
        return Peer.OTHER
    if connection.type in ("remote", "extended-remote"):
        return server_kind(sender(connection))
    return {"native": Peer.HERE, "core": Peer.CORE}.get(connection.type, Peer.OTHER)


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
    path = f"/proc/{inferior.pid}/{name}"
    connection = inferior.connection
    if _is_here(connection):
        return read_regular(path, MAX_FILE)
    try:
        # GDB's own command knows what each server can do, and how its answers are escaped.
        with tempfile.NamedTemporaryFile(prefix="mtedbg-") as copy:
            captured(f"remote get {path} {copy.name}")
            return read_regular(copy.name, MAX_FILE)
    except (gdb.error, OSError) as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error}")


def piece_of_process_file(
    inferior: gdb.Inferior, name: str, offset: int, length: int
) -> bytes | Absent:
    """As many bytes of /proc/PID/NAME as there are, up to `length`, from `offset` on.

    Args:
        inferior: a process, native or behind a server.
        name: "smaps".
        offset: of the first byte.
        length: in bytes.
    """
    path = f"/proc/{inferior.pid}/{name}"
    if _is_here(inferior.connection):
        return host_files.piece(path, offset, length)
    try:
        return files.piece(sender(inferior.connection), path, offset, length)
    except ConnectionLostError as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error.message}")


def _is_here(connection: gdb.TargetConnection | None) -> bool:
    return connection is None or connection.type == "native"


def read_file(inferior: gdb.Inferior, path: str, most: int) -> bytes | Absent:
    """A file that root or the process's owner wrote, on the machine where the process is.

    Args:
        inferior: a process, native or behind a server.
        path: absolute; it may have been made by anybody.
        most: bytes; a longer file is absent.
    """
    connection = inferior.connection
    if _is_here(connection):
        return host_files.read_of_process(path, inferior.pid, most)
    if host_files.is_qemu_here(inferior.pid) and peer_of(connection) is Peer.QEMU:
        return host_files.read_of_process(path, inferior.pid, most)
    try:
        return files.read_of_process(sender(connection), path, inferior.pid, most)
    except ConnectionLostError as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error.message}")
