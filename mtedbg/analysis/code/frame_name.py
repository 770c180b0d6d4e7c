"""What a debugger calls a frame of JIT code in its own backtrace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.decode.code.code_map import name_of
from mtedbg.decode.memops.memop import memop_before, memop_in
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present
from mtedbg.model.code import Block, Outcome, Place, Range
from mtedbg.model.memop import Memop
from mtedbg.model.source import InlinedCall

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code_place import CodePlace


def frame_name(runtime: Runtime, place: Place) -> str:
    """A name such as "consumer [guest 0x401251, block 2]"; the part in brackets where none is.

    Args:
        runtime: of the code.
        place: of the frame's PC, which is in JIT code.
    """
    found, block = place.range, place.block
    name = place_name(runtime, place)
    said = [_guest(runtime, place)]
    if isinstance(found, Range) and found.kind != "Function":
        said = [found.kind]
    if isinstance(block, Block):
        said.append(f"block {block.id}")
    if place.outcome is Outcome.RETIRED:
        said.append("retired")
    return f"{name} [{', '.join(filter(None, said))}]".lstrip()


def frame_title(runtime: Runtime, place: Place) -> str:
    """The same with the source, "inner at a.js:3, inlined into outer at a.js:9 [block 2]".

    For debuggers, which know nothing of the source of such code.
    """
    from mtedbg.decode.code.details import source_of

    name, _, brackets = frame_name(runtime, place).partition("[")
    try:
        source = source_of(runtime, place)
    except LayoutError:
        source = NOT_APPLICABLE
    if isinstance(source, Absent):
        return f"{name}[{brackets}"
    calls = [*source.inlined, InlinedCall(name.rstrip(), source.source)]
    words = (
        one.function if one.source is None else f"{one.function} at {one.source}".lstrip()
        for one in calls
    )
    return f"{', inlined into '.join(words)} [{brackets}".lstrip()


def place_name(runtime: Runtime, place: Place) -> str:
    """The guest function, or the host's symbol, that JIT code is of; empty where none is known."""
    return _name(runtime, place.range) if isinstance(place.range, Range) else ""


def _name(runtime: Runtime, found: Range) -> str:
    try:
        return or_else(name_of(runtime, found), "")
    except LayoutError:
        return ""


def _guest(runtime: Runtime, place: Place) -> str:
    """The guest instruction, or the last one before it that is known."""
    if not isinstance(place.range, Range):
        return ""
    try:
        here = memop_in(runtime, place)
        before = memop_before(runtime, place)
    except LayoutError:
        return ""
    if isinstance(here, Memop):
        return f"guest {here.guest_rip:#x}"
    begin = before.guest_rip if isinstance(before, Memop) else place.range.guest_rip
    return f"past guest {begin:#x}" if isinstance(begin, int) and begin else ""


def foreign_frame_name(place: CodePlace) -> str:
    """A name such as "fib [trace 3, LuaJIT 2.1]"; the part in brackets where none is.

    Args:
        place: of the frame's PC, which is in code of a JIT without a debug root.
    """
    block = place.block
    said = [f"guest {place.guest_rip:#x}"] if present(place.guest_rip) else []
    if present(block):
        number = f" {block.number}" if present(block.number) else ""
        said.append(f"{block.noun}{number}")
    said.append(place.by)
    name = or_else(place.function, "")
    if present(place.line):
        name = f"{name} at {place.line}".lstrip()
    return f"{name} [{', '.join(said)}]".lstrip()
