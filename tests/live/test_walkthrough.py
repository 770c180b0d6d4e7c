"""docs/walkthrough.md: its sessions come out as they stand there, in the program it names."""

from __future__ import annotations

from tests.support.walkthrough import DOCUMENT, FOLLOW, USER, VM, Walk, comparable, replayed, walks

TEXT = DOCUMENT.read_text()


def walk(name: str) -> Walk:
    (found,) = [one for one in walks(TEXT) if one.name == name]
    return found


def as_written(name: str) -> list[str]:
    """The blocks of a session as they come out now, which is as they are written."""
    written = [TEXT[start:end] for start, end in walk(name).blocks]
    now = replayed(walk(name), TEXT)
    # `python -m tests.support.walkthrough` writes the document anew.
    assert comparable("".join(now)).splitlines() == comparable("".join(written)).splitlines()
    return now


def test_every_session_is_run() -> None:
    assert [one.name for one in walks(TEXT)] == [USER, VM, FOLLOW]
    assert walk(USER).words[:3] == ("run", "--no-context", USER)
    assert "--vm" in walk(VM).words


def test_from_the_fault_to_the_access() -> None:
    assert "tag 2, core 2 → tag 15, the guard tag" in "".join(as_written(USER))


def test_two_threads_and_a_stale_pair() -> None:
    (block,) = [one for one in as_written(VM) if "(mtedbg) memop-verify" in one]
    stale, healed = block.split("(mtedbg) thread 2")
    (found,) = [line for line in stale.splitlines() if "stale-pair" in line]
    assert found.split()[-1] == "2"
    assert "silently loses its ordering" in found
    assert "no fault: this thread has not stopped on a signal" in healed
    assert "none with a stale pair" in healed


def test_own_memory_by_an_access_that_meets_both_kinds() -> None:
    blocks = as_written(FOLLOW)
    assert "* mode                           Shared → Either" in blocks[1]
    assert (
        blocks[1].rstrip().endswith("out of line, with pointer tag 1 on tag 1, core 1: it succeeds")
    )
    assert "\n=> " in blocks[2]
    assert blocks[2].count("out of line memop 43") == 10
