"""A crash as somebody wrote it down: a line of a log, a tombstone, a debugger's message."""

from collections.abc import Mapping

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import Absent, Reason

NOT_IN_TEXT = Absent(Reason.NOT_RECORDED, "not in this text")


@dataclass(frozen=True, slots=True)
class Syndrome:
    """What an exception syndrome (ESR_EL1) says.

    Attributes:
        words: the exception in words.
        tag_check: whether it is a synchronous tag check fault.
        write: whether a data abort was of a store; absent where it does not say.
    """

    words: str
    tag_check: bool
    write: bool | Absent


@dataclass(frozen=True, slots=True)
class CrashText:
    """What a text says of a crash. Nothing is checked: text may say anything.

    Attributes:
        source: who writes such lines, "Android", "Linux kernel"…
        signal: its number.
        signal_name: "SIGSEGV", as written.
        code: si_code.
        code_name: "SEGV_MTESERR", as written.
        address: the fault address as written, tag bits kept.
        logical_tag: the pointer's tag, where it is written out.
        allocation_tag: the memory's tag, where it is written out.
        syndrome: of the kernel's ESR.
        pid: process id.
        tid: thread id.
        thread: name of the thread, or of the program.
        cause: what the writer thought that it was.
        registers: those that are written out, by name.
        notes: where the text contradicts itself.
    """

    source: str = ""
    signal: int | Absent = NOT_IN_TEXT
    signal_name: str = ""
    code: int | Absent = NOT_IN_TEXT
    code_name: str = ""
    address: int | Absent = NOT_IN_TEXT
    logical_tag: int | Absent = NOT_IN_TEXT
    allocation_tag: int | Absent = NOT_IN_TEXT
    syndrome: Syndrome | Absent = NOT_IN_TEXT
    pid: int | Absent = NOT_IN_TEXT
    tid: int | Absent = NOT_IN_TEXT
    thread: str | Absent = NOT_IN_TEXT
    cause: str | Absent = NOT_IN_TEXT
    registers: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
