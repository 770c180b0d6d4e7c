"""The host's calls by frame records: return addresses along x29, as AAPCS64 6.4.6 has them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.session import Session

_RECORD = struct.Struct("<QQ")


def return_addresses(
    session: Session, registers: Mapping[str, int], most: int = 64
) -> Iterator[int]:
    """Where the callers of a frame go on, the innermost first; ends at the first odd record.

    Args:
        session: the process.
        registers: of the frame.
        most: frames that are followed.
    """
    record = session.strip(registers.get("x29", 0))
    for _ in range(most):
        data = session.target.read_memory(record, _RECORD.size) if record % 16 == 0 else None
        if data is None or isinstance(data, Absent):
            return
        following, address = _RECORD.unpack(data)
        if not address:
            return
        yield session.strip(address)
        following = session.strip(following)
        if following <= record:  # stacks grow down: what does not go up may be a circle
            return
        record = following
