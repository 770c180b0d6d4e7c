"""`mtedbg run`: a guest in the runtime, at a debugger's prompt.

On this machine itself where it has memory tagging, else under QEMU's user mode, or in the VM.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.cli.shell import add_debugger
from mtedbg.errors import UsageError
from mtedbg.lab import native
from mtedbg.system import needs_unix

if TYPE_CHECKING:
    from mtedbg.shell.debuggee import Debuggee

HELP = "start a guest in the runtime, with a debugger attached"
VM, QEMU = "--vm", "--qemu"
OF_ANOTHER_PROGRAM = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument(
        "guest",
        metavar="GUEST",
        help="a static x86-64 program, or the name of a guest that comes with mtedbg; an AArch64 "
        "program runs without the runtime",
    )
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="[ARG …] [--vm | --qemu] [-- OPTION …]",
        help="arguments of the guest; after --, options of the runtime (see mtetso --help)",
    )
    parser.add_argument(
        VM, action="store_true", help="use the Linux VM and gdbserver instead of QEMU's user mode"
    )
    parser.add_argument(
        QEMU,
        action="store_true",
        help="use QEMU's user mode, also where this machine has memory tagging itself",
    )
    add_debugger(parser)


def run(arguments: argparse.Namespace) -> int:
    """Opens the shell on the guest; its exit status."""
    needs_unix("mtedbg run")
    from mtedbg.shell.main import open_shell

    in_vm = arguments.vm or VM in arguments.words
    in_qemu = arguments.qemu or QEMU in arguments.words
    if in_vm and in_qemu:
        raise UsageError(f"{VM} and {QEMU} are two places", "give one of them")
    words = [word for word in arguments.words if word not in (VM, QEMU)]
    here = native.has_mte() and not (in_vm or in_qemu)
    options = list(arguments.after_dashes or ())
    debuggee = _debuggee(arguments.guest, words, options, in_vm=in_vm, here=here)
    return open_shell(debuggee, arguments.gdb, arguments.scripts, context=not arguments.no_context)


def _debuggee(
    name: str, words: list[str], options: list[str], *, in_vm: bool, here: bool
) -> Debuggee:
    from mtedbg.lab import paths
    from mtedbg.lab.program import checked
    from mtedbg.shell.debuggee import NativeProgram, UserProgram
    from mtedbg.shell.files import guest_file, needs_runtime
    from mtedbg.shell.vm_program import VmProgram

    guest = guest_file(name)
    argv: list[str | Path] = [guest, *words]
    if needs_runtime(guest):
        argv = [paths.runtime(), *options, *argv]
    elif options:
        raise UsageError(f"{name} runs without the runtime", "remove -- and the options after it")
    argv[0] = checked(argv[0])
    if here:
        return NativeProgram(argv)
    if not in_vm:
        return UserProgram(argv)
    return VmProgram(argv, [Path(argv[0]).parent, guest.parent])
