"""Android's tombstones in their protobuf form, `tombstone_NN.pb`, as a target.

What crash_dump writes of a process that died: registers, backtraces, 256 bytes of memory around
each register with the tags there, and what it thinks was the cause. Field numbers are those of
debuggerd/proto/tombstone.proto in AOSP's platform/system/core.
"""

_MOST_MACHINE = 5
_SECOND_KEYS = (0x12, 0x1A, 0x22, 0x28, 0xC0)
_TEXT = b"*** *** ***"


def is_tombstone(start: bytes) -> bool:
    """Whether a file that begins so may be one: `arch`, which 32-bit Arm leaves out, then text."""
    if start[:1] == b"\x08" and len(start) > 2:
        return start[1] <= _MOST_MACHINE and start[2] in _SECOND_KEYS
    return start[:1] == b"\x12" and len(start) > 2 and start[2:3].isalpha()


def is_tombstone_text(start: bytes) -> bool:
    """Whether a file that begins so is one in the form for people."""
    return start.startswith(_TEXT)
