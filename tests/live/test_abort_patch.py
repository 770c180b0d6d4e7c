"""Cores of the runtime that died at every phase of resolving a fault: what each must tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab.vm import Vm
from mtedbg.model.runtime import Journal
from tests.support.abort_at import Dead, died_at

GRANULE = 16
# What of the memop is new: the record's mode, the tag insert [1], the access [2].
OLD, HALF, MODE, NEW = (0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1)
POINTS = {
    "patch-journal": OLD,
    "patch-half": HALF,
    "patch-mode": MODE,
    "patch-words": NEW,
    "patch-done": NEW,
}


def modes_of(row: dict[str, Any]) -> tuple[str, str, str]:
    """The recorded mode of a memop, and those of its two words."""
    insert, access = row["instructions"]
    assert (insert["part"], access["part"]) == ("[1]", "[2]")
    return row["mode"], insert["mode"], access["mode"]


def in_flight(dead: Dead) -> tuple[Journal, dict[str, Any]]:
    """The change that the journal names, and its memop; every report speaks of it."""
    entry = dead.journal(0)
    assert not entry.idle
    (row,) = dead.rows(f"memop {entry.memop}")
    assert row["block"] == entry.block
    (found,) = (one for one in dead.rows("memop-verify") if one["kind"] == "in-flight")
    assert found["id"] == entry.memop
    assert f"{entry.operation} of memop {entry.memop}" in found["detail"]
    assert f"phase {entry.phase}" in found["detail"]
    assert f"memop {entry.memop}" in dead.post_mortem()
    return entry, row


def locked_by(dead: Dead) -> int:
    """The guest thread that holds the lock of all who change tags and memops."""
    root = dead.runtime.named["lock"]
    data = dead.session.target.read_memory(root.address, 8)
    assert isinstance(data, bytes)
    return int.from_bytes(data, "little")


def tags_of(dead: Dead, address: int) -> list[int]:
    """The allocation tag of the granule at `address`."""
    return [row["tag"] for row in dead.rows(f"mte-tags {address:#x} {GRANULE}")]


@pytest.mark.parametrize("point", POINTS)
def test_a_patch_to_shared(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    dead = died_at(lab_vm, tmp_path, f"{point}:2")
    dead.sound()
    entry, row = in_flight(dead)
    assert (entry.operation, entry.old_mode, entry.new_mode) == ("PatchMemop", "Local", "Shared")
    assert modes_of(row) == tuple(("Local", "Shared")[new] for new in POINTS[point])
    assert row["mode_decoded"] == ("Mixed" if POINTS[point] in (HALF, MODE) else row["mode"])
    assert row["flips"] == (1 if point == "patch-done" else 0)
    # With the mode at the latest: the barrier behind [2] is the second one of a retag.
    if POINTS[point][0]:
        assert tags_of(dead, entry.address) == [entry.new_tag]
    assert locked_by(dead) == entry.thread
    patched = [one for one in dead.rows("memops") if one["flips"]]
    assert len(patched) == (2 if point == "patch-done" else 1)


SEED = ("--policy", "seed", "--memops-start", "shared")
CLAIM = ("--claim-threshold", "1", "--memops-start", "shared")
TO_LOCAL = {
    ("patch-half", SEED): ("Shared", "Local", "Shared"),
    ("patch-words", SEED): ("Local", "Local", "Local"),
    ("patch-half", CLAIM): ("Shared", "Local", "Shared"),
    ("patch-mode", CLAIM): ("Local", "Local", "Shared"),
    ("patch-words", CLAIM): ("Local", "Local", "Local"),
}


@pytest.mark.parametrize(("point", "options"), TO_LOCAL, ids=lambda one: str(one)[:20])
def test_a_patch_to_local(lab_vm: Vm, tmp_path: Path, point: str, options: tuple[str, ...]) -> None:
    """[1] first: as policy seed does it, and as a memop does that takes its memory back."""
    guest = "message" if options == SEED else "copy"
    dead = died_at(lab_vm, tmp_path, point, *options, guest=guest)
    dead.sound()
    entry, row = in_flight(dead)
    assert (entry.operation, entry.old_mode, entry.new_mode) == ("PatchMemop", "Shared", "Local")
    assert modes_of(row) == TO_LOCAL[point, options]
    assert (row["mode_decoded"] == "Mixed") is (point != "patch-words")


FOLLOW = ("--policy", "follow", "--memops-start", "shared")
TO_EITHER = {
    "patch-journal": ("Shared", "Shared", "Shared"),
    "patch-half": ("Shared", "Either", "Either"),
    "patch-mode": ("Either", "Either", "Either"),
    "patch-words": ("Either", "Either", "Either"),
    "patch-done": ("Either", "Either", "Either"),
}


@pytest.mark.parametrize("point", TO_EITHER)
def test_a_patch_to_either(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """One word: [1] becomes a branch. [2] is the same in both."""
    dead = died_at(lab_vm, tmp_path, point, *FOLLOW, guest="copy")
    dead.sound()
    entry, row = in_flight(dead)
    assert (entry.operation, entry.old_mode, entry.new_mode) == ("PatchMemop", "Shared", "Either")
    assert modes_of(row) == TO_EITHER[point]
    assert row["mode_decoded"] == TO_EITHER[point][1]
    assert row["flips"] == (1 if point == "patch-done" else 0)
    assert entry.old_tag == entry.new_tag, "the memory stays as it is"


@pytest.mark.parametrize("point", ["patch-locked", "patch-unlocked"])
def test_before_and_behind_it(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    dead = died_at(lab_vm, tmp_path, point)
    dead.sound()
    assert dead.journal(0).idle
    assert dead.rows("memop-verify") == []
    assert locked_by(dead) == (1 if point == "patch-locked" else 0)
    assert all(row["consistent"] for row in dead.rows("memops"))
    patched = [row for row in dead.rows("memops") if row["flips"]]
    assert len(patched) == (0 if point == "patch-locked" else 1)
    dead.post_mortem()


@pytest.mark.parametrize("point", POINTS)
def test_of_a_linux_program(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """There the thread also keeps the map of the memory as it is (GuestMemory::Still)."""
    dead = died_at(lab_vm, tmp_path, point, "--policy", "sticky", guest="linux-signals")
    dead.sound()
    entry, row = in_flight(dead)
    assert entry.operation == "PatchMemop"
    assert modes_of(row) == tuple((entry.old_mode, entry.new_mode)[new] for new in POINTS[point])
    assert locked_by(dead) == entry.thread


@pytest.mark.parametrize("point", ["patch-retag", "patch-barrier"])
def test_memory_on_its_way(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """Between two cores the granule has the guard's tag, which no thread's pointers have."""
    dead = died_at(lab_vm, tmp_path, point)
    dead.sound()
    entry, row = in_flight(dead)
    assert entry.operation == "PatchMemop"
    assert entry.old_tag != entry.new_tag
    assert entry.phase == ("Retag" if point == "patch-retag" else "Barrier")
    guard = dead.runtime.config.guard_tag  # type: ignore[union-attr]
    assert tags_of(dead, entry.address) == [guard]
    assert guard not in (entry.old_tag, entry.new_tag)
    assert modes_of(row) == (entry.old_mode,) * 3
