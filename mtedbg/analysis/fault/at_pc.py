"""A tag check fault that nothing but the access at the PC speaks for.

Where a signal was sent, or its code is not in the core, and no signal frame tells more: a thread
that stands at an access whose tag does not match its memory has perhaps been there for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.fault.access_tags import touched
from mtedbg.analysis.fault.behind import was_sent
from mtedbg.analysis.fault.left_frames import is_sending
from mtedbg.formats.siginfo import SIGSEGV
from mtedbg.model.absent import Absent
from mtedbg.model.cause import Hypothesis, Strength
from mtedbg.model.fault import Found
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.fault.death import Death
    from mtedbg.session import Session


def mismatch_at_pc(session: Session, died: Death) -> tuple[Hypothesis, ...]:
    """The hypothesis, where a SIGSEGV killed that may hide a tag check fault; else none."""
    signal, at = died.signal, died.fault.at
    if died.found is not Found.SIGNAL or not was_sent(signal) or isinstance(signal, Absent):
        return ()
    if signal.number != SIGSEGV or is_sending(session, died.killed) or not at.is_checked:
        return ()
    if isinstance(at.pointer, Absent) or isinstance(at.address, Absent):
        return ()
    tag, tags = logical_tag(at.pointer), touched(session, at.span, at.address)
    wrong = {at: one for at, one in tags.items() if not isinstance(one, Absent) and one != tag}
    for granule, memory in wrong.items():
        return (
            Hypothesis(
                f"a tag check fault: {at.words} at {at.address:#x}, pointer tag {tag}",
                (f"the access at the PC does not match tag {memory} of granule {granule:#x}",),
                evident=True,
                strength=Strength.LIKELY,
            ),
        )
    return ()
