"""`mtedbg lab -- CMD`: runs a program in a Linux VM with memory tagging."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mtedbg.errors import UsageError
from mtedbg.lab import paths
from mtedbg.lab.boot import RESERVED, boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.program import checked, interpreter
from mtedbg.lab.vm import LabResult

HELP = "run an AArch64 program in a Linux VM with memory tagging; core files are saved here"
OF_ANOTHER_PROGRAM = True
_TRIED = "user.mtedbg.tried"
_KEPT = 1 << 12
_LACKING = (b"error while loading shared libraries", b"version `GLIBC")
PLAIN_ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's options to `parser`."""
    parser.add_argument(
        "--cpus", type=int, default=1, metavar="N", help="number of virtual CPUs (default: 1)"
    )
    parser.add_argument(
        "--memory", type=int, default=1024, metavar="MIB", help="memory of the VM (default: 1024)"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="kill the program after this time (default: 300)",
    )
    parser.add_argument(
        "-e",
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="environment variable of the program, which otherwise has only PATH, HOME and LANG;"
        " may be repeated",
    )
    parser.add_argument(
        "--libraries",
        type=Path,
        metavar="DIR",
        help="folder of AArch64 shared libraries to use instead",
    )
    parser.add_argument(
        "--writable",
        action="store_true",
        help="let the program write to the current folder, which it can only read otherwise; what"
        " it makes there are plain files that you alone can read",
    )
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- CMD", help="the program and its arguments"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the program; its exit status, or 128 + N when signal N killed it."""
    command = _command(arguments.command, arguments.after_dashes)
    if not command:
        raise UsageError("no program is given", "example: mtedbg lab -- ./prog ARG")
    here = Path.cwd()
    program = checked(command[0])
    if not os.access(here, os.W_OK | os.X_OK):  # after a minute in the VM it would be too late
        raise UsageError(
            f"{here} cannot be written to: a core file would be lost", "work in another folder"
        )
    _check_loader(arguments.libraries, program)
    environment = _environment(arguments.env)
    shares = _shares(here, program, writable=arguments.writable)
    options = MachineOptions(cpus=arguments.cpus, memory_mib=arguments.memory)
    _progress("booting Linux with memory tagging …")
    libraries = arguments.libraries or paths.libraries(program)
    said = _Said()
    with boot(shares, options, libraries) as vm:
        _progress("")
        vm.start(
            [str(program), *command[1:]],
            cwd=str(here),
            env=environment,
            on_stdout=_to_stdout,
            on_stderr=said.to_stderr,
        )
        result = vm.finish(timeout_s=arguments.timeout, cores_to=here)
    _tell(result)
    if result.exit_status and said.lacks_a_library():
        print(
            f"lab: its libraries were those in {libraries}; --libraries DIR names others",
            file=sys.stderr,
        )
    return result.shell_status()


def _check_loader(libraries: Path | None, program: Path) -> None:
    """Complains where the kernel would say of a program that it is not there.

    Raises:
        UsageError: it needs a loader, and the libraries that the user named have none.
    """
    loader = interpreter(program) if libraries is not None else ""
    if libraries is not None and loader and not (libraries / Path(loader).name).exists():
        raise UsageError(
            f"{libraries} has no {Path(loader).name}, which {program.name} is started by",
            "name the folder of the whole C library, or link the program with -static",
        )


def _command(before: list[str], after: Sequence[str] | None) -> list[str]:
    """The program and its arguments: a `--` after the program is one of them."""
    if not before or after is None:
        return before or list(after or ())
    return [*before, "--", *after]


def _shares(here: Path, program: Path, *, writable: bool) -> list[Share]:
    """The current folder and the program's, under the names that they have here."""
    if writable:
        _check_attributes(here)
    folders = [Share(here, str(here), writable=writable)]
    if not program.is_relative_to(here):
        folders.append(Share(program.parent, str(program.parent)))
    for share in folders:
        if share.guest in RESERVED:
            raise UsageError(f"the VM has its own folder {share.guest}", "work in another folder")
    return folders


def _check_attributes(folder: Path) -> None:
    """Complains where the modes of what a program makes there cannot be kept.

    Raises:
        UsageError: the file system has no extended attributes for users.
    """
    if not hasattr(os, "setxattr"):  # macOS has others, which QEMU uses there
        return
    try:
        os.setxattr(folder, _TRIED, b"")
        os.removexattr(folder, _TRIED)
    except OSError as error:
        raise UsageError(
            f"--writable: {folder} takes no extended attributes: {error.strerror}",
            "work in a folder on a disk of your own",
        ) from None


def _environment(settings: list[str]) -> dict[str, str]:
    environment = dict(PLAIN_ENVIRONMENT)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not name or not equals:
            raise UsageError(f"--env {setting}: not NAME=VALUE")
        environment[name] = value
    return environment


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class _Said:
    """What the program writes to standard error, passed on; its beginning is kept."""

    def __init__(self) -> None:
        self._beginning = b""

    def to_stderr(self, data: bytes) -> None:
        """Passes it on."""
        if len(self._beginning) < _KEPT:
            self._beginning += data[:_KEPT]
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()

    def lacks_a_library(self) -> bool:
        """Whether ld.so(8) says that one is missing or too old."""
        return any(words in self._beginning for words in _LACKING)


def _progress(text: str) -> None:
    """Replaces the progress line by `text`, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _tell(result: LabResult) -> None:
    if result.signal is not None:
        try:
            name = signal.Signals(result.signal).name
        except ValueError:
            name = f"signal {result.signal}"
        print(f"lab: killed by {name}", file=sys.stderr)
    for core in result.cores:
        printable = "".join(c if c.isprintable() else "?" for c in core.name)
        print(f"lab: core file: {printable}", file=sys.stderr)
    if result.left_out:
        print(f"lab: {result.left_out} other files were not taken: not cores", file=sys.stderr)
    if result.cores and result.signal is not None and not result.core_is_whole:
        print(
            "lab: the core file is truncated; give the VM more memory: --memory MIB",
            file=sys.stderr,
        )
