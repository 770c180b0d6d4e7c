"""Minidumps: LLDB's form and Breakpad's, and damaged ones; `live/` has real ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.fault.fault import fault
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import Session
from tests.support.elf_core import ImageFile
from tests.support.minidumps import HEAP, SAID, minidump, small

TAGGED = HEAP | 5 << 56
MODULE = 0x20000


def opened(folder: Path, contents: bytes, **options: str) -> CoreTarget:
    path = folder / "core.dmp"
    path.write_bytes(contents)
    return CoreTarget(path, **options)  # type: ignore[arg-type]


def test_threads_registers_and_memory(tmp_path: Path) -> None:
    target = opened(tmp_path, small())
    assert target.remarks == ()
    assert [(one.tid, one.current) for one in target.threads()] == [(7, True), (8, False)]
    registers = target.registers(target.threads()[0])
    assert not isinstance(registers, Absent)
    assert (registers["pc"], registers["x0"], registers["sp"]) == (HEAP + 8, TAGGED, HEAP)
    assert target.read_memory(HEAP, 4) == b"\x00\x04\x40\xf9"
    assert target.info().tag_source == "none"
    assert target.info().executable == "/bin/guilty"
    regions = target.regions()
    assert not isinstance(regions, Absent)
    assert [(one.start, one.perms, one.name) for one in regions] == [
        (HEAP, "???", ""),
        (MODULE, "???", "/bin/guilty"),
    ]


def test_what_lldb_said_of_the_fault(tmp_path: Path) -> None:
    session = Session(opened(tmp_path, small()))
    met = fault(session, session.current_thread())
    assert (str(met.name), met.raw_address) == ("SIGSEGV SEGV_MTESERR", TAGGED)
    (granule,) = met.granules
    assert granule.tag == Absent(Reason.NOT_RECORDED, "this core has no tag segments")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (SAID, 9),
        (SAID.replace(b"sync", b"async"), 8),
        (b"signal SIGSEGV: address not mapped to object (fault address=0x10)", 1),
        (b"signal SIGSEGV: invalid permissions for mapped object (fault address=0x10)", 2),
    ],
)
def test_codes_by_lldbs_words(tmp_path: Path, said: bytes, code: int) -> None:
    target = opened(tmp_path, minidump({7: {"pc": 4}}, 7, {}, said=said))
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)
    assert (signal.number, signal.code) == (11, code)


def test_what_nobody_wrote_down_is_absent(tmp_path: Path) -> None:
    target = opened(tmp_path, minidump({7: {"pc": 4}}, 7, {}, said=b"signal SIGSEGV"))
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)
    assert (signal.number, isinstance(signal.code, Absent)) == (11, True)
    unknown = target.read_memory(0x5000, 4)
    assert isinstance(unknown, Absent)
    assert unknown.reason is Reason.NOT_DUMPED


def test_breakpads_exception_and_microsofts_context(tmp_path: Path) -> None:
    """There the flags are si_code, the address si_addr, and pstate stands in front."""
    whole = bytearray(minidump({7: {"pc": HEAP, "x3": 3}}, 7, {}))
    error = whole.index(struct.pack("<IIIIQ", 7, 0, 11, 0x4C4C4442, 0))
    struct.pack_into("<IIIIQQ", whole, error, 7, 0, 11, 9, 0, TAGGED)
    context = whole.index(struct.pack("<I", 0x80000006))
    struct.pack_into("<II", whole, context, 0x00400003, 0x60000000)
    target = opened(tmp_path, bytes(whole))
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)
    assert (signal.number, signal.code, signal.address) == (11, 9, TAGGED)
    registers = target.registers(target.threads()[0])
    assert not isinstance(registers, Absent)
    assert (registers["x3"], registers["pstate"]) == (3, 0x60000000)


def test_a_file_is_used_if_its_build_id_is_the_noted_one(tmp_path: Path) -> None:
    image = ImageFile(symbols={"main": (0x1000, 0x100)})
    image.write(tmp_path, "guilty")
    modules = [(MODULE, 0x4000, "/bin/guilty", b"\x11" * 20)]
    contents = minidump({7: {"pc": MODULE + 0x1010}}, 7, {}, modules)
    program = str(tmp_path / "guilty")
    assert str(opened(tmp_path, contents).symbol_at(MODULE + 0x1010)) == "main+0x10"
    assert str(opened(tmp_path, contents, executable=program).symbol_at(MODULE + 0x1000)) == "main"
    other = minidump({7: {"pc": 4}}, 7, {}, [(MODULE, 0x4000, "/bin/guilty", b"\x22" * 20)])
    target = opened(tmp_path, other, executable=program)
    assert isinstance(target.symbol_at(MODULE + 0x1010), Absent)
    assert any("has build id 1111" in remark for remark in target.remarks)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"MDMP", "ends within its header"),
        (b"MDMP" + bytes(28), "does not say which machine it is for"),
        (minidump({1: {}}, 1, {}, machine=9), "is a minidump of another machine, not of AArch64"),
    ],
)
def test_what_is_none(tmp_path: Path, contents: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        opened(tmp_path, contents)


def test_streams_that_are_cut_off_are_told(tmp_path: Path) -> None:
    target = opened(tmp_path, small()[:-60])
    assert "the file is truncated: some of its streams are partly missing" in target.remarks
