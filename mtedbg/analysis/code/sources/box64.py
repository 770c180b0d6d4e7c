"""box64: its blocks with the guest's instructions, functions and lines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_files import guest_place
from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import MappedFile, is_anonymous, said_in, spans
from mtedbg.decode.jits import box64
from mtedbg.decode.jits.box64 import Blocks, Dynablock, Instruction
from mtedbg.decode.pages import Pages
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.foreign_code import (
    CodeSource,
    CodeSpan,
    ForeignCode,
    ForeignCodes,
    ForeignGuest,
)
from mtedbg.model.words import counted

if TYPE_CHECKING:
    from mtedbg.session import Session

_MOST_TEXT = 64 << 20
"""Bytes of box64's own file that are searched for its version."""


class Box64:
    """box64 in a process.

    Args:
        session: the process.
        mapped: its file; None where only its symbols tell of it.
    """

    def __init__(self, session: Session, mapped: MappedFile | None) -> None:
        self._session = session
        self._mapped = mapped
        self._read = Pages(session.target).read
        self._blocks = Blocks(self._read, runs(session))

    @cached_property
    def _version(self) -> str:
        """By the build id, else by what its file says; empty where neither tells."""
        mapped = self._mapped
        if mapped is None:
            return ""
        return box64.BUILDS.get(mapped.build_id) or said_in(
            self._session, mapped, box64.VERSION, _MOST_TEXT
        )

    @property
    def version(self) -> str:
        """With the layout's, where that was measured with another one."""
        name = f"box64 {self._version}".rstrip()
        layout = self._blocks.layout
        if layout is None or layout.version == self._version:
            return name
        return f"{name} (laid out as {layout.version})"

    def has_blocks(self) -> bool:
        """Whether the process has a block of a layout that is known."""
        return any(isinstance(one, Dynablock) for one in self._blocks.all())

    def at(self, pc: int) -> ForeignCode | None:
        """The block and guest instruction at `pc`; see `Jit`."""
        found = self._blocks.at(pc)
        if found is None:
            return None
        if isinstance(found, Absent):
            if found.reason is Reason.UNKNOWN_VERSION:
                found = unknown_version(self.version)
            return ForeignCode(CodeSource.BOX64, block=found, version=self.version)
        return self._code(found, found.at(pc))

    def blocks(self) -> ForeignCodes:
        """All blocks; see `Jit`."""
        codes: list[ForeignCode] = []
        cut, unread = "", 0
        for found in self._blocks.all():
            if isinstance(found, Absent):
                unread += 1
            elif len(codes) == MOST:
                cut = f"more than {MOST} blocks"
                break
            else:
                codes.append(self._code(found, None))
        if not cut and self._blocks.is_cut:
            cut = "not all of memory for code was searched"
        if unread and not codes:
            hole = unknown_version(self.version)
            return ForeignCodes(CodeSource.BOX64, cut=hole.detail, version=self.version)
        notes = (f"{counted(unread, 'block')} cannot be read",) if unread else ()
        return ForeignCodes(CodeSource.BOX64, tuple(codes), cut, self.version, notes)

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | Absent | None:
        """Whoever called box64's dispatcher; see `Unwinder`."""
        if not isinstance(self._blocks.at(pc), Dynablock):
            return None
        return box64.left(self._read, registers)

    def guest(self, pc: int, registers: Mapping[str, int]) -> ForeignGuest | Absent:
        """The guest's registers; see `GuestKeeper`."""
        found = self._blocks.at(pc)
        if not isinstance(found, Dynablock):
            return NOT_APPLICABLE if found is None else found
        values = box64.guest_registers(self._read, registers)
        if isinstance(values, Absent):
            return values
        instruction = found.at(pc)
        rip: int | Absent = values["rip"]
        if instruction is not None:
            rip = instruction.guest
        elif pc >= found.start + sum(one.end - one.start for one in found.instructions):
            rip = Absent(Reason.UNKNOWN, f"on the way out of the block of {found.guest:#x}")
        general = {name: value for name, value in values.items() if name != "rip"}
        notes = ("flags: those that the block has not put off",)
        return ForeignGuest(rip, general, self.version, notes)

    def _code(self, block: Dynablock, instruction: Instruction | None) -> ForeignCode:
        guest = block.guest if instruction is None else instruction.guest
        place = guest_place(self._session, guest)
        name = then(place.symbol, str)
        function = then(place.symbol, lambda one: one.name)
        if not present(function):
            bridge = self.bridge(block.guest)
            if bridge is not None:
                name = function = f"{bridge} (of the host)" if bridge else box64.WAY_BACK
        symbol: CodeSpan | Absent = NOT_APPLICABLE
        if instruction is not None:
            text = or_else(name, "") or f"guest {guest:#x}"
            symbol = CodeSpan(instruction.start, instruction.end, text)
        return ForeignCode(
            CodeSource.BOX64,
            block=CodeSpan(block.start, block.end),
            symbol=symbol,
            kind="dynablock",
            noun="block",
            state="dropped" if block.is_dropped else NOT_APPLICABLE,
            function=function,
            guest_rip=guest,
            line=place.line,
            version=self.version,
        )

    def bridge(self, address: int) -> str | None:
        """The host's function that a guest's code leads to; see `HostCaller`."""
        found = box64.bridge_at(self._read, address)
        if found is None or found.name or not found.function:
            return None if found is None else found.name
        symbol = self._session.target.symbol_at(found.function)
        return symbol.name if present(symbol) else f"host {found.function:#x}"


def find(session: Session, mapped: MappedFile | None) -> Box64 | Absent:
    """box64 as it is in the process; does not apply where nothing tells that it is in it."""
    found = Box64(session, mapped)
    if mapped is None and not found.has_blocks():
        return NOT_APPLICABLE
    return found


def runs(session: Session) -> list[tuple[int, int]]:
    """Where box64 puts translated code: writable and executable memory that is no file's."""
    return spans(session, lambda one: is_anonymous(one) and _is_for_code(one.perms))


def _is_for_code(perms: str) -> bool:
    return "?" in perms or ("w" in perms and "x" in perms)
