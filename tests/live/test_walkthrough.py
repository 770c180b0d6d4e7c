"""docs/walkthrough.md: its sessions come out as they stand there, and show what it says of them."""

from __future__ import annotations

from mtedbg.lab.vm import Vm
from tests.support.gdb_session import Session
from tests.support.walkthrough import (
    DOCUMENT,
    USER,
    VM,
    comparable,
    in_user_mode,
    in_vm,
    replayed,
    walks,
)


def blocks(name: str) -> list[str]:
    """What is between the fences of a session."""
    text = DOCUMENT.read_text()
    (walk,) = [walk for walk in walks(text) if walk.name == name]
    return [text[start:end] for start, end in walk.blocks]


def assert_as_written(name: str, session: Session) -> str:
    written = blocks(name)
    now = "".join(replayed(session, block) for block in written)
    # `python -m tests.support.walkthrough` writes the document anew.
    assert comparable(now).splitlines() == comparable("".join(written)).splitlines()
    return now


def test_every_session_is_run() -> None:
    assert {walk.name for walk in walks(DOCUMENT.read_text())} == {USER, VM}


def test_from_the_fault_to_the_access() -> None:
    with in_user_mode(USER) as session:
        now = assert_as_written(USER, session)
    assert "tag 2, core 2 → tag 15, the guard tag" in now


def test_two_threads_and_a_stale_pair(lab_vm: Vm) -> None:
    with in_vm(lab_vm, VM) as session:
        assert_as_written(VM, session)
        assert session.rows("memop-verify") == []
    block = next(block for block in blocks(VM) if "(gdb) memop-verify" in block)
    stale, healed = block.split("(gdb) thread 2")
    (found,) = [line for line in stale.splitlines() if "stale-pair" in line]
    assert found.split()[-1] == "2"
    assert "silently loses its ordering" in found
    assert "no fault: this thread has not stopped on a signal" in healed
