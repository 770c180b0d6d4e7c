"""Cores of the runtime that died while it published a block: what each must tell.

The third block is looked at, the guest's whole program; the others have the stubs of the process,
and the program's import thunks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent
from mtedbg.model.runtime import Buffer, Table
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
TABLES = 5
"""Publications of tables by one commit at the most."""


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


def generations(dead: Dead) -> dict[str, tuple[int, int]]:
    """Of every table: the published generation, and the one that its hidden buffer begins."""
    runtime, found = dead.runtime, {}
    tables, buffers = (runtime.layout.reader(record) for record in (Table, Buffer))
    for name, root in runtime.named.items():
        if root.form != "Table":
            continue
        data = dead.session.target.read_memory(root.address, tables.size)
        assert not isinstance(data, Absent)
        table = tables.one(data)
        hidden = (table.buffer0, table.buffer1)[(table.published + 1) & 1]
        header = dead.session.target.read_memory(hidden, buffers.size) if hidden else bytes(8)
        assert not isinstance(header, Absent)
        found[name] = (table.published, int.from_bytes(header[:8], "little"))
    return found


@pytest.mark.parametrize("point", ["table-filling", "table-filled"])
def test_in_a_table(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """Whichever table is being filled, its published generation is whole, and answers."""
    before = died_at(lab_vm, tmp_path, f"commit-mapped:{BLOCK}")
    done = sum(published for published, _ in generations(before).values())
    seen = []
    for number in range(done + 1, done + 1 + TABLES):
        dead = died_at(lab_vm, tmp_path, f"{point}:{number}")
        found = generations(dead)
        (name,) = (name for name, (shown, hidden) in found.items() if hidden == shown + 1)
        assert sum(published for published, _ in found.values()) == number - 1
        seen.append(name)
        # The code map is one store away from having the block, or had it before this table.
        told(dead, journal=True, there="code-map" in seen[:-1])
        if name == "functions":
            break
    assert seen[-1] == "functions"
    assert "code-map" in seen
