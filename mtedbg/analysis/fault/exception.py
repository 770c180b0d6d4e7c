"""The tag check fault that a processor has taken as an exception, where no kernel tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.interrupted import InterruptedFault
from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import SEGV_MTESERR, SIGSEGV, signal_info
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.exception import VECTOR_BYTES, VECTORS_BYTES
from mtedbg.target import ExceptionReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_EL1 = 1
_SOURCE = "registers ESR_EL1, FAR_EL1 and ELR_EL1"
_OVERWRITTEN = "the handler may have overwritten the registers that the instruction used"
_KEPT = "ESR_EL1 keeps the last exception: whether its handler still runs is not known here"


def exception_taken(session: Session, thread: Thread) -> InterruptedFault | None:
    """The tag check fault in whose handler a processor is, or may be; None where it is in none."""
    target = session.target
    taken = target.exception(thread) if isinstance(target, ExceptionReader) else None
    if taken is None or isinstance(taken, Absent) or taken.level != _EL1:
        return None
    if not syndrome(taken.syndrome).tag_check:
        return None
    registers: Mapping[str, int] = or_else(target.registers(thread), {})
    offset = registers.get("pc", 0) - taken.vectors
    inside = 0 <= offset < VECTORS_BYTES
    # At the first instruction of a vector nothing has been overwritten but the PC.
    known = registers if inside and offset % VECTOR_BYTES == 0 else {}
    evidence = () if known else (_OVERWRITTEN,) if inside else (_OVERWRITTEN, _KEPT)
    return InterruptedFault(
        signal_info(SIGSEGV, SEGV_MTESERR, taken.address),
        {**known, "pc": taken.returns_to},
        _SOURCE,
        done=False,
        evidence=evidence,
        syndrome=taken.syndrome,
        certain=inside,
        is_exception=True,
    )
