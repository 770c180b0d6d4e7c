"""Android's tombstones in their protobuf form, `tombstone_NN.pb`, as a target.

What crash_dump writes of a process that died: registers, backtraces, 256 bytes of memory around
each register with the tags there, and what it thinks was the cause. Field numbers are those of
debuggerd/proto/tombstone.proto in AOSP's platform/system/core.
"""

from mtedbg.adapters.tombstone.message import is_tombstone, is_tombstone_text
from mtedbg.adapters.tombstone.target import TombstoneTarget

__all__ = ["TombstoneTarget", "is_tombstone", "is_tombstone_text"]
