"""The map of tags against the obvious way to draw it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.tags.tag_map import by_granule, draw
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import TagPiece

BASE = 0x7F00_0000
HOLES = [Absent(Reason.NOT_TAGGED), Absent(Reason.NOT_DUMPED), Absent(Reason.UNMAPPED)]
granule_tags = st.one_of(st.integers(0, 15), st.sampled_from(HOLES))


def text(line) -> str:
    return "".join(span.text for span in line)


@given(st.lists(granule_tags, min_size=1, max_size=80), st.integers(0, 40), st.data())
def test_every_granule_is_in_its_place(tags, skipped, data):
    start = BASE + skipped * 16
    marked = data.draw(st.integers(0, len(tags) - 1))
    offset = data.draw(st.integers(0, 15))
    by_address = {start + 16 * n: tag for n, tag in enumerate(tags)}
    lines = draw(by_address, start, start + marked * 16 + offset).lines

    found = {}
    for line in map(text, lines):
        row = int(line[3:13], 16)
        assert row % 256 == 0
        for column in range(16):
            character = line[15 + 2 * column]
            if character != " ":
                found[row + 16 * column] = character
    signs = {HOLES[0]: ".", HOLES[1]: "?", HOLES[2]: "?"}
    assert found == {
        address: signs[tag] if isinstance(tag, Absent) else "0123456789abcdef"[tag]
        for address, tag in by_address.items()
    }

    brackets = [(line, re.findall(r"\[(.)\]", line)) for line in map(text, lines)]
    with_mark = [(line, marks) for line, marks in brackets if marks]
    assert len(with_mark) == 1
    assert with_mark[0][0].startswith("=>")
    assert with_mark[0][1] == [found[start + marked * 16]]
    assert sum(line.startswith("=>") for line, _ in brackets) == 1


def test_the_legend_names_only_what_is_drawn():
    assert draw({BASE: 3}, BASE, BASE).legend == ""
    assert draw({BASE: HOLES[0], BASE + 16: 3}, BASE, BASE).legend == ". not tagged memory"
    both = draw({BASE: HOLES[1], BASE + 16: HOLES[2]}, BASE, BASE).legend
    assert both == "? not dumped in this core or not mapped"


def test_roles():
    pointer = 3 << 56 | BASE
    roles = {
        span.text: span.role
        for line in draw({BASE: 4, BASE + 16: 3, BASE + 32: 5}, pointer, BASE).lines
        for span in line
    }
    assert (roles["4"], roles["3"], roles["5"]) == ("tag-mismatch", "tag-match", "")


@given(st.lists(st.tuples(granule_tags, st.integers(1, 20))))
def test_granules_of_pieces(parts):
    pieces, expected, at = [], {}, BASE
    for tag, count in parts:
        tags = tag if isinstance(tag, Absent) else bytes([tag]) * count
        pieces.append(TagPiece(at, at + 16 * count, tags))
        expected |= {at + 16 * n: tag for n in range(count)}
        at += 16 * count
    assert by_granule(pieces) == expected
