"""A crash as somebody wrote it down: a line of a log, a tombstone, a debugger's message."""

from collections.abc import Mapping

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.fault import FaultKind

NOT_IN_TEXT = Absent(Reason.NOT_RECORDED, "not in this text")


@dataclass(frozen=True, slots=True)
class Syndrome:
    """What an exception syndrome (ESR_EL1) says.

    Attributes:
        words: the exception in words.
        tag_check: whether it is a synchronous tag check fault.
        write: whether a data abort was of a store; absent where it does not say.
        kernel: whether the exception was taken from the kernel itself.
    """

    words: str
    tag_check: bool
    write: bool | Absent
    kernel: bool = False


@dataclass(frozen=True, slots=True)
class TextFrame:
    """One level of a backtrace as it was written.

    Attributes:
        function: its name; empty where none is written.
        function_offset: of the PC in it.
        file: program, library or module.
        file_offset: of the PC in that file.
        pc: the absolute address.
        build_id: of the file, hexadecimal; may be empty.
        source: "ring.c:31"; may be empty.
    """

    function: str = ""
    function_offset: int | Absent = NOT_IN_TEXT
    file: str = ""
    file_offset: int | Absent = NOT_IN_TEXT
    pc: int | Absent = NOT_IN_TEXT
    build_id: str = ""
    source: str = ""

    def __str__(self) -> str:
        if self.function:
            offset = self.function_offset
            return f"{self.function}+{offset:#x}" if isinstance(offset, int) else self.function
        if isinstance(self.file_offset, int):
            return f"{self.file.rsplit('/', 1)[-1]}+{self.file_offset:#x}"
        return f"{self.pc:#x}" if isinstance(self.pc, int) else self.file


@dataclass(frozen=True, slots=True)
class TextStack:
    """A backtrace that belongs to a cause: "allocated by thread 7"."""

    about: str
    frames: tuple[TextFrame, ...]


@dataclass(frozen=True, slots=True)
class TextCause:
    """What the writer thought that it was, with the stacks that it gives for that."""

    words: str
    stacks: tuple[TextStack, ...] = ()


@dataclass(frozen=True, slots=True)
class TagRow:
    """A row of a drawn tag map.

    Attributes:
        start: address of the first granule, as written.
        tags: one byte a granule.
        here: which of them was marked; None for none.
    """

    start: int
    tags: bytes
    here: int | None = None


@dataclass(frozen=True, slots=True)
class CrashText:
    """What a text says of a crash. Nothing is checked: text may say anything.

    Attributes:
        source: who writes such lines, "Android", "Linux kernel"…
        line: number of the line where it begins, from 1.
        time: when, as the log has it; may be empty.
        signal: its number.
        signal_name: "SIGSEGV", as written.
        code: si_code.
        code_name: "SEGV_MTESERR", as written.
        tag_check: how a tag check fault was reported, where the text itself says that it was one;
            None where it says that it was none; absent where it only has signal and code.
        software: whether the tags are a sanitizer's, which software checks.
        in_kernel: whether it was the kernel that faulted.
        tag_bits: of each tag that is written out: 4, or 8 of KASAN and HWASan.
        address: the fault address as written, tag bits kept.
        logical_tag: the pointer's tag, where it is written out.
        allocation_tag: the memory's tag, where it is written out.
        access: "load", "store", or empty where the text does not tell.
        size: bytes of the access.
        syndrome: of the kernel's ESR.
        check_mode: what checks were asked for, in the words of `mte-ctl` or the text's own.
        control: the tagged-address control word.
        pid: process id.
        tid: thread id.
        thread: name of the thread.
        process: name of the program.
        causes: what the writer thought that it was, likeliest first.
        message: what the process said last: an assertion, an allocator's words.
        frames: where it was, the innermost first.
        registers: those that are written out, by name.
        tags: the tag map.
        facts: other things that are told, by name: "region", "memory", "object"…
        killed: whether the process died of it; a dump may be asked for as well.
        notes: where the text contradicts itself, or what it leaves out.
    """

    source: str = ""
    line: int = 1
    time: str = ""
    signal: int | Absent = NOT_IN_TEXT
    signal_name: str = ""
    code: int | Absent = NOT_IN_TEXT
    code_name: str = ""
    tag_check: FaultKind | Absent | None = NOT_IN_TEXT
    software: bool = False
    in_kernel: bool = False
    tag_bits: int = 4
    address: int | Absent = NOT_IN_TEXT
    logical_tag: int | Absent = NOT_IN_TEXT
    allocation_tag: int | Absent = NOT_IN_TEXT
    access: str = ""
    size: int | Absent = NOT_IN_TEXT
    syndrome: Syndrome | Absent = NOT_IN_TEXT
    check_mode: str = ""
    control: int | Absent = NOT_IN_TEXT
    pid: int | Absent = NOT_IN_TEXT
    tid: int | Absent = NOT_IN_TEXT
    thread: str = ""
    process: str = ""
    causes: tuple[TextCause, ...] = ()
    message: str = ""
    frames: tuple[TextFrame, ...] = ()
    registers: Mapping[str, int] = field(default_factory=dict)
    tags: tuple[TagRow, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    killed: bool = True
    notes: tuple[str, ...] = ()
