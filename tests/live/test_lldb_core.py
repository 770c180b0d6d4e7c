"""A core loaded in LLDB gives the same answers as the same core without any debugger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.cases import (
    EVERY_COMMAND,
    EVERY_RUNTIME_COMMAND,
    FOLLOW,
    PROVENANCE,
    questions,
    unpacked,
)
from tests.support.cores import KernelCore
from tests.support.lldb_session import LLDBS, Session, lldb
from tests.support.offline import comparable, offline

FROZEN = json.loads(PROVENANCE.read_text())["cores"]


@pytest.mark.parametrize("name", [*EVERY_COMMAND, *EVERY_RUNTIME_COMMAND, FOLLOW])
def test_the_same_as_offline(name: str, tmp_path: Path) -> None:
    core = unpacked(name, tmp_path)
    program = core.parent / FROZEN[name]["program"] if FROZEN[name]["program"] else None
    asked = [each.line for each in questions() if each.core == name and each.as_json and each.line]
    assert len(asked) >= 7
    reports = offline(core, program, asked)
    for flavour in LLDBS:
        with lldb(flavour, [*([program] if program else []), "--core", core]) as session:
            for line, expected in zip(asked, reports, strict=True):
                found = session.json(line)
                assert comparable(found) == comparable(expected), (flavour, line)
                for key in ("kind", "tag_source", "pid"):
                    assert found["target"][key] == expected["target"][key]


@pytest.mark.parametrize("flavour", LLDBS)
def test_every_thread(kernel_cores: dict[str, KernelCore], flavour: str) -> None:
    case = kernel_cores["threads"]
    commands = ["mte-fault --all-threads", "mte-ctl"]
    with lldb(flavour, [case.program, "--core", case.core]) as session:
        for command, ours in zip(commands, offline(case.core, case.program, commands), strict=True):
            theirs = session.json(command)
            # A debugger numbers threads in its own order.
            rows = [[row | {"thread": 0} for row in each["rows"]] for each in (ours, theirs)]
            assert sorted(map(json.dumps, rows[1])) == sorted(map(json.dumps, rows[0]))
            assert len(ours["rows"]) == 4


@pytest.mark.parametrize("flavour", LLDBS)
def test_another_core_beside_it(kernel_cores: dict[str, KernelCore], flavour: str) -> None:
    """Nothing of one target is believed of another."""
    first, second = kernel_cores["sync"], kernel_cores["abort"]

    def code(session: Session) -> object:
        return session.rows("mte-fault")[0]["code_name"]

    with lldb(flavour, [first.program, "--core", first.core]) as session:
        assert code(session) == "SEGV_MTESERR"
        session.execute(f"target create {second.program} --core {second.core}")
        assert code(session) == "SEGV_MAPERR"
        session.execute("target select 0")
        assert code(session) == "SEGV_MTESERR"
        session.execute("target delete 0")
        assert code(session) == "SEGV_MAPERR"


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_core_is_not_written_to(
    kernel_cores: dict[str, KernelCore], flavour: str, tmp_path: Path
) -> None:
    case = kernel_cores["sync"]
    with lldb(flavour, ["--core", case.core]) as session:
        error = session.error(f"mte-set {case.fact('memory'):#x} 16 1")
    assert error.splitlines()[0] == "a core file cannot be written to"
