"""How each thread has its memory accesses checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.decode.control import control_of
from mtedbg.errors import NoTargetError
from mtedbg.model.absent import present
from mtedbg.model.control import NO_PROTECTION, Protection
from mtedbg.target import ProtectionReader

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
        protection: its Guarded Control Stack and its protection keys.
    """

    thread: int
    control: TagControl
    by_hardware: bool
    protection: Protection


def thread_controls(session: Session) -> tuple[ThreadControl, ...]:
    """The tagged-address control of every thread.

    Raises:
        NoTargetError: the target has no threads.
    """
    threads = session.target.threads()
    if not threads:
        raise NoTargetError("the target has no threads", "memory and tags can still be read")
    target = session.target
    reader = target if isinstance(target, ProtectionReader) else None
    return tuple(
        ThreadControl(
            thread.number,
            control_of(thread),
            present(thread.check_mode),
            reader.protection(thread) if reader else NO_PROTECTION,
        )
        for thread in threads
    )
