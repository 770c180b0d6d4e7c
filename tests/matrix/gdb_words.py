"""GDB's own ways to say what the recorder asks: over the machine interface or inside GDB.

The standard library alone.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.matrix.record import RefusedError

_PACKET = re.compile(r'received: "m0([0-9a-f])"')


class GdbWords:
    """A `Debugger` but for `execute` and `to_next_fault`.

    Attributes:
        by_packet: whether tags are asked for in the server's language: GDB 13's own command
            refuses QEMU's stub.
    """

    by_packet = False

    def execute(self, line: str) -> str:
        """What a command prints."""
        raise NotImplementedError

    def registers(self, names: list[str]) -> dict[str, int]:
        """Of the selected thread."""
        values = ", ".join(f"(unsigned long) ${name}" for name in names)
        printed = self.execute(f'printf "{"%lx " * len(names)}", {values}')
        found = [int(word, 16) for word in printed.split()]
        return dict(zip(names, found, strict=True))

    def read(self, address: int, length: int) -> bytes:
        """Memory."""
        with tempfile.NamedTemporaryFile() as file:
            self.execute(f"dump binary memory {file.name} {address:#x} {address + length:#x}")
            return Path(file.name).read_bytes()

    def tag(self, address: int) -> int:
        """An allocation tag."""
        if self.by_packet:
            printed = self.execute(f"maintenance packet qMemTags:{address:x},1:1")
            match = _PACKET.search(printed)
            if match is None:
                raise RefusedError(printed)
            return int(match[1], 16)
        return int(self.execute(f"memory-tag print-allocation-tag {address:#x}").split()[-1], 16)

    def symbol(self, name: str) -> int:
        """An address."""
        return int(self.execute(f"output/x (unsigned long) &{name}"), 16)

    def control(self) -> int:
        """What GDB calls the thread's control word."""
        return self.registers(["tag_ctl"])["tag_ctl"]
