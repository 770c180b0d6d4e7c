"""Which GDB is used."""

from __future__ import annotations

from pathlib import Path

from mtedbg.errors import ToolMissingError
from mtedbg.lab.requirements import GDB_MINIMUM, find_gdb, version_of


def which_gdb(given: str | None) -> Path:
    """The GDB to use: the one that a user names, else the best of this machine.

    Raises:
        ToolMissingError: there is none, it does not run, or it is too old.
    """
    if given is None:
        found = find_gdb()
        if found is None:
            raise ToolMissingError("no GDB with AArch64 support was found", "run: mtedbg doctor")
        return found
    version = version_of(given)
    if version is None:
        raise ToolMissingError(f"{given} is not a GDB that runs", "see `mtedbg doctor`")
    if version < GDB_MINIMUM:
        words = (".".join(map(str, numbers)) for numbers in (version, GDB_MINIMUM))
        raise ToolMissingError(
            "{} is version {}; a GDB of {} or newer is needed".format(given, *words),
            "see `mtedbg doctor`",
        )
    return Path(given)
