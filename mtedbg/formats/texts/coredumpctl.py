"""systemd's coredumpctl: `info`, and the message that systemd-coredump leaves in the journal.

Source: systemd, src/coredump/coredumpctl.c (print_info), coredump.c ("Process … dumped core").
There is no si_code and no address in it: the core has them.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "coredumpctl"
_FIELD = re.compile(r"^\s*([A-Z][A-Za-z ]{1,16}): (\S.{0,1024}?)\s*$")
_PID = re.compile(r"^(\d{1,10})(?: \((.{1,64}?)\))?$")
_SIGNAL = re.compile(r"^(\d{1,3}) \(([A-Z]{2,8})\)$")
_DUMPED = re.compile(
    r"Process (\d{1,10}) \((.{1,64}?)\) of user (\d{1,10}) (?:dumped core|terminated abnormally)"
)
_STACK = re.compile(r"^\s*(?:ELF object binary|Stack trace of thread (\d{1,10}):)")
_FRAME = re.compile(
    r"^\s*#(\d{1,3})\s+(0x[0-9a-fA-F]{1,16}) (\S.{0,512}?) \((\S{1,512}?)(?: \+ "
    r"(0x[0-9a-fA-F]{1,16}))?\)\s*$"
)
_FACTS = {
    "Storage": "core", "Executable": "executable", "Command Line": "command line", "Unit": "unit",
    "Timestamp": "time", "UID": "uid", "Hostname": "host", "Size on Disk": "core size",
    "Boot ID": "boot", "Machine ID": "machine", "Disk Size": "core size",
}  # fmt: skip


def _start(line: Line) -> Draft | None:
    text = line.text
    if found := _DUMPED.search(text):
        draft = Draft.at(line, NAME, rank=15)
        draft.pid, draft.process = int(found[1]), found[2]
        draft.fact("uid", found[3])
        return draft
    found = _FIELD.match(text)
    if found is None or found[1] != "PID" or not _PID.match(found[2]):
        return None
    draft = Draft.at(line, NAME, rank=15, weak=True)
    _more(draft, line)
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if found := _DUMPED.search(text):
        return not present(draft.pid) or draft.pid == int(found[1])
    if found := _STACK.match(text):
        if found[1]:
            draft.section = "frames" if not draft.frames else "others"
            draft.tid = int(found[1]) if not draft.frames else draft.tid
        return True
    if found := _FRAME.match(text):
        if draft.section != "others":
            draft.frame(
                TextFrame(
                    "" if found[3] == "n/a" else found[3], file=found[4],
                    file_offset=int(found[5], 16) if found[5] else NOT_IN_TEXT,
                    pc=int(found[2], 16),
                )
            )  # fmt: skip
        return True
    if found := _FIELD.match(text):
        return _field(draft, found[1].strip(), found[2])
    return text.strip().startswith(("Module ", "Found module")) or not text.strip()


def _field(draft: Draft, name: str, value: str) -> bool:
    if name == "PID":
        who = _PID.match(value)
        if who is None or (present(draft.pid) and draft.pid != int(who[1])):
            return False
        if "pid" in draft.seen:
            return False
        draft.seen.add("pid")
        draft.pid, draft.process = int(who[1]), who[2] or draft.process
    elif name == "Signal":
        if signal := _SIGNAL.match(value):
            draft.raised(signal[1], f"SIG{signal[2]}")
            draft.weak = False
    elif name == "Message":
        return True
    elif name in _FACTS:
        draft.fact(_FACTS[name], value)
    else:
        return name in (
            "GID",
            "Owner UID",
            "Control Group",
            "Slice",
            "User Unit",
            "Package",
            "Invocation",
        )
    return True


WRITER = Writer(NAME, ("dumped core", "PID: ", "terminated abnormally"), _start, _more, keep=40)
