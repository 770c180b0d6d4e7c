"""The map of tags against the obvious way to draw it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.tags.runs import Run
from mtedbg.analysis.tags.span import Form, TagSpan
from mtedbg.commands.mte_tags import answer
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.report import Answer

BASE = 0x7F00_0000
HOLES = [Absent(Reason.NOT_TAGGED), Absent(Reason.NOT_DUMPED), Absent(Reason.UNMAPPED)]
granule_tags = st.one_of(st.integers(0, 15), st.sampled_from(HOLES))


def drawn(tags: dict[int, int | Absent], pointer: int, address: int) -> Answer:
    runs = tuple(Run(start, start + 16, tag) for start, tag in tags.items())
    owners = (NOT_APPLICABLE,) * 16
    return answer(TagSpan(pointer, address, runs, runs[-1].end, Form.MAP, owners))


def text(line) -> str:
    return "".join(span.text for span in line)


@given(st.lists(granule_tags, min_size=1, max_size=80), st.integers(0, 40), st.data())
def test_every_granule_is_in_its_place(tags, skipped, data):
    start = BASE + skipped * 16
    marked = data.draw(st.integers(0, len(tags) - 1))
    offset = data.draw(st.integers(0, 15))
    by_address = {start + 16 * n: tag for n, tag in enumerate(tags)}
    lines = drawn(by_address, start, start + marked * 16 + offset).body.lines

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
    assert drawn({BASE: 3}, BASE, BASE).notes == ()
    one = drawn({BASE: 3, BASE + 16: HOLES[0]}, BASE, BASE).notes
    assert one == (". not tagged memory",)
    both = drawn({BASE: 3, BASE + 16: HOLES[1], BASE + 32: HOLES[2]}, BASE, BASE).notes
    assert both == ("? not dumped in this core or not mapped",)


def test_roles():
    pointer = 3 << 56 | BASE
    roles = {
        span.text: span.role
        for line in drawn({BASE: 4, BASE + 16: 3, BASE + 32: 5}, pointer, BASE).body.lines
        for span in line
    }
    assert (roles["4"], roles["3"], roles["5"]) == ("tag-mismatch", "tag-match", "")
