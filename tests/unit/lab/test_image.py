"""What a kernel module says that it needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mtedbg.lab.image import dependencies


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        ('.asciz "depends=virtio,virtio_ring"', ["virtio", "virtio_ring"]),
        ('.asciz "author=depends=me"; .asciz "depends="', []),
        ('.asciz "license=GPL"', []),
    ],
)
def test_the_modules_that_a_module_needs(tmp_path: Path, said: str, needed: list[str]) -> None:
    text = f'.section .modinfo,"a"; {said}; .data; .asciz "depends=nothing"\n'
    output = tmp_path / "module.ko"
    command = ["aarch64-linux-gnu-gcc", "-c", "-x", "assembler", "-", "-o", str(output)]
    subprocess.run(command, input=text, text=True, check=True)
    assert dependencies(output.read_bytes()) == needed


def test_a_file_without_that_section(tmp_path: Path) -> None:
    output = tmp_path / "object.o"
    command = ["aarch64-linux-gnu-gcc", "-c", "-x", "c", "-", "-o", str(output)]
    subprocess.run(command, input="int f;", text=True, check=True)
    assert dependencies(output.read_bytes()) == []
