"""What GDB says of the calls of an x86-64 program that crashes natively: the oracle for guests."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mtedbg.dataclass import dataclass
from tests.support.oracles import tool

_SCRIPT = """
import gdb, json
frame, found = gdb.newest_frame(), []
while frame is not None:
    # A frame that GDB adds for a tail call has nothing on the stack: nobody else can see it.
    if frame.type() != gdb.TAILCALL_FRAME:
        place = frame.find_sal()
        name = "<signal handler called>" if frame.type() == gdb.SIGTRAMP_FRAME else frame.name()
        found.append([name or "", place.line if place.symtab else 0])
    frame = frame.older()
print("CALLS " + json.dumps(found))
"""
_SETTINGS = (
    *("set debuginfod enabled off", "set startup-with-shell off", "set backtrace past-main on"),
    *("set backtrace limit 64", "set print thread-events off"),
)


@dataclass(frozen=True, slots=True)
class NativeCall:
    """A frame: its function without namespaces, template arguments and parameters, and its line."""

    function: str
    line: int


def native_calls(
    program: Path, arguments: list[str], folder: Path, *settings: str
) -> list[NativeCall]:
    """The frames at the signal that the program stops on, the innermost first.

    Args:
        program: an x86-64 program.
        arguments: its own.
        folder: for GDB's script.
        settings: further lines before the program is run.
    """
    script = folder / "calls.py"
    script.write_text(_SCRIPT)
    command = [tool("gdb"), "-nx", "-batch"]
    for line in (*_SETTINGS, *settings):
        command += ["-iex", line]
    command += ["-ex", "run", "-ex", f"source {script}", "--args", str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"^CALLS (.*)$", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    return [NativeCall(bare(name), line) for name, line in json.loads(found[1])]


def bare(name: str) -> str:
    """The last part of a function's name: debuggers write the rest in ways of their own.

    Of several names of one place each chooses another: they differ in underscores and `_impl`.
    """
    if name.startswith("<signal"):
        return name
    depth, kept = 0, ""
    for letter in name.replace("::<", "<"):  # as Rust has it in expressions
        depth += letter in "(<{"
        kept += letter if not depth else ""
        depth -= letter in ")>}"
    last = kept.split("::")[-1].split(" ")[-1]
    return last.partition(".")[0].lstrip("_").removesuffix("_impl")


def as_native(row: Mapping[str, object]) -> NativeCall:
    """A row of `guest-bt` in the same words."""
    line, name = row["line"], row["function"]
    number = int(line.rpartition(":")[2]) if isinstance(line, str) and ":" in line else 0
    return NativeCall(bare(name) if isinstance(name, str) else "", number)
