"""Damaged ELF files in the runtime: refused in one line, or run to an end of their own.

Headers of a static program without a C library, and of a dynamic one with what its loader reads:
symbols, relocations, names. Their code stays as it is, so that none calls the kernel in a new way.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mtedbg.lab import paths
from tests.programs.root import root
from tests.support import x86_64

LIMIT_S = 120.0
NATIVE_S = 20.0
"""So long a program must run natively that may run as long as it likes here."""
HEADERS = 64 + 56 * 8
"""Bytes of an ELF header and eight program headers."""
LOADED = 0x1000
"""Bytes of a dynamic program that its loader reads, and no code."""
_BYTES = (0, 1, 0x7F, 0x80, 0xFF)
_REFUSED = (64, 65, 66, 67, 68)
_INTERNAL = 70


def mutants(whole: bytes, end: int, count: int, seed: int) -> Iterator[bytes]:
    """Copies of a file with one to four of the bytes before `end` set to others."""
    choice = random.Random(seed)
    for _ in range(count):
        content = bytearray(whole)
        for _ in range(choice.randint(1, 4)):
            content[choice.randrange(4, end)] = choice.choice(_BYTES)
        yield bytes(content)


def wrong(status: int, errors: str) -> str:
    """What is wrong with an end; empty where nothing."""
    lines = [line for line in errors.splitlines() if line.startswith("mtetso:")]
    if status == _INTERNAL and "cannot map it" not in errors:
        return "an internal error"
    if status in _REFUSED and len(lines) != 1:
        return f"{len(lines)} lines"
    # The program's own fault: said in a line, then it dies as natively.
    if status < 0 and not lines:
        return f"signal {-status}, without a word"
    return ""


def damaged(program: Path, end: int, count: int, workers: int) -> list[str]:
    """Runs mutants of a program; a line for each that ended wrongly."""
    whole = program.read_bytes()
    with ThreadPoolExecutor(workers) as pool:
        numbered = enumerate(mutants(whole, end, count, 15))
        found = pool.map(lambda pair: _run(program.name, *pair), numbered)
        return [one for one in found if one]


def _run(name: str, number: int, content: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="mtedbg-mutant-") as folder:
        path = Path(folder) / "mutant"
        path.write_bytes(content)
        path.chmod(0o755)
        runtime = ["qemu-aarch64", "-cpu", "max", str(paths.runtime()), "--sysroot", str(root())]
        if (done := _ended([*runtime, str(path)], folder, LIMIT_S)) is None:
            if _ended([*x86_64.runner(), str(path)], folder, NATIVE_S) is None:
                return ""  # nor does it end on a processor
            return f"{name}, mutant {number}: still runs after {LIMIT_S:.0f} s"
        why = wrong(done.returncode, done.stderr)
        if why and done.returncode < 0:
            own = _ended([*x86_64.runner(), str(path)], folder, NATIVE_S)
            if own is not None and own.returncode == done.returncode:
                return ""  # it ends itself like that, as by abort
        return f"{name}, mutant {number}: {why}: {done.stderr[-300:]}" if why else ""


def _ended(
    command: list[str], folder: str, limit_s: float
) -> subprocess.CompletedProcess[str] | None:
    """What a command did; none where it still runs after so long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            env={"PATH": os.environ["PATH"]}, cwd=folder, timeout=limit_s, check=False,
        )  # fmt: skip
    return None
