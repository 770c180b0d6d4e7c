"""ELF core files of AArch64 Linux as a target: what `mtedbg core` reads, without any debugger.

The file is read by position, never whole: it may be many gigabytes of holes, and may be cut off
anywhere, while it is read as well. What its bytes mean is `formats/elf.py`.
"""

from mtedbg.adapters.core.target import CoreTarget

__all__ = ["CoreTarget"]
