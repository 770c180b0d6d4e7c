"""Every command in every debugger at every place: the same assertions.

A debugger at a place is started once, and asked everything there (`record.py`); what it said itself
is what mtedbg's answers are held against (`checks.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mtedbg.commands import find, names
from mtedbg.lab.vm import Vm
from tests.matrix.checks import CHECKS
from tests.matrix.places import PLACES, Dead, die_at_the_scene, play, program
from tests.matrix.plan import PLAN
from tests.matrix.truth import Scene
from tests.support.offline import offline

Scenes = Callable[[str], Scene]
SOURCES = {
    **dict.fromkeys(("user", "vm", "server"), ("remote", "qMemTags")),
    "native": ("live", "ptrace"),
    "core": ("core", "core"),
}
# Where less is known by right: QEMU's stub of threads, and of tags in two seconds; a core has no
# tags of memory that nobody may read; LLDB 19 gives no vector registers of a process with SVE that
# gdbserver debugs.
PARTIAL = {("user", "mte-ctl"), ("user", "mte-regions"), ("core", "mte-regions")}
PARTIAL |= {("lldb19-vm", "guest-frame")}
COMPARED = [name for name in PLACES if name not in ("gdb18-user", "gdb18-vm", "gdb18-core")]
COMPARED.remove("gdb13-native")  # it has no disassembler
LONG_NUMBER, TIME = re.compile(r"0x([0-9a-f]{9,16})"), re.compile(r"\b\d{10,}\b")
# A column of times is as wide as its longest, which after a quarter of an hour is longer.
INDENTS, SPACES = re.compile(r"^ +", re.MULTILINE), re.compile(r" +")


@pytest.fixture(scope="session")
def dead(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Dead]:
    @cache
    def make() -> Dead:
        return die_at_the_scene(lab_vm, tmp_path_factory.mktemp("scene"))

    return make


@pytest.fixture(scope="session")
def scenes(request: pytest.FixtureRequest, dead: Callable[[], Dead]) -> Scenes:
    """Each debugger at each place, started when it is first asked for."""

    @cache
    def scene(name: str) -> Scene:
        place, flavour = PLACES[name]
        vm: Callable[[], Vm] = lambda: request.getfixturevalue("lab_vm")  # noqa: E731
        return Scene(name, play(place, flavour, vm, dead))

    return scene


@pytest.fixture
def scene(request: pytest.FixtureRequest, scenes: Scenes) -> Scene:
    return scenes(request.param)


@pytest.mark.parametrize("command", names())
@pytest.mark.parametrize("scene", PLACES, indirect=True)
def test_it_is_as_the_debugger_says(scene: Scene, command: str) -> None:
    assert command in PLAN, f"{command} is not asked: add it to tests/matrix/plan.py"
    assert command in CHECKS, f"nothing is demanded of {command}: add it to tests/matrix/checks*.py"
    report = scene.report(command)
    CHECKS[command](scene)
    if "error" in report:
        assert scene.dead
        assert PLAN[command].changes
        return
    known = find(command)
    assert known is not None
    assert report["command"] == command
    assert [column["key"] for column in report["columns"]] == [c.key for c in known.columns]
    assert (report["target"]["kind"], report["target"]["tag_source"]) == SOURCES[scene.place]
    by_right = {(scene.place, command), (scene.name, command)} & PARTIAL
    assert report["partial"] is bool(by_right), report["notes"]


@pytest.mark.parametrize("scene", COMPARED, indirect=True)
def test_the_text_is_the_same_in_all(scene: Scene, scenes: Scenes) -> None:
    """But for addresses and times: of two runs; of one core nothing differs."""
    reference = scenes("gdb18-vm" if scene.place == "server" else f"gdb18-{scene.place}")
    assert scene.texts.keys() == reference.texts.keys()
    # Ids of the kernel: those of both runs, since what is one here may be a memop's number there.
    threads = (*scene.root["threads"], *reference.root["threads"])
    tids = re.compile(rf"\b({'|'.join({str(thread['host_tid']) for thread in threads})})\b")
    for command, text in scene.texts.items():
        if scene.dead:
            assert text == reference.texts[command]
        else:
            assert neutral(text, tids) == neutral(reference.texts[command], tids)


def neutral(text: str, tids: re.Pattern[str]) -> str:
    """With pages numbered as they come up: where they are is another run's business."""
    text = tids.sub("TID", text)
    pages: dict[int, int] = {}

    def page(match: re.Match[str]) -> str:
        value = int(match[1], 16)
        tag, place = value >> 56, value & ((1 << 56) - 1)
        if place >> 32 == 0:
            return f"{tag:x}:{place:#x}"
        number = pages.setdefault(place >> 12, len(pages))
        return f"{tag:x}:page {number}+{place & 0xFFF:#x}"

    return SPACES.sub(" ", INDENTS.sub("", TIME.sub("TIME", LONG_NUMBER.sub(page, text))))


def test_offline_is_the_same(dead: Callable[[], Dead], scenes: Scenes) -> None:
    reference = scenes("gdb18-core")
    facts = {"tag": hex(reference.tag), "window": hex(reference.window), "base": reference.base}
    asked = {name: one.line.format(**facts) for name, one in PLAN.items() if not one.changes}
    reports = offline(dead().core, Path(program()[0]), list(asked.values()))
    for name, report in zip(asked, reports, strict=True):
        theirs = reference.report(name)
        for key in ("rows", "headline", "partial", "columns"):
            assert report[key] == theirs[key], (name, key)
