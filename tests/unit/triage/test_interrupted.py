"""Ctrl-C at any line of what reads and keeps."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mtedbg.cli import triage
from mtedbg.model.triage import Read
from mtedbg.triage import local, state
from mtedbg.triage.one import Reader

HERE = {inspect.getfile(triage), inspect.getfile(state), __file__}


class Interrupt:
    """Raises KeyboardInterrupt, as Ctrl-C does, before the line `at` that runs in our files."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, _: Any) -> Interrupt | None:
        if frame.f_code.co_filename not in HERE:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def run(folder: Path, kept: Path) -> dict[str, Read]:
    parser = argparse.ArgumentParser()
    triage.add_arguments(parser)
    words = parser.parse_args([str(folder), "--state", str(kept)])
    reads: dict[str, Read] = {}
    triage._read(words, sorted(map(str, folder.iterdir())), reads, kept, [])
    return reads


# A file that was opened when Ctrl-C came, and that nobody had yet, is closed by its collection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_file_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_this_process(paths: Sequence[str], _: int, reader: Reader) -> Iterator[Read]:
        yield from map(reader, paths)

    monkeypatch.setattr(local, "read_all", in_this_process)
    folder = tmp_path / "cores"
    folder.mkdir()
    for number in range(3):
        (folder / f"core.{number}").write_bytes(b"none")
    done, at, stops = False, 0, set()
    while not done:
        at += 1
        kept, interrupt = tmp_path / f"state.{at}", Interrupt(at)
        sys.settrace(interrupt)
        try:
            run(folder, kept)
        except KeyboardInterrupt:
            pass  # before there was anything to keep
        finally:
            sys.settrace(None)
        done = interrupt.left > 0
        stops.add(kept.read_bytes().count(b"\n") if kept.exists() else 0)
        assert len(run(folder, kept)) == 3
        paths = [json.loads(line)["path"] for line in kept.read_bytes().splitlines()[1:]]
        assert sorted(paths) == sorted(map(str, folder.iterdir()))
    assert stops == {0, 1, 2, 3, 4}  # it did stop everywhere
