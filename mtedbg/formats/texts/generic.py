"""Lines of nobody in particular: words of siginfo in any order, or the name of a code alone.

The order of evidence: a code by number and name ("code 9 (SEGV_MTESERR)") is a crash wherever it
stands. The name of a code or a signal by itself, or a cause, is one only where the text has no
other crash and is short: in a long log it may be anything.
"""

from __future__ import annotations

import re

from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import SEGV_MTESERR, SIGSEGV
from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import FATAL_NUMBERS, android_frame, registers, tag_row
from mtedbg.formats.texts.lines import Line
from mtedbg.formats.texts.messages import GLIBC, last_words
from mtedbg.model.absent import present

NAME = ""
SHORT = 200
"""Lines of a text in which a word alone counts."""

_PAIR = re.compile(
    r"\b(?:si_)?code\b[ :=(]{1,4}(-?\d{1,9}) ?\(((?:SEGV|BUS|ILL|FPE|TRAP|SI)_[A-Z_]{3,16})\)"
)
_CODE = re.compile(r"\b(?:si_)?code\b[ :=(]{1,4}(?:(-?\d{1,9})\b|([A-Z]{2,5}_[A-Z_]{3,16}))")
_NAMED = re.compile(r"\b((?:SEGV|BUS|ILL|FPE)_[A-Z]{3,16})\b")
_SIGNAL = re.compile(r"\b(?:signal|si_signo)\b[ :=(]{1,4}(\d{1,3})\b(?: ?\((SIG[A-Z]{2,8})\))?")
_SIGNAL_NAME = re.compile(r"\b(SIG(?:SEGV|BUS|ILL|FPE|ABRT|SYS))\b")
_ADDRESS = re.compile(
    r"\b(?:fault addr(?:ess)?|faultAddr|si_addr|(?:while )?accessing (?:address )?|fault at)"
    r"[ :=(]{0,4}"
    r"(?:(-{4,})|((?:0x)?[0-9a-fA-F]{2,16})"
    r"\b)",
    re.IGNORECASE,
)
_TAG = r"\W{0,3} ?(?:0x)?([0-9a-fA-F]{1,2})\b"
_POINTER_TAG = re.compile(rf"\b(?:logical|pointer|ptr) tag{_TAG}", re.IGNORECASE)
_MEMORY_TAG = re.compile(rf"\b(?:allocation|memory|mem) tag{_TAG}", re.IGNORECASE)
_ESR = re.compile(r"\bESR(?:_EL1)?\b[ :=]{0,3}(?:0x)?([0-9a-fA-F]{8,16})\b", re.IGNORECASE)
_CAUSE = re.compile(r"\bCause: (\[(?:MTE|GWP-ASan)\]: .{1,512})$")
_PID = re.compile(r"\bpid\b[ :=]{1,3}(\d{1,10})")
_TID = re.compile(r"\btid\b[ :=]{1,3}(\d{1,10})(?: ?\(([^)\n]{1,64})\))?")
_MTE_WORDS = re.compile(r"\b(?:synchronous|sync) tag check fault\b", re.IGNORECASE)
_MTE_ASYNC = re.compile(r"\basync(?:hronous)? tag check fault\b", re.IGNORECASE)


def _start(line: Line) -> Draft | None:
    text = line.text
    pair = _PAIR.search(text)
    draft = Draft.at(line, NAME, rank=1, weak=True)
    if not _facts(draft, text):
        return None
    signal = _SIGNAL.search(text)
    if (pair and (not signal or int(signal[1]) in FATAL_NUMBERS)) or (
        signal and _CODE.search(text) and _ADDRESS.search(text)
    ):
        draft.weak = False
    return draft


def _facts(draft: Draft, text: str) -> bool:
    """Everything that the line tells; whether that is anything of a crash."""
    told = False
    if found := _SIGNAL.search(text):
        draft.raised(found[1], found[2] or "")
        told = told or int(found[1]) in FATAL_NUMBERS or bool(found[2])
    elif found := _SIGNAL_NAME.search(text):
        draft.raised(None, found[1])
        told = True
    if found := _CODE.search(text):
        named = _NAMED.search(text)
        draft.coded(found[1], found[2] or (named[1] if named else ""))
        told = told or present(draft.signal)
    elif found := _NAMED.search(text):
        draft.coded(None, found[1])
        told = True
    if found := _ADDRESS.search(text):
        draft.at_address(found[2] or "")
    for pattern, name in ((_POINTER_TAG, "logical_tag"), (_MEMORY_TAG, "allocation_tag")):
        if found := pattern.search(text):
            setattr(draft, name, int(found[1], 16))
    if found := _ESR.search(text):
        draft.syndrome = syndrome(int(found[1], 16))
        if draft.syndrome.tag_check and not present(draft.code):
            draft.raised(SIGSEGV)
            draft.coded(SEGV_MTESERR)
            told = True
    if found := _CAUSE.search(text):
        draft.cause(found[1])
        told = True
    if not present(draft.code) and (_MTE_WORDS.search(text) or _MTE_ASYNC.search(text)):
        draft.raised(SIGSEGV)
        draft.coded(8 if _MTE_ASYNC.search(text) else 9)
        told = True
    if found := GLIBC.search(text):
        draft.said(found[0])
        draft.cause(f"glibc: {found[0]}")
        told = True
    if last_words(draft, text):
        told = True
    if found := _PID.search(text):
        draft.pid = int(found[1])
    if found := _TID.search(text):
        draft.tid, draft.thread = int(found[1]), found[2] or ""
    return told


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if frame := android_frame(text):
        draft.frame(frame)
        return True
    if row := tag_row(text):
        draft.row(row)
        return True
    if registers(draft, text):
        return True
    if draft.weak and draft.idle and _PAIR.search(text):
        return False  # the words before it are of something else
    other = Draft(NAME, weak=True)
    if not _facts(other, text):
        if any(
            present(one)
            for one in (other.address, other.logical_tag, other.allocation_tag, other.pid)
        ):
            draft.take(other)
            return True
        return False
    for mine, its in (
        (draft.signal, other.signal),
        (draft.code, other.code),
        (draft.address, other.address),
    ):
        if present(mine) and present(its) and mine != its:
            return False
    draft.take(other)
    draft.weak = draft.weak and not _PAIR.search(text)
    return True


SURE = ("SEGV_", "BUS_", "ILL_", "FPE_", "si_code")
"""Marks of lines that tell of a crash in a long text too."""

WRITER = Writer(
    NAME,
    (
        "SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE", "SIGSYS", "signal", "si_signo", "SEGV_",
        "BUS_", "ILL_", "FPE_", "Cause: [", "tag check fault", "ESR", "si_code", "malloc", "free()",
        "double free", "stack smashing", "corrupted",
    ),
    _start,
    _more,
    keep=20,
)  # fmt: skip
