"""Numbers of siginfo_t → names.

Source: Linux, include/uapi/asm-generic/{signal,siginfo}.h, which arm64 uses unchanged.
"""

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.fault import FaultKind, SignalName
from mtedbg.model.process import SignalInfo

SIGTRAP, SIGSEGV, SIGSTOP = 5, 11, 19
SEGV_MTEAERR, SEGV_MTESERR = 8, 9
_SIGRTMIN, _SIGRTMAX = 32, 64

# Numbered from 1.
_SIGNALS = (  # noqa: SIM905 - as the kernel's header lists them
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP "
    "TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split()
_FAULTS = {
    "ILL": "ILLOPC ILLOPN ILLADR ILLTRP PRVOPC PRVREG COPROC BADSTK BADIADDR",
    "FPE": "INTDIV INTOVF FLTDIV FLTOVF FLTUND FLTRES FLTINV FLTSUB",
    "SEGV": "MAPERR ACCERR BNDERR PKUERR ACCADI ADIDERR ADIPERR MTEAERR MTESERR CPERR",
    "BUS": "ADRALN ADRERR OBJERR MCEERR_AR MCEERR_AO",
    "TRAP": "BRKPT TRACE BRANCH HWBKPT UNK PERF",
}
_OTHERS = {"SYS": "SECCOMP USER_DISPATCH"}
_ANY = {
    0: "SI_USER",
    0x80: "SI_KERNEL",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -5: "SI_SIGIO",
    -6: "SI_TKILL",
}

# Signals whose siginfo has an address when the kernel raised them (siginfo(7)).
_WITH_ADDRESS = frozenset((4, 5, 7, 8, 11))
SI_KERNEL = 0x80
_WITH_SENDER = frozenset((0, -1, -6))
"""SI_USER, SI_QUEUE, SI_TKILL: si_pid and si_uid stand where si_addr is."""


def signal_info(number: int, code: int, address: int) -> SignalInfo:
    """What siginfo_t says.

    Args:
        number: si_signo.
        code: si_code.
        address: what stands where si_addr is; of signals that have none it is dropped.
    """
    carries = number in _WITH_ADDRESS and 0 < code != SI_KERNEL
    sender = address & 0xFFFF_FFFF if code in _WITH_SENDER else NOT_APPLICABLE
    return SignalInfo(number, code, address if carries else NOT_APPLICABLE, sender)


def is_of_instruction(info: SignalInfo) -> bool:
    """Whether the kernel raised it for what an instruction did; nobody sent it."""
    code = info.code
    return info.number in _WITH_ADDRESS and isinstance(code, int) and code > 0


def may_be_of_instruction(info: SignalInfo) -> bool:
    """The same, where nothing says that it was sent."""
    return is_of_instruction(info) or (
        info.number in _WITH_ADDRESS and isinstance(info.code, Absent)
    )


def stopped_by_debugger(number: int) -> bool:
    """Whether a thread with this signal (0 for none) was stopped by its debugger."""
    return number in (0, SIGTRAP, SIGSTOP)


def signal_name(number: int) -> str:
    """The name of a signal: "SIGSEGV" for 11, "signal 99" for what has none."""
    if 1 <= number <= len(_SIGNALS):
        return f"SIG{_SIGNALS[number - 1]}"
    if _SIGRTMIN <= number <= _SIGRTMAX:
        return f"SIGRTMIN+{number - _SIGRTMIN}" if number > _SIGRTMIN else "SIGRTMIN"
    return f"signal {number}"


def code_name(number: int, code: int) -> str:
    """The name of an si_code: "SEGV_MTESERR" for 9 of signal 11, "si_code 77" without one."""
    short = signal_name(number).removeprefix("SIG")
    names = (_FAULTS.get(short) or _OTHERS.get(short) or "").split()
    if 1 <= code <= len(names):
        return f"{short}_{names[code - 1]}"
    return _ANY.get(code, f"si_code {code}")


def name_signal(info: SignalInfo) -> SignalName:
    """What a thread stopped on, by name."""
    signal = signal_name(info.number)
    if isinstance(info.code, Absent):
        return SignalName(signal, "", addressed=False, tag_check=None, sent=False)
    raised_by_fault = signal.removeprefix("SIG") in _FAULTS and 0 < info.code < 0x80
    kind = None
    if info.number == SIGSEGV:
        kind = {
            SEGV_MTEAERR: FaultKind.ASYNCHRONOUS,
            SEGV_MTESERR: FaultKind.SYNCHRONOUS,
        }.get(info.code)
    code = code_name(info.number, info.code)
    return SignalName(signal, code, raised_by_fault, kind, sent=info.code in _ANY)


def signal_number(name: str) -> int | None:
    """The number of "SIGSEGV"; None for any other text."""
    short = name.removeprefix("SIG")
    return _SIGNALS.index(short) + 1 if short in _SIGNALS and short != name else None


def code_number(name: str) -> int | None:
    """The number of "SEGV_MTESERR" or "SI_TKILL"; None for any other text."""
    short, _, rest = name.partition("_")
    names = (_FAULTS.get(short) or _OTHERS.get(short) or "").split()
    if rest in names:
        return names.index(rest) + 1
    return next((number for number, known in _ANY.items() if known == name), None)
