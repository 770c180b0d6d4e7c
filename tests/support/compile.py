"""Compiles the C programs of `tests/support/programs/` for AArch64, each once per content."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/support/programs"
INCLUDE = ROOT / "native/include"
BUILT = ROOT / "build/tests"
COMPILER = [
    *("aarch64-linux-gnu-gcc", "-std=gnu11", "-march=armv8.5-a+memtag", "-O1", "-g"),
    *("-Wall", "-Wextra", "-Werror", "-pthread"),
]


def compiled(name: str, *flags: str) -> Path:
    """The program made from `NAME.c`, in a folder that is named after all that goes into it."""
    sources = [PROGRAMS / f"{name}.c", *sorted(PROGRAMS.glob("*.h"))]
    if f"-I{INCLUDE}" in flags:
        sources += sorted(INCLUDE.rglob("*.h"))
    digest = hashlib.sha256(repr([COMPILER, flags]).encode())
    for source in sources:
        digest.update(source.read_bytes())
    folder = BUILT / digest.hexdigest()[:16]
    program = folder / name
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            output = Path(work) / name
            command = [*COMPILER, *flags, str(sources[0]), "-o", str(output)]
            subprocess.run(command, check=True)
            output.rename(program)  # whole or not at all: another test run may look for it
    return program
