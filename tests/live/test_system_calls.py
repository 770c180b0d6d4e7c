"""What the system sees of `mtedbg core` and `triage` on hostile cores: what is allowed, no more."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.elf_core import PAGE, Core, ImageFile, Load, MappedFile, R, ThreadNotes, X

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "mtedbg"
IMAGE = ImageFile()
BASE = 0xAAAA_0000_0000
CALLS = (
    "trace=%file,%network,execve,execveat,mount,init_module,ptrace,mknod,mknodat,fchmodat,fchown"
)
LINE = re.compile(r"^(?:\[pid +\d+\] )?(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|\?)")
OPENED = re.compile(r'(?:AT_FDCWD(?:<([^>]*)>)?|\d+<([^>]*)>), "((?:[^"\\]|\\.)*)", ([A-Z_|0-9]+)')


@dataclass(frozen=True)
class Call:
    """One system call: its name, its arguments as strace writes them, what it returned."""

    name: str
    arguments: str
    result: int

    def opened(self) -> tuple[Path, str] | None:
        """The file that it opened for more than a look, with the flags."""
        found = OPENED.match(self.arguments) if self.name == "openat" else None
        if found is None or "O_PATH" in found[4]:
            return None
        folder = found[1] or found[2] or ""
        return Path(os.path.normpath(Path(folder, found[3]))), found[4]


def traced(words: list[str], folder: Path) -> Iterator[Call]:
    """The system calls of `mtedbg` and of all that it starts."""
    log = folder / "strace.log"
    strace = shutil.which("strace")
    assert strace
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "tmp"),
    }
    done = subprocess.run(
        [strace, "-f", "-y", "-qq", "-s", "5000", "-o", str(log), "-e", CALLS, PROGRAM, *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    for line in log.read_text(errors="replace").splitlines():
        if found := LINE.match(line):
            yield Call(found[1], found[2], -1 if found[3] == "?" else int(found[3]))


HOSTILE = [
    "/dev/tty",
    "/dev/sda",
    "/dev/zero",
    "/proc/self/mem",
    "/proc/self/fd/0",
    "/sys/kernel/debug/tracing/trace_pipe",
    "/net/evil.example/share/app",
    "/../../etc/shadow",
    "http://evil.example/app",
    "\\\\evil.example\\share",
    "/tmp/\x1b]0;x\x07",
    "/" + "d/" * 2000,
    "/HERE/fifo",
    "/HERE/socket",
    "/HERE/loop",
    "/HERE/outside",
    "/HERE/folder",
    "relative/app",
    "|touch /HERE/run",
    "$(touch /HERE/run)",
    "-L/HERE",
]
REGULAR = ["//etc/passwd", "/etc/shadow", "/etc/passwd", "/HERE/../secret/file", "/HERE/program"]
"""Named without a build id: nothing could be compared, so that they are not even opened."""


def hostile_core(cores: Path, host: Path) -> None:
    """A core that names every one; some with an image and its build id, some without."""
    contents = IMAGE.build()
    loads, files = [], []
    for number, name in enumerate([*HOSTILE, *REGULAR]):
        start = BASE + number * 16 * PAGE
        head = contents[:PAGE] if number < len(HOSTILE) else b""
        loads.append(Load(start, head, 2 * PAGE, R | X))
        files.append(MappedFile(start, start + 2 * PAGE, 0, name.replace("/HERE", str(host))))
    Core(
        loads=loads,
        files=files,
        auxv={3: BASE + 64, 9: BASE + PAGE},
        threads=[
            ThreadNotes(
                registers={"pc": BASE + 16 * PAGE * number + PAGE, "x30": BASE + PAGE},
                siginfo=(11, 1, 8),
            )
            for number in range(4)
        ],
    ).write(cores)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cores", "host", "home", "tmp", "secret", "out"):
        (tmp_path / name).mkdir()
    host = tmp_path / "host"
    os.mkfifo(host / "fifo")
    if os.geteuid() == 0:
        os.mknod(host / "socket", stat.S_IFSOCK | 0o600)
    (host / "folder").mkdir()
    IMAGE.write(host)
    (host / "loop").symlink_to("loop")
    (host / "outside").symlink_to("/dev/tty")
    (tmp_path / "secret/file").write_bytes(IMAGE.build())
    cores = tmp_path / "cores"
    hostile_core(cores, host)
    os.mkfifo(cores / "core.fifo")
    (cores / "id_rsa").symlink_to(tmp_path / "secret/file")
    (cores / "tty").symlink_to("/dev/tty")
    (cores / "core.link").symlink_to(tmp_path / "secret/file")
    return tmp_path


def is_private_folder(path: Path) -> bool:
    """Whether it is where multiprocessing's helpers meet if TMPDIR is too long for a socket."""
    return path.parent == Path("/tmp") and path.name.startswith("pymp-")


def is_ours(arguments: str, temporary: Path) -> bool:
    """Whether a connection is to a socket without a file, or to one of multiprocessing's."""
    found = re.search(r'sun_path=(@?)"([^"]*)"', arguments)
    if found is None or found[1]:
        return found is not None
    path = Path(found[2])
    return path.is_relative_to(temporary) or is_private_folder(path.parent)


def allowed(folder: Path) -> list[Path]:
    """Below these anything may be read: Python, the libraries, mtedbg, and what the user named."""
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    system = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/null"]
    system += ["/proc/self/mountinfo", "/proc/self/status", "/etc/ld.so.preload", "/dev/urandom"]
    system += ["/sys/devices/system/cpu"]  # how many there are
    mine = [folder / "cores", folder / "tmp", folder / "home/.local/state/mtedbg", folder / "state"]
    return [*python, *map(Path, system), ROOT / "mtedbg", *mine, folder / "out"]


COMMANDS = {
    "core": ["core", "cores/core"],
    "core-json": ["core", "cores/core", "--json"],
    "core-html": ["core", "cores/core", "--html", "out/page.html", "-x", "mte-regions"],
    "triage": ["triage", "cores", "--workers", "2", "--state", "state", "--fresh"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_hostile_names_open_connect_and_start_nothing(folder: Path, name: str) -> None:
    calls = list(traced(COMMANDS[name], folder))
    opened = [found for call in calls if (found := call.opened()) and call.result >= 0]
    assert (folder / "cores/core") in [path for path, _ in opened], "the trace shows what is opened"
    inside = allowed(folder)
    entry_points = {ROOT, *map(Path, sys.path)}  # listed by Python's import system
    for path, flags in opened:
        below = any(path.is_relative_to(one) for one in inside) or is_private_folder(path)
        assert below or (path in entry_points and "O_DIRECTORY" in flags), (path, flags)
        if {"O_WRONLY", "O_RDWR"} & set(flags.split("|")):
            assert path.is_relative_to(folder) or path == Path("/dev/null"), (path, flags)
    tried = [found[0] for call in calls if (found := call.opened())]
    for wrong in (*HOSTILE, *REGULAR):
        name_of_it = os.path.normpath(wrong.replace("/HERE", str(folder / "host")))
        assert Path(name_of_it.replace("//", "/")) not in tried
    assert folder / "secret/file" not in tried
    assert folder / "cores/tty" not in tried
    assert folder / "cores/core.fifo" not in tried
    if name != "triage":  # which looks at the beginning of every regular file that it is given
        assert folder / "cores/id_rsa" not in tried
    for call in calls:
        if call.name in ("execve", "execveat"):
            started = re.search(r'"([^"]*)"', call.arguments)
            assert started
            assert Path(started[1]).name.startswith(("python", "mtedbg", "strace")), call
        assert call.name not in ("mount", "init_module", "ptrace", "mknod", "mknodat"), call
        if call.name in ("socket", "connect", "bind", "sendto"):
            assert "AF_INET" not in call.arguments, call
            assert "AF_NETLINK" not in call.arguments, call
        if call.name == "connect":  # triage's own helpers
            assert name == "triage"
            assert is_ours(call.arguments, folder / "tmp"), call
    if name != "triage":
        assert sum(call.name.startswith("execve") and not call.result for call in calls) == 1
    assert not (folder / "host/run").exists()
    assert sorted(path.name for path in (folder / "tmp").iterdir()) == []
