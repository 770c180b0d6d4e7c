"""A guest program's file: its code, where that is in the file, and where functions begin."""

import struct
import zlib

from mtedbg.dataclass import dataclass
from mtedbg.model.profile import ModuleIdentity


@dataclass(frozen=True, slots=True)
class CodeSegment:
    """An executable segment.

    Attributes:
        address: guest address of its first byte.
        offset: of that byte in the file.
        code: its bytes, those that are in the file.
    """

    address: int
    offset: int
    code: bytes

    @property
    def end(self) -> int:
        """One past its last byte in the file."""
        return self.address + len(self.code)


@dataclass(frozen=True, slots=True)
class GuestImage:
    """A guest program.

    Attributes:
        segments: its code.
        functions: where functions begin, sorted; empty where it is stripped.
        build_id: of its GNU note, in hexadecimal; empty where it has none.
        is_movable: whether it is a library or a position-independent program.
    """

    segments: tuple[CodeSegment, ...]
    functions: tuple[int, ...] = ()
    build_id: str = ""
    is_movable: bool = False

    @property
    def identity(self) -> ModuleIdentity:
        """Which build it is."""
        return ModuleIdentity(self.digest, self.build_id)

    @property
    def digest(self) -> int:
        """Of its code, as profiles name it: `digest_of` in native/src/run/program.cc.

        CRC-32 in the low half, length in the high one, of all executable segments, each after
        its address.
        """
        sum_, length = 0, 0
        for segment in self.segments:
            sum_ = zlib.crc32(segment.code, zlib.crc32(struct.pack("<Q", segment.address), sum_))
            length += 8 + len(segment.code)
        return (length << 32 | sum_) & (1 << 64) - 1

    def segment_at(self, address: int) -> CodeSegment | None:
        """The segment whose bytes hold `address`."""
        return next((one for one in self.segments if one.address <= address < one.end), None)
