"""The mapping around an address, without reading all of smaps."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtedbg.adapters.debugger.mappings import PIECE, Smaps
from mtedbg.formats.smaps import parse_smaps
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region

PAGE = 4096
NO_FILE = Absent(Reason.UNKNOWN, "no such file")


def record(start: int, *, tagged: bool = False) -> bytes:
    """A mapping of a page, as long as the kernel's."""
    header = b"%012x-%012x rw-p 00000000 00:00 0 \n" % (start, start + PAGE)
    return header + b"Rss:     0 kB\n" * 40 + b"VmFlags: rd wr%s\n" % (b" mt" * tagged)


@dataclass
class Process:
    """Its mappings, and what was read of them."""

    starts: list[int]
    tagged: set[int] = field(default_factory=set)
    wholes: int = 0
    read: int = 0

    def text(self) -> bytes:
        return b"".join(record(at, tagged=at in self.tagged) for at in sorted(self.starts))

    def whole(self) -> bytes:
        self.wholes += 1
        return self.text()

    def piece(self, offset: int, length: int) -> bytes:
        found = self.text()[offset : offset + length]
        self.read += len(found)
        return found

    def around(self, smaps: Smaps, start: int) -> Region | None:
        """What is mapped at a page, as a caller finds it who falls back on all."""
        found = smaps.around(start, start + 16)
        if found is None:
            found = smaps.regions()
            assert not isinstance(found, Absent)
            found = [one for one in found if one.start <= start < one.end]
        assert len(found) <= 1
        return found[0] if found else None


def process(count: int) -> tuple[Process, Smaps]:
    made = Process([0x10_0000 + 2 * PAGE * number for number in range(count)])
    return made, Smaps(made.whole, made.piece)


def test_one_piece_is_read_where_the_place_is_known() -> None:
    program, smaps = process(2000)
    assert smaps.around(program.starts[5], program.starts[5] + 16) is None  # nothing is known
    assert program.read == 0
    smaps.regions()
    for start in program.starts:
        program.read = 0
        assert program.around(smaps, start) == Region(start, start + PAGE, "rw-", "", False)
        assert program.read <= PIECE
    assert program.wholes == 1


def test_gaps_are_known_to_be_gaps() -> None:
    program, smaps = process(100)
    smaps.regions()
    for start in program.starts[1:-1]:
        assert smaps.around(start + PAGE, start + PAGE + 16) == []
    assert smaps.around(0, 16) == []
    assert smaps.around(1 << 60, (1 << 60) + 16) == []
    assert program.wholes == 1


def test_what_changes_in_place_is_seen() -> None:
    """Neither of these changes the file's length or the mapping's addresses."""
    program, smaps = process(100)
    smaps.regions()
    place = program.starts[50]
    for tagged in (True, False, True):
        program.tagged = {place} if tagged else set()
        found = program.around(smaps, place)
        assert found is not None
        assert found.tagged is tagged


def test_mappings_that_come_and_go_before_it() -> None:
    program, smaps = process(400)
    smaps.regions()
    place = program.starts[200]
    for number in range(300):
        program.starts.append(0x1000 + number * PAGE)
        assert program.around(smaps, place) == parse_smaps(record(place))[0]
    for _ in range(250):
        program.starts.remove(min(program.starts))
        assert program.around(smaps, place) == parse_smaps(record(place))[0]
    assert program.wholes == 1, "each time the place is guessed by where it was last"
    program.starts = [start for start in program.starts if start >= place]
    assert program.around(smaps, place) == parse_smaps(record(place))[0]
    assert program.wholes == 2
    program.starts.remove(place)
    assert program.around(smaps, place) is None


def test_a_piece_that_cannot_be_had() -> None:
    program, _ = process(10)
    smaps = Smaps(program.whole, lambda _offset, _length: NO_FILE)
    smaps.regions()
    assert smaps.around(program.starts[3], program.starts[3] + 16) is None
    assert Smaps(lambda: NO_FILE, program.piece).regions() == NO_FILE
