"""Exceptions of a processor."""

from mtedbg.dataclass import dataclass

VECTOR_BYTES = 0x80
"""Of the code of one vector (Arm ARM, DDI 0487, D1.3.6 "Exception vectors")."""
VECTORS_BYTES = 0x800


@dataclass(frozen=True, slots=True)
class Taken:
    """The last exception that was taken to EL1, as the registers there have it.

    Attributes:
        syndrome: ESR_EL1.
        address: FAR_EL1, tag bits kept.
        returns_to: ELR_EL1: of an abort, the instruction that did it.
        vectors: VBAR_EL1: where the handlers begin.
        level: the exception level that the processor is at, 0 to 3.
        check_mode: SCTLR_EL1.TCF where it is at EL1, TCF0 where it is at EL0.
    """

    syndrome: int
    address: int
    returns_to: int
    vectors: int
    level: int
    check_mode: int
