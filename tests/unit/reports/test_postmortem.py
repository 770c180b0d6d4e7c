"""Which parts a post-mortem has, and what is only in files."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.model.cause import Cause
from mtedbg.model.cell_map import CellMap
from mtedbg.model.figure import SegmentMap, Timeline
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.reports.postmortem import MOST_DRAWN, parts, sections
from mtedbg.reports.section import Medium
from mtedbg.session import Session
from tests.golden.cases import CORES
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image
from tests.support.scenes import HEAP, NOP, session_at, tagged

FAULT = SignalInfo(11, 9, tagged(HEAP, 3))
ANY = [
    "Cause",
    "Signal and fault",
    "Memory tags",
    "Possible causes",
    "Registers",
    "Host calls",
]


def titles(session: Session, medium: Medium = Medium.TERMINAL) -> list[str]:
    return [section.title for section in sections(session, medium)]


def test_of_a_program_without_a_runtime():
    session = session_at(NOP, {}, FAULT)
    assert titles(session) == [*ANY, "Code", "Threads", "Not in this core"]
    assert titles(session, Medium.JSON) == [
        *ANY, "Code", "Threads", "Tagged memory", "Not in this core",
    ]  # fmt: skip


def test_of_a_runtime_with_a_change_in_progress():
    found = titles(Session(image().target()), Medium.PAGE)
    assert found[0] == "Cause"
    for title in ("Guest", "Guest calls", "Memop", "Code block", "Last events", "Code segments"):
        assert title in found
    assert found.index("Changes in progress") < found.index("Threads")


def test_what_is_wrong_with_a_runtime_is_a_part_only_if_something_is():
    made = image()
    found = titles(Session(made.target()))
    assert {"Code map", "Memops"} <= set(found)
    idle = made.with_word(made.places["journal"], 0, 4)
    assert not {"Code map", "Changes in progress"} & set(titles(Session(idle.target())))


def test_without_threads_the_rest_is_told():
    assert titles(Session(FakeTarget(thread_list=[]))) == ["Cause", "Not in this core"]


@pytest.mark.parametrize("more", [0, 1])
def test_tagged_memory_that_takes_long_is_not_drawn(more):
    session = session_at(NOP, {}, FAULT)
    target = session.target
    assert isinstance(target, FakeTarget)
    start = 1 << 40
    target.mappings = [Region(start, start + MOST_DRAWN + more, "rw-", "", tagged=True)]
    found = sections(session, Medium.PAGE)
    section = next(one for one in found if one.title == "Tagged memory")
    assert (section.figure is not None) is (not more)
    if more:
        assert section.answer(section.ask()).notes == (
            "4 GiB are tagged, which takes long to read: use `mte-regions`",
        )


def test_only_a_page_has_drawings_and_files_have_the_map_of_tagged_memory():
    session = Session(image().target())
    drawn = {part.title: part.figure for part in parts(session, Medium.PAGE) if part.figure}
    assert {title: type(figure) for title, figure in drawn.items()} == {
        "Cause": Cause, "Last events": Timeline, "Code segments": SegmentMap,
        "Tagged memory": CellMap,
    }  # fmt: skip
    assert not any(part.figure for part in parts(session, Medium.JSON))
    (tagged,) = [part for part in parts(session, Medium.JSON) if part.title == "Tagged memory"]
    assert tagged.report is not None
    assert tagged.report.answer.figure is not None


def test_a_part_that_cannot_be_answered_is_one_and_not_the_end():
    made = image()
    damaged = made.with_word(made.places["root"] + 8, 3, 4).target()
    damaged.signals[1] = FAULT
    found = list(parts(Session(damaged), Medium.PAGE))
    assert [part.title for part in found][-1] == "Not in this core"
    assert all((part.report is None) != (part.error is None) for part in found)
    assert found[0].report is not None
    assert found[0].report.headline.startswith("tag check fault")


OF_RUNTIMES = {
    "mtedbg.analysis.code.frame_name",
    "mtedbg.decode.code.code_map",
    "mtedbg.decode.memops.memop",
    "mtedbg.layout.schema",
    "mtedbg.model.runtime",
    "mtedbg.reports.runtime_sections",
}


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_who_wants_no_page_does_not_wait_for_templates(words: list[str], tmp_path: Path) -> None:
    """Nor a program without a runtime for what only one with a runtime needs."""
    packed = (CORES / "sync.core.gz").read_bytes()
    (tmp_path / "sync.core").write_bytes(gzip.decompress(packed))  # no need to unpack it
    asked = ["core", str(tmp_path / "sync.core"), *words]
    script = f"import sys; from mtedbg.cli import main; main({asked}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert "mtedbg.reports.postmortem" in loaded
    assert not {"jinja2", "markupsafe", "pathlib", "tempfile", *OF_RUNTIMES} & set(loaded)
