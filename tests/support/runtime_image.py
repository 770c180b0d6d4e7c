"""Memory of a runtime that never ran, made by the header that real ones include.

`tests/support/programs/runtime_image.c` is compiled for this machine and writes its arena to a
file; what is in it and where is told in that file.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mtedbg.layout import Runtime, find_runtimes
from mtedbg.model.memory import Region
from mtedbg.model.process import TargetKind, Thread
from mtedbg.session import Session
from tests.support.compile import BUILT, PROGRAMS, ROOT, link_once
from tests.support.fake import FakeTarget

BASE = 0x7E0000000000
HEADER = ROOT / "native/include/mtedbg/debug_root.h"
ROOT_CHECKED = 68

JIT_THREAD = Thread(1, 100, "main", True, tagged_addr_ctrl=0x7FFF3)
THUNK_THREAD = Thread(2, 101, "worker", False, tagged_addr_ctrl=0x7FFF3)
HOST_THREAD = Thread(3, 102, "helper", False, tagged_addr_ctrl=0x7FFF3)


@dataclass(frozen=True)
class Image:
    """The arena's bytes, and the places in it by name."""

    data: bytes
    places: dict[str, int] = field(hash=False)

    def with_bytes(self, address: int, data: bytes) -> Image:
        """The image with `data` at `address`."""
        at = address - BASE
        return Image(self.data[:at] + data + self.data[at + len(data) :], self.places)

    def with_word(self, address: int, value: int, width: int = 8) -> Image:
        """The image with a number of `width` bytes at `address`."""
        return self.with_bytes(address, value.to_bytes(width, "little"))

    def with_root(self, offset: int, value: int, width: int = 4) -> Image:
        """The image with a field of the root changed, and the root's checksum made right."""
        changed = self.with_word(self.places["root"] + offset, value, width)
        at = self.places["root"] - BASE
        return changed.with_word(
            self.places["root"] + ROOT_CHECKED,
            zlib.crc32(changed.data[at : at + ROOT_CHECKED]),
            4,
        )

    def with_schema(self, old: str, new: str) -> Image:
        """The image whose schema says `new` for `old`, of the same length, with right checksums."""
        assert len(old) == len(new)
        at = self.data.index(old.encode(), self.places["schema"] - BASE)
        changed = self.with_bytes(BASE + at, new.encode())
        start = self.places["schema"] - BASE
        length = int.from_bytes(changed.data[20:24], "little")
        return changed.with_root(52, zlib.crc32(changed.data[start : start + length]))

    def target(self, *, symbols: bool = True, kind: TargetKind = TargetKind.CORE) -> FakeTarget:
        """A process with this memory: thread 1 at the access of memop 1, 2 in a thunk, 3 ours."""
        baseline = self.places["baseline"]
        registers = {f"x{n}": 0x9000 + n for n in range(31)} | {"sp": 0, "pstate": 6 << 28}
        in_jit = {**registers, "pc": baseline + 0x14, "x27": 2, "x28": self.places["frame2"]}
        return FakeTarget(
            memory={BASE: self.data},
            mappings=[Region(BASE, BASE + len(self.data), "rw-", "", False)],
            thread_list=[JIT_THREAD, THUNK_THREAD, HOST_THREAD],
            register_sets={1: in_jit, 2: {**registers, "pc": 0x1000}, 3: {**registers, "pc": 8}},
            symbols={"mtedbg_root": self.places["root"]} if symbols else {},
            kind=kind,
        )

    def session(self) -> Session:
        """A session on `target()`."""
        return Session(self.target())

    def runtime(self) -> Runtime:
        """The runtime in it."""
        found = find_runtimes(self.target())
        assert isinstance(found, tuple), found
        return found[0]


@cache
def _program() -> Path:
    source = PROGRAMS / "runtime_image.c"
    digest = hashlib.sha256(source.read_bytes() + HEADER.read_bytes()).hexdigest()[:16]
    program = BUILT / digest / "runtime_image"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{HEADER.parents[1]}"]
    link_once(program, ["cc", *flags, str(source)])
    return program


def image(ranges: int = 16, shared_tag: int = 0, form: str = "tables") -> Image:
    """The image whose block 3 has `ranges` ranges, with `shared_tag` as its convention.

    It is made once, however it is asked for.

    `form`: "tables", or "slots" for the code map and the functions.
    """
    return _made(ranges, shared_tag, form)


@cache
def _made(ranges: int, shared_tag: int, form: str) -> Image:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "image"
        told = subprocess.run(
            [str(_program()), str(output), str(ranges), str(shared_tag), form],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        places = {name: int(value, 16) for name, value in map(str.split, told.splitlines())}
        return Image(output.read_bytes(), places)
