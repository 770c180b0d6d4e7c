"""Threads, signals and what a target says of itself."""

from enum import StrEnum

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason


class TargetKind(StrEnum):
    """What is asked, in the words that JSON has for it."""

    LIVE = "live"
    """A process that the debugger reaches itself."""
    REMOTE = "remote"
    """A process behind a server."""
    CORE = "core"
    """A dead process: a core file, a minidump or a tombstone."""
    CORES = "cores"
    """Many dead processes, as `mtedbg triage` reads them."""
    TEXT = "text"
    """A few lines that a system wrote about a crash."""
    PROFILE = "profile"
    """Profiles of finished runs."""


class TagSource(StrEnum):
    """Where allocation tags come from, in the words that JSON has for it."""

    PTRACE = "ptrace"
    PACKETS = "qMemTags"
    LDG = "ldg"
    CORE = "core"
    TOMBSTONE = "tombstone"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """What the target is.

    Attributes:
        kind: what is asked.
        tag_source: where allocation tags come from.
        pid: the process id, or why it is not known.
        executable: path of the program: of a core as the process had it, else as the
            debugger has it; empty where unknown.
        pac_mask: bits of a pointer that hold an authentication code, 0 where unknown.
        has_mte_far: whether bits 63:60 of a tag check fault's address are the pointer's
            (HWCAP3_MTE_FAR; FEAT_MTE_TAGGED_FAR), or why that is not known; else they are undefined
            (Linux, Documentation/arch/arm64/tagged-pointers.rst).
    """

    kind: TargetKind
    tag_source: TagSource
    pid: int | Absent
    executable: str = ""
    pac_mask: int = 0
    has_mte_far: bool | Absent = Absent(Reason.UNKNOWN)

    @property
    def is_dead(self) -> bool:
        """Whether the process is dead: nothing of it changes, and it cannot be resumed."""
        return self.kind is TargetKind.CORE


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of the target.

    Attributes:
        number: the number that the user names it by (the debugger's own; in a core, from 1).
        tid: the kernel's thread id.
        name: as the kernel or the debugger knows it, may be empty.
        current: whether commands use this one by default.
        tagged_addr_ctrl: the prctl(PR_SET_TAGGED_ADDR_CTRL) word (NT_ARM_TAGGED_ADDR_CTRL).
        check_mode: SCTLR_EL1.TCF0 (0 to 3), of a target that tells this in place of the word.
        blocked: its signal mask, bit n - 1 for signal n.
    """

    number: int
    tid: int
    name: str
    current: bool
    tagged_addr_ctrl: int | Absent = field(kw_only=True)
    check_mode: int | Absent = field(default=NOT_APPLICABLE, kw_only=True)
    blocked: int | Absent = field(default=NOT_APPLICABLE, kw_only=True)


@dataclass(frozen=True, slots=True)
class SignalInfo:
    """The signal that a thread stopped on (siginfo_t).

    Attributes:
        number: the signal's number, 11 for SIGSEGV.
        code: si_code.
        address: si_addr as delivered, tag bits kept; for an asynchronous fault it says nothing.
        sender: si_pid, of a signal that a process sent.
    """

    number: int
    code: int | Absent
    address: int | Absent
    sender: int | Absent = NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a symbol is defined.

    Attributes:
        address: of its first byte.
        is_code: whether it is a function and no variable.
    """

    address: int
    is_code: bool


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol that an address lies in, and how far."""

    name: str
    offset: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}" if self.offset else self.name
