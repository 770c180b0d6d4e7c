"""wasmtime's map from code to its module: which instruction of wasm is an offset of the code of?

Two forms are known. In the older one, a count is followed by as many offsets in the code, in order,
and as many positions in the module, all of four bytes. In that of wasmtime 50, the number of
entries is followed by that of pieces of 128 entries; of each piece the first offset in the code and
where its entries are; then the entries: the distance from the entry before, twice, with bit 0 set
where there is no position, else the distance from the position before. In each piece positions
count from 0.

Source: wasmtime, `crates/environ/src/address_map.rs`, for the older form; the newer one as found in
memory, against the positions that wasmtime itself gave to 60 traps of as many functions.
"""

from __future__ import annotations

import struct

from mtedbg.decode.jits.words import HoleError, Words, at_most, damaged
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason

PLACES = ".wasmtime.addrmap"
"""The section that has it."""

_PIECE = 128
_LONGEST_ENTRY = 20
_NOWHERE = 0xFFFF_FFFF


def position_at(words: Words, address: int, size: int, offset: int) -> int | Absent:
    """The position in the module of the code at an offset.

    Args:
        words: memory that has the section.
        address: where it is.
        size: its bytes.
        offset: from the beginning of all code.

    Returns:
        Does not apply where the code came from no instruction; absent where the form is not known.

    Raises:
        HoleError: it is not there, or damaged.
    """
    if size < 8:
        return NOT_APPLICABLE
    count, pieces = struct.unpack("<2I", words.bytes(address, 8))
    if size == 4 + 8 * count:
        return _in_table(words, address + 4, count, offset)
    if pieces == -(-count // _PIECE) and 8 + 8 * pieces + count <= size:
        return _in_pieces(words, address + 8, size - 8, pieces, offset)
    return Absent(Reason.UNKNOWN, "this version's map from code to the module")


def _in_table(words: Words, offsets: int, count: int, offset: int) -> int | Absent:
    known = at_most(count, lambda number: words.number(offsets + 4 * number), offset)
    if not known:
        return NOT_APPLICABLE
    found = words.number(offsets + 4 * (count + known - 1))
    return NOT_APPLICABLE if found == _NOWHERE else found


def _in_pieces(words: Words, directory: int, size: int, pieces: int, offset: int) -> int | Absent:
    known = at_most(pieces, lambda number: words.number(directory + 8 * number), offset)
    if not known:
        return NOT_APPLICABLE
    code, start = struct.unpack("<2I", words.bytes(directory + 8 * (known - 1), 8))
    entries = size - 8 * pieces
    end = words.number(directory + 8 * known + 4) if known < pieces else entries
    if not start <= end <= min(entries, start + _PIECE * _LONGEST_ENTRY):
        raise damaged(f"a piece of the map from code to the module, {start} to {end}")
    cursor = Cursor(words.bytes(directory + 8 * pieces + start, end - start))
    position = 0
    result: int | Absent = NOT_APPLICABLE
    try:
        while cursor.at < cursor.end:
            word = cursor.uleb()
            code += word >> 1
            if code > offset:
                break
            if word & 1:
                result = NOT_APPLICABLE
            else:
                position += cursor.sleb()
                result = position
    except DamagedError as error:
        raise HoleError(Absent(Reason.DAMAGED, error.message)) from None
    return result
