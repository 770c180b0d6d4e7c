"""A tombstone in its form for people says what the protobuf form of the same crash says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.dead import open_dead
from mtedbg.cli import main
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent
from tests.golden.cases import CORES
from tests.support import crash_texts
from tests.support.tombstone_text import as_text
from tests.support.tombstones import Dump, Frame, Mapping, Thread, Tombstone, memory_error, of_core

WORDS = "[MTE]: Use After Free, 16 bytes into a 48-byte allocation at 0x7b11223340"
LIBC = "/system/lib64/libc.so"


def made() -> Tombstone:
    frames = [
        Frame(0x7B99990020, "Box::take(int)", 32, LIBC, 0x1020),
        Frame(0x7B99990100, "main", 64, LIBC, 0x1100),
        Frame(0x7B99990200, "", 0, LIBC, 0x1200),
    ]
    dump = Dump("x0", 0x7B11223300, bytes(range(256)), bytes([3, 4, 5, 6] * 4))
    registers = {f"x{n}": n << 8 for n in range(30)} | {
        "x0": 0x0300007B11223340, "lr": 0x7B99990010, "sp": 0x7B88880000, "pc": 0x7B99990020,
        "pst": 0x60001000,
    }  # fmt: skip
    allocated = Frame(0x7B99990300, "scudo_malloc", 44, LIBC, 0x1300)
    return Tombstone(
        [
            Thread(7, "pool", registers, frames, [dump], 0x7FFF3),
            Thread(9, "other", registers, frames[:1]),
        ],
        guilty=7,
        signal=(11, 9, 0x0300007B11223350),
        mappings=[
            Mapping(0x7B11220000, 0x7B11230000, "rw", "[anon:scudo]"),
            Mapping(0x7B9998F000, 0x7B999A0000, "rx", LIBC),
        ],
        causes=[memory_error(WORDS, 1, (0x7B11223340, 48), [allocated])],
        timestamp="2025-04-02 11:22:33.444555666+0200",
    )  # fmt: skip


def report_of(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> object:
    assert main(["core", str(path), "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_text_and_protobuf_give_the_same_report(tmp_path, capsys):
    one = made()
    proto, text = tmp_path / "tombstone_00.pb", tmp_path / "tombstone_00"
    proto.write_bytes(one.build())
    stacks = [("allocated", 7, [Frame(0x7B99990300, "scudo_malloc", 44, LIBC, 0x1300)])]
    text.write_text(as_text(one, [(WORDS, stacks)]))
    assert report_of(proto, capsys) == report_of(text, capsys)


def test_so_do_those_of_a_real_core(tmp_path, capsys):
    core = CoreTarget(str(CORES / "sync.core.gz"))
    one = of_core(core)
    proto, text = tmp_path / "tombstone_01.pb", tmp_path / "tombstone_01"
    proto.write_bytes(one.build())
    text.write_text(as_text(one))
    for words in ((), ("-x", "mte-fault"), ("-x", "mte-tags $x0"), ("-x", "mte-regions")):
        assert report_of(proto, capsys, *words) == report_of(text, capsys, *words)


def test_a_text_tombstone_is_a_target(tmp_path, capsys):
    path = tmp_path / "tombstone_02"
    path.write_text((crash_texts.FOLDER / "android-sync.txt").read_text())
    target = open_dead(str(path))
    thread = target.threads()[0]
    assert (thread.tid, thread.name) == (3307, "pool-3")
    registers = target.registers(thread)
    assert not isinstance(registers, Absent)
    assert registers["x0"] == 0x0300007B11223340
    assert main(["core", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "tag check fault (synchronous)" in printed
    assert "Box::take(int)+0x20" in printed
    assert "freed" in printed
    assert "pointer tag 3, memory tag 8" in printed


@pytest.mark.parametrize("name", ["graphene-sync", "apple-sync", "kasan-hw-read", "stackwalk-rust"])
def test_other_texts_are_targets_too(name, tmp_path, capsys):
    path = tmp_path / "log.txt"
    path.write_text((crash_texts.FOLDER / f"{name}.txt").read_text())
    assert main(["core", str(path)]) == 0
    assert "tag check fault (synchronous)" in capsys.readouterr().out


def test_a_log_with_several_is_asked_by_line(tmp_path, capsys):
    path = tmp_path / "log.txt"
    texts = [
        (crash_texts.FOLDER / f"{name}.txt").read_text() for name in ("lldb-sync", "own-handler")
    ]
    path.write_text("\n\n\n\n".join(texts))
    with pytest.raises(FileFormatError, match="several crashes, of which the first begins at"):
        open_dead(str(path))
    assert main(["core", f"{path}:2"]) == 0
    assert "pointer tag 10" in capsys.readouterr().out
    with pytest.raises(FileFormatError, match="no crash begins at line 3"):
        open_dead(f"{path}:3")
