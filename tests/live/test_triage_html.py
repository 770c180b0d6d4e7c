"""The page of `mtedbg triage --html` in a real browser: whatever the files are called."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from mtedbg.cli import main
from tests.golden.cases import CORES
from tests.live.test_html_report import TOO_WIDE, WIDTH
from tests.support.browser import browser
from tests.support.elf_core import Core, MappedFile, ThreadNotes

EVIL = "<img src=x onerror=alert(1)>\x1b[31m"


def test_it_fits_and_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cores"
    folder.mkdir()
    names = [path for path in sorted(CORES.glob("*.core.gz")) if "runtime" not in path.name]
    for path in names:
        shutil.copy(path, folder)
    core = Core(
        threads=[ThreadNotes(registers={"pc": 0x10010}, siginfo=(11, 1, 0))],
        files=[MappedFile(0x10000, 0x11000, 0, f"/bin/{EVIL}")],
    )
    (folder / f"core{EVIL.replace('/', '')}").write_bytes(gzip.compress(core.build()))
    (folder / "core.damaged").write_bytes(b"\x7fELF")
    page = tmp_path / "triage.html"
    words = ["triage", str(folder), "--state", str(tmp_path / "state"), "--html", str(page)]
    assert main(words) == 0
    assert f"written: {page}" in capsys.readouterr().out
    with browser() as one:
        for width, scheme, media in (
            (360, "light", ""),
            (1100, "dark", ""),
            (720, "light", "print"),
        ):
            one.open(page, width, scheme, media)
            assert one.complaints == []
            assert {request.partition(":")[0] for request in one.requests} <= {"file", "data"}
            assert one.value(WIDTH) <= width
            assert one.value(TOO_WIDE) == []
        assert one.value("document.querySelectorAll('tbody tr').length") > 5
        assert "\\x1b[31m" in one.value("document.body.innerText")
        assert one.value("document.querySelectorAll('img').length") == 0
