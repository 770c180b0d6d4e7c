"""Every field of a protobuf tombstone that tells of a death is in the report.

The numbers are those of AOSP's debuggerd/proto/tombstone.proto; those of fields 21 to 26 of a
tombstone, 7 to 9 of a thread and of the stack history agree with two readers that were generated
from its present form, outside of AOSP.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtedbg.cli import main
from tests.support.tombstone_text import as_text
from tests.support.tombstones import Dump, Frame, Thread, Tombstone, memory_error

Capture = pytest.CaptureFixture[str]
HEAP, CODE, LIBRARY = 0x7B_0000_1000, 0x70_0000_0000, "/data/app/lib/libgame.so"
FAULT = HEAP + 0x48 | 0x3 << 56
FIRST = "[MTE]: Use After Free, 8 bytes into a 32-byte allocation at 0x7b00001040"
SECOND = "[MTE]: Buffer Overflow, 8 bytes right of a 64-byte allocation at 0x7b00001000"
FDSAN = (
    "fdsan: attempted to close file descriptor 42, expected to be unowned, actually owned by"
    " unique_fd 0x7b00005000"
)


def frame(function: str, at: int) -> Frame:
    return Frame(CODE + at, function, 0x10, LIBRARY, at)


def full() -> Tombstone:
    """One with every field."""
    registers = {"x0": FAULT, "sp": 0x7FC0, "pc": CODE + 0x2040, "pst": 0x6000}
    dumps = [Dump("x0", HEAP, bytes(range(256)), bytes([3, 3, 3, 3, 9, 9] + [0] * 10))]
    guilty = Thread(
        42, "worker", registers, [frame("use", 0x2040)], dumps, 0x7FFF3,
        notes=["Function names and BuildId information is missing for some frames."],
        keys=0b101, unreadable=["/data/app/lib/libsecret.so"],
    )  # fmt: skip
    other = Thread(41, "main", registers, notes=["of another thread"], keys=0b10)
    causes = [
        memory_error(
            FIRST, 1, (HEAP + 0x40, 32), [frame("make", 0x90)], (41, [frame("drop", 0xA0)])
        ),
        memory_error(SECOND, 4, (HEAP, 64), [frame("make_other", 0xB0)], tool=0),
    ]
    guests = [
        Thread(41, "main", frames=[frame("guest_idle", 0xC0)]),
        Thread(42, "worker", frames=[frame("guest_use", 0xD0), frame("guest_main", 0xE0)]),
    ]
    return Tombstone(
        [other, guilty], 42, (11, 9, FAULT), causes=causes, abort=FDSAN, guests=guests, guest=3,
        details=[("last_request", "GET /index"), ("state", "draining")],
        files=[(0, "/dev/null", "", 0), (42, "socket:[1234]", "unique_fd", 0x7B00005000)],
        records=[(frame("leaf", 0xF0), 0x7FE0, 5), (frame("caller", 0x1F0), 0x7FF0, 6)],
        logs=[("main", ["FORTIFY: pthread_mutex_lock called on a destroyed mutex"])],
        page_size=16384, selinux="u:r:untrusted_app:s0:c512,c768", sender=(777, 10042),
    )  # fmt: skip


def written(folder: Path, one: Tombstone) -> Path:
    path = folder / "tombstone_00.pb"
    path.write_bytes(one.build())
    return path


def facts_of(path: Path, capsys: Capture) -> list[dict[str, Any]]:
    assert main(["core", str(path), "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)["reports"]
    (found,) = [one for one in reports if one["command"] == "testimony"]
    rows: list[dict[str, Any]] = found["rows"]
    return rows


def test_every_field_is_told(tmp_path: Path, capsys: Capture) -> None:
    rows = facts_of(written(tmp_path, full()), capsys)
    told = [(row["about"], row["text"]) for row in rows if row["level"] is None]
    assert told == [
        ("cause", FIRST),
        ("memory error", f"use after free, by Scudo: 32 bytes at {HEAP + 0x40:#x}"),
        ("allocated", "by thread 7"),
        ("freed", "by thread 41"),
        ("cause", SECOND),
        ("memory error", f"buffer overflow, by GWP-ASan: 64 bytes at {HEAP:#x}"),
        ("allocated", "by thread 7"),
        ("abort message", FDSAN),
        ("detail last_request", "GET /index"),
        ("detail state", "draining"),
        ("sent by", "process 777 of user 10042"),
        ("pac keys", "PR_PAC_APIAKEY, PR_PAC_APDAKEY"),
        ("note", "Function names and BuildId information is missing for some frames."),
        ("unreadable file", "/data/app/lib/libsecret.so"),
        ("guest's calls", "of thread 42"),
        ("stack record", "frame 0x7fe0, tag 0x5"),
        ("stack record", "frame 0x7ff0, tag 0x6"),
        ("build", "google/husky/husky:14"),
        ("guest", "x86_64"),
        ("time", "2024-03-02 10:00:00.500000000+0100"),
        ("page size", "16384 bytes"),
        ("process", "/system/bin/guilty"),
        ("user", "0"),
        ("selinux label", "u:r:untrusted_app:s0:c512,c768"),
        ("open files", "2"),
        ("open file", "fd 42: socket:[1234] (owned by unique_fd 0x7b00005000)"),
        ("open file", "fd 0: /dev/null (unowned)"),
    ]
    calls = [(row["about"], row["level"], row["text"]) for row in rows if row["level"] is not None]
    assert calls == [
        ("allocated", 0, "make+0x10"),
        ("freed", 0, "drop+0x10"),
        ("allocated", 0, "make_other+0x10"),
        ("guest's calls", 0, "guest_use+0x10"),
        ("guest's calls", 1, "guest_main+0x10"),
        ("stack record", 0, "leaf+0x10"),
        ("stack record", 0, "caller+0x10"),
    ]


def test_explain_has_them_too(tmp_path: Path, capsys: Capture) -> None:
    assert main(["explain", str(written(tmp_path, full())), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (row,) = answer["rows"]
    assert row["cause"] == FIRST
    assert (row["logical_tag"], row["allocation_tag"]) == (3, 9)
    text = json.dumps(answer)
    for words in (SECOND, "detail state", "of thread 42", "untrusted_app", "fd 42: socket"):
        assert words in text


@pytest.mark.parametrize(
    ("guest", "said"),
    [(None, "arm"), (0, "arm"), (1, "arm64"), (4, "riscv64"), (5, None), (9, "architecture 9")],
)
def test_what_a_process_was_translated_from(
    guest: int | None, said: str | None, tmp_path: Path, capsys: Capture
) -> None:
    """A 0 is left out: then only the guest's threads show that there was one."""
    rows = facts_of(written(tmp_path, replace(full(), guest=guest)), capsys)
    assert next((row["text"] for row in rows if row["about"] == "guest"), None) == said


def test_no_guest_and_other_page_sizes(tmp_path: Path, capsys: Capture) -> None:
    one = replace(full(), guest=None, guests=[], page_size=4096, was_16k=True)
    rows = facts_of(written(tmp_path, one), capsys)
    told = {row["about"]: row["text"] for row in rows}
    assert "guest" not in told
    assert "guest's calls" not in told
    assert told["page size"] == "4096 bytes, earlier 16384"
    plain = facts_of(written(tmp_path, replace(one, was_16k=False)), capsys)
    assert "page size" not in {row["about"] for row in plain}


def test_of_many_open_files_some_are_named_and_all_are_counted(
    tmp_path: Path, capsys: Capture
) -> None:
    files = [(fd, f"/data/file{fd}", "", 0) for fd in range(400)]
    rows = facts_of(written(tmp_path, replace(full(), files=files)), capsys)
    named = [row["text"] for row in rows if row["about"] == "open file"]
    assert len(named) == 16
    assert named[:2] == ["fd 42: /data/file42 (unowned)", "fd 0: /data/file0 (unowned)"]
    (count,) = [row["text"] for row in rows if row["about"] == "open files"]
    assert count == "400, of which 16 are named"


def test_logs_are_no_testimony(tmp_path: Path, capsys: Capture) -> None:
    """The last lines of a log are of any process: none is taken for what this one died of."""
    with_logs = facts_of(written(tmp_path, full()), capsys)
    assert with_logs == facts_of(written(tmp_path, replace(full(), logs=[])), capsys)


def test_open_files_of_the_form_for_people_are_the_same(tmp_path: Path, capsys: Capture) -> None:
    files = [
        (3, "/data/a file (1)", "", 0), (42, "anon_inode:[eventfd]", "ParcelFileDescriptor", 0x8A),
    ]  # fmt: skip
    one = replace(full(), files=files)
    proto, text = written(tmp_path, one), tmp_path / "tombstone_01"
    rows = "".join(
        f"    fd {fd}: {path} ({f'owned by {owner} 0x{tag:x}' if owner else 'unowned'})\n"
        for fd, path, owner, tag in files
    )
    text.write_text(f"{as_text(one)}\nopen files:\n{rows}")
    found = [
        [row["text"] for row in facts_of(path, capsys) if row["about"].startswith("open file")]
        for path in (proto, text)
    ]
    assert found[0] == found[1] == [
        "2",
        "fd 42: anon_inode:[eventfd] (owned by ParcelFileDescriptor 0x8a)",
        "fd 3: /data/a file (1) (unowned)",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("--json",), ("--no-color",)])
def test_redacted_of_open_files_no_name_stays(
    words: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    files = [
        (7, '/data/user/0/com.acme/files/Bob\'s "taxes", (2026).pdf', "", 0),
        (42, "/data/user/0/com.acme/databases/bob.db", "unique_fd", 0x7B00005000),
    ]
    path = written(tmp_path, replace(full(), files=files, abort="cannot close fd 7: busy"))
    assert main(["core", str(path), "--redact", *words]) == 0
    printed = capsys.readouterr().out
    if words == ("--json",):
        assert json.loads(printed)["reports"]
    assert "cannot close fd 7: busy" in printed
    for private in ("bob.db", "Bob", "taxes", "com.acme"):
        assert private not in printed
    assert "fd 7: … (unowned)" in printed
    assert "fd 42: … (owned by unique_fd 0x" in printed
