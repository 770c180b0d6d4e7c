"""JITs without a debug root: under QEMU in every debugger, and dead, in a kernel's core."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.commands import find
from mtedbg.commands._line import parse, report
from mtedbg.lab.vm import Vm
from mtedbg.session import Session
from tests.support import gdb_session, lldb_session
from tests.support.compile import compiled
from tests.support.cores import parse_facts

COUNT, STRIDE, NAMED = 60, 32, 16


@pytest.fixture(scope="module", params=["gdb18", "gdb13", "lldb23"])
def stopped(request: pytest.FixtureRequest) -> Iterator[tuple[Any, int]]:
    """A debugger at the first instruction of the JIT's code, and where that is.

    The first half of the functions is registered by GDB's JIT interface, the other is in a map.
    """
    module = lldb_session if request.param in lldb_session.LLDBS else gdb_session
    arguments = (compiled("jit_objects"), str(COUNT), "ip")
    with module.under_qemu(request.param, *arguments) as (session, process):
        # The guest's process id is the emulator's.
        written = Path(f"/tmp/perf-{process.process.pid}.map")
        try:
            session.execute("continue")
            (code,) = parse_facts(process.output().encode())["code"]
            yield session, code
        finally:
            with contextlib.suppress(FileNotFoundError):
                written.unlink()


def test_registered_code(stopped: tuple[Any, int]):
    session, code = stopped
    assert session.number("$pc") == code
    for number in (0, 7, COUNT // 2 - 1):
        start = code + number * STRIDE
        (row,) = session.rows(f"jit-block {start + 4:#x}")
        assert (row["outcome"], row["source"]) == ("range", "GDB JIT interface")
        assert row["function"] == f"jitted_{number}"
        assert (row["block"]["start"], row["block"]["end"]) == (hex(start), hex(start + STRIDE))
        (row,) = session.rows(f"jit-block {start + NAMED:#x}")
        assert row["outcome"] == "block-no-range"


def test_mapped_code(stopped: tuple[Any, int]):
    session, code = stopped
    for number in (COUNT // 2, COUNT - 1):
        start = code + number * STRIDE
        (row,) = session.rows(f"jit-block {start + NAMED - 1:#x}")
        assert (row["outcome"], row["source"]) == ("range", "perf map")
        assert row["function"] == f"mapped_{number}(int, char)"
        (row,) = session.rows(f"jit-block {start + NAMED:#x}")
        assert (row["outcome"], row["source"]) == ("cannot-tell", "mappings")


def test_one_answer_in_every_command(stopped: tuple[Any, int]):
    """And alone, each is about the PC."""
    session, code = stopped
    listed = {row["base"]: row for row in session.rows("jit-blocks")}
    for number, name in ((0, "jitted_0"), (COUNT // 2, f"mapped_{COUNT // 2}(int, char)")):
        start = code + number * STRIDE
        (held,) = session.rows(f"jit-block {start:#x}")
        row = listed[hex(start)]
        assert (row["id"], row["function"]) == (held["block"]["id"], held["function"])
        assert row["source"] == held["source"]
        assert row["function"] == name
        (found,) = session.rows(f"jit-blocks --function '{name}'")
        assert found == row
        assert value(session, hex(start)) == row["id"]
        shown = session.execute(f"jit-disas {start:#x}")
        assert shown.startswith(session.execute(f"jit-block {start:#x}").splitlines()[0])
    assert value(session, "$pc") == listed[hex(code)]["id"]
    for command in ("jit-block", "jit-disas"):
        assert session.execute(command) == session.execute(f"{command} $pc")
    assert session.rows("jit-blocks --function nosuch") == []
    outside = session.number("$sp") & ~3
    assert value(session, hex(outside)) == -1


def value(session: Any, pc: str) -> int:
    """What the function for expressions says."""
    if isinstance(session, gdb_session.Session):
        return int(session.execute(f"output $_jit_block({pc})"))
    frame = "lldb.debugger.GetSelectedTarget().process.GetSelectedThread().GetSelectedFrame()"
    return int(session.python(f"jit_block({frame}, '{pc}')"))


def test_a_dead_jit(lab_vm: Vm, tmp_path: Path):
    program = compiled("jit_objects")
    result = lab_vm.run([str(program), str(COUNT), "i", "crash"], cores_to=tmp_path)
    (code,) = parse_facts(result.stdout)["code"]
    session = Session(CoreTarget(result.cores[0], str(program)))
    command = find("jit-block")
    assert command is not None
    (row,) = report(session, command, parse(session, command, "$pc")).rows
    assert (row["outcome"], row["source"]) == ("range", "GDB JIT interface")
    assert row["function"] == "jitted_0"
    line = hex(code + (COUNT - 1) * STRIDE + NAMED)
    (row,) = report(session, command, parse(session, command, line)).rows
    assert row["outcome"] == "block-no-range"
    assert row["block"] | {"id": COUNT, "end": code + COUNT * STRIDE} == row["block"]
