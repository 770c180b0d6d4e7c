"""What is at the other end of a debugger's connection."""

from __future__ import annotations

from enum import Enum


class Peer(Enum):
    """What serves the program to the debugger."""

    HERE = "this machine, by the debugger itself or a server that it started"
    SERVER = "gdbserver, lldb-server, or another server like them"
    QEMU = "QEMU's stub, of a program"
    MACHINE = "QEMU's stub, of a whole machine"
    CORE = "core"
    OTHER = "other"
