"""Systems that are not Linux: what needs nothing of it says the same there, the rest is refused.

What they lack is taken away (`tests/support/other_system.py`), and /proc with it: its place is
empty in a mount namespace.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.cases import unpacked
from tests.support.other_system import LACKING, VARIABLE

ROOT = Path(__file__).parents[2]
EMPTY = 'mount -t tmpfs none /proc && exec "$@"'
NAMESPACE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount"]
WITHOUT_PROC = [*NAMESPACE, "sh", "-c", EMPTY, "sh"]
TEXT = (
    "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x0b00007b5b1d4b30\n"
    "    #00 pc 0000000000001234  /system/lib64/libfoo.so (foo+16)\n"
)


def ran(folder: Path, system: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The program, as on Linux where `system` is empty."""
    module = "tests.support.other_system" if system else "mtedbg"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
        "DEBUGINFOD_CACHE_PATH": "empty", **({VARIABLE: system} if system else {}),
    }  # fmt: skip
    return subprocess.run(
        [*(WITHOUT_PROC if system else []), sys.executable, "-m", module, *words],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("system", LACKING)
def test_cores_texts_and_triage_say_the_same(system: str, tmp_path: Path) -> None:
    folder = tmp_path / "cores"
    folder.mkdir()
    core = unpacked("heap", folder)
    (folder / "log").write_text(TEXT)
    for words in (
        ["core", core.name],
        ["core", core.name, "-x", "mte-tags $x0 64", "--json"],
        ["explain", "log"],
        ["triage", ".", "--fresh", "--state", "../state", "--workers", "2"],
    ):
        here, there = ran(folder, "", *words), ran(folder, system, *words)
        assert here.returncode == 0, here.stderr
        assert (there.stdout, there.stderr) == (here.stdout, here.stderr), words
        assert there.returncode == 0


@pytest.mark.parametrize("system", LACKING)
def test_files_are_written_and_debuggers_set_up(system: str, tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path)
    assert ran(tmp_path, system, "core", core.name, "--html", "page.html").returncode == 0
    assert "tag check fault (synchronous)" in (tmp_path / "page.html").read_text("utf-8")
    done = ran(tmp_path, system, "install", "gdb")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / ".gdbinit").read_text().endswith("/gdbinit/mtedbg_gdb.py\n")


@pytest.mark.parametrize(
    "words",
    [["shell"], ["run", "counter"], ["run", "counter", "--vm"], ["demo"], ["lab", "--", "./x"]],
    ids=" ".join,
)
def test_windows_refuses_the_rest_in_words(words: list[str], tmp_path: Path) -> None:
    program = unpacked("heap", tmp_path).with_name("heap")
    program.rename(tmp_path / "x").chmod(0o755)
    done = ran(tmp_path, "windows", *words)
    first, second = done.stderr.splitlines()
    assert first.endswith("needs Linux or macOS")
    assert "mtedbg core" in second
    assert done.returncode == 1


def test_a_program_in_user_mode_is_linuxs(tmp_path: Path) -> None:
    unpacked("heap", tmp_path).with_name("heap").chmod(0o755)
    done = ran(tmp_path, "macos", "run", "./heap")
    assert "QEMU's user mode runs on Linux only" in done.stderr
    assert "--vm" in done.stderr
    assert done.returncode == 1


def test_links_out_of_a_folder_are_refused_by_names_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mtedbg.adapters.core import below

    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "plain").write_text("plain")
    (inside / "link").symlink_to("../secret")
    os.mkfifo(inside / "pipe")
    for walks, looks in ((True, True), (True, False), (False, False)):
        monkeypatch.setattr(below, "_CAN_WALK", walks)
        monkeypatch.setattr(below, "_CAN_LOOK", looks)
        if not looks:
            monkeypatch.setattr(
                below, "_LOOK", os.O_DIRECTORY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        descriptor = below.open_below(str(inside), "./plain", as_root=False)
        assert os.read(descriptor, 99) == b"plain"
        os.close(descriptor)
        for name in ("link", "../secret", "pipe", "."):
            with pytest.raises(below.RefusedError):
                below.open_below(str(inside), name, as_root=False)
        assert below.is_plain(str(inside / "plain"))
        assert not below.is_plain(str(inside / "pipe"))
