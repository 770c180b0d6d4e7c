"""Names that an image exports, through its hash table."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mtedbg.formats import elf
from mtedbg.formats.elf_symbols import SymbolTable, from_sections
from tests.support.compile import BUILT, digest_of, link_once

NAMES = [f"name_{number}" for number in range(300)]
SOURCE = "".join(f"int {name} = {number};\n" for number, name in enumerate(NAMES))
LOCAL = 'static int hidden __attribute__((used)) = 5;\n__asm__(".globl bare\\nbare:");\n'
CHANGES = 200


@pytest.fixture(scope="module")
def image() -> bytes:
    """A library with many variables, a local one, and a name without a size."""
    BUILT.mkdir(parents=True, exist_ok=True)
    source = BUILT / f"hashed-{digest_of([Path(__file__)], [])}.c"
    source.write_text(SOURCE + LOCAL)
    library = source.with_suffix(".so")
    link_once(
        library,
        ["aarch64-linux-gnu-gcc", "-shared", "-fPIC", "-w", "-Wl,--hash-style=gnu", str(source)],
    )
    return library.read_bytes()


def table_of(image: bytes, exported: bool = True) -> SymbolTable:
    found = from_sections(image, elf.file_header(image, "hashed"), 0x1000)
    assert found is not None
    assert found._exported is not None
    if not exported:
        found._exported = None
    return found


def test_names_are_those_that_a_search_finds(image: bytes) -> None:
    quick, slow = table_of(image), table_of(image, exported=False)
    for name in [*NAMES, "hidden", "bare", "nothing", "name_", ""]:
        assert quick.definition(name) == slow.definition(name), name
    assert quick.definition("name_299") is not None
    assert quick.definition("hidden") is not None


def test_exported_names_need_no_search(image: bytes) -> None:
    """Without the names of all symbols, those that are exported are found all the same."""
    table = table_of(image)
    table._strings = b""
    assert all(table.definition(name) for name in NAMES)
    assert table.definition("hidden") is None


def test_damage_is_an_answer_of_the_search(image: bytes) -> None:
    """Of a damaged hash table a name is found by the search, or is not the wrong symbol's."""
    right = {name: table_of(image).definition(name) for name in NAMES[:20]}
    header = elf.file_header(image, "hashed")
    (section,) = (one for one in elf.sections(image, header) if one.type == 0x6FFFFFF6)
    chance = random.Random(4)
    for _ in range(CHANGES):
        changed = bytearray(image)
        at = section.offset + chance.randrange(section.size - 4)
        changed[at : at + 4] = chance.getrandbits(32).to_bytes(4, "little")
        table = table_of(bytes(changed))
        for name, place in right.items():
            assert table.definition(name) == place
