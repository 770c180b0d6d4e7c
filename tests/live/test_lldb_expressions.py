"""mtedbg's functions in LLDB's Python, above all in breakpoints that stop on a condition."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.functions import FUNCTIONS
from tests.support.compile import compiled
from tests.support.lldb_session import LLDBS, Session, under_qemu

GRANULE, TAG, WRONG = 16, 3, 9


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("visit", "-static")


def stops(session: Session, condition: str) -> list[int]:
    """Where the pointer points each time that `visit` is stopped at on `condition`."""
    session.execute("breakpoint delete -f")
    session.execute("breakpoint set --name visit")
    session.execute(f'breakpoint command add -s python -o "return {condition}"')
    found = []
    while "stop reason = breakpoint" in session.execute("continue"):
        found.append(session.number("$x0"))
    return found


@pytest.mark.parametrize("flavour", LLDBS)
@pytest.mark.parametrize(
    "condition", ["mte_atag(frame, '$x0') == 3", "not mte_match(frame, '$x0')"]
)
def test_a_condition(flavour: str, condition: str, program: Path) -> None:
    with under_qemu(flavour, program) as (session, _):
        session.execute("breakpoint set --name visit")
        session.execute("continue")
        memory = session.number("$x0")
        expected = [memory + i * GRANULE | TAG << 56 for i in range(TAG, 256, 16)]
        if "match" in condition:
            expected = [memory | WRONG << 56]
        assert stops(session, condition) == expected


@pytest.mark.parametrize("flavour", LLDBS)
def test_they_are_those_of_gdb(flavour: str, program: Path) -> None:
    with under_qemu(flavour, program) as (session, _):
        for function in FUNCTIONS:
            name = function.name.lstrip("_")
            assert function.summary in session.python(f"{name}.__doc__")
        session.execute(
            "script f = lldb.debugger.GetSelectedTarget().process.GetThreadAtIndex(0).frames[0]"
        )
        assert session.python("mte_ltag(f, '0x0300000000000000')") == TAG
        assert session.python("host_core_id(f)") == -1
        assert session.python("mte_atag(f, '$sp')") == -1
        refused = session.execute("script mte_atag(f, 'nosuch')").strip().splitlines()
        assert refused[-1] == "mtedbg: no symbol or variable 'nosuch' here"
        assert len(refused) < 8
