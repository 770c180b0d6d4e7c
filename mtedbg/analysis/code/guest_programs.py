"""The programs and libraries whose code a runtime translates, as its debug root names them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.errors import LayoutError
from mtedbg.model.absent import or_else
from mtedbg.model.guest_program import GuestProgram
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

_MOST_DIGITS = 128
"""Of a build id."""


def program_at(session: Session, address: int) -> GuestProgram | None:
    """The program or library with code at a guest address; None where none is known."""
    found = guest_programs(session)
    index = bisect_right(found, address, key=lambda one: one.begin) - 1
    return found[index] if index >= 0 and address < found[index].end else None


@once
def guest_programs(session: Session) -> tuple[GuestProgram, ...]:
    """All of them, of every runtime, in order of address.

    A mapping that went and came again is known twice: the younger one is there.
    """
    runtimes = session.readable_runtimes()
    found = {one.begin: one for runtime in runtimes for one in _programs(runtime)}
    return tuple(found[begin] for begin in sorted(found))


def _programs(runtime: Runtime) -> Iterator[GuestProgram]:
    from mtedbg.decode.code.code_map import programs_of

    try:
        records = or_else(programs_of(runtime), ())
    except LayoutError:
        return
    for one in sorted(records, key=lambda one: one.id):
        begin, end = or_else(one.guest_begin, 0), or_else(one.guest_end, 0)
        if not begin < end:
            continue
        digits = runtime.text_if_any(one.build_id, one.build_id_length)[:_MOST_DIGITS]
        try:
            build_id = bytes.fromhex(digits)
        except ValueError:
            build_id = b""
        path = runtime.text_if_any(one.path, one.path_length)
        name = runtime.text_if_any(one.name, one.name_length)
        yield GuestProgram(name, path, build_id, or_else(one.load_bias, 0), begin, end)
