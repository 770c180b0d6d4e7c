"""GDB's own backtrace through JIT code: an unwinder for its frames, a frame filter for names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gdb

from mtedbg.errors import MtedbgError
from mtedbg.model.pointer import USUAL_PAC_MASK

NAME = "mtedbg"
_WORD = (1 << 64) - 1
# Before GDB's own filters and those of other extensions with the usual priority.
_PRIORITY = 100
_MASKS = ("pauth_dmask", "pauth_cmask")


class _FrameId:
    """What GDB knows a frame by (`gdb.unwinder.FrameId` is GDB 14's)."""

    def __init__(self, sp: gdb.Value, pc: gdb.Value) -> None:
        self.sp = sp
        self.pc = pc


class JitUnwinder:
    """From a frame in JIT code to whoever entered it."""

    name = NAME
    enabled = True

    def __call__(self, pending: Any) -> Any:
        """GDB calls this for every frame of every program; None where it is not ours."""
        from mtedbg.adapters.gdb import jit_code

        try:
            if jit_code.runtimes() and (unwound := _unwound(pending)) is not None:
                return unwound
            return _unwound_foreign(pending)
        except (MtedbgError, gdb.error, ValueError):
            return None


def _unwound(pending: Any) -> Any:
    from mtedbg.adapters.gdb.jit_code import place_of
    from mtedbg.decode.stack.unwind import caller_of
    from mtedbg.model.absent import Absent
    from mtedbg.model.code import Block, Range
    from mtedbg.model.pointer import strip

    pc = strip(int(pending.read_register("pc")) & _WORD)
    found = place_of(pc, returns=_is_caller(pending))
    if found is None:
        return None
    runtime, place = found
    caller = caller_of(runtime, place, {**_readable(pending), "pc": place.pc})
    if isinstance(caller, Absent):
        return None
    assert isinstance(place.block, Block)
    into = place.range.begin if isinstance(place.range, Range) else 0
    word = pending.architecture().integer_type(64, False)
    begin = gdb.Value(place.block.base + into).cast(word)
    unwound = pending.create_unwind_info(_FrameId(gdb.Value(caller["sp"]).cast(word), begin))
    for name, value in caller.items():
        unwound.add_saved_register(name, gdb.Value(value).cast(word))
    return unwound


def _is_caller(pending: Any) -> bool:
    """Whether a frame has called another one: its PC is a return address then."""
    level = getattr(pending, "level", None)  # since GDB 13
    return level is not None and level() > 0


def _unwound_foreign(pending: Any) -> Any:
    """Out of code of a JIT without a debug root; None where GDB's own way is right."""
    from mtedbg.adapters.gdb import foreign_code
    from mtedbg.model.absent import NOT_APPLICABLE, Absent, present
    from mtedbg.model.pointer import strip

    pc = strip(int(pending.read_register("pc")) & _WORD)
    after_call = _is_caller(pending)
    here = {"pc": pc, **_readable(pending)}
    place = foreign_code.place_of(pc, here, after_call=after_call)
    if place is None and not foreign_code.keeps_records(pc, after_call=after_call):
        return None
    caller = foreign_code.caller_of(pc, here, after_call=after_call)
    if caller is None or isinstance(caller, Absent) or not {"pc", "sp"} <= caller.keys():
        return None
    word = pending.architecture().integer_type(64, False)
    block = NOT_APPLICABLE if place is None else place.block
    start = block.start if present(block) else foreign_code.begin_of(pc)
    begin = gdb.Value(start).cast(word)
    unwound = pending.create_unwind_info(_FrameId(gdb.Value(caller["sp"]).cast(word), begin))
    for name, value in caller.items():
        unwound.add_saved_register(name, gdb.Value(value & _WORD).cast(word))
    # GDB takes authentication codes off return addresses by these, which a core may lack.
    for name in _MASKS:
        with suppress(gdb.error, ValueError):  # of a machine without
            unwound.add_saved_register(name, _mask(pending, name).cast(word))
    return unwound


def _mask(pending: Any, name: str) -> Any:
    try:
        return gdb.Value(int(pending.read_register(name)) & _WORD)
    except gdb.error:
        return gdb.Value(USUAL_PAC_MASK)


def _readable(pending: Any) -> dict[str, int]:
    """The registers of a frame that are known: a caller's are not all."""
    found = {}
    for name in ("sp", *(f"x{number}" for number in range(31))):
        with suppress(gdb.error, ValueError):
            found[name] = int(pending.read_register(name)) & _WORD
    return found


UNKNOWN = "??"
"""What GDB calls a function that it does not know, where no filter is."""


class JitNames:
    """A frame filter: frames of JIT code are called as the guest's functions are."""

    name = NAME
    priority = _PRIORITY

    @property
    def enabled(self) -> bool:
        """Whether there is JIT code: without a filter GDB prints frames by itself."""
        from mtedbg.adapters.gdb import foreign_code, jit_code

        jit_code.learn()
        try:
            foreign = foreign_code.is_there()
        except (MtedbgError, gdb.error):
            foreign = False
        return bool(jit_code.runtimes()) or foreign

    @enabled.setter
    def enabled(self, _value: bool) -> None:
        """GDB's `enable frame-filter` writes it."""

    def filter(self, frames: Iterator[Any]) -> Iterator[Any]:
        """GDB calls this for each backtrace."""
        return map(_named, frames)


def _named(decorator: Any) -> Any:
    from mtedbg.adapters.gdb.jit_code import place_of
    from mtedbg.analysis.code.frame_name import frame_title

    try:
        frame = decorator.inferior_frame()
        found = place_of(frame.pc(), returns=frame.newer() is not None)
        name = frame_title(*found) if found else _foreign_name(frame)
        if not name and frame.type() == gdb.NORMAL_FRAME and frame.name() is None:
            # Behind a filter GDB 13 prints nothing for it, and GDB 18 three.
            name = UNKNOWN
    except (MtedbgError, gdb.error):
        return decorator
    return _decorated(decorator, name) if name else decorator


def _foreign_name(frame: Any) -> str:
    """What code of a JIT without a debug root is called; empty where it is none."""
    from mtedbg.adapters.gdb import foreign_code
    from mtedbg.analysis.code.frame_name import foreign_frame_name
    from mtedbg.analysis.code.in_frame import SCRIPT_FRAME

    newer = frame.newer()
    after_call = newer is not None and newer.type() != gdb.SIGTRAMP_FRAME
    registers = {name: int(frame.read_register(name)) & _WORD for name in ("x29", "sp")}
    with suppress(gdb.error):  # a caller's may not be known
        registers[SCRIPT_FRAME] = int(frame.read_register(SCRIPT_FRAME)) & _WORD
    place = foreign_code.place_of(int(frame.pc()), registers, after_call=after_call)
    return "" if place is None else foreign_frame_name(place)


def _decorated(decorator: Any, name: str) -> Any:
    from gdb.FrameDecorator import FrameDecorator

    class Named(FrameDecorator):  # type: ignore[misc]
        """One frame with its name; the class is made here, where GDB's own is needed first."""

        def function(self) -> str:
            return name

    return Named(decorator)


def install() -> None:
    """Registers both. May be called again."""
    gdb.frame_unwinders[:] = [one for one in gdb.frame_unwinders if one.name != NAME]
    gdb.frame_unwinders.insert(0, JitUnwinder())
    gdb.frame_filters[NAME] = JitNames()
    gdb.invalidate_cached_frames()
