"""Files that a command's user asked for."""

from __future__ import annotations

import os

import pytest

from mtedbg.commands import find
from mtedbg.commands._documents import write
from mtedbg.commands._line import execute
from mtedbg.errors import DocumentError, UsageError
from mtedbg.report import Document
from tests.support.scenes import session_at


def test_a_picture_is_written_and_said(tmp_path):
    path = tmp_path / "owners.svg"
    text = execute(session_at(), find("mte-regions"), ["--picture", str(path)])
    assert text.endswith(f"note: written: {path}\n")
    assert path.read_text().startswith("<svg ")
    assert list(tmp_path.iterdir()) == [path]


def test_a_core_is_not_overwritten_by_mistake(tmp_path):
    core = tmp_path / "core.123"
    core.write_text("a core")
    with pytest.raises(UsageError, match="the picture is SVG"):
        execute(session_at(), find("mte-regions"), ["--picture", str(core)])
    assert core.read_text() == "a core"


def test_it_replaces_what_was_there_with_the_usual_permissions(tmp_path):
    path = tmp_path / "out.svg"
    path.write_text("old and longer")
    before = os.umask(0o027)
    try:
        write(Document(str(path), "new"))
    finally:
        os.umask(before)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["missing/out.svg", "folder", "a\0b.svg", "n" * 300 + ".svg"])
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DocumentError) as caught:
        write(Document(f"{tmp_path}/{name}", "x"))
    assert "\n" not in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    secret = tmp_path / "profile"
    secret.write_text("mine")
    (tmp_path / "out.html").symlink_to(secret)
    write(Document(str(tmp_path / "out.html"), "new"))
    assert secret.read_text() == "mine"
    assert (tmp_path / "out.html").read_text() == "new"
    assert not (tmp_path / "out.html").is_symlink()


def test_a_pipe_or_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DocumentError, match="not a regular file"):
        write(Document(str(tmp_path / "pipe"), "x"))
    before = os.lstat("/dev/null")
    write(Document("/dev/null", "x"))
    assert os.lstat("/dev/null") == before


def test_a_name_in_it_that_is_no_text(tmp_path):
    write(Document(str(tmp_path / "out"), "a\udcffb"))
    assert (tmp_path / "out").read_bytes() == b"a\\udcffb"
