"""Translator and emitter under AddressSanitizer and UBSan: every form, and guest programs.

VIXL is for AArch64 here, so that they run in QEMU's user mode, and for what needs a kernel in the
VM. Each ends with the sanitizer's report and another status where one has found anything.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from tests.live.test_runtime_guests import oracle
from tests.oracle import check, corpus, machine
from tests.support.compile import ROOT

TIMEOUT_S = 600
NO_TAGS = ":".join(
    f"{name}=0"
    for name in ("detect_leaks", "replace_intrin", "intercept_strlen", "intercept_strchr")
)
"""Leaks are looked for by ptrace, which QEMU's user mode has not. Pointers into guest memory have
tags: what memcpy and the like get of them has no shadow."""
GUESTS = (
    ("programs-O0", ""),
    ("lz", "--memops-start shared --shared-tag 15"),
    ("bytecode-Os", "--tier-up 2 --policy interpret"),
    ("callbacks", "--tier-up 2 --tier-scope program"),
    ("mover", "--policy seed --step 3 --schedule seed:4"),
    ("threadlocal", "--threads threads --claim-threshold 1"),
)


@pytest.fixture(scope="module")
def checked() -> Path:
    """The runtime with its translator under sanitizers."""
    build = ROOT / "native/build/cross"
    command = ["cmake", "--build", str(build), "--target", "mtetso_checked", "--", "--quiet"]
    subprocess.run(command, check=True)
    return build / "mtetso_checked"


def run(program: Path, guest: str, options: str, asan: str) -> subprocess.CompletedProcess[str]:
    words = ["qemu-aarch64", "-cpu", "max", str(program), *options.split()]
    return subprocess.run(
        [*words, str(paths.guests() / f"{guest}.elf")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=os.environ | {"ASAN_OPTIONS": asan},
        check=False,
    )


def test_it_is_watched(checked: Path) -> None:
    """Without the options above it ends at the first tagged pointer that memcpy gets."""
    done = run(checked, "sum", "", "detect_leaks=0")
    assert done.returncode != 0
    assert "ERROR: AddressSanitizer" in done.stderr
    assert "write_fresh" in done.stderr


def test_every_form(checked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", NO_TAGS)
    cases, recorded = corpus.read_recorded()
    outcomes = machine.in_runtime(cases, runtime=checked)
    assert check.judge(cases, recorded, outcomes) == {}


@pytest.mark.parametrize(("guest", "options"), GUESTS)
def test_guest_programs(checked: Path, guest: str, options: str) -> None:
    done = run(checked, guest, options, NO_TAGS)
    expected = oracle(guest.split("-")[0])
    assert (done.returncode, done.stderr, done.stdout) == (0, "", expected)


def test_critical_sections(lab_vm: Vm, checked: Path) -> None:
    """What is emitted for restartable sequences, which QEMU's user mode has not."""
    words = [str(checked), "--threads", "threads", "--core-id", "rseq-strict"]
    env = {"PATH": "/usr/bin", "ASAN_OPTIONS": NO_TAGS}
    for options in (["--tier-up", "2"], ["--shared-tag", "15", "--memops-start", "shared"]):
        argv = [*words, *options, str(paths.guests() / "message.elf"), "3"]
        done = lab_vm.run(argv, env=env, timeout_s=TIMEOUT_S)
        assert (done.exit_status, done.stderr) == (0, b"")
        assert done.stdout.decode() == oracle("message", "3")
