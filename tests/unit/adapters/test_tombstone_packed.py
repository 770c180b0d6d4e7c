"""Compressed tombstones say what the tombstone itself does; what is cut off is said."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest

from mtedbg.adapters.dead import open_dead
from mtedbg.adapters.tombstone.target import MOST_BYTES, TombstoneTarget
from mtedbg.errors import FileFormatError
from tests.support.tombstones import part
from tests.unit.adapters.test_tombstone import HEAP, small, write
from tests.unit.adapters.test_unpacked import PACKERS


@pytest.mark.parametrize("how", PACKERS)
def test_compressed_ones_say_the_same(how: str, tmp_path: Path) -> None:
    plain = write(tmp_path, small().build())
    packed = tmp_path / "packed"
    packed.write_bytes(PACKERS[how](small().build()))
    one, other = open_dead(plain), open_dead(str(packed))
    assert isinstance(other, TombstoneTarget)
    assert other.info() == one.info()
    assert other.threads() == one.threads()
    assert other.read_memory(HEAP, 256) == one.read_memory(HEAP, 256)
    assert other.read_tags(HEAP, HEAP + 256) == one.read_tags(HEAP, HEAP + 256)
    assert other.remarks == ()


def test_one_that_is_cut_off(tmp_path: Path) -> None:
    unknown = part(99, Random(1).randbytes(1 << 16))
    path = write(tmp_path, gzip.compress(small().build() + unknown)[: -(1 << 15)])
    found = open_dead(path)
    assert isinstance(found, TombstoneTarget)
    assert "is cut off or damaged gzip data" in found.remarks[0]
    assert found.info().pid == 1


@pytest.mark.parametrize("how", PACKERS)
@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b"*** *** *** ***\nBuild fingerprint", "does not say why"),
        (b"nothing", "does not say why"),
        (b"", "is damaged .* data"),
    ],
)
def test_what_is_none(how: str, contents: bytes, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, PACKERS[how](contents))
    with pytest.raises(FileFormatError, match=said):
        open_dead(path)


def test_a_small_file_that_unpacks_to_much(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(small().build() + bytes(MOST_BYTES)))
    with pytest.raises(FileFormatError, match="unpacks to more than 32 MiB"):
        open_dead(path)
