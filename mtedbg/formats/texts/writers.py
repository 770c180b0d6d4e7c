"""Who writes crashes down: the table. The order decides where several know a line."""

from mtedbg.formats.texts import (
    allocators,
    apple,
    asan,
    bionic,
    box64,
    chromium,
    coredumpctl,
    debuggerd,
    fex,
    gdb,
    generic,
    glog,
    go,
    grapheneos,
    gwp_asan,
    handlers,
    hotspot,
    hwasan,
    interpreters,
    kasan,
    kernel,
    lldb,
    qemu,
    servers,
    sigchain,
    stackwalk,
    strace,
    trackers,
)
from mtedbg.formats.texts.draft import Writer

WRITERS = (
    kasan.WRITER,
    kernel.WRITER,
    hwasan.WRITER,
    asan.WRITER,
    gwp_asan.WRITER,
    strace.WRITER,
    box64.WRITER,
    qemu.WRITER,
    fex.WRITER,
    hotspot.WRITER,
    go.WRITER,
    gdb.WRITER,
    lldb.WRITER,
    apple.WRITER,
    grapheneos.WRITER,
    sigchain.WRITER,
    stackwalk.WRITER,
    coredumpctl.WRITER,
    trackers.WRITER,
    bionic.WRITER,
    debuggerd.WRITER,
    allocators.WRITER,
    chromium.WRITER,
    glog.WRITER,
    interpreters.WRITER,
    servers.WRITER,
    handlers.INVALID,
    handlers.PANIC,
    generic.WRITER,
)
"""`generic` is the last: what nobody else knows."""

_BY_MARK = tuple((mark, writer) for writer in WRITERS for mark in writer.marks)
_IN_LONG = tuple(
    (mark, writer)
    for mark, writer in _BY_MARK
    if writer is not generic.WRITER or mark in generic.SURE
)
MARKS_IN_LONG = tuple(dict.fromkeys(mark for mark, _ in _IN_LONG))
"""The same of a text that is too long for a word alone to count."""


def candidates(text: str, *, words: bool) -> tuple[Writer, ...]:
    """The writers by whose marks a crash of theirs may begin at a line, in the table's order.

    Args:
        text: of the line.
        words: whether a word alone counts.
    """
    pairs = _BY_MARK if words else _IN_LONG
    return tuple(dict.fromkeys(writer for mark, writer in pairs if mark in text))
