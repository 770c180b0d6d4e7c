"""`set mtedbg …`."""

import gdb

INFERIOR_READS = "mtedbg inferior-reads"


class _Group(gdb.Command):  # type: ignore[misc]
    """Settings of mtedbg."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"{verb} mtedbg", gdb.COMMAND_DATA, prefix=True)


class _InferiorReads(gdb.Parameter):  # type: ignore[misc]
    """Reads memory tags by running LDG in the program, where there is no other way.

    Some servers give no memory tags: QEMU's stub before 9.1, stubs of machines. With this on, LDG
    is written over the program's start-up code, which has long run, and called once for each
    granule; then code and registers are put back. It is refused on a signal and with several
    threads, where that could not be undone. Memory that is not tagged reads as 0.
    """

    set_doc = "Set whether the program may be made to run LDG where its tags cannot be had."
    show_doc = "Show whether the program may be made to run LDG where its tags cannot be had."

    def __init__(self) -> None:
        super().__init__(INFERIOR_READS, gdb.COMMAND_DATA, gdb.PARAM_BOOLEAN)
        self.value = False


def install() -> None:
    """Registers the settings, unless they are there."""
    try:
        gdb.parameter(INFERIOR_READS)
    except RuntimeError:
        _Group("set")
        _Group("show")
        _InferiorReads()
