"""Crashes of one process and thread: one that two files tell of, or two."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mtedbg.adapters.crash_files import crashes_in
from mtedbg.dataclass import replace
from mtedbg.formats.texts.same_crash import Crash, are_one, crash_of
from mtedbg.model.crash_text import CrashText
from tests.support.tombstones import Frame, Thread, Tombstone

FULL = Crash(7, 9, 11, 0x7B11223340, "2025-04-02 11:22:33.444555666+0200")


@pytest.mark.parametrize(
    ("changed", "one"),
    [
        ({}, True),
        ({"time": ""}, True),
        ({"time": "04-02 11:22:35.001"}, True),
        ({"time": "04-02 11:22:35.001", "address": None}, True),
        ({"time": "2025-04-02T09:22:40Z"}, True),
        ({"time": "04-02 09:22:34.000"}, True),  # a log in UTC, with the address
        ({"time": "123.456"}, True),  # since boot: nothing to compare with
        ({"signal": None, "address": None, "time": ""}, True),
        ({"time": "04-02 09:22:34.000", "address": None}, False),
        ({"time": "04-02 11:41:00.000"}, False),
        ({"time": "04-03 11:22:33.000"}, False),
        ({"time": "04-05 11:22:33.000"}, False),
        ({"time": "2025-04-02T11:22:33Z"}, False),
        ({"time": "2024-04-02 11:22:33.444+0200"}, False),
        ({"address": 0x7B11223350}, False),
        ({"signal": 6, "address": None}, False),
        ({"tid": 10}, False),
        ({"pid": 8}, False),
    ],
)
def test_one_or_two(changed: dict[str, object], one: bool) -> None:
    other = replace(FULL, **changed)
    assert are_one(FULL, other) is one
    assert are_one(other, FULL) is one


def test_the_turn_of_the_year() -> None:
    old = replace(FULL, time="12-31 23:59:59.900")
    assert are_one(old, replace(FULL, time="2026-01-01 00:00:04.000"))
    assert not are_one(old, replace(FULL, time="01-01 00:31:04.000", address=None))


@pytest.mark.parametrize("time", ["02-30 10:00:00", "13-45 99:99:99", "04-02 11:22:33+9999", "x"])
def test_times_that_are_none(time: str) -> None:
    assert are_one(FULL, replace(FULL, time=time))


def test_tags_of_the_address_do_not_count() -> None:
    text = CrashText(pid=7, tid=9, address=0x0300007B11223340, signal=11)
    assert crash_of(text) == Crash(7, 9, 11, 0x7B11223340, "")
    assert crash_of(replace(text, tid=CrashText().tid)) is None


def logged(time: str, address: int) -> str:
    start = f"{time}  9000  9000 F DEBUG   : "
    return "".join(
        f"{start}{line}\n"
        for line in (
            " ".join(["***"] * 16),
            "Build fingerprint: 'google/husky/husky:14'",
            "ABI: 'arm64'",
            "pid: 1, tid: 42, name: main  >>> /system/bin/guilty <<<",
            f"signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x{address:016x}",
            "backtrace:",
            "      #00 pc 0000000000000100  /system/lib64/libc.so (use+32)",
        )
    )


def test_ids_that_are_used_again_lose_no_crash(tmp_path: Path) -> None:
    """Three crashes of one process and thread: two with tombstones, of which the log has one."""
    first, second, third = 0x0300007B11223340, 0x0400007B11229990, 0x0300007B11223340
    threads = [Thread(42, registers={"pc": 0x100}, frames=[Frame(0x100, "use", 32)])]
    path = tmp_path / "bugreport.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (time, address) in enumerate(
            [("2024-03-02 10:00:00.5+0100", first), ("2024-03-02 18:20:00.5+0100", second)]
        ):
            one = Tombstone(threads, 42, (11, 9, address), timestamp=time)
            archive.writestr(f"FS/data/tombstones/tombstone_0{number}.pb", one.build())
        log = logged("03-02 10:00:01.000", first) + logged("03-05 12:07:01.000", third)
        archive.writestr("main.log", log)
    found = list(crashes_in(str(path)))
    assert [text.address for _, text in found if text is not None] == [first, second, third]
    assert [name.split(":")[1].rpartition("/")[2] for name, _ in found] == [
        "tombstone_00.pb", "tombstone_01.pb", "main.log",
    ]  # fmt: skip
