"""The main job from one end to the other, with real parts only.

A guest runs in the runtime under QEMU; a GDB with the extension stops on a tag check fault, walks
through the handler and the re-executed memop. Then the runtime dies in a Linux VM, and its core
file is read without any debugger.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError
from mtedbg.lab import native, paths, user
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import Share
from mtedbg.shell.gdbmi import Gdb, Stop
from mtedbg.shell.story import Story

LIMIT_S = 600.0
"""Seconds that a command on this machine may take: it may be an emulated one."""
MAX_FAULTS = 64
"""Faults that are passed by before the one that is shown; the guest has a dozen."""

# A producer on one core fills a mailbox that it allocated; a consumer on the other reads it.
GUEST = "message"
ARGUMENTS = ("--cores", "2")
FAULT_ADDRESS = "$_siginfo._sifields._sigfault.si_addr"
PROMPT = "(gdb)"


@dataclass(frozen=True, slots=True)
class Fault:
    """The memop and the memory that the first half is about.

    Attributes:
        access: address of the access, instruction [2] of the memop.
        restart: address of its tag insert [1], where it is resumed.
        memory: the fault address without its tag.
    """

    access: str
    restart: str
    memory: str


def demo(story: Story, gdb: Path, folder: Path) -> None:
    """Tells the whole story.

    Args:
        story: where to.
        gdb: the GDB of its first half.
        folder: an empty folder, for the core file.

    Raises:
        MtedbgError: a part is not on this machine, or does not do its work.
    """
    _alive(story, gdb)
    _dead(story, gdb, folder)


def _alive(story: Story, gdb: Path) -> None:
    runtime, guest = paths.runtime(), paths.guests() / f"{GUEST}.elf"
    story.heading(
        "Stop on a tag check fault in translated code",
        "An x86-64 program passes messages between two threads. The runtime translates it,",
        "tags memory local to a core or shared, and runs it "
        + ("on this machine." if native.has_mte() else "under qemu-aarch64 -cpu max."),
    )
    words = [str(word) for word in (runtime, *ARGUMENTS, guest)]
    if native.has_mte():
        with Gdb(_argv(gdb, "/", words[0]), limit_s=LIMIT_S) as debugger:
            walk = _Walk(story, debugger, here=True)
            with story.waiting("starting GDB"):
                walk.begin_here(words)
                walk.type("starti", quiet=True)
            _to_the_end(walk, _the_fault(walk))
        return
    story.command(
        "$", f"qemu-aarch64 -cpu max -g SOCKET mtetso {' '.join(ARGUMENTS)} {GUEST}.elf", ""
    )
    with (
        user.start(words) as program,
        Gdb(_argv(gdb, str(paths.sysroot() or "/"), str(runtime))) as debugger,
    ):
        walk = _Walk(story, debugger)
        with story.waiting("starting GDB"):
            walk.type(f"source {paths.gdbinit()}")
            walk.type(f"target remote {program.socket}", quiet=True)
            walk.type("handle SIGSEGV stop print pass", quiet=True)
        _to_the_end(walk, _the_fault(walk))


def _argv(gdb: Path, sysroot: str, *words: str) -> list[str]:
    early = ("debuginfod enabled off", "style enabled off", f"sysroot {sysroot}")
    return [str(gdb), "-nx", *(word for line in early for word in ("-iex", f"set {line}")), *words]


@dataclass(slots=True)
class _Walk:
    """A debugger driven for a reader: commands and their output are shown."""

    story: Story
    debugger: Gdb
    here: bool = False

    def begin_here(self, argv: Sequence[str]) -> None:
        """Makes a debugger of this machine ready to start a program."""
        self.type(f"source {paths.gdbinit()}")
        for line in ("set inferior-tty /dev/null", *native.gdb_settings(argv)):
            self.debugger.execute(line)
        self.type("handle SIGSEGV stop print pass", quiet=True)

    def type(self, line: str, *, quiet: bool = False) -> None:
        """Runs a command; `quiet` leaves out its output."""
        output = self.debugger.execute(line)
        self.show(line, "" if quiet else output)

    def ask(self, line: str) -> dict[str, Any]:
        """The first row of a command's answer, not shown."""
        rows: list[dict[str, Any]] = json.loads(self.debugger.execute(f"{line} --json"))["rows"]
        return rows[0]

    def go(self, line: str = "continue") -> None:
        """Lets the program run to its next stop."""
        self.show(line, _short(self.debugger.resume(line)))

    def show(self, line: str, output: str) -> None:
        """Tells a command and what it printed."""
        self.story.command(PROMPT, line, output)


def _short(stop: Stop) -> str:
    """What GDB said of a stop, without its empty lines.

    Raises:
        LabError: the program is gone.
    """
    if stop.exited:
        raise LabError(f"the guest ended: {stop.reason}")
    lines = [line for line in stop.output.splitlines() if line.strip() and line != "Continuing."]
    return "\n".join(lines)


def _the_fault(walk: _Walk) -> Fault:
    """Runs to the first access of one core to memory that is local to another."""
    for _ in range(MAX_FAULTS):
        stop = walk.debugger.resume("continue")
        fault = walk.ask("mte-fault")
        if "retag" in fault["transition"]:
            break
        walk.show("continue", f"SIGSEGV: memop {fault['memop']}, {fault['transition']}")
    else:
        raise LabError(f"no fault on another core's memory among the first {MAX_FAULTS}")
    walk.show("continue", _short(stop))
    walk.type("mte-fault")
    for line in (f"mte-tags {FAULT_ADDRESS}", "guest-frame", "memop $pc", "jit-block $pc"):
        walk.type(line)
    restart = walk.ask("memop $pc")["instructions"][0]["address"]
    return Fault(fault["pc"], restart, fault["address"])


def _asks_the_stub(debugger: Gdb) -> bool:
    """Whether GDB asks a server if memory is tagged: older ones (13) look for it in smaps.

    QEMU's user mode does not mark it there.
    """
    return "address-check" in debugger.execute("complete set remote memory-tagging-")


def _to_the_end(walk: _Walk, fault: Fault) -> None:
    walk.story.heading(
        "Let the handler run to its end",
        "It retags the granule, waits for a barrier on every core, and patches the memop:",
        "first the access, then the tag insert. Both have new bytes now.",
    )
    walk.type("tbreak mtetso_phase_resume", quiet=True)
    walk.go()
    walk.type(f"memop {fault.access}")
    walk.type(f"mte-tags {fault.memory}")
    if walk.here or _asks_the_stub(walk.debugger):
        walk.story.say(
            "   The same tag by GDB's own command, which knows nothing about the runtime:"
        )
        walk.type(f"memory-tag print-allocation-tag (char *) {fault.memory}")
    else:
        walk.story.say(
            "   The same tag as QEMU's stub sends it; this GDB has no command that asks it:"
        )
        walk.type(f"maintenance packet qMemTags:{int(fault.memory, 16):x},1:1")
    walk.type("memop-log -n 4")
    if walk.here:  # the code is in shared memory without write access, where ptrace writes nothing
        walk.story.heading(
            "Look at the patched sequence",
            "It restarts at the tag insert. The kernel lets no debugger put a breakpoint there.",
        )
        walk.type(f"x/2i {fault.restart}")
        return
    walk.story.heading(
        "Step the re-executed sequence", "It restarts at the tag insert and goes through."
    )
    walk.type(f"tbreak *{fault.restart}", quiet=True)
    walk.go()
    for _ in range(2):
        walk.type("x/i $pc")
        walk.go("stepi")
    walk.type("x/i $pc")
    walk.type("guest-frame")


def _dead(story: Story, gdb: Path, folder: Path) -> None:
    runtime, guest = paths.runtime(), paths.guests() / f"{GUEST}.elf"
    if native.has_mte():
        core = _died_here(story, gdb, folder, runtime, guest)
    else:
        core = _died_in_the_vm(story, folder, runtime, guest)
    words = ["core", str(core), "--exe", str(runtime)]
    if native.has_mte():  # which may be an emulated machine
        words += ["--budget", "30"]
    with story.waiting("reading the core"):
        done = subprocess.run(
            [sys.executable, "-m", "mtedbg", *words], capture_output=True, text=True, check=False
        )
    story.command("$", f"mtedbg {' '.join(words)}", done.stdout + done.stderr)
    if done.returncode != 0:
        raise LabError(f"mtedbg core ended with status {done.returncode}")


def _died_here(story: Story, gdb: Path, folder: Path, runtime: Path, guest: Path) -> Path:
    """A core of the same death on this machine: GDB writes it, wherever the kernel puts its own."""
    story.heading(
        "The runtime dies, and only its core file is left",
        "Without its fault handler the first mismatch kills it: the kernel delivers SEGV_MTESERR.",
        "GDB writes the core file, with its memory tags.",
    )
    core = folder / "core"
    with Gdb(_argv(gdb, "/", str(runtime)), limit_s=LIMIT_S) as debugger:
        walk = _Walk(story, debugger, here=True)
        walk.begin_here([str(runtime), "--no-handler", str(guest)])
        walk.go("run")
        walk.type(f"gcore {core}")
    return core


def _died_in_the_vm(story: Story, folder: Path, runtime: Path, guest: Path) -> Path:
    """A core of a real kernel, in the Linux VM."""
    story.heading(
        "The runtime dies in a Linux VM, and only its core file is left",
        "Without its fault handler the first mismatch kills it: a real kernel delivers",
        "SEGV_MTESERR and writes a core file with its memory tags.",
    )
    argv = [str(runtime), "--no-handler", str(guest)]
    story.command("$", f"mtedbg lab -- {' '.join(argv)}", "")
    shares = [Share(path, str(path)) for path in dict.fromkeys((runtime.parent, guest.parent))]
    with (
        story.waiting("booting Linux with memory tagging, running the program"),
        boot(shares) as vm,
    ):
        result = vm.run(argv, cores_to=folder)
    if not result.cores:
        raise LabError("the program left no core file", result.stderr.decode(errors="replace"))
    core = result.cores[0]
    story.say(f"   killed by signal {result.signal}; core file of {core.stat().st_size >> 10} KiB")
    return core
