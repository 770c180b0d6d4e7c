"""`jit-block` in GDB on a core: in a new session, in one that was asked before; what it reads."""

from __future__ import annotations

from typing import Any

import gdb

from bench.result import alternating, seconds
from mtedbg.adapters.gdb import sessions
from mtedbg.adapters.gdb.target import GdbTarget


def measure(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds for a look-up, cold and warm, and bytes of the target's memory that each reads."""
    places = iter(settings["places"] * 1000)
    read = [0]
    original = GdbTarget.read_memory

    def counting(self: GdbTarget, address: int, length: int) -> Any:
        read[0] += length
        return original(self, address, length)

    def ask() -> str:
        return str(gdb.execute(f"jit-block {next(places):#x}", to_string=True))

    def cold() -> float:
        sessions._sessions.clear()
        return seconds(ask)

    if "guest_" not in ask():  # imports what the command needs, too
        raise RuntimeError("the look-up found nothing")
    cold_s, warm_s = alternating([cold, lambda: seconds(ask)], settings["rounds"])
    GdbTarget.read_memory = counting  # type: ignore[method-assign]
    bytes_read = {}
    for name, before in (("cold", sessions._sessions.clear), ("warm", lambda: None)):
        before()
        read[0] = 0
        ask()
        bytes_read[f"{name}_bytes"] = float(read[0])
    return {"cold": cold_s, "warm": warm_s, **bytes_read}
