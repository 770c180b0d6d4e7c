"""Writes a tombstone of `tests/support/tombstones.py` in the form for people.

As AOSP's tombstone_proto_to_text.cpp lays it out; the writer shares nothing with the reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mtedbg.model.pointer import strip
from tests.support.tombstones import Frame, Mapping, Thread, Tombstone

_STARS, _DASHES = " ".join(["***"] * 16), " ".join(["---"] * 16)
_SIGNALS = {6: "SIGABRT", 11: "SIGSEGV"}
_CODES = {(11, 1): "SEGV_MAPERR", (11, 8): "SEGV_MTEAERR", (11, 9): "SEGV_MTESERR"}
Cause = tuple[str, Sequence[tuple[str, int, list[Frame]]]]
_LATE = ("lr", "sp", "pc", "pst")


def as_text(one: Tombstone, causes: Sequence[Cause] = ()) -> str:
    """The text; `causes` are words, and stacks of "allocated" or "deallocated"."""
    return "\n".join(_lines(one, causes)) + "\n"


def _lines(one: Tombstone, causes: Sequence[Cause]) -> Iterator[str]:
    yield _STARS
    yield "Build fingerprint: 'google/husky/husky:14'"
    yield "ABI: 'arm64'"
    yield f"Timestamp: {one.timestamp}"
    threads = sorted(one.threads, key=lambda thread: (thread.tid != one.guilty, thread.tid))
    for number, thread in enumerate(threads):
        if number:
            yield _DASHES
        yield "Cmdline: /system/bin/guilty"
        yield f"pid: 1, tid: {thread.tid}, name: {thread.name}  >>> /system/bin/guilty <<<"
        yield "uid: 0"
        yield f"tagged_addr_ctrl: {thread.control:016x}"
        if number == 0:
            yield from _signal(one)
            if len(causes) == 1:
                yield f"Cause: {causes[0][0]}"
            if one.abort:
                yield f"Abort message: '{one.abort}'"
        yield from _registers(thread)
        yield from ("", f"{len(thread.frames)} total frames", "backtrace:")
        yield from _frames(thread.frames)
        if number == 0:
            yield from _causes(causes)
        yield from _memory(thread)
        if number == 0:
            yield from _maps(one.mappings)


def _signal(one: Tombstone) -> Iterator[str]:
    number, code, address = one.signal
    at = "--------" if address is None else f"0x{address:016x}"
    named = _CODES.get((number, code), "?")
    yield f"signal {number} ({_SIGNALS[number]}), code {code} ({named}), fault addr {at}"


def _registers(thread: Thread) -> Iterator[str]:
    early = [pair for pair in thread.registers.items() if pair[0] not in _LATE]
    late = [pair for pair in thread.registers.items() if pair[0] in _LATE]
    for row in [early[at : at + 4] for at in range(0, len(early), 4)] + [late]:
        if row:
            yield "  " + "".join(f"  {name:<3} {value:016x}" for name, value in row)


def _frames(frames: Sequence[Frame]) -> Iterator[str]:
    for number, frame in enumerate(frames):
        function = f" ({frame.function}+{frame.function_offset})" if frame.function else ""
        yield f"      #{number:02} pc {frame.offset:016x}  {frame.file}{function} (BuildId: abcd)"


def _causes(
    causes: Sequence[Cause],
) -> Iterator[str]:
    for words, stacks in causes:
        if len(causes) > 1:
            yield from ("", f"Cause: {words}")
        for about, tid, frames in stacks:
            yield from ("", f"{about} by thread {tid}:")
            yield from _frames(frames)


def _memory(thread: Thread) -> Iterator[str]:
    for dump in thread.dumps:
        yield from ("", f"memory near {dump.register}:")
        for at in range(0, len(dump.memory), 16):
            tag = dump.tags[at // 16] if any(dump.tags) else 0
            row = dump.memory[at : at + 16]
            words = " ".join(
                f"{int.from_bytes(row[first : first + 8], 'little'):016x}"
                for first in range(0, len(row), 8)
            )
            letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
            yield f"    {strip(dump.start) + at | tag << 56:016x} {words}  {letters}"


def _maps(mappings: Sequence[Mapping]) -> Iterator[str]:
    if not mappings:
        yield from ("", "No memory maps found")
        return
    yield from ("", f"memory map ({len(mappings)} entries):")
    for one in mappings:
        first, last = one.start, one.end - 1
        span = (
            f"{first >> 32:08x}'{first & 0xFFFFFFFF:08x}-{last >> 32:08x}'{last & 0xFFFFFFFF:08x}"
        )
        perms = "".join(letter if letter in one.perms else "-" for letter in "rwx")
        name = f"  {one.name}" if one.name else ""
        yield f"    {span} {perms}  {one.offset:8x}  {one.end - one.start:8x}{name}"
