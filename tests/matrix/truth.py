"""A recording as its checks see it: what the debugger said, and what follows from that."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from tests.matrix.places import guest_symbols, layout
from tests.matrix.record import ADDRESS_BITS, GRANULE, SHARED, Recording

Raw = dict[str, Any]
_DISASSEMBLED = re.compile(r"^\s*[0-9a-f]+:\s+([0-9a-f]{8})\s+(\S+)", re.MULTILINE)
PLAIN = re.compile(r"(ldr|str|ldp|stp)[bh]?")
"""Accesses without order: what a local memop is made of; a shared one has ldapr, stlr…"""


def addresses(text: dict[str, int]) -> dict[int, int]:
    """Numbers that are keys: strings, in JSON."""
    return {int(key): value for key, value in text.items()}


def mnemonics(words: list[int]) -> list[str]:
    """The instructions' names, by binutils."""
    data = b"".join(word.to_bytes(4, "little") for word in words)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        listing = subprocess.run(
            ["aarch64-linux-gnu-objdump", "-D", "-b", "binary", "-m", "aarch64", file.name],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    found = _DISASSEMBLED.findall(listing)
    assert [int(word, 16) for word, _ in found] == words
    return [name for _, name in found]


@dataclass(frozen=True)
class Scene:
    """One debugger at one place.

    Args:
        name: "gdb18-user".
        recording: what was written down there.
    """

    name: str
    recording: Recording

    def __getattr__(self, key: str) -> Any:
        try:
            return self.recording[key]
        except KeyError as error:
            raise AttributeError(key) from error

    @property
    def place(self) -> str:
        return self.name.partition("-")[2]

    @property
    def dead(self) -> bool:
        return self.place == "core"

    def report(self, command: str) -> Raw:
        """What a command answered."""
        report = self.recording["answers"][command]
        assert isinstance(report, dict)
        return report

    def rows(self, command: str) -> list[Raw]:
        rows = self.report(command)["rows"]
        assert isinstance(rows, list)
        return rows

    def row(self, command: str) -> Raw:
        """Its only row."""
        (row,) = self.rows(command)
        assert isinstance(row, dict)
        return row

    @cached_property
    def pc(self) -> int:
        return int(self.recording["registers"]["pc"])

    @cached_property
    def address(self) -> int:
        """The fault's, without its tag."""
        return int(self.recording["pointer"]) & ADDRESS_BITS

    @cached_property
    def logical_tag(self) -> int:
        return int(self.recording["pointer"]) >> 56 & 15

    @cached_property
    def tags_here(self) -> dict[int, int]:
        return addresses(self.recording["tags"])

    @cached_property
    def granule(self) -> int:
        return self.address // GRANULE * GRANULE

    @cached_property
    def blocks(self) -> list[Raw]:
        return list(self.recording["root"]["code-map"])

    @cached_property
    def memops(self) -> list[Raw]:
        return sorted((m for b in self.blocks for m in b["memops"]), key=lambda m: int(m["id"]))

    @cached_property
    def memop(self) -> Raw:
        """The one that faulted."""
        (memop,) = [memop for memop in self.memops if memop["address"] == self.pc]
        return memop

    @cached_property
    def block(self) -> Raw:
        (block,) = [b for b in self.blocks if b["base"] <= self.pc < b["base"] + b["length"]]
        return block

    def word(self, address: int) -> int:
        """An instruction of JIT code, as the debugger read it."""
        for block in self.blocks:
            at = address - block["base"]
            if 0 <= at < block["length"]:
                return int.from_bytes(bytes.fromhex(block["code"])[at : at + 4], "little")
        raise AssertionError(f"{address:#x} is in no block")

    def mode_of(self, memop: Raw) -> str:
        """What its bytes say: by binutils' name of the access."""
        return "Local" if PLAIN.fullmatch(self._names[self.word(memop["address"])]) else "Shared"

    @cached_property
    def _names(self) -> dict[int, str]:
        words = sorted({self.word(memop["address"]) for memop in self.memops})
        return dict(zip(words, mnemonics(words), strict=True))

    @cached_property
    def function(self) -> str:
        """The guest function of the fault, by the guest's own symbols."""
        return guest_function(self.memop["guest_rip"])

    def stretches(self, tag: int) -> Iterator[tuple[int, int]]:
        """The runs of `tag` in the window."""
        for same, group in groupby(self.tags_here.items(), key=lambda item: item[1]):
            run = [address for address, _ in group]
            if same == tag:
                yield run[0], run[-1] + GRANULE

    def phases(self, name: str) -> set[int]:
        """Where a phase begins, by the root's raw records."""
        number = enum("Phase", name)
        return {
            each["address"] for each in self.recording["root"]["phases"] if each["phase"] == number
        }


def guest_function(rip: int) -> str:
    """The guest's symbol that holds an address."""
    (name,) = [name for name, (at, size) in guest_symbols().items() if at <= rip < at + size]
    return name


def enum(name: str, value: str) -> int:
    """The number of an enum's value, by the C header."""
    return layout()[f"={name}.{value}"][0]


def named(name: str, number: int) -> str | None:
    """The enum's value of that number; None where it has none."""
    prefix = f"={name}."
    for key, (value, _) in layout().items():
        if key.startswith(prefix) and value == number:
            return key.removeprefix(prefix)
    return None


def owner(tag: int) -> str | int:
    return "shared" if tag == SHARED else tag


def number(text: str) -> int:
    return int(text, 16)
