"""Memory, mappings and tags of synthetic cores."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from tests.support.elf_core import PAGE, Core, Load, MappedFile, R, Tagged, ThreadNotes, X, patched

BASE = 0x10000
NOT_DUMPED = Absent(Reason.NOT_DUMPED)
TRUNCATED = Absent(Reason.NOT_DUMPED, "the file is truncated")
UNMAPPED = Absent(Reason.UNMAPPED)
NOT_TAGGED = Absent(Reason.NOT_TAGGED)
NO_TAGS = Absent(Reason.NOT_RECORDED, "this core has no tag segments")


def opened(folder: Path, core: Core) -> CoreTarget:
    return CoreTarget(core.write(folder))


def test_memory_is_read_across_segments_that_touch(tmp_path: Path) -> None:
    target = opened(tmp_path, Core([Load(BASE, b"a" * PAGE), Load(BASE + PAGE, b"b" * PAGE)]))
    assert target.read_memory(BASE + PAGE - 2, 4) == b"aabb"
    assert target.read_memory(BASE, 2 * PAGE) == b"a" * PAGE + b"b" * PAGE


def test_memory_has_its_reason_where_it_is_not_there(tmp_path: Path) -> None:
    loads = [Load(BASE, b"a" * 16, PAGE), Load(BASE + 4 * PAGE, b"", PAGE)]
    target = opened(tmp_path, Core(loads))
    assert target.read_memory(BASE, 16) == b"a" * 16
    assert target.read_memory(BASE, 17) == NOT_DUMPED
    assert target.read_memory(BASE + 4 * PAGE, 1) == NOT_DUMPED
    assert target.read_memory(BASE + 2 * PAGE, 1) == UNMAPPED
    assert target.read_memory(BASE - 1, 1) == UNMAPPED
    assert target.read_memory((1 << 64) - 1, 1) == UNMAPPED


def test_an_absurd_length_is_no_allocation(tmp_path: Path) -> None:
    target = opened(tmp_path, Core([Load(BASE, b"a" * PAGE)]))
    assert target.read_memory(BASE, 1 << 60) == UNMAPPED


def test_regions_say_what_they_were(tmp_path: Path) -> None:
    core = Core(
        loads=[
            Load(0x1000, b"x" * PAGE, flags=R | X),
            Load(0x2000, b"d" * PAGE),
            Load(0x8000, b"h" * PAGE),
            Load(0x100000, b"", PAGE, flags=0),
            Load(0x200000, b"v" * PAGE, flags=R | X),
            Load(0x300000, b"s" * PAGE),
        ],
        files=[
            MappedFile(0x1000, 0x2000, 0, "/bin/guilty"),
            MappedFile(0x2000, 0x3000, PAGE, "/bin/guilty"),
            MappedFile(0x400000, 0x401000, 0, "/lib/left-out"),
        ],
        auxv={3: 0x1040, 25: 0x300010, 33: 0x200000},
        threads=[ThreadNotes(control=0)],
    )
    core.loads[0].data = b"\x7fELF" + b"\x02\x01\x01".ljust(12, b"\0") + image_rest()
    assert opened(tmp_path, core).regions() == [
        Region(0x1000, 0x2000, "r-x", "/bin/guilty", False),
        Region(0x2000, 0x3000, "rw-", "/bin/guilty", False),
        Region(0x8000, 0x9000, "rw-", "[heap]", False),
        Region(0x100000, 0x101000, "---", "", False, False),
        Region(0x200000, 0x201000, "r-x", "[vdso]", False),
        Region(0x300000, 0x301000, "rw-", "[stack]", False),
        Region(0x400000, 0x401000, "???", "/lib/left-out", False, False),
    ]


def image_rest() -> bytes:
    from tests.support.elf_core import ImageFile

    return ImageFile().build()[16:PAGE]


def test_a_mapping_tagged_in_part_is_cut(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * 2 * PAGE)], [Tagged(BASE + PAGE, bytes(256))])
    assert opened(tmp_path, core).regions() == [
        Region(BASE, BASE + PAGE, "rw-", "", False),
        Region(BASE + PAGE, BASE + 2 * PAGE, "rw-", "", True),
    ]


@pytest.mark.parametrize(
    ("control", "expected"), [(None, NO_TAGS), (0x7FFF3, NO_TAGS), (0, NOT_TAGGED), (1, NOT_TAGGED)]
)
def test_no_tag_segment_is_not_always_no_tagged_memory(
    tmp_path: Path, control: int | None, expected: Absent
) -> None:
    """A writer that knows no tag segments leaves none, whatever the program did."""
    core = Core([Load(BASE, b"a" * PAGE)], threads=[ThreadNotes(control=control)])
    target = opened(tmp_path, core)
    assert target.read_tags(BASE, BASE + 16) == [TagPiece(BASE, BASE + 16, expected)]
    tagged = False if expected == NOT_TAGGED else NO_TAGS
    assert target.regions() == [Region(BASE, BASE + PAGE, "rw-", "", tagged)]


def test_tags_come_low_nibble_first(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE)], [Tagged(BASE, bytes(n % 16 for n in range(256)))])
    assert bytes([0x10, 0x32]) in core.build()
    target = opened(tmp_path, core)
    assert target.read_tags(BASE, BASE + 64) == [TagPiece(BASE, BASE + 64, b"\0\1\2\3")]


def test_tags_of_odd_starts_and_ends(tmp_path: Path) -> None:
    tags = bytes(n * 5 % 16 for n in range(256))
    target = opened(tmp_path, Core([Load(BASE, b"a" * PAGE)], [Tagged(BASE, tags)]))
    for first in range(4):
        for count in range(1, 6):
            start, end = BASE + first * 16, BASE + (first + count) * 16
            expected = [TagPiece(start, end, tags[first : first + count])]
            assert target.read_tags(start, end) == expected


def test_an_odd_number_of_granules(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * 48)], [Tagged(BASE, b"\1\2\3")])
    target = opened(tmp_path, core)
    assert target.remarks == ()
    assert target.read_tags(BASE, BASE + 48) == [TagPiece(BASE, BASE + 48, b"\1\2\3")]


def test_the_pieces_cover_the_span_and_name_each_hole(tmp_path: Path) -> None:
    core = Core(
        loads=[Load(BASE, b"a" * 2 * PAGE), Load(BASE + 4 * PAGE, b"b" * PAGE)],
        tagged=[Tagged(BASE + PAGE, b"\7" * 256), Tagged(BASE + 4 * PAGE, None, 256)],
    )
    assert opened(tmp_path, core).read_tags(BASE, BASE + 6 * PAGE) == [
        TagPiece(BASE, BASE + PAGE, NOT_TAGGED),
        TagPiece(BASE + PAGE, BASE + 2 * PAGE, b"\7" * 256),
        TagPiece(BASE + 2 * PAGE, BASE + 4 * PAGE, UNMAPPED),
        TagPiece(BASE + 4 * PAGE, BASE + 5 * PAGE, NOT_DUMPED),
        TagPiece(BASE + 5 * PAGE, BASE + 6 * PAGE, UNMAPPED),
    ]


def test_tags_of_a_file_that_ends_early(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE)], [Tagged(BASE, b"\7" * 256)])
    path = tmp_path / "core"
    path.write_bytes(core.build()[:-100])
    target = CoreTarget(path)
    there = BASE + (128 - 100) * 2 * 16
    assert target.read_tags(BASE, BASE + PAGE) == [
        TagPiece(BASE, there, b"\7" * 56),
        TagPiece(there, BASE + PAGE, TRUNCATED),
    ]
    assert target.remarks == (
        "the file is truncated: contents of 1 tag segments are partly missing",
    )


def test_overlapping_segments_are_cut_and_said(tmp_path: Path) -> None:
    core = Core(
        loads=[Load(BASE, b"a" * 2 * PAGE), Load(BASE + PAGE, b"b" * PAGE), Load(BASE, b"c" * PAGE)]
    )
    target = opened(tmp_path, core)
    assert target.read_memory(BASE + PAGE - 1, 2) == b"ab"
    assert target.remarks == ("2 memory segments overlap the next: cut there",)


def test_an_absurd_size_hides_no_other_segment(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE), Load(BASE + PAGE, b"b" * PAGE)])
    path = tmp_path / "core"
    path.write_bytes(patched(core.build(), 1, memory_size=1 << 51, file_size=1 << 63))
    target = CoreTarget(path)
    assert target.read_memory(BASE + PAGE, 4) == b"bbbb"
    assert target.read_memory(BASE, 4) == b"aaaa"
    path.write_bytes(patched(core.build(), 1, memory_size=(1 << 64) - 1))
    target = CoreTarget(path)
    assert target.read_memory(BASE + PAGE, 4) == b"bbbb"
    assert target.remarks == ("1 memory segments lie outside the address space: ignored",)


def test_contents_past_the_end_of_the_file(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE)])
    path = tmp_path / "core"
    path.write_bytes(patched(core.build(), 1, offset=1 << 62))
    target = CoreTarget(path)
    assert target.read_memory(BASE, 1) == TRUNCATED
    assert target.remarks == (
        "the file is truncated: contents of 1 memory segments are partly missing",
    )


def test_a_tag_segment_of_broken_granules(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE)], [Tagged(BASE, b"\7" * 256)])
    path = tmp_path / "core"
    path.write_bytes(patched(core.build(), 2, address=BASE + 8))
    target = CoreTarget(path)
    assert target.read_tags(BASE, BASE + 16) == [TagPiece(BASE, BASE + 16, NO_TAGS)]
    assert target.remarks == ("the tag segment at 0x10008 is not made of whole granules: ignored",)


def test_a_tag_segment_with_too_few_tags(tmp_path: Path) -> None:
    core = Core([Load(BASE, b"a" * PAGE)], [Tagged(BASE, b"\7" * 256)])
    path = tmp_path / "core"
    path.write_bytes(patched(core.build(), 2, file_size=1))
    target = CoreTarget(path)
    pieces = target.read_tags(BASE, BASE + 64)
    assert [piece.tags for piece in pieces] == [b"\7\7", TRUNCATED]
    assert target.remarks == ("the tag segment at 0x10000 has 1 bytes of tags, not 128",)


def test_64_mib_of_tags_are_quick(tmp_path: Path) -> None:
    size = 64 << 20
    path = tmp_path / "core"
    core = Core([Load(BASE, b"", size)], [Tagged(BASE, bytes(range(16)) * (size // 256))])
    path.write_bytes(core.build())
    target = CoreTarget(path)
    start = time.process_time()
    (piece,) = target.read_tags(BASE, BASE + size)
    spent = time.process_time() - start
    assert piece.tags == bytes(range(16)) * (size // 256)
    assert spent < 0.5, "a loop over granules takes seconds"


def test_a_sparse_core_is_not_loaded(tmp_path: Path) -> None:
    """16 GiB of holes with one page at their end."""
    size = 16 << 30
    core = Core([Load(BASE, b"", size)])
    path = tmp_path / "core"
    header = patched(core.build(), 1, file_size=size, offset=PAGE)
    with path.open("wb") as file:
        file.write(header)
        file.seek(PAGE + size - 4)
        file.write(b"last")
    target = CoreTarget(path)
    assert target.read_memory(BASE + size - 8, 8) == b"\0\0\0\0last"
