"""The debuggers' own `bt`: from the fault handler to the program's beginning, without a gap.

Who stands in it is told here by role; the guest's function at the fault is told by nm.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mtedbg.lab import gdbserver, paths
from mtedbg.lab.vm import Vm
from tests.live.test_runtime_core import Dead, runtime_cores
from tests.support import gdb_session, lldb_session
from tests.support.backtrace import frame_names
from tests.support.compile import compiled

__all__ = ["runtime_cores"]  # the fixture

GUEST = "message"
ARGUMENTS = ("--cores", "2", str(paths.guests() / f"{GUEST}.elf"), "1")
FRAMES = ("gdb18", "gdb13", "lldb23", "lldb19")
NAMED = re.compile(r"(\w+) \[guest (0x[0-9a-f]+), block \d+\]")

# (role, what its frame is called), innermost first.
HANDLER = [
    ("resolver", r"mtetso::FaultResolver::resolve\b"),
    ("handler", r"on_fault\b"),
    ("signal frame", r"<signal handler called>|__kernel_rt_sigreturn"),
]
BELOW = [
    ("entry", r"mtetso_enter_jit\b"),
    ("engine", r"mtetso::Engine::run\b"),
    ("generated code and what faults in it", r"\brun_code\b"),
    ("what it leaves for", r"\brun_on\b"),
    ("turn", r"mtetso::run_turn\b"),
    ("lockstep's turn", r"mtetso::Lockstep::take_turn\b"),
    ("scheduler", r"mtetso::Lockstep::run\b"),
]
LAST = r"main\b|__libc_start|_start\b|___lldb_unnamed|run\b|command\b|mtetso::\(anonymous"


class Debugger:
    """One of four debuggers, connected to the runtime or on a core of it."""

    def __init__(self, flavour: str, session: gdb_session.Session | lldb_session.Session) -> None:
        self.flavour = flavour
        self.session = session

    def to_the_fault(self) -> None:
        """Goes on to the first tag check fault."""
        if isinstance(self.session, gdb_session.Session):
            assert self.session.resume("continue").signal == "SIGSEGV"
        else:
            assert "SIGSEGV" in self.session.execute("continue")

    def frames(self) -> list[str]:
        """What each frame is called."""
        return frame_names(self.flavour, self.session.execute("bt"))


@contextmanager
def under_qemu(flavour: str) -> Iterator[Debugger]:
    kind = gdb_session if flavour.startswith("gdb") else lldb_session
    with kind.under_qemu(flavour, paths.runtime(), *ARGUMENTS) as (session, _):
        yield Debugger(flavour, session)


@contextmanager
def in_the_vm(flavour: str, vm: Vm) -> Iterator[Debugger]:
    with gdbserver.serve(vm, [str(paths.runtime()), *ARGUMENTS]) as port:
        if flavour.startswith("gdb"):
            with gdb_session.gdb(flavour, [paths.runtime()]) as gdb:
                gdb.execute(f"target remote 127.0.0.1:{port}")
                yield Debugger(flavour, gdb)
        else:
            with lldb_session.lldb(flavour, [paths.runtime()]) as lldb:
                lldb_session.connect(lldb, f"connect://127.0.0.1:{port}")
                yield Debugger(flavour, lldb)


def guest_function(address: int) -> str:
    """The guest's function that holds `address`, by its symbol table."""
    listed = subprocess.run(
        ["nm", "--numeric-sort", str(paths.guests() / f"{GUEST}.elf")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    symbols = [line.split() for line in listed.splitlines()]
    return [name for at, kind, name in symbols if kind in "tT" and int(at, 16) <= address][-1]


def check_jit(frame: str) -> None:
    """The frame of JIT code: its name is that of the guest's function."""
    match = NAMED.match(frame)
    assert match, frame
    assert match[1] == guest_function(int(match[2], 16))


def check_below(frames: list[str]) -> None:
    """From whoever entered JIT code to the program's beginning."""
    for (role, pattern), frame in zip(BELOW, frames, strict=False):
        assert re.search(pattern, frame), (role, frames)
    rest = frames[len(BELOW) :]
    assert any(re.match(r"main\b|command|run", name) for name in rest), frames
    strangers = [name for name in rest if name and not re.match(LAST, name)]
    assert not strangers, frames  # without a name: libraries that this machine has not


def check_from_fault_and_handler(debugger: Debugger) -> None:
    debugger.to_the_fault()
    first, *below = debugger.frames()
    check_jit(first)
    check_below(below)
    debugger.session.execute("mte-step")
    debugger.session.execute("mte-step")
    frames = debugger.frames()
    for (role, pattern), frame in zip(HANDLER, frames, strict=False):
        assert re.search(pattern, frame), (role, frames)
    check_jit(frames[len(HANDLER)])
    assert frames[len(HANDLER) + 1 :] == below


@pytest.mark.parametrize("flavour", FRAMES)
def test_under_qemu(flavour: str) -> None:
    with under_qemu(flavour) as debugger:
        check_from_fault_and_handler(debugger)


@pytest.mark.parametrize("flavour", FRAMES)
def test_behind_gdbserver(flavour: str, lab_vm: Vm) -> None:
    with in_the_vm(flavour, lab_vm) as debugger:
        check_from_fault_and_handler(debugger)


@pytest.mark.parametrize("flavour", FRAMES)
def test_on_a_kernel_core(flavour: str, runtime_cores: dict[str, Dead]) -> None:
    """It died in JIT code."""
    dead = runtime_cores["lockstep"]
    if flavour.startswith("gdb"):
        with gdb_session.gdb(flavour, [dead.program, dead.core]) as gdb:
            frames = Debugger(flavour, gdb).frames()
            check_jit(frames[0])
    else:
        with lldb_session.lldb(flavour, [dead.program, "-c", dead.core]) as lldb:
            frames = Debugger(flavour, lldb).frames()
    check_below(frames[1:])


@pytest.mark.parametrize("flavour", gdb_session.GDBS)
def test_a_program_without_a_runtime_looks_as_ever(flavour: str, lab_vm: Vm) -> None:
    program = compiled("gdb_target", "-static")
    said = []
    for load in (True, False):
        with (
            gdbserver.serve(lab_vm, [str(program)]) as port,
            gdb_session.gdb(flavour, [program], load=load) as session,
        ):
            session.execute(f"target remote 127.0.0.1:{port}")
            session.execute("break fault")
            session.resume("continue")
            said.append(session.execute("bt") + session.execute("info frame"))
    # Where the kernel puts the stack is another matter each time.
    with_us, without = (re.sub(r"0x[0-9a-f]{9,}", "ADDRESS", text) for text in said)
    assert with_us == without
