"""Makes frozen cores: `python -m tests.golden.freeze NAME…`. Seldom: answers change with them.

Without a name it makes all of them anew, with names only those: the others stay as they are.

The programs of `tests/support/programs/` and the runtime run in the Linux VM from a folder that has
the same name on every machine, so that nothing of this one is in the cores. The runtime's program
is not kept: what it says of itself must be enough.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtedbg.adapters.core import CoreTarget
from mtedbg.lab import debuggers, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import LabResult, Vm
from mtedbg.model.absent import Absent
from tests.golden.cases import CORES, PROVENANCE
from tests.support.compile import COMPILER, PROGRAMS
from tests.support.cores import CASES, TAGGED_HEAP, Case, parse_facts

GUEST_FOLDER = "/frozen"
SHARED_DATA = ("--data-start", "shared")
"""The first accesses to it are what these cores are about."""

RUNTIME = {
    "runtime-thunk": ("crash.elf",),
    "runtime-lockstep": ("--no-handler", "message.elf"),
    "runtime-threads": (
        "--no-handler",
        "--threads",
        "threads",
        "--shared-tag",
        "15",
        "message.elf",
    ),
}
RUNTIME |= {
    "runtime-stale": ("--no-handler", "message.elf"),
    "runtime-patch": ("--abort-at", "patch-half", "message.elf"),
    "runtime-insert": ("--abort-at", "commit-described:2", "message.elf"),
    "runtime-learned": ("--tier-up", "2", "--abort-at", "patch-half:9", "queue.elf"),
    "runtime-follow": (
        *("--policy", "follow", "--memops-start", "either", "--data-start", "local"),
        "--no-handler",
        "message.elf",
    ),
}
UNDER_GDB = {"runtime-stale": ("set $x27 = 2",)}
"""What GDB changes when the signal comes, before it lets the kernel have it: here the register
that holds the core id, as if the thread had moved on between [1] and [2]."""

PROGRAMS_OF = {name: CASES[name] for name in ("sync", "straddle", "filtered", "async", "heap")}
_TAGGED = tuple(TAGGED_HEAP.items())
SCUDO = "libclang_rt.scudo_standalone-aarch64.so"
_SCUDO = (*_TAGGED, ("LD_PRELOAD", f"{GUEST_FOLDER}/{SCUDO}"))
"""The tunable makes the C library turn tag checks on, whosever heap there is."""
PROGRAMS_OF |= {
    "abort": CASES["abort"],
    "heap-overflow": Case("heap_bounds", ("overflow",), _TAGGED),
    "heap-far": Case("heap_bounds", ("far",), _TAGGED),
    "heap-underflow": Case("heap_bounds", ("underflow",), _TAGGED),
    "heap-reused": Case("heap_bounds", ("reused",), _TAGGED),
    "heap-thread": Case("heap_bounds", ("thread",), _TAGGED),
    "other-null": Case("other_faults", ("null",)),
    "other-jump": Case("other_faults", ("jump",)),
    "other-misaligned": Case("other_faults", ("misaligned",)),
    "other-return": Case("other_faults", ("return",)),
    "other-signed": Case("other_faults", ("signed",)),
    "other-guarded": Case("other_faults", ("guarded",)),
    "other-data": Case("other_faults", ("data",)),
    "other-file": Case("other_faults", ("file",)),
    "other-stack": Case("other_faults", ("stack",)),
    "scudo-overflow": Case("heap_bounds", ("overflow",), _SCUDO),
    "scudo-freed": Case("heap", (), _SCUDO),
    "scudo-sampled": Case("sampled", (), (*_SCUDO, ("SCUDO_OPTIONS", "GWP_ASAN_SampleRate=1"))),
    "sigabrt": Case("aborted"),
    "handler-raise": Case("handlers", ("load", "alt-raise")),
    "handler-abort": Case("handlers", ("load", "plain-abort")),
    "handler-other": Case("handlers", ("null", "thread-other")),
    "handler-jumped": Case("handlers", ("store", "jumped")),
    "stack-overflow": Case("stack_bounds", ("overflow",)),
    "stack-underflow": Case("stack_bounds", ("underflow",)),
    "stack-return": Case("stack_bounds", ("return",)),
    "stack-scope": Case("stack_bounds", ("scope",)),
    "stripped": Case("stripped", ("overflow",), _TAGGED),
    "truncated": Case("sync_fault"),
}
STRIPPED, TRUNCATED, STACK = "stripped", "truncated", "stack_bounds"
STRIPPED_OF = "heap_bounds"
CUT = 3
"""Of what is cut off a truncated core: the last third."""


def build(name: str, folder: Path) -> Path:
    """A program without this machine's paths, and without debug information it is not about."""
    program = folder / name
    if name == STACK:
        return build_with_tagged_stack(program)
    source = PROGRAMS / f"{STRIPPED_OF if name == STRIPPED else name}.c"
    command = [*COMPILER, "-g0", f"-ffile-prefix-map={PROGRAMS}=.", str(source)]
    command += ["-s"] if name == STRIPPED else []
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def build_with_tagged_stack(program: Path) -> Path:
    """A program of Clang's, with debug information: its variables are what it is about."""
    unit = program.with_suffix(".o")
    clang = next(iter(sorted(Path("/usr/bin").glob("clang-[0-9][0-9]"), reverse=True)))
    command = [
        *(clang, "--target=aarch64-linux-gnu", "-march=armv8.5-a+memtag", "-O1", "-gdwarf-5"),
        *("-fsanitize=memtag-stack", f"-ffile-prefix-map={PROGRAMS}=.", "-c"),
    ]
    subprocess.run([*command, str(PROGRAMS / f"{STACK}.c"), "-o", str(unit)], check=True)
    subprocess.run([COMPILER[0], str(unit), "-o", str(program)], check=True)
    unit.unlink()
    return program


def pack(contents: bytes, name: str) -> None:
    """Compressed so that the same contents give the same file."""
    (CORES / name).write_bytes(gzip.compress(contents, 9, mtime=0))


def die(vm: Vm, argv: list[str], environment: dict[str, str], place: Path) -> LabResult:
    """Runs a program that leaves one core in `place`."""
    place.mkdir()
    result = vm.run(argv, env=environment, cores_to=place, timeout_s=60)
    assert len(result.cores) == 1, result
    return result


def freeze_program(vm: Vm, name: str, case: Case, folder: Path) -> dict[str, object]:
    """Keeps the core of one of the C programs; returns its provenance."""
    argv = [f"{GUEST_FOLDER}/{case.program}", *case.arguments]
    environment = {"PATH": "/usr/bin", **dict(case.environment)}
    result = die(vm, argv, environment, folder / f"{name}.cores")
    facts = parse_facts(result.stdout)
    if name == TRUNCATED:
        whole = result.cores[0].read_bytes()
        result.cores[0].write_bytes(whole[: len(whole) - len(whole) // CUT])
    program = "" if name == STRIPPED else case.program
    return keep(name, result, argv, program, facts["pointer"][0]) | {"env": environment}


def freeze_runtime(vm: Vm, name: str, words: tuple[str, ...], folder: Path) -> dict[str, object]:
    """Keeps a core of the runtime; returns its provenance."""
    *options, guest = words
    argv = [f"{GUEST_FOLDER}/mtetso", *SHARED_DATA, *options, f"{GUEST_FOLDER}/{guest}"]
    environment = {"PATH": "/usr/bin"}
    if changes := UNDER_GDB.get(name):
        steps = (
            "set startup-with-shell off",
            "unset environment PYTHONHOME",
            "run",
            *changes,
            "signal SIGSEGV",
        )
        words = [word for step in steps for word in ("-ex", step)]
        argv = debuggers.gdb("-nx", "-batch", *words, "--args", *argv)
        environment = debuggers.GDB_ENVIRONMENT
    result = die(vm, argv, environment, folder / f"{name}.cores")
    target = CoreTarget(result.cores[0])
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)
    pointer = 0 if isinstance(signal.address, Absent) else signal.address
    return keep(name, result, argv, "", pointer)


def keep(
    name: str, result: LabResult, argv: list[str], program: str, pointer: int
) -> dict[str, object]:
    """Packs the core; returns its provenance."""
    core = result.cores[0].read_bytes()
    pack(core, f"{name}.core.gz")
    digest = hashlib.sha256(core).hexdigest()
    return {
        "program": program,
        "command": argv,
        "signal": result.signal,
        "pointer": pointer,
        "sha256": digest,
    }


def version(*command: str) -> str:
    """The first line of what a tool says of itself."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def put(names: Sequence[str], folder: Path) -> None:
    """Puts what the cases run into `folder`; keeps the programs whose symbols answers need."""
    for program in {PROGRAMS_OF[name].program for name in names if name in PROGRAMS_OF}:
        built = build(program, folder)
        if program != STRIPPED:  # it has to be enough without its program too
            pack(built.read_bytes(), f"{program}.gz")
    if any(name.startswith("scudo") for name in names):
        found = Path("/usr/lib").glob(f"llvm-*/lib/clang/*/lib/linux/{SCUDO}")
        shutil.copy(sorted(found)[-1], folder)
    if not set(names) & set(RUNTIME):
        return
    shutil.copy(paths.runtime(), folder)
    for guest in paths.guests().glob("*.elf"):
        # Its debug information names the folder that it was built in.
        subprocess.run(["strip", "-g", "-o", str(folder / guest.name), str(guest)], check=True)


def make(names: Sequence[str]) -> dict[str, object]:
    """The provenance of the cores with these names, which are made in one VM."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        put(names, folder)
        shares = [Share(folder, GUEST_FOLDER), debuggers.share()]
        with boot(shares, MachineOptions()) as vm:
            return {name: freeze(vm, name, folder) for name in names}


def freeze(vm: Vm, name: str, folder: Path) -> dict[str, object]:
    """Keeps one core; returns its provenance, with the kernel that wrote it."""
    if name in RUNTIME:
        made = freeze_runtime(vm, name, RUNTIME[name], folder)
    else:
        made = freeze_program(vm, name, PROGRAMS_OF[name], folder)
    return made | {"kernel": vm.kernel}


def main() -> int:
    """Makes the cores that are named, or all."""
    everything = [*PROGRAMS_OF, *RUNTIME]
    names = sys.argv[1:] or everything
    if unknown := set(names) - set(everything):
        raise SystemExit(f"no such core: {', '.join(sorted(unknown))}; there are {everything}")
    CORES.mkdir(exist_ok=True)
    before = json.loads(PROVENANCE.read_text())["cores"] if PROVENANCE.exists() else {}
    made = before | make(names)
    origin = {
        "emulator": version("qemu-system-aarch64", "--version"),
        "compiler": version(COMPILER[0], "--version"),
        "flags": COMPILER[1:],
        "cores": {name: made[name] for name in everything if name in made},
    }
    PROVENANCE.write_text(json.dumps(origin, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
