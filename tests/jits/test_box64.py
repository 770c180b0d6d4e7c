"""A use after free under box64 0.4.3, which only Debian's unstable suite has, in a frozen core."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.sources.box64 import Box64, runs
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.commands._offline import answer_line
from mtedbg.decode.jits.box64 import Blocks, Dynablock
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.session import Session
from tests.jits.frozen import CHANGES, damaged, only_jit, pc_of, random_patches, session_of
from tests.jits.translators import BOX64_043
from tests.support.packages import died, unpacked
from tests.support.translated import box64, guest

NAME, VERSION = "box64-0.4.3", "box64 0.4.3"
LINE = "list.c:18"
"""Of the program's source as it was when the core was made."""
ONE_S = 2.0


@pytest.fixture(scope="module")
def session() -> Session:
    return session_of(NAME)


def test_the_place_in_the_guest(session: Session) -> None:
    place = code_at(session, pc_of(session))
    assert (place.function, place.version) == ("total", VERSION)
    assert str(place.line).endswith(LINE)
    first = cause(session).words
    assert "in total at " in first
    assert VERSION in first


def test_the_guests_calls(session: Session) -> None:
    rows = answer_line(session, "guest-bt").rows
    assert [row["function"] for row in rows] == ["total", "main"]


def test_every_block_is_read(session: Session) -> None:
    listed = only_jit(session, Box64).blocks()
    functions = {code.function for code in listed.codes}
    assert {"total", "main", "_start"} <= functions


def test_damaged_structures_are_told_or_refused(session: Session) -> None:
    pc = pc_of(session)
    block = Blocks(session.target.read_memory, runs(session)).at(pc)
    assert isinstance(block, Dynablock)
    structures = {"record": (block.record, 0x80), "table": (block.end, 16)}
    told = 0
    for what, patches in random_patches(session, 43, structures):
        began = time.process_time()
        found = Box64(damaged(session, patches), None).at(pc)
        assert time.process_time() - began < ONE_S, (what, patches)
        if found is not None and present(found.block):
            told += 1
            assert found.block.start <= pc < found.block.end
        elif found is not None:
            assert isinstance(found.block, Absent)
            assert found.block.reason in (Reason.UNKNOWN_VERSION, Reason.DAMAGED, Reason.UNSTABLE)
    assert 0 < told < 2 * CHANGES


@pytest.mark.jits
def test_every_line_of_its_perf_map(tmp_path: Path) -> None:
    """With the package itself: its map has each guest instruction's place in its function."""
    program = guest("list")
    (tmp_path / program.name).write_bytes(program.read_bytes())
    root = unpacked(BOX64_043)
    box = f"../{root.name}/usr/bin/box64"  # with the libraries of the stable release
    environment = {"BOX64_DYNAREC_PERFMAP": "1"}
    result = died(box64(), [box, str(program), "null"], tmp_path, environment)
    written = Path(f"/tmp/perf-{result.core.stem.rsplit('_', 1)[1]}.map")
    text = written.read_text()
    written.unlink()
    session = Session(CoreTarget(result.core, str(root / "usr/bin/box64")))
    lines = re.findall(
        r"^0x([0-9a-f]+) ([1-9][0-9]*) \S+/([^/: ]+)(?: \+ 0x([0-9a-f]+))?:", text, re.M
    )
    assert len(lines) > 100
    for start, count, function, offset in lines:
        first = int(start, 16)
        place = code_at(session, first)
        assert present(place.range)
        assert (place.range.start, place.range.end) == (first, first + 4 * int(count)), start
        if present(place.function) and "(" not in place.function:
            into = f"+0x{offset}" if offset else ""
            assert place.range.symbol == f"{function}{into}"
