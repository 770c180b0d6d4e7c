"""The page of `mtedbg triage --html` in a real browser: whatever the files are called."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from mtedbg.cli import main
from tests.golden.cases import CORES
from tests.live.test_html_report import TOO_WIDE, WIDTH
from tests.support.browser import Browser, browser
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
        groups = one.value("document.querySelectorAll('.group').length")
        assert groups > 5
        assert "\\x1b[31m" in one.value("document.body.innerText")
        assert one.value("document.querySelectorAll('img').length") == 0


def test_a_group_opens_by_the_keyboard(tmp_path: Path) -> None:
    """Calls, files, times and the exemplar's own report; its headline stands there once."""
    folder = tmp_path / "cores"
    folder.mkdir()
    for number, name in enumerate(("sync", "sync", "straddle", "abort")):
        shutil.copy(CORES / f"{name}.core.gz", folder / f"{name}.{number}.core.gz")
    page = tmp_path / "triage.html"
    words = ["triage", str(folder), "--state", str(tmp_path / "state"), "--html", str(page)]
    assert main(words) == 0
    with browser() as one:
        for width in (360, 1100):
            one.open(page, width)
            assert one.value("document.body.innerText.split('4 files, 2 signatures').length") == 2
            assert one.value(OPENED) == 0
            for key in ("Tab", "Enter"):
                press(one, key)
            assert one.value(OPENED) == 1
            shown = one.value("document.querySelector('.group[open]').innerText")
            assert "sync_fault+0x" in shown
            assert "3 files" in shown
            assert str(folder / "sync.0.core.gz") in shown
            assert "mtedbg core" in shown
            assert "tag check fault (synchronous): " in shown
            assert one.value("document.querySelectorAll('.group[open] .strip rect').length") >= 1
            title = one.value("document.querySelector('.group[open] .strip title').textContent")
            assert title.startswith("3 crashes, ")
            assert one.value(WIDTH) <= width
            assert one.value(TOO_WIDE) == []
            assert one.complaints == []
        assert one.value("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
                         " == document.querySelectorAll('[id]').length")  # fmt: skip


OPENED = "document.querySelectorAll('.group[open]').length"
_CODES = {"Tab": (9, ""), "Enter": (13, "\r")}


def press(one: Browser, key: str) -> None:
    """A key of the keyboard, down and up."""
    code, text = _CODES[key]
    for kind in ("keyDown", "keyUp"):
        one.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")  # fmt: skip
