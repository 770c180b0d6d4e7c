"""Writes minidumps as LLDB does, so that tests can also write wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

HEAP = 0x10000
ARM64 = 12
NAMES = (*(f"x{number}" for number in range(31)), "sp", "pc")
SAID = b"signal SIGSEGV: sync tag check fault (fault address: 0x500000000010000 logical tag: 0x5"


def minidump(
    threads: Mapping[int, Mapping[str, int]],
    guilty: int,
    memory: Mapping[int, bytes],
    modules: Sequence[tuple[int, int, str, bytes]] = (),
    said: bytes = SAID,
    machine: int = ARM64,
) -> bytes:
    """The file: threads with registers by id, memory by address, modules and what LLDB said."""
    streams: list[tuple[int, bytes]] = [(7, struct.pack("<H", machine).ljust(56, b"\0"))]
    start = 32 + 12 * 5
    contexts = {tid: _context(registers) for tid, registers in threads.items()}
    # Contexts, names and memory stand first: their places do not depend on the streams.
    blob, at = b"", {}
    for key, data in [
        *((("context", tid), data) for tid, data in contexts.items()),
        *((("name", base), _name(name)) for base, _, name, _ in modules),
        *((("id", base), b"LEpB" + identity) for base, _, _, identity in modules),
        *((("memory", address), data) for address, data in memory.items()),
    ]:
        at[key] = start + len(blob)
        blob += data + bytes(-len(data) % 4)
    listed = b"".join(
        struct.pack("<IIIIQQIIII", tid, 0, 0, 0, 0, 0, 0, 0, 800, at["context", tid])
        for tid in threads
    )
    streams.append((3, struct.pack("<I", len(threads)) + listed))
    listed = b"".join(
        struct.pack("<QIIII52xII24x", base, size, 0, 0, at["name", base], 4 + len(identity),
                    at["id", base])
        for base, size, _, identity in modules
    )  # fmt: skip
    streams.append((4, struct.pack("<I", len(modules)) + listed))
    listed = b"".join(
        struct.pack("<QII", address, len(data), at["memory", address])
        for address, data in memory.items()
    )
    streams.append((5, struct.pack("<I", len(memory)) + listed))
    error = struct.pack("<IIIIQQII120s", guilty, 0, 11, 0x4C4C4442, 0, 0, 1, 0, said)
    streams.append((6, error + struct.pack("<II", 800, at["context", guilty])))
    directory, place, contents = b"", start + len(blob), b""
    for kind, data in streams:
        directory += struct.pack("<III", kind, len(data), place + len(contents))
        contents += data
    header = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, len(streams), 32, 0, 0, 0)
    return header + directory + blob + contents


def _context(registers: Mapping[str, int]) -> bytes:
    values = [registers.get(name, 0) for name in NAMES]
    whole = struct.pack("<Q33QI", 0x80000006, *values, registers.get("pstate", 0))
    return whole.ljust(800, b"\0")


def _name(name: str) -> bytes:
    raw = name.encode("utf-16-le")
    return struct.pack("<I", len(raw)) + raw + b"\0\0"


def small() -> bytes:
    """Two threads, a module and a page."""
    return minidump(
        {7: {"pc": HEAP + 8, "x0": HEAP | 5 << 56, "sp": HEAP}, 8: {"pc": 4}},
        7,
        {HEAP: b"\x00\x04\x40\xf9" * 64},
        [(0x20000, 0x1000, "/bin/guilty", b"\x11" * 20)],
    )
