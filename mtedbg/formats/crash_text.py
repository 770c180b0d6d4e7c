"""Lines about a crash that people have in hand → what they say.

Not a grammar: each fact is looked for by itself, anywhere, so that prefixes of logs, line breaks
and other words do no harm. Formats, as their writers have them: Android debuggerd (tombstone.cpp,
tombstone_proto_to_text.cpp), bionic's linker ("Fatal signal"); Linux arch/arm64/kernel/traps.c
(arm64_show_signal), mm/kasan/report.c; strace; HotSpot's hs_err; GDB and LLDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import code_name, code_number, signal_name, signal_number
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present, then
from mtedbg.model.crash_text import NOT_IN_TEXT, CrashText

MOST_TEXT = 1 << 18
"""Characters that are looked at."""

_HEX = r"(?:0x)?([0-9a-fA-F]{1,16})\b"
_SIGNAL = re.compile(
    r"\b(?:signal|si_signo|Fatal signal)\b[ :=(]{1,4}(?:(\d{1,3})\b|(SIG[A-Z]\w{1,12}))"
)
_NAME = re.compile(r"\b(SIG[A-Z][A-Z0-9]{1,9})\b")
_CODE = re.compile(r"\b(?:si_)?code\b[ :=(]{1,4}(?:(-?\d{1,9})\b|([A-Z]{2,5}_[A-Z_]{3,16}))")
_CODE_NAME = re.compile(r"\b((?:SEGV|BUS|ILL|FPE|TRAP|SYS|SI)_[A-Z_]{3,16})\b")
_ADDRESS = re.compile(
    r"\b(?:fault addr(?:ess)?|si_addr|while accessing address|mismatch on address)\b"
    rf"[ :=(]{{0,4}}(?:(-{{4,}})|{_HEX})",
    re.IGNORECASE,
)
_TAG = r"\W{{0,3}} ?(?:0x)?([0-9a-fA-F]{{1,2}})\b"
_POINTER_TAG = re.compile(rf"\b(?:logical|pointer|ptr) tag{_TAG.format()}", re.IGNORECASE)
_MEMORY_TAG = re.compile(rf"\b(?:allocation|memory|mem) tag{_TAG.format()}", re.IGNORECASE)
_TAG_MAP = re.compile(r"=>\s?0x[0-9a-fA-F]{1,16}:[ 0-9a-f]{0,64}\[([0-9a-f])\]")
_ESR = re.compile(rf"\bESR\b[ :=]{{0,3}}{_HEX}")
_PID = re.compile(r"\bpid\b[ :=]{1,3}(\d{1,10})")
_TID = re.compile(r"\btid\b[ :=]{1,3}(\d{1,10})(?: ?\(([^)\n]{1,64})\))?")
_THREAD = re.compile(r"\bname: ([^\n>]{1,64}?)\s*(?:>>> ([^<\n]{1,256}) <<<|$)", re.MULTILINE)
_CAUSE = re.compile(r"\bCause: ([^\n]{1,256})")
_KERNEL = re.compile(r"(\S{1,64})\[(\d{1,10})\]: unhandled exception")
_REGISTER = re.compile(r"\b(x\d{1,2}|lr|sp|pc)(?: ?: ?| {1,2})([0-9a-fA-F]{16})\b")
_SOURCES = (
    ("HWASan", "HWAddressSanitizer"),
    ("KASAN", "BUG: KASAN"),
    ("Linux kernel", "unhandled exception"),
    ("strace", "{si_signo="),
    ("Java VM", "si_code: "),
    ("GDB", "Memory tag violation"),
    ("LLDB", "stop reason ="),
    ("Android", "fault addr"),
    ("Android", "Fatal signal"),
)
_TAG_CHECK, _ASYNC = 9, 8
_SIGSEGV = 11
_LLDB = {"sync tag check fault": _TAG_CHECK, "async tag check fault": _ASYNC}


def read(text: str) -> CrashText | None:
    """What `text` says of a crash; None where it says nothing of one.

    Args:
        text: lines, or pieces of them, without control characters but line breaks.
    """
    text = text[:MOST_TEXT]
    source = next((name for name, words in _SOURCES if words in text), "")
    notes: list[str] = []
    signal, signal_as = _signal(text, notes)
    code, code_as = _code(text, signal, notes)
    esr = _ESR.search(text)
    found = syndrome(int(esr[1], 16)) if esr else NOT_IN_TEXT
    if present(found) and found.tag_check and not present(code):
        signal, code = _SIGSEGV, _TAG_CHECK
    for words, number in _LLDB.items():
        if not present(code) and re.search(rf"\b{words}", text):
            signal, code = _SIGSEGV, number
    if not present(code) and "Memory tag violation" in text:  # GDB has no more of it
        signal, code = _SIGSEGV, _TAG_CHECK if _POINTER_TAG.search(text) else _ASYNC
    if isinstance(signal, int) and isinstance(code, int):
        signal_as, code_as = signal_name(signal), code_name(signal, code)
    pid, tid, thread = _who(text)
    crash = CrashText(
        source, signal, signal_as, code, code_as, _address(text), *_tags(text, source),
        found, pid, tid, thread, _cause(text), dict(_registers(text)), tuple(notes),
    )  # fmt: skip
    says = (crash.signal, crash.code, crash.address, crash.syndrome, crash.cause)
    return crash if signal_as or any(present(one) for one in says) else None


def _signal(text: str, notes: list[str]) -> tuple[int | Absent, str]:
    """Number and name; the number wins where they differ."""
    match, named = _SIGNAL.search(text), _NAME.search(text)
    name = named[1] if named else ""
    number: int | Absent = int(match[1]) if match and match[1] else NOT_IN_TEXT
    by_name = signal_number(name)
    if isinstance(number, Absent):
        return by_name if by_name is not None else NOT_IN_TEXT, name
    if by_name is not None and by_name != number:
        notes.append(f"signal {number} is {signal_name(number)}, and not {name} as it says")
    return number, signal_name(number)


def _code(text: str, signal: int | Absent, notes: list[str]) -> tuple[int | Absent, str]:
    match, named = _CODE.search(text), _CODE_NAME.search(text)
    name = named[1] if named else ""
    number: int | Absent = int(match[1]) if match and match[1] else NOT_IN_TEXT
    by_name = code_number(name)
    if isinstance(number, Absent):
        return by_name if by_name is not None else NOT_IN_TEXT, name
    if isinstance(signal, int) and by_name is not None and by_name != number:
        notes.append(f"code {number} is {code_name(signal, number)}, and not {name} as it says")
    return number, name


def _address(text: str) -> int | Absent:
    match = _ADDRESS.search(text)
    if match is None:
        return NOT_IN_TEXT
    return NOT_APPLICABLE if match[1] else int(match[2], 16)


def _tags(text: str, source: str) -> tuple[int | Absent, int | Absent]:
    """The pointer's tag and the memory's; of the kernel's own pointers the low four bits."""
    found: list[int | Absent] = []
    for pattern in (_POINTER_TAG, _MEMORY_TAG):
        match = pattern.search(text)
        found.append(int(match[1], 16) if match else NOT_IN_TEXT)
    if not present(found[1]) and (drawn := _TAG_MAP.search(text)):
        found[1] = int(drawn[1], 16)
    wide = source == "HWASan"  # its tags have eight bits
    pointer, memory = (one if wide else then(one, lambda tag: tag & 0xF) for one in found)
    return pointer, memory


def _who(text: str) -> tuple[int | Absent, int | Absent, str | Absent]:
    kernel = _KERNEL.search(text)
    if kernel:
        return NOT_IN_TEXT, int(kernel[2]), kernel[1]
    pid, tid, named = _PID.search(text), _TID.search(text), _THREAD.search(text)
    thread = (tid and tid[2]) or (named and (named[2] or named[1]).strip()) or NOT_IN_TEXT
    return int(pid[1]) if pid else NOT_IN_TEXT, int(tid[1]) if tid else NOT_IN_TEXT, thread


def _cause(text: str) -> str | Absent:
    match = _CAUSE.search(text)
    return match[1].strip() if match else NOT_IN_TEXT


def _registers(text: str) -> Iterator[tuple[str, int]]:
    for match in _REGISTER.finditer(text):
        yield match[1], int(match[2], 16)
