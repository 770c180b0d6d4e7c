"""jitdump files: code, moves, lines, unwinding; damaged and cut off ones."""

from __future__ import annotations

import random
import struct
import time
from itertools import accumulate

import pytest

from mtedbg.errors import FileFormatError
from mtedbg.formats.jitdump import JitDump
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSpan
from mtedbg.model.source import SourceLine

CODE = 0x7F0000001000
HEADER = struct.pack("<IIIIIIQQ", 0x4A695444, 1, 40, 183, 0, 77, 0, 0)


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<IIQ", kind, 16 + len(body), 0) + body


def load(start: int, name: bytes, index: int, code: bytes = bytes(0x40)) -> bytes:
    fixed = struct.pack("<IIQQQQ", 77, 77, start, start, len(code), index)
    return record(0, fixed + name + b"\0" + code)


def lines(start: int, *places: tuple[int, int, bytes]) -> bytes:
    body = struct.pack("<QQ", start, len(places))
    for at, line, file in places:
        body += struct.pack("<QII", at, line, 0) + file + b"\0"
    return record(2, body)


def moved(old: int, new: int, size: int, index: int) -> bytes:
    return record(1, struct.pack("<IIQQQQQ", 77, 77, new, old, new, size, index))


def unwinding(frames: bytes, header: bytes) -> bytes:
    sizes = struct.pack("<QQQ", len(frames) + len(header), len(header), 0)
    return record(4, sizes + frames + header)


PARTS = (
    HEADER,
    lines(CODE, (CODE, 3, b"a.js"), (CODE + 8, 5, b"\xff"), (CODE + 16, 1, b"b.js")),
    unwinding(b"frames!!", b"head"),
    load(CODE, b"f", 1, b"\x1f\x20\x03\xd5" * 16),
    load(CODE + 0x100, b"g", 2),
    moved(CODE, CODE + 0x1000, 0x40, 1),
)
WHOLE = b"".join(PARTS)
ENDS = frozenset(accumulate(map(len, PARTS)))


def test_code_its_name_and_its_line():
    dump = JitDump(WHOLE, "jit-77.dump")
    assert (len(dump), dump.pid) == (3, 77)
    found = dump.at(CODE + 12)
    assert found.symbol == CodeSpan(CODE, CODE + 0x40, "f")
    assert found.line == SourceLine("a.js", 5)
    assert dump.at(CODE + 16).line == SourceLine("b.js", 1)
    assert dump.at(CODE + 0x100).line == NOT_APPLICABLE
    assert dump.at(CODE + 0x40).block == NOT_APPLICABLE


def test_what_has_moved_is_at_its_new_place_too():
    found = JitDump(WHOLE, "it").at(CODE + 0x1008)
    assert found.symbol == CodeSpan(CODE + 0x1000, CODE + 0x1040, "f")
    assert found.line == SourceLine("a.js", 5)


def test_bytes_and_unwinding_of_a_piece():
    dump = JitDump(WHOLE, "it")
    one = dump.loaded_at(CODE)
    assert one is not None
    assert dump.code(one) == b"\x1f\x20\x03\xd5" * 16
    assert dump.unwinding(one) == (CODE + 0x40, b"frames!!")
    other = dump.loaded_at(CODE + 0x100)
    assert other is not None
    assert dump.unwinding(other) is None


def test_memory_that_was_used_again_is_the_newest_codes():
    dump = JitDump(WHOLE + load(CODE, b"new", 9), "it")
    assert dump.at(CODE).symbol == CodeSpan(CODE, CODE + 0x40, "new")


def test_pieces_that_share_many_lines_are_listed_quickly():
    places = [(CODE + 4 * number, number + 1, b"\xff") for number in range(1 << 14)]
    moves = [moved(CODE, CODE + 0x10000 * number, 0x40, 1) for number in range(1, 1 << 11)]
    data = HEADER + lines(CODE, *places) + load(CODE, b"f", 1) + b"".join(moves)
    began = time.process_time()
    listed = JitDump(data, "it").listed()
    assert time.process_time() - began < 2
    assert {one.line.line for one in listed.codes} == {1}
    assert len(listed.codes) == 1 << 11


@pytest.mark.parametrize("data", [b"", HEADER[:20], b"\0" * 40, HEADER[:4] + b"\2" + HEADER[5:]])
def test_what_is_no_jitdump_is_refused(data):
    with pytest.raises(FileFormatError):
        JitDump(data, "it")


def test_a_file_that_ends_early_says_so_and_keeps_what_it_has():
    for size in range(len(HEADER), len(WHOLE)):
        dump = JitDump(WHOLE[:size], "it")
        cut = Absent(Reason.UNKNOWN, "it ends within a record")
        assert dump.at(CODE).block in (NOT_APPLICABLE, cut, CodeSpan(CODE, CODE + 0x40))
        assert (dump.at(CODE - 4).block == cut) is (size not in ENDS)
    cut = JitDump(WHOLE[:-1], "it")
    assert cut.at(CODE).notes == ("from it", "it ends within a record")


@pytest.mark.parametrize("seed", range(200))
def test_random_changes_are_an_answer_or_a_refusal(seed):
    chance = random.Random(seed)
    data = bytearray(WHOLE)
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        dump = JitDump(bytes(data), "it")
    except FileFormatError:
        return
    for pc in (CODE, CODE + 12, CODE + 0x100, CODE + 0x1000):
        dump.at(pc)
        one = dump.loaded_at(pc)
        if one is not None:
            dump.code(one)
            dump.unwinding(one)
    dump.listed()
