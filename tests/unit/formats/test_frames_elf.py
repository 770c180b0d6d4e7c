"""The file by which LLDB leaves frames, read by mtedbg's own reader of call frame information."""

from __future__ import annotations

import random

import pytest

from mtedbg.decode.stack.cfi import Unwound, unwind
from mtedbg.formats import elf
from mtedbg.formats.dwarf.call_frames import FrameSection
from mtedbg.formats.dwarf.frame_rules import rules_at
from mtedbg.formats.frames_elf import UnwoundCode, UnwoundFrame, frames_elf
from mtedbg.model.absent import Absent, Reason
from tests.support.fake import FakeTarget

CODE, STACK = 0xFFFF_B2CA_9000, 0xFFFF_B3DD_0000


def sections(data: bytes) -> list[elf.Section]:
    """One for each code, then call frame information, names, symbols, names of sections."""
    return [*elf.sections(data, elf.file_header(data, "the file"))][1:]


def left(
    data: bytes, pc: int, registers: dict[str, int], memory: dict[int, bytes] | None = None
) -> Unwound | Absent:
    """What the rules for `pc` make of a frame's registers, and of memory."""
    frames = sections(data)[-4]

    def read(address: int, length: int) -> bytes | Absent:
        part = data[address : address + length]
        return part if len(part) == length else Absent(Reason.DAMAGED)

    entry = FrameSection(read, frames.offset, frames.size).search(pc)
    assert entry is not None
    rules = rules_at(entry, pc)
    return unwind(FakeTarget(memory=memory or {}), rules, registers)


@pytest.mark.parametrize("count", [1, 2, 7, 512])
def test_each_frame_is_left_as_it_was(count: int) -> None:
    chance = random.Random(count)
    frames = []
    for number in range(count):
        caller = {"sp": STACK + 32 * (number + 1), "pc": CODE + 4 * chance.randrange(64)}
        caller |= {name: chance.getrandbits(64) for name in ("x29", "x19")}
        frames.append(UnwoundFrame(STACK + 32 * number, caller))
    data = frames_elf([UnwoundCode(CODE, CODE + 256, "f", frames)])
    for frame in frames:
        found = left(data, CODE + 8, {"sp": frame.sp})
        assert isinstance(found, Unwound)
        assert found.cfa == frame.caller["sp"]
        assert found.return_address == frame.caller["pc"]
        told = {name: found.registers[name] for name in ("sp", "x19", "x29")}
        assert told == {name: frame.caller[name] for name in ("sp", "x19", "x29")}


def test_a_register_that_some_callers_have_is_told_of_none() -> None:
    """A table has no word for "not known", and a number would be believed."""
    callers = ({"sp": STACK + 32, "pc": CODE, "x19": 7}, {"sp": STACK + 64, "pc": CODE})
    frames = [UnwoundFrame(caller["sp"] - 32, caller) for caller in callers]
    found = left(frames_elf([UnwoundCode(CODE, CODE + 8, "f", frames)]), CODE, {"sp": STACK})
    assert isinstance(found, Unwound)
    assert "x19" not in found.registers


def test_a_frame_that_is_not_known_is_not_left() -> None:
    frame = UnwoundFrame(STACK, {"sp": STACK + 32, "pc": CODE})
    found = left(frames_elf([UnwoundCode(CODE, CODE + 8, "f", [frame])]), CODE, {"sp": STACK + 16})
    assert isinstance(found, Unwound)
    assert not found.cfa
    assert not found.return_address


def test_a_frame_of_another_stop_is_not_left() -> None:
    """Its return address is another one: the numbers were true of the frame that was there."""
    slot, back = STACK + 24, 0x12_0000_0000_0000 | CODE  # with an authentication code
    frames = [
        UnwoundFrame(STACK, {"sp": STACK + 32, "pc": CODE, "x29": 5}, (slot, back)),
        UnwoundFrame(STACK + 32, {"sp": STACK + 64, "pc": CODE + 4, "x29": 6}),
    ]
    data = frames_elf([UnwoundCode(CODE, CODE + 8, "f", frames)])
    for word, cfa in ((back, STACK + 32), (back + 4, 0)):
        memory = {slot: word.to_bytes(8, "little")}
        found = left(data, CODE, {"sp": STACK}, memory)
        assert isinstance(found, Unwound)
        assert found.cfa == cfa
        assert found.return_address == (CODE if cfa else 0)
        found = left(data, CODE, {"sp": STACK + 32}, memory)
        assert isinstance(found, Unwound)
        assert (found.cfa, found.return_address) == (STACK + 64, CODE + 4)


def test_code_has_sections_and_symbols_where_it_is() -> None:
    frame = UnwoundFrame(STACK, {"sp": STACK + 32, "pc": CODE})
    codes = [
        UnwoundCode(CODE, CODE + 0x40, "Main.inner(J)I [compilation 23]", [frame]),
        UnwoundCode(CODE + 0x100, CODE + 0x120, "call_stub", [frame]),
    ]
    data = frames_elf(codes)
    for number, code in enumerate(codes):
        found = sections(data)[number]
        assert (found.address, found.size) == (code.start, code.end - code.start)
    symbols, names = sections(data)[-2], sections(data)[-3]
    told = []
    for at in range(symbols.offset, symbols.offset + symbols.size, elf.SYMBOL.size):
        name, _, _, _, value, size = elf.SYMBOL.unpack_from(data, at)
        text = data[names.offset + name :].split(b"\0", 1)[0].decode()
        told.append((value, value + size, text))
    assert told[1:] == [(one.start, one.end, one.name) for one in codes]
