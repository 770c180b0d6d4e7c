"""`jit-block` for JITs without a debug root, and who is believed."""

from __future__ import annotations

import pytest

from mtedbg.commands.jit_block import COMMAND
from mtedbg.dataclass import dataclass, field
from mtedbg.decode.code.jit_interface import SYMBOL
from mtedbg.errors import LayoutError, NoRuntimeError
from mtedbg.model.absent import Absent, Reason
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import answers
from tests.support.elf_object import DESCRIPTOR, ObjectFile, interface
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

CODE = 0x7F0000001000


@dataclass
class LiveTarget(FakeTarget):
    """A fake whose machine has files."""

    kind: str = "live"
    files: dict[str, bytes] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def read_file(self, path: str, most: int) -> bytes | Absent:
        self.opened.append(path)
        return self.files.get(path, Absent(Reason.UNKNOWN))


def ask(target: FakeTarget, pc: int) -> Report:
    return answers.ask(Session(target), f"jit-block {pc:#x}")


def row(target: FakeTarget, pc: int):
    (found,) = ask(target, pc).rows
    assert found.keys() == {column.key for column in COMMAND.columns}
    return found


def with_interface(cls=FakeTarget, **more) -> FakeTarget:
    one = ObjectFile(CODE, symbols={"f\x1b[31m": (0, 0x40)}).build()
    return cls(memory=interface([one]), symbols={SYMBOL: DESCRIPTOR}, **more)


def test_the_jit_interface():
    report = ask(with_interface(), CODE + 4)
    (found,) = report.rows
    assert (found["outcome"], found["source"]) == ("range", "GDB JIT interface")
    assert found["block"]["start"] == CODE
    assert found["range"]["end"] == CODE + 0x40
    assert report.headline == f"{CODE + 4:#x}: f\x1b[31m+0x4 in object 1, by the GDB JIT interface"
    assert row(with_interface(), CODE + 0x80)["outcome"] == "block-no-range"
    assert row(with_interface(), CODE + 0x100)["outcome"] == "not-jit"


def test_a_tagged_pointer_is_welcome():
    assert row(with_interface(), CODE | 3 << 56)["outcome"] == "range"


def test_the_perf_map_of_a_live_process():
    files = {"/tmp/perf-100.map": b"%x 20 mapped\n" % (CODE + 0x1000)}
    target = with_interface(LiveTarget, files=files)
    assert row(target, CODE)["source"] == "GDB JIT interface"
    assert target.opened == []
    found = row(target, CODE + 0x1004)
    assert (found["outcome"], found["source"]) == ("range", "perf map")
    assert found["function"] == "mapped"
    assert row(target, CODE + 0x1020)["outcome"] == "not-jit"


def test_a_core_has_no_perf_map():
    assert row(with_interface(), CODE + 0x1000)["outcome"] == "not-jit"
    with pytest.raises(NoRuntimeError):
        ask(FakeTarget(), CODE)


@pytest.mark.parametrize(
    ("memory", "outcome"),
    [
        ({}, "metadata-not-dumped"),
        (interface([], version=9), "unknown-version"),
        (interface([b"no ELF object"]), "unknown-version"),
    ],
    ids=["not dumped", "unknown version", "no ELF"],
)
def test_an_interface_that_cannot_be_read(memory, outcome):
    target = FakeTarget(memory=memory, symbols={SYMBOL: DESCRIPTOR})
    if not memory:
        target.read_memory = lambda address, length: Absent(Reason.NOT_DUMPED)
    report = ask(target, CODE)
    assert report.rows[0]["outcome"] == outcome
    assert report.partial


def test_the_debug_root_comes_first_and_others_fill_in():
    here = image()
    target = here.target()
    target.memory |= interface([ObjectFile(CODE, symbols={"f": (0, 8)}).build()])
    target.symbols[SYMBOL] = DESCRIPTOR
    assert row(target, here.places["baseline"])["source"] == "debug root"
    assert row(target, CODE)["source"] == "GDB JIT interface"
    nowhere = row(target, 0x1234)
    assert (nowhere["outcome"], nowhere["source"]) == ("not-jit", "debug root")


def test_a_damaged_debug_root_does_not_hide_others():
    here = image().with_root(0, 1)
    target = here.target()
    with pytest.raises(LayoutError):
        ask(target, CODE)
    target.memory |= interface([ObjectFile(CODE, symbols={"f": (0, 8)}).build()])
    target.symbols[SYMBOL] = DESCRIPTOR
    report = ask(target, CODE)
    assert report.rows[0]["source"] == "GDB JIT interface"
    assert any("debug root at" in note for note in report.notes)


def test_what_was_read_is_forgotten_at_a_stop():
    target = with_interface()
    session = Session(target)
    answers.ask(session, f"jit-block {CODE:#x}")
    before = len(target.reads)
    answers.ask(session, f"jit-block {CODE + 8:#x}")
    assert len(target.reads) <= before + 2
    target.memory = interface([])
    session.invalidate()
    (found,) = answers.ask(session, f"jit-block {CODE:#x}").rows
    assert found["outcome"] == "not-jit"
