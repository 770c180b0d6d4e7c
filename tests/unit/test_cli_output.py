"""Where the program's output goes: nowhere, onto a full disk, onto a narrow terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from mtedbg.analysis.postmortem.crash_text import explain
from mtedbg.render.text import render_text
from mtedbg.reports.crash_text import report as crash_report
from tests.golden.cases import CORES

FULL = Path("/dev/full")
LINE = "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0f00ffffac5e02e0"
CORE = str(CORES / "sync.core.gz")
WORDS = (
    ("core", CORE),
    ("core", CORE, "--json"),
    ("core", CORE, "-x", "mte-fault"),
    ("explain", LINE),
    ("doctor",),
    ("triage", CORE, "--workers", "1", "--fresh"),
)


def command(words: tuple[str, ...], folder: Path) -> list[str]:
    state = ("--state", str(folder / "state")) if words[0] == "triage" else ()
    return [sys.executable, "-m", "mtedbg", *words, *state]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words[::2]))
def test_onto_a_full_disk(words: tuple[str, ...], tmp_path: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            command(words, tmp_path), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith("mtedbg: note:")]
    assert lines == ["mtedbg: cannot write to standard output: No space left on device"]


@pytest.mark.parametrize("words", [WORDS[0], WORDS[3], WORDS[5]], ids=lambda words: str(words[0]))
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_nowhere(words: tuple[str, ...], closed: str, tmp_path: Path) -> None:
    line = f'exec "$@" {closed}'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command(words, tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) is (not closed.startswith(">"))


def on_a_terminal(words: tuple[str, ...], columns: int, folder: Path) -> str:
    """What a terminal of so many columns gets on standard output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    with subprocess.Popen(
        command(words, folder), stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
            printed += chunk
        os.close(ours)
    assert process.returncode == 0
    return printed.decode().replace("\r\n", "\n")


def test_a_table_that_is_too_wide_stands_row_below_row(tmp_path: Path) -> None:
    words = ("triage", CORE, "--workers", "1", "--no-color")
    wide, narrow = (on_a_terminal(words, columns, tmp_path) for columns in (400, 80))
    headings = wide.splitlines()[1].split()
    assert headings[:3] == ["count", "signature", "cause"]
    rows = narrow.splitlines()[1:]
    assert rows[0] == ""
    assert [row.split()[0] for row in rows[1:4]] == ["count", "signature", "cause"]
    assert set(wide.split()) == set(narrow.split())


def test_width_is_nothing_to_a_record() -> None:
    report = crash_report(explain(LINE))
    assert render_text(report, width=10) == render_text(report)
