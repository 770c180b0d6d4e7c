"""mtedbg's functions in GDB's own expressions, above all in conditions of breakpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.functions import FUNCTIONS, NONE, SHARED
from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from mtedbg.shell.gdbmi import DebuggerError
from tests.live.test_gdb_runtime import running
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS, Session, gdb, under_qemu

GRANULE = 16
TAG = 3
WRONG = 9


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("visit", "-static")


def value(session: Session, expression: str) -> int:
    """What GDB prints of an expression."""
    return int(session.execute(f"output {expression}"))


def stops(session: Session, condition: str) -> list[int]:
    """Where the pointer points each time that `visit` is stopped at on `condition`."""
    session.execute(f"break visit if {condition}")
    found = []
    while (stop := session.resume("continue")).reason == "breakpoint-hit":
        found.append(session.number("$x0"))
    assert stop.exited, stop
    return found


def check_conditions(session: Session, condition: str) -> None:
    """Granule i has tag i modulo 16, the pointers at it too; the last pointer's tag is wrong."""
    session.execute("break visit")
    assert session.resume("continue").reason == "breakpoint-hit"
    memory = session.number("$x0")
    session.execute("delete")
    found = stops(session, condition)
    if "match" in condition:
        assert found == [memory | WRONG << 56]
    else:
        expected = [memory + i * GRANULE | TAG << 56 for i in range(TAG, 256, 16)]
        assert found == expected


@pytest.mark.parametrize("flavour", GDBS)
@pytest.mark.parametrize("condition", [f"$_mte_atag($x0) == {TAG}", "$_mte_match($x0) == 0"])
def test_a_condition_under_qemu(flavour: str, condition: str, program: Path) -> None:
    with under_qemu(flavour, program) as (session, _):
        check_conditions(session, condition)


@pytest.mark.parametrize("flavour", GDBS)
def test_a_condition_behind_gdbserver(flavour: str, lab_vm: Vm, program: Path) -> None:
    with gdbserver.serve(lab_vm, [str(program)]) as port, gdb(flavour, [program]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        check_conditions(session, f"$_mte_atag($x0) == {TAG} && $_mte_ltag($x0) == {TAG}")


COUNTED = """
from mtedbg.adapters.debugger.mappings import Smaps
wholes, whole = [], Smaps.regions
Smaps.regions = lambda self: wholes.append(1) or whole(self)
"""


def check_a_page_that_changes(session: Session, most: int) -> None:
    """At every hit the condition knows the page's tag as the program does.

    Args:
        session: before the program's start.
        most: times that all of smaps may be read.
    """
    session.execute(f"python exec({COUNTED!r})")
    session.execute("set $hits = 0")
    session.execute("break visit if $_mte_atag($x0) != $x1")
    session.execute("break visit if $hits++ < 0")
    stop = session.resume("continue")
    assert stop.exited, (stop, session.execute("info registers x0 x1"))
    assert session.number("$hits") == 25
    assert 0 < int(session.execute("python print(len(wholes))")) <= most


@pytest.mark.parametrize("flavour", GDBS)
def test_a_page_that_is_mapped_anew_behind_gdbserver(flavour: str, lab_vm: Vm) -> None:
    program = compiled("remap", "-static")
    with gdbserver.serve(lab_vm, [str(program)]) as port, gdb(flavour, [program]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        check_a_page_that_changes(session, most=4)


@pytest.mark.parametrize("flavour", GDBS)
def test_a_page_that_is_mapped_anew_under_qemu(flavour: str) -> None:
    with under_qemu(flavour, compiled("remap", "-static")) as (session, _):
        check_a_page_that_changes(session, most=25)


@pytest.mark.parametrize("flavour", GDBS)
def test_values_in_the_runtime(flavour: str) -> None:
    with running(flavour, "--cores", "2") as guest:
        session = guest.session
        assert session.resume("continue").signal == "SIGSEGV"
        fault, frame = guest.row("mte-fault"), guest.row("guest-frame")
        (granule,) = fault["allocation_tags"]
        address = int(granule["address"], 16)
        tag = guest.tag(address)
        pointer = fault["fault_address_raw"]
        assert value(session, f"$_mte_atag({pointer})") == tag
        assert value(session, f"$_mte_ltag({pointer})") == fault["logical_tag"] != tag
        assert value(session, f"$_mte_match({pointer})") == 0
        assert value(session, f"$_mte_match({address | tag << 56:#x})") == 1
        assert value(session, f"$_mte_owner({pointer})") == (tag or SHARED)
        assert value(session, "$_host_core_id()") == frame["host_core_id"]
        block = guest.row("jit-block $pc")["block"]["id"]
        assert value(session, "$_jit_block($pc)") == block
        assert value(session, "$_memop($pc)") == fault["memop"]
        for nowhere in ("$_jit_block(main)", "$_memop(main)", "$_mte_atag($sp)", "$_mte_owner(0)"):
            assert value(session, nowhere) == NONE


@pytest.mark.parametrize("flavour", GDBS)
def test_mistakes_are_one_line(flavour: str, program: Path) -> None:
    none = pytest.raises(DebuggerError, match="no program is being debugged")
    with gdb(flavour, [program]) as session, none:
        session.execute("print $_mte_atag(0)")
    with under_qemu(flavour, program) as (session, _):
        for line, said in {
            "print $_mte_atag()": r"usage: \$_mte_atag\(PTR\)",
            "print $_mte_atag(1, 2)": r"usage: \$_mte_atag\(PTR\)",
            "print $_host_core_id(1)": r"usage: \$_host_core_id\(\)",
            "print $_mte_atag(1.5)": "'PTR' is of type double, not an address",
        }.items():
            with pytest.raises(DebuggerError, match=said) as error:
                session.execute(line)
            assert "Traceback" not in str(error.value)
        assert value(session, "$_mte_ltag((char*) 0x0300000000000000)") == TAG


@pytest.mark.parametrize("flavour", GDBS)
def test_help_names_them_all(flavour: str) -> None:
    with gdb(flavour) as session:
        listed = session.execute("help function")
        for function in FUNCTIONS:
            assert f"function {function.name} -- {function.summary[:-1]}" in listed
            assert f"Usage: {function.usage}" in session.execute(f"help function {function.name}")
