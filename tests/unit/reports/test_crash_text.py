"""Lines about a crash, as people have them in hand."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.postmortem import crash_text
from mtedbg.cli import main
from mtedbg.errors import FileFormatError
from mtedbg.formats.esr import syndrome
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.report import Report
from mtedbg.reports import crash_text as crash_report

SYNC, ASYNC = ("SIGSEGV", 9, "SEGV_MTESERR"), ("SIGSEGV", 8, "SEGV_MTEAERR")
TOMBSTONE = """\
pid: 13, tid: 14, name: RenderThread  >>> com.example.app <<<
signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0600007ae2b9ac60
Cause: [MTE]: Use After Free, 0 bytes into a 32-byte allocation at 0x7ae2b9ac60
    x0  0600007ae2b9ac60  x1  0000000000000001  x2  0000007ae2b9bc60  x3  0000007ae2b9a000
Memory tags around the fault address (0x600007ae2b9ac60), one tag per 16 bytes:
      0x7ae2b9ab00: 0  0  0  0  0  0  0  0
    =>0x7ae2b9ac00: 0  0  0  0  0  0 [2] 0
"""
# Text, the signal, address, the pointer's tag, the memory's.
LINES = [
    ("signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0b00007a4c3f2010",
     SYNC, 0x7A4C3F2010, 11, None),
    ("11-21 07:12:20.123  1234  1240 F DEBUG   : signal 11 (SIGSEGV), code 9 (SEGV_MTESERR),"
     " fault addr 0x0b00007a4c3f2010", SYNC, 0x7A4C3F2010, 11, None),
    ("F/libc (12): Fatal signal 11 (SIGSEGV), code 8 (SEGV_MTEAERR), fault addr -------- in tid 14"
     " (worker), pid 12 (com.app)", ASYNC, None, None, None),
    (TOMBSTONE, SYNC, 0x7AE2B9AC60, 6, 2),
    ("--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MTESERR, si_addr=0x700ffff9c919060} ---",
     SYNC, 0xFFFF9C919060, 7, None),
    ("siginfo: si_signo: 11 (SIGSEGV), si_code: 9 (unknown), si_addr: 0x0a007f1234567890",
     SYNC, 0x7F1234567890, 10, None),
    ("java.lang.Error: signal 11 (SIGSEGV), code 9, fault address 0x0a007f1234567890 (native)",
     SYNC, 0x7F1234567890, 10, None),
    ("stop reason = signal SIGSEGV: sync tag check fault (fault address=0x900fffff7ff9010"
     " logical tag=0x9 allocation tag=0x1)", SYNC, 0xFFFFF7FF9010, 9, 1),
    ("stop reason = signal SIGSEGV: async tag check fault", ASYNC, None, None, None),
    ("Program received signal SIGSEGV, Segmentation fault\nMemory tag violation while accessing"
     " address 0x0500fffff7ff8000\nAllocation tag 0x1.\nLogical tag 0x5.",
     SYNC, 0xFFFFF7FF8000, 5, 1),
    ("Program received signal SIGSEGV, Segmentation fault\nMemory tag violation\n"
     "Fault address unavailable.", ASYNC, None, None, None),
    ("t[9]: unhandled exception: DABT (lower EL), ESR 0x0000000092000051, synchronous tag check"
     " fault in t[aaaac0de0000+1000]", SYNC, None, None, None),
    ("signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0b00007a4c3f2010",
     ("SIGSEGV", 1, "SEGV_MAPERR"), 0x7A4C3F2010, None, None),
    ("Fatal signal 6 (SIGABRT), code -1 (SI_QUEUE) in tid 4 (x), pid 4 (y)",
     ("SIGABRT", -1, "SI_QUEUE"), None, None, None),
]  # fmt: skip


def explain(text: str) -> Report:
    return crash_report.report(crash_text.explain(text))


def row_of(text: str) -> dict[str, Any]:
    row = to_object(explain(text))["rows"][0]
    assert isinstance(row, dict)
    return row


@pytest.mark.parametrize(("text", "signal", "address", "pointer", "memory"), LINES)
def test_what_a_line_says(text, signal, address, pointer, memory):
    row = row_of(text)
    assert (row["signal"], row["code"], row["code_name"]) == signal
    assert row["address"] == (None if address is None else hex(address))
    assert (row["logical_tag"], row["allocation_tag"]) == (pointer, memory)
    kind = {9: "synchronous", 8: "asynchronous"}.get(signal[1])
    assert row["tag_check"] == kind
    headline = explain(text).headline
    if signal[0] == "SIGABRT":  # sent: a handler may have seen another fault before
        assert headline.startswith("SIGABRT SI_QUEUE: cannot tell")
    else:
        assert headline.startswith("tag check" if kind else "not a tag check fault: SIG")


def test_who_it_was_and_which_registers():
    row = row_of(TOMBSTONE)
    assert (row["pid"], row["tid"], row["thread"]) == (13, 14, "RenderThread")
    assert row["process"] == "com.example.app"
    assert row["cause"].startswith("[MTE]: Use After Free")
    assert [one["register"] for one in row["registers"]] == ["x0", "x3"]
    assert row["registers"][0]["tag"] == 6
    kernel = row_of(LINES[11][0])
    assert (kernel["tid"], kernel["thread"], kernel["access"]) == (9, "t", "store")
    assert kernel["exception"] == "data abort: synchronous tag check fault"
    bionic = row_of(LINES[2][0])
    assert (bionic["pid"], bionic["tid"], bionic["thread"]) == (12, 14, "worker")


@pytest.mark.parametrize(
    ("esr", "words", "tag_check"),
    [
        (0x92000011, "data abort: synchronous tag check fault", True),
        (0x92000007, "data abort: translation fault, level 3", False),
        (0x9200004F, "data abort: permission fault, level 3", False),
        (0x82000011, "instruction abort: synchronous tag check fault", False),
        (0xF2000001, "BRK instruction", False),
        (0x02000000, "unknown instruction", False),
        (0x9200003F, "data abort: status 0x3f", False),
        (0xFE000000, "exception class 0x3f", False),
    ],
)
def test_syndromes(esr, words, tag_check):
    found = syndrome(esr)
    assert (found.words, found.tag_check) == (words, tag_check)


def test_a_text_that_contradicts_itself():
    notes = explain("signal 11 (SIGBUS), code 1 (SEGV_MTESERR), fault addr 0x10").notes
    assert notes[:2] == (
        "signal 11 is SIGSEGV, and not SIGBUS as it says",
        "code 1 is SEGV_MAPERR, and not SEGV_MTESERR as it says",
    )
    assert "null pointer" in notes[2]


def test_what_is_not_told_is_not_claimed():
    report = explain("SIGSEGV")
    assert report.headline == (
        "SIGSEGV: cannot tell whether it was a tag check fault: the text has no code"
    )
    assert report.partial
    hidden = explain("signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x7a4c3f2010")
    assert any("hides the tag" in note for note in hidden.notes)
    line = "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0xb3007a4c3f2010"
    assert not any("63:60" in note for note in explain(line).notes)
    top = explain(line.replace("0xb300", "0xb30000")).notes
    assert any("undefined, unless the kernel has HWCAP3_MTE_FAR" in note for note in top)
    other = explain("signal 11 (SIGSEGV), code 2 (SEGV_ACCERR), fault addr 0xb00007a4c3f2010")
    assert other.notes[0] == "the pointer carries tag 11, but this is not a tag check fault"


@pytest.mark.parametrize("text", ["", "hello", "0x1234", "signal", "code 7 (x)" * 0, "pid: 3"])
def test_rubbish_is_refused(text):
    with pytest.raises(FileFormatError, match="this text does not say"):
        explain(text)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("utf-8", "replace")))
def test_anything_gives_an_answer_or_a_refusal(text):
    for given_text in (text, f"signal 11 {text} code 9 {text} fault addr 0x{text}"):
        try:
            render_text(explain(given_text))
        except FileFormatError:
            continue


def test_what_cannot_be_seen_never_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = b"name: \x1b[31m\xe2\x80\xaeevil  >>> a\x07b <<<\nsignal 11 (SIGSEGV), code 9\xff\n"
    stdin = io.TextIOWrapper(io.BytesIO(line))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["explain", "-"]) == 0
    printed = capsys.readouterr().out
    assert all(one.isprintable() or one == "\n" for one in printed)
    assert "SEGV_MTESERR" in printed


def test_as_json_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json", "signal", "11", "(SIGSEGV),", "code", "8"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "mtedbg/report/1"
    assert answer["rows"][0]["code_name"] == "SEGV_MTEAERR"
    assert main(["explain", "nothing of the kind"]) == 1
    assert "this text does not say" in capsys.readouterr().err
