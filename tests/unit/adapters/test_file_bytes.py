"""What is opened: regular files alone, by whichever reader; nothing else is waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtedbg.adapters.crash_files import crashes_in
from mtedbg.adapters.crash_texts import crashes_in_file
from mtedbg.adapters.file_bytes import open_file, open_stream
from mtedbg.adapters.unpacked import core_inside, unpack
from mtedbg.errors import FileFormatError

READERS: dict[str, Callable[[str], object]] = {
    "file": open_file,
    "stream": open_stream,
    "crashes": lambda path: list(crashes_in(path)),
    "text": lambda path: list(crashes_in_file(path)),
    "packed": lambda path: core_inside(path, b"\x1f\x8b" + bytes(30)),
    "unpacked": lambda path: unpack(path, "gzip", []),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to a pipe"])
def test_only_regular_files_are_opened(
    read: Callable[[str], object], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe")  # nobody writes to it: who opens it waits for ever
        path.symlink_to("pipe")
        path = path if kind.startswith("link") else tmp_path / "pipe"
    with pytest.raises(FileFormatError, match="is not a regular file"):
        read(str(path))


def test_a_stream_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"one\ntwo\n")
    with open_stream(str(tmp_path / "text")) as stream:
        assert stream.read() == b"one\ntwo\n"
    (tmp_path / "empty").touch()
    with open_stream(str(tmp_path / "empty")) as stream:
        assert stream.read() == b""


@pytest.mark.parametrize("name", ["not there", "a\0b"])
def test_what_cannot_be_opened_is_said(name: str, tmp_path: Path) -> None:
    for read in (open_file, open_stream):
        with pytest.raises(FileFormatError):
            read(str(tmp_path / name))
