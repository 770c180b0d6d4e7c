"""A validated debug root."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runtime:
    """One runtime of the process.

    Attributes:
        address: of its root.
        name: as the runtime calls itself.
    """

    address: int
    name: str
