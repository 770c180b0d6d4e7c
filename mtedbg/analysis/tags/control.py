"""How each thread has its memory accesses checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.decode.control import control_of
from mtedbg.errors import NoTargetError
from mtedbg.model.absent import present

if TYPE_CHECKING:
    from mtedbg.model.control import TagControl
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class ThreadControl:
    """The tagged-address control of one thread.

    Attributes:
        thread: its number.
        control: what it asked the kernel for.
        by_hardware: whether the target tells the hardware's check mode, and not what the thread
            asked for.
    """

    thread: int
    control: TagControl
    by_hardware: bool


def thread_controls(session: Session) -> tuple[ThreadControl, ...]:
    """The tagged-address control of every thread.

    Raises:
        NoTargetError: the target has no threads.
    """
    threads = session.target.threads()
    if not threads:
        raise NoTargetError("the target has no threads", "memory and tags can still be read")
    return tuple(
        ThreadControl(thread.number, control_of(thread), present(thread.check_mode))
        for thread in threads
    )
