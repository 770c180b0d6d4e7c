"""Writes reports as Ubuntu's apport does (problem_report.py): for the tests' cores."""

from __future__ import annotations

import base64
import zlib

HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
FIELDS = (
    b"ProblemType: Crash\nArchitecture: arm64\nDate: Sat Nov 28 10:11:12 2026\n"
    b"ExecutablePath: /usr/bin/guilty\nProcMaps:\n"
    b" 00400000-00401000 r-xp 00000000 00:00 0 /usr/bin/guilty\n"
    b" CoreDump: base64\nSignal: 11\n"
)
AFTER = b"ProcStatus:\n Name: guilty\n"


def blocks(core: bytes, block: int = 1 << 20) -> list[bytes]:
    """A stream of gzip in the pieces that apport writes, each of at most `block` plain bytes."""
    made = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [HEADER]
    parts += [made.compress(core[at : at + block]) for at in range(0, len(core), block)]
    parts.append(made.flush())
    parts.append(
        zlib.crc32(core).to_bytes(4, "little") + (len(core) & 0xFFFFFFFF).to_bytes(4, "little")
    )
    return [part for part in parts if part]


def report(*parts: bytes, before: bytes = FIELDS, after: bytes = AFTER) -> bytes:
    """A report whose core is `parts`, a line each."""
    lines = b"".join(b" " + base64.b64encode(part) + b"\n" for part in parts)
    return before + b"CoreDump: base64\n" + lines + after
