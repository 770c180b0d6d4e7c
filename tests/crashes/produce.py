"""Runs the crashing programs in the VM and keeps their cores with what is true of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtedbg.errors import LabError
from mtedbg.lab import newer_kernel
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import LabResult, Vm
from tests.crashes import build
from tests.crashes.cells import Cell

VARIANTS = ("exe", "stripped", "alone")
TRUTH = "truth.json"
DID_NOT_CRASH = 3
"""The exit status of a program whose bug went through."""
TRIES = 3


@dataclass(frozen=True)
class Crash:
    """A core, and what is true of it.

    Args:
        folder: has a folder for each of `VARIANTS`, and `truth.json`.
        truth: what the program said, and how it ended.
    """

    folder: Path
    truth: dict[str, Any]

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.folder.name

    def core(self, variant: str = "exe") -> Path:
        """The core in the folder of `variant`."""
        return self.folder / variant / "core"

    def executable(self, variant: str = "exe") -> Path | None:
        """The program beside it, if there is one."""
        files = (self.folder / variant).iterdir()
        return next((each for each in files if each.name not in ("core", build.SCUDO)), None)


@contextlib.contextmanager
def vm_for_crashes(*, newer: bool = False) -> Iterator[Vm]:
    """A VM that has the crashing programs in a folder of its own; with a newer kernel, if asked."""
    build.FOLDER.mkdir(parents=True, exist_ok=True)
    image = newer_kernel.cached() if newer else None
    with boot([Share(build.FOLDER, build.IN_VM)], MachineOptions(cpus=2), image=image) as vm:
        yield vm


def produce_all(cells: Sequence[Cell], into: Path) -> Iterator[Crash]:
    """Runs each cell under its kernel."""
    for newer in (False, True):
        if chosen := [cell for cell in cells if cell.of_newer_kernel == newer]:
            with vm_for_crashes(newer=newer) as vm:
                yield from produce(vm, chosen, into)


def produce(
    vm: Vm, cells: Iterable[Cell], into: Path, variants: Sequence[str] = VARIANTS
) -> Iterator[Crash]:
    """Runs each cell once; its core and its files come into a folder with its name.

    Raises:
        AssertionError: a program did not crash, or its core is not whole.
    """
    for cell in cells:
        executable = cell.build.executable()
        folder = into / cell.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        words = [build.in_vm(executable), cell.bug, cell.handler, *cell.more]
        result = _until_it_crashes(vm, cell, words, folder)
        said = result.stderr.decode(errors="replace")
        assert len(result.cores) == 1, f"{cell.name}: no core: {result} {said}"
        assert result.core_is_whole, f"{cell.name}: its core is not whole"
        facts = _facts(result.stdout)
        (core,) = result.cores
        for variant in variants:
            _lay_out(folder / variant, core, cell, variant)
        core.unlink()
        truth = {
            "program": cell.build.program,
            "allocator": cell.allocator,
            "bug": cell.bug,
            "handler": cell.handler,
            "compiler": cell.build.compiler,
            "flags": cell.build.flags,
            "more": [*cell.more, *(["async"] if cell.asynchronous else [])],
            "cause": cell.cause.value,
            "signal": result.signal,
            "facts": facts,
            "stderr": said,
        }
        (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n")
        yield Crash(folder, truth)


def kept(folder: Path) -> list[Crash]:
    """What `produce` left in a folder."""
    truths = sorted(folder.glob(f"*/{TRUTH}"))
    return [Crash(truth.parent, json.loads(truth.read_text())) for truth in truths]


def _until_it_crashes(vm: Vm, cell: Cell, words: list[str], folder: Path) -> LabResult:
    """Once in a thousand runs QEMU lets a wrong access of the second CPU through."""
    for _ in range(TRIES):
        try:
            result = vm.run(words, env=cell.environment(), cores_to=folder, timeout_s=60)
        except LabError as error:
            raise AssertionError(f"{cell.name}: {error}") from error
        if result.exit_status != DID_NOT_CRASH:
            break
    return result


def _lay_out(folder: Path, core: Path, cell: Cell, variant: str) -> None:
    """The files that a user has beside a core."""
    folder.mkdir()
    os.link(core, folder / "core")
    if variant == "exe":
        shutil.copy(cell.build.executable(), folder)
    elif variant == "stripped":
        shutil.copy(cell.build.stripped(), folder)
    if variant != "alone" and cell.allocator == "scudo":
        shutil.copy(build.FOLDER / build.SCUDO, folder)


def _facts(output: bytes) -> dict[str, list[str]]:
    """Lines `NAME VALUE…`; of a name that is there twice the last."""
    lines = [line.split() for line in output.decode(errors="replace").splitlines()]
    return {words[0]: words[1:] for words in lines if words}
