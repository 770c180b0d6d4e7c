"""Android tombstones: what they have, against the core of the same death; and damaged ones."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.dead import open_dead
from mtedbg.adapters.tombstone.target import TombstoneTarget, open_tombstone
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.cli import main
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.recorded import RecordedCall
from mtedbg.session import Session
from tests.golden.cases import CORES
from tests.support.tombstones import (
    Dump,
    Frame,
    Mapping,
    Thread,
    Tombstone,
    memory_error,
    number,
    of_core,
    part,
)

Capture = pytest.CaptureFixture[str]
HEAP, CODE = 0x7B_0000_1000, 0x70_0000_0000
FAULT = HEAP + 0x48 | 0x3 << 56
SAME = ("name", "address", "raw_address", "pointer_tag", "granules")
FRAMES = [Frame(CODE + 0x2040, "use", 0x40, "/data/app/lib/libgame.so", 0x2040), Frame(CODE + 0x10)]


def small() -> Tombstone:
    """A use after free found by MTE."""
    registers = {"x0": FAULT, "lr": CODE + 0x10, "sp": 0x7FC0, "pc": CODE + 0x2040, "pst": 0x6000}
    tags = bytes([3, 3, 3, 3, 9, 9] + [0] * 10)
    dumps = [
        Dump("x0", HEAP, bytes(range(256)), tags),
        Dump("pc", CODE + 0x2020, b"\x00\x04\x40\xf9" * 64),
    ]
    threads = [Thread(41, "worker", registers, control=1)]
    threads += [Thread(42, "main", registers, FRAMES, dumps, control=0x7FFF3)]
    alloc = [Frame(CODE + 0x90, "make", 0x10, "/data/app/lib/libgame.so", 0x90)]
    cause = memory_error("[MTE]: Use After Free, 8 bytes into it", 1, (HEAP + 0x40, 32), alloc)
    return Tombstone(
        threads,
        42,
        (11, 9, FAULT),
        [Mapping(HEAP, HEAP + 0x1000, "rw", "[anon:scudo:primary]"),
         Mapping(CODE, CODE + 0x8000, "rx", "/data/app/lib/libgame.so", 0x1000)],
        [cause],
        "oh \x1b[31mno",
    )  # fmt: skip


def write(folder: Path, contents: bytes) -> str:
    path = folder / "tombstone_00.pb"
    path.write_bytes(contents)
    return str(path)


@pytest.fixture
def target(tmp_path: Path) -> TombstoneTarget:
    found = open_dead(write(tmp_path, small().build()))
    assert isinstance(found, TombstoneTarget)
    return found


def test_what_it_says(target: TombstoneTarget) -> None:
    info = target.info()
    assert (info.kind, info.tag_source, info.pid) == ("core", "tombstone", 1)
    assert info.executable == "/system/bin/guilty"
    first, second = target.threads()
    assert [(one.number, one.tid, one.name, one.current) for one in (first, second)] == [
        (1, 42, "main", True),
        (2, 41, "worker", False),
    ]
    assert (first.tagged_addr_ctrl, second.tagged_addr_ctrl) == (0x7FFF3, 1)
    registers = target.registers(first)
    assert not isinstance(registers, Absent)
    assert (registers["x0"], registers["x30"], registers["pstate"]) == (FAULT, CODE + 0x10, 0x6000)
    signal = target.signal(first)
    assert not isinstance(signal, Absent)
    assert (signal.number, signal.code, signal.address) == (11, 9, FAULT)
    assert target.signal(second) == Absent(Reason.NOT_APPLICABLE)
    assert target.remarks == ()
    assert target.died_at == 1709370000.5


def test_memory_and_tags_are_those_around_registers(target: TombstoneTarget) -> None:
    assert target.read_memory(HEAP + 8, 4) == bytes([8, 9, 10, 11])
    hole = target.read_memory(HEAP + 250, 8)
    assert isinstance(hole, Absent)
    assert hole.reason is Reason.NOT_RECORDED
    assert target.read_memory(0x1000, 8) == Absent(Reason.UNMAPPED)
    there, beyond = target.read_tags(HEAP + 48, HEAP + 512)
    assert there.tags == bytes([3, 9, 9] + [0] * 10)
    assert isinstance(beyond.tags, Absent)
    assert beyond.tags.reason is Reason.NOT_RECORDED
    (nothing,) = target.read_tags(0x1000, 0x1020)
    assert nothing.tags == Absent(Reason.UNMAPPED)
    regions = target.regions()
    assert not isinstance(regions, Absent)
    assert [(one.perms, one.tagged is True, one.dumped) for one in regions] == [
        ("r-x", False, False),
        ("rw-", True, False),
    ]


def test_the_cause_quotes_what_the_system_says(target: TombstoneTarget) -> None:
    assert cause(Session(target)).reasons == (
        "the system says: [MTE]: Use After Free, 8 bytes into it",
        f"the system says: use after free, by Scudo: 32 bytes at {HEAP + 0x40:#x}",
    )


def test_symbols_are_those_of_its_backtraces(target: TombstoneTarget) -> None:
    assert str(target.symbol_at(CODE + 0x2040)) == "use+0x40"
    assert str(target.symbol_at(CODE + 0x2004)) == "use+0x4"
    assert isinstance(target.symbol_at(CODE + 0x2044), Absent)
    assert target.symbol_address("use") == CODE + 0x2000
    assert target.evaluate("use+0x10") == CODE + 0x2010
    assert target.evaluate("$lr") == CODE + 0x10
    (thread, _) = target.threads()
    assert list(target.recorded_calls(thread)) == [
        RecordedCall(CODE + 0x2040, "use", 0x40, "/data/app/lib/libgame.so", 0x2040, "abcd"),
        RecordedCall(CODE + 0x10, "", 0, "/system/lib64/libc.so", 0x100, "abcd"),
    ]


def test_what_android_says_is_quoted(target: TombstoneTarget) -> None:
    said = {one.about: one for one in target.recorded_facts()}
    assert said["cause"].text == "[MTE]: Use After Free, 8 bytes into it"
    assert said["memory error"].text == f"use after free, by Scudo: 32 bytes at {HEAP + 0x40:#x}"
    assert [call.function for call in said["allocated"].calls] == ["make"]
    assert said["abort message"].text == "oh \x1b[31mno"


@pytest.mark.parametrize("name", ["sync", "straddle", "async", "heap", "abort"])
def test_the_fault_is_that_of_the_core_of_the_same_death(tmp_path: Path, name: str) -> None:
    path = tmp_path / "core"
    path.write_bytes(gzip.decompress((CORES / f"{name}.core.gz").read_bytes()))
    core = CoreTarget(path, sysroot="/nowhere")
    dead = Session(open_dead(write(tmp_path, of_core(core).build())))
    ours, theirs = (fault(one, one.current_thread()) for one in (dead, Session(core)))
    assert {key: getattr(ours, key) for key in SAME} == {key: getattr(theirs, key) for key in SAME}
    (mine, here), (other, there) = signature(dead), signature(Session(core))
    assert (mine.cause, here.tags) == (other.cause, there.tags)


def test_the_program_takes_it_as_it_takes_a_core(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, small().build())
    assert main(["core", path]) == 0
    text = capsys.readouterr().out
    assert "tag check fault (synchronous): load of 8 bytes" in text.splitlines()[0]
    for words in ("Use After Free", "make+0x10", "use+0x40", "oh \\x1b[31mno"):
        assert words in text, words
    assert "\x1b" not in text
    assert main(["core", path, "-x", f"mte-tags {FAULT:#x} 64", "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["target"]["tag_source"] == "tombstone"
    assert [row["tag"] for row in answer["rows"]] == [9, 0]


def test_triage_has_its_own_time(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, small().build())
    state = str(tmp_path / "state")
    assert main(["triage", path, "--json", "--state", state, "--workers", "1"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["first"], row["time_source"]) == ("2024-03-02 09:00:00", "tombstone")
    assert (row["place"], row["symbol"]) == ("use+0x40", "use+0x40")


def exercise(path: str) -> tuple[str, ...]:
    """Asks everything; the remarks."""
    target = open_tombstone(path)
    target.info()
    target.regions()
    list(target.recorded_facts())
    for thread in target.threads():
        target.registers(thread)
        target.signal(thread)
        target.recorded_calls(thread)
    target.read_memory(HEAP, 64)
    target.read_tags(HEAP, HEAP + 4096)
    target.symbol_at(CODE + 0x2040)
    target.module_at(CODE + 0x2040)
    target.symbol_address("use")
    assert target.died_at is None or target.died_at > 0
    return target.remarks


def test_cut_off_anywhere(tmp_path: Path) -> None:
    whole = small().build()
    assert exercise(write(tmp_path, whole)) == ()
    for size in {*range(1, 300), *range(300, len(whole), 17)}:
        path = write(tmp_path, whole[:size])
        if size < 80:
            with contextlib.suppress(FileFormatError):
                exercise(path)
        else:
            exercise(path)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (Tombstone(arch=0).build(), "is a tombstone of 32-bit Arm, not of AArch64"),
        (Tombstone(arch=3).build(), "is a tombstone of x86-64, not of AArch64"),
        (b"\x08\x01\x12\x02", "is not a tombstone"),
        (b"*** *** *** *** ***\nBuild fingerprint: 'x'\n", "does not say why"),
    ],
)
def test_what_is_none(tmp_path: Path, contents: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        open_dead(write(tmp_path, contents))


def test_counts_are_bounded(tmp_path: Path) -> None:
    """A message of two bytes costs more in memory than in the file."""
    frames = part(4, b"") * 5000
    threads = b"".join(
        part(16, number(1, tid) + part(2, number(1, tid) + frames)) for tid in range(1, 100)
    )
    target = open_tombstone(write(tmp_path, Tombstone().build() + threads))
    levels = [len(target.recorded_calls(thread)) for thread in target.threads()]
    assert max(levels) == 1024
    assert sum(levels) == 1 << 16
