"""`mtedbg lab -- CMD`: runs a program in a Linux VM with memory tagging."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from mtedbg.errors import FileFormatError, UsageError
from mtedbg.lab.boot import RESERVED, boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import LabResult

HELP = "run an AArch64 program in a Linux VM with memory tagging; core files come back"
# ELF header: the machine is at offset 18 in every class; EM_AARCH64 is 183.
ELF_MAGIC, MACHINE_OFFSET, EM_AARCH64 = b"\x7fELF", 18, (183).to_bytes(2, "little")
PLAIN_ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's options to `parser`."""
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="virtual CPUs (1)")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB", help="memory (1024)")
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="kill it after (300)"
    )
    parser.add_argument(
        "-e",
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an environment variable for the program; it gets no others than PATH, HOME, LANG",
    )
    parser.add_argument(
        "--libraries", type=Path, metavar="DIR", help="a folder of other AArch64 shared libraries"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD", help="what to run")


def run(arguments: argparse.Namespace) -> int:
    """Runs the program; its exit status, or 128 + N when signal N killed it."""
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("no program is given", "example: mtedbg lab -- ./prog ARG")
    here = Path.cwd()
    program = _program(command[0])
    shares = _shares(here, program)
    options = MachineOptions(cpus=arguments.cpus, memory_mib=arguments.memory)
    _progress("booting Linux with memory tagging …")
    with boot(shares, options, arguments.libraries) as vm:
        _progress("")
        vm.start(
            [str(program), *command[1:]],
            cwd=str(here),
            env=_environment(arguments.env),
            on_stdout=_to_stdout,
            on_stderr=_to_stderr,
        )
        result = vm.finish(timeout_s=arguments.timeout, cores_to=here)
    _tell(result)
    return result.shell_status()


def _program(name: str) -> Path:
    path = Path(os.path.abspath(name))  # noqa: PTH100 - a link stays what it is called
    try:
        with path.open("rb") as file:
            head = file.read(MACHINE_OFFSET + len(EM_AARCH64))
    except OSError as error:
        raise UsageError(
            f"{name}: {error.strerror}", "give the program's path: it is not looked for in PATH"
        ) from error
    if not head.startswith(ELF_MAGIC) or head[MACHINE_OFFSET:] != EM_AARCH64:
        raise FileFormatError(
            f"{name} is not an AArch64 program", "compile it with: aarch64-linux-gnu-gcc"
        )
    return path


def _shares(here: Path, program: Path) -> list[Share]:
    """The current folder and the program's, under the names that they have here."""
    folders = [Share(here, str(here), writable=True)]
    if not program.is_relative_to(here):
        folders.append(Share(program.parent, str(program.parent)))
    for share in folders:
        if share.guest in RESERVED:
            raise UsageError(
                f"the VM has a folder {share.guest} of its own", "work in another folder"
            )
    return folders


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


def _to_stderr(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def _progress(text: str) -> None:
    """Shows `text` in place of what was shown before it, to a person only."""
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
    if result.cores and result.signal is not None and not result.core_is_whole:
        print("lab: it is cut short; give the VM more room: --memory MIB", file=sys.stderr)
