"""Files of crash texts: of any size, compressed, archives, several."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from mtedbg.adapters.crash_texts import crashes_in_file, crashes_in_stream
from mtedbg.cli import main
from mtedbg.formats.texts import ips
from tests.support import crash_texts
from tests.unit.adapters.test_tombstone_text import made
from tests.unit.triage.test_texts import bugreport

LINE = b"03-11 10:02:17.331  1021  1055 I ActivityManager: Start proc 4021:com.acme/u0a7 signal=1\n"
BYTES = 48 << 20


def text(name: str) -> str:
    return (crash_texts.FOLDER / f"{name}.txt").read_text()


class Endless(io.RawIOBase):
    """A log of `BYTES` bytes that is nowhere: noise, with a crash here and there."""

    def __init__(self) -> None:
        self._block = LINE * (len(self._crash(0)) and (1 << 18) // len(LINE))
        self._given = 0
        self.crashes = 0

    @staticmethod
    def _crash(number: int) -> bytes:
        made_up = text("android-logcat-async").replace(" 801", f" {30_000 + number}")
        return made_up.replace("812", f"{40_000 + number}").encode()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._given >= BYTES:
            return b""
        data = self._block
        if self._given % (1 << 22) < len(data):
            data += self._crash(self.crashes)
            self.crashes += 1
        self._given += len(data)
        return data


def test_memory_does_not_grow_with_the_log():
    log = Endless()
    tracemalloc.start()
    try:
        found = sum(1 for _ in crashes_in_stream(log))  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == log.crashes > 5
    assert peak < 8 << 20


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_powershell_writes(encoding, tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(text("android-logcat-async").replace("\n", "\r\n").encode(encoding))
    assert [one.pid for one in crashes_in_file(str(path))] == [801]


def test_compressed(tmp_path):
    path = tmp_path / "log.txt.gz"
    path.write_bytes(gzip.compress(text("android-sync").encode()))
    assert [one.pid for one in crashes_in_file(str(path))] == [3301]


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert main(["explain", "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)["rows"]
    assert isinstance(found, list)
    return found


def test_several_files_and_an_archive(tmp_path, capsys):
    one, proto = tmp_path / "one.log", tmp_path / "tombstone_00.pb"
    one.write_text(text("gdb-thread"))
    proto.write_bytes(made().build())
    archive = bugreport(tmp_path / "bugreport.zip")
    found = rows(capsys, str(one), str(proto), str(archive))
    assert [row["file"] for row in found[:2]] == [str(one), str(proto)]
    assert (
        found[1]["cause"]
        == found[2]["cause"]
        == ("[MTE]: Use After Free, 16 bytes into a 48-byte allocation at 0x7b11223340")
    )
    assert (found[1]["logical_tag"], found[1]["allocation_tag"]) == (3, 4)
    assert len(found) == 22


def test_a_file_and_a_text_are_not_mixed(tmp_path, capsys):
    one = tmp_path / "one.log"
    one.write_text(text("gdb-thread"))
    assert main(["explain", str(one), "signal"]) == 2
    assert "signal: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch.txt"], ["./tombstone_00"], ["logs/SIGSEGV.log"], ["a.log", "b.log"],
        ["/data/tombstones/tombstone_01.pb"], ["SEGV_MTESERR.txt"], ["bugreport-2026.zip"],
    ],
)  # fmt: skip
def test_names_of_files_that_are_not_there_are_no_text(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *words]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"mtedbg: {words[0]}: no such file"
    assert "give the path of a file" in second


def test_a_bare_word_and_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "tombstone_07"]) == 2
    assert "tombstone_07 is no file, and as a text it does not" in capsys.readouterr().err
    (tmp_path / "SIGSEGV").mkdir()
    assert main(["explain", "SIGSEGV"]) == 2
    assert "mtedbg triage SIGSEGV" in capsys.readouterr().err


def test_a_pipe_is_read_and_no_other_thing(tmp_path, capsys):
    """A shell's `<(adb logcat -d)` is the name of one."""
    for contents, expected in ((text("android-sync"), 0), ("nothing\n", 1)):
        reading, writing = os.pipe()
        with os.fdopen(reading), os.fdopen(writing, "w") as file:
            file.write(contents)
            file.close()
            assert main(["explain", "--json", f"/dev/fd/{reading}"]) == expected
        printed = capsys.readouterr()
        if expected:
            assert f"/dev/fd/{reading} does not say why" in printed.err
        else:
            assert [row["line"] for row in json.loads(printed.out)["rows"]]
    assert main(["explain", "/dev/null"]) == 2
    assert "/dev/null is neither a file nor a pipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["SIGSEGV/SEGV_MTESERR"], ["SEGV_MTESERR"], ["SIGSEGV", "in", "libc.so"]]
)
def test_words_that_are_a_text(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rows(capsys, *words)


IPS = {
    "procName": "Painter", "pid": 77, "captureTime": "2026-03-11 10:02:17.0000 +0100",
    "modelCode": "Mac17,7", "osVersion": {"train": "macOS 26.2", "build": "25C56"},
    "exception": {
        "type": "EXC_BAD_ACCESS", "signal": "SIGKILL", "codes": "0x0000000000000106, 0x0",
        "rawCodes": [262, 0x0C00000A11FF2040],
        "subtype": "EXC_ARM_MTE_TAGCHECK_FAIL at 0x0c00000a11ff2040",
    },
    "termination": {"namespace": "MTE_FAIL", "code": 262}, "mteState": "enabled",
    "faultingThread": 1,
    "threads": [
        {"id": 5, "frames": []},
        {
            "id": 6, "triggered": True, "queue": "render",
            "threadState": {
                "x": [{"value": 0x0C00000A11FF2000}], "pc": {"value": 0x100A02C58},
                "esr": {"value": 0x92000051, "description": "(Data Abort) byte write"},
                "far": {"value": 0x0C00000A11FF2040},
            },
            "frames": [
                {"imageOffset": 0x2C58, "symbol": "Canvas.draw()", "symbolLocation": 24,
                 "imageIndex": 0, "sourceFile": "Canvas.swift", "sourceLine": 22}
            ],
        },
    ],
    "usedImages": [{"base": 0x100A00000, "name": "Painter", "uuid": "aa-bb"}],
}  # fmt: skip
HEAD = '{"app_name":"Painter","bug_type":"309","os_version":"macOS 26.2"}\n'


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("head", [HEAD, "noise before\n" + HEAD])
def test_apples_reports_as_json(indent, head, tmp_path, capsys):
    path = tmp_path / "Painter.ips"
    path.write_text(head + json.dumps(IPS, indent=indent) + "\nnoise behind\n")
    (row,) = rows(capsys, str(path))
    assert row["tag_check"] == "synchronous"
    assert (row["address"], row["logical_tag"]) == ("0xa11ff2040", 12)
    assert (row["access"], row["process"], row["pid"], row["thread"]) == (
        "store", "Painter", 77, "render",
    )  # fmt: skip
    assert row["function"] == "Canvas.draw()+0x18"
    assert row["frames"][0]["source"] == "Canvas.swift:22"
    assert main(["core", str(path)]) == 0
    assert "pointer tag 12" in capsys.readouterr().out


def test_json_that_is_no_crash_is_none(tmp_path):
    path = tmp_path / "x.ips"
    for body in ("{", "[]", '{"exception": 3}', '{"exception": {}, "threads": [1, null]}', "{}"):
        path.write_text(HEAD + body)
        for crash in crashes_in_file(str(path)):
            assert crash.source == "Apple"
    assert ips.parse(1, "{" * 10_000) is None


def test_a_crash_of_a_pipe(tmp_path: Path, monkeypatch, capsys):
    data = io.TextIOWrapper(io.BytesIO(text("strace-async").encode()))
    monkeypatch.setattr("sys.stdin", data)
    assert rows(capsys, "-")[0]["tag_check"] == "asynchronous"
