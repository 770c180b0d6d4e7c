"""`mtedbg completion bash|zsh|fish`: completes mtedbg's own words at the shell's prompt."""

from __future__ import annotations

import argparse
import sys

HELP = "print what makes bash, zsh or fish complete mtedbg's words"
SHELLS = ("bash", "fish", "zsh")
_FILES = frozenset(("CORE", "FILE", "GUEST", "OBJECT", "PATH", "PROFILE", "PROGRAM", "TEXT|FILE"))
_FOLDERS = frozenset(("DIR", "FOLDER"))
"""What a placeholder in the usage says of the word that it stands for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    parser.epilog = (
        "For bash: mtedbg completion bash > ~/.local/share/bash-completion/completions/mtedbg. "
        "For zsh: mtedbg completion zsh > _mtedbg, in a folder of fpath. "
        "For fish: mtedbg completion fish > ~/.config/fish/completions/mtedbg.fish."
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the shell's code; 0."""
    from mtedbg.cli import whole_parser

    sys.stdout.write(code(whole_parser(), arguments.shell))
    return 0


def code(parser: argparse.ArgumentParser, shell: str) -> str:
    """A shell's code that completes the words of a program.

    Args:
        parser: of the program.
        shell: one of `SHELLS`.
    """
    import shtab

    _mark(parser)
    return str(shtab.complete(parser, shell=shell))


def _mark(parser: argparse.ArgumentParser) -> None:
    """Says of each argument whether it is a file or folder, as shtab wants it."""
    import shtab

    for action in parser._actions:
        name = str(action.metavar or action.dest).upper()
        if name in _FILES or name == "PLACES":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif name in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):
            for subparser in set(action.choices.values()):
                _mark(subparser)
