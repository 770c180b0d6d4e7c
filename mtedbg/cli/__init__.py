"""The `mtedbg` program: one file a subcommand, found by name.

How to add one: write `cli/NAME.py` with `HELP` (one line), `add_arguments(parser)` and
`run(arguments) -> int` (the exit status). Errors are raised as `MtedbgError` and printed here.
Where words after `--` are for another program, `OF_ANOTHER_PROGRAM = True`: `run` finds them, as
they were typed, in `arguments.after_dashes`, which is None where there was no `--` (argparse drops
one that follows a positional).
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from mtedbg.cli._redact import redacted
from mtedbg.cli._version import Version
from mtedbg.errors import DocumentError, MtedbgError, UsageError, too_much_memory

if TYPE_CHECKING:
    from mtedbg.report import Report

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
_DASHES = "--"
_READS_ALONE = "core"
"""The subcommand that has neither threads nor processes, and leaves no files, at its end."""
_YOUNG_OBJECTS = 50_000
"""New objects after which Python looks for unreachable ones (700 by default)."""
_CANNOT_WRITE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF))


def _modules() -> list[str]:
    with os.scandir(__path__[0]) as files:
        names = [file.name for file in files]
    found = (name[:-3] for name in names if name.endswith(".py") and name[0] != "_")
    return sorted(name.replace("_", "-") for name in found)


def _code_of(subcommand: str) -> ModuleType:
    return import_module(f"{__name__}.{subcommand.replace('-', '_')}")


class _Formatter(argparse.HelpFormatter):
    """Help as wide as the terminal: argparse makes one for each option, and imports shutil."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """As argparse does, but no file's name is broken at a hyphen."""
        from textwrap import fill

        words = " ".join(text.split())
        return fill(
            words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )


def _columns() -> int:
    """As `shutil.get_terminal_size`."""
    with contextlib.suppress(KeyError, ValueError):
        if (wanted := int(os.environ["COLUMNS"])) > 0:
            return wanted
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return 80


class _Parser(argparse.ArgumentParser):
    """Complains without what a word of the command line, a file's name, would do to a terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Formatter, **options)

    def error(self, message: str) -> NoReturn:
        """See `argparse`."""
        from mtedbg.render import clean

        super().error(clean(message))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mtedbg",
        description="Debugs programs, JITs and emulators on Arm memory tagging (MTE).",
    )
    parser.add_argument("--version", action=Version)
    # Where `prog` is not given, argparse formats a usage line to find it.
    subcommands = parser.add_subparsers(
        dest="subcommand", metavar="COMMAND", required=True, prog=parser.prog
    )
    modules = _modules()
    # Where the first word is one of them, the others need not be imported.
    for module in [words[0]] if words and words[0] in modules else modules:
        code = _code_of(module)
        subparser = subcommands.add_parser(module, help=code.HELP, description=code.HELP)
        code.add_arguments(subparser)
        subparser.set_defaults(run=code.run)
    return parser


def whole_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands: pages of the manual and completions are made from it."""
    return _parser(())


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of the program, and those after `--` where these are another program's."""
    module = words[0] if words else ""
    parser = _parser(words)
    after: Sequence[str] | None = None
    if _DASHES in words and module in _modules():
        code = _code_of(module)
        if getattr(code, "OF_ANOTHER_PROGRAM", False):
            at = words.index(_DASHES)
            words, after = words[:at], words[at + 1 :]
    arguments = parser.parse_args(words)
    arguments.after_dashes = after
    return arguments


def complain(error: MtedbgError) -> None:
    """Prints what is wrong and what to do, on standard error."""
    print(f"mtedbg: {error.message}", file=sys.stderr)
    if error.next_step:
        print(f"        {error.next_step}", file=sys.stderr)


def show(report: Report, arguments: argparse.Namespace) -> None:
    """Prints a report as `--json` and `--color` say, and for the terminal's width."""
    if arguments.json:
        from mtedbg.render.json import render_json

        sys.stdout.write(render_json(report))
        return
    from mtedbg.cli._terminal import wants_color, width
    from mtedbg.render.text import render_text

    sys.stdout.write(render_text(report, color=wants_color(arguments), width=width()))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status.

    Args:
        argv: the words after the program's name; those of the process where None.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the parent process
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, TextIOWrapper):  # a terminal that is not UTF-8 gets escapes
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else argv
    arguments = _parse(words)
    try:
        with redacted(arguments):
            status = arguments.run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        complain(error)
        return EXIT_USAGE
    except MtedbgError as error:
        complain(error)
        return EXIT_ERROR
    except MemoryError:
        complain(too_much_memory())
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader left (`mtedbg … | head`): nothing more to say, and no complaint at exit.
        sys.stdout = None
        return EXIT_ERROR
    except OSError as error:
        if error.filename is not None:  # of a file that was named, or that went away meanwhile
            name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
            complain(MtedbgError(f"{name}: {error.strerror}"))
            return EXIT_ERROR
        if error.errno not in _CANNOT_WRITE:
            raise
        sys.stdout = None  # nothing is left to be written at exit
        complain(DocumentError(f"cannot write to standard output: {error.strerror}"))
        return EXIT_ERROR
    assert isinstance(status, int)
    return status


def program() -> NoReturn:
    """Runs the program, and ends the process with its exit status."""
    # Tens of thousands of objects are made by imports alone, and live as long as the process.
    gc.set_threshold(_YOUNG_OBJECTS)
    status = main()
    if sys.argv[1:2] == [_READS_ALONE]:
        # To take hundreds of modules apart is a tenth of its time, and nothing waits for that.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None:
                    stream.flush()
        os._exit(status)
    sys.exit(status)
