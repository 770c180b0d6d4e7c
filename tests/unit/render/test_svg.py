"""The picture of owners: well-formed, bounded, and nothing in it that a process slipped in."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.cell_map import NOT_READ, CellMap, Strip
from mtedbg.render.svg import COLUMNS, SIDE, render_svg

START = 0x7F0000000000
SVG = "{http://www.w3.org/2000/svg}"
SHARED_0 = ("shared", *range(1, 16))


def drawn(cells, owners=SHARED_0, name="", cell=4096, first=START):
    counts = {kind: 256 for one in cells for kind in one}
    strip = Strip(first, first + cell * len(cells), "rw-", name, first, tuple(cells))
    figure = CellMap(cell, (strip,), owners, counts)
    text = render_svg(figure, "1 tagged mapping")
    return text, ElementTree.fromstring(text)


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def area(root, kind):
    """Square pixels of a kind, in mappings."""
    paths = [path for path in root.iter(f"{SVG}path") if path.get("class") == f"k{kind}"]
    shapes = re.findall(r"h(\d+)v(\d+)h-\1z", "".join(path.get("d") for path in paths))
    return sum(int(width) * int(height) for width, height in shapes)


def test_every_cell_is_drawn_once_and_a_mixed_one_shows_both():
    _, root = drawn([(0,)] * 200 + [(3, 0)] + [(NOT_READ,)] * 4)
    inner = 16
    assert area(root, 0) == 200 * SIDE * SIDE + inner
    assert area(root, 3) == SIDE * SIDE
    assert area(root, NOT_READ) == 4 * SIDE * SIDE


def test_the_legend_names_owners():
    _, root = drawn([(0,), (3,), (NOT_READ,), (7, 3)])
    legend = [text.rpartition("  ")[0] or text for text in texts(root)]
    assert {"shared", "core 3", "core 7", "tags not here"} <= set(legend)
    assert "mixed: mostly the outer, next the inner" in legend
    assert "core 1" not in legend


def test_the_other_convention_and_no_runtime():
    fifteen = (*range(15), "shared")
    assert any(text.startswith("core 0 ") for text in texts(drawn([(0,)], fifteen)[1]))
    assert any(text.startswith("shared ") for text in texts(drawn([(15,)], fifteen)[1]))
    nobody = (NOT_APPLICABLE,) * 16
    assert any(text.startswith("tag 15 ") for text in texts(drawn([(15,)], nobody)[1]))


def test_cores_and_shared_have_colours_of_their_own():
    for owners in (SHARED_0, (*range(15), "shared")):
        text, _ = drawn([(0,)], owners)
        colors = re.findall(r"\.k(?:\d|1[0-5])\{fill:(#\w+)\}", text)
        assert len(colors) == len(set(colors)) == 16


def test_rows_begin_at_multiples_of_their_size():
    row = 4096 * COLUMNS
    _, root = drawn([(1,)] * 10, first=START + row - 3 * 4096)
    frame = next(rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "frame")
    assert frame.get("height") == str(2 * SIDE)
    paths = "".join(path.get("d") for path in root.iter(f"{SVG}path") if path.get("class") == "k1")
    assert paths == f"M{125 * SIDE} 0h{3 * SIDE}v8h-{3 * SIDE}zM0 {SIDE}h{7 * SIDE}v8h-{7 * SIDE}z"


def test_a_hostile_name_stays_text():
    name = '</text><script>alert("x")</script>\x1b[31m\x00' + "n" * 5000
    text, root = drawn([(1,)], name=name)
    assert not list(root.iter(f"{SVG}script"))
    assert len(text) < 10_000
    text, root = drawn([(1,)], name='<script>\x1b[31m\x00"&')
    assert any('<script>\\x1b[31m\\x00"&' in one for one in texts(root))


def test_no_mapping():
    empty = CellMap(16, (), SHARED_0, {})
    assert texts(ElementTree.fromstring(render_svg(empty, "none")))[0] == "none"
