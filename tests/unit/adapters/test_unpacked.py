"""Compressed cores answer as the core itself does; what is cut off is said."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from mtedbg.adapters import unpacked
from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.unpacked import unpack
from mtedbg.errors import FileFormatError
from tests.golden.cases import CORES

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.fixture(scope="module")
def plain() -> bytes:
    return gzip.decompress((CORES / "sync.core.gz").read_bytes())


@pytest.mark.parametrize("how", PACKERS)
def test_answers_as_the_core_itself(how: str, plain: bytes, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(plain)
    (tmp_path / "packed").write_bytes(PACKERS[how](plain))
    one, other = CoreTarget(tmp_path / "plain"), CoreTarget(tmp_path / "packed")
    assert other.regions() == one.regions()
    regions = one.regions()
    assert isinstance(regions, list)
    assert regions
    for region in regions:
        length = region.end - region.start
        assert other.read_memory(region.start, length) == one.read_memory(region.start, length)
        assert other.read_tags(region.start, region.end) == one.read_tags(region.start, region.end)
    assert other.remarks == one.remarks


@pytest.mark.parametrize("how", PACKERS)
def test_several_streams_are_one_file(how: str, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(PACKERS[how](b"one") + PACKERS[how](b"two"))
    assert unpack(str(path), how, [])[:] == b"onetwo"


@pytest.mark.parametrize("how", ["gzip", "xz", "bzip2"])
def test_a_file_that_is_cut_off(how: str, plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    # What no compressor makes smaller comes out again from the part that is there.
    path.write_bytes(PACKERS[how](plain + os.urandom(1 << 20))[: -(1 << 16)])
    remarks: list[str] = []
    got = unpack(str(path), how, remarks)[:]
    assert got[: len(plain)] == plain
    assert [line.replace(str(path), "FILE").partition(":")[0] for line in remarks] == [
        f"FILE is cut off or damaged {how} data"
    ]


def with_window(data: bytes, window: int) -> bytes:
    """An xz file whose first block's header has this code for the size of its window.

    The header: its size, flags, filter 0x21 with one byte, and a CRC-32 (xz's file format, 3.1).
    """
    changed = bytearray(data)
    end = 12 + (changed[12] + 1) * 4
    place = changed.index(b"\x21\x01", 12, end)
    changed[place + 2] = window
    changed[end - 4 : end] = zlib.crc32(changed[12 : end - 4]).to_bytes(4, "little")
    return bytes(changed)


def test_a_window_of_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(with_window(lzma.compress(b"small"), 40))  # 4 GiB - 1
    remarks: list[str] = []
    with pytest.raises(FileFormatError, match="is damaged xz data"):
        unpack(str(path), "xz", remarks)
    assert "Memory usage limit" in remarks[0]
    path.write_bytes(with_window(lzma.compress(b"small"), 28))  # 64 MiB, as of xz -9
    assert unpack(str(path), "xz", [])[:] == b"small"


def test_zeros_between_streams(tmp_path: Path) -> None:
    """xz's file format, 2.2: stream padding."""
    path = tmp_path / "packed"
    one, other = lzma.compress(b"one"), lzma.compress(b"other")
    for padding in (4, 1 << 20):
        path.write_bytes(one + bytes(padding) + other + bytes(padding))
        assert unpack(str(path), "xz", [])[:] == b"oneother"


def test_zeros_take_no_room(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(b"first" + bytes(64 << 20) + b"last"))
    data = unpack(str(path), "gzip", [])
    assert len(data) == (64 << 20) + 9
    assert (data[:5], data[-4:]) == (b"first", b"last")
    assert not any(data[5:-4])


def test_a_small_file_that_unpacks_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unpacked, "MOST", 1 << 20)
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(bytes((1 << 20) + 1)))
    with pytest.raises(FileFormatError, match="unpacks to more than 1 MiB"):
        unpack(str(path), "gzip", [])


HEADER = b"\x1f\x8b\x08"
NAMED, COMMENTED = 1 << 3, 1 << 4


@pytest.mark.parametrize("flags", [NAMED, COMMENTED, NAMED | COMMENTED])
def test_a_gzip_header_without_an_end_takes_no_time(flags: int, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(HEADER + bytes((flags, 0, 0, 0, 0, 0, 2)) + b"a" * (1 << 25))
    begin = time.process_time()
    assert unpacked.first_bytes(str(path), "gzip", 512) == b""
    assert time.process_time() - begin < 1


def test_a_gzip_file_with_a_name_and_zeros_behind_it(plain: bytes, tmp_path: Path) -> None:
    whole = io.BytesIO()
    for part in (plain[:1000], plain[1000:]):
        with gzip.GzipFile("a name", "wb", fileobj=whole) as file:
            file.write(part)
        whole.write(bytes(20_000))
    path = tmp_path / "packed"
    path.write_bytes(whole.getvalue())
    remarks: list[str] = []
    assert unpack(str(path), "gzip", remarks)[:] == plain
    assert remarks == []


@pytest.mark.parametrize(
    ("cut", "behind"), [(1, b""), (7, b""), (8, b""), (0, b"rubbish"), (8, b"\xff" * 8)]
)
def test_a_gzip_file_whose_end_is_wrong(
    cut: int, behind: bytes, plain: bytes, tmp_path: Path
) -> None:
    packed = gzip.compress(plain)
    path = tmp_path / "packed"
    path.write_bytes(packed[: len(packed) - cut] + behind)
    remarks: list[str] = []
    got = unpack(str(path), "gzip", remarks)[:]
    assert plain.startswith(got)
    assert len(got) > len(plain) // 2
    assert "is cut off or damaged gzip data" in remarks[0]
