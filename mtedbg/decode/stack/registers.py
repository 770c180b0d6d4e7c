"""Where translated code keeps things: the schema's `register` lines, against host registers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mtedbg.errors import LayoutError
from mtedbg.layout import Runtime

_GENERAL = re.compile(r"x([0-9]|[12][0-9]|30)")
_NZCV = 0xF << 28


def register_number(runtime: Runtime, role: str) -> int:
    """The number of the general register that has `role`.

    Raises:
        LayoutError: no general register has it.
    """
    name = runtime.registers.get(role, "")
    match = _GENERAL.fullmatch(name)
    if not match:
        raise LayoutError(f"the debug root puts {role} into {name or 'no register'}")
    return int(match[1])


def role_value(runtime: Runtime, role: str, registers: Mapping[str, int]) -> int | None:
    """What `role` holds in the host registers; None where none of them has it.

    `nzcv` stands for the flags as MRS reads them: bits 31:28 of PSTATE.
    """
    name = runtime.registers.get(role, "")
    if name == "nzcv":
        state = registers.get("pstate", registers.get("cpsr"))
        return None if state is None else state & _NZCV
    return registers.get(name)
