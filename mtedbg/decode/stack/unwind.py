"""From a frame of JIT code to whoever entered it, by the schema's `caller` lines.

JIT code has one frame, however deep the guest's calls are: what an entry stub has set up. At the
first two instructions of that stub it is not there yet, at a RET it is there no more; at all of
them x30 is still, or again, the return address (contract `jit.frame = record`).
"""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.layout import Requirements, Runtime
from mtedbg.layout.schema import Saved
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.code import Place, Range
from mtedbg.model.pointer import strip

NEEDS = CODEMAP_NEEDS | Requirements(contracts={"jit.frame": "record"})

KEPT = tuple(f"x{number}" for number in range(19, 30))
"""What a callee gives back as it got it (AAPCS64 6.1.1)."""

_WORD = (1 << 64) - 1
_RET = 0xD65F03C0
_RECORD = 16
"""Bytes of a frame record."""


def caller_of(
    runtime: Runtime, place: Place, registers: Mapping[str, int]
) -> dict[str, int] | Absent:
    """The registers of whoever entered JIT code: pc, sp, and x19 to x29.

    Args:
        runtime: of the code.
        place: of the PC, which is in JIT code.
        registers: there: pc, sp, and x19 to x30.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    bare = _bare_stack(runtime, place)
    if bare is not None:
        found = {name: registers[name] for name in KEPT if name in registers}
        return found | {"pc": registers["x30"], "sp": registers["sp"] + bare}
    rules = runtime.layout.schema.caller
    if not {"pc", "sp"} <= rules.keys():
        return Absent(Reason.NOT_RECORDED, "the schema does not say where pc and sp are")
    found = {name: registers[name] for name in KEPT if name in registers}
    for name, rule in rules.items():
        value = _value(runtime, rule, registers)
        if isinstance(value, Absent):
            return value
        found[name] = value
    return found


def _bare_stack(runtime: Runtime, place: Place) -> int | None:
    """Where there is no frame: bytes from SP to the caller's."""
    found = place.range
    if (
        isinstance(found, Range)
        and found.kind == "EntryStub"
        and not isinstance(place.block, Absent)
    ):
        into = place.pc - place.block.base - found.begin
        if into in (0, 4):
            return _RECORD if into else 0  # the first pushes the record
    data = runtime.target.read_memory(place.pc, 4)
    is_ret = not isinstance(data, Absent) and int.from_bytes(data, "little") == _RET
    return 0 if is_ret else None


def _value(runtime: Runtime, rule: Saved, registers: Mapping[str, int]) -> int | Absent:
    base = registers.get(rule.base)
    if base is None:
        return Absent(Reason.UNREADABLE, f"register {rule.base}")
    at = (base + rule.offset) & _WORD
    if not rule.in_memory:
        return at
    data = runtime.target.read_memory(strip(at), 8)
    return data if isinstance(data, Absent) else int.from_bytes(data, "little")
