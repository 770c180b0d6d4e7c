"""Assembles cases into one program a world and runs it: the processor, and the runtime."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtedbg.lab import paths
from tests.oracle.case import OUTPUT, Case, Outcome
from tests.support import x86_64
from tests.support.compile import ROOT

HERE = Path(__file__).parent
GUESTS = ROOT / "native/guests"
BATCH = 500
"""Cases in one program; addresses in what was recorded depend on it."""
MOST = 2000
"""As many have room in one program."""
ARENA_MID = 0xA01000
NATIVE_S, RUNTIME_S = 60, 600
"""Bounds on the time of a run; natively one takes milliseconds."""

_PLACES = ("--section-start=.text=0x500000", "-Tdata=0x800000", "-Tbss=0xa00000")


def _source(cases: Sequence[Case], part: range) -> str:
    """All cases, so that each has the same address whatever is run: those in `part`.

    Cases that differ only in what they start from are one piece of code.
    """
    lines = [".intel_syntax noprefix", ".text"]
    names = {text: f"case_{i}" for i, text in enumerate({case.text: None for case in cases})}
    for text, name in names.items():
        lines += [".p2align 4", f".type {name}, @function", f"{name}:", text]
        lines += ["jmp after", f".size {name}, . - {name}"]
    lines += [".data", ".globl cases, case_count, inputs", "cases:"]
    lines += [f".quad {names[cases[i].text]}" for i in part]
    lines += ["case_count:", f".quad {len(part)}", "inputs:", '.incbin "inputs.bin"', ""]
    return "\n".join(lines)


@functools.cache
def functions() -> tuple[Path, ...]:
    """Objects of the compiled functions, at each level of optimisation."""
    folder = Path(tempfile.mkdtemp(prefix="mtedbg-oracle-"))
    made = []
    for level in ("0", "2", "s"):
        made.append(folder / f"functions_{level}.o")
        command = [
            x86_64.compiler(),
            "-std=c11",
            f"-O{level}",
            f"-DLEVEL={level}",
            "-c",
            "-ffreestanding",
        ]
        command += ["-mgeneral-regs-only", "-fno-pic", "-fcf-protection=none"]
        command += ["-fno-asynchronous-unwind-tables", "-fno-stack-protector"]
        command += ["-fno-tree-loop-distribute-patterns", "-Wall", "-Wextra", "-Werror"]
        _tool([*command, str(HERE / "functions.c"), "-o", str(made[-1])], folder)
    return tuple(made)


def _tool(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _link(cases: Sequence[Case], part: range, folder: Path, host: Path) -> Path:
    (folder / "cases.s").write_text(_source(cases, part))
    inputs = b"".join(cases[i].input(ARENA_MID) for i in part)
    (folder / "inputs.bin").write_bytes(inputs)
    program = folder / host.stem
    flags = [
        "-static",
        "-nostdlib",
        "-no-pie",
        "-Wl,--build-id=none",
        f"-Wa,--defsym,CASES={MOST}",
    ]
    places = [f"-Wl,{place}" for place in _PLACES]
    objects = [HERE / "harness.S", folder / "cases.s", *functions(), host]
    _tool([x86_64.compiler(), *flags, *places, *map(str, objects), "-o", str(program)], folder)
    return program


def _run(command: list[str], count: int, folder: Path) -> list[Outcome]:
    limit = NATIVE_S if len(command) == 1 else RUNTIME_S
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return [Outcome(error="no end")] * count
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        return [Outcome(error=said)] * count
    assert len(done.stdout) == count * OUTPUT
    return [Outcome(done.stdout[i * OUTPUT : (i + 1) * OUTPUT]) for i in range(count)]


def _each(cases: Sequence[Case], part: range, host: Path, prefix: Sequence[str]) -> list[Outcome]:
    """Outcomes of a part; those that break off are found by halving."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = _link(cases, part, folder, host)
        found = _run([*prefix, str(program)], len(part), folder)
    if not found[0].error or len(part) == 1:
        return found
    half = len(part) // 2
    return _each(cases, part[:half], host, prefix) + _each(cases, part[half:], host, prefix)


def _batches(
    cases: Sequence[Case], host: Path, prefix: Sequence[str], at_once: int
) -> list[Outcome]:
    found: list[Outcome] = []
    for at in range(0, len(cases), at_once):
        batch = cases[at : at + at_once]
        found += _each(batch, range(len(batch)), host, prefix)
    return found


def natively(cases: Sequence[Case], at_once: int = BATCH) -> list[Outcome]:
    """What the processor does, with so many cases in a program."""
    return _batches(cases, HERE / "native.S", [], at_once)


def in_runtime(
    cases: Sequence[Case],
    options: str = "",
    at_once: int = BATCH,
    runtime: Path | None = None,
) -> list[Outcome]:
    """What the runtime does, with these options of its own; another build of it is a path."""
    program = str(runtime or paths.runtime())
    emulator = ["qemu-aarch64", "-cpu", "max", program, *options.split()]
    return _batches(cases, GUESTS / "imports.S", emulator, at_once)
