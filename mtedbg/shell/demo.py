"""The main job from one end to the other, with real parts only.

A guest runs in the runtime under QEMU; a GDB with the extension stops on a tag check fault, walks
through the handler and the re-executed memop. Then the runtime dies in a Linux VM, and its core
file is read without any debugger.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtedbg.errors import LabError, ToolMissingError
from mtedbg.lab import paths, user
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import Share
from mtedbg.lab.requirements import find_gdb
from mtedbg.shell.gdbmi import Gdb, Stop
from mtedbg.shell.story import Story

MAX_FAULTS = 64
"""Faults that are passed by before the one that is shown; the guest has a dozen."""

# The producer on one core and the consumer on another, each with a turn of forty basic blocks.
GUEST = "message"
ARGUMENTS = ("--cores", "2", "--schedule", "1@1*400,2@1*40,3@2*40")
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


def demo(story: Story, folder: Path) -> None:
    """Tells the whole story.

    Args:
        story: where to.
        folder: an empty folder, for the core file.

    Raises:
        MtedbgError: a part is not on this machine, or does not do its work.
    """
    _alive(story)
    _dead(story, folder)


def _alive(story: Story) -> None:
    gdb = find_gdb()
    if gdb is None:
        raise ToolMissingError("there is no GDB that knows AArch64", "run: mtedbg doctor")
    runtime, guest = paths.runtime(), paths.guests() / f"{GUEST}.elf"
    story.heading(
        "Stop on a tag check fault in translated code",
        "An x86-64 program passes messages between two threads. The runtime translates it,",
        "tags memory local to a core or shared, and runs it under qemu-aarch64 -cpu max.",
    )
    story.command(
        "$", f"qemu-aarch64 -cpu max -g SOCKET mtetso {' '.join(ARGUMENTS)} {GUEST}.elf", ""
    )
    argv = [str(gdb), "-nx", "-iex", "set debuginfod enabled off", "-iex", "set style enabled off"]
    with user.start([runtime, *ARGUMENTS, guest]) as program, Gdb([*argv, str(runtime)]) as debugger:
        walk = _Walk(story, debugger)
        with story.waiting("starting GDB"):
            walk.type(f"source {paths.gdbinit()}")
            walk.type(f"target remote {program.socket}", quiet=True)
            walk.type("handle SIGSEGV stop print pass", quiet=True)
        _to_the_end(walk, _the_fault(walk))


@dataclass(slots=True)
class _Walk:
    """A debugger driven for a reader: what is typed and printed is told."""

    story: Story
    debugger: Gdb

    def type(self, line: str, *, quiet: bool = False) -> None:
        """Runs a command; `quiet` leaves out its output."""
        output = self.debugger.execute(line)
        self.story.command(PROMPT, line, "" if quiet else output)

    def ask(self, line: str) -> dict[str, Any]:
        """The first row of a command's answer, untold."""
        rows: list[dict[str, Any]] = json.loads(self.debugger.execute(f"{line} --json"))["rows"]
        return rows[0]

    def go(self, line: str = "continue", *, told: str | None = None) -> Stop:
        """Lets the program run to its next stop."""
        stop = self.debugger.resume(line)
        if stop.exited:
            raise LabError(f"the guest ended: {stop.output.strip()}", "its output is above")
        self.story.command(PROMPT, line, _short(stop) if told is None else told)
        return stop


def _short(stop: Stop) -> str:
    """What GDB said of a stop, without its empty lines."""
    lines = [line for line in stop.output.splitlines() if line.strip() and line != "Continuing."]
    return "\n".join(lines)


def _the_fault(walk: _Walk) -> Fault:
    """Runs to the first access of one core to memory that is local to another."""
    for _ in range(MAX_FAULTS):
        walk.go()
        fault = walk.ask("mte-fault")
        if "retag" in fault["transition"]:
            break
        walk.story.say(f"   (memop {fault['memop']}: {fault['transition']}; on to the next)")
    else:
        raise LabError(f"no fault on another core's memory among the first {MAX_FAULTS}")
    walk.type("mte-fault")
    for line in (f"mte-tags {FAULT_ADDRESS}", "guest-frame", "memop $pc", "jit-block $pc"):
        walk.type(line)
    restart = walk.ask("memop $pc")["instructions"][0]["address"]
    return Fault(fault["pc"], restart, fault["address"])


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
    walk.story.say("   The same tag by GDB's own means, which know nothing of the runtime:")
    walk.type(f"memory-tag print-allocation-tag (char *) {fault.memory}")
    walk.type("memop-log -n 4")
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


def _dead(story: Story, folder: Path) -> None:
    story.heading(
        "The runtime dies in a Linux VM, and its core file is all there is",
        "One of its host functions reads guest memory past the rules, on memory local to a core:",
        "a real kernel delivers SEGV_MTESERR and writes a core with its memory tags.",
    )
    runtime, guest = paths.runtime(), paths.guests() / "crash.elf"
    story.command("$", f"mtedbg lab -- {runtime} {guest}", "")
    shares = [Share(path, str(path)) for path in dict.fromkeys((runtime.parent, guest.parent))]
    with (
        story.waiting("booting Linux with memory tagging, running the program"),
        boot(shares) as vm,
    ):
        result = vm.run([str(runtime), str(guest)], cores_to=folder)
    if not result.cores:
        raise LabError("the program left no core file", result.stderr.decode(errors="replace"))
    core = result.cores[0]
    story.say(f"   killed by signal {result.signal}; core file of {core.stat().st_size >> 10} KiB")
    words = ["core", str(core), "--exe", str(runtime)]
    with story.waiting("reading the core"):
        done = subprocess.run(
            [sys.executable, "-m", "mtedbg", *words], capture_output=True, text=True, check=False
        )
    story.command("$", f"mtedbg {' '.join(words)}", done.stdout + done.stderr)
    if done.returncode != 0:
        raise LabError(f"mtedbg core ended with status {done.returncode}")
