"""Threads, signals and what a target says of itself."""

from dataclasses import dataclass, field

from mtedbg.model.absent import NOT_APPLICABLE, Absent


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """What the target is.

    Attributes:
        kind: "live" (a native process), "remote" (through a server) or "core".
        tag_source: where allocation tags come from: "ptrace", "qMemTags", "ldg", "core", "none".
        pid: the process id, or why it is not known.
        executable: path of the program as the target names it, empty where unknown.
        pac_mask: bits of a pointer that hold an authentication code, 0 where unknown.
    """

    kind: str
    tag_source: str
    pid: int | Absent
    executable: str = ""
    pac_mask: int = 0


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of the target.

    Attributes:
        number: the number that the user names it by (the debugger's own; in a core, from 1).
        tid: the kernel's thread id.
        name: as the kernel or the debugger knows it, may be empty.
        current: whether commands speak of this one unless told otherwise.
        tagged_addr_ctrl: the prctl(PR_SET_TAGGED_ADDR_CTRL) word (NT_ARM_TAGGED_ADDR_CTRL).
        check_mode: SCTLR_EL1.TCF0 (0 to 3), of a target that tells this in place of the word.
    """

    number: int
    tid: int
    name: str
    current: bool
    tagged_addr_ctrl: int | Absent = field(kw_only=True)
    check_mode: int | Absent = field(default=NOT_APPLICABLE, kw_only=True)


@dataclass(frozen=True, slots=True)
class SignalInfo:
    """The signal that a thread stopped on (siginfo_t).

    Attributes:
        number: the signal's number, 11 for SIGSEGV.
        code: si_code.
        address: si_addr as delivered, tag bits kept; for an asynchronous fault it says nothing.
    """

    number: int
    code: int | Absent
    address: int | Absent


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
