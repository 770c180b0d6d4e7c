"""Writing allocation tags, by what is at the other end of GDB's connection.

Source: Linux, Documentation/arch/arm64/memory-tagging-extension.rst:
PTRACE_POKEMTETAGS (34) takes an address of the tracee and an iovec of one byte a granule.
"""

from __future__ import annotations

import ctypes
import os

import gdb

from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.gdb import link
from mtedbg.adapters.remote.tags_write import NEXT_STEP, cuts, pieces, qemu_write, server_write
from mtedbg.errors import ConnectionLostError, NotOnThisTargetError
from mtedbg.model.pointer import GRANULE

_PTRACE_POKEMTETAGS = 34


def write_tags(inferior: gdb.Inferior, start: int, end: int, tags: bytes) -> None:
    """See `mtedbg.target.TagWriter`."""
    peer = link.peer_of(inferior.connection)
    if peer in (Peer.SERVER, Peer.QEMU, Peer.MACHINE) and link.serves_tags():
        write = server_write if peer is Peer.SERVER else qemu_write
        write(link.sender(inferior.connection), start, end, tags)
        return
    from mtedbg.adapters.gdb.tags_ptrace import can_peek

    if peer is not Peer.HERE or not can_peek():
        raise NotOnThisTargetError(
            "GDB cannot write tags on this target", "the program itself can: STG, ST2G"
        )
    _by_ptrace(inferior.threads()[0].ptid[1], start, end, tags)


def _by_ptrace(tid: int, start: int, end: int, tags: bytes) -> None:
    from mtedbg.adapters.gdb.tags_ptrace import request

    for low, high, piece in pieces(cuts(start, end), tags):
        buffer = ctypes.create_string_buffer(piece, len(piece))
        done = request(_PTRACE_POKEMTETAGS, tid, low, buffer)
        if done != (high - low) // GRANULE:
            why = os.strerror(-done) if done < 0 else f"{done} tags were written"
            raise ConnectionLostError(
                f"ptrace did not write all tags at {low:#x}: {why}", NEXT_STEP
            )
