"""x86-64 programs that box64 runs, and scripts that LuaJIT does, as Debian has them."""

from __future__ import annotations

from pathlib import Path

from tests.support import x86_64
from tests.support.compile import BUILT, PROGRAMS, ROOT, digest_of, link_once
from tests.support.packages import Packages, unpacked

FOLDER = PROGRAMS / "translated"
BOX64 = Packages("box64", {"box64": "0.3.4+dfsg-1"})
LUAJIT = Packages("luajit", {"luajit": "2.1.0+openresty20250117-2"})


def guest(name: str) -> Path:
    """The x86-64 program made from `translated/NAME.c`."""
    source = FOLDER / f"{name}.c"
    command = [x86_64.compiler(), "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    command += [f"-ffile-prefix-map={ROOT}=."]  # the same wherever the checkout is
    program = BUILT / digest_of([source, *sorted(FOLDER.glob("*.h"))], command) / name
    link_once(program, [*command, str(source)])
    return program


def line_of(name: str, words: str) -> int:
    """The line of `translated/NAME` that has `words`."""
    lines = (FOLDER / name).read_text().splitlines()
    (found,) = (number for number, line in enumerate(lines, 1) if words in line)
    return found


def box64() -> Path:
    """The folder with box64 and all that it needs."""
    return unpacked(BOX64)


def luajit() -> Path:
    """The folder with LuaJIT and its libraries."""
    return unpacked(LUAJIT)
