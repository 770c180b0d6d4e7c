"""mte-set: what is refused before anything is written, and what is checked afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.dataclass import dataclass
from mtedbg.errors import (
    ConnectionLostError,
    ExpressionError,
    MtedbgError,
    NotOnThisTargetError,
    UsageError,
)
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import Session
from mtedbg.target import TagWriter
from tests.support.fake import FakeTarget
from tests.support.scenes import HEAP, PAGE, TAGS, THREES, target_at

GRANULE = 16


@dataclass
class WritableTarget(FakeTarget):
    """A live process whose tags can be written, perhaps wrongly."""

    kind: str = "live"
    wrote: int = 0
    write: Callable[[bytearray, int, int, bytes], None] | None = None

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        self.wrote += 1
        (at,) = self.tags
        first, last = (start - at) // GRANULE, (end - at) // GRANULE
        data = bytearray(self.tags[at])
        if self.write:
            self.write(data, first, last, tags)
        else:
            for number in range(first, last):
                data[number] = tags[(number - first) % len(tags)]
        self.tags[at] = bytes(data)


def writable() -> WritableTarget:
    made = target_at()
    return WritableTarget(
        memory=made.memory, tags=made.tags, mappings=made.mappings,
        register_sets=made.register_sets,
    )  # fmt: skip


def run(target: FakeTarget, line: str) -> str:
    command = find("mte-set")
    assert command is not None
    return execute(Session(target), command, line)


def test_every_granule_that_is_touched() -> None:
    target = writable()
    shown = run(target, f"{THREES + 8 | 7 << 56:#x} 32 9")
    assert shown.startswith(f"3 granules from {THREES:#x} on: tag 9 (the first had 3)\n")
    first = (THREES - HEAP) // GRANULE
    assert target.tags[HEAP] == TAGS[:first] + bytes([9] * 3) + TAGS[first + 3 :]


def test_tags_are_repeated_from_the_first() -> None:
    target = writable()
    shown = run(target, f"{THREES:#x} 80 9 10 0xb")
    assert shown.startswith(f"5 granules from {THREES:#x} on: tags 9 10 11, repeated (the first")
    first = (THREES - HEAP) // GRANULE
    assert target.tags[HEAP] == TAGS[:first] + bytes([9, 10, 11, 9, 10]) + TAGS[first + 5 :]


def test_what_it_says_it_wrote() -> None:
    (row,) = json.loads(run(writable(), f"{THREES:#x} 32 4 5 --json"))["rows"]
    assert (row["tag"], row["tags"]) == (None, [4, 5])
    (row,) = json.loads(run(writable(), f"{THREES:#x} 32 4 4 --json"))["rows"]
    assert (row["tag"], row["tags"]) == (4, [4])
    shown = run(writable(), f"{HEAP:#x} {PAGE} {' '.join('12' * 10)}")
    assert "tags 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 …, repeated" in shown


def test_a_whole_mapping() -> None:
    target = writable()
    run(target, f"{HEAP:#x} {PAGE} 4")
    assert target.tags[HEAP] == bytes([4] * 256)


def test_a_command_that_writes_does_not_repeat() -> None:
    command = find("mte-set")
    assert command is not None
    assert not command.repeats


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (f"{HEAP + PAGE - 8:#x} 16 3", UsageError),  # runs into memory without tags
        (f"{HEAP - 8:#x} 16 3", UsageError),  # begins before the mapping
        (f"{HEAP + PAGE:#x} 16 3", UsageError),
        (f"{HEAP:#x} {1 << 40} 3", UsageError),
        ("0xffffffffffffffff 16 3", UsageError),
        (f"{HEAP:#x} 16 16", ExpressionError),
        (f"{HEAP:#x} 0 3", ExpressionError),
        (f"{HEAP:#x} 16", UsageError),
        (f"{HEAP:#x} 16 1 2", UsageError),
        (f"{HEAP:#x} 32 1 16", ExpressionError),
        (f"{HEAP:#x} 32 0102", ExpressionError),
    ],
)
def test_nothing_is_written_where_it_does_not_fit(line: str, error: type[MtedbgError]) -> None:
    target = writable()
    with pytest.raises(error):
        run(target, line)
    assert target.wrote == 0


def test_where_mappings_are_not_known_tags_are_read_first() -> None:
    target = writable()
    target.mappings = Absent(Reason.UNKNOWN)
    run(target, f"{HEAP:#x} 16 3")
    assert target.wrote == 1
    with pytest.raises(UsageError):
        run(target, f"{HEAP + PAGE - 16:#x} 32 3")
    with pytest.raises(UsageError):
        run(target, f"{HEAP:#x} {1 << 20} 3")
    assert target.wrote == 1


def test_a_core_cannot_be_written_to() -> None:
    with pytest.raises(NotOnThisTargetError) as caught:
        run(target_at(), f"{HEAP:#x} 16 3")
    assert "live process" in caught.value.next_step


def test_a_target_that_cannot_write() -> None:
    target = target_at()
    target.kind = "live"
    assert not isinstance(target, TagWriter)
    with pytest.raises(NotOnThisTargetError):
        run(target, f"{HEAP:#x} 16 3")


def one_short(data: bytearray, first: int, last: int, tags: bytes) -> None:
    """The last granule has the tag of the first: repeated too early."""
    for number in range(first, last):
        data[number] = tags[(number - first) % (len(tags) - 1 or 1)]


def test_a_server_that_writes_a_wrong_pattern() -> None:
    target = writable()
    target.write = one_short
    with pytest.raises(ConnectionLostError, match="after writing"):
        run(target, f"{THREES:#x} 32 9 10")


def next_to_it(data: bytearray, first: int, last: int, tags: bytes) -> None:
    """As QEMU 10.0 does where a range begins at an odd granule."""
    data[first] = tags[0]
    data[first - 1] = tags[0]
    data[last - 1] = tags[0]


def nothing(data: bytearray, first: int, last: int, tags: bytes) -> None: ...


@pytest.mark.parametrize("wrong", [next_to_it, nothing])
def test_a_server_that_writes_something_else(wrong: Callable[..., None]) -> None:
    target = writable()
    target.write = wrong
    with pytest.raises(ConnectionLostError) as caught:
        run(target, f"{THREES + 16:#x} 48 9")
    assert "after writing" in caught.value.message
