"""A faulting access as the search for its cause takes it: what was accessed, by which pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, or_else, then
from mtedbg.model.instruction import ZR, AccessKind
from mtedbg.model.pointer import granule_of, logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class BadAccess:
    """An access whose pointer has another tag than the memory.

    Attributes:
        address: its first byte, without tag.
        bad: its first byte whose granule has another tag.
        tag: the pointer's.
        base: value of the base register, tag kept; None where the instruction is not known.
        base_name: "x1"; empty where it is not known.
        walks: whether the pointer is one that a loop moves: the access adds to its base.
        writes: whether it stores.
        pc: where; 0 where not known.
        registers: of the thread, by name.
        is_known: whether the instruction is known, and with it the pointer's tag: si_addr may
            have lost it on its way through a handler.
    """

    address: int
    bad: int
    tag: int
    base: int | None = None
    base_name: str = ""
    walks: bool = False
    writes: bool = False
    pc: int = 0
    registers: tuple[tuple[str, int], ...] = ()
    is_known: bool = True

    def register(self, name: str) -> int | None:
        """The value of a register."""
        return dict(self.registers).get(name)


def bad_access(session: Session, met: Fault, pointer: int | None = None) -> BadAccess | None:
    """The access that `met` is about; None where its pointer is not known.

    Args:
        session: where.
        met: a tag check fault.
        pointer: tag kept, where not the fault's own is meant: a suspect's.
    """
    registers = tuple(or_else(met.at.registers, {}).items())
    if pointer is not None:
        address = session.strip(pointer)
        return BadAccess(address, address, logical_tag(pointer), registers=registers)
    if isinstance(met.pointer, Absent):
        return None
    return _access(session, met, logical_tag(met.pointer))


def access_of(session: Session, met: Fault) -> BadAccess | None:
    """The access of a fault that is no tag check's; None where its address is not known."""
    if isinstance(met.raw_address, Absent):
        return None
    pointer = or_else(met.at.pointer, met.raw_address)
    return _access(session, met, logical_tag(pointer))


def _access(session: Session, met: Fault, tag: int) -> BadAccess | None:
    registers = tuple(or_else(met.at.registers, {}).items())
    at, address = met.at, then(met.raw_address, session.strip)
    if isinstance(address, Absent):
        return None
    pc = or_else(at.pc, 0)
    ours = met.accesses or (met.tag_check is None and at.may_touch(address))
    if not ours or isinstance(at.access, Absent) or isinstance(at.address, Absent):
        return BadAccess(address, address, tag, pc=pc, registers=registers, is_known=False)
    access = at.access
    bad = next((one.address for one in met.granules if one.tag != tag), granule_of(address))
    stores = (AccessKind.STORE, AccessKind.RMW, AccessKind.TAG_STORE)
    base = None if isinstance(at.base_value, Absent) else at.base_value
    name = access.base_name
    if access.index is not None and access.index.register != ZR and base is not None:
        # A compiler may have the pointer as the index and the index as the base.
        other = f"x{access.index.register}"
        value = or_else(at.registers, {}).get(other, 0)
        if logical_tag(value) == tag and logical_tag(base) != tag and not access.index.shift:
            base, name = value, other
    return BadAccess(
        at.address,
        max(at.address, bad),
        tag,
        base,
        name,
        access.writeback is not None,
        access.kind in stores,
        pc,
        registers,
    )
