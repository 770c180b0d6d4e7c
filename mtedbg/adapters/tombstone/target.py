"""`TombstoneTarget`: an Android tombstone behind the port."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Registers
from datetime import datetime
from functools import cached_property

from mtedbg.adapters.core.segments import Segments
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.unpacked import unpack
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats import tombstone as form
from mtedbg.formats.elf import ProgramHeader
from mtedbg.formats.packed import packed_with
from mtedbg.formats.tombstone import Dump, Mapping
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE
from mtedbg.model.process import (
    Definition,
    SignalInfo,
    Symbol,
    TagSource,
    TargetInfo,
    TargetKind,
    Thread,
)
from mtedbg.model.recorded import RecordedCall, RecordedFact
from mtedbg.model.triage import Module

MOST_BYTES = 1 << 25
_NOT_KEPT = Absent(Reason.NOT_RECORDED, "a tombstone has some bytes around each register")
_NOT_IN_TEXT = Absent(Reason.NOT_RECORDED, "not in this text")
_NO_TAGS = Absent(
    Reason.NOT_RECORDED, "a tombstone has tags around registers only, and none where all are 0"
)
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def open_tombstone(path: str, executable: str = "") -> TombstoneTarget:
    """A tombstone in its protobuf form.

    Args:
        path: of the file, which may be compressed.
        executable: path of a program that the user named.

    Raises:
        FileFormatError: it is not a tombstone, or not one of AArch64.
        ToolMissingError: it is compressed, and the library for that is not here.
    """
    remarks: list[str] = []
    data = open_file(path)
    if how := packed_with(data):
        data = unpack(path, how, remarks, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise FileFormatError(f"{path} is longer than any tombstone", "give tombstone_NN.pb")
    contents = data[:]  # a few megabytes, of which each byte is looked at
    return TombstoneTarget(form.from_protobuf(contents, path), remarks, executable)


class TombstoneTarget:
    """A process that died on Android, or whose death somebody wrote down."""

    def __init__(self, found: form.Tombstone, remarks: list[str], executable: str = "") -> None:
        """What is known of it.

        Args:
            found: the tombstone.
            remarks: what is wrong with its file.
            executable: path of a program that the user named.
        """
        self._remarks = [*remarks, *found.remarks]
        self._tombstone = found
        text = found.is_text
        self._no_tags, self._not_kept = (
            (_NOT_IN_TEXT, _NOT_IN_TEXT) if text else (_NO_TAGS, _NOT_KEPT)
        )
        if executable:
            self._remarks.append(
                f"{executable} is not used: a tombstone has its own function names"
            )
        self._found = found.threads
        self._mappings = found.mappings
        self._starts = [one.start for one in self._mappings]
        cuts: list[str] = []  # overlapping dumps are not damage
        memory = _headers((dump.start, dump.memory, 1) for dump in found.dumps)
        self._memory = Segments(found.data, memory, "dumps", cuts)
        self._tags = Segments(found.data, _tag_headers(found.dumps), "dumps", cuts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is wrong with the file, one line each."""
        return tuple(self._remarks)

    @cached_property
    def died_at(self) -> float | None:
        """Seconds since 1970, by the tombstone's own time ("2023-05-01 12:00:00.123456+0200")."""
        text = _FRACTION.sub(r".\1", self._tombstone.time.strip())
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            return None

    def info(self) -> TargetInfo:
        """The dead process; its tags come from the tombstone, if it has any."""
        source = TagSource.TOMBSTONE if self._tags.ordered else TagSource.NONE
        return TargetInfo(TargetKind.CORE, source, self._tombstone.pid, self._tombstone.process)

    def recorded_facts(self) -> Sequence[RecordedFact]:
        """What Android says of it."""
        return self._tombstone.facts

    def recorded_calls(self, thread: Thread) -> Sequence[RecordedCall]:
        """The backtrace that was made on the device."""
        return self._found[thread.number - 1].calls

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """Bytes around registers."""
        if length <= 0:
            return b""
        parts = []
        for start, stop, segment in self._memory.pieces(address, address + length):
            if segment is None:
                return self._not_kept if self._mapping_at(start) else Absent(Reason.UNMAPPED)
            parts.append(
                self._memory.contents(segment, start - segment.start, stop - segment.start)
            )
        return b"".join(parts)

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        """Tags around registers; holes elsewhere."""
        pieces = []
        for first, last, segment in self._tags.pieces(start, end):
            if segment is None:
                mapped = self._mapping_at(first) is not None or not self._mappings
                hole = self._no_tags if mapped else Absent(Reason.UNMAPPED)
                pieces.append(TagPiece(first, last, hole))
                continue
            begin = (first - segment.start) // GRANULE
            count = (last - first) // GRANULE
            tags = self._tags.contents(segment, begin, begin + count)
            pieces.append(TagPiece(first, last, bytes(tag & 0xF for tag in tags)))
        return pieces

    def _mapping_at(self, address: int) -> Mapping | None:
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._mappings[index].end:
            return self._mappings[index]
        return None

    def regions(self) -> Sequence[Region] | Absent:
        """The mappings, of which a tombstone does not say which are tagged."""
        unknown = Absent(Reason.NOT_RECORDED, "a tombstone does not record it")
        if not self._mappings:
            return Absent(Reason.NOT_RECORDED, "no mappings are in it")
        return [
            Region(one.start, one.end, one.perms, one.name, self._tagged(one) or unknown, False)
            for one in self._mappings
        ]

    def _tagged(self, one: Mapping) -> bool:
        return any(piece[2] is not None for piece in self._tags.pieces(one.start, one.end))

    def threads(self) -> Sequence[Thread]:
        """The thread that died is first, and current."""
        return self._threads

    @cached_property
    def _threads(self) -> list[Thread]:
        written = any(one.control is not None for one in self._found)
        missing = Absent(Reason.NOT_RECORDED)

        def word(value: int | None) -> int | Absent:
            if value is None:  # protobuf leaves out zeros
                return 0 if written else missing
            return value if value >= 0 else missing

        return [
            Thread(number, one.tid, one.name, number == 1, tagged_addr_ctrl=word(one.control))
            for number, one in enumerate(self._found, 1)
        ]

    def registers(self, thread: Thread) -> Registers[str, int] | Absent:
        """General registers."""
        found = self._found[thread.number - 1].registers
        return found or Absent(Reason.NOT_RECORDED)

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        """The signal that it died of; does not apply to the others."""
        return self._tombstone.signal if thread.current else NOT_APPLICABLE

    def symbol_address(self, name: str) -> int | Absent:
        """By the backtraces."""
        for pc, call in self._calls:
            if call.function == name:
                return pc - call.function_offset
        return Absent(Reason.UNKNOWN, "a tombstone names only the functions of its backtraces")

    def symbol_at(self, address: int) -> Symbol | Absent:
        """By the backtraces: from where a function begins to a place in it that is known."""
        index = bisect_left(self._named, address, key=lambda pair: pair[0])
        if index < len(self._named):
            pc, call = self._named[index]
            start = pc - call.function_offset
            if start <= address:
                return Symbol(call.function, address - start)
        return Absent(Reason.UNKNOWN)

    @cached_property
    def _calls(self) -> list[tuple[int, RecordedCall]]:
        """All levels of all backtraces whose PC is known, by it."""
        calls = (call for thread in self._found for call in thread.calls)
        known = ((call.pc, call) for call in calls if isinstance(call.pc, int))
        return sorted(known, key=lambda pair: pair[0])

    @cached_property
    def _named(self) -> list[tuple[int, RecordedCall]]:
        return [pair for pair in self._calls if pair[1].function]

    def module_at(self, address: int) -> Module | Absent:
        """By the backtraces, else by the mappings."""
        index = bisect_left(self._calls, address, key=lambda pair: pair[0])
        if index < len(self._calls):
            pc, call = self._calls[index]
            if pc == address and call.file:
                return Module(call.file, call.build_id, call.offset)
        found = self._mapping_at(address)
        if found is None or not found.name:
            return Absent(Reason.UNKNOWN)
        return Module(found.name, found.build_id, found.offset + address - found.start)

    def evaluate(self, text: str) -> int:
        """The 64-bit value of an expression, with the registers of the thread that died."""
        from mtedbg.adapters.core.expression import value_of

        found = self._found[0].registers if self._found else Absent(Reason.NOT_RECORDED)
        return value_of(text, found, self._definition, self.read_memory)

    def _definition(self, name: str) -> Definition | Absent:
        return then(self.symbol_address(name), lambda found: Definition(found, is_code=True))


def _headers(
    dumps: Iterable[tuple[int, tuple[int, int], int]],
) -> list[ProgramHeader]:
    """Dumps as segments: address, place in the file, and bytes of memory for each byte there."""
    return [
        ProgramHeader(0, elf.PT_LOAD, elf.PF_R, begin, start, end - begin, (end - begin) * scale)
        for start, (begin, end), scale in dumps
        if end > begin
    ]


def _tag_headers(dumps: Iterable[Dump]) -> list[ProgramHeader]:
    return _headers((dump.start, dump.tags, GRANULE) for dump in dumps if dump.start % GRANULE == 0)
