"""The lab's kernel cores carry what the rest of the tests rely on. Read by pyelftools alone."""

import signal
import struct
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.cores import CASES, KernelCore

PT_AARCH64_MEMTAG_MTE = 0x70000002
NT_SIGINFO = 0x53494749
NT_ARM_TAGGED_ADDR_CTRL = 0x409
SEGV_MAPERR, SEGV_MTEAERR, SEGV_MTESERR = 1, 8, 9
ADDRESS_BITS = (1 << 56) - 1


def siginfo(core: Path) -> tuple[int, int, int]:
    """Signal number, code and address of the first thread's NT_SIGINFO."""
    with core.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_NOTE"):
            for offset, size, kind in notes(segment.data()):
                if kind == NT_SIGINFO:
                    assert size >= 24
                    number, _, code, address = struct.unpack_from("<iii4xQ", segment.data(), offset)
                    return number, code, address
    raise AssertionError("no NT_SIGINFO")


def notes(data: bytes) -> list[tuple[int, int, int]]:
    """Offset and size of each note's contents, and its type."""
    found, at = [], 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        start = at + 12 + (name_size + 3 & ~3)
        found.append((start, size, kind))
        at = start + (size + 3 & ~3)
    return found


def tag_segments(core: Path) -> list[tuple[int, int, bytes]]:
    """Start, size and packed tags of each tag segment."""
    with core.open("rb") as file:
        return [
            (s["p_vaddr"], s["p_memsz"], s.data())
            for s in ELFFile(file).iter_segments()
            if s["p_type"] == PT_AARCH64_MEMTAG_MTE
        ]


@pytest.mark.parametrize("name", CASES)
def test_every_case_dies_of_its_fault(kernel_cores: dict[str, KernelCore], name: str) -> None:
    case = kernel_cores[name]
    number, code, address = siginfo(case.core)
    assert case.result.signal == signal.SIGSEGV
    assert number == signal.SIGSEGV
    expected = {"abort": SEGV_MAPERR, "async": SEGV_MTEAERR}.get(name, SEGV_MTESERR)
    assert code == expected
    if name == "async":
        assert address == 0
    elif name == "straddle":
        assert address & ADDRESS_BITS in range(*straddled(case))
    else:
        assert address & ADDRESS_BITS == case.fact("pointer") & ADDRESS_BITS


def straddled(case: KernelCore) -> tuple[int, int]:
    start = case.fact("pointer") & ADDRESS_BITS
    return start, start + 8


@pytest.mark.parametrize("name", ["sync", "straddle", "async", "partial"])
def test_tags_are_those_the_program_read(kernel_cores: dict[str, KernelCore], name: str) -> None:
    case = kernel_cores[name]
    memory, expected = case.fact("memory"), case.facts["tags"]
    ((start, _, packed),) = [s for s in tag_segments(case.core) if s[0] <= memory < s[0] + s[1]]
    first = (memory - start) // 16
    nibbles = [nibble for byte in packed for nibble in (byte & 15, byte >> 4)]
    assert nibbles[first : first + len(expected)] == expected


def test_filtered_tags_have_a_segment_without_contents(
    kernel_cores: dict[str, KernelCore],
) -> None:
    case = kernel_cores["filtered"]
    sizes = {start: (size, len(data)) for start, size, data in tag_segments(case.core)}
    assert sizes[case.fact("memory")] == (8192, 0)


def test_every_thread_has_its_control_word(kernel_cores: dict[str, KernelCore]) -> None:
    with kernel_cores["threads"].core.open("rb") as file:
        (segment,) = ELFFile(file).iter_segments("PT_NOTE")
        data = segment.data()
    words = [
        struct.unpack_from("<Q", data, offset)[0]
        for offset, _, kind in notes(data)
        if kind == NT_ARM_TAGGED_ADDR_CTRL
    ]
    modes = sorted(word >> 1 & 3 for word in words)
    assert modes == [0, 1, 2, 3]
