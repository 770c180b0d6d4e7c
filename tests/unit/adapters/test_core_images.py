"""Programs and libraries: used only where they are proved to be the ones that were mapped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.process import Symbol
from tests.support.elf_core import PAGE, Core, ImageFile, Load, MappedFile, R, X

BASE = 0xAAAA_0000_0000
SYMBOLS = {"start": (PAGE, 16), "later": (PAGE + 16, 0), "buffer": (2 * PAGE, 64)}
IMAGE = ImageFile(symbols=SYMBOLS, text=bytes(range(256)))
NOT_DUMPED = Absent(Reason.NOT_DUMPED)


def core_of(program: Path, image: ImageFile = IMAGE, *, head: bool = True) -> Core:
    """A core with the image's first page and its data dumped, and its text not."""
    contents = image.build()
    return Core(
        loads=[
            Load(BASE, contents[:PAGE] if head else b"", 2 * PAGE, R | X),
            Load(BASE + 2 * PAGE, b"D" * PAGE),
        ],
        files=[
            MappedFile(BASE, BASE + 2 * PAGE, 0, str(program)),
            MappedFile(BASE + 2 * PAGE, BASE + 3 * PAGE, 2 * PAGE, str(program)),
        ],
        auxv={3: BASE + 64, 9: BASE + PAGE},
    )


@pytest.mark.parametrize(
    ("kind", "functions", "variables"),
    [(0, ["start", "later"], ["buffer"]), (1, [], ["start", "buffer"]), (2, ["start"], [])],
    ids=["by-segment", "objects", "functions"],
)
def test_a_variable_is_no_address(
    tmp_path: Path, kind: int, functions: list[str], variables: list[str]
) -> None:
    program = replace(IMAGE, symbol_kind=kind).write(tmp_path)
    target = CoreTarget(core_of(program).write(tmp_path))
    for name in functions:
        assert target.evaluate(f"{name} + 4") == BASE + SYMBOLS[name][0] + 4
    for name in variables:
        with pytest.raises(ExpressionError, match=f"the type of '{name}' is not known here"):
            target.evaluate(name)
        assert target.evaluate(f"&{name}") == BASE + SYMBOLS[name][0]


def test_the_same_program_gives_text_and_symbols(tmp_path: Path) -> None:
    program = IMAGE.write(tmp_path)
    target = CoreTarget(core_of(program).write(tmp_path))
    assert target.read_memory(BASE + PAGE, 256) == bytes(range(256))
    assert target.read_memory(BASE + PAGE - 4, 8) == b"\0\0\0\0\0\1\2\3"
    assert target.read_memory(BASE + 2 * PAGE, 4) == b"DDDD", "what was dumped wins"
    assert target.evaluate("later+4") == BASE + PAGE + 20
    assert target.symbol_at(BASE + PAGE + 15) == Symbol("start", 15)
    assert target.symbol_at(BASE + PAGE + 99) == Symbol("later", 83)
    assert target.symbol_at(BASE + 2 * PAGE + 64) == Absent(Reason.UNKNOWN)
    assert target.info().executable == str(program)
    assert target.remarks == ()


def test_a_program_beside_the_core_is_found(tmp_path: Path) -> None:
    IMAGE.write(tmp_path, "elsewhere")
    core = core_of(Path("/nowhere/elsewhere"))
    target = CoreTarget(core.write(tmp_path))
    assert target.symbol_address("start") == BASE + PAGE


def test_the_named_program_is_used(tmp_path: Path) -> None:
    program = IMAGE.write(tmp_path, "renamed")
    target = CoreTarget(core_of(Path("/nowhere/gone")).write(tmp_path), str(program))
    assert target.symbol_address("start") == BASE + PAGE


@pytest.mark.parametrize("named", [False, True])
def test_another_build_id_is_said_and_the_file_not_used(tmp_path: Path, named: bool) -> None:
    other = ImageFile(build_id=b"\x22" * 20, symbols=SYMBOLS)
    program = other.write(tmp_path)
    where = Path("/nowhere/gone") if named else program
    target = CoreTarget(core_of(where).write(tmp_path), str(program) if named else "")
    assert target.read_memory(BASE + PAGE, 4) == NOT_DUMPED
    assert target.remarks == (
        f"{program} has build id {'22' * 20}, the core has {'11' * 20}: not used",
    )
    with pytest.raises(ExpressionError, match="no symbol or variable 'start' here: its program"):
        target.evaluate("start")


def test_without_build_ids_the_first_page_decides(tmp_path: Path) -> None:
    image = ImageFile(build_id=b"", symbols=SYMBOLS)
    program = image.write(tmp_path)
    core = core_of(program, image).write(tmp_path)
    assert CoreTarget(core).symbol_address("start") == BASE + PAGE
    program.write_bytes(image.build().replace(b"\0" * 8, b"\0\0\0\1\0\0\0\0", 1))
    target = CoreTarget(core)
    assert target.symbol_address("start") == Absent(
        Reason.UNKNOWN, f"its program {program} is not used or not here"
    )
    assert target.remarks[0].endswith("differs from what the core has of it: not used")


def test_a_program_that_cannot_be_compared(tmp_path: Path) -> None:
    """Nothing of it was dumped: used only where the user named it, and said."""
    program = IMAGE.write(tmp_path)
    core = core_of(program, head=False).write(tmp_path)
    target = CoreTarget(core)
    assert target.read_memory(BASE + PAGE, 4) == NOT_DUMPED
    assert target.remarks == (
        f"{program} cannot be compared: the core has nothing of it: not used",
    )
    target = CoreTarget(core, str(program))
    assert target.read_memory(BASE + PAGE, 4) == b"\0\1\2\3"
    assert target.remarks == (f"{program} could not be compared: the core has nothing of it",)


def test_another_entry_point_is_another_program(tmp_path: Path) -> None:
    program = IMAGE.write(tmp_path)
    core = core_of(program, head=False)
    core.auxv[9] += 4
    target = CoreTarget(core.write(tmp_path), str(program))
    assert target.read_memory(BASE + PAGE, 4) == NOT_DUMPED
    assert target.remarks == (f"{program} has another entry point than the core says: not used",)


def test_a_core_that_names_no_files(tmp_path: Path) -> None:
    """As QEMU's user mode writes them: the auxiliary vector says where the program must be."""
    program = IMAGE.write(tmp_path)
    core = core_of(program, head=False)
    core.files = []
    target = CoreTarget(core.write(tmp_path), str(program))
    assert target.read_memory(BASE + PAGE, 4) == b"\0\1\2\3"
    assert target.evaluate("start") == BASE + PAGE
    assert target.read_memory(BASE + 2 * PAGE, 4) == b"DDDD"
    target = CoreTarget(core.write(tmp_path), str(tmp_path / "gone"))
    assert target.remarks == (
        f"{tmp_path / 'gone'} is not used: the core does not say where its program was",
    )


def test_files_below_a_sysroot(tmp_path: Path) -> None:
    (tmp_path / "root/opt").mkdir(parents=True)
    IMAGE.write(tmp_path / "root/opt", "guilty")
    core = core_of(Path("/opt/guilty")).write(tmp_path)
    assert CoreTarget(core, "", str(tmp_path / "root")).symbol_address("start") == BASE + PAGE
    (tmp_path / "cores").mkdir()
    hostile = core_of(Path("/opt/../../escape")).write(tmp_path / "cores", "hostile")
    IMAGE.write(tmp_path, "escape")
    target = CoreTarget(hostile, "", str(tmp_path / "root"))
    assert isinstance(target.symbol_address("start"), Absent)


def test_writable_memory_is_never_taken_from_a_file(tmp_path: Path) -> None:
    program = IMAGE.write(tmp_path)
    core = core_of(program)
    core.loads[1] = Load(BASE + 2 * PAGE, b"", PAGE)
    assert CoreTarget(core.write(tmp_path)).read_memory(BASE + 2 * PAGE, 4) == NOT_DUMPED


def test_relocated_memory_made_read_only_is_never_taken_from_a_file(tmp_path: Path) -> None:
    """RELRO: mapped read-only at the end, but written before."""
    program = IMAGE.write(tmp_path)
    core = core_of(program)
    core.loads[1] = Load(BASE + 2 * PAGE, b"", PAGE, R)
    assert CoreTarget(core.write(tmp_path)).read_memory(BASE + 2 * PAGE, 4) == NOT_DUMPED


@pytest.mark.parametrize("kind", ["fifo", "folder", "text", "truncated", "empty"])
def test_files_that_are_no_programs(tmp_path: Path, kind: str) -> None:
    program = tmp_path / "program"
    if kind == "fifo":
        os.mkfifo(program)
    elif kind == "folder":
        program.mkdir()
    else:
        text = {"text": b"#!/bin/sh\n", "truncated": IMAGE.build()[:100], "empty": b""}
        program.write_bytes(text[kind])
    target = CoreTarget(core_of(program).write(tmp_path))
    assert target.read_memory(BASE + PAGE, 4) == NOT_DUMPED
    assert len(target.remarks) == 1
    assert str(program) in target.remarks[0]


def test_hostile_symbol_tables(tmp_path: Path) -> None:
    whole = IMAGE.build()
    program = tmp_path / "program"
    core = core_of(program).write(tmp_path)
    for end in range(3 * PAGE, len(whole), 7):
        program.write_bytes(whole[:end])
        CoreTarget(core).symbol_at(BASE + PAGE)
    for place in range(3 * PAGE, len(whole)):
        program.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        target = CoreTarget(core)
        target.symbol_at(BASE + PAGE + 4)
        target.symbol_address("start")
