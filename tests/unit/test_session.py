"""Threads of a session, and answers that are kept until the next stop."""

from __future__ import annotations

import pytest

from mtedbg.dataclass import replace
from mtedbg.errors import NoTargetError, UsageError
from mtedbg.session import Session, once
from tests.support.fake import FakeTarget
from tests.support.runtime_image import HOST_THREAD, JIT_THREAD, image


def test_the_current_thread_is_the_targets() -> None:
    target = image().target()
    assert Session(target).current_thread() == JIT_THREAD
    target.thread_list = [replace(JIT_THREAD, current=False), replace(HOST_THREAD, current=True)]
    assert Session(target).current_thread().number == HOST_THREAD.number
    target.thread_list = [replace(JIT_THREAD, current=False), HOST_THREAD]
    assert Session(target).current_thread().number == JIT_THREAD.number, "none says it is"


def test_a_thread_is_named_by_its_number_or_not_at_all() -> None:
    session = image().session()
    assert session.thread(HOST_THREAD.number) == HOST_THREAD
    assert session.thread(None) == session.current_thread()
    with pytest.raises(UsageError, match="no thread has the number 99"):
        session.thread(99)


@pytest.mark.parametrize("number", [None, 1])
def test_a_target_without_threads(number: int | None) -> None:
    session = Session(FakeTarget(thread_list=[]))
    with pytest.raises(NoTargetError, match="the target has no threads"):
        session.thread(number)


def test_a_question_is_answered_once_a_stop() -> None:
    asked: list[int] = []

    @once
    def question(_session: Session, number: int) -> int:
        asked.append(number)
        return -number

    session = Session(FakeTarget())
    assert [question(session, 1), question(session, 1), question(session, 2)] == [-1, -1, -2]
    assert asked == [1, 2]
    question(Session(FakeTarget()), 1)
    assert asked == [1, 2, 1], "answers are a session's own"
    session.invalidate()
    question(session, 1)
    assert asked == [1, 2, 1, 1]
