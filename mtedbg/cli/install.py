"""`mtedbg install gdb|lldb`: adds the line to the user's init file that loads mtedbg."""

from __future__ import annotations

import argparse
import errno
import os
import re
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

from mtedbg.cli._beside import script
from mtedbg.commands._documents import change, write
from mtedbg.dataclass import dataclass
from mtedbg.errors import MtedbgError
from mtedbg.lab import paths
from mtedbg.render import clean
from mtedbg.system import READ, home

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_END = re.compile(r"\r?\n$")
_NO_HOME = "set HOME; mtedbg install --print prints the line for an init file"
HELP = "load mtedbg whenever GDB or LLDB starts"


@dataclass(frozen=True)
class Debugger:
    """How a debugger is made to load mtedbg.

    Args:
        command: its command that loads a file.
        loaded: the file to load.
        former: the name of the file that earlier versions had loaded.
        files: the init files that it reads.
        quoted: quotes a path for its command.
    """

    command: str
    loaded: Callable[[], Path]
    files: Callable[[], list[Path]]
    quoted: Callable[[str], str] = str
    former: str = ""

    @property
    def line(self) -> str:
        """What loads mtedbg."""
        return f"{self.command} {self.quoted(str(self.loaded()))}"

    def is_ours(self, line: str) -> bool:
        """Whether a line of an init file loads mtedbg, from here or from elsewhere."""
        file = self.loaded()
        names = (file.name, self.former or file.name)
        endings = tuple(f"/{file.parent.name}/{name}" for name in names)
        return line.startswith(f"{self.command} ") and line.rstrip(" '").endswith(endings)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument(
        "debugger", choices=sorted(DEBUGGERS), help="the debugger that is to load mtedbg"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--print",
        dest="only_print",
        action="store_true",
        help="print the line that loads mtedbg, and change nothing",
    )
    how.add_argument(
        "--beside",
        metavar="OBJECT",
        default="",
        help="write the script that loads mtedbg with OBJECT, a program or library",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the line, unless it is there, and says what was done."""
    debugger = DEBUGGERS[arguments.debugger]
    if arguments.only_print:
        print(debugger.line)
        return 0
    if arguments.beside:
        document, needed = script(Path(arguments.beside), arguments.debugger, debugger.loaded())
        print(clean(write(document)))
        print(clean(f"  {needed}"))
        return 0
    for file in debugger.files():
        _add(file, debugger)
    return 0


def _add(file: Path, debugger: Debugger) -> None:
    line = debugger.line
    try:
        before = _contents(file)
        after = with_line(before, debugger)
        if after == before:
            said = "already has the line:"
        else:
            change(file, os.fsencode(after))
            said = "now has the line:" if before else "was created with the line:"
    except OSError as error:
        raise MtedbgError(
            f"{file} cannot be changed: {error.strerror}", f"add this line to it: {line}"
        ) from error
    print(clean(f"{file} {said}"))
    print(clean(f"  {line}"))


def _contents(file: Path) -> str:
    """A file's text, whatever its encoding, with its line ends; nothing where there is no file.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    try:
        descriptor = os.open(file, READ)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return os.fsdecode(opened.read())


def with_line(text: str, debugger: Debugger) -> str:
    """An init file's `text` with the line in it once, in place of one that loads another mtedbg."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = _LINE.findall(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    ours = [i for i, old in enumerate(lines) if debugger.is_ours(old.rstrip("\r\n"))]
    if not ours:
        lines.append(debugger.line + end)
    else:
        lines[ours[0]] = debugger.line + _END.findall(lines[ours[0]])[0]
        for i in reversed(ours[1:]):
            del lines[i]
    return "".join(lines)


def _gdbinit() -> list[Path]:
    """The file that GDB reads at its start: the one in the configuration folder goes first."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or home(_NO_HOME) / ".config")
    in_configuration = configuration / "gdb/gdbinit"
    return [in_configuration if in_configuration.exists() else home(_NO_HOME) / ".gdbinit"]


def _lldbinit() -> list[Path]:
    """The file that LLDB reads, and the one that it reads in its place under its usual name."""
    own = home(_NO_HOME) / ".lldbinit-lldb"
    return [home(_NO_HOME) / ".lldbinit", *([own] if own.exists() else [])]


DEBUGGERS = {
    "gdb": Debugger("source", paths.gdbinit, _gdbinit, former="mtedbg.gdb"),
    "lldb": Debugger("command script import", paths.lldbinit, _lldbinit, shlex.quote),
}
