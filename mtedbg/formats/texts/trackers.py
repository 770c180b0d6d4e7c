"""Crash trackers' texts: Crashlytics, Sentry.

Sources: Firebase's documentation of Crashlytics for the NDK and the text that its console exports
("Crashed: thread: SIGSEGV  0x…"); Sentry's native SDK (sentry-native, src/backends) and its
processing of minidumps ("Fatal Error: SIGSEGV / SEGV_MTESERR / 0x…"), sentry-java's tombstone
integration ("Fatal signal SIGSEGV (11), SEGV_MTESERR (9), pid = …").
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer, hexadecimal
from mtedbg.formats.texts.grammar import android_frame, registers, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

CRASHLYTICS, SENTRY = "Crashlytics", "Sentry"
_CRASHED = re.compile(
    r"^\s*Crashed: (.{0,64}?)\s*:?\s+(SIG[A-Z]{2,8})(?:[ /]{1,3}([A-Z]{2,5}_[A-Z]{3,12}))?"
    r"\s+(0x[0-9a-fA-F]{1,16})"
)
_HEADER = re.compile(r"^#\s*(Application|Version|Issue|Session|Date|Platform): (\S.{0,256}?)\s*$")
_SENTRY = re.compile(
    r"(?:Fatal Error: |(?<![\w/]))(SIG[A-Z]{2,8}) ?/ ?(?:([A-Z]{2,5}_[A-Z]{3,12})|"
    r"(0x[0-9a-fA-F]{1,8}|-?\d{1,9}))"
    r"(?: ?/ ?(0x[0-9a-fA-F]{1,16}))"
    r"?"
)
_JAVA = re.compile(
    r"Fatal signal (SIG[A-Z]{2,8}) \((\d{1,3})\), ([A-Z_]{5,24}) \((-?\d{1,9})\)(?:, pid = "
    r"(\d{1,10})(?: \((.{0,128}?)\))?)?"
)
_META = re.compile(r'"(number|code|name|code_name|errno)"\s*:\s*("?)([\w-]{1,32})\2')
_META_START = re.compile(r'"signal"\s*:\s*\{')
_ADDRESS = re.compile(r'"(?:address|fault_address|relevant_address)"\s*:\s*"?(0x[0-9a-fA-F]{1,16})')


def _crashlytics(line: Line) -> Draft | None:
    found = _CRASHED.match(line.text)
    if found is None:
        return None
    draft = Draft.at(line, CRASHLYTICS, rank=44)
    draft.thread = found[1]
    draft.raised(None, found[2])
    if found[3]:
        draft.coded(None, found[3])
    draft.at_address(found[4])
    return draft


def _sentry(line: Line) -> Draft | None:
    text = line.text
    if found := _JAVA.search(text):
        draft = Draft.at(line, SENTRY, rank=44)
        draft.raised(found[2], found[1])
        draft.coded(found[4], found[3])
        draft.pid = int(found[5]) if found[5] else draft.pid
        draft.process = found[6] or ""
        return draft
    if found := _SENTRY.search(text):
        draft = Draft.at(line, SENTRY, rank=44)
        draft.raised(None, found[1])
        if found[2]:
            draft.coded(None, found[2])
        elif found[3]:
            draft.coded(int(found[3], 0))
        draft.at_address(found[4] or "")
        return draft
    if _META_START.search(text):
        draft = Draft.at(line, SENTRY, rank=44, section="meta", weak=True)
        _meta(draft, text)
        return draft
    return None


def _meta(draft: Draft, text: str) -> bool:
    rows = {name: value for name, _, value in _META.findall(text)}
    if "number" in rows and rows["number"].isdigit():
        draft.raised(
            rows["number"], rows.get("name", "") if rows.get("name", "").startswith("SIG") else ""
        )
    if "code" in rows and rows["code"].lstrip("-").isdigit():
        draft.coded(rows["code"], rows.get("code_name", ""))
        draft.weak = False
    elif "code_name" in rows:
        draft.coded(None, rows["code_name"])
        draft.weak = False
    if found := _ADDRESS.search(text):
        draft.at_address(found[1])
    return bool(rows) or bool(found)


def _start(line: Line) -> Draft | None:
    return _crashlytics(line) or _sentry(line)


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _CRASHED.match(text) or _JAVA.search(text) or _META_START.search(text):
        return False
    if _SENTRY.search(text):
        return False
    if found := _HEADER.match(text):
        draft.fact(found[1].lower(), found[2])
        return True
    if draft.section == "meta" or text.lstrip().startswith('"'):
        return _meta(draft, text)
    if frame := android_frame(text):
        draft.frame(frame)
        return True
    if registers(draft, text):
        return True
    if frame := _frame(text):
        draft.frame(frame)
        return True
    return False


def _frame(text: str) -> TextFrame | None:
    """`0x7b001234 libgo.so go::Mesh::draw()`, with or without level and address."""
    words = text.split(None, 3)
    if words and (words[0] == "at" or words[0].lstrip("#").isdigit()):
        words = text.split(None, 4)[1:]
    pc = hexadecimal(words[0]) if words and words[0].startswith("0x") else None
    if pc is not None:
        words = words[1:]
    if len(words) < 2 or (pc is None and not words[0].endswith(".so")):
        return None
    function, offset = with_offset(" ".join(words[1:]).replace(" + ", "+"))
    return TextFrame(function, offset, words[0], pc=NOT_IN_TEXT if pc is None else pc)


WRITER = Writer(
    SENTRY,
    (
        "Crashed: ",
        "Fatal signal SIG",
        "Fatal Error: SIG",
        " / SEGV_",
        " / BUS_",
        " / 0x",
        '"signal"',
    ),
    _start,
    _more,
    keep=20,
)
