"""Which server answers."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.adapters.debugger.peer import Peer


def server_kind(send: Callable[[str], bytes]) -> Peer:
    """`QEMU`, `MACHINE` or `SERVER`.

    QEMU tells itself by its own query, `qemu.sstepbits`: it has answered that since long before
    it knew memory tags, and every other server must answer a query that bears another vendor's
    name with an empty packet (GDB manual, "Remote Protocol: Overview"). No tag is asked for to
    find out: a wrong question would cost the connection or the program.

    Args:
        send: gives the server's answer to a packet, empty where it does not know it.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    if not send("qqemu.sstepbits").startswith(b"ENABLE="):
        return Peer.SERVER
    # Whether addresses are physical: a question to a machine, which its user mode does not know.
    return Peer.MACHINE if send("qqemu.PhyMemMode") in (b"0", b"1") else Peer.QEMU
