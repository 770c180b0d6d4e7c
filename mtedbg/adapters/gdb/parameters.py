"""`set mtedbg …`."""

import gdb

from mtedbg.budget import MOST_FACTOR

INFERIOR_READS = "mtedbg inferior-reads"
PATIENCE = "mtedbg patience"
BUDGET = "mtedbg budget"


class _Group(gdb.Command):  # type: ignore[misc]
    """Settings of mtedbg."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"{verb} mtedbg", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """All of them: GDB 13 does not show the settings of a prefix by itself; GDB calls this."""
        if argument:
            raise gdb.GdbError(f"mtedbg has no setting {argument!r}; see `show mtedbg`")
        for name in (BUDGET, INFERIOR_READS, PATIENCE):
            gdb.write(f"{name}: {_text(gdb.parameter(name))}\n")


def _text(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


class _Patience(gdb.Parameter):  # type: ignore[misc]
    """How long mte-regions and mte-find read a live process without --all, in seconds.

    A server may give a tag a packet, and a mapping may have millions. What there was no time for
    is said.
    """

    set_doc = "Set the time limit, in seconds, for reading a live process without --all."
    show_doc = "Show the time limit, in seconds, for reading a live process without --all."

    def __init__(self) -> None:
        super().__init__(PATIENCE, gdb.COMMAND_DATA, gdb.PARAM_ZUINTEGER)
        self.value = 2


class _Budget(gdb.Parameter):  # type: ignore[misc]
    """How many times as much as usual a command may read of a core and compute.

    What a stranger's small file speaks of can be large: what was not read for that is said.
    """

    set_doc = "Set how many times as much as usual a command may read of a core."
    show_doc = "Show how many times as much as usual a command may read of a core."

    def __init__(self) -> None:
        super().__init__(BUDGET, gdb.COMMAND_DATA, gdb.PARAM_ZUINTEGER)
        self.value = self._before = 1

    def get_set_string(self) -> str:
        """Refuses what is no budget; GDB calls this."""
        if not 0 < self.value <= MOST_FACTOR:
            self.value = self._before
            raise gdb.GdbError(f"the budget is 1 to {MOST_FACTOR} times the usual one")
        self._before = self.value
        return ""


class _InferiorReads(gdb.Parameter):  # type: ignore[misc]
    """Reads memory tags by running LDG in the program, where there is no other or quick way.

    Some servers give no memory tags: QEMU's stub before 9.1, stubs of machines. QEMU's stub gives
    one a packet, which is slow for many. With this on, a loop with LDG is written over the
    program's start-up code, which has long run, and called; then code, registers and the memory
    that it used below the stack are put back. It is refused on a signal and with several threads,
    where that could not be undone. Memory that is not tagged may read as 0.
    """

    set_doc = "Set whether mtedbg may run LDG in the program to read its memory tags."
    show_doc = "Show whether mtedbg may run LDG in the program to read its memory tags."

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
        _Patience()
        _Budget()
