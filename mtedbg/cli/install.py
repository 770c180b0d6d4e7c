"""`mtedbg install gdb|lldb`: adds the line to the user's init file that loads mtedbg."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.errors import MtedbgError
from mtedbg.lab import paths

HELP = "load mtedbg whenever GDB or LLDB starts"


@dataclass(frozen=True)
class Debugger:
    """How a debugger is made to load mtedbg.

    Args:
        command: its command that loads a file.
        loaded: the file to load.
        files: the init files that it reads.
        quoted: quotes a path for its command.
    """

    command: str
    loaded: Callable[[], Path]
    files: Callable[[], list[Path]]
    quoted: Callable[[str], str] = str

    @property
    def line(self) -> str:
        """What loads mtedbg."""
        return f"{self.command} {self.quoted(str(self.loaded()))}"

    def is_ours(self, line: str) -> bool:
        """Whether a line of an init file loads mtedbg, from here or from elsewhere."""
        file = self.loaded()
        ending = f"/{file.parent.name}/{file.name}"
        return line.startswith(f"{self.command} ") and line.rstrip(" '").endswith(ending)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument(
        "debugger", choices=sorted(DEBUGGERS), help="the debugger that is to load mtedbg"
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the line, unless it is there, and says what was done."""
    debugger = DEBUGGERS[arguments.debugger]
    for file in debugger.files():
        _add(file, debugger)
    return 0


def _add(file: Path, debugger: Debugger) -> None:
    line = debugger.line
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = with_line(before, debugger)
        if after == before:
            print(f"{file} already has the line:")
        else:
            file.write_text(after, encoding="utf-8")
            print(f"{file} now has the line:" if before else f"{file} was created with the line:")
    except (OSError, UnicodeDecodeError) as error:
        raise MtedbgError(
            f"{file} cannot be changed: {error}", f"add this line to it: {line}"
        ) from error
    print(f"  {line}")


def with_line(text: str, debugger: Debugger) -> str:
    """An init file's `text` with the line in it once, in place of one that loads another mtedbg."""
    lines = text.splitlines()
    ours = [i for i, old in enumerate(lines) if debugger.is_ours(old)]
    if not ours:
        lines.append(debugger.line)
    else:
        lines[ours[0]] = debugger.line
        for i in reversed(ours[1:]):
            del lines[i]
    return "\n".join([*lines, ""])


def _gdbinit() -> list[Path]:
    """The file that GDB reads at its start: the one in the configuration folder goes first."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    in_configuration = configuration / "gdb/gdbinit"
    return [in_configuration if in_configuration.exists() else Path.home() / ".gdbinit"]


def _lldbinit() -> list[Path]:
    """The file that LLDB reads, and the one that it reads in its place under its usual name."""
    own = Path.home() / ".lldbinit-lldb"
    return [Path.home() / ".lldbinit", *([own] if own.exists() else [])]


DEBUGGERS = {
    "gdb": Debugger("source", paths.gdbinit, _gdbinit),
    "lldb": Debugger("command script import", paths.lldbinit, _lldbinit, shlex.quote),
}
