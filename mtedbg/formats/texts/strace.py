"""strace's lines of signals: of several, the one that killed is the crash.

Source: strace, src/signal.c, src/printsiginfo.c, src/strace.c ("+++ killed by").
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import FATAL
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT

NAME = "strace"
_PID = re.compile(r"(?:\[pid\s+(\d{1,10})\]|^\s*(\d{1,10})\s)")
_SIGNAL = re.compile(
    r"--- (SIG[A-Z]{2,8}) \{si_signo=SIG[A-Z]{2,8}, si_code=(\w{2,24}|-?\d{1,9})(?: /\* "
    r"\S{1,32} \*/)?"
    r"(?:, si_addr=(NULL|0x[0-9a-fA-F]{1,16}))?(?:, si_pid=(\d{1,10}))"
    r"?"
)
_KILLED = re.compile(r"\+\+\+ killed by (SIG[A-Z]{2,8})")
_EXITED = re.compile(r"\+\+\+ exited with (\d{1,3})")


def _pid(text: str) -> int | None:
    found = _PID.search(text[: text.find("---") if "---" in text else text.find("+++")])
    return int(found[1] or found[2]) if found else None


def _start(line: Line) -> Draft | None:
    text = line.text
    if found := _KILLED.search(text):
        if found[1] not in FATAL:
            return None
        draft = Draft.at(line, NAME, rank=30, ended=True)
        draft.raised(None, found[1])
        draft.tid = pid if (pid := _pid(text)) is not None else draft.tid
        return draft
    found = _SIGNAL.search(text)
    if found is None or found[1] not in FATAL or found[1] == "SIGTRAP":
        return None
    draft = Draft.at(line, NAME, rank=30)
    _signal(draft, found, text)
    return draft


def _signal(draft: Draft, found: re.Match[str], text: str) -> None:
    draft.signal, draft.code, draft.address = NOT_IN_TEXT, NOT_IN_TEXT, NOT_IN_TEXT
    draft.raised(None, found[1])
    if found[2].lstrip("-").isdigit():
        draft.coded(found[2])
    else:
        draft.coded(None, found[2])
    if found[3]:
        draft.at_address("0" if found[3] == "NULL" else found[3])
    if found[4]:
        draft.facts = [one for one in draft.facts if one[0] != "sender"]
        draft.fact("sender", f"process {found[4]}")
    draft.tid = pid if (pid := _pid(text)) is not None else draft.tid


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "+++ " not in text and "--- SIG" not in text:
        return False
    pid = _pid(text)
    mine = pid is None or not present(draft.tid) or pid == draft.tid
    if found := _KILLED.search(text):
        if not mine and "killed" in draft.seen:
            return False
        draft.seen.add("killed")
        draft.ended = mine
        return True
    if _EXITED.search(text) and mine:
        draft.dropped = draft.ended = True  # a handler took it, and the process went on
        return True
    found = _SIGNAL.search(text)
    if found is None or found[1] not in FATAL or not mine:
        return False
    before = draft.signal_as, draft.code_as, draft.address
    _signal(draft, found, text)
    if before[:2] != (draft.signal_as, draft.code_as):
        at = f" at {before[2]:#x}" if isinstance(before[2], int) else ""
        draft.note(f"before it the same thread got {before[0]} {before[1]}{at}")
    return True


WRITER = Writer(NAME, ("--- SIG", "+++ killed by SIG"), _start, _more, keep=2000)
