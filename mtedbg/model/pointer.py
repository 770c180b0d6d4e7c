"""Tagged pointers.

Source: Arm ARM (DDI 0487) D10 "Memory Tagging Extension": the logical tag is bits 59:56 of the
pointer, a granule is 16 bytes. PAC bits: kernel document arm64/pointer-authentication.rst.
"""

GRANULE = 16
"""Bytes that share one allocation tag."""

TAG_SHIFT = 56
TAG_MASK = 0xF << TAG_SHIFT
_TOP_BYTE = 0xFF << TAG_SHIFT
USUAL_PAC_MASK = 0x7F << 48
"""Of authentication codes, where a process does not tell it: above 48 bits, below the tag."""
KERNEL_HALF = 1 << 55
"""Set in addresses of the kernel's, whatever the tag is."""

_WORD = (1 << 64) - 1
_NULL_END = 1 << 16


def logical_tag(pointer: int) -> int:
    """The tag (0 to 15) that `pointer` carries in bits 59:56."""
    return (pointer >> TAG_SHIFT) & 0xF


def with_tag(address: int, tag: int) -> int:
    """`address` with its bits 59:56 replaced by `tag` (0 to 15)."""
    return (address & ~TAG_MASK) | ((tag & 0xF) << TAG_SHIFT)


def strip(pointer: int, pac_mask: int = 0) -> int:
    """The address that `pointer` refers to, without tag and PAC bits.

    Args:
        pointer: 64 bits as found in a register or in memory.
        pac_mask: the bits that hold a pointer authentication code, as the kernel tells them
            (NT_ARM_PAC_MASK); 0 where unknown.
    """
    if pointer & KERNEL_HALF:
        return (pointer | _TOP_BYTE | pac_mask) & _WORD
    return pointer & ~_TOP_BYTE & ~pac_mask & _WORD


def is_near_null(address: int) -> bool:
    """Whether `address` (without tag) is a null pointer and an offset: nothing is mapped there.

    Source: Linux, CONFIG_DEFAULT_MMAP_MIN_ADDR, 64 KiB in most configurations.
    """
    return address < _NULL_END


def granule_of(address: int) -> int:
    """The first address of the granule that holds `address`."""
    return address & ~(GRANULE - 1)


def granule_span(address: int, length: int) -> tuple[int, int]:
    """First and one-past-last granule address of `length` bytes (at least 1) at `address`."""
    return granule_of(address), granule_of(address + max(length, 1) - 1) + GRANULE
