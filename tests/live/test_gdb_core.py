"""A core loaded in GDB gives the same answers as the same core without any debugger."""

from __future__ import annotations

import json

import pytest

from tests.support.cores import CASES, KernelCore
from tests.support.gdb_session import GDBS, Session, gdb
from tests.support.offline import Report, comparable, offline

Cores = dict[str, KernelCore]


def in_gdb(session: Session, commands: list[str]) -> list[Report]:
    return [session.json(command) for command in commands]


@pytest.mark.parametrize("flavour", GDBS)
@pytest.mark.parametrize("name", CASES)
def test_the_same_as_offline(kernel_cores: Cores, flavour: str, name: str) -> None:
    case = kernel_cores[name]
    place = case.facts.get("memory", case.facts["pointer"])[0]
    commands = ["mte-fault", "mte-regions", "mte-tags $pc", "mte-check $sp"]
    commands += [f"mte-tags {place:#x}", f"mte-tags {place:#x} 4096 --runs", "mte-tags 0x10 16"]
    commands += [f"mte-check {case.facts['pointer'][0]:#x}"]
    expected = offline(case.core, case.program, commands)
    with gdb(flavour, [case.program, case.core]) as session:
        found = in_gdb(session, commands)
    for ours, theirs in zip(expected, found, strict=True):
        assert comparable(theirs) == comparable(ours)
        assert theirs["target"]["kind"] == ours["target"]["kind"] == "core"
        assert theirs["target"]["tag_source"] == ours["target"]["tag_source"]
        assert theirs["target"]["pid"] == ours["target"]["pid"]


@pytest.mark.parametrize("flavour", GDBS)
def test_every_thread(kernel_cores: Cores, flavour: str) -> None:
    case = kernel_cores["threads"]
    commands = ["mte-fault --all-threads", "mte-fault"]
    ours, _ = offline(case.core, case.program, commands)
    with gdb(flavour, [case.program, case.core]) as session:
        theirs, _ = in_gdb(session, commands)
    # A debugger numbers threads in its own order.
    assert sorted(map(json.dumps, theirs["rows"])) == sorted(map(json.dumps, ours["rows"]))
    assert len(ours["rows"]) == 4


@pytest.mark.parametrize("flavour", GDBS)
def test_another_core_in_its_place(kernel_cores: Cores, flavour: str) -> None:
    """`core-file` again: nothing of the first core is believed of the second."""
    first, second = kernel_cores["sync"], kernel_cores["abort"]
    with gdb(flavour, [first.program, first.core]) as session:
        assert session.rows("mte-fault")[0]["code_name"] == "SEGV_MTESERR"
        session.execute("core-file")
        session.execute(f"file {second.program}")
        session.execute(f"core-file {second.core}")
        assert session.rows("mte-fault")[0]["code_name"] == "SEGV_MAPERR"
        session.execute(f"core-file {first.core}")
        assert session.rows("mte-fault")[0]["code_name"] == "SEGV_MTESERR"
