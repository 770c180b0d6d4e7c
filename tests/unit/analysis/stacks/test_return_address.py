"""Signed return addresses, where the process says which bits sign them and where it does not."""

from __future__ import annotations

import pytest

from mtedbg.analysis.stacks.registers import Registers, registers
from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.support.fake import FakeTarget

CODE, LOW_CODE, DATA = 0x5500_0000_0000, 0x40_0000, 0x5500_0010_0000
WANTED = CODE + 0x234
STACK_48, STACK_39 = 0x7FFF_F000_0000, 0x7F_F000_0000
MASK = 0x007F_0000_0000_0000


def session_of(stack: int = STACK_48, code: int = CODE, pac_mask: int = 0) -> Session:
    places = {code: "r-x", stack: "rw-"} | ({DATA: "rw-"} if code == CODE else {})
    return Session(
        FakeTarget(
            mappings=[
                Region(start, start + 0x1000, perms, "", tagged=False)
                for start, perms in sorted(places.items())
            ],
            pac_mask=pac_mask,
        )
    )


@pytest.mark.parametrize("signature", [0, 1, 0x2A, 0x55, 0x7F])
@pytest.mark.parametrize("tag", [0, 3, 0xFF])
@pytest.mark.parametrize("mask", [0, MASK])
def test_the_code_in_bits_54_to_48_is_taken_away(signature: int, tag: int, mask: int) -> None:
    session = session_of(pac_mask=mask)
    assert return_address(session, tag << 56 | signature << 48 | WANTED) == WANTED


def test_a_smaller_address_space_has_a_longer_code() -> None:
    session = session_of(stack=STACK_39, code=LOW_CODE)
    assert return_address(session, 0x0042_4180_0040_0234) == LOW_CODE + 0x234


def test_bits_of_the_address_space_in_use_are_the_address() -> None:
    """A mapping needs 48 bits: what is in bits 47 to 39 is no code, but overwritten."""
    session = session_of(code=LOW_CODE)
    assert return_address(session, 0x4180_0040_0234) == 0x4180_0040_0234
    assert return_address(session, 0x0042_4180_0040_0234) == 0x0042_4180_0040_0234


def test_where_a_mask_is_noted_no_other_bit_is_taken_away() -> None:
    session = session_of(stack=STACK_39, code=LOW_CODE, pac_mask=MASK)
    assert return_address(session, 0x0042_4180_0040_0234) == 0x4180_0040_0234


@pytest.mark.parametrize(
    "value",
    [
        0x0042_0000_0000_0000 | DATA,  # no code there
        0x0042_0000_0000_0000 | CODE + 0x1000,  # nothing there
        0x0041_4141_4141_4141,
        0x0042_0000_0000_0000,
        DATA,
        0,
    ],
)
def test_what_leads_to_no_code_stays(value: int) -> None:
    assert return_address(session_of(), value) == value


def test_the_kernels_half_has_no_user_code() -> None:
    value = 0xFFFF_0000_0000_0000 | WANTED
    assert return_address(session_of(), value) == value


def test_a_mapping_that_has_those_bits_is_believed() -> None:
    """In 52 bits of address space, bits 51 to 48 are addresses."""
    session = session_of(stack=0x000A_0000_0000_0000)
    assert return_address(session, 0x000A_0000_0000_0010) == 0x000A_0000_0000_0010
    assert return_address(session, 0x0001_0000_0000_0000 | WANTED) == 0x0001_0000_0000_0000 | WANTED
    assert return_address(session, 0x0050_0000_0000_0000 | WANTED) == WANTED


def test_without_mappings_nothing_is_taken_away() -> None:
    session = Session(FakeTarget(mappings=Absent(Reason.UNREADABLE)))
    assert return_address(session, 0x0042_0000_0000_0000 | WANTED) == 0x0042_0000_0000_0000 | WANTED


def test_only_x30_is_shown_so() -> None:
    """Any other register with such bits is a pointer that is wrong."""
    session = session_of()
    signed = 0x0042_0000_0000_0000 | WANTED
    session.target.register_sets[1] = {"x1": signed, "x30": signed}  # type: ignore[attr-defined]
    found = registers(session, session.current_thread())
    assert isinstance(found, Registers)
    shown = {one.name: one.points_to for one in found.all}
    assert isinstance(shown["x1"], Absent)
    assert str(shown["x30"]) == "r-x anonymous memory"
