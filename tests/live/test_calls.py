"""Calls of dead processes beside GDB's: function, file and line of each, or fewer and said so.

Real cores of the VM's kernel, of programs that compilers made in the ways that matter for
unwinding: with and without frame pointers, with signed return addresses, with .debug_frame alone,
static, position-independent or not, compressed, with link-time optimization.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.stacks.host_calls import FrameKind, HostCalls, How, host_calls
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import or_else
from mtedbg.session import Session
from tests.support.compile import ROOT, compiled
from tests.support.gdb_session import GDBS
from tests.support.gdb_session import gdb as gdb_session
from tests.support.lldb_session import LLDBS
from tests.support.lldb_session import lldb as lldb_session
from tests.support.oracles import gdb

NO_FRAME_POINTER = "-fomit-frame-pointer"
WAYS = (
    "chain noreturn qsort null wild smash recurse thread abort altstack".split()  # noqa: SIM905
)
BUILDS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "O0": (("-O0",), [way for way in WAYS if way != "smash"]),
    "O2": (("-O2", NO_FRAME_POINTER), WAYS),
    "frame-pointer": (("-O2", "-fno-omit-frame-pointer"), ["chain", "qsort", "altstack"]),
    "signed": (
        ("-O2", NO_FRAME_POINTER, "-mbranch-protection=standard"),
        ["chain", "altstack", "qsort"],
    ),
    "static": (("-O2", "-static", NO_FRAME_POINTER), ["chain", "altstack", "thread"]),
    "static-pie": (("-O2", "-static-pie"), ["chain", "altstack"]),
    "no-pie": (("-O2", "-no-pie", NO_FRAME_POINTER), ["chain", "thread"]),
    "dwarf-4": (("-O2", "-gdwarf-4", NO_FRAME_POINTER), ["chain", "qsort"]),
    "dwarf-3": (("-O1", "-gdwarf-3", "-gstrict-dwarf"), ["chain"]),
    "debug-frame": (
        ("-O2", NO_FRAME_POINTER, "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"),
        ["chain", "altstack", "thread"],
    ),
    "compressed": (("-O1", "-gz", NO_FRAME_POINTER), ["chain"]),
    "lto": (("-O2", "-flto", NO_FRAME_POINTER), ["chain", "altstack"]),
}
CASES = [(build, way) for build, (_, ways) in BUILDS.items() for way in ways]

WALK = """python
frame = gdb.newest_frame()
kinds = {gdb.INLINE_FRAME: "inlined", gdb.SIGTRAMP_FRAME: "signal"}
while frame:
  sal = frame.find_sal()
  file = sal.symtab.filename if sal.symtab else "-"
  print("@", hex(frame.pc()), kinds.get(frame.type(), "-"), file, sal.line, frame.name())
  try:
    frame = frame.older()
  except gdb.error:
    frame = None
end"""


@dataclass(frozen=True)
class Call:
    """One level as both of us have it."""

    pc: int
    kind: str
    file: str
    line: int
    name: str


def theirs(core: Path, program: Path, folder: Path) -> list[Call]:
    """The calls by GDB, past main."""
    past = ("set backtrace past-main on", "set backtrace past-entry on")
    printed = gdb(core, program, folder, *past, *WALK.splitlines())
    found = []
    for line in printed.splitlines():
        if line.startswith("@ "):
            _, pc, kind, file, number, name = line.split(" ", 5)
            found.append(Call(int(pc, 16), kind, PurePosixPath(file).name, int(number), name))
    return found


def ours(core: Path, program: Path) -> tuple[list[Call], HostCalls]:
    """The calls by us."""
    session = Session(CoreTarget(core, str(program)))
    calls = host_calls(session, session.current_thread())
    assert isinstance(calls, HostCalls)
    found = []
    for frame in calls.frames:
        for call in frame.inlined:
            found.append(_call(frame.pc, "inlined", call.source, call.function))
        kind = "signal" if frame.kind is FrameKind.SIGNAL else "-"
        found.append(_call(frame.pc, kind, or_else(frame.source, None), frame.place.name))
    return found, calls


def _call(pc, kind, source, name) -> Call:
    if source is None:
        return Call(pc, kind, "-", 0, name)
    return Call(pc, kind, PurePosixPath(source.file).name, source.line, name)


def dies(vm: Vm, program: Path, folder: Path, *words: str) -> Path:
    """The core that a program leaves."""
    result = vm.run([str(program), *words], cores_to=folder, timeout_s=60)
    (core,) = result.cores
    return core


def check(found: list[Call], calls: HostCalls, expected: list[Call]) -> None:
    """Equal to GDB's, or fewer and said so; of lines and names what GDB has is the same."""
    assert len(found) >= 1
    assert [one.pc for one in found] == [one.pc for one in expected][: len(found)]
    if len(found) < len(expected):
        assert calls.end, "fewer, and nothing says so"
    for mine, other in zip(found, expected, strict=False):
        if other.kind == "signal":
            assert mine.kind == "signal"
            continue
        assert (mine.kind == "inlined") == (other.kind == "inlined")
        assert (mine.file, mine.line) == (other.file, other.line)
        if other.line:  # else it is of a library without debug information: symbols have aliases
            mine_name, other_name = _bare(mine.name), _bare(other.name)
            assert mine_name == other_name or mine_name.endswith(f"::{other_name}")


def _bare(name: str) -> str:
    """Without what copies are called by, and without parameters' trailing qualifiers."""
    plain = name.split(" [clone")[0].removesuffix(" const")
    return plain.split(".")[0] if "::" not in plain else plain


@pytest.mark.parametrize(("build", "way"), CASES, ids=["-".join(case) for case in CASES])
def test_calls_are_gdbs(lab_vm: Vm, tmp_path: Path, build: str, way: str) -> None:
    program = compiled("calls", *BUILDS[build][0], "-ldl")
    core = dies(lab_vm, program, tmp_path, way)
    found, calls = ours(core, program)
    expected = theirs(core, program, tmp_path)
    check(found, calls, expected)
    if way not in ("recurse", "smash"):  # more than we show; a stack that is overwritten
        assert len(found) == len(expected)
        assert expected[-1].name == ("_start" if way != "thread" else expected[-1].name)


@pytest.mark.parametrize("flags", [("-O0",), ("-O2", NO_FRAME_POINTER)], ids=["O0", "O2"])
def test_names_of_cpp_are_gdbs(lab_vm: Vm, tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = compiled("calls_cpp", *flags)
    core = dies(lab_vm, program, tmp_path)
    found, calls = ours(core, program)
    expected = theirs(core, program, tmp_path)
    check(found, calls, expected)
    names = [one.name for one in found]
    assert len(found) == len(expected)
    assert any("operator+" in name for name in names)
    assert any("{lambda(int)#1}::operator()" in name for name in names)


@pytest.mark.parametrize("flags", [(), ("-Wl,-z,separate-code",)], ids=["one page", "pages"])
def test_a_library_that_was_opened_and_deleted(
    lab_vm: Vm, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Its frames are there by the file while that is there, and end with a word when it is not.

    Unless all of it is in one page: the kernel dumps the first page of each file, and that page has
    the call frame information.
    """
    program = compiled("calls", "-O2", NO_FRAME_POINTER, "-ldl")
    library = compiled("plug", "-O2", NO_FRAME_POINTER, "-shared", "-fPIC", *flags)
    core = dies(lab_vm, program, tmp_path, "library", str(library))
    found, calls = ours(core, program)
    check(found, calls, theirs(core, program, tmp_path))
    assert [one.name for one in found[:2]] == ["low", "plug"]
    moved = library.with_suffix(".gone")
    library.rename(moved)
    try:
        fewer, calls = ours(core, program)
    finally:
        moved.rename(library)
    known = [one.pc for one in found]
    hows = [frame.how for frame in calls.frames]
    assert not any(one.line for one in fewer[:2])
    if not flags:
        assert [one.pc for one in fewer] == known
        assert hows == [How.REGISTERS, *[How.CFI] * (len(hows) - 1)]
        assert not calls.end
        return
    certain = [one.pc for one in calls.frames if one.kind is not FrameKind.HYPOTHESIS]
    assert set(certain) < set(known)
    assert [one for one in known if one in certain] == certain
    assert hows[:3] == [How.REGISTERS, How.LINK, How.RECORD]
    assert calls.frames[1].pc == known[1]
    assert "frame record" in calls.end


def test_a_core_alone_has_no_frame_that_is_none(lab_vm: Vm, tmp_path: Path) -> None:
    """Without any file there is no call frame information: fewer frames, none too many."""
    for number, flags in enumerate((("-O0",), ("-O2", NO_FRAME_POINTER))):
        program = compiled("calls", *flags, "-ldl")
        for way in ("chain", "qsort", "altstack", "thread"):
            folder = tmp_path / f"{number}-{way}"
            folder.mkdir()
            core = dies(lab_vm, program, folder, way)
            known = {one.pc for one in theirs(core, program, folder)}
            session = Session(CoreTarget(core, files=False))
            calls = host_calls(session, session.current_thread())
            assert isinstance(calls, HostCalls)
            certain = [f.pc for f in calls.frames if f.kind is not FrameKind.HYPOTHESIS]
            assert set(certain) <= known
            if way == "altstack":  # what the signal interrupted is there, whatever is left out
                assert any(f.kind is FrameKind.INTERRUPTED for f in calls.frames)
            for one, following in pairwise(calls.frames):
                if following.kind is FrameKind.HYPOTHESIS:
                    assert one is calls.frames[0] or one.kind is FrameKind.INTERRUPTED


def test_a_stripped_program_has_its_calls_without_lines(lab_vm: Vm, tmp_path: Path) -> None:
    program = compiled("calls", "-O2", NO_FRAME_POINTER, "-ldl")
    core = dies(lab_vm, program, tmp_path, "chain")
    stripped = tmp_path / "calls"
    subprocess.run(["aarch64-linux-gnu-strip", "-o", str(stripped), str(program)], check=True)
    found, calls = ours(core, stripped)
    expected = [one for one in theirs(core, program, tmp_path) if one.kind != "inlined"]
    assert [one.pc for one in found] == [one.pc for one in expected]
    assert not any(one.line for one in found)
    assert not calls.end


NO_TABLES = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables")


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("tables", [(), NO_TABLES])
@pytest.mark.parametrize("frames", [(), (NO_FRAME_POINTER,)])
def test_what_was_interrupted_is_not_taken_from_a_stale_record(
    lab_vm: Vm, tmp_path: Path, frames: tuple[str, ...], tables: tuple[str, ...], stripped: bool
) -> None:
    """A handler that has called, and then aborts: between it and `main` is what faulted."""
    flags = ("-O2", "-static", *frames, *tables, *(["-s"] if stripped else []))
    program = compiled("stale_record", *flags)
    result = lab_vm.run([str(program)], cores_to=tmp_path)
    fault = int(result.stdout.split()[1], 16)
    session = Session(CoreTarget(result.cores[0], program))
    calls = host_calls(session, session.current_thread())
    assert isinstance(calls, HostCalls)
    interrupted = [one for one in calls.frames if one.kind is FrameKind.INTERRUPTED]
    assert [one.pc for one in interrupted] == [fault], calls
    if stripped:
        return
    told = [one.function.split("+")[0] for one in calls.frames]
    at = calls.frames.index(interrupted[0])
    assert told[at : at + 2] == ["work", "main"]
    assert told[at - 2] == "handler"
    assert told.count("handler") == 1


SAY = """
from mtedbg.analysis.stacks.host_calls import host_calls

def say(session):
    found = host_calls(session, session.current_thread())
    for frame in found.frames:
        line = getattr(frame.inlined[0] if frame.inlined else frame, "source", None)
        print("@", hex(frame.pc), frame.kind.value, frame.how.value, getattr(line, "line", 0),
              [call.function for call in frame.inlined])
"""
IN_GDB = SAY + "from mtedbg.adapters.gdb.sessions import current\nsay(current())\n"
IN_LLDB = f"""
import sys
sys.path.append({str(ROOT)!r})
import lldb
{SAY}
from mtedbg.adapters.lldb.sessions import current
say(current(lldb.debugger, lldb.SBExecutionContext()))
"""


def test_debuggers_have_the_same_calls(lab_vm: Vm, tmp_path: Path) -> None:
    """Through a signal handler on another stack, with inlined functions."""
    program = compiled("calls", *BUILDS["O2"][0], "-ldl")
    core = dies(lab_vm, program, tmp_path, "altstack")
    _, calls = ours(core, program)
    expected = []
    for frame in calls.frames:
        line = frame.inlined[0].source if frame.inlined else or_else(frame.source, None)
        names = [call.function for call in frame.inlined]
        words = (hex(frame.pc), frame.kind.value, frame.how.value, line.line if line else 0, names)
        expected.append("@ " + " ".join(map(str, words)))
    assert len(expected) > 8
    for flavour in GDBS:
        with gdb_session(flavour, [program, core]) as session:
            printed = session.execute(f"python exec({IN_GDB!r})")
        assert [one for one in printed.splitlines() if one.startswith("@")] == expected, flavour
    for flavour in LLDBS:
        with lldb_session(flavour, [program, "--core", core]) as lldb:
            printed = lldb.execute(f"script exec({IN_LLDB!r}, globals())")
        assert [one for one in printed.splitlines() if one.startswith("@")] == expected, flavour
