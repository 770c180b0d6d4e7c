"""Cores that are mostly holes: neither memory nor time follows their length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.layout.find import scan
from mtedbg.model.absent import Absent
from tests.support import runtime_image
from tests.support.elf_core import PAGE, Core, Load, patched
from tests.support.runtime_image import BASE

GIB = 1 << 30
FAR = 1 << 40
MOST_KIB = 200 * 1024


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    """64 GiB of writable memory that nobody wrote to, and a runtime's records behind it."""
    data = runtime_image.image().data
    core = Core([Load(FAR, b""), Load(BASE, data)]).build()
    start = len(core) + -len(core) % PAGE
    length = 64 * GIB
    core = patched(core, 1, offset=start, file_size=length, memory_size=length)
    core = patched(core, 2, offset=start + length)
    path = tmp_path / "core"
    with path.open("wb") as file:
        file.write(core)
        file.seek(start + length)
        file.write(data)
    return path


def test_holes_are_told_from_what_was_written(sparse: Path) -> None:
    target = CoreTarget(sparse)
    assert list(target.written(FAR, FAR + 64 * GIB)) == []
    size = len(runtime_image.image().data)
    assert list(target.written(BASE, BASE + size)) == [(BASE, BASE + size)]
    assert list(target.written(BASE - PAGE, BASE + 64)) == [(BASE, BASE + 64)]
    assert target.read_memory(FAR + 63 * GIB, 16) == bytes(16)


def test_a_scan_finds_a_root_behind_them(sparse: Path) -> None:
    found = scan(CoreTarget(sparse))
    assert not isinstance(found, Absent)
    assert found == [runtime_image.image().places["root"]]


def test_what_was_scanned_is_given_back(tmp_path: Path) -> None:
    """Half a gibibyte that was written to, read in a process whose size is looked at."""
    chunk = b"\x5a" * (1 << 24)
    core = Core([Load(FAR, b"")]).build()
    start = len(core) + -len(core) % PAGE
    length = GIB // 2
    core = patched(core, 1, offset=start, file_size=length, memory_size=length)
    path = tmp_path / "core"
    with path.open("wb") as file:
        file.write(core.ljust(start, b"\0"))
        for _ in range(length // len(chunk)):
            file.write(chunk)
    code = (
        "import pathlib, re, sys\n"
        "from mtedbg.adapters.core import CoreTarget\n"
        "from mtedbg.layout.find import scan\n"
        "target = CoreTarget(sys.argv[1])\n"
        # Not ru_maxrss: that begins with the size of whoever started this process.
        "status = pathlib.Path('/proc/self/status')\n"
        "said = scan(target)\n"
        "print(said, re.search(r'VmHWM:\\s+(\\d+) kB', status.read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    said, size = done.stdout.rsplit(maxsplit=1)
    assert said == "no runtime here"
    assert int(size) < MOST_KIB
