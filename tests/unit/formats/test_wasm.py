"""WebAssembly modules: functions, where they lie, and their names."""

from __future__ import annotations

import random

import pytest

from mtedbg.formats.wasm import wasm_module

CHANGES = 2000


def section(kind: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return bytes([kind, len(data)]) + data


def text(name: str) -> bytes:
    return bytes([len(name)]) + name.encode()


HEAD = b"\0asm\1\0\0\0"
IMPORTS = section(
    2,
    bytes([5]),
    *(text("host") + text(name) for name in ("where",)),
    bytes([0, 0]),
    text("host") + text("table") + bytes([1, 0x70, 1, 1, 2]),
    text("host") + text("memory") + bytes([2, 0, 1]),
    text("host") + text("global") + bytes([3, 0x7F, 0]),
    text("host") + text("tag") + bytes([4, 0, 0]),
)
CODE = section(10, bytes([2]), bytes([2, 0, 0x0B]), bytes([4, 0, 0x41, 1, 0x0B]))
NAMES = section(
    0,
    text("name"),
    section(0, text("demo")),
    section(1, bytes([2, 0]), text("where"), bytes([2]), text("second")),
)
MODULE = HEAD + IMPORTS + CODE + NAMES


def test_functions_and_names() -> None:
    found = wasm_module(MODULE)
    assert found is not None
    assert (found.imported, found.count) == (1, 3)
    names = [found.function_name(number) for number in range(3)]
    assert names == ["demo.where", "demo.wasm-function[1]", "demo.second"]
    first, second = (MODULE[start:end] for start, end in found.bodies)
    assert (first, second) == (bytes([0, 0x0B]), bytes([0, 0x41, 1, 0x0B]))


def test_a_module_without_names() -> None:
    found = wasm_module(HEAD + IMPORTS + CODE)
    assert found is not None
    assert found.function_name(2) == "wasm-function[2]"


@pytest.mark.parametrize("data", [b"", b"\0asm", b"\0asm\2\0\0\0", HEAD + b"\x02"])
def test_what_is_no_module(data: bytes) -> None:
    assert wasm_module(data) is None


def test_damage_is_an_answer_or_none() -> None:
    """Whatever is changed, functions lie in the module."""
    chance = random.Random(5)
    for _ in range(CHANGES):
        changed = bytearray(MODULE)
        for _ in range(chance.choice((1, 2, 8))):
            changed[chance.randrange(8, len(changed))] = chance.getrandbits(8)
        found = wasm_module(bytes(changed))
        if found is not None:
            assert all(start <= end <= len(MODULE) for start, end in found.bodies)
            assert all(found.function_name(number) for number in range(min(found.count, 100)))
