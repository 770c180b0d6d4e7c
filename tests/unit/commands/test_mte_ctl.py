"""The answer of mte-ctl."""

from __future__ import annotations

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.errors import NoTargetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import Thread
from mtedbg.session import Session
from tests.support.fake import FakeTarget

UNTOLD = Absent(Reason.UNKNOWN)


def thread(word: int | Absent, mode: int | Absent = NOT_APPLICABLE, number: int = 1) -> Thread:
    return Thread(number, 100, "", number == 1, tagged_addr_ctrl=word, check_mode=mode)


def run(*threads: Thread) -> str:
    command = find("mte-ctl")
    assert command is not None
    return execute(Session(FakeTarget(thread_list=list(threads))), command, "")


def test_all_threads_are_listed() -> None:
    assert run(thread(0x7FFF3), thread(0, number=2)) == (
        "2 threads with different check modes\n"
        "thread  tagged addr  tcf   include mask  store only\n"
        "     1  yes          sync  0xfffe        no\n"
        "     2  no           none  0x0000        no\n"
    )


def test_what_the_threads_have_in_common() -> None:
    assert run(thread(0x7FFF3), thread(0x7FFF3, number=2)).startswith(
        "2 threads: tag checks sync\n"
    )
    assert run(thread(1)).startswith("1 thread: accesses are not checked\n")
    assert "the mode that each cpu prefers" in run(thread(0x7FFF7))
    assert "only the check mode" in run(thread(UNTOLD, 1))
    assert run(thread(UNTOLD)).startswith("1 thread, check mode: cannot be told here")


def test_no_threads() -> None:
    with pytest.raises(NoTargetError):
        run()
