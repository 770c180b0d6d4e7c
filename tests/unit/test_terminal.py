"""Colours where they are wanted; tables as wide as the terminal."""

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

from tests.golden.cases import unpacked

ROOT = Path(__file__).parents[2]
ESCAPE = "\x1b["


def printed(
    folder: Path, *words: str, columns: int = 0, environment: dict[str, str] | None = None
) -> str:
    """What the program prints: on a terminal of so many columns, or in a pipe where 0."""
    command = [sys.executable, "-m", "mtedbg", *words]
    surroundings = {"PYTHONPATH": str(ROOT), "HOME": str(folder), **(environment or {})}
    if not columns:
        return subprocess.run(
            command, cwd=folder, env=surroundings, capture_output=True, text=True, check=True
        ).stdout
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        command, cwd=folder, env=surroundings, stdin=slave, stdout=slave, stderr=slave
    ):
        os.close(slave)
        said = b""
        while True:
            try:
                chunk = os.read(master, 1 << 16)
            except OSError:  # nobody has it open any more
                break
            said += chunk
    os.close(master)
    return said.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("columns", "words", "environment", "colored"),
    [
        (0, (), {}, False),
        (0, ("--color", "always"), {}, True),
        (0, (), {"CLICOLOR_FORCE": "1"}, True),
        (0, (), {"CLICOLOR_FORCE": "0"}, False),
        (0, (), {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        (0, ("--color", "always"), {"NO_COLOR": "1"}, True),
        (80, (), {"TERM": "xterm"}, True),
        (80, (), {"TERM": "dumb"}, False),
        (80, (), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (80, (), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (80, ("--no-color",), {"TERM": "xterm"}, False),
        (80, ("--color", "never"), {"TERM": "xterm"}, False),
        (80, ("--json",), {"TERM": "xterm"}, False),
    ],
)
def test_colours(
    tmp_path: Path,
    columns: int,
    words: tuple[str, ...],
    environment: dict[str, str],
    colored: bool,
) -> None:
    said = printed(
        tmp_path, "explain", "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x10",
        *words, columns=columns, environment=environment,
    )  # fmt: skip
    assert "SEGV_MTESERR" in said
    assert (ESCAPE in said) is colored


def test_a_table_that_is_too_wide_stands_row_below_row(tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path).name
    words = ("core", core, "-x", "mte-regions")
    terminal = {"TERM": "dumb"}
    wide = printed(tmp_path, *words, columns=200, environment=terminal)
    narrow = printed(tmp_path, *words, columns=50, environment=terminal)
    assert wide == printed(tmp_path, *words)
    assert max(map(len, wide.splitlines())) > 50
    rows = [line for line in narrow.splitlines() if line.startswith("start")]
    assert len(rows) == wide.count("0x") // 2
    assert all(len(line) <= 50 for line in narrow.splitlines()[1:])  # the headline is prose


def test_the_tables_of_a_post_mortem_too(tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path).name
    said = printed(tmp_path, "core", core, columns=80, environment={"TERM": "dumb"})
    _, _, tables = said.partition("\nNot in this core\n")
    assert "build id" in tables
    assert max(map(len, tables.splitlines())) <= 80
