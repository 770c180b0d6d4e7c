"""What GDB and LLDB say of a core file: read by other people's code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.lldb_session import ONE_BY_ONE

GRANULE = 16


def tool(name: str) -> str:
    """A program of the environment that the tests run in."""
    path = Path(sys.executable).with_name(name)
    assert path.exists(), f"{path} is missing: run scripts/setup"
    return str(path)


def gdb(core: Path, program: Path, folder: Path, *lines: str) -> str:
    """What GDB prints for `lines` on `core`."""
    script = folder / "commands.gdb"
    script.write_text("set pagination off\n" + "\n".join(lines) + "\n")
    command = [tool("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off"]
    command += ["-x", str(script), str(program), "-c", str(core)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def gdb_tags(core: Path, program: Path, folder: Path, start: int, granules: int) -> list[int]:
    """The allocation tags of `granules` granules from `start` on, by GDB."""
    loop = (
        f"set $at = (char *){start:#x}",
        f"while $at < (char *){start + granules * GRANULE:#x}",
        "memory-tag print-allocation-tag $at",
        f"set $at = $at + {GRANULE}",
        "end",
    )
    return [
        int(tag, 16)
        for tag in re.findall(r"^\$\d+ = (0x[0-9a-f]+)$", gdb(core, program, folder, *loop), re.M)
    ]


def lldb_tags(core: Path, start: int, granules: int) -> list[int]:
    """The same by LLDB."""
    line = f"memory tag read {start:#x} {start + granules * GRANULE:#x}"
    command = [tool("lldb"), "-x", "-b", "-O", ONE_BY_ONE, "-o", line, "-c", str(core)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [int(tag, 16) for tag in re.findall(r"\): (0x[0-9a-f]+)", done.stdout)]


def gdb_registers(core: Path, program: Path, folder: Path) -> list[dict[str, int]]:
    """The general registers of every thread, by GDB, in the order of its numbers."""
    names = [*(f"x{n}" for n in range(31)), "sp", "pc", "tpidr"]
    arguments = ", ".join(f"(unsigned long)${name}" for name in names)
    line = f'thread apply all -ascending -s printf "regs {"%#lx " * len(names)}\\n", {arguments}'
    printed = gdb(core, program, folder, line)
    found = []
    for values in re.findall(r"^regs (.*)$", printed, re.M):
        words = [int(word, 16) for word in values.split()]
        found.append(dict(zip(names, words, strict=True)))
    return found
