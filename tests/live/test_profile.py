"""What a process has learned: out of debuggers and cores, into the next run, and to FEX-Emu."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.cli import main
from mtedbg.formats.profile import read_profile
from mtedbg.lab import paths, user
from mtedbg.lab.vm import Vm
from mtedbg.model.profile import Profile, ProfileAccess, ProgramProfile
from tests.live.test_gdb_runtime import running
from tests.live.test_runtime_guests import oracle, run
from tests.support import fex
from tests.support.gdb_session import GDBS
from tests.support.lldb_session import LLDBS, connect, lldb

GUEST = "queue"
SHARED_DATA = "--data-start shared"
"""What an ordered access meets is then shared already, and the profile pays."""
AT_THE_END = "mtetso::ProfileWriter::finish"
NEWEST = next(iter(GDBS))
RUNS = [
    *((flavour, ()) for flavour in GDBS),
    (NEWEST, ("--tier-up", "2", "--tier-scope", "program")),
    (NEWEST, ("--policy", "seed", "--tier-up", "1")),
]
PATCHES = 12
PAGE = 4096


def profile(path: Path) -> Profile:
    return read_profile(path.read_bytes(), str(path))


def only(path: Path) -> ProgramProfile:
    (program,) = profile(path).programs
    return program


def faults(path: Path) -> int:
    return sum(facts.faults for facts in only(path).memops.values())


def flips(path: Path) -> int:
    return sum(facts.flips for facts in only(path).memops.values())


def carried_over(tmp_path: Path, learned: Path) -> None:
    """The runtime takes a profile: it does what it should, with fewer faults and patches."""
    without, with_it = tmp_path / "without.json", tmp_path / "with.json"
    for options in (f"--profile-out {without}", f"--profile-in {learned} --profile-out {with_it}"):
        done = run(f"{SHARED_DATA} {options}", GUEST)
        assert (done.returncode, done.stdout, done.stderr) == (0, oracle(GUEST), "")
    assert faults(with_it) < faults(without)
    assert flips(with_it) < flips(without)
    known = {key for key, facts in only(learned).memops.items() if facts.mode != "local"}
    assert known
    assert all(only(with_it).memops[key].mode != "local" for key in known)


@pytest.mark.parametrize(("flavour", "options"), RUNS)
def test_gdb_writes_what_the_runtime_writes(
    tmp_path: Path, flavour: str, options: Sequence[str]
) -> None:
    """At the place where it begins to write: the same file, byte for byte."""
    ours, its = tmp_path / "ours.json", tmp_path / "its.json"
    with running(flavour, *options, "--profile-out", str(its), guest=GUEST, arguments=[]) as guest:
        guest.session.execute("handle SIGSEGV SIGBUS nostop noprint pass")
        guest.session.execute(f"tbreak {AT_THE_END}")
        assert guest.session.resume("continue").reason == "breakpoint-hit"
        report = guest.session.json(f"memops --sort faults -n 3 --export {ours}")
        assert f"written: {ours}" in report["notes"]
        assert len(report["rows"]) == 3
        assert guest.session.resume("continue").reason.startswith("exited")
    assert ours.read_bytes() == its.read_bytes()
    if not options:
        carried_over(tmp_path, ours)


@pytest.mark.parametrize("flavour", LLDBS)
def test_lldb_writes_what_the_runtime_writes(tmp_path: Path, flavour: str) -> None:
    ours, its = tmp_path / "ours.json", tmp_path / "its.json"
    argv = [paths.runtime(), "--profile-out", its, paths.guests() / f"{GUEST}.elf"]
    with user.start(argv) as process, lldb(flavour, [argv[0]]) as session:
        connect(session, f"unix-connect://{process.socket}")
        session.execute("process handle SIGSEGV SIGBUS --stop false --pass true --notify false")
        session.execute(f"breakpoint set --one-shot true --name {AT_THE_END}")
        assert "stop reason = one-shot breakpoint" in session.execute("continue")
        assert f"written: {ours}" in session.execute(f"memops -n 1 --export {ours}")
        assert "exited with status = 0" in session.execute("continue")
    assert ours.read_bytes() == its.read_bytes()


def test_a_kernel_core_has_it_too(lab_vm: Vm, tmp_path: Path) -> None:
    """Of a process that died in the middle of a patch."""
    guest = str(paths.guests() / f"{GUEST}.elf")
    argv = [str(paths.runtime()), "--abort-at", f"patch-half:{PATCHES}", guest]
    (core,) = lab_vm.run(argv, cores_to=tmp_path, timeout_s=60).cores
    learned = tmp_path / "learned.json"
    assert main(["core", str(core), "--sysroot", "/x", "-x", f"memops --export {learned}"]) == 0
    program = only(learned)
    assert program.name == f"{GUEST}.elf"
    shared = [facts for facts in program.memops.values() if facts.mode == "shared"]
    # The last one is known by the journal alone.
    assert len(shared) == sum(facts.flips for facts in shared) + 1 == PATCHES
    carried_over(tmp_path, learned)


def test_profiles_of_several_runs_are_added_up(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for number, file in enumerate(files):
        assert run(f"--schedule seed:{number} --step 3 --profile-out {file}", GUEST).returncode == 0
    merged = tmp_path / "merged.json"
    assert main(["profile", "merge", *map(str, files), "-o", str(merged)]) == 0
    assert faults(merged) == sum(map(faults, files))
    assert flips(merged) == sum(map(flips, files))
    ordered = [
        {key for key, facts in only(file).memops.items() if facts.mode != "local"}
        for file in (*files, merged)
    ]
    assert ordered[-1] == set.union(*ordered[:-1])
    carried_over(tmp_path, merged)


def test_what_fex_is_told_of_a_real_program(tmp_path: Path) -> None:
    """What met another core's memory is ordered, and so are the stores beside it; no more is."""
    guest = paths.guests() / f"{GUEST}.elf"
    learned, out, words = tmp_path / "learned.json", tmp_path / "out", tmp_path / "merged"
    assert run(f"--profile-out {learned}", GUEST).returncode == 0
    line = ["profile", "merge", str(learned), "-o", str(words), "--fex", str(out)]
    assert main([*line, "--guest", str(guest)]) == 0
    (module,) = fex.read(out.read_text()).values()
    with guest.open("rb") as file:
        segments = [*ELFFile(file).iter_segments("PT_LOAD")]
    mappings = [
        fex.Mapping(one["p_vaddr"] & -PAGE, -(-one["p_filesz"] // PAGE) * PAGE, one["p_offset"])
        for one in segments
        if one["p_flags"] & 1
    ]
    assert all(one.offset % PAGE == 0 for one in mappings)
    told = [fex.applied(module, mapping) for mapping in mappings]
    (code,) = [one for one in told if one.ranges]
    recorded = only(learned).memops.items()
    ordered = {key.rip for key, facts in recorded if facts.needs_order}
    inside = {
        (key.rip, facts)
        for key, facts in recorded
        if any(begin <= key.rip < end for begin, end in code.ranges)
    }
    assert ordered <= {rip for rip, _ in inside}
    stores = {rip for rip, facts in inside if facts.access is not ProfileAccess.LOAD}
    assert code.ordered == ordered | stores
    assert json.loads(learned.read_text())["programs"][0]["name"] in out.read_text()
