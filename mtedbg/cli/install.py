"""`mtedbg install gdb`: adds the line to the user's gdbinit that loads mtedbg."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mtedbg.errors import MtedbgError
from mtedbg.lab import paths

HELP = "load mtedbg whenever GDB starts"
FILE_NAME = "gdbinit/mtedbg.gdb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument("debugger", choices=["gdb"])


def run(_arguments: argparse.Namespace) -> int:
    """Writes the line, unless it is there, and says what was done."""
    line = f"source {paths.gdbinit()}"
    file = _gdbinit()
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = with_line(before, line)
        if after == before:
            print(f"{file} already has the line:")
        else:
            file.write_text(after, encoding="utf-8")
            print(f"{file} now has the line:" if before else f"{file} was made, with the line:")
    except (OSError, UnicodeDecodeError) as error:
        raise MtedbgError(f"{file} cannot be changed: {error}", f"add to it: {line}") from error
    print(f"  {line}")
    return 0


def with_line(text: str, line: str) -> str:
    """`text` with `line` in it once, in place of one that loads mtedbg from elsewhere."""
    lines = text.splitlines()
    ours = [i for i, old in enumerate(lines) if _loads_mtedbg(old)]
    if not ours:
        lines.append(line)
    else:
        lines[ours[0]] = line
        for i in reversed(ours[1:]):
            del lines[i]
    return "\n".join([*lines, ""])


def _loads_mtedbg(line: str) -> bool:
    return line.startswith("source ") and line.rstrip().endswith(f"/{FILE_NAME}")


def _gdbinit() -> Path:
    """The file that GDB reads at its start: the one in the configuration folder goes first."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    in_configuration = configuration / "gdb/gdbinit"
    return in_configuration if in_configuration.exists() else Path.home() / ".gdbinit"
