"""What a text about a crash means: for who has no core, only a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from mtedbg.analysis.postmortem.text_tags import (
    Boxed,
    HiddenTag,
    TagRun,
    Zeros,
    boxed_values,
    hidden_tag,
    run_of,
    zeros_of_page,
)
from mtedbg.dataclass import dataclass
from mtedbg.decode.control import control_of
from mtedbg.errors import FileFormatError
from mtedbg.formats.siginfo import SIGSEGV, name_signal
from mtedbg.formats.texts import read
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.crash_text import NOT_IN_TEXT, CrashText
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import logical_tag, strip
from mtedbg.model.process import SignalInfo, Thread

_NEAR = 1 << 12
"""Bytes from the fault address that a register may point."""
_MOST_NEAR = 8
_NO_ADDRESS = Absent(Reason.NOT_APPLICABLE, "an asynchronous fault has none")
_HIDDEN = Absent(
    Reason.UNKNOWN, "hidden: the kernel clears it for a handler without SA_EXPOSE_TAGBITS"
)
_SI_KERNEL = 0x80
_ANY_HANDLER = frozenset((6, SIGSEGV))
"""SIGABRT and SIGSEGV: what handlers raise after they saw another signal."""
_SEES_TAGS = frozenset(("GDB", "LLDB", "LLDB on Apple", "strace", "Linux kernel", "KASAN", "Apple"))
"""Who sees si_addr before the kernel clears its tag: a tracer, the kernel itself."""


class Verdict(Enum):
    """What a text says that it was."""

    TAG_CHECK = "tag check fault"
    OTHER = "not a tag check fault"
    UNKNOWN = "cannot tell"
    DUMP = "not a crash"


@dataclass(frozen=True, slots=True)
class ExplainedCrash:
    """A crash by what a text says of it.

    Attributes:
        text: all that it says.
        verdict: whether it was a tag check fault, as far as the text tells.
        tag_check: how a tag check fault was reported; None of what is something else.
        raw_address: the fault address as written, where it is one.
        pointer_tag: of a tag check fault: written out, or bits 59:56 of the address, or of the
            register that held the base.
        memory_tag: of a synchronous one.
        near: registers that point near the fault address, by name.
        hidden: the register that shows a tag that the address does not have; None where none does.
        run: where the nearest memory with the pointer's tag is, by the drawn tags.
        zeros: how many tags of the fault's page are drawn, all of them 0; None where not all are.
        boxed: values in the text that are pointers with something in their top bits.
    """

    text: CrashText
    verdict: Verdict
    tag_check: FaultKind | None
    raw_address: int | Absent
    pointer_tag: int | Absent
    memory_tag: int | Absent
    near: tuple[tuple[str, int], ...]
    hidden: HiddenTag | None = None
    run: TagRun | None = None
    zeros: Zeros | None = None
    boxed: tuple[Boxed, ...] = ()

    @property
    def address(self) -> int | Absent:
        """The fault address without tag and PAC bits."""
        return then(self.raw_address, strip)

    @property
    def access(self) -> str:
        """Whether it was a "load" or a "store"; empty where the text does not say."""
        if self.text.access:
            return self.text.access
        syndrome = self.text.syndrome
        write = syndrome if isinstance(syndrome, Absent) else syndrome.write
        return "" if isinstance(write, Absent) else "store" if write else "load"

    @property
    def check_mode(self) -> str:
        """What checks were asked for, in the words of `mte-ctl`; else in the text's own."""
        word = self.text.control
        if isinstance(word, Absent):
            return self.text.check_mode
        found = control_of(Thread(1, 1, "", current=True, tagged_addr_ctrl=word))
        return str(or_else(found.tcf, ""))


def explain(text: str) -> tuple[ExplainedCrash, ...]:
    """What `text` says of crashes, and what that means.

    Args:
        text: one line or many.

    Raises:
        FileFormatError: it says nothing of a crash.
    """
    found = tuple(explained(read(text)))
    if not found:
        raise nothing_said()
    return found


def nothing_said() -> FileFormatError:
    """What to say of a text without a crash."""
    return FileFormatError(
        "this text does not say why a process crashed",
        "give a line such as: signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x…",
    )


def explained(crashes: Iterable[CrashText]) -> Iterator[ExplainedCrash]:
    """What each of these crashes means."""
    return map(_explained, crashes)


def _explained(found: CrashText) -> ExplainedCrash:
    verdict, kind = _verdict(found)
    raw = _address(found, kind)
    pointer, hidden = _pointer_tag(found, kind, raw)
    memory = found.allocation_tag if kind is FaultKind.SYNCHRONOUS else NOT_APPLICABLE
    run = None
    if kind is FaultKind.SYNCHRONOUS and isinstance(raw, int) and isinstance(pointer, int):
        run = run_of(found, strip(raw), pointer)
    zeros = zeros_of_page(found, strip(raw)) if isinstance(raw, int) and memory == 0 else None
    return ExplainedCrash(
        found, verdict, kind, raw, pointer, memory, _near(found, raw), hidden, run, zeros,
        boxed_values(found, raw if kind is None else NOT_APPLICABLE),
    )  # fmt: skip


def _verdict(found: CrashText) -> tuple[Verdict, FaultKind | None]:
    """What it was, by the strongest word that the text has."""
    if not found.killed and found.tag_check is NOT_IN_TEXT:
        return Verdict.DUMP, None
    if isinstance(found.tag_check, FaultKind):
        return Verdict.TAG_CHECK, found.tag_check
    if isinstance(found.signal, int):
        kind = name_signal(SignalInfo(found.signal, found.code, found.address)).tag_check
        if kind is not None:
            return Verdict.TAG_CHECK, kind
    if present(found.syndrome) and found.syndrome.tag_check and not isinstance(found.code, int):
        return Verdict.TAG_CHECK, FaultKind.SYNCHRONOUS
    if any("[MTE]" in one.words for one in found.causes) and not isinstance(found.code, int):
        return Verdict.TAG_CHECK, FaultKind.SYNCHRONOUS
    if ("exception", "memory tag violation") in found.facts:
        return Verdict.TAG_CHECK, None  # which of the two, the rest of the text would have said
    if found.tag_check is None:
        return Verdict.OTHER, None
    return (Verdict.OTHER if _is_other(found) else Verdict.UNKNOWN), None


def _is_other(found: CrashText) -> bool:
    """Whether what is written excludes a tag check fault.

    A handler may raise SIGSEGV or SIGABRT again after it saw one: a signal that was sent tells
    nothing by itself.
    """
    if isinstance(found.signal, Absent):
        return bool(found.message or found.causes)
    if found.signal not in _ANY_HANDLER:
        return found.signal != 9  # SIGKILL: who sent it, and why, is not in it
    if found.signal != SIGSEGV:
        return bool(found.message or found.causes)
    return isinstance(found.code, int) and found.code > 0


def is_sent(found: CrashText) -> bool:
    """Whether a process sent the signal, and no access raised it."""
    return isinstance(found.code, int) and found.code <= 0


def _address(found: CrashText, kind: FaultKind | None) -> int | Absent:
    if kind is FaultKind.ASYNCHRONOUS:
        return _NO_ADDRESS
    if kind is None and (is_sent(found) or (found.code == _SI_KERNEL and not found.address)):
        return NOT_APPLICABLE
    if isinstance(found.address, Absent) and kind is None:
        return NOT_APPLICABLE
    return found.address


def _pointer_tag(
    found: CrashText, kind: FaultKind | None, raw: int | Absent
) -> tuple[int | Absent, HiddenTag | None]:
    """The pointer's tag, and the register that shows it where the address does not."""
    if kind is not FaultKind.SYNCHRONOUS:
        return NOT_APPLICABLE, None
    written = found.logical_tag
    if present(written) and (written or found.tag_bits > 4 or isinstance(raw, Absent)):
        return (written if found.software else written & 0xF), None
    if isinstance(raw, Absent):
        return NOT_IN_TEXT, None
    if logical_tag(raw) or found.in_kernel:
        return logical_tag(raw), None
    hidden = hidden_tag(found, raw)
    if hidden is not None:
        return hidden.tag, hidden
    return (0 if found.source in _SEES_TAGS else _HIDDEN), None


def _near(found: CrashText, raw: int | Absent) -> tuple[tuple[str, int], ...]:
    if isinstance(raw, Absent):
        return ()
    near = [
        (name, value)
        for name, value in found.registers.items()
        if name not in ("esr", "far", "pstate") and abs(strip(value) - strip(raw)) < _NEAR
    ]
    return tuple(near[:_MOST_NEAR])
