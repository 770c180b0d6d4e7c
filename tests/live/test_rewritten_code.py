"""Code that is written after it ran: memory of the guest that can be written and executed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.live.test_runtime_guests import SOURCES, TIMEOUT_S
from tests.support import x86_64

OPERAND = b"abcd"  # of an instruction that the host writes
RUN = ["qemu-aarch64", "-cpu", "max", str(paths.runtime())]


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--shared-tag 15 --step 1 --schedule seed:3",
        "--policy seed",
        "--policy interpret",
        "--policy follow --threads threads",
        "--tier-up 2 --threads threads --shared-tag 15",
        # Threads that share a processor must not keep each other from writing and running.
        "--threads threads --core-id pinned --cores 2 --claim-threshold 1",
    ],
)
def test_code_is_made_anew_when_it_is_written(options: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*RUN, *options.split(), str(paths.guests() / "rewritten.elf")],
        input=OPERAND, capture_output=True, timeout=TIMEOUT_S, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"rewritten\n", b"")


@x86_64.only_natively("its oracle is an x86-64 processor")
def test_a_processor_does_the_same() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "rewritten"
        subprocess.run(
            ["gcc", "-std=c11", "-O2", "-mgeneral-regs-only", "-static", "-pthread"]
            + ["-Wl,--no-warn-rwx-segments", "-o", str(program)]
            + [str(SOURCES / "rewritten.c"), str(SOURCES / "native_imports.c")],
            check=True,
        )
        done = subprocess.run(
            [program], input=OPERAND, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    assert (done.returncode, done.stdout) == (0, b"rewritten\n")
