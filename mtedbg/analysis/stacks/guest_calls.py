"""The guest's call chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.stacks.guest_frame import guest_on
from mtedbg.dataclass import dataclass
from mtedbg.decode.stack.guest_calls import GuestChain, Unwinder
from mtedbg.model.absent import Absent, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.frame import Guest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class GuestCalls:
    """The call chain of a guest thread.

    Attributes:
        runtime: whose guest it is.
        guest: the guest thread.
        chain: its calls.
    """

    runtime: Runtime
    guest: Guest
    chain: GuestChain


@once
def guest_calls(session: Session, thread: Thread) -> GuestCalls | Absent:
    """The call chain of the guest thread that `thread` runs; does not apply where it runs none.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found = guest_on(session, thread)
    runtime = found.runtime
    return then(
        found.guest, lambda guest: GuestCalls(runtime, guest, Unwinder(runtime).chain(guest))
    )
