"""Frames between the host and the VM's init, and the archive the VM starts from."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.errors import LabError
from mtedbg.lab import cpio, protocol

KINDS = st.sampled_from(sorted(protocol.FROM_VM))


@given(
    frames=st.lists(st.tuples(KINDS, st.binary(max_size=40)), max_size=8),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_frames_survive_any_cutting(frames: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(protocol.frame(kind, payload) for kind, payload in frames)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    splitter = protocol.Splitter()
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert [frame for piece in pieces for frame in splitter.feed(piece)] == frames


@pytest.mark.parametrize("data", [b"?\0\0\0\0", b"X\xff\xff\xff\xff"])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(LabError, match="an invalid frame"):
        list(protocol.Splitter().feed(data))


def test_a_payload_has_a_limit() -> None:
    protocol.frame(protocol.JOB, bytes(protocol.MAX_PAYLOAD))
    with pytest.raises(LabError, match="4 MiB"):
        protocol.frame(protocol.JOB, bytes(protocol.MAX_PAYLOAD + 1))


def test_words_end_in_zero() -> None:
    assert protocol.words(b"a", b"", b"c") == b"a\0\0c\0"
    with pytest.raises(LabError, match="zero byte"):
        protocol.words(b"a\0b")


def read_archive(data: bytes) -> list[tuple[str, int, bytes]]:
    """Name, mode and contents of each entry, by the format's description."""
    found, at = [], 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        start = at + 110
        name = data[start : start + name_size - 1].decode()
        body = (start + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found.append((name, mode, data[body : body + size]))
        at = (body + size + 3) // 4 * 4


@given(contents=st.lists(st.binary(max_size=9), max_size=5))
def test_an_archive_holds_what_was_put_in(contents: list[bytes]) -> None:
    entries = [cpio.folder("d")]
    entries += [cpio.program(f"d/{'n' * i}", data) for i, data in enumerate(contents, 1)]
    entries += [cpio.link("l", "d/n")]
    read = read_archive(cpio.archive(entries))
    assert read == [(e.path, e.mode, e.data) for e in entries]
    assert read[0][1] == 0o040755
    assert read[-1][1:] == (0o120777, b"d/n")
