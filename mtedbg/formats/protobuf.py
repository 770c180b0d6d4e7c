"""The wire format of protocol buffers: a message is fields, each a number, a kind and a value.

Source: protobuf.dev, "Encoding". Read here and not by a library: a file is hostile input, and this
way its counts and lengths are held against the file before anything is made of them.
"""

from __future__ import annotations

from mtedbg.dataclass import dataclass, field
from mtedbg.formats.buffer import Buffer

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 1 << 18
"""Of one message."""

_LONGEST_VARINT = 10
_WORD = (1 << 64) - 1
_FIXED = {FIXED64: 8, FIXED32: 4}
_NAME_LIMIT = 1 << 14


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `value` of a number; of what has a length, [start, end) in the file."""

    number: int
    kind: int
    value: int
    start: int
    end: int


@dataclass(slots=True)
class Message:
    """A message's fields, in the order of the file.

    Attributes:
        data: the file.
        fields: as far as they are sound.
        damaged_at: where what cannot be read begins; None where all was read.
    """

    data: Buffer
    fields: list[Field] = field(default_factory=list)
    damaged_at: int | None = None

    def all(self, number: int, kind: int = LENGTH) -> list[Field]:
        """The fields with this number and kind."""
        return [one for one in self.fields if one.number == number and one.kind == kind]

    def number(self, number: int) -> int:
        """The last value of a numeric field; 0, as protobuf has it, where there is none."""
        found = self.all(number, VARINT)
        return found[-1].value if found else 0

    def signed(self, number: int) -> int:
        """The same of an int32 or int64."""
        value = self.number(number)
        return value - (1 << 64) if value >> 63 else value

    def has(self, number: int) -> bool:
        """Whether there is such a field, of any kind."""
        return any(one.number == number for one in self.fields)

    def bytes(self, number: int, most: int = _NAME_LIMIT) -> bytes:
        """At most `most` bytes of the last such field."""
        found = self.all(number)
        if not found:
            return b""
        return self.data[found[-1].start : min(found[-1].end, found[-1].start + most)]

    def text(self, number: int) -> str:
        """The same as text."""
        return self.bytes(number).decode("utf-8", "replace")

    def texts(self, number: int, most: int) -> list[str]:
        """The first `most` texts in the field."""
        return [
            self.data[one.start : min(one.end, one.start + _NAME_LIMIT)].decode("utf-8", "replace")
            for one in self.all(number)[:most]
        ]

    def messages(self, number: int, most: int) -> list[Message]:
        """The first `most` messages in the field."""
        return [parse(self.data, one.start, one.end) for one in self.all(number)[:most]]

    def message(self, number: int) -> Message | None:
        """The last message in the field."""
        found = self.all(number)
        return parse(self.data, found[-1].start, found[-1].end) if found else None


def parse(data: Buffer, start: int, end: int) -> Message:
    """The message in [start, end), which lies in `data`, up to the first field that is damaged."""
    message = Message(data)
    at = start
    while at < end:
        if len(message.fields) == MOST_FIELDS or (found := _field(data, at, end)) is None:
            message.damaged_at = at
            break
        message.fields.append(found)
        at = found.end
    return message


def _field(data: Buffer, at: int, end: int) -> Field | None:
    key = _varint(data, at, end)
    if key is None:
        return None
    number, kind, start = key[0] >> 3, key[0] & 7, key[1]
    if number == 0:
        return None
    if kind == VARINT:
        value = _varint(data, start, end)
        return None if value is None else Field(number, kind, value[0], start, value[1])
    if kind == LENGTH:
        length = _varint(data, start, end)
        if length is None or length[0] > end - length[1]:
            return None
        return Field(number, kind, 0, length[1], length[1] + length[0])
    size = _FIXED.get(kind)
    if size is None or size > end - start:
        return None
    value = int.from_bytes(data[start : start + size], "little"), start + size
    return Field(number, kind, value[0], start, value[1])


def _varint(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    """Value and end of the number at `at`."""
    value = 0
    for index in range(min(_LONGEST_VARINT, end - at)):
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & _WORD, at + index + 1
    return None
