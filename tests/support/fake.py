"""A target made of dictionaries, for unit tests of everything above the port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE
from mtedbg.model.process import SignalInfo, Symbol, TagSource, TargetInfo, TargetKind, Thread

SYMBOL_SIZE = 0x10000
"""Every symbol is this long, or up to the next."""


@dataclass
class FakeTarget:
    """Memory, tags and registers as a test lays them out.

    Attributes:
        memory: bytes by start address; stretches do not touch.
        tags: tags (one byte a granule) by start address.
    """

    memory: dict[int, bytes] = field(default_factory=dict)
    tags: dict[int, bytes] = field(default_factory=dict)
    mappings: list[Region] | Absent = field(default_factory=list)
    thread_list: list[Thread] = field(
        default_factory=lambda: [Thread(1, 100, "main", True, tagged_addr_ctrl=0x7FFF3)]
    )
    register_sets: dict[int, dict[str, int]] = field(default_factory=dict)
    vector_sets: dict[int, dict[str, int]] = field(default_factory=dict)
    signals: dict[int, SignalInfo] = field(default_factory=dict)
    symbols: dict[str, int] = field(default_factory=dict)
    kind: TargetKind = TargetKind.CORE
    tag_source: TagSource = TagSource.CORE
    reads: list[tuple[int, int]] = field(default_factory=list)
    has_mte_far: bool | Absent = Absent(Reason.UNKNOWN)
    pac_mask: int = 0

    def info(self) -> TargetInfo:
        return TargetInfo(
            self.kind,
            self.tag_source,
            100,
            "/bin/fake",
            self.pac_mask,
            has_mte_far=self.has_mte_far,
        )

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        self.reads.append((address, length))
        for start, data in self.memory.items():
            if start <= address and address + length <= start + len(data):
                return data[address - start : address - start + length]
        return Absent(Reason.UNMAPPED)

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        pieces: list[TagPiece] = []
        cuts = {start, end}
        for low, data in self.tags.items():
            cuts |= {low, low + len(data) * GRANULE}
        for low, bytes_there in self.memory.items():
            cuts |= {low, low + len(bytes_there)}
        inside = sorted(cut for cut in cuts if start <= cut <= end)
        for low, high in pairwise(inside):
            tags = self._tags(low, high)
            last = pieces[-1] if pieces else None
            if last and isinstance(tags, bytes) and isinstance(last.tags, bytes):
                pieces[-1] = TagPiece(last.start, high, last.tags + tags)
            elif last and isinstance(tags, Absent) and last.tags == tags:
                pieces[-1] = TagPiece(last.start, high, tags)
            else:
                pieces.append(TagPiece(low, high, tags))
        return pieces

    def _tags(self, low: int, high: int) -> bytes | Absent:
        """The tags of a stretch that no mapping of tags or memory begins or ends in."""
        for start, tags in self.tags.items():
            if start <= low < start + len(tags) * GRANULE:
                return tags[(low - start) // GRANULE : (high - start) // GRANULE]
        for region in [] if isinstance(self.mappings, Absent) else self.mappings:
            if region.start <= low < region.end and region.tagged is True:
                return Absent(Reason.NOT_DUMPED)
        mapped = any(start <= low < start + len(data) for start, data in self.memory.items())
        return Absent(Reason.NOT_TAGGED if mapped else Reason.UNMAPPED)

    def regions(self) -> Sequence[Region] | Absent:
        return self.mappings

    def threads(self) -> Sequence[Thread]:
        return self.thread_list

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        return self.register_sets.get(thread.number, Absent(Reason.UNREADABLE))

    def vectors(self, thread: Thread) -> Mapping[str, int] | Absent:
        return self.vector_sets.get(thread.number, Absent(Reason.NOT_RECORDED))

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        return self.signals.get(thread.number, Absent(Reason.NOT_APPLICABLE))

    def symbol_address(self, name: str) -> int | Absent:
        return self.symbols.get(name, Absent(Reason.UNKNOWN))

    def symbol_at(self, address: int) -> Symbol | Absent:
        below = [(value, name) for name, value in self.symbols.items() if value <= address]
        if not below:
            return Absent(Reason.UNKNOWN)
        value, name = max(below)
        far = address - value >= SYMBOL_SIZE
        return Absent(Reason.UNKNOWN) if far else Symbol(name, address - value)

    def evaluate(self, expression: str) -> int:
        name = expression.removeprefix("$")
        registers = self.register_sets.get(1, {})
        if name in registers:
            return registers[name]
        if expression in self.symbols:
            return self.symbols[expression]
        try:
            return int(expression, 0)
        except ValueError:
            raise ExpressionError(f"no symbol or register {expression!r}") from None
