"""Cores of the runtime that died while it published a block: what each must tell.

The third block is looked at, the guest's whole program; the others have the stubs of the process,
and the program's import thunks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent
from mtedbg.model.runtime import Chunk, Form, Slot, Slots, Table
from tests.support.abort_at import Dead, died_at

BLOCK = 3
# Whether the journal is open, and the block in the debug root.
POINTS = {
    "commit-built": (False, False),
    "commit-journal": (True, False),
    "commit-mapped": (True, False),
    "commit-described": (True, True),
    "commit-entered": (True, True),
}
TABLES = 8
"""Publications by one commit, up to that of its first function, at the most."""


def told(dead: Dead, *, journal: bool, there: bool) -> None:
    """What every report says of the third block."""
    dead.sound()
    entry = dead.journal(1)
    assert entry.idle is not journal
    if journal:
        assert (entry.operation, entry.block) == ("InsertBlock", BLOCK)
    changes = [row for row in dead.rows("jit-audit") if row["what"] == "in-flight"]
    assert [f"InsertBlock of block {BLOCK}" in row["detail"] for row in changes] == [True] * journal
    assert (f"InsertBlock of block {BLOCK}" in dead.post_mortem()) is journal
    rows = dead.rows("jit-blocks")
    assert sorted(row["id"] for row in rows) == [1, 2, BLOCK][: 2 + there]
    for row in rows:
        assert row["state"] == "Published"
        (found,) = dead.rows(f"jit-block {row['base']}")
        assert (found["outcome"], found["block"]["id"]) == ("range", row["id"])
    assert (BLOCK in {row["block"] for row in dead.rows("memops")}) is there


@pytest.mark.parametrize("point", POINTS)
def test_at_a_step_of_it(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    journal, there = POINTS[point]
    told(died_at(lab_vm, tmp_path, f"{point}:{BLOCK}"), journal=journal, there=there)


def fillings(dead: Dead) -> dict[str, int]:
    """Of everything that is published: how often a buffer, or a copy in a slot, was filled."""
    runtime, found = dead.runtime, {}
    for name, root in runtime.named.items():
        if root.form == Form.TABLE:
            (found[name],) = numbers(dead, Table, root.address, ("published",))
        elif root.form == Form.SLOTS:
            found[name] = in_slots(dead, root.address)
    return found


def numbers(dead: Dead, model: type[Any], address: int, names: tuple[str, ...]) -> tuple[int, ...]:
    """Some fields of a record."""
    record = dead.runtime.record(model, address)
    assert not isinstance(record, Absent)
    return tuple(getattr(record, name) for name in names)


def in_slots(dead: Dead, address: int) -> int:
    """The generations of all slots, those of the directory included."""
    names = ("chunks", "chunk_slots", "chunk_capacity", "stride")
    chunks, per_chunk, capacity, stride = numbers(dead, Slots, address, names)
    header, entry = (dead.runtime.layout.reader(record).size for record in (Slot, Chunk))
    filled = 0
    for number in range(capacity):
        at = chunks + number * (header + 2 * entry)
        (generation,) = numbers(dead, Slot, at, ("generation",))
        filled += generation
        if not generation:
            break
        (first,) = numbers(dead, Chunk, at + header + (generation & 1) * entry, ("address",))
        for slot in range(per_chunk):
            place = first + slot * (header + 2 * stride)
            filled += numbers(dead, Slot, place, ("generation",))[0]
    return filled


@pytest.mark.parametrize("point", ["table-filling", "table-filled"])
def test_in_a_table(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """Whatever is being filled, what was published before is whole, and answers."""
    before = fillings(died_at(lab_vm, tmp_path, f"commit-mapped:{BLOCK}"))
    done = sum(before.values())
    seen: list[str] = []
    for number in range(done + 1, done + 1 + TABLES):
        dead = died_at(lab_vm, tmp_path, f"{point}:{number}")
        found = fillings(dead)
        assert sum(found.values()) == number - 1
        seen += [name for name in found if found[name] != before[name]]
        # The code map is one store away from having the block, or had it before this table.
        told(dead, journal=True, there="code-map" in seen)
        if "functions" in seen:
            break
        before = found
    assert seen[-1] == "functions"
    assert "code-map" in seen
