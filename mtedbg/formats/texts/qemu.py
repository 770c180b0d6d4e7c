"""QEMU user mode: the guest's signal that it does not handle, and its own faults.

Source: QEMU, linux-user/signal.c (dump_core_and_abort, die_with_backtrace), target/arm/cpu.c
(aarch64_cpu_dump_state).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.lines import Line

NAME = "QEMU"
_UNCAUGHT = re.compile(
    r"qemu: uncaught target signal (\d{1,3}) \((.{1,48}?)\)(?: - (core dumped))?"
)
_INTERNAL = re.compile(
    r"QEMU internal (SIG[A-Z]{2,8}) \{code=([A-Z_]{2,16}|\d{1,9})(?:, addr=(0x[0-9a-fA-F]{1,16}))?"
)
_REGISTER = re.compile(r"\b(PC|SP|X\d{2})=([0-9a-fA-F]{16})\b")


def _start(line: Line) -> Draft | None:
    if found := _UNCAUGHT.search(line.text):
        draft = Draft.at(line, NAME, rank=20)
        draft.raised(found[1])
        draft.fact("core", "dumped" if found[3] else "not dumped")
        return draft
    found = _INTERNAL.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=52)
    draft.raised(None, found[1])
    kind = found[1].removeprefix("SIG")
    draft.coded(found[2] if found[2].isdigit() else None, f"{kind}_{found[2]}")
    draft.at_address(found[3] or "")
    draft.note("it was QEMU itself that faulted, not the guest's program")
    return draft


def _more(draft: Draft, line: Line) -> bool:
    rows = _REGISTER.findall(line.text)
    for name, value in rows:
        lower = name.lower()
        draft.register(f"x{int(lower[1:])}" if lower[0] == "x" else lower, int(value, 16))
    return bool(rows)


WRITER = Writer(NAME, ("uncaught target signal", "QEMU internal SIG"), _start, _more, keep=20)
