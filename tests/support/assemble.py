"""AArch64 assembler text → words, by the cross assembler that set-up installs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_AS = ("aarch64-linux-gnu-as", "-march=armv9-a+memtag+pauth+sve2+mops")
_OBJCOPY = ("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text")


def assemble(lines: Sequence[str]) -> list[int]:
    """The word that each line is assembled to."""
    with tempfile.TemporaryDirectory() as folder:
        source, unit, raw = (Path(folder) / name for name in ("a.s", "a.o", "a.bin"))
        source.write_text("\n".join(lines) + "\n")
        subprocess.run([*_AS, str(source), "-o", str(unit)], check=True)
        subprocess.run([*_OBJCOPY, str(unit), str(raw)], check=True)
        code = raw.read_bytes()
    words = [int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code), 4)]
    assert len(words) == len(lines)
    return words
