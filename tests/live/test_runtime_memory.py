"""Guest memory: files, the host's accesses, and what is taken back for a core."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.live.test_runtime_guests import TIMEOUT_S, passes

RUN = ["qemu-aarch64", "-cpu", "max", str(paths.runtime())]
CONVENTIONS = [
    f"--shared-tag {tag} --policy {policy}"
    for tag in (0, 15)
    for policy in ("seed", "sticky", "interpret", "follow")
]


@pytest.mark.parametrize("options", [*CONVENTIONS, "--claim-threshold 1", "--threads threads"])
def test_files_and_the_hosts_accesses(options: str, tmp_path: Path) -> None:
    """A file that is mapped, and the same bytes through local and shared memory of all kinds."""
    content = bytes(range(1, 256)) * 5
    file = tmp_path / "content"
    file.write_bytes(content)
    done = subprocess.run(
        [*RUN, *options.split(), str(paths.guests() / "files.elf"), str(file)],
        input=content, capture_output=True, timeout=TIMEOUT_S, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(content + b"sum ")
    assert file.read_bytes() == content
    # Once, however many files; QEMU's user mode has no tags for any file.
    assert done.stderr.count(b"\n") == 1
    assert b"PROT_MTE is for anonymous memory and files in RAM" in done.stderr
    assert os_path(file) in done.stderr


def os_path(file: Path) -> bytes:
    return str(file).encode()


@pytest.mark.parametrize("tag", [0, 15])
@pytest.mark.parametrize(
    "how",
    [
        "--claim-threshold 1",
        "--claim-threshold 1 --pin-threshold 100000 --step 1 --schedule seed:4",
        "--claim-threshold 2 --memops-start shared",
        "--claim-threshold 1 --threads threads --cores 3",
        "--policy interpret --interpret-threshold 3",
    ],
)
def test_thresholds_change_no_result(how: str, tag: int) -> None:
    for guest in ("message", "queue", "locks", "mover"):
        passes(f"--shared-tag {tag} {how}", guest)
