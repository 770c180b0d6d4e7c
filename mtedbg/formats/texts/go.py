"""Go's runtime: `[signal SIGSEGV: segmentation violation code=… addr=… pc=…]`.

Source: Go, src/runtime/signal_unix.go (sigpanic, fatalsignal), panic.go, traceback.go,
signal_linux_arm64.go (dumpregs).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer, hexadecimal
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "Go"
_ADDRESS = re.compile(r"^\s*unexpected fault address (0x[0-9a-fA-F]{1,16})")
_FATAL = re.compile(r"^\s*(?:fatal error: (.{1,256})|panic: (runtime error: .{1,256}))$")
_SIGNAL = re.compile(
    r"\[signal (SIG[A-Z]{2,8}|0x[0-9a-f]{1,4})(?:: .{1,64}?)? code=(-?(?:0x)?[0-9a-f]{1,8}) "
    r"addr=(0x[0-9a-fA-F]{1,16})"
    r" pc=(0x[0-9a-fA-F]{1,16})"
    r"\]"
)
_CGO = re.compile(
    r"^\s*(SIG[A-Z]{2,8}): (?:segmentation violation|bus error|abort|illegal instruction)\s*$"
)
_PC = re.compile(
    r"^\s*PC=(0x[0-9a-fA-F]{1,16}) m=\d{1,9} sigcode=(-?\d{1,9})(?: addr=(0x[0-9a-fA-F]{1,16}))?"
)
_ROUTINE = re.compile(
    r"^\s*goroutine (\d{1,12})(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[(.{1,64}?)\](?:, .{0,64})?:"
)
_CALL = re.compile(r"^([\w./()*·\[\]{}-]{2,512}?)\((.{0,512})\)\s*$")
_PLACE = re.compile(
    r"^\s{1,8}(\S{1,512}:\d{1,9})(?: \+(0x[0-9a-f]{1,8}))?(?:.{0,64}? pc=(0x[0-9a-fA-F]{1,16}))?"
)
_REGISTER = re.compile(r"^\s*(r\d{1,2}|lr|sp|pc|fault)\s{1,8}(0x[0-9a-fA-F]{1,16})\s*$")


def _start(line: Line) -> Draft | None:
    text = line.text
    if not (_ADDRESS.match(text) or _SIGNAL.search(text) or _CGO.match(text)):
        return None
    draft = Draft.at(line, NAME, rank=48)
    draft.weak = bool(_CGO.match(text))
    if line.pid is not None:
        draft.pid = line.pid
    _more(draft, line)
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if found := _ADDRESS.match(text):
        if present(draft.address):
            return False
        draft.at_address(found[1])
        return True
    if found := _SIGNAL.search(text):
        if "signal" in draft.seen:
            return False
        if present(draft.address) and draft.address != hexadecimal(found[3]):
            return False
        draft.seen.add("signal")
        number = found[1]
        draft.raised(*((None, number) if number.startswith("SIG") else (int(number, 16), "")))
        draft.coded(int(found[2], 0))
        draft.at_address(found[3])
        draft.register("pc", int(found[4], 16))
        return True
    if found := _CGO.match(text):
        if present(draft.signal):
            return False
        draft.raised(None, found[1])
        return True
    if found := _PC.match(text):
        draft.weak = False
        draft.coded(found[2])
        draft.register("pc", int(found[1], 16))
        draft.at_address(found[3] or "")
        return True
    if found := _FATAL.match(text):
        draft.said(found[1] or found[2])
        return True
    return _trace(draft, text)


def _trace(draft: Draft, text: str) -> bool:
    if found := _ROUTINE.match(text):
        draft.section = "frames" if "routine" not in draft.seen else "others"
        draft.seen.add("routine")
        draft.fact("goroutine", f"{found[1]} [{found[2]}]")
        return True
    if draft.section in ("frames", "place") and (found := _PLACE.match(text)) and draft.frames:
        last = draft.frames[-1]
        pc = hexadecimal(found[3])
        draft.frames[-1] = TextFrame(
            last.function, int(found[2], 16) if found[2] else NOT_IN_TEXT,
            pc=NOT_IN_TEXT if pc is None else pc, source=found[1],
        )  # fmt: skip
        return True
    if draft.section == "others":
        return bool(_CALL.match(text.strip()) or _PLACE.match(text) or not text.strip())
    if draft.section == "frames" and (found := _CALL.match(text.strip())):
        draft.frame(TextFrame(found[1]))
        return True
    if found := _REGISTER.match(text):
        name = found[1].replace("r", "x") if found[1] != "lr" else "x30"
        if name == "fault":
            draft.at_address(found[2])
        else:
            draft.register(name, int(found[2], 16))
        return True
    return not text.strip() or text.strip().startswith(("runtime stack:", "signal arrived"))


WRITER = Writer(
    NAME,
    ("unexpected fault address 0x", "[signal ", ": segmentation violation", ": bus error"),
    _start,
    _more,
    keep=80,
)
