"""What commands about the guest say of a thread that runs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.report import Answer, Column, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtedbg.model.absent import Absent
    from mtedbg.model.process import Thread


def without_guest(thread: Thread, why: Absent, columns: Sequence[Column]) -> Answer:
    """Why there is no answer: in words where the thread runs no guest, else as a hole.

    Args:
        thread: that was asked about.
        why: there is no guest.
        columns: the command's.
    """
    if why.is_hole:
        return Answer(Record({column.key: why for column in columns}))
    return Answer(headline=f"thread {thread.number}: {why.detail}")
