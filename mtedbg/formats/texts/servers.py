"""Database servers' words of a crash of theirs, and shells' of a program that they started.

Sources: MySQL and MariaDB, sql/signal_handler.cc ("got signal %d"); PostgreSQL,
src/backend/postmaster/postmaster.c (LogChildExit); ClickHouse, src/Common/SignalHandlers.cpp
(onFault) and src/Common/StackTrace.cpp (signalToErrorMessage: the code in words); bash, jobs.c
(print_pipeline) and strsignal(3).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import FATAL_NUMBERS, SIGNAL_WORDS, is_handlers
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

MYSQL, POSTGRES, CLICKHOUSE, SHELL = "MySQL", "PostgreSQL", "ClickHouse", "a shell"
_MYSQL = re.compile(r"\b(mysqld|mariadbd) got signal (\d{1,3}) ?;?")
_MYSQL_FRAME = re.compile(
    r"^\s*(\S{1,512}?)\((\S{0,512}?)(?:\+(0x[0-9a-fA-F]{1,16}))?\) ?\[(0x[0-9a-fA-F]{1,16})\]"
)
_POSTGRES = re.compile(
    r"\b([a-z][\w ./:-]{2,64}?) \(PID (\d{1,10})\) was terminated by signal (\d{1,3})\b"
)
_DETAIL = re.compile(r"\bDETAIL: {1,2}Failed process was running: (.{1,512})$")
_CLICKHOUSE = re.compile(
    r"<Fatal> BaseDaemon: \(version (.{1,256}?)\) \(from thread (\d{1,10})\).{0,512}? Received "
    r"signal (?:[A-Z][\w ]{2,48} )?\(?(\d{1,3})\)?"
)
_ADDRESS = re.compile(
    r"<Fatal> BaseDaemon: Address: (0x[0-9a-fA-F]{1,16}|NULL pointer)\.? ?"
    r"(?:Access: (read|write|<.{1,64}?>)\.?)? ?(.{0,128})$"
)
_CODES = {
    "Address not mapped to object": "SEGV_MAPERR",
    "Attempted access has violated the permissions assigned to the memory area": "SEGV_ACCERR",
}
_FRAME = re.compile(
    r"<Fatal> BaseDaemon: (\d{1,4})(?:\.\d{1,3})?\. (\S.{0,1000}?)(?: @ (0x[0-9a-fA-F]{1,16}))?"
    r"(?: in (\S{1,512}))?$"
)
_SIGNALS = SIGNAL_WORDS | {"Trace/breakpoint trap": "SIGTRAP", "Bad system call": "SIGSYS"}
_SHELL = re.compile(
    r"(?:^|: )(?:line \d{1,9}: )?\s{0,8}(?:(\d{1,10}) )?"
    rf"({'|'.join(_SIGNALS)})\s{{1,20}}(?:\((core dumped)\))?\s{{0,20}}(\S.{{0,512}})?$"
)


def _start(line: Line) -> Draft | None:
    text = line.text
    if found := _MYSQL.search(text):
        draft = Draft.at(line, MYSQL, rank=30)
        draft.process = found[1]
        draft.raised(found[2])
    elif found := _CLICKHOUSE.search(text):
        draft = Draft.at(line, CLICKHOUSE, rank=30)
        draft.fact("version", found[1])
        draft.tid = int(found[2])
        draft.raised(found[3])
        return draft
    elif (found := _POSTGRES.search(text)) and int(found[3]) in FATAL_NUMBERS:
        draft = Draft.at(line, POSTGRES, rank=30)
        draft.process, draft.pid = f"postgres: {found[1]}", int(found[2])
        draft.raised(found[3])
        return draft
    elif (found := _SHELL.search(text)) and (found[1] or found[3]):
        draft = Draft.at(line, SHELL, rank=20)
        draft.raised(None, _SIGNALS[found[2]])
        draft.pid = int(found[1]) if found[1] else draft.pid
        draft.process = (found[4] or "").strip()
        draft.fact("core", found[3] and "dumped")
        return draft
    else:
        return None
    if line.pid is not None:
        draft.pid = line.pid
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if draft.writer == POSTGRES and (found := _DETAIL.search(text)):
        draft.fact("query", found[1])
        draft.ended = True
        return True
    if draft.writer == CLICKHOUSE:
        return _clickhouse(draft, text)
    if draft.writer == MYSQL and (found := _MYSQL_FRAME.match(text)):
        name = found[2]
        if is_handlers(draft, name, found[1]):
            return True
        offset = int(found[3] or "0", 16)
        draft.frame(TextFrame(name, offset, found[1], pc=int(found[4], 16)))
        return True
    return False


def _clickhouse(draft: Draft, text: str) -> bool:
    if "<Fatal>" not in text or _CLICKHOUSE.search(text):
        return False
    if found := _ADDRESS.search(text):
        draft.at_address("0" if found[1].startswith("NULL") else found[1])
        draft.access = {"read": "load", "write": "store"}.get(found[2] or "", "")
        draft.coded(None, _CODES.get(found[3].strip(" ."), ""))
    elif found := _FRAME.search(text):
        draft.frame(TextFrame(found[2], file=found[4] or ""))
    return True


WRITER = Writer(
    SHELL,
    (" got signal ", " was terminated by signal ", "Received signal ", *_SIGNALS),
    _start,
    _more,
    keep=60,
)
