"""Core files are moved out of a folder that a hostile program can write to."""

import os
from pathlib import Path

import pytest

from mtedbg.errors import LabError
from mtedbg.lab import collect
from mtedbg.lab.collect import take_cores


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    exchange, to = tmp_path / "exchange", tmp_path / "to"
    exchange.mkdir()
    to.mkdir()
    return exchange, to


def test_cores_are_moved_and_none_is_overwritten(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    for contents in (b"first", b"second", b"third"):
        (exchange / "core.x.80").write_bytes(contents)
        (core,) = take_cores(exchange, to)
        assert core.read_bytes() == contents
    assert sorted(p.name for p in to.iterdir()) == ["core.x.80", "core.x.80.1", "core.x.80.2"]


def test_links_folders_and_pipes_are_not_cores(folders: tuple[Path, Path], tmp_path: Path) -> None:
    exchange, to = folders
    secret = tmp_path / "secret"
    secret.write_text("kept")
    (exchange / "core.link").symlink_to(secret)
    (exchange / "core.link.to.folder").symlink_to(tmp_path)
    (exchange / "folder").mkdir()
    os.mkfifo(exchange / "core.pipe")
    assert take_cores(exchange, to) == []
    assert list(to.iterdir()) == list(exchange.iterdir()) == []
    assert secret.read_text() == "kept"


def test_without_a_place_they_are_dropped(folders: tuple[Path, Path]) -> None:
    exchange, _ = folders
    (exchange / "core").write_bytes(b"x")
    assert take_cores(exchange, None) == []
    assert list(exchange.iterdir()) == []


def test_a_place_that_takes_none(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, to = folders
    (exchange / "core").write_bytes(b"x")
    with pytest.raises(LabError, match="cannot write"):
        take_cores(exchange, to / "missing")
    monkeypatch.setattr(collect, "MAX_SAME_NAME", 1)
    (to / "core").write_bytes(b"y")
    with pytest.raises(LabError, match="too many files"):
        take_cores(exchange, to)
