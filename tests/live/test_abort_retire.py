"""Cores of the runtime that died while it replaced a block, gave it back, or made a stub."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.lab.vm import Vm
from tests.support.abort_at import Dead, died_at

WHOLE_TIER = ("--tier-up", "1", "--tier-scope", "program")
CALLBACKS = "callbacks"


def replaced(lab_vm: Vm, folder: Path, point: str) -> Dead:
    """Dead in the change from the baseline tier to an optimised one of the whole program."""
    dead = died_at(lab_vm, folder, point, *WHOLE_TIER, guest="programs")
    dead.sound()
    dead.post_mortem()
    return dead


def states(dead: Dead, kind: str) -> list[str]:
    """The states of the blocks of one kind, retired ones last."""
    return [row["state"] for row in dead.rows(f"jit-blocks --kind {kind}")]


@pytest.mark.parametrize(
    ("point", "optimised", "baseline"),
    [
        ("tier-requested", [], "Published"),
        ("tier-compiled", [], "Published"),
        ("tier-committed", ["Published"], "Retired"),
    ],
)
def test_a_tier(
    lab_vm: Vm, tmp_path: Path, point: str, optimised: list[str], baseline: str
) -> None:
    dead = replaced(lab_vm, tmp_path, point)
    assert dead.journal(1).idle
    assert states(dead, "OptimizedTier") == optimised
    assert states(dead, "BaselineTier") == [baseline]


@pytest.mark.parametrize("point", ["retire-journal", "retire-hidden", "retire-described"])
def test_a_block_on_its_way_out(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    dead = replaced(lab_vm, tmp_path, point)
    entry = dead.journal(1)
    assert entry.operation == "RetireBlock"
    described = point == "retire-described"
    (block,) = dead.rows("jit-blocks --kind BaselineTier")
    assert block["id"] == entry.block
    assert block["state"] == ("Retired" if described else "Published")
    (found,) = dead.rows(f"jit-block {block['base']}")
    assert found["block"]["id"] == block["id"]
    assert (found["outcome"] == "retired") is described
    said = dead.post_mortem()
    assert f"RetireBlock of block {entry.block} is in flight" in said
    assert "unknown" not in said.partition("Changes in progress")[2].partition("\n\n")[0]
    assert "thread 0" not in said
    assert states(dead, "OptimizedTier") == ["Published"]


@pytest.mark.parametrize("point", ["unmap-marked", "unmap-done"])
def test_memory_given_back(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    """Nothing that can still be looked at is said to be where no memory is."""
    dead = replaced(lab_vm, tmp_path, point)
    for row in dead.rows("jit-blocks"):
        if row["state"] != "Unmapped":
            words = dead.session.target.read_memory(int(str(row["base"]), 0), 4)
            assert isinstance(words, bytes), row


@pytest.mark.parametrize("point", ["export-asked", "export-built"])
def test_a_lazy_stub(lab_vm: Vm, tmp_path: Path, point: str) -> None:
    dead = died_at(lab_vm, tmp_path, point, guest=CALLBACKS)
    dead.sound()
    dead.post_mortem()
    assert bool(states(dead, "LazyStubs")) is (point == "export-built")
