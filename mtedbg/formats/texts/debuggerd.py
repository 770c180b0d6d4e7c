"""Android's crash_dump: text tombstones, and the part of them that goes to logcat.

Source: AOSP, platform/system/core, debuggerd/libdebuggerd/tombstone_proto_to_text.cpp, and its
tombstone.cpp before Android 12. Other threads than the one that died, logs, memory and mappings are
not read here: `formats/tombstone_text.py` reads a whole tombstone.
"""

from __future__ import annotations

import re

from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import signal_number
from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import android_frame, registers, tag_row
from mtedbg.formats.texts.lines import Line
from mtedbg.formats.texts.messages import last_words
from mtedbg.model.absent import present

NAME = "Android"
RANK = 50

BANNER = re.compile(r"^(?:\*\*\* ){5,}")
PID = re.compile(
    r"\bpid: (\d{1,10})(?:, ppid: \d{1,10})?, tid: (\d{1,10})(?:, name: (.{0,64}?))?"
    r"\s*>>>\s(.{0,512}?)(?: <<<|$)"
)
SIGNAL = re.compile(
    r"(?<!Fatal )(?<!\w)signal (\d{1,3}) \(([^)]{1,32})\),? code (-?\d{1,9})(?: \((\w{1,24})"
    r"(?: from pid (\d{1,10}), uid (\d{1,10}))?\))?"
    r"(?:,? ?fault addr(?:ess)? (-{4,}|(?:0x)?[0-9a-fA-F]{1,16})\b)?(?:.{0,24}?\((read|write)\))?"
)
CAUSE = re.compile(
    r"^\s*Cause: ((?:\[[\w-]{2,24}\]:|null pointer|execute-only|seccomp|stack |call to |fault|"
    r"unaligned).{0,1023})$"
)
"""As tombstone_proto.cpp has them: of a log's other lines with "Cause: " none is meant."""
ABORT = re.compile(r"^\s*Abort message: ?'(.{0,4000}?)(?:'\s*)?$")
DETAIL = re.compile(r"^\s*Extra crash detail: (.{1,128}?): '(.{0,1024}?)'?$")
STACK = re.compile(r"^\s*(de)?allocated by thread (\d{1,20}):?")
CONTROL = re.compile(r"tagged_addr_ctrl: ([0-9a-fA-F]{1,16})\b")
ESR = re.compile(r"^\s*esr:? (?:0x)?([0-9a-fA-F]{8,16})\b")
RECORD = re.compile(
    r"stack_record fp:0x([0-9a-f]{1,16}) tag:0x([0-9a-f]{1,16}) pc:(\S{1,512}?)\+0x([0-9a-f]{1,16})"
    r"(?: \(BuildId: ([0-9a-f]{1,64})\))?"
)
_PLAIN_FACTS = (
    ("build", re.compile(r"Build fingerprint: '(.{0,512}?)'?\s*$")),
    ("kernel", re.compile(r"Kernel Release: '(.{0,256}?)'?\s*$")),
    ("revision", re.compile(r"^\s*Revision: '(.{0,128}?)'?\s*$")),
    ("abi", re.compile(r"^\s*ABI: '(\w{1,16})'?")),
    ("guest abi", re.compile(r"Guest architecture: '(\w{1,16})'?")),
    ("time", re.compile(r"^\s*Timestamp: (\S.{0,64}?)\s*$")),
    ("uptime", re.compile(r"Process uptime: (\d{1,12}s)")),
    ("page size", re.compile(r"Page size: (\d{1,9} bytes)")),
    ("executable", re.compile(r"^\s*Executable: (\S.{0,512}?)\s*$")),
    ("command line", re.compile(r"^\s*Cmdline: (\S.{0,1024}?)\s*$")),
    ("uid", re.compile(r"^\s*uid: (\d{1,10})")),
    ("pac keys", re.compile(r"pac_enabled_keys: [0-9a-f]{1,16}(?: \((.{1,128}?)\))?")),
    ("memory", re.compile(r"^--->(?:Fault address falls at )?(\S.{0,512}?)\s*$")),
)
_OTHERS = re.compile(r"^\s*(?:--- ){5,}")
_BACKTRACE = re.compile(r"^\s*(?:\d{1,5} total frames|backtrace:)\s*$")
_NOTE = re.compile(r"^\s*N(?:ote|OTE): ")
_SKIPPED = re.compile(
    r"^\s*(?:Memory tags around|Learn more about MTE|memory near |memory map |open files:|"
    r"stack:|code around |No memory maps|Guest thread information|Has been in 16kb|"
    r"-{5,} (?:tail end of )?log |\s+(?:in this process\. |switch that was)|failed to )"
)
_MEMORY = re.compile(r"^\s{2,}(?:--->)?[0-9a-f]{8,16}'?[0-9a-f]{0,8}(?:-[0-9a-f]{8}'[0-9a-f]{8})? ")
_NO_CRASH = 35
"""BIONIC_SIGNAL_DEBUGGER: somebody asked for a dump (bionic's reserved_signals.h)."""


def _start(line: Line) -> Draft | None:
    text = line.text
    if BANNER.match(text.lstrip()):
        draft = Draft.at(line, NAME, rank=RANK, section="banner")
        draft.weak = True  # until it says what it is about
        return draft
    if ("pid: " in text and PID.search(text)) or ("signal " in text and SIGNAL.search(text)):
        draft = Draft.at(line, NAME, rank=RANK)
        _more(draft, line)
        return draft
    if "tagged_addr_ctrl" in text or "Build fingerprint" in text or _begins(text):
        draft = Draft.at(line, NAME, rank=RANK, section="banner", weak=True)
        _more(draft, line)
        return draft
    return None


def _begins(text: str) -> bool:
    return text.lstrip().startswith("Cmdline: ")


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if BANNER.match(text.lstrip()):
        return draft.section == "banner" and not present(draft.pid)
    if _OTHERS.match(text):
        draft.section = "others"
        return True
    if found := PID.search(text):
        return _who(draft, found)
    if (found := SIGNAL.search(text)) and draft.section != "others":
        return _signal(draft, found)
    if draft.section == "others":  # all that follows is of other threads
        return bool(
            android_frame(text) or _BACKTRACE.match(text) or _SKIPPED.match(text)
            or _MEMORY.match(text) or registers(Draft(NAME), text) or not text.strip()
            or "tagged_addr_ctrl" in text or "uid: " in text or "Cmdline: " in text
            or text.lstrip().startswith(("fd ", "pac_enabled"))
        )  # fmt: skip
    return _fact(draft, text) or _listing(draft, text)


def _who(draft: Draft, found: re.Match[str]) -> bool:
    pid, tid = int(found[1]), int(found[2])
    if draft.section == "others":
        return draft.pid == pid
    same = (draft.pid in (pid, 0) or pid == 0) and draft.tid == tid
    if "signalled" in draft.seen and "named" not in draft.seen:
        return False  # the line of the process comes before that of the signal
    if present(draft.tid) and present(draft.pid) and (not same or "named" in draft.seen):
        return False
    draft.pid, draft.tid, draft.weak = pid if pid else draft.pid, tid, False
    draft.thread = (found[3] or "").strip() or draft.thread
    draft.process = found[4].strip() or draft.process
    draft.seen.add("named")
    return True


def _signal(draft: Draft, found: re.Match[str]) -> bool:
    if "signalled" in draft.seen:
        return False
    number, code = int(found[1]), int(found[3])
    if draft.signal not in (number,) and present(draft.signal):
        return False
    draft.seen.add("signalled")
    draft.weak = False
    named = signal_number(found[2]) is not None or found[2].startswith("SIG")
    draft.raised(number, found[2] if named else "")
    draft.coded(code, found[4] or "")
    draft.at_address(found[7] or "")
    if found[8]:
        draft.access = "store" if found[8] == "write" else "load"
    if found[5]:
        draft.fact("sender", f"process {found[5]}, user {found[6]}")
    if number == _NO_CRASH:
        draft.killed = False
    return True


def _fact(draft: Draft, text: str) -> bool:
    """Lines that tell one thing."""
    if found := CAUSE.match(text):
        draft.cause(found[1])
        draft.section = "causes"
        draft.weak = False
        return True
    if found := ABORT.match(text):
        draft.said(found[1])
        last_words(draft, found[1])
        draft.section = "abort" if not text.rstrip().endswith("'") else draft.section
        return True
    if found := CONTROL.search(text):
        draft.control = int(found[1], 16)
        return True
    if found := DETAIL.match(text):
        draft.fact(f"detail {found[1]}", found[2])
        return True
    if found := ESR.match(text):
        draft.syndrome = syndrome(int(found[1], 16))
        return True
    if found := RECORD.search(text):
        where = f"frame 0x{found[1]}, tag 0x{found[2]}, {found[3]}+0x{found[4]}"
        draft.fact(
            f"stack record {sum(n.startswith('stack record') for n, _ in draft.facts)}", where
        )
        return True
    for about, pattern in _PLAIN_FACTS:
        if found := pattern.search(text):
            if about == "pac keys" and not found[1]:
                return True
            draft.fact(about, found[1])
            return True
    return False


def _listing(draft: Draft, text: str) -> bool:
    """Lines of what has many: stacks, tags, registers."""
    if frame := android_frame(text):
        draft.frame(frame)
        return True
    if found := STACK.match(text):
        draft.stack(f"{'freed' if found[1] else 'allocated'} by thread {found[2]}")
        return True
    if _BACKTRACE.match(text):
        draft.section = "frames"
        return True
    if row := tag_row(text):
        draft.row(row)
        return True
    if _SKIPPED.match(text):
        if text.lstrip().startswith(("memory near", "memory map", "stack:", "code around")):
            draft.section = "memory"
        return True
    if draft.section == "memory" and _MEMORY.match(text):
        return True
    if draft.section not in ("memory", "stack") and registers(draft, text):
        return True
    if _NOTE.match(text):
        return True
    if draft.section == "abort" and text.strip():  # a message of several lines
        draft.message = f"{draft.message}\n{text.rstrip().rstrip(chr(39))}"[:4000]
        last_words(draft, text)
        if text.rstrip().endswith("'"):
            draft.section = ""
        return True
    return False


WRITER = Writer(
    NAME,
    (
        "*** *** ***",
        ">>>",
        "), code ",
        ") code ",
        "Build fingerprint",
        "tagged_addr_ctrl",
        "Cmdline: ",
    ),
    _start,
    _more,
    keep=200,
)
