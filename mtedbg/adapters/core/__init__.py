"""ELF core files of AArch64 Linux as a target: what `mtedbg core` reads, without any debugger.

Everything here is read with `struct` from a mapping of the file, bounds first: the file is hostile
input, may be cut off anywhere and may be many gigabytes of holes. A general ELF library builds
objects for every header and follows counts that it does not check, and costs more to import than
a small core costs to read.
"""

from mtedbg.adapters.core.target import CoreTarget

__all__ = ["CoreTarget"]
