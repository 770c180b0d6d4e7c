"""Stack depths of real guest functions, against the unwind tables that the compiler can make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile

from mtedbg.dataclass import dataclass
from mtedbg.decode.stack.guest_stack import Depth, depths
from tests.support.compile import ROOT

GUESTS = ROOT / "native/guests"
# As the project's guests are compiled, but for the tables; and in two other ways.
COMMON = [
    *("gcc", "-std=c11", "-c", "-ffreestanding", "-fno-pic"),
    *("-fno-stack-protector", "-fcf-protection=none", "-fasynchronous-unwind-tables"),
]
# The inline assembly of two of them moves the stack pointer behind the compiler's back.
NAMES = sorted({path.stem for path in GUESTS.glob("*.c")} - {"arith", "badaddress"})
STYLES = {"O2": ["-O2"], "O0": ["-O0"], "frame-pointers": ["-O2", "-fno-omit-frame-pointer"]}
RBP, RSP = 6, 7
SLOT = 8

VARIABLE = """
void use(char *);
int variable(int n) { char room[n]; use(room); return room[0]; }
"""


@dataclass(frozen=True)
class Function:
    """A function's bytes, and rows of its unwind table: address, rule of the CFA, rbp's place."""

    begin: int
    code: bytes
    rows: list[tuple[int, int, int, int | None]]

    def row(self, address: int) -> tuple[int, int, int | None]:
        """Register and offset of the CFA, and where rbp is saved, before an instruction."""
        at = max((row for row in self.rows if row[0] <= address), key=lambda row: row[0])
        return at[1], at[2], at[3]


def functions(path: Path) -> Iterator[Function]:
    with path.open("rb") as file:
        elf = ELFFile(file)
        text = elf.get_section_by_name(".text")
        code, start = text.data(), text["sh_addr"]
        info = elf.get_dwarf_info()
        for entry in info.EH_CFI_entries():
            if not isinstance(entry, FDE):
                continue
            begin, size = entry["initial_location"], entry["address_range"]
            # A function that never moves the stack pointer has no row of its own.
            rows: list[tuple[int, int, int, int | None]] = [(begin, RSP, SLOT, None)]
            for row in entry.get_decoded().table:
                saved = row[RBP].arg if RBP in row else None
                rows.append((row["pc"], row["cfa"].reg, row["cfa"].offset, saved))
            yield Function(begin, code[begin - start :][:size], rows)


def compiled(source: Path, style: str, folder: Path) -> Path:
    output = folder / f"{source.stem}.o"
    # One function after another in .text, so that addresses in the tables are those of the file.
    command = [
        *COMMON,
        *STYLES[style],
        "-fno-reorder-functions",
        "-fno-reorder-blocks-and-partition",
    ]
    subprocess.run([*command, str(source), "-o", str(output)], check=True)
    linked = output.with_suffix(".elf")
    subprocess.run(
        ["ld", "--unresolved-symbols=ignore-all", "-e", "0", str(output),
         "-o", str(linked)],
        check=True,
    )  # fmt: skip
    return linked


def check(function: Function, found: Depth, address: int) -> bool:
    """Whether the depth is known; it must be right then."""
    register, offset, saved = function.row(address)
    depth = found.rsp if register == RSP else found.rbp
    if depth is None:
        return False
    assert depth + SLOT == offset, hex(address)
    if saved is not None and found.saved is not None:
        assert -found.saved - SLOT == saved, hex(address)
    if saved is None:
        assert found.saved is None or register == RSP, hex(address)
    return True


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_depths_are_those_of_the_unwind_table(name: str, style: str, tmp_path: Path) -> None:
    known = all_ = 0
    for function in functions(compiled(GUESTS / f"{name}.c", style, tmp_path)):
        for address, depth in depths(function.code, function.begin).items():
            if address < function.begin + len(function.code):
                all_ += 1
                known += check(function, depth, address)
    assert known > 0
    assert known == all_


def test_a_stack_of_variable_size_is_known_by_its_frame_pointer(tmp_path: Path) -> None:
    source = tmp_path / "variable.c"
    source.write_text(VARIABLE)
    (function,) = functions(compiled(source, "O2", tmp_path))
    found = depths(function.code, function.begin)
    by_frame = [at for at, depth in found.items() if depth.rsp is None]
    assert by_frame
    assert all(check(function, found[at], at) for at in by_frame)


def test_a_call_at_the_end_has_a_place_behind_it() -> None:
    # sub rsp, 8; call +0
    found = depths(bytes.fromhex("4883ec08 e800000000"), 0x1000)
    assert found[0x1009] == Depth(rsp=8)


@pytest.mark.parametrize("code", ["", "ff", "06 06 06", "eb fe", "e9 00 00 00 00", "5d 5d 5d 5d"])
def test_what_is_no_function_ends_where_it_does(code: str) -> None:
    found = depths(bytes.fromhex(code), 0x1000)
    assert found.get(0x1000, Depth()) == Depth()
    assert set(found) <= set(range(0x1000, 0x1006))
