"""The commands of GDB's machine interface: the same answers as in JSON, in MI's terms."""

from __future__ import annotations

from typing import Any

import pytest

from mtedbg.commands import names
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.cores import KernelCore
from tests.support.gdb_session import GDBS, Session, gdb


def machine(session: Session, line: str) -> dict[str, Any]:
    """The report of a command of the machine interface."""
    report = session.machine(line)["report"]
    assert isinstance(report, dict)
    return report


def in_mi(value: Any) -> Any:
    """A value of JSON as MI has it: strings alone, null left out, no names but variables'."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [in_mi(item) for item in value if item is not None]
    if isinstance(value, dict):
        plain = {key: in_mi(item) for key, item in value.items() if item is not None}
        if all(key.isidentifier() for key in plain):
            return plain
        return [{"key": key, "value": item} for key, item in plain.items()]
    return str(value)


@pytest.mark.parametrize("flavour", GDBS)
def test_the_same_as_json(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    case = kernel_cores["sync"]
    pointer = f"{case.fact('pointer'):#x}"
    with gdb(flavour, [case.program, case.core]) as session:
        for line in (
            f"mte-tags {pointer} 64 --runs",
            f"mte-check {pointer}",
            "mte-fault",
            "mte-regions",
            "mte-ctl",
            "mte-find 3 -n 2",
        ):
            expected = session.json(line)
            del expected["columns"]
            assert machine(session, f"-{line}") == in_mi(expected), line


@pytest.mark.parametrize("flavour", GDBS)
def test_every_command_has_one(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    case = kernel_cores["sync"]
    with gdb(flavour, [case.program, case.core]) as session:
        listed = session.machine("-info-gdb-mi-command mte-tags")
        assert listed["command"]["exists"] == "true"
        for name in names():
            assert session.machine(f"-info-gdb-mi-command {name}")["command"]["exists"] == "true"


@pytest.mark.parametrize("flavour", GDBS)
def test_mistakes_are_errors_of_mi(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    case = kernel_cores["sync"]
    with gdb(flavour, [case.program, case.core]) as session:
        for line, said in {
            "-mte-check": "the following arguments are required: PTR",
            "-mte-check nonsense": "no symbol or variable 'nonsense' here",
            "-memop": "no runtime with a debug root is in this process",
        }.items():
            with pytest.raises(DebuggerError, match=said):
                session.machine(line)
        assert machine(session, "-mte-fault")["command"] == "mte-fault"
    with gdb(flavour) as session, pytest.raises(DebuggerError, match="no program is being debug"):
        session.machine("-mte-fault")
