"""What the frames are called in a debugger's own `bt`, whatever its paths have in them."""

from __future__ import annotations

import re

__all__ = ["frame_names", "known_frames"]

GDB_FRAME = re.compile(r"^#\d+ +(?:0x[0-9a-f]+ in )?(<signal handler called>|.*?)(?: \(|$)", re.M)
LLDB_FRAME = re.compile(r"frame #\d+: 0x[0-9a-f]+(?: +(?:[^\s`]+`)?(.*?))? *(?: at |$)", re.M)


def frame_names(flavour: str, said: str) -> list[str]:
    """One for each frame, innermost first; empty where the debugger has none.

    Args:
        flavour: "gdb18", "lldb23" and the like.
        said: What `bt` has printed.
    """
    pattern = GDB_FRAME if flavour.startswith("gdb") else LLDB_FRAME
    return [name or "" for name in pattern.findall(said)]


def known_frames(flavour: str, said: str, names: list[str]) -> list[str]:
    """Those of `names` that have a frame, innermost first.

    Args:
        flavour: As of `frame_names`.
        said: What `bt` has printed.
        names: Of functions; in a frame a place in the code may follow, "leaf at toy.lang:8".
    """
    functions = [name.partition(" ")[0] for name in frame_names(flavour, said)]
    return [function for function in functions if function in names]
