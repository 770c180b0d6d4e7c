"""The text of /proc/PID/smaps."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.formats.smaps import parse_extract, parse_placed, parse_smaps
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region

TEXT = b"""\
00400000-0047f000 r-xp 00000000 fe:00 2203699                            /tmp/a program
Size:                504 kB
VmFlags: rd ex mr mw me
fffff7ff8000-fffff7ff9000 rw-p 00000000 00:00 0
Size:                  4 kB
VmFlags: rd wr mr mw me ac mt
fffff7ffc000-fffff7ffd000 ---p 00000000 00:00 0                          [anon:mt]
VmFlags: mr mw me
"""


def test_mappings_with_their_flags() -> None:
    assert parse_smaps(TEXT) == [
        Region(0x400000, 0x47F000, "r-x", "/tmp/a program", False),
        Region(0xFFFFF7FF8000, 0xFFFFF7FF9000, "rw-", "", True),
        Region(0xFFFFF7FFC000, 0xFFFFF7FFD000, "---", "[anon:mt]", False),
    ]


def test_without_flags_nothing_is_said_of_tags() -> None:
    (region,) = parse_smaps(b"1000-2000 rw-p 00000000 00:00 0\nSize: 4 kB\n")
    assert isinstance(region.tagged, Absent)
    assert region.tagged.reason is Reason.UNKNOWN


def test_a_name_cannot_pass_for_a_flag() -> None:
    text = b"1000-2000 rw-p 00000000 00:00 0  VmFlags: mt\nVmFlags: rd\n"
    assert [region.tagged for region in parse_smaps(text)] == [False]


def test_overlapping_and_empty_mappings_are_left_out() -> None:
    lines = [b"1000-3000", b"2000-4000", b"5000-5000", b"7000-6000", b"8000-9000"]
    text = b"".join(line + b" r--p 00000000 00:00 0\nVmFlags: rd mt\n" for line in lines)
    assert [(r.start, r.end) for r in parse_smaps(text)] == [(0x1000, 0x3000), (0x8000, 0x9000)]


def test_a_name_cannot_pass_for_a_mapping() -> None:
    text = b"1000-2000 rw-p 00000000 00:00 0  a\r5000-6000 rw-p 00000000 00:00 0\nVmFlags: mt\n"
    assert [region.start for region in parse_smaps(text)] == [0x1000]


def test_where_each_mapping_is_in_the_text() -> None:
    for region, offset in parse_placed(TEXT):
        assert TEXT[offset:].startswith(b"%08x-" % region.start)


def test_every_piece_says_what_the_whole_text_says_there() -> None:
    """Of a piece nothing is believed that it may have cut: no mapping, and no gap."""
    whole = parse_smaps(TEXT)
    seen = set()
    for start, end in itertools.combinations(range(len(TEXT) + 1), 2):
        found = parse_extract(TEXT[start:end], start, to_the_end=end == len(TEXT))
        if found is None:
            continue
        regions = [one.region for one in found.placed]
        inside = [one for one in whole if one.start < found.end and found.start < one.end]
        assert regions == inside, (start, end)
        assert all(TEXT[at:].startswith(b"%08x-" % one.start) for one, at in found.placed)
        seen.add((found.start, found.end))
    assert (0, 1 << 64) in seen
    assert (0xFFFFF7FF8000, 1 << 64) in seen
    assert (0, 0x47F000) in seen


@given(st.binary(max_size=200) | st.lists(st.sampled_from(TEXT.splitlines())).map(b"\n".join))
def test_any_text_gives_ordered_disjoint_regions(text: bytes) -> None:
    regions = parse_smaps(text)
    for before, after in itertools.pairwise(regions):
        assert before.start < before.end <= after.start
