"""Whatever the bytes of a runtime are: an answer or one line, soon, and never a traceback."""

from __future__ import annotations

import struct
import time
import zlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.errors import MtedbgError
from mtedbg.session import Session
from tests.support.runtime_image import BASE, Image, image

LINES = [
    *("guest-frame --all-threads", "memop", "memop 2", "memop 4000000000", "memop-log"),
    *("jit-block $pc", "jit-block 0x7e0000000480", "jit-block 0x7e00000001a0", "jit-blocks"),
    *("jit-blocks --function sum", "mte-fault", "memops", "memops --sort flips -n 3"),
    *("memop-verify", "jit-segments", "jit-disas $pc", "jit-disas 2 -n 100", "jit-audit"),
    *("guest-bt --all-threads",),
]
SECONDS = 10.0
"""For all lines together; they take some 0.02 on a machine that does nothing else."""

_NUMBERS = st.one_of(
    st.sampled_from([0, 1, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1, BASE, BASE + 8]),
    st.integers(0, (1 << 64) - 1),
)


@st.composite
def damage(draw: st.DrawFn) -> Image:
    """The image with some numbers changed, and the checksums over them perhaps made right."""
    made = image(form=draw(st.sampled_from(["tables", "slots"])))
    for _ in range(draw(st.integers(1, 4))):
        width = draw(st.sampled_from([1, 4, 8]))
        at = draw(st.integers(0, len(made.data) // width - 1)) * width
        value = draw(_NUMBERS) & ((1 << (8 * width)) - 1)
        made = made.with_word(BASE + at, value, width)
    return repaired(made) if draw(st.booleans()) else made


def repaired(made: Image) -> Image:
    """The image as one who means harm would leave it: every checksum is right."""
    schema = made.places["schema"] - BASE
    length = int.from_bytes(image().data[20:24], "little")
    for name in ("code-map", "functions"):
        if f"{name}.first" in made.places:
            made = with_right_slots(made, name)
    for name, place in made.places.items():
        if ".buffer" in name:
            header = made.data[place - BASE : place - BASE + 24]
            size = int.from_bytes(header[8:12], "little") * int.from_bytes(header[16:20], "little")
            records = made.data[place - BASE + 24 : place - BASE + 24 + min(size, 1 << 20)]
            made = made.with_word(place + 20, zlib.crc32(records), 4)
    return made.with_root(52, zlib.crc32(made.data[schema : schema + length]))


def with_right_slots(made: Image, name: str) -> Image:
    """The image with right checksums of a directory's first entry and of its slots."""
    at = made.places[name] - BASE
    per_chunk, stride = struct.unpack_from("<II", made.data, at + 24)
    places = [(made.places[f"{name}.chunks"], 24)]
    size = min(stride, 1 << 10)
    first = made.places[f"{name}.first"]
    places += [(first + n * (16 + 2 * size), size) for n in range(min(per_chunk, 4))]
    for place, width in places:
        (generation,) = struct.unpack_from("<Q", made.data, place - BASE)
        for number in {generation, max(generation - 1, 0)}:
            copy = place - BASE + 16 + (number & 1) * width
            bytes_ = struct.pack("<Q", number) + made.data[copy : copy + width]
            made = made.with_word(place + 8 + 4 * (number & 1), zlib.crc32(bytes_), 4)
    return made


def run_all(session: Session) -> None:
    for line in LINES:
        name, _, rest = line.partition(" ")
        command = find(name)
        assert command is not None
        try:
            lines = execute(session, command, rest).split("\n")
        except MtedbgError as error:
            lines = [error.message]
        assert all(text.isprintable() for text in lines)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damage())
def test_damaged_memory_never_surprises(made: Image) -> None:
    before = time.process_time()
    run_all(made.session())
    assert time.process_time() - before < SECONDS


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=24)), max_size=6))
def test_a_schema_that_lies_never_surprises(changes: list[tuple[int, bytes]]) -> None:
    made = image()
    start, length = made.places["schema"], int.from_bytes(made.data[20:24], "little")
    for at, data in changes:
        at %= length - len(data)
        made = made.with_bytes(start + at, data)
    run_all(repaired(made).session())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 15), st.booleans())
def test_memory_that_ends_early_never_surprises(length: int, symbols: bool) -> None:
    made = image()
    target = made.target(symbols=symbols)
    target.memory = {BASE: made.data[:length]}
    run_all(Session(target))
