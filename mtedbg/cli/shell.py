"""`mtedbg shell`: a debugger with line editing, completion and context."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtedbg.errors import UsageError
from mtedbg.system import needs_unix

HELP = "GDB at a prompt with completion, a status line and context at each stop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument("program", metavar="PROGRAM", nargs="?", help="an AArch64 program")
    parser.add_argument("--core", help="a core file")
    parser.add_argument("--exe", help="the program of the core file")
    add_debugger(parser)
    parser.epilog = (
        "If standard input is not a terminal, all commands in it are run, output is plain, and the "
        "exit status is 1 if a command failed."
    )


def add_debugger(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the debugger."""
    parser.add_argument("--gdb", metavar="PATH", help="path of the GDB to use")
    parser.add_argument(
        "-x",
        dest="scripts",
        metavar="FILE",
        action="append",
        default=[],
        help="run the GDB commands in FILE first; may be repeated",
    )
    parser.add_argument(
        "--no-context",
        action="store_true",
        help="print what GDB prints at a stop, and not where the thread stands as well",
    )


def run(arguments: argparse.Namespace) -> int:
    """Opens the shell; its exit status."""
    needs_unix("the shell")
    from mtedbg.shell.debuggee import Files
    from mtedbg.shell.files import core_file, program_file
    from mtedbg.shell.main import open_shell

    if arguments.exe and arguments.program:
        raise UsageError("--exe and PROGRAM both name the program", "give one of them")
    if arguments.exe and not arguments.core:
        raise UsageError("--exe needs --core", f"try: mtedbg shell {arguments.exe}")
    program = arguments.exe or arguments.program
    words: list[str | Path] = [program_file(program)] if program else []
    if arguments.core:
        words += ["-c", core_file(arguments.core)]
    return open_shell(
        Files(words), arguments.gdb, arguments.scripts, context=not arguments.no_context
    )
