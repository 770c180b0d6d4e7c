"""Where a value of x30, or of a frame record, leads back to: without tag and signature."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.decode.stack.return_address import without_signature
from mtedbg.model.absent import or_else
from mtedbg.model.pointer import KERNEL_HALF
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session


def return_address(session: Session, value: int) -> int:
    """The address that `value`, which may be signed, has without tag and authentication code.

    Where the process tells which bits are the code's, those are taken away and no others: what is
    still no code then was overwritten. Where it does not, the address space in use tells.
    """
    address = session.strip(value)
    if session.info.pac_mask:
        return address
    return without_signature(address, partial(region_at, session), _end_of_space(session))


@once
def _end_of_space(session: Session) -> int:
    """One past the last address that is mapped in the user's half."""
    regions = or_else(session.target.regions(), ())
    return max((one.end for one in regions if not one.start & KERNEL_HALF), default=0)
