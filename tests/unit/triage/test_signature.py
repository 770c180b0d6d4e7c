"""Signatures of the frozen kernel cores."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.model.triage import Evidence, Signature
from mtedbg.session import Session
from tests.golden.cases import CORES
from tests.support.elf_core import Core, Load, MappedFile, R, Tagged, ThreadNotes, W, X

TEXT, STACK, LIBC = 0x10000, 0x20000, 0x30000
HEAP, PID = 0x40000, 100


def made_of(folder: Path, core: bytes) -> tuple[Signature, Evidence]:
    path = folder / "core"
    path.write_bytes(core)
    return signature(Session(CoreTarget(path, files=False)))


def of(folder: Path, core: bytes) -> Signature:
    return made_of(folder, core)[0]


def frozen(folder: Path, name: str) -> Signature:
    return of(folder, gzip.decompress((CORES / f"{name}.core.gz").read_bytes()))


def test_one_crash_of_two_processes(tmp_path: Path) -> None:
    """Another convention of tags, other cores, other threads: the same guest instruction."""
    lockstep, threads = (frozen(tmp_path, f"runtime-{name}") for name in ("lockstep", "threads"))
    _, evidence = made_of(
        tmp_path, gzip.decompress((CORES / "runtime-lockstep.core.gz").read_bytes())
    )
    assert lockstep == threads
    assert lockstep.id == threads.id
    assert lockstep.function == "main"
    assert lockstep.memop.startswith("8-byte store at main+0x")
    assert lockstep.place == "BaselineTier: Function main"
    assert lockstep.transition == "local → shared: patch memop to shared"
    assert evidence.tags == "pointer own core's, memory shared"


def test_a_stale_pair_is_a_death_of_its_own(tmp_path: Path) -> None:
    stale = frozen(tmp_path, "runtime-stale")
    assert stale.cause == "tag check fault on a stale pair"
    assert stale != frozen(tmp_path, "runtime-lockstep")


def test_different_deaths(tmp_path: Path) -> None:
    names = ("sync", "async", "abort", "heap", "runtime-thunk", "runtime-lockstep")
    made = {name: frozen(tmp_path, name) for name in names}
    assert len({one.id for one in made.values()}) == len(names)
    assert made["abort"].cause == "SIGSEGV SEGV_MAPERR"


def test_what_the_core_holds_of_tags_is_not_in_it(tmp_path: Path) -> None:
    whole, filtered = (
        made_of(tmp_path, gzip.decompress((CORES / f"{name}.core.gz").read_bytes()))
        for name in ("sync", "filtered")
    )
    assert whole[0].id == filtered[0].id
    assert whole[1].tags == "both tagged, and differ"
    assert filtered[1].tags == "memory tag not dumped in this core"


def dead(slide: int, callers: list[int], fault: tuple[int, int] = (6, -6)) -> bytes:
    """A process whose every address is `slide` further up; in libc, called from `callers`."""
    records, at = b"", STACK + slide
    for caller in callers:
        records += (at + len(records) + 16).to_bytes(8, "little")
        records += (TEXT + slide + caller).to_bytes(8, "little")
    registers = {"pc": LIBC + slide + 0x124, "x29": at, "x30": 7, "sp": at}
    number, code = fault
    return Core(
        loads=[
            Load(TEXT + slide, b"", 4096, R | X),
            Load(at, records + bytes(16), flags=R | W),
            Load(LIBC + slide, b"", 4096, R | X),
        ],
        threads=[ThreadNotes(registers=registers, signal=number, siginfo=(number, code, PID))],
        files=[
            MappedFile(TEXT + slide, TEXT + slide + 4096, 0, f"/opt/{slide}/game"),
            MappedFile(LIBC + slide, LIBC + slide + 4096, 0, "/lib/libc.so.6"),
        ],
    ).build()


def test_a_jump_to_nowhere_is_told_by_who_called(tmp_path: Path) -> None:
    jump = frozen(tmp_path, "other-jump")
    assert jump.cause == "SIGSEGV SEGV_MAPERR"
    assert jump.place == "nowhere"
    first, second = jump.calls
    assert first == "nowhere"
    assert second.startswith("other_faults+0x")
    names = ("null", "misaligned", "data", "file", "stack")
    others = {name: frozen(tmp_path, f"other-{name}") for name in names}
    assert len({jump.id, *(one.id for one in others.values())}) == 1 + len(names)
    assert others["null"].cause == "SIGSEGV SEGV_MAPERR near null"


def test_an_abort_is_told_by_who_called_it(tmp_path: Path) -> None:
    first = of(tmp_path, dead(0, [0x10, 0x20, 0x30]))
    assert first.calls == ("game+0x10", "game+0x20", "game+0x30")
    assert first.cause == "SIGABRT"
    assert of(tmp_path, dead(0x7000000, [0x10, 0x20, 0x30])) == first
    assert of(tmp_path, dead(0, [0x14, 0x20, 0x30])) != first
    # Where nothing but libraries is known, they have to tell.
    assert of(tmp_path, dead(0, [], (4, 1))).calls == ("libc.so.6+0x124",)


@pytest.mark.parametrize("tags", [(3, 9), (12, 1), (15, 14)])
def test_tags_that_chance_chose_are_not_in_it(tmp_path: Path, tags: tuple[int, int]) -> None:
    pointer, memory = tags
    core = Core(
        loads=[Load(HEAP, bytes(64))],
        tagged=[Tagged(HEAP, bytes([memory] * 4))],
        threads=[ThreadNotes(registers={"pc": 4}, siginfo=(11, 9, HEAP | pointer << 56))],
    )
    made, evidence = made_of(tmp_path, core.build())
    assert evidence.tags == "both tagged, and differ"
    assert (made.cause, made.place) == ("tag check fault (synchronous)", "nowhere")


def test_without_threads_there_is_none(tmp_path: Path) -> None:
    from mtedbg.triage.one import Reader

    path = Core([Load(HEAP, b"x")], threads=[], process=None).write(tmp_path)
    row = Reader()(str(path))
    assert row.signature is None
    assert row.problem == "the target has no threads"
