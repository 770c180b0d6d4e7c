"""Users without a home or an entry, and folders that cannot be written to or looked into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.errors import UsageError
from mtedbg.lab import boot as lab_boot
from tests.golden.cases import unpacked

NOBODY = 54321
"""A user of whom the machine has no entry."""
OF_NOBODY = """
import os, sys
os.environ.pop("HOME", None)
for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
import pwd
pwd.getpwuid = lambda uid: (_ for _ in ()).throw(KeyError(uid))
from mtedbg.cli import main
sys.exit(main(sys.argv[1:]))
"""


def of_nobody(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program, run by somebody without a home: what Python finds it by knows of none."""
    return subprocess.run(
        [sys.executable, "-c", OF_NOBODY, *words], cwd=folder, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_cores_and_texts_need_no_home(tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path)
    assert of_nobody(tmp_path, "core", core.name).returncode == 0
    assert of_nobody(tmp_path, "core", core.name, "--redact").returncode == 0
    assert of_nobody(tmp_path, "triage", core.name, "--state", "state").returncode == 0
    assert of_nobody(tmp_path, "explain", "signal 11 (SIGSEGV), fault addr 0x10").returncode == 0
    assert of_nobody(tmp_path, "install", "gdb", "--print").returncode == 0


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("triage", "core"), "--state FILE"),
        (("install", "gdb"), "install --print"),
        (("core", "core", "--html", "~/page"), "name another"),
    ],
)
def test_what_needs_one_says_what_to_do(
    tmp_path: Path, words: tuple[str, ...], instead: str
) -> None:
    unpacked("heap", tmp_path)
    done = of_nobody(tmp_path, *words)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert instead in done.stderr.splitlines()[1]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that an ordinary user can neither look into nor write to."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def test_a_folder_that_cannot_be_looked_into_is_an_error(
    locked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() == 0:  # who may look everywhere: a walk that is refused, as it would be
        real = os.scandir

        def refusing(path: object = ".") -> object:
            if str(path) == str(locked):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)  # type: ignore[call-overload]

        monkeypatch.setattr(os, "scandir", refusing)
    unpacked("heap", locked.parent)
    shutil.rmtree(locked.parent / "state", ignore_errors=True)
    words = ["triage", str(locked.parent), "--state", str(locked.parent / "state"), "--fresh"]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "1 file, 1 signature" in said
    assert f"{locked} cannot be looked into: Permission denied" in said


def test_the_lab_does_not_boot_where_it_cannot_leave_a_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = unpacked("heap", tmp_path).with_name("heap")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab_boot, "Machine", _never)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert main(["lab", "--", str(program)]) == 2
    assert "a core file would be lost" in capsys.readouterr().err


def _never(*_words: object) -> None:
    raise UsageError("it booted")
