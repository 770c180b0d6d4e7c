"""Real x86-64 programs in the runtime: what they print and how they end is what a processor says.

`make programs` runs each natively, in the runtime under QEMU's user mode, and in the VM, in several
ways. Programs are of packages of Debian stable, unpacked into the user's cache with all that they
depend on. Natively that folder is their root, so that the machine's own libraries play no part.

How to add one: a `Program` in `table.py`, with its package's version in `root.py`; what it reads is
in `inputs/`. It must print the same in every native run.
"""
