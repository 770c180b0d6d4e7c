"""Variables on the stack, of functions that the cross compiler has compiled."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mtedbg.decode.demangle import demangled
from mtedbg.errors import FileFormatError
from mtedbg.formats.dwarf.debug_info import DebugInfo
from mtedbg.formats.dwarf.variables import FRAME_BASE, StackVariables
from mtedbg.formats.elf import file_header
from mtedbg.formats.elf_symbols import from_sections

SOURCE = """
struct pair { long a, b; };
typedef char name_t[12];
void use(void *, ...);
void many(int n) {
  char one[40];
  struct pair pairs[3][2];
  name_t name;
  const int *pointer;
  char varying[n];
  use(one, pairs, name, &pointer, varying);
  {
    short inner[5];
    use(inner);
  }
  for (int i = 0; i < n; i++) {
    long other;
    use(&other, &i);
  }
}
"""
SIZES = {"one": 40, "pairs": 96, "name": 12, "pointer": 8, "inner": 10, "other": 8, "i": 4}


@pytest.fixture(scope="module", params=[4, 5])
def program(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("variables")
    source = folder / "many.c"
    source.write_text(SOURCE)
    command = ["aarch64-linux-gnu-gcc", f"-gdwarf-{request.param}", "-O0", "-c", str(source)]
    unit = folder / "many.o"
    subprocess.run([*command, "-o", str(unit)], check=True)
    linked = folder / "many"
    link = ["aarch64-linux-gnu-ld", "--unresolved-symbols=ignore-all", "-e", "many", str(unit)]
    subprocess.run([*link, "-o", str(linked)], check=True)
    return linked


def variables(program: Path) -> tuple[StackVariables, int]:
    data = program.read_bytes()
    info = DebugInfo(data, "many", demangled)
    table = from_sections(data, file_header(data, "many"), 0)
    assert table is not None
    found = table.definition("many")
    assert found is not None
    known = info.variables_at(found[0] + 8)
    assert known is not None
    assert info.remarks == []
    return known, found[0]


def test_names_sizes_and_places(program):
    known, _ = variables(program)
    assert known.function == "many"
    assert known.base == FRAME_BASE
    sizes = {one.name: one.size for one in known.variables}
    assert {name: sizes[name] for name in SIZES} == SIZES
    spans = sorted((one.offset, one.size) for one in known.variables if one.name in SIZES)
    assert all(offset < 0 for offset, _ in spans)
    inside = {one.name for one in known.variables if one.scope}
    assert inside == {"inner", "other", "i"}
    files = {known.files[one.file].rpartition("/")[2] for one in known.variables}
    assert files == {"many.c"}
    assert next(one.line for one in known.variables if one.name == "one") == 6
    assert all(one.tag_offset is None for one in known.variables)


def test_an_array_of_variable_length_has_no_size_and_is_no_place(program):
    known, _ = variables(program)
    assert all(one.size == 0 for one in known.variables if one.name == "varying")


def test_scopes_hold_their_addresses(program):
    known, start = variables(program)
    inner = next(one for one in known.variables if one.name == "inner")
    assert not inner.in_scope(start)
    assert inner.in_scope(inner.scope[0][0])
    assert next(one for one in known.variables if one.name == "one").in_scope(start)


def test_damaged_information_raises_nothing_else(program):
    whole = program.read_bytes()
    _, start = variables(program)
    at = whole.find(b"varying")
    refused = 0
    for step in range(0, 4000, 7):
        data = bytearray(whole)
        data[(at + step * 13) % len(data)] ^= 0xFF
        try:
            info = DebugInfo(bytes(data), "many", demangled)
        except FileFormatError:
            refused += 1
            continue
        info.variables_at(start + 8)
    assert refused < 100
