"""Finding the roots: by symbol, by scan, along the chain; and every damaged one."""

from __future__ import annotations

import pytest

from mtedbg.layout import find_runtimes
from mtedbg.layout.root_bytes import SIZE
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.process import TargetKind
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, Image, image

NEXT = 72
STATE = 80


def problem_of(made: Image, *, symbols: bool = True) -> str:
    found = find_runtimes(made.target(symbols=symbols))
    assert isinstance(found, Absent), found
    assert found.reason is Reason.DAMAGED
    assert "\n" not in found.detail
    return found.detail


@pytest.mark.parametrize("symbols", [True, False], ids=["symbol", "scan"])
def test_the_runtime_is_found(symbols: bool) -> None:
    found = find_runtimes(image().target(symbols=symbols))
    assert isinstance(found, tuple)
    (runtime,) = found
    assert (runtime.name, runtime.state, runtime.address) == ("image", "ready", BASE)
    assert runtime.shared_tag == 0
    assert runtime.problems == ()
    assert runtime.named["code-map"].form == "Table"


def test_no_runtime_is_no_damage() -> None:
    assert find_runtimes(FakeTarget()) == Absent(Reason.NO_RUNTIME)
    target = FakeTarget(memory={BASE: b"MTEDBGR\0" * 64})
    target.mappings = [Region(BASE, BASE + 512, "rw-", "", False)]
    assert find_runtimes(target) == Absent(Reason.NO_RUNTIME)


def test_a_copy_of_a_root_is_passed_over() -> None:
    made = image()
    target = made.target(symbols=False)
    copy = 0x10000
    target.memory = {copy: made.data[:SIZE] + bytes(8), **target.memory}
    target.mappings = [
        Region(copy, copy + SIZE + 8, "rw-", "/bin/copy", False),
        Region(BASE, BASE + len(made.data), "rw-", "", False),
    ]
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    assert found[0].address == BASE
    target.symbols = {"mtedbg_root": copy}
    found = find_runtimes(target)
    assert isinstance(found, Absent)
    assert f"a copy of the one at {BASE:#x}" in found.detail


@pytest.mark.parametrize("written", [b"\0" * SIZE, None], ids=["zero", "only initialised"])
def test_a_root_that_nobody_wrote_yet_is_no_runtime(written: bytes | None) -> None:
    made = image()
    data = written
    if data is None:
        # As the linker leaves it: magic, size, version and endianness.
        data = made.data[:20] + bytes(SIZE - 20)
    assert find_runtimes(made.with_bytes(BASE, data).target()) == Absent(Reason.NO_RUNTIME)


def test_a_scan_reads_no_more_than_it_may_on_a_live_target() -> None:
    target = FakeTarget(kind=TargetKind.REMOTE)
    target.mappings = [
        Region(0x100000, 0x100000 + (1 << 34), "rw-", "/bin/huge", False),
        Region(1 << 40, (1 << 40) + (1 << 34), "rw-", "[heap]", False),
    ]
    assert isinstance(find_runtimes(target), Absent)
    assert sum(length for _, length in target.reads) < 8 << 20
    assert all(address < 1 << 40 for address, _ in target.reads)


@pytest.mark.parametrize(
    ("offset", "width", "value", "problem"),
    [
        (8, 4, 40, "its size is 40 bytes"),
        (12, 2, 7, "version 7.1, this reads 1.x"),
        (16, 4, 0x04030201, "not little-endian"),
        (20, 4, 1 << 20, "the schema has 1048576 bytes"),
        (20, 4, 100, "the schema's checksum does not match"),
        (32, 8, 0x10, "the schema at 0x10 cannot be read: not mapped"),
        (40, 8, 0x10, "the array of names at 0x10 cannot be read"),
        (40, 8, 1 << 55, "do not fit at"),
        (48, 4, 1 << 31, "names 2147483648 things"),
        (52, 4, 0, "the schema's checksum does not match"),
    ],
)
def test_a_damaged_root_says_what_is_wrong(
    offset: int, width: int, value: int, problem: str
) -> None:
    detail = problem_of(image().with_root(offset, value, width))
    assert detail.startswith(f"debug root at {BASE:#x}: ")
    assert problem in detail


def test_a_wrong_magic_is_told_where_a_symbol_leads_to_it() -> None:
    made = image().with_bytes(BASE, b"NOTAROOT")
    assert "the magic does not match" in problem_of(made)
    assert find_runtimes(made.target(symbols=False)) == Absent(Reason.NO_RUNTIME)


@pytest.mark.parametrize("symbols", [True, False], ids=["symbol", "scan"])
def test_a_wrong_checksum_is_told(symbols: bool) -> None:
    made = image().with_word(BASE + 68, 1, 4)
    assert "the checksum does not match" in problem_of(made, symbols=symbols)


def test_a_root_that_cannot_be_read_is_told() -> None:
    target = image().target()
    target.symbols = {"mtedbg_root": 0x10}
    found = find_runtimes(target)
    assert found == Absent(Reason.DAMAGED, "debug root at 0x10: cannot be read: not mapped")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("mtedbg-schema 1", "mtedbg-schema 8", "version 8"),
        ("Named.form : Form", "Named.fxxm : Form", "no field Named.form"),
        ("Named.form : Form @ 32", "Named.form : Form @ 99", "outside of its record"),
        ("Named.count : u32", "Named.count : f32", "an unknown kind (f32) for Named.count"),
        ("type Named 40", "type Nemed 40", "fields of Named, but no size"),
        ("Named.count : u32 @ 24", "Named.count : u32 @ 26", "overlap"),
    ],
)
def test_a_schema_that_lies_is_told(old: str, new: str, problem: str) -> None:
    assert problem in problem_of(image().with_schema(old, new))


def test_the_chain_ends_where_it_turns_back() -> None:
    found = find_runtimes(image().with_word(BASE + NEXT, BASE).target())
    assert isinstance(found, tuple)
    assert len(found) == 1
    assert found[0].problems == (f"debug root at {BASE:#x}: the chain of roots is circular",)


def test_a_damaged_next_root_leaves_the_first_one() -> None:
    found = find_runtimes(image().with_word(BASE + NEXT, 0x50).target())
    assert isinstance(found, tuple)
    assert found[0].problems == ("debug root at 0x50: cannot be read: not mapped",)


@pytest.mark.parametrize(
    ("value", "state"), [(0, "not ready"), (2, "shutting down"), (77, "unknown (77)")]
)
def test_the_state_is_told(value: int, state: str) -> None:
    found = find_runtimes(image().with_word(BASE + STATE, value, 4).target())
    assert isinstance(found, tuple)
    assert found[0].state == state


def test_a_name_that_cannot_be_read_costs_that_name_only() -> None:
    made = image()
    found = find_runtimes(made.with_word(made.places["named"], 0x10).target())
    assert isinstance(found, tuple)
    assert "code-map" not in found[0].named
    assert "config" in found[0].named
    assert found[0].problems == (f"debug root at {BASE:#x}: name 0 cannot be read",)
