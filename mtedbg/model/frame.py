"""The guest's state as its runtime keeps it, and the views of the core id."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.runtime import NOT_KEPT, GuestThread

GENERAL_REGISTERS = (
    "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()  # noqa: SIM905
)
"""In the order of x86 encodings."""
VECTOR_REGISTERS = tuple(f"xmm{number}" for number in range(16))


class ThreadState(StrEnum):
    """What a guest thread is about; the value is the name in the schema."""

    PARKED = "Parked"
    DISPATCHER = "Dispatcher"
    JIT = "Jit"
    THUNK = "Thunk"
    FAULT = "Fault"
    EXITED = "Exited"


class Owner(StrEnum):
    """What owns the memory that has the tag in a guest thread's frame; the value is for people."""

    THREAD = "thread"
    CORE = "core"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class GuestFrame:
    """The record that the runtime keeps for each guest thread.

    `state` is a `ThreadState`, or a name that is not known here.
    """

    RECORD: ClassVar[str] = "GuestFrame"

    rax: int
    rcx: int
    rdx: int
    rbx: int
    rsp: int
    rbp: int
    rsi: int
    rdi: int
    r8: int
    r9: int
    r10: int
    r11: int
    r12: int
    r13: int
    r14: int
    r15: int
    rip: int
    flags: int
    host_core_id: int
    thread_id: int
    state: str
    rseq: int | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class GuestVectors:
    """The vector registers in the same record: halves of 8 bytes, and MXCSR.

    They do not apply where the runtime has none.
    """

    RECORD: ClassVar[str] = "GuestFrame"

    mxcsr: int | Absent = NOT_APPLICABLE
    xmm0_low: int | Absent = NOT_APPLICABLE
    xmm0_high: int | Absent = NOT_APPLICABLE
    xmm1_low: int | Absent = NOT_APPLICABLE
    xmm1_high: int | Absent = NOT_APPLICABLE
    xmm2_low: int | Absent = NOT_APPLICABLE
    xmm2_high: int | Absent = NOT_APPLICABLE
    xmm3_low: int | Absent = NOT_APPLICABLE
    xmm3_high: int | Absent = NOT_APPLICABLE
    xmm4_low: int | Absent = NOT_APPLICABLE
    xmm4_high: int | Absent = NOT_APPLICABLE
    xmm5_low: int | Absent = NOT_APPLICABLE
    xmm5_high: int | Absent = NOT_APPLICABLE
    xmm6_low: int | Absent = NOT_APPLICABLE
    xmm6_high: int | Absent = NOT_APPLICABLE
    xmm7_low: int | Absent = NOT_APPLICABLE
    xmm7_high: int | Absent = NOT_APPLICABLE
    xmm8_low: int | Absent = NOT_APPLICABLE
    xmm8_high: int | Absent = NOT_APPLICABLE
    xmm9_low: int | Absent = NOT_APPLICABLE
    xmm9_high: int | Absent = NOT_APPLICABLE
    xmm10_low: int | Absent = NOT_APPLICABLE
    xmm10_high: int | Absent = NOT_APPLICABLE
    xmm11_low: int | Absent = NOT_APPLICABLE
    xmm11_high: int | Absent = NOT_APPLICABLE
    xmm12_low: int | Absent = NOT_APPLICABLE
    xmm12_high: int | Absent = NOT_APPLICABLE
    xmm13_low: int | Absent = NOT_APPLICABLE
    xmm13_high: int | Absent = NOT_APPLICABLE
    xmm14_low: int | Absent = NOT_APPLICABLE
    xmm14_high: int | Absent = NOT_APPLICABLE
    xmm15_low: int | Absent = NOT_APPLICABLE
    xmm15_high: int | Absent = NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class CoreIds:
    """The three views of the core that a guest thread runs on.

    Attributes:
        frame: `HostCoreId` in the frame, a tag. Where threads own memory it is the thread's own.
        shadow: the register that shadows it; only in translated code.
        kernel: the cpu number in the kernel's rseq area.
        consistent: whether the views that there are agree.
        explanation: which window explains it where they do not.
        owner: what owns memory with the frame's tag: this thread, the core that the frame names,
            or nothing, where it is the tag of those without memory. An absence where the runtime
            does not tell.
    """

    frame: int
    shadow: int | Absent
    kernel: int | Absent
    consistent: bool
    explanation: str = ""
    owner: Owner | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest thread, stopped.

    Attributes:
        address: of its frame.
        frame: the frame's record, as read.
        thread: its entry in the runtime's thread table.
        in_jit: whether the host thread's PC is in translated code.
        rip: the guest's instruction pointer, as precisely as is known.
        registers: general registers and flags, from where they are now.
        cores: the views of the core id.
        notes: remarks for people.
        host_pc: the PC in translated code: the host thread's, or the one that a signal handler
            interrupted.
        near: RIP, or where it is not known the guest instruction that was known last.
        vectors: xmm0 to xmm15, each a number of 128 bits, and mxcsr, from where they are now.
    """

    address: int
    frame: GuestFrame
    thread: GuestThread | Absent
    in_jit: bool
    rip: int | Absent
    registers: Mapping[str, int]
    cores: CoreIds
    notes: tuple[str, ...] = ()
    host_pc: int | Absent = NOT_APPLICABLE
    near: int | Absent = NOT_APPLICABLE
    vectors: Mapping[str, int] | Absent = NOT_APPLICABLE
