"""Writes the "newc" cpio archives that the Linux kernel takes as an initramfs.

Format: kernel document Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import stat

from mtedbg.dataclass import dataclass


@dataclass(frozen=True)
class Entry:
    """One file, folder or symbolic link of an archive.

    Args:
        path: without a leading slash; its folders come before it.
        mode: type and permissions, as in `st_mode`.
        data: contents, or the target of a link.
        device: major and minor number of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str) -> Entry:
    """An empty folder."""
    return Entry(path, stat.S_IFDIR | 0o755)


def program(path: str, data: bytes) -> Entry:
    """An executable file."""
    return Entry(path, stat.S_IFREG | 0o755, data)


def link(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def archive(entries: list[Entry]) -> bytes:
    """All entries and the trailer, uncompressed. Same entries, same bytes."""
    trailer = Entry("TRAILER!!!", 0)
    return b"".join(_encode(e, i + 1) for i, e in enumerate([*entries, trailer]))


def _encode(entry: Entry, inode: int) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = [
        inode,
        entry.mode,
        0,  # owner
        0,  # group
        1,  # links
        0,  # time
        len(entry.data),
        0,
        0,
        *entry.device,
        len(name),
        0,  # no checksum in this variant
    ]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return _pad(head) + _pad(entry.data)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
