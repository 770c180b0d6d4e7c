"""Names of C++ functions for people, without their parameters.

Source: Itanium C++ ABI 5.1 "External Names". Only plain names, nested or not, are read; what has
templates or operators in it stays as it is: a wrong name is worse than an ugly one.
"""

from __future__ import annotations

import re

_START = re.compile(r"_Z(N[KVr]*[RO]?)?(?=\d|St)")
_LENGTH = re.compile(r"[1-9][0-9]{0,3}")
_CONSTRUCTOR, _DESTRUCTOR = re.compile(r"C[1-5]"), re.compile(r"D[0-5]")
_ANONYMOUS = "_GLOBAL__N_1"
_STD = "St"


def demangled(name: str) -> str:
    """As "mtetso::Engine::run" for "_ZN6mtetso6Engine3runERNS_5FrameE"; else `name`."""
    start = _START.match(name)
    if start is None:
        return name
    nested = start[1] is not None
    parts, at = [], start.end()
    if name.startswith(_STD, at):
        parts, at = ["std"], at + len(_STD)
    while (length := _LENGTH.match(name, at)) is not None:
        begin, at = length.end(), length.end() + int(length[0])
        part = name[begin:at]
        if len(part) < int(length[0]):
            return name
        parts.append("(anonymous namespace)" if part == _ANONYMOUS else part)
        if not nested:
            break
    if not parts or (parts == ["std"]):
        return name
    if nested:
        if ending := _CONSTRUCTOR.match(name, at):
            parts.append(parts[-1])
            at = ending.end()
        elif ending := _DESTRUCTOR.match(name, at):
            parts.append(f"~{parts[-1]}")
            at = ending.end()
        if not name.startswith("E", at):
            return name
    elif name.startswith("I", at):
        return name
    return "::".join(parts)
