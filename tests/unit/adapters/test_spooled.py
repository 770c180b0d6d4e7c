"""A core from a pipe, or from standard input."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mtedbg.adapters import spooled as module
from mtedbg.adapters.spooled import spooled
from mtedbg.errors import FileFormatError, NotNowError
from tests.support.elf_core import Core, Load

ROOT = Path(__file__).resolve().parents[3]
CORE = Core(loads=[Load(0x10000, b"m" * 4096)]).build()


def shown(core: str, contents: bytes | None, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mtedbg", "core", core, "-x", "mte-regions --all"]
    done = subprocess.run(
        words, cwd=ROOT, input=contents, capture_output=True, timeout=60, check=False,
        env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    return subprocess.CompletedProcess(
        words, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.mark.parametrize("contents", [CORE, gzip.compress(CORE)])
def test_standard_input(tmp_path: Path, contents: bytes) -> None:
    done = shown("-", contents, tmp_path)
    assert (done.returncode, "0x10000" in done.stdout) == (0, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_named_pipe(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "tmp", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"cat > {pipe}"], stdin=subprocess.PIPE) as writer:
        assert writer.stdin
        writer.stdin.write(CORE)
        writer.stdin.close()
        done = shown(str(pipe), None, folder)
    assert "0x10000" in done.stdout, done.stderr
    assert list(folder.iterdir()) == []


def test_nothing_and_rubbish(tmp_path: Path) -> None:
    done = shown("-", b"", tmp_path)
    assert done.stderr == "mtedbg: standard input is empty\n        pipe a core into it\n"
    done = shown("-", b"\x01\x02 rubbish", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert list(tmp_path.iterdir()) == []


def test_one_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1 << 20)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(["sh", "-c", f"exec cat /dev/zero > {pipe}"]),
        pytest.raises(FileFormatError, match="more than 1 MiB"),
        spooled(str(pipe)),
    ):
        pass
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_file_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(CORE)
    with spooled(str(path)) as found:
        assert found == str(path)
    with pytest.raises(NotNowError), spooled(str(tmp_path / "none")) as found:
        raise NotNowError(found)
