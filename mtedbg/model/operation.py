"""Changes that a runtime makes under its journal."""

from enum import StrEnum


class Operation(StrEnum):
    """What is being changed; the value is the name in the schema."""

    NONE = "None"
    PATCH_MEMOP = "PatchMemop"
    INSERT_BLOCK = "InsertBlock"
    RETIRE_BLOCK = "RetireBlock"
    RETAG_ONLY = "RetagOnly"


OF_CODE = frozenset((Operation.INSERT_BLOCK, Operation.RETIRE_BLOCK))
"""Changes of the code map."""

OF_MEMORY = frozenset((Operation.PATCH_MEMOP, Operation.RETAG_ONLY))
"""Changes of memops and of tags."""
