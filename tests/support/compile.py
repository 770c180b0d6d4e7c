"""Compiles the C programs of `tests/support/programs/` for AArch64, each once per content.

Several test runs, or several workers of one, may want the same program at once.
"""

import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/support/programs"
INCLUDE = ROOT / "native/include"
BUILT = ROOT / "build/tests"
CPP_COMPILER = [
    *("aarch64-linux-gnu-g++", "-std=gnu++20", "-march=armv8.5-a+memtag", "-O1", "-g"),
    *("-Wall", "-Wextra", "-Werror", "-pthread"),
]
COMPILER = [
    *("aarch64-linux-gnu-gcc", "-std=gnu11", "-march=armv8.5-a+memtag", "-O1", "-g"),
    *("-Wall", "-Wextra", "-Werror", "-pthread"),
]


def compiled(name: str, *flags: str) -> Path:
    """The program made from `NAME.c` or `NAME.cc`, in a folder named after what goes into it."""
    source = PROGRAMS / f"{name}.c"
    compiler = COMPILER
    if not source.exists():
        source, compiler = source.with_suffix(".cc"), CPP_COMPILER
    sources = [source, *sorted(PROGRAMS.glob("*.h"))]
    if f"-I{INCLUDE}" in flags:
        sources += sorted(INCLUDE.rglob("*.h"))
    program = BUILT / digest_of(sources, [compiler, flags]) / name
    link_once(program, [*compiler, *flags, str(source)])
    return program


def digest_of(sources: Sequence[Path], how: Sequence[object]) -> str:
    """Sixteen hexadecimal digits that stand for sources and how they are compiled."""
    digest = hashlib.sha256(repr(how).encode())
    for each in sources:
        digest.update(each.read_bytes())
    return digest.hexdigest()[:16]


def link_once(program: Path, command: Sequence[str]) -> None:
    """Makes `program` by `command` and `-o`, unless it is there: whole or not at all."""
    if program.exists():
        return
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as work:
        output = Path(work) / program.name
        subprocess.run([*command, "-o", str(output)], check=True)
        output.rename(program)
